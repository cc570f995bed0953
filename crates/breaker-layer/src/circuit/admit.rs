//! How a call is admitted.

use breaker_core::{Admission, Breaker, CallKind, Changes, Refusal, Rules, Timestamp};

use super::{Circuit, Permit, ticket::Ticket};
use crate::{
    error::{Rejected, Why},
    storage::{AfterUnlock, CircuitState, GateState, Moment, Slot, Subject},
};

/// A request's own random number, drawn once.
#[derive(Default)]
pub(crate) struct Draw(Option<u32>);

impl Draw {
    /// The next request draws again.
    #[inline]
    pub(crate) const fn forget(&mut self) {
        self.0 = None;
    }
}

/// What a permit is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum For {
    /// A call that begins now.
    Call,
    /// A promise that the next call passes.
    #[cfg(feature = "tokio")]
    Readiness,
}

impl Circuit {
    /// Asks to make a call. The permit's [`record`](Permit::record) says how it went.
    ///
    /// # Errors
    ///
    /// [`Rejected`] if the call must not be made.
    #[inline]
    #[doc(alias("tryAcquirePermission", "Allow"))]
    pub fn try_acquire(&self) -> Result<Permit, Rejected> {
        self.acquire_drawn(&mut Draw::default())
    }

    /// As a caller that has drawn already, or does so now.
    #[inline]
    pub(crate) fn acquire_drawn(&self, draw: &mut Draw) -> Result<Permit, Rejected> {
        match self.acquire_at_once() {
            Some(permit) => Ok(permit),
            None => self.acquire_or_reject(draw),
        }
    }

    /// A permit, where the circuit is closed and nobody wants to know of it.
    #[inline]
    pub(crate) fn acquire_at_once(&self) -> Option<Permit> {
        let slot = self.slot();
        let gate = slot.gate();
        gate.passes_plainly().then(|| Permit {
            slot,
            ticket: Ticket::of(gate),
        })
    }

    /// A permit, where every call passes. Without one nothing is counted, and nobody is told.
    pub(crate) fn acquire_if_passing(&self) -> Option<Permit> {
        if !self.slot().gate().passes() {
            return None;
        }
        let at_once = self.acquire_at_once().or_else(|| self.acquire_timed());
        at_once.or_else(|| {
            let admitted = self.admit_if(|breaker| breaker.passes(), Admission::Pass);
            admitted.map(|ticket| self.permit(ticket))
        })
    }

    /// As [`Circuit::acquire_drawn`], where there is none at once.
    #[inline(never)]
    pub(crate) fn acquire_or_reject(&self, draw: &mut Draw) -> Result<Permit, Rejected> {
        match self.acquire_timed() {
            Some(permit) => Ok(permit),
            None => self.admit(draw).or_else(|why| {
                let rejected = self.reject_unless_gone(why);
                rejected.map_or_else(|| Ok(self.permit(Ticket::void())), Err)
            }),
        }
    }

    /// A permit of a call that is timed, where the circuit is closed and nobody else wants to know of it.
    #[inline]
    fn acquire_timed(&self) -> Option<Permit> {
        let slot = self.slot();
        let gate = slot.gate();
        gate.passes_timed()
            .then(|| self.permit(Ticket::of(gate).started(slot.now())))
    }

    /// A permit, or why there is none, which is not counted as a rejection.
    pub(crate) fn admit(&self, draw: &mut Draw) -> Result<Permit, Why> {
        if let Some(why) = self.refuses_all() {
            return Err(why);
        }
        self.ask(For::Call, |breaker, rules, now| {
            breaker.admit(rules, now, &mut draw.0)
        })
    }

    /// As a caller that waits for its turn.
    pub(super) fn admit_waiting(&self, what: For) -> Result<Permit, Why> {
        self.ask(what, Breaker::admit_waiting)
    }

    /// Why a call of this moment would be refused, without making it.
    #[inline]
    pub(crate) fn refusal(&self, draw: &mut Draw) -> Option<Why> {
        if self.slot().gate().passes() {
            None
        } else {
            self.refusal_drawn(draw)
        }
    }

    #[inline(never)]
    fn refusal_drawn(&self, draw: &mut Draw) -> Option<Why> {
        if let Some(why) = self.refuses_all() {
            return Some(why);
        }
        let why =
            self.look_ahead(|breaker, rules, now| breaker.refusal(rules, now, &mut draw.0))?;
        // A request that is refused has used up its draw.
        draw.forget();
        Some(why)
    }

    /// As [`Circuit::refusal`], of a caller that waits for its turn.
    #[cfg(feature = "tokio")]
    pub(super) fn refusal_waiting(&self) -> Option<Why> {
        self.look_ahead(Breaker::refusal_waiting)
    }

    /// Why every call is refused at this moment, where that can be told without the lock.
    #[inline]
    fn refuses_all(&self) -> Option<Why> {
        let slot = self.slot();
        let gate = slot.gate();
        match gate.state() {
            GateState::Isolated => Some(Why::isolated(gate.epoch(), 0)),
            GateState::Open => {
                let left = slot.refuses_for();
                (left > 0).then(|| Why::open(gate.epoch(), left))
            }
            GateState::IsolatedUntil => {
                let left = slot.refuses_for();
                (left > 0).then(|| Why::isolated(gate.epoch(), left))
            }
            GateState::Ask | GateState::Passes | GateState::Vacant => None,
        }
    }

