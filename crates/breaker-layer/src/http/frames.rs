//! Trailers that stand in the body: gRPC-web's, and the end of a Connect stream.

use std::{io::IoSlice, mem};

use ::http::{HeaderMap, HeaderName, HeaderValue};
use bytes::Buf;

use super::{connect, grpc_code::STATUS};

/// How a body is framed that has its trailers in itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Framing {
    /// gRPC-web's: the last frame is the trailers.
    GrpcWeb,
    /// gRPC-web's in base64.
    GrpcWebText,
    /// That of a Connect stream: the last message is JSON, whose error, if there is one, becomes a `grpc-status`.
    Connect,
}

impl Framing {
    /// What follows these flags, and this length.
    fn frame(self, flags: u8, length: usize) -> State {
        let last = match self {
            Self::GrpcWeb | Self::GrpcWebText => 0x80,
            Self::Connect => 0x02,
        };
        const COMPRESSED: u8 = 0x01;
        if flags & last == 0 {
            State::Message(length)
        } else if flags & COMPRESSED == 0 && length <= LIMIT {
            State::Trailers(Vec::with_capacity(length), length)
        } else {
            State::Over
        }
    }
}

/// Longer trailers are not read.
const LIMIT: usize = 16 * 1024;

/// Reads along with a body, frame by frame, and keeps the trailers only.
pub(super) struct Frames {
    framing: Framing,
    quad: Quad,
    state: State,
}

enum State {
    /// So much of the flags and the length.
    Head([u8; 5], usize),
    /// So many bytes of a message are to come.
    Message(usize),
    /// The trailers, of which so many bytes are to come.
    Trailers(Vec<u8>, usize),
    /// What comes cannot be read, or need not be.
    Over,
}

impl State {
    const BEGIN: Self = Self::Head([0; 5], 0);
}

impl Frames {
    pub(super) fn new(framing: Framing) -> Self {
        Self {
            framing,
            quad: Quad::default(),
            state: State::BEGIN,
        }
    }

    /// Whether the body is not readable: its trailers are compressed or too long, or its data do not show all that they are.
    pub(super) const fn is_over(&self) -> bool {
        matches!(self.state, State::Over)
    }

    /// Looks at data that pass. Gives the trailers once they are whole.
    pub(super) fn read(&mut self, data: &impl Buf) -> Option<HeaderMap> {
        let mut slices = [IoSlice::new(&[]); 16];
        let count = data.chunks_vectored(&mut slices);
        let slices = &slices[..count];
        if slices.iter().map(|slice| slice.len()).sum::<usize>() != data.remaining() {
            self.state = State::Over;
        }
        slices.iter().find_map(|slice| match self.framing {
            Framing::GrpcWebText => self.read_text(slice),
            Framing::GrpcWeb | Framing::Connect => self.read_bytes(slice),
        })
    }

    fn read_text(&mut self, text: &[u8]) -> Option<HeaderMap> {
        text.iter().find_map(|&digit| {
            let (bytes, count) = self.quad.next(digit)?;
            self.read_bytes(&bytes[..count])
        })
    }

    fn read_bytes(&mut self, mut bytes: &[u8]) -> Option<HeaderMap> {
        loop {
            match &mut self.state {
                State::Over => return None,
                State::Head(head, 5) => {
                    let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
                    self.state = self.framing.frame(head[0], length);
                }
                State::Message(0) => self.state = State::BEGIN,
                State::Trailers(trailers, 0) => {
                    let trailers = mem::take(trailers);
                    self.state = State::Over;
                    return Some(match self.framing {
                        Framing::GrpcWeb | Framing::GrpcWebText => lines(&trailers),
                        Framing::Connect => {
                            let code = HeaderValue::from(connect::code(&trailers));
                            HeaderMap::from_iter([(STATUS, code)])
                        }
                    });
                }
                _ if bytes.is_empty() => return None,
                State::Head(head, count) => {
                    let part = take(&mut bytes, 5 - *count);
                    head[*count..][..part.len()].copy_from_slice(part);
                    *count += part.len();
                }
                State::Message(left) => *left -= take(&mut bytes, *left).len(),
                State::Trailers(trailers, left) => {
                    let part = take(&mut bytes, *left);
                    trailers.extend_from_slice(part);
                    *left -= part.len();
                }
            }
        }
    }
}

/// Takes so many bytes from the front, or all.
fn take<'a>(bytes: &mut &'a [u8], count: usize) -> &'a [u8] {
    let (part, rest) = bytes.split_at(count.min(bytes.len()));
    *bytes = rest;
    part
}

/// Trailers as HTTP/1 writes headers.
fn lines(trailers: &[u8]) -> HeaderMap {
    let lines = trailers.split(|&byte| byte == b'\n');
    let headers = lines.filter_map(|line| {
        let colon = line.iter().position(|&byte| byte == b':')?;
        let name = HeaderName::from_bytes(line[..colon].trim_ascii()).ok()?;
        let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?;
        Some((name, value))
    });
    headers.collect()
}

/// Four digits of base64, as they come. A body may be several pieces of it, each with its padding.
#[derive(Default)]
struct Quad {
    bits: u32,
    digits: usize,
    padding: usize,
}

impl Quad {
    /// The bytes of four digits, and how many they are, with the last of the four.
    fn next(&mut self, digit: u8) -> Option<([u8; 3], usize)> {
        let value = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' => {
                self.padding += 1;
                0
            }
            _ => return None,
        };
        self.bits = self.bits << 6 | u32::from(value);
        self.digits += 1;
        if self.digits < 4 {
            return None;
        }
        let Self { bits, padding, .. } = mem::take(self);
        let [_, first, second, third] = bits.to_be_bytes();
        Some(([first, second, third], 3_usize.saturating_sub(padding)))
    }
}
