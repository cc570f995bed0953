//! What the user chose, checked once.

use core::{fmt, time::Duration};

use crate::{
    policy::{
        cancelled::Cancelled,
        open::{OpenTime, Opening},
        probes::{Probes, Probing},
        ramp::Ramp,
        trip::{Trip, Tripping},
    },
    time::MAX_WAIT,
    window::{Layout, RingOnly},
};

/// A share in per cent: `Percent(50.0)` is a half.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Percent(pub f64);

impl Percent {
    /// Above 0 % and at most 100 %.
    pub(crate) fn millionths(self, setting: &'static str) -> Result<u32, ConfigError> {
        let millionths = (self.0 * 1e4 + 0.5) as u32;
        check(
            millionths > 0 && self.0 <= 100.0,
            setting,
            "above 0 % and at most 100 %",
        )?;
        Ok(millionths)
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", self.0)
    }
}

/// A setting that cannot be: which one, and what it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConfigError {
    setting: &'static str,
    takes: &'static str,
}

impl ConfigError {
    /// The error of a setting, with what it takes instead.
    pub const fn new(setting: &'static str, takes: &'static str) -> Self {
        Self { setting, takes }
    }

    /// The name of the setting.
    pub const fn setting(&self) -> &'static str {
        self.setting
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` takes {}", self.setting, self.takes)
    }
}

impl core::error::Error for ConfigError {}

/// `Ok` if the setting is as it should be.
pub(crate) fn check(
    good: bool,
    setting: &'static str,
    takes: &'static str,
) -> Result<(), ConfigError> {
    if good {
        Ok(())
    } else {
        Err(ConfigError::new(setting, takes))
    }
}

/// A checked configuration, as the decisions read it; [`Config::build`] is the only way to one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Checked {
    pub(crate) trip: Tripping,
    pub(crate) open: Opening,
    pub(crate) probes: Probing,
    pub(crate) ramp: Option<Ramp>,
    pub(crate) slow_after: Option<Duration>,
    pub(crate) cancelled: Cancelled,
    panic_is_failure: bool,
    pub(crate) count_calls: bool,
    /// A window of calls is all that is kept.
    pub(crate) ring_only: Option<RingOnly>,
    pub(crate) layout: Layout,
}

impl Checked {
    /// A call that takes longer is slow; `None` if nobody asks.
    pub const fn slow_after(&self) -> Option<Duration> {
        self.slow_after
    }

    /// What a cancelled call counts as.
    pub const fn cancelled(&self) -> Cancelled {
        self.cancelled
    }

    /// Whether a call that panics is a failure, and not a cancelled one.
    pub const fn panic_is_failure(&self) -> bool {
        self.panic_is_failure
    }

    /// Whether admitted calls and successes are counted.
    pub const fn count_calls(&self) -> bool {
        self.count_calls
    }

    /// Whether traffic comes back gradually.
    pub const fn has_ramp(&self) -> bool {
        self.ramp.is_some()
    }

    /// Whether calls of a closed circuit count elsewhere than in its word.
    pub const fn counts_beside(&self) -> bool {
        self.records_successes() || self.trip.calls.is_some()
    }

    /// Whether a closed circuit's calls count in a window of calls, and in nothing else that is kept, however long they take.
    #[inline]
    pub const fn counts_in_ring_only(&self) -> bool {
        self.ring_only.is_some()
    }

    /// Whether a success is counted even where it can change nothing.
    pub const fn counts_good_calls(&self) -> bool {
        self.count_calls || self.trip.time.is_some()
    }

    /// Whether a success must be recorded even while nothing speaks against the downstream.
    pub const fn records_successes(&self) -> bool {
        self.counts_good_calls() || self.slow_after.is_some()
    }
}

/// The settings of a circuit's decisions: a value, which is checked when a circuit is built of it.
///
/// ```
/// use std::time::Duration;
/// use breaker_core::{Config, OpenTime, Probes, Trip};
///
/// let config = Config::new()
///     .trip(Trip::consecutive_failures(5))
///     .open_time(OpenTime::fixed(Duration::from_secs(5)))
///     .probes(Probes::new(1))
///     .build()?;
/// # Ok::<(), breaker_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use = "settings do nothing until a circuit is built of them"]
pub struct Config {
    trip: Trip,
    open_time: OpenTime,
    probes: Probes,
    ramp: Option<Ramp>,
    slow_after: Option<Duration>,
    cancelled: Cancelled,
    panic_is_failure: bool,
    count_calls: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            trip: Trip::default(),
            open_time: OpenTime::default(),
            probes: Probes::default(),
            ramp: None,
            slow_after: None,
            cancelled: Cancelled::default(),
            panic_is_failure: true,
            count_calls: false,
        }
    }
}

