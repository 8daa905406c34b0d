//! `cividb repair rebuild SOURCE --into DSN`: copies a database into a new one with the schema of
//! its release.

use super::Repair;
use crate::case::Case;
use crate::change::definition::read_definitions;
use crate::change::error::ChangeError;
use crate::change::refusal::Refusal;
use crate::checks::Findings;
use crate::civicrm::catalogue::Catalogue;
use crate::cli::confirm::confirm;
use crate::cli::error::Error;
use crate::cli::output::print_report;
use crate::cli::{Common, tell};
use crate::exit::Exit;
use crate::repair::rebuild::{self, Blueprint, Rebuilt};
use crate::report::{self, RebuildSummary, RebuiltTable, Report, Section};
use crate::snapshot::Snapshot;
use crate::source::{Location, ServerLocation};

impl Repair {
    pub(super) fn rebuild(
        &self,
        source: &Location,
        catalogue: &Catalogue,
        common: &Common,
    ) -> Result<Exit, Error> {
        let refused = |refusal: Refusal| Error::from(ChangeError::from(refusal));
        let Location::Server(source) = source else {
            return Err(refused(Refusal::DumpCopied));
        };
        let Some(into) = &self.into else {
            return Err(refused(Refusal::NoNewDatabase));
        };
        let Location::Server(target) = Location::one(into, &self.server.access())? else {
            return Err(refused(Refusal::NewDatabaseNotOnServer));
        };
        let Some(new_name) = target.login.database.clone() else {
            return Err(refused(Refusal::NewDatabaseUnnamed));
        };
        let (mut old, database) = source.connect(common.database.as_deref())?;
        let mut snapshot = source.read(&mut old, &database)?;
        rebuild::all_is_visible(&snapshot, &database).map_err(refused)?;
        let definitions = read_definitions(&mut old, &mut snapshot)?;
        let case = Case::new(snapshot, catalogue);
        let snapshot = &case.snapshot;
        let detection = super::known_release(&case)?;
        let blueprint = rebuild::blueprint(snapshot, detection, &definitions);
        blueprint.has_room_for_names().map_err(refused)?;
        let release = detection.state.name.clone();
        let mut summary = planned(&blueprint, snapshot, &target, &release);
        if !self.apply {
            return show(summary, &case, common, Exit::Fine);
        }
        rebuild::prove(&mut old, &blueprint)?;
        let question = format!(
            "Copy {database} of {} into {new_name} of {}, as CiviCRM {release}?",
            source.name, target.name
        );
        confirm(&question, self.yes)?;
        let mut new = rebuild::begin(&target, &new_name, &mut old)?;
        let rebuilt = rebuild::rebuild(&mut old, &mut new, snapshot, &blueprint, &mut tell)?;
        add_outcome(&mut summary, &rebuilt);
        let is_fine = rebuilt.is_whole() && rebuilt.orphans.is_empty();
        let exit = if is_fine { Exit::Fine } else { Exit::Findings };
        show(summary, &case, common, exit)
    }
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
            table.outcome.clone_from(outcome);
        }
    }
}

fn show(summary: RebuildSummary, case: &Case, common: &Common, exit: Exit) -> Result<Exit, Error> {
    let report = Report::new("repair", case, Findings::default(), common.strict);
    print_report(common, &report.with(Section::Rebuild(summary)))?;
    Ok(exit)
}
