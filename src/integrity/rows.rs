//! The second pass over a dump: it counts the offending rows, keeps samples and writes the rows to
//! files. It is made only when the first pass has found something, and looks only at the tables
//! concerned.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use md5::{Digest, Md5};

use super::alike::{canonical, hash_of, id_of};
use super::ids::IdSet;
use super::layout::becomes_null;
use super::question::{Kind, Question, column_of};
use super::rules::is_hit;
use super::{ExportOptions, MAX_KEYS, Sample};
use crate::civicrm::upgrade::own_checks::Rule;
use crate::dump::reader::{Companion, DumpReader};
use crate::dump::row_sink::emptied;
use crate::dump::scanner::{Sink, Statement, Wanted};
use crate::dump::values::{Next, Value, Values, is_zero_date};
use crate::preflight::fit::{Fit, Misfit};
use crate::row_file::{self, RowFile, RowFileError};
use crate::schema::lexer::SqlModes;
use crate::schema::model::{KeyPart, Schema, Table, find};

/// What makes a row one of those that are looked for.
#[derive(Debug)]
pub enum Criterion {
    /// The column's value, or the hash of it, is one of these.
    OneOf(String, IdSet),
    /// The column is NULL.
    Null(String),
    /// The column is a zero date.
    Zero(String),
    /// The column's value does not go into another type.
    Unfit(String, Fit),
    /// The columns of a key together have one of these hashes.
    Equal {
        /// The columns of the key.
        parts: Vec<KeyPart>,
        /// Values of the first column whose rows are left out.
        left_out: &'static [&'static str],
        /// The hashes that occur more than once.
        hashes: HashSet<u64>,
    },
    /// The first column names this table, and the second holds one of these ids.
    Names(String, String, Vec<u8>, IdSet),
    /// The column's value meets the test of a rule.
    Rule(String, &'static Rule),
}

/// Something that the first pass has found, and the rows that are collected for it.
#[derive(Debug)]
pub struct Search {
    /// The index of the question among [`Questions::list`](super::question::Questions::list).
    pub question: usize,
    /// The table that the rows name, for a pair of columns that names one.
    pub names: Option<String>,
    /// Which rows are looked for.
    pub criterion: Criterion,
    /// The number of different values that the first pass has found.
    pub values: Option<u64>,
    /// The rows that are collected.
    pub collected: Collected,
}

/// The rows that were collected for one search.
#[derive(Debug, Default)]
pub struct Collected {
    /// The number of rows.
    pub rows: u64,
    /// The first rows in the order of their keys.
    samples: Vec<Sample>,
    /// Groups of equal rows, by a digest of the canonical bytes of the values that they share.
    groups: HashMap<[u8; 16], Group>,
    file: Option<RowFile>,
}

#[derive(Debug, Default)]
struct Group {
    rows: u64,
    /// The primary keys of the first rows of the group.
    keys: Vec<Vec<String>>,
    value: Option<String>,
}

/// Reads a dump, and collects the rows that the searches are for.
pub struct Collector<'a> {
    /// The reader that keeps track of the dump's statements.
    reader: DumpReader,
    database: Option<String>,
    /// The schema of the whole dump: a key may be defined behind the rows.
    schema: &'a Schema,
    /// The searches, by the name of the table in lower case.
    searches: IndexMap<String, Vec<Search>>,
    questions: &'a [Question],
    options: &'a ExportOptions,
    layout: Option<RowLayout>,
    head: Vec<u8>,
    failed: Option<RowFileError>,
}

/// The place of a column that the INSERT leaves out, and which therefore is NULL.
const LEFT_OUT: usize = usize::MAX;
const LEFT_OUT_AS_NULL: usize = usize::MAX - 1;

