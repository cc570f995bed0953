//! The handle of a fleet: what this process hears, and orders to all.

use std::{
    collections::{BTreeMap, BTreeSet},
    error, fmt,
    future::Future,
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use breaker_layer::Registry;
use tokio::time::Instant;

use crate::{
    event::{Event, Observer},
    member::{Member, order_keep, orders, random::Random, roll},
    order::{Kept, Order},
    snapshot::{Ordered, Snapshot},
    store::{Answer, AnyStore, Lease, Put, Read, Report, Store, StoreError, View},
    tick::{self, Link},
    wire::{self, STAMP},
};

/// This process's place in a fleet: a handle to what it hears, and for orders to all. Clones are the same.
///
/// [`Fleet::builder`] makes it, together with the one future that does the work for every circuit of a [`Registry`], tables included. Spawn that:
///
/// ```
/// use breaker_fleet::{Fleet, InMemory};
/// use breaker_layer::{Circuit, Registry};
///
/// # tokio_test::block_on(async {
/// let registry = Registry::new();
/// let payments = Circuit::builder("payments").build().unwrap();
/// registry.add(&payments).unwrap();
/// let (fleet, ticks) = Fleet::builder(&registry, InMemory::new()).zone("eu-1a").build().unwrap();
/// tokio::spawn(ticks);
/// # tokio::time::sleep(std::time::Duration::from_millis(20)).await;
/// assert!(fleet.snapshot().is_connected);
/// # });
/// ```
#[derive(Clone)]
pub struct Fleet {
    shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) registry: Registry,
    pub(crate) store: Box<dyn AnyStore>,
    pub(crate) member: Mutex<Member>,
    pub(crate) link: Mutex<Link>,
    pub(crate) namespace: String,
    /// From one tick to the next, and the most that one may take.
    pub(crate) pace: Duration,
    pub(crate) follows: BTreeSet<String>,
    observers: Vec<Observer>,
    /// What the time is counted from.
    begun: Instant,
}

impl Shared {
    pub(crate) fn member(&self) -> MutexGuard<'_, Member> {
        self.member.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn link(&self) -> MutexGuard<'_, Link> {
        self.link.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn now(&self) -> Duration {
        Instant::now().saturating_duration_since(self.begun)
    }

    /// With nothing held. An observer that panics is the user's, and the ticks go on.
    pub(crate) fn tell(&self, event: &Event) {
        crate::event::log(event);
        for observer in &self.observers {
            if let Err(payload) = catch_unwind(AssertUnwindSafe(|| observer(event))) {
                // It may panic as it is dropped.
                mem::forget(payload);
            }
        }
    }
}

/// Says how a process takes part. Made by [`Fleet::builder`].
#[must_use = "it does nothing until it is built"]
pub struct FleetBuilder {
    registry: Registry,
    store: Box<dyn AnyStore>,
    namespace: String,
    zone: String,
    pace: Duration,
    follows: BTreeSet<(String, Option<String>)>,
    observers: Vec<Observer>,
    seed: Option<u64>,
}

/// A setting that makes no fleet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FleetError(String);

impl fmt::Display for FleetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl error::Error for FleetError {}

impl Fleet {
    /// Begins one: its votes are on the circuits of this registry, and go through this store.
    pub fn builder(registry: &Registry, store: impl Store) -> FleetBuilder {
        FleetBuilder {
            registry: registry.clone(),
            store: Box::new(store),
            namespace: "default".to_owned(),
            zone: "none".to_owned(),
            pace: Duration::from_secs(1),
            follows: BTreeSet::new(),
            observers: Vec::new(),
            seed: None,
        }
    }

