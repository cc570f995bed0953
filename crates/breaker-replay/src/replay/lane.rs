//! One configuration, over all services.

use breaker_core::{Checked, Reason, State, Transition, machine::mix};

use super::{
    flight::{Event, What},
    machine::{Machine, Permit},
    series::Series,
};
use crate::input::Fate;

/// So many trips are kept in detail, of all services together; the others are only counted.
const DETAILED: usize = 20_000;
/// Half-open periods that are closer together than this part of the time since the trip are kept as one.
const FINENESS: u64 = 1000;

/// A configuration, and what it would have done.
pub(crate) struct Lane {
    config: Checked,
    circuits: Vec<Option<Circuit>>,
    /// By the places of the calls under way; `None` for a call that was refused.
    permits: Vec<Option<Permit>>,
    /// How many more trips and half-open periods may be kept.
    room: usize,
    /// Harm and waste over time.
    pub(crate) costs: Option<Series>,
}

struct Circuit {
    machine: Machine,
    tally: Tally,
}

/// What a configuration would have done to one service.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    /// From closed to open.
    pub(crate) trips: u64,
    /// Calls refused; then those of them that succeeded and that failed in truth, and how long the latter took.
    pub(crate) rejected: u64,
    pub(crate) harm: u64,
    pub(crate) saved: u64,
    pub(crate) saved_nanos: u64,
    /// Failures that were let pass.
    pub(crate) waste: u64,
    /// The trips, as far as there was room.
    pub(crate) episodes: Vec<Episode>,
    /// Whether the present episode is the last of `episodes`.
    is_kept: bool,
    half_open_since: u64,
}

/// From a trip until the circuit closes.
#[derive(Clone, Debug)]
pub(crate) struct Episode {
    pub(crate) tripped: u64,
    pub(crate) reason: Reason,
    pub(crate) closed: Option<u64>,
    /// How often it opened again without having closed.
    pub(crate) reopened: u32,
    pub(crate) half_open: Vec<(u64, u64)>,
}

impl Lane {
    /// With its trips in detail.
    pub(crate) const fn detailed(config: Checked) -> Self {
        Self {
            config,
            circuits: vec![],
            permits: vec![],
            room: DETAILED,
            costs: None,
        }
    }

    /// With nothing but counts, and harm and waste over time.
    pub(crate) fn priced(config: Checked) -> Self {
        Self {
            room: 0,
            costs: Some(Series::default()),
            ..Self::detailed(config)
        }
    }

    /// Something happens, for whatever `watch` may be.
    #[inline]
    pub(crate) fn happens(&mut self, event: Event) {
        self.watched(event, |_, _| ());
    }

    /// As [`Lane::happens`]; `watch` is told of transitions, each with its service.
    #[inline]
    pub(crate) fn watched(&mut self, event: Event, mut watch: impl FnMut(u32, Transition)) {
        let Event {
            at, service, place, ..
        } = event;
        let circuit = circuit_of(&mut self.circuits, &self.config, service, at);
        let (config, tally, room) = (&self.config, &mut circuit.tally, &mut self.room);
        let origin = circuit.machine.origin();
        let tell = |transition: Transition| {
            watch(service, transition);
            tally.enter(
                transition,
                origin.saturating_add(transition.at().as_nanos()),
                room,
            );
        };
        let place = place as usize;
        match event.what {
            What::Start => {
                let permit = circuit.machine.admit(config, at, tell);
                if place >= self.permits.len() {
                    self.permits.resize(place + 1, None);
                }
                self.permits[place] = permit;
            }
            What::End { fate, took, .. } => match self.permits[place] {
                Some(permit) => {
                    circuit.machine.record(config, permit, fate, took, at, tell);
                    if fate == Fate::Failure {
                        circuit.tally.waste += 1;
                        self.cost(at, [0, 1]);
                    }
                }
                None => {
                    circuit.tally.reject(fate, took);
                    if fate == Fate::Success {
                        self.cost(at, [1, 0]);
                    }
                }
            },
        }
    }

    fn cost(&mut self, at: u64, cost: [u32; 2]) {
        if let Some(costs) = &mut self.costs {
            costs.add(at, cost);
        }
    }

    /// What it would have done to a service.
    pub(crate) fn take(&mut self, service: u32) -> Tally {
        let circuit = self.circuits.get_mut(service as usize);
        let tally = circuit.and_then(|circuit| circuit.as_mut().map(|circuit| &mut circuit.tally));
        tally.map(std::mem::take).unwrap_or_default()
    }
}

#[inline]
fn circuit_of<'c>(
    circuits: &'c mut Vec<Option<Circuit>>,
    config: &Checked,
    service: u32,
    at: u64,
) -> &'c mut Circuit {
    let place = service as usize;
    if place >= circuits.len() {
        circuits.resize_with(place + 1, || None);
    }
    circuits[place].get_or_insert_with(|| Circuit {
        machine: Machine::new(config, seed(service), at),
        tally: Tally::default(),
    })
}

/// Each service's circuit jitters in its own way, and the same in every run.
pub(crate) const fn seed(service: u32) -> u16 {
    mix(service as u64) as u16
}

impl Tally {
    fn reject(&mut self, fate: Fate, took: u64) {
        self.rejected += 1;
        match fate {
            Fate::Success => self.harm += 1,
            Fate::Failure => {
                self.saved += 1;
                self.saved_nanos = self.saved_nanos.saturating_add(took);
            }
            Fate::Ignored | Fate::Cancelled => {}
        }
    }

    #[cold]
    fn enter(&mut self, transition: Transition, at: u64, room: &mut usize) {
        match (transition.from(), transition.to()) {
            (State::Closed, State::Open) => self.trip(transition.reason(), at, room),
            (_, State::HalfOpen) => self.half_open_since = at,
            (State::HalfOpen, to) => self.leave_half_open(to, at, room),
            _ => {}
        }
    }

    fn trip(&mut self, reason: Reason, at: u64, room: &mut usize) {
        self.trips += 1;
        self.is_kept = *room > 0;
        if self.is_kept {
            *room -= 1;
            self.episodes.push(Episode {
                tripped: at,
                reason,
                closed: None,
                reopened: 0,
                half_open: vec![],
            });
        }
    }

    fn leave_half_open(&mut self, to: State, at: u64, room: &mut usize) {
        let since = self.half_open_since;
        let Some(episode) = self.episodes.last_mut().filter(|_| self.is_kept) else {
            return;
        };
        let gap = (since - episode.tripped.min(since)) / FINENESS;
        match episode.half_open.last_mut() {
            Some((_, end)) if since.saturating_sub(*end) <= gap || *room == 0 => *end = at,
            _ => {
                *room = room.saturating_sub(1);
                episode.half_open.push((since, at));
            }
        }
        if to == State::Closed {
            episode.closed = Some(at);
        } else {
            episode.reopened += 1;
        }
    }
}
