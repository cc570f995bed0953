//! C12: a setting that cannot be is an error of `build()` that names it, and nothing else happens.

mod support;

use std::time::Duration;

use breaker_layer::{
    Circuit, CircuitBuilder, Config, OpenTime, Outcome, Percent, Probes, Ramp, State, Trip, Window,
    clock::ManualClock,
};
use support::{DAY, MILLI, NANO, SECOND};

fn error(builder: CircuitBuilder) -> Option<&'static str> {
    builder.build().err().map(|error| {
        let text = error.to_string();
        assert!(text.contains(error.setting()), "{text}");
        error.setting()
    })
}

fn trip(trip: Trip) -> Option<&'static str> {
    error(Circuit::builder("settings").slow_after(SECOND).trip(trip))
}

fn open_time(open_time: OpenTime) -> Option<&'static str> {
    error(Circuit::builder("settings").open_time(open_time))
}

fn probes(probes: Probes) -> Option<&'static str> {
    error(
        Circuit::builder("settings")
            .slow_after(SECOND)
            .probes(probes),
    )
}

const NO_PERCENT: [f64; 8] = [
    0.0,
    -0.0,
    -1.0,
    100.1,
    f64::MAX,
    f64::NAN,
    f64::INFINITY,
    f64::NEG_INFINITY,
];

#[test]
fn the_defaults_are_good() {
    assert_eq!(error(Circuit::builder("settings")), None);
}

#[test]
fn a_row_of_failures_is_from_1_to_4095() {
    for bad in [0, 4096, u32::MAX] {
        let setting = trip(Trip::consecutive_failures(bad));
        assert_eq!(setting, Some("trip.consecutive_failures"), "{bad}");
    }
    for good in [1, 4095] {
        assert_eq!(trip(Trip::consecutive_failures(good)), None);
    }
}

#[test]
fn the_longest_row_of_failures_trips_when_it_is_full() {
    let circuit = Circuit::builder("settings")
        .trip(Trip::consecutive_failures(4095))
        .build()
        .unwrap();
    for _ in 0..4094 {
        circuit.try_acquire().unwrap().record(Outcome::Failure);
    }
    assert_eq!(circuit.state(), State::Closed);
    circuit.try_acquire().unwrap().record(Outcome::Failure);
    assert_eq!(circuit.state(), State::Open);
}

#[test]
fn evidence_takes_two_ratios_in_order_and_a_budget() {
    for bad in NO_PERCENT.into_iter().chain([100.0]) {
        let setting = trip(Trip::evidence(Percent(bad), Percent(70.0), 1000));
        assert_eq!(setting, Some("trip.evidence.tolerated"), "{bad}");
        let setting = trip(Trip::evidence(Percent(30.0), Percent(bad), 1000));
        assert_eq!(setting, Some("trip.evidence.intolerable"), "{bad}");
    }
    for (tolerated, intolerable) in [(30.0, 30.0), (30.0, 29.0), (30.0, 30.000_001)] {
        let setting = trip(Trip::evidence(
            Percent(tolerated),
            Percent(intolerable),
            1000,
        ));
        assert_eq!(setting, Some("trip.evidence.intolerable"), "{intolerable}");
    }
    for bad in [0, 1, 1_000_000_000_000_000_001, u64::MAX] {
        let setting = trip(Trip::evidence(Percent(30.0), Percent(70.0), bad));
        assert_eq!(setting, Some("trip.evidence.calls_per_false_trip"), "{bad}");
    }
    for good in [2, 1_000_000_000_000_000_000] {
        assert_eq!(
            trip(Trip::evidence(Percent(0.1), Percent(99.9), good)),
            None
        );
    }
}

