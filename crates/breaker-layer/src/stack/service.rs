//! The Tower service, and the types that its layer is put together from: what a user names to store a stack.

use std::{
    fmt, mem,
    task::{Context, Poll, ready},
};

use tower_service::Service;

#[cfg(feature = "tonic")]
pub use crate::stack::tonic::Grpc;
#[cfg(feature = "tokio")]
pub use crate::stack::wait::{Wait, WaitLayer};
pub use crate::stack::{
    fallback::{Fallback, FallbackFuture},
    future::ResponseFuture,
    respond::RespondWith,
    shape::{Boxed, PassError, Refused, Shape, Typed},
};

use crate::{
    circuit::{Circuit, Draw, Permit},
    classify::{AtOnce, ErrorsAreFailures, Settle},
    error::{Rejected, Why},
    exclude::Exclude,
    stack::shape,
};

/// A service behind a circuit. Made by [`BreakerLayer`](crate::BreakerLayer).
///
/// `poll_ready` is ready while the circuit rejects, without asking the inner service, and the `call` after it rejects;
/// so a balancer or a buffer around it lives on. A readiness that the inner service gave before a call was refused after
/// all is kept for the next call: put a concurrency limit outside, where it holds no permit for that time.
pub struct Breaker<S, J = AtOnce<ErrorsAreFailures>, A = Typed> {
    inner: S,
    circuit: Circuit,
    settle: J,
    shape: A,
    /// The inner service is ready from before: it was not called, or not yet. `Path::Inner` has used it up.
    inner_is_ready: bool,
    path: Path,
    draw: Draw,
}

/// What the last `poll_ready` was ready for; it stands until `call`.
enum Path {
    Undecided,
    Inner,
    Rejection(Why),
}

impl<S, J, A> Breaker<S, J, A> {
    pub(crate) fn of(inner: S, circuit: Circuit, settle: J, shape: A) -> Self {
        Self {
            inner,
            circuit,
            settle,
            shape,
            inner_is_ready: false,
            path: Path::Undecided,
            draw: Draw::default(),
        }
    }

    /// The circuit.
    pub const fn circuit(&self) -> &Circuit {
        &self.circuit
    }

    /// The inner service.
    pub const fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The inner service.
    pub const fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// The inner service.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S, J, A, Request> Service<Request> for Breaker<S, J, A>
where
    S: Service<Request>,
    J: Settle<S::Response, S::Error> + Exclude<Request> + Clone,
    A: Shape<Request, J::Response, S::Error>,
{
    type Response = J::Response;
    type Error = A::Error;
    type Future = ResponseFuture<S::Future, J, A::Future, A>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        if !matches!(self.path, Path::Undecided) {
            return Poll::Ready(Ok(()));
        }
        if let Some(refusal) = self.circuit.refusal(&mut self.draw) {
            self.path = Path::Rejection(refusal);
            return Poll::Ready(Ok(()));
        }
        ready!(self.poll_inner(cx))?;
        self.path = Path::Inner;
        Poll::Ready(Ok(()))
    }

    #[inline]
    fn call(&mut self, request: Request) -> Self::Future {
        let at_once = match self.path {
            Path::Inner => self.circuit.acquire_at_once(),
            Path::Undecided => None,
            Path::Rejection(why) => {
                let rejected = self.reject(why);
                return ResponseFuture::answered(self.shape.reject(rejected, request));
            }
        };
        // The future is made in one place, and in no function that is not inlined: so it is written once, where it stays.
        let admitted = match at_once {
            Some(permit) => {
                self.path = Path::Undecided;
                self.draw.forget();
                Ok(permit)
            }
            None => self.admit(),
        };
        match admitted {
            Ok(permit) => self.call_with(permit, request),
            Err(rejected) => ResponseFuture::answered(self.shape.reject(rejected, request)),
        }
    }
}

impl<S, J, A> Breaker<S, J, A> {
    #[inline(never)]
    fn reject(&mut self, why: Why) -> Rejected {
        self.path = Path::Undecided;
        self.circuit.reject(why)
    }

    /// Decides, where the circuit must be asked.
    #[inline(never)]
    fn admit(&mut self) -> Result<Permit, Rejected> {
        let admitted = self.circuit.acquire_or_reject(&mut self.draw);
        let was_ready = self.inner_is_ready || matches!(self.path, Path::Inner);
        self.inner_is_ready = was_ready && admitted.is_err();
        self.path = Path::Undecided;
        self.draw.forget();
        admitted
    }

    /// Calls the inner service.
    #[inline]
    fn call_with<Request, R>(
        &mut self,
        permit: Permit,
        request: Request,
    ) -> ResponseFuture<S::Future, J, R, A>
    where
        S: Service<Request>,
        J: Exclude<Request> + Clone,
    {
        let permit = if self.settle.excludes(&request) {
            permit.excluded()
        } else {
            permit
        };
        let mut settle = self.settle.clone();
        settle.look_at(&request);
        ResponseFuture::called(self.inner.call(request), permit, settle)
    }

    /// Whether the inner service is ready, which is used up by this.
    #[inline]
    fn poll_inner<Request>(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), A::Error>>
    where
        S: Service<Request>,
        J: Settle<S::Response, S::Error>,
        A: PassError<S::Error>,
    {
        if mem::take(&mut self.inner_is_ready) {
            return Poll::Ready(Ok(()));
        }
        match ready!(self.inner.poll_ready(cx)) {
            Ok(()) => Poll::Ready(Ok(())),
            Err(error) => Poll::Ready(Err(self.unready::<S::Response, _>(error))),
        }
    }

    /// Whether the inner service is ready; once it is, it is not asked again until it is called.
    #[cfg(feature = "tokio")]
    pub(crate) fn poll_inner_ahead<Request>(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), A::Error>>
    where
        S: Service<Request>,
        J: Settle<S::Response, S::Error>,
        A: PassError<S::Error>,
    {
        ready!(self.poll_inner(cx))?;
        self.inner_is_ready = true;
        Poll::Ready(Ok(()))
    }

    /// Calls the inner service for a permit that was taken ahead.
    #[cfg(feature = "tokio")]
    pub(crate) fn call_held<Request, R>(
        &mut self,
        permit: Permit,
        request: Request,
    ) -> ResponseFuture<S::Future, J, R, A>
    where
        S: Service<Request>,
        J: Exclude<Request> + Clone,
    {
        self.inner_is_ready = false;
        self.call_with(permit, request)
    }
}

impl<S, J, A> Breaker<S, J, A> {
    /// The inner service failed to become ready, which is a result like any other.
    #[cold]
    fn unready<Response, Error>(&mut self, error: Error) -> A::Error
    where
        J: Settle<Response, Error>,
        A: PassError<Error>,
    {
        let admitted = self.circuit.admit(&mut self.draw);
        self.draw.forget();
        match admitted {
            Ok(permit) => shape::settle_error::<A, _, _, _, _>(permit, &self.settle, error),
            Err(_) => A::pass(error),
        }
    }
}

/// A clone starts unready: readiness belongs to the instance that was polled.
impl<S: Clone, J: Clone, A: Clone> Clone for Breaker<S, J, A> {
    fn clone(&self) -> Self {
        Self::of(
            self.inner.clone(),
            self.circuit.clone(),
            self.settle.clone(),
            self.shape.clone(),
        )
    }
}

impl<S: fmt::Debug, J, A> fmt::Debug for Breaker<S, J, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Breaker")
            .field("inner", &self.inner)
            .field("circuit", &self.circuit)
            .finish_non_exhaustive()
    }
}
