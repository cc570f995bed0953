//! Each distinct configuration is stored once and for good, so that a circuit refers to it by a number.
//!
//! A call then reads its configuration without a lock, a reference count or a guard, and a million circuits share one.
//! What is stored stays: at most [`MOST`] distinct configurations in the life of the process, about 200 bytes each.

use std::{
    collections::HashMap,
    sync::{Mutex, OnceLock, PoisonError},
};

use breaker_core::{Checked, ConfigError};

/// The most distinct configurations.
const MOST: usize = 1 << 16;

/// A place for each; memory is taken only for the pages that are in use.
static CONFIGS: [OnceLock<&'static Checked>; MOST] = [const { OnceLock::new() }; MOST];
static NUMBERS: Mutex<Option<HashMap<Checked, u16>>> = Mutex::new(None);

/// The number of this configuration.
///
/// # Errors
///
/// When there are too many.
pub(crate) fn number(config: Checked) -> Result<u16, ConfigError> {
    let mut numbers = NUMBERS.lock().unwrap_or_else(PoisonError::into_inner);
    let numbers = numbers.get_or_insert_default();
    if let Some(&number) = numbers.get(&config) {
        return Ok(number);
    }
    let number = u16::try_from(numbers.len()).map_err(|_| {
        ConfigError::new(
            "config",
            "at most 65536 distinct configurations in one process",
        )
    })?;
    CONFIGS[usize::from(number)].get_or_init(|| Box::leak(Box::new(config)));
    numbers.insert(config, number);
    Ok(number)
}

/// The configuration of a number that [`number`] gave.
#[inline]
pub(crate) fn config(number: u16) -> &'static Checked {
    match CONFIGS[usize::from(number)].get() {
        Some(config) => config,
        None => unreachable!("a number is given only for a configuration that is stored"),
    }
}
