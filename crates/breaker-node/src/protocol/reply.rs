//! What the node answers.

use std::borrow::Cow;

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::Fault;
use crate::services::Services;
use crate::stack::Verdict;

/// Where a reply goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Address<'a> {
    /// The `msg_id` of the message.
    pub in_reply_to: Option<i128>,
    /// The way of its envelope, if it came in one.
    pub envelope: Option<Route<'a>>,
}

/// The way of an envelope.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Route<'a> {
    /// Who sent it.
    pub src: Option<Cow<'a, str>>,
    /// Who is to have it.
    pub dest: Option<Cow<'a, str>>,
}

/// What a reply says.
#[derive(Debug)]
pub enum Answer<'a> {
    /// How the calls to a service went.
    Called(&'a str, Verdict),
    /// The node is there.
    Init,
    /// How every service is.
    Status(&'a Services),
    /// This service begins afresh.
    Reset(&'a str),
    /// Why there is no better answer.
    Fault(Fault),
}

/// A reply, whose members stand in the order of the protocol.
#[derive(Debug)]
pub struct Reply<'a> {
    /// The `msg_id` that it answers.
    pub in_reply_to: Option<i128>,
    /// What it says.
    pub answer: Answer<'a>,
}

impl Reply<'_> {
    fn kind(&self) -> &'static str {
        match self.answer {
            Answer::Called(_, Verdict::Opened { .. }) => "circuit_breaker_open",
            Answer::Called(_, Verdict::Closed) => "circuit_breaker_closed",
            Answer::Called(_, Verdict::Succeeded { .. }) => "call_ok",
            Answer::Called(_, Verdict::Rejected | Verdict::Failed { .. }) | Answer::Fault(_) => {
                "error"
            }
            Answer::Init => "init_ok",
            Answer::Status(_) => "status_ok",
            Answer::Reset(_) => "reset_ok",
        }
    }
}

impl Serialize for Reply<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut reply = serializer.serialize_map(None)?;
        reply.serialize_entry("type", self.kind())?;
        if let Some(id) = self.in_reply_to {
            reply.serialize_entry("in_reply_to", &id)?;
        }
        match &self.answer {
            Answer::Called(service, verdict) => serialize_verdict(&mut reply, service, *verdict)?,
            Answer::Init => {}
            Answer::Status(services) => reply.serialize_entry("services", services)?,
            Answer::Reset(service) => reply.serialize_entry("service", service)?,
            Answer::Fault(Fault { code, error }) => {
                reply.serialize_entry("code", code)?;
                reply.serialize_entry("error", error)?;
            }
        }
        reply.end()
    }
}

fn serialize_verdict<M: SerializeMap>(
    reply: &mut M,
    service: &str,
    verdict: Verdict,
) -> Result<(), M::Error> {
    match verdict {
        Verdict::Rejected => reply.serialize_entry("error", "Circuit breaker OPEN")?,
        Verdict::Failed { .. } => reply.serialize_entry("error", "Downstream call failed")?,
        Verdict::Opened { .. } | Verdict::Closed | Verdict::Succeeded { .. } => {}
    }
    reply.serialize_entry("service", service)?;
    match verdict {
        Verdict::Opened { failures } | Verdict::Failed { failures } => {
            reply.serialize_entry("failures", &failures)
        }
        Verdict::Succeeded { state } => reply.serialize_entry("state", state),
        Verdict::Closed => reply.serialize_entry("state", "closed"),
        Verdict::Rejected => Ok(()),
    }
}
