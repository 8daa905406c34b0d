//! What the stored programs and views of the database use outside of it: accounts, and other databases.

use std::collections::BTreeSet;

use indexmap::{IndexMap, IndexSet};

use super::database::FactReader;
use crate::gate::{Blocked, Meaning, Operation};
use crate::grants::Grants;
use crate::schema::model::{Account, Schema};
use crate::schema::references::users;
use crate::schema::sql::string;
use crate::server::answer::{first, text};
use crate::server::error::ServerError;
use crate::server_version::Family;
use crate::snapshot::{Row, ServerFacts};

impl FactReader<'_> {
    /// Asks for the privileges of each account that objects of the database run as.
    pub(super) fn definer_grants(
        &mut self,
        schema: &Schema,
        facts: &ServerFacts,
    ) -> Result<IndexMap<Account, Option<Grants>>, ServerError> {
        let mut all = IndexMap::new();
        let definers: BTreeSet<&Account> = schema.definers().collect();
        for definer in definers {
            // Of itself MySQL's account knows its default roles, which are active; it may not look them up.
            let Some(account) = facts.account_of(definer) else {
                continue;
            };
            let is_own = facts.account.as_ref() == Some(account);
            let grants = match self.connection.version.family {
                Family::Mysql if is_own => facts.grants.clone(),
                _ => self.grants_of(account)?,
            };
            all.insert(definer.clone(), grants);
        }
        Ok(all)
    }

    fn grants_of(&mut self, account: &Account) -> Result<Option<Grants>, ServerError> {
        let about = format!("the privileges of {account}");
        // MySQL counts the default roles of a definer (measured on 9.7), and spells them out with USING. MariaDB
        // counts none (measured on 10.11).
        let roles = match self.connection.version.family {
            Family::Mysql => self.default_roles(account)?,
            Family::Mariadb => Vec::new(),
        };
        let Ok(sql) = show_grants(account, &roles) else {
            return Ok(None);
        };
        let answer = self.connection.ask_if_possible(&about, &sql)?;
        let mut lines: Vec<String> = answer.iter().flatten().filter_map(first).collect();
        if lines.is_empty() {
            return Ok(None);
        }
        // What MariaDB 10.11 and later give to everyone; other servers refuse the question.
        let public = self
            .connection
            .ask_if_possible("the privileges of PUBLIC", "SHOW GRANTS FOR PUBLIC")?;
        lines.extend(public.iter().flatten().filter_map(first));
        Ok(Some(Grants::parse(&lines.join("\n"))))
    }

    /// The default roles of an account; empty without any, and on servers without roles.
    fn default_roles(&mut self, account: &Account) -> Result<Vec<Account>, ServerError> {
        let sql = default_roles(account)?;
        let answer = self
            .connection
            .ask_if_possible(&format!("the default roles of {account}"), &sql)?;
        let role = |row: &Row| {
            let value = |column| text(row, column).unwrap_or_default();
            Account {
                user: value("default_role_user"),
                host: value("default_role_host"),
            }
        };
        Ok(answer.iter().flatten().map(role).collect())
    }

    /// Asks which tables, views and routines there are in each other database that objects of this one use.
    pub(super) fn elsewhere(
        &mut self,
        schema: &Schema,
    ) -> Result<IndexMap<String, IndexSet<String>>, ServerError> {
        let mut databases = BTreeSet::new();
        for user in users(schema) {
            let uses = &user.uses;
            let names = uses
                .tables
                .iter()
                .chain(&uses.functions)
                .chain(&uses.procedures);
            databases.extend(names.filter_map(|name| name.database.clone()));
        }
        let keys = schema
            .tables
            .values()
            .flat_map(|table| table.foreign_keys.values());
        databases.extend(keys.filter_map(|key| key.referenced_database.clone()));
        let mut all = IndexMap::new();
        for database in databases.into_iter().filter(|name| name != self.database) {
            let about = format!("the objects of {database}");
            let answer = self.connection.ask(&about, &objects_of(&database)?)?;
            all.insert(database, answer.iter().filter_map(first).collect());
        }
        Ok(all)
    }
}

fn show_grants(account: &Account, roles: &[Account]) -> Result<String, Blocked> {
    let using: Vec<String> = roles.iter().map(Account::to_string).collect();
    let using = match using.is_empty() {
        true => String::new(),
        false => format!(" USING {}", using.join(", ")),
    };
    let accounts = [account].into_iter().chain(roles);
    let names = accounts.flat_map(|account| [account.user.as_str(), &account.host]);
    let meaning = Meaning::new(Operation::ShowGrants, names);
    meaning.pass(format!("SHOW GRANTS FOR {account}{using}"))
}

fn default_roles(account: &Account) -> Result<String, Blocked> {
    let (user, host) = (string(&account.user), string(&account.host));
    Meaning::new(Operation::Select, [""; 0]).pass(format!(
        "SELECT DEFAULT_ROLE_USER, DEFAULT_ROLE_HOST FROM mysql.default_roles WHERE USER = {user} AND HOST = {host}"
    ))
}

/// The statement that lists the tables, views and routines of a database.
fn objects_of(database: &str) -> Result<String, Blocked> {
    let database = string(database);
    Meaning::new(Operation::Select, [""; 0]).pass(format!(
        "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = {database} \
         UNION SELECT ROUTINE_NAME FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = {database}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hostile;

    #[test]
    fn what_is_asked_of_definers_and_other_databases_is_what_is_meant_whatever_names_are() {
        for name in hostile::names() {
            let account = Account {
                user: name.clone(),
                host: name.clone(),
            };
            let is_unstorable = hostile::is_unstorable(&name);
            for statement in [
                show_grants(&account, &[]),
                show_grants(&account, std::slice::from_ref(&account)),
            ] {
                assert_eq!(statement.is_err(), is_unstorable, "{statement:?}");
            }
            assert!(default_roles(&account).is_ok(), "{name:?}");
            assert!(objects_of(&name).is_ok(), "{name:?}");
        }
    }
}
