//! All policies in all scenarios, and what must hold.

use std::{
    ops::Range,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use super::{
    machine::Machine,
    policy::{CONTENDERS, Contender, Kind},
    run::{Gain, PRICES, oracle, run},
    scenarios::Group,
    traffic::Traffic,
    world::{Fault, Scenario},
};
use crate::bar::Bar;

/// One policy in one scenario, over all seeds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Score {
    /// What the oracle gains more, a call, at each price.
    pub regret: [f64; PRICES.len()],
    /// How often it tripped, in all runs together.
    pub trips: u64,
}

/// The scores of every policy in these scenarios.
pub struct Scores {
    name: &'static str,
    contenders: Vec<&'static Contender>,
    scenarios: Vec<Scenario>,
    /// By scenario, then by contender.
    scores: Vec<Vec<Score>>,
}

impl Scores {
    /// Simulates these scenarios, with each of these seeds, for the contenders of these kinds, of which one is the default.
    pub fn of(group: Group, seeds: &Range<u64>, kinds: &[Kind]) -> Self {
        let Group { name, scenarios } = group;
        let contenders: Vec<_> = CONTENDERS
            .iter()
            .filter(|contender| kinds.contains(&contender.kind))
            .collect();
        let next = AtomicUsize::new(0);
        let work = || {
            let mut done = vec![];
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some(scenario) = scenarios.get(at) else {
                    return done;
                };
                done.push((at, score(*scenario, seeds.clone(), &contenders)));
            }
        };
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let mut all: Vec<_> = thread::scope(|scope| {
            let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            workers
                .into_iter()
                .flat_map(|worker| worker.join().expect("a worker of the simulation"))
                .collect()
        });
        all.sort_by_key(|(at, _)| *at);
        let scores = all.into_iter().map(|(_, scores)| scores).collect();
        Self {
            name,
            contenders,
            scenarios,
            scores,
        }
    }

    /// A policy's regret at a price, summed over the scenarios.
    fn sum(&self, contender: usize, price: usize) -> f64 {
        self.scores
            .iter()
            .map(|of| of[contender].regret[price])
            .sum()
    }

    /// The trips of a policy where nothing is wrong.
    fn false_trips(&self, contender: usize) -> u64 {
        let harmless = |(scenario, of): (&Scenario, &Vec<Score>)| {
            if scenario.fault.is_harmless() {
                of[contender].trips
            } else {
                0
            }
        };
        self.scenarios.iter().zip(&self.scores).map(harmless).sum()
    }

    /// The least regret of the others that `counts` names, in one scenario.
    fn best(
        &self,
        scenario: usize,
        price: usize,
        counts: impl Fn(Kind) -> bool,
    ) -> (&'static str, f64) {
        self.contenders
            .iter()
            .zip(&self.scores[scenario])
            .filter(|(contender, _)| counts(contender.kind))
            .map(|(contender, score)| (contender.name, score.regret[price]))
            .min_by(|one, other| one.1.total_cmp(&other.1))
            .expect("there are others")
    }

    /// Prints everything.
    pub fn print(&self) {
        println!("\n# {}", self.name);
        self.print_sums();
        self.print_false_trips();
        for (price, figure) in PRICES.iter().enumerate() {
            self.print_scenarios(price, *figure);
        }
        self.print_losses();
    }

    fn print_sums(&self) {
        println!("\n## Regret a call, summed over the scenarios\n");
        println!("| policy | price 0.3 | price 1 | price 3 | trips where nothing is wrong |");
        println!("|---|---|---|---|---|");
        for (at, contender) in self.contenders.iter().enumerate() {
            let [low, middle, high] = [0, 1, 2].map(|price| self.sum(at, price));
            let trips = self.false_trips(at);
            println!(
                "| {} | {low:.3} | {middle:.3} | {high:.3} | {trips} |",
                contender.name
            );
        }
    }

    fn print_false_trips(&self) {
        let harmless = |scenario: &Scenario| {
            let fault = scenario.fault;
            fault.is_harmless() || matches!(fault, Fault::BrownOut(0.30) | Fault::Aftermath(_))
        };
        if !self.scenarios.iter().any(harmless) {
            return;
        }
        println!(
            "\n## Trips where nothing is wrong, at 30 % errors, and with an outage before a few per cent, in all seeds together\n"
        );
        self.print_head();
        for (scenario, of) in self.scenarios.iter().zip(&self.scores) {
            if harmless(scenario) {
                let trips: Vec<_> = of.iter().map(|score| score.trips.to_string()).collect();
                println!("| {scenario} | {} |", trips.join(" | "));
            }
        }
    }

    fn print_scenarios(&self, price: usize, figure: f64) {
        println!("\n## Regret a call, in thousandths, at price {figure}\n");
        self.print_head();
        for (scenario, of) in self.scenarios.iter().zip(&self.scores) {
            let regrets: Vec<_> = of
                .iter()
                .map(|score| format!("{:.1}", 1e3 * score.regret[price]))
                .collect();
            println!("| {scenario} | {} |", regrets.join(" | "));
        }
    }

    fn print_head(&self) {
        let names: Vec<_> = self
            .contenders
            .iter()
            .map(|contender| contender.name)
            .collect();
        println!("| scenario | {} |", names.join(" | "));
        println!("|---|{}", "---|".repeat(names.len()));
    }

    fn print_losses(&self) {
        println!(
            "\n## Where the default loses: more than 0.002 a call behind the best of all others\n"
        );
        println!("| scenario | price | default | best | of |");
        println!("|---|---|---|---|---|");
        for (price, figure) in PRICES.iter().enumerate() {
            for (at, scenario) in self.scenarios.iter().enumerate() {
                let ours = self.scores[at][0].regret[price];
                let (name, best) = self.best(at, price, |kind| kind != Kind::Default);
                if ours > best + 0.002 {
                    println!("| {scenario} | {figure} | {ours:.4} | {best:.4} | {name} |");
                }
            }
        }
    }

    /// What must hold of the default in every group.
    pub fn bars(&self) -> Vec<Bar> {
        let trips = format!("{}: trips of the default where nothing is wrong", self.name);
        vec![
            Bar::at_most(trips, self.false_trips(0) as f64, 0.0),
            self.behind(Kind::Preset, "the scenario's best preset", 0.011),
            self.behind(Kind::NoBreaker, "no breaker", 0.01),
        ]
    }

    /// How far the default is behind the best of a kind, in the scenario where that is most.
    fn behind(&self, kind: Kind, whom: &str, most: f64) -> Bar {
        let behind =
            |at: usize| self.scores[at][0].regret[1] - self.best(at, 1, |other| other == kind).1;
        let worst = (0..self.scenarios.len())
            .max_by(|one, other| behind(*one).total_cmp(&behind(*other)))
            .expect("there are scenarios");
        Bar::new(
            format!(
                "{}: the default behind {whom} at price 1, a call",
                self.name
            ),
            behind(worst) <= most,
            format!(
                "{:.4} at the most ({}), at most {most}",
                behind(worst),
                self.scenarios[worst]
            ),
        )
    }

    /// The default's regret against the best preset's, over all of these scenarios.
    pub fn bars_of_sums(&self) -> Vec<Bar> {
        let mut bars = vec![];
        for (price, most) in [0.5, 0.5, 0.75].into_iter().enumerate() {
            let presets = self
                .contenders
                .iter()
                .enumerate()
                .filter(|(_, other)| other.kind == Kind::Preset);
            let (best, name) = presets
                .map(|(at, preset)| (self.sum(at, price), preset.name))
                .min_by(|one, other| one.0.total_cmp(&other.0))
                .expect("there are presets");
            bars.push(Bar::at_most(
                format!(
                    "regret of the default ÷ the best preset's ({name}), price {}",
                    PRICES[price]
                ),
                self.sum(0, price) / best,
                most,
            ));
        }
        bars
    }
}

