//! What the stored programs and views of the database use outside of it: accounts, and other databases.

use std::collections::BTreeSet;

use indexmap::{IndexMap, IndexSet};

use super::FactReader;
use crate::grants::Grants;
use crate::schema::model::{Account, Schema};
use crate::schema::references::users;
use crate::schema::sql::string;
use crate::server::connection::{first, text};
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
            let is_own = facts.account.as_ref() == Some(definer);
            let grants = match self.connection.version.family {
                Family::Mysql if is_own => facts.grants.clone(),
                _ => self.grants_of(definer)?,
            };
            all.insert(definer.clone(), grants);
        }
        Ok(all)
    }

    fn grants_of(&mut self, account: &Account) -> Result<Option<Grants>, ServerError> {
        let about = format!("the privileges of {account}");
        // MySQL counts the default roles of a definer (measured on 9.7), and spells them out with USING. MariaDB
        // counts none (measured on 10.11).
        let using = match self.connection.version.family {
            Family::Mysql => self.default_roles(account)?,
            Family::Mariadb => String::new(),
        };
        let answer = self
            .connection
            .ask_if_possible(&about, &format!("SHOW GRANTS FOR {account}{using}"))?;
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

    /// The clause that names the default roles of an account; empty without any, and on servers without roles.
    fn default_roles(&mut self, account: &Account) -> Result<String, ServerError> {
        let sql = format!(
            "SELECT DEFAULT_ROLE_USER, DEFAULT_ROLE_HOST FROM mysql.default_roles WHERE USER = {} AND HOST = {}",
            string(&account.user),
            string(&account.host)
        );
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
        let roles: Vec<String> = answer
            .iter()
            .flatten()
            .map(|row| role(row).to_string())
            .collect();
        Ok(match roles.is_empty() {
            true => String::new(),
            false => format!(" USING {}", roles.join(", ")),
        })
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
        let mut all = IndexMap::new();
        for database in databases.into_iter().filter(|name| name != self.database) {
            let about = format!("the objects of {database}");
            let sql = format!(
                "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = {0} \
                 UNION SELECT ROUTINE_NAME FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = {0}",
                string(&database)
            );
            let answer = self.connection.ask(&about, &sql)?;
            all.insert(database, answer.iter().filter_map(first).collect());
        }
        Ok(all)
    }
}
