//! `cividb repair` on real servers: what is damaged is mended, and `undo` leads back byte for byte.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use cividb::schema::model::{ForeignKey, IndexKind, ReferentialAction, Schema};
use cividb::schema::sql::identifier;
use serde_json::Value;

use mysql::prelude::Queryable;

use crate::common::{self, cividb, text};
use crate::proxy::{Action, Proxy};
use crate::server::{self, Server};

fn key_sql(name: &str, key: &ForeignKey) -> String {
    let list = |columns: &[String]| {
        let columns: Vec<String> = columns.iter().map(|column| identifier(column)).collect();
        columns.join(", ")
    };
    format!(
        "ADD CONSTRAINT {} FOREIGN KEY ({}) REFERENCES {} ({}) ON DELETE {}",
        identifier(name),
        list(&key.columns),
        identifier(&key.referenced_table),
        list(&key.referenced_columns),
        key.on_delete.as_sql()
    )
}

/// What was damaged, counted.
#[derive(Debug, Default)]
struct Damage {
    sql: String,
    renamed: usize,
    dropped: usize,
    rules: usize,
    indexes: usize,
    engines: usize,
}

/// Damages core tables of a schema, those whose names come before `until`, in every way that
/// repair knows.
fn damage(schema: &Schema, until: &str) -> Damage {
    let mut damage = Damage {
        sql: "SET foreign_key_checks = 0;\n".to_owned(),
        ..Damage::default()
    };
    let is_core = |table: &str| {
        table.starts_with("civicrm_") && !table.starts_with("civicrm_value") && table < until
    };
    let mut number = 0;
    let mut swapped: Option<(String, String, ForeignKey)> = None;
    for (table, definition) in schema.tables.iter().filter(|(table, _)| is_core(table)) {
        for (name, key) in &definition.foreign_keys {
            number += 1;
            let quoted = identifier(table);
            let mut alter = |actions: &[String]| {
                for action in actions {
                    damage
                        .sql
                        .push_str(&format!("ALTER TABLE {quoted} {action};\n"));
                }
            };
            let drop = format!("DROP FOREIGN KEY {}", identifier(name));
            let new_name = match number % 10 {
                0 => {
                    alter(&[drop]);
                    damage.dropped += 1;
                    continue;
                }
                1 => format!("{table}_ibfk_{number}"),
                2 => name.to_lowercase(),
                3 => format!("{}{number:03}", "é".repeat(61)),
                4 => {
                    let mut other = key.clone();
                    other.on_delete = match key.on_delete {
                        ReferentialAction::Cascade => ReferentialAction::Restrict,
                        _ => ReferentialAction::Cascade,
                    };
                    alter(&[drop, key_sql(name, &other)]);
                    damage.rules += 1;
                    continue;
                }
                5 => {
                    alter(&[drop]);
                    swapped = Some((table.clone(), name.clone(), key.clone()));
                    continue;
                }
                6 => {
                    let Some((other_table, other_name, other_key)) = swapped.take() else {
                        continue;
                    };
                    alter(&[drop, key_sql(&other_name, key)]);
                    damage.sql.push_str(&format!(
                        "ALTER TABLE {} {};\n",
                        identifier(&other_table),
                        key_sql(name, &other_key)
                    ));
                    damage.renamed += 2;
                    continue;
                }
                7 => format!("-- `{number}`; DROP TABLE x"),
                _ => continue,
            };
            alter(&[drop, key_sql(&new_name, key)]);
            damage.renamed += 1;
        }
        let serves = |columns: &str| {
            let mut keys = definition.foreign_keys.values();
            keys.any(|key| key.columns.iter().any(|column| column == columns))
        };
        let referenced = schema
            .tables
            .values()
            .flat_map(|other| other.foreign_keys.values())
            .any(|key| key.referenced_table.eq_ignore_ascii_case(table));
        for (name, index) in &definition.indexes {
            let first = index.parts.first().map_or("", |part| part.column.as_str());
            if serves(first) || referenced || index.kind != IndexKind::Plain {
                continue;
            }
            number += 1;
            let action = match number % 3 {
                0 => format!("DROP INDEX {}", identifier(name)),
                1 => format!(
                    "RENAME INDEX {} TO {}",
                    identifier(name),
                    identifier(&format!("ix`{number}"))
                ),
                _ => continue,
            };
            damage.indexes += 1;
            damage
                .sql
                .push_str(&format!("ALTER TABLE {} {action};\n", identifier(table)));
        }
        if definition.foreign_keys.is_empty() && definition.indexes.is_empty() && !referenced {
            damage.engines += 1;
            damage.sql.push_str(&format!(
                "ALTER TABLE {} ENGINE=MyISAM;\n",
                identifier(table)
            ));
        }
    }
    if let Some((table, name, key)) = swapped {
        let quoted = identifier(&table);
        damage
            .sql
            .push_str(&format!("ALTER TABLE {quoted} {};\n", key_sql(&name, &key)));
    }
    damage
}

