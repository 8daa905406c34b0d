//! `cividb rollback` on real servers: the backup comes, the CMS stays, and the way back is exact.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, Instant};

use cividb::schema::sql::identifier;
use mysql::prelude::Queryable;

use crate::common::{self, cividb, text};
use crate::extract::{load, result, shared_with_drupal};
use crate::proxy::{Action, Proxy};
use crate::server::{self, Server};

/// Tables of CiviCRM that are enough to try things on, with foreign keys, triggers and the function that these call.
const SOME: &str = "civicrm_contact,civicrm_domain,civicrm_email,civicrm_phone,civicrm_website,civicrm_worldregion";

/// A view of CiviCRM's, and one that reads from it and whose name comes before.
const VIEWS: &str = "CREATE VIEW `civicrm_zz` AS SELECT `id` FROM `civicrm_contact`;\n\
     CREATE VIEW `civicrm_aa` AS SELECT `id` FROM `civicrm_zz`;\n";

/// The backup of a small site that shares its database with Drupal.
fn backup() -> Vec<u8> {
    let only = format!("{SOME},cms");
    let text = result(&shared_with_drupal(), &["--only", &only]);
    let end =
        memchr::memmem::rfind(&text, b"/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE").expect("its end");
    [&text[..end], VIEWS.as_bytes(), &text[end..]].concat()
}

/// What has happened to the site since the backup: rows, columns, tables, triggers, views and routines of CiviCRM are
/// other ones, and Drupal went on.
const SINCE: &str = "UPDATE civicrm_contact SET nick_name = 'changed';
     DELETE FROM civicrm_worldregion;
     ALTER TABLE civicrm_email ADD COLUMN half_way int, DROP FOREIGN KEY FK_civicrm_email_contact_id;
     CREATE TABLE civicrm_event_queue (id int PRIMARY KEY, contact_id int unsigned, KEY (contact_id),
       CONSTRAINT FK_queue FOREIGN KEY (contact_id) REFERENCES civicrm_contact (id)) ENGINE=InnoDB;
     INSERT INTO civicrm_event_queue VALUES (1, 1);
     DROP TRIGGER civicrm_phone_before_insert;
     CREATE TRIGGER civicrm_phone_before_insert BEFORE INSERT ON civicrm_phone FOR EACH ROW SET NEW.phone = 'é';
     CREATE TRIGGER civicrm_worldregion_new BEFORE DELETE ON civicrm_worldregion FOR EACH ROW SET @a = 1;
     DROP FUNCTION civicrm_strip_non_numeric;
     CREATE FUNCTION civicrm_strip_non_numeric(a varchar(255)) RETURNS varchar(255) DETERMINISTIC RETURN 'ü';
     CREATE OR REPLACE VIEW civicrm_zz AS SELECT id, nick_name FROM civicrm_contact;
     CREATE VIEW civicrm_new AS SELECT id FROM civicrm_contact;
     DELETE FROM d10_node__body;
     CREATE TABLE watchdog (wid int PRIMARY KEY) ENGINE=InnoDB;";

/// A site with what has happened since its backup, the backup in a folder, and what the site holds.
pub struct Site<'s> {
    server: &'s Server,
    pub database: String,
    pub folder: tempfile::TempDir,
    pub before: BTreeMap<String, String>,
    /// What it is to hold afterwards: CiviCRM of the backup, and the CMS as it was.
    pub after: BTreeMap<String, String>,
}

impl<'s> Site<'s> {
    pub fn new(server: &'s Server, name: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        static BACKUP: LazyLock<Vec<u8>> = LazyLock::new(backup);
        let dump: &[u8] = &BACKUP;
        fs::write(folder.path().join("backup.sql"), dump).expect("the backup is written");
        let whole = result(dump, &["--definers", "current"]);
        for end in ["_cividb_new", "_cividb_old"] {
            server.run(None, &format!("DROP DATABASE IF EXISTS `{name}{end}`"));
        }
        // What is to come, as a restore into an empty database makes it.
        load(server, name, &whole);
        let mut after = held(server, name);
        after.retain(|what, _| is_civicrm(what));
        server.run(Some(name), SINCE);
        let before = held(server, name);
        let stays = before.iter().filter(|(what, _)| !is_civicrm(what));
        after.extend(stays.map(|(what, shown)| (what.clone(), shown.clone())));
        Self {
            server,
            database: name.to_owned(),
            folder,
            before,
            after,
        }
    }

    pub fn url(&self) -> String {
        self.server.url(&self.database)
    }

    pub fn socket(&self) -> std::path::PathBuf {
        self.server.socket()
    }

    pub fn now(&self) -> BTreeMap<String, String> {
        held(self.server, &self.database)
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        cividb(self.folder.path(), arguments)
    }

    /// The rollback, which has to succeed.
    fn apply(&self, url: &str, more: &[&str]) -> Output {
        let arguments = [
            "rollback",
            "backup.sql",
            url,
            "--apply",
            "--yes",
            "--journal",
            "j",
        ];
        self.run(&[&arguments[..], more].concat())
    }

    pub fn undo(&self) {
        let undone = self.run(&["undo", "j", &self.url(), "--apply", "--yes"]);
        assert_eq!(undone.status.code(), Some(0), "{}", text(&undone.stderr));
    }

    fn finish(&self) {
        let finished = self.run(&["rollback", "--finish", &self.url(), "--apply", "--yes"]);
        assert_eq!(
            finished.status.code(),
            Some(0),
            "{}",
            text(&finished.stderr)
        );
        self.is_alone("after the end");
    }

