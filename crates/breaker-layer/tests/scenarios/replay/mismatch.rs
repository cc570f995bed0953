//! The first assertion of a row that did not hold.

use std::fmt;

/// Which step it was, what was expected and what came.
pub(crate) struct Mismatch {
    /// The first step is 1; 0 is the configuration, and one more than there are is `expect`.
    pub(crate) step: usize,
    what: String,
    expected: String,
    came: String,
}

impl Mismatch {
    pub(crate) fn new(what: &str, expected: impl Into<String>, came: impl fmt::Display) -> Self {
        Self {
            step: 0,
            what: what.to_owned(),
            expected: expected.into(),
            came: came.to_string(),
        }
    }

    pub(crate) fn at(self, step: usize) -> Self {
        Self { step, ..self }
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            step,
            what,
            expected,
            came,
        } = self;
        write!(f, "step {step}: {what}: expected {expected}, came {came}")
    }
}

/// `Ok` if both are the same.
pub(crate) fn same<T: PartialEq + fmt::Debug>(
    what: &str,
    expected: &T,
    came: &T,
) -> Result<(), Mismatch> {
    if expected == came {
        return Ok(());
    }
    Err(Mismatch::new(
        what,
        format!("{expected:?}"),
        format!("{came:?}"),
    ))
}
