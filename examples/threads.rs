//! Plain threads and a blocking client: four threads share a circuit and call a server on loopback with ureq. It fails; each of them is
//! refused at once from then on. It recovers, and a worker that would rather wait than be refused finds out.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use breaker_examples::{Downstream, Mood};
use breaker_layer::{
    BoxError, Circuit, Error, OpenTime, Outcome, Probes, Rejected, State, TransitionEvent, Trip,
};
use tokio::runtime::Runtime;
use ureq::Agent;

const THRESHOLD: u32 = 5;
const OPEN_FOR: Duration = Duration::from_millis(300);
const CALLS: u32 = 100;

fn main() -> Result<(), BoxError> {
    // The server needs a runtime; its callers know nothing of it.
    let runtime = Runtime::new()?;
    let downstream = runtime.block_on(Downstream::start())?;
    let url = downstream.url("/");

    let circuit = Circuit::builder("prices")
        .trip(Trip::consecutive_failures(THRESHOLD))
        .open_time(OpenTime::fixed(OPEN_FOR))
        .probes(Probes::new(1))
        .observe(|event: &TransitionEvent<'_>| println!("{event}"))
        .build()?;
    // A status of 400 or more is an error of ureq's, and so is a call that takes longer than this.
    let agent: Agent = Agent::config_builder()
        .timeout_global(Some(Duration::from_millis(500)))
        .build()
        .into();
    let get = || circuit.call_with(&by_status, || agent.get(&url).call());

    assert_eq!(get()?.status(), 200);

    println!("the server fails");
    downstream.set(Mood::Failing);
    let (failed, rejected) = (AtomicU32::new(0), AtomicU32::new(0));
    thread::scope(|threads| {
        for _ in 0..4 {
            threads.spawn(|| {
                for _ in 0..CALLS {
                    match get() {
                        Err(Error::Rejected(_)) => rejected.fetch_add(1, Relaxed),
                        Ok(_) | Err(_) => failed.fetch_add(1, Relaxed),
                    };
                }
            });
        }
    });
    println!("{failed:?} calls failed, {rejected:?} were refused at once");
    assert!(rejected.into_inner() > 3 * CALLS);
    let error: BoxError = get().err().ok_or("a call was let through")?.into();
    println!("{error}");
    assert!(Rejected::of(&*error).is_some());

    println!("it is well again");
    downstream.set(Mood::Healthy);
    let permit = circuit.acquire_blocking(Duration::from_secs(10))?;
    let answer = agent.get(&url).call();
    permit.record(by_status(answer.as_ref()));
    assert_eq!(answer?.status(), 200);
    assert_eq!(circuit.state(), State::Closed);
    Ok(())
}

/// A status below 500 is an answer.
fn by_status<T>(result: Result<&T, &ureq::Error>) -> Outcome {
    match result {
        Err(ureq::Error::StatusCode(code)) if *code < 500 => Outcome::Success,
        Err(_) => Outcome::Failure,
        Ok(_) => Outcome::Success,
    }
}
