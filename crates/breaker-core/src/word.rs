//! The state of a circuit in 64 bits.
//!
//! ```text
//! generation 16 │ shadow 1 │ phase 3 │ 44 bits of the phase's own
//! closed, recovering:  score 18 │ window 1 │ calls since the score was zero 9 │ failures in a row 12 │ pending 4
//! open:                attempt 6 │ open until 38
//! half-open:           attempt 6 │ admissions 6 │ live 8 │ good 8 │ failed 8 │ slow 8
//! ```
//!
//! *Window* is set while a window of calls holds anything but successes, or has room left: only then is a success worth
//! recording. *Pending* are failures that are still to be added to the total, so that a failure writes once.

use crate::{
    time::{Pace, Tick, Timestamp},
    verdict::State,
};

/// A circuit's packed state: a value that is replaced as a whole.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Word(u64);

/// What has been seen against the downstream while closed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// The score of the sequential test, in parts of 2¹⁸ of its threshold.
    pub score: u32,
    /// The calls recorded since the score was last zero; stays at 511.
    pub calls: u32,
    /// The failures in a row; stays at 4095.
    pub row: u32,
}

impl Evidence {
    /// The score at which a circuit trips.
    pub const FULL: u32 = FULL_SCORE;
}

/// The probes of a half-open period.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Admitted and not yet recorded.
    pub live: u32,
    /// Recorded as successes.
    pub good: u32,
    /// Recorded as failures.
    pub failed: u32,
    /// Recorded as slow, whether they succeeded or failed.
    pub slow: u32,
}

impl Tally {
    /// The probes that were recorded.
    pub const fn done(self) -> u32 {
        self.good + self.failed
    }
}

/// The state with its own data, unpacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Calls pass and are counted.
    Closed(Evidence),
    /// Closed, but within an allowance that grows.
    Recovering(Evidence),
    /// Calls are refused.
    Open {
        /// How often in a row it has opened without closing, less one; stays at 63.
        attempt: u32,
        /// Until when all calls are refused, in ticks.
        until: u64,
    },
    /// Probes pass.
    HalfOpen {
        /// That of the open state before it.
        attempt: u32,
        /// Its probes.
        tally: Tally,
    },
    /// Held open by the operator.
    Isolated,
    /// Held closed by the operator.
    Disabled,
}

const PHASE: u32 = 44;
const SHADOW: u64 = 1 << 47;
const GENERATION: u32 = 48;
/// The phase of no circuit. It reads as disabled, and no decision leads to it.
const VACANT: u64 = 7;

/// The most that is counted of the calls.
pub(crate) const MOST_CALLS: u32 = (1 << 9) - 1;
/// The most that is counted of the failures in a row.
pub(crate) const MOST_ROW: u32 = (1 << 12) - 1;
/// The score's threshold.
pub(crate) const FULL_SCORE: u32 = 1 << 18;
/// The probes admitted in a half-open period, modulo 64.
const ADMISSIONS: u64 = 0x3f << 32;
/// The window of calls is worth a success.
const WINDOW: u64 = 1 << 25;
/// The most failures that are still to be added to the total.
pub(crate) const PENDING: u32 = (1 << 4) - 1;
/// The most probes of one kind that are counted.
pub(crate) const MOST_PROBES: u32 = (1 << 8) - 1;
/// The most attempts that are counted.
pub(crate) const MOST_ATTEMPTS: u32 = 63;

impl Word {
    /// A closed circuit of this generation, with nothing against its downstream.
    pub const fn closed(generation: u16) -> Self {
        Self((generation as u64) << GENERATION)
    }

    /// The word of a place that has no circuit, whose next one begins with this generation: whoever still asks there
    /// passes uncounted.
    pub const fn vacant(generation: u16) -> Self {
        Self((generation as u64) << GENERATION | VACANT << PHASE)
    }

    /// Whether there is no circuit here.
    pub const fn is_vacant(self) -> bool {
        self.0 >> PHASE & 0b111 == VACANT
    }

    /// Whether this is an open circuit's, not in the shadow, and its time has not come: it refuses every call, whatever its
    /// settings. `pace` is one that was read before this word.
    #[inline]
    pub const fn refuses_all(self, pace: Pace, now: Timestamp) -> bool {
        self.0 >> PHASE & 0b1111 == 2 && pace.is_before(now, Tick::from_bits(self.0))
    }

    /// How many nanoseconds a word goes on to refuse every call that [refuses](Word::refuses_all) them now.
    #[inline]
    pub const fn refuses_for(self, now: Timestamp) -> u64 {
        Tick::from_bits(self.0).nanos_left(now)
    }

    /// A word as it was stored.
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// What to store.
    pub const fn to_bits(self) -> u64 {
        self.0
    }

    /// The number of transitions so far, modulo 2¹⁶.
    ///
    /// A permit that is held while exactly 65 536 transitions (or a multiple) happen counts as a current one.
    pub const fn generation(self) -> u16 {
        (self.0 >> GENERATION) as u16
    }

    /// Whether the circuit is closed, not in the shadow, and has nothing against its downstream.
    pub const fn is_calm(self) -> bool {
        self.0 & ((1 << GENERATION) - 1 - PENDING as u64) == 0
    }

