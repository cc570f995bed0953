//! Waiting for the right to make a call, as workers do: in order, none lost, and nobody woken for nothing.

mod support;

use std::{thread, time::Duration};

use breaker_layer::{Circuit, Outcome, Refusal, State, clock::Clock};
use support::{Bench, MILLI, OPEN_FOR, SECOND};

/// A thread that waits; whether it got its permit, which it records as a success.
fn worker(circuit: &Circuit, limit: Duration) -> thread::JoinHandle<bool> {
    let circuit = circuit.clone();
    thread::spawn(move || match circuit.acquire_blocking(limit) {
        Ok(permit) => {
            permit.record(Outcome::Success);
            true
        }
        Err(_) => false,
    })
}

#[test]
fn a_thread_gets_its_permit_at_once_where_calls_pass() {
    let bench = Bench::new();
    for command in [Circuit::close, Circuit::observe_only, Circuit::disable] {
        command(&bench.circuit);
        assert!(bench.circuit.acquire_blocking(Duration::ZERO).is_ok());
    }
    bench.circuit.half_open();
    assert!(bench.circuit.acquire_blocking(Duration::ZERO).is_ok());
}

#[test]
fn a_thread_s_wait_ends_with_its_limit_and_is_a_rejection() {
    let bench = Bench::with(|builder| builder.clock(Clock::std()));
    bench.circuit.isolate();
    for limit in [Duration::ZERO, MILLI, 20 * MILLI] {
        let rejected = bench.circuit.acquire_blocking(limit).unwrap_err();
        assert_eq!(rejected.refusal(), Refusal::Isolated { retry_after: None });
    }
    assert_eq!(bench.circuit.snapshot().rejected, 3);
}

#[test]
fn time_ends_a_thread_s_wait() {
    let bench = Bench::with(|builder| builder.clock(Clock::std()));
    bench.circuit.trip_for(20 * MILLI);
    assert!(bench.circuit.acquire_blocking(60 * SECOND).is_ok());
    assert_eq!(bench.circuit.snapshot().rejected, 0);
}

#[test]
fn a_clock_that_is_moved_by_hand_ends_a_thread_s_wait() {
    let refusals: [fn(&Circuit); 2] = [
        |circuit| circuit.trip_for(OPEN_FOR),
        |circuit| circuit.isolate_for(OPEN_FOR),
    ];
    for refuse in refusals {
        let bench = Bench::new();
        refuse(&bench.circuit);
        let worker = worker(&bench.circuit, 3600 * SECOND);
        bench.clock.advance(OPEN_FOR);
        assert!(worker.join().unwrap());
    }
}

/// A lost wake-up would hang until the limit, which is longer than anybody waits for a test.
#[test]
fn an_operator_and_each_probe_wake_the_threads_in_line() {
    for command in [Circuit::half_open, Circuit::close, Circuit::observe_only] {
        let bench = Bench::with(|builder| builder.clock(Clock::std()));
        bench.circuit.isolate();
        let workers: Vec<_> = (0..8)
            .map(|_| worker(&bench.circuit, 3600 * SECOND))
            .collect();
        thread::yield_now();
        command(&bench.circuit);
        for worker in workers {
            assert!(worker.join().unwrap());
        }
        assert_eq!(bench.state(), State::Closed);
    }
}

