//! The schema of a database: the model, reading and writing DDL, comparison. This module does not depend on
//! CiviCRM, dumps or servers.

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
