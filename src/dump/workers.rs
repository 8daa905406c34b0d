//! A pool of worker threads that read rows of a dump, each into facts of its own. Which worker
//! reads a row makes no difference to the facts of all of them taken together.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

use indexmap::IndexMap;

use super::lent::Lent;
use super::scanner::{Ahead, Scanner, Sink, Statement, Taken, Wanted};
use crate::schema::lexer::SqlModes;
use crate::snapshot::Place;
use crate::threads;

/// The least bytes of rows that are handed to a worker; fewer are read sooner than handed over.
const WORTH: usize = if cfg!(test) { 1 } else { 16 * 1024 };

/// The most batches that a worker holds: the one that it reads, and one that waits.
const MOST: usize = 2;

/// Reads the rows of INSERT statements of one form into facts about their table.
pub trait RowReader: Send + Sync + 'static {
    /// What is gathered of a table.
    type Facts: Send + 'static;
    /// A buffer that is used again for each row.
    type Scratch: Default;

    /// The index of the table among those that facts are gathered of.
    fn table(&self) -> usize;
    /// The facts of the table before any row is read.
    fn no_rows(&self) -> Self::Facts;
    /// Adds one row, whose text comes without the outer parentheses.
    fn read(&self, row: &[u8], facts: &mut Self::Facts, scratch: &mut Self::Scratch);
    /// Adds rows as long as they are complete and of simple values only; returns those that it read. The text begins
    /// behind an opening parenthesis.
    fn read_open(&self, text: &[u8], facts: &mut Self::Facts, scratch: &mut Self::Scratch)
    -> Taken;
    /// The `sql_mode` flags that decide how the values are written.
    fn modes(&self) -> SqlModes;
}

/// Facts of tables, by the index of the table.
type Tables<R> = IndexMap<usize, <R as RowReader>::Facts>;

/// The worker threads. They start with the first batch.
pub(super) struct Workers<R: RowReader>(Option<Vec<Worker<R>>>);

impl<R: RowReader> Default for Workers<R> {
    fn default() -> Self {
        Self(None)
    }
}

struct Worker<R: RowReader> {
    jobs: Sender<Job<R>>,
    /// The number of batches that the worker has not read yet.
    pending: Arc<AtomicUsize>,
    thread: JoinHandle<Tables<R>>,
}

enum Job<R> {
    /// Reads the rows in a range of a buffer.
    Read(Arc<R>, Arc<Lent>, Range<usize>),
    /// Drops the facts of a table, whose rows the dump has removed again.
    Forget(usize),
}

impl<R: RowReader> Workers<R> {
    /// Whether at least one worker is idle.
    pub(super) fn is_free(&self) -> bool {
        match &self.0 {
            Some(workers) => workers.iter().any(Worker::is_free),
            None => threads::count() > 1,
        }
    }

    /// Hands rows to an idle worker, and the buffer in which they may stand. The text reaches from the first value of
    /// the first row to the closing parenthesis of the last. Returns whether a worker took it.
    pub(super) fn read(&mut self, layout: &Arc<R>, rows: &[u8], lent: Option<Arc<Lent>>) -> bool {
        if rows.len() < WORTH {
            return false;
        }
        let others = 1..threads::count();
        let workers = self
            .0
            .get_or_insert_with(|| others.map_while(|_| start()).collect());
        let Some(worker) = workers.iter().find(|worker| worker.is_free()) else {
            return false;
        };
        let found = lent.and_then(|lent| lent.range_of(rows).map(|range| (lent, range)));
        let (lent, range) =
            found.unwrap_or_else(|| (Arc::new(Lent::new(rows.to_vec(), None)), 0..rows.len()));
        worker.pending.fetch_add(1, Ordering::Relaxed);
        let job = Job::Read(Arc::clone(layout), lent, range);
        worker.jobs.send(job).is_ok()
    }

    /// Drops the facts of a table that the workers have gathered so far.
    pub(super) fn forget(&self, table: usize) {
        for worker in self.0.iter().flatten() {
            // One that has panicked is found out at the end.
            let _ = worker.jobs.send(Job::Forget(table));
        }
    }

    /// Waits for the workers to finish, and returns the facts of each table that each of them has
    /// read.
    pub(super) fn finish(&mut self) -> impl Iterator<Item = (usize, R::Facts)> + use<R> {
        let workers = self.0.take().unwrap_or_default();
        workers.into_iter().flat_map(|worker| {
            drop(worker.jobs);
            match worker.thread.join() {
                Ok(tables) => tables,
                Err(panic) => std::panic::resume_unwind(panic),
            }
        })
    }
}

impl<R: RowReader> Worker<R> {
    fn is_free(&self) -> bool {
        self.pending.load(Ordering::Relaxed) < MOST
    }
}

/// Starts a worker; `None` where the system cannot start another thread.
fn start<R: RowReader>() -> Option<Worker<R>> {
    let (jobs, received) = channel();
    let pending = Arc::new(AtomicUsize::new(0));
    let left = Arc::clone(&pending);
    let thread = thread::Builder::new()
        .name("rows".into())
        .spawn(move || work(&received, &left))
        .ok()?;
    Some(Worker {
        jobs,
        pending,
        thread,
    })
}

fn work<R: RowReader>(jobs: &Receiver<Job<R>>, pending: &AtomicUsize) -> Tables<R> {
    let mut tables = Tables::<R>::new();
    let mut scratch = R::Scratch::default();
    for job in jobs {
        match job {
            Job::Read(layout, lent, range) => {
                let facts = tables
                    .entry(layout.table())
                    .or_insert_with(|| layout.no_rows());
                let mut rows = Rows {
                    layout: &*layout,
                    facts,
                    scratch: &mut scratch,
                };
                let mut scanner = Scanner::default();
                let text = lent.get(range).unwrap_or_default();
                for piece in [b"INSERT INTO t VALUES (", text, b";"] {
                    scanner.feed_ahead(piece, Some(&Ahead::default()), &mut rows);
                }
                scanner.finish(&mut rows);
                drop(lent);
                pending.fetch_sub(1, Ordering::Relaxed);
            }
            Job::Forget(table) => {
                tables.swap_remove(&table);
            }
        }
    }
    tables
}

/// Adds the rows of one INSERT statement to the facts of its table.
struct Rows<'a, R: RowReader> {
    layout: &'a R,
    facts: &'a mut R::Facts,
    scratch: &'a mut R::Scratch,
}

impl<R: RowReader> Sink for Rows<'_, R> {
    fn statement(&mut self, _: Statement<'_>) {}

    fn rows_begin(&mut self, _: Statement<'_>) -> Wanted {
        Wanted::Whole
    }

    fn rows(&mut self, text: &[u8]) -> Taken {
        self.layout.read_open(text, self.facts, self.scratch)
    }

    fn row(&mut self, values: Statement<'_>) {
        self.layout.read(values.text, self.facts, self.scratch);
    }

    fn rows_end(&mut self, _: u64, _: Option<&[u8]>, _: Place) {}

    fn comment(&mut self, _: &[u8], _: Place, _: bool) {}

    fn modes(&self) -> SqlModes {
        self.layout.modes()
    }
}
