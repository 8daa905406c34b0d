//! Names that break whatever is not quoted with care: every generator of SQL, with and without servers.
//! The statement that is printed or run is the one that is meant, or there is none.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use cividb::change::definition;
use cividb::change::executor::{Executor, Outcome};
use cividb::change::journal::{Head, Journal, Record};
use cividb::change::undo::Examination;
use cividb::change::{alter, whole_schema};
use cividb::civicrm::privileges::{UpgradeFacts, needed_for_upgrade};
use cividb::civicrm::program_text;
use cividb::civicrm::programs::ExpectedTrigger;
use cividb::civicrm::release::Version;
use cividb::civicrm::site::{CustomGroup, Site};
use cividb::contents;
use cividb::contents::digest::Hashes;
use cividb::contents::passes::DigestPass;
use cividb::gate::{Blocked, Meaning, Operation, Problem};
use cividb::grants::{Grantee, Grants, Rules, judge};
use cividb::integrity::question::{Basis, Link, Question, What};
use cividb::integrity::sql::Rows;
use cividb::repair::orphans;
use cividb::repair::plan::{Cost, Family, NewKey, PlannedStep};
use cividb::repair::run;
use cividb::repair::version::VersionChange;
use cividb::schema::compare::{Options, compare};
use cividb::schema::ddl::{self, Statement};
use cividb::schema::lexer::SqlModes;
use cividb::schema::model::{
    Column, ForeignKey, Index, IndexKind, KeyPart, ReferentialAction, Schema, Table, TriggerEvent,
    TriggerTiming,
};
use cividb::schema::sql::identifier;
use cividb::server::connection::Reader;
use cividb::server::error::ServerError;
use cividb::server::reader::{ReadOptions, read, show_create_table};
use cividb::server_version::ServerVersion;
use cividb::snapshot::Snapshot;
use mysql::prelude::Queryable;

use crate::common::{self, cividb, json, text};
use crate::hostile;
use crate::rollback::Site as SharedSite;
use crate::server::{self, Server};

