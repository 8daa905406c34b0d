//! What the rows of CiviCRM's own tables say about a site.

use super::catalogue::Catalogue;
pub use super::rows_wanted::ROWS_WANTED;
use crate::civicrm::release::Version;
use crate::snapshot::{Row, Snapshot};

/// The beginning of the names of CiviCRM's tables.
pub const TABLE_PREFIX: &str = "civicrm_";

/// The beginning of the names of tables that hold custom data.
const CUSTOM_PREFIX: &str = "civicrm_value_";

/// By what names the database of a site is told among others of one dump, the surest first: that of
/// `civicrm_domain`, and those that begin as CiviCRM's do.
pub const MARKS: [fn(&str) -> bool; 2] = [
    |table| table == "civicrm_domain",
    |table| table.starts_with(TABLE_PREFIX),
];

/// Tables of Drupal modules that are named like those of CiviCRM; a prefix of Drupal may stand before the name. They
/// are those of the modules CiviGroup Roles Sync and CiviMember Roles Sync.
pub const NAMED_LIKE_CIVICRM: [&str; 2] =
    ["civicrm_group_roles_rules", "civicrm_member_roles_rules"];

/// A CiviCRM site as its database describes it.
#[derive(Clone, Debug)]
pub struct Site {
    /// The rows of `civicrm_domain` in order; `None` when they cannot be read.
    pub domains: Option<Vec<Domain>>,
    /// The groups of custom fields, each with a table of its own.
    pub custom_groups: Vec<CustomGroup>,
    /// Whether detailed logging is switched on; `None` where the settings do not say.
    pub logging: Option<bool>,
    /// Whether setting `logging_no_trigger_permission` is on (4.7.7 and later): an administrator creates the
    /// triggers, and CiviCRM does not.
    pub triggers_by_hand: bool,
    /// Keys of the extensions that are installed, enabled or not; `None` when that is not known.
    pub extensions: Option<Vec<String>>,
    /// The steps that the upgrader recorded in `civicrm_log`, oldest first: `upgrade:4.7.31->5.0.alpha1`.
    pub upgrade_steps: Vec<String>,
}

/// A row of `civicrm_domain`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Domain {
    /// The value of column `id`.
    pub id: Option<u64>,
    /// The value of column `version` as stored; `None` is NULL.
    pub version: Option<String>,
    /// The languages of a multilingual site, such as `en_US`; empty on other sites. Of very many the first
    /// [`MAX_LOCALES`] are kept.
    pub locales: Vec<String>,
    /// How many more there are.
    pub locales_left_out: usize,
}

/// The most languages of a site that are looked at. CiviCRM knows about 90; each makes columns and views of its own, so
/// that a row which names a hundred thousand would take gigabytes.
const MAX_LOCALES: usize = 200;

/// A row of `civicrm_custom_group`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomGroup {
    /// The value of column `id`.
    pub id: Option<u64>,
    /// The name of the table that holds the group's data.
    pub table: String,
    /// The kind of entity that the group extends: `Contact`, `Individual`, `Activity`, …
    pub extends: String,
    /// Whether one entity may have several records in the group.
    pub is_multiple: bool,
    /// Whether the group is in use.
    pub is_active: bool,
    /// The group's fields, in use or not; `None` where the rows of `civicrm_custom_field` are not known.
    pub fields: Option<Vec<CustomField>>,
}

/// A row of `civicrm_custom_field`: a column of the group's table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomField {
    /// The name of the column.
    pub column: String,
    /// The kind of values: `String`, `Int`, `Date`, `ContactReference`, …
    pub data_type: String,
    /// Whether a value can be several choices, which are kept as one text.
    pub is_multiple: bool,
    /// Whether a value has to be given.
    pub is_required: bool,
    /// The longest text, in characters; `None` where the field does not say.
    pub text_length: Option<u32>,
    /// What becomes of a row when what the field refers to is deleted: `set_null`, `cascade`, `restrict`; `None` before
    /// 5.71, whose step 5.71.alpha1 adds it (`fk_entity_on_delete`).
    pub on_delete: Option<String>,
}

