//! The first pass over a dump: which ids exist, which ids are referred to, which keys occur more
//! than once, and how many NULLs and zero dates there are. No row is kept.
//!
//! The rows of a child may come before those of its parent, keys and constraints behind all
//! rows (phpMyAdmin), and the release is known at the end. So ids of every column are kept
//! that could matter in any release, and what does matter is decided when all is known.

use indexmap::IndexMap;

use super::layout::RowLayout;
use super::needs::Needs;
use super::table_facts::TableFacts;
use crate::civicrm::catalogue::Catalogue;
use crate::dump::reader::DumpReader;
use crate::dump::row_sink::{Gather, RowSink, TableName};

/// Reads a dump, and gathers what questions need.
pub type Gatherer<'c> = RowSink<Gathered<'c>>;

/// The facts about rows that were gathered.
pub struct Gathered<'c> {
    tables: IndexMap<TableName, TableFacts>,
    wants: Wants<'c>,
}

/// Which columns are needed, of which tables.
enum Wants<'c> {
    /// Of every table, the columns that could matter in any release.
    Any(&'c Catalogue),
    /// Of some tables of one database, the columns that are needed.
    These(Option<String>, IndexMap<String, Needs>),
}

/// A sink that gathers all that could matter in any release.
pub fn of_any(reader: DumpReader, catalogue: &Catalogue) -> Gatherer<'_> {
    let wants = Wants::Any(catalogue);
    RowSink::new(reader, Gathered::new(wants))
}

/// A sink that gathers what is needed of some tables of one database.
pub fn of_these(
    reader: DumpReader,
    database: Option<String>,
    needs: IndexMap<String, Needs>,
) -> Gatherer<'static> {
    let wants = Wants::These(database, needs);
    RowSink::new(reader, Gathered::new(wants))
}

impl<'c> Gathered<'c> {
    fn new(wants: Wants<'c>) -> Self {
        Self {
            tables: IndexMap::new(),
            wants,
        }
    }

    /// The facts about the rows of each table.
    pub fn tables(self) -> IndexMap<TableName, TableFacts> {
        self.tables
    }
}

