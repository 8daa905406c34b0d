//! What one command says of one source.

use std::collections::BTreeSet;
use std::time::SystemTime;

use indexmap::IndexSet;
#[cfg(test)]
use schemars::JsonSchema;
use serde::Serialize;

use super::{Section, Timeline, Verdict};
use crate::case::Case;
use crate::checks::wholeness::{DUMP_EMPTY, DUMP_TRUNCATED, DUMP_UNREADABLE};
use crate::checks::{Detected, Findings, Object, Severity};
use crate::schema::model::Schema;
use crate::snapshot::{ServerFacts, Source};

/// What one command says of one source.
#[derive(Clone, Debug)]
pub struct Report {
    /// The command: `verify`, `check`, …
    pub command: &'static str,
    /// The name of the site, where a list of sites gives one.
    pub site: Option<String>,
    /// Where the facts come from.
    pub source: Source,
    /// The database it is about.
    pub database: Option<String>,
    /// The server it is on.
    pub server: Option<ServerSummary>,
    /// The CiviCRM site in it.
    pub civicrm: Option<CivicrmSummary>,
    /// What the user had it compared with: a release or another source.
    pub compared_with: Option<String>,
    /// What is in it.
    pub inventory: Inventory,
    /// Rows by table, largest first.
    pub row_counts: Vec<(String, u64)>,
    /// Bytes of rows and indexes by table, largest first, as the storage engine guesses them; empty for a dump.
    pub table_bytes: Vec<(String, u64)>,
    /// How the release of the schema was told, where it could be.
    pub timeline: Option<Timeline>,
    /// What was found.
    pub findings: Findings,
    /// The first tables that findings are about, with the tables around them.
    pub neighbourhoods: Vec<Neighbourhood>,
    /// What the command is about, besides its findings.
    pub sections: Vec<Section>,
    /// How the findings are laid out for people.
    pub layout: Layout,
    /// Warnings count as well.
    pub strict: bool,
    /// Until when the verdict can stay the same though the source does not change; `None` where no time is known.
    pub holds_until: Option<SystemTime>,
}

/// How findings are laid out for people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Layout {
    /// Check by check.
    #[default]
    ByCheck,
    /// Check by check, every finding.
    InFull,
    /// Check by check, behind what was found out about the release.
    ReleaseAndByCheck,
    /// Table by table, behind what was found out about the release.
    ReleaseAndByTable,
}

/// The site in a few words.
#[derive(Clone, Debug)]
pub struct CivicrmSummary {
    /// `civicrm_domain.version` of each domain, as stored.
    pub declared: Vec<Option<String>>,
    /// The release that the schema is of, where it can be told.
    pub detected: Option<Detected>,
    /// Languages, on a multilingual site.
    pub locales: Vec<String>,
    /// Whether detailed logging is on, where that can be told.
    pub logging: bool,
}

/// A server in a few words.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct ServerSummary {
    /// What it says of its build.
    pub comment: String,
    /// The account it took us for.
    pub account: Option<AccountName>,
    /// Whether the connection was encrypted.
    pub encrypted: bool,
    /// Whether it copies another; `None` when that could not be asked.
    pub is_replica: Option<bool>,
    /// Servers that copy it, as far as they can be seen.
    pub replicas: u64,
    /// Whether it is in a Galera cluster.
    pub is_galera: bool,
}

/// An account's two parts.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct AccountName {
    /// User.
    pub user: String,
    /// Host.
    pub host: String,
}

impl ServerSummary {
    fn of(facts: &ServerFacts) -> Self {
        Self {
            comment: facts.comment.clone(),
            account: facts.account.as_ref().map(|account| AccountName {
                user: account.user.clone(),
                host: account.host.clone(),
            }),
            encrypted: facts.encrypted,
            is_replica: facts.is_replica,
            replicas: facts.replicas,
            is_galera: facts.is_galera(),
        }
    }
}

/// How many objects of each kind there are.
#[derive(Clone, Copy, Debug, Default, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct Inventory {
    /// Base tables.
    pub tables: usize,
    /// Views.
    pub views: usize,
    /// Triggers.
    pub triggers: usize,
    /// Stored functions.
    pub functions: usize,
    /// Stored procedures.
    pub procedures: usize,
    /// Scheduled events.
    pub events: usize,
    /// Rows of all tables.
    pub rows: u64,
    /// Whether the storage engine guessed that number.
    pub rows_estimated: bool,
    /// Whether the source could be read to its end, so that these numbers are all there is.
    pub complete: bool,
}

