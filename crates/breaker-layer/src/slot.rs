//! Where circuits live: storage that is reused and never unmapped.
//!
//! A permit is a reference to a slot and a generation, and so needs no reference count: what it costs to hold one is
//! nothing, and one that outlives its circuit is just a straggler, because a slot's generation goes on from tenant to
//! tenant. A [`Circuit`](crate::Circuit) counts its clones; when the last one goes, the slot waits for the next tenant
//! that was built with the same uses for its cells. So the memory is that of the most circuits of each such kind that were
//! alive at one time.

use std::sync::{
    Arc, OnceLock, PoisonError,
    atomic::Ordering::{AcqRel, Acquire, Relaxed, Release},
};

use breaker_core::{
    Beside, Checked, Config, ConfigError, Layout, Pace, Reason, State, Streak, Timestamp,
    Transition, Word,
    machine::{Fate, Rules},
};

use crate::{
    circuit::Circuit,
    clock::{Source, User},
    intern::{self, Interned},
    observe::{Change, EndedEvent, Observers, Subject},
    policy::TripPolicy,
    snapshot::Snapshot,
    sync::{self, AtomicU32, AtomicU64, Cell, Mutex},
    threads::NOBODY,
};

#[cfg(feature = "keyed")]
mod keyed;
mod rejections;
mod tenancy;
mod waiters;
pub(crate) use tenancy::Tenancy;
pub(crate) use waiters::{Kind, Waiter};

/// One circuit, or none at present. What every call reads comes first, apart from what refusals and failures write.
#[repr(C, align(64))]
pub(crate) struct Slot {
    word: AtomicU64,
    pace: AtomicU64,
    settings: AtomicU64,
    origin: AtomicU64,
    streak: AtomicU32,
    /// The thread that counts rejections by itself.
    rejecter: AtomicU32,
    cells: OnceLock<Box<Block>>,
    cold: Mutex<Cold>,
    pub(crate) counts: Counts,
    handles: AtomicU32,
    /// The rejections that one thread counts by itself.
    own_rejections: AtomicU32,
}

/// What is always counted, exactly.
pub(crate) struct Counts {
    pub(crate) failed: AtomicU64,
    rejections: AtomicU64,
    pub(crate) ignored: AtomicU64,
    pub(crate) cancelled: AtomicU64,
}

/// What is needed only at transitions and by hand.
#[derive(Default)]
struct Cold {
    name: Option<Arc<str>>,
    extra: Option<Box<Extra>>,
}

impl Cold {
    /// Puts the operator's newest note in place of the one before.
    fn note(&mut self, text: Option<&Arc<str>>, generation: u16) {
        if text.is_none() && self.extra.is_none() {
            return;
        }
        let note = &mut self.extra.get_or_insert_default().note;
        let is_newer = |old: &Note| old.generation.wrapping_sub(generation).cast_signed() <= 0;
        if note.as_deref().is_none_or(is_newer) {
            let text = text.cloned();
            *note = text.map(|text| Box::new(Note { text, generation }));
        }
    }
}

/// What most circuits do without.
#[derive(Default)]
pub(crate) struct Extra {
    pub(crate) observers: Observers,
    pub(crate) clock: Option<Arc<User>>,
    pub(crate) policy: Option<Arc<dyn TripPolicy>>,
    /// How often the circuit has opened, and what it told of the last time.
    pub(crate) opened: u32,
    pub(crate) last_trip: Option<Transition>,
    pub(crate) note: Option<Box<Note>>,
    pub(crate) waiters: Option<Box<waiters::Waiters>>,
}

impl Extra {
    fn is_empty(&self) -> bool {
        self.observers.is_empty()
            && self.clock.is_none()
            && self.policy.is_none()
            && self.last_trip.is_none()
    }
}

/// What the operator said, and with which generation that began.
pub(crate) struct Note {
    pub(crate) text: Arc<str>,
    pub(crate) generation: u16,
}

/// Cells for what does not fit into the word, used for the same things for good. A configuration that needs others gets a
/// block further down.
struct Block {
    /// The first one.
    head: Cell,
    /// The others.
    cells: Box<[Cell]>,
    next: OnceLock<Box<Block>>,
    layout: Layout,
}

