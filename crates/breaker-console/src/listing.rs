//! What a page shows of a registry: the worst first, and bounded.

use std::{
    cmp::{Ordering, Reverse},
    collections::HashSet,
    sync::Arc,
};

use breaker_layer::{Circuit, Registry, Snapshot, keyed::AllKeys};

use crate::{
    fleet::{FleetNow, Said},
    standing::Standing,
    watch::{Counts, Id, Watch},
};

/// So many circuits are on a page, and so many of those that need attention, and so many keys of a table.
pub(crate) const PER_PAGE: usize = 200;
/// So many tables are on a page.
pub(crate) const TABLES: usize = 20;
/// So many circuits of a table are looked at, beside those that changed last.
const LOOKED_AT: usize = 10_000;

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ask {
    /// Circuits and keys with this in their names.
    pub(crate) search: String,
    /// From 0 on.
    pub(crate) page: usize,
}

/// A circuit at the moment of the listing.
pub(crate) struct Row {
    pub(crate) id: Id,
    pub(crate) name: Arc<str>,
    pub(crate) key: Option<Arc<str>>,
    /// Whether it is of a table. One without a key stands for requests without a key, or for all others.
    pub(crate) of_table: bool,
    pub(crate) standing: Standing,
    pub(crate) snapshot: Snapshot,
    /// The last minutes, where they are watched.
    pub(crate) bars: Vec<Counts>,
    /// What the fleet says of it, where there is one.
    pub(crate) said: Option<Said>,
}

/// A table of circuits.
pub(crate) struct Table {
    pub(crate) id: Id,
    pub(crate) name: Arc<str>,
    /// So many keys have a circuit.
    pub(crate) len: usize,
    /// Of which so many were looked at.
    pub(crate) looked_at: usize,
    /// So many of these have no name to be found by.
    pub(crate) unnamed: usize,
    /// Closed keys with something against them.
    pub(crate) rows: Vec<Row>,
    /// So many more were found.
    pub(crate) more: usize,
}

/// A page of circuits.
pub(crate) struct Listing {
    /// Open, half-open and manual circuits and keys.
    pub(crate) attention: Vec<Row>,
    pub(crate) more_attention: usize,
    /// The other circuits that are of no table.
    pub(crate) calm: Vec<Row>,
    /// How many of them there are in all.
    pub(crate) all_calm: usize,
    pub(crate) tables: Vec<Table>,
    pub(crate) more_tables: usize,
    /// How many circuits have each standing, in the order of [`Standing::ALL`].
    pub(crate) counts: [usize; Standing::ALL.len()],
    pub(crate) fleet: Option<FleetNow>,
}

/// A circuit that may come onto the page, with what it is sorted by.
struct Candidate {
    name: Arc<str>,
    key: Option<Arc<str>>,
    of_table: bool,
    standing: Standing,
    weight: Reverse<u64>,
    /// `None` where it is taken only once the circuit is shown.
    snapshot: Option<Box<Snapshot>>,
    circuit: Circuit,
}

impl Candidate {
    fn of(name: Arc<str>, key: Option<Arc<str>>, of_table: bool, circuit: Circuit) -> Self {
        let snapshot = circuit.snapshot();
        // Evidence in parts of ten thousand, then failures.
        let evidence = (snapshot.evidence * 1e4) as u64;
        Self {
            name,
            key,
            of_table,
            standing: Standing::of(&snapshot),
            weight: Reverse(evidence << 32 | u64::from(snapshot.failures)),
            snapshot: Some(Box::new(snapshot)),
            circuit,
        }
    }

    /// Of no table. Of ten thousand most are calm, of which only those on the page are looked at closely.
    fn single(name: Arc<str>, circuit: Circuit) -> Self {
        if Standing::of_circuit(&circuit) != Standing::Closed {
            return Self::of(name, None, false, circuit);
        }
        Self {
            name,
            key: None,
            of_table: false,
            standing: Standing::Closed,
            weight: Reverse(0),
            snapshot: None,
            circuit,
        }
    }

    fn is_calm(&self) -> bool {
        self.standing == Standing::Closed
    }

    fn row(self, watch: &Watch, fleet: Option<&FleetNow>, with_bars: bool) -> Row {
        let said = fleet.map(|fleet| fleet.of(&self.name, self.key.as_deref(), &self.circuit));
        let id = watch.id(&self.name, self.key.as_deref());
        let snapshot = match self.snapshot {
            Some(snapshot) => *snapshot,
            None => self.circuit.snapshot(),
        };
        Row {
            id,
            name: self.name,
            key: self.key,
            of_table: self.of_table,
            standing: Standing::of(&snapshot),
            bars: if with_bars {
                watch.count(id, &snapshot)
            } else {
                Vec::new()
            },
            snapshot,
            said,
        }
    }
}

