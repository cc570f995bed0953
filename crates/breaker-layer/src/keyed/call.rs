//! A call to a key: how it is admitted, and what its outcome does.

use std::{ptr, sync::Arc, time::Duration};

use breaker_core::{Ending, Outcome, Timestamp};

use super::{
    entry::{Entry, Key},
    registry::Registry,
    tenant::{Mode, Tenant},
    upkeep::Made,
};
use crate::{
    circuit::{Draw, Permit, dropped},
    error::Rejected,
    storage::Door,
};

/// A call to a key.
pub(super) struct Call<K: Key> {
    registry: &'static Registry<K>,
    tenancy: u32,
    is_excluded: bool,
    key: K,
    admitted: Admitted,
}

enum Admitted {
    /// There was no circuit, at this turn of the registry.
    Alone { turn: u64 },
    /// There was one.
    By(Given),
}

/// What a circuit gave.
struct Given {
    permit: Permit,
    /// If the circuit is forgotten meanwhile, the call counts for the key's next one.
    is_renewable: bool,
    /// The circuit was closed when it let the call pass.
    was_closed: bool,
    is_lasting: bool,
}

impl<K: Key> Call<K> {
    /// Asks the circuit of this key. `None` if the call passes and counts for nothing, because there is no room.
    #[inline]
    pub(super) fn admit(
        tenant: &Tenant<K>,
        key: K,
        draw: &mut Draw,
    ) -> Result<Option<Self>, Rejected> {
        let registry = tenant.registry;
        let turn = registry.turn();
        let look = |entry: &Arc<Entry<K>>| Seen::of(entry, tenant);
        let admitted = match registry.with(&key, look) {
            None if tenant.passes_alone(&key) => Admitted::Alone { turn },
            None => return Self::ask(tenant, key, None, draw),
            Some(Seen::Closed(given)) => Admitted::By(given),
            Some(Seen::Other(entry, now)) => {
                return Self::ask(tenant, key, Some((entry, now)), draw);
            }
        };
        Ok(Some(Self::new(tenant, key, admitted)))
    }

    /// As [`Call::admit`], where a circuit must be made, or asked outside of the map.
    #[cold]
    fn ask(
        tenant: &Tenant<K>,
        key: K,
        mut seen: Option<(Arc<Entry<K>>, Timestamp)>,
        draw: &mut Draw,
    ) -> Result<Option<Self>, Rejected> {
        let registry = tenant.registry;
        loop {
            if let Some((entry, now)) = seen {
                if let Some(given) =
                    Given::by(&entry, entry.circuit.acquire_drawn(draw)?, now, tenant)
                {
                    return Ok(Some(Self::new(tenant, key, Admitted::By(given))));
                }
                registry.settle();
            }
            let turn = registry.turn();
            seen = registry.with(&key, |entry| (entry.clone(), tenant.parts.clock.now()));
            if seen.is_none() {
                match (tenant.mode(), tenant.others()) {
                    (Mode::Isolated, Some(others)) => others.acquire_drawn(draw)?.discard(),
                    (Mode::Disabled, _) => return Ok(None),
                    _ => {}
                }
                if !tenant.is_lasting(&key) {
                    return Ok(Some(Self::new(tenant, key, Admitted::Alone { turn })));
                }
                if let Made::No | Made::Gone = registry.make_for(&key, tenant) {
                    registry.pass_uncounted(tenant.tenancy);
                    return Ok(None);
                }
            }
        }
    }

    /// A call that has waited for this permit, with a handle of its key's circuit.
    pub(super) fn waited(tenant: &Tenant<K>, key: K, permit: Permit) -> Option<Self> {
        let entry = tenant.registry.with(&key, Arc::clone)?;
        if !ptr::eq(entry.circuit.slot(), permit.slot()) {
            return None;
        }
        let now = tenant.parts.clock.now();
        entry.touch(now);
        let given = Given::by(&entry, permit, now, tenant)?;
        Some(Self::new(tenant, key, Admitted::By(given)))
    }

