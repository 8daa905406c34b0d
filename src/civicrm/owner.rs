//! Whose a table, view, routine or event is, in a database that CiviCRM may share with a CMS.
//!
//! [`Classifier`] tells it by name, release and the site's own rows. Where a name alone is not enough, foreign keys,
//! what views and programs use, and the CMS in the same database say more; what stays open is
//! [`Owner::Unknown`], so that nobody drops or forgets a table for a guess.

use std::cell::{OnceCell, RefCell};
use std::collections::{HashMap, HashSet};

use super::catalogue::{Catalogue, State};
use super::classify::{Class, Classifier};
use super::site::{NAMED_LIKE_CIVICRM, Site, TABLE_PREFIX};
use crate::schema::model::Schema;
use crate::schema::references::{User, users};

/// Whom something in a database belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Owner {
    /// It belongs to CiviCRM: its core, an extension, custom data, a log, or what these need.
    Civicrm,
    /// It belongs to the CMS, or to something else beside CiviCRM.
    Cms,
    /// Both need it, as they may a routine.
    Both,
    /// Nothing tells whose it is.
    Unknown,
}

/// Whom something belongs to, and the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ownership {
    /// Whom it belongs to.
    pub owner: Owner,
    /// What kind of table it is, in words.
    pub class: &'static str,
    /// Why, as a clause.
    pub why: String,
}

/// A table by which a CMS is known: the end of its name, and columns that it has.
struct Mark {
    cms: &'static str,
    table: &'static str,
    columns: &'static [&'static str],
}

/// From the installation scripts of the CMS; Drupal before 8, and Backdrop, share `system`.
const MARKS: [Mark; 7] = [
    Mark {
        cms: "Drupal",
        table: "system",
        columns: &["filename", "name", "type", "status", "schema_version"],
    },
    Mark {
        cms: "Drupal",
        table: "key_value",
        columns: &["collection", "name", "value"],
    },
    Mark {
        cms: "Drupal",
        table: "node",
        columns: &["nid"],
    },
    Mark {
        cms: "WordPress",
        table: "options",
        columns: &["option_id", "option_name", "option_value", "autoload"],
    },
    Mark {
        cms: "WordPress",
        table: "usermeta",
        columns: &["umeta_id", "user_id", "meta_key", "meta_value"],
    },
    Mark {
        cms: "Joomla",
        table: "extensions",
        columns: &["extension_id", "element", "folder", "enabled"],
    },
    Mark {
        cms: "Joomla",
        table: "components",
        columns: &["option", "enabled"],
    },
];

/// The CMS whose tables are in a schema, and the prefixes of their names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct CmsFound {
    name: &'static str,
    /// Prefixes in lower case; empty text where names have none.
    prefixes: Vec<String>,
}

/// Tells whose the objects of one database are.
pub struct Owners<'a> {
    classifier: Classifier<'a>,
    catalogue: &'a Catalogue,
    schema: &'a Schema,
    cms: Option<CmsFound>,
    users: Vec<User<'a>>,
    /// Tables and views, in lower case, that foreign keys tie to another table, with that table.
    ties: HashMap<String, String>,
    /// Index in `users` of each view, in lower case.
    views: HashMap<String, usize>,
    /// What was found out about tables and views, by name in lower case. A view that is being looked at has an entry
    /// already, so that views which stand on each other end.
    known: RefCell<HashMap<String, Ownership>>,
    /// The routines that triggers and views of CiviCRM call, and those that others call.
    needed: OnceCell<[HashSet<String>; 2]>,
}

impl<'a> Owners<'a> {
    /// Makes one for the objects of `schema`, in which `site` has tables of the release of `state`.
    pub fn new(
        catalogue: &'a Catalogue,
        state: &'a State,
        site: Option<&Site>,
        schema: &'a Schema,
    ) -> Self {
        let classifier = Classifier::new(catalogue, state, site);
        let users = users(schema);
        let views = users.iter().enumerate();
        let views = views.filter(|(_, user)| user.kind == "view");
        let views = views.map(|(at, user)| (user.name.to_lowercase(), at));
        let mut owners = Self {
            cms: cms_of(schema),
            views: views.collect(),
            ties: HashMap::new(),
            known: RefCell::default(),
            needed: OnceCell::new(),
            classifier,
            catalogue,
            schema,
            users,
        };
        owners.ties = owners.tied();
        owners
    }

    /// The foreign keys between tables of CiviCRM and others, by the other table.
    fn tied(&self) -> HashMap<String, String> {
        let mut ties = HashMap::new();
        for (name, table) in &self.schema.tables {
            for key in table.foreign_keys.values() {
                let parent = &key.referenced_table;
                if key.referenced_database.is_some() {
                    continue;
                }
                for (one, other) in [(name, parent), (parent, name)] {
                    let by_name = self
                        .by_name(other)
                        .is_some_and(|it| it.owner == Owner::Civicrm);
                    if by_name {
                        ties.entry(one.to_lowercase()).or_insert(other.clone());
                    }
                }
            }
        }
        ties
    }

