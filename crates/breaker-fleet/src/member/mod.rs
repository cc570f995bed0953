//! One process of the fleet, as plain data: what it writes and asks for, and what it makes of the answers. It has no clock and does no input or
//! output, so that many of them can be tested in no time.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

pub(crate) mod jury;
pub(crate) mod orders;
pub(crate) mod random;
pub(crate) mod roll;
mod suspicions;
#[cfg(test)]
mod tests;
pub(crate) mod watched;

use breaker_layer::{State, fleet::Level};

use self::{
    orders::Orders,
    random::Random,
    roll::Roll,
    suspicions::Suspicions,
    watched::{Lease, Moment, Step, Watched},
};
use crate::{
    order::Kept,
    store::{self, Answer, Put, Read, Report, View},
    wire::{self, Keys, STAMP, Said, Standing},
};

/// So many circuits are voted on by one process at a time, those with the most against them, and as many are heard.
const CIRCUITS: usize = 256;
/// More suspicions are not read.
const HOT: usize = 1024;
/// A hash that nobody has written for so long ends. Only so that nothing is left behind for ever.
const KEEP: Duration = Duration::from_secs(3600);
/// So many ticks pass before the end of a hash is put off once more.
const RENEWED: u64 = 30;
/// So many pass before a process tells once more which orders it has done: in the longest ticks this is within [`KEEP`].
const RETOLD: u64 = 10 * RENEWED;
/// For so many ticks circuits have their turn that are too many to be heard.
const TURN: u64 = 32;
/// So many fields are removed in a tick, and some.
const SWEPT: usize = 64;

/// A circuit of this process that has something against its downstream, or that somebody speaks of, as the tick finds it.
#[derive(Clone, Debug)]
pub(crate) struct Mine {
    /// As it is written.
    pub(crate) name: String,
    pub(crate) vote: Vote,
    /// Whether a majority that is open makes it half-open.
    pub(crate) follows: bool,
}

/// As the circuit's own, so that a test can make one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Vote {
    pub(crate) level: Level,
    pub(crate) state: State,
    pub(crate) observes_only: bool,
    pub(crate) takes_credit: bool,
    pub(crate) due_in: Option<Duration>,
    pub(crate) probe_timeout: Duration,
    pub(crate) generation: u64,
    pub(crate) has_tripped: bool,
}

impl Vote {
    /// Whether it is open or half-open by what the downstream did. What an operator did is nobody's evidence.
    pub(crate) fn is_up(self) -> bool {
        let is_open = self.due_in.is_some() || matches!(self.state, State::Open | State::HalfOpen);
        is_open && self.level > Level::NONE
    }
}

impl From<breaker_layer::fleet::Vote> for Vote {
    fn from(vote: breaker_layer::fleet::Vote) -> Self {
        Self {
            level: vote.level,
            state: vote.state,
            observes_only: vote.observes_only,
            takes_credit: vote.takes_credit,
            due_in: vote.due_in,
            probe_timeout: vote.probe_timeout.min(LONGEST_PROBE),
            generation: vote.generation,
            has_tripped: vote.has_tripped,
        }
    }
}

/// No probe is waited for longer by the fleet, whatever the circuit does: a lease is to end, also where probes end by themselves.
const LONGEST_PROBE: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) keys: Keys,
    pub(crate) me: String,
    pub(crate) zone: &'static &'static str,
    pace: Duration,
    /// How many ticks there were: the sequence of this process.
    tick: u64,
    pub(crate) roll: Roll,
    pub(crate) orders: Orders,
    pub(crate) watched: BTreeMap<String, Watched>,
    /// The circuits under suspicion; once it was looked for them, those that this process has.
    hot: BTreeSet<String>,
    stamp: Option<String>,
    /// What the reads of the report under way are for.
    asked: Vec<Asked>,
    /// What this process has against those that it votes on in this tick.
    levels: BTreeMap<String, Level>,
    /// The circuits whose votes were read in this tick.
    heard: BTreeSet<String>,
    /// The circuits of which this process takes its vote back.
    taken_back: Vec<String>,
    /// The suspicions that nobody who lives has.
    cold: Vec<String>,
    /// How long each suspicion stands still, whoever has it.
    suspicions: Suspicions,
    /// Those that were left behind, and what is none.
    left_over: Vec<String>,
    /// Orders whose doing is to be told.
    applied: Vec<String>,
    /// What meant nothing.
    pub(crate) ignored: u64,
    pub(crate) random: Random,
}

