//! The one loop: a tick, its time limit, and the back-off.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use breaker_layer::{Circuit, Registry, fleet::Level};

use crate::{
    event::Event,
    fleet::Shared,
    member::{Mine, Vote, random::Random, roll::STILL, watched::Step},
    order::{Act, Kept, Order},
    store::StoreError,
    wire,
};

/// While the store does not answer, it is asked this seldom at the least.
const LONGEST_BACK_OFF: Duration = Duration::from_secs(30);
/// So many exchanges there are in a tick that hears something new: the usual one, votes and orders, and for how long those go on.
const ROUNDS: usize = 3;
/// So many circuits are looked at before other tasks have their turn.
const AT_ONCE: usize = 1024;

/// How it stands with the store.
#[derive(Clone, Debug, Default)]
pub(crate) struct Link {
    /// When the last tick ended that had all its answers.
    pub(crate) heard_at: Option<Duration>,
    pub(crate) failed: u64,
    pub(crate) error: Option<StoreError>,
    /// Since when it has not answered, once that is told.
    degraded_at: Option<Duration>,
    /// How many exchanges have failed since the last that did not.
    row: u32,
}

impl Link {
    /// For how long what was heard still holds: for three ticks.
    fn holds_for(&self, now: Duration, pace: Duration) -> Duration {
        let ticks = u32::try_from(STILL).unwrap_or(u32::MAX);
        let until = self.heard_at.unwrap_or_default() + pace.saturating_mul(ticks);
        until.saturating_sub(now)
    }

    /// Whether the store has answered within the last three ticks.
    pub(crate) fn is_up(&self, now: Duration, pace: Duration) -> bool {
        self.heard_at.is_some() && !self.holds_for(now, pace).is_zero()
    }
}

/// Once nothing ticks any more, nothing is heard.
struct Ends;

impl Drop for Ends {
    fn drop(&mut self) {
        gauge(false);
    }
}

/// Ticks for ever. Once it is dropped the others hear this process no longer, and the credit that it gave its circuits lapses; orders stay.
pub(crate) async fn run(shared: Arc<Shared>) {
    let mut random = Random::of(shared.member().random.number());
    let _ends = Ends;
    loop {
        let begun = shared.now();
        // That the store is lost is told in time, too.
        let limit = shared.pace.min(told_within(&shared));
        let result = tokio::time::timeout(limit, tick(&shared)).await;
        let wait = match result.unwrap_or_else(|_| Err(too_late(shared.pace))) {
            Ok(()) => {
                answered(&shared);
                // Not in step with the others, whenever they started.
                shared.pace.mul_f64(0.95 + 0.1 * random.share())
            }
            Err(error) => {
                let row = failed(&shared, error);
                let longest = shared
                    .pace
                    .saturating_mul(1 << row.min(10))
                    .min(LONGEST_BACK_OFF);
                longest.mul_f64(0.5 + 0.5 * random.share())
            }
        };
        end_orders(&shared);
        let rest = (begun + wait).saturating_sub(shared.now());
        let rest = rest.min(told_within(&shared));
        tokio::time::sleep(rest.max(Duration::from_millis(1))).await;
    }
}

/// After how long it is told that the store is lost, unless it answers before.
fn told_within(shared: &Shared) -> Duration {
    let link = shared.link();
    match link.degraded_at {
        Some(_) => Duration::MAX,
        None => link.holds_for(shared.now(), shared.pace),
    }
}

pub(crate) fn too_late(limit: Duration) -> StoreError {
    StoreError::new(format_args!("no answer within {limit:?}"))
}

fn answered(shared: &Shared) {
    let now = shared.now();
    let degraded_at = {
        let mut link = shared.link();
        (link.heard_at, link.error, link.row) = (Some(now), None, 0);
        link.degraded_at.take()
    };
    gauge(true);
    if let Some(at) = degraded_at {
        shared.tell(&Event::Back {
            after: now.saturating_sub(at),
        });
    }
}

