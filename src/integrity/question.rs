//! Which questions are asked about the rows of which table.

use std::collections::HashSet;

use super::collation::Collation;
use super::rules;
use crate::case::Case;
use crate::civicrm::catalogue::{Catalogue, State};
use crate::civicrm::classify::{Class, Classifier};
use crate::civicrm::custom;
use crate::civicrm::reference::{Reference, Subject};
use crate::civicrm::release::Version;
use crate::civicrm::site::Site;
use crate::civicrm::upgrade::own_checks::{Rule, rules_of};
use crate::preflight::fit::Fit;
use crate::preflight::rows::{RowNeed, RowsMust};
use crate::schema::model::{
    Column, ForeignKey, IndexKind, KeyPart, ReferentialAction, Schema, Table, find, find_entry,
};

/// One thing to look for in the rows of one table.
#[derive(Clone, Debug)]
pub struct Question {
    /// The table as the source spells it.
    pub table: String,
    /// What the question looks for.
    pub what: What,
    /// Why no such row should exist.
    pub basis: Basis,
    /// The upgrade step that fails when such a row exists.
    pub step: Option<String>,
}

/// What a question looks for in the rows of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// Rows whose parent row does not exist.
    Orphans(Link),
    /// Rows that are equal in the columns of a unique key.
    Duplicates(Key),
    /// Rows with NULL in a column that does not allow it.
    Nulls(String),
    /// Rows with a date that has no day or no month, such as 0000-00-00.
    ZeroDates(String),
    /// Values of a column that do not go into the type that an upgrade step gives it.
    Unfit(String, Fit),
    /// Rows that name a table and an id that does not exist in it.
    PolymorphicOrphans(Pair),
    /// Rows that an upgrade step, or CiviCRM's code, checks for beyond keys.
    Rule(&'static Rule),
}

/// A reference from one column to a column of a parent table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The column that refers.
    pub column: String,
    /// The parent table, as the source spells it.
    pub parent: String,
    /// The column of the parent table that is referred to.
    pub parent_column: String,
    /// What the foreign key does with the row when its parent is deleted.
    pub on_delete: ReferentialAction,
}

/// Columns that are to be unique together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The name of the key; `PRIMARY` for a primary key.
    pub name: String,
    /// The columns of the key.
    pub parts: Vec<KeyPart>,
    /// The test of CiviCRM's own code that asks for it; `None` for a key of a server.
    pub rule: Option<&'static Rule>,
}

impl Key {
    /// The values of the first column whose rows are left out.
    pub fn left_out(&self) -> &'static [&'static str] {
        self.rule.map_or(&[], Rule::left_out)
    }
}

/// A column that names a table, and one that holds an id in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// The column that names the parent table.
    pub type_column: String,
    /// The column that holds the id of the parent row.
    pub id_column: String,
    /// Words, other than their names, by which `type_column` names tables: word and table.
    pub words: &'static [(&'static str, &'static str)],
}

/// Why rows of some kind should not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Basis {
    /// The database has the key or column definition itself.
    Own,
    /// The release that the schema is of has the key or column definition.
    Release,
    /// The release that the database is to be upgraded to has the key or column definition.
    Target,
    /// CiviCRM's code or one of its upgrade steps expects it.
    Civicrm,
}

/// How values of a column are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The values are whole numbers.
    Integer,
    /// The values are text, compared by this collation.
    Text(Collation),
    /// The values are of the type DATE, DATETIME or TIMESTAMP.
    Date,
    /// The values are of any other type, and compared byte by byte.
    Bytes,
}

impl Kind {
    /// How values of a column of this table are compared.
    pub fn of(column: &Column, table: &Table) -> Self {
        let family = column
            .data_type
            .split([' ', '('])
            .next()
            .unwrap_or_default();
        match family {
            "tinyint" | "smallint" | "mediumint" | "int" | "bigint" => Self::Integer,
            "date" | "datetime" | "timestamp" => Self::Date,
            "char" | "varchar" | "tinytext" | "text" | "mediumtext" | "longtext" | "enum"
            | "set" => {
                let own = column.collation.as_deref().or(column.charset.as_deref());
                let of_table = table.collation.as_deref().or(table.charset.as_deref());
                Self::Text(Collation::named(own.or(of_table).unwrap_or_default()))
            }
            _ => Self::Bytes,
        }
    }
}

