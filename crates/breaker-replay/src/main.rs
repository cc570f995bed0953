//! What would the breaker have done? The program.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    breaker_replay::main()
}
