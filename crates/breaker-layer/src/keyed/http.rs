//! Keys of HTTP requests.

use std::fmt;

use ::http::{HeaderName, HeaderValue, Request, uri::Authority};

use super::ExtractKey;

/// One circuit for each host and port that clients call: the authority of the request's URI.
///
/// A request whose URI has none, as servers see them, has no key. `example.com` and `EXAMPLE.com` are the same key,
/// `example.com:80` is another, and so is `user@example.com`. The key shares the URI's memory.
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
/// Up to 31 bytes are kept in place, so that nothing is allocated. A longer value shares the header's memory; the first
/// time that is done to one which was copied together, rather than read from a connection, allocates a reference count.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct HeaderKey(Value);

const IN_PLACE: usize = 31;

#[derive(Clone, PartialEq, Eq, Hash)]
enum Value {
    InPlace { bytes: [u8; IN_PLACE], len: u8 },
    Shared(HeaderValue),
}

impl HeaderKey {
    /// The value's bytes.
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Value::InPlace { bytes, len } => &bytes[..usize::from(*len)],
            Value::Shared(value) => value.as_bytes(),
        }
    }
}

impl From<&HeaderValue> for HeaderKey {
    fn from(value: &HeaderValue) -> Self {
        let len = value.len();
        // A sensitive value stays one that does not show itself.
        if len > IN_PLACE || value.is_sensitive() {
            return Self(Value::Shared(value.clone()));
        }
        let mut bytes = [0; IN_PLACE];
        bytes[..len].copy_from_slice(value.as_bytes());
        let len = len as u8;
        Self(Value::InPlace { bytes, len })
    }
}

impl fmt::Debug for HeaderKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Value::InPlace { .. } => fmt::Debug::fmt(&String::from_utf8_lossy(self.as_bytes()), f),
            Value::Shared(value) => value.fmt(f),
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
