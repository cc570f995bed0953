//! Many threads, one circuit: the sums are exact. Each test goes on until its threads have met, and fails if they never do.

mod support;

use std::{
    sync::{
        Barrier,
        atomic::{
            AtomicU32, AtomicU64,
            Ordering::{Relaxed, SeqCst},
        },
    },
    thread,
    time::Duration,
};

use breaker_layer::{
    Cancelled, Circuit, OpenTime, Outcome, Percent, Probes, Snapshot, State, TransitionEvent, Trip,
    Window, clock::ManualClock, observe::Totals,
};
use support::{MILLI, NANO, SECOND};

const THREADS: u32 = 8;
/// After so many rounds without a collision the test has shown nothing.
const ROUNDS: usize = 50;

/// Sees operations that overlap.
#[derive(Default)]
struct Crossing {
    inside: AtomicU32,
    met: AtomicU64,
}

impl Crossing {
    fn cross<T>(&self, operation: impl FnOnce() -> T) -> T {
        let others = self.inside.fetch_add(1, SeqCst);
        self.met.fetch_add(u64::from(others > 0), Relaxed);
        let done = operation();
        self.inside.fetch_sub(1, SeqCst);
        done
    }

    fn met(&self) -> u64 {
        self.met.load(SeqCst)
    }
}

/// Numbers that look random, the same ones each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

/// Runs `calls` turns on each thread, all from the same moment on.
fn on_all_threads(calls: u32, turn: impl Fn(&mut Dice) + Sync) {
    let start = Barrier::new(THREADS as usize);
    thread::scope(|scope| {
        for thread in 1..=THREADS {
            let (turn, start) = (&turn, &start);
            scope.spawn(move || {
                let mut dice = Dice(u64::from(thread).wrapping_mul(0x9e37_79b9_7f4a_7c15));
                start.wait();
                (0..calls).for_each(|_| turn(&mut dice));
            });
        }
    });
}

/// What the threads have done, by their own account.
#[derive(Default)]
struct Tally {
    admitted: AtomicU64,
    rejected: AtomicU64,
    succeeded: AtomicU64,
    failed: AtomicU64,
    ignored: AtomicU64,
    cancelled: AtomicU64,
}

impl Tally {
    /// Makes a call that ends as the dice say.
    fn call(&self, circuit: &Circuit, dice: &mut Dice, failures: u64) {
        let Ok(permit) = circuit.try_acquire() else {
            self.rejected.fetch_add(1, Relaxed);
            return;
        };
        self.admitted.fetch_add(1, Relaxed);
        let (count, outcome) = match dice.roll(100) {
            roll if roll < failures => (&self.failed, Some(Outcome::Failure)),
            98 => (&self.ignored, Some(Outcome::Ignored)),
            99 => (&self.cancelled, None),
            _ => (&self.succeeded, Some(Outcome::Success)),
        };
        count.fetch_add(1, Relaxed);
        match outcome {
            Some(outcome) => permit.record(outcome),
            None => drop(permit),
        }
    }

    fn check(&self, snapshot: &Snapshot, calls: u64) {
        let own = |count: &AtomicU64| count.load(SeqCst);
        assert_eq!(snapshot.admitted, Some(own(&self.admitted)));
        assert_eq!(snapshot.succeeded, Some(own(&self.succeeded)));
        assert_eq!(snapshot.rejected, own(&self.rejected));
        assert_eq!(snapshot.failed, own(&self.failed));
        assert_eq!(snapshot.ignored, own(&self.ignored));
        assert_eq!(snapshot.cancelled, own(&self.cancelled));
        let admitted = snapshot.admitted.unwrap();
        assert_eq!(admitted + snapshot.rejected, calls);
        let ended = snapshot.failed + snapshot.ignored + snapshot.cancelled;
        assert_eq!(snapshot.succeeded.unwrap() + ended, admitted);
    }
}