/// Where the statements of a generator are tested with all names.
enum Tested {
    /// By the test of this name in the file itself.
    There(&'static str),
    /// By a test of this file, without a server.
    Here(&'static str),
    /// By a test of this file on servers: it cannot be had without one.
    OnServers(&'static str),
    /// Not at all, for this reason.
    No(&'static str),
}

use Tested::{Here, No, OnServers, There};

/// Every file of `src` that quotes names or values for SQL.
const GENERATORS: &[(&str, &[Tested])] = &[
    ("change/alter.rs", &[Here(STEPS), OnServers(SCHEMAS)]),
    (
        "change/executor.rs",
        &[OnServers(SCHEMAS), OnServers(DATABASES)],
    ),
    (
        "change/hindrance.rs",
        &[There(
            "what_is_asked_of_rows_is_what_is_meant_whatever_names_are",
        )],
    ),
    ("change/proof.rs", &[Here(STEPS), OnServers(SCHEMAS)]),
    (
        "change/rows_back.rs",
        &[There(
            "a_row_is_set_right_by_the_statement_that_is_meant_whatever_names_and_values_are",
        )],
    ),
    ("change/values.rs", &[OnServers(ROWS)]),
    (
        "checks/version.rs",
        &[No("languages that have the form xx_XX, such as en_US")],
    ),
    (
        "checks/server.rs",
        &[There(
            "the_database_is_the_one_that_is_meant_whatever_its_name_is",
        )],
    ),
    (
        "checks/users.rs",
        &[No(
            "the name of one table of CiviCRM, and ids that are numbers",
        )],
    ),
    ("civicrm/program_text.rs", &[Here(PROGRAMS)]),
    (
        "cli/extract.rs",
        &[No("it drops what program_text.rs makes, by the same names")],
    ),
    ("cli/grants.rs", &[Here(GRANTS), OnServers(GRANTED)]),
    ("contents/server.rs", &[OnServers(DATABASES)]),
    (
        "dump/delimited.rs",
        &[No("for our own scanner, never sent nor printed")],
    ),
    ("extract/clause.rs", &[Here(EXTRACTED)]),
    ("extract/generated.rs", &[Here(EXTRACTED)]),
    ("extract/plan.rs", &[Here(EXTRACTED)]),
    ("grants/judge.rs", &[Here(GRANTS), OnServers(GRANTED)]),
    ("grants/model.rs", &[Here(GRANTS), OnServers(GRANTED)]),
    (
        "integrity/sql.rs",
        &[
            There("questions_are_those_that_are_meant_whatever_names_are"),
            OnServers(SCHEMAS),
        ],
    ),
    (
        "checks/definers.rs",
        &[There(
            "the_grant_for_a_definer_is_what_is_meant_whatever_names_are",
        )],
    ),
    (
        "checks/letter_case.rs",
        &[
            There("a_group_gets_the_name_that_is_meant_whatever_it_is"),
            There("a_table_gets_the_name_that_is_meant_whatever_it_is"),
        ],
    ),
    (
        "checks/objects.rs",
        &[There(
            "a_loadable_function_is_asked_for_as_meant_whatever_its_name_is",
        )],
    ),
    ("change/exchange/clear.rs", &[OnServers(ROLLED_BACK)]),
    (
        "change/exchange/keys.rs",
        &[There(
            "a_key_is_dropped_and_made_again_whatever_it_is_called",
        )],
    ),
    (
        "rollback/routine_grants.rs",
        &[There(
            "a_grant_names_its_routine_and_account_whatever_they_are_called",
        )],
    ),
    (
        "cli/rollback/orphans.rs",
        &[There(
            "the_question_names_its_column_and_table_whatever_they_are_called",
        )],
    ),
    ("change/exchange/model.rs", &[OnServers(ROLLED_BACK)]),
    ("change/exchange/programs.rs", &[OnServers(ROLLED_BACK)]),
    ("change/exchange/record.rs", &[OnServers(ROLLED_BACK)]),
    ("change/exchange/state.rs", &[OnServers(ROLLED_BACK)]),
    (
        "rollback/fresh.rs",
        &[There("what_came_is_dropped_by_its_name_whatever_that_is")],
    ),
    ("rollback/databases.rs", &[OnServers(ROLLED_BACK)]),
    ("rollback/references.rs", &[OnServers(ROLLED_BACK)]),
    ("rollback/run.rs", &[OnServers(ROLLED_BACK)]),
    ("extract/target.rs", &[OnServers(ROLLED_BACK)]),
    ("rehearse/compare.rs", &[OnServers(REHEARSED)]),
    ("rehearse/exercise.rs", &[OnServers(REHEARSED)]),
    ("rehearse/row.rs", &[OnServers(REHEARSED)]),
    (
        "repair/equal_rows.rs",
        &[There(
            "equal_rows_are_asked_for_as_meant_whatever_names_are",
        )],
    ),
    (
        "server/reader/used.rs",
        &[There(
            "what_is_asked_of_definers_and_other_databases_is_what_is_meant_whatever_names_are",
        )],
    ),
    (
        "preflight/statements.rs",
        &[There(
            "tables_and_views_are_those_that_are_meant_whatever_names_are",
        )],
    ),
    (
        "preflight/statements/programs.rs",
        &[There(
            "triggers_are_those_that_are_meant_whatever_names_are",
        )],
    ),
    (
        "preflight/statements/rows.rs",
        &[There(
            "rows_are_those_that_are_meant_whatever_names_and_values_are",
        )],
    ),
    (
        "preflight/fit.rs",
        &[No(
            "the column is quoted where it is asked about; the texts are choices of CiviCRM's own columns",
        )],
    ),
    (
        "change/permitted.rs",
        &[There(
            "what_is_asked_of_columns_that_are_dropped_is_what_is_meant",
        )],
    ),
    (
        "preflight/render.rs",
        &[There(
            "statements_are_those_that_are_meant_whatever_names_are",
        )],
    ),
    ("repair/orphans.rs", &[Here(STEPS), OnServers(ROWS)]),
    (
        "repair/orphans/clear.rs",
        &[
            There(
                "rows_are_changed_by_the_statements_that_are_meant_whatever_names_and_values_are",
            ),
            OnServers(ROWS),
        ],
    ),
    ("repair/orphans/effects.rs", &[OnServers(ROWS)]),
    (
        "repair/orphans/export.rs",
        &[There(
            "what_loads_an_export_again_is_what_is_meant_whatever_names_are",
        )],
    ),
    ("repair/plan/step.rs", &[Here(STEPS), OnServers(SCHEMAS)]),
    ("repair/rebuild/copy.rs", &[OnServers(ROWS)]),
    ("repair/rebuild/fill.rs", &[OnServers(ROWS)]),
    ("repair/rebuild/parents.rs", &[OnServers(ROWS)]),
    ("repair/rebuild/programs.rs", &[OnServers(ROWS)]),
    ("repair/rebuild/target.rs", &[OnServers(ROWS)]),
    ("repair/run.rs", &[Here(STEPS), OnServers(SCHEMAS)]),
    (
        "repair/version.rs",
        &[
            There("whatever_the_version_was_the_statements_are_those_that_are_meant"),
            OnServers(VERSIONS),
        ],
    ),
    (
        "schema/sql/anti_join.rs",
        &[Here(STEPS), OnServers(SCHEMAS)],
    ),
    ("schema/sql/duplicates.rs", &[OnServers(SCHEMAS)]),
    (
        "schema/sql/migrate.rs",
        &[Here(CHANGES), OnServers(SCHEMAS)],
    ),
    (
        "schema/sql/canonical.rs",
        &[No(
            "for people who compare it line by line; its commas make it no statement",
        )],
    ),
    ("schema/sql/column.rs", &[Here(CHANGES), OnServers(SCHEMAS)]),
    ("schema/sql/keys.rs", &[Here(CHANGES), OnServers(SCHEMAS)]),
    (
        "schema/sql/quoting.rs",
        &[Here(CHANGES), OnServers(SCHEMAS)],
    ),
    ("schema/sql/schema.rs", &[Here(CHANGES), OnServers(SCHEMAS)]),
    ("schema/sql/table.rs", &[Here(CHANGES), OnServers(SCHEMAS)]),
    ("sandbox/accounts.rs", &[OnServers(REHEARSED)]),
    (
        "sandbox/scratch.rs",
        &[There(
            "a_database_is_made_anew_by_its_name_whatever_that_is",
        )],
    ),
    ("server/connection.rs", &[OnServers(DATABASES)]),
    (
        "server/probe.rs",
        &[No(
            "it names nothing but what it makes itself, by number and time",
        )],
    ),
    ("server/reader/printed.rs", &[OnServers(DATABASES)]),
    (
        "server/reader/programs.rs",
        &[No("for our own parser, never sent nor printed")],
    ),
    ("server/reader/rows.rs", &[OnServers(ROWS)]),
    (
        "server/reader/tables.rs",
        &[No(
            "for our own parser, never sent nor printed; read in SCHEMAS",
        )],
    ),
];

const CHANGES: &str = "what_brings_one_schema_to_another_is_what_is_meant";
const STEPS: &str = "the_steps_of_a_repair_and_their_proofs_are_what_is_meant";
const GRANTS: &str = "grants_are_what_is_meant";
const SCHEMAS: &str = "schemas_are_made_changed_repaired_asked_and_taken_back_as_is_meant";
const ROWS: &str = "rows_are_cleared_exported_taken_back_and_copied_as_is_meant";
const GRANTED: &str = "what_is_granted_is_what_is_meant";
const DATABASES: &str = "tables_and_databases_that_are_asked_for_are_those_that_are_meant";
const PROGRAMS: &str = "the_triggers_of_the_core_are_what_is_meant";
const EXTRACTED: &str = "what_is_taken_out_of_a_dump_is_what_is_meant";
const ROLLED_BACK: &str = "what_is_rolled_back_with_all_names_is_what_is_meant";
const REHEARSED: &str = "tables_of_all_names_are_rehearsed_as_is_meant";
const VERSIONS: &str = "versions_are_set_and_taken_back_whatever_they_were";

fn files(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of src can be listed") {
        let path = entry.expect("an entry of it can be read").path();
        match path.is_dir() {
            true => files(&path, into),
            false => into.push(path),
        }
    }
}

#[test]
fn every_file_that_quotes_for_sql_is_tested_with_all_names() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut all = Vec::new();
    files(&source, &mut all);
    let mut quoting = BTreeSet::new();
    for file in all.iter().filter(|file| !file.ends_with("tests.rs")) {
        let text = fs::read_to_string(file).expect("a file of src can be read");
        let code = text.split("#[cfg(test)]\nmod tests {");
        let code = code.take(1).collect::<String>();
        let quotes = ["identifier(", "string(", "alter_table(", "Meaning::new("];
        let is_generator = code.lines().any(|line| {
            let line = line.trim_start();
            let quotes = quotes.iter().any(|quote| {
                line.match_indices(quote).any(|(at, _)| {
                    let before = line[..at].chars().next_back();
                    before.is_none_or(|before| !before.is_alphanumeric() && !"_.".contains(before))
                })
            });
            quotes && !line.starts_with("//")
        });
        if is_generator {
            let inside = file.strip_prefix(&source).expect("it is in src");
            quoting.insert(inside.to_string_lossy().into_owned());
        }
    }
    for not_a_generator in [
        // They hold statements of others against what is meant.
        "change/definition.rs",
        "change/whole_schema.rs",
        "repair/guard.rs",
        "repair/plan/proofs.rs",
        // They read.
        "dump/values.rs",
        "schema/apply/tables.rs",
        "schema/ddl/alter.rs",
        "schema/ddl/parse.rs",
        "schema/ddl/parser.rs",
    ] {
        assert!(quoting.remove(not_a_generator), "{not_a_generator}");
    }
    let listed: BTreeSet<String> = GENERATORS
        .iter()
        .map(|(file, _)| (*file).to_owned())
        .collect();
    assert_eq!(quoting, listed);
    let here = include_str!("hostile_names.rs");
    for (file, tested) in GENERATORS {
        for tested in *tested {
            let (text, test) = match tested {
                There(test) => (
                    fs::read_to_string(source.join(file)).expect("it is there"),
                    test,
                ),
                Here(test) | OnServers(test) => (here.to_owned(), test),
                No(why) => {
                    assert!(!why.is_empty());
                    continue;
                }
            };
            assert!(text.contains(&format!("fn {test}()")), "{file}: {test}");
        }
    }
}

/// Whether a name passes the gate and servers take it for a column: it has no white space at the end. What
/// they refuse is counted in the tests, and shown to be refused.
fn is_taken(name: &str) -> bool {
    !hostile::is_refused(name) && !name.ends_with(|last: char| last.is_ascii_whitespace())
}

/// Whether servers take a name for a table as well: each character but letters and digits has five in
/// the name of its file.
fn is_taken_for_table(name: &str) -> bool {
    let length = |character: char| match character.is_ascii_alphanumeric() {
        true => 1,
        false => 5,
    };
    is_taken(name) && name.chars().map(length).sum::<usize>() < 200
}

/// The names that servers take, in groups, each with two that they take for tables in front.
fn groups(size: usize) -> Vec<Vec<String>> {
    let taken: Vec<String> = hostile::names()
        .into_iter()
        .filter(|name| is_taken(name))
        .collect();
    let groups = taken.chunks(size).map(|group| {
        let mut group = group.to_vec();
        group.sort_by_key(|name| !is_taken_for_table(name));
        assert!(is_taken_for_table(&group[1]));
        group
    });
    groups.collect()
}

/// A parent and a child in which every name of a group is that of a column, of an index and of a foreign
/// key, and the first two those of the tables.
fn tables(group: &[String]) -> [(String, Table); 2] {
    let plain = Table {
        engine: Some("InnoDB".to_owned()),
        charset: Some("utf8mb4".to_owned()),
        collation: Some("utf8mb4_unicode_ci".to_owned()),
        ..Table::default()
    };
    let number = Column::new("int", false);
    let parent = Table {
        columns: [(group[0].clone(), number.clone())].into_iter().collect(),
        primary_key: vec![KeyPart::column(group[0].as_str())],
        ..plain.clone()
    };
    let other = |place: usize| group[place % group.len()].clone();
    let columns = group
        .iter()
        .map(|name| (name.clone(), Column::new("int", true)));
    let indexes = group.iter().enumerate().map(|(place, name)| {
        let index = Index {
            kind: IndexKind::Plain,
            parts: vec![KeyPart::column(name.as_str())],
        };
        (other(place + 1), index)
    });
    let keys = group.iter().enumerate().map(|(place, name)| {
        let key = ForeignKey {
            columns: vec![name.clone()],
            referenced_database: None,
            referenced_table: group[0].clone(),
            referenced_columns: vec![group[0].clone()],
            on_delete: ReferentialAction::Cascade,
            on_update: ReferentialAction::Restrict,
        };
        (other(place + 2), key)
    });
    let child = Table {
        columns: [("id".to_owned(), number)]
            .into_iter()
            .chain(columns)
            .collect(),
        primary_key: vec![KeyPart::column("id")],
        indexes: indexes.collect(),
        foreign_keys: keys.collect(),
        ..plain
    };
    [(group[0].clone(), parent), (group[1].clone(), child)]
}

fn schema(groups: &[Vec<String>]) -> Schema {
    Schema {
        tables: groups.iter().flat_map(|group| tables(group)).collect(),
        ..Schema::default()
    }
}

/// Every second column, and no keys but the primary ones.
fn bare(schema: &Schema) -> Schema {
    let mut bare = schema.clone();
    for table in bare.tables.values_mut() {
        table.indexes.clear();
        table.foreign_keys.clear();
        let mut place = 0;
        let primary: Vec<String> = table
            .primary_key
            .iter()
            .map(|part| part.column.clone())
            .collect();
        table.columns.retain(|name, _| {
            place += 1;
            place % 2 == 1 || primary.contains(name)
        });
    }
    bare
}

/// The child of a group with other names for its indexes and foreign keys, or without foreign keys.
fn rotated(child: &Table, with_keys: bool) -> Table {
    let mut table = child.clone();
    let rotate = |names: Vec<String>| {
        let mut names = names;
        names.rotate_left(3);
        names
    };
    let names = rotate(child.indexes.keys().cloned().collect());
    table.indexes = names
        .into_iter()
        .zip(child.indexes.values().cloned())
        .collect();
    let names = rotate(child.foreign_keys.keys().cloned().collect());
    table.foreign_keys = names
        .into_iter()
        .zip(child.foreign_keys.values().cloned())
        .collect();
    if !with_keys {
        table.foreign_keys.clear();
    }
    table
}

/// A step as the planner makes it.
fn planned(name: &str, before: &Table, after: &Table) -> PlannedStep {
    let meaning = alter::meaning(name, before, after, true).expect("it can be read");
    let back = alter::meaning(name, after, before, true).expect("it can be read");
    let added = after.foreign_keys.iter();
    let added = added.filter(|(name, _)| !before.foreign_keys.contains_key(*name));
    let new_keys = added.map(|(constraint, key)| NewKey {
        constraint: constraint.clone(),
        key: key.clone(),
        in_force: None,
    });
    let new_keys: Vec<NewKey> = new_keys.collect();
    PlannedStep {
        family: Family::ForeignKeys,
        table: name.to_owned(),
        actions: alter::actions(before, after, true),
        inverse: alter::actions(after, before, true),
        meaning,
        inverse_meaning: back.or_names(before.columns.keys()),
        before: before.clone(),
        after: after.clone(),
        why: vec!["a test".to_owned()],
        needed_for_upgrade: None,
        cost: match new_keys.is_empty() {
            true => Cost::Copy,
            false => Cost::InPlace,
        },
        new_keys,
        new_unique: Vec::new(),
        needs: Vec::new(),
    }
}

/// The two steps that give the indexes and foreign keys of a child other names.
fn steps(group: &[String]) -> [PlannedStep; 2] {
    let [_, (name, child)] = tables(group);
    let (without, with) = (rotated(&child, false), rotated(&child, true));
    [
        planned(&name, &child, &without),
        planned(&name, &without, &with),
    ]
}

#[test]
fn what_brings_one_schema_to_another_is_what_is_meant() {
    // The same for names that only a dump can hold is tested where the gate for schemas is.
    let full = schema(&groups(40));
    let bare = bare(&full);
    let differences = compare(&bare, &full, &Options::default());
    let mut named = BTreeSet::new();
    for statement in whole_schema::schema_change(&bare, &full, &differences) {
        named.insert(statement.unwrap_or_else(|blocked| panic!("{blocked}")));
    }
    assert!(named.len() >= full.tables.len() / 2);
}

#[test]
fn the_steps_of_a_repair_and_their_proofs_are_what_is_meant() {
    let (mut passed, mut blocked) = (0, 0);
    for group in groups(40) {
        for planned in steps(&group) {
            let step = run::step(1, &planned, None).unwrap_or_else(|blocked| panic!("{blocked}"));
            assert_eq!(step.proofs.len(), planned.new_keys.len());
            passed += step.proofs.len();
        }
    }
    // Names that servers do not take come from dumps.
    for name in hostile::names().into_iter().filter(|name| !is_taken(name)) {
        let key = ForeignKey {
            columns: vec![name.clone()],
            referenced_database: Some(name.clone()),
            referenced_table: name.clone(),
            referenced_columns: vec![name.clone()],
            on_delete: ReferentialAction::Cascade,
            on_update: ReferentialAction::Restrict,
        };
        let count = orphans::count(&name, &key, "`cividb_parent`");
        assert_eq!(
            count.is_err(),
            hostile::is_unstorable(&name),
            "{name:?}: {count:?}"
        );
        match count {
            Ok(_) => passed += 1,
            Err(_) => blocked += 1,
        }
    }
    assert_eq!(passed + blocked, hostile::COUNT);
    assert!(passed > blocked * 3, "{blocked} were blocked");
}

/// What an upgrade needs on a database of this name, as GRANT statements that have passed the gate.
fn grants(
    database: &str,
    account: Grantee,
    version: &ServerVersion,
) -> Vec<Result<String, Blocked>> {
    let granted = Grants {
        account: Some(account),
        ..Grants::default()
    };
    let target = Version::parse("5.81.2").expect("a release");
    let needs = needed_for_upgrade(&target, version, &UpgradeFacts::default());
    let verdict = judge(needs, &granted, database, &Rules::of(version.clone()));
    let fixes = verdict.fixes.into_iter();
    fixes
        .map(|fix| Meaning::new(Operation::Grant, fix.names).pass(fix.statement))
        .collect()
}

#[test]
fn grants_are_what_is_meant() {
    for version in ["10.11.0-MariaDB", "9.7.0"] {
        let version = ServerVersion::parse(version).expect("a version");
        for name in hostile::names() {
            if hostile::is_unstorable(&name) {
                continue;
            }
            let statements = grants(&name, Grantee::new(&name, &name), &version);
            assert_ne!(statements.len(), 0);
            // A pattern has a backslash before what would be a wildcard.
            let is_long = |name: &str| name.chars().count() > 64;
            for statement in statements {
                if let Err(Blocked { problem, .. }) = statement {
                    assert!(
                        matches!(&problem, Problem::TooLong(name) if is_long(name)),
                        "{problem}"
                    );
                }
            }
        }
    }
}

/// The installed server and MySQL; with `CIVIDB_TEST_ALL` all.
fn servers() -> Vec<&'static Server> {
    let all = common::everything();
    let servers = server::all().into_iter();
    servers
        .filter(|server| all || server.name == "installed" || server.is_mysql())
        .collect()
}

/// Each one of so many, so that the tests of a day are fast; with `CIVIDB_TEST_ALL` all of them.
fn some<T>(all: Vec<T>, one_of: usize) -> Vec<T> {
    all.into_iter().step_by(common::every(one_of)).collect()
}

/// The same for MySQL alone, which takes ten times as long as MariaDB to make and to change a table.
fn of_slow(server: &Server, one_of: usize) -> usize {
    if server.is_mysql() { one_of } else { 1 }
}

fn made_anew(server: &Server, database: &str) -> mysql::Conn {
    server.run(
        None,
        &format!(
            "DROP DATABASE IF EXISTS {database};
             CREATE DATABASE {database} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci"
        ),
    );
    server.writer(database)
}

/// What information_schema says of a database: columns, indexes and foreign keys.
fn described(writer: &mut mysql::Conn) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for sql in [
        "SELECT 'column', TABLE_NAME, COLUMN_NAME, COLUMN_TYPE, IS_NULLABLE, '' FROM information_schema.COLUMNS
         WHERE TABLE_SCHEMA = DATABASE()",
        "SELECT 'index', TABLE_NAME, INDEX_NAME, COLUMN_NAME, CAST(SEQ_IN_INDEX AS CHAR), '' FROM information_schema.STATISTICS
         WHERE TABLE_SCHEMA = DATABASE()",
        "SELECT 'key', TABLE_NAME, CONSTRAINT_NAME, COLUMN_NAME, REFERENCED_TABLE_NAME, REFERENCED_COLUMN_NAME
         FROM information_schema.KEY_COLUMN_USAGE
         WHERE TABLE_SCHEMA = DATABASE() AND REFERENCED_TABLE_NAME IS NOT NULL",
        "SELECT 'rule', TABLE_NAME, CONSTRAINT_NAME, DELETE_RULE, '', '' FROM information_schema.REFERENTIAL_CONSTRAINTS
         WHERE CONSTRAINT_SCHEMA = DATABASE()",
    ] {
        let rows: Vec<(String, String, String, String, String, String)> =
            writer.query(sql).expect("an answer");
        // MariaDB shows a width of whole numbers.
        let rows = rows.iter().map(|row| format!("{row:?}"));
        all.extend(rows.map(|row| row.replace("\"int(11)\"", "\"int\"")));
    }
    all
}

