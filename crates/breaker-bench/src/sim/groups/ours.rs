//! Circuits of breaker-core in a group, driven as its shell does it: a cap, and what the others do.

use breaker_core::{Config, Ratio, Timestamp};

use super::rule::Rule;
use crate::sim::{machine::Machine, policy::Policy};

/// A group of circuits.
pub struct Ours {
    members: Vec<Machine>,
    /// At most so many refuse at a time.
    most: usize,
    refusing: usize,
    is_relative: bool,
    /// What each says of itself; `None` while it is not closed.
    failing: Vec<Option<Ratio>>,
    others: Vec<Ratio>,
}

impl Ours {
    /// So many circuits with these settings, of which at most so many refuse calls at a time.
    pub fn new(members: usize, settings: Config, most: usize, seed: u64) -> Self {
        let member = |number: usize| Machine::new(settings, (seed as usize + number) as u16);
        Self {
            members: (0..members).map(member).collect(),
            most,
            refusing: 0,
            is_relative: false,
            failing: vec![Some(Ratio::NONE); members],
            others: Vec::new(),
        }
    }

    /// Judged against each other.
    #[must_use]
    pub fn relative(self) -> Self {
        Self {
            is_relative: true,
            ..self
        }
    }

    fn compare(&mut self, host: usize) {
        let others = self.failing.iter().enumerate();
        let others = others.filter_map(|(other, failing)| failing.filter(|_| other != host));
        self.others.clear();
        self.others.extend(others);
        let typical = Ratio::typical(&mut self.others);
        let (breaker, rules) = self.members[host].parts();
        breaker.compare(rules, typical, Ratio::NONE);
    }

    /// Whether this host refuses now, and did before.
    fn note(&mut self, host: usize, refused: bool) {
        let refuses = self.refuses(host);
        self.refusing += usize::from(refuses);
        self.refusing -= usize::from(refused);
        let (breaker, _) = self.members[host].parts();
        self.failing[host] = breaker.failing();
    }
}

impl Rule for Ours {
    fn admit(&mut self, host: usize, now: Timestamp, draw: u32) -> Option<u64> {
        self.members[host].admit(now, draw)
    }

    fn record(&mut self, host: usize, permit: u64, failed: bool, now: Timestamp) {
        let refused = self.refuses(host);
        if failed && self.is_relative {
            self.compare(host);
        }
        let has_room = refused || self.refusing < self.most;
        // Where there is no room, a trip is as if the call had not been: the circuit is held.
        let before = (failed && !has_room).then(|| self.members[host].clone());
        self.members[host].record(permit, failed, now);
        if let Some(before) = before
            && self.refuses(host)
        {
            self.members[host] = before;
        }
        self.note(host, refused);
    }

    fn refuses(&self, host: usize) -> bool {
        !self.members[host].is_closed()
    }
}
