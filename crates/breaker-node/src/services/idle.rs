//! Services in the order of their last use.

use super::Key;

/// Some of the keys, in the order in which they were last put in: a ring of links, so that no step searches.
#[derive(Debug)]
pub(super) struct Idle {
    /// The first is between the end and the beginning; each key's own is behind it. One that is not in is linked to itself.
    links: Vec<Link>,
}

#[derive(Clone, Copy, Debug)]
struct Link {
    before: usize,
    behind: usize,
}

impl Idle {
    pub(super) fn new() -> Self {
        let (before, behind) = (0, 0);
        Self {
            links: vec![Link { before, behind }],
        }
    }

    /// Puts a key at the end, from wherever it was.
    pub(super) fn put(&mut self, key: Key) {
        self.remove(key);
        let (place, last) = (key.0 + 1, self.links[0].before);
        self.links[last].behind = place;
        self.links[place] = Link {
            before: last,
            behind: 0,
        };
        self.links[0].before = place;
    }

    /// Takes a key out, if it is in.
    pub(super) fn remove(&mut self, key: Key) {
        let place = key.0 + 1;
        for place in self.links.len()..=place {
            let (before, behind) = (place, place);
            self.links.push(Link { before, behind });
        }
        let Link { before, behind } = self.links[place];
        self.links[before].behind = behind;
        self.links[behind].before = before;
        self.links[place] = Link {
            before: place,
            behind: place,
        };
    }

    /// Takes out the one that was put in first.
    pub(super) fn pop(&mut self) -> Option<Key> {
        let key = Key(self.links[0].behind.checked_sub(1)?);
        self.remove(key);
        Some(key)
    }
}
