//! Questions as SQL. The statements only read; names are quoted, values are literals. Each has passed the
//! gate, which knows the names that it is meant to hold.

use super::question::{Key, Kind, Link, Pair, Question, What, column_of, id_column};
use super::rows::{exported, key_of};
use crate::civicrm::upgrade::own_checks::{Rule, Test};
use crate::gate::{Meaning, Operation};
use crate::schema::model::{Schema, Table};
use crate::schema::sql::{AntiJoin, Duplicates, first_rows, identifier, string};
use crate::server::error::ServerError;

/// The FROM and WHERE clauses that select the offending rows of one table, whose alias is `c`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rows {
    /// The FROM clause: tables and joins, without the word FROM.
    pub from: String,
    /// The WHERE clause: the condition, without the word WHERE.
    pub filter: String,
    /// The expression of the offending value, where it may be shown.
    pub value: Option<String>,
    /// An integer column by which the table can be read in ranges, preferably one with an index.
    pub range: Option<String>,
    /// The tables and columns that FROM, WHERE and value name.
    names: Vec<String>,
}

/// Lets a question pass that names just these tables and columns.
fn pass(
    sql: String,
    names: impl IntoIterator<Item = impl Into<String>>,
) -> Result<String, ServerError> {
    Ok(Meaning::new(Operation::Select, names).pass(sql)?)
}

fn owned<const N: usize>(names: [&str; N]) -> Vec<String> {
    names.map(str::to_owned).to_vec()
}

/// A range of the values of an integer column, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// The smallest value of the range.
    pub first: i128,
    /// The largest value of the range.
    pub last: i128,
}

/// The rows of a child table (`c`) without a row in the parent table (`p`).
fn anti_join<'a>(
    table: &str,
    column: &'a str,
    parent: &str,
    parent_column: &'a str,
) -> AntiJoin<'a> {
    AntiJoin {
        child: identifier(table),
        child_alias: Some("c"),
        parent: identifier(parent),
        parent_alias: "p",
        columns: vec![(column, parent_column)],
    }
}

impl Rows {
    /// What a question looks for; of a pair the rows that name `named`. `None` for a question
    /// that is not about single rows.
    pub fn of(question: &Question, named: Option<&str>, schema: &Schema) -> Option<Self> {
        let table = schema.table(&question.table)?;
        let plain = format!("{} AS c", identifier(&question.table));
        let key = id_column(table).map(str::to_owned);
        Some(match &question.what {
            What::Orphans(link) => Self::orphans(&question.table, table, link),
            What::Nulls(column) => Self {
                from: plain,
                filter: null(column),
                value: None,
                range: key,
                names: owned([&question.table, column]),
            },
            What::ZeroDates(column) => Self {
                from: plain,
                filter: zero(column),
                value: Some(format!("CAST(c.{} AS CHAR)", identifier(column))),
                range: key,
                names: owned([&question.table, column]),
            },
            What::Unfit(column, fit) => {
                let (filter, why) = fit.sql(&format!("c.{}", identifier(column)));
                Self {
                    from: plain,
                    filter,
                    value: Some(why),
                    range: key,
                    names: owned([&question.table, column]),
                }
            }
            What::PolymorphicOrphans(pair) => {
                Self::polymorphic_orphans(&question.table, table, pair, named?, schema)?
            }
            What::Rule(rule) => Self::rule(rule, plain)?,
            What::Duplicates(_) => return None,
        })
    }

    fn orphans(name: &str, table: &Table, link: &Link) -> Self {
        let join = anti_join(name, &link.column, &link.parent, &link.parent_column);
        let kind = column_of(table, &link.column).map(|(_, column)| Kind::of(column, table));
        let is_number = kind == Some(Kind::Integer);
        let range = match begins_index(table, &link.column) && is_number {
            true => Some(link.column.clone()),
            false => id_column(table).map(str::to_owned),
        };
        Self {
            from: join.from(),
            filter: join.filter(),
            value: is_number.then(|| format!("c.{}", identifier(&link.column))),
            range,
            names: owned([name, &link.column, &link.parent, &link.parent_column]),
        }
    }

    fn polymorphic_orphans(
        name: &str,
        table: &Table,
        pair: &Pair,
        named: &str,
        schema: &Schema,
    ) -> Option<Self> {
        let parent = pair.table_of(named.as_bytes())?;
        let parent_column = id_column(schema.tables.get(parent)?)?;
        let join = anti_join(name, &pair.id_column, parent, parent_column);
        Some(Self {
            from: join.from(),
            filter: format!(
                "c.{} = {} AND {}",
                identifier(&pair.type_column),
                string(named),
                join.filter()
            ),
            value: Some(format!("c.{}", identifier(&pair.id_column))),
            range: id_column(table).map(str::to_owned),
            names: owned([
                name,
                &pair.type_column,
                &pair.id_column,
                parent,
                parent_column,
            ]),
        })
    }

