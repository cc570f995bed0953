//! Processes that call the same downstream vote on its health, through Redis or a store of your own. No call ever waits for it.
//!
//! A circuit of `breaker-layer` decides by what its own process sees. Where a process makes one call in two seconds, an outage takes it
//! a quarter of a minute to learn, and each of fifty processes learns it by itself. With a fleet each says in the background how much it has against
//! the downstream, and where most of the others have something, a process needs less evidence of its own.
//!
#![cfg_attr(feature = "redis", doc = "```no_run")]
#![cfg_attr(not(feature = "redis"), doc = "```ignore")]
//! use breaker_fleet::{Fleet, Redis};
//! use breaker_layer::{Circuit, Registry};
//!
//! # async fn start() -> Result<(), Box<dyn std::error::Error>> {
//! let registry = Registry::new();
//! let payments = Circuit::builder("payments").build()?;
//! registry.add(&payments)?;
//!
//! let store = Redis::open("redis://127.0.0.1/")?; // feature `redis`
//! let (fleet, ticks) = Fleet::builder(&registry, store).namespace("shop-prod").zone("eu-1a").build()?;
//! tokio::spawn(ticks); // one future for all circuits; nothing waits for it
//! # drop(fleet);
//! # Ok(())
//! # }
//! ```
//!
//! # What it guarantees
//!
//! - **A failure of its own is necessary.** A process whose own calls succeed cannot be talked into opening.
//! - **One ill process or zone convinces only itself.** Each has one vote of bounded weight, and it takes a majority of the living, or of the own zone.
//! - **The store is in no call's path.** It is read and written once a tick. Gone, slow, full, empty, read-only or full of nonsense, everything is as without a fleet:
//!   what was heard lapses after three ticks, and nothing is queued or sent again.
//! - **Nobody's clock is trusted.** A process lives while its sequence moves.
//!
//! # Whom it helps
//!
//! | calls a second and process | what a fleet is worth |
//! | --- | --- |
//! | below 2, however many processes | most: an outage is seen, and its end is, after a part of the calls |
//! | 2 to 100 | some: processes open together, and one of them probes |
//! | above 100 | nothing: a process learns more in a second by itself than it hears in a tick. Orders still reach all |
//!
//! Take it for processes that run the same program and call the same downstream. A downstream that is another one in each zone, or for each
//! process, is no reason against it: a zone that is ill convinces only itself.
//!
//! # How it works
//!
//! Each **tick**, a second by default, a process sends one pipeline. Quiet, that is three commands: a sign of life, a look at the short list of circuits that anybody
//! has something against, and one whether there is a new order. If one of its own is among them it reads the votes on it at once.
//!
//! A **vote** is a level: the score of the process's own evidence in failures' worth, up to four; open says four. A living process that says nothing says zero. What each peer's
//! level has above two failures' worth, or is short of it, is added up, and where the sum is above zero it is **credit**: so much less evidence of its own a circuit needs. Credit is read when a call fails, not before. Evidence and failures in a row take credit; a rate over
//! a window does not, because half a window has no meaning. Three peers in the own zone are heard by themselves, too, and the larger of the two sums counts. Above 64 processes a jury votes, chosen by hash, each zone with its share.
//!
//! **Probing.** While a circuit is open, one process of a zone at a time has the lease to make the probe that is certain; the others put theirs off while they hear that it probes, and else by their own longest open time at the most,
//! in all, however often the lease is somebody else's. Three in a row that have the lease and no call to probe with are waited for, not more. The share of calls that are let through as probes by chance goes on; of a circuit
//! that tripped by the word of its peers it is half as large from the beginning, because they probe, too. Callers that wait for a permit are not put off. Once a process has closed again it says so for half a minute, and the others come due a part at a time: in a tick, about an eighth of as many as are back already, which is slower than a cold cache warms. If one falls back, no more of its zone come due for three
//! ticks. What an operator closed is no news. Each closes by its own probes.
//!
//! **Follow** ([`FleetBuilder::follow`]) is off by default: with a majority of all the living open, a circuit that follows goes half-open, and its next own calls decide.
//!
//! # Orders
//!
//! [`Fleet::order`] isolates, disables, resets or only observes a circuit, or a whole table, everywhere or in one zone, with a note, by whom, and for how long. It reaches every living process within two ticks, and one
//! that starts later in its first. Each does it once, also where the store falls back to an older state: who then takes it back by hand is not overruled.
//! An order that is gone from the store is no reset. The end of one leaves alone what another command has changed since. [`Fleet::orders`] says how many have done it.
//!
//! # What may go wrong
//!
//! - **The store is away.** [`Event::Degraded`] is told once, [`Event::Back`] once. Between them each process decides alone, and asks again after up to 30 s.
//! - **A process cannot reach the store.** The others drop it after three ticks, and it decides alone. If most cannot, the rest vote among themselves.
//! - **Different programs in one namespace.** A process without the circuit is a living one that says nothing: it votes against any suspicion. Give each program its own namespace.
//! - **Different names.** Circuits are matched by name, and keys of a table by what the table calls them. A table without names takes no part.
//! - **A rolling deployment.** A process that has ended counts as one that says nothing for three to six ticks.
//! - **Circuits that only observe** vote with what they see, and are not counted as open.
//! - **`FLUSHALL`** costs a few ticks, until it is known again who lives. It resets nothing.
//!
//! # Who may write there can cut off a service
//!
//! Whoever writes to the store can give an order, and can vote for as many processes as he makes up. Give the fleet a user of its own, with nothing but its keys
//! and commands, and a password; use TLS where the network is not yours:
//!
//! ```text
//! ACL SETUSER breaker on >PASSWORD resetkeys ~{breaker:v1:shop-prod}:* resetchannels -@all +hset +hdel +hrandfield +pexpire +pttl +set +ping +client|setinfo +hello +auth
//! ```
//!
//! ```toml
//! breaker-fleet = { version = "0.1", features = ["redis"] }
//! redis = { version = "1", default-features = false, features = ["tokio-rustls-comp"] } # for rediss://
//! ```
//!
//! He can put off the probes that are certain, and have circuits probe earlier than they would. Fields of megabytes are read whole
//! before they are passed over: only the number of fields is bounded. Names of circuits, keys, notes and names of operators are in there, in the clear.
//!
//! # Sizing
//!
//! A quiet process sends one pipeline a tick: three commands and 240 bytes, however many circuits it has. Every thirtieth tick it reads who
//! lives besides, some 31 bytes a process. Measured on a Redis 7.0 with 1000 processes of 1000 circuits each and a tick of a second
//! (`tests/sizing.rs` repeats it):
//!
//! | a second, all together | commands | to the server | from it | of one core |
//! |---|---|---|---|---|
//! | quiet | 3030 | 239 kB | 1.2 MB | 3 % |
//! | one circuit open everywhere | 2895 | 237 kB | 12.2 MB | 8 % |
//!
//! The first row is scaled from 735 ticks a second, which is what the machine had time for. The second one is older than the key `stamp`, which is one
//! command and 80 bytes more a tick and process.
//!
//! A circuit under suspicion costs each process that votes two commands more a tick, and each process that has the circuit the votes on it, some 40 bytes each, of 64 processes and a few more at the most. A process votes on
//! up to 256 circuits at a time, those with the most against them, and hears as many: should more be under suspicion, half of them are the worst, and the rest have
//! their turn of 32 ticks. Every read is bounded: 1024 votes, suspicions and orders, 4096 processes.
//!
//! Memory on the server is bounded, too. Processes that have stood still for 60 ticks are removed, with what they said and did; suspicions that
//! nobody renews after 100 ticks, also of circuits that nobody has any more; orders with an end when it has come. It holds 1024 orders.
//!
//! A process looks at each of its circuits once a tick. Nothing is written to disk that must be kept but the orders.
//!
//! # The layout
//!
//! Everything is under `{breaker:v1:NAMESPACE}:`, one hash tag, so that it is on one node of a cluster; another version of the layout has another prefix, and the two do not hear each other.
//!
//! | key | what it is |
//! | --- | --- |
//! | `living` | hash: process to `zone:sequence` |
//! | `hot` | hash: the circuits that anybody has something against, each to a number that changes while somebody has |
//! | `stamp` | hash: `!` to the id of the last order |
//! | `c:CIRCUIT` | hash: process to `zone:level:sequence:standing`, the level in quarters of a failure |
//! | `lease:ZONE:CIRCUIT` | that somebody probes: for twice the probe's timeout, of which 30 s are counted at the most |
//! | `orders` | hash: target and id to JSON |
//! | `until:ORDER` | as long as the order |
//! | `applied:ORDER` | hash: who has done it; told again every 300 ticks |
//!
//! # Features
//!
//! | feature | what it adds |
//! | --- | --- |
//! | `redis` | `Redis`, the store for Redis 6.2 and later, Valkey and DragonflyDB |
//! | `tracing` | each [`Event`] as an event of the crate `tracing`, under the target `breaker_fleet` |
//! | `metrics` | the gauge `breaker_fleet_connected`, 0 or 1 |
//!
//! # Your own store
//!
//! A [`Store`] has two methods: exchange a report for a view, and take a lease. [`InMemory`] is one for tests of several processes in one.
#![cfg_attr(not(test), warn(clippy::unwrap_used))]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod event;
mod fleet;
mod member;
mod memory;
mod order;
#[cfg(feature = "redis")]
mod redis;
mod snapshot;
pub mod store;
mod tick;
mod wire;

pub use event::Event;
pub use fleet::{Fleet, FleetBuilder, FleetError};
pub use memory::InMemory;
pub use order::{Act, Order};
#[cfg(feature = "redis")]
pub use redis::Redis;
pub use snapshot::{Heard, Ordered, Snapshot};
#[doc(inline)]
pub use store::{Store, StoreError};

/// The README of the package, so that its example is compiled.
#[cfg(all(doctest, feature = "redis"))]
#[doc = include_str!("../README.md")]
struct Readme;
