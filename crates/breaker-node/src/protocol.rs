//! Objects to requests, and replies to lines.
#![doc = include_str!("../PROTOCOL.md")]

mod members;
mod parse;
mod reply;
mod request;
mod spacing;

pub use self::reply::{Address, Answer, Reply, Route};
pub(crate) use self::request::is_name;
pub use self::request::{Calls, Enter, Message, Request};
pub use self::spacing::write_line;

/// Why a message is answered with an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The number of the kind of error, as Maelstrom counts them.
    pub code: u16,
    /// What is wrong, and what would be right.
    pub error: String,
}

impl Fault {
    /// The message asks for something that the node does not know.
    #[must_use]
    pub fn not_supported(error: String) -> Self {
        Self { code: 10, error }
    }

    /// The message would have to wait for something that may change.
    #[must_use]
    pub fn temporarily_unavailable(error: String) -> Self {
        Self { code: 11, error }
    }

    /// The message can never be answered otherwise.
    #[must_use]
    pub fn malformed_request(error: String) -> Self {
        Self { code: 12, error }
    }
}
