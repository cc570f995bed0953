//! Where the processes meet: hashes with bounded reads, and leases.

use std::{error, fmt, future::Future, pin::Pin, sync::Arc, time::Duration};

/// Where the processes of a fleet meet.
///
/// A store keeps hashes of short texts and grants leases. It decides nothing, and everything that is read from it is taken with care:
/// what a [`Fleet`](crate::Fleet) does not understand it ignores and counts. [`InMemory`](crate::InMemory) is one for tests; Redis is
/// behind the feature `redis`.
///
/// Both methods may be dropped half-way, when the tick's time limit passes. A report says how things *are*, so that one which is written twice,
/// late or not at all does no harm.
pub trait Store: Send + Sync + 'static {
    /// Writes what the report says, then reads what it asks, best in one round trip.
    ///
    /// # Errors
    ///
    /// If anything could not be written or read.
    fn exchange(&self, report: &Report) -> impl Future<Output = Result<View, StoreError>> + Send;

    /// Takes each of these leases that nobody has, best in one round trip, and says for each whether it did. A lease ends by itself.
    ///
    /// # Errors
    ///
    /// If any could not be asked.
    fn lease(&self, wanted: &[Lease])
    -> impl Future<Output = Result<Vec<bool>, StoreError>> + Send;
}

/// A lease that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Its name.
    pub name: String,
    /// It ends after this long.
    pub lasts: Duration,
}

/// What a process writes to the store, and what it asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Fields to be set, in this order.
    pub puts: Vec<Put>,
    /// Fields to be removed, each as its hash and its name.
    pub removes: Vec<(String, String)>,
    /// What is read after that.
    pub reads: Vec<Read>,
}

/// A field of a hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Put {
    /// The name of the hash.
    pub hash: String,
    /// The name of the field.
    pub field: String,
    /// Its value.
    pub value: String,
    /// If set, the whole hash ends after this long, unless it is put off again.
    pub keep: Option<Duration>,
}

/// Something to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Read {
    /// The fields of the hash, `most` of them at the most, whichever.
    Hash {
        /// The name of the hash.
        hash: String,
        /// How many fields at the most.
        most: usize,
    },
    /// For how long a lease goes on.
    Left(String),
}

/// What was read: an answer for each [`Read`], in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// The answers.
    pub answers: Vec<Answer>,
    /// How many things the store itself could make nothing of: a key of another type, a value that is too long.
    pub ignored: u64,
}

/// What one [`Read`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The names and values of fields.
    Fields(Vec<(String, String)>),
    /// For how long the lease goes on; `None` if there is none.
    Left(Option<Duration>),
}

/// Why a store did not answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreError(Arc<str>);

impl StoreError {
    /// An error that says this.
    pub fn new(what: impl fmt::Display) -> Self {
        Self(what.to_string().into())
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl error::Error for StoreError {}

type Boxed<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// A store whose type is forgotten, so that a fleet has none.
pub(crate) trait AnyStore: Send + Sync {
    fn exchange<'a>(&'a self, report: &'a Report) -> Boxed<'a, View>;
    fn lease<'a>(&'a self, wanted: &'a [Lease]) -> Boxed<'a, Vec<bool>>;
}

impl<S: Store> AnyStore for S {
    fn exchange<'a>(&'a self, report: &'a Report) -> Boxed<'a, View> {
        Box::pin(Store::exchange(self, report))
    }

    fn lease<'a>(&'a self, wanted: &'a [Lease]) -> Boxed<'a, Vec<bool>> {
        Box::pin(Store::lease(self, wanted))
    }
}
