//! What a call means that was given up before it was answered.

use crate::{checks::Faults, setting::Setting};

/// The most calls given up that are counted in a row.
pub(crate) const MOST_GIVEN_UP: u16 = (1 << 12) - 1;

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
    pub(crate) fn tell(self, tell: &mut dyn FnMut(Setting)) {
        tell(match self {
            Self::Ignored => Setting::new("cancelled", "", "ignored"),
            Self::Failure => Setting::new("cancelled", "", "failure"),
            Self::FailureAfter(calls) => {
                Setting::new("cancelled", "failure_after", u32::from(calls))
            }
        });
    }

    pub(crate) fn checked(self, faults: &mut Faults<'_>) -> Self {
        if let Self::FailureAfter(calls) = self {
            // One more must still be counted.
            faults.check(
                (1..MOST_GIVEN_UP).contains(&calls),
                "cancelled.failure_after",
                u32::from(calls),
                "a number from 1 to 4094",
            );
        }
        self
    }

    /// Whether a cancelled call counts as a failure that is the last of so many in a row that were given up.
    pub(crate) const fn is_failure(self, given_up: u16) -> bool {
        match self {
            Self::Failure => true,
            Self::FailureAfter(calls) => given_up > calls,
            Self::Ignored => false,
        }
    }
}
