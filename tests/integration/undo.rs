//! `cividb undo`: what would stop half-way, or lose something, is found before anything is taken back; and what comes back
//! is what was there.

use std::path::Path;

use crate::common::{cividb, text};
use crate::repair::definitions;
use crate::server::{self, Server};

fn repair(folder: &Path, family: &str, url: &str, more: &[&str]) -> String {
    let arguments = ["repair", family, url, "--apply", "--yes", "--journal", "j"];
    let done = cividb(folder, &[&arguments[..], more].concat());
    text(&done.stdout) + &text(&done.stderr)
}

/// The exit code and all that is said.
fn undo(folder: &Path, url: &str, more: &[&str]) -> (Option<i32>, String) {
    let arguments = ["undo", "j", url, "--apply", "--yes"];
    let done = cividb(folder, &[&arguments[..], more].concat());
    (done.status.code(), text(&done.stdout) + &text(&done.stderr))
}

/// A database with a part of the sample, without its triggers, whose account no test server has; and an empty folder.
fn site(server: &Server, database: &str, tables: &[&str]) -> (String, tempfile::TempDir) {
    server.load_sample(database, tables);
    let triggers = server.run(Some(database), "SHOW TRIGGERS");
    for trigger in triggers.lines().filter(|line| line.starts_with("civicrm_")) {
        let name = trigger.split('\t').next().expect("a name");
        server.run(Some(database), &format!("DROP TRIGGER {name}"));
    }
    (server.url(database), tempfile::tempdir().expect("a folder"))
}

#[test]
fn characters_that_the_old_character_set_does_not_have_are_not_lost() {
    for server in server::all() {
        let database = "undo_charset";
        let (url, folder) = site(server, database, &["civicrm_worldregion"]);
        server.run(
            Some(database),
            "ALTER TABLE civicrm_worldregion CONVERT TO CHARACTER SET latin1",
        );
        let done = repair(folder.path(), "charset", &url, &[]);
        assert!(done.contains("done  1 statement"), "{done}");
        let region = "INSERT INTO civicrm_worldregion (id, name) VALUES (99, 'Łódź 😀')";
        server.run(Some(database), &format!("SET NAMES utf8mb4; {region}"));
        let (code, said) = undo(folder.path(), &url, &[]);
        assert_eq!(code, Some(2), "{}: {said}", server.name);
        let why = "1 row has characters in the column name that its old character set latin1 does not have";
        assert!(said.contains(why), "{said}");
        let name = "SELECT HEX(name) FROM civicrm_worldregion WHERE id = 99";
        assert_eq!(
            server.run(Some(database), name),
            "C581C3B364C5BA20F09F9880\n"
        );
        server.run(
            Some(database),
            "DELETE FROM civicrm_worldregion WHERE id = 99",
        );
        let (code, said) = undo(folder.path(), &url, &[]);
        assert_eq!(code, Some(0), "{}: {said}", server.name);
        assert!(definitions(server, database).contains("latin1"), "{said}");
    }
}

#[test]
fn rows_that_a_unique_index_would_refuse_are_found_before_anything_is_taken_back() {
    for server in server::all() {
        let database = "undo_unique";
        let (url, folder) = site(server, database, &["civicrm_website", "civicrm_uf_match"]);
        server.run(
            Some(database),
            "ALTER TABLE civicrm_contact DROP KEY index_hash, ADD UNIQUE KEY index_hash (hash);
             ALTER TABLE civicrm_website DROP FOREIGN KEY FK_civicrm_website_contact_id",
        );
        repair(folder.path(), "all", &url, &[]);
        server.run(
            Some(database),
            "INSERT INTO civicrm_contact (contact_type, hash) VALUES ('Individual', 'dup'), ('Individual', 'dup')",
        );
        let before = definitions(server, database);
        let (code, said) = undo(folder.path(), &url, &[]);
        assert_eq!(code, Some(2), "{}: {said}", server.name);
        assert!(
            said.contains(
                "1 value stands more than once in the columns of the unique index index_hash"
            ),
            "{said}"
        );
        assert_eq!(definitions(server, database), before, "{said}");
        let (code, said) = undo(folder.path(), &url, &["--skip-changed"]);
        assert_eq!(code, Some(1), "{}: {said}", server.name);
        let after = definitions(server, database);
        assert!(
            !after.contains("CONSTRAINT `FK_civicrm_website_contact_id`"),
            "{said}"
        );
        assert!(after.contains("  KEY `index_hash`"), "{said}");
    }
}

