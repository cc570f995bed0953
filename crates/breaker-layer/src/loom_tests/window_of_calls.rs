//! The ring of calls: at rest its totals are what its bits say, whatever raced.

use breaker_core::{
    Beside, Call, Cell64, Checked, Config, Percent, Plain, Reason, Timestamp, Totals, Window,
};

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
    config: Checked,
    cells: Arc<Box<[Cell]>>,
}

impl Ring {
    /// One that knows what is slow.
    fn new(size: u32) -> Self {
        Self::of(Self::rule(size).slow_after(Duration::from_secs(1)))
    }

    /// One that takes plain calls.
    fn plain(size: u32) -> Self {
        Self::of(Self::rule(size))
    }

    fn rule(size: u32) -> Config {
        let rule = Trip::failure_rate(Percent(50.0), Window::calls(size));
        Config::new().trip(rule.min_calls(size))
    }

    fn of(builder: Config) -> Self {
        let config = builder.build().unwrap();
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

    /// As the layer does, where a call takes no closer look.
    fn record_plain(&self, generation: u16, call: Call) {
        loop {
            match self.beside().count_plain(generation, call.failed) {
                Plain::Counted => return,
                Plain::Disturbed(taken) => {
                    let beside = self.beside();
                    beside.count_disturbed(call.failed, taken);
                    return;
                }
                Plain::Apart => {
                    self.record(generation, call);
                    return;
                }
                Plain::Late => (),
            }
        }
    }

    /// At rest: so many calls, and of the bits as many as the totals say.
    fn settled(&self, generation: u16, calls: u32) -> Totals {
        let totals = self.beside().calls(generation).unwrap();
        let bits = |mask: u64| -> u32 {
            // Behind the total of slow calls, where there is one, the head and the slow calls in the window.
            let cells = self.cells[2 + usize::from(self.config.slow_after().is_some())..].iter();
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

/// Checks a ring of each kind.
fn each_kind(check: fn(Box<dyn Fn() + Send + Sync>), size: u32, race: fn(Ring)) {
    for ring in [Ring::new, Ring::plain] {
        check(Box::new(move || race(ring(size))));
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
fn plain_calls_that_race_any_others_keep_the_totals() {
    let races: [[&[Call]; 2]; 4] = [
        [&[GOOD, BAD], &[BAD, GOOD]],
        [&[BAD, BAD], &[GOOD, GOOD]],
        [&[GOOD, GOOD], &[GOOD, GOOD]],
        [&[BAD], &[GOOD, BAD, GOOD]],
    ];
    for size in [1, 2] {
        for [plain, other] in races {
            check_within(3, move || {
                let ring = Ring::plain(size);
                ring.record(0, GOOD);
                ring.record(0, BAD);
                let (one, two) = (ring.clone(), ring.clone());
                let (a, b) = together!(
                    move || plain.iter().for_each(|call| one.record_plain(0, *call)),
                    move || {
                        for (at, call) in other.iter().enumerate() {
                            if at % 2 == 0 {
                                two.record_plain(0, *call);
                            } else {
                                two.record(0, *call);
                            }
                        }
                    },
                );
                a.join().unwrap();
                b.join().unwrap();
                ring.settled(0, size);
            });
        }
    }
}

#[test]
fn a_plain_call_that_races_the_clearing_leaves_no_trace_in_the_next_generation() {
    check(|| {
        let ring = Ring::plain(2);
        ring.record(0, GOOD);
        ring.record(0, BAD);
        let (one, two) = (ring.clone(), ring.clone());
        let (a, b) = together!(move || one.record_plain(0, BAD), move || two
            .beside()
            .clear(1));
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
fn a_call_that_races_the_ring_s_next_use_leaves_no_trace_in_it() {
    // Of the same generation, where a circuit is given another window and then this one again; or the next circuit's.
    for generation in [0, 1] {
        for call in [BAD, SLOW] {
            for ring in [Ring::new, Ring::plain] {
                check_within(3, move || {
                    let ring = ring(2);
                    ring.record(0, BAD);
                    let (one, two) = (ring.clone(), ring.clone());
                    let (a, b) = together!(
                        move || match call.slow {
                            true => _ = one.record(0, call),
                            false => one.record_plain(0, call),
                        },
                        move || two.beside().begin(generation),
                    );
                    a.join().unwrap();
                    b.join().unwrap();
                    let calls = ring.beside().calls(generation).unwrap().calls;
                    ring.settled(generation, calls);
                    ring.record(generation, GOOD);
                    ring.record(generation, GOOD);
                    assert_eq!(ring.settled(generation, 2).failures, 0);
                });
            }
        }
    }
}

#[test]
fn each_of_two_failures_in_one_place_sees_that_it_breaks_the_rule() {
    each_kind(check, 1, |ring| {
        ring.record(0, GOOD);
        let (one, two) = (ring.clone(), ring.clone());
        let (a, b) = together!(move || one.record(0, BAD).is_some(), move || two
            .record(0, BAD)
            .is_some());
        assert!(a.join().unwrap() && b.join().unwrap());
    });
}

#[test]
fn a_good_call_that_changes_nothing_in_a_full_window_is_not_taken_for_one_that_does() {
    each_kind(
        |race| check_within(3, race),
        2,
        |ring| {
            ring.record(0, GOOD);
            ring.record(0, GOOD);
            ring.race(0, &[BAD, GOOD], &[GOOD, GOOD]);
            ring.settled(0, 2);
        },
    );
}

#[test]
fn whoever_completes_the_window_or_fails_last_sees_that_it_is_broken() {
    each_kind(check, 2, |ring| {
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
    each_kind(check, 2, |ring| {
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
    each_kind(check, 2, |ring| {
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
    each_kind(
        |race| check_within(3, race),
        1,
        |ring| {
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
        },
    );
}

#[test]
fn a_call_of_the_generation_that_begins_as_the_ring_is_cleared_is_counted_or_left_out() {
    each_kind(
        |race| check_within(3, race),
        2,
        |ring| {
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
        },
    );
}

#[test]
fn two_transitions_that_clear_at_one_time_leave_it_clear() {
    each_kind(
        |race| check_within(3, race),
        2,
        |ring| {
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
        },
    );
}

#[test]
fn the_first_calls_of_a_generation_begin_it_once() {
    each_kind(
        |race| check_within(3, race),
        2,
        |ring| {
            ring.race(5, &[BAD], &[BAD]);
            assert_eq!(ring.settled(5, 2).failures, 2);
        },
    );
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

#[test]
fn a_failure_in_a_window_that_calls_lapped_slides_out_again() {
    check_within(2, || {
        let window = Trip::failures(3, Window::calls(3));
        let bench = Bench::with(|builder| builder.trip(window));
        for outcome in [Outcome::Failure, Outcome::Success, Outcome::Success] {
            bench.record(outcome);
        }
        let (one, others) = (bench.admit(), [bench.admit(), bench.admit(), bench.admit()]);
        let (a, b) = together!(move || one.record(Outcome::Success), move || {
            let [failed, next, last] = others;
            failed.record(Outcome::Failure);
            next.record(Outcome::Success);
            last.record(Outcome::Success);
        });
        a.join().unwrap();
        b.join().unwrap();
        for _ in 0..3 {
            bench.record(Outcome::Success);
        }
        let failures = bench
            .circuit
            .snapshot()
            .last_calls
            .map(|last| last.failures);
        assert_eq!(failures, Some(0));
    });
}
