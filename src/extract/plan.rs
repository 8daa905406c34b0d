//! What is done with each statement of a dump.

use std::ops::Range;

use super::clause::{self, Definers};
use super::edit::{Edit, Subject, readable, tokens};
use super::error::ExtractError;
use super::generated;
use super::selection::{Selection, Share};
use crate::dump::header::{self, Remark};
use crate::schema::ddl::{self, AlterAction, Assignment, Statement, VariableScope};
use crate::schema::lexer::{Lexeme, SqlModes, Token};
use crate::schema::model::Name;
use crate::schema::references;
use crate::schema::sql::identifier;
use crate::server_version::{Family, ServerVersion};
use crate::text::sql_comment;

/// The database that the result goes into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NewDatabase {
    /// The one that is chosen when it is loaded: the result names none.
    Unnamed,
    /// This one.
    Named(String),
}

/// What is to be done with a dump.
#[derive(Default)]
pub struct Plan<'a> {
    /// The parts that are wanted; `None` for all.
    pub selection: Option<Selection<'a>>,
    /// Whether only rows are wanted, for tables that exist.
    pub rows_only: bool,
    /// What becomes of definers.
    pub definers: Definers,
    /// The server that the result is for; `None` for the one that the dump came from.
    pub target: Option<ServerVersion>,
    /// The server that the dump came from, where it says so.
    pub source: Option<ServerVersion>,
    /// The database that the result goes into, and the one that the dump names.
    pub database: Option<(NewDatabase, String)>,
    /// Statements that the session needs before the first table is made, without delimiter.
    pub session: Vec<String>,
    /// Tables and their generated columns whose values stand in the rows, which the target refuses.
    pub generated: Vec<(String, String)>,
    /// Functions and triggers that the dump lacks.
    pub programs: Vec<Program>,
}

/// A function or trigger that is added to a dump.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Its kind and name, such as `trigger civicrm_phone_before_insert`.
    pub name: String,
    /// Where it comes from, as a clause.
    pub why: String,
    /// The statement that takes it away where it is there, without delimiter.
    pub drop: String,
    /// The statement that makes it, without delimiter.
    pub create: String,
}

impl Program {
    /// The statements as the client reads them, behind a comment that says where they come from.
    pub(super) fn script(&self) -> String {
        let tool = concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION"));
        let name = sql_comment(&format!(
            "{tool} extract --repair: {}, {}",
            self.name, self.why
        ));
        format!(
            "{name}\n{};\nDELIMITER ;;\n{} ;;\nDELIMITER ;\n",
            self.drop, self.create
        )
    }
}

/// What becomes of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is taken.
    Keep,
    /// It is left out.
    Drop,
    /// It goes with the statement that it belongs to.
    Follow,
}

/// What becomes of a statement, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Decision {
    pub(super) fate: Fate,
    pub(super) edits: Vec<Edit>,
    /// Why a statement is left out that no table takes with it.
    pub(super) removed: Option<Subject>,
    /// Whether what it is about could not be told.
    pub(super) is_unplaced: bool,
    /// Statements that are to stand behind all rows.
    pub(super) later: Vec<String>,
}

impl Decision {
    pub(super) fn keep() -> Self {
        Self {
            fate: Fate::Keep,
            edits: Vec::new(),
            removed: None,
            is_unplaced: false,
            later: Vec::new(),
        }
    }

    pub(super) fn drop() -> Self {
        Self {
            fate: Fate::Drop,
            ..Self::keep()
        }
    }

    fn remove(subject: Subject) -> Self {
        Self {
            removed: Some(subject),
            ..Self::drop()
        }
    }

    /// Left out by the choice of tables, although nothing says which table it is about.
    fn unplaced() -> Self {
        Self {
            is_unplaced: true,
            ..Self::drop()
        }
    }

    fn take(is_taken: bool) -> Self {
        match is_taken {
            true => Self::keep(),
            false => Self::drop(),
        }
    }
}

/// Where a statement stands: in which database, and how it is quoted.
pub(super) struct Context<'a> {
    pub(super) current: Option<&'a str>,
    pub(super) modes: SqlModes,
    /// Line on which the statement begins.
    pub(super) line: u64,
}

