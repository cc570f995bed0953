//! The members of an object that the node knows, as text until somebody asks for them.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use serde_json::value::RawValue;

use super::Fault;

/// A member that the node knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Member {
    Src,
    Dest,
    Body,
    Type,
    MsgId,
    InReplyTo,
    Service,
    ForceFailures,
    ForceSuccess,
    State,
    LatencyMs,
}

impl Member {
    /// Every member with its name and what it takes, in the order of their declaration.
    const ALL: [(Self, &'static str, &'static str); 11] = [
        (Self::Src, "src", "a string"),
        (
            Self::Dest,
            "dest",
            "a string, of 1 to 256 bytes where it stands for the service",
        ),
        (Self::Body, "body", "an object"),
        (Self::Type, "type", "a string: call, init, status or reset"),
        (
            Self::MsgId,
            "msg_id",
            "an integer from -2^63 to 2^64-1, or null",
        ),
        (Self::InReplyTo, "in_reply_to", "a value"),
        (Self::Service, "service", "a string of 1 to 256 bytes"),
        (
            Self::ForceFailures,
            "force_failures",
            "an integer from 0 to 1000000",
        ),
        (Self::ForceSuccess, "force_success", "true or false"),
        (Self::State, "state", "a string: closed, open or half_open"),
        (
            Self::LatencyMs,
            "latency_ms",
            "an integer from 0 to 3600000",
        ),
    ];

    /// Those of an envelope; all others are a body's.
    pub(super) const OF_ENVELOPE: [Self; 3] = [Self::Src, Self::Dest, Self::Body];

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(_, known, _)| *known == name)
            .map(|(member, ..)| *member)
    }

    /// What is wrong with a message in which this member is not what it should be.
    pub(super) fn fault(self) -> Fault {
        let (_, name, takes) = Self::ALL[self as usize];
        Fault::malformed_request(format!("{name} takes {takes}"))
    }

    /// What is wrong with a message in which this member stands twice.
    pub(super) fn repeated(self) -> Fault {
        let (_, name, takes) = Self::ALL[self as usize];
        Fault::malformed_request(format!("{name} stands twice; it takes {takes}, once"))
    }

    fn bit(self) -> u16 {
        1 << self as u32
    }
}

/// The known members of a message: those of its body, and of the envelope if it came in one.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Members<'a> {
    values: [Option<&'a RawValue>; Member::ALL.len()],
    /// A bit for each member that is there.
    present: u16,
    /// A bit for each member that stands more than once.
    repeated: u16,
}

impl<'a> Members<'a> {
    /// Whether the message has this member.
    pub(super) fn has(&self, member: Member) -> bool {
        self.present & member.bit() != 0
    }

    /// Reads a member's value; `None` if there is none.
    ///
    /// # Errors
    ///
    /// If the member stands twice or `read` makes nothing of it.
    pub(super) fn read<T>(
        &self,
        member: Member,
        read: impl FnOnce(&'a str) -> Option<T>,
    ) -> Result<Option<T>, Fault> {
        if self.repeated & member.bit() != 0 {
            return Err(member.repeated());
        }
        self.values[member as usize]
            .map(|raw| read(raw.get()).ok_or_else(|| member.fault()))
            .transpose()
    }

    /// Notes that a member stands here.
    pub(super) fn add(&mut self, member: Member, value: Option<&'a RawValue>) {
        self.values[member as usize] = value;
        self.repeated |= self.present & member.bit();
        self.present |= member.bit();
    }

    /// Takes the members of the envelope from `other`, and no others.
    pub(super) fn take_envelope(&mut self, other: &Self) {
        for member in Member::OF_ENVELOPE {
            let (kept, bit) = (!member.bit(), member.bit());
            self.values[member as usize] = other.values[member as usize];
            self.present = self.present & kept | other.present & bit;
            self.repeated = self.repeated & kept | other.repeated & bit;
        }
    }
}

/// Reads a string. Text without escapes, which is nearly all, is not copied.
pub(super) fn text(raw: &str) -> Option<Cow<'_, str>> {
    let text = raw.strip_prefix('"')?.strip_suffix('"')?;
    if text.as_bytes().contains(&b'\\') {
        return serde_json::from_str(raw).ok().map(Cow::Owned);
    }
    Some(Cow::Borrowed(text))
}

/// Reads an integer of this range, which is one that is written without a fraction or an exponent.
pub(super) fn integer<T: TryFrom<i128>>(range: RangeInclusive<i128>) -> impl Fn(&str) -> Option<T> {
    move |raw| {
        raw.parse()
            .ok()
            .filter(|value| range.contains(value))?
            .try_into()
            .ok()
    }
}

/// Reads a boolean.
pub(super) fn boolean(raw: &str) -> Option<bool> {
    raw.parse().ok()
}

/// Reads what may be null.
pub(super) fn optional<'a, T>(
    read: impl Fn(&'a str) -> Option<T>,
) -> impl Fn(&'a str) -> Option<Option<T>> {
    move |raw| {
        if raw == "null" {
            Some(None)
        } else {
            read(raw).map(Some)
        }
    }
}
