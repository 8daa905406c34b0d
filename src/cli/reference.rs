//! `cividb reference`: lists, shows and imports the schemas to compare with.

use clap::{Args, Subcommand};
use serde::Serialize;

use super::output::print;
use super::statement::or_comment;
use super::{Common, Format, read, tell};
use crate::case::Case;
use crate::change::whole_schema;
use crate::checks::wholeness::DUMP_NO_DATA;
use crate::checks::{Examination, Finding, Group, Selection, Severity, examine};
use crate::civicrm::catalogue::{Catalogue, Installed};
use crate::civicrm::own_references::{OwnReferences, check_name, import, listed};
use crate::civicrm::reference_file::{Origin, ReferenceFile};
use crate::civicrm::release::Version;
use crate::civicrm::version_state::VersionState;
use crate::cli::error::Error;
use crate::exit::Exit;
use crate::schema::sql::script;
use crate::source::Location;
use crate::text::{count, csv_cell, printable_json, printable_lines, sql_comment};

#[derive(Debug, Args)]
pub struct Reference {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List all references: the states of CiviCRM's schema that are built in, and those that you
    /// imported
    List,
    /// Show one reference, as JSON or as SQL that creates its tables, empty
    Show(Show),
    /// Import the schema of a distribution's sql/civicrm.mysql, or of any dump, as a reference
    Import(Import),
}

#[derive(Debug, Args)]
struct Show {
    /// Release (4.4.5), state as `reference list` shows it (4.4), or name of a reference of your
    /// own
    #[arg(value_name = "STATE")]
    state: String,
    /// Print SQL that creates the tables, empty, in an empty database
    #[arg(long)]
    sql: bool,
    /// Show also the tables of extensions that come with the release and are not turned on in a
    /// fresh installation with a content management system
    #[arg(long)]
    all: bool,
}

#[derive(Debug, Args)]
struct Import {
    /// sql/civicrm.mysql of a CiviCRM distribution, or a dump
    #[arg(value_name = "PATH")]
    path: String,
    /// Name of the new reference
    #[arg(long)]
    name: String,
    /// Replace the reference of this name, if there is one
    #[arg(long)]
    force: bool,
}

impl Reference {
    pub(super) fn run(&self, common: &Common) -> Result<Exit, Error> {
        let catalogue = Catalogue::embedded()?;
        match &self.action {
            Action::List => list(catalogue, common),
            Action::Show(arguments) => arguments.run(catalogue, common),
            Action::Import(arguments) => arguments.run(catalogue, common),
        }
    }
}

/// An entry of the list of references; its keys are part of the contract with scripts.
#[derive(Serialize)]
struct Entry {
    name: String,
    origin: Origin,
    /// The number of tables of a fresh installation with a content management system.
    tables: usize,
    releases: Vec<String>,
}

/// Lists all references. A reference that cannot be read is named on standard error, and the others
/// are listed.
fn list(catalogue: &Catalogue, common: &Common) -> Result<Exit, Error> {
    let mut exit = Exit::Fine;
    let mut entries: Vec<Entry> = Vec::new();
    for state in catalogue.states() {
        let is_plain = |(_, installed): &(&str, Installed)| {
            matches!(installed, Installed::Always | Installed::ByDefault)
        };
        entries.push(Entry {
            name: state.name.clone(),
            origin: Origin::BuiltIn,
            tables: catalogue.tables(state).filter(is_plain).count(),
            releases: state.releases.clone(),
        });
    }
    // Without a home there are no references of one's own, and the others are still there.
    if let Ok(own) = OwnReferences::of_user() {
        for name in own.names()? {
            match own.load(&name) {
                Ok(Some(reference)) => entries.push(Entry {
                    name,
                    origin: Origin::Imported,
                    tables: reference.tables.len(),
                    releases: reference.releases,
                }),
                // Gone since the folder was read.
                Ok(None) => {}
                Err(error) => {
                    tell(&error.to_string());
                    exit = Exit::Failure;
                }
            }
        }
    }
    let text = match common.format {
        Format::Human => human_list(&entries),
        Format::Json => json(&serde_json::json!({"report_version": 1, "references": entries}))?,
        Format::Csv => csv_list(&entries)?,
        other => {
            let instead = "it prints text, JSON or CSV";
            return Err(Error::NoFormat("reference list", other.name(), instead));
        }
    };
    print(common, &text)?;
    Ok(exit)
}

fn human_list(entries: &[Entry]) -> String {
    let width = entries.iter().map(|entry| entry.name.len()).max();
    let width = width.unwrap_or_default().max("state".len());
    let mut text = format!("{:<width$}  tables  releases\n", "state");
    for entry in entries {
        let releases = match (entry.origin, &entry.releases[..]) {
            (Origin::Imported, _) => "(imported)".to_owned(),
            (_, []) => "(not known one by one)".to_owned(),
            (_, [one]) => one.clone(),
            (_, [first, .., last]) => format!("{first} to {last}"),
        };
        text.push_str(&format!(
            "{:<width$}  {:>6}  {releases}\n",
            entry.name, entry.tables
        ));
    }
    text
}

