//! The permit of a call to one of many keys.

use std::{fmt, mem, sync::Arc, time::Duration};

use breaker_core::{Outcome, Timestamp, machine::Fate};

use super::{
    entry::{Entry, Key},
    registry::{Made, Registry},
    tenant::Tenant,
};
use crate::{
    circuit::{Draw, Permit},
    classify::AnyPermit,
    error::Rejected,
};

/// The right to make one call for a key, and the duty to say how it went: a [`Permit`](crate::Permit) that brings its key.
///
/// Dropped without [`KeyedPermit::record`] it counts as cancelled.
#[must_use = "a permit that is dropped is a cancelled call"]
pub struct KeyedPermit<K: Key> {
    held: Held<K>,
}

enum Held<K: Key> {
    /// The call counts for nothing.
    Nothing,
    /// That of the circuit which requests without a key share.
    Keyless(Permit),
    /// That of a key.
    Keyed(Call<K>),
}

/// A call to a key.
struct Call<K: Key> {
    registry: &'static Registry<K>,
    tenancy: u32,
    is_excluded: bool,
    cancelled_is_failure: bool,
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
    /// The generation with which the circuit began.
    first: u16,
    /// If the circuit is forgotten meanwhile, the call counts for the key's next one.
    is_renewable: bool,
    /// The circuit was closed when it let the call pass.
    was_closed: bool,
    is_lasting: bool,
}

impl<K: Key> KeyedPermit<K> {
    pub(super) const fn uncounted() -> Self {
        Self {
            held: Held::Nothing,
        }
    }

    pub(super) const fn keyless(permit: Permit) -> Self {
        Self {
            held: Held::Keyless(permit),
        }
    }

    /// Asks the circuit of this key.
    #[inline]
    pub(super) fn of(tenant: &Tenant<K>, key: K, draw: &mut Draw) -> Result<Self, Rejected> {
        let registry = tenant.registry;
        let turn = registry.turn();
        let look = |entry: &Arc<Entry<K>>| Seen::of(entry, tenant, draw);
        let admitted = match registry.with(&key, look) {
            None if !tenant.is_lasting(&key) => Admitted::Alone { turn },
            None => return Self::ask(tenant, key, None, draw),
            Some(Seen::Closed(given)) => Admitted::By(given),
            Some(Seen::Other(entry)) => return Self::ask(tenant, key, Some(entry), draw),
        };
        Ok(Self::keyed(tenant, key, admitted))
    }

    /// As [`KeyedPermit::of`], where a circuit must be made, or asked outside of the map.
    #[cold]
    fn ask(
        tenant: &Tenant<K>,
        key: K,
        mut seen: Option<Arc<Entry<K>>>,
        draw: &mut Draw,
    ) -> Result<Self, Rejected> {
        let registry = tenant.registry;
        loop {
            if let Some(entry) = seen {
                let now = tenant.parts.clock.now();
                if let Some(given) = Given::by(&entry, entry.circuit.acquire(draw)?, now, tenant) {
                    return Ok(Self::keyed(tenant, key, Admitted::By(given)));
                }
                registry.settle();
            }
            let turn = registry.turn();
            seen = registry.with(&key, Arc::clone);
            if seen.is_none() {
                if !tenant.is_lasting(&key) {
                    return Ok(Self::keyed(tenant, key, Admitted::Alone { turn }));
                }
                if let Made::No | Made::Gone = registry.make_for(&key, tenant) {
                    registry.pass_uncounted(tenant.tenancy);
                    return Ok(Self::uncounted());
                }
            }
        }
    }

    #[inline]
    fn keyed(tenant: &Tenant<K>, key: K, admitted: Admitted) -> Self {
        let call = Call {
            registry: tenant.registry,
            tenancy: tenant.tenancy,
            is_excluded: false,
            cancelled_is_failure: tenant.cancelled_is_failure(&key),
            key,
            admitted,
        };
        Self {
            held: Held::Keyed(call),
        }
    }

    /// Says how the call went.
    #[inline]
    pub fn record(self, outcome: Outcome) {
        self.settle(Fate::Recorded(outcome), None);
    }

    /// Says how the call went and how long it took, for calls that were measured elsewhere.
    pub fn record_after(self, outcome: Outcome, took: Duration) {
        self.settle(Fate::Recorded(outcome), Some(took));
    }

    #[inline]
    fn settle(mut self, fate: Fate, took: Option<Duration>) {
        mem::replace(&mut self.held, Held::Nothing).settle(fate, took);
    }
}

impl<K: Key> AnyPermit for KeyedPermit<K> {
    #[inline]
    fn record(self, outcome: Outcome) {
        self.record(outcome);
    }

    fn excluded(mut self) -> Self {
        self.held = match mem::replace(&mut self.held, Held::Nothing) {
            Held::Nothing => Held::Nothing,
            Held::Keyless(permit) => Held::Keyless(permit.excluded()),
            Held::Keyed(mut call) => {
                call.is_excluded = true;
                Held::Keyed(call)
            }
        };
        self
    }

