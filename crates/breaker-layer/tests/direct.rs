//! Calls without Tower: what is judged, and what the caller gets.

mod support;

use std::error::Error as _;

use breaker_layer::{BoxError, Circuit, Error, Outcome, Rejected, Trip, error::AnyError};
use futures::FutureExt;
use support::{Bench, Fault, THRESHOLD};

fn plain() -> Result<u32, Fault> {
    Err(Fault(7))
}

fn boxed() -> Result<u32, BoxError> {
    Err(Fault(7).into())
}

fn anyhow() -> anyhow::Result<u32> {
    Err(anyhow::Error::new(Fault(7)).context("while paying"))
}

/// The four ways that `?` is to take, each for a call and for a future.
mod question_mark {
    use super::*;

    pub(super) async fn plain_into_anyhow(circuit: &Circuit) -> anyhow::Result<u32> {
        circuit.run(async { plain() }).await?;
        circuit.run_boxed(async { plain() }).await?;
        circuit.call_boxed(plain)?;
        Ok(circuit.call(plain)?)
    }

    pub(super) async fn plain_into_box(circuit: &Circuit) -> Result<u32, BoxError> {
        circuit.run(async { plain() }).await?;
        circuit.run_boxed(async { plain() }).await?;
        circuit.call_boxed(plain)?;
        Ok(circuit.call(plain)?)
    }

    pub(super) async fn boxed_into_anyhow(circuit: &Circuit) -> anyhow::Result<u32> {
        circuit.run_boxed(async { boxed() }).await?;
        circuit.run_boxed(async { anyhow() }).await?;
        circuit.call_boxed(anyhow)?;
        Ok(circuit.call_boxed(boxed)?)
    }

    pub(super) async fn boxed_into_box(circuit: &Circuit) -> Result<u32, BoxError> {
        circuit.run_boxed(async { boxed() }).await?;
        circuit.run_boxed(async { anyhow() }).await?;
        circuit.call_boxed(anyhow)?;
        Ok(circuit.call_boxed(boxed)?)
    }
}

#[test]
fn a_question_mark_takes_the_error_of_a_call_into_anyhow_and_into_a_box() {
    /// What is said by each of the four ways, and how many of them hold a rejection.
    fn said(circuit: &Circuit) -> (Vec<String>, usize) {
        let both = async {
            let of_anyhow = [
                question_mark::plain_into_anyhow(circuit).await,
                question_mark::boxed_into_anyhow(circuit).await,
            ];
            let of_box = [
                question_mark::plain_into_box(circuit).await,
                question_mark::boxed_into_box(circuit).await,
            ];
            (of_anyhow, of_box)
        };
        let (of_anyhow, of_box) = both.now_or_never().expect("they are done at once");
        let of_anyhow =
            of_anyhow.map(|answer| answer.expect_err("it fails").into_boxed_dyn_error());
        let of_box = of_box.map(|answer| answer.expect_err("it fails"));
        let errors: Vec<BoxError> = of_anyhow.into_iter().chain(of_box).collect();
        let rejected = errors.iter().filter_map(|error| Rejected::of(&**error));
        let rejected = rejected.count();
        (errors.iter().map(ToString::to_string).collect(), rejected)
    }
    let bench = Bench::with(|builder| builder.trip(Trip::never()));
    assert_eq!(said(&bench.circuit), (vec!["fault 7".into(); 4], 0));
    bench.circuit.isolate();
    let text = r#"circuit "bench" is isolated"#;
    assert_eq!(said(&bench.circuit), (vec![text.into(); 4], 4));
}

#[test]
fn a_boxed_error_reads_as_the_one_in_the_box_and_gives_it_back() {
    let bench = Bench::new();
    let error = bench.circuit.call_boxed(boxed).unwrap_err();
    assert_eq!(error.to_string(), "fault 7");
    assert!(error.source().is_none());
    let inner: AnyError = error.into_inner().expect("it is the call's own");
    assert_eq!(inner.downcast_ref(), Some(&Fault(7)));
    assert!(inner.into_inner().is::<Fault>());

    let error = bench.circuit.call_boxed(anyhow).unwrap_err();
    assert_eq!(
        format!("{:#}", anyhow::Error::new(error)),
        "while paying: fault 7"
    );
}

#[test]
fn an_error_can_be_made_another_one() {
    let bench = Bench::new();
    let error = bench.circuit.call(plain).unwrap_err();
    assert!(!error.is_rejected());
    assert_eq!(error.map_inner(|fault| fault.0), Error::Inner(7));
    bench.circuit.isolate();
    let error = bench.circuit.call(plain).unwrap_err();
    assert!(error.is_rejected());
    let rejected = error.rejected().expect("it is one");
    assert_eq!(error.map_inner(|fault| fault.0), Error::Rejected(rejected));
}

