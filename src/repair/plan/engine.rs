//! Tables that are not of InnoDB, which is what keeps foreign keys and transactions.

use super::family::Family;
use super::planner::{Planner, Purpose};
use crate::schema::compare::Difference;
use crate::schema::model::Table;

/// The engines that a table can leave and come back to with all its rows.
const CONVERTIBLE: [&str; 4] = ["MyISAM", "Aria", "MEMORY", "ARCHIVE"];

/// What those engines take for a row format and InnoDB does not.
const FOREIGN_FORMATS: [&str; 2] = ["FIXED", "PAGE"];

/// Plans the conversions; gives the tables that are converted, as the database spells them.
pub(super) fn plan<'d>(
    planner: &mut Planner,
    differences: impl Iterator<Item = &'d Difference>,
) -> Vec<String> {
    let mut converted = Vec::new();
    for difference in differences {
        let Some((name, mut after, wanted)) = planner.with_reference(&difference.table) else {
            continue;
        };
        let engine = after.engine.take().unwrap_or_default();
        if let Err(why) = fits(&engine, &after) {
            planner.refuse(&name, &name, why);
            continue;
        }
        after.engine.clone_from(&wanted.engine);
        let foreign = |format: &String| FOREIGN_FORMATS.contains(&format.as_str());
        if after.row_format.as_ref().is_some_and(foreign) {
            after.row_format.clone_from(&wanted.row_format);
        }
        let why = format!("{engine} has neither transactions nor foreign keys, CiviCRM needs both");
        planner.step(&name, after, Purpose::new(Family::Engine, why));
        converted.push(name);
    }
    converted
}

/// Whether InnoDB can take the table.
fn fits(engine: &str, table: &Table) -> Result<(), String> {
    if !CONVERTIBLE
        .iter()
        .any(|name| name.eq_ignore_ascii_case(engine))
    {
        return Err(format!(
            "its engine is {engine}: whether the rows are all here is for somebody to look at who knows why"
        ));
    }
    // Only MyISAM counts within the values of another column.
    let leads = |column: &String| {
        let indexes = table.indexes.values().map(|index| index.parts.as_slice());
        let mut keys = indexes.chain([table.primary_key.as_slice()]);
        keys.any(|parts| {
            parts
                .first()
                .is_some_and(|part| part.column.eq_ignore_ascii_case(column))
        })
    };
    let mut counters = table
        .columns
        .iter()
        .filter(|(_, column)| column.auto_increment);
    match counters.find(|(name, _)| !leads(name)) {
        Some((name, _)) => Err(format!(
            "its AUTO_INCREMENT column {name} is not the first of any index, which InnoDB asks for: add one"
        )),
        None => Ok(()),
    }
}
