//! `cividb undo`: takes back the changes that a journal records.

use std::path::PathBuf;

use clap::Args;

use super::confirm::confirm;
use super::statement::or_comment;
use super::{Common, ServerOptions, journals, tell};
use crate::change::executor::Executor;
use crate::change::journal::{Head, Journal, Progress, Record};
use crate::change::refusal::Refusal;
use crate::change::undo::{self, Examination, Undone};
use crate::civicrm::naming::is_named_by_civicrm;
use crate::cli::error::Error;
use crate::exit::Exit;
use crate::rollback;
use crate::schema::sql;
use crate::source::Location;
use crate::text::{count, sql_comment};

#[derive(Debug, Args)]
pub struct Undo {
    /// Journal that a command with --apply wrote
    #[arg(value_name = "JOURNAL", required_unless_present = "list")]
    journal: Option<PathBuf>,
    /// Server: mysql://user@host/database, civicrm.settings.php or site's folder
    #[arg(value_name = "SOURCE")]
    pub(super) source: Option<String>,
    /// List the journals in the folder of journals, the newest first
    #[arg(long, conflicts_with_all = ["journal", "apply"])]
    list: bool,
    /// Make the changes; without this the statements are printed and nothing is changed
    #[arg(long)]
    apply: bool,
    /// Do not ask for confirmation
    #[arg(long)]
    yes: bool,
    /// Take back all but the rows, tables and programs that have changed since, which are named and stay as they
    /// are; without this nothing is taken back when there are any
    #[arg(long)]
    skip_changed: bool,
    /// The server is the one that the journal names, although it calls itself another since it was moved to
    /// another port or host name
    #[arg(long)]
    same_server: bool,
    #[command(flatten)]
    server: ServerOptions,
}

impl Undo {
    pub(super) fn run(&self, common: &Common) -> Result<Exit, Error> {
        let Some(journal) = &self.journal else {
            return journals::list(common).map(|()| Exit::Fine);
        };
        let record = Record::read(journal)?;
        let steps = undo::steps(&record);
        let head = &record.head;
        let mut lines = vec![sql_comment(&format!(
            "Takes back {} of {} on database {}.",
            head.command, head.begun, head.database
        ))];
        for (step, progress) in &steps {
            if *progress == Progress::Doing {
                lines.push("-- The journal does not say whether this step was done; it was if there is anything to take back.".to_owned());
            }
            match &step.rows {
                // Row by row, and not for every eye.
                Some(_) if self.apply => lines.push(sql_comment(&format!("back: {}", step.why))),
                _ => lines.push(or_comment(
                    step.check_inverse().map(|()| step.inverse.clone()),
                )),
            }
        }
        if !self.apply {
            super::output::print(common, &sql::script(&lines))?;
            return Ok(Exit::Fine);
        }
        if steps.is_empty() {
            tell("nothing to take back: the journal says that all was taken back already");
            return Ok(Exit::Fine);
        }
        let source = self.server.source(self.source.as_deref())?;
        let location = Location::one(&source, &self.server.access())?;
        let Location::Server(server) = &location else {
            return Err(Refusal::DumpUndone(source).into());
        };
        // Another database than the journal's is refused, however it is named.
        let named = common.database.as_deref().or(location.database(None));
        let wanted = named.unwrap_or(&head.database);
        let (mut connection, database) = server.connect(Some(wanted))?;
        let snapshot = server.read(&mut connection, &database)?;
        undo::check_database(&record, &Head::of(&snapshot, "undo"), self.same_server)?;
        // Everything is looked at before anything is taken back.
        let examination = Examination::of(&mut connection, &record, &is_named_by_civicrm)?;
        for sentence in &examination.made_again {
            tell(sentence);
        }
        for changed in &examination.changed {
            tell(&format!(
                "changed since: {}: {}",
                changed.what, changed.detail
            ));
        }
        if !self.skip_changed {
            examination.is_as_left()?;
        }
        tell(sql::script(&lines).trim_end());
        let rest = match examination.changed.len() as u64 {
            0 => String::new(),
            changed => format!(", but {} named above", what_changed(changed)),
        };
        confirm(
            &format!("Take this back in {database} of {}{rest}?", server.name),
            self.yes,
        )?;
        let mut progress = |message: &str| tell(message);
        // A repair that may be taken back has been proved before.
        let max_lock = std::time::Duration::MAX;
        let mut executor = Executor::new(connection, &database, max_lock, &mut progress)?;
        let mut journal = Journal::append(&record)?;
        let moves_tables = steps.iter().any(|(step, _)| step.exchange.is_some());
        let grants = match moves_tables {
            true => rollback::routine_grants(executor.connection(), &database)?,
            false => None,
        };
        let undone = examination.take_back(&mut executor, &mut journal);
        let lost = rollback::grants_lost(executor.connection(), &database, grants);
        let undone = undone.and_then(|undone| executor.finish().map(|_| undone));
        if undone.is_err() {
            tell(&journals::interrupted(journal.path(), None));
        }
        let undone = undone?;
        for sentence in lost? {
            tell(&sentence);
        }
        tell(&summary(&undone, examination.changed.len() as u64));
        let is_all = examination.changed.is_empty() && undone.stuck == 0 && undone.differing == 0;
        Ok(match is_all {
            true => Exit::Fine,
            false => Exit::Findings,
        })
    }
}

fn what_changed(changed: u64) -> String {
    match changed {
        1 => "the row, table or program".to_owned(),
        several => format!("the {several} rows, tables or programs"),
    }
}

/// The result as a sentence, such as `2 steps taken back; 1 had not been done`.
fn summary(undone: &Undone, changed: u64) -> String {
    let steps = count(undone.steps as u64, "step");
    let not_done = match undone.not_done {
        0 => String::new(),
        others => format!("; {others} had not been done"),
    };
    let left = match changed {
        0 => String::new(),
        changed => format!("; {} changed since stay as they are", what_changed(changed)),
    };
    let stuck = match undone.stuck {
        0 => String::new(),
        stuck => format!(
            "; the rows of {}, as said above, are not back: undo tries again when what the server objects to is mended",
            count(stuck as u64, "step")
        ),
    };
    let differing = match undone.differing {
        0 => String::new(),
        1 => "; 1 value, as said above, is not as before".to_owned(),
        differing => format!("; {differing} values, as said above, are not as before"),
    };
    format!("{steps} taken back{not_done}{left}{stuck}{differing}")
}
