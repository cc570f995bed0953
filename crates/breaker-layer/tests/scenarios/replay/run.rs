//! One row, played on our circuit.

use std::{
    collections::{BTreeSet, HashMap},
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    time::Duration,
};

use breaker_layer::{
    Circuit, Outcome, Permit, Refusal, Rejected, Snapshot, State, clock::ManualClock,
};

use super::{
    book::{Book, Log},
    differences::Kind,
    mismatch::{Mismatch, same},
    plan::Plan,
    row::{Action, CallResult, Name, PermitMode, Row, Step},
    suspects::Suspects,
};

/// What came of a row.
pub(crate) struct Played<'a> {
    pub(crate) mismatch: Option<Mismatch>,
    /// Counts that it asserts and nobody keeps.
    pub(crate) not_kept: BTreeSet<&'a str>,
    pub(crate) suspects: Suspects<'a>,
}

/// Plays a row until it is over or something does not hold.
pub(crate) fn play(row: &Row) -> Played<'_> {
    let (clock, log) = (ManualClock::new(), Log::default());
    let plan = Plan::of(row, &clock);
    let mut played = Played {
        mismatch: None,
        not_kept: BTreeSet::new(),
        suspects: Suspects::new(&row.config),
    };
    let circuit = match plan.builder.observe(log.observer()).build() {
        Ok(circuit) => circuit,
        Err(error) => {
            let is_zero = row.config.open.wait_ms == Some(0);
            let kind = if is_zero {
                Kind::NeverZero
            } else {
                Kind::NoSetting
            };
            played.suspects.add(kind);
            played.mismatch = Some(Mismatch::new("configuration", "a circuit", error));
            return played;
        }
    };
    match row.config.initial_state {
        Name::Open => circuit.trip(),
        Name::MetricsOnly => circuit.observe_only(),
        Name::Closed | Name::HalfOpen | Name::Isolated | Name::Disabled => {}
    }
    log.take();
    let mut run = Run {
        book: Book::new(row, plan.ledger, circuit.snapshot()),
        has_too_many_probes: plan.has_too_many_probes,
        row,
        clock,
        circuit,
        log,
        permits: HashMap::new(),
        played,
    };
    run.play();
    run.played
}

/// A row in its course.
pub(crate) struct Run<'a> {
    pub(crate) row: &'a Row,
    clock: ManualClock,
    pub(crate) circuit: Circuit,
    log: Log,
    pub(crate) book: Book<'a>,
    pub(crate) has_too_many_probes: bool,
    permits: HashMap<&'a str, Held>,
    pub(crate) played: Played<'a>,
}

/// A permit, and the generation in which it was given.
struct Held {
    permit: Permit,
    generation: u64,
}

impl<'a> Run<'a> {
    fn play(&mut self) {
        let row = self.row;
        for (at, step) in row.steps.iter().enumerate() {
            let held = self.step(step).and_then(|()| self.check(step));
            if let Err(mismatch) = held {
                return self.end(at + 1, mismatch);
            }
        }
        if let Err(mismatch) = self.check_in_the_end() {
            self.end(row.steps.len() + 1, mismatch);
        }
    }

    fn end(&mut self, step: usize, mismatch: Mismatch) {
        let now = self.clock.now();
        self.played.suspects.look(&self.circuit, now);
        self.played.mismatch = Some(mismatch.at(step));
    }

    fn step(&mut self, step: &'a Step) -> Result<(), Mismatch> {
        match step.action {
            Action::Advance => self.advance(step.ms),
            Action::Check => {}
            Action::Reset => self.command(Circuit::reset),
            Action::Force => return self.force(step),
            Action::Call => {
                for _ in 0..step.n.unwrap_or(1) {
                    self.call(step)?;
                }
            }
            Action::Begin => {
                if let Some(held) = self.admit(step)? {
                    self.permits.insert(id(step), held);
                }
            }
            Action::End => {
                let held = self.take(step)?;
                self.finish(held, step);
            }
            Action::Cancel => {
                let held = self.take(step)?;
                self.settle(held, drop);
            }
        }
        Ok(())
    }

    fn advance(&self, ms: Option<u64>) {
        self.clock.advance(Duration::from_millis(ms.unwrap_or(0)));
    }

    fn take(&mut self, step: &Step) -> Result<Held, Mismatch> {
        let held = self.permits.remove(id(step));
        held.ok_or_else(|| Mismatch::new("permit", "one of that id", "none"))
    }

    fn call(&mut self, step: &Step) -> Result<(), Mismatch> {
        if let Some(held) = self.admit(step)? {
            if step.advance {
                self.advance(step.ms);
            }
            self.finish(held, step);
        }
        Ok(())
    }

