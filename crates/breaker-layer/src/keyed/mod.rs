//! One circuit for each key: a host, a shard, a tenant. One that is dead does not cut off the others.
//!
//! ```
//! use breaker_layer::{BreakerLayer, Rejected, keyed::{KeyedBreakerLayer, KeyedCircuits}};
//! use tower::{Service, ServiceBuilder, ServiceExt, service_fn};
//!
//! # tokio_test::block_on(async {
//! let circuits = KeyedCircuits::<String>::builder("hosts").build().unwrap();
//! # let circuits = KeyedCircuits::<String>::builder("hosts").clock(breaker_layer::clock::ManualClock::new().clock()).build().unwrap();
//! let layer = KeyedBreakerLayer::new(circuits.clone(), |host: &String| Some(host.clone()));
//! let mut service = ServiceBuilder::new()
//!     .layer(layer.boxed_errors())
//!     .service(service_fn(async |host: String| match host.as_str() {
//!         "dead.example" => Err("no route"),
//!         _ => Ok("hello"),
//!     }));
//! for _ in 0..20 {
//!     let _ = service.ready().await.unwrap().call("dead.example".into()).await;
//! }
//! let error = service.ready().await.unwrap().call("dead.example".into()).await.unwrap_err();
//! assert!(error.is::<Rejected>());
//! assert_eq!(service.ready().await.unwrap().call("fine.example".into()).await.unwrap(), "hello");
//! assert_eq!(circuits.len(), 1);
//! # });
//! ```
//!
//! # What a key costs
//!
//! | a key | memory | a call |
//! | --- | --- | --- |
//! | healthy, on a policy without a window | none | one look-up that misses; no clock, no lock, no allocation, and nothing is written that another thread reads |
//! | with something against it, or that tripped not long ago | a circuit | one look-up that hits, a clock read, and what its circuit costs |
//! | on a policy with a window of calls or of time, or that counts calls | a circuit, from the first call on | the same |
//!
//! Where a healthy key's hash is near those of two keys that have a circuit, the look-up takes a lock for a moment, which it shares with
//! other look-ups. In a full table of up to half a million circuits that is at most one key in ten.
//!
//! A circuit is made at the first failure of its key. It is forgotten when it is closed, its score is back at zero, and,
//! if it ever tripped, it has been closed for [`keep_after_trip`](KeyedBuilder::keep_after_trip). One that has a window is
//! kept while that holds anything, and for as long after its last call. Any closed circuit is forgotten once its key was not called for
//! [`idle_time`](KeyedBuilder::idle_time). Nobody watches the time: it is at calls, when another circuit is made, and at
//! [`KeyedCircuits::sweep`] that this is found out.
//!
//! A permit that was given where no circuit was counts as one of generation 0, with which a new circuit starts. So does
//! one of a circuit that had not tripped when it was given, or had been closed for half of `keep_after_trip`: if its
//! circuit is forgotten meanwhile it counts for the next one. Any other permit that outlives its circuit changes nothing.
//! So calls that take less than half of `keep_after_trip` are counted exactly as if nothing were ever forgotten.
//!
//! There are at most [`max_circuits`](KeyedBuilder::max_circuits), of which each takes, beside its key and its name, 256
//! bytes, half as many again once it has tripped, those of its windows (two bits a call, twelve bytes a bucket), and at most 192 for its
//! place in the table. The settings are shared. An empty table takes 4 kB, and 4 to 8 bytes for each circuit that it may come to
//! have, up to 2 MiB.
//!
//! # When the table is full
//!
//! When all circuits are taken and a new one is needed, the one goes whose key was not called for the most seconds, whatever its
//! state. Of those that were called in the same second a closed one with the least evidence goes first, and one that
//! tripped not long ago after all others. The table compares 32 circuits at a time: all of a smaller table, and of a larger one the next
//! 32 in turn.
//!
//! Some stay: an open or half-open circuit whose key was called within the last second; one that an operator tripped or put under
//! a command; one that a handle holds; a half-open one while a probe is under way. When all 32 are so, the new key's call passes uncounted,
//! which [is counted](KeyedCircuits::uncounted) and [told](crate::Observe::keyed). An open circuit that goes
//! [is counted](KeyedCircuits::forgotten_open) and told, too. One that is due for a probe also goes when its key was not called
//! for the idle time.
//!
//! So whoever makes up keys cannot keep a busy key unprotected: for a key that is called once a second he must call as many new keys a
//! second as the table has circuits. The guide says [which keys](crate::guide::hosts) must not be his to choose.
//!
//! The key that is kept with a circuit owns its bytes: see [`Key`]. The name is what the key displays as, up to 256 bytes of
//! it, and shows in logs, rejections and a [`Registry`](crate::Registry): see [`KeyedBuilder::name_by`].
//!
//! # Commands and other settings
//!
//! ```
//! use breaker_layer::{Config, Trip, keyed::KeyedCircuits};
//!
//! let hosts = KeyedCircuits::<String>::builder("hosts").build()?;
//! // One key. `Full`, if there is no room for its circuit.
//! hosts.circuit("shop.example")?.because("they move, until 04:00").isolate();
//! hosts.reset("shop.example");
//! // Every key, those included that come later.
//! hosts.all().because("a trial").observe_only();
//! hosts.all().reset();
//! hosts.reconfigure(Config::new().trip(Trip::consecutive_failures(5)))?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Under a command to all a key without a circuit needs none: its calls are rejected in the name of the table, or pass
//! uncounted. While all are isolated or disabled no circuit is forgotten.
//!
//! # What is different from one circuit
//!
//! The key is known only once there is a request, in `call`. So the inner service is always polled, also for a key that
//! will be rejected, and there is no `wait`. An error of the inner service's readiness belongs to no key; it counts as a
//! request without one does.

mod acquire;
mod all;
mod any_table;
mod builder;
mod call;
mod circuits;
mod direct;
mod entry;
mod eviction;
mod extract;
mod full;
#[cfg(feature = "http")]
mod http;
mod kept;
mod layer;
mod list;
mod map;
mod mode;
mod parts;
mod permit;
mod service;
mod shared;
mod store;
mod table;
mod upkeep;

pub use all::AllKeys;
pub(crate) use any_table::AnyTable;
pub use builder::KeyedBuilder;
pub use circuits::KeyedCircuits;
pub use entry::Key;
pub use extract::ExtractKey;
pub use full::Full;
#[cfg(feature = "http")]
pub use http::{ByAuthority, ByHeader, ByTemplate, HeaderKey};
pub use layer::KeyedBreakerLayer;
pub use permit::KeyedPermit;
pub use service::KeyedBreaker;

pub use crate::observe::KeyedEvent;
