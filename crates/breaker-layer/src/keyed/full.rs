//! The error of a table that has no room.

use std::fmt;

use breaker_core::Phase;

use super::{entry::Key, mode::Mode, table::Table};

/// There is no room for one more circuit, and no circuit may be forgotten for it.
///
/// Its text says why they may not: they are open or half-open and in use, or under an operator's command, or held by a handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full {
    circuits: usize,
    open: usize,
    commanded: usize,
    held: usize,
}

impl Full {
    #[cold]
    pub(super) fn of<K: Key>(table: &Table<K>) -> Self {
        let mut full = Self {
            circuits: table.shared.limits.circuits,
            open: 0,
            commanded: 0,
            held: 0,
        };
        let now = table.shared.parts.clock.now();
        let mode = table.shared.mode_at(now);
        for entry in table.entries() {
            let slot = entry.circuit.slot();
            let now = slot.since_built(now);
            let of_state = slot.read(|state| (Mode::of_state(state, now), state.breaker.phase()));
            let count = match of_state {
                Some((own, _)) if !mode.counts() || own != mode => &mut full.commanded,
                Some((_, Phase::Open { .. } | Phase::HalfOpen { .. })) => &mut full.open,
                _ if slot.is_shared() => &mut full.held,
                // It may go, the next time.
                _ => continue,
            };
            *count += 1;
        }
        full
    }
}

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no room for one more circuit beside {}", self.circuits)?;
        let mut before = ": ";
        for (many, what) in [
            (self.open, "open or half-open"),
            (self.commanded, "under an operator's command"),
            (self.held, "held by a handle"),
        ] {
            if many > 0 {
                write!(f, "{before}{many} {what}")?;
                before = ", ";
            }
        }
        Ok(())
    }
}

impl std::error::Error for Full {}
