//! Damage to a database by chance, near what the steps of an upgrade touch.

use cividb::civicrm::upgrade::op::{Action, Alteration, Op};
use cividb::schema::model::{Column, ForeignKey, Index, IndexKind, Schema, Table, find};
use cividb::schema::sql::{column_definition, identifier, string};

use crate::dice::Dice;

/// What is done to a database.
#[derive(Clone, Debug)]
pub struct Damage {
    /// What it is, for people.
    pub what: String,
    /// Statements for an account that may do anything, without checks of foreign keys and without a strict mode.
    pub sql: Vec<String>,
    /// The privilege that the account of the upgrade lacks.
    pub without: Option<&'static str>,
}

fn some<'a, T>(dice: &mut Dice, of: &'a [T]) -> Option<&'a T> {
    (!of.is_empty()).then(|| dice.one(of))
}

fn of(what: impl Into<String>, sql: Vec<String>) -> Option<Damage> {
    Some(Damage {
        what: what.into(),
        sql,
        without: None,
    })
}

/// One damage; `None` where chance meets something that the database does not have.
pub fn by_chance(dice: &mut Dice, schema: &Schema, ops: &[Op]) -> Option<Damage> {
    let anything = |dice: &mut Dice| {
        let names: Vec<&String> = schema.tables.keys().collect();
        (*dice.one(&names)).clone()
    };
    match dice.roll(100) {
        0..3 => {
            let privileges = [
                "ALTER",
                "CREATE",
                "DROP",
                "INDEX",
                "REFERENCES",
                "LOCK TABLES",
                "TRIGGER",
                "CREATE ROUTINE",
                "ALTER ROUTINE",
                "CREATE TEMPORARY TABLES",
                "CREATE VIEW",
                "UPDATE",
                "DELETE",
                "INSERT",
            ];
            let without = *dice.one(&privileges);
            Some(Damage {
                what: format!("no {without}"),
                sql: Vec::new(),
                without: Some(without),
            })
        }
        3..15 => {
            let table = anything(dice);
            to_table(dice, schema, &table)
        }
        _ => {
            let op = some(dice, ops)?;
            near(dice, schema, op).filter(|damage| !damage.what.contains('{'))
        }
    }
}

