//! How upgrade steps write an object. That is not always how the release of the step declares it.
//!
//! Only files that name the object are read, so that a look costs little.

use memchr::memmem;

use super::op::{Action, Alteration, NewTable, Op};
use super::steps::{StepError, embedded};
use crate::civicrm::release::Version;
use crate::schema::model::{Column, ForeignKey, Index, find};

/// A column as the last step up to `until` writes it; `None` where no step writes it.
///
/// # Errors
/// A file of the program cannot be read.
pub fn column(table: &str, name: &str, until: &Version) -> Result<Option<Column>, StepError> {
    let of_clause = |change: &Alteration| match change {
        Alteration::AddColumn {
            name: added,
            column,
            ..
        } => added.eq_ignore_ascii_case(name).then(|| column.clone()),
        Alteration::ChangeColumn { to, column, .. } => {
            to.eq_ignore_ascii_case(name).then(|| column.clone())
        }
        _ => None,
    };
    let of_table = |new: &NewTable| find(&new.columns, name).cloned();
    last(table, name, until, of_clause, of_table)
}

/// An index as the last step up to `until` writes it; `None` where no step writes it.
///
/// # Errors
/// A file of the program cannot be read.
pub fn index(table: &str, name: &str, until: &Version) -> Result<Option<Index>, StepError> {
    let of_clause = |change: &Alteration| match change {
        Alteration::AddIndex {
            name: added, index, ..
        } => added.eq_ignore_ascii_case(name).then(|| index.clone()),
        _ => None,
    };
    let of_table = |new: &NewTable| find(&new.indexes, name).cloned();
    last(table, name, until, of_clause, of_table)
}

/// A foreign key as the last step up to `until` writes it; `None` where no step writes it.
///
/// # Errors
/// A file of the program cannot be read.
pub fn foreign_key(
    table: &str,
    name: &str,
    until: &Version,
) -> Result<Option<ForeignKey>, StepError> {
    let is_it = |added: &Option<String>| {
        let added = added.as_deref();
        added.is_some_and(|added| added.eq_ignore_ascii_case(name))
    };
    let of_clause = |change: &Alteration| match change {
        Alteration::AddForeignKey { name: added, key } => is_it(added).then(|| key.clone()),
        _ => None,
    };
    let of_table = |new: &NewTable| {
        let mut keys = new.foreign_keys.iter();
        keys.find(|(added, _)| is_it(added))
            .map(|(_, key)| key.clone())
    };
    last(table, name, until, of_clause, of_table)
}

/// The table as the last step up to `until` creates it; `None` where no step creates it.
///
/// # Errors
/// A file of the program cannot be read.
pub fn table(table: &str, until: &Version) -> Result<Option<NewTable>, StepError> {
    last(table, table, until, |_| None, |new| Some(new.clone()))
}

/// What the last of the operations on a table gives that give something; those for multilingual sites alone do not count.
fn last<T>(
    table: &str,
    name: &str,
    until: &Version,
    of_clause: impl Fn(&Alteration) -> Option<T>,
    of_table: impl Fn(&NewTable) -> Option<T>,
) -> Result<Option<T>, StepError> {
    let in_op = |op: &Op| match &op.action {
        _ if op.multilingual == Some(true) => None,
        Action::CreateTable(new) if new.name.eq_ignore_ascii_case(table) => of_table(new),
        Action::Alter { table: of, clauses } if of.eq_ignore_ascii_case(table) => clauses
            .iter()
            .filter(|clause| clause.multilingual != Some(true))
            .filter_map(|clause| of_clause(&clause.change))
            .last(),
        _ => None,
    };
    let quoted = |name: &str| format!("\"{name}\"");
    let (table_text, name_text) = (quoted(table), quoted(name));
    let names_it = |text: &str| {
        let has = |wanted: &str| memmem::find(text.as_bytes(), wanted.as_bytes()).is_some();
        has(&table_text) && has(&name_text)
    };
    let mut found: Option<(Version, T)> = None;
    for file in embedded().iter().filter(|file| names_it(file.text)) {
        let Some(revision) = Version::parse(file.name).filter(|revision| revision <= until) else {
            continue;
        };
        if found.as_ref().is_some_and(|(last, _)| *last > revision) {
            continue;
        }
        let step = file.step()?;
        let ops = step.tasks.iter().flat_map(|task| &task.ops);
        if let Some(written) = ops.filter_map(in_op).last() {
            found = Some((revision, written));
        }
    }
    Ok(found.map(|(_, written)| written))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        Version::parse(text).unwrap()
    }

    #[test]
    fn the_last_step_that_writes_an_object_counts() {
        let of = |until| {
            let column = column("civicrm_custom_group", "collapse_display", &version(until));
            column
                .unwrap()
                .map(|column| (column.data_type, column.nullable))
        };
        assert_eq!(of("5.26.2"), None);
        assert_eq!(of("5.33.2"), Some(("tinyint unsigned".to_owned(), true)));
        assert_eq!(of("5.81.2"), Some(("tinyint".to_owned(), false)));
    }

    #[test]
    fn indexes_foreign_keys_and_tables_are_found() {
        let until = version("5.81.2");
        let index = index("civicrm_contact", "index_image_URL_128", &until).unwrap();
        assert_eq!(index.unwrap().parts[0].length, Some(128));
        let key = foreign_key("civicrm_file", "FK_civicrm_file_created_id", &until).unwrap();
        assert_eq!(key.unwrap().referenced_table, "civicrm_contact");
        let queue = table("civicrm_queue", &until).unwrap().unwrap();
        assert_eq!(queue.charset.as_deref(), Some("utf8mb4"));
    }
}