    /// Failures that are still to be added to the total.
    pub const fn pending(self) -> u32 {
        if self.is_closed() {
            self.0 as u32 & PENDING
        } else {
            0
        }
    }

    /// Whether a closed circuit's window of calls is worth a success.
    pub const fn needs_window(self) -> bool {
        self.is_closed() && self.0 & WINDOW != 0
    }

    /// A closed circuit's word, with the window of calls worth a success or not.
    #[must_use]
    pub const fn with_window(self, needed: bool) -> Self {
        Self(if needed {
            self.0 | WINDOW
        } else if self.is_closed() {
            self.0 & !WINDOW
        } else {
            self.0
        })
    }

    /// A closed circuit's word with this evidence and so many failures pending.
    pub(crate) fn with_evidence(self, evidence: Evidence, pending: u32) -> Self {
        Self(self.0 & (u64::MAX << PHASE | WINDOW) | pack(evidence) | u64::from(pending))
    }

    /// A closed circuit's word with one more failure, which adds so much to the score; `None` where that trips, or fills the
    /// counter.
    #[inline]
    pub(crate) const fn with_failure(self, step: u32) -> Option<Self> {
        let is_full = self.part(26, 18) + step >= FULL_SCORE || self.0 as u32 & PENDING == PENDING;
        if is_full {
            None
        } else {
            Some(Self(self.0 + ((step as u64) << 26 | self.more() << 16 | 1)))
        }
    }

    /// A closed circuit's word with one more failure, which is in its window of calls; `None` where that fills the counter.
    #[inline]
    pub const fn with_failure_in_window(self) -> Option<Self> {
        if self.0 as u32 & PENDING == PENDING {
            None
        } else {
            Some(Self((self.0 | WINDOW) + 1))
        }
    }

    /// A closed circuit's word with one more success, which takes so much off the score. It counts no failures in a row.
    #[inline]
    pub(crate) const fn with_success(self, step: u32) -> Self {
        let score = self.part(26, 18);
        if score <= step {
            Self(self.0 & (u64::MAX << PHASE | WINDOW | PENDING as u64))
        } else {
            Self(self.0 - ((step as u64) << 26) + (self.more() << 16))
        }
    }

    /// What one more call adds to the calls since the score was zero.
    const fn more(self) -> u64 {
        (self.part(16, 9) < MOST_CALLS) as u64
    }

    /// Whether every call passes and counts: closed, and not in the shadow.
    pub const fn passes(self) -> bool {
        self.0 >> PHASE & 0b1111 == 0
    }

    /// Whether calls are counted as those of a closed circuit: closed or recovering, in the shadow or not.
    pub const fn is_closed(self) -> bool {
        self.0 >> PHASE & 0b110 == 0
    }

    /// As [`Word::is_closed`], in this generation.
    #[inline]
    pub const fn is_closed_in(self, generation: u16) -> bool {
        let unlike = self.0 ^ Self::closed(generation).0;
        unlike & (0xffff << GENERATION | 0b110 << PHASE) == 0
    }

    /// Whether the circuit only says what it would do.
    pub const fn is_shadow(self) -> bool {
        self.0 & SHADOW != 0
    }

    /// The state with its data.
    pub const fn phase(self) -> Phase {
        match self.0 >> PHASE & 0b111 {
            0 => Phase::Closed(self.evidence()),
            1 => Phase::Recovering(self.evidence()),
            2 => Phase::Open {
                attempt: self.part(38, 6),
                until: Tick::from_bits(self.0).bits(),
            },
            3 => Phase::HalfOpen {
                attempt: self.part(38, 6),
                tally: Tally {
                    live: self.part(24, 8),
                    good: self.part(16, 8),
                    failed: self.part(8, 8),
                    slow: self.part(0, 8),
                },
            },
            4 => Phase::Isolated,
            _ => Phase::Disabled,
        }
    }

    const fn part(self, at: u32, bits: u32) -> u32 {
        (self.0 >> at & ((1 << bits) - 1)) as u32
    }

    pub(crate) const fn evidence(self) -> Evidence {
        Evidence {
            score: self.part(26, 18),
            calls: self.part(16, 9),
            row: self.part(4, 12),
        }
    }

    /// The same generation with another phase.
    pub(crate) fn with(self, phase: Phase) -> Self {
        let (code, data) = match phase {
            Phase::Closed(evidence) => (0, pack(evidence)),
            Phase::Recovering(evidence) => (1, pack(evidence)),
            Phase::Open { attempt, until } => (2, u64::from(attempt) << 38 | until),
            Phase::HalfOpen {
                attempt,
                tally:
                    Tally {
                        live,
                        good,
                        failed,
                        slow,
                    },
            } => (
                3,
                u64::from(attempt) << 38
                    | u64::from(live) << 24
                    | u64::from(good << 16 | failed << 8 | slow),
            ),
            Phase::Isolated => (4, 0),
            Phase::Disabled => (5, 0),
        };
        Self(self.0 & (u64::MAX << 47) | code << PHASE | data)
    }