impl Question {
    /// What the question looks for, in one word that is fit for the name of a file.
    pub fn word(&self) -> &'static str {
        match &self.what {
            What::Orphans(_) => "orphans",
            What::Duplicates(_) => "duplicates",
            What::Nulls(_) => "nulls",
            What::ZeroDates(_) => "zero-dates",
            What::Unfit(..) => "unfit",
            What::PolymorphicOrphans(_) => "strays",
            What::Rule(_) => "rows",
        }
    }

    /// What the question is about (a column, a key or a rule), in one word that is fit for the name
    /// of a file.
    pub fn subject(&self) -> &str {
        match &self.what {
            What::Orphans(link) => &link.column,
            What::Duplicates(key) => &key.name,
            What::Nulls(column) | What::ZeroDates(column) | What::Unfit(column, _) => column,
            What::PolymorphicOrphans(pair) => &pair.id_column,
            What::Rule(rule) => rule.name,
        }
    }

    /// The tables that are read to answer the question, as far as they are known before it is asked.
    pub fn tables(&self) -> Vec<&str> {
        let parent = match &self.what {
            What::Orphans(link) if link.parent != self.table => Some(&link.parent),
            _ => None,
        };
        let tables = [Some(&self.table), parent].into_iter().flatten();
        tables.map(String::as_str).collect()
    }
}

/// The database whose rows are asked about, and the releases that they are compared with.
#[derive(Clone, Debug)]
struct Background<'a> {
    /// The schema and the site of the database.
    subject: Subject<'a>,
    /// The schemas of all releases.
    catalogue: &'a Catalogue,
    /// The state that the schema is of, where that is known.
    state: Option<&'a State>,
    /// The release that the database is to be upgraded to, with its state.
    target: Option<(&'a Version, &'a State)>,
    /// Whether the source is a server, which enforces its keys by itself, so that there is nothing
    /// to ask about them.
    keys_are_kept: bool,
}

impl<'a> Background<'a> {
    fn of(case: &'a Case) -> Self {
        let target = case.target_release.as_ref();
        Self {
            subject: case.subject(),
            catalogue: case.catalogue,
            state: case.state(),
            target: target.and_then(|target| Some((target, case.catalogue.state_for(target)?))),
            keys_are_kept: case.snapshot.server.is_some(),
        }
    }
}

/// The questions for one database, and those that cannot be asked.
#[derive(Clone, Debug, Default)]
pub struct Questions {
    /// The questions, ordered by table and then by what they look for.
    pub list: Vec<Question>,
    /// References that cannot be asked about, each with the reason, as text for people.
    pub not_asked: Vec<String>,
}

/// Puts together all questions about the rows of a case: from its own keys, its release, and what the steps of its
/// upgrade need of them.
pub fn questions(case: &Case, needs: &[RowNeed]) -> Questions {
    let background = &Background::of(case);
    let mut builder = Builder::new(background, needs);
    let schema = background.subject.schema;
    for (name, table) in &schema.tables {
        builder.own(name, table);
        builder.held_against(name, table);
        builder.needed(name, table);
        builder.custom(name, table);
        builder.dates(name, table);
        builder.pairs(name, table);
        builder.rules(name, table);
    }
    // Sources give tables and keys in orders of their own.
    builder.questions.list.sort_by_cached_key(|question| {
        let table = question.table.to_ascii_lowercase();
        (
            table,
            question.word(),
            question.subject().to_ascii_lowercase(),
        )
    });
    builder.questions.not_asked.sort_unstable();
    builder.questions
}

struct Builder<'a> {
    background: &'a Background<'a>,
    schema: &'a Schema,
    /// The schema of the release that the database is of.
    reference: Option<Schema>,
    /// What the steps of the upgrade need of the rows.
    needs: &'a [RowNeed],
    classifier: Option<Classifier<'a>>,
    seen: HashSet<(String, String)>,
    questions: Questions,
}

impl<'a> Builder<'a> {
    fn new(background: &'a Background<'a>, needs: &'a [RowNeed]) -> Self {
        let Background {
            subject,
            catalogue,
            state,
            target,
            ..
        } = *background;
        let reference = |state| Reference::new(catalogue, state, subject).schema;
        let known = state.or(target.map(|(_, state)| state));
        Self {
            background,
            schema: subject.schema,
            reference: state.map(reference),
            needs,
            classifier: known.map(|state| Classifier::new(catalogue, state, subject.site)),
            seen: HashSet::new(),
            questions: Questions::default(),
        }
    }

