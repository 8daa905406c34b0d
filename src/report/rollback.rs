//! What a rollback does, or has done.

use std::io::{self, Write};

use anstyle::Style;
use indexmap::IndexMap;
#[cfg(test)]
use schemars::JsonSchema;
use serde::Serialize;

use super::human::Detail;
use crate::change::exchange::{Clearance, ProgramName, Record};
use crate::rollback::{Left, Plan, Proof, TableSize};
use crate::text::{count, printable, thousands};

/// Names that people read of a list; the others are counted.
const NAMED: usize = 12;

/// What a rollback does, or has done.
#[derive(Clone, Debug, Default, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct RollbackSummary {
    /// The server.
    pub server: String,
    /// The site's database.
    pub database: String,
    /// The database in which the backup is made ready.
    pub beside: String,
    /// The database that takes the tables that go, until `cividb rollback --finish`.
    pub set_aside: String,
    /// How far it is.
    pub state: RollbackState,
    /// Tables of CiviCRM on the site that go.
    pub goes: Vec<TableSize>,
    /// Tables of the backup that come.
    pub comes: Vec<TableSize>,
    /// Tables that stay as they are.
    pub stays: Vec<TableSize>,
    /// The names of tables that go and that the backup does not have.
    pub not_in_backup: Vec<String>,
    /// Triggers, views and routines of CiviCRM on the site that go, each with its kind.
    pub programs_go: Vec<String>,
    /// Triggers, views and routines of the backup that come, each with its kind.
    pub programs_come: Vec<String>,
    /// Triggers, views and routines that go and that the backup does not have, each with its kind.
    pub programs_not_in_backup: Vec<String>,
    /// Triggers of others on tables of CiviCRM, which are made again on the tables that come.
    pub triggers_moved: Vec<String>,
    /// Views and routines that use tables of CiviCRM alone and stay, because they have no name of CiviCRM's and the backup does
    /// not have them.
    pub programs_kept: Vec<String>,
    /// Foreign keys of tables that stay to tables that go, which are dropped and made again.
    pub references: Vec<String>,
    /// What stays and uses tables that go, by their names.
    pub users: Vec<String>,
    /// What cannot be done in one moment.
    pub not_atomic: Vec<String>,
    /// What is otherwise good to know.
    pub notes: Vec<String>,
    /// What stands in the way.
    pub refused: Vec<RefusedBecause>,
    /// Bytes that the backup takes on the server besides what is there, roughly.
    pub bytes_needed: Option<u64>,
    /// Bytes that are free on the disk of the server; null where it cannot be looked at from here.
    pub bytes_free: Option<u64>,
    /// What was proved of the restored backup; null before.
    pub proof: Option<ProofSummary>,
    /// How long the restore and its proof took; null before.
    pub seconds: Option<f64>,
    /// What could not be done.
    pub left: Vec<String>,
    /// What is left to do besides the database.
    pub afterwards: Vec<String>,
    /// Seconds that the restore and its proof may take, by rates that are assumed and not measured; null where nothing is
    /// restored.
    pub seconds_expected: Option<u64>,
    /// Whether the backup is restored in the place of what goes, which is dropped, and not beside it.
    pub in_place: bool,
    /// The fresh backup of what went; null where none was made.
    pub fresh_backup: Option<String>,
    /// The command for a shell that brings back what went out of the fresh backup; null where none was made.
    pub way_back: Option<String>,
    /// The journal from which `cividb undo` takes it back; null where nothing was changed.
    pub journal: Option<String>,
    /// Databases and tables that were set aside and are removed for good, or would be: `database.table`.
    pub removed: Vec<String>,
}

/// How far a rollback is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum RollbackState {
    /// Nothing was changed.
    #[default]
    Planned,
    /// The tables of the backup are in force.
    Done,
    /// What is set aside would be removed.
    ToFinish,
    /// What was set aside is removed.
    Finished,
}

/// Why a rollback is not begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct RefusedBecause {
    /// The reason as one word for programs.
    pub refusal: String,
    /// The reason, and what to do.
    pub why: String,
}

