//! Transitions and changes of settings as a stream: bounded, without a task, a runtime or a thread that waits.

use std::{
    collections::VecDeque,
    fmt,
    future::poll_fn,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    task::{Context, Poll, Waker},
};

use breaker_core::Transition;

use crate::{
    circuit::Circuit,
    observe::{Observe, ReconfiguredEvent, TransitionEvent, id_of, listener},
    registry::Registry,
    snapshot::Snapshot,
    storage::WeakCircuit,
};

/// What [`Events`] give.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// The circuit went from one state to another.
    Transition(TransitionEvent<'static>),
    /// The circuit goes on with other settings.
    Reconfigured(ReconfiguredEvent<'static>),
}

impl Event {
    /// The transition, if it is one.
    pub fn transition(&self) -> Option<Transition> {
        match self {
            Self::Transition(event) => Some(event.transition()),
            Self::Reconfigured(_) => None,
        }
    }

    /// The circuit's name: see [`TransitionEvent::circuit`].
    pub fn circuit(&self) -> &str {
        match self {
            Self::Transition(event) => event.circuit(),
            Self::Reconfigured(event) => event.circuit(),
        }
    }

    /// The name of the table that the circuit belongs to, if it does.
    pub fn table(&self) -> Option<&str> {
        match self {
            Self::Transition(event) => event.table(),
            Self::Reconfigured(event) => event.table(),
        }
    }

    /// The circuit as it is by now, which may be later; `None` once it is gone.
    pub fn snapshot(&self) -> Option<Snapshot> {
        match self {
            Self::Transition(event) => event.snapshot(),
            Self::Reconfigured(event) => event.snapshot(),
        }
    }

    /// What the operator said who did it: see [`Circuit::because`].
    pub fn note(&self) -> Option<&str> {
        match self {
            Self::Transition(event) => event.note(),
            Self::Reconfigured(event) => event.note(),
        }
    }
}

/// As one line.
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Transition(event) => event.fmt(f),
            Self::Reconfigured(event) => event.fmt(f),
        }
    }
}

/// The transitions of a circuit and the changes of its settings, from [`Circuit::events`] on; or those of all circuits of a
/// [`Registry`](crate::Registry::events).
///
/// It holds up to [`Events::CAPACITY`] of them that were not asked for yet. Then it drops the oldest, and
/// [`Events::missed`] says how many. It ends when the circuit does, which it does not keep alive. That of a registry does
/// not end: there may be more circuits.
///
/// With the feature `stream` it is a `Stream`, too.
///
/// ```
/// use breaker_layer::{Circuit, State};
///
/// # tokio_test::block_on(async {
/// let circuit = Circuit::builder("payments").build().unwrap();
/// let mut events = circuit.events();
/// circuit.because("a new release").isolate();
/// let event = events.next().await.unwrap();
/// assert_eq!(event.transition().unwrap().to(), State::Isolated);
/// assert_eq!(event.note(), Some("a new release"));
/// drop(circuit);
/// assert!(events.next().await.is_none());
/// # });
/// ```
#[must_use = "nobody else asks for these events"]
pub struct Events {
    queue: Arc<Queue>,
    feed: Weak<dyn Observe>,
    source: Source,
    missed: u64,
}

/// Where the events come from.
enum Source {
    One(WeakCircuit),
    All(Registry),
}

impl Events {
    /// So many events are held.
    pub const CAPACITY: usize = 128;

    fn of(circuit: &Circuit) -> Self {
        let circuit = circuit.downgrade();
        Self::new(Source::One(circuit), |feed| {
            circuit.observe(listener(feed), None);
        })
    }

    fn of_all(registry: &Registry) -> Self {
        Self::new(Source::All(registry.clone()), |feed| {
            registry.listen(listener(feed))
        })
    }

    fn new(source: Source, observe: impl FnOnce(Arc<dyn Observe>)) -> Self {
        let queue = Arc::new(Queue::default());
        let feed: Arc<dyn Observe> = Arc::new(Feed(Arc::downgrade(&queue)));
        let weak = Arc::downgrade(&feed);
        observe(feed);
        Self {
            queue,
            feed: weak,
            source,
            missed: 0,
        }
    }

