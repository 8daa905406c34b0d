//! `cividb orphans`: every fault that is put into a database is found, nothing else is, and a
//! dump and a server say the same.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use cividb::integrity::rules::PAIRS;
use cividb::schema::model::{Column, IndexKind, Schema, Table};
use cividb::snapshot::Snapshot;

use crate::common::{self, text};
use crate::proxy::{Action, Proxy};
use crate::server::{self, Server};

/// Rows of tables that others refer to, so that references can be unique.
const PARENTS: u64 = 30;

/// States of all eras.
const STATES: [&str; 6] = ["4.2.9", "4.7.31", "5.13.3", "5.45.3", "5.81.2", "6.4.1"];

fn cividb(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cividb"))
        .args(arguments)
        .args(["--color", "never"])
        .output()
        .expect("cividb runs")
}

/// The report of a command on a source.
fn report(command: &str, source: &str, more: &[&str]) -> serde_json::Value {
    let mut all = vec![command, "--no-defaults", "--format", "json", source];
    all.extend(more);
    let output = cividb(&all);
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", text(&output.stderr)))
}

fn orphans(source: &str, more: &[&str]) -> serde_json::Value {
    report("orphans", source, more)
}

/// The report on a text, written to a file for it.
fn of_text(dump: &str, more: &[&str]) -> serde_json::Value {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), dump).expect("the dump is written");
    orphans(&file.path().to_string_lossy(), more)
}

/// `check table name` of each finding, with the number of its rows.
fn found(report: &serde_json::Value) -> BTreeMap<String, u64> {
    let findings = report["findings"].as_array().expect("a list");
    let of = |finding: &serde_json::Value| {
        let word = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        let object = &finding["object"];
        let name = format!(
            "{} {} {}",
            word(&finding["check"]),
            word(&object["table"]),
            word(&object["name"])
        );
        (name, finding["rows"]["count"].as_u64().unwrap_or(0))
    };
    findings.iter().map(of).collect()
}

/// Asserts that they are the same, and says only what is not.
fn same(found: &BTreeMap<String, u64>, expected: &BTreeMap<String, u64>, what: &str) {
    let without = |one: &BTreeMap<String, u64>, other: &BTreeMap<String, u64>| {
        let mut one = one.clone();
        one.retain(|name, rows| other.get(name) != Some(rows));
        one
    };
    let (more, missed) = (without(found, expected), without(expected, found));
    assert!(
        more.is_empty() && missed.is_empty(),
        "{what}: found besides {more:?}, missed {missed:?}"
    );
}

