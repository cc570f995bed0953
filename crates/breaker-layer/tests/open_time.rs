//! C8: the open time is honoured, grows, is jittered, saturates, and is never zero.

mod support;

use std::{cell::RefCell, collections::HashSet, time::Duration};

use breaker_layer::{
    CircuitBuilder, OpenTime, Outcome, Percent, Refusal, State,
    clock::{ManualClock, Timestamp},
};
use support::{Bench, DAY, MILLI, NANO, OPEN_FOR, SECOND, THRESHOLD};

/// Open times are rounded up to this.
const TICK: Duration = Duration::from_micros(100);

fn bench(open_time: OpenTime) -> Bench {
    Bench::with(|builder| builder.open_time(open_time))
}

fn seeded(open_time: OpenTime, seed: u16) -> Bench {
    Bench::with(|builder: CircuitBuilder| builder.open_time(open_time).seed(seed))
}

/// For how long a circuit opens: when it trips, and then each time its probe fails.
fn waits(bench: &Bench, times: usize) -> Vec<Duration> {
    bench.open();
    (0..times)
        .map(|_| {
            let wait = bench.log.last().open_for().expect("it opened");
            bench.clock.advance(wait + TICK);
            bench.fail(1);
            wait
        })
        .collect()
}

#[test]
fn every_call_is_rejected_until_the_open_time_is_over() {
    let bench = Bench::new();
    bench.open();
    for left in [OPEN_FOR, 3 * SECOND, MILLI, NANO] {
        let gone = OPEN_FOR - left;
        let here = bench.clock.now().saturating_since(Timestamp::ZERO);
        bench.clock.advance(gone - here);
        let rejected = bench.circuit.try_acquire().unwrap_err();
        assert_eq!(rejected.refusal(), Refusal::Open { retry_after: left });
        assert_eq!(rejected.retry_after(), Some(left));
    }
    bench.clock.advance(NANO);
    assert!(bench.circuit.try_acquire().is_ok());
}

#[test]
fn the_open_time_counts_from_the_trip_and_is_never_cut_short_by_rounding() {
    for nanos in [1, 49_999, 50_000, 99_999, 123_456_789] {
        let bench = Bench::new();
        bench.clock.advance(Duration::from_nanos(nanos));
        bench.fail(THRESHOLD - 1);
        bench.clock.advance(SECOND);
        bench.fail(1);
        bench.clock.advance(OPEN_FOR - NANO);
        assert!(bench.rejects(), "tripped {nanos} ns after a second");
        bench.clock.advance(NANO + TICK);
        assert!(!bench.rejects(), "tripped {nanos} ns after a second");
    }
}

#[test]
fn a_rejected_call_does_not_make_the_wait_longer() {
    let bench = Bench::new();
    bench.open();
    for _ in 0..5 {
        bench.clock.advance(SECOND);
        bench.rejects();
    }
    assert_eq!(bench.log.states(), [State::Open, State::HalfOpen]);
}

#[test]
fn an_exponential_wait_doubles_while_probes_fail_up_to_the_longest() {
    let open_time = OpenTime::exponential(SECOND, 10 * SECOND).jitter(Percent(0.0));
    let expected = [1, 2, 4, 8, 10, 10].map(|wait| wait * SECOND);
    assert_eq!(waits(&bench(open_time), 6), expected);

    let expected = [1_000, 1_500, 2_250, 3_375].map(Duration::from_millis);
    assert_eq!(waits(&bench(open_time.factor(1.5)), 4), expected);
}

#[test]
fn closing_starts_the_waits_over() {
    let bench = bench(OpenTime::exponential(SECOND, 60 * SECOND).jitter(Percent(0.0)));
    assert_eq!(waits(&bench, 3).last(), Some(&(4 * SECOND)));
    bench.clock.advance(8 * SECOND);
    bench.succeed(1);
    assert_eq!(bench.state(), State::Closed);
    assert_eq!(waits(&bench, 1), [SECOND]);
}

