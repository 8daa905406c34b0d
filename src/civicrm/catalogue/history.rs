//! One table through all states, and the form of the files that keep it.
//!
//! A file holds one item per line. Items stand in the order of the table, so leaving out the lines that do not
//! hold for a state gives that state's table, its order included. An item that changed has one line per form;
//! one that moved has one line per place.

use std::collections::BTreeSet;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{BorrowedStrDeserializer, MapAccessDeserializer};
use serde::de::{DeserializeSeed, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::items::{Column, ForeignKey, Index, Owner, TableOptions};
use super::states::{Dated, StateNames, States};
use super::{Result, State};

/// The form of a table in one state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TableShape {
    /// The owner and the options of the table.
    #[serde(flatten)]
    pub options: TableOptions,
    /// Columns in table order.
    pub columns: Vec<Column>,
    /// Indexes: those that CiviCRM asks for come first.
    pub indexes: Vec<Index>,
    /// Foreign keys, in the order in which CiviCRM declares them.
    pub foreign_keys: Vec<ForeignKey>,
}

/// The history of a table in all states.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableHistory {
    /// Name of the table.
    pub name: String,
    /// Whether this is another form that an extension gives to a table of core.
    pub variant: bool,
    /// The owner and the options of the table; together their states are those that have the table.
    pub options: Vec<Dated<TableOptions>>,
    /// Columns in table order, each with its states.
    pub columns: Vec<Dated<Column>>,
    /// Indexes in order, each with its states.
    pub indexes: Vec<Dated<Index>>,
    /// Foreign keys in order, each with its states.
    pub foreign_keys: Vec<Dated<ForeignKey>>,
    /// The places at which something begins or has ended.
    turns: Vec<usize>,
}

/// Where items begin, and where they are no more.
fn turns<T>(items: &[Dated<T>]) -> impl Iterator<Item = usize> {
    let runs = items.iter().flat_map(|item| item.states.runs());
    runs.flat_map(|&(first, last)| [first, last + 1])
}

impl TableHistory {
    /// Makes a history of these items.
    pub(super) fn new(
        (name, variant): (String, bool),
        options: Vec<Dated<TableOptions>>,
        columns: Vec<Dated<Column>>,
        indexes: Vec<Dated<Index>>,
        foreign_keys: Vec<Dated<ForeignKey>>,
    ) -> Self {
        let all = turns(&options).chain(turns(&columns));
        let all = all.chain(turns(&indexes)).chain(turns(&foreign_keys));
        let all: BTreeSet<usize> = all.collect();
        Self {
            name,
            variant,
            options,
            columns,
            indexes,
            foreign_keys,
            turns: all.into_iter().collect(),
        }
    }

    /// The form of the table in the state at this place; `None` if the state lacks the table.
    pub fn at(&self, place: usize) -> Option<TableShape> {
        Some(TableShape {
            options: holding(&self.options, place).next()?.clone(),
            columns: holding(&self.columns, place).cloned().collect(),
            indexes: holding(&self.indexes, place).cloned().collect(),
            foreign_keys: holding(&self.foreign_keys, place).cloned().collect(),
        })
    }

    /// The states that have the table.
    pub fn states(&self) -> States {
        States::union(self.options.iter().map(|d| &d.states))
    }

    /// The owner of the table in a state; `None` if the state lacks the table.
    pub fn owner(&self, state: &State) -> Option<&Owner> {
        let mut options = holding(&self.options, state.place());
        options.next().map(|options| &options.owner)
    }

    /// The columns of the table in a state, in table order; none if the state lacks the table.
    pub fn columns_at(&self, state: &State) -> impl Iterator<Item = &Column> {
        holding(&self.columns, state.place())
    }

    /// All owners that the table ever had.
    pub fn owners(&self) -> impl Iterator<Item = &Owner> {
        self.options.iter().map(|dated| &dated.item.owner)
    }

    /// Whether core had the table in any state.
    pub fn is_of_core(&self) -> bool {
        self.owners().any(|owner| *owner == Owner::Core)
    }

    /// All forms of the column of this name.
    pub fn column(&self, name: &str) -> impl Iterator<Item = &Dated<Column>> {
        self.columns
            .iter()
            .filter(move |c| c.item.name.eq_ignore_ascii_case(name))
    }

    /// All forms of the index of this name.
    pub fn index(&self, name: &str) -> impl Iterator<Item = &Dated<Index>> {
        self.indexes
            .iter()
            .filter(move |i| i.item.name.eq_ignore_ascii_case(name))
    }

    /// All forms of the foreign key of this name.
    pub fn foreign_key(&self, name: &str) -> impl Iterator<Item = &Dated<ForeignKey>> {
        self.foreign_keys
            .iter()
            .filter(move |k| k.item.name.eq_ignore_ascii_case(name))
    }

