//! What the console knows of the fleet that the process is in.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use breaker_fleet::{Fleet, Order, Ordered, Snapshot};
use breaker_layer::{Circuit, fleet::Vote};
use serde_json::{Value, json};
use tokio::{runtime::Handle, time::Instant};

/// How often the store is asked who has done which order, while somebody looks.
const EVERY: Duration = Duration::from_secs(2);

/// The fleet, and what the store said of its orders.
pub(crate) struct FleetWatch {
    fleet: Fleet,
    asked: Mutex<Asked>,
}

#[derive(Default)]
struct Asked {
    due: Option<Instant>,
    /// Whether the store has not answered yet.
    is_waiting: bool,
    answer: Option<(Instant, Vec<Ordered>)>,
}

/// The fleet at one moment.
pub(crate) struct FleetNow {
    pub(crate) snapshot: Snapshot,
    pub(crate) orders: Vec<OrderNow>,
}

/// An order in force.
pub(crate) struct OrderNow {
    pub(crate) order: Order,
    /// Whether this process has done it.
    pub(crate) is_done_here: bool,
    pub(crate) spread: Option<Spread>,
}

/// How far an order has come, where the store has said it.
pub(crate) struct Spread {
    pub(crate) done: usize,
    pub(crate) of: usize,
    pub(crate) left: Option<Duration>,
}

/// What this process says of a circuit in the fleet, and what its peers say.
pub(crate) struct Said {
    pub(crate) vote: Vote,
    pub(crate) peers: Peers,
}

/// How many of so many peers are against a circuit.
#[derive(Clone, Copy, Default)]
pub(crate) struct Peers {
    pub(crate) zone: (u16, u16),
    pub(crate) others: (u16, u16),
}

impl FleetWatch {
    pub(crate) fn new(fleet: &Fleet) -> Arc<Self> {
        Arc::new(Self {
            fleet: fleet.clone(),
            asked: Mutex::default(),
        })
    }

    /// What is known by now. No page waits for the store: it is asked beside, and a later look has what it says.
    pub(crate) fn now(self: &Arc<Self>) -> FleetNow {
        let snapshot = self.fleet.snapshot();
        if snapshot.is_connected {
            self.ask();
        }
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        // What it said before it was lost is no longer so.
        let answer = asked.answer.as_ref().filter(|_| snapshot.is_connected);
        let (at, kept) = answer.map_or((None, &[][..]), |(at, kept)| (Some(*at), kept));
        let passed = at.map_or(Duration::ZERO, |at| at.elapsed());
        let kept = kept
            .iter()
            .filter_map(|kept| OrderNow::kept(kept, passed, &snapshot));
        let mut orders: Vec<_> = kept.collect();
        for order in &snapshot.orders {
            if !orders.iter().any(|other| other.order == *order) {
                orders.push(OrderNow {
                    order: order.clone(),
                    is_done_here: true,
                    spread: None,
                });
            }
        }
        FleetNow { snapshot, orders }
    }

    fn ask(self: &Arc<Self>) {
        let now = Instant::now();
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if asked.is_waiting || asked.due.is_some_and(|due| now < due) {
            return;
        }
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        (asked.is_waiting, asked.due) = (true, Some(now + EVERY));
        let this = self.clone();
        runtime.spawn(async move {
            let answer = this.fleet.orders().await;
            let mut asked = this.asked.lock().unwrap_or_else(PoisonError::into_inner);
            asked.is_waiting = false;
            asked.answer = answer.ok().map(|orders| (Instant::now(), orders));
        });
    }
}

impl OrderNow {
    /// `None` if it is over.
    fn kept(kept: &Ordered, passed: Duration, snapshot: &Snapshot) -> Option<Self> {
        let left = kept.left.map(|left| left.saturating_sub(passed));
        let spread = Spread {
            done: kept.done,
            of: kept.of,
            left,
        };
        (left != Some(Duration::ZERO)).then(|| Self {
            order: kept.order.clone(),
            is_done_here: snapshot.orders.contains(&kept.order),
            spread: Some(spread),
        })
    }
}

impl FleetNow {
    /// What is said of this circuit here and elsewhere.
    pub(crate) fn of(&self, name: &str, key: Option<&str>, circuit: &Circuit) -> Said {
        let peers = self.snapshot.heard(name, key).map(|heard| Peers {
            zone: (heard.zone_against, heard.zone_heard),
            others: (
                heard.against.saturating_sub(heard.zone_against),
                heard.heard.saturating_sub(heard.zone_heard),
            ),
        });
        Said {
            vote: circuit.vote(),
            peers: peers.unwrap_or_default(),
        }
    }

    pub(crate) fn as_json(&self) -> Value {
        let said = &self.snapshot;
        json!({
            "namespace": said.namespace,
            "process": said.process,
            "zone": said.zone,
            "is_connected": said.is_connected,
            "heard_secs_ago": said.heard_ago.map(|ago| ago.as_secs()),
            "error": said.error,
            "peers": said.peers,
            "peers_in_zone": said.peers_in_zone,
            "failed": said.failed,
            "ignored": said.ignored,
            "orders": self.orders.iter().map(OrderNow::as_json).collect::<Vec<_>>(),
        })
    }
}

impl OrderNow {
    fn as_json(&self) -> Value {
        let mut value = serde_json::to_value(&self.order).unwrap_or_default();
        if let Some(object) = value.as_object_mut() {
            let spread = self.spread.as_ref();
            object.insert("is_done_here".into(), self.is_done_here.into());
            object.insert("done".into(), spread.map(|spread| spread.done).into());
            object.insert("of".into(), spread.map(|spread| spread.of).into());
            let left = spread.and_then(|spread| spread.left);
            object.insert(
                "ends_in_secs".into(),
                left.map(|left| left.as_secs()).into(),
            );
        }
        value
    }
}

impl Peers {
    /// In all.
    pub(crate) fn all(self) -> (u16, u16) {
        let sum = |zone: u16, others: u16| zone.saturating_add(others);
        (
            sum(self.zone.0, self.others.0),
            sum(self.zone.1, self.others.1),
        )
    }
}

impl Said {
    /// In failures' worth.
    pub(crate) fn votes(&self) -> f64 {
        f64::from(self.vote.level.quarters()) / 4.0
    }

    pub(crate) fn as_json(&self) -> Value {
        let (against, heard) = self.peers.all();
        json!({
            "vote": self.votes(),
            "takes_credit": self.vote.takes_credit,
            "against": against,
            "heard": heard,
            "zone_against": self.peers.zone.0,
            "zone_heard": self.peers.zone.1,
        })
    }
}
