//! A running server tells the same as the dump that was loaded into it.

use std::path::Path;

use cividb::case::Case;
use cividb::checks::{self, Detected, Finding, Findings};
use cividb::civicrm::site;
use cividb::server::reader::{self, ReadOptions};
use cividb::snapshot::{Row, Snapshot};

use crate::common;
use crate::server::{self, Server};

/// The name of a dump as that of a database.
fn database_name(path: &Path) -> String {
    common::name(path)
        .split_once(".sql")
        .or(common::name(path).split_once(".mysql"))
        .map_or_else(|| common::name(path), |(name, _)| name.to_owned())
        .replace(|c: char| !c.is_ascii_alphanumeric(), "_")
}

fn read(server: &Server, database: &str) -> Snapshot {
    let mut connection = server.connect();
    connection.use_database(database).expect("it is there");
    let wanted = ReadOptions {
        rows: site::ROWS_WANTED,
        exact_counts: true,
    };
    reader::read(&mut connection, database, wanted).expect("it can be read")
}

/// The dumps to load into a server; MySQL takes some ten seconds for each.
fn dumps_for(server: &Server) -> Vec<std::path::PathBuf> {
    let all = common::real_dumps();
    if common::everything() {
        return all;
    }
    // One of each era, of MySQL one alone: it takes ten times as long as MariaDB.
    let some = match server.is_mysql() {
        true => &["5.81.2-small"][..],
        false => &[
            "4.0.8",
            "4.2.16",
            "4.7.31-to-5.33",
            "5.13.3",
            "5.81.2-small",
            "6.4.1",
        ],
    };
    all.into_iter()
        .filter(|path| some.iter().any(|name| common::name(path).starts_with(name)))
        .collect()
}

/// A dump's text in the form that the server takes.
fn text_for(server: &Server, path: &Path) -> Vec<u8> {
    let text = common::text_of(path);
    let flag = "NO_AUTO_CREATE_USER,";
    if server.is_mysql() && memchr::memmem::find(&text, flag.as_bytes()).is_some() {
        return common::replaced(&text, flag, "");
    }
    text
}

#[test]
fn a_server_tells_the_same_schema_as_the_dump_loaded_into_it() {
    for server in server::all() {
        for path in dumps_for(server) {
            let text = text_for(server, &path);
            let database = database_name(&path);
            server.load(&database, &text);
            let (dump, live) = (common::snapshot_of(&text), read(server, &database));
            let at = format!("{} on {}", common::name(&path), server.name);
            assert_eq!(live.hidden.len(), 0, "{at}: {:?}", live.hidden);
            for (name, table) in &dump.schema.tables {
                let there = live.schema.tables.get(name);
                assert_eq!(there, Some(table), "{at}: {name}");
            }
            assert_eq!(live.schema.tables.len(), dump.schema.tables.len(), "{at}");
            for (name, trigger) in &dump.schema.triggers {
                let there = live.schema.triggers.get(name);
                assert_eq!(there, Some(trigger), "{at}: {name}");
            }
            let names = |snapshot: &Snapshot| {
                let schema = &snapshot.schema;
                let mut names: Vec<String> = schema.views.keys().cloned().collect();
                names.extend(schema.routines.keys().map(|(_, name)| name.clone()));
                names.extend(schema.events.keys().cloned());
                names.sort();
                names
            };
            assert_eq!(names(&live), names(&dump), "{at}");
            for table in dump.rows.keys().chain(live.rows.keys()) {
                assert_eq!(rows(&live, table), rows(&dump, table), "{at}: {table}");
            }
            let mut counts = (live.row_counts, dump.row_counts);
            counts.0.sort_keys();
            counts.1.sort_keys();
            assert_eq!(counts.0, counts.1, "{at}");
        }
    }
}

/// The rows kept of a table, without settings that nobody asked for: a dump's reader looks for
/// a word in the whole row.
fn rows<'a>(snapshot: &'a Snapshot, table: &str) -> Vec<&'a Row> {
    let wanted = |row: &&Row| {
        let name = row.get("name").and_then(Option::as_deref);
        table != "civicrm_setting"
            || [&b"logging"[..], b"logging_no_trigger_permission"]
                .iter()
                .any(|wanted| name == Some(*wanted))
    };
    let rows = snapshot.rows.get(table).into_iter().flatten();
    rows.filter(wanted).collect()
}

/// What was found, a line each, but for what only a dump or only a server can know.
fn comparable(findings: &Findings) -> Vec<String> {
    let only_one = ["restore-", "dump-", "server-", "definer-"];
    let mut lines: Vec<String> = findings
        .list
        .iter()
        .filter(|finding| !only_one.iter().any(|id| finding.check.id.starts_with(id)))
        .filter(|finding| {
            // What new tables of a database get.
            let object = finding.object.as_ref();
            object.is_none_or(|object| object.kind != "database")
        })
        .map(|finding| {
            let object = finding.object.as_ref();
            let object = object.map(|object| (&object.name, &object.table));
            let Finding {
                severity,
                expected,
                actual,
                inherited,
                ..
            } = finding;
            let id = finding.check.id;
            format!("{severity:?} {id} {object:?} {expected:?} {actual:?} {inherited:?}")
        })
        .collect();
    lines.sort();
    lines
}

#[test]
fn check_of_a_server_finds_what_check_of_the_dump_finds() {
    for server in server::all() {
        for path in dumps_for(server) {
            let text = text_for(server, &path);
            let database = database_name(&path);
            server.load(&database, &text);
            let dump = common::case(common::snapshot_of(&text));
            let live = common::case(read(server, &database));
            let at = format!("{} on {}", common::name(&path), server.name);
            let found = |case: &Case| comparable(&common::findings(case, checks::CHECK));
            assert_eq!(found(&live), found(&dump), "{at}");
            let detected = |case: &Case| case.detection().map(Detected::of);
            assert_eq!(detected(&live), detected(&dump), "{at}");
        }
    }
}
