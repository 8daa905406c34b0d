//! How upgrade steps write an object. That is not always how the release of the step declares it.
//!
//! Only files that name the object are read, so that a look costs little.

use memchr::memmem;

use super::op::{Action, Alteration, Guard, NewTable, Op};
use super::step::Step;
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

/// What upgrade steps have done to a foreign key, whatever its form was.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// The last step that drops or makes the key on every site: no form from before it is left.
    pub everywhere: Option<Version>,
    /// The last step after that which makes the key on some sites only, and on which, in words of the facts.
    pub partly: Option<(Version, String)>,
}

/// What the steps up to `until` have done to the foreign key of this name.
///
/// # Errors
/// A file of the program cannot be read.
pub fn foreign_key_changes(table: &str, name: &str, until: &Version) -> Result<Changes, StepError> {
    let mut changes = Changes::default();
    for (revision, step) in steps_naming(table, name, until) {
        for task in &step?.tasks {
            let is_always = task.when.is_none() && task.code.is_empty() && !task.ignores_errors;
            for op in &task.ops {
                let reach = match is_always {
                    true => reach(op, table, name),
                    false => Reach::Nowhere,
                };
                match reach {
                    Reach::Everywhere if changes.everywhere.as_ref() <= Some(&revision) => {
                        changes.everywhere = Some(revision.clone());
                    }
                    Reach::Partly(when)
                        if changes.partly.as_ref().map(|(last, _)| last) <= Some(&revision) =>
                    {
                        changes.partly = Some((revision.clone(), when));
                    }
                    _ => {}
                }
            }
        }
    }
    let is_overtaken = |(last, _): &(Version, String)| Some(last) <= changes.everywhere.as_ref();
    if changes.partly.as_ref().is_some_and(is_overtaken) {
        changes.partly = None;
    }
    Ok(changes)
}

/// On which sites an operation changes a foreign key.
enum Reach {
    Everywhere,
    /// Where this holds, in words.
    Partly(String),
    /// On none, or nobody can say.
    Nowhere,
}

fn reach(op: &Op, table: &str, name: &str) -> Reach {
    if op.multilingual.is_some() || op.logging || !op.code.is_empty() {
        return Reach::Nowhere;
    }
    let is_it = |added: &Option<String>| {
        let added = added.as_deref();
        added.is_some_and(|added| added.eq_ignore_ascii_case(name))
    };
    match &op.action {
        Action::CreateTable(new) if new.name.eq_ignore_ascii_case(table) => {
            let is_made = new.foreign_keys.iter().any(|(added, _)| is_it(added));
            match op.guard == Guard::None && is_made && !new.if_not_exists {
                true => Reach::Everywhere,
                false => Reach::Nowhere,
            }
        }
        Action::Alter { table: of, clauses } if of.eq_ignore_ascii_case(table) => {
            let mut reach = Reach::Nowhere;
            for clause in clauses
                .iter()
                .filter(|clause| clause.multilingual.is_none())
            {
                let guards = [&op.guard, &clause.guard];
                let is_sure = |able: &[Guard]| {
                    guards
                        .iter()
                        .all(|guard| **guard == Guard::None || able.contains(guard))
                };
                let words = guards.iter().find_map(|guard| match guard {
                    Guard::When(condition) => condition.when.clone(),
                    _ => None,
                });
                match &clause.change {
                    Alteration::DropForeignKey(dropped)
                        if dropped.eq_ignore_ascii_case(name) && is_sure(&[Guard::IfExists]) =>
                    {
                        return Reach::Everywhere;
                    }
                    Alteration::AddForeignKey { name: added, .. } if is_it(added) => match words {
                        _ if is_sure(&[]) => return Reach::Everywhere,
                        Some(words) => reach = Reach::Partly(words),
                        None => {}
                    },
                    _ => {}
                }
            }
            reach
        }
        _ => Reach::Nowhere,
    }
}

/// The steps up to `until` whose files name the object, each with its revision.
fn steps_naming(
    table: &str,
    name: &str,
    until: &Version,
) -> impl Iterator<Item = (Version, Result<&'static Step, StepError>)> {
    let quoted = |name: &str| format!("\"{name}\"");
    let (table_text, name_text) = (quoted(table), quoted(name));
    let names_it = move |text: &str| {
        let has = |wanted: &str| memmem::find(text.as_bytes(), wanted.as_bytes()).is_some();
        has(&table_text) && has(&name_text)
    };
    let files = embedded().iter().filter(move |file| names_it(file.text));
    files.filter_map(move |file| {
        let revision = Version::parse(file.name).filter(|revision| revision <= until)?;
        Some((revision, file.step()))
    })
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
    let mut found: Option<(Version, T)> = None;
    for (revision, step) in steps_naming(table, name, until) {
        if found.as_ref().is_some_and(|(last, _)| *last > revision) {
            continue;
        }
        let ops = step?.tasks.iter().flat_map(|task| &task.ops);
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

    #[test]
    fn a_step_that_changes_a_key_on_some_sites_only_leaves_its_old_form_on_the_others() {
        let changes = |table, name, until| {
            let found = foreign_key_changes(table, name, &version(until)).unwrap();
            let everywhere = found.everywhere.map(|step| step.as_str().to_owned());
            (
                everywhere,
                found.partly.map(|(step, _)| step.as_str().to_owned()),
            )
        };
        let owned = |text: &str| Some(text.to_owned());
        let parent = "FK_civicrm_activity_parent_id";
        assert_eq!(changes("civicrm_activity", parent, "5.63.3"), (None, None));
        assert_eq!(
            changes("civicrm_activity", parent, "5.81.2"),
            (None, owned("5.64.beta1"))
        );
        let registered = "FK_civicrm_participant_registered_by_id";
        assert_eq!(
            changes("civicrm_participant", registered, "5.81.2"),
            (owned("3.3.beta2"), None)
        );
        // Dropped where it is there, and made without a look.
        let queue = "FK_civicrm_mailing_event_queue_email_id";
        assert_eq!(
            changes("civicrm_mailing_event_queue", queue, "5.81.2"),
            (owned("4.7.8"), None)
        );
        let search = "FK_civicrm_saved_search_mapping_id";
        assert_eq!(
            changes("civicrm_saved_search", search, "6.4.1"),
            (None, None)
        );
    }
}
