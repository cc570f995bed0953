//! A scenario as its file has it; long because the schema is, and read best beside it in one piece.
//!
//! A key that is not known here makes the row unreadable, so that nothing it asserts is passed over.

use std::collections::BTreeMap;

use serde::{Deserialize, de::IgnoredAny};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Row {
    pub(crate) id: String,
    #[serde(rename = "source")]
    _source: IgnoredAny,
    #[serde(default)]
    pub(crate) tags: Vec<String>,
    pub(crate) config: Checked,
    pub(crate) steps: Vec<Step>,
    #[serde(default)]
    pub(crate) expect: Expected,
    #[serde(default, rename = "note")]
    _note: IgnoredAny,
    #[serde(default, rename = "verified")]
    _verified: IgnoredAny,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Checked {
    pub(crate) window: Window,
    #[serde(default)]
    pub(crate) min_calls: u32,
    pub(crate) warmup_ms: Option<u64>,
    pub(crate) trip_any: Vec<Rule>,
    #[serde(default)]
    pub(crate) evaluate_on: EvaluateOn,
    pub(crate) slow_ms: Option<u64>,
    pub(crate) open: Open,
    pub(crate) half_open: HalfOpen,
    #[serde(default)]
    pub(crate) ignored_counts_as: IgnoredCountsAs,
    #[serde(default)]
    pub(crate) stale: Stale,
    #[serde(default)]
    pub(crate) attribute_to: AttributeTo,
    #[serde(default)]
    pub(crate) metrics: Metrics,
    #[serde(default)]
    pub(crate) initial_state: Name,
}

#[derive(Clone, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Window {
    Count {
        size: u32,
    },
    Time {
        span_ms: u64,
        bucket_ms: u64,
        align: Align,
    },
    Tumbling {
        span_ms: u64,
        #[serde(default)]
        expires: Expires,
        #[serde(default)]
        align: Align,
    },
    Lifetime,
    Ewma {
        per: Per,
        n: u64,
    },
    ErrorTimes {
        span_ms: u64,
        #[serde(default)]
        lump_ms: u64,
    },
}

#[derive(Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Align {
    Epoch,
    #[default]
    Start,
    FirstEvent,
}

#[derive(Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Expires {
    At,
    #[default]
    After,
}

#[derive(Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Per {
    Request,
    Ms,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub(crate) enum Rule {
    Consecutive {
        consecutive_failures: u32,
    },
    Failures {
        failures: u32,
    },
    FailureRate {
        failure_rate: f64,
        #[serde(default)]
        op: Op,
        #[serde(default, rename = "of")]
        _of: Of,
    },
    SlowRate {
        slow_rate: f64,
        #[serde(default)]
        op: Op,
    },
    Average {
        ewma_success_below: f64,
    },
}

#[derive(Clone, Copy, Default, PartialEq, Deserialize)]
pub(crate) enum Op {
    #[default]
    #[serde(rename = ">=")]
    AtLeast,
    #[serde(rename = ">")]
    Above,
}

/// Both are the same here: no row has a call in flight when a rate is judged, and none ignores one before.
#[derive(Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Of {
    #[default]
    Counted,
    Started,
}

#[derive(Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EvaluateOn {
    #[default]
    Result,
    Failure,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Open {
    pub(crate) wait_ms: Option<u64>,
    pub(crate) backoff: Option<Backoff>,
    #[serde(default)]
    pub(crate) sequence_ms: Vec<u64>,
    #[serde(default)]
    pub(crate) expires: Expires,
    /// It makes no difference to what a caller meets: the state is read with the time.
    #[serde(default, rename = "auto")]
    _auto: bool,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Backoff {
    pub(crate) initial_ms: u64,
    pub(crate) multiplier: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HalfOpen {
    pub(crate) permits: Option<u32>,
    #[serde(default)]
    pub(crate) permit_mode: PermitMode,
    pub(crate) permit_refresh_ms: Option<u64>,
    /// The failures of probes are never written to a window here.
    #[serde(default, rename = "record")]
    _record: IgnoredAny,
    pub(crate) decide: Decide,
    pub(crate) max_wait_ms: Option<u64>,
    #[serde(default, rename = "on_max_wait")]
    _on_max_wait: IgnoredAny,
}

#[derive(Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PermitMode {
    #[default]
    Budget,
    InFlight,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Decide {
    Rates {
        sample: u32,
        failure_rate: f64,
        slow_rate: Option<f64>,
    },
    FirstFailureOrSuccesses {
        successes: u32,
    },
    SuccessOf {
        successes: u32,
        capacity: u32,
    },
    FailureOf {
        failures: u32,
        capacity: u32,
    },
    RateAfter {
        min: u32,
        failure_rate: f64,
    },
    SingleSlow,
}

#[derive(Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum IgnoredCountsAs {
    #[default]
    Nothing,
    Success,
}

#[derive(Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Stale {
    Count,
    #[default]
    Drop,
}

#[derive(Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AttributeTo {
    #[default]
    Completion,
    Start,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Metrics {
    pub(crate) on_open: Keep,
    pub(crate) on_half_open: Keep,
    pub(crate) rate_below_min: BelowMin,
    pub(crate) rate_decimals: Option<i32>,
}

#[derive(Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Keep {
    Retain,
    #[default]
    Clear,
}

#[derive(Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum BelowMin {
    Null,
    #[default]
    Value,
}

/// A state by the name that rows have for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Name {
    #[default]
    Closed,
    Open,
    HalfOpen,
    #[serde(alias = "forced_open")]
    Isolated,
    Disabled,
    MetricsOnly,
}

/// One step; which of the keys mean anything depends on what is done, as in the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    #[serde(rename = "do")]
    pub(crate) action: Action,
    pub(crate) id: Option<String>,
    pub(crate) result: Option<CallResult>,
    pub(crate) n: Option<u32>,
    pub(crate) ms: Option<u64>,
    #[serde(default)]
    pub(crate) advance: bool,
    pub(crate) open_for_ms: Option<u64>,
    pub(crate) admitted: Option<bool>,
    pub(crate) retry_after_ms: Option<u64>,
    pub(crate) to: Option<Name>,
    pub(crate) wait_ms: Option<u64>,
    pub(crate) ok: Option<bool>,
    /// Not in the schema: which wait of the sequence this opening took.
    pub(crate) open_index: Option<usize>,
    pub(crate) state: Option<Name>,
    #[serde(default)]
    pub(crate) metrics: Counts,
    #[serde(default)]
    pub(crate) events: Events,
}

/// The counts that are asserted; `None` is one that says nothing yet.
pub(crate) type Counts = BTreeMap<String, Option<f64>>;
/// The events that are asserted.
pub(crate) type Events = BTreeMap<String, u32>;

#[derive(Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Action {
    Advance,
    Call,
    Begin,
    End,
    Cancel,
    Force,
    Reset,
    Check,
}

#[derive(Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CallResult {
    Success,
    Failure,
    Ignored,
    ErrorAsSuccess,
    Panic,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Expected {
    pub(crate) state: Option<Name>,
    pub(crate) metrics: Counts,
    pub(crate) events: Events,
}
