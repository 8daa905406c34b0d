//! Setting `civicrm_domain.version`: what may be set, and how.

use std::path::Path;
use std::time::Duration;

use crate::case::Case;
use crate::change::error::ChangeError;
use crate::change::executor::{COMMIT, Executor, Prepared};
use crate::change::journal::{Head, Journal, Rows, Step};
use crate::change::refusal::Refusal;
use crate::checks::version::DomainVersion;
use crate::civicrm::release::Version;
use crate::civicrm::version_state::VersionState;
use crate::gate::{Blocked, Meaning, Operation};
use crate::schema::sql::{hexadecimal, string};
use crate::server::connection::Reader;
use crate::server::error::ServerError;
use crate::snapshot::{Row, Snapshot};

/// Which versions to set, and to what.
#[derive(Clone, Debug, Default)]
pub struct VersionRequest {
    /// The release; `None` for the one that each domain should have.
    pub release: Option<String>,
    /// The domain; `None` for all.
    pub domain: Option<u64>,
    /// Also where an upgrade is under way, or the schema is that of another release.
    pub force: bool,
}

/// Plans which versions are to be set, of domains that were judged in `case`. The statements
/// have passed the gate.
///
/// # Errors
/// What would be set is not what the schema is, or an upgrade is under way.
pub fn plan(
    case: &Case,
    domains: &[DomainVersion],
    wanted: &VersionRequest,
) -> Result<Vec<VersionChange>, ChangeError> {
    let changes = changes(case, domains, wanted)?;
    for change in &changes {
        change.step(1)?;
    }
    Ok(changes)
}

fn changes(
    case: &Case,
    domains: &[DomainVersion],
    wanted: &VersionRequest,
) -> Result<Vec<VersionChange>, Refusal> {
    let snapshot = &case.snapshot;
    if let Some(why) = snapshot.rows_hidden.get("civicrm_domain") {
        return Err(Refusal::DomainsUnreadable(why.clone()));
    }
    if let (Some(release), false) = (&wanted.release, wanted.force) {
        fits(release, case)?;
    }
    let mut changes = Vec::new();
    for domain in domains {
        let Some(id) = domain.id else {
            return Err(Refusal::NoDomain);
        };
        if wanted.domain.is_some_and(|wanted| wanted != id) {
            continue;
        }
        let Some(to) = target(domain, id, wanted)? else {
            continue;
        };
        if domain.value.as_ref() != Some(&to) {
            changes.push(VersionChange {
                domain: id,
                from: stored(snapshot, id),
                to,
            });
        }
    }
    if let Some(wanted) = wanted.domain
        && !domains.iter().any(|domain| domain.id == Some(wanted))
    {
        return Err(Refusal::UnknownDomain(wanted));
    }
    let table = snapshot.schema.tables.get("civicrm_domain");
    let engine = table.and_then(|table| table.engine.as_deref());
    match engine {
        Some(engine) if !engine.eq_ignore_ascii_case("InnoDB") && changes.len() > 1 => {
            Err(Refusal::NotTransactional(engine.to_owned()))
        }
        _ => Ok(changes),
    }
}

/// The version that a domain is to have; `None` where it is to keep its own.
fn target(
    domain: &DomainVersion,
    id: u64,
    wanted: &VersionRequest,
) -> Result<Option<String>, Refusal> {
    if domain.state == VersionState::PartialUpgrade && !wanted.force {
        return Err(Refusal::PartialUpgrade(domain.quoted()));
    }
    if domain.state == VersionState::TooNew && wanted.release.is_none() && !wanted.force {
        return Err(Refusal::TooNew(domain.quoted()));
    }
    match wanted.release.as_ref().or(domain.proposed.as_ref()) {
        Some(to) => Ok(Some(to.clone())),
        None if domain.state == VersionState::Step => Ok(None),
        None => Err(Refusal::ReleaseUnknown(id)),
    }
}

/// Makes sure that the schema is that of a release.
fn fits(release: &str, case: &Case) -> Result<(), Refusal> {
    let version = Version::parse(release);
    let Some(state) = version.and_then(|version| case.catalogue.state_for(&version)) else {
        return Err(Refusal::SchemaUnknown(release.to_owned()));
    };
    let Some(detection) = case.detection() else {
        return Err(Refusal::NotDetected);
    };
    if detection.fits(state) {
        return Ok(());
    }
    Err(Refusal::WrongRelease {
        schema: detection.state.name.clone(),
        wanted: release.to_owned(),
        evidence: detection.evidence.join(", "),
    })
}

/// The version of a domain byte for byte.
fn stored(snapshot: &Snapshot, id: u64) -> Option<Vec<u8>> {
    let rows = snapshot.rows.get("civicrm_domain")?;
    let id = id.to_string();
    let row = rows
        .iter()
        .find(|row| row.get("id").and_then(Option::as_deref) == Some(id.as_bytes()))?;
    row.get("version").cloned().flatten()
}

/// The version of one domain, as it is and as it is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionChange {
    /// `id` of the row.
    pub domain: u64,
    /// As it is; `None` is NULL.
    pub from: Option<Vec<u8>>,
    /// As it is to be.
    pub to: String,
}

impl VersionChange {
    /// The statement, which changes nothing where the version is no longer what it was.
    pub fn statement(&self) -> String {
        update(self.domain, Some(self.to.as_bytes()), self.from.as_deref())
    }

    /// What takes it back, as long as nothing else has changed the version since.
    pub fn inverse(&self) -> String {
        update(self.domain, self.from.as_deref(), Some(self.to.as_bytes()))
    }

