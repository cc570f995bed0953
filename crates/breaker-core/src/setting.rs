//! The settings of a configuration one by one: to be read, and to be found wrong.

use core::{fmt, time::Duration};

use crate::config::{ConfigError, Percent};

/// One setting of a [`Config`](crate::Config), as [`Config::each_setting`](crate::Config::each_setting) tells it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Setting {
    section: &'static str,
    rule: Option<usize>,
    name: &'static str,
    value: Value,
}

impl Setting {
    pub(crate) fn new(section: &'static str, name: &'static str, value: impl Into<Value>) -> Self {
        Self {
            section,
            rule: None,
            name,
            value: value.into(),
        }
    }

    pub(crate) fn of_rule(rule: usize, name: &'static str, value: impl Into<Value>) -> Self {
        Self {
            rule: Some(rule),
            ..Self::new("trip", name, value)
        }
    }

    /// The section that it stands in, such as `open_time`.
    pub const fn section(&self) -> &'static str {
        self.section
    }

    /// Which of the rules of `trip` it belongs to.
    pub const fn rule(&self) -> Option<usize> {
        self.rule
    }

    /// Its name in the section, with dots between the parts; empty where the section is the setting.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Its value.
    pub const fn value(&self) -> Value {
        self.value
    }
}

/// As one line: `trip[0].failure_rate = 50%`.
impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.section)?;
        if let Some(rule) = self.rule {
            write!(f, "[{rule}]")?;
        }
        if !self.name.is_empty() {
            write!(f, ".{}", self.name)?;
        }
        write!(f, " = {}", self.value)
    }
}

/// The value of a setting.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// A number of things.
    Count(u64),
    /// A share.
    Share(Percent),
    /// A span of time.
    Span(Duration),
    /// Any other number.
    Number(f64),
    /// On or off.
    Flag(bool),
    /// One of several words.
    Word(&'static str),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => write!(f, "{count}"),
            Self::Share(Percent(share)) => write!(f, "{}%", Short(*share)),
            Self::Span(span) => write!(f, "{span:?}"),
            Self::Number(number) => write!(f, "{}", Short(*number)),
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::Word(word) => f.write_str(word),
        }
    }
}

/// A number without hundreds of zeros.
struct Short(f64);

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.0.abs();
        if size == 0.0 || (1e-9..1e15).contains(&size) {
            write!(f, "{}", self.0)
        } else {
            write!(f, "{:e}", self.0)
        }
    }
}

impl From<u32> for Value {
    fn from(count: u32) -> Self {
        Self::Count(count.into())
    }
}

impl From<u64> for Value {
    fn from(count: u64) -> Self {
        Self::Count(count)
    }
}

impl From<Percent> for Value {
    fn from(share: Percent) -> Self {
        Self::Share(share)
    }
}

impl From<Duration> for Value {
    fn from(span: Duration) -> Self {
        Self::Span(span)
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl From<&'static str> for Value {
    fn from(word: &'static str) -> Self {
        Self::Word(word)
    }
}

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
