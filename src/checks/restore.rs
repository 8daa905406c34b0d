//! What a restore of the dump would stop at or change.

use std::collections::HashMap;

use indexmap::{IndexMap, IndexSet};

use super::objects;
use super::{Check, Examination, Finding, Findings, Group, Lack, Need, Rule, Severity};
use crate::dialect;
use crate::schema::charset;
use crate::schema::model::{ByName, Table, find};
use crate::schema::references::User;
use crate::server_version::{Family, ServerVersion};
use crate::snapshot::{At, DumpFacts, WithoutCollation};
use crate::text;

/// The checks of this file.
pub(super) const CHECKS: &[&Check] = &[
    &RESTORE_KEY_ORDER,
    &RESTORE_CONFLICT,
    &RESTORE_DEFINITION,
    &RESTORE_COLUMN_COUNT,
    &RESTORE_TRIGGER_ORDER,
    &RESTORE_GTID,
    &RESTORE_COLLATION,
    &RESTORE_SQL_MODE,
    &RESTORE_OTHER_DATABASE,
    &RESTORE_SANDBOX_LINE,
    &RESTORE_GENERATED_COLUMN,
    &RESTORE_PACKET,
];

pub(crate) static RESTORE_KEY_ORDER: Check = Check {
    id: "restore-key-order",
    severity: Severity::Error,
    title: "foreign keys are checked while their parent tables do not exist yet",
    why: "The restore stops with error 1005 or 1824.",
    fix: "Restore with foreign_key_checks=0 (mysql --init-command='SET SESSION foreign_key_checks=0'), or \
            make the backup without --compact.",
    example: "table civicrm_email is made before its parent civicrm_contact while foreign keys are checked",
    source: "mysqldump --compact leaves FOREIGN_KEY_CHECKS=0 out",
    rules: &[Rule::new(
        Group::Restore,
        &[Need::Dump, Need::Beginning],
        key_order,
    )],
};

pub(crate) static RESTORE_CONFLICT: Check = Check {
    id: "restore-conflict",
    severity: Severity::Error,
    title: "the server would refuse a statement because of those before it",
    why: "The restore stops there, for instance at a trigger that exists already (1359).",
    fix: "Make the backup again in one piece; where a statement stands there twice, take one of the two out.",
    example: "the server refuses a statement: the table civicrm_worldregion exists already",
    source: "measured on MariaDB 10.11",
    rules: &[Rule::new(Group::Restore, &[Need::Dump], conflicts)],
};

pub(crate) static RESTORE_DEFINITION: Check = Check {
    id: "restore-definition",
    severity: Severity::Error,
    title: "a table is defined as no server takes it",
    why: "The restore stops at its CREATE TABLE or ALTER TABLE, with the error that the finding names.",
    fix: "Make the backup again: a part of the definition is lost or was changed.",
    example: "table civicrm_worldregion: key UI_name is on the column label, which the table does not have (error 1072)",
    source: "measured on MariaDB 10.11 and MySQL 9.7",
    rules: &[Rule::new(Group::Restore, &[Need::Dump], definitions)],
};

pub(crate) static RESTORE_COLUMN_COUNT: Check = Check {
    id: "restore-column-count",
    severity: Severity::Error,
    title: "rows have a different number of values than their table has columns",
    why: "The restore stops there with error 1136.",
    fix: "Make the backup with column names in its INSERTs (mysqldump --complete-insert, phpMyAdmin's \
            default).",
    example: "rows of civicrm_worldregion have 3 values for 2 columns",
    source: "phpMyAdmin leaves generated columns out of INSERTs without column names",
    rules: &[Rule::new(Group::Restore, &[Need::Dump], column_counts)],
};

