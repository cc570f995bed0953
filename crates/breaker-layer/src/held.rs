//! The permits that futures and bodies hold.

use std::{
    future::Future,
    mem,
    pin::Pin,
    task::{Context, Poll, ready},
    thread,
};

use breaker_core::Outcome;
use pin_project_lite::pin_project;

use crate::{circuit::Permit, classify::AnyPermit};

/// The permit of a call that goes on, until it ends.
///
/// Where a thread unwinds, it tells the call that panicked from those that the panic ends besides: a caller's panic drops all
/// that he has under way, and says nothing about any downstream.
pub(crate) struct Kept<P: AnyPermit>(Option<P>);

impl<P: AnyPermit> Kept<P> {
    #[inline(always)]
    pub(crate) const fn new(permit: P) -> Self {
        Self(Some(permit))
    }

    #[inline(always)]
    pub(crate) const fn is_there(&self) -> bool {
        self.0.is_some()
    }

    #[inline(always)]
    pub(crate) const fn take(&mut self) -> Option<P> {
        self.0.take()
    }

    /// Goes on with the call; if that panics, the permit knows of it, wherever the panic is caught.
    #[inline(always)]
    pub(crate) fn during<T>(&mut self, go_on: impl FnOnce() -> T) -> T {
        let on_panic = DropsOnPanic(&mut self.0);
        let result = go_on();
        mem::forget(on_panic);
        result
    }
}

impl<P: AnyPermit> Drop for Kept<P> {
    // Inlined, as below.
    #[inline(always)]
    fn drop(&mut self) {
        if let Some(permit) = self.0.take() {
            let_go(permit);
        }
    }
}

/// Gives a permit back whose call did not come to its end.
#[cold]
#[inline(never)]
fn let_go<P: AnyPermit>(permit: P) {
    if thread::panicking() {
        permit.record(Outcome::Ignored);
    }
}

/// Drops the permit while the thread unwinds. To be forgotten where there was no panic.
struct DropsOnPanic<'a, P>(&'a mut Option<P>);

impl<P> Drop for DropsOnPanic<'_, P> {
    // Inlined, or the permit's address would be known elsewhere, and the whole future could not stay in registers.
    #[inline(always)]
    fn drop(&mut self) {
        self.0.take();
    }
}

pin_project! {
    /// A future of a call, and its permit, which it gives back at the end.
    pub(crate) struct Held<F, P: AnyPermit = Permit> {
        #[pin]
        inner: F,
        permit: Kept<P>,
    }
}

impl<F, P: AnyPermit> Held<F, P> {
    pub(crate) const fn new(permit: P, inner: F) -> Self {
        let permit = Kept::new(permit);
        Self { inner, permit }
    }
}

impl<F: Future, P: AnyPermit> Future for Held<F, P> {
    type Output = (P, F::Output);

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let result = ready!(this.permit.during(|| this.inner.poll(cx)));
        match this.permit.take() {
            Some(permit) => Poll::Ready((permit, result)),
            None => Poll::Pending,
        }
    }
}
