//! Waking up after a pause.

use std::time::Duration;
#[cfg(feature = "tokio")]
use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

#[cfg(feature = "tokio")]
use tokio::time::{Sleep, sleep};

/// No pause is shorter: Tokio's timer knows no less.
pub(crate) const SHORTEST: Duration = Duration::from_millis(1);

/// Wakes after a pause.
#[cfg(feature = "tokio")]
#[derive(Default)]
pub(crate) struct Timer(Option<Pin<Box<Sleep>>>);

#[cfg(feature = "tokio")]
impl Timer {
    pub(crate) const fn new() -> Self {
        Self(None)
    }

    pub(crate) fn poll(&mut self, pause: Duration, cx: &mut Context<'_>) -> Poll<()> {
        let next = sleep(pause.max(SHORTEST));
        let sleep = match &mut self.0 {
            Some(sleep) => {
                sleep.set(next);
                sleep
            }
            None => self.0.insert(Box::pin(next)),
        };
        sleep.as_mut().poll(cx)
    }

    pub(crate) fn stop(&mut self) {
        self.0 = None;
    }
}