pub(crate) static RESTORE_TRIGGER_ORDER: Check = Check {
    id: "restore-trigger-order",
    severity: Severity::Error,
    title: "triggers are made before the rows of their table",
    why: "They fire for every row restored: the restore stops with error 1442 or changes dates.",
    fix: "Restore the rows before the triggers: dump the structure with --skip-triggers, and the triggers \
            last.",
    example: "trigger civicrm_email_after_insert is made before the rows of civicrm_email and fires for each of \
            them",
    source: "a dump of the structure with triggers, followed by one of the rows",
    rules: &[Rule::new(Group::Restore, &[Need::Dump], trigger_order)],
};

pub(crate) static RESTORE_GTID: Check = Check {
    id: "restore-gtid",
    severity: Severity::Warning,
    title: "the dump sets GTID_PURGED",
    why: "MariaDB does not know the variable (1193); MySQL refuses it where the GTIDs overlap (3546).",
    fix: "Make the backup with --set-gtid-purged=OFF, or take that statement out before restoring.",
    example: "the dump sets GTID_PURGED, which a server that has those GTIDs refuses",
    source: "mysqldump 8 and 9 with GTIDs on, unless --set-gtid-purged=OFF or COMMENTED",
    rules: &[Rule::new(Group::Restore, &[Need::Dump], gtid)],
};

pub(crate) static RESTORE_COLLATION: Check = Check {
    id: "restore-collation",
    severity: Severity::Error,
    title: "the target server does not know a collation or character set",
    why: "The restore stops with error 1273 or 1115.",
    fix: "Restore on a server that knows it, or replace it in the dump by one that both know, such as \
            utf8mb4_unicode_ci.",
    example: "MySQL 5.7.37 does not know utf8mb4_0900_ai_ci",
    source: "measured on MariaDB 10.5 to 11.8 and MySQL 9.7",
    rules: &[
        Rule::new(
            Group::Restore,
            &[Need::Dump, Need::TargetServer],
            collations,
        ),
        Rule::new(
            Group::Restore,
            &[Need::Dump, Need::TargetServer],
            default_collations,
        ),
    ],
};

pub(crate) static RESTORE_SQL_MODE: Check = Check {
    id: "restore-sql-mode",
    severity: Severity::Error,
    title: "sql_mode values that the target server refuses, or under which a trigger does not parse",
    why: "The restore stops with error 1231 or 1064 before the trigger or routine.",
    fix: "Take the flag out of the dump's SET sql_mode statements before restoring.",
    example: "MySQL 8.0.36 refuses sql_mode NO_AUTO_CREATE_USER",
    source: "measured: MySQL 8 and later refuse NO_AUTO_CREATE_USER",
    rules: &[
        Rule::new(Group::Restore, &[Need::Dump], quoting),
        Rule::new(Group::Restore, &[Need::Dump, Need::TargetServer], sql_modes),
    ],
};

pub(crate) static RESTORE_OTHER_DATABASE: Check = Check {
    id: "restore-other-database",
    severity: Severity::Warning,
    title: "the dump names the database it goes into",
    why: "Loading it into another database overwrites the one it names.",
    fix: "Restore the dump only where that database may be overwritten, or take those lines out first.",
    example: "the dump chooses its database itself: USE civicrm",
    source: "mysqldump --databases, Adminer",
    rules: &[
        Rule::new(Group::Restore, &[Need::Dump], other_database),
        Rule::new(Group::Restore, &[Need::Dump], database_in_programs),
        Rule::new(Group::Restore, &[Need::Dump], database_in_names),
        Rule::new(Group::Restore, &[Need::Dump], foreign_databases),
    ],
};

pub(crate) static RESTORE_SANDBOX_LINE: Check = Check {
    id: "restore-sandbox-line",
    severity: Severity::Note,
    title: "the first line is MariaDB's sandbox mark",
    why: "Clients of MariaDB from before May 2024 stop at it.",
    fix: "Delete the first line before restoring with an older client (tail -n +2).",
    example: "the first line is MariaDB's sandbox mark: its clients from before May 2024 stop at it",
    source: "MDEV-21178, mariadb-dump 10.5.25, 10.6.18, 10.11.8, 11.4.2 and later",
    rules: &[Rule::new(Group::Restore, &[Need::Dump], sandbox_mark)],
};

