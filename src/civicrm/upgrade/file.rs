//! The form in which the files of `schemas/upgrade` spell operations: flat objects with the key `op`.

mod definitions;
mod read;
mod write;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::op::{Condition, InsertMode, Op, Reads, RowOf, StopsIf, Via};
use super::step::{Span, spans};
use crate::schema::model::is_false;
use definitions::{FlatColumn, FlatForeignKey, FlatIndex};

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
