//! One circuit for each key, seen from outside.
#![cfg(feature = "keyed")]

mod support;

use std::{
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicU64, Ordering::SeqCst},
        mpsc,
    },
    thread,
    time::Duration,
};

use breaker_layer::{
    Cancelled, Config, Observe, OpenTime, Outcome, Percent, Probes, State, TransitionEvent, Trip,
    Window,
    clock::ManualClock,
    keyed::{KeyedBuilder, KeyedCircuits, KeyedEvent, KeyedPermit},
    policy::Mode,
};

use support::{MILLI, OPEN_FOR, SECOND, THRESHOLD};

const KEEP: Duration = Duration::from_secs(60);
const IDLE: Duration = Duration::from_secs(3600);

/// What an observer was told: transitions, and events of the table.
#[derive(Clone, Default)]
struct Told {
    transitions: Arc<Mutex<Vec<(String, State)>>>,
    events: Arc<Mutex<Vec<KeyedEvent>>>,
}

impl Observe for Told {
    fn transition(&self, event: &TransitionEvent<'_>) {
        let told = (event.circuit().to_owned(), event.transition().to());
        self.transitions.lock().unwrap().push(told);
    }

    fn keyed(&self, table: &str, event: KeyedEvent) {
        assert_eq!(table, "table");
        self.events.lock().unwrap().push(event);
    }
}

/// Circuits under a clock that stands still: 3 failures in a row, 5 s open, 1 probe.
struct Table {
    clock: ManualClock,
    circuits: KeyedCircuits<u32>,
    told: Told,
}

fn config() -> Config {
    Config::new()
        .trip(Trip::consecutive_failures(THRESHOLD))
        .open_time(OpenTime::fixed(OPEN_FOR))
        .probes(Probes::new(1))
}

impl Table {
    fn new() -> Self {
        Self::with(|builder| builder)
    }

    fn with(change: impl FnOnce(KeyedBuilder<u32>) -> KeyedBuilder<u32>) -> Self {
        let (clock, told) = (ManualClock::new(), Told::default());
        let builder = KeyedCircuits::builder("table")
            .config(config())
            .clock(clock.clock())
            .observe(told.clone());
        let circuits = change(builder).build().expect("the settings are good");
        Self {
            clock,
            circuits,
            told,
        }
    }

    fn admit(&self, key: u32) -> KeyedPermit<u32> {
        self.circuits
            .try_acquire(key)
            .expect("the call is admitted")
    }

    fn fail(&self, key: u32, calls: u32) {
        for _ in 0..calls {
            self.clock.advance(MILLI);
            self.admit(key).record(Outcome::Failure);
        }
    }

    fn succeed(&self, key: u32) {
        self.admit(key).record(Outcome::Success);
    }

    /// Trips, waits, and closes again.
    fn trip_and_recover(&self, key: u32) {
        self.fail(key, THRESHOLD);
        assert_eq!(self.state(key), State::Open);
        self.clock.advance(OPEN_FOR);
        self.succeed(key);
        assert_eq!(self.state(key), State::Closed);
    }

    fn state(&self, key: u32) -> State {
        self.circuits.state(&key)
    }

    fn has(&self, key: u32) -> bool {
        self.circuits.get(&key).is_some()
    }

    fn failures(&self, key: u32) -> u32 {
        let circuit = self.circuits.get(&key);
        circuit.map_or(0, |circuit| circuit.snapshot().failures)
    }

    fn events(&self) -> Vec<KeyedEvent> {
        self.told.events.lock().unwrap().clone()
    }
}

#[test]
fn a_dead_key_is_cut_off_and_the_others_are_not() {
    let table = Table::new();
    table.fail(1, THRESHOLD);
    let rejected = table.circuits.try_acquire(1).unwrap_err();
    assert_eq!(rejected.circuit().as_deref(), Some("1"));
    for key in 2..1000 {
        table.succeed(key);
    }
    assert_eq!(table.state(1), State::Open);
    assert_eq!(table.circuits.len(), 1);
}

