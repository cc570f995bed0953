//! What is said of a replay, and how.

mod model;
mod table;
mod verdict;
pub(crate) mod words;

pub(crate) use model::Report;
pub(crate) use table::table;
