//! What the user chose, checked once.

use core::{fmt, time::Duration};

use crate::{
    checks::{Faults, first},
    policy::{
        cancelled::Cancelled,
        open::{OpenTime, Opening},
        probes::{Probes, Probing},
        ramp::Ramp,
        trip::{Trip, Tripping},
    },
    setting::Setting,
    time::{MAX_WAIT, nanos},
    units::ConfigError,
};

/// What a circuit does from the beginning, without an operator's command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Mode {
    /// It counts, trips and rejects.
    #[default]
    Normal,
    /// It counts and trips in the shadow, and rejects nothing.
    ObserveOnly,
    /// It lets every call pass, uncounted.
    Disabled,
    /// It rejects every call.
    Isolated,
}

impl Mode {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::Normal,
        Self::ObserveOnly,
        Self::Disabled,
        Self::Isolated,
    ];

    /// As one word: `normal`, `observe_only`, `disabled` or `isolated`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::ObserveOnly => "observe_only",
            Self::Disabled => "disabled",
            Self::Isolated => "isolated",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A checked configuration, as the decisions read it; [`Config::build`] is the only way to one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Checked {
    pub(crate) trip: Tripping,
    pub(crate) open: Opening,
    pub(crate) probes: Probing,
    pub(crate) ramp: Option<Ramp>,
    pub(crate) slow_after: Option<Duration>,
    pub(crate) cancelled: Cancelled,
    panic_is_failure: bool,
    pub(crate) count_calls: bool,
    pub(crate) mode: Mode,
    /// In milliseconds; zero if there is none.
    pub(crate) grace: u32,
}

impl Checked {
    /// For how long from its beginning a circuit counts neither failures nor slow calls; zero if there is no such time.
    pub const fn grace(&self) -> Duration {
        Duration::from_millis(self.grace as u64)
    }

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

    /// How many probes may be under way at a time.
    pub const fn probes_at_once(&self) -> u32 {
        self.probes.at_once()
    }

    /// How long half-open waits for its first probe's answer.
    pub fn probe_timeout(&self) -> Duration {
        self.probes.lasts(0)
    }

    /// Whether its closed state takes a [`Credit`](crate::Credit): the evidence does, and failures in a row; rules over windows do not.
    pub const fn takes_credit(&self) -> bool {
        self.trip.takes_credit()
    }

    /// Whether admitted calls and successes are counted.
    pub const fn count_calls(&self) -> bool {
        self.count_calls
    }

    /// Whether traffic comes back gradually.
    pub const fn has_ramp(&self) -> bool {
        self.ramp.is_some()
    }

    /// Whether a success is counted even where it is fast and can change nothing.
    pub const fn counts_good_calls(&self) -> bool {
        self.count_calls || self.trip.time.is_some()
    }

    /// Whether more is kept of a closed circuit's calls than the evidence against its downstream.
    pub const fn keeps_calls(&self) -> bool {
        self.counts_good_calls() || self.trip.calls.is_some()
    }

    /// Whether a success must be recorded even while nothing speaks against the downstream.
    pub const fn records_successes(&self) -> bool {
        self.counts_good_calls() || self.slow_after.is_some()
    }
}

/// The settings of a circuit's decisions: a value, which is checked when a circuit is built of it.
///
/// ```
/// # use breaker_core as breaker_layer;
/// use std::time::Duration;
/// use breaker_layer::{Config, OpenTime, Probes, Trip};
///
/// let config = Config::new()
///     .trip(Trip::consecutive_failures(5))
///     .open_time(OpenTime::fixed(Duration::from_secs(5)))
///     .probes(Probes::new(1))
///     .build()?;
/// # Ok::<(), breaker_layer::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use = "settings do nothing until a circuit is built of them"]
#[doc(alias("CircuitBreakerConfig", "CircuitBreakerStrategyOptions"))]
pub struct Config {
    trip: Trip,
    open_time: OpenTime,
    probes: Probes,
    ramp: Option<Ramp>,
    slow_after: Option<Duration>,
    cancelled: Cancelled,
    panic_is_failure: bool,
    count_calls: bool,
    mode: Mode,
    /// In nanoseconds; what is more than fits is too much, too.
    one_event: u32,
    /// In milliseconds; what is more than fits is too much, too.
    grace: u32,
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
            mode: Mode::default(),
            one_event: 5_000_000,
            grace: 0,
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
    #[doc(alias = "slowCallDurationThreshold")]
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

    /// What the circuit does from the beginning: observe only, or nothing at all. Default: the normal course.
    pub const fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// Failures are one event, and count as one failure, that come within this time of the first one, of calls that were admitted
    /// before it: a connection that dies under many calls, a restart. From 0, so that each counts, to 1 s. Default: 5 ms.
    ///
    /// It holds for a circuit against whose downstream nothing spoke when these calls were admitted. The totals count each
    /// failure all the same.
    pub const fn one_event(mut self, within: Duration) -> Self {
        let nanos = nanos(within);
        self.one_event = if nanos > u32::MAX as u64 {
            u32::MAX
        } else {
            nanos as u32
        };
        self
    }

