//! Waiting for the right to make a call to a key.

use std::{sync::Arc, time::Duration};

use breaker_core::Outcome;

use super::{
    call::Call,
    circuits::KeyedCircuits,
    entry::{Entry, Key},
    permit::KeyedPermit,
    table::Table,
};
use crate::{
    circuit::{Circuit, Draw, Permit},
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
            let Line { circuit, entry } = match self.take_turn(&key) {
                Ok(permit) => return permit,
                Err(line) => line,
            };
            let permit = circuit.acquire().await;
            if let Some(permit) = self.waited(&key, entry, permit) {
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
            let Line { circuit, entry } = match self.take_turn(&key) {
                Ok(permit) => return Ok(permit),
                Err(line) => line,
            };
            let left = deadline.saturating_since(Source::std_now());
            let permit = circuit.acquire_blocking(left)?;
            if let Some(permit) = self.waited(&key, entry, permit) {
                return Ok(permit);
            }
        }
    }

    /// A permit, where every call for this key passes; or what to wait for.
    fn take_turn(&self, key: &K) -> Result<KeyedPermit<K>, Line<K>> {
        let table = &**self.table();
        let Table { store, shared, .. } = table;
        let hash = store.map.hash(key);
        // Each round another thread has tripped or removed the circuit.
        loop {
            let entry = self.table().find(hash, key);
            let circuit = match &entry {
                Some(entry) => store.handle(entry),
                None => shared.commanded().cloned(),
            };
            if let Some(circuit) = circuit.filter(|circuit| !circuit.lets_all_pass()) {
                return Err(Line { circuit, entry });
            }
            let draw = &mut Draw::default();
            if let Ok(call) = Call::ask(table, hash, key.clone(), entry, draw) {
                return Ok(call.map_or_else(KeyedPermit::uncounted, KeyedPermit::keyed));
            }
        }
    }

    /// The permit of a call that has waited; `None` if it is to ask again, because it was for the whole table's command to
    /// end.
    fn waited(
        &self,
        key: &K,
        entry: Option<Arc<Entry<K>>>,
        permit: Permit,
    ) -> Option<KeyedPermit<K>> {
        let Some(entry) = entry else {
            permit.record(Outcome::Ignored);
            return None;
        };
        Call::waited(self.table(), key.clone(), entry, permit).map(KeyedPermit::keyed)
    }
}

/// What a call waits for.
struct Line<K> {
    circuit: Circuit,
    /// `None` if it is for the whole table's command to end.
    entry: Option<Arc<Entry<K>>>,
}
