//! Against a real redis-server, and what can happen to it. Where none is installed these tests say so and do nothing.
#![cfg(feature = "redis")]

mod support;

use std::{
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};

use breaker_fleet::{
    Order, Redis, Store, StoreError,
    store::{Lease, Report, View},
};
use breaker_layer::{Circuit, OpenTime, State, Trip};
use support::{
    Process, SECOND,
    server::{Proxy, Server, free_port, is_installed, until},
};

const TICK: Duration = Duration::from_millis(100);
/// So many failures in a row trip it.
const FAILURES: usize = 6;

fn process(address: &str, zone: &str, seed: u64) -> Process {
    ticking(address, zone, seed, TICK)
}

fn ticking(address: &str, zone: &str, seed: u64, tick: Duration) -> Process {
    let circuit = Circuit::builder("pay")
        .trip(Trip::consecutive_failures(6))
        .open_time(OpenTime::fixed(SECOND * 600));
    Process::with(
        Redis::open(address).unwrap(),
        zone,
        seed,
        circuit,
        tick,
        |it| it,
    )
}

async fn fleet(address: &str, many: u64) -> Vec<Process> {
    let all: Vec<_> = (0..many).map(|seed| process(address, "z", seed)).collect();
    acquainted(&all).await;
    all
}

/// Waits until all hear of all.
async fn acquainted(all: &[Process]) {
    until("all hear of all", || async {
        let know = |process: &Process| {
            let snapshot = process.fleet.snapshot();
            snapshot.is_connected && snapshot.peers + 1 == all.len()
        };
        all.iter().all(know)
    })
    .await;
}

/// How many calls fail until it trips.
fn failures(process: &Process) -> usize {
    (0..100).take_while(|_| process.call(false)).count()
}

/// All but the first trip, which gives the first one credit.
async fn all_but_the_first_trip(all: &[Process]) {
    for process in &all[1..] {
        process.trips().await;
    }
    until("credit", || async {
        all[0]
            .fleet
            .snapshot()
            .circuits
            .iter()
            .any(|heard| heard.has_credit)
    })
    .await;
}

/// Nothing is as before the fault but that the processes decide alone; and after it all is as before it.
async fn is_as_without_it(all: &[Process], fault: impl AsyncFnOnce(), heal: impl AsyncFnOnce()) {
    all_but_the_first_trip(all).await;
    fault().await;
    until("all are told", || async {
        all.iter().all(|process| process.events() == ["Degraded"])
    })
    .await;
    // Credit has lapsed, and what is open stays so.
    assert!(all[1..].iter().all(|process| process.circuit.is_open()));
    assert_eq!(failures(&all[0]), FAILURES);
    all.iter().for_each(|process| process.circuit.reset());
    assert!((0..1000).all(|_| all[0].call(true)));
    heal().await;
    until("all are told", || async {
        all.iter()
            .all(|process| process.events() == ["Degraded", "Back"])
    })
    .await;
    acquainted(all).await;
    all_but_the_first_trip(all).await;
    assert!(failures(&all[0]) < FAILURES);
}

macro_rules! skip_without_redis {
    () => {
        if !is_installed() {
            return;
        }
    };
}

#[tokio::test]
async fn over_a_real_redis_votes_are_heard_and_orders_are_done() {
    skip_without_redis!();
    let server = Server::start(&[]).await;
    works(&server).await;
}

#[tokio::test]
async fn a_cluster_of_one_serves() {
    skip_without_redis!();
    let server = Server::start(&["--cluster-enabled", "yes"]).await;
    // Redis 6.2 has no ADDSLOTSRANGE.
    let mut slots = redis::cmd("CLUSTER");
    slots.arg("ADDSLOTS").arg((0..16384).collect::<Vec<u32>>());
    server.send(&mut slots).await.unwrap();
    until("the cluster is up", || async {
        let info = format!("{:?}", server.command("CLUSTER INFO").await);
        info.contains("cluster_state:ok")
    })
    .await;
    works(&server).await;
}

async fn works(server: &Server) {
    let mut all = fleet(&server.address(), 5).await;
    for process in &all[1..] {
        process.trips().await;
    }
    until("the credit of four that are open", || async {
        let credit = all[0].circuit.snapshot().credit;
        credit.is_some_and(|credit| credit.failures() == 8.0)
    })
    .await;
    let snapshot = all[0].fleet.snapshot();
    let heard = &snapshot.circuits[0];
    assert_eq!((&*heard.circuit, heard.heard), ("pay", 4));
    assert_eq!(failures(&all[0]), 1);
    let order = Order::isolate("pay")
        .because("why")
        .by("ann")
        .lasts(SECOND * 60);
    let id = all[2].fleet.order(order.clone()).await.unwrap();
    all.push(process(&server.address(), "z", 99));
    until("all do it", || async {
        all.iter()
            .all(|process| process.circuit.state() == State::Isolated)
    })
    .await;
    until("all have told that they did", || async {
        let ordered = all[4].fleet.orders().await.unwrap();
        let one = &ordered[0];
        assert!(one.left.unwrap() <= SECOND * 60);
        (ordered.len(), &one.id, &one.order) == (1, &id, &order) && (one.done, one.of) == (6, 6)
    })
    .await;
    // A flush is no reset.
    server.command("FLUSHALL").await;
    until("all are there again", || async {
        let ticks = server.command("HLEN {breaker:v1:test}:living").await;
        ticks == redis::Value::Int(6)
    })
    .await;
    assert!(
        all.iter()
            .all(|process| process.circuit.state() == State::Isolated)
    );
    assert!(all.iter().all(|process| process.events() == ["Ordered"]));
}

