//! What would the breaker have done? Replays access logs against configurations of breaker-layer.
#![forbid(unsafe_code)]

mod cli;
mod configs;
mod input;
mod outputs;
mod replay;
mod report;
mod run;
mod suggest;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::Parser;

use crate::{cli::Arguments, input::plain_lines};

fn main() -> ExitCode {
    let said = run::run(&Arguments::parse()).and_then(|text| {
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
            eprintln!("breaker-replay: {}", plain_lines(&error));
            ExitCode::from(2)
        }
    }
}
