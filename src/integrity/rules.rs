//! What CiviCRM's upgrade steps and code require of rows, beyond the keys that a schema can show.

use crate::civicrm::catalogue::State;
use crate::civicrm::release::Version;
use crate::civicrm::upgrade::steps::runs;
use crate::schema::model::KeyPart;

/// A pair of columns that names a table and an id in it. A foreign key cannot enforce it.
#[derive(Debug, PartialEq, Eq)]
pub struct PairOf {
    /// The table that has the two columns.
    pub table: &'static str,
    /// The column that names a table.
    pub type_column: &'static str,
    /// The column that holds the id.
    pub id_column: &'static str,
    /// Words, other than their names, by which the column names tables: word and table.
    pub words: &'static [(&'static str, &'static str)],
    /// Whether rows outlive what they are about by design, so that a missing parent does no harm.
    pub outlives: bool,
}

const fn pair(table: &'static str) -> PairOf {
    PairOf {
        table,
        type_column: "entity_table",
        id_column: "entity_id",
        words: &[],
        outlives: false,
    }
}

const PAGES: &[(&str, &str)] = &[
    ("contribute", "civicrm_contribution_page"),
    ("event", "civicrm_event"),
];

/// Every pair from 2.2 to 6.15, from `xml/schema` (`dynamicForeignKey`) and, from 5.81,
/// `schema/*.entityType.php`. Three are left out: `civicrm_log` keeps what was deleted,
/// `civicrm_acl` holds values of an option group, and `civicrm_translation_source` names entities.
pub const PAIRS: &[PairOf] = &[
    pair("civicrm_acl_entity_role"),
    PairOf {
        outlives: true,
        ..pair("civicrm_action_log")
    },
    pair("civicrm_campaign_group"),
    pair("civicrm_discount"),
    pair("civicrm_entity_batch"),
    pair("civicrm_entity_file"),
    pair("civicrm_entity_financial_account"),
    pair("civicrm_entity_financial_trxn"),
    pair("civicrm_entity_tag"),
    pair("civicrm_financial_item"),
    pair("civicrm_line_item"),
    PairOf {
        outlives: true,
        ..pair("civicrm_mailing_group")
    },
    pair("civicrm_membership_block"),
    pair("civicrm_note"),
    PairOf {
        type_column: "page_type",
        id_column: "page_id",
        words: PAGES,
        ..pair("civicrm_pcp")
    },
    PairOf {
        words: PAGES,
        ..pair("civicrm_pcp_block")
    },
    PairOf {
        type_column: "target_entity_type",
        id_column: "target_entity_id",
        words: PAGES,
        ..pair("civicrm_pcp_block")
    },
    pair("civicrm_pledge_block"),
    pair("civicrm_premiums"),
    pair("civicrm_price_set_entity"),
    PairOf {
        type_column: "owner_entity_table",
        id_column: "owner_entity_id",
        ..pair("civicrm_project")
    },
    pair("civicrm_recurring_entity"),
    PairOf {
        type_column: "owner_entity_table",
        id_column: "owner_entity_id",
        ..pair("civicrm_task")
    },
    PairOf {
        type_column: "parent_entity_table",
        id_column: "parent_entity_id",
        ..pair("civicrm_task")
    },
    PairOf {
        type_column: "responsible_entity_table",
        id_column: "responsible_entity_id",
        ..pair("civicrm_task_status")
    },
    PairOf {
        type_column: "target_entity_table",
        id_column: "target_entity_id",
        ..pair("civicrm_task_status")
    },
    pair("civicrm_tell_friend"),
    pair("civicrm_translation"),
    pair("civicrm_uf_join"),
];

/// The pairs of columns of one table.
pub fn pairs_of(table: &str) -> impl Iterator<Item = &'static PairOf> {
    PAIRS
        .iter()
        .filter(move |pair| pair.table.eq_ignore_ascii_case(table))
}