/// A store that counts the ticks of its process, and notes at the beginning of which one its circuit was isolated first.
#[derive(Clone)]
struct Ticks {
    redis: Arc<Redis>,
    circuit: Arc<OnceLock<Circuit>>,
    seen: Arc<Mutex<(usize, Option<usize>)>>,
}

impl Store for Ticks {
    async fn exchange(&self, report: &Report) -> Result<View, StoreError> {
        let view = self.redis.exchange(report).await?;
        // Each tick begins with a sign of life. What its answer brings is not done yet.
        if report.puts.iter().any(|put| put.hash.ends_with(":living")) {
            let mut seen = self.seen.lock().unwrap();
            seen.0 += 1;
            let circuit = self.circuit.get();
            if circuit.is_some_and(|circuit| circuit.state() == State::Isolated) {
                seen.1 = seen.1.or(Some(seen.0));
            }
        }
        Ok(view)
    }

    async fn lease(&self, wanted: &[Lease]) -> Result<Vec<bool>, StoreError> {
        self.redis.lease(wanted).await
    }
}

impl Ticks {
    fn start(address: &str, seed: u64) -> (Self, Process) {
        let store = Self {
            redis: Arc::new(Redis::open(address).unwrap()),
            circuit: Arc::default(),
            seen: Arc::default(),
        };
        // Long enough for a busy machine.
        let tick = SECOND / 2;
        let circuit = Circuit::builder("pay");
        let process = Process::with(store.clone(), "z", seed, circuit, tick, |it| it);
        store.circuit.set(process.circuit.clone()).unwrap();
        (store, process)
    }

    fn so_far(&self) -> usize {
        self.seen.lock().unwrap().0
    }

    /// Waits for so many ticks, and says whether the circuit was isolated by the beginning of the last of them.
    async fn is_isolated_by(&self, tick: usize) -> bool {
        until("so many ticks", || async { self.so_far() >= tick }).await;
        let at = self.seen.lock().unwrap().1;
        at.is_some_and(|at| at <= tick)
    }
}

#[tokio::test]
async fn an_order_is_done_in_the_first_tick_that_begins_after_it_and_in_the_first_of_all() {
    skip_without_redis!();
    let server = Server::start(&[]).await;
    let address = server.address();
    let all: Vec<_> = (0..6).map(|seed| Ticks::start(&address, seed)).collect();
    for (store, _) in &all {
        until("it ticks", || async { store.so_far() >= 3 }).await;
    }
    let order = Order::isolate("pay").lasts(SECOND * 600);
    all[0].1.fleet.order(order).await.unwrap();
    let so_far: Vec<_> = all.iter().map(|(store, _)| store.so_far()).collect();
    let late = Ticks::start(&address, 99);
    for ((store, _), so_far) in all.iter().zip(so_far) {
        // The one that is under way has looked already, maybe.
        assert!(store.is_isolated_by(so_far + 3).await);
    }
    assert!(late.0.is_isolated_by(2).await);
}

#[tokio::test]
async fn a_server_whose_clients_are_paused() {
    skip_without_redis!();
    for pause in ["CLIENT PAUSE 5000 ALL", "CLIENT PAUSE 5000 WRITE"] {
        let server = Server::start(&[]).await;
        let all = fleet(&server.address(), 4).await;
        let fault = async || drop(server.command(pause).await);
        // No command ends a pause that holds all of them back.
        is_as_without_it(&all, fault, async || {}).await;
    }
}

#[tokio::test]
async fn a_server_that_is_stopped() {
    skip_without_redis!();
    let server = Server::start(&[]).await;
    let all = fleet(&server.address(), 4).await;
    is_as_without_it(
        &all,
        async || server.signal("-STOP"),
        async || server.signal("-CONT"),
    )
    .await;
}

#[tokio::test]
async fn a_server_that_is_killed_and_comes_back_empty() {
    skip_without_redis!();
    let server = std::cell::RefCell::new(Server::start(&[]).await);
    let address = server.borrow().address();
    let all = fleet(&address, 4).await;
    #[expect(clippy::await_holding_refcell_ref, reason = "nobody else borrows it")]
    let heal = async || server.borrow_mut().restart().await;
    is_as_without_it(&all, async || server.borrow_mut().kill(), heal).await;
}

