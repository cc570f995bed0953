//! The guide: where a breaker stands, what counts as a failure, which settings to choose, how to test.
//!
//! Each chapter is a page, and each snippet in it is compiled and run.
//!
//! To begin:
//!
//! - [without Tower](without_tower): `run`, `run_within` and `call`, for async code and plain threads
//! - [where it stands in a stack](order): timeouts, retries, limits, hedges
//! - [what counts as a failure](failures), and [what the caller gets](answers) of a rejection
//! - [mistakes that compile](traps), and [mistakes that do not](mistakes)
//!
//! By what is called:
//!
//! - [the usual stacks](stacks) of hyper, ureq, tonic and axum, to copy; [reqwest]; [gRPC](grpc); [HTTP](http) and its statuses
//! - [databases, pools and Redis](databases)
//! - [queues and workers](queues)
//! - [LLM providers](llm), or whoever else answers 429
//! - [many hosts](hosts), a circuit for each; [balancers]
//!
//! To run it:
//!
//! - [which settings](settings), and how soon the default trips; [settings from a file](files), and reload
//! - [the console](console), a page of every circuit and the commands to steer them
//! - [readiness], so that one open circuit does not take every pod away
//! - [how to test](testing) code that uses it
//! - many processes that make few calls each learn of an outage together: the package `breaker-fleet`, over [the hooks](crate::fleet)

// A chapter needs no feature to be read.
#![cfg_attr(docsrs, doc(auto_cfg = false))]

// A chapter is always part of the documentation. Its snippets are tests where the features that they need are on; those that
// need other crates are tests of `breaker-examples`, which has them.

#[doc = include_str!("without_tower.md")]
#[cfg(any(feature = "tokio", not(doctest)))]
pub mod without_tower {}

#[doc = include_str!("order.md")]
pub mod order {}

#[doc = include_str!("failures.md")]
pub mod failures {}

#[doc = include_str!("answers.md")]
pub mod answers {}

#[doc = include_str!("traps.md")]
#[cfg(any(all(feature = "http", feature = "tokio"), not(doctest)))]
pub mod traps {}

#[doc = include_str!("mistakes.md")]
pub mod mistakes {}

#[doc = include_str!("stacks.md")]
#[cfg(not(doctest))]
pub mod stacks {}

#[doc = include_str!("reqwest.md")]
#[cfg(not(doctest))]
pub mod reqwest {}

#[doc = include_str!("grpc.md")]
#[cfg(not(doctest))]
pub mod grpc {}

#[doc = include_str!("http.md")]
#[cfg(any(feature = "http", not(doctest)))]
pub mod http {}

#[doc = include_str!("databases.md")]
#[cfg(not(doctest))]
pub mod databases {}

#[doc = include_str!("queues.md")]
#[cfg(any(feature = "tokio", not(doctest)))]
pub mod queues {}

#[doc = include_str!("llm.md")]
#[cfg(any(all(feature = "http", feature = "keyed"), not(doctest)))]
pub mod llm {}

#[doc = include_str!("hosts.md")]
#[cfg(not(doctest))]
pub mod hosts {}

#[doc = include_str!("balancers.md")]
#[cfg(any(feature = "tokio", not(doctest)))]
pub mod balancers {}

#[doc = include_str!("settings.md")]
pub mod settings {}

#[doc = include_str!("files.md")]
#[cfg(any(feature = "serde", not(doctest)))]
pub mod files {}

#[doc = include_str!("console.md")]
#[cfg(not(doctest))]
pub mod console {}

#[doc = include_str!("readiness.md")]
pub mod readiness {}

#[doc = include_str!("testing.md")]
#[cfg(any(feature = "tokio", not(doctest)))]
pub mod testing {}
