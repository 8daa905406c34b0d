//! `cividb undo`: takes back what a journal says was changed.

use std::path::PathBuf;

use clap::Args;

use super::confirm::confirm;
use super::{Common, ServerOptions, tell};
use crate::cli::error::Error;
use crate::exit::Exit;
use crate::repair::apply::Applier;
use crate::repair::error::RepairError;
use crate::repair::journal::{Head, Journal, Progress, Record, Step};
use crate::repair::{run, undo};
use crate::schema::sql;
use crate::source::Location;
use crate::text::{count, printable};

/// Arguments of `undo`.
#[derive(Debug, Args)]
pub struct Undo {
    /// The journal that a command with --apply wrote
    #[arg(value_name = "JOURNAL")]
    journal: PathBuf,
    /// The server: mysql://user@host/database, a civicrm.settings.php or a site's folder
    #[arg(value_name = "SOURCE")]
    source: Option<String>,
    /// Do it; without this the statements are printed and nothing is changed
    #[arg(long)]
    apply: bool,
    /// Ask nothing
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    server: ServerOptions,
}

impl Undo {
    pub(super) fn run(&self, common: &Common) -> Result<Exit, Error> {
        let record = Record::read(&self.journal)?;
        let steps = undo::steps(&record);
        let head = &record.head;
        let mut lines = vec![format!(
            "-- Takes back {} of {} on database {}.",
            head.command, head.begun, head.database
        )];
        for (step, progress) in &steps {
            if *progress == Progress::Doing {
                lines.push("-- The journal does not say whether this step was done; it was if there is anything to take back.".to_owned());
            }
            match &step.rows {
                // Row by row, and not for every eye.
                Some(_) if self.apply => lines.push(format!("-- back: {}", printable(&step.why))),
                _ => lines.push(step.inverse.clone()),
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
            let message = format!("{source} is a dump; changes are taken back on the server");
            return Err(RepairError::Refused(message).into());
        };
        // Another database than the journal's is refused, however it is named.
        let named = common.database.as_deref().or(location.database(None));
        let wanted = named.unwrap_or(&head.database);
        let (mut connection, database) = server.connect(Some(wanted))?;
        let snapshot = server.read(&mut connection, &database)?;
        undo::check_database(&record, &Head::of(&snapshot, "undo"))?;
        tell(sql::script(&lines).trim_end());
        confirm(
            &format!("Take this back in {database} of {}?", server.name),
            self.yes,
        )?;
        let is_of_a_repair =
            |(step, _): &(&Step, Progress)| step.before.is_some() || step.rows.is_some();
        let undone = if steps.iter().any(is_of_a_repair) {
            let mut progress = |message: &str| tell(message);
            // A repair that may be taken back has been proved before.
            let max_lock = std::time::Duration::MAX;
            let mut applier = Applier::new(&mut connection, &database, max_lock, &mut progress)?;
            let mut journal = Journal::append(&record)?;
            run::take_back(&mut applier, &record, &mut journal)?
        } else {
            undo::rows(&mut connection, &record)?
        };
        let not_done = match steps.len() - undone {
            0 => String::new(),
            others => format!("; {others} had not been done"),
        };
        let steps = count(undone as u64, "step");
        tell(&format!("{steps} taken back{not_done}"));
        Ok(Exit::Fine)
    }
}
