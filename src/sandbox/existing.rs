//! A server that another person runs, to try things on.

use super::SandboxError;
use crate::server::connection::{Reader, text};
use crate::server::login::Login;

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
        let answer = connection.ask("all tables", include_str!("../../sql/all-tables.sql"))?;
        let server = connection.endpoint().to_string();
        let value = |name: &str| text(answer.first()?, name);
        let count = |name: &str| value(name)?.parse::<u64>().ok();
        match (count("tables_seen"), count("sees_all")) {
            (Some(0), Some(1..)) => Ok(Self { login }),
            (Some(tables), _) if tables > 0 => Err(SandboxError::NotEmpty {
                server,
                tables,
                example: super::watched::inert(&value("example").unwrap_or_default()),
            }),
            _ => Err(SandboxError::SeesTooLittle(server)),
        }
    }

    /// The server and the account to use.
    pub fn login(&self) -> &Login {
        &self.login
    }
}
