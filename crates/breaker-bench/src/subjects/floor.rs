//! Nothing at all: what a call costs without a breaker.

use std::{
    future::Ready,
    hint::black_box,
    sync::Arc,
    task::{Context, Poll},
};

use tower_service::Service;

use super::Mode;
use crate::harness::{
    drive::Driver,
    leaf::{Down, Leaf},
    time::Subject,
};

/// A call of the downstream as a Tower service.
pub fn bare(mode: Mode) -> Subject {
    Subject::new("bare Tower service", move || {
        let (driver, mut service) = (Driver::new(), mode.leaf());
        move |request| {
            black_box(driver.call(&mut service, request)).ok();
            false
        }
    })
}

/// A call of the downstream as a function.
pub fn closure(mode: Mode) -> Subject {
    Subject::new("bare function", move || {
        let leaf = mode.leaf();
        move |request| {
            black_box(leaf.answer(request)).ok();
            false
        }
    })
}

/// A service that holds one reference count: the least that sharing anything takes.
#[derive(Clone, Debug, Default)]
pub struct Sharing(Leaf, Arc<()>);

impl Service<u64> for Sharing {
    type Response = u64;
    type Error = Down;
    type Future = Ready<Result<u64, Down>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Down>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: u64) -> Self::Future {
        black_box(&self.1);
        self.0.call(request)
    }
}
