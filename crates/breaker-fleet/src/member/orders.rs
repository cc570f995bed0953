//! The orders in the store, and which of them this process has done.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use crate::order::Kept;

/// More are not read.
pub(crate) const MOST: usize = 1024;

/// What this process knows of orders.
#[derive(Debug, Default)]
pub(crate) struct Orders {
    /// The stamp with the last order that was read.
    stamp: Option<String>,
    /// Whether the orders were read since the store was reached.
    is_read: bool,
    /// What stands in the store, by target.
    known: BTreeMap<String, Known>,
    /// Those whose place was taken by orders that were over before they were done.
    left_behind: Vec<Kept>,
}

#[derive(Debug)]
struct Known {
    kept: Kept,
    course: Course,
    /// The order in force, of which this one takes the place once it is done.
    before: Option<Kept>,
}

/// How far an order is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Course {
    /// It is not known how long it goes on.
    Unasked,
    /// It is to be done, as soon as there is the circuit; it ends then.
    Due {
        ends: Option<Duration>,
    },
    /// It is done, and ends then.
    Done {
        ends: Option<Duration>,
    },
    Over,
}

impl Orders {
    /// Whether they are to be read. A stamp that is missing says nothing.
    pub(crate) fn is_news(&self, stamp: Option<&str>) -> bool {
        !self.is_read || stamp.is_some_and(|stamp| self.stamp.as_deref() != Some(stamp))
    }

    /// The store is another one, maybe: they are read once more. What was done stays done.
    pub(crate) fn forget(&mut self) {
        self.is_read = false;
    }

    /// Takes what was read; says how many fields meant nothing. Orders that are missing now go on as they are.
    pub(crate) fn read(
        &mut self,
        stamp: Option<&str>,
        zone: &str,
        fields: &[(String, String)],
    ) -> u64 {
        self.is_read = true;
        self.stamp = stamp.map(str::to_owned).or_else(|| self.stamp.take());
        let mut ignored = 0;
        for (target, text) in fields.iter().take(MOST) {
            let Some(kept) = Kept::read(target, text) else {
                ignored += 1;
                continue;
            };
            let is_ours = kept.order.of_zone().is_none_or(|of| of == zone);
            let before = self.known.get(target);
            // One that was done and is put off by an earlier one is done once more; the same one never is.
            let is_old = before.is_some_and(|known| known.kept.id == kept.id);
            if !is_ours || is_old {
                continue;
            }
            if self.known.len() >= MOST && before.is_none() {
                self.make_room(fields);
            }
            if self.known.len() >= MOST && !self.known.contains_key(target) {
                ignored += 1;
                continue;
            }
            let course = match kept.order.span() {
                Some(_) => Course::Unasked,
                None => Course::Due { ends: None },
            };
            let before = self.known.remove(target).and_then(Known::in_force);
            let known = Known {
                kept,
                course,
                before,
            };
            self.known.insert(target.clone(), known);
        }
        ignored
    }

    /// Forgets what the store has forgotten, but for what is still to end.
    fn make_room(&mut self, fields: &[(String, String)]) {
        let there: BTreeSet<&str> = fields.iter().map(|(target, _)| &**target).collect();
        self.known.retain(|target, known| {
            let is_to_end = matches!(known.course, Course::Done { ends: Some(_) });
            is_to_end || there.contains(&**target)
        });
    }

    /// Those of which it is not known how long they go on.
    pub(crate) fn unasked(&self) -> impl Iterator<Item = &str> {
        let unasked = self.known.values();
        let unasked = unasked.filter(|known| known.course == Course::Unasked);
        unasked.map(|known| &*known.kept.id)
    }

    /// This one goes on for so long.
    pub(crate) fn left(&mut self, id: &str, now: Duration, left: Option<Duration>) {
        for known in self.known.values_mut() {
            if known.kept.id == id && known.course == Course::Unasked {
                // Nobody's clock: not longer than the order itself says.
                let span = known.kept.order.span().unwrap_or_default();
                known.course = match left {
                    Some(left) => Course::Due {
                        ends: Some(now.saturating_add(left.min(span))),
                    },
                    None => Course::Over,
                };
                if known.course == Course::Over {
                    self.left_behind.extend(known.before.take());
                }
            }
        }
    }

    /// What is to be done now, the earliest first.
    pub(crate) fn due(&mut self, now: Duration) -> Vec<Kept> {
        let mut due = Vec::new();
        for known in self.known.values_mut() {
            if let Course::Due { ends } = known.course {
                if ends.is_some_and(|ends| ends <= now) {
                    known.course = Course::Over;
                    self.left_behind.extend(known.before.take());
                } else {
                    due.push(known.kept.clone());
                }
            }
        }
        due.sort_by(|one, other| (one.number, &one.id).cmp(&(other.number, &other.id)));
        due
    }

    /// It is done.
    pub(crate) fn done(&mut self, id: &str) {
        for known in self.known.values_mut() {
            if let (true, Course::Due { ends }) = (known.kept.id == id, known.course) {
                known.course = Course::Done { ends };
                known.before = None;
            }
        }
    }

    /// Those whose time is over now. Each is said once.
    pub(crate) fn ended(&mut self, now: Duration) -> Vec<Kept> {
        let mut ended = std::mem::take(&mut self.left_behind);
        for known in self.known.values_mut() {
            let Course::Done { ends: Some(ends) } = known.course else {
                continue;
            };
            if ends <= now {
                known.course = Course::Over;
                ended.push(known.kept.clone());
            }
        }
        ended
    }

