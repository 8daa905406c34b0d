//! Runs the statements of a dump on the schema model as a server would, and records what else they tell as
//! facts.

mod companion;
mod database;
mod facts;
mod first_keys;
mod noise;
mod rows;
mod sink;
mod statements;

pub use companion::Companion;
pub use database::Found;
pub use facts::{ChooseError, DumpReader, DumpSink};
pub(crate) use statements::{READ_ONLY, RESTRICTED};

/// Most places remembered of one kind of problem; more would not make a report better.
const MAX_PLACES: usize = 100;

fn push<T>(list: &mut Vec<T>, item: T) {
    if list.len() < MAX_PLACES {
        list.push(item);
    }
}