/// Every table as SHOW CREATE TABLE prints it, without the counters of new rows.
pub fn definitions(server: &Server, database: &str) -> String {
    let tables = server.run(
        Some(database),
        "SHOW FULL TABLES WHERE Table_type = 'BASE TABLE'",
    );
    let questions: String = tables
        .lines()
        .filter_map(|line| line.split('\t').next())
        .map(|table| format!("SHOW CREATE TABLE {};\n", identifier(table)))
        .collect();
    let printed = server.run(Some(database), &questions);
    let lines = printed
        .lines()
        .map(|line| match line.split_once(" AUTO_INCREMENT=") {
            Some((head, rest)) if line.starts_with(") ENGINE") => {
                let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit());
                format!("{head}{rest}\n")
            }
            _ => format!("{line}\n"),
        });
    lines.collect()
}

/// What `diff` finds that counts, a line each.
fn differences(folder: &Path, url: &str) -> Vec<String> {
    let output = cividb(folder, &["diff", url, "--format", "json"]);
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", text(&output.stderr)));
    let findings = report["findings"].as_array().into_iter().flatten();
    let mut lines: Vec<String> = findings
        .filter(|finding| finding["severity"] != "note")
        .map(|finding| {
            let object = &finding["object"];
            format!(
                "{} {} {}",
                finding["check"], object["table"], object["name"]
            )
        })
        .collect();
    lines.sort();
    lines
}

/// The dumps that are damaged and mended: the sample, or with `CIVIDB_TEST_ALL` the real ones as well.
fn dumps() -> Vec<(String, Vec<u8>)> {
    let mut dumps = vec![("sample".to_owned(), common::sample())];
    if common::everything() {
        let paths = common::real_dumps().into_iter();
        dumps.extend(paths.map(|path| (common::name(&path), common::text_of(&path))));
    }
    dumps
}

#[test]
fn whatever_is_damaged_is_mended_and_undo_leads_back_byte_for_byte() {
    let mut total = Damage::default();
    for server in server::all() {
        for (name, dump) in dumps() {
            let safe = name.replace(|c: char| !c.is_ascii_alphanumeric(), "_");
            let database = format!("repair_{safe}");
            let is_old = memchr::memmem::find(&dump, b"NO_AUTO_CREATE_USER").is_some();
            let dump = match server.is_mysql() && is_old {
                true => common::replaced(&dump, "NO_AUTO_CREATE_USER", "NO_ENGINE_SUBSTITUTION"),
                false => dump,
            };
            server.load(&database, &dump);
            let at = format!("{name} on {}", server.name);
            let url = server.url(&database);
            let folder = tempfile::tempdir().expect("a folder");
            let sound = differences(folder.path(), &url);
            // MySQL takes ten times as long as MariaDB to change a table.
            let until = match server.is_mysql() && !common::everything() {
                true => "civicrm_g",
                false => "civicrm~",
            };
            let damage = damage(&common::snapshot_of(&dump).schema, until);
            server.run(Some(&database), &damage.sql);
            let damaged = definitions(server, &database);
            assert_ne!(differences(folder.path(), &url), sound, "{at}");

            let dry = cividb(folder.path(), &["repair", "all", &url]);
            assert_eq!(dry.status.code(), Some(1), "{at}: {}", text(&dry.stderr));
            assert_eq!(
                definitions(server, &database),
                damaged,
                "{at}: nothing without --apply"
            );

            let arguments = ["repair", "all", &url, "--apply", "--yes", "--journal", "j"];
            let done = cividb(folder.path(), &arguments);
            assert!(done.status.code() < Some(2), "{at}: {}", text(&done.stderr));
            let left: Vec<String> = differences(folder.path(), &url)
                .into_iter()
                .filter(|line| !sound.contains(line))
                .collect();
            assert_eq!(left, [""; 0], "{at}: {}", text(&done.stderr));

            let back = cividb(folder.path(), &["undo", "j", &url, "--apply", "--yes"]);
            let errors = text(&back.stderr);
            let last = errors.lines().last().unwrap_or_default();
            assert_eq!(back.status.code(), Some(0), "{at}: {last}");
            assert_eq!(
                definitions(server, &database),
                damaged,
                "{at}: byte for byte"
            );
            server.run(None, &format!("DROP DATABASE `{database}`"));
            total.renamed += damage.renamed;
            total.dropped += damage.dropped;
            total.rules += damage.rules;
            total.indexes += damage.indexes;
            total.engines += damage.engines;
        }
    }
    eprintln!(
        "mended and taken back: {} names, {} keys, {} rules, {} indexes, {} engines",
        total.renamed, total.dropped, total.rules, total.indexes, total.engines
    );
}

