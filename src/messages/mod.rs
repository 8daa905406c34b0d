//! What error messages mean: those of CiviCRM, PEAR DB, PDO, PHP, MySQL, MariaDB, their clients and dump programs.
//!
//! [`table`] holds one entry for each message, with the patterns that recognise it, its causes, the checks that look
//! for these, and what to do (`table/*.toml`). A log is read as a stream: [`records`] cuts it into records,
//! [`recognise`] finds the entries of each, [`tally`] counts them. Values that stand in a log are never kept: names of
//! tables, columns and keys are, and what is shown of an unknown message is made of words that the table itself
//! holds ([`mask`]).

pub mod cause;
mod envelope;
mod mask;
mod names;
mod nearest;
mod pattern;
pub mod recognise;
pub mod records;
mod statement;
pub mod table;
pub mod tally;
mod text;

pub use names::Names;
pub use recognise::Recogniser;
pub use tally::Tally;
