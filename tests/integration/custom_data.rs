//! Tables of custom data are held against the rows of their groups and fields.

use cividb::checks::{self, Severity};

use crate::common;

const TABLE: &str = "CREATE TABLE `civicrm_value_volunteering_1` (";
const KEY: &str = ",\n  CONSTRAINT `FK_civicrm_value_volunteering_1_entity_id` FOREIGN KEY (`entity_id`) REFERENCES \
                   `civicrm_contact` (`id`) ON DELETE CASCADE";
const UNIQUE: &str = "  UNIQUE KEY `unique_entity_id` (`entity_id`),\n  KEY `INDEX_skills_1`";

/// What is found in the sample after these changes, as `severity check: message`, without what is found before.
fn found(changes: &[(&str, &str)]) -> Vec<String> {
    let mut text = common::sample();
    for (old, new) in changes {
        let changed = common::replaced(&text, old, new);
        assert_ne!(changed, text, "{old}");
        text = changed;
    }
    let found = |text: &[u8]| -> Vec<String> {
        let case = common::case(common::snapshot_of(text));
        let list = common::findings(&case, checks::CHECK).list;
        let lines = list.iter().map(|finding| {
            let severity = finding.severity.as_str();
            format!("{severity} {}: {}", finding.check.id, finding.message)
        });
        lines.collect()
    };
    let before = found(&common::sample());
    let mut found = found(&text);
    // The rows of the sample are as they were.
    found.retain(|line| !before.contains(line) && !line.contains("restore-column-count"));
    found
}

/// Asserts that one thing is found, and which.
fn finds(changes: &[(&str, &str)], expected: &str) {
    let found = found(changes);
    assert!(
        matches!(&found[..], [one] if one.starts_with(expected)),
        "{expected}\n{found:#?}"
    );
}

#[test]
fn a_lost_foreign_key_of_custom_data_is_an_error() {
    finds(
        &[(KEY, "")],
        "error fk-missing: foreign key FK_civicrm_value_volunteering_1_entity_id of civicrm_value_volunteering_1 is \
         missing, its custom fields ask for (`entity_id`) REFERENCES `civicrm_contact` (`id`) ON DELETE CASCADE",
    );
}

#[test]
fn a_key_of_custom_data_with_another_rule_name_or_parent_is_found() {
    finds(
        &[(KEY, &KEY.replace("CASCADE", "SET NULL"))],
        "error fk-differs: foreign key FK_civicrm_value_volunteering_1_entity_id",
    );
    finds(
        &[("`FK_civicrm_value_volunteering_1_entity_id`", "`other`")],
        "warning fk-name: foreign key other of civicrm_value_volunteering_1 should be named",
    );
    let found = found(&[(KEY, &KEY.replace("civicrm_contact", "civicrm_activity"))]);
    assert!(
        found
            .iter()
            .any(|line| line.starts_with("error fk-missing")),
        "{found:#?}"
    );
}

#[test]
fn a_custom_table_in_another_charset_or_engine_is_found() {
    let options = |options: &str| format!("{KEY}\n) {options}");
    let usual =
        "ENGINE=InnoDB AUTO_INCREMENT=11 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci";
    let utf8 = "ENGINE=InnoDB AUTO_INCREMENT=11 DEFAULT CHARSET=utf8 COLLATE=utf8_unicode_ci";
    finds(
        &[(&options(usual), &options(utf8))],
        "warning charset-differs: table civicrm_value_volunteering_1 is utf8mb3_unicode_ci, the other tables are \
         utf8mb4_unicode_ci",
    );
    let found = found(&[(&options("ENGINE=InnoDB"), &options("ENGINE=MyISAM"))]);
    let engine = "error engine-differs: table civicrm_value_volunteering_1 is MyISAM";
    assert!(
        found.iter().any(|line| line.starts_with(engine)),
        "{found:#?}"
    );
}

#[test]
fn a_column_of_custom_data_has_the_type_of_its_field() {
    let hours = "`hours_a_week_3` int(11) DEFAULT NULL";
    finds(
        &[(hours, "`hours_a_week_3` varchar(20) DEFAULT NULL")],
        "error column-differs: column civicrm_value_volunteering_1.hours_a_week_3 is varchar(20) NULL, its custom \
         fields ask for int NULL",
    );
    finds(
        &[(hours, "`hours_a_week_3` int(11) NOT NULL")],
        "error column-differs: column civicrm_value_volunteering_1.hours_a_week_3 is int NOT NULL",
    );
    finds(
        &[(&format!("  {hours},\n"), "")],
        "error column-missing: column civicrm_value_volunteering_1.hours_a_week_3 is missing",
    );
    finds(
        &[(
            "`available_from_2` datetime DEFAULT NULL",
            "`available_from_2` date DEFAULT NULL",
        )],
        "error column-differs: column civicrm_value_volunteering_1.available_from_2 is date NULL",
    );
    // As good, and made so by some release or a careful hand.
    for same in [
        "bigint(20) DEFAULT NULL",
        "int(11) DEFAULT '5'",
        "int(11) NOT NULL DEFAULT '0'",
    ] {
        assert_eq!(
            found(&[(hours, &format!("`hours_a_week_3` {same}"))]),
            [""; 0],
            "{same}"
        );
    }
}

