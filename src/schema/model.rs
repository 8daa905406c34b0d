//! The schema of one database as plain data, in canonical spelling.
//!
//! Every reader (dump, server, reference catalogue) fills this one model, so that
//! comparing never has to know how a particular server prints things. Canonical means:
//! lower-case types without integer display widths, `utf8mb3` for `utf8`, no charset on
//! a column that merely repeats its table's, `RESTRICT` and `NO ACTION` both absent.

use std::fmt;
use std::hash::{BuildHasher, Hash};

use foldhash::fast::RandomState;
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

/// Objects by name, in the order the source gave them. Names are short, and are looked up many times for each that is
/// added, so that the hash of the standard library would be a part of the time that a small dump takes; each map has a
/// seed of its own, so that nobody can choose names whose hashes are the same.
pub type ByName<T> = IndexMap<String, T, RandomState>;

/// All objects of one database, each kind keyed by name, in the order the source gave them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schema {
    /// Base tables by name.
    pub tables: ByName<Table>,
    /// Views by name.
    pub views: ByName<View>,
    /// Triggers by name.
    pub triggers: ByName<Trigger>,
    /// Stored functions and procedures. Both kinds may use the same name, hence the pair.
    pub routines: IndexMap<(RoutineKind, String), Routine>,
    /// Scheduled events by name.
    pub events: ByName<Event>,
    /// Views that the source announced by a stand-in and has not defined yet, with the columns that each is to
    /// have. Dump programs write a stand-in first, so that views may use each other; a stand-in that is left at
    /// the end is a view that the dump has lost.
    pub stand_ins: ByName<Vec<String>>,
}

impl Schema {
    /// Whether a base table or view of this name exists; letter case is ignored, because
    /// dumps cross servers with different `lower_case_table_names`.
    pub fn has_relation(&self, name: &str) -> bool {
        find(&self.tables, name).is_some() || find(&self.views, name).is_some()
    }

    /// The accounts that triggers, views, routines and events run as, one for each object that names one.
    pub fn definers(&self) -> impl Iterator<Item = &Account> {
        let triggers = self.triggers.values().map(|trigger| &trigger.definer);
        let views = self.views.values().map(|view| &view.definer);
        let routines = self.routines.values().map(|routine| &routine.definer);
        let events = self.events.values().map(|event| &event.definer);
        let all = triggers.chain(views).chain(routines).chain(events);
        all.filter_map(Option::as_ref)
    }

    /// The base table of this name, exact spelling first, then ignoring letter case.
    pub fn table(&self, name: &str) -> Option<&Table> {
        find(&self.tables, name)
    }

    /// The trigger of this name; trigger names are compared without letter case.
    pub fn trigger(&self, name: &str) -> Option<&Trigger> {
        find(&self.triggers, name)
    }

    /// The routine of this kind and name; routine names are never case-sensitive.
    pub fn routine(&self, kind: RoutineKind, name: &str) -> Option<&Routine> {
        let index = self.routine_index(kind, name)?;
        self.routines.get_index(index).map(|(_, routine)| routine)
    }

    /// Where the routine of this kind and name stands.
    pub(crate) fn routine_index(&self, kind: RoutineKind, name: &str) -> Option<usize> {
        let exact = self.routines.get_index_of(&(kind, name.to_owned()));
        exact.or_else(|| {
            let mut names = self.routines.keys();
            let is_it = |(k, n): &(RoutineKind, String)| *k == kind && n.eq_ignore_ascii_case(name);
            (!are_too_many(self.routines.len())).then(|| names.position(is_it))?
        })
    }
}

/// Whether there are so many of something that no real database has as many. What takes time for each of them
/// is then left out, so that a hostile dump cannot make a statement take as long as all before it.
pub(crate) fn are_too_many(number: usize) -> bool {
    number > MAX_IGNORING_CASE
}

/// Takes out what stands at an index. The others keep their order, unless there are too many of them.
pub(crate) fn take_at<K, V, S>(map: &mut IndexMap<K, V, S>, index: usize) -> Option<(K, V)> {
    match are_too_many(map.len()) {
        true => map.swap_remove_index(index),
        false => map.shift_remove_index(index),
    }
}

/// Puts something at an index, or at the end where there are too many.
pub(crate) fn put_at<K, V, S>(map: &mut IndexMap<K, V, S>, index: usize, key: K, value: V)
where
    K: Hash + Eq,
    S: BuildHasher,
{
    match are_too_many(map.len()) {
        true => drop(map.insert(key, value)),
        false => drop(map.shift_insert(index.min(map.len()), key, value)),
    }
}

/// An object's name as SQL text gives it, perhaps with its database.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name {
    /// The database; `None` where the text does not name one.
    pub database: Option<String>,
    /// The name of the object, without its database.
    pub name: String,
}

