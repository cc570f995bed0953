//! The style and the script, under names that change when they do.

use crate::html::fnv;

/// A file that browsers may keep for ever.
pub(crate) struct Asset {
    pub(crate) content: &'static str,
    pub(crate) kind: &'static str,
    name: [u8; 16],
}

pub(crate) static STYLE: Asset =
    Asset::new(include_str!("assets/style.css"), "text/css; charset=utf-8");
pub(crate) static SCRIPT: Asset = Asset::new(
    include_str!("assets/script.js"),
    "text/javascript; charset=utf-8",
);

impl Asset {
    const fn new(content: &'static str, kind: &'static str) -> Self {
        let hash = fnv(0, content.as_bytes());
        let mut name = [0; 16];
        let mut at = 0;
        while at < name.len() {
            name[at] = b"0123456789abcdef"[(hash >> (60 - 4 * at)) as usize & 15];
            at += 1;
        }
        Self {
            content,
            kind,
            name,
        }
    }

    /// The hash of its content.
    pub(crate) fn name(&self) -> &str {
        str::from_utf8(&self.name).unwrap_or_default()
    }
}