impl Listing {
    pub(crate) fn of(
        registry: &Registry,
        watch: &Watch,
        fleet: Option<FleetNow>,
        ask: &Ask,
    ) -> Self {
        let search = ask.search.to_lowercase();
        let is_meant = |name: &str| search.is_empty() || name.to_lowercase().contains(&search);
        let mut attention = Vec::new();
        let mut calm = Vec::new();
        for found in registry.singles().filter(|found| is_meant(found.name())) {
            let circuit = found.circuit().clone();
            let candidate = Candidate::single(circuit.name(), circuit);
            let list = if candidate.is_calm() {
                &mut calm
            } else {
                &mut attention
            };
            list.push(candidate);
        }
        let mut counts = [0; Standing::ALL.len()];
        counts[Standing::Closed as usize] = calm.len();
        let mut tables = Vec::new();
        let mut more_tables = 0;
        for table in registry.tables() {
            if tables.len() == TABLES {
                more_tables += 1;
                continue;
            }
            let (table, troubled) = look(watch, fleet.as_ref(), &table, &ask.search, is_meant);
            attention.extend(troubled);
            counts[Standing::Closed as usize] += table.rows.len() + table.more;
            tables.push(table);
        }
        for candidate in &attention {
            counts[candidate.standing as usize] += 1;
        }
        let by_weight = |a: &Candidate, b: &Candidate| {
            let key = |one: &Candidate| (one.standing, one.weight);
            key(a)
                .cmp(&key(b))
                .then_with(|| (&a.name, &a.key).cmp(&(&b.name, &b.key)))
        };
        let by_name = |a: &Candidate, b: &Candidate| a.name.cmp(&b.name);
        let (more_attention, all_calm) = (attention.len().saturating_sub(PER_PAGE), calm.len());
        let rows = |candidates: Vec<Candidate>| {
            let rows = candidates
                .into_iter()
                .map(|candidate| candidate.row(watch, fleet.as_ref(), true));
            unique(rows.collect())
        };
        let attention = part(attention, 0, by_weight);
        let calm = part(calm, ask.page.saturating_mul(PER_PAGE), by_name);
        let (attention, calm) = (rows(attention), rows(calm));
        Self {
            attention,
            more_attention,
            calm,
            all_calm,
            tables,
            more_tables,
            counts,
            fleet,
        }
    }

    /// The worst of all that was looked at.
    pub(crate) fn worst(&self) -> Standing {
        let first = Standing::ALL
            .into_iter()
            .find(|standing| self.counts[*standing as usize] > 0);
        first.unwrap_or(Standing::Closed)
    }

    /// Every row of the page.
    pub(crate) fn rows(&self) -> impl Iterator<Item = &Row> {
        let keyed = self.tables.iter().flat_map(|table| &table.rows);
        self.attention.iter().chain(&self.calm).chain(keyed)
    }
}

/// A page of these, in order. Only what is on it is sorted.
fn part(
    mut candidates: Vec<Candidate>,
    skipped: usize,
    order: impl Fn(&Candidate, &Candidate) -> Ordering,
) -> Vec<Candidate> {
    let end = skipped.saturating_add(PER_PAGE);
    if skipped >= candidates.len() {
        return Vec::new();
    }
    if end < candidates.len() {
        candidates.select_nth_unstable_by(end, &order);
        candidates.truncate(end);
    }
    if skipped > 0 {
        candidates.select_nth_unstable_by(skipped, &order);
        candidates.drain(..skipped);
    }
    candidates.sort_by(order);
    candidates
}

/// Of two with the same name the later one is found, so it is the one that is shown.
fn unique(rows: Vec<Row>) -> Vec<Row> {
    let mut seen = HashSet::new();
    let mut rows: Vec<_> = rows
        .into_iter()
        .rev()
        .filter(|row| seen.insert(row.id))
        .collect();
    rows.reverse();
    rows
}

/// Looks at a table's circuits: gives what is shown of it, and its circuits that are not closed.
fn look(
    watch: &Watch,
    fleet: Option<&FleetNow>,
    table: &AllKeys,
    search: &str,
    is_meant: impl Fn(&str) -> bool,
) -> (Table, Vec<Candidate>) {
    let name: Arc<str> = table.name().into();
    let is_whole = is_meant(&name);
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    // Those that changed last are found wherever they are in the table, and so is a key that is named in full.
    let changed = watch.changed_keys(&name).into_iter();
    for key in changed.chain((!search.is_empty()).then(|| search.into())) {
        if let Some(circuit) = table.find(&key)
            && seen.insert(key.clone())
        {
            found.push((Some(key), circuit));
        }
    }
    let mut looked_at = 0;
    for (key, circuit) in table.circuits().take(LOOKED_AT) {
        looked_at += 1;
        if key.as_ref().is_none_or(|key| !seen.contains(key)) {
            found.push((key, circuit));
        }
    }
    let unnamed = found.iter().filter(|(key, _)| key.is_none()).count();
    let is_shown = |key: &Option<Arc<str>>| is_whole || key.as_deref().is_some_and(&is_meant);
    let found = found.into_iter().filter(|(key, _)| is_shown(key));
    let candidates = found.map(|(key, circuit)| Candidate::of(name.clone(), key, true, circuit));
    let (calm, troubled): (Vec<_>, Vec<_>) = candidates.partition(Candidate::is_calm);
    let more = calm.len().saturating_sub(PER_PAGE);
    let by_weight = |a: &Candidate, b: &Candidate| (a.weight, &a.key).cmp(&(b.weight, &b.key));
    let shown = part(calm, 0, by_weight).into_iter();
    let rows = unique(
        shown
            .map(|candidate| candidate.row(watch, fleet, false))
            .collect(),
    );
    let len = table.len();
    let id = watch.id(&name, Some("\0table"));
    let table = Table {
        id,
        name,
        len,
        looked_at: looked_at.min(len),
        unnamed,
        rows,
        more,
    };
    (table, troubled)
}
