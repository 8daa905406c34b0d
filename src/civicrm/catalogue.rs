//! The reference catalogue: the schema of each CiviCRM release.
//!
//! The facts are kept per table, with the releases each one holds for (`schemas/`, read that
//! folder's README). A *state* is a schema that one or more point releases share. The schema of
//! a state is what remains of the histories when everything else is left out.
//!
//! ```
//! use cividb::civicrm::catalogue::Catalogue;
//! use cividb::civicrm::release::Version;
//!
//! let catalogue = Catalogue::embedded()?;
//! let release = Version::parse("5.13.3").unwrap();
//! let state = catalogue.state_for(&release).unwrap();
//! assert_eq!(state.name, "5.13");
//! let reference = catalogue.schema(state);
//! assert!(reference.schema.tables["civicrm_contact"].columns.contains_key("display_name"));
//! # Ok::<(), &cividb::civicrm::catalogue::CatalogueError>(())
//! ```

mod history;
mod items;
mod release_schema;
mod states;
mod weave;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::{fs, io, thread};

use serde::{Deserialize, Serialize};

pub use history::{TableHistory, TableShape};
pub use items::{Column, ExplicitDefaults, ForeignKey, Index, Owner, TableOptions};
pub use release_schema::{ReleaseSchema, ReleaseTable};
pub use states::{Dated, States};

use crate::civicrm::release::Version;
use history::{Line, dated, holding, lines};
use states::StateNames;
use weave::{histories, weave};

/// The name of the catalogue's file that is not about one table.
pub const RELEASES_FILE: &str = "releases.json";

type Result<T> = std::result::Result<T, CatalogueError>;

/// Why a catalogue could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// A file or folder could not be read.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// The path of the file or folder.
        path: PathBuf,
        /// The error that the operating system reports.
        source: io::Error,
    },
    /// Something is wrong in a file of the catalogue.
    #[error("{file}: {source}")]
    InFile {
        /// Name of the file.
        file: String,
        /// What is wrong in the file.
        source: Box<CatalogueError>,
    },
    /// The text is not JSON, or not of the expected form.
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    /// A range names a state that is not in the list of states.
    #[error("no state is named `{0}`")]
    UnknownState(String),
    /// The ranges of states, here as written, overlap or run backwards.
    #[error("the states `{0}` are not in ascending order")]
    StatesOutOfOrder(String),
}

impl CatalogueError {
    fn in_file(self, file: impl Into<String>) -> Self {
        Self::InFile {
            file: file.into(),
            source: Box::new(self),
        }
    }
}

/// A schema that one or more point releases share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// The name of the state: the minor release (`4.3`) for its last schema; for an earlier schema the last
    /// point release that had it (`4.3.5`).
    pub name: String,
    /// The version that CiviCRM's sources gave themselves where the state was read.
    pub read_at: String,
    /// The point releases known to have this schema, ascending.
    pub releases: Vec<String>,
    /// Index in the ordered list of states.
    #[serde(skip)]
    place: usize,
}

impl State {
    /// Makes a state; the catalogue that it is put into gives it its place.
    pub fn new(name: String, read_at: String, releases: Vec<String>) -> Self {
        Self {
            name,
            read_at,
            releases,
            place: 0,
        }
    }

    /// Index in the ordered list of states, from 0 for the oldest.
    pub fn place(&self) -> usize {
        self.place
    }

    /// The first release known to have had this schema; messages say "since" it.
    pub fn first_release(&self) -> &str {
        self.releases.first().unwrap_or(&self.name)
    }

    /// The last release known to have had this schema; messages say "until" it.
    pub fn last_release(&self) -> &str {
        self.releases.last().unwrap_or(&self.name)
    }

    fn major_minor(&self) -> Option<(u32, u32)> {
        Version::parse(&self.name).map(|version| version.major_minor())
    }

    /// The minor release, or one release of it where the neighbouring state belongs to the same minor release.
    fn named(&self, neighbour: Option<&Self>, release: impl Fn(&Self) -> &str) -> String {
        match self.major_minor() {
            Some((major, minor))
                if neighbour.and_then(Self::major_minor) != Some((major, minor)) =>
            {
                format!("{major}.{minor}")
            }
            _ => release(self).to_owned(),
        }
    }
}

