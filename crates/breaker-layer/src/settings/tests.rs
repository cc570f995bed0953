mod faults;
mod merge;
mod round_trip;
mod say;

use std::time::Duration;

use breaker_core::{Cancelled, Mode, OpenTime, Percent, Probes, Ramp, Trip, Window, presets};
use serde_json::{Value, json};

use super::*;

fn read(json: &str) -> Result<Config, String> {
    let settings = serde_json::from_str::<Settings>(json).map_err(|error| {
        let text = error.to_string();
        // Where it stands in the text, which is that of the whole.
        text.split(" at line ")
            .next()
            .unwrap_or_default()
            .to_owned()
    })?;
    Ok(settings.config())
}

fn of(value: Value) -> Result<Config, String> {
    read(&value.to_string())
}

const SECOND: Duration = Duration::from_secs(1);
