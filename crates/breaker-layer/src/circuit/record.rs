//! What a permit does when it is used up.

use std::{sync::atomic::Ordering::Release, time::Duration};

use breaker_core::{
    Beside, Call, Outcome, Phase, Plain, Reason, Taken, Timestamp, Word,
    machine::{Count, Fate, Record, Rules, Weighed},
};

use super::{StandsFor, Ticket, permit::dropped};
use crate::{
    observe::RecordedEvent,
    policy::RecordedCall,
    slot::{Settings, Slot},
    sync::Cell,
};

impl Slot {
    /// As [`Slot::record`], of a plain success or failure.
    ///
    /// Most are not timed and count in the word, or in a window of calls that is all there is.
    // Straight on, and ways out that are tail calls: what is done again is elsewhere, or each call would make room for it.
    #[inline(never)]
    pub(super) fn record_plain<const FAILED: bool>(&'static self, ticket: Ticket) -> bool {
        let (word, settings) = (self.word(), self.settings());
        if !ticket.is_of(word) || !self.streak().is_empty() {
            return self.record_apart(ticket, FAILED);
        }
        if settings.has(Settings::BESIDE) {
            return self.record_in_ring::<FAILED>(ticket, word, settings);
        }
        match settings.rules().step(word, FAILED) {
            Some(next) => self.replace(word, next) || self.record_again::<FAILED>(ticket),
            None => self.record_apart(ticket, FAILED),
        }
    }

    /// As [`Slot::record_plain`], after another call came first.
    #[inline(never)]
    fn record_again<const FAILED: bool>(&'static self, ticket: Ticket) -> bool {
        loop {
            let (word, settings) = (self.word(), self.settings());
            if !ticket.is_of(word) {
                return self.record_apart(ticket, FAILED);
            }
            if settings.has(Settings::BESIDE) {
                if let Some(is_there) = self.try_in_ring::<FAILED>(ticket, word, settings) {
                    return is_there;
                }
            } else if let Some(next) = settings.rules().step(word, FAILED) {
                if self.replace(word, next) {
                    return true;
                }
            } else {
                return self.record_apart(ticket, FAILED);
            }
        }
    }

    #[inline(never)]
    fn record_in_ring<const FAILED: bool>(
        &'static self,
        ticket: Ticket,
        word: Word,
        settings: Settings,
    ) -> bool {
        match self.try_in_ring::<FAILED>(ticket, word, settings) {
            Some(is_there) => is_there,
            None => self.record_again::<FAILED>(ticket),
        }
    }

    /// Counts a call in a window of calls that is all there is; `None` if another call came first.
    #[inline(always)]
    fn try_in_ring<const FAILED: bool>(
        &'static self,
        ticket: Ticket,
        word: Word,
        settings: Settings,
    ) -> Option<bool> {
        let beside = self.beside(settings);
        let is_there = match beside.count_plain(ticket.generation(), FAILED) {
            Plain::Counted if !FAILED => true,
            Plain::Counted => {
                let next = word.with_failure_in_window();
                next.is_some_and(|next| self.replace(word, next)) || self.finish_in_ring(ticket)
            }
            Plain::Late => return None,
            Plain::Apart => self.record_apart(ticket, FAILED),
            Plain::Disturbed(taken) => self.finish_disturbed::<FAILED>(settings, ticket, taken),
        };
        Some(is_there)
    }

    /// Counts a failure in the word that is in the window already.
    #[inline(never)]
    fn finish_in_ring(&'static self, ticket: Ticket) -> bool {
        loop {
            // As in `record_closed`.
            let (word, settings) = (self.word(), self.settings());
            if !ticket.is_of(word) || !settings.rules().config.counts_in_ring_only() {
                break;
            }
            match word.with_failure_in_window() {
                Some(next) if self.replace(word, next) => return true,
                Some(_) => (),
                None => break,
            }
        }
        let recording = self.recording(self.settings(), ticket, FAILURE);
        recording.finish(&Weighed::default(), false).is_there()
    }

    /// Goes on with a call that has its place in the window, but was disturbed.
    #[cold]
    fn finish_disturbed<const FAILED: bool>(
        &'static self,
        settings: Settings,
        ticket: Ticket,
        taken: Taken,
    ) -> bool {
        let (beside, generation) = (self.beside(settings), ticket.generation());
        if beside.count_disturbed(FAILED, taken) {
            return !FAILED || self.finish_in_ring(ticket);
        }
        let fate = if FAILED { FAILURE } else { SUCCESS };
        let recording = self.recording(settings, ticket, fate);
        recording
            .finish(&beside.weigh(generation), false)
            .is_there()
    }

