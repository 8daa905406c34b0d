//! `cividb preflight`: what CiviCRM's own upgrades did to healthy and to damaged databases is what it says before.

use cividb::case::Case;
use cividb::civicrm::release::Version;
use cividb::civicrm::upgrade::path;
use cividb::preflight::failure::{Cause, Failure};
use cividb::preflight::rows::RowAnswers;
use cividb::preflight::{Forecast, Options, SilentDamage, forecast};
use cividb::schema::compare::{self, Difference, compare};
use cividb::schema::model::{Column, View};
use cividb::server_version::ServerVersion;
use cividb::snapshot::Snapshot;
use serde_json::Value;

use crate::common;
use crate::server::{self, Server};

fn version(text: &str) -> Version {
    Version::parse(text).expect("a version")
}

/// The upgrade of a case, by its schema and the rows that every snapshot has.
fn on_paper(case: &Case, target: &Version, server: Option<&str>) -> Forecast {
    let options = Options {
        target: target.clone(),
        server: server.map(|server| ServerVersion::parse_target(server).expect("a server")),
        account: None,
    };
    forecast(case, &options, &RowAnswers::default()).expect("the steps can be read")
}

/// The last point release of every minor release.
fn releases() -> Vec<Version> {
    let states = common::catalogue().states().iter();
    let last = states.map(|state| version(state.last_release()));
    let mut releases: Vec<Version> = Vec::new();
    for release in last {
        match releases.last_mut() {
            Some(before) if before.major_minor() == release.major_minor() => *before = release,
            _ => releases.push(release),
        }
    }
    releases
}

#[test]
fn healthy_databases_finish_on_paper_to_every_later_release() {
    let releases = releases();
    let mut runs = 0;
    let step = common::every(14);
    for dump in common::real_dumps() {
        let case = common::case(common::snapshot_of(&common::text_of(&dump)));
        let from = case.declared_version().expect("a version");
        let later = releases.iter().filter(|release| **release > from);
        let accepted = later.filter(|release| path::takes(release, &from));
        let newest = releases.last().expect("releases");
        for target in accepted
            .step_by(step)
            .chain([newest])
            .filter(|target| **target > from)
        {
            let forecast = on_paper(&case, target, None);
            let name = common::name(&dump);
            assert!(
                forecast.failures.is_empty(),
                "{name} to {target}: {:#?}",
                forecast.failures
            );
            assert!(
                forecast.possible.is_empty(),
                "{name} to {target}: {:#?}",
                forecast.possible
            );
            // Two dumps lost keys of this table before they were made, and no step up to 4.3 makes them anew.
            let is_lost = |damage: &SilentDamage| damage.table == "civicrm_contribution_recur";
            let lost = target.major_minor() < (4, 3) && forecast.silent.iter().all(is_lost);
            assert!(
                forecast.silent.is_empty() || lost,
                "{name} to {target}: {:#?}",
                forecast.silent
            );
            assert!(!forecast.path.is_empty(), "{name} to {target}");
            runs += 1;
        }
    }
    if common::shared().is_some() {
        assert!(runs > 60, "{runs}");
    }
}

#[test]
fn a_step_that_looks_first_whether_it_has_run_stops_a_database_with_a_wrong_version() {
    let dumps = common::real_dumps();
    let Some(dump) = dumps
        .iter()
        .find(|dump| common::name(dump).starts_with("4.0.8"))
    else {
        return;
    };
    let text = common::replaced(&common::text_of(dump), "'4.0.8'", "'3.0.4'");
    let case = common::case(common::snapshot_of(&text));
    let forecast = on_paper(&case, &version("4.1.6"), None);
    let first = forecast.failures.first().expect("it stops");
    assert_eq!(first.step.as_deref(), Some("3.1.alpha1"), "{first:#?}");
    assert!(matches!(first.cause, Cause::Version), "{first:#?}");
    assert!(first.shown.contains("partially upgraded"), "{first:#?}");
}

