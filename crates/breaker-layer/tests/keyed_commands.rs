//! What an operator and a caller without Tower do with a table of circuits.
#![cfg(feature = "keyed")]

mod support;

use std::{
    fmt, io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
    thread,
    time::Duration,
};

use breaker_layer::{
    Circuit, Config, Error, OpenTime, Outcome, Percent, Probes, Registry, State, TransitionEvent,
    Trip, Window,
    clock::ManualClock,
    keyed::{KeyedBuilder, KeyedCircuits},
};
use support::{MILLI, OPEN_FOR, THRESHOLD};

type Hosts = KeyedCircuits<String>;

fn config() -> Config {
    Config::new()
        .trip(Trip::consecutive_failures(THRESHOLD))
        .open_time(OpenTime::fixed(OPEN_FOR))
        .probes(Probes::new(1))
}

fn hosts() -> Hosts {
    hosts_with(|builder| builder)
}

fn hosts_with(change: impl FnOnce(KeyedBuilder<String>) -> KeyedBuilder<String>) -> Hosts {
    let builder = Hosts::builder("hosts").config(config());
    change(builder.clock(ManualClock::new().clock()))
        .build()
        .unwrap()
}

fn record(hosts: &Hosts, host: &str, outcome: Outcome) {
    hosts.try_acquire(host.to_owned()).unwrap().record(outcome);
}

fn fail(hosts: &Hosts, host: &str, calls: u32) {
    for _ in 0..calls {
        record(hosts, host, Outcome::Failure);
    }
}

fn passes(hosts: &Hosts, host: &str) -> bool {
    hosts.try_acquire(host.to_owned()).is_ok()
}

// Look-ups and names.

#[test]
fn a_key_is_looked_up_and_commanded_in_a_borrowed_form() {
    let hosts = hosts();
    fail(&hosts, "a", 1);
    let snapshot = hosts.get("a").unwrap().snapshot();
    assert_eq!(snapshot.failures, 1);
    hosts.circuit("b").unwrap().isolate();
    assert_eq!(hosts.state("b"), State::Isolated);
    hosts.reset("b");
    assert_eq!(hosts.state("b"), State::Closed);

    let by_arc = KeyedCircuits::<Arc<str>>::builder("hosts").build().unwrap();
    by_arc.circuit(&Arc::from("a")).unwrap().trip();
    assert_eq!(by_arc.state("a"), State::Open);
    let by_number = KeyedCircuits::<u64>::builder("shards").build().unwrap();
    by_number.circuit(&7).unwrap().trip();
    assert_eq!(by_number.state(&7), State::Open);
}

#[test]
fn every_command_reaches_one_key_and_no_other() {
    let hosts = hosts();
    let host = hosts.circuit("a").unwrap();
    type Command = fn(&Circuit);
    let states: [(Command, State); 6] = [
        (Circuit::trip, State::Open),
        (Circuit::half_open, State::HalfOpen),
        (Circuit::close, State::Closed),
        (Circuit::isolate, State::Isolated),
        (Circuit::disable, State::Disabled),
        (Circuit::observe_only, State::Closed),
    ];
    for (command, state) in states {
        command(&host);
        assert_eq!((hosts.state("a"), hosts.state("b")), (state, State::Closed));
    }
    host.because("they move").isolate();
    let note = hosts.get("a").unwrap().snapshot().note;
    assert_eq!(note.as_deref(), Some("they move"));
}

#[test]
fn two_dead_hosts_are_told_apart_without_asking() {
    let told = support::Log::default();
    let (names, log) = (Arc::new(std::sync::Mutex::new(Vec::new())), told);
    let sink = names.clone();
    let observer = log.observer();
    let hosts = hosts_with(|builder| {
        builder.observe(move |event: &TransitionEvent<'_>| {
            observer(event);
            sink.lock().unwrap().push(event.to_string());
        })
    });
    let registry = Registry::new();
    registry.add_keyed(&hosts).unwrap();
    for host in ["a.example", "b.example"] {
        fail(&hosts, host, THRESHOLD);
        let rejected = hosts.try_acquire(host.to_owned()).unwrap_err();
        assert_eq!(rejected.circuit().as_deref(), Some(host));
        assert!(rejected.to_string().contains(host), "{rejected}");
        let found = registry.find("hosts", Some(host)).unwrap();
        assert_eq!(found.state(), State::Open);
    }
    let told = names.lock().unwrap().clone();
    assert_eq!(
        told,
        ["a.example", "b.example"]
            .map(|host| format!("hosts {host}: closed -> open, 3 failures in a row, for 5s"))
    );
    let listed = registry.circuits();
    let mut keys: Vec<_> = listed.iter().map(|found| found.key()).collect();
    keys.sort_unstable();
    assert_eq!(keys, [Some("a.example"), Some("b.example")]);
}