/// Rows give values for a generated column.
pub static RESTORE_GENERATED_COLUMN: Check = Check {
    id: "restore-generated-column",
    severity: Severity::Error,
    title: "rows give values for a generated column",
    why: "MySQL refuses them: the restore stops with error 3105. MariaDB ignores the values.",
    fix: "Make the backup with the mysqldump of the server itself, which leaves generated columns out.",
    example: "rows give values for the generated column full_name of civicrm_worldregion, which MySQL 5.7.37 refuses",
    source: "mariadb-dump and older programs write the values of MySQL's generated columns",
    rules: &[Rule::new(
        Group::Restore,
        &[Need::Dump, Need::TargetServer],
        generated_columns,
    )],
};

/// A statement is larger than the server takes by default.
pub static RESTORE_PACKET: Check = Check {
    id: "restore-packet",
    severity: Severity::Warning,
    title: "a statement is larger than the server takes by default",
    why: "The server takes it only with a larger max_allowed_packet: the restore stops with error 2006 or 1153.",
    fix: "Set max_allowed_packet above the size of the statement before restoring, on the server and for the client.",
    example: "a statement of 17.0 MiB for civicrm_worldregion: without a larger max_allowed_packet the server takes \
            at most 16 MiB (the default of MariaDB)",
    source: "defaults of max_allowed_packet: MySQL 5.5 1 MiB, 5.6 and 5.7 4 MiB, 8.0 and later 64 MiB; MariaDB \
            10.2 and later 16 MiB",
    rules: &[Rule::new(Group::Restore, &[Need::Dump], large_statements)],
};

fn dump<'a>(examined: &Examination<'a, '_>) -> Option<&'a DumpFacts> {
    examined.snapshot().dump.as_ref()
}

/// Adds a finding for names in double quotes where the `sql_mode` in force takes them for text.
fn quoting(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    for (at, what) in dump(examined).iter().flat_map(|dump| &dump.quoted_wrongly) {
        findings.push(
            Finding::new(
                check,
                format!("'{what} …' has names in double quotes, and the sql_mode in force has no ANSI_QUOTES (or the other way round)"),
                "Make the backup without --compatible=ansi, or set sql_mode before that statement.",
            )
            .at(at),
        );
    }
}

/// The finding about rows in files of their own: a restore in the order that the programs suggest loses rows.
fn rows_apart(check: &'static Check) -> Finding {
    Finding::new(
        check,
        "mysqldump --tab leaves foreign keys checked, and makes triggers before the rows: mysql and then mysqlimport \
         leave out rows whose parents come later, and fire the triggers for each row",
        "Load it in one session, in its folder: { echo \"SET foreign_key_checks=0, unique_checks=0, \
         sql_mode='NO_AUTO_VALUE_ON_ZERO', time_zone='+00:00';\"; for f in *.sql; do sed '/^-- Dump completed/q' \"$f\"; \
         done; for f in *.txt; do echo \"LOAD DATA LOCAL INFILE '$f' INTO TABLE \\`${f%.txt}\\` CHARACTER SET utf8mb4;\"; \
         done; for f in *.sql; do sed '1,/^-- Dump completed/d' \"$f\"; done; } | mysql --local-infile=1 DATABASE",
    )
    .severity(Severity::Warning)
}

