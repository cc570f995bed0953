//! What is called: the bare service, our layer, and its peers.

pub mod clock;
pub mod clone;
pub mod console;
pub mod floor;
pub mod ours;
pub mod peers;

use crate::harness::leaf::Leaf;

/// How the downstream behaves, and so what a call meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Closed, every call succeeds.
    Success,
    /// Closed, every other call fails, and no threshold is reached.
    Alternate,
    /// Open: the breaker refuses.
    Rejected,
}

impl Mode {
    /// The downstream.
    pub const fn leaf(self) -> Leaf {
        Leaf {
            odd_fails: matches!(self, Self::Alternate),
            all_fail: matches!(self, Self::Rejected),
        }
    }
}
