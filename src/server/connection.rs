//! A connection to a server that can only ask: [`Reader`].
//!
//! What changes something needs a [`Writer`](super::writer::Writer), which is another type.

use std::time::Duration;

use mysql::Conn;
use mysql::prelude::Queryable;

use super::answer::{
    ANSWER, Answer, CELL, Fault, ROW, TakeRow, account, first, read_rows, row_limit, text,
};
use super::connect::{Certificates, LONG, connect, name_of, patience};
use super::error::{ServerError, is_denial, shown};
use super::login::{Endpoint, Login};
use super::one_statement::is_one_statement;
use super::watch::{Watch, guarded, lost};
use crate::gate::{Meaning, Operation};
use crate::schema::lexer::{Lexer, SqlModes, Token};
use crate::schema::model::Account;
use crate::schema::sql::identifier;
use crate::server_version::{Family, ServerVersion};
use crate::snapshot::Row;

/// How much longer than a statement may take its answer is waited for.
const MARGIN: Duration = Duration::from_secs(60);
/// The most rows that a statement may answer which is no question: some, such as ANALYZE TABLE, say how they went.
const REMARKS: u64 = 1000;
/// Seconds that one question may wait for a lock, such as that of an ALTER TABLE under way.
const LOCK_WAIT: u32 = 5;

/// A connection that can ask questions and cannot change anything.
///
/// It has no way to send a statement other than a question: [`Reader::ask`] takes one SELECT or
/// SHOW and nothing else, and the session's transactions are READ ONLY, in which the server refuses
/// changes as well (from MySQL 5.6 and MariaDB 10.0 on). It waits for no lock for long.
pub struct Reader {
    conn: Conn,
    watch: Option<Watch>,
    /// How long to wait for the next piece of an answer.
    patience: Duration,
    endpoint: Endpoint,
    /// Family and version of the server.
    pub version: ServerVersion,
    /// What the server says of its build (`version_comment`).
    pub comment: String,
    /// The account that the server authenticated (`CURRENT_USER()`).
    pub account: Account,
    /// The user name that the client gave and the host it came from (`USER()`).
    pub given: Account,
    /// Whether the connection is encrypted.
    pub encrypted: bool,
}

impl Reader {
    /// Connects, and sets the session to READ ONLY transactions and to short waits for locks.
    ///
    /// # Errors
    /// Every way in which a connection can fail, with what to do about it.
    pub fn open(login: &Login) -> Result<Self, ServerError> {
        let endpoint = login.endpoint();
        let certificates = Certificates::gather(&login.tls)?;
        let (conn, encrypted) = connect(login, &endpoint, &certificates)?;
        let mut connection = Self {
            watch: Watch::of(&conn),
            conn,
            patience: patience(login),
            endpoint,
            version: ServerVersion {
                family: Family::Mysql,
                number: (0, 0, 0),
                text: String::new(),
            },
            comment: String::new(),
            account: account(""),
            given: account(""),
            encrypted,
        };
        let answer = connection.ask("the server's version", sql!("connection"))?;
        if let Some(row) = answer.first() {
            let version = text(row, "server_version").unwrap_or_default();
            connection.comment = text(row, "server_comment").unwrap_or_default();
            // Forks that call themselves neither are found out by their comment.
            let shown = if connection.comment.to_lowercase().contains("mariadb")
                && !version.to_lowercase().contains("mariadb")
            {
                format!("{version}-MariaDB")
            } else {
                version.clone()
            };
            if let Some(mut parsed) = ServerVersion::parse(&shown) {
                parsed.text = version;
                connection.version = parsed;
            }
            connection.account = account(&text(row, "account_used").unwrap_or_default());
            connection.given = account(&text(row, "account_given").unwrap_or_default());
        }
        connection.settle()?;
        Ok(connection)
    }

    /// Sets the session to READ ONLY transactions and to short waits for locks.
    pub(super) fn settle(&mut self) -> Result<(), ServerError> {
        let statements = [
            // Names and rows as UTF-8; utf8mb4 came with MySQL 5.5.3.
            "SET NAMES utf8mb4",
            // What is read is printed as it is: quotes and functions as servers have them by default.
            "SET SESSION sql_mode = ''",
            "SET SESSION sql_quote_show_create = 1",
            &format!("SET SESSION lock_wait_timeout = {LOCK_WAIT}"),
            "SET SESSION TRANSACTION READ ONLY",
        ];
        for statement in statements {
            // Older servers do not know some of them.
            if_possible(self.send("the session's settings", statement))?;
        }
        Ok(())
    }

