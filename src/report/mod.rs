//! Findings for people and for programs.

pub mod by_table;
pub mod csv;
pub mod human;
pub mod json;
mod rebuild;
mod verdict;
mod version;

use std::path::PathBuf;

use crate::case::Case;
use crate::checks::version::DomainVersion;
use crate::checks::wholeness::{DUMP_EMPTY, DUMP_TRUNCATED, DUMP_UNREADABLE};
use crate::checks::{Detected, Findings, Severity};
use crate::civicrm::version_state::DetectedRelease;
use crate::integrity::Effort;
use crate::repair::orphans::{Deed, Orphans, Tally};
use crate::repair::version::VersionChange;
use crate::snapshot::{ServerFacts, Source};

pub use verdict::Verdict;

/// What one command says of one source.
#[derive(Clone, Debug)]
pub struct Report {
    /// The command: `verify`, `check`, …
    pub command: &'static str,
    /// Where the facts come from.
    pub source: Source,
    /// The database it is about.
    pub database: Option<String>,
    /// The server it is on.
    pub server: Option<ServerSummary>,
    /// The CiviCRM site in it.
    pub civicrm: Option<CivicrmSummary>,
    /// What its version says, where that was asked.
    pub version: Option<VersionSummary>,
    /// What the account may do, where that was asked.
    pub grants: Option<GrantsSummary>,
    /// Statements that would be run, or were.
    pub plan: Option<Plan>,
    /// A new database made, or to be made.
    pub rebuild: Option<RebuildSummary>,
    /// What it took to look at the rows, where that was asked.
    pub effort: Option<Effort>,
    /// What the user had it compared with: a release or another source.
    pub compared_with: Option<String>,
    /// What is in it.
    pub inventory: Inventory,
    /// Rows by table, largest first.
    pub row_counts: Vec<(String, u64)>,
    /// What was found.
    pub findings: Findings,
    /// Warnings count as well.
    pub strict: bool,
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

/// What an account may do, against what it is for.
#[derive(Clone, Debug, serde::Serialize)]
pub struct GrantsSummary {
    /// The account, as statements name it.
    pub account: Option<String>,
    /// The database it is judged for.
    pub database: String,
    /// What it is to do.
    pub purpose: String,
    /// Privileges that are needed and there.
    pub there: Vec<&'static str>,
    /// Privileges that are needed and missing.
    pub missing: Vec<&'static str>,
    /// What an administrator runs.
    pub statements: Vec<String>,
    /// What came of trying, by privilege.
    pub probed: Option<Vec<(&'static str, String)>>,
}

/// Statements that change a database.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Plan {
    /// In the order in which they run; after a repair, those that remain.
    pub steps: Vec<PlanStep>,
    /// What should be changed and cannot be.
    pub refused: Vec<RefusedStep>,
    /// Rows that have lost their parents, over which foreign keys of the plan cannot be added.
    pub orphans: Vec<OrphanRows>,
    /// Rows that `--orphans` lets a repair change, by foreign key and table, with all that hangs on them.
    pub rows: Vec<RowChange>,
    /// What to do by other means.
    pub advice: Vec<String>,
    /// Whether anything was run.
    pub applied: bool,
    /// How many statements a repair ran.
    pub done: Option<usize>,
    /// Statements that a repair left out.
    pub not_run: Vec<NotRunStep>,
    /// Rows that a repair deleted.
    pub rows_deleted: u64,
    /// Rows in which a repair set columns NULL.
    pub rows_set_null: u64,
    /// Files that these rows were written to.
    pub exported: Vec<PathBuf>,
    /// The journal, if they were.
    pub journal: Option<PathBuf>,
}

/// One statement.
#[derive(Clone, Debug, serde::Serialize)]
pub struct PlanStep {
    /// What runs.
    pub statement: String,
    /// What takes it back.
    pub inverse: String,
    /// What it is for.
    pub why: String,
    /// Its table.
    pub table: Option<String>,
    /// What kind of repair it belongs to.
    pub family: Option<&'static str>,
    /// What it costs the table.
    pub cost: Option<&'static str>,
    /// Which upgrade fails without it.
    pub needed_for_upgrade: Option<String>,
}

/// What should be changed and cannot be.
#[derive(Clone, Debug, serde::Serialize)]
pub struct RefusedStep {
    /// The table.
    pub table: String,
    /// The table itself, the column, index or foreign key.
    pub object: String,
    /// Why not.
    pub why: String,
}

/// Rows that have lost their parents.
#[derive(Clone, Debug, serde::Serialize)]
pub struct OrphanRows {
    /// Their table.
    pub table: String,
    /// The foreign key that cannot be added.
    pub foreign_key: String,
    /// Its columns.
    pub columns: Vec<String>,
    /// The table that the parents are missing from.
    pub parent: String,
    /// How many rows.
    pub rows: u64,
    /// Some of them, by primary key and columns.
    pub sample: Vec<String>,
    /// What `--orphans` can do, by the key's own rule: `set-null` or `delete`.
    pub remedy: Option<&'static str>,
}

impl OrphanRows {
    /// As found.
    pub fn of(found: &Orphans) -> Self {
        Self {
            table: found.table.clone(),
            foreign_key: found.constraint.clone(),
            columns: found.key.columns.clone(),
            parent: found.key.referenced_table.clone(),
            rows: found.rows,
            sample: found.sample.clone(),
            remedy: found.by_rule.as_ref().ok().map(|remedy| remedy.as_str()),
        }
    }
}

/// Rows of one table that a repair changes for one foreign key.
#[derive(Clone, Debug, serde::Serialize)]
pub struct RowChange {
    /// Their table.
    pub table: String,
    /// `delete` or `set-null`.
    pub action: &'static str,
    /// The columns that are set NULL.
    pub columns: Vec<String>,
    /// How many rows.
    pub rows: u64,
    /// The foreign key for which they are changed.
    pub foreign_key: String,
}

impl RowChange {
    /// As counted.
    pub fn of(tally: &Tally) -> Self {
        let (action, columns) = match &tally.deed {
            Deed::Delete => ("delete", Vec::new()),
            Deed::SetNull(columns) => ("set-null", columns.clone()),
        };
        Self {
            table: tally.table.clone(),
            action,
            columns,
            rows: tally.rows,
            foreign_key: tally.constraint.clone(),
        }
    }
}

/// A new database out of an old one.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct RebuildSummary {
    /// Where it is made.
    pub into: String,
    /// The release whose structure it gets.
    pub release: String,
    /// Whether it was made.
    pub applied: bool,
    /// Whether every row came over as it was, and every trigger, routine, view and event.
    pub whole: bool,
    /// Its tables.
    pub tables: Vec<RebuiltTable>,
    /// Triggers, routines, views and events; those made, once it was made.
    pub programs: usize,
    /// Those that belong to the account that made them, because it may not name another.
    pub other_definer: Vec<String>,
    /// Those that could not be made, and why.
    pub failed: Vec<String>,
    /// Rows that have lost their parents.
    pub orphans: Vec<OrphanRows>,
}

