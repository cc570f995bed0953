//! The example `per_host` at its full size.

#[expect(dead_code, reason = "its `main` makes fewer calls")]
#[path = "../per_host.rs"]
mod per_host;

#[tokio::test]
async fn a_dead_host_fails_fast_and_ten_thousand_calls_to_the_others_succeed() {
    per_host::run(10_000).await.expect("the example holds");
}