#[test]
fn an_index_that_the_server_dropped_by_itself_comes_back_with_the_key_that_needs_it() {
    for server in server::all() {
        let database = "undo_implicit";
        let (url, folder) = site(server, database, &["civicrm_uf_match"]);
        // The server gives such a key an index of its own, and drops that when another serves.
        server.run(
            Some(database),
            "ALTER TABLE civicrm_uf_match DROP FOREIGN KEY FK_civicrm_uf_match_contact_id;
             ALTER TABLE civicrm_uf_match DROP KEY UI_contact_domain_id;
             ALTER TABLE civicrm_uf_match ADD CONSTRAINT FK_civicrm_uf_match_contact_id
               FOREIGN KEY (contact_id) REFERENCES civicrm_contact (id) ON DELETE CASCADE",
        );
        let before = definitions(server, database);
        let done = repair(folder.path(), "indexes", &url, &[]);
        assert!(
            done.contains("done  1 statement"),
            "{}: {done}",
            server.name
        );
        assert_ne!(definitions(server, database), before, "{done}");
        let (code, said) = undo(folder.path(), &url, &[]);
        assert_eq!(code, Some(0), "{}: {said}", server.name);
        assert_eq!(definitions(server, database), before, "{said}");
    }
}

#[test]
fn a_key_that_cannot_be_made_keeps_no_other_of_its_table_away() {
    for server in server::all() {
        let database = "undo_independent";
        let (url, folder) = site(server, database, &["civicrm_tag"]);
        server.run(
            Some(database),
            "SET SESSION foreign_key_checks = 0;
             ALTER TABLE civicrm_tag DROP FOREIGN KEY FK_civicrm_tag_parent_id, DROP FOREIGN KEY FK_civicrm_tag_created_id;
             INSERT INTO civicrm_tag (id, name, label, parent_id) VALUES (50, 'a', 'a', 51)",
        );
        let done = repair(folder.path(), "foreign-keys", &url, &[]);
        let after = definitions(server, database);
        assert!(
            after.contains("CONSTRAINT `FK_civicrm_tag_created_id`"),
            "{}: {done}",
            server.name
        );
        assert!(
            !after.contains("CONSTRAINT `FK_civicrm_tag_parent_id`"),
            "{done}"
        );
        assert!(
            done.contains("1 row of civicrm_tag has lost its parent"),
            "{done}"
        );
    }
}

/// The second of two steps was not run, because the server had dropped an index by itself; a name for the time between
/// the two was left in the database.
#[test]
fn no_name_for_the_time_between_two_steps_is_left_where_keys_share_an_index() {
    for server in server::all() {
        let database = "undo_between";
        let (url, folder) = site(server, database, &["civicrm_entity_tag"]);
        server.run(
            Some(database),
            "ALTER TABLE civicrm_entity_tag DROP FOREIGN KEY FK_civicrm_entity_tag_tag_id;
             ALTER TABLE civicrm_entity_tag DROP KEY FK_civicrm_entity_tag_tag_id;
             ALTER TABLE civicrm_entity_tag ADD FOREIGN KEY (tag_id) REFERENCES civicrm_tag (id);
             ALTER TABLE civicrm_entity_tag ADD CONSTRAINT FK_civicrm_entity_tag_tag_id
               FOREIGN KEY (tag_id) REFERENCES civicrm_tag (id)",
        );
        let done = repair(folder.path(), "all", &url, &[]);
        let after = definitions(server, database);
        assert!(
            !after.contains("cividb_tmp_"),
            "{}: {after}\n{done}",
            server.name
        );
        let key = "CONSTRAINT `FK_civicrm_entity_tag_tag_id` FOREIGN KEY (`tag_id`) REFERENCES `civicrm_tag` (`id`) ON DELETE CASCADE";
        assert!(after.contains(key), "{}: {after}\n{done}", server.name);
    }
}

const NAVIGATION: &str =
    "SELECT id, parent_id FROM civicrm_navigation WHERE id >= 9000 ORDER BY id";

#[test]
fn rows_that_hang_on_orphans_by_the_key_itself_go_and_come_back_with_them() {
    for server in server::all() {
        let database = "undo_self";
        let (url, folder) = site(server, database, &["civicrm_navigation"]);
        server.run(
            Some(database),
            "SET SESSION foreign_key_checks = 0;
             ALTER TABLE civicrm_navigation DROP FOREIGN KEY FK_civicrm_navigation_parent_id;
             INSERT INTO civicrm_navigation (id, domain_id, label, parent_id) VALUES
               (9000, 1, 'orphan', 99999), (9001, 1, 'child', 9000), (9002, 1, 'grandchild', 9001)",
        );
        let before = server.run(Some(database), NAVIGATION);
        let more = ["--orphans", "delete", "--export", "e"];
        let done = repair(folder.path(), "foreign-keys", &url, &more);
        assert!(
            done.contains("ROWS: DELETE 3 rows of civicrm_navigation"),
            "{}: {done}",
            server.name
        );
        assert!(done.contains("3 rows deleted"), "{done}");
        assert_eq!(server.run(Some(database), NAVIGATION), "");
        let (code, said) = undo(folder.path(), &url, &[]);
        assert_eq!(code, Some(0), "{}: {said}", server.name);
        assert_eq!(server.run(Some(database), NAVIGATION), before, "{said}");
    }
}