    fn rule(rule: &Rule, plain: String) -> Option<Self> {
        let (from, filter) = match rule.test {
            Test::NoneLike(column, pattern) => {
                (plain, format!("c.{} LIKE {}", identifier(column), string(pattern)))
            }
            Test::SeveralWithoutLineItem => (
                format!(
                    "{plain} JOIN (SELECT contribution_id FROM {} GROUP BY contribution_id HAVING COUNT(*) > 1) AS s \
                     ON s.contribution_id = c.contribution_id",
                    identifier(rule.table)
                ),
                "NOT EXISTS (SELECT * FROM civicrm_line_item AS p WHERE p.entity_table = 'civicrm_contribution' \
                 AND p.entity_id = c.contribution_id)"
                    .to_owned(),
            ),
            Test::Present(..) | Test::Distinct(..) => return None,
        };
        let (value, column) = match rule.test {
            Test::NoneLike(column, _) => (None, Some(column)),
            _ => (Some("c.contribution_id".to_owned()), None),
        };
        let names = column.into_iter().chain([rule.table]);
        Some(Self {
            from,
            filter,
            value,
            range: None,
            names: names.map(str::to_owned).collect(),
        })
    }

    fn within(&self, range: Option<&Range>) -> String {
        let Some((column, Range { first, last })) = self.range.as_ref().zip(range) else {
            return self.filter.clone();
        };
        format!(
            "({}) AND c.{} BETWEEN {first} AND {last}",
            self.filter,
            identifier(column)
        )
    }

    /// The names of a statement about these rows, and `others`.
    fn names<'n>(
        &'n self,
        range: Option<&Range>,
        others: impl Iterator<Item = &'n str>,
    ) -> impl Iterator<Item = String> {
        let range = self.range.iter().filter(move |_| range.is_some());
        let own = self.names.iter().chain(range).cloned();
        own.chain(others.map(str::to_owned))
    }

    /// The statement that counts the rows as `n`; with `by_value` for each `value`.
    ///
    /// # Errors
    /// It does not pass the gate.
    pub fn count(&self, range: Option<&Range>, by_value: bool) -> Result<String, ServerError> {
        let (from, filter) = (&self.from, self.within(range));
        let sql = match self.value.as_ref().filter(|_| by_value) {
            Some(value) => format!(
                "SELECT {value} AS value, COUNT(*) AS n FROM {from} WHERE {filter} GROUP BY {value}"
            ),
            None => format!("SELECT COUNT(*) AS n FROM {from} WHERE {filter}"),
        };
        pass(sql, self.names(range, std::iter::empty()))
    }

    /// The statement that selects the first rows by primary key, whose columns are `k0`, `k1` …,
    /// with `value`.
    pub(super) fn first(
        &self,
        table: &Table,
        range: Option<&Range>,
        count: usize,
    ) -> Result<String, ServerError> {
        let keys: Vec<String> = key_of(table)
            .map(|key| format!("c.{}", identifier(key)))
            .collect();
        let value = self.value.as_deref().unwrap_or("NULL");
        let mut shown: Vec<String> = keys
            .iter()
            .enumerate()
            .map(|(i, key)| format!("{key} AS k{i}"))
            .collect();
        shown.push(format!("{value} AS value"));
        let order = match keys.is_empty() {
            true => vec![value.to_owned()],
            false => keys,
        };
        let sql = first_rows(&shown, &self.from, &self.within(range), &order, count);
        pass(sql, self.names(range, key_of(table)))
    }

    /// The statement that selects all columns of the rows, in the order of their primary keys.
    ///
    /// # Errors
    /// It does not pass the gate.
    pub fn whole(&self, table: &Table, range: Option<&Range>) -> Result<String, ServerError> {
        let sql = format!(
            "SELECT {} FROM {} WHERE {}{}",
            columns(table),
            self.from,
            self.within(range),
            order(table)
        );
        pass(sql, self.names(range, exported(table).chain(key_of(table))))
    }
}

fn columns(table: &Table) -> String {
    let columns: Vec<String> = exported(table)
        .map(|column| format!("c.{}", identifier(column)))
        .collect();
    columns.join(", ")
}

fn order(table: &Table) -> String {
    let keys: Vec<String> = key_of(table)
        .map(|key| format!("c.{}", identifier(key)))
        .collect();
    match keys.is_empty() {
        true => String::new(),
        false => format!(" ORDER BY {}", keys.join(", ")),
    }
}

