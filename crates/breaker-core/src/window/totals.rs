//! What windows count.

/// A call that counts in the windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    /// It failed.
    pub(crate) failed: bool,
    /// It was slow.
    pub(crate) slow: bool,
}

/// The calls in a window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// All of them.
    pub calls: u32,
    /// Those that failed.
    pub failures: u32,
    /// Those that were slow.
    pub slow: u32,
}

impl Totals {
    /// The share of the calls that failed, from 0 to 1; `None` of no call.
    ///
    /// ```
    /// # mod breaker_layer { pub use breaker_core as observe; }
    /// use breaker_layer::observe::Totals;
    ///
    /// let totals = Totals { calls: 8, failures: 2, slow: 4 };
    /// assert_eq!(totals.failure_rate(), Some(0.25));
    /// assert_eq!(totals.slow_rate(), Some(0.5));
    /// assert_eq!(Totals::default().failure_rate(), None);
    /// ```
    pub fn failure_rate(&self) -> Option<f64> {
        self.share(self.failures)
    }

    /// The share of the calls that were slow, from 0 to 1; `None` of no call.
    pub fn slow_rate(&self) -> Option<f64> {
        self.share(self.slow)
    }

    /// Those and these; what is more than can be counted is left out.
    pub(crate) const fn plus(self, more: Self) -> Self {
        Self {
            calls: self.calls.saturating_add(more.calls),
            failures: self.failures.saturating_add(more.failures),
            slow: self.slow.saturating_add(more.slow),
        }
    }

    /// Those without these, which are among them.
    pub(crate) const fn minus(self, less: Self) -> Self {
        Self {
            calls: self.calls.saturating_sub(less.calls),
            failures: self.failures.saturating_sub(less.failures),
            slow: self.slow.saturating_sub(less.slow),
        }
    }

    fn share(&self, part: u32) -> Option<f64> {
        (self.calls > 0).then(|| f64::from(part) / f64::from(self.calls))
    }
}
