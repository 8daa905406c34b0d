//! Which foreign keys and unique keys CiviCRM's upgrade steps add.
//!
//! A step that adds one fails on the first row that it does not fit: error 1452 for a foreign
//! key, 1062 for a unique one. From 5.54 on steps mend most duplicates themselves first.

use super::release::Version;
use super::upgrade_drops::is_between;

/// One line for each: version, kind, table, name, file.
const ADDS: &str = include_str!("upgrade_adds.tsv");

/// What a step adds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddKind {
    /// A foreign key.
    ForeignKey,
    /// A unique key.
    Unique,
}

/// One key that one upgrade step adds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpgradeAdd {
    /// The revision the step belongs to: it runs on databases of a lower version.
    pub version: &'static str,
    /// What it adds.
    pub kind: AddKind,
    /// The table.
    pub table: &'static str,
    /// The key's name.
    pub name: &'static str,
    /// Where CiviCRM has the step.
    pub file: &'static str,
}

/// What the steps add that run when a database of version `from` is upgraded to `target`, in
/// the order of the steps.
pub fn between(from: &Version, target: &Version) -> Vec<UpgradeAdd> {
    all()
        .filter(|add| is_between(add.version, from, target))
        .collect()
}

/// All that are known, by version.
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
