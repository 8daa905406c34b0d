//! The keys of the first rows of INSERT statements. Where a piece of a dump stands there twice, two of them are alike.

use std::collections::{HashMap, HashSet};

use foldhash::fast::RandomState;

use super::{DumpReader, push};
use crate::dump::values::parse_row;
use crate::schema::ddl::InsertHead;
use crate::schema::lexer::SqlModes;
use crate::schema::model::find;
use crate::snapshot::Place;

/// The most keys that are kept of the tables of one database. Dumps with a statement for each row can have more.
const MOST: usize = 1 << 20;

/// The keys of the tables of a database.
#[derive(Clone, Debug, Default)]
pub(super) struct FirstKeys {
    of: HashMap<String, HashSet<u64, RandomState>>,
    kept: usize,
}

impl FirstKeys {
    /// Adds a key; returns whether the table has it already.
    fn is_repeated(&mut self, table: &str, key: u64) -> bool {
        if !self.of.contains_key(table) {
            self.of.insert(table.to_owned(), HashSet::default());
        }
        let Some(keys) = self.of.get_mut(table) else {
            return false;
        };
        if self.kept >= MOST {
            return keys.contains(&key);
        }
        let is_new = keys.insert(key);
        self.kept += usize::from(is_new);
        !is_new
    }

    /// Forgets the keys of a table whose rows are removed; `None` stands for all tables.
    pub(super) fn forget(&mut self, table: Option<&str>) {
        match table {
            None => *self = Self::default(),
            Some(table) => {
                let keys = self.of.remove(table).unwrap_or_default();
                self.kept -= keys.len();
            }
        }
    }
}

/// The value at an index of a row, if it is a whole number that stands for itself: a server gives another for 0.
pub(super) fn whole_number(row: &[u8], index: usize, modes: SqlModes) -> Option<u64> {
    let digits = match index {
        0 => row.split(|byte| *byte == b',').next()?.to_vec(),
        _ => parse_row(row, modes)?.into_iter().nth(index)??,
    };
    let number = str::from_utf8(digits.trim_ascii()).ok()?.parse().ok()?;
    (number > 0).then_some(number)
}

impl DumpReader {
    /// The index of the value that is the whole primary key, among those of an INSERT with these columns; `None` where
    /// there is none, and where a server takes rows whose key is there already.
    pub(super) fn key_of(&self, insert: &InsertHead, columns: Option<&[String]>) -> Option<usize> {
        let database = self.databases.get(&self.database_named(&insert.table))?;
        let table = find(&database.schema.tables, &insert.table.name)?;
        let [key] = table.primary_key.as_slice() else {
            return None;
        };
        let is_key = |column: &String| column.eq_ignore_ascii_case(&key.column);
        let is_sure = !insert.takes_duplicates && !self.is_of_rows;
        columns?.iter().position(is_key).filter(|_| is_sure)
    }

    /// Remembers the key of the first row of an INSERT, and notes it where another INSERT begins with the same.
    pub(super) fn note_first_key(&mut self, key: u64, place: Place) {
        let at = self.at(place);
        let table = self.insert.table().to_owned();
        let Some(database) = self.databases.get_mut(self.insert.database()) else {
            return;
        };
        if database.first_keys.is_repeated(&table, key) {
            let why = format!(
                "{table} has a row with the primary key {key} already, with which another INSERT begins (error 1062)"
            );
            push(&mut self.facts.conflicts, (at, why));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dump::scanner::Scanner;

    const TABLES: &str = "CREATE TABLE t (id int NOT NULL PRIMARY KEY, a int); CREATE TABLE back (a int, id int PRIMARY KEY); \
        CREATE TABLE pair (id int, a int, PRIMARY KEY (id, a));";

    fn conflicts(statements: &str) -> Vec<String> {
        let mut reader = DumpReader::new(&[]);
        let mut scanner = Scanner::default();
        scanner.feed(TABLES.as_bytes(), &mut reader);
        scanner.feed(statements.as_bytes(), &mut reader);
        scanner.finish(&mut reader);
        reader
            .facts
            .conflicts
            .into_iter()
            .map(|(_, why)| why)
            .collect()
    }

    #[test]
    fn two_inserts_that_begin_with_the_same_key_are_a_conflict() {
        for statements in [
            "INSERT INTO t VALUES (7,1),(8,2); INSERT INTO t VALUES (9,1); INSERT INTO t VALUES (7,1),(8,2);",
            "INSERT INTO t (a, id) VALUES (1,7); INSERT INTO t VALUES (7,1);",
            "INSERT INTO back VALUES ('a,b',7); INSERT INTO back VALUES (2, 7);",
            "INSERT INTO t VALUES ( 7 ,1); DELETE FROM other WHERE 0; INSERT INTO t VALUES (7,1); INSERT INTO t VALUES (7,1);",
        ] {
            let found = conflicts(statements);
            assert_eq!(found.len(), 1, "{statements}: {found:?}");
            assert!(found[0].contains("primary key 7 already"), "{found:?}");
        }
    }

    #[test]
    fn what_a_server_takes_is_no_conflict() {
        for statements in [
            "INSERT INTO t VALUES (7,1); INSERT INTO t VALUES (8,1); INSERT INTO back VALUES (1,7);",
            "INSERT INTO pair VALUES (7,1); INSERT INTO pair VALUES (7,2);",
            "INSERT INTO t VALUES (7,1); INSERT IGNORE INTO t VALUES (7,1); REPLACE INTO t VALUES (7,1);",
            "INSERT INTO t VALUES (7,1); INSERT INTO t VALUES (7,1) ON DUPLICATE KEY UPDATE a = 2;",
            "INSERT INTO t VALUES (7,1); TRUNCATE TABLE t; INSERT INTO t VALUES (7,1);",
            "INSERT INTO t VALUES (7,1); DELETE FROM t; INSERT INTO t VALUES (7,1);",
            "INSERT INTO t VALUES (7,1); DROP TABLE t; CREATE TABLE t (id int PRIMARY KEY, a int); INSERT INTO t VALUES (7,1);",
            "INSERT INTO t VALUES (0,1); INSERT INTO t VALUES (0,1); INSERT INTO t VALUES (NULL,1); INSERT INTO t VALUES (NULL,1);",
        ] {
            assert_eq!(conflicts(statements), Vec::<String>::new(), "{statements}");
        }
    }

    #[test]
    fn no_more_keys_are_kept_than_the_memory_is_meant_for() {
        let mut keys = FirstKeys::default();
        for key in 0..MOST as u64 + 10 {
            assert!(!keys.is_repeated("t", key));
        }
        assert_eq!(keys.kept, MOST);
        assert!(keys.is_repeated("t", 3));
        keys.forget(Some("t"));
        assert_eq!(keys.kept, 0);
        assert!(!keys.is_repeated("t", 3));
    }
}
