//! A place for a circuit, which circuits have one after another.

use std::{
    hint,
    sync::{
        PoisonError, TryLockError,
        atomic::Ordering::{AcqRel, Acquire, Relaxed, Release},
    },
    time::Duration,
};

use breaker_core::Timestamp;

use super::{CircuitState, Ended, Gate, Handle, Parts, WeakCircuit, pool};
use crate::{
    clock::Source,
    sync::{AtomicU64, Mutex, MutexGuard},
};

/// A circuit's place, or that of none at present.
// What a call reads without the lock is in one cache line, and the lock with what it guards begins the next.
#[repr(C, align(64))]
pub(crate) struct Slot {
    gate: AtomicU64,
    /// Until when an open circuit refuses every call; stored before the gate says that it does.
    until: AtomicU64,
    /// The clock's time when the circuit was built.
    origin: AtomicU64,
    /// A timed call that takes longer than so many nanoseconds is slow.
    slow_after: AtomicU64,
    rejected: AtomicU64,
    handles: AtomicU64,
    held: Line<Mutex<Held>>,
}

/// The circuit, if there is one. If there is none, the gate has the last epoch that was given.
type Held = Option<CircuitState>;

/// Begins a cache line.
#[repr(align(64))]
struct Line<T>(T);

/// Beside the number of rejections: the circuit has ended.
const ENDED: u64 = 1 << 63;

/// So often a thread tries before it sleeps until the lock is free.
#[cfg(not(breaker_loom))]
const TRIES: u32 = 20;
/// So long it pauses each time: about a microsecond.
#[cfg(not(breaker_loom))]
const PAUSE: u32 = 16;

impl Slot {
    pub(super) fn vacant() -> Self {
        Self {
            gate: AtomicU64::new(Gate::vacant(0).to_bits()),
            until: AtomicU64::new(0),
            origin: AtomicU64::new(0),
            slow_after: AtomicU64::new(0),
            rejected: AtomicU64::new(0),
            handles: AtomicU64::new(0),
            held: Line(Mutex::new(None)),
        }
    }

    /// A new circuit with one handle. Its clock shows `origin` now; `prepare` changes it before anybody sees it.
    pub(crate) fn begin(
        parts: Parts,
        origin: Timestamp,
        prepare: impl FnOnce(&mut CircuitState),
    ) -> Handle {
        let slot = pool::take();
        let mut held = slot.lock();
        let mut state = CircuitState::new(parts, slot.gate().epoch() + 1);
        prepare(&mut state);
        slot.origin.store(origin.as_nanos(), Relaxed);
        slot.rejected.store(0, Relaxed);
        slot.handles.store(1, Relaxed);
        slot.publish_plan(&state);
        *held = Some(state);
        Handle::counted(slot)
    }

    #[inline]
    fn lock(&self) -> MutexGuard<'_, Held> {
        // Whoever comes too late pauses: meanwhile the other does some dozen calls without handing on the cache line, which
        // takes longer than a call.
        #[cfg(not(breaker_loom))]
        for _ in 0..TRIES {
            match self.held.0.try_lock() {
                Ok(held) => return held,
                Err(TryLockError::Poisoned(held)) => return held.into_inner(),
                Err(TryLockError::WouldBlock) => (0..PAUSE).for_each(|_| hint::spin_loop()),
            }
        }
        self.held.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at the circuit, if there is one.
    pub(crate) fn read<T>(&self, look: impl FnOnce(&CircuitState) -> T) -> Option<T> {
        self.lock().as_ref().map(look)
    }

