//! The call's own error, found again in a box.

use std::error;

use super::{AnyError, Error};

impl<E: error::Error + 'static> Error<E> {
    /// The call's own error that this error is, or that it holds, or that is among its sources: the counterpart of
    /// [`Rejected::of`](crate::Rejected::of).
    ///
    /// A [`BoxError`](crate::BoxError) that `?` made of an [`Error<E>`] holds that, so that `downcast_ref::<E>` does not find
    /// the call's own.
    ///
    /// ```
    /// use breaker_layer::{BoxError, Circuit, Error};
    /// use std::io;
    ///
    /// fn read(circuit: &Circuit) -> Result<Vec<u8>, BoxError> {
    ///     Ok(circuit.call(|| std::fs::read("/no/such/file"))?)
    /// }
    ///
    /// let circuit = Circuit::builder("disk").build()?;
    /// let error = read(&circuit).unwrap_err();
    /// assert!(error.downcast_ref::<io::Error>().is_none());
    /// let own = Error::<io::Error>::inner_of(&*error).unwrap();
    /// assert_eq!(own.kind(), io::ErrorKind::NotFound);
    /// # Ok::<(), breaker_layer::ConfigError>(())
    /// ```
    pub fn inner_of<'a>(error: &'a (dyn error::Error + 'static)) -> Option<&'a E> {
        let mut link = Some(error);
        while let Some(error) = link {
            if let Some(own) = error.downcast_ref::<E>() {
                return Some(own);
            }
            if let Some(Self::Inner(own)) = error.downcast_ref::<Self>() {
                return Some(own);
            }
            let boxed = match error.downcast_ref::<Error<AnyError>>() {
                Some(Error::Inner(any)) => Some(any),
                Some(Error::Rejected(_) | Error::Elapsed(_)) | None => error.downcast_ref(),
            };
            link = match boxed {
                Some(any) => Some(any.get_ref()),
                None => error.source(),
            };
        }
        None
    }
}
