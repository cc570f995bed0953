//! How a circuit ends: it is told last and in full, and what its last calls do is not taken for another's.

mod support;

use std::sync::{Arc, Mutex};

use breaker_layer::{
    Circuit, Observe, Outcome, Permit, TransitionEvent,
    observe::{EndedEvent, RecordedEvent},
};
use support::{Bench, THRESHOLD, alone};

/// What was told, one after the other, and what is to go at the next transition or at the end.
#[derive(Clone, Default)]
struct Story {
    lines: Arc<Mutex<Vec<String>>>,
    handle: Arc<Mutex<Option<Circuit>>>,
    permit: Arc<Mutex<Option<Permit>>>,
}

impl Story {
    fn push(&self, line: impl ToString) {
        self.lines.lock().unwrap().push(line.to_string());
    }
}

impl Observe for Story {
    fn transition(&self, event: &TransitionEvent<'_>) {
        let handle = self.handle.lock().unwrap().take();
        drop(handle);
        self.push(event.transition().to());
    }

    fn ended(&self, event: &EndedEvent<'_>) {
        let permit = self.permit.lock().unwrap().take();
        if let Some(permit) = permit {
            permit.record(Outcome::Failure);
        }
        self.push(format!("ended, {} failed", event.last().failed));
    }
}

#[test]
fn a_circuit_whose_observer_drops_it_ends_when_all_of_them_know_what_it_did() {
    let (first, second) = (Story::default(), Story::default());
    let bench = Bench::with(|builder| builder.observe(first.clone()).observe(second.clone()));
    bench.fail(THRESHOLD - 1);
    let last = bench.admit();
    *first.handle.lock().unwrap() = Some(bench.circuit);
    last.record(Outcome::Failure);
    for story in [first, second] {
        assert_eq!(*story.lines.lock().unwrap(), ["open", "ended, 3 failed"]);
    }
}

#[test]
fn nothing_is_told_of_a_circuit_after_its_end() {
    let (first, second) = (Story::default(), Story::default());
    let bench = Bench::with(|builder| builder.observe(first.clone()).observe(second.clone()));
    bench.fail(THRESHOLD - 1);
    *first.permit.lock().unwrap() = Some(bench.admit());
    drop(bench);
    for story in [first, second] {
        assert_eq!(*story.lines.lock().unwrap(), ["ended, 2 failed"]);
    }
}

