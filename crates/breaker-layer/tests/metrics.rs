//! Metrics tell the truth: C21.
#![cfg(feature = "metrics")]

mod support;

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
};

use breaker_core::mix;
use breaker_layer::{
    Circuit, OpenTime, Outcome, Probes, State, TransitionEvent, Trip, clock::ManualClock,
    observe::Metrics,
};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use support::{Bench, MILLI, OPEN_FOR, SECOND};

/// An exporter, and metrics that go there.
struct Page {
    metrics: Metrics,
    handle: PrometheusHandle,
}

impl Page {
    fn new() -> Self {
        let buckets = Matcher::Full("breaker_recovery_seconds".into());
        let recorder = PrometheusBuilder::new()
            .set_buckets_for_metric(buckets, &[1.0, 10.0])
            .unwrap()
            .build_recorder();
        let handle = recorder.handle();
        Self {
            metrics: Metrics::recording_to(recorder),
            handle,
        }
    }

    /// Every sample that is not zero, by its name and labels.
    fn samples(&self) -> BTreeMap<String, f64> {
        self.metrics.collect();
        let text = self.handle.render();
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let samples = lines.filter_map(|line| line.rsplit_once(' '));
        samples
            .map(|(name, value)| (name.to_owned(), value.parse().unwrap()))
            .filter(|(_, value)| *value != 0.0)
            .collect()
    }

    fn get(&self, name: &str) -> f64 {
        self.samples().get(name).copied().unwrap_or_default()
    }
}

fn expect(samples: &BTreeMap<String, f64>, expected: &[(&str, f64)]) {
    let expected = expected
        .iter()
        .map(|(name, value)| ((*name).to_owned(), *value));
    assert_eq!(*samples, expected.collect());
}

