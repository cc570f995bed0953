//! How well the policies decide: `decide [SEEDS]`, five by default. Fails if a bar does not hold.

use std::{env, error::Error, process::ExitCode};

use breaker_bench::{
    bar,
    sim::{
        judge::{Scores, budget},
        policy::Kind,
        world::scenarios,
    },
};

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let seeds = env::args().nth(1).map_or(Ok(5), |seeds| seeds.parse())?;
    let scores = Scores::of(
        scenarios(),
        seeds,
        &[Kind::Default, Kind::Preset, Kind::Other],
    );
    scores.print();
    let mut bars = scores.bars();
    bars.push(budget(20_000_000));
    Ok(bar::report(&bars))
}
