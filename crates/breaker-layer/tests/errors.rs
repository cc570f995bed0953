//! What a caller gets for a rejected call, typed and boxed (C17, as far as it goes without answers of the user's own).

mod support;

use std::{error::Error as _, time::Duration};

use breaker_layer::{
    BoxError, BreakerLayer, Circuit, Error, Outcome, Ramp, Refusal, Rejected,
    error::{AnyError, Elapsed},
    policy::{RecordedCall, TripPolicy},
};
use support::{Answer, Bench, Downstream, Fault, MILLI, OPEN_FOR, THRESHOLD, alone, call};
use tower::{Layer, ServiceBuilder, ServiceExt, service_fn};

fn rejected(bench: &Bench) -> Rejected {
    bench
        .circuit
        .try_acquire()
        .expect_err("the call is rejected")
}

#[test]
fn a_typed_error_reads_as_the_error_that_it_holds() {
    let bench = Bench::new();
    let mut service =
        BreakerLayer::new(bench.circuit.clone()).layer(Downstream::answering([Answer::Fail]));
    let error: Error<Fault> = call(&mut service, 7).unwrap_err();
    assert_eq!(chain(&error), "fault 7");
    assert_eq!(Rejected::of(&error), None);
    assert_eq!(error.into_inner(), Some(Fault(7)));

    bench.fail(THRESHOLD - 1);
    let error: Error<Fault> = call(&mut service, 7).unwrap_err();
    assert_eq!(
        chain(&error),
        r#"circuit "bench" is open, retry after 5s: tripped after 3 failures in a row"#
    );
    let rejected = error.rejected().expect("it is rejected");
    assert_eq!(rejected.retry_after(), Some(OPEN_FOR));
    assert_eq!(Rejected::of(&error), Some(rejected));
    assert_eq!(error.into_inner(), None);
}

#[test]
fn a_question_mark_makes_a_box_of_a_typed_error() {
    fn go(bench: &Bench) -> Result<u32, Box<dyn std::error::Error + Send + Sync>> {
        let mut service = BreakerLayer::new(bench.circuit.clone()).layer(Downstream::new());
        Ok(call(&mut service, 1)?)
    }
    let bench = Bench::new();
    assert_eq!(go(&bench).unwrap(), 1);
    bench.circuit.trip();
    assert!(go(&bench).unwrap_err().is::<Error<Fault>>());
}

#[test]
fn boxed_errors_are_exactly_box_errors() {
    let bench = Bench::new();
    let downstream = Downstream::answering([Answer::Fail]);
    let mut service = BreakerLayer::new(bench.circuit.clone())
        .boxed_errors()
        .layer(downstream);
    let error: BoxError = call(&mut service, 7).unwrap_err();
    assert_eq!(error.downcast_ref(), Some(&Fault(7)), "not wrapped");

    bench.circuit.trip();
    let error: BoxError = call(&mut service, 7).unwrap_err();
    let rejected = error.downcast_ref::<Rejected>().unwrap();
    assert_eq!(rejected.retry_after(), Some(OPEN_FOR));
}

#[test]
fn an_inner_error_that_is_boxed_already_is_not_wrapped_again() {
    let bench = Bench::new();
    let inner = service_fn(async |_: u32| Err::<u32, BoxError>(Fault(7).into()));
    let mut service = ServiceBuilder::new()
        .layer(BreakerLayer::new(bench.circuit.clone()).boxed_errors())
        .service(inner);
    let error = call(&mut service, 1).unwrap_err();
    assert_eq!(error.downcast_ref(), Some(&Fault(7)));
    bench.circuit.trip();
    assert!(call(&mut service, 1).unwrap_err().is::<Rejected>());
}

#[test]
fn a_boxed_inner_error_can_be_typed_too() {
    let bench = Bench::new();
    let inner = service_fn(async |_: u32| Err::<u32, BoxError>(Fault(7).into()));
    let mut service = BreakerLayer::new(bench.circuit.clone()).layer(inner);
    let Error::Inner(error) = call(&mut service, 1).unwrap_err() else {
        panic!("it is inner's")
    };
    assert!(error.is::<Fault>());
}

#[tokio::test(start_paused = true)]
async fn a_timeout_s_error_comes_through_as_itself() {
    let bench = Bench::new();
    let service = ServiceBuilder::new()
        .layer(BreakerLayer::new(bench.circuit.clone()).boxed_errors())
        .timeout(MILLI)
        .service(Downstream::always(Answer::Hang));
    let error = service.oneshot(1).await.unwrap_err();
    assert!(error.is::<tower::timeout::error::Elapsed>());
}