    /// Asks under the lock.
    #[inline(never)]
    fn ask(
        &self,
        what: For,
        admit: impl FnOnce(&mut Breaker, Rules<'_>, Timestamp) -> (Admission, Changes),
    ) -> Result<Permit, Why> {
        let slot = self.slot();
        let mut moment = Moment::read_of(slot);
        let mut after = AfterUnlock::default();
        let admitted = slot.change(|state| {
            let now = moment.now();
            let had_deadline = state.has_deadline(now);
            let (breaker, rules) = state.parts();
            let (admission, changes) = admit(breaker, rules, now);
            if !changes.is_empty() {
                after = AfterUnlock::of(slot, state, changes, None);
            } else if !had_deadline && state.has_deadline(now) {
                // From here on there is a time to wait for.
                after = AfterUnlock::waking(state);
            }
            begin(state, what, admission, || now)
        });
        after.run();
        match admitted {
            Some(admitted) => admitted.map(|ticket| self.permit(ticket)),
            None => Ok(self.permit(Ticket::void())),
        }
    }

    /// Admits a call under the lock if the circuit is as it should be; nobody is told.
    #[inline(never)]
    fn admit_if(
        &self,
        is_it: impl FnOnce(&Breaker) -> bool,
        admission: Admission,
    ) -> Option<Ticket> {
        let slot = self.slot();
        let mut moment = Moment::read_of(slot);
        let admitted = slot.change(|state| {
            is_it(&state.breaker)
                .then(|| begin(state, For::Call, admission, || moment.now()).ok())
                .flatten()
        });
        admitted.flatten()
    }

    #[cold]
    fn look_ahead(
        &self,
        refusal: impl FnOnce(&mut Breaker, Rules<'_>, Timestamp) -> (Option<Refusal>, Changes),
    ) -> Option<Why> {
        let slot = self.slot();
        let mut moment = Moment::read_of(slot);
        let (why, after) = slot.change(|state| {
            let (breaker, rules) = state.parts();
            let (refusal, changes) = refusal(breaker, rules, moment.now());
            let why = refusal.map(|refusal| Why::new(state.epoch(), refusal));
            (why, AfterUnlock::of(slot, state, changes, None))
        })?;
        after.run();
        why
    }

    /// Makes a permit that was taken ahead the permit of a call that begins now.
    #[cfg(feature = "tokio")]
    pub(super) fn begin_call(&self, permit: Permit) -> Permit {
        let slot = self.slot();
        let mut moment = Moment::read_of(slot);
        let (_, ticket) = permit.into_parts();
        let begun = slot.change(|state| match ticket.kind() {
            CallKind::Readiness => start(state, ticket.of_kind(CallKind::Call), || moment.now()),
            _ => ticket,
        });
        self.permit(begun.unwrap_or(ticket))
    }

    fn permit(&self, ticket: Ticket) -> Permit {
        Permit {
            slot: self.slot(),
            ticket,
        }
    }

    /// Counts a refusal, and makes the error of it.
    #[inline]
    pub(crate) fn reject(&self, why: Why) -> Rejected {
        self.slot().count_rejection();
        self.rejected(why)
    }

    /// As [`Circuit::reject`]; `None` if its table has ended the circuit before.
    #[inline]
    fn reject_unless_gone(&self, why: Why) -> Option<Rejected> {
        let counts = self.slot().count_rejection();
        counts.then(|| self.rejected(why))
    }

    #[inline]
    fn rejected(&self, why: Why) -> Rejected {
        let slot = self.slot();
        if slot.gate().tells_rejections() {
            tell_rejected(slot, why);
        }
        Rejected::new(slot, why)
    }
}

/// The ticket of a call that is admitted so.
fn begin(
    state: &mut CircuitState,
    what: For,
    admission: Admission,
    now: impl FnOnce() -> Timestamp,
) -> Result<Ticket, Why> {
    let kind = match (admission, what) {
        (Admission::Refuse(refusal), _) => return Err(Why::new(state.epoch(), refusal)),
        #[cfg(feature = "tokio")]
        (Admission::Pass, For::Readiness) => CallKind::Readiness,
        (Admission::Pass, For::Call) => CallKind::Call,
        (Admission::PassUncounted, _) => CallKind::Uncounted,
    };
    let ticket = Ticket::new(state.epoch(), kind);
    Ok(match what {
        For::Call => start(state, ticket, now),
        #[cfg(feature = "tokio")]
        For::Readiness => ticket,
    })
}

/// A call begins: it is counted and timed, where that is asked for.
fn start(state: &mut CircuitState, ticket: Ticket, now: impl FnOnce() -> Timestamp) -> Ticket {
    state.count_admitted();
    match state.is_timed() {
        true => ticket.started(now()),
        false => ticket,
    }
}

#[cold]
#[inline(never)]
fn tell_rejected(slot: &'static Slot, why: Why) {
    let told = slot.read(|state| (state.observers.clone(), Subject::of(state, slot)));
    if let Some((observers, subject)) = told {
        observers.tell_rejected(&subject, why.refusal());
    }
}
