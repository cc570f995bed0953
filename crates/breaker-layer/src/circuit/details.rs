//! What is known of a call that has ended.

use std::time::Duration;

use crate::failure::Failure;

/// What a caller tells of a call beside how it ended.
#[derive(Clone, Copy)]
pub(crate) struct CallDetails<'a> {
    pub(super) took: Option<Duration>,
    pub(super) failure: Failure<'a>,
}

impl<'a> CallDetails<'a> {
    pub(crate) const NOTHING: Self = Self {
        took: None,
        failure: Failure::new(None, None),
    };

    pub(crate) const fn took(took: Duration) -> Self {
        Self {
            took: Some(took),
            ..Self::NOTHING
        }
    }

    pub(crate) const fn failure(failure: Failure<'a>) -> Self {
        Self {
            failure,
            ..Self::NOTHING
        }
    }
}
