//! C27: the settings in force can be read, and a change of them is told.

mod support;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use breaker_layer::{
    Circuit, CircuitBuilder, Config, Observe, OpenTime, Outcome, Percent, Probes, State,
    TransitionEvent, Trip,
    clock::ManualClock,
    observe::{Event, ReconfiguredEvent},
    policy::Mode,
    presets,
};
use support::{MILLI, SECOND};

/// Each line that an observer is told.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<String>>>);

impl Told {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl Observe for Told {
    fn transition(&self, event: &TransitionEvent<'_>) {
        self.0.lock().unwrap().push(event.to_string());
    }

    fn reconfigured(&self, event: &ReconfiguredEvent<'_>) {
        self.0.lock().unwrap().push(event.to_string());
    }
}

fn circuit(change: impl FnOnce(CircuitBuilder) -> CircuitBuilder) -> (Circuit, ManualClock, Told) {
    let (clock, told) = (ManualClock::new(), Told::default());
    let builder = Circuit::builder("payments")
        .clock(clock.clock())
        .observe(told.clone());
    (change(builder).build().unwrap(), clock, told)
}

#[test]
fn the_settings_in_force_are_those_it_was_built_with_or_given_last() {
    for config in [
        Config::new(),
        presets::resilience4j(),
        presets::polly(),
        presets::gobreaker(),
        presets::linkerd(),
    ] {
        let (circuit, ..) = circuit(|builder| builder.config(config));
        assert_eq!(circuit.config(), config);
        assert_eq!(circuit.snapshot().config, config);
        let other = circuit.config().slow_after(3 * SECOND);
        circuit.reconfigure(other).unwrap();
        assert_eq!(circuit.config(), other);
        let refused = other.trip(Trip::consecutive_failures(0));
        circuit.reconfigure(refused).unwrap_err();
        assert_eq!(circuit.config(), other, "nothing has changed");
    }
}

#[test]
fn two_ways_of_saying_the_same_are_each_read_as_they_were_said() {
    let one = Config::new().probes(Probes::new(4).successes(3).out_of(4));
    let other = Config::new().probes(Probes::new(4).failure_rate(Percent(50.0)));
    assert_eq!(one.build(), other.build());
    for config in [one, other, one] {
        let (circuit, ..) = circuit(|builder| builder.config(config));
        assert_eq!(circuit.config(), config);
    }
}

#[test]
fn a_change_is_told_with_what_is_different_and_why() {
    let (circuit, _, told) = circuit(|builder| builder.slow_after(2 * SECOND));
    let mut events = circuit.events();
    let config = circuit
        .config()
        .slow_after(SECOND)
        .trip(Trip::consecutive_failures(5));
    circuit
        .because("they are faster now")
        .reconfigure(config)
        .unwrap();
    let text = "payments: reconfigured, trip[0].evidence.tolerated 30% -> none, trip[0].evidence.intolerable 70% -> none, \
                trip[0].evidence.calls_per_false_trip 162755 -> none, trip[0].evidence.time_per_false_trip 1200s -> none, \
                slow_after 2s -> 1s, trip[0].consecutive_failures none -> 5, because they are faster now";
    assert_eq!(told.take(), [text]);
    circuit.trip();
    let next = || futures::executor::block_on(events.next()).unwrap();
    let mut next = next;
    let Event::Reconfigured(event) = next() else {
        panic!("that came first")
    };
    assert_eq!((event.circuit(), event.table()), ("payments", None));
    assert_eq!(event.note(), Some("they are faster now"));
    assert_eq!(
        (event.before().slow_after(2 * SECOND), event.after()),
        (event.before(), config)
    );
    assert_eq!(event.snapshot().unwrap().state, State::Open);
    assert_eq!(next().transition().unwrap().to(), State::Open);
}

#[test]
fn the_same_settings_again_are_no_news_and_refused_ones_neither() {
    let (circuit, _, told) = circuit(|builder| builder);
    circuit.reconfigure(Config::new()).unwrap();
    let refused = Config::new().trip(Trip::any_of([]));
    circuit.because("why not").reconfigure(refused).unwrap_err();
    assert_eq!(told.take(), <[String; 0]>::default());
}

#[test]
fn an_observer_may_reconfigure_the_circuit_again() {
    #[derive(Clone, Default)]
    struct Again(Arc<Mutex<Option<Circuit>>>);
    impl Observe for Again {
        fn transition(&self, _: &TransitionEvent<'_>) {}

        fn reconfigured(&self, event: &ReconfiguredEvent<'_>) {
            let circuit = self.0.lock().unwrap().take();
            if let Some(circuit) = circuit {
                circuit
                    .reconfigure(event.after().count_calls(true))
                    .unwrap();
            }
        }
    }
    let again = Again::default();
    let (circuit, ..) = circuit(|builder| builder.observe(again.clone()));
    *again.0.lock().unwrap() = Some(circuit.clone());
    circuit.reconfigure(presets::polly()).unwrap();
    assert_eq!(circuit.config(), presets::polly().count_calls(true));
}

#[test]
fn a_circuit_begins_in_its_mode() {
    let fails = |circuit: &Circuit| {
        for _ in 0..20 {
            if let Ok(permit) = circuit.try_acquire() {
                permit.record(Outcome::Failure);
            }
        }
        circuit.try_acquire().is_err()
    };
    for (mode, state, is_shadow, rejects) in [
        (Mode::Normal, State::Open, false, true),
        (Mode::ObserveOnly, State::Open, true, false),
        (Mode::Disabled, State::Disabled, false, false),
        (Mode::Isolated, State::Isolated, false, true),
    ] {
        let (circuit, _, told) = circuit(|builder| builder.mode(mode));
        assert_eq!(
            told.take(),
            <[String; 0]>::default(),
            "it begins so: {mode}"
        );
        assert_eq!(fails(&circuit), rejects, "{mode}");
        let snapshot = circuit.snapshot();
        assert_eq!(
            (snapshot.state, snapshot.observe_only),
            (state, is_shadow),
            "{mode}"
        );
        assert_eq!(snapshot.config.starts_as(), mode);
        circuit.reset();
        assert!(fails(&circuit), "a reset ends it: {mode}");
    }
}

#[test]
fn a_reload_enters_another_mode_and_leaves_alone_what_an_operator_did_in_the_same_one() {
    let (circuit, _, told) = circuit(|builder| builder);
    let mode = |mode| circuit.config().mode(mode);
    circuit
        .because("file")
        .reconfigure(mode(Mode::Disabled))
        .unwrap();
    assert_eq!(circuit.state(), State::Disabled);
    assert_eq!(circuit.snapshot().note.as_deref(), Some("file"));
    assert_eq!(
        told.take(),
        [
            "payments: reconfigured, mode normal -> disabled, because file",
            "payments: closed -> disabled, operator, because file"
        ]
    );
    circuit.reset();
    let slow = mode(Mode::Disabled).slow_after(SECOND);
    circuit.reconfigure(slow).unwrap();
    assert_eq!(circuit.state(), State::Closed, "the operator's word stands");
    for (next, state) in [
        (Mode::Isolated, State::Isolated),
        (Mode::ObserveOnly, State::Closed),
        (Mode::Normal, State::Closed),
    ] {
        circuit.reconfigure(mode(next)).unwrap();
        assert_eq!(circuit.state(), state);
        let is_shadow = circuit.snapshot().observe_only;
        assert_eq!(is_shadow, next == Mode::ObserveOnly);
    }
}

/// How long it is until an open circuit is half-open.
fn left(circuit: &Circuit, clock: &ManualClock) -> Duration {
    let mut waited = Duration::ZERO;
    while circuit.state() == State::Open {
        clock.advance(100 * MILLI);
        waited += 100 * MILLI;
        assert!(waited < 1000 * SECOND);
    }
    waited
}

const fn fixed(seconds: u64) -> OpenTime {
    OpenTime::fixed(Duration::from_secs(seconds))
}

#[test]
fn a_shorter_open_time_cuts_the_wait_that_goes_on_and_a_longer_one_does_not_touch_it() {
    let after = |new: OpenTime| {
        let (circuit, clock, _) = circuit(|builder| builder.open_time(fixed(60)));
        circuit.trip();
        clock.advance(10 * SECOND);
        circuit
            .reconfigure(circuit.config().open_time(new))
            .unwrap();
        left(&circuit, &clock)
    };
    assert_eq!(after(fixed(60)), 50 * SECOND);
    assert_eq!(after(fixed(600)), 50 * SECOND, "it keeps its end");
    assert_eq!(after(fixed(15)), 5 * SECOND, "counted from when it opened");
    assert_eq!(after(fixed(5)), Duration::ZERO, "which is over");
    let exponential = OpenTime::exponential(30 * SECOND, 90 * SECOND).jitter(Percent(0.0));
    assert_eq!(after(exponential), 20 * SECOND);
}

#[test]
fn a_wait_that_was_asked_for_is_not_cut() {
    let (circuit, clock, _) = circuit(|builder| builder.open_time(fixed(60)));
    circuit.trip_for(100 * SECOND);
    circuit
        .reconfigure(circuit.config().open_time(fixed(5)))
        .unwrap();
    assert_eq!(left(&circuit, &clock), 100 * SECOND, "by the operator");

    let (circuit, clock, _) = self::circuit(|builder| {
        builder
            .trip(Trip::consecutive_failures(1))
            .open_time(fixed(60))
    });
    let retry_after = 100 * SECOND;
    circuit
        .try_acquire()
        .unwrap()
        .record(Outcome::Overload { retry_after });
    circuit
        .reconfigure(circuit.config().open_time(fixed(5)))
        .unwrap();
    assert_eq!(left(&circuit, &clock), 100 * SECOND, "by the downstream");
}

#[test]
fn a_jittered_wait_is_cut_in_proportion_and_at_each_attempt() {
    let slow = OpenTime::exponential(10 * SECOND, 600 * SECOND);
    let quick = OpenTime::exponential(SECOND, 60 * SECOND);
    for seed in 0..20 {
        let opened = |open_time: OpenTime| {
            let (circuit, clock, _) = circuit(|builder| {
                builder
                    .seed(seed)
                    .open_time(open_time)
                    .probes(Probes::new(1))
            });
            circuit.trip();
            for _ in 0..3 {
                left(&circuit, &clock);
                circuit.try_acquire().unwrap().record(Outcome::Failure);
            }
            (circuit, clock)
        };
        let (cut, clock) = opened(slow);
        cut.reconfigure(cut.config().open_time(quick)).unwrap();
        let (meant, same) = opened(quick);
        assert_eq!(left(&cut, &clock), left(&meant, &same), "seed {seed}");
    }
}

#[test]
fn a_probe_share_draws_by_the_new_settings_at_once() {
    let share =
        |longest| OpenTime::probe_share(Percent(0.001), SECOND, longest).jitter(Percent(0.0));
    for (longest, left_over) in [(60, 50), (15, 5), (600, 590)] {
        let (circuit, clock, _) = circuit(|builder| builder.open_time(share(60 * SECOND)));
        circuit.trip();
        clock.advance(10 * SECOND);
        let new = share(Duration::from_secs(longest));
        circuit
            .reconfigure(circuit.config().open_time(new))
            .unwrap();
        assert_eq!(left(&circuit, &clock), left_over * SECOND);
    }
}

/// Puts the mode back to normal as soon as it is told of another one.
#[derive(Clone, Default)]
struct Revert(Arc<Mutex<Option<Circuit>>>);

impl Observe for Revert {
    fn transition(&self, _: &TransitionEvent<'_>) {}

    fn reconfigured(&self, _: &ReconfiguredEvent<'_>) {
        let circuit = self.0.lock().unwrap().take();
        if let Some(circuit) = circuit {
            let config = circuit.config().mode(Mode::Normal);
            circuit.reconfigure(config).unwrap();
        }
    }
}

#[test]
fn the_mode_is_entered_with_the_settings_whoever_changes_them_again_meanwhile() {
    let revert = Revert::default();
    let (circuit, _, told) = circuit(|builder| builder.observe(revert.clone()));
    *revert.0.lock().unwrap() = Some(circuit.clone());
    circuit
        .reconfigure(circuit.config().mode(Mode::Isolated))
        .unwrap();
    assert_eq!(circuit.config().starts_as(), Mode::Normal);
    assert_eq!(circuit.state(), State::Closed);
    let told = told.take();
    for transition in ["closed -> isolated", "isolated -> closed"] {
        let is_it = |line: &&String| line.contains(transition);
        assert_eq!(told.iter().filter(is_it).count(), 1, "{told:?}");
    }
}

#[test]
fn a_half_open_circuit_lets_probes_through_whatever_it_is_reconfigured_to() {
    for successes in 1..=5 {
        let (circuit, clock, _) = circuit(|builder| builder.probes(Probes::new(1).successes(5)));
        circuit.half_open();
        for _ in 0..3 {
            circuit.try_acquire().unwrap().record(Outcome::Success);
        }
        let probe = circuit.try_acquire().unwrap();
        let config = circuit.config().probes(Probes::new(1).successes(successes));
        circuit.reconfigure(config).unwrap();
        assert!(circuit.try_acquire().is_err(), "one is under way");
        probe.record(Outcome::Success);
        clock.advance(SECOND);
        for _ in 1..successes {
            circuit.try_acquire().unwrap().record(Outcome::Success);
        }
        assert_eq!(circuit.state(), State::Closed, "{successes} successes");
    }
}
