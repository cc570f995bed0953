//! When a downstream really failed, as the log alone tells it: with no regard to any breaker.
//!
//! Failures count one up and successes one down, never below zero. An outage begins with the first failure of a climb to
//! [`BALANCE`], and ends with the first success of as long a climb of successes over failures.

/// So many more of the one than of the other decide.
const BALANCE: u32 = 10;

/// Finds outages in the ends of calls.
#[derive(Debug, Default)]
pub(crate) struct Finder {
    is_failing: bool,
    climb: u32,
    /// When the climb began.
    since: u64,
}

/// What a call's end brought to light.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// An outage has begun at this time.
    Began(u64),
    /// It was over at this time.
    Ended(u64),
}

impl Finder {
    #[inline]
    pub(crate) fn see(&mut self, at: u64, failed: bool) -> Option<Turn> {
        if failed == self.is_failing {
            self.climb = self.climb.saturating_sub(1);
            return None;
        }
        if self.climb == 0 {
            self.since = at;
        }
        self.climb += 1;
        if self.climb < BALANCE {
            return None;
        }
        self.climb = 0;
        self.is_failing = failed;
        Some(if failed {
            Turn::Began(self.since)
        } else {
            Turn::Ended(self.since)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turns(calls: &str) -> Vec<Turn> {
        let mut finder = Finder::default();
        let ends = calls.bytes().enumerate();
        ends.filter_map(|(at, call)| finder.see(at as u64, call == b'x'))
            .collect()
    }

    #[test]
    fn an_outage_lasts_from_its_first_failure_to_the_first_success_after_it() {
        assert_eq!(
            turns("....xxxxxxxxxxxx..............."),
            [Turn::Began(4), Turn::Ended(16)]
        );
    }

    #[test]
    fn a_few_successes_within_an_outage_do_not_end_it() {
        assert_eq!(
            turns("..xxxxxxxx.xxxx..xxxx.xx.........."),
            [Turn::Began(2), Turn::Ended(24)]
        );
    }

    #[test]
    fn every_other_call_failing_is_no_outage_of_its_own() {
        assert_eq!(turns(&"x.".repeat(100)), []);
    }
}
