//! Which columns of a table questions look at, and how.

use indexmap::IndexMap;

use super::question::{Kind, Pair, Question, What, column_of, id_column};
use super::rules;
use crate::civicrm::catalogue::Catalogue;
use crate::civicrm::upgrade::own_checks::{RULES, Rule, Test, rules_of};
use crate::schema::model::{IndexKind, KeyPart, Schema, Table};

/// Which facts about one column are needed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OfColumn {
    /// The set of the column's values is needed.
    pub ids: bool,
    /// The set of the values that occur more than once is needed.
    pub twice: bool,
    /// The number of NULLs is needed.
    pub nulls: bool,
    /// The number of dates without a day or month is needed.
    pub zeros: bool,
    /// The index of the rule in [`RULES`] whose test the values are put to.
    pub rule: Option<usize>,
}

/// What is needed of the rows of one table. Columns go by their names in lower case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Which facts are needed, by the column's name.
    pub columns: IndexMap<String, OfColumn>,
    /// Keys that are to be unique, where they have several columns or one that is not an integer.
    pub keys: Vec<Vec<KeyPart>>,
    /// For each of `keys`, the values of its first column whose rows are left out.
    pub left_out: Vec<&'static [&'static str]>,
    /// Pairs of columns, of which the first names a table and the second holds an id in it.
    pub pairs: Vec<(String, String)>,
}

