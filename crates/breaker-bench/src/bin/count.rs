//! Makes so many calls of one subject, for callgrind to count: `count SUBJECT CALLS`; without arguments it names them.
//!
//! What a call costs is the difference between two numbers of calls. See `crates/breaker-bench/counted`.

use std::{env, process::ExitCode};

use breaker_bench::{
    harness::time::Subject,
    subjects::{Mode, clock, clone, console, floor, ours, peers},
};
use breaker_layer::{
    Config,
    observe::{Metrics, Tracing},
};

/// A name, and what makes the subject.
type Entry = (&'static str, fn() -> Subject);

const SUBJECTS: [Entry; 30] = [
    ("bare", || floor::bare(Mode::Success)),
    ("bare-function", || floor::closure(Mode::Success)),
    ("clock", || clock::std()),
    ("no-clock", clock::none),
    ("success", || default(Mode::Success)),
    ("alternate", || default(Mode::Alternate)),
    ("rejected", || default(Mode::Rejected)),
    ("rejected-boxed", || {
        ours::boxed("boxed", Mode::Rejected, Config::default())
    }),
    ("permit", || {
        ours::permit("permit", Mode::Success, Config::default())
    }),
    ("calls-100", || calls(Mode::Success, 100)),
    ("calls-10000", || calls(Mode::Success, 10_000)),
    ("calls-1000000", || calls(Mode::Success, 1_000_000)),
    ("calls-100-alternate", || calls(Mode::Alternate, 100)),
    // Each call replaces one of the other kind.
    ("calls-101-alternate", || calls(Mode::Alternate, 101)),
    ("calls-1000000-alternate", || {
        calls(Mode::Alternate, 1_000_000)
    }),
    ("time", || {
        ours::layer("time", Mode::Success, ours::time_window())
    }),
    ("slow", || {
        ours::layer("slow", Mode::Success, ours::slow_calls())
    }),
    ("counted", || {
        ours::layer("counted", Mode::Success, counted())
    }),
    ("metrics", || {
        ours::observed("metrics", Config::default(), Metrics::new())
    }),
    ("metrics-counted", || {
        ours::observed("metrics", counted(), Metrics::new())
    }),
    ("tracing", || {
        ours::observed("tracing", Config::default(), Tracing::new())
    }),
    ("console", || console::viewed("console")),
    ("clone-bare", || clone::subjects().swap_remove(0)),
    ("clone", || clone::subjects().swap_remove(2)),
    ("recloser", || peers::recloser(Mode::Success, 100)),
    ("recloser-alternate", || {
        peers::recloser(Mode::Alternate, 100)
    }),
    ("recloser-rejected", || peers::recloser(Mode::Rejected, 100)),
    ("failsafe", || peers::failsafe(Mode::Success)),
    ("failsafe-alternate", || peers::failsafe(Mode::Alternate)),
    ("failsafe-rejected", || peers::failsafe(Mode::Rejected)),
];

fn default(mode: Mode) -> Subject {
    ours::layer(ours::DEFAULT, mode, Config::default())
}

fn counted() -> Config {
    Config::default().count_calls(true)
}

fn calls(mode: Mode, calls: u32) -> Subject {
    ours::layer("a window of calls", mode, ours::count_window(calls))
}

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [name, calls] = &arguments[..] else {
        SUBJECTS.iter().for_each(|(name, _)| println!("{name}"));
        return ExitCode::SUCCESS;
    };
    let found = SUBJECTS.iter().find(|entry| entry.0 == name);
    let (Some((_, subject)), Ok(calls)) = (found, calls.parse()) else {
        eprintln!("count: no subject {name}, or {calls} is no number");
        return ExitCode::FAILURE;
    };
    subject().calls()(calls);
    ExitCode::SUCCESS
}
