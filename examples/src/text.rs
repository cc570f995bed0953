//! The body of an answer: a text, or as much of it as comes before the connection breaks off.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame, SizeHint};

/// A text in one piece.
#[derive(Debug)]
pub(crate) struct Text {
    left: Option<Bytes>,
    end: End,
}

/// What comes after the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Whole,
    /// More was promised; what is there is sent first.
    Cut,
    CutNow,
}

impl Text {
    pub(crate) fn whole(text: String) -> Self {
        Self {
            left: Some(text.into()),
            end: End::Whole,
        }
    }

    pub(crate) fn cut(text: String) -> Self {
        Self {
            end: End::Cut,
            ..Self::whole(text)
        }
    }
}

impl Body for Text {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if let Some(text) = self.left.take() {
            return Poll::Ready(Some(Ok(Frame::data(text))));
        }
        match self.end {
            End::Whole => Poll::Ready(None),
            End::Cut => {
                self.end = End::CutNow;
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            End::CutNow => Poll::Ready(Some(Err(io::ErrorKind::UnexpectedEof.into()))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_none() && self.end == End::Whole
    }

    fn size_hint(&self) -> SizeHint {
        let text = self.left.as_ref().map_or(0, |text| text.len() as u64);
        let promised = u64::from(self.end != End::Whole);
        SizeHint::with_exact(text + promised)
    }
}
