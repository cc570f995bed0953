//! Everything there is to say, in the form in which `--format json` says it.

use serde::{Serialize, Serializer};

use super::{Doubtful, verdict};
use crate::{
    input::{Seen, Services, show},
    replay::{Disorder, Episode, Facts, Outage, Replayed, Series, Tally},
    suggest::Suggestion,
};

/// What a replay cannot know.
const CAVEATS: [&str; 4] = [
    "The log shows what happened without this breaker: a rejected call would have spared its downstream some load, and the \
     outage might have been shorter.",
    "If another breaker or a retry stood before the downstream, its doings are in the log, and are taken for the traffic.",
    "Every call counts as made by one client with one circuit; a fleet has a circuit each, and each sees a part of this.",
    "Where the log has whole seconds alone, as nginx and Apache write them, the calls of a second are spread over it, and \
     everything here is good to a second.",
];

/// What is said of a replay.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) log: LogPart,
    pub(crate) configurations: Vec<String>,
    /// Those with the most failures first.
    pub(crate) services: Vec<ServicePart>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) suggestion: Option<Suggestion>,
    pub(crate) caveats: [&'static str; 4],
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
}

/// Calls over time.
#[derive(Debug, Serialize)]
pub(crate) struct Traffic {
    #[serde(rename = "column_seconds")]
    pub(crate) width: Span,
    pub(crate) columns: Vec<Column>,
}

/// A part of the time.
#[derive(Debug, Serialize)]
pub(crate) struct Column {
    pub(crate) from: Moment,
    pub(crate) calls: u32,
    pub(crate) failures: u32,
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
    /// Rejected calls that had failed, and how long they had taken.
    pub(crate) saved: u64,
    #[serde(rename = "saved_seconds")]
    pub(crate) saved_for: Span,
    /// Failures that were let pass.
    pub(crate) waste: u64,
    /// By outage.
    pub(crate) answers: Vec<Answer>,
    /// The trips in detail.
    pub(crate) episodes: Vec<EpisodePart>,
}

/// What a circuit did about an outage.
#[derive(Debug, Serialize)]
pub(crate) struct Answer {
    /// From the first failure to the trip; none if it did not trip.
    #[serde(rename = "onset_to_trip_seconds")]
    pub(crate) to_trip: Option<Span>,
    /// From the first success to closed; none if it was not open, or never closed.
    #[serde(rename = "recovery_to_closed_seconds")]
    pub(crate) to_closed: Option<Span>,
}

