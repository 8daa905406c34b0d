//! What is gathered of the rows of one table: ids, hashes of keys, numbers of NULLs. Threads gather apart, and the
//! facts are merged.

use indexmap::IndexMap;

use super::alike::id_of;
use super::ids::IdSet;
use super::layout::{RowLayout, Slot};
use super::needs::{Needs, OfColumn};
use super::rules::is_hit;
use crate::civicrm::upgrade::own_checks::RULES;
use crate::dump::values::{Value, is_zero_date};
use crate::schema::model::KeyPart;

/// What the rows of one table hold, as far as it was needed.
#[derive(Debug, Default)]
pub struct TableFacts {
    pub(super) needs: Needs,
    pub(super) columns: Vec<ColumnFacts>,
    /// For each key of the needs the hashes of its rows' values.
    pub(super) keys: Vec<KeyFacts>,
    /// For each pair of the needs the ids, by the text that names their table.
    pub(super) pairs: Vec<PairFacts>,
    /// The number of rows that were read.
    pub rows: u64,
    /// The number of rows that could not be read up to the last column that is needed.
    pub unread: u64,
}

/// The facts about one column.
#[derive(Debug, Default)]
pub struct ColumnFacts {
    /// The distinct values, where they are needed; hashes of them where they are text.
    pub ids: IdSet,
    /// The value of the row that was read last.
    last: Option<u64>,
    /// The values that occur more than once.
    pub twice: IdSet,
    /// The number of NULLs.
    pub nulls: u64,
    /// The number of dates without a day or month.
    pub zeros: u64,
    /// The number of values that meet a rule's test.
    pub of_rule: u64,
    /// The number of values that cannot stand in a set, see [`id_of`].
    pub odd: u64,
    /// The number of rows that ended before this column.
    pub left_out: u64,
}

#[derive(Debug, Default)]
pub(super) struct KeyFacts {
    pub(super) hashes: Vec<u64>,
    /// The hashes that other workers have gathered. They stay apart, since copying them would take as much memory again.
    pub(super) of_others: Vec<Vec<u64>>,
    pub(super) left_out: u64,
}

impl KeyFacts {
    /// The hashes that occur more than once, ascending. Few do, so that most are not sorted: those whose place in a set of
    /// bits no other has taken occur once.
    fn repeated(&self) -> Vec<u64> {
        let all = || self.of_others.iter().flatten().chain(&self.hashes).copied();
        let count: usize = self.of_others.iter().map(Vec::len).sum();
        let mut taken = Bits::for_hashes(count + self.hashes.len());
        let mut shared = taken.clone();
        all().for_each(|hash| {
            if !taken.add(hash) {
                shared.add(hash);
            }
        });
        let mut candidates = Vec::new();
        all().for_each(|hash| {
            if shared.has(hash) {
                candidates.push(hash);
            }
        });
        candidates.sort_unstable();
        let equal = candidates.chunk_by(|a, b| a == b);
        equal.filter_map(|equal| equal.get(1).copied()).collect()
    }
}

/// A set of the low bits of hashes.
#[derive(Clone, Debug)]
struct Bits(Vec<u64>);

impl Bits {
    /// A set in which so many hashes mostly have places of their own: 8 to 16 bits for each.
    fn for_hashes(count: usize) -> Self {
        Self(vec![0; (count.next_power_of_two() / 8).max(1)])
    }

    fn place(&self, hash: u64) -> (usize, u64) {
        let word = (hash >> 6) as usize & (self.0.len() - 1);
        (word, 1 << (hash & 63))
    }

    /// Adds a hash; `false` if its place was taken.
    fn add(&mut self, hash: u64) -> bool {
        let (word, bit) = self.place(hash);
        let Some(word) = self.0.get_mut(word) else {
            return false;
        };
        let is_new = *word & bit == 0;
        *word |= bit;
        is_new
    }

    fn has(&self, hash: u64) -> bool {
        let (word, bit) = self.place(hash);
        self.0.get(word).is_some_and(|word| word & bit != 0)
    }
}

#[derive(Debug, Default)]
pub(super) struct PairFacts {
    pub(super) ids: IndexMap<Vec<u8>, IdSet>,
    last: usize,
    pub(super) left_out: u64,
}

impl TableFacts {
    pub(super) fn new(needs: Needs) -> Self {
        let mut facts = Self::default();
        facts
            .columns
            .resize_with(needs.columns.len(), ColumnFacts::default);
        facts.keys.resize_with(needs.keys.len(), KeyFacts::default);
        facts
            .pairs
            .resize_with(needs.pairs.len(), PairFacts::default);
        facts.needs = needs;
        facts
    }

    /// Notes the keys and pairs of which this INSERT leaves a column out: nothing can be said of
    /// their rows.
    pub(super) fn note_left_out(&mut self, layout: &RowLayout) {
        for (key, facts) in layout.keys.iter().zip(&mut self.keys) {
            facts.left_out += u64::from(key.is_empty());
        }
        for (pair, facts) in layout.pairs.iter().zip(&mut self.pairs) {
            facts.left_out += u64::from(pair.is_none());
        }
    }