/// A copy of the sample, damaged, and what is sound of it.
fn damaged_sample(server: &Server, database: &str) -> (String, Vec<String>, String) {
    server.load(database, &common::sample());
    let url = server.url(database);
    let folder = tempfile::tempdir().expect("a folder");
    let sound = differences(folder.path(), &url);
    // Enough for more than fifty statements.
    let damage = damage(&common::snapshot_of(&common::sample()).schema, "civicrm_g");
    server.run(Some(database), &damage.sql);
    (url, sound, definitions(server, database))
}

/// Goes on with an interrupted run, shows that all is sound, takes all back, and shows that all
/// is as it was.
fn finish_and_undo(
    server: &Server,
    database: &str,
    folder: &Path,
    (url, sound, damaged): &(String, Vec<String>, String),
    at: &str,
) {
    server.wait_until_unused(database);
    let journal = folder.join("j").exists();
    let how = if journal { "--resume" } else { "--journal" };
    let arguments = ["repair", "all", url, "--apply", "--yes", how, "j"];
    let resumed = cividb(folder, &arguments);
    let errors = text(&resumed.stderr);
    assert!(resumed.status.code() < Some(2), "{at}: {errors}");
    assert_eq!(&differences(folder, url), sound, "{at}: {errors}");
    let back = cividb(folder, &["undo", "j", url, "--apply", "--yes"]);
    let errors = text(&back.stderr);
    let last = errors.lines().last().unwrap_or_default();
    assert_eq!(back.status.code(), Some(0), "{at}: {last}");
    assert_eq!(&definitions(server, database), damaged, "{at}");
}

#[test]
fn a_repair_cut_off_at_any_statement_can_be_gone_on_with_and_taken_back() {
    let Some(server) = server::installed() else {
        return;
    };
    let database = "repair_cut";
    let state = damaged_sample(server, database);
    // Once undisturbed, to learn the statements.
    let statements = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&statements);
    let proxy = Proxy::start(server.socket(), move |sql| {
        seen.lock().expect("no panic").push(sql.to_owned());
        Action::Pass
    });
    let folder = tempfile::tempdir().expect("a folder");
    let run = |folder: &Path, proxy: &Proxy| {
        let url = proxy.url(database);
        cividb(
            folder,
            &["repair", "all", &url, "--apply", "--yes", "--journal", "j"],
        )
    };
    assert!(run(folder.path(), &proxy).status.code() < Some(2));
    finish_and_undo(server, database, folder.path(), &state, "undisturbed");
    let statements = statements.lock().expect("no panic").clone();
    let first = statements.iter().position(|sql| sql.contains("GET_LOCK"));
    let first = first.expect("it takes a lock");
    let alters = statements
        .iter()
        .filter(|sql| sql.starts_with("ALTER"))
        .count();
    assert!(alters >= 50, "{alters} statements");
    let places: Vec<usize> = (first..statements.len())
        .step_by(common::every(223))
        .collect();
    for (number, place) in places.iter().copied().enumerate() {
        let action = match number % 2 {
            0 => Action::Cut,
            _ => Action::PassThenCut,
        };
        let count = AtomicUsize::new(0);
        let proxy = Proxy::start(server.socket(), move |_| {
            match count.fetch_add(1, Ordering::SeqCst) == place {
                true => action,
                false => Action::Pass,
            }
        });
        let folder = tempfile::tempdir().expect("a folder");
        let cut = run(folder.path(), &proxy);
        let at = format!("{action:?} at {place}: {}", statements[place]);
        assert_eq!(cut.status.code(), Some(2), "{at}: {}", text(&cut.stderr));
        finish_and_undo(server, database, folder.path(), &state, &at);
    }
}

