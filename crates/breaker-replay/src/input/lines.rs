//! A stream cut into lines, in constant memory.

use std::io::{self, Read};

use memchr::memchr;

/// A line may be so long; of a longer one nothing is kept.
pub(crate) const LONGEST: usize = 128 << 10;
const BUFFER: usize = 4 * LONGEST;
/// So much is read at a time: what has just been read is still in the processor's nearest cache.
const PIECE: usize = 64 << 10;

/// The lines of a reader.
pub(crate) struct Lines<R> {
    reader: R,
    buffer: Box<[u8]>,
    /// What has been read and not yet given away.
    start: usize,
    end: usize,
    /// Where the search for the end of the line goes on.
    searched: usize,
    is_skipping: bool,
    is_over: bool,
}

/// One line, without its end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line<'a> {
    Text(&'a [u8]),
    TooLong,
}

impl<R: Read> Lines<R> {
    pub(crate) fn new(reader: R) -> Self {
        Self {
            reader,
            buffer: vec![0; BUFFER].into(),
            start: 0,
            end: 0,
            searched: 0,
            is_skipping: false,
            is_over: false,
        }
    }

    /// The next line; `None` at the end.
    ///
    /// # Errors
    ///
    /// Those of the reader.
    pub(crate) fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        loop {
            if let Some(at) = memchr(b'\n', &self.buffer[self.searched..self.end]) {
                let (start, end) = (self.start, self.searched + at);
                (self.start, self.searched) = (end + 1, end + 1);
                return Ok(Some(self.line(start, end)));
            }
            self.searched = self.end;
            if self.end - self.start > LONGEST {
                self.is_skipping = true;
                (self.start, self.end, self.searched) = (0, 0, 0);
            }
            if self.is_over {
                let (start, end) = (self.start, self.end);
                self.start = end;
                let is_nothing = start == end && !self.is_skipping;
                return Ok((!is_nothing).then(|| self.line(start, end)));
            }
            self.fill()?;
        }
    }

    fn line(&mut self, start: usize, end: usize) -> Line<'_> {
        if std::mem::take(&mut self.is_skipping) || end - start > LONGEST {
            return Line::TooLong;
        }
        let line = &self.buffer[start..end];
        Line::Text(line.strip_suffix(b"\r").unwrap_or(line))
    }

    fn fill(&mut self) -> io::Result<()> {
        self.buffer.copy_within(self.start..self.end, 0);
        (self.end, self.searched) = (self.end - self.start, self.searched - self.start);
        self.start = 0;
        loop {
            let room = BUFFER.min(self.end + PIECE);
            match self.reader.read(&mut self.buffer[self.end..room]) {
                Ok(read) => {
                    self.end += read;
                    self.is_over = read == 0;
                    return Ok(());
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Gives a few bytes at a time.
    struct Dribble<'a>(&'a [u8], usize);

    impl Read for Dribble<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let size = self.1.min(self.0.len()).min(buffer.len());
            let (now, later) = self.0.split_at(size);
            buffer[..size].copy_from_slice(now);
            self.0 = later;
            Ok(size)
        }
    }

    fn all(reader: impl Read) -> Vec<Option<Vec<u8>>> {
        let mut lines = Lines::new(reader);
        let mut all = vec![];
        while let Some(line) = lines.next().unwrap() {
            all.push(match line {
                Line::Text(text) => Some(text.to_vec()),
                Line::TooLong => None,
            });
        }
        all
    }

    #[test]
    fn a_line_ends_at_a_line_feed_or_with_the_stream() {
        let lines = all(&b"one\r\n\ntwo"[..]);
        assert_eq!(
            lines,
            [&b"one"[..], b"", b"two"].map(|line| Some(line.to_vec()))
        );
        assert_eq!(all(&b""[..]), []);
    }

    #[test]
    fn a_line_that_is_too_long_is_passed_over_and_the_next_one_is_whole() {
        let mut text = vec![b'x'; 3 * BUFFER + 7];
        text.extend(b"\nnext\n");
        assert_eq!(all(&text[..]), [None, Some(b"next".to_vec())]);
        text.truncate(3 * BUFFER);
        assert_eq!(all(&text[..]), [None]);
    }

    #[test]
    fn the_longest_line_is_taken_and_one_byte_more_is_not() {
        for (length, is_taken) in [(LONGEST, true), (LONGEST + 1, false)] {
            let mut text = vec![b'x'; length];
            assert_eq!(all(&text[..])[0].is_some(), is_taken);
            text.push(b'\n');
            assert_eq!(all(&text[..])[0].is_some(), is_taken);
        }
    }

    proptest! {
        #[test]
        fn how_the_stream_is_cut_makes_no_difference(
            lengths in prop::collection::vec(0..LONGEST + 2, 0..8),
            piece in 1..2 * BUFFER,
        ) {
            let text: Vec<u8> = lengths
                .iter()
                .flat_map(|length| std::iter::repeat_n(b'x', *length).chain([b'\n']))
                .collect();
            let found: Vec<_> = all(Dribble(&text, piece))
                .into_iter()
                .map(|line| line.map_or(usize::MAX, |line| line.len()))
                .collect();
            let wanted: Vec<_> = lengths
                .iter()
                .map(|length| if *length > LONGEST { usize::MAX } else { *length })
                .collect();
            prop_assert_eq!(found, wanted);
        }
    }
}
