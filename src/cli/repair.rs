//! `cividb repair`: repairs names of foreign keys, missing foreign keys and indexes, engines and
//! character sets. It prints the plan first; `--apply` runs it.

mod rebuild;
mod script;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use super::confirm::confirm;
use super::output::{print, print_report};
use super::{Common, Format, ServerOptions, journals, tell};
use crate::case::Case;
use crate::change::definition::{Definitions, read_definitions};
use crate::change::executor::Executor;
use crate::change::journal::{Head, Journal, Record};
use crate::change::refusal::Refusal;
use crate::change::undo;
use crate::civicrm::catalogue::Catalogue;
use crate::civicrm::detect::Detection;
use crate::civicrm::release::Version;
use crate::cli::error::Error;
use crate::exit::Exit;
use crate::repair::equal_rows::EqualRows;
use crate::repair::guard;
use crate::repair::orphans::{Export, Orphans, Remedy, Toll};
use crate::repair::plan::{self, Family, Options, Plan};
use crate::repair::run::{self, Ran, Run};
use crate::server::connection::Reader;
use crate::snapshot::Snapshot;
use crate::source::{Location, ServerLocation};

#[derive(Debug, Args)]
pub struct Repair {
    /// Kind of problem to repair
    #[arg(value_name = "FAMILY", value_enum)]
    family: Family,
    /// Server (mysql://user@host/database), civicrm.settings.php or site's folder; or a dump, for
    /// the statements to run after restoring it
    #[arg(value_name = "SOURCE")]
    pub(super) source: Option<String>,
    /// Print the statements to run after restoring this dump, as with the dump for SOURCE
    #[arg(long, value_name = "DUMP", conflicts_with_all = ["source", "apply"])]
    sql_for: Option<String>,
    /// Release to upgrade to: what its steps drop by name is repaired first, and marked as such
    #[arg(long, value_name = "X.Y.Z")]
    target: Option<Version>,
    /// Repair also what CiviCRM's own upgrades leave in every database without harm
    #[arg(long)]
    inherited: bool,
    /// Make the changes; without this the statements are printed and nothing is changed
    #[arg(long)]
    apply: bool,
    /// Do not ask for confirmation
    #[arg(long)]
    yes: bool,
    /// Where to write the journal that cividb undo takes the repair back from; by default
    /// cividb-DATABASE-DATE-TIME.journal in
    /// $XDG_STATE_HOME/cividb or ~/.local/state/cividb (cividb undo --list)
    #[arg(long, value_name = "FILE", conflicts_with = "resume")]
    journal: Option<PathBuf>,
    /// Go on with a repair that was interrupted, in the journal that it wrote
    #[arg(long, value_name = "JOURNAL", requires = "apply")]
    resume: Option<PathBuf>,
    /// With --resume: the server is the one that the journal names, although it calls itself another since it
    /// was moved to another port or host name
    #[arg(long, requires = "resume")]
    same_server: bool,
    /// What to do about rows that have lost their parents, which no foreign key can be added
    /// over: stop leaves key and rows alone; set-null clears the column where the key's own rule
    /// is ON DELETE SET NULL; delete deletes the rows, and what hangs on them, where it is ON
    /// DELETE CASCADE. Both export the rows first
    #[arg(
        long,
        value_name = "WHAT",
        value_enum,
        value_delimiter = ',',
        default_value = "stop"
    )]
    orphans: Vec<Remedy>,
    /// Folder for the rows that --orphans changes: CSV files, and SQL that puts them back
    #[arg(long, value_name = "DIR")]
    export: Option<PathBuf>,
    /// With rebuild: the new database, mysql://user@host/database, which is empty or does not exist
    /// yet
    #[arg(long, value_name = "DSN")]
    into: Option<String>,
    /// Longest time in seconds for which the writers of a table may wait until it is proved that no
    /// row has lost its parent; where it takes longer, the foreign key is added first, proved right
    /// after, and taken away again if a row lost its parent meanwhile
    #[arg(long, value_name = "SECONDS", default_value_t = 0.5, value_parser = seconds)]
    max_lock_seconds: f64,
    /// Largest table, in MiB, that is written anew while its writers wait
    #[arg(long, value_name = "MIB", default_value_t = 1024)]
    max_copy_size: u64,
    #[command(flatten)]
    server: ServerOptions,
}

