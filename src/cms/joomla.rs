//! Joomla from 1.6 on.

use std::collections::BTreeMap;

use serde_json::Value;

use super::found::{Cms, FrontPage, Module, ModuleState};
use super::platform::Platform;
use super::roles::Role;
use super::rows::{Tables, bytes, text};
use crate::snapshot::Row;

/// The plugins that come with CiviCRM.
const SHIPPED: [&str; 3] = ["civicrm", "civicrmsys", "civicrmicon"];

pub(super) fn of(tables: Tables) -> Cms {
    let mut cms = Cms::empty(Platform::Joomla, tables.prefix);
    let is = |row: &Row, column: &str, value: &[u8]| bytes(row, column) == Some(value);
    if let Some(rows) = tables.rows("menu") {
        let home = rows.iter().find(|row| {
            is(row, "home", b"1") && is(row, "client_id", b"0") && is(row, "published", b"1")
        });
        // Only entries of CiviCRM were kept.
        let path = home.and_then(|row| text(row, "link"));
        cms.front_page = Some(FrontPage {
            is_civicrm: path
                .as_ref()
                .is_some_and(|path| path.contains("option=com_civicrm")),
            path: path.unwrap_or_else(|| "another component".to_owned()),
        });
    }
    cms.roles = roles(tables);
    let Some(rows) = tables.rows("extensions") else {
        return cms;
    };
    let component = rows
        .iter()
        .find(|row| is(row, "element", b"com_civicrm") && is(row, "type", b"component"));
    cms.civicrm = Some(match component {
        None => ModuleState::NotInstalled,
        Some(row) if is(row, "enabled", b"1") => ModuleState::On,
        Some(_) => ModuleState::Off,
    });
    let own = rows.iter().filter(|row| {
        let element = text(row, "element").unwrap_or_default();
        let is_shipped = element == "com_civicrm" || SHIPPED.contains(&element.as_str());
        is(row, "enabled", b"1") && element.contains("civicrm") && !is_shipped
    });
    let own = own.filter_map(|row| {
        Some(Module {
            name: text(row, "element")?,
            version: None,
            released: None,
        })
    });
    cms.integrations = Some(own.collect());
    cms
}

/// The groups of users, with what the rules of the component give them. A group has what the groups above it have.
fn roles(tables: Tables) -> Option<Vec<Role>> {
    let (assets, groups) = (tables.rows("assets")?, tables.rows("usergroups")?);
    let mut assets = assets.iter();
    let own = assets.find(|row| bytes(row, "name") == Some(b"com_civicrm"))?;
    let rules: Value = serde_json::from_slice(bytes(own, "rules")?).ok()?;
    let given = |rule: &str, group: &str| match rules.get(rule)?.get(group)? {
        Value::Bool(on) => Some(*on),
        Value::Number(number) => Some(number.as_u64() == Some(1)),
        Value::String(text) => Some(text == "1"),
        _ => None,
    };
    // Public is the group above all; what a rule denies above stays denied below.
    let may = |rule: &str, line: &[&str]| {
        let said: Vec<bool> = line.iter().filter_map(|group| given(rule, group)).collect();
        said.contains(&true) && !said.contains(&false)
    };
    let above: BTreeMap<String, String> = groups
        .iter()
        .filter_map(|row| Some((text(row, "id")?, text(row, "parent_id")?)))
        .collect();
    let role = |row: &Row| {
        let id = text(row, "id")?;
        let mut line = vec![id.as_str()];
        while let Some(next) = line.last().and_then(|last| above.get(*last)) {
            if line.len() > above.len() || line.contains(&next.as_str()) {
                break;
            }
            line.push(next);
        }
        let names = rules.as_object()?.keys();
        let permissions = names
            .filter(|rule| may(rule, &line))
            .filter_map(|rule| Some(rule.strip_prefix("civicrm.")?.to_owned()));
        let permissions = permissions.collect();
        let name = text(row, "title")?;
        Some(Role {
            may_all: may("core.admin", &line),
            is_anonymous: name == "Guest" || (id == "1" && !has_guests(groups)),
            permissions,
            name,
            id: id.clone(),
        })
    };
    Some(groups.iter().filter_map(role).collect())
}

/// Whether there is the group Guest, in which visitors are from Joomla 3 on instead of Public.
fn has_guests(groups: &[Row]) -> bool {
    groups
        .iter()
        .any(|row| bytes(row, "title") == Some(b"Guest"))
}