#[test]
fn the_user_s_own_waits_are_told_the_attempt_and_kept_within_bounds() {
    let wait = |attempt| match attempt {
        0 => Duration::ZERO,
        1 => 3 * SECOND,
        _ => Duration::MAX,
    };
    let bench = bench(OpenTime::by_attempt(wait, SECOND, 7 * SECOND));
    assert_eq!(waits(&bench, 4), [1, 3, 7, 7].map(|wait| wait * SECOND));
}

#[test]
fn jitter_stays_within_its_bounds_and_differs_from_circuit_to_circuit() {
    let open_time = OpenTime::fixed(10 * SECOND).jitter(Percent(20.0));
    let seen: HashSet<Duration> = (0..200)
        .map(|seed| waits(&seeded(open_time, seed), 1)[0])
        .collect();
    assert!(
        seen.iter()
            .all(|wait| (8 * SECOND..=12 * SECOND).contains(wait))
    );
    assert!(seen.len() > 190, "{} of 200 differ", seen.len());
    assert!(seen.iter().any(|wait| *wait < 9 * SECOND));
    assert!(seen.iter().any(|wait| *wait > 11 * SECOND));
}

#[test]
fn jitter_differs_from_one_opening_to_the_next() {
    let open_time = OpenTime::fixed(10 * SECOND).jitter(Percent(20.0));
    let seen: HashSet<Duration> = waits(&seeded(open_time, 7), 20).into_iter().collect();
    assert!(seen.len() > 15, "{} of 20 differ", seen.len());
}

/// C8: a fleet does not probe in step, the first time and at the longest wait neither.
#[test]
fn jitter_spreads_the_first_and_the_longest_exponential_wait_too() {
    let open_time = OpenTime::exponential(SECOND, 4 * SECOND);
    for rung in [0, 4] {
        let mut all: Vec<Duration> = (0..200)
            .map(|seed| waits(&seeded(open_time, seed), rung + 1)[rung])
            .collect();
        all.sort();
        let most_in_step = all.chunk_by(|a, b| a == b).map(<[_]>::len).max().unwrap();
        assert!(
            most_in_step <= 20,
            "{most_in_step} of 200 wait equally long at attempt {rung}"
        );
    }
}

#[test]
fn the_same_seed_and_history_wait_equally_long() {
    let open_time = OpenTime::fixed(10 * SECOND).jitter(Percent(20.0));
    let first = waits(&seeded(open_time, 42), 3);
    for _ in 0..50 {
        assert_eq!(waits(&seeded(open_time, 42), 3), first);
    }
}

#[test]
fn without_jitter_the_seed_changes_nothing() {
    for seed in 0..20 {
        let wait = waits(&seeded(OpenTime::fixed(10 * SECOND), seed), 1)[0];
        assert_eq!(wait, 10 * SECOND);
    }
}

#[test]
fn no_wait_is_zero_whatever_the_jitter() {
    for seed in 0..500 {
        let bench = seeded(OpenTime::fixed(MILLI).jitter(Percent(100.0)), seed);
        assert!(waits(&bench, 1)[0] >= MILLI);
    }
}

#[test]
fn waits_saturate_at_a_hundred_days() {
    let longest = 100 * DAY;
    let open_time = OpenTime::exponential(longest, longest)
        .factor(100.0)
        .jitter(Percent(100.0));
    for seed in 0..20 {
        let bench = seeded(open_time, seed);
        for wait in waits(&bench, 70) {
            assert!(wait <= longest, "{wait:?}");
        }
    }
}

#[test]
fn an_operator_s_wait_is_kept_from_a_millisecond_to_a_hundred_days() {
    let bench = Bench::new();
    for (asked, granted) in [
        (Duration::ZERO, MILLI),
        (NANO, MILLI),
        (7 * SECOND, 7 * SECOND),
        (Duration::MAX, 100 * DAY),
    ] {
        bench.circuit.trip_for(asked);
        assert_eq!(bench.log.last().open_for(), Some(granted));
        let rejected = bench.circuit.try_acquire().unwrap_err();
        assert_eq!(rejected.retry_after(), Some(granted));
        bench.clock.advance(granted - NANO);
        assert!(bench.rejects());
        bench.clock.advance(NANO);
        assert!(!bench.rejects());
        bench.circuit.close();
    }
}