/// Says how many exchanges have failed in a row.
fn failed(shared: &Shared, error: StoreError) -> u32 {
    let now = shared.now();
    let (row, is_news) = {
        let mut link = shared.link();
        link.failed = link.failed.saturating_add(1);
        link.row = link.row.saturating_add(1);
        link.error = Some(error.clone());
        let is_lost = link.holds_for(now, shared.pace).is_zero();
        let is_news = is_lost && link.degraded_at.is_none();
        if is_news {
            link.degraded_at = Some(now);
        }
        (link.row, is_news)
    };
    if is_news {
        shared.member().lost();
        gauge(false);
        shared.tell(&Event::Degraded(error));
    }
    row
}

/// `breaker_fleet_connected`, with the feature `metrics`.
fn gauge(is_up: bool) {
    #[cfg(feature = "metrics")]
    metrics::gauge!("breaker_fleet_connected").set(if is_up { 1.0 } else { 0.0 });
    #[cfg(not(feature = "metrics"))]
    let _ = is_up;
}

async fn tick(shared: &Shared) -> Result<(), StoreError> {
    let mut found = Found::default();
    found.gather(shared).await;
    let mut report = shared.member().report(&found.mine);
    for round in 1..=ROUNDS {
        let view = shared.store.exchange(&report).await?;
        shared.member().view(shared.now(), view);
        found.look_for(shared);
        match shared.member().more(&found.mine) {
            Some(more) if round < ROUNDS => report = more,
            Some(_) | None => break,
        }
    }
    let steps = shared.member().steps(&found.mine);
    let Found { mine, circuits, .. } = found;
    let lasts = shared.pace * 3;
    let mut asking = Vec::new();
    for (at, step) in steps {
        let (circuit, of) = (&circuits[at], mine[at].vote.generation);
        match step {
            Step::Credit(credit) => circuit.credit(of, credit, lasts),
            Step::PutOff(wait) => circuit.put_off(of, wait),
            Step::PeerProbed => circuit.peer_probed(of),
            Step::ComeDue(wait) => circuit.come_due(of, wait),
            Step::Follow { open, of: all } => {
                circuit.follow(
                    of,
                    format!("{open} of {all} processes of the fleet are open"),
                );
            }
            Step::Lease => {
                // Until it has the lease.
                circuit.put_off(of, lasts);
                asking.push(at);
            }
        }
    }
    obey(shared);
    ask_leases(shared, &mine, &circuits, &asking).await
}

/// Asks for the leases to probe, in one round trip.
async fn ask_leases(
    shared: &Shared,
    mine: &[Mine],
    circuits: &[Circuit],
    asking: &[usize],
) -> Result<(), StoreError> {
    if asking.is_empty() {
        return Ok(());
    }
    let wanted: Vec<_> = {
        let member = shared.member();
        asking.iter().map(|&at| member.lease(&mine[at])).collect()
    };
    let got = shared.store.lease(&wanted).await?;
    for (&at, is_got) in asking.iter().zip(got) {
        let vote = mine[at].vote;
        let put_off = shared.member().leased(&mine[at], is_got);
        match put_off {
            Some(wait) => circuits[at].put_off(vote.generation, wait),
            None => circuits[at].come_due(vote.generation, vote.due_in.unwrap_or_default()),
        }
    }
    Ok(())
}

/// The circuits that matter in this tick, and what each says.
#[derive(Default)]
struct Found {
    mine: Vec<Mine>,
    circuits: Vec<Circuit>,
    places: BTreeMap<String, usize>,
}

