//! Names and values of a query or a form.

/// The parts of a query or of the body of a form, in their order.
#[derive(Debug, Default)]
pub(crate) struct Params(Vec<(String, String)>);

/// More parts than the console has are of no use.
const MOST: usize = 32;

impl Params {
    pub(crate) fn of(text: &[u8]) -> Self {
        let parts = text
            .split(|&byte| byte == b'&')
            .filter(|part| !part.is_empty());
        let pairs = parts.take(MOST).map(|part| {
            let end = part.iter().position(|&byte| byte == b'=');
            let (name, value) = part.split_at(end.unwrap_or(part.len()));
            (decoded(name), decoded(value.get(1..).unwrap_or_default()))
        });
        Self(pairs.collect())
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

/// Without its percent signs; what is no UTF-8 is replaced.
fn decoded(text: &[u8]) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        let (byte, after) = match (byte, after) {
            (b'+', _) => (b' ', after),
            (b'%', [high, low, after @ ..]) => match (digit(*high), digit(*low)) {
                (Some(high), Some(low)) => (high << 4 | low, after),
                _ => (byte, rest.get(1..).unwrap_or_default()),
            },
            _ => (byte, after),
        };
        bytes.push(byte);
        rest = after;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn digit(byte: u8) -> Option<u8> {
    let digit = char::from(byte).to_digit(16)?;
    u8::try_from(digit).ok()
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
}
