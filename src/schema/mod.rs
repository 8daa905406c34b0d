//! What a database is made of: the model, DDL in, DDL out, comparison.
//! Knows nothing of CiviCRM, of dumps or of servers.

pub mod compare;
pub mod lexer;
mod meaning;
pub mod model;
pub mod sql;
#[cfg(test)]
mod test_schema;
