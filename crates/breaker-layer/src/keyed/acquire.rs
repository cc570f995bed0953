//! Waiting for the right to make a call to a key.

use std::{ptr, time::Duration};

use breaker_core::Outcome;

use super::{call::Call, circuits::KeyedCircuits, entry::Key, permit::KeyedPermit};
use crate::{
    circuit::{Circuit, Permit},
    clock::Source,
    error::Rejected,
};

/// Calls that wait for their turn rather than be rejected: see `Circuit::acquire`. Each key has a line of its own.
impl<K: Key> KeyedCircuits<K> {
    /// Waits until a call may be made for this key, as `Circuit::acquire` does. A key with nothing against it does not wait.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() {
    /// use std::time::Duration;
    /// use breaker_layer::{Outcome, keyed::KeyedCircuits};
    ///
    /// let hosts = KeyedCircuits::<String>::builder("hosts").build().unwrap();
    /// hosts.circuit("shop.example").unwrap().trip_for(Duration::from_secs(5));
    /// let since = tokio::time::Instant::now();
    /// let permit = hosts.acquire("shop.example".into()).await; // take the job off the queue after this
    /// permit.record(Outcome::Success);
    /// assert!(since.elapsed() >= Duration::from_secs(5));
    /// # }
    /// ```
    ///
    /// It is safe to drop this future at any time. While it waits it holds its key's circuit, which is not forgotten then.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime with its time driver enabled when it has to wait for a time.
    #[cfg(feature = "tokio")]
    pub async fn acquire(&self, key: K) -> KeyedPermit<K> {
        loop {
            let circuit = match self.take_turn(&key) {
                Ok(permit) => return permit,
                Err(circuit) => circuit,
            };
            let permit = circuit.acquire().await;
            if let Some(permit) = self.waited(&key, permit) {
                return permit;
            }
        }
    }

    /// Waits until a call may be made for this key, and for no longer than the limit, as
    /// [`Circuit::acquire_blocking`] does: it blocks the thread.
    ///
    /// # Errors
    ///
    /// [`Rejected`], as [`KeyedCircuits::try_acquire`] gives it, when the limit has passed.
    pub fn acquire_blocking(&self, key: K, limit: Duration) -> Result<KeyedPermit<K>, Rejected> {
        let deadline = Source::std_now().saturating_add(limit);
        loop {
            let circuit = match self.take_turn(&key) {
                Ok(permit) => return Ok(permit),
                Err(circuit) => circuit,
            };
            let left = deadline.saturating_since(Source::std_now());
            let permit = circuit.acquire_blocking(left)?;
            if let Some(permit) = self.waited(&key, permit) {
                return Ok(permit);
            }
        }
    }

    /// A permit, where every call for this key passes; or the circuit to wait for.
    fn take_turn(&self, key: &K) -> Result<KeyedPermit<K>, Circuit> {
        loop {
            let circuit = self.get(key).or_else(|| self.tenant().others().cloned());
            if let Some(circuit) = circuit.filter(|circuit| !circuit.lets_all_pass()) {
                return Err(circuit);
            }
            if let Ok(permit) = self.try_acquire(key.clone()) {
                return Ok(permit);
            }
        }
    }

    /// The permit of a call that has waited; `None` if it was for the whole table's command to end, so that it is to ask
    /// again.
    fn waited(&self, key: &K, permit: Permit) -> Option<KeyedPermit<K>> {
        let is_of = |circuit: &Circuit| ptr::eq(circuit.slot(), permit.slot());
        if self.tenant().others().is_some_and(is_of) {
            permit.record(Outcome::Ignored);
            return None;
        }
        Call::waited(self.tenant(), key.clone(), permit).map(KeyedPermit::keyed)
    }
}
