//! The settings of a configuration one by one, to be read.

use core::fmt;

use crate::units::Value;

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
