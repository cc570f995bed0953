//! Every circuit of [`breaker_layer`] on one page of your own server: what is open, since when and why; and, where you let it, the
//! commands to steer them.
//!
//! ```
//! use breaker_console::Console;
//! use breaker_layer::{Circuit, Registry};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let registry = Registry::new();
//! let payments = Circuit::builder("payments").build()?;
//! registry.add(&payments)?;
//! let app: axum::Router = axum::Router::new().nest_service("/breakers", Console::new(&registry));
//! # Ok(())
//! # }
//! ```
//!
//! [`Console`] is a Tower service for any HTTP server. Its page is written by the server and works without JavaScript; with it,
//! what changes appears within a second. It loads nothing from elsewhere, under a strict content security policy.
//!
//! # Who may do what
//!
//! The console knows nobody. **It has no login**: whoever reaches it sees every name, key, note and setting. Serve it on an internal
//! port, or behind your own middleware. It takes no command unless [`Console::commands`] says from the request who it is.
//!
//! # For scripts
//!
//! All that the page shows is JSON for who sends `accept: application/json`, or asks for `?json`. A command is a POST of a form:
//!
//! ```text
//! curl localhost:8080/breakers?json
//! curl localhost:8080/breakers?circuit=payments -H 'accept: application/json' -d command=isolate -d reason='their database moves'
//! ```
//!
//! The commands are `isolate` (with `for=SECONDS`, if it is to end by itself), `reset`, `trip` (with `for=SECONDS`, if not for its usual time),
//! `half_open`, `close`, `observe_only` and `disable`; of a whole table, which is `?table=NAME`, `isolate`, `reset`, `observe_only` and `disable`. One of a table's circuits is
//! `?circuit=NAME&key=KEY`.
//!
//! # In a fleet
//!
//! [`Console::fleet`] adds what the process hears from its peers in a `breaker-fleet`: whether the store answers, how many processes
//! live, the orders in force and how many have done each; and for each circuit its own vote, its credit, and how many peers are against it.
//!
//! # What it costs
//!
//! Nothing until somebody looks: then the circuits are read four times a second at the most, once for all who look, and never for
//! more than a twentieth of the time. A call pays nothing for it. What is remembered is bounded: 32 transitions and five minutes of
//! counts of the 1024 circuits that changed last.
#![cfg_attr(not(test), warn(clippy::unwrap_used))]
#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod answer;
mod asset;
mod body;
mod command;
mod console;
mod fleet;
mod future;
mod html;
mod listing;
mod live;
mod origin;
mod page;
mod query;
mod standing;
mod watch;

pub use body::Body;
pub use console::Console;
pub use future::ResponseFuture;

/// For the fuzz target: a text as a page has it.
#[doc(hidden)]
pub fn escaped(text: &str) -> String {
    html::Html::new().text(text).as_str().to_owned()
}

/// The README of the package, so that its examples are compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
