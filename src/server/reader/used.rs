//! What the stored programs and views of the database use outside of it: accounts, and other databases.

use std::collections::BTreeSet;

use indexmap::{IndexMap, IndexSet};

use super::FactReader;
use crate::grants::Grants;
use crate::schema::model::{Account, Schema};
use crate::schema::references::users;
use crate::schema::sql::string;
use crate::server::connection::first;
use crate::server::error::ServerError;
use crate::snapshot::ServerFacts;

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
            let grants = match &facts.account {
                Some(own) if own == definer => facts.grants.clone(),
                _ => self.grants_of(definer)?,
            };
            all.insert(definer.clone(), grants);
        }
        Ok(all)
    }

    fn grants_of(&mut self, account: &Account) -> Result<Option<Grants>, ServerError> {
        let about = format!("the privileges of {account}");
        let answer = self.if_allowed(&about, &format!("SHOW GRANTS FOR {account}"))?;
        let mut lines: Vec<String> = answer.iter().flatten().filter_map(first).collect();
        if lines.is_empty() {
            return Ok(None);
        }
        // What MariaDB 10.11 and later give to everyone; other servers refuse the question.
        let public = self.if_allowed("the privileges of PUBLIC", "SHOW GRANTS FOR PUBLIC")?;
        lines.extend(public.iter().flatten().filter_map(first));
        Ok(Some(Grants::parse(&lines.join("\n"))))
    }

    /// Asks which tables, views and routines there are in each other database that objects of this one use.
    pub(super) fn elsewhere(
        &mut self,
        schema: &Schema,
    ) -> Result<IndexMap<String, IndexSet<String>>, ServerError> {
        let mut databases = BTreeSet::new();
        for user in users(schema) {
            let uses = &user.uses;
            let names = uses.tables.iter().chain(&uses.functions).chain(&uses.procedures);
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