    /// For so long from its beginning a circuit does not trip: its failures and slow calls are in the totals and count for nothing
    /// else, because whoever has just started has connections to make, and its downstreams may start with it. In
    /// milliseconds, rounded up, to a day. Default: zero.
    ///
    /// It ends early with the first transition, which can only be an operator's.
    pub const fn grace(mut self, grace: Duration) -> Self {
        let millis = nanos(grace).div_ceil(1_000_000);
        self.grace = if millis > u32::MAX as u64 {
            u32::MAX
        } else {
            millis as u32
        };
        self
    }

    /// What [`Config::mode`] was set to.
    pub const fn starts_as(&self) -> Mode {
        self.mode
    }

    /// Checks the settings.
    ///
    /// # Errors
    ///
    /// Names the first setting that is out of its range, and the range. [`Config::each_fault`] names them all.
    pub fn build(self) -> Result<Checked, ConfigError> {
        first(|faults| self.check(faults))
    }

    /// Names every setting that is out of its range, and the range.
    ///
    /// ```
    /// # use breaker_core as breaker_layer;
    /// use breaker_layer::{Config, Probes, Trip};
    ///
    /// let config = Config::new().trip(Trip::consecutive_failures(0)).probes(Probes::new(1000));
    /// let mut faults = vec![];
    /// config.each_fault(|fault| faults.push(fault.to_string()));
    /// assert_eq!(faults, [
    ///     "`trip.consecutive_failures` is 0, but takes a number from 1 to 4095",
    ///     "`probes` is 1000, but takes a number from 1 to 255",
    /// ]);
    /// ```
    pub fn each_fault(&self, mut tell: impl FnMut(ConfigError)) {
        self.check(&mut Faults::new(&mut tell));
    }

    /// Tells every setting by its name, those with their defaults too.
    ///
    /// ```
    /// # use breaker_core as breaker_layer;
    /// use breaker_layer::{Config, Trip};
    ///
    /// let config = Config::new().trip(Trip::consecutive_failures(5));
    /// let mut told = vec![];
    /// config.each_setting(|setting| told.push(setting.to_string()));
    /// assert_eq!(told[..3], ["trip[0].consecutive_failures = 5", "open_time.kind = probe_share", "open_time.share = 20%"]);
    /// ```
    pub fn each_setting(&self, mut tell: impl FnMut(Setting)) {
        self.trip.tell(&mut tell);
        self.open_time.tell(&mut tell);
        self.probes.tell(&mut tell);
        if let Some(ramp) = self.ramp {
            ramp.tell(&mut tell);
        }
        if let Some(slow_after) = self.slow_after {
            tell(Setting::new("slow_after", "", slow_after));
        }
        self.cancelled.tell(&mut tell);
        tell(Setting::new(
            "one_event",
            "",
            Duration::from_nanos(self.one_event.into()),
        ));
        let grace = Duration::from_millis(self.grace.into());
        if !grace.is_zero() {
            tell(Setting::new("grace", "", grace));
        }
        for (name, flag) in [
            ("panic_is_failure", self.panic_is_failure),
            ("count_calls", self.count_calls),
        ] {
            tell(Setting::new(name, "", flag));
        }
        tell(Setting::new("mode", "", self.mode.name()));
    }

    fn check(self, faults: &mut Faults<'_>) -> Checked {
        let (mut trip, open, probes) = (
            self.trip.checked(faults),
            self.open_time.checked(faults),
            self.probes.checked(faults),
        );
        trip.one_event = self.one_event;
        faults.check(
            self.one_event <= 1_000_000_000,
            "one_event",
            Duration::from_nanos(self.one_event.into()),
            "a duration up to 1 s",
        );
        let grace = Duration::from_millis(self.grace.into());
        let most = Duration::from_secs(24 * 3600);
        faults.check(grace <= most, "grace", grace, "a duration up to a day");
        if let Some(slow_after) = self.slow_after {
            faults.check(
                !slow_after.is_zero() && slow_after <= MAX_WAIT,
                "slow_after",
                slow_after,
                "a duration from 1 ns to 100 days",
            );
        } else if self.trip.judges_slowness() || self.probes.judges_slowness() {
            let takes = "a duration, because a slow rate is asked for";
            faults.add(ConfigError::new("slow_after", takes));
        }
        Checked {
            trip,
            open,
            probes,
            ramp: self.ramp.map(|ramp| ramp.checked(faults)),
            slow_after: self.slow_after,
            cancelled: self.cancelled.checked(faults),
            panic_is_failure: self.panic_is_failure,
            count_calls: self.count_calls,
            mode: self.mode,
            grace: self.grace,
        }
    }
}

/// As one line, every setting with its value.
impl fmt::Display for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut said, mut is_first) = (Ok(()), true);
        self.each_setting(|setting| {
            let comma = if core::mem::take(&mut is_first) {
                ""
            } else {
                ", "
            };
            said = said.and_then(|()| write!(f, "{comma}{setting}"));
        });
        said
    }
}
