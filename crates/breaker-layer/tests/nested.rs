//! Our own rejections are nobody's failure: a circuit around circuits ignores what one of them refused, and counts what failed.
#![cfg(all(feature = "http", feature = "keyed", feature = "tonic"))]

mod support;

use std::{error::Error as StdError, fmt, future::Future, io};

use breaker_layer::{
    BoxError, BreakerLayer, Circuit, Classify, Error, Outcome, Probes, Rejected, State, Trip,
    classify::{errors, unless_rejected},
    http::{
        ClassifyStream, EndOfStream, GrpcErrors, REJECTED, ServerErrors, grpc_unavailable,
        unavailable,
    },
    keyed::{KeyedBreakerLayer, KeyedCircuits},
};
use http::{HeaderMap, Response, StatusCode};
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

/// An error of a user's own around another.
#[derive(Debug)]
struct Own<E>(E);

impl<E> fmt::Display for Own<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it did not work")
    }
}

impl<E: StdError + 'static> StdError for Own<E> {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&self.0)
    }
}

#[test]
fn a_layer_with_boxed_errors_ignores_a_rejection_anywhere_among_the_sources() {
    let (outer, inner) = circuits();
    let layer = || BreakerLayer::new(outer.clone()).boxed_errors();
    let inside = || BreakerLayer::new(inner.clone());
    fails(layer().layer(inside().boxed_errors().layer(service_fn(well))));
    assert_eq!(counts(&outer), (0, 1), "boxed");
    fails(layer().layer(inside().layer(service_fn(well))));
    assert_eq!(counts(&outer), (0, 2), "typed");
    fails(
        ServiceBuilder::new()
            .layer(layer())
            .map_err(|error: Error<Fault>| Own(io::Error::other(Own(error))))
            .layer(inside())
            .service_fn(well),
    );
    assert_eq!(counts(&outer), (0, 3), "in errors of the user's own");
    fails(
        ServiceBuilder::new()
            .layer(layer())
            .map_err(|error: Error<Fault>| anyhow::Error::new(error).context("no prices"))
            .layer(inside())
            .service_fn(well),
    );
    assert_eq!(counts(&outer), (0, 4), "anyhow's");
    fails(
        ServiceBuilder::new()
            .layer(
                BreakerLayer::new(outer.clone())
                    .classify(|_: Result<&u32, &BoxError>| Outcome::Failure)
                    .boxed_errors(),
            )
            .timeout(OPEN_FOR)
            .layer(inside().boxed_errors())
            .service_fn(well),
    );
    assert_eq!(counts(&outer), (0, 5), "whatever the classifier says");
    let grpc = || {
        service_fn(async |()| Ok::<_, Fault>(Response::new(Body::default())))
            .map_response(|response| response)
    };
    let judged = BreakerLayer::new(outer.clone()).settle_with(EndOfStream::new(GrpcErrors::new()));
    fails(judged.grpc().layer(inside().grpc().layer(grpc())));
    assert_eq!(counts(&outer), (0, 6), "a status");
    assert_eq!(outer.state(), State::Closed);
}

/// Its text is all that the error says.
#[test]
fn what_is_no_rejection_is_a_failure_all_the_same() {
    let (outer, inner) = circuits();
    let layer = || BreakerLayer::new(outer.clone()).boxed_errors();
    fails(layer().layer(service_fn(async |()| Err::<u32, _>(Fault(1)))));
    assert_eq!(counts(&outer), (1, 0));
    outer.reset();
    let text = inner.try_acquire().expect_err("isolated").to_string();
    fails(layer().layer(service_fn(async |()| Err::<u32, _>(text.clone()))));
    outer.reset();
    let fallback = BreakerLayer::new(inner.clone()).fallback(service_fn(async |()| Err(Fault(1))));
    fails(layer().layer(fallback.layer(service_fn(well))));
    outer.reset();
    assert!(outer.call_boxed(|| Err::<(), _>(Fault(1))).is_err());
    assert_eq!(outer.state(), State::Open);
    assert_eq!(counts(&outer).1, 0);
}

