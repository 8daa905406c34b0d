//! Finds what a table belongs to, by its name and by the site's own rows.

use std::collections::HashSet;

use super::catalogue::{Catalogue, Owner, State};
use super::site::{Site, TABLE_PREFIX};

/// What a table or view belongs to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// CiviCRM's core has it in this release.
    Core,
    /// An extension shipped with this release brings it.
    ShippedExtension(String),
    /// Core has it in other releases only.
    OtherRelease,
    /// Custom data: a table of `civicrm_custom_group`, or one named like those.
    CustomData,
    /// The log table of another table.
    Log,
    /// A view of CiviCRM: of one language of a table, of case activities or of SearchKit.
    View,
    /// An extension that is not shipped with CiviCRM, or no longer is.
    UnknownExtension,
    /// A temporary table, left by an import, an upgrade or a report, or a copy made by hand.
    Leftover,
    /// A table that the installer or a status check made to try what the server can do.
    Probe,
    /// The table does not belong to CiviCRM.
    Foreign,
}

impl Class {
    /// The class in words, to follow a number of tables: `3 custom data`.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Core => "core",
            Self::ShippedExtension(_) => "extension shipped with CiviCRM",
            Self::OtherRelease => "core of other releases",
            Self::CustomData => "custom data",
            Self::Log => "log",
            Self::View => "view",
            Self::UnknownExtension => "other extension",
            Self::Leftover => "temporary or left over",
            Self::Probe => "probe",
            Self::Foreign => "not of CiviCRM",
        }
    }
}

/// Tables that installers and status checks make.
const PROBES: [&str; 5] = [
    "civicrm_install_canary",
    "civicrm_install_temp_table_test",
    "civicrm_utf8mb4_test",
    "civicrm_domain_view",
    "civicrm_domain_trigger",
];

/// Beginnings of the names of temporary tables, from CRM/Utils/SQL/TempTable.php, the import and export of
/// contacts and the upgrader's snapshots.
const LEFTOVERS: [&str; 11] = [
    "civicrm_tmp_",
    "civicrm_temp_",
    "civicrm_import_job_",
    "civicrm_export_temp",
    "civicrm_task_action_temp",
    "civicrm_report_temp",
    "civicrm_searchresult_",
    "civireport_",
    "snap_civicrm_",
    "tmp_civicrm_",
    "temp_civicrm_",
];

/// Classifies the tables of one site in one release.
pub struct Classifier<'a> {
    catalogue: &'a Catalogue,
    state: &'a State,
    custom: HashSet<String>,
    locales: Vec<String>,
}

impl<'a> Classifier<'a> {
    /// Makes a classifier for the tables of `site`, in the release of `state`.
    pub fn new(catalogue: &'a Catalogue, state: &'a State, site: Option<&Site>) -> Self {
        let groups = site.map(|site| site.custom_groups.as_slice());
        Self {
            catalogue,
            state,
            custom: groups
                .unwrap_or_default()
                .iter()
                .map(|group| group.table.to_ascii_lowercase())
                .collect(),
            locales: site
                .map(|site| {
                    site.locales()
                        .iter()
                        .map(|l| l.to_ascii_lowercase())
                        .collect()
                })
                .unwrap_or_default(),
        }
    }

    /// The class of the table or view of this name. Letter case is ignored, because dumps cross servers with
    /// different `lower_case_table_names`.
    pub fn class(&self, table: &str) -> Class {
        let name = table.to_ascii_lowercase();
        if let Some(logged) = name.strip_prefix("log_")
            && self.class_unlogged(logged) != Class::Foreign
        {
            return Class::Log;
        }
        self.class_unlogged(&name)
    }

    /// Whether `civicrm_custom_group` names this table.
    pub fn is_custom_group(&self, table: &str) -> bool {
        self.custom.contains(&table.to_ascii_lowercase())
    }

    fn class_unlogged(&self, name: &str) -> Class {
        if let Some(history) = self.catalogue.history(name) {
            return match history.owner(self.state) {
                Some(Owner::Core) => Class::Core,
                Some(Owner::Extension(key)) => Class::ShippedExtension(key.clone()),
                None if history.is_of_core() => Class::OtherRelease,
                None => Class::UnknownExtension,
            };
        }
        let is_leftover = LEFTOVERS.iter().any(|start| name.starts_with(start))
            || name.starts_with("snap_") && name.contains("_v")
            || name.contains("_temp_")
            || name.ends_with("_bak")
            || name.ends_with("_backup");
        if self.custom.contains(name) || name.starts_with("civicrm_value_") {
            Class::CustomData
        } else if PROBES.contains(&name) {
            Class::Probe
        } else if is_leftover {
            Class::Leftover
        } else if self.is_view(name) {
            Class::View
        } else if name.starts_with(TABLE_PREFIX) {
            Class::UnknownExtension
        } else {
            Class::Foreign
        }
    }

    fn is_view(&self, name: &str) -> bool {
        let of_language = || {
            self.locales.iter().any(|locale| {
                name.strip_suffix(locale.as_str())
                    .and_then(|rest| rest.strip_suffix('_'))
                    .is_some_and(|table| self.catalogue.history(table).is_some())
            })
        };
        name.starts_with("civicrm_view_") || name.starts_with("civicrm_sk_") || of_language()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::civicrm::site::{CustomGroup, Domain};

    #[test]
    fn every_class_is_told_by_name_release_and_site() {
        let catalogue = Catalogue::embedded().unwrap();
        let site = Site {
            domains: Some(vec![Domain {
                locales: vec!["en_US".to_owned(), "fr_FR".to_owned()],
                ..Domain::default()
            }]),
            custom_groups: vec![CustomGroup {
                id: Some(1),
                fields: None,
                table: "Donor_Facts".to_owned(),
                extends: "Contact".to_owned(),
                is_multiple: false,
                is_active: true,
            }],
            logging: None,
            triggers_by_hand: false,
            extensions: None,
            upgrade_steps: Vec::new(),
        };
        let state = catalogue.state("5.81").unwrap();
        let classifier = Classifier::new(catalogue, state, Some(&site));
        let search_kit = Class::ShippedExtension("org.civicrm.search_kit".to_owned());
        for (name, class) in [
            ("civicrm_contact", Class::Core),
            ("CIVICRM_CONTACT", Class::Core),
            ("civicrm_search_display", search_kit),
            ("civicrm_persistent", Class::OtherRelease),
            ("donor_facts", Class::CustomData),
            ("civicrm_value_orphan_7", Class::CustomData),
            ("log_civicrm_contact", Class::Log),
            ("log_donor_facts", Class::Log),
            ("civicrm_product_fr_fr", Class::View),
            ("civicrm_my_extension", Class::UnknownExtension),
            ("snap_civicrm_v5_50_mailing", Class::Leftover),
            ("civicrm_tmp_d_dflt_1234", Class::Leftover),
            ("civicrm_install_canary", Class::Probe),
            ("log_visits", Class::Foreign),
            ("users", Class::Foreign),
        ] {
            assert_eq!(classifier.class(name), class, "{name}");
        }
    }
}
