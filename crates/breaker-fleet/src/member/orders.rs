//! The orders in the store, and which of them this process has done.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use crate::order::Kept;

/// More are not read, and not given.
pub(crate) const MOST: usize = 1024;
/// So many orders that are in force no longer are known, the last ones: a store that falls back to an older state has them again.
const PAST: usize = 4 * MOST;

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
    /// Orders that were known before, done or not: they are not done any more.
    past: Past,
    /// The ids of all orders that were in the store when it was read.
    pub(crate) ids: Vec<String>,
    /// The fields of orders that are over, which the store may forget.
    pub(crate) over: Vec<String>,
}

/// Names, of which the first ones are forgotten.
#[derive(Debug, Default)]
struct Past {
    all: BTreeSet<String>,
    in_turn: VecDeque<String>,
}

impl Past {
    fn add(&mut self, id: &str) {
        if self.all.insert(id.to_owned()) {
            self.in_turn.push_back(id.to_owned());
        }
        if self.in_turn.len() > PAST
            && let Some(first) = self.in_turn.pop_front()
        {
            self.all.remove(&first);
        }
    }
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
        let mut last: BTreeMap<String, Kept> = BTreeMap::new();
        self.ids.clear();
        for (field, text) in fields.iter().take(MOST) {
            let Some((target, kept)) = Kept::read(field, text) else {
                ignored += 1;
                continue;
            };
            self.ids.push(kept.id.clone());
            let is_later = |one: &Kept| kept.place() > one.place();
            if last.get(&target).is_none_or(is_later) {
                last.insert(target, kept);
            }
        }
        let targets: BTreeSet<String> = last.keys().cloned().collect();
        for (target, kept) in last {
            let is_ours = kept.order.of_zone().is_none_or(|of| of == zone);
            let before = self.known.get(&target);
            let is_same = before.is_some_and(|known| known.kept.id == kept.id);
            if !is_ours || is_same || self.past.all.contains(&kept.id) {
                continue;
            }
            if self.known.len() >= MOST && before.is_none() {
                self.make_room(&targets);
            }
            if self.known.len() >= MOST && !self.known.contains_key(&target) {
                ignored += 1;
                continue;
            }
            let course = match kept.order.span() {
                Some(_) => Course::Unasked,
                None => Course::Due { ends: None },
            };
            let before = self.known.remove(&target);
            if let Some(before) = &before {
                self.past.add(&before.kept.id);
            }
            let before = before.and_then(Known::in_force);
            let known = Known {
                kept,
                course,
                before,
            };
            self.known.insert(target, known);
        }
        ignored
    }

    /// Forgets what the store has forgotten, but for what is still to end.
    fn make_room(&mut self, there: &BTreeSet<String>) {
        let past = &mut self.past;
        self.known.retain(|target, known| {
            let is_to_end = matches!(known.course, Course::Done { ends: Some(_) });
            let is_kept = is_to_end || there.contains(target);
            if !is_kept {
                past.add(&known.kept.id);
            }
            is_kept
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
        for (target, known) in &mut self.known {
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
                    self.over.push(known.kept.field(target));
                }
            }
        }
    }

    /// What is to be done now, the earliest first, each with its end.
    pub(crate) fn due(&mut self, now: Duration) -> Vec<(Kept, Option<Duration>)> {
        let mut due = Vec::new();
        for (target, known) in &mut self.known {
            if let Course::Due { ends } = known.course {
                if ends.is_some_and(|ends| ends <= now) {
                    known.course = Course::Over;
                    self.left_behind.extend(known.before.take());
                    self.over.push(known.kept.field(target));
                } else {
                    due.push((known.kept.clone(), ends));
                }
            }
        }
        due.sort_by(|(one, _), (other, _)| one.place().cmp(&other.place()));
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
        for (target, known) in &mut self.known {
            let Course::Done { ends: Some(ends) } = known.course else {
                continue;
            };
            if ends <= now {
                known.course = Course::Over;
                ended.push(known.kept.clone());
                self.over.push(known.kept.field(target));
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
        let kept = Kept { id, number, order };
        (kept.field(&target), kept.write().unwrap())
    }

    fn ids(kept: &[Kept]) -> Vec<&str> {
        kept.iter().map(|kept| &*kept.id).collect()
    }

    fn due(orders: &mut Orders, now: Duration) -> Vec<String> {
        let due = orders.due(now);
        due.into_iter().map(|(kept, _)| kept.id).collect()
    }

    #[test]
    fn an_order_is_done_once_and_a_missing_one_changes_nothing() {
        let mut orders = Orders::default();
        assert!(orders.is_news(None));
        let one = [field("1", 1, Order::isolate("c"))];
        orders.read(Some("1"), "z", &one);
        assert!(!orders.is_news(Some("1")) && !orders.is_news(None) && orders.is_news(Some("2")));
        assert_eq!(due(&mut orders, SECOND), ["1"]);
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
        assert_eq!(due(&mut orders, SECOND), ["b", "c"]);
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
        assert_eq!(due(&mut orders, SECOND), ["1", "3"]);
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
            assert_eq!(due(&mut orders, SECOND), ["1"]);
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
    fn an_order_is_not_done_again_where_the_store_falls_back_to_an_older_state() {
        let mut orders = Orders::default();
        let one = [field("1", 1, Order::isolate("c"))];
        let two = [field("2", 2, Order::reset("c"))];
        for (stamp, fields, expected) in [
            ("1", &one, vec!["1"]),
            ("2", &two, vec!["2"]),
            ("1", &one, vec![]),
            ("2", &two, vec![]),
        ] {
            orders.forget();
            orders.read(Some(stamp), "z", fields);
            assert_eq!(due(&mut orders, SECOND), expected);
            orders.done("1");
            orders.done("2");
        }
        // Not even one that could not be done then.
        let late = [field("3", 3, Order::isolate("d"))];
        orders.read(Some("3"), "z", &late);
        orders.read(Some("4"), "z", &[field("4", 4, Order::reset("d"))]);
        orders.done("4");
        orders.read(Some("3"), "z", &late);
        assert!(orders.due(SECOND).is_empty());
    }

    #[test]
    fn of_two_orders_for_the_same_the_later_one_is_done() {
        let mut orders = Orders::default();
        let two = [
            field("b", 2, Order::isolate("c")),
            field("a", 1, Order::reset("c")),
        ];
        assert_eq!(orders.read(None, "z", &two), 0);
        assert_eq!(due(&mut orders, SECOND), ["b"]);
    }

    #[test]
    fn what_is_over_may_be_forgotten_by_the_store() {
        let mut orders = Orders::default();
        let span = |id, circuit| field(id, 1, Order::isolate(circuit).lasts(SECOND * 9));
        orders.read(None, "z", &[span("1", "a"), span("2", "b"), span("3", "c")]);
        orders.left("1", SECOND, Some(SECOND * 2));
        orders.left("2", SECOND, None);
        orders.left("3", SECOND, Some(SECOND));
        orders.done("1");
        assert!(due(&mut orders, SECOND * 2).is_empty());
        assert_eq!(orders.over, ["*:b:2", "*:c:3"]);
        assert_eq!(ids(&orders.ended(SECOND * 3)), ["1"]);
        assert_eq!(orders.over, ["*:b:2", "*:c:3", "*:a:1"]);
    }

    #[test]
    fn garbage_is_counted_and_nothing_is_kept_without_bound() {
        let mut orders = Orders::default();
        let garbage = ("x".to_owned(), "{".to_owned());
        assert_eq!(orders.read(None, "z", &[garbage]), 1);
        for round in 0..3 {
            let fields: Vec<_> = (0..MOST)
                .map(|n| {
                    field(
                        &format!("{round}-{n}"),
                        1,
                        Order::isolate(format!("{round}-{n}")),
                    )
                })
                .collect();
            orders.read(None, "z", &fields);
        }
        assert_eq!(orders.known.len(), MOST);
        assert!(orders.known.keys().all(|target| target.starts_with("*:2-")));
        for round in 3..9 {
            let one = |n| {
                field(
                    &format!("{round}-{n}"),
                    round,
                    Order::reset(format!("2-{n}")),
                )
            };
            let fields: Vec<_> = (0..MOST).map(one).collect();
            orders.read(None, "z", &fields);
        }
        let past = (orders.past.all.len(), orders.past.in_turn.len());
        assert_eq!((past, orders.ids.len()), ((PAST, PAST), MOST));
    }
}