#[test]
fn a_repair_whose_server_or_self_is_killed_can_be_gone_on_with_and_taken_back() {
    let Some(installed) = server::installed() else {
        return;
    };
    // One that loses nothing it has confirmed, as servers are run where it matters.
    let options = [
        "--innodb-flush-log-at-trx-commit=1",
        "--innodb-flush-method=fsync",
    ];
    let mut server = installed.another("repair-victim", &options);
    let database = "repair_killed";
    let state = damaged_sample(&server, database);
    let all: Vec<(&str, usize)> = match common::everything() {
        true => (0..50).flat_map(|n| [("server", n), ("self", n)]).collect(),
        false => vec![("server", 20), ("self", 1), ("self", 40)],
    };
    for (whom, nth) in all {
        let count = AtomicUsize::new(0);
        let child: Arc<Mutex<Option<u32>>> = Arc::default();
        let victim = Arc::clone(&child);
        let pid_file = server.socket().with_file_name("pid");
        let proxy = Proxy::start(server.socket(), move |sql| {
            if !sql.starts_with("ALTER") || count.fetch_add(1, Ordering::SeqCst) != nth {
                return Action::Pass;
            }
            let pid = match whom {
                "server" => std::fs::read_to_string(&pid_file).expect("it runs"),
                _ => victim
                    .lock()
                    .expect("no panic")
                    .expect("it runs")
                    .to_string(),
            };
            common::kill(&pid);
            Action::Pass
        });
        let folder = tempfile::tempdir().expect("a folder");
        let mut lock = child.lock().expect("no panic");
        let mut running = Command::new(env!("CARGO_BIN_EXE_cividb"))
            .args(["repair", "all", &proxy.url(database), "--apply", "--yes"])
            .args(["--journal", "j", "--no-defaults"])
            .current_dir(folder.path())
            .stderr(std::process::Stdio::null())
            .spawn()
            .expect("cividb runs");
        *lock = Some(running.id());
        drop(lock);
        let status = common::end_of(&mut running);
        let at = format!("{whom} killed at statement {nth}");
        let expected = if whom == "server" { Some(2) } else { None };
        assert_eq!(status.code(), expected, "{at}");
        if whom == "server" {
            server.restart();
        }
        finish_and_undo(&server, database, folder.path(), &state, &at);
    }
    server.remove();
}

