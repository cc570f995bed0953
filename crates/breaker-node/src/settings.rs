//! The flags of the node.

use std::num::{NonZeroUsize, ParseIntError};
use std::time::Duration;

use breaker_layer::{Config, ConfigError, OpenTime, Probes, Trip};
use clap::Parser;

use crate::protocol::is_name;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// A circuit breaker to talk to: JSON objects on standard input, one reply a line on standard output.
///
/// Each message makes calls through a Tower stack, of a breaker and a timeout, around a simulated
/// downstream which does as the message says. See PROTOCOL.md.
#[derive(Clone, Debug, Parser)]
#[command(name = "breaker-node", version)]
pub struct Settings {
    /// So many failures in a row open a breaker
    #[arg(long, value_name = "N", default_value = "5", value_parser = failure_threshold)]
    failure_threshold: Trip,

    /// For how long an open breaker rejects every call: 50ms, 5s, 2m, 1h
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = open_for)]
    open_for: OpenTime,

    /// So many good probes in a row close a half-open breaker
    #[arg(long, value_name = "N", default_value = "1", value_parser = probes)]
    probes: Probes,

    /// The service of a message that names none
    #[arg(long, value_name = "NAME", default_value = "service-b", value_parser = service)]
    pub(crate) service: String,

    /// A call that takes longer has failed
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = timeout)]
    pub(crate) timeout: Duration,

    /// Answer a message that comes in an envelope in one, as Maelstrom's clients expect
    #[arg(long)]
    pub(crate) envelope: bool,

    /// Tell each transition, and its reason, on standard error
    #[arg(long)]
    pub(crate) log: bool,

    /// Vote with other nodes on the services that all of them call, through this Redis: redis://127.0.0.1:6379/
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) fleet: Option<String>,

    /// With --fleet: what fails together, such as a zone
    #[arg(long, value_name = "NAME", default_value = "none", requires = "fleet")]
    pub(crate) zone: String,

    /// With --fleet: the nodes that hear each other
    #[arg(
        long,
        value_name = "NAME",
        default_value = "breaker-node",
        requires = "fleet"
    )]
    pub(crate) namespace: String,

    /// The longest object that is read
    #[arg(long, value_name = "BYTES", default_value = "1048576")]
    pub(crate) max_message_bytes: NonZeroUsize,

    /// The most services that are kept; beyond it the closed one that is idle for longest is forgotten
    #[arg(long, value_name = "N", default_value = "100000", value_parser = max_services)]
    pub(crate) max_services: NonZeroUsize,
}

impl Settings {
    /// The configuration of every breaker.
    pub(crate) fn breaker(&self) -> Config {
        Config::default()
            .trip(self.failure_threshold)
            .open_time(self.open_for)
            .probes(self.probes)
    }
}

fn failure_threshold(text: &str) -> Result<Trip, String> {
    let trip = Trip::consecutive_failures(number(text));
    check(Config::default().trip(trip)).map(|()| trip)
}

fn open_for(text: &str) -> Result<OpenTime, String> {
    let open_time = OpenTime::fixed(duration(text)?);
    check(Config::default().open_time(open_time)).map(|()| open_time)
}

fn probes(text: &str) -> Result<Probes, String> {
    // Every probe of the node ends by itself, so that half-open can wait for the next one as long as it likes.
    let probes = Probes::new(number(text)).timeout(25 * DAY);
    check(Config::default().probes(probes)).map(|()| probes)
}

fn check(config: Config) -> Result<(), String> {
    config
        .build()
        .map(drop)
        .map_err(|error: ConfigError| error.to_string())
}

fn service(text: &str) -> Result<String, String> {
    if is_name(text) {
        Ok(text.into())
    } else {
        Err("a service's name has 1 to 256 bytes".into())
    }
}

fn timeout(text: &str) -> Result<Duration, String> {
    let range = Duration::from_millis(1)..=DAY;
    duration(text).and_then(|timeout| {
        range
            .contains(&timeout)
            .then_some(timeout)
            .ok_or("not from 1ms to 24h".into())
    })
}

fn max_services(text: &str) -> Result<NonZeroUsize, String> {
    // Each may need a circuit, and a table has no more of them.
    const MOST: usize = 1 << 24;
    let most: NonZeroUsize = text
        .parse()
        .map_err(|error: ParseIntError| error.to_string())?;
    if most.get() <= MOST {
        Ok(most)
    } else {
        Err(format!("not from 1 to {MOST}"))
    }
}

/// Reads a number. What is none is taken for one that no setting takes, so that its range is told.
fn number(text: &str) -> u32 {
    text.parse().unwrap_or(0)
}

/// Reads a duration: an integer and a unit.
fn duration(text: &str) -> Result<Duration, String> {
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit: u64 = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => {
            return Err(
                "a duration is an integer and one of ms, s, m and h, such as 50ms or 5s".into(),
            );
        }
    };
    let millis = number
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(unit));
    millis
        .map(Duration::from_millis)
        .ok_or_else(|| "the number of the duration is missing or too large".into())
}
