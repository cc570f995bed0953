//! What a circuit, a response future and a call take in memory. Fails if a bar does not hold.

use std::process::ExitCode;

use breaker_bench::{bar, weigh};

fn main() -> ExitCode {
    bar::report(&weigh::bars())
}