#[test]
fn a_site_of_4_0_is_taken_by_code_that_refuses_its_twin_3_4() {
    let Some(forecast) = of_changed("4.0.8", "5.0.0", |_| {}) else {
        return;
    };
    assert_eq!(forecast.from, Some(version("4.0.8")));
    assert_eq!(forecast.path.len(), 1);
    assert_eq!(forecast.below_minimum, None);
    // The steps are those behind 3.4.8 all the same.
    assert_eq!(
        forecast.steps.first().map(String::as_str),
        Some("4.1.alpha1")
    );
    let twin = of_changed("4.0.8", "5.0.0", |snapshot| {
        for row in snapshot
            .rows
            .get_mut("civicrm_domain")
            .into_iter()
            .flatten()
        {
            row.insert("version".to_owned(), Some(b"3.4.8".to_vec()));
        }
    });
    let twin = twin.expect("the same dump");
    assert!(twin.path.len() > 1 && twin.below_minimum.is_some());
}

/// The upgrade of a real dump to a release on MariaDB, after a change; `None` without the dumps.
fn of_changed(dump: &str, target: &str, change: impl Fn(&mut Snapshot)) -> Option<Forecast> {
    let dumps = common::real_dumps();
    let dump = dumps
        .iter()
        .find(|path| common::name(path).starts_with(dump))?;
    let mut snapshot = common::snapshot_of(&common::text_of(dump));
    change(&mut snapshot);
    let case = common::case(snapshot);
    Some(on_paper(&case, &version(target), Some("mariadb-10.11")))
}

/// The number of each error, and the statements that mend it.
fn stops(forecast: &Forecast) -> Vec<(Option<u32>, Vec<String>)> {
    let failures = forecast.failures.iter();
    let stop = |failure: &Failure| {
        let error = failure.cause.server_error();
        let number = error.map(|error| error.number(&forecast.server));
        let statements = failure.statements();
        let on_one_line = |statement: String| statement.replace("\n  ", " ");
        (number, statements.map(on_one_line).collect())
    };
    failures.map(stop).collect()
}

#[test]
fn a_view_in_the_way_stops_once_and_is_renamed_as_a_view() {
    let changed = |snapshot: &mut Snapshot| {
        let view = View {
            definer: None,
            query: "select 1 as id".to_owned(),
            sql_mode: None,
        };
        let views = &mut snapshot.schema.views;
        views.insert("civicrm_user_job".to_owned(), view);
    };
    let Some(forecast) = of_changed("5.33.2", "6.15.0", changed) else {
        return;
    };
    let rename = "RENAME TABLE `civicrm_user_job` TO `civicrm_user_job_before_upgrade`";
    assert_eq!(stops(&forecast), [(Some(1347), vec![rename.to_owned()])]);
}

#[test]
fn a_table_or_column_of_another_name_gets_its_own_back_instead_of_an_empty_one() {
    let renamed = |snapshot: &mut Snapshot| {
        let tables = &mut snapshot.schema.tables;
        let table = tables.shift_remove("civicrm_word_replacement");
        let bak = "civicrm_word_replacement_bak".to_owned();
        tables.insert(bak, table.expect("the table"));
    };
    let Some(forecast) = of_changed("5.81.2", "6.15.0", renamed) else {
        return;
    };
    let rename = "RENAME TABLE `civicrm_word_replacement_bak` TO `civicrm_word_replacement`";
    assert_eq!(stops(&forecast), [(Some(1146), vec![rename.to_owned()])]);

    let column = |to: Option<&'static str>| {
        move |snapshot: &mut Snapshot| {
            let contact = &mut snapshot.schema.tables["civicrm_contact"];
            let column = contact.columns.shift_remove("is_deceased");
            if let Some(to) = to {
                let column = column.expect("the column");
                contact.columns.insert(to.to_owned(), column);
            }
        }
    };
    let of_column = |to| of_changed("5.21.2", "6.13.1", column(to)).expect("the dump");
    let fixes = |forecast: &Forecast| -> Vec<String> {
        let failures = forecast.failures.iter();
        failures.map(cividb::checks::upgrade::fix).collect()
    };
    let there = fixes(&of_column(Some("is_deceased_old")));
    assert!(
        there[0].contains("CHANGE COLUMN `is_deceased_old` `is_deceased`"),
        "{there:#?}"
    );
    let gone = fixes(&of_column(None));
    assert!(gone[0].contains("ADD COLUMN `is_deceased`"), "{gone:#?}");
    assert!(gone[0].contains("only in a backup"), "{gone:#?}");
}

