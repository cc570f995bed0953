//! How users test code with a breaker in it: the production settings, paused time, and no waiting. The guide's chapter on testing says why.

use std::cell::Cell;
use std::time::Duration;

use breaker_layer::{Circuit, ConfigError, Error, Rejected, State};
use tokio::time::advance;

/// What is tested: a price from a service, and the last one that was seen while the service is cut off.
struct Prices {
    circuit: Circuit,
    last: Cell<u32>,
}

impl Prices {
    fn new() -> Result<Self, ConfigError> {
        Ok(Self {
            // The seed is for the tests: it makes the draw of the probes the same each time.
            circuit: Circuit::builder("prices").seed(7).build()?,
            last: Cell::new(0),
        })
    }

    async fn get(
        &self,
        fetch: impl Future<Output = Result<u32, std::io::Error>>,
    ) -> Result<u32, std::io::Error> {
        let limit = Duration::from_secs(1);
        match self.circuit.run_within(limit, fetch).await {
            Ok(price) => {
                self.last.set(price);
                Ok(price)
            }
            Err(Error::Rejected(_)) => Ok(self.last.get()),
            Err(Error::Elapsed(_)) => Err(std::io::ErrorKind::TimedOut.into()),
            Err(Error::Inner(error)) => Err(error),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_last_price_is_given_while_the_service_hangs_and_a_new_one_when_it_is_back() {
    let prices = Prices::new().unwrap();
    assert_eq!(prices.get(async { Ok(12) }).await.unwrap(), 12);

    let mut timeouts = 0;
    while prices.circuit.state() == State::Closed {
        assert!(prices.get(std::future::pending()).await.is_err());
        timeouts += 1;
    }
    // One call a second: fewer than fifteen trip.
    assert_eq!(timeouts, 9);
    assert_eq!(prices.get(async { Ok(13) }).await.unwrap(), 12);

    advance(Duration::from_secs(72)).await;
    for price in [13, 14, 15] {
        assert_eq!(prices.get(async { Ok(price) }).await.unwrap(), price);
    }
    assert_eq!(prices.circuit.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn in_traffic_a_probe_comes_long_before_the_circuit_is_due() {
    let prices = Prices::new().unwrap();
    prices.circuit.trip();
    advance(Duration::from_secs(5)).await;
    // One call in five is let through, and three that succeed close it.
    for _ in 0..100 {
        prices.get(async { Ok(12) }).await.unwrap();
    }
    assert_eq!(prices.circuit.state(), State::Closed);
}

/// What a caller is told needs no circuit.
fn apology(rejected: Rejected) -> String {
    match rejected.retry_after() {
        Some(wait) => format!("come back in {} s", wait.as_secs()),
        None => "we do not know when".to_owned(),
    }
}

#[test]
fn a_rejection_is_put_into_words() {
    let open = Rejected::for_tests("prices", Some(Duration::from_secs(5)));
    assert_eq!(apology(open), "come back in 5 s");
    let isolated = Rejected::for_tests("prices", None);
    assert_eq!(apology(isolated), "we do not know when");
}
