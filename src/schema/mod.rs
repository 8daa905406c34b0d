//! What a database is made of: the model, DDL in, DDL out, comparison.
//! Knows nothing of CiviCRM, of dumps or of servers.

pub mod apply;
pub mod charset;
pub mod compare;
pub mod ddl;
pub mod element;
pub mod lexer;
pub(crate) mod meaning;
pub mod model;
pub mod references;
pub mod sql;
#[cfg(test)]
pub(crate) mod test_schema;
