//! The CMS of a site as its tables describe it.

use super::platform::Platform;
use super::roles::Role;
use super::rows::{Tables, text};
use super::users::{self, Users};
use super::{drupal, joomla, wordpress};
use crate::snapshot::Snapshot;

/// The CMS of a site as its tables describe it.
#[derive(Clone, Debug)]
pub struct Cms {
    /// Which CMS it is.
    pub platform: Platform,
    /// What stands before the names of its tables.
    pub prefix: String,
    /// The version of its code, where the tables say it.
    pub version: Option<String>,
    /// Its front page; `None` where the tables do not say, or cannot be read.
    pub front_page: Option<FrontPage>,
    /// Whether it is in maintenance mode; `None` where the tables do not say.
    pub is_offline: Option<bool>,
    /// The state of CiviCRM's own module or plugin; `None` where that is not known.
    pub civicrm: Option<ModuleState>,
    /// The files of modules named civicrm, from the root of the CMS.
    pub civicrm_files: Vec<String>,
    /// Modules that are on and belong to CiviCRM or use it, without CiviCRM itself; `None` where that is not known.
    pub integrations: Option<Vec<Module>>,
    /// Other modules that are on, where the tables say it.
    pub others: Vec<Module>,
    /// Whether the names of modules alone tell which use CiviCRM, so that there may be others.
    pub names_only: bool,
    /// The roles and what they may do in CiviCRM; `None` where that is not known.
    pub roles: Option<Vec<Role>>,
    /// Whether the CMS has the path `civicrm` in its own menu; `None` where it has no such menu, or its rows are not there.
    pub has_path: Option<bool>,
    /// The accounts.
    pub users: Users,
}

/// The front page of a site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrontPage {
    /// What the CMS has for it, such as a path.
    pub path: String,
    /// Whether that is a page of CiviCRM.
    pub is_civicrm: bool,
}

/// The state of a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModuleState {
    /// It is installed and on.
    On,
    /// It is installed and off.
    Off,
    /// It is not installed.
    NotInstalled,
}

/// A module or plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Module {
    /// Its name for machines.
    pub name: String,
    /// Its version, where the tables say it.
    pub version: Option<String>,
    /// The time of its release in seconds since 1970, where the tables say it.
    pub released: Option<i64>,
}

/// Tables by which a CMS is known: the end of the name, the columns, and the CMS.
const SIGNATURES: [(&str, &[&str], Platform); 6] = [
    (
        "system",
        &["filename", "name", "type", "status", "throttle", "info"],
        Platform::Drupal6,
    ),
    (
        "system",
        &[
            "filename",
            "name",
            "type",
            "status",
            "schema_version",
            "info",
        ],
        Platform::Drupal7,
    ),
    ("config", &["collection", "name", "data"], Platform::Drupal8),
    (
        "options",
        &["option_id", "option_name", "option_value"],
        Platform::WordPress,
    ),
    (
        "extensions",
        &["extension_id", "type", "element", "folder", "enabled"],
        Platform::Joomla,
    ),
    ("user_role", &["user_id", "role_id"], Platform::Standalone),
];

impl Cms {
    /// The CMS whose tables are beside those of CiviCRM, or in the database that the source has for them; `None` where
    /// there are none, or the settings file names another CMS than they are of.
    ///
    /// # Errors
    /// There are those of several sites, and neither the settings file nor the tables tell which is CiviCRM's: which they are,
    /// as a clause.
    pub fn of(snapshot: &Snapshot) -> Result<Option<Self>, String> {
        let named = snapshot.cms_named.as_deref().and_then(Platform::of_name);
        if let Some(Ok(other)) = &snapshot.cms_database
            && let Some(found) = Self::of_database(other, named)?
        {
            return Ok(Some(found));
        }
        Self::of_database(snapshot, named)
    }

