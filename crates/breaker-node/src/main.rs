//! The node on standard input and output.
#![forbid(unsafe_code)]

use std::io::{self, Write};
use std::process::ExitCode;

use breaker_node::{Error, Settings, run};
use clap::Parser;
use tokio::runtime::Builder;

fn main() -> ExitCode {
    let settings = Settings::parse();
    match serve(settings) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // There is nowhere else to say it.
            let _ = writeln!(io::stderr(), "breaker-node: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(settings: Settings) -> Result<(), Error> {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Error::Read)?;
    runtime.block_on(run(
        tokio::io::stdin(),
        tokio::io::stdout(),
        io::stderr(),
        settings,
    ))
}
