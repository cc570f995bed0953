//! From what a replay found to what is said of it.

use super::{
    Doubtful,
    caveats::caveats,
    model::{
        Answer, CircuitPart, EpisodePart, LogPart, Moment, OutagePart, Report, ServicePart, Span,
        Traffic, VERSION,
    },
    verdict,
};
use crate::{
    input::{Seen, Services},
    replay::{Episode, Facts, Outage, Replayed, Series, Tally},
    suggest::{Prices, Suggestion},
};

/// So many trips before an outage are looked at to see whether a circuit is still open: a few of each client.
const LOOKED_BACK: usize = 4096;

/// What was found besides what the circuits would have done.
pub(crate) struct Found {
    pub(crate) seen: Seen,
    pub(crate) doubtful: Doubtful,
    pub(crate) services: Services,
    pub(crate) names: Vec<String>,
    pub(crate) prices: Prices,
    pub(crate) clients: u16,
}

impl Report {
    /// Puts together what was seen and what came out; `None` if there was no call.
    pub(crate) fn new(
        found: Found,
        mut replayed: Replayed,
        suggestion: Option<Suggestion>,
    ) -> Option<Self> {
        let (from, to) = replayed.span?;
        let (names, prices) = (&found.names, found.prices);
        let width = Series::width_for(from, to);
        let facts = std::mem::take(&mut replayed.facts).into_iter();
        let mut parts: Vec<_> = (0..)
            .zip(found.services.names())
            .zip(facts)
            .map(|((number, name), facts)| {
                let tallies = names.iter().zip(&mut replayed.lanes);
                let tallies = tallies.map(|(name, lane)| (name.as_str(), lane.take(number)));
                ServicePart::new(name, facts, tallies, width, prices)
            })
            .filter(|part| part.calls > 0)
            .collect();
        parts.sort_by_key(|part| std::cmp::Reverse((part.failures, part.calls)));
        let is_timed = parts.iter().any(|part| part.timed > 0);
        Some(Self {
            version: VERSION,
            caveats: caveats(&found.seen, is_timed, found.clients),
            configurations: found.names.clone(),
            clients: found.clients,
            prices,
            log: LogPart::new(found, &replayed, parts.iter().map(|part| part.calls).sum())?,
            services: parts,
            scopes: vec![],
            suggestion,
        })
    }
}

impl LogPart {
    /// `None` if nothing happened in it.
    fn new(found: Found, replayed: &Replayed, calls: u64) -> Option<Self> {
        let Found {
            seen,
            doubtful,
            services,
            ..
        } = found;
        let (from, to) = replayed.span?;
        Some(Self {
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
        })
    }
}

impl ServicePart {
    fn new<'t>(
        name: String,
        facts: Facts,
        tallies: impl Iterator<Item = (&'t str, Tally)>,
        width: usize,
        prices: Prices,
    ) -> Self {
        let traffic = facts.traffic.at_width(width);
        let outages = facts.outages.finish();
        let columns = || traffic.columns();
        let mut part = Self {
            name,
            calls: facts.calls,
            failures: facts.failures,
            cancelled: facts.cancelled,
            ignored: facts.ignored,
            timed: facts.timed,
            failed_for: Span(facts.failed_nanos),
            traffic: Traffic {
                from: Moment(columns().next().map_or(0, |(from, _)| from)),
                width: Span(traffic.nanos()),
                calls: columns().map(|(_, [calls, _])| calls).collect(),
                failures: columns().map(|(_, [_, failures])| failures).collect(),
            },
            circuits: tallies
                .map(|(name, tally)| CircuitPart::new(name, tally, &outages))
                .collect(),
            outages: outages.iter().map(OutagePart::new).collect(),
        };
        let verdicts: Vec<_> = part
            .circuits
            .iter()
            .map(|circuit| verdict::of(circuit, &part, prices))
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
            calls: outage.calls,
            failures: outage.failures,
        }
    }
}

impl CircuitPart {
    fn new(configuration: &str, tally: Tally, of_failures: &[Outage]) -> Self {
        let outages = tally.outages.as_deref().unwrap_or(of_failures);
        let answers = outages
            .iter()
            .map(|outage| Answer::new(outage, &tally.episodes))
            .collect();
        let episodes: Vec<_> = tally
            .episodes
            .iter()
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
            saved_timed: tally.saved_timed,
            waste: tally.waste,
            slow: tally.outages.is_some().then_some(tally.slow),
            answers,
            episodes,
            outages: tally
                .outages
                .as_deref()
                .map(|outages| outages.iter().map(OutagePart::new).collect()),
        }
    }
}

impl Answer {
    /// What the circuits of all clients did, in the middle: each of them is open when the outage begins, or trips, or does not.
    fn new(outage: &Outage, episodes: &[Episode]) -> Self {
        let Outage { began, ended, .. } = *outage;
        let is_before_end = |time: u64| ended.is_none_or(|ended| time < ended);
        let within = episodes.partition_point(|episode| episode.tripped < began);
        let was_open = episodes[..within]
            .iter()
            .rev()
            .take(LOOKED_BACK)
            .any(|episode| episode.closed.is_none_or(|closed| closed > began));
        let mut clients = vec![];
        let mut to_trip = vec![];
        // Sorted by time: the first of each client in the outage.
        for episode in episodes[within..]
            .iter()
            .take_while(|episode| is_before_end(episode.tripped))
        {
            if !clients.contains(&episode.client) {
                clients.push(episode.client);
                to_trip.push(episode.tripped - began);
            }
        }
        let mut to_closed = vec![];
        if let Some(ended) = ended {
            let until = episodes.partition_point(|episode| episode.tripped <= ended);
            clients.clear();
            for episode in episodes[..until].iter().rev().take(LOOKED_BACK) {
                if !clients.contains(&episode.client) {
                    clients.push(episode.client);
                    to_closed.extend(episode.closed.and_then(|closed| closed.checked_sub(ended)));
                }
            }
        }
        Self {
            was_open,
            to_trip: middle(to_trip).filter(|_| !was_open).map(Span),
            to_closed: middle(to_closed).map(Span),
        }
    }
}

fn middle(mut times: Vec<u64>) -> Option<u64> {
    times.sort_unstable();
    times.get(times.len() / 2).copied()
}

impl EpisodePart {
    fn new(episode: &Episode, outages: &[Outage]) -> Self {
        let tripped = episode.tripped;
        let before = outages.partition_point(|outage| outage.began <= tripped);
        let in_outage = before > 0
            && outages[before - 1]
                .ended
                .is_none_or(|ended| tripped < ended);
        let periods = episode.half_open.iter();
        Self {
            client: episode.client,
            tripped: Moment(tripped),
            reason: episode.reason.to_string(),
            closed: episode.closed.map(Moment),
            lasted: episode
                .closed
                .map(|closed| Span(closed.saturating_sub(tripped))),
            in_outage,
            reopened: episode.reopened,
            half_open: periods
                .map(|(from, to)| (Moment(*from), Moment(*to)))
                .collect(),
        }
    }
}
