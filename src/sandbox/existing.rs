//! A server that another person runs, to try things on.

use super::SandboxError;
use crate::server::answer::text;
use crate::server::connection::Reader;
use crate::server::login::Login;
use crate::server::sql;

/// A running server that holds no tables.
#[derive(Clone, Debug)]
pub struct Existing {
    login: Login,
}

impl Existing {
    /// Connects to the server and checks it. The server has to be empty, and the account has to be able to see
    /// that by a global SELECT privilege of its own: everything on a sandbox may be changed or removed.
    ///
    /// # Errors
    /// The server cannot be reached, it holds a table, or the account does not see all tables.
    pub fn open(login: Login) -> Result<Self, SandboxError> {
        let mut connection = Reader::open(&login)?;
        match refuse_tables(&mut connection)? {
            true => Ok(Self { login }),
            false => Err(SandboxError::SeesTooLittle(
                connection.endpoint().to_string(),
            )),
        }
    }

    /// The server and the account to use.
    pub fn login(&self) -> &Login {
        &self.login
    }
}

/// Whether the account sees all tables of the server, where it sees none.
///
/// # Errors
/// It sees one.
pub(super) fn refuse_tables(connection: &mut Reader) -> Result<bool, SandboxError> {
    let answer = connection.ask("all tables", sql!("all-tables"))?;
    let value = |name: &str| text(answer.first()?, name);
    let count = |name: &str| value(name)?.parse::<u64>().ok();
    match count("tables_seen") {
        Some(0) => Ok(count("sees_all").is_some_and(|number| number > 0)),
        Some(tables) => Err(SandboxError::NotEmpty {
            server: connection.endpoint().to_string(),
            tables,
            example: super::watched::inert(&value("example").unwrap_or_default()),
        }),
        None => Ok(false),
    }
}
