//! A guide: where the breaker stands in a stack, what counts as a failure, which settings to choose, how to test.
//!
//! It holds nothing but text; every snippet in it is compiled and run.
#![doc = include_str!("order.md")]
#![doc = include_str!("failures.md")]
#![cfg_attr(feature = "http", doc = include_str!("http.md"))]
#![doc = include_str!("answers.md")]
#![cfg_attr(feature = "tonic", doc = include_str!("grpc.md"))]
#![cfg_attr(feature = "tokio", doc = include_str!("balancers.md"))]
// The snippets of these two are tests of `breaker-examples`, which has what they need.
#![cfg_attr(
    all(feature = "http", feature = "tonic", not(doctest)),
    doc = include_str!("stacks.md")
)]
#![cfg_attr(
    all(feature = "http", feature = "keyed", not(doctest)),
    doc = include_str!("hosts.md")
)]
#![doc = include_str!("settings.md")]
#![cfg_attr(feature = "serde", doc = include_str!("files.md"))]
#![doc = include_str!("testing.md")]
#![doc = include_str!("mistakes.md")]