impl Site {
    /// Reads the site out of a snapshot; `None` when the database holds no table that a release of CiviCRM has, and no
    /// custom data. Modules of a CMS have tables with the same beginning: `civicrm_event__field_image`,
    /// `civicrm_entity_settings`.
    pub fn of(snapshot: &Snapshot, catalogue: &Catalogue) -> Option<Self> {
        let is_civicrm = |name: &String| {
            name.starts_with(TABLE_PREFIX)
                && (catalogue.history(name).is_some() || name.starts_with(CUSTOM_PREFIX))
        };
        let schema = &snapshot.schema;
        if !schema.tables.keys().any(is_civicrm) && !snapshot.row_counts.keys().any(is_civicrm) {
            return None;
        }
        let rows = |table: &str| snapshot.rows.get(table).map(Vec::as_slice);
        let is_hidden = |table: &str| snapshot.rows_hidden.contains_key(table);
        let domain_rows = match rows("civicrm_domain") {
            Some(rows) => Some(rows),
            None if is_hidden("civicrm_domain") => None,
            // No row was kept: the table is empty, unless rows were counted that could not be read.
            None if !snapshot.row_counts.contains_key("civicrm_domain") => {
                schema.table("civicrm_domain").map(|_| &[][..])
            }
            None => None,
        };
        let settings = rows("civicrm_setting").unwrap_or_default();
        // Of very many rows a dump gives only the first.
        let fields = rows("civicrm_custom_field").filter(|rows| {
            let counted = snapshot.row_counts.get("civicrm_custom_field");
            snapshot.dump.is_none() || counted == Some(&(rows.len() as u64))
        });
        Some(Self {
            domains: domain_rows.map(|rows| rows.iter().map(Domain::of).collect()),
            custom_groups: rows("civicrm_custom_group")
                .unwrap_or_default()
                .iter()
                .filter_map(|row| CustomGroup::of(row, fields))
                .collect(),
            logging: setting(settings, "logging")
                .or_else(|| domain_rows?.iter().find_map(logging_in_config_backend)),
            triggers_by_hand: setting(settings, "logging_no_trigger_permission").unwrap_or(false),
            // A dump without any rows, or whose rows of this table could not be read, does not say.
            extensions: rows("civicrm_extension")
                .or_else(|| {
                    let counted = snapshot.row_counts.contains_key("civicrm_extension");
                    (!snapshot.row_counts.is_empty() && !counted && !is_hidden("civicrm_extension"))
                        .then_some(&[][..])
                })
                .map(|rows| {
                    rows.iter()
                        .filter_map(|row| text(row, "full_name"))
                        .collect()
                }),
            upgrade_steps: rows("civicrm_log")
                .unwrap_or_default()
                .iter()
                .filter_map(|row| text(row, "data"))
                .filter(|data| data.starts_with("upgrade:"))
                .collect(),
        })
    }

    /// The version of the first domain; `None` where the value is not a version at all.
    pub fn declared_version(&self) -> Option<Version> {
        let domain = self.domains.as_ref()?.first()?;
        Version::parse(domain.version.as_deref()?)
    }

    /// The languages of a multilingual site; empty on other sites.
    pub fn locales(&self) -> &[String] {
        self.domains
            .iter()
            .flatten()
            .map(|domain| domain.locales.as_slice())
            .find(|locales| !locales.is_empty())
            .unwrap_or_default()
    }
}

impl Site {
    /// How many languages of a domain are not looked at, because there are too many; 0 on real sites.
    pub fn locales_left_out(&self) -> usize {
        let domains = self.domains.iter().flatten();
        domains
            .map(|domain| domain.locales_left_out)
            .max()
            .unwrap_or_default()
    }
}

impl Domain {
    fn of(row: &Row) -> Self {
        let locales = text(row, "locales").unwrap_or_default();
        // CiviCRM separates the codes with byte 1.
        let mut codes = locales.split('\u{1}').filter(|code| !code.is_empty());
        Self {
            id: text(row, "id").and_then(|id| id.parse().ok()),
            version: text(row, "version"),
            locales: codes
                .by_ref()
                .take(MAX_LOCALES)
                .map(str::to_owned)
                .collect(),
            locales_left_out: codes.count(),
        }
    }
}

impl CustomGroup {
    /// The group of a row, with its fields among the rows of `civicrm_custom_field`, where those are known.
    fn of(row: &Row, fields: Option<&[Row]>) -> Option<Self> {
        let id = text(row, "id");
        let is_own = |field: &&Row| id.is_some() && text(field, "custom_group_id") == id;
        let of_group = |fields: &[Row]| {
            let own = fields.iter().filter(is_own);
            own.filter_map(CustomField::of).collect()
        };
        Some(Self {
            id: id.as_ref().and_then(|id| id.parse().ok()),
            fields: fields.map(of_group),
            table: text(row, "table_name")?,
            extends: text(row, "extends").unwrap_or_default(),
            is_multiple: text(row, "is_multiple").is_some_and(|value| value != "0"),
            is_active: text(row, "is_active").is_none_or(|value| value != "0"),
        })
    }
}

