//! The text of CiviCRM's stock function and triggers, written by what they do.
//!
//! Extensions, logging and languages add to the same triggers. Where the site's own rows show such additions the text
//! is not known here: CiviCRM alone can make it.

use super::programs::{ExpectedTrigger, PHONE_FUNCTION, localized_tables};
use super::site::Site;
use crate::schema::model::{Schema, TriggerEvent, TriggerTiming, find};
use crate::schema::sql::identifier;

/// The statement that makes the function, without delimiter: it keeps the digits of a text.
pub fn phone_function() -> String {
    format!(
        "CREATE FUNCTION `{PHONE_FUNCTION}`(input varchar(255)) RETURNS varchar(255) DETERMINISTIC NO SQL\n\
         BEGIN\n  \
           DECLARE digits varchar(255) DEFAULT '';\n  \
           DECLARE place int DEFAULT 1;\n  \
           WHILE place <= CHAR_LENGTH(input) DO\n    \
             IF LOCATE(SUBSTRING(input, place, 1), '0123456789') > 0 THEN\n      \
               SET digits = CONCAT(digits, SUBSTRING(input, place, 1));\n    \
             END IF;\n    \
             SET place = place + 1;\n  \
           END WHILE;\n  \
           RETURN digits;\n\
         END"
    )
}

/// The statement that makes a trigger, without delimiter; `None` where something besides CiviCRM's core may add to it.
pub fn trigger(site: &Site, schema: &Schema, wanted: &ExpectedTrigger) -> Option<String> {
    let table = wanted.table.as_str();
    let is_multilingual = site.locales().len() > 1
        && wanted.timing == TriggerTiming::Before
        && localized_tables(site, schema).contains(&table);
    let is_logged = site.logging != Some(false)
        && wanted.timing == TriggerTiming::After
        && schema.table(&format!("log_{table}")).is_some();
    if is_multilingual || is_logged {
        return None;
    }
    let body = body(site, schema, wanted)?;
    let timing = match wanted.timing {
        TriggerTiming::Before => "BEFORE",
        TriggerTiming::After => "AFTER",
    };
    let event = match wanted.event {
        TriggerEvent::Insert => "INSERT",
        TriggerEvent::Update => "UPDATE",
        TriggerEvent::Delete => "DELETE",
    };
    Some(format!(
        "CREATE TRIGGER {} {timing} {event} ON {} FOR EACH ROW BEGIN\n  {body}\nEND",
        identifier(&wanted.name),
        identifier(table)
    ))
}

/// What a trigger of the core does (the facts are those of [`super::programs`]).
fn body(site: &Site, schema: &Schema, wanted: &ExpectedTrigger) -> Option<String> {
    use TriggerTiming::{After, Before};
    let row = match wanted.event {
        TriggerEvent::Delete => "OLD",
        _ => "NEW",
    };
    let changed = |table: &str, id: &str| {
        format!("UPDATE `{table}` SET modified_date = CURRENT_TIMESTAMP WHERE id = {row}.{id};")
    };
    let group = || {
        let named = |it: &&super::site::CustomGroup| it.table.eq_ignore_ascii_case(&wanted.table);
        site.custom_groups.iter().find(named)
    };
    Some(match (wanted.table.as_str(), wanted.timing) {
        ("civicrm_phone", Before) => {
            format!("SET NEW.phone_numeric = `{PHONE_FUNCTION}`(NEW.phone);")
        }
        ("civicrm_activity", Before) if wanted.event != TriggerEvent::Insert => {
            "UPDATE civicrm_case SET modified_date = CURRENT_TIMESTAMP WHERE id IN (SELECT of_case.case_id FROM \
             civicrm_case_activity AS of_case WHERE of_case.activity_id = OLD.id);"
                .to_owned()
        }
        ("civicrm_contact" | "civicrm_activity" | "civicrm_case" | "civicrm_mailing", Before) => {
            "SET NEW.created_date = CURRENT_TIMESTAMP;".to_owned()
        }
        (
            "civicrm_address" | "civicrm_email" | "civicrm_im" | "civicrm_phone" | "civicrm_website",
            After,
        ) => changed("civicrm_contact", "contact_id"),
        ("civicrm_case_activity", After) => changed("civicrm_case", "case_id"),
        ("civicrm_relationship", After) => relationship(schema)?,
        ("civicrm_relationship_type", After) => {
            "IF OLD.name_a_b <> NEW.name_a_b OR OLD.name_b_a <> NEW.name_b_a THEN\n    \
               UPDATE civicrm_relationship_cache SET \
               near_relation = IF(orientation = 'a_b', NEW.name_a_b, NEW.name_b_a), \
               far_relation = IF(orientation = 'a_b', NEW.name_b_a, NEW.name_a_b) \
               WHERE relationship_type_id = NEW.id;\n  \
             END IF;"
                .to_owned()
        }
        (_, After) => {
            let of = match group()?.extends.as_str() {
                "Activity" => "civicrm_activity",
                "Case" => "civicrm_case",
                _ => "civicrm_contact",
            };
            changed(of, "entity_id")
        }
        (_, Before) => return None,
    })
}

/// Keeps the two rows of a relationship in `civicrm_relationship_cache`, one from each side.
fn relationship(schema: &Schema) -> Option<String> {
    let cache = find(&schema.tables, "civicrm_relationship_cache")?;
    let copied = ["start_date", "end_date", "is_active", "case_id"];
    let copied = copied
        .into_iter()
        .filter(|name| cache.columns.contains_key(*name));
    let copied: Vec<&str> = copied.collect();
    let named = [
        "near_contact_id",
        "near_relation",
        "far_contact_id",
        "far_relation",
    ];
    let statement = |orientation: &str, near: [&str; 2], far: [&str; 2]| {
        let all = ["relationship_id", "relationship_type_id", "orientation"];
        let columns: Vec<&str> = all
            .into_iter()
            .chain(named)
            .chain(copied.iter().copied())
            .collect();
        let values: Vec<String> = copied.iter().map(|name| format!("NEW.{name}")).collect();
        let again = columns
            .iter()
            .filter(|name| !matches!(**name, "relationship_id" | "orientation"));
        let again: Vec<String> = again
            .map(|name| format!("{name} = VALUES({name})"))
            .collect();
        format!(
            "INSERT INTO civicrm_relationship_cache ({}) SELECT NEW.id, kind.id, '{orientation}', NEW.{}, kind.{}, \
             NEW.{}, kind.{}, {} FROM civicrm_relationship_type AS kind WHERE kind.id = NEW.relationship_type_id ON \
             DUPLICATE KEY UPDATE {};",
            columns.join(", "),
            near[0],
            near[1],
            far[0],
            far[1],
            values.join(", "),
            again.join(", ")
        )
    };
    let (a, b) = (["contact_id_a", "name_a_b"], ["contact_id_b", "name_b_a"]);
    Some(format!(
        "{}\n  {}",
        statement("a_b", a, b),
        statement("b_a", b, a)
    ))
}
