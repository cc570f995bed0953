//! The Tower service.

use std::{
    fmt,
    task::{Context, Poll, ready},
};

use tower_service::Service;

use super::{circuits::KeyedCircuits, entry::Key, extract::ExtractKey, permit::KeyedPermit};
use crate::{
    circuit::Draw,
    classify::{AtOnce, ErrorsAreFailures, Settle},
    exclude::Exclude,
    stack::{
        future::ResponseFuture,
        shape::{self, PassError, Shape, Typed},
    },
};

/// A service behind one circuit for each key. Made by [`KeyedBreakerLayer`](super::KeyedBreakerLayer).
///
/// The key is known only in `call`, so the inner service is always polled. A readiness that it gave before a call was
/// refused is kept for the next call: put a concurrency limit outside, where it holds no permit for that time.
pub struct KeyedBreaker<S, K: Key, X, J = AtOnce<ErrorsAreFailures>, A = Typed> {
    inner: S,
    circuits: KeyedCircuits<K>,
    extract: X,
    settle: J,
    shape: A,
    /// The inner service has said that it is ready, and has not been called since.
    inner_is_ready: bool,
    draw: Draw,
}

impl<S, K: Key, X, J, A> KeyedBreaker<S, K, X, J, A> {
    pub(super) fn of(
        inner: S,
        circuits: KeyedCircuits<K>,
        extract: X,
        settle: J,
        shape: A,
    ) -> Self {
        Self {
            inner,
            circuits,
            extract,
            settle,
            shape,
            inner_is_ready: false,
            draw: Draw::default(),
        }
    }

    /// The circuits.
    pub const fn circuits(&self) -> &KeyedCircuits<K> {
        &self.circuits
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

    /// The inner service failed to become ready, which is a result of no key.
    #[cold]
    fn unready<Response, Error>(&mut self, error: Error) -> A::Error
    where
        J: Settle<Response, Error, KeyedPermit<K>>,
        A: PassError<Error>,
    {
        let admitted = self.circuits.acquire_drawn(None, &mut self.draw);
        self.draw.forget();
        match admitted {
            Ok(permit) => shape::settle_error::<A, _, _, _, _>(permit, &self.settle, error),
            Err(_) => A::pass(error),
        }
    }
}

impl<S, K, X, J, A, Request> Service<Request> for KeyedBreaker<S, K, X, J, A>
where
    S: Service<Request>,
    K: Key,
    X: ExtractKey<Request, K>,
    J: Settle<S::Response, S::Error, KeyedPermit<K>> + Exclude<Request> + Clone,
    A: Shape<Request, J::Response, S::Error>,
{
    type Response = J::Response;
    type Error = A::Error;
    type Future = ResponseFuture<S::Future, J, A::Future, A, KeyedPermit<K>>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        if !self.inner_is_ready {
            if let Err(error) = ready!(self.inner.poll_ready(cx)) {
                return Poll::Ready(Err(self.unready::<S::Response, _>(error)));
            }
            self.inner_is_ready = true;
        }
        Poll::Ready(Ok(()))
    }

    #[inline]
    fn call(&mut self, request: Request) -> Self::Future {
        let key = self.extract.key(&request);
        let admitted = self.circuits.acquire_drawn(key, &mut self.draw);
        self.draw.forget();
        match admitted {
            Ok(permit) => {
                self.inner_is_ready = false;
                let permit = match self.settle.excludes(&request) {
                    true => crate::classify::AnyPermit::excluded(permit),
                    false => permit,
                };
                let mut settle = self.settle.clone();
                settle.look_at(&request);
                ResponseFuture::called(self.inner.call(request), permit, settle)
            }
            Err(rejected) => ResponseFuture::answered(self.shape.reject(rejected, request)),
        }
    }
}

/// A clone starts unready: readiness belongs to the instance that was polled.
impl<S: Clone, K: Key, X: Clone, J: Clone, A: Clone> Clone for KeyedBreaker<S, K, X, J, A> {
    fn clone(&self) -> Self {
        Self::of(
            self.inner.clone(),
            self.circuits.clone(),
            self.extract.clone(),
            self.settle.clone(),
            self.shape.clone(),
        )
    }
}

impl<S: fmt::Debug, K: Key, X, J, A> fmt::Debug for KeyedBreaker<S, K, X, J, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedBreaker")
            .field("inner", &self.inner)
            .field("circuits", &self.circuits)
            .finish_non_exhaustive()
    }
}
