//! What makes one doubt that a log was read as it was meant.

use crate::input::Call;

const HOUR: u64 = 3600 * 1_000_000_000;
/// Of fewer calls nothing is said.
const FEW: u64 = 10;

/// Counts what is doubtful about calls.
#[derive(Clone, Debug)]
pub(crate) struct Doubtful {
    calls: u64,
    /// Calls that last at least 2ⁿ nanoseconds, and less than twice so long.
    lasting: [u64; 65],
    /// Calls that last longer than an hour.
    pub(crate) beyond_an_hour: u64,
    longest: u64,
    ends: Option<(u64, u64)>,
    /// Calls whose times are far from all others, and when the first of them was.
    pub(crate) aside: u64,
    pub(crate) aside_first: Option<u64>,
}

impl Default for Doubtful {
    fn default() -> Self {
        Self {
            calls: 0,
            lasting: [0; 65],
            beyond_an_hour: 0,
            longest: 0,
            ends: None,
            aside: 0,
            aside_first: None,
        }
    }
}

impl Doubtful {
    #[inline]
    pub(crate) fn see(&mut self, call: &Call) {
        let took = call.end - call.start;
        self.calls += 1;
        self.lasting[(u64::BITS - took.leading_zeros()) as usize] += 1;
        self.beyond_an_hour += u64::from(took > HOUR);
        self.longest = self.longest.max(took);
        let (first, last) = self.ends.unwrap_or((call.end, call.end));
        self.ends = Some((first.min(call.end), last.max(call.end)));
    }

    /// How long the longest call is.
    pub(crate) const fn longest(&self) -> u64 {
        self.longest
    }

    /// Whether most calls last longer than the whole log.
    pub(crate) fn outlast_the_log(&self) -> bool {
        let (first, last) = self.ends.unwrap_or_default();
        let whole = (u64::BITS - (last - first).leading_zeros()) as usize;
        let longer: u64 = self.lasting[whole + 1..].iter().sum();
        self.calls >= FEW && last > first && longer * 2 > self.calls
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::Fate;

    #[test]
    fn calls_that_outlast_their_log_are_noticed_and_a_few_are_not() {
        for (took, is_doubtful) in [(10, false), (50, false), (1000, true)] {
            let mut doubtful = Doubtful::default();
            for at in 0..100 {
                doubtful.see(&Call {
                    start: at,
                    end: at + took,
                    service: 0,
                    client: 0,
                    fate: Fate::Success,
                    is_timed: true,
                });
            }
            assert_eq!(doubtful.outlast_the_log(), is_doubtful, "{took}");
        }
    }
}
