//! The default decides as well as it claims. `decide` shows the whole; this is what a test can afford.

use breaker_bench::sim::{
    judge::{Scores, budget},
    policy::Kind,
    scenarios::{Group, groups},
    world::{Fault, Scenario},
};

/// Busy clients meet only the faults that tell the policies apart most.
fn is_affordable(scenario: &Scenario) -> bool {
    let tells = matches!(
        scenario.fault,
        Fault::Steady(0.10) | Fault::Flapping | Fault::ColdCache
    );
    scenario.traffic.rate < 1000.0 || tells
}

#[test]
fn the_default_beats_the_presets_by_what_it_claims() {
    let kinds = [Kind::Default, Kind::Preset, Kind::NoBreaker];
    let Group { name, scenarios } = groups().swap_remove(0);
    let scenarios: Vec<_> = scenarios.into_iter().filter(is_affordable).collect();
    let scores = Scores::of(Group { name, scenarios }, &(0..1), &kinds);
    for bar in scores.bars_of_sums().into_iter().chain(scores.bars()) {
        assert!(bar.holds(), "{bar}");
    }
}

#[test]
fn the_default_trips_no_oftener_than_its_budget_says() {
    let bar = budget(2_000_000);
    assert!(bar.holds(), "{bar}");
}
