//! Splits the bytes of a dump into statements.
//!
//! The scanner splits a dump as the `mysql` command-line client does: it knows quotes,
//! comments, version comments and DELIMITER, and nothing of SQL beyond recognising the
//! VALUES list of an INSERT and, where the sink wants them set apart, lines that cannot begin a
//! statement ([`noise`]). Statements are handed over whole; the rows of an INSERT are
//! only counted (and handed over one by one when asked for), so memory does not grow with
//! the dump and no row is ever copied without need.
//!
//! Input comes in pieces of any size; the result never depends on where the pieces are cut, nor on whether rows
//! that are not wanted are passed over by the block ([`rows`]) or were passed over by other threads
//! ([`Ahead`]).

mod ahead;
mod block;
mod blocks;
mod comments;
mod ends;
mod marks;
mod masks;
mod noise;
mod pieces;
mod prose;
mod rows;
mod sink;
mod state;
#[cfg(test)]
mod tests;
mod text;
mod values;

pub use ahead::Ahead;
pub use ends::Ends;
pub use sink::{ASIDE, LARGE, MAX_ROW, MAX_TEXT, Sink, Statement, Taken, Wanted};
pub use state::Scanner;

/// Bytes that must be visible after the current one: the longest delimiter that the client takes (16),
/// `/*M!999999`, and a line that may be a message with the first words of the next.
const LOOKAHEAD: usize = 256;

/// The delimiter until a DELIMITER command says otherwise.
const DEFAULT_DELIMITER: u8 = b';';
