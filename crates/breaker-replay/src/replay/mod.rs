//! From calls to what the circuits would have done.

mod facts;
mod flight;
mod lane;
#[cfg(test)]
mod live_tests;
mod machine;
mod order;
mod outage;
mod series;
mod split;
mod tally;

use std::thread;

pub(crate) use facts::Facts;
use facts::MOST_OUTAGES;
use flight::{Event, Flight};
pub(crate) use lane::Lane;
pub(crate) use order::Disorder;
use order::Order;
pub(crate) use outage::Outage;
pub(crate) use series::Series;
pub(crate) use split::Split;
pub(crate) use tally::{Episode, Tally};

use crate::input::Call;

/// Events are handed on in batches of about this size.
const BATCH: usize = 1 << 13;
/// So many lanes are worth threads of their own.
const MANY_LANES: usize = 16;

/// All lanes over one log.
pub(crate) struct Replay {
    order: Order,
    stage: Stage,
}

/// What happens in the order of time, and to whom.
struct Stage {
    flight: Flight,
    batch: Vec<Event>,
    facts: Vec<Facts>,
    lanes: Vec<Lane>,
    room: usize,
    span: Option<(u64, u64)>,
}

/// What came out.
pub(crate) struct Replayed {
    pub(crate) facts: Vec<Facts>,
    pub(crate) lanes: Vec<Lane>,
    pub(crate) disorder: Disorder,
    /// Calls that were taken to end as they began.
    pub(crate) crowded: u64,
    /// The first and the last event.
    pub(crate) span: Option<(u64, u64)>,
}

impl Replay {
    /// These configurations, over calls that are put in order within a window of so many.
    pub(crate) fn new(lanes: Vec<Lane>, window: usize) -> Self {
        Self {
            order: Order::new(window),
            stage: Stage {
                flight: Flight::default(),
                batch: Vec::with_capacity(BATCH + 64),
                facts: vec![],
                lanes,
                room: MOST_OUTAGES,
                span: None,
            },
        }
    }

    /// Takes the next call of the log.
    pub(crate) fn push(&mut self, call: Call) {
        let stage = &mut self.stage;
        self.order.push(call, |call| stage.start(call));
    }

    /// There are no more calls.
    pub(crate) fn finish(mut self) -> Replayed {
        let mut stage = self.stage;
        self.order.finish(|call| stage.start(call));
        let Stage { flight, batch, .. } = &mut stage;
        flight.finish(|event| batch.push(event));
        stage.flush();
        Replayed {
            facts: stage.facts,
            lanes: stage.lanes,
            disorder: self.order.counts,
            crowded: stage.flight.crowded,
            span: stage.span,
        }
    }
}

impl Stage {
    fn start(&mut self, call: Call) {
        let batch = &mut self.batch;
        self.flight.start(call, |event| batch.push(event));
        if self.batch.len() >= BATCH {
            self.flush();
        }
    }

    fn flush(&mut self) {
        if let (Some(first), Some(last)) = (self.batch.first(), self.batch.last()) {
            let (start, _) = self.span.unwrap_or((first.at, last.at));
            self.span = Some((start, last.at));
        }
        for event in &self.batch {
            let place = event.service as usize;
            if place >= self.facts.len() {
                self.facts.resize_with(place + 1, Facts::default);
            }
            self.facts[place].happens(*event, &mut self.room);
        }
        let batch = &self.batch[..];
        let run = |lanes: &mut [Lane]| {
            for lane in lanes {
                for event in batch {
                    lane.happens(*event);
                }
            }
        };
        if self.lanes.len() < MANY_LANES {
            run(&mut self.lanes);
        } else {
            let threads = thread::available_parallelism().map_or(1, usize::from);
            let share = self.lanes.len().div_ceil(threads);
            thread::scope(|scope| {
                for lanes in self.lanes.chunks_mut(share) {
                    scope.spawn(move || run(lanes));
                }
            });
        }
        self.batch.clear();
    }
}
