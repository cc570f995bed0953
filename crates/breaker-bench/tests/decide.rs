//! The default decides as well as it claims. `decide` shows the whole; this is what a test can afford.

use breaker_bench::sim::{
    judge::{Scores, budget},
    policy::Kind,
    world::{Fault, scenarios},
};

#[test]
fn the_default_beats_the_presets_by_what_it_claims() {
    // Busy clients meet only the faults that tell the policies apart most.
    let affordable = scenarios().into_iter().filter(|scenario| {
        let tells = matches!(
            scenario.fault,
            Fault::Steady(0.10) | Fault::Flapping | Fault::ColdCache
        );
        scenario.traffic.rate < 1000.0 || tells
    });
    let scores = Scores::of(affordable.collect(), 1, &[Kind::Default, Kind::Preset]);
    for bar in scores.bars() {
        assert!(bar.holds(), "{bar}");
    }
}

#[test]
fn the_default_trips_no_oftener_than_its_budget_says() {
    let bar = budget(2_000_000);
    assert!(bar.holds(), "{bar}");
}
