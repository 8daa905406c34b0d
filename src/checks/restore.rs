//! What a restore of the dump would meet.

use indexmap::IndexMap;

use super::objects;
use super::table::{
    RESTORE_COLLATION, RESTORE_COLUMN_COUNT, RESTORE_CONFLICT, RESTORE_GTID, RESTORE_KEY_ORDER,
    RESTORE_OTHER_DATABASE, RESTORE_SANDBOX_LINE, RESTORE_SQL_MODE, RESTORE_TRIGGER_ORDER,
};
use super::{Context, Finding, Findings, Severity};
use crate::server_version::{Family, ServerVersion};
use crate::snapshot::{DumpFacts, Snapshot};

/// Adds what stands in the way of a restore on the target server, by default the one that
/// the dump names.
pub fn check(snapshot: &Snapshot, dump: &DumpFacts, context: &Context, findings: &mut Findings) {
    key_order(dump, findings);
    other_database(dump, findings);
    for (at, what) in &dump.quoted_wrongly {
        findings.push(
            Finding::new(
                &RESTORE_SQL_MODE,
                format!("'{what} …' has names in double quotes, and the sql_mode in force has no ANSI_QUOTES (or the other way round)"),
                "Make the backup without --compatible=ansi, or set sql_mode before that statement.",
            )
            .at(at),
        );
    }
    refused(dump, findings);
    database_in_programs(snapshot, findings);
    let target = context
        .target
        .as_ref()
        .or(snapshot.source.server_version.as_ref());
    let Some(target) = target else {
        let why = "the dump does not name its server: give --target-server";
        findings.skip(&RESTORE_COLLATION, why);
        findings.skip(&RESTORE_SQL_MODE, why);
        return;
    };
    gtid(dump, target, findings);
    sandbox_mark(dump, target, context.target.is_some(), findings);
    collations(dump, target, findings);
    sql_modes(dump, target, findings);
}

fn key_order(dump: &DumpFacts, findings: &mut Findings) {
    let mut by_table: IndexMap<&str, Vec<&str>> = IndexMap::new();
    for key in &dump.keys_before_parent {
        by_table.entry(&key.table).or_default().push(&key.parent);
    }
    let (Some((table, parents)), Some(first)) = (by_table.first(), dump.keys_before_parent.first())
    else {
        return;
    };
    let others = match by_table.len() - 1 {
        0 => String::new(),
        more => format!(", and {more} more tables like it"),
    };
    findings.push(
        Finding::new(
            &RESTORE_KEY_ORDER,
            format!(
                "table {table} is made before its parent {} while foreign keys are checked{others}",
                parents.join(", ")
            ),
            "Restore with foreign_key_checks=0 (mysql --init-command='SET SESSION foreign_key_checks=0'), \
             or make the backup without --compact.",
        )
        .about("table", *table)
        .sides("SET FOREIGN_KEY_CHECKS=0 at the start", "none")
        .at(&first.at),
    );
}

/// Statements that the server refuses because of what the dump did before.
fn refused(dump: &DumpFacts, findings: &mut Findings) {
    for (at, reason) in &dump.conflicts {
        findings.push(
            Finding::new(
                &RESTORE_CONFLICT,
                format!("the server refuses a statement: {reason}"),
                "Take the statement out that is there twice, or make the backup again in one piece.",
            )
            .at(at),
        );
    }
    for (at, table, columns, values) in &dump.wrong_column_counts {
        findings.push(
            Finding::new(
                &RESTORE_COLUMN_COUNT,
                format!("rows of {table} have {values} values for {columns} columns"),
                "Make the backup with column names in its INSERTs (mysqldump --complete-insert, \
                 phpMyAdmin's default).",
            )
            .about("table", table)
            .sides(columns.to_string(), values.to_string())
            .at(at),
        );
    }
    for (at, trigger, table) in &dump.triggers_before_rows {
        findings.push(
            Finding::new(
                &RESTORE_TRIGGER_ORDER,
                format!("trigger {trigger} is made before the rows of {table} and fires for each of them"),
                "Restore the rows before the triggers: dump the structure with --skip-triggers, and the \
                 triggers last (--triggers --no-create-info --no-data).",
            )
            .about("trigger", trigger)
            .of_table(table)
            .at(at),
        );
    }
}