/// The same as a schema has it.
fn meant(schema: &Schema) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    let mut add = |row: (&str, &str, &str, &str, &str, &str)| {
        all.insert(format!("{row:?}"));
    };
    for (table, definition) in &schema.tables {
        for (name, column) in &definition.columns {
            let nullable = if column.nullable { "YES" } else { "NO" };
            add(("column", table, name, &column.data_type, nullable, ""));
        }
        for part in &definition.primary_key {
            add(("index", table, "PRIMARY", &part.column, "1", ""));
        }
        for (name, index) in &definition.indexes {
            add(("index", table, name, &index.parts[0].column, "1", ""));
        }
        for (name, key) in &definition.foreign_keys {
            let (parent, column) = (&key.referenced_table, &key.referenced_columns[0]);
            add(("key", table, name, &key.columns[0], parent, column));
            add(("rule", table, name, key.on_delete.as_sql(), "", ""));
        }
    }
    all
}

fn assert_is(writer: &mut mysql::Conn, meant: &BTreeSet<String>, at: &str) {
    let there = described(writer);
    let missing: Vec<_> = meant.difference(&there).take(5).collect();
    let unexpected: Vec<_> = there.difference(meant).take(5).collect();
    assert!(
        missing.is_empty() && unexpected.is_empty(),
        "{at}: missing {missing:?}, unexpected {unexpected:?}"
    );
}

