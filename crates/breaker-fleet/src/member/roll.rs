//! Who lives: by sequences that move, and nobody's clock.

use std::collections::BTreeMap;

use crate::wire;

/// A process whose sequence stands still for so many of the reader's own ticks is not among the living.
pub(crate) const STILL: u64 = 3;
/// For so many, and it is removed from the store.
const GONE: u64 = 60;
/// More processes are not read.
pub(crate) const MOST: usize = 4096;

/// The processes that were read, but for the reader itself.
#[derive(Debug, Default)]
pub(crate) struct Roll {
    peers: BTreeMap<String, Peer>,
    /// Changes with who lives.
    pub(crate) version: u64,
    /// The tick at which it was read last.
    read_at: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Peer {
    pub(crate) zone: String,
    pub(crate) sequence: u64,
    /// When its sequence moved last, or it was first seen.
    moved_at: u64,
    /// Whether it was seen to move at all.
    pub(crate) has_moved: bool,
    is_alive: bool,
}

impl Roll {
    /// Those that live: what is new counts, until it stands still for too long.
    pub(crate) fn living(&self) -> impl Iterator<Item = (&str, &Peer)> {
        let living = self.peers.iter().filter(|(_, peer)| peer.is_alive);
        living.map(|(name, peer)| (&**name, peer))
    }

    pub(crate) fn find(&self, process: &str) -> Option<&Peer> {
        self.peers.get(process).filter(|peer| peer.is_alive)
    }

    /// The living among what was read just now, with their zones: all but those that are known to stand still.
    pub(crate) fn living_of<'a>(
        &self,
        fields: &'a [(String, String)],
    ) -> impl Iterator<Item = (&'a str, &'a str)> {
        fields.iter().filter_map(|(process, text)| {
            let (process, (zone, sequence)) = (wire::word(process)?, wire::alive(text)?);
            let known = self.peers.get(process);
            let is_still = known.is_some_and(|peer| !peer.is_alive && peer.sequence == sequence);
            (!is_still).then_some((process, zone))
        })
    }

    /// Whether it is to be read again: every third tick while it matters, else now and then.
    pub(crate) fn is_old(&self, tick: u64, matters: bool) -> bool {
        let after = if matters { STILL } else { 10 * STILL };
        self.read_at
            .is_none_or(|at| tick >= at.saturating_add(after))
    }

    /// Takes what was read, and says how many fields meant nothing.
    pub(crate) fn read(&mut self, me: &str, tick: u64, fields: &[(String, String)]) -> u64 {
        let (mut peers, mut ignored) = (BTreeMap::new(), 0);
        for (process, text) in fields.iter().take(MOST) {
            let (Some(process), Some((zone, sequence))) = (wire::word(process), wire::alive(text))
            else {
                ignored += 1;
                continue;
            };
            if process == me {
                continue;
            }
            let before = self.peers.get(process);
            let has_moved = before.is_some_and(|peer| peer.sequence != sequence);
            let moved_at = before.map_or(tick, |peer| if has_moved { tick } else { peer.moved_at });
            let peer = Peer {
                zone: zone.to_owned(),
                sequence,
                moved_at,
                has_moved: has_moved || before.is_some_and(|peer| peer.has_moved),
                is_alive: tick.saturating_sub(moved_at) < STILL,
            };
            peers.insert(process.to_owned(), peer);
        }
        let is_same = {
            let living = |peers: &BTreeMap<String, Peer>| -> Vec<String> {
                let living = peers.iter().filter(|(_, peer)| peer.is_alive);
                living
                    .map(|(name, peer)| format!("{name}:{}", peer.zone))
                    .collect()
            };
            living(&peers) == living(&self.peers)
        };
        if !is_same {
            self.version = self.version.wrapping_add(1);
        }
        self.peers = peers;
        self.read_at = Some(tick);
        ignored
    }

    /// Those that have stood still for so long that the store may forget them.
    pub(crate) fn gone(&self, tick: u64) -> impl Iterator<Item = &str> {
        let is_gone = move |peer: &Peer| tick.saturating_sub(peer.moved_at) >= GONE;
        let gone = self.peers.iter().filter(move |(_, peer)| is_gone(peer));
        gone.map(|(name, _)| &**name)
    }

    /// Nothing that was known still holds.
    pub(crate) fn forget(&mut self) {
        let version = self.version.wrapping_add(1);
        *self = Self {
            version,
            ..Self::default()
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(of: &[(&str, &str)]) -> Vec<(String, String)> {
        let field = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
        of.iter().map(field).collect()
    }

    fn living(roll: &Roll) -> Vec<&str> {
        roll.living().map(|(name, _)| name).collect()
    }

    #[test]
    fn a_process_that_stands_still_for_three_ticks_is_dropped_and_one_that_moves_again_is_back() {
        let mut roll = Roll::default();
        for tick in 0..3 {
            let moving = format!("z:{tick}");
            roll.read(
                "me",
                tick,
                &fields(&[("dead", "z:9"), ("moves", &moving), ("me", "z:1")]),
            );
            assert_eq!(living(&roll), ["dead", "moves"], "tick {tick}");
        }
        roll.read("me", 3, &fields(&[("dead", "z:9"), ("moves", "z:3")]));
        assert_eq!(living(&roll), ["moves"]);
        roll.read("me", 4, &fields(&[("dead", "z:10"), ("moves", "z:4")]));
        assert_eq!(living(&roll), ["dead", "moves"]);
        roll.read("me", 5, &fields(&[("moves", "z:5")]));
        assert_eq!(living(&roll), ["moves"]);
    }

    #[test]
    fn a_sequence_that_goes_back_has_moved() {
        let mut roll = Roll::default();
        roll.read("me", 0, &fields(&[("a", "z:9")]));
        roll.read("me", 4, &fields(&[("a", "z:1")]));
        assert_eq!(living(&roll), ["a"]);
    }

    #[test]
    fn garbage_is_counted_and_nobody() {
        let mut roll = Roll::default();
        let ignored = roll.read(
            "me",
            0,
            &fields(&[("a b", "z:1"), ("", "z:1"), ("a", ""), ("b", "z:1")]),
        );
        assert_eq!((ignored, living(&roll)), (3, vec!["b"]));
    }

    #[test]
    fn what_stands_still_for_long_is_swept() {
        let mut roll = Roll::default();
        let dead: Vec<_> = (0..100)
            .map(|n| (format!("p{n}"), "z:1".to_owned()))
            .collect();
        roll.read("me", 0, &dead);
        roll.read("me", 59, &dead);
        assert_eq!(roll.gone(59).count(), 0);
        roll.read("me", 60, &dead);
        assert_eq!(roll.gone(60).count(), 100);
    }
}
