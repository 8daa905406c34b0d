//! All checks, and the one way to run them.

use super::check::{Check, Group, Rule};
use super::examination::Examination;
use super::finding::Findings;
use super::needs::{Answer, Lack, Need};
use super::{
    against, age, cms, conduct, contents, definers, extensions, grants, letter_case, objects,
    places, programs, restore, restore_privilege, rows, schema, server, settings, site, upgrade,
    users, version, wholeness,
};
use crate::civicrm::site::Site;

/// Every check once, in the order in which reports list them, by the file that they stand in.
static FAMILIES: [&[&Check]; 23] = [
    wholeness::CHECKS,
    age::CHECKS,
    objects::CHECKS,
    letter_case::CHECKS,
    against::CHECKS,
    schema::CHECKS,
    programs::CHECKS,
    grants::CHECKS,
    server::CHECKS,
    definers::CHECKS,
    restore::CHECKS,
    restore_privilege::CHECKS,
    rows::CHECKS,
    version::CHECKS,
    upgrade::CHECKS,
    contents::CHECKS,
    settings::CHECKS,
    site::CHECKS,
    cms::CHECKS,
    conduct::CHECKS,
    places::CHECKS,
    users::CHECKS,
    extensions::CHECKS,
];

/// Every check once, in the order in which reports list them.
pub fn checks() -> impl Iterator<Item = &'static Check> {
    FAMILIES.iter().flat_map(|family| family.iter().copied())
}

/// The check with this id.
pub fn find(id: &str) -> Option<&'static Check> {
    checks().find(|check| check.id == id)
}

/// The position of a check in the registry; an unknown id comes after all of them.
pub(super) fn position(id: &str) -> usize {
    checks().take_while(|check| check.id != id).count()
}

/// Which checks are made, by their ids.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// The checks to make; all when it is empty.
    pub only: Vec<&'static str>,
    /// The checks to leave out.
    pub skip: Vec<&'static str>,
}

impl Selection {
    /// Whether the check is made.
    pub fn includes(&self, check: &Check) -> bool {
        (self.only.is_empty() || self.only.contains(&check.id)) && !self.skip.contains(&check.id)
    }
}

/// Runs the rules of these groups of all selected checks. A check whose needs the source does not meet is
/// reported as not made.
pub fn examine(examined: &Examination, groups: &[Group], selection: &Selection) -> Findings {
    let mut findings = Findings::default();
    for check in checks().filter(|check| selection.includes(check)) {
        run(check, groups, examined, &mut findings);
    }
    upgrade::take_over_rows(examined, &mut findings);
    let site = examined.case.site.as_ref();
    let locales = site.map_or(0, Site::locales_left_out);
    if locales > 0 && groups.contains(&Group::Schema) && selection.includes(&schema::COLUMN_MISSING)
    {
        findings.skip(
            &schema::COLUMN_MISSING,
            Lack::of_promised(format!(
                "civicrm_domain names too many languages: {} not looked at",
                crate::text::count(locales as u64, "language")
            )),
        );
    }
    findings.sort();
    findings
}

/// Says of each wanted check in these groups that no rule of it could look at such a source: that it found nothing must
/// not look like an answer. Tells whether any wanted check could.
pub fn say_what_does_not_apply(
    selection: &Selection,
    groups: &[Group],
    examined: &Examination,
    findings: &mut Findings,
) -> bool {
    let wanted = checks().filter(|check| selection.includes(check) && check.is_in(groups));
    let mut any_could = false;
    for check in wanted {
        let rules = check
            .rules
            .iter()
            .filter(|rule| groups.contains(&rule.group));
        let needs = |rule: &Rule| {
            let mut needs = rule.needs.iter();
            needs.find(|need| need.answer(examined) != Answer::Met)
        };
        let missing: Option<Vec<&Need>> = rules.map(needs).collect();
        any_could |= missing.is_none();
        let is_said = (findings.not_checked.iter()).any(|skipped| skipped.check == check.id);
        if let Some([need, ..]) = missing.as_deref()
            && !is_said
        {
            findings.skip(check, Lack::of_course(need.does_not_apply()));
        }
    }
    any_could
}

/// Runs those rules of one check that belong to these groups.
pub(super) fn run(
    check: &'static Check,
    groups: &[Group],
    examined: &Examination,
    findings: &mut Findings,
) {
    for rule in check
        .rules
        .iter()
        .filter(|rule| groups.contains(&rule.group))
    {
        let mut answers = rule.needs.iter().map(|need| need.answer(examined));
        match answers.find(|answer| *answer != Answer::Met) {
            None => (rule.run)(check, examined, findings),
            Some(Answer::Lacking(lack)) => findings.skip(check, lack),
            Some(Answer::NotApplicable | Answer::Met) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_are_unique_and_well_formed() {
        let ids: HashSet<&str> = checks().map(|check| check.id).collect();
        assert_eq!(ids.len(), checks().count());
        for id in ids {
            let is_well_formed = id
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'-');
            assert!(is_well_formed, "{id}");
        }
    }

    #[test]
    fn every_check_says_what_to_do_and_has_a_rule() {
        for check in checks() {
            assert!(
                check.fix.ends_with('.') || check.fix.ends_with("it."),
                "{}",
                check.id
            );
            assert!(check.why.ends_with('.'), "{}", check.id);
            assert!(!check.rules.is_empty(), "{}", check.id);
        }
    }
}