/// A damage to what an operation is about.
fn near(dice: &mut Dice, schema: &Schema, op: &Op) -> Option<Damage> {
    match &op.action {
        Action::Alter { table, clauses } => {
            let clause = some(dice, clauses)?;
            match dice.roll(5) {
                0 => to_table(dice, schema, table),
                _ => near_change(dice, schema, table, &clause.change),
            }
        }
        Action::CreateTable(new) => match dice.roll(4) {
            0 => of(
                format!("table {} in the way", new.name),
                vec![format!(
                    "CREATE TABLE {} (id int unsigned NOT NULL PRIMARY KEY, a varchar(20)) ENGINE=InnoDB",
                    identifier(&new.name)
                )],
            ),
            1 => of(
                format!("view {} in the way", new.name),
                vec![format!(
                    "CREATE VIEW {} AS SELECT 1 AS a",
                    identifier(&new.name)
                )],
            ),
            _ => {
                let keys: Vec<&ForeignKey> = new.foreign_keys.iter().map(|(_, key)| key).collect();
                if keys.is_empty() {
                    return None;
                }
                let key = *dice.one(&keys);
                let name = new.foreign_keys.iter().find(|(_, other)| other == key);
                let name = name.and_then(|(name, _)| name.clone());
                match dice.roll(3) {
                    0 => key_name_elsewhere(schema, &new.name, name.as_deref()?),
                    _ => to_parent(dice, schema, key),
                }
            }
        },
        Action::DropTable { table, .. } => match dice.roll(2) {
            0 => of(
                format!("{table} is referred to"),
                vec![format!(
                    "CREATE TABLE `civicrm_of_others` (id int unsigned, CONSTRAINT of_others FOREIGN KEY (id) \
                         REFERENCES {} (id)) ENGINE=InnoDB",
                    identifier(table)
                )],
            ),
            _ => to_table(dice, schema, table),
        },
        Action::RenameTable { table, to } => match dice.roll(2) {
            0 => of(
                format!("table {to} in the way"),
                vec![format!(
                    "CREATE TABLE {} (id int) ENGINE=InnoDB",
                    identifier(to)
                )],
            ),
            _ => to_table(dice, schema, table),
        },
        Action::Insert(insert) => {
            let found = find(&schema.tables, &insert.table)?;
            match dice.roll(6) {
                0 => to_table(dice, schema, &insert.table),
                1 => unnumbered(&insert.table, found),
                2 | 3 if !insert.query.needs.is_empty() => {
                    let need = some(dice, &insert.query.needs)?;
                    let (column, value) = need.values.first()?;
                    let value = value.as_str().map_or(value.to_string(), str::to_owned);
                    of(
                        format!("{} has no {value}", need.table),
                        vec![format!(
                            "DELETE FROM {} WHERE {} = {}",
                            identifier(&need.table),
                            identifier(column),
                            string(&value)
                        )],
                    )
                }
                _ => {
                    let column = some(dice, &insert.columns)?;
                    to_column(dice, schema, &insert.table, column)
                }
            }
        }
        Action::Update(change) | Action::Delete(change) => {
            let reads = change.query.reads.iter();
            let mut columns: Vec<(&str, &str)> = reads
                .flat_map(|(table, columns)| {
                    columns
                        .iter()
                        .map(move |column| (table.as_str(), column.as_str()))
                })
                .collect();
            columns.extend(
                change
                    .set
                    .iter()
                    .map(|column| (change.table.as_str(), column.as_str())),
            );
            if columns.is_empty() || dice.happens(15) {
                return to_table(dice, schema, &change.table);
            }
            let (table, column) = *dice.one(&columns);
            to_column(dice, schema, table, column)
        }
        Action::Select(_) | Action::Api(_) => {
            let reads = op.reads()?;
            let tables: Vec<&String> = reads.keys().collect();
            if tables.is_empty() {
                return None;
            }
            let table = *dice.one(&tables);
            let columns = &reads[table];
            if columns.is_empty() || dice.happens(15) {
                return to_table(dice, schema, table);
            }
            let column = some(dice, columns)?;
            to_column(dice, schema, table, column)
        }
        Action::CreateView { view, .. } => of(
            format!("table {view} in the way"),
            vec![format!("CREATE TABLE {} (id int)", identifier(view))],
        ),
        _ => None,
    }
}

fn near_change(
    dice: &mut Dice,
    schema: &Schema,
    table: &str,
    change: &Alteration,
) -> Option<Damage> {
    let quoted = identifier(table);
    match change {
        Alteration::AddColumn { name, column, .. } => {
            let types = [
                column.data_type.as_str(),
                "int unsigned",
                "varchar(32)",
                "text",
            ];
            let of_type = *dice.one(&types);
            of(
                format!("{table}.{name} {of_type} in the way"),
                vec![format!(
                    "ALTER TABLE {quoted} ADD COLUMN {} {of_type} NULL",
                    identifier(name)
                )],
            )
        }
        Alteration::DropColumn(name) | Alteration::SetDefault { column: name, .. } => {
            to_column(dice, schema, table, name)
        }
        Alteration::ChangeColumn { from, column, .. } => match dice.roll(4) {
            0 => to_column(dice, schema, table, from),
            _ => rows_that_do_not_fit(dice, schema, table, from, column),
        },
        Alteration::AddIndex { name, index, .. } => match dice.roll(3) {
            0 => {
                let first = find(&schema.tables, table)?.columns.keys().next()?;
                of(
                    format!("index {name} of {table} in the way"),
                    vec![format!(
                        "ALTER TABLE {quoted} ADD INDEX {} ({})",
                        identifier(name),
                        identifier(first)
                    )],
                )
            }
            1 if index.kind == IndexKind::Unique => equal_rows(schema, table, index),
            _ => {
                let part = some(dice, &index.parts)?;
                match index.kind == IndexKind::Unique {
                    true if dice.happens(60) => equal_rows(schema, table, index),
                    _ => to_column(dice, schema, table, &part.column),
                }
            }
        },
        Alteration::DropIndex(name) => {
            let found = find(&schema.tables, table)?;
            let index = find(&found.indexes, name)?;
            let drop = format!("ALTER TABLE {quoted} DROP INDEX {}", identifier(name));
            match dice.roll(2) {
                0 => of(format!("index {name} of {table} dropped"), vec![drop]),
                _ => of(
                    format!("index {name} of {table} renamed"),
                    vec![format!(
                        "{drop}, ADD {}",
                        index_definition("i_renamed", index)
                    )],
                ),
            }
        }
        Alteration::AddForeignKey { name, key } => match dice.roll(6) {
            0 | 1 => orphan(schema, table, key),
            2 => key_name_elsewhere(schema, table, name.as_deref()?),
            3 => to_column(dice, schema, table, key.columns.first()?),
            4 => of(
                format!("{table} is MyISAM"),
                vec![format!("ALTER TABLE {quoted} ENGINE=MyISAM")],
            ),
            _ => to_parent(dice, schema, key),
        },
        Alteration::DropForeignKey(name) => {
            let found = find(&schema.tables, table)?;
            let key = find(&found.foreign_keys, name)?;
            let drop = format!("ALTER TABLE {quoted} DROP FOREIGN KEY {}", identifier(name));
            match dice.roll(2) {
                0 => of(format!("foreign key {name} of {table} dropped"), vec![drop]),
                _ => of(
                    format!("foreign key {name} of {table} renamed"),
                    vec![
                        drop,
                        format!(
                            "ALTER TABLE {quoted} ADD {}",
                            key_definition("FK_renamed", key)
                        ),
                    ],
                ),
            }
        }
        Alteration::AddPrimaryKey(_) | Alteration::DropPrimaryKey => of(
            format!("primary key of {table} dropped"),
            vec![format!("ALTER TABLE {quoted} DROP PRIMARY KEY")],
        ),
        Alteration::Engine(_)
        | Alteration::RowFormat(_)
        | Alteration::Convert { .. }
        | Alteration::AutoIncrement => to_table(dice, schema, table),
    }
}

