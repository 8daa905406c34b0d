//! How a multilingual site has the columns that stand in its tables once per language.
//!
//! A language's column gets its type from CRM/Core/I18n/SchemaStructure.php (from 5.75 on computed there, before by
//! CRM/Core/CodeGen/I18n.php) of the code that makes the site multilingual or adds the language. Where the field is
//! NOT NULL on a site of one language, the column was nullable up to 5.15, is NOT NULL from 5.16 on, and has the
//! default '' from 5.66 on. Upgrade steps made some columns NOT NULL, and 5.66.beta1 gave 18 of them the default.

use super::catalogue::State;
use super::release::Version;
use crate::schema::model::{Column, DefaultValue};

/// The columns that the upgrade step 5.66.beta1 makes NOT NULL DEFAULT '' in every language, by table. From then on
/// no site has them otherwise.
const SETTLED: &[(&str, &str)] = &[
    ("civicrm_case_type", "title"),
    ("civicrm_contribution_page", "frontend_title"),
    ("civicrm_contribution_page", "title"),
    ("civicrm_custom_field", "label"),
    ("civicrm_custom_group", "title"),
    ("civicrm_group", "frontend_title"),
    ("civicrm_group", "title"),
    ("civicrm_location_type", "display_name"),
    ("civicrm_membership_type", "name"),
    ("civicrm_option_value", "label"),
    ("civicrm_payment_processor", "frontend_title"),
    ("civicrm_payment_processor", "title"),
    ("civicrm_price_field", "label"),
    ("civicrm_price_set", "title"),
    ("civicrm_product", "name"),
    ("civicrm_survey", "title"),
    ("civicrm_uf_field", "label"),
    ("civicrm_uf_group", "title"),
];

/// The columns that an upgrade step makes, or made, NOT NULL in every language as soon as the release asks for it
/// (5.27, 5.61, 5.63, 5.65, 5.71, 5.79 and 6.11), by table.
const MADE_NOT_NULL: &[(&str, &str)] = &[
    ("civicrm_contribution_page", "frontend_title"),
    ("civicrm_contribution_page", "title"),
    ("civicrm_financial_account", "label"),
    ("civicrm_financial_type", "label"),
    ("civicrm_group", "frontend_title"),
    ("civicrm_group", "title"),
    ("civicrm_location_type", "display_name"),
    ("civicrm_membership_type", "frontend_title"),
    ("civicrm_membership_type", "name"),
    ("civicrm_membership_type", "title"),
    ("civicrm_payment_processor", "frontend_title"),
    ("civicrm_payment_processor", "title"),
    ("civicrm_price_field_value", "label"),
    ("civicrm_uf_group", "frontend_title"),
];

/// The releases from which on columns in a language are made in another way.
pub(super) const TURNS: [(u32, u32); 2] = [NOT_NULL, DEFAULT];
/// From here on they are NOT NULL where a site of one language has them so.
const NOT_NULL: (u32, u32) = (5, 16);
/// From here on they have the default ''.
const DEFAULT: (u32, u32) = (5, 66);

/// Whether every site of this state has one form of the column, named without its language.
pub(super) fn is_settled(table: &str, column: &str, state: &State) -> bool {
    has_default(state) && is_among(SETTLED, table, column)
}

/// The column of one language, by the column that a site of one language has. Where several forms are right, it is
/// the one that `ours` has.
pub(super) fn column_of_language(
    table: &str,
    name: &str,
    plain: &Column,
    ours: Option<&Column>,
    state: &State,
) -> Column {
    let mut column = plain.clone();
    if column.nullable || column.default.is_some() {
        return column;
    }
    if is_settled(table, name, state) {
        column.default = empty();
        return column;
    }
    let Some(ours) = ours else {
        // As code of the release makes it, where it was lost.
        column.nullable = is_before(state, NOT_NULL);
        if has_default(state) {
            column.default = empty();
        }
        return column;
    };
    if is_empty(ours) {
        // No step and no statement fails for it.
        column.default = empty();
    }
    column.nullable =
        ours.nullable && ours.default.is_none() && !is_among(MADE_NOT_NULL, table, name);
    column
}

/// The column of a site of one language, which may have been multilingual: it then keeps the default that the
/// column had with a language.
pub(super) fn column_of_one_language(
    plain: &Column,
    ours: Option<&Column>,
    state: &State,
) -> Column {
    let mut column = plain.clone();
    let came_back = !plain.nullable && has_default(state) && ours.is_some_and(is_empty);
    if came_back && plain.default.is_none() {
        column.default = empty();
    }
    column
}

fn has_default(state: &State) -> bool {
    !is_before(state, DEFAULT)
}

fn is_before(state: &State, release: (u32, u32)) -> bool {
    Version::parse(&state.name).is_none_or(|version| version.major_minor() < release)
}

fn is_among(list: &[(&str, &str)], table: &str, column: &str) -> bool {
    list.contains(&(table, column))
}

fn empty() -> Option<DefaultValue> {
    Some(DefaultValue::Literal(String::new()))
}

fn is_empty(column: &Column) -> bool {
    !column.nullable && column.default == empty()
}
