//! The defaults of other breakers, for people who move over.
//!
//! Each imitates what its settings say; where ours decides differently (stragglers, an early verdict, no slot that is
//! lost) it goes on doing so.
//!
//! ```
//! # use breaker_core as breaker_layer;
//! use breaker_layer::presets;
//!
//! let config = presets::resilience4j().build()?;
//! # Ok::<(), breaker_layer::ConfigError>(())
//! ```

use core::time::Duration;

use crate::{Config, OpenTime, Percent, Probes, Trip, Window};

/// resilience4j 2: 50 % failures or 100 % calls over 60 s long among the last 100 calls; 60 s open; 10 probes, half of
/// which may not fail.
///
/// Source: `CircuitBreakerConfig.java`. Its half-open state may last for ever; ours ends like any other.
pub fn resilience4j() -> Config {
    let window = Window::calls(100);
    Config::default()
        .trip(Trip::any_of([
            Trip::failure_rate(Percent(50.0), window).min_calls(100),
            Trip::slow_rate(Percent(100.0), window).min_calls(100),
        ]))
        .slow_after(Duration::from_secs(60))
        .open_time(OpenTime::fixed(Duration::from_secs(60)))
        .probes(
            Probes::new(10)
                .failure_rate(Percent(50.0))
                .slow_rate(Percent(100.0)),
        )
}

/// Polly 8: 10 % failures among at least 100 calls of the last 30 s; 5 s open; one probe.
///
/// Source: `CircuitBreakerStrategyOptions.TResult.cs`.
pub fn polly() -> Config {
    let window = Window::time(Duration::from_secs(30));
    Config::default()
        .trip(Trip::failure_rate(Percent(10.0), window).min_calls(100))
        .open_time(OpenTime::fixed(Duration::from_secs(5)))
        .probes(Probes::new(1))
}

/// gobreaker 2: more than 5 failures in a row; 60 s open; one probe.
///
/// Source: `gobreaker.go`.
pub fn gobreaker() -> Config {
    Config::default()
        .trip(Trip::consecutive_failures(6))
        .open_time(OpenTime::fixed(Duration::from_secs(60)))
        .probes(Probes::new(1))
}

/// linkerd 2: 7 failures in a row; 1 s to 60 s open, doubling, with a jitter of 50 %; one probe.
///
/// Source: the documentation of `balancer.linkerd.io/failure-accrual`. It trips where it has opened its circuit, in our
/// words; its own say "shut".
pub fn linkerd() -> Config {
    let open_time = OpenTime::exponential(Duration::from_secs(1), Duration::from_secs(60));
    Config::default()
        .trip(Trip::consecutive_failures(7))
        .open_time(open_time.jitter(Percent(50.0)))
        .probes(Probes::new(1))
}
