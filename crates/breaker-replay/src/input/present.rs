//! Times that cannot be: a line of 1970 among those of a day. They are set aside, and the bulk of the calls is the log.

use super::call::Call;

/// Nanoseconds that are far from the present: thirty days.
pub(crate) const FAR: u64 = 30 * 86400 * 1_000_000_000;
/// So many calls tell what the present is.
const HELD: usize = 64;
/// So many calls that are far from the present, one after the other, make another present.
const RUN: usize = 16;

/// Keeps calls whose times are far from those of the calls around them.
#[derive(Default)]
pub(crate) struct Present {
    now: Option<u64>,
    held: Vec<Call>,
    run: Vec<Call>,
    given: usize,
    /// Calls that were set aside, and when the first of them was.
    pub(crate) aside: u64,
    pub(crate) first: Option<u64>,
}

impl Present {
    /// Takes the next call, and gives those away that are of the present.
    #[inline]
    pub(crate) fn push(&mut self, call: Call, mut give: impl FnMut(Call)) {
        match self.now {
            Some(now) if call.end.abs_diff(now) < FAR => {
                if !self.run.is_empty() {
                    self.drop_run();
                }
                self.now = Some(call.end);
                self.given += 1;
                give(call);
            }
            Some(_) => {
                self.run.push(call);
                if self.run.len() == RUN {
                    self.accept_run(&mut give);
                }
            }
            None => {
                self.held.push(call);
                if self.held.len() == HELD {
                    self.settle(&mut give);
                }
            }
        }
    }

    /// There are no more calls.
    pub(crate) fn finish(&mut self, mut give: impl FnMut(Call)) {
        if self.now.is_none() {
            self.settle(&mut give);
        }
        if self.run.len() * 100 > self.given {
            self.accept_run(&mut give);
        } else {
            self.drop_run();
        }
    }

    fn settle(&mut self, give: &mut impl FnMut(Call)) {
        let mut ends: Vec<_> = self.held.iter().map(|call| call.end).collect();
        ends.sort_unstable();
        let Some(middle) = ends.get(ends.len() / 2).copied() else {
            return;
        };
        let is_near = |call: &Call| call.end.abs_diff(middle) < FAR;
        let near = self.held.iter().filter(|call| is_near(call)).count();
        let has_bulk = near >= 10 && near * 10 >= self.held.len() * 9;
        for call in std::mem::take(&mut self.held) {
            if has_bulk && !is_near(&call) {
                self.run.push(call);
                self.drop_run();
            } else {
                self.now = Some(call.end);
                self.given += 1;
                give(call);
            }
        }
    }

    fn drop_run(&mut self) {
        if let Some(call) = self.run.first() {
            self.first.get_or_insert(call.end);
        }
        self.aside += self.run.len() as u64;
        self.run.clear();
    }

    fn accept_run(&mut self, give: &mut impl FnMut(Call)) {
        for call in self.run.drain(..) {
            self.now = Some(call.end);
            self.given += 1;
            give(call);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::Fate;

    const DAY: u64 = 86400 * 1_000_000_000;

    /// The days of those that are given, and how many are set aside.
    fn given(days: &[u64]) -> (Vec<u64>, u64) {
        let mut present = Present::default();
        let mut all = vec![];
        for day in days {
            let call = Call {
                start: day * DAY,
                end: day * DAY,
                service: 0,
                client: 0,
                fate: Fate::Success,
                is_timed: false,
            };
            present.push(call, |call| all.push(call.end / DAY));
        }
        present.finish(|call| all.push(call.end / DAY));
        (all, present.aside)
    }

    #[test]
    fn a_call_of_another_age_is_set_aside_wherever_it_stands() {
        for place in [0, 1, 30, 199, 200] {
            let mut days: Vec<_> = (0..200).map(|at| 20_000 + at / 100).collect();
            let wanted = days.clone();
            days.insert(place, 0);
            assert_eq!(given(&days), (wanted, 1), "{place}");
        }
    }

    #[test]
    fn a_log_that_goes_on_after_a_long_gap_is_kept_whole() {
        let days: Vec<_> = (0..200)
            .map(|at| if at < 100 { 20_000 } else { 20_100 })
            .collect();
        assert_eq!(given(&days), (days.clone(), 0));
        let few: Vec<_> = (0..210)
            .map(|at| if at < 200 { 20_000 } else { 20_100 })
            .collect();
        assert_eq!(given(&few), (few.clone(), 0));
    }

    #[test]
    fn a_log_of_a_call_now_and_then_has_no_bulk_and_is_kept_whole() {
        for count in [3, 9, 100] {
            let days: Vec<_> = (0..count).map(|at| 10_000 + at * 40).collect();
            assert_eq!(given(&days), (days.clone(), 0));
        }
    }
}