impl Plan<'_> {
    /// Whether the result is the dump itself, byte for byte.
    pub fn is_plain(&self) -> bool {
        self.selection.is_none()
            && !self.rows_only
            && self.definers == Definers::Keep
            && self.target.is_none()
            && self.database.is_none()
            && self.session.is_empty()
            && self.generated.is_empty()
            && self.programs.is_empty()
    }

    /// Whether parts of the dump are left out.
    pub(super) fn leaves_out(&self) -> bool {
        self.selection.is_some() || self.rows_only
    }

    /// What becomes of a statement, or of the head of an INSERT.
    pub(super) fn decide(&self, text: &[u8], context: &Context) -> Result<Decision, ExtractError> {
        if let Some(decision) = self.of_mariadb_alone(text) {
            return Ok(decision);
        }
        let sql = String::from_utf8_lossy(text);
        let mut modes = context.modes;
        let mut parsed = ddl::parse(&sql, modes);
        if parsed.is_err() {
            let other = SqlModes {
                ansi_quotes: !modes.ansi_quotes,
                ..modes
            };
            if let Ok(statement) = ddl::parse(&sql, other) {
                (parsed, modes) = (Ok(statement), other);
            }
        }
        let statement = match parsed {
            Ok(statement) => statement,
            // What is no statement stays what it is, unless it could be part of what is not wanted.
            Err(error) if self.leaves_out() => {
                return Err(ExtractError::Unreadable {
                    line: context.line,
                    error,
                });
            }
            Err(_) => return Ok(Decision::keep()),
        };
        let mut decision = self.placed(&statement, &sql, modes, context);
        if decision.fate == Fate::Drop {
            return Ok(decision);
        }
        let readable = readable(text);
        let tokens = tokens(&readable, modes);
        let edits = &mut decision.edits;
        if let Some(removed) = self.rewrite(&statement, text, &tokens, context, edits)? {
            return Ok(Decision::remove(removed));
        }
        if let Statement::CreateTable(create) = &statement {
            for (table, column) in &self.generated {
                if !is_same(table, &create.name.name) {
                    continue;
                }
                let of = generated::Of {
                    database: self.database_of(create.name.database.as_deref()),
                    name: &create.name.name,
                    table: &create.table,
                };
                let postponed = generated::postpone(&sql, &tokens, edits, &of, column)?;
                if let Some((edit, later)) = postponed {
                    edits.push(edit);
                    decision.later.push(later);
                }
            }
        }
        Ok(decision)
    }

    /// Statements that stand in a version comment of MariaDB, of which MySQL sees nothing.
    fn of_mariadb_alone(&self, text: &[u8]) -> Option<Decision> {
        let target = self.target.as_ref()?;
        let is_whole = text.starts_with(b"/*M!")
            && memchr::memmem::find(text, b"*/").is_some_and(|end| end + 2 == text.len());
        (target.family == Family::Mysql && is_whole)
            .then(|| Decision::remove(Subject::VersionComment))
    }

    /// What the choice of parts does with a statement.
    fn placed(
        &self,
        statement: &Statement,
        sql: &str,
        modes: SqlModes,
        context: &Context,
    ) -> Decision {
        if self.rows_only && !is_about_rows(statement) {
            return Decision::drop();
        }
        let Some(selection) = &self.selection else {
            return Decision::keep();
        };
        let share = |name: &Name| {
            let database = name.database.as_deref().or(context.current);
            match selection.is_of(database) {
                true => selection.table(&name.name),
                false => Share::Nothing,
            }
        };
        let is_of = |name: &Name| {
            let database = name.database.as_deref().or(context.current);
            selection.is_of(database)
        };
        let structure = |name: &Name| Decision::take(share(name) != Share::Nothing);
        if let Statement::Other(word) = statement
            && let Some(name) = sequence_of(word, sql, modes)
        {
            // It has the owner that a table of its name would have.
            return match share(&name) {
                Share::Nothing if selection.is_undecided(&name.name) => Decision::unplaced(),
                taken => Decision::take(taken != Share::Nothing),
            };
        }
        match statement {
            Statement::CreateTable(create) => structure(&create.name),
            Statement::AlterTable(alter) => {
                let is_switch = |action: &AlterAction| *action == AlterAction::SwitchKeys;
                match alter.actions.iter().all(is_switch) {
                    true => Decision::take(share(&alter.name) == Share::All),
                    false => structure(&alter.name),
                }
            }
            Statement::CreateIndex { table, .. } | Statement::DropIndex { table, .. } => {
                structure(table)
            }
            Statement::CreateView(create) => structure(&create.name),
            Statement::Insert(head) => Decision::take(share(&head.table) == Share::All),
            Statement::TruncateTable(name) => structure(name),
            Statement::DropTable(drop) | Statement::DropView(drop) => {
                some_of(sql, modes, &drop.names, |name| {
                    share(name) != Share::Nothing
                })
            }
            Statement::LockTables(names) => {
                some_of(sql, modes, names, |name| share(name) != Share::Nothing)
            }
            Statement::RenameTable(pairs) => {
                let mut pairs = pairs.iter();
                Decision::take(
                    pairs.all(|(from, to)| {
                        share(from) != Share::Nothing && share(to) != Share::Nothing
                    }),
                )
            }
            Statement::CreateTrigger(create) => {
                let table = Name {
                    database: create.name.database.clone(),
                    name: create.object.table.clone(),
                };
                structure(&table)
            }
            Statement::DropTrigger(drop) => {
                let taken = |name: &Name| is_of(name) && selection.trigger(&name.name);
                Decision::take(drop.names.iter().any(taken))
            }
            Statement::CreateRoutine(kind, create) => {
                let kind = kind.as_str();
                let taken = is_of(&create.name) && selection.program(kind, &create.name.name);
                Decision::take(taken)
            }
            Statement::DropRoutine(kind, drop) => {
                let kind = kind.as_str();
                let taken = |name: &Name| is_of(name) && selection.program(kind, &name.name);
                Decision::take(drop.names.iter().any(taken))
            }
            Statement::CreateEvent(create) => {
                let taken = is_of(&create.name) && selection.program("event", &create.name.name);
                Decision::take(taken)
            }
            Statement::DropEvent(drop) => {
                let taken = |name: &Name| is_of(name) && selection.program("event", &name.name);
                Decision::take(drop.names.iter().any(taken))
            }
            Statement::CreateDatabase(name)
            | Statement::DropDatabase(name)
            | Statement::Use(name) => Decision::take(selection.is_of(Some(name))),
            Statement::AlterDatabase { name } => {
                let database = name.as_deref().or(context.current);
                Decision::take(selection.is_of(database))
            }
            Statement::Other(word) if changes_rows(word) => {
                let used = references::of(sql, modes).tables;
                let has_rows = |name: &&Name| share(name) == Share::All;
                match used.iter().filter(has_rows).count() {
                    // Where the rows are not taken there is nothing to change.
                    0 if !used.is_empty() => Decision::drop(),
                    all if all == used.len() && (all > 0 || !selection.is_narrow()) => {
                        Decision::keep()
                    }
                    _ => Decision::unplaced(),
                }
            }
            Statement::Other(word) => {
                let used = references::of(sql, modes).tables;
                let taken = used.iter().filter(|name| share(name) != Share::Nothing);
                let is_of_session = matches!(word.as_str(), "SET" | "SELECT" | "DO" | "FLUSH");
                let is_whole = taken.count() == used.len();
                // What names no table goes with a choice that names none either.
                let is_kept = !used.is_empty() || is_of_session || !selection.is_narrow();
                match is_whole && is_kept {
                    true => Decision::keep(),
                    false => Decision::unplaced(),
                }
            }
            Statement::Set(_)
            | Statement::UnlockTables
            | Statement::StartTransaction
            | Statement::EndTransaction
            | Statement::Empty => Decision::keep(),
        }
    }

    /// Adds the replacements that a statement needs; or says why it goes altogether.
    fn rewrite(
        &self,
        statement: &Statement,
        text: &[u8],
        tokens: &[Lexeme],
        context: &Context,
        edits: &mut Vec<Edit>,
    ) -> Result<Option<Subject>, ExtractError> {
        let has_definer = matches!(
            statement,
            Statement::CreateView(_)
                | Statement::CreateTrigger(_)
                | Statement::CreateRoutine(..)
                | Statement::CreateEvent(_)
        ) || matches!(statement, Statement::Other(word) if word == "ALTER VIEW" || word == "ALTER EVENT");
        if has_definer {
            edits.extend(clause::definer(text, tokens, &self.definers));
        }
        if let Some(target) = &self.target {
            if let Statement::Set(assignments) = statement {
                if let Some(subject) = removed_setting(assignments) {
                    return Ok(Some(subject));
                }
                edits.extend(clause::sql_modes(tokens, target));
            }
            edits.extend(clause::collations(tokens, target));
            if let Statement::CreateTable(_) | Statement::CreateDatabase(_) = statement {
                let source = self.source.as_ref();
                edits.extend(clause::missing_collations(tokens, source, target));
            }
            if let Statement::CreateTable(_) = statement {
                edits.extend(clause::table_options(tokens, target));
                edits.extend(clause::text_defaults(tokens, target));
            }
        }
        let Some((new, old)) = &self.database else {
            return Ok(None);
        };
        match statement {
            Statement::DropDatabase(name) if is_same(name, old) => {
                return Ok(Some(Subject::Database));
            }
            Statement::CreateDatabase(name) | Statement::Use(name) if is_same(name, old) => {
                match new {
                    NewDatabase::Unnamed => return Ok(Some(Subject::Database)),
                    NewDatabase::Named(new) => edits.extend(renamed(tokens, old, Some(new))),
                }
            }
            Statement::AlterDatabase { name: Some(name) } if is_same(name, old) => {
                let new = match new {
                    NewDatabase::Unnamed => None,
                    NewDatabase::Named(new) => Some(new),
                };
                edits.extend(renamed(tokens, old, new));
            }
            Statement::CreateDatabase(_)
            | Statement::DropDatabase(_)
            | Statement::Use(_)
            | Statement::Set(_)
            | Statement::AlterDatabase { .. } => {}
            _ => {
                // Of tables nothing but columns may have the same name.
                let has_body = !matches!(
                    statement,
                    Statement::CreateTable(_)
                        | Statement::AlterTable(_)
                        | Statement::CreateIndex { .. }
                        | Statement::Insert(_)
                );
                let Some(found) = clause::qualifiers(tokens, old, has_body) else {
                    return Err(ExtractError::Ambiguous {
                        line: context.line,
                        database: old.clone(),
                    });
                };
                edits.extend(found.into_iter().map(|place| match new {
                    NewDatabase::Unnamed => database_edit(place.with_dot, String::new()),
                    NewDatabase::Named(new) => database_edit(place.name, identifier(new)),
                }));
            }
        }
        Ok(None)
    }

    /// The name that stands before an object's in the result, where `database` stands there in the dump.
    fn database_of<'n>(&'n self, database: Option<&'n str>) -> Option<&'n str> {
        let database = database?;
        match &self.database {
            Some((new, old)) if is_same(database, old) => match new {
                NewDatabase::Unnamed => None,
                NewDatabase::Named(new) => Some(new),
            },
            _ => Some(database),
        }
    }

    /// What becomes of a comment between statements.
    pub(super) fn comment(&self, text: &[u8]) -> Decision {
        if text.starts_with(b"/*M!999999") || text.starts_with(b"/*!999999") {
            return match self.target {
                Some(_) => Decision::remove(Subject::SandboxLine),
                None => Decision::keep(),
            };
        }
        match header::remark(text, true) {
            Some(Remark::Database(_)) if !text.starts_with(b"-- Host") => {
                let edits = self.in_header(text);
                Decision {
                    fate: Fate::Follow,
                    edits: edits.into_iter().collect(),
                    ..Decision::keep()
                }
            }
            Some(Remark::StandIn(_) | Remark::Problem(_)) | None => Decision {
                fate: Fate::Follow,
                ..Decision::keep()
            },
            Some(_) => Decision::keep(),
        }
    }

    /// The replacement of the database's name, in backquotes, in a comment that says of which database what follows
    /// is.
    fn in_header(&self, text: &[u8]) -> Option<Edit> {
        let Some((NewDatabase::Named(new), old)) = &self.database else {
            return None;
        };
        let quoted = identifier(old);
        let at = memchr::memmem::find(text, quoted.as_bytes())?;
        Some(database_edit(at..at + quoted.len(), identifier(new)))
    }
}

