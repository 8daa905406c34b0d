//! One way to change a database: a step with its statement, its inverse and what has to be proved
//! before, written into a journal before it runs.
//!
//! [`executor`] runs steps and takes them back, in sessions that [`session`] sets up; [`journal`] keeps
//! them on disk; [`undo`] looks at all that a journal says was changed before it takes anything
//! back, rows that would be in the way ([`hindrance`]) among it, and runs nothing because a journal says it;
//! [`exchange`] lets two sets of tables change places; [`crate::gate`] reads every statement back before it is printed or run; [`refusal`] says why a change
//! is refused. What is to be changed is decided elsewhere: in [`crate::repair`] and [`crate::rollback`].
//!
//! Nothing here decides to write: [`crate::cli`] does, when the user said `--apply`.

pub mod alter;
pub mod definition;
pub mod error;
pub mod exchange;
pub mod executor;
mod hindrance;
pub mod journal;
mod permitted;
pub mod proof;
pub mod refusal;
mod rows_back;
pub mod session;
pub mod undo;
pub mod values;
pub mod whole_schema;
