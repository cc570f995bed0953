//! What would the breaker have done? Replays access logs against configurations of breaker-layer.
//!
//! The library is the program, for its fuzz target. It is no API to build on.
#![forbid(unsafe_code)]

mod cli;
mod configs;
mod fail_if;
mod input;
mod interrupt;
mod keys;
mod outputs;
mod replay;
mod report;
mod run;
mod suggest;

use std::{
    ffi::OsString,
    io::{self, Write},
    process::ExitCode,
};

use clap::Parser;

use crate::{cli::Arguments, input::plain_lines, interrupt::Interrupt};

/// Runs the program on this process's arguments and standard streams.
#[must_use = "the process ends with it"]
pub fn main() -> ExitCode {
    let said = interrupt::listen().and_then(|interrupt| {
        let said = run::run(&Arguments::parse(), &interrupt)?;
        let mut out = io::stdout().lock();
        match out
            .write_all(said.text.as_bytes())
            .and_then(|()| out.flush())
        {
            // Whoever read it has read enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(said.failed),
            done => done
                .map(|()| said.failed)
                .map_err(|error| format!("standard output: {error}")),
        }
    });
    match said {
        Ok(None) => ExitCode::SUCCESS,
        Ok(Some(failed)) => {
            eprintln!("breaker-replay: {}", plain_lines(&failed));
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("breaker-replay: {}", plain_lines(&error));
            ExitCode::from(2)
        }
    }
}

/// Runs the program on these arguments, the first of which is its own name, and returns what it prints.
///
/// # Errors
///
/// What it says on standard error.
pub fn run_with(
    arguments: impl IntoIterator<Item = impl Into<OsString> + Clone>,
) -> Result<String, String> {
    let arguments = Arguments::try_parse_from(arguments).map_err(|error| error.to_string())?;
    run::run(&arguments, &Interrupt::default()).map(|said| said.text)
}
