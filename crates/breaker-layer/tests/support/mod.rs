//! What the tests share: a circuit under a clock that stands still, what it told its observer, and a downstream that
//! does as it was told.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::{
    collections::VecDeque,
    fmt,
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use breaker_layer::{
    Circuit, CircuitBuilder, OpenTime, Outcome, Permit, Probes, Snapshot, State, TransitionEvent,
    Trip, clock::ManualClock, observe::Transition,
};
use futures::FutureExt;
use tower::{Service, ServiceExt};

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const MILLI: Duration = Duration::from_millis(1);
pub(crate) const NANO: Duration = Duration::from_nanos(1);
pub(crate) const DAY: Duration = Duration::from_secs(24 * 3600);

/// So many failures in a row trip a [`Bench`]'s circuit.
pub(crate) const THRESHOLD: u32 = 3;
/// For so long a [`Bench`]'s circuit stays open.
pub(crate) const OPEN_FOR: Duration = Duration::from_secs(5);
/// After so long without a verdict a [`Bench`]'s circuit leaves half-open.
pub(crate) const PROBE_TIMEOUT: Duration = Duration::from_secs(30);

/// Holds off the process's other tests that ask for this too: circuits share their storage.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Every transition that an observer was told of.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<Transition>>>);

impl Log {
    pub(crate) fn observer(&self) -> impl Fn(&TransitionEvent<'_>) + Send + Sync + 'static {
        let log = self.clone();
        move |event: &TransitionEvent<'_>| log.lock().push(event.transition())
    }

    pub(crate) fn all(&self) -> Vec<Transition> {
        self.lock().clone()
    }

    pub(crate) fn last(&self) -> Transition {
        self.all().pop().expect("there was a transition")
    }

    /// Where each transition led to.
    pub(crate) fn states(&self) -> Vec<State> {
        self.all().iter().map(Transition::to).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Transition>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A circuit under a clock that stands still: 3 failures in a row, 5 s open, 1 probe.
pub(crate) struct Bench {
    pub(crate) clock: ManualClock,
    pub(crate) circuit: Circuit,
    pub(crate) log: Log,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::with(|builder| builder)
    }

    pub(crate) fn with(change: impl FnOnce(CircuitBuilder) -> CircuitBuilder) -> Self {
        Self::at(ManualClock::new(), change)
    }

    pub(crate) fn at(
        clock: ManualClock,
        change: impl FnOnce(CircuitBuilder) -> CircuitBuilder,
    ) -> Self {
        let log = Log::default();
        let builder = Circuit::builder("bench")
            .trip(Trip::consecutive_failures(THRESHOLD))
            .open_time(OpenTime::fixed(OPEN_FOR))
            .probes(Probes::new(1).timeout(PROBE_TIMEOUT))
            .clock(clock.clock())
            .observe(log.observer());
        let circuit = change(builder).build().expect("the settings are good");
        Self {
            clock,
            circuit,
            log,
        }
    }

    pub(crate) fn admit(&self) -> Permit {
        self.circuit.try_acquire().expect("the call is admitted")
    }

    pub(crate) fn rejects(&self) -> bool {
        self.circuit.try_acquire().is_err()
    }

    pub(crate) fn fail(&self, calls: u32) {
        for _ in 0..calls {
            self.admit().record(Outcome::Failure);
        }
    }

    pub(crate) fn succeed(&self, calls: u32) {
        for _ in 0..calls {
            self.admit().record(Outcome::Success);
        }
    }

    /// Trips by failures.
    pub(crate) fn open(&self) {
        self.fail(THRESHOLD);
        assert_eq!(self.state(), State::Open);
    }

    /// Trips by failures, waits, and has its first probe admitted.
    pub(crate) fn probe(&self) -> Permit {
        self.open();
        self.clock.advance(OPEN_FOR);
        self.admit()
    }

    pub(crate) fn state(&self) -> State {
        self.circuit.state()
    }

    pub(crate) fn generation(&self) -> u64 {
        self.circuit.snapshot().generation
    }

    /// What can be seen of the machine, the totals of calls apart.
    pub(crate) fn picture(&self) -> (State, bool, u64, u32, Option<Duration>, u32) {
        let Snapshot {
            state,
            observe_only,
            generation,
            failures,
            retry_after,
            opened,
            ..
        } = self.circuit.snapshot();
        (
            state,
            observe_only,
            generation,
            failures,
            retry_after,
            opened,
        )
    }
}

/// The downstream's own error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fault(pub(crate) u32);

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "fault {}", self.0)
    }
}

impl std::error::Error for Fault {}