impl Block {
    fn new(layout: Layout) -> Box<Self> {
        Box::new(Self {
            layout,
            head: Cell::default(),
            cells: Cell::block(layout.cells().saturating_sub(1)),
            next: OnceLock::new(),
        })
    }
}

/// A slot's settings, packed:
/// `configuration 16 │ flags 4 │ block 7 │ beside 1 │ rejected 1 │ clock 2 │ first generation 16 │ seed 16 │ successes 1`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Settings(u64);

impl Settings {
    /// Calls are timed, or admissions counted.
    pub(crate) const ADMISSIONS: u64 = 1 << 44;
    /// The user's own policy has a say.
    pub(crate) const POLICY: u64 = 1 << 45;
    /// Some observer wants to be told of every outcome.
    pub(crate) const TELL_RECORDED: u64 = 1 << 46;
    /// Successes are recorded even while nothing speaks against the downstream.
    pub(crate) const SUCCESSES: u64 = 1;
    /// A closed circuit's calls count in cells, too.
    pub(crate) const BESIDE: u64 = 1 << 36;
    /// Some observer wants to be told of rejections.
    pub(crate) const TELL_REJECTED: u64 = 1 << 35;

    const BLOCK: u32 = 37;
    const MOST_BLOCKS: u8 = 1 << 7;
    const CLOCK: u32 = 33;
    const FIRST: u32 = 17;
    const SEED: u32 = 1;
    const KEPT: u64 = 3 << Self::CLOCK
        | Self::POLICY
        | Self::TELL_RECORDED
        | Self::TELL_REJECTED
        | 0xffff << Self::FIRST
        | 0xffff << Self::SEED;

    /// Those of a new circuit.
    pub(crate) fn new(
        config: Interned,
        source: Source,
        has_policy: bool,
        observers: &Observers,
        seed: u16,
    ) -> Self {
        let flag = |is_set: bool, flag: u64| if is_set { flag } else { 0 };
        let flags = flag(has_policy, Self::POLICY)
            | flag(observers.want_rejected(), Self::TELL_REJECTED)
            | flag(observers.want_recorded(), Self::TELL_RECORDED);
        Self(source.to_bits() << Self::CLOCK | flags | u64::from(seed) << Self::SEED)
            .with(config, 0)
    }

    /// The same circuit with another configuration, whose cells are in this block.
    fn with(self, interned: Interned, block: u8) -> Self {
        let config = interned.config;
        let needs_all = self.has(Self::POLICY) || self.has(Self::TELL_RECORDED);
        let flag = |is_set: bool, flag: u64| if needs_all || is_set { flag } else { 0 };
        let flags = flag(config.records_successes(), Self::SUCCESSES)
            | flag(
                config.slow_after().is_some() || config.count_calls(),
                Self::ADMISSIONS,
            )
            | flag(config.counts_beside() || config.has_ramp(), Self::BESIDE);
        let kept = self.0 & Self::KEPT;
        Self(u64::from(interned.number) << 48 | u64::from(block) << Self::BLOCK | kept | flags)
    }

    const fn begin(self, generation: u16) -> Self {
        Self(self.0 & !(0xffff << Self::FIRST) | (generation as u64) << Self::FIRST)
    }

    #[inline]
    pub(crate) const fn has(self, flag: u64) -> bool {
        self.0 & flag != 0
    }

    /// That flag alone: a ticket has it in the same place.
    #[inline]
    pub(crate) const fn successes(self) -> u64 {
        self.0 & Self::SUCCESSES
    }

    /// Whether a call that meets this word passes, and nobody wants to know of it.
    #[inline]
    pub(crate) const fn passes_plainly(self, word: Word) -> bool {
        // What speaks against it lies where the word has its phase.
        (self.0 | word.to_bits()) & 0xf << 44 == 0
    }

