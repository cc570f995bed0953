//! What the table of keyed circuits does with a slot: it may take a circuit's slot away while calls still look at it.

use std::{
    sync::atomic::Ordering::{Acquire, Relaxed, Release},
    time::Duration,
};

use breaker_core::{Evidence, Phase, Timestamp, Word, machine::Command};

use super::{Settings, Slot};

impl Settings {
    pub(crate) const fn to_bits(self) -> u64 {
        self.0
    }

    /// What [`Settings::to_bits`] gave.
    pub(crate) const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// The same with another seed.
    pub(crate) const fn seeded(self, seed: u16) -> Self {
        Self(self.0 & !(0xffff << Self::SEED) | (seed as u64) << Self::SEED)
    }
}

impl Slot {
    /// Has a circuit that nobody has seen yet begin under a command, with the note of another that is under it.
    pub(crate) fn begin_like(&'static self, other: &'static Self, command: Command) {
        if matches!(command, Command::Reset) {
            return;
        }
        let (rules, word) = (self.settings().rules(), self.word());
        let Some((next, _)) = rules.command(word, command, Timestamp::ZERO) else {
            return;
        };
        self.beside(self.settings()).clear(next.generation());
        let note = other.note(other.word());
        self.with_cold(|cold| cold.note(note.as_ref(), next.generation()));
        let pace = rules.pace(next, Timestamp::ZERO);
        self.pace.store(pace.to_bits(), Release);
        self.word.store(next.to_bits(), Release);
    }

    /// As [`Slot::vacate`], unless somebody has a handle besides the table: among them are those who made it what was seen,
    /// until that is told.
    pub(crate) fn vacate_told(&self, seen: Word) -> bool {
        !self.is_shared() && self.vacate(seen)
    }

    pub(crate) fn is_shared(&self) -> bool {
        self.handles.load(Acquire) > 1
    }

    /// A time of the circuit's clock as time since the circuit was built.
    pub(crate) fn since_built(&self, now: Timestamp) -> Timestamp {
        let origin = Timestamp::from_nanos(self.origin.load(Relaxed));
        Timestamp::ZERO.saturating_add(now.saturating_since(origin))
    }

    /// For how long the circuit has been in the state of this generation, or had been when it was taken away; `None` until
    /// what the transition into it has to tell is taken down.
    pub(crate) fn in_state_for(&self, generation: u16, now: Timestamp) -> Option<Duration> {
        let pace = self.pace();
        (pace.generation() == generation).then(|| now.saturating_since(pace.since(now)))
    }

    /// What speaks against the downstream of a closed circuit, as something to compare: evidence, then failures counted.
    pub(crate) fn evidence(&'static self, word: Word, now: Timestamp) -> (u32, u32) {
        let (Phase::Closed(Evidence { score, row, .. })
        | Phase::Recovering(Evidence { score, row, .. })) = word.phase()
        else {
            return (u32::MAX, u32::MAX);
        };
        let beside = self.beside(self.settings());
        let calls = beside.calls(word.generation()).unwrap_or_default();
        let time = beside.time(word.generation(), now).unwrap_or_default();
        (score, row.max(calls.failures).max(time.failures))
    }

    /// Whether nothing is kept beside the word that somebody may still ask for.
    pub(crate) fn holds_no_calls(&'static self, word: Word, now: Timestamp) -> bool {
        let beside = self.beside(self.settings());
        let calls = beside.calls(word.generation()).unwrap_or_default();
        let time = beside.time(word.generation(), now).unwrap_or_default();
        beside.counted().is_none() && calls.calls == 0 && time.calls == 0
    }
}
