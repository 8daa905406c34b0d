//! From which version the code of a release upgrades, and the way where it does not take the version.

use crate::civicrm::catalogue::Catalogue;
use crate::civicrm::release::Version;

/// The lowest version that code of a release takes, from the release on. Enforced from 4.7.0 on
/// (MINIMUM_UPGRADABLE_VERSION of CRM/Upgrade/Form.php).
const MINIMUM: &[((u32, u32), &str)] = &[
    ((4, 7), "4.0.8"),
    ((5, 1), "4.1.3"),
    ((5, 12), "4.2.9"),
    ((5, 29), "4.4.7"),
    ((5, 43), "4.5.9"),
    ((5, 46), "4.6.12"),
    ((5, 62), "4.7.31"),
    ((6, 14), "5.51"),
];

/// The lowest version on which older code really works, whatever its guide says: code from 4.2 on empties
/// `civicrm_acl_contact_cache` (there from 3.1.alpha1) after every step, code from 4.3.6 on reads
/// `civicrm_contribution_recur.payment_processor_id` (there from 3.3.2) before the first one; code from 5.11 on reads `civicrm_extension` (there from 4.2.beta1) before the first step.
const REALLY_NEEDED: &[((u32, u32), &str)] =
    &[((4, 2), "3.1.0"), ((4, 3), "3.3.2"), ((5, 11), "4.2.0")];

/// The lowest PHP and the newest that the release recommends, from the release on (`CRM/Upgrade/Incremental/General.php`,
/// `install/index.php`). A release runs on no PHP that is much newer than the recommended one.
const PHP: &[((u32, u32), &str, Option<&str>)] = &[
    ((2, 2), "5.2", None),
    ((4, 2), "5.3", None),
    ((4, 7), "5.4", Some("7.0")),
    ((5, 0), "5.5", Some("7.0")),
    ((5, 6), "5.5", Some("7.1")),
    ((5, 10), "5.6", Some("7.2")),
    ((5, 15), "7.0", Some("7.2")),
    ((5, 24), "7.0", Some("7.3")),
    ((5, 25), "7.1", Some("7.3")),
    ((5, 35), "7.2", Some("7.3")),
    ((5, 46), "7.2", Some("7.4")),
    ((5, 58), "7.3", Some("7.4")),
    ((5, 66), "7.3", Some("8.1")),
    ((5, 70), "7.4", Some("8.1")),
    ((5, 78), "7.4", Some("8.3")),
    ((6, 0), "8.0", Some("8.3")),
    ((6, 12), "8.1", Some("8.4")),
];

fn latest<'a, T>(changes: &'a [((u32, u32), T)], code: &Version) -> Option<&'a T> {
    let newest = changes
        .iter()
        .rfind(|(since, _)| *since <= code.major_minor());
    newest.map(|(_, value)| value)
}

/// The lowest version that code of this release says it takes; `None` where it takes any.
pub fn minimum(code: &Version) -> Option<Version> {
    latest(MINIMUM, code).and_then(|minimum| Version::parse(minimum))
}

/// Whether code of a release can upgrade a database of this version.
pub fn takes(code: &Version, from: &Version) -> bool {
    let needed = latest(REALLY_NEEDED, code).and_then(|needed| Version::parse(needed));
    let is_enough = |minimum: Option<Version>| minimum.is_none_or(|minimum| *from >= minimum);
    is_enough(minimum(code)) && is_enough(needed)
}

/// The PHP versions for code of a release: `7.1 to 7.3`, `5.3 or later`.
pub fn php(code: &Version) -> String {
    let newest = PHP.iter().rfind(|(since, ..)| *since <= code.major_minor());
    match newest.or_else(|| PHP.first()) {
        Some((_, lowest, Some(highest))) => format!("{lowest} to {highest}"),
        Some((_, lowest, None)) => format!("{lowest} or later of that time"),
        None => String::new(),
    }
}

/// The releases whose code runs one after the other to bring a database to `target`; the last of them is `target`. As
/// few as can be: each of those before is the newest that takes what the one before left. `None` where no known release
/// takes the database.
pub fn path(catalogue: &Catalogue, from: &Version, target: &Version) -> Option<Vec<Version>> {
    let mut releases: Vec<Version> = catalogue
        .states()
        .iter()
        .flat_map(|state| &state.releases)
        .filter_map(|release| Version::parse(release))
        .collect();
    releases.sort();
    releases.dedup();
    let mut path = Vec::new();
    let mut at = from.clone();
    while !takes(target, &at) {
        let next = releases
            .iter()
            .rfind(|release| **release > at && *release < target && takes(release, &at))?;
        at = next.clone();
        path.push(at.clone());
    }
    path.push(target.clone());
    Some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path_of(from: &str, target: &str) -> Vec<String> {
        let version = |text| Version::parse(text).unwrap();
        let catalogue = Catalogue::embedded().unwrap();
        let path = path(catalogue, &version(from), &version(target)).unwrap();
        path.iter().map(Version::to_string).collect()
    }

    #[test]
    fn code_that_takes_the_version_goes_straight_there() {
        assert_eq!(path_of("4.7.31", "5.81.2"), ["5.81.2"]);
        assert_eq!(path_of("4.4.7", "5.33.2"), ["5.33.2"]);
    }

    #[test]
    fn an_old_version_goes_by_the_newest_release_that_takes_it() {
        let path = path_of("4.4.5", "6.10.2");
        assert_eq!(path.len(), 2, "{path:?}");
        assert!(path[0].starts_with("5.28."), "{path:?}");
        let path = path_of("2.2.9", "6.10.2");
        assert!(path[0].starts_with("4.1."), "{path:?}");
        assert_eq!(path.len(), 3, "{path:?}");
    }
}