fn csv_list(entries: &[Entry]) -> Result<String, Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let write = |writer: &mut csv::Writer<Vec<u8>>| {
        writer.write_record(["name", "origin", "tables", "releases"])?;
        for entry in entries {
            let cells = [
                &entry.name,
                entry.origin.as_str(),
                &entry.tables.to_string(),
                &entry.releases.join(" "),
            ];
            writer.write_record(cells.map(csv_cell))?;
        }
        writer.flush()
    };
    let unwritable = |error| Error::Output { path: None, error };
    write(&mut writer).map_err(unwritable)?;
    let bytes = writer
        .into_inner()
        .map_err(|error| unwritable(error.into_error()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn json(value: &impl Serialize) -> Result<String, Error> {
    let text = serde_json::to_string_pretty(value).map_err(|error| Error::Output {
        path: None,
        error: error.into(),
    })?;
    Ok(printable_json(&text) + "\n")
}

impl Show {
    fn run(&self, catalogue: &Catalogue, common: &Common) -> Result<Exit, Error> {
        if !matches!(common.format, Format::Human | Format::Json) {
            let instead = "it prints JSON, or SQL with --sql";
            return Err(Error::NoFormat(
                "reference show",
                common.format.name(),
                instead,
            ));
        }
        let reference = find(&self.state, catalogue, self.all)?;
        let text = match self.sql {
            true => sql(&reference),
            false => json(&reference)?,
        };
        print(common, &text)?;
        Ok(Exit::Fine)
    }
}

/// Finds the reference that a name or a release stands for.
fn find(name: &str, catalogue: &Catalogue, all: bool) -> Result<ReferenceFile, Error> {
    let built_in = catalogue.state(name).or_else(|| {
        let state = VersionState::of(Some(name), catalogue);
        let is_known = matches!(state, VersionState::Release | VersionState::Step);
        let version = Version::parse(name).filter(|_| is_known)?;
        catalogue.state_for(&version)
    });
    if let Some(state) = built_in {
        return Ok(ReferenceFile::of_state(catalogue, state, all));
    }
    OwnReferences::of_user()?
        .load(name)?
        .ok_or_else(|| Error::UnknownReference(name.to_owned()))
}

/// A script that creates the tables of a reference in an empty database.
fn sql(reference: &ReferenceFile) -> String {
    let mut statements = vec![
        sql_comment(&format!(
            "Empty schema of CiviCRM, reference {}: {}",
            reference.name,
            count(reference.tables.len() as u64, "table")
        )),
        // Quotes and backslashes mean what they usually do, the engine is the one that is
        // named, and a default of 0000-00-00, which 2.0 and 2.1 have, is taken.
        "SET SESSION sql_mode = 'NO_ENGINE_SUBSTITUTION'".to_owned(),
    ];
    let schema = reference.schema();
    let passed = whole_schema::schema_creation(&schema);
    statements.extend(passed.into_iter().map(or_comment));
    script(&statements)
}

impl Import {
    fn run(&self, catalogue: &Catalogue, common: &Common) -> Result<Exit, Error> {
        check_name(&self.name, catalogue)?;
        let own = OwnReferences::of_user()?;
        let location = Location::of(self.path.clone().into());
        let snapshot = read(&location, common.database.as_deref(), common)?;
        let case = Case::new(snapshot, catalogue);
        whole(&case)?;
        let schema = &case.snapshot.schema;
        let (reference, left_out) = import(&self.name, &self.path, schema, case.site.as_ref())?;
        let file = own.save(&reference, self.force)?;
        if !common.quiet {
            let tables = count(reference.tables.len() as u64, "table");
            let mut text = format!(
                "imported '{}': {tables}, kept in {}\n",
                self.name,
                file.display()
            );
            if !left_out.is_empty() {
                text.push_str(&format!(
                    "left out, of this site alone or not of CiviCRM: {}\n",
                    left_out.join(", ")
                ));
            }
            print(common, &(printable_lines(&text) + "\n"))?;
        }
        Ok(Exit::Fine)
    }
}

/// Refuses a source that is not complete: a reference is not made of it. Whether it has rows does
/// not matter.
fn whole(case: &Case) -> Result<(), Error> {
    let selection = Selection {
        only: Vec::new(),
        skip: vec![DUMP_NO_DATA.id],
    };
    let findings = examine(&Examination::of(case), &[Group::Dump], &selection);
    let problem = |finding: &Finding| {
        let place = finding.at.as_ref().map(|at| format!("{at}: "));
        place.unwrap_or_default() + &finding.message
    };
    let errors = findings.list.iter();
    let errors = errors.filter(|finding| finding.severity == Severity::Error);
    let problems: Vec<String> = errors.map(problem).collect();
    if problems.is_empty() {
        return Ok(());
    }
    let name = case.snapshot.source.name.clone();
    Err(Error::Unfit(name, listed(&problems)))
}
