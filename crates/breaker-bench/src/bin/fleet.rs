//! What many processes gain that tell each other what they have against a downstream: `fleet [SEEDS [FIRST]]`, five from 5000 on by
//! default. Fails if a bar does not hold.

use std::{env, error::Error, ops::Range, process::ExitCode};

use breaker_bench::{
    bar::{self, Bar},
    sim::{
        fleet::{
            member::Mode,
            run::run,
            sum::Sum,
            world::{Case, Sick},
        },
        server::Trouble,
        traffic::Traffic,
        world::{Fault, Scenario},
    },
};
use breaker_core::{Config, Percent, Trip};

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let numbers: Result<Vec<u64>, _> = env::args().skip(1).map(|number| number.parse()).collect();
    let seeds = match numbers?[..] {
        [] => 5000..5005,
        [seeds] => 5000..5000 + seeds,
        [seeds, first, ..] => first..first + seeds,
    };
    let mut bars = outages(&seeds);
    bars.extend(ill(&seeds));
    bars.extend(healthy(&seeds));
    bars.extend(probes(&seeds));
    bars.extend(cold(&seeds));
    Ok(bar::report(&bars))
}

/// The default, and one that takes 15 failures from clean, however few calls come.
fn settings() -> [(&'static str, Config); 2] {
    let by_calls = Trip::evidence(Percent(30.0), Percent(70.0), 162_755);
    let by_calls = Config::new().trip(by_calls);
    [(DEFAULT, Config::new()), ("15 failures", by_calls)]
}

/// So many processes of so many calls a second each.
fn of(processes: u64, each: f64, length: f64) -> Traffic {
    Traffic::new(processes as f64 * each, length).of(processes)
}

fn case(traffic: Traffic, fault: Fault) -> Case {
    let scenario = Scenario { traffic, fault };
    let sick = Sick::Nobody;
    Case { scenario, sick }
}

fn outage(lasts: f64) -> Fault {
    Fault::Outage { from: 60.0, lasts }
}

/// Without a fleet, with votes, and with shared state.
fn three(case: Case, settings: Config, seeds: &Range<u64>) -> [Sum; 3] {
    [Mode::Local, Mode::Votes, Mode::Shared].map(|mode| {
        seeds
            .clone()
            .map(|seed| run(case, mode, settings, seed))
            .sum()
    })
}

fn row(what: &str, figures: [f64; 3]) {
    let [local, votes, shared] = figures.map(|figure| match figure < 1.0 && figure > 0.0 {
        true => format!("{figure:.3}"),
        false => format!("{figure:.0}"),
    });
    println!("| {what} | {local} | {votes} | {shared} |");
}

fn head(title: &str) {
    println!("\n## {title}\n\n| | alone | votes | shared state |\n|---|---|---|---|");
}

/// Failed calls where all fail, or most. That a circuit opens after 15 failures, however few calls come, is what earlier figures
/// were simulated with; only the default has bars.
fn outages(seeds: &Range<u64>) -> Vec<Bar> {
    head("Failed calls, probes included");
    let all_down = |processes, each| case(of(processes, each, 110.0), outage(50.0));
    let brown_out = case(of(50, 0.5, 600.0), Fault::BrownOut(0.6));
    let mut bars = Vec::new();
    for (name, settings) in settings() {
        let failed = |what: &str, case| {
            let sums = three(case, settings, seeds);
            let failed = sums.map(|sum| sum.mean(sum.failed));
            row(&format!("{what}, {name}"), failed);
            let probes = sums.map(|sum| sum.mean(sum.failed_probes));
            row("of these, probes", probes);
            failed
        };
        let [_, few, _] = failed("50 × 0.5/s, all down for 50 s", all_down(50, 0.5));
        let [_, jury, _] = failed("300 × 0.5/s, all down for 50 s", all_down(300, 0.5));
        let [alone, busy, _] = failed("50 × 20/s, all down for 50 s", all_down(50, 20.0));
        let [_, brown_out, _] = failed("50 × 0.5/s, 60 % fail for 300 s", brown_out);
        if name == DEFAULT {
            bars = vec![
                Bar::at_most("50 × 0.5/s, all down: failed with votes", few, 350.0),
                Bar::at_most("300 × 0.5/s, a jury of 64: failed with votes", jury, JURY),
                Bar::at_most("50 × 20/s: failed with votes", busy, alone),
                Bar::at_most(
                    "50 × 0.5/s, brown-out: failed with votes",
                    brown_out,
                    1280.0,
                ),
            ];
        }
    }
    bars
}

const DEFAULT: &str = "default";
/// Of 1600, within 20 %.
const JURY: f64 = 1920.0;

/// Good calls that are refused to those who are well.
fn ill(seeds: &Range<u64>) -> Vec<Bar> {
    head("Good calls refused by processes that are well");
    let mut bars = Vec::new();
    for (name, settings) in settings() {
        for (what, sick, ratio) in [
            (
                "one zone of three dead, 10 % for the rest",
                Sick::Zone,
                0.10,
            ),
            ("one process of 50 broken", Sick::Process, 0.01),
        ] {
            let case = Case {
                sick,
                ..case(of(50, 0.5, 1200.0), Fault::Steady(ratio))
            };
            let sums = three(case, settings, seeds);
            let refused = sums.map(|sum| sum.mean(sum.good_refused));
            row(&format!("{what}, {name}"), refused);
            bars.push(Bar::at_most(
                format!("{what}, {name}: good calls refused by votes"),
                refused[1],
                0.0,
            ));
        }
    }
    bars
}

/// Trips where nothing is wrong. There may be one in 20 minutes and process.
fn healthy(seeds: &Range<u64>) -> Vec<Bar> {
    head("Trips of 50 × 0.5/s in two hours, nothing wrong");
    let budget = 50.0 * 6.0;
    let trips = |percent: u32| {
        let fault = Fault::Steady(f64::from(percent) / 100.0);
        let sums = three(case(of(50, 0.5, 7200.0), fault), Config::new(), seeds);
        let trips = sums.map(|sum| sum.mean(sum.trips));
        row(&format!("{percent} % fail"), trips);
        Bar::at_most(
            format!("{percent} % fail: trips with votes"),
            trips[1],
            budget,
        )
    };
    [10, 20, 30].map(trips).to_vec()
}

/// Probes that are certain, and how a fleet comes back.
fn probes(seeds: &Range<u64>) -> Vec<Bar> {
    let mut bars = Vec::new();
    for each in [0.1, 1.0] {
        head(&format!("100 × {each}/s, all down for 600 s"));
        let sums = three(
            case(of(100, each, 1000.0), outage(600.0)),
            Config::new(),
            seeds,
        );
        row("certain probes", sums.map(|sum| sum.mean(sum.certain)));
        row(
            "of these, within 30 s of another one of the zone",
            sums.map(|sum| sum.mean(sum.too_many)),
        );
        row(
            "good calls refused after it",
            sums.map(|sum| sum.mean(sum.good_refused)),
        );
        row(
            "the most circuits that begin to probe in one second after it",
            sums.map(|sum| sum.most_at_once as f64),
        );
        row(
            "seconds until nine in ten are closed",
            sums.map(|sum| sum.recovered / sum.runs as f64),
        );
        let what = format!("100 × {each}/s");
        let [_, votes, _] = sums;
        bars.push(Bar::at_most(
            format!("{what}: certain probes too many"),
            votes.too_many as f64,
            0.0,
        ));
        bars.push(Bar::at_most(
            format!("{what}: probes that begin in one second"),
            votes.most_at_once as f64,
            20.0,
        ));
    }
    bars
}

/// Goodput in the five minutes after an outage of 45 s that leaves a cold cache, before a finite capacity.
fn cold(seeds: &Range<u64>) -> Vec<Bar> {
    head("Goodput after an outage that leaves a cold cache");
    let sizes = [
        (10, 1.0),
        (100, 1.0),
        (1000, 1.0),
        (10, 100.0),
        (100, 10.0),
        (300, 10.0 / 3.0),
    ];
    let goodput = |(processes, each): (u64, f64)| {
        let fault = Fault::Capacity(Trouble::ColdCache);
        let sums = three(
            case(of(processes, each, 405.0), fault),
            Config::new(),
            seeds,
        );
        let goodput = sums.map(|sum| sum.goodput / sum.runs as f64);
        let what = format!("{processes} × {each:.1}/s");
        row(&what, goodput);
        let [alone, votes, _] = goodput;
        let holds = votes >= 0.75 && votes >= alone - 0.005;
        let figures = format!("{votes:.3}, alone {alone:.3}, at least 0.75 and no worse by 0.005");
        Bar::new(format!("{what}: goodput with votes"), holds, figures)
    };
    sizes.map(goodput).to_vec()
}
