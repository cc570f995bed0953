//! Harm and waste before and after a mark in the log.

use super::series::Series;

/// What it cost on both sides of the mark.
#[derive(Clone, Debug)]
pub(crate) enum Split {
    /// The mark is known beforehand.
    At {
        mark: u64,
        before: [u64; 2],
        after: [u64; 2],
    },
    /// It is not, because the log comes from a pipe: costs are kept over time, and the column with the mark in it is of neither
    /// side.
    Later(Series),
}

impl Split {
    pub(crate) fn new(mark: Option<u64>) -> Self {
        match mark {
            Some(mark) => Self::At {
                mark,
                before: [0; 2],
                after: [0; 2],
            },
            None => Self::Later(Series::default()),
        }
    }

    #[inline]
    pub(crate) fn add(&mut self, at: u64, cost: [u32; 2]) {
        match self {
            Self::At {
                mark,
                before,
                after,
            } => {
                let side = if at < *mark { before } else { after };
                for (sum, cost) in side.iter_mut().zip(cost) {
                    *sum += u64::from(cost);
                }
            }
            Self::Later(series) => series.add(at, cost),
        }
    }

    /// Harm and waste before the mark, and after it.
    pub(crate) fn sides(&self, mark: u64) -> [[u64; 2]; 2] {
        let series = match self {
            Self::At { before, after, .. } => return [*before, *after],
            Self::Later(series) => series,
        };
        let mut sides = [[0; 2]; 2];
        for (from, costs) in series.columns() {
            let side = match from {
                from if from.saturating_add(series.nanos()) <= mark => 0,
                from if from >= mark => 1,
                _ => continue,
            };
            for (sum, cost) in sides[side].iter_mut().zip(costs) {
                *sum += u64::from(cost);
            }
        }
        sides
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_at_the_mark_is_after_it_and_a_column_with_the_mark_is_of_neither_side() {
        let second = 1_000_000_000;
        let times = [0, 7 * second, 7 * second + 1, 600 * second];
        let (mut known, mut later) = (Split::new(Some(7 * second)), Split::new(None));
        for at in times {
            known.add(at, [1, 2]);
            later.add(at, [1, 2]);
        }
        assert_eq!(known.sides(7 * second), [[1, 2], [3, 6]]);
        // Its columns are two seconds wide.
        assert_eq!(later.sides(7 * second), [[1, 2], [1, 2]]);
        assert_eq!(later.sides(8 * second), [[3, 6], [1, 2]]);
    }
}
