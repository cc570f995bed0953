//! Which kinds of difference may have shown in the course of a row.
//!
//! A row in the table of differences must have shown its kind, and one that is not gets these as a hint.

use std::{collections::BTreeSet, fmt};

use breaker_layer::{
    Circuit, Outcome, State,
    clock::Timestamp,
    observe::{Reason, Transition},
};

use super::{
    calls::sample,
    differences::Kind,
    row::{Align, Checked, Decide, EvaluateOn, Expires, IgnoredCountsAs, Window},
};

/// The kinds, and what they are found by.
pub(crate) struct Suspects<'a> {
    config: &'a Checked,
    kinds: BTreeSet<Kind>,
    last: Option<Transition>,
    last_opening: Option<Transition>,
}

impl<'a> Suspects<'a> {
    pub(crate) const fn new(config: &'a Checked) -> Self {
        Self {
            config,
            kinds: BTreeSet::new(),
            last: None,
            last_opening: None,
        }
    }

    pub(crate) fn add(&mut self, kind: Kind) {
        self.kinds.insert(kind);
    }

    pub(crate) fn contains(&self, kind: Kind) -> bool {
        self.kinds.contains(&kind)
    }

    /// The circuit last opened with this transition.
    pub(crate) const fn last_opening(&self) -> Option<Transition> {
        self.last_opening
    }

    pub(crate) fn entered(&mut self, transition: Transition, observe_only: bool) {
        self.kinds.extend(self.kind_of(transition, observe_only));
        self.last = Some(transition);
        if transition.to() == State::Open {
            self.last_opening = self.last;
        }
    }

    fn kind_of(&self, transition: Transition, observe_only: bool) -> Option<Kind> {
        let decide = self.config.half_open.decide;
        let judges_all = matches!(decide, Decide::Rates { .. } | Decide::RateAfter { .. });
        let grows = self.config.open.wait_ms.is_none() && self.last_opening.is_some();
        match transition.reason() {
            Reason::ProbesFailed { probes, .. }
            | Reason::ProbesSlow { probes, .. }
            | Reason::ProbesSucceeded { probes }
                if judges_all && probes < sample(decide) =>
            {
                Some(Kind::VerdictOnceDecided)
            }
            Reason::NoVerdict => Some(Kind::HalfOpenEnds),
            Reason::Operator if grows && transition.to() == State::Open => {
                Some(Kind::OperatorStartsOver)
            }
            Reason::Operator => None,
            _ if observe_only => Some(Kind::ShadowRuns),
            _ => None,
        }
    }

    /// An outcome was recorded; it may have tripped the circuit.
    pub(crate) fn recorded(&mut self, outcome: Outcome, trips: bool) {
        let Checked {
            ignored_counts_as,
            evaluate_on,
            ..
        } = *self.config;
        if outcome == Outcome::Ignored && ignored_counts_as == IgnoredCountsAs::Success {
            self.add(Kind::IgnoredIsNothing);
        }
        if trips && outcome == Outcome::Success && evaluate_on == EvaluateOn::Failure {
            self.add(Kind::TripsOnSuccess);
        }
    }

    /// Something does not hold: what may be so because of how things stand.
    pub(crate) fn look(&mut self, circuit: &Circuit, now: Timestamp) {
        let opening = self.last_opening;
        let end =
            opening.and_then(|opening| Some(opening.at().saturating_add(opening.open_for()?)));
        if self.config.open.expires == Expires::After && end == Some(now) {
            self.add(Kind::OverAtLastInstant);
        }
        let was_half_open = self.last.is_some_and(|last| last.to() == State::HalfOpen);
        if was_half_open && circuit.state() == State::Open {
            self.add(Kind::HalfOpenEnds);
        }
        let is_off_grid = match self.config.window {
            Window::Time { align, .. } => align != Align::Epoch,
            Window::Count { .. }
            | Window::Tumbling { .. }
            | Window::Lifetime
            | Window::Ewma { .. }
            | Window::ErrorTimes { .. } => false,
        };
        if is_off_grid && self.kinds.is_empty() && now > Timestamp::ZERO {
            self.add(Kind::FixedGrid);
        }
    }
}

impl fmt::Display for Suspects<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut kinds = self.kinds.iter();
        kinds.try_for_each(|kind| write!(f, "; perhaps: {kind}"))
    }
}
