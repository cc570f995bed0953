//! From a file to a configuration, or to everything that is wrong with it.

use breaker_core::{Config, Mode, presets};

use super::{
    cancelled::cancelled,
    faults::{Faults, join, key, one_of},
    members::Members,
    open_time::open_time,
    probes::{probes, ramp},
    tree::Tree,
    trip::trip,
    write,
};

/// Several circuits' settings: a fault's path begins with the circuit's name.
pub(super) fn table(tree: &Tree, faults: &mut Faults) -> Vec<(String, Config)> {
    let Some(members) = Members::of(tree, "", faults) else {
        return Vec::new();
    };
    let all = members.all.into_iter();
    all.map(|(name, tree)| (name.to_owned(), config(tree, &key(name), faults)))
        .collect()
}

/// One circuit's settings.
pub(super) fn config(tree: &Tree, path: &str, faults: &mut Faults) -> Config {
    let merged;
    let tree = match tree.get("preset") {
        None => tree,
        Some(preset) => {
            let base = preset_of(preset, &join(path, "preset"), faults);
            merged = over_preset(&write::tree(&base.unwrap_or_default()), tree);
            &merged
        }
    };
    let Some(mut members) = Members::of(tree, path, faults) else {
        return Config::new();
    };
    members.take("preset");
    let so_far = faults.count();
    let mut config = Config::new();
    if let Some(tree) = members.take("trip") {
        config = config.trip(trip(tree, &members.path("trip"), faults));
    }
    let rules_are_good = faults.count() == so_far;
    let config = policies(config, &mut members, faults);
    let config = others(config, &mut members, faults);
    config.each_fault(|fault| match fault.setting() {
        setting @ ("slow_after" | "one_event" | "grace") => {
            let path = members.path(setting);
            faults.of_core(&path, members.value(setting), &fault);
        }
        // Of two rules that contradict each other; each alone is checked where it is read.
        setting if setting.starts_with("trip") && fault.value().is_none() && rules_are_good => {
            let path = members.path("trip");
            let said = setting.trim_start_matches("trip").trim_start_matches('.');
            faults.add(format!("`{path}`: `{said}` takes {}", fault.takes()));
        }
        _ => {}
    });
    members.finish(faults);
    config
}

/// How long it stays open, how it probes and how it comes back.
fn policies(mut config: Config, members: &mut Members<'_>, faults: &mut Faults) -> Config {
    if let Some(tree) = members.take("open_time") {
        config = config.open_time(open_time(tree, &members.path("open_time"), faults));
    }
    if let Some(tree) = members.take("probes") {
        config = config.probes(probes(tree, &members.path("probes"), faults));
    }
    if let Some(tree) = members.take("ramp") {
        let ramp = ramp(tree, &members.path("ramp"), faults);
        config = ramp.map_or(config, |ramp| config.ramp(ramp));
    }
    config
}

/// The settings of one value.
fn others(mut config: Config, members: &mut Members<'_>, faults: &mut Faults) -> Config {
    if let Some(slow_after) = members.span("slow_after", faults) {
        config = config.slow_after(slow_after);
    }
    if let Some(within) = members.span("one_event", faults) {
        config = config.one_event(within);
    }
    if let Some(grace) = members.span("grace", faults) {
        config = config.grace(grace);
    }
    if let Some(tree) = members.take("cancelled") {
        config = config.cancelled(cancelled(tree, &members.path("cancelled"), faults));
    }
    if let Some(is_failure) = members.flag("panic_is_failure", faults) {
        config = config.panic_is_failure(is_failure);
    }
    if let Some(count) = members.flag("count_calls", faults) {
        config = config.count_calls(count);
    }
    mode(members, faults).map_or(config, |mode| config.mode(mode))
}

fn mode(members: &mut Members<'_>, faults: &mut Faults) -> Option<Mode> {
    let tree = members.take("mode")?;
    let mut modes = Mode::ALL.into_iter();
    let mode = modes.find(|mode| *tree == Tree::text(mode.name()));
    if mode.is_none() {
        let takes = one_of(&Mode::ALL.map(Mode::name));
        faults.takes(&members.path("mode"), tree, &takes);
    }
    mode
}

fn preset_of(tree: &Tree, path: &str, faults: &mut Faults) -> Option<Config> {
    let name = match tree {
        Tree::Text(name) => name,
        _ => "",
    };
    match name {
        "default" => Some(Config::new()),
        "resilience4j" => Some(presets::resilience4j()),
        "polly" => Some(presets::polly()),
        "gobreaker" => Some(presets::gobreaker()),
        "linkerd" => Some(presets::linkerd()),
        _ => {
            let names = ["default", "resilience4j", "polly", "gobreaker", "linkerd"];
            faults.takes(path, tree, &one_of(&names));
            None
        }
    }
}

/// A preset is a base file; where a member chooses another kind, nothing of the preset's kind is left.
fn over_preset(preset: &Tree, said: &Tree) -> Tree {
    let (Tree::Map(preset), Tree::Map(members)) = (preset, said) else {
        return said.clone();
    };
    let mut merged = Tree::Map(members.clone());
    for (name, base) in preset {
        match said.get(name) {
            None => {
                // A null is absence.
                if let Tree::Map(members) = &mut merged {
                    members.retain(|(key, _)| key != name);
                }
                *merged.member(name) = base.clone();
            }
            Some(Tree::Map(said)) => {
                let said = Tree::Map(said.clone());
                let is_other = |choice: &str| {
                    said.get(choice).is_some() && said.get(choice) != base.get(choice)
                };
                if name == "open_time" && is_other("kind") {
                    continue;
                }
                let mut base = base.clone();
                if let Tree::Map(members) = &mut base {
                    let replaced = |key: &str| match key {
                        "successes" => said.get("failure_rate").is_some(),
                        "failure_rate" => said.get("successes").is_some(),
                        _ => false,
                    };
                    members.retain(|(key, _)| !replaced(key));
                }
                *merged.member(name) = over_preset(&base, &said);
            }
            Some(_) => {}
        }
    }
    merged
}
