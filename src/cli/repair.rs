//! `cividb repair`: foreign keys with their right names, missing keys and indexes, engines and
//! character sets. The plan first; `--apply` runs it.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::confirm::confirm;
use super::output::{self, Output};
use super::{Common, Format, ServerOptions, tell};
use crate::checks::{Context, Findings, schema};
use crate::civicrm::catalogue::Catalogue;
use crate::civicrm::detect::Detection;
use crate::civicrm::release::Version;
use crate::civicrm::site::Site;
use crate::error::{Error, Exit};
use crate::repair::apply::Applier;
use crate::repair::error::RepairError;
use crate::repair::journal::{self, Head, Journal, Record};
use crate::repair::plan::{self, Cost, Family, Options, Plan};
use crate::repair::run::{self, Definitions, NotRun, Ran, Run};
use crate::repair::undo;
use crate::report::text::{count, printable};
use crate::report::{self, Report};
use crate::schema::sql;
use crate::server::connection::Connection;
use crate::snapshot::Snapshot;
use crate::source::{Location, ServerLocation};

/// Arguments of `repair`.
#[derive(Debug, Args)]
pub struct Repair {
    /// What to repair
    #[arg(value_name = "FAMILY", value_enum)]
    family: Family,
    /// A server (mysql://user@host/database), a civicrm.settings.php or a site's folder; or a
    /// dump, for the statements to run after restoring it
    #[arg(value_name = "SOURCE")]
    source: Option<String>,
    /// The release to upgrade to: what its steps drop by name comes first, and is said so
    #[arg(long, value_name = "X.Y.Z", value_parser = release)]
    target: Option<Version>,
    /// Also what CiviCRM's own upgrades leave in every database without harm
    #[arg(long)]
    inherited: bool,
    /// Do it; without this the statements are printed and nothing is changed
    #[arg(long)]
    apply: bool,
    /// Ask nothing
    #[arg(long)]
    yes: bool,
    /// Where to write the journal that cividb undo takes the repair back from; by default
    /// cividb-DATABASE-DATE-TIME.journal in the current folder
    #[arg(long, value_name = "FILE", conflicts_with = "resume")]
    journal: Option<PathBuf>,
    /// Go on with a repair that was interrupted, in the journal that it wrote
    #[arg(long, value_name = "JOURNAL", requires = "apply")]
    resume: Option<PathBuf>,
    /// Longest time in seconds for which a proof may keep the writers of a table waiting
    #[arg(long, value_name = "SECONDS", default_value_t = 1.0)]
    max_lock_seconds: f64,
    /// Largest table, in MiB, that is written anew while its writers wait
    #[arg(long, value_name = "MIB", default_value_t = 1024)]
    max_copy_size: u64,
    #[command(flatten)]
    server: ServerOptions,
}

fn release(text: &str) -> Result<Version, String> {
    Version::parse(text).ok_or_else(|| "a release looks like 5.81.2".to_owned())
}

impl Repair {
    pub(super) fn run(&self, common: &Common) -> Result<Exit, Error> {
        let catalogue = Catalogue::embedded()?;
        let source = self.server.source(self.source.as_deref())?;
        let location = Location::one(&source, &self.server.access())?;
        match (&location, self.apply) {
            (Location::Server(server), true) => self.apply(server, &catalogue, common),
            (Location::Server(server), false) => {
                let (mut connection, database) = server.connect(common.database.as_deref())?;
                let mut snapshot = server.read(&mut connection, &database)?;
                let definitions = run::read_definitions(&mut connection, &mut snapshot)?;
                self.show(&snapshot, &definitions, &catalogue, common)
            }
            (_, true) => Err(RepairError::Refused(format!(
                "{source} is a dump, and a dump is never changed; leave --apply out and run the \
                 statements after restoring it"
            ))
            .into()),
            (_, false) => {
                let snapshot = location.read(common.database.as_deref(), &mut |_| {})?;
                self.show(&snapshot, &Definitions::new(), &catalogue, common)
            }
        }
    }

    fn plan(&self, snapshot: &Snapshot, catalogue: &Catalogue) -> Result<Plan, Error> {
        let site = Site::of(snapshot);
        let detection = detect(snapshot, site.as_ref(), catalogue)?;
        let options = Options {
            target: self.target.clone(),
            inherited: self.inherited,
            ..Options::new(self.family)
        };
        Ok(plan::plan(
            snapshot,
            site.as_ref(),
            &detection,
            catalogue,
            &options,
        ))
    }

    /// Prints the plan.
    fn show(
        &self,
        snapshot: &Snapshot,
        definitions: &Definitions,
        catalogue: &Catalogue,
        common: &Common,
    ) -> Result<Exit, Error> {
        let plan = self.plan(snapshot, catalogue)?;
        if common.format == Format::Human {
            let script = script(&plan, snapshot, definitions, self.family);
            output::print(common, &script)?;
        } else {
            let report = report(&plan, snapshot, Findings::default(), None, common);
            let mut output = Output::new(common, false);
            output.add(report)?;
            output.finish()?;
        }
        let is_wrong = !plan.steps.is_empty() || !plan.refused.is_empty();
        Ok(if is_wrong { Exit::Findings } else { Exit::Fine })
    }

