//! What of a dump takes a privilege for the whole server, and changes more than the database; and variables that no
//! session can set.

use super::{Check, Examination, Finding, Findings, Group, Need, Rule, Severity};
use crate::dump::reader::READ_ONLY;
use crate::server_version::{Family, ServerVersion};
use crate::snapshot::VariableReach;

/// The checks of this file.
pub(super) const CHECKS: &[&Check] = &[&RESTORE_PRIVILEGE, &RESTORE_VARIABLE];

/// The dump sets a variable, or holds a statement, that takes a privilege for the whole server.
pub static RESTORE_PRIVILEGE: Check = Check {
    id: "restore-privilege",
    severity: Severity::Warning,
    title: "the dump sets a variable, or holds a statement, that takes a privilege for the whole server",
    why: "The restore by an account with privileges for its database only stops there; by an administrator it changes \
            the server: accounts, replication, settings.",
    fix: "Take the statement out before restoring, or restore with an account that has the privilege; mysqldump writes \
            SET SQL_LOG_BIN unless --set-gtid-purged=OFF is given, mysqlpump always.",
    example: "SET SESSION SQL_LOG_BIN takes SUPER: other accounts stop there with error 1227",
    source: "mysqldump and mysqlpump on servers with GTIDs; exports of hosted servers",
    rules: &[
        Rule::new(Group::Restore, &[Need::Dump], privileged_variables),
        Rule::new(Group::Restore, &[Need::Dump], server_statements),
    ],
};

/// The dump sets a variable whose value for a session nobody can set.
pub static RESTORE_VARIABLE: Check = Check {
    id: "restore-variable",
    severity: Severity::Error,
    title: "the dump sets a variable that is read-only for a session",
    why: "Every server refuses it, whatever the account: the restore stops there with error 1621.",
    fix: "Take that statement out before restoring, and set the variable on the server (SET GLOBAL) or by an option of the \
            client.",
    example: "SET SESSION MAX_ALLOWED_PACKET: its value for a session is read-only, so every restore stops there with \
            error 1621",
    source: "measured on MySQL 9.7 and MariaDB 10.5, 10.11 and 11.8",
    rules: &[Rule::new(
        Group::Restore,
        &[Need::Dump],
        read_only_variables,
    )],
};

/// The first release of MySQL in which setting the session's value takes a privilege, of the variables that every
/// account may set on other servers. Of `innodb_strict_mode` the release is known (8.0.26), and the others that are
/// refused in the same words are taken to have come with it.
const RESTRICTED_BY_MYSQL: &[(&str, (u32, u32, u32))] = &[
    ("binlog_row_value_options", (8, 0, 3)),
    ("binlog_transaction_compression", (8, 0, 20)),
    ("binlog_transaction_compression_level_zstd", (8, 0, 20)),
    ("bulk_insert_buffer_size", (8, 0, 14)),
    ("character_set_database", (8, 0, 14)),
    ("character_set_filesystem", (8, 0, 14)),
    ("connection_memory_chunk_size", (8, 0, 28)),
    ("connection_memory_limit", (8, 0, 28)),
    ("global_connection_memory_tracking", (8, 0, 28)),
    ("histogram_generation_max_mem_size", (8, 0, 2)),
    ("innodb_strict_mode", (8, 0, 26)),
    ("internal_tmp_mem_storage_engine", (8, 0, 26)),
    ("low_priority_updates", (8, 0, 26)),
    ("max_delayed_threads", (8, 0, 26)),
    ("max_error_count", (8, 0, 26)),
    ("max_insert_delayed_threads", (8, 0, 26)),
    ("min_examined_row_limit", (8, 0, 26)),
    ("preload_buffer_size", (8, 0, 26)),
    ("pseudo_replica_mode", (8, 0, 26)),
    ("select_into_buffer_size", (8, 0, 26)),
    ("sql_generate_invisible_primary_key", (8, 0, 30)),
    ("xa_detach_on_prepare", (8, 0, 29)),
];