#[test]
fn a_rate_is_from_1_to_100_per_cent_and_below_it_where_that_is_said() {
    for window in [Window::calls(100), Window::time(SECOND)] {
        for bad in NO_PERCENT {
            for tiny in [false, true] {
                let said = |trip: Trip| if tiny { trip.with_tiny_rates() } else { trip };
                let setting = trip(said(Trip::failure_rate(Percent(bad), window)));
                assert_eq!(setting, Some("trip.failure_rate"), "{bad}");
                let setting = trip(said(Trip::slow_rate(Percent(bad), window)));
                assert_eq!(setting, Some("trip.slow_rate"), "{bad}");
            }
        }
        for good in [1.0, 100.0] {
            assert_eq!(trip(Trip::failure_rate(Percent(good), window)), None);
            assert_eq!(trip(Trip::slow_rate(Percent(good), window)), None);
        }
        for tiny in [0.0001, 0.5, 0.999_999] {
            let rates = [
                Trip::failure_rate(Percent(tiny), window),
                Trip::slow_rate(Percent(tiny), window),
            ];
            assert_eq!(trip(rates[0]), Some("trip.failure_rate"), "{tiny}");
            assert_eq!(trip(rates[1]), Some("trip.slow_rate"), "{tiny}");
            assert_eq!(trip(Trip::any_of(rates).with_tiny_rates()), None, "{tiny}");
        }
    }
}

#[test]
fn a_fraction_in_place_of_per_cent_is_asked_about() {
    let half = Percent(0.5);
    let window = Window::calls(100);
    let configs = [
        Config::new().trip(Trip::failure_rate(half, window)),
        Config::new()
            .trip(Trip::slow_rate(half, window))
            .slow_after(SECOND),
        Config::new().trip(Trip::evidence(Percent(0.2), half, 1000)),
        Config::new().probes(Probes::new(3).failure_rate(half)),
        Config::new()
            .probes(Probes::new(3).slow_rate(half))
            .slow_after(SECOND),
        Config::new().open_time(OpenTime::fixed(SECOND).jitter(half)),
    ];
    for config in configs {
        let error = config.build().unwrap_err().to_string();
        assert!(error.contains("did you mean 50%?"), "{error}");
    }
    // Five in a thousand are tolerated: who says five in a hundred beside it writes no fractions.
    assert_eq!(trip(Trip::evidence(half, Percent(5.0), 1000)), None);
}

#[test]
fn a_message_says_what_was_said() {
    let half = Percent(50.0);
    let rate = |window| Config::new().trip(Trip::failure_rate(half, window));
    let cases = [
        (
            rate(Window::calls(10).buckets(3)),
            "`trip.window.buckets` is 3, but takes no value: a window of calls has no buckets",
        ),
        (
            rate(Window::time(Duration::ZERO)),
            "`trip.window` is 0ns, but takes a duration from 10 ms to one day",
        ),
        (
            Config::new().trip(Trip::any_of([])),
            "`trip` takes at least one rule in `any_of`; `never` says none",
        ),
        (
            Config::new().trip(Trip::consecutive_failures(5).min_calls(10)),
            "`trip.min_calls` takes no value here: only rules over a window have it",
        ),
        (
            Config::new().trip(Trip::any_of([
                Trip::consecutive_failures(5),
                Trip::consecutive_failures(6),
            ])),
            "`trip.consecutive_failures` takes one value; two rules give it different ones",
        ),
        (
            Config::new().open_time(OpenTime::fixed(SECOND).factor(2.0)),
            "`open_time.factor` is 2, but takes no value: only an exponential open time has a factor",
        ),
        (
            Config::new().probes(Probes::new(3).successes(2).failure_rate(half)),
            "`probes.failure_rate` is 50%, but takes no value where a number of successes is asked for",
        ),
    ];
    for (config, text) in cases {
        assert_eq!(config.build().unwrap_err().to_string(), text);
    }
}

