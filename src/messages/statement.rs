//! Reads the statement in a message for what it does and the names in it.

use std::ops::ControlFlow;

use sqlparser::ast::{
    AlterTableOperation, Expr, ObjectName, Statement, TableConstraint, Visit, Visitor,
};
use sqlparser::dialect::MySqlDialect;
use sqlparser::parser::Parser;

use super::names::{NameOf, Names};

/// Longer statements are not read: their syntax tree would take many times their memory.
const LONGEST: usize = 64 << 10;

/// What a statement does, in its first words, and the names in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Read {
    pub(super) operation: Option<&'static str>,
    pub(super) names: Names,
}

/// The first words of statements, the longer ones first.
const OPERATIONS: [&str; 16] = [
    "ALTER TABLE",
    "CREATE TABLE",
    "CREATE TEMPORARY TABLE",
    "CREATE TRIGGER",
    "CREATE VIEW",
    "CREATE OR REPLACE VIEW",
    "CREATE FUNCTION",
    "CREATE INDEX",
    "DROP TABLE",
    "DROP INDEX",
    "SELECT",
    "INSERT",
    "UPDATE",
    "DELETE",
    "REPLACE",
    "TRUNCATE",
];

/// Reads a statement. One that the grammar does not know, or that was cut, gives its first words, and of ALTER TABLE
/// and the like the table behind them.
pub(super) fn read(statement: &[u8]) -> Read {
    let text = String::from_utf8_lossy(statement.get(..LONGEST).unwrap_or(statement));
    let text = text.trim().trim_end_matches(';');
    let words: Vec<&str> = text.split_ascii_whitespace().take(6).collect();
    let begins_with = |operation: &&&str| {
        let mut wanted = operation.split(' ').zip(&words);
        let enough = words.len() >= operation.split(' ').count();
        enough && wanted.all(|(wanted, word)| word.eq_ignore_ascii_case(wanted))
    };
    let operation = OPERATIONS.iter().find(begins_with).copied();
    let mut names = Names::default();
    let parsed = (statement.len() <= LONGEST)
        .then(|| Parser::parse_sql(&MySqlDialect {}, text).ok())
        .flatten();
    match parsed {
        Some(statements) => statements.iter().for_each(|one| collect(one, &mut names)),
        None => {
            let behind = operation.filter(|operation| operation.ends_with(" TABLE"));
            let table = behind.and_then(|operation| words.get(operation.split(' ').count()));
            if let Some(table) = table {
                names.add(NameOf::Table, &table.replace('`', ""));
            }
        }
    }
    Read { operation, names }
}

/// Collects the names in a statement. Columns of which the table is not certain count all the same: they only help to
/// tell which finding a message is about.
fn collect(statement: &Statement, names: &mut Names) {
    let _ = statement.visit(&mut Collector(names));
    let Statement::AlterTable(alter) = statement else {
        return;
    };
    for operation in &alter.operations {
        match operation {
            AlterTableOperation::AddConstraint { constraint, .. } => {
                of_constraint(constraint, names)
            }
            AlterTableOperation::DropForeignKey { name, .. }
            | AlterTableOperation::DropConstraint { name, .. }
            | AlterTableOperation::DropIndex { name, .. } => names.add(NameOf::Key, &name.value),
            AlterTableOperation::AddColumn { column_def, .. } => {
                names.add(NameOf::Column, &column_def.name.value);
            }
            AlterTableOperation::ModifyColumn { col_name, .. } => {
                names.add(NameOf::Column, &col_name.value);
            }
            AlterTableOperation::ChangeColumn { old_name, .. } => {
                names.add(NameOf::Column, &old_name.value);
            }
            AlterTableOperation::DropColumn { column_names, .. } => {
                for column in column_names {
                    names.add(NameOf::Column, &column.value);
                }
            }
            _ => {}
        }
    }
}

/// Collects the tables and columns anywhere in a statement. (One visitor for both: a whole grammar is compiled for each.)
struct Collector<'a>(&'a mut Names);

impl Visitor for Collector<'_> {
    type Break = ();

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<()> {
        let table = relation.to_string().replace('`', "");
        self.0.add(NameOf::Table, &table);
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expression: &Expr) -> ControlFlow<()> {
        let column = match expression {
            Expr::Identifier(column) => Some(column),
            Expr::CompoundIdentifier(parts) => parts.last(),
            _ => None,
        };
        if let Some(column) = column {
            self.0.add(NameOf::Column, &column.value);
        }
        ControlFlow::Continue(())
    }
}

fn of_constraint(constraint: &TableConstraint, names: &mut Names) {
    match constraint {
        TableConstraint::ForeignKey(key) => {
            if let Some(name) = &key.name {
                names.add(NameOf::Key, &name.value);
            }
            for column in &key.columns {
                names.add(NameOf::Column, &column.value);
            }
            let parent = key.foreign_table.to_string();
            names.add(NameOf::Table, &parent.replace('`', ""));
        }
        TableConstraint::Unique(key) => {
            if let Some(name) = key.index_name.as_ref().or(key.name.as_ref()) {
                names.add(NameOf::Key, &name.value);
            }
        }
        TableConstraint::Index(key) => {
            if let Some(name) = &key.name {
                names.add(NameOf::Key, &name.value);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> String {
        let read = read(text.as_bytes());
        format!(
            "{}: {}",
            read.operation.unwrap_or("?"),
            read.names.describe()
        )
    }

    #[test]
    fn statements_of_logs_give_their_names_and_no_values() {
        for (text, expected) in [
            (
                "ALTER TABLE civicrm_case\n DROP FOREIGN KEY FK_civicrm_case_case_type_id",
                "ALTER TABLE: FK_civicrm_case_case_type_id, table civicrm_case",
            ),
            (
                "ALTER TABLE `civicrm_case` ADD CONSTRAINT `FK_a` FOREIGN KEY (`case_type_id`) REFERENCES `civicrm_case_type` (`id`) ON DELETE SET NULL",
                "ALTER TABLE: FK_a, tables civicrm_case, civicrm_case_type, column case_type_id",
            ),
            (
                "INSERT INTO civicrm_email (contact_id, email) VALUES (4711, 'jane@example.org')",
                "INSERT: table civicrm_email",
            ),
            (
                "SELECT contact_a.id AS x FROM civicrm_contact contact_a WHERE contact_a.is_deleted = 0",
                "SELECT: table civicrm_contact, columns id, is_deleted",
            ),
            (
                "ALTER TABLE civicrm_x CONVERT TO CHARACTER SET utf8mb4 COLLATE 'x' WHAT",
                "ALTER TABLE: table civicrm_x",
            ),
            ("SHOW 'Jane Doe'", "?: "),
            ("", "?: "),
        ] {
            assert_eq!(said(text), expected, "{text}");
        }
    }

    #[test]
    fn a_statement_of_any_depth_or_length_ends() {
        let deep = format!("SELECT {}1", "(".repeat(20_000));
        assert_eq!(said(&deep), "SELECT: ");
        let long = format!("INSERT INTO a VALUES {}", "(1),".repeat(40_000));
        assert_eq!(said(&long), "INSERT: ");
    }
}
