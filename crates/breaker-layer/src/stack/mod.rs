//! The circuit in a Tower stack: the layer, its service, and what becomes of a call in it.

pub(crate) mod fallback;
pub(crate) mod future;
pub(crate) mod layer;
pub(crate) mod respond;
pub mod service;
pub(crate) mod shape;
#[cfg(feature = "tonic")]
pub(crate) mod tonic;
#[cfg(feature = "tokio")]
pub(crate) mod wait;
