//! Server-sent events: the first is the whole state, then come the rows that changed. What changed is found and written once
//! for all who look, by whichever of them is polled first.

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval};

use crate::{
    console::Console,
    html::Html,
    listing::Ask,
    page::{self, Live},
};

/// So many look at the same time; the next one asks again and again instead.
pub(crate) const MOST: usize = 32;
/// How often a stream looks.
const EVERY: Duration = Duration::from_millis(250);
/// Looking takes no more than this part of the time, however many circuits there are.
const SHARE: u32 = 20;
/// A stream says something so often, so that one whose reader is gone is noticed.
const KEPT_ALIVE: Duration = Duration::from_secs(15);
/// A stream ends after so long, and the browser makes another one: a server that is to end does not wait for ever.
const LONGEST: Duration = Duration::from_secs(300);

/// What all streams share.
#[derive(Default)]
pub(crate) struct Hub {
    latest: Mutex<Latest>,
    streams: Arc<AtomicUsize>,
}

#[derive(Default)]
struct Latest {
    due: Option<Instant>,
    /// Of the state that was sent last; from 1 on.
    number: u64,
    order: u64,
    prints: HashMap<u64, u64>,
    summary: String,
    whole: Bytes,
    /// From the state before to this one, if rows say it.
    change: Option<Bytes>,
}

impl Hub {
    /// A place for one more stream.
    pub(crate) fn place(&self) -> Option<Place> {
        let more = |count| (count < MOST).then_some(count + 1);
        let counted = self.streams.fetch_update(Relaxed, Relaxed, more);
        counted.ok().map(|_| Place(self.streams.clone()))
    }

    /// What is to be sent to who has seen this state, and the state that he has seen then.
    fn next(&self, console: &Console, seen: u64) -> Option<(u64, Bytes)> {
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if latest.due.is_none_or(|due| now >= due) {
            let ask = Ask::default();
            latest.look(page::live(&console.listing(&ask), &ask));
            let took = now.elapsed();
            latest.due = Some(Instant::now() + EVERY.max(took * SHARE) - EVERY / 10);
        }
        if seen == latest.number {
            return None;
        }
        let change = latest
            .change
            .as_ref()
            .filter(|_| seen + 1 == latest.number && seen > 0);
        Some((latest.number, change.unwrap_or(&latest.whole).clone()))
    }
}

impl Latest {
    fn look(&mut self, live: Live) {
        let prints: HashMap<u64, u64> = live
            .parts
            .iter()
            .map(|(id, part)| (*id, part.print()))
            .collect();
        let (order, summary) = (live.order(), live.summary.clone());
        if self.number > 0
            && self.prints == prints
            && self.order == order
            && self.summary == summary
        {
            return;
        }
        self.change = (self.order == order).then(|| {
            let mut rows = Html::new();
            rows.raw("<table>");
            let changed = live
                .parts
                .iter()
                .filter(|(id, part)| self.prints.get(id) != Some(&part.print()));
            for (_, part) in changed {
                rows.piece(part);
            }
            rows.raw("</table>");
            event("rows", &live.fragment(&rows))
        });
        self.whole = event("all", &live.fragment(&live.whole));
        self.number += 1;
        (self.prints, self.order, self.summary) = (prints, order, summary);
    }
}

/// What is written has no line breaks: the writer escapes those of others, and ours have none.
fn event(name: &str, content: &Html) -> Bytes {
    format!("event: {name}\ndata: {}\n\n", content.as_str()).into()
}

/// One of so many places.
pub(crate) struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

/// The stream of one who looks.
pub(crate) struct Stream {
    console: Console,
    ticks: Interval,
    seen: u64,
    begun: Instant,
    said: Instant,
    _place: Place,
}

impl Stream {
    pub(crate) fn new(console: Console, place: Place) -> Self {
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let now = Instant::now();
        Self {
            console,
            ticks,
            seen: 0,
            begun: now,
            said: now,
            _place: place,
        }
    }

    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        loop {
            let now = ready!(self.ticks.poll_tick(cx));
            if now.saturating_duration_since(self.begun) > LONGEST {
                return Poll::Ready(None);
            }
            if let Some((seen, event)) = self.console.hub.next(&self.console, self.seen) {
                (self.seen, self.said) = (seen, now);
                return Poll::Ready(Some(event));
            }
            if now.saturating_duration_since(self.said) >= KEPT_ALIVE {
                self.said = now;
                return Poll::Ready(Some(Bytes::from_static(b":\n\n")));
            }
        }
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream")
            .field("seen", &self.seen)
            .finish_non_exhaustive()
    }
}