#[derive(Clone, Debug, PartialEq)]
enum Asked {
    Hot,
    Stamp,
    Living,
    Circuit(String),
    Orders,
    Left(String),
}

impl Member {
    pub(crate) fn new(
        namespace: &str,
        me: String,
        zone: &str,
        pace: Duration,
        random: Random,
    ) -> Self {
        Self {
            keys: Keys::new(namespace),
            me,
            zone: wire::kept_for_ever(zone),
            pace,
            tick: 0,
            roll: Roll::default(),
            orders: Orders::default(),
            watched: BTreeMap::new(),
            hot: BTreeSet::new(),
            stamp: None,
            asked: Vec::new(),
            levels: BTreeMap::new(),
            heard: BTreeSet::new(),
            taken_back: Vec::new(),
            cold: Vec::new(),
            suspicions: Suspicions::default(),
            left_over: Vec::new(),
            applied: Vec::new(),
            ignored: 0,
            random,
        }
    }

    /// Begins a tick: what this process says, and what it wants to know.
    pub(crate) fn report(&mut self, mine: &[Mine]) -> Report {
        self.tick = self.tick.saturating_add(1);
        self.heard.clear();
        let mut report = Report::default();
        let renews = self.tick % RENEWED == 1;
        report.puts.push(Put {
            hash: self.keys.living(),
            field: self.me.clone(),
            value: format!("{}:{}", self.zone, self.tick),
            keep: renews.then_some(KEEP),
        });
        if self.tick % RETOLD == 1 {
            let in_force = self.orders.in_force().map(|kept| kept.id.clone());
            self.applied = in_force.collect();
        }
        for order in &self.applied {
            let (hash, field) = (self.keys.applied(order), self.me.clone());
            let (value, keep) = (self.tick.to_string(), Some(KEEP));
            report.puts.push(Put {
                hash,
                field,
                value,
                keep,
            });
        }
        self.say(mine, &mut report);
        self.sweep(&mut report);
        self.ask(&mut report);
        report
    }

    /// Votes on the circuits with the most against them, and takes back what no longer holds.
    fn say(&mut self, mine: &[Mine], report: &mut Report) {
        let tick = self.tick;
        let mut said = Vec::new();
        for mine in mine {
            let watched = self.watched.entry(mine.name.clone()).or_default();
            if let Some((level, standing)) = watched.says(tick, mine) {
                said.push((level, standing, &*mine.name));
            }
        }
        // Of equals all processes choose the same, so that their votes meet.
        said.sort_by_key(|(level, _, name)| (Reverse(*level), jury::hash("", name)));
        said.truncate(CIRCUITS);
        self.levels = said
            .iter()
            .map(|(level, _, name)| ((*name).to_owned(), *level))
            .collect();
        let mut voted = BTreeSet::new();
        for (level, standing, name) in said {
            let Some(watched) = self.watched.get_mut(name) else {
                continue;
            };
            let is_news = match standing {
                Standing::Back => !watched.knows_of_one_back(),
                // One a zone.
                Standing::Probing | Standing::Probed => true,
                Standing::Closed | Standing::Open | Standing::HalfOpen | Standing::Watching => {
                    false
                }
            };
            if !watched.is_juror(&self.roll, &self.me, self.zone, name) && !is_news {
                continue;
            }
            watched.is_said = true;
            voted.insert(name.to_owned());
            let renews = tick % RENEWED == 1;
            let said = Said {
                zone: self.zone,
                level,
                sequence: tick,
                standing,
            };
            let put = |hash, value, keep| Put {
                hash,
                field: self.me.clone(),
                value,
                keep,
            };
            report
                .puts
                .push(put(self.keys.circuit(name), said.write(), Some(KEEP)));
            if renews || !self.hot.contains(name) {
                let hot = put(self.keys.hot(), tick.to_string(), Some(KEEP));
                report.puts.push(Put {
                    field: name.to_owned(),
                    ..hot
                });
            }
        }
        let is_old =
            |(name, watched): &(&String, &Watched)| watched.is_said && !voted.contains(*name);
        self.taken_back = self
            .watched
            .iter()
            .filter(is_old)
            .map(|(name, _)| name.clone())
            .collect();
        for name in &self.taken_back {
            report
                .removes
                .push((self.keys.circuit(name), self.me.clone()));
        }
    }

