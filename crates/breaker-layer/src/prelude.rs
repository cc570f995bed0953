//! What most programs use, under names that collide with none of `http`'s or axum's. So [`State`](crate::State) and
//! [`Error`](crate::Error) are not among them: import them where you match on them.
//!
//! ```
//! use breaker_layer::{Error, prelude::*};
//!
//! let circuit = Circuit::builder("disk").trip(Trip::consecutive_failures(5)).build()?;
//! match circuit.call(|| std::fs::read("/no/such/file")) {
//!     Err(Error::Rejected(rejected)) => println!("{rejected}"),
//!     Err(error) => println!("{error}"),
//!     Ok(bytes) => println!("{} bytes", bytes.len()),
//! }
//! let layer = BreakerLayer::new(circuit).boxed_errors();
//! # Ok::<(), breaker_layer::ConfigError>(())
//! ```

pub use crate::{
    Breaker, BreakerLayer, Circuit, CircuitBuilder, Classify, Config, ConfigError, Observe,
    OpenTime, Outcome, Percent, Permit, Probes, Rejected, TransitionEvent, Trip, Window,
};
