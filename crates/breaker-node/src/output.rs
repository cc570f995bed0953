//! Replies on their way out.

use std::io;

use serde::Serialize;
use tokio::io::{AsyncWrite, AsyncWriteExt};

use crate::protocol::{Address, Answer, Reply, Route, write_line};

/// How many bytes of replies may wait for each other.
const ENOUGH: usize = 64 * 1024;

/// Writes replies, several at a time where it can.
#[derive(Debug)]
pub(crate) struct Output<W> {
    writer: W,
    envelopes: bool,
    waiting: Vec<u8>,
}

impl<W: AsyncWrite + Unpin> Output<W> {
    pub(crate) fn new(writer: W, envelopes: bool) -> Self {
        Self {
            writer,
            envelopes,
            waiting: Vec::new(),
        }
    }

    /// Takes a reply, which is written with the next [flush](Self::flush) at the latest.
    pub(crate) async fn reply(&mut self, to: &Address<'_>, answer: Answer<'_>) -> io::Result<()> {
        let body = Reply {
            in_reply_to: to.in_reply_to,
            answer,
        };
        match &to.envelope {
            Some(Route { src, dest }) if self.envelopes => {
                let envelope = Envelope {
                    src: dest.as_deref(),
                    dest: src.as_deref(),
                    body,
                };
                write_line(&mut self.waiting, &envelope)?;
            }
            Some(_) | None => write_line(&mut self.waiting, &body)?,
        }
        if self.waiting.len() >= ENOUGH {
            self.write().await
        } else {
            Ok(())
        }
    }

    /// Writes what waits, so that the peer has it.
    pub(crate) async fn flush(&mut self) -> io::Result<()> {
        self.write().await?;
        self.writer.flush().await
    }

    async fn write(&mut self) -> io::Result<()> {
        self.writer.write_all(&self.waiting).await?;
        self.waiting.clear();
        // The status of very many services should not hold its memory for ever.
        self.waiting.shrink_to(2 * ENOUGH);
        Ok(())
    }
}

/// The answer to an envelope: from where that went, to where it came from.
#[derive(Serialize)]
struct Envelope<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    src: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dest: Option<&'a str>,
    body: Reply<'a>,
}
