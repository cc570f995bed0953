//! The windows of a circuit, as its configuration asks for them.

use alloc::boxed::Box;

use crate::{
    config::Checked,
    reason::Reason,
    time::Timestamp,
    window::{Call, CallWindow, TimeWindow, Totals},
};

/// A window of calls and one of time, where there are rules over them.
#[derive(Clone, Debug, Default)]
pub(super) struct Windows {
    calls: Option<CallWindow>,
    time: Option<TimeWindow>,
}

/// What the windows make of a call.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen {
    /// The rule that is broken.
    pub(super) broken: Option<Reason>,
    /// The failures in the windows; the most, if there are two.
    pub(super) failures: u32,
}

impl Windows {
    /// Empty ones; `None` where no rule is over a window.
    pub(super) fn new(config: &Checked) -> Option<Box<Self>> {
        Self::default().boxed_for(config, Timestamp::ZERO)
    }

    /// The windows of another configuration, with as many of these calls as fit.
    pub(super) fn boxed_for(self, config: &Checked, now: Timestamp) -> Option<Box<Self>> {
        let keeps_slow = config.slow_after().is_some();
        let calls = config.trip.calls.map(|(size, _)| match self.calls {
            Some(window) => window.resized(size, keeps_slow),
            None => CallWindow::new(size),
        });
        let time = config.trip.time.map(|(grid, _)| match self.time {
            Some(window) => window.moved(grid, now),
            None => TimeWindow::new(grid),
        });
        let has_any = calls.is_some() || time.is_some();
        has_any.then(|| Box::new(Self { calls, time }))
    }

    /// Counts a call, and says which rule that breaks. Time is asked for only by a window of time.
    #[inline]
    pub(super) fn record(
        &mut self,
        config: &Checked,
        call: Call,
        now: impl FnOnce() -> Timestamp,
    ) -> Seen {
        let mut seen = Seen::default();
        if let (Some(window), Some((_, limits))) = (&mut self.calls, &config.trip.calls) {
            window.record(call);
            seen.broken = limits.judge(window.totals());
            seen.failures = window.totals().failures;
        }
        if let (Some(window), Some((_, limits))) = (&mut self.time, &config.trip.time) {
            let totals = window.record(call, now());
            seen.broken = seen.broken.or_else(|| limits.judge(totals));
            seen.failures = seen.failures.max(totals.failures);
        }
        seen
    }

    pub(super) fn clear(&mut self) {
        if let Some(window) = &mut self.calls {
            window.clear();
        }
        if let Some(window) = &mut self.time {
            window.clear();
        }
    }

    /// Whether one more good call changes nothing in the window of calls.
    pub(super) fn is_clean(&self) -> bool {
        self.calls.as_ref().is_none_or(CallWindow::is_clean)
    }

    pub(super) fn calls(&self) -> Option<Totals> {
        self.calls.as_ref().map(CallWindow::totals)
    }

    pub(super) fn time(&self, now: Timestamp) -> Option<Totals> {
        self.time.as_ref().map(|window| window.totals(now))
    }
}
