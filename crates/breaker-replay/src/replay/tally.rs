//! What a configuration would have done to a service.

use breaker_core::{Reason, State, Transition};

use super::outage::Outage;
use crate::input::Fate;

/// Half-open periods that are closer together than this part of the time since the trip are kept as one.
const FINENESS: u64 = 1000;

/// What a configuration would have done to one service.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    /// From closed to open.
    pub(crate) trips: u64,
    /// Calls refused; then those of them that succeeded and that failed in truth, and how long the latter took. Where the
    /// configuration trips on slow calls, these are as failures here and in what follows.
    pub(crate) rejected: u64,
    pub(crate) harm: u64,
    pub(crate) saved: u64,
    pub(crate) saved_nanos: u64,
    /// Of the saved ones, those of which the log says how long they took.
    pub(crate) saved_timed: u64,
    /// Failures that were let pass.
    pub(crate) waste: u64,
    /// Calls that succeeded and were slow, where that counts.
    pub(crate) slow: u64,
    /// Outages of failures and slow calls, where the configuration trips on slow ones.
    pub(crate) outages: Option<Vec<Outage>>,
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
    pub(crate) client: u16,
    pub(crate) reason: Reason,
    pub(crate) closed: Option<u64>,
    /// How often it opened again without having closed.
    pub(crate) reopened: u32,
    pub(crate) half_open: Vec<(u64, u64)>,
}

impl Tally {
    /// Of two clients of one service.
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.trips += other.trips;
        self.rejected += other.rejected;
        self.harm += other.harm;
        self.saved += other.saved;
        self.saved_nanos = self.saved_nanos.saturating_add(other.saved_nanos);
        self.saved_timed += other.saved_timed;
        self.waste += other.waste;
        self.episodes.extend(other.episodes);
        self
    }

    /// A call is refused that took so long, if that is known.
    pub(crate) fn reject(&mut self, fate: Fate, took: Option<u64>) {
        self.rejected += 1;
        match fate {
            Fate::Success => self.harm += 1,
            Fate::Failure => {
                self.saved += 1;
                self.saved_nanos = self.saved_nanos.saturating_add(took.unwrap_or(0));
                self.saved_timed += u64::from(took.is_some());
            }
            Fate::Ignored | Fate::Cancelled => {}
        }
    }

    #[cold]
    pub(crate) fn enter(&mut self, transition: Transition, at: u64, client: u16, room: &mut usize) {
        match (transition.from(), transition.to()) {
            (State::Closed, State::Open) => self.trip(transition.reason(), at, client, room),
            (_, State::HalfOpen) => self.half_open_since = at,
            (State::HalfOpen, to) => self.leave_half_open(to, at, room),
            _ => {}
        }
    }

    fn trip(&mut self, reason: Reason, at: u64, client: u16, room: &mut usize) {
        self.trips += 1;
        self.is_kept = *room > 0;
        if self.is_kept {
            *room -= 1;
            self.episodes.push(Episode {
                tripped: at,
                client,
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
