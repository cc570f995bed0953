//! What the log says of a service, whatever breaker there is.

use super::{
    flight::{Event, What},
    outage::Outages,
    series::Series,
};
use crate::input::Fate;

/// So many outages of all services together are kept.
pub(crate) const MOST_OUTAGES: usize = 20_000;

/// One service.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    pub(crate) calls: u64,
    pub(crate) failures: u64,
    /// Calls that their clients gave up.
    pub(crate) cancelled: u64,
    /// Calls that say nothing about the service.
    pub(crate) ignored: u64,
    /// Calls of which the log says how long they took.
    pub(crate) timed: u64,
    /// How long the failures took.
    pub(crate) failed_nanos: u64,
    /// Calls and failures over time.
    pub(crate) traffic: Series,
    pub(crate) outages: Outages,
}

impl Facts {
    /// Something happened to the service; `room` is for how many more outages there is room.
    #[inline]
    pub(crate) fn happens(&mut self, event: Event, room: &mut usize) {
        let What::End {
            fate,
            took,
            is_timed,
        } = event.what
        else {
            return;
        };
        let failed = fate == Fate::Failure;
        self.calls += 1;
        self.failures += u64::from(failed);
        self.cancelled += u64::from(fate == Fate::Cancelled);
        self.ignored += u64::from(fate == Fate::Ignored);
        self.timed += u64::from(is_timed);
        self.traffic.add(event.at, [1, failed.into()]);
        if failed {
            self.failed_nanos = self.failed_nanos.saturating_add(took);
        }
        if !(failed || fate == Fate::Success) {
            return;
        }
        self.outages.see(event.at, failed, room);
    }
}