/// A key that counts how often it displays.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Told(u32);

static DISPLAYED: AtomicU64 = AtomicU64::new(0);

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        DISPLAYED.fetch_add(1, SeqCst);
        self.0.fmt(f)
    }
}

#[test]
fn a_name_is_made_when_a_circuit_is_and_by_no_call_of_a_healthy_key() {
    let table = KeyedCircuits::<Told>::builder("table").build().unwrap();
    for _ in 0..100 {
        table.try_acquire(Told(1)).unwrap().record(Outcome::Success);
    }
    assert_eq!(DISPLAYED.load(SeqCst), 0);
    for _ in 0..2 {
        table.try_acquire(Told(1)).unwrap().record(Outcome::Failure);
    }
    assert_eq!(DISPLAYED.load(SeqCst), 1);
}

#[test]
fn a_name_is_cut_off_after_256_bytes_and_within_no_character() {
    let hosts = hosts();
    for (key, kept) in [
        ("x".repeat(253), "x".repeat(253)),
        ("x".repeat(5000), "x".repeat(253) + "…"),
        ("ä".repeat(130), "ä".repeat(126) + "…"),
    ] {
        let circuit = hosts.circuit(key.as_str()).unwrap();
        assert_eq!(*circuit.name(), *kept);
        assert!(circuit.name().len() <= 256);
    }
}

#[test]
fn a_table_of_keys_that_do_not_display_has_a_name_or_names_them_as_it_is_told() {
    type Host = (&'static str, u16);
    let unnamed = KeyedCircuits::<Host>::builder_unnamed("hosts");
    let unnamed = unnamed.build().unwrap();
    assert_eq!(*unnamed.circuit(&("a", 80)).unwrap().name(), *"hosts");
    let registry = Registry::new();
    registry.add_keyed(&unnamed).unwrap();
    unnamed.circuit(&("a", 80)).unwrap().isolate();
    assert_eq!(registry.circuits()[0].key(), None);

    let named = KeyedCircuits::<Host>::builder_unnamed("hosts")
        .name_by(|(host, port)| format!("{host}:{port}").into());
    let named = named.build().unwrap();
    assert_eq!(*named.circuit(&("a", 80)).unwrap().name(), *"a:80");
}

#[test]
fn what_is_kept_of_a_key_is_what_the_user_says_if_it_is_the_same_key() {
    /// Equal by its number alone.
    #[derive(Clone)]
    struct Padded(u32, &'static str);
    impl PartialEq for Padded {
        fn eq(&self, other: &Self) -> bool {
            self.0 == other.0
        }
    }
    impl Eq for Padded {}
    impl std::hash::Hash for Padded {
        fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
            self.0.hash(state);
        }
    }
    let table = KeyedCircuits::<Padded>::builder_unnamed("table")
        .keep_by(|key| Padded(key.0 / 10 * 10, "kept"))
        .build()
        .unwrap();
    for number in [20, 21] {
        table.circuit(&Padded(number, "given")).unwrap().isolate();
    }
    let mut kept: Vec<_> = table.iter().map(|(key, _)| (key.0, key.1)).collect();
    kept.sort_unstable();
    assert_eq!(kept, [(20, "kept"), (21, "given")]);
}

// Calls.

#[test]
fn a_call_is_made_and_counted_for_its_key() {
    let hosts = hosts();
    let call =
        |host: &str, result: Result<u32, io::ErrorKind>| hosts.call(host.to_owned(), || result);
    for _ in 0..THRESHOLD {
        let error = call("dead", Err(io::ErrorKind::TimedOut)).unwrap_err();
        assert!(matches!(error, Error::Inner(io::ErrorKind::TimedOut)));
    }
    assert!(matches!(call("dead", Ok(1)), Err(Error::Rejected(_))));
    assert_eq!(call("fine", Ok(1)).unwrap(), 1);
    assert_eq!(hosts.len(), 1);

    let all_fail = |_: Result<&u32, &()>| Outcome::Failure;
    let judged = hosts.call_with("judged".to_owned(), &all_fail, || Ok(1));
    assert_eq!(judged.unwrap(), 1);
    assert_eq!(hosts.get("judged").unwrap().snapshot().failures, 1);
}

#[tokio::test]
async fn a_future_is_run_and_counted_for_its_key() {
    let hosts = hosts();
    for _ in 0..THRESHOLD {
        let failed = hosts.run("dead".to_owned(), async { Err::<(), _>(()) });
        assert!(matches!(failed.await, Err(Error::Inner(()))));
    }
    // Rejected, it is not polled.
    let run = hosts.run::<(), ()>("dead".to_owned(), async { panic!("polled") });
    assert!(matches!(run.await, Err(Error::Rejected(_))));
    let fine = hosts.run("fine".to_owned(), async { Ok::<_, ()>(1) });
    assert_eq!(fine.await.unwrap(), 1);
    let all_fail = |_: Result<&u32, &()>| Outcome::Failure;
    let judged = hosts.run_with("judged".to_owned(), &all_fail, async { Ok(1) });
    assert_eq!(judged.await.unwrap(), 1);
    assert_eq!(hosts.get("judged").unwrap().snapshot().failures, 1);
}

// Commands to the whole table.

#[test]
fn all_keys_are_isolated_later_ones_included_until_all_are_reset() {
    let told = Arc::new(std::sync::Mutex::new(Vec::new()));
    let sink = told.clone();
    let hosts = hosts_with(|builder| {
        let builder = builder.keep_after_trip(Duration::ZERO);
        builder.observe(move |event: &TransitionEvent<'_>| {
            sink.lock().unwrap().push(event.to_string());
        })
    });
    fail(&hosts, "flaky", 1);
    hosts.all().because("we move").isolate();
    for host in ["flaky", "fine", "later"] {
        let rejected = hosts.try_acquire(host.to_owned()).unwrap_err();
        assert_eq!(rejected.retry_after(), None);
        assert_eq!(hosts.state(host), State::Isolated);
    }
    let text = told.lock().unwrap().join("\n");
    assert_eq!(
        text,
        "hosts: closed -> isolated, operator, because we move\n\
         hosts flaky: closed -> isolated, operator, because we move"
    );
    // However many keys come, none of them needs a circuit to be rejected.
    for key in 0..1000 {
        assert!(!passes(&hosts, &key.to_string()));
    }
    assert_eq!(hosts.len(), 1);

    hosts.all().reset();
    assert!(hosts.is_empty());
    for host in ["flaky", "fine"] {
        record(&hosts, host, Outcome::Success);
        assert_eq!(hosts.state(host), State::Closed);
    }
    fail(&hosts, "fine", THRESHOLD);
    assert_eq!(hosts.state("fine"), State::Open);
}

