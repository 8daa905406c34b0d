//! The way into the new database.

use super::fill::UNFINISHED;
use crate::change::error::ChangeError;
use crate::change::refusal::Refusal;
use crate::change::session;
use crate::gate::{Meaning, Operation};
use crate::schema::sql::identifier;
use crate::server::answer::{first, text};
use crate::server::connection::Reader;
use crate::server::error::ServerError;
use crate::server::writer::Writer;
use crate::snapshot::Snapshot;
use crate::source::ServerLocation;

/// Refuses to copy a database that the account does not see all of.
///
/// # Errors
/// Something of it is hidden.
pub fn all_is_visible(snapshot: &Snapshot, database: &str) -> Result<(), Refusal> {
    match snapshot.hidden.first() {
        Some((kind, why)) => {
            let what = format!("{kind:?}: {why}");
            Err(Refusal::NotAllVisible(database.to_owned(), what))
        }
        None => Ok(()),
    }
}

/// Connects to the new database, makes it if it is not there, with the character set of the old one,
/// and sees that it is empty.
///
/// # Errors
/// There is no way in, the account may not make it, or it is not empty.
pub fn begin(target: &ServerLocation, name: &str, old: &mut Reader) -> Result<Writer, ChangeError> {
    let mut reader = Reader::open(&target.login)?;
    let is_there = match reader.use_database(name) {
        Err(ServerError::UnknownDatabase { .. }) => false,
        other => other.map(|()| true)?,
    };
    let mut new = session::begin(reader)?;
    if !is_there {
        let sql = "SELECT @@character_set_database AS charset, @@collation_database AS collation";
        let answer = old.ask("the database's character set", sql)?;
        let value = |column| answer.first().and_then(|row| text(row, column));
        let charset = value("charset").unwrap_or_else(|| "utf8mb4".to_owned());
        let collation = value("collation").unwrap_or_else(|| "utf8mb4_unicode_ci".to_owned());
        let sql = format!(
            "CREATE DATABASE {} CHARACTER SET {charset} COLLATE {collation}",
            identifier(name)
        );
        let sql = Meaning::new(Operation::CreateDatabase, [name]).pass(sql)?;
        new.run("the new database", &sql)?;
        new.use_database(name)?;
    }
    if let Err(why) = is_empty(&mut new)? {
        let message = format!("{name} of {}: {why}", target.name);
        return Err(Refusal::NewDatabaseNotEmpty(message).into());
    }
    Ok(new)
}

/// Whether a database is empty; else what stands in it.
fn is_empty(connection: &mut Reader) -> Result<Result<(), String>, ChangeError> {
    let answer = connection.ask("the new database", "SHOW TABLES")?;
    let names: Vec<String> = answer.iter().filter_map(first).collect();
    let Some(one) = names.first() else {
        return Ok(Ok(()));
    };
    if names.iter().any(|name| name == UNFINISHED) {
        return Ok(Err(
            "an unfinished rebuild stands in it; drop the database and make it anew".to_owned(),
        ));
    }
    Ok(Err(format!("it is not empty (it holds {one})")))
}
