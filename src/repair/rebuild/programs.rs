//! Triggers, routines, views and events, as the old server prints them.

use super::Rebuilt;
use crate::change::error::ChangeError;
use crate::gate::{Blocked, Meaning, Operation};
use crate::schema::lexer::{Lexer, SqlModes, Token};
use crate::schema::model::{RoutineKind, Schema};
use crate::schema::sql::{identifier, string};
use crate::server::answer::text;
use crate::server::connection::Reader;
use crate::server::error::ServerError;
use crate::server::writer::Writer;

/// One of them: what asks for it, and the column of the answer.
struct WantedProgram {
    what: String,
    question: Result<String, Blocked>,
    column: &'static str,
}

/// Makes them all: routines first, which the others may call, and views as often as it takes
/// until those that others read from are there.
pub(super) fn restore(
    old: &mut Reader,
    new: &mut Writer,
    schema: &Schema,
    rebuilt: &mut Rebuilt,
) -> Result<(), ChangeError> {
    let wanted = |what: &str, word: &str, name: &str, column: &'static str| WantedProgram {
        what: format!("{what} {name}"),
        question: Meaning::new(Operation::ShowCreate, [name])
            .pass(format!("SHOW CREATE {word} {}", identifier(name))),
        column,
    };
    let routines = schema.routines.keys().map(|(kind, name)| match kind {
        RoutineKind::Function => wanted("function", "FUNCTION", name, "Create Function"),
        RoutineKind::Procedure => wanted("procedure", "PROCEDURE", name, "Create Procedure"),
    });
    let views = schema.views.keys();
    let views = views.map(|name| wanted("view", "VIEW", name, "Create View"));
    let triggers = schema.triggers.keys();
    let triggers =
        triggers.map(|name| wanted("trigger", "TRIGGER", name, "SQL Original Statement"));
    let events = schema.events.keys();
    let events = events.map(|name| wanted("event", "EVENT", name, "Create Event"));
    let mut waiting: Vec<WantedProgram> = routines
        .chain(views)
        .chain(triggers)
        .chain(events)
        .collect();
    loop {
        let before = waiting.len();
        let mut failed = Vec::new();
        let mut messages = Vec::new();
        for program in waiting {
            match make(old, new, &program)? {
                Ok(is_own) => {
                    rebuilt.programs += 1;
                    if is_own {
                        rebuilt.other_definer.push(program.what);
                    }
                }
                Err(message) => {
                    messages.push(format!("{}: {message}", program.what));
                    failed.push(program);
                }
            }
        }
        if failed.is_empty() || failed.len() == before {
            rebuilt.failed = messages;
            break;
        }
        waiting = failed;
    }
    new.run("the session's settings", &super::copy::sql_mode(true))?;
    Ok(())
}

/// Makes one; says whether another account than before owns it, or why it could not be made.
fn make(
    old: &mut Reader,
    new: &mut Writer,
    program: &WantedProgram,
) -> Result<Result<bool, String>, ChangeError> {
    let question = match &program.question {
        Ok(question) => question,
        Err(blocked) => return Ok(Err(blocked.to_string())),
    };
    let answer = match old.ask(&program.what, question) {
        Ok(answer) => answer,
        Err(error) if error.is_lost() => return Err(error.into()),
        Err(error) => return Ok(Err(error.to_string())),
    };
    let Some((row, statement)) = answer
        .first()
        .and_then(|row| Some((row, text(row, program.column)?)))
    else {
        return Ok(Err("the account may not read it".to_owned()));
    };
    let mode = text(row, "sql_mode").unwrap_or_default();
    let about = "the session's settings";
    set_mode(new, &mode)?;
    if let Some(zone) = text(row, "time_zone") {
        let sql = format!("SET SESSION time_zone = {}", string(&zone));
        let sql = Meaning::new(Operation::SetSession, [""; 0]).pass(sql)?;
        new.run(about, &sql)?;
    }
    let mut made = new.run(&program.what, &statement);
    let mut is_own = false;
    // ER_SPECIFIC_ACCESS_DENIED_ERROR
    if let Err(error) = &made
        && error.code() == Some(1227)
    {
        made = new.run(&program.what, &without_definer(&statement));
        is_own = made.is_ok();
    }
    new.run(about, "SET SESSION time_zone = '+00:00'")?;
    match made {
        Ok(_) => Ok(Ok(is_own)),
        Err(error) if error.is_lost() => Err(error.into()),
        Err(ServerError::Query { message, .. }) => Ok(Err(message)),
        Err(error) => Ok(Err(error.to_string())),
    }
}

/// Sets what the server knows of an `sql_mode`: MySQL 8.0 has dropped parts, MariaDB has others.
fn set_mode(new: &mut Writer, mode: &str) -> Result<(), ServerError> {
    let about = "the session's settings";
    let set = |new: &mut Writer, value: String| {
        let sql = format!("SET SESSION sql_mode = {value}");
        let sql = Meaning::new(Operation::SetSession, [""; 0]).pass(sql)?;
        match new.run(about, &sql) {
            Err(error) if error.is_lost() => Err(error),
            other => Ok(other.is_ok()),
        }
    };
    if !set(new, string(mode))? {
        new.run(about, "SET SESSION sql_mode = ''")?;
        for part in mode.split(',') {
            set(
                new,
                format!("CONCAT(@@SESSION.sql_mode, ',', {})", string(part)),
            )?;
        }
    }
    Ok(())
}

/// A CREATE statement without its DEFINER clause.
fn without_definer(statement: &str) -> String {
    let mut lexer = Lexer::new(statement, SqlModes::default());
    let mut begun = None;
    loop {
        let lexeme = lexer.next_lexeme();
        if lexeme.token == Token::End {
            return statement.to_owned();
        }
        if lexeme.token.is("DEFINER") && begun.is_none() {
            begun = Some(lexeme.start);
        }
        let is_end = lexeme.token.is_any(&[
            "SQL",
            "VIEW",
            "TRIGGER",
            "FUNCTION",
            "PROCEDURE",
            "EVENT",
            "AGGREGATE",
        ]);
        if is_end {
            let Some(begun) = begun else {
                return statement.to_owned();
            };
            let parts = (statement.get(..begun), statement.get(lexeme.start..));
            return match parts {
                (Some(head), Some(tail)) => format!("{head}{tail}"),
                _ => statement.to_owned(),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_definer_goes() {
        let with = "CREATE ALGORITHM=UNDEFINED DEFINER=`a``TRIGGER`@`%` SQL SECURITY DEFINER VIEW `v` AS SELECT 1";
        let without = "CREATE ALGORITHM=UNDEFINED SQL SECURITY DEFINER VIEW `v` AS SELECT 1";
        assert_eq!(without_definer(with), without);
        let trigger = "CREATE DEFINER=`root`@`localhost` TRIGGER t BEFORE INSERT ON a FOR EACH ROW SET @a = 'DEFINER'";
        assert!(without_definer(trigger).starts_with("CREATE TRIGGER t BEFORE"));
        assert_eq!(without_definer("CREATE TABLE t"), "CREATE TABLE t");
    }
}
