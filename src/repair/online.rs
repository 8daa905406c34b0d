//! What can change a big table beside a running site, when cividb would have to copy it.

use super::plan::PlannedStep;
use crate::schema::model::{ByName, Table};

/// How else a step that writes its table anew can be run.
///
/// pt-online-schema-change and gh-ost copy the table themselves, in small pieces. The first
/// gives the foreign keys of the copy other names, the second refuses tables that have any or
/// that any lead to (their manuals: `--alter-foreign-keys-method`, `shared-key`).
pub fn advice(planned: &PlannedStep, tables: &ByName<Table>, database: &str) -> String {
    let is_connected = !planned.before.foreign_keys.is_empty()
        || !planned.after.foreign_keys.is_empty()
        || tables.values().any(|other| leads_to(other, &planned.table));
    if is_connected {
        return "pt-online-schema-change would give its foreign keys other names and gh-ost takes no table \
                with foreign keys: run it while the site is in maintenance mode"
            .to_owned();
    }
    let alter = quoted(&planned.actions.join(", "));
    let gh_ost = format!(
        "gh-ost --database={} --table={} --alter={alter} --execute",
        quoted(database),
        quoted(&planned.table)
    );
    // Its data source names have no way to write a comma.
    if planned.table.contains(',') || database.contains(',') {
        return format!("beside the running site: {gh_ost}");
    }
    let source = quoted(&format!("D={database},t={}", planned.table));
    format!(
        "beside the running site: pt-online-schema-change --alter {alter} {source} --execute, or {gh_ost}"
    )
}

fn leads_to(table: &Table, parent: &str) -> bool {
    let mut keys = table.foreign_keys.values();
    keys.any(|key| key.referenced_table.eq_ignore_ascii_case(parent))
}

/// One word for a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{Meaning, Operation};
    use crate::repair::plan::{Cost, Family};
    use crate::schema::model::ForeignKey;

    fn step(table: &str, before: Table) -> PlannedStep {
        PlannedStep {
            family: Family::Engine,
            table: table.to_owned(),
            actions: vec!["ENGINE=InnoDB".to_owned(), "COMMENT='it''s'".to_owned()],
            inverse: Vec::new(),
            meaning: Meaning::of_table(Operation::AlterTable, table),
            inverse_meaning: Meaning::of_table(Operation::AlterTable, table),
            before,
            after: Table::default(),
            why: Vec::new(),
            needed_for_upgrade: None,
            new_keys: Vec::new(),
            new_unique: Vec::new(),
            cost: Cost::Copy,
            needs: Vec::new(),
        }
    }

    #[test]
    fn commands_stand_for_a_shell_whatever_the_names() {
        let advice = advice(&step("a'b", Table::default()), &ByName::default(), "civi");
        assert_eq!(
            advice,
            r"beside the running site: pt-online-schema-change --alter 'ENGINE=InnoDB, COMMENT='\''it'\'''\''s'\''' 'D=civi,t=a'\''b' --execute, or gh-ost --database='civi' --table='a'\''b' --alter='ENGINE=InnoDB, COMMENT='\''it'\'''\''s'\''' --execute"
        );
    }

    #[test]
    fn tables_with_foreign_keys_are_for_neither() {
        let key = ForeignKey {
            columns: vec!["a".to_owned()],
            referenced_database: None,
            referenced_table: "T".to_owned(),
            referenced_columns: vec!["id".to_owned()],
            on_delete: Default::default(),
            on_update: Default::default(),
        };
        let mut child = Table::default();
        child.foreign_keys.insert("k".to_owned(), key);
        let tables = ByName::from_iter([("child".to_owned(), child.clone())]);
        assert!(advice(&step("t", Table::default()), &tables, "d").contains("maintenance mode"));
        let none = ByName::default();
        assert!(advice(&step("child", child), &none, "d").contains("maintenance mode"));
    }
}