fn key_order(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let Some(dump) = dump(examined) else { return };
    if dump.rows_apart {
        findings.push(rows_apart(check));
    }
    let mut by_table: IndexMap<&str, Vec<&str>> = IndexMap::new();
    for key in &dump.keys_before_parent {
        by_table.entry(&key.table).or_default().push(&key.parent);
    }
    let (Some((table, parents)), Some(first)) = (by_table.first(), dump.keys_before_parent.first())
    else {
        return;
    };
    let mut others: Vec<&str> = by_table.keys().skip(1).copied().take(4).collect();
    match by_table.len() - 1 {
        0 => {}
        more if more > others.len() => others.push("…"),
        _ => {}
    }
    let others = match by_table.len() - 1 {
        0 => String::new(),
        more => format!(", and {more} more tables like it ({})", others.join(", ")),
    };
    findings.push(
        Finding::new(
            check,
            format!(
                "table {table} is made before its parent {} while foreign keys are checked{others}",
                parents.join(", ")
            ),
            check.fix,
        )
        .about("table", *table)
        .sides("SET FOREIGN_KEY_CHECKS=0 at the start", "none")
        .at(&first.at),
    );
}

/// Adds a finding for each statement that the server refuses because of what the dump did before.
fn conflicts(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let Some(dump) = dump(examined) else { return };
    for (at, reason) in &dump.conflicts {
        let message = format!("the server refuses a statement: {reason}");
        findings.push(Finding::new(check, message, check.fix).at(at));
    }
}

/// Adds a finding for each part of the definition of a table that every server refuses, once all statements have run.
fn definitions(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let tables = &examined.snapshot().schema.tables;
    let mut owners: HashMap<String, &str> = HashMap::new();
    auto_increment_without_key(check, tables, findings);
    for (name, table) in tables {
        for why in refused(table, tables) {
            let message = format!("table {name}: {why}");
            findings.push(Finding::new(check, message, check.fix).about("table", name));
        }
        for constraint in table.foreign_keys.keys() {
            let Some(other) = owners.insert(constraint.to_lowercase(), name) else {
                continue;
            };
            let message = format!(
                "table {name}: its foreign key has the name {constraint}, as one of {other} has (error 1005 or 1826)"
            );
            let fix = "Make the backup again in one piece, of one database; a name of a foreign key is there once.";
            findings.push(Finding::new(check, message, fix).about("table", name));
        }
    }
}

/// Adds one finding for the tables that have a column with AUTO_INCREMENT and no key on it: where a program leaves all keys out,
/// these are all tables.
fn auto_increment_without_key(
    check: &'static Check,
    tables: &ByName<Table>,
    findings: &mut Findings,
) {
    let mut without_key = tables.iter().filter_map(|(name, table)| {
        let (column, _) = table
            .columns
            .iter()
            .find(|(_, column)| column.auto_increment)?;
        let keys = table.indexes.values().map(|index| &index.parts);
        let mut parts = keys.chain([&table.primary_key]).flatten();
        let is_in_key = parts.any(|part| part.column.eq_ignore_ascii_case(column));
        (!is_in_key).then_some((name, column))
    });
    let Some((name, column)) = without_key.next() else {
        return;
    };
    let others = match without_key.count() {
        0 => String::new(),
        more => format!(", and {} like it", text::count(more as u64, "more table")),
    };
    let message = format!(
        "table {name}: the column {column} has AUTO_INCREMENT, and no key is on it (error 1075){others}"
    );
    findings.push(Finding::new(check, message, check.fix).about("table", name));
}

/// The parts of a table's definition that every server refuses, each as a sentence.
fn refused(table: &Table, tables: &ByName<Table>) -> Vec<String> {
    let mut refused = Vec::new();
    let lacks = |column: &str| find(&table.columns, column).is_none();
    let primary = [("the primary key".to_owned(), &table.primary_key)];
    let indexes = table.indexes.iter();
    let indexes = indexes.map(|(name, index)| (format!("key {name}"), &index.parts));
    for (key, parts) in primary.into_iter().chain(indexes) {
        // An expression stands in parentheses.
        let mut columns = parts.iter().map(|part| part.column.as_str());
        if let Some(column) = columns.find(|column| !column.starts_with('(') && lacks(column)) {
            refused.push(format!(
                "{key} is on the column {column}, which the table does not have (error 1072)"
            ));
        }
    }
    for (name, key) in &table.foreign_keys {
        if let Some(column) = key.columns.iter().find(|column| lacks(column)) {
            refused.push(format!(
                "foreign key {name} is on the column {column}, which the table does not have (error 1072)"
            ));
        }
        let parent = find(tables, &key.referenced_table);
        let parent = parent.filter(|_| key.referenced_database.is_none());
        let mut columns = key.referenced_columns.iter();
        if let Some(parent) = parent
            && let Some(column) = columns.find(|column| find(&parent.columns, column).is_none())
        {
            let parent = &key.referenced_table;
            refused.push(format!(
                "foreign key {name} refers to {parent}.{column}, which is not there (error 1005 or 3734)"
            ));
        }
    }
    refused
}

