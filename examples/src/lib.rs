//! The downstream that the examples call: a real HTTP server on loopback which behaves as it is told.
//!
//! It is told in three ways, the first of which wins: by a request about itself (its query, or headers
//! with the prefix `x-mock-`), by a request about the next ones (`fail_next=5`, `mood=hanging`), or
//! from within the same process by [`Downstream::set`].

mod downstream;
mod instruction;
mod text;

pub use downstream::Downstream;
pub use instruction::Mood;

/// What must not compile does not, and beside it what does.
#[cfg(doctest)]
#[doc = include_str!("../mistakes.md")]
struct Mistakes;

/// The guide's stacks compile.
#[cfg(doctest)]
#[doc = include_str!("../../crates/breaker-layer/src/guide/stacks.md")]
struct Stacks;

/// The README's example compiles.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