    fn push(&mut self, table: &str, what: What, basis: Basis, step: Option<String>) {
        self.questions.list.push(Question {
            table: table.to_owned(),
            what,
            basis,
            step,
        });
    }

    fn is_new(&mut self, table: &str, what: String) -> bool {
        self.seen
            .insert((table.to_ascii_lowercase(), what.to_ascii_lowercase()))
    }

    /// Adds the questions that the database's own keys lead to.
    fn own(&mut self, name: &str, table: &Table) {
        self.unique(name, table, table, Basis::Own);
        for key in table.foreign_keys.values() {
            self.link(name, table, key, Basis::Own);
        }
    }

    /// Adds the questions that the schema of the release leads to.
    fn held_against(&mut self, name: &str, table: &Table) {
        let Some(reference) = self.reference.take() else {
            return;
        };
        if let Some(wanted) = find(&reference.tables, name) {
            self.unique(name, table, wanted, Basis::Release);
            for key in wanted.foreign_keys.values() {
                self.link(name, table, key, Basis::Release);
            }
            for (column, wanted) in &wanted.columns {
                let Some((column, ours)) = column_of(table, column) else {
                    continue;
                };
                let is_asked = ours.nullable && !wanted.nullable && ours.generated.is_none();
                if is_asked && self.is_new(name, format!("null {column}")) {
                    let what = What::Nulls(column.to_owned());
                    let step = self.step(name, &what);
                    self.push(name, what, Basis::Release, step);
                }
            }
        }
        self.reference = Some(reference);
    }

    /// Adds the questions that the steps of the upgrade lead to.
    fn needed(&mut self, name: &str, table: &Table) {
        let of_table = |need: &&RowNeed| need.table.eq_ignore_ascii_case(name);
        for need in self.needs.iter().filter(of_table) {
            match &need.rows {
                RowsMust::HaveParents {
                    column,
                    parent,
                    parent_column,
                    on_delete,
                } => {
                    let key = ForeignKey {
                        columns: vec![column.clone()],
                        referenced_database: None,
                        referenced_table: parent.clone(),
                        referenced_columns: vec![parent_column.clone()],
                        on_delete: *on_delete,
                        on_update: ReferentialAction::Restrict,
                    };
                    self.link(name, table, &key, Basis::Target);
                }
                RowsMust::Differ { key, parts } => {
                    self.differ(name, table, key, parts, Basis::Target);
                }
                RowsMust::HaveValue { column } => {
                    if self.is_new(name, format!("null {column}")) {
                        let what = What::Nulls(column.clone());
                        self.push(name, what, Basis::Target, need.step.clone());
                    }
                }
                RowsMust::Fit { column, fit } => {
                    if self.is_new(name, format!("fit {column} {fit:?}")) {
                        let what = What::Unfit(column.clone(), fit.clone());
                        self.push(name, what, Basis::Target, need.step.clone());
                    }
                }
                // Every date is asked about.
                RowsMust::Pass { rule } => self.rule(name, table, rule),
                RowsMust::HaveDates { .. } => {}
            }
        }
    }

    fn unique(&mut self, name: &str, table: &Table, wanted: &Table, basis: Basis) {
        let unique = wanted.indexes.iter();
        let unique = unique.filter(|(_, index)| index.kind == IndexKind::Unique);
        let primary = ("PRIMARY", wanted.primary_key.as_slice());
        let keys = unique.map(|(key, index)| (key.as_str(), index.parts.as_slice()));
        for (key, parts) in std::iter::once(primary).chain(keys) {
            self.differ(name, table, key, parts, basis);
        }
    }