impl Name {
    /// Makes a name without a database.
    pub fn local(name: impl Into<String>) -> Self {
        Self {
            database: None,
            name: name.into(),
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(database) = &self.database {
            write!(f, "{database}.")?;
        }
        f.write_str(&self.name)
    }
}

/// Number of names among which letter case is ignored. Among more, which no real database has, names have to be
/// spelled alike, so that a hostile dump cannot make every look-up a long one.
const MAX_IGNORING_CASE: usize = 4096;

/// Looks a name up exactly, then without regard to ASCII letter case.
pub fn find<'a, V, S: BuildHasher>(map: &'a IndexMap<String, V, S>, name: &str) -> Option<&'a V> {
    find_entry(map, name).map(|(_, value)| value)
}

/// Looks a name up like [`find`]; returns the name as the map spells it, too.
pub fn find_entry<'a, V, S: BuildHasher>(
    map: &'a IndexMap<String, V, S>,
    name: &str,
) -> Option<(&'a String, &'a V)> {
    map.get_key_value(name).or_else(|| {
        if map.len() > MAX_IGNORING_CASE {
            return None;
        }
        map.iter().find(|(key, _)| key.eq_ignore_ascii_case(name))
    })
}

/// Looks a name up like [`find`], to change what it stands for.
pub(crate) fn find_mut<'a, V>(map: &'a mut ByName<V>, name: &str) -> Option<&'a mut V> {
    let index = map.get_index_of(find_entry(map, name)?.0)?;
    map.get_index_mut(index).map(|(_, value)| value)
}

/// A base table.
///
/// In JSON each key is a field, and each name maps to its object; values that are empty, absent, false or
/// RESTRICT are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Table {
    /// Columns by name, in table order.
    pub columns: ByName<Column>,
    /// Columns of the primary key; empty when there is none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub primary_key: Vec<KeyPart>,
    /// Secondary indexes by name.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub indexes: ByName<Index>,
    /// Foreign keys by constraint name.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub foreign_keys: ByName<ForeignKey>,
    /// CHECK constraints, expressions as written; `json_valid` checks that only mean JSON are not kept.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<String>,
    /// Storage engine as the server spells it (`InnoDB`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engine: Option<String>,
    /// Default character set, lower case, `utf8mb3` for `utf8`; `None` where not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub charset: Option<String>,
    /// Default collation, lower case, `utf8mb3_…` for `utf8_…`. Where only the charset was
    /// given this is the collation that the charset has by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub collation: Option<String>,
    /// `ROW_FORMAT`, upper case, where given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row_format: Option<String>,
}

impl Table {
    /// The names of the primary key's columns, in order.
    pub fn primary_key_columns(&self) -> Vec<String> {
        let parts = self.primary_key.iter();
        parts.map(|part| part.column.clone()).collect()
    }
}

/// A column.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Canonical type: `int unsigned`, `varchar(64)`, `enum('a','b')`, `json`.
    #[serde(rename = "type")]
    pub data_type: String,
    /// Whether NULL is allowed.
    pub nullable: bool,
    /// Default value; `None` for no default and for `DEFAULT NULL` alike.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<DefaultValue>,
    /// Whether the column has `ON UPDATE CURRENT_TIMESTAMP`.
    #[serde(default, skip_serializing_if = "is_false")]
    pub on_update_now: bool,
    /// Whether the column has `AUTO_INCREMENT`.
    #[serde(default, skip_serializing_if = "is_false")]
    pub auto_increment: bool,
    /// Character set; `None` where it is that of the table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charset: Option<String>,
    /// Collation; `None` where it is that of the table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collation: Option<String>,
    /// Expression of a generated column, as written; `None` for other columns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generated: Option<String>,
    /// Whether the values of a generated column are stored with the row. Comparisons ignore it, and only a statement that
    /// restates a column needs it.
    #[serde(skip)]
    pub stored: bool,
    /// The column's comment. It does not change what a column means: comparisons ignore it, and only a
    /// statement that restates a column needs it.
    #[serde(skip)]
    pub comment: Option<String>,
}

impl Column {
    /// A column of a canonical type, in a table's own character set, without a default and without attributes.
    pub fn new(data_type: &str, nullable: bool) -> Self {
        Self {
            data_type: data_type.to_owned(),
            nullable,
            ..Self::default()
        }
    }
}

// serde passes the value to `skip_serializing_if` by reference.
pub(crate) fn is_false(value: &bool) -> bool {
    !*value
}

/// The value that a column gets when a statement names no value for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DefaultValue {
    /// A constant, without quotes: `0`, `0.00`, `USD`.
    Literal(String),
    /// An expression; the current time is always `CURRENT_TIMESTAMP`.
    Expression(String),
}

impl fmt::Display for DefaultValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Literal(text) => write!(f, "'{}'", text.replace('\'', "''")),
            Self::Expression(text) => f.write_str(text),
        }
    }
}

/// One column of a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyPart {
    /// Column name, or the expression of a functional key part in parentheses.
    pub column: String,
    /// Prefix length in characters (bytes for binary types); `None` for the whole column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub length: Option<u32>,
    /// Whether the column is sorted in descending order.
    #[serde(default, skip_serializing_if = "is_false")]
    pub descending: bool,
}

impl KeyPart {
    /// Makes a key part of a whole column in ascending order.
    pub fn column(name: impl Into<String>) -> Self {
        Self {
            column: name.into(),
            length: None,
            descending: false,
        }
    }
}

