//! What does not fit into a word: windows of calls, in a fixed block of 64-bit cells beside it.
//!
//! The same code runs on atomics in production, on loom's where it is checked, and on [`Cell<u64>`](core::cell::Cell)
//! in tests and replays. Each cell carries the generation that it counts for, so that nothing of an earlier state counts
//! in a later one.
//!
//! A window of calls is a ring of two bits a call. A call takes the next place and counts what comes and what goes there by
//! one swap, and then exchanges the bits, if they differ: what went was another's after all if that one came late. So the
//! totals are exact whenever no call is between these steps, whatever the order.
//! A window of time is a ring of buckets on a fixed grid.

use core::time::Duration;

use crate::{
    Checked, Timestamp,
    machine::Weighed,
    policy::{ramp::Ramping, trip::Limits},
    time::nanos,
};

/// A 64-bit cell that is shared, or not.
pub trait Cell64 {
    /// What is in it.
    fn get(&self) -> u64;
    /// Puts something else in.
    fn set(&self, bits: u64);
    /// Puts `new` in if `old` is in it.
    fn replace(&self, old: u64, new: u64) -> bool;
    /// Adds one to it.
    fn increment(&self);
}

impl Cell64 for core::cell::Cell<u64> {
    fn get(&self) -> u64 {
        self.get()
    }

    fn set(&self, bits: u64) {
        self.set(bits);
    }

    fn replace(&self, old: u64, new: u64) -> bool {
        let stands = self.get() == old;
        if stands {
            self.set(new);
        }
        stands
    }

    fn increment(&self) {
        self.set(self.get().wrapping_add(1));
    }
}

/// A call that counts in the windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// It failed.
    pub failed: bool,
    /// It was slow.
    pub slow: bool,
}

impl Call {
    #[inline]
    const fn bits(self) -> u64 {
        self.failed as u64 | (self.slow as u64) << 1
    }
}

/// The calls in a window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// All of them.
    pub calls: u32,
    /// Those that failed.
    pub failures: u32,
    /// Those that were slow.
    pub slow: u32,
}

impl Totals {
    /// The share of the calls that failed, from 0 to 1; `None` of no call.
    ///
    /// ```
    /// # mod breaker_layer { pub use breaker_core as observe; }
    /// use breaker_layer::observe::Totals;
    ///
    /// let totals = Totals { calls: 8, failures: 2, slow: 4 };
    /// assert_eq!(totals.failure_rate(), Some(0.25));
    /// assert_eq!(totals.slow_rate(), Some(0.5));
    /// assert_eq!(Totals::default().failure_rate(), None);
    /// ```
    pub fn failure_rate(&self) -> Option<f64> {
        self.share(self.failures)
    }

    /// The share of the calls that were slow, from 0 to 1; `None` of no call.
    pub fn slow_rate(&self) -> Option<f64> {
        self.share(self.slow)
    }

    fn share(&self, part: u32) -> Option<f64> {
        (self.calls > 0).then(|| f64::from(part) / f64::from(self.calls))
    }
}

/// What became of a call that [`Beside::count_plain`] was to count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plain {
    /// It is counted.
    Counted,
    /// Another call came first: nothing is written.
    Late,
    /// It takes a closer look: nothing is written.
    Apart,
    /// It has its place, but others came between: [`Beside::count_disturbed`] goes on.
    Disturbed(Taken),
}

/// A place in the window of calls that a call has taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    head: Head,
    /// The call's bits are there, but the window was cleared.
    is_put: bool,
}

/// A window of calls that is all that is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct RingOnly {
    size: u64,
    /// With more failures the window is broken when it is full, and before that if there are enough calls.
    most_failures: u64,
    min_calls: u64,
    /// In millionths.
    rate: u64,
}

impl RingOnly {
    pub(crate) fn new(size: u32, limits: &Limits) -> Self {
        // The least rate that is none.
        let rate = limits.failure_rate.map_or(1_000_001, u64::from);
        let at_rate = (rate * u64::from(size)).div_ceil(1_000_000);
        let at_most = limits
            .failures
            .map_or(at_rate, |failures| at_rate.min(failures.into()));
        Self {
            size: size.into(),
            most_failures: at_most - 1,
            min_calls: limits.min_calls.into(),
            rate,
        }
    }

    /// Whether so many failures of so many calls are too many.
    #[inline]
    const fn breaks_rate(&self, failures: u64, calls: u64) -> bool {
        calls >= self.min_calls && failures * 1_000_000 >= self.rate * calls
    }
}