/// An empty schema as SQL, and as the model.
fn clean(release: &str) -> (String, Schema) {
    let output = cividb(&["reference", "show", release, "--sql"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let sql = text(&output.stdout);
    let snapshot: Snapshot = common::snapshot_of(sql.as_bytes());
    (sql, snapshot.schema)
}

/// Writes rows that are right in everything that is not said otherwise.
struct Maker<'a> {
    schema: &'a Schema,
    release: &'a str,
    /// Definitions that change before the rows.
    changes: String,
    rows: String,
    ids: BTreeMap<String, u64>,
    expected: BTreeMap<String, u64>,
}

impl<'a> Maker<'a> {
    /// One row in each table, and more in those that others refer to.
    fn new(schema: &'a Schema, release: &'a str) -> Self {
        let mut maker = Self {
            schema,
            release,
            changes: String::new(),
            rows: String::new(),
            ids: BTreeMap::new(),
            expected: BTreeMap::new(),
        };
        let parents: BTreeSet<&String> = schema
            .tables
            .values()
            .flat_map(|table| table.foreign_keys.values())
            .map(|key| &key.referenced_table)
            .collect();
        for table in schema.tables.keys() {
            let rows = if parents.contains(table) { PARENTS } else { 1 };
            (0..rows).for_each(|_| {
                maker.row(table, &[]);
            });
        }
        maker
    }

    fn table(&self, name: &str) -> &'a Table {
        &self.schema.tables[name]
    }

    /// A row with some values of its own; returns its id.
    fn row(&mut self, name: &str, own: &[(&str, &str)]) -> u64 {
        let table = self.table(name);
        let id = self.ids.entry(name.to_owned()).or_default();
        *id += 1;
        let id = *id;
        let values: Vec<String> = table
            .columns
            .iter()
            .map(|(column, definition)| {
                let own = own.iter().find(|(named, _)| named == column);
                own.map_or_else(
                    || self.value(name, column, definition, id),
                    |(_, value)| (*value).to_owned(),
                )
            })
            .collect();
        writeln!(
            self.rows,
            "INSERT INTO `{name}` VALUES ({});",
            values.join(",")
        )
        .expect("it is there");
        id
    }

    fn value(&self, table: &str, name: &str, column: &Column, id: u64) -> String {
        let definition = self.table(table);
        match (table, name) {
            ("civicrm_domain", "version") => return format!("'{}'", self.release),
            ("civicrm_membership_status", "name") => return "'Deceased'".to_owned(),
            ("civicrm_membership_status", "is_active") => return "1".to_owned(),
            _ => {}
        }
        if definition
            .primary_key
            .iter()
            .any(|part| part.column == name)
            && column.data_type.contains("int")
        {
            return id.to_string();
        }
        let key = definition
            .foreign_keys
            .values()
            .find(|key| key.columns == [name.to_owned()]);
        if column.nullable {
            return "NULL".to_owned();
        }
        let is_unique = definition.indexes.values().any(|index| {
            index.kind == IndexKind::Unique && index.parts.iter().any(|part| part.column == name)
        });
        if key.is_some() {
            let parent = if is_unique { (id - 1) % PARENTS + 1 } else { 1 };
            return parent.to_string();
        }
        let family = column
            .data_type
            .split([' ', '('])
            .next()
            .expect("it is there");
        match family {
            "tinyint" | "smallint" | "mediumint" | "int" | "bigint" if is_unique => id.to_string(),
            "tinyint" | "smallint" | "mediumint" | "int" | "bigint" | "decimal" | "double"
            | "float" => "1".to_owned(),
            "date" => "'2020-02-03'".to_owned(),
            "datetime" | "timestamp" => "'2020-02-03 04:05:06'".to_owned(),
            "enum" => {
                let values = column.data_type.strip_prefix("enum(").expect("it is there");
                values
                    .split([',', ')'])
                    .next()
                    .expect("it is there")
                    .to_owned()
            }
            _ => {
                let text = format!("{id}{name}");
                let length = column.data_type.split(['(', ')']).nth(1);
                let length = length.and_then(|length| length.parse().ok()).unwrap_or(40);
                format!("'{}'", &text[..text.len().min(length)])
            }
        }
    }

    fn expect(&mut self, check: &str, table: &str, name: &str, rows: u64) {
        *self
            .expected
            .entry(format!("{check} {table} {name}"))
            .or_default() += rows;
    }

    /// A row without its parent for each foreign key.
    fn orphans(&mut self) {
        for (name, table) in &self.schema.tables {
            let mut seen = BTreeSet::new();
            for key in table.foreign_keys.values() {
                let column = &key.columns[0];
                if table.columns[column].data_type.contains("int") && seen.insert(column) {
                    let missing = (900_000 + self.expected.len()).to_string();
                    self.row(name, &[(column, &missing)]);
                    self.expect("orphan-rows", name, column, 1);
                }
            }
        }
    }

    /// Two rows that a server takes for equal, where a unique key on texts got lost.
    fn duplicates(&mut self) {
        for (name, table) in &self.schema.tables {
            let is_text = |column: &str| {
                let column = &table.columns[column];
                column.data_type.starts_with("varchar") && column.collation.is_none()
            };
            let unique = table.indexes.iter().find(|(_, index)| {
                index.kind == IndexKind::Unique
                    && index.parts.iter().all(|part| is_text(&part.column))
            });
            let Some((key, index)) = unique else { continue };
            if name == "civicrm_membership_status" || name == "civicrm_domain" {
                continue;
            }
            writeln!(self.changes, "ALTER TABLE `{name}` DROP INDEX `{key}`;")
                .expect("it is there");
            for value in ["'Aé'", "'AE '"] {
                let own: Vec<(&str, &str)> = index
                    .parts
                    .iter()
                    .map(|part| (part.column.as_str(), value))
                    .collect();
                self.row(name, &own);
            }
            self.expect("duplicate-rows", name, key, 2);
        }
    }

    /// NULL where the release has NOT NULL, in one column of some tables.
    fn nulls(&mut self) {
        for (name, table) in self.schema.tables.iter().step_by(4) {
            let column = table.columns.iter().find(|(column, definition)| {
                !definition.nullable
                    && !definition.auto_increment
                    && !table
                        .foreign_keys
                        .values()
                        .any(|key| key.columns[0] == **column)
                    && !table.primary_key.iter().any(|part| part.column == **column)
                    && !table
                        .indexes
                        .values()
                        .any(|index| index.parts.iter().any(|part| part.column == **column))
                    && definition.data_type != "timestamp"
            });
            if let Some((column, definition)) = column {
                writeln!(
                    self.changes,
                    "ALTER TABLE `{name}` MODIFY `{column}` {} NULL;",
                    definition.data_type
                )
                .expect("it is there");
                self.row(name, &[(column, "NULL")]);
                self.expect("null-rows", name, column, 1);
            }
        }
    }

    /// Dates that are none, in every third table.
    fn zero_dates(&mut self) {
        for (name, table) in self.schema.tables.iter().step_by(3) {
            for (column, definition) in &table.columns {
                let zeros: &[&str] = match definition.data_type.as_str() {
                    "date" => &["'0000-00-00'", "'2010-00-00'"],
                    "datetime" => &["'0000-00-00 00:00:00'", "'2010-10-00 00:00:00'"],
                    "timestamp" => &["'0000-00-00 00:00:00'"],
                    _ => continue,
                };
                for zero in zeros {
                    self.row(name, &[(column, zero)]);
                    self.expect("zero-date", name, column, 1);
                }
            }
        }
    }

    /// Rows that name a table and an id that is not in it.
    fn strays(&mut self) {
        for pair in PAIRS {
            let Some(table) = self.schema.tables.get(pair.table) else {
                continue;
            };
            let Some(named) = table.columns.get(pair.type_column) else {
                continue;
            };
            // Some have a foreign key to the one table that they name in practice.
            let id = [pair.id_column.to_owned()];
            if table.foreign_keys.values().any(|key| key.columns == id) {
                continue;
            }
            let word = match named.data_type.as_str() {
                enumeration if enumeration.starts_with("enum") => {
                    if !enumeration.contains("'civicrm_event'") {
                        continue;
                    }
                    "'civicrm_event'"
                }
                _ if pair.words.is_empty() => "'civicrm_contact'",
                _ => "'event'",
            };
            let missing = (700_000 + self.expected.len()).to_string();
            self.row(
                pair.table,
                &[(pair.type_column, word), (pair.id_column, &missing)],
            );
            self.row(
                pair.table,
                &[(pair.type_column, word), (pair.id_column, "1")],
            );
            self.expect("polymorphic-orphan", pair.table, pair.id_column, 1);
        }
    }

    fn dump(&self, schema: &str) -> String {
        format!(
            "{schema}\nSET FOREIGN_KEY_CHECKS=0, SQL_MODE='NO_AUTO_VALUE_ON_ZERO';\n{}{}",
            self.changes, self.rows
        )
    }
}