impl Needs {
    /// Whether nothing is needed of the table.
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty() && self.keys.is_empty() && self.pairs.is_empty()
    }

    fn column(&mut self, name: &str) -> &mut OfColumn {
        self.columns.entry(name.to_ascii_lowercase()).or_default()
    }

    fn ids(&mut self, name: &str) {
        self.column(name).ids = true;
    }

    /// Adds a key that is to be unique. For a key of one integer column the set of the values that
    /// occur more than once is enough.
    fn key(&mut self, parts: &[KeyPart], left_out: &'static [&'static str], table: &Table) {
        if let Some(column) = single_integer(parts, table)
            && left_out.is_empty()
        {
            let column = self.column(column);
            column.ids = true;
            column.twice = true;
            return;
        }
        let has = |part: &KeyPart| column_of(table, &part.column).is_some();
        let parts: Vec<KeyPart> = parts
            .iter()
            .map(|part| KeyPart {
                column: part.column.to_ascii_lowercase(),
                length: part.length,
                descending: false,
            })
            .collect();
        let known = self
            .keys
            .iter()
            .zip(&self.left_out)
            .any(|(key, out)| *key == parts && *out == left_out);
        if parts.iter().all(has) && !known && !parts.is_empty() {
            self.keys.push(parts);
            self.left_out.push(left_out);
        }
    }

    fn pair(&mut self, type_column: &str, id_column: &str) {
        let pair = (
            type_column.to_ascii_lowercase(),
            id_column.to_ascii_lowercase(),
        );
        if !self.pairs.contains(&pair) {
            self.pairs.push(pair);
        }
    }

    fn rule(&mut self, rule: &'static Rule, table: &Table) {
        let index = RULES.iter().position(|known| known.name == rule.name);
        match rule.test {
            Test::NoneLike(column, _) => self.column(column).rule = index,
            Test::Present(column, _, active) => self.pair(column, active),
            Test::Distinct(_, left_out) => {
                if let Some(parts) = rule.key() {
                    self.key(&parts, left_out, table);
                }
            }
            Test::SeveralWithoutLineItem => {
                let column = self.column("contribution_id");
                column.ids = true;
                column.twice = true;
            }
        }
    }

    /// What any question could need of this table, whatever release it turns out to be of and
    /// whatever keys it still gets: for a dump, whose rows come before all of that is known.
    pub fn of_any(name: &str, table: &Table, catalogue: &Catalogue) -> Self {
        let mut needs = Self::default();
        needs.key(&table.primary_key, &[], table);
        if let Some(id) = id_column(table) {
            needs.ids(id);
        }
        for index in table.indexes.values() {
            if index.kind == IndexKind::Unique {
                needs.key(&index.parts, &[], table);
            }
        }
        for key in table.foreign_keys.values() {
            if let [column] = &key.columns[..] {
                needs.ids(column);
            }
        }
        let is_here = |column: &str| column_of(table, column).is_some();
        let history = catalogue.history(&name.to_ascii_lowercase());
        match history {
            Some(history) => {
                // phpMyAdmin writes no key before the rows, not even the primary one.
                for options in &history.options {
                    let key: Vec<KeyPart> = (options.item.primary_key.iter())
                        .map(KeyPart::column)
                        .collect();
                    needs.key(&key, &[], table);
                }
                for key in &history.foreign_keys {
                    if let [column] = &key.item.columns[..]
                        && is_here(column)
                    {
                        needs.ids(column);
                    }
                }
                for index in &history.indexes {
                    if index.item.kind == IndexKind::Unique {
                        needs.key(&index.item.to_model().parts, &[], table);
                    }
                }
                for column in &history.columns {
                    if !column.item.nullable
                        && column_of(table, &column.item.name).is_some_and(|(_, c)| c.nullable)
                    {
                        needs.column(&column.item.name).nulls = true;
                    }
                }
            }
            // Keys of custom data and extensions may come as ALTER TABLE at the end.
            None => {
                for (column, definition) in &table.columns {
                    let lower = column.to_ascii_lowercase();
                    if Kind::of(definition, table) != Kind::Integer {
                        continue;
                    }
                    if lower.ends_with("_id") {
                        needs.ids(column);
                    }
                    if lower == "id" || lower == "entity_id" {
                        needs.key(&[KeyPart::column(column)], &[], table);
                    }
                }
            }
        }
        for (column, definition) in &table.columns {
            if Kind::of(definition, table) == Kind::Date && definition.generated.is_none() {
                needs.column(column).zeros = true;
            }
        }
        for pair in rules::pairs_of(name) {
            if is_here(pair.type_column) && is_here(pair.id_column) {
                needs.pair(pair.type_column, pair.id_column);
            }
        }
        for rule in rules_of(name) {
            if rule
                .columns()
                .all(|(of, column)| of.is_some() || is_here(column))
            {
                needs.rule(rule, table);
            }
        }
        needs
    }

    /// What these questions need, by the name of the table in lower case.
    pub fn of_questions<'a>(
        questions: impl Iterator<Item = &'a Question>,
        schema: &Schema,
    ) -> IndexMap<String, Self> {
        let mut all: IndexMap<String, Self> = IndexMap::new();
        for question in questions {
            let Some(table) = schema.table(&question.table) else {
                continue;
            };
            let needs = all.entry(question.table.to_ascii_lowercase()).or_default();
            match &question.what {
                What::Orphans(link) => {
                    needs.ids(&link.column);
                    let parent = all.entry(link.parent.to_ascii_lowercase()).or_default();
                    parent.ids(&link.parent_column);
                }
                What::Duplicates(key) => needs.key(&key.parts, key.left_out(), table),
                What::Nulls(column) => needs.column(column).nulls = true,
                What::ZeroDates(column) => needs.column(column).zeros = true,
                // Each value is looked at when the rows are read again.
                What::Unfit(..) => {}
                What::PolymorphicOrphans(Pair {
                    type_column,
                    id_column,
                    ..
                }) => {
                    needs.pair(type_column, id_column);
                    // Which tables they name shows only in the rows.
                    for (name, table) in &schema.tables {
                        if let Some(id) = super::question::id_column(table) {
                            all.entry(name.to_ascii_lowercase()).or_default().ids(id);
                        }
                    }
                }
                What::Rule(rule) => needs.rule(rule, table),
            }
        }
        all
    }
}

/// The column of a key that consists of one integer column, without a prefix length.
pub fn single_integer<'a>(parts: &'a [KeyPart], table: &Table) -> Option<&'a str> {
    let [part] = parts else { return None };
    let (_, column) = column_of(table, &part.column)?;
    (part.length.is_none() && Kind::of(column, table) == Kind::Integer)
        .then_some(part.column.as_str())
}