    /// The CMS whose tables are in one database.
    fn of_database(snapshot: &Snapshot, wanted: Option<Platform>) -> Result<Option<Self>, String> {
        let mut found: Vec<Self> = Vec::new();
        for name in snapshot.schema.tables.keys() {
            for (end, columns, platform) in SIGNATURES {
                let Some(prefix) = name.strip_suffix(end) else {
                    continue;
                };
                let tables = Tables { snapshot, prefix };
                let is_known = found
                    .iter()
                    .any(|known| known.prefix == prefix && known.platform != Platform::Standalone);
                if !tables.has(end, columns) || is_known {
                    continue;
                }
                found.extend(Self::read(platform, tables));
            }
        }
        if let Some(wanted) = wanted {
            let is_there = found.iter().any(|cms| cms.platform == wanted);
            // CiviCRM has called all kinds of Drupal by one name in some releases.
            let is_similar = |it: Platform| !is_there && it.is_drupal() && wanted.is_drupal();
            found.retain(|cms| cms.platform == wanted || is_similar(cms.platform));
        }
        let named: Vec<usize> = (0..found.len())
            .filter(|at| found.get(*at).is_some_and(Self::names_civicrm))
            .collect();
        match (&named[..], found.len()) {
            ([one], _) => Ok(Some(found.swap_remove(*one))),
            ([], 0 | 1) => Ok(found.pop()),
            _ => {
                let found: Vec<String> = found.iter().map(Self::with_prefix).collect();
                let found = found.join(", ");
                let why = "and nothing tells in which of them CiviCRM is";
                Err(format!("there are tables of several CMS ({found}), {why}"))
            }
        }
    }

    /// Its name, with the prefix of its tables.
    fn with_prefix(&self) -> String {
        let name = self.platform.name();
        match self.prefix.as_str() {
            "" => name.to_owned(),
            prefix => format!("{name} with the prefix {prefix}"),
        }
    }

    /// Reads the tables of a CMS.
    fn read(platform: Platform, tables: Tables) -> Option<Self> {
        let mut cms = match platform {
            Platform::Drupal6 => drupal::of_6(tables),
            Platform::Drupal7 => drupal::of_7(tables),
            Platform::Drupal8 => drupal::of_8(tables),
            Platform::Backdrop => return None,
            Platform::WordPress => wordpress::of(tables),
            Platform::Joomla => joomla::of(tables),
            Platform::Standalone if tables.prefix == "civicrm_" => Self::standalone(tables),
            Platform::Standalone => return None,
        };
        cms.users = users::of(cms.platform, tables);
        Some(cms)
    }

    /// CiviCRM Standalone, whose roles are in a table of CiviCRM.
    fn standalone(tables: Tables) -> Self {
        let mut cms = Self::empty(Platform::Standalone, "");
        let rows = tables.rows("role").filter(|rows| !rows.is_empty());
        cms.roles = rows.map(|rows| {
            let role = |row| {
                let name = text(row, "name")?;
                let permissions = text(row, "permissions").unwrap_or_default();
                let permissions = permissions.split('\u{1}').map(str::to_owned);
                Some(Role {
                    id: text(row, "id")?,
                    permissions: permissions.filter(|it| !it.is_empty()).collect(),
                    is_anonymous: name == "everyone",
                    may_all: false,
                    name,
                })
            };
            rows.iter().filter_map(role).collect()
        });
        cms
    }

    /// A CMS of which nothing is known.
    pub(super) fn empty(platform: Platform, prefix: &str) -> Self {
        Self {
            platform,
            prefix: prefix.to_owned(),
            version: None,
            front_page: None,
            is_offline: None,
            civicrm: None,
            civicrm_files: Vec::new(),
            integrations: None,
            others: Vec::new(),
            names_only: !matches!(
                platform,
                Platform::Drupal6 | Platform::Drupal7 | Platform::Backdrop
            ),
            roles: None,
            has_path: None,
            users: Users::NotKnown(String::new()),
        }
    }

    /// Whether its tables speak of CiviCRM. Those of WordPress name the plugins that are on alone: one that is off may as
    /// well never have been there.
    fn names_civicrm(&self) -> bool {
        match self.civicrm {
            Some(ModuleState::On) => true,
            Some(ModuleState::Off) => self.platform != Platform::WordPress,
            Some(ModuleState::NotInstalled) | None => self.platform == Platform::Standalone,
        }
    }

    /// Whether a module is on, by its name.
    pub fn has_on(&self, name: &str) -> bool {
        let of_civicrm = self.integrations.iter().flatten();
        let mut all = of_civicrm.chain(&self.others);
        all.any(|module| module.name == name)
    }

    /// The roles that have a permission; `None` where the roles are not known.
    pub fn roles_with(&self, permission: &str) -> Option<Vec<&str>> {
        let roles = self.roles.as_ref()?;
        let with = roles.iter().filter(|role| role.may(permission));
        Some(with.map(|role| role.name.as_str()).collect())
    }
}