fn seconds(text: &str) -> Result<f64, &'static str> {
    let number = text.parse::<f64>().ok();
    let number = number.filter(|number| Duration::try_from_secs_f64(*number).is_ok());
    number.ok_or("a number of seconds, not below 0")
}

impl Repair {
    pub(super) fn run(&self, common: &Common) -> Result<Exit, Error> {
        if self.apply {
            guard::export(&self.orphans, self.export.is_some())?;
        }
        let catalogue = Catalogue::embedded()?;
        let source = match &self.sql_for {
            Some(dump) => dump.clone(),
            None => self.server.source(self.source.as_deref())?,
        };
        let location = Location::one(&source, &self.server.access())?;
        if self.family == Family::Rebuild {
            return self.rebuild(&location, catalogue, common);
        }
        match (&location, self.apply) {
            (Location::Server(server), true) => self.apply(server, catalogue, common),
            (Location::Server(server), false) => {
                let (mut connection, database) = server.connect(common.database.as_deref())?;
                let mut snapshot = server.read(&mut connection, &database)?;
                let definitions = read_definitions(&mut connection, &mut snapshot)?;
                let case = self.case(snapshot, catalogue)?;
                warn_of_upgrade(&case);
                let plan = self.plan(&case)?;
                let rows = RowPlan {
                    orphans: orphans(&mut connection, &plan, &case.snapshot)?,
                    equal: equal_rows(&mut connection, &plan)?,
                    toll: self.toll(&mut connection, &plan, &case.snapshot)?,
                };
                self.show(&plan, &rows, &case, &definitions, common)
            }
            (_, true) => Err(Refusal::DumpUnchanged(source).into()),
            (_, false) => {
                let snapshot = location.read(common.database.as_deref(), &mut |_| {})?;
                let case = self.case(snapshot, catalogue)?;
                let plan = self.plan(&case)?;
                let rows = RowPlan::default();
                self.show(&plan, &rows, &case, &Definitions::new(), common)
            }
        }
    }