/// What was proved of a restored backup.
#[derive(Clone, Debug, Default, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct ProofSummary {
    /// Tables whose rows are those of the backup.
    pub tables: u64,
    /// Rows that were compared.
    pub rows: u64,
    /// Views that were read.
    pub views: usize,
    /// Functions that were called.
    pub functions: usize,
    /// Triggers that were fired.
    pub triggers: usize,
    /// What could not be looked at.
    pub not_proved: Vec<String>,
    /// Statements of the backup that were not run, because they reach outside its database.
    pub not_run: Vec<String>,
}

impl RollbackSummary {
    /// What a plan says.
    pub fn of(plan: &Plan, server: &str) -> Self {
        let exchange = &plan.exchange;
        let described =
            |programs: &[ProgramName]| programs.iter().map(ProgramName::describe).collect();
        let references = exchange.references.iter();
        let refused = plan.refusals.iter().map(|refusal| RefusedBecause {
            refusal: refusal.id().to_owned(),
            why: refusal.to_string(),
        });
        Self {
            server: server.to_owned(),
            database: exchange.database.clone(),
            beside: exchange.beside.clone(),
            set_aside: exchange.aside.clone(),
            goes: plan.goes.clone(),
            comes: plan.comes.clone(),
            stays: plan.stays.clone(),
            not_in_backup: plan.without_successor().map(|it| it.name.clone()).collect(),
            programs_go: described(&plan.programs_go),
            programs_come: described(&plan.programs_come),
            programs_not_in_backup: plan.programs_lost().map(ProgramName::describe).collect(),
            triggers_moved: described(&plan.triggers_moved),
            programs_kept: described(&plan.programs_kept),
            references: references
                .map(|it| format!("{} of {} to {}", it.key, it.table, it.parent))
                .collect(),
            users: plan.users.clone(),
            not_atomic: plan.not_atomic.clone(),
            notes: plan.notes.clone(),
            refused: refused.collect(),
            ..Self::default()
        }
    }

    /// What a record says of a rollback that was begun earlier.
    pub fn resumed(record: &Record, server: &str) -> Self {
        let exchange = &record.exchange;
        let sizes = |names: &[String]| {
            let names = names.iter();
            let sizes = names.map(|name| TableSize {
                name: name.clone(),
                rows: None,
                bytes: None,
            });
            sizes.collect()
        };
        Self {
            server: server.to_owned(),
            database: exchange.database.clone(),
            beside: exchange.beside.clone(),
            set_aside: exchange.aside.clone(),
            goes: sizes(&exchange.goes),
            comes: sizes(&exchange.comes),
            ..Self::default()
        }
    }

    /// Adds what was done.
    pub fn done(&mut self, proof: &Proof, left: Left, seconds: f64, journal: String) {
        self.proved(proof, seconds);
        self.left = left;
        self.journal = Some(journal);
    }

    /// Adds what was done in the place of what went.
    /// `fresh` is the fresh backup and the command that brings it back, where anything went.
    pub fn done_in_place(
        &mut self,
        proof: &Proof,
        left: Left,
        seconds: f64,
        fresh: Option<(String, String)>,
    ) {
        self.proved(proof, seconds);
        self.left = left;
        (self.fresh_backup, self.way_back) = fresh.unzip();
    }

    fn proved(&mut self, proof: &Proof, seconds: f64) {
        self.state = RollbackState::Done;
        self.proof = Some(ProofSummary {
            tables: proof.tables,
            rows: proof.rows,
            views: proof.exercised.views,
            functions: proof.exercised.functions,
            triggers: proof.exercised.triggers,
            not_proved: proof.not_proved.clone(),
            not_run: proof.refused.clone(),
        });
        self.seconds = Some(seconds);
    }

    /// Adds what was removed, or would be.
    pub fn removes(&mut self, clearance: &Clearance, applied: bool) {
        self.state = match applied {
            true => RollbackState::Finished,
            false => RollbackState::ToFinish,
        };
        for (database, tables) in &clearance.tables {
            self.removed
                .extend(tables.iter().map(|table| format!("{database}.{table}")));
        }
    }

    /// Whether nothing is left to do in the database.
    pub(super) fn is_fine(&self) -> bool {
        let is_changed = matches!(self.state, RollbackState::Done | RollbackState::Finished);
        is_changed && self.left.is_empty()
    }

