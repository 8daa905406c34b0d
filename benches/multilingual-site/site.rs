//! Dumps of multilingual sites, as the code of each release makes them and as its upgrade steps leave them.

use cividb::case::Case;
use cividb::civicrm::catalogue::{Catalogue, ReleaseSchema};
use cividb::civicrm::programs::{self, Purpose};
use cividb::civicrm::{program_text, site};
use cividb::dump::reader::DumpReader;
use cividb::dump::scanner::Scanner;
use cividb::schema::model::{ByName, Column, DefaultValue, Index, Schema};
use cividb::schema::sql::{ForeignKeys, create_table, identifier};

/// The languages of the site.
pub const LANGUAGES: [&str; 3] = ["en_US", "fr_FR", "nl_NL"];

/// The form of a column that is NOT NULL on sites of one language.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Form {
    /// As code up to 5.15 makes it.
    Nullable,
    /// As code of 5.16 to 5.65 and most upgrade steps make it.
    NoDefault,
    /// As code from 5.66 on and the step 5.66.beta1 make it.
    Default,
}

/// The columns that upgrade steps after 5.66.beta1 made NOT NULL without a default.
pub const LATER: [(&str, &str); 5] = [
    ("civicrm_uf_group", "frontend_title"),
    ("civicrm_financial_type", "label"),
    ("civicrm_financial_account", "label"),
    ("civicrm_membership_type", "title"),
    ("civicrm_membership_type", "frontend_title"),
];

/// The form of a column on a site that was upgraded through 5.66 by its steps, and got one language since: as 5.65 makes
/// the columns that later steps touched, as 5.66 makes the others.
pub fn mixed(table: &str, column: &str, language: &str) -> Form {
    match LATER.contains(&(table, column)) && language != "nl_NL" {
        true => Form::NoDefault,
        false => Form::Default,
    }
}

/// The dump of a site of a release with several languages, with its views, triggers and function. `form` gives the form
/// of each column that is NOT NULL on a site of one language, by table, column and language.
///
/// # Panics
/// The release is not known.
pub fn dump(
    catalogue: &Catalogue,
    release: &str,
    form: impl Fn(&str, &str, &str) -> Form,
) -> Vec<u8> {
    let mut text = structure(catalogue, release, form);
    let mut reader = DumpReader::new(site::ROWS_WANTED);
    let mut scanner = Scanner::default();
    scanner.feed(text.as_bytes(), &mut reader);
    let ending = scanner.finish(&mut reader);
    reader.end_file(ending, None, b"");
    let snapshot = reader.finish(None, &site::MARKS);
    let snapshot = snapshot.expect("it holds one database");
    let case = Case::new(snapshot, catalogue);
    let (Some(site), Some(release)) = (&case.site, case.release()) else {
        panic!("it is a site");
    };
    text.push_str("DELIMITER ;;\n");
    for trigger in programs::expected_triggers(site, &release, &case.snapshot.schema) {
        text.push_str(&format!(
            "CREATE TRIGGER {} {} {} ON {} FOR EACH ROW BEGIN {} END ;;\n",
            identifier(&trigger.name),
            format!("{:?}", trigger.timing).to_uppercase(),
            format!("{:?}", trigger.event).to_uppercase(),
            identifier(&trigger.table),
            trigger.purposes.iter().map(statement).collect::<String>()
        ));
    }
    text.push_str(&format!(
        "{} ;;\nDELIMITER ;\n-- Dump completed on 2025-05-01  2:00:07\n",
        program_text::phone_function()
    ));
    text.into_bytes()
}

/// A statement of a trigger that does what the trigger is for, and changes nothing.
fn statement(purpose: &Purpose) -> String {
    match purpose {
        Purpose::Sets(column) => {
            let column = identifier(column);
            format!("SET NEW.{column} = NEW.{column}; ")
        }
        Purpose::Calls(function) => format!("SET @digits = {function}(NEW.phone); "),
        Purpose::Writes(table) => {
            format!("UPDATE {} SET id = id WHERE id = 0; ", identifier(table))
        }
    }
}

fn structure(
    catalogue: &Catalogue,
    release: &str,
    form: impl Fn(&str, &str, &str) -> Form,
) -> String {
    let state = catalogue.state(release).expect("the state is known");
    let made = catalogue.schema(state);
    let mut text = String::from(
        "-- MySQL dump 10.13  Distrib 5.7.37, for Linux (x86_64)\n-- Server version\t5.7.37\n\
         /*!40101 SET NAMES utf8mb4 */;\n\
         /*!40014 SET @OLD_FOREIGN_KEY_CHECKS=@@FOREIGN_KEY_CHECKS, FOREIGN_KEY_CHECKS=0 */;\n",
    );
    let mut views = String::new();
    let plain: Schema = made.plain_install();
    for (name, table) in &plain.tables {
        let facts = &made.tables[name];
        let mut table = table.clone();
        let mut columns = ByName::default();
        for (column, definition) in std::mem::take(&mut table.columns) {
            if !facts.localizable_columns.contains(&column) {
                columns.insert(column, definition);
                continue;
            }
            for language in LANGUAGES {
                let form = form(name, &column, language);
                columns.insert(format!("{column}_{language}"), formed(&definition, form));
            }
        }
        table.columns = columns;
        table.indexes = localized(&made, name, std::mem::take(&mut table.indexes));
        text.push_str(&create_table(name, &table, ForeignKeys::Included));
        text.push_str(";\n");
        for language in LANGUAGES
            .iter()
            .filter(|_| !facts.localizable_columns.is_empty())
        {
            let columns = plain
                .tables
                .get(name)
                .into_iter()
                .flat_map(|table| table.columns.keys());
            let columns: Vec<String> = columns
                .map(|column| match facts.localizable_columns.contains(column) {
                    true => format!(
                        "{} AS {}",
                        identifier(&format!("{column}_{language}")),
                        identifier(column)
                    ),
                    false => identifier(column),
                })
                .collect();
            let (view, table) = (identifier(&format!("{name}_{language}")), identifier(name));
            views.push_str(&format!(
                "CREATE VIEW {view} AS SELECT {} FROM {table};\n",
                columns.join(", ")
            ));
        }
    }
    let languages = LANGUAGES.join("\u{1}");
    let version = state.last_release();
    text.push_str(&format!(
        "INSERT INTO civicrm_domain (id, name, version, locales) VALUES (1, 'x', '{version}', '\u{1}{languages}\u{1}');\n"
    ));
    text.push_str(&views);
    text.push_str("/*!40014 SET FOREIGN_KEY_CHECKS=@OLD_FOREIGN_KEY_CHECKS */;\n");
    text
}

fn formed(column: &Column, form: Form) -> Column {
    let mut column = column.clone();
    if !column.nullable && column.default.is_none() {
        column.nullable = form == Form::Nullable;
        column.default = (form == Form::Default).then(|| DefaultValue::Literal(String::new()));
    }
    column
}

/// The indexes of a table, localizable ones once per language.
fn localized(made: &ReleaseSchema, table: &str, indexes: ByName<Index>) -> ByName<Index> {
    let facts = &made.tables[table];
    let mut all = ByName::default();
    for (name, index) in indexes {
        if !facts.localizable_indexes.contains(&name) {
            all.insert(name, index);
            continue;
        }
        for language in LANGUAGES {
            let mut own = index.clone();
            for part in &mut own.parts {
                if facts.localizable_columns.contains(&part.column) {
                    part.column = format!("{}_{language}", part.column);
                }
            }
            all.insert(format!("{name}_{language}"), own);
        }
    }
    all
}
