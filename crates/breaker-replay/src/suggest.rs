//! A search of the default policy's settings.
//!
//! All candidates run beside one another over the log, once, so that it may come from standard input. The one with the
//! least cost on the first part is held against the default on the rest, which had no say. They are a grid, on purpose: of
//! a search ten times as fine, tried on generated logs, what it gained on the first part did not last on the rest.

use breaker_core::Checked;
use breaker_layer::Settings;
use serde::Serialize;

use crate::{
    configs,
    replay::{Lane, Replayed},
    report::words::{count, counted, share},
};

/// What is chosen on; the rest is held out.
const CHOSEN_ON: f64 = 0.7;

/// What harm and waste cost.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Prices {
    pub(crate) harm: f64,
    pub(crate) waste: f64,
}

impl Prices {
    pub(crate) fn of(self, harm: u64, waste: u64) -> f64 {
        harm as f64 * self.harm + waste as f64 * self.waste
    }
}

/// Where the part ends that is chosen on.
pub(crate) fn mark(from: u64, to: u64) -> u64 {
    from + ((to - from) as f64 * CHOSEN_ON) as u64
}

/// A proposal, and what speaks for it.
#[derive(Debug, Serialize)]
pub(crate) struct Suggestion {
    pub(crate) prices: Prices,
    pub(crate) candidates: usize,
    pub(crate) best: Candidate,
    /// How many others cost the same as the best.
    pub(crate) as_good: u64,
    pub(crate) runner_up: Candidate,
    pub(crate) default: Candidate,
    /// Whether the best is better than the default where it had no say.
    pub(crate) holds: bool,
    /// Outages in the part that had no say; without any it cannot tell.
    pub(crate) held_out_outages: usize,
    /// Whether the mark between the parts was known beforehand; if not, what is about it is of neither part.
    pub(crate) is_exact: bool,
}

/// Settings, and what they cost on both parts of the log.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Candidate {
    /// As TOML, for a file that the library takes.
    pub(crate) settings: String,
    pub(crate) chosen_on: Cost,
    pub(crate) held_out: Cost,
}

/// What it would have cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Cost {
    pub(crate) harm: u64,
    pub(crate) waste: u64,
    pub(crate) price: f64,
}

/// The default's settings, then others, each as TOML with its configuration.
pub(crate) fn candidates() -> Result<Vec<(String, Checked)>, String> {
    let mut all = vec![candidate((30, 70), 162_755, 3, 20.0, ("100ms", "60s"))?];
    for ratios in [(10, 50), (10, 70), (30, 70), (30, 90), (50, 70), (50, 90)] {
        for (budget, probes) in [(100, 1), (100, 3), (162_755, 1), (162_755, 3)] {
            for share in [5.0, 20.0] {
                for shortest in ["50ms", "100ms", "1s"] {
                    for longest in ["5s", "60s"] {
                        let made = candidate(ratios, budget, probes, share, (shortest, longest))?;
                        if made.1 != all[0].1 {
                            all.push(made);
                        }
                    }
                }
            }
        }
    }
    Ok(all)
}

fn candidate(
    (tolerated, intolerable): (u32, u32),
    budget: u64,
    probes: u32,
    share: f64,
    (shortest, longest): (&str, &str),
) -> Result<(String, Checked), String> {
    let text = format!(
        "trip = [{{ evidence = {{ tolerated = \"{tolerated}%\", intolerable = \"{intolerable}%\", calls_per_false_trip = {budget} }} }}]\n\
         open_time = {{ kind = \"probe_share\", share = \"{share}%\", not_before = \"{shortest}\", certain_after = \"{longest}\" }}\n\
         probes = {{ live = 1, successes = {probes} }}\n"
    );
    let settings: Settings = toml::from_str(&text).map_err(|error| error.to_string())?;
    let config = configs::of_settings(&settings).map_err(|error| error.to_string())?;
    Ok((text, config))
}