/// While keys are mended others write to their tables, all the time. With `CIVIDB_TEST_ALL` the
/// tables have a million rows.
#[test]
fn writers_go_on_while_keys_are_mended_and_leave_no_orphan() {
    let Some(server) = server::installed() else {
        return;
    };
    let database = "repair_load";
    // The triggers run as an account of this test: others count on it that the sample's own is not there.
    let triggers = ["`civicrm`@`localhost`", "`repair_load`@`localhost`"];
    server.load(
        database,
        &common::replaced(&common::sample(), triggers[0], triggers[1]),
    );
    let rows = match common::everything() {
        true => 1_000_000,
        false => 10_000,
    };
    let last = 100_000 + rows;
    let seeded = "CREATE USER IF NOT EXISTS repair_load@localhost;
         GRANT ALL ON repair_load.* TO repair_load@localhost;
         SET SESSION foreign_key_checks = 0;
         INSERT INTO civicrm_contact (id, contact_type) SELECT seq, 'Individual' FROM seq_100001_to_110000;
         INSERT INTO civicrm_tag (id, name, label) VALUES (5000, 'load', 'load');
         INSERT INTO civicrm_entity_tag (entity_table, entity_id, tag_id)
           SELECT 'civicrm_contact', seq, 5000 FROM seq_100001_to_110000;
         INSERT INTO civicrm_subscription_history (contact_id, date, method, status)
           SELECT seq, NOW(), 'Admin', 'Added' FROM seq_100001_to_110000;
         ALTER TABLE civicrm_subscription_history DROP FOREIGN KEY FK_civicrm_subscription_history_contact_id;
         ALTER TABLE civicrm_entity_tag DROP FOREIGN KEY FK_civicrm_entity_tag_tag_id,
           ADD CONSTRAINT other_name FOREIGN KEY (tag_id) REFERENCES civicrm_tag (id) ON DELETE CASCADE;";
    server.run(Some(database), &seeded.replace("110000", &last.to_string()));
    let url = server.url(database);
    let stop = Arc::new(AtomicUsize::new(0));
    let writer = |statements: fn(usize, usize) -> String| {
        let stop = Arc::clone(&stop);
        let mut connection = server.writer("repair_load");
        std::thread::spawn(move || {
            let (mut count, mut longest) = (0, std::time::Duration::ZERO);
            while stop.load(Ordering::SeqCst) == 0 || count == 0 {
                let begun = std::time::Instant::now();
                let statement = statements(count, rows);
                if let Err(error) = connection.query_drop(&statement) {
                    // A child of a parent that is gone is refused as it should be.
                    let is_refused =
                        matches!(&error, mysql::Error::MySqlError(error) if error.code == 1452);
                    assert!(is_refused, "{statement}: {error}");
                }
                longest = longest.max(begun.elapsed());
                count += 1;
            }
            (count, longest)
        })
    };
    let writers = [
        // Parents come and go, with their children.
        writer(|n, rows| {
            let contact = 100_001 + rows + n / 4 % 1000;
            match n % 4 {
                0 => format!(
                    "REPLACE INTO civicrm_contact (id, contact_type) VALUES ({contact}, 'Individual')"
                ),
                1 => format!(
                    "INSERT INTO civicrm_subscription_history (contact_id, date, method, status)
                     VALUES ({contact}, NOW(), 'Admin', 'Added')"
                ),
                2 => {
                    format!("DELETE FROM civicrm_subscription_history WHERE contact_id = {contact}")
                }
                _ => format!("DELETE FROM civicrm_contact WHERE id = {contact}"),
            }
        }),
        writer(|n, rows| {
            let contact = 100_001 + n % rows;
            format!(
                "INSERT INTO civicrm_subscription_history (contact_id, date, method, status)
                 VALUES ({contact}, NOW(), 'Admin', 'Added')"
            )
        }),
        writer(|n, rows| {
            let contact = 100_001 + (n * 7) % rows;
            format!("DELETE FROM civicrm_subscription_history WHERE contact_id = {contact} LIMIT 1")
        }),
        writer(|n, rows| {
            let contact = 100_001 + (n * 13) % rows;
            format!(
                "UPDATE civicrm_entity_tag SET entity_id = entity_id WHERE entity_id = {contact}"
            )
        }),
    ];
    let folder = tempfile::tempdir().expect("a folder");
    // As a table does whose rows take long to count.
    let count_outside = ["--max-lock-seconds", "0"];
    let arguments = ["repair", "all", &url, "--apply", "--yes", "--journal", "j"];
    let done = cividb(folder.path(), &[&arguments[..], &count_outside].concat());
    stop.store(1, Ordering::SeqCst);
    for writer in writers {
        let (count, longest) = writer.join().expect("no write failed");
        eprintln!("{count} writes, the longest {} ms", longest.as_millis());
    }
    assert!(done.status.code() < Some(2), "{}", text(&done.stderr));
    let orphans = server.run(
        Some(database),
        "SELECT COUNT(*) FROM civicrm_subscription_history h LEFT JOIN civicrm_contact c
         ON c.id = h.contact_id WHERE c.id IS NULL",
    );
    assert_eq!(orphans.trim(), "0");
    let keys = definitions(server, database);
    for name in [
        "FK_civicrm_subscription_history_contact_id",
        "FK_civicrm_entity_tag_tag_id",
    ] {
        assert!(keys.contains(name), "{name}: {}", text(&done.stderr));
    }
}

