//! Finds out what an account may do by doing it, with objects that are made for this purpose and all removed
//! afterwards.

use std::time::{SystemTime, UNIX_EPOCH};

use indexmap::IndexMap;

use super::connection::Reader;
use super::error::{ServerError, is_denial};
use super::writer::Writer;
use crate::schema::sql::identifier;

/// The result of trying a privilege.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The server allowed the statement.
    Allowed,
    /// The server refused the statement; its error number and message.
    Denied(u16, String),
    /// The privilege was not tried, for this reason.
    NotTried(String),
}

/// The result of trying all privileges.
#[derive(Clone, Debug, Default)]
pub struct Probed {
    /// What happened, by the privilege's name in the manual.
    pub outcomes: IndexMap<&'static str, Outcome>,
    /// Statements that remove the objects which could not be removed.
    pub left_behind: Vec<String>,
}

struct Probe {
    connection: Writer,
    probed: Probed,
    /// Statements that remove the objects made, the last object first.
    removals: Vec<String>,
}

/// Tries in the current database everything that CiviCRM's upgrades do.
///
/// An account that may not DROP could not clean up behind itself, so nothing is made then.
///
/// # Errors
/// The connection is lost. The error names what may be left behind.
pub fn probe(connection: Reader) -> Result<Probed, ServerError> {
    let mut probe = Probe {
        connection: Writer::begin(connection)?,
        probed: Probed::default(),
        removals: Vec::new(),
    };
    let tried = probe.all();
    let removed = probe.clean_up();
    tried?;
    removed?;
    Ok(probe.probed)
}

impl Probe {
    fn all(&mut self) -> Result<(), ServerError> {
        // No other object has these names.
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let (process, now) = (std::process::id(), now.map_or(0, |now| now.as_nanos()));
        let name = |kind: &str| identifier(&format!("cividb_probe_{kind}_{process}_{now}"));
        let (parent, child, temporary) = (name("p"), name("c"), name("x"));
        let (view, trigger, function) = (name("v"), name("t"), name("f"));
        // Privileges are looked at before existence, so this proves DROP and drops nothing.
        if !self.attempt("DROP", &format!("DROP TABLE {parent}"), None)? {
            let why = "without DROP what is made for the probe could not be removed again";
            self.not_tried(why);
            return Ok(());
        }
        self.attempt(
            "CREATE TEMPORARY TABLES",
            &format!("CREATE TEMPORARY TABLE {temporary} (id INT)"),
            Some(format!("DROP TEMPORARY TABLE IF EXISTS {temporary}")),
        )?;
        // Routines of one's own may be altered without the privilege; this asks for the whole database.
        self.attempt(
            "ALTER ROUTINE",
            &format!("DROP FUNCTION {}", name("none")),
            None,
        )?;
        self.attempt(
            "CREATE ROUTINE",
            &format!("CREATE FUNCTION {function}() RETURNS INT DETERMINISTIC NO SQL RETURN 1"),
            Some(format!("DROP FUNCTION IF EXISTS {function}")),
        )?;
        let made = self.attempt(
            "CREATE",
            &format!("CREATE TABLE {parent} (id INT NOT NULL PRIMARY KEY) ENGINE=InnoDB"),
            Some(format!("DROP TABLE IF EXISTS {parent}")),
        )?;
        if !made {
            self.not_tried("without CREATE there is no table to try it on");
            return Ok(());
        }
        for (privilege, statement) in [
            ("INSERT", format!("INSERT INTO {parent} VALUES (1)")),
            ("SELECT", format!("SELECT id FROM {parent}")),
            ("UPDATE", format!("UPDATE {parent} SET id = 2")),
            ("DELETE", format!("DELETE FROM {parent}")),
            ("ALTER", format!("ALTER TABLE {parent} ADD COLUMN a INT")),
            ("INDEX", format!("CREATE INDEX i ON {parent} (id)")),
        ] {
            self.attempt(privilege, &statement, None)?;
        }
        let locked = self.attempt("LOCK TABLES", &format!("LOCK TABLES {parent} WRITE"), None)?;
        if locked {
            self.connection.run("the probe", "UNLOCK TABLES")?;
        }
        self.attempt(
            "REFERENCES",
            &format!(
                "CREATE TABLE {child} (id INT NOT NULL, FOREIGN KEY (id) REFERENCES {parent} (id)) ENGINE=InnoDB"
            ),
            Some(format!("DROP TABLE IF EXISTS {child}")),
        )?;
        self.attempt(
            "TRIGGER",
            &format!(
                "CREATE TRIGGER {trigger} BEFORE INSERT ON {parent} FOR EACH ROW SET NEW.id = NEW.id"
            ),
            Some(format!("DROP TRIGGER IF EXISTS {trigger}")),
        )?;
        self.attempt(
            "CREATE VIEW",
            &format!("CREATE VIEW {view} AS SELECT 1 AS one"),
            Some(format!("DROP VIEW IF EXISTS {view}")),
        )?;
        Ok(())
    }

