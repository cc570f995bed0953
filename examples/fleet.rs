//! Three processes call one downstream and vote on it through a real redis-server, all on loopback. The downstream fails: together they need fewer failed
//! calls than each would alone. It comes back. One process alone loses its way to it, and opens only itself. An operator isolates all three at once. Redis is killed, and no call notices.
//!
//! It starts itself again for each process. It needs redis-server: `apt-get install redis-server`.

use std::net::Ipv4Addr;
use std::process::{Child as Server, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use breaker_examples::{Downstream, Mood};
use breaker_fleet::{Event, Fleet, Order, Redis};
use breaker_layer::http::ServerErrors;
use breaker_layer::{Circuit, OpenTime, Probes, Registry, TransitionEvent, Trip};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, ChildStdin};
use tokio::time;

const PROCESSES: [&str; 3] = ["shop-1", "shop-2", "shop-3"];
/// So many failures in a row open a circuit that is alone.
const THRESHOLD: u32 = 10;
const BETWEEN_CALLS: Duration = Duration::from_millis(500);
const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    match &arguments[..] {
        [] => story().await,
        [name, redis, url] => process(name, redis, url.clone()).await,
        _ => bail!("it takes no arguments"),
    }
}

/// One of the three: a call every half second, for ever. A line on its input is another address to call.
async fn process(name: &str, redis: &str, mut url: String) -> Result<()> {
    let said = name.to_owned();
    let registry = Registry::new();
    let prices = Circuit::builder("prices")
        .trip(Trip::consecutive_failures(THRESHOLD))
        .open_time(OpenTime::exponential(
            Duration::from_secs(1),
            Duration::from_secs(4),
        ))
        .probes(Probes::new(1).timeout(Duration::from_secs(2)))
        .observe(move |event: &TransitionEvent<'_>| println!("{said}: {event}"))
        .build()?;
    registry.add(&prices)?;

    let said = name.to_owned();
    let (fleet, ticks) = Fleet::builder(&registry, Redis::open(redis)?)
        .namespace("example")
        .zone("here")
        .observe(move |event: &Event| println!("{said}: {event}"))
        .build()?;
    tokio::spawn(ticks);

    let mut knows_all = false;
    let mut input = BufReader::new(tokio::io::stdin()).lines();
    let mut calls = time::interval(BETWEEN_CALLS);
    let client = reqwest::Client::builder().timeout(BETWEEN_CALLS).build()?;
    loop {
        tokio::select! {
            line = input.next_line() => match line? {
                Some(line) => url = line,
                None => return Ok(()),
            },
            _ = calls.tick() => {
                let call = async { client.get(&url).send().await.map(http::Response::from) };
                // What became of it is the circuit's to tell.
                let _ = prices.run_with(&ServerErrors::new(), call).await;
            }
        }
        if !knows_all && fleet.snapshot().peers + 1 == PROCESSES.len() {
            knows_all = true;
            println!("{name}: knows the others");
        }
    }
}

async fn story() -> Result<()> {
    if Command::new("redis-server")
        .arg("--version")
        .stdout(Stdio::null())
        .status()
        .is_err()
    {
        println!(
            "redis-server is missing, so there is no story to tell: apt-get install redis-server"
        );
        return Ok(());
    }
    let mut redis = Store::start().await?;
    let downstream = Downstream::start().await?;
    let mut all = Vec::new();
    for name in PROCESSES {
        all.push(Process::start(name, &redis.address, &downstream.url("/"))?);
    }
    for process in &all {
        process.says("knows the others").await?;
    }

    println!("== the downstream fails");
    let before = downstream.reached();
    downstream.set(Mood::Failing);
    for process in &all {
        process.says("closed -> open").await?;
    }
    let failed = downstream.reached() - before;
    let alone = u64::from(THRESHOLD) * 3;
    println!("== {failed} calls have failed. Alone, it would have taken {alone}");
    ensure!(failed < alone, "the fleet did not help");

    println!("== the downstream is back");
    downstream.set(Mood::Healthy);
    for process in &all {
        process.says("-> closed").await?;
    }

    println!("== shop-3 alone loses its way to the downstream");
    let nowhere = format!("http://{}:1/", Ipv4Addr::LOCALHOST);
    all.iter().for_each(Process::forget);
    all[2].send(&nowhere).await?;
    all[2].says("closed -> open").await?;
    time::sleep(Duration::from_secs(3)).await;
    for process in &all[..2] {
        ensure!(
            !process.has_said("->"),
            "{} was talked into something",
            process.name
        );
    }
    println!("== the others go on. Now it has found it again");
    all[2].send(&downstream.url("/")).await?;
    all[2].says("-> closed").await?;

    println!("== an operator isolates prices everywhere");
    // A handle for orders needs no ticks of its own.
    let (operator, _) = Fleet::builder(&Registry::new(), Redis::open(&*redis.address)?)
        .namespace("example")
        .build()?;
    operator
        .order(
            Order::isolate("prices")
                .because("their database moves")
                .by("ann"),
        )
        .await?;
    for process in &all {
        process.says("-> isolated").await?;
    }
    // It is told with the next tick.
    let done = async {
        loop {
            let orders = operator.orders().await?;
            let order = orders.first().context("the order is gone")?;
            if order.done == PROCESSES.len() {
                println!("== {}: done by {} of {}", order.order, order.done, order.of);
                return Ok::<_, anyhow::Error>(());
            }
            time::sleep(Duration::from_millis(100)).await;
        }
    };
    time::timeout(PATIENCE, done).await??;
    all.iter().for_each(Process::forget);
    operator.order(Order::reset("prices").by("ann")).await?;
    for process in &all {
        process.says("-> closed").await?;
    }

    println!("== Redis is killed");
    redis.server.kill()?;
    for process in &all {
        process.says("does not answer").await?;
    }
    let before = downstream.reached();
    while downstream.reached() < before + 9 {
        time::sleep(Duration::from_millis(50)).await;
    }
    println!("== the calls go on, each process decides alone");
    Ok(())
}

/// A redis-server on a free port, until it is dropped.
struct Store {
    server: Server,
    address: String,
}

impl Store {
    async fn start() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        drop(listener);
        let server = Command::new("redis-server")
            .args([
                "--port",
                &port.to_string(),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--appendonly",
                "no",
            ])
            .stdout(Stdio::null())
            .spawn()?;
        let address = format!("redis://{}:{port}/", Ipv4Addr::LOCALHOST);
        let client = redis::Client::open(&*address)?;
        let answers = async {
            while client.get_multiplexed_async_connection().await.is_err() {
                time::sleep(Duration::from_millis(20)).await;
            }
        };
        let store = Self { server, address };
        time::timeout(PATIENCE, answers)
            .await
            .context("redis-server does not answer")?;
        Ok(store)
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = (self.server.kill(), self.server.wait());
    }
}