fn is_same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

fn database_edit(range: Range<usize>, with: String) -> Edit {
    Edit {
        subject: Subject::Database,
        range,
        with,
    }
}

/// The replacement of the name behind CREATE DATABASE, ALTER DATABASE or USE, which is the first that is the same.
fn renamed(tokens: &[Lexeme], old: &str, new: Option<&String>) -> Option<Edit> {
    let named = tokens.iter().skip(1).find(|lexeme| match &lexeme.token {
        Token::Word(name) => is_same(name, old),
        Token::Quoted(name) => is_same(name, old),
        _ => false,
    })?;
    let with = new.map(|new| identifier(new)).unwrap_or_default();
    Some(database_edit(named.start..named.end, with))
}

/// Whether a statement that is no INSERT, and begins with this word, changes rows of the tables that it names.
fn changes_rows(word: &str) -> bool {
    matches!(word, "UPDATE" | "DELETE" | "LOAD" | "WITH")
}

/// Whether a statement is about rows, or about the session in which they are put in.
fn is_about_rows(statement: &Statement) -> bool {
    match statement {
        Statement::Insert(_)
        | Statement::TruncateTable(_)
        | Statement::Set(_)
        | Statement::Use(_)
        | Statement::LockTables(_)
        | Statement::UnlockTables
        | Statement::StartTransaction
        | Statement::EndTransaction
        | Statement::Empty => true,
        Statement::Other(word) => changes_rows(word),
        Statement::AlterTable(alter) => {
            let is_switch = |action: &AlterAction| *action == AlterAction::SwitchKeys;
            alter.actions.iter().all(is_switch)
        }
        _ => false,
    }
}

