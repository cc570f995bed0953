//! The operator commands.

use core::time::Duration;

use super::{Breaker, Cause, Phase, Rules};
use crate::{
    policy::probes::Tally,
    reason::Reason,
    time::{MAX_WAIT, Timestamp},
    transition::Transition,
};

/// What an operator can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Open, for so long or for the usual time.
    Trip(Option<Duration>),
    /// Half-open.
    HalfOpen,
    /// Closed.
    Close,
    /// Refuse every call, for so long or until told otherwise. After so long the circuit is half-open.
    Isolate(Option<Duration>),
    /// Let every call pass uncounted until told otherwise.
    Disable,
    /// Start afresh, do everything as usual, but refuse nothing.
    ObserveOnly,
    /// Start afresh.
    Reset,
}

impl Breaker {
    /// Carries out a command; `None` if there is nothing to do.
    pub fn command(
        &mut self,
        rules: Rules<'_>,
        command: Command,
        now: Timestamp,
    ) -> Option<Transition> {
        let isolated_for = if let Command::Isolate(span) = command {
            span.map(in_range)
        } else {
            None
        };
        let phase = match command {
            Command::Trip(wait) => return Some(self.trip_by_hand(rules, wait, now)),
            Command::Isolate(None) if self.phase == Phase::Isolated { until: None } => return None,
            Command::Disable if self.phase == Phase::Disabled => return None,
            Command::Isolate(_) => Phase::Isolated {
                until: isolated_for.map(|span| now.rounded_after(span)),
            },
            Command::Disable => Phase::Disabled,
            Command::HalfOpen => Phase::HalfOpen {
                attempt: 0,
                tally: Tally::default(),
            },
            Command::Close | Command::ObserveOnly | Command::Reset => Phase::CLOSED,
        };
        self.shadow = match command {
            Command::ObserveOnly => true,
            Command::Isolate(_) | Command::Disable | Command::Reset => false,
            Command::Trip(_) | Command::HalfOpen | Command::Close => self.shadow,
        };
        let failures = self.failures_in_phase(rules);
        self.trips = 0;
        Some(Transition {
            open_for: isolated_for,
            ..self.enter(phase, Reason::Operator, failures, now)
        })
    }

    fn trip_by_hand(
        &mut self,
        rules: Rules<'_>,
        wait: Option<Duration>,
        now: Timestamp,
    ) -> Transition {
        let failures = self.failures_in_phase(rules);
        self.trips = 0;
        let wait = in_range(wait.unwrap_or_else(|| self.next_wait(rules, 0, None)));
        let cause = Cause {
            reason: Reason::Operator,
            failures,
            asked: None,
        };
        self.open_for(0, wait, now, cause)
    }
}

/// A span as long as a circuit can be told to refuse calls.
fn in_range(span: Duration) -> Duration {
    span.clamp(Duration::from_millis(1), MAX_WAIT)
}
