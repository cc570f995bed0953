//! What most programs use, under names that collide with none of `http`'s or axum's. So [`State`](crate::State) and
//! [`Error`](crate::Error) are not among them.
//!
//! ```
//! use breaker_layer::prelude::*;
//!
//! let circuit = Circuit::builder("payments").trip(Trip::consecutive_failures(5)).build()?;
//! let layer = BreakerLayer::new(circuit).boxed_errors();
//! # Ok::<(), breaker_layer::ConfigError>(())
//! ```

pub use crate::{
    Breaker, BreakerLayer, Circuit, CircuitBuilder, Classify, Config, ConfigError, Observe,
    OpenTime, Outcome, Percent, Permit, Probes, Rejected, TransitionEvent, Trip, Window,
};
