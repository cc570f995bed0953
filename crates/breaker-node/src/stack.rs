//! One service's breaker and timeout around its downstream: a Tower stack as any client would build it.

mod report;
mod seen;

use std::sync::Arc;

use breaker_layer::{
    AtOnce, BoxError, Boxed, Breaker, BreakerLayer, Circuit, ConfigError, ErrorsAreFailures,
    Rejected, State,
};
use tower::timeout::Timeout;
use tower::{Service, ServiceBuilder, ServiceExt};

use self::report::name;
pub use self::report::{Status, Verdict};
use self::seen::Seen;
use crate::downstream::{self, Downstream};
use crate::protocol::{Calls, Enter};
use crate::settings::Settings;

/// A service's stack.
#[derive(Debug)]
pub struct Stack {
    service: Breaker<Timeout<Downstream>, AtOnce<ErrorsAreFailures>, Boxed>,
    seen: Seen,
}

impl Stack {
    /// The stack of a service of this name, whose breaker is closed.
    ///
    /// # Errors
    ///
    /// If the settings make no breaker.
    pub fn new(name: Arc<str>, settings: &Settings) -> Result<Self, ConfigError> {
        let seen = Seen::new();
        let circuit = Circuit::builder(name)
            .config(settings.breaker())
            .observe(seen.clone())
            .build()?;
        let service = ServiceBuilder::new()
            .layer(BreakerLayer::new(circuit).boxed_errors())
            .timeout(settings.timeout)
            .service(Downstream::default());
        Ok(Self { service, seen })
    }

    /// Makes the calls and says how they went.
    pub async fn run(&mut self, calls: &Calls<'_>) -> Verdict {
        if let Some(state) = calls.enter {
            self.enter(state);
        }
        let (mut admitted, mut failed) = (false, false);
        for call in calls.calls() {
            let error = self.call(call).await.err();
            let rejected = error.as_ref().is_some_and(|error| error.is::<Rejected>());
            admitted |= !rejected;
            failed |= error.is_some() && !rejected;
        }
        let mut changes = self.seen.changes();
        match changes.verdict.take() {
            Some(verdict) => verdict,
            None if !admitted => Verdict::Rejected,
            None if failed => Verdict::Failed {
                failures: self.circuit().snapshot().failures,
            },
            None => Verdict::Succeeded {
                state: name(changes.state),
            },
        }
    }

    /// How the service is.
    #[must_use]
    pub fn status(&self) -> Status {
        let snapshot = self.circuit().snapshot();
        let is_open = snapshot.state == State::Open;
        let retry_after = snapshot.retry_after.filter(|_| is_open);
        Status {
            state: name(snapshot.state),
            failures: if is_open {
                self.seen.changes().opened_after
            } else {
                snapshot.failures
            },
            calls: self.service.get_ref().get_ref().calls(),
            rejected: snapshot.rejected,
            retry_after_ms: retry_after.map(|left| left.as_nanos().div_ceil(1_000_000)),
        }
    }

    /// Whether the breaker is closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.seen.changes().state == State::Closed
    }

    fn circuit(&self) -> &Circuit {
        self.service.circuit()
    }

    fn enter(&mut self, state: Enter) {
        match state {
            Enter::Closed => self.circuit().close(),
            Enter::Open => self.circuit().trip(),
            Enter::HalfOpen => self.circuit().half_open(),
        }
        // It was the message that did this, not one of its calls.
        self.seen.changes().verdict = None;
    }

    async fn call(&mut self, call: downstream::Call) -> Result<(), BoxError> {
        self.service.ready().await?.call(call).await
    }
}
