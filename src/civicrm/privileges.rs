//! The privileges that CiviCRM's upgrades need, and those that a whole backup needs.
//!
//! Sources: CiviCRM's upgrade guide for 4.4, its system administrator guide
//! (`docs/requirements.md`), `CRM/Logging/Schema.php`; and what MariaDB 10.5, 10.11, 11.8 and
//! MySQL 9.7 do to accounts that have less.

use crate::civicrm::release::Version;
use crate::grants::need::{Instead, Need, PrivilegeOn, Scope, Weight, on_server};
use crate::privilege::Privilege;
use crate::server_version::{Family, ServerVersion};

/// The facts about a site and its server on which the privileges for an upgrade depend.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpgradeFacts {
    /// Whether the site is multilingual, so that it has views and triggers for each language.
    pub multilingual: bool,
    /// Whether detailed logging is on, so that there are triggers for it.
    pub logging: bool,
    /// The database of the log tables; `None` when it is the site's own (`CIVICRM_LOGGING_DSN`). Triggers write
    /// to it with the privileges of the account that made them.
    pub logging_database: Option<String>,
    /// `logging_no_trigger_permission` is set (4.7.10 and later): an administrator creates the triggers.
    pub triggers_by_hand: bool,
    /// Whether the server variable `log_bin` is on.
    pub binary_logging: bool,
    /// Whether the server variable `log_bin_trust_function_creators` is on.
    pub trusts_function_creators: bool,
    /// Whether a function or procedure of the database has a definer who has SYSTEM_USER and is not this
    /// account; mostly root, who restored it.
    pub routines_of_system_user: bool,
}

const GUIDE: &str = "CiviCRM's upgrade guide for 4.4";
const ADMIN_GUIDE: &str = "CiviCRM's system administrator guide, requirements";

/// The privileges that an account needs to upgrade a database to `target`.
pub fn needed_for_upgrade(
    target: &Version,
    server: &ServerVersion,
    facts: &UpgradeFacts,
) -> Vec<Need> {
    // Triggers and a function are part of every database from 4.3 on.
    let has_programs = target.major_minor() >= (4, 3);
    let has_triggers = has_programs || facts.multilingual || facts.logging;
    let mut needs = on_one_database(target, server, facts, &Scope::Database);
    if let Some(other) = &facts.logging_database {
        let other = Scope::OtherDatabase(other.clone());
        needs.extend(on_one_database(target, server, facts, &other));
    }
    if has_triggers && !Privilege::Trigger.is_known_to(server) {
        needs.push(Need::any(
            vec![on_server(Privilege::Super)],
            "to make triggers: MySQL has no privilege of its own for that before 5.1.6",
            ADMIN_GUIDE,
        ));
    } else if has_triggers && facts.binary_logging && !facts.trusts_function_creators {
        // BINLOG ADMIN, SET USER and MySQL's dynamic privileges are not enough (measured).
        needs.push(Need {
            instead: Some(Instead::Variable("log_bin_trust_function_creators", "1")),
            ..Need::any(
                vec![on_server(Privilege::Super)],
                "to make triggers and functions while binary logging is on (error 1419)",
                "CRM/Logging/Schema.php; measured on MariaDB 10.5, 10.11, 11.8 and MySQL 9.7",
            )
        });
    }
    if has_programs && facts.routines_of_system_user && Privilege::SystemUser.is_known_to(server) {
        needs.push(Need::any(
            vec![on_server(Privilege::SystemUser)],
            "to replace functions whose definer has SYSTEM_USER (error 1227)",
            "measured on MySQL 9.7",
        ));
    }
    needs
}