    /// Changes the circuit, if there is one.
    #[inline]
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut CircuitState) -> T) -> Option<T> {
        let mut held = self.lock();
        let state = held.as_mut()?;
        let changed = change(state);
        state.version += 1;
        self.publish(state);
        Some(changed)
    }

    /// As [`Slot::change`], of the plan.
    pub(crate) fn change_plan<T>(&self, change: impl FnOnce(&mut CircuitState) -> T) -> Option<T> {
        self.change(|state| {
            let changed = change(state);
            self.publish_plan(state);
            changed
        })
    }

    /// Has those see the state who do not take the lock.
    #[inline]
    fn publish(&self, state: &CircuitState) {
        if let Some(until) = state.breaker.refuses_until() {
            self.until.store(until.as_nanos(), Release);
        }
        let gate = state.gate();
        if gate != self.gate() {
            self.gate.store(gate.to_bits(), Release);
        }
    }

    /// As [`Slot::publish`], where the plan is another one, too.
    fn publish_plan(&self, state: &CircuitState) {
        let limit = state.plan.checked.slow_after();
        let nanos = limit.map_or(u64::MAX, |limit| limit.as_nanos() as u64);
        self.slow_after.store(nanos, Release);
        self.publish(state);
    }

    /// Whether a call that took so long is not slow.
    #[inline]
    pub(crate) fn is_fast(&self, took: Duration) -> bool {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        nanos <= self.slow_after.load(Acquire)
    }

    #[inline]
    pub(crate) fn gate(&self) -> Gate {
        Gate::from_bits(self.gate.load(Acquire))
    }

    /// For how many nanoseconds every call is refused, if the gate that was read before is that of a circuit which is open or
    /// isolated with an end.
    ///
    /// Where the circuit has opened or was isolated once more since, it is that state's, and as true.
    pub(crate) fn refuses_for(&self) -> u64 {
        let until = self.until.load(Acquire);
        until.saturating_sub(self.now().as_nanos())
    }

    /// The time since the circuit was built. It may run the user's clock: not to be called with the lock held.
    #[inline]
    pub(crate) fn now(&self) -> Timestamp {
        let now = match self.gate().clock() {
            Source::Std => Source::std_now(),
            source => source.now().unwrap_or_else(|| {
                let plan = self.read(|state| state.plan.clone());
                plan.map_or(Timestamp::ZERO, |plan| plan.now())
            }),
        };
        self.since_built(now)
    }

    /// A time of the circuit's clock as time since the circuit was built. It ends early enough for each wait to end later.
    #[inline]
    pub(crate) fn since_built(&self, now: Timestamp) -> Timestamp {
        const END: u64 = u64::MAX / 2;
        let origin = self.origin.load(Relaxed);
        Timestamp::from_nanos(now.as_nanos().saturating_sub(origin).min(END))
    }

    /// Whether the clock is one that nobody moves by hand.
    pub(crate) fn clock_moves_by_itself(&self) -> bool {
        match self.gate().clock() {
            Source::Std => true,
            #[cfg(feature = "quanta")]
            Source::Quanta => true,
            #[cfg(feature = "tokio")]
            Source::Tokio => false,
            Source::User => false,
        }
    }

    /// Counts a rejection; `false` if the circuit, of which the caller has a handle, has ended before: then it is none.
    #[inline]
    pub(crate) fn count_rejection(&self) -> bool {
        self.rejected.fetch_add(1, Relaxed) & ENDED == 0
    }

    /// The calls that were rejected.
    pub(crate) fn rejected(&self) -> u64 {
        self.rejected.load(Relaxed) & !ENDED
    }

    /// The circuit, to those who do not keep it alive.
    pub(crate) fn weak(&'static self) -> WeakCircuit {
        let held = self.lock();
        let first = held
            .as_ref()
            .map_or_else(|| self.gate().epoch(), |state| state.first);
        WeakCircuit::new(self, first)
    }

    pub(super) fn retain(&self) {
        self.handles.fetch_add(1, Relaxed);
    }

    /// One more handle, unless the last one is gone.
    pub(crate) fn one_more_handle(&'static self) -> Option<Handle> {
        let one_more = |handles: u64| (handles > 0).then(|| handles + 1);
        let was = self.handles.fetch_update(AcqRel, Acquire, one_more);
        was.is_ok().then(|| Handle::counted(self))
    }

    /// Whether there is a handle besides one.
    #[cfg(feature = "keyed")]
    pub(crate) fn is_shared(&self) -> bool {
        self.handles.load(Acquire) > 1
    }

    /// Gives up a handle; with the last one the circuit ends.
    ///
    /// The last one is given up under the lock: whoever holds that, and sees a circuit, can have one more handle of it, so that
    /// nothing is told of a circuit after its end.
    pub(super) fn release(&'static self) {
        let one_less = |handles: u64| (handles > 1).then(|| handles - 1);
        if self.handles.fetch_update(AcqRel, Acquire, one_less).is_ok() {
            return;
        }
        let mut held = self.lock();
        if self.handles.fetch_sub(1, AcqRel) != 1 {
            return;
        }
        let ended = self.take(&mut held);
        drop(held);
        // Before the user's observers run and are dropped, which may go wrong.
        pool::put(self);
        if let Some(ended) = ended {
            ended.tell();
        }
    }

    /// Ends a circuit that nobody has a handle of besides the caller, if it is as it should be.
    #[cfg(feature = "keyed")]
    pub(crate) fn end_if(
        &'static self,
        is_it: impl FnOnce(&CircuitState) -> bool,
    ) -> Option<Ended> {
        let mut held = self.lock();
        if self.is_shared() || !held.as_ref().is_some_and(is_it) {
            return None;
        }
        self.take(&mut held)
    }

    fn take(&'static self, held: &mut Held) -> Option<Ended> {
        let state = held.take()?;
        // Of which no permit is: those of this circuit change nothing from here on.
        let epoch = state.epoch() + 1;
        self.gate.store(Gate::vacant(epoch).to_bits(), Release);
        let circuit = state.weak(self);
        Some(Ended {
            state,
            circuit,
            origin: Timestamp::from_nanos(self.origin.load(Relaxed)),
            // What is counted from here on is none.
            rejected: self.rejected.fetch_or(ENDED, Relaxed) & !ENDED,
        })
    }
}

/// The time of one event, read once: where it is first asked for, but from the user's own clock with nothing locked.
pub(crate) struct Moment {
    slot: &'static Slot,
    now: Option<Timestamp>,
}

impl Moment {
    pub(crate) const fn of(slot: &'static Slot) -> Self {
        Self { slot, now: None }
    }

    /// As [`Moment::of`], already read if the clock is the user's.
    pub(crate) fn read_of(slot: &'static Slot) -> Self {
        let mut moment = Self::of(slot);
        if !moment.is_at_hand() {
            moment.read();
        }
        moment
    }

    /// Whether [`Moment::now`] runs nothing of the user's.
    pub(crate) fn is_at_hand(&self) -> bool {
        self.now.is_some() || self.slot.gate().clock() != Source::User
    }

    /// Reads the time, with nothing locked.
    #[inline]
    pub(crate) fn read(&mut self) -> Timestamp {
        let slot = self.slot;
        *self.now.get_or_insert_with(|| slot.now())
    }

    pub(crate) fn now(&mut self) -> Timestamp {
        *self.now.get_or_insert_with(|| {
            // Not the user's: that was read before.
            let now = self.slot.gate().clock().now();
            self.slot.since_built(now.unwrap_or_default())
        })
    }
}
