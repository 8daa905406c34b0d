//! Rows of two sources, matched by their keys.

use std::collections::HashSet;

use super::matching::Which;
use super::passes::{HashedRows, RowsToWrite};

/// How the rows of a table differ, as far as the parts read so far tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowDifference {
    /// The number of rows that only the first source has.
    pub lost: u64,
    /// The number of rows that only the second source has.
    pub new: u64,
    /// For each column how its values changed in the rows that both have.
    pub columns: Vec<CellDifference>,
    /// Hashes of keys of rows to show: lost, new and changed ones.
    pub samples: Samples,
}

/// Hashes of keys of rows to show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Samples {
    /// Of rows that only the first source has.
    pub lost: Vec<u64>,
    /// Of rows that only the second source has.
    pub new: Vec<u64>,
}

/// How the values of a column changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CellDifference {
    /// The number of rows with another value.
    pub changed: u64,
    /// How many of them were NULL before.
    pub were_null: u64,
    /// How many of them are NULL now.
    pub are_null: u64,
    /// Hashes of keys of such rows.
    pub samples: Vec<u64>,
}

/// The rows as indexes, ordered by the hash of their keys and then by their values, so that equal rows of tables
/// without a key match.
fn order(rows: &HashedRows, width: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..rows.keys.len()).collect();
    order.sort_unstable_by_key(|row| (rows.keys.get(*row), cells(rows, *row, width)));
    order
}

fn cells(rows: &HashedRows, row: usize, width: usize) -> &[u64] {
    rows.cells
        .get(row * width..(row + 1) * width)
        .unwrap_or_default()
}

impl RowDifference {
    /// Adds the difference of the rows of one part, whose values are those of the same columns in both. At most `most`
    /// rows of each kind are kept to be shown.
    pub fn add(&mut self, before: &HashedRows, after: &HashedRows, most: usize) {
        let width = before.columns.len();
        self.columns.resize_with(width, CellDifference::default);
        let (ours, theirs) = (order(before, width), order(after, width));
        let (mut i, mut j) = (0, 0);
        let key = |rows: &HashedRows, order: &[usize], at: usize| {
            order.get(at).and_then(|row| rows.keys.get(*row)).copied()
        };
        loop {
            match (key(before, &ours, i), key(after, &theirs, j)) {
                (None, None) => break,
                (Some(ours), theirs) if theirs.is_none_or(|theirs| ours < theirs) => {
                    self.lost += 1;
                    keep(&mut self.samples.lost, ours, most);
                    i += 1;
                }
                (ours, Some(theirs)) if ours.is_none_or(|ours| theirs < ours) => {
                    self.new += 1;
                    keep(&mut self.samples.new, theirs, most);
                    j += 1;
                }
                (Some(hash), _) => {
                    if let (Some(ours), Some(theirs)) = (ours.get(i), theirs.get(j)) {
                        let ours = cells(before, *ours, width);
                        self.row(hash, ours, cells(after, *theirs, width), most);
                    }
                    i += 1;
                    j += 1;
                }
                (None, Some(_)) => j += 1,
            }
        }
    }

    fn row(&mut self, key: u64, ours: &[u64], theirs: &[u64], most: usize) {
        for ((ours, theirs), column) in ours.iter().zip(theirs).zip(&mut self.columns) {
            if ours != theirs {
                column.changed += 1;
                column.were_null += u64::from(*ours == 0);
                column.are_null += u64::from(*theirs == 0);
                keep(&mut column.samples, key, most);
            }
        }
    }

    /// Adds the difference of other rows of the same table. At most `most` rows of each kind are kept to be shown.
    pub fn merge(&mut self, other: &Self, most: usize) {
        let add = |samples: &mut Vec<u64>, more: &[u64]| {
            for key in more {
                keep(samples, *key, most);
            }
        };
        self.lost += other.lost;
        self.new += other.new;
        add(&mut self.samples.lost, &other.samples.lost);
        add(&mut self.samples.new, &other.samples.new);
        self.columns
            .resize_with(other.columns.len(), CellDifference::default);
        for (ours, theirs) in self.columns.iter_mut().zip(&other.columns) {
            ours.changed += theirs.changed;
            ours.were_null += theirs.were_null;
            ours.are_null += theirs.are_null;
            add(&mut ours.samples, &theirs.samples);
        }
    }

    /// The rows that differ as one of the sources has them, where the hashes of all were kept.
    pub fn rows_of(&self, which: Which) -> RowsToWrite {
        let alone = match which {
            Which::Before => &self.samples.lost,
            Which::After => &self.samples.new,
        };
        let mut rows = RowsToWrite::new();
        for hash in alone {
            *rows.entry(*hash).or_default() += 1;
        }
        for hash in self.columns.iter().flat_map(|column| &column.samples) {
            rows.insert(*hash, usize::MAX);
        }
        rows
    }

    /// The hashes of the keys of all rows to show.
    pub fn shown(&self) -> HashSet<u64> {
        let columns = self.columns.iter().flat_map(|column| &column.samples);
        let rows = self.samples.lost.iter().chain(&self.samples.new);
        rows.chain(columns).copied().collect()
    }
}

fn keep(samples: &mut Vec<u64>, key: u64, most: usize) {
    if samples.len() < most {
        samples.push(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(rows: &[(u64, [u64; 2])]) -> HashedRows {
        HashedRows {
            columns: vec![Some(0), Some(1)],
            keys: rows.iter().map(|(key, _)| *key).collect(),
            cells: rows.iter().flat_map(|(_, cells)| *cells).collect(),
        }
    }

    #[test]
    fn rows_are_lost_new_or_changed_whatever_their_order() {
        let before = rows(&[(5, [50, 51]), (1, [10, 0]), (3, [30, 31]), (9, [7, 7])]);
        let after = rows(&[(9, [7, 7]), (4, [40, 41]), (1, [10, 12]), (5, [50, 51])]);
        let mut difference = RowDifference::default();
        difference.add(&before, &after, 10);
        assert_eq!((difference.lost, difference.new), (1, 1));
        assert_eq!(difference.samples.lost, [3]);
        assert_eq!(difference.samples.new, [4]);
        let second = &difference.columns[1];
        assert_eq!(
            (second.changed, second.were_null, second.are_null),
            (1, 1, 0)
        );
        assert_eq!(difference.columns[0].changed, 0);
        assert_eq!(difference.shown(), HashSet::from([1, 3, 4]));
    }

    #[test]
    fn a_row_that_stands_twice_matches_once() {
        let before = rows(&[(5, [1, 2]), (5, [1, 2])]);
        let after = rows(&[(5, [1, 2])]);
        let mut difference = RowDifference::default();
        difference.add(&before, &after, 10);
        assert_eq!((difference.lost, difference.new), (1, 0));
    }
}
