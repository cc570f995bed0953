//! How well the policies decide: `decide [SEEDS [FIRST]]`, five from zero on by default. Fails if a bar does not hold.

use std::{env, error::Error, process::ExitCode};

use breaker_bench::{
    bar,
    sim::{
        judge::{Scores, budget},
        policy::Kind,
        scenarios::groups,
    },
};

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let numbers: Result<Vec<u64>, _> = env::args().skip(1).map(|number| number.parse()).collect();
    let (seeds, first) = match numbers?[..] {
        [] => (5, 0),
        [seeds] => (seeds, 0),
        [seeds, first, ..] => (seeds, first),
    };
    let kinds = [Kind::Default, Kind::Preset, Kind::Other, Kind::NoBreaker];
    let mut bars = vec![budget(20_000_000)];
    for (number, group) in groups().into_iter().enumerate() {
        let scores = Scores::of(group, &(first..first + seeds), &kinds);
        scores.print();
        if number == 0 {
            bars.extend(scores.bars_of_sums());
        }
        bars.extend(scores.bars());
    }
    Ok(bar::report(&bars))
}
