//! Relative evidence: a circuit is judged against what the other circuits of its group do.
//!
//! Where interchangeable hosts stand behind one name, a host is ill if it fails more often than the others, and not because the
//! requests are bad for all of them. So the sequential test of [`Trip::evidence`](crate::Trip::evidence) gets other ratios: it tolerates
//! `max(own, 2 q + 2 %)` and finds intolerable what is 20 % above it, where `q` is what the others do.
//!
//! `q` is the median of the others' ratios ([`Ratio::typical`]). A mean would follow the ill ones: where half of the hosts are dead,
//! it is 50 %, and none of them would be found. The median of the others is still one that is well.
//!
//! A member learns its own ratio without counting healthy calls. A circuit counts every call as long as something speaks against its
//! downstream, from a first failure until the score is zero again. These calls without the first failure are a sample that does not
//! depend on how they end, so their ratio is that of all calls (Wald's identity). What fails in bursts is overestimated, which makes the test
//! milder.

/// The share of calls that fail, in millionths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ratio(u32);

impl Ratio {
    /// No call fails.
    pub const NONE: Self = Self(0);
    /// Every call fails.
    pub const ALL: Self = Self(1_000_000);

    /// So many millionths, at most all.
    pub const fn from_millionths(millionths: u32) -> Self {
        if millionths < Self::ALL.0 {
            Self(millionths)
        } else {
            Self::ALL
        }
    }

    /// The millionths.
    pub const fn millionths(self) -> u32 {
        self.0
    }

    /// What the others do: the median of their ratios, the larger of two. It sorts them in part. `None` if there are fewer than four:
    /// a few do not tell chance from illness.
    ///
    /// Of a group of which at most half are ill, the others of an ill one are ill to less than a half, so that this is one that is well.
    ///
    /// ```
    /// # use breaker_core::Ratio;
    ///
    /// let of = Ratio::from_millionths;
    /// assert_eq!(Ratio::typical(&mut [of(900_000), of(10_000), of(30_000), of(20_000)]), Some(of(30_000)));
    /// assert_eq!(Ratio::typical(&mut [of(900_000), of(10_000), of(30_000)]), None);
    /// ```
    pub fn typical(others: &mut [Self]) -> Option<Self> {
        if others.len() < LEAST_OTHERS {
            return None;
        }
        let (_, typical, _) = others.select_nth_unstable(others.len() / 2);
        Some(*typical)
    }

    pub(crate) fn of(share: f64) -> Self {
        Self::from_millionths((share * 1e6) as u32)
    }

    pub(crate) fn share(self) -> f64 {
        f64::from(self.0) / 1e6
    }
}

/// As much is tolerated beyond twice what the others do.
const MARGIN: f64 = 0.02;
/// As much more than what is tolerated is intolerable.
const BEYOND: f64 = 0.20;
/// Fewer others do not tell chance from illness: with one or two, healthy hosts at 20 % trip each other in their first seconds.
const LEAST_OTHERS: usize = 4;
/// So many calls since a first failure are seen before they are judged: when the requests become bad for all, the others are to show it.
pub(crate) const LEAST_CALLS: u32 = 20;
/// No more is tolerated, whatever the others do: a host of which nearly every call fails is of no use.
const MOST_TOLERATED: f64 = 0.75;

/// The ratios that the test tolerates and does not, among others that do so.
pub(crate) fn bounds(others: Ratio, own: Ratio) -> (f64, f64) {
    let tolerated = (2.0 * others.share() + MARGIN)
        .max(own.share())
        .min(MOST_TOLERATED);
    (tolerated, tolerated + BEYOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_tolerated_follows_the_others_up_to_three_quarters() {
        let of = |percent: u32| Ratio::from_millionths(10_000 * percent);
        for (others, own, tolerated) in
            [(0, 0, 2), (1, 0, 4), (1, 30, 30), (20, 30, 42), (60, 0, 75)]
        {
            let (p0, p1) = bounds(of(others), of(own));
            let expected = f64::from(tolerated) / 100.0;
            assert!((p0 - expected).abs() < 1e-9, "{others} {own}: {p0}");
            assert!((p1 - p0 - 0.2).abs() < 1e-9);
        }
    }
}
