//! The keyed layer in Tower.
#![cfg(feature = "keyed")]

mod support;

use std::{cell::RefCell, rc::Rc, task::Poll, time::Duration};

use breaker_layer::{
    BoxError, Circuit, Classify, Config, Error, OpenTime, Outcome, Probes, Rejected, State, Trip,
    classify::AtOnce,
    clock::ManualClock,
    keyed::{KeyedBreaker, KeyedBreakerLayer, KeyedCircuits},
};
use futures::FutureExt;
use support::{Answer, Downstream, Fault, OPEN_FOR, Ready, THRESHOLD, call, panics, poll_ready};
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};

/// The key of a request is its hundreds; those below a hundred have none.
fn hundreds(request: &u32) -> Option<u32> {
    Some(request / 100).filter(|key| *key > 0)
}

type ByHundreds<S> = KeyedBreaker<S, u32, fn(&u32) -> Option<u32>>;

fn layer(circuits: &KeyedCircuits<u32>) -> KeyedBreakerLayer<u32, fn(&u32) -> Option<u32>> {
    KeyedBreakerLayer::new(circuits.clone(), hundreds)
}

fn config() -> breaker_layer::Config {
    Config::new()
        .trip(Trip::consecutive_failures(THRESHOLD))
        .open_time(OpenTime::fixed(OPEN_FOR))
        .probes(Probes::new(1))
}

fn table() -> (KeyedCircuits<u32>, ManualClock) {
    table_with(config())
}

fn table_with(config: Config) -> (KeyedCircuits<u32>, ManualClock) {
    let clock = ManualClock::new();
    let builder = KeyedCircuits::builder("table")
        .config(config)
        .clock(clock.clock());
    (builder.build().unwrap(), clock)
}

fn fail<S: Service<u32>>(service: &mut S, request: u32) {
    for _ in 0..THRESHOLD {
        assert!(call(service, request).is_err());
    }
}

#[test]
fn a_dead_key_fails_fast_and_the_others_are_called() {
    let (circuits, clock) = table();
    let downstream = Downstream::new();
    downstream.answer([Answer::Fail; THRESHOLD as usize]);
    let mut service: ByHundreds<_> = layer(&circuits).layer(downstream.clone());
    fail(&mut service, 100);
    let calls = downstream.calls();
    assert!(matches!(call(&mut service, 101), Err(Error::Rejected(_))));
    assert_eq!(downstream.calls(), calls);
    assert_eq!(call(&mut service, 200), Ok(200));
    clock.advance(OPEN_FOR);
    assert_eq!(call(&mut service, 102), Ok(102));
    assert_eq!(circuits.state(&1), State::Closed);
}

#[test]
fn all_services_of_a_layer_and_their_clones_share_its_circuits() {
    let (circuits, _) = table();
    let layer = layer(&circuits);
    let mut service = layer.layer(Downstream::always(Answer::Fail));
    fail(&mut service, 100);
    for mut other in [service.clone(), layer.layer(Downstream::new())] {
        assert!(matches!(call(&mut other, 100), Err(Error::Rejected(_))));
    }
}

#[test]
fn the_inner_service_is_polled_for_a_key_that_will_be_rejected_and_its_readiness_is_kept() {
    let (circuits, _) = table();
    circuits.circuit(&1).unwrap().isolate();
    let downstream = Downstream::new();
    downstream.ready([Ready::Pending]);
    let mut service = layer(&circuits).layer(downstream.clone());
    assert!(poll_ready(&mut service).is_pending());
    assert!(poll_ready(&mut service).is_ready());
    assert_eq!(downstream.polls(), 2);
    for _ in 0..2 {
        assert!(poll_ready(&mut service).is_ready());
        assert!(matches!(call(&mut service, 100), Err(Error::Rejected(_))));
    }
    assert_eq!(call(&mut service, 200), Ok(200));
    assert_eq!(downstream.polls(), 2);
    assert!(poll_ready(&mut service).is_ready());
    assert_eq!(downstream.polls(), 3);
}

#[test]
fn a_clone_starts_unready() {
    let (circuits, _) = table();
    let downstream = Downstream::new();
    let mut service = layer(&circuits).layer(downstream.clone());
    assert!(poll_ready(&mut service).is_ready());
    assert_eq!(call(&mut service.clone(), 100), Ok(100));
    assert_eq!(downstream.polls(), 2);
}

#[test]
fn requests_without_a_key_pass_uncounted() {
    let (circuits, _) = table();
    let mut service = layer(&circuits).layer(Downstream::always(Answer::Fail));
    for _ in 0..10 {
        assert_eq!(call(&mut service, 1), Err(Error::Inner(Fault(1))));
    }
    assert!(circuits.is_empty() && circuits.keyless().is_none());
}

