//! Calls without Tower, by key.

use std::future::Future;
#[cfg(feature = "tokio")]
use std::time::Duration;

#[cfg(feature = "tokio")]
use breaker_core::Outcome;

use super::{circuits::KeyedCircuits, entry::Key};
use crate::{
    classify::{Classify, ErrorsAreFailures, record_result},
    error::{AnyError, BoxError, Error},
    held::Held,
    stack::shape,
};
#[cfg(feature = "tokio")]
use crate::{error::Elapsed, failure::Failure};

/// Calls without Tower: as those of a [`Circuit`](crate::Circuit), each for a key.
impl<K: Key> KeyedCircuits<K> {
    /// Makes a call for this key, unless it is rejected; an error is a failure.
    ///
    /// ```
    /// use breaker_layer::keyed::KeyedCircuits;
    ///
    /// let disks = KeyedCircuits::<&str>::builder("disks").build()?;
    /// let read = disks.call("sda", || std::fs::read("/no/such/file"));
    /// assert!(read.is_err());
    /// assert_eq!(disks.get("sda").unwrap().snapshot().failed, 1);
    /// # Ok::<(), breaker_layer::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Circuit::call`](crate::Circuit::call).
    pub fn call<T, E>(&self, key: K, call: impl FnOnce() -> Result<T, E>) -> Result<T, Error<E>> {
        self.call_with(key, &ErrorsAreFailures, call)
    }

    /// Makes a call for this key, unless it is rejected, and says what its result means.
    ///
    /// # Errors
    ///
    /// As [`Circuit::call`](crate::Circuit::call).
    pub fn call_with<T, E>(
        &self,
        key: K,
        classify: &impl Classify<T, E>,
        call: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, Error<E>> {
        let permit = self.try_acquire(key)?;
        let result = call();
        record_result(permit, classify, result.as_ref());
        result.map_err(Error::Inner)
    }

    /// As [`KeyedCircuits::call`], with an error that is a [`std::error::Error`] whatever the call's own is: see
    /// [`AnyError`].
    ///
    /// # Errors
    ///
    /// As [`Circuit::call`](crate::Circuit::call).
    pub fn call_boxed<T, E: Into<BoxError>>(
        &self,
        key: K,
        call: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, Error<AnyError>> {
        let permit = self.try_acquire(key)?;
        shape::settle_boxed(permit, call())
    }

    /// Runs a future for this key, unless it is rejected when it is first polled; an error is a failure. Dropped before its
    /// end, it is a cancelled call.
    ///
    /// ```
    /// # tokio_test::block_on(async {
    /// use breaker_layer::keyed::KeyedCircuits;
    ///
    /// let hosts = KeyedCircuits::<String>::builder("hosts").build().unwrap();
    /// let get = async || Ok::<_, std::io::Error>(200);
    /// assert_eq!(hosts.run("shop.example".into(), get()).await.unwrap(), 200);
    /// # });
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Circuit::run`](crate::Circuit::run).
    pub async fn run<T, E>(
        &self,
        key: K,
        future: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Error<E>> {
        self.run_with(key, &ErrorsAreFailures, future).await
    }

    /// Runs a future for this key, unless it is rejected, and says what its result means.
    ///
    /// # Errors
    ///
    /// As [`Circuit::run`](crate::Circuit::run).
    pub async fn run_with<T, E>(
        &self,
        key: K,
        classify: &impl Classify<T, E>,
        future: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Error<E>> {
        let permit = self.try_acquire(key)?;
        let (permit, result) = Held::new(permit, future).await;
        record_result(permit, classify, result.as_ref());
        result.map_err(Error::Inner)
    }
    /// As [`KeyedCircuits::run`], with an error that is a [`std::error::Error`] whatever the future's own is: see
    /// [`AnyError`].
    ///
    /// # Errors
    ///
    /// As [`Circuit::run`](crate::Circuit::run).
    pub async fn run_boxed<T, E: Into<BoxError>>(
        &self,
        key: K,
        future: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Error<AnyError>> {
        let permit = self.try_acquire(key)?;
        let (permit, result) = Held::new(permit, future).await;
        shape::settle_boxed(permit, result)
    }

    /// Runs a future for this key as [`KeyedCircuits::run`] does, and for no longer than the limit: then it is dropped, which
    /// is a failure.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() {
    /// use std::{future::pending, io, time::Duration};
    /// use breaker_layer::{Error, keyed::KeyedCircuits};
    ///
    /// let hosts = KeyedCircuits::<String>::builder("hosts").build().unwrap();
    /// let limit = Duration::from_millis(200);
    /// let answer = hosts.run_within("shop.example".into(), limit, pending::<io::Result<()>>()).await;
    /// assert!(matches!(answer, Err(Error::Elapsed(_))));
    /// assert_eq!(hosts.get("shop.example").unwrap().snapshot().failed, 1);
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Circuit::run_within`](crate::Circuit::run_within).
    ///
    /// # Panics
    ///
    /// When it is polled outside of a Tokio runtime with its time driver enabled.
    #[cfg(feature = "tokio")]
    pub async fn run_within<T, E>(
        &self,
        key: K,
        limit: Duration,
        future: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Error<E>> {
        self.run_within_with(key, limit, &ErrorsAreFailures, future)
            .await
    }

    /// As [`KeyedCircuits::run_within`], and says what a result within the limit means.
    ///
    /// # Errors
    ///
    /// As [`Circuit::run_within`](crate::Circuit::run_within).
    ///
    /// # Panics
    ///
    /// As [`KeyedCircuits::run_within`].
    #[cfg(feature = "tokio")]
    pub async fn run_within_with<T, E>(
        &self,
        key: K,
        limit: Duration,
        classify: &impl Classify<T, E>,
        future: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Error<E>> {
        let permit = self.try_acquire(key)?;
        let call = Held::new(permit, tokio::time::timeout(limit, future));
        let (permit, answer) = call.await;
        let Ok(result) = answer else {
            permit.record_failure(Outcome::Failure, Failure::new(Some("timed out"), None));
            return Err(Error::Elapsed(Elapsed::after(limit)));
        };
        record_result(permit, classify, result.as_ref());
        result.map_err(Error::Inner)
    }
}
