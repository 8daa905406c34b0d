//! Looks whether an account has the privileges that an upgrade or a backup needs.

use super::{Check, Examination, Finding, Findings, Group, Need, Rule, Severity};
use crate::case::Case;
use crate::civicrm::privileges::{BackupFacts, UpgradeFacts};
use crate::grants::need::{Instead, Scope, Weight};
use crate::grants::{Missing, Verdict};
use crate::privilege::Privilege;
use crate::server::probe::{Outcome, Probed, says_denied};
use crate::snapshot::{ObjectKind, ServerFacts};

/// The checks of this file.
pub(super) const CHECKS: &[&Check] = &[&GRANT_MISSING, &ROLE_NOT_ACTIVE, &TRIGGER_PRIVILEGE_BINLOG];

pub(crate) static GRANT_MISSING: Check = Check {
    id: "grant-missing",
    severity: Severity::Error,
    title: "the account lacks a privilege that the upgrade or the backup needs",
    why: "The upgrade stops in the middle, or the backup is silently not whole.",
    fix: "Run the GRANT that the finding names, as an administrator.",
    example: "TRIGGER on database civicrm is missing; it is needed to make triggers",
    source: "CiviCRM's upgrade guide for 4.4 and administrator guide; measured on MariaDB 10.5 to 11.8 and \
            MySQL 9.7",
    rules: &[Rule::new(Group::Grants, &[Need::Privileges], missing)],
};

pub(crate) static ROLE_NOT_ACTIVE: Check = Check {
    id: "role-not-active",
    severity: Severity::Warning,
    title: "a role of the account would give what is missing, but is not active",
    why: "CiviCRM never sets a role: only default roles count.",
    fix: "Make the role a default role of the account (SET DEFAULT ROLE), as an administrator.",
    example: "role `upgrader` is not active, and may give what is missing",
    source: "measured on MariaDB 10.5 to 11.8 and MySQL 9.7",
    rules: &[Rule::new(
        Group::Grants,
        &[Need::Privileges],
        inactive_roles,
    )],
};

pub(crate) static TRIGGER_PRIVILEGE_BINLOG: Check = Check {
    id: "trigger-privilege-binlog",
    severity: Severity::Error,
    title: "with binary logging on, the account may not make triggers and functions",
    why: "CREATE TRIGGER fails with error 1419, and the upgrade with it.",
    fix: "Run the GRANT that the finding names, or set log_bin_trust_function_creators to 1.",
    example: "SUPER on the server is missing; it is needed to make triggers and functions while binary logging \
            is on (error 1419)",
    source: "CRM/Logging/Schema.php; measured on MariaDB 10.5 to 11.8 and MySQL 9.7",
    rules: &[Rule::new(Group::Grants, &[Need::Privileges], missing)],
};

/// The facts that decide which privileges an upgrade of this database needs.
pub fn upgrade_facts(case: &Case, facts: &ServerFacts) -> UpgradeFacts {
    let (site, snapshot) = (case.site.as_ref(), &case.snapshot);
    let is_on = |name| facts.is_on(name) == Some(true);
    // Who restored the database mostly was root, who has SYSTEM_USER.
    let routines_of_system_user = snapshot.schema.routines.values().any(|routine| {
        let definer = routine.definer.as_ref();
        definer.is_some_and(|definer| definer.user == "root") && definer != facts.account.as_ref()
    });
    UpgradeFacts {
        multilingual: site.is_some_and(|site| !site.locales().is_empty()),
        logging: site.and_then(|site| site.logging).unwrap_or(false),
        // With logging off the upgrade does not touch the log tables, wherever they are.
        logging_database: (facts.logging_database.clone())
            .filter(|_| site.and_then(|site| site.logging) != Some(false)),
        triggers_by_hand: site.is_some_and(|site| site.triggers_by_hand),
        binary_logging: is_on("log_bin"),
        trusts_function_creators: is_on("log_bin_trust_function_creators"),
        routines_of_system_user,
    }
}

