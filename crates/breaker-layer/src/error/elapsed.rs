//! A limit that has passed.

use std::{error::Error, fmt, time::Duration};

use crate::text::Millis;

/// The call gave no answer within its limit, which is a failure of the downstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Elapsed {
    limit: Duration,
}

impl Elapsed {
    /// That this limit has passed. A caller's test may need one.
    pub const fn after(limit: Duration) -> Self {
        Self { limit }
    }

    /// The limit.
    pub const fn limit(&self) -> Duration {
        self.limit
    }
}

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no answer within {}", Millis(self.limit))
    }
}

impl Error for Elapsed {}
