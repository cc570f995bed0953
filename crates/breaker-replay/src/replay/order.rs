//! Calls in the order of their starts.
//!
//! Most logs are written when a call is over, by several threads, and so are in no order at all. A window of calls is held in
//! order, and the first of them are given away as others come. Those that come are put in a batch at a time: most of them belong
//! near the end, so that little of what is held is touched.

use std::collections::VecDeque;

use crate::input::Call;

/// So many calls are put in at once.
const BATCH: usize = 1 << 10;

/// Puts calls in order, within a window.
pub(crate) struct Order {
    held: VecDeque<Call>,
    /// Those that came last, in the order in which they came.
    batch: Vec<Call>,
    window: usize,
    /// Where the calls that were given away end.
    frontier: u64,
    pub(crate) counts: Disorder,
}

/// What could not be put in order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Disorder {
    /// Calls that were over before the window: left out.
    pub(crate) late: u64,
    /// Calls that began before the window and ended in it: taken to begin with it.
    pub(crate) long: u64,
}

impl Order {
    /// Holds at most so many calls, and puts those in order that are half as many lines apart.
    pub(crate) fn new(window: usize) -> Self {
        let window = window.max(2);
        Self {
            held: VecDeque::new(),
            batch: vec![],
            window,
            frontier: 0,
            counts: Disorder::default(),
        }
    }

    /// Takes a call, and gives those away whose turn it is.
    #[inline]
    pub(crate) fn push(&mut self, call: Call, mut give: impl FnMut(Call)) {
        if call.end < self.frontier {
            self.counts.late += 1;
            return;
        }
        let is_long = call.start < self.frontier;
        self.counts.long += u64::from(is_long);
        let start = call.start.max(self.frontier);
        self.batch.push(Call { start, ..call });
        let batch = BATCH.min(self.window / 2);
        if self.batch.len() >= batch {
            self.put_in();
            self.give(self.window - batch, &mut give);
        }
    }

    /// Gives the rest away.
    pub(crate) fn finish(&mut self, mut give: impl FnMut(Call)) {
        self.put_in();
        self.give(0, &mut give);
    }

    /// Puts the batch where it belongs.
    fn put_in(&mut self) {
        // Stable, so that calls that begin together stay in the log's order.
        self.batch.sort_by_key(|call| call.start);
        let Some(first) = self.batch.first().map(|call| call.start) else {
            return;
        };
        let is_before = |call: &Call| call.start <= first;
        let end = self
            .held
            .iter()
            .rev()
            .take_while(|call| !is_before(call))
            .count();
        let mut later = self
            .held
            .split_off(self.held.len() - end)
            .into_iter()
            .peekable();
        for call in self.batch.drain(..) {
            while let Some(held) = later.next_if(|held| held.start <= call.start) {
                self.held.push_back(held);
            }
            self.held.push_back(call);
        }
        self.held.extend(later);
    }

    /// Gives the first ones away, but for so many.
    fn give(&mut self, kept: usize, give: &mut impl FnMut(Call)) {
        let count = self.held.len().saturating_sub(kept);
        for call in self.held.drain(..count) {
            self.frontier = call.start;
            give(call);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::input::Fate;

    fn call(start: u64, end: u64) -> Call {
        Call {
            start,
            end,
            service: 0,
            client: 0,
            fate: Fate::Success,
            is_timed: true,
        }
    }

    fn ordered(window: usize, calls: &[Call]) -> (Vec<Call>, Disorder) {
        let mut order = Order::new(window);
        let mut given = vec![];
        for call in calls {
            order.push(*call, |call| given.push(call));
        }
        order.finish(|call| given.push(call));
        (given, order.counts)
    }

    #[test]
    fn a_call_from_before_the_window_is_left_out_and_counted() {
        let calls = [call(10, 11), call(20, 21), call(5, 6), call(30, 31)];
        let (given, counts) = ordered(2, &calls);
        assert_eq!(given, [call(10, 11), call(20, 21), call(30, 31)]);
        assert_eq!(counts, Disorder { late: 1, long: 0 });
    }

    #[test]
    fn a_call_that_began_before_the_window_begins_with_it() {
        let calls = [call(10, 11), call(20, 21), call(5, 25)];
        let (given, counts) = ordered(2, &calls);
        assert_eq!(given, [call(10, 11), call(10, 25), call(20, 21)]);
        assert_eq!(counts, Disorder { late: 0, long: 1 });
    }

    #[test]
    fn one_line_from_the_far_future_holds_up_nobody() {
        let mut calls: Vec<_> = (0..100).map(|at| call(at, at)).collect();
        calls.insert(10, call(1 << 60, 1 << 60));
        let (given, counts) = ordered(8, &calls);
        assert_eq!(counts, Disorder::default());
        assert_eq!(given.len(), 101);
        assert_eq!(given.last(), Some(&call(1 << 60, 1 << 60)));
    }

    proptest! {
        #[test]
        fn within_half_the_window_everything_is_put_in_order(
            swaps in prop::collection::vec((0_usize..200, 0_usize..16), 0..100),
        ) {
            let mut calls: Vec<_> = (0..200).map(|at| call(at / 3, at / 3)).collect();
            let wanted = calls.clone();
            let mut moved = [false; 200];
            for (at, by) in swaps {
                let other = (at + by).min(199);
                if !moved[at] && !moved[other] && calls[at].start != calls[other].start {
                    (moved[at], moved[other]) = (true, true);
                    calls.swap(at, other);
                }
            }
            let (given, counts) = ordered(64, &calls);
            prop_assert_eq!(counts, Disorder::default());
            let starts = |calls: &[Call]| calls.iter().map(|call| call.start).collect::<Vec<_>>();
            prop_assert_eq!(starts(&given), starts(&wanted));
        }
    }
}
