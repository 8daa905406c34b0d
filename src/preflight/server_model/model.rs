//! The server itself: what decides how it answers.

use super::error::ServerError;
use crate::schema::model::{Schema, Table, find, find_entry};
use crate::server_version::{Family, ServerVersion};

/// A server that exists on paper only.
#[derive(Clone, Debug)]
pub struct ServerModel {
    /// Family and version: they decide what is refused, and in which words.
    pub version: ServerVersion,
    /// The name of the database, for messages.
    pub database: String,
    /// Whether the session has `foreign_key_checks=1`.
    pub foreign_key_checks: bool,
    /// Whether the session has STRICT_TRANS_TABLES or STRICT_ALL_TABLES.
    pub strict: bool,
    /// Whether a foreign key must refer to a whole unique key (`restrict_fk_on_non_standard_key`): by default so in
    /// MySQL from 8.4 on.
    pub unique_parents: bool,
    /// Whether triggers and functions take SUPER: `log_bin` is on and `log_bin_trust_function_creators` is off.
    pub programs_need_super: bool,
    /// Whether the session has NO_ZERO_DATE or NO_ZERO_IN_DATE.
    no_zero_dates: bool,
}

impl ServerModel {
    /// A server of this version, with its default settings.
    pub fn new(version: ServerVersion, database: impl Into<String>) -> Self {
        let strict = match version.family {
            Family::Mysql => version.number >= (5, 7, 0),
            Family::Mariadb => version.number >= (10, 2, 4),
        };
        Self {
            foreign_key_checks: true,
            strict,
            // In the default mode of MySQL from 5.7 on.
            unique_parents: version.at_least(Family::Mysql, (8, 4, 0)),
            programs_need_super: false,
            no_zero_dates: version.at_least(Family::Mysql, (5, 7, 0)),
            version,
            database: database.into(),
        }
    }

    /// The same server with this `sql_mode`. CiviCRM takes the mode that the server gives it.
    #[must_use]
    pub fn with_sql_mode(mut self, sql_mode: &str) -> Self {
        let has = |mode: &str| {
            let mut modes = sql_mode.split(',');
            modes.any(|other| other.trim().eq_ignore_ascii_case(mode))
        };
        self.strict = has("STRICT_TRANS_TABLES") || has("STRICT_ALL_TABLES") || has("TRADITIONAL");
        self.no_zero_dates = has("NO_ZERO_DATE") || has("NO_ZERO_IN_DATE") || has("TRADITIONAL");
        self
    }

    /// Whether dates such as 0000-00-00 are refused.
    pub(in crate::preflight) fn forbids_zero_dates(&self) -> bool {
        self.strict && self.no_zero_dates
    }

    /// Whether the server looks whether a key exists before it looks at the columns of the new one: MySQL, and MariaDB
    /// up to 10.5 (measured on 10.5.23, 10.11.14, 11.8 and MySQL 9.7).
    pub(super) fn sees_names_first(&self) -> bool {
        !self.is_mariadb() || self.version.number < (10, 6, 0)
    }

    pub(in crate::preflight) fn is_mariadb(&self) -> bool {
        self.version.family == Family::Mariadb
    }

    /// Whether the foreign keys of a table are looked at when an ALTER TABLE copies its rows (measured: MySQL 9.7 does, and
    /// MariaDB 10.11 does not; MySQL before 8.0 put the keys on when the rows were there).
    pub(in crate::preflight) fn checks_copied_rows(&self) -> bool {
        self.foreign_key_checks && self.is_mysql_8()
    }

    pub(super) fn is_mysql_8(&self) -> bool {
        self.version.at_least(Family::Mysql, (8, 0, 0))
    }

    /// Makes sure that a table exists to be altered, with the name under which the schema has it.
    pub(super) fn existing<'s>(
        &self,
        schema: &'s Schema,
        table: &str,
    ) -> Result<(&'s String, &'s Table), ServerError> {
        find_entry(&schema.tables, table).ok_or_else(|| match find(&schema.views, table) {
            Some(_) => ServerError::NotTable {
                view: table.to_owned(),
            },
            None => ServerError::NoTable {
                table: table.to_owned(),
            },
        })
    }

    /// Checks that a statement can read these columns of a table or view; `*` stands for any.
    ///
    /// # Errors
    /// The table (1146) or the column (1054) does not exist.
    pub fn reads<'c>(
        &self,
        schema: &Schema,
        table: &str,
        columns: impl IntoIterator<Item = &'c str>,
    ) -> Result<(), ServerError> {
        let Some(found) = schema.table(table) else {
            if find(&schema.views, table).is_some() {
                return Ok(());
            }
            return Err(ServerError::NoTable {
                table: table.to_owned(),
            });
        };
        for column in columns {
            if column != "*" && find(&found.columns, column).is_none() {
                return Err(ServerError::NoColumn {
                    column: column.to_owned(),
                    place: table.to_owned(),
                });
            }
        }
        Ok(())
    }

    /// Checks that a row can be inserted that has values for these columns only.
    ///
    /// # Errors
    /// In strict mode, a column that has no value is NOT NULL and has no default (1364).
    pub fn inserts(
        &self,
        schema: &Schema,
        table: &str,
        columns: &[String],
    ) -> Result<(), ServerError> {
        let Some(found) = schema.table(table).filter(|_| self.strict) else {
            return Ok(());
        };
        let without = found.columns.iter().find(|(name, column)| {
            let has_value = columns.iter().any(|given| given.eq_ignore_ascii_case(name));
            let fills_itself = column.auto_increment
                || column.nullable
                || column.default.is_some()
                || column.generated.is_some()
                || column.data_type.starts_with("timestamp");
            !has_value && !fills_itself
        });
        match without {
            Some((column, _)) => Err(ServerError::NoDefault {
                column: column.clone(),
            }),
            None => Ok(()),
        }
    }
}
