//! What a call means that was given up before it was answered.

use crate::{
    config::{ConfigError, check},
    streak::MOST_GIVEN_UP,
};

/// What a cancelled call counts as: one that was given up before it was answered, so that its permit was dropped. A timeout
/// outside the breaker does so, a caller that leaves, and an early return.
///
/// One that is given up says little: a browser was closed, or a race was lost. When all are given up and none is answered,
/// the downstream hangs.
///
/// Default: [`Cancelled::FailureAfter`] 15, as many as there are failures that trip from clean on the default policy. So
/// from clean the 30th call in a row that is given up trips.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cancelled {
    /// As nothing, always: for a race whose loser is cancelled, with a circuit of its own for each side. Then a downstream
    /// whose calls are all given up never opens its circuit.
    Ignored,
    /// As a failure, always: where nothing but a timeout gives calls up.
    Failure,
    /// As nothing at first. After so many in a row, from 1 to 4094, further ones count as failures, until a call is answered,
    /// however it is: then the count starts afresh. So does it at each transition.
    FailureAfter(u16),
}

impl Default for Cancelled {
    fn default() -> Self {
        Self::FailureAfter(15)
    }
}

impl Cancelled {
    pub(crate) fn check(self) -> Result<Self, ConfigError> {
        let is_good = match self {
            Self::Ignored | Self::Failure => true,
            // One more must still be counted.
            Self::FailureAfter(calls) => (1..MOST_GIVEN_UP).contains(&u32::from(calls)),
        };
        check(
            is_good,
            "cancelled.failure_after",
            "a number from 1 to 4094",
        )?;
        Ok(self)
    }
}