#[test]
fn a_circuit_is_forgotten_when_its_score_is_back_at_zero() {
    let table = Table::new();
    table.fail(1, 1);
    assert!(table.has(1));
    table.succeed(1);
    assert!(!table.has(1));
    assert!(table.circuits.is_empty());

    let by_evidence = Table::with(|builder| builder.config(Config::new()));
    by_evidence.fail(1, 2);
    by_evidence.succeed(1);
    assert!(by_evidence.has(1));
    by_evidence.succeed(1);
    assert!(!by_evidence.has(1));
}

#[test]
fn a_circuit_that_has_tripped_is_kept_for_a_while_after_it_closed() {
    let table = Table::new();
    let straggler = table.admit(1);
    table.trip_and_recover(1);
    table.clock.advance(KEEP - MILLI);
    table.succeed(1);
    assert!(table.has(1));
    straggler.record(Outcome::Failure);
    assert_eq!(table.failures(1), 0);
    table.clock.advance(MILLI);
    table.succeed(1);
    assert!(!table.has(1));
}

#[test]
fn a_call_that_began_without_a_circuit_counts_as_of_generation_0() {
    let table = Table::new();
    let (late, later) = (table.admit(1), table.admit(1));
    table.fail(1, 1);
    // Later than the same event.
    table.clock.advance(SECOND);
    late.record(Outcome::Failure);
    assert_eq!(table.failures(1), 2);
    table.fail(1, 1);
    assert_eq!(table.state(1), State::Open);
    later.record(Outcome::Success);
    assert_eq!(table.state(1), State::Open);
}

#[test]
fn a_success_that_began_without_a_circuit_counts_where_one_was_made_since() {
    let table = Table::new();
    let success = table.admit(1);
    table.fail(1, 2);
    success.record(Outcome::Success);
    assert_eq!(table.failures(1), 0);
    assert!(!table.has(1));
}

#[test]
fn a_call_of_generation_0_counts_for_the_next_circuit_if_its_own_is_forgotten() {
    let table = Table::new();
    table.fail(1, 1);
    let call = table.admit(1);
    table.succeed(1);
    assert!(!table.has(1));
    call.record(Outcome::Failure);
    assert_eq!(table.failures(1), 1);
}

#[test]
fn a_call_of_a_circuit_that_had_long_closed_counts_for_the_next_one() {
    let table = Table::new();
    table.trip_and_recover(1);
    table.clock.advance(KEEP / 2);
    let call = table.admit(1);
    table.clock.advance(KEEP / 2);
    table.succeed(1);
    assert!(!table.has(1));
    call.record(Outcome::Failure);
    assert_eq!(table.failures(1), 1);
}

#[test]
fn any_other_permit_that_outlives_its_circuit_changes_nothing() {
    let table = Table::new();
    table.trip_and_recover(1);
    let call = table.admit(1);
    table.clock.advance(KEEP);
    table.succeed(1);
    assert!(!table.has(1));
    call.record(Outcome::Failure);
    assert!(!table.has(1));
}

#[test]
fn when_full_the_least_evidence_goes_first_and_then_the_longest_idle() {
    let table = Table::with(|builder| builder.max_circuits(3));
    table.fail(1, 2);
    table.fail(2, 1);
    table.fail(3, 1);
    table.clock.advance(MILLI);
    drop(table.admit(2));
    table.fail(4, 1);
    assert!(table.has(1) && table.has(2) && !table.has(3) && table.has(4));
    table.clock.advance(MILLI);
    drop(table.admit(2));
    table.fail(5, 2);
    assert!(table.has(1) && table.has(2) && !table.has(4) && table.has(5));
    assert_eq!(table.failures(1), 2);
    assert_eq!(table.circuits.uncounted(), 0);
}

