//! Shares, the values of settings, and the error of a value that is out of its range.

use core::{fmt, time::Duration};

/// A share in per cent: `Percent(50.0)` is a half.
///
/// `Percent(0.5)` is half a per cent, which as a rate is more often a mistake: see
/// [`Trip::with_tiny_rates`](crate::Trip::with_tiny_rates).
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Percent(pub f64);

impl Percent {
    pub(crate) const fn millionths(self) -> u32 {
        (self.0 * 1e4 + 0.5) as u32
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", self.0)
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

/// A setting that cannot be: which one, its value, and what it takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ConfigError {
    setting: &'static str,
    value: Option<Value>,
    takes: &'static str,
}

impl ConfigError {
    /// The error of a setting, with what it takes instead.
    pub const fn new(setting: &'static str, takes: &'static str) -> Self {
        Self {
            setting,
            value: None,
            takes,
        }
    }

    pub(crate) const fn of(setting: &'static str, value: Value, takes: &'static str) -> Self {
        Self {
            setting,
            value: Some(value),
            takes,
        }
    }

    /// The name of the setting.
    pub const fn setting(&self) -> &'static str {
        self.setting
    }

    /// The value that it was given, where one is at fault.
    pub const fn value(&self) -> Option<Value> {
        self.value
    }

    /// What the setting takes.
    pub const fn takes(&self) -> &'static str {
        self.takes
    }
}

/// As one line: `` `trip.consecutive_failures` is 0, but takes a number from 1 to 4095 ``.
impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { setting, takes, .. } = self;
        match self.value {
            None => write!(f, "`{setting}` takes {takes}"),
            Some(value) => {
                write!(f, "`{setting}` is {value}, but takes {takes}")?;
                match value {
                    Value::Share(Percent(share)) if share > 0.0 && share < 1.0 => {
                        // As it was written down, without the noise of the multiplication.
                        let meant = libm::round(share * 1e8) / 1e6;
                        write!(f, "; did you mean {meant}%?")
                    }
                    _ => Ok(()),
                }
            }
        }
    }
}

impl core::error::Error for ConfigError {}
