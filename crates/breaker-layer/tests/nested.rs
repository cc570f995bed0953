//! C32: our own rejections are nobody's failure. An outer circuit ignores what an inner one refused, whatever the type of the
//! error, and counts what really failed.
#![cfg(all(feature = "http", feature = "keyed", feature = "tonic"))]

mod support;

use std::{cell::RefCell, error::Error as StdError, fmt, future::Future, io};

use breaker_layer::{
    BoxError, BreakerLayer, Circuit, Error, Outcome, Probes, Rejected, State, Trip,
    classify::ErrorsAreFailures,
    http::{EndOfStream, GrpcErrors, REJECTED, ServerErrors, unavailable},
    keyed::{KeyedBreakerLayer, KeyedCircuits},
};
use http::Response;
use http_body_util::{BodyExt, Full};
use support::{Bench, Fault, OPEN_FOR};
use tonic::Status;
use tower::{Layer, Service, ServiceBuilder, ServiceExt, buffer::Buffer, service_fn};

type Body = Full<&'static [u8]>;

/// An outer circuit that one failure opens, and an inner one that refuses all.
fn circuits() -> (Circuit, Circuit) {
    let outer = Circuit::builder("outer").trip(Trip::consecutive_failures(1));
    let inner = Circuit::builder("inner").build().expect("the defaults");
    inner.isolate();
    (outer.build().expect("the settings are good"), inner)
}

/// What has been counted: failures and ignored calls.
fn counts(circuit: &Circuit) -> (u64, u64) {
    let snapshot = circuit.snapshot();
    (snapshot.failed, snapshot.ignored)
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio_test::block_on(future)
}

/// The one call of this service fails.
fn fails<S: Service<(), Error: fmt::Debug>>(service: S) {
    assert!(run(service.oneshot(())).is_err());
}

async fn well(_: ()) -> Result<u32, Fault> {
    Ok(1)
}

/// An error of a user's own, which does not say where it comes from.
#[derive(Debug)]
struct Opaque(#[expect(dead_code, reason = "it is held")] Box<dyn fmt::Debug + Send + Sync>);

impl fmt::Display for Opaque {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it did not work")
    }
}

impl StdError for Opaque {}

#[test]
fn a_rejection_further_in_is_ignored_whatever_the_error_is() {
    let (outer, inner) = circuits();
    let layer = || BreakerLayer::new(outer.clone());
    let inside = || BreakerLayer::new(inner.clone());
    fails(layer().layer(inside().layer(service_fn(well))));
    assert_eq!(counts(&outer), (0, 1), "typed");
    fails(
        layer()
            .boxed_errors()
            .layer(inside().boxed_errors().layer(service_fn(well))),
    );
    assert_eq!(counts(&outer), (0, 2), "boxed");
    fails(
        ServiceBuilder::new()
            .layer(layer())
            .map_err(|error: Error<Fault>| Opaque(Box::new(error)))
            .layer(inside())
            .service_fn(well),
    );
    assert_eq!(counts(&outer), (0, 3), "in an error of the user's own");
    fails(
        ServiceBuilder::new()
            .layer(layer())
            .layer(inside().respond_with(|rejected, ()| Err(Opaque(Box::new(rejected)))))
            .service_fn(async |()| Ok::<u32, Opaque>(1)),
    );
    assert_eq!(counts(&outer), (0, 4), "answered by an error");
    fails(
        ServiceBuilder::new()
            .layer(layer().classify_with(ServerErrors::new()).boxed_errors())
            .timeout(OPEN_FOR)
            .layer(inside().boxed_errors())
            .service_fn(async |()| Ok::<_, Fault>(Response::new(()))),
    );
    assert_eq!(counts(&outer), (0, 5), "below a timeout, by ServerErrors");
    fails(
        ServiceBuilder::new()
            .layer(layer().settle_with(EndOfStream::new(GrpcErrors::new())))
            .layer(inside())
            .service_fn(async |()| Ok::<_, Fault>(Response::new(Body::default()))),
    );
    assert_eq!(counts(&outer), (0, 6), "by GrpcErrors");
    assert_eq!(outer.state(), State::Closed);
}

