//! Processes of one test, each with a registry, a circuit and a place in the fleet.

#![allow(dead_code, unreachable_pub, reason = "each test uses a part of it")]

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use breaker_fleet::{Event, Fleet, Store};
use breaker_layer::{Circuit, CircuitBuilder, OpenTime, Outcome, Registry, State};
use tokio::{task::JoinHandle, time};

#[cfg(feature = "redis")]
pub mod server;

pub const SECOND: Duration = Duration::from_secs(1);

pub struct Process {
    pub registry: Registry,
    pub circuit: Circuit,
    pub fleet: Fleet,
    pub events: Arc<Mutex<Vec<Event>>>,
    ticks: JoinHandle<()>,
}

/// The default policy, open for long.
pub fn default() -> CircuitBuilder {
    Circuit::builder("pay").open_time(OpenTime::fixed(SECOND * 600))
}

impl Process {
    pub fn start(store: &(impl Store + Clone), zone: &str, seed: u64) -> Self {
        Self::with(store.clone(), zone, seed, default(), SECOND, |it| it)
    }

    pub fn with(
        store: impl Store,
        zone: &str,
        seed: u64,
        circuit: CircuitBuilder,
        tick: Duration,
        more: impl FnOnce(breaker_fleet::FleetBuilder) -> breaker_fleet::FleetBuilder,
    ) -> Self {
        let (registry, circuit) = (Registry::new(), circuit.build().unwrap());
        registry.add(&circuit).unwrap();
        let events = Arc::<Mutex<Vec<Event>>>::default();
        let seen = events.clone();
        let fleet = Fleet::builder(&registry, store)
            .namespace("test")
            .zone(zone)
            .seed(seed)
            .tick(tick);
        let fleet = more(fleet).observe(move |event| seen.lock().unwrap().push(event.clone()));
        let (fleet, ticks) = fleet.build().unwrap();
        let ticks = tokio::spawn(ticks);
        Self {
            registry,
            circuit,
            fleet,
            events,
            ticks,
        }
    }

    /// Makes a call, and says whether it was let through.
    pub fn call(&self, is_good: bool) -> bool {
        let Ok(permit) = self.circuit.try_acquire() else {
            return false;
        };
        permit.record(if is_good {
            Outcome::Success
        } else {
            Outcome::Failure
        });
        true
    }

    /// Has it trip by failures of its own: what an operator opens says nothing against the downstream.
    pub async fn trips(&self) {
        while !self.circuit.is_open() {
            time::sleep(Duration::from_millis(20)).await;
            self.call(false);
        }
    }

    pub fn events(&self) -> Vec<String> {
        let name = |event: &Event| {
            format!("{event:?}")
                .split([' ', '(', '{'])
                .next()
                .unwrap()
                .to_owned()
        };
        self.events.lock().unwrap().iter().map(name).collect()
    }

    pub fn stop(self) {
        self.ticks.abort();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.ticks.abort();
    }
}

/// What calls came to.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Calls {
    pub failed: usize,
    pub refused_good: usize,
    pub refused_bad: usize,
    pub good: usize,
}

/// Each process makes a call every `between`, spread out; whether it is good is said by process. As long as told.
pub async fn run(
    processes: &[Process],
    between: Duration,
    span: Duration,
    mut is_good: impl FnMut(usize) -> bool,
) -> Calls {
    let mut calls = Calls::default();
    let many = u32::try_from(processes.len()).unwrap();
    let rounds = span.as_nanos() / between.as_nanos();
    for _ in 0..rounds {
        for (at, process) in processes.iter().enumerate() {
            time::sleep(between / many).await;
            let is_good = is_good(at);
            match (process.call(is_good), is_good) {
                (true, true) => calls.good += 1,
                (true, false) => calls.failed += 1,
                (false, true) => calls.refused_good += 1,
                (false, false) => calls.refused_bad += 1,
            }
        }
    }
    calls
}

pub fn states(processes: &[Process]) -> Vec<State> {
    processes
        .iter()
        .map(|process| process.circuit.state())
        .collect()
}

pub fn is_up(state: State) -> bool {
    matches!(state, State::Open | State::HalfOpen)
}
