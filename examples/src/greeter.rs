//! A gRPC service, and a server of it on loopback which behaves as it is told.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_stream::{Stream, StreamExt, iter, pending};
use tonic::{Request, Response, Status};

use greeter_server::{Greeter, GreeterServer};
pub use made::*;

#[allow(
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::allow_attributes_without_reason,
    reason = "made by build.rs"
)]
mod made {
    tonic::include_proto!("greeter");
}

/// How the server treats its calls.
#[derive(Clone, Copy, Debug, Default)]
pub enum Mood {
    /// Greets.
    #[default]
    Healthy,
    /// Knows nobody.
    Choosy,
    /// Refuses in a response of trailers only.
    Unavailable,
    /// Takes the call and never answers.
    Hanging,
    /// Sends a greeting, and then the status of a failure.
    FailingInTrailers,
    /// Sends a greeting, and then closes the connection.
    DyingHalfWay,
}

/// A gRPC server on loopback, until it is dropped.
#[derive(Debug)]
pub struct Server {
    addr: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    mood: Mutex<Mood>,
    reached: AtomicU64,
    /// Each change closes every connection.
    hang_up: watch::Sender<()>,
}

impl Server {
    /// Starts a healthy server on this address.
    ///
    /// # Errors
    /// What the operating system says where it does not give that port.
    pub async fn start(addr: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(addr).await?;
        let addr = listener.local_addr()?;
        let shared = Arc::new(Shared {
            mood: Mutex::new(Mood::Healthy),
            reached: AtomicU64::new(0),
            hang_up: watch::Sender::new(()),
        });
        let accepting = tokio::spawn(accept(listener, shared.clone()));
        Ok(Self {
            addr,
            shared,
            accepting,
        })
    }

    /// The address it listens on.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Treats every call so, from now on.
    pub fn set(&self, mood: Mood) {
        *self
            .shared
            .mood
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = mood;
    }

    /// How many calls have reached it.
    pub fn reached(&self) -> u64 {
        self.shared.reached.load(SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
        self.shared.hang_up.send_replace(());
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        let mut hang_up = shared.hang_up.subscribe();
        let service = TowerToHyperService::new(GreeterServer::from_arc(shared.clone()));
        tokio::spawn(async move {
            let server = auto::Builder::new(TokioExecutor::new());
            tokio::select! {
                // What it ends with is of no interest: a client that hung up is wanted.
                _ = server.serve_connection(TokioIo::new(stream), service) => {}
                _ = hang_up.changed() => {}
            }
        });
    }
}

impl Shared {
    /// How this call is treated.
    fn greet(&self) -> Mood {
        self.reached.fetch_add(1, SeqCst);
        *self.mood.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

type Greetings = Pin<Box<dyn Stream<Item = Result<Greeting, Status>> + Send>>;

#[tonic::async_trait]
impl Greeter for Shared {
    type GreetOftenStream = Greetings;

    async fn greet(&self, request: Request<Name>) -> Result<Response<Greeting>, Status> {
        match self.greet() {
            Mood::Choosy => Err(Status::not_found("nobody is called so")),
            Mood::Unavailable => Err(Status::unavailable("come back later")),
            Mood::Hanging => std::future::pending().await,
            Mood::Healthy | Mood::FailingInTrailers | Mood::DyingHalfWay => {
                Ok(Response::new(greeting(&request)))
            }
        }
    }

    async fn greet_often(&self, request: Request<Name>) -> Result<Response<Greetings>, Status> {
        let first = iter([Ok(greeting(&request))]);
        let greetings: Greetings = match self.greet() {
            Mood::FailingInTrailers => {
                Box::pin(first.chain(iter([Err(Status::internal("lost for words"))])))
            }
            Mood::DyingHalfWay => {
                let hang_up = self.hang_up.clone();
                tokio::spawn(async move {
                    // By then the greeting has been sent.
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    hang_up.send_replace(());
                });
                Box::pin(first.chain(pending()))
            }
            Mood::Healthy | Mood::Choosy | Mood::Unavailable | Mood::Hanging => {
                Box::pin(first.chain(iter([Ok(greeting(&request))])))
            }
        };
        Ok(Response::new(greetings))
    }
}

fn greeting(request: &Request<Name>) -> Greeting {
    Greeting {
        text: format!("hello {}", request.get_ref().name),
    }
}
