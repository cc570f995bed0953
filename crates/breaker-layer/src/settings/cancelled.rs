//! What a cancelled call counts as: a word, or a number.

use breaker_core::{Cancelled, Config};

use super::{faults::Faults, members::Members, tree::Tree};

pub(super) fn cancelled(tree: &Tree, path: &str, faults: &mut Faults) -> Cancelled {
    const WORDS: [(&str, Cancelled); 2] = [
        ("ignored", Cancelled::Ignored),
        ("failure", Cancelled::Failure),
    ];
    if let Some((_, cancelled)) = WORDS.iter().find(|(word, _)| *tree == Tree::text(word)) {
        return *cancelled;
    }
    if !matches!(tree, Tree::Map(_)) {
        faults.takes(
            path,
            tree,
            "`ignored`, `failure`, or a map with `failure_after`",
        );
        return Cancelled::default();
    }
    let Some(mut members) = Members::of(tree, path, faults) else {
        return Cancelled::default();
    };
    let cancelled = members
        .count("failure_after", faults)
        .map_or(Cancelled::default(), |calls| {
            Cancelled::FailureAfter(u16::try_from(calls).unwrap_or(u16::MAX))
        });
    Config::new().cancelled(cancelled).each_fault(|fault| {
        let name = fault.setting().trim_start_matches("cancelled.");
        faults.of_core(&members.path(name), members.value(name), &fault);
    });
    members.finish(faults);
    cancelled
}
