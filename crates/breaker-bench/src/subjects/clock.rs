//! Reads of a clock.

use std::{hint::black_box, time::Instant};

use breaker_layer::clock::Clock;

use crate::harness::time::Subject;

/// The name of the read of quanta's clock.
pub const QUANTA: &str = "quanta::Clock::now";

fn subject<T>(name: &str, read: impl Fn() -> T + Clone + Send + 'static) -> Subject {
    Subject::new(name, move || {
        let read = read.clone();
        move |_| {
            black_box(read());
            false
        }
    })
}

/// The first is the one that the default circuit reads.
pub fn subjects() -> Vec<Subject> {
    let (quanta, ours) = (quanta::Clock::new(), Clock::default());
    vec![
        std(),
        subject("breaker_layer::clock::Clock::now", move || ours.now()),
        subject(QUANTA, move || quanta.now()),
    ]
}

/// A read of std's clock.
pub fn std() -> Subject {
    #[expect(clippy::disallowed_methods, reason = "its cost is what is measured")]
    subject("std::time::Instant::now", Instant::now)
}

/// A read of no clock.
pub fn none() -> Subject {
    subject("none", || 0)
}
