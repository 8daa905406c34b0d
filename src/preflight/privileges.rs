//! Which privilege an operation needs, and what the server says without it.

use super::server_model::{ServerError, ServerModel};
use crate::civicrm::upgrade::op::{Action, Alteration, InsertMode, Op, Via};
use crate::grants::Privileges;
use crate::privilege::Privilege;
use crate::server_version::Family;

/// The account that runs the upgrade.
#[derive(Clone, Debug)]
pub struct UpgradeAccount {
    /// The account as the server writes it, for messages: `'civi'@'localhost'`.
    pub name: String,
    /// What it may do in the database.
    pub privileges: Privileges,
}

impl UpgradeAccount {
    /// Whether the account has a privilege, on the whole database or on parts of it.
    fn has(&self, privilege: Privilege) -> bool {
        self.privileges.whole.contains(&privilege)
            || self.privileges.partly.contains_key(&privilege)
    }

    /// The error of the server where the account lacks a privilege that the operation needs; and that privilege.
    pub(super) fn denied(&self, op: &Op, server: &ServerModel) -> Option<(Privilege, ServerError)> {
        needs(op, server)
            .into_iter()
            .find_map(|(privilege, table)| {
                let has = match privilege {
                    Privilege::Super => self.privileges.global.contains(&privilege),
                    _ => self.has(privilege),
                };
                if has {
                    return None;
                }
                let account = self.name.clone();
                let error = match privilege {
                    Privilege::LockTables
                    | Privilege::CreateTemporaryTables
                    | Privilege::CreateRoutine => ServerError::DatabasePrivilege { account },
                    Privilege::Super => ServerError::NeedsSuper,
                    Privilege::AlterRoutine => ServerError::RoutinePrivilege {
                        command: "alter routine".to_owned(),
                        account,
                        routine: "civicrm_strip_non_numeric".to_owned(),
                    },
                    _ => ServerError::TablePrivilege {
                        command: privilege.name().to_owned(),
                        account,
                        table,
                    },
                };
                Some((privilege, error))
            })
    }
}

/// The privileges that an operation needs, each with the table on which it is needed, in the order in which the server
/// looks at them.
fn needs(op: &Op, server: &ServerModel) -> Vec<(Privilege, String)> {
    let table = op.table().unwrap_or_default().to_owned();
    let on_table = |privileges: &[Privilege]| {
        privileges
            .iter()
            .map(|privilege| (*privilege, table.clone()))
            .collect()
    };
    match (&op.action, op.via) {
        (_, Some(Via::CreateIndex | Via::DropIndex)) => on_table(&[Privilege::Index]),
        (_, Some(Via::Truncate)) => on_table(&[Privilege::Drop]),
        (_, Some(Via::LockTables)) => on_table(&[Privilege::LockTables]),
        (Action::CreateTable(new), _) if new.temporary => {
            on_table(&[Privilege::CreateTemporaryTables])
        }
        (Action::CreateTable(new), _) => {
            let mut needs: Vec<(Privilege, String)> = on_table(&[Privilege::Create]);
            for (_, key) in &new.foreign_keys {
                needs.extend(references(server, &key.referenced_table));
            }
            needs
        }
        (Action::DropTable { .. } | Action::DropView { .. }, _) => on_table(&[Privilege::Drop]),
        (Action::RenameTable { to, .. }, _) => vec![
            (Privilege::Alter, table.clone()),
            (Privilege::Drop, table.clone()),
            (Privilege::Create, to.clone()),
            (Privilege::Insert, to.clone()),
        ],
        (Action::Alter { clauses, .. }, _) => {
            let mut needs: Vec<(Privilege, String)> = on_table(&[Privilege::Alter]);
            for clause in clauses {
                if let Alteration::AddForeignKey { key, .. } = &clause.change {
                    needs.extend(references(server, &key.referenced_table));
                }
            }
            needs
        }
        (Action::CreateView { .. }, _) => on_table(&[Privilege::CreateView]),
        (Action::Insert(insert), _) => match insert.mode {
            InsertMode::Insert | InsertMode::Ignore => on_table(&[Privilege::Insert]),
            InsertMode::Replace => on_table(&[Privilege::Insert, Privilege::Delete]),
            InsertMode::OnDuplicate => on_table(&[Privilege::Insert, Privilege::Update]),
        },
        (Action::Update(_), _) => on_table(&[Privilege::Update]),
        (Action::Delete(_), _) => on_table(&[Privilege::Delete]),
        (Action::Select(_), _) => on_table(&[Privilege::Select]),
        (Action::DropTriggers, _) => on_table(&[Privilege::Trigger]),
        // The rebuild makes the routine before the triggers.
        (Action::CreateTrigger { table: None, .. }, _) => {
            let mut needs = on_table(&[Privilege::CreateRoutine, Privilege::AlterRoutine]);
            needs.extend(for_programs(server, &table));
            needs.push((Privilege::Trigger, "civicrm_contact".to_owned()));
            needs
        }
        (Action::CreateTrigger { .. }, _) => {
            let own = (Privilege::Trigger, table.clone());
            for_programs(server, &table)
                .into_iter()
                .chain([own])
                .collect()
        }
        (Action::CreateRoutine, _) => {
            let own = on_table(&[Privilege::CreateRoutine, Privilege::AlterRoutine]);
            own.into_iter()
                .chain(for_programs(server, &table))
                .collect()
        }
        (
            Action::Api(_)
            | Action::RebuildMultilingual { .. }
            | Action::ForeignKeyChecks(_)
            | Action::Other { .. },
            _,
        ) => Vec::new(),
    }
}

/// While binary logging is on, the server looks at SUPER before it looks at TRIGGER, and after it has looked at CREATE
/// ROUTINE (measured on MySQL 9.7).
fn for_programs(server: &ServerModel, table: &str) -> Option<(Privilege, String)> {
    server
        .programs_need_super
        .then(|| (Privilege::Super, table.to_owned()))
}

/// MySQL asks for REFERENCES on the parent table, MariaDB does not.
fn references(server: &ServerModel, parent: &str) -> Option<(Privilege, String)> {
    let is_mysql = server.version.family == Family::Mysql && server.version.number >= (5, 7, 6);
    is_mysql.then(|| (Privilege::References, parent.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::civicrm::upgrade::op::{Guard, Reads};
    use crate::server_version::ServerVersion;

    #[test]
    fn while_binary_logging_is_on_triggers_take_super_before_the_privilege_for_triggers() {
        let version = ServerVersion::parse_target("mysql-9.7").expect("a server");
        let mut server = ServerModel::new(version, "civicrm");
        let op = Op {
            action: Action::CreateTrigger {
                table: Some("civicrm_domain".to_owned()),
                reads: Reads::default(),
            },
            guard: Guard::None,
            code: Vec::new(),
            multilingual: None,
            logging: false,
            via: None,
        };
        let mut account = UpgradeAccount {
            name: "'civi'@'localhost'".to_owned(),
            privileges: Privileges::default(),
        };
        let number = |account: &UpgradeAccount, server: &ServerModel| {
            let denied = account.denied(&op, server);
            denied.map(|(_, error)| error.number(server))
        };
        assert_eq!(number(&account, &server), Some(1142));
        server.programs_need_super = true;
        assert_eq!(number(&account, &server), Some(1419));
        account.privileges.global.insert(Privilege::Super);
        assert_eq!(number(&account, &server), Some(1142));
        account.privileges.whole.insert(Privilege::Trigger);
        assert_eq!(number(&account, &server), None);
    }
}