fn run_all(writer: &mut mysql::Conn, statements: Vec<Result<String, impl ToString>>, at: &str) {
    for statement in statements {
        let statement = statement.unwrap_or_else(|blocked| panic!("{at}: {}", blocked.to_string()));
        writer
            .query_drop(&statement)
            .unwrap_or_else(|error| panic!("{at}: {error}: {statement}"));
    }
}

fn definitions(reader: &mut Reader, schema: &Schema) -> BTreeMap<String, Option<String>> {
    let tables = schema.tables.keys();
    let read =
        |reader: &mut Reader, name: &str| definition::read(reader, name).expect("it is read");
    tables
        .map(|name| (name.clone(), read(reader, name)))
        .collect()
}

#[test]
fn schemas_are_made_changed_repaired_asked_and_taken_back_as_is_meant() {
    for server in servers() {
        let at = server.name.as_str();
        let groups = groups(40);
        let taken: usize = groups.iter().map(Vec::len).sum();
        let groups = some(groups, of_slow(server, 3));
        let full = schema(&groups);
        let bare = bare(&full);

        // What servers do not take they refuse, and do not take for another name.
        let mut writer = made_anew(server, "hostile_refused");
        let mut refused = 0;
        for name in hostile::names().iter().filter(|name| !is_taken(name)) {
            let sql = format!("CREATE TABLE t ({} INT)", identifier(name));
            if !hostile::is_refused(name) {
                let made = writer.query_drop(sql);
                assert!(made.is_err(), "{at}: {name:?}");
            }
            refused += 1;
        }
        assert_eq!(taken + refused, hostile::COUNT);
        assert!(taken > 1200, "{at}: {taken} names are taken");

        // Made, and changed by what `diff` prints.
        let mut to = made_anew(server, "hostile_to");
        run_all(&mut to, whole_schema::schema_creation(&full), at);
        assert_is(&mut to, &meant(&full), at);
        let mut from = made_anew(server, "hostile_from");
        run_all(&mut from, whole_schema::schema_creation(&bare), at);
        assert_is(&mut from, &meant(&bare), at);
        let folder = tempfile::tempdir().expect("a folder");
        let (old, new) = (server.url("hostile_from"), server.url("hostile_to"));
        let printed = cividb(folder.path(), &["diff", &old, "--against", &new, "--sql"]);
        let printed = text(&printed.stdout);
        let left_out = printed.matches("-- left out").count();
        let for_names = printed.matches("-- left out for its names").count();
        assert_eq!(left_out, for_names, "{at}: {printed}");
        let differences = compare(&bare, &full, &Options::default());
        let changes = whole_schema::schema_change(&bare, &full, &differences);
        for change in changes.iter().flatten() {
            let is_inert = !change
                .chars()
                .any(|c| (c.is_control() && c != '\n') || c == '\u{202e}');
            assert_eq!(
                printed.contains(&format!("{change};\n")),
                is_inert,
                "{at}: {change}"
            );
        }
        run_all(&mut from, changes, at);
        assert_is(&mut from, &meant(&full), at);
        let same = cividb(
            folder.path(),
            &["diff", &old, "--against", &new, "--format", "json"],
        );
        assert_eq!(json(&same)["findings"], serde_json::json!([]), "{at}");

        // Repaired, and taken back.
        let mut reader = server.connect();
        reader.use_database("hostile_to").expect("it is there");
        let before = definitions(&mut reader, &full);
        let path = folder.path().join("journal");
        let head = Head::of(&Snapshot::default(), "a test");
        let mut journal = Journal::create(&path, &head).expect("a journal");
        let mut tell = |_: &str| {};
        let mut executor =
            Executor::new(reader, "hostile_to", Duration::MAX, &mut tell).expect("a session");
        let mut number = 0;
        let some_groups = some(groups.clone(), 12);
        for group in &some_groups {
            for planned in steps(group) {
                number += 1;
                let now = executor.definition(&planned.table).expect("it is there");
                let step = run::step(number, &planned, now.as_deref())
                    .unwrap_or_else(|blocked| panic!("{at}: {blocked}"));
                let ran = executor.run(&step, &mut journal, (number, 0));
                let ran = ran.unwrap_or_else(|error| panic!("{at}: {error}"));
                assert_eq!(ran, Outcome::Done, "{at}: {}", step.statement);
            }
        }
        let mut repaired = full.clone();
        for group in &some_groups {
            let [_, (name, child)] = tables(group);
            repaired.tables.insert(name, rotated(&child, true));
        }
        assert_is(&mut to, &meant(&repaired), at);
        let record = Record::read(&path).expect("a journal");
        let mut reader = executor.finish().expect("a connection");
        let examination =
            Examination::of(&mut reader, &record, &|_, _| false).expect("it can be looked at");
        examination
            .is_as_left()
            .unwrap_or_else(|changed| panic!("{at}: {changed}"));
        let mut executor =
            Executor::new(reader, "hostile_to", Duration::MAX, &mut tell).expect("a session");
        let undone = examination.take_back(&mut executor, &mut journal);
        let undone = undone.unwrap_or_else(|error| panic!("{at}: {error}"));
        assert_eq!(undone.steps, number, "{at}");
        let mut reader = executor.finish().expect("a connection");
        assert_is(&mut to, &meant(&full), at);
        assert_eq!(definitions(&mut reader, &full), before, "{at}");

        // Asked: one row of each child has lost all its parents.
        to.query_drop("SET SESSION foreign_key_checks = 0")
            .expect("a setting");
        for group in &groups {
            let values = vec!["5"; group.len() + 1].join(", ");
            let child = identifier(&group[1]);
            to.query_drop(format!("INSERT INTO {child} VALUES ({values})"))
                .expect("a row");
        }
        let mut asked = 0;
        for group in &groups {
            let [_, (name, child)] = tables(group);
            for key in child.foreign_keys.values() {
                let link = Link {
                    column: key.columns[0].clone(),
                    parent: key.referenced_table.clone(),
                    parent_column: key.referenced_columns[0].clone(),
                    on_delete: key.on_delete,
                };
                let question = Question {
                    table: name.clone(),
                    what: What::Orphans(link),
                    basis: Basis::Own,
                    step: None,
                };
                let rows = Rows::of(&question, None, &full).expect("a question");
                let count = rows.count(None, false).expect("it passes");
                let answer = reader.ask("rows", &count).expect("an answer");
                assert_eq!(answer[0][0], Some(b"1".to_vec()), "{at}: {count}");
                let whole = rows.whole(&child, None).expect("it passes");
                assert_eq!(
                    reader.ask("rows", &whole).expect("an answer").len(),
                    1,
                    "{at}: {whole}"
                );
                asked += 1;
            }
        }
        let of_groups: usize = groups.iter().map(Vec::len).sum();
        assert_eq!(asked, of_groups, "{at}");
        for database in ["hostile_refused", "hostile_from", "hostile_to"] {
            server.run(None, &format!("DROP DATABASE {database}"));
        }
    }
}