/// What a circuit keeps beside its word, in this block of cells: windows, totals and the ramp, as its configuration asks.
#[derive(Clone, Copy, Debug)]
pub struct Beside<'a, C> {
    config: &'a Checked,
    /// That of the window of calls.
    head: Option<&'a C>,
    cells: &'a [C],
}

impl Checked {
    /// How many cells [`Beside`] needs.
    pub fn cells(&self) -> usize {
        self.layout.cells()
    }

    /// What the cells are used for.
    pub const fn layout(&self) -> Layout {
        self.layout
    }

    /// Whether another configuration keeps the same in its cells.
    pub fn shares_cells(&self, other: &Self) -> bool {
        let sizes = |config: &Self| {
            let calls = config.trip.calls.map(|(size, _)| size);
            let time = config.trip.time.map(|(grid, _)| grid);
            let counts_slow = config.slow_after.is_some();
            (config.count_calls, counts_slow, config.ramp, calls, time)
        };
        sizes(self) == sizes(other)
    }
}

/// Which of a block of cells are whose. Two configurations with the same layout may use a block in turn: a straggler of the
/// one takes no cell of the other for something else.
// The head of the window of calls comes first, then the totals, and then these, counted from the second cell on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Layout {
    ramp: u16,
    calls: u16,
    time: u16,
    end: u16,
}

impl Layout {
    /// How many cells that takes.
    pub const fn cells(self) -> usize {
        if self.end == 0 {
            0
        } else {
            1 + self.end as usize
        }
    }

    /// The place of the total of slow calls, where there is one.
    const fn slow(config: &Checked) -> u16 {
        if config.count_calls { 2 } else { 0 }
    }

    /// No window has more than 33 000 cells, so that all of this fits.
    pub(crate) fn of(config: &Checked) -> Self {
        let ramp = Self::slow(config) + u16::from(config.slow_after.is_some());
        let calls = ramp + 2 * u16::from(config.ramp.is_some());
        let ring = |size| Ring::<()>::cells(size) as u16;
        let time = calls + config.trip.calls.map_or(0, |(size, _)| ring(size));
        let buckets = |grid: Grid| 1 + 3 * grid.buckets as u16;
        let end = time + config.trip.time.map_or(0, |(grid, _)| buckets(grid));
        Self {
            ramp,
            calls,
            time,
            end,
        }
    }
}

impl<'a, C: Cell64> Beside<'a, C> {
    /// What `config` asks for, in `cells`, of which there must be [`Layout::cells`].
    pub const fn new(config: &'a Checked, cells: &'a [C]) -> Self {
        match cells.split_first() {
            Some((head, cells)) => Self::with_head(config, head, cells),
            None => Self {
                config,
                head: None,
                cells,
            },
        }
    }

    /// As [`Beside::new`], where the first cell lies apart from the others: a call that does not have to look for it is faster.
    pub const fn with_head(config: &'a Checked, head: &'a C, cells: &'a [C]) -> Self {
        Self {
            config,
            head: Some(head),
            cells,
        }
    }

    /// Whether there is a window of calls that a success could change: not full, or not of good calls alone.
    ///
    /// A call that changes that after this finds what its caller wrote before.
    pub fn needs_successes(&self, generation: u16) -> bool {
        self.ring().is_some_and(|(ring, _)| {
            // Swapped, and not just read: of two swaps the later one's thread sees what came before the earlier.
            for cell in [Some(ring.head), ring.has_slow.then_some(ring.slow)] {
                let is_swapped = |cell: &C| {
                    let bits = cell.get();
                    cell.replace(bits, bits)
                };
                while !cell.is_none_or(is_swapped) {}
            }
            !ring.is_clean(ring.totals(generation))
        })
    }

    /// Counts a call of this generation, and says which rule that breaks. Time is asked for only by a window of time.
    #[inline]
    pub fn record(&self, generation: u16, call: Call, now: impl FnOnce() -> Timestamp) -> Weighed {
        let mut weighed = Weighed::default();
        if let Some((ring, limits)) = self.ring()
            && let Some(totals) = ring.record(generation, call)
        {
            weighed = ring.weigh(limits, totals);
        }
        if let Some((buckets, limits)) = self.buckets() {
            let totals = buckets.record(generation, call, now()).unwrap_or_default();
            weighed.broken = weighed.broken.or_else(|| limits.judge(totals));
            weighed.failures = weighed.failures.max(totals.failures);
        }
        weighed
    }