fn index_definition(name: &str, index: &Index) -> String {
    let parts: Vec<String> = index
        .parts
        .iter()
        .map(|part| {
            let length = part
                .length
                .map_or_else(String::new, |length| format!("({length})"));
            format!("{}{length}", identifier(&part.column))
        })
        .collect();
    let kind = match index.kind {
        IndexKind::Unique => "UNIQUE INDEX",
        IndexKind::Fulltext => "FULLTEXT INDEX",
        _ => "INDEX",
    };
    format!("{kind} {} ({})", identifier(name), parts.join(", "))
}

fn key_definition(name: &str, key: &ForeignKey) -> String {
    let list = |names: &[String]| {
        let names: Vec<String> = names.iter().map(|name| identifier(name)).collect();
        names.join(", ")
    };
    format!(
        "CONSTRAINT {} FOREIGN KEY ({}) REFERENCES {} ({}) ON DELETE {} ON UPDATE {}",
        identifier(name),
        list(&key.columns),
        identifier(&key.referenced_table),
        list(&key.referenced_columns),
        key.on_delete.as_sql(),
        key.on_update.as_sql()
    )
}

fn to_table(dice: &mut Dice, schema: &Schema, table: &str) -> Option<Damage> {
    let found = find(&schema.tables, table)?;
    let quoted = identifier(table);
    match dice.roll(9) {
        0 => of(
            format!("{table} dropped"),
            vec![format!("DROP TABLE {quoted}")],
        ),
        1 => of(
            format!("{table} renamed"),
            vec![format!("RENAME TABLE {quoted} TO `civicrm_elsewhere`")],
        ),
        2 => of(
            format!("{table} is MyISAM"),
            vec![format!("ALTER TABLE {quoted} ENGINE=MyISAM")],
        ),
        3 => of(
            format!("{table} is latin1"),
            vec![format!(
                "ALTER TABLE {quoted} CONVERT TO CHARACTER SET latin1 COLLATE latin1_swedish_ci"
            )],
        ),
        4 => of(
            format!("{table} is utf8mb4"),
            vec![format!(
                "ALTER TABLE {quoted} CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci"
            )],
        ),
        5 => unnumbered(table, found),
        6 => {
            let mut sql = freed(schema, table, "id");
            sql.push(format!(
                "ALTER TABLE {quoted} MODIFY `id` int unsigned NOT NULL, DROP PRIMARY KEY"
            ));
            of(format!("primary key of {table} dropped"), sql)
        }
        7 => {
            let keys: Vec<&String> = found.foreign_keys.keys().collect();
            if keys.is_empty() {
                return None;
            }
            let name = *dice.one(&keys);
            of(
                format!("foreign key {name} of {table} dropped"),
                vec![format!(
                    "ALTER TABLE {quoted} DROP FOREIGN KEY {}",
                    identifier(name)
                )],
            )
        }
        _ => {
            let columns: Vec<&String> = found.columns.keys().collect();
            let column = *some(dice, &columns)?;
            to_column(dice, schema, table, column)
        }
    }
}

