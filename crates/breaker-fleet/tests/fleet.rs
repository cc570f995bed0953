//! Several processes over a store in memory, in virtual time.

mod support;

use std::time::Duration;

use breaker_fleet::{Fleet, InMemory, Order};
use breaker_layer::{
    Circuit, CircuitBuilder, OpenTime, Outcome, Probes, Registry, State, Trip, keyed::KeyedCircuits,
};
use support::{Calls, Process, SECOND, default, is_up, run, states};
use tokio::time;

fn processes(store: &InMemory, zones: &[(&str, usize)]) -> Vec<Process> {
    let mut seed = 0;
    let mut processes = Vec::new();
    for (zone, many) in zones {
        for _ in 0..*many {
            seed += 1;
            processes.push(Process::start(store, zone, seed));
        }
    }
    processes
}

/// How many calls fail in an outage of all that each process meets alone.
async fn alone(many: usize, between: Duration, span: Duration) -> Calls {
    let store = InMemory::new();
    store.set_down(true);
    let processes = processes(&store, &[("z", many)]);
    time::sleep(SECOND * 5).await;
    run(&processes, between, span, |_| false).await
}

#[tokio::test(start_paused = true)]
async fn an_outage_opens_all_after_far_fewer_failures_than_each_alone_needs() {
    let local = alone(12, SECOND * 2, SECOND * 60).await;
    let store = InMemory::new();
    let processes = processes(&store, &[("a", 4), ("b", 4), ("c", 4)]);
    time::sleep(SECOND * 5).await;
    let fleet = run(&processes, SECOND * 2, SECOND * 60, |_| false).await;
    assert!(states(&processes).into_iter().all(is_up));
    assert!(local.failed >= 12 * 8, "{local:?}");
    assert!(
        fleet.failed * 2 <= local.failed,
        "{fleet:?}, alone {local:?}"
    );
    let snapshot = processes[0].fleet.snapshot();
    let heard = &snapshot.circuits[0];
    assert_eq!(
        (
            heard.against,
            heard.heard,
            heard.zone_against,
            heard.zone_heard
        ),
        (11, 11, 3, 3)
    );
    // Those that tripped by what their peers say, say who they are.
    let trips = processes
        .iter()
        .map(|process| process.circuit.snapshot().last_trip);
    let reasons: Vec<_> = trips
        .map(|trip| trip.unwrap().reason().to_string())
        .collect();
    let says =
        |reason: &String| reason.contains(" of 11 peers (zone ") && reason.ends_with(" of 3)");
    assert!(reasons.iter().any(says), "{reasons:?}");
}

#[tokio::test(start_paused = true)]
async fn one_ill_process_opens_only_itself() {
    let store = InMemory::new();
    let processes = processes(&store, &[("a", 3), ("b", 3)]);
    time::sleep(SECOND * 5).await;
    // Every fifth call of the others fails, too.
    let mut count = 0;
    let calls = run(&processes, SECOND, SECOND * 120, |at| {
        count += 1;
        at != 0 && count % 5 != 0
    });
    let calls = calls.await;
    assert_eq!(calls.refused_good, 0, "{calls:?}");
    let up: Vec<_> = states(&processes).into_iter().map(is_up).collect();
    assert_eq!(up, [true, false, false, false, false, false]);
}

#[tokio::test(start_paused = true)]
async fn a_dead_zone_opens_only_itself() {
    let store = InMemory::new();
    let processes = processes(&store, &[("a", 4), ("b", 4), ("c", 4)]);
    time::sleep(SECOND * 5).await;
    let mut count = 0;
    let calls = run(&processes, SECOND, SECOND * 120, |at| {
        count += 1;
        at >= 4 && count % 10 != 0
    });
    let calls = calls.await;
    assert_eq!(calls.refused_good, 0, "{calls:?}");
    assert!(calls.failed < 4 * 15 + 2 * 120, "{calls:?}");
    let up: Vec<_> = states(&processes).into_iter().map(is_up).collect();
    assert_eq!(up, [[true; 4], [false; 4], [false; 4]].concat());
}