    fn admit(&mut self, step: &Step) -> Result<Option<Held>, Mismatch> {
        let before = self.circuit.snapshot();
        let asked = self.circuit.try_acquire();
        let generation = self.circuit.snapshot().generation;
        // The call itself counts after what it brought about.
        self.told(&before, &before);
        match (asked, step.admitted.unwrap_or(true)) {
            (Ok(permit), true) => Ok(Some(Held { permit, generation })),
            (Ok(_), false) => Err(Mismatch::new("admission", "a rejection", "a permit")),
            (Err(rejected), true) => {
                let permits = self.row.config.half_open.permit_mode;
                if matches!(rejected.refusal(), Refusal::ProbesTaken { .. })
                    && permits == PermitMode::InFlight
                {
                    self.played.suspects.add(Kind::NoIdleProbe);
                }
                Err(Mismatch::new("admission", "a permit", rejected))
            }
            (Err(rejected), false) => check_retry_after(step, rejected).map(|()| None),
        }
    }

    fn finish(&mut self, held: Held, step: &Step) {
        let asked = step.open_for_ms.map(Duration::from_millis);
        let outcome = match step.result.unwrap_or(CallResult::Success) {
            CallResult::Success | CallResult::ErrorAsSuccess => Outcome::Success,
            CallResult::Failure => asked.map_or(Outcome::Failure, |retry_after| {
                Outcome::Overload { retry_after }
            }),
            CallResult::Ignored => Outcome::Ignored,
            CallResult::Panic => return self.settle(held, panic_with),
        };
        let was_closed = self.circuit.state() == State::Closed;
        self.book.recording(step);
        // Where the clock moves during the call, the circuit measures it itself.
        let took = step.ms.filter(|_| !step.advance).map(Duration::from_millis);
        self.settle(held, |permit| match took {
            Some(took) => permit.record_after(outcome, took),
            None => permit.record(outcome),
        });
        let trips = was_closed && self.circuit.state() == State::Open;
        self.played.suspects.recorded(outcome, trips);
    }

    fn settle(&mut self, held: Held, settle: impl FnOnce(Permit)) {
        let before = self.circuit.snapshot();
        settle(held.permit);
        let after = self.circuit.snapshot();
        if held.generation != before.generation {
            self.played.suspects.add(Kind::StragglerDropped);
            self.book.skip(&before, &after);
        }
        self.told(&before, &after);
    }

    fn force(&mut self, step: &Step) -> Result<(), Mismatch> {
        let to = step.to.unwrap_or_default();
        if self.circuit.snapshot().observe_only && to != Name::MetricsOnly {
            self.command(Circuit::reset);
        }
        match (to, step.wait_ms) {
            (Name::Open, Some(wait)) => {
                self.command(|circuit| circuit.trip_for(Duration::from_millis(wait)));
            }
            (Name::Open, None) => self.command(Circuit::trip),
            (Name::Closed, _) => self.command(Circuit::close),
            (Name::HalfOpen, _) => self.command(Circuit::half_open),
            (Name::Isolated, _) => self.command(Circuit::isolate),
            (Name::Disabled, _) => self.command(Circuit::disable),
            (Name::MetricsOnly, _) => self.command(Circuit::observe_only),
        }
        if step.ok == Some(false) {
            self.played.suspects.add(Kind::OperatorMayDoAll);
            return Err(Mismatch::new("command", "a refusal", "it was done"));
        }
        Ok(())
    }

    fn command(&mut self, command: impl FnOnce(&Circuit)) {
        let before = self.circuit.snapshot();
        command(&self.circuit);
        self.told(&before, &self.circuit.snapshot());
    }

    /// Takes in the transitions of the last act; what had been counted when they came is in `at`.
    fn told(&mut self, before: &Snapshot, at: &Snapshot) {
        for transition in self.log.take() {
            self.played.suspects.entered(transition, at.observe_only);
            self.book.entered(transition, before, at);
        }
    }
}

fn id(step: &Step) -> &str {
    step.id.as_deref().unwrap_or_default()
}

/// Panics as a caller does who holds a permit, without the message.
fn panic_with(permit: Permit) {
    let panicked = catch_unwind(AssertUnwindSafe(move || {
        let _permit = permit;
        resume_unwind(Box::new("as the row says"));
    }));
    assert!(panicked.is_err(), "the panic goes on to the caller");
}

fn check_retry_after(step: &Step, rejected: Rejected) -> Result<(), Mismatch> {
    let Some(expected) = step.retry_after_ms else {
        return Ok(());
    };
    let expected = Some(Duration::from_millis(expected));
    same("retry_after", &expected, &rejected.retry_after())
}