fn null(column: &str) -> String {
    format!("c.{} IS NULL", identifier(column))
}

/// The condition for a date without a month or day: the server's functions give 0 for it.
fn zero(column: &str) -> String {
    let column = identifier(column);
    format!("MONTH(c.{column}) = 0 OR DAYOFMONTH(c.{column}) = 0")
}

/// Whether the primary key or an index begins with the column.
fn begins_index(table: &Table, column: &str) -> bool {
    let begins = |parts: &[crate::schema::model::KeyPart]| {
        parts
            .first()
            .is_some_and(|part| part.length.is_none() && part.column.eq_ignore_ascii_case(column))
    };
    begins(&table.primary_key) || table.indexes.values().any(|index| begins(&index.parts))
}

/// The statement that counts NULLs and zero dates of several columns of one table in one scan, as
/// `n0`, `n1` ….
pub(super) fn scan(
    table: &str,
    conditions: &[&Rows],
    range: Option<(&str, &Range)>,
) -> Result<String, ServerError> {
    let counts: Vec<String> = conditions
        .iter()
        .enumerate()
        .map(|(i, rows)| format!("COUNT(IF({}, 1, NULL)) AS n{i}", rows.filter))
        .collect();
    let filter = range.map_or_else(String::new, |(column, Range { first, last })| {
        format!(" WHERE c.{} BETWEEN {first} AND {last}", identifier(column))
    });
    let sql = format!(
        "SELECT {} FROM {} AS c{filter}",
        counts.join(", "),
        identifier(table)
    );
    let names = conditions.iter().flat_map(|rows| &rows.names);
    let names = names.map(String::as_str).chain([table]);
    pass(sql, names.chain(range.map(|(column, _)| column)))
}

/// The statement that selects the smallest and the largest value of a column as `first` and `last`.
pub(super) fn extent(table: &str, column: &str) -> Result<String, ServerError> {
    let quoted = identifier(column);
    let sql = format!(
        "SELECT MIN({quoted}) AS first, MAX({quoted}) AS last FROM {}",
        identifier(table)
    );
    pass(sql, [table, column])
}

/// The statement that opens a table and selects nothing of it, so that a lock in the way shows.
pub(super) fn open(table: &str) -> Result<String, ServerError> {
    let sql = format!("SELECT 1 FROM {} LIMIT 0", identifier(table));
    pass(sql, [table])
}

/// The statement that selects the texts by which a pair of columns names tables, as `named`.
pub(super) fn named(table: &str, pair: &Pair) -> Result<String, ServerError> {
    let column = identifier(&pair.type_column);
    let sql = format!(
        "SELECT DISTINCT {column} AS named FROM {} WHERE {column} IS NOT NULL",
        identifier(table)
    );
    pass(sql, [table, &pair.type_column])
}

/// The statement that counts the rows of a table as `n`, and those that a rule requires as
/// `wanted`; `None` for a rule of another kind.
pub(super) fn present(rule: &Rule) -> Option<Result<String, ServerError>> {
    let Test::Present(column, wanted, active) = rule.test else {
        return None;
    };
    let sql = format!(
        "SELECT COUNT(*) AS n, COUNT(IF(c.{} = {} AND c.{} <> 0, 1, NULL)) AS wanted FROM {} AS c",
        identifier(column),
        string(wanted),
        identifier(active),
        identifier(rule.table)
    );
    Some(pass(sql, [rule.table, column, active]))
}

/// The statements about rows that are equal in the columns of a key.
#[derive(Clone, Debug)]
pub(super) struct Equal<'a> {
    table: &'a Table,
    duplicates: Duplicates<'a>,
    /// Whether all columns of the key are numbers or dates, which may be shown.
    shown: bool,
}

impl<'a> Equal<'a> {
    /// The statements for a key of this table.
    pub(super) fn new(name: &'a str, table: &'a Table, key: &'a Key) -> Self {
        let kinds = key
            .parts
            .iter()
            .filter_map(|part| column_of(table, &part.column));
        Self {
            table,
            duplicates: Duplicates {
                table: name,
                parts: &key.parts,
                left_out: key.left_out(),
            },
            shown: kinds
                .map(|(_, column)| Kind::of(column, table))
                .all(|kind| matches!(kind, Kind::Integer | Kind::Date)),
        }
    }