    /// What it comes to.
    pub(super) fn outcome(&self) -> String {
        let tables = |number: usize| count(number as u64, "table");
        match self.state {
            RollbackState::Planned if !self.refused.is_empty() => {
                format!("not begun: {} in the way", self.refused.len())
            }
            RollbackState::Planned => format!(
                "to do: {} go, {} come, {} stay",
                tables(self.goes.len()),
                self.comes.len(),
                self.stays.len()
            ),
            RollbackState::Done if self.in_place => format!(
                "rolled back: {} of the backup in force, {} dropped",
                tables(self.comes.len()),
                self.goes.len()
            ),
            RollbackState::Done => format!(
                "rolled back: {} of the backup in force, {} set aside",
                tables(self.comes.len()),
                self.goes.len()
            ),
            RollbackState::ToFinish => format!("to remove: {}", tables(self.removed.len())),
            RollbackState::Finished => format!("removed: {}", tables(self.removed.len())),
        }
    }
}

/// Tables by their number, rows and bytes.
fn total(tables: &[TableSize]) -> String {
    let rows: Option<u64> = tables.iter().map(|table| table.rows).sum();
    let bytes: Option<u64> = tables.iter().map(|table| table.bytes).sum();
    let rows = rows.map_or_else(String::new, |rows| format!(", {}", count(rows, "row")));
    let bytes = bytes.map_or_else(String::new, |bytes| format!(", {} bytes", thousands(bytes)));
    format!("{}{rows}{bytes}", count(tables.len() as u64, "table"))
}

/// The first names of a list, and how many more there are.
fn named<'n>(names: impl ExactSizeIterator<Item = &'n String>, detail: Detail) -> String {
    let all = names.len();
    let most = if detail == Detail::Verbose {
        all
    } else {
        NAMED
    };
    let mut shown: Vec<String> = names.take(most).map(|name| printable(name)).collect();
    if all > most {
        shown.push(format!("and {} more", all - most));
    }
    shown.join(", ")
}

