//! `cividb repair rebuild SOURCE --into DSN`: a new database out of an old one.

use super::Repair;
use crate::checks::Findings;
use crate::civicrm::catalogue::Catalogue;
use crate::civicrm::site::Site;
use crate::cli::confirm::confirm;
use crate::cli::error::Error;
use crate::cli::output::Output;
use crate::cli::{Common, tell};
use crate::exit::Exit;
use crate::repair::error::RepairError;
use crate::repair::rebuild::{self, Blueprint, Rebuilt};
use crate::repair::run;
use crate::report::{self, RebuildSummary, RebuiltTable, Report};
use crate::schema::sql::identifier;
use crate::server::connection::Connection;
use crate::server::error::ServerError;
use crate::snapshot::Snapshot;
use crate::source::{Location, ServerLocation};

impl Repair {
    pub(super) fn rebuild(
        &self,
        source: &Location,
        catalogue: &Catalogue,
        common: &Common,
    ) -> Result<Exit, Error> {
        let refused = |message: &str| Error::from(RepairError::Refused(message.to_owned()));
        let Location::Server(source) = source else {
            return Err(refused(
                "a rebuild copies from a running server; restore the dump first",
            ));
        };
        let Some(into) = &self.into else {
            return Err(refused(
                "say with --into mysql://user@host/database which database to make",
            ));
        };
        let Location::Server(target) = Location::one(into, &self.server.access())? else {
            return Err(refused("--into wants mysql://user@host/database"));
        };
        let Some(new_name) = target.login.database.clone() else {
            return Err(refused(
                "--into names no database: mysql://user@host/database",
            ));
        };
        let (mut old, database) = source.connect(common.database.as_deref())?;
        let mut snapshot = source.read(&mut old, &database)?;
        if let Some((kind, why)) = snapshot.hidden.first() {
            return Err(refused(&format!(
                "this account does not see all of {database} ({kind:?}: {why}), and what it does not see \
                 would be missing from the new database; connect with another account"
            )));
        }
        let definitions = run::read_definitions(&mut old, &mut snapshot)?;
        let site = Site::of(&snapshot);
        let detection = super::detect(&snapshot, site.as_ref(), catalogue)?;
        let blueprint = rebuild::blueprint(&snapshot, &detection, &definitions);
        if !blueprint.taken.is_empty() {
            return Err(refused(&format!(
                "two tables of the new database would have foreign keys of the same name ({}); rename those \
                 of the site's own tables first",
                blueprint.taken.join(", ")
            )));
        }
        let release = detection.state.name.clone();
        let mut summary = planned(&blueprint, &snapshot, &target, &release);
        if !self.apply {
            return show(summary, &snapshot, common, Exit::Fine);
        }
        let question = format!(
            "Copy {database} of {} into {new_name} of {}, as CiviCRM {release}?",
            source.name, target.name
        );
        confirm(&question, self.yes)?;
        let mut new = begin(&target, &new_name, &mut old)?;
        let rebuilt = rebuild::rebuild(&mut old, &mut new, &snapshot, &blueprint, &mut tell)?;
        add_outcome(&mut summary, &rebuilt);
        let is_fine = rebuilt.is_whole() && rebuilt.orphans.is_empty();
        let exit = if is_fine { Exit::Fine } else { Exit::Findings };
        show(summary, &snapshot, common, exit)
    }
}

/// Connects to the new database, makes it if it is not there, and sees that it is empty.
fn begin(target: &ServerLocation, name: &str, old: &mut Connection) -> Result<Connection, Error> {
    let mut new = Connection::open(&target.login)?;
    match new.use_database(name) {
        Err(ServerError::UnknownDatabase { .. }) => {
            let about = "the new database";
            let sql =
                "SELECT @@character_set_database AS charset, @@collation_database AS collation";
            let answer = old.ask("the database's character set", sql)?;
            let value = |column| {
                let row = answer.first();
                row.and_then(|row| crate::server::connection::text(row, column))
            };
            let charset = value("charset").unwrap_or_else(|| "utf8mb4".to_owned());
            let collation = value("collation").unwrap_or_else(|| "utf8mb4_unicode_ci".to_owned());
            new.run(about, "SET SESSION TRANSACTION READ WRITE")?;
            new.run(
                about,
                &format!(
                    "CREATE DATABASE {} CHARACTER SET {charset} COLLATE {collation}",
                    identifier(name)
                ),
            )?;
            new.use_database(name)?;
        }
        other => other?,
    }
    if let Err(why) = rebuild::is_empty(&mut new)? {
        let message = format!("{name} of {}: {why}", target.name);
        return Err(RepairError::Refused(message).into());
    }
    Ok(new)
}

fn planned(
    blueprint: &Blueprint,
    snapshot: &Snapshot,
    target: &ServerLocation,
    release: &str,
) -> RebuildSummary {
    let schema = &snapshot.schema;
    let tables = blueprint.tables.iter().map(|(name, made)| RebuiltTable {
        table: name.clone(),
        of_release: made.of_release,
        new: made.old.is_none(),
        kept_columns: made.kept.clone(),
        filled_columns: made.filled.clone(),
        left_out_keys: made.left_out.clone(),
        ..RebuiltTable::default()
    });
    RebuildSummary {
        into: target.name.clone(),
        release: release.to_owned(),
        tables: tables.collect(),
        programs: schema.triggers.len()
            + schema.routines.len()
            + schema.views.len()
            + schema.events.len(),
        ..RebuildSummary::default()
    }
}

fn add_outcome(summary: &mut RebuildSummary, rebuilt: &Rebuilt) {
    summary.applied = true;
    summary.whole = rebuilt.is_whole();
    summary.programs = rebuilt.programs;
    summary.other_definer.clone_from(&rebuilt.other_definer);
    summary.failed.clone_from(&rebuilt.failed);
    summary.orphans = rebuilt.orphans.iter().map(report::OrphanRows::of).collect();
    for table in &mut summary.tables {
        if let Some(outcome) = rebuilt.tables.get(&table.table) {
            table.rows = outcome.rows;
            table.copied = outcome.copied;
            table.same_values = outcome.same_values;
            table.altered = outcome.altered;
            table.left_out = outcome.left_out;
            table.sample.clone_from(&outcome.sample);
        }
    }
}

fn show(
    summary: RebuildSummary,
    snapshot: &Snapshot,
    common: &Common,
    exit: Exit,
) -> Result<Exit, Error> {
    let mut report = Report::new("repair", snapshot, Findings::default(), common.strict);
    report.rebuild = Some(summary);
    let mut output = Output::new(common, false);
    output.add(report)?;
    output.finish()?;
    Ok(exit)
}