/// A database with every kind of fault.
fn faulty(release: &str) -> (String, BTreeMap<String, u64>) {
    let (sql, schema) = clean(release);
    let mut maker = Maker::new(&schema, release);
    maker.orphans();
    maker.duplicates();
    maker.nulls();
    maker.zero_dates();
    maker.strays();
    (maker.dump(&sql), maker.expected)
}

#[test]
fn nothing_is_found_where_nothing_is_wrong() {
    for release in STATES {
        let (sql, schema) = clean(release);
        let report = of_text(&Maker::new(&schema, release).dump(&sql), &[]);
        same(&found(&report), &BTreeMap::new(), release);
        assert_eq!(report["not_checked"], serde_json::json!([]), "{release}");
    }
}

#[test]
fn every_seeded_fault_of_every_era_is_found_and_nothing_else() {
    for release in STATES {
        let (dump, expected) = faulty(release);
        let report = of_text(&dump, &[]);
        same(&found(&report), &expected, release);
        let kinds: BTreeSet<&str> = expected
            .keys()
            .filter_map(|k| k.split(' ').next())
            .collect();
        assert!(expected.len() > 100 && kinds.len() == 5, "{release}");
    }
}

/// Everything that a report says of the rows.
fn findings(report: &serde_json::Value) -> Vec<String> {
    let list = report["findings"].as_array().expect("a list");
    list.iter().map(serde_json::Value::to_string).collect()
}

/// Asserts that `check` says of the rows of a source what `orphans` says of them.
fn check_includes(orphans: &serde_json::Value, source: &str) {
    let check = report("check", source, &[]);
    let about_rows = |report: &serde_json::Value| {
        let list = report["findings"].as_array().expect("a list").iter();
        let about_rows = list.filter(|finding| !finding["rows"].is_null());
        about_rows
            .map(serde_json::Value::to_string)
            .collect::<Vec<_>>()
    };
    assert_eq!(about_rows(&check), about_rows(orphans), "{source}");
    assert_eq!(check["integrity"], orphans["integrity"], "{source}");
    let skipped = |report: &serde_json::Value| {
        let list = report["not_checked"].as_array().expect("a list").iter();
        let of_rows = list.filter(|skipped| skipped["check"] == "orphan-rows");
        of_rows
            .map(serde_json::Value::to_string)
            .collect::<Vec<_>>()
    };
    assert_eq!(skipped(&check), skipped(orphans), "{source}");
}

fn same_on(server: &Server, release: &str) {
    let (dump, expected) = faulty(release);
    let database = format!("orphans_{}", release.replace('.', "_"));
    server.load(&database, dump.as_bytes());
    let of_dump = of_text(&dump, &[]);
    let of_server = orphans(&server.url(&database), &[]);
    let what = format!("{release} on {}", server.name);
    same(&found(&of_server), &expected, &what);
    for (server, dump) in findings(&of_server).iter().zip(&findings(&of_dump)) {
        assert_eq!(server, dump, "{what}");
    }
    assert_eq!(of_server["not_checked"], of_dump["not_checked"]);
    check_includes(&of_server, &server.url(&database));
}

#[test]
fn a_dump_and_a_server_say_the_same() {
    let Some(server) = server::installed() else {
        return;
    };
    // 5.81.2 is asked of every server.
    for release in STATES.iter().step_by(common::every(2)) {
        same_on(server, release);
    }
}

#[test]
fn every_server_says_the_same() {
    let all = common::everything();
    for server in server::all() {
        for release in STATES.iter().filter(|state| all || **state == "5.81.2") {
            same_on(server, release);
        }
    }
}

/// Nothing else is found through a proxy that does this to some statements; says to how many.
fn disturbed(server: &Server, judge: impl Fn(&str) -> Action + Send + Sync + 'static) -> usize {
    let (dump, _) = faulty("5.81.2");
    let database = "orphans_5_81_2";
    server.load(database, dump.as_bytes());
    let broken = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&broken);
    let proxy = Proxy::start(server.socket(), move |sql| {
        let action = judge(sql);
        if action != Action::Pass {
            count.fetch_add(1, Ordering::Relaxed);
        }
        action
    });
    assert_eq!(
        findings(&orphans(&proxy.url(database), &[])),
        findings(&orphans(&server.url(database), &[]))
    );
    broken.load(Ordering::Relaxed)
}

