//! Sets of ids, in memory that grows with the distinct ones only.

use roaring::{RoaringBitmap, RoaringTreemap};

/// A set of whole numbers. Those below 2^32, which ids are, take a bit each where they are dense.
#[derive(Clone, Debug, Default)]
pub struct IdSet {
    small: RoaringBitmap,
    large: RoaringTreemap,
}

impl IdSet {
    /// Adds a number; returns whether it is new.
    #[inline]
    pub fn insert(&mut self, id: u64) -> bool {
        match u32::try_from(id) {
            Ok(small) => self.small.insert(small),
            Err(_) => self.large.insert(id),
        }
    }

    /// Whether it holds the number.
    #[inline]
    pub fn contains(&self, id: u64) -> bool {
        match u32::try_from(id) {
            Ok(small) => self.small.contains(small),
            Err(_) => self.large.contains(id),
        }
    }

    /// How many it holds.
    pub fn len(&self) -> u64 {
        self.small.len() + self.large.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.small.is_empty() && self.large.is_empty()
    }

    /// Those of them that the other lacks.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        Self {
            small: &self.small - &other.small,
            large: &self.large - &other.large,
        }
    }

    /// Takes all of another set in.
    pub fn add(&mut self, other: &Self) {
        self.small |= &other.small;
        self.large |= &other.large;
    }

    /// The smallest of them.
    pub fn first(&self, count: usize) -> Vec<u64> {
        let small = self.small.iter().map(u64::from);
        small.chain(self.large.iter()).take(count).collect()
    }

    /// Bytes that it takes, about.
    pub fn memory(&self) -> u64 {
        let small = self.small.statistics();
        let bytes = small.n_bytes_array_containers
            + small.n_bytes_bitset_containers
            + small.n_bytes_run_containers;
        // Of the others there are hardly ever any.
        bytes + u64::from(small.n_containers) * 32 + self.large.len() * 16
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_set(ids in proptest::collection::vec(prop_oneof![0u64..200, any::<u64>()], 0..80),
                       others in proptest::collection::vec(0u64..200, 0..80)) {
            let mut set = IdSet::default();
            let mut model = BTreeSet::new();
            for id in &ids {
                prop_assert_eq!(set.insert(*id), model.insert(*id));
            }
            let mut other = IdSet::default();
            for id in &others {
                other.insert(*id);
            }
            prop_assert_eq!(set.len(), model.len() as u64);
            let left: Vec<u64> = model.iter().copied().filter(|id| !others.contains(id)).collect();
            prop_assert_eq!(set.without(&other).first(100), left);
        }
    }
}
