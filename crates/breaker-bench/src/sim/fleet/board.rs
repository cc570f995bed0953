//! All that the processes have said, which each reads.

use breaker_core::{Level, State, mix};

use super::world::Case;

/// What a process last said.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Said {
    pub(super) level: Level,
    pub(super) standing: Standing,
    /// When it was open again after it had been back.
    pub(super) fell_at: Option<u64>,
    /// Whether it has the lease to probe, or has used it.
    pub(super) lease: Lease,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Lease {
    #[default]
    None,
    /// It has it since this tick.
    Unused { since: u64 },
    /// It has probed in vain.
    Used,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Standing {
    #[default]
    Closed,
    Open,
    /// It has closed a short while ago.
    Back,
}

/// All that the processes have said.
#[derive(Debug)]
pub struct Board {
    pub(super) said: Vec<Said>,
    /// Whose votes count.
    pub(super) jurors: Vec<usize>,
    /// When a zone's probe was leased.
    leased: Vec<Option<u64>>,
    /// With shared state: what is in force, and since when it is.
    pub(super) verdict: (u64, State),
}

/// Up to so many processes all vote.
const SEATS: usize = 64;
/// A zone with so many peers is heard by itself.
const ZONE: usize = 3;
/// For so many ticks what is heard counts.
pub(super) const STILL: u64 = 3;

impl Board {
    /// Nobody has said anything.
    pub fn new(processes: usize) -> Self {
        let mut jurors: Vec<usize> = (0..processes).collect();
        jurors.sort_by_key(|process| mix(*process as u64));
        jurors.truncate(SEATS);
        Self {
            said: vec![Said::default(); processes],
            jurors,
            leased: vec![None; super::world::ZONES],
            verdict: (0, State::Closed),
        }
    }

    /// Whether nobody has anything against the downstream, and nobody had a short while ago.
    pub(super) fn is_quiet(&self) -> bool {
        let is_quiet = |said: &Said| said.level == Level::NONE && said.standing == Standing::Closed;
        self.said.iter().all(is_quiet)
    }

    /// Whether somebody has closed a short while ago.
    pub fn is_anybody_back(&self) -> bool {
        self.said.iter().any(|said| said.standing == Standing::Back)
    }

    /// What those are like who a process looks at: its zone, or all where that is too small.
    pub(super) fn tally_for(&self, me: usize, tick: u64) -> Tally {
        let zone = self.tally(tick, |peer| Case::zone(peer) == Case::zone(me));
        match zone.living > ZONE {
            true => zone,
            false => self.tally(tick, |_| true),
        }
    }

    fn tally(&self, tick: u64, is_in: impl Fn(usize) -> bool) -> Tally {
        let mut tally = Tally::default();
        for (_, said) in self
            .said
            .iter()
            .enumerate()
            .filter(|(peer, _)| is_in(*peer))
        {
            tally.living += 1;
            tally.up += usize::from(said.standing == Standing::Open);
            tally.back += usize::from(said.standing == Standing::Back);
            tally.probing += usize::from(matches!(said.lease, Lease::Unused { .. }));
            tally.probed += usize::from(said.lease == Lease::Used);
            tally.took_lease += u32::from(said.lease == Lease::Unused { since: tick });
            let fell = |at: u64| tick - at < STILL;
            tally.fell += usize::from(said.fell_at.is_some_and(fell));
        }
        tally
    }

    pub(super) fn lease(&mut self, zone: usize, tick: u64, lasts: u64) -> bool {
        let is_free = self.leased[zone].is_none_or(|at| tick >= at + lasts);
        if is_free {
            self.leased[zone] = Some(tick);
        }
        is_free
    }
}

/// How many are how.
#[derive(Default)]
pub(super) struct Tally {
    living: usize,
    pub(super) up: usize,
    pub(super) back: usize,
    pub(super) fell: usize,
    pub(super) probing: usize,
    pub(super) probed: usize,
    pub(super) took_lease: u32,
}