    /// Nothing is left beside the site's database.
    pub fn is_alone(&self, at: &str) {
        let like = format!(
            "SHOW DATABASES LIKE '{}\\_cividb%'",
            self.database.replace('_', "\\_")
        );
        assert_eq!(self.server.run(None, &like), "", "{at}");
    }

    pub fn holds(&self, wanted: &BTreeMap<String, String>, at: &str) {
        let now = self.now();
        let names = |all: &BTreeMap<String, String>| all.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&now), names(wanted), "{at}");
        for (what, shown) in &now {
            assert_eq!(Some(shown), wanted.get(what), "{at}: {what}");
        }
    }

    pub fn remove(self) {
        for end in ["", "_cividb_new", "_cividb_old"] {
            let sql = format!("DROP DATABASE IF EXISTS `{}{end}`", self.database);
            self.server.run(None, &sql);
        }
    }
}

/// Each object of a database as the server shows it, and the checksum of each table's rows. Without the counters of
/// AUTO_INCREMENT: a row that is put in and taken back, by which a trigger is tried, moves them.
fn held(server: &Server, database: &str) -> BTreeMap<String, String> {
    let mut connection = server.connect();
    connection.use_database(database).expect("it is there");
    let mut ask = |sql: &str| connection.ask("an object", sql).expect("it is shown");
    let counter = regex::Regex::new(" AUTO_INCREMENT=[0-9]+").expect("a pattern");
    let objects = "SELECT IF(TABLE_TYPE = 'VIEW', 'VIEW', 'TABLE') AS kind, TABLE_NAME AS name
            FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()
        UNION ALL SELECT 'TRIGGER', TRIGGER_NAME FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE()
        UNION ALL SELECT ROUTINE_TYPE, ROUTINE_NAME FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = DATABASE()";
    let mut found = BTreeMap::new();
    for object in ask(objects) {
        let value = |at: usize| object.get_index(at).and_then(|(_, value)| value.as_deref());
        let [kind, name] = [0, 1].map(|at| text(value(at).expect("a value")));
        let shown = ask(&format!("SHOW CREATE {kind} {}", identifier(&name)));
        // When a trigger was made is no part of it.
        let columns = shown[0].iter().filter(|(column, _)| *column != "Created");
        let columns = columns.map(|(_, value)| text(value.as_deref().unwrap_or_default()));
        let shown = columns.collect::<Vec<_>>().join("\t");
        found.insert(
            format!("{kind} {name}"),
            counter.replace_all(&shown, "").into_owned(),
        );
        if kind == "TABLE" {
            let sum = ask(&format!("CHECKSUM TABLE {} EXTENDED", identifier(&name)));
            let sum = sum[0].get_index(1).and_then(|(_, sum)| sum.as_deref());
            found.insert(format!("rows {name}"), text(sum.expect("a sum")));
        }
    }
    found
}

/// Whether something in [`held`] is CiviCRM's.
fn is_civicrm(what: &str) -> bool {
    let name = what.rsplit(' ').next().unwrap_or_default();
    name.starts_with("civicrm_") && !name.ends_with("_roles_rules")
}

/// The servers of the daily tests.
pub fn both() -> Vec<&'static Server> {
    let servers = server::all().into_iter();
    let is_wanted = |server: &&Server| {
        common::everything() || matches!(server.name.as_str(), "installed" | "mysql-9.7")
    };
    servers.filter(is_wanted).collect()
}

#[test]
fn a_plan_names_what_goes_comes_and_stays_and_changes_nothing() {
    let Some(server) = server::installed() else {
        return;
    };
    let site = Site::new(server, "rollback_plan");
    let plan = [
        "rollback",
        "backup.sql",
        &site.url(),
        "--definers",
        "current",
    ];
    let output = site.run(&plan);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    let shown = text(&output.stdout).replace(&site.url(), "SERVER");
    let free = regex::Regex::new("[0-9,]+ MiB free").expect("a pattern");
    // The server guesses its rows as well.
    let bytes = regex::Regex::new("[0-9,]+ rows?, [0-9,]+ bytes").expect("a pattern");
    let shown = free.replace_all(&shown, "N MiB free");
    insta::assert_snapshot!(bytes.replace_all(&shown, "N rows, N bytes"));
    let plan =
        common::json(&site.run(&["rollback", "backup.sql", &site.url(), "--format", "json"]));
    assert_eq!(plan["rollback"]["state"], "planned");
    assert_eq!(plan["rollback"]["not_in_backup"][0], "civicrm_event_queue");
    site.holds(&site.before, "after a plan");
    site.is_alone("after a plan");
    site.remove();
}

#[test]
fn the_backup_comes_the_cms_stays_and_undo_is_exact() {
    for server in both() {
        let site = Site::new(server, "rollback_whole");
        let at = &server.name;
        let output = site.apply(&site.url(), &["--definers", "current"]);
        assert_eq!(
            output.status.code(),
            Some(0),
            "{at}: {}",
            text(&output.stderr)
        );
        let shown = text(&output.stdout);
        assert!(
            shown.contains("6 tables of the backup in force, 7 set aside"),
            "{at}: {shown}"
        );
        assert!(
            shown.contains("13 triggers fired") || shown.contains("12 triggers fired"),
            "{at}: {shown}"
        );
        site.holds(&site.after, at);
        let again = site.apply(&site.url(), &[]);
        assert_eq!(again.status.code(), Some(2), "{at}");
        assert!(
            text(&again.stderr).contains("an earlier rollback"),
            "{at}: {}",
            text(&again.stderr)
        );
        site.undo();
        site.holds(&site.before, at);
        site.finish();
        site.holds(&site.before, at);
        site.remove();
    }
}

