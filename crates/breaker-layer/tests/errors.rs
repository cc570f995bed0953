//! What a caller gets for a rejected call, typed and boxed (C17, as far as it goes without answers of the user's own).

mod support;

use std::{error::Error as _, time::Duration};

use breaker_layer::{BoxError, BreakerLayer, Circuit, Error, Refusal, Rejected};
use support::{Answer, Bench, Downstream, Fault, MILLI, OPEN_FOR, call};
use tower::{Layer, ServiceBuilder, ServiceExt, service_fn};

fn rejected(bench: &Bench) -> Rejected {
    bench
        .circuit
        .try_acquire()
        .expect_err("the call is rejected")
}

#[test]
fn a_typed_error_is_an_error_with_a_real_source() {
    let bench = Bench::new();
    let mut service =
        BreakerLayer::new(bench.circuit.clone()).layer(Downstream::answering([Answer::Fail]));
    let error: Error<Fault> = call(&mut service, 7).unwrap_err();
    let source = error.source().and_then(|source| source.downcast_ref());
    assert_eq!(source, Some(&Fault(7)));

    bench.circuit.trip();
    let error: Error<Fault> = call(&mut service, 7).unwrap_err();
    let Error::Rejected(rejected) = &error else {
        panic!("it is rejected")
    };
    assert_eq!(rejected.retry_after(), Some(OPEN_FOR));
    assert!(error.source().is_some_and(|source| source.is::<Rejected>()));
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
    assert_eq!(open.to_string(), "circuit bench open, retry after 1.5s");

    bench.circuit.isolate();
    assert_eq!(rejected(&bench).refusal(), Refusal::Isolated);
    assert_eq!(rejected(&bench).retry_after(), None);
    assert_eq!(rejected(&bench).to_string(), "circuit bench isolated");

    bench.circuit.half_open();
    let _probe = bench.admit();
    assert_eq!(rejected(&bench).refusal(), Refusal::ProbesTaken);
    assert_eq!(
        rejected(&bench).to_string(),
        "circuit bench half-open, probing"
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
    assert_eq!(rejected.to_string(), "circuit open, retry after 5s");
    drop(others);
}

/// Those who print a chain print no text twice.
#[test]
fn an_error_shows_its_own_text_and_leaves_the_cause_to_the_source() {
    let failed = Error::Inner(Fault(7));
    assert_eq!(failed.to_string(), "inner service failed");
    assert_eq!(failed.source().unwrap().to_string(), "fault 7");

    let bench = Bench::new();
    bench.circuit.isolate();
    let refused = Error::<Fault>::from(rejected(&bench));
    assert_eq!(refused.to_string(), "call rejected");
    let source = refused.source().unwrap();
    assert_eq!(source.to_string(), "circuit bench isolated");
    assert!(source.source().is_none());
}