    /// The server that the connection leads to.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Asks one question, a SELECT or a SHOW; `about` names it in errors. Values come as the server prints
    /// them.
    ///
    /// # Errors
    /// The text is not one question, the account may not ask, the server does not know what is
    /// asked for, or the connection is lost.
    pub fn ask(&mut self, about: &str, sql: &str) -> Result<Answer, ServerError> {
        let (mut answer, mut size) = (Answer::new(), 0_usize);
        self.each_while(about, sql, |row| {
            let cells = row.iter().map(|(name, value)| {
                let value = value.as_ref().map_or(0, Vec::len);
                name.len() + value + CELL
            });
            size += ROW + cells.sum::<usize>();
            answer.push(row);
            match size <= ANSWER {
                true => Ok(()),
                false => Err(format!("it sent more than {} MiB in answer", ANSWER >> 20)),
            }
        })?;
        Ok(answer)
    }

    /// Asks one question like [`Reader::ask`] that the account may not be allowed to ask, or that older servers do
    /// not know; `None` then.
    ///
    /// # Errors
    /// The connection is lost.
    pub(super) fn ask_if_possible(
        &mut self,
        about: &str,
        sql: &str,
    ) -> Result<Option<Answer>, ServerError> {
        if_possible(self.ask(about, sql))
    }

    /// Asks one question like [`Reader::ask`], and hands over the answer row by row, of which there may be `most`.
    ///
    /// # Errors
    /// The errors of [`Reader::ask`].
    pub fn each(
        &mut self,
        about: &str,
        sql: &str,
        most: u64,
        mut take: impl FnMut(Row),
    ) -> Result<(), ServerError> {
        let mut limit = row_limit(most);
        self.each_while(about, sql, |row| {
            limit()?;
            take(row);
            Ok(())
        })
    }

    /// Asks one question like [`Reader::ask`], and hands over the values of each row in the order of the question's
    /// columns, however many there are.
    ///
    /// # Errors
    /// The errors of [`Reader::ask`].
    pub fn each_row(
        &mut self,
        about: &str,
        sql: &str,
        mut take: impl FnMut(&[Option<Vec<u8>>]),
    ) -> Result<(), ServerError> {
        self.values_while(about, sql, &mut |_, values| {
            take(&values);
            Ok(())
        })
    }

    /// Asks one question, and hands over the answer row by row until `take` says why it is too much.
    fn each_while(
        &mut self,
        about: &str,
        sql: &str,
        mut take: impl FnMut(Row) -> Result<(), String>,
    ) -> Result<(), ServerError> {
        self.values_while(about, sql, &mut |names, values| {
            take(names.iter().cloned().zip(values).collect())
        })
    }

    /// The same with the names of the columns and the values of each row.
    fn values_while(
        &mut self,
        about: &str,
        sql: &str,
        take: TakeRow<'_>,
    ) -> Result<(), ServerError> {
        if !is_question(sql) {
            return Err(ServerError::NotAQuestion(about.to_owned()));
        }
        let patience = self.patience;
        self.watched(about, patience, |conn, watch| {
            read_rows(conn.query_iter(sql)?, watch, take)
        })
    }

    /// Lets the library talk to the server, for as long as it goes on answering.
    fn watched<T>(
        &mut self,
        about: &str,
        limit: Duration,
        talk: impl FnOnce(&mut Conn, Option<&Watch>) -> Result<T, Fault>,
    ) -> Result<T, ServerError> {
        let watch = self.watch.as_ref();
        if let Some(watch) = watch {
            watch.begin(about, limit);
        }
        let result = guarded(|| talk(&mut self.conn, watch));
        let given_up = watch.and_then(Watch::end);
        match (result, given_up) {
            (Ok(Ok(value)), _) => Ok(value),
            (_, Some(given_up)) => Err(lost(name_of(&self.endpoint), about, &given_up.describe())),
            (Ok(Err(Fault::Library(error))), None) => Err(self.describe(about, error)),
            (Ok(Err(Fault::Breach(why))), None) => Err(lost(name_of(&self.endpoint), about, &why)),
            (Err(panic), None) => {
                let why = format!("what it sent is not to be read ({panic})");
                Err(lost(name_of(&self.endpoint), about, &why))
            }
        }
    }

    /// Changes a setting of the session that says how questions are answered.
    ///
    /// # Errors
    /// The server does not know the setting, or the connection is lost.
    pub fn set(&mut self, setting: Setting) -> Result<(), ServerError> {
        if let Setting::StatementSeconds(seconds, _) = setting {
            // The server ends such a statement itself, and then says so.
            self.patience = self.patience.max(Duration::from_secs(seconds) + MARGIN);
        }
        self.send("the session's settings", &setting.statement())?;
        Ok(())
    }

