//! The privileges of an account, as SHOW GRANTS prints them.
//!
//! [`Grants::parse`] reads the text, [`Grants::on_database`] says which privileges hold on one
//! database, and [`judge()`] compares them with what is needed and writes the GRANT statements.
//!
//! SHOW GRANTS does not tell everything. Rows for the same user name at another host, and for the
//! anonymous user, also count when they match the client's host (measured on MariaDB 10.5, 10.11
//! and 11.8 and MySQL 9.7), and only an administrator can see those. The probe sees their effect.

mod effective;
mod judge;
mod model;
pub mod need;
mod parse;
#[cfg(test)]
mod tests;

pub use effective::{GrantPlace, Privileges, Rules, account_taken};
pub use judge::{Fix, Missing, RoleHint, Verdict, judge};
pub use model::{GivenPrivileges, Grant, Grantee, Grants, Object, Restriction, RoleGrant};
pub use parse::{Problem, Unread};
