//! Waiting for the right to make a call.

#[cfg(feature = "tokio")]
use std::{
    future::poll_fn,
    task::{Poll, ready},
};
use std::{
    sync::Arc,
    task::{Wake, Waker},
    thread::{self, Thread},
    time::Duration,
};

use breaker_core::Refusal;

use super::{Circuit, Permit, admit::For};
#[cfg(feature = "tokio")]
use crate::timer::Timer;
use crate::{
    clock::Source,
    error::Rejected,
    storage::{CircuitState, Kind, Turn, Waiter},
    timer::SHORTEST,
};

/// A call may not pass yet. It is time to ask again after this long, or when the circuit changes.
pub(crate) struct Pause(pub(crate) Option<Duration>);

/// Calls that wait for their turn rather than be rejected, as a worker that takes jobs off a queue does.
///
/// They are let in in the order in which they came, and as many as the circuit admits: all of them where it is closed, one for
/// each free probe where it is half-open. Nobody else is woken meanwhile. Waiting counts nowhere; the permit is that of a call
/// which begins now.
///
/// No calls flow that could be drawn as probes, so with [`OpenTime::probe_share`](crate::OpenTime::probe_share) the circuit is
/// due after the shortest wait, doubled with each opening in a row up to the longest.
impl Circuit {
    /// Waits until a call may be made: woken by time, by an operator's command, and when a probe gives its place back. Of an
    /// isolated circuit only an operator ends the wait, unless he [set an end](Circuit::isolate_for).
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() {
    /// use std::time::Duration;
    /// use breaker_layer::{Circuit, Outcome};
    ///
    /// let circuit = Circuit::builder("mails").build().unwrap();
    /// circuit.trip_for(Duration::from_secs(5));
    /// let since = tokio::time::Instant::now();
    /// for mail in ["one", "two"] {
    ///     let permit = circuit.acquire().await; // take the job off the queue after this
    ///     println!("sending {mail}");
    ///     permit.record(Outcome::Success);
    /// }
    /// assert!(since.elapsed() >= Duration::from_secs(5));
    /// # }
    /// ```
    ///
    /// It is safe to drop this future at any time: whoever is next in line is woken in its place. A future that is kept and
    /// not polled keeps its place in the line, and those behind it wait.
    ///
    /// It needs Tokio's timer, and a circuit whose clock is Tokio's, as it is by default.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime with its time driver enabled when it has to wait for a time.
    #[cfg(feature = "tokio")]
    pub async fn acquire(&self) -> Permit {
        let mut place = self.in_line();
        let mut timer = Timer::default();
        poll_fn(|cx| {
            loop {
                match self.take_turn(&mut place, cx.waker()) {
                    Ok(permit) => return Poll::Ready(permit),
                    Err(Pause(Some(pause))) => ready!(timer.poll(pause, cx)),
                    Err(Pause(None)) => {
                        timer.stop();
                        return Poll::Pending;
                    }
                }
            }
        })
        .await
    }

    /// Waits until a call may be made, and for no longer than the limit, on a thread of its own: it blocks the thread, so never
    /// call it on one of a runtime's.
    ///
    /// ```
    /// use std::time::Duration;
    /// use breaker_layer::{Circuit, Outcome, Trip};
    ///
    /// let circuit = Circuit::builder("mails").build()?;
    /// circuit.trip_for(Duration::from_millis(5));
    /// let sent = std::thread::scope(|scope| {
    ///     scope.spawn(|| match circuit.acquire_blocking(Duration::from_secs(60)) {
    ///         Ok(permit) => {
    ///             permit.record(Outcome::Success);
    ///             true
    ///         }
    ///         Err(rejected) => {
    ///             eprintln!("not sent: {rejected}");
    ///             false
    ///         }
    ///     })
    ///     .join()
    ///     .unwrap()
    /// });
    /// assert!(sent);
    /// # Ok::<(), breaker_layer::ConfigError>(())
    /// ```
    ///
    /// The limit is one of std's clock, whatever the circuit's clock is. Where that is one that can be moved by hand, as a
    /// [`ManualClock`](crate::clock::ManualClock) or Tokio's, the first in line looks every 10 ms whether it has been.
    ///
    /// # Errors
    ///
    /// [`Rejected`], as [`Circuit::try_acquire`] gives it, when the limit has passed.
    pub fn acquire_blocking(&self, limit: Duration) -> Result<Permit, Rejected> {
        if let Some(permit) = self.acquire_if_passing() {
            return Ok(permit);
        }
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        let deadline = Source::std_now().saturating_add(limit);
        let mut place = self.in_line();
        loop {
            let pause = match self.take_turn(&mut place, &waker) {
                Ok(permit) => return Ok(permit),
                Err(Pause(pause)) => pause,
            };
            let left = deadline.saturating_since(Source::std_now());
            if left.is_zero() {
                drop(place);
                return self.try_acquire();
            }
            let looks_again = match self.slot().clock_moves_by_itself() {
                true => Duration::MAX,
                false => LOOK_AGAIN,
            };
            thread::park_timeout(to_park(pause, looks_again).min(left));
        }
    }

    /// A place in the line of those who wait for a permit.
    pub(crate) const fn in_line(&self) -> Waiter {
        Waiter::of(self.slot(), Kind::InLine)
    }

    /// Takes a permit, or has this waker woken when it is time to look again.
    ///
    /// Only the first in line and its deputy are told of a time: whoever leaves the line wakes the next.
    pub(crate) fn take_turn(&self, place: &mut Waiter, waker: &Waker) -> Result<Permit, Pause> {
        if self.lets_all_pass()
            && let Ok(permit) = self.acquire_waiting()
        {
            return Ok(permit);
        }
        let turn = place.register(waker);
        // Asked after this, a change in between is not missed.
        match turn {
            Turn::Wait(pause) if !self.lets_all_pass() => Err(Pause(pause)),
            Turn::Look | Turn::Wait(_) => self.acquire_waiting(),
        }
    }

    /// Whether every call passes, whatever the settings say.
    pub(crate) fn lets_all_pass(&self) -> bool {
        let all_pass = self.slot().read(CircuitState::lets_all_pass);
        all_pass.unwrap_or(true)
    }

    /// Asks for a permit without a draw; a refusal is not counted as a rejection.
    fn acquire_waiting(&self) -> Result<Permit, Pause> {
        let admitted = self.admit_waiting(For::Call);
        admitted.map_err(|why| self.pause_of(why.refusal()))
    }

    #[cold]
    pub(super) fn pause_of(&self, refusal: Refusal) -> Pause {
        Pause(match refusal {
            Refusal::Open { retry_after } | Refusal::Recovering { retry_after } => {
                Some(retry_after)
            }
            // A probe that gives its place back wakes those who wait.
            Refusal::ProbesTaken { .. } => {
                let now = self.slot().now();
                let lapses_in = |state: &CircuitState| state.breaker.lapses_in(state.rules(), now);
                self.slot().read(lapses_in).flatten()
            }
            Refusal::Isolated { retry_after } => retry_after,
            // Whatever else only an operator ends.
            _ => None,
        })
    }
}

/// How often a thread looks at a circuit whose clock may be moved by hand.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// For how long a thread parks. One that does not wait for a time is woken: it does not look again by itself.
fn to_park(pause: Option<Duration>, looks_again: Duration) -> Duration {
    pause.map_or(Duration::MAX, |pause| pause.max(SHORTEST).min(looks_again))
}

/// Wakes a thread.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.unpark();
    }
}

#[cfg(all(test, not(breaker_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_thread_looks_again_by_itself_only_where_it_waits_for_a_time() {
        let pause = Duration::from_secs(5);
        assert_eq!(to_park(None, LOOK_AGAIN), Duration::MAX);
        assert_eq!(to_park(Some(pause), LOOK_AGAIN), LOOK_AGAIN);
        assert_eq!(to_park(Some(pause), Duration::MAX), pause);
        assert_eq!(to_park(Some(Duration::ZERO), LOOK_AGAIN), SHORTEST);
    }
}
