//! What a console says of the fleet that its process is in.

mod support;

use std::{future::pending, time::Duration};

use breaker_console::Console;
use breaker_fleet::{
    Fleet, InMemory, Order, Store, StoreError,
    store::{Lease, Report, View},
};
use breaker_layer::{Circuit, Registry};
use http::Request;
use serde_json::Value;
use support::{ask, circuit, fail, get, next};
use tokio::time::{Instant, sleep};

const TICK: Duration = Duration::from_secs(1);

struct Process {
    registry: Registry,
    payments: Circuit,
    fleet: Fleet,
}

impl Process {
    fn start(store: impl Store, zone: &str, seed: u64) -> Self {
        let registry = Registry::new();
        let payments = circuit(&registry, "payments");
        let fleet = Fleet::builder(&registry, store).zone(zone).seed(seed);
        let (fleet, ticks) = fleet.build().unwrap();
        tokio::spawn(ticks);
        Self {
            registry,
            payments,
            fleet,
        }
    }

    fn console(&self) -> Console {
        Console::new(&self.registry).fleet(&self.fleet)
    }
}

/// Three of the zone `a` and one of the zone `b`, that know each other.
async fn four() -> Vec<Process> {
    let store = InMemory::new();
    let zones = ["a", "a", "a", "b"].into_iter().zip(1..);
    let all = zones.map(|(zone, seed)| Process::start(store.clone(), zone, seed));
    let all = all.collect();
    sleep(TICK * 40).await;
    all
}

async fn json(console: &Console, query: &str) -> Value {
    serde_json::from_str(&get(console, query).await).unwrap()
}

