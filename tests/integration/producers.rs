//! Dumps by the real programs are told apart and judged as a restore of each has shown.
//!
//! `tests/producers/make` writes them, `tests/producers/expected.tsv` says what each is worth.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use cividb::checks::{self, Severity};
use cividb::source::Location;

use crate::common;

pub struct Expected {
    pub name: String,
    producer: String,
    pub passes: bool,
    errors: Ids,
    warnings: Ids,
    /// The outcome of a rehearsal on its own server.
    pub rehearsed: String,
}

/// Check ids that have to be reported, and those that may be.
pub struct Ids {
    required: BTreeSet<String>,
    allowed: BTreeSet<String>,
}

impl Ids {
    fn parse(field: &str) -> Self {
        let (optional, required): (Vec<&str>, Vec<&str>) = field
            .split(',')
            .filter(|id| !id.is_empty())
            .partition(|id| id.starts_with('('));
        let required: BTreeSet<String> = required.into_iter().map(str::to_owned).collect();
        let optional = optional
            .iter()
            .map(|id| id.trim_matches(['(', ')']).to_owned());
        Self {
            allowed: required.iter().cloned().chain(optional).collect(),
            required,
        }
    }

    fn matches(&self, found: &BTreeSet<String>) -> bool {
        self.required.is_subset(found) && found.is_subset(&self.allowed)
    }
}

pub fn table() -> Vec<Expected> {
    include_str!("../producers/expected.tsv")
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .map(|line| {
            let fields: Vec<&str> = line.split('\t').collect();
            let [
                name,
                producer,
                verdict,
                errors,
                warnings,
                _restores,
                rehearsed,
                _why,
            ] = fields[..]
            else {
                panic!("eight fields in {line:?}");
            };
            Expected {
                name: name.to_owned(),
                producer: producer.to_owned(),
                passes: verdict == "pass",
                errors: Ids::parse(errors),
                warnings: Ids::parse(warnings),
                rehearsed: rehearsed.to_owned(),
            }
        })
        .collect()
}

/// Servers whose programs make dumps where they can be fetched.
const OTHER_SERVERS: [&str; 3] = ["mariadb-10.5", "mariadb-11.8", "mysql-9.7"];

/// The folder or file of a dump, when it was made.
pub fn find(folder: &Path, name: &str) -> Option<PathBuf> {
    [folder.join(name), folder.join(format!("{name}.sql"))]
        .into_iter()
        .find(|path| path.exists())
}

#[test]
fn every_producer_and_option_gets_the_verdict_that_a_restore_has_shown() {
    let Some(folder) = std::env::var_os("CIVIDB_PRODUCERS").map(PathBuf::from) else {
        let why = "CIVIDB_PRODUCERS names no folder made by tests/producers/make";
        crate::skip::skip("producers", why);
        return;
    };
    let mut judged = 0;
    let mut wrong = Vec::new();
    for expected in table() {
        let Some(path) = find(&folder, &expected.name) else {
            // Those of other servers begin with the server's name: `mysql-9.7-mysqldump`.
            let server = OTHER_SERVERS
                .iter()
                .find(|name| expected.name.starts_with(*name));
            let why = format!("{} was not made", expected.name);
            crate::skip::skip(server.unwrap_or(&"producers"), why);
            continue;
        };
        judged += 1;
        let argument = path.to_string_lossy();
        let [location] = &Location::expand(argument.as_ref(), &cividb::source::Access::default())
            .expect("it exists")[..]
        else {
            panic!("{argument} is one source");
        };
        let snapshot = location.read(None, &mut |_| {}).expect("it can be read");
        let producer = snapshot.source.producer.as_str();
        let findings = common::findings(&common::case(snapshot), checks::VERIFY);
        let ids = |severity| -> BTreeSet<String> {
            let of = findings.list.iter().filter(|f| f.severity == severity);
            of.map(|finding| finding.check.id.to_owned()).collect()
        };
        let (errors, warnings) = (ids(Severity::Error), ids(Severity::Warning));
        let right = producer == expected.producer
            && errors.is_empty() == expected.passes
            && expected.errors.matches(&errors)
            && expected.warnings.matches(&warnings);
        if !right {
            wrong.push(format!(
                "{}: {} {errors:?} {warnings:?}",
                expected.name, producer
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(judged > 70, "only {judged} dumps were there");
}
