//! Calls with a limit of time.

use std::{future::Future, time::Duration};

use breaker_core::Outcome;
use tokio::time::timeout;

use crate::{
    circuit::Circuit,
    classify::{Classify, ErrorsAreFailures, Failure, record_result},
    error::{Elapsed, Error},
    held::Held,
};

/// Calls with a limit of time, with Tokio's timer.
impl Circuit {
    /// Runs a future as [`Circuit::run`] does, and for no longer than the limit: then it is dropped, which is a failure.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() {
    /// use std::{future::pending, io, time::Duration};
    /// use breaker_layer::{Circuit, Error};
    ///
    /// let circuit = Circuit::builder("payments").build().unwrap();
    /// let answer = circuit.run_within(Duration::from_millis(200), pending::<io::Result<()>>()).await;
    /// match answer {
    ///     Ok(()) => println!("paid"),
    ///     Err(Error::Rejected(rejected)) => println!("not asked: {rejected}"),
    ///     Err(Error::Elapsed(elapsed)) => println!("{elapsed}"), // no answer within 200ms
    ///     Err(Error::Inner(error)) => println!("failed: {error}"),
    /// }
    /// assert_eq!(circuit.snapshot().failed, 1);
    /// # }
    /// ```
    ///
    /// Take this and not a timeout around it or inside it. `timeout(limit, circuit.run(fetch()))` gives the call up: the
    /// circuit sees that the caller left, which need not be the downstream's fault. `circuit.run(timeout(limit, fetch()))`
    /// judges only whether the limit was kept, so that an error of `fetch` is a success.
    ///
    /// Where the future's error is a [`BoxError`](crate::BoxError) or an `anyhow::Error`, `.map_err(Error::boxed)?` passes
    /// it on.
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`], [`Error::Elapsed`], or the future's own error.
    ///
    /// # Panics
    ///
    /// When it is polled outside of a Tokio runtime with its time driver enabled.
    #[doc(alias = "TimeLimiter")]
    pub async fn run_within<T, E>(
        &self,
        limit: Duration,
        future: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Error<E>> {
        self.run_within_with(limit, &ErrorsAreFailures, future)
            .await
    }

    /// As [`Circuit::run_within`], and says what a result within the limit means.
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`], [`Error::Elapsed`], or the future's own error.
    ///
    /// # Panics
    ///
    /// As [`Circuit::run_within`].
    pub async fn run_within_with<T, E>(
        &self,
        limit: Duration,
        classify: &impl Classify<T, E>,
        future: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Error<E>> {
        let permit = self.try_acquire()?;
        let (permit, answer) = Held::new(permit, timeout(limit, future)).await;
        let Ok(result) = answer else {
            permit.record_failure(Outcome::Failure, Failure::new(Some("timed out"), None));
            return Err(Error::Elapsed(Elapsed::after(limit)));
        };
        record_result(permit, classify, result.as_ref());
        result.map_err(Error::Inner)
    }
}