    /// The case of a source, with the target of the upgrade.
    ///
    /// # Errors
    /// CiviCRM does not have this release, or the site is newer.
    fn case<'c>(&self, snapshot: Snapshot, catalogue: &'c Catalogue) -> Result<Case<'c>, Error> {
        let newest = || super::preflight::newest(catalogue);
        let target = match self.family {
            Family::ForUpgrade => self.target.clone().or_else(newest),
            _ => self.target.clone(),
        };
        let case = Case::new(snapshot, catalogue).to_release(target);
        if let Some(target) = &self.target {
            target_release(target, catalogue)?;
            guard::target(target, &case)?;
        }
        Ok(case)
    }

    fn plan(&self, case: &Case) -> Result<Plan, Error> {
        known_release(case)?;
        let options = Options {
            inherited: self.inherited,
            ..Options::new(self.family)
        };
        Ok(plan::plan(case, &options)?)
    }

    /// Prints the plan, as a script or as a report.
    fn show(
        &self,
        plan: &Plan,
        rows: &RowPlan,
        case: &Case,
        definitions: &Definitions,
        common: &Common,
    ) -> Result<Exit, Error> {
        let report = script::report(script::section(plan, rows), case, common);
        if common.format == Format::Human && !common.quiet {
            let script = script::script(plan, rows, &case.snapshot, definitions, self.family);
            print(common, &script)?;
            return Ok(report.verdict().exit());
        }
        print_report(common, &report)
    }

    fn apply(
        &self,
        server: &ServerLocation,
        catalogue: &Catalogue,
        common: &Common,
    ) -> Result<Exit, Error> {
        let (mut connection, database) = server.connect(common.database.as_deref())?;
        let mut snapshot = server.read(&mut connection, &database)?;
        for warning in guard::server(&snapshot)? {
            tell(warning);
        }
        let definitions = read_definitions(&mut connection, &mut snapshot)?;
        let case = self.case(snapshot, catalogue)?;
        let snapshot = &case.snapshot;
        warn_of_upgrade(&case);
        let head = Head::of(snapshot, &format!("repair {}", self.family.as_str()));
        let record = self.resume.as_deref().map(Record::read).transpose()?;
        if let Some(record) = &record {
            undo::check_database(record, &head, self.same_server)?;
        }
        let plan = self.plan(&case)?;
        for refused in &plan.refused {
            tell(&format!("not planned: {}: {}", refused.name(), refused.why));
        }
        if plan.steps.is_empty() && record.is_none() {
            return Ok(nothing_to_run(&plan));
        }
        let version = &connection.version;
        guard::privileges(&plan, &self.orphans, snapshot, version, &database)?;
        let toll = self.announce(&mut connection, &plan, snapshot)?;
        let changes_rows = script::row_question(&toll);
        let question = format!(
            "Run these {} statements in {database} of {}{changes_rows}?",
            plan.steps.len(),
            server.name
        );
        confirm(&question, self.yes)?;
        let export = self.export.as_deref().map(Export::to).transpose()?;
        let mut journal = match &record {
            Some(record) => Journal::append(record)?,
            None => Journal::later(&journals::path(self.journal.as_deref(), &database)?, &head),
        };
        tell(&ways_on(journal.path()));
        let earlier = record.iter().flat_map(|record| &record.steps);
        let next_step = earlier.map(|(it, _)| it.step).max().unwrap_or(0) + 1;
        let empty = indexmap::IndexMap::new();
        let facts = snapshot.server.as_ref();
        let table_bytes = facts.map_or(&empty, |facts| &facts.table_bytes);
        let mut progress = |message: &str| tell(message);
        let execute = || -> Result<_, Error> {
            let max_lock =
                Duration::try_from_secs_f64(self.max_lock_seconds).unwrap_or(Duration::MAX);
            let mut executor = Executor::new(connection, &database, max_lock, &mut progress)?;
            if let Some(record) = &record {
                run::settle(&mut executor, record, &mut journal)?;
            }
            let mut run = Run {
                executor,
                journal: &mut journal,
                definitions,
                tables: snapshot.schema.tables.clone(),
                table_bytes,
                max_copy: self.max_copy_size << 20,
                next_step,
                remedies: &self.orphans,
                export,
                toll: &toll,
            };
            let ran = run.run(&plan)?;
            Ok((ran, run.executor.finish()?))
        };
        let executed = execute();
        if executed.is_err() {
            let resume = format!(
                "the same command with --resume {}",
                journal.path().display()
            );
            tell(&journals::interrupted(journal.path(), Some(&resume)));
        }
        let (ran, mut connection) = executed?;
        journal.finished()?;
        for left in &ran.not_run {
            let (table, why) = (&left.table, &left.why);
            tell(&format!("not run: {table}: {why}: {};", left.statement));
        }
        self.report_rest(
            server,
            (&mut connection, &database),
            &ran,
            journal.is_begun().then(|| journal.path()),
            catalogue,
            common,
        )
    }

    /// Tells what a plan runs, which rows it changes first, and which stand in its way.
    fn announce(
        &self,
        connection: &mut Reader,
        plan: &Plan,
        snapshot: &Snapshot,
    ) -> Result<Toll, Error> {
        for planned in &plan.steps {
            tell(&format!("{};", planned.statement()));
        }
        for found in equal_rows(connection, plan)? {
            tell(&found.describe());
        }
        let toll = self.toll(connection, plan, snapshot)?;
        // Of those that are changed first the tallies speak.
        let is_kept = |found: &Orphans| toll.promise(&found.table, &found.constraint).is_none();
        let found = orphans(connection, plan, snapshot)?;
        for found in found.iter().filter(|found| is_kept(found)) {
            tell(&found.describe());
        }
        for tally in toll.tallies() {
            tell(&script::row_change(&tally));
        }
        if let Some(others) = script::by_triggers(&toll, &snapshot.schema) {
            tell(&others);
        }
        Ok(toll)
    }

    /// Reads everything again after a run, and reports what remains.
    fn report_rest(
        &self,
        server: &ServerLocation,
        (connection, database): (&mut Reader, &str),
        ran: &Ran,
        journal: Option<&Path>,
        catalogue: &Catalogue,
        common: &Common,
    ) -> Result<Exit, Error> {
        let mut snapshot = server.read(connection, database)?;
        read_definitions(connection, &mut snapshot)?;
        let case = self.case(snapshot, catalogue)?;
        let mut section = script::section(&self.plan(&case)?, &RowPlan::default());
        script::add_outcome(&mut section, ran, journal);
        print_report(common, &script::report(section, &case, common))
    }

    /// The rows that are changed first so that the plan can run, as `--orphans` says.
    fn toll(
        &self,
        connection: &mut Reader,
        plan: &Plan,
        snapshot: &Snapshot,
    ) -> Result<Toll, Error> {
        let tables = &snapshot.schema.tables;
        Ok(Toll::of(connection, plan, tables, &self.orphans)?)
    }
}

