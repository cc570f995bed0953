//! From a file to a configuration, or to everything that is wrong with it.

use std::time::Duration;

use breaker_core::{
    Cancelled, Config, ConfigError, Mode, OpenTime, Percent, Probes, Ramp, Trip, Value, Window,
    presets,
};

use super::{tree::Tree, write};

/// What is wrong, each with its path, its value and what helps.
#[derive(Default)]
pub(super) struct Faults(Vec<String>);

impl Faults {
    /// `Ok`, or all of them as one line.
    pub(super) fn result<T>(self, good: T) -> Result<T, String> {
        match self.0.len() {
            0 => Ok(good),
            1 => Err(self.0.concat()),
            count => Err(format!("{count} faults: {}", self.0.join("; "))),
        }
    }

    fn takes(&mut self, path: &str, value: &Tree, takes: &str) {
        let text = match value {
            Tree::Nothing => format!("`{path}` takes {takes}"),
            value => format!("`{path}` is {value}, but takes {takes}"),
        };
        self.0.push(text);
    }

    /// What the core finds wrong, under the path and with the value of the file.
    fn of_core(&mut self, path: &str, value: Option<&Tree>, fault: &ConfigError) {
        let mut takes = fault.takes().to_owned();
        if let Some(Value::Share(Percent(share))) = fault.value()
            && share > 0.0
            && share < 1.0
        {
            takes += &format!("; did you mean \"{}\"?", write::share(share * 100.0));
        }
        self.takes(path, value.unwrap_or(&Tree::Nothing), &takes);
    }
}

/// Several circuits' settings: a fault's path begins with the circuit's name.
pub(super) fn table(tree: &Tree, faults: &mut Faults) -> Vec<(String, Config)> {
    let Some(members) = Members::of(tree, "", faults) else {
        return Vec::new();
    };
    let all = members.all.into_iter();
    all.map(|(name, tree)| (name.to_owned(), config(tree, &key(name), faults)))
        .collect()
}