#[cfg(feature = "tokio")]
mod tasks {
    use std::{
        future::Future,
        pin::Pin,
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering::SeqCst},
        },
        task::{Context, Poll, Wake, Waker},
    };

    use breaker_layer::{BreakerLayer, CircuitBuilder, Config, Permit, Probes, Ramp};
    use futures::future::BoxFuture;
    use proptest::prelude::*;
    use tokio::time::{Instant, advance};
    use tokio_test::{assert_pending, assert_ready, task};
    use tower::{Layer, Service};

    use super::*;
    use crate::support::{Downstream, PROBE_TIMEOUT};

    fn bench() -> Bench {
        bench_with(|builder| builder)
    }

    fn bench_with(change: impl FnOnce(CircuitBuilder) -> CircuitBuilder) -> Bench {
        Bench::with(|builder| change(builder.clock(Clock::tokio())))
    }

    type Waiting<'a> = task::Spawn<BoxFuture<'a, Permit>>;

    fn waiting(circuit: &Circuit) -> Waiting<'_> {
        task::spawn(Box::pin(circuit.acquire()))
    }

    #[tokio::test(start_paused = true)]
    async fn a_closed_circuit_admits_at_once() {
        let bench = bench();
        bench.circuit.acquire().await.record(Outcome::Success);
        bench.circuit.observe_only();
        bench.circuit.acquire().await.record(Outcome::Success);
    }

    #[tokio::test(start_paused = true)]
    async fn time_wakes_the_first_in_line_and_nobody_else() {
        let bench = bench();
        bench.open();
        let (mut first, mut second) = (waiting(&bench.circuit), waiting(&bench.circuit));
        assert_pending!(first.poll());
        assert_pending!(second.poll());
        advance(OPEN_FOR - MILLI).await;
        assert!(!first.is_woken() && !second.is_woken());
        advance(MILLI).await;
        assert!(first.is_woken() && !second.is_woken());
        let probe = assert_ready!(first.poll());
        assert_eq!(bench.state(), State::HalfOpen);
        assert_pending!(second.poll());
        probe.record(Outcome::Success);
        assert!(second.is_woken());
        assert_ready!(second.poll()).record(Outcome::Success);
        assert_eq!(bench.circuit.snapshot().rejected, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn an_operator_ends_the_wait_for_an_isolated_circuit_and_nobody_else_does() {
        let bench = bench();
        bench.circuit.isolate();
        let mut waiting = waiting(&bench.circuit);
        assert_pending!(waiting.poll());
        advance(24 * 3600 * SECOND).await;
        assert!(!waiting.is_woken());
        bench.circuit.trip();
        assert!(waiting.is_woken());
        assert_pending!(waiting.poll());
        bench.circuit.isolate();
        assert_pending!(waiting.poll());
        advance(24 * 3600 * SECOND).await;
        assert!(!waiting.is_woken(), "no timer of before goes on");
        bench.circuit.reset();
        assert!(waiting.is_woken());
        assert_ready!(waiting.poll()).record(Outcome::Success);
    }

    #[tokio::test(start_paused = true)]
    async fn the_end_of_an_isolation_wakes_the_first_in_line_and_its_probe_s_deadline_the_next() {
        let bench = bench();
        bench.circuit.isolate();
        let (mut first, mut second) = (waiting(&bench.circuit), waiting(&bench.circuit));
        assert_pending!(first.poll());
        assert_pending!(second.poll());
        bench.circuit.isolate_for(OPEN_FOR);
        assert!(first.is_woken() && second.is_woken(), "there is a time now");
        assert_pending!(first.poll());
        assert_pending!(second.poll());
        advance(OPEN_FOR - MILLI).await;
        assert!(!first.is_woken() && !second.is_woken());
        advance(MILLI).await;
        assert!(first.is_woken() && !second.is_woken());
        let lost = assert_ready!(first.poll());
        assert_eq!(bench.state(), State::HalfOpen);
        advance(PROBE_TIMEOUT).await;
        assert!(second.is_woken());
        drop(lost);
    }

    #[tokio::test(start_paused = true)]
    async fn other_settings_wake_whoever_they_make_room_for() {
        let bench = bench();
        bench.circuit.half_open();
        let _probe = bench.admit();
        let mut waiting = waiting(&bench.circuit);
        assert_pending!(waiting.poll());
        let config = Config::new().probes(Probes::new(2));
        bench.circuit.reconfigure(config).expect("they are good");
        assert!(waiting.is_woken());
        assert_ready!(waiting.poll()).record(Outcome::Success);
    }

    #[tokio::test(start_paused = true)]
    async fn half_open_s_deadline_wakes_the_first_in_line() {
        let bench = bench();
        bench.circuit.half_open();
        let lost = bench.admit();
        let mut waiting = waiting(&bench.circuit);
        assert_pending!(waiting.poll());
        advance(PROBE_TIMEOUT).await;
        assert!(waiting.is_woken());
        assert_pending!(waiting.poll());
        advance(OPEN_FOR).await;
        assert!(waiting.is_woken());
        assert_ready!(waiting.poll()).record(Outcome::Success);
        drop(lost);
    }

    #[tokio::test(start_paused = true)]
    async fn a_waiter_that_is_dropped_after_it_was_woken_wakes_the_next() {
        let bench = bench();
        bench.circuit.half_open();
        let probe = bench.admit();
        let mut line: Vec<_> = (0..3).map(|_| waiting(&bench.circuit)).collect();
        for waiting in &mut line {
            assert_pending!(waiting.poll());
        }
        drop(probe);
        assert_eq!(woken(&line), [true, false, false]);
        drop(line.remove(0));
        assert_eq!(woken(&line), [true, false]);
        drop(line.remove(0));
        assert!(line[0].is_woken());
        assert_ready!(line[0].poll()).record(Outcome::Success);
    }

    /// The time of an open circuit is kept by the first in line.
    #[tokio::test(start_paused = true)]
    async fn a_waiter_that_is_dropped_leaves_the_time_to_the_next() {
        let bench = bench();
        bench.open();
        let (mut first, mut second) = (waiting(&bench.circuit), waiting(&bench.circuit));
        assert_pending!(first.poll());
        assert_pending!(second.poll());
        drop(first);
        assert!(second.is_woken());
        assert_pending!(second.poll());
        advance(OPEN_FOR).await;
        assert!(second.is_woken());
        assert_ready!(second.poll()).record(Outcome::Success);
    }

    #[tokio::test(start_paused = true)]
    async fn a_permit_that_nobody_takes_gives_its_place_to_the_next() {
        let bench = bench();
        bench.circuit.half_open();
        let mut first = waiting(&bench.circuit);
        let unused = assert_ready!(first.poll());
        let mut second = waiting(&bench.circuit);
        assert_pending!(second.poll());
        drop(unused);
        assert!(second.is_woken());
        assert_ready!(second.poll()).record(Outcome::Success);
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_that_waits_is_woken_beside_the_line() {
        let bench = bench();
        let mut service = BreakerLayer::new(bench.circuit.clone())
            .wait()
            .layer(Downstream::new());
        bench.circuit.half_open();
        let probe = bench.admit();
        let mut first = waiting(&bench.circuit);
        assert_pending!(first.poll());
        let mut polls = task::spawn(());
        assert_pending!(polls.enter(|cx, _| service.poll_ready(cx)));
        let mut second = waiting(&bench.circuit);
        assert_pending!(second.poll());
        drop(probe);
        assert!(first.is_woken() && polls.is_woken() && !second.is_woken());
    }

    #[tokio::test(start_paused = true)]
    async fn while_traffic_comes_back_gradually_the_line_moves_with_the_allowance() {
        let bench = bench_with(|builder| builder.ramp(Ramp::new(4, 64)));
        bench.open();
        let since = Instant::now();
        let calls: Vec<_> = (0..300)
            .map(|_| {
                let circuit = bench.circuit.clone();
                tokio::spawn(async move { circuit.acquire().await.record(Outcome::Success) })
            })
            .collect();
        for call in calls {
            call.await.expect("no panic");
        }
        assert!(since.elapsed() > OPEN_FOR);
        assert_eq!(bench.state(), State::Closed);
    }

    fn woken(line: &[Waiting<'_>]) -> Vec<bool> {
        line.iter().map(task::Spawn::is_woken).collect()
    }

    /// One that waits, and how often it was woken and polled again.
    struct Waiter {
        woken: Arc<Woken>,
        future: Option<Pin<Box<dyn Future<Output = Permit> + Send>>>,
        in_vain: u32,
    }

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, SeqCst);
        }
    }

    impl Waiter {
        fn new(circuit: &Circuit) -> Self {
            let circuit = circuit.clone();
            Self {
                woken: Arc::default(),
                future: Some(Box::pin(async move { circuit.acquire().await })),
                in_vain: 0,
            }
        }

        fn is_woken(&self) -> bool {
            self.future.is_some() && self.woken.0.load(SeqCst) > 0
        }

        fn poll(&mut self) -> Option<Permit> {
            self.woken.0.store(0, SeqCst);
            let waker = Waker::from(self.woken.clone());
            let future = self.future.as_mut()?;
            match future.as_mut().poll(&mut Context::from_waker(&waker)) {
                Poll::Ready(permit) => {
                    self.future = None;
                    Some(permit)
                }
                Poll::Pending => {
                    self.in_vain += 1;
                    None
                }
            }
        }
    }

    const MANY: usize = 2000;

    /// An outage of which 20 probes tell; then all get through. From one round of probes to the next nobody is woken in vain more
    /// than once: the first in line by the end of the round, when it learns for how long it is open, and one behind it that
    /// learns then when to look whether the next round is lost.
    #[tokio::test(start_paused = true)]
    async fn of_2000_waiters_none_is_lost_and_none_is_woken_in_vain_more_than_once_a_probe() {
        for at_once in [1, 3] {
            let probes = Probes::new(at_once).timeout(PROBE_TIMEOUT);
            let bench = bench_with(|builder| builder.probes(probes));
            bench.open();
            let mut line: Vec<_> = (0..MANY).map(|_| Waiter::new(&bench.circuit)).collect();
            for waiter in &mut line {
                assert!(waiter.poll().is_none());
                waiter.in_vain = 0;
            }
            let (mut rounds, mut let_in) = (0, Vec::new());
            while let_in.len() < MANY {
                let (mut under_way, mut in_vain) = (Vec::new(), 0);
                while let Some(at) = line.iter().position(Waiter::is_woken) {
                    if let Some(permit) = line[at].poll() {
                        let_in.push(at);
                        under_way.push(permit);
                    } else {
                        in_vain += 1;
                    }
                }
                assert!(in_vain <= 2, "{in_vain} in round {rounds}");
                assert!(line.iter().all(|waiter| waiter.in_vain <= 1));
                if under_way.is_empty() {
                    advance(SECOND).await;
                    continue;
                }
                rounds += 1;
                line.iter_mut().for_each(|waiter| waiter.in_vain = 0);
                for permit in under_way {
                    permit.record(if rounds > 20 {
                        Outcome::Success
                    } else {
                        Outcome::Failure
                    });
                }
            }
            assert!(let_in.is_sorted(), "in the order in which they came");
            assert_eq!(bench.circuit.snapshot().rejected, 0);
        }
    }

    /// Probes that are never answered stop nobody: the next one is let in as soon as half-open has lapsed and the wait is over.
    #[tokio::test(start_paused = true)]
    async fn a_lost_probe_is_noticed_by_those_behind_it_without_any_other_call() {
        for (at_once, goes) in [(1, false), (1, true), (3, false)] {
            let probes = Probes::new(at_once).timeout(PROBE_TIMEOUT);
            let bench = bench_with(|builder| builder.probes(probes));
            bench.open();
            let mut line: Vec<_> = (0..40).map(|_| Waiter::new(&bench.circuit)).collect();
            for waiter in &mut line {
                assert!(waiter.poll().is_none());
            }
            let since = Instant::now();
            let (mut lost, mut let_in) = (Vec::new(), Vec::new());
            while let_in.len() < 12 && since.elapsed() < SECOND * 3600 {
                while let Some(at) = line.iter().position(Waiter::is_woken) {
                    if let Some(permit) = line[at].poll() {
                        let_in.push((at, since.elapsed().as_secs()));
                        lost.push(permit);
                        // One that waits may go at any time, the deputy too.
                        if goes && let Some(next) = line.get_mut(at + 2) {
                            next.future = None;
                        }
                    }
                }
                advance(SECOND / 10).await;
            }
            assert!(let_in.len() >= 12, "{let_in:?}");
            let cycle = OPEN_FOR + PROBE_TIMEOUT;
            for (number, &(_, at)) in let_in.iter().enumerate() {
                let round = number as u64 / u64::from(at_once);
                let due = OPEN_FOR.as_secs() + round * cycle.as_secs();
                assert!(
                    (due..=due + 1).contains(&at),
                    "{number} at {at}, due at {due}"
                );
            }
        }
    }

    #[derive(Clone, Copy, Debug)]
    enum Step {
        Come,
        Leave(usize),
        Poll,
        Finish(usize, bool),
        GiveUp(usize),
        Advance(u64),
        Command(usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            3 => Just(Step::Come),
            2 => any::<usize>().prop_map(Step::Leave),
            4 => Just(Step::Poll),
            3 => (any::<usize>(), any::<bool>()).prop_map(|(at, good)| Step::Finish(at, good)),
            1 => any::<usize>().prop_map(Step::GiveUp),
            2 => (1..6_000_u64).prop_map(Step::Advance),
            1 => (0..7_usize).prop_map(Step::Command),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        /// Whatever happens in between, woken waiters that are dropped included: once calls pass, all get through.
        #[test]
        fn no_wake_up_is_lost(steps in prop::collection::vec(step(), 1..80)) {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .start_paused(true)
                .build()
                .expect("a runtime");
            runtime.block_on(async {
                let bench = bench_with(|builder| builder.probes(Probes::new(2).timeout(PROBE_TIMEOUT)));
                let (mut line, mut permits) = (Vec::<Waiter>::new(), Vec::new());
                for step in steps {
                    match step {
                        Step::Come => {
                            line.push(Waiter::new(&bench.circuit));
                            permits.extend(line.last_mut().and_then(Waiter::poll));
                        }
                        Step::Leave(at) if !line.is_empty() => drop(line.remove(at % line.len())),
                        Step::Poll => permits.extend(
                            line.iter_mut().filter(|waiter| waiter.is_woken()).filter_map(Waiter::poll),
                        ),
                        Step::Finish(at, good) if !permits.is_empty() => {
                            let permit: Permit = permits.remove(at % permits.len());
                            permit.record(if good { Outcome::Success } else { Outcome::Failure });
                        }
                        Step::GiveUp(at) if !permits.is_empty() => {
                            drop(permits.remove(at % permits.len()));
                        }
                        Step::Advance(millis) => advance(Duration::from_millis(millis)).await,
                        Step::Command(which) => [
                            Circuit::trip,
                            Circuit::half_open,
                            Circuit::close,
                            Circuit::isolate,
                            |circuit: &Circuit| circuit.isolate_for(OPEN_FOR),
                            Circuit::reset,
                            Circuit::observe_only,
                        ][which](&bench.circuit),
                        Step::Leave(_) | Step::Finish(..) | Step::GiveUp(_) => (),
                    }
                }
                bench.circuit.half_open();
                drop(permits);
                // Only those that are woken are polled, and time goes on.
                for _ in 0..2 * line.len() + 100 {
                    for waiter in &mut line {
                        if waiter.is_woken() && let Some(permit) = waiter.poll() {
                            permit.record(Outcome::Success);
                        }
                    }
                    advance(PROBE_TIMEOUT).await;
                }
                let left = line.iter().filter(|waiter| waiter.future.is_some()).count();
                assert_eq!(left, 0, "of {}; {:?}", line.len(), bench.circuit);
            });
        }
    }

    /// The order of events is up to the threads; a lost wake-up would hang.
    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn no_wake_up_is_lost_between_threads() {
        for round in 0..50 {
            let bench = bench();
            bench.circuit.isolate();
            let workers: Vec<_> = (0..16)
                .map(|number| {
                    let circuit = bench.circuit.clone();
                    tokio::spawn(async move {
                        let permit = circuit.acquire().await;
                        if number % 4 == 0 {
                            drop(permit);
                        } else {
                            permit.record(Outcome::Success);
                        }
                    })
                })
                .collect();
            let circuit = bench.circuit.clone();
            let operator = tokio::spawn(async move { circuit.half_open() });
            let all = async {
                operator.await.expect("no panic");
                for (number, worker) in workers.into_iter().enumerate() {
                    if number % 5 == 0 {
                        worker.abort();
                    } else {
                        worker.await.expect("no panic");
                    }
                }
            };
            let in_time = tokio::time::timeout(20 * SECOND, all).await;
            assert!(in_time.is_ok(), "round {round}: {:?}", bench.circuit);
        }
    }
}
