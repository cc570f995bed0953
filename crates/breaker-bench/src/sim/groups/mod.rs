//! Groups of interchangeable hosts: which of them are cut off, and whether they are ill.
//!
//! Each host has calls of its own, so that each rule meets the same calls. The decisions of ours are `breaker-core`'s; the rules
//! beside it are rebuilt from their specifications.

pub mod ours;
pub mod rule;
pub mod run;
pub mod sweeps;
pub mod world;
