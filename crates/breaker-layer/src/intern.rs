//! Each distinct configuration is stored once and for good, so that a circuit refers to it by a number.
//!
//! A call then reads its configuration without a lock, a reference count or a guard, and a million circuits share one.
//! What is stored stays: at most [`MOST`] distinct configurations in the life of the process, about 700 bytes each.

use std::{
    collections::HashMap,
    sync::{Mutex, OnceLock, PoisonError},
};

use breaker_core::{Checked, Config, ConfigError};

/// The most distinct configurations.
const MOST: usize = 1 << 16;

/// A place for each; memory is taken only for the pages that are in use.
static CONFIGS: [OnceLock<&'static Known>; MOST] = [const { OnceLock::new() }; MOST];
static NUMBERS: Mutex<Numbers> = Mutex::new(Numbers {
    given: 0,
    known: None,
});

/// A configuration as it was said, and as the decisions read it.
struct Known {
    checked: Checked,
    said: Config,
}

struct Numbers {
    given: usize,
    /// Of different words for the same decisions each has a number.
    known: Option<HashMap<Checked, Vec<u16>>>,
}

/// A configuration that is stored.
#[derive(Clone, Copy)]
pub(crate) struct Interned {
    pub(crate) number: u16,
    pub(crate) config: &'static Checked,
}

/// Checks a configuration, and stores it.
///
/// # Errors
///
/// Those of [`Config::build`]; or when there are too many.
pub(crate) fn store(said: Config) -> Result<Interned, ConfigError> {
    let checked = said.build()?;
    let mut numbers = NUMBERS.lock().unwrap_or_else(PoisonError::into_inner);
    let Numbers { given, known } = &mut *numbers;
    let same = known.get_or_insert_default().entry(checked).or_default();
    let is_same = |number: &&u16| self::said(**number) == said;
    let number = match same.iter().find(is_same) {
        Some(number) => *number,
        None => {
            let number = u16::try_from(*given).map_err(|_| {
                ConfigError::new(
                    "config",
                    "at most 65536 distinct configurations in one process",
                )
            })?;
            let known = || -> &'static Known { Box::leak(Box::new(Known { checked, said })) };
            CONFIGS[usize::from(number)].get_or_init(known);
            *given += 1;
            same.push(number);
            number
        }
    };
    let config = config(number);
    Ok(Interned { number, config })
}

/// The configuration of a number that [`store`] gave.
#[inline]
pub(crate) fn config(number: u16) -> &'static Checked {
    &known(number).checked
}

/// The same as it was said.
pub(crate) fn said(number: u16) -> Config {
    known(number).said
}

#[inline]
fn known(number: u16) -> &'static Known {
    match CONFIGS[usize::from(number)].get() {
        Some(known) => known,
        None => unreachable!("a number is given only for a configuration that is stored"),
    }
}