fn unnumbered(table: &str, found: &Table) -> Option<Damage> {
    let id = find(&found.columns, "id").filter(|id| id.auto_increment)?;
    let definition = column_definition(&Column {
        auto_increment: false,
        ..id.clone()
    });
    of(
        format!("{table} does not number its rows"),
        vec![format!(
            "ALTER TABLE {} MODIFY `id` {definition}",
            identifier(table)
        )],
    )
}

/// What keeps a column from being dropped or changed, taken away first.
fn freed(schema: &Schema, table: &str, column: &str) -> Vec<String> {
    let mut sql = Vec::new();
    for (other, definition) in &schema.tables {
        for (name, key) in &definition.foreign_keys {
            let is_own = other.eq_ignore_ascii_case(table)
                && key
                    .columns
                    .iter()
                    .any(|own| own.eq_ignore_ascii_case(column));
            let refers = key.referenced_table.eq_ignore_ascii_case(table)
                && key
                    .referenced_columns
                    .iter()
                    .any(|own| own.eq_ignore_ascii_case(column));
            if is_own || refers {
                sql.push(format!(
                    "ALTER TABLE {} DROP FOREIGN KEY {}",
                    identifier(other),
                    identifier(name)
                ));
            }
        }
    }
    sql
}

fn to_column(dice: &mut Dice, schema: &Schema, table: &str, column: &str) -> Option<Damage> {
    let found = find(&schema.tables, table)?;
    let definition = find(&found.columns, column)?;
    let (quoted, name) = (identifier(table), identifier(column));
    let frees = dice.happens(60);
    let mut sql = match frees {
        true => freed(schema, table, column),
        false => Vec::new(),
    };
    let mut definition = definition.clone();
    definition.auto_increment = false;
    match dice.roll(5) {
        0 | 1 => {
            sql.push(format!("ALTER TABLE {quoted} DROP COLUMN {name}"));
            of(format!("{table}.{column} dropped ({frees})"), sql)
        }
        2 => {
            let definition = column_definition(&definition);
            sql.push(format!(
                "ALTER TABLE {quoted} CHANGE {name} `renamed_column` {definition}"
            ));
            of(format!("{table}.{column} renamed ({frees})"), sql)
        }
        3 => {
            let types = ["int", "bigint unsigned", "varchar(20)", "text", "datetime"];
            let of_type = *dice.one(&types);
            let null = if definition.nullable {
                "NULL"
            } else {
                "NOT NULL"
            };
            sql.push(format!(
                "ALTER TABLE {quoted} MODIFY {name} {of_type} {null}"
            ));
            of(format!("{table}.{column} is {of_type} ({frees})"), sql)
        }
        _ => {
            definition.nullable = !definition.nullable;
            definition.default = None;
            let definition = column_definition(&definition);
            sql.push(format!("ALTER TABLE {quoted} MODIFY {name} {definition}"));
            of(
                format!("{table}.{column} has the other NULL ({frees})"),
                sql,
            )
        }
    }
}

/// Rows that do not go into the column as the step makes it.
fn rows_that_do_not_fit(
    dice: &mut Dice,
    schema: &Schema,
    table: &str,
    column: &str,
    new: &Column,
) -> Option<Damage> {
    let found = find(&schema.tables, table)?;
    let old = find(&found.columns, column)?;
    let (quoted, name) = (identifier(table), identifier(column));
    let wider = |of_type: &str| format!("ALTER TABLE {quoted} MODIFY {name} {of_type} NULL");
    let insert = |value: &str| format!("INSERT INTO {quoted} ({name}) VALUES ({value})");
    let what = |what: &str| format!("{table}.{column}: {what}");
    let family = new.data_type.split(['(', ' ']).next().unwrap_or_default();
    match dice.roll(3) {
        0 => of(what("a NULL"), vec![wider(&old.data_type), insert("NULL")]),
        1 => match family {
            "timestamp" | "datetime" | "date" => {
                let value = *dice.one(&["'0000-00-00'", "'2011-00-00'", "'1931-05-05'"]);
                of(what("a date"), vec![insert(value)])
            }
            "varchar" | "char" | "text" => of(
                what("a long text"),
                vec![wider("mediumtext"), insert("REPEAT('x', 300)")],
            ),
            "int" | "tinyint" | "smallint" | "bigint" | "decimal" => {
                let value = *dice.one(&["'word'", "''", "'-5'", "'99999999999'", "'3'", "' 4 '"]);
                of(
                    what("a text for a number"),
                    vec![wider("varchar(40)"), insert(value)],
                )
            }
            "enum" => of(
                what("another choice"),
                vec![wider("varchar(40)"), insert("'word'")],
            ),
            _ => None,
        },
        _ => {
            let value = match family {
                "varchar" | "text" => "'short'",
                _ => "'7'",
            };
            of(
                what("a value that fits"),
                vec![wider("varchar(255)"), insert(value)],
            )
        }
    }
}