impl CustomField {
    fn of(row: &Row) -> Option<Self> {
        let is_on = |column| text(row, column).is_some_and(|value| value != "0");
        let input = text(row, "html_type").unwrap_or_default();
        Some(Self {
            column: text(row, "column_name")?,
            data_type: text(row, "data_type").unwrap_or_default(),
            // Column `serialize` came with 5.27; before, the kind of input told.
            is_multiple: is_on("serialize")
                || input == "CheckBox"
                || input.contains("Multi-Select"),
            is_required: is_on("is_required"),
            text_length: text(row, "text_length").and_then(|length| length.parse().ok()),
            on_delete: text(row, "fk_entity_on_delete"),
        })
    }
}

fn text(row: &Row, column: &str) -> Option<String> {
    let value = row.get(column)?.as_deref()?;
    Some(String::from_utf8_lossy(value).into_owned())
}

/// A yes-or-no setting; `civicrm_setting.value` is serialized by PHP: `i:1;`, `s:1:"1";`, `b:1;`.
fn setting(rows: &[Row], name: &str) -> Option<bool> {
    let row = rows
        .iter()
        .find(|row| text(row, "name").as_deref() == Some(name))?;
    let value = text(row, "value")?;
    let value = value.trim_end_matches(';');
    let scalar = value.rsplit(':').next()?.trim_matches('"');
    Some(!matches!(scalar, "" | "0" | "N"))
}

/// Up to 4.6 the switch is a key of the serialized `civicrm_domain.config_backend`.
fn logging_in_config_backend(row: &Row) -> Option<bool> {
    let config = text(row, "config_backend")?;
    let (_, value) = config.split_once("s:7:\"logging\";")?;
    Some(
        ["i:1;", "s:1:\"1\";", "b:1;"]
            .iter()
            .any(|on| value.starts_with(on)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(columns: &[(&str, &str)]) -> Row {
        columns
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Some(value.as_bytes().to_vec())))
            .collect()
    }

    fn snapshot(table: &str, rows: Vec<Row>) -> Snapshot {
        let mut snapshot = Snapshot::default();
        snapshot.row_counts.insert("civicrm_domain".into(), 1);
        snapshot.rows.insert(table.into(), rows);
        snapshot
    }

    fn catalogue() -> &'static Catalogue {
        Catalogue::embedded().unwrap()
    }

    #[test]
    fn tables_of_a_cms_that_are_named_like_civicrms_make_no_site() {
        for table in [
            "civicrm_event__field_image",
            "civicrm_event_revision__field_image",
            "civicrm_member_roles_rules",
            "civicrm_member_roles",
            "civicrm_entity_settings",
        ] {
            let mut snapshot = Snapshot::default();
            snapshot.row_counts.insert(table.into(), 1);
            assert!(Site::of(&snapshot, catalogue()).is_none(), "{table}");
        }
        for table in [
            "civicrm_contact",
            "civicrm_value_a__b_1",
            "civicrm_activity_target",
        ] {
            let mut snapshot = Snapshot::default();
            snapshot.row_counts.insert(table.into(), 1);
            assert!(Site::of(&snapshot, catalogue()).is_some(), "{table}");
        }
    }

    #[test]
    fn locales_are_split_at_the_separator_byte() {
        let rows = vec![row(&[
            ("id", "1"),
            ("locales", "\u{1}en_US\u{1}fr_FR\u{1}"),
        ])];
        let site = Site::of(&snapshot("civicrm_domain", rows), catalogue()).unwrap();
        assert_eq!(site.locales(), ["en_US", "fr_FR"]);
    }

    #[test]
    fn serialized_settings_are_understood() {
        for (value, on) in [
            ("i:1;", true),
            ("s:1:\"1\";", true),
            ("b:1;", true),
            ("i:0;", false),
            ("s:0:\"\";", false),
            ("N;", false),
        ] {
            let rows = vec![row(&[("name", "logging"), ("value", value)])];
            let site = Site::of(&snapshot("civicrm_setting", rows), catalogue()).unwrap();
            assert_eq!(site.logging, Some(on), "{value}");
        }
    }

    #[test]
    fn a_database_without_civicrm_tables_is_no_site() {
        assert!(Site::of(&Snapshot::default(), catalogue()).is_none());
    }
}