/// References that an upgrade step looks at before it begins: version, table, column. It stops
/// where a row lacks its parent. From CRM/Upgrade/Incremental/php/FourThree.php of 4.4.
const PRE_CHECKED: &[(&str, &str, &str)] = &[
    ("4.3.beta3", "civicrm_contribution", "contact_id"),
    ("4.3.6", "civicrm_contribution_recur", "contact_id"),
    (
        "4.3.6",
        "civicrm_contribution_recur",
        "payment_processor_id",
    ),
    ("4.3.6", "civicrm_contribution_recur", "campaign_id"),
    ("4.3.6", "civicrm_contribution_recur", "financial_type_id"),
];

/// The step of this upgrade that stops when rows of the column lack their parents.
pub fn pre_checked(
    table: &str,
    column: &str,
    from: Option<&Version>,
    target: Option<(&Version, &State)>,
) -> Option<String> {
    let (from, (target, _)) = (from?, target?);
    let (step, ..) = PRE_CHECKED.iter().find(|(step, of, named)| {
        of.eq_ignore_ascii_case(table)
            && named.eq_ignore_ascii_case(column)
            && is_step(step, from, target)
    })?;
    Some((*step).to_owned())
}

fn is_step(step: &str, from: &Version, target: &Version) -> bool {
    Version::parse(step).is_some_and(|step| runs(&step, from, target))
}

/// Something that rows of one table must not be, or must be.
#[derive(Debug, PartialEq, Eq)]
pub struct Rule {
    /// The name of the rule, in one word that is fit for the name of a file.
    pub name: &'static str,
    /// The table whose rows the rule is about.
    pub table: &'static str,
    /// The last upgrade step that makes the test; with `always` every release depends on it.
    pub step: &'static str,
    /// Whether CiviCRM's code depends on it in every release, not only during the upgrade.
    pub always: bool,
    /// The test that the rows have to pass.
    pub test: Test,
    /// What is wrong, as the end of a sentence that begins with a number of rows.
    pub message: &'static str,
    /// What happens because of such rows.
    pub harm: &'static str,
    /// What to do about such rows.
    pub fix: &'static str,
}

/// The test that rows have to pass.
#[derive(Debug, PartialEq, Eq)]
pub enum Test {
    /// No value of the column is LIKE the pattern.
    NoneLike(&'static str, &'static str),
    /// If the table has rows, one has this value in the first column and is active by the second.
    Present(&'static str, &'static str, &'static str),
    /// No two rows are equal in these columns, NULLs counting as equal.
    Distinct(&'static [&'static str]),
    /// No contribution has several rows here and no line item.
    SeveralWithoutLineItem,
}

/// The rules about rows of all releases.
pub const RULES: &[Rule] = &[
    Rule {
        name: "price-field-amounts",
        table: "civicrm_option_group",
        step: "4.2.9",
        always: false,
        test: Test::NoneLike("name", "civicrm_price_field.amount.%"),
        message: "are groups of price options as they were before 3.3",
        harm: "the upgrade to 4.2 stops: \"We found unexpected data values from an older version of CiviCRM in \
               your database\" (CRM/Upgrade/Incremental/php/FourTwo.php)",
        fix: "Look whether a price field still uses them (civicrm_price_field_value took their place); delete \
              the option values and groups that none does.",
    },
    Rule {
        name: "membership-payments",
        table: "civicrm_membership_payment",
        step: "4.2.alpha1",
        always: false,
        test: Test::SeveralWithoutLineItem,
        message: "are of contributions for several memberships without a line item",
        harm: "the upgrade to 4.2 stops: \"There are multiple membership records linked to the same contribution \
               record\" (CRM/Upgrade/Incremental/php/FourTwo.php)",
        fix: "Keep the payment that belongs to the contribution, and delete the others.",
    },
    Rule {
        name: "setting-duplicates",
        table: "civicrm_setting",
        step: "4.7.alpha1",
        always: false,
        test: Test::Distinct(&["name", "domain_id", "contact_id"]),
        message: "are settings that are there several times",
        harm: "migrateSettings of the upgrade to 4.7 stops with error 1062 \
               (CRM/Upgrade/Incremental/php/FourSeven.php)",
        fix: "Keep the newest row of each (highest created_date, then id), and delete the others.",
    },
    Rule {
        name: "deceased-status",
        table: "civicrm_membership_status",
        step: "3.2.alpha1",
        always: true,
        test: Test::Present("name", "Deceased", "is_active"),
        message: "civicrm_membership_status has no active status with the name Deceased",
        harm: "whoever marks a member as deceased gets \"Deceased Membership status is missing or not active\" \
               (CRM/Member/BAO/Membership.php)",
        fix: "Turn the status on again, or add it with the name Deceased, reserved and active.",
    },
];