/// Variables that MariaDB has and MySQL does not.
const RESTRICTED_BY_MARIADB: &[&str] = &[
    "binlog_annotate_row_events",
    "enforce_storage_engine",
    "log_disabled_statements",
    "wsrep_on",
];

/// Whether a server lets an account without privileges for the whole server set this variable of
/// [`crate::dump::reader`]'s list for its session.
fn lets_everybody(target: Option<&ServerVersion>, variable: &str) -> bool {
    if ["auto_increment_increment", "auto_increment_offset"].contains(&variable) {
        // Restricted from 8.0.14 to 8.0.17 only.
        return !target.is_some_and(|target| {
            target.at_least(Family::Mysql, (8, 0, 14))
                && !target.at_least(Family::Mysql, (8, 0, 18))
        });
    }
    let Some(target) = target else { return false };
    let of_mysql = RESTRICTED_BY_MYSQL
        .iter()
        .find(|(name, _)| *name == variable);
    match of_mysql {
        Some((_, since)) => !target.at_least(Family::Mysql, *since),
        None => target.family == Family::Mysql && RESTRICTED_BY_MARIADB.contains(&variable),
    }
}

/// The privilege that setting a variable takes, on a server or, where none is known, by server.
fn privilege_for(
    target: Option<&ServerVersion>,
    reach: VariableReach,
    variable: &str,
) -> &'static str {
    let of_binlog = matches!(
        variable,
        "sql_log_bin"
            | "binlog_annotate_row_events"
            | "binlog_direct_non_transactional_updates"
            | "binlog_format"
            | "binlog_row_image"
    );
    let of_replay = matches!(
        variable,
        "gtid_domain_id"
            | "gtid_seq_no"
            | "server_id"
            | "pseudo_thread_id"
            | "pseudo_slave_mode"
            | "skip_replication"
    );
    if variable == "innodb_tmpdir" && reach == VariableReach::Session {
        return "FILE";
    }
    match (target, reach) {
        (Some(target), VariableReach::Session) if target.at_least(Family::Mysql, (8, 0, 0)) => {
            "SESSION_VARIABLES_ADMIN, SYSTEM_VARIABLES_ADMIN or SUPER"
        }
        (Some(target), VariableReach::Global) if target.at_least(Family::Mysql, (8, 0, 0)) => {
            "SYSTEM_VARIABLES_ADMIN or SUPER"
        }
        (Some(target), VariableReach::Session) if target.at_least(Family::Mariadb, (10, 5, 2)) => {
            if of_binlog {
                "BINLOG ADMIN"
            } else if of_replay {
                "BINLOG REPLAY"
            } else {
                "SUPER"
            }
        }
        (Some(_), _) => "SUPER",
        (None, VariableReach::Session)
            if RESTRICTED_BY_MYSQL
                .iter()
                .any(|(name, _)| *name == variable) =>
        {
            "SESSION_VARIABLES_ADMIN on MySQL 8.0 and later"
        }
        (None, VariableReach::Session) if of_binlog => {
            "SUPER, or BINLOG ADMIN (MariaDB), SESSION_VARIABLES_ADMIN (MySQL 8.0)"
        }
        (None, VariableReach::Session) => "SUPER, or SESSION_VARIABLES_ADMIN (MySQL 8.0)",
        (None, VariableReach::Global) => "SUPER, or SYSTEM_VARIABLES_ADMIN (MySQL 8.0)",
    }
}

