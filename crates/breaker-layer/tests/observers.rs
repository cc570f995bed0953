//! C20: observers are told after the change, with nothing held, and harm nobody.

mod support;

use std::sync::{
    Arc, Mutex, OnceLock,
    atomic::{AtomicU32, Ordering::SeqCst},
};

use breaker_layer::{
    Circuit, Observe, State, TransitionEvent,
    clock::ManualClock,
    observe::{Reason, Transition},
};
use support::{Bench, Log, OPEN_FOR, PROBE_TIMEOUT, THRESHOLD};

/// A circuit that its observer can reach.
type Reached = Arc<OnceLock<Circuit>>;

#[test]
fn an_observer_finds_the_new_state_stored() {
    let reached = Reached::default();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let bench = Bench::with(|builder| {
        let (reached, seen) = (reached.clone(), seen.clone());
        builder.observe(move |event: &TransitionEvent<'_>| {
            let snapshot = reached.get().unwrap().snapshot();
            let told = event.transition();
            assert_eq!(snapshot.generation, told.generation());
            seen.lock().unwrap().push((told.to(), snapshot.state));
        })
    });
    reached.get_or_init(|| bench.circuit.clone());
    bench.open();
    bench.clock.advance(OPEN_FOR);
    bench.succeed(1);
    bench.circuit.isolate();
    let expected = [State::Open, State::HalfOpen, State::Closed, State::Isolated];
    assert_eq!(*seen.lock().unwrap(), expected.map(|state| (state, state)));
}

#[test]
fn an_observer_may_call_the_circuit_again() {
    let reached = Reached::default();
    let bench = Bench::with(|builder| {
        let reached = reached.clone();
        builder.observe(move |event: &TransitionEvent<'_>| {
            let circuit = reached.get().unwrap();
            match event.transition().to() {
                State::Open => circuit.half_open(),
                State::HalfOpen => circuit
                    .try_acquire()
                    .unwrap()
                    .record(breaker_layer::Outcome::Success),
                State::Closed => circuit.isolate(),
                _ => {
                    assert!(circuit.try_acquire().is_err());
                    assert_eq!(circuit.clone().name().as_ref(), "bench");
                }
            }
        })
    });
    reached.get_or_init(|| bench.circuit.clone());
    bench.fail(THRESHOLD);
    assert_eq!(bench.state(), State::Isolated);
    assert_eq!(bench.generation(), 4);
}

#[test]
fn an_observer_that_panics_harms_neither_the_caller_nor_the_others() {
    let after = Log::default();
    let bench = Bench::with(|builder| {
        builder
            .observe(|_: &TransitionEvent<'_>| panic!("an observer panics"))
            .observe(after.observer())
    });
    bench.open();
    bench.clock.advance(OPEN_FOR);
    bench.succeed(1);
    let expected = [State::Open, State::HalfOpen, State::Closed];
    assert_eq!(bench.log.states(), expected);
    assert_eq!(after.states(), expected);
    assert_eq!(bench.state(), State::Closed);
}

#[test]
fn an_observer_that_panics_at_the_first_probe_leaves_its_place_to_its_owner() {
    let bench = Bench::with(|builder| {
        builder.observe(|event: &TransitionEvent<'_>| {
            assert_ne!(event.transition().to(), State::HalfOpen);
        })
    });
    let probe = bench.probe();
    assert!(bench.rejects());
    probe.record(breaker_layer::Outcome::Success);
    assert_eq!(bench.state(), State::Closed);
}

#[test]
fn transitions_that_arrive_out_of_order_are_told_apart_by_their_generation() {
    // The second observer is told of the trip after the first one has already closed the circuit again.
    let reached = Reached::default();
    let second = Log::default();
    let bench = Bench::with(|builder| {
        let reached = reached.clone();
        builder
            .observe(move |event: &TransitionEvent<'_>| {
                if event.transition().to() == State::Open {
                    reached.get().unwrap().close();
                }
            })
            .observe(second.observer())
    });
    reached.get_or_init(|| bench.circuit.clone());
    bench.fail(THRESHOLD);
    assert_eq!(bench.state(), State::Closed);
    assert_eq!(second.states(), [State::Closed, State::Open]);
    let latest = second.all().into_iter().max_by_key(Transition::generation);
    assert_eq!(latest.unwrap().to(), State::Closed);
}

#[test]
fn a_transition_says_from_where_to_where_why_and_when() {
    let bench = Bench::new();
    bench.open();
    let trip = bench.log.last();
    assert_eq!((trip.from(), trip.to()), (State::Closed, State::Open));
    assert_eq!(
        trip.reason(),
        Reason::ConsecutiveFailures {
            failures: THRESHOLD
        }
    );
    assert_eq!((trip.failures(), trip.generation()), (THRESHOLD, 1));
    assert_eq!(
        (trip.at(), trip.open_for()),
        (bench.clock.now(), Some(OPEN_FOR))
    );

    bench.clock.advance(OPEN_FOR);
    let probe = bench.admit();
    let due = bench.log.last();
    assert_eq!((due.from(), due.to()), (State::Open, State::HalfOpen));
    assert_eq!((due.reason(), due.open_for()), (Reason::ProbeDue, None));
    assert_eq!(due.at(), bench.clock.now());

    bench.clock.advance(PROBE_TIMEOUT);
    assert!(bench.rejects());
    let lapsed = bench.log.last();
    assert_eq!((lapsed.from(), lapsed.to()), (State::HalfOpen, State::Open));
    assert_eq!(lapsed.reason(), Reason::NoVerdict);
    drop(probe);
}