    /// As [`Slot::record_plain`], of a call that takes a closer look.
    #[inline(never)]
    pub(super) fn record_apart(&'static self, ticket: Ticket, failed: bool) -> bool {
        let (word, settings) = (self.word(), self.settings());
        let is_calm = !failed
            && word.is_calm()
            && self.streak().is_empty()
            && ticket.counts_in(word)
            && !settings.has(Settings::POLICY | Settings::TELL_RECORDED);
        let fate = if failed { FAILURE } else { SUCCESS };
        is_calm && self.count_good(word, settings, ticket) || self.record(ticket, fate, None)
    }

    /// Records what became of a call; `took` is how long, where the caller measured it. `false` if its circuit is gone, so
    /// that it counts nowhere yet.
    #[inline(never)]
    pub(super) fn record(
        &'static self,
        ticket: Ticket,
        fate: Fate,
        took: Option<Duration>,
    ) -> bool {
        let settings = self.settings();
        self.recording(settings, ticket, fate).run_or_tell(took)
    }

    /// Counts a good call of a circuit with nothing against it; `false`, and nothing is written, where that takes a closer
    /// look. Nothing is in its window of calls that a good call could move.
    #[inline]
    fn count_good(&'static self, word: Word, settings: Settings, ticket: Ticket) -> bool {
        let now = ticket.is_timed().then(|| self.now());
        let config = settings.rules().config;
        let is_slow = |limit: Duration| {
            // Settings keep it far below what 64 bits hold.
            now.is_some_and(|now| ticket.nanos(now) > limit.as_nanos() as u64)
        };
        if config.slow_after().is_some_and(is_slow) {
            return false;
        }
        if !config.counts_good_calls() {
            return true;
        }
        let beside = self.beside_of(settings, config);
        let now = || now.unwrap_or_else(|| self.now());
        let is_counted = beside.count_good(word.generation(), now);
        if is_counted && config.count_calls() {
            self.count_beside(word.generation(), || beside.count_success());
        }
        is_counted
    }

    /// Counts a call in its circuit's cells, unless they are the next one's by now.
    fn count_beside(&'static self, generation: u16, count: impl FnOnce()) {
        // With a handle of its own: the slot has no other tenant before this is counted.
        let circuit = self.handle();
        if circuit.is_some() && self.is_tenant(generation) {
            count();
        }
    }

    /// As [`Slot::record`], of a call whose permit is dropped now.
    #[inline(never)]
    pub(super) fn record_dropped(&'static self, ticket: Ticket) {
        let fate = dropped(|| self.settings().rules().config.panic_is_failure());
        self.record(ticket, fate, None);
    }

    fn recording(&'static self, settings: Settings, ticket: Ticket, fate: Fate) -> Recording {
        let (fate, ends_as) = match (ticket.stands_for(), fate) {
            // It was answered: that its reader left says nothing.
            (StandsFor::AnsweredCall, Fate::Cancelled { .. }) => (fate, Some(IGNORED)),
            (StandsFor::Call | StandsFor::AnsweredCall, fate) => (fate, Some(fate)),
            (StandsFor::ExcludedCall, Fate::Recorded(_)) => (IGNORED, Some(IGNORED)),
            (StandsFor::ExcludedCall, Fate::Cancelled { .. }) | (StandsFor::Readiness, _) => {
                (IGNORED, None)
            }
        };
        let moment = Moment {
            slot: self,
            now: None,
        };
        Recording {
            slot: self,
            settings,
            rules: settings.rules(),
            ticket,
            fate,
            ends_as,
            ignored: 0,
            moment,
        }
    }

    /// Stores an outcome that is counted in the word. Failures are added to the total now and then.
    fn count_in_word(&'static self, word: Word, next: Word, fate: Fate) -> bool {
        let failures = word.pending() + u32::from(fate.is_failed_call());
        if failures == next.pending() {
            return self.replace(word, next);
        }
        // With a handle of its own: the circuit does not end before they are added.
        let Some(_circuit) = self.handle() else {
            return self.word() == word;
        };
        let is_stored = self.replace(word, next);
        if is_stored {
            self.counts
                .failed
                .fetch_add((failures - next.pending()).into(), Release);
        }
        is_stored
    }
}

const SUCCESS: Fate = Fate::Recorded(Outcome::Success);
const FAILURE: Fate = Fate::Recorded(Outcome::Failure);
const IGNORED: Fate = Fate::Recorded(Outcome::Ignored);

