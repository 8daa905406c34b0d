//! Objects of which fresh and upgraded sites of a release have different forms: both are right.

use cividb::checks::{self, Group, Severity};
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

/// The findings about foreign keys of the sample, with other texts in place of those that it holds.
fn foreign_keys(changes: &[(&str, &str)]) -> Vec<(Severity, String)> {
    let mut text = common::sample();
    for (old, new) in changes {
        text = common::replaced(&text, old, new);
    }
    let case = common::case(common::snapshot_of(&text));
    let findings = common::findings(&case, &[Group::Schema]).list;
    let of_keys = findings
        .into_iter()
        .filter(|finding| finding.check.id.starts_with("fk-"));
    of_keys.map(|it| (it.severity, it.message)).collect()
}

#[test]
fn a_foreign_key_of_an_old_release_is_harmless_only_where_upgrades_leave_it_and_it_deletes_nothing()
{
    let found = |old: &str, new: &str| match &foreign_keys(&[(old, new)])[..] {
        [one] => one.clone(),
        other => panic!("{new}: {other:#?}"),
    };
    let activity = "FOREIGN KEY (`parent_id`) REFERENCES `civicrm_activity` (`id`) ON DELETE";
    let to = |key: &str, rule: &str| format!("{key}{rule}");
    // The step of 5.64 changes it, but not where there are very many activities.
    let (severity, message) = found(&to(activity, " SET NULL"), &to(activity, " CASCADE"));
    assert_eq!(severity, Severity::Warning, "{message}");
    assert!(
        message.ends_with(
            "(as up to 5.63; the upgrade step of 5.64.beta1 changes it only where the highest civicrm_activity.id is \
             below 1000000): deleting a row of civicrm_activity deletes the rows of civicrm_activity that name it in \
             parent_id"
        ),
        "{message}"
    );
    // The step of 2.2 changed it on every site.
    let note = "FOREIGN KEY (`contact_id`) REFERENCES `civicrm_contact` (`id`)";
    let note = format!("CONSTRAINT `FK_civicrm_note_contact_id` {note}");
    let (severity, message) = found(&to(&note, " ON DELETE SET NULL"), &note);
    assert_eq!(severity, Severity::Error, "{message}");
    assert!(
        message.ends_with(
            "(as up to 2.0; the upgrade step of 2.2.alpha1 changes it): deleting a row of civicrm_contact fails with \
             error 1451 while a row of civicrm_note names it in contact_id"
        ),
        "{message}"
    );
    // No step changes it: databases that were made before 5.5 have it so.
    let search = "FOREIGN KEY (`mapping_id`) REFERENCES `civicrm_mapping` (`id`)";
    let search = format!("CONSTRAINT `FK_civicrm_saved_search_mapping_id` {search}");
    let (severity, message) = found(&to(&search, " ON DELETE SET NULL"), &search);
    assert_eq!(severity, Severity::Note, "{message}");
    // A second key beside the right one: the harder rule wins.
    let second = |rule: &str| {
        let parent = to(activity, " SET NULL");
        let parent = format!("CONSTRAINT `FK_civicrm_activity_parent_id` {parent}");
        let second = format!("CONSTRAINT `second` {activity} {rule},\n  {parent}");
        found(&parent, &second)
    };
    let (severity, message) = second("CASCADE");
    assert_eq!(severity, Severity::Warning, "{message}");
    assert!(message.contains("deletes the rows of civicrm_activity"));
    assert_eq!(second("SET NULL").0, Severity::Note);
}
