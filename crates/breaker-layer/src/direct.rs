//! Calls without Tower.

use std::future::Future;

use crate::{
    circuit::Circuit,
    classify::{Classify, ErrorsAreFailures},
    error::Error,
};

/// Calls without Tower: whole, where [`Circuit::try_acquire`] would take two steps.
impl Circuit {
    /// Makes a call, unless it is rejected; an error is a failure.
    ///
    /// ```
    /// use breaker_layer::{Circuit, Error};
    ///
    /// let circuit = Circuit::builder("disk").build()?;
    /// match circuit.call(|| std::fs::read("/no/such/file")) {
    ///     Ok(bytes) => println!("{} bytes", bytes.len()),
    ///     Err(Error::Rejected(rejected)) => println!("{rejected}"),
    ///     Err(Error::Inner(error)) => println!("{error}"),
    /// }
    /// assert_eq!(circuit.snapshot().failed, 1);
    /// # Ok::<(), breaker_layer::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`], or the call's own error.
    pub fn call<T, E>(&self, call: impl FnOnce() -> Result<T, E>) -> Result<T, Error<E>> {
        self.call_with(&ErrorsAreFailures, call)
    }

    /// Makes a call, unless it is rejected, and says what its result means.
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`], or the call's own error.
    pub fn call_with<T, E>(
        &self,
        classify: &impl Classify<T, E>,
        call: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, Error<E>> {
        let permit = self.try_acquire()?;
        let result = call();
        permit.record(classify.classify(result.as_ref()));
        result.map_err(Error::Inner)
    }

    /// Runs a future, unless it is rejected when it is first polled; an error is a failure. Dropped before its end, it
    /// is a cancelled call.
    ///
    /// ```
    /// # tokio_test::block_on(async {
    /// use breaker_layer::Circuit;
    ///
    /// let circuit = Circuit::builder("payments").build().unwrap();
    /// let paid = circuit.run(async { Ok::<_, std::io::Error>(12) }).await.unwrap();
    /// assert_eq!(paid, 12);
    /// # });
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`], or the future's own error.
    pub async fn run<T, E>(
        &self,
        future: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Error<E>> {
        self.run_with(&ErrorsAreFailures, future).await
    }

    /// Runs a future, unless it is rejected, and says what its result means.
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`], or the future's own error.
    pub async fn run_with<T, E>(
        &self,
        classify: &impl Classify<T, E>,
        future: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Error<E>> {
        let permit = self.try_acquire()?;
        let result = future.await;
        permit.record(classify.classify(result.as_ref()));
        result.map_err(Error::Inner)
    }
}