#[test]
fn one_that_is_kept_after_a_trip_goes_only_when_there_is_no_other() {
    let table = Table::with(|builder| builder.max_circuits(2));
    table.trip_and_recover(1);
    table.fail(2, 2);
    table.fail(3, 1);
    assert!(table.has(1) && !table.has(2) && table.has(3));
    table.fail(3, 2);
    assert_eq!(table.state(3), State::Open);
    table.fail(4, 1);
    assert!(!table.has(1) && table.has(3) && table.has(4));
}

#[test]
fn when_full_the_key_that_was_not_called_for_the_most_seconds_goes_first_whatever_its_state() {
    let table = Table::with(|builder| builder.max_circuits(3));
    table.fail(1, THRESHOLD);
    table.trip_and_recover(2);
    table.fail(1, 1);
    table.clock.advance(2 * SECOND);
    table.fail(3, 1);
    // An open one that is not called for long goes, and is told.
    table.clock.advance(SECOND);
    assert!(table.circuits.try_acquire(1).is_err());
    table.fail(4, 1);
    assert!(table.has(1) && !table.has(2) && table.has(3) && table.has(4));
    assert_eq!(table.circuits.forgotten_open(), 0);
    table.clock.advance(SECOND);
    drop(table.admit(3));
    table.clock.advance(SECOND);
    drop(table.admit(4));
    table.fail(5, 1);
    assert!(!table.has(1) && table.has(3) && table.has(4) && table.has(5));
    assert_eq!(table.events(), [KeyedEvent::ForgottenOpen { total: 1 }]);
    assert_eq!(table.circuits.uncounted(), 0);
}

#[test]
fn an_open_circuit_stays_while_its_key_is_called_each_second_or_an_operator_tripped_it() {
    let table = Table::with(|builder| builder.max_circuits(2));
    table.circuits.circuit(&1).unwrap().trip_for(IDLE);
    table.fail(2, THRESHOLD);
    for key in 10..20 {
        assert!(table.circuits.try_acquire(2).is_err());
        table.clock.advance(SECOND - MILLI);
        table.admit(key).record(Outcome::Failure);
        if table.state(2) == State::HalfOpen {
            table.fail(2, 1);
        }
    }
    assert_eq!(table.state(1), State::Open);
    assert_eq!(table.circuits.uncounted(), 10);
    assert!(table.has(2));
}

#[test]
fn what_is_commanded_or_held_or_open_and_in_use_is_never_forgotten_for_others() {
    let table = Table::with(|builder| builder.max_circuits(6));
    table.circuits.circuit(&1).unwrap().isolate();
    table.circuits.circuit(&2).unwrap().disable();
    table.circuits.circuit(&3).unwrap().observe_only();
    table.circuits.circuit(&4).unwrap().half_open();
    table.fail(5, THRESHOLD);
    let handle = table.circuits.circuit(&6).unwrap();
    for key in 10..20 {
        table.fail(key, 1);
    }
    assert_eq!(table.circuits.uncounted(), 10);
    let totals = (1..=10).map(|total| KeyedEvent::Uncounted { total });
    assert_eq!(table.events(), totals.collect::<Vec<_>>());
    let full = table.circuits.circuit(&7).unwrap_err();
    let told = "no room for one more circuit beside 6: 2 open or half-open, 3 under an operator's command, 1 held by a handle";
    assert_eq!(full.to_string(), told);
    let states = [1, 2, 3, 4, 5, 6].map(|key| table.state(key));
    use State::*;
    assert_eq!(states, [Isolated, Disabled, Closed, HalfOpen, Open, Closed]);

    drop(handle);
    table.fail(10, 1);
    assert!(table.has(10) && !table.has(6));
    assert_eq!(table.circuits.uncounted(), 10);
}

#[test]
fn a_circuit_that_closed_makes_room_again() {
    let table = Table::with(|builder| builder.max_circuits(1).keep_after_trip(Duration::ZERO));
    table.fail(1, THRESHOLD);
    table.fail(2, 1);
    assert_eq!(table.circuits.uncounted(), 1);
    table.clock.advance(OPEN_FOR);
    table.succeed(1);
    table.fail(2, 1);
    assert!(table.has(2));
}

