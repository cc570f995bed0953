//! A box of any error that is an error itself.

use std::{error::Error, fmt};

use crate::error::BoxError;

/// An error of any type, which is a [`std::error::Error`] itself, as a [`BoxError`] and an `anyhow::Error` are not.
///
/// It reads as the error that it holds: its text and its source are those of that error.
///
/// ```
/// use breaker_layer::{Circuit, Error};
///
/// fn read(circuit: &Circuit) -> anyhow::Result<String> {
///     let text = circuit.call_boxed(|| anyhow::Ok(std::fs::read_to_string("/no/such/file")?))?;
///     Ok(text)
/// }
///
/// let circuit = Circuit::builder("disk").build()?;
/// assert!(read(&circuit).unwrap_err().to_string().contains("No such file"));
/// # Ok::<(), breaker_layer::ConfigError>(())
/// ```
pub struct AnyError(BoxError);

impl AnyError {
    /// Boxes an error, or takes over its box.
    pub fn new(error: impl Into<BoxError>) -> Self {
        Self(error.into())
    }

    /// The error in the box.
    pub fn get_ref(&self) -> &(dyn Error + Send + Sync + 'static) {
        &*self.0
    }

    /// The error in the box, if it is of this type.
    ///
    /// What an `anyhow::Error` was made of is not in the box itself: anyhow puts a type of its own around it. Where you need
    /// that, take [`Circuit::run`](crate::Circuit::run) and match on [`Error::Inner`](crate::Error::Inner).
    pub fn downcast_ref<E: Error + 'static>(&self) -> Option<&E> {
        self.0.downcast_ref()
    }

    /// The box.
    pub fn into_inner(self) -> BoxError {
        self.0
    }
}

impl fmt::Display for AnyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for AnyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for AnyError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}
