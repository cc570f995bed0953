//! Frames to replies.

use std::io::{self, Write};

use breaker_layer::ConfigError;
use tokio::io::AsyncWrite;

use crate::fleet::Place;
use crate::frame::Frame;
use crate::output::Output;
use crate::protocol::{Answer, Fault, Message, Request};
use crate::services::Services;
use crate::settings::Settings;
use crate::stack::Transitions;

/// Answers messages, one at a time.
#[derive(Debug)]
pub(crate) struct Node<W, L> {
    services: Services,
    output: Output<W>,
    log: L,
    /// The service of a message that names none.
    service: String,
}

impl<W: AsyncWrite + Unpin, L: Write> Node<W, L> {
    pub(crate) fn new(
        output: W,
        log: L,
        settings: Settings,
        place: Option<&Place>,
    ) -> Result<Self, ConfigError> {
        Ok(Self {
            services: Services::in_fleet(&settings, place)?,
            output: Output::new(output, settings.envelope),
            log,
            service: settings.service,
        })
    }

    /// Answers what the input holds next.
    pub(crate) async fn handle(&mut self, frame: Frame<'_>) -> io::Result<()> {
        let message = match frame {
            Frame::Bad(flaw, at) => {
                Message::unreadable(Fault::malformed_request(format!("{at}: {flaw}")))
            }
            Frame::Object(object, at) => match Message::read(object, at, &self.service) {
                Some(message) => message,
                None => {
                    // Who closes the log does not want to read it.
                    let _ = writeln!(
                        self.log,
                        "breaker-node: {at}: an answer, which needs no reply"
                    );
                    return Ok(());
                }
            },
        };
        if message.request.as_ref().is_ok_and(Request::takes_time) {
            // Who has been answered already should not wait for these calls.
            self.output.flush().await?;
        }
        let answer = match message.request {
            Ok(ref request) => answer(&mut self.services, &mut self.log, request).await,
            Err(fault) => Err(fault),
        };
        self.output
            .reply(&message.from, answer.unwrap_or_else(Answer::Fault))
            .await
    }

    /// Hands the peer what it has not been given yet.
    pub(crate) async fn flush(&mut self) -> io::Result<()> {
        self.output.flush().await
    }
}

async fn answer<'a>(
    services: &'a mut Services,
    log: &mut impl Write,
    request: &'a Request<'_>,
) -> Result<Answer<'a>, Fault> {
    match request {
        Request::Init => Ok(Answer::Init),
        Request::Status => Ok(Answer::Status(services)),
        Request::Reset(service) => {
            let key = services.find(service)?;
            services.reset(key);
            tell(services.transitions(), service, log);
            Ok(Answer::Reset(service))
        }
        Request::Call(calls) => {
            let key = services.find(&calls.service)?;
            let verdict = services.run(key, calls).await;
            tell(services.transitions(), &calls.service, log);
            let verdict = verdict?;
            Ok(Answer::Called(&calls.service, verdict))
        }
    }
}

/// Who closes the log does not want to read it.
fn tell(transitions: Transitions, service: &str, log: &mut impl Write) {
    // The peer chooses the name, and must not write a line of its own.
    let service = service.escape_debug();
    for transition in transitions.first {
        let _ = writeln!(log, "breaker-node: {service}: {transition}");
    }
    if transitions.more > 0 {
        let more = transitions.more;
        let _ = writeln!(log, "breaker-node: {service}: and {more} transitions more");
    }
}
