//! Joomla from 1.6 on.

use super::found::{Cms, FrontPage, Module, ModuleState};
use super::platform::Platform;
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