#[test]
fn requests_without_a_key_share_a_circuit_where_that_is_asked_for() {
    let builder = KeyedCircuits::builder("table").config(config());
    let builder = builder.clock(ManualClock::new().clock());
    let circuits = builder.share_keyless().build().unwrap();
    let mut service = layer(&circuits).layer(Downstream::always(Answer::Fail));
    fail(&mut service, 1);
    assert!(matches!(call(&mut service, 2), Err(Error::Rejected(_))));
    assert!(matches!(call(&mut service, 100), Err(Error::Inner(_))));
    assert_eq!(circuits.keyless().map(Circuit::state), Some(State::Open));
    assert_eq!(circuits.len(), 1);
}

#[test]
fn a_failed_readiness_counts_as_a_request_without_a_key_does() {
    let (circuits, _) = table();
    let downstream = Downstream::new();
    downstream.ready([Ready::Fail]);
    let mut service = layer(&circuits).layer(downstream);
    assert!(matches!(
        poll_ready(&mut service),
        Poll::Ready(Err(Error::Inner(Fault(503))))
    ));
    assert!(circuits.is_empty());

    let builder = KeyedCircuits::builder("table").config(config());
    let builder = builder.clock(ManualClock::new().clock());
    let circuits = builder.share_keyless().build().unwrap();
    let downstream = Downstream::new();
    downstream.ready([Ready::Fail; THRESHOLD as usize]);
    let mut service = layer(&circuits).layer(downstream);
    for _ in 0..THRESHOLD {
        assert!(matches!(poll_ready(&mut service), Poll::Ready(Err(_))));
    }
    assert_eq!(circuits.keyless().map(Circuit::state), Some(State::Open));
}

#[test]
fn a_call_that_is_dropped_or_panics_may_be_a_cancelled_one() {
    let (circuits, clock) = table_with(config().panic_is_failure(false));
    let downstream = Downstream::always(Answer::Fail);
    let mut service = layer(&circuits).layer(downstream.clone());
    fail(&mut service, 100);
    clock.advance(OPEN_FOR);
    downstream.answer([
        Answer::Hang,
        Answer::PanicInCall,
        Answer::PanicInFuture,
        Answer::Echo,
    ]);
    assert!(poll_ready(&mut service).is_ready());
    drop(service.call(100));
    assert!(panics(|| call(&mut service, 100)));
    let mut service = service.clone();
    assert!(panics(|| call(&mut service, 100)));
    assert_eq!(circuits.get(&1).unwrap().snapshot().cancelled, 3);
    assert_eq!(call(&mut service, 100), Ok(100));
    assert_eq!(circuits.state(&1), State::Closed);
}

#[test]
fn a_panic_is_a_failure_wherever_it_is_caught() {
    for answer in [Answer::PanicInCall, Answer::PanicInFuture] {
        let (circuits, _) = table();
        let mut service = layer(&circuits).layer(Downstream::always(answer));
        for _ in 0..THRESHOLD {
            let mut hung = None;
            assert!(panics(|| {
                assert!(poll_ready(&mut service).is_ready());
                // The future lives on when the panic is over.
                let response = hung.insert(Box::pin(service.call(100)));
                response.as_mut().now_or_never()
            }));
            let failed = circuits.get(&1).map(|circuit| circuit.snapshot().failed);
            assert!(failed > Some(0), "{answer:?}");
        }
        assert_eq!(circuits.state(&1), State::Open);
    }
}

#[tokio::test]
async fn rejections_come_in_every_shape() {
    let (circuits, _) = table();
    circuits.circuit(&1).unwrap().isolate();
    let layer = layer(&circuits);
    let inner = || service_fn(async |request: u32| Ok::<_, Fault>(request));

    let typed = layer.layer(inner()).oneshot(100).await.unwrap_err();
    assert!(matches!(typed, Error::Rejected(_)));
    let boxed: BoxError = layer
        .clone()
        .boxed_errors()
        .layer(inner())
        .oneshot(100)
        .await
        .unwrap_err();
    assert!(boxed.is::<Rejected>());
    let respond = |_: Rejected, request: u32| Ok::<_, Fault>(request * 10);
    let answered = layer
        .clone()
        .respond_with(respond)
        .layer(inner())
        .oneshot(100)
        .await;
    assert_eq!(answered, Ok(1000));
    let fallback = service_fn(async |request: u32| Ok::<_, Fault>(request * 2));
    assert_eq!(
        layer.fallback(fallback).layer(inner()).oneshot(100).await,
        Ok(200)
    );
}