/// A row loses its parent after the first proof: found under the lock, or where that would take
/// too long, right after, and then the key goes again.
#[test]
fn an_orphan_that_comes_between_proof_and_key_keeps_the_key_away() {
    for server in server::all() {
        let database = "repair_race";
        server.load_sample(database, &["civicrm_subscription_history"]);
        server.run(
            Some(database),
            "ALTER TABLE civicrm_subscription_history DROP FOREIGN KEY FK_civicrm_subscription_history_contact_id",
        );
        let before = definitions(server, database);
        for seconds in ["0", "10"] {
            let other = Mutex::new(server.writer(database));
            let proxy = Proxy::start(server.socket(), move |sql| {
                if sql.starts_with("LOCK TABLES") {
                    let insert = "INSERT INTO civicrm_subscription_history (contact_id, date, method, status)
                        VALUES (4000000, NOW(), 'Admin', 'Added')";
                    let mut other = other.lock().expect("no panic");
                    other.query_drop(insert).expect("it comes in");
                }
                Action::Pass
            });
            let folder = tempfile::tempdir().expect("a folder");
            let url = proxy.url(database);
            let arguments = [
                "repair",
                "foreign-keys",
                &url,
                "--apply",
                "--yes",
                "--journal",
                "j",
            ];
            let done = cividb(
                folder.path(),
                &[&arguments[..], &["--max-lock-seconds", seconds]].concat(),
            );
            let at = format!("{}, {seconds} s: {}", server.name, text(&done.stderr));
            assert_eq!(done.status.code(), Some(1), "{at}");
            assert!(
                at.contains("1 row of civicrm_subscription_history has lost its parent"),
                "{at}"
            );
            assert_eq!(definitions(server, database), before, "{at}");
            let orphans = "DELETE FROM civicrm_subscription_history WHERE contact_id = 4000000";
            server.run(Some(database), orphans);
        }
        server.run(None, &format!("DROP DATABASE {database}"));
    }
}

/// Rows without a parent keep a key from coming, and are counted.
#[test]
fn a_key_is_not_added_over_orphans() {
    for server in server::all() {
        let database = "repair_orphans";
        server.load_sample(database, &["civicrm_subscription_history"]);
        server.run(
            Some(database),
            "SET SESSION foreign_key_checks = 0;
             ALTER TABLE civicrm_subscription_history DROP FOREIGN KEY FK_civicrm_subscription_history_contact_id;
             INSERT INTO civicrm_subscription_history (contact_id, date, method, status)
               VALUES (4000000, NOW(), 'Admin', 'Added'), (4000001, NOW(), 'Admin', 'Added');",
        );
        let before = definitions(server, database);
        let url = server.url(database);
        let folder = tempfile::tempdir().expect("a folder");
        let arguments = [
            "repair",
            "foreign-keys",
            &url,
            "--apply",
            "--yes",
            "--journal",
            "j",
        ];
        let refused = cividb(folder.path(), &arguments);
        assert_eq!(refused.status.code(), Some(1), "{}", server.name);
        let errors = text(&refused.stderr);
        assert!(
            errors.contains("2 rows of civicrm_subscription_history have lost their parent"),
            "{errors}"
        );
        assert_eq!(definitions(server, database), before, "{}", server.name);
    }
}

/// Repairs the names of foreign keys; the journal is the file `j` of the folder.
fn give_foreign_keys_their_names(folder: &Path, url: &str) {
    let repair = [
        "repair",
        "fk-names",
        url,
        "--apply",
        "--yes",
        "--journal",
        "j",
    ];
    let done = cividb(folder, &repair);
    assert_eq!(done.status.code(), Some(0), "{}", text(&done.stderr));
}

