//! The command line.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

use crate::input::Options;

/// What would the breaker have done? Replays access logs against configurations of breaker-layer.
///
/// A log shows what happened without a breaker, or with another one: what a rejected call would have spared its downstream
/// is not in it.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Exit status: 0 when a log was replayed, whatever came out; 1 when a --fail-if holds; 2 when nothing could be (no call in it, \
                  an unreadable file, a wrong option), or with --strict when a line was bad."
)]
pub(crate) struct Arguments {
    /// Logs, plain, gzip or zstd, in any order; none or `-` is standard input
    pub(crate) files: Vec<PathBuf>,

    /// Settings in the library's own form, TOML or JSON; may be given several times
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Vec<PathBuf>,
    /// Settings by name; may be given several times [default: default]
    #[arg(long, value_enum, value_name = "NAME")]
    pub(crate) preset: Vec<Preset>,

    /// What to print
    #[arg(long, value_enum, default_value = "table", value_name = "FORMAT")]
    pub(crate) format: Output,
    /// Write a report with pictures here, one HTML file that needs nothing else
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    /// Write the pictures alone here
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,
    /// Overwrite what is at --report and --svg though it is no report
    #[arg(long)]
    pub(crate) force: bool,
    /// So many services are shown, those with the most failures first; JSON has all
    #[arg(long, default_value_t = 12, value_name = "COUNT")]
    pub(crate) top: usize,

    /// Search the settings of the default policy for those with the least harm and waste, held out on the last 30 %
    ///
    /// A grid of 288 is tried: six pairs of a tolerated and an intolerable failure ratio, the default's number of calls per
    /// false trip and 100, one good probe to close or three, a probe share of 5 and 20 %, an open time from 50 ms, 100 ms or
    /// 1 s to 5 s or 60 s. One proposal is made for all services.
    #[arg(long)]
    pub(crate) suggest: bool,
    /// What a call costs that is rejected and would have succeeded
    #[arg(long, default_value_t = 1.0, value_name = "PRICE", value_parser = price)]
    pub(crate) harm_price: f64,
    /// What a call costs that is let pass and fails
    #[arg(long, default_value_t = 1.0, value_name = "PRICE", value_parser = price)]
    pub(crate) waste_price: f64,

    /// Besides, say whether other circuits would do better than one for each service: one for each value of these names, as
    /// --service takes them; may be given several times, and needs files
    #[arg(long, value_name = "NAMES")]
    pub(crate) suggest_key: Vec<String>,
    /// So many clients make the calls, each with circuits of its own: those that --client tells apart, or else dealt out at
    /// random [default: 1]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub(crate) clients: Option<u16>,
    /// Exit with status 1 if this holds of a configuration, over all services: harm, saved, waste, rejected, trips or missed
    /// (outages without a trip), <, <=, > or >=, and a number; may be given several times: 'harm>0', 'missed>=1'
    #[arg(long, value_name = "CONDITION")]
    pub(crate) fail_if: Vec<crate::fail_if::Condition>,

    /// So many services have a circuit; calls to others are left out and counted
    #[arg(long, default_value_t = 1000, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) max_services: u32,
    /// So many lines are held to put them in order
    #[arg(long, default_value_t = 1 << 18, value_name = "LINES", value_parser = clap::value_parser!(u32).range(2..=1 << 24))]
    pub(crate) window: u32,
    /// Read on as the file grows, also where another one takes its name, until Ctrl-C, which prints what there is
    #[arg(long)]
    pub(crate) follow: bool,
    /// Stop at the first bad line, or where a file is cut off
    #[arg(long)]
    pub(crate) strict: bool,

    #[command(flatten)]
    pub(crate) input: Options,
}

impl Arguments {
    /// How many clients there may be.
    pub(crate) fn clients(&self) -> u16 {
        let named = if self.input.client.is_some() { 1000 } else { 1 };
        self.clients.unwrap_or(named)
    }
}

/// The default, or that of another breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Preset {
    Default,
    #[value(name = "resilience4j")]
    Resilience4j,
    Polly,
    Gobreaker,
    Linkerd,
}

/// What is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// For people
    Table,
    /// For programs: everything, described in crates/breaker-replay/JSON.md
    Json,
}

fn price(text: &str) -> Result<f64, String> {
    let price: f64 = text.parse().map_err(|_| "no number".to_owned())?;
    if price.is_finite() && price >= 0.0 {
        Ok(price)
    } else {
        Err("a number from 0 on".to_owned())
    }
}