    /// Tries one statement and records the result; `removal` is the statement that removes what it makes.
    fn attempt(
        &mut self,
        privilege: &'static str,
        statement: &str,
        removal: Option<String>,
    ) -> Result<bool, ServerError> {
        let outcome = match self
            .connection
            .run(&format!("the probe of {privilege}"), statement)
        {
            Ok(_) => Outcome::Allowed,
            Err(error) if error.is_lost() => return Err(self.with_leftovers(error)),
            Err(error) => match (error.code(), error) {
                // The object to be dropped does not exist, so dropping it would have been allowed.
                (Some(1051 | 1305 | 1091), _) => Outcome::Allowed,
                // 1419: binary logging asks for SUPER, too.
                (Some(code), ServerError::Denied { message, .. }) => Outcome::Denied(code, message),
                (Some(code), ServerError::Query { message, .. }) => Outcome::Denied(code, message),
                (_, other) => return Err(other),
            },
        };
        let allowed = outcome == Outcome::Allowed;
        if allowed {
            self.removals.extend(removal);
        }
        self.probed.outcomes.insert(privilege, outcome);
        Ok(allowed)
    }

    fn not_tried(&mut self, why: &str) {
        for privilege in PRIVILEGES {
            let untried = Outcome::NotTried(why.to_owned());
            self.probed.outcomes.entry(privilege).or_insert(untried);
        }
    }

    /// Removes all objects made, also after a failure.
    fn clean_up(&mut self) -> Result<(), ServerError> {
        while let Some(removal) = self.removals.pop() {
            match self.connection.run("the removal of the probe", &removal) {
                Ok(_) => {}
                Err(error) if error.is_lost() => {
                    self.removals.push(removal);
                    return Err(self.with_leftovers(error));
                }
                Err(_) => self.probed.left_behind.push(removal),
            }
        }
        Ok(())
    }

    /// Adds to an error of a lost connection what is left behind.
    fn with_leftovers(&self, error: ServerError) -> ServerError {
        let lasting = self.removals.iter().map(String::as_str);
        let lasting: Vec<&str> = lasting.filter(|it| !it.contains("TEMPORARY")).collect();
        match error {
            ServerError::Lost {
                server,
                question,
                message,
            } if !lasting.is_empty() => ServerError::Lost {
                server,
                question,
                message: format!("{message}; to remove by hand: {}", lasting.join("; ")),
            },
            other => other,
        }
    }
}

/// All privileges that are tried, by their names in the manual.
pub const PRIVILEGES: &[&str] = &[
    "SELECT",
    "INSERT",
    "UPDATE",
    "DELETE",
    "CREATE",
    "DROP",
    "INDEX",
    "ALTER",
    "REFERENCES",
    "CREATE TEMPORARY TABLES",
    "LOCK TABLES",
    "CREATE VIEW",
    "TRIGGER",
    "CREATE ROUTINE",
    "ALTER ROUTINE",
];

/// Whether an error number of the probe says that a privilege is missing, and not something else.
pub fn says_denied(code: u16) -> bool {
    // ER_BINLOG_CREATE_ROUTINE_NEED_SUPER
    is_denial(code) || code == 1419
}
