//! The downstream as each process meets it.

use crate::sim::{
    random::{Random, Use},
    world::{Fault, Made, Scenario, World},
};

/// For whom every call fails besides, from 60 s on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sick {
    /// Nobody.
    Nobody,
    /// The first of three zones.
    Zone,
    /// The first process.
    Process,
}

/// What the processes meet.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// The calls of all, and what fails for all.
    pub scenario: Scenario,
    /// What fails besides.
    pub sick: Sick,
}

/// There are so many zones; processes are in them by turns.
pub const ZONES: usize = 3;
/// When what is sick falls ill.
const ILL_FROM: f64 = 60.0;

impl Case {
    /// Whether every call of this process fails at this time.
    pub fn is_sick(&self, process: usize, now: f64) -> bool {
        now >= ILL_FROM && self.is_ill(process)
    }

    /// Whether it falls ill at some time.
    pub const fn is_ill(&self, process: usize) -> bool {
        match self.sick {
            Sick::Nobody => false,
            Sick::Zone => process.is_multiple_of(ZONES),
            Sick::Process => process == 0,
        }
    }

    /// The zone of a process.
    pub const fn zone(process: usize) -> usize {
        process % ZONES
    }
}

/// The downstream of one simulation.
pub struct Downstream {
    case: Case,
    random: Random,
    world: World,
}

impl Downstream {
    /// The downstream at the start.
    pub fn new(case: Case, random: Random) -> Self {
        Self {
            case,
            random,
            world: World::new(case.scenario, random),
        }
    }

    /// A call is made.
    pub fn call(&mut self, process: usize, call: u64, now: f64) -> Made {
        let made = self.world.call(call, now);
        Made {
            failed: made.failed || self.case.is_sick(process, now),
            ..made
        }
    }

    /// Whether a call that was refused would have been good, where that does not depend on the others.
    pub fn would_be_good(&mut self, process: usize, call: u64, now: f64) -> bool {
        if let Fault::Capacity(_) | Fault::ColdCache = self.case.scenario.fault {
            return false;
        }
        let luck = self.random.unit(call, Use::Luck);
        luck >= self.world.failure_ratio(call, now) && !self.case.is_sick(process, now)
    }
}
