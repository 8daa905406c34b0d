//! What cividb writes into journals, and nothing else.
//!
//! A journal is a file: somebody may have changed it, or made one up. So nothing in it is run because it
//! stands there. An ALTER TABLE is read with the grammar that reads dumps, and each of its actions has to be
//! one that a repair makes and that leads back to the definition from before; a statement about rows holds
//! names, constants and comparisons alone ([`crate::gate::rows_alone`]); questions that prove something are
//! made anew from the foreign keys that a statement adds.

use super::definition::parsed;
use super::error::ChangeError;
use super::journal::{Kind, PARENT, Rows, Step};
use super::proof;
use super::refusal::Refusal;
use crate::gate::{Blocked, Meaning, Operation, rows_alone};
use crate::schema::ddl::{self, AlterAction, Position, Statement, TableOption};
use crate::schema::element::{ColumnDefinition, Element};
use crate::schema::lexer::{Lexer, SqlModes, Token};
use crate::schema::model::{Column, DefaultValue, ForeignKey, Table, find};
use crate::schema::sql::{identifier, string};

/// The engines between which a repair converts tables: the others keep no rows, or keep them elsewhere.
const ENGINES: [&str; 5] = ["InnoDB", "MyISAM", "Aria", "MEMORY", "ARCHIVE"];

/// Makes sure that what takes a step back, and what is asked about it, is what cividb writes into journals.
///
/// # Errors
/// It is something else.
pub(super) fn check(step: &Step) -> Result<(), ChangeError> {
    let refused = |what: String| {
        let step = step.step;
        ChangeError::from(Refusal::JournalStep(format!(
            "the journal's step {step} {what}"
        )))
    };
    let table = &step.table;
    let inverse = || step.inverse.clone();
    match step.kind() {
        Kind::Definition(before) => {
            Meaning::of_table(Operation::AlterTable, table).pass(inverse())?;
            let before = parsed(before)
                .ok_or_else(|| refused("has a definition that cannot be read".to_owned()))?;
            alteration(table, &step.inverse, &before, None)
                .map_err(|why| refused(format!("{why}, which cividb never writes into a journal")))
        }
        Kind::Rows(rows) => {
            let operation = match rows.values.is_empty() && !step.inverse.starts_with("INSERT ") {
                true => Operation::Update,
                false => Operation::Insert,
            };
            rows_alone(operation, table, inverse())
                .map_err(|why| refused(format!("writes no rows back: {}", why.problem)))?;
            questions(table, rows)
                .map_err(|why| refused(format!("asks no question about rows: {}", why.problem)))
        }
        Kind::Exchange(exchange) => exchange
            .check(&step.inverse)
            .map_err(|why| refused(why.to_owned())),
        Kind::Version if table == "civicrm_domain" => {
            let passed = rows_alone(Operation::Update, table, inverse());
            let why = |blocked: Blocked| refused(format!("changes no rows: {}", blocked.problem));
            passed.map(drop).map_err(why)
        }
        Kind::Version => Err(refused("is about another table".to_owned())),
    }
}

fn questions(table: &str, rows: &Rows) -> Result<(), Blocked> {
    let all = [Some(&rows.still_as_before), rows.as_left.as_ref()];
    for question in all.into_iter().flatten() {
        rows_alone(Operation::Select, table, question.clone())?;
    }
    Ok(())
}

/// Makes sure that an ALTER TABLE does what takes a repair back, and nothing else: keys, engines, row formats and
/// character sets become those of `before`; columns that `before` does not have are dropped (see [`dropped_values`]), and
/// others become what they were there, where a type takes all values of the one that they have `now`.
///
/// # Errors
/// It does something else; the text says what, as the end of a sentence.
pub(super) fn alteration(
    table: &str,
    statement: &str,
    before: &Table,
    now: Option<&Table>,
) -> Result<(), String> {
    let alter = match ddl::parse(statement, SqlModes::default()) {
        Ok(Statement::AlterTable(alter)) if !has_version_comment(statement) => alter,
        Ok(_) => return Err("is not one ALTER TABLE".to_owned()),
        Err(error) => return Err(format!("cannot be read ({error})")),
    };
    if alter.name.database.is_some() || alter.name.name != table || alter.if_exists {
        return Err("changes another table".to_owned());
    }
    for action in &alter.actions {
        action_fits(action, before, now)?;
    }
    Ok(())
}

