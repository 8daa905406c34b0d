//! The form in which the files of `schemas/upgrade` spell operations: flat objects with the key `op`.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::op::{
    Action, Alteration, ApiCall, Change, Clause, Condition, Guard, Insert, InsertMode, Localized,
    NewTable, Op, Query, Reads, RowOf, StopsIf, Via, index_of,
};
use super::step::{Span, spans};
use crate::schema::charset;
use crate::schema::model::{
    Column, DefaultValue, ForeignKey, Index, IndexKind, ReferentialAction, is_false,
};

/// An operation as files spell it. The keys that an operation does not have are left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct FlatOp {
    op: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    table: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    guard: Option<FlatGuard>,
    #[serde(skip_serializing_if = "Vec::is_empty", with = "spans")]
    code: Vec<Span>,
    #[serde(skip_serializing_if = "Option::is_none")]
    multilingual: Option<bool>,
    #[serde(skip_serializing_if = "is_false")]
    logging: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    via: Option<Via>,
    #[serde(skip_serializing_if = "Option::is_none")]
    localized: Option<FlatLocalized>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    clauses: Vec<FlatOp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<FlatColumnOrName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    guard_absent_column: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    guard_column_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    guard_column_type_not: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    default: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<FlatIndex>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    absent_also: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    foreign_key: Option<FlatForeignKey>,
    #[serde(skip_serializing_if = "is_false")]
    if_exists: bool,
    #[serde(skip_serializing_if = "is_false")]
    if_not_exists: bool,
    #[serde(skip_serializing_if = "is_false")]
    or_replace: bool,
    #[serde(skip_serializing_if = "is_false")]
    temporary: bool,
    #[serde(skip_serializing_if = "is_false")]
    from_select: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    like: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    columns: Vec<FlatColumnOrName>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    primary: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    indexes: Vec<FlatIndex>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    foreign_keys: Vec<FlatForeignKey>,
    #[serde(skip_serializing_if = "Option::is_none")]
    engine: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    charset: Option<String>,
    #[serde(alias = "collate", skip_serializing_if = "Option::is_none")]
    collation: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    entity: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    api: Option<u32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    set: Vec<String>,
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    reads: Reads,
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<InsertMode>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    row_columns: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    rows: Vec<Vec<Value>>,
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    copies: IndexMap<String, String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    needs: Vec<RowOf>,
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    fails_under: IndexMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unless: Option<RowOf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mends: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    when: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    structure: Option<String>,
    #[serde(skip_serializing_if = "is_false")]
    existing_only: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    single: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    foreign_key_checks: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stops_if: Option<StopsIf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    #[serde(skip_serializing)]
    times: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum FlatGuard {
    Word(String),
    Condition(Box<Condition>),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum FlatLocalized {
    All(bool),
    Columns(Vec<String>),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum FlatColumnOrName {
    Name(String),
    Column(Box<FlatColumn>),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FlatColumn {
    name: String,
    #[serde(rename = "type")]
    data_type: String,
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    nullable: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    default: Option<String>,
    #[serde(default, skip_serializing_if = "is_false")]
    auto_increment: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    on_update: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    charset: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    collation: Option<String>,
    #[serde(default, skip_serializing)]
    note: Option<String>,
    /// Whether an old server makes the column NOT NULL although the statement does not say so; the server decides
    /// by `explicit_defaults_for_timestamp`, so it is not kept.
    #[serde(default, skip_serializing)]
    implicit_not_null: bool,
}

fn yes() -> bool {
    true
}

// serde passes the value to `skip_serializing_if` by reference.
fn is_true(value: &bool) -> bool {
    *value
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FlatIndex {
    name: String,
    #[serde(default, skip_serializing_if = "is_false")]
    unique: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    fulltext: bool,
    columns: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FlatForeignKey {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    columns: Vec<String>,
    ref_table: String,
    ref_columns: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    on_delete: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    on_update: Option<String>,
}

/// What an operation lacks, or has that does not belong to it.
#[derive(Debug, thiserror::Error)]
pub enum OpError {
    /// The operation needs a key that it does not have.
    #[error("operation {op} needs the key `{key}`")]
    Missing {
        /// The operation.
        op: String,
        /// The key.
        key: &'static str,
    },
    /// No operation has this name.
    #[error("there is no operation `{0}`")]
    Unknown(String),
    /// The key has a value that it cannot have.
    #[error("operation {op} cannot have `{key}` {value}")]
    Value {
        /// The operation.
        op: String,
        /// The key.
        key: &'static str,
        /// The value.
        value: String,
    },
}

impl FlatOp {
    fn missing(&self, key: &'static str) -> OpError {
        OpError::Missing {
            op: self.op.clone(),
            key,
        }
    }

    fn table(&self) -> Result<String, OpError> {
        self.table.clone().ok_or_else(|| self.missing("table"))
    }

    fn name(&self) -> Result<String, OpError> {
        self.name.clone().ok_or_else(|| self.missing("name"))
    }

    fn column(&self) -> Result<(String, Column), OpError> {
        match &self.column {
            Some(FlatColumnOrName::Column(column)) => Ok(column.read()),
            _ => Err(self.missing("column")),
        }
    }

    fn column_name(&self) -> Result<String, OpError> {
        match &self.column {
            Some(FlatColumnOrName::Name(name)) => Ok(name.clone()),
            _ => Err(self.missing("column")),
        }
    }

    fn column_names(&self) -> Result<Vec<String>, OpError> {
        let names = self.columns.iter().map(|column| match column {
            FlatColumnOrName::Name(name) => Ok(name.clone()),
            FlatColumnOrName::Column(_) => Err(self.missing("columns")),
        });
        names.collect()
    }

    fn guard(&self) -> Result<Guard, OpError> {
        let mut condition = match &self.guard {
            None => return Ok(Guard::None),
            Some(FlatGuard::Condition(condition)) => condition.clone(),
            Some(FlatGuard::Word(word)) => {
                return Ok(match word.as_str() {
                    "if-exists" => Guard::IfExists,
                    "if-absent" => Guard::IfAbsent,
                    "ignore-errors" => Guard::IgnoreErrors,
                    _ => {
                        return Err(OpError::Value {
                            op: self.op.clone(),
                            key: "guard",
                            value: word.clone(),
                        });
                    }
                });
            }
        };
        if let (Some(table), Some(column)) = (&self.table, &self.guard_absent_column) {
            condition.column_absent = Some(format!("{table}.{column}"));
        }
        // The clause looks at the type itself.
        if self.guard_column_type.is_some() || self.guard_column_type_not.is_some() {
            return Ok(Guard::None);
        }
        Ok(Guard::When(condition))
    }

    fn query(&self) -> Query {
        Query {
            reads: self.reads.clone(),
            localized: match &self.localized {
                None | Some(FlatLocalized::All(false)) => Localized::No,
                Some(FlatLocalized::All(true)) => Localized::All,
                Some(FlatLocalized::Columns(columns)) => Localized::Columns(columns.clone()),
            },
            needs: self.needs.clone(),
            fails_under: self.fails_under.clone(),
        }
    }

    fn mends(&self) -> Vec<String> {
        let mends = self.mends.iter().flat_map(|mends| mends.split("; "));
        mends.map(str::to_owned).collect()
    }

    fn change(&self) -> Result<Change, OpError> {
        Ok(Change {
            table: self.table()?,
            set: self.set.clone(),
            query: self.query(),
            mends: self.mends(),
            ignore: self.mode == Some(InsertMode::Ignore),
        })
    }

    /// The change that one clause of an ALTER TABLE makes; `None` if the operation is not such a clause.
    fn alteration(&self) -> Result<Option<Alteration>, OpError> {
        Ok(Some(match self.op.as_str() {
            "add_column" => {
                let (name, column) = self.column()?;
                let after = self.after.clone();
                Alteration::AddColumn {
                    name,
                    column,
                    after,
                }
            }
            "drop_column" => Alteration::DropColumn(self.column_name()?),
            "modify_column" | "change_column" => {
                let (to, column) = self.column()?;
                Alteration::ChangeColumn {
                    from: self.from.clone().unwrap_or_else(|| to.clone()),
                    to,
                    column,
                    after: self.after.clone(),
                    of_type: (self.guard_column_type.clone().map(Ok))
                        .or_else(|| self.guard_column_type_not.clone().map(Err)),
                }
            }
            "set_default" => Alteration::SetDefault {
                column: self.column_name()?,
                default: self.default.as_deref().and_then(read_default),
            },
            "add_index" => {
                let index = self.index.as_ref().ok_or_else(|| self.missing("index"))?;
                Alteration::AddIndex {
                    name: index.name.clone(),
                    index: index.read(),
                    absent_also: self.absent_also.clone(),
                }
            }
            "drop_index" => Alteration::DropIndex(self.name()?),
            "add_primary" => Alteration::AddPrimaryKey(self.column_names()?),
            "drop_primary" => Alteration::DropPrimaryKey,
            "add_foreign_key" => {
                let key = self.foreign_key.as_ref();
                let key = key.ok_or_else(|| self.missing("foreign_key"))?;
                Alteration::AddForeignKey {
                    name: key.name.clone(),
                    key: key.read(&self.op)?,
                }
            }
            "drop_foreign_key" => Alteration::DropForeignKey(self.name()?),
            "engine" => {
                Alteration::Engine(self.engine.clone().ok_or_else(|| self.missing("engine"))?)
            }
            "convert" => Alteration::Convert {
                charset: charset::canonical(self.charset.as_deref().unwrap_or_default()),
                collation: charset::canonical(self.collation.as_deref().unwrap_or_default()),
            },
            "auto_increment" => Alteration::AutoIncrement,
            _ => return Ok(None),
        }))
    }

    fn clause(&self) -> Result<Clause, OpError> {
        let change = self.alteration()?;
        Ok(Clause {
            change: change.ok_or_else(|| OpError::Unknown(self.op.clone()))?,
            localized: match &self.localized {
                None | Some(FlatLocalized::All(false)) => false,
                // A list names columns of this clause.
                Some(_) => true,
            },
            multilingual: self.multilingual,
            guard: self.guard()?,
        })
    }

    fn new_table(&self) -> Result<NewTable, OpError> {
        let columns = self.columns.iter().filter_map(|column| match column {
            FlatColumnOrName::Column(column) => Some(column.read()),
            FlatColumnOrName::Name(_) => None,
        });
        let keys = self.foreign_keys.iter();
        let keys = keys.map(|key| Ok((key.name.clone(), key.read(&self.op)?)));
        Ok(NewTable {
            name: self.table()?,
            if_not_exists: self.if_not_exists,
            temporary: self.temporary,
            like: self.like.clone(),
            from_select: self.from_select,
            columns: columns.collect(),
            primary: self.primary.clone(),
            indexes: (self.indexes.iter())
                .map(|index| (index.name.clone(), index.read()))
                .collect(),
            foreign_keys: keys.collect::<Result<_, OpError>>()?,
            engine: self.engine.clone(),
            charset: self.charset.as_deref().map(canonical),
            collation: self.collation.as_deref().map(canonical),
            localized: match &self.localized {
                Some(FlatLocalized::Columns(columns)) => columns.clone(),
                _ => Vec::new(),
            },
            reads: self.reads.clone(),
        })
    }

    fn action(&self) -> Result<Action, OpError> {
        Ok(match self.op.as_str() {
            "create_table" => Action::CreateTable(Box::new(self.new_table()?)),
            "drop_table" => Action::DropTable {
                table: self.table()?,
                if_exists: self.if_exists,
            },
            "rename_table" => Action::RenameTable {
                table: self.table()?,
                to: self.to.clone().ok_or_else(|| self.missing("to"))?,
            },
            "alter_table" => Action::Alter {
                table: self.table()?,
                clauses: self
                    .clauses
                    .iter()
                    .map(Self::clause)
                    .collect::<Result<_, _>>()?,
            },
            "create_view" => Action::CreateView {
                view: self.table()?,
                reads: self.reads.clone(),
                or_replace: self.or_replace,
            },
            "drop_view" => Action::DropView {
                view: self.table()?,
                if_exists: self.if_exists,
            },
            "insert" => Action::Insert(Box::new(Insert {
                table: self.table()?,
                columns: self.column_names()?,
                mode: self.mode.ok_or_else(|| self.missing("mode"))?,
                row_columns: self.row_columns.clone(),
                rows: self.rows.clone(),
                copies: self.copies.clone(),
                query: self.query(),
            })),
            "update" => Action::Update(self.change()?),
            "delete" => Action::Delete(self.change()?),
            "select" => Action::Select(self.query()),
            "api" => Action::Api(Box::new(ApiCall {
                entity: self.entity.clone().ok_or_else(|| self.missing("entity"))?,
                action: self.action.clone().ok_or_else(|| self.missing("action"))?,
                version: self.api,
                table: self.table.clone(),
                set: self.set.clone(),
                query: self.query(),
                unless: self.unless.clone(),
                mends: self.mends(),
                when: self.when.clone(),
            })),
            "drop_triggers" => Action::DropTriggers,
            "create_trigger" => Action::CreateTrigger {
                table: self.table.clone(),
                reads: self.reads.clone(),
            },
            "create_routine" => Action::CreateRoutine,
            "rebuild_multilingual" => Action::RebuildMultilingual {
                structure: self.structure.clone(),
                existing_only: self.existing_only,
                single: self.single.clone(),
            },
            "session" => Action::ForeignKeyChecks(self.foreign_key_checks == Some(1)),
            "other" => Action::Other {
                table: self.table.clone(),
                what: self.note.clone().ok_or_else(|| self.missing("note"))?,
                reads: self.reads.clone(),
                stops_if: self.stops_if.clone(),
            },
            _ => Action::Alter {
                table: self.table()?,
                clauses: vec![Clause {
                    // The conditions stand beside the operation.
                    multilingual: None,
                    guard: Guard::None,
                    ..self.clause()?
                }],
            },
        })
    }
}

impl TryFrom<FlatOp> for Op {
    type Error = OpError;

    fn try_from(flat: FlatOp) -> Result<Self, OpError> {
        Ok(Self {
            action: flat.action()?,
            guard: flat.guard()?,
            code: flat.code,
            multilingual: flat.multilingual,
            logging: flat.logging,
            via: flat.via,
        })
    }
}

impl<'de> Deserialize<'de> for Op {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let flat = FlatOp::deserialize(from)?;
        Self::try_from(flat).map_err(serde::de::Error::custom)
    }
}

impl Serialize for Op {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        FlatOp::from(self).serialize(to)
    }
}

fn canonical(charset: &str) -> String {
    // Words such as `as civicrm_contact` stay.
    if charset.contains(' ') {
        charset.to_owned()
    } else {
        charset::canonical(charset)
    }
}

/// A default as facts spell it: a quoted text, a number, NULL or an expression.
fn read_default(text: &str) -> Option<DefaultValue> {
    if text.eq_ignore_ascii_case("NULL") {
        return None;
    }
    let quoted = text.strip_prefix('\'').and_then(|t| t.strip_suffix('\''));
    Some(match quoted {
        Some(text) => DefaultValue::Literal(text.replace("''", "'")),
        None if text.parse::<f64>().is_ok() => DefaultValue::Literal(text.to_owned()),
        None => DefaultValue::Expression(text.to_owned()),
    })
}

fn write_default(default: &DefaultValue) -> String {
    match default {
        DefaultValue::Literal(text) if text.parse::<f64>().is_ok() => text.clone(),
        other => other.to_string(),
    }
}

impl FlatColumn {
    fn read(&self) -> (String, Column) {
        let column = Column {
            data_type: self.data_type.clone(),
            nullable: self.nullable,
            default: self.default.as_deref().and_then(read_default),
            on_update_now: self.on_update.is_some(),
            auto_increment: self.auto_increment,
            charset: self.charset.as_deref().map(canonical),
            collation: self.collation.as_deref().map(canonical),
            generated: None,
            comment: None,
        };
        (self.name.clone(), column)
    }

    fn write(name: &str, column: &Column) -> Self {
        Self {
            name: name.to_owned(),
            data_type: column.data_type.clone(),
            nullable: column.nullable,
            default: column.default.as_ref().map(write_default),
            auto_increment: column.auto_increment,
            on_update: column.on_update_now.then(|| "CURRENT_TIMESTAMP".to_owned()),
            charset: column.charset.clone(),
            collation: column.collation.clone(),
            note: None,
            implicit_not_null: false,
        }
    }
}

impl FlatIndex {
    fn read(&self) -> Index {
        let kind = match (self.unique, self.fulltext) {
            (true, _) => IndexKind::Unique,
            (_, true) => IndexKind::Fulltext,
            _ => IndexKind::Plain,
        };
        index_of(kind, &self.columns)
    }

    fn write(name: &str, index: &Index) -> Self {
        let columns = index.parts.iter().map(|part| match part.length {
            Some(length) => format!("{}({length})", part.column),
            None => part.column.clone(),
        });
        Self {
            name: name.to_owned(),
            unique: index.kind == IndexKind::Unique,
            fulltext: index.kind == IndexKind::Fulltext,
            columns: columns.collect(),
        }
    }
}

impl FlatForeignKey {
    fn read(&self, op: &str) -> Result<ForeignKey, OpError> {
        let rule = |key: &'static str, rule: &Option<String>| match rule.as_deref() {
            None | Some("RESTRICT" | "NO ACTION") => Ok(ReferentialAction::Restrict),
            Some("CASCADE") => Ok(ReferentialAction::Cascade),
            Some("SET NULL") => Ok(ReferentialAction::SetNull),
            Some(other) => Err(OpError::Value {
                op: op.to_owned(),
                key,
                value: other.to_owned(),
            }),
        };
        Ok(ForeignKey {
            columns: self.columns.clone(),
            referenced_database: None,
            referenced_table: self.ref_table.clone(),
            referenced_columns: self.ref_columns.clone(),
            on_delete: rule("on_delete", &self.on_delete)?,
            on_update: rule("on_update", &self.on_update)?,
        })
    }

    fn write(name: Option<&String>, key: &ForeignKey) -> Self {
        let rule = |rule: ReferentialAction| {
            let is_default = rule == ReferentialAction::Restrict;
            (!is_default).then(|| rule.as_sql().to_owned())
        };
        Self {
            name: name.cloned(),
            columns: key.columns.clone(),
            ref_table: key.referenced_table.clone(),
            ref_columns: key.referenced_columns.clone(),
            on_delete: rule(key.on_delete),
            on_update: rule(key.on_update),
        }
    }
}

impl From<&Op> for FlatOp {
    fn from(op: &Op) -> Self {
        let mut flat = flat_action(&op.action);
        let own = write_guard(&op.guard);
        flat.guard = own.or(flat.guard);
        flat.code.clone_from(&op.code);
        flat.multilingual = op.multilingual.or(flat.multilingual);
        flat.logging = op.logging;
        flat.via = op.via;
        flat
    }
}

fn write_guard(guard: &Guard) -> Option<FlatGuard> {
    let word = |word: &str| Some(FlatGuard::Word(word.to_owned()));
    match guard {
        Guard::None => None,
        Guard::IfExists => word("if-exists"),
        Guard::IfAbsent => word("if-absent"),
        Guard::IgnoreErrors => word("ignore-errors"),
        Guard::When(condition) => Some(FlatGuard::Condition(condition.clone())),
    }
}

fn names(columns: &[String]) -> Vec<FlatColumnOrName> {
    let names = columns.iter().cloned();
    names.map(FlatColumnOrName::Name).collect()
}

fn joined(mends: &[String]) -> Option<String> {
    (!mends.is_empty()).then(|| mends.join("; "))
}

fn flat_query(query: &Query) -> FlatOp {
    FlatOp {
        reads: query.reads.clone(),
        localized: match &query.localized {
            Localized::No => None,
            Localized::All => Some(FlatLocalized::All(true)),
            Localized::Columns(columns) => Some(FlatLocalized::Columns(columns.clone())),
        },
        needs: query.needs.clone(),
        fails_under: query.fails_under.clone(),
        ..FlatOp::default()
    }
}

fn flat_change(op: &str, change: &Change) -> FlatOp {
    FlatOp {
        op: op.to_owned(),
        table: Some(change.table.clone()),
        set: change.set.clone(),
        mends: joined(&change.mends),
        mode: change.ignore.then_some(InsertMode::Ignore),
        ..flat_query(&change.query)
    }
}

fn flat_clause(clause: &Clause) -> FlatOp {
    let column = |name: &str, column: &Column| {
        let column = Box::new(FlatColumn::write(name, column));
        Some(FlatColumnOrName::Column(column))
    };
    let mut flat = FlatOp::default();
    let op = match &clause.change {
        Alteration::AddColumn {
            name,
            column: new,
            after,
        } => {
            flat.column = column(name, new);
            flat.after.clone_from(after);
            "add_column"
        }
        Alteration::DropColumn(name) => {
            flat.column = Some(FlatColumnOrName::Name(name.clone()));
            "drop_column"
        }
        Alteration::ChangeColumn {
            from,
            to,
            column: new,
            after,
            of_type,
        } => {
            flat.column = column(to, new);
            flat.after.clone_from(after);
            match of_type {
                Some(Ok(wanted)) => flat.guard_column_type = Some(wanted.clone()),
                Some(Err(other)) => flat.guard_column_type_not = Some(other.clone()),
                None => {}
            }
            if from == to {
                "modify_column"
            } else {
                flat.from = Some(from.clone());
                "change_column"
            }
        }
        Alteration::SetDefault { column, default } => {
            flat.column = Some(FlatColumnOrName::Name(column.clone()));
            flat.default = default.as_ref().map(write_default);
            "set_default"
        }
        Alteration::AddIndex {
            name,
            index,
            absent_also,
        } => {
            flat.index = Some(FlatIndex::write(name, index));
            flat.absent_also.clone_from(absent_also);
            "add_index"
        }
        Alteration::DropIndex(name) => {
            flat.name = Some(name.clone());
            "drop_index"
        }
        Alteration::AddPrimaryKey(columns) => {
            flat.columns = names(columns);
            "add_primary"
        }
        Alteration::DropPrimaryKey => "drop_primary",
        Alteration::AddForeignKey { name, key } => {
            flat.foreign_key = Some(FlatForeignKey::write(name.as_ref(), key));
            "add_foreign_key"
        }
        Alteration::DropForeignKey(name) => {
            flat.name = Some(name.clone());
            "drop_foreign_key"
        }
        Alteration::Engine(engine) => {
            flat.engine = Some(engine.clone());
            "engine"
        }
        Alteration::Convert { charset, collation } => {
            flat.charset = Some(charset.clone());
            flat.collation = Some(collation.clone());
            "convert"
        }
        Alteration::AutoIncrement => "auto_increment",
    };
    flat.op = op.to_owned();
    flat.localized = clause.localized.then_some(FlatLocalized::All(true));
    flat.multilingual = clause.multilingual;
    flat.guard = write_guard(&clause.guard);
    flat
}

fn flat_action(action: &Action) -> FlatOp {
    let named = |op: &str, table: Option<&String>| FlatOp {
        op: op.to_owned(),
        table: table.cloned(),
        ..FlatOp::default()
    };
    match action {
        Action::CreateTable(table) => flat_table(table),
        Action::DropTable { table, if_exists } => FlatOp {
            if_exists: *if_exists,
            ..named("drop_table", Some(table))
        },
        Action::RenameTable { table, to } => FlatOp {
            to: Some(to.clone()),
            ..named("rename_table", Some(table))
        },
        Action::Alter { table, clauses } => match clauses.as_slice() {
            [clause] => FlatOp {
                table: Some(table.clone()),
                ..flat_clause(clause)
            },
            clauses => FlatOp {
                clauses: clauses.iter().map(flat_clause).collect(),
                ..named("alter_table", Some(table))
            },
        },
        Action::CreateView {
            view,
            reads,
            or_replace,
        } => FlatOp {
            reads: reads.clone(),
            or_replace: *or_replace,
            ..named("create_view", Some(view))
        },
        Action::DropView { view, if_exists } => FlatOp {
            if_exists: *if_exists,
            ..named("drop_view", Some(view))
        },
        Action::Insert(insert) => FlatOp {
            op: "insert".to_owned(),
            table: Some(insert.table.clone()),
            columns: names(&insert.columns),
            mode: Some(insert.mode),
            row_columns: insert.row_columns.clone(),
            rows: insert.rows.clone(),
            copies: insert.copies.clone(),
            ..flat_query(&insert.query)
        },
        Action::Update(change) => flat_change("update", change),
        Action::Delete(change) => flat_change("delete", change),
        Action::Select(query) => FlatOp {
            op: "select".to_owned(),
            ..flat_query(query)
        },
        Action::Api(call) => FlatOp {
            op: "api".to_owned(),
            table: call.table.clone(),
            entity: Some(call.entity.clone()),
            action: Some(call.action.clone()),
            api: call.version,
            set: call.set.clone(),
            unless: call.unless.clone(),
            mends: joined(&call.mends),
            when: call.when.clone(),
            ..flat_query(&call.query)
        },
        Action::DropTriggers => named("drop_triggers", None),
        Action::CreateTrigger { table, reads } => FlatOp {
            reads: reads.clone(),
            ..named("create_trigger", table.as_ref())
        },
        Action::CreateRoutine => named("create_routine", None),
        Action::RebuildMultilingual {
            structure,
            existing_only,
            single,
        } => FlatOp {
            structure: structure.clone(),
            existing_only: *existing_only,
            single: single.clone(),
            ..named("rebuild_multilingual", None)
        },
        Action::ForeignKeyChecks(on) => FlatOp {
            foreign_key_checks: Some(u8::from(*on)),
            ..named("session", None)
        },
        Action::Other {
            table,
            what,
            reads,
            stops_if,
        } => FlatOp {
            note: Some(what.clone()),
            reads: reads.clone(),
            stops_if: stops_if.clone(),
            ..named("other", table.as_ref())
        },
    }
}

fn flat_table(table: &NewTable) -> FlatOp {
    let columns = table
        .columns
        .iter()
        .map(|(name, column)| FlatColumnOrName::Column(Box::new(FlatColumn::write(name, column))));
    FlatOp {
        op: "create_table".to_owned(),
        table: Some(table.name.clone()),
        if_not_exists: table.if_not_exists,
        temporary: table.temporary,
        like: table.like.clone(),
        from_select: table.from_select,
        columns: columns.collect(),
        primary: table.primary.clone(),
        indexes: (table.indexes.iter())
            .map(|(name, index)| FlatIndex::write(name, index))
            .collect(),
        foreign_keys: (table.foreign_keys.iter())
            .map(|(name, key)| FlatForeignKey::write(name.as_ref(), key))
            .collect(),
        engine: table.engine.clone(),
        charset: table.charset.clone(),
        collation: table.collation.clone(),
        localized: (!table.localized.is_empty())
            .then(|| FlatLocalized::Columns(table.localized.clone())),
        reads: table.reads.clone(),
        ..FlatOp::default()
    }
}