fn on_one_database(
    target: &Version,
    server: &ServerVersion,
    facts: &UpgradeFacts,
    on: &Scope,
) -> Vec<Need> {
    use Privilege::{
        Alter, AlterRoutine, Create, CreateRoutine, CreateTemporaryTables, CreateView, Delete,
        Drop, Index, Insert, LockTables, References, Select, Trigger, Update,
    };
    let mut needs: Vec<Need> = Vec::new();
    let mut add = |privileges: &[Privilege], why, source| {
        for &privilege in privileges {
            needs.push(Need::on_database(privilege, on, why, source));
        }
    };
    add(
        &[Select, Insert, Update, Delete],
        "to read and change rows",
        GUIDE,
    );
    add(
        &[Create, Drop, Index, Alter],
        "to make, change and drop tables",
        GUIDE,
    );
    add(&[CreateTemporaryTables], "for temporary tables", GUIDE);
    add(&[LockTables], "to lock tables", GUIDE);
    if Privilege::References.is_known_to(server) && server.at_least(Family::Mysql, (5, 7, 6)) {
        add(
            &[References],
            "to add foreign keys (error 1142)",
            ADMIN_GUIDE,
        );
    }
    let from_4_3 = target.major_minor() >= (4, 3);
    if from_4_3 || facts.multilingual {
        add(
            &[CreateView],
            "for the views of CiviCase (4.1 to 5.36) and of multilingual sites",
            GUIDE,
        );
    }
    let makes_triggers =
        (from_4_3 && !facts.triggers_by_hand) || facts.multilingual || facts.logging;
    if makes_triggers && Privilege::Trigger.is_known_to(server) {
        add(&[Trigger], "to make triggers", GUIDE);
    }
    if from_4_3 {
        add(
            &[CreateRoutine, AlterRoutine],
            "to make and replace the function civicrm_strip_non_numeric",
            GUIDE,
        );
    }
    needs
}

/// The facts about a repair on which the privileges for it depend.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RepairFacts {
    /// Whether foreign keys are added on a server that has REFERENCES as a privilege of its own.
    pub references: bool,
    /// Whether tables are locked while rows are counted.
    pub locks: bool,
    /// Whether columns are set to NULL.
    pub updates: bool,
    /// Whether rows are deleted.
    pub deletes: bool,
}

/// The privileges that an account needs to repair tables.
pub fn needed_for_repair(facts: &RepairFacts) -> Vec<Need> {
    use Privilege::{Alter, Create, Delete, Insert, LockTables, References, Select, Update};
    const SOURCE: &str = "MySQL 9.7 manual, ALTER TABLE and LOCK TABLES; measured on MariaDB 10.5, \
                          10.11, 11.8 and MySQL 9.7";
    let alter = "to change tables";
    let needs = [
        (true, Select, "to count rows without a parent"),
        (true, Alter, alter),
        (true, Create, alter),
        (true, Insert, alter),
        (
            facts.references,
            References,
            "to add foreign keys (error 1142)",
        ),
        (
            facts.locks,
            LockTables,
            "to hold tables still while rows are counted",
        ),
        (
            facts.updates,
            Update,
            "to clear the columns of rows without a parent",
        ),
        (facts.deletes, Delete, "to delete rows without a parent"),
    ];
    let needs = needs.into_iter().filter(|(is_needed, ..)| *is_needed);
    needs
        .map(|(_, privilege, why)| Need::on_database(privilege, &Scope::Database, why, SOURCE))
        .collect()
}

/// The facts about a database and its server on which the privileges for a backup depend.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BackupFacts {
    /// Whether the database has views.
    pub views: bool,
    /// Whether the database has triggers.
    pub triggers: bool,
    /// Whether there are functions or procedures of which the account is not the definer. Every account may
    /// read its own ones.
    pub routines_of_others: bool,
    /// Whether the database has events.
    pub events: bool,
    /// Whether it may have events that the account cannot see: a server shows them only to accounts with EVENT.
    pub events_hidden: bool,
    /// Whether mysqldump is called with `--single-transaction`.
    pub single_transaction: bool,
    /// Whether the server variable `gtid_mode` is on (MySQL).
    pub gtids: bool,
}

const MEASURED: &str =
    "mysqldump as a weaker account, measured on MariaDB 10.5, 10.11, 11.8 and MySQL 9.7";