/// Where the values that are needed stand in the rows of one INSERT statement.
#[derive(Debug)]
struct RowLayout {
    /// The index of the table among those with searches.
    table: usize,
    /// The places of the primary key's values in a row.
    key: Vec<usize>,
    /// For each search the places and kinds of the values that it looks at.
    places: Vec<Vec<(usize, Kind)>>,
    /// For each column that is written to files the place of its value.
    exported: Vec<(String, Option<usize>)>,
    modes: SqlModes,
}

impl<'a> Collector<'a> {
    /// A collector for these searches in one database.
    pub fn new(
        reader: DumpReader,
        database: Option<String>,
        schema: &'a Schema,
        searches: Vec<Search>,
        questions: &'a [Question],
        options: &'a ExportOptions,
    ) -> Self {
        let mut by_table: IndexMap<String, Vec<Search>> = IndexMap::new();
        for search in searches {
            if let Some(question) = questions.get(search.question) {
                let table = question.table.to_ascii_lowercase();
                by_table.entry(table).or_default().push(search);
            }
        }
        Self {
            reader,
            database,
            schema,
            searches: by_table,
            questions,
            options,
            layout: None,
            head: Vec::new(),
            failed: None,
        }
    }

    /// Ends the pass, and returns an answer for each search that has rows.
    ///
    /// # Errors
    /// A file could not be written.
    pub fn finish(self) -> Result<Vec<super::Answer>, RowFileError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let searches = self.searches.into_values().flatten();
        let mut answers = Vec::new();
        for search in searches {
            answers.extend(search.answer(self.options.samples)?);
        }
        answers.sort_by(|a, b| (a.question, &a.names).cmp(&(b.question, &b.names)));
        Ok(answers)
    }

    fn layout(&self) -> Option<RowLayout> {
        let (database, name, columns) = self.reader.current_insert()?;
        if database != self.database.as_deref() {
            return None;
        }
        let (index, _, searches) = self.searches.get_full(&name.to_ascii_lowercase())?;
        let table = self.reader.table(database, name)?;
        let place_of = |name: &str| columns.iter().position(|c| c.eq_ignore_ascii_case(name));
        let place = |name: &str| {
            let kind = column_of(table, name).map_or(Kind::Bytes, |(_, c)| Kind::of(c, table));
            let left_out = match becomes_null(table, name) {
                true => LEFT_OUT_AS_NULL,
                false => LEFT_OUT,
            };
            (place_of(name).unwrap_or(left_out), kind)
        };
        let places = searches.iter().map(|search| match &search.criterion {
            Criterion::OneOf(column, _)
            | Criterion::Null(column)
            | Criterion::Zero(column)
            | Criterion::Unfit(column, _)
            | Criterion::Rule(column, _) => vec![place(column)],
            Criterion::Equal { parts, .. } => {
                parts.iter().map(|part| place(&part.column)).collect()
            }
            Criterion::Names(named, id, ..) => vec![place(named), place(id)],
        });
        Some(RowLayout {
            table: index,
            key: find(&self.schema.tables, name)
                .into_iter()
                .flat_map(key_of)
                .filter_map(place_of)
                .collect(),
            places: places.collect(),
            exported: exported(table)
                .map(|column| (column.to_owned(), place_of(column)))
                .collect(),
            modes: self.reader.sql_modes(),
        })
    }

    /// Drops the rows of tables that a statement of the dump empties or drops.
    fn forget(&mut self, statement: &[u8]) {
        for (database, table) in emptied(statement, &self.reader) {
            let Some(searches) = self.searches.get_mut(&table) else {
                continue;
            };
            if database != self.database {
                continue;
            }
            for search in searches {
                let file = search.collected.file.take();
                search.collected = Collected::default();
                let Some(mut file) = file else { continue };
                match file.cut(file.head()) {
                    Ok(()) => search.collected.file = Some(file),
                    Err(error) => self.failed = Some(error),
                }
            }
        }
    }

    fn read(&mut self, text: &[u8]) -> Result<(), RowFileError> {
        let Some(layout) = &self.layout else {
            return Ok(());
        };
        let Some((_, searches)) = self.searches.get_index_mut(layout.table) else {
            return Ok(());
        };
        let mut row = Vec::new();
        let mut values = Values::new(text, layout.modes);
        while let Next::Value(value) = values.value() {
            row.push(value);
        }
        for (search, places) in searches.iter_mut().zip(&layout.places) {
            if !search.criterion.is_on(&row, places) {
                continue;
            }
            let key = layout
                .key
                .iter()
                .map(|place| text_of(row.get(*place)))
                .collect();
            search.take(key, &row, places, self.options.samples);
            let Some(folder) = &self.options.export else {
                continue;
            };
            if search.collected.file.is_none() {
                let names = search.names.as_deref();
                let path = file_of(folder, self.questions, search.question, names)?;
                let columns = layout.exported.iter().map(|(column, _)| column.as_str());
                search.collected.file = Some(RowFile::create(path, columns)?);
            }
            if let Some(file) = &mut search.collected.file {
                let values: Vec<_> = layout
                    .exported
                    .iter()
                    .map(|(_, place)| row.get((*place)?)?.bytes())
                    .collect();
                file.row(values.iter().map(Option::as_deref))?;
            }
        }
        Ok(())
    }
}