/// One of the three processes, until it is dropped; and what it has said.
struct Process {
    name: &'static str,
    input: tokio::sync::Mutex<ChildStdin>,
    said: Arc<Mutex<Vec<String>>>,
    _child: Child,
}

impl Process {
    fn start(name: &'static str, redis: &str, url: &str) -> Result<Self> {
        let mut child = tokio::process::Command::new(std::env::current_exe()?)
            .args([name, redis, url])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let input = child.stdin.take().context("it has an input")?;
        let mut lines = BufReader::new(child.stdout.take().context("it has an output")?).lines();
        let said = Arc::<Mutex<Vec<String>>>::default();
        let all = said.clone();
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                println!("   {line}");
                all.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(line);
            }
        });
        Ok(Self {
            name,
            input: input.into(),
            said,
            _child: child,
        })
    }

    async fn send(&self, line: &str) -> Result<()> {
        Ok(self
            .input
            .lock()
            .await
            .write_all(format!("{line}\n").as_bytes())
            .await?)
    }

    fn has_said(&self, part: &str) -> bool {
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        said.iter().any(|line| line.contains(part))
    }

    fn forget(&self) {
        self.said
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    /// Waits until it has said this.
    async fn says(&self, part: &str) -> Result<()> {
        let wait = async {
            while !self.has_said(part) {
                time::sleep(Duration::from_millis(20)).await;
            }
        };
        let name = self.name;
        time::timeout(PATIENCE, wait)
            .await
            .with_context(|| format!("{name} never said `{part}`"))
    }
}
