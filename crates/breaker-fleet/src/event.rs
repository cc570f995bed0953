//! What a fleet tells.

use std::{fmt, time::Duration};

use crate::{order::Order, store::StoreError};

pub(crate) type Observer = Box<dyn Fn(&Event) + Send + Sync>;

/// Something that happened to this process's place in the fleet. Nothing is told each tick.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// The store has not answered for three ticks. Until it does again, everything is as without a fleet.
    Degraded(StoreError),
    /// The store answers again.
    Back {
        /// After so long.
        after: Duration,
    },
    /// An order was done.
    Ordered {
        /// The order's id.
        id: String,
        /// What it said.
        order: Order,
    },
    /// An order's time is over. The circuit was reset, unless another command had come.
    OrderEnded {
        /// The order's id.
        id: String,
        /// What it said.
        order: Order,
    },
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Degraded(error) => write!(
                f,
                "fleet: the store does not answer, each process decides alone: {error}"
            ),
            Self::Back { after } => write!(f, "fleet: the store answers again, after {after:.1?}"),
            Self::Ordered { id, order } => write!(f, "fleet: order {id} done: {order}"),
            Self::OrderEnded { id, order } => write!(f, "fleet: order {id} is over: {order}"),
        }
    }
}

/// One line, with the feature `tracing`.
pub(crate) fn log(event: &Event) {
    #[cfg(feature = "tracing")]
    match event {
        Event::Degraded(_) => tracing::warn!(target: "breaker_fleet", "{event}"),
        Event::Back { .. } | Event::Ordered { .. } | Event::OrderEnded { .. } => {
            tracing::info!(target: "breaker_fleet", "{event}");
        }
    }
    #[cfg(not(feature = "tracing"))]
    let _ = event;
}
