//! A circuit that has opened says which errors it opened for: in the event, the log, the snapshot and the rejection.
#![cfg(all(feature = "http", feature = "keyed", feature = "serde"))]

mod support;

use std::{
    error::Error as StdError,
    fmt, io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering::SeqCst},
    },
    time::Duration,
};

use breaker_layer::{
    BoxError, BreakerLayer, Circuit, Classify, Outcome, Permit, TransitionEvent, Trip,
    classify::{AnyPermit, Failure},
    clock::ManualClock,
    http::{EndOfStream, GrpcErrors, ServerErrors},
    keyed::KeyedCircuits,
};
use http::Response;
use http_body_util::BodyExt;
use support::{Bench, OPEN_FOR, THRESHOLD};
use tower::{Layer, ServiceBuilder, ServiceExt, service_fn};

/// A circuit that so many failures in a row open, under a clock that stands still.
fn circuit(failures: u32) -> Circuit {
    let circuit = Circuit::builder("payments").trip(Trip::consecutive_failures(failures));
    let circuit = circuit.clock(ManualClock::new().clock());
    circuit.build().expect("the settings are good")
}

/// What the circuit says of its last failures.
fn said(circuit: &Circuit) -> String {
    let failures = circuit.snapshot().last_failures;
    failures.map_or_else(String::new, |failures| failures.to_string())
}

fn refused() -> io::Error {
    io::ErrorKind::ConnectionRefused.into()
}

/// An error whose text is made so often, and has these words.
#[derive(Debug)]
struct Counting(Arc<AtomicU32>, String);

impl fmt::Display for Counting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fetch_add(1, SeqCst);
        f.write_str(&self.1)
    }
}

impl StdError for Counting {}

#[tokio::test(start_paused = true)]
async fn the_event_the_snapshot_and_the_rejection_say_which_errors_it_was() {
    let told = Arc::new(Mutex::new(String::new()));
    let seen = told.clone();
    let circuit = Circuit::builder("payments")
        .trip(Trip::consecutive_failures(11))
        .observe(move |event: &TransitionEvent<'_>| *seen.lock().unwrap() = event.to_string())
        .build()
        .expect("the settings are good");
    let service = ServiceBuilder::new()
        .layer(BreakerLayer::new(circuit.clone()).boxed_errors())
        .timeout(Duration::from_millis(10))
        .service_fn(async |hangs: bool| match hangs {
            true => std::future::pending().await,
            false => Err::<(), _>(refused()),
        });
    for call in 0..11 {
        let answer = service.clone().oneshot(call >= 2).await;
        assert!(answer.is_err());
    }
    const FAILURES: &str = "9 × timed out, 2 × connection refused; the last: request timed out";
    assert_eq!(said(&circuit), FAILURES);
    let event = told.lock().unwrap().clone();
    assert!(
        event.contains("closed -> open, 11 failures in a row"),
        "{event}"
    );
    assert!(event.contains(&format!("({FAILURES})")), "{event}");
    let rejected = circuit.try_acquire().expect_err("it is open");
    let source = rejected.source().expect("a reason").to_string();
    assert_eq!(
        source,
        format!("tripped after 11 failures in a row ({FAILURES})")
    );
    let failures = rejected.last_failures().expect("it knows");
    assert_eq!(failures.error(), Some("request timed out"));
    let kinds: Vec<_> = failures.kinds().collect();
    assert_eq!(kinds, [("timed out", 9), ("connection refused", 2)]);
    let line = circuit.snapshot().to_string();
    assert!(line.contains(FAILURES), "{line}");
    let json = serde_json::to_value(circuit.snapshot()).expect("it is written");
    let expected = serde_json::json!({
        "kinds": { "timed out": 9, "connection refused": 2 },
        "error": "request timed out",
    });
    assert_eq!(json["last_failures"], expected);
}

#[test]
fn the_text_is_made_only_at_the_trip() {
    let circuit = circuit(5);
    let made = Arc::new(AtomicU32::new(0));
    let fails = || Err::<(), _>(Counting(made.clone(), "it is down".into()));
    for _ in 0..4 {
        assert!(circuit.call_boxed(fails).is_err());
    }
    assert_eq!(made.load(SeqCst), 0);
    assert!(circuit.call_boxed(fails).is_err());
    assert_eq!((made.load(SeqCst), &*said(&circuit)), (1, "it is down"));
}

#[test]
fn the_text_is_on_one_line_and_in_256_bytes_that_are_whole_characters() {
    for (text, expected) in [
        (
            "a\nWARN forged\u{1b}[2J\u{202e}".to_owned(),
            r"a\nWARN forged\u{1b}[2J\u{202e}".to_owned(),
        ),
        ("ä".repeat(126), "ä".repeat(126)),
        ("ä".repeat(1000), format!("{}…", "ä".repeat(126))),
        (
            format!("{}\u{0}\u{0}", "x".repeat(250)),
            format!("{}\\0…", "x".repeat(250)),
        ),
    ] {
        let circuit = circuit(1);
        let error = Counting(Arc::default(), text);
        assert!(circuit.call_boxed(|| Err::<(), _>(error)).is_err());
        let failures = circuit.snapshot().last_failures.expect("there is a text");
        assert_eq!(failures.error(), Some(&*expected));
        assert!(expected.len() <= 256);
    }
}

#[test]
fn the_text_has_its_sources_and_one_that_panics_is_left_out() {
    #[derive(Debug)]
    struct Outer(io::Error);

    impl fmt::Display for Outer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("no prices")
        }
    }

    impl StdError for Outer {
        fn source(&self) -> Option<&(dyn StdError + 'static)> {
            Some(&self.0)
        }
    }

    #[derive(Debug)]
    struct Panics;

    impl fmt::Display for Panics {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("no text")
        }
    }

    impl StdError for Panics {}

    let first = circuit(1);
    assert!(first.call_boxed(|| Err::<(), _>(Outer(refused()))).is_err());
    assert_eq!(
        said(&first),
        "1 × connection refused; the last: no prices: connection refused"
    );
    let second = circuit(1);
    let permit = second.try_acquire().expect("it is closed");
    permit.record_failure(Outcome::Failure, Failure::new(Some("odd"), Some(&Panics)));
    assert_eq!(said(&second), "1 × odd");
    assert!(second.try_acquire().is_err());
}

