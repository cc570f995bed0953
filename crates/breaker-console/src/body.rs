//! The body of a response.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Frame, SizeHint};

use crate::live::Stream;

/// The body of a console's response: a page, or a stream of what changes.
#[derive(Debug)]
#[must_use = "it does nothing unless it is sent"]
pub struct Body(Kind);

#[derive(Debug)]
enum Kind {
    Whole(Bytes),
    Stream(Box<Stream>),
}

impl Body {
    pub(crate) fn whole(content: impl Into<Bytes>) -> Self {
        Self(Kind::Whole(content.into()))
    }

    pub(crate) fn stream(stream: Stream) -> Self {
        Self(Kind::Stream(Box::new(stream)))
    }

    /// The same without a word, as the answer to a HEAD.
    pub(crate) fn withheld(&mut self) {
        self.0 = Kind::Whole(Bytes::new());
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let data = match &mut self.0 {
            Kind::Whole(content) if content.is_empty() => return Poll::Ready(None),
            Kind::Whole(content) => Poll::Ready(Some(std::mem::take(content))),
            Kind::Stream(stream) => stream.poll_next(cx),
        };
        data.map(|data| data.map(|data| Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(&self.0, Kind::Whole(content) if content.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Whole(content) => SizeHint::with_exact(content.len() as u64),
            Kind::Stream(_) => SizeHint::default(),
        }
    }
}
