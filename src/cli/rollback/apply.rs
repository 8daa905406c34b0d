//! A rollback that is done: the backup restored beside the site, and the exchange.

use std::path::Path;
use std::time::{Duration, Instant};

use super::{Rollback, Site};
use crate::case::Case;
use crate::change::error::ChangeError;
use crate::change::exchange::{self, ProgramName, Record as SetAside};
use crate::change::executor::Executor;
use crate::change::journal::Journal;
use crate::cli::confirm::confirm;
use crate::cli::error::Error;
use crate::cli::progress::Bar;
use crate::cli::signals::listen;
use crate::cli::{Common, journals, tell};
use crate::extract::Selection;
use crate::rehearse::RehearseError;
use crate::report::RollbackSummary;
use crate::rollback::{self, Beside, BesideError, Plan, Proof, Setup};

/// Says before the question what the user has to know of a plan.
pub(super) fn tell_before(plan: &Plan) {
    for sentence in plan.not_atomic.iter().chain(&plan.notes) {
        tell(sentence);
    }
    let missing = plan.without_successor().map(|it| it.name.as_str());
    let missing: Vec<&str> = missing.collect();
    if !missing.is_empty() {
        tell(&format!(
            "these go, and the backup does not have them: {}",
            missing.join(", ")
        ));
    }
    let lost: Vec<String> = plan.programs_lost().map(ProgramName::describe).collect();
    if !lost.is_empty() {
        tell(&format!(
            "these go as well, and the backup does not have them: {}",
            lost.join(", ")
        ));
    }
}

impl Rollback {
    pub(super) fn apply(
        &self,
        site: Site,
        (path, backup, selection): (&Path, &Case, Selection),
        plan: &Plan,
        summary: &mut RollbackSummary,
        common: &Common,
    ) -> Result<(), Error> {
        tell_before(plan);
        let exchange = &plan.exchange;
        let references = || exchange.references.iter();
        for change in references().filter_map(|reference| reference.goes.as_ref()) {
            tell(&format!("{};", change.drop));
        }
        tell(&format!(
            "{};",
            exchange.way_there().map_err(ChangeError::from)?
        ));
        for change in references().filter_map(|reference| reference.comes.as_ref()) {
            tell(&format!("{};", change.add));
        }
        let question = format!(
            "Put {} tables of {} in the place of {} tables of {} on {}?",
            exchange.comes.len(),
            path.display(),
            exchange.goes.len(),
            exchange.database,
            site.location.name
        );
        confirm(&question, self.yes)?;
        let mut journal = Journal::create(
            &journals::path(self.journal.as_deref(), &site.database)?,
            &site.head,
        )?;
        let begun = Instant::now();
        let charset = site.case.snapshot.server.as_ref();
        let charset = charset.and_then(|facts| facts.database_charset.clone());
        let signal = listen();
        let mut progress = |message: &str| tell(message);
        let mut executor = Executor::new(
            site.connection,
            &site.database,
            Duration::ZERO,
            &mut progress,
        )?;
        let finish = format!("cividb rollback --finish {} --apply", site.location.name);
        let beside = Beside::new(Setup {
            server: site.location,
            database: exchange.beside.clone(),
            is_site: false,
            limit: Duration::from_secs(self.statement_seconds),
            signal,
        });
        let prepare = || -> Result<(SetAside, Proof), Error> {
            exchange::begin(&mut executor, exchange, charset.as_ref())?;
            let proof = self.fill(&beside, (path, backup, selection), plan, common)?;
            Ok((rollback::record(&mut executor, plan)?, proof))
        };
        let prepared = prepare();
        let (record, proof) = match prepared {
            Ok(prepared) => prepared,
            Err(error) => {
                // Where the connection is gone as well, the user has to.
                let cleared =
                    SetAside::read(executor.connection(), &exchange.aside).and_then(|record| {
                        record
                            .map(|it| exchange::clear(&mut executor, &it))
                            .transpose()
                    });
                let database = &exchange.database;
                tell(&match cleared {
                    Ok(Some(_)) => format!(
                        "{database} is as it was, and what was restored beside it is removed"
                    ),
                    _ => format!(
                        "{database} is as it was; what was restored beside it stands in {}: {finish} removes it",
                        exchange.beside
                    ),
                });
                end_of_signal(&error);
                return Err(error);
            }
        };
        let seconds = begun.elapsed().as_secs_f64();
        let grants = rollback::routine_grants(executor.connection(), &exchange.database)?;
        let ran = rollback::run(&mut executor, &mut journal, &record, &[]);
        let ran = ran.and_then(|mut left| {
            left.extend(rollback::grants_lost(
                executor.connection(),
                &exchange.database,
                grants,
            )?);
            Ok(left)
        });
        let left = self.concluded(ran, executor, &mut journal, &record)?;
        summary.done(&proof, left, seconds, journal.path().display().to_string());
        Ok(())
    }

    /// Restores the backup beside the site.
    pub(super) fn fill(
        &self,
        beside: &Beside,
        (path, backup, selection): (&Path, &Case, Selection),
        plan: &Plan,
        common: &Common,
    ) -> Result<Proof, Error> {
        let tmp = self.tmp.clone().unwrap_or_else(std::env::temp_dir);
        let mut bar = Bar::new(common, &path.display().to_string());
        let filled = beside.fill(
            (path, &backup.snapshot),
            selection,
            plan,
            &tmp,
            &mut |progress| bar.update(progress),
            &mut |what| tell(what),
        );
        bar.finish();
        Ok(filled?)
    }
}

/// Ends the program as a signal does that came.
pub(super) fn end_of_signal(error: &Error) {
    if let Error::Beside(BesideError::Rehearse(RehearseError::Interrupted(number))) = error {
        let _ = signal_hook::low_level::emulate_default_handler(*number);
    }
}
