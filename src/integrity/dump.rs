//! Questions answered from a dump: one pass, and a second one for the rows of what it found.

use std::collections::HashSet;

use indexmap::IndexMap;

use super::gather::{Gatherer, TableFacts, TableName};
use super::ids::IdSet;
use super::needs::{Needs, single_integer};
use super::question::{Key, Kind, Link, Pair, Question, Questions, What, column_of, id_column};
use super::rows::{Collector, Found, Mark, Suspect};
use super::rules::{Rule, Test};
use super::{Answer, Answers, ExportOptions, NotAnswered, Statistics};
use crate::civicrm::catalogue::Catalogue;
use crate::civicrm::site;
use crate::dump::container::Progress;
use crate::dump::reader::DumpReader;
use crate::row_file::RowFileError;
use crate::schema::model::{Schema, find};
use crate::snapshot::Snapshot;
use crate::source::{Location, SourceError};

/// Why a dump gave no answers.
#[derive(Debug, thiserror::Error)]
pub enum DumpError {
    /// It cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// Its rows cannot be written.
    #[error(transparent)]
    Export(#[from] RowFileError),
}

/// What the first pass over a dump left of its rows.
pub struct Gathered {
    database: Option<String>,
    tables: IndexMap<String, TableFacts>,
    memory: u64,
    passes: u32,
}

/// Makes the first pass: the facts of the dump, and the ids and keys of its rows.
///
/// # Errors
/// The dump cannot be read, or holds several CiviCRM databases.
pub fn gather(
    location: &Location,
    database: Option<&str>,
    catalogue: &Catalogue,
    watch: &mut dyn FnMut(&Progress),
) -> Result<(Snapshot, Gathered), SourceError> {
    let mut gatherer = Gatherer::of_any(DumpReader::new(site::ROWS_WANTED), catalogue);
    let container = location.scan(&mut gatherer, watch)?;
    let (reader, tables) = gatherer.finish();
    let snapshot = location.finish(reader, container, database)?;
    let memory = memory(&tables);
    // The reader shows a database that only the head of the dump names by that name.
    let named = tables.keys().any(|(name, _)| *name == snapshot.database);
    let database = snapshot.database.clone().filter(|_| named);
    let tables = of_database(tables, database.as_ref());
    let gathered = Gathered {
        database,
        tables,
        memory,
        passes: 1,
    };
    Ok((snapshot, gathered))
}

fn memory(tables: &IndexMap<TableName, TableFacts>) -> u64 {
    tables.values().map(TableFacts::memory).sum()
}

fn of_database(
    tables: IndexMap<TableName, TableFacts>,
    database: Option<&String>,
) -> IndexMap<String, TableFacts> {
    let tables = tables.into_iter();
    tables
        .filter(|((of, _), _)| of.as_ref() == database)
        .map(|((_, table), facts)| (table, facts))
        .collect()
}

impl Gathered {
    /// Answers the questions about the dump that `snapshot` shows.
    ///
    /// # Errors
    /// The dump cannot be read again, or a file of rows cannot be written.
    pub fn answer(
        mut self,
        location: &Location,
        snapshot: &Snapshot,
        questions: &Questions,
        options: &ExportOptions,
        watch: &mut dyn FnMut(&Progress),
    ) -> Result<Answers, DumpError> {
        let again = location.can_be_read_again();
        let mut judge = Judge::new(snapshot);
        judge.all(&questions.list, &mut self.tables, 0..questions.list.len());
        let unknown = std::mem::take(&mut judge.unknown);
        if !unknown.is_empty() && again {
            // Keys that came behind their rows, on columns that no release refers by.
            let asked = unknown
                .iter()
                .filter_map(|index| questions.list.get(*index));
            let needs = Needs::of_questions(asked, &snapshot.schema);
            let reader = DumpReader::new(&[]);
            let mut gatherer = Gatherer::of_these(reader, self.database.clone(), needs);
            location.scan(&mut gatherer, watch)?;
            self.passes += 1;
            let (_, tables) = gatherer.finish();
            self.memory += memory(&tables);
            let mut tables = of_database(tables, self.database.as_ref());
            judge.all(&questions.list, &mut tables, unknown.into_iter());
            for index in std::mem::take(&mut judge.unknown) {
                judge.skip(index, "its values could not be read");
            }
        } else {
            for index in unknown {
                judge.skip(
                    index,
                    "its key came behind the rows, and a stream cannot be read twice",
                );
            }
        }
        let Judge {
            suspects,
            mut answers,
            not_answered,
            ..
        } = judge;
        drop(std::mem::take(&mut self.tables));
        if !suspects.is_empty() && again {
            let reader = DumpReader::new(&[]);
            let database = self.database.clone();
            let schema = &snapshot.schema;
            let mut collector =
                Collector::new(reader, database, schema, suspects, &questions.list, options);
            location.scan(&mut collector, watch)?;
            self.passes += 1;
            answers.extend(collector.finish()?);
        } else {
            answers.extend(suspects.into_iter().map(|suspect| Answer {
                question: suspect.question,
                names: suspect.names,
                rows: None,
                values: suspect.values,
                samples: Vec::new(),
                file: None,
            }));
        }
        answers.sort_by(|a, b| (a.question, &a.names).cmp(&(b.question, &b.names)));
        let statistics = Statistics {
            passes: Some(self.passes),
            memory: Some(self.memory),
            ..Statistics::of(questions)
        };
        Ok(Answers {
            list: answers,
            not_answered,
            statistics,
        })
    }
}

impl Statistics {
    /// That of questions that were not asked yet.
    pub fn of(questions: &Questions) -> Self {
        let links = questions.list.iter();
        Self {
            questions: questions.list.len(),
            foreign_keys: links
                .filter(|question| matches!(question.what, What::Orphans(_)))
                .count(),
            ..Self::default()
        }
    }
}

/// Goes over the questions with what was gathered.
struct Judge<'a> {
    schema: &'a Schema,
    /// Rows by table, for those of which nothing was gathered.
    row_counts: &'a IndexMap<String, u64>,
    suspects: Vec<Suspect>,
    answers: Vec<Answer>,
    not_answered: Vec<NotAnswered>,
    /// Questions whose columns were not gathered.
    unknown: Vec<usize>,
}

