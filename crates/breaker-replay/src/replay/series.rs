//! Figures over time, in at most [`MOST`] columns, whose width grows as time goes on.

/// A picture is seldom wider.
pub(crate) const MOST: usize = 480;

/// Widths of a column, each a multiple of the one before, in milliseconds.
const WIDTHS: [u64; 24] = {
    const S: u64 = 1000;
    const M: u64 = 60 * S;
    const H: u64 = 60 * M;
    const D: u64 = 24 * H;
    [
        1,
        2,
        10,
        20,
        100,
        200,
        S,
        2 * S,
        10 * S,
        20 * S,
        M,
        2 * M,
        10 * M,
        20 * M,
        H,
        2 * H,
        6 * H,
        12 * H,
        D,
        2 * D,
        10 * D,
        20 * D,
        100 * D,
        1000 * D,
    ]
};
const MILLI: u64 = 1_000_000;

/// Pairs of counts, by time. Columns begin at multiples of their width.
#[derive(Clone, Debug, Default)]
pub(crate) struct Series {
    counts: Vec<[u32; 2]>,
    /// The number of the first column.
    first: u64,
    /// Which of the widths.
    width: usize,
}

impl Series {
    /// Adds to the counts of a time, which is not before that of the first.
    #[inline]
    pub(crate) fn add(&mut self, at: u64, counts: [u32; 2]) {
        if self.counts.is_empty() {
            self.first = at / self.nanos();
        }
        let mut column = (at / self.nanos()).saturating_sub(self.first);
        while column >= MOST as u64 && self.width + 1 < WIDTHS.len() {
            self.widen();
            column = (at / self.nanos()).saturating_sub(self.first);
        }
        let column = (column as usize).min(MOST - 1);
        if column >= self.counts.len() {
            self.counts.resize(column + 1, [0; 2]);
        }
        for (sum, count) in self.counts[column].iter_mut().zip(counts) {
            *sum = sum.saturating_add(count);
        }
    }

    fn widen(&mut self) {
        let factor = WIDTHS[self.width + 1] / WIDTHS[self.width];
        let first = self.first / factor;
        let mut wide: Vec<[u32; 2]> = vec![];
        for (at, counts) in self.counts.iter().enumerate() {
            let column = ((self.first + at as u64) / factor - first) as usize;
            wide.resize(wide.len().max(column + 1), [0; 2]);
            for (sum, count) in wide[column].iter_mut().zip(counts) {
                *sum = sum.saturating_add(*count);
            }
        }
        (self.counts, self.first, self.width) = (wide, first, self.width + 1);
    }

    /// The width of a column that shows so long a time.
    pub(crate) fn width_for(from: u64, to: u64) -> usize {
        let fits = |width: &u64| to / (width * MILLI) - from / (width * MILLI) < MOST as u64;
        WIDTHS.iter().position(fits).unwrap_or(WIDTHS.len() - 1)
    }

    /// The same in columns at least so wide.
    pub(crate) fn at_width(mut self, width: usize) -> Self {
        while self.width < width {
            self.widen();
        }
        self
    }

    /// The width of a column in nanoseconds.
    pub(crate) const fn nanos(&self) -> u64 {
        WIDTHS[self.width] * MILLI
    }

    /// When each column begins, and its counts.
    pub(crate) fn columns(&self) -> impl Iterator<Item = (u64, [u32; 2])> {
        let counts = self.counts.iter().enumerate();
        counts.map(|(at, counts)| ((self.first + at as u64) * self.nanos(), *counts))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn nothing_is_lost_and_everything_stays_in_its_time(
            gaps in prop::collection::vec(prop_oneof![0..MILLI, 0..1000 * MILLI, 0..1_000_000_000 * MILLI], 1..200),
        ) {
            let mut series = Series::default();
            let mut at = 1_700_000_000_000 * MILLI;
            let mut times = vec![];
            for gap in gaps {
                at += gap;
                times.push(at);
                series.add(at, [1, 2]);
            }
            let columns: Vec<_> = series.columns().collect();
            prop_assert!(columns.len() <= MOST);
            for (start, counts) in columns {
                let inside = times.iter().filter(|at| (start..start + series.nanos()).contains(at)).count() as u32;
                prop_assert_eq!(counts, [inside, 2 * inside]);
            }
        }
    }

    #[test]
    fn each_width_is_a_multiple_of_the_one_before() {
        for pair in WIDTHS.windows(2) {
            assert_eq!(pair[1] % pair[0], 0);
        }
    }
}