#[test]
fn a_circuit_s_story_can_be_read_from_its_metrics() {
    let page = Page::new();
    let bench = Bench::with(|builder| {
        let builder = builder.count_calls(true).slow_after(SECOND);
        builder.observe(page.metrics.clone())
    });
    assert!(page.samples().is_empty());
    bench.succeed(5);
    bench.admit().record(Outcome::Ignored);
    bench.admit().record_after(Outcome::Success, 2 * SECOND);
    drop(bench.admit());
    bench.open();
    assert!(bench.rejects() && bench.rejects());
    bench.clock.advance(OPEN_FOR - MILLI);
    assert_eq!(page.get(r#"breaker_state{circuit="bench"}"#), 2.0);
    assert_eq!(page.get(r#"breaker_open_seconds{circuit="bench"}"#), 4.999);
    bench.clock.advance(MILLI);
    assert_eq!(
        page.get(r#"breaker_state{circuit="bench"}"#),
        1.0,
        "as state() says"
    );
    bench.succeed(1);
    bench.clock.advance(100 * SECOND);
    expect(
        &page.samples(),
        &[
            (r#"breaker_admitted_calls_total{circuit="bench"}"#, 12.0),
            (
                r#"breaker_calls_total{circuit="bench",outcome="cancelled"}"#,
                1.0,
            ),
            (
                r#"breaker_calls_total{circuit="bench",outcome="failure"}"#,
                3.0,
            ),
            (
                r#"breaker_calls_total{circuit="bench",outcome="ignored"}"#,
                1.0,
            ),
            (
                r#"breaker_calls_total{circuit="bench",outcome="rejected"}"#,
                2.0,
            ),
            (
                r#"breaker_calls_total{circuit="bench",outcome="success"}"#,
                7.0,
            ),
            (r#"breaker_slow_calls_total{circuit="bench"}"#, 1.0),
            (r#"breaker_open_seconds{circuit="bench"}"#, 5.0),
            (r#"breaker_opened_total{circuit="bench"}"#, 1.0),
            (
                r#"breaker_recovery_seconds_bucket{circuit="bench",le="10"}"#,
                1.0,
            ),
            (
                r#"breaker_recovery_seconds_bucket{circuit="bench",le="+Inf"}"#,
                1.0,
            ),
            (r#"breaker_recovery_seconds_count{circuit="bench"}"#, 1.0),
            (r#"breaker_recovery_seconds_sum{circuit="bench"}"#, 5.0),
            (
                r#"breaker_transitions_total{circuit="bench",from="closed",to="open",reason="consecutive_failures"}"#,
                1.0,
            ),
            (
                r#"breaker_transitions_total{circuit="bench",from="half_open",to="closed",reason="probes_succeeded"}"#,
                1.0,
            ),
            (
                r#"breaker_transitions_total{circuit="bench",from="open",to="half_open",reason="probe_due"}"#,
                1.0,
            ),
        ],
    );
}

#[test]
fn each_state_has_its_number() {
    let page = Page::new();
    let bench = Bench::with(|builder| builder.observe(page.metrics.clone()));
    for (enter, number) in [
        (Circuit::half_open as fn(&Circuit), 1.0),
        (Circuit::trip, 2.0),
        (Circuit::isolate, 3.0),
        (Circuit::reset, 0.0),
        (|circuit| circuit.isolate_for(OPEN_FOR), 3.0),
        (Circuit::disable, 4.0),
        (Circuit::reset, 0.0),
    ] {
        enter(&bench.circuit);
        assert_eq!(page.get(r#"breaker_state{circuit="bench"}"#), number);
    }
}

#[test]
fn a_circuit_that_ends_leaves_all_that_it_counted_and_a_later_one_goes_on_from_there() {
    let page = Page::new();
    for round in 1..=3 {
        let bench = Bench::with(|builder| builder.observe(page.metrics.clone()));
        bench.open();
        assert!(bench.rejects());
        bench.clock.advance(SECOND);
        drop(bench);
        let rounds = f64::from(round);
        let samples = page.samples();
        assert_eq!(
            samples[r#"breaker_calls_total{circuit="bench",outcome="failure"}"#],
            3.0 * rounds
        );
        assert_eq!(
            samples[r#"breaker_calls_total{circuit="bench",outcome="rejected"}"#],
            rounds
        );
        assert_eq!(samples[r#"breaker_open_seconds{circuit="bench"}"#], rounds);
        assert_eq!(
            samples.get(r#"breaker_state{circuit="bench"}"#),
            None,
            "gone is closed"
        );
    }
}

#[test]
fn of_two_circuits_with_one_name_the_first_has_the_state_and_both_are_counted() {
    let page = Page::new();
    let [first, second] = [(); 2].map(|()| Bench::with(|b| b.observe(page.metrics.clone())));
    first.circuit.isolate();
    second.circuit.trip();
    assert_eq!(page.get(r#"breaker_state{circuit="bench"}"#), 3.0);
    assert!(first.rejects() && second.rejects());
    assert_eq!(
        page.get(r#"breaker_calls_total{circuit="bench",outcome="rejected"}"#),
        2.0
    );
}

#[test]
fn beyond_a_thousand_names_circuits_share_one_and_no_call_is_lost() {
    let page = Page::new();
    let circuits: Vec<_> = (0..1010)
        .map(|number| {
            let builder = Circuit::builder(number.to_string());
            let circuit = builder.observe(page.metrics.clone()).build().unwrap();
            circuit.isolate();
            assert!(circuit.try_acquire().is_err());
            circuit
        })
        .collect();
    let samples = page.samples();
    let states = samples
        .keys()
        .filter(|name| name.starts_with("breaker_state"));
    assert_eq!(states.count(), 1000);
    let others = samples[r#"breaker_calls_total{circuit="other",outcome="rejected"}"#];
    assert_eq!(others, 10.0);
    assert_eq!(samples.get(r#"breaker_state{circuit="other"}"#), None);
    drop(circuits);
}

/// Keys have names without asking; metrics show them only where that is asked for.
#[cfg(feature = "keyed")]
#[test]
fn no_key_has_a_label_unless_that_is_asked_for_and_no_call_is_lost() {
    use breaker_layer::keyed::KeyedCircuits;
    let page = Page::new();
    let hosts = KeyedCircuits::<u32>::builder("hosts")
        .clock(ManualClock::new().clock())
        .observe(page.metrics.clone())
        .build()
        .unwrap();
    for host in 0..10 {
        hosts.circuit(&host).unwrap().trip();
        assert!(hosts.try_acquire(host).is_err());
    }
    let samples = page.samples();
    assert!(samples.keys().all(|sample| !sample.contains("key=")));
    let rejected = page.get(r#"breaker_calls_total{circuit="hosts",outcome="rejected"}"#);
    assert_eq!(rejected, 10.0);
}

#[cfg(feature = "keyed")]
#[test]
fn the_keys_in_trouble_have_labels_of_their_own_up_to_a_limit_and_no_call_is_lost() {
    use breaker_layer::keyed::KeyedCircuits;
    let page = Page::new();
    let metrics = page.metrics.clone().with_keys(2);
    let page = Page { metrics, ..page };
    let hosts = KeyedCircuits::<u32>::builder("hosts")
        .name_by(|host| host.to_string().into())
        .config(
            breaker_layer::Config::new()
                .trip(Trip::consecutive_failures(3))
                .open_time(OpenTime::fixed(OPEN_FOR)),
        )
        .clock(ManualClock::new().clock())
        .observe(page.metrics.clone())
        .build()
        .unwrap();
    // Each of these has something against it, and three of them trip.
    for (host, failures) in [(1, 1), (2, 3), (3, 2), (4, 3), (5, 3)] {
        for _ in 0..failures {
            hosts.try_acquire(host).unwrap().record(Outcome::Failure);
        }
    }
    for host in [2, 4, 4, 5, 5, 5] {
        assert!(hosts.try_acquire(host).is_err());
    }
    let of = |key: &str, outcome: &str| {
        page.get(&format!(
            r#"breaker_calls_total{{circuit="hosts",key="{key}",outcome="{outcome}"}}"#
        ))
    };
    let rejected = ["1", "2", "3", "4", "5", "other"].map(|key| of(key, "rejected"));
    assert_eq!(rejected, [0.0, 1.0, 0.0, 2.0, 0.0, 3.0]);
    let failed: f64 = ["2", "4", "other"]
        .map(|key| of(key, "failure"))
        .iter()
        .sum();
    assert_eq!(failed, 12.0);
    let state = |key: &str| page.get(&format!(r#"breaker_state{{circuit="hosts",key="{key}"}}"#));
    assert_eq!(["2", "4", "5", "other"].map(state), [2.0, 2.0, 0.0, 0.0]);
    drop(hosts);
    assert_eq!(of("other", "rejected"), 3.0);
    assert_eq!(["2", "4"].map(state), [0.0, 0.0]);
    let samples = page.samples();
    let keys = samples.keys().filter(|name| name.contains(r#"key="5""#));
    assert_eq!(keys.count(), 0, "{samples:?}");
}

/// Notes each value that a gauge is set to.
#[derive(Clone, Default)]
struct Gauges(Arc<Mutex<Vec<f64>>>);

impl metrics::GaugeFn for Gauges {
    fn increment(&self, _: f64) {}
    fn decrement(&self, _: f64) {}
    fn set(&self, value: f64) {
        self.0.lock().unwrap().push(value);
    }
}

impl metrics::Recorder for Gauges {
    fn describe_counter(
        &self,
        _: metrics::KeyName,
        _: Option<metrics::Unit>,
        _: metrics::SharedString,
    ) {
    }
    fn describe_gauge(
        &self,
        _: metrics::KeyName,
        _: Option<metrics::Unit>,
        _: metrics::SharedString,
    ) {
    }
    fn describe_histogram(
        &self,
        _: metrics::KeyName,
        _: Option<metrics::Unit>,
        _: metrics::SharedString,
    ) {
    }
    fn register_counter(&self, _: &metrics::Key, _: &metrics::Metadata<'_>) -> metrics::Counter {
        metrics::Counter::noop()
    }
    fn register_gauge(&self, key: &metrics::Key, _: &metrics::Metadata<'_>) -> metrics::Gauge {
        match key.name() {
            "breaker_state" => metrics::Gauge::from_arc(Arc::new(self.clone())),
            _ => metrics::Gauge::noop(),
        }
    }
    fn register_histogram(
        &self,
        _: &metrics::Key,
        _: &metrics::Metadata<'_>,
    ) -> metrics::Histogram {
        metrics::Histogram::noop()
    }
}

fn number(state: State) -> f64 {
    match state {
        State::Closed => 0.0,
        State::HalfOpen => 1.0,
        State::Open => 2.0,
        State::Isolated => 3.0,
        State::Disabled => 4.0,
        other => panic!("{other}"),
    }
}

/// Eight threads make calls and give commands, while a ninth collects.
#[test]
fn the_state_gauge_is_never_wrong_under_threads_and_every_call_is_counted_once() {
    let mut reordered = 0;
    for round in 0..2000_u64 {
        if round >= 40 && reordered > 0 {
            return;
        }
        let (page, gauges) = (Page::new(), Gauges::default());
        let state = Metrics::recording_to(gauges.clone());
        let entered = Arc::new(Mutex::new(Vec::new()));
        let told = entered.clone();
        let circuit = Circuit::builder("stress")
            .trip(Trip::consecutive_failures(2))
            .open_time(OpenTime::fixed(MILLI))
            .probes(Probes::new(1))
            .clock(ticking())
            .count_calls(true)
            .observe(move |event: &TransitionEvent<'_>| {
                let transition = event.transition();
                let (generation, to) = (transition.generation(), transition.to());
                // Now and then it lets another one pass.
                (generation % 8 == 0).then(std::thread::yield_now);
                told.lock().unwrap().push((generation, to));
            })
            .observe(page.metrics.clone())
            .observe(state.clone())
            .build()
            .unwrap();
        let calls = AtomicU64::new(0);
        let rejected = AtomicU64::new(0);
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..8)
                .map(|thread| {
                    let (circuit, calls, rejected) = (&circuit, &calls, &rejected);
                    scope.spawn(move || {
                        let mut random = mix(round * 8 + thread);
                        for _ in 0..400 {
                            random = mix(random);
                            calls.fetch_add(1, SeqCst);
                            match circuit.try_acquire() {
                                Ok(permit) if random % 8 < 3 => permit.record(Outcome::Success),
                                Ok(permit) if random % 8 < 7 => permit.record(Outcome::Failure),
                                Ok(permit) => drop(permit),
                                Err(_) => {
                                    rejected.fetch_add(1, SeqCst);
                                }
                            }
                            match random >> 8 & 63 {
                                0 => circuit.isolate(),
                                1 => circuit.trip(),
                                2..5 => circuit.close(),
                                5 => circuit.half_open(),
                                6 => circuit.reset(),
                                _ => {}
                            }
                        }
                    })
                })
                .collect();
            while workers.iter().any(|worker| !worker.is_finished()) {
                state.collect();
                page.metrics.collect();
                std::thread::yield_now();
            }
        });
        // At rest nobody needs to collect for the gauge to be right, but the time may have moved the state.
        let mut entered = entered.lock().unwrap().clone();
        reordered += entered
            .windows(2)
            .filter(|pair| pair[0].0 > pair[1].0)
            .count();
        entered.sort_unstable_by_key(|(generation, _)| *generation);
        let last_set = *gauges.0.lock().unwrap().last().unwrap();
        let last_entered = entered.last().map_or(State::Closed, |(_, to)| *to);
        let by_time = circuit.state();
        assert!(
            [number(last_entered), number(by_time)].contains(&last_set),
            "{last_set} for {last_entered}, {by_time} by now"
        );
        // Time goes on in between.
        let before = number(circuit.state());
        state.collect();
        let (shown, after) = (
            *gauges.0.lock().unwrap().last().unwrap(),
            number(circuit.state()),
        );
        assert!(
            [before, after].contains(&shown),
            "{before}, {shown}, {after}"
        );
        is_a_walk(&gauges.0.lock().unwrap(), &entered);

        let samples = page.samples();
        let calls_by = |outcome: &str| {
            let name = format!(r#"breaker_calls_total{{circuit="stress",outcome="{outcome}"}}"#);
            samples.get(&name).copied().unwrap_or_default() as u64
        };
        let admitted = samples[r#"breaker_admitted_calls_total{circuit="stress"}"#] as u64;
        assert_eq!(calls_by("rejected"), rejected.into_inner());
        assert_eq!(admitted + calls_by("rejected"), calls.into_inner());
        let done = ["success", "failure", "ignored", "cancelled"].map(calls_by);
        assert_eq!(done.iter().sum::<u64>(), admitted);
        let transitions = samples
            .iter()
            .filter(|(name, _)| name.starts_with("breaker_transitions"));
        let counted: f64 = transitions.map(|(_, value)| value).sum();
        assert_eq!(counted as usize, entered.len());
    }
    panic!("no two transitions were told out of order, so this showed nothing");
}

/// The gauge has taken values of the circuit's states only, in the order in which it was in them; an open circuit is
/// half-open once its time is over, and a half-open one open again.
fn is_a_walk(set: &[f64], entered: &[(u64, State)]) {
    let mut states = vec![(State::Closed, 0)];
    states.extend(
        entered
            .iter()
            .map(|(generation, state)| (*state, *generation)),
    );
    let mut at = 0;
    for value in set {
        let fits = |(state, _): &(State, u64)| {
            let by_time = match state {
                State::Open => 1.0,
                State::HalfOpen => 2.0,
                _ => number(*state),
            };
            [number(*state), by_time].contains(value)
        };
        let next = states[at..].iter().position(fits);
        at += next.unwrap_or_else(|| panic!("{value} is no state from the {at}th on"));
    }
}

/// Each look at it moves it on by 20 µs: an open time of a millisecond is over after fifty looks.
fn ticking() -> breaker_layer::clock::Clock {
    let looks = AtomicU64::new(0);
    breaker_layer::clock::Clock::new(move || {
        let look = looks.fetch_add(1, SeqCst);
        breaker_layer::clock::Timestamp::from_nanos(look * 20_000)
    })
}

#[cfg(feature = "keyed")]
#[test]
fn a_key_whose_trouble_is_over_makes_room_for_the_next_one_and_labels_are_bounded_for_good() {
    use breaker_layer::keyed::KeyedCircuits;
    let page = Page::new();
    let metrics = page.metrics.clone().with_keys(2);
    let page = Page { metrics, ..page };
    let hosts = KeyedCircuits::<u32>::builder("hosts")
        .name_by(|host| host.to_string().into())
        .keep_after_trip(std::time::Duration::ZERO)
        .observe(page.metrics.clone())
        .build()
        .unwrap();
    let trip = |host| hosts.circuit(&host).unwrap().trip();
    let shown = || {
        let samples = page.samples();
        let open = samples
            .iter()
            .filter(|(name, _)| name.starts_with("breaker_state"));
        open.map(|(name, _)| name.split('"').nth(3).unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    trip(1);
    trip(2);
    trip(3);
    assert_eq!(shown(), ["1", "2"]);
    hosts.reset(&1);
    trip(4);
    assert_eq!(shown(), ["2", "4"]);
    for host in 5..100 {
        hosts.reset(&(host - 1));
        trip(host);
    }
    // Twenty had labels: 1, 2, and 4 to 21.
    assert_eq!(shown(), ["2"]);
    let text = page.handle.render();
    let states = text
        .lines()
        .filter(|line| line.starts_with("breaker_state{"));
    assert_eq!(states.count(), 20);
    // One of them trips again, and there is room for it.
    trip(20);
    assert_eq!(shown(), ["2", "20"]);
}

/// Circuits are made, trip, are forgotten and made again, while eight threads call and one collects. The time moves only
/// when nobody calls, so that no call outlives what its circuit is kept for.
#[cfg(feature = "keyed")]
#[test]
fn no_failure_and_no_rejection_is_lost_where_circuits_come_and_go() {
    use breaker_layer::{Config, keyed::KeyedCircuits};
    #[derive(Clone, Default)]
    struct Ended(Arc<AtomicU64>);
    impl breaker_layer::Observe for Ended {
        fn transition(&self, _: &TransitionEvent<'_>) {}
        fn ended(&self, _: &breaker_layer::observe::EndedEvent<'_>) {
            self.0.fetch_add(1, SeqCst);
        }
    }
    let (page, clock, ended) = (Page::new(), ManualClock::new(), Ended::default());
    let hosts = KeyedCircuits::<u64>::builder("hosts")
        .name_by(|host| host.to_string().into())
        .config(
            Config::new()
                .trip(Trip::consecutive_failures(3))
                .open_time(OpenTime::fixed(OPEN_FOR))
                .probes(Probes::new(1)),
        )
        .clock(clock.clock())
        .observe(page.metrics.clone())
        .observe(ended.clone())
        .build()
        .unwrap();
    let (failed, rejected) = (AtomicU64::new(0), AtomicU64::new(0));
    for round in 0..20_u64 {
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..8)
                .map(|thread| {
                    let (hosts, failed, rejected) = (&hosts, &failed, &rejected);
                    scope.spawn(move || {
                        let mut random = mix(round << 8 | thread);
                        for _ in 0..400 {
                            random = mix(random);
                            match hosts.try_acquire(random % 24) {
                                Ok(permit) if random >> 8 & 3 == 0 => {
                                    permit.record(Outcome::Failure);
                                    failed.fetch_add(1, SeqCst);
                                }
                                Ok(permit) => permit.record(Outcome::Success),
                                Err(_) => {
                                    rejected.fetch_add(1, SeqCst);
                                }
                            }
                        }
                    })
                })
                .collect();
            while workers.iter().any(|worker| !worker.is_finished()) {
                page.metrics.collect();
            }
        });
        clock.advance(100 * SECOND);
        hosts.sweep();
    }
    let forgotten = ended.0.load(SeqCst);
    drop(hosts);
    let samples = page.samples();
    let sum = |outcome: &str| -> u64 {
        let outcome = format!(r#"outcome="{outcome}""#);
        let counted = samples.iter().filter(|(name, _)| name.contains(&outcome));
        counted.map(|(_, value)| *value as u64).sum()
    };
    assert_eq!(sum("rejected"), rejected.into_inner());
    assert_eq!(sum("failure"), failed.into_inner());
    assert!(forgotten > 100, "{forgotten} circuits were forgotten");
}

#[cfg(feature = "keyed")]
#[test]
fn what_a_table_lets_pass_uncounted_or_forgets_is_counted() {
    use breaker_layer::keyed::KeyedCircuits;
    let (page, clock) = (Page::new(), ManualClock::new());
    let table = KeyedCircuits::builder("hosts")
        .max_circuits(2)
        .idle_time(SECOND)
        .clock(clock.clock())
        .observe(page.metrics.clone())
        .build()
        .unwrap();
    for key in [1, 2] {
        table.circuit(&key).unwrap().trip();
    }
    for key in 3..8 {
        table.try_acquire(key).unwrap().record(Outcome::Failure);
    }
    let uncounted = r#"breaker_uncounted_calls_total{circuit="hosts"}"#;
    let forgotten = r#"breaker_forgotten_open_total{circuit="hosts"}"#;
    assert_eq!((page.get(uncounted), page.get(forgotten)), (5.0, 0.0));
    clock.advance(1000 * SECOND);
    table.sweep();
    assert_eq!((page.get(uncounted), page.get(forgotten)), (5.0, 2.0));
    assert_eq!((table.uncounted(), table.forgotten_open()), (5, 2));
}

#[cfg(feature = "keyed")]
#[test]
fn a_key_whose_circuit_is_forgotten_is_closed_and_never_shown_as_anything_else() {
    use breaker_layer::keyed::KeyedCircuits;
    let gauges = Gauges::default();
    let hosts = KeyedCircuits::<u32>::builder("hosts")
        .name_by(|host| host.to_string().into())
        .keep_after_trip(std::time::Duration::ZERO)
        .observe(Metrics::recording_to(gauges.clone()).with_keys(1))
        .build()
        .unwrap();
    hosts.circuit(&1).unwrap().trip();
    hosts.reset(&1);
    assert!(hosts.is_empty());
    let set = gauges.0.lock().unwrap();
    assert_eq!((set.first(), set.last()), (Some(&2.0), Some(&0.0)));
    assert!([2.0, 0.0].iter().eq(dedup(&set).iter()), "{set:?}");
}

/// The same values without those that were set again.
#[cfg(feature = "keyed")]
fn dedup(set: &[f64]) -> Vec<f64> {
    let mut set = set.to_vec();
    set.dedup();
    set
}

#[test]
fn a_circuit_that_an_observer_drops_as_it_trips_is_shown_as_closed_and_makes_room_for_the_next() {
    let page = Page::new();
    let held: Arc<Mutex<Option<Circuit>>> = Arc::default();
    let dropping = held.clone();
    let bench = Bench::with(|builder| {
        let observe = move |_: &TransitionEvent<'_>| {
            let circuit = dropping.lock().unwrap().take();
            drop(circuit);
        };
        builder.observe(observe).observe(page.metrics.clone())
    });
    bench.fail(2);
    let last = bench.admit();
    *held.lock().unwrap() = Some(bench.circuit);
    last.record(Outcome::Failure);
    let state = r#"breaker_state{circuit="bench"}"#;
    assert_eq!(page.get(state), 0.0);
    let next = Bench::with(|builder| builder.observe(page.metrics.clone()));
    next.circuit.isolate();
    assert_eq!(page.get(state), 3.0);
}

#[test]
fn a_change_of_settings_is_counted() {
    let page = Page::new();
    let bench = Bench::with(|builder| builder.observe(page.metrics.clone()));
    assert!(page.samples().is_empty());
    let slow = bench.circuit.config().slow_after(SECOND);
    for _ in 0..2 {
        bench.circuit.reconfigure(slow).unwrap();
    }
    let counted = page.get(r#"breaker_reconfigured_total{circuit="bench"}"#);
    assert_eq!(counted, 1.0, "the same again is no change");
}
