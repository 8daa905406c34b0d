//! What a restore of the dump would stop at or change.

use indexmap::IndexMap;

use super::objects;
use super::{Check, Examination, Finding, Findings, Group, Need, Rule, Severity};
use crate::schema::references::User;
use crate::server_version::{Family, ServerVersion};
use crate::snapshot::{At, DumpFacts};

/// The checks of this file.
pub(super) const CHECKS: &[&Check] = &[
    &RESTORE_KEY_ORDER,
    &RESTORE_CONFLICT,
    &RESTORE_COLUMN_COUNT,
    &RESTORE_TRIGGER_ORDER,
    &RESTORE_GTID,
    &RESTORE_COLLATION,
    &RESTORE_SQL_MODE,
    &RESTORE_OTHER_DATABASE,
    &RESTORE_SANDBOX_LINE,
];

/// Foreign keys are checked while their parent tables do not exist yet.
pub static RESTORE_KEY_ORDER: Check = Check {
    id: "restore-key-order",
    severity: Severity::Error,
    title: "foreign keys are checked while their parent tables do not exist yet",
    why: "The restore stops with error 1005 or 1824.",
    fix: "Restore with foreign_key_checks=0 (mysql --init-command='SET SESSION foreign_key_checks=0'), or \
            make the backup without --compact.",
    example: "table civicrm_email is made before its parent civicrm_contact while foreign keys are checked",
    source: "mysqldump --compact leaves FOREIGN_KEY_CHECKS=0 out",
    rules: &[Rule::new(Group::Restore, &[Need::Dump], key_order)],
};

/// The server would refuse a statement because of those before it.
pub static RESTORE_CONFLICT: Check = Check {
    id: "restore-conflict",
    severity: Severity::Error,
    title: "the server would refuse a statement because of those before it",
    why: "The restore stops there, for instance at a trigger that exists already (1359).",
    fix: "Take out the statement that is there twice, or make the backup again in one piece.",
    example: "the server refuses a statement: the table civicrm_worldregion exists already",
    source: "measured on MariaDB 10.11",
    rules: &[Rule::new(Group::Restore, &[Need::Dump], conflicts)],
};

/// Rows have a different number of values than their table has columns.
pub static RESTORE_COLUMN_COUNT: Check = Check {
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

/// Triggers are made before the rows of their table.
pub static RESTORE_TRIGGER_ORDER: Check = Check {
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

/// The dump sets GTID_PURGED.
pub static RESTORE_GTID: Check = Check {
    id: "restore-gtid",
    severity: Severity::Warning,
    title: "the dump sets GTID_PURGED",
    why: "MariaDB does not know the variable (1193); MySQL refuses it where the GTIDs overlap (3546).",
    fix: "Make the backup with --set-gtid-purged=OFF, or take that statement out before restoring.",
    example: "the dump sets GTID_PURGED, which a server that has those GTIDs refuses",
    source: "mysqldump 8 and 9 with GTIDs on, unless --set-gtid-purged=OFF or COMMENTED",
    rules: &[Rule::new(Group::Restore, &[Need::Dump], gtid)],
};

/// The target server does not know a collation or character set.
pub static RESTORE_COLLATION: Check = Check {
    id: "restore-collation",
    severity: Severity::Error,
    title: "the target server does not know a collation or character set",
    why: "The restore stops with error 1273 or 1115.",
    fix: "Restore on a server that knows it, or replace it in the dump by one that both know, such as \
            utf8mb4_unicode_ci.",
    example: "MySQL 5.7.37 does not know utf8mb4_0900_ai_ci",
    source: "measured on MariaDB 10.5 to 11.8 and MySQL 9.7",
    rules: &[Rule::new(
        Group::Restore,
        &[Need::Dump, Need::TargetServer],
        collations,
    )],
};

/// Sql_mode values that the target server refuses, or under which a trigger does not parse.
pub static RESTORE_SQL_MODE: Check = Check {
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

/// The dump names the database it goes into.
pub static RESTORE_OTHER_DATABASE: Check = Check {
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

/// The first line is MariaDB's sandbox mark.
pub static RESTORE_SANDBOX_LINE: Check = Check {
    id: "restore-sandbox-line",
    severity: Severity::Note,
    title: "the first line is MariaDB's sandbox mark",
    why: "Clients of MariaDB from before May 2024 stop at it.",
    fix: "Delete the first line before restoring with an older client (tail -n +2).",
    example: "the first line is MariaDB's sandbox mark: its clients from before May 2024 stop at it",
    source: "MDEV-21178, mariadb-dump 10.5.25, 10.6.18, 10.11.8, 11.4.2 and later",
    rules: &[Rule::new(Group::Restore, &[Need::Dump], sandbox_mark)],
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

fn key_order(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let Some(dump) = dump(examined) else { return };
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
            check,
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

/// Adds a finding for each statement that the server refuses because of what the dump did before.
fn conflicts(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let Some(dump) = dump(examined) else { return };
    for (at, reason) in &dump.conflicts {
        findings.push(
            Finding::new(
                check,
                format!("the server refuses a statement: {reason}"),
                "Take out the statement that is there twice, or make the backup again in one piece.",
            )
            .at(at),
        );
    }
}

fn column_counts(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let Some(dump) = dump(examined) else { return };
    for (at, table, columns, values) in &dump.wrong_column_counts {
        findings.push(
            Finding::new(
                check,
                format!("rows of {table} have {values} values for {columns} columns"),
                "Make the backup with column names in its INSERTs (mysqldump --complete-insert, \
                 phpMyAdmin's default).",
            )
            .about("table", table)
            .sides(columns.to_string(), values.to_string())
            .at(at),
        );
    }
}

fn trigger_order(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let Some(dump) = dump(examined) else { return };
    for (at, trigger, table) in &dump.triggers_before_rows {
        findings.push(
            Finding::new(
                check,
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
    for user in examined.users() {
        for (name, what) in objects::elsewhere(user, snapshot) {
            let database = name.database.clone().unwrap_or_default();
            let known = uses.entry(database).or_default();
            known.push((user.describe(), what));
        }
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
                     with error 1146 or 1305, and a view stops the restore."
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
    findings.push(
        Finding::new(
            check,
            message,
            "Make the backup with --set-gtid-purged=OFF, or take that statement out before restoring.",
        )
        .severity(severity)
        .at(at),
    );
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
    let fix = "Delete the first line before restoring with an older client (tail -n +2).";
    let finding = if takes {
        if asked {
            return;
        }
        let message =
            "the first line is MariaDB's sandbox mark: its clients from before May 2024 stop at it";
        Finding::new(check, message, fix)
    } else {
        let message =
            format!("the first line is a sandbox mark, at which the client of {target} stops");
        Finding::new(check, message, fix).severity(Severity::Error)
    };
    findings.push(finding.at(at));
}

fn collations(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let (Some(dump), Some(target)) = (dump(examined), examined.target_server()) else {
        return;
    };
    for (name, at) in &dump.collations {
        if !knows_collation(target, name) {
            findings.push(
                Finding::new(
                    check,
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

fn sql_modes(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let (Some(dump), Some(target)) = (dump(examined), examined.target_server()) else {
        return;
    };
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
                    check,
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
