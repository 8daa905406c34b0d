//! The time until which a thread is to have an answer.
//!
//! No thread can be ended from outside. One that reads looks here each time that it tells how far it is, and ends its
//! work when its time is up; the engine has given the answer in its place by then.

use std::any::Any;
use std::cell::Cell;
use std::panic::resume_unwind;
use std::time::Instant;

thread_local! {
    static DEADLINE: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// What a thread ends its work with whose time is up.
struct Late;

/// Sets the time until which this thread is to have its answer; `None` for as long as it takes.
pub fn set(deadline: Option<Instant>) {
    DEADLINE.set(deadline);
}

/// Ends the work of this thread if its time is up. It unwinds up to the engine, and frees what it holds on the way.
pub fn keep() {
    if DEADLINE
        .get()
        .is_some_and(|deadline| Instant::now() > deadline)
    {
        // No message of a panic: nothing is wrong with the program.
        resume_unwind(Box::new(Late));
    }
}

/// Whether a thread unwound because its time was up.
pub(super) fn is_late(cause: &(dyn Any + Send)) -> bool {
    cause.is::<Late>()
}