/// A table that findings are about, and the tables around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Neighbourhood {
    /// The table.
    pub table: String,
    /// The tables that have foreign keys to it, by name.
    pub children: BTreeSet<String>,
    /// The tables that its own foreign keys refer to, by name.
    pub parents: BTreeSet<String>,
}

/// The most tables whose neighbours are kept.
const MOST_TABLES: usize = 4;

/// The neighbours of the first tables that findings are about and that have any.
fn neighbourhoods(schema: &Schema, findings: &Findings) -> Vec<Neighbourhood> {
    let objects = findings.list.iter().filter_map(|it| it.object.as_ref());
    let tables: IndexSet<&str> = objects.filter_map(Object::of_table).collect();
    let around = |table: &str| {
        let mut around = Neighbourhood {
            table: table.to_owned(),
            children: BTreeSet::new(),
            parents: BTreeSet::new(),
        };
        for (child, its) in &schema.tables {
            for key in its.foreign_keys.values() {
                if child == table {
                    around.parents.insert(key.referenced_table.clone());
                }
                if key.referenced_table == table {
                    around.children.insert(child.clone());
                }
            }
        }
        around
    };
    let all = tables.into_iter().map(around);
    let some = all.filter(|it| !it.children.is_empty() || !it.parents.is_empty());
    some.take(MOST_TABLES).collect()
}

/// Tables with a number each, the largest first.
fn largest_first(numbers: impl IntoIterator<Item = (String, u64)>) -> Vec<(String, u64)> {
    let mut list: Vec<(String, u64)> = numbers.into_iter().collect();
    list.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    list
}

impl Report {
    /// Puts the report on a case together.
    pub fn new(command: &'static str, case: &Case, findings: Findings, strict: bool) -> Self {
        use crate::schema::model::RoutineKind;
        let snapshot = &case.snapshot;
        let schema = &snapshot.schema;
        let routines = |kind| schema.routines.keys().filter(|(k, _)| *k == kind).count();
        let sizes = snapshot
            .server
            .as_ref()
            .map(|server| server.table_bytes.clone());
        let cut = [&DUMP_TRUNCATED, &DUMP_UNREADABLE, &DUMP_EMPTY].map(|check| check.id);
        let complete =
            !findings.list.iter().any(|finding| {
                finding.severity == Severity::Error && cut.contains(&finding.check.id)
            }) && snapshot.hidden.is_empty();
        Self {
            command,
            site: None,
            source: snapshot.source.clone(),
            database: snapshot.database.clone(),
            server: snapshot.server.as_ref().map(ServerSummary::of),
            civicrm: case.site.as_ref().map(|site| CivicrmSummary {
                declared: (site.domains.iter().flatten())
                    .map(|domain| domain.version.clone())
                    .collect(),
                detected: case.detection().map(Detected::of),
                locales: site.locales().to_vec(),
                logging: site.logging.unwrap_or(false),
            }),
            compared_with: None,
            inventory: Inventory {
                tables: schema.tables.len(),
                views: schema.views.len(),
                triggers: schema.triggers.len(),
                functions: routines(RoutineKind::Function),
                procedures: routines(RoutineKind::Procedure),
                events: schema.events.len(),
                rows: snapshot.row_counts.values().sum(),
                rows_estimated: snapshot.rows_estimated,
                complete,
            },
            row_counts: largest_first(snapshot.row_counts.clone()),
            table_bytes: largest_first(sizes.unwrap_or_default()),
            timeline: Timeline::of(case),
            neighbourhoods: neighbourhoods(schema, &findings),
            findings,
            sections: Vec::new(),
            layout: Layout::default(),
            strict,
            holds_until: None,
        }
    }

    /// The report with one more section.
    #[must_use]
    pub fn with(mut self, section: Section) -> Self {
        self.sections.push(section);
        self
    }

    /// What the sections come to, in a few words; `None` where the findings say it all.
    pub(super) fn outcome(&self) -> Option<String> {
        let (findings, strict) = (&self.findings, self.strict);
        let mut sections = self.sections.iter();
        sections.find_map(|section| section.outcome(findings, strict))
    }

    /// What the report comes to.
    pub fn verdict(&self) -> Verdict {
        let is_done = self.sections.iter().all(Section::is_done);
        let counts = |severity| self.findings.count(severity) > 0;
        if !is_done || counts(Severity::Error) || self.strict && counts(Severity::Warning) {
            Verdict::Fail
        } else if self.findings.are_incomplete() || !self.sections.iter().all(Section::is_complete)
        {
            Verdict::Incomplete
        } else {
            Verdict::Pass
        }
    }
}
