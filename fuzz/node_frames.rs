//! The node's framing: however the input is cut into chunks, the frames are the same, and none is longer than the limit.
#![no_main]

use std::num::NonZeroUsize;

use breaker_node::frame::{Flaw, Frame, Framer, Position};
use libfuzzer_sys::fuzz_target;

const LIMIT: NonZeroUsize = NonZeroUsize::new(64).unwrap();

#[derive(Debug, PartialEq)]
enum Owned {
    Object(Vec<u8>, Position),
    Bad(Flaw, Position),
}

impl From<Frame<'_>> for Owned {
    fn from(frame: Frame<'_>) -> Self {
        match frame {
            Frame::Object(bytes, at) => Self::Object(bytes.to_vec(), at),
            Frame::Bad(flaw, at) => Self::Bad(flaw, at),
        }
    }
}

fn frames<'c>(chunks: impl Iterator<Item = &'c [u8]>) -> Vec<Owned> {
    let mut framer = Framer::new(LIMIT);
    let mut frames = vec![];
    for mut chunk in chunks {
        while let Some(frame) = framer.next(&mut chunk) {
            frames.push(frame.into());
        }
        assert!(chunk.is_empty(), "everything is read");
    }
    frames.extend(framer.finish().map(Owned::from));
    frames
}

fuzz_target!(|data: &[u8]| {
    let Some((&cut, input)) = data.split_first() else {
        return;
    };
    let whole = frames([input].into_iter());
    assert_eq!(frames(input.chunks(usize::from(cut % 16) + 1)), whole);
    for frame in &whole {
        if let Owned::Object(bytes, _) = frame {
            assert!(bytes.len() <= LIMIT.get() && bytes.starts_with(b"{") && bytes.ends_with(b"}"));
        }
    }
});
