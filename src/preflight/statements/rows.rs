//! Statements about rows: which tables and columns they read and write, the new rows that are known, and what is mended.

use super::{Renderer, one};
use crate::civicrm::upgrade::op::{ApiCall, Change, Insert, InsertMode, Reads, RowOf, Values, Via};
use crate::gate::{Blocked, Meaning, Operation};
use crate::preflight::condition::Holds;
use crate::preflight::facts::text;
use crate::preflight::mended::Mended;
use crate::preflight::run::is_of_site;
use crate::schema::meaning::family;
use crate::schema::model::{Column, KeyPart, Table, find, find_entry};
use crate::schema::sql::{AntiJoin, Duplicates, identifier, string};

/// Sends a statement that adds a row, with the names that it holds, through the gate.
type PassRow<'p> = &'p dyn Fn(&NewRow, Vec<String>, String) -> Result<String, Blocked>;

/// A piece of SQL and the names that it quotes.
#[derive(Clone, Debug, Default)]
struct Piece {
    sql: String,
    names: Vec<String>,
}

impl Piece {
    fn plain(sql: impl Into<String>) -> Self {
        Self {
            sql: sql.into(),
            names: Vec::new(),
        }
    }
}

/// The columns of an INSERT, with a value for each.
#[derive(Clone, Debug, Default)]
struct NewRow {
    columns: Vec<String>,
    values: Vec<Piece>,
}

impl NewRow {
    fn push(&mut self, column: &str, value: Piece) {
        self.columns.push(column.to_owned());
        self.values.push(value);
    }

    fn set(&mut self, column: &str, value: Piece) {
        let place = self
            .columns
            .iter()
            .position(|own| own.eq_ignore_ascii_case(column));
        if let Some(own) = place.and_then(|place| self.values.get_mut(place)) {
            *own = value;
        }
    }

    fn sql(&self) -> String {
        let values: Vec<&str> = self.values.iter().map(|value| value.sql.as_str()).collect();
        values.join(", ")
    }

    fn names(&self) -> impl Iterator<Item = String> {
        let values = self.values.iter().flat_map(|value| &value.names);
        self.columns.iter().chain(values).cloned()
    }
}

