//! What is done without a circuit's lock, against what is done under it, in every order of the steps that loom finds.
//!
//! `RUSTFLAGS="--cfg breaker_loom" cargo test --release -p breaker-layer --features keyed --lib loom`; and the same with
//! `--cfg breaker_loom_rmw` besides, for orders that loom leaves out otherwise.
//!
//! Each model is a few calls on two or three threads. [`check`] is exhaustive; [`check_within`] allows so many
//! preemptions in one run, because there are too many orders otherwise. Two catch nearly every mistake that is known of
//! concurrent programs (M. Musuvathi, S. Qadeer, "Iterative Context Bounding", 2007). The clock stays
//! std's: it is no part of what is checked.

mod closed;
mod fleet;
mod given_up;
mod half_open;
#[cfg(feature = "keyed")]
mod keyed;
mod observed;
mod ramp;
mod reconfigure;
mod rejected;
mod tenancy;
mod waiting;
mod windows;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering::SeqCst},
    },
    time::Duration,
};

use breaker_core::{OpenTime, Outcome, Probes, State, Transition, Trip};

use crate::{Circuit, CircuitBuilder, Permit, TransitionEvent, clock::Clock};

pub(crate) mod time {
    //! A clock that the model moves: loom runs all threads of an execution on one.

    use std::{cell::Cell, time::Duration};

    use breaker_core::Timestamp;

    thread_local! {
        static NOW: Cell<Timestamp> = const { Cell::new(Timestamp::ZERO) };
    }

    pub(crate) fn now() -> Timestamp {
        NOW.get()
    }

    /// The model's time in place of a real one.
    pub(crate) fn instead_of(_: Timestamp) -> Timestamp {
        now()
    }

    pub(super) fn start() {
        NOW.set(Timestamp::ZERO);
    }

    pub(super) fn advance(span: Duration) {
        NOW.set(NOW.get().saturating_add(span));
    }
}

const SECOND: Duration = Duration::from_secs(1);
const OPEN_FOR: Duration = Duration::from_secs(5);
const PROBE_TIMEOUT: Duration = Duration::from_secs(30);

/// Runs the model in every order.
fn check(model: impl Fn() + Send + Sync + 'static) {
    run(None, model);
}

/// Runs the model in every order in which no more than so many threads are interrupted.
fn check_within(preemptions: usize, model: impl Fn() + Send + Sync + 'static) {
    run(Some(preemptions), model);
}

fn run(preemptions: Option<usize>, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    // There are many more orders to try where every access is one that writes.
    builder.preemption_bound = preemptions.or(cfg!(breaker_loom_rmw).then_some(2));
    builder.check(move || {
        time::start();
        model();
    });
}

/// Runs these on a thread each, and gives back what they gave.
macro_rules! together {
    ($($thread:expr),+ $(,)?) => {{
        ($(loom::thread::spawn($thread)),+)
    }};
}
use together;

/// Waits for the threads.
fn join<const N: usize>(threads: [loom::thread::JoinHandle<()>; N]) {
    for thread in threads {
        thread.join().unwrap();
    }
}

/// A circuit, and what it told of its transitions.
#[derive(Clone)]
struct Bench {
    circuit: Circuit,
    log: Arc<Mutex<Vec<Transition>>>,
    /// The permits that are held.
    held: Arc<AtomicU32>,
}

impl Bench {
    /// Trips at the second failure in a row, of one event with the first or not, is open for 5 s, and has one probe.
    fn new() -> Self {
        Self::with(|builder| builder)
    }

    fn with(change: impl FnOnce(CircuitBuilder) -> CircuitBuilder) -> Self {
        let log = Arc::new(Mutex::new(Vec::new()));
        let told = log.clone();
        let builder = Circuit::builder("loom")
            .trip(Trip::consecutive_failures(2))
            .open_time(OpenTime::fixed(OPEN_FOR))
            .probes(Probes::new(1).timeout(PROBE_TIMEOUT))
            .one_event(Duration::ZERO)
            .clock(Clock::std())
            .seed(0)
            .observe(move |event: &TransitionEvent<'_>| {
                told.lock().unwrap().push(event.transition());
            });
        Self {
            circuit: change(builder).build().unwrap(),
            log,
            held: Arc::default(),
        }
    }

    fn admit(&self) -> Permit {
        self.circuit.try_acquire().expect("the call is admitted")
    }

    fn record(&self, outcome: Outcome) {
        self.admit().record(outcome);
    }

    fn state(&self) -> State {
        self.circuit.state()
    }

    /// Trips, and waits until a probe is due.
    fn open_and_wait(&self) {
        self.circuit.trip();
        time::advance(OPEN_FOR);
    }

    /// Asks for a permit; never are more than so many held at a time.
    fn probe(&self, most: u32) -> Option<Permit> {
        let permit = self.circuit.try_acquire().ok()?;
        assert!(self.held.fetch_add(1, SeqCst) < most, "too many probes");
        Some(permit)
    }

    /// Says that a permit is about to be given back.
    fn giving_back(&self) {
        self.held.fetch_sub(1, SeqCst);
    }

    /// Each transition was told once, and each began where the one before it ended.
    fn settled(&self) -> Vec<Transition> {
        let mut told = self.log.lock().unwrap().clone();
        told.sort_by_key(Transition::generation);
        let mut state = State::Closed;
        for (generation, transition) in (1..).zip(&told) {
            assert_eq!(transition.generation(), generation, "{told:#?}");
            assert_eq!(transition.from(), state, "{told:#?}");
            state = transition.to();
        }
        let snapshot = self.circuit.snapshot();
        assert_eq!(snapshot.generation, told.len() as u64, "{told:#?}");
        assert_eq!(
            snapshot.opened as usize,
            told.iter().filter(|one| one.to() == State::Open).count()
        );
        told
    }
}
