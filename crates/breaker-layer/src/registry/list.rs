//! What a registry holds: in the order in which it was added, and by name.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{
    circuit::Circuit,
    storage::{Listener, WeakCircuit},
};

/// So many entries are looked at when one is added, so that those of circuits that are gone do not pile up.
const LOOKED_AT: usize = 2;

/// The entries of a registry. Those of circuits that are gone are removed when they are met.
#[derive(Default)]
pub(super) struct List {
    by_number: BTreeMap<u64, Entry>,
    by_name: BTreeSet<(Arc<str>, u64)>,
    /// The number of the next entry.
    next: u64,
    /// The number from which on entries are looked at next.
    hand: u64,
}

/// A circuit or a table of them, by name.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) name: Arc<str>,
    pub(super) place: Place,
}

#[derive(Clone)]
pub(super) enum Place {
    One(WeakCircuit),
    #[cfg(feature = "keyed")]
    Table(Arc<dyn crate::keyed::AnyTable>),
}

impl List {
    /// Adds an entry, unless `most` are alive already; says whether it did.
    ///
    /// Only where there are as many entries as that are all of them looked at.
    pub(super) fn add(&mut self, entry: Entry, most: usize) -> bool {
        self.clean(LOOKED_AT);
        if self.by_number.len() >= most {
            self.clean(self.by_number.len());
        }
        let has_room = self.by_number.len() < most;
        if has_room {
            self.by_name.insert((entry.name.clone(), self.next));
            self.by_number.insert(self.next, entry);
            self.next += 1;
        }
        has_room
    }

    /// Of the living entries with this name that were added before number `before` the last one.
    pub(super) fn latest(&mut self, name: &Arc<str>, before: u64) -> Option<(u64, Place)> {
        loop {
            let named = (name.clone(), 0)..(name.clone(), before);
            let (_, number) = *self.by_name.range(named).next_back()?;
            let place = self.by_number.get(&number)?.place.clone();
            if !place.is_gone() {
                return Some((number, place));
            }
            self.remove(number);
        }
    }

    /// The first living entry from this number on.
    pub(super) fn first_from(&mut self, number: u64) -> Option<(u64, Entry)> {
        loop {
            let (&number, entry) = self.by_number.range(number..).next()?;
            if !entry.place.is_gone() {
                return Some((number, entry.clone()));
            }
            self.remove(number);
        }
    }

    /// The number of the next entry.
    pub(super) const fn next(&self) -> u64 {
        self.next
    }

    /// Looks at so many entries, each time at the next ones.
    fn clean(&mut self, many: usize) {
        for _ in 0..many {
            let mut entries = self.by_number.range(self.hand..);
            let Some((&number, entry)) = entries.next() else {
                self.hand = 0;
                continue;
            };
            self.hand = number + 1;
            if entry.place.is_gone() {
                self.remove(number);
            }
        }
    }

    fn remove(&mut self, number: u64) {
        if let Some(entry) = self.by_number.remove(&number) {
            self.by_name.remove(&(entry.name, number));
        }
    }
}

/// Circuits, each with what its table calls its key.
type Circuits = Vec<(Option<Arc<str>>, Circuit)>;

impl Place {
    /// Every circuit of it that is alive. A table is asked for a part at a time.
    pub(super) fn circuits(self) -> impl Iterator<Item = (Option<Arc<str>>, Circuit)> {
        (0..).map_while(move |number| self.part(number)).flatten()
    }

    fn part(&self, number: usize) -> Option<Circuits> {
        match self {
            Self::One(_) if number > 0 => None,
            Self::One(circuit) => Some(
                Circuit::upgrade(*circuit)
                    .map(|one| (None, one))
                    .into_iter()
                    .collect(),
            ),
            #[cfg(feature = "keyed")]
            Self::Table(table) => table.part(number),
        }
    }

    /// The circuit, or that of this key in the table.
    pub(super) fn find(&self, key: Option<&str>) -> Option<Circuit> {
        match (self, key) {
            (Self::One(circuit), None) => Circuit::upgrade(*circuit),
            (Self::One(_), Some(_)) => None,
            #[cfg(feature = "keyed")]
            (Self::Table(table), Some(key)) => table.find(key),
            #[cfg(feature = "keyed")]
            (Self::Table(_), None) => None,
        }
    }

    /// Commands to all keys, if it is a table.
    #[cfg(feature = "keyed")]
    pub(super) fn all(&self) -> Option<crate::keyed::AllKeys> {
        match self {
            Self::One(_) => None,
            Self::Table(table) => table.all(),
        }
    }

    pub(super) fn observe(&self, listener: &Listener) {
        match self {
            Self::One(circuit) => circuit.observe(listener.clone(), None),
            #[cfg(feature = "keyed")]
            Self::Table(table) => table.observe(listener),
        }
    }

