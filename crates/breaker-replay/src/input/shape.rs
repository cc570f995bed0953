//! What a value looks like: it tells formats apart that have equally many of them.

use memchr::memchr;
use serde::Deserialize;

use super::{list::items, unit::number};

/// What the values of a variable look like. A dash, which says that there is none, has every shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Shape {
    /// No blank in it.
    Word,
    /// A whole number.
    Whole,
    /// A whole number but 0, such as microseconds.
    Count,
    /// A whole number of seconds that a call may last.
    Seconds,
    /// A number with a point, or several.
    Decimal,
    /// No bare number, and none in it.
    Address,
}

/// A call that lasts longer is not believed to be given in seconds.
const LONGEST: f64 = 300.0;

impl Shape {
    pub(crate) fn fits(self, value: &[u8]) -> bool {
        if let b"-" = value {
            return true;
        }
        let is_whole = || !value.is_empty() && value.iter().all(u8::is_ascii_digit);
        match self {
            Self::Word => !value.is_empty() && memchr(b' ', value).is_none(),
            Self::Whole => is_whole(),
            Self::Count => is_whole() && value.iter().any(|digit| *digit != b'0'),
            Self::Seconds => is_whole() && number(value).is_some_and(|count| count <= LONGEST),
            Self::Decimal => all(value, |item| {
                memchr(b'.', item).is_some() && number(item).is_some()
            }),
            Self::Address => all(value, |item| {
                number(item).is_none() && memchr(b' ', item).is_none()
            }),
        }
    }
}

/// Whether all items of a list are so, and there is one.
fn all(value: &[u8], is: impl Fn(&[u8]) -> bool) -> bool {
    if memchr(b' ', value).is_none() {
        return !value.is_empty() && is(value);
    }
    let mut count = 0;
    let fit = items(value).all(|item| {
        count += 1;
        item == b"-" || is(item)
    });
    fit && count > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_number_is_no_address_and_a_list_of_addresses_is_one() {
        for (shape, value, fits) in [
            (Shape::Address, "0.006", false),
            (Shape::Address, "10.0.0.5:80", true),
            (
                Shape::Address,
                "10.0.0.5:80, 10.0.0.6:80 : unix:/run/x",
                true,
            ),
            (Shape::Address, "10.0.0.5:80, 5", false),
            (Shape::Decimal, "0.001, 0.002 : -", true),
            (Shape::Decimal, "52341", false),
            (Shape::Count, "52341", true),
            (Shape::Count, "0", false),
            (Shape::Seconds, "52341", false),
            (Shape::Seconds, "3", true),
            (Shape::Whole, "-", true),
            (Shape::Word, "a b", false),
        ] {
            assert_eq!(shape.fits(value.as_bytes()), fits, "{shape:?} {value}");
        }
    }
}
