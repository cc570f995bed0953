//! Which hosts of a group are cut off, and whether they are ill: `groups [SEEDS [FIRST]]`, one from 7000 on by default. Fails if a bar
//! does not hold.

use std::{env, error::Error, ops::Range, process::ExitCode, thread};

use breaker_bench::{
    bar::{self, Bar},
    sim::groups::{
        rule::Contender,
        run::{Outcome, run},
        world::{Trouble, World},
    },
};

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let numbers: Result<Vec<u64>, _> = env::args().skip(1).map(|number| number.parse()).collect();
    let seeds = match numbers?[..] {
        [] => 7000..7001,
        [seeds] => 7000..7000 + seeds,
        [seeds, first, ..] => first..first + seeds,
    };
    let worlds: Vec<World> = [10, 50].into_iter().flat_map(worlds).collect();
    let outcomes = all(&worlds, &seeds);
    let mut bars = Vec::new();
    for (world, outcomes) in worlds.iter().zip(&outcomes) {
        print(*world, outcomes);
        bars.extend(bars_of(*world, &outcomes[0]));
    }
    Ok(bar::report(&bars))
}

fn worlds(hosts: usize) -> Vec<World> {
    let healthy = [0.0001, 0.01, 0.1].map(|ratio| World::healthy(hosts, ratio));
    let troubled = [
        Trouble::One(0.05),
        Trouble::One(0.1),
        Trouble::One(0.3),
        Trouble::HalfDead,
        Trouble::AllDead,
        Trouble::BadMix(0.2),
        Trouble::BadMix(0.6),
    ];
    let troubled = troubled.map(|trouble| World::troubled(hosts, trouble));
    healthy.into_iter().chain(troubled).collect()
}

/// For each world, of each contender, one outcome a seed; half of the worlds on a thread of its own.
fn all(worlds: &[World], seeds: &Range<u64>) -> Vec<Vec<Vec<Outcome>>> {
    let of = |world: &World| {
        let contenders = Contender::ALL.into_iter();
        let runs = |contender| {
            seeds
                .clone()
                .map(|seed| run(*world, contender, seed))
                .collect()
        };
        contenders.map(runs).collect()
    };
    thread::scope(|scope| {
        let threads: Vec<_> = worlds
            .iter()
            .map(|world| scope.spawn(move || of(world)))
            .collect();
        let outcomes = threads.into_iter().map(|thread| thread.join());
        outcomes
            .map(|outcome| outcome.expect("a simulation panicked"))
            .collect()
    })
}

fn print(world: World, outcomes: &[Vec<Outcome>]) {
    println!("\n## {world}\n");
    println!(
        "| rule | false ejections | ill hosts found | within | most at a time | refused | good refused |"
    );
    println!("|---|---|---|---|---|---|---|");
    for (contender, outcomes) in Contender::ALL.iter().zip(outcomes) {
        let runs = outcomes.len() as f64;
        let mean = |of: fn(&Outcome) -> f64| outcomes.iter().map(of).sum::<f64>() / runs;
        let found = mean(|outcome| outcome.found as f64);
        let within = match found > 0.0 {
            true => format!("{:.2} s", last(outcomes)),
            false => "–".to_owned(),
        };
        println!(
            "| {} | {} | {found} | {within} | {} | {:.1} % | {:.2} % |",
            contender.name(),
            mean(|outcome| outcome.false_ejections as f64),
            most(outcomes),
            mean(|outcome| 100.0 * outcome.refused),
            mean(|outcome| 100.0 * outcome.good_refused),
        );
    }
}

fn most(outcomes: &[Outcome]) -> usize {
    outcomes
        .iter()
        .map(|outcome| outcome.most)
        .max()
        .unwrap_or_default()
}

fn last(outcomes: &[Outcome]) -> f64 {
    outcomes
        .iter()
        .map(|outcome| outcome.found_in)
        .fold(0.0, f64::max)
}

/// What must hold for relative evidence.
fn bars_of(world: World, outcomes: &[Outcome]) -> Vec<Bar> {
    let false_ejections: u64 = outcomes.iter().map(|outcome| outcome.false_ejections).sum();
    let found = outcomes
        .iter()
        .map(|outcome| outcome.found)
        .min()
        .unwrap_or_default();
    let nobody_well = Bar::at_most(
        format!("{world}: false ejections"),
        false_ejections as f64,
        0.0,
    );
    let all_found = |hosts: usize, seconds: f64| {
        let last = last(outcomes);
        let figures = format!("{found} of {hosts} in {last:.2} s, at most {seconds} s");
        let holds = found == hosts && last <= seconds;
        Bar::new(format!("{world}: found"), holds, figures)
    };
    let most = Bar::at_most(
        format!("{world}: refused at a time"),
        most(outcomes) as f64,
        (world.hosts / 2) as f64,
    );
    match world.trouble {
        Trouble::Nothing | Trouble::BadMix(_) => vec![nobody_well],
        Trouble::One(0.3) => vec![nobody_well, all_found(1, 1.0)],
        Trouble::One(_) => vec![nobody_well],
        Trouble::HalfDead => vec![nobody_well, all_found(world.hosts / 2, 2.0)],
        Trouble::AllDead => vec![most],
    }
}
