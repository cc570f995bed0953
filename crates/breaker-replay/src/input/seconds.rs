//! The calls of a log that writes whole seconds alone, as nginx and Apache do, spread over their seconds: they would come in
//! bursts otherwise, with all their probes drawn alike.

use std::collections::VecDeque;

use super::{call::Call, time::SECOND};

/// So many calls of a second are held; if there are more, these are spread over it, and then the others.
const MOST: usize = 1 << 17;

/// The calls of the last second, and those that have been spread.
#[derive(Default)]
pub(crate) struct Seconds {
    /// Each with whether it is of the same line as the one before.
    held: Vec<(Call, bool)>,
    second: u64,
    ready: VecDeque<Call>,
}

impl Seconds {
    /// A call that is ready.
    #[inline]
    pub(crate) fn next(&mut self) -> Option<Call> {
        self.ready.pop_front()
    }

    /// Whether no call is held.
    #[inline]
    pub(crate) const fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// Takes the next call of the log, with its second where there is nothing finer; `follows` says that it is of the same line
    /// as the one before.
    pub(crate) fn push(&mut self, call: Call, second: Option<u64>, follows: bool) {
        let Some(second) = second else {
            // The seconds before were exact by chance.
            self.ready.extend(self.held.drain(..).map(|(call, _)| call));
            self.ready.push_back(call);
            return;
        };
        if second != self.second || self.held.len() >= MOST && !follows {
            self.spread();
        }
        self.second = second;
        self.held.push((call, follows));
    }

    /// Makes those that are held ready.
    pub(crate) fn spread(&mut self) {
        let lines = self.held.iter().filter(|(_, follows)| !follows).count() as u64;
        let mut line = 0;
        for (call, follows) in self.held.drain(..) {
            line += u64::from(!follows);
            let later = SECOND * (line.max(1) - 1) / lines.max(1);
            self.ready.push_back(Call {
                start: call.start.saturating_add(later),
                end: call.end.saturating_add(later),
                ..call
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::Fate;

    const HALF: u64 = SECOND / 2;

    /// What becomes of calls that take half a second, each with whether its log is still one of whole seconds.
    fn ends(calls: &[(u64, bool)]) -> Vec<u64> {
        let mut seconds = Seconds::default();
        let mut ends = vec![];
        for (end, is_whole) in calls {
            let call = Call {
                start: end - HALF,
                end: *end,
                service: 0,
                client: 0,
                fate: Fate::Success,
                is_timed: true,
            };
            seconds.push(call, is_whole.then_some(*end), false);
            ends.extend(std::iter::from_fn(|| seconds.next()));
        }
        seconds.spread();
        ends.extend(std::iter::from_fn(|| seconds.next()));
        assert!(ends.iter().all(|call| call.end - call.start == HALF));
        ends.into_iter().map(|call| call.end).collect()
    }

    #[test]
    fn the_calls_of_a_second_are_spread_over_it_evenly() {
        let calls = [5, 5, 5, 5, 6, 8, 8].map(|second| (second * SECOND, true));
        let wanted = [20, 21, 22, 23, 24, 32, 34].map(|quarter| quarter * SECOND / 4);
        assert_eq!(ends(&calls), wanted);
    }

    #[test]
    fn the_calls_of_one_line_stay_together() {
        let mut seconds = Seconds::default();
        for (place, follows) in [false, true, false, true].into_iter().enumerate() {
            let call = Call {
                start: 0,
                end: place as u64,
                service: 0,
                client: 0,
                fate: Fate::Success,
                is_timed: true,
            };
            seconds.push(call, Some(0), follows);
        }
        seconds.spread();
        let ends: Vec<_> = std::iter::from_fn(|| seconds.next())
            .map(|call| call.end)
            .collect();
        assert_eq!(ends, [0, 1, HALF + 2, HALF + 3]);
    }

    #[test]
    fn where_times_have_fractions_a_whole_second_is_one() {
        let calls = [
            (5 * SECOND, true),
            (5 * SECOND, true),
            (5 * SECOND + 1, false),
            (6 * SECOND, false),
        ];
        assert_eq!(ends(&calls), calls.map(|(end, _)| end));
    }

    #[test]
    fn a_second_with_more_calls_than_are_held_is_spread_in_parts() {
        let calls = vec![(5 * SECOND, true); MOST + 2];
        let ends = ends(&calls);
        assert_eq!(ends.len(), MOST + 2);
        assert_eq!(ends[MOST / 2], 5 * SECOND + HALF);
        assert_eq!(ends[MOST..], [5 * SECOND, 5 * SECOND + HALF]);
    }
}
