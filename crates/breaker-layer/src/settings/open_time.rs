//! How long to stay open: one of several kinds.

use std::time::Duration;

use breaker_core::{Config, OpenTime, Percent};

use super::{
    faults::{Faults, one_of},
    members::Members,
    tree::Tree,
};

const MILLI: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(24 * 3600);

#[derive(Clone, Copy)]
enum Kind {
    Fixed,
    Exponential,
    ProbeShare,
}

const KINDS: [(&str, Kind); 3] = [
    ("fixed", Kind::Fixed),
    ("exponential", Kind::Exponential),
    ("probe_share", Kind::ProbeShare),
];

/// The members of each kind. No two have one in common, so that nothing of one kind is ever taken for another's.
const OF_KINDS: [&str; 8] = [
    "wait",
    "shortest",
    "longest",
    "factor",
    "share",
    "not_before",
    "certain_after",
    "relapse_within",
];

pub(super) fn open_time(tree: &Tree, path: &str, faults: &mut Faults) -> OpenTime {
    let Some(mut members) = Members::of(tree, path, faults) else {
        return OpenTime::default();
    };
    let kind = kind(&mut members, faults);
    let mut open_time = kind.map_or(OpenTime::default(), |kind| {
        of_kind(kind, &mut members, faults)
    });
    match kind {
        // Those of another kind are what a base file said before this one was chosen.
        Some(_) => members.pass_over(&OF_KINDS),
        None => members.known(&OF_KINDS),
    }
    if let Some(jitter) = members.rate("jitter", faults) {
        open_time = open_time.jitter(jitter);
    }
    if let Some(longest) = members.span("longest_asked", faults) {
        open_time = open_time.longest_asked(longest);
    }
    Config::new().open_time(open_time).each_fault(|fault| {
        let name = match (fault.setting(), kind) {
            ("open_time.shortest", Some(Kind::Fixed)) => "wait",
            ("open_time.shortest", Some(Kind::ProbeShare)) => "not_before",
            ("open_time.longest", Some(Kind::ProbeShare)) => "certain_after",
            (setting, _) => setting.trim_start_matches("open_time."),
        };
        faults.of_core(&members.path(name), members.value(name), &fault);
    });
    members.finish(faults);
    open_time
}

/// The kind that is said, or the default's where nothing of any kind is.
fn kind(members: &mut Members<'_>, faults: &mut Faults) -> Option<Kind> {
    let said = members.take("kind");
    if said.is_none() && !OF_KINDS.iter().any(|name| members.has(name)) {
        return Some(Kind::ProbeShare);
    }
    let said = said.unwrap_or(&Tree::Nothing);
    let found = KINDS.iter().find(|(name, _)| *said == Tree::text(name));
    if found.is_none() {
        let mut takes = one_of(&KINDS.map(|(name, _)| name));
        if *said == Tree::text("by_attempt") {
            takes += "; a function is for the program to set";
        }
        faults.takes(&members.path("kind"), said, &takes);
    }
    found.map(|(_, kind)| *kind)
}

/// In place of a member that cannot be read stands one with which no other can be at fault.
fn of_kind(kind: Kind, members: &mut Members<'_>, faults: &mut Faults) -> OpenTime {
    match kind {
        Kind::Fixed => OpenTime::fixed(members.needed_span("wait", faults).unwrap_or(SECOND)),
        Kind::Exponential => {
            let shortest = members.needed_span("shortest", faults).unwrap_or(MILLI);
            let longest = members.needed_span("longest", faults).unwrap_or(100 * DAY);
            let open_time = OpenTime::exponential(shortest, longest);
            let factor = members.number("factor", faults);
            factor.map_or(open_time, |factor| open_time.factor(factor))
        }
        Kind::ProbeShare => {
            let mut span = |name, usual, extreme| {
                let span = members.span(name, faults);
                span.unwrap_or(if members.has(name) { extreme } else { usual })
            };
            let not_before = span("not_before", 100 * MILLI, MILLI);
            let certain_after = span("certain_after", 60 * SECOND, 100 * DAY);
            let share = members.rate("share", faults).unwrap_or(Percent(20.0));
            let open_time = OpenTime::probe_share(share, not_before, certain_after);
            let relapse = members.span("relapse_within", faults);
            relapse.map_or(open_time, |time| open_time.relapse_within(time))
        }
    }
}