impl RebuildSummary {
    /// Whether it is yet to be made, or came out whole and sound.
    fn is_fine(&self) -> bool {
        !self.applied || self.whole && self.orphans.is_empty()
    }
}

/// A table of a new database.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct RebuiltTable {
    /// Its name.
    pub table: String,
    /// Made as the release has it, not as it was.
    pub of_release: bool,
    /// The old database lacks it.
    pub new: bool,
    /// Columns that the release does not have.
    pub kept_columns: Vec<String>,
    /// Columns of the release that the old table lacks.
    pub filled_columns: Vec<String>,
    /// Indexes and foreign keys of the old table that the release does not have.
    pub left_out_keys: Vec<String>,
    /// Rows in the old one.
    pub rows: u64,
    /// Rows in the new one.
    pub copied: u64,
    /// Whether the values are the same on both sides.
    pub same_values: bool,
    /// Rows of which the new one changed a value.
    pub altered: u64,
    /// Rows that the new one did not take.
    pub left_out: u64,
    /// Some of both.
    pub sample: Vec<String>,
}

/// A statement that was left out.
#[derive(Clone, Debug, serde::Serialize)]
pub struct NotRunStep {
    /// Its table.
    pub table: String,
    /// What would have run.
    pub statement: String,
    /// Why it did not.
    pub why: String,
    /// The reason as one word for programs.
    pub id: &'static str,
}

