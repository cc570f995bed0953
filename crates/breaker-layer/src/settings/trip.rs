//! When to trip: a list of rules.

use std::time::Duration;

use breaker_core::{Config, Percent, Trip, Window};

use super::{
    faults::{Faults, list, one_of},
    members::Members,
    tree::Tree,
};

const SECOND: Duration = Duration::from_secs(1);

pub(super) fn trip(tree: &Tree, path: &str, faults: &mut Faults) -> Trip {
    const TAKES: &str = "a list of rules such as [{ consecutive_failures = 5 }], or \"never\"";
    match tree {
        Tree::List(rules) if !rules.is_empty() => {
            let rules = rules.iter().enumerate();
            rules
                .map(|(number, tree)| rule(tree, &format!("{path}[{number}]"), faults))
                .reduce(|one, other| Trip::any_of([one, other]))
                .unwrap_or_default()
        }
        Tree::Text(text) if text == "never" => Trip::never(),
        other => {
            faults.takes(path, other, TAKES);
            Trip::default()
        }
    }
}

/// The members by which it is told which rule it is.
const RULES: [&str; 4] = ["consecutive_failures", "evidence", "calls", "time"];
/// What only rules over a window have.
const OF_WINDOWS: [&str; 5] = [
    "buckets",
    "min_calls",
    "failure_rate",
    "failures",
    "slow_rate",
];

fn rule(tree: &Tree, path: &str, faults: &mut Faults) -> Trip {
    let Some(mut members) = Members::of(tree, path, faults) else {
        if *tree == Tree::Nothing {
            faults.takes(path, tree, &format!("a rule: {}", one_of(&RULES)));
        }
        return Trip::never();
    };
    let kinds: Vec<_> = RULES.into_iter().filter(|kind| members.has(kind)).collect();
    let rule = of_kinds(&kinds, &mut members, faults);
    members.known(&RULES);
    members.known(&OF_WINDOWS);
    let alone = Config::new().trip(rule).slow_after(SECOND);
    alone.each_fault(|fault| {
        let name = match fault.setting() {
            "trip.window" => kinds.first().copied().unwrap_or_default(),
            "trip.window.buckets" => "buckets",
            setting => setting.trim_start_matches("trip."),
        };
        faults.of_core(&members.path(name), members.value(name), &fault);
    });
    members.finish(faults);
    rule
}

fn of_kinds(kinds: &[&str], members: &mut Members<'_>, faults: &mut Faults) -> Trip {
    if let ["consecutive_failures" | "evidence"] = kinds {
        for name in OF_WINDOWS {
            if let Some(tree) = members.take(name) {
                let takes = "no value here: only rules over `calls` or `time` have it";
                faults.takes(&members.path(name), tree, takes);
            }
        }
    }
    match kinds {
        ["consecutive_failures"] => members
            .count("consecutive_failures", faults)
            .map_or(Trip::never(), Trip::consecutive_failures),
        ["evidence"] => members
            .take("evidence")
            .and_then(|tree| evidence(tree, &members.path("evidence"), faults))
            .unwrap_or(Trip::never()),
        // Of a size that cannot be read the rest is looked at all the same.
        ["calls"] => {
            let calls = members.count("calls", faults).unwrap_or(1 << 19);
            window(members, Window::calls(calls), faults)
        }
        ["time"] => {
            let time = members.span("time", faults).unwrap_or(SECOND);
            window(members, Window::time(time), faults)
        }
        _ => {
            let mut takes = one_of(&RULES);
            if !kinds.is_empty() {
                let kinds = kinds.join(" and ");
                takes += &format!(", in a rule of its own, and this has {kinds}");
            }
            faults.takes(&members.path, &Tree::Nothing, &takes);
            Trip::never()
        }
    }
}

/// The rules over a window.
fn window(members: &mut Members<'_>, window: Window, faults: &mut Faults) -> Trip {
    let buckets = members.count("buckets", faults);
    let window = buckets.map_or(window, |buckets| window.buckets(buckets));
    let min_calls = members.count("min_calls", faults);
    let said = ["failure_rate", "failures", "slow_rate"];
    if !said.iter().any(|rule| members.has(rule)) {
        let takes = format!("at least one of {}", list(&said, " and "));
        faults.takes(&members.path, &Tree::Nothing, &takes);
    }
    let rules = [
        members
            .rate("failure_rate", faults)
            .map(|rate| Trip::failure_rate(rate, window)),
        members
            .count("failures", faults)
            .map(|failures| Trip::failures(failures, window)),
        members
            .rate("slow_rate", faults)
            .map(|rate| Trip::slow_rate(rate, window)),
    ];
    let with_min_calls = |rule: Trip| min_calls.map_or(rule, |calls| rule.min_calls(calls));
    let rules = rules.into_iter().flatten().map(with_min_calls);
    let rules = rules
        .reduce(|one, other| Trip::any_of([one, other]))
        .unwrap_or_else(|| with_min_calls(Trip::failures(1, window)));
    // One that is below 1 % was written with its unit.
    if members.has_tiny_rate() {
        rules.with_tiny_rates()
    } else {
        rules
    }
}

/// A duration, or `none`.
const TIME: &str = "time_per_false_trip";

fn evidence(tree: &Tree, path: &str, faults: &mut Faults) -> Option<Trip> {
    let mut members = Members::of(tree, path, faults)?;
    // In place of one that cannot be read stands one with which no other can be at fault.
    let mut rate = |name, usual, extreme| {
        let rate = members.rate(name, faults);
        rate.unwrap_or(Percent(if members.has(name) { extreme } else { usual }))
    };
    let (tolerated, intolerable) = (
        rate("tolerated", 30.0, 0.001),
        rate("intolerable", 70.0, 99.9),
    );
    let calls = members.number_of("calls_per_false_trip", faults);
    let has_none = members.value(TIME) == Some(&Tree::text("none"));
    members.known(&[TIME]);
    let time = if has_none {
        None
    } else {
        Some(members.span(TIME, faults).unwrap_or(1200 * SECOND))
    };
    members.finish(faults);
    let trip = Trip::evidence(tolerated, intolerable, calls.unwrap_or(162_755));
    Some(time.map_or(trip, |time| trip.time_per_false_trip(time)))
}
