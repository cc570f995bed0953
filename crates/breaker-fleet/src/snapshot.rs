//! What a process hears, as plain values.

use std::{collections::BTreeMap, time::Duration};

use breaker_layer::fleet::Peers;
use serde::Serialize;

use crate::{
    fleet::Shared,
    order::{Kept, Order},
    store::Answer,
    wire,
};

/// What a process of a fleet hears at one moment.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Snapshot {
    /// The namespace.
    pub namespace: String,
    /// This process's name in the store, made up when it started.
    pub process: String,
    /// Its zone.
    pub zone: String,
    /// Whether the store has answered within the last three ticks.
    pub is_connected: bool,
    /// How long ago the store answered last; `None` if it never did.
    pub heard_ago: Option<Duration>,
    /// How many other processes live.
    pub peers: usize,
    /// How many of them are of the same zone.
    pub peers_in_zone: usize,
    /// How many exchanges failed.
    pub failed: u64,
    /// How many fields in the store meant nothing.
    pub ignored: u64,
    /// Why the last exchange failed, if it did.
    pub error: Option<String>,
    /// The circuits that anybody says anything of.
    pub circuits: Vec<Heard>,
    /// The orders that were done here and are in force.
    pub orders: Vec<Order>,
}

/// What is heard of a circuit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Heard {
    /// The circuit, as it is written in the store: `NAME` or `NAME/KEY`, escaped.
    pub circuit: String,
    /// How many peers have at least two failures' worth against it.
    pub against: u16,
    /// Of so many that were heard.
    pub heard: u16,
    /// As `against`, in the own zone.
    pub zone_against: u16,
    /// As `heard`, in the own zone.
    pub zone_heard: u16,
    /// Whether this gives the circuit credit: it needs less evidence of its own.
    pub has_credit: bool,
    /// Whether this process says something of it, too.
    pub is_said: bool,
}

/// An order in the store, and who has done it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Ordered {
    /// Its id.
    pub id: String,
    /// What it says.
    pub order: Order,
    /// For how long it goes on; `None` without an end.
    pub left: Option<Duration>,
    /// How many living processes have done it.
    pub done: usize,
    /// Of so many for which it is.
    pub of: usize,
}

impl Snapshot {
    /// What is heard of this circuit, or of this key of a table; `None` if nobody says anything of it.
    pub fn heard(&self, circuit: &str, key: Option<&str>) -> Option<&Heard> {
        let name = wire::circuit(circuit, key)?;
        // They are in order.
        let found = self
            .circuits
            .binary_search_by(|heard| heard.circuit.cmp(&name));
        found.ok().map(|at| &self.circuits[at])
    }

    pub(crate) fn of(shared: &Shared) -> Self {
        let now = shared.now();
        let link = shared.link().clone();
        let member = shared.member();
        let circuits = member.watched.iter().map(|(name, watched)| {
            let Peers {
                against,
                heard,
                zone_against,
                zone_heard,
                ..
            } = watched.credit.peers();
            Heard {
                circuit: name.clone(),
                against,
                heard,
                zone_against,
                zone_heard,
                has_credit: !watched.credit.is_none(),
                is_said: watched.is_said,
            }
        });
        Self {
            namespace: shared.namespace.clone(),
            process: member.me.clone(),
            zone: (*member.zone).to_owned(),
            is_connected: link.is_up(now, shared.pace),
            heard_ago: link.heard_at.map(|at| now.saturating_sub(at)),
            peers: member.roll.living().count(),
            peers_in_zone: member
                .roll
                .living()
                .filter(|(_, peer)| peer.zone == *member.zone)
                .count(),
            failed: link.failed,
            ignored: member.ignored,
            error: link.error.map(|error| error.to_string()),
            circuits: circuits.collect(),
            orders: member
                .orders
                .in_force()
                .map(|kept| kept.order.clone())
                .collect(),
        }
    }
}

impl Ordered {
    pub(crate) fn of(
        kept: Kept,
        applied: &Answer,
        left: &Answer,
        living: &BTreeMap<&str, &str>,
    ) -> Self {
        let Kept { id, order, .. } = kept;
        let is_meant = |zone: &str| order.of_zone().is_none_or(|of| of == zone);
        let done = match applied {
            Answer::Fields(fields) => fields
                .iter()
                .filter(|(process, _)| living.get(&**process).is_some_and(|zone| is_meant(zone)))
                .count(),
            Answer::Left(_) => 0,
        };
        let left = match left {
            Answer::Left(left) if order.span().is_some() => Some(left.unwrap_or_default()),
            Answer::Left(_) | Answer::Fields(_) => None,
        };
        let of = living.values().filter(|zone| is_meant(zone)).count();
        Self {
            id,
            order,
            left,
            done,
            of,
        }
    }
}
