//! Bytes to objects.
//!
//! The input is scanned as bytes, not as lines: a peer that sends no final newline and keeps the pipe
//! open still gets its reply, since an object is complete at its closing brace. Lines matter only for
//! getting out of trouble: one that begins with `{` begins a new object, whatever came before it.
//!
//! Every byte is looked at once, however the input is cut into chunks, and no more than one object's
//! worth of bytes is ever kept.

mod blanks;
mod flaw;
mod object;
mod place;
#[cfg(test)]
mod tests;

use std::mem;
use std::num::NonZeroUsize;

use self::blanks::Blanks;
pub use self::flaw::Flaw;
use self::object::Object;
pub use self::place::Position;

/// What a stretch of input holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame<'a> {
    /// A balanced object, from its opening to its closing brace, and where it begins.
    Object(&'a [u8], Position),
    /// No object, and where that shows.
    Bad(Flaw, Position),
}

/// Cuts a stream of bytes, which arrives in chunks of any size, into frames.
#[derive(Debug)]
pub struct Framer {
    limit: NonZeroUsize,
    state: State,
    here: Position,
    /// What earlier chunks had of the object.
    kept: Vec<u8>,
}

/// What the next byte belongs to. Behind a spoilt object everything up to the next one is the same
/// stretch of bad input, which was told of already.
#[derive(Clone, Copy, Debug)]
enum State {
    Between { blanks: Blanks, spoilt: bool },
    Object(Object),
    RestOfLine { spoilt: bool },
}

impl State {
    fn between(spoilt: bool) -> Self {
        Self::Between {
            blanks: Blanks::default(),
            spoilt,
        }
    }
}

impl Framer {
    /// A framer for objects of at most `limit` bytes.
    #[must_use]
    pub fn new(limit: NonZeroUsize) -> Self {
        Self {
            limit,
            state: State::between(false),
            here: Position::START,
            kept: Vec::new(),
        }
    }

    /// Returns the next frame that `input` completes, and takes from `input` what was read: all of
    /// it where there is no frame.
    pub fn next<'a, 'c: 'a>(&'a mut self, input: &mut &'c [u8]) -> Option<Frame<'a>> {
        if !matches!(self.state, State::Object(_)) {
            self.kept.clear();
        }
        while !input.is_empty() {
            match self.state {
                State::RestOfLine { spoilt } => self.skip_line(input, spoilt),
                State::Between { blanks, spoilt } => {
                    if let Some(at) = self.skip_blanks(input, blanks, spoilt) {
                        return Some(Frame::Bad(Flaw::NotAnObject, at));
                    }
                }
                State::Object(object) => match self.read_object(input, object) {
                    None => {}
                    Some(Err((flaw, at))) => return Some(Frame::Bad(flaw, at)),
                    Some(Ok(end)) if self.kept.is_empty() => {
                        return Some(Frame::Object(end, object.begin()));
                    }
                    Some(Ok(end)) => {
                        self.kept.extend_from_slice(end);
                        return Some(Frame::Object(&self.kept, object.begin()));
                    }
                },
            }
        }
        None
    }

    /// What the end of the input leaves unfinished.
    pub fn finish(&mut self) -> Option<Frame<'static>> {
        match mem::replace(&mut self.state, State::between(false)) {
            State::Object(object) => Some(Frame::Bad(Flaw::CutOff, object.begin())),
            State::Between {
                blanks,
                spoilt: false,
            } if !blanks.is_whole() => Some(Frame::Bad(Flaw::NotAnObject, self.here)),
            State::Between { .. } | State::RestOfLine { .. } => None,
        }
    }

    fn skip_line(&mut self, input: &mut &[u8], spoilt: bool) {
        while let Some((&byte, rest)) = input.split_first() {
            *input = rest;
            self.here.pass(byte);
            if byte == b'\n' {
                self.state = State::between(spoilt);
                return;
            }
        }
    }

    /// Skips what may stand between objects. Returns the place of anything else, if it is news.
    fn skip_blanks(
        &mut self,
        input: &mut &[u8],
        mut blanks: Blanks,
        spoilt: bool,
    ) -> Option<Position> {
        while let Some((&byte, rest)) = input.split_first()
            && blanks.take(byte)
        {
            *input = rest;
            self.here.pass(byte);
        }
        self.state = match input.first() {
            None => State::Between { blanks, spoilt },
            Some(b'{') if blanks.is_whole() => State::Object(Object::new(self.here)),
            Some(_) => State::RestOfLine { spoilt },
        };
        matches!(self.state, State::RestOfLine { spoilt: false }).then_some(self.here)
    }

    /// Reads on in the object. Returns its last bytes, or what is wrong with it and where.
    fn read_object<'c>(
        &mut self,
        input: &mut &'c [u8],
        mut object: Object,
    ) -> Option<Result<&'c [u8], (Flaw, Position)>> {
        let (length, end) = object.read(input, self.limit, &mut self.here);
        let (bytes, rest) = input.split_at(length);
        *input = rest;
        let Some(end) = end else {
            self.kept.extend_from_slice(bytes);
            self.state = State::Object(object);
            return None;
        };
        // What spoilt the object may begin the next one, if it begins a line.
        self.state = match end {
            Err(_) if self.here.column > 1 => State::RestOfLine { spoilt: true },
            Err(_) => State::between(true),
            Ok(()) => State::between(false),
        };
        Some(
            end.map(|()| bytes)
                .map_err(|flaw| (flaw, flaw.place(object.begin(), self.here))),
        )
    }
}
