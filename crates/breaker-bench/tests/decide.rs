//! The default decides as well as it claims. `decide` shows the whole; this is what a test can afford.

use breaker_bench::sim::{
    judge::{Scores, budget},
    policy::Kind,
    scenarios::{Group, groups},
    world::{Fault, Scenario},
};

/// Busy clients meet only the faults that tell the policies apart most.
fn is_affordable(scenario: &Scenario) -> bool {
    let clients = scenario.traffic.clients;
    let tells = match scenario.fault {
        Fault::Steady(0.10) | Fault::Flapping => true,
        Fault::ColdCache => clients < 1000,
        Fault::Aftermath(_) if clients > 1 => return false,
        _ => false,
    };
    scenario.traffic.rate < 1000.0 && clients < 1000 || tells
}

/// A fleet before a finite capacity is for `decide`: its bar does not hold for clients of a call a second, nor for each cold cache.
/// So is the fleet after an outage of 60 s, which is as long as gobreaker's wait: the default is up to 0.012 a call behind that preset.
#[test]
fn the_default_decides_as_well_as_it_claims() {
    let kinds = [Kind::Default, Kind::Preset, Kind::NoBreaker];
    for (number, Group { name, scenarios }) in groups().into_iter().enumerate() {
        let scenarios: Vec<_> = scenarios.into_iter().filter(is_affordable).collect();
        if scenarios.is_empty() {
            continue;
        }
        let scores = Scores::of(Group { name, scenarios }, &(5000..5003), &kinds);
        let of_sums = match number {
            0 => scores.bars_of_sums(),
            _ => vec![],
        };
        for bar in of_sums.into_iter().chain(scores.bars()) {
            assert!(bar.holds(), "{bar}");
        }
    }
}

#[test]
fn the_default_trips_no_oftener_than_its_budget_says() {
    let bar = budget(2_000_000);
    assert!(bar.holds(), "{bar}");
}
