//! What a fleet costs a real redis-server: `cargo test --release -p breaker-fleet --features redis --test sizing -- --ignored --nocapture`.
#![cfg(feature = "redis")]

mod support;

use std::time::Duration;

use breaker_fleet::{Fleet, Redis};
use breaker_layer::{Circuit, Outcome, Registry, Trip};
use support::server::{Server, is_installed, until};
use tokio::time;

/// Unless `PROCESSES` says otherwise: a small machine does not run as many.
const PROCESSES: u64 = 1000;
const CIRCUITS: usize = 1000;
const SPAN: u32 = 30;

/// What `INFO` says, once the server has time for it.
async fn info(server: &Server, section: &str) -> String {
    loop {
        let mut command = redis::cmd("INFO");
        if let Ok(redis::Value::BulkString(text)) = server.send(command.arg(section)).await {
            return String::from_utf8(text).unwrap();
        }
    }
}

/// A figure of `INFO`.
async fn figure(server: &Server, section: &str, name: &str) -> f64 {
    let text = info(server, section).await;
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let line = line.unwrap_or_default();
    let digits: String = line
        .chars()
        .take_while(|c| c.is_ascii_digit() || *c == '.')
        .collect();
    digits.parse().unwrap_or(0.0)
}

fn processes() -> u64 {
    let said = std::env::var("PROCESSES").ok();
    said.and_then(|said| said.parse().ok()).unwrap_or(PROCESSES)
}

async fn measure(server: &Server, what: &str) {
    const FIGURES: [(&str, &str); 4] = [
        ("stats", "total_commands_processed:"),
        ("stats", "total_net_input_bytes:"),
        ("stats", "total_net_output_bytes:"),
        ("cpu", "used_cpu_user_main_thread:"),
    ];
    let mut before = [0.0; 4];
    for (figure_before, (section, name)) in before.iter_mut().zip(FIGURES) {
        *figure_before = figure(server, section, name).await;
    }
    while server
        .send(redis::cmd("CONFIG").arg("RESETSTAT"))
        .await
        .is_err()
    {}
    time::sleep(Duration::from_secs(SPAN.into())).await;
    println!("{what}, a second, all {} processes together:", processes());
    for ((section, name), before) in FIGURES.into_iter().zip(before) {
        // The time of the processor is not reset.
        let before = if section == "cpu" { before } else { 0.0 };
        let value = (figure(server, section, name).await - before) / f64::from(SPAN);
        println!("  {name} {value:.3}");
    }
    let text = info(server, "commandstats").await;
    for line in text.lines().filter(|line| line.starts_with("cmdstat")) {
        println!("  {}", line.split(",usec").next().unwrap_or_default());
    }
    println!(
        "  used_memory: {}",
        figure(server, "memory", "used_memory:").await
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it measures, and asserts little"]
async fn a_thousand_quiet_processes_of_a_thousand_circuits() {
    if !is_installed() {
        return;
    }
    let server = Server::start(&["--maxclients", "4000"]).await;
    // They share the circuits: what is counted here is what they send.
    let registry = Registry::new();
    let circuits: Vec<_> = (0..CIRCUITS)
        .map(|number| {
            let circuit = Circuit::builder(format!("circuit-{number}"));
            circuit.trip(Trip::consecutive_failures(5)).build().unwrap()
        })
        .collect();
    circuits
        .iter()
        .for_each(|circuit| registry.add(circuit).unwrap());
    let mut all = Vec::new();
    for seed in 0..processes() {
        let zone = ["a", "b", "c"][usize::try_from(seed % 3).unwrap()];
        let store = Redis::open(server.address()).unwrap();
        let fleet = Fleet::builder(&registry, store)
            .namespace("sizing")
            .zone(zone)
            .seed(seed);
        let (fleet, ticks) = fleet.build().unwrap();
        tokio::spawn(ticks);
        all.push(fleet);
        time::sleep(Duration::from_millis(5)).await;
    }
    // On a busy machine a few of them may always be late.
    let connected = || all.iter().filter(|fleet| fleet.is_connected()).count();
    until("nearly all are connected", || async {
        connected() * 10 >= all.len() * 9
    })
    .await;
    time::sleep(Duration::from_secs(10)).await;
    measure(&server, "quiet").await;
    let failed: u64 = all.iter().map(|fleet| fleet.snapshot().failed).sum();
    println!("  failed exchanges so far: {failed}");
    for _ in 0..5 {
        circuits[0].try_acquire().unwrap().record(Outcome::Failure);
    }
    time::sleep(Duration::from_secs(10)).await;
    measure(&server, "one circuit open everywhere").await;
    println!("  peers: {}", all[0].snapshot().peers);
    println!(
        "  votes: {:?}",
        server.command("HLEN {breaker:v1:sizing}:c:circuit-0").await
    );
}

/// How long the calls take of which one in a thousand takes longer.
fn slowest(circuit: &Circuit) -> Duration {
    let mut took: Vec<_> = (0..500_000)
        .map(|_| {
            let begun = time::Instant::now();
            circuit.try_acquire().unwrap().record(Outcome::Success);
            begun.elapsed()
        })
        .collect();
    took.sort_unstable();
    took[took.len() * 999 / 1000]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it measures, and asserts little"]
async fn a_call_takes_as_long_whatever_happens_to_the_store() {
    if !is_installed() {
        return;
    }
    let mut server = Server::start(&[]).await;
    let alone = Circuit::builder("alone").build().unwrap();
    let process = support::Process::start(&SharedRedis::of(&server), "z", 1);
    until("it is connected", || async { process.fleet.is_connected() }).await;
    let told = |what: &str| {
        let (alone, fleet) = (slowest(&alone), slowest(&process.circuit));
        println!("{what}: the 99.9th percentile alone {alone:?}, in a fleet {fleet:?}");
    };
    told("the store is well");
    server.signal("-STOP");
    time::sleep(Duration::from_secs(2)).await;
    told("the store is stopped");
    server.signal("-CONT");
    server.kill();
    time::sleep(Duration::from_secs(2)).await;
    told("the store is gone");
}

/// The same server for whoever has a clone.
#[derive(Clone)]
struct SharedRedis(std::sync::Arc<Redis>);

impl SharedRedis {
    fn of(server: &Server) -> Self {
        Self(std::sync::Arc::new(Redis::open(server.address()).unwrap()))
    }
}

impl breaker_fleet::Store for SharedRedis {
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
        self.0.lease(wanted).await
    }
}
