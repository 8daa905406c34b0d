//! Setting `civicrm_domain.version`.

use std::path::Path;

use super::error::RepairError;
use super::journal::{Head, Journal, Step};
use crate::schema::sql::string;
use crate::server::connection::Connection;
use crate::server::error::ServerError;
use crate::snapshot::Row;

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
}

fn update(domain: u64, to: Option<&[u8]>, from: Option<&[u8]>) -> String {
    // Compared as bytes: collations take 'x' and 'x ' for the same.
    let guard = match from {
        None => "version IS NULL".to_owned(),
        Some(value) => format!(
            "CAST(version AS BINARY) = CAST({} AS BINARY)",
            literal(value)
        ),
    };
    let value = to.map_or_else(|| "NULL".to_owned(), literal);
    format!("UPDATE civicrm_domain SET version = {value} WHERE id = {domain} AND {guard}")
}

fn literal(value: &[u8]) -> String {
    match std::str::from_utf8(value) {
        Ok(text) if !text.contains(|c: char| c.is_control() || c == '\\') => string(text),
        _ => {
            let digits: String = value.iter().map(|byte| format!("{byte:02X}")).collect();
            format!("X'{digits}'")
        }
    }
}

/// Changes the versions in one transaction, in which nobody else can change them, after the
/// way back is on disk.
///
/// # Errors
/// A version is no longer what it was, the journal cannot be written, or the server refuses;
/// then nothing has changed. [`RepairError::Unknown`] when the connection broke at the very end.
pub fn apply(
    connection: &mut Connection,
    head: &Head,
    changes: &[VersionChange],
    journal: &Path,
) -> Result<(), RepairError> {
    connection.begin_writing()?;
    let done = in_transaction(connection, head, changes, journal);
    if done.is_err() {
        // The connection may be gone; then the server rolls back by itself.
        let _ = connection.run("the end of the transaction", "ROLLBACK");
    }
    let mut written = done?;
    if let Err(error) = connection.run("the commit", "COMMIT") {
        return Err(RepairError::Unknown {
            error: error.to_string(),
            journal: journal.display().to_string(),
        });
    }
    for number in 1..=changes.len() {
        written.done(number)?;
    }
    written.finished()
}

fn in_transaction(
    connection: &mut Connection,
    head: &Head,
    changes: &[VersionChange],
    journal: &Path,
) -> Result<Journal, RepairError> {
    let locked = connection.ask(
        "the rows of civicrm_domain",
        include_str!("../../sql/lock-domains.sql"),
    )?;
    for change in changes {
        if let Some(detail) = differs(change, &locked) {
            return Err(RepairError::Changed {
                what: format!("the version of domain {}", change.domain),
                detail,
            });
        }
    }
    let mut written = Journal::create(journal, head)?;
    for (place, change) in changes.iter().enumerate() {
        written.doing(&Step {
            step: place + 1,
            table: "civicrm_domain".to_owned(),
            statement: change.statement(),
            inverse: change.inverse(),
            why: format!("the version of domain {}", change.domain),
            before: None,
            proofs: Vec::new(),
            locks: Vec::new(),
            rows: None,
        })?;
    }
    for change in changes {
        let about = "the update of civicrm_domain";
        let changed = connection.run(about, &change.statement());
        let changed = changed.map_err(read_only)?;
        if changed != 1 {
            return Err(RepairError::Changed {
                what: format!("the version of domain {}", change.domain),
                detail: format!("{changed} rows would have been changed"),
            });
        }
    }
    Ok(written)
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

/// Says what a refusal to write means.
pub(super) fn read_only(error: ServerError) -> RepairError {
    match error {
        // ER_OPTION_PREVENTS_STATEMENT: --read-only; ER_READ_ONLY_MODE
        ServerError::Query {
            code: 1290 | 1836,
            message,
            ..
        } => RepairError::ReadOnly(message),
        other => other.into(),
    }
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
}