    /// Adds the question whether rows are equal in the columns of a key.
    fn differ(&mut self, name: &str, table: &Table, key: &str, parts: &[KeyPart], basis: Basis) {
        let ours = parts.iter().map(|part| {
            let (column, _) = column_of(table, &part.column)?;
            Some(KeyPart {
                column: column.to_owned(),
                length: part.length,
                descending: false,
            })
        });
        // Of a key on an expression nothing is asked.
        let Some(parts) = ours.collect::<Option<Vec<KeyPart>>>() else {
            return;
        };
        if parts.is_empty() {
            return;
        }
        let mut sorted: Vec<String> = parts
            .iter()
            .map(|part| format!("{}:{:?}", part.column, part.length))
            .collect();
        sorted.sort_unstable();
        if !self.is_new(name, format!("unique {}", sorted.join(","))) {
            return;
        }
        if basis == Basis::Own && self.background.keys_are_kept {
            return;
        }
        let what = What::Duplicates(Key {
            name: key.to_owned(),
            parts,
            rule: None,
        });
        let step = self.step(name, &what);
        self.push(name, what, basis, step);
    }

    fn link(&mut self, name: &str, table: &Table, key: &ForeignKey, basis: Basis) {
        let ([column], [parent_column]) = (&key.columns[..], &key.referenced_columns[..]) else {
            // No release of CiviCRM has one of several columns.
            self.not_linked(name, &key.columns.join(", "), "it has several columns");
            return;
        };
        let Some((column, ours)) = column_of(table, column) else {
            return;
        };
        if let Some(database) = &key.referenced_database {
            let why = format!("its parent is in another database, {database}");
            self.not_linked(name, column, &why);
            return;
        }
        let target = format!("link {column} {} {parent_column}", key.referenced_table);
        let Some((parent, there)) = table_of(self.schema, &key.referenced_table) else {
            // A table that only the target has is made by the upgrade.
            if basis != Basis::Target && self.is_new(name, target) {
                let or_hidden = match self.background.keys_are_kept {
                    true => ", or this account may not see it",
                    false => "",
                };
                let parent = &key.referenced_table;
                let why = format!("its parent table {parent} is not there{or_hidden}");
                self.not_linked(name, column, &why);
            }
            return;
        };
        let Some((parent_column, theirs)) = column_of(there, parent_column) else {
            return;
        };
        // What is of another type is changed by an upgrade before it gets a foreign key.
        let (kind, other) = (Kind::of(ours, table), Kind::of(theirs, there));
        let comparable = kind == other && matches!(kind, Kind::Integer | Kind::Text(_));
        if !self.is_new(name, target) {
            return;
        }
        if !comparable {
            if basis == Basis::Own {
                let (ours, theirs) = (&ours.data_type, &theirs.data_type);
                let why = format!("{ours} and {theirs} of {parent} are not compared");
                self.not_linked(name, column, &why);
            }
            return;
        }
        let link = Link {
            column: column.to_owned(),
            parent: parent.to_owned(),
            parent_column: parent_column.to_owned(),
            on_delete: key.on_delete,
        };
        let what = What::Orphans(link);
        let step = self.step(name, &what);
        self.push(name, what, basis, step);
    }

    fn not_linked(&mut self, table: &str, columns: &str, why: &str) {
        self.questions
            .not_asked
            .push(format!("{table}.{columns}: {why}"));
    }

    /// The upgrade step that fails where the question finds rows.
    fn step(&self, table: &str, what: &What) -> Option<String> {
        let need = self.needs.iter().find(|need| is_about(need, table, what))?;
        need.step.clone()
    }

    /// Adds the questions about tables of custom data: they refer to what they extend, also where
    /// the foreign key was lost.
    fn custom(&mut self, name: &str, table: &Table) {
        let groups = self
            .background
            .subject
            .site
            .map(|site: &Site| &site.custom_groups);
        let parent = groups.into_iter().flatten().find_map(|group| {
            group
                .table
                .eq_ignore_ascii_case(name)
                .then(|| custom::extended_table(&group.extends))?
        });
        if let Some(parent) = parent {
            let key = ForeignKey {
                columns: vec!["entity_id".to_owned()],
                referenced_database: None,
                referenced_table: parent.to_owned(),
                referenced_columns: vec!["id".to_owned()],
                on_delete: ReferentialAction::Cascade,
                on_update: ReferentialAction::Restrict,
            };
            self.link(name, table, &key, Basis::Civicrm);
        }
    }

    fn is_of_civicrm(&self, table: &str) -> bool {
        match &self.classifier {
            Some(classifier) => matches!(
                classifier.class(table),
                Class::Core
                    | Class::ShippedExtension(_)
                    | Class::OtherRelease
                    | Class::CustomData
                    | Class::UnknownExtension
            ),
            None => table.to_ascii_lowercase().starts_with("civicrm_"),
        }
    }

