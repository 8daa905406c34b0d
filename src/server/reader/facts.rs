//! What a server tells of itself: variables, accounts, replication.

use super::database::FactReader;
use crate::grants::Grants;
use crate::schema::charset;
use crate::schema::model::Account;
use crate::server::answer::{first, text};
use crate::server::error::ServerError;
use crate::server_version::Family;
use crate::snapshot::ServerFacts;

impl FactReader<'_> {
    /// Asks for everything that is not about the database's own objects.
    pub(super) fn facts(&mut self) -> Result<ServerFacts, ServerError> {
        let connection = &mut *self.connection;
        let mut facts = ServerFacts {
            comment: connection.comment.clone(),
            account: Some(connection.account.clone()),
            encrypted: connection.encrypted,
            ..ServerFacts::default()
        };
        let variables = connection.ask("the server's settings", sql!("variables"))?;
        let variables = variables.iter().filter_map(|row| {
            let name = text(row, "variable_name")?.to_lowercase();
            Some((name, text(row, "value")?))
        });
        facts.variables = variables.collect();
        let engines = connection.ask_if_possible("the storage engines", sql!("engines"))?;
        facts.engines = engines.map(|answer| answer.iter().filter_map(engine).collect());
        let grants = connection.ask_if_possible("its privileges", sql!("grants"))?;
        let roles = connection.ask_if_possible("its roles", sql!("roles"))?;
        facts.grants = grants.map(|answer| {
            let lines: Vec<String> = answer.iter().filter_map(first).collect();
            let grants = Grants::parse(&lines.join("\n"));
            // Servers without roles answer with an error.
            match roles {
                Some(roles) => grants.with_current_role(roles.first().and_then(first).as_deref()),
                None => grants,
            }
        });
        let accounts = connection.ask_if_possible("the accounts", sql!("accounts"))?;
        facts.accounts = accounts.map(|answer| {
            let account = |row| Account {
                user: text(row, "user").unwrap_or_default(),
                host: text(row, "host").unwrap_or_default(),
            };
            answer.iter().map(account).collect()
        });
        let loadable = sql!("loadable-functions");
        let loadable = connection.ask_if_possible("the loadable functions", loadable)?;
        facts.loadable_functions = loadable.map(|answer| {
            let names = answer.iter().filter_map(first);
            names.map(|name| name.to_lowercase()).collect()
        });
        let database = connection.ask("the database's character set", sql!("database"))?;
        facts.database_charset = database.first().and_then(|row| {
            let canonical = |column| text(row, column).map(|name| charset::canonical(&name));
            Some((
                canonical("default_character_set_name")?,
                canonical("default_collation_name")?,
            ))
        });
        let question = match connection.version.family {
            Family::Mariadb => sql!("replica-mariadb"),
            Family::Mysql if connection.version.number >= (8, 0, 22) => {
                sql!("replica-mysql")
            }
            Family::Mysql => sql!("replica-old"),
        };
        let replica = connection.ask_if_possible("its replication", question)?;
        facts.is_replica = replica.map(|answer| !answer.is_empty());
        let replicas = connection.ask_if_possible("its replicas", sql!("replicas"))?;
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