    fn is_probe(&self) -> bool {
        match &self.held {
            Held::Nothing => false,
            Held::Keyless(permit) => permit.is_probe(),
            Held::Keyed(call) => match &call.admitted {
                Admitted::Alone { .. } => false,
                Admitted::By(given) => given.permit.is_probe(),
            },
        }
    }
}

impl<K: Key> Drop for KeyedPermit<K> {
    fn drop(&mut self) {
        mem::replace(&mut self.held, Held::Nothing).settle(Fate::Cancelled, None);
    }
}

impl<K: Key> fmt::Debug for KeyedPermit<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyedPermit")
    }
}

/// What a call finds at its key.
enum Seen<K> {
    /// A closed circuit, and what it gave.
    Closed(Given),
    /// Another one, which is to be asked outside of the map: it may tell its observers.
    Other(Arc<Entry<K>>),
}

impl<K: Key> Seen<K> {
    fn of(entry: &Arc<Entry<K>>, tenant: &Tenant<K>, draw: &mut Draw) -> Self {
        let now = tenant.parts.clock.now();
        entry.touch(now);
        let given = entry.circuit.slot().word().passes().then(|| {
            let permit = entry.circuit.acquire(draw).ok()?;
            Given::by(entry, permit, now, tenant)
        });
        match given.flatten() {
            Some(given) => Self::Closed(given),
            None => Self::Other(entry.clone()),
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
        if !permit.is_counted() && permit.slot().word().is_vacant() {
            permit.discard();
            return None;
        }
        Some(Self {
            first: entry.first,
            is_renewable: entry.is_renewable(permit.generation(), now, tenant.limits.keep),
            was_closed: permit.slot().word().passes(),
            is_lasting: entry.is_lasting,
            permit,
        })
    }
}

impl<K: Key> Held<K> {
    #[inline]
    fn settle(self, fate: Fate, took: Option<Duration>) {
        match self {
            Self::Nothing => {}
            Self::Keyless(permit) => {
                permit.settle(fate, took);
            }
            Self::Keyed(call) => call.settle(fate, took),
        }
    }
}

impl<K: Key> Call<K> {
    #[inline]
    fn settle(self, fate: Fate, took: Option<Duration>) {
        let fate = if self.is_excluded {
            Fate::Recorded(Outcome::Ignored)
        } else {
            fate
        };
        let is_failure = match fate {
            Fate::Recorded(Outcome::Success | Outcome::Ignored) => false,
            Fate::Cancelled => self.cancelled_is_failure,
            Fate::Recorded(_) => true,
        };
        // Whether its outcome needs a circuit, should there be none by now.
        let mut needs_circuit = is_failure;
        match self.admitted {
            // Nothing speaks against the downstream, and neither does this.
            Admitted::Alone { turn } if !is_failure && self.registry.is_still(turn) => return,
            Admitted::Alone { .. } => {}
            Admitted::By(given) => {
                let slot = given.permit.slot();
                if given.permit.settle(fate, took)
                    || !given.is_renewable
                    || !slot.is_over(given.first)
                {
                    let has_closed = !given.was_closed && slot.word().passes();
                    let is_calm = !given.is_lasting && slot.word().is_calm();
                    if has_closed || is_calm {
                        self.registry.tidy(&self.key, self.tenancy, has_closed);
                    }
                    return;
                }
                needs_circuit |= given.is_lasting && fate == Fate::Recorded(Outcome::Success);
            }
        }
        self.registry
            .settle_call(&self.key, self.tenancy, fate, needs_circuit, took);
    }
}

impl<K: Key> Registry<K> {
    /// Records a call that has no circuit of its own with whichever its key has now, or with one that it makes.
    #[cold]
    fn settle_call(
        &self,
        key: &K,
        tenancy: u32,
        fate: Fate,
        needs_circuit: bool,
        took: Option<Duration>,
    ) {
        loop {
            let Some(entry) = self.find(key, tenancy) else {
                if !needs_circuit {
                    return;
                }
                match self.make(key, tenancy) {
                    Made::Yes => continue,
                    Made::No => return self.pass_uncounted(tenancy),
                    Made::Gone => return,
                }
            };
            let permit = entry.circuit.first_permit(entry.first);
            let slot = permit.slot();
            if permit.settle(fate, took) || !slot.is_over(entry.first) {
                if !entry.is_lasting && slot.word().is_calm() {
                    self.tidy(key, tenancy, false);
                }
                return;
            }
            self.settle();
        }
    }

    /// After a call that may have left its circuit without anything to say: forgets that, or notes that it has closed.
    #[cold]
    fn tidy(&self, key: &K, tenancy: u32, has_closed: bool) {
        let keep = self.keep();
        let look = |entry: &Arc<Entry<K>>| {
            let is_due = has_closed || entry.may_be_spent(keep);
            (is_due && entry.tenancy == tenancy).then(|| entry.clone())
        };
        if let Some(entry) = self.with(key, look).flatten() {
            self.look_at(&entry);
        }
    }
}