#[test]
fn all_faults_are_told_at_once() {
    let half = Percent(0.5);
    let config = Config::new()
        .trip(Trip::any_of([
            Trip::consecutive_failures(0),
            Trip::failure_rate(half, Window::calls(10)).min_calls(11),
            Trip::slow_rate(half, Window::time(Duration::ZERO).buckets(61)).min_calls(0),
        ]))
        .open_time(OpenTime::exponential(Duration::ZERO, Duration::ZERO).factor(0.5))
        .probes(Probes::new(0).timeout(Duration::ZERO).successes(256))
        .ramp(Ramp::new(0, 0));
    let mut faults = vec![];
    config.each_fault(|fault| faults.push(fault.setting()));
    let expected = [
        "trip.consecutive_failures",
        "trip.min_calls",
        "trip.failure_rate",
        "trip.window",
        "trip.window.buckets",
        "trip.min_calls",
        "trip.slow_rate",
        "open_time.shortest",
        "open_time.longest",
        "open_time.factor",
        "probes",
        "probes.timeout",
        "probes.successes",
        "slow_after",
        "ramp.from",
        "ramp.to",
    ];
    assert_eq!(faults, expected);
    Config::new().each_fault(|fault| panic!("{fault}"));
}

#[test]
fn a_window_has_a_size_that_can_be_kept() {
    for bad in [0, 1 << 20, u32::MAX] {
        let setting = trip(Trip::failure_rate(Percent(50.0), Window::calls(bad)));
        assert_eq!(setting, Some("trip.window"), "{bad} calls");
    }
    for bad in [Duration::ZERO, 9 * MILLI, DAY + NANO, Duration::MAX] {
        let setting = trip(Trip::failure_rate(Percent(50.0), Window::time(bad)));
        assert_eq!(setting, Some("trip.window"), "{bad:?}");
    }
    for bad in [0, 61, u32::MAX] {
        let window = Window::time(SECOND).buckets(bad);
        let setting = trip(Trip::failure_rate(Percent(50.0), window));
        assert_eq!(setting, Some("trip.window.buckets"), "{bad} buckets");
    }
}

#[test]
fn a_window_too_small_for_its_minimum_is_an_error() {
    let rate = Trip::failure_rate(Percent(50.0), Window::calls(10));
    for bad in [0, 11, u32::MAX] {
        assert_eq!(trip(rate.min_calls(bad)), Some("trip.min_calls"), "{bad}");
    }
    for good in [1, 10] {
        assert_eq!(trip(rate.min_calls(good)), None);
    }
    let rate = Trip::failure_rate(Percent(50.0), Window::time(SECOND));
    for bad in [0, 1_000_001] {
        assert_eq!(trip(rate.min_calls(bad)), Some("trip.min_calls"), "{bad}");
    }
}

#[test]
fn a_window_too_small_for_its_failures_is_an_error() {
    for bad in [0, 11, u32::MAX] {
        let setting = trip(Trip::failures(bad, Window::calls(10)));
        assert_eq!(setting, Some("trip.failures"), "{bad}");
    }
}

#[test]
fn a_minimum_without_a_window_is_an_error() {
    for rule in [
        Trip::never(),
        Trip::consecutive_failures(5),
        Trip::default(),
    ] {
        assert_eq!(trip(rule.min_calls(10)), Some("trip.min_calls"));
    }
}

#[test]
fn rules_that_contradict_each_other_are_an_error() {
    let (ten, twenty) = (Window::calls(10), Window::calls(20));
    let half = Percent(50.0);
    let conflicts = [
        (
            "trip.consecutive_failures",
            [Trip::consecutive_failures(5), Trip::consecutive_failures(6)],
        ),
        (
            "trip.evidence",
            [Trip::default(), Trip::evidence(Percent(1.0), half, 1000)],
        ),
        (
            "trip.failure_rate",
            [
                Trip::failure_rate(half, ten),
                Trip::failure_rate(Percent(60.0), ten),
            ],
        ),
        (
            "trip.failures",
            [Trip::failures(5, ten), Trip::failures(6, ten)],
        ),
        (
            "trip.slow_rate",
            [
                Trip::slow_rate(half, ten),
                Trip::slow_rate(Percent(60.0), ten),
            ],
        ),
        (
            "trip.window",
            [Trip::failure_rate(half, ten), Trip::slow_rate(half, twenty)],
        ),
        (
            "trip.min_calls",
            [
                Trip::failure_rate(half, ten).min_calls(5),
                Trip::slow_rate(half, ten).min_calls(6),
            ],
        ),
    ];
    for (setting, rules) in conflicts {
        assert_eq!(trip(Trip::any_of(rules)), Some(setting));
        let [one, other] = rules;
        let nested = Trip::any_of([Trip::any_of([other]), Trip::never(), one]);
        assert_eq!(trip(nested), Some(setting), "in the other order");
        assert_eq!(trip(Trip::any_of([one, one])), None, "twice the same");
    }
}

