//! Puts the answers of a server together.

use indexmap::IndexMap;

use super::printed::show_create_table;
use super::tables::Answers;
use super::{programs, rows, tables};
use crate::privilege::Privilege;
use crate::schema::ddl::{self, Statement};
use crate::schema::lexer::SqlModes;
use crate::server::answer::{Answer, text};
use crate::server::connection::{Reader, Setting};
use crate::server::error::ServerError;
use crate::server_version::Family;
use crate::snapshot::{ObjectKind, RowsWanted, ServerFacts, Snapshot, Source, SourceKind};

/// What to read in addition to the schema.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReadOptions {
    /// Which rows to keep.
    pub rows: &'static [RowsWanted],
    /// Whether to count the rows of every table, which reads a whole index of each, instead of taking the
    /// storage engine's estimates.
    pub exact_counts: bool,
}

/// Asks for the facts of one database.
pub(super) struct FactReader<'a> {
    pub(super) connection: &'a mut Reader,
    pub(super) database: &'a str,
}

/// Reads `database`, which has to be the connection's current database, in a READ ONLY transaction.
///
/// # Errors
/// The connection is lost, or the server does not answer a question that every server does.
pub fn read(
    connection: &mut Reader,
    database: &str,
    wanted: ReadOptions,
) -> Result<Snapshot, ServerError> {
    connection.begin_reading()?;
    let mut reader = FactReader {
        connection,
        database,
    };
    let snapshot = reader.snapshot(wanted);
    let ended = connection.end_reading();
    let snapshot = snapshot?;
    ended?;
    Ok(snapshot)
}

/// Reads what a server tells of itself to an account, whether or not the account may see a database.
///
/// # Errors
/// The errors of [`read`].
pub fn server_facts(connection: &mut Reader) -> Result<ServerFacts, ServerError> {
    let mut reader = FactReader {
        connection,
        database: "",
    };
    reader.facts()
}

