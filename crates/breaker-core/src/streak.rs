//! What a generation counts apart from its word.

use crate::{Outcome, Phase, Word, machine::Fate};

/// What the present generation counts apart from its [`Word`], because most calls have nothing to do with it:
/// `generation 16 │ probes ignored 4 │ calls given up in a row 12`, and while open `generation 16 │ draws 16`.
///
/// It carries its generation, so that what an earlier state counted is not taken for this one's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Streak(u32);

/// The most calls that are counted in a row.
pub(crate) const MOST_GIVEN_UP: u32 = (1 << 12) - 1;
/// The most probes that are counted.
const MOST_IGNORED: u32 = (1 << 4) - 1;

impl Streak {
    /// That of a generation which begins.
    pub const fn new(generation: u16) -> Self {
        Self((generation as u32) << 16)
    }

    /// A streak as it was stored.
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// What to store.
    pub const fn to_bits(self) -> u32 {
        self.0
    }

    /// Whether there is nothing to count, or to forget.
    #[inline]
    pub const fn is_empty(self) -> bool {
        self.0 as u16 == 0
    }

    /// The calls that were given up in a row.
    pub const fn given_up(self) -> u32 {
        self.0 & MOST_GIVEN_UP
    }

    /// The probes whose results were ignored.
    pub const fn ignored(self) -> u32 {
        self.0 >> 12 & MOST_IGNORED
    }

    /// The same in this generation: afresh where it is of an earlier one, and as it is where it is of a later one.
    #[must_use]
    pub const fn entered(self, generation: u16) -> Self {
        if self.generation().wrapping_sub(generation).cast_signed() < 0 {
            Self::new(generation)
        } else {
            self
        }
    }

    const fn generation(self) -> u16 {
        (self.0 >> 16) as u16
    }

    /// After a call of this word's generation has ended so. A given-up call makes the row longer; any answer ends it.
    #[must_use]
    pub fn after(self, word: Word, fate: Fate) -> Self {
        let streak = self.entered(word.generation());
        if streak.generation() != word.generation() {
            // That state is over.
            return streak;
        }
        let is_probe = matches!(word.phase(), Phase::HalfOpen { .. });
        let (ignored, given_up) = match fate {
            Fate::Cancelled { .. } => {
                (streak.ignored(), (streak.given_up() + 1).min(MOST_GIVEN_UP))
            }
            Fate::Recorded(Outcome::Ignored) if is_probe => {
                ((streak.ignored() + 1).min(MOST_IGNORED), 0)
            }
            Fate::Recorded(_) => (streak.ignored(), 0),
        };
        Self(streak.0 & !0xffff | ignored << 12 | given_up)
    }

    /// After one more draw in an open state of this generation.
    #[must_use]
    pub const fn drawn(self, generation: u16) -> Self {
        let streak = self.entered(generation);
        if streak.generation() != generation {
            return streak;
        }
        Self(streak.0 & !0xffff | (streak.0 as u16).wrapping_add(1) as u32)
    }

    /// The draws of an open state.
    pub const fn draws(self) -> u32 {
        self.0 & 0xffff
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tally;

    const GIVEN_UP: Fate = Fate::CANCELLED;
    const IGNORED: Fate = Fate::Recorded(Outcome::Ignored);

    fn half_open(generation: u16) -> Word {
        Word::closed(generation).with(Phase::HalfOpen {
            attempt: 0,
            tally: Tally::default(),
        })
    }

    fn after(streak: Streak, word: Word, fates: &[Fate]) -> (u32, u32) {
        let streak = fates
            .iter()
            .fold(streak, |streak, fate| streak.after(word, *fate));
        (streak.given_up(), streak.ignored())
    }

    #[test]
    fn any_answer_ends_a_row_of_calls_that_were_given_up() {
        let word = Word::closed(7);
        let row = [GIVEN_UP; 3];
        assert_eq!(after(Streak::new(7), word, &row), (3, 0));
        for outcome in [Outcome::Success, Outcome::Failure, Outcome::Ignored] {
            let fates = [GIVEN_UP, GIVEN_UP, Fate::Recorded(outcome)];
            assert_eq!(after(Streak::new(7), word, &fates), (0, 0), "{outcome:?}");
        }
    }

    #[test]
    fn ignored_probes_are_counted_and_not_only_in_a_row() {
        let fates = [IGNORED, GIVEN_UP, IGNORED, Fate::Recorded(Outcome::Success)];
        assert_eq!(after(Streak::new(7), half_open(7), &fates), (0, 2));
        assert_eq!(after(Streak::new(7), half_open(7), &[IGNORED; 99]), (0, 15));
    }

    #[test]
    fn a_new_generation_starts_afresh_and_an_old_one_changes_nothing() {
        for generation in [8, u16::MAX, 0] {
            let old = Word::closed(generation.wrapping_sub(1));
            let mut streak = Streak::new(old.generation());
            for _ in 0..5 {
                streak = streak.after(old, GIVEN_UP);
            }
            streak = streak.after(Word::closed(generation), GIVEN_UP);
            assert_eq!(streak.given_up(), 1);
            assert_eq!(streak.after(old, GIVEN_UP), streak);
            assert_eq!(streak.after(old, Fate::Recorded(Outcome::Success)), streak);
        }
    }

    #[test]
    fn a_row_stays_at_the_most() {
        let mut streak = Streak::new(u16::MAX);
        for _ in 0..5000 {
            streak = streak.after(Word::closed(u16::MAX), GIVEN_UP);
        }
        assert_eq!((streak.given_up(), streak.ignored()), (4095, 0));
    }

    #[test]
    fn draws_are_counted_and_start_over_after_the_last() {
        let mut streak = Streak::new(3).after(Word::closed(3), GIVEN_UP);
        for draws in 1..=0xffff {
            streak = streak.drawn(4);
            assert_eq!(streak.draws(), draws);
        }
        assert_eq!(streak.drawn(4), Streak::new(4));
        assert_eq!(streak.drawn(3), streak, "that state is over");
    }
}
