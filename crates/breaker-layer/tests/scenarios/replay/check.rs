//! What a row asserts after a step.

use std::time::Duration;

use breaker_layer::State;

use super::{
    book,
    calls::Count,
    differences::{Kind, NOT_KEPT},
    mismatch::{Mismatch, same},
    row::{Counts, Events, Name, Step},
    run::Run,
};

impl<'a> Run<'a> {
    pub(crate) fn check(&mut self, step: &'a Step) -> Result<(), Mismatch> {
        self.check_state(step.state)?;
        self.check_metrics(&step.metrics)?;
        self.check_events(&step.events)?;
        let Some(index) = step.open_index else {
            return Ok(());
        };
        let waits = &self.row.config.open.sequence_ms;
        let expected = waits.get(index).copied().map(Duration::from_millis);
        let opening = self.played.suspects.last_opening();
        same(
            "open_for",
            &expected,
            &opening.and_then(|opening| opening.open_for()),
        )
    }

    pub(crate) fn check_in_the_end(&mut self) -> Result<(), Mismatch> {
        let expect = &self.row.expect;
        self.check_state(expect.state)?;
        self.check_metrics(&expect.metrics)?;
        self.check_events(&expect.events)
    }

    fn check_state(&mut self, expected: Option<Name>) -> Result<(), Mismatch> {
        let now = self.circuit.snapshot();
        if self.has_too_many_probes && now.state == State::HalfOpen {
            self.played.suspects.add(Kind::NoSetting);
            return Err(Mismatch::new("half-open", "as many probes", "at most 255"));
        }
        let Some(expected) = expected else {
            return Ok(());
        };
        self.book.look();
        same("state", &expected, &book::name(now.state, now.observe_only))
    }

    fn check_metrics(&mut self, expected: &'a Counts) -> Result<(), Mismatch> {
        let now = self.circuit.snapshot();
        for (metric, expected) in expected {
            match self.book.metric(&now, metric) {
                Count::Kept(came) if is_close(*expected, came) => {}
                Count::Kept(came) => return same(metric, expected, &came),
                Count::NotKept if NOT_KEPT.contains(&metric.as_str()) => {
                    self.played.not_kept.insert(metric);
                }
                Count::NotKept => {
                    let expected = format!("{expected:?}");
                    return Err(Mismatch::new(metric, expected, "nothing that is known"));
                }
            }
        }
        Ok(())
    }

    fn check_events(&self, expected: &Events) -> Result<(), Mismatch> {
        let mut events = expected.iter();
        events.try_for_each(|(event, expected)| same(event, expected, &self.book.events(event)))
    }
}

/// Equal to four decimals.
fn is_close(one: Option<f64>, other: Option<f64>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => (one - other).abs() < 5e-5,
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    }
}
