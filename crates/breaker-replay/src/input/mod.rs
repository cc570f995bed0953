//! From the bytes of a log to calls.

mod call;
mod csv;
mod fields;
mod format;
mod json;
mod lines;
mod log;
mod seconds;
mod services;
mod source;
mod template;
mod time;

pub(crate) use call::{Call, Fate};
pub(crate) use format::Options;
pub(crate) use log::{Log, Seen, Stop};
pub(crate) use services::Services;
pub(crate) use source::open;
pub(crate) use time::show;
