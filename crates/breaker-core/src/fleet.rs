//! What processes tell each other about a downstream that they share: votes in, credit out.
//!
//! A process votes with its own evidence, bounded so that none weighs more than another: see [`Level`]. What the others say
//! gives it a [`Credit`], by which it needs less evidence of its own. It never opens without a failure of its own.
//!
//! The theory of such bounded sums: Y. Mei, "Efficient scalable schemes for monitoring a large number of data streams",
//! Biometrika 97 (2010); K. Liu, R. Zhang, Y. Mei, arXiv 1603.08652.

use core::fmt;

/// How much one process has against a downstream, in quarters of a failure: from 0 to 16, which is four failures and
/// also what an open circuit says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Level(u8);

impl Level {
    /// Nothing, which is also what a living process says that says nothing.
    pub const NONE: Self = Self(0);
    /// Four failures: no process says more.
    pub const MOST: Self = Self(16);

    /// So many quarters of a failure, at most [`Level::MOST`].
    pub const fn from_quarters(quarters: u32) -> Self {
        Self(if quarters < 16 { quarters as u8 } else { 16 })
    }

    /// The quarters of a failure.
    pub const fn quarters(self) -> u8 {
        self.0
    }

    /// Whether it speaks against the downstream rather than for it: two failures or more.
    pub const fn is_against(self) -> bool {
        self.0 >= INDIFFERENT
    }
}

/// What adds nothing to a credit, in quarters: two failures.
const INDIFFERENT: u8 = 8;
/// A zone with fewer peers does not convince by itself.
const LEAST_ZONE: u32 = 3;

/// What the peers of a process say of one circuit, added up. A living peer that says nothing is added as [`Level::NONE`];
/// the process itself is not added.
///
/// ```
/// # mod breaker_layer { pub use breaker_core as fleet; }
/// use breaker_layer::fleet::{Level, Votes};
///
/// let mut votes = Votes::default();
/// for level in [Level::MOST, Level::MOST, Level::MOST, Level::NONE] {
///     votes.add(level, false);
/// }
/// let credit = votes.credit();
/// assert_eq!(credit.failures(), 4.0); // 2 + 2 + 2 - 2
/// assert_eq!(credit.peers().to_string(), "3 of 4 peers");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Votes {
    all: Sum,
    zone: Sum,
    zone_name: Option<&'static &'static str>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sum {
    /// Of what each says beyond two failures, in quarters.
    beyond: i64,
    heard: u32,
    against: u32,
}

impl Votes {
    /// Those that a process of this zone hears.
    ///
    /// ```
    /// # mod breaker_layer { pub use breaker_core as fleet; }
    /// use breaker_layer::fleet::{Level, Votes};
    ///
    /// let mut votes = Votes::in_zone(&"eu-1a");
    /// (0..3).for_each(|_| votes.add(Level::MOST, true));
    /// assert_eq!(votes.credit().peers().to_string(), "3 of 3 peers (zone eu-1a: 3 of 3)");
    /// ```
    // A thin pointer: every transition has room for it.
    pub fn in_zone(name: &'static &'static str) -> Self {
        Self {
            zone_name: Some(name),
            ..Self::default()
        }
    }

    /// One peer more, of the process' own zone or of another.
    pub fn add(&mut self, level: Level, is_same_zone: bool) {
        self.all.add(level);
        if is_same_zone {
            self.zone.add(level);
        }
    }

    /// How much less evidence of its own the process needs: by how much the votes exceed two failures a peer, over its own
    /// zone if it has three peers there or more, or over all peers if that is more.
    ///
    /// So it takes a majority; no peer weighs more than two failures; and a sick zone convinces only itself.
    pub fn credit(self) -> Credit {
        let of_zone = match self.zone.heard {
            LEAST_ZONE.. => self.zone.beyond,
            _ => 0,
        };
        let quarters = self.all.beyond.max(of_zone).max(0);
        let count = |count| u16::try_from(count).unwrap_or(u16::MAX);
        Credit {
            quarters: u16::try_from(quarters).unwrap_or(u16::MAX),
            peers: Peers {
                against: count(self.all.against),
                heard: count(self.all.heard),
                zone_against: count(self.zone.against),
                zone_heard: count(self.zone.heard),
                zone_name: self.zone_name,
            },
        }
    }
}

impl Sum {
    fn add(&mut self, level: Level) {
        self.beyond += i64::from(level.0) - i64::from(INDIFFERENT);
        self.heard = self.heard.saturating_add(1);
        self.against = self.against.saturating_add(u32::from(level.is_against()));
    }
}