/// What one question came to.
enum Verdict {
    Fine,
    /// Marks of the rows, with the tables named and the number of different values.
    Found(Vec<(Mark, Option<String>, Option<u64>)>),
    /// Found, and there are no rows to show.
    Missing,
    /// Its columns were not gathered.
    Unknown,
    /// Not all rows could be read.
    Unread(String),
}

impl<'a> Judge<'a> {
    fn new(snapshot: &'a Snapshot) -> Self {
        Self {
            schema: &snapshot.schema,
            row_counts: &snapshot.row_counts,
            suspects: Vec::new(),
            answers: Vec::new(),
            not_answered: Vec::new(),
            unknown: Vec::new(),
        }
    }

    fn all(
        &mut self,
        questions: &[Question],
        tables: &mut IndexMap<String, TableFacts>,
        asked: impl Iterator<Item = usize>,
    ) {
        for index in asked {
            let Some(question) = questions.get(index) else {
                continue;
            };
            match self.one(question, tables) {
                Verdict::Fine => {}
                Verdict::Unknown => self.unknown.push(index),
                Verdict::Unread(why) => self.skip(index, why),
                Verdict::Missing => self.answers.push(Answer {
                    question: index,
                    names: None,
                    rows: None,
                    values: None,
                    samples: Vec::new(),
                    file: None,
                }),
                Verdict::Found(marks) => {
                    for (mark, names, values) in marks {
                        self.suspects.push(Suspect {
                            question: index,
                            names,
                            mark,
                            values,
                            found: Found::default(),
                        });
                    }
                }
            }
        }
    }

    fn skip(&mut self, question: usize, why: impl Into<String>) {
        self.not_answered.push(NotAnswered {
            question,
            why: why.into(),
        });
    }