/// A secondary index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Index {
    /// The kind of the index.
    pub kind: IndexKind,
    /// The columns of the index, in order.
    pub parts: Vec<KeyPart>,
}

/// Kinds of secondary index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IndexKind {
    /// An index that is not unique (`KEY`).
    Plain,
    /// A unique index (`UNIQUE KEY`).
    Unique,
    /// A full-text index (`FULLTEXT KEY`).
    Fulltext,
    /// A spatial index (`SPATIAL KEY`).
    Spatial,
}

/// A foreign key constraint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForeignKey {
    /// Columns of the child table, which has the constraint.
    pub columns: Vec<String>,
    /// Database of the parent table; `None` where the definition does not name it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub referenced_database: Option<String>,
    /// Name of the parent table.
    pub referenced_table: String,
    /// Columns of the parent table.
    pub referenced_columns: Vec<String>,
    /// The action on child rows when the parent row is deleted.
    #[serde(default, skip_serializing_if = "ReferentialAction::is_restrict")]
    pub on_delete: ReferentialAction,
    /// The action on child rows when the parent key changes.
    #[serde(default, skip_serializing_if = "ReferentialAction::is_restrict")]
    pub on_update: ReferentialAction,
}

/// The rule of a foreign key. InnoDB treats `RESTRICT`, `NO ACTION` and a missing rule alike, so they are one
/// value here (MySQL manual, "FOREIGN KEY Constraints").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReferentialAction {
    /// The parent row cannot be deleted or changed: `RESTRICT`, `NO ACTION`, or no rule given.
    #[default]
    #[serde(rename = "RESTRICT")]
    Restrict,
    /// Child rows are deleted or changed with the parent row (`CASCADE`).
    #[serde(rename = "CASCADE")]
    Cascade,
    /// The columns of child rows are set to NULL (`SET NULL`).
    #[serde(rename = "SET NULL")]
    SetNull,
    /// The columns of child rows get their default (`SET DEFAULT`); InnoDB refuses this rule.
    #[serde(rename = "SET DEFAULT")]
    SetDefault,
}

impl ReferentialAction {
    /// The SQL keywords of the rule.
    pub fn as_sql(self) -> &'static str {
        match self {
            Self::Restrict => "RESTRICT",
            Self::Cascade => "CASCADE",
            Self::SetNull => "SET NULL",
            Self::SetDefault => "SET DEFAULT",
        }
    }

    // serde passes the value to `skip_serializing_if` by reference.
    pub(crate) fn is_restrict(&self) -> bool {
        *self == Self::Restrict
    }
}

/// An account named by a DEFINER clause.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Account {
    /// User part of the account.
    pub user: String,
    /// Host part of the account; `%` when the clause names none.
    pub host: String,
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quoted = |part: &str| part.replace('`', "``");
        write!(f, "`{}`@`{}`", quoted(&self.user), quoted(&self.host))
    }
}

/// A view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// The account of the DEFINER clause; `None` without one.
    pub definer: Option<Account>,
    /// The defining SELECT as written.
    pub query: String,
    /// `sql_mode` in force at the CREATE statement, where the source says so.
    pub sql_mode: Option<String>,
}

/// A trigger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trigger {
    /// The table that the trigger belongs to.
    pub table: String,
    /// Whether the trigger runs before or after the row change.
    pub timing: TriggerTiming,
    /// The row change that fires it.
    pub event: TriggerEvent,
    /// The account of the DEFINER clause; `None` without one.
    pub definer: Option<Account>,
    /// The body: one statement or a BEGIN … END block, as written.
    pub body: String,
    /// `sql_mode` in force at the CREATE statement, where the source says so.
    pub sql_mode: Option<String>,
}

/// Whether a trigger runs before or after the row change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum TriggerTiming {
    /// The trigger runs before the row change.
    Before,
    /// The trigger runs after the row change.
    After,
}

/// The row change that fires a trigger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum TriggerEvent {
    /// The trigger fires for each inserted row.
    Insert,
    /// The trigger fires for each updated row.
    Update,
    /// The trigger fires for each deleted row.
    Delete,
}

/// The kinds of stored routines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RoutineKind {
    /// A stored function.
    Function,
    /// A stored procedure.
    Procedure,
}

impl RoutineKind {
    /// The kind in lower case, `function` or `procedure`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Function => "function",
            Self::Procedure => "procedure",
        }
    }
}

/// A stored function or procedure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Routine {
    /// The account of the DEFINER clause; `None` without one.
    pub definer: Option<Account>,
    /// Everything after the name: parameters, RETURNS, characteristics and body, as written.
    pub definition: String,
    /// `sql_mode` in force at the CREATE statement, where the source says so.
    pub sql_mode: Option<String>,
}

/// A scheduled event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The account of the DEFINER clause; `None` without one.
    pub definer: Option<Account>,
    /// Everything after the name: schedule and body, as written.
    pub definition: String,
    /// `sql_mode` in force at the CREATE statement, where the source says so.
    pub sql_mode: Option<String>,
}
