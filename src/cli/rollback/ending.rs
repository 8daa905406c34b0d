//! How an exchange ends: on its own, gone on with, or with what is set aside removed.

use std::path::Path;
use std::time::Duration;

use super::Rollback;
use crate::change::error::ChangeError;
use crate::change::exchange::{self, Clearance, InForce, Record as SetAside, State};
use crate::change::executor::Executor;
use crate::change::journal::{Journal, Record};
use crate::change::undo;
use crate::civicrm::catalogue::Catalogue;
use crate::cli::confirm::confirm;
use crate::cli::error::Error;
use crate::cli::{Common, tell};
use crate::exit::Exit;
use crate::report::RollbackSummary;
use crate::rollback::{self, Proof, cleared_for};

impl Rollback {
    /// Ends an exchange that ran, or says which tables are in force and how to go on.
    pub(super) fn concluded(
        &self,
        ran: Result<rollback::Left, ChangeError>,
        mut executor: Executor,
        journal: &mut Journal,
        record: &SetAside,
    ) -> Result<rollback::Left, Error> {
        let place = journal.path().display().to_string();
        match ran {
            Ok(left) => {
                journal.finished()?;
                executor.finish()?;
                Ok(left)
            }
            Err(error) => {
                let state = State::of_record(executor.connection(), record);
                tell(&in_force(state.ok().as_ref(), record));
                tell(&format!(
                    "the journal is kept in {place}: cividb rollback --resume {place} --apply goes on, and cividb undo {place} \
                     --apply takes back what was done"
                ));
                Err(error.into())
            }
        }
    }

    /// Goes on with an exchange that was cut off.
    pub(super) fn resume(
        &self,
        journal: &Path,
        catalogue: &Catalogue,
        common: &Common,
    ) -> Result<Exit, Error> {
        let record = Record::read(journal)?;
        let site = self.site(self.only_source()?, catalogue, common)?;
        undo::check_database(&record, &site.head, self.same_server)?;
        let aside = record
            .steps
            .iter()
            .find_map(|(step, _)| step.exchange.as_ref());
        let aside = match (aside, &self.set_aside) {
            (Some(exchange), _) => exchange.aside.clone(),
            (None, _) => self.databases(&site.database).aside,
        };
        let mut connection = site.connection;
        let set_aside = cleared_for(&mut connection, &site.database, &aside)?;
        let exchange = &set_aside.exchange;
        tell(&in_force(
            State::of_record(&mut connection, &set_aside).ok().as_ref(),
            &set_aside,
        ));
        let question = format!(
            "Go on with the rollback of {} on {}?",
            exchange.database, site.location.name
        );
        confirm(&question, self.yes)?;
        let mut progress = |message: &str| tell(message);
        let mut executor =
            Executor::new(connection, &site.database, Duration::ZERO, &mut progress)?;
        let mut journal = Journal::append(&record)?;
        let ran = rollback::resume(&mut executor, &mut journal, &set_aside, &record.steps);
        let left = self.concluded(ran, executor, &mut journal, &set_aside)?;
        let mut summary = RollbackSummary::resumed(&set_aside, &site.location.name);
        summary.done(
            &Proof::default(),
            left,
            0.0,
            journal.path().display().to_string(),
        );
        summary.proof = None;
        summary.seconds = None;
        self.report(site.case, summary, common)
    }

    /// Removes what a rollback has set aside.
    pub(super) fn finish(&self, catalogue: &Catalogue, common: &Common) -> Result<Exit, Error> {
        let site = self.site(self.only_source()?, catalogue, common)?;
        let mut connection = site.connection;
        let aside = self.databases(&site.database).aside;
        let set_aside = cleared_for(&mut connection, &site.database, &aside)?;
        let mut clearance = Clearance::of(&mut connection, &set_aside)?;
        let mut summary = RollbackSummary::resumed(&set_aside, &site.location.name);
        if self.apply {
            tell(&in_force(
                State::of_record(&mut connection, &set_aside).ok().as_ref(),
                &set_aside,
            ));
            let tables: usize = clearance
                .tables
                .iter()
                .map(|(_, tables)| tables.len())
                .sum();
            let question = format!(
                "Remove {tables} tables that are set aside on {} for good?",
                site.location.name
            );
            confirm(&question, self.yes)?;
            let mut progress = |message: &str| tell(message);
            let mut executor =
                Executor::new(connection, &site.database, Duration::ZERO, &mut progress)?;
            clearance = exchange::clear(&mut executor, &set_aside)?;
            executor.finish()?;
        }
        summary.removes(&clearance, self.apply);
        self.report(site.case, summary, common)
    }
}

/// Which tables are in force, for people.
fn in_force(state: Option<&State>, record: &SetAside) -> String {
    let database = &record.exchange.database;
    match state.map(|state| state.in_force) {
        Some(InForce::Old) => format!("in force in {database}: the tables of before, all of them"),
        Some(InForce::New) => {
            format!("in force in {database}: the tables of the backup, all of them")
        }
        Some(InForce::Mixed) => format!(
            "in force in {database}: some tables of before and some of the backup, because the server ended in the middle"
        ),
        None => format!(
            "which tables are in force in {database} cannot be asked now: all of before, or all of the backup, which going on \
             or back finds out"
        ),
    }
}
