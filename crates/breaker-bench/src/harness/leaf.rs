//! The downstream that is wrapped.

use std::{
    fmt,
    future::{Ready, ready},
    hint::black_box,
    task::{Context, Poll},
};

use tower_service::Service;

/// What the downstream says to a call: even requests succeed, odd ones as it was told.
#[derive(Clone, Copy, Debug, Default)]
pub struct Leaf {
    /// Every other call fails.
    pub odd_fails: bool,
    /// Every call fails.
    pub all_fail: bool,
}

/// The downstream's error.
#[derive(Clone, Copy, Debug)]
pub struct Down;

impl fmt::Display for Down {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("down")
    }
}

impl std::error::Error for Down {}

impl Leaf {
    /// One call without Tower. Never inlined: a real downstream is opaque to its caller.
    ///
    /// # Errors
    ///
    /// As it was told.
    #[inline(never)]
    pub fn answer(&self, request: u64) -> Result<u64, Down> {
        let request = black_box(request);
        if self.all_fail || (self.odd_fails && request & 1 == 1) {
            Err(Down)
        } else {
            Ok(request)
        }
    }
}

impl Service<u64> for Leaf {
    type Response = u64;
    type Error = Down;
    type Future = Ready<Result<u64, Down>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Down>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: u64) -> Self::Future {
        ready(self.answer(request))
    }
}
