//! The parts of a [`Checked`](crate::Checked): when to trip, how long to stay open, how to probe.

pub(crate) mod cancelled;
pub(crate) mod open;
pub(crate) mod probes;
pub(crate) mod ramp;
pub(crate) mod trip;