/// One outcome on its way into the circuit.
struct Recording {
    slot: &'static Slot,
    settings: Settings,
    rules: Rules<'static>,
    ticket: Ticket,
    fate: Fate,
    /// What it is to a row of calls that were given up, which it ends or makes longer.
    ends_as: Option<Fate>,
    /// The probes that were ignored, with this one.
    ignored: u32,
    moment: Moment,
}

impl Recording {
    #[inline(never)]
    fn run_or_tell(self, took: Option<Duration>) -> bool {
        let settled = if self.settings.has(Settings::TELL_RECORDED) {
            self.run_aloud(took)
        } else {
            self.run(took)
        };
        settled.is_there()
    }

    /// As [`Recording::run`], and tells the observers.
    #[cold]
    fn run_aloud(mut self, took: Option<Duration>) -> Settled {
        let (slot, ticket, fate) = (self.slot, self.ticket, self.fate);
        let started = ticket.is_timed().then(|| ticket.took(self.moment.now()));
        let took = took.or(started);
        let slow_after = self.rules.config.slow_after();
        let settled = self.run(took);
        if ticket.stands_for() == StandsFor::Readiness {
            return settled;
        }
        let outcome = match fate {
            Fate::Recorded(outcome) => Some(outcome),
            Fate::Cancelled { .. } => None,
        };
        // With a handle of its own: the slot has no other tenant, and this one does not end, before they know.
        if let Some(_circuit) = slot.handle()
            && slot.is_here(ticket.generation())
            && let Some((observers, subject)) = slot.observers()
        {
            observers.tell_recorded(&RecordedEvent {
                subject: &subject,
                outcome,
                took,
                is_slow: slow_after.is_some_and(|limit| took.is_some_and(|took| took > limit)),
                is_straggler: settled != Settled::InTime,
            });
        }
        settled
    }

    fn run(mut self, took: Option<Duration>) -> Settled {
        let word = self.slot.word();
        let is_current = word.generation() == self.ticket.generation() && self.ticket.is_counted();
        if let Some(end) = self.ends_as.filter(|_| is_current) {
            let streak = self.slot.count_ended(word, end);
            self.fate = self.fate.in_streak(streak);
            self.ignored = streak.ignored();
        }
        let took = took.or_else(|| {
            self.ticket
                .is_timed()
                .then(|| self.ticket.took(self.moment.now()))
        });
        let slow_after = self.rules.config.slow_after();
        let slow = slow_after.is_some_and(|limit| took.is_some_and(|took| took > limit));
        if is_current && word.is_closed() {
            let weighed = self.weigh(word, slow, took);
            return self.finish(&weighed, slow);
        }
        let is_here = self.count(slow, false);
        if !self.ticket.is_counted() || is_current && self.record_probe(slow) {
            Settled::InTime
        } else {
            Settled::late(is_here)
        }
    }

    /// Counts a closed circuit's call in the word, and then in the totals: once its circuit has gone without it, it may count
    /// for another.
    #[inline(never)]
    fn finish(mut self, weighed: &Weighed, slow: bool) -> Settled {
        let is_recorded = self.record_closed(weighed);
        if is_recorded && self.fate.is_failed_call() && !slow {
            return Settled::InTime;
        }
        let is_here = self.count(slow, is_recorded);
        if is_recorded {
            Settled::InTime
        } else {
            Settled::late(is_here)
        }
    }

    /// Counts what is always counted, and what the settings ask for; says whether its circuit is there. The word has counted
    /// a failure that is recorded.
    fn count(&self, slow: bool, is_recorded: bool) -> bool {
        if self.ticket.stands_for() == StandsFor::Readiness {
            return true;
        }
        let (slot, generation, config) = (self.slot, self.ticket.generation(), self.rules.config);
        let is_here = match self.fate {
            Fate::Recorded(Outcome::Success) => is_recorded || slot.is_here(generation),
            Fate::Recorded(Outcome::Ignored) => slot.count(generation, &slot.counts.ignored),
            Fate::Recorded(_) => is_recorded || slot.count(generation, &slot.counts.failed),
            Fate::Cancelled { .. } => slot.count(generation, &slot.counts.cancelled),
        };
        if is_here && self.fate == SUCCESS && config.count_calls() {
            slot.count_beside(generation, || self.beside().count_success());
        }
        if is_here && slow && self.fate.may_be_slow(config) {
            slot.count_beside(generation, || self.beside().count_slow());
        }
        is_here
    }

