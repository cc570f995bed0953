//! The parts of a [`Config`](crate::Config): when to trip, how long to stay open, how to probe.

pub(crate) mod open;
pub(crate) mod probes;
pub(crate) mod ramp;
pub(crate) mod trip;