#[test]
fn ranges_that_take_too_long_are_read_in_parts() {
    let Some(server) = server::installed() else {
        return;
    };
    let judge = |sql: &str| {
        let range = sql.rsplit_once(" BETWEEN ").and_then(|(_, range)| {
            let mut ends = range.split(" AND ").map(|end| {
                let digits = end.find(|c: char| !c.is_ascii_digit());
                end[..digits.unwrap_or(end.len())].parse::<u64>().ok()
            });
            Some(ends.next()??.abs_diff(ends.next()??))
        });
        match range.is_some_and(|width| width > 5000) && sql.contains("COUNT(*)") {
            true => Action::TimeOut,
            false => Action::Pass,
        }
    };
    let broken = disturbed(server, judge);
    assert!(broken > 0, "no range was too long");
}

#[test]
fn a_lost_connection_is_made_again_where_the_work_stood() {
    let Some(server) = server::installed() else {
        return;
    };
    let seen = AtomicUsize::new(0);
    let judge = move |sql: &str| {
        let is_question = sql.contains(" AS c ") && sql.starts_with("SELECT");
        match is_question && seen.fetch_add(1, Ordering::Relaxed) % 100 == 50 {
            true => Action::Cut,
            false => Action::Pass,
        }
    };
    let broken = disturbed(server, judge);
    assert!(broken > 1, "{broken} connections were lost");
}

#[test]
fn one_fault_is_one_finding() {
    let (sql, schema) = clean("5.45.3");
    let keys: Vec<(&String, &String)> = schema
        .tables
        .iter()
        .flat_map(|(name, table)| {
            let keys = table.foreign_keys.values();
            keys.map(move |key| (name, &key.columns[0]))
        })
        .collect();
    for (table, column) in keys.into_iter().step_by(17) {
        let mut maker = Maker::new(&schema, "5.45.3");
        let id = maker.row(table, &[(column, "987654")]);
        let report = of_text(&maker.dump(&sql), &[]);
        let expected = format!("orphan-rows {table} {column}");
        assert_eq!(found(&report), BTreeMap::from([(expected, 1)]));
        let sample = &report["findings"][0]["rows"]["samples"][0];
        assert_eq!(sample["value"], "987654");
        assert_eq!(sample["keys"][0], id.to_string());
    }
}

/// A database of 4.2.0 with rows at which CiviCRM's own code stops.
fn stopped_by_own_code() -> String {
    let (sql, schema) = clean("4.2.9");
    let mut maker = Maker::new(&schema, "4.2.0");
    maker.row("civicrm_contribution", &[("contact_id", "4711")]);
    maker.row(
        "civicrm_option_group",
        &[("name", "'civicrm_price_field.amount.12'")],
    );
    let contact = maker.row("civicrm_contact", &[]).to_string();
    for _ in 0..2 {
        maker.row(
            "civicrm_setting",
            &[
                ("name", "'theme'"),
                ("group_name", "'x'"),
                ("value", "NULL"),
                ("contact_id", &contact),
            ],
        );
        maker.row("civicrm_membership_payment", &[("contribution_id", "1")]);
    }
    maker.dump(&sql).replace("'Deceased'", "'Gone'")
}

/// Where an upgrade to 4.7.31 stops on paper, before its first step and in 4.7.alpha1: phase, step and table. (In between
/// it misses rows of a new installation, which the dump does not have.)
fn stops(dump: &str) -> Vec<(String, String, String)> {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), dump).expect("the dump is written");
    let path = file.path().to_string_lossy();
    let output = cividb(&["preflight", &path, "--target", "4.7.31", "--format", "json"]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("a report");
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let failures = report["preflight"]["failures"].as_array().expect("a list");
    let all = failures.iter().map(|it| {
        (
            text(&it["phase"]),
            text(&it["step"]),
            text(&it["object"]["table"]),
        )
    });
    all.filter(|(phase, step, _)| phase == "before" || step == "4.7.alpha1")
        .collect()
}

#[test]
fn what_civicrms_own_code_stops_at_is_in_the_paper_run() {
    let place = |phase: &str, step: &str, table: &str| {
        (phase.to_owned(), step.to_owned(), table.to_owned())
    };
    assert_eq!(
        stops(&stopped_by_own_code()),
        [
            place("before", "4.2.9", "civicrm_option_group"),
            place("before", "4.3.beta3", "civicrm_contribution"),
            place("step", "4.7.alpha1", "civicrm_setting"),
        ]
    );
    let (sql, schema) = clean("4.1.6");
    let mut maker = Maker::new(&schema, "4.1.6");
    for _ in 0..2 {
        maker.row("civicrm_membership_payment", &[("contribution_id", "1")]);
    }
    let dump = maker.dump(&sql);
    let of_payments = place("before", "4.2.alpha1", "civicrm_membership_payment");
    assert_eq!(stops(&dump), std::slice::from_ref(&of_payments));
    let event = dump
        .find("CREATE TABLE `civicrm_event`")
        .expect("it is there");
    let (before, rest) = dump.split_at(event);
    let (event, after) = rest.split_at(rest.find(";\n").expect("it ends"));
    let is_kept = |line: &&str| !line.contains("FOREIGN KEY");
    let event = event.lines().filter(is_kept).collect::<Vec<_>>().join("\n");
    let event = event.replace(",\n)", "\n)");
    assert_eq!(
        stops(&format!("{before}{event}{after}")),
        [place("before", "4.2.alpha1", ""), of_payments]
    );
}