/// The columns of the primary key.
pub fn key_of(table: &Table) -> impl Iterator<Item = &str> {
    table.primary_key.iter().map(|part| part.column.as_str())
}

/// The columns that are written to files: all but generated ones, which cannot be inserted.
pub fn exported(table: &Table) -> impl Iterator<Item = &str> {
    let columns = table.columns.iter();
    columns
        .filter(|(_, column)| column.generated.is_none())
        .map(|(name, _)| name.as_str())
}

/// The path of the file for the rows of a finding. The folder is created. Findings of the same
/// column and kind are numbered from the second on.
///
/// # Errors
/// The folder cannot be created.
pub fn file_of(
    folder: &Path,
    questions: &[Question],
    question: usize,
    names: Option<&str>,
) -> Result<PathBuf, RowFileError> {
    row_file::folder(folder)?;
    let named = names.map_or_else(String::new, |names| format!(".{names}"));
    let stem = |question: &Question| {
        let (table, subject, word) = (&question.table, question.subject(), question.word());
        row_file::file_name(&format!("{table}.{subject}{named}.{word}"))
    };
    let own = questions.get(question).map(stem).unwrap_or_default();
    let before = questions.iter().take(question);
    let number = match before.filter(|other| stem(other) == own).count() {
        0 => String::new(),
        before => format!(".{}", before + 1),
    };
    Ok(row_file::free_path(folder, &format!("{own}{number}")))
}

