//! What stands for the contents of a table: sums of hashes, which do not depend on the order of the rows. A hash has 64
//! bits, a sum 128, so that no sum of hashes ever overflows.

use std::hash::{BuildHasher, Hasher, RandomState};

use foldhash::{SharedSeed, quality::FoldHasher};
use indexmap::IndexMap;

/// Hashes of one run. The seed is new in every run, so that nobody can make a dump whose different contents have the
/// same sums.
#[derive(Clone, Copy, Debug)]
pub struct Hashes {
    seed: u64,
    shared: &'static SharedSeed,
}

/// Stands for NULL among the values of a key or row.
const NULL: u64 = 0x6E75_6C6C_6E75_6C6C;

impl Hashes {
    /// Hashes with a random seed.
    pub fn random() -> Self {
        let seed = RandomState::new().build_hasher().finish();
        Self {
            seed,
            shared: SharedSeed::global_random(),
        }
    }

    fn hash(&self, seed: u64, value: &[u8]) -> u64 {
        let mut hasher = FoldHasher::with_seed(seed, self.shared);
        hasher.write(value);
        hasher.finish()
    }

    /// The hash of several values in their order; `None` is NULL.
    pub fn several<'v>(&self, values: impl Iterator<Item = Option<&'v [u8]>>) -> u64 {
        values.fold(self.seed, |hash, value| match value {
            Some(value) => self.hash(hash, value),
            None => self.hash(hash ^ NULL, &[]),
        })
    }

    /// The hash of a value in the row of this key.
    pub fn cell(&self, key: u64, value: &[u8]) -> u64 {
        self.hash(key, value)
    }
}

/// The contents of one table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableDigest {
    /// The number of rows.
    pub rows: u64,
    /// The number of rows that could not be read.
    pub unread: u64,
    /// The sum of the hashes of all keys.
    pub keys: u128,
    /// The contents of each column, by its name in lower case.
    pub columns: IndexMap<String, ColumnDigest>,
    /// The rows by kind, where people count them.
    pub totals: super::totals::Totals,
}

/// The contents of one column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ColumnDigest {
    /// The sum of the hashes of its values, each with the key of its row.
    pub sum: u128,
    /// The number of NULLs.
    pub nulls: u64,
    /// The number of rows that came without a value for it.
    pub left_out: u64,
}

impl TableDigest {
    /// The digest of a table without rows.
    pub fn new<'c>(columns: impl Iterator<Item = &'c String>) -> Self {
        Self {
            columns: columns
                .map(|name| (name.clone(), ColumnDigest::default()))
                .collect(),
            ..Self::default()
        }
    }

    /// Adds the digest of other rows of the same table.
    pub fn merge(&mut self, other: &Self) {
        self.rows += other.rows;
        self.unread += other.unread;
        self.keys = self.keys.wrapping_add(other.keys);
        for (ours, theirs) in self.columns.values_mut().zip(other.columns.values()) {
            ours.sum = ours.sum.wrapping_add(theirs.sum);
            ours.nulls += theirs.nulls;
            ours.left_out += theirs.left_out;
        }
        self.totals.merge(&other.totals);
    }
}
