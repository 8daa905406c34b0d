//! The triggers, functions and views that CiviCRM itself creates in a database.

use md5::{Digest, Md5};

use crate::civicrm::release::Version;
use crate::civicrm::site::Site;
use crate::schema::lexer::{Lexer, SqlModes, Token};
use crate::schema::model::{
    Routine, Schema,
    TriggerEvent::{self, Delete, Insert, Update},
    TriggerTiming::{self, After, Before},
};
use crate::schema::sql::hexadecimal;

/// The only stored routine of CiviCRM's core, from 4.3 on; triggers of `civicrm_phone` call it.
pub const PHONE_FUNCTION: &str = "civicrm_strip_non_numeric";

/// A trigger that CiviCRM creates for a table of its core.
struct Stock {
    table: &'static str,
    timing: TriggerTiming,
    events: &'static [TriggerEvent],
    since: &'static str,
    /// The first release without the trigger; `None` if it is still made.
    until: Option<&'static str>,
}

const fn stock(
    table: &'static str,
    timing: TriggerTiming,
    events: &'static [TriggerEvent],
    since: &'static str,
) -> Stock {
    Stock {
        table,
        timing,
        events,
        since,
        until: None,
    }
}

/// Stock triggers by release, from CRM/Contact/BAO/Contact.php (4.3 on),
/// Civi/Core/SqlTrigger (4.7.25 on) and CRM/Contact/BAO/RelationshipCache.php (5.29 on).
const STOCK: [Stock; 13] = [
    stock("civicrm_contact", Before, &[Insert], "4.3"),
    stock("civicrm_address", After, &[Insert, Update, Delete], "4.3"),
    stock("civicrm_email", After, &[Insert, Update, Delete], "4.3"),
    stock("civicrm_im", After, &[Insert, Update, Delete], "4.3"),
    stock("civicrm_phone", After, &[Insert, Update, Delete], "4.3"),
    stock("civicrm_website", After, &[Insert, Update, Delete], "4.3"),
    stock("civicrm_phone", Before, &[Insert, Update], "4.3"),
    stock(
        "civicrm_activity",
        Before,
        &[Insert, Update, Delete],
        "4.7.25",
    ),
    stock("civicrm_case", Before, &[Insert], "4.7.25"),
    stock("civicrm_case_activity", After, &[Insert], "4.7.25"),
    Stock {
        table: "civicrm_mailing",
        timing: Before,
        events: &[Insert],
        since: "4.7.26",
        until: Some("5.40.alpha1"),
    },
    stock("civicrm_relationship", After, &[Insert, Update], "5.29"),
    stock("civicrm_relationship_type", After, &[Update], "5.29"),
];

impl Stock {
    /// What the trigger does for one event.
    fn purposes(&self, event: TriggerEvent) -> Vec<Purpose> {
        let writes = |table: &str| vec![Purpose::Writes(table.to_owned())];
        match (self.table, self.timing) {
            ("civicrm_phone", Before) => vec![
                Purpose::Sets("phone_numeric".to_owned()),
                Purpose::Calls(PHONE_FUNCTION),
            ],
            ("civicrm_activity", Before) if event != Insert => writes("civicrm_case"),
            (_, Before) => vec![Purpose::Sets("created_date".to_owned())],
            ("civicrm_case_activity", After) => writes("civicrm_case"),
            ("civicrm_relationship" | "civicrm_relationship_type", After) => {
                writes("civicrm_relationship_cache")
            }
            (_, After) => writes("civicrm_contact"),
        }
    }
}

/// A trigger that should exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectedTrigger {
    /// The name of the trigger.
    pub name: String,
    /// The table that the trigger belongs to.
    pub table: String,
    /// Whether the trigger runs before or after the row change.
    pub timing: TriggerTiming,
    /// The row change that fires the trigger.
    pub event: TriggerEvent,
    /// Why CiviCRM creates the trigger, for a sentence.
    pub reason: String,
    /// What the trigger does in every release that has it; logs, languages and custom fields share one trigger.
    pub purposes: Vec<Purpose>,
}

/// One thing that a trigger of CiviCRM does, whatever the release words it like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// It sets this column of the row that fires it.
    Sets(String),
    /// It calls this function.
    Calls(&'static str),
    /// It adds or changes rows of this table.
    Writes(String),
}

