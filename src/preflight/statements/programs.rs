//! Triggers and the stored function that an upgrade makes anew.

use super::Renderer;
use crate::civicrm::programs::PHONE_FUNCTION;
use crate::civicrm::upgrade::op::Reads;
use crate::gate::{Blocked, Meaning, Operation};
use crate::schema::sql::identifier;

impl Renderer<'_> {
    pub(super) fn drop_triggers(&self) -> Result<Vec<String>, Blocked> {
        let names = self.schema.triggers.keys();
        names.map(|name| drop_trigger(name)).collect()
    }

    /// A trigger on the table is made and dropped again; without a table CiviCRM makes those of all tables.
    pub(super) fn create_triggers(
        &self,
        table: Option<&str>,
        reads: &Reads,
    ) -> Result<Vec<String>, Blocked> {
        let mut statements = self.reads(reads)?;
        let tables = match table {
            None => {
                statements.extend(self.create_function()?);
                let contact = std::iter::once("civicrm_contact");
                contact.chain(self.custom_tables.iter().copied()).collect()
            }
            Some("{custom_table}") => self.custom_tables.clone(),
            Some(table) => vec![table],
        };
        for table in tables {
            statements.extend(try_trigger(table)?);
        }
        Ok(statements)
    }

    /// The stored function is dropped and made; what it does is of no account here.
    pub(super) fn create_function(&self) -> Result<Vec<String>, Blocked> {
        let name = identifier(PHONE_FUNCTION);
        let drop = format!("DROP FUNCTION IF EXISTS {name}");
        let create = format!(
            "CREATE FUNCTION {name}(input VARCHAR(255)) RETURNS VARCHAR(255) DETERMINISTIC NO SQL RETURN input"
        );
        Ok(vec![
            Meaning::new(Operation::DropFunction, [PHONE_FUNCTION]).pass(drop)?,
            Meaning::new(Operation::CreateFunction, [PHONE_FUNCTION]).pass(create)?,
        ])
    }
}

fn drop_trigger(name: &str) -> Result<String, Blocked> {
    let statement = format!("DROP TRIGGER IF EXISTS {}", identifier(name));
    Meaning::new(Operation::DropTrigger, [name]).pass(statement)
}

fn try_trigger(table: &str) -> Result<Vec<String>, Blocked> {
    let short: String = table.chars().take(50).collect();
    let name = format!("{short}_cividb");
    let statement = format!(
        "CREATE TRIGGER {} AFTER INSERT ON {} FOR EACH ROW SET @cividb = 1",
        identifier(&name),
        identifier(table)
    );
    let create = Meaning::new(Operation::CreateTrigger, [name.as_str(), table]).pass(statement)?;
    Ok(vec![create, drop_trigger(&name)?])
}