#[test]
fn a_downstream_that_asks_to_be_left_alone_is_left_alone_within_bounds() {
    let open_time = OpenTime::fixed(OPEN_FOR).longest_asked(60 * SECOND);
    for (asked, granted) in [
        (Duration::ZERO, OPEN_FOR),
        (SECOND, OPEN_FOR),
        (20 * SECOND, 20 * SECOND),
        (Duration::MAX, 60 * SECOND),
    ] {
        let bench = bench(open_time);
        bench.fail(THRESHOLD - 1);
        bench
            .admit()
            .record(Outcome::Overload { retry_after: asked });
        assert_eq!(bench.log.last().open_for(), Some(granted), "{asked:?}");
        bench.clock.advance(granted - NANO);
        assert!(bench.rejects());
        bench.clock.advance(NANO);
        bench
            .admit()
            .record(Outcome::Overload { retry_after: asked });
        assert_eq!(bench.log.last().open_for(), Some(granted), "as a probe");
    }
}

#[test]
fn an_overload_that_trips_nothing_is_one_failure() {
    let bench = Bench::new();
    bench.admit().record(Outcome::Overload {
        retry_after: 20 * SECOND,
    });
    assert_eq!(bench.state(), State::Closed);
    assert_eq!(bench.circuit.snapshot().failures, 1);
}

/// The calls, one a microsecond, until one is let through.
fn refused_until_drawn(bench: &Bench) -> u32 {
    (0..)
        .find(|_| {
            bench.clock.advance(Duration::from_micros(1));
            !bench.rejects()
        })
        .expect("one is drawn")
}

#[test]
fn a_probe_share_lets_its_share_of_the_calls_through_after_the_shortest_wait() {
    let open_time = OpenTime::probe_share(Percent(1.0), SECOND, 3600 * SECOND);
    let bench = bench(open_time);
    let mut refused = 0;
    for _ in 0..200 {
        bench.circuit.trip();
        bench.clock.advance(SECOND - NANO);
        let rejected = bench.circuit.try_acquire().unwrap_err();
        assert!(rejected.retry_after() > Some(Duration::ZERO));
        bench.clock.advance(NANO + TICK);
        refused += refused_until_drawn(&bench);
    }
    let mean = f64::from(refused) / 200.0;
    assert!((75.0..130.0).contains(&mean), "one call in {mean}");
}

#[test]
fn a_call_that_is_not_drawn_is_told_to_wait_as_long_again_until_a_probe_is_certain() {
    let share = OpenTime::probe_share(Percent(0.001), SECOND, 60 * SECOND);
    let bench = bench(share.jitter(Percent(0.0)));
    bench.circuit.trip();
    bench.clock.advance(SECOND);
    for wait in [1, 2, 4, 8, 16, 28] {
        assert_eq!(bench.state(), State::Open, "until a probe is certain");
        let rejected = bench.circuit.try_acquire().unwrap_err();
        assert_eq!(rejected.retry_after(), Some(wait * SECOND));
        assert_eq!(bench.circuit.snapshot().retry_after, Some(Duration::ZERO));
        bench.clock.advance(wait * SECOND);
    }
    assert!(!bench.rejects(), "it comes when a probe is certain");
}

/// What a request draws is its own: neither the time nor another clone needs to be asked for it.
#[test]
fn draws_differ_while_the_time_stands_still_and_are_the_same_for_a_seed_and_a_history() {
    let refused = |seed, before| {
        let bench = seeded(OpenTime::default(), seed);
        for _ in 0..before {
            bench.circuit.trip();
        }
        bench.circuit.trip();
        bench.clock.advance(SECOND);
        refused_until_drawn(&bench)
    };
    let all: Vec<u32> = (0..200).map(|seed| refused(seed, 0)).collect();
    assert_eq!(
        all,
        (0..200).map(|seed| refused(seed, 0)).collect::<Vec<_>>()
    );
    assert_ne!(
        all,
        (0..200).map(|seed| refused(seed, 1)).collect::<Vec<_>>()
    );
    let mean = f64::from(all.iter().sum::<u32>()) / 200.0;
    assert!((3.75..6.5).contains(&mean), "one call in {mean}");
}