    /// The name of the CMS whose tables are in the database; `None` where there are none that tell.
    pub fn cms(&self) -> Option<&'static str> {
        self.cms.as_ref().map(|cms| cms.name)
    }

    /// The triggers, views, routines and events of the database, with what they use.
    pub fn users(&self) -> &[User<'a>] {
        &self.users
    }

    /// The class of a table or view by its name.
    pub fn class(&self, name: &str) -> Class {
        self.classifier.class(name)
    }

    /// Whose the table or view of this name is. It need not be there.
    pub fn table(&self, name: &str) -> Ownership {
        let key = name.to_lowercase();
        if let Some(known) = self.known.borrow().get(&key) {
            return known.clone();
        }
        let in_circle = Ownership {
            owner: Owner::Unknown,
            class: Class::View.as_str(),
            why: "it stands on itself".to_owned(),
        };
        self.known.borrow_mut().insert(key.clone(), in_circle);
        let found = self.find(name, &key);
        self.known.borrow_mut().insert(key, found.clone());
        found
    }

    fn find(&self, name: &str, key: &str) -> Ownership {
        if let Some(known) = self.by_name(name) {
            return known;
        }
        let class = match self.class(name) {
            Class::Log => Class::Log.as_str(),
            Class::UnknownExtension => Class::UnknownExtension.as_str(),
            _ => Class::Foreign.as_str(),
        };
        let found = |owner, why: String| Ownership { owner, class, why };
        let base = key
            .strip_prefix("log_")
            .filter(|_| class == Class::Log.as_str());
        if let Some(base) = base {
            return Ownership {
                class,
                ..self.table(base)
            };
        }
        if let Some(view) = self.views.get(key).and_then(|&at| self.users.get(at)) {
            return Ownership {
                class: Class::View.as_str(),
                ..self.by_uses(view)
            };
        }
        let tie = self.ties.get(key);
        if key.starts_with(TABLE_PREFIX) {
            return match tie {
                Some(tie) => found(Owner::Civicrm, format!("a foreign key ties it to {tie}")),
                None => found(
                    Owner::Unknown,
                    "it is named like CiviCRM's, but no release has it and nothing ties it to those".to_owned(),
                ),
            };
        }
        if let Some(tie) = tie {
            return found(Owner::Unknown, format!("a foreign key ties it to {tie}"));
        }
        match &self.cms {
            Some(cms) if cms.prefixes.iter().any(|prefix| key.starts_with(prefix)) => {
                let why = format!("{} is in the same database", cms.name);
                found(Owner::Cms, why)
            }
            Some(cms) => {
                let why = format!("it has not the prefix of {}'s tables", cms.name);
                found(Owner::Unknown, why)
            }
            None => found(
                Owner::Unknown,
                "no table tells of a CMS in this database".to_owned(),
            ),
        }
    }

    /// Whose a table is where its name, the release and the site's own rows tell; otherwise `None`.
    fn by_name(&self, name: &str) -> Option<Ownership> {
        let key = name.to_lowercase();
        if NAMED_LIKE_CIVICRM.iter().any(|end| key.ends_with(end)) {
            return Some(Ownership {
                owner: Owner::Cms,
                class: Class::Foreign.as_str(),
                why: "a module of Drupal has a table of this name".to_owned(),
            });
        }
        let class = self.class(name);
        let why = match &class {
            Class::Core => "the release has it".to_owned(),
            Class::ShippedExtension(key) => format!("it is of the extension {key}"),
            Class::OtherRelease => "other releases have it".to_owned(),
            Class::CustomData if self.classifier.is_custom_group(name) => {
                "civicrm_custom_group names it".to_owned()
            }
            Class::CustomData => "it is named like custom data".to_owned(),
            Class::View => "CiviCRM makes views of this name".to_owned(),
            Class::Probe => "CiviCRM makes it to try what the server can do".to_owned(),
            Class::Log => {
                let base = key.strip_prefix("log_")?;
                let of = self.by_name(base)?;
                return Some(Ownership {
                    class: class.as_str(),
                    why: format!("it is the log of {base}"),
                    ..of
                });
            }
            Class::UnknownExtension if self.catalogue.history(&key).is_some() => {
                "an extension that CiviCRM has shipped has it".to_owned()
            }
            Class::Leftover if ["civicrm", "civireport"].iter().any(|it| key.contains(it)) => {
                "CiviCRM, or a person who copied a table of it, left it".to_owned()
            }
            Class::UnknownExtension | Class::Leftover | Class::Foreign => return None,
        };
        Some(Ownership {
            owner: Owner::Civicrm,
            class: class.as_str(),
            why,
        })
    }

    /// Whose a view, routine or event is by the tables that it uses.
    fn by_uses(&self, user: &User) -> Ownership {
        let class = user.kind;
        let found = |owner, why: String| Ownership { owner, class, why };
        let mut civicrm = None;
        let mut other = None;
        for table in &user.uses.tables {
            let owner = self.table(&table.name).owner;
            if owner != Owner::Cms {
                civicrm = Some(&table.name);
            }
            if owner != Owner::Civicrm {
                other = Some(&table.name);
            }
        }
        match (civicrm, other) {
            (Some(one), None) => found(
                Owner::Civicrm,
                format!("it uses {one} and no other's tables"),
            ),
            (None, Some(one)) => {
                found(Owner::Cms, format!("it uses {one} and no table of CiviCRM"))
            }
            (Some(one), Some(other)) if one != other => {
                found(Owner::Unknown, format!("it uses {one} and {other}"))
            }
            (Some(one), Some(_)) => found(Owner::Unknown, format!("it uses {one}")),
            (None, None) => found(Owner::Unknown, "it uses no table".to_owned()),
        }
    }

    /// Whose a trigger, view, routine or event is.
    pub fn program(&self, user: &User) -> Ownership {
        let class = user.kind;
        if let Some(table) = user.table {
            let of = self.table(table);
            let why = format!("it belongs to {table}");
            return Ownership { class, why, ..of };
        }
        if class == "view" {
            return self.table(user.name);
        }
        if class != "event" {
            let name = user.name.to_lowercase();
            let find = || [Owner::Civicrm, Owner::Cms].map(|owner| self.needed_by(owner));
            let [civicrm, cms] = self.needed.get_or_init(find);
            let (civicrm, cms) = (civicrm.contains(&name), cms.contains(&name));
            let named = name.starts_with(TABLE_PREFIX);
            let owner = match (civicrm || named, cms) {
                (true, false) => Some((
                    Owner::Civicrm,
                    "triggers or views of CiviCRM call it, or it is named so",
                )),
                (false, true) => Some((Owner::Cms, "triggers or views of the CMS call it")),
                (true, true) => Some((
                    Owner::Both,
                    "triggers or views of CiviCRM and of the CMS call it",
                )),
                (false, false) => None,
            };
            if let Some((owner, why)) = owner {
                let why = why.to_owned();
                return Ownership { owner, class, why };
            }
        }
        self.by_uses(user)
    }

    /// The routines, in lower case, that triggers and views of one owner call.
    fn needed_by(&self, owner: Owner) -> HashSet<String> {
        let callers = self.users.iter().filter(|user| match user.table {
            Some(table) => self.table(table).owner == owner,
            None => user.kind == "view" && self.table(user.name).owner == owner,
        });
        self.called_by(callers)
    }

    /// The routines, in lower case, that these call, and those that these routines call themselves.
    pub fn called_by<'u>(&self, callers: impl Iterator<Item = &'u User<'a>>) -> HashSet<String>
    where
        'a: 'u,
    {
        let called = |user: &User| -> Vec<String> {
            let names = user.uses.functions.iter().chain(&user.uses.procedures);
            names.map(|name| name.name.to_lowercase()).collect()
        };
        let mut waiting: Vec<String> = callers.flat_map(called).collect();
        let mut found = HashSet::new();
        while let Some(name) = waiting.pop() {
            if !found.insert(name.clone()) {
                continue;
            }
            let routines = self.users.iter().filter(|user| {
                matches!(user.kind, "function" | "procedure")
                    && user.name.eq_ignore_ascii_case(&name)
            });
            waiting.extend(routines.flat_map(called));
        }
        found
    }
}

/// The CMS whose tables are in a schema.
fn cms_of(schema: &Schema) -> Option<CmsFound> {
    let mut found: Option<CmsFound> = None;
    for mark in &MARKS {
        for (name, table) in &schema.tables {
            let key = name.to_lowercase();
            let has = |column: &&str| {
                table
                    .columns
                    .keys()
                    .any(|it| it.eq_ignore_ascii_case(column))
            };
            let Some(prefix) = key.strip_suffix(mark.table) else {
                continue;
            };
            // A name such as `civicrm_extensions` is none of a CMS.
            if prefix.starts_with("civicrm") || !mark.columns.iter().all(has) {
                continue;
            }
            let cms = found.get_or_insert(CmsFound {
                name: mark.cms,
                prefixes: Vec::new(),
            });
            if cms.name != mark.cms {
                continue;
            }
            let is_whole = prefix.is_empty() || prefix.ends_with('_');
            if is_whole && !cms.prefixes.iter().any(|known| known == prefix) {
                cms.prefixes.push(prefix.to_owned());
            }
        }
    }
    found.filter(|cms| !cms.prefixes.is_empty())
}