    fn beside(&self) -> Beside<'static, Cell> {
        self.slot.beside(self.settings)
    }

    /// Counts a closed circuit's call in the windows and the ramp, and tells the user's own policy.
    fn weigh(&mut self, word: Word, slow: bool, took: Option<Duration>) -> Weighed {
        let (config, generation) = (self.rules.config, word.generation());
        let mut weighed = Weighed::default();
        let counts = self.fate.counts(config);
        let is_in_window = counts || slow && self.fate.may_be_slow(config);
        if self.settings.has(Settings::BESIDE) && is_in_window {
            let failed = self.fate.is_failure(config);
            let (beside, moment) = (self.beside(), &mut self.moment);
            weighed = beside.record(generation, Call { failed, slow }, || moment.now());
            let is_recovering = counts && matches!(word.phase(), Phase::Recovering(_));
            weighed.recovered = is_recovering && self.beside().recover(generation, failed);
        }
        if self.settings.has(Settings::POLICY) {
            weighed.broken = weighed.broken.or_else(|| self.ask_policy(took));
        }
        weighed
    }

    fn ask_policy(&mut self, took: Option<Duration>) -> Option<Reason> {
        let outcome = match self.fate {
            Fate::Recorded(outcome) => outcome,
            Fate::Cancelled { .. } if self.fate.is_failure(self.rules.config) => Outcome::Failure,
            Fate::Cancelled { .. } => return None,
        };
        let policy = self.slot.with_extra(|extra| extra.policy.clone())?;
        let call = RecordedCall {
            outcome,
            took: took.unwrap_or_default(),
            at: self.moment.now(),
        };
        policy.record(&call).map(|code| Reason::Custom { code })
    }

    fn record_closed(&mut self, weighed: &Weighed) -> bool {
        let slot = self.slot;
        loop {
            let word = slot.word();
            if word.generation() != self.ticket.generation() {
                return false;
            }
            // After the word: whoever changes them writes the word then.
            self.settings = slot.settings();
            self.rules = self.settings.rules();
            match self.rules.count(word, self.fate, weighed) {
                Count::Unchanged => {
                    self.check_window(weighed, word, word);
                    return true;
                }
                Count::Store(next) => {
                    if slot.count_in_word(word, next, self.fate) {
                        self.check_window(weighed, word, next);
                        return true;
                    }
                }
                Count::Trip(reason) => {
                    let now = self.moment.now();
                    let (next, transition) =
                        self.rules
                            .trip(word, reason, self.fate, weighed.failures, now);
                    let failed = self.fate.is_failed_call();
                    if slot.move_on(word, next, transition, now, failed) {
                        return true;
                    }
                }
            }
        }
    }

    /// A failure may have entered the window of calls after it was found clean, and before the word said so, or counts in it
    /// only now; or the window is another one by now.
    fn check_window(&self, weighed: &Weighed, before: Word, after: Word) {
        let is_in_doubt = before.needs_window() || weighed.clean == Some(false);
        if after.needs_window() || !is_in_doubt {
            return;
        }
        loop {
            let word = self.slot.word();
            let is_current = word.generation() == self.ticket.generation() && word.is_closed();
            let beside = self.slot.beside(self.slot.settings());
            if !is_current || word.needs_window() || !beside.needs_successes(word.generation()) {
                return;
            }
            if self.slot.replace(word, word.with_window(true)) {
                return;
            }
        }
    }

    fn record_probe(&mut self, slow: bool) -> bool {
        let slot = self.slot;
        loop {
            let word = slot.word();
            if word.generation() != self.ticket.generation() {
                return false;
            }
            let now = self.moment.now();
            let (pace, fate, ignored) = (slot.pace(), self.fate, self.ignored);
            let is_recorded = match self
                .rules
                .record_probe(word, pace, fate, slow, ignored, now)
            {
                Record::Unchanged => true,
                Record::Count(next) => {
                    let is_counted = slot.replace(word, next);
                    if is_counted {
                        slot.wake_waiters();
                    }
                    is_counted
                }
                Record::Enter(next, transition) | Record::Lapsed(next, transition) => {
                    slot.move_on(word, next, transition, now, false)
                }
            };
            if is_recorded {
                return true;
            }
        }
    }
}

/// What became of an outcome.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Settled {
    /// It counts.
    InTime,
    /// The circuit has moved on: it is a straggler.
    Late,
    /// The circuit is gone, and it counts nowhere yet.
    Gone,
}

impl Settled {
    const fn late(is_here: bool) -> Self {
        if is_here { Self::Late } else { Self::Gone }
    }

    fn is_there(self) -> bool {
        self != Self::Gone
    }
}

/// The time of one event, read when it is first asked for.
struct Moment {
    slot: &'static Slot,
    now: Option<Timestamp>,
}

impl Moment {
    fn now(&mut self) -> Timestamp {
        *self.now.get_or_insert_with(|| self.slot.now())
    }
}