/// Every policy in one scenario.
fn score(scenario: Scenario, seeds: Range<u64>, contenders: &[&Contender]) -> Vec<Score> {
    let oracles: Vec<_> = seeds
        .clone()
        .map(|seed| oracle(scenario, seed).worth)
        .collect();
    let of = |contender: &&Contender| {
        let mut score = Score::default();
        for (seed, oracle) in seeds.clone().zip(&oracles) {
            let gain = run(scenario, seed, |seed| contender.start(seed));
            score.trips += gain.trips;
            let calls = (gain.calls * oracles.len() as u64) as f64;
            for (price, regret) in score.regret.iter_mut().enumerate() {
                *regret += (oracle[price] - gain.worth[price]) / calls;
            }
        }
        score
    };
    contenders.iter().map(of).collect()
}

/// How often the default trips while 30 % of at least so many calls fail, which it is told to tolerate but for its budget.
pub fn budget(calls: u64) -> Bar {
    const BUDGET: u64 = 162_755;
    let traffic = Traffic::new(1000.0, 1.1 * calls as f64 / 1000.0);
    let scenario = Scenario {
        traffic,
        fault: Fault::Steady(0.30),
    };
    let Gain {
        calls: made, trips, ..
    } = run(scenario, 0, |seed| {
        Box::new(Machine::new(Default::default(), seed))
    });
    let allowed = made / BUDGET;
    Bar::new(
        "trips of the default at 30 % errors, against its budget",
        trips <= allowed && made >= calls,
        format!("{trips} in {made} calls, at most {allowed}"),
    )
}