    /// The facts about a column and what was needed of it; `None` when nothing was.
    pub fn column(&self, name: &str) -> Option<(&ColumnFacts, OfColumn)> {
        let (index, _, of) = self.needs.columns.get_full(&name.to_ascii_lowercase())?;
        Some((self.columns.get(index)?, *of))
    }

    /// The hashes that occur more than once in the key of these columns; `None` when they were not
    /// kept.
    pub fn repeated(&self, parts: &[KeyPart], left_out: &[&str]) -> Option<(Vec<u64>, u64)> {
        let same = |key: &Vec<KeyPart>| {
            key.len() == parts.len()
                && key
                    .iter()
                    .zip(parts)
                    .all(|(a, b)| a.length == b.length && a.column.eq_ignore_ascii_case(&b.column))
        };
        let keys = self.needs.keys.iter().zip(&self.needs.left_out);
        let index = keys
            .into_iter()
            .position(|(key, out)| same(key) && *out == left_out)?;
        let key = self.keys.get(index)?;
        let repeated = key.repeated();
        Some((repeated, key.left_out))
    }

    /// The ids of a pair, by the text that names their table; `None` when they were not kept.
    pub fn pair(
        &self,
        type_column: &str,
        id_column: &str,
    ) -> Option<(&IndexMap<Vec<u8>, IdSet>, u64)> {
        let index = self.needs.pairs.iter().position(|(named, id)| {
            named.eq_ignore_ascii_case(type_column) && id.eq_ignore_ascii_case(id_column)
        })?;
        let pair = self.pairs.get(index)?;
        Some((&pair.ids, pair.left_out))
    }

    /// Adds the facts that another thread has read of the same table.
    pub(super) fn merge(&mut self, other: Self) {
        self.rows += other.rows;
        self.unread += other.unread;
        let columns = self.columns.iter_mut().zip(other.columns);
        for ((ours, theirs), needs) in columns.zip(self.needs.columns.values()) {
            if needs.twice {
                ours.twice.add(&ours.ids.shared(&theirs.ids));
            }
            ours.merge(&theirs);
        }
        for (ours, theirs) in self.keys.iter_mut().zip(other.keys) {
            ours.of_others.extend(theirs.of_others);
            ours.of_others.push(theirs.hashes);
            ours.left_out += theirs.left_out;
        }
        for (ours, theirs) in self.pairs.iter_mut().zip(other.pairs) {
            ours.left_out += theirs.left_out;
            for (named, ids) in theirs.ids {
                ours.ids.entry(named).or_default().add(&ids);
            }
        }
    }

    /// How much memory the facts take, in bytes, approximately.
    pub fn memory(&self) -> u64 {
        let columns = self.columns.iter();
        let columns: u64 = columns.map(|c| c.ids.memory() + c.twice.memory()).sum();
        let keys: u64 = self
            .keys
            .iter()
            .flat_map(|key| key.of_others.iter().chain([&key.hashes]))
            .map(|hashes| hashes.len() as u64 * 8)
            .sum();
        let pairs = self.pairs.iter().flat_map(|pair| pair.ids.values());
        columns + keys + pairs.map(IdSet::memory).sum::<u64>()
    }
}

impl ColumnFacts {
    fn merge(&mut self, other: &Self) {
        self.twice.add(&other.twice);
        self.ids.add(&other.ids);
        self.nulls += other.nulls;
        self.zeros += other.zeros;
        self.of_rule += other.of_rule;
        self.odd += other.odd;
        self.left_out += other.left_out;
    }

    #[inline]
    pub(super) fn take(&mut self, slot: &Slot, value: &Value, folded: &mut Vec<u8>) {
        if *value == Value::Null {
            match slot.numbered {
                true => self.left_out += 1,
                false => self.nulls += 1,
            }
            return;
        }
        if slot.needs.ids {
            match id_of(value, slot.kind, folded) {
                // Types and flags repeat row by row.
                Some(id) if self.last == Some(id) && !slot.needs.twice => {}
                Some(id) => {
                    self.last = Some(id);
                    if !self.ids.insert(id) && slot.needs.twice {
                        self.twice.insert(id);
                    }
                }
                None => self.odd += 1,
            }
        }
        if slot.needs.zeros {
            self.zeros += u64::from(match value {
                Value::Bare(date) | Value::Plain(date) => is_zero_date(date),
                other => other.bytes().is_some_and(|date| is_zero_date(&date)),
            });
        }
        if let Some(rule) = slot.needs.rule.and_then(|rule| RULES.get(rule)) {
            self.of_rule += u64::from(is_hit(rule, value));
        }
    }
}

impl PairFacts {
    #[inline]
    pub(super) fn take(&mut self, named: &Value, id: &Value) {
        let Some(id) = id.integer() else { return };
        let Some(named) = named.bytes() else { return };
        // As their collations compare: without letter case, and blanks at the end.
        let named = named.trim_ascii_end();
        if let Some((known, ids)) = self.ids.get_index_mut(self.last)
            && known.eq_ignore_ascii_case(named)
        {
            ids.insert(id);
            return;
        }
        let entry = self.ids.entry(named.to_ascii_lowercase());
        self.last = entry.index();
        entry.or_default().insert(id);
    }
}
