//! Sets of ids, whose memory grows with the number of distinct ids only.

use std::borrow::Cow;

use roaring::{RoaringBitmap, RoaringTreemap};

/// How many numbers a block covers, with one bit each.
const BLOCK: u32 = 1 << 16;
/// The most blocks that a set has: they cover the numbers below 2^26. Higher ids are rare.
const BLOCKS: usize = 1 << 10;
/// How many numbers of one range make it worth a block. Before, each takes about two bytes; a block
/// takes 8 KiB.
const MANY: u16 = 1 << 10;

/// A set of whole numbers. Those below 2^32, which ids are, take a bit each where they are dense.
#[derive(Clone, Debug, Default)]
pub struct IdSet {
    /// Bitmaps of the ranges that are dense: they are faster than compressed bitmaps.
    blocks: Vec<Block>,
    /// All other numbers below 2^32.
    small: RoaringBitmap,
    large: RoaringTreemap,
}

#[derive(Clone, Debug)]
enum Block {
    /// The range has this many numbers, which stand among `small`.
    Few(u16),
    Many(Box<[u64; (BLOCK / 64) as usize]>),
}

impl IdSet {
    /// Adds a number; returns whether it was not in the set before.
    #[inline]
    pub fn insert(&mut self, id: u64) -> bool {
        let Ok(small) = u32::try_from(id) else {
            return self.large.insert(id);
        };
        let (block, word, bit) = place(small);
        if let Some(Block::Many(words)) = self.blocks.get_mut(block)
            && let Some(word) = words.get_mut(word)
        {
            let is_new = *word & bit == 0;
            *word |= bit;
            return is_new;
        }
        self.insert_small(small)
    }

    fn insert_small(&mut self, id: u32) -> bool {
        let is_new = self.small.insert(id);
        let (block, ..) = place(id);
        if is_new && block < BLOCKS {
            if self.blocks.len() <= block {
                self.blocks.resize(block + 1, Block::Few(0));
            }
            if let Some(Block::Few(count)) = self.blocks.get_mut(block) {
                *count += 1;
                if *count == MANY {
                    self.make_block(id);
                }
            }
        }
        is_new
    }

    /// Moves all numbers of this number's range to a block of their own.
    fn make_block(&mut self, id: u32) {
        let first = id / BLOCK * BLOCK;
        let range = first..=first + (BLOCK - 1);
        let mut words = Box::new([0; (BLOCK / 64) as usize]);
        for id in self.small.range(range.clone()) {
            let (_, word, bit) = place(id);
            if let Some(word) = words.get_mut(word) {
                *word |= bit;
            }
        }
        self.small.remove_range(range);
        if let Some(block) = self.blocks.get_mut(place(id).0) {
            *block = Block::Many(words);
        }
    }

