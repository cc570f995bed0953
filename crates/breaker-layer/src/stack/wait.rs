//! Waiting for the circuit, as balancers need it.

use std::{
    fmt,
    task::{Context, Poll, ready},
};

use tower_layer::Layer;
use tower_service::Service;

use crate::{
    circuit::{Circuit, Pause, Permit},
    classify::{AtOnce, ErrorsAreFailures, Settle},
    exclude::Exclude,
    stack::{
        future::ResponseFuture,
        layer::BreakerLayer,
        service::Breaker,
        shape::{Shape, Typed},
    },
    storage::Waiter,
    timer::Timer,
};

/// Puts a circuit before a service, whose callers wait while it is open. Made by [`BreakerLayer::wait`].
#[derive(Clone, Debug)]
pub struct WaitLayer<J = AtOnce<ErrorsAreFailures>, A = Typed> {
    breaker: BreakerLayer<J, A>,
}

impl<J, A> BreakerLayer<J, A> {
    /// Has each call wait for its turn rather than be rejected (feature `tokio`): for balancers, of which the
    /// [guide](crate::guide::balancers) has an example. [`Wait`](crate::service::Wait) says what it needs of Tokio.
    pub const fn wait(self) -> WaitLayer<J, A> {
        WaitLayer { breaker: self }
    }
}

impl<S, J: Clone, A: Clone> Layer<S> for WaitLayer<J, A> {
    type Service = Wait<S, J, A>;

    fn layer(&self, inner: S) -> Self::Service {
        Wait::of(self.breaker.layer(inner))
    }
}

/// A service behind a circuit for whose turn its callers wait. Made by [`WaitLayer`].
///
/// `poll_ready` is pending while the circuit lets no call pass. It is woken by time, by an operator's command and when a
/// probe gives its slot back. So a balancer takes an endpoint whose circuit is open out of its choice, and no call is lost
/// to it. While half-open, `Ready` holds a permit, taken after the inner service was ready; dropped, it is given back.
///
/// Where the circuit has opened since `Ready`, the next `poll_ready` is pending again, which is what tower's balancers expect
/// of a failure detector; a `call` without it is rejected.
///
/// No calls flow that could be drawn as probes, so with [`OpenTime::probe_share`](crate::OpenTime::probe_share) the circuit
/// is due after the shortest wait, doubled with each opening in a row up to the longest.
///
/// It needs Tokio's timer, and a circuit whose clock is Tokio's, as it is by default.
///
/// # Panics
///
/// `poll_ready` panics outside of a Tokio runtime with its time driver enabled when it has to wait for a time.
pub struct Wait<S, J = AtOnce<ErrorsAreFailures>, A = Typed> {
    // In a half-open circuit, or one that lets traffic back gradually: the right to make the next call.
    permit: Option<Permit>,
    waiter: Waiter,
    timer: Timer,
    breaker: Breaker<S, J, A>,
}

impl<S, J, A> Wait<S, J, A> {
    const fn of(breaker: Breaker<S, J, A>) -> Self {
        Self {
            permit: None,
            waiter: breaker.circuit().watcher(),
            timer: Timer::new(),
            breaker,
        }
    }

    /// The circuit.
    pub const fn circuit(&self) -> &Circuit {
        self.breaker.circuit()
    }

    /// The inner service.
    pub const fn get_ref(&self) -> &S {
        self.breaker.get_ref()
    }

    /// The inner service.
    pub const fn get_mut(&mut self) -> &mut S {
        self.breaker.get_mut()
    }

    /// The inner service.
    pub fn into_inner(self) -> S {
        self.breaker.into_inner()
    }

    /// Whether a call may go now, with what it needs for it.
    fn poll_turn<Request>(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Result<(), Pause>, A::Error>>
    where
        S: Service<Request>,
        J: Settle<S::Response, S::Error>,
        A: Shape<Request, J::Response, S::Error>,
    {
        let circuit = self.breaker.circuit();
        let held = self.permit.take();
        if let Some(permit) = held.filter(|permit| circuit.holds(permit)) {
            self.permit = Some(permit);
            return Poll::Ready(Ok(Ok(())));
        }
        if let Some(pause) = circuit.pause() {
            return Poll::Ready(Ok(Err(pause)));
        }
        ready!(self.breaker.poll_inner_ahead::<Request>(cx))?;
        let permit = self.breaker.circuit().acquire_ahead();
        Poll::Ready(Ok(permit.map(|permit| self.permit = permit)))
    }
}

impl<S, J, A, Request> Service<Request> for Wait<S, J, A>
where
    S: Service<Request>,
    J: Settle<S::Response, S::Error> + Exclude<Request> + Clone,
    A: Shape<Request, J::Response, S::Error>,
{
    type Response = J::Response;
    type Error = A::Error;
    type Future = ResponseFuture<S::Future, J, A::Future, A>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        let mut is_registered = false;
        loop {
            let Err(pause) = ready!(self.poll_turn::<Request>(cx))? else {
                return Poll::Ready(Ok(()));
            };
            if !is_registered {
                // Asked once more after this, a change in between is not missed.
                self.waiter.register(cx.waker());
                is_registered = true;
                continue;
            }
            match pause.0 {
                Some(pause) => ready!(self.timer.poll(pause, cx)),
                None => return Poll::Pending,
            }
        }
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let circuit = self.breaker.circuit();
        let held = self.permit.take();
        match held.filter(|permit| circuit.holds(permit)) {
            Some(permit) => {
                let permit = circuit.begin(permit);
                self.breaker.call_held(permit, request)
            }
            None => self.breaker.call(request),
        }
    }
}

/// A clone starts unready: readiness belongs to the instance that was polled.
impl<S: Clone, J: Clone, A: Clone> Clone for Wait<S, J, A> {
    fn clone(&self) -> Self {
        Self::of(self.breaker.clone())
    }
}

impl<S: fmt::Debug, J, A> fmt::Debug for Wait<S, J, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wait")
            .field("breaker", &self.breaker)
            .finish_non_exhaustive()
    }
}