    /// Counts a call that was not slow in a window of calls, where that is all that is kept, unless that could break a rule, or
    /// leaves nothing but good calls.
    #[inline(always)]
    pub fn count_plain(&self, generation: u16, failed: bool) -> Plain {
        let (Some(ring), Some(first)) = (&self.config.ring_only, self.head) else {
            return Plain::Apart;
        };
        let head = Head(first.get());
        let (at, shift) = place_of(head.place());
        let Some(cell) = self.cells.get(1 + at).filter(|_| head.counts(generation)) else {
            return Plain::Apart;
        };
        // Read before the place is taken: whatever comes there in between comes as if after this call.
        let old = cell.get();
        let (come, gone) = (u64::from(failed), old >> shift & 1);
        // Below zero is beyond any size.
        let failures = (head.failures() + come).wrapping_sub(gone);
        let most = if failed {
            ring.most_failures
        } else {
            ring.size
        };
        let next = head.next(ring.size);
        let is_apart = failures > most
            || !failed && failures == 0 && next.is_full()
            || !head.is_full() && ring.breaks_rate(failures, head.place() + 1);
        if is_apart {
            return Plain::Apart;
        }
        let next = next
            .0
            .wrapping_add(come.wrapping_sub(gone) << Head::FAILURES);
        if !first.replace(head.0, next) {
            return Plain::Late;
        }
        if come == gone {
            return Plain::Counted;
        }
        let is_put = cell.replace(old, old ^ 1 << shift);
        if is_put && Head(first.get()).is_since(head) {
            return Plain::Counted;
        }
        Plain::Disturbed(Taken { head, is_put })
    }

    /// Ends what [`Beside::count_plain`] began where it was disturbed. `false` if the window has to be weighed after that.
    pub fn count_disturbed(&self, failed: bool, taken: Taken) -> bool {
        let Some((ring, _)) = self.ring() else {
            return false;
        };
        let (come, expected) = (u64::from(failed), u64::from(!failed));
        if taken.is_put {
            ring.take_back(taken.head.place(), come, expected);
            return false;
        }
        let (totals, gone) = ring.put(taken.head, expected, come);
        totals.is_some() && gone == expected
    }

    /// What the window of calls makes of the calls in it.
    pub fn weigh(&self, generation: u16) -> Weighed {
        self.ring().map_or_else(Weighed::default, |(ring, limits)| {
            ring.weigh(limits, ring.totals(generation))
        })
    }

    /// Counts a good call in the window of time, where there is one, unless that could break a rule; `false` then, and nothing
    /// is written.
    ///
    /// A good call makes no rate higher but by completing `min_calls`, and time none but as a bucket begins. Always inlined: apart,
    /// it took a call a sixth more instructions.
    #[inline(always)]
    pub fn count_good(&self, generation: u16, now: impl FnOnce() -> Timestamp) -> bool {
        self.buckets()
            .is_none_or(|(buckets, limits)| buckets.count_good(generation, now(), limits.min_calls))
    }

    /// Counts an admitted call, where that was asked for.
    pub fn count_admitted(&self) {
        if self.config.count_calls {
            self.cells[0].increment();
        }
    }

    /// Counts a success, where that was asked for.
    pub fn count_success(&self) {
        if self.config.count_calls {
            self.cells[1].increment();
        }
    }

    /// Counts a slow call, where it is known what that is.
    pub fn count_slow(&self) {
        if self.config.slow_after.is_some() {
            self.cells[usize::from(Layout::slow(self.config))].increment();
        }
    }

    /// The slow calls, where it is known what that is.
    pub fn slow(&self) -> Option<u64> {
        let is_known = self.config.slow_after.is_some();
        is_known.then(|| self.cells[usize::from(Layout::slow(self.config))].get())
    }

    /// The admitted calls and the successes, where they are counted.
    pub fn counted(&self) -> Option<(u64, u64)> {
        self.config
            .count_calls
            .then(|| (self.cells[0].get(), self.cells[1].get()))
    }

    /// Whether a recovering circuit has allowance for one more call; if not, when it will.
    ///
    /// # Errors
    ///
    /// The time until there is room.
    pub fn admit(&self, generation: u16, now: Timestamp) -> Result<(), Duration> {
        self.ramp()
            .map_or(Ok(()), |ramp| ramp.admit(generation, now))
    }

    /// Changes a recovering circuit's allowance, and says whether the recovery is over.
    pub fn recover(&self, generation: u16, failed: bool) -> bool {
        self.ramp()
            .is_none_or(|ramp| ramp.record(generation, failed))
    }