#[test]
fn settings_that_the_new_unique_key_takes_do_not_stop_the_upgrade() {
    let (sql, schema) = clean("4.6.36");
    let mut maker = Maker::new(&schema, "4.6.36");
    let contact = maker.row("civicrm_contact", &[]).to_string();
    // NULLs do not collide in a unique key, and the step deletes the navigation of contacts first.
    for (name, contact) in [("'theme'", "NULL"), ("'navigation'", contact.as_str())] {
        for _ in 0..2 {
            let values = [
                ("name", name),
                ("group_name", "'x'"),
                ("contact_id", contact),
            ];
            maker.row("civicrm_setting", &values);
        }
    }
    let dump = maker.dump(&sql);
    assert_eq!(stops(&dump), []);
    let report = of_text(&dump, &["--target", "4.7.31"]);
    let of_settings: Vec<String> = found(&report)
        .into_keys()
        .filter(|finding| finding.contains("civicrm_setting"))
        .collect();
    assert_eq!(of_settings, [""; 0]);
}

#[test]
fn upgrade_steps_that_stop_are_named() {
    let report = of_text(&stopped_by_own_code(), &["--target", "4.7.31"]);
    let steps: BTreeMap<String, String> = report["findings"]
        .as_array()
        .expect("it is there")
        .iter()
        .filter(|finding| finding["severity"] == "error")
        .map(|finding| {
            let name = finding["object"]["name"]
                .as_str()
                .expect("it is there")
                .to_owned();
            (
                name,
                finding["rows"]["step"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned(),
            )
        })
        .collect();
    let expected = [
        ("contact_id", "4.3.beta3"),
        ("deceased-status", ""),
        ("price-field-amounts", "4.2.9"),
        ("setting-duplicates", "4.7.alpha1"),
    ];
    for (name, step) in expected {
        assert_eq!(
            steps.get(name).map(String::as_str),
            Some(step),
            "{report:#}"
        );
    }
}

#[test]
fn no_real_dump_raises_a_false_alarm() {
    let dumps = common::real_dumps().into_iter().enumerate();
    for (number, path) in dumps.step_by(common::every(2)) {
        let report = orphans(&path.to_string_lossy(), &[]);
        let severe = found(&report);
        let known: BTreeMap<String, u64> = match common::name(&path).as_str() {
            // Its three pages have a date of zeros indeed.
            name if name.starts_with("5.81.2-small") => [(
                "zero-date civicrm_contribution_page created_date".to_owned(),
                3,
            )]
            .into(),
            // CiviCRM's upgrades left the column NULL in a row of its own.
            name if name.contains("to-5.81.2") && !name.starts_with("5.75") => [(
                "null-rows civicrm_payment_processor_type is_recur".to_owned(),
                1,
            )]
            .into(),
            _ => BTreeMap::new(),
        };
        assert_eq!(severe, known, "{}", path.display());
        assert_eq!(
            report["not_checked"],
            serde_json::json!([]),
            "{}",
            path.display()
        );
        if number % common::every(4) == 0 {
            check_includes(&report, &path.to_string_lossy());
            // Steps fill the NULLs of the columns that they make NOT NULL.
            let ahead = orphans(&path.to_string_lossy(), &["--target", "6.15"]);
            let nulls = found(&ahead).into_keys();
            let nulls: Vec<String> = nulls
                .filter(|finding| finding.starts_with("null-rows"))
                .collect();
            assert_eq!(nulls, [""; 0], "{}", path.display());
        }
    }
}

#[test]
fn check_looks_at_the_rows_unless_told_not_to() {
    let (faulty, _) = faulty("5.81.2");
    for dump in [&faulty, &faulty[..faulty.len() / 2]] {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), dump).expect("the dump is written");
        let source = file.path().to_string_lossy().into_owned();
        check_includes(&orphans(&source, &[]), &source);
        let without = report("check", &source, &["--no-rows"]);
        assert!(found(&without).keys().all(|name| !name.contains("-rows ")));
        let skipped = without["not_checked"].as_array().expect("a list");
        assert!(
            skipped
                .iter()
                .any(|skipped| skipped["check"] == "orphan-rows")
        );
    }
}

#[test]
fn exported_rows_can_be_loaded_again() {
    let Some(server) = server::installed() else {
        return;
    };
    let (sql, schema) = clean("5.81.2");
    let mut maker = Maker::new(&schema, "5.81.2");
    let odd = r#"'a\\b\"c\'d\n,\tNULL\0\Z\\N é'"#;
    maker.row(
        "civicrm_email",
        &[
            ("contact_id", "99"),
            ("signature_text", odd),
            ("email", "'NULL'"),
        ],
    );
    maker.row(
        "civicrm_email",
        &[
            ("contact_id", "98"),
            ("signature_text", "''"),
            ("email", r"'\\N'"),
        ],
    );
    let dump = maker.dump(&sql);
    server.load("orphans_export", dump.as_bytes());
    let file = tempfile::NamedTempFile::new().expect("it is there");
    std::fs::write(file.path(), &dump).expect("it is there");
    let name = "civicrm_email.contact_id.orphans.csv";
    let mut texts = Vec::new();
    for source in [
        file.path().to_string_lossy().into_owned(),
        server.url("orphans_export"),
    ] {
        let folder = tempfile::tempdir().expect("it is there");
        let export = folder.path().to_string_lossy().into_owned();
        let report = orphans(&source, &["--export", &export]);
        let written = folder.path().join(name);
        assert_eq!(
            report["findings"][0]["rows"]["file"],
            written.to_string_lossy().as_ref()
        );
        texts.push(std::fs::read(&written).expect("it is there"));
        loads_again(server, &written, &schema);
    }
    assert_eq!(texts[0], texts[1]);
}