#[test]
fn a_closed_circuit_is_forgotten_once_its_key_was_not_called_for_the_idle_time() {
    let table = Table::new();
    table.fail(1, 2);
    table.clock.advance(IDLE - MILLI);
    table.circuits.sweep();
    assert!(table.has(1));
    drop(table.admit(1));
    table.clock.advance(IDLE - MILLI);
    table.circuits.sweep();
    assert!(table.has(1));
    table.clock.advance(MILLI);
    // Making another circuit looks around.
    table.fail(2, 1);
    assert!(!table.has(1));
    assert!(table.events().is_empty());
}

#[test]
fn an_open_circuit_that_nobody_calls_is_forgotten_aloud_and_an_isolated_one_is_not() {
    let table = Table::new();
    table.fail(1, THRESHOLD);
    table.circuits.circuit(&2).unwrap().isolate();
    table.circuits.circuit(&3).unwrap().trip_for(2 * IDLE);
    table.clock.advance(IDLE - MILLI);
    table.circuits.sweep();
    assert_eq!(table.circuits.len(), 3);
    table.clock.advance(MILLI);
    table.circuits.sweep();
    assert!(!table.has(1) && table.has(2) && table.has(3));
    assert_eq!(table.events(), [KeyedEvent::ForgottenOpen { total: 1 }]);
    assert_eq!(table.circuits.forgotten_open(), 1);
}

#[test]
fn a_half_open_circuit_that_nobody_calls_is_forgotten_unless_a_probe_is_out() {
    let table = Table::new();
    for key in [1, 2] {
        table.fail(key, THRESHOLD);
    }
    table.clock.advance(OPEN_FOR);
    drop(table.admit(1));
    let probe = table.admit(2);
    table.clock.advance(IDLE);
    table.circuits.sweep();
    assert!(!table.has(1) && table.has(2));
    drop(probe);
}

#[test]
fn a_policy_with_a_window_keeps_a_circuit_from_the_first_call_on() {
    let rate = |window| Trip::failure_rate(Percent(50.0), window).min_calls(4);
    let of_calls = Table::with(|builder| builder.config(config().trip(rate(Window::calls(10)))));
    of_calls.succeed(1);
    of_calls.succeed(1);
    assert!(of_calls.has(1));
    of_calls.fail(1, 1);
    assert_eq!(of_calls.state(1), State::Closed);
    of_calls.fail(1, 1);
    assert_eq!(of_calls.state(1), State::Open);

    let of_time = Table::with(|builder| builder.config(config().trip(rate(Window::time(SECOND)))));
    of_time.succeed(1);
    of_time.clock.advance(KEEP - MILLI);
    of_time.circuits.sweep();
    assert!(of_time.has(1));
    of_time.clock.advance(MILLI);
    of_time.circuits.sweep();
    assert!(!of_time.has(1));
}

#[test]
fn a_policy_with_a_window_lets_new_keys_pass_when_all_are_open() {
    let trip = Trip::failure_rate(Percent(50.0), Window::calls(10)).min_calls(1);
    let table = Table::with(|builder| builder.config(config().trip(trip)).max_circuits(1));
    table.fail(1, 1);
    assert_eq!(table.state(1), State::Open);
    table.fail(2, 5);
    assert_eq!(table.state(2), State::Closed);
    assert_eq!(table.circuits.uncounted(), 5);
}

#[test]
fn some_keys_have_settings_of_their_own() {
    let table = Table::with(|builder| {
        builder
            .config_for(
                |key| *key >= 100,
                config().trip(Trip::consecutive_failures(1)),
            )
            .config_for(|key| *key >= 50, config().cancelled(Cancelled::Failure))
            .name_by(|key| format!("key {key}").into())
    });
    table.fail(1, 2);
    table.fail(100, 1);
    assert_eq!(table.state(1), State::Closed);
    assert_eq!(table.state(100), State::Open);
    let told = table.told.transitions.lock().unwrap().clone();
    assert_eq!(told, [("key 100".to_owned(), State::Open)]);

    drop(table.admit(2));
    drop(table.admit(60));
    assert_eq!(table.failures(2), 0);
    assert_eq!(table.failures(60), 1);
}