/// The sequence of MariaDB that a statement makes, drops, changes or sets.
fn sequence_of(word: &str, sql: &str, modes: SqlModes) -> Option<Name> {
    let tokens = tokens(sql, modes);
    let mut rest = match word {
        "DO" | "SELECT" => match tokens.as_slice() {
            [_, function, open, rest @ ..]
                if function.token.is("SETVAL") && open.token == Token::Symbol('(') =>
            {
                rest
            }
            _ => return None,
        },
        _ if word.ends_with(" SEQUENCE") => {
            let at = tokens.iter().position(|it| it.token.is("SEQUENCE"))?;
            tokens.get(at + 1..)?
        }
        _ => return None,
    };
    while let [first, others @ ..] = rest
        && first.token.is_any(&["IF", "NOT", "EXISTS"])
    {
        rest = others;
    }
    let text = |lexeme: &Lexeme| match &lexeme.token {
        Token::Quoted(name) => Some(name.to_string()),
        Token::Word(name) => Some((*name).to_owned()),
        _ => None,
    };
    match rest {
        [database, dot, name, ..] if dot.token == Token::Symbol('.') => Some(Name {
            database: text(database),
            name: text(name)?,
        }),
        [name, ..] => Some(Name {
            database: None,
            name: text(name)?,
        }),
        [] => None,
    }
}

