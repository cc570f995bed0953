//! A circuit breaker for Tower, and for calls without it: it stops calling a downstream that keeps failing, answers at once
//! while it does, and lets a few calls through to find out when it is back.
//!
//! ```
//! use std::time::Duration;
//! use breaker_layer::{BreakerLayer, Circuit, OpenTime, Rejected, Trip};
//! use tower::{BoxError, Service, ServiceBuilder, ServiceExt};
//!
//! async fn pay() -> Result<String, BoxError> {
//!     let circuit = Circuit::builder("payments")      // a handle: clones of it are the same circuit
//!         .trip(Trip::consecutive_failures(5))
//!         .open_time(OpenTime::fixed(Duration::from_secs(5)))
//!         .build()?;                                  // a bad setting is an error here, never later
//!     let mut payments = ServiceBuilder::new()
//!         .layer(BreakerLayer::new(circuit).boxed_errors())
//!         .timeout(Duration::from_millis(200))        // inside, so that a timeout is a failure
//!         .service_fn(async |amount: u32| Ok::<_, BoxError>(format!("paid {amount}")));
//!     match payments.ready().await?.call(10).await {
//!         Err(error) if error.is::<Rejected>() => Ok("come back later".to_owned()),
//!         answer => answer,
//!     }
//! }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() { assert_eq!(pay().await.unwrap(), "paid 10") }
//! ```
//!
//! They need, and a `main` that runs them:
//!
//! ```toml
//! [dependencies]
//! breaker-layer = "0.1"
//! tokio = { version = "1", features = ["macros", "rt-multi-thread"] }
//! tower = { version = "0.5", features = ["timeout", "util"] }
//! ```
//!
//! Every setting may be left out: `Circuit::builder("payments").build()?` is a good circuit. For HTTP say
//! `.classify_with(ServerErrors::new())` (feature `http`): unsaid, a 503 is a success.
//!
//! # Without Tower
//!
//! ```
//! use breaker_layer::{Circuit, Error};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), breaker_layer::ConfigError> {
//! # async fn fetch() -> Result<u32, std::io::Error> { Ok(12) }
//! let circuit = Circuit::builder("prices").build()?;
//! match circuit.run(fetch()).await {               // a thread says circuit.call(|| …)
//!     Ok(price) => println!("{price}"),
//!     Err(Error::Rejected(rejected)) => println!("{rejected}"),
//!     Err(error) => println!("{error}"),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! With the feature `tokio`, `circuit.run_within(limit, fetch())` has a time limit, which counts as a failure when it passes. The guide's chapter
//! [without Tower](guide::without_tower) has the rest.
//!
//! # Features
//!
//! None is on by default. Each adds, and changes nothing of what is there.
//!
//! | feature | what it adds |
//! | --- | --- |
//! | `tokio` | `Circuit::run_within`, `acquire().await`, `BreakerLayer::wait`, `observe::Readiness`; and Tokio's clock, the default then: a test that pauses it moves the circuit |
//! | `http` | the module `http`: classifiers of HTTP and gRPC responses, at the headers or at the end of the stream; a rejection as a 503 with `Retry-After` |
//! | `hyper` | `http::Fault`: whose fault an error of hyper, hyper-util, reqwest or tonic is; `by_origin` for the classifiers |
//! | `tonic` | `BreakerLayer::grpc`, a rejection as `tonic::Status` |
//! | `keyed` | the module `keyed`: one circuit for each host, shard or tenant, however many there are |
//! | `serde` | the module `settings`: settings from a file; a [`Snapshot`] that serialises |
//! | `tracing` | `observe::Tracing`: transitions and rejections as events of the crate `tracing` |
//! | `metrics` | `observe::Metrics`: metrics of the crate `metrics`, for any exporter |
//! | `stream` | [`observe::Events`] is a `Stream` |
//! | `load` | `tower::load::Load` passes through, for balancers |
//! | `quanta` | a clock that reads the processor's time stamp counter, which is cheaper than std's |
//!
//! # Where to go on
//!
//! The [`guide`] says where a breaker stands in a stack, what counts as a failure, which settings to choose, how to test; it has the usual stacks to copy, and the
//! [mistakes that compile](guide::traps).
//!
//! - [`Circuit`] is the state; clones share it. [`BreakerLayer`] puts it before a Tower service.
//! - [`Trip`] says when it trips, [`OpenTime`] how long it stays open, [`Probes`] how it finds the recovery.
//! - [`Rejected`] is what a refused caller gets, and says when to try again.
//! - [`Classify`] tells failures from successes, [`Clock`](clock::Clock) gives the time.
//! - [`Observe`] is told what happens and why, [`Events`](observe::Events) is a stream of it, a [`Snapshot`] says how things are.
//! - [`Registry`] finds the circuits by name, and [`Circuit::because`] commands them. The package `breaker-console` makes a page of both.
#![cfg_attr(not(test), warn(clippy::unwrap_used))]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod builder;
mod circuit;
pub mod classify;
pub mod clock;
mod direct;
pub mod error;
mod events;
mod exclude;
mod failure;
mod fault;
pub mod fleet;
pub mod guide;
mod held;
#[cfg(feature = "http")]
pub mod http;
#[cfg(feature = "keyed")]
pub mod keyed;
#[cfg(feature = "load")]
mod load;
#[cfg(all(test, breaker_loom))]
mod loom_tests;
pub mod observe;
pub mod policy;
pub mod prelude;
mod quiet;
pub mod registry;
mod sample;
#[cfg(feature = "serde")]
pub mod settings;
mod snapshot;
mod stack;
mod storage;
mod sync;
mod text;
mod timer;

pub use breaker_core::presets;
pub use breaker_core::{
    Cancelled, Config, ConfigError, OpenTime, Outcome, Percent, Probes, Ramp, Refusal, State, Trip,
    Window,
};
pub use builder::CircuitBuilder;
pub use circuit::{Circuit, Permit};
#[doc(inline)]
pub use classify::Classify;
#[doc(inline)]
pub use error::{BoxError, Error, Rejected};
#[doc(inline)]
pub use observe::{Observe, TransitionEvent};
#[doc(inline)]
pub use registry::Registry;
#[cfg(feature = "serde")]
#[doc(inline)]
pub use settings::Settings;
pub use snapshot::Snapshot;
pub use stack::layer::BreakerLayer;
#[doc(inline)]
pub use stack::service;
#[doc(inline)]
pub use stack::service::Breaker;

/// The README of the package, so that its example is compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