    #[inline]
    pub(crate) fn rules(self) -> Rules<'static> {
        Rules {
            config: intern::config((self.0 >> 48) as u16),
            seed: (self.0 >> Self::SEED) as u16,
            first: self.first(),
        }
    }

    /// The configuration as it was said.
    pub(crate) fn said(self) -> Config {
        intern::said((self.0 >> 48) as u16)
    }

    const fn block(self) -> u8 {
        (self.0 >> Self::BLOCK) as u8 & (Self::MOST_BLOCKS - 1)
    }

    /// Whether the clock is std's.
    #[inline]
    const fn is_std(self) -> bool {
        self.0 & 3 << Self::CLOCK == 0
    }

    const fn source(self) -> Source {
        Source::from_bits(self.0 >> Self::CLOCK & 3)
    }

    /// The generation with which this tenancy began.
    pub(crate) const fn first(self) -> u16 {
        (self.0 >> Self::FIRST) as u16
    }
}

impl Slot {
    fn vacant(layout: Layout) -> Self {
        let slot = Self {
            word: AtomicU64::new(Word::vacant(0).to_bits()),
            pace: AtomicU64::new(0),
            settings: AtomicU64::new(0),
            origin: AtomicU64::new(0),
            streak: AtomicU32::new(0),
            rejecter: AtomicU32::new(NOBODY),
            cells: OnceLock::new(),
            cold: Mutex::new(Cold::default()),
            counts: Counts {
                failed: AtomicU64::new(0),
                rejections: AtomicU64::new(0),
                ignored: AtomicU64::new(0),
                cancelled: AtomicU64::new(0),
            },
            handles: AtomicU32::new(0),
            own_rejections: AtomicU32::new(0),
        };
        if layout.cells() > 0 {
            slot.cells.get_or_init(|| Block::new(layout));
        }
        slot
    }

