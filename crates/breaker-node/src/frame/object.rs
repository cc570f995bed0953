//! The brackets and strings of one object, which tell where it ends.

use std::num::NonZeroUsize;

use super::{Flaw, Position};

/// How many brackets may be open at a time: one for each bit of a word.
pub(super) const MAX_DEPTH: u32 = u128::BITS;

/// An object that has been read in part.
#[derive(Clone, Copy, Debug)]
pub(super) struct Object {
    begin: Position,
    length: usize,
    depth: u32,
    /// A bit for each open bracket, the innermost lowest, set where it is a square one.
    square: u128,
    text: Text,
}

#[derive(Clone, Copy, Debug)]
enum Text {
    Outside,
    Inside,
    /// Inside, behind a backslash.
    Escaped,
}

impl Text {
    /// How many bytes go by, from the first on, that change nothing.
    fn plain(self, bytes: &[u8]) -> usize {
        let telling = match self {
            Self::Outside => OUTSIDE,
            Self::Inside => INSIDE,
            Self::Escaped => return 0,
        };
        let telling = |byte: &u8| TELLING[usize::from(*byte)] & telling != 0;
        bytes.iter().position(telling).unwrap_or(bytes.len())
    }
}

const OUTSIDE: u8 = 1;
const INSIDE: u8 = 2;

/// Which bytes change anything, outside and inside of a string.
static TELLING: [u8; 256] = {
    let mut telling = [0; 256];
    let mut byte = 0;
    while byte < telling.len() {
        telling[byte] = match byte as u8 {
            b'{' | b'}' | b'[' | b']' => OUTSIDE,
            b'"' => OUTSIDE | INSIDE,
            b'\n' => OUTSIDE | INSIDE,
            ..0x20 | b'\\' => INSIDE,
            _ => 0,
        };
        byte += 1;
    }
    telling
};

impl Object {
    pub(super) fn new(begin: Position) -> Self {
        Self {
            begin,
            length: 0,
            depth: 0,
            square: 0,
            text: Text::Outside,
        }
    }

    pub(super) fn begin(&self) -> Position {
        self.begin
    }

    /// Reads on. Returns how many bytes of `chunk` are the object's, and how it ends if it does:
    /// complete with them, or spoilt by the byte behind them.
    pub(super) fn read(
        &mut self,
        chunk: &[u8],
        limit: NonZeroUsize,
        here: &mut Position,
    ) -> (usize, Option<Result<(), Flaw>>) {
        let room = limit.get() - self.length;
        let (within, beyond) = chunk.split_at(room.min(chunk.len()));
        let (read, end) = self.read_within(within, here);
        self.length += read;
        let end = end.or_else(|| match beyond.first()? {
            b'{' if here.column == 1 => Some(Err(Flaw::Unfinished)),
            _ => Some(Err(Flaw::TooLong(limit))),
        });
        (read, end)
    }

    fn read_within(
        &mut self,
        bytes: &[u8],
        here: &mut Position,
    ) -> (usize, Option<Result<(), Flaw>>) {
        // To count each byte would take longer than to read it: `here` is the place of `bytes[counted]`.
        let mut counted = 0;
        let (read, end) = 'reading: {
            let mut read = 0;
            loop {
                read += self.text.plain(&bytes[read..]);
                let Some(&byte) = bytes.get(read) else {
                    break 'reading (read, None);
                };
                // Most of what tells anything is a quote, behind which there is no more to ask.
                if byte == b'"' && self.turn() {
                    read += 1;
                    continue;
                }
                let begins_line = || read == counted && here.column == 1;
                if let Err(flaw) = self.step(byte, begins_line) {
                    break 'reading (read, Some(Err(flaw)));
                }
                read += 1;
                if byte == b'\n' {
                    here.pass(byte);
                    counted = read;
                }
                if self.depth == 0 {
                    break 'reading (read, Some(Ok(())));
                }
            }
        };
        here.column += (read - counted) as u64;
        (read, end)
    }

    #[inline]
    fn step(&mut self, byte: u8, begins_line: impl Fn() -> bool) -> Result<(), Flaw> {
        match (self.text, byte) {
            (Text::Outside, b'{') if self.depth > 0 && begins_line() => {
                return Err(Flaw::Unfinished);
            }
            (Text::Outside, b'{' | b'[') => self.open(byte == b'[')?,
            (Text::Outside, b'}' | b']') => self.close(byte)?,
            (Text::Inside | Text::Escaped, ..0x20) => return Err(Flaw::ControlCharacter(byte)),
            (Text::Inside, b'\\') => self.text = Text::Escaped,
            (Text::Escaped, _) => self.text = Text::Inside,
            (Text::Outside | Text::Inside, _) => {}
        }
        Ok(())
    }

    /// Goes into or out of a string; `false` if a quote does not do so here.
    fn turn(&mut self) -> bool {
        self.text = match self.text {
            Text::Outside => Text::Inside,
            Text::Inside => Text::Outside,
            Text::Escaped => return false,
        };
        true
    }

    fn open(&mut self, square: bool) -> Result<(), Flaw> {
        if self.depth == MAX_DEPTH {
            return Err(Flaw::TooDeep);
        }
        self.depth += 1;
        self.square = self.square << 1 | u128::from(square);
        Ok(())
    }

    fn close(&mut self, bracket: u8) -> Result<(), Flaw> {
        if (self.square & 1 == 1) != (bracket == b']') {
            return Err(Flaw::Unmatched(bracket.into()));
        }
        self.depth -= 1;
        self.square >>= 1;
        Ok(())
    }
}