    /// Begins a transaction in which all questions see the database at one moment, and in which
    /// nothing can be changed.
    ///
    /// # Errors
    /// The connection is lost.
    pub fn begin_reading(&mut self) -> Result<(), ServerError> {
        let about = "a transaction";
        let begin = "START TRANSACTION WITH CONSISTENT SNAPSHOT";
        // Servers before MySQL 5.6 and MariaDB 10.0 do not know READ ONLY.
        if self.send(about, &format!("{begin}, READ ONLY")).is_err() {
            self.send(about, begin)?;
        }
        Ok(())
    }

    /// Ends the transaction, and releases the metadata locks of the tables whose rows were read, so that no
    /// ALTER TABLE has to wait.
    ///
    /// # Errors
    /// The connection is lost.
    pub fn end_reading(&mut self) -> Result<(), ServerError> {
        self.send("the end of the transaction", "COMMIT")?;
        Ok(())
    }

    /// Sends one statement that has no answer; returns how many rows it changed. Several are not sent.
    pub(super) fn send(&mut self, about: &str, sql: &str) -> Result<u64, ServerError> {
        if !is_one_statement(sql) {
            return Err(ServerError::SeveralStatements(about.to_owned()));
        }
        let limit = match is_long(sql) {
            true => LONG,
            false => self.patience,
        };
        let mut remarks = row_limit(REMARKS);
        self.watched(about, limit, |conn, watch| {
            read_rows(conn.query_iter(sql)?, watch, &mut |_, _| remarks())?;
            Ok(conn.affected_rows())
        })
    }

    /// Sends a statement like [`Reader::send`], as a prepared statement; the server then takes exactly one.
    pub(super) fn send_prepared(&mut self, about: &str, sql: &str) -> Result<u64, ServerError> {
        let patience = self.patience;
        let mut remarks = row_limit(REMARKS);
        self.watched(about, patience, |conn, watch| {
            read_rows(conn.exec_iter(sql, ())?, watch, &mut |_, _| remarks())?;
            Ok(conn.affected_rows())
        })
    }

    /// Sends bytes that another program wrote for a server, as they are, like a client that reads them from a file.
    /// What the server answers is read and dropped. `limit` is how long it may take.
    pub(super) fn send_foreign(
        &mut self,
        about: &str,
        sql: &[u8],
        limit: Duration,
    ) -> Result<(), ServerError> {
        let sql = match std::str::from_utf8(sql) {
            Ok(text) => text,
            // SAFETY: dumps hold bytes of any character set, and the library takes a `str` only. It looks at nothing
            // but its bytes: `Conn::query_iter` puts `as_bytes` into the packet.
            Err(_) => unsafe { std::str::from_utf8_unchecked(sql) },
        };
        self.watched(about, limit, |conn, _| {
            let mut answers = conn.query_iter(sql)?;
            // An error may come behind the first rows, which a result that is merely dropped would hide.
            while let Some(rows) = answers.iter() {
                for row in rows {
                    row?;
                }
            }
            Ok(())
        })
    }

    /// Makes `database` the current database.
    ///
    /// # Errors
    /// The database does not exist, or the account may not use it.
    pub fn use_database(&mut self, database: &str) -> Result<(), ServerError> {
        let sql = format!("USE {}", identifier(database));
        let sql = Meaning::new(Operation::Use, [database]).pass(sql)?;
        let Err(error) = self.send("the database", &sql) else {
            return Ok(());
        };
        let server = name_of(&self.endpoint);
        let database = database.to_owned();
        match (error.code(), error) {
            (Some(1049), _) => Err(ServerError::UnknownDatabase {
                server,
                database,
                visible: self.databases(sql!("all-databases"))?,
            }),
            (Some(1044), ServerError::Denied { message, .. }) => Err(ServerError::DatabaseDenied {
                server,
                database,
                message,
            }),
            (_, error) => Err(error),
        }
    }

    /// Whether `database` is the current database.
    ///
    /// # Errors
    /// The connection is lost.
    pub fn is_in(&mut self, database: &str) -> Result<bool, ServerError> {
        let answer = self.ask("the current database", "SELECT DATABASE()")?;
        Ok(answer.first().and_then(first).as_deref() == Some(database))
    }

    /// Makes the only database that holds a CiviCRM site the current one; returns its name.
    ///
    /// # Errors
    /// The account sees no such database, or several.
    pub fn find_database(&mut self) -> Result<String, ServerError> {
        let mut found = self.databases(sql!("databases"))?;
        let server = name_of(&self.endpoint);
        match (found.pop(), found.is_empty()) {
            (Some(one), true) => {
                self.use_database(&one)?;
                Ok(one)
            }
            (Some(last), false) => {
                found.push(last);
                Err(ServerError::NoWayIn(format!(
                    "{server} holds several CiviCRM databases: {}; choose one with --database",
                    found.join(", ")
                )))
            }
            (None, _) => Err(ServerError::NoWayIn(format!(
                "{server}: no database that this account sees holds CiviCRM; name one with --database, or \
                 use an account that may read it (visible: {})",
                shown(&self.databases(sql!("all-databases"))?)
            ))),
        }
    }