fn loads_again(server: &Server, file: &Path, schema: &Schema) {
    let columns: Vec<String> = schema.tables["civicrm_email"]
        .columns
        .keys()
        .cloned()
        .collect();
    let columns = columns.join(",");
    let rows = |table: &str| {
        server.run(
            Some("orphans_export"),
            &format!("SELECT HEX(CONCAT_WS('|', {columns})), signature_text IS NULL FROM {table} WHERE contact_id > 90 ORDER BY id"),
        )
    };
    let loaded = server.client()
        .args(["--local-infile=1", "orphans_export", "-e"])
        .arg(format!(
            "SET sql_mode=''; CREATE OR REPLACE TABLE again LIKE civicrm_email; \
             LOAD DATA LOCAL INFILE '{}' INTO TABLE again CHARACTER SET utf8mb4 FIELDS TERMINATED BY ',' \
             ENCLOSED BY '\"' ESCAPED BY '\\\\' LINES TERMINATED BY '\\n' IGNORE 1 LINES ({columns})",
            file.display()
        ))
        .output()
        .expect("it is there");
    assert!(loaded.status.success(), "{}", text(&loaded.stderr));
    assert_eq!(rows("again"), rows("civicrm_email"));
    assert_eq!(rows("again").lines().count(), 2);
}

#[test]
fn what_may_stand_behind_a_cut_is_not_missed() {
    let sample = String::from_utf8_lossy(&common::sample()).into_owned();
    let (before, _) = sample
        .split_once("INSERT INTO `civicrm_contact` VALUES")
        .expect("contacts come after addresses");
    let report = of_text(
        &format!("{before}INSERT INTO `civicrm_contact` VALUES (1,'x"),
        &[],
    );
    let checks: BTreeSet<String> = found(&report)
        .into_keys()
        .filter_map(|name| Some(name.split(' ').next()?.to_owned()))
        .collect();
    assert_eq!(checks, BTreeSet::from(["dump-truncated".to_owned()]));
    // One line says it all, not one for each table behind the cut.
    let skipped = report["not_checked"].as_array().expect("a list");
    assert_eq!(skipped.len(), 1, "{skipped:?}");
    assert_eq!(skipped[0]["check"], "orphan-rows");
}

/// phpMyAdmin writes tables without any key, then rows, then keys and constraints.
#[test]
fn keys_that_come_behind_the_rows_count() {
    let (sql, schema) = clean("5.81.2");
    let mut maker = Maker::new(&schema, "5.81.2");
    maker.row("civicrm_email", &[("contact_id", "4711")]);
    let own = "CREATE TABLE a_parent (nr int NOT NULL, x varchar(9));\n\
               CREATE TABLE a_child (nr int NOT NULL, belongs int);\n\
               INSERT INTO a_parent VALUES (1,'x'),(2,'y'),(2,'z');\n\
               INSERT INTO a_child VALUES (1,1),(2,3),(3,NULL),(4,3);\n\
               ALTER TABLE a_parent ADD PRIMARY KEY (nr);\n\
               ALTER TABLE a_child ADD PRIMARY KEY (nr), ADD CONSTRAINT f FOREIGN KEY (belongs) REFERENCES a_parent (nr);\n";
    let report = of_text(&format!("{}{own}", maker.dump(&sql)), &[]);
    let expected = [
        ("duplicate-rows a_parent PRIMARY", 2),
        ("orphan-rows a_child belongs", 2),
        ("orphan-rows civicrm_email contact_id", 1),
    ];
    let expected = expected.map(|(name, rows)| (name.to_owned(), rows)).into();
    same(&found(&report), &expected, "keys behind rows");
    assert_eq!(report["integrity"]["passes"], 3);
}

#[test]
fn standard_input_is_read_once() {
    let (sql, schema) = clean("5.81.2");
    let mut maker = Maker::new(&schema, "5.81.2");
    for id in [97, 98, 98] {
        maker.row("civicrm_email", &[("contact_id", &id.to_string())]);
    }
    let dump = maker.dump(&sql);
    let file = tempfile::NamedTempFile::new().expect("it is there");
    std::fs::write(file.path(), &dump).expect("it is there");
    let output = Command::new(env!("CARGO_BIN_EXE_cividb"))
        .args(["orphans", "--format", "json", "-"])
        .stdin(std::fs::File::open(file.path()).expect("it is there"))
        .output()
        .expect("it is there");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("it is there");
    let rows = &report["findings"][0]["rows"];
    assert_eq!(
        (rows["count"].as_u64(), rows["values"].as_u64()),
        (None, Some(2))
    );
    assert_eq!(report["integrity"]["passes"], 1);
    let refused = Command::new(env!("CARGO_BIN_EXE_cividb"))
        .args(["orphans", "--export", "x", "-"])
        .output()
        .expect("it is there");
    assert_eq!(refused.status.code(), Some(2));
}

