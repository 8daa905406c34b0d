//! What a server tells of itself: variables, accounts, replication.

use super::FactReader;
use crate::grants::Grants;
use crate::schema::charset;
use crate::schema::model::Account;
use crate::server::connection::{first, text};
use crate::server::error::ServerError;
use crate::server_version::Family;
use crate::snapshot::ServerFacts;

impl FactReader<'_> {
    /// Asks for everything that is not about the database's own objects.
    pub(super) fn facts(&mut self) -> Result<ServerFacts, ServerError> {
        let mut facts = ServerFacts {
            comment: self.connection.comment.clone(),
            account: Some(self.connection.account.clone()),
            encrypted: self.connection.encrypted,
            ..ServerFacts::default()
        };
        let variables = self.connection.ask(
            "the server's settings",
            include_str!("../../../sql/variables.sql"),
        )?;
        let variables = variables.iter().filter_map(|row| {
            let name = text(row, "variable_name")?.to_lowercase();
            Some((name, text(row, "value")?))
        });
        facts.variables = variables.collect();
        let engines = self.connection.ask_if_possible(
            "the storage engines",
            include_str!("../../../sql/engines.sql"),
        )?;
        facts.engines = engines.map(|answer| answer.iter().filter_map(engine).collect());
        let grants = self
            .connection
            .ask_if_possible("its privileges", include_str!("../../../sql/grants.sql"))?;
        let roles = self
            .connection
            .ask_if_possible("its roles", include_str!("../../../sql/roles.sql"))?;
        facts.grants = grants.map(|answer| {
            let lines: Vec<String> = answer.iter().filter_map(first).collect();
            let grants = Grants::parse(&lines.join("\n"));
            // Servers without roles answer with an error.
            match roles {
                Some(roles) => grants.with_current_role(roles.first().and_then(first).as_deref()),
                None => grants,
            }
        });
        let accounts = self
            .connection
            .ask_if_possible("the accounts", include_str!("../../../sql/accounts.sql"))?;
        facts.accounts = accounts.map(|answer| {
            let account = |row| Account {
                user: text(row, "user").unwrap_or_default(),
                host: text(row, "host").unwrap_or_default(),
            };
            answer.iter().map(account).collect()
        });
        let database = self.connection.ask(
            "the database's character set",
            include_str!("../../../sql/database.sql"),
        )?;
        facts.database_charset = database.first().and_then(|row| {
            let canonical = |column| text(row, column).map(|name| charset::canonical(&name));
            Some((
                canonical("default_character_set_name")?,
                canonical("default_collation_name")?,
            ))
        });
        let question = match self.connection.version.family {
            Family::Mariadb => include_str!("../../../sql/replica-mariadb.sql"),
            Family::Mysql if self.connection.version.number >= (8, 0, 22) => {
                include_str!("../../../sql/replica-mysql.sql")
            }
            Family::Mysql => include_str!("../../../sql/replica-old.sql"),
        };
        let replica = self
            .connection
            .ask_if_possible("its replication", question)?;
        facts.is_replica = replica.map(|answer| !answer.is_empty());
        let replicas = self
            .connection
            .ask_if_possible("its replicas", include_str!("../../../sql/replicas.sql"))?;
        facts.replicas = replicas
            .and_then(|answer| first(answer.first()?)?.parse().ok())
            .unwrap_or(0);
        Ok(facts)
    }
}

fn engine(row: &crate::snapshot::Row) -> Option<(String, bool)> {
    let name = text(row, "engine")?.to_lowercase();
    let support = text(row, "support")?;
    Some((name, matches!(support.as_str(), "YES" | "DEFAULT")))
}