#[tokio::test(start_paused = true)]
async fn a_process_with_good_answers_is_not_talked_into_opening() {
    let store = InMemory::new();
    let processes = processes(&store, &[("z", 6)]);
    time::sleep(SECOND * 5).await;
    let calls = run(&processes, SECOND, SECOND * 60, |at| at == 0).await;
    assert_eq!((calls.good, calls.refused_good), (60, 0));
    assert_eq!(processes[0].circuit.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_lost_store_changes_nothing_and_is_told_once() {
    let local = alone(6, SECOND * 2, SECOND * 60).await;
    let store = InMemory::new();
    let processes = processes(&store, &[("z", 6)]);
    // All have credit, and then the store is gone for longer than that lasts.
    time::sleep(SECOND * 5).await;
    for process in &processes[1..] {
        process.trips().await;
    }
    time::sleep(SECOND * 3).await;
    store.set_down(true);
    time::sleep(SECOND * 5).await;
    processes.iter().for_each(|process| process.circuit.reset());
    let calls = run(&processes, SECOND * 2, SECOND * 60, |_| false).await;
    assert_eq!(calls, local);
    assert!(
        processes
            .iter()
            .all(|process| process.events() == ["Degraded"])
    );
    assert!(!processes[0].fleet.snapshot().is_connected);
    store.set_down(false);
    time::sleep(SECOND * 31).await;
    assert!(
        processes
            .iter()
            .all(|process| process.events() == ["Degraded", "Back"])
    );
    assert!(processes[0].fleet.is_connected());
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_away_is_asked_less_and_less_often() {
    let store = InMemory::new();
    store.set_down(true);
    let process = Process::start(&store, "z", 1);
    time::sleep(SECOND * 600).await;
    assert!(
        (20..=60).contains(&store.exchanges()),
        "{}",
        store.exchanges()
    );
    assert_eq!(process.events(), ["Degraded"]);
}

/// A store that answers never, or late.
#[derive(Clone)]
struct Late(Duration);

impl breaker_fleet::Store for Late {
    async fn exchange(
        &self,
        _: &breaker_fleet::store::Report,
    ) -> Result<breaker_fleet::store::View, breaker_fleet::StoreError> {
        time::sleep(self.0).await;
        Ok(breaker_fleet::store::View::default())
    }

    async fn lease(
        &self,
        wanted: &[breaker_fleet::store::Lease],
    ) -> Result<Vec<bool>, breaker_fleet::StoreError> {
        time::sleep(self.0).await;
        Ok(vec![true; wanted.len()])
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_answers_too_late_is_as_good_as_none() {
    let process = Process::start(&Late(SECOND * 100), "z", 1);
    time::sleep(SECOND * 20).await;
    assert_eq!(process.events(), ["Degraded"]);
    let late = time::Instant::now();
    assert!(process.fleet.order(Order::reset("pay")).await.is_err());
    assert!(late.elapsed() <= SECOND);
}

#[tokio::test(start_paused = true)]
async fn an_order_reaches_all_within_two_seconds_and_late_starters_within_two_of_their_start_and_once()
 {
    let store = InMemory::new();
    let mut all = processes(&store, &[("a", 10), ("b", 10)]);
    time::sleep(SECOND * 40).await;
    let order = Order::isolate("pay")
        .because("their database moves")
        .by("ann");
    let id = all[3].fleet.order(order.clone()).await.unwrap();
    time::sleep(SECOND * 2).await;
    assert!(states(&all).iter().all(|state| *state == State::Isolated));
    let note = all[0].circuit.snapshot().note.unwrap();
    assert_eq!(
        &*note,
        format!("their database moves, by ann (fleet order {id})")
    );
    all.push(Process::start(&store, "a", 99));
    time::sleep(SECOND * 2).await;
    assert_eq!(all[20].circuit.state(), State::Isolated);
    // Whoever takes it back by hand is not overruled.
    all[5].circuit.reset();
    time::sleep(SECOND * 60).await;
    assert_eq!(all[5].circuit.state(), State::Closed);
    let ordered = all[7].fleet.orders().await.unwrap();
    assert_eq!(
        (
            ordered.len(),
            &ordered[0].id,
            ordered[0].done,
            ordered[0].of
        ),
        (1, &id, 21, 21)
    );
    assert_eq!(ordered[0].order, order);
    assert_eq!(all[0].events(), ["Ordered"]);
    all[0].fleet.order(Order::reset("pay")).await.unwrap();
    time::sleep(SECOND * 2).await;
    assert!(states(&all).iter().all(|state| *state == State::Closed));
}

#[tokio::test(start_paused = true)]
async fn an_order_for_a_zone_is_for_that_zone_and_the_later_order_holds() {
    let store = InMemory::new();
    let all = processes(&store, &[("a", 2), ("b", 2)]);
    time::sleep(SECOND).await;
    all[0].fleet.order(Order::isolate("pay")).await.unwrap();
    time::sleep(SECOND * 2).await;
    all[0]
        .fleet
        .order(Order::disable("pay").zone("b"))
        .await
        .unwrap();
    time::sleep(SECOND * 2).await;
    let of_zones = [
        State::Isolated,
        State::Isolated,
        State::Disabled,
        State::Disabled,
    ];
    assert_eq!(states(&all), of_zones);
    let late = [
        Process::start(&store, "a", 50),
        Process::start(&store, "b", 51),
    ];
    time::sleep(SECOND * 2).await;
    assert_eq!(states(&late), [State::Isolated, State::Disabled]);
    let ordered = all[0].fleet.orders().await.unwrap();
    let mut done: Vec<_> = ordered.iter().map(|order| (order.done, order.of)).collect();
    done.sort_unstable();
    assert_eq!(done, [(3, 3), (6, 6)]);
}

#[tokio::test(start_paused = true)]
async fn an_order_with_an_end_ends_everywhere_without_the_store_too_and_is_not_done_after_it() {
    let store = InMemory::new();
    let all = processes(&store, &[("a", 3)]);
    time::sleep(SECOND).await;
    all[0]
        .fleet
        .order(Order::isolate("pay").lasts(SECOND * 20))
        .await
        .unwrap();
    time::sleep(SECOND * 10).await;
    let late = Process::start(&store, "a", 50);
    time::sleep(SECOND * 2).await;
    assert_eq!(late.circuit.state(), State::Isolated);
    // By hand for another reason: that is not the order's to end.
    all[1].circuit.because("mine").isolate();
    store.set_down(true);
    time::sleep(SECOND * 40).await;
    assert_eq!(
        states(&all),
        [State::Closed, State::Isolated, State::Closed]
    );
    assert_eq!(late.circuit.state(), State::Closed);
    store.set_down(false);
    let later = Process::start(&store, "a", 51);
    time::sleep(SECOND * 3).await;
    assert_eq!(later.circuit.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn the_end_of_an_order_for_a_table_leaves_the_keys_that_an_operator_commanded() {
    for order in [Order::isolate("hosts"), Order::disable("hosts")] {
        let store = InMemory::new();
        let registry = Registry::new();
        let hosts = KeyedCircuits::<String>::builder("hosts").build().unwrap();
        registry.add_keyed(&hosts).unwrap();
        let (fleet, ticks) = Fleet::builder(&registry, store.clone()).build().unwrap();
        let ticks = tokio::spawn(ticks);
        let mine = hosts.circuit("mine.example").unwrap();
        let theirs = hosts.circuit("theirs.example").unwrap();
        fleet.order(order.lasts(SECOND * 20)).await.unwrap();
        time::sleep(SECOND * 5).await;
        let state = theirs.state();
        assert!(matches!(state, State::Isolated | State::Disabled));
        mine.because("it is hacked").isolate();
        time::sleep(SECOND * 20).await;
        let states = [&mine, &theirs].map(Circuit::state);
        assert_eq!(states, [State::Isolated, State::Closed]);
        assert_eq!(hosts.state("another.example"), State::Closed);
        // The store has nothing of it any more.
        time::sleep(SECOND * 3).await;
        assert!(store.fields("{breaker:v1:default}:orders").is_empty());
        ticks.abort();
    }
}

#[tokio::test(start_paused = true)]
async fn an_isolation_with_an_end_ends_where_nothing_ticks_any_more() {
    let store = InMemory::new();
    let process = Process::start(&store, "z", 1);
    let isolate = Order::isolate("pay").lasts(SECOND * 20);
    process.fleet.order(isolate).await.unwrap();
    time::sleep(SECOND * 3).await;
    assert_eq!(process.circuit.state(), State::Isolated);
    let circuit = process.circuit.clone();
    process.stop();
    time::sleep(SECOND * 20).await;
    assert!(circuit.try_acquire().is_ok());
}

#[tokio::test(start_paused = true)]
async fn the_store_holds_a_bounded_number_of_orders() {
    let store = InMemory::new();
    let process = Process::start(&store, "z", 1);
    let order = |n: usize| process.fleet.order(Order::reset(format!("c{n}")));
    for n in 0..1024 {
        order(n).await.unwrap();
    }
    let error = order(1024).await.unwrap_err().to_string();
    assert_eq!(error, "the store holds 1024 orders, and takes no more");
    // One that takes the place of another has room.
    order(7).await.unwrap();
    assert_eq!(store.fields("{breaker:v1:test}:orders").len(), 1024);
}

#[tokio::test(start_paused = true)]
async fn it_is_connected_only_while_the_store_answers_and_says_so_within_three_ticks() {
    for late in [Duration::ZERO, SECOND * 100] {
        let store = Fading::default();
        let process = Process::start(&store, "z", 1);
        time::sleep(SECOND * 10).await;
        assert!(process.fleet.is_connected());
        *store.1.lock().unwrap() = Some(late);
        time::sleep(SECOND * 3).await;
        assert!(!process.fleet.is_connected() && !process.fleet.snapshot().is_connected);
        assert_eq!(process.events(), ["Degraded"], "{late:?}");
    }
    let process = Process::start(&InMemory::new(), "z", 1);
    time::sleep(SECOND * 10).await;
    let fleet = process.fleet.clone();
    assert!(fleet.is_connected());
    process.stop();
    time::sleep(SECOND * 3).await;
    assert!(!fleet.is_connected());
}

/// A store that fails from some time on, after so long.
#[derive(Clone, Default)]
struct Fading(InMemory, std::sync::Arc<std::sync::Mutex<Option<Duration>>>);

impl breaker_fleet::Store for Fading {
    async fn exchange(
        &self,
        report: &breaker_fleet::store::Report,
    ) -> Result<breaker_fleet::store::View, breaker_fleet::StoreError> {
        let late = *self.1.lock().unwrap();
        if let Some(late) = late {
            time::sleep(late).await;
            return Err(breaker_fleet::StoreError::new("it fades"));
        }
        self.0.exchange(report).await
    }

    async fn lease(
        &self,
        wanted: &[breaker_fleet::store::Lease],
    ) -> Result<Vec<bool>, breaker_fleet::StoreError> {
        self.0.lease(wanted).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_flush_is_no_reset() {
    let store = InMemory::new();
    let all = processes(&store, &[("a", 5)]);
    time::sleep(SECOND).await;
    all[0].fleet.order(Order::isolate("pay")).await.unwrap();
    time::sleep(SECOND * 2).await;
    store.flush();
    time::sleep(SECOND * 60).await;
    assert!(states(&all).iter().all(|state| *state == State::Isolated));
    for process in &all {
        process.circuit.reset();
        process.circuit.trip_for(SECOND * 600);
    }
    time::sleep(SECOND * 3).await;
    store.flush();
    time::sleep(SECOND * 3).await;
    assert!(states(&all).iter().all(|state| *state == State::Open));
    assert!(all[0].events().iter().all(|event| event == "Ordered"));
}

#[tokio::test(start_paused = true)]
async fn an_order_for_a_table_and_one_for_a_key_that_has_no_circuit_yet() {
    let store = InMemory::new();
    let registry = Registry::new();
    let hosts = KeyedCircuits::<String>::builder("hosts").build().unwrap();
    registry.add_keyed(&hosts).unwrap();
    let (fleet, ticks) = Fleet::builder(&registry, store).build().unwrap();
    let ticks = tokio::spawn(ticks);
    time::sleep(SECOND).await;
    fleet
        .order(Order::isolate("hosts").key("a.example"))
        .await
        .unwrap();
    time::sleep(SECOND * 3).await;
    let circuit = hosts.circuit("a.example").unwrap();
    time::sleep(SECOND * 2).await;
    assert_eq!(circuit.state(), State::Isolated);
    fleet
        .order(Order::disable("hosts").because("we suspect the breaker"))
        .await
        .unwrap();
    time::sleep(SECOND * 2).await;
    assert_eq!(hosts.state("b.example"), State::Disabled);
    ticks.abort();
}

#[tokio::test(start_paused = true)]
async fn keys_of_a_table_are_voted_on_and_two_versions_or_namespaces_do_not_hear_each_other() {
    let store = InMemory::new();
    let mut tables = Vec::new();
    let mut all = Vec::new();
    for number in 0..4 {
        let registry = Registry::new();
        let hosts = KeyedCircuits::<String>::builder("hosts").build().unwrap();
        registry.add_keyed(&hosts).unwrap();
        let namespace = if number < 3 { "one" } else { "other" };
        let fleet = Fleet::builder(&registry, store.clone())
            .namespace(namespace)
            .seed(number);
        let (fleet, ticks) = fleet.build().unwrap();
        tables.push(hosts);
        all.push((fleet, registry, tokio::spawn(ticks)));
    }
    time::sleep(SECOND * 5).await;
    for hosts in &tables[1..] {
        let circuit = hosts.circuit("a.example").unwrap();
        while !circuit.is_open() {
            time::sleep(Duration::from_millis(20)).await;
            circuit.try_acquire().unwrap().record(Outcome::Failure);
        }
    }
    let circuit = tables[0].circuit("a.example").unwrap();
    circuit.try_acquire().unwrap().record(Outcome::Failure);
    time::sleep(SECOND * 3).await;
    let snapshot = all[0].0.snapshot();
    assert_eq!(snapshot.peers, 2);
    assert_eq!(snapshot.circuits[0].circuit, "hosts/a.example");
    assert_eq!(
        (
            snapshot.circuits[0].against,
            snapshot.circuits[0].has_credit
        ),
        (2, true)
    );
    assert_eq!(all[3].0.snapshot().peers, 0);
}

#[tokio::test(start_paused = true)]
async fn who_follows_lets_its_own_next_calls_decide() {
    let store = InMemory::new();
    let mut all = Vec::new();
    for seed in 0..6 {
        let fleet =
            |fleet: breaker_fleet::FleetBuilder| if seed < 2 { fleet.follow("pay") } else { fleet };
        all.push(Process::with(
            store.clone(),
            "z",
            seed,
            default(),
            SECOND,
            fleet,
        ));
    }
    time::sleep(SECOND * 5).await;
    for process in &all[2..] {
        process.trips().await;
    }
    time::sleep(SECOND * 3).await;
    assert_eq!(states(&all[..2]), [State::HalfOpen, State::HalfOpen]);
    assert!(!all[0].call(false) || all[0].circuit.state() == State::Open);
    (0..3).for_each(|_| assert!(all[1].call(true)));
    assert_eq!(all[1].circuit.state(), State::Closed);
    time::sleep(SECOND * 30).await;
    assert_eq!(all[1].circuit.state(), State::Closed);
}

fn probing() -> CircuitBuilder {
    Circuit::builder("pay")
        .trip(Trip::consecutive_failures(5))
        .open_time(OpenTime::exponential(SECOND * 3, SECOND * 30))
        .probes(Probes::new(1).timeout(SECOND * 5))
}

fn probing_processes(store: &InMemory, zones: &[&str], many: u64) -> Vec<Process> {
    let number = |zone: &u64| usize::try_from(*zone).unwrap() % zones.len();
    let start = |seed| {
        Process::with(
            store.clone(),
            zones[number(&seed)],
            seed,
            probing(),
            SECOND,
            |it| it,
        )
    };
    (0..many).map(start).collect()
}

#[tokio::test(start_paused = true)]
async fn never_more_than_one_certain_probe_a_zone_and_probe_timeout() {
    let store = InMemory::new();
    let zones = ["a", "b"];
    let processes = probing_processes(&store, &zones, 20);
    time::sleep(SECOND * 5).await;
    run(&processes, SECOND, SECOND * 10, |_| false).await;
    assert!(states(&processes).into_iter().all(is_up));
    let mut probes = [Vec::new(), Vec::new()];
    for _ in 0..600 {
        for (at, process) in processes.iter().enumerate() {
            time::sleep(Duration::from_millis(10)).await;
            if process.call(false) {
                probes[at % 2].push(time::Instant::now());
            }
        }
    }
    for probes in probes {
        let gaps: Vec<_> = probes.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(gaps.iter().all(|gap| *gap >= SECOND * 5), "{gaps:?}");
        assert!((5..=15).contains(&probes.len()), "{gaps:?}");
    }
}

/// The longest time between two probes of a process, while each is called every tenth of a second in an outage.
async fn longest_without_a_probe(processes: &[Process], callers: usize, span: Duration) -> f64 {
    let mut last = vec![time::Instant::now(); callers];
    let mut longest = Duration::ZERO;
    let ends = time::Instant::now() + span;
    while time::Instant::now() < ends {
        time::sleep(SECOND / 10).await;
        for (process, last) in processes.iter().zip(&mut last) {
            longest = longest.max(last.elapsed());
            if process.call(false) {
                *last = time::Instant::now();
            }
        }
    }
    longest.as_secs_f64()
}

#[tokio::test(start_paused = true)]
async fn a_lease_without_an_end_puts_probes_off_by_the_circuit_s_longest_wait_at_most() {
    let store = InMemory::new();
    store.lease_for_ever("{breaker:v1:test}:lease:a:pay");
    let processes = probing_processes(&store, &["a"], 6);
    time::sleep(SECOND * 5).await;
    run(&processes, SECOND, SECOND * 10, |_| false).await;
    assert!(states(&processes).into_iter().all(is_up));
    let longest = longest_without_a_probe(&processes, 6, SECOND * 600).await;
    // Open for up to 30 s, put off by up to 30 s.
    assert!(longest <= 62.0, "{longest}");
}

#[tokio::test(start_paused = true)]
async fn one_that_is_called_probes_though_its_peers_take_the_leases_and_have_no_calls() {
    let store = InMemory::new();
    let processes = probing_processes(&store, &["a"], 20);
    time::sleep(SECOND * 5).await;
    run(&processes, SECOND, SECOND * 10, |_| false).await;
    assert!(states(&processes).into_iter().all(is_up));
    let longest = longest_without_a_probe(&processes, 1, SECOND * 1800).await;
    // Three peers have the lease for 5 s each, twice as long to its end.
    assert!(longest <= 62.0 + 30.0, "{longest}");
}

/// Counts the times that leases are asked for.
#[derive(Clone, Default)]
struct Asked(InMemory, std::sync::Arc<std::sync::Mutex<Vec<usize>>>);

impl breaker_fleet::Store for Asked {
    async fn exchange(
        &self,
        report: &breaker_fleet::store::Report,
    ) -> Result<breaker_fleet::store::View, breaker_fleet::StoreError> {
        self.0.exchange(report).await
    }

    async fn lease(
        &self,
        wanted: &[breaker_fleet::store::Lease],
    ) -> Result<Vec<bool>, breaker_fleet::StoreError> {
        self.1.lock().unwrap().push(wanted.len());
        // One after another, 200 of them would outlast the tick.
        time::sleep(Duration::from_millis(10)).await;
        self.0.lease(wanted).await
    }
}

#[tokio::test(start_paused = true)]
async fn the_leases_of_a_tick_are_asked_for_at_once() {
    let store = Asked::default();
    let process = Process::start(&store, "z", 1);
    let mut circuits = Vec::new();
    for n in 0..200 {
        let circuit = Circuit::builder(format!("c{n}"))
            .trip(Trip::consecutive_failures(1))
            .open_time(OpenTime::fixed(SECOND * 9));
        circuits.push(circuit.build().unwrap());
        process.registry.add(&circuits[n]).unwrap();
    }
    time::sleep(SECOND * 5).await;
    for circuit in &circuits {
        circuit.try_acquire().unwrap().record(Outcome::Failure);
    }
    time::sleep(SECOND * 12).await;
    assert_eq!(store.1.lock().unwrap()[..], [200]);
    assert!(process.fleet.is_connected() && process.events().is_empty());
}

#[tokio::test(start_paused = true)]
async fn good_news_reaches_all_and_they_do_not_probe_all_at_once() {
    let store = InMemory::new();
    let processes = probing_processes(&store, &["a"], 60);
    time::sleep(SECOND * 5).await;
    run(&processes, SECOND, SECOND * 30, |_| false).await;
    assert!(states(&processes).into_iter().all(is_up));
    let (mut closed, mut most) = (0, 0);
    for _ in 0..120 {
        run(&processes, SECOND, SECOND, |_| true).await;
        let now = states(&processes)
            .iter()
            .filter(|state| **state == State::Closed)
            .count();
        most = most.max(now.saturating_sub(closed));
        closed = now;
    }
    assert_eq!(closed, 60);
    assert!(most <= 30, "{most} in a second");
}

#[tokio::test(start_paused = true)]
async fn bad_settings_are_errors_that_say_what_is_taken() {
    let builder = || Fleet::builder(&Registry::new(), InMemory::new());
    let error = |builder: breaker_fleet::FleetBuilder| builder.build().err().unwrap().to_string();
    let names = "takes 1 to 64 of letters, digits, -, _ and .";
    assert_eq!(
        error(builder().zone("eu 1")),
        format!("zone = \"eu 1\": {names}")
    );
    assert_eq!(
        error(builder().namespace("")),
        format!("namespace = \"\": {names}")
    );
    assert_eq!(
        error(builder().tick(SECOND * 60)),
        "tick = 60s: takes a duration from 100 ms to 10 s"
    );
}

#[tokio::test(start_paused = true)]
async fn policies_without_evidence_of_that_kind_take_no_credit_and_consecutive_failures_do() {
    let failures = |trip: Trip| async move {
        let store = InMemory::new();
        let mut all = Vec::new();
        for seed in 0..6 {
            let circuit = Circuit::builder("pay").trip(trip);
            all.push(Process::with(
                store.clone(),
                "z",
                seed,
                circuit,
                SECOND,
                |it| it,
            ));
        }
        time::sleep(SECOND * 5).await;
        for process in &all[1..] {
            process.trips().await;
        }
        time::sleep(SECOND * 3).await;
        (0..100).take_while(|_| all[0].call(false)).count()
    };
    assert_eq!(failures(Trip::consecutive_failures(8)).await, 1);
    assert_eq!(
        failures(Trip::failure_rate(
            breaker_layer::Percent(50.0),
            breaker_layer::Window::calls(20)
        ))
        .await,
        20
    );
}

#[tokio::test(start_paused = true)]
async fn circuits_whose_probes_are_waited_for_for_ever_recover_within_two_minutes() {
    let store = InMemory::new();
    let circuit = || {
        let probes = Probes::new(1).timeout(SECOND * 3600 * 24 * 25);
        let open_time = OpenTime::fixed(SECOND * 5);
        let circuit = Circuit::builder("pay").trip(Trip::consecutive_failures(5));
        circuit.open_time(open_time).probes(probes)
    };
    let start = |seed| Process::with(store.clone(), "z", seed, circuit(), SECOND, |it| it);
    let processes: Vec<_> = (1..=4).map(start).collect();
    time::sleep(SECOND * 5).await;
    for _ in 0..2 {
        run(&processes, SECOND, SECOND * 60, |_| false).await;
        assert!(states(&processes).into_iter().all(is_up));
        run(&processes, SECOND, SECOND * 120, |_| true).await;
        assert_eq!(states(&processes), [State::Closed; 4]);
    }
}

#[tokio::test(start_paused = true)]
async fn an_observer_that_panics_does_not_end_the_ticks() {
    let store = InMemory::new();
    let panics = |fleet: breaker_fleet::FleetBuilder| fleet.observe(|_| panic!("on purpose"));
    let process = Process::with(store.clone(), "z", 1, default(), SECOND, panics);
    time::sleep(SECOND * 2).await;
    store.set_down(true);
    time::sleep(SECOND * 10).await;
    store.set_down(false);
    time::sleep(SECOND * 40).await;
    assert_eq!(process.events(), ["Degraded", "Back"]);
    assert!(process.fleet.is_connected());
}