#[test]
fn a_rejection_is_ignored_through_a_buffer_and_a_retry_that_looks_at_it() {
    #[derive(Clone)]
    struct Never;

    impl<T, E: StdError + 'static> tower::retry::Policy<(), T, E> for Never {
        type Future = std::future::Ready<()>;

        fn retry(&mut self, (): &mut (), result: &mut Result<T, E>) -> Option<Self::Future> {
            let error = result
                .as_ref()
                .err()
                .map(|error| error as &(dyn StdError + 'static));
            assert!(error.and_then(Rejected::of).is_some());
            None
        }

        fn clone_request(&mut self, (): &()) -> Option<()> {
            Some(())
        }
    }

    let (outer, inner) = circuits();
    run(async {
        let service = ServiceBuilder::new()
            .layer(BreakerLayer::new(outer.clone()).boxed_errors())
            .layer_fn(|service| Buffer::new(service, 4))
            .retry(Never)
            .layer(BreakerLayer::new(inner))
            .service_fn(well);
        assert!(service.oneshot(()).await.is_err());
    });
    assert_eq!(counts(&outer), (0, 1));
}

/// One host of two is isolated, and the other's calls go on.
#[test]
fn a_key_that_refuses_does_not_open_the_circuit_around_all_keys() {
    let outer = Circuit::builder("service").trip(Trip::consecutive_failures(5));
    let outer = outer.build().expect("the settings are good");
    let hosts = KeyedCircuits::<u8>::builder("hosts")
        .build()
        .expect("the defaults");
    hosts.circuit(&0).expect("there is room").isolate();
    let service = ServiceBuilder::new()
        .layer(BreakerLayer::new(outer.clone()).boxed_errors())
        .layer(KeyedBreakerLayer::new(hosts, |host: &u8| Some(*host)).boxed_errors())
        .service_fn(async |_: u8| Ok::<_, io::Error>(()));
    let mut passed = 0;
    for call in 0..100 {
        let answer = run(service.clone().oneshot(u8::from(call % 10 >= 6)));
        passed += u32::from(answer.is_ok());
    }
    assert_eq!((passed, counts(&outer)), (40, (0, 60)));
}

#[test]
fn without_tower_it_is_the_same() {
    let (outer, inner) = circuits();
    assert!(outer.call(|| inner.call(|| Ok::<_, Fault>(1))).is_err());
    assert!(
        outer
            .call_boxed(|| Ok::<_, BoxError>(inner.try_acquire()?))
            .is_err()
    );
    assert_eq!(counts(&outer), (0, 2));
    assert!(run(outer.run(inner.run(async { Ok::<_, Fault>(1) }))).is_err());
    assert!(run(outer.run_boxed(inner.run_boxed(async { Ok::<_, BoxError>(1) }))).is_err());
    let late = async {
        tokio::task::yield_now().await;
        inner.run(async { Ok::<_, Fault>(1) }).await
    };
    assert!(run(outer.run(late)).is_err());
    assert_eq!(counts(&outer), (0, 5));

    let permit = outer.try_acquire().expect("it is closed");
    let result = inner.try_acquire();
    permit.record(breaker_layer::Classify::classify(
        &ErrorsAreFailures,
        result.as_ref(),
    ));
    drop(result);
    assert_eq!(counts(&outer), (0, 6));
}

/// The other circuit's refusal was dealt with, and what failed then was not refused.
#[test]
fn what_fails_after_a_rejection_that_was_handled_is_a_failure() {
    let (outer, cache) = circuits();
    let mut failed = 0;
    let mut is_counted = |what| {
        failed += 1;
        assert_eq!(counts(&outer), (failed, 0), "{what}");
        outer.reset();
        failed = counts(&outer).0;
    };
    let answer: Result<(), _> = outer.call(|| {
        let cached = cache.call(|| Ok::<_, Fault>(1));
        match cached {
            Ok(_) => Ok(()),
            Err(_) => Err(Fault(1)),
        }
    });
    assert!(answer.is_err());
    is_counted("a plain call");
    let answer: Result<(), _> = run(outer.run(async {
        if cache.run(async { Ok::<_, Fault>(1) }).await.is_err() {
            Err(Fault(1))
        } else {
            Ok(())
        }
    }));
    assert!(answer.is_err());
    is_counted("a future");
    let answer: Result<(), _> = run(outer.run(async {
        let cached = cache.try_acquire();
        tokio::task::yield_now().await;
        drop(cached);
        Err(Fault(1))
    }));
    assert!(answer.is_err());
    is_counted("a future that goes on");
    fails(
        BreakerLayer::new(outer.clone()).layer(service_fn(async |()| {
            let _ = cache.call(|| Ok::<_, Fault>(1));
            Err::<(), _>("it failed")
        })),
    );
    is_counted("a service");
    let fallback = BreakerLayer::new(cache.clone()).fallback(service_fn(async |()| Err(Fault(1))));
    let fallback = fallback.layer(service_fn(well));
    fails(BreakerLayer::new(outer.clone()).layer(fallback));
    is_counted("a fallback that fails");
}

/// It has nothing to do with the calls that come after it.
#[test]
fn a_rejection_that_is_kept_makes_no_other_failure_a_rejection() {
    let (outer, inner) = circuits();
    let last_error = RefCell::new(None);
    let remember = |rejected: Rejected| *last_error.borrow_mut() = Some(rejected);
    inner
        .try_acquire()
        .map_err(remember)
        .expect_err("it is isolated");
    assert!(outer.call(|| Err::<(), _>(Fault(1))).is_err());
    assert_eq!(counts(&outer), (1, 0));
    outer.reset();
    inner
        .try_acquire()
        .map_err(remember)
        .expect_err("it is isolated");
    fails(BreakerLayer::new(outer.clone()).layer(service_fn(async |()| Err::<(), _>(Fault(1)))));
    outer.reset();
    inner
        .try_acquire()
        .map_err(remember)
        .expect_err("it is isolated");
    assert!(run(outer.run(async { Err::<(), _>(Fault(1)) })).is_err());
    assert_eq!(counts(&outer).1, 0);
    assert!(last_error.borrow().is_some());
}

#[test]
fn a_response_that_stands_for_a_rejection_is_ignored() {
    let (outer, inner) = circuits();
    let service = ServiceBuilder::new()
        .layer(BreakerLayer::new(outer.clone()).classify_with(ServerErrors::new()))
        .layer(BreakerLayer::new(inner.clone()).respond_with(unavailable))
        .service_fn(async |()| Ok::<_, Fault>(Response::new(String::new())));
    let response = run(service.oneshot(())).expect("a response");
    assert_eq!(
        (response.status().as_u16(), &response.headers()[REJECTED]),
        (503, &"1".parse().expect("a value"))
    );
    assert_eq!(counts(&outer), (0, 1));

    let service = ServiceBuilder::new()
        .layer(BreakerLayer::new(outer.clone()).settle_with(EndOfStream::new(GrpcErrors::new())))
        .layer(BreakerLayer::new(inner).grpc())
        .service_fn(async |()| Ok::<_, Fault>(Response::new(Body::default())));
    let response = run(service.oneshot(())).expect("a response");
    assert_eq!(response.headers()["grpc-status"], "14");
    assert!(run(response.into_body().collect()).is_ok());
    assert_eq!(counts(&outer), (0, 2));
}

#[test]
fn a_mark_makes_no_difference_to_what_is_well_and_may_be_disbelieved() {
    let (_, inner) = circuits();
    let mut rejection: Response<()> = inner.try_acquire().expect_err("isolated").into();
    let http = |errors: ServerErrors, response: &Response<()>| {
        breaker_layer::Classify::<_, Fault>::classify(&errors, Ok(response))
    };
    assert_eq!(http(ServerErrors::new(), &rejection), Outcome::Ignored);
    let strict = ServerErrors::new().count_rejections();
    assert_eq!(http(strict, &rejection), Outcome::Failure);
    *rejection.status_mut() = http::StatusCode::OK;
    assert_eq!(http(ServerErrors::new(), &rejection), Outcome::Success);

    let rejection = Status::from(inner.try_acquire().expect_err("isolated"));
    let rejection: Response<()> = rejection.into_http();
    let grpc =
        |errors: GrpcErrors| breaker_layer::Classify::<_, Fault>::classify(&errors, Ok(&rejection));
    assert_eq!(grpc(GrpcErrors::new()), Outcome::Ignored);
    assert_eq!(grpc(GrpcErrors::new().count_rejections()), Outcome::Failure);
}

/// The inner of the two is refused where the outer has taken the last place for a probe: a mistake, but not one that keeps the
/// circuit half-open for good.
#[test]
fn one_circuit_twice_in_a_stack_recovers() {
    for probes in [1, 2, 3] {
        let bench = Bench::with(|builder| builder.probes(Probes::new(probes)));
        let layer = || BreakerLayer::new(bench.circuit.clone()).boxed_errors();
        let service = layer().layer(layer().layer(service_fn(well)));
        let recovers = |call: &dyn Fn() -> bool| {
            bench.open();
            bench.clock.advance(OPEN_FOR);
            let mut refused = 0;
            while bench.state() != State::Closed && refused < 100 {
                refused += u32::from(!call());
            }
            // So many that are ignored are a verdict.
            assert!(refused <= 10, "{probes}: {refused} refused");
            assert!(call());
        };
        recovers(&|| run(service.clone().oneshot(())).is_ok());
        let circuit = &bench.circuit;
        recovers(&|| run(circuit.run(circuit.run(async { Ok::<_, Fault>(1) }))).is_ok());
    }
}