impl Config {
    /// A configuration with the defaults of its parts.
    pub fn new() -> Self {
        Self::default()
    }

    /// When to trip.
    pub const fn trip(mut self, trip: Trip) -> Self {
        self.trip = trip;
        self
    }

    /// How long to stay open.
    pub const fn open_time(mut self, open_time: OpenTime) -> Self {
        self.open_time = open_time;
        self
    }

    /// How to probe.
    pub const fn probes(mut self, probes: Probes) -> Self {
        self.probes = probes;
        self
    }

    /// A call that takes longer is slow, from 1 ns to 100 days, whether it is answered or given up. Each call then reads the
    /// clock at both ends.
    pub const fn slow_after(mut self, slow_after: Duration) -> Self {
        self.slow_after = Some(slow_after);
        self
    }

    /// What a cancelled call (a permit that was dropped) counts as. Default: for nothing, but as a failure when all calls
    /// are cancelled and none is answered.
    pub const fn cancelled(mut self, cancelled: Cancelled) -> Self {
        self.cancelled = cancelled;
        self
    }

    /// Whether a call that panics (a permit that was dropped while unwinding) is a failure. If not, it is a cancelled one.
    /// Default: it is.
    pub const fn panic_is_failure(mut self, is_failure: bool) -> Self {
        self.panic_is_failure = is_failure;
        self
    }

    /// Lets traffic back gradually once the probes have succeeded. Default: at once.
    pub const fn ramp(mut self, ramp: Ramp) -> Self {
        self.ramp = Some(ramp);
        self
    }

    /// Counts admitted calls and successes too. Each call then writes twice to memory that all clones share. Default: no.
    pub const fn count_calls(mut self, count: bool) -> Self {
        self.count_calls = count;
        self
    }

    /// Checks the settings.
    ///
    /// # Errors
    ///
    /// Names the first setting that is out of its range, and the range.
    pub fn build(self) -> Result<Checked, ConfigError> {
        let (trip, probes) = (self.trip.check()?, self.probes.check()?);
        if let Some(slow_after) = self.slow_after {
            check(
                !slow_after.is_zero() && slow_after <= MAX_WAIT,
                "slow_after",
                "a duration from 1 ns to 100 days",
            )?;
        }
        check(
            self.slow_after.is_some() || !(trip.judges_slowness() || probes.judges_slowness()),
            "slow_after",
            "a duration, because a slow rate is asked for",
        )?;
        let is_plain = !self.count_calls && self.ramp.is_none() && self.slow_after.is_none();
        let mut config = Checked {
            trip,
            open: self.open_time.check()?,
            probes,
            ramp: self.ramp.map(Ramp::check).transpose()?,
            slow_after: self.slow_after,
            cancelled: self.cancelled.check()?,
            panic_is_failure: self.panic_is_failure,
            count_calls: self.count_calls,
            ring_only: trip.ring_only().filter(|_| is_plain),
            layout: Layout::default(),
        };
        config.layout = Layout::of(&config);
        Ok(config)
    }
}