#[test]
fn a_circuit_that_only_observes_draws_for_each_call_too() {
    let bench = bench(OpenTime::default());
    bench.circuit.observe_only();
    bench.circuit.trip();
    bench.clock.advance(SECOND);
    let refused = (0..5000)
        .take_while(|_| {
            bench.succeed(1);
            bench.state() == State::Open
        })
        .count();
    assert!(refused < 5000, "no probe came");
}

#[test]
fn a_probe_share_is_certain_after_the_longest_wait() {
    let open_time = OpenTime::probe_share(Percent(0.0001), SECOND, 60 * SECOND);
    let bench = bench(open_time.jitter(Percent(0.0)));
    bench.circuit.trip();
    bench.clock.advance(60 * SECOND - NANO);
    assert!(bench.rejects());
    assert_eq!(bench.state(), State::Open);
    bench.clock.advance(NANO);
    assert_eq!(bench.state(), State::HalfOpen);
    assert!(!bench.rejects());
}

#[test]
fn the_longest_wait_of_a_probe_share_is_jittered() {
    let open_time = OpenTime::probe_share(Percent(0.0001), SECOND, 60 * SECOND);
    let mut certain = HashSet::new();
    for seed in 0..50 {
        let bench = seeded(open_time, seed);
        bench.circuit.trip();
        bench.clock.advance(48 * SECOND - NANO);
        assert_eq!(bench.state(), State::Open);
        let after = (0..).find(|_| {
            bench.clock.advance(SECOND / 10);
            bench.state() == State::HalfOpen
        });
        assert!(after <= Some(240), "{after:?} tenths after 48 s");
        certain.insert(after);
    }
    assert!(certain.len() > 25, "{} of 50 differ", certain.len());
}

#[test]
fn the_whole_course_goes_well_at_the_end_of_time() {
    let clock = ManualClock::new();
    clock.advance(Duration::from_nanos(u64::MAX) - 100 * SECOND);
    let bench = Bench::at(clock, |builder| builder);
    let probe = bench.probe();
    assert!(bench.rejects());
    probe.record(Outcome::Failure);
    assert_eq!(bench.circuit.snapshot().retry_after, Some(OPEN_FOR));
    bench.clock.advance(OPEN_FOR);
    bench.succeed(1);
    assert_eq!(bench.state(), State::Closed);

    bench.clock.advance(Duration::MAX);
    assert_eq!(bench.clock.now(), Timestamp::MAX);
    bench.open();
    bench.clock.advance(Duration::MAX);
    assert!(bench.rejects(), "time stands still at its end");
    bench.circuit.reset();
    assert!(!bench.rejects());
}

#[test]
fn a_wait_that_ends_beyond_the_end_of_time_does_not_end_early() {
    let clock = ManualClock::new();
    let bench = Bench::at(clock.clone(), |builder| builder);
    clock.advance(Duration::from_nanos(u64::MAX) - SECOND);
    bench.circuit.trip_for(Duration::MAX);
    clock.advance(Duration::MAX);
    assert!(bench.rejects());
    let left = bench.circuit.snapshot().retry_after.unwrap();
    assert!((100 * DAY - SECOND..=100 * DAY + TICK).contains(&left));
}

#[test]
fn a_wait_by_attempt_is_asked_for_when_the_circuit_is_built_and_never_again() {
    thread_local!(static ASKED: RefCell<Vec<u32>> = const { RefCell::new(Vec::new()) });
    fn wait(attempt: u32) -> Duration {
        ASKED.with_borrow_mut(|asked| asked.push(attempt));
        SECOND * (attempt + 1)
    }
    let bench = bench(OpenTime::by_attempt(wait, SECOND, 7 * SECOND));
    assert_eq!(ASKED.take(), (0..64).collect::<Vec<_>>());
    bench.circuit.half_open();
    bench.fail(1);
    assert!(bench.rejects());
    bench.circuit.reconfigure(bench.circuit.config()).unwrap();
    assert_eq!(ASKED.take().len(), 64, "other settings are built");
    bench.clock.advance(7 * SECOND);
    bench.succeed(1);
    assert_eq!(ASKED.take(), []);
}
