//! What a server tells of itself: settings, accounts, replication.

use super::Reader;
use crate::schema::charset;
use crate::schema::model::Account;
use crate::server::connection::{Answer, first, text};
use crate::server::error::ServerError;
use crate::server_version::Family;
use crate::snapshot::ServerFacts;

impl Reader<'_> {
    /// Asks everything that is not about the database's own objects.
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
        facts.variables = variables
            .iter()
            .filter_map(|row| {
                let name = text(row, "variable_name")?.to_lowercase();
                Some((name, text(row, "value")?))
            })
            .collect();
        let engines = self.if_allowed(
            "the storage engines",
            include_str!("../../../sql/engines.sql"),
        )?;
        facts.engines = engines.map(|answer| answer.iter().filter_map(engine).collect());
        let grants =
            self.if_allowed("its privileges", include_str!("../../../sql/grants.sql"))?;
        facts.grants =
            grants.map(|answer| answer.iter().filter_map(first).map(without_hash).collect());
        let roles = self.if_allowed("its roles", include_str!("../../../sql/roles.sql"))?;
        facts.active_roles = roles
            .and_then(|answer| answer.first().and_then(first))
            .filter(|roles| roles != "NONE");
        let accounts =
            self.if_allowed("the accounts", include_str!("../../../sql/accounts.sql"))?;
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
        let replica = self.if_allowed("its replication", question)?;
        facts.is_replica = replica.map(|answer| !answer.is_empty());
        let replicas =
            self.if_allowed("its replicas", include_str!("../../../sql/replicas.sql"))?;
        facts.replicas = replicas
            .and_then(|answer| first(answer.first()?)?.parse().ok())
            .unwrap_or(0);
        Ok(facts)
    }

    /// Asks what an account may or may not be allowed to ask, and older servers do not know.
    fn if_allowed(&mut self, about: &str, sql: &str) -> Result<Option<Answer>, ServerError> {
        match self.connection.ask(about, sql) {
            Ok(answer) => Ok(Some(answer)),
            Err(error) if error.is_lost() => Err(error),
            Err(_) => Ok(None),
        }
    }
}

fn engine(row: &crate::snapshot::Row) -> Option<(String, bool)> {
    let name = text(row, "engine")?.to_lowercase();
    let support = text(row, "support")?;
    Some((name, matches!(support.as_str(), "YES" | "DEFAULT")))
}

/// MariaDB prints the hash of the password with USAGE; it is nobody's business.
fn without_hash(line: String) -> String {
    let Some(start) = line.find(" IDENTIFIED ") else {
        return line;
    };
    let (head, tail) = line.split_at(start);
    // Hash and plugin stand in quotes or are words; what follows begins with one of these.
    let rest = [" REQUIRE ", " WITH "]
        .iter()
        .filter_map(|word| tail.find(word))
        .min()
        .and_then(|place| tail.get(place..))
        .unwrap_or_default();
    format!("{head}{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_hash_is_kept() {
        let line = "GRANT USAGE ON *.* TO `u`@`localhost` IDENTIFIED BY PASSWORD '*D8' REQUIRE SSL";
        assert_eq!(
            without_hash(line.to_owned()),
            "GRANT USAGE ON *.* TO `u`@`localhost` REQUIRE SSL"
        );
        let line = "GRANT USAGE ON *.* TO `u`@`localhost` IDENTIFIED VIA unix_socket";
        assert_eq!(
            without_hash(line.to_owned()),
            "GRANT USAGE ON *.* TO `u`@`localhost`"
        );
    }
}