fn has_version_comment(statement: &str) -> bool {
    let mut lexer = Lexer::new(statement, SqlModes::default());
    loop {
        let lexeme = lexer.next_lexeme();
        if lexeme.in_version_comment || lexeme.after_marker {
            return true;
        }
        if matches!(lexeme.token, Token::End | Token::Unterminated(_)) {
            return false;
        }
    }
}

fn action_fits(action: &AlterAction, before: &Table, now: Option<&Table>) -> Result<(), String> {
    let is_permitted = match action {
        AlterAction::DropForeignKey { if_exists, .. } => !if_exists,
        AlterAction::DropIndex { name, if_exists } => {
            let is_primary = name.eq_ignore_ascii_case("PRIMARY");
            !if_exists && (!is_primary || before.primary_key.is_empty())
        }
        AlterAction::DropColumn { name, if_exists } => {
            !if_exists && find(&before.columns, name).is_none()
        }
        AlterAction::RenameIndex { to, .. } => before.indexes.contains_key(to),
        AlterAction::Add {
            element,
            if_not_exists: false,
        } => element_fits(element, before),
        AlterAction::ChangeColumn {
            from,
            definition,
            position: Position::Unchanged,
            if_exists: false,
        } => {
            let is_named = *from == definition.name;
            let is_free = find(&before.columns, from).is_none();
            let keeps = |now: &Table| {
                let wanted = &definition.column;
                let there = now.columns.get(from);
                there.is_some_and(|there| keeps_values(&there.data_type, &wanted.data_type))
            };
            (is_named || is_free)
                && column_fits(definition, before, before)
                && now.is_none_or(keeps)
        }
        AlterAction::Option(option) => option_fits(option, before),
        _ => false,
    };
    match is_permitted {
        true => Ok(()),
        false => Err(format!("holds {}", described(action))),
    }
}

fn element_fits(element: &Element, before: &Table) -> bool {
    match element {
        Element::Index {
            name: Some(name),
            index,
        } => before.indexes.get(name) == Some(index),
        Element::ForeignKey {
            name: Some(name),
            foreign_key,
        } => before.foreign_keys.get(name) == Some(foreign_key),
        _ => false,
    }
}

/// Whether every value of one type goes into another and comes back the same: of the same type, and of whole numbers into
/// wider ones and into texts.
fn keeps_values(from: &str, to: &str) -> bool {
    let range = |data_type: &str| {
        let bits = match data_type.split([' ', '(']).next()? {
            "tinyint" => 8,
            "smallint" => 16,
            "mediumint" => 24,
            "int" => 32,
            "bigint" => 64,
            _ => return None,
        };
        Some(match data_type.contains("unsigned") {
            true => (0_i128, (1_i128 << bits) - 1),
            false => (-(1 << (bits - 1)), (1 << (bits - 1)) - 1),
        })
    };
    let length = |data_type: &str| {
        let inner = data_type.strip_prefix("varchar(")?.strip_suffix(')')?;
        inner.parse::<u32>().ok()
    };
    const DIGITS: u32 = 20;
    from == to
        || match (range(from), range(to)) {
            (Some(own), Some(other)) => other.0 <= own.0 && own.1 <= other.1,
            (Some(_), None) => to == "text" || length(to).is_some_and(|length| length >= DIGITS),
            _ => match (length(from), length(to)) {
                (Some(own), Some(other)) => own <= other,
                (Some(_), None) => to == "text",
                _ => false,
            },
        }
}

/// The columns that a statement drops, each with the question how many of its values somebody has written: it has to
/// answer 0, so that nothing is lost. `now` is what the table is.
///
/// # Errors
/// A question does not pass the gate.
pub(super) fn dropped_values(
    table: &str,
    statement: &str,
    now: &Table,
) -> Result<Vec<(String, String)>, Blocked> {
    let Ok(Statement::AlterTable(alter)) = ddl::parse(statement, SqlModes::default()) else {
        return Ok(Vec::new());
    };
    let mut questions = Vec::new();
    for action in alter.actions {
        let AlterAction::DropColumn { name, .. } = action else {
            continue;
        };
        let column = find(&now.columns, &name);
        let value = match column.map(|column| (&column.default, column.nullable)) {
            Some((Some(DefaultValue::Literal(text)), _)) => Some(string(text)),
            Some((None, false)) => Some(string("")),
            _ => None,
        };
        let quoted = identifier(&name);
        let other = value.map_or_else(String::new, |value| format!(" AND {quoted} <> {value}"));
        let question = format!(
            "SELECT COUNT(*) FROM {} WHERE {quoted} IS NOT NULL{other}",
            identifier(table)
        );
        let question = Meaning::new(Operation::Select, [table, &name]).pass(question)?;
        questions.push((name, question));
    }
    Ok(questions)
}

