//! `cividb repair for-upgrade` on a real server: after it preflight finds nothing in the way, and `undo` leads back.

use serde_json::Value;

use crate::common::{self, cividb, text};
use crate::preflight::without_definers;
use crate::repair::definitions;
use crate::server;

/// What stops the upgrade from 4.7.31 to 5.33.2 in several steps, and statements mend: a column and a foreign key that
/// steps drop or change are not there, a column is in the way, and a table lacks its engine.
const DAMAGE: &str = "SET foreign_key_checks = 0;
    ALTER TABLE civicrm_event DROP COLUMN selfcancelxfer_time;
    ALTER TABLE civicrm_file ADD created_id varchar(20);
    INSERT INTO civicrm_file (uri, created_id) VALUES ('kept', 'somebody');
    ALTER TABLE civicrm_prevnext_cache DROP INDEX index_all, DROP COLUMN cacheKey;";

#[test]
fn what_stops_the_upgrade_is_mended_before_it_and_taken_back() {
    let (Some(server), Some(shared)) = (server::installed(), common::shared()) else {
        return;
    };
    let dump = common::text_of(&shared.join("dumps/4.7.31-setupsh.sql.bz2"));
    let database = "for_upgrade";
    server.load(database, &without_definers(&dump));
    server.run(Some(database), DAMAGE);
    let url = server.url(database);
    let folder = tempfile::tempdir().expect("a folder");
    let preflight = || -> Value {
        let arguments = ["preflight", "--target", "5.33.2", "--format", "json", &url];
        common::json(&cividb(folder.path(), &arguments))["preflight"].clone()
    };
    let before = preflight();
    assert_eq!(before["outcome"], "stops");
    assert!(
        before["failures"].as_array().expect("failures").len() >= 3,
        "{before:#}"
    );
    let damaged = definitions(server, database);

    let arguments = [
        "repair",
        "for-upgrade",
        &url,
        "--target",
        "5.33.2",
        "--apply",
        "--yes",
        "--journal",
        "j",
    ];
    let output = cividb(folder.path(), &arguments);
    assert!(
        output.status.success(),
        "{}{}",
        text(&output.stdout),
        text(&output.stderr)
    );
    let after = preflight();
    assert_eq!(after["outcome"], "finishes", "{after:#}");
    let kept = server.run(
        Some(database),
        "SELECT created_id_before_upgrade FROM civicrm_file WHERE uri = 'kept'",
    );
    assert_eq!(kept, "somebody\n");

    let output = cividb(folder.path(), &["undo", "j", &url, "--apply", "--yes"]);
    assert!(
        output.status.success(),
        "{}{}",
        text(&output.stdout),
        text(&output.stderr)
    );
    assert_eq!(definitions(server, database), damaged);
    assert_eq!(preflight()["outcome"], "stops");
    server.run(None, &format!("DROP DATABASE {database}"));
}