/// The privileges that an account needs so that its mysqldump (or mariadb-dump) with `--triggers --routines
/// --events` is complete.
pub fn needed_for_backup(server: &ServerVersion, facts: &BackupFacts) -> Vec<Need> {
    use Privilege::{Event, LockTables, Process, Select, ShowView, Trigger};
    let on_database =
        |privilege, why| Need::on_database(privilege, &Scope::Database, why, MEASURED);
    let mut needs = vec![on_database(Select, "to read the tables")];
    if !facts.single_transaction {
        needs.push(Need {
            instead: Some(Instead::DumpOption("--single-transaction")),
            ..on_database(LockTables, "to lock the tables (error 1044)")
        });
    }
    if facts.views {
        needs.push(on_database(
            ShowView,
            "to read the views; without it the dump stops at the first one",
        ));
    }
    if facts.triggers && Trigger.is_known_to(server) {
        needs.push(on_database(
            Trigger,
            "to see the triggers; without it they are left out and nothing is said",
        ));
    } else if facts.triggers {
        needs.push(Need::any(
            vec![on_server(Privilege::Super)],
            "to see the triggers: MySQL has no privilege of its own for that before 5.1.6",
            "MySQL 5.0 manual, SHOW TRIGGERS",
        ));
    }
    if facts.routines_of_others {
        needs.push(Need::any(
            shows_routines(server),
            "to read functions and procedures; without it they are left out and nothing is said",
            MEASURED,
        ));
    }
    if facts.events && Event.is_known_to(server) {
        needs.push(on_database(
            Event,
            "to read the events; with --events and without it the dump stops (error 1044)",
        ));
    } else if facts.events_hidden && Event.is_known_to(server) {
        needs.push(Need {
            weight: Weight::Advised,
            ..on_database(
                Event,
                "to read events, where somebody has added any: CiviCRM has none, and a dump without --events does not need it",
            )
        });
    }
    if facts.single_transaction && facts.gtids && server.at_least(Family::Mysql, (8, 0, 32)) {
        needs.push(Need {
            instead: Some(Instead::DumpOption("--set-gtid-purged=OFF")),
            ..Need::any(
                vec![
                    on_server(Privilege::FlushTables),
                    on_server(Privilege::Reload),
                ],
                "for --single-transaction while GTIDs are on (error 1227)",
                MEASURED,
            )
        });
    }
    let dumps_tablespaces = server.at_least(Family::Mysql, (8, 0, 21))
        || (server.at_least(Family::Mysql, (5, 7, 31)) && server.number.0 < 8);
    if dumps_tablespaces {
        needs.push(Need {
            weight: Weight::Advised,
            instead: Some(Instead::DumpOption("--no-tablespaces")),
            ..Need::any(
                vec![on_server(Process)],
                "to read about tablespaces; without it there is a message, and nothing is lost",
                MEASURED,
            )
        });
    }
    needs
}

