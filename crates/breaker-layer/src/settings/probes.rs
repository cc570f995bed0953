//! How to probe, and how to come back.

use std::time::Duration;

use breaker_core::{Config, Probes, Ramp};

use super::{
    faults::{Faults, one_of},
    members::Members,
    tree::Tree,
};

const SECOND: Duration = Duration::from_secs(1);

/// What is asked of the probes: one or the other.
const CHOICES: [&str; 2] = ["successes", "failure_rate"];

pub(super) fn probes(tree: &Tree, path: &str, faults: &mut Faults) -> Probes {
    let Some(mut members) = Members::of(tree, path, faults) else {
        return Probes::default();
    };
    let live = members.count("live", faults);
    let mut probes = live.map_or(Probes::default(), Probes::new);
    match choice(&mut members, faults) {
        Some("successes") => {
            let successes = members.count("successes", faults);
            probes = successes.map_or(probes, |successes| probes.successes(successes));
        }
        Some(_) => {
            probes = Probes::new(live.unwrap_or(3));
            let rate = members.rate("failure_rate", faults);
            probes = rate.map_or(probes, |rate| probes.failure_rate(rate));
        }
        None => {}
    }
    members.known(&CHOICES);
    if let Some(sample) = members.count("out_of", faults) {
        probes = probes.out_of(sample);
    }
    if let Some(rate) = members.rate("slow_rate", faults) {
        probes = probes.slow_rate(rate);
    }
    if let Some(timeout) = members.span("timeout", faults) {
        probes = probes.timeout(timeout);
    }
    if let Some(ignored) = members.count("ignored", faults) {
        probes = probes.ignored(ignored);
    }
    check(probes, &members, faults);
    members.finish(faults);
    probes
}

/// Tells what is wrong with these probes by themselves.
fn check(probes: Probes, members: &Members<'_>, faults: &mut Faults) {
    let alone = Config::new().probes(probes).slow_after(SECOND);
    alone.each_fault(|fault| {
        let name = match fault.setting() {
            "probes" => "live",
            setting => setting.trim_start_matches("probes."),
        };
        faults.of_core(&members.path(name), members.value(name), &fault);
    });
}

/// Which of the two it is: the one that is there, or the one that `kind` says.
fn choice(members: &mut Members<'_>, faults: &mut Faults) -> Option<&'static str> {
    if let Some(kind) = members.take("kind") {
        let choice = CHOICES
            .into_iter()
            .find(|choice| *kind == Tree::text(choice));
        if choice.is_none() {
            faults.takes(&members.path("kind"), kind, &one_of(&CHOICES));
        }
        return choice;
    }
    if CHOICES.iter().all(|choice| members.has(choice)) {
        let takes = "either `successes` or `failure_rate`; where both come together from two files, \
                     `kind` says which it is";
        faults.takes(&members.path, &Tree::Nothing, takes);
        return None;
    }
    CHOICES.into_iter().find(|choice| members.has(choice))
}

pub(super) fn ramp(tree: &Tree, path: &str, faults: &mut Faults) -> Option<Ramp> {
    let mut members = Members::of(tree, path, faults)?;
    let takes = "a number of calls a second";
    for name in ["from", "to"] {
        if !members.has(name) {
            faults.takes(&members.path(name), &Tree::Nothing, takes);
        }
    }
    let (from, to) = (members.count("from", faults), members.count("to", faults));
    let ramp = Ramp::new(from.unwrap_or(1), to.unwrap_or(1_000_000));
    Config::new().ramp(ramp).each_fault(|fault| {
        let name = fault.setting().trim_start_matches("ramp.");
        faults.of_core(&members.path(name), members.value(name), &fault);
    });
    members.finish(faults);
    Some(ramp)
}
