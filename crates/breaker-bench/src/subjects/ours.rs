//! Our layer and circuit, by policy.

use std::{hint::black_box, time::Duration};

use breaker_layer::{
    BreakerLayer, Circuit, Config, Error, Observe, Outcome, Percent, Trip, Window, clock::Clock,
};
use tower::Layer;

use super::Mode;
use crate::harness::{drive::Driver, time::Subject};

const HOUR: Duration = Duration::from_secs(3600);

/// The name of the default policy's subject.
pub const DEFAULT: &str = "breaker-layer";

/// The name of the subject with a window of time.
pub const TIME: &str = "breaker-layer, last 10 s";

/// The name of the subject that times its calls.
pub const SLOW: &str = "breaker-layer, slow calls of the last 100";

/// A circuit with these settings, in the state that the mode asks for.
///
/// # Panics
///
/// When the settings are out of their ranges.
pub fn circuit(mode: Mode, settings: Config, clock: Clock) -> Circuit {
    let builder = Circuit::builder("bench").config(settings).clock(clock);
    let circuit = builder.build().expect("settings in their ranges");
    if mode == Mode::Rejected {
        circuit.trip_for(HOUR);
    }
    circuit
}

/// Calls through the Tower layer.
pub fn layer(name: &str, mode: Mode, settings: Config) -> Subject {
    layer_on(name, mode, settings, Clock::default())
}

/// Calls through the Tower layer, watched by an observer.
///
/// # Panics
///
/// When the settings are out of their ranges.
pub fn observed(name: &str, settings: Config, observer: impl Observe) -> Subject {
    let builder = Circuit::builder("bench").config(settings).observe(observer);
    let circuit = builder.build().expect("settings in their ranges");
    layer_of(name, Mode::Success, circuit)
}

/// Calls through the Tower layer, by another clock.
pub fn layer_on(name: &str, mode: Mode, settings: Config, clock: Clock) -> Subject {
    layer_of(name, mode, circuit(mode, settings, clock))
}

pub(super) fn layer_of(name: &str, mode: Mode, circuit: Circuit) -> Subject {
    Subject::new(name, move || {
        let mut service = BreakerLayer::new(circuit.clone()).layer(mode.leaf());
        let driver = Driver::new();
        move |request| {
            matches!(
                black_box(driver.call(&mut service, request)),
                Err(Error::Rejected(_))
            )
        }
    })
}

/// Calls through the Tower layer whose errors are boxed.
pub fn boxed(name: &str, mode: Mode, settings: Config) -> Subject {
    let circuit = circuit(mode, settings, Clock::default());
    Subject::new(name, move || {
        let mut service = BreakerLayer::new(circuit.clone())
            .boxed_errors()
            .layer(mode.leaf());
        let driver = Driver::new();
        move |request| {
            black_box(driver.call(&mut service, request)).is_err() && mode == Mode::Rejected
        }
    })
}

/// Calls without Tower.
pub fn permit(name: &str, mode: Mode, settings: Config) -> Subject {
    let circuit = circuit(mode, settings, Clock::default());
    Subject::new(name, move || {
        let (circuit, leaf) = (circuit.clone(), mode.leaf());
        move |request| match black_box(circuit.try_acquire()) {
            Ok(permit) => {
                let result = black_box(leaf.answer(request));
                permit.record(if result.is_ok() {
                    Outcome::Success
                } else {
                    Outcome::Failure
                });
                false
            }
            Err(_) => true,
        }
    })
}

/// A rate over the last so many calls.
pub fn count_window(calls: u32) -> Config {
    Config::default().trip(Trip::failure_rate(Percent(100.0), Window::calls(calls)))
}

/// A rate over the last ten seconds.
pub fn time_window() -> Config {
    Config::default().trip(Trip::failure_rate(
        Percent(100.0),
        Window::time(Duration::from_secs(10)),
    ))
}

/// A rate of slow calls among the last hundred.
pub fn slow_calls() -> Config {
    Config::default()
        .trip(Trip::slow_rate(Percent(100.0), Window::calls(100)))
        .slow_after(Duration::from_secs(1))
}

/// All of them; the default policy comes first.
pub fn subjects(mode: Mode) -> Vec<Subject> {
    let default = Config::default;
    let mut all = vec![layer(DEFAULT, mode, default())];
    if mode == Mode::Rejected {
        all.push(layer_on(
            "breaker-layer, quanta's clock",
            mode,
            default(),
            Clock::quanta(),
        ));
        all.push(boxed("breaker-layer, boxed errors", mode, default()));
    } else {
        for calls in [100, 10_000, 1_000_000] {
            let name = format!("breaker-layer, last {calls} calls");
            all.push(layer(&name, mode, count_window(calls)));
        }
        for (name, settings) in [(TIME, time_window()), (SLOW, slow_calls())] {
            all.push(layer(name, mode, settings));
            all.push(layer_on(
                &format!("{name}, quanta's clock"),
                mode,
                settings,
                Clock::quanta(),
            ));
        }
    }
    all.push(permit("breaker-layer without Tower", mode, default()));
    all
}