    /// What this process hears at this moment.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::of(&self.shared)
    }

    /// Whether the store has answered within the last three ticks.
    pub fn is_connected(&self) -> bool {
        let now = self.shared.now();
        self.shared.link().is_up(now, self.shared.pace)
    }

    /// Gives an order to all processes, and says under which id it is kept. It takes the place of an earlier one for the same circuit and zone.
    ///
    /// ```
    /// use breaker_fleet::{Fleet, InMemory, Order};
    /// use breaker_layer::{Circuit, Registry, State};
    ///
    /// # tokio_test::block_on(async {
    /// let (registry, payments) = (Registry::new(), Circuit::builder("payments").build().unwrap());
    /// registry.add(&payments).unwrap();
    /// let (fleet, ticks) = Fleet::builder(&registry, InMemory::new()).build().unwrap();
    /// # tokio::time::pause();
    /// tokio::spawn(ticks);
    /// fleet.order(Order::isolate("payments").because("their database moves").by("ann")).await.unwrap();
    /// tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    /// assert_eq!(payments.state(), State::Isolated);
    /// # });
    /// ```
    ///
    /// # Errors
    ///
    /// If the store did not take it within a tick's time limit, it holds 1024 orders, or the order's names are too long. It may still have been taken then;
    /// [`Fleet::orders`] says so.
    pub async fn order(&self, order: Order) -> Result<String, StoreError> {
        let target = order.target();
        let target = target.ok_or_else(|| {
            StoreError::new("the names in the order are too long, or its zone is none")
        })?;
        let keys = self.shared.member().keys.clone();
        let id = format!("{:016x}", self.shared.member().random.number());
        let all = self.kept().await?;
        let mut removes = self.over(&all).await?;
        let number = all.iter().map(|(_, kept)| kept.number).max();
        let number = number.unwrap_or_default().saturating_add(1);
        let same = all.iter().filter(|(of, _)| *of == target);
        removes.extend(same.map(|(of, kept)| kept.field(of)));
        if all.len() >= orders::MOST && removes.is_empty() {
            return Err(StoreError::new(format_args!(
                "the store holds {} orders, and takes no more",
                orders::MOST
            )));
        }
        if let Some(span) = order.span() {
            let name = keys.until(&id);
            let until = [Lease { name, lasts: span }];
            self.limited(self.shared.store.lease(&until)).await?;
        }
        let kept = Kept { id, number, order };
        let text = kept
            .write()
            .ok_or_else(|| StoreError::new("the order cannot be written"))?;
        let put = |hash, field: &str, value: &str| Put {
            hash,
            field: field.to_owned(),
            value: value.to_owned(),
            keep: Some(order_keep()),
        };
        let puts = vec![
            put(keys.orders(), &kept.field(&target), &text),
            put(keys.stamp(), STAMP, &kept.id),
        ];
        let removes = removes.into_iter().map(|field| (keys.orders(), field));
        let report = Report {
            puts,
            removes: removes.collect(),
            ..Report::default()
        };
        self.exchange(&report).await?;
        Ok(kept.id)
    }

    /// The orders in the store, each with how many of the living processes have done it.
    ///
    /// # Errors
    ///
    /// If the store did not answer within a tick's time limit.
    pub async fn orders(&self) -> Result<Vec<Ordered>, StoreError> {
        let keys = self.shared.member().keys.clone();
        let kept = self.kept().await?;
        let kept: Vec<_> = kept.into_iter().map(|(_, kept)| kept).collect();
        let hash = |hash, most| Read::Hash { hash, most };
        let applied = kept
            .iter()
            .map(|kept| hash(keys.applied(&kept.id), roll::MOST));
        let mut reads: Vec<_> = applied.collect();
        reads.extend(kept.iter().map(|kept| Read::Left(keys.until(&kept.id))));
        reads.push(hash(keys.living(), roll::MOST));
        let mut answers = self.reads(reads).await?.answers;
        let fields = match answers.pop() {
            Some(Answer::Fields(fields)) => fields,
            Some(Answer::Left(_)) | None => Vec::new(),
        };
        let living: BTreeMap<&str, &str> = self.shared.member().roll.living_of(&fields).collect();
        let (applied, left) = answers.split_at(kept.len().min(answers.len()));
        let orders = kept.into_iter().zip(applied).zip(left);
        Ok(orders
            .map(|((kept, applied), left)| Ordered::of(kept, applied, left, &living))
            .collect())
    }

    /// The orders in the store, each with its target.
    async fn kept(&self) -> Result<Vec<(String, Kept)>, StoreError> {
        let hash = self.shared.member().keys.orders();
        let reads = vec![Read::Hash {
            hash,
            most: orders::MOST,
        }];
        let view = self.reads(reads).await?;
        let fields = view.answers.into_iter().find_map(|answer| match answer {
            Answer::Fields(fields) => Some(fields),
            Answer::Left(_) => None,
        });
        let fields = fields.into_iter().flatten();
        Ok(fields
            .filter_map(|(field, text)| Kept::read(&field, &text))
            .collect())
    }

    /// The fields of those that are over.
    async fn over(&self, kept: &[(String, Kept)]) -> Result<Vec<String>, StoreError> {
        let keys = self.shared.member().keys.clone();
        let ending = kept.iter().filter(|(_, kept)| kept.order.span().is_some());
        let ending: Vec<_> = ending.collect();
        if ending.is_empty() {
            return Ok(Vec::new());
        }
        let left = |(_, kept): &&(String, Kept)| Read::Left(keys.until(&kept.id));
        let view = self.reads(ending.iter().map(left).collect()).await?;
        let over = ending.into_iter().zip(view.answers);
        let over = over.filter(|(_, left)| *left == Answer::Left(None));
        Ok(over.map(|((of, kept), _)| kept.field(of)).collect())
    }

    async fn reads(&self, reads: Vec<Read>) -> Result<View, StoreError> {
        self.exchange(&Report {
            reads,
            ..Report::default()
        })
        .await
    }

    async fn exchange(&self, report: &Report) -> Result<View, StoreError> {
        self.limited(self.shared.store.exchange(report)).await
    }

    async fn limited<T>(
        &self,
        asked: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let limit = self.shared.pace;
        let asked = tokio::time::timeout(limit, asked).await;
        asked.unwrap_or_else(|_| Err(tick::too_late(limit)))
    }
}