/// A website without a contact, and triggers for rows that come in.
fn website(server: &Server, database: &str, triggers: &str) {
    server.run(
        Some(database),
        &format!(
            "SET SESSION foreign_key_checks = 0;
             ALTER TABLE civicrm_website DROP FOREIGN KEY FK_civicrm_website_contact_id;
             INSERT INTO civicrm_website (id, contact_id, url) VALUES (9000, 4000000, 'https://example.org/it''s, (x)');
             {triggers}"
        ),
    );
}

const WEBSITE: &str = "SELECT id, contact_id, url FROM civicrm_website WHERE id = 9000";

#[test]
fn a_row_comes_back_with_its_own_values_whatever_triggers_make_of_them() {
    for server in server::all() {
        let database = "undo_triggers";
        let (url, folder) = site(server, database, &["civicrm_website"]);
        website(
            server,
            database,
            "CREATE TRIGGER mine BEFORE INSERT ON civicrm_website FOR EACH ROW SET NEW.url = 'new'",
        );
        let before = server.run(Some(database), WEBSITE);
        let more = ["--orphans", "delete", "--export", "e"];
        repair(folder.path(), "foreign-keys", &url, &more);
        let (code, said) = undo(folder.path(), &url, &[]);
        assert_eq!(code, Some(0), "{}: {said}", server.name);
        assert_eq!(server.run(Some(database), WEBSITE), before, "{said}");
    }
}

#[test]
fn a_value_that_triggers_do_not_let_be_is_named() {
    let Some(server) = server::installed() else {
        return;
    };
    let database = "undo_stubborn";
    let (url, folder) = site(server, database, &["civicrm_website"]);
    website(
        server,
        database,
        "CREATE TRIGGER mine BEFORE INSERT ON civicrm_website FOR EACH ROW SET NEW.url = 'new';
         CREATE TRIGGER too BEFORE UPDATE ON civicrm_website FOR EACH ROW SET NEW.url = 'changed'",
    );
    let more = ["--orphans", "delete", "--export", "e"];
    repair(folder.path(), "foreign-keys", &url, &more);
    let (code, said) = undo(folder.path(), &url, &[]);
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains(
            "civicrm_website: url of id 9000 is not what it was: a trigger of the table sets it"
        ),
        "{said}"
    );
    assert!(
        said.contains("2 steps taken back; 1 value, as said above, is not as before"),
        "{said}"
    );
}

#[test]
fn rows_that_the_server_refuses_keep_the_rest_from_nothing() {
    let Some(server) = server::installed() else {
        return;
    };
    let database = "undo_refused";
    let (url, folder) = site(server, database, &["civicrm_website"]);
    website(server, database, "");
    let more = ["--orphans", "delete", "--export", "e"];
    repair(folder.path(), "foreign-keys", &url, &more);
    server.run(
        Some(database),
        "CREATE TRIGGER mine BEFORE INSERT ON civicrm_website FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no'",
    );
    let (code, said) = undo(folder.path(), &url, &[]);
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("not back: 1 row of civicrm_website deleted"),
        "{said}"
    );
    assert!(
        !definitions(server, database).contains("CONSTRAINT `FK_civicrm_website_contact_id`"),
        "{said}"
    );
    server.run(Some(database), "DROP TRIGGER mine");
    let (code, said) = undo(folder.path(), &url, &[]);
    assert_eq!(code, Some(0), "{said}");
    assert!(
        server
            .run(Some(database), WEBSITE)
            .starts_with("9000\t4000000\t"),
        "{said}"
    );
}

#[test]
fn rows_that_triggers_change_besides_are_announced() {
    let Some(server) = server::installed() else {
        return;
    };
    let database = "undo_announced";
    let (url, folder) = site(server, database, &["civicrm_website"]);
    let update = "UPDATE civicrm_contact SET modified_date = NOW() WHERE id = OLD.contact_id";
    let trigger =
        format!("CREATE TRIGGER mine AFTER DELETE ON civicrm_website FOR EACH ROW {update}");
    website(server, database, &trigger);
    let arguments = [
        "repair",
        "foreign-keys",
        &url,
        "--orphans",
        "delete",
        "--export",
        "e",
    ];
    let plan = text(&cividb(folder.path(), &arguments).stdout);
    let line = "-- ROWS: triggers run for these rows and may change rows of civicrm_contact as well, which cividb undo does not \
                take back";
    assert!(plan.contains(line), "{plan}");
}