/// The sample with one e-mail address of a contact that is not there.
fn one_lost() -> Vec<u8> {
    common::replaced(&common::sample(), "VALUES (1,1,1,'", "VALUES (1,4711,1,'")
}

#[test]
fn a_pipe_with_a_name_is_read_once_and_hides_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let pipe = folder.path().join("pipe");
    let made = Command::new("mkfifo").arg(&pipe).status().expect("it runs");
    assert!(made.success());
    let path = pipe.clone();
    let writer = std::thread::spawn(move || std::fs::write(path, one_lost()));
    let report = orphans(&pipe.to_string_lossy(), &[]);
    writer.join().expect("no panic").expect("it is written");
    let rows = &report["findings"][0]["rows"];
    assert_eq!(
        (&rows["count"], &rows["values"]),
        (&serde_json::Value::Null, &1.into())
    );
    assert_eq!(report["verdict"], "fail");
}

#[test]
fn rows_of_a_table_that_is_dropped_and_made_anew_count_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let rows = folder.path().join("rows");
    let dump = folder.path().join("twice.sql");
    std::fs::write(&dump, [one_lost(), one_lost()].concat()).expect("it is written");
    let report = orphans(
        &dump.to_string_lossy(),
        &["--export", &rows.to_string_lossy()],
    );
    let finding = &report["findings"][0]["rows"];
    assert_eq!(finding["count"], 1);
    let file = finding["file"].as_str().expect("a file");
    let written = std::fs::read_to_string(file).expect("it is there");
    assert_eq!(written.lines().count(), 2, "{written}");
}

#[test]
fn keys_that_cannot_be_compared_are_named() {
    let dump = "CREATE TABLE p (k binary(16) NOT NULL, PRIMARY KEY (k));\n\
                CREATE TABLE c (id int NOT NULL, k binary(16), PRIMARY KEY (id), \
                CONSTRAINT f FOREIGN KEY (k) REFERENCES p (k));\n\
                INSERT INTO c VALUES (1,'x');\n";
    let report = of_text(dump, &[]);
    let skipped = report["not_checked"].to_string();
    assert!(skipped.contains("c.k: binary(16)"), "{skipped}");
}

#[test]
fn letters_of_collations_that_are_not_known_raise_no_alarm() {
    let dump = |collation| {
        format!(
            "CREATE TABLE p (k varchar(20) COLLATE {collation} NOT NULL, PRIMARY KEY (k));\n\
             CREATE TABLE c (id int NOT NULL, k varchar(20) COLLATE {collation}, PRIMARY KEY (id), \
             CONSTRAINT f FOREIGN KEY (k) REFERENCES p (k));\n\
             INSERT INTO p VALUES ('Élodie'),('b');\n\
             INSERT INTO c VALUES (1,'elodie'),(2,'B'),(3,'élodie'),(4,'nobody');\n"
        )
    };
    let known = of_text(&dump("utf8mb4_unicode_ci"), &[]);
    assert_eq!(
        found(&known),
        BTreeMap::from([("orphan-rows c k".to_owned(), 1)])
    );
    let unknown = of_text(&dump("utf8mb4_0900_ai_ci"), &[]);
    assert_eq!(found(&unknown), BTreeMap::new());
    let skipped = unknown["not_checked"].to_string();
    assert!(skipped.contains("not all values of p.k"), "{skipped}");
}

#[test]
fn numbers_that_the_server_makes_are_not_known() {
    let dump = "CREATE TABLE p (id int NOT NULL AUTO_INCREMENT, s varchar(9), PRIMARY KEY (id));\n\
                CREATE TABLE c (id int NOT NULL, r int, PRIMARY KEY (id), \
                CONSTRAINT f FOREIGN KEY (r) REFERENCES p (id));\n\
                INSERT INTO c VALUES (1,1),(2,2);\n";
    for parents in ["(s) VALUES ('a'),('b')", "VALUES (NULL,'a'),(NULL,'b')"] {
        let report = of_text(&format!("{dump}INSERT INTO p {parents};\n"), &[]);
        same(&found(&report), &BTreeMap::new(), parents);
        let skipped = report["not_checked"].to_string();
        assert!(skipped.contains("not all values of p.id"), "{skipped}");
    }
}

#[test]
fn a_row_goes_by_its_primary_key_though_that_comes_behind_it() {
    let dump = "CREATE TABLE p (id int NOT NULL);\nCREATE TABLE c (id int NOT NULL, r int);\n\
                INSERT INTO c VALUES (501,1),(502,4711);\nINSERT INTO p VALUES (1);\n\
                ALTER TABLE p ADD PRIMARY KEY (id);\nALTER TABLE c ADD PRIMARY KEY (id);\n\
                ALTER TABLE c ADD CONSTRAINT f FOREIGN KEY (r) REFERENCES p (id);\n";
    let sample = &of_text(dump, &[])["findings"][0]["rows"]["samples"][0];
    assert_eq!(
        (&sample["keys"][0], &sample["value"]),
        (&"502".into(), &"4711".into())
    );
}

