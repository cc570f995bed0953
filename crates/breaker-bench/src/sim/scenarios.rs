//! The scenarios, in groups.

use super::{
    server::Trouble,
    traffic::Traffic,
    world::{Fault, Scenario, USUAL},
};

/// Scenarios of one kind.
pub struct Group {
    /// What they have in common.
    pub name: &'static str,
    /// The scenarios.
    pub scenarios: Vec<Scenario>,
}

/// Quiet and steady for two hours, busy for a quarter of an hour.
const TRAFFIC: [Traffic; 3] = [
    Traffic::new(0.5, 7200.0),
    Traffic::new(10.0, 7200.0),
    Traffic::new(1000.0, 900.0),
];

const FAULTS: [Fault; 11] = [
    Fault::Steady(USUAL),
    Fault::Steady(0.05),
    Fault::Steady(0.10),
    Fault::BrownOut(0.30),
    Fault::BrownOut(0.60),
    Fault::BrownOut(0.90),
    outage(300.0, 10.0),
    outage(300.0, 60.0),
    outage(120.0, 600.0),
    Fault::Flapping,
    Fault::ColdCache,
];

const fn outage(from: f64, lasts: f64) -> Fault {
    Fault::Outage { from, lasts }
}

/// All of them. Those of the first group are every fault under every traffic.
pub fn groups() -> Vec<Group> {
    let group = |name, scenarios| Group { name, scenarios };
    vec![
        group("one client", every(&FAULTS, &TRAFFIC)),
        group("spells", spells()),
        group("one event", events()),
        group("quiet", quiet()),
        group("30 % for good", every(&[Fault::Steady(0.30)], &TRAFFIC)),
        group("after an outage", aftermath()),
        group("fleets", fleets()),
        group("fleets before a finite capacity", capacity()),
    ]
}

/// Those of all groups.
pub fn scenarios() -> Vec<Scenario> {
    groups()
        .into_iter()
        .flat_map(|group| group.scenarios)
        .collect()
}

fn every(faults: &[Fault], traffic: &[Traffic]) -> Vec<Scenario> {
    let under = |fault: Fault| {
        let with = move |traffic: &Traffic| Scenario {
            traffic: *traffic,
            fault,
        };
        traffic.iter().map(with)
    };
    faults.iter().copied().flat_map(under).collect()
}

/// Deploys, keys that cannot be served, and the like: over before a breaker helps.
fn spells() -> Vec<Scenario> {
    let spell = |lasts, every| Fault::Spells { lasts, every };
    let (often, seldom) = (spell(2.0, 60.0), spell(5.0, 600.0));
    let (few, many) = (
        Fault::Runs {
            calls: 20,
            every: 2000,
        },
        Fault::Runs {
            calls: 40,
            every: 1000,
        },
    );
    let [slow, steady, busy] = [
        Traffic::new(1.0, 7200.0),
        Traffic::new(10.0, 7200.0),
        Traffic::new(100.0, 1800.0),
    ];
    let mut all = every(&[often, seldom], &[slow, steady, busy]);
    all.extend(every(&[few, many], &[steady, busy]));
    all
}

/// One event that many calls meet, and an outage under the same traffic.
fn events() -> Vec<Scenario> {
    let events = |then| Fault::Events { every: 60.0, then };
    let (busy, busier) = (Traffic::new(1000.0, 600.0), Traffic::new(3000.0, 300.0));
    let fan_outs = Traffic::new(10.0, 7200.0).fan_out(20);
    let mut all = every(&[events(0.0), events(0.1)], &[busy, busier]);
    all.extend(every(&[outage(60.0, 60.0)], &[busier]));
    all.extend(every(
        &[Fault::FanOuts(50), outage(300.0, 60.0)],
        &[fan_outs],
    ));
    all
}

/// Ten hours of a call each ten seconds, and ten days of one each minute.
fn quiet() -> Vec<Scenario> {
    const HOUR: f64 = 3600.0;
    let tenth = Traffic::new(0.1, 10.0 * HOUR);
    let faults = [
        Fault::Steady(USUAL),
        Fault::Steady(0.10),
        outage(HOUR, HOUR / 6.0),
        outage(HOUR, 2.0 * HOUR),
    ];
    let mut all = every(&faults, &[tenth]);
    let minute = Traffic::new(1.0 / 60.0, 240.0 * HOUR);
    let faults = [
        faults[0],
        outage(24.0 * HOUR, HOUR),
        outage(24.0 * HOUR, 24.0 * HOUR),
    ];
    all.extend(every(&faults, &[minute]));
    all
}

/// What remains of an outage: a circuit that has closed again must not trip over it.
fn aftermath() -> Vec<Scenario> {
    let faults = [0.05, 0.10].map(Fault::Aftermath);
    let fleet = Traffic::new(100.0, 1800.0).of(100);
    let [quiet, steady, busy] = TRAFFIC;
    every(&faults, &[quiet, steady, busy, fleet])
}

/// Several clients that meet the same, each with a circuit of its own.
fn fleets() -> Vec<Scenario> {
    let busy = Traffic::new(1000.0, 900.0);
    let clients = [10, 100, 1000].map(|clients| busy.of(clients));
    let mut all = every(&[Fault::ColdCache], &clients);
    let quiet = Traffic::new(100.0, 1800.0).of(1000);
    all.extend(every(
        &[outage(300.0, 60.0), outage(300.0, 600.0), Fault::ColdCache],
        &[quiet],
    ));
    all
}

fn capacity() -> Vec<Scenario> {
    let traffic = [1, 10, 100, 1000].map(|clients| Traffic::new(1000.0, 420.0).of(clients));
    every(&Trouble::ALL.map(Fault::Capacity), &traffic)
}