/// The facts that decide which privileges a backup of this database needs. Objects that the account
/// cannot see are taken to exist, but for events, which CiviCRM does not make.
pub fn backup_facts(case: &Case, facts: &ServerFacts) -> BackupFacts {
    let snapshot = &case.snapshot;
    let schema = &snapshot.schema;
    let hidden = |kind| snapshot.hidden.contains_key(&kind);
    let of_others = |routine: &crate::schema::model::Routine| routine.definer != facts.account;
    BackupFacts {
        views: !schema.views.is_empty() || hidden(ObjectKind::Table),
        triggers: !schema.triggers.is_empty() || hidden(ObjectKind::Trigger),
        routines_of_others: schema.routines.values().any(of_others)
            || hidden(ObjectKind::Routine)
            || hidden(ObjectKind::Table),
        events: !schema.events.is_empty(),
        events_hidden: hidden(ObjectKind::Event),
        single_transaction: false,
        gtids: facts.is_on("gtid_mode") == Some(true),
    }
}

/// Adds a finding for each missing privilege that belongs to this check, with the statements that
/// grant it.
fn missing(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let Some(privileges) = examined.privileges else {
        return;
    };
    let fixes = privileges.verdict.fixes.iter();
    let statements: Vec<String> = fixes.map(|fix| format!("{};", fix.statement)).collect();
    let missing = privileges.verdict.missing.iter();
    for missing in missing.filter(|missing| check_of(missing) == check) {
        findings.push(finding(missing, privileges.database, &statements));
    }
}

fn inactive_roles(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let Some(privileges) = examined.privileges else {
        return;
    };
    for hint in &privileges.verdict.roles {
        let adds = match &hint.adds {
            Some(privileges) => {
                let names: Vec<&str> = privileges.iter().map(|p| p.name()).collect();
                format!("would give {}", names.join(", "))
            }
            None => "may give what is missing".to_owned(),
        };
        let message = format!("role {} is not active, and {adds}", hint.role);
        let fix = format!("Run as an administrator: {};", hint.statement);
        findings.push(Finding::new(check, message, fix).about("role", hint.role.to_string()));
    }
}

/// The check that a missing privilege belongs to.
fn check_of(missing: &Missing) -> &'static Check {
    match &missing.need.instead {
        Some(Instead::Variable("log_bin_trust_function_creators", _)) => &TRIGGER_PRIVILEGE_BINLOG,
        _ => &GRANT_MISSING,
    }
}

fn finding(missing: &Missing, database: &str, statements: &[String]) -> Finding {
    let need = &missing.need;
    let wanted = need.any_of.first();
    let name = wanted.map_or("", |wanted| wanted.privilege.name());
    let place = match wanted.map(|wanted| &wanted.on) {
        Some(Scope::Server) => "the server".to_owned(),
        Some(Scope::OtherDatabase(other)) => format!("database {other}"),
        Some(Scope::Table(of, table)) => format!("table {of}.{table}"),
        Some(Scope::Database) | None => format!("database {database}"),
    };
    let mut message = format!("{name} on {place} is missing; it is needed {}", need.why);
    if missing.revoked {
        message.push_str(" (a partial revoke takes it away here)");
    } else if let Some(only) = missing.only_on.first() {
        let more = match missing.only_on.len() {
            1 => String::new(),
            2 => " and one more place".to_owned(),
            more => format!(" and {} more places", more - 1),
        };
        message.push_str(&format!(" (it is there on {only}{more} only)"));
    }
    let mut fix = format!("Run as an administrator: {}", statements.join(" "));
    match &need.instead {
        Some(Instead::Variable(variable, value)) => fix.push_str(&format!(
            " Or, for {name}: SET GLOBAL {variable} = {value}; and the line {variable} = {value} in the \
             group [mysqld] of the server's option file."
        )),
        Some(Instead::DumpOption(option)) => {
            fix.push_str(&format!(" Or, for {name}: call mysqldump with {option}."));
        }
        None => {}
    }
    let severity = match need.weight {
        Weight::Required => Severity::Error,
        Weight::Advised => Severity::Note,
    };
    Finding::new(check_of(missing), message, fix)
        .severity(severity)
        .about("privilege", name)
        .sides(name, "not granted")
}

