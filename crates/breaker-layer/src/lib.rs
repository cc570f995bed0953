//! A circuit breaker for Tower.
//!
//! A service that keeps calling a failing dependency wastes its own threads, sockets and patience, and keeps the
//! dependency down. A circuit breaker sees the failures, fails fast while they last, probes, and lets traffic back when
//! the dependency has recovered.
//!
//! - [`Circuit`] is the state; clones share it. [`BreakerLayer`] puts it before a Tower service, and
//!   [`Circuit::try_acquire`] is for everything else.
//! - [`Trip`] says when it trips, [`OpenTime`] how long it stays open, [`Probes`] how it finds the recovery.
//! - [`Rejected`] is what a refused caller gets, and says when to try again.
//! - [`Classify`] tells failures from successes, [`Clock`](clock::Clock) gives the time.
//! - [`Observe`] is told what happens and why, [`Events`](observe::Events) is a stream of it, a [`Snapshot`] says how things are.
//! - [`Registry`] finds the circuits by name, and [`Circuit::because`] commands them.
//!
//! The [`guide`] says where it stands in a stack, what counts as a failure, and which settings to choose.
//!
//! # Features
//!
//! - `http`: classifiers of HTTP and gRPC responses, at the headers or at the end of the stream; see the module `http`.
//! - `hyper`: whose fault an error of hyper, hyper-util, reqwest or tonic is, as `http::Fault`.
//! - `keyed`: one circuit for each host, shard or tenant, however many there are; see the module `keyed`.
//! - `load`: `tower::load::Load` passes through, for balancers.
//! - `metrics`: an observer, `Metrics`, that keeps metrics of the crate `metrics` for any exporter.
//! - `quanta`: a clock that reads the processor's time stamp counter, which is cheaper than std's.
//! - `serde`: [`Settings`] from a file, and a [`Snapshot`] that serialises.
//! - `stream`: [`Events`](observe::Events) is a `Stream`.
//! - `tokio`: `BreakerLayer::wait`, `observe::Readiness`, and Tokio's clock, which becomes the default; it differs from std's only while a test
//!   has paused it.
//! - `tonic`: rejections as gRPC responses, and as `tonic::Status`.
//! - `tracing`: an observer, `Tracing`, that writes transitions and rejections as events of the crate `tracing`.
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
mod exclude;
mod fallback;
mod future;
pub mod guide;
#[cfg(feature = "http")]
pub mod http;
mod intern;
#[cfg(feature = "keyed")]
pub mod keyed;
mod layer;
#[cfg(feature = "load")]
mod load;
#[cfg(all(test, breaker_loom))]
mod loom_tests;
pub mod observe;
pub mod policy;
pub mod prelude;
pub mod registry;
mod respond;
pub mod service;
#[cfg(feature = "serde")]
pub mod settings;
mod shape;
mod slot;
mod snapshot;
mod sync;
mod text;
mod threads;
#[cfg(feature = "tonic")]
mod tonic;
#[cfg(feature = "tokio")]
mod wait;

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
pub use layer::BreakerLayer;
#[doc(inline)]
pub use observe::{Observe, TransitionEvent};
#[doc(inline)]
pub use registry::Registry;
#[doc(inline)]
pub use service::Breaker;
#[cfg(feature = "serde")]
#[doc(inline)]
pub use settings::Settings;
pub use snapshot::Snapshot;

/// The README of the package, so that its example is compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
