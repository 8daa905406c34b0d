//! Tables and programs of every odd kind and name: a server tells of them what its own dump
//! program writes.

use std::path::Path;
use std::process::Command;

use cividb::checks::{self, Severity};
use cividb::schema::model::Trigger;
use cividb::server::reader::{self, ReadOptions};
use cividb::snapshot::Snapshot;

use crate::common;
use crate::server::{self, Server};

/// A name that wants care wherever it is quoted, but for the quotes at which `mariadb-dump
/// --events` fails.
const DATABASE: &str = "odd`-- ;é%";

fn load(server: &Server) {
    let quoted = format!("`{}`", DATABASE.replace('`', "``"));
    let sql =
        format!("DROP DATABASE IF EXISTS {quoted}; CREATE DATABASE {quoted} CHARACTER SET utf8mb4");
    server.run(None, &sql);
    let own = if server.is_mysql() {
        "odd-objects-mysql.sql"
    } else {
        "odd-objects-mariadb.sql"
    };
    for name in ["odd-objects.sql", own] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/data")
            .join(name);
        let script = std::fs::read_to_string(path).expect("it is there");
        server.run(Some(DATABASE), &script);
    }
}

fn live(server: &Server) -> Snapshot {
    let mut connection = server.connect();
    connection.use_database(DATABASE).expect("it is there");
    reader::read(&mut connection, DATABASE, ReadOptions::default()).expect("it can be read")
}

/// The dump of the server's own program. That stops being content at a view without its table,
/// and writes all the same.
fn dumped(server: &Server) -> Snapshot {
    let output = server
        .program("mysqldump")
        .args(["--no-defaults", "-u", "root", "-S"])
        .arg(server.socket())
        .args(["--routines", "--events", "--single-transaction", "--force"])
        .arg(DATABASE)
        .output()
        .expect("the dump program runs");
    common::snapshot_of(&output.stdout)
}

#[test]
fn odd_objects_are_on_the_server_what_they_are_in_its_dump() {
    for server in server::all() {
        load(server);
        let (mut live, mut dump) = (live(server), dumped(server));
        for snapshot in [&mut live, &mut dump] {
            for table in snapshot.schema.tables.values_mut() {
                // Servers list them in no order.
                table.checks.sort();
            }
        }
        let at = &server.name;
        assert!(live.hidden.is_empty(), "{at}: {:?}", live.hidden);
        assert!(dump.schema.tables.len() > 40, "{at}: the dump is whole");
        for (name, table) in &dump.schema.tables {
            assert_eq!(live.schema.tables.get(name), Some(table), "{at}: {name}");
        }
        assert_eq!(live.schema.tables.len(), dump.schema.tables.len(), "{at}");
        assert_eq!(dump.schema.triggers.len(), 5, "{at}");
        assert_eq!(triggers(&live), triggers(&dump), "{at}");
        assert_eq!(names(&live), names(&dump), "{at}");
        let findings = common::findings(&common::case(live), checks::CHECK);
        assert_eq!(
            common::ids(&findings, Severity::Error),
            ["reference-broken of_nothing"],
            "{at}: nothing else is wrong"
        );
    }
}

/// Triggers but for their bodies: information_schema spells the escapes in strings its own way.
fn triggers(snapshot: &Snapshot) -> Vec<(String, Trigger)> {
    let triggers = snapshot.schema.triggers.iter();
    let mut triggers: Vec<(String, Trigger)> = triggers
        .map(|(name, trigger)| (name.clone(), trigger.clone()))
        .collect();
    for (_, trigger) in &mut triggers {
        trigger.body.clear();
    }
    triggers.sort_by(|one, other| one.0.cmp(&other.0));
    triggers
}

/// Names of views, routines and events; what is in them is printed in several ways.
fn names(snapshot: &Snapshot) -> Vec<String> {
    let schema = &snapshot.schema;
    let views = schema.views.keys().map(|name| format!("view {name}"));
    let routines = schema.routines.keys();
    let routines = routines.map(|(kind, name)| format!("{kind:?} {name}"));
    let events = schema.events.keys().map(|name| format!("event {name}"));
    let mut names: Vec<String> = views.chain(routines).chain(events).collect();
    names.sort();
    names
}

/// A cut dump would seem to lack what the server has; the report has to say that it is cut.
#[test]
fn a_comparison_with_a_cut_dump_fails() {
    let sample = common::sample();
    let folder = tempfile::tempdir().expect("a folder");
    let [whole, cut] = ["whole.sql", "cut.sql"].map(|name| folder.path().join(name));
    std::fs::write(&whole, &sample).expect("it is written");
    std::fs::write(&cut, &sample[..sample.len() / 2]).expect("it is written");
    let output = Command::new(env!("CARGO_BIN_EXE_cividb"))
        .arg("diff")
        .arg(&whole)
        .arg("--against")
        .arg(&cut)
        .output()
        .expect("cividb runs");
    assert_eq!(output.status.code(), Some(1));
    let report = String::from_utf8_lossy(&output.stdout);
    assert!(report.contains("dump-truncated"), "{report}");
}
