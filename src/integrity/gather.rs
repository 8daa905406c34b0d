//! The first pass over a dump: which ids exist, which ids are referred to, which keys occur more
//! than once, and how many NULLs and zero dates there are. No row is kept.
//!
//! The rows of a child may come before those of its parent, keys and constraints behind all
//! rows (phpMyAdmin), and the release is known at the end. So ids of every column are kept
//! that could matter in any release, and what does matter is decided when all is known.

use std::hash::Hasher;

use indexmap::IndexMap;

use super::ids::IdSet;
use super::needs::{Needs, OfColumn};
use super::question::{Kind, column_of};
use super::rules::is_like;
use crate::civicrm::catalogue::Catalogue;
use crate::civicrm::upgrade::own_checks::{RULES, Rule, Test};
use crate::dump::reader::DumpReader;
use crate::dump::row_sink::{Gather, RowSink, TableName};
use crate::dump::scanner::{Ends, Taken};
use crate::dump::values::{Next, Value, Values, is_zero_date};
use crate::dump::workers::RowReader;
use crate::schema::lexer::SqlModes;
use crate::schema::model::{KeyPart, Table};

/// What the rows of one table hold, as far as it was needed.
#[derive(Debug, Default)]
pub struct TableFacts {
    needs: Needs,
    columns: Vec<ColumnFacts>,
    /// For each key of the needs the hashes of its rows' values.
    keys: Vec<KeyFacts>,
    /// For each pair of the needs the ids, by the text that names their table.
    pairs: Vec<PairFacts>,
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
struct KeyFacts {
    hashes: Vec<u64>,
    /// The hashes that other workers have gathered. They stay apart, since copying them would take as much memory again.
    of_others: Vec<Vec<u64>>,
    left_out: u64,
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
struct PairFacts {
    ids: IndexMap<Vec<u8>, IdSet>,
    last: usize,
    left_out: u64,
}

impl TableFacts {
    fn new(needs: Needs) -> Self {
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
    fn note_left_out(&mut self, layout: &RowLayout) {
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
    fn merge(&mut self, other: Self) {
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

/// Reads a dump, and gathers what questions need.
pub type Gatherer<'c> = RowSink<Gathered<'c>>;

/// The facts about rows that were gathered.
pub struct Gathered<'c> {
    tables: IndexMap<TableName, TableFacts>,
    wants: Wants<'c>,
}

/// Which columns are needed, of which tables.
enum Wants<'c> {
    /// Of every table, the columns that could matter in any release.
    Any(&'c Catalogue),
    /// Of some tables of one database, the columns that are needed.
    These(Option<String>, IndexMap<String, Needs>),
}

/// Where the values that are needed stand in the rows of one INSERT statement.
#[derive(Debug, Default)]
pub struct RowLayout {
    /// The index of the table among the facts.
    table: usize,
    needs: Needs,
    /// The values to look at, in the order in which they stand in a row.
    slots: Vec<Slot>,
    /// For each key the slots of its values, with their kinds and prefix lengths.
    keys: Vec<Vec<(usize, Kind, Option<u32>)>>,
    left_out: Vec<&'static [&'static str]>,
    /// For each pair the slots of its two columns; `None` when the INSERT leaves one out.
    pairs: Vec<Option<(usize, usize)>>,
    /// Indexes of the columns that this INSERT leaves out, so that they become NULL.
    omitted: Vec<usize>,
    /// Indexes of the columns that this INSERT leaves out, and whose values the server makes.
    made: Vec<usize>,
    modes: SqlModes,
}

/// One value to look at.
#[derive(Clone, Copy, Debug)]
struct Slot {
    /// The number of values between the slot before and this one, which are not needed.
    skip: usize,
    /// The index of the column in the facts; `None` when only a key or pair needs the value.
    column: Option<usize>,
    kind: Kind,
    needs: OfColumn,
    /// Whether the server replaces NULL by the next number (AUTO_INCREMENT).
    numbered: bool,
}

/// What is used again for each row.
#[derive(Default)]
pub struct Scratch {
    /// Texts with their letter case folded.
    folded: Vec<u8>,
    ends: Ends,
}

/// The most slots of a layout whose rows are read in place; rows with more slots take a little
/// longer.
const FEW: usize = 24;

/// A sink that gathers all that could matter in any release.
pub fn of_any(reader: DumpReader, catalogue: &Catalogue) -> Gatherer<'_> {
    let wants = Wants::Any(catalogue);
    RowSink::new(reader, Gathered::new(wants))
}

/// A sink that gathers what is needed of some tables of one database.
pub fn of_these(
    reader: DumpReader,
    database: Option<String>,
    needs: IndexMap<String, Needs>,
) -> Gatherer<'static> {
    let wants = Wants::These(database, needs);
    RowSink::new(reader, Gathered::new(wants))
}

impl<'c> Gathered<'c> {
    fn new(wants: Wants<'c>) -> Self {
        Self {
            tables: IndexMap::new(),
            wants,
        }
    }