/// What a statement about the server changes, the privilege that it takes, and what to do about it. From the MySQL
/// Reference Manual, "Privileges Provided by MySQL", and the MariaDB Knowledge Base, "GRANT".
fn about_the_server(keyword: &str) -> (&'static str, &'static str, &'static str) {
    const TAKE_OUT: &str = "Take those statements out before restoring.";
    match keyword {
        "GRANT" | "REVOKE" => (
            "changes privileges of accounts",
            "GRANT OPTION",
            "Take those statements out before restoring, or make the backup without --system=users; grant what the site \
             needs by hand (cividb grants prints it).",
        ),
        "ALTER ROLE" | "ALTER USER" | "CREATE ROLE" | "CREATE USER" | "DROP ROLE" | "DROP USER"
        | "RENAME USER" | "SET DEFAULT ROLE" | "SET PASSWORD" => (
            "changes accounts",
            "CREATE USER",
            "Take those statements out before restoring, or make the backup without --system=users.",
        ),
        "CHANGE" | "RESET" | "START" | "STOP" | "PURGE" => (
            "changes the replication of the server",
            "SUPER, REPLICATION SLAVE ADMIN (MariaDB) or REPLICATION_SLAVE_ADMIN (MySQL 8.0)",
            "Take those statements out before restoring, or make the backup without --master-data, --source-data and \
             --dump-slave (or with the value 2, which writes them as a comment).",
        ),
        "FLUSH" => (
            "acts on the whole server",
            "RELOAD",
            "Take those statements out before restoring, or make the backup without --flush-privileges.",
        ),
        "LOAD" => (
            "reads a file that is not in the dump",
            "FILE, or LOCAL INFILE switched on",
            "Back that file up as well and load it by hand, or make the backup with INSERT statements.",
        ),
        "INSTALL" | "UNINSTALL" => (
            "loads or unloads a library of the server",
            "INSERT or DELETE on mysql.plugin",
            TAKE_OUT,
        ),
        "CREATE SERVER" | "ALTER SERVER" | "DROP SERVER" => (
            "changes connections to other servers",
            "SUPER or FEDERATED ADMIN (MariaDB)",
            TAKE_OUT,
        ),
        "CREATE TABLESPACE" => ("makes a tablespace", "CREATE TABLESPACE", TAKE_OUT),
        _ => ("stops or changes the server", "SUPER or SHUTDOWN", TAKE_OUT),
    }
}

/// Adds a finding for each kind of statement that is about the server and not about a database.
fn server_statements(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let Some(dump) = &examined.snapshot().dump else {
        return;
    };
    for (keyword, at) in &dump.server_statements {
        let (what, privilege, fix) = about_the_server(keyword);
        findings.push(
            Finding::new(
                check,
                format!("{keyword} {what} and takes {privilege}: the restore by another account stops there"),
                fix,
            )
            .about("statement", keyword)
            .at(at),
        );
    }
}

fn privileged_variables(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let Some(dump) = &examined.snapshot().dump else {
        return;
    };
    for ((reach, name), at) in &dump.privileged_variables {
        let is_of_session = *reach == VariableReach::Session;
        if is_of_session
            && (READ_ONLY.contains(&name.as_str())
                || lets_everybody(examined.target_server(), name))
        {
            continue;
        }
        let scope = match reach {
            VariableReach::Session => "SESSION",
            VariableReach::Global => "GLOBAL",
        };
        let variable = name.to_ascii_uppercase();
        let privilege = privilege_for(examined.target_server(), *reach, name);
        let fix = match name.as_str() {
            "sql_log_bin" | "gtid_next" => {
                "Take that statement out before restoring, or make the backup with --set-gtid-purged=OFF."
            }
            _ => {
                "Take that statement out before restoring, or restore with an account that has the privilege."
            }
        };
        findings.push(
            Finding::new(
                check,
                format!("SET {scope} {variable} takes {privilege}: other accounts stop there with error 1227"),
                fix,
            )
            .about("variable", name)
            .at(at),
        );
    }
}

fn read_only_variables(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let Some(dump) = &examined.snapshot().dump else {
        return;
    };
    for ((reach, name), at) in &dump.privileged_variables {
        if *reach != VariableReach::Session || !READ_ONLY.contains(&name.as_str()) {
            continue;
        }
        let variable = name.to_ascii_uppercase();
        let fix = match name.as_str() {
            "max_allowed_packet" => {
                "Take that statement out before restoring; the server's value is set by an administrator (SET GLOBAL \
                 max_allowed_packet=…), the client's by mysql --max-allowed-packet=…"
            }
            _ => check.fix,
        };
        findings.push(
            Finding::new(
                check,
                format!(
                    "SET SESSION {variable}: its value for a session is read-only, so every restore stops there with \
                     error 1621"
                ),
                fix,
            )
            .about("variable", name)
            .at(at),
        );
    }
}
