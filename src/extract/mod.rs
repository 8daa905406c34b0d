//! Takes the wanted part of a dump out of it, as its new server takes it.
//!
//! A dump comes in and a dump goes out, statement by statement. Bytes of rows go through as they are, without being
//! looked into; a clause is replaced only where the lexer has found it in a statement.

mod clause;
mod copier;
mod edit;
mod error;
mod generated;
mod output;
mod plan;
mod rewrite;
mod selection;
mod survey;
mod target;

pub use clause::{Definers, with_definer};
pub use copier::Copier;
pub use edit::Subject;
pub use error::ExtractError;
pub use output::{Compression, Output};
pub use plan::{NewDatabase, Plan, Program};
pub use rewrite::{Outcome, Rewrite, Told};
pub use selection::{Listed, Selection, Share, Tables, Undecided, Wanted};
pub use survey::Survey;
