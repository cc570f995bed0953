//! Those who wait in line, against what they wait for: no wake-up is lost.

use std::{
    sync::atomic::AtomicBool,
    task::{Wake, Waker},
};

use super::*;
use crate::storage::Waiter as Place;

/// Whether it was woken.
#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, SeqCst);
    }
}

/// One that waits, with a waker of its own.
struct Waiter {
    circuit: Circuit,
    place: Place,
    woken: Arc<Woken>,
}

impl Waiter {
    fn new(bench: &Bench) -> Self {
        Self {
            circuit: bench.circuit.clone(),
            place: bench.circuit.in_line(),
            woken: Arc::default(),
        }
    }

    fn look(&mut self) -> Option<Permit> {
        self.woken.0.store(false, SeqCst);
        let waker = Waker::from(self.woken.clone());
        self.circuit.take_turn(&mut self.place, &waker).ok()
    }

    /// That of one which looked before, and now only if it is woken.
    fn settle(&mut self, before: Option<Permit>) -> Permit {
        before.unwrap_or_else(|| {
            assert!(self.woken.0.load(SeqCst), "lost");
            self.look().expect("there is room")
        })
    }
}

/// A half-open circuit whose only place is taken.
fn half_open() -> (Bench, Permit) {
    let bench = Bench::new();
    bench.circuit.half_open();
    let probe = bench.admit();
    (bench, probe)
}

#[test]
fn a_freed_place_wakes_whoever_comes_meanwhile() {
    check(|| {
        let (bench, probe) = half_open();
        let mut waiter = Waiter::new(&bench);
        let free = loom::thread::spawn(move || drop(probe));
        let permit = waiter.look();
        free.join().unwrap();
        waiter.settle(permit).record(Outcome::Success);
        assert_eq!(bench.state(), State::Closed);
    });
}

#[test]
fn a_wake_up_of_one_that_leaves_is_passed_on() {
    check_within(3, || {
        let (bench, probe) = half_open();
        let (mut first, mut second) = (Waiter::new(&bench), Waiter::new(&bench));
        assert!(first.look().is_none() && second.look().is_none());
        let (free, leave) = together!(move || drop(probe), move || drop(first));
        free.join().unwrap();
        leave.join().unwrap();
        second.settle(None).record(Outcome::Success);
    });
}

#[test]
fn one_that_comes_behind_another_is_woken_when_all_may_pass() {
    check_within(3, || {
        let bench = Bench::new();
        bench.circuit.isolate();
        let (mut first, mut second) = (Waiter::new(&bench), Waiter::new(&bench));
        assert!(first.look().is_none());
        let operator = bench.clone();
        let close = loom::thread::spawn(move || operator.circuit.close());
        let permit = second.look();
        close.join().unwrap();
        second.settle(permit).record(Outcome::Success);
        first.settle(None).record(Outcome::Success);
    });
}
