//! The foreign keys and indexes that CiviCRM's upgrade steps drop by name.
//!
//! Up to 4.7 many steps drop without looking first: where the object has another name, the statement fails, and
//! the upgrade stops in the middle.

use super::release::Version;

/// One line for each drop: version, kind, table, names, requirement, file.
const DROPS: &str = include_str!("upgrade_drops.tsv");

/// The kinds of objects that upgrade steps drop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DropKind {
    /// The step drops a foreign key.
    ForeignKey,
    /// The step drops an index, unique or not.
    Index,
}

/// One object that one upgrade step drops.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpgradeDrop {
    /// The revision that the step belongs to; it runs on databases of a lower version.
    pub version: &'static str,
    /// The kind of the object.
    pub kind: DropKind,
    /// The name of the table that has the object.
    pub table: &'static str,
    /// The names of the object; where the step knows several, it drops the first that exists.
    pub names: Vec<&'static str>,
    /// Whether the step fails when the name does not exist, because it does not look first.
    pub unconditional: bool,
    /// The file of CiviCRM that has the step.
    pub file: &'static str,
}

impl UpgradeDrop {
    /// Whether the step drops an object of this kind, table and name.
    pub fn drops(&self, kind: DropKind, table: &str, name: &str) -> bool {
        self.kind == kind
            && self.table.eq_ignore_ascii_case(table)
            && self
                .names
                .iter()
                .any(|other| other.eq_ignore_ascii_case(name))
    }
}

/// The drops of the steps that run when a database of version `from` is upgraded to `target`,
/// in the order of the steps. CiviCRM treats 4.0 as 3.4.
pub fn between(from: &Version, target: &Version) -> Vec<UpgradeDrop> {
    all()
        .filter(|drop| is_between(drop.version, from, target))
        .collect()
}

/// Whether the step of revision `step` runs when a database of version `from` is upgraded to
/// `target`. CiviCRM treats 4.0 as 3.4; a target of 4.4 means its last release.
pub fn is_between(step: &str, from: &Version, target: &Version) -> bool {
    let Some(step) = Version::parse(step) else {
        return false;
    };
    let as_3_4 = from
        .as_str()
        .strip_prefix("4.0")
        .filter(|_| from.major_minor() == (4, 0));
    let from = as_3_4
        .and_then(|rest| Version::parse(&format!("3.4{rest}")))
        .unwrap_or_else(|| from.clone());
    from < step
        && (step <= *target || step.major_minor() == target.major_minor() && is_minor(target))
}

fn is_minor(version: &Version) -> bool {
    let (major, minor) = version.major_minor();
    version.as_str() == format!("{major}.{minor}")
}

/// All drops that are known, by version.
fn all() -> impl Iterator<Item = UpgradeDrop> {
    DROPS.lines().filter_map(|line| {
        let mut fields = line.split('\t');
        let version = fields.next().filter(|version| !version.starts_with('#'))?;
        let kind = match fields.next()? {
            "foreign-key" => DropKind::ForeignKey,
            _ => DropKind::Index,
        };
        Some(UpgradeDrop {
            version,
            kind,
            table: fields.next()?,
            names: fields.next()?.split('|').collect(),
            unconditional: fields.next()? == "unconditional",
            file: fields.next()?,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn count(from: &str, target: &str) -> usize {
        let version = |text| Version::parse(text).unwrap();
        between(&version(from), &version(target))
            .iter()
            .filter(|drop| drop.unconditional)
            .count()
    }

    #[test]
    fn every_line_of_the_table_is_read() {
        let lines = DROPS.lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!(all().count(), lines);
        assert!(all().all(|drop| Version::parse(drop.version).is_some()));
    }

    #[test]
    fn only_the_steps_between_two_versions_count() {
        assert_eq!(count("4.7.31", "6.4"), 0);
        assert_eq!(count("4.7.17", "4.7.17"), 0);
        assert_eq!(count("4.7.17", "4.7.18"), 1);
        assert_eq!(count("4.7.17", "4.7"), 1);
        // The steps of 4.1 run on a 4.0, and so would those of 4.0, had it any of its own.
        assert_eq!(count("4.0.8", "4.1"), count("3.4.8", "4.1"));
        assert!(count("4.0.8", "4.7") > 30);
    }

    #[test]
    fn the_second_of_two_names_is_known() {
        let version = |text| Version::parse(text).unwrap();
        let name = "civicrm_financial_trxn_ibfk_1";
        assert!(
            between(&version("4.2.9"), &version("4.3"))
                .iter()
                .any(|drop| { drop.drops(DropKind::ForeignKey, "civicrm_financial_trxn", name) })
        );
    }

    /// Where the collected facts are at hand, the table has all of them.
    #[test]
    fn the_table_is_that_of_the_facts() {
        let shared = std::env::var_os("CIVIDB_SHARED").map_or_else(
            || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"),
            Into::into,
        );
        let Ok(text) = std::fs::read_to_string(shared.join("facts/upgrade-drops.json")) else {
            return;
        };
        let facts: serde_json::Value = serde_json::from_str(&text).unwrap();
        let mut known = 0;
        for fact in facts["foreign_keys_and_indexes"].as_array().unwrap() {
            let field = |name: &str| fact[name].as_str().unwrap_or_default();
            if field("table").contains('{') || field("name").contains('{') {
                continue;
            }
            let kind = match field("kind") {
                "foreign_key" => DropKind::ForeignKey,
                _ => DropKind::Index,
            };
            let name = field("name").split(' ').next().unwrap();
            let found = all().any(|drop| {
                drop.version == field("version")
                    && drop.drops(kind, field("table"), name)
                    && drop.unconditional == (field("requirement") == "unconditional")
            });
            assert!(found, "{fact}");
            known += 1;
        }
        assert_eq!(known, all().count());
    }
}