/// A name as a part of a path.
fn key(name: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    if !name.is_empty() && name.chars().all(is_plain) {
        name.to_owned()
    } else {
        format!("{name:?}")
    }
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
    let mut config = Config::new();
    let so_far = faults.0.len();
    if let Some(tree) = members.take("trip") {
        config = config.trip(trip(tree, &members.path("trip"), faults));
    }
    let rules_are_good = faults.0.len() == so_far;
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
    if let Some(slow_after) = members.span("slow_after", faults) {
        config = config.slow_after(slow_after);
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
    if let Some(tree) = members.take("mode") {
        let mode = Mode::ALL
            .into_iter()
            .find(|mode| *tree == Tree::text(mode.name()));
        match mode {
            Some(mode) => config = config.mode(mode),
            None => {
                let takes = one_of(&Mode::ALL.map(Mode::name));
                faults.takes(&members.path("mode"), tree, &takes);
            }
        }
    }
    config.each_fault(|fault| match fault.setting() {
        "slow_after" => {
            faults.of_core(
                &members.path("slow_after"),
                members.value("slow_after"),
                &fault,
            );
        }
        // Of two rules that contradict each other; each alone is checked where it is read.
        setting if setting.starts_with("trip") && fault.value().is_none() && rules_are_good => {
            let path = members.path("trip");
            let said = setting.trim_start_matches("trip").trim_start_matches('.');
            faults
                .0
                .push(format!("`{path}`: `{said}` takes {}", fault.takes()));
        }
        _ => {}
    });
    members.finish(faults);
    config
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

fn trip(tree: &Tree, path: &str, faults: &mut Faults) -> Trip {
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
    let rule = match kinds[..] {
        ["consecutive_failures"] => members
            .count("consecutive_failures", faults)
            .map(Trip::consecutive_failures),
        ["evidence"] => members
            .take("evidence")
            .and_then(|tree| evidence(tree, &members.path("evidence"), faults)),
        // Of a size that cannot be read the rest is looked at all the same.
        ["calls"] => {
            let calls = members.count("calls", faults).unwrap_or(1 << 19);
            Some(window(&mut members, Window::calls(calls), faults))
        }
        ["time"] => {
            let time = members.span("time", faults).unwrap_or(SECOND);
            Some(window(&mut members, Window::time(time), faults))
        }
        _ => {
            let value = if kinds.is_empty() {
                String::new()
            } else {
                format!(
                    ", in a rule of its own, and this has {}",
                    kinds.join(" and ")
                )
            };
            faults.takes(path, &Tree::Nothing, &(one_of(&RULES) + &value));
            None
        }
    };
    if let ["consecutive_failures" | "evidence"] = kinds[..] {
        for name in OF_WINDOWS {
            if let Some(tree) = members.take(name) {
                let takes = "no value here: only rules over `calls` or `time` have it";
                faults.takes(&members.path(name), tree, takes);
            }
        }
    }
    members.known(&RULES);
    members.known(&OF_WINDOWS);
    let rule = rule.unwrap_or(Trip::never());
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
    members.finish(faults);
    Some(Trip::evidence(
        tolerated,
        intolerable,
        calls.unwrap_or(162_755),
    ))
}

const KINDS: [&str; 3] = ["fixed", "exponential", "probe_share"];

fn open_time(tree: &Tree, path: &str, faults: &mut Faults) -> OpenTime {
    let Some(mut members) = Members::of(tree, path, faults) else {
        return OpenTime::default();
    };
    let names: [&[&str]; 3] = [
        &["wait"],
        &["shortest", "longest", "factor"],
        &["share", "not_before", "certain_after"],
    ];
    let kind = members.take("kind");
    let is_any = names.concat().iter().any(|name| members.has(name));
    let number = match kind {
        None if !is_any => Some(2),
        None => None,
        Some(kind) => KINDS.iter().position(|name| *kind == Tree::text(name)),
    };
    // In place of one that cannot be read stands one with which no other can be at fault.
    let mut open_time = match number {
        Some(0) => OpenTime::fixed(members.needed_span("wait", faults).unwrap_or(SECOND)),
        Some(1) => {
            let (shortest, longest) = (
                members.needed_span("shortest", faults),
                members.needed_span("longest", faults),
            );
            let open_time = OpenTime::exponential(
                shortest.unwrap_or(Duration::from_millis(1)),
                longest.unwrap_or(100 * DAY),
            );
            let factor = members.number("factor", faults);
            factor.map_or(open_time, |factor| open_time.factor(factor))
        }
        Some(_) => {
            let mut span = |name, usual, extreme| {
                let span = members.span(name, faults);
                span.unwrap_or(if members.has(name) { extreme } else { usual })
            };
            let (not_before, certain_after) = (
                span("not_before", SECOND / 4, Duration::from_millis(1)),
                span("certain_after", 30 * SECOND, 100 * DAY),
            );
            let share = members.rate("share", faults).unwrap_or(Percent(1.0));
            OpenTime::probe_share(share, not_before, certain_after)
        }
        None => {
            let mut takes = one_of(&KINDS);
            if kind == Some(&Tree::text("by_attempt")) {
                takes += "; a function is for the program to set";
            }
            let kind = kind.unwrap_or(&Tree::Nothing);
            faults.takes(&members.path("kind"), kind, &takes);
            OpenTime::default()
        }
    };
    // Those of another kind are what a base file said before this one was chosen.
    members.known(&names.concat());
    if let Some(jitter) = members.rate("jitter", faults) {
        open_time = open_time.jitter(jitter);
    }
    if let Some(longest) = members.span("longest_asked", faults) {
        open_time = open_time.longest_asked(longest);
    }
    Config::new().open_time(open_time).each_fault(|fault| {
        let name = match (fault.setting(), number) {
            ("open_time.shortest", Some(0)) => "wait",
            ("open_time.shortest", Some(2)) => "not_before",
            ("open_time.longest", Some(2)) => "certain_after",
            (setting, _) => setting.trim_start_matches("open_time."),
        };
        faults.of_core(&members.path(name), members.value(name), &fault);
    });
    members.finish(faults);
    open_time
}

fn probes(tree: &Tree, path: &str, faults: &mut Faults) -> Probes {
    let Some(mut members) = Members::of(tree, path, faults) else {
        return Probes::default();
    };
    const CHOICES: [&str; 2] = ["successes", "failure_rate"];
    let live = members.count("live", faults);
    let kind = members.take("kind");
    let is_meant = |choice| match kind {
        Some(kind) => *kind == Tree::text(choice),
        None => true,
    };
    match kind {
        Some(kind) if !CHOICES.iter().any(|choice| *kind == Tree::text(choice)) => {
            faults.takes(&members.path("kind"), kind, &one_of(&CHOICES));
        }
        None if CHOICES.iter().all(|choice| members.has(choice)) => {
            let takes = "either `successes` or `failure_rate`; where both come together from two \
                         files, `kind` says which it is";
            faults.takes(path, &Tree::Nothing, takes);
            members.known(&CHOICES);
        }
        _ => {}
    }
    let both = kind.is_none() && CHOICES.iter().all(|choice| members.has(choice));
    let mut probes = live.map_or(Probes::default(), Probes::new);
    if is_meant("successes")
        && let Some(successes) = members.count("successes", faults)
    {
        probes = probes.successes(successes);
    }
    if is_meant("failure_rate")
        && !both
        && let Some(rate) = members.rate("failure_rate", faults)
    {
        probes = probes.failure_rate(rate);
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
    let alone = Config::new().probes(probes).slow_after(SECOND);
    alone.each_fault(|fault| {
        let name = match fault.setting() {
            "probes" => "live",
            setting => setting.trim_start_matches("probes."),
        };
        faults.of_core(&members.path(name), members.value(name), &fault);
    });
    members.finish(faults);
    probes
}

fn cancelled(tree: &Tree, path: &str, faults: &mut Faults) -> Cancelled {
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

fn ramp(tree: &Tree, path: &str, faults: &mut Faults) -> Option<Ramp> {
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

/// The members of a map, of which each is known or not.
struct Members<'t> {
    path: String,
    all: Vec<(&'t str, &'t Tree)>,
    known: Vec<&'static str>,
}

impl<'t> Members<'t> {
    /// `None` where there are none to be read; what is no map is a fault, and so is a name that stands twice.
    fn of(tree: &'t Tree, path: &str, faults: &mut Faults) -> Option<Self> {
        let path = path.to_owned();
        let members = match tree {
            Tree::Nothing => return None,
            Tree::Map(members) => members,
            other => {
                let name = if path.is_empty() { "settings" } else { &path };
                faults.takes(name, other, "a map of names and values");
                return None;
            }
        };
        let mut all: Vec<(&str, &Tree)> = Vec::new();
        for (name, tree) in members {
            if all.iter().any(|(seen, _)| seen == name) {
                faults
                    .0
                    .push(format!("`{}` stands twice", join(&path, &key(name))));
            } else {
                all.push((name, tree));
            }
        }
        Some(Self {
            path,
            all,
            known: Vec::new(),
        })
    }

    fn path(&self, name: &str) -> String {
        join(&self.path, name)
    }

    fn has(&self, name: &str) -> bool {
        self.value(name).is_some()
    }

    /// What stands in the file; a null is nothing. Dots lead into maps.
    fn value(&self, name: &str) -> Option<&'t Tree> {
        let mut parts = name.split('.');
        let first = parts.next()?;
        let (_, tree) = self.all.iter().find(|(known, _)| *known == first)?;
        let tree = parts.try_fold(*tree, |tree, part| tree.get(part))?;
        (*tree != Tree::Nothing).then_some(tree)
    }

    fn take(&mut self, name: &'static str) -> Option<&'t Tree> {
        self.known.push(name);
        self.value(name)
    }

    fn known(&mut self, names: &[&'static str]) {
        self.known.extend_from_slice(names);
    }

    /// Whether a rate is below 1 %.
    fn has_tiny_rate(&self) -> bool {
        ["failure_rate", "slow_rate"].iter().any(|name| {
            self.value(name)
                .and_then(|tree| rate(tree).ok())
                .is_some_and(|rate| rate < Percent(1.0))
        })
    }

    fn count(&mut self, name: &'static str, faults: &mut Faults) -> Option<u32> {
        let count = self.number_of(name, faults)?;
        // What is too large is out of the range of every setting.
        Some(u32::try_from(count).unwrap_or(u32::MAX))
    }

    fn number_of(&mut self, name: &'static str, faults: &mut Faults) -> Option<u64> {
        self.read(name, faults, |tree| match tree {
            Tree::Count(count) => Ok(*count),
            // 1e6 is a whole number, too.
            Tree::Number(number) if number.fract() == 0.0 && (0.0..1e19).contains(number) => {
                Ok(*number as u64)
            }
            Tree::Text(text) => text.trim().parse().map_err(|_| WHOLE.to_owned()),
            _ => Err(WHOLE.to_owned()),
        })
    }

    fn number(&mut self, name: &'static str, faults: &mut Faults) -> Option<f64> {
        self.read(name, faults, |tree| {
            number(tree).ok_or_else(|| "a number".to_owned())
        })
    }

    fn rate(&mut self, name: &'static str, faults: &mut Faults) -> Option<Percent> {
        self.read(name, faults, rate)
    }

    fn needed_span(&mut self, name: &'static str, faults: &mut Faults) -> Option<Duration> {
        if !self.has(name) {
            faults.takes(&self.path(name), &Tree::Nothing, SPAN);
        }
        self.span(name, faults)
    }

    fn span(&mut self, name: &'static str, faults: &mut Faults) -> Option<Duration> {
        self.read(name, faults, |tree| match tree {
            Tree::Text(text) => humantime::parse_duration(text).map_err(|_| SPAN.to_owned()),
            _ => Err(SPAN.to_owned()),
        })
    }

    fn flag(&mut self, name: &'static str, faults: &mut Faults) -> Option<bool> {
        self.read(name, faults, |tree| match tree {
            Tree::Flag(flag) => Ok(*flag),
            Tree::Text(text) => text.parse().map_err(|_| "true or false".to_owned()),
            _ => Err("true or false".to_owned()),
        })
    }

    fn read<T>(
        &mut self,
        name: &'static str,
        faults: &mut Faults,
        read: impl FnOnce(&Tree) -> Result<T, String>,
    ) -> Option<T> {
        let tree = self.take(name)?;
        let read = read(tree);
        read.map_err(|takes| faults.takes(&self.path(name), tree, &takes))
            .ok()
    }

    /// Whatever is left is no setting.
    fn finish(self, faults: &mut Faults) {
        let mut names = self.known.clone();
        names.sort_unstable();
        names.dedup();
        for (name, _) in &self.all {
            if !self.known.contains(name) {
                let path = join(&self.path, &key(name));
                let known = list(&names, " and ");
                faults
                    .0
                    .push(format!("`{path}` is no setting; here are {known}"));
            }
        }
    }
}

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(24 * 3600);
const WHOLE: &str = "a whole number";
const SPAN: &str = "a duration such as \"250ms\", \"5s\" or \"2m 30s\"";

fn number(tree: &Tree) -> Option<f64> {
    match tree {
        Tree::Count(count) => Some(*count as f64),
        Tree::Number(number) => Some(*number),
        Tree::Text(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// With its unit, or a number that can only be per cent.
fn rate(tree: &Tree) -> Result<Percent, String> {
    let with_unit = match tree {
        Tree::Text(text) => text.trim().strip_suffix('%'),
        _ => None,
    };
    if let Some(text) = with_unit {
        let share = text.trim().parse();
        return share.map(Percent).map_err(|_| RATE.to_owned());
    }
    match number(tree) {
        Some(share) if share > 0.0 && share <= 1.0 => {
            let (one, other) = (write::share(share), write::share(share * 100.0));
            Err(format!(
                "a rate with its unit: did you mean \"{other}\", or \"{one}\"?"
            ))
        }
        Some(share) => Ok(Percent(share)),
        None => Err(RATE.to_owned()),
    }
}

const RATE: &str = "a rate such as \"50%\"";

fn join(path: &str, name: &str) -> String {
    match (path, name) {
        ("", name) => name.to_owned(),
        (path, "") => path.to_owned(),
        (path, name) => format!("{path}.{name}"),
    }
}

fn one_of(names: &[&str]) -> String {
    format!("one of {}", list(names, " and "))
}

fn list(names: &[&str], last: &str) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        Some((end, rest)) if !rest.is_empty() => rest.join(", ") + last + end,
        _ => quoted.concat(),
    }
}