    /// The next event, or `None` once the circuit is gone and all were given. Dropped before its end, it has taken
    /// none away.
    pub async fn next(&mut self) -> Option<Event> {
        poll_fn(|cx| self.poll_next_event(cx)).await
    }

    /// As [`Events::next`], for code that polls.
    pub fn poll_next_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        if let Poll::Ready(given) = self.poll_queue(&mut None) {
            return Poll::Ready(given);
        }
        // Wakers are the executor's: this one is cloned, and the one that it replaces is dropped, with nothing held.
        self.poll_queue(&mut Some(cx.waker().clone()))
    }

    /// The next event; where there is none, changes places with the waker.
    fn poll_queue(&mut self, waker: &mut Option<Waker>) -> Poll<Option<Event>> {
        let mut held = self.queue.lock();
        if let Some(event) = held.events.pop_front() {
            self.missed = held.dropped;
            return Poll::Ready(Some(event));
        }
        if held.has_ended {
            return Poll::Ready(None);
        }
        mem::swap(&mut held.waker, waker);
        Poll::Pending
    }

    /// How many events before the one that was given last were dropped because nobody asked for them in time.
    pub const fn missed(&self) -> u64 {
        self.missed
    }
}

#[cfg(feature = "stream")]
impl futures_core::Stream for Events {
    type Item = Event;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Self::Item>> {
        self.poll_next_event(cx)
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        if let Some(feed) = self.feed.upgrade() {
            match &self.source {
                Source::One(circuit) => circuit.unobserve(id_of(&feed)),
                Source::All(registry) => registry.unlisten(id_of(&feed)),
            }
        }
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events")
            .field("held", &self.queue.lock().events.len())
            .field("missed", &self.missed)
            .finish_non_exhaustive()
    }
}

impl Circuit {
    /// The circuit's transitions, and the changes of its settings, from now on.
    pub fn events(&self) -> Events {
        Events::of(self)
    }
}

impl Registry {
    /// The transitions of every circuit in it from now on, and the changes of their settings; and of those that are added later: a table's circuits included,
    /// which come and go.
    ///
    /// ```
    /// use breaker_layer::{Circuit, Registry, State};
    ///
    /// # tokio_test::block_on(async {
    /// let registry = Registry::new();
    /// let mut events = registry.events();
    /// let circuit = Circuit::builder("payments").build().unwrap();
    /// registry.add(&circuit).unwrap();
    /// circuit.trip();
    /// let event = events.next().await.unwrap();
    /// assert_eq!((event.circuit(), event.transition().unwrap().to()), ("payments", State::Open));
    /// # });
    /// ```
    pub fn events(&self) -> Events {
        Events::of_all(self)
    }
}

#[derive(Default)]
struct Queue(Mutex<Held>);

#[derive(Default)]
struct Held {
    events: VecDeque<Event>,
    dropped: u64,
    has_ended: bool,
    waker: Option<Waker>,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what is held, and wakes with nothing held.
    fn change(&self, change: impl FnOnce(&mut Held) -> Option<Event>) {
        let mut held = self.lock();
        let (dropped, waker) = (change(&mut held), held.waker.take());
        drop(held);
        drop(dropped);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// The circuit's end of the queue: dropped with the circuit.
struct Feed(Weak<Queue>);

impl Observe for Feed {
    fn transition(&self, event: &TransitionEvent<'_>) {
        self.push(Event::Transition(event.clone().into_owned()));
    }

    fn reconfigured(&self, event: &ReconfiguredEvent<'_>) {
        self.push(Event::Reconfigured(event.clone().into_owned()));
    }
}

impl Feed {
    fn push(&self, event: Event) {
        let Some(queue) = self.0.upgrade() else {
            return;
        };
        queue.change(|held| {
            let is_full = held.events.len() >= Events::CAPACITY;
            let oldest = is_full.then(|| held.events.pop_front()).flatten();
            held.dropped += u64::from(is_full);
            held.events.push_back(event);
            oldest
        });
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        if let Some(queue) = self.0.upgrade() {
            queue.change(|held| {
                held.has_ended = true;
                None
            });
        }
    }
}