#[test]
fn outcomes_that_say_nothing_make_no_circuit() {
    let table = Table::new();
    table.admit(1).record(Outcome::Ignored);
    table.admit(1).record_after(Outcome::Success, SECOND);
    assert!(table.circuits.is_empty());
    table.fail(1, 1);
    table.admit(1).record(Outcome::Ignored);
    drop(table.admit(1));
    let snapshot = table.circuits.get(&1).unwrap().snapshot();
    assert_eq!((snapshot.ignored, snapshot.cancelled), (1, 1));
    assert_eq!(snapshot.failures, 1);
}

#[test]
fn an_overload_opens_for_as_long_as_it_asks() {
    let table = Table::with(|builder| builder.config(config().trip(Trip::consecutive_failures(1))));
    let retry_after = 4 * OPEN_FOR;
    table.admit(1).record(Outcome::Overload { retry_after });
    table.clock.advance(retry_after - MILLI);
    assert_eq!(table.state(1), State::Open);
    table.clock.advance(MILLI);
    assert_eq!(table.state(1), State::HalfOpen);
}

#[test]
fn every_key_can_be_looked_at_and_commanded() {
    let table = Table::new();
    assert!(table.circuits.get(&1).is_none());
    table.circuits.reset(&1);
    assert!(table.circuits.is_empty());
    table.fail(1, 2);
    table.circuits.circuit(&2).unwrap().isolate();
    table.circuits.circuit(&2).unwrap().isolate();
    assert!(table.circuits.try_acquire(2).is_err());
    let mut all: Vec<_> = table.circuits.iter().collect();
    all.sort_by_key(|(key, _)| *key);
    let seen = all.iter().map(|(key, circuit)| (*key, circuit.state()));
    let expected = [(1, State::Closed), (2, State::Isolated)];
    assert_eq!(seen.collect::<Vec<_>>(), expected);
    drop(all);
    table.circuits.reset(&2);
    table.succeed(2);
    table.circuits.reset(&1);
    assert_eq!(table.failures(1), 0);
    table.clock.advance(KEEP);
    table.circuits.sweep();
    assert!(table.circuits.is_empty());
}

#[test]
fn a_key_that_is_reset_is_forgotten_at_once_if_it_may_be() {
    let circuits = KeyedCircuits::<u32>::builder("table")
        .keep_after_trip(Duration::ZERO)
        .build()
        .unwrap();
    circuits.circuit(&1).unwrap().isolate();
    let handle = circuits.get(&1);
    circuits.reset(&1);
    assert_eq!(circuits.len(), 1, "somebody holds it");
    drop(handle);
    circuits.reset(&1);
    assert!(circuits.is_empty());
}

#[test]
fn what_is_forgotten_during_an_iteration_is_left_out_of_it() {
    let table = Table::new();
    table.fail(1, 1);
    table.fail(2, 1);
    let iter = table.circuits.iter();
    table.succeed(1);
    let keys: Vec<_> = iter.map(|(key, _)| key).collect();
    assert_eq!(keys, [2]);
}

#[test]
fn a_handle_stays_the_circuit_of_its_key() {
    let table = Table::new();
    let handle = table.circuits.circuit(&1).unwrap();
    table.fail(1, 1);
    table.succeed(1);
    table.clock.advance(2 * IDLE);
    table.circuits.sweep();
    handle.isolate();
    assert!(table.circuits.try_acquire(1).is_err());
}

