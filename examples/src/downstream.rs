//! The server. One task accepts, one more serves each connection; dropping the [`Downstream`] ends the first
//! and closes the port, and what the others still serve ends with its client.

use std::error::Error;
use std::future::pending;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::instruction::{Instruction, Mood, Treatment};
use crate::text::Text;

/// An HTTP server on loopback that answers, fails, hangs or breaks off as it is told, until it is dropped.
#[derive(Debug)]
pub struct Downstream {
    addr: SocketAddr,
    plan: Arc<Mutex<Plan>>,
    accepting: JoinHandle<()>,
}

impl Downstream {
    /// Starts a healthy server on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// What the operating system says where it gives no port.
    pub async fn start() -> io::Result<Self> {
        Self::start_on((Ipv4Addr::LOCALHOST, 0).into()).await
    }

    /// Starts a healthy server on this address, one that went away for instance.
    ///
    /// # Errors
    /// What the operating system says where it does not give that port.
    pub async fn start_on(addr: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(addr).await?;
        let addr = listener.local_addr()?;
        let plan = Arc::new(Mutex::new(Plan::default()));
        let accepting = tokio::spawn(accept(listener, Arc::clone(&plan)));
        Ok(Self {
            addr,
            plan,
            accepting,
        })
    }

    /// The address it listens on.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The URL of `path`, which begins with a slash and may have a query.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    /// Treats every request that says nothing else so, from now on. It forgets what is left of a `fail_next`.
    pub fn set(&self, mood: Mood) {
        lock(&self.plan).set(mood);
    }

    /// How many requests have reached it.
    pub fn reached(&self) -> u64 {
        lock(&self.plan).reached
    }
}

impl Drop for Downstream {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

#[derive(Debug, Default)]
struct Plan {
    mood: Mood,
    fail_next: u32,
    reached: u64,
}

impl Plan {
    fn set(&mut self, mood: Mood) {
        self.mood = mood;
        self.fail_next = 0;
    }

    /// Counts the request, does what it asks for later ones, and says how it is treated itself.
    fn follow(&mut self, instruction: Instruction) -> Treatment {
        self.reached += 1;
        match instruction {
            Instruction::ThisOne(treatment) => return treatment,
            Instruction::Unclear => return Treatment::Answer(StatusCode::BAD_REQUEST),
            Instruction::Nothing => return self.plain(),
            Instruction::FailNext(count) => self.fail_next = count,
            Instruction::FromNowOn(mood) => self.set(mood),
        }
        Treatment::Answer(StatusCode::OK)
    }

    fn plain(&mut self) -> Treatment {
        let Some(left) = self.fail_next.checked_sub(1) else {
            return self.mood.into();
        };
        self.fail_next = left;
        Mood::Failing.into()
    }
}

/// A panic while the plan was held leaves it usable: it is three plain values.
fn lock(plan: &Mutex<Plan>) -> MutexGuard<'_, Plan> {
    plan.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn accept(listener: TcpListener, plan: Arc<Mutex<Plan>>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => serve(stream, Arc::clone(&plan)),
            // A client that gave up, or no descriptor left: neither is a reason to stop.
            Err(_) => tokio::task::yield_now().await,
        }
    }
}

fn serve(stream: TcpStream, plan: Arc<Mutex<Plan>>) {
    let service = service_fn(move |request| answer(Arc::clone(&plan), request));
    tokio::spawn(async move {
        let mut connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        // What else it ends with is of no interest: a client that hung up is wanted.
        if (&mut connection).await.is_err_and(|error| is_reset(&error)) {
            // Closed so, it sends a reset instead of an orderly end.
            let _ = connection.into_parts().io.inner().set_zero_linger();
        }
    });
}

/// Whether the connection ended because its request was to be reset.
fn is_reset(error: &hyper::Error) -> bool {
    let cause = error.source().and_then(|cause| cause.downcast_ref());
    cause.is_some_and(|cause: &io::Error| cause.kind() == io::ErrorKind::ConnectionReset)
}

/// An error ends the connection with nothing sent.
async fn answer<B>(plan: Arc<Mutex<Plan>>, request: Request<B>) -> io::Result<Response<Text>> {
    let treatment = lock(&plan).follow(Instruction::of(&request));
    match treatment {
        Treatment::Hang => pending().await,
        Treatment::Reset => Err(io::ErrorKind::ConnectionReset.into()),
        Treatment::Answer(status) => {
            let mut response = Response::new(Text::whole(format!("{status}\n")));
            *response.status_mut() = status;
            Ok(response)
        }
        Treatment::Cut => Ok(Response::new(Text::cut("cut off he".to_owned()))),
    }
}