/// Whether a column that is restated stays what it is in `table`, but for its character set and collation.
fn column_fits(definition: &ColumnDefinition, before: &Table, table: &Table) -> bool {
    let bare = |column: &Column| Column {
        charset: None,
        collation: None,
        comment: None,
        ..column.clone()
    };
    let is_bare = !definition.primary_key
        && !definition.unique
        && definition.checks.len() <= before.checks.len();
    let there = table.columns.get(&definition.name);
    is_bare && there.is_some_and(|there| bare(there) == bare(&definition.column))
}

fn option_fits(option: &TableOption, before: &Table) -> bool {
    match option {
        TableOption::Engine(engine) => {
            before.engine.as_ref() == Some(engine) && ENGINES.contains(&engine.as_str())
        }
        TableOption::RowFormat(format) => before.row_format == *format,
        TableOption::Charset(_) | TableOption::Collation(_) => true,
        TableOption::Other => false,
    }
}

/// An action as the end of a sentence.
fn described(action: &AlterAction) -> String {
    match action {
        AlterAction::AddColumn { definition, .. } => format!("ADD COLUMN {}", definition.name),
        AlterAction::Add { .. } => "an ADD of what the table did not have before".to_owned(),
        AlterAction::ChangeColumn { from, .. } => {
            format!("a change of column {from} that does not lead back, or loses values")
        }
        AlterAction::RenameColumn { from, .. } => format!("RENAME COLUMN {from}"),
        AlterAction::SetDefault { column, .. } => format!("a new default of {column}"),
        AlterAction::DropColumn { name, .. } => format!("DROP COLUMN {name}"),
        AlterAction::DropIndex { name, .. } => format!("DROP KEY {name}"),
        AlterAction::DropForeignKey { name, .. } => format!("DROP FOREIGN KEY {name}"),
        AlterAction::DropConstraint(name) => format!("DROP CONSTRAINT {name}"),
        AlterAction::RenameIndex { from, .. } => format!("RENAME INDEX {from}"),
        AlterAction::RenameTo(_) => "RENAME TO another table".to_owned(),
        AlterAction::ConvertTo { .. } => "CONVERT TO CHARACTER SET".to_owned(),
        AlterAction::Option(_) => "an option that the table did not have before".to_owned(),
        AlterAction::SwitchKeys => "DISABLE KEYS or ENABLE KEYS".to_owned(),
        AlterAction::Other(text) => text.chars().take(60).collect(),
    }
}

/// The foreign keys that an ALTER TABLE adds; none where it cannot be read.
pub(super) fn added_keys(statement: &str) -> Vec<ForeignKey> {
    let Ok(Statement::AlterTable(alter)) = ddl::parse(statement, SqlModes::default()) else {
        return Vec::new();
    };
    let actions = alter.actions.into_iter();
    let keys = actions.filter_map(|action| match action {
        AlterAction::Add {
            element: Element::ForeignKey { foreign_key, .. },
            ..
        } => Some(foreign_key),
        _ => None,
    });
    keys.collect()
}

/// The questions that have to answer 0 before a statement may run unchecked: how many rows have lost their
/// parent, for each foreign key that it adds.
///
/// # Errors
/// A question does not pass the gate.
pub(super) fn proofs(table: &str, statement: &str) -> Result<Vec<String>, Blocked> {
    let keys = added_keys(statement);
    let keys = keys.iter();
    keys.map(|key| proof::count(table, key, &identifier(PARENT)))
        .collect()
}

/// Whether each foreign key that a statement adds stands in the place of one that is in force `now` and
/// connects the same columns, so that nobody can have made an orphan of it meanwhile.
pub(super) fn are_in_force(statement: &str, now: &Table) -> bool {
    let keys = added_keys(statement);
    keys.iter().all(|key| is_in_force(key, now))
}

