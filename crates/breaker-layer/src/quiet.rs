//! What is done where the user's code panics.

use std::{
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
};

/// Runs what is the user's, and goes on if it panics. The panic hook has reported it by then.
pub(crate) fn quietly(run: impl FnOnce()) {
    let Err(payload) = catch_unwind(AssertUnwindSafe(run)) else {
        return;
    };
    // What a panic carries is the user's, too, and may panic as it is dropped.
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        mem::forget(payload);
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
        quietly(|| panic_any(Again));
    }
}
