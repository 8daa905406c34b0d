//! What an exchange keeps on the server: what changes places, and the triggers, views and routines of both sides.
//!
//! It stands in a table of the database that takes the tables that go. Nobody can write there who could not change the
//! site's triggers anyway, and so what it holds is run, and nothing of a journal is.

use super::model::Exchange;
use super::programs::{Program, ProgramKind, ProgramName};
use crate::change::error::ChangeError;
use crate::change::executor::{Executor, run};
use crate::gate::{Blocked, Meaning, Operation};
use crate::schema::sql::{identifier, string};
use crate::server::answer::text;
use crate::server::connection::Reader;
use crate::server::writer::Writer;

/// The name of the table. One without rows was made by a run that was cut off before it had begun.
pub const TABLE: &str = "cividb_rollback";

/// What is kept of an exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// What changes places.
    pub exchange: Exchange,
    /// What was made ready has been proved: the exchange may begin, or has begun.
    pub is_proved: bool,
    /// The triggers, views and routines that go.
    pub goes: Vec<Program>,
    /// Those that come.
    pub comes: Vec<Program>,
}

impl Record {
    /// Reads what is kept in a database; `None` where nothing is.
    ///
    /// # Errors
    /// It cannot be read, or is none.
    pub fn read(connection: &mut Reader, aside: &str) -> Result<Option<Self>, ChangeError> {
        let sql = format!(
            "SELECT side, kind, name, statement, sql_mode, charset_name, collation_name FROM {} ORDER BY id",
            place(aside)
        );
        let sql = Meaning::new(Operation::Select, [aside, TABLE]).pass(sql)?;
        let answer = match connection.ask("what is set aside", &sql) {
            Ok(answer) => answer,
            // ER_NO_SUCH_TABLE, ER_BAD_DB_ERROR; and ER_TABLEACCESS_DENIED_ERROR of an account that sees none
            Err(error) if matches!(error.code(), Some(1146 | 1049 | 1142)) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let damaged = || {
            let what = format!("table {TABLE} of {aside}");
            ChangeError::Changed(what, "it is not as cividb wrote it".to_owned())
        };
        let mut record: Option<Self> = None;
        for row in &answer {
            let value = |column| text(row, column).unwrap_or_default();
            let side = value("side");
            if side == "exchange" {
                let exchange = serde_json::from_str(&value("statement")).map_err(|_| damaged())?;
                record = Some(Self {
                    exchange,
                    is_proved: false,
                    goes: Vec::new(),
                    comes: Vec::new(),
                });
                continue;
            }
            let record = record.as_mut().ok_or_else(damaged)?;
            if side == "proved" {
                record.is_proved = true;
                continue;
            }
            let program = Program {
                name: ProgramName {
                    kind: ProgramKind::named(&value("kind")).ok_or_else(damaged)?,
                    name: value("name"),
                },
                statement: value("statement"),
                sql_mode: value("sql_mode"),
                charset: value("charset_name"),
                collation: value("collation_name"),
            };
            match side.as_str() {
                "goes" => put(&mut record.goes, program),
                "comes" => put(&mut record.comes, program),
                _ => return Err(damaged()),
            }
        }
        Ok(record)
    }
}

/// Adds a program to a side; one that was noted later stands for an earlier one of its name.
fn put(side: &mut Vec<Program>, program: Program) {
    side.retain(|it| it.name != program.name);
    side.push(program);
}

fn place(aside: &str) -> String {
    format!("{}.{}", identifier(aside), identifier(TABLE))
}

/// Makes the two databases of an exchange, as far as they are to be made, and notes there what it is. The site's
/// database is not touched. `charset` is its character set and collation.
///
/// # Errors
/// The account may not, a database is there already, or the connection is lost.
pub fn begin(
    executor: &mut Executor,
    exchange: &Exchange,
    charset: Option<&(String, String)>,
) -> Result<(), ChangeError> {
    let connection = executor.connection();
    for database in [&exchange.aside, &exchange.beside] {
        if exchange.made.contains(database) {
            let options = charset.map(|(charset, collation)| {
                format!(
                    " CHARACTER SET {} COLLATE {}",
                    string(charset),
                    string(collation)
                )
            });
            let sql = format!(
                "CREATE DATABASE {}{}",
                identifier(database),
                options.unwrap_or_default()
            );
            let sql = Meaning::new(Operation::CreateDatabase, [database]).pass(sql)?;
            run(connection, "a database", &sql)?;
        }
        if *database == exchange.aside {
            make_table(connection, exchange)?;
        }
    }
    Ok(())
}

fn make_table(connection: &mut Writer, exchange: &Exchange) -> Result<(), ChangeError> {
    let sql = format!(
        "CREATE TABLE IF NOT EXISTS {} (id int NOT NULL PRIMARY KEY, side varchar(16) NOT NULL, kind varchar(16) NOT NULL, \
         name varchar(64) NOT NULL, statement longtext NOT NULL, sql_mode text NOT NULL, \
         charset_name varchar(64) NOT NULL, collation_name varchar(64) NOT NULL) \
         ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin",
        place(&exchange.aside)
    );
    let names = [exchange.aside.as_str(), TABLE];
    let sql = Meaning::new(Operation::CreateTable, names).pass(sql)?;
    run(connection, "what is set aside", &sql)?;
    let text = serde_json::to_string(exchange).unwrap_or_default();
    let row = insertion(&exchange.aside, 0, "exchange", None, &text)?;
    run(connection, "what is set aside", &row)
}

/// Notes that what was made ready is proved, and the triggers, views and routines of both sides. From here on the
/// exchange may begin.
///
/// # Errors
/// The connection is lost; nothing is noted then.
pub fn prove(
    executor: &mut Executor,
    exchange: &Exchange,
    goes: &[Program],
    comes: &[Program],
) -> Result<(), ChangeError> {
    let about = "what is set aside";
    let mut rows = Vec::new();
    let programs = goes.iter().map(|program| ("goes", program));
    let programs = programs.chain(comes.iter().map(|program| ("comes", program)));
    for (place, (side, program)) in programs.enumerate() {
        let statement = &program.statement;
        rows.push(insertion(
            &exchange.aside,
            place + 1,
            side,
            Some(program),
            statement,
        )?);
    }
    rows.push(insertion(
        &exchange.aside,
        rows.len() + 1,
        "proved",
        None,
        "",
    )?);
    let connection = executor.connection();
    run(connection, about, "START TRANSACTION")?;
    for row in &rows {
        run(connection, about, row)?;
    }
    run(connection, about, "COMMIT")
}

/// Notes triggers that both sides have from here on, before the tables that they are on change places.
///
/// # Errors
/// The connection is lost; nothing is noted then.
pub(super) fn note_on_both<'p>(
    connection: &mut Writer,
    aside: &str,
    programs: impl Iterator<Item = &'p Program>,
) -> Result<(), ChangeError> {
    let about = "what is set aside";
    let mut programs = programs.peekable();
    if programs.peek().is_none() {
        return Ok(());
    }
    let sql = format!("SELECT MAX(id) + 1 AS next FROM {}", place(aside));
    let sql = Meaning::new(Operation::Select, [aside, TABLE]).pass(sql)?;
    let answer = connection.ask(about, &sql)?;
    let next = answer.first().and_then(|row| text(row, "next"));
    let mut next: usize = next.and_then(|next| next.parse().ok()).unwrap_or(1);
    run(connection, about, "START TRANSACTION")?;
    for program in programs {
        for side in ["goes", "comes"] {
            let row = insertion(aside, next, side, Some(program), &program.statement)?;
            run(connection, about, &row)?;
            next += 1;
        }
    }
    run(connection, about, "COMMIT")
}

fn insertion(
    aside: &str,
    id: usize,
    side: &str,
    program: Option<&Program>,
    statement: &str,
) -> Result<String, Blocked> {
    let of = |value: fn(&Program) -> &str| string(program.map(value).unwrap_or_default());
    let sql = format!(
        "INSERT INTO {} VALUES ({id}, {}, {}, {}, {}, {}, {}, {})",
        place(aside),
        string(side),
        of(|program| program.name.kind.as_str()),
        of(|program| &program.name.name),
        string(statement),
        of(|program| &program.sql_mode),
        of(|program| &program.charset),
        of(|program| &program.collation)
    );
    Meaning::new(Operation::Insert, [aside, TABLE]).pass(sql)
}