/// Writes it for people.
pub(super) fn write(
    summary: &RollbackSummary,
    detail: Detail,
    out: &mut dyn Write,
) -> io::Result<()> {
    let bold = Style::new().bold();
    let database = printable(&summary.database);
    if matches!(
        summary.state,
        RollbackState::ToFinish | RollbackState::Finished
    ) {
        let what = match summary.state {
            RollbackState::Finished => "removed for good",
            _ => "would be removed for good",
        };
        writeln!(
            out,
            "\n{bold}{what}{bold:#}  {}",
            count(summary.removed.len() as u64, "table")
        )?;
        return writeln!(out, "  {}", named(summary.removed.iter(), detail));
    }
    let (goes, comes, stays) = match summary.state {
        RollbackState::Done => ("went", "came", "stayed"),
        _ => ("goes", "comes", "stays"),
    };
    writeln!(
        out,
        "\n{bold}{goes:<8}{bold:#}  {} (of CiviCRM in {database} of {}; rows as the server estimates them)",
        total(&summary.goes),
        printable(&summary.server)
    )?;
    if !summary.not_in_backup.is_empty() {
        writeln!(
            out,
            "          {} of them the backup does not have: {}",
            thousands(summary.not_in_backup.len() as u64),
            named(summary.not_in_backup.iter(), detail)
        )?;
    }
    writeln!(
        out,
        "{bold}{comes:<8}{bold:#}  {} (of the backup)",
        total(&summary.comes)
    )?;
    writeln!(out, "{bold}{stays:<8}{bold:#}  {}", total(&summary.stays))?;
    if !summary.stays.is_empty() {
        let names: Vec<String> = summary.stays.iter().map(|it| it.name.clone()).collect();
        writeln!(out, "          {}", named(names.iter(), detail))?;
    }
    writeln!(
        out,
        "{bold}programs{bold:#}  {} of triggers, views and routines {}, {} {}",
        thousands(summary.programs_go.len() as u64),
        if summary.state == RollbackState::Done {
            "went"
        } else {
            "go"
        },
        thousands(summary.programs_come.len() as u64),
        if summary.state == RollbackState::Done {
            "came"
        } else {
            "come"
        },
    )?;
    for (programs, what) in [
        (
            &summary.programs_not_in_backup,
            "of them the backup does not have",
        ),
        (
            &summary.triggers_moved,
            "of somebody else, made again on the tables that come",
        ),
        (
            &summary.programs_kept,
            "more of somebody else, which stay because the backup does not have them",
        ),
    ] {
        if !programs.is_empty() {
            writeln!(
                out,
                "          {} {what}: {}",
                thousands(programs.len() as u64),
                named(programs.iter(), detail)
            )?;
        }
    }
    match summary.in_place {
        true => writeln!(
            out,
            "{bold}where{bold:#}     what goes is dropped, once a fresh backup of it is proved; the backup is restored in its place"
        )?,
        false => writeln!(
            out,
            "{bold}where{bold:#}     the backup is restored in {}; what goes is kept in {} until cividb rollback --finish",
            printable(&summary.beside),
            printable(&summary.set_aside)
        )?,
    }
    if let Some(needed) = summary.bytes_needed {
        let free = match summary.bytes_free {
            Some(free) => format!("{} MiB free on the server's disk", thousands(free >> 20)),
            None => "what is free on the server's disk cannot be seen from here".to_owned(),
        };
        writeln!(
            out,
            "{bold}disk{bold:#}      about {} MiB more; {free}",
            thousands(needed.div_ceil(1 << 20))
        )?;
    }
    if let (Some(seconds), RollbackState::Planned) = (summary.seconds_expected, summary.state) {
        writeln!(
            out,
            "{bold}time{bold:#}      {} to restore and prove it, estimated; cividb rehearse measures it",
            duration(seconds)
        )?;
    }
    let mut groups: IndexMap<&str, &Vec<String>> = IndexMap::new();
    // In place they stand in the way, and are said there.
    if !summary.in_place {
        groups.insert(
            "foreign keys that are dropped and made again",
            &summary.references,
        );
    }
    groups.insert("stays, and uses by name what comes", &summary.users);
    groups.insert("not in one moment", &summary.not_atomic);
    groups.insert("good to know", &summary.notes);
    for (heading, sentences) in groups {
        sentences_under(heading, sentences, out)?;
    }
    if let Some(proof) = &summary.proof {
        writeln!(
            out,
            "\n{bold}{}{bold:#}  {} with {} compared with the backup; {} read, {} called, {} fired",
            match summary.in_place {
                true => "proved",
                false => "proved before it came",
            },
            count(proof.tables, "table"),
            count(proof.rows, "row"),
            count(proof.views as u64, "view"),
            count(proof.functions as u64, "function"),
            count(proof.triggers as u64, "trigger")
        )?;
        for sentence in &proof.not_proved {
            writeln!(out, "  not proved: {}", printable(sentence))?;
        }
        for statement in &proof.not_run {
            writeln!(out, "  not run: {}", printable(statement))?;
        }
    }
    let refused: Vec<String> = summary.refused.iter().map(|it| it.why.clone()).collect();
    sentences_under("in the way", &refused, out)?;
    sentences_under("left to do in the database", &summary.left, out)?;
    if summary.state == RollbackState::Done || detail == Detail::Verbose {
        sentences_under("left to do besides the database", &summary.afterwards, out)?;
    }
    if let (Some(fresh), Some(way_back)) = (&summary.fresh_backup, &summary.way_back) {
        writeln!(
            out,
            "\n{bold}way back{bold:#}  {} holds what went: {}",
            printable(fresh),
            printable(way_back)
        )?;
    }
    if let Some(journal) = &summary.journal {
        writeln!(
            out,
            "\n{bold}way back{bold:#}  cividb undo {} --apply, until cividb rollback --finish",
            printable(journal)
        )?;
    }
    Ok(())
}

/// A time, as people say it.
fn duration(seconds: u64) -> String {
    match seconds.div_ceil(60) {
        ..=1 => "less than a minute".to_owned(),
        minutes => format!("about {}", count(minutes, "minute")),
    }
}

fn sentences_under(heading: &str, sentences: &[String], out: &mut dyn Write) -> io::Result<()> {
    let bold = Style::new().bold();
    if sentences.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{bold}{heading}{bold:#}")?;
    for sentence in sentences {
        writeln!(out, "  {}", printable(sentence))?;
    }
    Ok(())
}
