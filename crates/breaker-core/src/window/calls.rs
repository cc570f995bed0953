//! The window of the last so many calls: a ring of two bits a call.

use alloc::{boxed::Box, vec};

use super::totals::{Call, Totals};

/// The last `size` calls.
#[derive(Clone, Debug)]
pub(crate) struct CallWindow {
    size: u32,
    /// Where the next call goes.
    place: u32,
    totals: Totals,
    /// Two bits a call: it failed, and it was slow. Those of places that no call has taken yet mean nothing.
    bits: Box<[u64]>,
}

impl CallWindow {
    pub(crate) fn new(size: u32) -> Self {
        Self {
            size,
            place: 0,
            totals: Totals::default(),
            bits: vec![0; size.div_ceil(CALLS_A_WORD) as usize].into_boxed_slice(),
        }
    }

    /// Counts a call in place of the oldest one, once the window is full.
    #[inline]
    pub(crate) fn record(&mut self, call: Call) {
        if self.totals.calls == self.size {
            let oldest = self.at(self.place);
            self.totals.failures -= u32::from(oldest.failed);
            self.totals.slow -= u32::from(oldest.slow);
        } else {
            self.totals.calls += 1;
        }
        self.totals.failures += u32::from(call.failed);
        self.totals.slow += u32::from(call.slow);
        self.put(self.place, call);
        self.place = match self.place + 1 {
            end if end == self.size => 0,
            next => next,
        };
    }

    pub(crate) const fn clear(&mut self) {
        self.place = 0;
        self.totals = Totals {
            calls: 0,
            failures: 0,
            slow: 0,
        };
    }

    pub(crate) const fn totals(&self) -> Totals {
        self.totals
    }

    /// Whether it is full of good calls, so that one more changes nothing.
    pub(crate) const fn is_clean(&self) -> bool {
        let Totals {
            calls,
            failures,
            slow,
        } = self.totals;
        calls == self.size && failures == 0 && slow == 0
    }

    /// A window of another size with the last of these calls. Which of them were slow is kept only where somebody asks.
    pub(crate) fn resized(self, size: u32, keeps_slow: bool) -> Self {
        if size == self.size && (keeps_slow || self.totals.slow == 0) {
            return self;
        }
        let mut resized = Self::new(size);
        for back in (1..=self.totals.calls.min(size)).rev() {
            let call = self.at((self.place + self.size - back) % self.size);
            resized.record(Call {
                slow: call.slow && keeps_slow,
                ..call
            });
        }
        resized
    }

    const fn at(&self, place: u32) -> Call {
        let bits = self.bits[(place / CALLS_A_WORD) as usize] >> shift(place);
        Call {
            failed: bits & 1 != 0,
            slow: bits & 2 != 0,
        }
    }

    fn put(&mut self, place: u32, call: Call) {
        let bits = u64::from(call.failed) | u64::from(call.slow) << 1;
        let word = &mut self.bits[(place / CALLS_A_WORD) as usize];
        *word = *word & !(0b11 << shift(place)) | bits << shift(place);
    }
}

const CALLS_A_WORD: u32 = 32;

/// Where in its word a call has its bits.
const fn shift(place: u32) -> u32 {
    place % CALLS_A_WORD * 2
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::{collections::VecDeque, vec::Vec};

    use proptest::prelude::*;

    use super::*;

    fn totals(calls: &VecDeque<Call>) -> Totals {
        let count = |is: fn(&&Call) -> bool| calls.iter().filter(is).count() as u32;
        Totals {
            calls: calls.len() as u32,
            failures: count(|call| call.failed),
            slow: count(|call| call.slow),
        }
    }

    fn last(calls: &mut VecDeque<Call>, size: u32) {
        calls.drain(..calls.len().saturating_sub(size as usize));
    }

    proptest! {
        #[test]
        fn it_holds_the_last_calls_whatever_its_size_and_after_it_was_cleared_or_resized(
            size in 1..100u32,
            calls: Vec<(bool, bool)>,
            (cleared_at, resized_at, resized) in (0..60usize, 0..60usize, 1..100u32),
            keeps_slow: bool,
        ) {
            let (mut size, mut window) = (size, CallWindow::new(size));
            let mut held = VecDeque::new();
            for (number, (failed, slow)) in calls.into_iter().enumerate() {
                if number == cleared_at {
                    window.clear();
                    held.clear();
                }
                if number == resized_at {
                    (size, window) = (resized, window.resized(resized, keeps_slow));
                    last(&mut held, size);
                    held.iter_mut().for_each(|call| call.slow &= keeps_slow);
                }
                window.record(Call { failed, slow });
                held.push_back(Call { failed, slow });
                last(&mut held, size);
                let totals = totals(&held);
                prop_assert_eq!(window.totals(), totals);
                let is_clean = totals.calls == size && totals.failures + totals.slow == 0;
                prop_assert_eq!(window.is_clean(), is_clean);
            }
        }
    }
}
