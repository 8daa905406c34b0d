//! `cividb diff`: how a schema differs from its CiviCRM release, or from another source.

use std::ffi::OsString;
use std::fmt::Write as _;

use clap::Args;
use similar::TextDiff;

use super::fleet::{Asked, Fleet, FleetOptions};
use super::output::print;
use super::statement::or_comment;
use super::{Common, Format, ServerOptions, read};
use crate::case::Case;
use crate::change::whole_schema;
use crate::checks::against::check_programs;
use crate::checks::{DIFF, Examination, Findings, cut, schema};
use crate::civicrm::catalogue::Catalogue;
use crate::civicrm::release::Version;
use crate::cli::error::Error;
use crate::exit::Exit;
use crate::report::{Layout, Report};
use crate::schema::compare::Difference;
use crate::schema::model::Schema;
use crate::schema::sql;
use crate::snapshot::Snapshot;
use crate::source::{Access, Location};
use crate::text::{printable, sql_comment};

#[derive(Debug, Args)]
pub struct Diff {
    /// Dump files (plain, gzip, bzip2, zstd, xz or zip), patterns such as 'sites/*/civicrm.settings.php',
    /// mydumper folders, - for standard input, servers (mysql://user@host/database),
    /// civicrm.settings.php or sites' folders
    #[arg(value_name = "SOURCE")]
    sources: Vec<OsString>,
    /// Release to compare with; by default the one that the schema is found to be of
    #[arg(long, value_name = "X.Y.Z", conflicts_with = "against")]
    release: Option<Version>,
    /// Another source to compare with, table by table and without any knowledge of CiviCRM
    #[arg(long, value_name = "SOURCE")]
    against: Option<String>,
    /// Print the statements that bring the schema to what it is compared with
    #[arg(long, conflicts_with = "unified")]
    sql: bool,
    /// Print the tables that differ as a unified diff of their definitions
    #[arg(long)]
    unified: bool,
    #[command(flatten)]
    fleet: FleetOptions,
    #[command(flatten)]
    server: ServerOptions,
}

/// The result of a comparison, and what the source was compared with.
struct Compared {
    /// The name of what the source is compared with, for people.
    name: String,
    reference: Schema,
    differences: Vec<Difference>,
    findings: Findings,
}

impl Diff {
    pub(super) fn run(&'static self, common: &'static Common) -> Result<Exit, Error> {
        let as_text = self.sql || self.unified;
        if as_text && common.format != Format::Human {
            return Err(Error::TextOnly);
        }
        let sources = self.fleet.arguments(&self.sources, &self.server)?;
        let access = self.server.access();
        if as_text {
            let [source] = &sources[..] else {
                return Err(Error::TextOfMany);
            };
            let location = Location::one(source, &access)?;
            let (report, text) = self.report(&location, common, &access)?;
            print(common, &text)?;
            return Ok(report.verdict().exit());
        }
        let of_others = access.clone();
        let report_on = move |asked: &Asked| {
            let report = self.report(asked.location, common, &of_others)?;
            Ok(report.0)
        };
        let fleet = Fleet::new("diff", report_on);
        self.fleet.report_on_each(fleet, &sources, &access, common)
    }

    /// The report on one source, and the differences as the text that the user wants.
    fn report(
        &self,
        location: &Location,
        common: &Common,
        access: &Access,
    ) -> Result<(Report, String), Error> {
        let snapshot = read(location, common.database.as_deref(), common)?;
        let case = Case::new(snapshot, Catalogue::embedded()?);
        let mut compared = match &self.against {
            Some(other) => with_other(&case, other, common, access)?,
            None => self.with_release(&case, common)?,
        };
        compared.findings.retain(&common.selection());
        cut(&Examination::of(&case), &mut compared.findings);
        common.accept(&mut compared.findings)?;
        let text = match (self.sql, self.unified) {
            (true, _) => statements(&case.snapshot, &compared),
            (_, true) => unified(&case.snapshot, &compared),
            _ => String::new(),
        };
        let mut report = Report::new("diff", &case, compared.findings, common.strict);
        report.layout = Layout::ReleaseAndByTable;
        if self.release.is_some() || self.against.is_some() {
            report.compared_with = Some(compared.name);
        }
        Ok((report, text))
    }

    fn with_release(&self, case: &Case, common: &Common) -> Result<Compared, Error> {
        if let Some(release) = &self.release {
            let state = case.catalogue.state_for(release);
            let state = state.ok_or_else(|| Error::unknown_release(release, case.catalogue))?;
            let mut findings = Findings::default();
            let (reference, differences) = schema::check_release(case, state, &mut findings);
            return Ok(Compared {
                name: format!("CiviCRM {release}"),
                reference: reference.schema,
                differences,
                findings,
            });
        }
        let Some(detection) = case.detection() else {
            return Err(Error::no_release(&case.snapshot.source.name));
        };
        let differences = detection.differences.iter();
        Ok(Compared {
            name: format!("CiviCRM {}", detection.state.name),
            reference: detection.reference.schema.clone(),
            differences: differences.map(|aged| aged.difference.clone()).collect(),
            findings: common.examine(&Examination::of(case), DIFF)?,
        })
    }
}

fn with_other(
    case: &Case,
    other: &str,
    common: &Common,
    access: &Access,
) -> Result<Compared, Error> {
    let location = Location::one(other, access)?;
    let database = location.database(common.database.as_deref());
    let other = Case::new(read(&location, database, common)?, case.catalogue);
    let name = other.snapshot.source.name.clone();
    let mut findings = Findings::default();
    let (ours, theirs) = (&case.snapshot.schema, &other.snapshot.schema);
    let differences = schema::check_other(ours, theirs, &name, &mut findings);
    check_programs(&case.snapshot, &other.snapshot, &name, &mut findings);
    // What a cut dump lacks would seem to be extra here.
    cut(&Examination::of(&other), &mut findings);
    Ok(Compared {
        name,
        reference: other.snapshot.schema,
        differences,
        findings,
    })
}

/// The statements as a script.
fn statements(snapshot: &Snapshot, compared: &Compared) -> String {
    let (actual, reference) = (&snapshot.schema, &compared.reference);
    let passed = whole_schema::schema_change(actual, reference, &compared.differences);
    let statements: Vec<String> = passed.into_iter().map(or_comment).collect();
    let (source, target) = (&snapshot.source.name, &compared.name);
    let head = [
        sql_comment(&format!("Brings {source} to {target}.")),
        "-- Make a backup first. Rows can stop a statement: NULL in a column that becomes NOT NULL,".to_owned(),
        "-- duplicates under a new unique key, children without a parent under a new foreign key.".to_owned(),
    ];
    sql::script(&head) + &sql::script(&statements)
}

/// One unified diff per table that differs, from the source to what it is compared with.
fn unified(snapshot: &Snapshot, compared: &Compared) -> String {
    let mut text = String::new();
    let mut done: Vec<&str> = Vec::new();
    for difference in &compared.differences {
        let table = difference.table.as_str();
        if done.contains(&table) {
            continue;
        }
        done.push(table);
        let canonical = |schema: &Schema| {
            let definition = schema.table(table);
            definition.map_or_else(String::new, |it| sql::canonical(table, it))
        };
        let (old, new) = (canonical(&snapshot.schema), canonical(&compared.reference));
        let diff = TextDiff::from_lines(&old, &new);
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "{}",
            diff.unified_diff().context_radius(2).header(
                &printable(&format!("{} {table}", snapshot.source.name)),
                &printable(&format!("{} {table}", compared.name)),
            )
        );
    }
    text.lines()
        .fold(String::new(), |text, line| text + &printable(line) + "\n")
}