    /// The facts about the rows of each table.
    pub fn tables(self) -> IndexMap<TableName, TableFacts> {
        self.tables
    }
}

impl Gather for Gathered<'_> {
    type Rows = RowLayout;

    fn rows(&mut self, reader: &DumpReader) -> Option<RowLayout> {
        let (database, table, columns) = reader.current_insert()?;
        let name = (database.map(str::to_owned), table.to_ascii_lowercase());
        let definition = reader.table(database, table)?;
        let needs = match &self.wants {
            Wants::Any(catalogue) => match self.tables.get(&name) {
                Some(facts) => facts.needs.clone(),
                None => Needs::of_any(table, definition, catalogue),
            },
            Wants::These(wanted, needs) if *wanted == name.0 => needs.get(&name.1)?.clone(),
            Wants::These(..) => return None,
        };
        if needs.is_empty() {
            return None;
        }
        let mut layout = RowLayout::new(&needs, definition, columns, reader.sql_modes());
        let facts = self.tables.entry(name);
        layout.table = facts.index();
        let facts = facts.or_insert_with(|| TableFacts::new(needs));
        facts.note_left_out(&layout);
        Some(layout)
    }

    fn facts(&mut self, table: usize) -> Option<&mut TableFacts> {
        Some(self.tables.get_index_mut(table)?.1)
    }

    fn merge(&mut self, table: usize, facts: TableFacts) {
        if let Some(ours) = self.facts(table) {
            ours.merge(facts);
        }
    }

    fn forget(&mut self, table: &TableName) -> Option<usize> {
        let (index, _, facts) = self.tables.get_full_mut(table)?;
        *facts = TableFacts::new(std::mem::take(&mut facts.needs));
        Some(index)
    }
}

impl RowLayout {
    fn new(needs: &Needs, table: &Table, columns: &[String], modes: SqlModes) -> Self {
        let mut layout = Self {
            modes,
            left_out: needs.left_out.clone(),
            needs: needs.clone(),
            ..Self::default()
        };
        let place_of = |name: &str| columns.iter().position(|c| c.eq_ignore_ascii_case(name));
        let is_asked = |name: &&String| {
            let same = |column: &str| column.eq_ignore_ascii_case(name);
            needs.columns.contains_key(&name.to_ascii_lowercase())
                || needs.keys.iter().flatten().any(|part| same(&part.column))
                || needs
                    .pairs
                    .iter()
                    .any(|(named, id)| same(named) || same(id))
        };
        let asked: Vec<&String> = columns.iter().filter(is_asked).collect();
        let slot_of = |name: &str| asked.iter().position(|c| c.eq_ignore_ascii_case(name));
        for key in &needs.keys {
            let parts = key.iter().map(|part| {
                let kind = kind_of(&part.column, table);
                Some((slot_of(&part.column)?, kind, part.length))
            });
            // Of a key with a column that is left out nothing can be said.
            layout
                .keys
                .push(parts.collect::<Option<_>>().unwrap_or_default());
        }
        for (named, id) in &needs.pairs {
            layout.pairs.push(slot_of(named).zip(slot_of(id)));
        }
        for (index, name) in needs.columns.keys().enumerate() {
            if place_of(name).is_none() {
                match becomes_null(table, name) {
                    true => layout.omitted.push(index),
                    false => layout.made.push(index),
                }
            }
        }
        let mut before = 0;
        for (place, name) in columns.iter().enumerate() {
            if !is_asked(&name) {
                continue;
            }
            let column = needs.columns.get_full(&name.to_ascii_lowercase());
            layout.slots.push(Slot {
                skip: place - before,
                column: column.map(|(index, ..)| index),
                kind: kind_of(name, table),
                needs: column.map(|(.., needs)| *needs).unwrap_or_default(),
                numbered: column_of(table, name).is_some_and(|(_, column)| column.auto_increment),
            });
            before = place + 1;
        }
        layout
    }

