//! Multilingual sites as the code of each release makes them, and as its upgrade steps leave them.

use cividb::checks;
use cividb::civicrm::catalogue::ReleaseSchema;
use cividb::schema::model::{Column, DefaultValue, Index, Schema};
use cividb::schema::sql::{ForeignKeys, create_table};

use crate::common;

const LANGUAGES: [&str; 3] = ["en_US", "fr_FR", "nl_NL"];

/// The form of a column that is NOT NULL on sites of one language.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Form {
    /// As code up to 5.15 makes it.
    Nullable,
    /// As code of 5.16 to 5.65 and most upgrade steps make it.
    NoDefault,
    /// As code from 5.66 on and the step 5.66.beta1 make it.
    Default,
}

/// The columns that upgrade steps after 5.66.beta1 made NOT NULL without a default.
const LATER: [(&str, &str); 5] = [
    ("civicrm_uf_group", "frontend_title"),
    ("civicrm_financial_type", "label"),
    ("civicrm_financial_account", "label"),
    ("civicrm_membership_type", "title"),
    ("civicrm_membership_type", "frontend_title"),
];

/// The dump of a site of a release with several languages. `form` gives the form of each column that is NOT NULL
/// on a site of one language, by table, column and language.
fn dump(release: &str, form: impl Fn(&str, &str, &str) -> Form) -> Vec<u8> {
    let catalogue = common::catalogue();
    let state = catalogue.state(release).expect("the state is known");
    let made = catalogue.schema(state);
    let mut text = String::from("SET NAMES utf8mb4;\nSET FOREIGN_KEY_CHECKS=0;\n");
    let plain: Schema = made.plain_install();
    for (name, table) in &plain.tables {
        let facts = &made.tables[name];
        let mut table = table.clone();
        let mut columns = indexmap::IndexMap::new();
        for (column, definition) in std::mem::take(&mut table.columns) {
            if !facts.localizable_columns.contains(&column) {
                columns.insert(column, definition);
                continue;
            }
            for language in LANGUAGES {
                let form = form(name, &column, language);
                columns.insert(format!("{column}_{language}"), formed(&definition, form));
            }
        }
        table.columns = columns;
        table.indexes = localized(&made, name, std::mem::take(&mut table.indexes));
        text.push_str(&create_table(name, &table, ForeignKeys::Included));
        text.push_str(";\n");
    }
    let languages = LANGUAGES.join("\u{1}");
    let version = state.last_release();
    text.push_str(&format!(
        "INSERT INTO civicrm_domain (id, name, version, locales) VALUES (1, 'x', '{version}', '\u{1}{languages}\u{1}');\n"
    ));
    text.into_bytes()
}

fn formed(column: &Column, form: Form) -> Column {
    let mut column = column.clone();
    if !column.nullable && column.default.is_none() {
        column.nullable = form == Form::Nullable;
        column.default = (form == Form::Default).then(|| DefaultValue::Literal(String::new()));
    }
    column
}

/// The indexes of a table, localizable ones once per language.
fn localized(
    made: &ReleaseSchema,
    table: &str,
    indexes: indexmap::IndexMap<String, Index>,
) -> indexmap::IndexMap<String, Index> {
    let facts = &made.tables[table];
    let mut all = indexmap::IndexMap::new();
    for (name, index) in indexes {
        if !facts.localizable_indexes.contains(&name) {
            all.insert(name, index);
            continue;
        }
        for language in LANGUAGES {
            let mut own = index.clone();
            for part in &mut own.parts {
                if facts.localizable_columns.contains(&part.column) {
                    part.column = format!("{}_{language}", part.column);
                }
            }
            all.insert(format!("{name}_{language}"), own);
        }
    }
    all
}

/// What `diff` finds in a dump.
fn found(dump: &[u8]) -> Vec<String> {
    let case = common::case(common::snapshot_of(dump));
    let list = common::findings(&case, checks::DIFF).list;
    let lines = list.iter().map(|finding| {
        let severity = finding.severity.as_str();
        format!("{severity} {}: {}", finding.check.id, finding.message)
    });
    lines.collect()
}

#[test]
fn healthy_multilingual_sites_of_all_rules_have_no_finding() {
    let is_later = |table: &str, column: &str| LATER.contains(&(table, column));
    for release in ["4.6", "5.13"] {
        assert_eq!(
            found(&dump(release, |_, _, _| Form::Nullable)),
            [""; 0],
            "{release}"
        );
    }
    for release in ["5.16", "5.40", "5.64", "5.65"] {
        assert_eq!(
            found(&dump(release, |_, _, _| Form::NoDefault)),
            [""; 0],
            "{release}"
        );
    }
    for release in [
        "5.66", "5.70", "5.75", "5.81", "6.4", "6.10", "6.12", "6.15",
    ] {
        // Multilingual from the beginning.
        assert_eq!(
            found(&dump(release, |_, _, _| Form::Default)),
            [""; 0],
            "{release}"
        );
        // Upgraded, and upgraded with a language added since.
        for added in [None, Some("nl_NL")] {
            let form = |table: &str, column: &str, language: &str| match is_later(table, column) {
                true if added != Some(language) => Form::NoDefault,
                _ => Form::Default,
            };
            assert_eq!(
                found(&dump(release, form)),
                [""; 0],
                "{release}, added {added:?}"
            );
        }
    }
    // Upgraded from 5.15 or before, where no step had made the columns NOT NULL by then.
    let made_by_step = |table: &str, column: &str| {
        matches!(
            (table, column),
            ("civicrm_membership_type", "name")
                | ("civicrm_payment_processor", _)
                | ("civicrm_contribution_page", _)
                | ("civicrm_group", _)
                | ("civicrm_location_type", _)
                | ("civicrm_price_field_value", _)
        )
    };
    for release in ["5.26", "5.40", "5.65"] {
        let form = |table: &str, column: &str, _: &str| match made_by_step(table, column) {
            true => Form::NoDefault,
            false => Form::Nullable,
        };
        assert_eq!(found(&dump(release, form)), [""; 0], "{release}");
    }
}

#[test]
fn a_localized_column_that_no_code_makes_so_is_found() {
    let one = |release: &str, form: Form| {
        let usual = match release {
            "5.81" => Form::Default,
            _ => Form::NoDefault,
        };
        found(&dump(release, |table, column, language| {
            match (table, column, language) {
                ("civicrm_group", "title", "fr_FR") => form,
                _ => usual,
            }
        }))
    };
    for (release, form) in [
        ("5.81", Form::NoDefault),
        ("5.81", Form::Nullable),
        ("5.65", Form::Nullable),
    ] {
        let found = one(release, form);
        assert!(
            matches!(&found[..], [one] if one.contains("column-differs: column civicrm_group.title_fr_FR")
                // As 5.31 to 5.64 have it.
                && one.starts_with("note") == (release == "5.65")),
            "{release} {form:?} {found:#?}"
        );
    }
}

#[test]
fn a_site_that_went_back_to_one_language_keeps_its_defaults() {
    let text = common::sample();
    let label = "`label` varchar(512) COLLATE utf8mb4_unicode_ci NOT NULL";
    let changed = common::replaced(&text, &format!("{label},"), &format!("{label} DEFAULT '',"));
    assert_ne!(changed, text);
    assert_eq!(found(&changed), found(&text));
}