    fn ramp(&self) -> Option<Ramping<'a, C>> {
        let (ramp, at) = (self.config.ramp?, usize::from(self.config.layout.ramp));
        Some(Ramping {
            ramp,
            due: &self.cells[at],
            rate: &self.cells[at + 1],
        })
    }

    /// Clears the window of calls for the states from this generation on, so that none of their calls has to.
    pub fn clear(&self, generation: u16) {
        if let Some((ring, _)) = self.ring() {
            ring.hand_on(generation);
        }
    }

    /// As [`Beside::clear`], where nobody else has the cells yet.
    pub fn begin(&self, generation: u16) {
        let ring = self.ring().map(|(ring, _)| (ring.open(generation), ring));
        for cell in self.cells {
            swap(cell, 0);
        }
        if let Some((head, ring)) = ring {
            swap(ring.slow, head.cleared().0);
            swap(ring.head, head.cleared().0);
        }
        if let Some((buckets, _)) = self.buckets() {
            buckets.newest.set(u64::from(generation) << 48);
        }
    }

    /// The calls in the window of calls.
    pub fn calls(&self, generation: u16) -> Option<Totals> {
        self.ring().map(|(ring, _)| ring.totals(generation))
    }

    /// The calls in the window of time.
    pub fn time(&self, generation: u16, now: Timestamp) -> Option<Totals> {
        self.buckets()
            .map(|(buckets, _)| buckets.totals(generation, now))
    }

    /// Takes over as much as fits from what another configuration kept.
    pub fn carry(&self, from: &Beside<'_, C>, generation: u16, now: Timestamp) {
        if self.config.count_calls && from.config.count_calls {
            self.cells[0].set(from.cells[0].get());
            self.cells[1].set(from.cells[1].get());
        }
        if let (Some(slow), Some(_)) = (from.slow(), self.slow()) {
            self.cells[usize::from(Layout::slow(self.config))].set(slow);
        }
        if let (Some((old, _)), Some((new, _))) = (from.ring(), self.ring()) {
            old.each(generation, |call| {
                new.record(generation, call);
            });
        }
        if let (Some((old, _)), Some((new, _))) = (from.buckets(), self.buckets()) {
            new.carry(&old, generation, now);
        }
    }

    fn ring(&self) -> Option<(Ring<'a, C>, &'a Limits)> {
        let (size, limits) = self.config.trip.calls.as_ref()?;
        let Layout { calls, time, .. } = self.config.layout;
        let (slow, bits) = self.cells[calls.into()..time.into()].split_first()?;
        Some((
            Ring {
                head: self.head?,
                slow,
                bits,
                size: u64::from(*size),
                has_slow: self.config.slow_after.is_some(),
            },
            limits,
        ))
    }

    #[inline]
    fn buckets(&self) -> Option<(Buckets<'a, C>, &'a Limits)> {
        let (grid, limits) = self.config.trip.time.as_ref()?;
        let at = usize::from(self.config.layout.time);
        let (newest, cells) = (
            &self.cells[at],
            &self.cells[at + 1..at + 1 + 3 * grid.buckets as usize],
        );
        Some((
            Buckets {
                newest,
                cells,
                grid: *grid,
            },
            limits,
        ))
    }
}

/// The last so many calls: `head │ slow ones │ two bits a call`.
struct Ring<'a, C> {
    head: &'a C,
    slow: &'a C,
    bits: &'a [C],
    size: u64,
    /// It is known what is slow.
    has_slow: bool,
}

/// `generation 16 │ clearing 1 │ use 5 │ failures 21 │ full 1 │ place 20`: where the next call goes, and before the ring is
/// full, how many there are.
///
/// While somebody clears the ring no call is counted in it. The *use* tells those of one generation apart, modulo 32.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Head(u64);

impl Head {
    const CLEARING: u64 = 1 << 47;
    const FULL: u64 = 1 << 20;
    const USE: u32 = 42;
    const FAILURES: u32 = 21;
    const MOST_FAILURES: u64 = (1 << 21) - 1;
    const PLACE: u64 = 0xf_ffff;

    const fn empty(generation: u16) -> Self {
        Self((generation as u64) << 48)
    }

    const fn clearing(generation: u16) -> Self {
        Self((generation as u64) << 48 | Self::CLEARING)
    }

    /// The one to clear the ring under for its next use.
    const fn next_use(self, generation: u16) -> Self {
        let next = (self.0 >> Self::USE).wrapping_add(1) & 0x1f;
        Self(Self::clearing(generation).0 | next << Self::USE)
    }

