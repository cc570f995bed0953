//! Redis, and what speaks its protocol.

use std::{
    fmt,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use redis::{
    Client, IntoConnectionInfo, Pipeline, RedisResult, Value,
    aio::{ConnectionManager, ConnectionManagerConfig},
};

use crate::store::{Answer, Lease, Put, Read, Report, Store, StoreError, View};

/// Longer than any tick, whose own limit comes first.
const LIMIT: Duration = Duration::from_secs(10);
/// A longer field or value is not looked at.
const LONGEST: usize = 8192;

/// Redis 6.2 or later, Valkey or DragonflyDB as the [`Store`] of a fleet (feature `redis`).
///
/// It uses `HSET`, `HDEL`, `HRANDFIELD`, `PEXPIRE`, `PTTL` and `SET NX PX`, no scripts, and each namespace has one hash tag, so that a cluster's node serves it. Which of a cluster's nodes that is, is not looked
/// for: name it, or a proxy that knows.
///
/// It connects when it is first asked, and a connection on which an answer is missing is not used again: nothing queues up, and nothing is sent twice.
///
/// ```
/// use breaker_fleet::{Fleet, Redis};
/// use breaker_layer::Registry;
///
/// # tokio_test::block_on(async {
/// let store = Redis::open("redis://127.0.0.1/").unwrap();
/// let (fleet, ticks) = Fleet::builder(&Registry::new(), store).zone("eu-1a").build().unwrap();
/// // tokio::spawn(ticks);
/// # drop((fleet, ticks));
/// # });
/// ```
pub struct Redis {
    client: Client,
    /// The connection, while nobody uses it.
    idle: Mutex<Option<ConnectionManager>>,
}

impl Redis {
    /// The server at this address, such as `redis://user:password@host:6379/0`. For TLS (`rediss://`) turn on one of the features `tls-…` or `tokio-…-comp`
    /// of the crate `redis`.
    ///
    /// # Errors
    ///
    /// If it is no address. Nothing is connected yet.
    pub fn open(address: impl IntoConnectionInfo) -> Result<Self, StoreError> {
        Ok(Self::new(Client::open(address).map_err(StoreError::new)?))
    }

    /// The server of this client.
    pub const fn new(client: Client) -> Self {
        let idle = Mutex::new(None);
        Self { client, idle }
    }

    /// The connection that nobody uses, or a new one. Whoever is dropped before the answer is there takes it with him.
    fn take(&self) -> Result<ConnectionManager, StoreError> {
        let idle = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(manager) = idle {
            return Ok(manager);
        }
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(LIMIT))
            .set_response_timeout(Some(LIMIT))
            // The tick tries again, at its own pace.
            .set_number_of_retries(0);
        ConnectionManager::new_lazy_with_config(self.client.clone(), config)
            .map_err(StoreError::new)
    }

    fn give_back(&self, manager: ConnectionManager) {
        *self.idle.lock().unwrap_or_else(PoisonError::into_inner) = Some(manager);
    }
}

impl Store for Redis {
    async fn exchange(&self, report: &Report) -> Result<View, StoreError> {
        let mut manager = self.take()?;
        let (pipe, writes) = pipeline(report);
        let results: Vec<RedisResult<Value>> = pipe
            .query_async(&mut manager)
            .await
            .map_err(StoreError::new)?;
        if results.len() != writes + report.reads.len() {
            return Err(StoreError::new("the number of answers is wrong"));
        }
        let mut view = View::default();
        let mut results = results.into_iter();
        for written in results.by_ref().take(writes) {
            view.ignored += passed_over(written.map(drop))?;
        }
        for (read, result) in report.reads.iter().zip(results) {
            let (answer, ignored) = answer(read, result)?;
            view.answers.push(answer);
            view.ignored += ignored;
        }
        // A server that refuses, as one that has become a replica does, is looked for anew.
        self.give_back(manager);
        Ok(view)
    }

