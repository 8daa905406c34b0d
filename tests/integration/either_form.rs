//! Objects of which fresh and upgraded sites of a release have different forms: both are right.

use cividb::checks;
use cividb::schema::model::Schema;
use cividb::schema::sql::{ForeignKeys, create_table};

use crate::common;

/// What `diff` finds in a site of a release whose tables were changed so.
fn found(release: &str, change: impl Fn(&mut Schema)) -> Vec<String> {
    let catalogue = common::catalogue();
    let state = catalogue.state(release).expect("the state is known");
    let mut schema = catalogue.schema(state).plain_install();
    change(&mut schema);
    let mut text = String::from("SET NAMES utf8mb4;\nSET FOREIGN_KEY_CHECKS=0;\n");
    for (name, table) in &schema.tables {
        text.push_str(&create_table(name, table, ForeignKeys::Included));
        text.push_str(";\n");
    }
    let version = match state.last_release() {
        "2.1" => "2.1.6",
        "3.1" => "3.1.6",
        other => other,
    };
    text.push_str(&format!(
        "INSERT INTO civicrm_domain (id, name, version) VALUES (1, 'x', '{version}');\n"
    ));
    let case = common::case(common::snapshot_of(text.as_bytes()));
    let list = common::findings(&case, checks::DIFF).list;
    let line = |finding: &checks::Finding| format!("{}: {}", finding.check.id, finding.message);
    list.iter().map(line).collect()
}

#[test]
fn early_releases_may_lack_the_indexes_of_activities_and_cases() {
    let drop = |schema: &mut Schema| {
        for table in ["civicrm_activity", "civicrm_case"] {
            let indexes = &mut schema.tables[table].indexes;
            indexes.retain(|name, _| name.starts_with("FK_"));
        }
    };
    for release in ["2.1", "2.2", "3.0", "3.1"] {
        assert_eq!(found(release, |_| {}), [""; 0], "{release}");
        assert_eq!(found(release, drop), [""; 0], "{release}");
    }
    assert!(!found("3.2", drop).is_empty(), "from 3.2 on they are there");
}

#[test]
fn sites_upgraded_to_6_7_to_6_13_lack_a_key_of_translations() {
    let upgraded = |schema: &mut Schema| {
        schema.tables["civicrm_translation"]
            .foreign_keys
            .shift_remove("FK_civicrm_translation_source_key");
        for table in ["civicrm_translation", "civicrm_translation_source"] {
            for name in ["source_key", "context_key"] {
                if let Some(column) = schema.tables[table].columns.get_mut(name) {
                    (column.charset, column.collation) = (None, None);
                }
            }
        }
    };
    for release in ["6.7", "6.10", "6.13"] {
        assert_eq!(found(release, |_| {}), [""; 0], "{release}");
        assert_eq!(found(release, upgraded), [""; 0], "{release}");
    }
    let found = found("6.14", upgraded);
    assert!(
        found.iter().any(|line| line.starts_with("fk-missing")),
        "{found:#?}"
    );
}

#[test]
fn the_unique_key_of_membership_types_is_by_domain_from_6_13_1_on() {
    let catalogue = common::catalogue();
    for (release, key) in [
        ("6.13.0", "UI_name"),
        ("6.13", "UI_name_domain_id"),
        ("6.15", "UI_name_domain_id"),
    ] {
        let state = catalogue.state(release).expect("the state is known");
        let schema = catalogue.schema(state).schema;
        assert!(
            schema.tables["civicrm_membership_type"]
                .indexes
                .contains_key(key),
            "{release}"
        );
        assert_eq!(found(release, |_| {}), [""; 0], "{release}");
    }
}
