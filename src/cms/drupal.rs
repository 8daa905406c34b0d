//! Drupal 6 to 11 and Backdrop.

use std::collections::{BTreeMap, BTreeSet};

use super::found::{Cms, FrontPage, Module, ModuleState};
use super::platform::Platform;
use super::roles::Role;
use super::rows::{Tables, bytes, text};
use crate::serialized::Value;
use crate::snapshot::Row;

/// Modules that use CiviCRM's tables without saying so in their dependencies.
const WITHOUT_DEPENDENCY: [&str; 1] = ["realname"];

/// Drupal 6: as Drupal 7, with other names for the maintenance mode and for permissions.
pub(super) fn of_6(tables: Tables) -> Cms {
    let mut cms = of_system(Platform::Drupal6, tables);
    if let Some(front) = &mut cms.front_page {
        front.is_civicrm |= is_alias(tables, "url_alias", ["dst", "src"], &front.path);
    }
    cms.is_offline = variable(tables, "site_offline");
    let permissions = tables.rows("permission").map(|rows| {
        let rows = rows
            .iter()
            .filter_map(|row| Some((text(row, "rid")?, text(row, "perm")?)));
        let all = rows.flat_map(|(rid, perms)| {
            let perms: Vec<String> = perms
                .split(',')
                .map(|perm| perm.trim().to_owned())
                .collect();
            perms.into_iter().map(move |perm| (rid.clone(), perm))
        });
        all.collect()
    });
    cms.roles = roles(tables, permissions);
    cms
}

/// Drupal 7, and Backdrop, whose configuration is in files.
pub(super) fn of_7(tables: Tables) -> Cms {
    if tables.has("state", &["name", "value"]) {
        let mut cms = of_system(Platform::Backdrop, tables);
        cms.front_page = None;
        let state = tables.value("state", ["name", "value"], "maintenance_mode");
        cms.is_offline = tables
            .rows("state")
            .map(|_| state.is_some_and(|state| state.is_on()));
        return cms;
    }
    let mut cms = of_system(Platform::Drupal7, tables);
    cms.is_offline = variable(tables, "maintenance_mode");
    let permissions = tables.rows("role_permission").map(|rows| {
        let rows = rows.iter();
        rows.filter_map(|row| Some((text(row, "rid")?, text(row, "permission")?)))
            .collect()
    });
    cms.roles = roles(tables, permissions);
    cms
}

/// Drupal 8 and later.
pub(super) fn of_8(tables: Tables) -> Cms {
    let mut cms = Cms::empty(Platform::Drupal8, tables.prefix);
    let config = |name: &str| {
        let mut rows = tables.rows("config")?.iter();
        let is_own = |row: &&Row| {
            text(row, "name").as_deref() == Some(name)
                && bytes(row, "collection").is_none_or(<[u8]>::is_empty)
        };
        Value::parse(bytes(rows.find(is_own)?, "data")?)
    };
    let front = config("system.site");
    let front = front.as_ref().and_then(|site| site.get("page"));
    let front = front.and_then(|page| page.get("front")?.as_text());
    cms.front_page = front.map(|path| FrontPage {
        is_civicrm: is_civicrm(path.trim_start_matches('/'))
            || is_alias(tables, "path_alias", ["alias", "path"], &path)
            || is_alias(tables, "url_alias", ["alias", "source"], &path),
        path,
    });
    cms.roles = roles_of_8(tables);
    let state = tables.value("key_value", ["name", "value"], "system.maintenance_mode");
    cms.is_offline = tables
        .rows("key_value")
        .map(|_| state.is_some_and(|state| state.is_on()));
    let extensions = config("core.extension");
    let Some(modules) = extensions.as_ref().and_then(|it| it.get("module")) else {
        return cms;
    };
    let names: Vec<String> = modules
        .entries()
        .iter()
        .filter_map(|(name, _)| name.as_text())
        .collect();
    let is_on = names.iter().any(|name| name == "civicrm");
    // A module of Drupal 8 cannot be off and stay installed.
    cms.civicrm = Some(match is_on {
        true => ModuleState::On,
        false => ModuleState::NotInstalled,
    });
    let uses_civicrm = |name: &String| {
        name != "civicrm"
            && (name.starts_with("civicrm")
                || name.ends_with("_civicrm")
                || WITHOUT_DEPENDENCY.contains(&name.as_str()))
    };
    let (own, others): (Vec<String>, Vec<String>) = names.into_iter().partition(uses_civicrm);
    cms.integrations = Some(own.into_iter().map(named).collect());
    cms.others = others.into_iter().map(named).collect();
    cms
}

/// The roles of Drupal 8 and later, each a row of the configuration.
fn roles_of_8(tables: Tables) -> Option<Vec<Role>> {
    let rows = tables.rows("config")?.iter();
    let roles: Vec<Role> = rows
        .filter_map(|row| {
            let name = text(row, "name")?;
            let id = name.strip_prefix("user.role.")?;
            if bytes(row, "collection").is_some_and(|collection| !collection.is_empty()) {
                return None;
            }
            let data = Value::parse(bytes(row, "data")?)?;
            let permissions = data.get("permissions").map_or(&[][..], Value::entries);
            let permissions = permissions.iter().filter_map(|(_, name)| name.as_text());
            let label = data.get("label").and_then(Value::as_text);
            Some(Role {
                name: label.unwrap_or_else(|| id.to_owned()),
                permissions: permissions.collect(),
                is_anonymous: id == "anonymous",
                may_all: data.get("is_admin").is_some_and(Value::is_on),
                id: id.to_owned(),
            })
        })
        .collect();
    // There is no site without roles: then their rows are not there, or in a form that is not known.
    Some(roles).filter(|roles| !roles.is_empty())
}