    const fn cleared(self) -> Self {
        Self(self.0 & !Self::CLEARING)
    }

    /// Whether the ring has not been cleared between this head and that, or that total of slow calls.
    const fn is_since(self, taken: Self) -> bool {
        (self.0 ^ taken.0) >> Self::USE == 0
    }

    const fn is_clearing(self) -> bool {
        self.0 & Self::CLEARING != 0
    }

    const fn is_full(self) -> bool {
        self.0 & Self::FULL != 0
    }

    /// Whether calls of this generation count in it.
    const fn counts(self, generation: u16) -> bool {
        (self.0 ^ Self::empty(generation).0) >> 47 == 0
    }

    const fn generation(self) -> u16 {
        (self.0 >> 48) as u16
    }

    const fn calls(self, size: u64) -> u64 {
        if self.is_full() { size } else { self.place() }
    }

    const fn place(self) -> u64 {
        self.0 & Self::PLACE
    }

    /// The failures among the calls. A call may take away what another, which has the same place, is still to put there: below
    /// zero, and so beyond any size, for a moment.
    const fn failures(self) -> u64 {
        self.0 >> Self::FAILURES & Self::MOST_FAILURES
    }

    /// With so many failures more and so many less.
    const fn with_failures(self, more: u64, less: u64) -> Self {
        let mask = Self::MOST_FAILURES << Self::FAILURES;
        let changed = self
            .0
            .wrapping_add(more << Self::FAILURES)
            .wrapping_sub(less << Self::FAILURES);
        Self(self.0 & !mask | changed & mask)
    }

    /// After one more call.
    const fn next(self, size: u64) -> Self {
        if self.place() + 1 < size {
            Self(self.0 + 1)
        } else {
            Self(self.0 & !Self::PLACE | Self::FULL)
        }
    }
}

/// Puts that there whatever is. Not just set: a straggler that swaps something in after this finds that it must take it back.
fn swap(cell: &impl Cell64, bits: u64) {
    while !cell.replace(cell.get(), bits) {}
}

/// Which cell has the bits of a place in a ring, and from which bit on.
const fn place_of(place: u64) -> (usize, u64) {
    (place as usize / 32, place % 32 * 2)
}

/// The total of slow calls.
const TOTAL: u64 = 0xff_ffff;

/// How the generation in a cell's upper 16 bits stands to another.
#[inline]
fn age(cell: u64, generation: u16) -> core::cmp::Ordering {
    ((cell >> 48) as u16)
        .wrapping_sub(generation)
        .cast_signed()
        .cmp(&0)
}

impl<C> Ring<'_, C> {
    const fn cells(size: u32) -> u32 {
        1 + size.div_ceil(32)
    }
}