    /// The next word of the same half-open period, of which one more was admitted or not. Each admission moves the
    /// deadline, so that no word of before looks like one of after it.
    pub(crate) fn in_half_open(self, phase: Phase, admitted: bool) -> Self {
        let admissions =
            (self.0 & ADMISSIONS).wrapping_add(if admitted { 1 << 32 } else { 0 }) & ADMISSIONS;
        Self(self.with(phase).0 | admissions)
    }

    /// A recovering circuit's word, closed for good.
    pub(crate) const fn recovered(self) -> Self {
        Self(self.0 & !(1 << PHASE))
    }

    /// The next generation in this phase.
    pub(crate) fn enter(self, phase: Phase) -> Self {
        Self::from_bits(self.0.wrapping_add(1 << GENERATION)).with(phase)
    }

    /// The same word in the shadow or out of it.
    pub(crate) const fn shadow(self, shadow: bool) -> Self {
        Self(if shadow {
            self.0 | SHADOW
        } else {
            self.0 & !SHADOW
        })
    }

    /// The state as it was stored, whatever the time is.
    pub(crate) const fn stored_state(self) -> State {
        match self.phase() {
            Phase::Closed(_) | Phase::Recovering(_) => State::Closed,
            Phase::Open { .. } => State::Open,
            Phase::HalfOpen { .. } => State::HalfOpen,
            Phase::Isolated => State::Isolated,
            Phase::Disabled => State::Disabled,
        }
    }
}

impl core::fmt::Debug for Word {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Word")
            .field("generation", &self.generation())
            .field("shadow", &self.is_shadow())
            .field("phase", &self.phase())
            .finish()
    }
}

fn pack(Evidence { score, calls, row }: Evidence) -> u64 {
    u64::from(score) << 26
        | u64::from(calls.min(MOST_CALLS)) << 16
        | u64::from(row.min(MOST_ROW)) << 4
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn evidence() -> impl Strategy<Value = Evidence> {
        (0..FULL_SCORE, 0..=MOST_CALLS, 0..=MOST_ROW).prop_map(|(score, calls, row)| Evidence {
            score,
            calls,
            row,
        })
    }

    fn phase() -> impl Strategy<Value = Phase> {
        let tally = (0..=255u32, 0..=255u32, 0..=255u32, 0..=255u32).prop_map(
            |(live, good, failed, slow)| Tally {
                live,
                good,
                failed,
                slow,
            },
        );
        prop_oneof![
            evidence().prop_map(Phase::Closed),
            evidence().prop_map(Phase::Recovering),
            (0..=MOST_ATTEMPTS, 0..1u64 << 38)
                .prop_map(|(attempt, until)| Phase::Open { attempt, until }),
            (0..=MOST_ATTEMPTS, tally)
                .prop_map(|(attempt, tally)| Phase::HalfOpen { attempt, tally }),
            Just(Phase::Isolated),
            Just(Phase::Disabled),
        ]
    }

    proptest! {
        #[test]
        fn every_phase_comes_out_as_it_went_in(
            generation: u16,
            shadow: bool,
            before in phase(),
            after in phase(),
        ) {
            let word = Word::closed(generation).shadow(shadow).with(before).with(after);
            prop_assert_eq!(word.phase(), after);
            prop_assert_eq!(word.generation(), generation);
            prop_assert_eq!(word.is_shadow(), shadow);
            prop_assert_eq!(Word::from_bits(word.to_bits()), word);
        }

        #[test]
        fn entering_a_phase_starts_the_next_generation_and_stays_in_the_shadow(
            generation: u16,
            shadow: bool,
            before in phase(),
            after in phase(),
        ) {
            let word = Word::closed(generation).shadow(shadow).with(before).enter(after);
            prop_assert_eq!(word.phase(), after);
            prop_assert_eq!(word.generation(), generation.wrapping_add(1));
            prop_assert_eq!(word.is_shadow(), shadow);
        }

        #[test]
        fn only_a_closed_word_outside_the_shadow_passes_and_is_calm_with_nothing_seen(
            shadow: bool,
            phase in phase(),
        ) {
            let word = Word::closed(7).shadow(shadow).with(phase);
            let is_closed = matches!(phase, Phase::Closed(_));
            prop_assert_eq!(word.passes(), is_closed && !shadow);
            let is_calm = phase == Phase::Closed(Evidence::default()) && !shadow;
            prop_assert_eq!(word.is_calm(), is_calm);
        }
    }

    #[test]
    fn counts_beyond_the_most_stay_at_the_most() {
        let seen = Evidence {
            score: 1,
            calls: MOST_CALLS + 1,
            row: u32::MAX,
        };
        let Phase::Closed(stored) = Word::closed(0).with(Phase::Closed(seen)).phase() else {
            panic!("it is closed")
        };
        assert_eq!((stored.calls, stored.row), (MOST_CALLS, MOST_ROW));
    }

    #[test]
    fn the_generation_after_the_last_is_the_first() {
        let word = Word::closed(u16::MAX).enter(Phase::Isolated);
        assert_eq!((word.generation(), word.phase()), (0, Phase::Isolated));
    }
}