impl Suggestion {
    /// Compares the candidates, whose lanes are the last of those that ran; takes these lanes away.
    pub(crate) fn new(
        candidates: Vec<(String, Checked)>,
        prices: Prices,
        replayed: &mut Replayed,
        known: Option<u64>,
    ) -> Option<Self> {
        let (from, to) = replayed.span?;
        let split = known.unwrap_or_else(|| mark(from, to));
        let held_out_outages = replayed
            .facts
            .iter()
            .flat_map(|facts| &facts.outages.all)
            .filter(|outage| outage.ended.is_none_or(|ended| ended > split))
            .count();
        let lanes = replayed.lanes.len().checked_sub(candidates.len())?;
        let lanes = replayed.lanes.split_off(lanes);
        let tried = candidates.len();
        let mut judged: Vec<_> = candidates
            .into_iter()
            .zip(lanes)
            .map(|((settings, _), lane)| Candidate::new(settings, lane, split, prices))
            .collect();
        let default = judged.first()?.clone();
        // Stable: of those that cost the same the default comes first.
        judged.sort_by(|one, other| one.chosen_on.price.total_cmp(&other.chosen_on.price));
        let best = judged.first()?.clone();
        let as_good = judged.partition_point(|other| other.chosen_on.price <= best.chosen_on.price);
        // Settings that make no difference on this log are no runner-up.
        let runner_up = judged.get(as_good).or(judged.get(1))?.clone();
        Some(Self {
            prices,
            candidates: tried,
            as_good: as_good as u64 - 1,
            holds: best.held_out.price < default.held_out.price,
            held_out_outages,
            is_exact: known.is_some(),
            best,
            runner_up,
            default,
        })
    }

    /// In plain words.
    pub(crate) fn text(&self) -> String {
        let Self {
            best,
            runner_up,
            default,
            ..
        } = self;
        let mut text = format!(
            "Suggestion for all services, of {} settings of the default policy, a rejected success at {} and a failure let pass at {}:\n",
            self.candidates, self.prices.harm, self.prices.waste
        );
        let line = |name: &str, candidate: &Candidate| {
            format!(
                "  {name:<10} {} on the first 70 %, {} on the last 30 %, which had no say\n",
                candidate.chosen_on.text(),
                candidate.held_out.text()
            )
        };
        text += &line("best", best);
        text += &line("runner-up", runner_up);
        text += &line("default", default);
        let margin = runner_up.chosen_on.price - best.chosen_on.price;
        text += &format!(
            "  The margin over the runner-up is {} ({}); {} as good as the best.\n",
            count(margin.round() as u64),
            share(margin as u64, runner_up.chosen_on.price as u64),
            counted(self.as_good, "other"),
        );
        text + &self.advice()
    }

    /// What to do.
    fn advice(&self) -> String {
        let Self { best, default, .. } = self;
        let cannot_tell = self.held_out_outages == 0;
        if best.settings == default.settings {
            let keep = "  Keep the default: nothing that was tried is better.\n";
            let blind = "  The last 30 % of the log has no outage, and cannot tell.\n";
            return keep.to_owned() + if cannot_tell { blind } else { "" };
        }
        if cannot_tell {
            return "  Cannot tell: the last 30 % of the log has no outage, and so cannot tell whether the best is better than the default.\n".to_owned();
        }
        if !self.holds {
            return "  Keep the default: on the held-out part the best is no better than it.\n"
                .to_owned();
        }
        let gain = default.held_out.price - best.held_out.price;
        format!(
            "  On the held-out part it costs {} less than the default. As TOML:\n\n{}",
            share(gain as u64, default.held_out.price as u64),
            best.settings
        )
    }
}

impl Candidate {
    fn new(settings: String, lane: Lane, split: u64, prices: Prices) -> Self {
        let sides = lane.costs.as_ref().map(|costs| costs.sides(split));
        let [chosen_on, held_out] = sides.unwrap_or_default().map(|[harm, waste]| Cost {
            harm,
            waste,
            price: prices.of(harm, waste),
        });
        Self {
            settings,
            chosen_on,
            held_out,
        }
    }
}

impl Cost {
    fn text(&self) -> String {
        format!(
            "{} ({} harm, {} waste)",
            count(self.price.round() as u64),
            count(self.harm),
            count(self.waste)
        )
    }
}

#[cfg(test)]
mod tests {
    use breaker_layer::Config;

    use super::*;

    #[test]
    fn the_first_candidate_is_the_library_s_default() {
        let all = candidates().unwrap();
        assert_eq!(all[0].1, Config::new().build().unwrap());
    }

    #[test]
    fn no_two_candidates_are_the_same() {
        let all = candidates().unwrap();
        let distinct: std::collections::HashSet<_> =
            all.iter().map(|(_, config)| config.clone()).collect();
        assert_eq!(distinct.len(), all.len());
        assert_eq!(all.len(), 288, "as --help says");
    }
}