    fn one(&self, question: &Question, tables: &mut IndexMap<String, TableFacts>) -> Verdict {
        let name = question.table.to_ascii_lowercase();
        let Some(facts) = tables.get(&name).filter(|facts| facts.rows > 0) else {
            return match self.has_rows(&name) {
                true => Verdict::Unknown,
                // Without rows nothing is wrong with them.
                false => Verdict::Fine,
            };
        };
        match &question.what {
            What::Orphans(link) => self.orphans(link, facts, tables),
            What::Nulls(column) => match facts.column(column) {
                Some((_, needs)) if !needs.nulls => Verdict::Unknown,
                Some((found, _)) if found.nulls > 0 => {
                    Verdict::Found(vec![(Mark::Null(column.clone()), None, None)])
                }
                Some(_) => Verdict::Fine,
                None => Verdict::Unknown,
            },
            What::ZeroDates(column) => match facts.column(column) {
                Some((_, needs)) if !needs.zeros => Verdict::Unknown,
                Some((found, _)) if found.zeros > 0 => {
                    Verdict::Found(vec![(Mark::Zero(column.clone()), None, None)])
                }
                Some(_) => Verdict::Fine,
                None => Verdict::Unknown,
            },
            What::Strays(pair) => self.strays(pair, facts, tables),
            What::Rule(rule) => self.rule(rule, facts, tables),
            What::Duplicates(key) => match tables.get_mut(&name) {
                Some(facts) => self.duplicates(key, &question.table, facts),
                None => Verdict::Fine,
            },
        }
    }

    /// Whether the dump has rows of a table.
    fn has_rows(&self, table: &str) -> bool {
        find(self.row_counts, table).is_some_and(|rows| *rows > 0)
    }

    fn orphans(
        &self,
        link: &Link,
        facts: &TableFacts,
        tables: &IndexMap<String, TableFacts>,
    ) -> Verdict {
        let Some((referring, needs)) = facts.column(&link.column) else {
            return Verdict::Unknown;
        };
        if !needs.ids {
            return Verdict::Unknown;
        }
        let nothing = IdSet::default();
        let there = match tables.get(&link.parent.to_ascii_lowercase()) {
            Some(there) => match there.column(&link.parent_column) {
                Some((found, needs)) if needs.ids => {
                    if found.left_out > 0 || found.odd > 0 {
                        let why = format!(
                            "not all values of {}.{} could be read",
                            link.parent, link.parent_column
                        );
                        return Verdict::Unread(why);
                    }
                    &found.ids
                }
                _ => return Verdict::Unknown,
            },
            None if self.has_rows(&link.parent) => return Verdict::Unknown,
            None => &nothing,
        };
        let bad = referring.ids.without(there);
        if bad.is_empty() {
            if referring.left_out > 0 || referring.odd > 0 {
                return Verdict::Unread("not all of its values could be read".to_owned());
            }
            return Verdict::Fine;
        }
        let values = Some(bad.len());
        Verdict::Found(vec![(Mark::OneOf(link.column.clone(), bad), None, values)])
    }

    fn duplicates(&self, key: &Key, table: &str, facts: &mut TableFacts) -> Verdict {
        let Some(table) = find(&self.schema.tables, table) else {
            return Verdict::Fine;
        };
        let hashes: HashSet<u64> = match single_integer(&key.parts, table) {
            Some(column) if !key.nulls_equal => match facts.column(column) {
                Some((found, needs)) if needs.twice => {
                    let most = usize::try_from(found.twice.len()).unwrap_or(usize::MAX);
                    found.twice.first(most).into_iter().collect()
                }
                _ => return Verdict::Unknown,
            },
            _ => match facts.repeated(&key.parts, key.nulls_equal) {
                Some((repeated, _)) => repeated.into_iter().collect(),
                None => return Verdict::Unknown,
            },
        };
        if hashes.is_empty() {
            return Verdict::Fine;
        }
        let values = Some(hashes.len() as u64);
        let mark = Mark::Equal {
            parts: key.parts.clone(),
            nulls_equal: key.nulls_equal,
            hashes,
        };
        Verdict::Found(vec![(mark, None, values)])
    }