#[test]
fn a_column_of_the_site_without_a_default_stops_new_rows() {
    let changed = |snapshot: &mut Snapshot| {
        let table = &mut snapshot.schema.tables["civicrm_option_value"];
        let own = Column::new("varchar(10)", false);
        table.columns.insert("own_x".to_owned(), own);
    };
    let Some(forecast) = of_changed("5.33.2", "6.15.0", changed) else {
        return;
    };
    let allow = "ALTER TABLE `civicrm_option_value` MODIFY COLUMN `own_x` varchar(10) NULL";
    assert_eq!(stops(&forecast), [(Some(1364), vec![allow.to_owned()])]);
}

#[test]
fn an_index_that_the_row_format_does_not_take_is_foretold() {
    let changed = |snapshot: &mut Snapshot| {
        let campaign = &mut snapshot.schema.tables["civicrm_campaign"];
        campaign.row_format = Some("COMPACT".to_owned());
    };
    let Some(forecast) = of_changed("5.33.2", "5.81.2", changed) else {
        return;
    };
    let format = "ALTER TABLE `civicrm_campaign` ROW_FORMAT=DYNAMIC";
    assert_eq!(stops(&forecast), [(Some(1709), vec![format.to_owned()])]);
}

#[test]
fn a_custom_table_in_another_letter_case_may_stop_its_trigger() {
    let changed = |snapshot: &mut Snapshot| {
        let tables = &mut snapshot.schema.tables;
        let names = tables.keys();
        let mut names = names.filter(|name| name.starts_with("civicrm_value_"));
        let name = names.next().expect("a custom table").clone();
        let table = tables.shift_remove(&name).expect("the table");
        tables.insert(name.to_uppercase(), table);
    };
    let Some(forecast) = of_changed("5.33.2", "5.81.2", changed) else {
        return;
    };
    assert!(forecast.failures.is_empty(), "{:#?}", forecast.failures);
    let [possible] = &forecast.possible[..] else {
        panic!("{:#?}", forecast.possible);
    };
    let text = cividb::checks::upgrade::message(possible, &forecast.server);
    assert!(text.contains("CREATE TRIGGER on civicrm_value_"), "{text}");
    let mends: Vec<String> = possible.statements().collect();
    assert!(
        mends[0].starts_with("RENAME TABLE `CIVICRM_VALUE_"),
        "{mends:?}"
    );
}

#[test]
fn an_upgrade_to_the_release_that_is_there_or_to_an_older_one_is_named_as_that() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("sample.sql"), common::sample()).expect("written");
    let case = common::case(common::snapshot_of(&common::sample()));
    let own = case.declared_version().expect("a version").to_string();
    let first = |target: &str| {
        let arguments = ["preflight", "sample.sql", "--target", target];
        let output = common::cividb(folder.path(), &arguments);
        let text = common::text(&output.stdout);
        text.lines().next().unwrap_or_default().to_owned()
    };
    let same = first(&own);
    assert!(
        same.contains(&format!("the database is of {own} already")),
        "{same}"
    );
    let older = first("5.69.5");
    assert!(
        older.contains(&format!("the upgrade from {own} to 5.69.5")),
        "{older}"
    );
}

/// The differences between the end of the paper run and the database that CiviCRM itself upgraded.
fn end_against_real(from: &str, target: &str, upgraded: &str) -> Vec<Difference> {
    let Some(shared) = common::shared() else {
        return Vec::new();
    };
    let read = |name: &str| {
        let text = common::text_of(&shared.join("dumps").join(name));
        common::case(common::snapshot_of(&text))
    };
    let (case, real) = (read(from), read(&format!("upgraded/{upgraded}")));
    let forecast = on_paper(&case, &version(target), Some("mariadb-10.11"));
    let options = compare::Options::default();
    let differences = compare(&forecast.end, &real.snapshot.schema, &options);
    let is_snapshot = |difference: &Difference| difference.table.starts_with("snap_civicrm_");
    differences
        .into_iter()
        .filter(|difference| !is_snapshot(difference))
        .collect()
}

#[test]
fn the_paper_run_ends_with_the_schema_of_the_real_upgrade() {
    for (from, target, upgraded) in [
        (
            "4.7.31-setupsh.sql.bz2",
            "5.33.2",
            "4.7.31-to-5.33.2.sql.bz2",
        ),
        (
            "4.7.31-setupsh.sql.bz2",
            "5.81.2",
            "4.7.31-to-5.81.2.sql.bz2",
        ),
        (
            "5.21.2-setupsh.mysql.bz2",
            "5.81.2",
            "5.21.2-to-5.81.2.sql.bz2",
        ),
    ] {
        let differences = end_against_real(from, target, upgraded);
        assert!(differences.is_empty(), "{upgraded}: {differences:#?}");
    }
}