    fn apply(
        &self,
        server: &ServerLocation,
        catalogue: &Catalogue,
        common: &Common,
    ) -> Result<Exit, Error> {
        let (mut connection, database) = server.connect(common.database.as_deref())?;
        let mut snapshot = server.read(&mut connection, &database)?;
        look_around(&snapshot)?;
        let definitions = run::read_definitions(&mut connection, &mut snapshot)?;
        let head = Head::of(&snapshot, &format!("repair {}", self.family.as_str()));
        let record = self.resume.as_deref().map(Record::read).transpose()?;
        if let Some(record) = &record {
            undo::check_database(record, &head)?;
        }
        let plan = self.plan(&snapshot, catalogue)?;
        for refused in &plan.refused {
            tell(&format!(
                "not planned: {} of {}: {}",
                refused.object, refused.table, refused.why
            ));
        }
        if plan.steps.is_empty() && record.is_none() {
            tell("nothing to change");
            return Ok(if plan.refused.is_empty() {
                Exit::Fine
            } else {
                Exit::Findings
            });
        }
        for planned in &plan.steps {
            tell(&format!("{};", planned.statement()));
        }
        let question = format!(
            "Run these {} statements in {database} of {}?",
            plan.steps.len(),
            server.name
        );
        confirm(&question, self.yes)?;
        let mut journal = match &record {
            Some(record) => {
                let mut journal = Journal::append(record)?;
                run::settle(&mut connection, record, &mut journal)?;
                journal
            }
            None => {
                let path = self.journal.clone();
                let path = path.unwrap_or_else(|| journal::default_path(&database));
                Journal::create(&path, &head)?
            }
        };
        let first_step = record
            .iter()
            .flat_map(|record| &record.steps)
            .map(|(step, _)| step.step)
            .max()
            .unwrap_or(0)
            + 1;
        let empty = indexmap::IndexMap::new();
        let table_bytes = snapshot
            .server
            .as_ref()
            .map_or(&empty, |facts| &facts.table_bytes);
        let mut progress = |message: &str| tell(message);
        let ran = {
            let max_lock =
                Duration::try_from_secs_f64(self.max_lock_seconds).unwrap_or(Duration::MAX);
            let applier = Applier::new(&mut connection, &database, max_lock, &mut progress)?;
            let mut run = Run {
                applier,
                journal: &mut journal,
                definitions,
                table_bytes,
                max_copy: self.max_copy_size << 20,
                first_step,
            };
            run.run(&plan)?
        };
        journal.finished()?;
        let path = journal.path().to_owned();
        self.afterwards(
            server,
            &mut connection,
            &database,
            &ran,
            path,
            catalogue,
            common,
        )
    }

    /// Reads everything again, and says what remains.
    #[expect(clippy::too_many_arguments, reason = "all that the run leaves behind")]
    fn afterwards(
        &self,
        server: &ServerLocation,
        connection: &mut Connection,
        database: &str,
        ran: &Ran,
        journal: PathBuf,
        catalogue: &Catalogue,
        common: &Common,
    ) -> Result<Exit, Error> {
        let mut snapshot = server.read(connection, database)?;
        run::read_definitions(connection, &mut snapshot)?;
        let remaining = self.plan(&snapshot, catalogue)?;
        for NotRun {
            table,
            statement,
            why,
        } in &ran.not_run
        {
            tell(&format!("not run: {table}: {why}: {statement};"));
        }
        let mut report = report(
            &remaining,
            &snapshot,
            Findings::default(),
            Some(journal),
            common,
        );
        if let Some(plan) = &mut report.plan {
            plan.done = Some(ran.done);
        }
        let mut output = Output::new(common, false);
        output.add(report)?;
        output.finish()?;
        let left = ran.not_run.len() + remaining.steps.len() + remaining.refused.len();
        Ok(if left == 0 {
            Exit::Fine
        } else {
            Exit::Findings
        })
    }
}

fn detect<'a>(
    snapshot: &Snapshot,
    site: Option<&Site>,
    catalogue: &'a Catalogue,
) -> Result<Detection<'a>, Error> {
    let context = Context {
        catalogue: Some(catalogue),
        ..Context::default()
    };
    schema::detect(snapshot, site, &context).ok_or_else(|| Error::NoRelease {
        name: snapshot.source.name.clone(),
    })
}

