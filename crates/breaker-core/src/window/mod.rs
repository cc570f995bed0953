//! The windows that a closed circuit's calls count in.

mod calls;
mod time;
mod totals;

pub use totals::Totals;
pub(crate) use {
    calls::CallWindow,
    time::{Grid, TimeWindow},
    totals::Call,
};