impl<C: Cell64> Ring<'_, C> {
    fn is_clean(&self, totals: Totals) -> bool {
        u64::from(totals.calls) == self.size && totals.failures == 0 && totals.slow == 0
    }

    /// The calls after this one; `None` if it does not count.
    #[inline]
    fn record(&self, generation: u16, call: Call) -> Option<Totals> {
        let come = match self.has_slow {
            true => call.bits(),
            false => call.failed.into(),
        };
        loop {
            let head = Head(self.head.get());
            if !head.counts(generation) {
                if age(head.0, generation).is_ge() {
                    return None;
                }
                self.hand_on(generation);
                continue;
            }
            if come == 0 && head.is_full() && head.failures() == 0 {
                let totals = self.read(head);
                if totals.slow == 0 {
                    // A good call changes nothing in a full window of good calls.
                    return Some(totals);
                }
            }
            // Read before the place is taken: whatever comes there in between comes as if after this call.
            let (cell, shift) = self.bits(head.place());
            let gone = cell.get() >> shift & 3;
            let next = head.next(self.size).with_failures(come & 1, gone & 1);
            if !self.head.replace(head.0, next.0) {
                continue;
            }
            return if come == gone && (head.is_full() || !self.has_slow) {
                Some(self.read(next))
            } else {
                self.put(head, gone, come).0
            };
        }
    }

    /// Puts a call's bits in the place that it has taken, where others are expected; the calls then, and what was there.
    #[inline]
    fn put(&self, taken: Head, expected: u64, come: u64) -> (Option<Totals>, u64) {
        let gone = self.exchange(taken.place(), |_| true, come);
        if gone != expected {
            self.correct(taken, expected & 1, gone & 1);
        }
        if self.has_slow {
            self.add_slow(taken, gone >> 1, come >> 1);
        }
        let head = Head(self.head.get());
        if head.is_since(taken) {
            return (Some(self.read(head)), gone);
        }
        self.take_back(taken.place(), come, gone);
        (None, gone)
    }

    /// The ring was cleared in between: what was put there has no place in the next generation.
    fn take_back(&self, place: u64, come: u64, gone: u64) {
        if come != 0 {
            self.exchange(place, |there| there == come, gone);
        }
    }

    fn weigh(&self, limits: &Limits, totals: Totals) -> Weighed {
        Weighed {
            broken: limits.judge(totals),
            failures: totals.failures,
            clean: Some(self.is_clean(totals)),
            recovered: false,
        }
    }

    /// Counts other failures as gone than was thought.
    #[cold]
    fn correct(&self, taken: Head, more: u64, less: u64) {
        loop {
            let head = Head(self.head.get());
            if !head.is_since(taken) || self.head.replace(head.0, head.with_failures(more, less).0)
            {
                return;
            }
        }
    }

    /// Makes the ring one of a later generation: at once if it is empty, or else cleared by one thread, while the others
    /// count nothing.
    #[cold]
    fn hand_on(&self, generation: u16) {
        loop {
            let head = Head(self.head.get());
            if age(head.0, generation).is_ge() {
                return;
            }
            if head.is_clearing() {
                // Whoever clears it does so for this generation now.
                if self.head.replace(head.0, Head::clearing(generation).0) {
                    return;
                }
            } else if head.calls(self.size) > 0 {
                if self.head.replace(head.0, Head::clearing(generation).0) {
                    return self.empty(generation);
                }
            } else {
                self.begin_slow(generation);
                if self.head.replace(head.0, Head::empty(generation).0) {
                    return;
                }
            }
        }
    }

    /// Clears a ring which this thread has taken for that.
    fn empty(&self, generation: u16) {
        self.begin_slow(generation);
        for cell in self.bits {
            swap(cell, 0);
        }
        loop {
            let head = Head(self.head.get());
            self.begin_slow(head.generation());
            if self.head.replace(head.0, Head::empty(head.generation()).0) {
                return;
            }
        }
    }

    fn begin_slow(&self, generation: u16) {
        loop {
            let totals = self.slow.get();
            let stands = age(totals, generation).is_ge();
            if stands || self.slow.replace(totals, u64::from(generation) << 48) {
                return;
            }
        }
    }

    /// The cell of a place, and where in it.
    fn bits(&self, place: u64) -> (&C, u64) {
        let (at, shift) = place_of(place);
        (&self.bits[at], shift)
    }

    /// Puts a call's bits in a place, where those there allow it, and gives those that were there.
    fn exchange(&self, place: u64, may: impl Fn(u64) -> bool, bits: u64) -> u64 {
        let (cell, shift) = self.bits(place);
        loop {
            let old = cell.get();
            let there = old >> shift & 3;
            if there == bits
                || !may(there)
                || cell.replace(old, old & !(3 << shift) | bits << shift)
            {
                return there;
            }
        }
    }

    /// Counts slow calls, unless the ring was cleared: `generation 16 │ unused 1 │ use 5 │ unused 18 │ slow 24`.
    fn add_slow(&self, taken: Head, gone: u64, come: u64) {
        loop {
            let old = self.slow.get();
            let new = old & !TOTAL | (old + come).wrapping_sub(gone) & TOTAL;
            // Where the number of calls grows, the same is written again: of two calls that come at one time, whoever
            // writes later sees both.
            let is_same = taken.is_full() && old == new;
            if is_same || !taken.is_since(Head(old)) || self.slow.replace(old, new) {
                return;
            }
        }
    }

    fn slow_of(&self, head: Head) -> u64 {
        let slow = self.slow.get();
        if head.is_since(Head(slow)) {
            slow & TOTAL
        } else {
            0
        }
    }

    /// The totals that go with a head.
    #[inline]
    fn read(&self, head: Head) -> Totals {
        let slow = match self.has_slow {
            true => self.slow_of(head),
            false => 0,
        };
        // Nearer to the end of its field than to the size it is below zero.
        let part = |total: u64, most: u64| match total > (self.size + most) / 2 {
            true => 0,
            false => total.min(self.size) as u32,
        };
        Totals {
            calls: head.calls(self.size) as u32,
            failures: part(head.failures(), Head::MOST_FAILURES),
            slow: part(slow, TOTAL),
        }
    }

    /// Takes the ring for another use, while nobody else has it but for stragglers.
    fn open(&self, generation: u16) -> Head {
        loop {
            let head = Head(self.head.get());
            let next = head.next_use(generation);
            if self.head.replace(head.0, next.0) {
                return next;
            }
        }
    }

    /// Each call, the oldest first.
    fn each(&self, generation: u16, mut call: impl FnMut(Call)) {
        let head = Head(self.head.get());
        if age(head.0, generation).is_ne() {
            return;
        }
        for back in (1..=head.calls(self.size)).rev() {
            let (cell, shift) = self.bits((head.place() + self.size - back) % self.size);
            let bits = cell.get() >> shift;
            call(Call {
                failed: bits & 1 != 0,
                slow: bits & 2 != 0,
            });
        }
    }

    fn totals(&self, generation: u16) -> Totals {
        let head = Head(self.head.get());
        if age(head.0, generation).is_ne() {
            return Totals::default();
        }
        self.read(head)
    }
}