/// From a trip until the circuit closes.
#[derive(Debug, Serialize)]
pub(crate) struct EpisodePart {
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

impl Report {
    /// Puts together what was seen and what came out; `None` if there was no call.
    pub(crate) fn new(
        seen: Seen,
        doubtful: Doubtful,
        services: &Services,
        names: &[String],
        mut replayed: Replayed,
        suggestion: Option<Suggestion>,
    ) -> Option<Self> {
        let (from, to) = replayed.span?;
        let width = Series::width_for(from, to);
        let calls = replayed.facts.iter().map(|facts| facts.calls).sum();
        let facts = std::mem::take(&mut replayed.facts).into_iter();
        let mut parts: Vec<_> = (0..)
            .zip(services.names())
            .zip(facts)
            .map(|((number, name), facts)| {
                let tallies = names.iter().zip(&mut replayed.lanes);
                let tallies = tallies.map(|(name, lane)| (name.as_str(), lane.take(number)));
                ServicePart::new(name, facts, tallies, width)
            })
            .filter(|part| part.calls > 0)
            .collect();
        parts.sort_by_key(|part| std::cmp::Reverse((part.failures, part.calls)));
        Some(Self {
            log: LogPart {
                seen,
                calls,
                from: Moment(from),
                to: Moment(to),
                left_out: services.left_out,
                disorder: replayed.disorder,
                crowded: replayed.crowded,
                set_aside: doubtful.aside,
                first_set_aside: doubtful.aside_first.map(Moment),
                beyond_an_hour: doubtful.beyond_an_hour,
                longest: Span(doubtful.longest()),
                outlasted: doubtful.outlast_the_log(),
            },
            configurations: names.to_vec(),
            services: parts,
            suggestion,
            caveats: CAVEATS,
        })
    }
}

impl ServicePart {
    fn new<'t>(
        name: String,
        facts: Facts,
        tallies: impl Iterator<Item = (&'t str, Tally)>,
        width: usize,
    ) -> Self {
        let traffic = facts.traffic.at_width(width);
        let columns = traffic.columns().map(|(from, [calls, failures])| Column {
            from: Moment(from),
            calls,
            failures,
        });
        let mut part = Self {
            name,
            calls: facts.calls,
            failures: facts.failures,
            cancelled: facts.cancelled,
            ignored: facts.ignored,
            timed: facts.timed,
            failed_for: Span(facts.failed_nanos),
            traffic: Traffic {
                width: Span(traffic.nanos()),
                columns: columns.collect(),
            },
            circuits: tallies
                .map(|(name, tally)| CircuitPart::new(name, tally, &facts.outages))
                .collect(),
            outages: facts.outages.iter().map(OutagePart::new).collect(),
        };
        let verdicts: Vec<_> = part
            .circuits
            .iter()
            .map(|circuit| verdict::of(circuit, &part))
            .collect();
        for (circuit, verdict) in part.circuits.iter_mut().zip(verdicts) {
            circuit.verdict = verdict;
        }
        part
    }
}

impl OutagePart {
    fn new(outage: &Outage) -> Self {
        Self {
            began: Moment(outage.began),
            ended: outage.ended.map(Moment),
        }
    }
}

impl CircuitPart {
    fn new(configuration: &str, tally: Tally, outages: &[Outage]) -> Self {
        let answers = outages
            .iter()
            .map(|outage| Answer::new(outage, &tally.episodes))
            .collect();
        let episodes: Vec<_> = tally
            .episodes
            .into_iter()
            .map(|episode| EpisodePart::new(episode, outages))
            .collect();
        let outside = episodes.iter().filter(|episode| !episode.in_outage).count();
        Self {
            configuration: configuration.to_owned(),
            verdict: String::new(),
            trips: tally.trips,
            trips_outside_outages: outside as u64,
            rejected: tally.rejected,
            harm: tally.harm,
            saved: tally.saved,
            saved_for: Span(tally.saved_nanos),
            waste: tally.waste,
            answers,
            episodes,
        }
    }
}

impl Answer {
    fn new(outage: &Outage, episodes: &[Episode]) -> Self {
        let Outage { began, ended } = *outage;
        let is_before_end = |time: u64| ended.is_none_or(|ended| time < ended);
        // The first that was still open when the outage began, or tripped in it.
        let first = episodes.partition_point(|episode| {
            episode.closed.is_some_and(|closed| closed <= began) && episode.tripped < began
        });
        let first = episodes
            .get(first)
            .filter(|episode| is_before_end(episode.tripped));
        let closed = ended.and_then(|ended| {
            let last = episodes.partition_point(|episode| episode.tripped <= ended);
            let episode = episodes.get(last.checked_sub(1)?)?;
            episode.closed?.checked_sub(ended)
        });
        Self {
            to_trip: first.map(|episode| Span(episode.tripped.saturating_sub(began))),
            to_closed: closed.map(Span),
        }
    }
}

impl EpisodePart {
    fn new(episode: Episode, outages: &[Outage]) -> Self {
        let tripped = episode.tripped;
        let before = outages.partition_point(|outage| outage.began <= tripped);
        let in_outage = before > 0
            && outages[before - 1]
                .ended
                .is_none_or(|ended| tripped < ended);
        let periods = episode.half_open.into_iter();
        Self {
            tripped: Moment(tripped),
            reason: episode.reason.to_string(),
            closed: episode.closed.map(Moment),
            lasted: episode
                .closed
                .map(|closed| Span(closed.saturating_sub(tripped))),
            in_outage,
            reopened: episode.reopened,
            half_open: periods
                .map(|(from, to)| (Moment(from), Moment(to)))
                .collect(),
        }
    }
}