/// Refuses where a repair would do harm, and warns where it goes further than one server.
fn look_around(snapshot: &Snapshot) -> Result<(), Error> {
    let Some(facts) = &snapshot.server else {
        return Ok(());
    };
    if facts.is_replica == Some(true) {
        let message = "this server is a replica; what is changed here the next statement from its source \
                       may break. Repair the source";
        return Err(RepairError::Refused(message.to_owned()).into());
    }
    for name in ["read_only", "super_read_only"] {
        if facts.is_on(name) == Some(true) {
            return Err(RepairError::ReadOnly(format!("{name} is on")).into());
        }
    }
    if facts.is_galera() {
        tell("warning: in a Galera cluster every ALTER TABLE holds up all nodes while it runs");
    }
    if facts.replicas > 0 {
        tell(
            "warning: every statement goes to the replicas as well, and runs there after it ran here",
        );
    }
    Ok(())
}

/// The plan as SQL for people.
fn script(plan: &Plan, snapshot: &Snapshot, definitions: &Definitions, family: Family) -> String {
    let place = snapshot
        .database
        .as_deref()
        .unwrap_or(&snapshot.source.name);
    let mut lines = vec![
        format!("-- repair {} of {}", family.as_str(), printable(place)),
        "-- Make a backup first. Each statement is followed by the one that takes it back."
            .to_owned(),
    ];
    for refused in &plan.refused {
        lines.push(format!(
            "-- NOT PLANNED: {} of {}: {}",
            printable(&refused.object),
            printable(&refused.table),
            printable(&refused.why)
        ));
    }
    for advice in &plan.advice {
        lines.push(format!(
            "-- BY OTHER MEANS: {} {}",
            printable(&advice.message),
            printable(&advice.fix)
        ));
    }
    for (number, planned) in plan.steps.iter().enumerate() {
        let before = definitions.get(&planned.table).map(String::as_str);
        let step = run::step(number + 1, planned, before);
        lines.push(format!("-- {}: {}", number + 1, printable(&step.why)));
        if let Some(needed) = &planned.needed_for_upgrade {
            lines.push(format!("-- {}", printable(needed)));
        }
        // By hand the server has to look at the rows itself: nothing between two statements of
        // a script stops it when a proof fails.
        if step.proofs.is_empty() {
            lines.push(format!("-- {}", cost(planned.cost)));
        } else {
            lines.push(format!(
                "-- {} with --apply, which proves that no row has lost its parent; as below the server \
                 proves it, and writes the table anew while writers wait",
                cost(planned.cost)
            ));
        }
        for need in &planned.needs {
            if let plan::Need::NonStandardForeignKey(_) = need {
                lines.push("SET SESSION restrict_fk_on_non_standard_key = OFF".to_owned());
            }
        }
        lines.push(shown(&planned.statement()));
        lines.push(format!(
            "-- back: {};",
            printable(&step.inverse.replace('\n', " "))
        ));
    }
    if plan.steps.is_empty() {
        lines.push("-- Nothing to change.".to_owned());
    }
    if !plan.left.is_empty() {
        lines.push(format!(
            "-- {} left alone: what CiviCRM's own upgrades leave without harm, and what is more than \
             CiviCRM asks for (cividb diff lists them)",
            count(plan.left.len() as u64, "difference")
        ));
    }
    sql::script(&lines)
}

/// A statement, unless control characters in its names would make it another one on a terminal.
fn shown(statement: &str) -> String {
    let shown: Vec<String> = statement.lines().map(printable).collect();
    let shown = shown.join("\n");
    if shown == statement {
        shown
    } else {
        format!("-- left out for its names: {}", shown.replace('\n', " "))
    }
}

fn cost(cost: Cost) -> &'static str {
    match cost {
        Cost::MetadataOnly => "at once, whatever the size of the table",
        Cost::InPlace => "reads the table once; writers go on",
        Cost::Copy => "writes the table anew; writers wait",
    }
}

fn report(
    plan: &Plan,
    snapshot: &Snapshot,
    findings: Findings,
    journal: Option<PathBuf>,
    common: &Common,
) -> Report {
    let mut report = Report::new("repair", snapshot, findings, common.strict);
    let steps = plan.steps.iter().map(|planned| report::PlanStep {
        statement: planned.statement(),
        inverse: planned.inverse_statement(),
        why: planned.why.join("; "),
        table: Some(planned.table.clone()),
        family: Some(planned.family.as_str()),
        cost: Some(cost(planned.cost)),
        needed_for_upgrade: planned.needed_for_upgrade.clone(),
    });
    let refused = plan.refused.iter().map(|refused| report::RefusedStep {
        table: refused.table.clone(),
        object: refused.object.clone(),
        why: refused.why.clone(),
    });
    report.plan = Some(report::Plan {
        steps: steps.collect(),
        refused: refused.collect(),
        advice: plan
            .advice
            .iter()
            .map(|a| format!("{} {}", a.message, a.fix))
            .collect(),
        applied: journal.is_some(),
        done: None,
        journal,
    });
    report
}
