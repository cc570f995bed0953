//! How a call is driven, timed and counted.
//!
//! Every subject does the same work in every round, and the rounds of all subjects are interleaved, so that a noisy
//! moment of the machine hits them alike. What counts is the ratio to the bare service of the same run.

pub mod drive;
pub mod leaf;
pub mod time;
