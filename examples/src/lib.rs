//! The downstreams that the examples call, real servers on loopback which behave as they are told.
//!
//! The HTTP one is told in three ways, the first of which wins: by a request about itself (its query, or headers
//! with the prefix `x-mock-`), by a request about the next ones (`fail_next=5`, `mood=hanging`), or
//! from within the same process by [`Downstream::set`].

mod downstream;
pub mod greeter;
mod instruction;
mod scene;
mod text;

pub use downstream::Downstream;
pub use instruction::Mood;
pub use scene::{causes, wait_until_due};

/// What must not compile does not, and beside it what does.
#[cfg(doctest)]
#[doc = include_str!("../mistakes.md")]
struct Mistakes;

/// The chapters of the guide that need more than the library has, or call what is here.
#[cfg(doctest)]
mod guide {
    #[doc = include_str!("../../crates/breaker-layer/src/guide/stacks.md")]
    struct Stacks;

    #[doc = include_str!("../../crates/breaker-layer/src/guide/hosts.md")]
    struct Hosts;

    #[doc = include_str!("../../crates/breaker-layer/src/guide/reqwest.md")]
    struct Reqwest;

    #[doc = include_str!("../../crates/breaker-layer/src/guide/grpc.md")]
    struct Grpc;

    #[doc = include_str!("../../crates/breaker-layer/src/guide/console.md")]
    mod console {}

    #[doc = include_str!("../../crates/breaker-layer/src/guide/databases.md")]
    struct Databases;
}

/// The README's example compiles.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