/// The table options that the tables of a state have in common.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Defaults {
    /// Storage engine of the tables.
    pub engine: String,
    /// Default character set of the tables.
    pub charset: String,
    /// Default collation of the tables.
    pub collation: String,
    /// Row format of the tables; `None` where the release does not ask for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row_format: Option<String>,
}

/// An extension that is shipped with CiviCRM and brings tables.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Extension {
    /// The key of the extension.
    pub key: String,
    /// Which sites get the extension without asking for it.
    pub installed: Installed,
}

/// Which sites get something without asking for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Installed {
    /// Every site gets it: it belongs to core.
    Always,
    /// Every fresh installation gets it; a site that was upgraded may lack it.
    ByDefault,
    /// Fresh installations without a content management system get it.
    OnStandalone,
    /// A site gets it only if somebody turns it on.
    OnRequest,
}

/// The histories of all tables, and the states that they cover.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Catalogue {
    states: Vec<State>,
    defaults: Vec<Dated<Defaults>>,
    extensions: Vec<Dated<Extension>>,
    tables: BTreeMap<String, TableHistory>,
    variants: BTreeMap<String, TableHistory>,
}

/// The tables that CiviCRM declares in one state, in the order in which it declares them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeclaredSchema {
    /// The table options that the tables have in common.
    pub defaults: Defaults,
    /// The extensions shipped with CiviCRM that bring tables.
    pub extensions: Vec<Extension>,
    /// The declared tables by name.
    pub tables: BTreeMap<String, TableShape>,
    /// Other forms that extensions give to tables of core, by table name.
    pub variants: BTreeMap<String, TableShape>,
}

/// The file `releases.json` as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Releases {
    states: Vec<State>,
    defaults: Vec<Line<Defaults>>,
    extensions: Vec<Line<Extension>>,
}

include!(concat!(env!("OUT_DIR"), "/embedded_schemas.rs"));

impl Catalogue {
    /// The catalogue that is part of the program, from CiviCRM 2.0 to 6.15. It is read at the first call.
    pub fn embedded() -> std::result::Result<&'static Self, &'static CatalogueError> {
        static EMBEDDED: LazyLock<Result<Catalogue>> = LazyLock::new(|| {
            Catalogue::from_json(EMBEDDED_RELEASES, EMBEDDED_TABLES.iter().copied())
        });
        EMBEDDED.as_ref()
    }

    /// Has another thread read that catalogue, for who will ask for it when a source has been read.
    pub fn read_ahead() {
        // Where the system starts no thread, the first who asks reads it.
        let _ = thread::Builder::new().name("catalogue".into()).spawn(|| {
            let _ = Self::embedded();
        });
    }