    /// Removes what nobody who lives has left.
    fn sweep(&mut self, report: &mut Report) {
        for (name, watched) in &self.watched {
            let hash = self.keys.circuit(name);
            let gone = watched
                .gone(self.tick)
                .map(|process| (hash.clone(), process.to_owned()));
            report.removes.extend(gone);
        }
        let is_said = |name: &&String| self.watched.get(*name).is_some_and(|it| it.is_said);
        let cold = self.cold.iter().filter(|name| !is_said(name));
        let hot = |name: &String| (self.keys.hot(), name.clone());
        report.removes.extend(cold.map(hot));
        let over = std::mem::take(&mut self.orders.over).into_iter();
        report
            .removes
            .extend(over.map(|field| (self.keys.orders(), field)));
        // What all see, one removes.
        let living = u32::try_from(self.roll.living().count()).unwrap_or(u32::MAX);
        if self.random.share() * (f64::from(living) + 1.0) >= 1.0 {
            return;
        }
        let left_over = self.left_over.iter().filter(|name| !is_said(name));
        report.removes.extend(left_over.take(SWEPT).map(hot));
        let ids = &self.orders.ids;
        let at_once = (SWEPT / (1 + ids.len())).max(1);
        for process in self.roll.gone(self.tick).take(at_once) {
            let applied = ids.iter().map(|id| self.keys.applied(id));
            let hashes = applied.chain([self.keys.living()]);
            let fields = hashes.map(|hash| (hash, process.to_owned()));
            report.removes.extend(fields);
        }
    }

    fn ask(&mut self, report: &mut Report) {
        self.asked = vec![Asked::Hot, Asked::Stamp];
        self.ask_circuits();
        // Soon after its start, too: others start with it.
        let matters = self.matters() || self.tick <= 2 * roll::STILL;
        if self.roll.is_old(self.tick, matters) {
            self.asked.push(Asked::Living);
        }
        if self.orders.is_news(None) {
            self.asked.push(Asked::Orders);
        }
        report.reads = self.reads();
    }

    /// Votes are read before the living: what was written since those were last read is new.
    fn ask_circuits(&mut self) {
        let spoken_of = self.watched.iter().filter(|(_, watched)| watched.is_said);
        let spoken_of = spoken_of.map(|(name, _)| name).chain(&self.hot);
        let wanted: BTreeSet<&String> = spoken_of
            .filter(|name| !self.heard.contains(*name))
            .collect();
        let mut wanted: Vec<_> = wanted.into_iter().cloned().collect();
        let room = CIRCUITS.saturating_sub(self.heard.len());
        if wanted.len() > room {
            // One half are the worst for this process, the other half any in their turn.
            let level = |name: &String| self.levels.get(name).copied().unwrap_or_default();
            wanted.sort_by_key(|name| (Reverse(level(name)), jury::hash("", name)));
            let rest = &mut wanted[room / 2..];
            rest.sort_by_key(|name| jury::hash("", name));
            let (turn, half) = (self.tick / TURN, room - room / 2);
            let first = usize::try_from(turn).unwrap_or_default().wrapping_mul(half);
            rest.rotate_left(first % rest.len().max(1));
            wanted.truncate(room);
        }
        self.heard.extend(wanted.iter().cloned());
        self.asked.extend(wanted.into_iter().map(Asked::Circuit));
    }

