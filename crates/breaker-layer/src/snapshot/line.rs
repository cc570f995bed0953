//! A snapshot as one line.

use std::fmt;

use breaker_core::{State, Totals};

use super::Snapshot;
use crate::{
    error::Opened,
    text::{Millis, OneLine, Quoted, Short},
};

/// As one line, for operators: the name, the state and since when, why, and the figures. The name and the operator's note cannot
/// do harm in it.
///
/// ```
/// use std::time::Duration;
/// use breaker_layer::{Circuit, Outcome, Trip, clock::ManualClock};
///
/// let clock = ManualClock::new();
/// let circuit = Circuit::builder("payments")
///     .trip(Trip::consecutive_failures(2))
///     .clock(clock.clock())
///     .build()?;
/// clock.advance(Duration::from_secs(3725));
/// assert_eq!(
///     circuit.snapshot().to_string(),
///     "circuit \"payments\" is closed for 1h 2m 5s; opened 0, failed 0, rejected 0, ignored 0, cancelled 0"
/// );
/// for _ in 0..2 {
///     circuit.try_acquire().unwrap().record(Outcome::Failure);
/// }
/// clock.advance(Duration::from_millis(40));
/// assert_eq!(
///     circuit.snapshot().to_string(),
///     "circuit \"payments\" is open for 40ms, tripped after 2 failures in a row, retry after 60ms; \
///      opened 1, failed 2, rejected 0, ignored 0, cancelled 0"
/// );
/// # Ok::<(), breaker_layer::ConfigError>(())
/// ```
impl fmt::Display for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "circuit {} is {}", Quoted(&self.name), self.state)?;
        if self.observe_only {
            f.write_str(" (it only observes)")?;
        }
        if let Some(age) = self.age {
            write!(f, " for {}", Short(age))?;
        }
        self.write_why(f)?;
        self.write_evidence(f)?;
        self.write_totals(f)
    }
}

impl Snapshot {
    fn write_why(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.state, &self.last_trip) {
            (State::Open, Some(trip)) => {
                write!(f, ", {}", Opened(trip, self.last_failures.as_deref()))?;
            }
            (State::Isolated | State::Disabled, _) => f.write_str(", by the operator")?,
            _ => {}
        }
        if let Some(note) = &self.note {
            write!(f, ", because {}", OneLine(note))?;
        }
        match self.retry_after {
            Some(wait) if matches!(self.state, State::Open | State::Isolated) => {
                write!(f, ", retry after {}", Millis(wait))
            }
            _ => Ok(()),
        }
    }

    /// What speaks for a change of the state.
    fn write_evidence(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.failures > 0 && self.state == State::Closed {
            write!(f, ", failures {}", self.failures)?;
        }
        if self.evidence > 0.0 {
            write!(f, ", evidence at {:.0} %", (self.evidence * 100.0).floor())?;
        }
        if let Some(credit) = self.credit {
            write!(f, ", {credit}")?;
        }
        if let Some(probes) = self.probes {
            let (live, good, failed) = (probes.live, probes.good, probes.failed);
            write!(f, ", probes: {live} live, {good} good, {failed} failed")?;
        }
        for (window, totals) in [("calls", self.last_calls), ("time", self.last_time)] {
            if let Some(Totals {
                calls,
                failures,
                slow,
            }) = totals
            {
                write!(
                    f,
                    ", window of {window}: {failures} of {calls} failed, {slow} slow"
                )?;
            }
        }
        Ok(())
    }

    fn write_totals(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "; opened {}", self.opened)?;
        for (what, count) in [
            ("admitted", self.admitted),
            ("succeeded", self.succeeded),
            ("failed", Some(self.failed)),
            ("slow", self.slow),
            ("rejected", Some(self.rejected)),
            ("ignored", Some(self.ignored)),
            ("cancelled", Some(self.cancelled)),
        ] {
            if let Some(count) = count {
                write!(f, ", {what} {count}")?;
            }
        }
        Ok(())
    }
}

#[cfg(all(test, not(breaker_loom)))]
mod tests {
    use std::time::Duration;

    use crate::{Circuit, Outcome, Percent, Probes, Trip, Window, clock::ManualClock};

    const TOTALS: &str = "ignored 0, cancelled 0";

    #[test]
    fn a_line_says_what_speaks_for_a_change_and_what_was_counted() {
        let clock = ManualClock::new();
        let circuit = Circuit::builder("a\n\u{202e}b")
            .clock(clock.clock())
            .trip(Trip::any_of([Trip::failure_rate(
                Percent(50.0),
                Window::calls(10),
            )]))
            .probes(Probes::new(2))
            .slow_after(Duration::from_secs(1))
            .count_calls(true)
            .build()
            .unwrap();
        let record = |outcome| circuit.try_acquire().unwrap().record(outcome);
        record(Outcome::Failure);
        record(Outcome::Success);
        clock.advance(Duration::from_millis(1));
        let name = r#"circuit "a\n\u{202e}b""#;
        assert_eq!(
            circuit.snapshot().to_string(),
            format!(
                "{name} is closed for 1ms, failures 1, window of calls: 1 of 2 failed, 0 slow; \
                 opened 0, admitted 2, succeeded 1, failed 1, slow 0, rejected 0, {TOTALS}"
            )
        );
        circuit.half_open();
        let _probe = circuit.try_acquire().unwrap();
        let line = circuit.snapshot().to_string();
        let probes = ", probes: 1 live, 0 good, 0 failed, window";
        assert!(
            line.contains(" is half-open") && line.contains(probes),
            "{line}"
        );
    }

    #[test]
    fn a_line_says_what_an_operator_did_and_why() {
        let circuit = Circuit::builder("payments").build().unwrap();
        circuit.because("they\nmove").isolate();
        let line = circuit.snapshot().to_string();
        assert!(
            line.contains(r", by the operator, because they\nmove; opened 0"),
            "{line}"
        );
        circuit.trip();
        let line = circuit.snapshot().to_string();
        assert!(
            line.contains("opened by the operator, retry after"),
            "{line}"
        );
        circuit.observe_only();
        let line = circuit.snapshot().to_string();
        assert!(line.contains("is closed (it only observes)"), "{line}");
    }
}