#[test]
fn a_column_that_no_field_has_counts_where_it_refuses_rows() {
    let with = |column: &str| found(&[(TABLE, &format!("{TABLE}\n  `mine` {column},"))]);
    assert_eq!(with("int DEFAULT NULL"), [""; 0]);
    let found = with("int NOT NULL");
    assert!(
        matches!(&found[..], [one] if one.starts_with("warning column-extra: column civicrm_value_volunteering_1.mine")),
        "{found:#?}"
    );
}

#[test]
fn one_record_for_each_entity_is_kept_by_a_unique_key() {
    finds(
        &[(UNIQUE, "  KEY `INDEX_skills_1`")],
        "error index-missing: index unique_entity_id of civicrm_value_volunteering_1 is missing",
    );
    // Any unique key on the column does it.
    assert_eq!(
        found(&[(
            "UNIQUE KEY `unique_entity_id` (`entity_id`),\n  KEY `INDEX_skills_1`",
            "UNIQUE KEY `mine` (`entity_id`),\n  KEY `INDEX_skills_1`"
        )]),
        [""; 0]
    );
}

#[test]
fn a_table_named_in_another_letter_case_is_found() {
    let row = (
        "'civicrm_value_volunteering_1'",
        "'civicrm_value_Volunteering_1'",
    );
    finds(
        &[row],
        "warning name-letter-case: civicrm_custom_group names civicrm_value_Volunteering_1, and the table has another \
         letter case, civicrm_value_volunteering_1",
    );
    // A server decides it.
    let text = common::replaced(&common::sample(), row.0, row.1);
    for (variable, expected) in [("0", Some(Severity::Error)), ("1", None), ("2", None)] {
        let mut snapshot = common::snapshot_of(&text);
        snapshot.dump = None;
        snapshot.source.kind = cividb::snapshot::SourceKind::Server;
        let mut facts = cividb::snapshot::ServerFacts::default();
        facts
            .variables
            .insert("lower_case_table_names".to_owned(), variable.to_owned());
        snapshot.server = Some(facts);
        let list = common::findings(&common::case(snapshot), checks::CHECK).list;
        let mut named = list
            .iter()
            .filter(|finding| finding.check.id == "name-letter-case");
        assert_eq!(
            named.next().map(|finding| finding.severity),
            expected,
            "{variable}"
        );
    }
}

#[test]
fn a_lost_custom_table_is_a_difference_and_left_to_other_means_by_repair() {
    let sample = common::sample();
    let (start, end) = (
        "CREATE TABLE `civicrm_value_volunteering_1`",
        "UNLOCK TABLES;\n",
    );
    let text = common::text(&sample);
    let at = text.find(start).expect("the table is there");
    let to = at + text[at..].find(end).expect("it ends") + end.len();
    let lost = format!("{}{}", &text[..at], &text[to..]);
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("lost.sql"), lost).expect("it is written");
    let cividb = |words: &[&str]| {
        let output = common::cividb(folder.path(), words);
        (output.status.code(), common::text(&output.stdout))
    };
    let (code, diff) = cividb(&["diff", "lost.sql"]);
    assert!(diff.contains("table-missing"), "{diff}");
    assert_eq!(code, Some(1));
    let (_, sql) = cividb(&["diff", "--sql", "lost.sql"]);
    let column = "`hours_a_week_3` int";
    assert!(sql.contains(start) && sql.contains(column), "{sql}");
    let (code, plan) = cividb(&["repair", "all", "lost.sql"]);
    let line =
        "NOT PLANNED: table civicrm_value_volunteering_1: it is missing, and its rows with it";
    assert!(plan.contains(line), "{plan}");
    assert_eq!(code, Some(1));
}

#[test]
fn what_repair_leaves_to_other_means_is_left_to_do() {
    let text = common::text(&common::sample());
    let at = text
        .find("TRIGGER civicrm_activity_before_insert")
        .expect("it is there");
    let renamed = text[at..].replacen(
        "civicrm_activity_before_insert",
        "own_activity_before_insert",
        1,
    );
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("lost.sql");
    std::fs::write(path, format!("{}{renamed}", &text[..at])).expect("it is written");
    let output = common::cividb(folder.path(), &["repair", "all", "lost.sql"]);
    let plan = common::text(&output.stdout);
    assert!(
        plan.contains("BY OTHER MEANS: trigger civicrm_activity_before_insert"),
        "{plan}"
    );
    assert!(plan.contains("Nothing that repair can change."), "{plan}");
    assert_eq!(output.status.code(), Some(1));
}
