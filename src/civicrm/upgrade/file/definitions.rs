//! Columns, indexes and foreign keys as files spell them.

use serde::{Deserialize, Serialize};

use super::OpError;
use crate::civicrm::upgrade::op::index_of;
use crate::schema::charset;
use crate::schema::model::{
    Column, DefaultValue, ForeignKey, Index, IndexKind, ReferentialAction, is_false,
};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FlatColumn {
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
pub(super) struct FlatIndex {
    pub(super) name: String,
    #[serde(default, skip_serializing_if = "is_false")]
    unique: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    fulltext: bool,
    columns: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FlatForeignKey {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    columns: Vec<String>,
    ref_table: String,
    ref_columns: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    on_delete: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    on_update: Option<String>,
}

pub(super) fn canonical(charset: &str) -> String {
    // Words such as `as civicrm_contact` stay.
    if charset.contains(' ') {
        charset.to_owned()
    } else {
        charset::canonical(charset)
    }
}

/// A default as facts spell it: a quoted text, a number, NULL or an expression.
pub(super) fn read_default(text: &str) -> Option<DefaultValue> {
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

pub(super) fn write_default(default: &DefaultValue) -> String {
    match default {
        DefaultValue::Literal(text) if text.parse::<f64>().is_ok() => text.clone(),
        other => other.to_string(),
    }
}

impl FlatColumn {
    pub(super) fn read(&self) -> (String, Column) {
        let column = Column {
            data_type: self.data_type.clone(),
            nullable: self.nullable,
            default: self.default.as_deref().and_then(read_default),
            on_update_now: self.on_update.is_some(),
            auto_increment: self.auto_increment,
            charset: self.charset.as_deref().map(canonical),
            collation: self.collation.as_deref().map(canonical),
            generated: None,
            stored: false,
            comment: None,
        };
        (self.name.clone(), column)
    }

    pub(super) fn write(name: &str, column: &Column) -> Self {
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
    pub(super) fn read(&self) -> Index {
        let kind = match (self.unique, self.fulltext) {
            (true, _) => IndexKind::Unique,
            (_, true) => IndexKind::Fulltext,
            _ => IndexKind::Plain,
        };
        index_of(kind, &self.columns)
    }

    pub(super) fn write(name: &str, index: &Index) -> Self {
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
    pub(super) fn read(&self, op: &str) -> Result<ForeignKey, OpError> {
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

    pub(super) fn write(name: Option<&String>, key: &ForeignKey) -> Self {
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
