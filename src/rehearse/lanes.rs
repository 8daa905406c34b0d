//! Several connections for the rows of a dump.
//!
//! Rows are put in by whichever connection has least to do; everything else is run by the first, in the order of the
//! dump. Settings of the session go to all. So the order of rows is lost, which nothing but the tables' own triggers
//! could notice, and what depends on rows waits until all are in.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::RehearseError;
use super::ground::Ground;
use super::guard::About;
use crate::sandbox::Client;
use crate::server::error::ServerError;
use crate::snapshot::At;

/// Statements that a connection may have before it, so that it never waits for the dump to be read.
const AHEAD: usize = 2;

/// ER_LOCK_DEADLOCK: two connections stood in each other's way, and the statement can be run again.
const DEADLOCK: u16 = 1213;

/// How often such a statement is run again.
const RETRIES: u32 = 5;

/// A statement with rows.
pub(super) struct Task {
    pub(super) statement: Vec<u8>,
    pub(super) about: About,
    pub(super) at: At,
}

/// What became of a task.
pub(super) struct Outcome {
    pub(super) task: Task,
    pub(super) done: Result<(), ServerError>,
    pub(super) time: Duration,
    lane: usize,
}

enum Message {
    Set(Arc<[u8]>),
    Run(Task),
}

/// The connections for rows.
pub(super) struct Lanes {
    senders: Vec<Sender<Message>>,
    /// How many tasks each has before it.
    waiting: Vec<usize>,
    outcomes: Receiver<Outcome>,
    threads: Vec<JoinHandle<()>>,
    /// Tables whose rows may not be in yet.
    touched: HashSet<String>,
}

impl Lanes {
    /// Opens so many connections.
    pub(super) fn open(stage: &dyn Ground, number: usize) -> Result<Self, RehearseError> {
        let (report, outcomes) = channel();
        let mut lanes = Self {
            senders: Vec::new(),
            waiting: Vec::new(),
            outcomes,
            threads: Vec::new(),
            touched: HashSet::new(),
        };
        for lane in 0..number {
            let client = stage.restoring_client()?;
            let (sender, messages) = channel();
            let report = report.clone();
            lanes.senders.push(sender);
            lanes.waiting.push(0);
            lanes.threads.push(std::thread::spawn(move || {
                work(client, lane, &messages, &report)
            }));
        }
        Ok(lanes)
    }

    /// How many connections there are.
    pub(super) fn len(&self) -> usize {
        self.senders.len()
    }

    /// Sets something in all sessions, behind what they have before them.
    pub(super) fn set(&mut self, statement: &[u8]) {
        let statement: Arc<[u8]> = statement.into();
        for sender in &self.senders {
            // A thread that has ended has nothing to set.
            let _ = sender.send(Message::Set(Arc::clone(&statement)));
        }
    }

    /// Whether rows of this table may not be in yet.
    pub(super) fn has_touched(&self, table: &str) -> bool {
        self.touched.contains(table)
    }

    /// Gives a task to the connection that has least to do; returns what has become of others meanwhile.
    pub(super) fn run(&mut self, task: Task) -> Vec<Outcome> {
        let mut all: Vec<Outcome> = Vec::new();
        if let Some(table) = &task.about.table
            && !self.touched.contains(table)
        {
            self.touched.insert(table.clone());
        }
        while self.waiting.iter().sum::<usize>() >= AHEAD * self.waiting.len() {
            match self.outcomes.recv() {
                Ok(outcome) => all.push(self.take(outcome)),
                Err(_) => break,
            }
        }
        while let Ok(outcome) = self.outcomes.try_recv() {
            all.push(self.take(outcome));
        }
        let least = self
            .waiting
            .iter()
            .enumerate()
            .min_by_key(|(_, waiting)| **waiting);
        let lane = least.map_or(0, |(lane, _)| lane);
        if let (Some(sender), Some(waiting)) = (self.senders.get(lane), self.waiting.get_mut(lane))
            && sender.send(Message::Run(task)).is_ok()
        {
            *waiting += 1;
        }
        all
    }

    /// Waits until all rows are in.
    pub(super) fn wait(&mut self) -> Vec<Outcome> {
        let mut all = Vec::new();
        while self.waiting.iter().any(|waiting| *waiting > 0) {
            match self.outcomes.recv() {
                Ok(outcome) => all.push(self.take(outcome)),
                Err(_) => break,
            }
        }
        self.touched.clear();
        all
    }

    fn take(&mut self, outcome: Outcome) -> Outcome {
        if let Some(waiting) = self.waiting.get_mut(outcome.lane) {
            *waiting = waiting.saturating_sub(1);
        }
        outcome
    }
}

impl Drop for Lanes {
    fn drop(&mut self) {
        self.senders.clear();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn work(mut client: Client, lane: usize, messages: &Receiver<Message>, report: &Sender<Outcome>) {
    for message in messages {
        let task = match message {
            Message::Set(statement) => {
                // What the first connection may not set either, it reports.
                let _ = client.run("a statement of the dump", &statement);
                continue;
            }
            Message::Run(task) => task,
        };
        let begun = Instant::now();
        let mut done = client.run("a statement of the dump", &task.statement);
        for _ in 0..RETRIES {
            let is_deadlock = done
                .as_ref()
                .is_err_and(|error| error.code() == Some(DEADLOCK));
            if !is_deadlock {
                break;
            }
            done = client.run("a statement of the dump", &task.statement);
        }
        let outcome = Outcome {
            task,
            done,
            time: begun.elapsed(),
            lane,
        };
        if report.send(outcome).is_err() {
            return;
        }
    }
}
