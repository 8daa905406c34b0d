//! The triggers, functions and views that CiviCRM itself creates in a database.

use md5::{Digest, Md5};

use crate::civicrm::release::Version;
use crate::civicrm::site::Site;
use crate::schema::model::{
    Schema,
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
}

/// The triggers that `release` of CiviCRM creates on the tables that `schema` holds.
///
/// Multilingual tables are recognised by their columns and logged tables by their log tables, so this works for
/// every release and for extensions alike.
pub fn expected_triggers(site: &Site, release: &Version, schema: &Schema) -> Vec<ExpectedTrigger> {
    let mut expected: Vec<ExpectedTrigger> = Vec::new();
    let mut add = |table: &str, timing, events: &[TriggerEvent], reason: &str| {
        for &event in events {
            let name = trigger_name(table, timing, event, release);
            if !expected.iter().any(|known| known.name == name) {
                expected.push(ExpectedTrigger {
                    name,
                    table: table.to_owned(),
                    timing,
                    event,
                    reason: reason.to_owned(),
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
            );
        }
    }
    for group in &site.custom_groups {
        let since = match group.extends.as_str() {
            "Contact" | "Individual" | "Household" | "Organization" => "4.3",
            "Activity" | "Case" => "4.7.25",
            _ => continue,
        };
        // Groups with several records per entity get none (triggers.md of the facts, measured).
        if at_least(since)
            && group.is_active
            && !group.is_multiple
            && schema.table(&group.table).is_some()
        {
            let reason = format!("the table holds custom fields of {}", group.extends);
            add(&group.table, After, &[Insert, Update, Delete], &reason);
        }
    }
    if let [_, _, ..] = site.locales() {
        for table in localized_tables(site, schema) {
            add(
                table,
                Before,
                &[Insert, Update],
                "the table has multilingual columns",
            );
        }
    }
    if site.logging == Some(true) && at_least("3.3") {
        for table in logged_tables(schema) {
            let reason = format!("logging is on and log_{table} is there");
            add(table, After, &[Insert, Update, Delete], &reason);
        }
    }
    expected
}

/// Tables that have a column in every language of the site, as `title_en_US`, `title_fr_FR`.
pub fn localized_tables<'a>(site: &Site, schema: &'a Schema) -> Vec<&'a str> {
    let Some((first, others)) = site.locales().split_first() else {
        return Vec::new();
    };
    let suffix = format!("_{first}");
    schema
        .tables
        .iter()
        .filter(|(name, table)| {
            name.starts_with("civicrm_")
                && table.columns.keys().any(|column| {
                    column.strip_suffix(&suffix).is_some_and(|base| {
                        others
                            .iter()
                            .all(|other| table.columns.contains_key(&format!("{base}_{other}")))
                    })
                })
        })
        .map(|(name, _)| name.as_str())
        .collect()
}

/// Views of a multilingual site: one for each localized table and language.
pub fn expected_views(site: &Site, schema: &Schema) -> Vec<String> {
    localized_tables(site, schema)
        .into_iter()
        .flat_map(|table| {
            site.locales()
                .iter()
                .map(move |locale| format!("{table}_{locale}"))
        })
        .collect()
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