    fn matters(&self) -> bool {
        !self.hot.is_empty() || !self.heard.is_empty()
    }

    fn reads(&self) -> Vec<Read> {
        let hash = |hash, most| Read::Hash { hash, most };
        let read = |asked: &Asked| match asked {
            Asked::Hot => hash(self.keys.hot(), HOT),
            // It has one field. Strangers may have put some there, too.
            Asked::Stamp => hash(self.keys.stamp(), 8),
            Asked::Living => hash(self.keys.living(), roll::MOST),
            Asked::Circuit(name) => hash(self.keys.circuit(name), watched::MOST),
            Asked::Orders => hash(self.keys.orders(), orders::MOST),
            Asked::Left(order) => Read::Left(self.keys.until(order)),
        };
        self.asked.iter().map(read).collect()
    }

    /// Takes the answers, in the order in which they were asked for.
    pub(crate) fn view(&mut self, now: Duration, view: View) {
        self.ignored = self.ignored.saturating_add(view.ignored);
        self.applied.clear();
        self.cold.clear();
        for name in std::mem::take(&mut self.taken_back) {
            if let Some(watched) = self.watched.get_mut(&name) {
                watched.is_said = false;
            }
        }
        let asked = std::mem::take(&mut self.asked);
        for (asked, answer) in asked.into_iter().zip(view.answers) {
            let ignored = match (asked, answer) {
                (Asked::Hot, Answer::Fields(fields)) => self.heat(fields),
                (Asked::Stamp, Answer::Fields(fields)) => self.take_stamp(&fields),
                (Asked::Living, Answer::Fields(fields)) => {
                    self.roll.read(&self.me, self.tick, &fields)
                }
                (Asked::Circuit(name), Answer::Fields(fields)) => {
                    let watched = self.watched.entry(name).or_default();
                    watched.hear(self.tick, &self.me, &self.roll, &fields)
                }
                (Asked::Orders, Answer::Fields(fields)) => {
                    self.orders.read(self.stamp.as_deref(), self.zone, &fields)
                }
                (Asked::Left(order), Answer::Left(left)) => {
                    self.orders.left(&order, now, left);
                    0
                }
                _ => 1,
            };
            self.ignored = self.ignored.saturating_add(ignored);
        }
    }

    /// Which circuits are under suspicion.
    fn heat(&mut self, fields: Vec<(String, String)>) -> u64 {
        let mut ignored = 0;
        self.hot.clear();
        self.left_over = self.suspicions.read(self.tick, &fields);
        for (name, _) in fields.into_iter().take(HOT) {
            if wire::parts(&name).is_some() {
                self.hot.insert(name);
            } else {
                self.left_over.push(name);
                ignored += 1;
            }
        }
        ignored
    }

    fn take_stamp(&mut self, fields: &[(String, String)]) -> u64 {
        let stamp = fields.iter().find(|(name, _)| name == STAMP);
        self.stamp = stamp.and_then(|(_, text)| wire::word(text).map(str::to_owned));
        u64::from(self.stamp.is_none() && !fields.is_empty())
    }

    /// The circuits that this process has to look for, because somebody speaks of them.
    pub(crate) fn spoken_of(&self) -> BTreeSet<String> {
        self.hot
            .iter()
            .chain(self.watched.keys())
            .cloned()
            .collect()
    }

