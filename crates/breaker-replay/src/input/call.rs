//! A call as the log tells of it.

use serde::{Deserialize, Serialize};

/// What became of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Success,
    Failure,
    Ignored,
    /// The client gave up before the answer came.
    Cancelled,
}

/// A call of one service; times in nanoseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) service: u32,
    /// Which of the clients made it, each of which has circuits of its own.
    pub(crate) client: u16,
    pub(crate) fate: Fate,
    /// Whether the log says how long it took; if not, it ends as it begins.
    pub(crate) is_timed: bool,
}

/// What the time of a line is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum TimeIs {
    /// When the call began
    Start,
    /// When it was over, and the line was written
    #[default]
    End,
}

/// What is wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    Other,
    NoTime,
    Time,
    NoStatus,
    Status,
    Ok,
    Grpc,
    Duration,
    Name,
}

impl Flaw {
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::Other => "it is none of this format's lines",
            Self::NoTime => "it has no time (--time names it)",
            Self::Time => "its time cannot be read",
            Self::NoStatus => "it has neither a status nor an ok (--status and --ok name them)",
            Self::Status => "its status is no HTTP status",
            Self::Ok => "its ok is no boolean",
            Self::Grpc => "its gRPC status is none",
            Self::Duration => "its duration is none",
            Self::Name => "its service's name is longer than 256 bytes",
        }
    }
}