    pub(super) fn unobserve(&self, id: usize) {
        match self {
            Self::One(circuit) => circuit.unobserve(id),
            #[cfg(feature = "keyed")]
            Self::Table(table) => table.unobserve(id),
        }
    }

    fn is_gone(&self) -> bool {
        match self {
            Self::One(circuit) => circuit.is_over(),
            #[cfg(feature = "keyed")]
            Self::Table(table) => table.is_gone(),
        }
    }
}

#[cfg(all(test, feature = "keyed"))]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

    use super::*;

    /// Counts how often somebody looked whether it is gone.
    #[derive(Default)]
    struct Counted {
        is_gone: AtomicBool,
        looks: Arc<AtomicUsize>,
    }

    impl crate::keyed::AnyTable for Counted {
        fn find(&self, _: &str) -> Option<Circuit> {
            None
        }

        fn part(&self, _: usize) -> Option<Circuits> {
            None
        }

        fn all(&self) -> Option<crate::keyed::AllKeys> {
            None
        }

        fn observe(&self, _: &Listener) {}

        fn unobserve(&self, _: usize) {}

        fn is_gone(&self) -> bool {
            self.looks.fetch_add(1, Relaxed);
            self.is_gone.load(Relaxed)
        }
    }

    const MANY: usize = 100_000;

    /// A list to which many were added, and how often it has looked at one of them.
    struct Bench {
        list: List,
        added: Vec<Arc<Counted>>,
        looks: Arc<AtomicUsize>,
    }

    impl Bench {
        fn new() -> Self {
            Self {
                list: List::default(),
                added: Vec::new(),
                looks: Arc::default(),
            }
        }

        fn add(&mut self, name: &str, most: usize) -> bool {
            let (is_gone, looks) = (AtomicBool::new(false), self.looks.clone());
            let table = Arc::new(Counted { is_gone, looks });
            self.added.push(table.clone());
            let place = Place::Table(table);
            let name = name.into();
            self.list.add(Entry { name, place }, most)
        }

        fn end(&self, number: usize) {
            self.added[number].is_gone.store(true, Relaxed);
        }

        /// How often it looks while it does this.
        fn looks(&mut self, act: impl FnOnce(&mut Self)) -> usize {
            let before = self.looks.load(Relaxed);
            act(self);
            self.looks.load(Relaxed) - before
        }
    }

    #[test]
    fn adding_and_finding_look_at_few_of_very_many() {
        let mut bench = Bench::new();
        let looks = bench.looks(|bench| {
            for number in 0..MANY {
                assert!(bench.add(&number.to_string(), MANY));
            }
        });
        assert!(looks <= LOOKED_AT * MANY, "{looks}");
        let looks = bench.looks(|bench| {
            for number in [0, 1, MANY / 2, MANY - 1] {
                let name = number.to_string().into();
                let found = bench.list.latest(&name, u64::MAX);
                assert_eq!(found.map(|(number, _)| number), Some(number as u64));
            }
        });
        assert_eq!(looks, 4);
    }

    #[test]
    fn those_that_are_gone_do_not_pile_up_and_of_one_name_neither() {
        for is_one_name in [false, true] {
            let mut bench = Bench::new();
            let name = |number: usize| if is_one_name { 0 } else { number }.to_string();
            let looks = bench.looks(|bench| {
                for number in 0..MANY {
                    assert!(bench.add(&name(number), MANY));
                    bench.end(number);
                    assert!(bench.list.by_number.len() <= 3);
                }
            });
            assert!(looks <= LOOKED_AT * MANY, "{looks}");
            assert_eq!(bench.list.by_number.len(), bench.list.by_name.len());
        }
    }

    #[test]
    fn a_full_list_makes_room_of_what_is_gone() {
        let mut bench = Bench::new();
        assert!((0..10).all(|number| bench.add(&number.to_string(), 10)));
        assert!(!bench.add("one more", 10));
        bench.end(7);
        assert!(bench.add("one more", 10));
        assert!(bench.list.latest(&"7".into(), u64::MAX).is_none());
        assert!(bench.list.latest(&"one more".into(), u64::MAX).is_some());
    }

    #[test]
    fn of_one_name_the_last_one_that_lives_is_found() {
        let mut bench = Bench::new();
        assert!((0..4).all(|_| bench.add("same", 10)));
        bench.end(3);
        let mut latest = |before| {
            bench
                .list
                .latest(&"same".into(), before)
                .map(|(number, _)| number)
        };
        assert_eq!(
            [latest(u64::MAX), latest(2), latest(0)],
            [Some(2), Some(1), None]
        );
    }
}