/// How time is cut into buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Grid {
    buckets: u32,
    width: u64,
}

impl Grid {
    pub(crate) fn new(time: Duration, buckets: u32) -> Self {
        Self {
            buckets,
            width: (nanos(time) / u64::from(buckets)).max(1),
        }
    }

    fn number(self, now: Timestamp) -> u64 {
        now.as_nanos() / self.width
    }
}

/// The calls of the last buckets of time: `generation 16 │ newest bucket's place 6 │ its number 42`, then `calls │ failures │ slow` for
/// each bucket, a cell being `generation 16 │ bucket's number 16 │ count 32`.
///
/// Whoever first comes to a newer bucket empties those that have gone, so that the short numbers never look alike.
struct Buckets<'a, C> {
    newest: &'a C,
    cells: &'a [C],
    grid: Grid,
}

const NUMBERS: u64 = (1 << 16) - 1;

impl<C: Cell64> Buckets<'_, C> {
    fn record(&self, generation: u16, call: Call, now: Timestamp) -> Option<Totals> {
        let number = self.grid.number(now);
        let newest = self.advance(generation, number)?;
        if number + u64::from(self.grid.buckets) > newest {
            self.add(
                generation,
                number,
                [1, call.failed.into(), call.slow.into()],
            );
        }
        Some(self.sum(generation, newest))
    }

    /// Counts a good call in the newest bucket, if that is the present one and has so many calls already.
    #[inline]
    fn count_good(&self, generation: u16, now: Timestamp, min_calls: u32) -> bool {
        let newest = self.newest.get();
        let (number, place) = (newest & NEWEST, newest >> PLACE & 0x3f);
        let begin = number.wrapping_mul(self.grid.width);
        let is_present = now.as_nanos().wrapping_sub(begin) < self.grid.width;
        if newest >> 48 != u64::from(generation) || !is_present {
            return false;
        }
        let cell = &self.cells[3 * place as usize];
        loop {
            let old = cell.get();
            let calls = old as u32;
            if old >> 32 != tag(generation, number) >> 32 || calls < min_calls || calls == u32::MAX
            {
                return false;
            }
            if cell.replace(old, old + 1) {
                return true;
            }
        }
    }

    /// Makes this bucket the newest, unless it is older; the newest one then. `None` for an earlier generation.
    fn advance(&self, generation: u16, number: u64) -> Option<u64> {
        loop {
            let old = self.newest.get();
            let newest = old & NEWEST;
            let is_near = match age(old, generation) {
                core::cmp::Ordering::Greater => return None,
                core::cmp::Ordering::Equal if number <= newest => return Some(newest),
                core::cmp::Ordering::Equal => number - newest < self.grid.buckets.into(),
                core::cmp::Ordering::Less => false,
            };
            let place = number % u64::from(self.grid.buckets);
            let new = u64::from(generation) << 48 | place << PLACE | number;
            if (is_near || self.empty_all(old)) && self.newest.replace(old, new) {
                if is_near {
                    self.empty_gone(generation, number);
                }
                return Some(number);
            }
        }
    }

    /// Empties all buckets, as long as this is the newest; whether it is.
    fn empty_all(&self, newest: u64) -> bool {
        self.cells.iter().all(|cell| {
            let old = cell.get();
            // Read after the cell: what a newer bucket's call put there is not taken for something old.
            let is_newest = self.newest.get() == newest;
            if is_newest && old != 0 {
                cell.replace(old, 0);
            }
            is_newest
        })
    }

    /// Empties the buckets that are not among the last ones, unless a call has begun one afresh.
    fn empty_gone(&self, generation: u16, number: u64) {
        for cell in self.cells {
            let old = cell.get();
            if old != 0 && !self.counts(old, generation, number) {
                cell.replace(old, 0);
            }
        }
    }

    /// Whether a cell counts calls of this generation in one of the last buckets.
    fn counts(&self, cell: u64, generation: u16, newest: u64) -> bool {
        let newest = tag(generation, newest) >> 32;
        let back = newest.wrapping_sub(cell >> 32) & NUMBERS;
        cell >> 48 == newest >> 16 && back < u64::from(self.grid.buckets)
    }

    fn add(&self, generation: u16, number: u64, counts: [u32; 3]) {
        let tag = tag(generation, number);
        for (cell, count) in self.bucket(number).iter().zip(counts) {
            if count > 0 {
                add_to(cell, tag, count);
            }
        }
    }

    fn bucket(&self, number: u64) -> &[C] {
        let at = 3 * (number % u64::from(self.grid.buckets)) as usize;
        &self.cells[at..at + 3]
    }

    fn totals(&self, generation: u16, now: Timestamp) -> Totals {
        let newest = self.newest.get();
        if age(newest, generation).is_ne() {
            return Totals::default();
        }
        self.sum(generation, self.grid.number(now).max(newest & NEWEST))
    }

    fn sum(&self, generation: u16, newest: u64) -> Totals {
        let mut totals = Totals::default();
        let held = self.newest.get() & NEWEST;
        // Longer ago than the tags can tell, nothing counts.
        if newest.saturating_sub(held) >= u64::from(self.grid.buckets) {
            return totals;
        }
        let count = |cell: &C| {
            let cell = cell.get();
            if self.counts(cell, generation, newest) {
                cell as u32
            } else {
                0
            }
        };
        for bucket in self.cells.chunks_exact(3) {
            totals.calls = totals.calls.saturating_add(count(&bucket[0]));
            totals.failures = totals.failures.saturating_add(count(&bucket[1]));
            totals.slow = totals.slow.saturating_add(count(&bucket[2]));
        }
        totals
    }

    /// Puts the calls of other buckets where they belong in these.
    fn carry(&self, from: &Self, generation: u16, now: Timestamp) {
        let (newest, held) = (from.grid.number(now), from.newest.get());
        let buckets = u64::from(from.grid.buckets);
        let Some(here) = self.advance(generation, self.grid.number(now)) else {
            return;
        };
        if age(held, generation).is_ne() {
            return;
        }
        // No bucket is newer than the newest.
        let newest_held = newest.min(held & NEWEST);
        for number in (newest + 1).saturating_sub(buckets)..=newest_held {
            let begin = Timestamp::from_nanos(number.saturating_mul(from.grid.width));
            let place = self.grid.number(begin);
            let counts = [0, 1, 2].map(|part| {
                let cell = from.bucket(number)[part].get();
                if cell & u64::MAX << 32 == tag(generation, number) {
                    cell as u32
                } else {
                    0
                }
            });
            if place + u64::from(self.grid.buckets) > here {
                self.add(generation, place, counts);
            }
        }
    }
}

