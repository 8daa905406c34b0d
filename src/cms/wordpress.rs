//! WordPress.

use super::found::{Cms, FrontPage, Module, ModuleState};
use super::platform::Platform;
use super::roles::Role;
use super::rows::{Tables, bytes, text};
use crate::serialized::Value;
use crate::snapshot::Row;

pub(super) fn of(tables: Tables) -> Cms {
    let mut cms = Cms::empty(Platform::WordPress, tables.prefix);
    let Some(rows) = tables.rows("options") else {
        return cms;
    };
    let option = |name: &str| {
        let mut rows = rows.iter();
        let row = rows.find(|row| text(row, "option_name").as_deref() == Some(name))?;
        bytes(row, "option_value")
    };
    cms.front_page = front_page(
        option("show_on_front"),
        option("page_on_front"),
        tables.rows("posts"),
    );
    cms.roles = option(&format!("{}user_roles", tables.prefix))
        .and_then(Value::parse)
        .map(|roles| roles.entries().iter().filter_map(role).collect());
    let plugins = option("active_plugins").and_then(Value::parse);
    let Some(plugins) = plugins else {
        return cms;
    };
    let files = plugins.entries().iter();
    let files: Vec<String> = files.filter_map(|(_, file)| file.as_text()).collect();
    let is_on = files.iter().any(|file| file == "civicrm/civicrm.php");
    // The list has those that are on; in a network of sites another table may have more.
    let is_network = tables.has("sitemeta", &["meta_key", "meta_value"]);
    cms.civicrm = match (is_on, is_network) {
        (true, _) => Some(ModuleState::On),
        (false, false) => Some(ModuleState::Off),
        (false, true) => None,
    };
    let names = files
        .iter()
        .map(|file| file.split('/').next().unwrap_or(file));
    let uses_civicrm = |name: &&str| name.starts_with("civicrm-") || name.contains("-civicrm");
    let module = |name: &str| Module {
        name: name.trim_end_matches(".php").to_owned(),
        version: None,
        released: None,
    };
    let (own, others): (Vec<&str>, Vec<&str>) = names
        .filter(|name| *name != "civicrm")
        .partition(uses_civicrm);
    cms.integrations = Some(own.into_iter().map(module).collect());
    cms.others = others.into_iter().map(module).collect();
    cms
}

/// A role, with the capabilities that are on.
fn role((id, role): &(Value, Value)) -> Option<Role> {
    let id = id.as_text()?;
    let capabilities = role
        .get("capabilities")
        .map_or(&[][..], Value::entries)
        .iter();
    let on = capabilities.filter(|(_, on)| on.is_on());
    Some(Role {
        name: role
            .get("name")
            .and_then(Value::as_text)
            .unwrap_or_else(|| id.clone()),
        permissions: on.filter_map(|(name, _)| name.as_text()).collect(),
        is_anonymous: id == "anonymous_user",
        may_all: false,
        id,
    })
}

/// The front page, which is CiviCRM's where it is the page of that name or has its shortcode.
fn front_page(
    shown: Option<&[u8]>,
    page: Option<&[u8]>,
    posts: Option<&[Row]>,
) -> Option<FrontPage> {
    if shown? != b"page" {
        return Some(FrontPage {
            path: "posts".to_owned(),
            is_civicrm: false,
        });
    }
    let (page, mut posts) = (page?, posts?.iter());
    let post = posts.find(|post| bytes(post, "ID") == Some(page));
    let is_civicrm = post.is_some_and(|post| {
        let content = bytes(post, "post_content").unwrap_or_default();
        bytes(post, "post_name") == Some(b"civicrm")
            || memchr::memmem::find(content, b"[civicrm").is_some()
    });
    let name = post.and_then(|post| text(post, "post_name"));
    Some(FrontPage {
        path: name.unwrap_or_else(|| format!("page {}", String::from_utf8_lossy(page))),
        is_civicrm,
    })
}
