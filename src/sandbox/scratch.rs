//! An empty database on a server that another person runs, to try things in.

use super::SandboxError;
use super::existing::refuse_tables;
use crate::gate::{Blocked, Meaning, Operation};
use crate::schema::sql::{identifier, string};
use crate::server::answer::text;
use crate::server::connection::Reader;
use crate::server::error::ServerError;
use crate::server::login::Login;
use crate::server::writer::Writer;
use crate::server_version::ServerVersion;

/// An empty database on a running server, which is emptied again in the end.
#[derive(Debug)]
pub struct Scratch {
    login: Login,
    database: String,
    version: ServerVersion,
    /// Its character set and collation.
    charset: (String, String),
    /// Whether it is to be emptied.
    is_used: bool,
}

impl Scratch {
    /// Connects to a server and looks at a database. The account may see no table there, in this database or in another:
    /// everything in the database may be changed or removed, and what others wrote runs with the account's privileges.
    ///
    /// # Errors
    /// The server cannot be reached, the database is not there or not empty, or the account sees a table.
    pub fn open(login: Login, database: &str) -> Result<Self, SandboxError> {
        let mut connection = Reader::open(&login)?;
        let server = connection.endpoint().to_string();
        refuse_tables(&mut connection)?;
        let name = string(database);
        let sql = format!(
            "SELECT DEFAULT_CHARACTER_SET_NAME AS charset_name, DEFAULT_COLLATION_NAME AS collation_name, \
             (SELECT MIN(ROUTINE_NAME) FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = {name}) AS of_routines, \
             (SELECT MIN(EVENT_NAME) FROM information_schema.EVENTS WHERE EVENT_SCHEMA = {name}) AS of_events \
             FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = {name}"
        );
        let sql = Meaning::new(Operation::Select, [""; 0]).pass(sql);
        let answer = connection.ask("the database", &sql.map_err(ServerError::from)?)?;
        let Some(row) = answer.first() else {
            return Err(SandboxError::NoDatabase(server, database.to_owned()));
        };
        let value = |column| text(row, column);
        if let Some(object) = value("of_routines").or(value("of_events")) {
            let object = super::watched::inert(&object);
            return Err(SandboxError::NotEmptyDatabase(database.to_owned(), object));
        }
        Ok(Self {
            version: connection.version.clone(),
            charset: (
                value("charset_name").unwrap_or_default(),
                value("collation_name").unwrap_or_default(),
            ),
            login: Login {
                database: Some(database.to_owned()),
                ..login
            },
            database: database.to_owned(),
            is_used: true,
        })
    }

    /// The server, the account and the database to use.
    pub fn login(&self) -> &Login {
        &self.login
    }

    /// The version of the server.
    pub fn version(&self) -> &ServerVersion {
        &self.version
    }

    /// Leaves in the database what is there now.
    pub fn keep(mut self) {
        self.is_used = false;
    }

    /// Empties the database: it is dropped and made again, as the one way that leaves nothing of any kind.
    ///
    /// # Errors
    /// The server refuses it, or the connection is lost.
    pub fn clear(mut self) -> Result<(), SandboxError> {
        self.is_used = false;
        self.make_anew()
    }

    fn make_anew(&self) -> Result<(), SandboxError> {
        let login = Login {
            database: None,
            ..self.login.clone()
        };
        let mut writer = Writer::begin(Reader::open(&login)?)?;
        let statements = anew(&self.database, &self.charset).map_err(ServerError::from)?;
        for sql in statements {
            writer.run("the database", &sql)?;
        }
        Ok(())
    }
}

/// The statements that drop a database and make it again with its character set and collation.
fn anew(database: &str, (charset, collation): &(String, String)) -> Result<[String; 2], Blocked> {
    let name = identifier(database);
    let drop = format!("DROP DATABASE IF EXISTS {name}");
    let create = format!(
        "CREATE DATABASE {name} CHARACTER SET {} COLLATE {}",
        string(charset),
        string(collation)
    );
    Ok([
        Meaning::new(Operation::DropDatabase, [database]).pass(drop)?,
        Meaning::new(Operation::CreateDatabase, [database]).pass(create)?,
    ])
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if self.is_used {
            // Whoever looks finds what is left; the next run says it.
            let _ = self.make_anew();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_is_made_anew_by_its_name_whatever_that_is() {
        let charset = ("utf8mb4".to_owned(), "utf8mb4_bin".to_owned());
        for name in crate::hostile::names() {
            let quoted = identifier(&name);
            match anew(&name, &charset) {
                Ok([drop, create]) => {
                    assert_eq!(drop, format!("DROP DATABASE IF EXISTS {quoted}"));
                    let rest = "CHARACTER SET 'utf8mb4' COLLATE 'utf8mb4_bin'";
                    assert_eq!(create, format!("CREATE DATABASE {quoted} {rest}"));
                }
                Err(_) => assert!(crate::hostile::is_refused(&name), "{name:?}"),
            }
        }
    }
}
