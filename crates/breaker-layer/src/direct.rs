//! Calls without Tower.

use std::future::Future;

use crate::{
    circuit::Circuit,
    classify::{Classify, ErrorsAreFailures, record_result},
    error::{AnyError, BoxError, Error},
    held::Held,
    stack::shape,
};

#[cfg(feature = "tokio")]
mod within;

/// Calls without Tower: whole, where [`Circuit::try_acquire`] would take two steps.
///
/// # What is judged
///
/// The result that the closure or future gives, and no other one inside it. A timeout and a task's handle give a result in a
/// result, of which the outer one says only that there was an answer, so an error inside it would count as a success. Unwrap
/// it inside, with `?`:
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use breaker_layer::{BoxError, Circuit};
///
/// async fn fetch() -> Result<String, BoxError> {
///     Err("connection refused".into())
/// }
///
/// let circuit = Circuit::builder("prices").build().unwrap();
/// let wrong = circuit.run(tokio::spawn(fetch())).await; // `Ok(Err(_))`
/// assert!(wrong.is_ok_and(|answer| answer.is_err()));
/// assert_eq!(circuit.snapshot().failed, 0);
///
/// let right = circuit.run(async { tokio::spawn(fetch()).await? }).await;
/// assert!(right.is_err());
/// assert_eq!(circuit.snapshot().failed, 1);
/// # }
/// ```
///
/// For a timeout there is `run_within`.
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
    ///     Err(error) => println!("{error}"),
    /// }
    /// assert_eq!(circuit.snapshot().failed, 1);
    /// # Ok::<(), breaker_layer::ConfigError>(())
    /// ```
    ///
    /// Where the call's error is a [`BoxError`] or an `anyhow::Error`, [`Circuit::call_boxed`] gives one that `?` takes.
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`], or the call's own error.
    #[doc(alias("Execute", "executeSupplier"))]
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
        record_result(permit, classify, result.as_ref());
        result.map_err(Error::Inner)
    }

    /// As [`Circuit::call`], with an error that is a [`std::error::Error`] whatever the call's own is: see [`AnyError`].
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`], or the call's own error.
    pub fn call_boxed<T, E: Into<BoxError>>(
        &self,
        call: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, Error<AnyError>> {
        let permit = self.try_acquire()?;
        shape::settle_boxed(permit, call())
    }

    /// Runs a future, unless it is rejected when it is first polled; an error is a failure. Dropped before its end, it
    /// is a cancelled call: for a timeout take `run_within`.
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
    /// Where the future's error is a [`BoxError`] or an `anyhow::Error`, [`Circuit::run_boxed`] gives one that `?` takes.
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`], or the future's own error.
    #[doc(alias("ExecuteAsync", "executeCompletionStage"))]
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
        let (permit, result) = Held::new(permit, future).await;
        record_result(permit, classify, result.as_ref());
        result.map_err(Error::Inner)
    }

    /// As [`Circuit::run`], with an error that is a [`std::error::Error`] whatever the future's own is: see [`AnyError`].
    ///
    /// ```
    /// # tokio_test::block_on(async {
    /// use breaker_layer::{Circuit, Rejected};
    ///
    /// async fn fetch() -> anyhow::Result<String> {
    ///     anyhow::bail!("connection refused")
    /// }
    ///
    /// async fn price(circuit: &Circuit) -> anyhow::Result<String> {
    ///     Ok(circuit.run_boxed(fetch()).await?)
    /// }
    ///
    /// let circuit = Circuit::builder("prices").build().unwrap();
    /// assert_eq!(price(&circuit).await.unwrap_err().to_string(), "connection refused");
    /// circuit.isolate();
    /// let error = price(&circuit).await.unwrap_err();
    /// assert!(Rejected::of(error.as_ref()).is_some());
    /// assert_eq!(format!("{error:#}"), r#"circuit "prices" is isolated: by the operator"#);
    /// # });
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`], or the future's own error.
    pub async fn run_boxed<T, E: Into<BoxError>>(
        &self,
        future: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Error<AnyError>> {
        let permit = self.try_acquire()?;
        let (permit, result) = Held::new(permit, future).await;
        shape::settle_boxed(permit, result)
    }
}
