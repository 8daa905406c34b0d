//! Where journals are kept that the user did not name, and the list of them.

use std::env;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::error::Error;
use super::{Common, Format, output, tell};
use crate::change::journal::{self, Progress, Record};
use crate::row_file;
use crate::text::{count, printable, printable_json};

/// The folder of the journals: `$XDG_STATE_HOME/cividb`, or otherwise `~/.local/state/cividb`; the current folder
/// where neither variable is set.
pub(super) fn folder() -> PathBuf {
    let variable = |name| {
        let value = env::var_os(name).filter(|value| !value.is_empty());
        value.map(PathBuf::from)
    };
    let state = variable("XDG_STATE_HOME").filter(|path| path.is_absolute());
    let state = state.or_else(|| Some(variable("HOME")?.join(".local/state")));
    state.map_or_else(PathBuf::new, |state| state.join("cividb"))
}

/// The path of a new journal: the one that the user named, or otherwise one in [`folder`], which is made for its
/// owner alone.
///
/// # Errors
/// The folder cannot be made.
pub(super) fn path(named: Option<&Path>, database: &str) -> Result<PathBuf, Error> {
    if let Some(named) = named {
        return Ok(named.to_owned());
    }
    let folder = folder();
    if folder != Path::new("") {
        row_file::folder(&folder)?;
    }
    Ok(journal::default_path(&folder, database))
}

/// What a journal says of itself.
#[derive(Debug, Serialize)]
struct Entry {
    journal: String,
    begun: String,
    command: String,
    database: String,
    server: String,
    steps: usize,
    /// Steps that were done and not taken back.
    done: usize,
    taken_back: usize,
    /// Whether the command came to its end.
    finished: bool,
}

impl Entry {
    fn of(record: &Record) -> Self {
        let head = &record.head;
        Self {
            journal: record.path.display().to_string(),
            begun: head.begun.clone(),
            command: head.command.clone(),
            database: head.database.clone(),
            server: head.server.clone(),
            steps: record.steps.len(),
            done: record.count(Progress::Done),
            taken_back: record.count(Progress::Undone),
            finished: record.finished,
        }
    }

    fn describe(&self) -> String {
        let mut state = format!("{} of {} done", self.done, count(self.steps as u64, "step"));
        if self.taken_back > 0 {
            state += &format!(", {} taken back", self.taken_back);
        }
        if !self.finished && self.taken_back == 0 {
            state += ", interrupted";
        }
        let line = format!(
            "{}  {} on {} of {}: {state}",
            self.begun, self.command, self.database, self.server
        );
        format!("{}\n  {}\n", printable(&line), printable(&self.journal))
    }
}

/// What is said when a command ended in the middle of its changes: what the journal says was done, what is not known,
/// and the ways on. `resume` is what goes on, besides `cividb undo`.
pub(super) fn interrupted(path: &Path, resume: Option<&str>) -> String {
    let Ok(record) = Record::read(path) else {
        return "interrupted before anything was changed".to_owned();
    };
    let journal = path.display();
    let steps = |number: usize| count(number as u64, "step");
    let mut parts = vec![format!(
        "{} done, and stay",
        steps(record.count(Progress::Done))
    )];
    let undone = record.count(Progress::Undone);
    if undone > 0 {
        parts.push(format!("{} not done, or taken back", steps(undone)));
    }
    let open = record.count(Progress::Doing);
    if open > 0 {
        parts.push(format!(
            "{} of which it is not known yet (the server rolls back a transaction that was not committed, and may \
             still finish an ALTER TABLE): tables and rows tell it when you go on",
            steps(open)
        ));
    }
    let on = resume.map_or_else(String::new, |resume| format!("{resume} goes on, and "));
    format!(
        "interrupted: {}; the journal is kept in {journal}: {on}cividb undo {journal} takes back what was done",
        parts.join("; ")
    )
}

/// Prints the journals of [`folder`], the newest first; with `--format json` one object a line. Files that cannot be
/// read are named on standard error.
///
/// # Errors
/// The list cannot be printed.
pub(super) fn list(common: &Common) -> Result<(), Error> {
    let files = std::fs::read_dir(match folder() {
        path if path == Path::new("") => PathBuf::from("."),
        path => path,
    });
    let paths = files.into_iter().flatten().flatten().map(|it| it.path());
    let is_journal = |path: &PathBuf| path.extension().is_some_and(|end| end == "journal");
    let mut paths: Vec<PathBuf> = paths.filter(is_journal).collect();
    paths.sort();
    let mut entries = Vec::new();
    for path in paths {
        match Record::read(&path) {
            Ok(record) => entries.push(Entry::of(&record)),
            Err(error) => tell(&error.to_string()),
        }
    }
    entries.sort_by(|one, other| other.begun.cmp(&one.begun));
    let text: String = match common.format {
        Format::Json => entries
            .iter()
            .filter_map(|entry| serde_json::to_string(entry).ok())
            .map(|line| printable_json(&line) + "\n")
            .collect(),
        _ if entries.is_empty() => format!(
            "no journals in {}\n",
            printable(&folder().display().to_string())
        ),
        _ => entries.iter().map(Entry::describe).collect(),
    };
    output::print(common, &text)
}
