//! Lines that are looked at before they are read: those at the beginning, which tell the format, and those from a line on that
//! is not as the format has it, for a log may change its format in the middle.

use std::{
    collections::VecDeque,
    io::{self, Read},
};

use super::lines::{Line, Lines};

/// So many lines tell the format; if none of them is a call, so many more are looked at.
pub(crate) const LOOKED_AT: usize = 100;
pub(crate) const LOOKED_ON: usize = 2000;
/// And so many bytes at the most.
const LOOKED_BYTES: usize = 2 << 20;
/// Fewer lines do not tell that the format has changed.
const FEW: usize = 10;
/// Where nothing comes of looking, it is done again after twice as many lines, but never after more than these.
const LONGEST_WAIT: u64 = 100_000;

/// A line; `None` if it was too long.
pub(crate) type Sampled = Option<Vec<u8>>;

/// Lines that were looked at, and are still to be read.
#[derive(Default)]
pub(crate) struct Sample(VecDeque<Sampled>);

impl Sample {
    /// Holds so many lines.
    ///
    /// # Errors
    ///
    /// When nothing can be read.
    pub(crate) fn fill<R: Read>(&mut self, lines: &mut Lines<R>, count: usize) -> io::Result<()> {
        let mut bytes = 0;
        while self.0.len() < count && bytes < LOOKED_BYTES {
            let line = match lines.next() {
                Ok(Some(line)) => line,
                Ok(None) => return Ok(()),
                // What has come until now may be read; the error comes again.
                Err(error) if !self.0.is_empty() && is_end(&error) => return Ok(()),
                Err(error) => return Err(error),
            };
            let line = match line {
                Line::Text(text) if self.0.is_empty() => {
                    // Some programs put a byte order mark at the start.
                    Some(text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text).to_vec())
                }
                Line::Text(text) => Some(text.to_vec()),
                Line::TooLong => None,
            };
            bytes += line.as_ref().map_or(0, Vec::len);
            self.0.push_back(line);
        }
        Ok(())
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The next line, which is held here if it was looked at; `None` at the end.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    #[inline]
    pub(crate) fn next<'l, R: Read>(
        &mut self,
        lines: &'l mut Lines<R>,
        held: &'l mut Sampled,
    ) -> io::Result<Option<Line<'l>>> {
        match self.0.pop_front() {
            Some(line) => {
                *held = line;
                Ok(Some(held.as_deref().map_or(Line::TooLong, Line::Text)))
            }
            None => lines.next(),
        }
    }

    /// Takes a line back that was read.
    pub(crate) fn push_front(&mut self, line: Vec<u8>) {
        self.0.push_front(Some(line));
    }

    /// The lines that are not empty.
    pub(crate) fn texts(&self) -> Vec<&[u8]> {
        let lines = self.0.iter().flatten();
        lines
            .map(Vec::as_slice)
            .filter(|line| !line.trim_ascii().is_empty())
            .collect()
    }
}

/// When a line that is not as the format has it gives cause to look for another format.
pub(crate) struct Watch {
    /// Not before this line.
    due: u64,
    wait: u64,
}

impl Watch {
    /// From this line on.
    pub(crate) const fn from(line: u64) -> Self {
        let wait = LOOKED_AT as u64;
        Self { due: line, wait }
    }

    pub(crate) const fn is_due(&self, line: u64) -> bool {
        line >= self.due
    }

    /// These lines from this one on have been looked at in vain.
    pub(crate) fn vain(&mut self, line: u64, lines: usize) {
        self.wait = (self.wait * 2).min(LONGEST_WAIT);
        self.due = line + self.wait.max(lines as u64);
    }

    /// These lines from this one on are for the most part as the format has it, or a format was found for them.
    pub(crate) const fn well(&mut self, line: u64, lines: usize) {
        *self = Self::from(line + lines as u64);
    }
}

/// Whether lines tell a format if so many of so many are of it.
pub(crate) const fn is_many(fit: usize, of: usize) -> bool {
    of >= FEW && fit * 10 >= of * 9
}

/// Whether the stream was broken off.
pub(crate) fn is_end(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData
    )
}
