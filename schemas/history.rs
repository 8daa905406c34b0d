//! Writes the files of this folder. A new release is added from the tables that a fresh
//! installation has, CiviCRM's `sql/civicrm.mysql` or a dump:
//!
//! ```sh
//! cargo run --example schema-history -- add 6.16.0 civicrm.mysql
//! ```
//!
//! It lists what is new, and takes what SQL does not say of it from options (`--help`). All files
//! are made anew from a folder of state files, one per schema that some release had, by
//!
//! ```sh
//! cargo run --example schema-history -- from-states ../shared/facts/schemas
//! ```
//!
//! Both also write a hash of each state to `tests/data/state-hashes.json`, made from what was read
//! and not from the histories, so that the tests can prove that nothing was lost.

mod add;
mod state_file;

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use cividb::case::Case;
use cividb::checks::{Examination, Finding, Group, Selection, Severity, examine};
use cividb::civicrm::catalogue::{Catalogue, Installed};
use cividb::civicrm::own_references::import;
use cividb::source::Location;
use clap::{Args, Parser, ValueEnum};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Writes the histories in schemas/ and the hashes in tests/data/state-hashes.json.
#[derive(Parser)]
enum Task {
    /// Add a release
    Add(Add),
    /// Make all files anew from a folder of state files
    FromStates {
        /// The folder
        folder: PathBuf,
    },
}

#[derive(Args)]
struct Add {
    /// The release, such as 6.16.0
    release: String,
    /// sql/civicrm.mysql of its distribution, or the dump of a fresh single-language installation
    file: PathBuf,
    /// A table that an extension brings
    #[arg(long, value_name = "TABLE=KEY", value_parser = pair::<String>)]
    extension: Vec<(String, String)>,
    /// Who gets an extension, where that is new or has changed
    #[arg(long, value_name = "KEY=WHO", value_parser = pair::<Who>)]
    installed: Vec<(String, Who)>,
    /// A new column or index that multilingual sites have once per language
    #[arg(long, value_name = "TABLE.NAME")]
    localizable: Vec<String>,
    /// A new table that CiviCRM describes as one to be logged
    #[arg(long, value_name = "TABLE")]
    log: Vec<String>,
    /// A table of an extension that the release no longer has
    #[arg(long, value_name = "TABLE")]
    gone: Vec<String>,
    /// Only list what is new
    #[arg(long)]
    dry_run: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Who {
    ByDefault,
    OnStandalone,
    OnRequest,
}

impl std::str::FromStr for Who {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        ValueEnum::from_str(text, false)
    }
}

impl From<Who> for Installed {
    fn from(who: Who) -> Self {
        match who {
            Who::ByDefault => Self::ByDefault,
            Who::OnStandalone => Self::OnStandalone,
            Who::OnRequest => Self::OnRequest,
        }
    }
}

fn pair<T: std::str::FromStr<Err: ToString>>(
    text: &str,
) -> std::result::Result<(String, T), String> {
    let (name, value) = text.split_once('=').ok_or("an = is missing")?;
    let value = value.parse().map_err(|error: T::Err| error.to_string())?;
    Ok((name.to_owned(), value))
}

fn main() -> Result<()> {
    match Task::parse() {
        Task::Add(task) => task.run(),
        Task::FromStates { folder } => from_states(&folder),
    }
}

impl Add {
    fn run(self) -> Result<()> {
        let snapshot = Location::of(self.file.clone()).read(None, &mut |_| {})?;
        let catalogue = Catalogue::embedded()?;
        let case = Case::new(snapshot, catalogue);
        let selection = Selection {
            // A dump without rows is what is wanted.
            skip: vec!["dump-no-data"],
            ..Selection::default()
        };
        let findings = examine(&Examination::of(&case), &[Group::Dump], &selection);
        let is_damage = |finding: &&Finding| finding.severity == Severity::Error;
        if let Some(finding) = findings.list.iter().find(is_damage) {
            return Err(format!("{}: {}", self.file.display(), finding.message).into());
        }
        let (snapshot, site) = (&case.snapshot, &case.site);
        let from = self.file.to_string_lossy();
        let (reference, left_out) = import(&self.release, &from, &snapshot.schema, site.as_ref())?;
        for table in left_out {
            println!("left out {table}");
        }
        let tables = reference
            .tables
            .into_iter()
            .map(|(name, table)| (name, table.table))
            .collect();
        let facts = add::Facts {
            extensions: self.extension.into_iter().collect(),
            installed: self
                .installed
                .into_iter()
                .map(|(key, who)| (key, who.into()))
                .collect::<BTreeMap<String, Installed>>(),
            localizable: self.localizable.into_iter().collect(),
            gone: self.gone.into_iter().collect(),
            logged: self.log.into_iter().collect(),
        };
        let catalogue = Catalogue::from_folder(&schemas())?;
        let hashes = fs::read_to_string(hashes_file())?;
        let added = add::add(&catalogue, &hashes, &self.release, &tables, &facts)?;
        for line in &added.news {
            println!("{line}");
        }
        if self.dry_run {
            return Ok(());
        }
        write(&added.catalogue, &added.hashes)
    }
}

fn from_states(folder: &Path) -> Result<()> {
    let states = state_file::read_folder(folder)?;
    let mut hashes = Vec::new();
    for (state, schema) in &states {
        let hash = state_file::fingerprint(schema)?;
        hashes.push(format!("\"{}\": \"{hash}\"", state.name));
    }
    let hashes = format!("{{\n {}\n}}\n", hashes.join(",\n "));
    write(&Catalogue::from_states(states), &hashes)
}

/// Replaces all files.
fn write(catalogue: &Catalogue, hashes: &str) -> Result<()> {
    let files = catalogue.to_files()?;
    for entry in fs::read_dir(schemas())? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            fs::remove_file(path)?;
        }
    }
    for (name, text) in files {
        fs::write(schemas().join(name), text)?;
    }
    fs::write(hashes_file(), hashes)?;
    Ok(())
}

fn schemas() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas")
}

fn hashes_file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/state-hashes.json")
}
