//! What a circuit is built with.

use std::sync::Arc;

use breaker_core::{Checked, Config, ConfigError, Timestamp};

use crate::{
    clock::{Clock, Source, User},
    policy::Policies,
};

/// What a circuit is built with, and goes on with until it is reconfigured. All circuits of a table share it.
#[derive(Clone)]
pub(crate) struct Plan {
    /// The configuration as the user said it.
    pub(crate) said: Config,
    /// The same as the decisions read it.
    pub(crate) checked: Checked,
    pub(super) source: Source,
    clock: Option<Arc<User>>,
    pub(crate) policies: Option<Arc<Policies>>,
}

impl Plan {
    /// # Errors
    ///
    /// Those of [`Config::build`].
    pub(crate) fn new(
        said: Config,
        clock: Clock,
        policies: Option<Arc<Policies>>,
    ) -> Result<Arc<Self>, ConfigError> {
        Ok(Arc::new(Self {
            checked: said.build()?,
            said,
            source: clock.source(),
            clock: clock.into_user(),
            policies,
        }))
    }

    /// The same with another configuration.
    ///
    /// # Errors
    ///
    /// Those of [`Config::build`].
    pub(crate) fn with(&self, said: Config) -> Result<Arc<Self>, ConfigError> {
        Ok(Arc::new(Self {
            checked: said.build()?,
            said,
            ..self.clone()
        }))
    }

    /// What time it is. It may run the user's clock.
    pub(super) fn now(&self) -> Timestamp {
        match (self.source.now(), &self.clock) {
            (Some(now), _) => now,
            (None, Some(clock)) => clock(),
            (None, None) => Timestamp::ZERO,
        }
    }
}
