//! The services that a log speaks of, by number.

use std::collections::HashMap;

use super::clients::Clients;

/// A name may be so long.
pub(crate) const LONGEST_NAME: usize = 256;

/// The service of a line that names none.
pub(crate) const NAMELESS: &str = "(no service)";
/// What it is called where no line names one.
const ALL: &str = "all calls";

/// Numbers for names, up to a limit.
pub(crate) struct Services {
    numbers: HashMap<Box<[u8]>, u32>,
    most: usize,
    /// Where others are not asked for.
    only: Vec<Vec<u8>>,
    pub(crate) clients: Clients,
    /// Calls to services beyond the limit.
    pub(crate) left_out: u64,
}

impl Services {
    /// So many at the most, of so many clients; if any are named, these alone.
    pub(crate) fn new(most: usize, only: &[String], clients: u16) -> Self {
        Self {
            numbers: HashMap::new(),
            clients: Clients::new(clients),
            most,
            only: only.iter().map(|name| name.clone().into()).collect(),
            left_out: 0,
        }
    }

    /// The number of a service; `None` if there are too many, or others alone are asked for.
    pub(crate) fn number(&mut self, name: &[u8]) -> Option<u32> {
        if let Some(number) = self.numbers.get(name) {
            return Some(*number);
        }
        if !self.only.is_empty() && !self.only.iter().any(|only| only == name) {
            return None;
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
        if let [name] = &mut names[..]
            && name == NAMELESS
        {
            ALL.clone_into(name);
        }
        names
    }
}
