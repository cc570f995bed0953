//! The members of a map, read one by one.

use std::time::Duration;

use breaker_core::Percent;

use super::{
    faults::{Faults, join, key, list},
    tree::Tree,
    write,
};

/// The members of a map, of which each is known or not.
pub(super) struct Members<'t> {
    pub(super) path: String,
    pub(super) all: Vec<(&'t str, &'t Tree)>,
    known: Vec<&'static str>,
    passed_over: &'static [&'static str],
}

impl<'t> Members<'t> {
    /// `None` where there are none to be read; what is no map is a fault, and so is a name that stands twice.
    pub(super) fn of(tree: &'t Tree, path: &str, faults: &mut Faults) -> Option<Self> {
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
                faults.add(format!("`{}` stands twice", join(&path, &key(name))));
            } else {
                all.push((name, tree));
            }
        }
        Some(Self {
            path,
            all,
            known: Vec::new(),
            passed_over: &[],
        })
    }

    pub(super) fn path(&self, name: &str) -> String {
        join(&self.path, name)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.value(name).is_some()
    }

    /// What stands in the file; a null is nothing. Dots lead into maps.
    pub(super) fn value(&self, name: &str) -> Option<&'t Tree> {
        let mut parts = name.split('.');
        let first = parts.next()?;
        let (_, tree) = self.all.iter().find(|(known, _)| *known == first)?;
        let tree = parts.try_fold(*tree, |tree, part| tree.get(part))?;
        (*tree != Tree::Nothing).then_some(tree)
    }

    pub(super) fn take(&mut self, name: &'static str) -> Option<&'t Tree> {
        self.known.push(name);
        self.value(name)
    }

    pub(super) fn known(&mut self, names: &[&'static str]) {
        self.known.extend_from_slice(names);
    }

    /// Those of these that are not known are no fault, and are not offered either.
    pub(super) const fn pass_over(&mut self, names: &'static [&'static str]) {
        self.passed_over = names;
    }

    /// Whether a rate is below 1 %.
    pub(super) fn has_tiny_rate(&self) -> bool {
        ["failure_rate", "slow_rate"].iter().any(|name| {
            self.value(name)
                .and_then(|tree| rate(tree).ok())
                .is_some_and(|rate| rate < Percent(1.0))
        })
    }

    pub(super) fn count(&mut self, name: &'static str, faults: &mut Faults) -> Option<u32> {
        let count = self.number_of(name, faults)?;
        // What is too large is out of the range of every setting.
        Some(u32::try_from(count).unwrap_or(u32::MAX))
    }

    pub(super) fn number_of(&mut self, name: &'static str, faults: &mut Faults) -> Option<u64> {
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

    pub(super) fn number(&mut self, name: &'static str, faults: &mut Faults) -> Option<f64> {
        self.read(name, faults, |tree| {
            number(tree).ok_or_else(|| "a number".to_owned())
        })
    }

    pub(super) fn rate(&mut self, name: &'static str, faults: &mut Faults) -> Option<Percent> {
        self.read(name, faults, rate)
    }

    pub(super) fn needed_span(
        &mut self,
        name: &'static str,
        faults: &mut Faults,
    ) -> Option<Duration> {
        if !self.has(name) {
            faults.takes(&self.path(name), &Tree::Nothing, SPAN);
        }
        self.span(name, faults)
    }

    pub(super) fn span(&mut self, name: &'static str, faults: &mut Faults) -> Option<Duration> {
        self.read(name, faults, |tree| match tree {
            Tree::Text(text) => humantime::parse_duration(text).map_err(|_| SPAN.to_owned()),
            _ => Err(SPAN.to_owned()),
        })
    }

    pub(super) fn flag(&mut self, name: &'static str, faults: &mut Faults) -> Option<bool> {
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
    pub(super) fn finish(self, faults: &mut Faults) {
        let mut names = self.known.clone();
        names.sort_unstable();
        names.dedup();
        for (name, _) in &self.all {
            if !self.known.contains(name) && !self.passed_over.contains(name) {
                let path = join(&self.path, &key(name));
                let known = list(&names, " and ");
                faults.add(format!("`{path}` is no setting; here are {known}"));
            }
        }
    }
}

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
