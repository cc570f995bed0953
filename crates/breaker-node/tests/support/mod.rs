//! A node in this process, and a peer that talks to it.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use breaker_node::{Error, Settings, run};
use clap::Parser;
use tokio::io::{
    AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader, DuplexStream, ReadBuf,
    duplex,
};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Longer than any call takes.
const DAY: Duration = Duration::from_secs(24 * 3600);

/// The settings that these flags make.
pub(crate) fn settings(flags: &[&str]) -> Settings {
    Settings::try_parse_from([&["breaker-node"], flags].concat()).unwrap()
}

/// What a fresh node with these flags writes for an input that is there as a whole.
pub(crate) async fn output(flags: &[&str], input: impl AsRef<[u8]>) -> String {
    let mut output = Vec::new();
    run(input.as_ref(), &mut output, io::sink(), settings(flags))
        .await
        .unwrap();
    String::from_utf8(output).unwrap()
}

/// Asserts what a fresh node with these flags answers: a list of messages and replies.
pub(crate) async fn assert_talk(flags: &[&str], talk: &[(&str, &str)]) {
    let mut peer = Peer::new(flags);
    for (message, reply) in talk {
        assert_eq!(peer.ask(message).await, *reply, "to {message}");
    }
    assert_eq!(peer.end().await, "");
}

/// A peer that waits for each reply before it goes on.
pub(crate) struct Peer {
    to: DuplexStream,
    from: BufReader<DuplexStream>,
    node: JoinHandle<Result<(), Error>>,
}

impl Peer {
    pub(crate) fn new(flags: &[&str]) -> Self {
        let (to, input) = duplex(1024);
        let (output, from) = duplex(1024);
        let node = tokio::spawn(run(input, output, io::sink(), settings(flags)));
        Self {
            to,
            from: BufReader::new(from),
            node,
        }
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.to.write_all(bytes.as_ref()).await.unwrap();
    }

    pub(crate) async fn reply(&mut self) -> String {
        let mut line = String::new();
        // Time moves by itself only where nothing else can: a reply that never comes fails at once.
        let read = timeout(DAY, self.from.read_line(&mut line)).await;
        read.expect("a reply comes").unwrap();
        line.strip_suffix('\n')
            .expect("a reply is a whole line")
            .into()
    }

    pub(crate) async fn ask(&mut self, message: &str) -> String {
        self.send(message).await;
        self.reply().await
    }

    /// Ends the input; returns what the node writes then.
    pub(crate) async fn end(self) -> String {
        let Self { to, mut from, node } = self;
        drop(to);
        let mut rest = String::new();
        from.read_to_string(&mut rest).await.unwrap();
        node.await.unwrap().unwrap();
        rest
    }

    /// Stops listening; returns how the node ends when it writes next.
    pub(crate) async fn hang_up(self, message: &str) -> Result<(), Error> {
        let Self { mut to, from, node } = self;
        drop(from);
        to.write_all(message.as_bytes()).await.unwrap();
        node.await.unwrap()
    }
}

/// An input that arrives in these chunks.
pub(crate) struct Chunks<I>(I);

impl<'c, I: Iterator<Item = &'c [u8]> + Unpin> Chunks<I> {
    pub(crate) fn new(chunks: I) -> Self {
        Self(chunks)
    }
}

impl<'c, I: Iterator<Item = &'c [u8]> + Unpin> AsyncRead for Chunks<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        into.put_slice(self.0.next().unwrap_or_default());
        Poll::Ready(Ok(()))
    }
}
