//! Starts and ends in the order of time.

use std::{cmp::Reverse, collections::BinaryHeap};

use crate::input::{Call, Fate};

/// So many calls may be under way at one time.
const MOST: usize = 1 << 18;

/// A start or an end. Of those at the same time the ends come first, but for a call's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) at: u64,
    pub(crate) service: u32,
    pub(crate) client: u16,
    /// The place of the call among those under way; it is another's once the call is over.
    pub(crate) place: u32,
    pub(crate) what: What,
}

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Start,
    End {
        fate: Fate,
        took: u64,
        is_timed: bool,
    },
}

/// The calls that are under way.
#[derive(Default)]
pub(crate) struct Flight {
    /// When a call ends, how many started before it, and its place.
    ends: BinaryHeap<Reverse<(u64, u64, u32)>>,
    calls: Vec<Call>,
    vacant: Vec<u32>,
    started: u64,
    /// Calls that were taken to end as they began, because too many were under way.
    pub(crate) crowded: u64,
}

impl Flight {
    /// A call starts, once those have ended that end before.
    pub(crate) fn start(&mut self, call: Call, mut tell: impl FnMut(Event)) {
        self.end_until(call.start, &mut tell);
        let place = self.take_place(call);
        tell(Event {
            at: call.start,
            service: call.service,
            client: call.client,
            place,
            what: What::Start,
        });
        self.started += 1;
        if self.ends.len() < MOST {
            self.ends.push(Reverse((call.end, self.started, place)));
        } else {
            self.crowded += 1;
            self.end(call.start, place, &mut tell);
        }
    }

    /// The rest ends.
    pub(crate) fn finish(&mut self, mut tell: impl FnMut(Event)) {
        self.end_until(u64::MAX, &mut tell);
    }

    fn end_until(&mut self, now: u64, tell: &mut impl FnMut(Event)) {
        while let Some(Reverse((at, _, place))) = self.ends.peek().copied()
            && at <= now
        {
            self.ends.pop();
            self.end(at, place, tell);
        }
    }

    fn end(&mut self, at: u64, place: u32, tell: &mut impl FnMut(Event)) {
        let Call {
            start,
            end,
            service,
            client,
            fate,
            is_timed,
        } = self.calls[place as usize];
        self.vacant.push(place);
        let took = end - start;
        tell(Event {
            at,
            service,
            client,
            place,
            what: What::End {
                fate,
                took,
                is_timed,
            },
        });
    }

    fn take_place(&mut self, call: Call) -> u32 {
        if let Some(place) = self.vacant.pop() {
            self.calls[place as usize] = call;
            return place;
        }
        self.calls.push(call);
        // At most `MOST` and one more.
        self.calls.len() as u32 - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

    fn told(calls: &[Call]) -> Vec<(u64, u32, bool)> {
        let mut flight = Flight::default();
        let mut events = vec![];
        for call in calls {
            flight.start(*call, |event| events.push(event));
        }
        flight.finish(|event| events.push(event));
        events
            .iter()
            .map(|event| (event.at, event.place, event.what == What::Start))
            .collect()
    }

    #[test]
    fn at_the_same_time_ends_come_before_starts() {
        let calls = [call(1, 5), call(2, 5), call(5, 5), call(5, 6)];
        let wanted = [
            (1, 0, true),
            (2, 1, true),
            (5, 0, false),
            (5, 1, false),
            (5, 1, true),
            (5, 1, false),
            (5, 1, true),
            (6, 1, false),
        ];
        assert_eq!(told(&calls), wanted);
    }

    #[test]
    fn calls_that_never_end_are_bounded_and_counted() {
        let mut flight = Flight::default();
        let (mut starts, mut ends) = (0, 0);
        for at in 0..MOST as u64 + 1000 {
            flight.start(call(at, u64::MAX), |event| match event.what {
                What::Start => starts += 1,
                What::End { .. } => ends += 1,
            });
        }
        assert_eq!((starts, ends), (MOST + 1000, 1000));
        assert_eq!(flight.crowded, 1000);
        assert!(flight.calls.len() <= MOST + 1);
    }
}