    /// The step that sets it.
    ///
    /// # Errors
    /// A statement does not pass the gate.
    fn step(&self, number: usize) -> Result<Step, Blocked> {
        let update = Meaning::new(Operation::Update, [""; 0]);
        let select = Meaning::new(Operation::Select, [""; 0]);
        let count = select.pass(look("COUNT(*)", self.domain, self.from.as_deref()))?;
        let as_left = select.pass(look("id", self.domain, Some(self.to.as_bytes())))?;
        Ok(Step {
            step: number,
            table: "civicrm_domain".to_owned(),
            statement: update.pass(self.statement())?,
            inverse: update.pass(self.inverse())?,
            why: format!("the version of domain {}", self.domain),
            rows: Some(Rows {
                count: 1,
                still_as_before: count,
                as_left: Some(as_left),
                named: vec![format!("id {}", self.domain)],
                values: Vec::new(),
            }),
            ..Step::default()
        })
    }
}

fn update(domain: u64, to: Option<&[u8]>, from: Option<&[u8]>) -> String {
    let value = to.map_or_else(|| "NULL".to_owned(), literal);
    let guard = is_stored(domain, from);
    format!("UPDATE civicrm_domain SET version = {value} WHERE {guard}")
}

/// A question about a domain, answered where its version is `value`.
fn look(select: &str, domain: u64, value: Option<&[u8]>) -> String {
    format!(
        "SELECT {select} FROM civicrm_domain WHERE {}",
        is_stored(domain, value)
    )
}

/// The condition that the version of a domain is `value`, byte for byte: collations take 'x' and
/// 'x ' for the same.
fn is_stored(domain: u64, value: Option<&[u8]>) -> String {
    let version = match value {
        None => "version IS NULL".to_owned(),
        Some(value) => format!(
            "CAST(version AS BINARY) = CAST({} AS BINARY)",
            literal(value)
        ),
    };
    format!("id = {domain} AND {version}")
}

fn literal(value: &[u8]) -> String {
    match std::str::from_utf8(value) {
        Ok(text) if !text.contains(|c: char| c.is_control() || c == '\\') => string(text),
        _ => format!("X'{}'", hexadecimal(value).to_uppercase()),
    }
}

/// Changes the versions in one transaction, in which nobody else can change them, after the
/// way back is on disk. Gives the connection back.
///
/// # Errors
/// A version is no longer what it was, the journal cannot be written, or the server refuses;
/// then nothing has changed. [`ChangeError::Unknown`] when the connection broke at the very end.
pub fn apply(
    connection: Reader,
    database: &str,
    head: &Head,
    changes: &[VersionChange],
    journal: &Path,
    tell: &mut dyn FnMut(&str),
) -> Result<Reader, ChangeError> {
    let steps: Result<Vec<Step>, Blocked> = changes
        .iter()
        .enumerate()
        .map(|(place, change)| change.step(place + 1))
        .collect();
    let steps = steps?;
    let mut executor = Executor::new(connection, database, Duration::MAX, tell)?;
    let mut written = Journal::later(journal, head);
    let done = executor.transact("civicrm_domain", &mut written, |connection| {
        let locked = connection.ask(
            "the rows of civicrm_domain",
            include_str!("../../sql/lock-domains.sql"),
        )?;
        for change in changes {
            if let Some(detail) = differs(change, &locked) {
                return Err(ChangeError::Changed {
                    what: format!("the version of domain {}", change.domain),
                    detail,
                });
            }
        }
        Ok(Prepared::Steps(steps.clone()))
    });
    match done {
        Err(ChangeError::Server(error @ ServerError::Lost { .. })) if is_commit(&error) => {
            return Err(ChangeError::Unknown {
                error: error.to_string(),
                journal: journal.display().to_string(),
            });
        }
        done => done?,
    };
    written.finished()?;
    executor.finish()
}

fn is_commit(error: &ServerError) -> bool {
    matches!(error, ServerError::Lost { question, .. } if question == COMMIT)
}

/// How a row differs from what was planned with.
fn differs(change: &VersionChange, rows: &[Row]) -> Option<String> {
    let id = change.domain.to_string();
    let row = rows
        .iter()
        .find(|row| row.get("id").and_then(Option::as_deref) == Some(id.as_bytes()));
    let Some(row) = row else {
        return Some("its row is gone".to_owned());
    };
    let now = row.get("version").cloned().flatten();
    (now != change.from).then(|| match now {
        None => "it is NULL now".to_owned(),
        Some(now) => format!("it is '{}' now", String::from_utf8_lossy(&now)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_guarded_by_the_bytes_of_the_old_value() {
        let change = |from: Option<&[u8]>| VersionChange {
            domain: 1,
            from: from.map(<[u8]>::to_vec),
            to: "5.81.2".into(),
        };
        let null = change(None);
        assert_eq!(
            null.statement(),
            "UPDATE civicrm_domain SET version = '5.81.2' WHERE id = 1 AND version IS NULL"
        );
        assert!(null.inverse().contains("SET version = NULL"));
        assert!(
            change(Some(b"2.2 "))
                .statement()
                .contains("CAST('2.2 ' AS BINARY)")
        );
        assert!(
            change(Some(b"x'; DROP"))
                .statement()
                .contains("CAST('x''; DROP' AS BINARY)")
        );
        assert!(change(Some(b"\xff\\")).inverse().contains("X'FF5C'"));
    }

    #[test]
    fn whatever_the_version_was_the_statements_are_those_that_are_meant() {
        for from in crate::hostile::names() {
            let change = VersionChange {
                domain: 1,
                from: Some(from.clone().into_bytes()),
                to: "5.81.2".into(),
            };
            let step = change.step(1).expect("it has no names");
            assert!(step.check_inverse().is_ok(), "{from:?}");
        }
    }
}