impl Renderer<'_> {
    /// The forms of a column in the table: itself, or one for each language.
    fn forms(&self, table: &str, column: &str) -> Vec<String> {
        let Some(found) = self.schema.table(table) else {
            return vec![column.to_owned()];
        };
        let of_languages = self
            .locales
            .iter()
            .map(|locale| format!("{column}_{locale}"));
        let there: Vec<String> = std::iter::once(column.to_owned())
            .chain(of_languages)
            .filter(|name| find(&found.columns, name).is_some())
            .collect();
        match there.is_empty() {
            true => vec![column.to_owned()],
            false => there,
        }
    }

    fn all_forms<'c>(
        &self,
        table: &str,
        columns: impl IntoIterator<Item = &'c String>,
    ) -> Vec<String> {
        let mut forms: Vec<String> = Vec::new();
        for column in columns
            .into_iter()
            .filter(|column| !column.contains(['{', '*']))
        {
            for form in self.forms(table, column) {
                if !forms.iter().any(|known| known.eq_ignore_ascii_case(&form)) {
                    forms.push(form);
                }
            }
        }
        forms
    }

    /// A query of these columns that returns no rows.
    pub(super) fn read(&self, table: &str, columns: &[String]) -> Result<String, Blocked> {
        let columns = self.all_forms(table, columns);
        let list: Vec<String> = columns.iter().map(|column| identifier(column)).collect();
        let list = match list.is_empty() {
            true => "1".to_owned(),
            false => list.join(", "),
        };
        let statement = format!("SELECT {list} FROM {} LIMIT 0", identifier(table));
        let names = columns.into_iter().chain([table.to_owned()]);
        Meaning::new(Operation::Select, names).pass(statement)
    }

    /// Queries of all that is read.
    pub(super) fn reads(&self, reads: &Reads) -> Result<Vec<String>, Blocked> {
        let known = reads.iter().filter(|(table, _)| !table.contains('{'));
        known
            .map(|(table, columns)| self.read(table, columns))
            .collect()
    }

    /// A value that a new row can have in a column about which nothing is known.
    fn filler(&self, table: &Table, name: &str, column: &Column) -> Piece {
        if column.nullable {
            return Piece::plain("NULL");
        }
        let mut keys = table.foreign_keys.values();
        let parent = keys.find_map(
            |key| match (&key.columns[..], &key.referenced_columns[..]) {
                ([own], [theirs]) if own.eq_ignore_ascii_case(name) => {
                    Some((&key.referenced_table, theirs))
                }
                _ => None,
            },
        );
        if let Some((parent, key)) = parent {
            return Piece {
                sql: format!(
                    "(SELECT MIN({}) FROM {})",
                    identifier(key),
                    identifier(parent)
                ),
                names: vec![parent.clone(), key.clone()],
            };
        }
        Piece::plain(match family(&column.data_type) {
            "date" | "datetime" | "timestamp" => "'2020-01-01'".to_owned(),
            "time" => "'00:00:00'".to_owned(),
            "year" => "2020".to_owned(),
            "enum" => first_choice(&column.data_type),
            "json" => "'{}'".to_owned(),
            name if name.ends_with("char") || name.ends_with("text") => "''".to_owned(),
            name if name.ends_with("blob") || name.ends_with("binary") => "''".to_owned(),
            "set" => "''".to_owned(),
            _ => "0".to_owned(),
        })
    }

    /// A row for these columns, and for those that CiviCRM's own table does not fill either.
    fn new_row(&self, table: &str, columns: &[String]) -> NewRow {
        let mut row = NewRow::default();
        let Some(found) = self.schema.table(table) else {
            for column in self.all_forms(table, columns) {
                row.push(&column, Piece::plain("NULL"));
            }
            return row;
        };
        for column in self.all_forms(table, columns) {
            let value = match find(&found.columns, &column) {
                Some(definition) => self.filler(found, &column, definition),
                None => Piece::plain("NULL"),
            };
            row.push(&column, value);
        }
        let reference = self.reference.and_then(|schema| schema.table(table));
        for (name, column) in &found.columns {
            let is_named = row.columns.iter().any(|own| own.eq_ignore_ascii_case(name));
            let fills = |column: &Column| {
                column.auto_increment || column.nullable || column.default.is_some()
            };
            let of_reference = reference.and_then(|table| find(&table.columns, name));
            let is_usual = match of_reference {
                Some(column) => !fills(column),
                None => !is_of_site(self.start, self.reference, table, name),
            };
            if !is_named && !fills(column) && column.generated.is_none() && is_usual {
                row.push(name, self.filler(found, name, column));
            }
        }
        row
    }

    /// Whether a column of the table gets no value from the row, and has none of its own.
    fn lacks_values(&self, table: &str, row: &NewRow) -> bool {
        let found = self.schema.table(table);
        let mut columns = found.into_iter().flat_map(|table| &table.columns);
        columns.any(|(name, column)| {
            let is_named = row.columns.iter().any(|own| own.eq_ignore_ascii_case(name));
            let fills_itself = column.auto_increment
                || column.nullable
                || column.default.is_some()
                || column.generated.is_some()
                || column.data_type.starts_with("timestamp");
            !is_named && !fills_itself
        })
    }

    /// The value that facts give for a column of a new row.
    fn known_value(&self, value: &serde_json::Value) -> Piece {
        let serde_json::Value::Object(looked_up) = value else {
            return match value {
                serde_json::Value::Null => Piece::plain("NULL"),
                _ => Piece::plain(string(&text(value))),
            };
        };
        let word = |key: &str| looked_up.get(key).and_then(serde_json::Value::as_str);
        let (Some(table), Some(column)) = (word("lookup"), word("column")) else {
            return Piece::plain("NULL");
        };
        let take = match word("take") {
            Some("min") => "MIN",
            _ => "MAX",
        };
        let wanted = looked_up
            .get("where")
            .and_then(serde_json::Value::as_object);
        let wanted: Values = wanted
            .into_iter()
            .flatten()
            .map(|(column, value)| (column.clone(), value.clone()))
            .collect();
        let filter = self.filter(table, &wanted);
        let mut names = filter.names;
        names.extend([table.to_owned(), column.to_owned()]);
        let (of, from) = (identifier(column), identifier(table));
        let found = format!("(SELECT {take}({of}) FROM {from}{})", filter.sql);
        let row = RowOf {
            table: table.to_owned(),
            values: wanted,
            purpose: None,
        };
        let sql = match self.background.has_needed_row(&row) {
            // Any row will do where the paper run does not know whether the right one is there.
            Holds::Unknown => format!("COALESCE({found}, (SELECT MIN({of}) FROM {from}))"),
            Holds::Yes | Holds::No => found,
        };
        Piece { sql, names }
    }

    /// ` WHERE …` for rows with these values.
    fn filter(&self, table: &str, values: &Values) -> Piece {
        let mut names = Vec::new();
        let mut tests = Vec::new();
        for (column, value) in values {
            for form in self.forms(table, column).into_iter().take(1) {
                tests.push(format!("{} = {}", identifier(&form), string(&text(value))));
                names.push(form);
            }
        }
        let sql = match tests.is_empty() {
            true => String::new(),
            false => format!(" WHERE {}", tests.join(" AND ")),
        };
        Piece { sql, names }
    }

    pub(super) fn insert(&self, insert: &Insert) -> Result<Vec<String>, Blocked> {
        let (words, operation) = match insert.mode {
            InsertMode::Insert | InsertMode::OnDuplicate => ("INSERT INTO", Operation::Insert),
            InsertMode::Ignore => ("INSERT IGNORE INTO", Operation::InsertIgnore),
            InsertMode::Replace => ("REPLACE INTO", Operation::Replace),
        };
        let named = insert.columns.iter().chain(&insert.row_columns);
        let named: Vec<String> = named.cloned().collect();
        let row = self.new_row(&insert.table, &named);
        let ending = match (insert.mode, row.columns.first()) {
            (InsertMode::OnDuplicate, Some(first)) => {
                let first = identifier(first);
                format!(" ON DUPLICATE KEY UPDATE {first} = {first}")
            }
            _ => String::new(),
        };
        let into = |row: &NewRow| {
            let columns: Vec<String> = row.columns.iter().map(|name| identifier(name)).collect();
            format!(
                "{words} {} ({})",
                identifier(&insert.table),
                columns.join(", ")
            )
        };
        let pass = |row: &NewRow, more: Vec<String>, statement: String| {
            let names = row.names().chain(more).chain([insert.table.clone()]);
            Meaning::new(operation, names).pass(format!("{statement}{ending}"))
        };
        let values = match self.lacks_values(&insert.table, &row) {
            // MySQL sees that a column has no value only where there is a row.
            true => format!("VALUES ({})", row.sql()),
            false => format!("SELECT {} FROM DUAL WHERE FALSE", row.sql()),
        };
        let none = format!("{} {values}", into(&row));
        let mut statements = vec![pass(&row, Vec::new(), none)?];
        statements.extend(self.reads(&insert.query.reads)?);
        for need in &insert.query.needs {
            statements.push(self.read(&need.table, &[])?);
            statements.extend(self.need(need, &row, &into, &pass)?);
        }
        for (column, from) in &insert.copies {
            statements.extend(self.copied_orphan(insert, (column, from), &row, &into, &pass)?);
        }
        if !insert.rows.is_empty() {
            let mut names = Vec::new();
            let mut rows = Vec::new();
            for values in &insert.rows {
                let mut own = row.clone();
                for (column, value) in insert.row_columns.iter().zip(values) {
                    for form in self.forms(&insert.table, column) {
                        own.set(&form, self.known_value(value));
                    }
                }
                names.extend(own.names());
                rows.push(format!("({})", own.sql()));
            }
            let statement = format!("{} VALUES {}", into(&row), rows.join(", "));
            let columns = NewRow {
                values: Vec::new(),
                ..row
            };
            statements.push(pass(&columns, names, statement)?);
        }
        Ok(statements)
    }

    /// A row that is inserted only where the row that it refers to is missing, which makes the server refuse it.
    fn need(
        &self,
        need: &RowOf,
        row: &NewRow,
        into: &dyn Fn(&NewRow) -> String,
        pass: PassRow<'_>,
    ) -> Result<Option<String>, Blocked> {
        let Some(column) = need.purpose.as_deref() else {
            return Ok(None);
        };
        let is_named = row
            .columns
            .iter()
            .any(|own| own.eq_ignore_ascii_case(column));
        let is_known = self.background.has_needed_row(need) != Holds::Unknown;
        if !is_named || !is_known {
            return Ok(None);
        }
        let mut row = row.clone();
        row.set(column, Piece::plain("NULL"));
        let filter = self.filter(&need.table, &need.values);
        let statement = format!(
            "{} SELECT {} FROM DUAL WHERE NOT EXISTS (SELECT 1 FROM {}{})",
            into(&row),
            row.sql(),
            identifier(&need.table),
            filter.sql
        );
        let mut names = filter.names;
        names.push(need.table.clone());
        pass(&row, names, statement).map(Some)
    }

    /// A copied row without a parent, which makes the server refuse it.
    fn copied_orphan(
        &self,
        insert: &Insert,
        (column, from): (&String, &String),
        row: &NewRow,
        into: &dyn Fn(&NewRow) -> String,
        pass: PassRow<'_>,
    ) -> Result<Option<String>, Blocked> {
        let target = self.schema.table(&insert.table);
        let key = target.and_then(|table| {
            let mut keys = table.foreign_keys.values();
            keys.find(|key| key.columns == [column.clone()])
        });
        let Some((key, (source, source_column))) = key.zip(from.split_once('.')) else {
            return Ok(None);
        };
        let (Some(parent_column), true) = (
            key.referenced_columns.first(),
            self.schema.table(source).is_some(),
        ) else {
            return Ok(None);
        };
        let join = AntiJoin {
            child: identifier(source),
            child_alias: Some("c"),
            parent: identifier(&key.referenced_table),
            parent_alias: "p",
            columns: vec![(source_column, parent_column)],
        };
        let mut row = row.clone();
        let copied = identifier(source_column);
        row.set(column, Piece::plain(format!("c.{copied}")));
        let statement = format!(
            "{} SELECT {} FROM {} WHERE {} LIMIT 1",
            into(&row),
            row.sql(),
            join.from(),
            join.filter()
        );
        let names = vec![
            source.to_owned(),
            source_column.to_owned(),
            key.referenced_table.clone(),
            parent_column.clone(),
        ];
        pass(&row, names, statement).map(Some)
    }

    pub(super) fn update(&self, change: &Change) -> Result<Vec<String>, Blocked> {
        let (words, operation) = match change.ignore {
            true => ("UPDATE IGNORE", Operation::UpdateIgnore),
            false => ("UPDATE", Operation::Update),
        };
        let columns = self.all_forms(&change.table, &change.set);
        let set: Vec<String> = columns
            .iter()
            .map(|column| format!("{0} = {0}", identifier(column)))
            .collect();
        let mut statements = Vec::new();
        if !set.is_empty() {
            let table = identifier(&change.table);
            let statement = format!("{words} {table} SET {} WHERE FALSE", set.join(", "));
            let names = columns.iter().chain([&change.table]);
            statements.push(Meaning::new(operation, names).pass(statement)?);
        }
        statements.extend(self.reads(&change.query.reads)?);
        for words in &change.mends {
            statements.extend(self.mended(&change.table, words, false)?);
        }
        for column in &columns {
            statements.extend(self.without_zero_dates(&change.table, column)?);
        }
        Ok(statements)
    }

    /// A column as CiviCRM makes it: in the release that the database declares, or else in that of the code.
    fn of_release(&self, table: &str, column: &str) -> Option<&Column> {
        let releases = [self.reference, self.target].into_iter().flatten();
        let mut tables = releases.filter_map(|schema| schema.table(table));
        tables.find_map(|table| find(&table.columns, column))
    }

    /// What a step makes of dates is not known. One without a day would make a later ALTER TABLE fail, which the paper run
    /// does not foretell of a column that a step changes.
    fn without_zero_dates(&self, table: &str, column: &str) -> Result<Option<String>, Blocked> {
        let found = self.schema.table(table);
        let definition = found.and_then(|table| find(&table.columns, column));
        let is_date = |column: &Column| {
            matches!(family(&column.data_type), "date" | "datetime" | "timestamp")
        };
        // Of a column that holds dates only in this database the step takes no care.
        let is_meant = self.of_release(table, column).is_some_and(is_date);
        if !is_meant || !definition.is_some_and(|column| column.nullable && is_date(column)) {
            return Ok(None);
        }
        let name = identifier(column);
        let statement = format!(
            "UPDATE {} SET {name} = NULL WHERE CAST({name} AS CHAR) LIKE '%-00%'",
            identifier(table)
        );
        let meaning = Meaning::new(Operation::Update, [table, column]);
        meaning.pass(statement).map(Some)
    }

    pub(super) fn delete(&self, change: &Change, via: Option<Via>) -> Result<Vec<String>, Blocked> {
        let table = identifier(&change.table);
        let (statement, operation) = match via {
            Some(Via::Truncate) => (format!("TRUNCATE TABLE {table}"), Operation::Truncate),
            _ => (
                format!("DELETE FROM {table} WHERE FALSE"),
                Operation::Delete,
            ),
        };
        let mut statements = one(Meaning::new(operation, [&change.table]).pass(statement))?;
        statements.extend(self.reads(&change.query.reads)?);
        for words in &change.mends {
            statements.extend(self.mended(&change.table, words, true)?);
        }
        Ok(statements)
    }

    pub(super) fn api(&self, call: &ApiCall) -> Result<Vec<String>, Blocked> {
        let mut statements = self.reads(&call.query.reads)?;
        let Some(table) = &call.table else {
            return Ok(statements);
        };
        statements.push(self.read(table, &call.set)?);
        if matches!(call.action.as_str(), "create" | "save")
            && let Some(found) = self.schema.table(table)
        {
            // The data layer gives all columns but the id.
            let columns = found.columns.iter();
            let columns = columns.filter(|(name, column)| {
                *name != "id"
                    && column.generated.is_none()
                    && !is_of_site(self.start, self.reference, table, name)
            });
            let mut row = NewRow::default();
            for (name, column) in columns {
                row.push(name, self.filler(found, name, column));
            }
            let list: Vec<String> = row.columns.iter().map(|name| identifier(name)).collect();
            let values = match self.lacks_values(table, &row) {
                true => format!("VALUES ({})", row.sql()),
                false => format!("SELECT {} FROM DUAL WHERE FALSE", row.sql()),
            };
            let into = identifier(table);
            let statement = format!("INSERT INTO {into} ({}) {values}", list.join(", "));
            let names = row.names().chain([table.clone()]);
            statements.push(Meaning::new(Operation::Insert, names).pass(statement)?);
        }
        for words in &call.mends {
            statements.extend(self.mended(table, words, call.action == "delete")?);
        }
        Ok(statements)
    }

    /// What takes rows away, or changes them, as the facts say.
    fn mended(&self, table: &str, words: &str, deletes: bool) -> Result<Vec<String>, Blocked> {
        match Mended::read(table, words) {
            Some(Mended::Nulls { table, column }) => self.without_nulls(&table, &column),
            Some(Mended::Orphans {
                table,
                column,
                parent,
            }) => {
                let statement = self.without_orphans(&table, &column, parent, deletes)?;
                Ok(statement.into_iter().collect())
            }
            Some(Mended::Duplicates { table, columns }) => {
                let statement = self.without_duplicates(&table, &columns, deletes)?;
                Ok(statement.into_iter().collect())
            }
            None => Ok(Vec::new()),
        }
    }

    fn without_nulls(&self, table: &str, column: &str) -> Result<Vec<String>, Blocked> {
        let Some((table, found)) = find_entry(&self.schema.tables, table) else {
            return Ok(Vec::new());
        };
        let mut statements = Vec::new();
        for form in self.forms(table, column) {
            let Some(definition) = find(&found.columns, &form) else {
                continue;
            };
            // The step fills in what fits the column as CiviCRM makes it.
            let wanted = self.of_release(table, &form).unwrap_or(definition);
            let value = match holds_ids(definition) && holds_ids(wanted) {
                // A later step may make the column unique, for which CiviCRM's own gives each row another value.
                true if find(&found.columns, "id").is_some() => Piece {
                    sql: identifier("id"),
                    names: vec!["id".to_owned()],
                },
                _ => {
                    let not_null = Column {
                        nullable: false,
                        ..wanted.clone()
                    };
                    self.filler(found, &form, &not_null)
                }
            };
            let name = identifier(&form);
            let statement = format!(
                "UPDATE {} SET {name} = {} WHERE {name} IS NULL",
                identifier(table),
                value.sql
            );
            let names = value.names.into_iter().chain([table.clone(), form]);
            statements.push(Meaning::new(Operation::Update, names).pass(statement)?);
        }
        Ok(statements)
    }

    fn without_orphans(
        &self,
        table: &str,
        column: &str,
        parent: Option<(String, String)>,
        deletes: bool,
    ) -> Result<Option<String>, Blocked> {
        let Some((table, found)) = find_entry(&self.schema.tables, table) else {
            return Ok(None);
        };
        let (parent, key) = parent.unwrap_or_else(|| {
            let stem = column.strip_suffix("_id").unwrap_or(column);
            (format!("civicrm_{stem}"), "id".to_owned())
        });
        let (Some(definition), true) = (
            find(&found.columns, column),
            self.schema.table(&parent).is_some(),
        ) else {
            return Ok(None);
        };
        let (name, of_table) = (identifier(column), identifier(table));
        let is_orphan = format!(
            "{name} IS NOT NULL AND {name} NOT IN (SELECT p.{} FROM {} AS p)",
            identifier(&key),
            identifier(&parent)
        );
        let names = [table.clone(), column.to_owned(), parent.clone(), key];
        let (statement, operation) = match deletes || !definition.nullable {
            true => (
                format!("DELETE FROM {of_table} WHERE {is_orphan}"),
                Operation::Delete,
            ),
            false => (
                format!("UPDATE {of_table} SET {name} = NULL WHERE {is_orphan}"),
                Operation::Update,
            ),
        };
        Meaning::new(operation, names).pass(statement).map(Some)
    }

    /// Of rows that are equal the first stays as it is; the others go, or get another text in the first column.
    fn without_duplicates(
        &self,
        table: &str,
        columns: &[String],
        deletes: bool,
    ) -> Result<Option<String>, Blocked> {
        let Some((table, found)) = find_entry(&self.schema.tables, table) else {
            return Ok(None);
        };
        let has = |column: &str| find(&found.columns, column).is_some();
        let Some(first) = columns.first() else {
            return Ok(None);
        };
        if !has("id") || !columns.iter().all(|column| has(column)) {
            return Ok(None);
        }
        let parts: Vec<KeyPart> = columns.iter().map(KeyPart::column).collect();
        let equal = Duplicates {
            table,
            parts: &parts,
            left_out: &[],
        };
        let equal = equal.groups("MIN(c.`id`) AS first");
        let same = columns.iter().map(|column| {
            let column = identifier(column);
            format!("d.{column} = e.{column}")
        });
        let same: Vec<String> = same.collect();
        let others = format!(
            "`id` IN (SELECT o.`id` FROM (SELECT d.`id` FROM {0} AS d JOIN {0} AS e ON {1} JOIN ({equal}) AS f ON f.first = \
             e.`id` WHERE d.`id` <> e.`id`) AS o)",
            identifier(table),
            same.join(" AND ")
        );
        let of_table = identifier(table);
        let mut names: Vec<String> = columns.to_vec();
        names.extend([table.clone(), "id".to_owned()]);
        let is_text = find(&found.columns, first)
            .is_some_and(|column| crate::schema::charset::has_charset(&column.data_type));
        let (statement, operation) = match (deletes, is_text) {
            (true, _) => (
                format!("DELETE FROM {of_table} WHERE {others}"),
                Operation::Delete,
            ),
            (false, true) => {
                let first = identifier(first);
                (
                    format!(
                        "UPDATE {of_table} SET {first} = CONCAT({first}, '_', `id`) WHERE {others}"
                    ),
                    Operation::Update,
                )
            }
            (false, false) => return Ok(None),
        };
        Meaning::new(operation, names).pass(statement).map(Some)
    }
}

