//! The rows of INSERT statements: counted, and a few of them kept.

use super::first_keys::whole_number;
use super::{DumpReader, MAX_PLACES, push};
use crate::dump::header;
use crate::dump::scanner::{Statement as Text, Wanted};
use crate::dump::values::parse_row;
use crate::schema::ddl::{self, Statement};
use crate::schema::lexer::SqlModes;
use crate::schema::model::{Name, Table, TriggerEvent, find};
use crate::snapshot::{At, Place, RowsWanted, UnevenInsert};

/// Most bytes that are kept of the rows of one table, so that a hostile dump cannot fill the memory: enough for
/// some 2,000 custom fields.
const MAX_KEPT_BYTES: usize = 8 << 20;

/// The same for the tables of a CMS that are named alike: enough for some 2,000 modules.
const MAX_KEPT_BYTES_OF_CMS: usize = 4 << 20;

/// The same for tables with a row for each account, of which few columns are kept: enough for some 150,000.
const MAX_KEPT_BYTES_OF_SHORT: usize = 32 << 20;

/// Approximate memory in bytes that a kept value costs besides its text.
const VALUE_COST: usize = 100;

/// The INSERT being read. It is kept from one to the next because they mostly repeat.
#[derive(Clone, Default)]
pub(super) struct Insert {
    pub(super) head: Vec<u8>,
    database: Option<String>,
    table: String,
    /// Index of the table in its database's `row_counts`.
    slot: usize,
    columns: Option<Vec<String>>,
    at: At,
    rows: Wanted,
    wanted: Option<RowsWanted>,
    /// Whether the values of its first row have been counted.
    counted: bool,
    /// Whether the first row has not as many values as there are columns.
    is_wrong: bool,
    /// The number of values of the rows of the statement that ends next, where they were counted.
    pub(super) values: Option<u64>,
    /// The index of the value that is the primary key, where two rows with the same stop the restore.
    key: Option<usize>,
    /// The primary key of the first row, if it is a whole number, and where the row stands; `None` before that row.
    first_key: Option<(Option<u64>, Place)>,
    /// Whether the statement that ends next changes rows that have its keys already.
    pub(super) updates: bool,
}

impl Insert {
    /// The table that gets the rows.
    pub(super) fn table(&self) -> &str {
        &self.table
    }

    /// The database of that table, as the dump names it.
    pub(super) fn database(&self) -> &Option<String> {
        &self.database
    }
}

impl DumpReader {
    pub(super) fn begin_insert(&mut self, head: Text<'_>) -> Wanted {
        self.facts.statements += 1;
        self.insert.first_key = None;
        self.insert.updates = false;
        if head.text == self.insert.head {
            return self.insert.rows;
        }
        let at = self.at(head.place);
        let sql = String::from_utf8_lossy(head.text);
        let parsed = ddl::parse(&sql, self.session.modes());
        if let Err(error) = &parsed {
            push(&mut self.facts.unreadable, (at.clone(), error.to_string()));
        }
        let Ok(Statement::Insert(parsed)) = parsed else {
            self.insert = Insert::default();
            return Wanted::None;
        };
        self.uses_table(&parsed.table, &at);
        if self.is_temporary(&parsed.table) {
            self.insert = Insert::default();
            return Wanted::None;
        }
        self.note_unlocked(&parsed.table, &at);
        self.note_unknown_columns(&parsed, &at);
        let name = self.database_named(&parsed.table);
        let database = self.databases.of(name.clone());
        let columns = parsed.columns.clone().or_else(|| {
            let table = find(&database.schema.tables, &parsed.table.name)?;
            if database
                .of_query
                .contains(&parsed.table.name.to_lowercase())
            {
                return None;
            }
            // Rows without column names have no values for invisible columns.
            let invisible = find(&database.invisible, &parsed.table.name);
            let is_visible = |name: &&String| invisible.is_none_or(|names| !names.contains(name));
            Some(table.columns.keys().filter(is_visible).cloned().collect())
        });
        let table = find(&database.schema.tables, &parsed.table.name);
        let of_table = table.into_iter().flat_map(|table| table.columns.keys());
        let of_insert = columns.iter().flatten().filter(|_| table.is_none());
        let names = of_table.chain(of_insert).map(String::as_str);
        let mut all_wanted = self.wanted.iter();
        let wanted = all_wanted
            .find(|wanted| wanted.is_of(&parsed.table.name, names.clone()))
            .copied();
        let fires = database.schema.triggers.iter().find(|(_, trigger)| {
            trigger.event == TriggerEvent::Insert
                && trigger.table.eq_ignore_ascii_case(&parsed.table.name)
        });
        // Whoever loads a file of rows chooses when to make the triggers.
        if let Some((trigger, _)) = fires.filter(|_| !self.is_of_rows) {
            let found = (at.clone(), trigger.clone(), parsed.table.name.clone());
            push(&mut self.facts.triggers_before_rows, found);
        }
        let table = find(&database.schema.tables, &parsed.table.name);
        let charset = table.and_then(|table| table.charset.clone());
        let counted = database.row_counts.entry(parsed.table.name.clone());
        let slot = counted.index();
        counted.or_default();
        self.note_charsets(charset, &at);
        let key = self.key_of(&parsed, columns.as_deref());
        self.insert = Insert {
            head: head.text.to_vec(),
            at,
            database: name,
            table: parsed.table.name,
            slot,
            rows: match (&columns, wanted) {
                (None, _) => Wanted::None,
                (Some(_), None) => Wanted::First,
                (Some(_), Some(wanted)) => Wanted::Containing(match wanted.containing {
                    [one] => one,
                    _ => b"",
                }),
            },
            wanted,
            columns,
            counted: false,
            is_wrong: false,
            values: None,
            key,
            first_key: None,
            updates: false,
        };
        self.insert.rows
    }

