//! What a circuit says to its peers in other processes, and what it does with what they say: the hooks for a fleet.
//!
//! Where each of many processes makes few calls, each learns of an outage by itself. With these hooks they learn it together: what a
//! process has against the downstream is its vote, and the votes of its peers are a credit, by which it needs fewer failures of
//! its own. How votes get from one process to another is not this package's: `breaker-fleet` takes them through Redis.
//!
//! A circuit never opens without a failure of its own, and a healthy call reads nothing of all this.
//!
//! ```
//! use std::time::Duration;
//! use breaker_layer::{Circuit, Outcome, State, fleet::{Level, Votes}};
//!
//! let circuit = Circuit::builder("payments").build()?;
//! circuit.try_acquire().unwrap().record(Outcome::Failure);
//! assert_eq!(circuit.vote().level, Level::from_quarters(4)); // one failure
//!
//! // Nine of ten peers are open.
//! let mut votes = Votes::default();
//! (0..9).for_each(|_| votes.add(Level::MOST, false));
//! votes.add(Level::NONE, false);
//! circuit.credit(circuit.vote().generation, votes.credit(), Duration::from_secs(3));
//! assert_eq!(circuit.state(), State::Closed);
//!
//! circuit.try_acquire().unwrap().record(Outcome::Failure);
//! assert_eq!(circuit.state(), State::Open);
//! let trip = circuit.snapshot().last_trip.unwrap();
//! assert_eq!(trip.reason().to_string(), "2 failures of its own, and 9 of 10 peers");
//! # Ok::<(), breaker_layer::ConfigError>(())
//! ```

use std::time::Duration;

use breaker_core::State;
pub use breaker_core::{Credit, Level, Peers, Votes};

/// What a circuit says to its peers: see [`Circuit::vote`](crate::Circuit::vote).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Vote {
    /// How much it has against the downstream.
    pub level: Level,
    /// Its state, as [`Circuit::state`](crate::Circuit::state) says it.
    pub state: State,
    /// Whether it only observes: it votes, and what it says of its state is what it would do.
    pub observes_only: bool,
    /// Whether a credit means anything to it: to the evidence and to failures in a row it does, to rules over windows and to a policy
    /// of the user's own it does not.
    pub takes_credit: bool,
    /// After how long its next call is a probe for certain: zero where it is by now; `None` unless it is open.
    pub due_in: Option<Duration>,
    /// How long a probe is waited for.
    pub probe_timeout: Duration,
    /// The transitions so far. What follows from this vote is for this generation.
    pub generation: u64,
    /// Whether it has tripped by itself, and no operator has had his way since.
    pub has_tripped: bool,
}
