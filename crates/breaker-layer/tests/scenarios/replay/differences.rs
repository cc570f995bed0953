//! What our circuit does otherwise than the breaker of a row, on purpose: one entry a row, one reason a kind.

use std::fmt;

/// Counts that can be had in some states or windows only, by the names that rows have for them; what is asserted of them
/// elsewhere is set aside. A window of ours counts results: not the calls that started in it or were ignored, nor slow
/// ones by how they went, nor what came in a row. Half-open does not tell its slow probes.
pub(crate) const NOT_KEPT: [&str; 8] = [
    "consecutive_failures",
    "consecutive_successes",
    "ignored",
    "slow",
    "slow_failures",
    "slow_rate",
    "slow_successes",
    "started",
];

/// The rows that assert such counts where they are not kept, and which; everything else in them holds.
pub(crate) const ASSERTED_ALL_THE_SAME: &[(&str, &[&str])] = &[
    ("r4j-031", &["slow_failures", "slow_successes"]),
    ("r4j-032", &["slow_failures", "slow_successes"]),
    ("r4j-033", &["slow_failures"]),
    ("gob-006", &["started"]),
    ("gob-013", &["started"]),
];

/// A kind of difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    StragglerDropped,
    HalfOpenEnds,
    VerdictOnceDecided,
    NoIdleProbe,
    IgnoredIsNothing,
    TripsOnSuccess,
    FixedGrid,
    OverAtLastInstant,
    NeverZero,
    OperatorMayDoAll,
    OperatorStartsOver,
    ShadowRuns,
    NoSetting,
    NotKept,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::StragglerDropped => "a straggler from before a transition changes nothing (C1)",
            Self::HalfOpenEnds => {
                "half-open has a deadline, after which the circuit opens again (C3)"
            }
            Self::VerdictOnceDecided => "the verdict falls as soon as it is decided (C4)",
            Self::NoIdleProbe => "no probe is let through that the verdict has no use for (C4)",
            Self::IgnoredIsNothing => "an ignored call counts for nothing (C5)",
            Self::TripsOnSuccess => "a rate trips after a success too (C6)",
            Self::FixedGrid => {
                "windows of time sit on a fixed grid from the circuit's building (C6)"
            }
            Self::OverAtLastInstant => {
                "the open time is over at its last instant, not after it (C8)"
            }
            Self::NeverZero => "an open time is never zero (C8)",
            Self::OperatorMayDoAll => "an operator may enter any state from any other (C9)",
            Self::OperatorStartsOver => {
                "waits grow while probes fail, not when an operator opens the circuit (C8, C9)"
            }
            Self::ShadowRuns => {
                "observe-only runs the whole machine in the shadow, windows included (C9)"
            }
            Self::NoSetting => "our settings cannot say it",
            Self::NotKept => "a count that no policy keeps",
        })
    }
}

/// A row that we answer differently: from which step on, and why. The first step is 1, and one more than there are is
/// what the row expects in the end.
pub(crate) struct Difference {
    pub(crate) row: &'static str,
    pub(crate) step: usize,
    pub(crate) kind: Kind,
}

const fn at(row: &'static str, step: usize, kind: Kind) -> Difference {
    Difference { row, step, kind }
}

/// Every row that we answer differently.
pub(crate) const DIFFERENCES: &[Difference] = &[
    at("r4j-012", 8, Kind::OperatorStartsOver),
    at("r4j-013", 5, Kind::VerdictOnceDecided),
    at("r4j-016", 5, Kind::VerdictOnceDecided),
    at("r4j-017", 4, Kind::VerdictOnceDecided),
    at("r4j-018", 1, Kind::OperatorMayDoAll),
    at("r4j-022", 7, Kind::ShadowRuns),
    at("r4j-042", 3, Kind::OverAtLastInstant),
    at("r4j-044", 5, Kind::StragglerDropped),
    at("r4j-045", 10, Kind::StragglerDropped),
    at("r4j-046", 4, Kind::StragglerDropped),
    at("gob-011", 3, Kind::OverAtLastInstant),
    at("gob-012", 5, Kind::HalfOpenEnds),
    at("fs-025", 0, Kind::NeverZero),
    at("fs-026", 0, Kind::NeverZero),
    at("fs-028", 8, Kind::NoIdleProbe),
    at("pol-001", 3, Kind::TripsOnSuccess),
    at("pol-007", 4, Kind::TripsOnSuccess),
    at("pol-019", 5, Kind::IgnoredIsNothing),
    at("pol-021", 6, Kind::HalfOpenEnds),
    at("opo-005", 4, Kind::IgnoredIsNothing),
    at("opo-006", 2, Kind::IgnoredIsNothing),
];

/// The entry of a row.
pub(crate) fn of(row: &str) -> Option<&'static Difference> {
    DIFFERENCES.iter().find(|entry| entry.row == row)
}

/// The counts that a row is listed to assert though they are not kept.
pub(crate) fn not_kept_of(row: &str) -> Option<&'static [&'static str]> {
    let mut rows = ASSERTED_ALL_THE_SAME.iter();
    rows.find(|(asserted, _)| *asserted == row)
        .map(|(_, counts)| *counts)
}