/// The triggers that `release` of CiviCRM creates on the tables that `schema` holds.
///
/// Multilingual tables are recognised by their columns and logged tables by their log tables, so this works for
/// every release and for extensions alike.
pub fn expected_triggers(site: &Site, release: &Version, schema: &Schema) -> Vec<ExpectedTrigger> {
    let mut expected: Vec<ExpectedTrigger> = Vec::new();
    let mut add = |table: &str,
                   timing,
                   events: &[TriggerEvent],
                   reason: &str,
                   purposes: &dyn Fn(TriggerEvent) -> Vec<Purpose>| {
        for &event in events {
            let name = trigger_name(table, timing, event, release);
            if let Some(known) = expected.iter_mut().find(|known| known.name == name) {
                known.purposes.extend(purposes(event));
            } else {
                expected.push(ExpectedTrigger {
                    name,
                    table: table.to_owned(),
                    timing,
                    event,
                    reason: reason.to_owned(),
                    purposes: purposes(event),
                });
            }
        }
    };
    let at_least = |version: &str| Version::parse(version).is_some_and(|v| *release >= v);

    for stock in STOCK {
        let made = at_least(stock.since) && !stock.until.is_some_and(at_least);
        if made && schema.table(stock.table).is_some() {
            add(
                stock.table,
                stock.timing,
                stock.events,
                "CiviCRM creates it on every site",
                &|event| stock.purposes(event),
            );
        }
    }
    for group in &site.custom_groups {
        let (since, changed) = match group.extends.as_str() {
            "Contact" | "Individual" | "Household" | "Organization" => ("4.3", "civicrm_contact"),
            "Activity" => ("4.7.25", "civicrm_activity"),
            "Case" => ("4.7.25", "civicrm_case"),
            _ => continue,
        };
        // Groups with several records per entity get none (triggers.md of the facts, measured).
        if at_least(since)
            && group.is_active
            && !group.is_multiple
            && schema.table(&group.table).is_some()
        {
            let reason = format!("the table holds custom fields of {}", group.extends);
            let changes = |_| vec![Purpose::Writes(changed.to_owned())];
            let events = [Insert, Update, Delete];
            add(&group.table, After, &events, &reason, &changes);
        }
    }
    if let [_, _, ..] = site.locales() {
        for table in localized_tables(site, schema) {
            add(
                table,
                Before,
                &[Insert, Update],
                "the table has multilingual columns",
                &|_| {
                    let columns = localized_columns(site, schema, table).into_iter();
                    columns
                        .flat_map(|base| in_languages(site, base))
                        .map(Purpose::Sets)
                        .collect()
                },
            );
        }
    }
    if site.logging == Some(true) && at_least("3.3") {
        for table in logged_tables(schema) {
            let reason = format!("logging is on and log_{table} is there");
            let logs = |_| vec![Purpose::Writes(format!("log_{table}"))];
            add(table, After, &[Insert, Update, Delete], &reason, &logs);
        }
    }
    expected
}

/// Tables that have a column in every language of the site, as `title_en_US`, `title_fr_FR`.
pub fn localized_tables<'a>(site: &Site, schema: &'a Schema) -> Vec<&'a str> {
    let names = schema.tables.keys().map(String::as_str);
    names
        .filter(|name| name.starts_with("civicrm_"))
        .filter(|name| !localized_columns(site, schema, name).is_empty())
        .collect()
}

/// The columns of a table that are there in every language of the site, without their languages: `title`.
fn localized_columns<'a>(site: &Site, schema: &'a Schema, table: &str) -> Vec<&'a str> {
    let locales = site.locales().split_first();
    let (Some((first, others)), Some(table)) = (locales, schema.tables.get(table)) else {
        return Vec::new();
    };
    let suffix = format!("_{first}");
    let bases = table.columns.keys().filter_map(|column| {
        let base = column.strip_suffix(&suffix)?;
        let mut others = others.iter();
        let is_there = |other: &String| table.columns.contains_key(&format!("{base}_{other}"));
        others.all(is_there).then_some(base)
    });
    bases.collect()
}

/// A localized column in each language of the site.
fn in_languages(site: &Site, base: &str) -> impl Iterator<Item = String> {
    let locales = site.locales().iter();
    locales.map(move |locale| format!("{base}_{locale}"))
}

/// Views of a multilingual site: one for each localized table and language.
pub fn expected_views(site: &Site, schema: &Schema) -> Vec<ExpectedView> {
    let mut views = Vec::new();
    for table in localized_tables(site, schema) {
        let localized = localized_columns(site, schema, table);
        // CiviCRM takes a column for one of a language by the end of its name.
        let is_of_language = |column: &&String| {
            let mut locales = site.locales().iter();
            locales.any(|locale| column.ends_with(&format!("_{locale}")))
        };
        let all = schema.tables.get(table).map(|table| table.columns.keys());
        let plain = all.into_iter().flatten();
        let plain: Vec<&String> = plain.filter(|column| !is_of_language(column)).collect();
        for locale in site.locales() {
            let plain = plain.iter().map(|name| ((*name).clone(), (*name).clone()));
            let own = localized
                .iter()
                .map(|base| ((*base).to_owned(), format!("{base}_{locale}")));
            views.push(ExpectedView {
                name: format!("{table}_{locale}"),
                table: table.to_owned(),
                columns: plain.chain(own).collect(),
            });
        }
    }
    views
}