/// The privileges that CiviCRM's guide names for its account.
pub const DOCUMENTED: [&str; 15] = [
    "SELECT",
    "INSERT",
    "UPDATE",
    "DELETE",
    "CREATE",
    "DROP",
    "INDEX",
    "ALTER",
    "CREATE TEMPORARY TABLES",
    "LOCK TABLES",
    "TRIGGER",
    "CREATE ROUTINE",
    "ALTER ROUTINE",
    "REFERENCES",
    "CREATE VIEW",
];

/// Does to a database what a case of the facts says; returns the account that upgrades it.
fn damage(server: &Server, database: &str, sql: &str) -> String {
    let mut account = "root".to_owned();
    let mut plain = String::from("SET sql_mode = '', foreign_key_checks = 0;");
    let all = |query: &str| {
        let statements = server.run(Some(database), query);
        let statements: Vec<&str> = statements.lines().collect();
        server.run(
            Some(database),
            &format!("SET foreign_key_checks = 0; {}", statements.join("\n")),
        );
    };
    for statement in sql
        .split(';')
        .map(str::trim)
        .filter(|statement| !statement.is_empty())
    {
        let (word, rest) = statement.split_once(' ').unwrap_or((statement, ""));
        match word {
            "@dropfks" => {
                let of_table = match rest {
                    "" => String::new(),
                    table => format!(
                        " AND (TABLE_NAME = '{table}' OR REFERENCED_TABLE_NAME = '{table}')"
                    ),
                };
                all(&format!(
                    "SELECT CONCAT('ALTER TABLE ', TABLE_NAME, ' DROP FOREIGN KEY ', CONSTRAINT_NAME, ';') FROM \
                     information_schema.REFERENTIAL_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = DATABASE(){of_table}"
                ));
            }
            "@myisam" => all(
                "SELECT CONCAT('ALTER TABLE ', TABLE_NAME, ' ENGINE=MyISAM;') FROM information_schema.TABLES \
                 WHERE TABLE_SCHEMA = DATABASE() AND ENGINE = 'InnoDB'",
            ),
            "@grant" => {
                account = format!("less_{}", database.rsplit('_').next().unwrap_or_default());
                let list: Vec<&str> = DOCUMENTED
                    .into_iter()
                    .filter(|name| *name != rest)
                    .collect();
                server.run(
                    None,
                    &format!(
                        "DROP USER IF EXISTS {account}@localhost; CREATE USER {account}@localhost; \
                         GRANT {} ON {database}.* TO {account}@localhost",
                        list.join(", ")
                    ),
                );
            }
            _ if word.starts_with('@') => {}
            _ => {
                plain.push_str(statement);
                plain.push(';');
            }
        }
    }
    server.run(Some(database), &plain);
    account
}

/// The dump without the accounts that its triggers and functions run as, which the server does not have.
pub fn without_definers(dump: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(dump.len());
    let mut rest = dump;
    while let Some(at) = memchr::memmem::find(rest, b"DEFINER=`") {
        text.extend_from_slice(&rest[..at]);
        // User and host are quoted: four backquotes.
        let behind = memchr::memchr_iter(b'`', &rest[at..])
            .nth(3)
            .expect("a host");
        rest = &rest[at + behind + 1..];
    }
    text.extend_from_slice(rest);
    text
}

/// A title without its numbers, which differ from run to run.
fn without_numbers(title: &str) -> String {
    title
        .replace("{}", "0")
        .split(|letter: char| letter.is_ascii_digit())
        .collect()
}

/// Whether what was said before is what CiviCRM did: the task, the error, the version, whether it could go on.
fn is_right(case: &Value, preflight: &Value) -> bool {
    let real = &case["civicrm"];
    let first = &preflight["failures"][0];
    if real["outcome"] == "upgrades" {
        return first.is_null();
    }
    let same_error =
        first["server_error"] == real["server_error"] || real["server_error"].is_null();
    match real["when"].as_str() {
        Some("before any step") => first["phase"] == "before" && same_error,
        Some("after the last step") => first["phase"] == "after" && same_error,
        _ => {
            let title = |value: &Value| without_numbers(value.as_str().unwrap_or_default());
            let resumed = match case["mended_then_resumed"].as_str() {
                Some("works") => first["retry"] == "works",
                Some("fails") => first["retry"] == "needs-backup",
                _ => true,
            };
            title(&first["task"]) == title(&real["task"])
                && same_error
                && first["version_after"] == real["version_after"]
                && resumed
        }
    }
}