#[test]
fn every_call_permit_and_transition_is_accounted_for() {
    const CALLS: u32 = 2000;
    for round in 1.. {
        let (clock, tally, crossing) = (ManualClock::new(), Tally::default(), Crossing::default());
        let told: &[AtomicU32] = (0..=u16::MAX)
            .map(|_| AtomicU32::new(0))
            .collect::<Vec<_>>()
            .leak();
        let circuit = Circuit::builder("stress")
            .trip(Trip::consecutive_failures(3))
            .open_time(OpenTime::fixed(MILLI))
            .probes(Probes::new(2).timeout(SECOND))
            .count_calls(true)
            .clock(clock.clock())
            .observe(|event: &TransitionEvent<'_>| {
                told[event.transition().generation() as usize].fetch_add(1, SeqCst);
            })
            .build()
            .unwrap();
        on_all_threads(CALLS, |dice| {
            clock.advance(Duration::from_micros(dice.roll(100)));
            crossing.cross(|| tally.call(&circuit, dice, 40));
            if dice.roll(500) == 0 {
                [Circuit::trip, Circuit::half_open, Circuit::close][dice.roll(3) as usize](
                    &circuit,
                );
            }
        });
        let snapshot = circuit.snapshot();
        tally.check(&snapshot, u64::from(THREADS * CALLS));
        // Each generation was told of once, none was left out.
        let last = snapshot.generation as usize;
        assert!(told[1..=last].iter().all(|times| times.load(SeqCst) == 1));
        assert_eq!(
            told.iter().map(|times| times.load(SeqCst)).sum::<u32>(),
            last as u32
        );
        if crossing.met() > 100 && last > 100 && snapshot.rejected > 100 {
            return;
        }
        assert!(round < ROUNDS, "the threads never met");
    }
}

#[test]
fn probes_that_come_and_go_never_exceed_their_number() {
    for round in 1.. {
        let (live, most, crossing) = (AtomicU32::new(0), AtomicU32::new(0), Crossing::default());
        let circuit = Circuit::builder("stress")
            .probes(Probes::new(3).out_of(100))
            .cancelled(Cancelled::Ignored)
            .clock(ManualClock::new().clock())
            .build()
            .unwrap();
        circuit.half_open();
        on_all_threads(5000, |dice| {
            let Ok(permit) = crossing.cross(|| circuit.try_acquire()) else {
                return;
            };
            let held = live.fetch_add(1, SeqCst) + 1;
            assert!(held <= 3, "{held} probes");
            most.fetch_max(held, SeqCst);
            // Some are held while others ask.
            if dice.roll(4) == 0 {
                thread::yield_now();
            }
            live.fetch_sub(1, SeqCst);
            drop(permit);
        });
        let snapshot = circuit.snapshot();
        assert_eq!((snapshot.state, snapshot.generation), (State::HalfOpen, 1));
        // All were given back: there is room for three, and for no more.
        let again: Vec<_> = (0..4).map_while(|_| circuit.try_acquire().ok()).collect();
        assert_eq!(again.len(), 3);
        if crossing.met() > 100 && most.load(SeqCst) == 3 && snapshot.rejected > 0 {
            return;
        }
        assert!(round < ROUNDS, "the threads never met");
    }
}

/// A circuit that counts slow calls in this window, and never trips as long as one call succeeds.
fn counting(window: Window, min_calls: u32, clock: &ManualClock) -> Circuit {
    Circuit::builder("stress")
        .trip(Trip::failure_rate(Percent(100.0), window).min_calls(min_calls))
        .slow_after(MILLI)
        .clock(clock.clock())
        .build()
        .unwrap()
}

/// Records a success, slow or not.
fn record(circuit: &Circuit, slow: bool) {
    let took = if slow { SECOND } else { NANO };
    let permit = circuit.try_acquire().unwrap();
    permit.record_after(Outcome::Success, took);
}

