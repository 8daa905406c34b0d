//! What of a dump takes a privilege for the whole server, and changes more than the database.

use super::{Check, Examination, Finding, Findings, Group, Need, Rule, Severity};
use crate::server_version::{Family, ServerVersion};
use crate::snapshot::VariableReach;

/// The checks of this file.
pub(super) const CHECKS: &[&Check] = &[&RESTORE_PRIVILEGE];

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

/// The privilege that setting a variable takes, on a server or, where none is known, by server.
fn privilege_for(
    target: Option<&ServerVersion>,
    reach: VariableReach,
    variable: &str,
) -> &'static str {
    let of_binlog = matches!(
        variable,
        "sql_log_bin" | "binlog_format" | "binlog_row_image"
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