#[test]
fn a_classifier_sees_the_error_before_it_is_boxed() {
    let bench = Bench::new();
    let ignore = |_: Result<&u32, &anyhow::Error>| Outcome::Ignored;
    for _ in 0..2 * THRESHOLD {
        let error = bench
            .circuit
            .call_with(&ignore, anyhow)
            .map_err(Error::boxed);
        assert!(error.is_err());
    }
    assert_eq!(bench.circuit.snapshot().ignored, u64::from(2 * THRESHOLD));
}

#[cfg(feature = "tokio")]
mod within {
    use std::{
        future::{pending, ready},
        time::Duration,
    };

    use breaker_layer::{State, clock::Clock, error::Elapsed};
    use tokio::time::{Instant, sleep};

    use super::*;
    use crate::support::{MILLI, OPEN_FOR};

    const LIMIT: Duration = Duration::from_millis(200);

    fn bench() -> Bench {
        Bench::with(|builder| builder.clock(Clock::tokio()))
    }

    async fn hang() -> Result<u32, Fault> {
        pending().await
    }

    #[tokio::test(start_paused = true)]
    async fn a_limit_that_has_passed_is_a_failure_and_an_error_of_its_own() {
        let bench = bench();
        for _ in 0..THRESHOLD {
            let since = Instant::now();
            let error = bench.circuit.run_within(LIMIT, hang()).await.unwrap_err();
            assert_eq!(since.elapsed(), LIMIT);
            assert_eq!(error, Error::Elapsed(Elapsed::after(LIMIT)));
            assert_eq!(error.to_string(), "no answer within 200ms");
            assert!(error.source().is_none());
        }
        assert_eq!(bench.state(), State::Open);
        let snapshot = bench.circuit.snapshot();
        assert_eq!((snapshot.failed, snapshot.cancelled), (3, 0));
        let error = bench.circuit.run_within(LIMIT, hang()).await.unwrap_err();
        assert!(error.is_rejected());
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_within_the_limit_is_judged_as_any_other() {
        let bench = bench();
        let late = async {
            sleep(LIMIT - MILLI).await;
            plain()
        };
        let answer = bench.circuit.run_within(LIMIT, late).await;
        assert_eq!(answer, Err(Error::Inner(Fault(7))));
        assert_eq!(bench.circuit.snapshot().failed, 1);
        let answer = bench.circuit.run_within(LIMIT, ready(Ok::<_, Fault>(1)));
        assert_eq!(answer.await, Ok(1));
        assert_eq!(bench.circuit.snapshot().failures, 0);

        let ignore = |_: Result<&u32, &Fault>| Outcome::Ignored;
        let answer = bench
            .circuit
            .run_within_with(LIMIT, &ignore, ready(plain()));
        assert_eq!(answer.await, Err(Error::Inner(Fault(7))));
        let answer = bench.circuit.run_within_with(LIMIT, &ignore, hang()).await;
        assert_eq!(answer, Err(Error::Elapsed(Elapsed::after(LIMIT))));
        let snapshot = bench.circuit.snapshot();
        assert_eq!((snapshot.ignored, snapshot.failed), (1, 2));
    }

    #[tokio::test(start_paused = true)]
    async fn no_limit_is_too_short_or_too_long() {
        let bench = bench();
        let at_once = || ready(Ok::<_, Fault>(1));
        assert_eq!(
            bench.circuit.run_within(Duration::ZERO, at_once()).await,
            Ok(1)
        );
        assert_eq!(
            bench.circuit.run_within(Duration::MAX, at_once()).await,
            Ok(1)
        );
        let elapsed = bench.circuit.run_within(Duration::ZERO, hang()).await;
        assert_eq!(elapsed, Err(Error::Elapsed(Elapsed::after(Duration::ZERO))));
        let hanging = bench.circuit.run_within(Duration::MAX, hang());
        assert!(tokio::time::timeout(OPEN_FOR, hanging).await.is_err());
        assert_eq!(bench.circuit.snapshot().cancelled, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_limit_around_the_run_is_a_call_that_was_given_up() {
        let bench = bench();
        let around = tokio::time::timeout(LIMIT, bench.circuit.run(hang())).await;
        assert!(around.is_err());
        let snapshot = bench.circuit.snapshot();
        assert_eq!((snapshot.failed, snapshot.cancelled), (0, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_question_mark_takes_an_elapsed_limit() {
        async fn go(circuit: &Circuit) -> anyhow::Result<u32> {
            circuit
                .run_within(LIMIT, async { Ok::<_, Fault>(1) })
                .await?;
            let hanging = async { pending::<anyhow::Result<u32>>().await };
            Ok(circuit
                .run_within(LIMIT, hanging)
                .await
                .map_err(Error::boxed)?)
        }
        let error = go(&bench().circuit).await.unwrap_err();
        assert_eq!(format!("{error:#}"), "no answer within 200ms");
    }
}
