//! One table through all states, and the text of the files that keep it.
//!
//! A file holds one item per line. Items stand in the order of the table, so that leaving out
//! the lines that do not hold for a state gives that state's table, its order included. An item
//! that was changed has one line per shape; one that was moved has one line per place.

use std::collections::HashMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{BorrowedStrDeserializer, MapAccessDeserializer};
use serde::de::{DeserializeSeed, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::{CatalogueError, Result};
use crate::schema::model::{self, DefaultValue, IndexKind, KeyPart, ReferentialAction};

/// The names of a catalogue's states, in order.
pub(super) struct StateNames<'a> {
    ordered: Vec<&'a str>,
    places: HashMap<&'a str, usize>,
}

impl<'a> StateNames<'a> {
    pub(super) fn new(names: impl Iterator<Item = &'a str>) -> Self {
        let ordered: Vec<&str> = names.collect();
        let places = ordered.iter().copied().zip(0..).collect();
        Self { ordered, places }
    }

    fn newest(&self) -> usize {
        self.ordered.len().saturating_sub(1)
    }

    fn place(&self, name: &str) -> Result<usize> {
        self.places
            .get(name)
            .copied()
            .ok_or_else(|| CatalogueError::UnknownState {
                name: name.to_owned(),
            })
    }

    fn name(&self, place: usize) -> &str {
        self.ordered.get(place).copied().unwrap_or_default()
    }
}

/// The states something holds for: runs of places in the catalogue's ordered list of states.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct States {
    /// Inclusive runs, ascending, never touching each other.
    runs: Vec<(usize, usize)>,
}

impl States {
    /// A single state.
    pub(super) fn one(place: usize) -> Self {
        Self {
            runs: vec![(place, place)],
        }
    }

    /// Adds a state that comes after all that are in already.
    pub(super) fn push(&mut self, place: usize) {
        match self.runs.last_mut() {
            Some((_, last)) if *last + 1 >= place => *last = place.max(*last),
            _ => self.runs.push((place, place)),
        }
    }

    /// The states that are in any of several sets: of an item that moved or changed and came
    /// back, when it was there at all.
    pub fn union<'a>(sets: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut places: Vec<usize> = sets.into_iter().flat_map(Self::places).collect();
        places.sort_unstable();
        let mut all = Self::default();
        places.into_iter().for_each(|place| all.push(place));
        all
    }

    /// Whether the state at this place of the ordered list is one of them.
    pub fn contains(&self, place: usize) -> bool {
        self.runs
            .iter()
            .any(|&(first, last)| (first..=last).contains(&place))
    }

    /// First and last place of each unbroken run, ascending.
    pub fn runs(&self) -> &[(usize, usize)] {
        &self.runs
    }

    /// The places of all states, ascending.
    pub fn places(&self) -> impl Iterator<Item = usize> {
        self.runs.iter().flat_map(|&(first, last)| first..=last)
    }

    /// Reads `4.3.5..5.13, 5.29..`: state names, an open end meaning the newest state.
    pub(super) fn parse(text: &str, names: &StateNames) -> Result<Self> {
        let mut runs: Vec<(usize, usize)> = Vec::new();
        for run in text.split(", ") {
            let (first, last) = match run.split_once("..") {
                None => (names.place(run)?, names.place(run)?),
                Some((first, "")) => (names.place(first)?, names.newest()),
                Some((first, last)) => (names.place(first)?, names.place(last)?),
            };
            if first > last || runs.last().is_some_and(|&(_, end)| first <= end) {
                return Err(CatalogueError::StatesOutOfOrder {
                    states: text.to_owned(),
                });
            }
            runs.push((first, last));
        }
        Ok(Self { runs })
    }

    /// The text that [`States::parse`] reads.
    pub(super) fn write(&self, names: &StateNames) -> String {
        let run = |&(first, last): &(usize, usize)| {
            if last == names.newest() {
                format!("{}..", names.name(first))
            } else if first == last {
                names.name(first).to_owned()
            } else {
                format!("{}..{}", names.name(first), names.name(last))
            }
        };
        self.runs.iter().map(run).collect::<Vec<_>>().join(", ")
    }
}

/// Something with the states it holds for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dated<T> {
    /// When.
    pub states: States,
    /// What.
    pub item: T,
}

/// Who brings a table.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Owner {
    /// CiviCRM itself.
    Core,
    /// An extension shipped with it, by its key.
    Extension(String),
}

impl From<String> for Owner {
    fn from(text: String) -> Self {
        match text.strip_prefix("ext:") {
            Some(key) => Self::Extension(key.to_owned()),
            None => Self::Core,
        }
    }
}

impl From<Owner> for String {
    fn from(owner: Owner) -> Self {
        match owner {
            Owner::Core => "core".to_owned(),
            Owner::Extension(key) => format!("ext:{key}"),
        }
    }
}

