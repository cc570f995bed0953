//! Where in the input something stands.

use std::fmt;

/// A place in the input. Lines and columns count from 1, columns in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The line.
    pub line: u64,
    /// The byte within the line.
    pub column: u64,
}

impl Position {
    /// The beginning of the input.
    pub const START: Self = Self { line: 1, column: 1 };

    /// Moves past `byte`.
    pub(super) fn pass(&mut self, byte: u8) {
        if byte == b'\n' {
            *self = Self {
                line: self.line + 1,
                column: 1,
            };
        } else {
            self.column += 1;
        }
    }

    /// The place behind `text`, which stands here.
    pub(crate) fn after(mut self, text: &[u8]) -> Self {
        text.iter().for_each(|&byte| self.pass(byte));
        self
    }

    /// The place of this line and column of a text that stands here.
    pub(crate) fn within(self, line: usize, column: usize) -> Self {
        let (line, column) = (line.max(1) as u64, column.max(1) as u64);
        let before = if line == 1 { self.column - 1 } else { 0 };
        Self {
            line: self.line + line - 1,
            column: before + column,
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}
