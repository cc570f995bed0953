//! What would the breaker have done? Replays access logs against configurations of breaker-layer.
#![forbid(unsafe_code)]

mod cli;
mod configs;
mod input;
mod replay;
mod report;
mod suggest;

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Parser;

use crate::{
    cli::{Arguments, Output},
    input::{Log, Seen, Services, Stop},
    replay::{Lane, Replay},
    report::Report,
    suggest::{Prices, Suggestion},
};

fn main() -> ExitCode {
    let said = run(&Arguments::parse()).and_then(|text| {
        let mut out = io::stdout().lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            // Whoever read it has read enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            done => done.map_err(|error| format!("standard output: {error}")),
        }
    });
    match said {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("breaker-replay: {error}");
            ExitCode::from(2)
        }
    }
}

/// Replays, writes the files that were asked for, and gives what to print.
fn run(arguments: &Arguments) -> Result<String, String> {
    let report = replayed(arguments)?;
    let write = |path: &Option<PathBuf>, text: &dyn Fn() -> String| match path {
        Some(path) => fs::write(path, text()).map_err(|error| at(path, error)),
        None => Ok(()),
    };
    write(&arguments.report, &|| report::html(&report, arguments.top))?;
    write(&arguments.svg, &|| report::svg(&report, arguments.top))?;
    match arguments.format {
        Output::Table => Ok(report::table(&report, arguments.top)),
        Output::Json => {
            let text = serde_json::to_string_pretty(&report).map_err(|error| error.to_string())?;
            Ok(text + "\n")
        }
    }
}

fn replayed(arguments: &Arguments) -> Result<Report, String> {
    let configs = configs::all(arguments)?;
    let candidates = if arguments.suggest {
        suggest::candidates()?
    } else {
        vec![]
    };
    let lanes = configs.iter().map(|named| Lane::detailed(named.config));
    let priced = candidates.iter().map(|(_, config)| Lane::priced(*config));
    let mut replay = Replay::new(lanes.chain(priced).collect(), arguments.window as usize);
    let mut services = Services::new(arguments.max_services as usize);
    let mut seen = Seen::default();
    let stdin = [PathBuf::from("-")];
    let files = if arguments.files.is_empty() {
        &stdin[..]
    } else {
        &arguments.files[..]
    };
    for path in files {
        seen.file = (files.len() > 1).then(|| path.display().to_string());
        read(path, arguments, &mut replay, &mut services, &mut seen)?;
    }
    let mut replayed = replay.finish();
    let prices = Prices {
        harm: arguments.harm_price,
        waste: arguments.waste_price,
    };
    let suggestion = if arguments.suggest {
        Suggestion::new(candidates, prices, &mut replayed)
    } else {
        None
    };
    let names: Vec<_> = configs.into_iter().map(|named| named.name).collect();
    let nothing = nothing(&seen, services.left_out);
    Report::new(seen, &services, &names, replayed, suggestion).ok_or(nothing)
}

fn read(
    path: &Path,
    arguments: &Arguments,
    replay: &mut Replay,
    services: &mut Services,
    seen: &mut Seen,
) -> Result<(), String> {
    let file = input::open(path).map_err(|error| at(path, error))?;
    let mut log = Log::new(file, &arguments.input);
    loop {
        let call = log.next(services, seen).map_err(|stop| match stop {
            Stop::Io(error) => at(path, error),
            Stop::Format(error) => format!("{}: {error}", path.display()),
        })?;
        if arguments.strict
            && let Some(bad) = seen.first_bad.first()
        {
            return Err(match bad.file {
                Some(_) => bad.to_string(),
                None => format!("{}: {bad}", path.display()),
            });
        }
        match call {
            Some(call) => replay.push(call),
            None => return Ok(()),
        }
    }
}

fn at(path: &Path, error: io::Error) -> String {
    format!("{}: {error}", path.display())
}

/// Why there is nothing to report.
fn nothing(seen: &Seen, left_out: u64) -> String {
    let reason = match seen.first_bad.first() {
        _ if seen.lines == 0 => ": it is empty".to_owned(),
        Some(bad) => format!(
            ": {} of {} lines could not be read, the first being {bad}",
            seen.bad, seen.lines
        ),
        None if left_out > 0 => ": all services are left out".to_owned(),
        None => String::new(),
    };
    format!("no call in the log{reason}")
}