/// For each group two tables that hang on a contribution: rows of the first go with it, and those of
/// the second lose what they refer to then.
fn hanging(server: &Server, database: &str, groups: &[Vec<String>]) {
    server.load_sample(database, &[]);
    let mut writer = server.writer(database);
    let mut run = |sql: &str| {
        writer
            .query_drop(sql)
            .unwrap_or_else(|error| panic!("{}: {error}: {sql}", server.name));
    };
    run("SET SESSION foreign_key_checks = 0");
    run("INSERT INTO civicrm_contribution (id, contact_id, financial_type_id, total_amount, currency)
         VALUES (9001, 4000001, 1, 10.50, 'USD')");
    for group in groups {
        let [first, second] = [&group[0], &group[1]].map(|name| identifier(name));
        let columns: Vec<String> = group.iter().map(|name| identifier(name)).collect();
        let list = columns.join(", ");
        let defined = |kind: &str| {
            let columns = columns.iter().map(|column| format!("{column} {kind}"));
            columns.collect::<Vec<_>>().join(", ")
        };
        run(&format!(
            "CREATE TABLE {first} (id INT UNSIGNED PRIMARY KEY, entity_id INT UNSIGNED, {},
               UNIQUE KEY {second} ({list}),
               CONSTRAINT {first} FOREIGN KEY (entity_id) REFERENCES civicrm_contribution (id)
                 ON DELETE CASCADE) ENGINE=InnoDB",
            defined("INT NOT NULL")
        ));
        run(&format!(
            "CREATE TABLE {second} (id INT UNSIGNED PRIMARY KEY, {}, KEY {first} ({list}),
               CONSTRAINT {second} FOREIGN KEY ({list}) REFERENCES {first} ({list})
                 ON DELETE SET NULL) ENGINE=InnoDB",
            defined("INT NULL")
        ));
        let values: Vec<String> = (1..=group.len()).map(|value| value.to_string()).collect();
        let values = values.join(", ");
        run(&format!("INSERT INTO {first} VALUES (7, 9001, {values})"));
        run(&format!("INSERT INTO {second} VALUES (8, {values})"));
    }
    run("ALTER TABLE civicrm_contribution DROP FOREIGN KEY FK_civicrm_contribution_contact_id");
    // MySQL does not take every name for a trigger (error 3507).
    let triggers = groups.iter().filter(|group| {
        let [first, second] = [&group[0], &group[1]].map(|name| identifier(name));
        let set = format!("SET NEW.{second} = NEW.{second}");
        let sql = format!("CREATE TRIGGER {second} BEFORE UPDATE ON {first} FOR EACH ROW {set}");
        writer.query_drop(sql).is_ok()
    });
    let made = triggers.count();
    assert!(
        made * 10 > groups.len() * 9,
        "{}: {made} triggers",
        server.name
    );
}

/// The rows of the tables of groups: of the first, and of the second.
fn counted(server: &Server, database: &str, groups: &[Vec<String>]) -> (usize, usize) {
    let mut writer = server.writer(database);
    let (mut rows, mut cleared) = (0, 0);
    for group in groups {
        let [first, second] = [&group[0], &group[1]].map(|name| identifier(name));
        let nulls = group
            .iter()
            .map(|name| format!("{} IS NULL", identifier(name)));
        let nulls = nulls.collect::<Vec<_>>().join(" AND ");
        let sql = format!(
            "SELECT (SELECT COUNT(*) FROM {first} WHERE id = 7), (SELECT COUNT(*) FROM {second} WHERE {nulls})"
        );
        let found: Option<(usize, usize)> = writer.query_first(sql).expect("an answer");
        let found = found.expect("a row");
        rows += found.0;
        cleared += found.1;
    }
    (rows, cleared)
}