#[test]
fn two_keys_of_one_column_are_exported_to_two_files() {
    let dump = "CREATE TABLE p (id int PRIMARY KEY);\nCREATE TABLE q (id int PRIMARY KEY);\n\
                CREATE TABLE c (id int PRIMARY KEY, r int, \
                CONSTRAINT f FOREIGN KEY (r) REFERENCES p (id), \
                CONSTRAINT g FOREIGN KEY (r) REFERENCES q (id));\n\
                INSERT INTO c VALUES (1,5);\n";
    let folder = tempfile::tempdir().expect("a folder");
    let report = of_text(dump, &["--export", &folder.path().to_string_lossy()]);
    let findings = report["findings"].as_array().expect("a list");
    let files: BTreeSet<&str> = findings
        .iter()
        .filter_map(|finding| finding["rows"]["file"].as_str())
        .collect();
    assert_eq!(files.len(), 2, "{files:?}");
    assert!(files.iter().all(|file| Path::new(file).is_file()));
}

#[test]
fn tables_are_named_in_any_letter_case() {
    let Some(server) = server::installed() else {
        return;
    };
    let (sql, schema) = clean("5.81.2");
    let mut maker = Maker::new(&schema, "5.81.2");
    for (named, id) in [
        ("'CIVICRM_CONTACT'", "999991"),
        ("'civicrm_contact '", "999992"),
    ] {
        maker.row(
            "civicrm_note",
            &[("entity_table", named), ("entity_id", id)],
        );
    }
    let dump = maker.dump(&sql);
    server.load("orphans_case", dump.as_bytes());
    let of_dump = of_text(&dump, &[]);
    assert_eq!(
        findings(&of_dump),
        findings(&orphans(&server.url("orphans_case"), &[]))
    );
    assert_eq!(of_dump["findings"][0]["rows"]["count"], 2);
}

#[test]
fn a_server_with_room_for_one_connection_gives_all_answers() {
    let Some(server) = server::installed() else {
        return;
    };
    let (dump, _) = faulty("5.81.2");
    server.load("orphans_narrow", dump.as_bytes());
    server.run(
        None,
        "CREATE OR REPLACE USER narrow@localhost IDENTIFIED BY 'narrow' WITH MAX_USER_CONNECTIONS 1; \
         GRANT ALL ON orphans_narrow.* TO narrow@localhost",
    );
    let url = server
        .url("orphans_narrow")
        .replace("root@", "narrow:narrow@");
    let of_root = orphans(&server.url("orphans_narrow"), &[]);
    assert_eq!(
        findings(&orphans(&url, &["--connections", "4"])),
        findings(&of_root)
    );
}

#[test]
fn rows_that_cannot_be_written_in_time_are_written_in_parts() {
    let Some(server) = server::installed() else {
        return;
    };
    let (sql, schema) = clean("5.81.2");
    let mut maker = Maker::new(&schema, "5.81.2");
    for _ in 0..3000 {
        maker.row(
            "civicrm_note",
            &[("contact_id", "999991"), ("entity_id", "1")],
        );
    }
    server.load("orphans_parts", maker.dump(&sql).as_bytes());
    let judge = |sql: &str| {
        let is_export = sql.contains("civicrm_note") && sql.contains("`subject`");
        let width = sql.rsplit_once(" BETWEEN ").and_then(|(_, range)| {
            let mut ends = range.split(" AND ").map(|end| {
                let digits = end.find(|c: char| !c.is_ascii_digit());
                end[..digits.unwrap_or(end.len())].parse::<u64>().ok()
            });
            Some(ends.next()??.abs_diff(ends.next()??))
        });
        match is_export && width.is_none_or(|width| width > 1500) {
            true => Action::TimeOut,
            false => Action::Pass,
        }
    };
    let proxy = Proxy::start(server.socket(), judge);
    let folder = tempfile::tempdir().expect("a folder");
    let report = orphans(
        &proxy.url("orphans_parts"),
        &["--export", &folder.path().to_string_lossy()],
    );
    let rows = &report["findings"][0]["rows"];
    assert_eq!(rows["count"], 3000, "{report:#}");
    match rows["file"].as_str() {
        Some(file) => {
            let written = std::fs::read_to_string(file).expect("it is there");
            assert_eq!(written.lines().count(), 3001);
        }
        // The column has an index of few values, so that there is one range.
        None => assert!(
            report["not_checked"]
                .to_string()
                .contains("could not be written")
        ),
    }
}

#[test]
fn what_an_account_may_not_see_is_named() {
    let Some(server) = server::installed() else {
        return;
    };
    let (dump, _) = faulty("5.81.2");
    server.load("orphans_few", dump.as_bytes());
    server.run(
        None,
        "CREATE OR REPLACE USER few@localhost IDENTIFIED BY 'few'; \
         GRANT SELECT ON orphans_few.civicrm_contact TO few@localhost",
    );
    let url = server.url("orphans_few").replace("root@", "few:few@");
    let report = orphans(&url, &[]);
    let skipped = report["not_checked"].to_string();
    assert!(
        skipped.contains("orphan-rows") && skipped.contains("SELECT"),
        "{skipped}"
    );
}
