//! Names and values of a query or a form.

/// The parts of a query or of the body of a form, in their order.
#[derive(Debug, Default)]
pub(crate) struct Params(Vec<(String, String)>);

/// More parts than the console has are of no use.
const MOST: usize = 32;

impl Params {
    /// What is no UTF-8 is replaced.
    pub(crate) fn of(text: &[u8]) -> Self {
        let parts = form_urlencoded::parse(text).into_owned().take(MOST);
        Self(parts.collect())
    }

    /// The first value of this name.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let mut named = self.0.iter().filter(|(other, _)| other == name);
        named.next().map(|(_, value)| value.as_str())
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read_as_it_was_meant() {
        let params =
            Params::of(b"reason=they+move%21&&empty&circuit=a%26b%C3%B6&reason=second&x=%zz%4");
        assert_eq!(params.get("reason"), Some("they move!"));
        assert_eq!(params.get("circuit"), Some("a&bö"));
        assert_eq!(params.get("empty"), Some(""));
        assert_eq!(params.get("x"), Some("%zz%4"));
        assert_eq!(params.get("y"), None);
    }

    #[test]
    fn what_is_no_text_is_replaced() {
        assert_eq!(Params::of(b"a=%ff%00").get("a"), Some("\u{fffd}\0"));
    }

    #[test]
    fn of_very_many_parts_the_first_are_read() {
        let params = Params::of("a=b&".repeat(1_000_000).as_bytes());
        assert_eq!(params.0.len(), MOST);
    }
}
