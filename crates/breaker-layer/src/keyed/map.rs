//! Where the circuit of a key is found.
//!
//! Most look-ups are of healthy keys, which have no circuit, and these take no lock: the hash picks a cell that knows how many circuits
//! there are with such hashes, and of a single one a part of the hash that tells it from most others. Only where the key may have a circuit
//! is a shard locked.
//!
//! A key's hash is asked for once and kept with its circuit, and what is removed is told by its address. So a key whose
//! `Hash` or `Eq` changes its mind may be looked up in vain, but nothing that is stored is lost by it.

use std::{
    borrow::Borrow,
    hash::{BuildHasher, Hash, RandomState},
    mem,
    sync::{
        Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{
            AtomicU16,
            Ordering::{Acquire, Relaxed, Release},
        },
    },
};

use hashbrown::HashTable;

use super::entry::{Entry, Key};

/// The circuits of a table by their keys. Whoever changes it must be the only one who does.
pub(super) struct Map<K> {
    hasher: RandomState,
    shards: Box<[Shard<K>]>,
    /// What circuits there are, by the hashes of their keys.
    cells: Box<[AtomicU16]>,
}

/// On a cache line of its own.
#[repr(align(64))]
struct Shard<K>(RwLock<HashTable<Arc<Entry<K>>>>);

impl<K> Map<K> {
    pub(super) const SHARDS: usize = 64;
    const MOST_CELLS: usize = 1 << 20;
    pub(super) fn new(cells: usize) -> Self {
        let shard = |_| Shard(RwLock::default());
        Self {
            hasher: RandomState::new(),
            shards: (0..Self::SHARDS).map(shard).collect(),
            cells: (0..cells).map(|_| AtomicU16::new(0)).collect(),
        }
    }

    /// How many cells a map of at most so many circuits has: so many that few healthy keys meet one that is not zero.
    pub(super) fn cells_for(circuits: usize) -> usize {
        let cells = circuits.saturating_mul(2).min(Self::MOST_CELLS);
        cells.next_power_of_two()
    }

    pub(super) fn cells(&self) -> usize {
        self.cells.len()
    }

    /// The circuits of one of the shards.
    pub(super) fn shard(&self, number: usize) -> Vec<Arc<Entry<K>>> {
        let shard = self.shards.get(number);
        shard.map_or_else(Vec::new, |shard| shard.read().iter().cloned().collect())
    }

    pub(super) fn insert(&self, entry: &Arc<Entry<K>>) {
        let cell = self.cell(entry.hash);
        cell.store(Cell(cell.load(Relaxed)).with(entry.hash).0, Release);
        let mut shard = self.shard_of(entry.hash).write();
        shard.insert_unique(entry.hash, entry.clone(), |entry| entry.hash);
    }

    pub(super) fn remove(&self, entry: &Arc<Entry<K>>) {
        let mut shard = self.shard_of(entry.hash).write();
        let found = shard.find_entry(entry.hash, |other| Arc::ptr_eq(other, entry));
        if let Ok(found) = found {
            found.remove();
            drop(shard);
            let cell = self.cell(entry.hash);
            cell.store(Cell(cell.load(Relaxed)).without(entry.hash).0, Release);
        }
    }

    /// Removes every circuit, and gives back the memory.
    pub(super) fn clear(&self) {
        for shard in &self.shards {
            let circuits = mem::take(&mut *shard.write());
            drop(circuits);
        }
        self.cells.iter().for_each(|cell| cell.store(0, Release));
    }

    fn cell(&self, hash: u64) -> &AtomicU16 {
        // There is a power of two of them.
        &self.cells[hash as usize & (self.cells.len() - 1)]
    }

    fn shard_of(&self, hash: u64) -> &Shard<K> {
        // Bits that neither the cells nor the shard's own table use much.
        &self.shards[(hash >> 40) as usize % Self::SHARDS]
    }
}

impl<K: Key> Map<K> {
    #[inline]
    pub(super) fn hash<Q: Hash + ?Sized>(&self, key: &Q) -> u64 {
        self.hasher.hash_one(key)
    }

    /// The circuit of a key with this hash.
    #[inline]
    pub(super) fn find<Q>(&self, hash: u64, key: &Q) -> Option<Arc<Entry<K>>>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        if !Cell(self.cell(hash).load(Acquire)).may_have(hash) {
            return None;
        }
        let shard = self.shard_of(hash).read();
        let is_it = |entry: &Arc<Entry<K>>| entry.hash == hash && entry.key.borrow() == key;
        shard.find(hash, is_it).cloned()
    }
}

/// `circuits 4 │ marks 12`: how many circuits there are, and the marks of their hashes, combined by exclusive or. So of a single
/// circuit it has the mark.
#[derive(Clone, Copy)]
struct Cell(u16);

impl Cell {
    const ONE: u16 = 1 << 12;
    const MARKS: u16 = Self::ONE - 1;
    /// It counts no further: from here on it is of no use.
    const MOST: u16 = 15 * Self::ONE;

    const fn mark(hash: u64) -> u16 {
        (hash >> 46) as u16 & Self::MARKS
    }

    const fn with(self, hash: u64) -> Self {
        match self.0 < Self::MOST {
            true => Self((self.0 ^ Self::mark(hash)) + Self::ONE),
            false => self,
        }
    }

    const fn without(self, hash: u64) -> Self {
        match self.0 < Self::MOST {
            true => Self((self.0 ^ Self::mark(hash)).saturating_sub(Self::ONE)),
            false => self,
        }
    }

    #[inline]
    const fn may_have(self, hash: u64) -> bool {
        match self.0 / Self::ONE {
            0 => false,
            1 => self.0 & Self::MARKS == Self::mark(hash),
            _ => true,
        }
    }
}

impl<K> Shard<K> {
    fn read(&self) -> RwLockReadGuard<'_, HashTable<Arc<Entry<K>>>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, HashTable<Arc<Entry<K>>>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::Cell;

    /// A hash with this mark.
    const fn hash(mark: u64) -> u64 {
        mark << 46
    }

    #[test]
    fn a_cell_tells_a_single_circuit_from_others_and_never_denies_one_that_is_there() {
        let marks = [7, 7, 0, 4095, 1];
        for many in 0..=marks.len() {
            let there = &marks[..many];
            let of = |cell: Cell, mark: &u64| cell.with(hash(*mark));
            let full = there.iter().fold(Cell(0), of);
            assert!(there.iter().all(|mark| full.may_have(hash(*mark))));
            assert_eq!(full.may_have(hash(5)), many > 1);
            let left = there.iter().skip(1).rev();
            let last = left.fold(full, |cell, mark| cell.without(hash(*mark)));
            assert_eq!(
                last.0,
                there
                    .first()
                    .map_or(Cell(0), |mark| Cell(0).with(hash(*mark)))
                    .0
            );
        }
    }

    #[test]
    fn a_cell_that_has_counted_as_far_as_it_can_denies_nothing_any_more() {
        let full = (0..20).fold(Cell(0), |cell, mark| cell.with(hash(mark)));
        let left = (0..20).fold(full, |cell, mark| cell.without(hash(mark)));
        assert!((0..4096).all(|mark| left.may_have(hash(mark))));
    }
}