/// Whether a path is another name of a page of CiviCRM.
fn is_alias(tables: Tables, table: &str, [alias, path]: [&str; 2], name: &str) -> bool {
    let mut rows = tables.rows(table).unwrap_or_default().iter();
    rows.any(|row| {
        let path = text(row, path).unwrap_or_default();
        text(row, alias).as_deref() == Some(name) && is_civicrm(path.trim_start_matches('/'))
    })
}

fn named(name: String) -> Module {
    Module {
        name,
        version: None,
        released: None,
    }
}

/// What Drupal 6, 7 and Backdrop have in common.
fn of_system(platform: Platform, tables: Tables) -> Cms {
    let mut cms = Cms::empty(platform, tables.prefix);
    cms.front_page = tables.rows("variable").map(|_| {
        let front = tables.value("variable", ["name", "value"], "site_frontpage");
        let front = front.and_then(|front| front.as_text());
        let path = front.unwrap_or_else(|| "node".to_owned());
        FrontPage {
            is_civicrm: is_civicrm(&path),
            path,
        }
    });
    // The menu is never empty, unless a dump has its structure alone.
    let menu = tables
        .snapshot
        .row_counts
        .get(&format!("{}menu_router", tables.prefix));
    cms.has_path = tables.rows("menu_router").and_then(|rows| {
        let mut rows = rows.iter();
        menu.map(|_| rows.any(|row| bytes(row, "path") == Some(b"civicrm")))
    });
    let Some(rows) = tables.rows("system") else {
        return cms;
    };
    let is_module = |row: &&Row| bytes(row, "type") == Some(b"module");
    let mut integrations = Vec::new();
    for row in rows.iter().filter(is_module) {
        let Some(name) = text(row, "name") else {
            continue;
        };
        let info = bytes(row, "info").and_then(Value::parse);
        let is_on = bytes(row, "status") == Some(b"1");
        if name == "civicrm" {
            let is_installed = text(row, "schema_version").is_some_and(|version| version != "-1");
            cms.civicrm = Some(match (is_on, is_installed) {
                (true, _) => ModuleState::On,
                (false, true) => ModuleState::Off,
                (false, false) => ModuleState::NotInstalled,
            });
        }
        let file = text(row, "filename").unwrap_or_default();
        if file.ends_with("/civicrm.module") {
            cms.civicrm_files.push(file);
        }
        let of_info = |key: &str| info.as_ref()?.get(key)?.as_text();
        if name == "system" {
            cms.version = of_info("version");
        }
        if !is_on || name == "civicrm" {
            continue;
        }
        let module = Module {
            version: of_info("version"),
            released: of_info("datestamp").and_then(|stamp| stamp.parse().ok()),
            name: name.clone(),
        };
        let package = of_info("package").unwrap_or_default();
        let needs = info.as_ref().and_then(|info| info.get("dependencies"));
        let mut needs = needs.map_or(&[][..], Value::entries).iter();
        let needs_civicrm = needs.any(|(_, needed)| {
            let needed = needed.as_text().unwrap_or_default();
            needed == "civicrm" || needed.starts_with("civicrm ") || needed.starts_with("civicrm(")
        });
        let is_integration =
            package == "CiviCRM" || needs_civicrm || WITHOUT_DEPENDENCY.contains(&name.as_str());
        match (is_integration, package.starts_with("Core")) {
            (true, _) => integrations.push(module),
            (false, false) => cms.others.push(module),
            (false, true) => {}
        }
    }
    cms.integrations = Some(integrations);
    cms
}

/// Whether a path of Drupal is a page of CiviCRM.
fn is_civicrm(path: &str) -> bool {
    path == "civicrm" || path.starts_with("civicrm/")
}

/// Whether a variable is on, which is off where it is not there; `None` where the table cannot be read.
fn variable(tables: Tables, name: &str) -> Option<bool> {
    tables.rows("variable")?;
    let value = tables.value("variable", ["name", "value"], name);
    Some(value.is_some_and(|value| value.is_on()))
}

/// The roles with their permissions, which are given as pairs of a role's number and a permission; `None` where either
/// cannot be read.
fn roles(tables: Tables, permissions: Option<Vec<(String, String)>>) -> Option<Vec<Role>> {
    let mut by_role: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (role, permission) in permissions? {
        by_role.entry(role).or_default().insert(permission);
    }
    let rows = tables.rows("role")?.iter();
    rows.map(|row| {
        let id = text(row, "rid")?;
        Some(Role {
            permissions: by_role.remove(&id).unwrap_or_default(),
            name: text(row, "name")?,
            is_anonymous: id == "1",
            may_all: false,
            id,
        })
    })
    .collect()
}
