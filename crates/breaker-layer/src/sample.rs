//! A rejection for a test that has no circuit.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use crate::{circuit::Circuit, clock::ManualClock, error::Rejected};

/// So many rejections keep their circuits, and so their names.
const KEPT: usize = 64;

impl Rejected {
    /// A rejection for a test of code that gets one and has no circuit: by an open circuit of this name that says to retry after
    /// so long, from 1 ms to 100 days, or by an isolated one.
    ///
    /// ```
    /// use std::time::Duration;
    /// use breaker_layer::{Error, Rejected};
    ///
    /// /// What is under test.
    /// fn tell(error: &Error<std::io::Error>) -> String {
    ///     match error.rejected().and_then(|rejected| rejected.retry_after()) {
    ///         Some(wait) => format!("try again in {} s", wait.as_secs()),
    ///         None => error.to_string(),
    ///     }
    /// }
    ///
    /// let open = Rejected::for_tests("payments", Some(Duration::from_secs(5)));
    /// assert_eq!(tell(&open.into()), "try again in 5 s");
    /// let isolated = Rejected::for_tests("payments", None);
    /// assert_eq!(tell(&isolated.into()), r#"circuit "payments" is isolated"#);
    /// ```
    ///
    /// The last 64 of a process know their circuits' names.
    pub fn for_tests(circuit: &str, retry_after: Option<Duration>) -> Self {
        static CIRCUITS: Mutex<VecDeque<Circuit>> = Mutex::new(VecDeque::new());
        // It stands still, so that the wait is what was asked for.
        let builder = Circuit::builder(circuit).clock(ManualClock::new().clock());
        let circuit = builder.build().expect("the defaults are good");
        match retry_after {
            Some(wait) => circuit.trip_for(wait),
            None => circuit.isolate(),
        }
        let rejected = circuit.try_acquire().expect_err("it rejects every call");
        let mut kept = CIRCUITS.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push_back(circuit);
        let oldest = (kept.len() > KEPT).then(|| kept.pop_front());
        drop(kept);
        // With nothing held.
        drop(oldest);
        rejected
    }
}