/// Whether a foreign key that is there `now`, whatever its name and rules, connects the same columns.
pub(super) fn is_in_force(key: &ForeignKey, now: &Table) -> bool {
    let mut others = now.foreign_keys.values();
    others.any(|other| {
        other.columns == key.columns
            && other.referenced_database == key.referenced_database
            && other.referenced_table == key.referenced_table
            && other.referenced_columns == key.referenced_columns
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = "CREATE TABLE `t` (\n  `id` int(10) unsigned NOT NULL AUTO_INCREMENT,\n  \
        `name` varchar(64) CHARACTER SET utf8 DEFAULT NULL,\n  PRIMARY KEY (`id`),\n  \
        KEY `old` (`name`),\n  CONSTRAINT `FK` FOREIGN KEY (`id`) REFERENCES `p` (`id`)\n) \
        ENGINE=MyISAM DEFAULT CHARSET=utf8";

    #[test]
    fn what_is_asked_of_columns_that_are_dropped_is_what_is_meant() {
        for name in crate::hostile::names() {
            let statement = format!("ALTER TABLE {0} DROP COLUMN {0}", identifier(&name));
            let now = parsed(BEFORE).expect("a table");
            match dropped_values(&name, &statement, &now) {
                Ok(questions) => assert!(questions.len() <= 1, "{name:?}"),
                Err(_) => assert!(crate::hostile::is_refused(&name), "{name:?}"),
            }
        }
    }

    #[test]
    fn a_column_is_dropped_only_where_the_table_did_not_have_it() {
        assert!(judged("DROP COLUMN `added`").is_ok());
        assert!(judged("DROP COLUMN `name`").is_err());
    }

    fn judged(actions: &str) -> Result<(), String> {
        let before = parsed(BEFORE).expect("a table");
        let now = BEFORE.replace("CHARACTER SET utf8 ", "");
        let now = parsed(&now.replace("MyISAM", "InnoDB")).expect("a table");
        alteration(
            "t",
            &format!("ALTER TABLE `t` {actions}"),
            &before,
            Some(&now),
        )
    }

    #[test]
    fn what_takes_a_repair_back_is_permitted() {
        for actions in [
            "DROP FOREIGN KEY `FK_new`, ADD CONSTRAINT `FK` FOREIGN KEY (`id`) REFERENCES `p` (`id`)",
            "DROP KEY `new`, ADD KEY `old` (`name`)",
            "RENAME INDEX `new` TO `old`",
            "ENGINE=MyISAM",
            "MODIFY COLUMN `name` varchar(64) CHARACTER SET utf8 DEFAULT NULL COMMENT 'x', DEFAULT CHARSET=utf8",
        ] {
            assert_eq!(judged(actions), Ok(()), "{actions}");
        }
    }

    #[test]
    fn what_no_repair_does_is_refused_whatever_the_journal_says() {
        for actions in [
            "DROP COLUMN `name`",
            "DROP KEY `new`, DROP `name`",
            "DROP PRIMARY KEY",
            "ADD COLUMN `x` int",
            "MODIFY COLUMN `name` varchar(1)",
            "MODIFY COLUMN `name` varchar(64) NOT NULL",
            "CHANGE COLUMN `name` `other` varchar(64)",
            "RENAME TO `u`",
            "RENAME TO `other`.`t`",
            "ENGINE=BLACKHOLE",
            "ENGINE=InnoDB",
            "DISCARD TABLESPACE",
            "DROP PARTITION `p0`",
            "TRUNCATE PARTITION ALL",
            "DATA DIRECTORY='/tmp'",
            "CONVERT TO CHARACTER SET ascii",
            "ADD KEY `other` (`name`)",
            "ADD CONSTRAINT `FK` FOREIGN KEY (`id`) REFERENCES `q` (`id`)",
            "DROP KEY `new` /*!50000 , DROP COLUMN `name` */",
            "/*!50000 DROP COLUMN `name` */",
            "ORDER BY `name`",
            "ADD CHECK (1)",
        ] {
            assert!(judged(actions).is_err(), "{actions}");
        }
        let before = parsed(BEFORE).expect("a table");
        for statement in [
            "ALTER TABLE `u` DROP KEY `k`",
            "ALTER TABLE `d`.`t` DROP KEY `k`",
            "DROP TABLE `t`",
        ] {
            assert!(
                alteration("t", statement, &before, None).is_err(),
                "{statement}"
            );
        }
    }
}
