//! How well a policy decides: some clients and one downstream under a virtual clock.
//!
//! What is random about a call (when it comes, how long it takes, whether it fails at a given failure ratio) depends on
//! the seed and the call's number alone, so that every policy meets the same calls.

pub mod fleet;
pub mod groups;
pub mod judge;
pub mod machine;
pub mod policy;
pub mod random;
pub mod run;
pub mod scenarios;
pub mod server;
pub mod traffic;
pub mod world;
