//! The checks of settings: each fault is told, and the first one is the error.

use crate::units::{ConfigError, Percent, Value};

/// Where the checks put what they find wrong.
pub(crate) struct Faults<'a> {
    tell: &'a mut dyn FnMut(ConfigError),
    are_none: bool,
}

impl<'a> Faults<'a> {
    pub(crate) fn new(tell: &'a mut dyn FnMut(ConfigError)) -> Self {
        Self {
            tell,
            are_none: true,
        }
    }

    /// Whether nothing is wrong so far.
    pub(crate) const fn are_none(&self) -> bool {
        self.are_none
    }

    /// A fault unless the value is good; says whether it is.
    pub(crate) fn check(
        &mut self,
        is_good: bool,
        setting: &'static str,
        value: impl Into<Value>,
        takes: &'static str,
    ) -> bool {
        if !is_good {
            self.add(ConfigError::of(setting, value.into(), takes));
        }
        is_good
    }

    /// A rate, in millionths. Below 1 % it is taken for a fraction, unless it was said that it is none.
    pub(crate) fn rate(&mut self, rate: Percent, setting: &'static str, may_be_tiny: bool) -> u32 {
        let millionths = rate.millionths();
        if may_be_tiny {
            let takes = "a rate above 0 % and at most 100 %";
            self.check(millionths > 0 && rate.0 <= 100.0, setting, rate, takes);
        } else {
            let is_good = (1.0..=100.0).contains(&rate.0);
            self.check(is_good, setting, rate, "a rate from 1 % to 100 %");
        }
        millionths
    }

    pub(crate) fn add(&mut self, fault: ConfigError) {
        self.are_none = false;
        (self.tell)(fault);
    }
}

/// What a check gives, or the first fault that it finds.
pub(crate) fn first<T>(check: impl FnOnce(&mut Faults<'_>) -> T) -> Result<T, ConfigError> {
    let mut first = None;
    let checked = check(&mut Faults::new(&mut |fault| {
        first.get_or_insert(fault);
    }));
    first.map_or(Ok(checked), Err)
}