impl Found {
    /// Those with something against their downstream, and those that somebody spoke of in the tick before.
    async fn gather(&mut self, shared: &Shared) {
        let registry = &shared.registry;
        let tables: Vec<String> = registry
            .tables()
            .map(|table| table.name().to_owned())
            .collect();
        for (count, found) in registry.iter().enumerate() {
            if count % AT_ONCE == AT_ONCE - 1 {
                tokio::task::yield_now().await;
            }
            let (vote, circuit) = (Vote::from(found.circuit().vote()), found.circuit());
            let is_quiet = vote.level == Level::NONE;
            // Circuits of a table without names cannot be told apart.
            let is_nameless =
                || found.key().is_none() && tables.iter().any(|table| table == found.name());
            if is_quiet || is_nameless() {
                continue;
            }
            if let Some(name) = wire::circuit(found.name(), found.key()) {
                self.add(shared, name, vote, circuit.clone());
            }
        }
        self.look_for(shared);
    }

    /// Those that somebody speaks of, if this process has them.
    fn look_for(&mut self, shared: &Shared) {
        let spoken_of = shared.member().spoken_of();
        for name in spoken_of {
            let parts = wire::parts(&name).filter(|_| !self.places.contains_key(&name));
            let circuit =
                parts.and_then(|(circuit, key)| shared.registry.find(&circuit, key.as_deref()));
            if let Some(circuit) = circuit {
                self.add(shared, name, circuit.vote().into(), circuit);
            }
        }
    }

    /// Of two with one name the later one is heard.
    fn add(&mut self, shared: &Shared, name: String, vote: Vote, circuit: Circuit) {
        let follows = shared.follows.contains(&name);
        let one = Mine {
            name,
            vote,
            follows,
        };
        match self.places.get(&one.name) {
            Some(&at) => (self.mine[at], self.circuits[at]) = (one, circuit),
            None => {
                self.places.insert(one.name.clone(), self.mine.len());
                self.mine.push(one);
                self.circuits.push(circuit);
            }
        }
    }
}

/// Does the orders that are to be done, and for which there is a circuit.
fn obey(shared: &Shared) {
    let now = shared.now();
    let due = shared.member().orders.due(now);
    for (kept, ends) in due {
        let note = kept.order.note(&kept.id);
        let left = ends.map(|ends| ends.saturating_sub(now));
        if command(&shared.registry, &kept.order, &note, left) {
            shared.member().did(&kept);
            let Kept { id, order, .. } = kept;
            shared.tell(&Event::Ordered { id, order });
        }
    }
}

/// Ends the orders whose time is over, whether the store is there or not.
fn end_orders(shared: &Shared) {
    let ended = shared.member().orders.ended(shared.now());
    for Kept { id, order, .. } in ended {
        end(&shared.registry, &order, &order.note(&id));
        shared.tell(&Event::OrderEnded { id, order });
    }
}

/// Whether there was something to command. An isolation ends by itself, too, should nothing tick any more.
fn command(registry: &Registry, order: &Order, note: &str, left: Option<Duration>) -> bool {
    let (name, key) = (order.circuit(), order.of_key());
    if let Some(circuit) = registry.find(name, key) {
        let operator = circuit.because(note);
        match (order.act(), left) {
            (Act::Isolate, None) => operator.isolate(),
            (Act::Isolate, Some(left)) => operator.isolate_for(left),
            (Act::Disable, _) => operator.disable(),
            (Act::ObserveOnly, _) => operator.observe_only(),
            (Act::Reset, _) => operator.reset(),
        }
        return true;
    }
    let table = registry.table(name).filter(|_| key.is_none());
    let Some(table) = table.map(|table| table.because(note)) else {
        return false;
    };
    match (order.act(), left) {
        (Act::Isolate, None) => table.isolate(),
        (Act::Isolate, Some(left)) => table.isolate_for(left),
        (Act::Disable, _) => table.disable(),
        (Act::ObserveOnly, _) => table.observe_only(),
        (Act::Reset, _) => table.reset(),
    }
    true
}

/// Resets what is still under this order.
fn end(registry: &Registry, order: &Order, note: &str) {
    let (name, key) = (order.circuit(), order.of_key());
    let over = "the fleet's order is over";
    if let Some(circuit) = registry.find(name, key) {
        circuit.because(over).reset_if(note);
    } else if let Some(table) = registry.table(name).filter(|_| key.is_none()) {
        table.because(over).reset_if(note);
    }
}
