//! The foreign keys and unique keys that CiviCRM's upgrade steps add.
//!
//! A step that adds a key fails on the first row that violates it: with error 1452 for a foreign key, 1062 for
//! a unique key. From 5.54 on, steps repair most duplicates themselves first.

use super::release::Version;
use super::upgrade_drops::is_between;

/// One line for each added key: version, kind, table, name, file.
const ADDS: &str = include_str!("upgrade_adds.tsv");

/// The kinds of keys that upgrade steps add.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddKind {
    /// The step adds a foreign key.
    ForeignKey,
    /// The step adds a unique key.
    Unique,
}

/// One key that one upgrade step adds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpgradeAdd {
    /// The revision that the step belongs to; it runs on databases of a lower version.
    pub version: &'static str,
    /// The kind of the key.
    pub kind: AddKind,
    /// The name of the table that gets the key.
    pub table: &'static str,
    /// The name of the key.
    pub name: &'static str,
    /// The file of CiviCRM that has the step.
    pub file: &'static str,
}

/// The keys that steps add when a database of version `from` is upgraded to `target`, in the order of the
/// steps.
pub fn between(from: &Version, target: &Version) -> Vec<UpgradeAdd> {
    all()
        .filter(|add| is_between(add.version, from, target))
        .collect()
}

/// All keys that upgrade steps are known to add, by version.
fn all() -> impl Iterator<Item = UpgradeAdd> {
    ADDS.lines().filter_map(|line| {
        let mut fields = line.split('\t');
        Some(UpgradeAdd {
            version: fields.next().filter(|version| !version.starts_with('#'))?,
            kind: match fields.next()? {
                "foreign-key" => AddKind::ForeignKey,
                _ => AddKind::Unique,
            },
            table: fields.next()?,
            name: fields.next()?,
            file: fields.next()?,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_read() {
        let lines = ADDS.lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!(all().count(), lines);
        assert!(all().all(|add| Version::parse(add.version).is_some()));
    }

    #[test]
    fn only_the_steps_between_two_versions_count() {
        let version = |text| Version::parse(text).unwrap();
        let adds = between(&version("4.2.9"), &version("4.3.5"));
        assert!(
            adds.iter()
                .any(|add| add.name == "FK_civicrm_line_item_financial_type_id")
        );
        assert!(adds.iter().all(|add| add.version.starts_with("4.3")));
        assert_eq!(between(&version("6.4.1"), &version("6.4.1")), []);
    }
}
