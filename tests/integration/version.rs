//! What the version of a database says, in every form it was seen in.

use crate::common;

use std::io::Write;
use std::process::{Command, Output, Stdio};

use cividb::checks::version::{self, DomainVersion};
use cividb::checks::{self, Findings, Group, Severity};
use cividb::civicrm::catalogue::Catalogue;
use cividb::civicrm::release::Version;
use cividb::civicrm::site::Site;
use cividb::civicrm::version_state::DetectedRelease;

/// Forms of a version `V` in a dump (as SQL), what is found, how it ranks, and what to set: the
/// version that the form names, or the last one with that schema.
const FORMS: &[(&str, Found, Set)] = &[
    ("'V'", None, Set::Named),
    (
        "NULL",
        Some(("version-missing", Severity::Error)),
        Set::Last,
    ),
    ("''", Some(("version-missing", Severity::Error)), Set::Last),
    ("'0'", Some(("version-missing", Severity::Error)), Set::Last),
    ("'V.upgrade'", PARTIAL, Set::Named),
    ("'V.UPGRADE'", PARTIAL, Set::Named),
    ("'M.alpha1.upgrade'", PARTIAL, Set::Last),
    ("'2.1.102'", PARTIAL, Set::Last),
    ("'V '", INVALID, Set::Named),
    ("' V'", INVALID, Set::Named),
    ("'V\\t'", INVALID, Set::Named),
    ("'V\\n'", INVALID, Set::Named),
    ("'Vrc1'", INVALID, Set::Named),
    ("'V-dev'", INVALID, Set::Named),
    ("'M'", INVALID, Set::Last),
    ("'M.rc1'", INVALID, Set::Last),
    ("'M.ALPHA1'", INVALID, Set::Last),
    ("'M.alpha'", INVALID, Set::Last),
    ("'2.1'", INVALID, Set::Last),
    ("'2.2'", INVALID, Set::Last),
    ("'2.2.alph'", INVALID, Set::Last),
    ("'2.2.beta'", INVALID, Set::Last),
    ("'5.100.0'", INVALID, Set::Last),
    ("'upgrade'", INVALID, Set::Last),
    ("'dev'", INVALID, Set::Last),
    ("'V.1'", UNKNOWN, Set::Named),
    ("'4.8.0'", UNKNOWN, Set::Last),
    ("'5.99.0'", UNKNOWN, Set::Last),
    (
        "'99.0.0'",
        Some(("version-unknown", Severity::Warning)),
        Set::Last,
    ),
    (
        "'M.alpha1'",
        Some(("version-partial-upgrade", Severity::Note)),
        Set::Nothing,
    ),
    // Releases, if not of this schema.
    ("'3.1.0'", None, Set::Last),
    ("'2.2.9'", None, Set::Last),
];