/// What becomes of a statement that lists several tables. The items of the list that are not taken are taken out of it,
/// each with its comma.
fn some_of(
    sql: &str,
    modes: SqlModes,
    names: &[Name],
    is_taken: impl Fn(&Name) -> bool,
) -> Decision {
    let taken: Vec<bool> = names.iter().map(is_taken).collect();
    if !taken.contains(&true) {
        return Decision::drop();
    }
    if !taken.contains(&false) {
        return Decision::keep();
    }
    let tokens = tokens(sql, modes);
    let is_odd = |lexeme: &Lexeme| lexeme.in_version_comment;
    if sql.contains(char::REPLACEMENT_CHARACTER) || tokens.iter().any(is_odd) {
        return Decision::unplaced();
    }
    let mut items: Vec<Range<usize>> = Vec::new();
    // The list begins with the first name, and goes to the end or to a word behind it that belongs to all.
    let begins = tokens
        .iter()
        .position(|lexeme| match (&lexeme.token, names.first()) {
            (Token::Word(word), Some(first)) => {
                *word == first.name || Some(*word) == first.database.as_deref()
            }
            (Token::Quoted(word), Some(first)) => {
                **word == *first.name || Some(&**word) == first.database.as_deref()
            }
            _ => false,
        });
    let mut start = None;
    for lexeme in tokens.get(begins.unwrap_or_default()..).unwrap_or_default() {
        match lexeme.token {
            Token::Symbol(',') => start = None,
            _ => match (start, items.last_mut()) {
                (Some(()), Some(item)) => item.end = lexeme.end,
                _ => {
                    start = Some(());
                    items.push(lexeme.start..lexeme.end);
                }
            },
        }
    }
    if items.len() != names.len() {
        return Decision::unplaced();
    }
    let kept = items.iter().zip(&taken).filter(|(_, taken)| **taken);
    let kept: Vec<&str> = kept.filter_map(|(item, _)| sql.get(item.clone())).collect();
    let (Some(first), Some(last)) = (items.first(), items.last()) else {
        return Decision::unplaced();
    };
    Decision {
        edits: vec![Edit {
            subject: Subject::TableList,
            range: first.start..last.end,
            with: kept.join(", "),
        }],
        ..Decision::keep()
    }
}

/// Why a SET statement goes altogether: all that it sets is about the source's transactions or about the binary log.
fn removed_setting(assignments: &[Assignment]) -> Option<Subject> {
    let subject = |assignment: &Assignment| {
        let value = assignment.value.to_ascii_lowercase();
        match (assignment.scope, assignment.name.as_str()) {
            (VariableScope::Global, "gtid_purged") => Some(Subject::Gtid),
            (VariableScope::Session, "sql_log_bin") => Some(Subject::BinaryLog),
            (VariableScope::User, _)
                if value.starts_with("@@") && value.ends_with("sql_log_bin") =>
            {
                Some(Subject::BinaryLog)
            }
            _ => None,
        }
    };
    let all: Option<Vec<Subject>> = assignments.iter().map(subject).collect();
    all?.into_iter().next()
}