impl FleetBuilder {
    /// Processes hear each other within a namespace: one for each program that runs many times, in each environment. 1 to 64 of letters, digits,
    /// `-`, `_` and `.`. Default: `default`.
    pub fn namespace(self, namespace: impl Into<String>) -> Self {
        let namespace = namespace.into();
        Self { namespace, ..self }
    }

    /// What fails together: a zone, a cluster, a rack. Three peers of the own zone are heard by themselves, too, so that a sick zone convinces only itself.
    /// As a namespace. Default: `none`.
    pub fn zone(self, zone: impl Into<String>) -> Self {
        let zone = zone.into();
        Self { zone, ..self }
    }

    /// From one exchange with the store to the next, and the most that one may take: 100 ms to 10 s. Default: 1 s. All processes of a namespace
    /// should have the same.
    pub fn tick(self, pace: Duration) -> Self {
        Self { pace, ..self }
    }

    /// For a downstream that is one thing to all: once a majority of all the living is open, this circuit goes half-open on suspicion, and
    /// its next calls decide. It never opens unasked.
    pub fn follow(mut self, circuit: impl Into<String>) -> Self {
        self.follows.insert((circuit.into(), None));
        self
    }

    /// As [`FleetBuilder::follow`], for a key of a table.
    pub fn follow_key(mut self, table: impl Into<String>, key: impl Into<String>) -> Self {
        self.follows.insert((table.into(), Some(key.into())));
        self
    }

    /// Has this told when the store is lost or found again, and what orders are done. It should be quick.
    pub fn observe(mut self, observer: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.observers.push(Box::new(observer));
        self
    }

    /// Has all chance come from this number, and so the name of the process: for tests. Two processes must not have the same.
    pub fn seed(self, seed: u64) -> Self {
        let seed = Some(seed);
        Self { seed, ..self }
    }

    /// The handle, and the future that does the work for all circuits: spawn it. It ends when it is dropped.
    ///
    /// It does not wait for the store to be there. It needs Tokio's timer.
    ///
    /// # Errors
    ///
    /// If a name or the tick is out of range.
    pub fn build(self) -> Result<(Fleet, impl Future<Output = ()> + Send + 'static), FleetError> {
        for (what, name) in [("namespace", &self.namespace), ("zone", &self.zone)] {
            if wire::word(name).is_none() {
                let name = name.escape_debug();
                return Err(FleetError(format!(
                    "{what} = \"{name}\": takes 1 to 64 of letters, digits, -, _ and ."
                )));
            }
        }
        if !(Duration::from_millis(100)..=Duration::from_secs(10)).contains(&self.pace) {
            let pace = self.pace;
            return Err(FleetError(format!(
                "tick = {pace:?}: takes a duration from 100 ms to 10 s"
            )));
        }
        let mut random = self.seed.map_or_else(Random::new, Random::of);
        let me = format!("{:016x}", random.number());
        let follows = self.follows.iter();
        let follows = follows.filter_map(|(name, key)| wire::circuit(name, key.as_deref()));
        let shared = Shared {
            follows: follows.collect(),
            registry: self.registry,
            store: self.store,
            link: Mutex::default(),
            pace: self.pace,
            observers: self.observers,
            begun: Instant::now(),
            member: Mutex::new(Member::new(
                &self.namespace,
                me,
                &self.zone,
                self.pace,
                random,
            )),
            namespace: self.namespace,
        };
        let shared = Arc::new(shared);
        let fleet = Fleet {
            shared: shared.clone(),
        };
        Ok((fleet, tick::run(shared)))
    }
}

impl fmt::Debug for Fleet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fleet")
            .field("namespace", &self.shared.namespace)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for FleetBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FleetBuilder")
            .field("namespace", &self.namespace)
            .finish_non_exhaustive()
    }
}
