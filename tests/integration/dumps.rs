//! Verdicts on real dumps of CiviCRM 4.0 to 6.4, as a careful person would give them.

use crate::common;

use cividb::checks::Severity;

/// File, errors, notes: `check name`, the trigger errors only counted.
const EXPECTED: &[(&str, usize, &[&str])] = &[
    ("4.0.8-setupsh.sql.bz2", 0, &[]),
    ("4.1.6-setupsh.sql.bz2", 0, &[]),
    ("4.2.16-setupsh.sql.bz2", 0, &[]),
    ("4.3.0-setupsh.sql.bz2", 0, &[PHONE]),
    ("4.4.0-setupsh.sql.bz2", 18, &[PHONE]),
    ("4.4.5-setupsh.sql.bz2", 0, &[PHONE]),
    ("4.6.36-setupsh.sql.bz2", 0, &[PHONE]),
    ("4.7.31-setupsh.sql.bz2", 0, &[PHONE]),
    ("5.13.3-multilingual_af_bg_en.mysql.bz2", 0, &[PHONE]),
    ("5.21.2-setupsh.mysql.bz2", 27, &[PHONE]),
    ("5.33.2-setupsh.mysql.bz2", 0, &[PHONE]),
    ("5.45.3-setupsh.mysql.bz2", 0, &[PHONE]),
    ("5.51.3-small.mysql.bz2", 0, &[PHONE]),
    ("5.69.5-default.mysql.bz2", 0, &[PHONE]),
    ("5.81.2-small.mysql.bz2", 0, &[PHONE]),
    ("6.0.3-standalone-clean.mysql.bz2", 0, &[PHONE]),
    ("6.4.1-small.mysql.bz2", 0, &[PHONE]),
    ("4.5.5-to-5.33.2.sql.bz2", 0, &[]),
    ("4.7.31-to-5.33.2.sql.bz2", 0, &[]),
    ("4.7.31-to-5.81.2.sql.bz2", 0, &[]),
    ("5.13.5-to-5.33.2.sql.bz2", 0, &[]),
    ("5.21.2-to-5.81.2.sql.bz2", 0, &[]),
    ("5.75.2-to-5.81.2.sql.bz2", 0, &[]),
];

const PHONE: &str = "routine-missing civicrm_strip_non_numeric";

#[test]
fn every_real_dump_gets_the_right_verdict() {
    let dumps = common::real_dumps();
    for path in &dumps {
        let file = common::name(path);
        let (_, triggers, others) = EXPECTED
            .iter()
            .find(|(name, ..)| *name == file)
            .unwrap_or_else(|| panic!("{file} is not in the table"));
        let findings = common::verify(&common::text_of(path));
        let errors = common::ids(&findings, Severity::Error);
        let (missing_triggers, rest): (Vec<_>, Vec<_>) = errors
            .iter()
            .partition(|error| error.starts_with("trigger-missing "));
        assert_eq!(missing_triggers.len(), *triggers, "{file}: {errors:?}");
        assert_eq!(rest, *others, "{file}");
        let skipped = &findings.not_checked;
        assert!(skipped.is_empty(), "{file}: {skipped:?}");
    }
    assert!(dumps.is_empty() || dumps.len() == EXPECTED.len());
}

#[test]
fn what_a_dump_holds_is_counted_as_a_server_would() {
    let Some(shared) = common::shared() else {
        return;
    };
    let path = shared.join("dumps/5.13.3-multilingual_af_bg_en.mysql.bz2");
    let snapshot = common::snapshot_of(&common::text_of(&path));
    let schema = &snapshot.schema;
    assert_eq!(
        (
            schema.tables.len(),
            schema.views.len(),
            schema.triggers.len()
        ),
        (156, 84, 83)
    );
    assert_eq!(snapshot.database.as_deref(), Some("47testcivi_yg7kx"));
    assert_eq!(snapshot.row_counts.get("civicrm_domain"), Some(&1));
}

#[test]
fn the_sample_is_whole() {
    let findings = common::verify(&common::sample());
    assert_eq!(common::ids(&findings, Severity::Error), [""; 0]);
    assert_eq!(common::ids(&findings, Severity::Warning), [""; 0]);
    assert!(findings.not_checked.is_empty());
}
