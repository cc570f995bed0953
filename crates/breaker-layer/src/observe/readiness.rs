//! Whether a circuit lets calls pass, as health checks ask.

use std::{
    fmt,
    future::poll_fn,
    task::{Context, Poll, ready},
};

use crate::{circuit::Circuit, storage::Waiter, timer::Timer};

/// Watches whether a circuit is ready (feature `tokio`). Made by [`Circuit::readiness`].
///
/// It is told of transitions, and knows the time: an open circuit whose wait is over is ready without any traffic. It
/// needs Tokio's timer, and a circuit whose clock is Tokio's, as it is by default. It keeps its circuit alive.
pub struct Readiness {
    seen: bool,
    waiter: Waiter,
    timer: Timer,
    circuit: Circuit,
}

impl Readiness {
    /// Whether the circuit is ready at this moment: see [`Circuit::is_ready`].
    pub fn is_ready(&self) -> bool {
        self.circuit.is_ready()
    }

    /// Waits until this is no longer what was seen last, and says what it is. What it was when the watch began counts as
    /// seen. A change that was taken back before anyone looked is not told.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime with its time driver enabled, when it has to wait for a time.
    pub async fn changed(&mut self) -> bool {
        poll_fn(|cx| self.poll_changed(cx)).await
    }

    /// As [`Readiness::changed`], for code that polls.
    ///
    /// # Panics
    ///
    /// As [`Readiness::changed`].
    pub fn poll_changed(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        let mut is_registered = false;
        loop {
            let is_ready = self.is_ready();
            if is_ready != self.seen {
                self.seen = is_ready;
                return Poll::Ready(is_ready);
            }
            if !is_registered {
                // Asked once more after this, a change in between is not missed.
                self.waiter.register(cx.waker());
                is_registered = true;
                continue;
            }
            match self.circuit.changes_in() {
                Some(pause) => ready!(self.timer.poll(pause, cx)),
                None => return Poll::Pending,
            }
        }
    }
}

impl fmt::Debug for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Readiness")
            .field("circuit", &self.circuit)
            .field("is_ready", &self.is_ready())
            .finish_non_exhaustive()
    }
}

impl Circuit {
    /// Watches whether the circuit is ready, for health checks that push.
    ///
    /// ```
    /// use breaker_layer::Circuit;
    ///
    /// # tokio_test::block_on(async {
    /// # tokio::time::pause();
    /// let circuit = Circuit::builder("payments").build().unwrap();
    /// let mut readiness = circuit.readiness();
    /// circuit.trip();
    /// assert!(!readiness.changed().await);
    /// // No call comes, and still it recovers.
    /// assert!(readiness.changed().await);
    /// # });
    /// ```
    pub fn readiness(&self) -> Readiness {
        Readiness {
            seen: self.is_ready(),
            waiter: self.watcher(),
            timer: Timer::default(),
            circuit: self.clone(),
        }
    }
}
