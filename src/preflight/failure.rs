//! Where an upgrade would stop, and why.

use super::facts::text;
use super::mend::Mend;
use super::server_model::ServerError;
use crate::civicrm::upgrade::op::RowOf;
use crate::civicrm::upgrade::own_checks::Place;
use crate::privilege::Privilege;

/// When an upgrade stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Before any step has run.
    Before,
    /// In a step.
    Step,
    /// When all steps have run.
    After,
}

/// Whether the upgrade can go on after a mend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// Mending and running the upgrade again works.
    Works,
    /// The failed task cannot run twice, so the backup has to be restored, mended and upgraded.
    NeedsBackup,
}

/// One place at which the upgrade would stop.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// When it stops.
    pub when: When,
    /// The revision of the step; `None` before and after the steps.
    pub step: Option<String>,
    /// The title of the task as CiviCRM shows it.
    pub task: Option<String>,
    /// What the operation does, as [`Op::kind`](crate::civicrm::upgrade::op::Op::kind) names it.
    pub operation: Option<&'static str>,
    /// The table of the operation.
    pub table: Option<String>,
    /// Why it stops.
    pub cause: Cause,
    /// What CiviCRM shows.
    pub shown: String,
    /// What `civicrm_domain.version` says afterwards; `None` where it is NULL or there is no row.
    pub version_after: Option<String>,
    /// Whether the upgrade can go on after a mend.
    pub retry: Retry,
    /// What mends the database before the upgrade, so that it does not stop here; empty where nothing is known.
    pub mends: Vec<Mend>,
    /// The condition under which the operation runs, where only the site can tell whether it holds.
    pub condition: Option<String>,
}

impl Failure {
    /// The statements that mend the database before the upgrade, without a semicolon; one that does not read back as
    /// what it is meant to be is left out.
    pub fn statements(&self) -> impl Iterator<Item = String> {
        self.mends.iter().filter_map(|mend| mend.statement().ok())
    }
}

/// Why the upgrade stops.
#[derive(Clone, Debug, PartialEq)]
pub enum Cause {
    /// CiviCRM's own checks refuse the version in `civicrm_domain`.
    Version,
    /// CiviCRM's own checks refuse something else: here in words.
    Check(String),
    /// The server refuses a statement because of the schema.
    Schema(ServerError),
    /// The server refuses a statement because of rows; the number of the question that finds them, if it is known.
    Rows(ServerError, RowCause),
    /// CiviCRM's own code looks at rows, and refuses to go on.
    OwnRows(&'static Place, RowCause),
    /// CiviCRM's own code looks at foreign keys, and refuses to go on; the first table that has none of them.
    OwnKeys(&'static Place, String),
    /// The account lacks a privilege.
    Privilege(Privilege, ServerError),
}

impl Cause {
    /// The error of the server, where it is one.
    pub fn server_error(&self) -> Option<&ServerError> {
        match self {
            Self::Version | Self::Check(_) | Self::OwnRows(..) | Self::OwnKeys(..) => None,
            Self::Schema(error) | Self::Rows(error, _) | Self::Privilege(_, error) => Some(error),
        }
    }

    /// The rows that make the upgrade stop, where it is rows.
    pub fn rows(&self) -> Option<&RowCause> {
        match self {
            Self::Rows(_, rows) | Self::OwnRows(_, rows) => Some(rows),
            _ => None,
        }
    }

    /// What CiviCRM's own code shows, where it is that which stops.
    pub(super) fn own_text(&self) -> Option<&'static str> {
        match self {
            Self::OwnRows(at, _) | Self::OwnKeys(at, _) => Some(at.shown),
            _ => None,
        }
    }
}

/// Which rows make the upgrade stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowCause {
    /// The table that has the rows.
    pub table: String,
    /// The column or the key that they are about, where they were asked about.
    pub subject: Option<String>,
    /// What is the matter with them, in words.
    pub what: String,
    /// How many they are, where they were counted.
    pub rows: Option<u64>,
    /// Primary keys of the first of them.
    pub samples: Vec<String>,
    /// The values that rows have in common, joined by `-`, where they are known.
    pub entry: Option<String>,
    /// Whether the row is there because the step has run before: the version was wrong from the start, so that steps
    /// have run that should not have.
    pub has_run_before: bool,
    /// What mends the rows before the upgrade, as a sentence with a command.
    pub mend: String,
}

impl RowCause {
    /// A row that an operation refers to is missing.
    pub(super) fn missing(need: &RowOf) -> Self {
        let values = need.values.iter();
        let values: Vec<String> = values
            .map(|(column, value)| format!("{column} = '{}'", text(value)))
            .collect();
        let (table, values) = (need.table.clone(), values.join(", "));
        Self {
            what: format!("{table} has no row with {values}"),
            subject: None,
            rows: None,
            samples: Vec::new(),
            entry: None,
            has_run_before: false,
            mend: format!(
                "Bring the row of {table} with {values} back before the upgrade; a new installation of the same release has it."
            ),
            table,
        }
    }
}