#[test]
fn all_keys_are_disabled_and_count_nothing_until_all_are_reset() {
    let hosts = hosts();
    fail(&hosts, "dead", THRESHOLD);
    let before = hosts.try_acquire("late".to_owned()).unwrap();
    hosts.all().disable();
    for host in ["dead", "fine"] {
        fail(&hosts, host, 10 * THRESHOLD);
        assert_eq!(hosts.state(host), State::Disabled);
    }
    before.record(Outcome::Failure);
    assert_eq!(hosts.len(), 1);
    hosts.all().reset();
    assert_eq!(hosts.state("dead"), State::Closed);
    fail(&hosts, "dead", THRESHOLD);
    assert!(!passes(&hosts, "dead"));
}

#[test]
fn all_keys_only_observe_later_ones_included_until_all_are_reset() {
    let hosts = hosts();
    fail(&hosts, "dead", THRESHOLD);
    hosts.all().because("a trial").observe_only();
    assert!(passes(&hosts, "dead"));
    fail(&hosts, "later", THRESHOLD);
    let snapshot = hosts.get("later").unwrap().snapshot();
    assert_eq!((snapshot.state, snapshot.observe_only), (State::Open, true));
    assert_eq!(snapshot.note.as_deref(), Some("a trial"));
    assert!(passes(&hosts, "later"));
    hosts.all().reset();
    assert_eq!(hosts.state("later"), State::Closed);
    fail(&hosts, "later", THRESHOLD);
    assert!(!passes(&hosts, "later"));
}

#[test]
fn while_all_only_observe_a_full_table_forgets_as_usual() {
    let clock = ManualClock::new();
    let hosts = hosts_with(|builder| builder.max_circuits(2).clock(clock.clock()));
    hosts.all().observe_only();
    for key in 0..10 {
        fail(&hosts, &key.to_string(), 1);
    }
    assert_eq!((hosts.len(), hosts.uncounted()), (2, 0));
    clock.advance(Duration::from_secs(3600));
    hosts.sweep();
    assert!(hosts.is_empty());
}