#[test]
fn a_failure_that_does_not_trip_allocates_nothing() {
    let circuit = circuit(1000);
    let error = refused();
    let fail =
        |permit: Permit| permit.record_failure(Outcome::Failure, Failure::new(None, Some(&error)));
    fail(circuit.try_acquire().expect("it is closed"));
    let made = allocation_counter::measure(|| {
        for _ in 0..100 {
            fail(circuit.try_acquire().expect("it is closed"));
        }
    });
    assert_eq!(made.count_total, 0);
}

#[test]
fn a_classifier_names_the_kinds_and_an_error_that_nobody_knows_is_other() {
    struct ByNumber;

    impl Classify<(), u32> for ByNumber {
        fn classify(&self, result: Result<&(), &u32>) -> Outcome {
            match result {
                Ok(()) => Outcome::Success,
                Err(_) => Outcome::Failure,
            }
        }

        fn kind(&self, result: Result<&(), &u32>) -> Option<&'static str> {
            match result {
                Err(1) => Some("busy"),
                Err(2) => Some("broken"),
                _ => None,
            }
        }
    }

    let circuit = circuit(6);
    for error in [2, 1, 3, 1, 3, 1] {
        assert!(
            circuit
                .call_with(&ByNumber, || Err::<(), _>(error))
                .is_err()
        );
    }
    assert_eq!(said(&circuit), "3 × busy, 1 × broken");
    let boxed = self::circuit(2);
    assert!(boxed.call_boxed(|| Err::<(), _>("no idea")).is_err());
    assert!(boxed.call_boxed(|| Err::<(), _>(refused())).is_err());
    assert_eq!(
        said(&boxed),
        "1 × other, 1 × connection refused; the last: connection refused"
    );
    // Nothing is known, so nothing is said.
    let unknown = Bench::new();
    unknown.open();
    assert_eq!(said(&unknown.circuit), "");
}

#[test]
fn each_trip_has_its_own_and_successes_in_between_take_nothing_away() {
    let bench = Bench::with(|builder| builder.trip(Trip::consecutive_failures(THRESHOLD)));
    let circuit = &bench.circuit;
    let fail = |kind| {
        let permit = circuit.try_acquire().expect("it lets pass");
        AnyPermit::record_failure(permit, Outcome::Failure, Failure::new(Some(kind), None));
    };
    fail("first");
    bench.succeed(1);
    (0..THRESHOLD).for_each(|_| fail("second"));
    assert_eq!(said(circuit), "3 × second, 1 × first");
    bench.clock.advance(OPEN_FOR);
    fail("probe");
    assert_eq!(said(circuit), "1 × probe");
    circuit.reset();
    circuit.trip();
    assert_eq!(said(circuit), "");
    circuit.reset();
    (0..THRESHOLD).for_each(|_| fail("third"));
    assert_eq!(said(circuit), "3 × third");
}

#[test]
fn statuses_have_their_names_at_the_headers_and_at_the_end() {
    fn answer(response: Response<String>) -> impl Fn() -> Result<Response<String>, BoxError> {
        move || Ok(response.clone())
    }
    let http = circuit(2);
    for status in [503, 500] {
        let response = Response::builder().status(status).body(String::new());
        let answer = answer(response.expect("a response"));
        assert!(http.call_with(&ServerErrors::new(), answer).is_ok());
    }
    assert_eq!(
        said(&http),
        "1 × Service Unavailable, 1 × Internal Server Error"
    );

    let grpc = circuit(3);
    let layer = BreakerLayer::new(grpc.clone()).settle_with(EndOfStream::new(GrpcErrors::new()));
    let call = |response: http::response::Builder, body: &'static [u8]| {
        let response = response
            .body(http_body_util::Full::new(body))
            .expect("a response");
        let mut response = Some(response);
        let answer =
            move |()| std::future::ready(Ok::<_, io::Error>(response.take().expect("one call")));
        let answer = tokio_test::block_on(layer.layer(service_fn(answer)).oneshot(()));
        let _ = tokio_test::block_on(answer.expect("a response").into_body().collect());
    };
    call(Response::builder().header("grpc-status", "14"), b"");
    call(Response::builder(), b"no trailers");
    let web = Response::builder().header("content-type", "application/grpc-web");
    call(web, b"\x80\0\0\0\x0fgrpc-status: 4\r\n");
    let kinds: Vec<_> = grpc
        .snapshot()
        .last_failures
        .expect("they are known")
        .kinds()
        .collect();
    assert_eq!(
        kinds,
        [
            ("Unavailable", 1),
            ("no trailers", 1),
            ("DeadlineExceeded", 1)
        ]
    );
}

#[test]
fn the_circuit_of_a_key_says_it_too() {
    let table = KeyedCircuits::<u8>::builder("hosts")
        .clock(ManualClock::new().clock())
        .build()
        .expect("the defaults");
    for _ in 0..20 {
        let _ = table.call_boxed(1, || Err::<(), _>(refused()));
    }
    let circuit = table.get(&1).expect("it is there");
    let said = said(&circuit);
    assert_eq!(
        said,
        "12 × connection refused; the last: connection refused"
    );
}
