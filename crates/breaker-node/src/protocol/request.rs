//! What a peer asks for.

use std::borrow::Cow;
use std::iter;
use std::time::Duration;

use super::members::{Member, Members, boolean, integer, optional, text};
use super::parse::parse;
use super::{Address, Fault, Route};
use crate::downstream;
use crate::frame::Position;
use crate::services::Key;

/// A message, read.
#[derive(Debug)]
pub struct Message<'a> {
    /// Where its reply goes.
    pub from: Address<'a>,
    /// What it asks for, or why it cannot be answered otherwise than with an error.
    pub request: Result<Request<'a>, Fault>,
}

/// What a message asks for.
#[derive(Debug, PartialEq, Eq)]
pub enum Request<'a> {
    /// To make calls.
    Call(Calls<'a>),
    /// To be told that the node is there.
    Init,
    /// To be told how every service is.
    Status,
    /// To begin afresh with this service.
    Reset(Cow<'a, str>),
}

/// Calls to one service, which are made one after another.
#[derive(Debug, PartialEq, Eq)]
pub struct Calls<'a> {
    /// The service.
    pub service: Cow<'a, str>,
    /// The state that its breaker enters first.
    pub enter: Option<Enter>,
    failures: usize,
    success: Option<bool>,
    latency: Duration,
}

/// A state that a breaker can be put into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enter {
    /// Calls pass.
    Closed,
    /// Calls are rejected.
    Open,
    /// Calls are probes.
    HalfOpen,
}

impl<'a> Message<'a> {
    /// Reads the object that stands at `at`; `None` for an answer, which asks for nothing. A message
    /// that names no service means `service`.
    #[must_use]
    pub fn read(object: &'a [u8], at: Position, service: &'a str) -> Option<Self> {
        let (members, is_object) = match parse(object, at) {
            Ok(parsed) => parsed,
            Err(fault) => return Some(Self::unreadable(fault)),
        };
        let request = if is_object {
            Request::read(&members, service)
        } else {
            Err(Member::Body.fault())
        };
        Some(Self {
            from: Address::read(&members),
            request: request.transpose()?,
        })
    }

    /// A message of which nothing can be read, not even whose it is.
    #[must_use]
    pub fn unreadable(fault: Fault) -> Self {
        Self {
            from: Address::default(),
            request: Err(fault),
        }
    }
}

impl<'a> Address<'a> {
    /// Where the reply to a message goes, as far as that can be read.
    fn read(members: &Members<'a>) -> Self {
        let text = |member| members.read(member, text).ok().flatten();
        let route = || Route {
            src: text(Member::Src),
            dest: text(Member::Dest),
        };
        Self {
            in_reply_to: members.read(Member::MsgId, msg_id).ok().flatten().flatten(),
            envelope: members.has(Member::Body).then(route),
        }
    }
}

impl<'a> Request<'a> {
    /// Reads what a message asks for; `None` for an answer.
    fn read(members: &Members<'a>, service: &'a str) -> Result<Option<Self>, Fault> {
        members.read(Member::Body, Some)?;
        let answers = members.read(Member::InReplyTo, optional(Some));
        if matches!(answers, Ok(Some(Some(_)))) {
            return Ok(None);
        }
        let kind = members
            .read(Member::Type, text)?
            .ok_or_else(|| Member::Type.fault())?;
        if !["call", "init", "status", "reset"].contains(&&*kind) {
            let error =
                format!("there is no type \"{kind}\"; the types are call, init, status and reset");
            return Err(Fault::not_supported(error));
        }
        // A member that is wrong is told of even if the message has no use for it.
        answers?;
        members.read(Member::Src, text)?;
        members.read(Member::MsgId, msg_id)?;
        let dest = members.read(Member::Dest, text)?;
        let named = members.read(Member::Service, |raw| text(raw).filter(is_name))?;
        let calls = Calls::read(members, named.or(dest).unwrap_or(service.into()))?;
        Ok(Some(match &*kind {
            "init" => Self::Init,
            "status" => Self::Status,
            _ if !is_name(&calls.service) => return Err(Member::Dest.fault()),
            "reset" => Self::Reset(calls.service),
            _ => Self::Call(calls),
        }))
    }

    /// Whether it may keep other replies waiting.
    #[must_use]
    pub fn takes_time(&self) -> bool {
        matches!(self, Self::Call(calls) if calls.failures > 1000 || !calls.latency.is_zero())
    }
}

impl<'a> Calls<'a> {
    fn read(members: &Members<'a>, service: Cow<'a, str>) -> Result<Self, Fault> {
        let enter = members.read(Member::State, |raw| Enter::named(&text(raw)?))?;
        let failures = members
            .read(Member::ForceFailures, integer(0..=1_000_000))?
            .unwrap_or(0);
        let success = members
            .read(Member::ForceSuccess, boolean)?
            .or((failures == 0).then_some(true));
        let latency = members
            .read(Member::LatencyMs, integer(0..=3_600_000))?
            .unwrap_or(0);
        Ok(Self {
            service,
            enter,
            failures,
            success,
            latency: Duration::from_millis(latency),
        })
    }

    /// The calls to a service, in their order.
    pub fn calls(&self, service: Key) -> impl Iterator<Item = downstream::Call> + use<> {
        let latency = self.latency;
        let failures = iter::repeat_n(true, self.failures);
        failures
            .chain(self.success.map(|success| !success))
            .map(move |fails| downstream::Call {
                service,
                fails,
                latency,
            })
    }
}

impl Enter {
    fn named(name: &str) -> Option<Self> {
        match name {
            "closed" => Some(Self::Closed),
            "open" => Some(Self::Open),
            "half_open" => Some(Self::HalfOpen),
            _ => None,
        }
    }
}

fn msg_id(raw: &str) -> Option<Option<i128>> {
    optional(integer(i64::MIN.into()..=u64::MAX.into()))(raw)
}

/// Whether a service may be called this.
pub(crate) fn is_name(name: &(impl AsRef<str> + ?Sized)) -> bool {
    (1..=256).contains(&name.as_ref().len())
}
