//! How long each suspicion in the store stands still: whoever has one renews it, also one of a circuit that this process does not have.

use std::collections::BTreeMap;

use super::{HOT, RENEWED};
use crate::wire;

/// A suspicion that nobody has renewed for so many of the reader's own ticks was left behind.
const STALE: u64 = 3 * RENEWED + 10;
/// More are not known at a time.
const MOST: usize = 4 * HOT;

/// The suspicions that were read, each with what stood there and since when.
#[derive(Debug, Default)]
pub(super) struct Suspicions(BTreeMap<String, (Option<u64>, u64)>);

impl Suspicions {
    /// Takes what was read, and gives those that were left behind.
    pub(super) fn read(&mut self, tick: u64, fields: &[(String, String)]) -> Vec<String> {
        let mut before = std::mem::take(&mut self.0);
        let mut stale = Vec::new();
        for (name, text) in fields.iter().take(HOT) {
            if wire::parts(name).is_none() {
                continue;
            }
            let value = wire::number(text);
            let was = before.remove(name).filter(|(of, _)| *of == value);
            let since = was.map_or(tick, |(_, since)| since);
            if tick.saturating_sub(since) >= STALE {
                stale.push(name.clone());
            }
            self.0.insert(name.clone(), (value, since));
        }
        // Of too many, other ones are read each time.
        if fields.len() >= HOT {
            let room = MOST.saturating_sub(self.0.len());
            self.0.extend(before.into_iter().take(room));
        }
        stale
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(names: std::ops::Range<usize>, value: u64) -> Vec<(String, String)> {
        names
            .map(|n| (format!("c{n}"), value.to_string()))
            .collect()
    }

    #[test]
    fn what_is_not_renewed_is_left_behind() {
        let mut suspicions = Suspicions::default();
        for tick in 0..STALE {
            let all = [fields(0..1, 7), fields(1..2, tick / RENEWED)].concat();
            assert_eq!(suspicions.read(tick, &all), [""; 0], "{tick}");
        }
        let all = [fields(0..1, 7), fields(1..2, 99)].concat();
        assert_eq!(suspicions.read(STALE, &all), ["c0"]);
        assert_eq!(suspicions.read(STALE + 1, &fields(1..2, 99)), [""; 0]);
        assert_eq!(suspicions.0.len(), 1);
    }

    #[test]
    fn of_very_many_a_part_is_known_at_a_time() {
        let mut suspicions = Suspicions::default();
        for tick in 0..20 {
            let first = usize::try_from(tick).unwrap() * HOT;
            suspicions.read(tick, &fields(first..first + HOT, 1));
            assert!(suspicions.0.len() <= MOST);
        }
    }
}