/// What a downstream does with a call.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Answer {
    Echo,
    Fail,
    Hang,
    PanicInCall,
    PanicInFuture,
}

/// What a downstream says when it is asked whether it is ready.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ready {
    Yes,
    Pending,
    Fail,
}

/// A downstream that does as it was told and counts what is asked of it.
///
/// It insists on Tower's contract: it panics when it is called without having been ready since its last call. A clone
/// shares the orders and the counts, and starts unready.
pub(crate) struct Downstream {
    shared: Arc<Shared>,
    was_ready: bool,
}

#[derive(Default)]
struct Shared {
    answers: Mutex<VecDeque<Answer>>,
    always: Mutex<Option<Answer>>,
    readiness: Mutex<VecDeque<Ready>>,
    polls: AtomicUsize,
    calls: AtomicUsize,
}

impl Downstream {
    pub(crate) fn new() -> Self {
        Self {
            shared: Arc::default(),
            was_ready: false,
        }
    }

    /// Does these in turn, and then echoes.
    pub(crate) fn answering(answers: impl IntoIterator<Item = Answer>) -> Self {
        let downstream = Self::new();
        downstream.answer(answers);
        downstream
    }

    /// Does this whenever nothing else is said.
    pub(crate) fn always(answer: Answer) -> Self {
        let downstream = Self::new();
        *downstream.shared.always.lock().expect("no panic") = Some(answer);
        downstream
    }

    pub(crate) fn answer(&self, answers: impl IntoIterator<Item = Answer>) {
        self.shared
            .answers
            .lock()
            .expect("no panic")
            .extend(answers);
    }

    /// Says these in turn when it is polled, and then that it is ready.
    pub(crate) fn ready(&self, readiness: impl IntoIterator<Item = Ready>) {
        self.shared
            .readiness
            .lock()
            .expect("no panic")
            .extend(readiness);
    }

    pub(crate) fn polls(&self) -> usize {
        self.shared.polls.load(SeqCst)
    }

    pub(crate) fn calls(&self) -> usize {
        self.shared.calls.load(SeqCst)
    }
}

impl Clone for Downstream {
    fn clone(&self) -> Self {
        Self {
            shared: self.shared.clone(),
            was_ready: false,
        }
    }
}

impl fmt::Debug for Downstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Downstream")
    }
}

impl Service<u32> for Downstream {
    type Response = u32;
    type Error = Fault;
    type Future = Reply;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Fault>> {
        self.shared.polls.fetch_add(1, SeqCst);
        let said = self.shared.readiness.lock().expect("no panic").pop_front();
        match said.unwrap_or(Ready::Yes) {
            Ready::Yes => {
                self.was_ready = true;
                Poll::Ready(Ok(()))
            }
            Ready::Pending => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Ready::Fail => Poll::Ready(Err(Fault(503))),
        }
    }

    fn call(&mut self, request: u32) -> Reply {
        assert!(self.was_ready, "called without having been ready");
        self.was_ready = false;
        self.shared.calls.fetch_add(1, SeqCst);
        let said = self.shared.answers.lock().expect("no panic").pop_front();
        let always = *self.shared.always.lock().expect("no panic");
        let answer = said.or(always).unwrap_or(Answer::Echo);
        assert!(!matches!(answer, Answer::PanicInCall), "told to panic");
        Reply { answer, request }
    }
}

/// A downstream's response.
#[derive(Debug)]
pub(crate) struct Reply {
    answer: Answer,
    request: u32,
}

impl Future for Reply {
    type Output = Result<u32, Fault>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        match self.answer {
            Answer::Echo => Poll::Ready(Ok(self.request)),
            Answer::Fail => Poll::Ready(Err(Fault(self.request))),
            Answer::Hang => Poll::Pending,
            Answer::PanicInCall | Answer::PanicInFuture => panic!("told to panic"),
        }
    }
}

/// Waits until the service is ready, calls it and takes its response, all of it at once.
pub(crate) fn call<S: Service<u32>>(
    service: &mut S,
    request: u32,
) -> Result<S::Response, S::Error> {
    async { service.ready().await?.call(request).await }
        .now_or_never()
        .expect("the service answers at once")
}

/// Polls the service ready once.
pub(crate) fn poll_ready<S: Service<u32>>(service: &mut S) -> Poll<Result<(), S::Error>> {
    service.poll_ready(&mut Context::from_waker(Waker::noop()))
}

/// The result of a panic, with its message kept off the screen's failures.
pub(crate) fn panics<T>(act: impl FnOnce() -> T) -> bool {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(act)).is_err()
}
