//! When a downstream really failed, as the log alone tells it: with no regard to any breaker.
//!
//! Failures count one up and successes one down, never below zero. An outage begins with the first failure of a climb to
//! [`BALANCE`], and ends with the first success of as long a climb of successes over failures.

/// So many more of the one than of the other decide.
const BALANCE: u32 = 10;

/// Finds outages in the ends of calls.
#[derive(Debug, Default)]
struct Finder {
    is_failing: bool,
    climb: u32,
    /// When the climb began, and the calls and failures since.
    since: u64,
    counts: [u64; 2],
    /// Calls and failures since the outage began.
    within: [u64; 2],
}

/// A time during which most calls failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Outage {
    pub(crate) began: u64,
    pub(crate) ended: Option<u64>,
    pub(crate) calls: u64,
    pub(crate) failures: u64,
}

/// The outages of a service, as far as there is room.
#[derive(Debug, Default)]
pub(crate) struct Outages {
    pub(crate) all: Vec<Outage>,
    finder: Finder,
    is_kept: bool,
}

impl Outages {
    /// A call ended; `room` is for how many more outages there is room.
    #[inline]
    pub(crate) fn see(&mut self, at: u64, failed: bool, room: &mut usize) {
        match self.finder.see(at, failed) {
            None => {}
            Some(Turn::Began(began)) => {
                self.is_kept = *room > 0;
                if self.is_kept {
                    *room -= 1;
                    self.all.push(Outage {
                        began,
                        ended: None,
                        calls: 0,
                        failures: 0,
                    });
                }
            }
            Some(Turn::Ended(ended)) => {
                if let Some(outage) = self.all.last_mut().filter(|_| self.is_kept) {
                    outage.ended = Some(ended);
                    [outage.calls, outage.failures] = self.finder.within;
                }
            }
        }
    }

    /// All of them; one that lasts to the end has the calls until then.
    pub(crate) fn finish(mut self) -> Vec<Outage> {
        if let Some(outage) = self
            .all
            .last_mut()
            .filter(|outage| outage.ended.is_none() && self.is_kept)
        {
            [outage.calls, outage.failures] = self.finder.within;
        }
        self.all
    }
}

/// What a call's end brought to light.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    /// An outage has begun at this time.
    Began(u64),
    /// It was over at this time.
    Ended(u64),
}

impl Finder {
    #[inline]
    fn see(&mut self, at: u64, failed: bool) -> Option<Turn> {
        if self.is_failing {
            self.within[0] += 1;
            self.within[1] += u64::from(failed);
        }
        if self.climb > 0 {
            self.counts[0] += 1;
            self.counts[1] += u64::from(failed);
        }
        if failed == self.is_failing {
            self.climb = self.climb.saturating_sub(1);
            return None;
        }
        if self.climb == 0 {
            self.since = at;
            self.counts = [1, failed.into()];
        }
        self.climb += 1;
        if self.climb < BALANCE {
            return None;
        }
        self.climb = 0;
        self.is_failing = failed;
        Some(if failed {
            self.within = self.counts;
            Turn::Began(self.since)
        } else {
            // What came since the first success was after the outage.
            self.within[0] -= self.counts[0];
            self.within[1] -= self.counts[1];
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
    fn an_outage_has_the_calls_from_its_first_failure_to_its_last() {
        for (calls, wanted) in [
            ("....xxxxxxxxxxxx...............", (12, 12, true)),
            ("..xxxxxxxx.xxxx..xxxx.xx..........", (22, 18, true)),
            ("..xxxxx.xxxxxxxx.x", (16, 14, false)),
        ] {
            let (mut outages, mut room) = (Outages::default(), 10);
            for (at, call) in calls.bytes().enumerate() {
                outages.see(at as u64, call == b'x', &mut room);
            }
            let outage = outages.finish()[0];
            assert_eq!(
                (outage.calls, outage.failures, outage.ended.is_some()),
                wanted,
                "{calls}"
            );
        }
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
