//! One configuration, over all services.

use breaker_core::{Checked, Transition, mix};

use super::{
    facts::MOST_OUTAGES,
    flight::{Event, What},
    machine::{Machine, Permit},
    outage::Outages,
    split::Split,
    tally::Tally,
};
use crate::input::Fate;

/// So many trips are kept in detail, of all services together; the others are only counted.
const DETAILED: usize = 20_000;

/// A configuration, and what it would have done.
pub(crate) struct Lane {
    config: Checked,
    /// Each service's, one for each client.
    circuits: Vec<Option<Box<Circuit>>>,
    clients: u16,
    /// By the places of the calls under way; `None` for a call that was refused.
    permits: Vec<Option<Permit>>,
    /// How many more trips and half-open periods may be kept, and outages.
    room: usize,
    outage_room: usize,
    /// Calls that take longer are as bad as failures, where the configuration trips on them.
    slow_after: Option<u64>,
    /// Of each service, with slow calls, where they count; and how many slow ones there were.
    outages: Vec<(Outages, u64)>,
    /// Harm and waste, before and after the mark.
    pub(crate) costs: Option<Split>,
}

struct Circuit {
    machine: Machine,
    tally: Tally,
}

impl Lane {
    /// With its trips in detail, over so many clients.
    pub(crate) fn detailed(config: Checked, clients: u16) -> Self {
        let slow_after = config.slow_after();
        Self {
            config,
            circuits: vec![],
            clients: clients.max(1),
            permits: vec![],
            room: DETAILED,
            outage_room: MOST_OUTAGES,
            slow_after: slow_after.map(|limit| limit.as_nanos().try_into().unwrap_or(u64::MAX)),
            outages: vec![],
            costs: None,
        }
    }

    /// With nothing but counts, and harm and waste before and after a mark.
    pub(crate) fn priced(config: Checked, clients: u16, split: Split) -> Self {
        Self {
            room: 0,
            costs: Some(split),
            ..Self::detailed(config, clients)
        }
    }

    /// Something happens, for whatever `watch` may be.
    #[inline]
    pub(crate) fn happens(&mut self, event: Event) {
        self.watched(event, |_, _| ());
    }

    /// As [`Lane::happens`]; `watch` is told of transitions, each with its service.
    // In one piece: what would be its parts borrow from everywhere.
    #[inline]
    pub(crate) fn watched(&mut self, event: Event, mut watch: impl FnMut(u32, Transition)) {
        let Event {
            at,
            service,
            client,
            place,
            ..
        } = event;
        let number = service * u32::from(self.clients) + u32::from(client);
        let circuit = circuit_of(&mut self.circuits, &self.config, number, at);
        let (config, tally, room) = (&self.config, &mut circuit.tally, &mut self.room);
        let origin = circuit.machine.origin();
        let tell = |transition: Transition| {
            watch(service, transition);
            let at = origin.saturating_add(transition.at().as_nanos());
            tally.enter(transition, at, client, room);
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
            What::End {
                fate,
                took,
                is_timed,
            } => {
                let seen = seen(fate, took, self.slow_after);
                let cost = match self.permits[place] {
                    Some(permit) => {
                        circuit.machine.record(config, permit, fate, took, at, tell);
                        circuit.tally.waste += u64::from(seen == Fate::Failure);
                        [0, u32::from(seen == Fate::Failure)]
                    }
                    None => {
                        circuit.tally.reject(seen, is_timed.then_some(took));
                        [u32::from(seen == Fate::Success), 0]
                    }
                };
                if let Some(costs) = self.costs.as_mut().filter(|_| cost != [0, 0]) {
                    costs.add(at, cost);
                }
                if self.slow_after.is_some() {
                    self.see_slow(service, at, fate, seen);
                }
            }
        }
    }

    /// A call's end, where slow calls are as bad as failures.
    fn see_slow(&mut self, service: u32, at: u64, fate: Fate, seen: Fate) {
        if !matches!(seen, Fate::Success | Fate::Failure) {
            return;
        }
        let place = service as usize;
        if place >= self.outages.len() {
            self.outages.resize_with(place + 1, Default::default);
        }
        let (outages, slow) = &mut self.outages[place];
        outages.see(at, seen == Fate::Failure, &mut self.outage_room);
        *slow += u64::from(seen != fate);
    }

    /// What it would have done to a service.
    pub(crate) fn take(&mut self, service: u32) -> Tally {
        let clients = usize::from(self.clients);
        let first = service as usize * clients;
        let circuits = self.circuits.iter_mut().skip(first).take(clients);
        let tallies = circuits
            .filter_map(Option::take)
            .map(|circuit| circuit.tally);
        let mut whole = tallies.reduce(Tally::and).unwrap_or_default();
        whole.episodes.sort_by_key(|episode| episode.tripped);
        if self.slow_after.is_some() {
            let found = self.outages.get_mut(service as usize).map(std::mem::take);
            let (outages, slow) = found.unwrap_or_default();
            (whole.outages, whole.slow) = (Some(outages.finish()), slow);
        }
        whole
    }
}

/// What became of a call, where one that took longer than this is as bad as a failure.
#[inline]
fn seen(fate: Fate, took: u64, slow_after: Option<u64>) -> Fate {
    match fate {
        Fate::Success if slow_after.is_some_and(|limit| took > limit) => Fate::Failure,
        fate => fate,
    }
}

#[inline]
fn circuit_of<'c>(
    circuits: &'c mut Vec<Option<Box<Circuit>>>,
    config: &Checked,
    number: u32,
    at: u64,
) -> &'c mut Circuit {
    let place = number as usize;
    if place >= circuits.len() {
        circuits.resize_with(place + 1, || None);
    }
    circuits[place].get_or_insert_with(|| {
        Box::new(Circuit {
            machine: Machine::new(config, seed(number), at),
            tally: Tally::default(),
        })
    })
}

/// Each circuit jitters in its own way, and the same in every run.
pub(crate) const fn seed(number: u32) -> u16 {
    mix(number as u64) as u16
}
