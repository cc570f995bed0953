//! What one process knows of one circuit: what it says itself, what it heard, and what follows.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use breaker_layer::{
    State,
    fleet::{Credit, Level, Votes},
};

use super::{
    Mine,
    random::Random,
    roll::{Peer, Roll, STILL},
};
use crate::wire::{self, Said, Standing};

/// More votes on one circuit are not read: the jurors, and those that are back.
pub(crate) const MOST: usize = 1024;
/// For so many ticks a process says that its circuit has closed again.
const BACK: u64 = 30;
/// Voters that are not among the living for so many ticks are removed from the store, so many at a time.
const GONE: u64 = 20;
const SWEPT: usize = 16;
/// A zone with so many peers is heard by itself.
const ZONE: usize = 3;
/// So many peers in a row that have the lease and do not probe are waited for.
const SILENT: u32 = 3;
/// After so many ticks without a voter the circuit is no longer under suspicion.
const QUIET: u32 = 3;

/// What is kept of a circuit while anybody says anything of it.
#[derive(Debug, Default)]
pub(crate) struct Watched {
    /// Whether a vote of this process stands in the store.
    pub(crate) is_said: bool,
    was_up: bool,
    /// Until this tick it has closed again a short while ago.
    back_until: Option<u64>,
    heard: BTreeMap<String, Heard>,
    /// Voters that are not among the living, and since when.
    strangers: BTreeMap<String, u64>,
    jury: Option<(u64, Option<BTreeSet<String>>)>,
    pub(crate) credit: Credit,
    /// Whether it went half-open on the others' word, and their majority has not ended since.
    has_followed: bool,
    pub(crate) lease: Option<Lease>,
    /// So many peers had the lease since the last one that was heard to have probed.
    silent: u32,
    /// For so many ticks nobody has said anything.
    quiet: u32,
}

/// The lease to probe for the zone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lease {
    /// The state that it is for: a circuit that probed in vain is in another one.
    pub(crate) generation: u64,
    /// It may be used until this tick.
    pub(crate) until: u64,
    /// It ends at this one, twice as far, so that a holder who probes late and the next one who probes early are apart.
    pub(crate) lapses: u64,
}

#[derive(Clone, Copy, Debug)]
struct Heard {
    sequence: u64,
    moved_at: u64,
    /// Whether it was seen to move: what stood there before this process looked may be old.
    is_fresh: bool,
    level: Level,
    standing: Standing,
    /// When it was open again after it had been back.
    fell_at: Option<u64>,
    /// Whether it has the lease to probe since this tick.
    took_lease_at: Option<u64>,
}

/// What the tick does about a circuit.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Step {
    /// To be given this credit.
    Credit(Credit),
    /// Its certain probe is put off for this long.
    PutOff(Duration),
    /// It is due after this long.
    ComeDue(Duration),
    /// A peer probes, or did in vain.
    PeerProbed,
    /// It asks for the lease to probe.
    Lease,
    /// It goes half-open, because so many of all living are open.
    Follow { open: usize, of: usize },
}

impl Watched {
    /// What this process says of its circuit, if anything.
    pub(crate) fn says(&mut self, tick: u64, mine: &Mine) -> Option<(Level, Standing)> {
        let vote = mine.vote;
        let is_up = vote.is_up();
        // What an operator closed is no good news.
        if self.was_up && vote.state == State::Closed && vote.has_tripped {
            self.back_until = Some(tick.saturating_add(BACK));
        }
        self.was_up = is_up;
        if is_up {
            self.back_until = None;
        }
        self.back_until = self.back_until.filter(|until| tick < *until);
        let is_back = self.back_until.is_some();
        let standing = match vote.state {
            State::Isolated | State::Disabled => return None,
            _ if vote.observes_only => Standing::Watching,
            _ if is_up && self.has_lease(tick, vote.generation) => Standing::Probing,
            _ if is_up && self.has_probed(tick, vote.generation) => Standing::Probed,
            State::HalfOpen if vote.due_in.is_none() => Standing::HalfOpen,
            _ if is_up => Standing::Open,
            _ if is_back => Standing::Back,
            _ => Standing::Closed,
        };
        let has_something = vote.level > Level::NONE || standing == Standing::Back;
        has_something.then_some((vote.level, standing))
    }

    fn has_lease(&self, tick: u64, generation: u64) -> bool {
        let lease = self.lease;
        lease.is_some_and(|lease| lease.generation == generation && tick < lease.until)
    }

    fn has_probed(&self, tick: u64, generation: u64) -> bool {
        let lease = self.lease;
        lease.is_some_and(|lease| lease.generation != generation && tick < lease.lapses)
    }

    /// Whether nothing is to be remembered.
    pub(crate) fn is_over(&self) -> bool {
        !self.is_said && self.quiet >= QUIET && self.back_until.is_none() && !self.was_up
    }

