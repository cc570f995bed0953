//! Whether a call failed because a circuit further in refused it, which is nobody's failure.
//!
//! An outer circuit knows nothing of the type of its calls' errors, so it cannot look for a rejection in them. The rejection
//! tells instead: while it is there, its thread remembers it as the last one that was made. Whoever makes a call forgets
//! what was before it. If a rejection that was made during the call is still there once the call has failed, the error has
//! it: one that was handled on the way has been dropped, as all that the call had of its own.
//!
//! This costs a write to the thread's own memory for each poll. What has crossed to another thread, or was told by a copy, is
//! not seen, and then counts as any error does.

use std::{
    cell::Cell,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use breaker_core::Outcome;
use pin_project_lite::pin_project;

use crate::error::Because;

thread_local! {
    /// The last rejection that was made on this thread, or answered with, if it is still there.
    static LAST: Cell<Option<Because>> = const { Cell::new(None) };
}

/// A call begins, or goes on.
#[inline]
pub(crate) fn forget() {
    LAST.set(None);
}

/// A rejection was made, or is answered with now.
#[inline]
pub(crate) fn made(because: Because) {
    LAST.set(Some(because));
}

/// A rejection is no more.
#[inline]
pub(crate) fn gone(because: Because) {
    if LAST.get() == Some(because) {
        LAST.set(None);
    }
}

/// What is remembered, for an answer that is given later.
pub(crate) fn last() -> Option<Because> {
    LAST.get()
}

/// What the error means that a call has just ended with, to a classifier that does not look into it.
#[inline]
pub(crate) fn outcome_of_error() -> Outcome {
    match LAST.get() {
        Some(_) => Outcome::Ignored,
        None => Outcome::Failure,
    }
}

pin_project! {
    /// A call without Tower.
    pub(crate) struct Watched<F> {
        #[pin]
        call: F,
    }
}

impl<F> Watched<F> {
    pub(crate) const fn new(call: F) -> Self {
        Self { call }
    }
}

impl<F: Future> Future for Watched<F> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        forget();
        self.project().call.poll(cx)
    }
}
