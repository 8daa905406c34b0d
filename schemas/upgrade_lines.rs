//! The lines that an upgrade step has in `src/civicrm/upgrade_adds.tsv` and `upgrade_drops.tsv`,
//! from a step file (`schemas/README.md` describes both).

use std::error::Error;

use cividb::civicrm::release::Version;
use serde::Deserialize;
use serde_json::Value;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The revisions whose lines are not made from step files: they were collected in another way,
/// and what depends on them has been tried on real databases.
const BY_HAND: &str = include_str!("upgrade-by-hand.txt");

/// The revisions whose lines are kept as they are.
pub fn by_hand() -> impl Iterator<Item = &'static str> {
    BY_HAND
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// A step file, as far as it matters here.
#[derive(Debug, Deserialize)]
pub struct Step {
    /// The revision that the step belongs to.
    pub revision: String,
    tasks: Vec<Task>,
}

#[derive(Debug, Deserialize)]
struct Task {
    /// `sql/4.3.alpha1.mysql.tpl`, or `php SixTwo.php function`.
    #[serde(rename = "where")]
    place: String,
    ops: Vec<Operation>,
}

#[derive(Debug, Deserialize)]
struct Operation {
    op: String,
    table: Option<String>,
    /// Absent: the statement runs and must succeed.
    guard: Option<Value>,
    #[serde(default)]
    clauses: Vec<Operation>,
    /// Of what is dropped.
    name: Option<String>,
    foreign_key: Option<Named>,
    index: Option<Named>,
}

#[derive(Debug, Deserialize)]
struct Named {
    /// Absent: the server chooses one.
    name: Option<String>,
    #[serde(default)]
    unique: bool,
}

/// The lines of one step.
#[derive(Debug, Default)]
pub struct Lines {
    /// Those of `upgrade_adds.tsv`: keys that a row may not fit.
    pub adds: Vec<String>,
    /// Those of `upgrade_drops.tsv`.
    pub drops: Vec<String>,
}

impl Step {
    /// Reads a step file; `None` for one that is about no revision.
    ///
    /// # Errors
    /// It is not of the form that is expected.
    pub fn read(text: &str) -> Result<Option<Self>> {
        let value: Value = serde_json::from_str(text)?;
        if value.get("revision").is_none() {
            return Ok(None);
        }
        Ok(Some(serde_json::from_value(value)?))
    }

    /// Its lines, in the order in which the upgrade runs. What is made together with its table
    /// finds no row, and the names of custom data are known to the site alone: neither has any.
    pub fn lines(&self) -> Lines {
        let mut lines = Lines::default();
        for task in &self.tasks {
            let file = file_of(&task.place);
            for operation in &task.ops {
                self.add(operation, operation, &file, &mut lines);
            }
        }
        lines
    }

    /// `whole` is the ALTER TABLE that a clause stands in.
    fn add(&self, operation: &Operation, whole: &Operation, file: &str, lines: &mut Lines) {
        for clause in &operation.clauses {
            self.add(clause, operation, file, lines);
        }
        let table = operation.table.as_ref().or(whole.table.as_ref());
        let guard = operation.guard.as_ref().or(whole.guard.as_ref());
        let (kind, name) = match (&operation.op[..], &operation.foreign_key, &operation.index) {
            ("add_foreign_key", Some(key), _) => ("foreign-key", &key.name),
            ("add_index", _, Some(index)) if index.unique => ("unique", &index.name),
            ("drop_foreign_key", ..) => ("foreign-key", &operation.name),
            ("drop_index", ..) => ("index", &operation.name),
            _ => return,
        };
        let (Some(table), Some(name)) = (table, name) else {
            return;
        };
        if table.contains('{') || name.contains('{') {
            return;
        }
        let revision = &self.revision;
        let guard = guard.map(|guard| guard.as_str().unwrap_or("another"));
        let requirement = match (operation.op.starts_with("add"), guard) {
            (true, Some("if-absent")) if kind == "foreign-key" => Some("tested-only"),
            (true, _) => None,
            (false, None) => Some("unconditional"),
            (false, Some("if-exists")) => Some("only-if-exists"),
            (false, Some(_)) => Some("conditional"),
        };
        let line = |lines: &mut Vec<String>, line: String| {
            if !lines.contains(&line) {
                lines.push(line);
            }
        };
        if operation.op.starts_with("add") {
            let text = format!("{revision}\t{kind}\t{table}\t{name}\t{file}");
            line(&mut lines.adds, text);
        }
        if let Some(requirement) = requirement {
            let text = format!("{revision}\t{kind}\t{table}\t{name}\t{requirement}\t{file}");
            line(&mut lines.drops, text);
        }
    }
}

/// Where CiviCRM has it.
fn file_of(place: &str) -> String {
    let mut words = place.split(' ');
    match (words.next().unwrap_or_default(), words.next()) {
        ("sql", Some(file)) => format!("CRM/Upgrade/Incremental/sql/{file}"),
        ("php", Some(file)) => format!("CRM/Upgrade/Incremental/php/{file}"),
        (file, _) => format!("CRM/Upgrade/Incremental/{file}"),
    }
}

/// A table with these lines for a revision, in place of those that it had: where they were, or
/// before the first line of a later revision.
pub fn replace(table: &str, revision: &str, lines: &[String]) -> String {
    let is_of = |line: &str| line.split('\t').next() == Some(revision);
    let is_later = |line: &str| {
        let other = line.split('\t').next().and_then(Version::parse);
        other.is_some_and(|other| Version::parse(revision).is_some_and(|own| other > own))
    };
    let old: Vec<&str> = table.lines().collect();
    let place = (old.iter().position(|line| is_of(line)))
        .or_else(|| old.iter().position(|line| is_later(line)))
        .unwrap_or(old.len());
    let (before, after) = old.split_at(place);
    let new = lines.iter().map(String::as_str);
    let after = after.iter().copied().filter(|line| !is_of(line));
    let mut text = String::new();
    for line in before.iter().copied().chain(new).chain(after) {
        text += line;
        text.push('\n');
    }
    text
}