#[test]
fn rows_are_cleared_exported_taken_back_and_copied_as_is_meant() {
    for server in servers() {
        let at = server.name.as_str();
        let groups = some(groups(16), 8);
        let all = groups.len();
        let database = "hostile_rows";
        hanging(server, database, &groups);
        let url = server.url(database);
        let mut writer = server.writer(database);
        let before = described(&mut writer);
        assert_eq!(counted(server, database, &groups), (all, 0), "{at}");
        let folder = tempfile::tempdir_in("/dev/shm").expect("a folder");

        // Rows go, by the rules of their keys, and come back.
        let mut arguments = vec!["repair", "foreign-keys", &url, "--format", "json"];
        arguments.extend(["--orphans", "set-null,delete", "--export", "e"]);
        arguments.extend(["--apply", "--yes", "--journal", "j"]);
        let done = cividb(folder.path(), &arguments);
        let errors = text(&done.stderr);
        let plan = json(&done)["plan"].clone();
        assert_eq!(plan["rows_deleted"], all + 1, "{at}: {errors}");
        assert_eq!(plan["rows_set_null"], all, "{at}: {errors}");
        assert_eq!(counted(server, database, &groups), (0, all), "{at}");
        let files = fs::read_dir(folder.path().join("e")).expect("the exports");
        assert_eq!(files.count(), 2 * (2 * all + 1), "{at}");
        let mut keys = described(&mut writer);
        keys.retain(|row| !before.contains(row));
        assert_eq!(keys.len(), 2, "{at}: {keys:?}");
        let undone = cividb(folder.path(), &["undo", "j", &url, "--apply", "--yes"]);
        assert_eq!(
            undone.status.code(),
            Some(0),
            "{at}: {}",
            text(&undone.stderr)
        );
        assert_eq!(counted(server, database, &groups), (all, 0), "{at}");
        assert_eq!(described(&mut writer), before, "{at}");

        // All is copied into a new database.
        server.run(
            Some(database),
            "UPDATE civicrm_contribution SET contact_id = 1 WHERE id = 9001",
        );
        let new = server.url("hostile_copy");
        let made = cividb(
            folder.path(),
            &[
                "repair", "rebuild", &url, "--into", &new, "--format", "json", "--apply", "--yes",
            ],
        );
        let report = json(&made)["rebuild"].clone();
        assert_eq!(
            report["whole"],
            true,
            "{at}: {} {report}",
            text(&made.stderr)
        );
        assert_eq!(counted(server, "hostile_copy", &groups), (all, 0), "{at}");
        let mut copy = server.writer("hostile_copy");
        let of_groups = |rows: BTreeSet<String>| -> BTreeSet<String> {
            let names = groups.iter().flat_map(|group| &group[..2]);
            let tables: BTreeSet<String> = names.map(|name| format!(", {name:?}, ")).collect();
            let is_of = |row: &String| tables.iter().any(|table| row.contains(table.as_str()));
            rows.into_iter().filter(is_of).collect()
        };
        assert_eq!(of_groups(described(&mut copy)), of_groups(before), "{at}");
        let triggers = "SELECT TRIGGER_NAME, EVENT_OBJECT_TABLE, ACTION_STATEMENT FROM information_schema.TRIGGERS
            WHERE TRIGGER_SCHEMA = DATABASE() ORDER BY 1, 2";
        let copied: Vec<(String, String, String)> = copy.query(triggers).expect("an answer");
        let there: Vec<(String, String, String)> = writer.query(triggers).expect("an answer");
        assert_eq!(copied, there, "{at}");
        for database in [database, "hostile_copy"] {
            server.run(None, &format!("DROP DATABASE {database}"));
        }
    }
}

#[test]
fn foreign_keys_of_any_name_get_their_own_and_undo_gives_them_back() {
    for server in servers() {
        let at = server.name.as_str();
        let database = "hostile_keys";
        server.load(database, &common::sample());
        let mut writer = server.writer(database);
        let sound = described(&mut writer);
        let mut run = |sql: &str| {
            let ran = writer.query_drop(sql);
            ran.unwrap_or_else(|error| panic!("{at}: {error}: {sql}"));
        };
        run("SET SESSION foreign_key_checks = 0");
        if server.is_mysql() {
            run("SET SESSION restrict_fk_on_non_standard_key = OFF");
        }
        let mut names = hostile::names()
            .into_iter()
            .rev()
            .filter(|name| is_taken(name));
        let schema = common::snapshot_of(&common::sample()).schema;
        let mut renamed = 0;
        // Nobody says what foreign keys of custom data are to be called.
        let tables = schema.tables.iter();
        let tables = tables.filter(|(name, _)| !name.starts_with("civicrm_value"));
        let one_of = common::every(of_slow(server, 3));
        for (table, definition) in tables.step_by(one_of) {
            let mut actions = Vec::new();
            for (name, key) in &definition.foreign_keys {
                let other = names.next().expect("there are enough");
                actions.push(format!("DROP FOREIGN KEY {}", identifier(name)));
                actions.push(format!(
                    "ADD CONSTRAINT {} FOREIGN KEY ({}) REFERENCES {} ({}) ON DELETE {}",
                    identifier(&other),
                    identifier(&key.columns[0]),
                    identifier(&key.referenced_table),
                    identifier(&key.referenced_columns[0]),
                    key.on_delete.as_sql()
                ));
            }
            renamed += actions.len() / 2;
            if !actions.is_empty() {
                run(&format!(
                    "ALTER TABLE {} {}",
                    identifier(table),
                    actions.join(", ")
                ));
            }
        }
        assert!(renamed > 100 / one_of, "{at}: {renamed} keys");
        let damaged = described(&mut writer);
        let url = server.url(database);
        let folder = tempfile::tempdir_in("/dev/shm").expect("a folder");
        let repair = [
            "repair",
            "fk-names",
            &url,
            "--apply",
            "--yes",
            "--journal",
            "j",
        ];
        let done = cividb(folder.path(), &repair);
        assert_eq!(done.status.code(), Some(0), "{at}: {}", text(&done.stderr));
        assert_is(&mut writer, &sound, at);
        let undone = cividb(folder.path(), &["undo", "j", &url, "--apply", "--yes"]);
        assert_eq!(
            undone.status.code(),
            Some(0),
            "{at}: {}",
            text(&undone.stderr)
        );
        assert_is(&mut writer, &damaged, at);
        server.run(None, &format!("DROP DATABASE {database}"));
    }
}

#[test]
fn what_is_granted_is_what_is_meant() {
    for server in servers() {
        let at = server.name.as_str();
        let version = server.connect().version.clone();
        let mut writer = server.writer("mysql");
        let account = Grantee::new("hostile_grants", "localhost");
        writer
            .query_drop(format!("CREATE USER {account}"))
            .expect("an account");
        let (mut given, mut refused) = (BTreeSet::new(), 0);
        for name in hostile::names() {
            // No database has a name that ends in white space.
            let mut is_given = !hostile::is_unstorable(&name) && !name.ends_with(' ');
            for statement in grants(&name, account.clone(), &version) {
                is_given &= match statement {
                    Ok(statement) if is_given && !statement.contains("*.*") => {
                        writer.query_drop(&statement).is_ok()
                    }
                    statement => statement.is_ok(),
                };
            }
            match is_given {
                true => assert!(given.insert(name)),
                false => refused += 1,
            }
        }
        let stored: Vec<String> = writer
            .query("SELECT Db FROM mysql.db WHERE User = 'hostile_grants'")
            .expect("an answer");
        let plain = |pattern: String| {
            pattern
                .replace("\\_", "_")
                .replace("\\%", "%")
                .replace("\\\\", "\\")
        };
        let stored: BTreeSet<String> = stored.into_iter().map(plain).collect();
        let missing: Vec<_> = given.difference(&stored).take(5).collect();
        let unexpected: Vec<_> = stored.difference(&given).take(5).collect();
        assert!(
            missing.is_empty() && unexpected.is_empty(),
            "{at}: {missing:?} {unexpected:?}"
        );
        assert_eq!(given.len() + refused, hostile::COUNT);
        assert!(given.len() > 1200, "{at}: {refused} were refused");
        writer
            .query_drop(format!("DROP USER {account}"))
            .expect("it goes");
    }
}