fn column_counts(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let Some(dump) = dump(examined) else { return };
    for (at, table, columns, values) in &dump.wrong_column_counts {
        let message = format!("rows of {table} have {values} values for {columns} columns");
        let finding = Finding::new(check, message, check.fix).about("table", table);
        let finding = finding.sides(columns.to_string(), values.to_string());
        findings.push(finding.at(at));
    }
    for uneven in &dump.uneven_inserts {
        let (table, columns) = (&uneven.table, uneven.columns);
        let wanted = uneven.rows * columns as u64;
        let message = format!(
            "the {} of an INSERT into {table} have {} values in all, and {columns} columns want {}: some rows are damaged, or \
             text between them is lost",
            text::count(uneven.rows, "row"),
            text::thousands(uneven.values),
            text::thousands(wanted)
        );
        let fix = "Fetch the file again from where it was made; if it is the same there, make the backup again.";
        let finding = Finding::new(check, message, fix).about("table", table);
        let finding = finding.sides(wanted.to_string(), uneven.values.to_string());
        findings.push(finding.at(&uneven.at));
    }
    for table in &dump.uncounted_rows {
        let why =
            format!("the first row of an INSERT into {table} is too long to count its values");
        findings.skip(check, Lack::of_course(why));
    }
}

fn trigger_order(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let Some(dump) = dump(examined) else { return };
    for (at, trigger, table) in &dump.triggers_before_rows {
        let message = format!(
            "trigger {trigger} is made before the rows of {table} and fires for each of them"
        );
        let fix = "Restore the rows before the triggers: dump the structure with --skip-triggers, and the \
                   triggers last (--triggers --no-create-info --no-data).";
        let finding = Finding::new(check, message, fix).about("trigger", trigger);
        findings.push(finding.of_table(table).at(at));
    }
}