    fn strays(
        &self,
        pair: &Pair,
        facts: &TableFacts,
        tables: &IndexMap<String, TableFacts>,
    ) -> Verdict {
        let Some((by_name, _)) = facts.pair(&pair.type_column, &pair.id_column) else {
            return Verdict::Unknown;
        };
        let mut marks = Vec::new();
        for (named, ids) in by_name {
            let Some(table) = pair.table_of(named) else {
                continue;
            };
            // What is no table of this database, or has no ids, is nothing to look in.
            let Some(definition) = self.schema.tables.get(table) else {
                continue;
            };
            let Some(id) = id_column(definition) else {
                continue;
            };
            let there = match tables.get(&table.to_ascii_lowercase()) {
                Some(there) => match there.column(id) {
                    Some((found, _)) if found.left_out > 0 => {
                        return Verdict::Unread(format!("not all ids of {table} could be read"));
                    }
                    Some((found, _)) => found.ids.clone(),
                    None => return Verdict::Unknown,
                },
                None if self.has_rows(table) => return Verdict::Unknown,
                None => IdSet::default(),
            };
            let bad = ids.without(&there);
            if !bad.is_empty() {
                let values = Some(bad.len());
                let mark = Mark::Names(
                    pair.type_column.clone(),
                    pair.id_column.clone(),
                    named.clone(),
                    bad,
                );
                let named = String::from_utf8_lossy(named).into_owned();
                marks.push((mark, Some(named), values));
            }
        }
        match marks.is_empty() {
            true => Verdict::Fine,
            false => Verdict::Found(marks),
        }
    }

    fn rule(
        &self,
        rule: &'static Rule,
        facts: &TableFacts,
        tables: &IndexMap<String, TableFacts>,
    ) -> Verdict {
        match rule.test {
            Test::NoneLike(column, _) => match facts.column(column) {
                Some((found, _)) if found.of_rule > 0 => {
                    Verdict::Found(vec![(Mark::Rule(column.to_owned(), rule), None, None)])
                }
                Some(_) => Verdict::Fine,
                None => Verdict::Unknown,
            },
            Test::Present(column, wanted, active) => {
                let Some((by_name, _)) = facts.pair(column, active) else {
                    return Verdict::Unknown;
                };
                let is_there = by_name.iter().any(|(name, active)| {
                    name.trim_ascii_end()
                        .eq_ignore_ascii_case(wanted.as_bytes())
                        && active.first(2).iter().any(|active| *active != 0)
                });
                if is_there {
                    Verdict::Fine
                } else {
                    Verdict::Missing
                }
            }
            Test::SeveralWithoutLineItem => {
                let Some((payments, _)) = facts.column("contribution_id") else {
                    return Verdict::Unknown;
                };
                let mut with_items = IdSet::default();
                if let Some(items) = tables.get("civicrm_line_item") {
                    let Some((by_name, _)) = items.pair("entity_table", "entity_id") else {
                        return Verdict::Unknown;
                    };
                    let of_contributions = by_name.iter().filter(|(name, _)| {
                        name.trim_ascii_end()
                            .eq_ignore_ascii_case(b"civicrm_contribution")
                    });
                    of_contributions.for_each(|(_, ids)| with_items.add(ids));
                }
                let bad = payments.twice.without(&with_items);
                if bad.is_empty() {
                    return Verdict::Fine;
                }
                let values = Some(bad.len());
                let mark = Mark::OneOf("contribution_id".to_owned(), bad);
                Verdict::Found(vec![(mark, None, values)])
            }
            Test::Distinct(_) => Verdict::Fine,
        }
    }
}

impl Pair {
    /// The table that a text names: by its name, or by a word for it.
    pub fn table_of<'a>(&self, named: &'a [u8]) -> Option<&'a str> {
        let named = std::str::from_utf8(named).ok()?;
        let word = self.words.iter().find(|(word, _)| *word == named);
        Some(word.map_or(named, |(_, table)| table))
    }
}

/// Whether a column of a table is of whole numbers.
pub fn is_integer(schema: &Schema, table: &str, column: &str) -> bool {
    find(&schema.tables, table).is_some_and(|table| {
        column_of(table, column).is_some_and(|(_, column)| Kind::of(column, table) == Kind::Integer)
    })
}
