//! The accounts of a private server that runs what others wrote.
//!
//! A dump may name any account as the one that its triggers and routines run as, and these could then do what the
//! account may do: write the server's log into a file of the user's, for example. So the accounts whose names
//! everybody knows may do nothing, and the one that may do everything has a name that nobody knows.

use std::hash::{BuildHasher, Hasher, RandomState};

use super::{LocalServer, SandboxError};
use crate::gate::{Meaning, Operation};
use crate::schema::model::Account;
use crate::schema::sql::identifier;
use crate::server::answer::text;
use crate::server::connection::Reader;
use crate::server::error::ServerError;
use crate::server::writer::Writer;
use crate::server_version::Family;

/// What an account is to be allowed.
#[derive(Clone, Copy, Debug)]
pub struct AccountPrivileges<'a> {
    /// The databases in which it may do everything.
    pub databases: &'a [String],
    /// Privileges for the whole server, as GRANT names them.
    pub server: &'a [&'a str],
    /// Whether nobody may log in as this account, which objects only run as.
    pub locked: bool,
}

impl LocalServer {
    /// Makes an account for the administration whose name cannot be guessed, and takes from the others what
    /// they may do, but that root may end the server.
    ///
    /// # Errors
    /// The server does not answer, or refuses it.
    pub fn confine(&mut self) -> Result<(), SandboxError> {
        let name = format!("cividb-{:016x}", RandomState::new().build_hasher().finish());
        let own = account(&name);
        let mut writer = self.administer()?;
        create_user(&mut writer, &own, false)?;
        grant(
            &mut writer,
            &["ALL PRIVILEGES"],
            None,
            &own,
            " WITH GRANT OPTION",
        )?;
        self.administrator = name;
        let mut writer = self.administer()?;
        let question = "SELECT User AS name, Host AS host FROM mysql.user WHERE Super_priv = 'Y'";
        for row in writer.ask("the accounts", question)? {
            let part = |column| text(&row, column).unwrap_or_default();
            let other = Account {
                user: part("name"),
                host: part("host"),
            };
            if other == own {
                continue;
            }
            let names = [other.user.as_str(), &other.host];
            let sql = format!("REVOKE ALL PRIVILEGES, GRANT OPTION FROM {other}");
            let sql = Meaning::new(Operation::Revoke, names).pass(sql);
            writer.run("the accounts", &sql.map_err(ServerError::from)?)?;
            if other.user == "root" {
                grant(&mut writer, &["SHUTDOWN"], None, &other, "")?;
            }
        }
        Ok(())
    }

    /// Makes an account, or gives more to one that is there.
    ///
    /// # Errors
    /// The server refuses it, as for a name that is too long.
    pub fn add_account(
        &self,
        account: &Account,
        privileges: AccountPrivileges,
    ) -> Result<(), SandboxError> {
        let mut writer = self.administer()?;
        let can_lock = match self.program().version().family {
            Family::Mysql => (5, 7, 6),
            Family::Mariadb => (10, 4, 2),
        };
        let can_lock = self.program().version().number >= can_lock;
        create_user(&mut writer, account, privileges.locked && can_lock)?;
        for database in privileges.databases {
            grant(
                &mut writer,
                &["ALL PRIVILEGES"],
                Some(database),
                account,
                "",
            )?;
        }
        if !privileges.server.is_empty() {
            grant(&mut writer, privileges.server, None, account, "")?;
        }
        Ok(())
    }

    /// Makes a database with CiviCRM's character set.
    ///
    /// # Errors
    /// The server refuses it.
    pub fn create_database(&self, name: &str) -> Result<(), SandboxError> {
        let sql = format!(
            "CREATE DATABASE {} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci",
            identifier(name)
        );
        let sql = Meaning::new(Operation::CreateDatabase, [name]).pass(sql);
        self.administer()?
            .run("the database", &sql.map_err(ServerError::from)?)?;
        Ok(())
    }

    /// Lets one more connection be made, and the administration do what it wants.
    fn administer(&self) -> Result<Writer, SandboxError> {
        Ok(Writer::begin(Reader::open(&self.login())?)?)
    }
}

fn account(user: &str) -> Account {
    Account {
        user: user.to_owned(),
        host: "localhost".to_owned(),
    }
}

fn create_user(writer: &mut Writer, account: &Account, locked: bool) -> Result<(), ServerError> {
    let lock = if locked { " ACCOUNT LOCK" } else { "" };
    let names = [account.user.as_str(), &account.host];
    let sql = format!("CREATE USER IF NOT EXISTS {account}{lock}");
    let sql = Meaning::new(Operation::CreateUser, names).pass(sql)?;
    writer.run("an account", &sql)?;
    Ok(())
}

/// Grants privileges in a database, or on the whole server.
fn grant(
    writer: &mut Writer,
    privileges: &[&str],
    database: Option<&str>,
    account: &Account,
    more: &str,
) -> Result<(), ServerError> {
    let privileges = privileges.join(", ");
    // The name of a database in a GRANT is a pattern.
    let pattern = database.map(|name| name.replace('_', "\\_").replace('%', "\\%"));
    let mut names = vec![account.user.as_str(), &account.host];
    names.extend(pattern.as_deref());
    let on = pattern.as_deref().map_or("*".to_owned(), identifier);
    let sql = format!("GRANT {privileges} ON {on}.* TO {account}{more}");
    let sql = Meaning::new(Operation::Grant, names).pass(sql)?;
    writer.run("the privileges of an account", &sql)?;
    Ok(())
}