    /// Notes a column that an INSERT names and its table does not have.
    fn note_unknown_columns(&mut self, insert: &ddl::InsertHead, at: &At) {
        let name = insert.table.name.as_str();
        let key = self.database_named(&insert.table);
        let Some(database) = self.databases.get(&key) else {
            return;
        };
        let Some(table) = find(&database.schema.tables, name) else {
            return;
        };
        let mut columns = insert.columns.iter().flatten();
        let is_unknown = |column: &&String| find(&table.columns, column).is_none();
        // Of some tables the columns are not known.
        if table.columns.is_empty() || database.of_query.contains(&name.to_lowercase()) {
            return;
        }
        if let Some(column) = columns.find(is_unknown) {
            let why = format!(
                "rows for {name} name the column {column}, which the table does not have (error 1054)"
            );
            push(&mut self.facts.conflicts, (at.clone(), why));
        }
    }

    /// Whether a table is made for this session only.
    pub(super) fn is_temporary(&mut self, name: &Name) -> bool {
        let key = name.name.to_lowercase();
        self.database(name).temporary.contains(&key)
    }

    /// The INSERT being read: its database as the dump names it, its table, and the columns in
    /// the order of its values; `None` where the table's columns are not known.
    pub fn current_insert(&self) -> Option<(Option<&str>, &str, &[String])> {
        let Insert {
            database,
            table,
            columns,
            ..
        } = &self.insert;
        Some((database.as_deref(), table, columns.as_deref()?))
    }

    /// The table that the rows of the INSERT being read go into; empty where its head cannot be read.
    pub fn rows_go_into(&self) -> &str {
        self.insert.table()
    }

    /// The table as the statements read so far have made it; `None` if it does not exist.
    pub fn table(&self, database: Option<&str>, name: &str) -> Option<&Table> {
        let database = self.databases.get(&database.map(str::to_owned))?;
        find(&database.schema.tables, name)
    }

    /// The `sql_mode` flags that decide how values are written at this point of the dump.
    pub fn sql_modes(&self) -> SqlModes {
        self.session.modes()
    }

    /// The character set that the last SET NAMES named, in lower case; `None` before the first.
    pub fn client_charset(&self) -> Option<&str> {
        self.client_charset.as_deref()
    }

    /// The value of `time_zone` at this point of the dump; `None` while it is the server's own.
    pub fn time_zone(&self) -> Option<&str> {
        self.session.time_zone()
    }

    pub(super) fn read_row(&mut self, values: Text<'_>) {
        if self.insert.columns.is_none() {
            return;
        }
        if self.insert.first_key.is_none()
            && let Some(index) = self.insert.key
        {
            let key = whole_number(values.text, index, self.session.modes());
            self.insert.first_key = Some((key, values.place));
        }
        // The first row of an INSERT speaks for all: programs write them alike.
        if !self.insert.counted && values.cut_short {
            self.insert.counted = true;
            let table = self.insert.table.clone();
            if !self.facts.uncounted_rows.contains(&table) {
                push(&mut self.facts.uncounted_rows, table);
            }
        }
        let Some(columns) = &self.insert.columns else {
            return;
        };
        if !self.insert.counted {
            self.insert.counted = true;
            let row = parse_row(values.text, self.session.modes());
            if let Some(row) = &row
                && row.len() != columns.len()
            {
                let found = (
                    self.insert.at.clone(),
                    self.insert.table.clone(),
                    columns.len(),
                    row.len(),
                );
                self.insert.is_wrong = true;
                push(&mut self.facts.wrong_column_counts, found);
            } else if let Some(row) = row {
                self.note_generated_values(&row);
            }
        }
        let Some(columns) = &self.insert.columns else {
            return;
        };
        let contains = |what: &&[u8]| memchr::memmem::find(values.text, what).is_some();
        let wanted = self.insert.wanted.filter(|wanted| {
            wanted.containing.is_empty() || wanted.containing.iter().any(contains)
        });
        let Some(wanted) = wanted else { return };
        let Some(row) = parse_row(values.text, self.session.modes()) else {
            return;
        };
        let database = self.databases.of(self.insert.database.clone());
        let cost = match wanted.kept.len() {
            0 => values.text.len() + row.len() * VALUE_COST,
            kept => kept * 2 * VALUE_COST,
        };
        let kept = database.kept_bytes.entry(wanted.table).or_default();
        let (table, most) = match wanted.columns {
            [] if !wanted.kept.is_empty() => (wanted.table, MAX_KEPT_BYTES_OF_SHORT),
            [] => (wanted.table, MAX_KEPT_BYTES),
            _ if !wanted.kept.is_empty() => (self.insert.table.as_str(), MAX_KEPT_BYTES_OF_SHORT),
            _ => (self.insert.table.as_str(), MAX_KEPT_BYTES_OF_CMS),
        };
        if row.len() != columns.len() {
            return;
        }
        if *kept + cost <= most {
            *kept += cost;
            let rows = database.rows.entry(table.to_owned()).or_default();
            let row = columns.iter().zip(row);
            let row = row.filter(|(column, _)| wanted.keeps(column));
            rows.push(row.map(|(column, value)| (column.clone(), value)).collect());
        } else if !wanted.columns.is_empty() || !wanted.kept.is_empty() {
            let why = format!("its rows take more than {} MiB", most >> 20);
            database.rows_hidden.insert(table.to_owned(), why);
        }
    }