    /// The names of a statement about these rows, and `others`.
    fn names(&self, others: impl Iterator<Item = &'a str>) -> impl Iterator<Item = &'a str> {
        let parts = self.duplicates.parts.iter();
        let parts = parts.map(|part| part.column.as_str());
        parts.chain([self.duplicates.table]).chain(others)
    }

    /// The statement that counts the groups as `sets` and their rows as `n`.
    pub(super) fn count(&self) -> Result<String, ServerError> {
        pass(self.duplicates.count(), self.names(std::iter::empty()))
    }

    /// The statement that selects the groups: as `keys` the first `most` primary keys of each,
    /// separated by `;`, and as `value` the values that its rows share.
    pub(super) fn first(&self, most: usize) -> Result<String, ServerError> {
        let keys: Vec<String> = key_of(self.table)
            .map(|key| format!("c.{}", identifier(key)))
            .collect();
        let value = match self.shown {
            true => {
                let parts: Vec<String> = self
                    .duplicates
                    .values()
                    .map(|part| format!("IFNULL({part}, 'NULL')"))
                    .collect();
                format!("CONCAT_WS(', ', {})", parts.join(", "))
            }
            false => "NULL".to_owned(),
        };
        let list = match keys.is_empty() {
            true => "NULL".to_owned(),
            false => format!(
                "SUBSTRING_INDEX(GROUP_CONCAT(CONCAT_WS(',', {}) ORDER BY {} SEPARATOR ';'), ';', {most})",
                keys.join(", "),
                keys.join(", ")
            ),
        };
        let select = format!("{list} AS `keys`, {value} AS value");
        let names = self.names(key_of(self.table).chain(["keys"]));
        pass(self.duplicates.groups(&select), names)
    }

    /// The statement that selects all columns of the rows, group by group.
    pub(super) fn whole(&self) -> Result<String, ServerError> {
        let select: Vec<String> = self
            .duplicates
            .values()
            .enumerate()
            .map(|(i, part)| format!("{part} AS p{i}"))
            .collect();
        let on: Vec<String> = self
            .duplicates
            .values()
            .enumerate()
            .map(|(i, part)| format!("{part} <=> d.p{i}"))
            .collect();
        let sql = format!(
            "SELECT {} FROM {} AS c JOIN ({}) AS d ON {}{}",
            columns(self.table),
            identifier(self.duplicates.table),
            self.duplicates.groups(&select.join(", ")),
            on.join(" AND "),
            order(self.table)
        );
        let others = exported(self.table).chain(key_of(self.table));
        pass(sql, self.names(others))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hostile;
    use crate::integrity::question::Basis;
    use crate::schema::model::{KeyPart, ReferentialAction};
    use crate::schema::test_schema::hostile_schema;

    /// Every statement about a child in which all has this name.
    fn statements(name: &str) -> Vec<Result<String, ServerError>> {
        let mut schema = hostile_schema(name);
        let (child, mut definition) = schema.tables.pop().expect("the child");
        definition.primary_key.push(KeyPart::column(name));
        schema.tables.insert(child.clone(), definition);
        let table = &schema.tables[&child];
        let range = Some(&Range { first: 1, last: 9 });
        let question = |what: What| Question {
            table: child.clone(),
            what,
            basis: Basis::Own,
            step: None,
        };
        let mut all = vec![extent(&child, name)];
        let link = Link {
            column: name.to_owned(),
            parent: name.to_owned(),
            parent_column: name.to_owned(),
            on_delete: ReferentialAction::Cascade,
        };
        let pair = Pair {
            type_column: name.to_owned(),
            id_column: "b".to_owned(),
            words: &[],
        };
        all.push(named(&child, &pair));
        for what in [
            What::Orphans(link),
            What::Nulls(name.to_owned()),
            What::ZeroDates(name.to_owned()),
        ] {
            let rows = Rows::of(&question(what), None, &schema).expect("the table is there");
            for range in [None, range] {
                all.push(rows.count(range, false));
                all.push(rows.count(range, true));
                all.push(rows.first(table, range, 3));
                all.push(rows.whole(table, range));
                all.push(scan(&child, &[&rows], Some(name).zip(range)));
            }
        }
        let key = Key {
            name: name.to_owned(),
            parts: vec![KeyPart::column(name)],
            rule: None,
        };
        let equal = Equal::new(&child, table, &key);
        all.extend([equal.count(), equal.first(3), equal.whole()]);
        all
    }

    #[test]
    fn questions_are_those_that_are_meant_whatever_names_are() {
        for name in hostile::names() {
            for statement in statements(&name) {
                let is_blocked = matches!(statement, Err(ServerError::Blocked(_)));
                assert_eq!(
                    is_blocked,
                    hostile::is_unstorable(&name),
                    "{name:?}: {statement:?}"
                );
            }
        }
    }
}