/// Undo used to say that nothing was changed, after it had changed something, and could not be
/// run again.
#[test]
fn what_others_changed_since_stays_when_a_repair_is_taken_back() {
    let Some(server) = server::installed() else {
        return;
    };
    let database = "repair_since";
    server.load(database, &common::sample());
    let key = "FOREIGN KEY (contact_id) REFERENCES civicrm_contact (id) ON DELETE CASCADE";
    server.run(
        Some(database),
        &format!(
            "ALTER TABLE civicrm_website DROP FOREIGN KEY FK_civicrm_website_contact_id;
             ALTER TABLE civicrm_website ADD CONSTRAINT other {key}"
        ),
    );
    let url = server.url(database);
    let folder = tempfile::tempdir().expect("a folder");
    give_foreign_keys_their_names(folder.path(), &url);
    server.run(
        Some(database),
        "ALTER TABLE civicrm_website ADD COLUMN my_note INT",
    );
    for _ in 0..2 {
        let back = cividb(folder.path(), &["undo", "j", &url, "--apply", "--yes"]);
        let errors = text(&back.stderr);
        assert_eq!(back.status.code(), Some(0), "{errors}");
        assert!(!errors.contains("nothing was changed"), "{errors}");
        let keys = definitions(server, database);
        assert!(keys.contains("CONSTRAINT `other`"), "{errors}");
        assert!(keys.contains("my_note"), "{errors}");
    }
}

/// A repair that left something out said PASS.
#[test]
fn a_repair_that_leaves_something_out_says_so() {
    let Some(server) = server::installed() else {
        return;
    };
    let database = "repair_partly";
    server.load(database, &common::sample());
    server.run(
        Some(database),
        "SET SESSION foreign_key_checks = 0;
         ALTER TABLE civicrm_note DROP FOREIGN KEY FK_civicrm_note_contact_id;
         INSERT INTO civicrm_note (entity_table, entity_id, contact_id)
           VALUES ('civicrm_contact', 1, 4000000);",
    );
    let url = server.url(database);
    let folder = tempfile::tempdir().expect("a folder");
    let arguments = ["repair", "all", &url, "--apply", "--yes", "--journal", "j"];
    let done = text(&cividb(folder.path(), &arguments).stdout);
    assert!(done.starts_with("FAIL"), "{done}");
    // The key, and the account of the definers, which this server does not have.
    assert!(done.contains("(2 left to do)"), "{done}");
    let why = "\n  -- 1 row of civicrm_note has lost its parent in civicrm_contact: ";
    assert!(done.contains(why), "{done}");
    assert!(done.contains("\n  ALTER TABLE `civicrm_note`\n"), "{done}");
}

/// A table that is gone or has another name since is named before anything is taken back, and keeps the rest from
/// nothing.
#[test]
fn undo_names_tables_that_were_dropped_or_renamed_since_and_takes_back_the_rest() {
    let Some(server) = server::installed() else {
        return;
    };
    let database = "repair_gone";
    server.load(database, &common::sample());
    let tables = ["civicrm_website", "civicrm_im", "civicrm_openid"];
    for table in tables {
        let key = "FOREIGN KEY (contact_id) REFERENCES civicrm_contact (id) ON DELETE CASCADE";
        let sql = format!(
            "ALTER TABLE {table} DROP FOREIGN KEY FK_{table}_contact_id;
             ALTER TABLE {table} ADD CONSTRAINT {table}_other {key}"
        );
        server.run(Some(database), &sql);
    }
    let url = server.url(database);
    let folder = tempfile::tempdir().expect("a folder");
    give_foreign_keys_their_names(folder.path(), &url);
    server.run(
        Some(database),
        "SET foreign_key_checks = 0; DROP TABLE civicrm_im; RENAME TABLE civicrm_openid TO civicrm_openid_kept",
    );
    let before = definitions(server, database);
    let undo = ["undo", "j", &url, "--apply", "--yes"];
    let refused = cividb(folder.path(), &undo);
    let errors = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(2), "{errors}");
    for gone in ["civicrm_im", "civicrm_openid"] {
        assert!(
            errors.contains(&format!("changed since: table {gone}: it is gone")),
            "{errors}"
        );
    }
    assert_eq!(definitions(server, database), before, "{errors}");
    let rest = cividb(folder.path(), &[&undo[..], &["--skip-changed"]].concat());
    let errors = text(&rest.stderr);
    assert_eq!(rest.status.code(), Some(1), "{errors}");
    let after = definitions(server, database);
    assert!(
        after.contains("CONSTRAINT `civicrm_website_other`"),
        "{errors}"
    );
    assert!(
        !after.contains("CONSTRAINT `FK_civicrm_website_contact_id`"),
        "{errors}"
    );
    assert!(
        after.contains("CREATE TABLE `civicrm_openid_kept`"),
        "{errors}"
    );
}