#[tokio::test]
async fn a_server_that_becomes_a_replica() {
    skip_without_redis!();
    let server = Server::start(&[]).await;
    let all = fleet(&server.address(), 4).await;
    let fault = async || drop(server.command("REPLICAOF 127.0.0.1 1").await);
    is_as_without_it(&all, fault, async || {
        drop(server.command("REPLICAOF NO ONE").await)
    })
    .await;
}

#[tokio::test]
async fn a_server_that_is_full() {
    skip_without_redis!();
    let server = Server::start(&["--maxmemory-policy", "noeviction"]).await;
    let all = fleet(&server.address(), 4).await;
    let fault = async || drop(server.command("CONFIG SET maxmemory 1").await);
    is_as_without_it(&all, fault, async || {
        drop(server.command("CONFIG SET maxmemory 0").await)
    })
    .await;
}

#[tokio::test]
async fn a_server_that_is_not_there_yet() {
    skip_without_redis!();
    let port = free_port().await;
    let address = format!("redis://127.0.0.1:{port}/");
    let all: Vec<_> = (0..3).map(|seed| process(&address, "z", seed)).collect();
    until("all are told", || async {
        all.iter().all(|process| process.events() == ["Degraded"])
    })
    .await;
    assert_eq!(failures(&all[0]), FAILURES);
    let _server = Server::start_at(port, &[]).await;
    acquainted(&all).await;
    assert!(
        all.iter()
            .all(|process| process.events() == ["Degraded", "Back"])
    );
}

#[tokio::test]
async fn a_proxy_that_cuts_one_process_off() {
    skip_without_redis!();
    let server = Server::start(&[]).await;
    let proxy = Proxy::start(server.port).await;
    let mut all: Vec<_> = (0..4)
        .map(|seed| process(&server.address(), "z", seed))
        .collect();
    all.push(process(&proxy.address(), "z", 4));
    acquainted(&all).await;
    proxy.cut();
    until("it is told", || async { all[4].events() == ["Degraded"] }).await;
    // The others go on without it.
    all[0].trips().await;
    until("it is dropped", || async {
        all[1].fleet.snapshot().peers == 3
    })
    .await;
    assert!(all[..4].iter().all(|process| process.events().is_empty()));
    assert_eq!(failures(&all[4]), FAILURES);
    // Its old connection never answers: it takes a new one.
    proxy.heal();
    acquainted(&all).await;
    assert_eq!(all[4].events(), ["Degraded", "Back"]);
}

#[tokio::test]
async fn a_server_whose_bytes_are_slow() {
    skip_without_redis!();
    let server = Server::start(&[]).await;
    let proxy = Proxy::start(server.port).await;
    let all = fleet(&proxy.address(), 4).await;
    is_as_without_it(&all, async || proxy.slow(), async || proxy.heal()).await;
}

#[tokio::test]
async fn garbage_in_every_field_and_ten_thousand_of_them_open_nobody() {
    skip_without_redis!();
    let server = Server::start(&[]).await;
    // Long enough for a busy machine to read all of it.
    let address = server.address();
    let start = |seed| ticking(&address, "z", seed, SECOND);
    let all: Vec<_> = (0..5).map(start).collect();
    acquainted(&all).await;
    // Somebody has something to say, so that all of it is read.
    all[0].call(false);
    let values: [&[u8]; 5] = [
        b"",
        b"z:16",
        b"\xff\xfe:16:1:o",
        b"z:99:1:o",
        &[b'x'; 100_000],
    ];
    let hashes =
        ["living", "hot", "c:pay", "orders"].map(|name| format!("{{breaker:v1:test}}:{name}"));
    for hash in &hashes {
        let mut set = redis::cmd("HSET");
        set.arg(hash);
        for n in 0..10_000 {
            set.arg(format!("stranger {n}")).arg(values[n % 4]);
        }
        set.arg("long").arg(values[4]);
        server.send(&mut set).await.unwrap();
    }
    until("all have seen it", || async {
        all.iter()
            .all(|process| process.fleet.snapshot().ignored > 20_000)
    })
    .await;
    assert!(all.iter().all(|process| !process.circuit.is_open()));
    assert!(
        all.iter()
            .all(|process| process.fleet.snapshot().peers <= 4)
    );
    assert!((0..1000).all(|_| all[1].call(true)));
    // Keys of another type are passed over, and everything else works on.
    for hash in &hashes[1..] {
        server.command(&format!("DEL {hash}")).await;
        server.command(&format!("SET {hash} nonsense")).await;
    }
    let ignored = all[2].fleet.snapshot().ignored;
    until("it is passed over", || async {
        all[2].fleet.snapshot().ignored > ignored + 3
    })
    .await;
    assert!(
        all.iter()
            .all(|process| process.events().is_empty() && process.fleet.is_connected())
    );
    assert!(all.iter().all(|process| !process.circuit.is_open()));
}
