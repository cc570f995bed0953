//! One fleet in one case.

use std::{cmp::Reverse, collections::BinaryHeap};

use breaker_core::{Config, Timestamp};

use super::{
    board::Board,
    member::{Member, Mode},
    sum::Sum,
    world::{Case, Downstream, ZONES},
};
use crate::sim::{
    machine::Machine,
    policy::Policy,
    random::{Random, Use},
    run::UnderWay,
};

struct Run {
    case: Case,
    mode: Mode,
    random: Random,
    downstream: Downstream,
    members: Vec<Member>,
    board: Board,
    under_way: BinaryHeap<Reverse<UnderWay>>,
    result: Sum,
    good_after: u64,
    calls_after: u64,
    probed: Probed,
}

/// When circuits went half-open.
#[derive(Default)]
struct Probed {
    /// The last certain probe of each zone, in seconds.
    certain: [Option<f64>; ZONES],
    /// The second that goes on, and how many in it.
    second: (u64, u64),
}

/// The number of a call's next try.
const NEXT_TRY: u64 = 1 << 48;
/// The default's.
const PROBE_TIMEOUT: f64 = 30.0;
/// In this span goodput is counted.
const AFTER: std::ops::Range<f64> = 105.0..405.0;

fn timestamp(seconds: f64) -> Timestamp {
    Timestamp::from_nanos((seconds * 1e9) as u64)
}

fn seconds(at: Timestamp) -> f64 {
    at.as_nanos() as f64 / 1e9
}

/// What comes of a fleet in which each process has these settings.
pub fn run(case: Case, mode: Mode, settings: Config, seed: u64) -> Sum {
    let random = Random::new(seed);
    let processes = case.scenario.traffic.clients as usize;
    let member = |me: usize| {
        Member::new(
            Machine::new(settings, (seed as usize + me) as u16),
            me,
            seed,
        )
    };
    let mut run = Run {
        case,
        mode,
        random,
        downstream: Downstream::new(case, random),
        members: (0..processes).map(member).collect(),
        board: Board::new(processes),
        under_way: BinaryHeap::new(),
        result: Sum::default(),
        good_after: 0,
        calls_after: 0,
        probed: Probed::default(),
    };
    let mut ticks = 0;
    for (call, now) in case.scenario.arrivals(random) {
        while tick_at(ticks, processes) <= now {
            run.end_until(timestamp(tick_at(ticks, processes)));
            run.tick(ticks);
            ticks += 1;
        }
        run.end_until(timestamp(now));
        run.calls_after += u64::from(AFTER.contains(&now));
        run.arrive(call, now);
    }
    run.finish()
}

/// Each process ticks once a second, one after another.
fn tick_at(tick: u64, processes: usize) -> f64 {
    (tick + 1) as f64 / processes as f64
}

impl Run {
    fn tick(&mut self, number: u64) {
        let processes = self.members.len() as u64;
        let now = timestamp(tick_at(number, self.members.len()));
        let process = (number % processes) as usize;
        self.members[process].tick(self.mode, &mut self.board, number / processes, now);
        if process == 0 && self.result.recovered == 0.0 {
            self.note_recovery(seconds(now));
        }
    }

    fn note_recovery(&mut self, now: f64) {
        let Some(since) = self.case.scenario.fault.well_since(now) else {
            return;
        };
        let closed = self
            .members
            .iter()
            .filter(|member| member.machine.is_closed())
            .count();
        if 10 * closed >= 9 * self.members.len() {
            self.result.recovered = now - since;
        }
    }

    fn arrive(&mut self, call: u64, now: f64) {
        let traffic = self.case.scenario.traffic;
        let process = traffic.client(call % NEXT_TRY, self.random);
        let draw = self.random.bits(call, Use::Draw) as u32;
        let member = &mut self.members[process];
        let (was_open, is_certain) = (member.machine.is_open(), member.is_certain(timestamp(now)));
        let Some(permit) = member.machine.admit(timestamp(now), draw) else {
            if !self.case.is_ill(process) && self.downstream.would_be_good(process, call, now) {
                self.result.good_refused += 1;
            }
            return;
        };
        let is_probe = member.machine.is_half_open();
        if was_open {
            self.note_probe(process, is_certain, now);
        }
        let made = self.downstream.call(process, call, now);
        self.result.failed += u64::from(made.failed);
        self.result.failed_probes += u64::from(made.failed && is_probe);
        self.under_way.push(Reverse(UnderWay {
            ends: timestamp(made.ends),
            call,
            permit,
            failed: made.failed,
        }));
    }

    /// An open circuit lets its first probe pass.
    fn note_probe(&mut self, process: usize, is_certain: bool, now: f64) {
        if self.case.scenario.fault.well_since(now).is_some() {
            let second = now as u64;
            let many = if self.probed.second.0 == second {
                self.probed.second.1 + 1
            } else {
                1
            };
            self.probed.second = (second, many);
            self.result.most_at_once = self.result.most_at_once.max(many);
        } else if is_certain && !self.board.is_anybody_back() {
            let last = &mut self.probed.certain[Case::zone(process)];
            self.result.certain += 1;
            self.result.too_many += u64::from(last.is_some_and(|last| now < last + PROBE_TIMEOUT));
            *last = Some(now);
        }
    }

    /// Ends the calls that end until then.
    fn end_until(&mut self, until: Timestamp) {
        while let Some(Reverse(first)) = self.under_way.peek()
            && first.ends <= until
            && let Some(Reverse(ended)) = self.under_way.pop()
        {
            let traffic = self.case.scenario.traffic;
            let process = traffic.client(ended.call % NEXT_TRY, self.random);
            let machine = &mut self.members[process].machine;
            machine.record(ended.permit, ended.failed, ended.ends);
            let now = seconds(ended.ends);
            self.good_after += u64::from(!ended.failed && AFTER.contains(&now));
            if ended.failed && ended.call / NEXT_TRY < self.case.scenario.fault.retries() {
                self.arrive(ended.call + NEXT_TRY, now);
            }
        }
    }

    fn finish(self) -> Sum {
        let trips = self
            .members
            .iter()
            .map(|member| member.machine.trips())
            .sum();
        Sum {
            runs: 1,
            trips,
            goodput: self.good_after as f64 / self.calls_after.max(1) as f64,
            ..self.result
        }
    }
}
