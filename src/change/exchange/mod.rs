//! Two sets of tables change places: those in force go aside, and those that were made ready beside them come.
//!
//! Tables move by one RENAME TABLE. The triggers have to be dropped before it, because a table with triggers does
//! not go into another database (ER_TRG_IN_WRONG_SCHEMA), and are made again behind it; views and routines are made
//! again where they differ. What is dropped is kept before in a table beside those that are set aside
//! ([`record`]), so that nothing of it has to be believed of a journal. Where each table is tells how far an exchange
//! got ([`state`]): going on and going back are the same way from there, in one direction or the other ([`swap`]).

mod clear;
mod keys;
mod model;
mod programs;
mod record;
mod standing;
mod state;
mod swap;

pub use clear::{Clearance, clear, drop_in_place};
pub use keys::check_way_back;
pub use model::{Exchange, KeyChange, Reference};
pub use programs::{
    Program, ProgramKind, ProgramName, make as make_programs, names, read as read_programs,
    show as show_program,
};
pub use record::{Record, TABLE as RECORD_TABLE, begin, prove};
pub use standing::{Fate, IsMadeAgain, Stranger, strangers};
pub use state::{InForce, State, tables};
pub use swap::{back, forward};
