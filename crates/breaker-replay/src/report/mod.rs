//! What is said of a replay, and how.

mod axis;
mod build;
mod caveats;
mod doubtful;
mod doubts;
mod figures;
mod html;
mod model;
mod overview;
mod svg;
mod table;
mod verdict;
pub(crate) mod words;

pub(crate) use build::Found;
pub(crate) use doubtful::Doubtful;
pub(crate) use html::html;
pub(crate) use model::{CircuitPart, Report};
pub(crate) use svg::svg;
pub(crate) use table::table;