#[tokio::test(start_paused = true)]
async fn who_lives_and_who_is_against_a_circuit_is_on_the_page_on_its_own_page_and_in_json() {
    let all = four().await;
    let console = all[0].console();
    let page = get(&console, "/").await;
    assert!(page.contains("Connected: hears 3 other processes, 2 of its zone <bdi>a</bdi>."));
    assert!(!page.contains("peers against it"));
    all[2..].iter().for_each(|peer| fail(&peer.payments, 3));
    fail(&all[0].payments, 1);
    sleep(TICK * 3).await;
    let page = get(&console, "/").await;
    assert!(page.contains("2 of 3 peers against it"), "{page}");
    let own = get(&console, "/?circuit=payments").await;
    for said in [
        "<dt>Own vote</dt><dd>1 of 4 failures</dd>",
        "<dt>Peers against it</dt><dd>2 of 3 <span class=\"dim\">(own zone 1 of 2, others 1 of 1)</span>",
        "<dt>Credit</dt><dd>2 failures fewer</dd>",
    ] {
        assert!(own.contains(said), "{said} in {own}");
    }
    let whole = json(&console, "/?json").await;
    assert_eq!(whole["fleet"]["peers"], 3);
    assert_eq!(whole["fleet"]["is_connected"], true);
    let one = json(&console, "/?json&circuit=payments").await;
    for one in [&whole["circuits"][0], &one] {
        let said = &one["fleet"];
        assert_eq!(
            (&said["vote"], &said["takes_credit"]),
            (&1.0.into(), &true.into())
        );
        assert_eq!((&said["against"], &said["heard"]), (&2.into(), &3.into()));
        assert_eq!(
            (&said["zone_against"], &said["zone_heard"]),
            (&1.into(), &2.into())
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_tells_what_peers_say_as_it_changes() {
    let all = four().await;
    let console = all[0].console();
    let mut stream = ask(&console, Request::get("/?events"), "")
        .await
        .into_body();
    let whole = next(&mut stream).await;
    assert!(whole.contains("id=\"r0\"") && whole.contains("Connected"));
    fail(&all[3].payments, 3);
    let row = next(&mut stream).await;
    assert!(row.starts_with("event: rows\n") && row.contains("1 of 3 peers against it"));
    assert!(!row.contains("Connected"), "the fleet itself is as before");
}

#[tokio::test(start_paused = true)]
async fn an_order_says_who_gave_it_until_when_and_how_many_have_done_it_and_nothing_in_it_runs() {
    let all = four().await;
    let console = all[0].console();
    let evil = "<script>alert(1)</script>\u{202e}\"'\nevent: all\n";
    let order = Order::isolate("payments").because(evil).by(evil);
    all[1].fleet.order(order.lasts(TICK * 600)).await.unwrap();
    let other = Order::reset(evil).key(evil).zone("b").by("ann");
    all[1].fleet.order(other).await.unwrap();
    sleep(TICK * 3).await;
    // The first look has the store asked.
    get(&console, "/").await;
    sleep(TICK / 10).await;
    let page = get(&console, "/").await;
    assert!(
        page.contains("done by 4 of 4, <span class=\"until\">ends in "),
        "{page}"
    );
    assert!(page.contains("done by 0 of 1, not here"), "{page}");
    assert!(page.contains("in zone <bdi>b</bdi> by <bdi>ann</bdi>"));
    let mut stream = ask(&console, Request::get("/?events"), "")
        .await
        .into_body();
    let event = next(&mut stream).await;
    assert_eq!(
        event.lines().filter(|line| !line.is_empty()).count(),
        2,
        "{event}"
    );
    for text in [&page, &event] {
        assert!(!text.contains("<script>alert") && !text.contains('\u{202e}'));
        assert!(text.contains("&lt;script&gt;alert(1)"));
    }
    let said = json(&console, "/?json").await;
    let orders = said["fleet"]["orders"].as_array().unwrap();
    let of = |act: &str| orders.iter().find(|order| order["act"] == act).unwrap();
    assert_eq!(
        (&of("isolate")["done"], &of("isolate")["of"]),
        (&4.into(), &4.into())
    );
    assert_eq!(of("isolate")["by"], evil);
    assert!((590..600).contains(&of("isolate")["ends_in_secs"].as_u64().unwrap()));
    assert_eq!(of("reset")["is_done_here"], false);
    // It ends, also in what is shown.
    sleep(TICK * 605).await;
    get(&console, "/").await;
    sleep(TICK / 10).await;
    assert!(!get(&console, "/").await.contains("done by 4 of 4"));
}

#[derive(Debug)]
struct Fails;

impl Store for Fails {
    async fn exchange(&self, _: &Report) -> Result<View, StoreError> {
        Err(StoreError::new("<script>\u{202e}no way"))
    }

    async fn lease(&self, wanted: &[Lease]) -> Result<Vec<bool>, StoreError> {
        Ok(vec![false; wanted.len()])
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_is_said_so_with_its_words_which_do_not_run() {
    let process = Process::start(Fails, "a", 1);
    sleep(TICK * 10).await;
    let page = get(&process.console(), "/").await;
    assert!(page.contains("<strong>Degraded</strong>: the store has never answered"));
    assert!(page.contains("&lt;script&gt;\\u{202e}no way"), "{page}");
    let said = json(&process.console(), "/?json").await;
    assert_eq!(said["fleet"]["is_connected"], false);
    assert_eq!(said["fleet"]["heard_secs_ago"], Value::Null);
}

/// Answers what a tick asks, and never who has done which order.
#[derive(Debug)]
struct Hangs(InMemory);

impl Store for Hangs {
    async fn exchange(&self, report: &Report) -> Result<View, StoreError> {
        match report.puts.is_empty() {
            true => pending().await,
            false => self.0.exchange(report).await,
        }
    }

    async fn lease(&self, wanted: &[Lease]) -> Result<Vec<bool>, StoreError> {
        self.0.lease(wanted).await
    }
}

#[tokio::test(start_paused = true)]
async fn no_page_waits_for_the_store() {
    let process = Process::start(Hangs(InMemory::new()), "a", 1);
    sleep(TICK / 2).await;
    let (console, begun) = (process.console(), Instant::now());
    for _ in 0..3 {
        assert!(
            get(&console, "/")
                .await
                .contains("Connected: hears 0 other processes")
        );
    }
    assert_eq!(begun.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn without_a_fleet_a_page_says_nothing_of_one() {
    let all = four().await;
    let console = Console::new(&all[0].registry);
    for query in ["/", "/?circuit=payments"] {
        let page = get(&console, query).await.to_lowercase();
        assert!(!page.contains("fleet") && !page.contains("peers"));
    }
    assert_eq!(json(&console, "/?json").await["fleet"], Value::Null);
}
