//! Which client made a call: each of them has circuits of its own.

use std::collections::HashMap;

use breaker_core::mix;

use super::fields::Value;

/// Numbers for clients.
pub(crate) struct Clients {
    numbers: HashMap<Box<[u8]>, u16>,
    most: u16,
    calls: u64,
    /// Calls of clients beyond the limit, which share the circuits of others.
    pub(crate) shared: u64,
}

impl Clients {
    /// So many at the most.
    pub(crate) fn new(most: u16) -> Self {
        Self {
            numbers: HashMap::new(),
            most: most.max(1),
            calls: 0,
            shared: 0,
        }
    }

    /// The number of a client that the log names; `None` if it names none.
    pub(crate) fn named(&mut self, name: &Value<'_>) -> Option<u16> {
        let owned;
        let name = match name {
            Value::Text(name) => &name[..],
            Value::Number(number) => {
                owned = number.to_string();
                owned.as_bytes()
            }
            Value::Missing | Value::Nothing | Value::Bool(_) => return None,
        };
        if let Some(number) = self.numbers.get(name) {
            return Some(*number);
        }
        let number = self.numbers.len() as u64;
        if number < u64::from(self.most) {
            self.numbers.insert(name.into(), number as u16);
            return Some(number as u16);
        }
        self.shared += 1;
        let sum = name.iter().fold(0, |sum, byte| mix(sum ^ u64::from(*byte)));
        Some((sum % u64::from(self.most)) as u16)
    }

    /// A client drawn for a call of which the log does not say who made it; the same in every run.
    #[inline]
    pub(crate) fn dealt(&mut self) -> u16 {
        if self.most == 1 {
            return 0;
        }
        self.calls += 1;
        (mix(self.calls) % u64::from(self.most)) as u16
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_keeps_its_number_and_those_beyond_the_limit_share_one() {
        let mut clients = Clients::new(2);
        let numbers =
            ["a", "b", "a", "c", "c"].map(|name| clients.named(&Value::text(name.as_bytes())));
        assert_eq!(numbers[..3], [Some(0), Some(1), Some(0)]);
        assert_eq!(numbers[3], numbers[4]);
        assert_eq!(clients.shared, 2);
        assert_eq!(clients.named(&Value::Nothing), None);
    }

    #[test]
    fn calls_are_dealt_out_to_all_clients_alike() {
        let mut clients = Clients::new(4);
        let mut counts = [0; 4];
        for _ in 0..4000 {
            counts[usize::from(clients.dealt())] += 1;
        }
        assert!(
            counts.iter().all(|count| (900..1100).contains(count)),
            "{counts:?}"
        );
    }
}