impl FactReader<'_> {
    fn snapshot(&mut self, wanted: ReadOptions) -> Result<Snapshot, ServerError> {
        let facts = self.facts()?;
        let hidden = self.hidden(&facts);
        let mut snapshot = Snapshot {
            source: Source {
                kind: SourceKind::Server,
                server_version: Some(self.connection.version.clone()),
                databases: vec![self.database.to_owned()],
                ..Source::default()
            },
            database: Some(self.database.to_owned()),
            rows_estimated: true,
            server: Some(facts),
            hidden,
            ..Snapshot::default()
        };
        let answers = self.answers()?;
        self.programs(&mut snapshot)?;
        if let Some(mut facts) = snapshot.server.take() {
            facts.definer_grants = self.definer_grants(&snapshot.schema, &facts)?;
            snapshot.server = Some(facts);
        }
        let (tables, unreadable) =
            tables::tables(&answers, self.database, &self.connection.version);
        snapshot.schema.tables = tables;
        let mut to_print: IndexMap<String, String> = unreadable.into_iter().collect();
        for table in tables::inexact(&answers, &self.connection.version) {
            let why = "information_schema does not tell it exactly".to_owned();
            to_print.entry(table).or_insert(why);
        }
        for table in tables::without_rules(&answers) {
            let why = "this account does not see its foreign keys".to_owned();
            to_print.entry(table).or_insert(why);
        }
        self.show_create_tables(to_print, &mut snapshot)?;
        if let Some(mut facts) = snapshot.server.take() {
            facts.elsewhere = self.elsewhere(&snapshot.schema)?;
            snapshot.server = Some(facts);
        }
        sizes(&answers.tables, &mut snapshot);
        self.rows(wanted.rows, &mut snapshot)?;
        if wanted.exact_counts {
            let tables = snapshot.schema.tables.keys().map(String::as_str);
            let counts = rows::count(self.connection, tables)?;
            snapshot.rows_estimated = counts.len() < snapshot.schema.tables.len();
            snapshot.row_counts.extend(counts);
            snapshot.row_counts.retain(|_, count| *count > 0);
        }
        Ok(snapshot)
    }

    /// The kinds of objects that the account may not see in full for lack of privileges, with the reason: a
    /// server leaves them out of its answers without saying so.
    fn hidden(&self, facts: &ServerFacts) -> IndexMap<ObjectKind, String> {
        use Privilege::{
            AlterRoutine, CreateRoutine, Event, Execute, Select, ShowCreateRoutine, ShowRoutine,
            Trigger,
        };
        let mut hidden = IndexMap::new();
        let version = &self.connection.version;
        let Some(grants) = &facts.grants else {
            return hidden;
        };
        let has = grants.on_database(self.database, &facts.rules(version));
        // Before a privilege existed, everybody or only SUPER could see what it is for.
        let lacks = |any_of: &[Privilege]| {
            any_of.iter().any(|it| it.is_known_to(version))
                && !any_of.iter().any(|it| has.whole.contains(it))
        };
        let of_all_routines = [Select, ShowRoutine];
        let sees_all_routines = of_all_routines.iter().any(|it| has.global.contains(it));
        let routines = [Execute, AlterRoutine, CreateRoutine, ShowCreateRoutine];
        for (kind, is_hidden, needs) in [
            (ObjectKind::Table, lacks(&[Select]), "SELECT"),
            (ObjectKind::Trigger, lacks(&[Trigger]), "TRIGGER"),
            (
                ObjectKind::Routine,
                !sees_all_routines && lacks(&routines),
                "EXECUTE",
            ),
            (ObjectKind::Event, lacks(&[Event]), "EVENT"),
        ] {
            if is_hidden {
                let why = format!(
                    "this account has no {needs} privilege on the whole database, and without it the server shows nothing"
                );
                hidden.insert(kind, why);
            }
        }
        hidden
    }

    /// Takes tables as SHOW CREATE TABLE prints them, which tells more than information_schema, also to
    /// accounts that may only read. Each table comes with the reason why it is printed.
    fn show_create_tables(
        &mut self,
        tables: IndexMap<String, String>,
        snapshot: &mut Snapshot,
    ) -> Result<(), ServerError> {
        if tables.is_empty() {
            return Ok(());
        }
        // Without this, bytes that are not text arrive as question marks.
        self.connection.set(Setting::StoredBytes)?;
        let count = tables.len();
        for (table, why) in tables {
            let printed = match show_create_table(self.connection, &table) {
                Err(error) if error.is_lost() => return Err(error),
                printed => printed.ok().flatten(),
            };
            let parsed = printed.map(|printed| ddl::parse(&printed, SqlModes::default()));
            if let Some(Ok(Statement::CreateTable(create))) = parsed {
                snapshot.schema.tables.insert(table, create.table);
            } else {
                let why = format!("{count} of the tables cannot be read, such as {table}: {why}");
                snapshot.hidden.entry(ObjectKind::Table).or_insert(why);
            }
        }
        self.connection.set(Setting::Utf8)?;
        Ok(())
    }

    fn answers(&mut self) -> Result<Answers, ServerError> {
        let connection = &mut *self.connection;
        let mut answers = Answers {
            tables: connection.ask("the tables", sql!("tables"))?,
            columns: connection.ask("the columns", sql!("columns"))?,
            indexes: connection.ask("the indexes", sql!("indexes"))?,
            foreign_keys: connection.ask("the foreign keys", sql!("foreign-keys"))?,
            foreign_key_columns: connection
                .ask("the columns of foreign keys", sql!("foreign-key-columns"))?,
            ..Answers::default()
        };
        // Servers before MySQL 8.0.16 and MariaDB 10.2 have no checks.
        let checks = sql!("checks");
        let checks = connection.ask_if_possible("the checks", checks)?;
        answers.checks = checks.unwrap_or_default();
        if connection.version.family == Family::Mysql && !answers.checks.is_empty() {
            answers.constraints = connection.ask("the tables of checks", sql!("constraints"))?;
        }
        Ok(answers)
    }

    fn programs(&mut self, snapshot: &mut Snapshot) -> Result<(), ServerError> {
        let connection = &mut *self.connection;
        let triggers = connection.ask("the triggers", sql!("triggers"))?;
        let views = connection.ask("the views", sql!("views"))?;
        if let Some(facts) = &mut snapshot.server {
            facts.views_by_invoker = programs::views_by_invoker(&views);
        }
        let routines = connection.ask("the routines", sql!("routines"))?;
        // Servers before MySQL 5.5 have no PARAMETERS; then only the bodies are looked into.
        let parameters = connection
            .ask("the parameters", sql!("parameters"))
            .unwrap_or_default();
        let events = connection.ask("the events", sql!("events"))?;

        let schema = &mut snapshot.schema;
        schema.triggers = programs::triggers(&triggers);
        for (name, view) in programs::views(&views, self.database) {
            let Some(view) = view else {
                let why = "this account lacks SHOW VIEW".to_owned();
                snapshot.hidden.insert(ObjectKind::ViewQuery, why);
                schema.views.insert(name, programs::unseen_view());
                continue;
            };
            schema.views.insert(name, view);
        }
        let (found, all_seen) = programs::routines(&routines, &parameters);
        schema.routines = found;
        if !all_seen {
            let why = "this account may not read the bodies of routines".to_owned();
            snapshot.hidden.insert(ObjectKind::RoutineBody, why);
        }
        schema.events = programs::events(&events);
        Ok(())
    }
}

/// Takes rows and bytes of tables as the storage engines estimate them.
fn sizes(tables: &Answer, snapshot: &mut Snapshot) {
    for row in tables {
        let Some(name) = text(row, "table_name") else {
            continue;
        };
        if !snapshot.schema.tables.contains_key(&name) {
            continue;
        }
        let number = |column| text(row, column).and_then(|n| n.parse::<u64>().ok());
        if let Some(count) = number("table_rows").filter(|count| *count > 0) {
            snapshot.row_counts.insert(name.clone(), count);
        }
        let bytes = number("data_length").unwrap_or(0) + number("index_length").unwrap_or(0);
        if let Some(server) = &mut snapshot.server {
            server.table_bytes.insert(name, bytes);
        }
    }
}

impl ServerFacts {
    /// Whether the server is a node of a Galera cluster.
    pub fn is_galera(&self) -> bool {
        self.is_on("wsrep_on") == Some(true)
    }
}
