//! The items of a history, each as one line of a file and as part of the model.

use serde::{Deserialize, Serialize};

use crate::schema::charset::of_collation;
use crate::schema::model::{self, DefaultValue, IndexKind, KeyPart, ReferentialAction, is_false};

/// The owner of a table: what brings it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Owner {
    /// CiviCRM itself brings the table.
    Core,
    /// An extension shipped with CiviCRM brings the table; its key.
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

/// The owner and the options of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableOptions {
    /// The owner of the table.
    pub owner: Owner,
    /// Whether CiviCRM describes the table as one to be logged.
    #[serde(default, skip_serializing_if = "is_false")]
    pub log: bool,
    /// Columns of the primary key; empty when there is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub primary_key: Vec<String>,
    /// Collation that the table asks for by itself; `None` where it is the state's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collation: Option<String>,
    /// Row format that differs from the state's; `DEFAULT` where the table asks for none, `None` where it is
    /// the state's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row_format: Option<String>,
}

/// A column as CiviCRM declares it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// The name of the column.
    pub name: String,
    /// The canonical type of the column.
    #[serde(rename = "type")]
    pub data_type: String,
    /// Whether NULL is allowed.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub nullable: bool,
    /// Default as text; `None` for no default and for NULL, `CURRENT_TIMESTAMP` for the current time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// Whether the column has `ON UPDATE CURRENT_TIMESTAMP`.
    #[serde(default, skip_serializing_if = "is_false")]
    pub on_update_now: bool,
    /// Whether the column has `AUTO_INCREMENT`.
    #[serde(default, skip_serializing_if = "is_false")]
    pub auto_increment: bool,
    /// Collation; `None` where it is that of the table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collation: Option<String>,
    /// Whether a multilingual site has one column per locale in its place.
    #[serde(default, skip_serializing_if = "is_false")]
    pub localizable: bool,
    /// The column's attributes on a server with `explicit_defaults_for_timestamp=ON`; `None` where they are the
    /// same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explicit_defaults: Option<ExplicitDefaults>,
}

/// The attributes of a TIMESTAMP column when the server adds nothing to its declaration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExplicitDefaults {
    /// Whether NULL is allowed.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub nullable: bool,
    /// Default as text; `None` for no default and for NULL, `CURRENT_TIMESTAMP` for the current time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// Whether the column has `ON UPDATE CURRENT_TIMESTAMP`.
    #[serde(default, skip_serializing_if = "is_false")]
    pub on_update_now: bool,
}

/// A secondary index as a fresh installation has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Index {
    /// The name of the index.
    pub name: String,
    /// The kind of the index.
    #[serde(default = "plain", skip_serializing_if = "is_plain")]
    pub kind: IndexKind,
    /// The columns of the index, in order.
    #[serde(with = "key_parts")]
    pub columns: Vec<KeyPart>,
    /// Whether a multilingual site has one index per locale in its place.
    #[serde(default, skip_serializing_if = "is_false")]
    pub localizable: bool,
    /// Whether CiviCRM does not ask for the index, so that the server adds it for the foreign key of the same
    /// name.
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
    /// The action on child rows when the parent row is deleted.
    #[serde(default, skip_serializing_if = "ReferentialAction::is_restrict")]
    pub on_delete: ReferentialAction,
    /// The action on child rows when the parent key changes.
    #[serde(default, skip_serializing_if = "ReferentialAction::is_restrict")]
    pub on_update: ReferentialAction,
}

impl Column {
    /// The column's attributes on a server that follows the old rules for TIMESTAMP.
    pub fn defaults(&self) -> ExplicitDefaults {
        ExplicitDefaults {
            nullable: self.nullable,
            default: self.default.clone(),
            on_update_now: self.on_update_now,
        }
    }

    /// Whether a column of a database has this form, be it on a server that follows the old rules for TIMESTAMP or not.
    /// Character sets are not compared.
    pub fn is_form_of(&self, column: &model::Column) -> bool {
        let is_default = |text: &Option<String>| match (&column.default, text) {
            (None, None) => true,
            (Some(DefaultValue::Expression(ours)), Some(text)) => {
                ours == text && self.is_expression(text)
            }
            (Some(DefaultValue::Literal(ours)), Some(text)) => {
                ours == text && !self.is_expression(text)
            }
            _ => false,
        };
        let has = |nullable: bool, default: &Option<String>, on_update_now: bool| {
            column.nullable == nullable
                && column.on_update_now == on_update_now
                && is_default(default)
        };
        let explicit = self.explicit_defaults.as_ref();
        column.data_type == self.data_type
            && column.auto_increment == self.auto_increment
            && (has(self.nullable, &self.default, self.on_update_now)
                || explicit.is_some_and(|it| has(it.nullable, &it.default, it.on_update_now)))
    }

    /// Whether a default with this text is the current time.
    fn is_expression(&self, text: &str) -> bool {
        text == "CURRENT_TIMESTAMP" && matches!(self.data_type.as_str(), "timestamp" | "datetime")
    }

    /// The column as the model has it, in a table of this character set.
    pub fn to_model(&self, table_charset: &str) -> model::Column {
        let charset = self.collation.as_deref().map(of_collation);
        model::Column {
            data_type: self.data_type.clone(),
            nullable: self.nullable,
            default: self.default.clone().map(|text| {
                if self.is_expression(&text) {
                    DefaultValue::Expression(text)
                } else {
                    DefaultValue::Literal(text)
                }
            }),
            on_update_now: self.on_update_now,
            auto_increment: self.auto_increment,
            charset: charset.filter(|c| *c != table_charset).map(str::to_owned),
            collation: self.collation.clone(),
            ..model::Column::default()
        }
    }

    /// The column as a server with `explicit_defaults_for_timestamp=ON` makes it; `None` where it is the same.
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
    /// The index as the model has it.
    pub fn to_model(&self) -> model::Index {
        model::Index {
            kind: self.kind,
            parts: self.columns.clone(),
        }
    }
}

impl ForeignKey {
    /// The foreign key as the model has it.
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

fn yes() -> bool {
    true
}

fn plain() -> IndexKind {
    IndexKind::Plain
}

// serde passes the value to `skip_serializing_if` by reference.
fn is_true(value: &bool) -> bool {
    *value
}

fn is_plain(kind: &IndexKind) -> bool {
    *kind == IndexKind::Plain
}

/// Reads and writes key parts as `name` or `name(length)`. CiviCRM does not declare descending ones.
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