/// Adds a finding for views and stored programs that name the database they came from: they read
/// and write that one wherever they are restored.
fn database_in_programs(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let Some(database) = &examined.snapshot().database else {
        return;
    };
    let users = examined.users().iter();
    let named: Vec<String> = users
        .filter(|user| {
            let uses = &user.uses;
            let names = uses
                .tables
                .iter()
                .chain(&uses.functions)
                .chain(&uses.procedures)
                .chain(uses.columns.iter().map(|(table, _)| table));
            names
                .into_iter()
                .any(|name| name.database.as_ref() == Some(database))
        })
        .map(User::describe)
        .collect();
    let Some(first) = named.first() else { return };
    let others = match named.len() - 1 {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    findings.push(Finding::new(
        check,
        format!("{first}{others} names its database, {database}"),
        "Restore into a database of that name only, or take the name out of those definitions.",
    ));
}

/// Adds a finding for each database that the dump names for objects of its own without choosing it.
fn database_in_names(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let Some(dump) = dump(examined) else { return };
    let mut by_database: IndexMap<&str, Vec<(&At, &str)>> = IndexMap::new();
    for (at, object, database) in &dump.objects_with_database {
        let objects = by_database.entry(database).or_default();
        objects.push((at, object));
    }
    for (database, objects) in by_database {
        let Some((at, first)) = objects.first() else {
            continue;
        };
        let (others, go) = match objects.len() - 1 {
            0 => (String::new(), "goes"),
            more => (format!(" and {more} more"), "go"),
        };
        findings.push(
            Finding::new(
                check,
                format!("{first}{others} {go} into {database} wherever the dump is restored: the statement names it"),
                "Restore into a database of that name only, or take the name out of those statements: \
                 elsewhere they stop the restore with error 1146, 1359 or 1435, or change that database.",
            )
            .about("database", database)
            .at(at),
        );
    }
}

/// Adds a finding for each other database that views and stored programs of the dump use.
fn foreign_databases(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let snapshot = examined.snapshot();
    let mut uses: IndexMap<String, Vec<(String, String)>> = IndexMap::new();
    for used in objects::elsewhere(examined) {
        let known = uses.entry(used.database().to_owned()).or_default();
        known.push((used.user, format!("{} {}", used.kind, used.name.name)));
    }
    for (database, used) in uses {
        if snapshot.source.databases.contains(&database) {
            continue;
        }
        let Some((user, what)) = used.first() else {
            continue;
        };
        let others = match used.len() - 1 {
            0 => String::new(),
            more => format!(" (and {more} more such uses)"),
        };
        findings.push(
            Finding::new(
                check,
                format!("{user} uses {what} of the database {database}, which is not in the dump{others}"),
                format!(
                    "Back {database} up as well. Where the dump is restored on another server, restore it there \
                     first, with the same name; else statements that fire such a trigger or call such a routine stop \
                     with error 1146 or 1305, a foreign key refuses rows with error 1452, and a view stops the restore."
                ),
            )
            .about("database", database),
        );
    }
}

fn other_database(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let Some(dump) = dump(examined) else { return };
    let Some((at, _)) = dump.database_statements.first() else {
        return;
    };
    let statements = dump.database_statements.iter();
    let statements: Vec<&str> = statements.map(|(_, text)| text.as_str()).collect();
    let mut shown = statements[..statements.len().min(4)].join("; ");
    if statements.len() > 4 {
        shown.push_str(&format!(" and {} more", statements.len() - 4));
    }
    if statements.contains(&"USE mysql") {
        shown.push_str("; USE mysql is among them, which holds the accounts of the server");
    }
    findings.push(
        Finding::new(
            check,
            format!("the dump chooses its database itself: {shown}"),
            "Restore it only where that database may be overwritten, or take those lines out first.",
        )
        .at(at),
    );
}

fn gtid(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let (Some(dump), Some(target)) = (dump(examined), examined.target_server()) else {
        return;
    };
    let Some(at) = &dump.gtid_purged else { return };
    let (severity, message) = match target.family {
        Family::Mariadb => (
            Severity::Error,
            format!("the dump sets GTID_PURGED, which {target} does not know"),
        ),
        Family::Mysql => (
            Severity::Warning,
            "the dump sets GTID_PURGED, which a server that has those GTIDs refuses".to_owned(),
        ),
    };
    let finding = Finding::new(check, message, check.fix).severity(severity);
    findings.push(finding.at(at));
}

/// The first release of each MariaDB series whose clients accept the sandbox mark.
const TAKES_SANDBOX_MARK: [(u32, u32, u32); 6] = [
    (10, 5, 25),
    (10, 6, 18),
    (10, 11, 8),
    (11, 0, 6),
    (11, 1, 5),
    (11, 2, 4),
];

fn sandbox_mark(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let (Some(dump), Some(target)) = (dump(examined), examined.target_server()) else {
        return;
    };
    let asked = examined.case.target_server.is_some();
    let Some(at) = &dump.sandbox_mark else { return };
    let (major, minor, _) = target.number;
    // MySQL's clients read the mark as a comment.
    let takes = target.family == Family::Mysql
        || (major, minor) >= (11, 4)
        || TAKES_SANDBOX_MARK
            .iter()
            .any(|since| (since.0, since.1) == (major, minor) && target.number >= *since);
    // A message of the dump program may stand before it, or another dump.
    let is_first = at.place.line == 1;
    let which = match is_first {
        true => "the first line is",
        false => "a line is",
    };
    let fix = match is_first {
        true => check.fix,
        false => "Delete that line before restoring with an older client.",
    };
    let finding = match takes {
        true if asked => return,
        true => {
            let message = format!(
                "{which} MariaDB's sandbox mark: its clients from before May 2024 stop at it"
            );
            Finding::new(check, message, fix)
        }
        false => {
            let message = format!("{which} a sandbox mark, at which the client of {target} stops");
            Finding::new(check, message, fix).severity(Severity::Error)
        }
    };
    findings.push(finding.at(at));
}

fn collations(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let (Some(dump), Some(target)) = (dump(examined), examined.target_server()) else {
        return;
    };
    for (name, at) in &dump.collations {
        // The server that wrote the dump knows what it wrote.
        let is_named = examined.case.target_server.is_some();
        // Servers from before 5.5.3 have no character of four bytes at all.
        let other = match dialect::knows_collation(target, "utf8mb4_unicode_ci") {
            true => "utf8mb4_unicode_ci",
            false => {
                "utf8_unicode_ci (utf8 for a character set), which loses emoji and other characters of four bytes"
            }
        };
        if !dialect::knows_collation(target, name) && (is_named || !name.starts_with("utf8mb3_")) {
            findings.push(
                Finding::new(
                    check,
                    format!("{target} does not know {name}"),
                    format!(
                        "Restore on a server that knows it, or replace it in the dump by one that both know, such as \
                         {other}."
                    ),
                )
                .about("collation", name)
                .at(at),
            );
        }
    }
}

fn sql_modes(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let (Some(dump), Some(target)) = (dump(examined), examined.target_server()) else {
        return;
    };
    for (flag, at) in &dump.sql_modes {
        if dialect::refuses_sql_mode(target, flag) {
            let message = format!("{target} refuses sql_mode {flag}");
            let fix =
                format!("Take {flag} out of the dump's SET sql_mode statements before restoring.");
            let finding = Finding::new(check, message, fix).about("sql_mode", flag);
            findings.push(finding.at(at));
        }
    }
}

/// The collation that a server gives a character set for which none is named.
fn default_collation(server: &ServerVersion, charset: &str) -> Option<String> {
    dialect::newer_default_collation(server, charset)
        .or_else(|| charset::default_collation(charset))
}

/// Tables that are named one by one before the rest is only counted.
const TABLES_NAMED: usize = 5;

/// Adds findings for tables and columns whose collation the dump leaves to the server, where the target chooses
/// another one than the server did that the dump came from.
fn default_collations(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let (Some(dump), Some(target)) = (dump(examined), examined.target_server()) else {
        return;
    };
    let source = examined.snapshot().source.server_version.as_ref();
    let mut changes: IndexMap<(&str, String), Vec<&WithoutCollation>> = IndexMap::new();
    for without in &dump.without_collation {
        let was = match source {
            Some(source) => default_collation(source, &without.charset),
            None => charset::default_collation(&without.charset),
        };
        let becomes = default_collation(target, &without.charset);
        if let Some(becomes) = becomes.filter(|becomes| was.as_ref() != Some(becomes)) {
            let key = (without.charset.as_str(), becomes);
            changes.entry(key).or_default().push(without);
        }
    }
    for ((charset, becomes), places) in changes {
        let mut named: IndexSet<&str> = places.iter().map(|place| place.table.as_str()).collect();
        named.sort();
        let shown: Vec<&str> = named.iter().take(TABLES_NAMED).copied().collect();
        let more = match named.len().saturating_sub(TABLES_NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let is = if named.len() == 1 { "is" } else { "are" };
        let message = format!(
            "{}{more} {is} {charset} without COLLATE: on {target} that means {becomes}, which cannot be compared with \
             other collations (error 1267 in joins)",
            shown.join(", ")
        );
        let fix = format!(
            "Name the collation in the dump (DEFAULT CHARSET={charset} COLLATE=…) as the other tables have it, or \
             convert those tables after the restore (ALTER TABLE … CONVERT TO CHARACTER SET {charset} COLLATE …)."
        );
        let mut finding = Finding::new(check, message, fix).severity(Severity::Warning);
        if let [table] = shown[..] {
            finding = finding.about("table", table);
        }
        if let Some(first) = places.first() {
            finding = finding.at(&first.at);
        }
        findings.push(finding);
    }
}

fn generated_columns(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let (Some(dump), Some(target)) = (dump(examined), examined.target_server()) else {
        return;
    };
    if target.family != Family::Mysql {
        return;
    }
    for (at, table, column) in &dump.values_for_generated {
        findings.push(
            Finding::new(
                check,
                format!("rows give values for the generated column {column} of {table}, which {target} refuses"),
                "Make the backup with MySQL's own mysqldump, which leaves generated columns out (or take the values \
                 out of the dump): the restore stops there with error 3105.",
            )
            .about("column", column)
            .of_table(table)
            .at(at),
        );
    }
}

/// What a server takes as one statement by default, in MiB, and of which servers that is the default. Where the
/// user names no server, the default of MariaDB stands for those that the dump does not name, and for old servers
/// of MySQL, which hosts mostly set so.
fn default_packet(examined: &Examination) -> (u64, &'static str) {
    let named = examined.case.target_server.as_ref();
    match examined.target_server() {
        Some(target) if target.at_least(Family::Mysql, (8, 0, 0)) => (64, "MySQL 8.0 and later"),
        Some(target) if named.is_some() && target.family == Family::Mysql => match target.number {
            (..=4, ..) | (5, ..=5, _) => (1, "MySQL 5.5"),
            _ => (4, "MySQL 5.6 and 5.7"),
        },
        _ => (16, "MariaDB"),
    }
}

/// The largest `max_allowed_packet` that a server takes, in bytes.
const MAX_PACKET: u64 = 1 << 30;

fn large_statements(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let Some(dump) = dump(examined) else { return };
    let (mebibytes, of_servers) = default_packet(examined);
    for (table, statement) in &dump.large_statements {
        // Measured on MySQL 9.7 and MariaDB 10.11 at 1 to 32 MiB: two bytes less go through, one byte less does not.
        let taken = statement.bytes + 1;
        if taken < mebibytes << 20 {
            continue;
        }
        let size = format!(
            "{}.{} MiB",
            statement.bytes >> 20,
            ((statement.bytes % (1 << 20)) * 10) >> 20
        );
        let what = match table.is_empty() {
            true => String::new(),
            false => format!(" for {table}"),
        };
        let at_least = (taken >> 20) + 1;
        let (severity, message, fix) = if taken >= MAX_PACKET {
            (
                Severity::Error,
                format!("a statement of {size}{what}: no server takes more than 1 GiB as one statement"),
                "Make the backup again with smaller statements (mysqldump --net-buffer-length), or without that row."
                    .to_owned(),
            )
        } else {
            (
                check.severity,
                format!(
                    "a statement of {size}{what}: without a larger max_allowed_packet the server takes at most \
                     {mebibytes} MiB (the default of {of_servers})"
                ),
                format!(
                    "Before restoring, set max_allowed_packet to {at_least}M or more on the server (SET GLOBAL \
                     max_allowed_packet={}) and for the client (mysql --max-allowed-packet={at_least}M).",
                    at_least << 20
                ),
            )
        };
        let mut finding = Finding::new(check, message, fix)
            .severity(severity)
            .at(&statement.at);
        if !table.is_empty() {
            finding = finding.about("table", table);
        }
        findings.push(finding);
    }
}
