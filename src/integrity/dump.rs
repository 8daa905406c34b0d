//! Questions answered from a dump: one pass, and a second one for the rows of what it found.

use std::collections::HashSet;

use indexmap::IndexMap;

use super::gather::{of_any, of_these};
use super::ids::IdSet;
use super::needs::{Needs, single_integer};
use super::question::{Key, Link, Pair, Question, Questions, What, id_column};
use super::rows::{Collected, Collector, Criterion, Search};
use super::table_facts::TableFacts;
use super::{Answer, Answers, ExportOptions, NotAnswered, Statistics};
use crate::civicrm::catalogue::Catalogue;
use crate::civicrm::site;
use crate::civicrm::upgrade::own_checks::{Rule, Test};
use crate::dump::container::Progress;
use crate::dump::reader::DumpReader;
use crate::dump::row_sink::TableName;
use crate::row_file::RowFileError;
use crate::schema::model::{Schema, find};
use crate::snapshot::Snapshot;
use crate::source::{KeptText, Location, SourceError};

/// Why a dump gave no answers.
#[derive(Debug, thiserror::Error)]
pub enum DumpError {
    /// The dump cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// Offending rows of the dump cannot be written to a file.
    #[error(transparent)]
    Export(#[from] RowFileError),
}

/// The facts about rows that the first pass over a dump gathers.
pub struct FirstPass {
    database: Option<String>,
    tables: IndexMap<String, TableFacts>,
    memory: u64,
    passes: u32,
    kept: KeptText,
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
) -> Result<(Snapshot, FirstPass), SourceError> {
    let mut gatherer = of_any(DumpReader::new(site::ROWS_WANTED), catalogue);
    let mut kept = KeptText::default();
    let container = location.scan_keeping(&mut kept, &mut gatherer, watch)?;
    let (reader, gathered) = gatherer.finish();
    let tables = gathered.tables();
    let snapshot = location.finish(reader, container, database)?;
    let memory = memory(&tables);
    // The reader shows a database that only the head of the dump names by that name.
    let named = tables.keys().any(|(name, _)| *name == snapshot.database);
    let database = snapshot.database.clone().filter(|_| named);
    let tables = of_database(tables, database.as_ref());
    let first_pass = FirstPass {
        database,
        tables,
        memory,
        passes: 1,
        kept,
    };
    Ok((snapshot, first_pass))
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

impl FirstPass {
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
        let mut evaluator = Evaluator::new(snapshot);
        evaluator.all(&questions.list, &mut self.tables, 0..questions.list.len());
        let unknown = std::mem::take(&mut evaluator.unknown);
        if !unknown.is_empty() && again {
            // Keys that came behind their rows, on columns that no release refers by.
            let asked = unknown
                .iter()
                .filter_map(|index| questions.list.get(*index));
            let needs = Needs::of_questions(asked, &snapshot.schema);
            let reader = DumpReader::new(&[]);
            let mut gatherer = of_these(reader, self.database.clone(), needs);
            location.scan_keeping(&mut self.kept, &mut gatherer, watch)?;
            self.passes += 1;
            let tables = gatherer.finish().1.tables();
            self.memory += memory(&tables);
            let mut tables = of_database(tables, self.database.as_ref());
            evaluator.all(&questions.list, &mut tables, unknown.into_iter());
            for index in std::mem::take(&mut evaluator.unknown) {
                evaluator.skip(index, "its values could not be read");
            }
        } else {
            for index in unknown {
                evaluator.skip(
                    index,
                    "its key came behind the rows, and a stream cannot be read twice",
                );
            }
        }
        let Evaluator {
            searches,
            mut answers,
            mut not_answered,
            ..
        } = evaluator;
        drop(std::mem::take(&mut self.tables));
        if !searches.is_empty() && again {
            let reader = DumpReader::new(&[]);
            let database = self.database.clone();
            let schema = &snapshot.schema;
            let mut collector =
                Collector::new(reader, database, schema, searches, &questions.list, options);
            location.scan_keeping(&mut self.kept, &mut collector, watch)?;
            self.passes += 1;
            answers.extend(collector.finish()?);
        } else {
            let is_unfit = |search: &Search| matches!(search.criterion, Criterion::Unfit(..));
            let (unfit, searches): (Vec<Search>, Vec<Search>) =
                searches.into_iter().partition(is_unfit);
            not_answered.extend(unfit.into_iter().map(|search| NotAnswered {
                question: search.question,
                why: "a stream cannot be read twice".to_owned(),
            }));
            answers.extend(searches.into_iter().map(|search| Answer {
                question: search.question,
                names: search.names,
                rows: None,
                values: search.values,
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
    /// The statistics of questions that have not been asked yet.
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

/// Answers the questions, one by one, from the facts that the first pass has gathered.
struct Evaluator<'a> {
    schema: &'a Schema,
    /// The number of rows of each table, for tables of which the first pass gathered nothing else.
    row_counts: &'a IndexMap<String, u64>,
    searches: Vec<Search>,
    answers: Vec<Answer>,
    not_answered: Vec<NotAnswered>,
    /// Indexes of the questions whose columns the first pass did not look at.
    unknown: Vec<usize>,
}

/// The outcome of one question.
enum Outcome {
    Fine,
    /// There are offending rows: the criteria that they meet, each with the table that the rows
    /// name and the number of different values.
    Found(Vec<(Criterion, Option<String>, Option<u64>)>),
    /// Something is wrong, and there are no rows to show for it.
    Missing,
    /// The first pass did not look at the columns of the question.
    Unknown,
    /// Not all rows could be read, for the reason given.
    Unread(String),
}

impl<'a> Evaluator<'a> {
    fn new(snapshot: &'a Snapshot) -> Self {
        Self {
            schema: &snapshot.schema,
            row_counts: &snapshot.row_counts,
            searches: Vec::new(),
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
                Outcome::Fine => {}
                Outcome::Unknown => self.unknown.push(index),
                Outcome::Unread(why) => self.skip(index, why),
                Outcome::Missing => self.answers.push(Answer {
                    question: index,
                    names: None,
                    rows: None,
                    values: None,
                    samples: Vec::new(),
                    file: None,
                }),
                Outcome::Found(criteria) => {
                    for (criterion, names, values) in criteria {
                        self.searches.push(Search {
                            question: index,
                            names,
                            criterion,
                            values,
                            collected: Collected::default(),
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

    fn one(&self, question: &Question, tables: &mut IndexMap<String, TableFacts>) -> Outcome {
        let name = question.table.to_ascii_lowercase();
        let Some(facts) = tables.get(&name).filter(|facts| facts.rows > 0) else {
            return match self.has_rows(&name) {
                true => Outcome::Unknown,
                // Without rows nothing is wrong with them.
                false => Outcome::Fine,
            };
        };
        match &question.what {
            What::Orphans(link) => self.orphans(link, facts, tables),
            What::Nulls(column) => match facts.column(column) {
                Some((_, needs)) if !needs.nulls => Outcome::Unknown,
                Some((found, _)) if found.nulls > 0 => {
                    Outcome::Found(vec![(Criterion::Null(column.clone()), None, None)])
                }
                Some(_) => Outcome::Fine,
                None => Outcome::Unknown,
            },
            What::ZeroDates(column) => match facts.column(column) {
                Some((_, needs)) if !needs.zeros => Outcome::Unknown,
                Some((found, _)) if found.zeros > 0 => {
                    Outcome::Found(vec![(Criterion::Zero(column.clone()), None, None)])
                }
                Some(_) => Outcome::Fine,
                None => Outcome::Unknown,
            },
            What::Unfit(column, fit) => {
                let criterion = Criterion::Unfit(column.clone(), fit.clone());
                Outcome::Found(vec![(criterion, None, None)])
            }
            What::PolymorphicOrphans(pair) => self.polymorphic_orphans(pair, facts, tables),
            What::Rule(rule) => self.rule(rule, facts, tables),
            What::Duplicates(key) => match tables.get_mut(&name) {
                Some(facts) => self.duplicates(key, &question.table, facts),
                None => Outcome::Fine,
            },
        }
    }

    /// Whether the dump holds rows of a table.
    fn has_rows(&self, table: &str) -> bool {
        find(self.row_counts, table).is_some_and(|rows| *rows > 0)
    }

    fn orphans(
        &self,
        link: &Link,
        facts: &TableFacts,
        tables: &IndexMap<String, TableFacts>,
    ) -> Outcome {
        let Some((referring, needs)) = facts.column(&link.column) else {
            return Outcome::Unknown;
        };
        if !needs.ids {
            return Outcome::Unknown;
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
                        return Outcome::Unread(why);
                    }
                    &found.ids
                }
                _ => return Outcome::Unknown,
            },
            None if self.has_rows(&link.parent) => return Outcome::Unknown,
            None => &nothing,
        };
        let bad = referring.ids.without(there);
        if bad.is_empty() {
            if referring.left_out > 0 || referring.odd > 0 {
                return Outcome::Unread("not all of its values could be read".to_owned());
            }
            return Outcome::Fine;
        }
        let values = Some(bad.len());
        Outcome::Found(vec![(
            Criterion::OneOf(link.column.clone(), bad),
            None,
            values,
        )])
    }

    fn duplicates(&self, key: &Key, table: &str, facts: &mut TableFacts) -> Outcome {
        let Some(table) = find(&self.schema.tables, table) else {
            return Outcome::Fine;
        };
        let hashes: HashSet<u64> = match single_integer(&key.parts, table) {
            Some(column) if key.left_out().is_empty() => match facts.column(column) {
                Some((found, needs)) if needs.twice => {
                    let most = usize::try_from(found.twice.len()).unwrap_or(usize::MAX);
                    found.twice.first(most).into_iter().collect()
                }
                _ => return Outcome::Unknown,
            },
            _ => match facts.repeated(&key.parts, key.left_out()) {
                Some((repeated, _)) => repeated.into_iter().collect(),
                None => return Outcome::Unknown,
            },
        };
        if hashes.is_empty() {
            return Outcome::Fine;
        }
        let values = Some(hashes.len() as u64);
        let criterion = Criterion::Equal {
            parts: key.parts.clone(),
            left_out: key.left_out(),
            hashes,
        };
        Outcome::Found(vec![(criterion, None, values)])
    }

    fn polymorphic_orphans(
        &self,
        pair: &Pair,
        facts: &TableFacts,
        tables: &IndexMap<String, TableFacts>,
    ) -> Outcome {
        let Some((by_name, _)) = facts.pair(&pair.type_column, &pair.id_column) else {
            return Outcome::Unknown;
        };
        let mut criteria = Vec::new();
        for (named, ids) in by_name {
            let Some(table) = pair.table_of(named) else {
                continue;
            };
            // A text that is not the name of a table here, or of one without ids, cannot be looked
            // up.
            let Some(definition) = self.schema.tables.get(table) else {
                continue;
            };
            let Some(id) = id_column(definition) else {
                continue;
            };
            let there = match tables.get(&table.to_ascii_lowercase()) {
                Some(there) => match there.column(id) {
                    Some((found, _)) if found.left_out > 0 => {
                        return Outcome::Unread(format!("not all ids of {table} could be read"));
                    }
                    Some((found, _)) => found.ids.clone(),
                    None => return Outcome::Unknown,
                },
                None if self.has_rows(table) => return Outcome::Unknown,
                None => IdSet::default(),
            };
            let bad = ids.without(&there);
            if !bad.is_empty() {
                let values = Some(bad.len());
                let criterion = Criterion::Names(
                    pair.type_column.clone(),
                    pair.id_column.clone(),
                    named.clone(),
                    bad,
                );
                let named = String::from_utf8_lossy(named).into_owned();
                criteria.push((criterion, Some(named), values));
            }
        }
        match criteria.is_empty() {
            true => Outcome::Fine,
            false => Outcome::Found(criteria),
        }
    }

    fn rule(
        &self,
        rule: &'static Rule,
        facts: &TableFacts,
        tables: &IndexMap<String, TableFacts>,
    ) -> Outcome {
        match rule.test {
            Test::NoneLike(column, _) => match facts.column(column) {
                Some((found, _)) if found.of_rule > 0 => {
                    Outcome::Found(vec![(Criterion::Rule(column.to_owned(), rule), None, None)])
                }
                Some(_) => Outcome::Fine,
                None => Outcome::Unknown,
            },
            Test::Present(column, wanted, active) => {
                let Some((by_name, _)) = facts.pair(column, active) else {
                    return Outcome::Unknown;
                };
                let is_there = by_name.iter().any(|(name, active)| {
                    name.trim_ascii_end()
                        .eq_ignore_ascii_case(wanted.as_bytes())
                        && active.first(2).iter().any(|active| *active != 0)
                });
                if is_there {
                    Outcome::Fine
                } else {
                    Outcome::Missing
                }
            }
            Test::SeveralWithoutLineItem => {
                let Some((payments, _)) = facts.column("contribution_id") else {
                    return Outcome::Unknown;
                };
                let mut with_items = IdSet::default();
                if let Some(items) = tables.get("civicrm_line_item") {
                    let Some((by_name, _)) = items.pair("entity_table", "entity_id") else {
                        return Outcome::Unknown;
                    };
                    let of_contributions = by_name.iter().filter(|(name, _)| {
                        name.trim_ascii_end()
                            .eq_ignore_ascii_case(b"civicrm_contribution")
                    });
                    of_contributions.for_each(|(_, ids)| with_items.add(ids));
                }
                let bad = payments.twice.without(&with_items);
                if bad.is_empty() {
                    return Outcome::Fine;
                }
                let values = Some(bad.len());
                let criterion = Criterion::OneOf("contribution_id".to_owned(), bad);
                Outcome::Found(vec![(criterion, None, values)])
            }
            Test::Distinct(..) => Outcome::Fine,
        }
    }
}

impl Pair {
    /// The table that the text of a type column names, by its name or by another word for it.
    pub fn table_of<'a>(&self, named: &'a [u8]) -> Option<&'a str> {
        let named = std::str::from_utf8(named).ok()?;
        let word = self.words.iter().find(|(word, _)| *word == named);
        Some(word.map_or(named, |(_, table)| table))
    }
}
