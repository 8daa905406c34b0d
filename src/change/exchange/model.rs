//! Which tables change places, and between which databases.

use serde::{Deserialize, Serialize};

use crate::gate::{Blocked, Meaning, Operation};
use crate::schema::sql::identifier;

/// Which tables change places, and between which databases of one server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    /// The site's database.
    pub database: String,
    /// The database in which the tables that come are made ready.
    pub beside: String,
    /// The database that takes the tables that go.
    pub aside: String,
    /// The tables that go.
    pub goes: Vec<String>,
    /// The tables that come.
    pub comes: Vec<String>,
    /// Those of the two databases that are made for it, and are dropped in the end.
    pub made: Vec<String>,
    /// Foreign keys between tables that change places and others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<Reference>,
}

/// A foreign key between a table that changes places and one that stays. It is dropped before the exchange, and made
/// again behind it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reference {
    /// The table that has it.
    pub table: String,
    /// Its name.
    pub key: String,
    /// The table that it leads to.
    pub parent: String,
    /// How it is dropped of the site's table; `None` where that does not have it.
    pub goes: Option<KeyChange>,
    /// How it is made of the table that is in its place afterwards; `None` where that does not have it.
    pub comes: Option<KeyChange>,
}

/// The two ALTER TABLE statements about a foreign key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyChange {
    /// Drops it.
    pub drop: String,
    /// Makes it.
    pub add: String,
}

/// Databases of the server itself, whose tables never move.
const OF_SERVER: [&str; 4] = ["mysql", "information_schema", "performance_schema", "sys"];

impl Exchange {
    /// Makes sure that the exchange is one of three databases of the user's, and that `inverse` is what takes it
    /// back. A journal holds both, and could hold anything.
    ///
    /// # Errors
    /// It is something else; the text says what, as the end of a sentence.
    pub(in crate::change) fn check(&self, inverse: &str) -> Result<(), &'static str> {
        let names = [&self.database, &self.beside, &self.aside];
        let is_of_server = |name: &str| OF_SERVER.iter().any(|it| name.eq_ignore_ascii_case(it));
        if names
            .iter()
            .any(|name| name.is_empty() || is_of_server(name))
        {
            return Err("moves tables of the server itself");
        }
        let [one, two, three] = names.map(|name| name.to_lowercase());
        if one == two || one == three || two == three {
            return Err("moves tables from a database into itself");
        }
        match self.way_back() {
            Ok(way_back) if way_back == inverse => Ok(()),
            _ => Err("is not taken back by what it says"),
        }
    }

    /// The RENAME TABLE by which all tables change places.
    ///
    /// # Errors
    /// It does not pass the gate, as where a name cannot be stored.
    pub fn way_there(&self) -> Result<String, Blocked> {
        let goes = self.goes.iter().collect::<Vec<_>>();
        let comes = self.comes.iter().collect::<Vec<_>>();
        rename(&self.database, (&goes, &self.aside), (&comes, &self.beside))
    }

    /// The RENAME TABLE by which all tables change back.
    ///
    /// # Errors
    /// It does not pass the gate.
    pub fn way_back(&self) -> Result<String, Blocked> {
        let goes = self.goes.iter().collect::<Vec<_>>();
        let comes = self.comes.iter().collect::<Vec<_>>();
        rename(&self.database, (&comes, &self.beside), (&goes, &self.aside))
    }
}

/// The one RENAME TABLE in which some tables leave a database, and then others come into it.
pub(super) fn rename(
    database: &str,
    (leaving, to): (&[&String], &str),
    (arriving, from): (&[&String], &str),
) -> Result<String, Blocked> {
    let name =
        |database: &str, table: &str| format!("{}.{}", identifier(database), identifier(table));
    let leave = leaving
        .iter()
        .map(|table| format!("{} TO {}", name(database, table), name(to, table)));
    let arrive = arriving
        .iter()
        .map(|table| format!("{} TO {}", name(from, table), name(database, table)));
    let moves: Vec<String> = leave.chain(arrive).collect();
    let tables = leaving.iter().chain(arriving).map(|table| table.as_str());
    let mut names: Vec<&str> = tables.collect();
    names.push(database);
    if !leaving.is_empty() {
        names.push(to);
    }
    if !arriving.is_empty() {
        names.push(from);
    }
    let sql = format!("RENAME TABLE {}", moves.join(", "));
    Meaning::new(Operation::RenameTable, names).pass(sql)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exchange(name: &str) -> Exchange {
        Exchange {
            database: "civi".to_owned(),
            beside: "civi_new".to_owned(),
            aside: "civi_old".to_owned(),
            goes: vec![name.to_owned()],
            comes: vec![name.to_owned(), "civicrm_contact".to_owned()],
            ..Exchange::default()
        }
    }

    #[test]
    fn whatever_tables_are_called_they_move_there_and_back() {
        for name in crate::hostile::names() {
            let exchange = exchange(&name);
            match (exchange.way_there(), exchange.way_back()) {
                (Ok(there), Ok(back)) => {
                    assert_eq!(exchange.check(&back), Ok(()), "{name:?}");
                    assert!(exchange.check(&there).is_err(), "{name:?}");
                }
                _ => assert!(crate::hostile::is_refused(&name), "{name:?}"),
            }
        }
    }

    #[test]
    fn what_leaves_does_so_before_anything_comes_in_its_place() {
        let there = exchange("a").way_there().expect("it passes");
        assert_eq!(
            there,
            "RENAME TABLE `civi`.`a` TO `civi_old`.`a`, `civi_new`.`a` TO `civi`.`a`, \
             `civi_new`.`civicrm_contact` TO `civi`.`civicrm_contact`"
        );
    }

    #[test]
    fn an_exchange_with_the_servers_own_tables_or_of_one_database_is_refused() {
        for (database, beside, aside) in [
            ("civi", "mysql", "old"),
            ("civi", "new", "MySQL"),
            ("civi", "civi", "old"),
            ("civi", "new", "New"),
            ("civi", "", "old"),
        ] {
            let exchange = Exchange {
                database: database.to_owned(),
                beside: beside.to_owned(),
                aside: aside.to_owned(),
                ..exchange("a")
            };
            let back = exchange.way_back().unwrap_or_default();
            assert!(exchange.check(&back).is_err(), "{exchange:?}");
        }
    }
}
