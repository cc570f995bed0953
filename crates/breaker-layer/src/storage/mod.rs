//! Where circuits live.
//!
//! A permit must cost a healthy call nothing: no reference count, and no other write that threads share. So it is a plain
//! reference to a *slot*, which is never unmapped, and the *epoch* of the state that admitted it. Everything else belongs to
//! the circuit: its [`CircuitState`] is put into the slot when the circuit is built, and taken out and freed with its last handle.
//! The slot then waits for another circuit.
//!
//! One lock guards the state. What most calls need of it stands beside the lock in the [`Gate`], which whoever holds the lock
//! writes: a call of a closed circuit with nothing against it, and one that an open circuit refuses, take no lock.
//!
//! The files of this folder know each other: an observer, which a circuit's state holds, is told of the circuit by a weak
//! reference that leads back to the slot.
//!
//! Nothing of the user's runs while the lock is held: no observer, no waker, no policy, no clock of their own.

mod after_unlock;
mod ended;
mod gate;
mod handle;
mod observers;
mod plan;
mod pool;
mod slot;
mod state;
mod waiters;
mod weak;

pub(crate) use after_unlock::{AfterUnlock, RecordedOutcome};
pub(crate) use ended::Ended;
pub(crate) use gate::{Gate, GateState};
pub(crate) use handle::Handle;
#[cfg(feature = "keyed")]
pub use observers::KeyedEvent;
pub(crate) use observers::{Change, EventSink, Listener, Observers, Reconfigured, Subject};
pub(crate) use plan::Plan;
pub(crate) use slot::{Moment, Slot};
pub(crate) use state::{CircuitState, Extra, Parts};
pub(crate) use waiters::{Kind, Turn, Waiter};
pub(crate) use weak::WeakCircuit;