fn sample_value(table: &Table, column: &str) -> Option<&'static str> {
    let definition = find(&table.columns, column)?;
    let family = definition.data_type.split(['(', ' ']).next()?;
    Some(match family {
        "varchar" | "char" | "text" | "longtext" | "mediumtext" => "'same'",
        "date" | "datetime" | "timestamp" => "'2019-01-01'",
        "enum" => return None,
        _ => "77",
    })
}

fn equal_rows(schema: &Schema, table: &str, index: &Index) -> Option<Damage> {
    let found = find(&schema.tables, table)?;
    let columns: Vec<String> = index
        .parts
        .iter()
        .map(|part| identifier(&part.column))
        .collect();
    let values: Option<Vec<&str>> = index
        .parts
        .iter()
        .map(|part| sample_value(found, &part.column))
        .collect();
    let row = format!("({})", values?.join(", "));
    of(
        format!("{table} has equal rows in {}", columns.join(", ")),
        vec![format!(
            "INSERT INTO {} ({}) VALUES {row}, {row}",
            identifier(table),
            columns.join(", ")
        )],
    )
}

fn orphan(schema: &Schema, table: &str, key: &ForeignKey) -> Option<Damage> {
    let found = find(&schema.tables, table)?;
    let column = key.columns.first()?;
    find(&found.columns, column)?;
    let parent = find(&schema.tables, &key.referenced_table)?;
    let theirs = key.referenced_columns.first()?;
    let value = match sample_value(parent, theirs)? {
        "'same'" => "'nobody'",
        _ => "4000000",
    };
    of(
        format!("{table}.{column} refers to nobody"),
        vec![format!(
            "INSERT INTO {} ({}) VALUES ({value})",
            identifier(table),
            identifier(column)
        )],
    )
}

/// A table of somebody else has a foreign key of the same name.
fn key_name_elsewhere(schema: &Schema, table: &str, name: &str) -> Option<Damage> {
    find(&schema.tables, "civicrm_contact")?;
    of(
        format!("a key {name} elsewhere, not in {table}"),
        vec![format!(
            "CREATE TABLE `civicrm_of_others` (id int unsigned, CONSTRAINT {} FOREIGN KEY (id) REFERENCES \
             civicrm_contact (id)) ENGINE=InnoDB",
            identifier(name)
        )],
    )
}

fn to_parent(dice: &mut Dice, schema: &Schema, key: &ForeignKey) -> Option<Damage> {
    let parent = &key.referenced_table;
    let column = key.referenced_columns.first()?;
    match dice.roll(4) {
        0 => {
            let mut sql = freed(schema, parent, column);
            sql.push(format!("ALTER TABLE {} ENGINE=MyISAM", identifier(parent)));
            of(format!("{parent} is MyISAM"), sql)
        }
        1 => {
            let mut sql = freed(schema, parent, column);
            sql.push(format!(
                "ALTER TABLE {} MODIFY {} bigint NOT NULL",
                identifier(parent),
                identifier(column)
            ));
            of(format!("{parent}.{column} is bigint"), sql)
        }
        2 => {
            let mut sql = freed(schema, parent, column);
            sql.push(format!(
                "ALTER TABLE {} MODIFY {} int unsigned NOT NULL, DROP PRIMARY KEY",
                identifier(parent),
                identifier(column)
            ));
            of(format!("{parent} has no primary key"), sql)
        }
        _ => to_table(dice, schema, parent),
    }
}
