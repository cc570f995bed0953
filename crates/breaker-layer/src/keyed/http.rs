//! Keys of HTTP requests.

use std::{
    fmt,
    hash::{Hash, Hasher},
};

use ::http::{HeaderName, HeaderValue, Request, uri::Authority};

use super::ExtractKey;

/// One circuit for each host and port that clients call: the authority of the request's URI.
///
/// A request whose URI has none, as servers see them, has no key. `example.com` and `EXAMPLE.com` are the same key,
/// `example.com:80` is another, and so is `user@example.com`. The key shares the URI's memory; a table keeps a copy.
///
/// ```
/// use breaker_layer::keyed::{ByAuthority, KeyedBreakerLayer, KeyedCircuits};
///
/// let hosts = KeyedCircuits::<http::uri::Authority>::builder("hosts").build()?;
/// let layer = KeyedBreakerLayer::new(hosts, ByAuthority);
/// # Ok::<(), breaker_layer::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct ByAuthority;

impl<B> ExtractKey<Request<B>, Authority> for ByAuthority {
    fn key(&self, request: &Request<B>) -> Option<Authority> {
        request.uri().authority().cloned()
    }
}

/// One circuit for each value of a header, a tenant's for instance.
///
/// ```
/// use breaker_layer::keyed::{ByHeader, HeaderKey, KeyedBreakerLayer, KeyedCircuits};
/// use http::HeaderName;
///
/// let tenants = KeyedCircuits::<HeaderKey>::builder("tenants").build()?;
/// let layer = KeyedBreakerLayer::new(tenants, ByHeader::new(HeaderName::from_static("x-tenant")));
/// # Ok::<(), breaker_layer::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct ByHeader {
    name: HeaderName,
}

impl ByHeader {
    /// By the first header of this name.
    pub const fn new(name: HeaderName) -> Self {
        Self { name }
    }
}

impl<B> ExtractKey<Request<B>, HeaderKey> for ByHeader {
    fn key(&self, request: &Request<B>) -> Option<HeaderKey> {
        request.headers().get(&self.name).map(HeaderKey::from)
    }
}

/// A header's value as a key.
///
/// Up to 46 bytes, such as a UUID, are kept in place, so that nothing is allocated. A longer value shares the header's
/// memory; the first time that is done to one which was copied together, rather than read from a connection, allocates a
/// reference count. A table keeps a copy of it. A value that is marked as sensitive does not show itself.
///
/// ```
/// use breaker_layer::keyed::{HeaderKey, KeyedCircuits};
///
/// let tenants = KeyedCircuits::<HeaderKey>::builder("tenants").build()?;
/// tenants.circuit(&HeaderKey::from("acme"))?.isolate();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct HeaderKey(Value);

const IN_PLACE: usize = 46;

#[derive(Clone)]
enum Value {
    InPlace { bytes: [u8; IN_PLACE], len: u8 },
    Shared(HeaderValue),
    Owned(Box<[u8]>),
}

impl HeaderKey {
    /// The value's bytes.
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Value::InPlace { bytes, len } => &bytes[..usize::from(*len)],
            Value::Shared(value) => value.as_bytes(),
            Value::Owned(bytes) => bytes,
        }
    }

    fn in_place(value: &[u8]) -> Option<Self> {
        let mut bytes = [0; IN_PLACE];
        bytes.get_mut(..value.len())?.copy_from_slice(value);
        let len = value.len() as u8;
        Some(Self(Value::InPlace { bytes, len }))
    }

    /// The same, which shares no memory.
    pub(super) fn compact(&self) -> Self {
        match &self.0 {
            Value::Shared(value) if value.is_sensitive() => {
                let copy = compact_value(value).map(Value::Shared);
                copy.map_or_else(|| self.clone(), Self)
            }
            Value::Shared(value) => Self(Value::Owned(value.as_bytes().into())),
            Value::InPlace { .. } | Value::Owned(_) => self.clone(),
        }
    }
}

/// The same value, which shares no memory.
pub(super) fn compact_value(value: &HeaderValue) -> Option<HeaderValue> {
    let mut copy = HeaderValue::from_bytes(value.as_bytes()).ok()?;
    copy.set_sensitive(value.is_sensitive());
    Some(copy)
}

impl From<&HeaderValue> for HeaderKey {
    fn from(value: &HeaderValue) -> Self {
        // A sensitive value stays one that does not show itself.
        let in_place = (!value.is_sensitive()).then(|| Self::in_place(value.as_bytes()));
        in_place
            .flatten()
            .unwrap_or_else(|| Self(Value::Shared(value.clone())))
    }
}

impl From<&str> for HeaderKey {
    fn from(value: &str) -> Self {
        let bytes = value.as_bytes();
        Self::in_place(bytes).unwrap_or_else(|| Self(Value::Owned(bytes.into())))
    }
}

impl PartialEq for HeaderKey {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for HeaderKey {}

impl Hash for HeaderKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

/// The value as text, or `Sensitive`.
impl fmt::Display for HeaderKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Value::Shared(value) if value.is_sensitive() => f.write_str("Sensitive"),
            _ => String::from_utf8_lossy(self.as_bytes()).fmt(f),
        }
    }
}

impl fmt::Debug for HeaderKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Value::Shared(value) if value.is_sensitive() => fmt::Debug::fmt(value, f),
            _ => fmt::Debug::fmt(&String::from_utf8_lossy(self.as_bytes()), f),
        }
    }
}

/// One circuit for each of these paths, in which a segment in braces stands for any one.
///
/// The key is the template, so there are as many circuits as templates at the most. The first that fits counts; a path that
/// fits none has no key.
///
/// ```
/// use breaker_layer::keyed::{ByTemplate, ExtractKey};
/// use http::Request;
///
/// let routes = ByTemplate::new(&["/users/me", "/users/{id}", "/users/{id}/orders"]);
/// let request = Request::get("http://shop.example/users/12?full").body(())?;
/// assert_eq!(routes.key(&request), Some("/users/{id}"));
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ByTemplate {
    templates: &'static [&'static str],
}

impl ByTemplate {
    /// By these templates. What is known only at run time can be leaked, once.
    pub const fn new(templates: &'static [&'static str]) -> Self {
        Self { templates }
    }
}

impl<B> ExtractKey<Request<B>, &'static str> for ByTemplate {
    fn key(&self, request: &Request<B>) -> Option<&'static str> {
        let path = request.uri().path();
        let mut templates = self.templates.iter().copied();
        templates.find(|template| fits(template, path))
    }
}

fn fits(template: &str, path: &str) -> bool {
    let (mut wanted, mut given) = (template.split('/'), path.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some(wanted), Some(given)) => {
                let is_any = wanted.starts_with('{') && wanted.ends_with('}') && !given.is_empty();
                if !is_any && wanted != given {
                    return false;
                }
            }
            (Some(_), None) | (None, Some(_)) => return false,
        }
    }
}