impl Gather for Gathered<'_> {
    type Rows = RowLayout;

    fn rows(&mut self, reader: &DumpReader) -> Option<RowLayout> {
        let (database, table, columns) = reader.current_insert()?;
        let name = (database.map(str::to_owned), table.to_ascii_lowercase());
        let definition = reader.table(database, table)?;
        let needs = match &self.wants {
            Wants::Any(catalogue) => match self.tables.get(&name) {
                Some(facts) => facts.needs.clone(),
                None => Needs::of_any(table, definition, catalogue),
            },
            Wants::These(wanted, needs) if *wanted == name.0 => needs.get(&name.1)?.clone(),
            Wants::These(..) => return None,
        };
        if needs.is_empty() {
            return None;
        }
        let mut layout = RowLayout::new(&needs, definition, columns, reader.sql_modes());
        let facts = self.tables.entry(name);
        layout.table = facts.index();
        let facts = facts.or_insert_with(|| TableFacts::new(needs));
        facts.note_left_out(&layout);
        Some(layout)
    }

    fn facts(&mut self, table: usize) -> Option<&mut TableFacts> {
        Some(self.tables.get_index_mut(table)?.1)
    }

    fn merge(&mut self, table: usize, facts: TableFacts) {
        if let Some(ours) = self.facts(table) {
            ours.merge(facts);
        }
    }

    fn forget(&mut self, table: &TableName) -> Option<usize> {
        let (index, _, facts) = self.tables.get_full_mut(table)?;
        *facts = TableFacts::new(std::mem::take(&mut facts.needs));
        Some(index)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::civicrm::site;
    use crate::dump::scanner::{Ahead, Scanner, Sink, Statement, Wanted};
    use crate::integrity::ids::IdSet;
    use crate::integrity::table_facts::ColumnFacts;
    use crate::schema::lexer::SqlModes;
    use crate::snapshot::{Ending, Place};

    /// Takes one row at a time only.
    struct OneByOne<'c>(Gatherer<'c>);

    impl Sink for OneByOne<'_> {
        fn statement(&mut self, statement: Statement<'_>) {
            self.0.statement(statement);
        }
        fn rows_begin(&mut self, head: Statement<'_>) -> Wanted {
            self.0.rows_begin(head)
        }
        fn row(&mut self, values: Statement<'_>) {
            self.0.row(values);
        }
        fn rows_end(&mut self, count: u64, broken: Option<&[u8]>, place: Place) {
            self.0.rows_end(count, broken, place);
        }
        fn comment(&mut self, text: &[u8], place: Place, ended: bool) {
            self.0.comment(text, place, ended);
        }
        fn large(&mut self, bytes: u64, place: Place) {
            self.0.large(bytes, place);
        }
        fn values(&mut self, count: u64) {
            self.0.values(count);
        }
        fn sets_noise_apart(&self) -> bool {
            self.0.sets_noise_apart()
        }
        fn noise(&mut self, line: &[u8], place: Place) {
            self.0.noise(line, place);
        }
        fn modes(&self) -> SqlModes {
            self.0.modes()
        }
    }

    /// Reads a text in pieces; returns how it ended.
    fn gathered(sink: &mut impl Sink, text: &[u8], size: usize) -> Ending {
        let mut scanner = Scanner::default();
        text.chunks(size)
            .for_each(|piece| scanner.feed_ahead(piece, Some(&Ahead::of(piece)), sink));
        scanner.finish(sink)
    }

    /// The facts, independent of which worker found them and in which order, and those of the reader.
    fn told(gatherer: Gatherer, ending: Ending) -> Vec<String> {
        let (mut reader, gathered) = gatherer.finish();
        reader.end_file(ending, None, b"");
        let snapshot = reader.finish(None, &[]).expect("one database");
        let tables = gathered.tables();
        let of_column = |column: &ColumnFacts| {
            let all = |ids: &IdSet| (ids.first(usize::MAX), ids.memory());
            let (ids, twice) = (all(&column.ids), all(&column.twice));
            let ColumnFacts {
                nulls,
                zeros,
                odd,
                left_out,
                ..
            } = column;
            format!("{ids:?} {twice:?} {nulls} {zeros} {odd} {left_out}")
        };
        let of_table = |(name, mut table): (TableName, TableFacts)| {
            for key in &mut table.keys {
                let of_others = std::mem::take(&mut key.of_others);
                key.hashes.extend(of_others.concat());
                key.hashes.sort_unstable();
            }
            let columns: Vec<String> = table.columns.iter().map(of_column).collect();
            let mut pairs: Vec<String> = table
                .pairs
                .iter()
                .flat_map(|pair| pair.ids.iter())
                .map(|(named, ids)| format!("{named:?} {:?}", ids.first(usize::MAX)))
                .collect();
            pairs.sort();
            let TableFacts {
                rows, unread, keys, ..
            } = table;
            format!("{name:?} {rows} {unread} {columns:?} {keys:?} {pairs:?}")
        };
        let tables = tables.into_iter().map(of_table);
        tables.chain([format!("{snapshot:?}")]).collect()
    }

    const TABLES: &str = "\
        CREATE TABLE civicrm_contact (id int NOT NULL, external_identifier varchar(64) COLLATE utf8_unicode_ci, \
        birth_date date, PRIMARY KEY (id), UNIQUE KEY e (external_identifier));\n\
        CREATE TABLE civicrm_note (id int NOT NULL, entity_table varchar(64), entity_id int, contact_id int, \
        PRIMARY KEY (id), CONSTRAINT f FOREIGN KEY (contact_id) REFERENCES civicrm_contact (id));\n\
        CREATE TABLE civicrm_log (id int NOT NULL, entity_table varchar(64), entity_id int, data text, \
        PRIMARY KEY (id));\n";

    /// Most have as many values as their table has columns.
    fn row() -> impl Strategy<Value = String> {
        let value = "NULL|[0-9-]{1,3}|'[0a-c\n]{0,3}'|'[a\\\\']{0,3}'|'0000-00-00'|0x41|_binary 'a'|1 |'upgrade:'";
        let row = |count| {
            let values = proptest::collection::vec(value, count);
            values.prop_map(|values| format!("({})", values.join(",")))
        };
        prop_oneof![6 => row(3..5), 1 => row(0..7), 1 => "[;,( \\n'a0]{1,9}"]
    }

    proptest! {
        /// However rows come, in one go, one by one or in pieces, they tell the same.
        #[test]
        fn rows_tell_the_same_however_they_come(
            rows in proptest::collection::vec(row(), 1..40),
            size in 1usize..300,
            between in prop_oneof![Just(","), Just(",\n")],
        ) {
            let catalogue = Catalogue::embedded().expect("it is built in");
            for table in ["civicrm_contact", "civicrm_note", "civicrm_log"] {
                let text = format!("{TABLES}INSERT INTO {table} VALUES {};\n", rows.join(between));
                let new = || of_any(DumpReader::new(site::ROWS_WANTED), catalogue);
                let (mut whole, mut pieces, mut one) = (new(), new(), OneByOne(new()));
                let ending = gathered(&mut one, text.as_bytes(), usize::MAX);
                let one = told(one.0, ending);
                let ending = gathered(&mut whole, text.as_bytes(), usize::MAX);
                prop_assert_eq!(told(whole, ending), one.clone());
                let ending = gathered(&mut pieces, text.as_bytes(), size);
                prop_assert_eq!(told(pieces, ending), one);
            }
        }
    }
}