/// Whether a column holds texts that are long enough for every id of 32 bits.
fn holds_ids(column: &Column) -> bool {
    const DIGITS: u32 = 10;
    let name = family(&column.data_type);
    let length = || {
        let (_, rest) = column.data_type.split_once('(')?;
        rest.split_once(')')?.0.parse::<u32>().ok()
    };
    name.ends_with("text") || name.ends_with("char") && length() >= Some(DIGITS)
}

/// The first value of an ENUM, as SQL writes it.
fn first_choice(data_type: &str) -> String {
    let inner = data_type
        .split_once('(')
        .map_or("", |(_, rest)| rest)
        .trim_end_matches(')');
    let end = inner
        .get(1..)
        .and_then(|rest| rest.find('\''))
        .map_or(inner.len(), |at| at + 2);
    inner.get(..end).unwrap_or("''").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::civicrm::upgrade::op::{Action, Query};
    use crate::preflight::statements::tests::{assert_meant, rendered_with};
    use crate::schema::model::Schema;

    fn update_of(column: &str, mends: &[&str]) -> Action {
        Action::Update(Change {
            table: "t".to_owned(),
            set: vec![column.to_owned()],
            query: Query::default(),
            mends: mends.iter().map(|&words| words.to_owned()).collect(),
            ignore: false,
        })
    }

    /// The statements of an UPDATE of a table with an id and a column `c`, of these types in the database and as CiviCRM
    /// makes it.
    fn updates(own: &str, wanted: &str, mends: &[&str]) -> Vec<String> {
        let schema = |data_type: &str| {
            let mut table = Table::default();
            for (name, column) in [
                ("id", Column::new("int unsigned", false)),
                ("c", Column::new(data_type, true)),
            ] {
                table.columns.insert(name.to_owned(), column);
            }
            let mut schema = Schema::default();
            schema.tables.insert("t".to_owned(), table);
            schema
        };
        let op = update_of("c", mends);
        let (own, wanted) = (schema(own), schema(wanted));
        rendered_with(op, own, Some(&wanted)).expect("it is meant")
    }

    #[test]
    fn nulls_get_values_that_a_unique_key_and_the_next_type_take() {
        let nulls = ["null t.c"];
        for (own, wanted, value) in [
            ("varchar(64)", "varchar(64)", "`id`"),
            ("varchar(3)", "varchar(3)", "''"),
            ("text", "tinyint", "0"),
        ] {
            let statements = updates(own, wanted, &nulls);
            let fill = format!("UPDATE `t` SET `c` = {value} WHERE `c` IS NULL");
            assert_eq!(statements.last(), Some(&fill), "{own} {wanted}");
        }
    }

    #[test]
    fn dates_without_a_day_go_where_a_step_changes_the_column() {
        let statements = updates("datetime", "datetime", &[]);
        let clear = "UPDATE `t` SET `c` = NULL WHERE CAST(`c` AS CHAR) LIKE '%-00%'";
        assert_eq!(statements.last().map(String::as_str), Some(clear));
    }

    #[test]
    fn rows_are_those_that_are_meant_whatever_names_and_values_are() {
        assert_meant(|name| {
            let name = name.to_owned();
            let reads: Reads = [(name.clone(), vec![name.clone()])].into_iter().collect();
            let query = Query {
                reads,
                ..Query::default()
            };
            let change = Change {
                table: name.clone(),
                set: vec![name.clone()],
                query: query.clone(),
                mends: Vec::new(),
                ignore: false,
            };
            let insert = Insert {
                table: name.clone(),
                columns: vec![name.clone()],
                mode: InsertMode::Insert,
                row_columns: vec![name.clone()],
                rows: vec![vec![serde_json::Value::String(name.clone())]],
                copies: indexmap::IndexMap::default(),
                query: query.clone(),
            };
            // A column of which more than its name stands in facts is not read.
            if name.contains(['{', '*']) {
                return vec![Action::Delete(change)];
            }
            vec![
                Action::Insert(Box::new(insert)),
                Action::Update(change.clone()),
                Action::Delete(change),
                Action::Select(query),
            ]
        });
    }
}