/// Reads the rows of the only table of a database, as a comparison of contents does.
fn rows_are_read(reader: &mut Reader, name: &str) {
    let snapshot = read(reader, name, ReadOptions::default());
    let snapshot = snapshot.unwrap_or_else(|error| panic!("{name:?}: {error}"));
    let pass = DigestPass {
        hashes: Hashes::random(),
        only: None,
    };
    let passed = contents::server::read(reader, &snapshot.schema, &pass, &mut |_| {});
    let passed = passed.unwrap_or_else(|error| panic!("{name:?}: {error}"));
    assert!(passed.unread.is_empty(), "{name:?}: {:?}", passed.unread);
    let rows = passed.tables.values().map(|(_, digest)| digest.rows);
    assert_eq!(rows.collect::<Vec<_>>(), [1], "{name:?}");
}

#[test]
fn tables_and_databases_that_are_asked_for_are_those_that_are_meant() {
    for server in servers() {
        let at = server.name.as_str();
        let mut writer = made_anew(server, "hostile_asked");
        let mut reader = server.connect();
        reader.use_database("hostile_asked").expect("it is there");
        let (mut asked, mut blocked) = (0, 0);
        for name in hostile::names() {
            let of_table = show_create_table(&mut reader, &name);
            let of_database = reader.use_database(&name);
            match (of_table, of_database) {
                (Err(ServerError::Blocked(_)), Err(ServerError::Blocked(_))) => {
                    assert!(hostile::is_unstorable(&name), "{at}: {name:?}");
                    blocked += 1;
                }
                // Not a syntax error: there is no such table, or no table can be called so.
                (Err(table), Err(database)) => {
                    let codes = [Some(1146), Some(1103), Some(1059), Some(1300), Some(3854)];
                    assert!(codes.contains(&table.code()), "{at}: {name:?}: {table}");
                    let is_named = match &database {
                        ServerError::UnknownDatabase { database, .. } => *database == name,
                        other => [Some(1102), Some(1059), Some(1300)].contains(&other.code()),
                    };
                    assert!(is_named, "{at}: {name:?}: {database}");
                    asked += 1;
                }
                (table, database) => panic!("{at}: {name:?}: {table:?} {database:?}"),
            }
        }
        assert_eq!(asked + blocked, hostile::COUNT);
        // Those that can be made are made, read, locked against others and gone from.
        let (mut made, mut compared) = (0, 0);
        let names = hostile::names();
        let databases = names.iter().filter(|name| is_taken_for_table(name));
        let one_of = common::every(2);
        for name in databases.step_by(20 * one_of) {
            let quoted = identifier(name);
            if writer
                .query_drop(format!("CREATE DATABASE {quoted}"))
                .is_err()
            {
                continue;
            }
            reader
                .use_database(name)
                .unwrap_or_else(|error| panic!("{at}: {name:?}: {error}"));
            assert!(reader.is_in(name).expect("an answer"), "{at}: {name:?}");
            let table =
                format!("CREATE TABLE {quoted}.{quoted} ({quoted} int) SELECT 7 AS {quoted}");
            if writer.query_drop(table).is_ok() {
                compared += 1;
                rows_are_read(&mut reader, name);
            }
            let mut tell = |_: &str| {};
            let executor = Executor::new(reader, name, Duration::MAX, &mut tell);
            let executor = executor.unwrap_or_else(|error| panic!("{at}: {name:?}: {error}"));
            reader = executor.finish().expect("a connection");
            writer
                .query_drop(format!("DROP DATABASE {quoted}"))
                .expect("it goes");
            made += 1;
        }
        assert!(made > 40 / one_of, "{at}: {made} databases");
        assert!(compared > 30 / one_of, "{at}: {compared} tables");
        server.run(None, "DROP DATABASE hostile_asked");
    }
}

#[test]
fn versions_are_set_and_taken_back_whatever_they_were() {
    for server in servers() {
        let at = server.name.as_str();
        let mut writer = made_anew(server, "hostile_versions");
        writer.query_drop("CREATE TABLE civicrm_domain (id INT PRIMARY KEY, version VARCHAR(64)) CHARACTER SET utf8mb4")
            .expect("a table");
        writer
            .query_drop("INSERT INTO civicrm_domain VALUES (1, ''), (2, 'x')")
            .expect("rows");
        for from in some(hostile::names(), 12) {
            writer
                .exec_drop(
                    "UPDATE civicrm_domain SET version = ? WHERE id = 1",
                    (&from,),
                )
                .expect("a value");
            let change = VersionChange {
                domain: 1,
                from: Some(from.clone().into_bytes()),
                to: "5.81.2".to_owned(),
            };
            let mut version = |statement: String| {
                writer
                    .query_drop(&statement)
                    .unwrap_or_else(|error| panic!("{at}: {error}: {statement}"));
                assert_eq!(writer.affected_rows(), 1, "{at}: {statement}");
                let all: Vec<String> = writer
                    .query("SELECT version FROM civicrm_domain ORDER BY id")
                    .expect("an answer");
                all
            };
            assert_eq!(version(change.statement()), ["5.81.2", "x"], "{at}");
            assert_eq!(version(change.inverse()), [from.as_str(), "x"], "{at}");
        }
        server.run(None, "DROP DATABASE hostile_versions");
    }
}

#[test]
fn the_triggers_of_the_core_are_what_is_meant() {
    let mut made = 0;
    for name in hostile::names() {
        let group = CustomGroup {
            id: Some(1),
            fields: None,
            table: name.clone(),
            extends: "Contact".to_owned(),
            is_multiple: false,
            is_active: true,
        };
        let site = Site {
            domains: Some(Vec::new()),
            custom_groups: vec![group],
            logging: Some(false),
            triggers_by_hand: false,
            extensions: None,
            upgrade_steps: Vec::new(),
        };
        let wanted = ExpectedTrigger {
            name: format!("{name}_after_insert"),
            table: name.clone(),
            timing: TriggerTiming::After,
            event: TriggerEvent::Insert,
            reason: String::new(),
            purposes: Vec::new(),
        };
        let Some(text) = program_text::trigger(&site, &Schema::default(), &wanted) else {
            continue;
        };
        let parsed = ddl::parse(&text, SqlModes::default());
        let Ok(Statement::CreateTrigger(create)) = parsed else {
            panic!("{name:?}: {parsed:?}");
        };
        assert_eq!((create.name.name, create.object.table), (wanted.name, name));
        made += 1;
    }
    assert_eq!(made, hostile::COUNT);
}

