//! The decisions of a circuit breaker, as methods of a plain value.
//!
//! Everything here takes its time, its randomness and its configuration as arguments and gives back what to do: no
//! clock, lock, atomic or log. The same code runs under a virtual clock in model tests and replays, and behind
//! a lock in `breaker-layer`, which is the crate to use; this one is for those who build a breaker of their own around
//! the same decisions.
//!
//! - [`Breaker`] is the state of a circuit, and its methods are the decisions.
//! - [`Checked`] is what the user chose, checked; [`Trip`], [`OpenTime`] and [`Probes`] are its parts.
//! - [`State`], [`Outcome`], [`Refusal`], [`Reason`] and [`Transition`] are what comes out.
//!
//! ```
//! use std::time::Duration;
//! use breaker_core::{
//!     Admission, Breaker, CallKind, Config, EndedCall, Ending, Outcome, Refusal, Rules, Timestamp, Trip,
//! };
//!
//! let config = Config::new().trip(Trip::consecutive_failures(1)).build()?;
//! let rules = Rules { config: &config, seed: 7 };
//! let mut breaker = Breaker::new(rules);
//!
//! let now = Timestamp::from_nanos(1_000_000_000);
//! let (admission, _) = breaker.admit(rules, now, &mut None);
//! assert_eq!(admission, Admission::Pass);
//! let call = EndedCall {
//!     generation: breaker.generation(),
//!     calm: true,
//!     kind: CallKind::Call,
//!     ending: Ending::Recorded(Outcome::Failure),
//!     took: None,
//!     broken: None,
//! };
//! let recorded = breaker.record(rules, &call, || now);
//! assert_eq!(recorded.transition.unwrap().to_string(), "closed -> open, 1 failure in a row, for 100ms");
//!
//! let (admission, _) = breaker.admit(rules, now, &mut None);
//! let retry_after = Duration::from_millis(100);
//! assert_eq!(admission, Admission::Refuse(Refusal::Open { retry_after }));
//! # Ok::<(), breaker_core::ConfigError>(())
//! ```
#![cfg_attr(not(test), warn(clippy::unwrap_used))]
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod breaker;
mod checks;
mod config;
mod fleet;
mod policy;
pub mod presets;
mod random;
mod reason;
mod relative;
mod setting;
mod time;
mod transition;
mod units;
mod verdict;
mod window;

pub use breaker::{
    Breaker,
    admit::{Admission, Changes},
    command::Command,
    ended::{CallKind, EndedCall, Ending, Recorded},
    phase::Phase,
    rules::Rules,
};
pub use config::{Checked, Config, Mode};
pub use fleet::{Credit, Level, Peers, Votes};
pub use policy::{
    cancelled::Cancelled,
    open::OpenTime,
    probes::{Probes, Tally},
    ramp::Ramp,
    trip::{Evidence, Trip, Window},
};
pub use random::mix;
pub use reason::{Reason, Rule};
pub use relative::Ratio;
pub use setting::Setting;
pub use time::Timestamp;
pub use transition::Transition;
pub use units::{ConfigError, Percent, Value};
pub use verdict::{Outcome, Refusal, State};
pub use window::Totals;