/// Where the newest bucket's place begins, and the part that is its number: 23 years of the shortest buckets.
const PLACE: u32 = 42;
const NEWEST: u64 = (1 << PLACE) - 1;

fn tag(generation: u16, number: u64) -> u64 {
    u64::from(generation) << 48 | (number & NUMBERS) << 32
}

/// Counts calls in a cell of this tag. A cell of an earlier one starts afresh; one of a later one is left alone.
fn add_to<C: Cell64>(cell: &C, tag: u64, calls: u32) {
    loop {
        let old = cell.get();
        let (is_same, is_empty) = (old >> 32 == tag >> 32, old as u32 == 0);
        if !is_same && !is_empty && is_later(old, tag) {
            return;
        }
        let before = if is_same { old as u32 } else { 0 };
        if cell.replace(old, tag | u64::from(before.saturating_add(calls))) {
            return;
        }
    }
}

/// Whether a bucket's cell is of a later generation than this tag, or of a later bucket of the same one.
fn is_later(cell: u64, tag: u64) -> bool {
    let number = |bits: u64| (bits >> 32) as u16;
    match age(cell, (tag >> 48) as u16) {
        core::cmp::Ordering::Greater => true,
        core::cmp::Ordering::Less => false,
        core::cmp::Ordering::Equal => number(cell).wrapping_sub(number(tag)).cast_signed() > 0,
    }
}