#[test]
fn what_is_taken_out_of_a_dump_is_what_is_meant() {
    let folder = tempfile::tempdir().expect("a folder");
    let names: Vec<String> = hostile::names()
        .into_iter()
        .filter(|name| is_taken(name))
        .collect();
    let mut made = 0;
    for pair in names.windows(2).step_by(common::every(25)) {
        let [old, new] = pair else { continue };
        let q = identifier(old);
        let dump = format!(
            "CREATE DATABASE {q};\nUSE {q};\nCREATE TABLE {q} ({q} int NOT NULL, `made` int GENERATED ALWAYS AS (1) \
             STORED, PRIMARY KEY ({q}));\nINSERT INTO {q} VALUES (1,2);\nDELIMITER ;;\nCREATE DEFINER={q}@`h` TRIGGER \
             {q} BEFORE INSERT ON {q} FOR EACH ROW BEGIN END ;;\nDELIMITER ;\n"
        );
        std::fs::write(folder.path().join("d.sql"), dump).expect("written");
        let who = format!("{}@h", identifier(new));
        let arguments = [
            "extract",
            "d.sql",
            "--for",
            "mysql-8.4",
            "--database",
            new,
            "--definers",
            &who,
            "--into",
            "out.sql",
        ];
        let output = Command::new(env!("CARGO_BIN_EXE_cividb"))
            .args(arguments)
            .current_dir(folder.path())
            .output()
            .expect("cividb runs");
        if output.status.code() == Some(2) {
            continue;
        }
        let text = std::fs::read(folder.path().join("out.sql"));
        let text =
            text.unwrap_or_else(|error| panic!("{old:?}: {error}: {}", text_of_error(&output)));
        let snapshot = common::snapshot_of(&text);
        assert_eq!(snapshot.database.as_ref(), Some(new), "{old:?}");
        let tables: Vec<&String> = snapshot.schema.tables.keys().collect();
        assert_eq!(tables, [old], "{old:?} {new:?}");
        let (name, trigger) = snapshot.schema.triggers.first().expect("a trigger");
        assert_eq!((name, &trigger.table), (old, old));
        let definer = trigger.definer.as_ref().expect("a definer");
        assert_eq!(
            (&definer.user, definer.host.as_str()),
            (new, "h"),
            "{old:?}"
        );
        std::fs::remove_file(folder.path().join("out.sql")).expect("removed");
        made += 1;
    }
    assert!(made > 30, "{made}");
}

fn text_of_error(output: &std::process::Output) -> String {
    text(&output.stderr)
}

#[test]
fn tables_of_all_names_are_rehearsed_as_is_meant() {
    let names = hostile::names();
    let names = names.iter().filter(|name| is_taken_for_table(name));
    let mut dump = String::from("SET NAMES utf8mb4;\nSET foreign_key_checks = 0;\n");
    for (number, name) in names.step_by(40).enumerate() {
        let (q, value) = (identifier(name), cividb::schema::sql::string(name));
        dump += &format!(
            "CREATE TABLE {q} ({q} varchar(64) NOT NULL, `id` int PRIMARY KEY AUTO_INCREMENT) CHARSET=utf8mb4;\n\
             INSERT INTO {q} VALUES ({value},1);\nCREATE VIEW `view {number}` AS SELECT {q} FROM {q};\n\
             CREATE DEFINER={q}@localhost TRIGGER `trigger {number}` BEFORE INSERT ON {q} FOR EACH ROW SET NEW.{q} = 'x';\n"
        );
    }
    dump += "-- Dump completed\n";
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("d.sql"), dump).expect("written");
    let arguments = [
        "rehearse",
        "d.sql",
        "--no-civicrm",
        "--format",
        "json",
        "--on",
        "mariadb-10.11",
    ];
    let report = json(&cividb(folder.path(), &arguments));
    let rehearsal = &report["rehearsal"];
    assert_eq!(
        rehearsal["failures"],
        serde_json::json!([]),
        "{rehearsal:#}"
    );
    assert!(
        rehearsal["triggers_fired"].as_u64() > Some(30),
        "{rehearsal:#}"
    );
    assert_eq!(rehearsal["triggers_fired"], rehearsal["views_read"]);
}

/// Tables, views, triggers, functions, foreign keys and the databases beside the site's have hostile names.
#[test]
fn what_is_rolled_back_with_all_names_is_what_is_meant() {
    let Some(server) = server::installed() else {
        return;
    };
    let site = SharedSite::new(server, "hostile_rollback");
    let names = hostile::names();
    let names = names.iter().filter(|name| is_taken_for_table(name));
    // What is named like CiviCRM's tables and not known is CiviCRM's with --unknown keep.
    let named = |name: &String| format!("civicrm_{}", name.chars().take(50).collect::<String>());
    let names: Vec<String> = names.step_by(60).map(named).collect();
    assert!(names.len() > 15);
    let objects = |value: u8| {
        let mut all = Vec::new();
        for (number, name) in names.iter().enumerate() {
            let short: String = name.chars().take(50).collect();
            let (q, program) = (identifier(name), identifier(&format!("p{number}{short}")));
            let view = identifier(&format!("v{number}{short}"));
            all.extend([
                format!(
                    "CREATE TABLE {q} ({q} int NOT NULL, `id` int PRIMARY KEY, KEY {q} ({q})) ENGINE=InnoDB"
                ),
                format!("INSERT INTO {q} VALUES ({value},1)"),
                format!("CREATE VIEW {view} AS SELECT {q} FROM {q}"),
                format!("CREATE FUNCTION {program}() RETURNS int DETERMINISTIC RETURN {value}"),
                format!(
                    "CREATE TRIGGER {program} BEFORE INSERT ON {q} FOR EACH ROW SET NEW.{q} = {program}()"
                ),
            ]);
        }
        all
    };
    let path = site.folder.path().join("backup.sql");
    let backup = fs::read(&path).expect("the backup");
    let end = memchr::memmem::rfind(&backup, b"/*!40103 SET TIME_ZONE=@OLD").expect("its end");
    let backup = [
        &backup[..end],
        (objects(7).join(";\n") + ";\n").as_bytes(),
        &backup[end..],
    ]
    .concat();
    fs::write(&path, backup).expect("it is written");
    let (first, constraint) = (identifier(&names[0]), identifier(&names[1]));
    let key = format!(
        "ALTER TABLE d10_node ADD COLUMN ref int, ADD CONSTRAINT {constraint} FOREIGN KEY (ref) REFERENCES {first} (id)"
    );
    // Not by a client, which takes a carriage return out of a name.
    let mut writer = server.writer(&site.database);
    for sql in objects(3).into_iter().chain([key]) {
        writer.query_drop(sql).expect("it is made");
    }
    let before = site.now();
    let (beside, aside) = (names[2].as_str(), names[3].as_str());
    for database in [beside, aside] {
        server.run(
            None,
            &format!("DROP DATABASE IF EXISTS {}", identifier(database)),
        );
    }
    let apply = || {
        let url = site.url();
        let applied = site.run(&[
            "rollback",
            "backup.sql",
            &url,
            "--apply",
            "--yes",
            "--journal",
            "j",
            "--unknown",
            "keep",
            "--definers",
            "current",
            "--with-references",
            "--beside",
            beside,
            "--set-aside",
            aside,
        ]);
        assert_eq!(applied.status.code(), Some(0), "{}", text(&applied.stderr));
    };
    apply();
    for name in &names {
        let q = identifier(name);
        writer
            .query_drop(format!("INSERT INTO {q} VALUES (1, 2)"))
            .expect("its trigger fires");
        let sql = format!("SELECT GROUP_CONCAT({q}) FROM {q}");
        let values: Option<String> = writer.query_first(sql).expect("the rows");
        assert_eq!(values.as_deref(), Some("7,7"), "{name:?}");
    }
    let orphan = server.try_run(Some(&site.database), "UPDATE d10_node SET ref = 987654");
    assert!(orphan.is_err(), "the key of the CMS is in force");
    site.undo();
    site.holds(&before, "undone");
    let url = site.url();
    let finish = [
        "rollback",
        "--finish",
        &url,
        "--set-aside",
        aside,
        "--apply",
        "--yes",
    ];
    let finished = site.run(&finish);
    assert_eq!(
        finished.status.code(),
        Some(0),
        "{}",
        text(&finished.stderr)
    );
    let left = "SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME IN";
    let quoted = [beside, aside].map(cividb::schema::sql::string).join(", ");
    assert_eq!(server.run(None, &format!("{left} ({quoted})")).trim(), "0");
    site.remove();
}
