//! Above 64 processes a jury votes, another one for each circuit, chosen by hash.

use std::collections::{BTreeMap, BTreeSet};

/// Up to so many processes all vote.
pub(crate) const SEATS: usize = 64;
/// A zone has so many jurors at least, or else all its processes: three peers make a zone heard.
const LEAST: usize = 4;

/// The processes whose votes on a circuit count, by the whole of the living, each with its zone. `None`: all.
///
/// Each zone has its share of the seats. Who sits is by a hash of process and circuit, so that all agree who see the same living, one that comes or
/// goes changes one seat, and no process is on every jury.
pub(crate) fn jury<'a>(
    circuit: &str,
    living: impl Iterator<Item = (&'a str, &'a str)>,
) -> Option<BTreeSet<String>> {
    let mut zones: BTreeMap<&str, Vec<(u64, &str)>> = BTreeMap::new();
    let mut all = 0;
    for (process, zone) in living {
        let place = hash(process, circuit);
        zones.entry(zone).or_default().push((place, process));
        all += 1;
    }
    if all <= SEATS {
        return None;
    }
    let seated = zones.into_values().flat_map(|mut zone| {
        let seats = (SEATS * zone.len()).div_ceil(all).max(LEAST);
        zone.sort_unstable();
        zone.truncate(seats);
        zone.into_iter().map(|(_, process)| process.to_owned())
    });
    Some(seated.collect())
}

/// FNV-1a, and a last mixing, so that names that differ in their ends are far apart.
pub(super) fn hash(process: &str, circuit: &str) -> u64 {
    let bytes = process.bytes().chain([0]).chain(circuit.bytes());
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    super::random::mixed(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn living(zones: &[(&str, usize)]) -> Vec<(String, String)> {
        let zone = |&(zone, many): &(&str, usize)| {
            let zone = zone.to_owned();
            (0..many).map(move |n| (format!("{zone}-{n}"), zone.clone()))
        };
        zones.iter().flat_map(zone).collect()
    }

    fn of(circuit: &str, living: &[(String, String)]) -> Option<BTreeSet<String>> {
        jury(
            circuit,
            living.iter().map(|(process, zone)| (&**process, &**zone)),
        )
    }

    #[test]
    fn up_to_64_all_vote() {
        assert_eq!(of("c", &living(&[("a", 40), ("b", 24)])), None);
        assert!(of("c", &living(&[("a", 40), ("b", 25)])).is_some());
    }

    #[test]
    fn each_zone_has_its_share_and_a_small_one_enough_to_be_heard() {
        let jury = of("c", &living(&[("a", 100), ("b", 200), ("c", 5)])).unwrap();
        let seats = |zone: &str| {
            jury.iter()
                .filter(|process| process.starts_with(zone))
                .count()
        };
        assert_eq!((seats("a-"), seats("b-"), seats("c-")), (21, 42, 4));
    }

    #[test]
    fn circuits_have_other_juries_and_one_process_less_changes_one_seat() {
        let all = living(&[("a", 300)]);
        let (one, other) = (of("one", &all).unwrap(), of("other", &all).unwrap());
        assert!(
            one.intersection(&other).count() < 32,
            "{:?}",
            one.intersection(&other)
        );
        let gone = one.first().unwrap();
        let rest: Vec<_> = all
            .iter()
            .filter(|(process, _)| process != gone)
            .cloned()
            .collect();
        let after = of("one", &rest).unwrap();
        assert_eq!(one.intersection(&after).count(), 63);
    }
}
