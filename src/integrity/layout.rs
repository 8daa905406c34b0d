//! Where the values that are needed stand in the rows of an INSERT, and how they are read from there.

use super::alike::hash_of;
use super::needs::{Needs, OfColumn};
use super::question::{Kind, column_of};
use super::table_facts::TableFacts;
use crate::dump::scanner::{Ends, Taken};
use crate::dump::values::{Next, Value, Values};
use crate::dump::workers::RowReader;
use crate::schema::lexer::SqlModes;
use crate::schema::model::Table;

/// Where the values that are needed stand in the rows of one INSERT statement.
#[derive(Debug, Default)]
pub struct RowLayout {
    /// The index of the table among the facts.
    pub(super) table: usize,
    needs: Needs,
    /// The values to look at, in the order in which they stand in a row.
    slots: Vec<Slot>,
    /// For each key the slots of its values, with their kinds and prefix lengths.
    pub(super) keys: Vec<Vec<(usize, Kind, Option<u32>)>>,
    left_out: Vec<&'static [&'static str]>,
    /// For each pair the slots of its two columns; `None` when the INSERT leaves one out.
    pub(super) pairs: Vec<Option<(usize, usize)>>,
    /// Indexes of the columns that this INSERT leaves out, so that they become NULL.
    omitted: Vec<usize>,
    /// Indexes of the columns that this INSERT leaves out, and whose values the server makes.
    made: Vec<usize>,
    modes: SqlModes,
}

/// One value to look at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    /// The number of values between the slot before and this one, which are not needed.
    skip: usize,
    /// The index of the column in the facts; `None` when only a key or pair needs the value.
    pub(super) column: Option<usize>,
    pub(super) kind: Kind,
    pub(super) needs: OfColumn,
    /// Whether the server replaces NULL by the next number (AUTO_INCREMENT).
    pub(super) numbered: bool,
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

impl RowLayout {
    pub(super) fn new(needs: &Needs, table: &Table, columns: &[String], modes: SqlModes) -> Self {
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