    #[inline]
    fn new(tenant: &Tenant<K>, key: K, admitted: Admitted) -> Self {
        Self {
            registry: tenant.registry,
            tenancy: tenant.tenancy,
            is_excluded: false,
            key,
            admitted,
        }
    }

    /// Its outcome is ignored, whatever it is.
    pub(super) fn exclude(&mut self) {
        self.is_excluded = true;
    }

    /// The downstream has answered.
    pub(super) fn answered(&mut self) {
        match &mut self.admitted {
            Admitted::Alone { .. } => {}
            Admitted::By(given) => given.permit.answered(),
        }
    }

    pub(super) fn is_probe(&self) -> bool {
        match &self.admitted {
            Admitted::Alone { .. } => false,
            Admitted::By(given) => given.permit.is_probe(),
        }
    }

    /// Records that its permit was dropped.
    pub(super) fn give_up(self) {
        let policy = || self.registry.policy(self.tenancy, &self.key);
        let ending = dropped(|| policy().is_none_or(|policy| policy.panic_is_failure()));
        self.settle(ending, None);
    }

    /// Records what became of it.
    #[inline]
    pub(super) fn settle(self, ending: Ending, took: Option<Duration>) {
        let Self {
            registry,
            tenancy,
            is_excluded,
            key,
            admitted,
        } = self;
        let settle = |permit: Permit| {
            let permit = if is_excluded {
                permit.excluded()
            } else {
                permit
            };
            permit.settle(ending, took)
        };
        // Whether this needs a circuit, should there be none by now.
        let counts = || match ending {
            _ if is_excluded => false,
            Ending::Recorded(Outcome::Success | Outcome::Ignored) => false,
            Ending::Recorded(_) => true,
            Ending::Cancelled => registry
                .policy(tenancy, &key)
                .is_some_and(|policy| policy.counts_cancelled()),
        };
        let needs_circuit = match admitted {
            Admitted::Alone { turn } => {
                let counts = counts();
                if !counts && registry.is_still(turn) {
                    // Nothing speaks against the downstream, and neither does this.
                    return;
                }
                counts
            }
            Admitted::By(given) => {
                let slot = given.permit.slot();
                if settle(given.permit) || !given.is_renewable {
                    let gate = slot.gate();
                    let has_closed = !given.was_closed && gate.passes();
                    let is_calm = !given.is_lasting && gate.is_calm() && !slot.is_shared();
                    if has_closed || is_calm {
                        registry.tidy(&key, tenancy, has_closed);
                    }
                    return;
                }
                let is_success = ending == Ending::Recorded(Outcome::Success);
                counts() || given.is_lasting && is_success && !is_excluded
            }
        };
        registry.settle_call(&key, tenancy, needs_circuit, settle);
    }
}

/// What a call finds at its key.
enum Seen<K> {
    /// A closed circuit, and what it gave.
    Closed(Given),
    /// Another one, at this time, which is to be asked outside of the map: it may tell its observers.
    Other(Arc<Entry<K>>, Timestamp),
}

impl<K: Key> Seen<K> {
    fn of(entry: &Arc<Entry<K>>, tenant: &Tenant<K>) -> Self {
        let now = tenant.parts.clock.now();
        entry.touch(now);
        let permit = entry.circuit.acquire_if_passing();
        match permit.and_then(|permit| Given::by(entry, permit, now, tenant)) {
            Some(given) => Self::Closed(given),
            None => Self::Other(entry.clone(), now),
        }
    }
}

impl Given {
    /// What this permit is; `None` if the circuit was gone already.
    fn by<K: Key>(
        entry: &Entry<K>,
        permit: Permit,
        now: Timestamp,
        tenant: &Tenant<K>,
    ) -> Option<Self> {
        if permit.is_void() {
            permit.discard();
            return None;
        }
        // What was taken away since was closed, or it would not have gone.
        let was_closed = matches!(permit.slot().gate().door(), Door::Passes | Door::Vacant);
        let epoch = permit.epoch();
        Some(Self {
            is_renewable: was_closed && entry.is_renewable(epoch, now, tenant.limits.keep),
            was_closed,
            is_lasting: entry.is_lasting(),
            permit,
        })
    }
}