#[test]
fn all_keys_are_isolated_for_a_time_after_which_a_circuit_probes_and_a_key_without_one_passes() {
    let (clock, told) = (ManualClock::new(), Arc::default());
    let sink: Arc<std::sync::Mutex<Vec<String>>> = Arc::clone(&told);
    let hosts = hosts_with(|builder| {
        builder
            .clock(clock.clock())
            .observe(move |event: &TransitionEvent<'_>| {
                sink.lock().unwrap().push(event.to_string());
            })
    });
    let registry = Registry::new();
    registry.add_keyed(&hosts).unwrap();
    fail(&hosts, "flaky", 1);
    hosts.all().because("we move").isolate_for(10 * OPEN_FOR);
    clock.advance(4 * OPEN_FOR);
    // One that is made meanwhile has the same end.
    let later = hosts.circuit("later").unwrap();
    clock.advance(OPEN_FOR);
    for host in ["flaky", "fine", "later"] {
        let rejected = hosts.try_acquire(host.to_owned()).unwrap_err();
        assert_eq!(rejected.retry_after(), Some(5 * OPEN_FOR));
        assert_eq!(hosts.state(host), State::Isolated);
    }
    assert_eq!(later.snapshot().note.as_deref(), Some("we move"));
    hosts.sweep();
    assert_eq!(hosts.len(), 2, "none is forgotten under a command");

    clock.advance(5 * OPEN_FOR);
    assert_eq!(hosts.state("fine"), State::Closed);
    for host in ["flaky", "later"] {
        assert_eq!(hosts.state(host), State::HalfOpen);
        let probe = hosts.try_acquire(host.to_owned()).unwrap();
        assert!(!passes(&hosts, host), "its one probe is under way");
        probe.record(Outcome::Success);
        assert_eq!(hosts.state(host), State::Closed);
    }
    assert!(passes(&hosts, "fine"));
    // The command is over for the table, and whoever observes it knows.
    let listed = registry.circuits();
    assert!(listed.iter().all(|found| found.key().is_some()));
    let of_table = |line: &&String| line.starts_with("hosts: ");
    let told = told.lock().unwrap();
    assert_eq!(
        told.iter().filter(of_table).collect::<Vec<_>>(),
        [
            "hosts: closed -> isolated, operator, for 50s, because we move",
            "hosts: isolated -> closed, operator"
        ]
    );
}

#[test]
fn a_key_s_own_isolation_that_is_over_does_not_keep_its_circuit() {
    let clock = ManualClock::new();
    let hosts = hosts_with(|builder| builder.clock(clock.clock()).idle_time(OPEN_FOR));
    hosts.circuit("a").unwrap().isolate_for(10 * OPEN_FOR);
    clock.advance(9 * OPEN_FOR);
    hosts.sweep();
    assert_eq!((hosts.len(), hosts.state("a")), (1, State::Isolated));
    clock.advance(OPEN_FOR);
    hosts.sweep();
    assert!(hosts.is_empty());
}

#[test]
fn a_key_can_be_an_exception_to_what_holds_for_all() {
    let hosts = hosts();
    hosts.all().isolate();
    hosts.circuit("later").unwrap();
    assert_eq!(hosts.state("later"), State::Isolated);
    hosts.circuit("good").unwrap().reset();
    hosts.sweep();
    assert!(passes(&hosts, "good") && !passes(&hosts, "later"));

    hosts.all().observe_only();
    hosts.circuit("good").unwrap().isolate();
    hosts.sweep();
    assert!(!passes(&hosts, "good") && passes(&hosts, "later"));
    hosts.all().reset();
    assert!(passes(&hosts, "good"));
}

#[test]
fn requests_without_a_key_that_share_a_circuit_are_meant_too() {
    let hosts = hosts_with(KeyedBuilder::share_keyless);
    hosts.all().isolate();
    assert_eq!(hosts.keyless().map(Circuit::state), Some(State::Isolated));
    hosts.all().reset();
    assert_eq!(hosts.keyless().map(Circuit::state), Some(State::Closed));
}

#[test]
fn a_registry_lists_what_holds_for_all_keys() {
    let (hosts, registry) = (hosts(), Registry::new());
    registry.add_keyed(&hosts).unwrap();
    hosts.all().because("we move").isolate();
    let listed = registry.circuits();
    assert_eq!(listed.len(), 1);
    assert_eq!((listed[0].name(), listed[0].key()), ("hosts", None));
    let snapshot = listed[0].circuit().snapshot();
    assert_eq!(snapshot.note.as_deref(), Some("we move"));
    hosts.all().reset();
    assert!(registry.circuits().is_empty());
}

