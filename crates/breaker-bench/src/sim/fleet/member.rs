//! One process: its circuit, and what its tick does with what the others say.

use std::time::Duration;

use breaker_core::{Command, Phase, State, Timestamp, Votes, mix};

use super::{
    board::{Board, Lease, STILL, Said, Standing, Tally},
    world::Case,
};
use crate::sim::machine::Machine;

/// How processes hear of each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Not at all.
    Local,
    /// They vote.
    Votes,
    /// Who opens opens all, and who closes closes all: what others do.
    Shared,
}

/// For so many ticks a process says that it has closed again.
const BACK: u64 = 30;
/// In a tick an eighth as many come due as are back: a cold cache takes longer to warm than a tick.
const GENTLY: f64 = 8.0;
/// So many peers in a row that have the lease and do not probe are waited for.
const SILENT: u32 = 3;
/// From one tick to the next.
pub const PACE: Duration = Duration::from_secs(1);

/// One process.
pub struct Member {
    /// Its circuit.
    pub machine: Machine,
    me: usize,
    back_until: u64,
    was_up: bool,
    /// The generation that has the lease to probe, which one probe uses up.
    lease: Option<u64>,
    leased_until: u64,
    /// So many peers had the lease since the last one that probed.
    silent: u32,
    /// With shared state: the verdict that it knows.
    knows: u64,
    /// For each tick another number.
    seed: u64,
}

impl Member {
    /// A process at its start.
    pub const fn new(machine: Machine, me: usize, seed: u64) -> Self {
        Self {
            machine,
            me,
            back_until: 0,
            was_up: false,
            lease: None,
            leased_until: 0,
            silent: 0,
            knows: 0,
            seed,
        }
    }

    /// The tick of a process: it says its own, and does what follows from what the others say.
    pub fn tick(&mut self, mode: Mode, board: &mut Board, tick: u64, now: Timestamp) {
        match mode {
            Mode::Local => {}
            Mode::Votes => {
                self.say(board, tick);
                if !board.is_quiet() {
                    self.hear(board, tick, now);
                }
            }
            Mode::Shared => self.share(board, now),
        }
    }

    fn say(&mut self, board: &mut Board, tick: u64) {
        let (breaker, rules) = self.machine.parts();
        let state = breaker.stored_state();
        let is_up = matches!(state, State::Open | State::HalfOpen);
        if self.was_up && !is_up {
            self.back_until = tick + BACK;
        }
        self.was_up = is_up;
        let standing = match is_up {
            true => Standing::Open,
            false if tick < self.back_until => Standing::Back,
            false => Standing::Closed,
        };
        let before = board.said[self.me];
        let lasts = rules.config.probe_timeout().as_secs().max(1);
        let lease = match self.lease {
            Some(of) if is_up && of == breaker.generation() && tick < self.leased_until => {
                match before.lease {
                    Lease::Unused { since } => Lease::Unused { since },
                    Lease::None | Lease::Used => Lease::Unused { since: tick },
                }
            }
            Some(of) if is_up && of != breaker.generation() && tick < self.leased_until + lasts => {
                Lease::Used
            }
            _ => Lease::None,
        };
        let fell = before.standing == Standing::Back && is_up;
        board.said[self.me] = Said {
            level: breaker.vote(rules),
            standing,
            fell_at: if fell { Some(tick) } else { before.fell_at },
            lease,
        };
    }

    fn hear(&mut self, board: &mut Board, tick: u64, now: Timestamp) {
        let zone = Case::zone(self.me);
        let is_near = |peer: usize| Case::zone(peer) == zone;
        let mut votes = Votes::default();
        for &peer in board.jurors.iter().filter(|peer| **peer != self.me) {
            votes.add(board.said[peer].level, is_near(peer));
        }
        let (breaker, _) = self.machine.parts();
        breaker.give_credit(votes.credit(), now.saturating_add(PACE * STILL as u32));
        if let Phase::Open { .. } = breaker.phase() {
            self.probe(board, tick, now);
        }
    }

    /// When an open circuit probes for certain.
    fn probe(&mut self, board: &mut Board, tick: u64, now: Timestamp) {
        let tally = board.tally_for(self.me, tick);
        let is_probed_for = self.is_probed_for(&tally);
        let is_bad_news = tally.fell > 0;
        let [chance, wait, spread] = [0, 1, 2].map(|what| self.share_of(tick, what));
        let (breaker, rules) = self.machine.parts();
        if is_probed_for {
            breaker.peer_probed(rules, now);
        }
        if tally.back > 0 && !is_bad_news {
            // Nobody is put off any more: each comes due in its own time, or sooner.
            if chance < tally.back as f64 / (GENTLY * tally.up as f64) {
                breaker.come_due(rules, PACE.mul_f64(wait), now);
            }
            return;
        }
        let due_in = breaker.half_open_in(rules, now).unwrap_or_default();
        let has_lease = self.lease == Some(breaker.generation()) && tick < self.leased_until;
        if due_in >= PACE * 2 || has_lease {
            return;
        }
        let timeout = rules.config.probe_timeout();
        let lasts = timeout.as_secs().max(1);
        // It lasts twice as long as it may be used: who calls seldom probes late, and the next one may probe early.
        if !is_bad_news && board.lease(Case::zone(self.me), tick, 2 * lasts) {
            (self.lease, self.leased_until) = (Some(breaker.generation()), tick + lasts);
        } else {
            let wait = (timeout / 4).max(PACE * 3) + PACE.mul_f64(spread);
            breaker.put_off(rules, wait, now);
        }
    }

    /// Whether a peer probes for this one, too.
    fn is_probed_for(&mut self, tally: &Tally) -> bool {
        if tally.probed > 0 {
            self.silent = 0;
            return true;
        }
        self.silent += tally.took_lease;
        tally.probing > 0 && self.silent <= SILENT
    }

    fn share(&mut self, board: &mut Board, now: Timestamp) {
        let known = self.knows;
        let (breaker, rules) = self.machine.parts();
        let is_up = matches!(breaker.stored_state(), State::Open | State::HalfOpen);
        if board.verdict.0 > known {
            let command = match (board.verdict.1, is_up) {
                (State::Open, false) => Some(Command::Trip(None)),
                (State::Closed, true) => Some(Command::Close),
                _ => None,
            };
            if let Some(command) = command {
                breaker.command(rules, command, now);
            }
        } else if is_up != (board.verdict.1 == State::Open) {
            let state = if is_up { State::Open } else { State::Closed };
            board.verdict = (board.verdict.0 + 1, state);
        }
        self.knows = board.verdict.0;
    }

    fn share_of(&self, tick: u64, what: u64) -> f64 {
        let bits = mix(mix(self.seed ^ mix(self.me as u64)) ^ mix(tick << 2 | what));
        (bits >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Whether the next call of an open circuit is a probe for certain.
    pub fn is_certain(&mut self, now: Timestamp) -> bool {
        let (breaker, rules) = self.machine.parts();
        matches!(breaker.phase(), Phase::Open { .. }) && breaker.half_open_in(rules, now).is_none()
    }
}