    /// Reads the values of the slots; returns how many of them the row holds.
    #[inline]
    fn values<'a>(&self, values: &mut Values<'a>, kept: &mut [Value<'a>]) -> usize {
        for (i, (slot, kept)) in self.slots.iter().zip(kept).enumerate() {
            if !values.skip(slot.skip) {
                return i;
            }
            match values.value() {
                Next::Value(value) => *kept = value,
                Next::End | Next::Broken => return i,
            }
        }
        self.slots.len()
    }

    /// Adds the values of the slots to the facts.
    #[inline]
    fn take(&self, row: &[Value], facts: &mut TableFacts, folded: &mut Vec<u8>) {
        facts.rows += 1;
        for column in &self.omitted {
            if let Some(column) = facts.columns.get_mut(*column) {
                column.nulls += 1;
            }
        }
        for column in &self.made {
            if let Some(column) = facts.columns.get_mut(*column) {
                column.left_out += 1;
            }
        }
        for (slot, value) in self.slots.iter().zip(row) {
            if let Some(column) = slot.column.and_then(|column| facts.columns.get_mut(column)) {
                column.take(slot, value, folded);
            }
        }
        if row.len() < self.slots.len() {
            return;
        }
        for ((key, left_out), facts) in self.keys.iter().zip(&self.left_out).zip(&mut facts.keys) {
            let parts = key.iter().map(|(slot, kind, length)| {
                let value = row.get(*slot).copied().unwrap_or(Value::Null);
                (value, *kind, *length)
            });
            if let Some(hash) = hash_of(parts, left_out, folded)
                && !key.is_empty()
            {
                facts.hashes.push(hash);
            }
        }
        for (pair, facts) in self.pairs.iter().zip(&mut facts.pairs) {
            if let Some((named, id)) = pair
                && let (Some(named), Some(id)) = (row.get(*named), row.get(*id))
            {
                facts.take(named, id);
            }
        }
    }

    /// Adds the rows at the beginning of an open text whose values can be told by their commas, and returns them. Whatever else the rows may hold is left to [`Self::read_one`].
    fn read_found(&self, text: &[u8], facts: &mut TableFacts, scratch: &mut Scratch) -> Taken {
        let mut taken = Taken::default();
        if self.modes != SqlModes::default() {
            return taken;
        }
        scratch.ends.find(text);
        // Every row overwrites what the last one left.
        let mut kept = [Value::Null; FEW];
        let mut begins = 0;
        for ends in scratch.ends.rows() {
            let Some(read) = self.values_at(text, begins, ends, &mut kept) else {
                break;
            };
            let row = kept.get(..read).unwrap_or_default();
            self.take(row, facts, &mut scratch.folded);
            taken.rows += 1;
            taken.values += ends.len() as u64;
            if let Some(last) = ends.last() {
                taken.bytes = usize::from(*last) + 1;
            }
            begins = taken.bytes
                + if text.get(taken.bytes + 1) == Some(&b'(') {
                    2
                } else {
                    3
                };
        }
        taken
    }

    /// Reads the values of the slots where it is known where values end; returns how many slots there are, `None` where
    /// the row has fewer values.
    #[inline]
    fn values_at<'a>(
        &self,
        text: &'a [u8],
        begins: usize,
        ends: &[u16],
        kept: &mut [Value<'a>],
    ) -> Option<usize> {
        let (mut begins, mut at) = (begins, 0);
        for (slot, kept) in self.slots.iter().zip(kept) {
            if slot.skip > 0 {
                at += slot.skip;
                begins = usize::from(*ends.get(at - 1)?) + 1;
            }
            let end = usize::from(*ends.get(at)?);
            *kept = Value::of(text.get(begins..)?, end.checked_sub(begins)?, self.modes);
            begins = end + 1;
            at += 1;
        }
        Some(self.slots.len())
    }