    fn databases(&mut self, sql: &str) -> Result<Vec<String>, ServerError> {
        let answer = self.ask("the list of databases", sql)?;
        Ok(answer.iter().filter_map(first).collect())
    }

    fn describe(&self, about: &str, error: mysql::Error) -> ServerError {
        let server = name_of(&self.endpoint);
        let question = about.to_owned();
        let mysql::Error::MySqlError(mysql::MySqlError { code, message, .. }) = error else {
            let message = error.to_string();
            return ServerError::Lost {
                server,
                question,
                message,
            };
        };
        match code {
            code if is_denial(code) => ServerError::Denied {
                server,
                question,
                code,
                message,
            },
            // The server is shutting down, or has ended the connection.
            1053 | 1152 | 1927 | 3169 | 4031 => ServerError::Lost {
                server,
                question,
                message,
            },
            code => ServerError::Query {
                server,
                question,
                code,
                message,
            },
        }
    }
}

/// The result, or `None` for any other error than a lost connection.
fn if_possible<T>(result: Result<T, ServerError>) -> Result<Option<T>, ServerError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.is_lost() => Err(error),
        Err(_) => Ok(None),
    }
}

/// Settings of a session that affect how questions are answered, and change nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// Seconds after which the server stops a statement, and the server's family.
    StatementSeconds(u64, Family),
    /// The most bytes that GROUP_CONCAT returns.
    GroupConcatBytes(u64),
    /// Answers come in the bytes that are stored, as dump programs ask for them (`character_set_results`).
    StoredBytes,
    /// Answers come in UTF-8 (`utf8mb4`).
    Utf8,
    /// Times come in UTC.
    Utc,
    /// Transactions see one moment of the database throughout (REPEATABLE READ).
    RepeatableRead,
}

impl Setting {
    fn statement(self) -> String {
        match self {
            Self::StatementSeconds(seconds, Family::Mariadb) => {
                format!("SET SESSION max_statement_time = {seconds}")
            }
            Self::StatementSeconds(seconds, Family::Mysql) => {
                let milliseconds = seconds.saturating_mul(1000);
                format!("SET SESSION max_execution_time = {milliseconds}")
            }
            Self::GroupConcatBytes(bytes) => format!("SET SESSION group_concat_max_len = {bytes}"),
            Self::StoredBytes => "SET SESSION character_set_results = NULL".to_owned(),
            Self::Utf8 => "SET NAMES utf8mb4".to_owned(),
            Self::Utc => "SET SESSION time_zone = '+00:00'".to_owned(),
            Self::RepeatableRead => {
                "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ".to_owned()
            }
        }
    }
}

/// Whether a text is one SELECT, SHOW or CHECKSUM TABLE, and nothing else.
fn is_question(sql: &str) -> bool {
    let mut lexer = Lexer::new(sql, SqlModes::default());
    let mut lexeme = lexer.next_lexeme();
    while lexeme.token == Token::Symbol('(') {
        lexeme = lexer.next_lexeme();
    }
    if !lexeme.token.is_any(&["SELECT", "SHOW", "CHECKSUM"]) {
        return false;
    }
    let mut is_over = false;
    loop {
        match lexer.next_lexeme().token {
            Token::End => return true,
            _ if is_over => return false,
            // SELECT … INTO OUTFILE writes a file on the server.
            token if token.is_any(&["OUTFILE", "DUMPFILE"]) => return false,
            Token::Symbol(';') => is_over = true,
            _ => {}
        }
    }
}

/// Whether a statement works on a whole table, which takes as long as it takes.
fn is_long(sql: &str) -> bool {
    let first = sql.split_ascii_whitespace().next().unwrap_or_default();
    let long = ["ALTER", "CREATE", "DROP", "ANALYZE"];
    long.iter().any(|word| first.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_takes_one_question_and_nothing_else() {
        for question in [
            "SELECT 1",
            "-- Why?\nselect ';' AS `;`;",
            "(SELECT 1) UNION (SELECT 2)",
            "SHOW CREATE TABLE `a; DROP TABLE b`",
        ] {
            assert!(is_question(question), "{question}");
        }
        for other in [
            "",
            "DROP TABLE t",
            "SELECT 1; DROP TABLE t",
            "SELECT 1 INTO OUTFILE '/tmp/x'",
            "/*!50000 DROP */ TABLE t",
            "-- SELECT\nDELETE FROM t",
            "WITH c AS (SELECT 1) DELETE FROM t",
            "SET GLOBAL read_only = 1",
            "EXPLAIN ANALYZE SELECT 1",
        ] {
            assert!(!is_question(other), "{other}");
        }
    }
}