fn text_of(value: Option<&Value>) -> String {
    let bytes = value.and_then(Value::bytes).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

impl Criterion {
    fn is_on(&self, row: &[Value], places: &[(usize, Kind)]) -> bool {
        let mut folded = Vec::new();
        let at = |index: usize| {
            let (place, kind) = places.get(index)?;
            Some((row.get(*place)?, *kind))
        };
        if let (Self::Null(_), Some((LEFT_OUT_AS_NULL, _))) = (self, places.first()) {
            return true;
        }
        let Some((first, kind)) = at(0) else {
            return false;
        };
        match self {
            Self::OneOf(_, bad) => {
                *first != Value::Null
                    && id_of(first, kind, &mut folded).is_some_and(|id| bad.contains(id))
            }
            Self::Null(_) => *first == Value::Null,
            Self::Zero(_) => first.bytes().is_some_and(|date| is_zero_date(&date)),
            Self::Equal {
                parts,
                left_out,
                hashes,
            } => {
                let values = parts.iter().enumerate().map(|(i, part)| {
                    let (value, kind) = at(i).unwrap_or((&Value::Null, Kind::Bytes));
                    (*value, kind, part.length)
                });
                let hash = match single(parts, places) {
                    true => id_of(first, kind, &mut folded).filter(|_| *first != Value::Null),
                    false => hash_of(values, left_out, &mut folded),
                };
                hash.is_some_and(|hash| hashes.contains(&hash))
            }
            Self::Names(.., named, bad) => {
                let id = at(1).and_then(|(id, _)| id.integer());
                first
                    .bytes()
                    .is_some_and(|bytes| bytes.trim_ascii_end().eq_ignore_ascii_case(named))
                    && id.is_some_and(|id| bad.contains(id))
            }
            Self::Unfit(_, fit) => misfit(fit, Some(first)).is_some(),
            Self::Rule(_, rule) => is_hit(rule, first),
        }
    }
}

/// Why a value of a row does not fit; `None` if it does, and for NULL.
fn misfit(fit: &Fit, value: Option<&Value>) -> Option<Misfit> {
    fit.misfit(&String::from_utf8_lossy(&value?.bytes()?))
}

/// Whether a key is one integer column, so that its values stand for themselves instead of hashes.
fn single(parts: &[KeyPart], places: &[(usize, Kind)]) -> bool {
    matches!((parts, places), ([part], [(_, Kind::Integer)]) if part.length.is_none())
}

impl Search {
    fn take(&mut self, key: Vec<String>, row: &[Value], places: &[(usize, Kind)], samples: usize) {
        let collected = &mut self.collected;
        collected.rows += 1;
        let value = |index: usize| places.get(index).and_then(|(place, _)| row.get(*place));
        let is_shown = |kind: &Kind| matches!(kind, Kind::Integer | Kind::Date);
        if let Criterion::Equal { parts, .. } = &self.criterion {
            let mut shared = Vec::new();
            let mut shown = Vec::new();
            for (i, (part, (_, kind))) in parts.iter().zip(places).enumerate() {
                let value = value(i).copied().unwrap_or(Value::Null);
                let start = shared.len();
                // NULL, and a length before each value, so that no two keys run together.
                let _ = canonical(&value, *kind, part.length, &mut shared);
                let length = shared.len() - start;
                shared.extend_from_slice(&length.to_le_bytes());
                shared.push(u8::from(value == Value::Null));
                shown.push(match value {
                    Value::Null => "NULL".to_owned(),
                    value => text_of(Some(&value)),
                });
            }
            // Long texts, a million of them, would take gigabytes.
            let group = collected
                .groups
                .entry(Md5::digest(&shared).into())
                .or_default();
            group.rows += 1;
            if !key.is_empty() {
                insert(&mut group.keys, key, MAX_KEYS, |a, b| compare_keys(a, b));
            }
            if group.value.is_none() && places.iter().all(|(_, kind)| is_shown(kind)) {
                group.value = Some(shown.join(", "));
            }
            return;
        }
        let shown = match &self.criterion {
            Criterion::OneOf(..) | Criterion::Zero(_) => places
                .first()
                .is_some_and(|(_, kind)| is_shown(kind))
                .then(|| text_of(value(0))),
            Criterion::Names(..) => Some(text_of(value(1))),
            Criterion::Unfit(_, fit) => {
                let misfit = misfit(fit, value(0));
                misfit.map(|misfit| misfit.words().to_owned())
            }
            Criterion::Null(_) | Criterion::Rule(..) | Criterion::Equal { .. } => None,
        };
        let sample = Sample {
            keys: joined(&key).into_iter().collect(),
            value: shown,
        };
        insert(&mut collected.samples, sample, samples, compare_samples);
    }

    fn answer(self, samples: usize) -> Result<Option<super::Answer>, RowFileError> {
        let Self {
            question,
            names,
            criterion,
            values,
            collected,
        } = self;
        let file = collected.file.map(RowFile::finish).transpose()?;
        let mut answer = super::Answer {
            question,
            names,
            rows: Some(collected.rows),
            values,
            samples: collected.samples,
            file,
        };
        if matches!(criterion, Criterion::Unfit(..)) {
            // The first pass has not looked at them.
            return Ok((answer.rows != Some(0)).then_some(answer));
        }
        if answer.rows == Some(0) {
            // The first pass has seen them: what was read now is another text.
            answer.rows = None;
            return Ok(Some(answer));
        }
        if let Criterion::Equal { .. } = criterion {
            // Two rows of one hash need not be equal.
            let mut groups: Vec<Group> = collected.groups.into_values().collect();
            groups.retain(|group| group.rows > 1);
            answer.rows = Some(groups.iter().map(|group| group.rows).sum());
            answer.values = Some(groups.len() as u64);
            answer.samples = first_groups(
                groups.into_iter().map(|group| (group.keys, group.value)),
                samples,
            );
        }
        Ok((answer.rows != Some(0)).then_some(answer))
    }
}

/// The first groups of equal rows in the order of their first keys.
pub fn first_groups(
    groups: impl Iterator<Item = (Vec<Vec<String>>, Option<String>)>,
    samples: usize,
) -> Vec<Sample> {
    let mut first = Vec::new();
    for (keys, value) in groups {
        let sample = Sample {
            keys: keys.iter().filter_map(|key| joined(key)).collect(),
            value,
        };
        insert(&mut first, sample, samples, compare_samples);
    }
    first
}

/// The columns of a key, separated by commas; `None` for a table without a primary key.
pub fn joined(key: &[String]) -> Option<String> {
    (!key.is_empty()).then(|| key.join(","))
}

/// Inserts an item into an ordered list, which keeps only its first `most` items.
fn insert<T>(list: &mut Vec<T>, item: T, most: usize, compare: impl Fn(&T, &T) -> Ordering) {
    let place = list.partition_point(|other| compare(other, &item).is_le());
    if place < most {
        list.insert(place, item);
        list.truncate(most);
    }
}

/// Compares samples by their first key, then by the value.
pub fn compare_samples(one: &Sample, other: &Sample) -> Ordering {
    let parts = |sample: &Sample| -> Vec<String> {
        let key = sample.keys.first();
        key.map(|key| key.split(',').map(str::to_owned).collect())
            .unwrap_or_default()
    };
    compare_keys(&parts(one), &parts(other)).then_with(|| compare_texts(&one.value, &other.value))
}

fn compare_texts(one: &Option<String>, other: &Option<String>) -> Ordering {
    let number = |text: &Option<String>| text.as_ref()?.parse::<i128>().ok();
    match (number(one), number(other)) {
        (Some(one), Some(other)) => one.cmp(&other),
        _ => one.cmp(other),
    }
}

/// Compares keys column by column, numbers by their value.
fn compare_keys(one: &[String], other: &[String]) -> Ordering {
    for (one, other) in one.iter().zip(other) {
        let number = |text: &String| text.parse::<i128>().ok();
        let order = match (number(one), number(other)) {
            (Some(one), Some(other)) => one.cmp(&other),
            _ => one.cmp(other),
        };
        if order.is_ne() {
            return order;
        }
    }
    one.len().cmp(&other.len())
}

impl Companion for Collector<'_> {
    fn held(&self) -> &DumpReader {
        &self.reader
    }

    fn held_mut(&mut self) -> &mut DumpReader {
        &mut self.reader
    }

    fn statement(&mut self, statement: Statement<'_>) {
        self.head.clear();
        self.forget(statement.text);
        self.reader.statement(statement);
    }

    fn rows_begin(&mut self, head: Statement<'_>) -> Wanted {
        self.reader.rows_begin(head);
        if self.head != head.text {
            self.head.clear();
            self.head.extend_from_slice(head.text);
            self.layout = self.layout();
        }
        match self.layout {
            Some(_) if self.failed.is_none() => Wanted::Whole,
            _ => Wanted::None,
        }
    }

    fn row(&mut self, values: Statement<'_>) {
        if let Err(error) = self.read(values.text) {
            self.failed = Some(error);
            self.layout = None;
        }
    }
}