#[test]
fn an_observer_is_told_the_name_of_the_circuit() {
    struct Names(Arc<Mutex<Vec<String>>>);
    impl Observe for Names {
        fn transition(&self, event: &TransitionEvent<'_>) {
            self.0.lock().unwrap().push(event.circuit().to_owned());
        }
    }
    let names = Arc::new(Mutex::new(Vec::new()));
    let bench = Bench::with(|builder| builder.observe(Names(names.clone())));
    bench.circuit.trip();
    assert_eq!(*names.lock().unwrap(), ["bench"]);
}

#[test]
fn threads_that_trip_at_once_make_one_transition() {
    for _ in 0..50 {
        let told = Arc::new(AtomicU32::new(0));
        let bench = Bench::with(|builder| {
            let told = told.clone();
            let builder = builder.one_event(std::time::Duration::ZERO);
            builder.observe(move |_: &TransitionEvent<'_>| {
                told.fetch_add(1, SeqCst);
            })
        });
        let permits: Vec<_> = (0..8).map(|_| bench.admit()).collect();
        let start = Arc::new(std::sync::Barrier::new(permits.len()));
        let threads: Vec<_> = permits
            .into_iter()
            .map(|permit| {
                let start = start.clone();
                std::thread::spawn(move || {
                    start.wait();
                    permit.record(breaker_layer::Outcome::Failure);
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(told.load(SeqCst), 1);
        assert_eq!((bench.state(), bench.generation()), (State::Open, 1));
        assert_eq!(bench.circuit.snapshot().failed, 8);
    }
}

/// The user's values are dropped with nothing held.
#[test]
fn an_observer_may_look_at_its_circuit_s_rejections_while_it_is_dropped() {
    struct Last(Mutex<Option<breaker_layer::Rejected>>);
    impl Observe for Last {
        fn transition(&self, _: &TransitionEvent<'_>) {}
    }
    impl Drop for Last {
        fn drop(&mut self) {
            let last = self.0.get_mut().unwrap().take();
            assert_eq!(last.and_then(|rejected| rejected.circuit()), None);
        }
    }
    struct Shared(Arc<Last>);
    impl Observe for Shared {
        fn transition(&self, event: &TransitionEvent<'_>) {
            self.0.transition(event);
        }
    }
    let last = Arc::new(Last(Mutex::new(None)));
    let bench = Bench::with(|builder| builder.observe(Shared(last.clone())));
    bench.circuit.trip();
    *last.0.lock().unwrap() = bench.circuit.try_acquire().err();
    drop(last);
    drop(bench);
}

/// Tells where it stands: it holds up whoever tells it until it is released.
#[derive(Clone, Default)]
struct Gate(Arc<(Mutex<(bool, bool)>, std::sync::Condvar)>);

impl Gate {
    fn hold(&self) {
        let (state, changed) = &*self.0;
        state.lock().unwrap().0 = true;
        changed.notify_all();
        let held = changed.wait_while(state.lock().unwrap(), |(_, is_open)| !*is_open);
        drop(held.unwrap());
    }

    fn wait_until_held(&self) {
        let (state, changed) = &*self.0;
        let held = changed.wait_while(state.lock().unwrap(), |(is_held, _)| !*is_held);
        drop(held.unwrap());
    }

    fn release(&self) {
        let (state, changed) = &*self.0;
        state.lock().unwrap().1 = true;
        changed.notify_all();
    }
}

#[test]
fn an_observer_that_blocks_holds_up_nobody_but_the_call_that_tells_it() {
    let (gate, after) = (Gate::default(), Log::default());
    let bench = Bench::with(|builder| {
        let gate = gate.clone();
        builder
            .observe(move |event: &TransitionEvent<'_>| {
                if event.transition().generation() == 1 {
                    gate.hold();
                }
            })
            .observe(after.observer())
    });
    let mut events = bench.circuit.events();
    std::thread::scope(|scope| {
        scope.spawn(|| bench.fail(THRESHOLD));
        gate.wait_until_held();
        // While it blocks: the new state is in force, calls are rejected and probe, commands are carried out and told.
        assert_eq!(bench.state(), State::Open);
        assert!(bench.rejects());
        bench.clock.advance(OPEN_FOR);
        bench.succeed(1);
        assert_eq!(bench.state(), State::Closed);
        bench.circuit.isolate();
        assert_eq!(bench.circuit.snapshot().rejected, 1);
        let expected = [State::HalfOpen, State::Closed, State::Isolated];
        assert_eq!(after.states(), expected);
        gate.release();
    });
    // Nobody was skipped: those behind it hear of the first transition last.
    assert_eq!(after.states().len(), 4);
    assert_eq!(after.last().generation(), 1);
    let told = std::iter::from_fn(|| futures::FutureExt::now_or_never(events.next()).flatten());
    let generations: Vec<_> = told
        .map(|event| event.transition().unwrap().generation())
        .collect();
    assert_eq!(generations, [2, 3, 4, 1]);
}

#[test]
fn an_observer_that_panics_at_everything_skips_nobody() {
    /// Counts what it hears of, and then panics if it is to.
    #[derive(Clone, Default)]
    struct Heard(Arc<[AtomicU32; 4]>, bool);
    impl Heard {
        fn hear(&self, what: usize) {
            self.0[what].fetch_add(1, SeqCst);
            assert!(!self.1, "an observer panics");
        }
    }
    impl Observe for Heard {
        fn transition(&self, _: &TransitionEvent<'_>) {
            self.hear(0);
        }
        fn wants_rejected(&self) -> bool {
            true
        }
        fn rejected(&self, _: &breaker_layer::observe::RejectedEvent<'_>) {
            self.hear(1);
        }
        fn wants_recorded(&self) -> bool {
            true
        }
        fn recorded(&self, _: &breaker_layer::observe::RecordedEvent<'_>) {
            self.hear(2);
        }
        fn ended(&self, _: &breaker_layer::observe::EndedEvent<'_>) {
            self.hear(3);
        }
    }
    let (panics, after) = (Heard(Arc::default(), true), Heard::default());
    let bench = Bench::with(|builder| builder.observe(panics.clone()).observe(after.clone()));
    bench.succeed(2);
    bench.open();
    assert!(bench.rejects() && bench.rejects());
    bench.clock.advance(OPEN_FOR);
    bench.succeed(1);
    assert_eq!((bench.state(), bench.generation()), (State::Closed, 3));
    drop(bench);
    for heard in [panics, after] {
        assert_eq!(
            heard.0.each_ref().map(|count| count.load(SeqCst)),
            [3, 2, 6, 1]
        );
    }
}

#[test]
fn an_observer_may_call_the_circuit_again_from_a_rejection() {
    struct Closing(Reached);
    impl Observe for Closing {
        fn transition(&self, _: &TransitionEvent<'_>) {}
        fn wants_rejected(&self) -> bool {
            true
        }
        fn rejected(&self, _: &breaker_layer::observe::RejectedEvent<'_>) {
            self.0.get().unwrap().close();
        }
    }
    let reached = Reached::default();
    let bench = Bench::with(|builder| builder.observe(Closing(reached.clone())));
    reached.get_or_init(|| bench.circuit.clone());
    bench.open();
    assert!(bench.rejects());
    assert_eq!(bench.state(), State::Closed);
    assert!(!bench.rejects());
}

#[cfg(feature = "keyed")]
#[test]
fn an_observer_of_a_table_is_told_which_key_it_was() {
    use breaker_layer::{
        Outcome, Trip,
        keyed::KeyedCircuits,
        observe::{RecordedEvent, RejectedEvent},
    };
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<String>>>);
    impl Lines {
        fn push(&self, what: &str, table: Option<&str>, circuit: &str) {
            let line = format!("{what}: {} {circuit}", table.unwrap());
            self.0.lock().unwrap().push(line);
        }
    }
    impl Observe for Lines {
        fn began(&self, circuit: &Circuit, table: Option<&str>) {
            self.push("began", table, &circuit.name());
        }
        fn transition(&self, event: &TransitionEvent<'_>) {
            self.push("opened", event.table(), event.circuit());
            assert!(event.to_string().starts_with("hosts a: closed -> open"));
        }
        fn wants_rejected(&self) -> bool {
            true
        }
        fn rejected(&self, event: &RejectedEvent<'_>) {
            self.push("rejected", event.table(), event.circuit());
        }
        fn wants_recorded(&self) -> bool {
            true
        }
        fn recorded(&self, event: &RecordedEvent<'_>) {
            self.push("recorded", event.table(), event.circuit());
        }
        fn ended(&self, event: &breaker_layer::observe::EndedEvent<'_>) {
            assert_eq!((event.last().failed, event.last().rejected), (2, 1));
            self.push("ended", event.table(), event.circuit());
        }
    }
    let lines = Lines::default();
    let hosts = KeyedCircuits::<&str>::builder("hosts")
        .name_by(|host| (*host).into())
        .config(breaker_layer::Config::new().trip(Trip::consecutive_failures(2)))
        .clock(ManualClock::new().clock())
        .observe(lines.clone())
        .build()
        .unwrap();
    hosts.try_acquire("fine").unwrap().record(Outcome::Success);
    for _ in 0..2 {
        hosts.try_acquire("a").unwrap().record(Outcome::Failure);
    }
    assert!(hosts.try_acquire("a").is_err());
    drop(hosts);
    let expected = [
        "began", "recorded", "opened", "recorded", "rejected", "ended",
    ];
    let expected = expected.map(|what| format!("{what}: hosts a"));
    assert_eq!(*lines.0.lock().unwrap(), expected);
}
