//! Writes an access log in JSON lines to standard output: some services, each of which fails for a while now and then.
//!
//! `cargo run -p breaker-replay --example generate -- --calls 1000000 > calls.jsonl`

use std::{
    error::Error,
    io::{self, BufWriter, Write},
};

use clap::Parser;

#[derive(Parser)]
struct Arguments {
    /// So many calls
    #[arg(long, default_value_t = 20)]
    calls: u64,
    /// To so many services
    #[arg(long, default_value_t = 3)]
    services: u64,
    /// So many calls a second, of all services together
    #[arg(long, default_value_t = 1000)]
    rate: u64,
    /// An outage comes so often, in seconds of the log
    #[arg(long, default_value_t = 600)]
    every: u64,
    /// And lasts so long
    #[arg(long, default_value_t = 60)]
    lasts: u64,
    /// Of 1000 calls outside of an outage so many fail
    #[arg(long, default_value_t = 5)]
    noise: u64,
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

const NAMES: [&str; 8] = [
    "payments", "search", "users", "mail", "stock", "prices", "images", "audit",
];
/// The first call begins at 2026-11-02T08:00:00Z.
const BEGIN: u64 = 1_793_606_400_000_000;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let mut out = BufWriter::with_capacity(1 << 20, io::stdout().lock());
    let mut random = Random(arguments.seed);
    let gap = 1_000_000 / arguments.rate.max(1);
    for call in 0..arguments.calls {
        let micros = call * gap + random.below(gap.max(1));
        let service = random.below(arguments.services.max(1));
        let (status, millis) = answer(&arguments, &mut random, service, micros);
        // A line is written when the call is over.
        let at = BEGIN + micros + millis * 1000;
        let time = jiff::Timestamp::from_microsecond(at.try_into()?)?;
        let name = NAMES[(service % NAMES.len() as u64) as usize];
        let number = service / NAMES.len() as u64;
        let number = if number == 0 {
            String::new()
        } else {
            format!("-{number}")
        };
        writeln!(
            out,
            r#"{{"time":"{time:.3}","service":"{name}{number}","status":{status},"duration":{}.{:03}}}"#,
            millis / 1000,
            millis % 1000,
        )?;
    }
    out.flush()?;
    Ok(())
}

/// The status, and after how many milliseconds it came.
fn answer(arguments: &Arguments, random: &mut Random, service: u64, micros: u64) -> (u16, u64) {
    let every = arguments.every.max(1) * 1_000_000;
    // Each service has its outages at a time of its own.
    let shifted =
        (micros + every - every * (service + 1) / (arguments.services.max(1) + 1)) % every;
    let is_out = micros > every / 8 && shifted < arguments.lasts * 1_000_000;
    let millis = 5 + random.below(20) + random.below(20);
    match random.below(1000) {
        luck if is_out && luck < 300 => (504, 1000),
        luck if is_out && luck < 950 => (503, millis),
        luck if !is_out && luck < arguments.noise => (500, millis),
        luck if luck % 50 == 7 => (404, millis),
        _ => (200, millis),
    }
}

/// SplitMix64 (G. Steele, D. Lea, C. Flood, 2014): the same log for the same seed.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        let number = breaker_core::machine::mix(self.0);
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        number % bound
    }
}