#[test]
fn a_call_that_outlives_its_circuit_is_not_told_to_those_who_watch_the_next_one() {
    #[derive(Clone, Default)]
    struct Recorded(Arc<Mutex<Vec<String>>>);
    impl Observe for Recorded {
        fn transition(&self, _: &TransitionEvent<'_>) {}
        fn wants_recorded(&self) -> bool {
            true
        }
        fn recorded(&self, event: &RecordedEvent<'_>) {
            self.0.lock().unwrap().push(format!("{event:?}"));
        }
    }
    let _alone = alone();
    let told = Recorded::default();
    let bench = Bench::new();
    let permits: Vec<_> = (0..3).map(|_| bench.admit()).collect();
    drop(bench);
    // One of these has the slot.
    let next: Vec<_> = (0..64)
        .map(|_| Bench::with(|builder| builder.observe(told.clone())))
        .collect();
    let outcomes = [Outcome::Success, Outcome::Failure, Outcome::Ignored];
    for (permit, outcome) in permits.into_iter().zip(outcomes) {
        permit.record(outcome);
    }
    assert!(told.0.lock().unwrap().is_empty(), "{told:?}", told = told.0);
    next[0].succeed(1);
    assert_eq!(told.0.lock().unwrap().len(), 1);
}

#[cfg(feature = "keyed")]
mod keyed {
    use std::{
        sync::{
            Arc, Mutex,
            atomic::{AtomicU64, Ordering::SeqCst},
        },
        time::Duration,
    };

    use breaker_layer::{
        Cancelled, Config, Observe, Outcome, Snapshot, TransitionEvent, Trip,
        clock::{Clock, Timestamp},
        keyed::KeyedCircuits,
        observe::EndedEvent,
    };

    use super::support::{SECOND, THRESHOLD};

    type Hosts = KeyedCircuits<u32>;

    /// A clock at one of whose looks something else happens, as another thread would do it.
    #[derive(Clone, Default)]
    struct Hook {
        now: Arc<AtomicU64>,
        then: Arc<Mutex<Option<(u32, Then)>>>,
    }

    type Then = Box<dyn FnOnce() + Send>;

    impl Hook {
        fn clock(&self) -> Clock {
            let hook = self.clone();
            Clock::new(move || {
                hook.look();
                Timestamp::from_nanos(hook.now.load(SeqCst))
            })
        }

        fn look(&self) {
            let mut held = self.then.lock().unwrap();
            let is_due = held.as_mut().is_some_and(|(looks, _)| {
                *looks -= 1;
                *looks == 0
            });
            let then = if is_due { held.take() } else { None };
            drop(held);
            if let Some((_, then)) = then {
                then();
            }
        }

        fn at_look(&self, look: u32, then: impl FnOnce() + Send + 'static) {
            *self.then.lock().unwrap() = Some((look, Box::new(then)));
        }

        fn advance(&self, span: Duration) {
            self.now.fetch_add(span.as_nanos() as u64, SeqCst);
        }
    }

    /// The last that was known of each circuit.
    #[derive(Clone, Default)]
    struct Last(Arc<Mutex<Vec<Snapshot>>>);

    impl Observe for Last {
        fn transition(&self, _: &TransitionEvent<'_>) {}
        fn ended(&self, event: &EndedEvent<'_>) {
            self.0.lock().unwrap().push(event.last().clone());
        }
    }

    impl Last {
        fn sum(&self, count: fn(&Snapshot) -> u64) -> u64 {
            self.0.lock().unwrap().iter().map(count).sum()
        }
    }

    fn hosts(hook: &Hook, last: &Last, config: impl FnOnce(Config) -> Config) -> Hosts {
        let usual = Config::new().trip(Trip::consecutive_failures(THRESHOLD));
        Hosts::builder("hosts")
            .config(config(usual).slow_after(SECOND))
            .clock(hook.clock())
            .observe(last.clone())
            .build()
            .unwrap()
    }

    /// At every look at the clock while a call is cancelled its circuit is forgotten, and made anew.
    #[test]
    fn a_cancelled_call_whose_circuit_is_forgotten_just_then_is_counted_once_at_most() {
        for cancelled in [Cancelled::Ignored, Cancelled::default(), Cancelled::Failure] {
            let mut forgotten = 0;
            for look in 1..10 {
                let (hook, last) = (Hook::default(), Last::default());
                let hosts = hosts(&hook, &last, |config| config.cancelled(cancelled));
                hosts.try_acquire(1).unwrap().record(Outcome::Failure);
                let permit = hosts.try_acquire(1).unwrap();
                let others = hosts.clone();
                hook.at_look(look, move || {
                    others.try_acquire(1).unwrap().record(Outcome::Success);
                    others.try_acquire(1).unwrap().record(Outcome::Failure);
                });
                drop(permit);
                forgotten += last.0.lock().unwrap().len();
                hook.then.lock().unwrap().take();
                drop(hosts);
                assert_eq!(last.sum(|last| last.cancelled), 1, "at look {look}");
            }
            assert!(forgotten > 0, "no circuit was forgotten meanwhile");
        }
    }

    #[test]
    fn a_call_that_is_counted_and_whose_circuit_is_forgotten_just_then_is_counted_once_at_most() {
        let mut forgotten = 0;
        for look in 1..10 {
            let (hook, last) = (Hook::default(), Last::default());
            let hosts = hosts(&hook, &last, |config| config.count_calls(true));
            let permit = hosts.try_acquire(1).unwrap();
            permit.record(Outcome::Success);
            let permit = hosts.try_acquire(1).unwrap();
            hook.advance(2 * SECOND);
            let (others, time) = (hosts.clone(), hook.clone());
            hook.at_look(look, move || {
                time.advance(10_000 * SECOND);
                others.sweep();
            });
            permit.record(Outcome::Success);
            forgotten += last.0.lock().unwrap().len();
            hook.then.lock().unwrap().take();
            drop(hosts);
            assert_eq!(
                last.sum(|last| last.succeeded.unwrap()),
                2,
                "at look {look}"
            );
            assert!(last.sum(|last| last.slow.unwrap()) <= 1, "at look {look}");
        }
        assert!(forgotten > 0, "no circuit was forgotten meanwhile");
    }
}

#[cfg(feature = "keyed")]
#[test]
fn what_a_thread_keeps_may_go_as_the_thread_ends() {
    use std::{cell::RefCell, thread};

    use breaker_layer::keyed::{KeyedCircuits, KeyedPermit};

    type Kept = (Permit, KeyedPermit<u32>, KeyedCircuits<u32>, Circuit);
    thread_local!(static KEPT: RefCell<Option<Kept>> = const { RefCell::new(None) });
    let circuit = Circuit::builder("single").build().unwrap();
    let its = circuit.clone();
    let thread = thread::spawn(move || {
        let table = KeyedCircuits::builder("table").build().unwrap();
        let permits = (its.try_acquire().unwrap(), table.try_acquire(7).unwrap());
        KEPT.set(Some((permits.0, permits.1, table, its)));
    });
    thread.join().unwrap();
    assert_eq!(circuit.snapshot().cancelled, 1);
}
