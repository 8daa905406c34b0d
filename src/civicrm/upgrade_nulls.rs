//! The columns that CiviCRM's upgrade steps make NOT NULL, and what becomes of NULLs in them.
//!
//! Most steps from 4.7 on fill such NULLs first. One that does not stops with error 1138 or 1265 in strict mode.

use super::age::unlocalized;
use super::release::Version;
use super::upgrade_drops::is_between;

/// One line for each column and step: revision, table, column, `fills` or `changes`.
const NULLS: &str = include_str!("upgrade_nulls.tsv");

/// A step that makes a column NOT NULL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NullStep {
    /// The revision that the step belongs to.
    pub version: &'static str,
    /// Whether the step gives NULLs a value first.
    pub fills: bool,
}

/// The first step that makes the column NOT NULL, of those that run when a database of version `from` is upgraded
/// to `target`; `None` where no step does.
pub fn first(table: &str, column: &str, from: &Version, target: &Version) -> Option<NullStep> {
    let plain = unlocalized(column);
    NULLS.lines().find_map(|line| {
        let [version, of, named, what] = line.split('\t').collect::<Vec<_>>()[..] else {
            return None;
        };
        let is_named = match named.strip_suffix("_{locale}") {
            Some(base) => plain != column && base.eq_ignore_ascii_case(plain),
            None => named.eq_ignore_ascii_case(column),
        };
        let is_meant = of.eq_ignore_ascii_case(table) && is_named;
        (is_meant && is_between(version, from, target)).then_some(NullStep {
            version,
            fills: what == "fills",
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(table: &str, column: &str, from: &str, target: &str) -> Option<(&'static str, bool)> {
        let version = |text| Version::parse(text).unwrap();
        let step = first(table, column, &version(from), &version(target))?;
        Some((step.version, step.fills))
    }

    #[test]
    fn the_first_step_of_an_upgrade_decides_what_becomes_of_nulls() {
        let title = |from, target| step("civicrm_location_type", "display_name", from, target);
        assert_eq!(title("5.60.0", "5.81.2"), Some(("5.65.alpha1", true)));
        assert_eq!(title("5.60.0", "5.61.0"), None);
        assert_eq!(
            step("civicrm_word_replacement", "find_word", "5.81.2", "6.15.0"),
            Some(("6.14.alpha1", false))
        );
    }

    #[test]
    fn every_line_can_be_read() {
        for line in NULLS.lines().filter(|line| !line.starts_with('#')) {
            let fields: Vec<&str> = line.split('\t').collect();
            assert_eq!(fields.len(), 4, "{line}");
            assert!(Version::parse(fields[0]).is_some(), "{line}");
            assert!(["fills", "changes"].contains(&fields[3]), "{line}");
        }
    }
}