    /// A slot for a new circuit, with one handle.
    pub(crate) fn let_to(
        name: Arc<str>,
        settings: Settings,
        origin: Timestamp,
        extra: Extra,
    ) -> &'static Self {
        let layout = settings.rules().config.layout();
        // The cells that a slot was made with are in its first block, which is what new settings name.
        let slot: &'static Self =
            pool::take(layout).unwrap_or_else(|| Box::leak(Box::new(Self::vacant(layout))));
        let generation = slot.word().generation();
        slot.origin.store(origin.as_nanos(), Relaxed);
        slot.with_cold(|cold| {
            slot.counts.clear();
            slot.own_rejections.store(0, Release);
            slot.rejecter.store(NOBODY, Relaxed);
            slot.settings.store(settings.begin(generation).0, Release);
            *cold = Cold {
                name: Some(name),
                extra: (!extra.is_empty()).then(|| Box::new(extra)),
            };
        });
        slot.beside(slot.settings()).begin(generation);
        slot.streak
            .store(Streak::new(generation).to_bits(), Relaxed);
        slot.word.store(
            slot.settings().rules().first_word(generation).to_bits(),
            Release,
        );
        let first = slot.settings().rules().pace(slot.word(), Timestamp::ZERO);
        slot.pace.store(first.to_bits(), Release);
        slot.handles.store(1, Release);
        slot
    }

    pub(crate) fn retain(&self) {
        self.handles.fetch_add(1, Relaxed);
    }

    /// Gives up a handle; with the last one the circuit is gone.
    pub(crate) fn release(&'static self) {
        if self.handles.fetch_sub(1, AcqRel) != 1 {
            return;
        }
        // What its permits still do is nothing from here on.
        let mut last = self.word();
        while !self.vacate(last) {
            last = self.word();
        }
        self.clear(last);
        pool::put(self, self.layout());
    }

    /// One more handle, unless the last one is gone.
    pub(crate) fn handle(&'static self) -> Option<Circuit> {
        let one_more = |handles: u32| (handles > 0).then(|| handles + 1);
        let was = self.handles.fetch_update(AcqRel, Acquire, one_more);
        was.is_ok().then(|| Circuit::of(self))
    }

    /// Ends the circuit if it still is as it was seen, and says whether it did. Permits of it are stragglers from now on.
    pub(crate) fn vacate(&self, seen: Word) -> bool {
        // A new generation: the permits of this circuit are no permits of the next one.
        let is_vacant = self.replace(seen, Word::vacant(seen.generation().wrapping_add(1)));
        if is_vacant {
            self.counts.failed.fetch_add(seen.pending().into(), Release);
        }
        is_vacant
    }

    /// Tells the observers that the circuit is gone, whose last word this was, and gives up what belongs to the user. To be
    /// called with nothing held.
    pub(crate) fn clear(&'static self, last: Word) {
        self.tell_ended(last);
        drop(self.with_cold(std::mem::take));
    }

    fn with_cold<T>(&self, look: impl FnOnce(&mut Cold) -> T) -> T {
        look(&mut self.cold.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Looks at what most circuits do without.
    pub(crate) fn with_extra<T>(&self, look: impl FnOnce(&Extra) -> Option<T>) -> Option<T> {
        self.with_cold(|cold| cold.extra.as_deref().and_then(look))
    }

    #[inline]
    pub(crate) fn word(&self) -> Word {
        Word::from_bits(self.word.load(Acquire))
    }

    /// Puts `new` there if `old` still stands.
    pub(crate) fn replace(&self, old: Word, new: Word) -> bool {
        sync::replace(&self.word, old.to_bits(), new.to_bits())
    }

    #[inline]
    pub(crate) fn streak(&self) -> Streak {
        Streak::from_bits(self.streak.load(Relaxed))
    }

    /// Changes what is counted apart from the word, and gives what it is then.
    fn change_streak(&self, change: impl Fn(Streak) -> Streak) -> Streak {
        loop {
            let old = self.streak();
            let new = change(old);
            let is_stored = || {
                let (old, new) = (old.to_bits(), new.to_bits());
                let swapped = self.streak.compare_exchange(old, new, Relaxed, Relaxed);
                swapped.is_ok()
            };
            if new == old || is_stored() {
                return new;
            }
        }
    }

    /// Counts how a call of this word's generation has ended among those that say nothing by themselves.
    pub(crate) fn count_ended(&self, word: Word, fate: Fate) -> Streak {
        self.change_streak(|streak| streak.after(word, fate))
    }

    /// A random number for a call that asks in an open state of this word's generation.
    #[cold]
    pub(crate) fn draw(&self, rules: &Rules<'_>, word: Word, now: Timestamp) -> u32 {
        let streak = self.change_streak(|streak| streak.drawn(word.generation()));
        rules.lot(word, now, streak.draws())
    }

    /// Whether nothing speaks against the downstream, and no call has been given up since the last one was answered.
    #[inline]
    pub(crate) fn is_calm(&self) -> bool {
        self.word().is_calm() && self.streak().is_empty()
    }

    pub(crate) fn pace(&self) -> Pace {
        Pace::from_bits(self.pace.load(Acquire))
    }

    /// Puts `new` there if `old` still stands and is not of a later generation.
    pub(crate) fn replace_pace(&self, old: Pace, new: Pace) -> bool {
        if old == new {
            return true;
        }
        let is_later = old
            .generation()
            .wrapping_sub(new.generation())
            .cast_signed()
            > 0;
        !is_later && sync::replace(&self.pace, old.to_bits(), new.to_bits())
    }

    #[inline]
    pub(crate) fn settings(&self) -> Settings {
        Settings(self.settings.load(Acquire))
    }

    /// What lies beside the word for these settings.
    pub(crate) fn beside(&'static self, settings: Settings) -> Beside<'static, Cell> {
        self.beside_of(settings, settings.rules().config)
    }

    /// As [`Slot::beside`], where the configuration of these settings is at hand.
    pub(crate) fn beside_of(
        &'static self,
        settings: Settings,
        config: &'static Checked,
    ) -> Beside<'static, Cell> {
        let block = match settings.block() {
            0 => self.cells.get().map(|block| &**block),
            number => self.blocks().nth(number.into()),
        };
        // Settings name their own block, and it has the cells for them.
        match block {
            Some(block) => Beside::with_head(config, &block.head, &block.cells),
            None => Beside::new(config, &[]),
        }
    }

    fn blocks(&self) -> impl Iterator<Item = &Block> {
        std::iter::successors(self.cells.get(), |block| block.next.get()).map(|block| &**block)
    }

    /// What it was made for.
    fn layout(&self) -> Layout {
        self.blocks()
            .next()
            .map_or_else(Layout::default, |block| block.layout)
    }

    /// The number of a block of this layout other than that of number `taken`, made if there is none.
    fn block_of(&self, layout: Layout, taken: u8) -> Option<u8> {
        if layout.cells() == 0 {
            return Some(taken);
        }
        // A slot that was made without cells goes on as such when it is let again.
        let mut block = self.cells.get_or_init(|| Block::new(Layout::default()));
        for number in 0..Settings::MOST_BLOCKS {
            if block.layout == layout && number != taken {
                return Some(number);
            }
            block = block.next.get_or_init(|| Block::new(layout));
        }
        None
    }

    /// Goes on with another configuration, and as much of the windows as fits; gives back the one before.
    ///
    /// # Errors
    ///
    /// When this circuit has had windows of too many sizes.
    pub(crate) fn reconfigure(&'static self, new: Interned) -> Result<Config, ConfigError> {
        let now = self.now();
        self.with_cold(|cold| {
            let old = self.settings();
            let before = old.rules().config;
            if before.shares_cells(new.config) {
                self.settings.store(old.with(new, old.block()).0, Release);
            } else {
                let block = self.block_of(new.config.layout(), old.block());
                let block = block.ok_or_else(|| {
                    ConfigError::new(
                        "trip.window",
                        "one of at most 126 sizes in a circuit's life",
                    )
                })?;
                let settings = old.with(new, block);
                let (generation, beside) = (self.word().generation(), self.beside(settings));
                beside.begin(generation);
                beside.carry(&self.beside(old), generation, now);
                self.settings.store(settings.0, Release);
            }
            let extra = cold.extra.as_deref();
            let opened = extra.and_then(|extra| extra.last_trip);
            self.begin_word(|rules, word| match opened {
                Some(trip) if trip.generation() == word.generation().wrapping_sub(rules.first) => {
                    rules.cut_wait(before, word, trip.at())
                }
                _ => word,
            });
            Ok(old.said())
        })
    }

    /// Successes count in the window of calls of a closed circuit, until a call finds that they need not; and a ramp that is
    /// gone is over.
    ///
    /// The word is written in any case: whoever writes it later finds the present settings.
    fn begin_word(&self, change: impl Fn(Rules<'_>, Word) -> Word) {
        let needs = |word| {
            let rules = self.settings().rules();
            Some(change(rules, rules.begin(Word::from_bits(word))).to_bits())
        };
        // The closure always gives a value, so that this cannot fail.
        let _ = self.word.fetch_update(AcqRel, Acquire, needs);
    }

    /// The time since the circuit was built.
    #[inline]
    pub(crate) fn now(&self) -> Timestamp {
        let settings = self.settings();
        if settings.is_std() {
            // It never goes back.
            let origin = self.origin.load(Relaxed);
            return Timestamp::from_nanos(Source::std_now().as_nanos().wrapping_sub(origin));
        }
        self.other_now(settings.source())
    }

    #[inline(never)]
    fn other_now(&self, source: Source) -> Timestamp {
        let now = source.now().unwrap_or_else(|| {
            let clock = self.with_extra(|extra| extra.clock.clone());
            clock.map_or(Timestamp::ZERO, |now| now())
        });
        let origin = self.origin.load(Relaxed);
        Timestamp::from_nanos(now.as_nanos().saturating_sub(origin))
    }

    /// Whether the clock is one that nobody moves by hand.
    pub(crate) fn clock_moves_by_itself(&self) -> bool {
        match self.settings().source() {
            Source::Std => true,
            #[cfg(feature = "quanta")]
            Source::Quanta => true,
            #[cfg(feature = "tokio")]
            Source::Tokio => false,
            Source::User => false,
        }
    }

    pub(crate) fn name(&self) -> Option<Arc<str>> {
        self.with_cold(|cold| cold.name.clone())
    }

    /// Whether a generation belongs to the present tenant.
    pub(crate) fn is_tenant(&self, generation: u16) -> bool {
        let (first, word) = (self.settings().first(), self.word());
        generation.wrapping_sub(first) <= word.generation().wrapping_sub(first)
            // A new tenant's settings are stored before its word: the two were one tenant's.
            && self.settings().first() == first
    }

    /// Whether whoever was admitted in this generation found no circuit here.
    pub(crate) fn was_vacant(&self, generation: u16) -> bool {
        self.word() == Word::vacant(generation)
    }

    /// As [`Slot::is_tenant`], while that is there.
    pub(crate) fn is_here(&self, generation: u16) -> bool {
        !self.word().is_vacant() && self.is_tenant(generation)
    }

    /// Tells the observers of a circuit that ends, if there are any.
    fn tell_ended(&'static self, last: Word) {
        let observers = self.with_extra(|extra| {
            let observers = &extra.observers;
            (!observers.is_empty()).then(|| observers.clone())
        });
        let Some(observers) = observers else { return };
        if let Some(subject) = self.subject(&observers) {
            let (subject, last) = (&subject, &Snapshot::last(self, last));
            observers.tell_ended(&EndedEvent { subject, last });
        }
    }

    /// The circuit as these observers of it know it.
    pub(crate) fn subject(&'static self, observers: &Observers) -> Option<Subject> {
        Some(Subject {
            name: self.name()?,
            table: observers.table(),
            tenancy: Tenancy::of(self),
        })
    }

    /// The observers, if the settings say that some want to be told of this.
    pub(crate) fn observers(&'static self) -> Option<(Observers, Subject)> {
        let observers = self.with_extra(|extra| Some(extra.observers.clone()))?;
        let subject = self.subject(&observers)?;
        Some((observers, subject))
    }

    /// Makes a transition, unless the word has changed. Once the last handle is gone it is nobody's, and counts as made.
    pub(crate) fn enter(
        &'static self,
        word: Word,
        next: Word,
        transition: Transition,
        now: Timestamp,
        failures: u32,
        note: Option<&Arc<str>>,
    ) -> bool {
        // With a handle of its own: the circuit does not end before all have been told of this.
        let Some(_circuit) = self.handle() else {
            return self.word() == word;
        };
        let won = self.replace(word, next);
        if won {
            self.entered(next, transition, now, failures, note);
        }
        won
    }

    /// After a transition is stored: what goes with it, and then, with nothing held, the observers.
    fn entered(
        &'static self,
        word: Word,
        transition: Transition,
        now: Timestamp,
        failures: u32,
        note: Option<&Arc<str>>,
    ) {
        let settings = self.settings();
        self.change_streak(|streak| streak.entered(word.generation()));
        if transition.from() == State::Closed {
            self.beside(settings).clear(word.generation());
        }
        if settings.rules().begin(word) != word {
            // It was decided by settings of before, which knew no window, or a ramp.
            self.begin_word(|_, word| word);
        }
        let transition_since_first = transition.since_generation(settings.first());
        let told = self.with_cold(|cold| {
            let name = cold.name.clone()?;
            self.counts.failed.fetch_add(failures.into(), Release);
            if transition.to() == State::Open {
                let extra = cold.extra.get_or_insert_default();
                extra.opened = extra.opened.saturating_add(1);
                let last_trip = &mut extra.last_trip;
                if last_trip.is_none_or(|last| last.at() <= transition.at()) {
                    *last_trip = Some(transition_since_first);
                }
            }
            if transition.reason() == Reason::Operator {
                cold.note(note, word.generation());
            }
            let extra = cold.extra.as_deref()?;
            Some((name, extra.observers.clone(), extra.policy.clone()))
        });
        self.store_pace(settings.rules().pace(word, transition.at().min(now)));
        self.wake_waiters();
        let Some((name, observers, policy)) = told else {
            return;
        };
        if let Some(policy) = policy {
            policy.clear();
        }
        let subject = Subject {
            name,
            table: observers.table(),
            tenancy: Tenancy::since(self, settings.first()),
        };
        observers.tell(&Change {
            subject,
            transition: transition_since_first,
            note: note.cloned(),
            observe_only: word.is_shadow(),
        });
    }

    /// The operator's command stands already, and goes on for this reason.
    pub(crate) fn annotate(&self, word: Word, note: Option<&Arc<str>>) {
        self.with_cold(|cold| {
            if note.is_some() && self.word().generation() == word.generation() {
                cold.note(note, word.generation());
            }
        });
    }

    /// The trip with which this generation began, if it is the last one.
    pub(crate) fn last_trip(&self, generation: u16) -> Option<Transition> {
        let since_first = generation.wrapping_sub(self.settings().first());
        self.with_extra(|extra| {
            extra
                .last_trip
                .filter(|trip| trip.generation() == since_first)
        })
    }

    /// What the operator said with the command that is in force.
    pub(crate) fn note(&self, word: Word) -> Option<Arc<str>> {
        self.with_extra(|extra| {
            let note = extra.note.as_deref()?;
            let is_in_force = word.is_shadow() || note.generation == word.generation();
            is_in_force.then(|| note.text.clone())
        })
    }

    /// What the operator said with the command that began this generation.
    pub(crate) fn note_of(&self, generation: u16) -> Option<Arc<str>> {
        self.with_extra(|extra| {
            let note = extra.note.as_deref();
            let note = note.filter(|note| note.generation == generation)?;
            Some(note.text.clone())
        })
    }

    /// Counts a call, if it is one of the present tenant's and that is there; says whether it is.
    pub(crate) fn count(&'static self, generation: u16, count: &AtomicU64) -> bool {
        // With a handle of its own: the slot has no other tenant before this is counted.
        let Some(_circuit) = self.handle() else {
            return false;
        };
        if self.word().generation() == generation {
            count.fetch_add(1, Relaxed);
            return true;
        }
        self.with_cold(|cold| {
            let is_here = || cold.name.is_some() && self.is_here(generation);
            if !is_here() {
                return false;
            }
            count.fetch_add(1, Relaxed);
            if !is_here() {
                // Taken away just now: it may yet count for the key's next circuit. Nobody has read the last totals.
                count.fetch_sub(1, Relaxed);
                return false;
            }
            true
        })
    }

    fn store_pace(&self, pace: Pace) {
        loop {
            let old = self.pace();
            let is_behind = old
                .generation()
                .wrapping_sub(pace.generation())
                .cast_signed()
                < 0;
            if !is_behind || self.replace_pace(old, pace) {
                return;
            }
        }
    }
}

impl Counts {
    /// Whoever acquires a count from here on sees that the tenant before is gone.
    fn clear(&self) {
        for count in [
            &self.failed,
            &self.rejections,
            &self.ignored,
            &self.cancelled,
        ] {
            count.store(0, Release);
        }
    }
}

/// Slots that wait for a tenant, by what they were made for.
#[cfg(not(breaker_loom))]
mod pool {
    use std::{
        collections::BTreeMap,
        sync::{Mutex, MutexGuard, PoisonError},
    };

    use super::{Layout, Slot};

    type Vacant = BTreeMap<Layout, Vec<&'static Slot>>;
    static VACANT: Mutex<Vacant> = Mutex::new(BTreeMap::new());

    pub(super) fn take(layout: Layout) -> Option<&'static Slot> {
        vacant().get_mut(&layout)?.pop()
    }

    pub(super) fn put(slot: &'static Slot, layout: Layout) {
        vacant().entry(layout).or_default().push(slot);
    }

    fn vacant() -> MutexGuard<'static, Vacant> {
        VACANT.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Under loom every execution of a model has slots of its own.
#[cfg(breaker_loom)]
mod pool {
    use std::sync::PoisonError;

    use super::{Layout, Slot};
    use crate::sync::Mutex;

    loom::lazy_static! {
        static ref VACANT: Mutex<Vec<(Layout, &'static Slot)>> = Mutex::new(Vec::new());
    }

    pub(super) fn take(layout: Layout) -> Option<&'static Slot> {
        let mut vacant = VACANT.lock().unwrap_or_else(PoisonError::into_inner);
        let at = vacant.iter().position(|(has, _)| *has == layout)?;
        Some(vacant.swap_remove(at).1)
    }

    pub(super) fn put(slot: &'static Slot, layout: Layout) {
        let mut vacant = VACANT.lock().unwrap_or_else(PoisonError::into_inner);
        vacant.push((layout, slot));
    }
}
