//! What CiviCRM's own upgrade code looks at and stops for, beyond what a statement needs.
//!
//! The operations of the steps say which tables and columns such code reads; here stands what must be true of them.

use crate::schema::model::KeyPart;

/// The place in an upgrade at which CiviCRM's code looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The revision of the step.
    pub step: &'static str,
    /// The kind of the first operation of the step that is about the table, as
    /// [`Op::kind`](super::op::Op::kind) names it.
    pub operation: &'static str,
    /// What CiviCRM shows when it stops, as far as its beginning.
    pub shown: &'static str,
}

/// References that a step looks at before it begins; it stops where a row lacks its parent.
#[derive(Debug, PartialEq, Eq)]
pub struct Parents {
    /// Where CiviCRM's code looks.
    pub at: Place,
    /// The table whose rows refer.
    pub table: &'static str,
    /// The columns that refer, each with the table whose `id` they hold.
    pub columns: &'static [(&'static str, &'static str)],
}

/// The references that steps look at. From CRM/Upgrade/Incremental/php/FourThree.php of 4.4.21.
pub const PARENTS: &[Parents] = &[
    Parents {
        at: Place {
            step: "4.3.beta3",
            operation: "select",
            shown: "There is a data integrity issue with this CiviCRM database. …",
        },
        table: "civicrm_contribution",
        columns: &[("contact_id", "civicrm_contact")],
    },
    Parents {
        at: Place {
            step: "4.3.6",
            operation: "select",
            shown: "Oops, it looks like you have orphaned recurring contribution records in your database. …",
        },
        table: "civicrm_contribution_recur",
        columns: &[
            ("contact_id", "civicrm_contact"),
            ("payment_processor_id", "civicrm_payment_processor"),
            ("campaign_id", "civicrm_campaign"),
            ("financial_type_id", "civicrm_financial_type"),
        ],
    },
];

/// Tables of which a step looks whether they have a foreign key at all; it stops where one has none.
#[derive(Debug, PartialEq, Eq)]
pub struct ForeignKeys {
    /// Where CiviCRM's code looks.
    pub at: Place,
    /// The tables.
    pub tables: &'static [&'static str],
}

/// The tables that must have a foreign key. From CRM/Upgrade/Incremental/php/FourTwo.php and CRM/Core/DAO.php
/// (`schemaRequires…`) of 4.2.
pub const FOREIGN_KEYS: ForeignKeys = ForeignKeys {
    at: Place {
        step: "4.2.alpha1",
        operation: "other",
        shown: "The upgrade has identified some schema integrity issues in the database. It seems some of your \
                constraints are missing. …",
    },
    tables: &[
        "civicrm_contribution_page",
        "civicrm_event",
        "civicrm_group",
        "civicrm_contact",
    ],
};

/// Something that rows of one table must not be, or must be.
#[derive(Debug, PartialEq, Eq)]
pub struct Rule {
    /// The name of the rule, in one word that is fit for the name of a file.
    pub name: &'static str,
    /// The table whose rows the rule is about.
    pub table: &'static str,
    /// Where an upgrade makes the test; `None` where CiviCRM's code depends on it in every release.
    pub at: Option<Place>,
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
    /// No two rows are equal in these columns, NULLs counting as different, as in a unique key. Rows with one of
    /// these values in the first column are left out.
    Distinct(&'static [&'static str], &'static [&'static str]),
    /// No contribution has several rows here and no line item.
    SeveralWithoutLineItem,
}

/// The rules about rows of all releases.
pub const RULES: &[Rule] = &[
    Rule {
        name: "price-field-amounts",
        table: "civicrm_option_group",
        at: Some(Place {
            step: "4.2.9",
            operation: "select",
            shown: "We found unexpected data values from an older version of CiviCRM in your database. …",
        }),
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
        at: Some(Place {
            step: "4.2.alpha1",
            operation: "select",
            shown: "The upgrade is being aborted due to data integrity issues in your database. …",
        }),
        test: Test::SeveralWithoutLineItem,
        message: "are of contributions for several memberships without a line item",
        harm: "the upgrade to 4.2 stops: \"There are multiple membership records linked to the same contribution \
               record\" (CRM/Upgrade/Incremental/php/FourTwo.php)",
        fix: "Keep the payment that belongs to the contribution, and delete the others.",
    },
    Rule {
        name: "setting-duplicates",
        table: "civicrm_setting",
        at: Some(Place {
            step: "4.7.alpha1",
            operation: "add_index",
            shown: "DB Error: already exists",
        }),
        // The step deletes the navigation of contacts before it makes the key (migrateSettings in FourSeven.php).
        test: Test::Distinct(&["name", "domain_id", "contact_id"], &["navigation"]),
        message: "are settings that are there several times",
        harm: "migrateSettings of the upgrade to 4.7 stops with error 1062 \
               (CRM/Upgrade/Incremental/php/FourSeven.php)",
        fix: "Keep the newest row of each (highest created_date, then id), and delete the others.",
    },
    Rule {
        name: "deceased-status",
        table: "civicrm_membership_status",
        at: None,
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
    /// The columns that the rule looks at, each with its table where that is another one.
    pub fn columns(&self) -> impl Iterator<Item = (Option<&'static str>, &'static str)> {
        let columns: Vec<(Option<&str>, &str)> = match self.test {
            Test::NoneLike(column, _) => vec![(None, column)],
            Test::Present(column, _, active) => vec![(None, column), (None, active)],
            Test::Distinct(columns, _) => columns.iter().map(|column| (None, *column)).collect(),
            Test::SeveralWithoutLineItem => vec![
                (None, "contribution_id"),
                (Some("civicrm_line_item"), "entity_table"),
                (Some("civicrm_line_item"), "entity_id"),
            ],
        };
        columns.into_iter()
    }

    /// The columns that have to be unique together; `None` for any other test.
    pub fn key(&self) -> Option<Vec<KeyPart>> {
        match self.test {
            Test::Distinct(columns, _) => {
                Some(columns.iter().copied().map(KeyPart::column).collect())
            }
            _ => None,
        }
    }

    /// The values of the first of the columns that have to be unique together whose rows are left out.
    pub fn left_out(&self) -> &'static [&'static str] {
        match self.test {
            Test::Distinct(_, left_out) => left_out,
            _ => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::civicrm::upgrade::op::{Action, Op};
    use crate::civicrm::upgrade::steps::embedded;

    fn reads(op: &Op, table: &str) -> bool {
        match &op.action {
            Action::Select(query) => query.reads.contains_key(table),
            _ => op.table() == Some(table),
        }
    }

    fn has_place(at: &Place, table: Option<&str>) -> bool {
        let file = embedded().iter().find(|file| file.name == at.step);
        let file = file.unwrap_or_else(|| panic!("{at:?}"));
        let step = file.step().unwrap();
        let mut ops = step.tasks.iter().flat_map(|task| &task.ops);
        ops.any(|op| op.kind() == at.operation && table.is_none_or(|table| reads(op, table)))
    }

    #[test]
    fn the_operations_of_the_steps_have_every_place() {
        for rule in RULES {
            if let Some(at) = &rule.at {
                assert!(has_place(at, Some(rule.table)), "{}", rule.name);
            }
        }
        for parents in PARENTS {
            assert!(has_place(&parents.at, Some(parents.table)), "{parents:?}");
        }
        assert!(has_place(&FOREIGN_KEYS.at, None));
    }
}