    /// All numbers of the set below 2^32.
    fn all_small(&self) -> Cow<'_, RoaringBitmap> {
        let mut all = Cow::Borrowed(&self.small);
        for (first, block) in (0..).step_by(BLOCK as usize).zip(&self.blocks) {
            if let Block::Many(words) = block {
                let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
                *all.to_mut() |= RoaringBitmap::from_lsb0_bytes(first, &bytes);
            }
        }
        all
    }

    /// Whether the set holds the number.
    #[inline]
    pub fn contains(&self, id: u64) -> bool {
        let Ok(small) = u32::try_from(id) else {
            return self.large.contains(id);
        };
        let (block, word, bit) = place(small);
        match self.blocks.get(block) {
            Some(Block::Many(words)) => words.get(word).is_some_and(|word| word & bit != 0),
            _ => self.small.contains(small),
        }
    }

    /// How many numbers the set holds.
    pub fn len(&self) -> u64 {
        self.all_small().len() + self.large.len()
    }

    /// Whether the set is empty.
    pub fn is_empty(&self) -> bool {
        let is_many = |block| matches!(block, &Block::Many(_));
        self.small.is_empty() && self.large.is_empty() && !self.blocks.iter().any(is_many)
    }

    /// The numbers of this set that are not in the other one.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        Self {
            blocks: Vec::new(),
            small: &*self.all_small() - &*other.all_small(),
            large: &self.large - &other.large,
        }
    }

    /// Adds all numbers of another set.
    pub fn add(&mut self, other: &Self) {
        for (index, block) in other.blocks.iter().enumerate() {
            let Block::Many(theirs) = block else { continue };
            if self.blocks.len() <= index {
                self.blocks.resize(index + 1, Block::Few(0));
            }
            if let Some(Block::Few(_)) = self.blocks.get(index) {
                self.make_block(index as u32 * BLOCK);
            }
            if let Some(Block::Many(ours)) = self.blocks.get_mut(index) {
                let words = ours.iter_mut().zip(theirs.iter());
                words.for_each(|(ours, theirs)| *ours |= theirs);
            }
        }
        for id in &other.small {
            self.insert(u64::from(id));
        }
        self.large |= &other.large;
    }

    /// The numbers that are in both sets.
    #[must_use]
    pub fn shared(&self, other: &Self) -> Self {
        let mut shared = Self {
            large: &self.large & &other.large,
            ..Self::default()
        };
        for id in &*self.all_small() & &*other.all_small() {
            shared.insert(u64::from(id));
        }
        shared
    }

    /// The smallest numbers of the set, at most `count`, in ascending order.
    pub fn first(&self, count: usize) -> Vec<u64> {
        let small = self.all_small();
        let small = small.iter().map(u64::from);
        small.chain(self.large.iter()).take(count).collect()
    }

    /// How much memory the set takes, in bytes, approximately.
    pub fn memory(&self) -> u64 {
        let small = self.small.statistics();
        let bytes = small.n_bytes_array_containers
            + small.n_bytes_bitset_containers
            + small.n_bytes_run_containers;
        let is_many = |block: &&Block| matches!(block, Block::Many(_));
        let blocks = self.blocks.iter().filter(is_many).count() as u64;
        let blocks = blocks * u64::from(BLOCK / 8) + self.blocks.len() as u64 * 16;
        // Of the others there are hardly ever any.
        bytes + u64::from(small.n_containers) * 32 + blocks + self.large.len() * 16
    }
}

/// Where a number stands: the index of its block, of the word in the block, and the bit in the
/// word.
#[inline]
fn place(id: u32) -> (usize, usize, u64) {
    let (block, inside) = (id / BLOCK, id % BLOCK);
    (block as usize, (inside / 64) as usize, 1 << (inside % 64))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    use super::*;

    /// Runs of numbers, long enough for blocks, between others.
    fn numbers() -> impl Strategy<Value = Vec<u64>> {
        let run = (0u64..200_000, 1u64..3000)
            .prop_map(|(first, count)| (first..first + count).collect::<Vec<_>>());
        let one = prop_oneof![0u64..200, Just(1 << 26), Just((1 << 32) - 1), any::<u64>()];
        let some = prop_oneof![run, one.prop_map(|one| vec![one])];
        proptest::collection::vec(some, 0..20).prop_map(|some| some.concat())
    }

    proptest! {
        #[test]
        fn dense_numbers_are_kept_like_others(ids in numbers(), others in numbers()) {
            let (mut set, mut other) = (IdSet::default(), IdSet::default());
            let mut model = BTreeSet::new();
            for id in &ids {
                prop_assert_eq!(set.insert(*id), model.insert(*id));
            }
            prop_assert!(others.iter().all(|id| set.contains(*id) == model.contains(id)));
            prop_assert!(ids.iter().all(|id| set.contains(*id)));
            for id in &others {
                other.insert(*id);
            }
            let others: BTreeSet<u64> = others.into_iter().collect();
            prop_assert_eq!(set.len(), model.len() as u64);
            prop_assert_eq!(set.is_empty(), model.is_empty());
            let first = |set: &IdSet| set.first(usize::MAX);
            prop_assert_eq!(first(&set.without(&other)), Vec::from_iter(model.difference(&others).copied()));
            prop_assert_eq!(first(&set.shared(&other)), Vec::from_iter(model.intersection(&others).copied()));
            let (mut merged, mut both) = (set.clone(), set.clone());
            merged.add(&other);
            others.iter().for_each(|id| { both.insert(*id); });
            prop_assert_eq!(format!("{merged:?}"), format!("{both:?}"));
            prop_assert_eq!(merged.memory(), both.memory());
            prop_assert_eq!(first(&merged), Vec::from_iter(model.union(&others).copied()));
            for id in ids {
                prop_assert!(!set.insert(id));
            }
        }

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