    /// Whether the store may forget the suspicion: nobody who lives says anything.
    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet >= QUIET
    }

    /// Whether a vote of this process counts.
    pub(crate) fn is_juror(&mut self, roll: &Roll, me: &str, zone: &str, name: &str) -> bool {
        let jury = self.jury(roll, me, zone, name);
        jury.is_none_or(|jury| jury.contains(me))
    }

    /// Whether any peer is known to be back.
    pub(crate) fn knows_of_one_back(&self) -> bool {
        self.heard
            .values()
            .any(|heard| heard.is_fresh && heard.standing == Standing::Back)
    }

    fn jury(&mut self, roll: &Roll, me: &str, zone: &str, name: &str) -> Option<&BTreeSet<String>> {
        let version = roll.version;
        if self.jury.as_ref().is_none_or(|(of, _)| *of != version) {
            let living = roll.living().map(|(process, peer)| (process, &*peer.zone));
            let jury = super::jury::jury(name, living.chain([(me, zone)]));
            self.jury = Some((version, jury));
        }
        self.jury.as_ref().and_then(|(_, jury)| jury.as_ref())
    }

    /// Takes the votes that were read; says how many fields meant nothing. Whoever is not among the living is not heard.
    pub(crate) fn hear(
        &mut self,
        tick: u64,
        me: &str,
        roll: &Roll,
        fields: &[(String, String)],
    ) -> u64 {
        let (mut heard, mut strangers, mut ignored) = (BTreeMap::new(), BTreeMap::new(), 0);
        for (process, text) in fields.iter().take(MOST) {
            let (Some(process), Some(said)) = (wire::word(process), Said::read(text)) else {
                ignored += 1;
                continue;
            };
            if process == me {
                continue;
            }
            let Some(peer) = roll.find(process) else {
                let since = self.strangers.get(process).copied().unwrap_or(tick);
                strangers.insert(process.to_owned(), since);
                continue;
            };
            if peer.zone != said.zone {
                ignored += 1;
                continue;
            }
            let now = Heard::next(self.heard.get(process), peer, &said, tick);
            heard.insert(process.to_owned(), now);
        }
        self.heard = heard;
        self.strangers = strangers;
        ignored
    }

    /// Voters that have not been among the living for long, so that the store may forget what they said.
    pub(crate) fn gone(&self, tick: u64) -> impl Iterator<Item = &str> {
        let is_gone = move |since: u64| tick.saturating_sub(since) >= GONE;
        let gone = self
            .strangers
            .iter()
            .filter(move |(_, since)| is_gone(**since));
        gone.map(|(process, _)| &**process).take(SWEPT)
    }

    /// The store was away: what was heard may be old.
    pub(crate) fn forget(&mut self) {
        self.heard.clear();
        self.strangers.clear();
        self.credit = Credit::default();
    }

    /// What follows from what was heard.
    pub(crate) fn steps(&mut self, at: &Moment<'_>, mine: &Mine, random: &mut Random) -> Vec<Step> {
        let jury = self.jury(at.roll, at.me, at.zone, &mine.name).cloned();
        let (mut votes, mut tally) = (
            Votes::in_zone(at.zone),
            [Tally::default(), Tally::default()],
        );
        for (process, peer) in at.roll.living() {
            let is_near = peer.zone == *at.zone;
            let said = self
                .heard
                .get(process)
                .filter(|heard| heard.counts(at.tick));
            let is_juror = jury.as_ref().is_none_or(|jury| jury.contains(process));
            let level = said.map_or(Level::NONE, |heard| heard.level);
            if is_juror {
                votes.add(level, is_near);
            }
            for tally in tally.iter_mut().take(1 + usize::from(is_near)) {
                tally.add(said, is_juror, at.tick);
            }
        }
        let said_anything = tally[0].said > 0;
        self.quiet = if said_anything {
            0
        } else {
            self.quiet.saturating_add(1)
        };
        let mut steps = Vec::new();
        let credit = votes.credit();
        if mine.vote.takes_credit && (!credit.is_none() || !self.credit.is_none()) {
            steps.push(Step::Credit(credit));
        }
        self.credit = credit;
        steps.extend(self.follow(&tally[0], mine));
        let scope = if tally[1].living >= ZONE {
            &tally[1]
        } else {
            &tally[0]
        };
        if self.is_probed_for(scope) {
            steps.push(Step::PeerProbed);
        }
        steps.extend(self.probe(at, scope, mine, random));
        steps
    }

    /// Whether a peer probes for this process, too. Those who have the lease and no call to probe with are believed a few times.
    fn is_probed_for(&mut self, scope: &Tally) -> bool {
        if scope.probed > 0 {
            self.silent = 0;
            return true;
        }
        self.silent = self.silent.saturating_add(scope.took_lease);
        scope.probing > 0 && self.silent <= SILENT
    }

    fn follow(&mut self, all: &Tally, mine: &Mine) -> Option<Step> {
        let (open, of) = (all.up, all.jurors + 1);
        let is_majority = 2 * open > of;
        let is_new = is_majority && !self.has_followed;
        self.has_followed = is_majority && (self.has_followed || mine.follows);
        let is_closed = mine.vote.state == State::Closed;
        (is_new && mine.follows && is_closed).then_some(Step::Follow { open, of })
    }

    fn probe(
        &self,
        at: &Moment<'_>,
        scope: &Tally,
        mine: &Mine,
        random: &mut Random,
    ) -> Option<Step> {
        let due_in = mine
            .vote
            .due_in
            .filter(|_| mine.vote.is_up() && !mine.vote.observes_only)?;
        let is_bad_news = scope.fell > 0;
        if scope.back > 0 && !is_bad_news {
            // Whoever is not among those that come back now goes on by its own time: nobody need probe for the others any more.
            let comes_back = random.share() < scope.share_of_back();
            return comes_back.then(|| Step::ComeDue(random.up_to(at.pace)));
        }
        let is_soon = due_in < at.pace * 2;
        if !is_soon || self.has_lease(at.tick, mine.vote.generation) {
            return None;
        }
        Some(if is_bad_news {
            Step::PutOff(put_off(at.pace, mine, random))
        } else {
            Step::Lease
        })
    }
}

