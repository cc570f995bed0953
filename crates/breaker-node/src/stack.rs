//! Breaker and timeout around the downstream: a Tower stack as any client would build it, with a circuit for each service
//! that has failed.

mod log;
mod report;
mod seen;
mod service;

use std::mem;
use std::time::Duration;

use breaker_layer::keyed::{ExtractKey, Full, KeyedBreaker, KeyedBreakerLayer, KeyedCircuits};
use breaker_layer::{
    BoxError, ConfigError, Rejected,
    classify::{AtOnce, ErrorsAreFailures},
    service::Boxed,
};
use tower::timeout::Timeout;
use tower::{Service as _, ServiceBuilder, ServiceExt};

use self::log::Log;
pub use self::log::Transitions;
use self::report::name;
pub use self::report::{Status, Verdict};
use self::seen::{Changes, Seen};
pub use self::service::Service;
use crate::downstream::{self, Downstream};
use crate::fleet::Place;
use crate::protocol::{Calls, Enter};
use crate::services::Key;
use crate::settings::Settings;

/// The stack of all services.
#[derive(Debug)]
pub struct Stack {
    service: KeyedBreaker<Timeout<Downstream>, Key, ByService, AtOnce<ErrorsAreFailures>, Boxed>,
    seen: Seen,
    /// Where the transitions are to be told.
    log: Option<Log>,
    is_in_fleet: bool,
}

/// One circuit for each service.
#[derive(Clone, Copy, Debug)]
struct ByService;

impl ExtractKey<downstream::Call, Key> for ByService {
    fn key(&self, call: &downstream::Call) -> Option<Key> {
        Some(call.service)
    }
}

impl Stack {
    /// A stack none of whose services has been called.
    ///
    /// # Errors
    ///
    /// If the settings make no breaker.
    pub fn new(settings: &Settings) -> Result<Self, ConfigError> {
        Self::in_fleet(settings, None)
    }

    /// As [`Stack::new`], with votes on the circuits.
    pub(crate) fn in_fleet(
        settings: &Settings,
        place: Option<&Place>,
    ) -> Result<Self, ConfigError> {
        let seen = Seen::default();
        let log = settings.log.then(Log::default);
        let mut circuits = KeyedCircuits::builder_unnamed("breaker-node")
            .config(settings.breaker())
            .max_circuits(settings.max_services.get())
            // No call outlives its message, so a circuit that has closed has no stragglers to wait for.
            .keep_after_trip(Duration::ZERO)
            .observe(seen.clone());
        if let Some(log) = &log {
            circuits = circuits.observe(log.clone());
        }
        if let Some(place) = place {
            circuits = place.named(circuits);
        }
        let circuits = circuits.build()?;
        if let Some(place) = place {
            place.add(&circuits);
        }
        let service = ServiceBuilder::new()
            .layer(KeyedBreakerLayer::new(circuits, ByService).boxed_errors())
            .timeout(settings.timeout)
            .service(Downstream);
        Ok(Self {
            service,
            seen,
            log,
            is_in_fleet: place.is_some(),
        })
    }

    /// The transitions since this was last called, where they are to be told.
    pub fn transitions(&self) -> Transitions {
        self.log.as_ref().map(Log::take).unwrap_or_default()
    }

    /// Makes the calls to a service and says how they went.
    ///
    /// # Errors
    ///
    /// If there is no room for its circuit.
    pub async fn run(
        &mut self,
        key: Key,
        service: &mut Service,
        calls: &Calls<'_>,
    ) -> Result<Verdict, Full> {
        self.catch_up(service);
        if let Some(state) = calls.enter {
            self.enter(key, service, state)?;
        }
        let (mut succeeded, mut failed, mut rejected) = (0, 0, 0);
        for call in calls.calls(key) {
            match self.call(call).await {
                Ok(()) => succeeded += 1,
                Err(error) if error.is::<Rejected>() => rejected += 1,
                Err(_) => failed += 1,
            }
        }
        service.calls += succeeded + failed;
        service.rejected += rejected;
        let changes = if service.circuit.is_some() || failed > 0 {
            service.circuit = service.circuit.take().or_else(|| self.circuits().get(&key));
            self.seen.take()
        } else {
            Changes::default()
        };
        service.note(&changes);
        Ok(match changes.verdict {
            Some(verdict) => verdict,
            None if succeeded + failed == 0 => Verdict::Rejected,
            None if failed > 0 => Verdict::Failed {
                failures: service.failures(),
            },
            None => Verdict::Succeeded {
                state: name(service.state),
            },
        })
    }

    /// Begins a service afresh, or forgets it.
    pub fn reset(&mut self, key: Key, service: &mut Service) {
        let Service { circuit, .. } = mem::take(service);
        if let Some(circuit) = circuit {
            // Without this handle the table may forget it.
            drop(circuit);
            self.circuits().reset(&key);
            self.seen.take();
        }
    }

    /// What the fleet did between two messages is no message's doing.
    fn catch_up(&self, service: &mut Service) {
        if !self.is_in_fleet {
            return;
        }
        self.seen.take();
        if let Some(circuit) = &service.circuit {
            service.state = circuit.state();
        }
    }

    fn circuits(&self) -> &KeyedCircuits<Key> {
        self.service.circuits()
    }

    fn enter(&self, key: Key, service: &mut Service, state: Enter) -> Result<(), Full> {
        if state == Enter::Closed && service.circuit.is_none() {
            return Ok(());
        }
        let circuit = match service.circuit.take() {
            Some(circuit) => circuit,
            None => self.circuits().circuit(&key)?,
        };
        match state {
            Enter::Closed => circuit.close(),
            Enter::Open => circuit.trip(),
            Enter::HalfOpen => circuit.half_open(),
        }
        service.circuit = Some(circuit);
        // It was the message that did this, not one of its calls.
        let changes = self.seen.take();
        service.note(&changes);
        Ok(())
    }

    async fn call(&mut self, call: downstream::Call) -> Result<(), BoxError> {
        self.service.ready().await?.call(call).await
    }
}