    /// Adds the row at the beginning of an open text; returns that row.
    /// `None` where it is not whole, or not of simple values only.
    fn read_one(
        &self,
        text: &[u8],
        facts: &mut TableFacts,
        scratch: &mut Scratch,
    ) -> Option<Taken> {
        let mut kept = [Value::Null; FEW];
        let mut values = Values::open(text, self.modes);
        let read = self.values(&mut values, &mut kept);
        if read < self.slots.len() {
            return None;
        }
        let (others, after) = values.close()?;
        // Nothing counts before the row is known to be whole.
        let row = kept.get(..read).unwrap_or_default();
        self.take(row, facts, &mut scratch.folded);
        let of_slots: usize = self.slots.iter().map(|slot| slot.skip + 1).sum();
        Some(Taken {
            bytes: text.len() - after.len(),
            rows: 1,
            values: (of_slots + others) as u64,
        })
    }

    /// Notes a row that ends before the slot of this index.
    fn cut(&self, slot: usize, facts: &mut TableFacts) {
        facts.unread += 1;
        for column in self.slots.iter().skip(slot).filter_map(|slot| slot.column) {
            if let Some(column) = facts.columns.get_mut(column) {
                column.left_out += 1;
            }
        }
        facts.keys.iter_mut().for_each(|key| key.left_out += 1);
        facts.pairs.iter_mut().for_each(|pair| pair.left_out += 1);
    }
}

impl RowReader for RowLayout {
    type Facts = TableFacts;
    type Scratch = Scratch;

    fn table(&self) -> usize {
        self.table
    }

    fn no_rows(&self) -> TableFacts {
        TableFacts::new(self.needs.clone())
    }

    fn modes(&self) -> SqlModes {
        self.modes
    }

    fn read(&self, row: &[u8], facts: &mut TableFacts, scratch: &mut Scratch) {
        let mut values = Values::new(row, self.modes);
        let mut kept = vec![Value::Null; self.slots.len()];
        let read = self.values(&mut values, &mut kept);
        let row = kept.get(..read).unwrap_or_default();
        self.take(row, facts, &mut scratch.folded);
        if read < self.slots.len() {
            self.cut(read, facts);
        }
    }