/// The privileges that the account has of those that are needed, according to a verdict, each once. Behind one that is
/// wanted outside the site's database stands where: `SELECT on mysql.proc`.
pub fn there(verdict: &Verdict) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for wanted in verdict.met.iter().filter_map(|need| need.any_of.first()) {
        let name = wanted.privilege.name();
        let name = match &wanted.on {
            Scope::Table(database, table) => format!("{name} on {database}.{table}"),
            Scope::OtherDatabase(database) => format!("{name} on {database}"),
            Scope::Server if wanted.privilege == Privilege::Select => format!("{name} on *.*"),
            Scope::Server | Scope::Database => name.to_owned(),
        };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// Adds a finding for each privilege that the server refused to a probe although it is among those that are `there`,
/// and for what the probe could not remove.
pub fn refused(probed: &Probed, there: &[String], findings: &mut Findings) {
    for (privilege, outcome) in &probed.outcomes {
        if !there.iter().any(|name| name == privilege) {
            continue;
        }
        let Outcome::Denied(code, message) = outcome else {
            continue;
        };
        let check = match code {
            1419 => &TRIGGER_PRIVILEGE_BINLOG,
            _ => &GRANT_MISSING,
        };
        if check.id == TRIGGER_PRIVILEGE_BINLOG.id && findings.has(check) {
            continue;
        }
        let what = match says_denied(*code) {
            true => "the server refuses it",
            false => "trying it failed",
        };
        findings.push(
            Finding::new(
                check,
                format!("{privilege} is granted, but {what} (error {code}: {message})"),
                "Look for another account of this name or the anonymous one that the server takes you for \
                 (SELECT CURRENT_USER()), or for what the message names.",
            )
            .about("privilege", *privilege),
        );
    }
    for statement in &probed.left_behind {
        findings.push(Finding::new(
            &GRANT_MISSING,
            format!("the probe could not remove what it had made: {statement} failed"),
            format!("Run as an administrator: {statement};"),
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::civicrm::privileges::needed_for_backup;
    use crate::grants::{Grants, Rules, judge};
    use crate::server_version::ServerVersion;

    #[test]
    fn another_database_for_logs_matters_where_logging_is_on_alone() {
        let catalogue = crate::civicrm::catalogue::Catalogue::embedded().expect("the catalogue");
        let server = ServerFacts {
            logging_database: Some("log".to_owned()),
            ..ServerFacts::default()
        };
        for (value, expected) in [("i:0;", None), ("s:1:\"0\";", None), ("i:1;", Some("log"))] {
            let mut snapshot = crate::snapshot::Snapshot::default();
            let domain = crate::schema::model::Table::default();
            let tables = &mut snapshot.schema.tables;
            tables.insert("civicrm_domain".to_owned(), domain);
            let row = [("name", "logging"), ("value", value)];
            let row = row.map(|(name, value)| (name.to_owned(), Some(value.into())));
            let rows = vec![row.into_iter().collect()];
            snapshot.rows.insert("civicrm_setting".to_owned(), rows);
            let facts = upgrade_facts(&Case::new(snapshot, catalogue), &server);
            assert_eq!(facts.logging_database.as_deref(), expected, "{value}");
        }
    }

    #[test]
    fn what_is_there_stands_once_and_with_its_object() {
        let facts = BackupFacts {
            views: true,
            triggers: true,
            routines_of_others: true,
            ..BackupFacts::default()
        };
        let names = |text: &str, server: &str| {
            let server = ServerVersion::parse_target(server).expect("a server");
            let needs = needed_for_backup(&server, &facts);
            let rules = Rules::of(server);
            there(&judge(needs, &Grants::parse(text), "a", &rules)).join(", ")
        };
        let site = "GRANT SELECT, LOCK TABLES, TRIGGER, SHOW VIEW ON `a`.* TO `u`@`h`\n";
        let of_proc = format!("{site}GRANT SELECT ON `mysql`.`proc` TO `u`@`h`\n");
        assert_eq!(
            names(&of_proc, "mariadb-10.6"),
            "SELECT, LOCK TABLES, SHOW VIEW, TRIGGER, SELECT on mysql.proc"
        );
        // Of privileges any one of which is enough, the one that the account has.
        let everywhere = format!("{site}GRANT SELECT ON *.* TO `u`@`h`\n");
        assert!(names(&everywhere, "mysql-8.4").ends_with(", SELECT on *.*"));
        assert!(!names(&everywhere, "mariadb-11.8").contains("SHOW CREATE ROUTINE"));
    }
}
