//! Compares two schemas by meaning.
//!
//! Objects are equal when a server treats them alike, however it prints them: see [`compare`].

mod charset;
mod column;
mod difference;
mod foreign_key;
mod index;
mod names;
mod tables;
#[cfg(test)]
mod tests;

pub use charset::{TheirCharset, in_charset_of, usual_charset};
pub use column::differing as column_aspects;
pub use difference::{ColumnAspect, Difference, DifferenceKind, ForeignKeyRule, IndexAspect, Side};
pub use foreign_key::{differing_rules as foreign_key_rules, same_ends};
pub use index::differing as index_aspects;
pub use tables::{Options, compare, compare_some};
