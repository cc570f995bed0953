//! Many processes before one downstream, that tell each other what they have against it.
//!
//! The decisions are `breaker-core`'s. What is here stands for `breaker-fleet` and its store: a board that all write to and read
//! from in an instant, each once a second, one after another.

pub mod board;
pub mod member;
pub mod run;
pub mod sum;
pub mod world;