/// A check and how its finding ranks.
type Found = Option<(&'static str, Severity)>;

const PARTIAL: Found = Some(("version-partial-upgrade", Severity::Error));
const INVALID: Found = Some(("version-invalid", Severity::Error));
const UNKNOWN: Found = Some(("version-unknown", Severity::Error));

#[derive(Clone, Copy)]
enum Set {
    Named,
    Last,
    Nothing,
}

/// A dump, the version it declares, and its line of rows of `civicrm_domain`.
struct Dump {
    text: Vec<u8>,
    version: String,
    rows: String,
}

impl Dump {
    fn new(text: Vec<u8>) -> Self {
        let site = Site::of(&common::snapshot_of(&text), common::catalogue()).expect("a site");
        let version = site.declared_version().expect("a version").to_string();
        let start = memchr::memmem::find(&text, b"INSERT INTO `civicrm_domain`").expect("rows");
        let line = text[start..].split(|&b| b == b'\n').next().expect("a line");
        let rows = String::from_utf8(line.to_vec()).expect("text");
        Self {
            text,
            version,
            rows,
        }
    }

    /// The dump with this in place of the version, as SQL.
    fn with_version(&self, sql: &str) -> Vec<u8> {
        let quoted = format!("'{}'", self.version);
        assert_eq!(self.rows.matches(&quoted).count(), 1, "{}", self.rows);
        common::replaced(&self.text, &self.rows, &self.rows.replace(&quoted, sql))
    }

    /// The dump with a second domain of this version.
    fn with_second_domain(&self, sql: &str) -> Vec<u8> {
        let second = self.rows.replace(&format!("'{}'", self.version), sql);
        let (_, second) = second.split_once("VALUES (1,").expect("a row");
        let rows = format!("{},(2,{second}", self.rows.trim_end_matches(';'));
        common::replaced(&self.text, &self.rows, &rows)
    }

    /// What detection is to find: the state of the version that the dump declares.
    fn detected(&self) -> DetectedRelease {
        let version = Version::parse(&self.version).expect("a version");
        let state = common::catalogue().state_for(&version).expect("a state");
        DetectedRelease {
            release: state.last_release().to_owned(),
            state: state.name.clone(),
            also: Vec::new(),
        }
    }
}

/// The sample, and real dumps of several eras where there are any.
fn dumps() -> Vec<Dump> {
    let mut dumps = vec![Dump::new(common::sample())];
    if let Some(shared) = common::shared() {
        for file in [
            "4.0.8-setupsh.sql.bz2",
            "4.2.16-setupsh.sql.bz2",
            "4.4.5-setupsh.sql.bz2",
            "4.7.31-setupsh.sql.bz2",
            "5.13.3-multilingual_af_bg_en.mysql.bz2",
            "5.81.2-small.mysql.bz2",
        ] {
            let path = shared.join("dumps").join(file);
            dumps.push(Dump::new(common::text_of(&path)));
        }
    }
    dumps
}

fn judged(text: &[u8]) -> (Vec<DomainVersion>, Findings) {
    let case = common::case(common::snapshot_of(text));
    let versions = version::domain_versions(&case).expect("the rows are known");
    let findings = common::findings(&case, &[Group::Version]);
    assert_eq!(findings.not_checked, []);
    (versions, findings)
}

#[test]
fn every_form_of_a_version_is_found_and_the_right_value_is_proposed() {
    for (number, dump) in dumps().into_iter().enumerate() {
        let detected = dump.detected();
        let (minor, _) = dump.version.rsplit_once('.').expect("three parts");
        // Of the sample all forms, of each other dump a part that begins with another one.
        let every = if number == 0 { 1 } else { common::every(4) };
        for &(form, expected, set) in FORMS.iter().skip(number % every).step_by(every) {
            let sql = form.replace('V', &dump.version).replace('M', minor);
            let context = format!("{} as {sql}", dump.version);
            let (versions, findings) = judged(&dump.with_version(&sql));
            let found: Vec<_> = findings
                .list
                .iter()
                .map(|finding| (finding.check.id, finding.severity))
                .collect();
            assert_eq!(found, Vec::from_iter(expected), "{context}");
            let proposed = match set {
                Set::Named => Some(dump.version.as_str()),
                Set::Last => Some(detected.release.as_str()),
                Set::Nothing => None,
            };
            let [version] = &versions[..] else {
                panic!("{context}: {versions:?}");
            };
            assert_eq!(version.proposed.as_deref(), proposed, "{context}");
            if let (Some(proposed), [finding]) = (proposed, &findings.list[..]) {
                assert!(finding.fix.contains(proposed), "{context}: {}", finding.fix);
                assert_eq!(finding.expected.as_deref(), Some(proposed), "{context}");
            }
        }
    }
}

#[test]
fn a_domain_table_without_rows_is_a_missing_version() {
    for dump in dumps() {
        let detected = dump.detected();
        let text = common::replaced(&dump.text, &dump.rows, "");
        let (versions, findings) = judged(&text);
        assert_eq!(
            common::ids(&findings, Severity::Error),
            ["version-missing "]
        );
        assert_eq!(versions[0].id, None);
        assert_eq!(versions[0].proposed.as_ref(), Some(&detected.release));
    }
}

#[test]
fn domains_that_differ_are_found_and_those_alike_are_not() {
    for dump in dumps() {
        let same = dump.with_second_domain(&format!("'{}'", dump.version));
        let (versions, findings) = judged(&same);
        assert_eq!((versions.len(), findings.list.len()), (2, 0));

        let differ = "version-domains-differ civicrm_domain";
        for (sql, expected) in [
            ("'3.1.6'", vec![differ]),
            ("NULL", vec!["version-missing 2", differ]),
            ("'4.4'", vec!["version-invalid 2", differ]),
        ] {
            let text = dump.with_second_domain(sql);
            let (versions, findings) = judged(&text);
            assert_eq!(common::ids(&findings, Severity::Error), expected, "{sql}");
            assert_eq!(versions[0].proposed.as_ref(), Some(&dump.version));
            assert_eq!(versions[1].proposed.as_ref(), Some(&dump.version), "{sql}");
            let last = findings.list.last().expect("a finding");
            assert!(last.fix.contains(&dump.version), "{}", last.fix);
        }
    }
}

#[test]
fn the_last_finished_step_of_an_unfinished_upgrade_is_named() {
    let dump = Dump::new(common::sample());
    let log = "INSERT INTO `civicrm_log` (`id`, `entity_table`, `entity_id`, `data`) VALUES \
               (901,'civicrm_domain',1,'upgrade:5.80.1->5.81.alpha1.upgrade'),\
               (902,'civicrm_domain',1,'upgrade:5.81.alpha1.upgrade->5.81.alpha1'),\
               (903,'civicrm_domain',1,'upgrade:5.81.0->5.82.alpha1.upgrade');\n";
    let mut text = dump.with_version("'5.82.alpha1.upgrade'");
    let rows = memchr::memmem::find(&text, b"INSERT INTO `civicrm_domain`").expect("rows");
    text.splice(rows..rows, log.bytes());
    let (versions, findings) = judged(&text);
    assert_eq!(versions[0].proposed.as_deref(), Some("5.81.0"));
    let [finding] = &findings.list[..] else {
        panic!("{findings:?}");
    };
    for words in [
        "Restore the backup",
        "last finished step is 5.81.0",
        "5.82.alpha1.upgrade began after it",
        "Only if there is no backup",
        "SET version = '5.81.0'",
    ] {
        assert!(finding.fix.contains(words), "{}", finding.fix);
    }
}

#[test]
fn real_dumps_have_a_right_version() {
    for path in common::real_dumps() {
        let (versions, findings) = judged(&common::text_of(&path));
        assert!(findings.list.is_empty(), "{}", path.display());
        assert_eq!(versions[0].proposed, versions[0].value);
    }
}

#[test]
fn check_tells_of_the_version_and_verify_does_not() {
    let text = Dump::new(common::sample()).with_version("NULL");
    let snapshot = common::snapshot_of(&text);
    let found = common::findings(&common::case(snapshot), checks::CHECK);
    let is_version = |id: &String| id.starts_with("version-");
    let errors = common::ids(&found, Severity::Error);
    assert_eq!(errors.iter().filter(|id| is_version(id)).count(), 1);
    assert!(
        !common::ids(&common::verify(&text), Severity::Error)
            .iter()
            .any(is_version)
    );
}

#[test]
fn without_rows_the_version_is_not_checked_rather_than_missing() {
    let sql = "CREATE TABLE `civicrm_domain` (`id` int, `version` varchar(32));\n";
    let snapshot = common::snapshot_of(sql.as_bytes());
    let findings = common::findings(&common::case(snapshot), checks::VERSION);
    assert_eq!(findings.list, []);
    assert!(findings.are_incomplete());
    assert_eq!(findings.not_checked[0].check, "version-schema-mismatch");
    assert_eq!(findings.not_checked[1].check, "version-missing");
}

/// `cividb version -` on a text.
fn cividb(text: &[u8], arguments: &[&str]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_cividb"))
        .args(["version", "-"])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("cividb runs");
    let mut input = child.stdin.take().expect("a pipe");
    input.write_all(text).expect("cividb reads");
    drop(input);
    child.wait_with_output().expect("cividb ends")
}

/// The schema of a release that is still to come is like that of the newest one.
#[test]
fn a_version_newer_than_all_does_not_hide_a_schema_of_an_old_release() {
    let mismatch = |text: &[u8]| {
        let output = cividb(text, &["--format", "json"]);
        let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let found = json["findings"].as_array().expect("a list").iter();
        let mut found = found.filter(|finding| finding["check"] == "version-schema-mismatch");
        (output.status.code(), found.next().is_some())
    };
    let dump = Dump::new(common::sample());
    assert_eq!(mismatch(&dump.with_version("'99.1.0'")), (Some(1), true));
    let catalogue = Catalogue::embedded().expect("the catalogue");
    let newest = &catalogue.states().last().expect("a state").name;
    let output = Command::new(env!("CARGO_BIN_EXE_cividb"))
        .args(["reference", "show", newest, "--sql"])
        .output()
        .expect("cividb runs");
    let text = format!(
        "-- MySQL dump 10.13  Distrib 5.7.37, for Linux (x86_64)\n{}\n\
         INSERT INTO `civicrm_domain` (`id`, `name`, `version`) VALUES (1, 'Sample', '99.1.0');\n\
         -- Dump completed on 2025-05-01  2:00:07\n",
        String::from_utf8_lossy(&output.stdout)
    );
    assert_eq!(mismatch(text.as_bytes()), (Some(0), false));
}

#[test]
fn the_command_shows_blanks_and_ends_as_the_contract_says() {
    let dump = Dump::new(common::sample());
    for (sql, code, state) in [
        ("'5.81.2'", 0, "release"),
        ("'5.81.2 '", 1, "invalid"),
        ("NULL", 1, "missing"),
        ("'5.81.2.upgrade'", 1, "partial-upgrade"),
        ("'5.81.alpha1'", 0, "step"),
        ("'4.8.0'", 1, "unknown"),
    ] {
        let text = dump.with_version(sql);
        let human = cividb(&text, &[]);
        assert_eq!(human.status.code(), Some(code), "{sql}");
        let shown = String::from_utf8_lossy(&human.stdout);
        assert!(shown.contains(&format!("stored   {sql}\n")), "{shown}");

        let output = cividb(&text, &["--format", "json"]);
        let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let domain = &json["version"][0];
        assert_eq!(domain["id"], 1);
        assert_eq!(domain["state"], state);
        match sql {
            "NULL" => assert!(domain["value"].is_null()),
            _ => assert_eq!(domain["value"], sql.trim_matches('\'')),
        }
        assert!(domain["message"].is_string());
    }
    let nothing = cividb(b"CREATE TABLE t (a int);\n", &[]);
    assert_eq!(nothing.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&nothing.stderr).contains("no CiviCRM tables"));
}
