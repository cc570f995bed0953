//! What the replayer's own policy keeps and judges by: naively, each call with its time.

use super::row::{Align, AttributeTo, Checked, EvaluateOn, Expires, Op, Per, Rule, Stale, Window};

/// What it judges by.
pub(crate) struct Terms {
    window: Window,
    /// None where the library's own policies judge, and this one only counts.
    pub(crate) rules: Vec<Rule>,
    min_calls: u32,
    pub(crate) warmup_ms: u64,
    pub(crate) on_failure_only: bool,
    slow_ms: u64,
    by_start: bool,
    drops_stale: bool,
    pub(crate) opens_on_demand: bool,
}

#[derive(Default)]
pub(crate) struct Book {
    pub(crate) calls: Vec<Entry>,
    /// When it was last cleared, and when the tumbling window began.
    pub(crate) cleared_ms: u64,
    pub(crate) began_ms: u64,
    /// What it counted when it last said that the circuit is to trip.
    pub(crate) tripped: Counted,
}

#[derive(Clone, Copy)]
pub(crate) struct Entry {
    at_ms: u64,
    failed: bool,
    slow: bool,
}

/// The calls in the window.
#[derive(Clone, Copy, Default)]
pub(crate) struct Counted {
    pub(crate) calls: u32,
    pub(crate) failures: u32,
    pub(crate) slow: u32,
    pub(crate) failures_in_a_row: u32,
    pub(crate) successes_in_a_row: u32,
}

impl Terms {
    pub(crate) fn of(config: &Checked, rules: Vec<Rule>, opens_on_demand: bool) -> Self {
        Self {
            window: config.window.clone(),
            rules,
            min_calls: config.min_calls,
            warmup_ms: config.warmup_ms.unwrap_or(0),
            on_failure_only: config.evaluate_on == EvaluateOn::Failure,
            slow_ms: config.slow_ms.unwrap_or(u64::MAX),
            by_start: config.attribute_to == AttributeTo::Start,
            drops_stale: config.stale == Stale::Drop,
            opens_on_demand,
        }
    }
}

impl Terms {
    pub(crate) fn enter(&self, book: &mut Book, at: u64, took: u64, failed: bool) {
        let started = at - took;
        // The admission of a call notices that the window is over, if nobody has before.
        self.roll(book, started);
        self.roll(book, at);
        if self.is_tumbling() && self.drops_stale && started < book.began_ms {
            return;
        }
        let is_lumped = match self.window {
            Window::ErrorTimes { lump_ms, .. } => {
                let last = book.calls.iter().rfind(|call| call.failed);
                last.is_some_and(|last| failed && at < last.at_ms + lump_ms)
            }
            _ => false,
        };
        if !is_lumped {
            book.calls.push(Entry {
                at_ms: if self.by_start { started } else { at },
                failed,
                slow: took > self.slow_ms,
            });
        }
    }

    const fn is_tumbling(&self) -> bool {
        matches!(self.window, Window::Tumbling { .. })
    }

    /// Begins the next tumbling window where this one is over.
    pub(crate) fn roll(&self, book: &mut Book, now: u64) {
        let Window::Tumbling {
            span_ms,
            expires,
            align,
        } = self.window
        else {
            return;
        };
        let gone = now.saturating_sub(book.began_ms);
        let (is_over, begin) = match (align, expires) {
            (Align::Epoch, _) => (
                now / span_ms > book.began_ms / span_ms,
                now / span_ms * span_ms,
            ),
            (Align::Start | Align::FirstEvent, Expires::At) => (gone >= span_ms, now),
            (Align::Start | Align::FirstEvent, Expires::After) => (gone > span_ms, now),
        };
        if is_over {
            book.calls.clear();
            book.began_ms = begin;
        }
    }

    fn is_in_window(&self, book: &Book, at: u64, now: u64) -> bool {
        match self.window {
            Window::Time {
                span_ms,
                bucket_ms,
                align,
            } => {
                let origin = if align == Align::Epoch {
                    0
                } else {
                    book.cleared_ms
                };
                let bucket = |time: u64| time.saturating_sub(origin) / bucket_ms;
                bucket(now) - bucket(at) < span_ms / bucket_ms
            }
            Window::ErrorTimes { span_ms, .. } => now - at <= span_ms,
            Window::Count { .. }
            | Window::Tumbling { .. }
            | Window::Lifetime
            | Window::Ewma { .. } => true,
        }
    }

    pub(crate) fn count(&self, book: &Book, now: u64) -> Counted {
        let mut counted = Counted::default();
        let most = match self.window {
            Window::Count { size } => size as usize,
            _ => usize::MAX,
        };
        let skipped = book.calls.len().saturating_sub(most);
        for call in &book.calls[skipped..] {
            if self.is_in_window(book, call.at_ms, now) {
                counted.add(*call);
            }
        }
        counted
    }

    pub(crate) fn is_broken(&self, rule: &Rule, book: &Book, counted: Counted, now: u64) -> bool {
        let Counted {
            calls,
            failures,
            slow,
            failures_in_a_row,
            ..
        } = counted;
        let enough = calls >= self.min_calls.max(1);
        let reaches = |part: u32, rate: f64, op: Op| {
            let share = f64::from(part) / f64::from(calls);
            enough
                && if op == Op::Above {
                    share > rate
                } else {
                    share >= rate
                }
        };
        match *rule {
            Rule::Consecutive {
                consecutive_failures,
            } => failures_in_a_row >= consecutive_failures,
            Rule::Failures { failures: most } => enough && failures >= most,
            Rule::FailureRate {
                failure_rate, op, ..
            } => reaches(failures, failure_rate, op),
            Rule::SlowRate { slow_rate, op } => reaches(slow, slow_rate, op),
            Rule::Average { ewma_success_below } => {
                enough && self.average(book, now) < ewma_success_below
            }
        }
    }

    /// The moving average of the successes, seeded with the first call.
    fn average(&self, book: &Book, now: u64) -> f64 {
        let Window::Ewma { per, n } = self.window else {
            return f64::NAN;
        };
        let mut calls = book.calls.iter().filter(|call| call.at_ms <= now);
        let value = |call: &Entry| f64::from(u8::from(!call.failed));
        let Some(first) = calls.next() else {
            return 1.0;
        };
        let seed = (value(first), first.at_ms);
        let (average, _) = calls.fold(seed, |(average, before), call| {
            let elapsed = match per {
                Per::Request => 1,
                Per::Ms => call.at_ms - before,
            };
            let weight = (-(elapsed as f64) / n as f64).exp();
            (average * weight + value(call) * (1.0 - weight), call.at_ms)
        });
        average
    }
}

impl Counted {
    fn add(&mut self, call: Entry) {
        self.calls += 1;
        self.failures += u32::from(call.failed);
        self.slow += u32::from(call.slow);
        if call.failed {
            self.failures_in_a_row += 1;
            self.successes_in_a_row = 0;
        } else {
            self.successes_in_a_row += 1;
            self.failures_in_a_row = 0;
        }
    }
}