#[test]
fn a_rejection_says_which_circuit_why_and_until_when() {
    let bench = Bench::new();
    bench.circuit.trip_for(Duration::from_millis(1500));
    let open = rejected(&bench);
    assert_eq!(open.circuit().as_deref(), Some("bench"));
    assert_eq!(
        open.to_string(),
        r#"circuit "bench" is open, retry after 1.5s"#
    );

    bench.circuit.isolate();
    assert_eq!(
        rejected(&bench).refusal(),
        Refusal::Isolated { retry_after: None }
    );
    assert_eq!(rejected(&bench).retry_after(), None);
    assert_eq!(
        rejected(&bench).to_string(),
        r#"circuit "bench" is isolated"#
    );

    bench.circuit.half_open();
    let _probe = bench.admit();
    let retry_after = 50 * support::MILLI;
    let taken = Refusal::ProbesTaken { retry_after };
    assert_eq!(rejected(&bench).refusal(), taken);
    assert_eq!(
        rejected(&bench).to_string(),
        r#"circuit "bench" is half-open, retry after 50ms"#
    );
}

#[test]
fn a_rejection_that_outlives_its_circuit_does_not_take_another_s_name() {
    let bench = Bench::new();
    bench.circuit.trip();
    let rejected = rejected(&bench);
    drop(bench);
    let others: Vec<Circuit> = (0..50)
        .map(|_| Circuit::builder("another").build().unwrap())
        .collect();
    assert_eq!(rejected.circuit(), None);
    assert_eq!(
        chain(&rejected),
        "the circuit is open, retry after 5s: it is gone"
    );
    drop(others);
}

/// Why it is refused, in the link after the rejection's own.
#[test]
fn the_source_of_a_rejection_says_why() {
    let bench = Bench::new();
    let why = |bench: &Bench| rejected(bench).source().expect("there is one").to_string();

    bench.open();
    let first = rejected(&bench);
    assert_eq!(why(&bench), "tripped after 3 failures in a row");
    bench.clock.advance(OPEN_FOR);
    let probe = bench.admit();
    assert_eq!(why(&bench), "its probes are under way");
    probe.record(Outcome::Failure);
    assert_eq!(why(&bench), "opened again after 1 of 1 probe failed");
    assert_eq!(
        first.source().expect("there is one").to_string(),
        "it has opened again since"
    );

    bench.circuit.because("a test").trip();
    assert_eq!(why(&bench), "opened by the operator, because a test");
    bench.circuit.trip();
    assert_eq!(why(&bench), "opened by the operator");
    bench.circuit.isolate();
    assert_eq!(why(&bench), "by the operator");
    bench.circuit.because("their database\nmoves").isolate();
    assert_eq!(
        why(&bench),
        r"by the operator, because their database\nmoves"
    );
}

#[test]
fn the_source_of_a_rejection_says_what_a_policy_of_one_s_own_said() {
    let bench = Bench::with(|builder| builder.trip_policy(|| Always));
    bench.fail(1);
    assert_eq!(
        chain(&rejected(&bench)),
        r#"circuit "bench" is open, retry after 5s: tripped by the custom policy, reason 7"#
    );
}

struct Always;

impl TripPolicy for Always {
    fn record(&self, _: &RecordedCall) -> Option<u32> {
        Some(7)
    }
}

#[test]
fn the_source_of_a_rejection_says_that_traffic_comes_back_gradually() {
    let bench = Bench::with(|builder| builder.ramp(Ramp::new(1, 64)));
    bench.probe().record(Outcome::Success);
    let refused = std::iter::repeat_with(|| bench.circuit.try_acquire().err())
        .take(100)
        .flatten()
        .next();
    let why = refused
        .expect("not all pass")
        .source()
        .map(ToString::to_string);
    assert_eq!(why.as_deref(), Some("its traffic comes back gradually"));
}

#[test]
fn a_name_cannot_break_the_line_nor_turn_it_around() {
    let name = "pay\u{1b}[2J\nments \u{202e}\"quoted\"";
    let circuit = Circuit::builder(name).build().unwrap();
    circuit.isolate();
    let rejected = circuit.try_acquire().unwrap_err();
    assert_eq!(
        rejected.to_string(),
        r#"circuit "pay\u{1b}[2J\nments \u{202e}\"quoted\"" is isolated"#
    );
    for text in [
        format!("{rejected:?}"),
        format!("{circuit:?}"),
        format!("{:?}", Error::<Fault>::from(rejected)),
    ] {
        assert!(
            !text.contains(|c: char| c.is_control() || c == '\u{202e}'),
            "{text:?}"
        );
    }
}