/// For how long a process that has no lease leaves the probing to another one.
pub(crate) fn put_off(pace: Duration, mine: &Mine, random: &mut Random) -> Duration {
    let timeout = mine.vote.probe_timeout;
    // It asks again before that is over. Spread, because all are put off at the same time, and nobody is once there is good news.
    (timeout / 4).max(pace * 3) + random.up_to(pace.max(timeout / 2))
}

/// When and where something is judged.
pub(crate) struct Moment<'a> {
    pub(crate) tick: u64,
    /// From one tick to the next.
    pub(crate) pace: Duration,
    pub(crate) me: &'a str,
    pub(crate) zone: &'static &'static str,
    pub(crate) roll: &'a Roll,
}

/// How many of the living are how.
#[derive(Debug, Default)]
struct Tally {
    living: usize,
    jurors: usize,
    said: usize,
    /// Jurors that are open or half-open, and reject.
    up: usize,
    back: usize,
    /// Of those that were back, they opened again a short while ago.
    fell: usize,
    probing: usize,
    probed: usize,
    /// Those that have the lease to probe since this tick.
    took_lease: u32,
}

impl Tally {
    fn add(&mut self, said: Option<&Heard>, is_juror: bool, tick: u64) {
        self.living += 1;
        self.jurors += usize::from(is_juror);
        let Some(heard) = said else { return };
        let standing = heard.standing;
        self.said += 1;
        self.up += usize::from(is_juror && standing.is_up());
        self.back += usize::from(standing == Standing::Back);
        self.probing += usize::from(standing == Standing::Probing);
        self.probed += usize::from(standing == Standing::Probed);
        self.took_lease += u32::from(heard.took_lease_at == Some(tick));
        let fell = |at: u64| tick.saturating_sub(at) < STILL;
        self.fell += usize::from(heard.fell_at.is_some_and(fell));
    }

    /// With what chance a process that is open comes due in this tick: an eighth of those that are back.
    ///
    /// So what comes back is a part of what the downstream carries already, slower than a cold cache warms, and it stops growing
    /// as soon as one falls back.
    fn share_of_back(&self) -> f64 {
        let many = |count: usize| u32::try_from(count).map_or(f64::MAX, f64::from);
        (many(self.back) / (8.0 * many(self.up + 1))).min(1.0)
    }
}

impl Heard {
    fn next(before: Option<&Self>, peer: &Peer, said: &Said<'_>, tick: u64) -> Self {
        let has_moved = match before {
            Some(before) => before.sequence != said.sequence,
            // Written since its process was last seen, or by one that was seen to move. What a store that stood still
            // has kept is neither.
            None => {
                said.sequence > peer.sequence || (peer.has_moved && said.sequence == peer.sequence)
            }
        };
        let was = before.map(|before| before.standing);
        let falls = was == Some(Standing::Back) && said.standing.is_up();
        let has_lease = said.standing == Standing::Probing;
        Self {
            sequence: said.sequence,
            moved_at: before.map_or(
                tick,
                |before| if has_moved { tick } else { before.moved_at },
            ),
            is_fresh: has_moved || before.is_some_and(|before| before.is_fresh),
            level: said.level,
            standing: said.standing,
            fell_at: if falls {
                Some(tick)
            } else {
                before.and_then(|before| before.fell_at)
            },
            took_lease_at: match before.and_then(|before| before.took_lease_at) {
                _ if !has_lease => None,
                Some(at) => Some(at),
                None => Some(tick),
            },
        }
    }

    fn counts(&self, tick: u64) -> bool {
        self.is_fresh && tick.saturating_sub(self.moved_at) < STILL
    }
}
