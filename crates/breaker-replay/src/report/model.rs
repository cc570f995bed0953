//! Everything there is to say, in the form in which `--format json` says it.

use serde::{Serialize, Serializer};

use crate::{
    input::{Seen, show},
    keys::Scope,
    replay::Disorder,
    suggest::{Prices, Suggestion},
};

/// The version of the JSON: it grows when something is taken away or means something else.
pub(crate) const VERSION: u32 = 1;

/// What is said of a replay.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) version: u32,
    pub(crate) log: LogPart,
    pub(crate) configurations: Vec<String>,
    /// Those with the most failures first.
    pub(crate) services: Vec<ServicePart>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) suggestion: Option<Suggestion>,
    /// Circuits of other scopes, where they were asked for; the first is the one that was replayed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) scopes: Vec<Scope>,
    /// So many clients, each with circuits of its own.
    pub(crate) clients: u16,
    pub(crate) prices: Prices,
    pub(crate) caveats: Vec<&'static str>,
}

/// The log as a whole.
#[derive(Debug, Serialize)]
pub(crate) struct LogPart {
    #[serde(flatten)]
    pub(crate) seen: Seen,
    pub(crate) calls: u64,
    pub(crate) from: Moment,
    pub(crate) to: Moment,
    /// Calls to services beyond the limit.
    pub(crate) left_out: u64,
    #[serde(flatten)]
    pub(crate) disorder: Disorder,
    /// Calls that were taken to end as they began, because too many were under way.
    pub(crate) crowded: u64,
    /// Calls whose times are far from all others: left out.
    pub(crate) set_aside: u64,
    pub(crate) first_set_aside: Option<Moment>,
    /// Calls that last longer than an hour.
    pub(crate) beyond_an_hour: u64,
    #[serde(rename = "longest_seconds")]
    pub(crate) longest: Span,
    /// Whether most calls last longer than the whole log.
    pub(crate) outlasted: bool,
}

/// One service.
#[derive(Debug, Serialize)]
pub(crate) struct ServicePart {
    pub(crate) name: String,
    pub(crate) calls: u64,
    pub(crate) failures: u64,
    /// Calls that their clients gave up.
    pub(crate) cancelled: u64,
    /// Calls that say nothing about the service.
    pub(crate) ignored: u64,
    /// Calls of which the log says how long they took.
    pub(crate) timed: u64,
    #[serde(rename = "failed_seconds")]
    pub(crate) failed_for: Span,
    pub(crate) outages: Vec<OutagePart>,
    pub(crate) traffic: Traffic,
    /// By configuration.
    pub(crate) circuits: Vec<CircuitPart>,
}

/// A time during which most calls failed.
#[derive(Debug, Serialize)]
pub(crate) struct OutagePart {
    pub(crate) began: Moment,
    pub(crate) ended: Option<Moment>,
    pub(crate) calls: u64,
    pub(crate) failures: u64,
}

/// Calls over time, in columns without a gap.
#[derive(Debug, Serialize)]
pub(crate) struct Traffic {
    /// When the first column begins.
    pub(crate) from: Moment,
    #[serde(rename = "column_seconds")]
    pub(crate) width: Span,
    pub(crate) calls: Vec<u32>,
    pub(crate) failures: Vec<u32>,
}

impl Traffic {
    /// When each column begins, its calls and its failures.
    pub(crate) fn columns(&self) -> impl Iterator<Item = (Moment, u32, u32)> {
        let counts = self.calls.iter().zip(&self.failures);
        (0..).zip(counts).map(|(place, (calls, failures))| {
            let from = self
                .from
                .0
                .saturating_add(self.width.0.saturating_mul(place));
            (Moment(from), *calls, *failures)
        })
    }
}

/// What one configuration would have done to one service.
#[derive(Debug, Serialize)]
pub(crate) struct CircuitPart {
    pub(crate) configuration: String,
    pub(crate) verdict: String,
    pub(crate) trips: u64,
    /// Of those in detail.
    pub(crate) trips_outside_outages: u64,
    pub(crate) rejected: u64,
    /// Rejected calls that had succeeded.
    pub(crate) harm: u64,
    /// Rejected calls that had failed, and how long they had taken. Where the configuration trips on slow calls, these are as
    /// failures here and in what follows.
    pub(crate) saved: u64,
    #[serde(rename = "saved_seconds")]
    pub(crate) saved_for: Span,
    /// Of how many of them that is known.
    pub(crate) saved_timed: u64,
    /// Failures that were let pass.
    pub(crate) waste: u64,
    /// Calls that succeeded and were slow, where the configuration trips on these; and outages with them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) slow: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) outages: Option<Vec<OutagePart>>,
    /// By outage.
    pub(crate) answers: Vec<Answer>,
    /// The trips in detail.
    pub(crate) episodes: Vec<EpisodePart>,
}

/// What a circuit did about an outage.
#[derive(Debug, Serialize)]
pub(crate) struct Answer {
    /// Whether the circuit was open when the outage began.
    pub(crate) was_open: bool,
    /// From the first failure to the trip; none if it did not trip, or was open already.
    #[serde(rename = "onset_to_trip_seconds")]
    pub(crate) to_trip: Option<Span>,
    /// From the first success to closed; none if it was not open, or never closed.
    #[serde(rename = "recovery_to_closed_seconds")]
    pub(crate) to_closed: Option<Span>,
}

/// From a trip until the circuit closes.
#[derive(Debug, Serialize)]
pub(crate) struct EpisodePart {
    pub(crate) client: u16,
    pub(crate) tripped: Moment,
    pub(crate) reason: String,
    pub(crate) closed: Option<Moment>,
    #[serde(rename = "open_seconds")]
    pub(crate) lasted: Option<Span>,
    pub(crate) in_outage: bool,
    /// How often it opened again.
    pub(crate) reopened: u32,
    /// Periods; those close together are taken as one.
    pub(crate) half_open: Vec<(Moment, Moment)>,
}

/// A time, in nanoseconds since 1970; written as RFC 3339.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(pub(crate) u64);

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&show(self.0))
    }
}

/// A span of time, in nanoseconds; written in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span(pub(crate) u64);

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.0 as f64 / 1e9)
    }
}
