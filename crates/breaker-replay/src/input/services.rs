//! The services that a log speaks of, by number.

use std::collections::HashMap;

/// A name may be so long.
pub(crate) const LONGEST_NAME: usize = 256;

/// Numbers for names, up to a limit.
pub(crate) struct Services {
    numbers: HashMap<Box<[u8]>, u32>,
    most: usize,
    /// Calls to services beyond the limit.
    pub(crate) left_out: u64,
}

impl Services {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            numbers: HashMap::new(),
            most,
            left_out: 0,
        }
    }

    /// The number of a service; `None` if there are too many.
    pub(crate) fn number(&mut self, name: &[u8]) -> Option<u32> {
        if let Some(number) = self.numbers.get(name) {
            return Some(*number);
        }
        let number = self.numbers.len();
        if number >= self.most {
            self.left_out += 1;
            return None;
        }
        let number = u32::try_from(number).ok()?;
        self.numbers.insert(name.into(), number);
        Some(number)
    }

    /// All names, by number.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names = vec![String::new(); self.numbers.len()];
        for (name, number) in &self.numbers {
            names[*number as usize] = String::from_utf8_lossy(name).into_owned();
        }
        names
    }
}