#[test]
fn rules_of_different_kinds_go_together() {
    let rules = Trip::any_of([
        Trip::consecutive_failures(5),
        Trip::default(),
        Trip::failure_rate(Percent(50.0), Window::calls(100)).min_calls(10),
        Trip::slow_rate(Percent(50.0), Window::calls(100)).min_calls(10),
        Trip::failures(50, Window::time(SECOND)),
    ]);
    assert_eq!(trip(rules), None);
}

#[test]
fn a_slow_rate_needs_to_know_what_is_slow() {
    let slow = Percent(50.0);
    let rate = Trip::slow_rate(slow, Window::calls(10));
    let builder = || Circuit::builder("settings");
    assert_eq!(error(builder().trip(rate)), Some("slow_after"));
    let probes = Probes::new(3).slow_rate(slow);
    assert_eq!(error(builder().probes(probes)), Some("slow_after"));
    for bad in [Duration::ZERO, 100 * DAY + NANO, Duration::MAX] {
        assert_eq!(error(builder().slow_after(bad)), Some("slow_after"));
    }
    for good in [NANO, 100 * DAY] {
        assert_eq!(error(builder().trip(rate).slow_after(good)), None);
    }
}

#[test]
fn an_open_time_is_from_a_millisecond_to_a_hundred_days() {
    for bad in [Duration::ZERO, NANO, 100 * DAY + NANO, Duration::MAX] {
        assert_eq!(
            open_time(OpenTime::fixed(bad)),
            Some("open_time.shortest"),
            "{bad:?}"
        );
    }
    let half = Percent(50.0);
    for (shortest, longest, setting) in [
        (Duration::ZERO, SECOND, "open_time.shortest"),
        (Duration::MAX, Duration::MAX, "open_time.shortest"),
        (SECOND, SECOND - NANO, "open_time.longest"),
        (SECOND, Duration::MAX, "open_time.longest"),
    ] {
        let kinds = [
            OpenTime::exponential(shortest, longest),
            OpenTime::by_attempt(|_| SECOND, shortest, longest),
            OpenTime::probe_share(half, shortest, longest),
        ];
        for kind in kinds {
            assert_eq!(open_time(kind), Some(setting), "{kind:?}");
        }
    }
    assert_eq!(open_time(OpenTime::exponential(MILLI, 100 * DAY)), None);
}

#[test]
fn jitter_is_from_0_to_100_per_cent() {
    let fixed = OpenTime::fixed(SECOND);
    for bad in [
        -1.0,
        100.1,
        f64::MAX,
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
    ] {
        let setting = open_time(fixed.jitter(Percent(bad)));
        assert_eq!(setting, Some("open_time.jitter"), "{bad}");
    }
    for good in [0.0, 100.0] {
        assert_eq!(open_time(fixed.jitter(Percent(good))), None);
    }
}

#[test]
fn a_factor_is_from_1_to_100_and_for_an_exponential_open_time() {
    let exponential = OpenTime::exponential(SECOND, DAY);
    for bad in [
        0.0,
        -2.0,
        0.99,
        100.1,
        f64::MAX,
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
    ] {
        let setting = open_time(exponential.factor(bad));
        assert_eq!(setting, Some("open_time.factor"), "{bad}");
    }
    for good in [1.0, 100.0] {
        assert_eq!(open_time(exponential.factor(good)), None);
    }
    let setting = open_time(OpenTime::fixed(SECOND).factor(2.0));
    assert_eq!(setting, Some("open_time.factor"));
}