/// Views and programs that name the database they came from read and write that one wherever
/// they are restored.
fn database_in_programs(snapshot: &Snapshot, findings: &mut Findings) {
    let Some(database) = &snapshot.database else {
        return;
    };
    let named: Vec<String> = objects::users(&snapshot.schema)
        .into_iter()
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
        .map(|user| user.describe())
        .collect();
    let Some(first) = named.first() else { return };
    let others = match named.len() - 1 {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    findings.push(Finding::new(
        &RESTORE_OTHER_DATABASE,
        format!("{first}{others} names its database, {database}"),
        "Restore into a database of that name only, or take the name out of those definitions.",
    ));
}

fn other_database(dump: &DumpFacts, findings: &mut Findings) {
    let Some((at, _)) = dump.database_statements.first() else {
        return;
    };
    let statements: Vec<&str> = dump
        .database_statements
        .iter()
        .map(|(_, s)| s.as_str())
        .collect();
    let mut shown = statements
        .iter()
        .take(4)
        .copied()
        .collect::<Vec<_>>()
        .join("; ");
    if statements.len() > 4 {
        shown.push_str(&format!(" and {} more", statements.len() - 4));
    }
    if statements.contains(&"USE mysql") {
        shown.push_str("; USE mysql is among them, which holds the accounts of the server");
    }
    findings.push(
        Finding::new(
            &RESTORE_OTHER_DATABASE,
            format!("the dump chooses its database itself: {shown}"),
            "Restore it only where that database may be overwritten, or take those lines out first.",
        )
        .at(at),
    );
}

fn gtid(dump: &DumpFacts, target: &ServerVersion, findings: &mut Findings) {
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
    findings.push(
        Finding::new(
            &RESTORE_GTID,
            message,
            "Make the backup with --set-gtid-purged=OFF, or take that statement out before restoring.",
        )
        .severity(severity)
        .at(at),
    );
}

/// First releases of each MariaDB series whose clients take the sandbox mark.
const TAKES_SANDBOX_MARK: [(u32, u32, u32); 6] = [
    (10, 5, 25),
    (10, 6, 18),
    (10, 11, 8),
    (11, 0, 6),
    (11, 1, 5),
    (11, 2, 4),
];

fn sandbox_mark(dump: &DumpFacts, target: &ServerVersion, asked: bool, findings: &mut Findings) {
    let Some(at) = &dump.sandbox_mark else { return };
    let (major, minor, _) = target.number;
    // MySQL's clients read the mark as a comment.
    let takes = target.family == Family::Mysql
        || (major, minor) >= (11, 4)
        || TAKES_SANDBOX_MARK
            .iter()
            .any(|since| (since.0, since.1) == (major, minor) && target.number >= *since);
    let fix = "Delete the first line before restoring with an older client (tail -n +2).";
    let finding = if takes {
        if asked {
            return;
        }
        let message =
            "the first line is MariaDB's sandbox mark: its clients from before May 2024 stop at it";
        Finding::new(&RESTORE_SANDBOX_LINE, message, fix)
    } else {
        let message =
            format!("the first line is a sandbox mark, at which the client of {target} stops");
        Finding::new(&RESTORE_SANDBOX_LINE, message, fix).severity(Severity::Error)
    };
    findings.push(finding.at(at));
}

fn collations(dump: &DumpFacts, target: &ServerVersion, findings: &mut Findings) {
    for (name, at) in &dump.collations {
        if !knows_collation(target, name) {
            findings.push(
                Finding::new(
                    &RESTORE_COLLATION,
                    format!("{target} does not know {name}"),
                    "Restore on a server that knows it, or replace it in the dump by one that both know, \
                     such as utf8mb4_unicode_ci.",
                )
                .about("collation", name)
                .at(at),
            );
        }
    }
}

/// Which servers know a collation or character set by its name. Sources: manuals and release
/// notes (utf8mb4: MySQL 5.5.3; `*_0900_*`: MySQL 8.0 and, as aliases, MariaDB 11.4.5;
/// `uca1400`: MariaDB 10.10; utf8mb3 as a name in collations: MySQL 8.0.28, MariaDB 10.6).
fn knows_collation(target: &ServerVersion, name: &str) -> bool {
    let since = |mysql: Option<(u32, u32, u32)>, mariadb: Option<(u32, u32, u32)>| {
        let number = match target.family {
            Family::Mysql => mysql,
            Family::Mariadb => mariadb,
        };
        number.is_some_and(|number| target.number >= number)
    };
    let name = name.to_ascii_lowercase();
    if name.contains("uca1400") {
        since(None, Some((10, 10, 0)))
    } else if name.contains("_0900_") {
        since(Some((8, 0, 0)), Some((11, 4, 5)))
    } else if name.contains("_nopad") {
        since(None, Some((10, 2, 0)))
    } else if name.ends_with("_unicode_520_ci") {
        since(Some((5, 6, 0)), Some((10, 1, 0)))
    } else if name.starts_with("utf8mb4") {
        since(Some((5, 5, 3)), Some((5, 5, 0)))
    } else if name.starts_with("gb18030") {
        since(Some((5, 7, 4)), None)
    } else {
        true
    }
}

/// Flags that MySQL dropped with 8.0 (release notes of 8.0.11).
const DROPPED_BY_MYSQL_8: [&str; 11] = [
    "NO_AUTO_CREATE_USER",
    "NO_FIELD_OPTIONS",
    "NO_KEY_OPTIONS",
    "NO_TABLE_OPTIONS",
    "DB2",
    "MAXDB",
    "MSSQL",
    "MYSQL323",
    "MYSQL40",
    "ORACLE",
    "POSTGRESQL",
];

/// Flags that only MariaDB has (MariaDB manual, "SQL_MODE").
const MARIADB_ONLY: [&str; 4] = [
    "EMPTY_STRING_IS_NULL",
    "IGNORE_BAD_TABLE_OPTIONS",
    "SIMULTANEOUS_ASSIGNMENT",
    "TIME_ROUND_FRACTIONAL",
];

fn sql_modes(dump: &DumpFacts, target: &ServerVersion, findings: &mut Findings) {
    for (flag, at) in &dump.sql_modes {
        let refused = match target.family {
            Family::Mysql => {
                MARIADB_ONLY.contains(&flag.as_str())
                    || target.number >= (8, 0, 11) && DROPPED_BY_MYSQL_8.contains(&flag.as_str())
            }
            Family::Mariadb => flag == "TIME_TRUNCATE_FRACTIONAL",
        };
        if refused {
            findings.push(
                Finding::new(
                    &RESTORE_SQL_MODE,
                    format!("{target} refuses sql_mode {flag}"),
                    format!(
                        "Take {flag} out of the dump's SET sql_mode statements before restoring."
                    ),
                )
                .about("sql_mode", flag)
                .at(at),
            );
        }
    }
}
