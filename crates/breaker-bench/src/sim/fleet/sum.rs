//! What came of a fleet.

/// What came of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sum {
    /// Over so many runs.
    pub runs: u64,
    /// Calls that were made and failed; each try is one.
    pub failed: u64,
    /// Calls that were refused and would have been good, of processes that never fall ill.
    pub good_refused: u64,
    /// How often a circuit tripped.
    pub trips: u64,
    /// As many of the calls in the five minutes after 105 s as were good in the end.
    pub goodput: f64,
    /// Of these, the probes: calls that were made while their circuit was open or half-open.
    pub failed_probes: u64,
    /// Probes that were certain, while nobody was back.
    pub certain: u64,
    /// Of these, those that came in a zone within a probe timeout after another one.
    pub too_many: u64,
    /// The most circuits that went half-open in one second after the downstream was well again.
    pub most_at_once: u64,
    /// When nine in ten circuits were closed again, in seconds after the downstream was well again.
    pub recovered: f64,
}

impl Sum {
    /// Of one run.
    pub fn mean(self, of_all: u64) -> f64 {
        of_all as f64 / self.runs as f64
    }
}

impl std::iter::Sum for Sum {
    fn sum<I: Iterator<Item = Self>>(runs: I) -> Self {
        runs.fold(Self::default(), |sum, run| Self {
            runs: sum.runs + run.runs,
            failed: sum.failed + run.failed,
            good_refused: sum.good_refused + run.good_refused,
            trips: sum.trips + run.trips,
            goodput: sum.goodput + run.goodput,
            failed_probes: sum.failed_probes + run.failed_probes,
            certain: sum.certain + run.certain,
            too_many: sum.too_many + run.too_many,
            most_at_once: sum.most_at_once.max(run.most_at_once),
            recovered: sum.recovered + run.recovered,
        })
    }
}