/// What is said of a table as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableOptions {
    /// Who brings it.
    pub owner: Owner,
    /// Whether CiviCRM describes it as one to be logged.
    #[serde(default, skip_serializing_if = "is_false")]
    pub log: bool,
    /// Columns of the primary key; empty when there is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub primary_key: Vec<String>,
    /// Collation the table asks for by itself; otherwise it gets the state's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collation: Option<String>,
    /// Row format that differs from the state's; `DEFAULT` where the table asks for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row_format: Option<String>,
}

/// A column as CiviCRM declares it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its canonical type.
    #[serde(rename = "type")]
    pub data_type: String,
    /// Whether NULL is allowed.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub nullable: bool,
    /// Default as text; `None` for none and for NULL, `CURRENT_TIMESTAMP` for the time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// `ON UPDATE CURRENT_TIMESTAMP`.
    #[serde(default, skip_serializing_if = "is_false")]
    pub on_update_now: bool,
    /// `AUTO_INCREMENT`.
    #[serde(default, skip_serializing_if = "is_false")]
    pub auto_increment: bool,
    /// Collation where it differs from the table's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collation: Option<String>,
    /// On a multilingual site one column per locale stands in its place.
    #[serde(default, skip_serializing_if = "is_false")]
    pub localizable: bool,
    /// How it comes out on a server with `explicit_defaults_for_timestamp=ON`, where that differs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explicit_defaults: Option<ExplicitDefaults>,
}

/// What a TIMESTAMP column is when the server adds nothing to its declaration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExplicitDefaults {
    /// Whether NULL is allowed.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub nullable: bool,
    /// Default as text; `None` for none and for NULL, `CURRENT_TIMESTAMP` for the time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// `ON UPDATE CURRENT_TIMESTAMP`.
    #[serde(default, skip_serializing_if = "is_false")]
    pub on_update_now: bool,
}

/// A secondary index as a fresh installation has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Index {
    /// Its name.
    pub name: String,
    /// Its kind.
    #[serde(default = "plain", skip_serializing_if = "is_plain")]
    pub kind: IndexKind,
    /// Its columns.
    #[serde(with = "key_parts")]
    pub columns: Vec<KeyPart>,
    /// On a multilingual site one index per locale stands in its place.
    #[serde(default, skip_serializing_if = "is_false")]
    pub localizable: bool,
    /// CiviCRM does not ask for it; the server adds it for the foreign key of the same name.
    #[serde(default, skip_serializing_if = "is_false")]
    pub implied_by_fk: bool,
}

/// A foreign key as CiviCRM declares it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForeignKey {
    /// Name of the constraint.
    pub name: String,
    /// Columns of this table.
    pub columns: Vec<String>,
    /// The parent table.
    pub ref_table: String,
    /// Columns of the parent table.
    pub ref_columns: Vec<String>,
    /// What deleting the parent does.
    #[serde(default, with = "rule", skip_serializing_if = "is_restrict")]
    pub on_delete: ReferentialAction,
    /// What changing the parent's key does.
    #[serde(default, with = "rule", skip_serializing_if = "is_restrict")]
    pub on_update: ReferentialAction,
}

/// A table in one state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TableShape {
    /// What is said of the table as a whole.
    #[serde(flatten)]
    pub options: TableOptions,
    /// Columns in table order.
    pub columns: Vec<Column>,
    /// Indexes: those CiviCRM asks for first.
    pub indexes: Vec<Index>,
    /// Foreign keys.
    pub foreign_keys: Vec<ForeignKey>,
}

/// Everything a table ever was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableHistory {
    /// Name of the table.
    pub name: String,
    /// Whether this is another shape that an extension gives to a table of core.
    pub variant: bool,
    /// What is said of the table as a whole; together these are the states that have the table.
    pub options: Vec<Dated<TableOptions>>,
    /// Columns in table order.
    pub columns: Vec<Dated<Column>>,
    /// Indexes in order.
    pub indexes: Vec<Dated<Index>>,
    /// Foreign keys in order.
    pub foreign_keys: Vec<Dated<ForeignKey>>,
}

impl TableHistory {
    /// The table in the state at this place, if it exists there.
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

    /// Every shape of the column of this name.
    pub fn column(&self, name: &str) -> impl Iterator<Item = &Dated<Column>> {
        self.columns
            .iter()
            .filter(move |c| c.item.name.eq_ignore_ascii_case(name))
    }

    /// Every shape of the index of this name.
    pub fn index(&self, name: &str) -> impl Iterator<Item = &Dated<Index>> {
        self.indexes
            .iter()
            .filter(move |i| i.item.name.eq_ignore_ascii_case(name))
    }

    /// Every shape of the foreign key of this name.
    pub fn foreign_key(&self, name: &str) -> impl Iterator<Item = &Dated<ForeignKey>> {
        self.foreign_keys
            .iter()
            .filter(move |k| k.item.name.eq_ignore_ascii_case(name))
    }