#[test]
fn a_probe_share_is_above_0_and_at_most_100_per_cent() {
    for bad in NO_PERCENT {
        let setting = open_time(OpenTime::probe_share(Percent(bad), SECOND, DAY));
        assert_eq!(setting, Some("open_time.share"), "{bad}");
    }
}

#[test]
fn the_longest_wait_that_is_asked_for_is_at_most_a_hundred_days() {
    let fixed = OpenTime::fixed(SECOND);
    for bad in [100 * DAY + NANO, Duration::MAX] {
        let setting = open_time(fixed.longest_asked(bad));
        assert_eq!(setting, Some("open_time.longest_asked"), "{bad:?}");
    }
    assert_eq!(open_time(fixed.longest_asked(Duration::ZERO)), None);
}

#[test]
fn probes_are_from_1_to_255() {
    for bad in [0, 256, u32::MAX] {
        assert_eq!(probes(Probes::new(bad)), Some("probes"), "{bad}");
    }
    for good in [1, 255] {
        assert_eq!(probes(Probes::new(good)), None);
    }
}

#[test]
fn the_successes_are_from_1_to_the_sample() {
    let three = Probes::new(3);
    for bad in [0, 256, u32::MAX] {
        let setting = probes(three.successes(bad));
        assert_eq!(setting, Some("probes.successes"), "{bad}");
        let setting = probes(three.out_of(bad));
        assert_eq!(setting, Some("probes.out_of"), "{bad}");
    }
    let setting = probes(three.successes(5).out_of(4));
    assert_eq!(setting, Some("probes.successes"));
    for good in [1, 255] {
        assert_eq!(probes(three.successes(good)), None);
        assert_eq!(probes(three.out_of(good)), None);
    }
}

#[test]
fn the_rates_of_probes_are_above_0_and_at_most_100_per_cent() {
    for bad in NO_PERCENT {
        let setting = probes(Probes::new(3).failure_rate(Percent(bad)));
        assert_eq!(setting, Some("probes.failure_rate"), "{bad}");
        let setting = probes(Probes::new(3).slow_rate(Percent(bad)));
        assert_eq!(setting, Some("probes.slow_rate"), "{bad}");
    }
    let both = Probes::new(3).failure_rate(Percent(50.0)).successes(2);
    assert_eq!(probes(both), Some("probes.failure_rate"));
}

#[test]
fn the_probes_timeout_is_from_a_millisecond_to_25_days() {
    for bad in [Duration::ZERO, NANO, 25 * DAY + NANO, Duration::MAX] {
        let setting = probes(Probes::new(1).timeout(bad));
        assert_eq!(setting, Some("probes.timeout"), "{bad:?}");
    }
    for good in [MILLI, 25 * DAY] {
        assert_eq!(probes(Probes::new(1).timeout(good)), None);
    }
}

#[test]
fn a_ramp_goes_up_from_1_to_a_million_calls_a_second() {
    let ramp = |from, to| error(Circuit::builder("settings").ramp(Ramp::new(from, to)));
    for bad in [0, 1_000_001, u32::MAX] {
        assert_eq!(ramp(bad, u32::MAX), Some("ramp.from"), "{bad}");
        assert_eq!(ramp(1, bad), Some("ramp.to"), "{bad}");
    }
    assert_eq!(ramp(10, 9), Some("ramp.to"));
    for (from, to) in [(1, 1), (1, 1_000_000), (1_000_000, 1_000_000)] {
        assert_eq!(ramp(from, to), None);
    }
}

#[test]
fn the_default_trips_after_15_failures_in_a_row_from_clean() {
    let builder = Circuit::builder("settings").clock(ManualClock::new().clock());
    let circuit = builder.build().unwrap();
    for _ in 0..14 {
        circuit.try_acquire().unwrap().record(Outcome::Failure);
    }
    assert_eq!(circuit.state(), State::Closed);
    circuit.try_acquire().unwrap().record(Outcome::Failure);
    assert_eq!(circuit.state(), State::Open);
}