#[test]
fn a_wait_is_told_in_whole_milliseconds() {
    let bench = Bench::new();
    bench.circuit.trip();
    bench.clock.advance(Duration::from_nanos(999_999_600));
    assert_eq!(
        rejected(&bench).to_string(),
        r#"circuit "bench" is open, retry after 4.001s"#
    );
    bench.clock.advance(Duration::from_nanos(4_000_000_000));
    assert_eq!(
        rejected(&bench).to_string(),
        r#"circuit "bench" is open, retry after 1ms"#
    );
}

#[test]
fn a_rejection_is_found_through_whatever_is_around_it() {
    let circuit = Circuit::builder("inner").build().unwrap();
    circuit.isolate();
    let rejected = circuit.try_acquire().unwrap_err();
    let typed = Error::<Fault>::Rejected(rejected);
    let nested = Error::Inner(typed.clone());
    let boxed: BoxError = Box::new(rejected);
    let boxed_typed: BoxError = Box::new(typed.clone());
    let any = Error::<AnyError>::Inner(AnyError::new(rejected));
    let io = std::io::Error::other(typed.clone());
    let io_of_io = std::io::Error::other(std::io::Error::other(rejected));
    let errors: [&(dyn std::error::Error + 'static); 8] = [
        &rejected,
        &typed,
        &nested,
        &*boxed,
        &*boxed_typed,
        &any,
        &io,
        &io_of_io,
    ];
    for error in errors {
        assert_eq!(Rejected::of(error), Some(rejected), "{error:?}");
    }
    for error in [
        anyhow::Error::new(rejected),
        anyhow::Error::new(typed).context("while paying"),
        anyhow::Error::from_boxed(boxed).context("a").context("b"),
        anyhow::Error::new(Error::boxed(Error::Inner(anyhow::Error::new(rejected)))),
    ] {
        assert_eq!(Rejected::of(error.as_ref()), Some(rejected), "{error:?}");
    }
    assert_eq!(Rejected::of(&Fault(1)), None);
    assert_eq!(
        Rejected::of(&Error::<Fault>::from(Elapsed::after(MILLI))),
        None
    );
}

#[test]
fn a_test_can_have_a_rejection_without_a_circuit_of_its_own() {
    let _alone = alone();
    for wait in [MILLI, Duration::from_millis(1500), OPEN_FOR] {
        let rejected = Rejected::for_tests("payments", Some(wait));
        assert_eq!(rejected.retry_after(), Some(wait));
        assert_eq!(rejected.circuit().as_deref(), Some("payments"));
    }
    let isolated = Rejected::for_tests("payments", None);
    assert_eq!(
        chain(&isolated),
        r#"circuit "payments" is isolated: by the operator"#
    );
    for _ in 0..63 {
        let _ = Rejected::for_tests("another", None);
    }
    assert!(isolated.circuit().is_some());
    let _ = Rejected::for_tests("another", None);
    assert_eq!(isolated.circuit(), None, "no storage is kept without bound");
}

/// A chain of errors as anyhow prints it: no text is there twice.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let links: Vec<_> = std::iter::successors(Some(error), |&error| error.source())
        .map(ToString::to_string)
        .collect();
    for (at, link) in links.iter().enumerate() {
        assert!(!links[..at].contains(link), "{links:?}");
    }
    links.join(": ")
}

#[test]
fn the_call_s_own_error_is_found_through_what_holds_it() {
    fn own<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a Fault> {
        Error::<Fault>::inner_of(error)
    }
    let inner = || Error::Inner(Fault(7));
    assert_eq!(own(&Fault(7)), Some(&Fault(7)));
    assert_eq!(own(&inner()), Some(&Fault(7)));
    assert_eq!(own(&inner().boxed()), Some(&Fault(7)));
    assert_eq!(own(&AnyError::new(inner())), Some(&Fault(7)));
    assert_eq!(own(&AnyError::new(inner().boxed())), Some(&Fault(7)));
    assert_eq!(
        own(anyhow::Error::new(inner()).context("read").as_ref()),
        Some(&Fault(7))
    );

    assert_eq!(own(&std::io::Error::other("down")), None);
    let bench = Bench::new();
    bench.circuit.isolate();
    let rejection = bench.circuit.call(|| Err::<(), _>(Fault(7))).unwrap_err();
    assert_eq!(own(&rejection), None);
    assert_eq!(own(&rejection.boxed()), None);
}
