//! The window of the calls of the last while: a ring of buckets on a fixed grid of time.

use alloc::{boxed::Box, vec};
use core::time::Duration;

use super::totals::{Call, Totals};
use crate::time::{Timestamp, nanos};

/// How time is cut into buckets. They are numbered from the origin of the clock on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Grid {
    buckets: u32,
    /// In nanoseconds.
    width: u64,
}

impl Grid {
    /// Of as many buckets as a window of this time has.
    pub(crate) fn new(time: Duration, buckets: u32) -> Self {
        Self {
            buckets,
            width: (nanos(time) / u64::from(buckets)).max(1),
        }
    }

    /// The number of the bucket of this moment.
    const fn number(self, now: Timestamp) -> u64 {
        now.as_nanos() / self.width
    }

    /// The oldest bucket that counts where this one is the newest.
    const fn oldest(self, newest: u64) -> u64 {
        (newest + 1).saturating_sub(self.buckets as u64)
    }

    /// Where in the ring a bucket lies.
    const fn place(self, number: u64) -> usize {
        (number % self.buckets as u64) as usize
    }
}

/// The calls of the last buckets.
#[derive(Clone, Debug)]
pub(crate) struct TimeWindow {
    grid: Grid,
    /// The number of the newest bucket.
    newest: u64,
    /// When that begins, in nanoseconds, and where it lies: most calls are its, and divide nothing.
    begins: u64,
    place: usize,
    /// The calls in the window whose newest bucket that is.
    held: Totals,
    buckets: Box<[Totals]>,
}

impl TimeWindow {
    pub(crate) fn new(grid: Grid) -> Self {
        Self {
            grid,
            newest: 0,
            begins: 0,
            place: 0,
            held: Totals::default(),
            buckets: vec![Totals::default(); grid.buckets as usize].into_boxed_slice(),
        }
    }

    /// Counts a call; the calls in the window then. One that comes from before the window counts nowhere.
    #[inline]
    pub(crate) fn record(&mut self, call: Call, now: Timestamp) -> Totals {
        let one = Totals {
            calls: 1,
            failures: call.failed.into(),
            slow: call.slow.into(),
        };
        if now.as_nanos().wrapping_sub(self.begins) < self.grid.width {
            self.put(self.place, one);
        } else {
            let number = self.grid.number(now);
            self.advance(number);
            self.add(number, one);
        }
        self.held
    }

    pub(crate) fn clear(&mut self) {
        (self.newest, self.begins, self.place) = (0, 0, 0);
        self.held = Totals::default();
        self.buckets.fill(Totals::default());
    }

    pub(crate) fn totals(&self, now: Timestamp) -> Totals {
        let newest = self.grid.number(now).max(self.newest);
        let held = self.grid.oldest(newest)..=self.newest;
        held.map(|number| self.buckets[self.grid.place(number)])
            .fold(Totals::default(), Totals::plus)
    }

    /// A window on another grid with the calls of this one, each as old as its bucket.
    pub(crate) fn moved(self, grid: Grid, now: Timestamp) -> Self {
        if grid == self.grid {
            return self;
        }
        let mut moved = Self::new(grid);
        moved.advance(grid.number(now));
        let of_now = self.grid.number(now);
        let oldest = self.grid.oldest(of_now.max(self.newest));
        for number in oldest..=of_now.min(self.newest) {
            let begin = Timestamp::from_nanos(number.saturating_mul(self.grid.width));
            moved.add(grid.number(begin), self.buckets[self.grid.place(number)]);
        }
        moved
    }

    /// Makes this bucket the newest, unless it is older, and empties those that have no place any more.
    fn advance(&mut self, number: u64) {
        if number <= self.newest {
            return;
        }
        for empty in self.grid.oldest(number).max(self.newest + 1)..=number {
            let bucket = &mut self.buckets[self.grid.place(empty)];
            self.held = self.held.minus(*bucket);
            *bucket = Totals::default();
        }
        self.newest = number;
        self.begins = number.saturating_mul(self.grid.width);
        self.place = self.grid.place(number);
    }

    fn add(&mut self, number: u64, calls: Totals) {
        if number >= self.grid.oldest(self.newest) {
            self.put(self.grid.place(number), calls);
        }
    }

    #[inline]
    fn put(&mut self, place: usize, calls: Totals) {
        self.buckets[place] = self.buckets[place].plus(calls);
        self.held = self.held.plus(calls);
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Time may go back: what comes from before the window counts nowhere, and nothing else is lost.
        #[test]
        fn it_holds_the_calls_of_the_last_buckets(
            (buckets, width) in (1..=6u32, 1..5u64),
            calls in prop::collection::vec((0..100u64, any::<bool>(), any::<bool>()), 0..60),
            now in 0..120u64,
        ) {
            let grid = Grid { buckets, width };
            let mut window = TimeWindow::new(grid);
            let (mut newest, mut every) = (0, Vec::new());
            for (at, failed, slow) in calls {
                let number = at / width;
                newest = number.max(newest);
                if number + u64::from(buckets) > newest {
                    every.push((number, failed, slow));
                }
                let held = window.record(Call { failed, slow }, Timestamp::from_nanos(at));
                prop_assert_eq!(held, window.totals(Timestamp::ZERO));
                for at in [at, now] {
                    let newest = (at / width).max(newest);
                    let is_held = |&&(number, ..): &&(u64, bool, bool)| number + u64::from(buckets) > newest;
                    let count = |is: fn(&&(u64, bool, bool)) -> bool| {
                        every.iter().filter(is_held).filter(is).count() as u32
                    };
                    prop_assert_eq!(window.totals(Timestamp::from_nanos(at)), Totals {
                        calls: count(|_| true),
                        failures: count(|call| call.1),
                        slow: count(|call| call.2),
                    });
                }
            }
            window.clear();
            prop_assert_eq!(window.totals(Timestamp::from_nanos(now)), Totals::default());
        }
    }
}
