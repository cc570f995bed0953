//! What is done where the user's code panics.

use std::{
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
};

/// Runs what is the user's, and goes on with the default if it panics. The panic hook has reported it by then.
pub(crate) fn quietly<T: Default>(run: impl FnOnce() -> T) -> T {
    let payload = match catch_unwind(AssertUnwindSafe(run)) {
        Ok(done) => return done,
        Err(payload) => payload,
    };
    // What a panic carries is the user's, too, and may panic as it is dropped.
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        mem::forget(payload);
    }
    T::default()
}

/// A value of the user's, whose methods may panic and whose drop may, too: neither harms a circuit.
pub(crate) struct Quiet<T>(Option<T>);

impl<T> Quiet<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(Some(value))
    }

    /// Runs a method of it; the default if that panics.
    pub(crate) fn run<R: Default>(&self, method: impl FnOnce(&T) -> R) -> R {
        quietly(|| self.0.as_ref().map(method)).unwrap_or_default()
    }
}

impl<T> Drop for Quiet<T> {
    fn drop(&mut self) {
        let value = self.0.take();
        quietly(|| drop(value));
    }
}

#[cfg(all(test, not(breaker_loom)))]
mod tests {
    use std::panic::panic_any;

    use super::quietly;

    #[test]
    fn a_panic_whose_payload_panics_as_it_is_dropped_does_not_escape() {
        struct Again;
        impl Drop for Again {
            fn drop(&mut self) {
                panic!("again");
            }
        }
        quietly::<()>(|| panic_any(Again));
    }
}
