//! C15 and C16: no bounds beyond the inner service's own, and one circuit for every service of a layer.

mod support;

use std::{
    cell::Cell,
    convert::Infallible,
    future::Future,
    marker::PhantomPinned,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use breaker_layer::{
    Breaker, BreakerLayer, Circuit, Error, Outcome, Permit, Rejected, State,
    service::ResponseFuture,
};
use futures::FutureExt;
use support::{Answer, Bench, Downstream, THRESHOLD, call};
use tower::{Layer, Service, ServiceExt};

/// Neither `Clone`, `Send`, `Sync` nor `'static`, and its request, response and error are none of it either.
struct Borrowing<'a> {
    calls: &'a Cell<u32>,
    _not_send: Rc<()>,
}

struct Borrowed<'a> {
    request: &'a Cell<u32>,
    _not_send: Rc<()>,
}

impl<'a> Service<&'a Cell<u32>> for Borrowing<'a> {
    type Response = Borrowed<'a>;
    type Error = Borrowed<'a>;
    type Future = Unmovable<'a>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: &'a Cell<u32>) -> Unmovable<'a> {
        self.calls.set(self.calls.get() + 1);
        Unmovable {
            fails: request.get() == 0,
            request,
            _pinned: PhantomPinned,
        }
    }
}

/// Not `Unpin`.
struct Unmovable<'a> {
    fails: bool,
    request: &'a Cell<u32>,
    _pinned: PhantomPinned,
}

impl<'a> Future for Unmovable<'a> {
    type Output = Result<Borrowed<'a>, Borrowed<'a>>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        let borrowed = Borrowed {
            request: self.request,
            _not_send: Rc::new(()),
        };
        Poll::Ready(if self.fails {
            Err(borrowed)
        } else {
            Ok(borrowed)
        })
    }
}

#[test]
fn an_inner_service_that_is_not_clone_send_or_static_works() {
    let bench = Bench::new();
    let (calls, good, bad) = (Cell::new(0), Cell::new(1), Cell::new(0));
    let not_send = Rc::new(());
    let mut service = BreakerLayer::new(bench.circuit.clone()).layer(Borrowing {
        calls: &calls,
        _not_send: not_send.clone(),
    });
    let mut go = |request| async { service.ready().await?.call(request).await }.now_or_never();
    let Some(Ok(answer)) = go(&good) else {
        panic!("it answers")
    };
    assert!(std::ptr::eq(answer.request, &good));
    for _ in 0..THRESHOLD {
        let Some(Err(Error::Inner(error))) = go(&bad) else {
            panic!("it fails")
        };
        assert!(std::ptr::eq(error.request, &bad));
    }
    assert!(matches!(go(&good), Some(Err(Error::Rejected(_)))));
    assert_eq!(calls.get(), 1 + THRESHOLD);
}

#[test]
fn a_classifier_that_borrows_works() {
    let bench = Bench::new();
    let seen = Cell::new(0);
    let classify = |_: Result<&u32, &support::Fault>| {
        seen.set(seen.get() + 1);
        Outcome::Failure
    };
    let mut service = BreakerLayer::new(bench.circuit.clone())
        .classify(classify)
        .layer(Downstream::new());
    for _ in 0..THRESHOLD {
        assert_eq!(call(&mut service, 1).unwrap(), 1);
    }
    assert_eq!(seen.get(), THRESHOLD);
    assert_eq!(bench.state(), State::Open);
}

#[test]
fn what_the_inner_service_can_do_the_breaker_can_do() {
    fn is_send_and_sync<T: Send + Sync + 'static>() {}
    fn is_clone<T: Clone>() {}
    fn is_unpin<T: Unpin>() {}
    is_send_and_sync::<Circuit>();
    is_send_and_sync::<Permit>();
    is_send_and_sync::<Rejected>();
    is_send_and_sync::<BreakerLayer>();
    is_send_and_sync::<Breaker<Downstream>>();
    is_send_and_sync::<<Breaker<Downstream> as Service<u32>>::Future>();
    is_clone::<Circuit>();
    is_clone::<BreakerLayer>();
    is_clone::<Breaker<Downstream>>();
    is_unpin::<Breaker<Downstream>>();
    is_unpin::<<Breaker<Downstream> as Service<u32>>::Future>();
}

#[test]
fn the_response_future_has_a_name_and_is_hardly_larger_than_inner_s() {
    type Future = <Breaker<Downstream> as Service<u32>>::Future;
    fn is_named<F, J, R, A>(_: Option<ResponseFuture<F, J, R, A>>) {}
    is_named(None::<Future>);
    let (inner, whole) = (size_of::<support::Reply>(), size_of::<Future>());
    assert!(whole <= inner + 48, "{whole} bytes against {inner}");
}

#[test]
fn every_service_of_a_layer_and_of_its_clones_shares_its_circuit() {
    let bench = Bench::new();
    let layer = BreakerLayer::new(bench.circuit.clone());
    for layer in [layer.clone(), layer.clone(), layer] {
        let service = layer.layer(Downstream::always(Answer::Fail));
        assert!(call(&mut service.clone(), 1).is_err());
    }
    assert_eq!(bench.circuit.snapshot().failed, u64::from(THRESHOLD));
    assert_eq!(bench.state(), State::Open);
}

/// As axum does: a layer is applied anew for each request.
#[test]
fn a_service_made_for_each_request_opens_all_the_same() {
    let bench = Bench::new();
    let layer = BreakerLayer::new(bench.circuit.clone());
    let downstream = Downstream::always(Answer::Fail);
    for _ in 0..10 {
        let _ = call(&mut layer.layer(downstream.clone()), 1).unwrap_err();
    }
    assert_eq!(downstream.calls(), THRESHOLD as usize);
}

#[test]
fn layers_of_two_circuits_share_nothing() {
    let (one, two) = (Bench::new(), Bench::new());
    one.open();
    let mut service = BreakerLayer::new(two.circuit.clone()).layer(Downstream::new());
    assert_eq!(call(&mut service, 1).unwrap(), 1);
}

#[test]
fn a_closure_service_with_an_error_that_cannot_be_works() {
    let bench = Bench::new();
    let mut service =
        BreakerLayer::new(bench.circuit.clone()).layer(tower::service_fn(async |request: u32| {
            Ok::<_, Infallible>(request)
        }));
    assert_eq!(call(&mut service, 1).unwrap(), 1);
}
