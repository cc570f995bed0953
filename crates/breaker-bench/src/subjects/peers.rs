//! The published peers, each set so that it is out of the way (or refuses), and two of Tower's own layers.

use std::{hint::black_box, num::NonZeroU32, sync::Arc, time::Duration};

use circuitbreaker_rs::{BreakerError, CircuitBreaker, DefaultPolicy};
use failsafe::{CircuitBreaker as _, backoff, failure_policy};
use governor::{Quota, RateLimiter};
use recloser::Recloser;
use tokio::runtime::Handle;
use tower::{limit::ConcurrencyLimit, load_shed::LoadShed};
use tower_resilience_circuitbreaker::{CircuitBreakerError, CircuitBreakerLayer};

use super::Mode;
use crate::harness::{drive::Driver, leaf::Down, time::Subject};

const HOUR: Duration = Duration::from_secs(3600);
/// Enough calls to fill every window.
const FILLING: u64 = 400;
/// Two threads may see some failures in a row; a million never.
const NEVER: u32 = 1_000_000;

/// Whether a peer of this name is a circuit breaker, and not a limit of Tower's or governor's.
pub fn is_breaker(name: &str) -> bool {
    [
        "tower-resilience",
        "failsafe",
        "recloser",
        "circuitbreaker-rs",
    ]
    .iter()
    .any(|peer| name.starts_with(peer))
}

/// All of them. A Tokio runtime must be there: one peer sleeps inside its service while its lock is taken.
pub fn subjects(mode: Mode) -> Vec<Subject> {
    let mut all = vec![tower_resilience(mode), failsafe(mode), recloser(mode, 100)];
    if mode != Mode::Rejected {
        all.extend([recloser(mode, 10_000), recloser(mode, 1_000_000)]);
    }
    all.push(circuitbreaker_rs(mode));
    if mode != Mode::Rejected {
        all.push(concurrency_limit(mode));
    }
    all.extend([load_shed(mode), governor(mode)]);
    all
}

fn rate(mode: Mode) -> f64 {
    if mode == Mode::Rejected { 0.5 } else { 1.0 }
}

fn tower_resilience(mode: Mode) -> Subject {
    let layer = CircuitBreakerLayer::builder()
        .failure_rate_threshold(rate(mode))
        .sliding_window_size(100)
        .minimum_number_of_calls(10)
        .wait_duration_in_open(HOUR)
        .build()
        .expect("valid settings");
    let shared = layer.layer_fn(mode.leaf());
    if mode == Mode::Rejected {
        let (driver, mut service) = (Driver::new(), shared.clone());
        for request in 0..FILLING {
            driver.call(&mut service, request).ok();
        }
    }
    let runtime = Handle::current();
    Subject::new("tower-resilience 0.14, last 100 calls", move || {
        // The loop ends with the thread, and the guard with the loop.
        let guard = Box::leak(Box::new(runtime.clone())).enter();
        let (driver, mut service) = (Driver::new(), shared.clone());
        move |request| {
            let _ = &guard;
            matches!(
                black_box(driver.call(&mut service, request)),
                Err(CircuitBreakerError::OpenCircuit)
            )
        }
    })
}

/// failsafe, by failures in a row.
pub fn failsafe(mode: Mode) -> Subject {
    let failures = if mode == Mode::Rejected { 5 } else { NEVER };
    let policy = failure_policy::consecutive_failures(failures, backoff::constant(HOUR));
    let breaker = failsafe::Config::new().failure_policy(policy).build();
    let leaf = mode.leaf();
    if mode == Mode::Rejected {
        for request in 0..FILLING {
            breaker.call(|| leaf.answer(request)).ok();
        }
    }
    let breaker = Arc::new(breaker);
    Subject::new("failsafe 1.3, sync, failures in a row", move || {
        let breaker = breaker.clone();
        move |request| {
            matches!(
                black_box(breaker.call(|| leaf.answer(request))),
                Err(failsafe::Error::Rejected)
            )
        }
    })
}

/// recloser, over so many calls.
pub fn recloser(mode: Mode, calls: usize) -> Subject {
    let breaker = Recloser::custom()
        .error_rate(rate(mode) as f32)
        .closed_len(calls)
        .open_wait(HOUR)
        .build();
    let leaf = mode.leaf();
    if mode == Mode::Rejected {
        for request in 0..FILLING {
            breaker.call(|| leaf.answer(request)).ok();
        }
    }
    let breaker = Arc::new(breaker);
    Subject::new(
        format!("recloser 1.4, sync, last {calls} calls"),
        move || {
            let breaker = breaker.clone();
            move |request| {
                matches!(
                    black_box(breaker.call(|| leaf.answer(request))),
                    Err(recloser::Error::Rejected)
                )
            }
        },
    )
}

fn circuitbreaker_rs(mode: Mode) -> Subject {
    let failures = if mode == Mode::Rejected { 5 } else { NEVER };
    let breaker = CircuitBreaker::<DefaultPolicy, Down>::builder()
        .failure_threshold(rate(mode))
        .consecutive_failures(failures.into())
        .cooldown(HOUR)
        .build();
    let leaf = mode.leaf();
    if mode == Mode::Rejected {
        for request in 0..FILLING {
            breaker.call(|| leaf.answer(request)).ok();
        }
    }
    let breaker = Arc::new(breaker);
    Subject::new("circuitbreaker-rs 0.1, sync", move || {
        let breaker = breaker.clone();
        move |request| {
            matches!(
                black_box(breaker.call(|| leaf.answer(request))),
                Err(BreakerError::Open)
            )
        }
    })
}

fn concurrency_limit(mode: Mode) -> Subject {
    let limit = ConcurrencyLimit::new(mode.leaf(), 1 << 20);
    Subject::new("tower ConcurrencyLimit", move || {
        let (driver, mut service) = (Driver::new(), limit.clone());
        move |request| {
            black_box(driver.call(&mut service, request)).ok();
            false
        }
    })
}

/// A limit of none refuses at once; otherwise the limit is out of the way.
fn load_shed(mode: Mode) -> Subject {
    let limit = if mode == Mode::Rejected { 0 } else { 1 << 20 };
    let shed = LoadShed::new(ConcurrencyLimit::new(mode.leaf(), limit));
    Subject::new("tower LoadShed + ConcurrencyLimit", move || {
        let (driver, mut service) = (Driver::new(), shed.clone());
        move |request| {
            black_box(driver.call(&mut service, request)).is_err() && mode == Mode::Rejected
        }
    })
}

fn governor(mode: Mode) -> Subject {
    let (period, burst) = if mode == Mode::Rejected {
        (HOUR, 1)
    } else {
        (Duration::from_nanos(1), u32::MAX)
    };
    let burst = NonZeroU32::new(burst).expect("not zero");
    let quota = Quota::with_period(period)
        .expect("not zero")
        .allow_burst(burst);
    let limiter = Arc::new(RateLimiter::direct(quota));
    Subject::new("governor 0.10, check alone", move || {
        let limiter = limiter.clone();
        move |_| black_box(limiter.check()).is_err()
    })
}