#[test]
fn what_is_set_aside_goes_for_good_with_finish_alone() {
    let Some(server) = server::installed() else {
        return;
    };
    let site = Site::new(server, "rollback_finish");
    let output = site.apply(&site.url(), &["--definers", "current"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let planned = site.run(&["rollback", "--finish", &site.url()]);
    assert_eq!(planned.status.code(), Some(1), "{}", text(&planned.stderr));
    assert!(
        text(&planned.stdout).contains("to remove: 7 tables"),
        "{}",
        text(&planned.stdout)
    );
    site.finish();
    site.holds(&site.after, "after the end");
    let undo = ["undo", "j", &site.url(), "--apply", "--yes"];
    let undone = site.run(&undo);
    assert_eq!(undone.status.code(), Some(2));
    assert!(
        text(&undone.stderr).contains("is gone"),
        "{}",
        text(&undone.stderr)
    );
    site.holds(&site.after, "after undo in vain");
    let nothing = site.run(&["rollback", "--finish", &site.url()]);
    assert!(
        text(&nothing.stderr).contains("nothing is set aside"),
        "{}",
        text(&nothing.stderr)
    );
    site.remove();
}

/// Statements that change something.
pub fn changes(sql: &str) -> bool {
    let words = [
        "CREATE",
        "DROP",
        "RENAME",
        "INSERT",
        "ALTER",
        "COMMIT",
        "START TRANSACTION",
        "LOCK",
    ];
    words.iter().any(|word| sql.starts_with(word))
}

/// Runs a rollback that is cut off at the statement of this number; says whether it came so far.
fn cut_off(site: &Site, nth: usize, action: Action) -> bool {
    let count = AtomicUsize::new(0);
    let is_cut = Arc::new(AtomicBool::new(false));
    let cut = Arc::clone(&is_cut);
    let proxy = Proxy::start(site.server.socket(), move |sql| {
        if changes(sql) && count.fetch_add(1, Ordering::SeqCst) == nth {
            cut.store(true, Ordering::SeqCst);
            return action;
        }
        Action::Pass
    });
    let _ = fs::remove_file(site.folder.path().join("j"));
    let output = site.apply(&proxy.url(&site.database), &["--definers", "current"]);
    let is_cut = is_cut.load(Ordering::SeqCst);
    let expected = if is_cut { Some(2) } else { Some(0) };
    assert_eq!(
        output.status.code(),
        expected,
        "{nth}: {}",
        text(&output.stderr)
    );
    is_cut
}

/// The tables of the site are those of one side, all of them; then going back or on leads to the one or the other.
fn settle(site: &Site, on: bool, at: &str) {
    let now = site.now();
    let tables = |all: &BTreeMap<String, String>| {
        let tables = all
            .iter()
            .filter(|(what, _)| what.starts_with("TABLE ") || what.starts_with("rows "));
        tables
            .map(|(what, shown)| (what.clone(), shown.clone()))
            .collect::<Vec<_>>()
    };
    let (is_old, is_new) = (
        tables(&now) == tables(&site.before),
        tables(&now) == tables(&site.after),
    );
    assert!(is_old || is_new, "{at}: the tables are a mix");
    let resume = ["rollback", "--resume", "j", &site.url(), "--apply", "--yes"];
    let resumed = on.then(|| site.run(&resume));
    match resumed {
        Some(output) if output.status.success() => site.holds(&site.after, at),
        // Nothing had begun that could be gone on with.
        Some(output) => {
            let errors = text(&output.stderr);
            let early = [
                "had not come to its end",
                "nothing is set aside",
                "cannot read the journal",
            ];
            let is_early = early.iter().any(|early| errors.contains(early));
            assert!(is_early, "{at}: {errors}");
            site.holds(&site.before, at);
        }
        None => {}
    }
    if site.folder.path().join("j").exists() {
        site.undo();
    }
    site.holds(&site.before, at);
    let finished = site.run(&["rollback", "--finish", &site.url(), "--apply", "--yes"]);
    let errors = text(&finished.stderr);
    assert!(
        finished.status.success() || errors.contains("nothing is set aside"),
        "{at}: {errors}"
    );
    for end in ["_cividb_new", "_cividb_old"] {
        // What was made right before the cut has no record in it.
        let empty = format!(
            "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = '{}{end}' AND TABLE_NAME <> 'cividb_rollback'",
            site.database
        );
        assert_eq!(site.server.run(None, &empty).trim(), "0", "{at}");
        site.server.run(
            None,
            &format!("DROP DATABASE IF EXISTS `{}{end}`", site.database),
        );
    }
}

/// How many statements that change something a rollback runs.
fn number_of_changes(site: &Site) -> usize {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    let proxy = Proxy::start(site.server.socket(), move |sql| {
        counted.fetch_add(usize::from(changes(sql)), Ordering::SeqCst);
        Action::Pass
    });
    let output = site.apply(&proxy.url(&site.database), &["--definers", "current"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    settle(site, false, "not cut");
    count.load(Ordering::SeqCst)
}

#[test]
fn a_connection_that_breaks_anywhere_leaves_one_side_whole_and_both_ways_open() {
    for server in server::some() {
        let site = Site::new(server, "rollback_cut");
        let number = number_of_changes(&site);
        assert!(number > 60, "{number}");
        let cases: Vec<usize> = match common::everything() {
            true => (0..number).collect(),
            // In the restore, in the record, while triggers go, and while they come.
            false => vec![20, number - 45, number - 22, number - 6],
        };
        for nth in cases {
            let action = if nth % 2 == 0 {
                Action::Cut
            } else {
                Action::PassThenCut
            };
            let at = format!("{} cut at {nth} of {number}", server.name);
            assert!(cut_off(&site, nth, action), "{at}");
            settle(&site, nth % 4 < 2, &at);
        }
        // And at the exchange itself, before and behind it.
        for action in [Action::Cut, Action::PassThenCut] {
            let proxy = Proxy::start(server.socket(), move |sql| {
                match sql.starts_with("RENAME") {
                    true => action,
                    false => Action::Pass,
                }
            });
            let _ = fs::remove_file(site.folder.path().join("j"));
            let output = site.apply(&proxy.url(&site.database), &["--definers", "current"]);
            assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
            settle(
                &site,
                action == Action::Cut,
                &format!("{}: {action:?} at the exchange", server.name),
            );
        }
        site.remove();
    }
}

#[test]
fn an_exchange_that_the_server_refuses_gives_the_triggers_back_and_leaves_the_site_as_it_was() {
    let Some(server) = server::installed() else {
        return;
    };
    let site = Site::new(server, "rollback_refused");
    // A table that has come since, in the place of one that is set aside.
    let proxy = Proxy::start(server.socket(), {
        let socket = server.socket();
        move |sql| {
            if sql.starts_with("RENAME") {
                let options = mysql::OptsBuilder::new()
                    .user(Some("root"))
                    .prefer_socket(false)
                    .socket(socket.to_str());
                let mut other = mysql::Conn::new(options).expect("a connection");
                let made = other.query_drop(
                    "CREATE TABLE IF NOT EXISTS rollback_refused_cividb_old.civicrm_email (id int)",
                );
                made.expect("it is made");
            }
            Action::Pass
        }
    });
    let output = site.apply(&proxy.url(&site.database), &["--definers", "current"]);
    let errors = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{errors}");
    site.holds(&site.before, "after a refusal of the server");
    server.run(None, "DROP TABLE rollback_refused_cividb_old.civicrm_email");
    site.undo();
    site.finish();
    site.holds(&site.before, "after going back");
    site.remove();
}

#[test]
fn a_server_or_a_run_that_is_killed_leaves_one_side_whole() {
    if let Some(installed) = server::installed() {
        kill_everywhere(installed);
    }
}

/// MySQL takes long to start again, and does each statement about a table as a whole.
#[test]
fn mysql_or_a_run_that_is_killed_leaves_one_side_whole() {
    if !common::everything() {
        return;
    }
    let mut servers = server::all().into_iter();
    if let Some(mysql) = servers.find(|server| server.is_mysql()) {
        kill_everywhere(mysql);
    }
}

/// Kills a server of this kind, or the run, at every statement that changes something, or at some.
fn kill_everywhere(kind: &Server) {
    let options = [
        "--innodb-flush-log-at-trx-commit=1",
        "--innodb-flush-method=fsync",
    ];
    let mut server = kind.another("rollback-victim", &options);
    let site = Site::new(&server, "rollback_killed");
    let number = number_of_changes(&site);
    let (database, folder) = (site.database.clone(), site.folder);
    let (before, after) = (site.before, site.after);
    let all: Vec<(&str, usize)> = match common::everything() {
        true => (0..number)
            .flat_map(|n| [("server", n), ("self", n)])
            .collect(),
        false => vec![("server", number - 19), ("self", number - 18)],
    };
    let mut folder = Some(folder);
    for (whom, nth) in all {
        let here = folder.take().expect("it comes back");
        let count = AtomicUsize::new(0);
        let child: Arc<Mutex<Option<u32>>> = Arc::default();
        let victim = Arc::clone(&child);
        let pid_file = server.socket().with_file_name("pid");
        let proxy = Proxy::start(server.socket(), move |sql| {
            if !changes(sql) || count.fetch_add(1, Ordering::SeqCst) != nth {
                return Action::Pass;
            }
            let pid = match whom {
                "server" => fs::read_to_string(&pid_file).expect("it runs"),
                _ => victim
                    .lock()
                    .expect("no panic")
                    .expect("it runs")
                    .to_string(),
            };
            common::kill(&pid);
            Action::Pass
        });
        let _ = fs::remove_file(here.path().join("j"));
        let mut lock = child.lock().expect("no panic");
        let mut running = Command::new(env!("CARGO_BIN_EXE_cividb"))
            .args([
                "rollback",
                "backup.sql",
                &proxy.url(&database),
                "--apply",
                "--yes",
            ])
            .args(["--journal", "j", "--no-defaults", "--definers", "current"])
            .current_dir(here.path())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .expect("cividb runs");
        *lock = Some(running.id());
        drop(lock);
        let status = common::end_of(&mut running);
        let at = format!("{whom} killed at statement {nth} of {number}");
        let expected = if whom == "server" { Some(2) } else { None };
        assert_eq!(status.code(), expected, "{at}");
        if whom == "server" {
            server.restart();
        }
        server.wait_until_unused(&database);
        let site = Site {
            server: &server,
            database: database.clone(),
            folder: here,
            before: before.clone(),
            after: after.clone(),
        };
        settle(&site, nth % 2 == 0, &at);
        folder = Some(site.folder);
    }
    drop(folder);
    server.remove();
}

#[test]
fn foreign_keys_of_the_cms_are_refused_or_made_again() {
    for server in server::some() {
        let site = Site::new(server, "rollback_keys");
        let at = &server.name;
        let key = "CREATE TABLE webform_civicrm_forms (nid int PRIMARY KEY, contact_id int unsigned, KEY c (contact_id),
            CONSTRAINT FK_webform FOREIGN KEY (contact_id) REFERENCES civicrm_contact (id) ON DELETE CASCADE) ENGINE=InnoDB;
            INSERT INTO webform_civicrm_forms VALUES (1, 1);
            ALTER TABLE civicrm_website ADD COLUMN nid int unsigned, ADD CONSTRAINT FK_node FOREIGN KEY (nid) REFERENCES d10_node (nid)";
        server.run(Some(&site.database), key);
        let before = site.now();
        let url = site.url();
        // The backup has a key into the CMS as well.
        let path = site.folder.path().join("backup.sql");
        let backup = fs::read(&path).expect("the backup");
        let end = memchr::memmem::rfind(&backup, b"/*!40103 SET TIME_ZONE=@OLD").expect("its end");
        let alter = b"ALTER TABLE `civicrm_domain` ADD CONSTRAINT `FK_backup` FOREIGN KEY (`contact_id`) REFERENCES `d10_node` (`nid`);\n";
        let backup = [&backup[..end], alter, &backup[end..]].concat();
        fs::write(&path, backup).expect("it is written");
        let apply = [
            "rollback",
            "backup.sql",
            &url,
            "--apply",
            "--yes",
            "--journal",
            "j",
            "--definers",
            "current",
            "--unknown",
            "leave",
        ];
        let refused = site.run(&apply);
        let errors = text(&refused.stderr);
        assert_eq!(refused.status.code(), Some(2), "{at}: {errors}");
        assert!(
            errors.contains("FK_webform of webform_civicrm_forms to civicrm_contact"),
            "{at}: {errors}"
        );
        assert!(
            errors.contains("FK_node of civicrm_website to d10_node"),
            "{at}: {errors}"
        );
        assert!(
            errors.contains("FK_backup of civicrm_domain in the backup to d10_node"),
            "{at}: {errors}"
        );
        let report = common::json(&site.run(&[&apply[..], &["--format", "json"]].concat()));
        assert_eq!(report["error"]["refusal"], "references", "{at}");
        site.holds(&before, at);
        let done = site.run(&[&apply[..], &["--with-references"]].concat());
        assert_eq!(done.status.code(), Some(0), "{at}: {}", text(&done.stderr));
        let now = site.now();
        let table = "TABLE webform_civicrm_forms";
        assert_eq!(now.get(table), before.get(table), "{at}");
        let orphan = server.try_run(
            Some(&site.database),
            "INSERT INTO webform_civicrm_forms VALUES (2, 987654)",
        );
        assert!(orphan.is_err(), "{at}: the key is in force");
        let no_node = server.try_run(
            Some(&site.database),
            "UPDATE civicrm_domain SET contact_id = 987654",
        );
        assert!(no_node.is_err(), "{at}: the key of the backup is in force");
        let printed = &now["TABLE civicrm_domain"];
        assert!(
            printed.contains(
                "CONSTRAINT `FK_backup` FOREIGN KEY (`contact_id`) REFERENCES `d10_node` (`nid`)"
            ),
            "{at}: {printed}"
        );
        server.run(
            Some(&site.database),
            "DELETE FROM d10_node WHERE nid = 987654",
        );
        server.run(Some(&site.database), "INSERT INTO webform_civicrm_forms VALUES (2, 1); DELETE FROM webform_civicrm_forms WHERE nid = 2");
        site.undo();
        site.holds(&before, at);
        site.finish();
        site.remove();
    }
}

#[test]
fn undo_goes_past_what_civicrm_made_again_and_names_what_others_made() {
    for server in server::some() {
        let site = Site::new(server, "rollback_since");
        let (at, url) = (&server.name, site.url());
        let since = |sql: &str| server.run(Some(&site.database), sql);
        let done = site.apply(&url, &[]);
        assert_eq!(done.status.code(), Some(0), "{at}: {}", text(&done.stderr));
        // As cv flush --triggers does, with which a rollback ends.
        since(
            "DROP FUNCTION civicrm_strip_non_numeric;
             CREATE FUNCTION civicrm_strip_non_numeric(a varchar(255)) RETURNS varchar(255) DETERMINISTIC RETURN 'again';
             CREATE TRIGGER civicrm_website_before_insert BEFORE INSERT ON civicrm_website FOR EACH ROW SET @again = 1",
        );
        site.undo();
        site.holds(&site.before, at);
        site.finish();

        fs::remove_file(site.folder.path().join("j")).expect("the journal");
        let done = site.apply(&url, &[]);
        assert_eq!(done.status.code(), Some(0), "{at}: {}", text(&done.stderr));
        since(
            "CREATE TRIGGER wp_sync AFTER DELETE ON civicrm_website FOR EACH ROW SET @b = 1;
             CREATE TABLE civicrm_value_after (id int PRIMARY KEY, entity_id int unsigned,
               CONSTRAINT FK_after FOREIGN KEY (entity_id) REFERENCES civicrm_contact (id)) ENGINE=InnoDB",
        );
        let now = site.now();
        let undo = ["undo", "j", &url, "--apply", "--yes"];
        let refused = site.run(&undo);
        let errors = text(&refused.stderr);
        assert_eq!(refused.status.code(), Some(2), "{at}: {errors}");
        let drop = format!(
            "ALTER TABLE `{}`.`civicrm_value_after` DROP FOREIGN KEY `FK_after`;",
            site.database
        );
        assert!(errors.contains(&drop), "{at}: {errors}");
        site.holds(&now, at);
        server.run(None, &drop);
        let now = site.now();
        let refused = site.run(&undo);
        let errors = text(&refused.stderr);
        assert_eq!(refused.status.code(), Some(2), "{at}: {errors}");
        assert!(errors.contains("trigger wp_sync: "), "{at}: {errors}");
        site.holds(&now, at);
        let undone = site.run(&[&undo[..], &["--skip-changed"]].concat());
        assert_ne!(
            undone.status.code(),
            Some(2),
            "{at}: {}",
            text(&undone.stderr)
        );
        let mut now = site.now();
        assert!(now.remove("TRIGGER wp_sync").is_some(), "{at}: it moved");
        now.remove("TABLE civicrm_value_after");
        now.remove("rows civicrm_value_after");
        assert_eq!(now, site.before, "{at}");

        let (database, set_aside) = (&site.database, format!("{}_cividb_new", site.database));
        since(&format!(
            "ALTER TABLE civicrm_value_after ADD CONSTRAINT FK_after FOREIGN KEY (entity_id)
             REFERENCES `{set_aside}`.civicrm_contact (id) ON DELETE CASCADE"
        ));
        let finish = ["rollback", "--finish", &url, "--apply", "--yes"];
        let refused = site.run(&finish);
        let errors = text(&refused.stderr);
        assert_eq!(refused.status.code(), Some(2), "{at}: {errors}");
        let from = errors.find("ALTER TABLE").expect("what to do");
        let statements = errors[from..].trim();
        assert!(
            statements.contains(&format!("REFERENCES `{database}`.`civicrm_contact`")),
            "{at}: {errors}"
        );
        server.run(None, statements);
        site.finish();
        site.remove();
    }
}

#[test]
fn programs_of_others_stay_although_they_use_tables_of_civicrm() {
    for server in server::some() {
        let site = Site::new(server, "rollback_others");
        let (at, url) = (&server.name, site.url());
        server.run(
            Some(&site.database),
            "CREATE VIEW wp_members AS SELECT id, display_name FROM civicrm_contact;
             CREATE PROCEDURE wp_report() SELECT COUNT(*) FROM civicrm_contact;
             CREATE TRIGGER wp_sync AFTER UPDATE ON civicrm_contact FOR EACH ROW SET @mail = NEW.display_name",
        );
        let before = site.now();
        let planned = site.run(&["rollback", "backup.sql", &url, "--format", "json"]);
        let plan = &common::json(&planned)["rollback"];
        assert_eq!(
            plan["triggers_moved"],
            serde_json::json!(["trigger wp_sync"]),
            "{at}"
        );
        assert_eq!(
            plan["programs_kept"],
            serde_json::json!(["view wp_members", "procedure wp_report"]),
            "{at}"
        );
        let lost = serde_json::json!(["trigger civicrm_worldregion_new", "view civicrm_new"]);
        assert_eq!(plan["programs_not_in_backup"], lost, "{at}");
        let done = site.apply(&url, &[]);
        let errors = text(&done.stderr);
        assert_eq!(done.status.code(), Some(0), "{at}: {errors}");
        for said in [errors, text(&done.stdout)] {
            assert!(
                said.contains("trigger civicrm_worldregion_new, view civicrm_new"),
                "{at}: {said}"
            );
        }
        let mut after = site.after.clone();
        let of_others = before.iter().filter(|(what, _)| what.contains(" wp_"));
        after.extend(of_others.map(|(what, shown)| (what.clone(), shown.clone())));
        site.holds(&after, at);
        site.undo();
        site.holds(&before, at);
        site.finish();
        site.remove();
    }
}

#[test]
fn what_will_be_lost_is_said_before_and_the_statements_that_are_left_can_be_pasted() {
    for server in server::some() {
        let site = Site::new(server, "rollback_left");
        let (at, url) = (&server.name, site.url());
        server.run(
            Some(&site.database),
            "CREATE TABLE d10_form (nid int PRIMARY KEY, contact_id int unsigned,
               CONSTRAINT FK_form FOREIGN KEY (contact_id) REFERENCES civicrm_contact (id)) ENGINE=InnoDB;
             INSERT INTO civicrm_contact (id, contact_type) VALUES (987654, 'Individual');
             INSERT INTO d10_form VALUES (1, 987654), (2, 1);
             CREATE USER IF NOT EXISTS rollback_app@localhost;
             GRANT EXECUTE ON FUNCTION civicrm_strip_non_numeric TO rollback_app@localhost",
        );
        // The backup holds two databases.
        let path = site.folder.path().join("backup.sql");
        let one = text(&fs::read(&path).expect("the backup"));
        let both = format!(
            "CREATE DATABASE `one`;\nUSE `one`;\n{one}\nCREATE DATABASE `two`;\nUSE `two`;\n{one}"
        );
        fs::write(&path, both).expect("it is written");
        let given = ["--with-references", "--unknown", "leave"];
        let several = site.run(&[&["rollback", "backup.sql", &url], &given[..]].concat());
        assert!(text(&several.stderr).contains("--from-database"), "{at}");
        let given = [&given[..], &["--from-database", "two"]].concat();
        let planned = site.run(&[&["rollback", "backup.sql", &url], &given[..]].concat());
        let shown = text(&planned.stdout) + &text(&planned.stderr);
        let orphans = "foreign key FK_form of d10_form will not be made again: 1 row of d10_form";
        assert!(shown.contains(orphans), "{at}: {shown}");
        assert!(shown.contains("GRANT EXECUTE ON FUNCTION"), "{at}: {shown}");
        let done = site.apply(&url, &given);
        let errors = text(&done.stderr);
        assert_eq!(done.status.code(), Some(1), "{at}: {errors}");
        assert!(errors.contains(orphans), "{at}: {errors}");
        let shown = text(&done.stdout);
        server.run(Some(&site.database), "DELETE FROM d10_form WHERE nid = 1");
        let left = shown
            .lines()
            .filter_map(|line| Some(line.split_once("run: ")?.1));
        let left: Vec<&str> = left.filter(|it| !it.is_empty()).collect();
        assert_eq!(left.len(), 3, "{at}: {shown}");
        for statement in left {
            server.run(Some(&site.database), statement);
        }
        server.run(
            Some(&site.database),
            "ALTER TABLE d10_form DROP FOREIGN KEY FK_form",
        );
        let undone = site.run(&["undo", "j", &url, "--apply", "--yes"]);
        let errors = text(&undone.stderr);
        assert_eq!(undone.status.code(), Some(0), "{at}: {errors}");
        assert!(
            errors.contains("run: GRANT EXECUTE ON FUNCTION"),
            "{at}: {errors}"
        );
        let again = site.run(&[&["rollback", "backup.sql", &url], &given[..]].concat());
        assert!(
            text(&again.stdout).contains("cividb rollback --finish SERVER --apply"),
            "{at}"
        );
        site.finish();
        site.remove();
    }
}

#[test]
fn an_account_that_may_not_make_databases_is_told_what_to_do_and_can_do_it() {
    for server in server::some() {
        let site = Site::new(server, "rollback_account");
        let at = &server.name;
        server.run(
            None,
            "CREATE USER IF NOT EXISTS rollback_small@localhost; GRANT ALL ON `rollback\\_account`.* TO rollback_small@localhost",
        );
        if server.is_mysql() {
            // Its binary log is on, and only so may an account make triggers.
            server.run(None, "GRANT SUPER ON *.* TO rollback_small@localhost");
        }
        // The site's triggers are its own.
        let database = &site.database;
        server.run(Some(database), "DROP TRIGGER body_kept; DROP VIEW civicrm_aa; DROP VIEW civicrm_zz; DROP VIEW civicrm_new; DROP FUNCTION civicrm_strip_non_numeric");
        let triggers = server.run(None, &format!("SELECT TRIGGER_NAME FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = '{database}'"));
        for trigger in triggers.lines() {
            server.run(Some(database), &format!("DROP TRIGGER `{trigger}`"));
        }
        let before = site.now();
        let url = site.url().replace("root@", "rollback_small@");
        let refused = site.apply(&url, &[]);
        let errors = text(&refused.stderr);
        assert_eq!(refused.status.code(), Some(2), "{at}: {errors}");
        assert!(
            errors.contains("ON `rollback\\_account\\_cividb\\_new`.*")
                || errors.contains("ON `rollback_account_cividb_new`.*"),
            "{at}: {errors}"
        );
        assert!(errors.contains("--beside"), "{at}: {errors}");
        site.holds(&before, at);
        server.run(
            None,
            "DROP DATABASE IF EXISTS rollback_b; DROP DATABASE IF EXISTS rollback_a; CREATE DATABASE rollback_b; CREATE DATABASE rollback_a;
             GRANT ALL ON `rollback\\_b`.* TO rollback_small@localhost; GRANT ALL ON `rollback\\_a`.* TO rollback_small@localhost",
        );
        let named = ["--beside", "rollback_b", "--set-aside", "rollback_a"];
        let done = site.apply(&url, &named);
        assert_eq!(done.status.code(), Some(0), "{at}: {}", text(&done.stderr));
        let undone = site.run(&["undo", "j", &url, "--apply", "--yes"]);
        assert_eq!(
            undone.status.code(),
            Some(0),
            "{at}: {}",
            text(&undone.stderr)
        );
        site.holds(&before, at);
        let finish = ["rollback", "--finish", &url, "--apply", "--yes"];
        let finished = site.run(&[&finish[..], &named].concat());
        assert_eq!(
            finished.status.code(),
            Some(0),
            "{at}: {}",
            text(&finished.stderr)
        );
        let left = "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA IN ('rollback_a', 'rollback_b')";
        assert_eq!(server.run(None, left).trim(), "0", "{at}");
        assert_eq!(
            server
                .run(None, "SHOW DATABASES LIKE 'rollback\\__'")
                .lines()
                .count(),
            2,
            "{at}"
        );
        server.run(None, "DROP DATABASE rollback_a; DROP DATABASE rollback_b; DROP USER rollback_small@localhost");
        site.remove();
    }
}

#[test]
fn what_stands_in_the_way_is_refused_by_its_id_and_nothing_is_changed() {
    let Some(server) = server::installed() else {
        return;
    };
    let site = Site::new(server, "rollback_no");
    let url = site.url();
    let cut = backup();
    fs::write(site.folder.path().join("cut.sql"), &cut[..cut.len() / 2]).expect("a file");
    let run = |dump: &str, more: &[&str]| {
        let arguments = [
            "rollback", dump, &url, "--apply", "--yes", "--format", "json",
        ];
        let report = common::json(&site.run(&[&arguments[..], more].concat()));
        let refusal = report["error"]["refusal"].as_str().map(str::to_owned);
        site.holds(&site.before, dump);
        site.is_alone(dump);
        refusal.unwrap_or_else(|| panic!("{report}"))
    };
    assert_eq!(run("cut.sql", &[]), "backup-not-whole");
    assert_eq!(run("-", &[]), "wrong-sources");
    assert_eq!(run(&url, &[]), "wrong-sources");
    assert_eq!(
        run("backup.sql", &["--beside", "rollback_no"]),
        "database-in-use"
    );
    assert_eq!(run("backup.sql", &["--beside", "mysql"]), "database-in-use");
    assert_eq!(run("backup.sql", &["--finish"]), "wrong-sources");
    server.run(
        Some(&site.database),
        "CREATE TABLE civicrm_whose (id int) ENGINE=InnoDB",
    );
    let asked = site.run(&["rollback", "backup.sql", &url]);
    assert!(
        text(&asked.stdout).contains("table civicrm_whose of the site"),
        "{}",
        text(&asked.stdout)
    );
    server.run(Some(&site.database), "DROP TABLE civicrm_whose");
    server.run(
        Some(&site.database),
        "CREATE VIEW civicrm_domain_x AS SELECT 1 AS id",
    );
    server.run(Some(&site.database), "DROP VIEW civicrm_domain_x");
    site.remove();
}

#[test]
fn a_journal_that_somebody_made_up_moves_no_table() {
    let Some(server) = server::installed() else {
        return;
    };
    let site = Site::new(server, "rollback_forged");
    let output = site.apply(&site.url(), &["--definers", "current"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let path = site.folder.path().join("j");
    let written = fs::read_to_string(&path).expect("a journal");
    // Without checksums, as journals of the version before are; the rest is what it was.
    let sum = regex::Regex::new(",\"sum\":\"[0-9a-f]+\"").expect("a pattern");
    let bare = sum.replace_all(&written, "");
    let bare = bare.replace("\"journal_version\":2", "\"journal_version\":1");
    let forged = [
        // Drupal's tables instead of those that were set aside.
        bare.replace("rollback_forged_cividb_old", "rollback_forged_drupal"),
        bare.replace("`civicrm_email`", "`users`")
            .replace("\"civicrm_email\"", "\"users\""),
        bare.replace("rollback_forged_cividb_old", "mysql"),
        bare.replace("RENAME TABLE", "DROP TABLE users; RENAME TABLE"),
    ];
    server.run(None, "CREATE DATABASE IF NOT EXISTS rollback_forged_drupal");
    for text_of_journal in forged {
        assert_ne!(text_of_journal, bare);
        fs::write(&path, &text_of_journal).expect("it is written");
        let undone = site.run(&["undo", "j", &site.url(), "--apply", "--yes"]);
        assert_eq!(undone.status.code(), Some(2), "{}", text(&undone.stderr));
        site.holds(&site.after, "after a forged journal");
    }
    fs::write(&path, bare).expect("it is written");
    site.undo();
    site.holds(&site.before, "after the true one");
    site.finish();
    server.run(None, "DROP DATABASE rollback_forged_drupal");
    site.remove();
}

/// A writer of Drupal's goes on all the time, on the server that nobody else uses.
#[test]
fn writers_of_the_cms_never_wait_for_long() {
    if !common::everything() {
        return;
    }
    for server in both() {
        let server = server.another("rollback-writers", &[]);
        let site = Site::new(&server, "rollback_writers");
        // On a busy machine a writer waits for its turn as well; a lock would hold it up every time.
        let waits: Vec<Duration> = (0..3).map(|_| longest_wait(&site)).collect();
        let least = waits.iter().min().expect("three");
        assert!(
            *least < Duration::from_secs(1),
            "{}: {waits:?}",
            server.name
        );
        drop(site);
        server.remove();
    }
}

/// The longest time that a writer of the CMS waits through a rollback and the way back.
fn longest_wait(site: &Site) -> Duration {
    let is_over = Arc::new(AtomicBool::new(false));
    let over = Arc::clone(&is_over);
    let mut writer = site.server.writer(&site.database);
    let thread = std::thread::spawn(move || {
        let mut longest = Duration::ZERO;
        while !over.load(Ordering::SeqCst) {
            let begun = Instant::now();
            writer
                .query_drop("REPLACE INTO watchdog VALUES (1)")
                .expect("it is written");
            longest = longest.max(begun.elapsed());
            std::thread::sleep(Duration::from_millis(1));
        }
        longest
    });
    let _ = fs::remove_file(site.folder.path().join("j"));
    let output = site.apply(&site.url(), &["--definers", "current"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    site.undo();
    site.finish();
    is_over.store(true, Ordering::SeqCst);
    thread.join().expect("it writes")
}

#[test]
fn a_settings_file_says_which_folders_are_left_to_do() {
    let Some(server) = server::installed() else {
        return;
    };
    let site = Site::new(server, "rollback_paths");
    let settings = "<?php\ndefine('CIVICRM_DSN', 'mysql://root@localhost/rollback_paths?new_link=true');\n\
         global $civicrm_root;\n$civicrm_root = '/srv/www/sites/all/modules/civicrm';\n\
         define('CIVICRM_TEMPLATE_COMPILEDIR', '/srv/www/sites/default/files/civicrm/templates_c/');\n";
    let path = site.folder.path().join("civicrm.settings.php");
    fs::write(&path, settings).expect("it is written");
    let socket = server.socket();
    let socket = socket.to_str().expect("a path");
    let arguments = [
        "rollback",
        "backup.sql",
        "civicrm.settings.php",
        "--socket",
        socket,
        "-v",
    ];
    let output = site.run(&arguments);
    let shown = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    assert!(
        shown.contains("/srv/www/sites/all/modules/civicrm"),
        "{shown}"
    );
    assert!(
        shown.contains("the folder /srv/www/sites/default/files/civicrm/templates_c:"),
        "{shown}"
    );
    assert!(Path::new(&path).exists());
    site.remove();
}