/// Any one of these lets an account read the bodies of routines that are not its own.
fn shows_routines(server: &ServerVersion) -> Vec<PrivilegeOn> {
    let everywhere = on_server(Privilege::Select);
    let proc_table = PrivilegeOn {
        privilege: Privilege::Select,
        on: Scope::Table("mysql", "proc"),
    };
    if Privilege::ShowRoutine.is_known_to(server) {
        vec![on_server(Privilege::ShowRoutine), everywhere]
    } else if server.at_least(Family::Mysql, (8, 0, 0)) {
        vec![everywhere]
    } else if Privilege::ShowCreateRoutine.is_known_to(server) {
        let show = PrivilegeOn {
            privilege: Privilege::ShowCreateRoutine,
            on: Scope::Database,
        };
        vec![show, proc_table, everywhere]
    } else {
        vec![proc_table, everywhere]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upgrade(target: &str, server: &str, facts: &UpgradeFacts) -> Vec<String> {
        let target = Version::parse(target).expect("a release");
        let server = ServerVersion::parse(server).expect("a server");
        shown(&needed_for_upgrade(&target, &server, facts))
    }

    fn backup(server: &str, facts: &BackupFacts) -> Vec<String> {
        let server = ServerVersion::parse(server).expect("a server");
        shown(&needed_for_backup(&server, facts))
    }

    fn shown(needs: &[Need]) -> Vec<String> {
        let name = |need: &Need| {
            let any_of = need.any_of.iter().map(|wanted| wanted.privilege.name());
            any_of.collect::<Vec<_>>().join(" or ")
        };
        needs.iter().map(name).collect()
    }

    fn has(needs: &[String], name: &str) -> bool {
        needs.iter().any(|need| need == name)
    }

    #[test]
    fn the_guides_fourteen_are_needed_from_4_3_on_and_ten_of_them_before() {
        let facts = UpgradeFacts::default();
        assert_eq!(upgrade("4.2.22", "5.5.62", &facts).len(), 10);
        let fourteen = upgrade("4.4.21", "5.5.62", &facts);
        assert_eq!(fourteen.len(), 14);
        for new in ["CREATE VIEW", "TRIGGER", "CREATE ROUTINE", "ALTER ROUTINE"] {
            assert!(has(&fourteen, new), "{new}");
        }
    }

    #[test]
    fn references_is_needed_where_the_server_asks_for_it() {
        let facts = UpgradeFacts::default();
        for (server, needed) in [
            ("5.7.5", false),
            ("5.7.6", true),
            ("9.7.4", true),
            ("11.8.6-MariaDB", false),
        ] {
            let needs = upgrade("5.81.2", server, &facts);
            assert_eq!(has(&needs, "REFERENCES"), needed, "{server}");
        }
    }

    #[test]
    fn super_is_needed_for_triggers_before_5_1_6_and_with_binary_logging() {
        let binlog = UpgradeFacts {
            binary_logging: true,
            ..UpgradeFacts::default()
        };
        let none = UpgradeFacts::default();
        let old = upgrade("4.4.21", "5.0.96", &none);
        assert!(has(&old, "SUPER") && !has(&old, "TRIGGER"));
        assert!(!has(&upgrade("4.2.22", "5.0.96", &none), "SUPER"));
        assert!(has(&upgrade("5.81.2", "9.7.4", &binlog), "SUPER"));
        assert!(!has(&upgrade("5.81.2", "9.7.4", &none), "SUPER"));
        assert!(!has(&upgrade("4.2.22", "5.5.62", &binlog), "SUPER"));
    }

    #[test]
    fn facts_about_the_site_add_and_remove_needs() {
        let default = UpgradeFacts::default;
        let multilingual = UpgradeFacts {
            multilingual: true,
            ..default()
        };
        let needs = upgrade("4.2.22", "5.5.62", &multilingual);
        assert!(has(&needs, "CREATE VIEW") && has(&needs, "TRIGGER"));
        let by_hand = UpgradeFacts {
            triggers_by_hand: true,
            ..default()
        };
        assert!(!has(&upgrade("5.81.2", "5.7.44", &by_hand), "TRIGGER"));
        let two = UpgradeFacts {
            logging_database: Some("log".to_owned()),
            ..default()
        };
        assert_eq!(upgrade("5.81.2", "10.11.19-MariaDB", &two).len(), 28);
        let routines_of_root = UpgradeFacts {
            routines_of_system_user: true,
            ..default()
        };
        assert!(has(
            &upgrade("5.81.2", "9.7.4", &routines_of_root),
            "SYSTEM_USER"
        ));
        assert!(!has(
            &upgrade("5.81.2", "10.11.19-MariaDB", &routines_of_root),
            "SYSTEM_USER"
        ));
    }

    #[test]
    fn events_that_nobody_sees_make_no_backup_fail() {
        let server = ServerVersion::parse("10.11.19-MariaDB").expect("a server");
        let weight = |events, events_hidden| {
            let facts = BackupFacts {
                events,
                events_hidden,
                ..BackupFacts::default()
            };
            let needs = needed_for_backup(&server, &facts).into_iter();
            let mut needs = needs.filter(|need| need.any_of[0].privilege == Privilege::Event);
            needs.next().map(|need| need.weight)
        };
        assert_eq!(weight(false, false), None);
        assert_eq!(weight(false, true), Some(Weight::Advised));
        assert_eq!(weight(true, false), Some(Weight::Required));
    }

    #[test]
    fn a_backup_needs_only_what_is_there_to_be_read() {
        let all = BackupFacts {
            views: true,
            triggers: true,
            routines_of_others: true,
            events: true,
            events_hidden: true,
            single_transaction: false,
            gtids: false,
        };
        assert_eq!(
            backup("10.11.19-MariaDB", &BackupFacts::default()),
            ["SELECT", "LOCK TABLES"]
        );
        assert_eq!(
            backup("11.8.6-MariaDB", &all),
            [
                "SELECT",
                "LOCK TABLES",
                "SHOW VIEW",
                "TRIGGER",
                "SHOW CREATE ROUTINE or SELECT or SELECT",
                "EVENT"
            ]
        );
        let transaction = BackupFacts {
            single_transaction: true,
            gtids: true,
            ..BackupFacts::default()
        };
        assert_eq!(
            backup("9.7.4", &transaction),
            ["SELECT", "FLUSH_TABLES or RELOAD", "PROCESS"]
        );
        assert_eq!(backup("10.11.19-MariaDB", &transaction), ["SELECT"]);
    }
}
