//! The service that the node pretends to call: each call says how long it takes and whether it fails.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::time::{Sleep, sleep};
use tower::Service;

use crate::services::Key;

/// A simulated call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// The service that is called.
    pub service: Key,
    /// Whether the downstream fails it.
    pub fails: bool,
    /// How long the downstream takes for it.
    pub latency: Duration,
}

/// The error of a call that was to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DownstreamFailed;

impl fmt::Display for DownstreamFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the downstream failed, as it was told to")
    }
}

impl Error for DownstreamFailed {}

/// A simulated downstream of whatever service, which does as the call says.
#[derive(Clone, Copy, Debug, Default)]
pub struct Downstream;

impl Service<Call> for Downstream {
    type Response = ();
    type Error = DownstreamFailed;
    type Future = Answer;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: Call) -> Answer {
        Answer {
            // A timer costs more than all the rest of a call that does not wait.
            latency: (!call.latency.is_zero()).then(|| sleep(call.latency)),
            result: if call.fails {
                Err(DownstreamFailed)
            } else {
                Ok(())
            },
        }
    }
}

pin_project! {
    /// The answer of a [`Downstream`], once its time has come.
    #[derive(Debug)]
    pub struct Answer {
        #[pin]
        latency: Option<Sleep>,
        result: Result<(), DownstreamFailed>,
    }
}

impl Future for Answer {
    type Output = Result<(), DownstreamFailed>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = self.project();
        if let Some(latency) = answer.latency.as_pin_mut() {
            ready!(latency.poll(cx));
        }
        Poll::Ready(*answer.result)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;
    use tower::ServiceExt;

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn call(fails: bool, latency: Duration) -> Call {
        Call {
            service: Key(0),
            fails,
            latency,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_fails_where_it_says_so_and_takes_as_long_as_it_says() {
        let begin = Instant::now();
        for (fails, result) in [(false, Ok(())), (true, Err(DownstreamFailed))] {
            assert_eq!(Downstream.oneshot(call(fails, MINUTE)).await, result);
        }
        assert_eq!(begin.elapsed(), 2 * MINUTE);
    }

    #[test]
    fn a_call_without_latency_needs_no_timer() {
        // Outside of a runtime a timer would panic.
        let mut answer = Box::pin(Downstream.call(call(false, Duration::ZERO)));
        let mut cx = Context::from_waker(std::task::Waker::noop());
        assert_eq!(answer.as_mut().poll(&mut cx), Poll::Ready(Ok(())));
    }
}
