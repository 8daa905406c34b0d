//! Writes DDL that MySQL 5.7 to 9.x and MariaDB 10.2 to 11.x all run.
//!
//! Statements have no terminator, so that they can be sent one by one; [`script`] joins them to a file. They
//! rely on the default meaning of backslashes, that is on `NO_BACKSLASH_ESCAPES` being off.

mod anti_join;
mod canonical;
mod column;
mod duplicates;
mod keys;
mod migrate;
mod quoting;
mod schema;
mod table;
#[cfg(test)]
mod tests;

pub use anti_join::{AntiJoin, first_rows};
pub use canonical::canonical;
pub use column::column_definition;
pub(crate) use column::whole_column_definition;
pub use duplicates::Duplicates;
pub(crate) use keys::{
    brief_foreign_key_item, foreign_key_definition, foreign_key_item, index_item, index_keyword,
    key_parts,
};
pub use migrate::statements_to;
pub(crate) use migrate::with_charset;
pub(crate) use quoting::{hexadecimal, list};
pub use quoting::{identifier, string};
pub use schema::{schema_sql, script};
pub use table::{ForeignKeys, create_table};
pub(crate) use table::{alter_table, charset_option};