    async fn lease(&self, wanted: &[Lease]) -> Result<Vec<bool>, StoreError> {
        let mut manager = self.take()?;
        let mut pipe = redis::pipe();
        for Lease { name, lasts } in wanted {
            let set = pipe.cmd("SET").arg(name).arg(1).arg("NX");
            set.arg("PX").arg(millis(*lasts));
        }
        let got: Vec<Option<String>> = pipe
            .query_async(&mut manager)
            .await
            .map_err(StoreError::new)?;
        self.give_back(manager);
        Ok(got.iter().map(Option::is_some).collect())
    }
}

/// The commands, and how many of them write.
fn pipeline(report: &Report) -> (Pipeline, usize) {
    let mut pipe = redis::pipe();
    pipe.ignore_errors();
    for Put {
        hash,
        field,
        value,
        keep,
    } in &report.puts
    {
        pipe.cmd("HSET").arg(hash).arg(field).arg(value);
        if let Some(keep) = keep {
            pipe.cmd("PEXPIRE").arg(hash).arg(millis(*keep));
        }
    }
    for (hash, field) in &report.removes {
        pipe.cmd("HDEL").arg(hash).arg(field);
    }
    let writes = pipe.len();
    for read in &report.reads {
        match read {
            Read::Hash { hash, most } => {
                pipe.cmd("HRANDFIELD")
                    .arg(hash)
                    .arg(*most)
                    .arg("WITHVALUES");
            }
            Read::Left(what) => {
                pipe.cmd("PTTL").arg(what);
            }
        }
    }
    (pipe, writes)
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis())
        .unwrap_or(u64::MAX)
        .clamp(1, 1 << 52)
}

/// A key of another type is a stranger's, and passed over. Any other error is the store's.
fn passed_over(result: RedisResult<()>) -> Result<u64, StoreError> {
    match result {
        Ok(()) => Ok(0),
        Err(error) if error.code() == Some("WRONGTYPE") => Ok(1),
        Err(error) => Err(StoreError::new(error)),
    }
}

fn answer(read: &Read, result: RedisResult<Value>) -> Result<(Answer, u64), StoreError> {
    let (value, mut ignored) = match result {
        Ok(value) => (value, 0),
        Err(error) => (Value::Nil, passed_over(Err(error))?),
    };
    let answer = match read {
        Read::Left(_) => match value {
            // It is there, and has no end: nobody of us wrote it.
            Value::Int(left) => Answer::Left(u64::try_from(left).ok().map(Duration::from_millis)),
            _ => Answer::Left(None),
        },
        Read::Hash { .. } => {
            let (fields, strange) = fields(value);
            ignored += strange;
            Answer::Fields(fields)
        }
    };
    Ok((answer, ignored))
}

/// Fields and values, as RESP2 (one flat list) or RESP3 (pairs) gives them, and how many are none.
fn fields(value: Value) -> (Vec<(String, String)>, u64) {
    let pairs: Vec<(Value, Value)> = match value {
        Value::Map(pairs) => pairs,
        Value::Array(values) => pairs(values),
        _ => Vec::new(),
    };
    let all = pairs.len();
    let fields: Vec<_> = pairs
        .into_iter()
        .filter_map(|(field, value)| Some((text(field)?, text(value)?)))
        .collect();
    let strange = u64::try_from(all - fields.len()).unwrap_or(u64::MAX);
    (fields, strange)
}

fn pairs(values: Vec<Value>) -> Vec<(Value, Value)> {
    let (mut pairs, mut values) = (Vec::new(), values.into_iter());
    while let Some(first) = values.next() {
        match first {
            Value::Array(pair) => {
                let mut pair = pair.into_iter();
                pairs.extend(pair.next().zip(pair.next()));
            }
            field => pairs.extend(values.next().map(|value| (field, value))),
        }
    }
    pairs
}

fn text(value: Value) -> Option<String> {
    match value {
        Value::BulkString(bytes) if bytes.len() <= LONGEST => String::from_utf8(bytes).ok(),
        Value::SimpleString(text) if text.len() <= LONGEST => Some(text),
        _ => None,
    }
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The address may hold a password.
        f.debug_struct("Redis").finish_non_exhaustive()
    }
}
