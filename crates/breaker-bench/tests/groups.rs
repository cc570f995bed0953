//! What `groups` prints, over what a test can afford.

use breaker_bench::sim::groups::{
    rule::Contender,
    run::{Outcome, run},
    world::{Trouble, World},
};

fn ten(trouble: Trouble, contender: Contender) -> Outcome {
    let world = World {
        length: 90.0,
        ..World::troubled(10, trouble)
    };
    run(world, contender, 7000)
}

#[test]
fn one_host_at_30_percent_is_found_within_a_second_and_no_other_is_cut_off() {
    let outcome = ten(Trouble::One(0.3), Contender::Relative);
    assert_eq!((outcome.found, outcome.false_ejections), (1, 0));
    assert!(outcome.found_in < 1.0, "{}", outcome.found_in);
    assert_eq!(ten(Trouble::One(0.3), Contender::Capped).found, 0);
}

#[test]
fn half_of_the_hosts_dead_are_found_and_a_bad_mix_of_requests_opens_nobody() {
    let dead = ten(Trouble::HalfDead, Contender::Relative);
    assert_eq!((dead.found, dead.false_ejections), (5, 0));
    let mix = ten(Trouble::BadMix(0.6), Contender::Relative);
    assert_eq!(mix.false_ejections, 0);
    assert!(ten(Trouble::BadMix(0.6), Contender::Capped).false_ejections > 0);
}

#[test]
fn a_rule_by_standard_deviations_ejects_healthy_hosts_and_has_a_cap() {
    let healthy = run(World::healthy(10, 0.01), Contender::A50SuccessRate, 7000);
    assert!(healthy.false_ejections > 0);
    assert_eq!(healthy.most, 1);
    assert_eq!(ten(Trouble::AllDead, Contender::EnvoyHalf).most, 5);
}