/// A view of one table in one language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectedView {
    /// The name of the view.
    pub name: String,
    /// The table whose rows it shows.
    pub table: String,
    /// Each column of the view with the column of the table that it shows.
    pub columns: Vec<(String, String)>,
}

/// What CiviCRM's function for phone numbers lacks that every form of it has, in words: it goes over the characters of a
/// text, or has them replaced, and gives a text.
pub fn phone_function_lacks(function: &Routine) -> Option<&'static str> {
    const TEXTS: &[&str] = &[
        "CHAR",
        "VARCHAR",
        "TINYTEXT",
        "TEXT",
        "MEDIUMTEXT",
        "LONGTEXT",
    ];
    const LOOPS: &[&str] = &["WHILE", "LOOP", "REPEAT"];
    let mut lexer = Lexer::new(&function.definition, SqlModes::default());
    let (mut gives_text, mut goes_over) = (true, false);
    let mut after_returns = false;
    loop {
        let token = lexer.next_lexeme().token;
        if matches!(token, Token::End | Token::Unterminated(_)) {
            break;
        }
        if after_returns {
            gives_text = token.is_any(TEXTS);
        }
        after_returns = token.is("RETURNS");
        let replaces =
            matches!(token, Token::Word(word) if word.to_ascii_uppercase().ends_with("REPLACE"));
        goes_over |= replaces || token.is_any(LOOPS);
    }
    match (gives_text, goes_over) {
        (false, _) => Some("does not give a text"),
        (_, false) => Some("does not go over the characters of the number"),
        (true, true) => None,
    }
}

/// Tables that have a log table.
fn logged_tables(schema: &Schema) -> impl Iterator<Item = &str> {
    schema
        .tables
        .keys()
        .filter_map(|name| name.strip_prefix("log_"))
        .filter(|table| schema.table(table).is_some())
}

/// The trigger's name `<table>_<before|after>_<insert|update|delete>`. From 4.4 on, a table name of more than
/// 48 characters is cut to 40 and completed with the first 8 digits of its MD5 (CRM-11794).
fn trigger_name(
    table: &str,
    timing: TriggerTiming,
    event: TriggerEvent,
    release: &Version,
) -> String {
    let timing = match timing {
        Before => "before",
        After => "after",
    };
    let event = match event {
        Insert => "insert",
        Update => "update",
        Delete => "delete",
    };
    let cut = Version::parse("4.4.alpha1").is_some_and(|since| *release >= since);
    match table.get(..40) {
        Some(start) if cut && table.len() > 48 => {
            let hex = hexadecimal(&Md5::digest(table));
            format!("{start}_{hex:.8}_{timing}_{event}")
        }
        _ => format!("{table}_{timing}_{event}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_table_names_are_cut_in_trigger_names() {
        let table = "civicrm_value_a_very_long_title_for_a_custom_group_12";
        let name =
            |release: &str| trigger_name(table, After, Insert, &Version::parse(release).unwrap());
        assert_eq!(name("4.3.5"), format!("{table}_after_insert"));
        assert_eq!(
            name("5.81.2"),
            "civicrm_value_a_very_long_title_for_a_cu_24a65b06_after_insert"
        );
    }

    #[test]
    fn stock_triggers_number_as_measured_in_fresh_installs() {
        let mut schema = Schema::default();
        for stock in STOCK {
            schema.tables.insert(stock.table.into(), Default::default());
        }
        let site = Site {
            domains: None,
            custom_groups: Vec::new(),
            logging: None,
            triggers_by_hand: false,
            extensions: None,
            upgrade_steps: Vec::new(),
        };
        for (release, count) in [
            ("4.2.16", 0),
            ("4.3.0", 18),
            ("4.7.24", 18),
            ("4.7.25", 23),
            ("4.7.31", 24),
            ("5.28.0", 24),
            ("5.33.2", 27),
            ("5.40.0", 26),
            ("6.15.0", 26),
        ] {
            let release = Version::parse(release).unwrap();
            let found = expected_triggers(&site, &release, &schema);
            assert_eq!(found.len(), count, "{release}");
        }
    }
}
