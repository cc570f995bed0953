//! The ring of calls: at rest its totals are what its bits say, whatever raced.

use breaker_core::{Beside, Call, Cell64, Config, Percent, Reason, Timestamp, Totals, Window};

use super::*;
use crate::sync::Cell;

const GOOD: Call = Call {
    failed: false,
    slow: false,
};
const BAD: Call = Call {
    failed: true,
    slow: false,
};
const SLOW: Call = Call {
    failed: false,
    slow: true,
};

/// A ring of so many calls in cells of its own.
#[derive(Clone)]
struct Ring {
    config: Config,
    cells: Arc<Box<[Cell]>>,
}

impl Ring {
    fn new(size: u32) -> Self {
        let config = Config::builder()
            .trip(Trip::failure_rate(Percent(50.0), Window::calls(size)).min_calls(size))
            .build()
            .unwrap();
        let ring = Self {
            config,
            cells: Arc::new(Cell::block(config.cells())),
        };
        ring.beside().begin(0);
        ring
    }

    fn beside(&self) -> Beside<'_, Cell> {
        Beside::new(&self.config, &self.cells)
    }

    fn record(&self, generation: u16, call: Call) -> Option<Reason> {
        self.beside()
            .record(generation, call, || Timestamp::ZERO)
            .broken
    }

    /// At rest: so many calls, and of the bits as many as the totals say.
    fn settled(&self, generation: u16, calls: u32) -> Totals {
        let totals = self.beside().calls(generation).unwrap();
        let bits = |mask: u64| -> u32 {
            let cells = self.cells[2..].iter();
            cells.map(|cell| (cell.get() & mask).count_ones()).sum()
        };
        let counted = Totals {
            calls,
            failures: bits(0x5555_5555_5555_5555),
            slow: bits(0xaaaa_aaaa_aaaa_aaaa),
        };
        assert_eq!(totals, counted);
        totals
    }

    /// Both record their calls at one time.
    fn race(&self, generation: u16, one: &'static [Call], two: &'static [Call]) {
        let threads = [one, two].map(|calls| {
            let ring = self.clone();
            loom::thread::spawn(move || {
                for call in calls {
                    ring.record(generation, *call);
                }
            })
        });
        join(threads);
    }
}

#[test]
fn each_of_two_calls_has_its_place() {
    check(|| {
        let ring = Ring::new(2);
        ring.race(0, &[BAD], &[SLOW]);
        let totals = ring.settled(0, 2);
        assert_eq!((totals.failures, totals.slow), (1, 1));
    });
}

#[test]
fn one_of_two_calls_is_the_last_one() {
    check(|| {
        let ring = Ring::new(1);
        ring.race(0, &[BAD], &[GOOD]);
        ring.settled(0, 1);
    });
}

#[test]
fn a_ring_that_is_lapped_keeps_its_totals() {
    check_within(3, || {
        let ring = Ring::new(1);
        ring.race(0, &[BAD, SLOW], &[BAD, GOOD]);
        ring.settled(0, 1);
    });
    check_within(3, || {
        let ring = Ring::new(2);
        ring.race(0, &[BAD, BAD], &[GOOD, SLOW]);
        ring.settled(0, 2);
    });
}

#[test]
fn a_call_that_replaces_one_of_its_kind_leaves_the_totals_as_they_are() {
    check_within(3, || {
        let ring = Ring::new(2);
        ring.record(0, GOOD);
        ring.record(0, BAD);
        let (one, two) = (ring.clone(), ring.clone());
        let same = move |ring: &Ring, call: Call| {
            let counted = ring.beside().count_same(0, call.failed);
            counted == Some(true) || ring.record(0, call).is_some()
        };
        let (a, b) = together!(
            move || {
                same(&one, GOOD);
                one.record(0, SLOW);
            },
            move || {
                two.record(0, BAD);
                same(&two, GOOD);
            },
        );
        a.join().unwrap();
        b.join().unwrap();
        ring.settled(0, 2);
    });
}

#[test]
fn a_good_call_that_changes_nothing_in_a_full_window_is_not_taken_for_one_that_does() {
    check_within(3, || {
        let ring = Ring::new(2);
        ring.record(0, GOOD);
        ring.record(0, GOOD);
        ring.race(0, &[BAD, GOOD], &[GOOD, GOOD]);
        ring.settled(0, 2);
    });
}

#[test]
fn whoever_completes_the_window_or_fails_last_sees_that_it_is_broken() {
    check(|| {
        let ring = Ring::new(2);
        let (one, two) = (ring.clone(), ring.clone());
        let (a, b) = together!(move || one.record(0, BAD).is_some(), move || two
            .record(0, GOOD)
            .is_some(),);
        let (a, b) = (a.join().unwrap(), b.join().unwrap());
        assert!(a || b, "one failure of two calls is 50 %");
    });
}

#[test]
fn a_call_that_races_the_clearing_does_not_keep_the_next_generation_from_counting() {
    check(|| {
        let ring = Ring::new(2);
        let (one, two) = (ring.clone(), ring.clone());
        let (a, b) = together!(
            move || {
                one.record(0, BAD);
            },
            move || two.beside().clear(1),
        );
        a.join().unwrap();
        b.join().unwrap();
        for calls in 1..=2 {
            ring.record(3, GOOD);
            assert_eq!(ring.beside().calls(3).unwrap().calls, calls);
        }
    });
}