#[test]
fn a_registry_commands_a_whole_table_by_its_name_with_a_note_later_keys_included() {
    let (hosts, registry) = (hosts(), Registry::new());
    registry.add_keyed(&hosts).unwrap();
    let circuit = Circuit::builder("payments").build().unwrap();
    registry.add(&circuit).unwrap();
    fail(&hosts, "bad", 1);
    let table = registry.table("hosts").unwrap().because("they move");
    assert_eq!((table.name(), table.config()), ("hosts", hosts.config()));
    let met = |key: &str| {
        let snapshot = hosts.circuit(key).unwrap().snapshot();
        assert_eq!(snapshot.note.as_deref(), Some("they move"));
        (snapshot.state, snapshot.observe_only)
    };
    let all_met = |later| [met("bad"), met(later)];
    table.isolate();
    assert!(!passes(&hosts, "unknown"));
    assert_eq!(all_met("one"), [(State::Isolated, false); 2]);
    table.disable();
    assert_eq!(all_met("two"), [(State::Disabled, false); 2]);
    table.observe_only();
    assert_eq!(all_met("three"), [(State::Closed, true); 2]);
    table.reset();
    assert_eq!(hosts.state("bad"), State::Closed);
    let other = Config::new().trip(Trip::consecutive_failures(1));
    table.reconfigure(other).unwrap();
    fail(&hosts, "four", 1);
    assert_eq!(hosts.state("four"), State::Open);

    assert!(registry.table("payments").is_none() && registry.table("none").is_none());
    drop((table, hosts));
    assert!(registry.table("hosts").is_none());
}

/// Two operators, and keys that get circuits meanwhile: what holds in the end holds for all.
#[test]
fn commands_to_all_that_meet_each_other_leave_all_under_the_same_one() {
    let hosts = hosts_with(|builder| builder.max_circuits(100));
    for _ in 0..500 {
        let is_over = AtomicBool::new(false);
        thread::scope(|scope| {
            let commands = [
                scope.spawn(|| hosts.all().observe_only()),
                scope.spawn(|| hosts.all().disable()),
            ];
            scope.spawn(|| {
                for key in (0..20).cycle() {
                    if is_over.load(SeqCst) {
                        break;
                    }
                    if let Ok(permit) = hosts.try_acquire(key.to_string()) {
                        permit.record(Outcome::Failure);
                    }
                }
            });
            commands.into_iter().for_each(|one| one.join().unwrap());
            is_over.store(true, SeqCst);
        });
        let is_disabled = hosts.state("no such key") == State::Disabled;
        for (key, circuit) in hosts.iter() {
            let snapshot = circuit.snapshot();
            let is_same = snapshot.observe_only != is_disabled
                && (snapshot.state == State::Disabled) == is_disabled;
            assert!(is_same, "{key}: {snapshot:?}, all disabled: {is_disabled}");
        }
        hosts.all().reset();
        assert_eq!(hosts.state("no such key"), State::Closed);
    }
}

// Other settings.

#[test]
fn other_settings_hold_for_the_circuits_there_are_and_those_to_come() {
    let hosts = hosts();
    fail(&hosts, "old", 1);
    let more = config().trip(Trip::consecutive_failures(THRESHOLD + 2));
    hosts.reconfigure(more).unwrap();
    assert_eq!(hosts.config(), more);
    fail(&hosts, "old", THRESHOLD);
    fail(&hosts, "new", THRESHOLD + 1);
    assert_eq!([hosts.state("old"), hosts.state("new")], [State::Closed; 2]);
    fail(&hosts, "old", 1);
    fail(&hosts, "new", 1);
    assert_eq!([hosts.state("old"), hosts.state("new")], [State::Open; 2]);
}