#[test]
fn a_window_that_holds_all_calls_holds_what_was_recorded() {
    const CALLS: u32 = 5000;
    const ALL: u32 = THREADS * CALLS;
    let hour = Window::time(SECOND * 3600);
    for round in 1.. {
        let (clock, crossing) = (ManualClock::new(), Crossing::default());
        let (failed, slow) = (AtomicU32::new(0), AtomicU32::new(0));
        let never = [Window::calls(ALL + 1), hour]
            .map(|window| Trip::failure_rate(Percent(100.0), window).min_calls(ALL + 1));
        let circuit = Circuit::builder("stress")
            .trip(Trip::any_of(never))
            .slow_after(MILLI)
            .clock(clock.clock())
            .build()
            .unwrap();
        on_all_threads(CALLS, |dice| {
            // Half of the window's span in all.
            clock.advance(SECOND * 1800 / ALL);
            let (fails, is_slow) = (dice.roll(3) == 0, dice.roll(4) == 0);
            failed.fetch_add(u32::from(fails), Relaxed);
            slow.fetch_add(u32::from(is_slow), Relaxed);
            let outcome = if fails {
                Outcome::Failure
            } else {
                Outcome::Success
            };
            let permit = circuit.try_acquire().unwrap();
            let took = if is_slow { SECOND } else { NANO };
            crossing.cross(|| permit.record_after(outcome, took));
        });
        let recorded = Totals {
            calls: ALL,
            failures: failed.load(SeqCst),
            slow: slow.load(SeqCst),
        };
        let snapshot = circuit.snapshot();
        assert_eq!(snapshot.last_calls, Some(recorded));
        assert_eq!(snapshot.last_time, Some(recorded));
        assert_eq!(snapshot.failed, u64::from(recorded.failures));
        if crossing.met() > 100 {
            return;
        }
        assert!(round < ROUNDS, "the threads never met");
    }
}

#[test]
fn a_small_window_that_is_lapped_holds_the_last_calls_when_all_is_quiet() {
    for size in [1, 2, 3, 5, 8, 31, 32, 33, 64] {
        let slow = |circuit: &Circuit| circuit.snapshot().last_calls.unwrap().slow;
        for round in 1.. {
            let crossing = Crossing::default();
            let circuit = counting(Window::calls(size), size, &ManualClock::new());
            on_all_threads(10_000, |dice| {
                let is_slow = dice.roll(2) == 0;
                crossing.cross(|| record(&circuit, is_slow));
            });
            // What it says now it must say of calls that are known, too: all of them slow, and then none.
            (0..size).for_each(|_| record(&circuit, true));
            assert_eq!(slow(&circuit), size, "of {size} slow calls");
            (0..size).for_each(|_| record(&circuit, false));
            assert_eq!(slow(&circuit), 0, "of {size} calls none of which was slow");
            if crossing.met() > 100 {
                break;
            }
            assert!(round < ROUNDS, "the threads never met");
        }
    }
}

#[test]
fn a_window_counts_from_nothing_after_transitions_that_raced_its_calls() {
    const SIZE: u32 = 8;
    let (clock, tally, crossing) = (ManualClock::new(), Tally::default(), Crossing::default());
    let circuit = Circuit::builder("stress")
        .trip(Trip::failure_rate(Percent(50.0), Window::calls(SIZE)).min_calls(SIZE))
        .open_time(OpenTime::fixed(MILLI))
        .probes(Probes::new(1))
        .clock(clock.clock())
        .build()
        .unwrap();
    for round in 0..150 {
        on_all_threads(500, |dice| {
            clock.advance(MILLI / 10);
            crossing.cross(|| tally.call(&circuit, dice, 60));
        });
        // To closed by the ordinary course, which makes no window ready.
        circuit.trip();
        clock.advance(MILLI);
        circuit.try_acquire().unwrap().record(Outcome::Success);
        assert_eq!(circuit.state(), State::Closed);
        for calls in 1..=SIZE {
            let expected = Totals {
                calls,
                failures: calls.min(3),
                slow: 0,
            };
            let failed = calls <= 3;
            let outcome = if failed {
                Outcome::Failure
            } else {
                Outcome::Success
            };
            circuit.try_acquire().unwrap().record(outcome);
            assert_eq!(
                circuit.snapshot().last_calls,
                Some(expected),
                "round {round}"
            );
        }
    }
    assert!(crossing.met() > 100 && circuit.snapshot().opened > 150);
}
