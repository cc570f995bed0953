//! What the examples do while they show something.

use std::error::Error;
use std::iter::successors;

use breaker_layer::{BoxError, Circuit};

/// Waits as long as the circuit says, and no longer.
pub async fn wait_until_due(circuit: &Circuit) {
    let left = || circuit.snapshot().retry_after.unwrap_or_default();
    while !left().is_zero() {
        tokio::time::sleep(left()).await;
    }
}

/// The error, and what is behind it.
pub fn causes(error: &BoxError) -> impl Iterator<Item = &(dyn Error + 'static)> {
    let first: &(dyn Error + 'static) = &**error;
    successors(Some(first), |&error| error.source())
}