#[test]
fn what_civicrm_did_to_damaged_databases_is_said_before() {
    let Some(shared) = common::shared() else {
        return;
    };
    let cases = std::fs::read_to_string(shared.join("facts/upgrade-failures.json")).expect("cases");
    let cases: Vec<Value> = serde_json::from_str(&cases).expect("JSON");
    let servers = server::all();
    for server in servers.iter().filter(|server| server.is_mysql()) {
        // As on the server of the facts: there an account without SUPER could make triggers.
        server.run(None, "SET GLOBAL log_bin_trust_function_creators = 1");
    }
    let mut seen = 0;
    let mut wrong = Vec::new();
    // Every eighth of them is a sample with both servers and each way of failing.
    let every = common::every(8);
    let cases = cases.iter().enumerate();
    for (number, case) in cases.skip(every - 1).step_by(every) {
        let word = |key: &str| case[key].as_str().unwrap_or_default();
        let family = word("server").split('-').next().unwrap_or_default();
        let is_mysql = family == "mysql";
        let Some(server) = servers.iter().find(|server| server.is_mysql() == is_mysql) else {
            continue;
        };
        let database = format!("preflight_{number}");
        let dump = shared.join("dumps").join(format!("{}.bz2", word("from")));
        let text = common::text_of(&dump);
        let text = match word("sql").contains("@definer") {
            true => text,
            false => without_definers(&text),
        };
        server.load(&database, &text);
        let account = damage(server, &database, word("sql"));
        let url = server
            .url(&database)
            .replace("root@", &format!("{account}@"));
        let folder = tempfile::tempdir().expect("a folder");
        let output = common::cividb(
            folder.path(),
            &[
                "preflight",
                "--format",
                "json",
                "--target",
                word("target"),
                &url,
            ],
        );
        let report = common::json(&output);
        if !is_right(case, &report["preflight"]) {
            wrong.push(format!(
                "{}: {:#}",
                word("name"),
                report["preflight"]["failures"][0]
            ));
        }
        server.run(None, &format!("DROP DATABASE {database}"));
        seen += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen > 60 / every, "{seen}");
}

#[test]
fn of_a_cut_dump_no_upgrade_is_foretold() {
    let folder = tempfile::tempdir().expect("a folder");
    let sample = common::sample();
    std::fs::write(folder.path().join("cut.sql"), &sample[..sample.len() / 3]).expect("written");
    for command in ["preflight", "check"] {
        let arguments = [command, "cut.sql", "--target", "6.10.0", "--format", "json"];
        let report = common::json(&common::cividb(folder.path(), &arguments));
        let found = report["findings"].as_array().expect("findings");
        let errors: Vec<&Value> = found
            .iter()
            .filter(|it| it["severity"] == "error")
            .collect();
        assert_eq!(errors.len(), 1, "{command}: {errors:#?}");
        assert_eq!(errors[0]["check"], "dump-truncated");
        assert!(report["preflight"].is_null());
        let not_checked = report["not_checked"].as_array().expect("a list");
        let is_said = |it: &Value| it["check"] == "upgrade-stops" && it["why"] == "the dump is cut";
        assert!(
            not_checked.iter().any(is_said),
            "{command}: {not_checked:#?}"
        );
    }
}

#[test]
fn rows_of_a_table_are_kept_whatever_was_looked_for_in_the_table_before() {
    let dump = "CREATE TABLE `civicrm_log` (`id` int, `data` text);\n\
                INSERT INTO `civicrm_log` VALUES (1,'a'),(2,'b'),(3,'c');\n\
                CREATE TABLE `civicrm_option_group` (`id` int, `name` varchar(64));\n\
                INSERT INTO `civicrm_option_group` VALUES (1,'gender'),(2,'activity_type'),(3,'case_type');\n\
                CREATE TABLE `other` (`id` int, `data` text);\n\
                INSERT INTO `other` VALUES (1,'upgrade:4.7.31->5.0.alpha1');\n";
    let snapshot = common::snapshot_of(dump.as_bytes());
    assert_eq!(snapshot.rows["civicrm_option_group"].len(), 3);
}
