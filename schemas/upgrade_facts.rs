//! Facts about upgrade steps, made into the form that the program carries.

use std::error::Error;

use cividb::civicrm::upgrade::step::Step;
use cividb::civicrm::upgrade::steps;
use serde_json::{Map, Value, json};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Makes the text of a step file from the text of a file of facts; returns the name of the file without `.json`, too.
///
/// # Errors
/// The facts are not JSON, or hold something that steps have no place for.
pub fn step(facts: &str) -> Result<(String, String)> {
    let mut facts: Map<String, Value> = serde_json::from_str(facts)?;
    let name = match facts.remove("driver") {
        Some(driver) => {
            let codes = facts.remove("codes").unwrap_or_else(|| json!([null, null]));
            let first = codes
                .get(0)
                .and_then(Value::as_str)
                .unwrap_or("2.1.0")
                .to_owned();
            facts.insert("shipped_in".to_owned(), codes);
            facts.insert("revision".to_owned(), first.into());
            format!("driver-{}", driver.as_str().unwrap_or_default())
        }
        None => facts
            .get("revision")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned(),
    };
    for key in ["sources", "note", "empty_note", "via", "guards"] {
        facts.remove(key);
    }
    if facts.get("shipped_in").is_none_or(Value::is_null) {
        facts.insert("shipped_in".to_owned(), json!([null, null]));
    }
    for task in list(&mut facts, "tasks") {
        plain_task(task);
    }
    for upgrader in list(&mut facts, "upgraders") {
        for step in list(upgrader, "steps") {
            list(step, "ops").for_each(plain_op);
        }
    }
    let step: Step = serde_json::from_value(Value::Object(facts))?;
    Ok((name, steps::write(&step)?))
}

fn list<'a>(
    object: &'a mut Map<String, Value>,
    key: &str,
) -> impl Iterator<Item = &'a mut Map<String, Value>> + use<'a> {
    let list = object.get_mut(key).and_then(Value::as_array_mut);
    list.into_iter().flatten().filter_map(Value::as_object_mut)
}

/// Leaves out of a task what the program does not need, and spells the rest as it does.
fn plain_task(task: &mut Map<String, Value>) {
    for key in ["note", "times"] {
        task.remove(key);
    }
    if let Some(guard) = task.remove("guard") {
        task.insert("when".to_owned(), guard);
    }
    if task.remove("errors").is_some() {
        task.insert("ignores_errors".to_owned(), true.into());
    }
    if task.remove("kind").is_some_and(|kind| kind == "sql-file") {
        task.insert("is_file".to_owned(), true.into());
    }
    list(task, "ops").for_each(plain_op);
}

/// Leaves the remarks out of an operation that is more than a remark.
fn plain_op(op: &mut Map<String, Value>) {
    if op.get("op").is_some_and(|name| name != "other") {
        op.remove("note");
    }
    for key in ["column", "index"] {
        if let Some(Value::Object(column)) = op.get_mut(key) {
            column.remove("note");
        }
    }
    if op.get("reads").is_some_and(Value::is_string) {
        op.remove("reads");
    }
    if let Some(Value::Object(guard)) = op.get_mut("guard") {
        let words = guard.get("when").and_then(Value::as_str);
        if let Some(tests) = words.filter(|_| guard.len() == 1).and_then(tests) {
            guard.extend(tests);
        }
    }
    list(op, "clauses").for_each(plain_op);
}

/// The tests that some conditions in words come to.
fn tests(words: &str) -> Option<Map<String, Value>> {
    let between = |start: &str, end: &str| words.strip_prefix(start)?.strip_suffix(end);
    let test = |key: &str, value: Value| Map::from_iter([(key.to_owned(), value)]);
    if let Some(version) = between("database version ", " or later") {
        // "4.1alpha1" is 4.1.alpha1.
        let version = match version.contains(".alpha") {
            true => version.to_owned(),
            false => version.replace("alpha", ".alpha"),
        };
        return Some(test("from_at_least", version.into()));
    }
    if let Some(version) = between("database older than ", "") {
        return Some(test("from_below", format!("{version}.0").into()));
    }
    if let Some(rest) = between("the steps hold ", "") {
        let mut words = rest.split([' ', ',']);
        let mut tests = test("steps_hold", words.next()?.into());
        if let Some((_, component)) = rest.split_once(" and component ") {
            tests.insert(
                "component".to_owned(),
                component.strip_suffix(" is on")?.into(),
            );
        }
        if rest == "4.7.alpha4" {
            // The code looks whether the database is newer than 4.3.0 (CRM/Upgrade/Incremental/php/FourSeven.php).
            tests.insert("from_at_least".to_owned(), "4.3.1".into());
        }
        if rest.contains("has the column") {
            tests.insert("from_at_least".to_owned(), "4.7.0".into());
            tests.insert(
                "column_exists".to_owned(),
                "civicrm_domain.config_backend".into(),
            );
        }
        return Some(tests);
    }
    let component = between("component ", " is on").or_else(|| between("", " is on"));
    if let Some(component) = component.filter(|name| ["CiviCase", "CiviGrant"].contains(name)) {
        return Some(test("component", component.into()));
    }
    if let Some((_, group)) =
        between("no ", " is there yet").and_then(|rest| rest.split_once(" of option group "))
    {
        return Some(test(
            "row_absent",
            json!(["civicrm_option_group", {"name": group}]),
        ));
    }
    if let Some(group) = between("no option group ", "").filter(|name| !name.starts_with("of ")) {
        let name = group.strip_suffix(" is there yet").unwrap_or(group);
        return Some(test(
            "row_absent",
            json!(["civicrm_option_group", {"name": name}]),
        ));
    }
    if let Some(key) = between(
        "a foreign key ",
        " is the first that the server lists for the table",
    ) {
        return Some(test(
            "fk_exists",
            format!("civicrm_msg_template.{key}").into(),
        ));
    }
    Some(match words {
        "log_civicrm_case exists" => test("table_exists", "log_civicrm_case".into()),
        "civicrm_domain.config_backend is there" => {
            test("column_exists", "civicrm_domain.config_backend".into())
        }
        "civicrm_financial_account.opening_balance is there" => test(
            "column_exists",
            "civicrm_financial_account.opening_balance".into(),
        ),
        "index index_dashboard_id_contact_id absent" => test(
            "index_absent",
            "civicrm_dashboard_contact.index_dashboard_id_contact_id".into(),
        ),
        "the collation of civicrm_relationship_cache differs from that of civicrm_contact" => test(
            "collation_differs",
            json!(["civicrm_relationship_cache", "civicrm_contact"]),
        ),
        _ => return None,
    })
}