    /// Notes the generated columns for which a row has values other than DEFAULT.
    fn note_generated_values(&mut self, row: &[Option<Vec<u8>>]) {
        if self.is_of_rows {
            // LOAD DATA passes over them.
            return;
        }
        let Insert {
            database,
            table,
            columns: Some(columns),
            at,
            ..
        } = &self.insert
        else {
            return;
        };
        let is_default = |value: &Vec<u8>| value.eq_ignore_ascii_case(b"DEFAULT");
        let given = columns.iter().zip(row);
        let given = given.filter(|(_, value)| !value.as_ref().is_some_and(is_default));
        let names: Vec<String> = given.map(|(name, _)| name.clone()).collect();
        let (database, table, at) = (database.clone(), table.clone(), at.clone());
        self.note_generated(&database, &table, names.iter().map(String::as_str), &at);
    }

    /// Notes those of the named columns, for which a statement has values, that are generated.
    pub(super) fn note_generated<'n>(
        &mut self,
        database: &Option<String>,
        table: &str,
        names: impl Iterator<Item = &'n str>,
        at: &At,
    ) {
        let database = self.databases.get(database);
        let Some(definition) = database.and_then(|database| find(&database.schema.tables, table))
        else {
            return;
        };
        for name in names {
            let is_generated = find(&definition.columns, name).is_some_and(|column| {
                let expression = column.generated.as_deref();
                expression.is_some_and(|expression| !expression.starts_with("ROW "))
            });
            if is_generated {
                let found = (at.clone(), table.to_owned(), name.to_owned());
                push(&mut self.facts.values_for_generated, found);
            }
        }
    }

    pub(super) fn end_insert(&mut self, count: u64, broken: Option<&[u8]>, place: Place) {
        self.facts.rows += count;
        let values = self.insert.values.take();
        if let (Some(values), Some(columns)) = (values, &self.insert.columns)
            && broken.is_none()
            && !self.insert.is_wrong
            && values != count * columns.len() as u64
        {
            let uneven = UnevenInsert {
                at: self.at(place),
                table: self.insert.table.clone(),
                columns: columns.len(),
                rows: count,
                values,
            };
            push(&mut self.facts.uneven_inserts, uneven);
        }
        if let Some((Some(key), place)) = self.insert.first_key
            && !self.insert.updates
        {
            self.note_first_key(key, place);
        }
        if let Some(database) = self.databases.get_mut(&self.insert.database)
            && let Some((_, rows)) = database.row_counts.get_index_mut(self.insert.slot)
        {
            *rows += count;
        }
        if let Some(tail) = broken {
            let at = self.at(place);
            let tail = String::from_utf8_lossy(tail);
            let line = tail.lines().next().unwrap_or_default();
            if header::is_program_message(line) {
                self.stray(at, line);
            } else {
                let found = (at, self.insert.table.clone(), line.to_owned());
                push(&mut self.facts.broken_inserts, found);
            }
        }
    }

    /// Notes that the program has left rows of a table out: those that do not fit a condition, or without one all of the
    /// table that it made last.
    pub(super) fn note_rows_left_out(&mut self, condition: Option<String>, place: Place) {
        let at = self.at(place);
        let Some(condition) = condition else {
            let current = self.databases.get(&self.current);
            let last = current.and_then(|database| database.schema.tables.last());
            if let Some((table, _)) = last {
                let found = (at, table.clone());
                push(&mut self.facts.rows_left_out, found);
            }
            return;
        };
        if self.facts.rows_where.len() < MAX_PLACES {
            let known = self.facts.rows_where.entry(condition);
            known.or_insert((at, 0)).1 += 1;
        }
    }

    /// Rows come in the character set of SET NAMES; what that cannot hold, the dump program has already
    /// replaced by question marks.
    fn note_charsets(&mut self, table_charset: Option<String>, at: &At) {
        let known = &mut self.facts.rows_in_charset;
        let pair = (self.client_charset.clone(), table_charset);
        if !known.contains_key(&pair) && known.len() < MAX_PLACES {
            known.insert(pair, at.clone());
        }
    }
}