    /// Reads a catalogue from a folder of the form of `schemas/`.
    pub fn from_folder(folder: &Path) -> Result<Self> {
        let read = |path: &Path| {
            fs::read_to_string(path).map_err(|source| CatalogueError::Unreadable {
                path: path.to_owned(),
                source,
            })
        };
        let unreadable = |source| CatalogueError::Unreadable {
            path: folder.to_owned(),
            source,
        };
        let mut tables = Vec::new();
        for entry in fs::read_dir(folder).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            if name.ends_with(".json") && name != RELEASES_FILE {
                tables.push((name, read(&path)?));
            }
        }
        tables.sort_unstable();
        let releases = read(&folder.join(RELEASES_FILE))?;
        Self::from_json(
            &releases,
            tables
                .iter()
                .map(|(name, text)| (name.as_str(), text.as_str())),
        )
    }

    /// Makes a catalogue from the texts of its files; the tables come with the names of their files.
    pub fn from_json<'a>(
        releases: &str,
        tables: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self> {
        let in_releases = |error: CatalogueError| error.in_file(RELEASES_FILE);
        let releases: Releases =
            serde_json::from_str(releases).map_err(|e| in_releases(e.into()))?;
        let names = StateNames::new(releases.states.iter().map(|s| s.name.as_str()));
        let mut catalogue = Self {
            defaults: dated(releases.defaults, None, &names).map_err(in_releases)?,
            extensions: dated(releases.extensions, None, &names).map_err(in_releases)?,
            states: Vec::new(),
            tables: BTreeMap::new(),
            variants: BTreeMap::new(),
        };
        for (file, text) in tables {
            let table = TableHistory::from_json(text, &names).map_err(|e| e.in_file(file))?;
            let kind = if table.variant {
                &mut catalogue.variants
            } else {
                &mut catalogue.tables
            };
            kind.insert(table.name.clone(), table);
        }
        catalogue.states = number(releases.states);
        Ok(catalogue)
    }

    /// Makes the histories from the schemas of all states, given in ascending order.
    pub fn from_states(states: Vec<(State, DeclaredSchema)>) -> Self {
        let (states, schemas): (Vec<_>, Vec<_>) = states.into_iter().unzip();
        Self {
            states: number(states),
            defaults: weave(
                schemas.iter().map(|s| std::slice::from_ref(&s.defaults)),
                |_| "",
            ),
            extensions: weave(
                schemas.iter().map(|s| s.extensions.as_slice()),
                |e: &Extension| &e.key,
            ),
            tables: histories(schemas.iter().map(|s| &s.tables), false),
            variants: histories(schemas.iter().map(|s| &s.variants), true),
        }
    }

    /// The names and texts of the files of a folder that [`Catalogue::from_folder`] reads.
    pub fn to_files(&self) -> Result<Vec<(String, String)>> {
        let names = StateNames::new(self.states.iter().map(|s| s.name.as_str()));
        let states: Vec<String> = self
            .states
            .iter()
            .map(serde_json::to_string)
            .collect::<std::result::Result<_, _>>()?;
        let releases = format!(
            "{{\n \"states\": [\n  {}\n ],\n \"defaults\": {},\n \"extensions\": {}\n}}\n",
            states.join(",\n  "),
            lines(&self.defaults, None, &names)?,
            lines(&self.extensions, None, &names)?,
        );
        let mut files = vec![(RELEASES_FILE.to_owned(), releases)];
        for table in self.tables.values().chain(self.variants.values()) {
            let suffix = if table.variant { ".variant" } else { "" };
            files.push((
                format!("{}{suffix}.json", table.name),
                table.to_json(&names)?,
            ));
        }
        Ok(files)
    }

    /// All states, oldest first: ordered by minor release, then by point release.
    pub fn states(&self) -> &[State] {
        &self.states
    }

    /// The state of this name; `None` if the catalogue lacks it.
    pub fn state(&self, name: &str) -> Option<&State> {
        self.states.iter().find(|state| state.name == name)
    }

    /// The state for a release: the one that lists it; for versions below the first point release of a minor
    /// release (`5.47.alpha1`), that minor release's first state; for other versions, its last state. `None`
    /// for a minor release that the catalogue does not know.
    pub fn state_for(&self, version: &Version) -> Option<&State> {
        let version = version.without_marker();
        let exact = |state: &&State| {
            state.name == version.as_str() || state.releases.iter().any(|r| r == version.as_str())
        };
        if let Some(state) = self.states.iter().find(exact) {
            return Some(state);
        }
        let minor = Some(version.major_minor());
        let mut of_minor = self.states.iter().filter(|s| s.major_minor() == minor);
        let first = of_minor.next()?;
        if Version::parse(first.first_release()).is_some_and(|release| version < release) {
            return Some(first);
        }
        of_minor.next_back().or(Some(first))
    }

    /// The table options that the tables of a state have in common; `None` for a state of another catalogue.
    pub fn defaults(&self, state: &State) -> Option<&Defaults> {
        holding(&self.defaults, state.place).next()
    }

    /// The extensions that are shipped with a state and bring tables.
    pub fn extensions(&self, state: &State) -> impl Iterator<Item = &Extension> {
        holding(&self.extensions, state.place)
    }

    /// Which sites of a state get a table of this owner.
    pub fn installed(&self, state: &State, owner: &Owner) -> Installed {
        match owner {
            Owner::Core => Installed::Always,
            Owner::Extension(key) => self
                .extensions(state)
                .find(|extension| extension.key == *key)
                .map_or(Installed::OnRequest, |extension| extension.installed),
        }
    }

    /// The history of a table in all states; letter case is ignored.
    pub fn history(&self, table: &str) -> Option<&TableHistory> {
        self.tables
            .get(table)
            .or_else(|| self.tables.get(&table.to_ascii_lowercase()))
    }

    /// The histories of all tables that CiviCRM ever had, by name.
    pub fn histories(&self) -> impl Iterator<Item = &TableHistory> {
        self.tables.values()
    }

    /// The histories of other forms that extensions give to tables of core.
    pub fn variants(&self) -> impl Iterator<Item = &TableHistory> {
        self.variants.values()
    }

    /// The tables that are declared in a state; `None` for a state of another catalogue.
    pub fn declared(&self, state: &State) -> Option<DeclaredSchema> {
        let shapes = |tables: &BTreeMap<String, TableHistory>| {
            let at = |table: &TableHistory| Some((table.name.clone(), table.at(state.place)?));
            tables.values().filter_map(at).collect()
        };
        Some(DeclaredSchema {
            defaults: self.defaults(state)?.clone(),
            extensions: self.extensions(state).cloned().collect(),
            tables: shapes(&self.tables),
            variants: shapes(&self.variants),
        })
    }

    /// Names of the tables of a state, and which sites get each.
    pub fn tables(&self, state: &State) -> impl Iterator<Item = (&str, Installed)> {
        self.tables.values().filter_map(|table| {
            let options = holding(&table.options, state.place).next()?;
            Some((table.name.as_str(), self.installed(state, &options.owner)))
        })
    }

    /// The schema of a state, as the model has it.
    pub fn schema<'a>(&'a self, state: &'a State) -> ReleaseSchema<'a> {
        ReleaseSchema::new(self, state)
    }

    /// Whether two states have the same tables of core, defaults included. Tables of extensions cannot tell
    /// states apart, because a site may have them or not.
    pub fn same_core(&self, one: &State, other: &State) -> bool {
        let is_core = |table: &TableHistory, state: &State| {
            holding(&table.options, state.place).any(|options| options.owner == Owner::Core)
        };
        self.defaults(one) == self.defaults(other)
            && self.tables.values().all(|table| {
                match (is_core(table, one), is_core(table, other)) {
                    (true, true) => table.is_same(one.place, other.place),
                    (false, false) => true,
                    _ => false,
                }
            })
    }

    /// A set of states in words for a message, a minor release standing for all its states:
    /// `4.2 to 5.13`, `4.3.3 to 4.5`, `from 5.29 on`, `up to 4.6`, `every release`.
    pub fn describe(&self, states: &States) -> String {
        let oldest = |(first, _): (usize, usize)| first == 0;
        let newest = |(_, last): (usize, usize)| last + 1 >= self.states.len();
        let words = |&run: &(usize, usize)| match (oldest(run), newest(run)) {
            (true, true) => "every release".to_owned(),
            (true, false) => format!("up to {}", self.end_of(run)),
            (false, true) => format!("from {} on", self.start_of(run)),
            (false, false) => {
                let (start, end) = (self.start_of(run), self.end_of(run));
                if start == end {
                    start
                } else {
                    format!("{start} to {end}")
                }
            }
        };
        states
            .runs()
            .iter()
            .map(words)
            .collect::<Vec<_>>()
            .join(", ")
    }

    /// The release with which a run of states begins: the minor release if the run begins with its first state.
    fn start_of(&self, (first, _): (usize, usize)) -> String {
        let previous = first
            .checked_sub(1)
            .and_then(|place| self.states.get(place));
        let state = self.states.get(first);
        state.map_or_else(String::new, |state| {
            state.named(previous, State::first_release)
        })
    }

    /// The release with which a run of states ends: the minor release if the run ends with its last state.
    fn end_of(&self, (_, last): (usize, usize)) -> String {
        let next = self.states.get(last + 1);
        let state = self.states.get(last);
        state.map_or_else(String::new, |state| state.named(next, State::last_release))
    }
}

fn number(mut states: Vec<State>) -> Vec<State> {
    for (place, state) in states.iter_mut().enumerate() {
        state.place = place;
    }
    states
}
