//! A call allocates nothing, and a circuit is small.

use breaker_bench::weigh;

#[test]
fn a_call_allocates_nothing_and_a_circuit_is_small() {
    let broken: Vec<_> = weigh::bars()
        .into_iter()
        .filter(|bar| !bar.holds())
        .collect();
    assert!(broken.is_empty(), "{broken:#?}");
}
