//! Whether circuits of another scope would do better: one for each route, host or shard instead of one for the service.
//! (C. Meiklejohn, L. Stark, C. Celozzi, M. Ranney, H. Miller: Method Overloading the Circuit, SoCC 2022: breakers at the
//! wrong scope.)

use serde::Serialize;

use crate::{
    replay::Replayed,
    report::words::{count, counted},
    suggest::Prices,
};

/// What the first configuration would have done with circuits of one scope.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Scope {
    /// The names that tell the circuits apart.
    pub(crate) key: String,
    pub(crate) circuits: usize,
    pub(crate) trips: u64,
    pub(crate) harm: u64,
    pub(crate) saved: u64,
    pub(crate) waste: u64,
    pub(crate) price: f64,
}

impl Scope {
    pub(crate) fn new(key: &str, mut replayed: Replayed, prices: Prices) -> Self {
        let circuits = replayed
            .facts
            .iter()
            .filter(|facts| facts.calls > 0)
            .count();
        let mut scope = Self {
            key: key.to_owned(),
            circuits,
            trips: 0,
            harm: 0,
            saved: 0,
            waste: 0,
            price: 0.0,
        };
        let services = 0..replayed.facts.len() as u32;
        for tally in services.filter_map(|service| Some(replayed.lanes.first_mut()?.take(service)))
        {
            scope.trips += tally.trips;
            scope.harm += tally.harm;
            scope.saved += tally.saved;
            scope.waste += tally.waste;
        }
        scope.price = prices.of(scope.harm, scope.waste);
        scope
    }
}

/// The scopes side by side, the one that is replayed first, and which is the best.
pub(crate) fn text(scopes: &[Scope]) -> String {
    let Some((own, others)) = scopes.split_first() else {
        return String::new();
    };
    let mut text = "Circuits of another scope, with the first configuration:\n".to_owned();
    for scope in scopes {
        text += &format!(
            "  {}: {}, {}, {} harm, {} saved, {} waste\n",
            scope.key,
            counted(scope.circuits as u64, "circuit"),
            counted(scope.trips, "trip"),
            count(scope.harm),
            count(scope.saved),
            count(scope.waste)
        );
    }
    let best = others
        .iter()
        .filter(|other| other.price < own.price)
        .min_by(|one, other| one.price.total_cmp(&other.price));
    text + &match best {
        Some(best) => format!(
            "  A circuit for each {} would have cost {} less: rejected successes and failures let pass at {} instead of {}.\n",
            best.key,
            crate::report::words::share((own.price - best.price) as u64, own.price as u64),
            count(best.price.round() as u64),
            count(own.price.round() as u64)
        ),
        None => format!(
            "  Keep {}: none of the others would have cost less.\n",
            own.key
        ),
    }
}
