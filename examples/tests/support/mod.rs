//! A connection in memory, what a server wrote on it, and bodies that are made as they are asked for.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use hyper::HeaderMap;
use hyper::body::{Body, Bytes, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Keeps what is written.
pub(crate) struct Recorder<T> {
    io: T,
    written: Written,
}

/// What was written, as far as it has come.
#[derive(Clone, Default)]
pub(crate) struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl<T> Recorder<T> {
    pub(crate) fn new(io: T) -> (Self, Written) {
        let written = Written::default();
        let recorder = Self {
            io,
            written: written.clone(),
        };
        (recorder, written)
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Recorder<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Recorder<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let count = ready!(Pin::new(&mut self.io).poll_write(cx, bytes))?;
        let mut written = self
            .written
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        written.extend_from_slice(&bytes[..count]);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

/// A body of so many frames of this many bytes, and trailers; each is made when it is asked for, and counted.
pub(crate) struct Source {
    pub(crate) frames: usize,
    pub(crate) bytes: usize,
    pub(crate) has_trailers: bool,
    pub(crate) made: Arc<AtomicUsize>,
}

impl Body for Source {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Some(left) = self.frames.checked_sub(1) {
            self.frames = left;
            let number = self.made.fetch_add(1, SeqCst);
            let bytes = vec![number as u8; self.bytes - number % 7];
            return Poll::Ready(Some(Ok(Frame::data(bytes.into()))));
        }
        if !std::mem::take(&mut self.has_trailers) {
            return Poll::Ready(None);
        }
        let mut trailers = HeaderMap::new();
        trailers.insert("x-checksum", "12".parse().expect("a value"));
        trailers.append("x-checksum", "34".parse().expect("a value"));
        Poll::Ready(Some(Ok(Frame::trailers(trailers))))
    }

    fn is_end_stream(&self) -> bool {
        self.frames == 0 && !self.has_trailers
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}