#[test]
fn an_observer_may_use_the_table() {
    let told = Arc::new(AtomicU64::new(0));
    let (seen, table) = (told.clone(), Arc::new(Mutex::new(None)));
    let inside: Arc<Mutex<Option<KeyedCircuits<u32>>>> = table.clone();
    let observer = move |event: &TransitionEvent<'_>| {
        let circuits = inside.lock().unwrap().clone().unwrap();
        circuits.try_acquire(7).unwrap().record(Outcome::Failure);
        assert_eq!(circuits.state(&1), event.transition().to());
        circuits.sweep();
        seen.fetch_add(1, SeqCst);
    };
    let builder =
        KeyedCircuits::builder("table").config(config().trip(Trip::consecutive_failures(2)));
    let circuits = builder.observe(observer).build().unwrap();
    *table.lock().unwrap() = Some(circuits.clone());
    for _ in 0..2 {
        circuits.try_acquire(1).unwrap().record(Outcome::Failure);
    }
    assert_eq!(told.load(SeqCst), 1);
    table.lock().unwrap().take();
}

/// A key that looks at its table as it goes.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Nosy(u32);

static NOSY: OnceLock<KeyedCircuits<Nosy>> = OnceLock::new();

impl Drop for Nosy {
    fn drop(&mut self) {
        if let Some(circuits) = NOSY.get() {
            circuits.sweep();
        }
    }
}

/// What was taken out of the map is dropped some time later, by whoever uses it then.
#[test]
fn a_key_that_is_dropped_may_use_the_table() {
    let (done, is_done) = mpsc::channel();
    // A thread of its own, because what this is about would never end.
    thread::spawn(move || {
        let circuits = KeyedCircuits::builder_unnamed("table").build().unwrap();
        let circuits = NOSY.get_or_init(|| circuits);
        for number in 0..1000 {
            let key = Nosy(number);
            drop(circuits.circuit(&key));
            circuits.sweep();
        }
        done.send(circuits.len())
    });
    let left = is_done.recv_timeout(Duration::from_secs(60));
    assert_eq!(left, Ok(0), "it waits for itself");
}

#[test]
fn a_table_that_is_gone_takes_everything_with_it_but_what_is_held() {
    let dropped = Arc::new(());
    let held = dropped.clone();
    let first =
        Table::with(|builder| builder.observe(move |_: &TransitionEvent<'_>| drop(held.clone())));
    first.fail(1, THRESHOLD);
    first.fail(2, 1);
    let (handle, alone, given) = (
        first.circuits.get(&1).unwrap(),
        first.admit(3),
        first.admit(2),
    );
    drop(first);
    assert_eq!(handle.state(), State::Open);
    drop(handle);
    assert_eq!(Arc::strong_count(&dropped), 1);

    let second = Table::new();
    alone.record(Outcome::Failure);
    given.record(Outcome::Failure);
    assert!(second.circuits.is_empty());
    second.fail(2, 1);
    assert_eq!(second.failures(2), 1);
}

#[test]
fn settings_that_cannot_be_are_named() {
    let builder = || KeyedCircuits::<u32>::builder("table");
    let setting = |builder: KeyedBuilder<u32>| builder.build().unwrap_err().setting();
    assert_eq!(setting(builder().max_circuits(0)), "max_circuits");
    assert_eq!(setting(builder().max_circuits(usize::MAX)), "max_circuits");
    assert_eq!(setting(builder().idle_time(Duration::ZERO)), "idle_time");
    assert_eq!(setting(builder().idle_time(Duration::MAX)), "idle_time");
    let keep = builder().keep_after_trip(Duration::MAX);
    assert_eq!(setting(keep), "keep_after_trip");
    let special = config().trip(Trip::consecutive_failures(0));
    let special = builder().config_for(|_| false, special);
    assert_eq!(setting(special), "trip.consecutive_failures");
}

#[test]
fn a_table_begins_in_the_usual_mode_and_without_a_grace() {
    for (bad, setting) in [
        (config().mode(Mode::Disabled), "mode"),
        (config().grace(SECOND), "grace"),
    ] {
        let builder = || KeyedCircuits::<u32>::builder("table");
        let all = builder().config(bad).build();
        let some = builder().config_for(|key| *key == 1, bad).build();
        let later = builder().build().unwrap().reconfigure(bad);
        for error in [all.err(), some.err(), later.err()] {
            assert_eq!(error.map(|error| error.setting()), Some(setting));
        }
    }
}
