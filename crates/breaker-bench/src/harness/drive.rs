//! Calls a service to its end, on the calling thread.

use std::{
    future::Future,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
    time::Duration,
};

use tower_service::Service;

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Drives services on the thread that made it, which parks while a service is pending.
pub struct Driver(Waker);

impl Driver {
    /// The calling thread's.
    pub fn new() -> Self {
        Self(Waker::from(Arc::new(Unpark(thread::current()))))
    }

    /// One whole call: until ready, then until answered. Always inlined, so that no subject pays for a frame that the
    /// bare service does without.
    ///
    /// # Errors
    ///
    /// The service's.
    #[inline(always)]
    pub fn call<S: Service<u64>>(
        &self,
        service: &mut S,
        request: u64,
    ) -> Result<S::Response, S::Error> {
        let mut cx = Context::from_waker(&self.0);
        loop {
            match service.poll_ready(&mut cx) {
                Poll::Ready(Ok(())) => break,
                Poll::Ready(Err(error)) => return Err(error),
                Poll::Pending => park(),
            }
        }
        let mut future = pin!(service.call(request));
        loop {
            match future.as_mut().poll(&mut cx) {
                Poll::Ready(result) => return result,
                Poll::Pending => park(),
            }
        }
    }
}

/// Waits to be woken, and not for ever: tower-resilience 0.14 now and then forgets to wake whom it made wait.
#[cold]
fn park() {
    thread::park_timeout(Duration::from_millis(5));
}

impl Default for Driver {
    fn default() -> Self {
        Self::new()
    }
}