    /// Whether the table is the same in the states at these two places.
    pub fn is_same(&self, one: usize, other: usize) -> bool {
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
        Ok(Self {
            name: file.name,
            variant: file.variant,
            columns: dated(file.columns, Some(&whole), names)?,
            indexes: dated(file.indexes, Some(&whole), names)?,
            foreign_keys: dated(file.foreign_keys, Some(&whole), names)?,
            options,
        })
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

/// A history file as it is written.
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

/// One line of it. Without `in` the item holds whenever the table exists.
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

/// The fields of a line but `in`, which is put aside.
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

/// Gives lines their states; `whole` stands in for a missing `in`, all states if `None`.
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
                (None, None) => States {
                    runs: vec![(0, names.newest())],
                },
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

impl Column {
    /// What it takes and gives on a server that follows the old rules for TIMESTAMP.
    pub fn defaults(&self) -> ExplicitDefaults {
        ExplicitDefaults {
            nullable: self.nullable,
            default: self.default.clone(),
            on_update_now: self.on_update_now,
        }
    }

    /// The column in the model, in a table of this charset.
    pub fn to_model(&self, table_charset: &str) -> model::Column {
        let charset = self.collation.as_deref().map(charset_of);
        let time = self.data_type == "timestamp" || self.data_type == "datetime";
        model::Column {
            data_type: self.data_type.clone(),
            nullable: self.nullable,
            default: self.default.clone().map(|text| {
                if time && text == "CURRENT_TIMESTAMP" {
                    DefaultValue::Expression(text)
                } else {
                    DefaultValue::Literal(text)
                }
            }),
            on_update_now: self.on_update_now,
            auto_increment: self.auto_increment,
            charset: charset.filter(|c| *c != table_charset).map(str::to_owned),
            collation: self.collation.clone(),
            generated: None,
        }
    }

    /// The column as a server with `explicit_defaults_for_timestamp=ON` makes it, where that differs.
    pub fn to_model_explicit(&self, table_charset: &str) -> Option<model::Column> {
        let explicit = self.explicit_defaults.clone()?;
        let column = Self {
            nullable: explicit.nullable,
            default: explicit.default,
            on_update_now: explicit.on_update_now,
            ..self.clone()
        };
        Some(column.to_model(table_charset))
    }
}

impl Index {
    /// The index in the model.
    pub fn to_model(&self) -> model::Index {
        model::Index {
            kind: self.kind,
            parts: self.columns.clone(),
        }
    }
}

impl ForeignKey {
    /// The foreign key in the model.
    pub fn to_model(&self) -> model::ForeignKey {
        model::ForeignKey {
            columns: self.columns.clone(),
            referenced_database: None,
            referenced_table: self.ref_table.clone(),
            referenced_columns: self.ref_columns.clone(),
            on_delete: self.on_delete,
            on_update: self.on_update,
        }
    }
}

/// The character set of a collation: `utf8mb4` of `utf8mb4_unicode_ci`.
pub(super) fn charset_of(collation: &str) -> &str {
    collation
        .split_once('_')
        .map_or(collation, |(charset, _)| charset)
}

fn yes() -> bool {
    true
}

fn plain() -> IndexKind {
    IndexKind::Plain
}

// serde passes what it may skip by reference.
fn is_true(value: &bool) -> bool {
    *value
}

fn is_false(value: &bool) -> bool {
    !*value
}

fn is_plain(kind: &IndexKind) -> bool {
    *kind == IndexKind::Plain
}

fn is_restrict(action: &ReferentialAction) -> bool {
    *action == ReferentialAction::Restrict
}

/// Key parts as `name` or `name(length)`. CiviCRM declares no descending ones.
mod key_parts {
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::schema::model::KeyPart;

    pub(super) fn serialize<S: Serializer>(
        parts: &[KeyPart],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(parts.iter().map(|part| match part.length {
            Some(length) => format!("{}({length})", part.column),
            None => part.column.clone(),
        }))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<KeyPart>, D::Error> {
        let texts = Vec::<String>::deserialize(deserializer)?;
        Ok(texts.into_iter().map(key_part).collect())
    }

    fn key_part(text: String) -> KeyPart {
        let prefix = text.strip_suffix(')').and_then(|t| t.split_once('('));
        match prefix.and_then(|(column, length)| Some((column, length.parse().ok()?))) {
            Some((column, length)) => KeyPart {
                length: Some(length),
                ..KeyPart::column(column)
            },
            None => KeyPart::column(text),
        }
    }
}

/// Rules of foreign keys by their SQL keywords.
mod rule {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::schema::model::ReferentialAction;

    pub(super) fn serialize<S: Serializer>(
        action: &ReferentialAction,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(action.as_sql())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<ReferentialAction, D::Error> {
        use ReferentialAction::{Cascade, Restrict, SetDefault, SetNull};
        let text = String::deserialize(deserializer)?;
        [Restrict, Cascade, SetNull, SetDefault]
            .into_iter()
            .find(|action| action.as_sql() == text)
            .ok_or_else(|| D::Error::custom(format!("`{text}` is no rule of a foreign key")))
    }
}