/// The inner service's readiness may be refused, too.
#[test]
fn a_service_that_is_not_ready_because_of_a_rejection_is_ignored() {
    struct Unready(Circuit);

    impl Service<()> for Unready {
        type Response = ();
        type Error = Rejected;
        type Future = std::future::Ready<Result<(), Rejected>>;

        fn poll_ready(
            &mut self,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Result<(), Rejected>> {
            std::task::Poll::Ready(self.0.try_acquire().map(drop))
        }

        fn call(&mut self, (): ()) -> Self::Future {
            std::future::ready(Ok(()))
        }
    }

    let (outer, inner) = circuits();
    fails(
        BreakerLayer::new(outer.clone())
            .boxed_errors()
            .layer(Unready(inner)),
    );
    assert_eq!(counts(&outer), (0, 1));
}

#[test]
fn a_typed_layer_is_told_by_unless_rejected() {
    let (outer, inner) = circuits();
    let typed = || BreakerLayer::new(outer.clone());
    let judged = typed().classify_with(errors(unless_rejected::<Error<Fault>>));
    fails(judged.layer(BreakerLayer::new(inner.clone()).layer(service_fn(well))));
    assert_eq!(counts(&outer), (0, 1));
    let http = ServerErrors::new().errors(unless_rejected::<Own<Error<Fault>>>);
    fails(
        ServiceBuilder::new()
            .layer(typed().classify_with(http))
            .map_err(Own)
            .layer(BreakerLayer::new(inner))
            .service_fn(async |()| Ok::<_, Fault>(Response::new(()))),
    );
    assert_eq!(counts(&outer), (0, 2));
    let judged = typed().classify_with(errors(unless_rejected::<Fault>));
    fails(judged.layer(service_fn(async |()| Err::<u32, _>(Fault(1)))));
    assert_eq!(counts(&outer), (1, 2));
}

#[test]
fn a_rejection_is_ignored_through_a_buffer() {
    let (outer, inner) = circuits();
    run(async {
        let service = ServiceBuilder::new()
            .layer(BreakerLayer::new(outer.clone()).boxed_errors())
            .layer_fn(|service| Buffer::new(service, 4))
            .layer(BreakerLayer::new(inner))
            .service_fn(well);
        assert!(service.oneshot(()).await.is_err());
    });
    assert_eq!(counts(&outer), (0, 1));
}

/// One host of two is isolated, and the other's calls go on; the same the other way around.
#[test]
fn a_key_that_refuses_does_not_open_the_circuit_around_all_keys() {
    let outer = Circuit::builder("service").trip(Trip::consecutive_failures(5));
    let outer = outer.build().expect("the settings are good");
    let table = || KeyedCircuits::<u8>::builder("hosts").build();
    let hosts = table().expect("the defaults");
    hosts.circuit(&0).expect("there is room").isolate();
    let by_host = |hosts: &KeyedCircuits<u8>| {
        KeyedBreakerLayer::new(hosts.clone(), |host: &u8| Some(*host)).boxed_errors()
    };
    let service = ServiceBuilder::new()
        .layer(BreakerLayer::new(outer.clone()).boxed_errors())
        .layer(by_host(&hosts))
        .service_fn(async |_: u8| Ok::<_, io::Error>(()));
    let mut passed = 0;
    for call in 0..100 {
        let answer = run(service.clone().oneshot(u8::from(call % 10 >= 6)));
        passed += u32::from(answer.is_ok());
    }
    assert_eq!((passed, counts(&outer)), (40, (0, 60)));

    let around = table().expect("the defaults");
    let service = ServiceBuilder::new()
        .layer(by_host(&around))
        .layer(by_host(&hosts))
        .service_fn(async |_: u8| Ok::<_, io::Error>(()));
    for _ in 0..100 {
        assert!(run(service.clone().oneshot(0)).is_err());
    }
    assert!(around.get(&0).is_none_or(|host| counts(&host).0 == 0));
}

#[test]
fn without_tower_the_boxed_calls_ignore_it() {
    let (outer, inner) = circuits();
    assert!(
        outer
            .call_boxed(|| inner.call(|| Ok::<_, Fault>(1)))
            .is_err()
    );
    let own = outer.call_boxed(|| inner.try_acquire().map(drop).map_err(Own));
    assert!(own.is_err_and(|error| Rejected::of(&error).is_some()));
    assert!(run(outer.run_boxed(inner.run(async { Ok::<_, Fault>(1) }))).is_err());
    assert!(run(outer.run_boxed(async { anyhow::Ok(inner.try_acquire()?) })).is_err());
    let typed = errors(unless_rejected);
    assert!(
        outer
            .call_with(&typed, || inner.call(|| Ok::<_, Fault>(1)))
            .is_err()
    );
    assert_eq!(counts(&outer), (0, 5));

    let table = KeyedCircuits::<u8>::builder("keys").build();
    let table = table.expect("the defaults");
    for _ in 0..20 {
        assert!(
            table
                .call_boxed(1, || inner.try_acquire().map(drop))
                .is_err()
        );
        assert!(run(table.run_boxed(1, async { inner.try_acquire().map(drop) })).is_err());
    }
    assert!(
        table
            .get(&1)
            .is_none_or(|key| key.state() == State::Closed && counts(&key).0 == 0)
    );
}

#[test]
fn a_response_that_stands_for_a_rejection_is_ignored() {
    let (outer, inner) = circuits();
    let http = BreakerLayer::new(outer.clone()).settle_with(EndOfStream::new(ServerErrors::new()));
    let service = ServiceBuilder::new()
        .layer(http)
        .layer(BreakerLayer::new(inner.clone()).respond_with(unavailable))
        .service_fn(async |()| Ok::<_, Fault>(Response::new(Body::default())));
    let response = run(service.oneshot(())).expect("a response");
    assert_eq!(
        (response.status().as_u16(), &response.headers()[REJECTED]),
        (503, &"1".parse().expect("a value"))
    );
    assert_eq!(counts(&outer), (0, 1));

    let service = ServiceBuilder::new()
        .layer(BreakerLayer::new(outer.clone()).settle_with(EndOfStream::new(GrpcErrors::new())))
        .layer(BreakerLayer::new(inner.clone()).respond_with(grpc_unavailable))
        .service_fn(async |()| Ok::<_, Fault>(Response::new(Body::default())));
    let response = run(service.oneshot(())).expect("a response");
    assert_eq!(response.headers()["grpc-status"], "14");
    assert!(run(response.into_body().collect()).is_ok());
    assert_eq!(counts(&outer), (0, 2));

    let refuse = || Err::<tonic::Response<()>, _>(Status::from(inner.try_acquire().unwrap_err()));
    assert!(outer.call_with(&GrpcErrors::new(), refuse).is_err());
    // One that came over the network has no source.
    let received = || refuse().map_err(|status| Status::from_header_map(&headers(status)).unwrap());
    assert!(outer.call_with(&GrpcErrors::new(), received).is_err());
    assert_eq!(counts(&outer), (0, 4));
}

fn headers(status: Status) -> HeaderMap {
    status.into_http::<()>().into_parts().0.headers
}

#[test]
fn the_mark_means_nothing_else_and_a_status_that_is_named_counts_as_it_is_named() {
    let (_, inner) = circuits();
    let rejected = inner.try_acquire().expect_err("isolated");
    let rejection = Response::<()>::from(rejected);
    let http = |errors: ServerErrors, status| errors.at_headers(status, rejection.headers());
    let (new, unavailable) = (ServerErrors::new(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(http(new, unavailable), Outcome::Ignored);
    assert_eq!(
        http(
            new.failures(&[StatusCode::SERVICE_UNAVAILABLE]),
            unavailable
        ),
        Outcome::Failure
    );
    assert_eq!(
        http(
            new.overloads(&[StatusCode::SERVICE_UNAVAILABLE]),
            unavailable
        ),
        Outcome::Failure
    );
    assert_eq!(http(new, StatusCode::OK), Outcome::Success);
    assert_eq!(http(new, StatusCode::BAD_GATEWAY), Outcome::Failure);

    let status = headers(Status::from(rejected));
    let grpc = |errors: GrpcErrors, headers: &HeaderMap| errors.at_headers(StatusCode::OK, headers);
    assert_eq!(grpc(GrpcErrors::new(), &status), Outcome::Ignored);
    let believes_nobody = GrpcErrors::new().failures(&[breaker_layer::http::GrpcCode::Unavailable]);
    assert_eq!(grpc(believes_nobody, &status), Outcome::Failure);
    let mut internal = status;
    internal.insert("grpc-status", "13".parse().expect("a value"));
    assert_eq!(grpc(GrpcErrors::new(), &internal), Outcome::Failure);
    // An HTTP server in front of the gRPC server, with a circuit of its own.
    let between =
        GrpcErrors::new().at_headers(StatusCode::SERVICE_UNAVAILABLE, rejection.headers());
    assert_eq!(between, Outcome::Ignored);
    let judged = Classify::<Response<()>, Fault>::classify(&GrpcErrors::new(), Ok(&rejection));
    assert_eq!(judged, Outcome::Ignored);
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
        recovers(&|| run(circuit.run_boxed(circuit.run(async { Ok::<_, Fault>(1) }))).is_ok());
    }
}
