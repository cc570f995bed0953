//! What a table keeps of a key: a copy that owns its bytes, and a name.

#[cfg(feature = "http")]
use std::any::Any;
use std::{
    fmt::{self, Display, Write},
    sync::Arc,
};

use super::entry::Key;

/// A copy of the key that keeps nothing else in memory.
///
/// A clone of one of `http`'s types shares the memory of what it was cut from: a whole URL, or all that a connection had
/// read at that moment. For a look-up that is as it should be. What is kept for hours is copied.
pub(super) fn copy<K: Key>(key: &K) -> K {
    // What is not the same key would never be found.
    compact(key)
        .filter(|copy| copy == key)
        .unwrap_or_else(|| key.clone())
}

#[cfg(not(feature = "http"))]
const fn compact<K: Key>(_: &K) -> Option<K> {
    None
}

#[cfg(feature = "http")]
fn compact<K: Key>(key: &K) -> Option<K> {
    use ::http::{
        HeaderName, HeaderValue, Uri,
        uri::{Authority, PathAndQuery},
    };
    use bytes::Bytes;

    as_type(key, |key: &Authority| key.as_str().parse().ok())
        .or_else(|| as_type(key, |key: &super::HeaderKey| Some(key.compact())))
        .or_else(|| as_type(key, |key: &HeaderValue| super::http::compact_value(key)))
        .or_else(|| as_type(key, |key: &Uri| key.to_string().parse().ok()))
        .or_else(|| as_type(key, |key: &PathAndQuery| key.as_str().parse().ok()))
        .or_else(|| as_type(key, |key: &HeaderName| key.as_str().parse().ok()))
        .or_else(|| as_type(key, |key: &Bytes| Some(Bytes::copy_from_slice(key))))
}

/// What this makes of the key, if the key is a `T`.
#[cfg(feature = "http")]
fn as_type<K: Key, T: Key>(key: &K, make: impl FnOnce(&T) -> Option<T>) -> Option<K> {
    let key: &dyn Any = key;
    let mut made = make(key.downcast_ref()?);
    let made: &mut dyn Any = &mut made;
    made.downcast_mut::<Option<K>>()?.take()
}

/// A name is no longer than this.
const MOST_BYTES: usize = 256;

/// What a key displays as: at most 256 bytes of it, and of an authority without a user's name and password.
pub(super) fn name<K: Key + Display>(key: &K) -> Arc<str> {
    let mut name = Name {
        bytes: [0; MOST_BYTES],
        len: 0,
    };
    // An error says that there is more than a name holds.
    match write_name(&mut name, key) {
        Ok(()) => name.text().into(),
        Err(fmt::Error) => format!("{}…", name.text()).into(),
    }
}

fn write_name<K: Key + Display>(name: &mut Name, key: &K) -> fmt::Result {
    #[cfg(feature = "http")]
    if let Some(authority) = (key as &dyn Any).downcast_ref::<::http::uri::Authority>() {
        let text = authority.as_str();
        return name.write_str(text.rsplit_once('@').map_or(text, |(_, host)| host));
    }
    write!(name, "{key}")
}

/// Text that has a limit.
struct Name {
    bytes: [u8; MOST_BYTES],
    len: usize,
}

impl Name {
    fn text(&self) -> &str {
        // Only whole characters are put in.
        str::from_utf8(&self.bytes[..self.len]).unwrap_or_default()
    }
}

impl Write for Name {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut fits = text.len().min(MOST_BYTES - ELLIPSIS - self.len);
        while !text.is_char_boundary(fits) {
            fits -= 1;
        }
        self.bytes[self.len..self.len + fits].copy_from_slice(&text.as_bytes()[..fits]);
        self.len += fits;
        if fits < text.len() {
            Err(fmt::Error)
        } else {
            Ok(())
        }
    }
}

const ELLIPSIS: usize = '…'.len_utf8();