/// Told for the table, and for each circuit that there is.
#[cfg(feature = "stream")]
#[test]
fn a_change_of_settings_is_told_with_its_note() {
    use futures::FutureExt;
    let (hosts, registry) = (hosts(), Registry::new());
    registry.add_keyed(&hosts).unwrap();
    let mut events = registry.events();
    let more = config().trip(Trip::consecutive_failures(9));
    let told = |events: &mut breaker_layer::observe::Events| -> Vec<_> {
        let next = || events.next().now_or_never().flatten();
        std::iter::from_fn(next)
            .map(|event| (event.circuit().to_owned(), event.note().map(str::to_owned)))
            .collect()
    };
    hosts
        .all()
        .because("they fail more")
        .reconfigure(more)
        .unwrap();
    let because = Some("they fail more".to_owned());
    assert_eq!(told(&mut events), [("hosts".to_owned(), because)]);
    fail(&hosts, "a", 1);
    hosts.reconfigure(config()).unwrap();
    let expected = ["hosts", "a"].map(|name| (name.to_owned(), None));
    assert_eq!(told(&mut events), expected);
    assert_eq!(hosts.get("a").unwrap().config(), config());
}

#[test]
fn settings_that_cannot_be_change_nothing() {
    let hosts = hosts();
    let none = config().trip(Trip::consecutive_failures(0));
    let error = hosts.reconfigure(none).unwrap_err();
    assert_eq!(error.setting(), "trip.consecutive_failures");
    assert_eq!(hosts.config(), config());
    fail(&hosts, "a", THRESHOLD);
    assert_eq!(hosts.state("a"), State::Open);
}

#[test]
fn keys_with_settings_of_their_own_keep_them() {
    let own = config().trip(Trip::consecutive_failures(1));
    let hosts = hosts_with(|builder| {
        builder
            .config_for(|host| host == "own", own)
            .share_keyless()
    });
    hosts.circuit("own").unwrap();
    hosts
        .reconfigure(config().trip(Trip::consecutive_failures(9)))
        .unwrap();
    fail(&hosts, "own", 1);
    fail(&hosts, "other", 8);
    let states = [hosts.state("own"), hosts.state("other")];
    assert_eq!(states, [State::Open, State::Closed]);
    let keyless = hosts.keyless().unwrap();
    (0..8).for_each(|_| keyless.try_acquire().unwrap().record(Outcome::Failure));
    assert_eq!(keyless.state(), State::Closed);
}

#[test]
fn a_window_that_comes_or_goes_decides_whether_a_healthy_key_keeps_its_circuit() {
    let hosts = hosts();
    let handle = hosts.circuit("a").unwrap();
    let rate = Trip::failure_rate(Percent(50.0), Window::calls(10)).min_calls(4);
    hosts.reconfigure(config().trip(rate)).unwrap();
    drop(handle);
    for host in ["a", "b"] {
        (0..3).for_each(|_| record(&hosts, host, Outcome::Success));
        let calls = hosts.get(host).unwrap().snapshot().last_calls.unwrap();
        assert_eq!(calls.calls, 3, "{host}");
    }
    hosts.reconfigure(config()).unwrap();
    for host in ["a", "b", "c"] {
        fail(&hosts, host, 1);
        record(&hosts, host, Outcome::Success);
    }
    assert!(hosts.is_empty());
}

#[test]
fn a_key_that_was_given_a_window_by_itself_keeps_its_circuit_while_that_holds_calls() {
    let clock = ManualClock::new();
    let hosts = hosts_with(|builder| builder.clock(clock.clock()));
    let rate = Trip::failure_rate(Percent(50.0), Window::calls(10)).min_calls(4);
    let circuit = hosts.circuit("a").unwrap();
    circuit.reconfigure(config().trip(rate)).unwrap();
    drop(circuit);
    for _ in 0..3 {
        clock.advance(MILLI);
        record(&hosts, "a", Outcome::Success);
    }
    hosts.sweep();
    let calls = hosts.get("a").unwrap().snapshot().last_calls.unwrap();
    assert_eq!(calls.calls, 3);
}

/// Circuits are made all the time while the settings change: none is left with those of before.
#[test]
fn no_circuit_that_is_made_meanwhile_misses_a_change_of_settings() {
    let hosts = hosts_with(|builder| builder.max_circuits(1 << 20));
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut key = 0_u64;
            while !is_over.load(SeqCst) && key < 5000 {
                fail(&hosts, &key.to_string(), 1);
                key += 1;
            }
        });
        for round in 0..30 {
            let threshold = 10 + round % 2;
            let config = config().trip(Trip::consecutive_failures(threshold));
            hosts.reconfigure(config).unwrap();
        }
        is_over.store(true, SeqCst);
    });
    let last = config().trip(Trip::consecutive_failures(2));
    hosts.reconfigure(last).unwrap();
    for (key, _) in hosts.iter() {
        fail(&hosts, &key, 1);
        assert_eq!(hosts.state(&key), State::Open, "{key}");
    }
}