    /// Whether the table is the same in the states at these two places.
    pub fn is_same(&self, one: usize, other: usize) -> bool {
        let between = one.min(other) + 1..=one.max(other);
        if !self.turns.iter().any(|turn| between.contains(turn)) {
            return true;
        }
        fn same<T>(items: &[Dated<T>], one: usize, other: usize) -> bool {
            items
                .iter()
                .all(|i| i.states.contains(one) == i.states.contains(other))
        }
        same(&self.options, one, other)
            && same(&self.columns, one, other)
            && same(&self.indexes, one, other)
            && same(&self.foreign_keys, one, other)
    }

    /// Reads a history file.
    pub(super) fn from_json(text: &str, names: &StateNames) -> Result<Self> {
        let file: File = serde_json::from_str(text)?;
        let options = dated(file.table, None, names)?;
        let whole = States::union(options.iter().map(|d| &d.states));
        Ok(Self::new(
            (file.name, file.variant),
            options,
            dated(file.columns, Some(&whole), names)?,
            dated(file.indexes, Some(&whole), names)?,
            dated(file.foreign_keys, Some(&whole), names)?,
        ))
    }

    /// Writes a history file: one item per line, ranges left out where an item is as old as its table.
    pub(super) fn to_json(&self, names: &StateNames) -> Result<String> {
        let whole = self.states();
        let name = serde_json::to_string(&self.name)?;
        let variant = if self.variant {
            " \"variant\": true,\n"
        } else {
            ""
        };
        Ok(format!(
            "{{\n \"name\": {name},\n{variant} \"table\": {},\n \"columns\": {},\n \"indexes\": {},\n \"foreign_keys\": {}\n}}\n",
            lines(&self.options, None, names)?,
            lines(&self.columns, Some(&whole), names)?,
            lines(&self.indexes, Some(&whole), names)?,
            lines(&self.foreign_keys, Some(&whole), names)?,
        ))
    }
}

/// The form in which a history file is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    #[serde(default)]
    variant: bool,
    table: Vec<Line<TableOptions>>,
    columns: Vec<Line<Column>>,
    indexes: Vec<Line<Index>>,
    foreign_keys: Vec<Line<ForeignKey>>,
}

/// One line of a history file. Without `in`, the item holds whenever the table exists.
#[derive(Serialize)]
pub(super) struct Line<T> {
    #[serde(flatten)]
    item: T,
    #[serde(rename = "in", skip_serializing_if = "Option::is_none")]
    states: Option<String>,
}

// By hand, because a derived `flatten` copies every line before it reads it, which would be most
// of the time it takes to load the catalogue, and forbids `deny_unknown_fields` on the items.
impl<'de, T: Deserialize<'de>> Deserialize<'de> for Line<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_map(LineVisitor(PhantomData))
    }
}

struct LineVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for LineVisitor<T> {
    type Value = Line<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an item of a history")
    }

    fn visit_map<A: MapAccess<'de>>(self, line: A) -> std::result::Result<Self::Value, A::Error> {
        let mut states = None;
        let fields = ItemFields {
            line,
            states: &mut states,
        };
        let item = T::deserialize(MapAccessDeserializer::new(fields))?;
        Ok(Line { item, states })
    }
}

/// The fields of a line except `in`, which is put aside.
struct ItemFields<'a, A> {
    line: A,
    states: &'a mut Option<String>,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for ItemFields<'_, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> std::result::Result<Option<K::Value>, A::Error> {
        while let Some(key) = self.line.next_key::<&str>()? {
            if key != "in" {
                return seed
                    .deserialize(BorrowedStrDeserializer::new(key))
                    .map(Some);
            }
            *self.states = Some(self.line.next_value()?);
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(
        &mut self,
        seed: V,
    ) -> std::result::Result<V::Value, A::Error> {
        self.line.next_value_seed(seed)
    }
}

/// Gives lines their states; `whole` is used for a missing `in`, and all states if `whole` is `None`.
pub(super) fn dated<T>(
    lines: Vec<Line<T>>,
    whole: Option<&States>,
    names: &StateNames,
) -> Result<Vec<Dated<T>>> {
    lines
        .into_iter()
        .map(|line| {
            let states = match (&line.states, whole) {
                (Some(text), _) => States::parse(text, names)?,
                (None, Some(whole)) => whole.clone(),
                (None, None) => States::all(names),
            };
            Ok(Dated {
                states,
                item: line.item,
            })
        })
        .collect()
}

/// The reverse of [`dated`], as an array with one item per line.
pub(super) fn lines<T: Serialize + Clone>(
    items: &[Dated<T>],
    whole: Option<&States>,
    names: &StateNames,
) -> Result<String> {
    let mut text = String::new();
    for dated in items {
        let states = (Some(&dated.states) != whole).then(|| dated.states.write(names));
        let line = Line {
            item: dated.item.clone(),
            states,
        };
        text.push_str(if text.is_empty() { "\n  " } else { ",\n  " });
        text.push_str(&serde_json::to_string(&line)?);
    }
    Ok(if text.is_empty() {
        "[]".to_owned()
    } else {
        format!("[{text}\n ]")
    })
}

/// The items that hold for the state at this place.
pub(super) fn holding<T>(items: &[Dated<T>], place: usize) -> impl Iterator<Item = &T> {
    items
        .iter()
        .filter(move |d| d.states.contains(place))
        .map(|d| &d.item)
}