/// How much less evidence of its own a circuit needs, and who says so: made by [`Votes::credit`].
///
/// It is given to a circuit for a while, and counts only at a failure of the circuit's own. That failure counts whole: the
/// credit never trips by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Credit {
    quarters: u16,
    peers: Peers,
}

impl Credit {
    /// So many failures.
    pub fn failures(self) -> f64 {
        f64::from(self.quarters) / 4.0
    }

    /// Whether it changes nothing.
    pub const fn is_none(self) -> bool {
        self.quarters == 0
    }

    /// Who says so.
    pub const fn peers(self) -> Peers {
        self.peers
    }

    pub(crate) const fn quarters(self) -> u32 {
        self.quarters as u32
    }
}

/// `a credit of 12.5 failures, from 28 of 31 peers (zone eu-1a: 10 of 10)`.
impl fmt::Display for Credit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (failures, peers) = (self.failures(), self.peers);
        write!(f, "a credit of {failures} failures, from {peers}")
    }
}

/// How many peers were heard, and how many of them have two failures or more against the downstream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Peers {
    /// Those against it.
    pub against: u16,
    /// All that live.
    pub heard: u16,
    /// Those against it in the process' own zone.
    pub zone_against: u16,
    /// All that live in the process' own zone.
    pub zone_heard: u16,
    zone_name: Option<&'static &'static str>,
}

impl Peers {
    /// What the process' own zone is called, if that was said.
    pub fn zone_name(self) -> Option<&'static str> {
        self.zone_name.copied()
    }
}

/// `28 of 31 peers (zone eu-1a: 10 of 10)`.
impl fmt::Display for Peers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} peers", self.against, self.heard)?;
        match self.zone_heard {
            0 => Ok(()),
            heard => {
                let (blank, name) = self.zone_name.map_or(("", ""), |name| (" ", *name));
                let against = self.zone_against;
                write!(f, " (zone{blank}{name}: {against} of {heard})")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::string::ToString;

    use proptest::prelude::*;

    use super::*;

    fn credit(levels: &[(u32, bool)]) -> Credit {
        let mut votes = Votes::default();
        for &(quarters, is_same_zone) in levels {
            votes.add(Level::from_quarters(quarters), is_same_zone);
        }
        votes.credit()
    }

    #[test]
    fn a_credit_says_who_gives_it() {
        let zone = [(16, true); 10];
        let rest = [(16, false); 18];
        let well = [(0, false); 3];
        let levels = [&zone[..], &rest, &well].concat();
        let credit = credit(&levels);
        let text = "a credit of 50 failures, from 28 of 31 peers (zone: 10 of 10)";
        assert_eq!(credit.to_string(), text);
    }

    #[test]
    fn a_sick_zone_convinces_itself_and_no_other() {
        let sick = [(16, true); 5];
        let well = [(0, false); 10];
        assert_eq!(credit(&[&sick[..], &well].concat()).failures(), 10.0);
        let seen_from_outside = [[(16, false); 5], [(0, true); 5], [(0, false); 5]].concat();
        assert!(credit(&seen_from_outside).is_none());
    }

    #[test]
    fn two_peers_of_a_zone_do_not_convince() {
        let zone = [(16, true); 2];
        let rest = [(0, false); 4];
        assert!(credit(&[&zone[..], &rest].concat()).is_none());
    }

    proptest! {
        #[test]
        fn there_is_no_credit_unless_most_peers_of_the_zone_or_of_all_say_something(
            levels in prop::collection::vec((0..40u32, any::<bool>()), 0..30),
        ) {
            let most_say = |levels: &[&(u32, bool)]| {
                2 * levels.iter().filter(|(level, _)| *level > 0).count() > levels.len()
            };
            let all: std::vec::Vec<_> = levels.iter().collect();
            let zone: std::vec::Vec<_> = levels.iter().filter(|(_, is_same)| *is_same).collect();
            let credit = credit(&levels);
            if !credit.is_none() {
                prop_assert!(most_say(&all) || most_say(&zone));
            }
            prop_assert!(credit.failures() <= 2.0 * levels.len() as f64);
        }

        #[test]
        fn one_peer_weighs_at_most_four_failures_between_its_least_and_its_most_word(
            levels in prop::collection::vec((0..40u32, any::<bool>()), 1..30),
            says in 0..40u32,
        ) {
            let mut other = levels.clone();
            other[0].0 = says;
            let (one, other) = (credit(&levels).failures(), credit(&other).failures());
            prop_assert!((one - other).abs() <= 4.0);
        }
    }
}