    fn dates(&mut self, name: &str, table: &Table) {
        if !self.is_of_civicrm(name) {
            return;
        }
        for (column, definition) in &table.columns {
            if Kind::of(definition, table) == Kind::Date && definition.generated.is_none() {
                self.push(name, What::ZeroDates(column.clone()), Basis::Civicrm, None);
            }
        }
    }

    fn pairs(&mut self, name: &str, table: &Table) {
        for pair in rules::pairs_of(name) {
            let (Some((type_column, named)), Some((id_column, id))) = (
                column_of(table, pair.type_column),
                column_of(table, pair.id_column),
            ) else {
                continue;
            };
            let is_text = matches!(Kind::of(named, table), Kind::Text(_));
            if is_text && Kind::of(id, table) == Kind::Integer {
                let pair = Pair {
                    type_column: type_column.to_owned(),
                    id_column: id_column.to_owned(),
                    words: pair.words,
                };
                self.push(name, What::PolymorphicOrphans(pair), Basis::Civicrm, None);
            }
        }
    }

    fn rules(&mut self, name: &str, table: &Table) {
        for rule in rules_of(name).filter(|rule| rule.at.is_none()) {
            self.rule(name, table, rule);
        }
    }

    /// Adds the question whether the rows pass a test of CiviCRM's own code.
    fn rule(&mut self, name: &str, table: &Table, rule: &'static Rule) {
        let has_columns = rule.columns().all(|(of, column)| {
            let table = match of {
                None => Some(table),
                Some(other) => find(&self.schema.tables, other),
            };
            table.is_some_and(|table| find(&table.columns, column).is_some())
        });
        if !has_columns || !self.is_new(name, format!("rule {}", rule.name)) {
            return;
        }
        let step = rule.at.map(|at| at.step.to_owned());
        let what = match rule.key() {
            Some(parts) => What::Duplicates(Key {
                name: rule.name.to_owned(),
                parts,
                rule: Some(rule),
            }),
            None => What::Rule(rule),
        };
        self.push(name, what, Basis::Civicrm, step);
    }
}

/// Whether a question finds the rows for which a need is not met.
pub fn is_about(need: &RowNeed, table: &str, what: &What) -> bool {
    let same = |one: &str, other: &str| one.eq_ignore_ascii_case(other);
    same(&need.table, table)
        && match (&need.rows, what) {
            (RowsMust::HaveParents { column, parent, .. }, What::Orphans(link)) => {
                same(column, &link.column) && same(parent, &link.parent)
            }
            (RowsMust::Differ { parts, .. }, What::Duplicates(key)) => {
                let has = |part: &KeyPart| {
                    let mut others = key.parts.iter();
                    others.any(|other| {
                        same(&other.column, &part.column) && other.length == part.length
                    })
                };
                key.rule.is_none() && parts.len() == key.parts.len() && parts.iter().all(has)
            }
            (RowsMust::Fit { column, fit }, What::Unfit(asked, of)) => {
                same(column, asked) && fit == of
            }
            (RowsMust::HaveValue { column }, What::Nulls(asked))
            | (RowsMust::HaveDates { column }, What::ZeroDates(asked)) => same(column, asked),
            (RowsMust::Pass { rule }, What::Rule(asked)) => rule.name == asked.name,
            (RowsMust::Pass { rule }, What::Duplicates(key)) => {
                key.rule.is_some_and(|asked| rule.name == asked.name)
            }
            _ => false,
        }
}

/// A column of this name in any letter case, with its name as the table spells it.
pub fn column_of<'a>(table: &'a Table, name: &str) -> Option<(&'a str, &'a Column)> {
    find_entry(&table.columns, name).map(|(name, column)| (name.as_str(), column))
}

/// A table of this name in any letter case, with its name as the schema spells it.
pub fn table_of<'a>(schema: &'a Schema, name: &str) -> Option<(&'a str, &'a Table)> {
    find_entry(&schema.tables, name).map(|(name, table)| (name.as_str(), table))
}

/// The column of a primary key that consists of one integer column, which ids refer to.
pub fn id_column(table: &Table) -> Option<&str> {
    let [part] = &table.primary_key[..] else {
        return None;
    };
    let (name, column) = column_of(table, &part.column)?;
    (Kind::of(column, table) == Kind::Integer).then_some(name)
}
