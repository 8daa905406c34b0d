//! A rollback where there is no room for both: a fresh backup of what goes, then the backup in its place.

use std::path::Path;
use std::time::{Duration, Instant};

use super::apply::{end_of_signal, tell_before};
use super::{Rollback, Site};
use crate::case::Case;
use crate::change::executor::Executor;
use crate::change::refusal::Refusal;
use crate::civicrm::catalogue::Catalogue;
use crate::cli::confirm::confirm;
use crate::cli::error::Error;
use crate::cli::extract::{is_broken, survey};
use crate::cli::progress::Bar;
use crate::cli::signals::listen;
use crate::cli::{Common, tell};
use crate::extract::Selection;
use crate::rehearse::Ground;
use crate::report::RollbackSummary;
use crate::rollback::fresh::{self, DumpProgram, FreshError};
use crate::rollback::{self, Beside, BesideError, Left, Plan, Proof, Setup};
use crate::source::{Location, ServerLocation};

impl Rollback {
    pub(super) fn apply_in_place(
        &self,
        site: Site,
        (path, backup, selection): (&Path, &Case, Selection),
        plan: &Plan,
        summary: &mut RollbackSummary,
        common: &Common,
    ) -> Result<(), Error> {
        let Some(file) = &self.fresh_backup else {
            let why = "--in-place needs --fresh-backup FILE".to_owned();
            return Err(Refusal::WrongSources(why).into());
        };
        tell_before(plan);
        let program = DumpProgram::find(site.connection.version.family)?;
        let exchange = &plan.exchange;
        let question = format!(
            "Drop {} tables of {} on {} for good, once {} holds them, and restore {} tables of {} in their place?",
            exchange.goes.len(),
            exchange.database,
            site.location.name,
            file.display(),
            exchange.comes.len(),
            path.display(),
        );
        confirm(&question, self.yes)?;
        let begun = Instant::now();
        let way_back = fresh::way_back(file, &site.location.login, &site.connection, plan);
        let way_back = way_back.map_err(crate::change::error::ChangeError::from)?;
        let catalogue = site.case.catalogue;
        let beside = Beside::new(Setup {
            server: site.location.clone(),
            database: exchange.database.clone(),
            is_site: true,
            limit: Duration::from_secs(self.statement_seconds),
            signal: listen(),
        });
        let mut progress = |message: &str| tell(message);
        let mut executor = Executor::new(
            site.connection,
            &site.database,
            Duration::ZERO,
            &mut progress,
        )?;
        let prepared = self.fresh_backup(program, &site.location, plan, &beside, catalogue, common);
        let prepared = prepared.and_then(|not_compared| {
            rollback::is_as_planned(&mut executor, plan)?;
            Ok(not_compared)
        });
        let not_compared = prepared.inspect_err(|error| {
            tell(&format!("{} is as it was", exchange.database));
            end_of_signal(error);
        })?;
        let fresh = not_compared
            .is_some()
            .then(|| (file.display().to_string(), way_back));
        let replace = || -> Result<(Proof, Left), Error> {
            tell(&format!("dropping what goes out of {}", exchange.database));
            let database = &exchange.database;
            let grants = rollback::routine_grants(executor.connection(), database)?;
            let moved = rollback::clear(&mut executor, plan)?;
            let proof = self.fill(&beside, (path, backup, selection), plan, common)?;
            rollback::with_definers(&mut executor, plan)?;
            let mut left = rollback::move_triggers(&mut executor, &moved)?;
            left.extend(rollback::grants_lost(
                executor.connection(),
                database,
                grants,
            )?);
            Ok((proof, left))
        };
        let replaced = replace();
        let (mut proof, left) = replaced.inspect_err(|error| {
            let database = &exchange.database;
            let before = match &fresh {
                Some((fresh, way_back)) => format!(
                    "{fresh} holds those of before, and this brings them back: {way_back}\nor give"
                ),
                None => "none were there before; give".to_owned(),
            };
            tell(&format!(
                "in {database} the tables of the backup are not whole or not proved; {before} the command again, with another \
                 file for --fresh-backup"
            ));
            end_of_signal(error);
        })?;
        executor.finish()?;
        proof.not_proved.extend(not_compared.into_iter().flatten());
        let seconds = begun.elapsed().as_secs_f64();
        summary.done_in_place(&proof, left, seconds, fresh);
        Ok(())
    }

    /// Makes the fresh backup of what goes, and proves it. Returns what could not be compared, as sentences; `None` where
    /// nothing goes.
    fn fresh_backup(
        &self,
        program: DumpProgram,
        server: &ServerLocation,
        plan: &Plan,
        beside: &Beside,
        catalogue: &Catalogue,
        common: &Common,
    ) -> Result<Option<Vec<String>>, Error> {
        let Some(file) = &self.fresh_backup else {
            return Ok(None);
        };
        let name = file.display().to_string();
        tell(&format!("writing a fresh backup of what goes into {name}"));
        let mut go_on = || {
            beside
                .go_on()
                .map_err(|error| BesideError::from(error).into())
        };
        if !program.write::<Error>(&server.login, plan, file, &mut go_on)? {
            tell("nothing of CiviCRM is there that goes, so there is nothing to back up");
            return Ok(None);
        }
        tell("comparing the fresh backup with the site");
        let location = Location::File(file.clone());
        let facts = survey(&location, &name, None, None, catalogue, common)?;
        if is_broken(&facts.findings) {
            return Err(FreshError::Differs("it is not whole".to_owned()).into());
        }
        let mut bar = Bar::new(common, &name);
        let proved = fresh::prove(file, server, plan, &mut |progress| bar.update(progress));
        bar.finish();
        go_on()?;
        Ok(Some(proved?))
    }
}