/// The rules about one table.
pub fn rules_of(table: &str) -> impl Iterator<Item = &'static Rule> {
    RULES
        .iter()
        .filter(move |rule| rule.table.eq_ignore_ascii_case(table))
}

impl Rule {
    /// Whether the rule matters to a database that is to be upgraded from one version to another.
    pub fn applies(&self, from: Option<&Version>, target: Option<&Version>) -> bool {
        self.always
            || from
                .zip(target)
                .is_some_and(|(from, target)| is_step(self.step, from, target))
    }

    /// The columns that the rule looks at, each with its table where that is another one.
    pub fn columns(&self) -> impl Iterator<Item = (Option<&'static str>, &'static str)> {
        let columns: Vec<(Option<&str>, &str)> = match self.test {
            Test::NoneLike(column, _) => vec![(None, column)],
            Test::Present(column, _, active) => vec![(None, column), (None, active)],
            Test::Distinct(columns) => columns.iter().map(|column| (None, *column)).collect(),
            Test::SeveralWithoutLineItem => vec![
                (None, "contribution_id"),
                (Some("civicrm_line_item"), "entity_table"),
                (Some("civicrm_line_item"), "entity_id"),
            ],
        };
        columns.into_iter()
    }

    /// The columns that have to be unique together, NULLs counting as equal; `None` for any other
    /// test.
    pub fn key(&self) -> Option<Vec<KeyPart>> {
        match self.test {
            Test::Distinct(columns) => Some(columns.iter().copied().map(KeyPart::column).collect()),
            _ => None,
        }
    }
}

/// Whether a text is LIKE a pattern in a collation that ignores letter case: `%` stands for any
/// text and `_` for any character.
pub fn is_like(text: &str, pattern: &str) -> bool {
    fn matches(text: &[char], pattern: &[char]) -> bool {
        match pattern {
            [] => text.is_empty(),
            ['%'] => true,
            ['%', rest @ ..] => (0..=text.len())
                .any(|skipped| text.get(skipped..).is_some_and(|text| matches(text, rest))),
            [first, rest @ ..] => match text {
                [letter, text @ ..] => {
                    (*first == '_' || letter.eq_ignore_ascii_case(first)) && matches(text, rest)
                }
                [] => false,
            },
        }
    }
    let text: Vec<char> = text.chars().collect();
    let pattern: Vec<char> = pattern.chars().collect();
    matches(&text, &pattern)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn like_is_that_of_servers() {
        let pattern = "civicrm_price_field.amount.%";
        for (text, is) in [
            ("civicrm_price_field.amount.7", true),
            ("CiviCRM_price_field.amount.", true),
            ("civicrm-price-field.amount.7", true),
            ("civicrm_price_field.amounts", false),
            ("x civicrm_price_field.amount.7", false),
            ("", false),
        ] {
            assert_eq!(is_like(text, pattern), is, "{text}");
        }
    }

    #[test]
    fn every_step_is_a_version() {
        let steps = RULES.iter().map(|rule| rule.step);
        for step in steps.chain(PRE_CHECKED.iter().map(|(step, ..)| *step)) {
            assert!(Version::parse(step).is_some(), "{step}");
        }
    }
}