impl Plan {
    /// Whether nothing is left to do, or was left out.
    fn is_empty(&self) -> bool {
        self.steps.is_empty() && self.refused.is_empty() && self.not_run.is_empty()
    }

    /// A plan that sets versions; `journal` when they were set.
    pub fn of_versions(changes: &[VersionChange], journal: Option<PathBuf>) -> Self {
        let step = |change: &VersionChange| PlanStep {
            statement: change.statement(),
            inverse: change.inverse(),
            why: format!("the version of domain {}", change.domain),
            table: Some("civicrm_domain".to_owned()),
            family: None,
            cost: None,
            needed_for_upgrade: None,
        };
        Self {
            steps: changes.iter().map(step).collect(),
            applied: journal.is_some(),
            journal,
            ..Self::default()
        }
    }
}

/// A server in a few words.
#[derive(Clone, Debug, serde::Serialize)]
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
#[derive(Clone, Debug, serde::Serialize)]
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

/// What the versions of all domains say.
#[derive(Clone, Debug)]
pub struct VersionSummary {
    /// One for each row of `civicrm_domain`, or one for the row that is missing.
    pub domains: Vec<DomainVersion>,
    /// What the schema is, where that is known.
    pub detected: Option<DetectedRelease>,
}

/// How many objects of each kind there are.
#[derive(Clone, Copy, Debug, Default, serde::Serialize)]
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

impl Report {
    /// Puts the report on a case together.
    pub fn new(command: &'static str, case: &Case, findings: Findings, strict: bool) -> Self {
        use crate::schema::model::RoutineKind;
        let snapshot = &case.snapshot;
        let schema = &snapshot.schema;
        let routines = |kind| schema.routines.keys().filter(|(k, _)| *k == kind).count();
        let mut row_counts: Vec<(String, u64)> = snapshot
            .row_counts
            .iter()
            .map(|(table, rows)| (table.clone(), *rows))
            .collect();
        row_counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        let cut = [&DUMP_TRUNCATED, &DUMP_UNREADABLE, &DUMP_EMPTY].map(|check| check.id);
        let complete =
            !findings.list.iter().any(|finding| {
                finding.severity == Severity::Error && cut.contains(&finding.check.id)
            }) && snapshot.hidden.is_empty();
        Self {
            command,
            source: snapshot.source.clone(),
            database: snapshot.database.clone(),
            server: snapshot.server.as_ref().map(ServerSummary::of),
            civicrm: case.site.as_ref().map(|site| CivicrmSummary {
                declared: site
                    .domains
                    .iter()
                    .flatten()
                    .map(|domain| domain.version.clone())
                    .collect(),
                detected: case.detection().map(Detected::of),
                locales: site.locales().to_vec(),
                logging: site.logging.unwrap_or(false),
            }),
            version: None,
            grants: None,
            plan: None,
            rebuild: None,
            effort: None,
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
            row_counts,
            findings,
            strict,
        }
    }

    /// What a repair has left to do, in a few words; `None` of other commands.
    fn left_to_do(&self) -> Option<String> {
        let plan = self.plan.as_ref().filter(|_| self.command == "repair");
        let plan = plan.map(
            |plan| match (plan.steps.len() + plan.refused.len(), plan.applied) {
                (0, true) => "nothing is left to do".to_owned(),
                (0, false) => "nothing to do".to_owned(),
                (left, true) => format!("{left} left to do"),
                (left, false) => format!("{left} to do"),
            },
        );
        plan.or_else(|| {
            self.rebuild.as_ref().map(|rebuild| {
                match (rebuild.applied, rebuild.is_fine()) {
                    (false, _) => "not made yet",
                    (true, true) => "made, with every row",
                    (true, false) => "made, with differences",
                }
                .to_owned()
            })
        })
    }

    /// What the report comes to.
    pub fn verdict(&self) -> Verdict {
        let is_done = self.command != "repair"
            || self.plan.as_ref().is_none_or(Plan::is_empty)
                && self.rebuild.as_ref().is_none_or(RebuildSummary::is_fine);
        let counts = |severity| self.findings.count(severity) > 0;
        if !is_done || counts(Severity::Error) || self.strict && counts(Severity::Warning) {
            Verdict::Fail
        } else if self.findings.are_incomplete() {
            Verdict::Incomplete
        } else {
            Verdict::Pass
        }
    }
}