    /// What the answers make this process ask at once, so that news does not wait for the next tick.
    pub(crate) fn more(&mut self, mine: &[Mine]) -> Option<Report> {
        // Circuits that this process does not have are nothing to it.
        let names: BTreeSet<&str> = mine.iter().map(|mine| &*mine.name).collect();
        self.hot.retain(|name| names.contains(&**name));
        let was_nothing_heard = self.heard.is_empty();
        self.ask_circuits();
        if was_nothing_heard && self.matters() && self.roll.is_old(self.tick, true) {
            self.asked.push(Asked::Living);
        }
        if self.orders.is_news(self.stamp.as_deref()) {
            self.asked.push(Asked::Orders);
        }
        let unasked = self.orders.unasked().take(CIRCUITS);
        let unasked: Vec<_> = unasked.map(|order| Asked::Left(order.to_owned())).collect();
        self.asked.extend(unasked);
        let reads = self.reads();
        (!reads.is_empty()).then(|| Report {
            reads,
            ..Report::default()
        })
    }

    /// What follows, for each circuit whose votes were read in this tick.
    pub(crate) fn steps(&mut self, mine: &[Mine]) -> Vec<(usize, Step)> {
        let (mut steps, mut there) = (Vec::new(), BTreeSet::new());
        let moment = Moment {
            tick: self.tick,
            pace: self.pace,
            me: &self.me,
            zone: self.zone,
            roll: &self.roll,
        };
        for (at, mine) in mine.iter().enumerate() {
            if !self.heard.contains(&mine.name) {
                continue;
            }
            there.insert(&*mine.name);
            if let Some(watched) = self.watched.get_mut(&mine.name) {
                let next = watched.steps(&moment, mine, &mut self.random);
                steps.extend(next.into_iter().map(|step| (at, step)));
            }
        }
        let heard = &self.heard;
        let cold = self.watched.iter().filter(|(name, it)| {
            it.is_quiet() && heard.contains(*name) && self.hot.contains(*name)
        });
        self.cold = cold.map(|(name, _)| name.clone()).collect();
        self.watched.retain(|name, watched| {
            let is_kept = watched.is_said || (heard.contains(name) && there.contains(&**name));
            is_kept && !watched.is_over()
        });
        steps
    }

    /// The lease to probe.
    pub(crate) fn lease(&self, mine: &Mine) -> store::Lease {
        store::Lease {
            name: self.keys.probe(self.zone, &mine.name),
            lasts: mine.vote.probe_timeout.saturating_mul(2),
        }
    }

    /// Whether it was got. If not, the probe is put off for so long.
    pub(crate) fn leased(&mut self, mine: &Mine, is_got: bool) -> Option<Duration> {
        if !is_got {
            return Some(watched::put_off(self.pace, mine, &mut self.random));
        }
        let ticks = mine.vote.probe_timeout.as_nanos() / self.pace.as_nanos().max(1);
        let ticks = u64::try_from(ticks).unwrap_or(u64::MAX);
        let until = self.tick.saturating_add(ticks);
        if let Some(watched) = self.watched.get_mut(&mine.name) {
            watched.lease = Some(Lease {
                generation: mine.vote.generation,
                until,
                lapses: until.saturating_add(ticks),
            });
        }
        None
    }

    /// An order was done.
    pub(crate) fn did(&mut self, order: &Kept) {
        self.orders.done(&order.id);
        if self.applied.len() < orders::MOST {
            self.applied.push(order.id.clone());
        }
    }

    /// The store has been away for so long that what was heard is old.
    pub(crate) fn lost(&mut self) {
        self.roll.forget();
        self.orders.forget();
        self.hot.clear();
        self.suspicions = Suspicions::default();
        self.left_over.clear();
        self.heard.clear();
        self.watched.values_mut().for_each(Watched::forget);
    }
}

/// For how long an order is kept.
pub(crate) const fn order_keep() -> Duration {
    Duration::from_secs(100 * 24 * 3600)
}