#[test]
fn a_call_that_races_the_clearing_leaves_no_trace_in_the_next_generation() {
    check(|| {
        let ring = Ring::new(2);
        let (one, two) = (ring.clone(), ring.clone());
        let (a, b) = together!(
            move || {
                one.record(0, BAD);
            },
            move || two.beside().clear(1),
        );
        a.join().unwrap();
        b.join().unwrap();
        for (call, failures) in [(BAD, 1), (BAD, 2), (GOOD, 1), (GOOD, 0)] {
            ring.record(3, call);
            assert_eq!(ring.beside().calls(3).unwrap().failures, failures);
        }
        ring.settled(3, 2);
    });
}

#[test]
fn a_call_that_races_the_clearing_and_the_calls_after_it_is_one_call_off_at_the_most() {
    // It would have to stand still between two neighbouring instructions until the circuit has closed again.
    check_within(3, || {
        let ring = Ring::new(1);
        let (one, two) = (ring.clone(), ring.clone());
        let (a, b) = together!(
            move || {
                one.record(0, BAD);
            },
            move || {
                two.beside().clear(1);
                two.record(3, GOOD);
                two.record(3, BAD);
            },
        );
        a.join().unwrap();
        b.join().unwrap();
        for (call, failures) in [(BAD, 1), (GOOD, 0)] {
            ring.record(3, call);
            let totals = ring.beside().calls(3).unwrap();
            assert!(totals.failures.abs_diff(failures) <= 1, "{totals:?}");
        }
        // The next transition makes it right again.
        ring.beside().clear(4);
        for (call, failures) in [(BAD, 1), (GOOD, 0), (BAD, 1)] {
            ring.record(6, call);
            assert_eq!(ring.settled(6, 1).failures, failures);
        }
    });
}

#[test]
fn a_call_of_the_generation_that_begins_as_the_ring_is_cleared_is_counted_or_left_out() {
    check_within(3, || {
        let ring = Ring::new(2);
        ring.record(0, BAD);
        ring.record(0, GOOD);
        let (one, two) = (ring.clone(), ring.clone());
        let (a, b) = together!(move || one.beside().clear(1), move || {
            two.record(1, BAD);
            two.record(1, BAD);
        });
        a.join().unwrap();
        b.join().unwrap();
        let calls = ring.beside().calls(1).unwrap().calls;
        assert_eq!(ring.settled(1, calls).failures, calls);
    });
}

#[test]
fn two_transitions_that_clear_at_one_time_leave_it_clear() {
    check_within(3, || {
        let ring = Ring::new(2);
        ring.record(0, BAD);
        let (one, two) = (ring.clone(), ring.clone());
        let (a, b) = together!(move || one.beside().clear(1), move || {
            two.beside().clear(2);
            two.record(4, BAD);
        });
        a.join().unwrap();
        b.join().unwrap();
        ring.record(4, GOOD);
        // A call that comes while the other thread is still clearing is not counted.
        let calls = ring.beside().calls(4).unwrap().calls;
        assert_eq!(ring.settled(4, calls).failures, calls - 1);
    });
}

#[test]
fn the_first_calls_of_a_generation_begin_it_once() {
    check_within(3, || {
        let ring = Ring::new(2);
        ring.race(5, &[BAD], &[BAD]);
        assert_eq!(ring.settled(5, 2).failures, 2);
    });
}

#[test]
fn a_window_trips_once_and_counts_again_after_the_next_closing() {
    check_within(2, || {
        let window = Trip::failures(2, Window::calls(2)).min_calls(2);
        let bench = Bench::with(|builder| builder.trip(window));
        let permits = [bench.admit(), bench.admit()];
        let threads =
            permits.map(|permit| loom::thread::spawn(move || permit.record(Outcome::Failure)));
        join(threads);
        assert_eq!(bench.settled().len(), 1);
        time::advance(OPEN_FOR);
        bench.record(Outcome::Success);
        for _ in 0..2 {
            assert_eq!(bench.state(), State::Closed);
            bench.record(Outcome::Failure);
        }
        assert_eq!(bench.state(), State::Open);
    });
}

/// The last two calls of a circuit that trips when both failed.
fn last_two(then: fn(&Bench, Permit, Permit)) {
    check_within(2, move || {
        let window = Trip::failures(2, Window::calls(2)).min_calls(2);
        let bench = Bench::with(|builder| builder.trip(window));
        bench.record(Outcome::Success);
        let permits = (bench.admit(), bench.admit());
        then(&bench, permits.0, permits.1);
        // Whatever was made of it: two more good calls, and there are two good ones.
        bench.record(Outcome::Success);
        bench.record(Outcome::Success);
        let good = Totals {
            calls: 2,
            ..Totals::default()
        };
        assert_eq!(bench.circuit.snapshot().last_calls, Some(good));
        assert!(bench.settled().is_empty());
    });
}

#[test]
fn a_failure_that_comes_as_the_window_is_found_clean_slides_out_again() {
    last_two(|_, one, two| {
        let (a, b) = together!(move || one.record(Outcome::Success), move || two
            .record(Outcome::Failure),);
        a.join().unwrap();
        b.join().unwrap();
    });
}

#[test]
fn a_failure_that_comes_into_a_clean_window_slides_out_again() {
    last_two(|bench, one, two| {
        bench.record(Outcome::Success);
        let (a, b) = together!(move || one.record(Outcome::Success), move || two
            .record(Outcome::Failure),);
        a.join().unwrap();
        b.join().unwrap();
    });
}