#[test]
fn results_are_classified_and_some_requests_are_excluded() {
    let (circuits, _) = table();
    let classify = |result: Result<&u32, &Fault>| match result {
        Ok(_) => Outcome::Failure,
        Err(_) => Outcome::Success,
    };
    let layer = layer(&circuits)
        .classify(classify)
        .exclude(|request: &u32| request % 2 == 1);
    let mut service = layer.layer(Downstream::new());
    for _ in 0..10 {
        assert_eq!(call(&mut service, 101), Ok(101));
    }
    assert!(circuits.is_empty());
    for _ in 0..THRESHOLD {
        assert_eq!(call(&mut service, 100), Ok(100));
    }
    assert_eq!(circuits.state(&1), State::Open);
}

/// C15: neither the inner service, nor its response, nor the extractor need be Clone, Send, Sync or 'static.
#[test]
fn nothing_is_asked_of_the_inner_service() {
    let (circuits, _) = table();
    let seen = RefCell::new(Vec::new());
    let key = Rc::new(7);
    let extract = |_: &Rc<u32>| Some(*key);
    let mut service =
        KeyedBreakerLayer::new(circuits, &extract).layer(service_fn(async |request: Rc<u32>| {
            seen.borrow_mut().push(*request);
            Ok::<_, Rc<Fault>>(request)
        }));
    let done = futures::executor::block_on(async { service.ready().await?.call(Rc::new(1)).await });
    assert_eq!(*done.unwrap(), 1);
    assert_eq!(*seen.borrow(), [1]);
}

#[cfg(feature = "load")]
#[test]
fn its_load_is_that_of_the_inner_service() {
    struct Busy(u32);

    impl tower::load::Load for Busy {
        type Metric = u32;

        fn load(&self) -> u32 {
            self.0
        }
    }

    let (circuits, _) = table();
    assert_eq!(tower::load::Load::load(&layer(&circuits).layer(Busy(3))), 3);
}

#[tokio::test(start_paused = true)]
async fn a_timeout_inside_is_a_failure_of_its_key() {
    let circuits = KeyedCircuits::<u32>::builder("table")
        .config(config())
        .build()
        .unwrap();
    let mut service = ServiceBuilder::new()
        .layer(layer(&circuits).boxed_errors())
        .timeout(Duration::from_millis(100))
        .service_fn(async |request: u32| {
            if request < 200 {
                std::future::pending::<()>().await;
            }
            Ok::<_, BoxError>(request)
        });
    for _ in 0..THRESHOLD {
        assert!(service.ready().await.unwrap().call(100).await.is_err());
    }
    let error = service.ready().await.unwrap().call(100).await.unwrap_err();
    assert!(error.is::<Rejected>());
    assert_eq!(service.ready().await.unwrap().call(200).await.unwrap(), 200);
}

#[cfg(feature = "http")]
mod http {
    use ::http::{
        HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, uri::Authority,
    };
    use allocation_counter::measure;
    use breaker_layer::{
        State,
        http::{EndOfStream, GrpcErrors, ServerErrors},
        keyed::{ByAuthority, ByHeader, ByTemplate, ExtractKey, KeyedBreakerLayer, KeyedCircuits},
    };
    use futures::FutureExt;
    use http_body_util::{BodyExt, Full, combinators::WithTrailers};
    use tower::{Layer, ServiceExt, service_fn};

    use super::{Fault, THRESHOLD, config};

    fn get(uri: &str) -> Request<()> {
        Request::get(uri).body(()).unwrap()
    }

    #[test]
    fn keys_are_extracted_without_an_allocation() {
        let mut request = get("http://shop.example:8080/users/12/orders?all");
        request
            .headers_mut()
            .insert("x-tenant", "acme".parse().unwrap());
        let by_header = ByHeader::new(HeaderName::from_static("x-tenant"));
        let by_template = ByTemplate::new(&["/users/{id}", "/users/{id}/orders"]);
        let info = measure(|| {
            assert_eq!(ByAuthority.key(&request).unwrap(), "shop.example:8080");
            assert_eq!(by_header.key(&request).unwrap().as_bytes(), b"acme");
            assert_eq!(by_template.key(&request), Some("/users/{id}/orders"));
        });
        assert_eq!(info.count_total, 0);
    }

    #[test]
    fn header_values_are_the_same_key_if_they_have_the_same_bytes() {
        let by_header = ByHeader::new(HeaderName::from_static("x-tenant"));
        let key = |value: &str, is_sensitive| {
            let mut value: HeaderValue = value.parse().unwrap();
            value.set_sensitive(is_sensitive);
            let request = Request::get("/")
                .header("x-tenant", value)
                .body(())
                .unwrap();
            by_header.key(&request).unwrap()
        };
        let long = "x".repeat(47);
        for value in ["", "acme", &long[1..], &long] {
            assert_eq!(key(value, false), key(value, false));
            assert_eq!(key(value, false).as_bytes(), value.as_bytes());
            assert_ne!(key(value, false), key("acm", false));
        }
        assert_eq!(format!("{:?}", key("acme", false)), "\"acme\"");
        assert_eq!(format!("{:?}", key("acme", true)), "Sensitive");
    }

