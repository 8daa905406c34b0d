//! Triggers, views and routines, as the server prints them, and made again.

use crate::change::error::ChangeError;
use crate::change::executor::{Executor, run};
use crate::change::refusal::Refusal;
use crate::change::session::AS_READ;
use crate::gate::{Blocked, Meaning, Operation};
use crate::schema::sql::{identifier, string};
use crate::server::answer::text;
use crate::server::connection::Reader;
use crate::server::error::ServerError;
use crate::server::writer::Writer;

/// What kind of thing is made again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProgramKind {
    /// A function.
    Function,
    /// A procedure.
    Procedure,
    /// A view.
    View,
    /// A trigger.
    Trigger,
}

impl ProgramKind {
    /// All of them, in the order in which they are made.
    pub(super) const ALL: [Self; 4] = [Self::Function, Self::Procedure, Self::View, Self::Trigger];

    /// The word for it, in small letters.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Function => "function",
            Self::Procedure => "procedure",
            Self::View => "view",
            Self::Trigger => "trigger",
        }
    }

    /// The kind of this word.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// The column in which SHOW CREATE answers.
    fn column(self) -> &'static str {
        match self {
            Self::Function => "Create Function",
            Self::Procedure => "Create Procedure",
            Self::View => "Create View",
            Self::Trigger => "SQL Original Statement",
        }
    }

    fn drops(self) -> Operation {
        match self {
            Self::Function => Operation::DropFunction,
            Self::Procedure => Operation::DropProcedure,
            Self::View => Operation::DropView,
            Self::Trigger => Operation::DropTrigger,
        }
    }
}

/// The name of a trigger, view or routine.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProgramName {
    /// What it is.
    pub kind: ProgramKind,
    /// Its name.
    pub name: String,
}

impl ProgramName {
    /// Kind and name.
    pub fn describe(&self) -> String {
        format!("{} {}", self.kind.as_str(), self.name)
    }

    /// The statement that drops it from a database.
    pub(super) fn dropping(&self, database: &str) -> Result<String, Blocked> {
        let sql = format!(
            "DROP {} {}.{}",
            self.kind.as_str().to_ascii_uppercase(),
            identifier(database),
            identifier(&self.name)
        );
        Meaning::new(self.kind.drops(), [database, &self.name]).pass(sql)
    }
}

/// A trigger, view or routine, with all that decides what it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// What it is called.
    pub name: ProgramName,
    /// The statement that makes it, as the server prints it.
    pub statement: String,
    /// The `sql_mode` with which it runs; empty for a view.
    pub sql_mode: String,
    /// The character set in which it was written.
    pub charset: String,
    /// The collation of its strings.
    pub collation: String,
}

/// Reads these triggers, views and routines of a database, which becomes the current one.
///
/// # Errors
/// One of them is not there, the account may not read it, or the connection is lost.
pub fn read(
    connection: &mut Reader,
    database: &str,
    names: &[ProgramName],
) -> Result<Vec<Program>, ChangeError> {
    connection.use_database(database)?;
    let programs = names.iter().map(|name| {
        let hidden = || Refusal::HiddenProgram(name.describe(), database.to_owned());
        Ok(show(connection, name)?.ok_or_else(hidden)?)
    });
    programs.collect()
}

