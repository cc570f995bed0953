//! A circuit breaker one can talk to.
//!
//! [`run`] reads messages, JSON objects, and answers each with a line. A message makes calls through a
//! real Tower stack, of a breaker and a timeout, around a simulated downstream. Each service that has
//! failed has a circuit of its own. `PROTOCOL.md` is the contract.
//!
//! Everything happens on one task, one message after another: the replies come in the order of the
//! messages, and there is nothing to lock. Time is Tokio's, so that a test can pause it.
#![cfg_attr(not(test), warn(clippy::unwrap_used))]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

pub mod downstream;
mod fleet;
pub mod frame;
mod node;
mod output;
pub mod protocol;
pub mod services;
mod settings;
pub mod stack;

use std::error;
use std::fmt;
use std::io::{self, Write};

use breaker_layer::ConfigError;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, BufReader};

use self::frame::Framer;
use self::node::Node;
pub use self::settings::Settings;

/// How many bytes are read at a time.
const CHUNK: usize = 256 * 1024;

/// Why the node ended before its input did.
#[derive(Debug)]
pub enum Error {
    /// The settings make no breaker.
    Settings(ConfigError),
    /// The settings make no fleet.
    Fleet(String),
    /// The input cannot be read.
    Read(io::Error),
    /// The output cannot be written.
    Write(io::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Settings(error) => error.fmt(f),
            Self::Fleet(error) => f.write_str(error),
            Self::Read(error) => write!(f, "cannot read the input: {error}"),
            Self::Write(error) => write!(f, "cannot write the output: {error}"),
        }
    }
}

impl error::Error for Error {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Settings(error) => error.source(),
            Self::Fleet(_) => None,
            Self::Read(error) | Self::Write(error) => Some(error),
        }
    }
}

/// Answers the messages of `input` on `output`, until one of them ends. What is worth a line and no
/// reply goes to `log`.
///
/// # Errors
///
/// If the settings make no breaker, or reading or writing fails. That nobody reads the output any more is no error.
pub async fn run<R, W, L>(input: R, output: W, log: L, settings: Settings) -> Result<(), Error>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
    L: Write,
{
    let framer = Framer::new(settings.max_message_bytes);
    let fleet = fleet::start(&settings)?;
    let node = Node::new(output, log, settings, fleet.as_ref()).map_err(Error::Settings)?;
    match serve(input, framer, node).await {
        Err(Error::Write(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

async fn serve<R, W, L>(input: R, mut framer: Framer, mut node: Node<W, L>) -> Result<(), Error>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
    L: Write,
{
    let mut input = BufReader::with_capacity(CHUNK, input);
    loop {
        let mut chunk = input.fill_buf().await.map_err(Error::Read)?;
        let length = chunk.len();
        if length == 0 {
            break;
        }
        while let Some(frame) = framer.next(&mut chunk) {
            node.handle(frame).await.map_err(Error::Write)?;
        }
        input.consume(length);
        // The next read may wait for a peer that waits for these replies.
        node.flush().await.map_err(Error::Write)?;
    }
    if let Some(frame) = framer.finish() {
        node.handle(frame).await.map_err(Error::Write)?;
    }
    node.flush().await.map_err(Error::Write)
}
