//! What one circuit has told, and what of it was handed on.

use std::sync::Arc;

use breaker_core::{State, Timestamp, Transition};

use super::handles::Handles;
use crate::{snapshot::Snapshot, storage::WeakCircuit};

/// What one circuit has told, and what of it was handed on.
pub(super) struct Series {
    handles: Arc<Handles>,
    owns_state: bool,
    /// It is one of a table's, and has labels of its own.
    is_single: bool,
    /// That of the newest state that was handed on.
    generation: u64,
    counted: Counted,
    open: Open,
    recovery: Recovery,
}

/// The totals that were handed on.
#[derive(Default)]
struct Counted {
    opened: u64,
    failed: u64,
    ignored: u64,
    cancelled: u64,
    rejected: u64,
    admitted: u64,
    succeeded: u64,
    slow: u64,
}

impl Series {
    pub(super) fn new(handles: Arc<Handles>, owns_state: bool) -> Self {
        Self {
            handles,
            owns_state,
            is_single: false,
            generation: 0,
            counted: Counted::default(),
            open: Open::default(),
            recovery: Recovery::default(),
        }
    }

    pub(super) const fn is_single(&self) -> bool {
        self.is_single
    }

    /// What comes from now on has labels of its own.
    pub(super) fn single_out(&mut self, handles: Arc<Handles>, owns_state: bool) {
        (self.handles, self.owns_state) = (handles, owns_state);
        self.is_single = true;
    }

    pub(super) fn record(&mut self, transition: &Transition) {
        self.handles.count_transition(transition);
        self.set_state(transition.generation(), transition.to());
        self.open.record(transition);
        self.publish_open(transition.at());
        if let Some(took) = self.recovery.record(transition) {
            self.handles.recovery_seconds.record(took);
        }
    }

    pub(super) fn count_reconfigured(&self) {
        self.handles.reconfigured().increment(1);
    }

    pub(super) fn publish(&mut self, snapshot: &Snapshot) {
        self.set_state(snapshot.generation, snapshot.state);
        self.publish_open(snapshot.at);
        let (handles, counted) = (&self.handles, &mut self.counted);
        let opened = snapshot.opened.into();
        hand_on(&mut counted.opened, opened, || &handles.opened);
        hand_on(&mut counted.failed, snapshot.failed, || &handles.failed);
        hand_on(&mut counted.ignored, snapshot.ignored, || &handles.ignored);
        let cancelled = snapshot.cancelled;
        hand_on(&mut counted.cancelled, cancelled, || &handles.cancelled);
        hand_on(&mut counted.rejected, snapshot.rejected, || {
            &handles.rejected
        });
        if let Some(admitted) = snapshot.admitted {
            hand_on(&mut counted.admitted, admitted, || handles.admitted());
        }
        if let Some(succeeded) = snapshot.succeeded {
            hand_on(&mut counted.succeeded, succeeded, || handles.succeeded());
        }
        if let Some(slow) = snapshot.slow {
            hand_on(&mut counted.slow, slow, || handles.slow());
        }
    }

    /// The circuit is gone, and this is the last of it.
    pub(super) fn end(&mut self, last: &Snapshot, circuit: WeakCircuit) {
        self.publish(last);
        self.owns_state = false;
        self.handles.release(circuit);
    }

    /// Only a newer state is handed on, or the same one as time has changed it.
    fn set_state(&mut self, generation: u64, state: State) {
        let is_older = generation < self.generation;
        if self.owns_state && !is_older {
            self.generation = generation;
            self.handles.set_state(state);
        }
    }

    fn publish_open(&mut self, now: Timestamp) {
        let more = self.open.more_seconds(now);
        if more != 0.0 {
            self.handles.add_open_seconds(more);
        }
    }
}

/// Hands on what was counted since.
fn hand_on<'a>(known: &mut u64, now: u64, counter: impl FnOnce() -> &'a metrics::Counter) {
    counter().increment(now.saturating_sub(*known));
    *known = now.max(*known);
}

/// How long the circuit has been open. Sums, so that the order in which transitions come does not matter.
#[derive(Default)]
struct Open {
    /// The times at which it was left, less those at which it was entered, in nanoseconds.
    balance: i128,
    /// How often it was entered, less how often it was left.
    entered: i32,
    /// In nanoseconds.
    handed_on: i128,
}

impl Open {
    fn record(&mut self, transition: &Transition) {
        let at = i128::from(transition.at().as_nanos());
        if transition.from() == State::Open {
            self.balance += at;
            self.entered -= 1;
        }
        if transition.to() == State::Open {
            self.balance -= at;
            self.entered += 1;
        }
    }

    /// The seconds since the last time.
    fn more_seconds(&mut self, now: Timestamp) -> f64 {
        let so_far = match self.entered {
            0 => self.balance,
            1 => self.balance + i128::from(now.as_nanos()),
            // A transition from before the last one is still to come.
            _ => return 0.0,
        };
        let more = (so_far - self.handed_on).max(0);
        self.handed_on += more;
        more as f64 / 1e9
    }
}

/// Pairs each trip with the next time that the circuit is closed, should two of them come in the wrong order too.
#[derive(Default)]
struct Recovery {
    tripped: Option<(u64, Timestamp)>,
    closed: Option<(u64, Timestamp)>,
}

impl Recovery {
    /// The seconds that a recovery took, if this transition completes one.
    fn record(&mut self, transition: &Transition) -> Option<f64> {
        let this = (transition.generation(), transition.at());
        match (transition.from(), transition.to()) {
            (State::Closed, State::Open) => self.tripped = Some(this),
            (State::Open | State::HalfOpen, State::Closed) => self.closed = Some(this),
            _ => return None,
        }
        let ((tripped, from), (closed, to)) = (self.tripped?, self.closed?);
        if closed < tripped {
            return None;
        }
        (self.tripped, self.closed) = (None, None);
        Some(to.saturating_since(from).as_secs_f64())
    }
}