/// Says that there is nothing to run, and whether that is well.
fn nothing_to_run(plan: &Plan) -> Exit {
    if plan.is_done() {
        tell("nothing to change");
        return Exit::Fine;
    }
    tell("nothing that repair can change");
    Exit::Findings
}

/// Where the journal will be, and the two ways on for whoever is interrupted.
fn ways_on(journal: &Path) -> String {
    let journal = journal.display();
    format!(
        "each change is written to the journal {journal} before it runs: the same command with --resume {journal} goes on \
         after an interruption, and cividb undo {journal} takes back what was done"
    )
}

/// The rows that stand in the way of a plan.
#[derive(Debug, Default)]
struct RowPlan {
    /// Rows without a parent that keep planned foreign keys from being added.
    orphans: Vec<Orphans>,
    /// Equal rows that keep planned unique indexes from being made.
    equal: Vec<EqualRows>,
    /// The rows that are changed before the plan runs.
    toll: Toll,
}

/// Looks for the rows without a parent that keep planned foreign keys from being added.
fn orphans(
    connection: &mut Reader,
    plan: &Plan,
    snapshot: &Snapshot,
) -> Result<Vec<Orphans>, Error> {
    let mut all = Vec::new();
    for planned in &plan.steps {
        let found = run::orphans_of(connection, planned, &snapshot.schema.tables)?;
        let unprotected = found.into_iter().filter(|(_, in_force)| in_force.is_none());
        all.extend(unprotected.map(|(orphans, _)| orphans));
    }
    Ok(all)
}

/// Looks for the equal rows that keep planned unique indexes from being made.
fn equal_rows(connection: &mut Reader, plan: &Plan) -> Result<Vec<EqualRows>, Error> {
    let mut all = Vec::new();
    for planned in &plan.steps {
        all.extend(EqualRows::of(connection, planned)?);
    }
    Ok(all)
}

/// Warns when an upgrade is under way, which may go on to change what is repaired.
fn warn_of_upgrade(case: &Case) {
    if let Some(version) = case.declared_version().filter(Version::is_upgrade_marker) {
        tell(&format!(
            "warning: the version is {version}: an upgrade is under way or has failed, and may go on to \
             change what is repaired now"
        ));
    }
}

/// Makes sure that CiviCRM has this release, as far as releases are known.
pub(super) fn target_release(target: &Version, catalogue: &Catalogue) -> Result<(), Error> {
    match catalogue.state_for(target) {
        Some(_) => Ok(()),
        None => Err(Error::unknown_release(target, catalogue)),
    }
}

/// The release that the schema is of, or an error when it is not known.
fn known_release<'a>(case: &'a Case) -> Result<&'a Detection<'a>, Error> {
    let detection = case.detection();
    detection.ok_or_else(|| Error::no_release(&case.snapshot.source.name))
}
