//! References from rows to rows that no foreign key shows, and patterns as servers match them.

use crate::civicrm::upgrade::own_checks::{Rule, Test};
use crate::dump::values::Value;

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

/// Whether a value meets a rule's test.
pub fn is_hit(rule: &Rule, value: &Value) -> bool {
    let Some(text) = value.bytes() else {
        return false;
    };
    match rule.test {
        Test::NoneLike(_, pattern) => is_like(&String::from_utf8_lossy(&text), pattern),
        Test::Present(..) | Test::Distinct(..) | Test::SeveralWithoutLineItem => false,
    }
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
}
