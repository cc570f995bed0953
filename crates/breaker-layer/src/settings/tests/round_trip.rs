//! What is written is read as it was.

use proptest::prelude::*;

use super::*;

fn percent() -> impl Strategy<Value = Percent> {
    prop_oneof![1.0..=100.0, (1..=100u32).prop_map(f64::from)].prop_map(Percent)
}

fn trips() -> impl Strategy<Value = Trip> {
    let evidence = (0.1..40.0, 50.0..99.0, 2..1_000_000_000_000_000_000u64)
        .prop_map(|(p0, p1, calls)| Trip::evidence(Percent(p0), Percent(p1), calls));
    let windows = prop_oneof![
        (1..1000u32).prop_map(Window::calls),
        (10..1_000_000u64, 1..=60u32)
            .prop_map(
                |(millis, buckets)| Window::time(Duration::from_millis(millis)).buckets(buckets)
            ),
    ];
    let rates = prop_oneof![percent(), (0.001..0.999).prop_map(Percent)];
    let window = (windows, rates, percent(), prop::option::of(1..20u32))
        .prop_map(|(window, one, other, min_calls)| {
            let rules = [
                Trip::failure_rate(one, window),
                Trip::slow_rate(other, window),
                Trip::failures(1, window),
            ];
            let rules = rules.map(|rule| min_calls.map_or(rule, |calls| rule.min_calls(calls)));
            let trip = Trip::any_of(rules);
            if one.0 < 1.0 {
                trip.with_tiny_rates()
            } else {
                trip
            }
        })
        .boxed();
    let row = (1..=4095u32).prop_map(Trip::consecutive_failures);
    prop_oneof![
        Just(Trip::never()),
        row.clone(),
        evidence.clone(),
        window.clone(),
        (row, evidence, window).prop_map(|(one, two, three)| Trip::any_of([one, two, three])),
    ]
}

fn open_times() -> impl Strategy<Value = OpenTime> {
    let spans = || {
        (1..1_000_000_000u64, 1..1_000_000_000u64).prop_map(|(nanos, more)| {
            let shortest = Duration::from_millis(1) + Duration::from_nanos(nanos);
            (shortest, shortest + Duration::from_micros(more))
        })
    };
    let kinds = prop_oneof![
        spans().prop_map(|(wait, _)| OpenTime::fixed(wait)),
        (spans(), prop::option::of(1000..100_000u32)).prop_map(|((shortest, longest), factor)| {
            let open_time = OpenTime::exponential(shortest, longest);
            factor.map_or(open_time, |thousandths| {
                open_time.factor(f64::from(thousandths) / 1e3)
            })
        }),
        (spans(), 0.001..=100.0).prop_map(|((shortest, longest), share)| {
            OpenTime::probe_share(Percent(share), shortest, longest)
        }),
    ];
    let jitter = prop::option::of(prop_oneof![Just(Percent(0.0)), percent()]);
    (kinds, jitter, prop::option::of(0..1_000_000u64)).prop_map(|(open_time, jitter, asked)| {
        let open_time = jitter.map_or(open_time, |jitter| open_time.jitter(jitter));
        asked.map_or(open_time, |seconds| {
            open_time.longest_asked(Duration::from_secs(seconds))
        })
    })
}

fn configs() -> impl Strategy<Value = Config> {
    let probes = (
        1..=255u32,
        prop::option::of(1..=100u32),
        prop::option::of(100..=255u32),
        prop::option::of(percent()),
        prop::option::of(percent()),
        1..1_000_000u64,
    );
    let probes = probes.prop_map(
        |(live, successes, sample, failure_rate, slow_rate, millis)| {
            let mut probes = Probes::new(live).timeout(Duration::from_millis(millis));
            match (successes, failure_rate) {
                (Some(successes), _) => probes = probes.successes(successes),
                (None, Some(rate)) => probes = probes.failure_rate(rate),
                (None, None) => {}
            }
            probes = sample.map_or(probes, |sample| probes.out_of(sample));
            slow_rate.map_or(probes, |rate| probes.slow_rate(rate))
        },
    );
    let ramp = prop::option::of((1..1000u32, 1000..1_000_000u32));
    let cancelled = prop_oneof![
        Just(Cancelled::Ignored),
        Just(Cancelled::Failure),
        (0..5000u16).prop_map(Cancelled::FailureAfter),
    ];
    let rest = (
        cancelled,
        any::<bool>(),
        any::<bool>(),
        prop::sample::select(&Mode::ALL[..]),
    );
    (trips(), open_times(), probes, ramp, 1..u64::MAX >> 16, rest).prop_map(
        |(trip, open_time, probes, ramp, slow_after, (cancelled, panics, counted, mode))| {
            let config = Config::new()
                .trip(trip)
                .open_time(open_time)
                .probes(probes)
                .slow_after(Duration::from_nanos(slow_after))
                .cancelled(cancelled)
                .panic_is_failure(panics)
                .count_calls(counted)
                .mode(mode);
            ramp.map_or(config, |(from, to)| config.ramp(Ramp::new(from, to)))
        },
    )
}

proptest! {
    #[test]
    fn every_configuration_that_builds_is_read_as_it_was_written(config in configs()) {
        prop_assume!(config.build().is_ok());
        let settings = Settings::from(config);
        let json = serde_json::to_string(&settings).unwrap();
        prop_assert_eq!(read(&json), Ok(config), "{}", json);
        let toml = toml::to_string(&settings).unwrap();
        prop_assert_eq!(toml::from_str::<Settings>(&toml).unwrap(), settings, "{}", toml);
    }

    /// What is read can be built: nothing is found wrong only later.
    #[test]
    fn what_is_read_builds(config in configs(), at in 0..1000usize, other in "[0-9a-z%\"{}\\[\\]]{0,3}") {
        let mut json = serde_json::to_string(&Settings::from(config)).unwrap();
        let at = at % json.len();
        json.replace_range(at..(at + 2).min(json.len()), &other);
        if let Ok(config) = read(&json) {
            prop_assert!(config.build().is_ok(), "{}", json);
        }
    }
}
