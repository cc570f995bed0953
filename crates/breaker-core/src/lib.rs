//! The decisions of a circuit breaker, as pure functions over one packed word.
//!
//! Everything here takes its time, its randomness and its configuration as arguments and gives back what to do: no
//! clock, lock, atomic, log or allocation. The same code runs under a virtual clock in model tests and replays, and
//! behind one compare-and-swap in `breaker-layer`, which is the crate to use; this one is for those who build a
//! breaker of their own around the same decisions.
//!
//! - [`Word`] is the state; [`machine`] holds the decisions over it.
//! - [`Checked`] is what the user chose, checked; [`Trip`], [`OpenTime`] and [`Probes`] are its parts.
//! - [`State`], [`Outcome`], [`Refusal`], [`Reason`] and [`Transition`] are what comes out.
#![cfg_attr(not(test), warn(clippy::unwrap_used))]
#![no_std]
#![forbid(unsafe_code)]

mod config;
pub mod machine;
mod policy;
pub mod presets;
mod setting;
mod streak;
mod time;
mod verdict;
mod window;
mod word;

pub use config::{Checked, Config, ConfigError, Mode, Percent};
pub use policy::{
    cancelled::Cancelled,
    open::OpenTime,
    probes::Probes,
    ramp::Ramp,
    trip::{Trip, Window},
};
pub use setting::{Setting, Value};
pub use streak::Streak;
pub use time::{Pace, Timestamp};
pub use verdict::{Outcome, Reason, Refusal, Rule, State, Transition};
pub use window::{Beside, Call, Cell64, Layout, Plain, Taken, Totals};
pub use word::{Evidence, Phase, Tally, Word};