    fn read_open(&self, text: &[u8], facts: &mut TableFacts, scratch: &mut Scratch) -> Taken {
        let (mut rest, mut all) = (text, Taken::default());
        if self.slots.len() > FEW {
            return all;
        }
        loop {
            let mut taken = self.read_found(rest, facts, scratch);
            if taken.rows == 0 {
                taken = self.read_one(rest, facts, scratch).unwrap_or_default();
            }
            if taken.rows == 0 {
                return all;
            }
            all = Taken {
                bytes: text.len() - rest.len() + taken.bytes,
                rows: all.rows + taken.rows,
                values: all.values + taken.values,
            };
            rest = match text.get(all.bytes..) {
                Some([b',', b'(', rest @ ..] | [b',', b'\n', b'(', rest @ ..]) => rest,
                _ => return all,
            };
        }
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
    fn take(&mut self, slot: &Slot, value: &Value, folded: &mut Vec<u8>) {
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

/// Whether a value meets a rule's test.
pub fn is_hit(rule: &Rule, value: &Value) -> bool {
    let Some(text) = value.bytes() else {
        return false;
    };
    match rule.test {
        Test::NoneLike(_, pattern) => is_like(&String::from_utf8_lossy(&text), pattern),
        Test::Present(..) | Test::Distinct(..) | Test::SeveralWithoutLineItem => false,
    }
}

impl PairFacts {
    #[inline]
    fn take(&mut self, named: &Value, id: &Value) {
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

/// Whether a column is NULL in rows that are inserted without a value for it.
pub fn becomes_null(table: &Table, column: &str) -> bool {
    column_of(table, column).is_some_and(|(_, column)| {
        column.nullable
            && column.default.is_none()
            && column.generated.is_none()
            && !column.auto_increment
    })
}

fn kind_of(column: &str, table: &Table) -> Kind {
    column_of(table, column).map_or(Kind::Bytes, |(_, column)| Kind::of(column, table))
}

/// What stands for a value in a set of ids: the number itself, or a hash. `None` where it is not
/// known which other values a server takes for equal.
#[inline]
pub fn id_of(value: &Value, kind: Kind, folded: &mut Vec<u8>) -> Option<u64> {
    match kind {
        Kind::Integer => value.integer(),
        Kind::Text(collation)
            if !value
                .bytes()
                .is_some_and(|text| collation.is_sure_of(&text)) =>
        {
            None
        }
        kind => hash_of(std::iter::once((*value, kind, None)), &[], folded),
    }
}

/// A hash that rows share when they are equal in all of these columns; `None` where a value is
/// NULL, which is not equal to anything, or the first is a text of `left_out`.
#[inline]
pub fn hash_of<'a>(
    parts: impl Iterator<Item = (Value<'a>, Kind, Option<u32>)>,
    left_out: &[&str],
    folded: &mut Vec<u8>,
) -> Option<u64> {
    let mut hash = 0x9E37_79B9_7F4A_7C15;
    for (place, (value, kind, length)) in parts.enumerate() {
        if place == 0 && !left_out.is_empty() && is_one_of(&value, left_out) {
            return None;
        }
        let part = match (value, kind) {
            (Value::Null, _) => return None,
            (value, Kind::Integer) => value.integer()?,
            (value, kind) => {
                folded.clear();
                canonical(&value, kind, length, folded)?;
                let mut hasher = std::hash::DefaultHasher::new();
                hasher.write(folded);
                hasher.finish()
            }
        };
        hash = mix(hash, part);
    }
    Some(hash)
}

fn is_one_of(value: &Value, texts: &[&str]) -> bool {
    let is_same = |bytes: &[u8]| {
        let mut texts = texts.iter();
        texts.any(|text| bytes.eq_ignore_ascii_case(text.as_bytes()))
    };
    value.bytes().is_some_and(|bytes| is_same(&bytes))
}

/// Appends the canonical bytes of a value to `to`: values that are equal to a server have the same
/// bytes. `None` where it is not known which values are.
pub fn canonical(value: &Value, kind: Kind, length: Option<u32>, to: &mut Vec<u8>) -> Option<()> {
    if let (Kind::Integer, Some(number)) = (kind, value.integer()) {
        to.extend_from_slice(&number.to_le_bytes());
        return Some(());
    }
    let bytes = value.bytes()?;
    let bytes = match length {
        Some(length) => prefix(&bytes, length, kind),
        None => &bytes,
    };
    match kind {
        Kind::Text(collation) => collation.fold_into(bytes, to),
        _ => to.extend_from_slice(bytes),
    }
    Some(())
}

/// The prefix of a value: its first characters if it is text, otherwise its first bytes.
fn prefix(bytes: &[u8], length: u32, kind: Kind) -> &[u8] {
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let end = match (kind, std::str::from_utf8(bytes)) {
        (Kind::Text(_), Ok(text)) => text.char_indices().nth(length).map(|(at, _)| at),
        _ => Some(length),
    };
    end.and_then(|end| bytes.get(..end)).unwrap_or(bytes)
}

/// Mixes a part into a hash with the finalizer of SplitMix64.
#[inline]
fn mix(hash: u64, part: u64) -> u64 {
    let mut mixed = hash.rotate_left(23) ^ part;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::civicrm::site;
    use crate::dump::scanner::{Ahead, Scanner, Sink, Statement, Wanted};
    use crate::snapshot::{Ending, Place};

    /// Takes one row at a time only.
    struct OneByOne<'c>(Gatherer<'c>);

    impl Sink for OneByOne<'_> {
        fn statement(&mut self, statement: Statement<'_>) {
            self.0.statement(statement);
        }
        fn rows_begin(&mut self, head: Statement<'_>) -> Wanted {
            self.0.rows_begin(head)
        }
        fn row(&mut self, values: Statement<'_>) {
            self.0.row(values);
        }
        fn rows_end(&mut self, count: u64, broken: Option<&[u8]>, place: Place) {
            self.0.rows_end(count, broken, place);
        }
        fn comment(&mut self, text: &[u8], place: Place, ended: bool) {
            self.0.comment(text, place, ended);
        }
        fn large(&mut self, bytes: u64, place: Place) {
            self.0.large(bytes, place);
        }
        fn values(&mut self, count: u64) {
            self.0.values(count);
        }
        fn sets_noise_apart(&self) -> bool {
            self.0.sets_noise_apart()
        }
        fn noise(&mut self, line: &[u8], place: Place) {
            self.0.noise(line, place);
        }
        fn modes(&self) -> SqlModes {
            self.0.modes()
        }
    }

    /// Reads a text in pieces; returns how it ended.
    fn gathered(sink: &mut impl Sink, text: &[u8], size: usize) -> Ending {
        let mut scanner = Scanner::default();
        text.chunks(size)
            .for_each(|piece| scanner.feed_ahead(piece, Some(&Ahead::of(piece)), sink));
        scanner.finish(sink)
    }

    /// The facts, independent of which worker found them and in which order, and those of the reader.
    fn told(gatherer: Gatherer, ending: Ending) -> Vec<String> {
        let (mut reader, gathered) = gatherer.finish();
        reader.end_file(ending, None, b"");
        let snapshot = reader.finish(None, &[]).expect("one database");
        let tables = gathered.tables();
        let of_column = |column: &ColumnFacts| {
            let all = |ids: &IdSet| (ids.first(usize::MAX), ids.memory());
            let (ids, twice) = (all(&column.ids), all(&column.twice));
            let ColumnFacts {
                nulls,
                zeros,
                odd,
                left_out,
                ..
            } = column;
            format!("{ids:?} {twice:?} {nulls} {zeros} {odd} {left_out}")
        };
        let of_table = |(name, mut table): (TableName, TableFacts)| {
            for key in &mut table.keys {
                let of_others = std::mem::take(&mut key.of_others);
                key.hashes.extend(of_others.concat());
                key.hashes.sort_unstable();
            }
            let columns: Vec<String> = table.columns.iter().map(of_column).collect();
            let mut pairs: Vec<String> = table
                .pairs
                .iter()
                .flat_map(|pair| pair.ids.iter())
                .map(|(named, ids)| format!("{named:?} {:?}", ids.first(usize::MAX)))
                .collect();
            pairs.sort();
            let TableFacts {
                rows, unread, keys, ..
            } = table;
            format!("{name:?} {rows} {unread} {columns:?} {keys:?} {pairs:?}")
        };
        let tables = tables.into_iter().map(of_table);
        tables.chain([format!("{snapshot:?}")]).collect()
    }

    const TABLES: &str = "\
        CREATE TABLE civicrm_contact (id int NOT NULL, external_identifier varchar(64) COLLATE utf8_unicode_ci, \
        birth_date date, PRIMARY KEY (id), UNIQUE KEY e (external_identifier));\n\
        CREATE TABLE civicrm_note (id int NOT NULL, entity_table varchar(64), entity_id int, contact_id int, \
        PRIMARY KEY (id), CONSTRAINT f FOREIGN KEY (contact_id) REFERENCES civicrm_contact (id));\n\
        CREATE TABLE civicrm_log (id int NOT NULL, entity_table varchar(64), entity_id int, data text, \
        PRIMARY KEY (id));\n";

    /// Most have as many values as their table has columns.
    fn row() -> impl Strategy<Value = String> {
        let value = "NULL|[0-9-]{1,3}|'[0a-c\n]{0,3}'|'[a\\\\']{0,3}'|'0000-00-00'|0x41|_binary 'a'|1 |'upgrade:'";
        let row = |count| {
            let values = proptest::collection::vec(value, count);
            values.prop_map(|values| format!("({})", values.join(",")))
        };
        prop_oneof![6 => row(3..5), 1 => row(0..7), 1 => "[;,( \\n'a0]{1,9}"]
    }

    proptest! {
        /// However rows come, in one go, one by one or in pieces, they tell the same.
        #[test]
        fn rows_tell_the_same_however_they_come(
            rows in proptest::collection::vec(row(), 1..40),
            size in 1usize..300,
            between in prop_oneof![Just(","), Just(",\n")],
        ) {
            let catalogue = Catalogue::embedded().expect("it is built in");
            for table in ["civicrm_contact", "civicrm_note", "civicrm_log"] {
                let text = format!("{TABLES}INSERT INTO {table} VALUES {};\n", rows.join(between));
                let new = || of_any(DumpReader::new(site::ROWS_WANTED), catalogue);
                let (mut whole, mut pieces, mut one) = (new(), new(), OneByOne(new()));
                let ending = gathered(&mut one, text.as_bytes(), usize::MAX);
                let one = told(one.0, ending);
                let ending = gathered(&mut whole, text.as_bytes(), usize::MAX);
                prop_assert_eq!(told(whole, ending), one.clone());
                let ending = gathered(&mut pieces, text.as_bytes(), size);
                prop_assert_eq!(told(pieces, ending), one);
            }
        }
    }
}
