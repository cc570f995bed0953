//! What can be wrong with the input before its JSON is looked at.

use std::fmt;
use std::num::NonZeroUsize;

use super::Position;
use super::object::MAX_DEPTH;

/// Why a stretch of input is no object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Flaw {
    /// Something else than an object stands where one may begin.
    NotAnObject,
    /// A line begins with `{` and an object before it is still open.
    Unfinished,
    /// The input ends and an object is still open.
    CutOff,
    /// A closing bracket is not that of the last open one.
    Unmatched(char),
    /// A string holds this control character as it is.
    ControlCharacter(u8),
    /// Too many brackets are open at a time.
    TooDeep,
    /// An object has more bytes than this.
    TooLong(NonZeroUsize),
}

impl Flaw {
    /// Where the flaw is best looked for, in an object that begins at `begin` and is read up to `here`.
    pub(super) fn place(self, begin: Position, here: Position) -> Position {
        match self {
            Self::Unfinished | Self::CutOff | Self::TooLong(_) => begin,
            Self::NotAnObject | Self::Unmatched(_) | Self::ControlCharacter(_) | Self::TooDeep => {
                here
            }
        }
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAnObject => f.write_str("a message is a JSON object, which begins with {"),
            Self::Unfinished => f.write_str("an object is not finished where the next one begins"),
            Self::CutOff => f.write_str("an object is not finished where the input ends"),
            Self::Unmatched(bracket) => write!(f, "a {bracket} that matches no open bracket"),
            Self::ControlCharacter(byte) => {
                write!(f, "the control character {byte:#04x} in a string")
            }
            Self::TooDeep => write!(f, "brackets are nested deeper than {MAX_DEPTH}"),
            Self::TooLong(limit) => write!(f, "an object has more than {limit} bytes"),
        }
    }
}
