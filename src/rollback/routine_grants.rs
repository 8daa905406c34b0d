//! What accounts were granted on routines: a server takes it away where a routine is dropped, and so also where it is made
//! again.

use std::collections::BTreeSet;

use crate::change::error::ChangeError;
use crate::gate::{Blocked, Meaning, Operation};
use crate::schema::model::Account;
use crate::schema::sql::{identifier, string};
use crate::server::answer::text;
use crate::server::connection::Reader;

/// The GRANT statements for the routines of a database, as accounts have them now; `None` where the account may not look.
///
/// # Errors
/// The connection is lost.
pub fn routine_grants(
    connection: &mut Reader,
    database: &str,
) -> Result<Option<BTreeSet<String>>, ChangeError> {
    let sql = format!(
        "SELECT User AS user, Host AS host, Routine_name AS name, Routine_type AS kind, Proc_priv AS granted \
         FROM mysql.procs_priv WHERE Db = {}",
        string(database)
    );
    let sql = Meaning::new(Operation::Select, [""; 0]).pass(sql)?;
    let answer = match connection.ask("the grants on routines", &sql) {
        Ok(answer) => answer,
        Err(error) if error.is_lost() => return Err(error.into()),
        Err(_) => return Ok(None),
    };
    let mut statements = BTreeSet::new();
    for row in &answer {
        let value = |column| text(row, column).unwrap_or_default();
        let (name, kind, granted) = (value("name"), value("kind"), value("granted"));
        let account = Account {
            user: value("user"),
            host: value("host"),
        };
        if !matches!(kind.as_str(), "FUNCTION" | "PROCEDURE") {
            continue;
        }
        statements.insert(grant(database, (&kind, &name), &granted, &account)?);
    }
    Ok(Some(statements))
}

/// The statement that grants an account what the server lists of a routine.
fn grant(
    database: &str,
    (kind, name): (&str, &str),
    granted: &str,
    account: &Account,
) -> Result<String, Blocked> {
    let words = granted.split(',').map(str::to_ascii_uppercase);
    let (option, words): (Vec<String>, Vec<String>) = words.partition(|word| word == "GRANT");
    let words = match words.is_empty() {
        true => "USAGE".to_owned(),
        false => words.join(", "),
    };
    let option = match option.is_empty() {
        true => "",
        false => " WITH GRANT OPTION",
    };
    let sql = format!(
        "GRANT {words} ON {kind} {}.{} TO {account}{option}",
        identifier(database),
        identifier(name)
    );
    let names = [database, name, &account.user, &account.host];
    Ok(Meaning::new(Operation::Grant, names).pass(sql)? + ";")
}

/// Whether one of these statements is about this routine.
pub(super) fn is_on(grant: &str, database: &str, kind: &str, name: &str) -> bool {
    let kind = kind.to_ascii_uppercase();
    let on = format!(
        " ON {kind} {}.{} TO ",
        identifier(database),
        identifier(name)
    );
    grant.contains(&on)
}

/// What is to be done about grants that were there before, as sentences.
///
/// # Errors
/// The connection is lost.
pub fn grants_lost(
    connection: &mut Reader,
    database: &str,
    before: Option<BTreeSet<String>>,
) -> Result<Vec<String>, ChangeError> {
    let Some(before) = before else {
        return Ok(Vec::new());
    };
    let now = routine_grants(connection, database)?.unwrap_or_default();
    let lost = before.difference(&now);
    let sentences = lost.map(|grant| {
        format!("a routine was dropped, and with it what an account may do with it; where it is to have it again, run: {grant}")
    });
    Ok(sentences.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_names_its_routine_and_account_whatever_they_are_called() {
        for name in crate::hostile::names() {
            let account = Account {
                user: name.clone(),
                host: "localhost".to_owned(),
            };
            match grant(&name, ("FUNCTION", &name), "Execute,Grant", &account) {
                Ok(sql) => {
                    let quoted = identifier(&name);
                    assert_eq!(
                        sql,
                        format!(
                            "GRANT EXECUTE ON FUNCTION {quoted}.{quoted} TO {account} WITH GRANT OPTION;"
                        )
                    );
                }
                Err(_) => assert!(crate::hostile::is_refused(&name), "{name:?}"),
            }
        }
    }
}