/// What the server prints of one that is in the current database; `None` where the account may not see it, or it is
/// not there.
///
/// # Errors
/// The connection is lost.
pub fn show(connection: &mut Reader, name: &ProgramName) -> Result<Option<Program>, ChangeError> {
    let sql = format!(
        "SHOW CREATE {} {}",
        name.kind.as_str().to_ascii_uppercase(),
        identifier(&name.name)
    );
    let sql = Meaning::new(Operation::ShowCreate, [&name.name]).pass(sql)?;
    let answer = match connection.ask(&name.describe(), &sql) {
        Ok(answer) => answer,
        // ER_TRG_DOES_NOT_EXIST, ER_SP_DOES_NOT_EXIST, ER_NO_SUCH_TABLE, ER_WRONG_OBJECT
        Err(error) if matches!(error.code(), Some(1360 | 1305 | 1146 | 1347)) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let Some(row) = answer.first() else {
        return Ok(None);
    };
    let value = |column| text(row, column).unwrap_or_default();
    let statement = value(name.kind.column());
    Ok((!statement.is_empty()).then(|| Program {
        name: name.clone(),
        statement,
        sql_mode: value("sql_mode"),
        charset: value("character_set_client"),
        collation: value("collation_connection"),
    }))
}

/// The names of all triggers, views and routines of a database; triggers with their tables, in the order in which they
/// fire.
pub(super) fn all(
    connection: &mut Reader,
    database: &str,
) -> Result<Vec<(ProgramName, Option<String>)>, ServerError> {
    let database = string(database);
    let mut found = Vec::new();
    for (about, sql) in [
        (
            "the routines",
            format!(
                "SELECT LOWER(ROUTINE_TYPE) AS kind, ROUTINE_NAME AS name, NULL AS of_table \
                 FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = {database} ORDER BY 1, 2"
            ),
        ),
        (
            "the views",
            format!(
                "SELECT 'view' AS kind, TABLE_NAME AS name, NULL AS of_table \
                 FROM information_schema.VIEWS WHERE TABLE_SCHEMA = {database} ORDER BY 2"
            ),
        ),
        (
            "the triggers",
            format!(
                "SELECT 'trigger' AS kind, TRIGGER_NAME AS name, EVENT_OBJECT_TABLE AS of_table \
                 FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = {database} \
                 ORDER BY EVENT_OBJECT_TABLE, ACTION_TIMING, EVENT_MANIPULATION, ACTION_ORDER"
            ),
        ),
    ] {
        let sql = Meaning::new(Operation::Select, [""; 0]).pass(sql)?;
        for row in connection.ask(about, &sql)? {
            let kind = text(&row, "kind").as_deref().and_then(ProgramKind::named);
            if let (Some(kind), Some(name)) = (kind, text(&row, "name")) {
                found.push((ProgramName { kind, name }, text(&row, "of_table")));
            }
        }
    }
    Ok(found)
}

/// The names of all triggers, views and routines of a database; triggers in the order in which they fire.
///
/// # Errors
/// The connection is lost.
pub fn names(connection: &mut Reader, database: &str) -> Result<Vec<ProgramName>, ServerError> {
    let all = all(connection, database)?.into_iter();
    Ok(all.map(|(name, _)| name).collect())
}

/// Makes programs in the current database that are not there as they should be. `others` are those that may stand in
/// their places. Views that read from one another are tried until all are there.
///
/// # Errors
/// Another one stands in the place of one, the server refuses one, or the connection is lost.
pub fn make(
    executor: &mut Executor,
    programs: &[Program],
    others: &[Program],
) -> Result<(), ChangeError> {
    let mut waiting: Vec<&Program> = programs.iter().collect();
    loop {
        let before = waiting.len();
        let mut failed = Vec::new();
        let mut why = None;
        for program in waiting {
            match make_one(executor, program, others) {
                Ok(()) => {}
                Err(ChangeError::Server(error))
                    if program.name.kind == ProgramKind::View && !error.is_lost() =>
                {
                    why = Some(error);
                    failed.push(program);
                }
                Err(error) => return Err(error),
            }
        }
        if failed.is_empty() {
            return Ok(());
        }
        if failed.len() == before
            && let Some(why) = why
        {
            return Err(why.into());
        }
        waiting = failed;
    }
}

fn make_one(
    executor: &mut Executor,
    program: &Program,
    others: &[Program],
) -> Result<(), ChangeError> {
    let name = &program.name;
    let now = show(executor.connection(), name)?;
    if now.as_ref() == Some(program) {
        return Ok(());
    }
    let mut statement = program.statement.clone();
    if let Some(now) = now {
        if !others.contains(&now) {
            let why = "it is neither what it was before nor what it is to be".to_owned();
            return Err(ChangeError::ChangedMeanwhile(name.describe(), why));
        }
        match (name.kind, statement.strip_prefix("CREATE ")) {
            (ProgramKind::View, Some(rest)) => statement = format!("CREATE OR REPLACE {rest}"),
            _ => {
                let drop = name.dropping(executor.database())?;
                let about = name.describe();
                executor.patiently(&name.name, |connection| run(connection, &about, &drop))?;
            }
        }
    }
    let about = name.describe();
    set(executor.connection(), program)?;
    let made = executor.patiently(&name.name, |connection| run(connection, &about, &statement));
    reset(executor.connection())?;
    made
}

/// Sets the session as it was when the program was written.
fn set(connection: &mut Writer, program: &Program) -> Result<(), ChangeError> {
    let about = "the session's settings";
    let mut settings = vec![format!("sql_mode = {}", string(&program.sql_mode))];
    // A text with other letters is sent in UTF-8, and would be taken for something else.
    if program.statement.is_ascii() || program.charset.starts_with("utf8") {
        for (variable, value) in [
            ("character_set_client", &program.charset),
            ("collation_connection", &program.collation),
        ] {
            if !value.is_empty() {
                settings.push(format!("{variable} = {}", string(value)));
            }
        }
    }
    for setting in settings {
        let sql = format!("SET SESSION {setting}");
        let sql = Meaning::new(Operation::SetSession, [""; 0]).pass(sql)?;
        // A server may have lost one since, as MySQL has modes.
        if let Err(error) = connection.run(about, &sql)
            && error.is_lost()
        {
            return Err(error.into());
        }
    }
    Ok(())
}

fn reset(connection: &mut Writer) -> Result<(), ChangeError> {
    let about = "the session's settings";
    connection.run(about, "SET NAMES utf8mb4")?;
    connection.run(about, AS_READ)?;
    Ok(())
}
