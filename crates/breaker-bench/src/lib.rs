//! What breaker-layer decides, costs and weighs, beside its peers.
//!
//! - [`sim`]: one client, one downstream, a virtual clock; what each policy gains and loses (`decide`);
//!   and many processes that vote (`fleet`).
//! - [`harness`]: how a call is driven and timed; [`subjects`]: what is called (`speed`, `size`, `count`).
//! - [`weigh`]: what all this takes in memory (`size`).
//! - [`bar`]: what must hold, and whether it does.
pub mod bar;
pub mod harness;
pub mod sim;
pub mod subjects;
pub mod weigh;
