//! A clone of the service for each call, as most clients make one.

use std::hint::black_box;

use breaker_layer::{BreakerLayer, Circuit};
use tower::{Layer, limit::ConcurrencyLimit};
use tower_service::Service;

use super::floor::Sharing;
use crate::harness::{drive::Driver, leaf::Leaf, time::Subject};

fn subject<S>(name: &str, service: S) -> Subject
where
    S: Service<u64> + Clone + Send + Sync + 'static,
{
    let service = std::sync::Arc::new(service);
    Subject::new(name, move || {
        let (driver, service) = (Driver::new(), S::clone(&service));
        move |request| {
            let mut clone = black_box(&service).clone();
            black_box(driver.call(&mut clone, request)).ok();
            false
        }
    })
}

/// The first is what the others are held against.
///
/// # Panics
///
/// When a default configuration is not valid.
pub fn subjects() -> Vec<Subject> {
    let leaf = Leaf::default();
    let circuit = Circuit::builder("clone")
        .build()
        .expect("defaults are valid");
    vec![
        subject("bare service with one Arc", Sharing::default()),
        subject("bare service with none", leaf),
        subject("breaker-layer", BreakerLayer::new(circuit).layer(leaf)),
        subject(
            "tower ConcurrencyLimit",
            ConcurrencyLimit::new(leaf, 1 << 20),
        ),
    ]
}