    /// Those that are done and go on.
    pub(crate) fn in_force(&self) -> impl Iterator<Item = &Kept> {
        let done = |known: &&Known| matches!(known.course, Course::Done { .. });
        self.known.values().filter(done).map(|known| &known.kept)
    }
}

impl Known {
    /// The order of this target that is done and goes on.
    fn in_force(self) -> Option<Kept> {
        match self.course {
            Course::Done { .. } => Some(self.kept),
            Course::Unasked | Course::Due { .. } | Course::Over => self.before,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::order::Order;

    const SECOND: Duration = Duration::from_secs(1);

    fn field(id: &str, number: u64, order: Order) -> (String, String) {
        let target = order.target().unwrap();
        let id = id.to_owned();
        (target, Kept { id, number, order }.write().unwrap())
    }

    fn ids(kept: &[Kept]) -> Vec<&str> {
        kept.iter().map(|kept| &*kept.id).collect()
    }

    #[test]
    fn an_order_is_done_once_and_a_missing_one_changes_nothing() {
        let mut orders = Orders::default();
        assert!(orders.is_news(None));
        let one = [field("1", 1, Order::isolate("c"))];
        orders.read(Some("1"), "z", &one);
        assert!(!orders.is_news(Some("1")) && !orders.is_news(None) && orders.is_news(Some("2")));
        assert_eq!(ids(&orders.due(SECOND)), ["1"]);
        orders.done("1");
        assert!(orders.due(SECOND).is_empty());
        orders.forget();
        assert!(orders.is_news(Some("1")));
        orders.read(Some("1"), "z", &[]);
        orders.read(Some("1"), "z", &one);
        assert!(orders.due(SECOND).is_empty());
        assert_eq!(orders.in_force().count(), 1);
    }

    #[test]
    fn who_comes_late_does_the_orders_in_their_order_and_those_of_its_zone_only() {
        let mut orders = Orders::default();
        let all = [
            field("c", 3, Order::reset("c").zone("z")),
            field("b", 2, Order::isolate("c")),
            field("d", 4, Order::isolate("c").zone("other")),
        ];
        assert_eq!(orders.read(None, "z", &all), 0);
        assert_eq!(ids(&orders.due(SECOND)), ["b", "c"]);
    }

    #[test]
    fn an_order_ends_after_what_is_left_of_it_and_one_that_is_over_is_not_done() {
        let mut orders = Orders::default();
        let span = |id, circuit| field(id, 1, Order::isolate(circuit).lasts(SECOND * 9));
        orders.read(None, "z", &[span("1", "a"), span("2", "b"), span("3", "c")]);
        assert_eq!(orders.unasked().count(), 3);
        assert!(orders.due(SECOND).is_empty());
        orders.left("1", SECOND, Some(SECOND * 2));
        orders.left("2", SECOND, None);
        orders.left("3", SECOND, Some(Duration::MAX));
        assert_eq!(ids(&orders.due(SECOND)), ["1", "3"]);
        orders.done("1");
        orders.done("3");
        assert!(orders.ended(SECOND * 2).is_empty());
        assert_eq!(ids(&orders.ended(SECOND * 3)), ["1"]);
        assert_eq!(ids(&orders.ended(SECOND * 9)), [""; 0]);
        assert_eq!(ids(&orders.ended(SECOND * 10)), ["3"]);
        assert!(orders.ended(SECOND * 99).is_empty());
    }

    #[test]
    fn an_order_ends_whose_place_was_taken_by_one_that_is_over_before_it_is_done() {
        let span = |id, number| field(id, number, Order::isolate("c").lasts(SECOND * 9));
        for is_read_in_time in [false, true] {
            let mut orders = Orders::default();
            orders.read(Some("1"), "z", &[span("1", 1)]);
            orders.left("1", SECOND, Some(SECOND * 9));
            assert_eq!(ids(&orders.due(SECOND)), ["1"]);
            orders.done("1");
            orders.read(Some("2"), "z", &[span("2", 2)]);
            if is_read_in_time {
                orders.left("2", SECOND * 2, Some(SECOND));
                assert!(orders.due(SECOND * 3).is_empty());
            } else {
                orders.left("2", SECOND * 2, None);
            }
            assert_eq!(ids(&orders.ended(SECOND * 3)), ["1"]);
            assert!(orders.ended(SECOND * 99).is_empty());
        }
        let mut orders = Orders::default();
        orders.read(Some("1"), "z", &[span("1", 1)]);
        orders.left("1", SECOND, Some(SECOND * 9));
        orders.done("1");
        orders.read(Some("2"), "z", &[span("2", 2)]);
        orders.left("2", SECOND, Some(SECOND * 5));
        orders.done("2");
        assert_eq!(ids(&orders.ended(SECOND * 20)), ["2"]);
    }

    #[test]
    fn garbage_is_counted_and_nothing_is_kept_without_bound() {
        let mut orders = Orders::default();
        let garbage = ("x".to_owned(), "{".to_owned());
        assert_eq!(orders.read(None, "z", &[garbage]), 1);
        for round in 0..3 {
            let fields: Vec<_> = (0..MOST)
                .map(|n| field("1", 1, Order::isolate(format!("{round}-{n}"))))
                .collect();
            orders.read(None, "z", &fields);
        }
        assert_eq!(orders.known.len(), MOST);
        assert!(orders.known.keys().all(|target| target.starts_with("*:2-")));
    }
}
