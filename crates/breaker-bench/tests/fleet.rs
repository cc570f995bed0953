//! What `fleet` prints, over what a test can afford.

use breaker_bench::sim::{
    fleet::{
        member::Mode,
        run::run,
        sum::Sum,
        world::{Case, Sick},
    },
    traffic::Traffic,
    world::{Fault, Scenario},
};
use breaker_core::Config;

/// Fifty processes of a call in two seconds each.
fn fifty(mode: Mode, fault: Fault, sick: Sick, length: f64) -> Sum {
    let traffic = Traffic::new(25.0, length).of(50);
    let scenario = Scenario { traffic, fault };
    run(Case { scenario, sick }, mode, Config::new(), 5000)
}

#[test]
fn an_outage_costs_a_fleet_that_votes_fewer_failed_calls() {
    let outage = Fault::Outage {
        from: 60.0,
        lasts: 50.0,
    };
    let failed = |mode| fifty(mode, outage, Sick::Nobody, 110.0).failed;
    let (alone, votes) = (failed(Mode::Local), failed(Mode::Votes));
    assert!(4 * votes < 3 * alone, "{votes} against {alone}");
}

#[test]
fn one_ill_process_or_zone_has_no_good_call_of_others_refused_unless_state_is_shared() {
    for (sick, ratio) in [(Sick::Process, 0.01), (Sick::Zone, 0.10)] {
        let refused = |mode| fifty(mode, Fault::Steady(ratio), sick, 600.0).good_refused;
        assert_eq!(refused(Mode::Votes), 0, "{sick:?}");
        assert!(refused(Mode::Shared) > 100, "{sick:?}");
    }
}