    #[test]
    fn a_request_may_have_no_key() {
        let by_template = ByTemplate::new(&["/users/{id}", "/users/{id}/orders"]);
        assert_eq!(ByAuthority.key(&get("/users")), None);
        assert_eq!(
            ByHeader::new(HeaderName::from_static("x-tenant")).key(&get("/")),
            None
        );
        for path in ["/", "/users", "/users/", "/users/1/2", "/users/1/orders/"] {
            assert_eq!(by_template.key(&get(path)), None, "{path}");
        }
        let upper = ByAuthority.key(&get("http://SHOP.example/"));
        assert_eq!(upper, ByAuthority.key(&get("http://shop.example/")));
        for other in ["http://shop.example:80/", "http://user@shop.example/"] {
            assert_ne!(upper, ByAuthority.key(&get(other)), "{other}");
        }
    }

    #[test]
    fn a_status_counts_for_its_host() {
        let hosts = KeyedCircuits::builder("hosts")
            .config(config())
            .build()
            .unwrap();
        let layer =
            KeyedBreakerLayer::new(hosts.clone(), ByAuthority).classify_with(ServerErrors::new());
        let service = layer.layer(service_fn(async |request: Request<()>| {
            let dead = request.uri().host() == Some("dead.example");
            let mut response = Response::new(());
            *response.status_mut() = if dead {
                StatusCode::BAD_GATEWAY
            } else {
                StatusCode::OK
            };
            Ok::<_, Fault>(response)
        }));
        for _ in 0..THRESHOLD {
            for host in ["http://dead.example/", "http://fine.example/"] {
                service
                    .clone()
                    .oneshot(get(host))
                    .now_or_never()
                    .unwrap()
                    .unwrap();
            }
        }
        assert_eq!(
            hosts.state(&Authority::from_static("dead.example")),
            State::Open
        );
        assert!(
            service
                .clone()
                .oneshot(get("http://dead.example/"))
                .now_or_never()
                .unwrap()
                .is_err()
        );
        assert!(
            service
                .oneshot(get("http://fine.example/"))
                .now_or_never()
                .unwrap()
                .is_ok()
        );
    }

    #[test]
    fn a_stream_settles_for_its_host_when_it_ends() {
        type Trailers = std::future::Ready<Option<Result<HeaderMap, std::convert::Infallible>>>;
        type Body = WithTrailers<Full<&'static [u8]>, Trailers>;
        let hosts = KeyedCircuits::builder("hosts")
            .config(config())
            .build()
            .unwrap();
        let layer = KeyedBreakerLayer::new(hosts.clone(), ByAuthority)
            .settle_with(EndOfStream::new(GrpcErrors::new()));
        let service = layer.layer(service_fn(async |_: Request<()>| {
            let mut trailers = HeaderMap::new();
            trailers.insert("grpc-status", "14".parse().unwrap());
            let body: Body =
                Full::new(&b"abc"[..]).with_trailers(std::future::ready(Some(Ok(trailers))));
            Ok::<_, Fault>(Response::new(body))
        }));
        for _ in 0..THRESHOLD {
            assert!(!matches!(
                hosts.state(&Authority::from_static("dead.example")),
                State::Open
            ));
            let response = service
                .clone()
                .oneshot(get("http://dead.example/"))
                .now_or_never()
                .unwrap()
                .unwrap();
            let body = response
                .into_body()
                .collect()
                .now_or_never()
                .unwrap()
                .unwrap();
            assert!(body.trailers().is_some());
        }
        assert_eq!(
            hosts.state(&Authority::from_static("dead.example")),
            State::Open
        );
    }
}

/// Ignores what becomes of odd requests.
#[derive(Clone, Default)]
struct ByRequest {
    is_odd: bool,
}

impl Classify<u32, Fault> for ByRequest {
    fn classify(&self, result: Result<&u32, &Fault>) -> Outcome {
        match result {
            Ok(_) => Outcome::Success,
            Err(_) if self.is_odd => Outcome::Ignored,
            Err(_) => Outcome::Failure,
        }
    }
}

#[test]
fn what_settles_a_call_of_a_key_may_see_its_request() {
    let (circuits, _) = table();
    let layer = layer(&circuits)
        .classify_with(ByRequest::default())
        .for_request(|settle: &mut AtOnce<ByRequest>, request: &u32| {
            settle.classifier_mut().is_odd = request % 2 == 1;
        });
    let mut service = layer.layer(Downstream::always(Answer::Fail));
    for _ in 0..100 {
        assert!(matches!(call(&mut service, 101), Err(Error::Inner(_))));
    }
    assert!(circuits.is_empty());
    fail(&mut service, 102);
    assert_eq!(circuits.state(&1), State::Open);
}
