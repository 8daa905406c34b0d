//! The age of a difference: the releases that have an object as the database has it.
//!
//! CiviCRM's upgrades change what a release needs changed and leave the rest as earlier releases made it, so a
//! database that was upgraded for years is never like a fresh one. An object as an earlier release defined it,
//! or as an upgrade step is known to have written it ([`MEASURED`]), is inherited, not damaged.

use super::catalogue::{Catalogue, Dated, State, States, TableHistory};
use super::multilingual;
use super::reference::is_locale;
use crate::schema::compare::{
    ColumnAspect, Difference, DifferenceKind as Kind, column_aspects, foreign_key_rules,
    index_aspects, same_ends,
};
use crate::schema::model::{self, Schema, Table, find};

/// The releases in which an object was as the database has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Age {
    /// The origin of the object as the database has it.
    pub origin: Origin,
    /// The states that have the object as the database has it; for an object that the database lacks, the
    /// states that have the object.
    pub states: States,
}

/// A difference and its age.
#[derive(Clone, Debug)]
pub struct Aged {
    /// The difference itself.
    pub difference: Difference,
    /// The age of the difference.
    pub age: Age,
}

/// The origin of an object as the database has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// An earlier release had the object so.
    Earlier,
    /// Only later releases have the object so.
    Later,
    /// An upgrade step wrote the object so.
    UpgradeStep,
    /// No release has the object so.
    Nowhere,
    /// The object belongs to a table of custom data, which no release declares.
    CustomData,
}

/// Objects that upgrade steps of CiviCRM wrote differently from every release's own definition: table, object,
/// and how the actual side's definition begins. Measured by running the upgrade code of 5.33.2 and 5.81.2 on
/// databases of eight earlier releases.
const MEASURED: &[(&str, &str, &str)] = &[
    ("civicrm_contact", "index_image_URL_128", "KEY"),
    (
        "civicrm_contribution_page",
        "adjust_recur_start_date",
        "tinyint NOT NULL",
    ),
    ("civicrm_contribution_recur", "amount", "decimal(20,2) NULL"),
    (
        "civicrm_custom_group",
        "collapse_adv_display",
        "tinyint unsigned NULL",
    ),
    (
        "civicrm_custom_group",
        "collapse_display",
        "tinyint unsigned NULL",
    ),
    ("civicrm_event", "selfcancelxfer_time", "int NULL"),
    (
        "civicrm_file",
        "FK_civicrm_file_created_id",
        "(`created_id`) REFERENCES `civicrm_contact` (`id`) ON DELETE SET NULL ON UPDATE CASCADE",
    ),
    (
        "civicrm_financial_trxn",
        "UI_ftrxn_trxn_id",
        "KEY (`trxn_id`)",
    ),
    ("civicrm_group", "name", "varchar(255)"),
    ("civicrm_line_item", "qty", "decimal(20,2) NULL"),
    (
        "civicrm_mail_settings",
        "is_contact_creation_disabled_if_no_match",
        "tinyint NOT NULL",
    ),
    (
        "civicrm_mail_settings",
        "is_non_case_email_skipped",
        "tinyint NOT NULL",
    ),
    (
        "civicrm_mail_settings",
        "is_ssl",
        "tinyint NOT NULL DEFAULT '1'",
    ),
    ("civicrm_mailing", "status", "varchar(12) NULL"),
    (
        "civicrm_mailing_event_queue",
        "FK_civicrm_mailing_event_queue_mailing_id",
        "(`mailing_id`)",
    ),
    ("civicrm_note", "created_date", "timestamp NULL"),
    ("civicrm_note", "modified_date", "timestamp NULL"),
    ("civicrm_option_value", "label", "varchar(512) NULL"),
    ("civicrm_payment_processor", "title", "text NULL"),
    ("civicrm_payment_token", "created_date", "timestamp NULL"),
    ("civicrm_pcp", "is_notify", "int NOT NULL"),
    ("civicrm_pcp_block", "owner_notify_id", "int NULL"),
    ("civicrm_queue", "civicrm_queue", "utf8mb4"),
    ("civicrm_report_instance", "report_id", "varchar(512) NULL"),
    ("civicrm_saved_search", "created_date", "timestamp NULL"),
    ("civicrm_saved_search", "modified_date", "timestamp NULL"),
    ("civicrm_site_token", "UI_label_domain_id", ""),
    // The status check of Standalone sites adds it, not an upgrade step.
    (
        "civicrm_uf_match",
        "UI_uf_match_uf_id_domain_id",
        "UNIQUE KEY",
    ),
    ("civicrm_user_job", "civicrm_user_job", "utf8mb4"),
];

impl Age {
    /// The age of a difference between `actual` and `state`.
    pub fn of(
        difference: &Difference,
        actual: &Schema,
        catalogue: &Catalogue,
        state: &State,
    ) -> Self {
        let Some(history) = catalogue.history(&difference.table) else {
            return Self {
                origin: Origin::CustomData,
                states: States::default(),
            };
        };
        let Some(table) = actual.table(&difference.table) else {
            return Self {
                origin: Origin::Nowhere,
                states: history.states(),
            };
        };
        let states = Search {
            history,
            table,
            difference,
            state,
        }
        .states();
        let is_earlier = |place: &usize| *place < state.place();
        let is_missing = is_missing(&difference.kind);
        let is_inherited = if is_missing {
            let all = history.states();
            let mut earlier = all.places().filter(is_earlier);
            earlier.any(|place| !states.contains(place))
        } else {
            states.places().any(|place| is_earlier(&place))
        };
        let mut age = Self {
            origin: if is_inherited {
                Origin::Earlier
            } else if is_missing || states.runs().is_empty() {
                Origin::Nowhere
            } else {
                Origin::Later
            },
            states,
        };
        if age.origin != Origin::Earlier && is_measured(difference) {
            age.origin = Origin::UpgradeStep;
        }
        age
    }

    /// In words: what the history of CiviCRM says of a difference of this kind.
    pub fn describe(&self, kind: &Kind, catalogue: &Catalogue) -> String {
        let releases = releases(&self.states, catalogue);
        match (self.origin, kind) {
            (Origin::CustomData, _) => "a table of custom data".to_owned(),
            _ if is_missing(kind) => format!("CiviCRM has it {releases}"),
            (Origin::Earlier, Kind::TableExtra | Kind::ColumnExtra) => {
                format!("CiviCRM had it {releases}; dropped since, still here")
            }
            (Origin::Earlier, _) => format!("as {releases}; CiviCRM's upgrades leave it"),
            (Origin::Later, Kind::TableExtra | Kind::ColumnExtra | Kind::IndexExtra) => {
                format!("CiviCRM has it {releases}")
            }
            (Origin::Later, _) => format!("as {releases}"),
            (Origin::UpgradeStep, _) => {
                "a step of CiviCRM's upgrades or a status check made it so".to_owned()
            }
            (Origin::Nowhere, _) => "so in no release of CiviCRM".to_owned(),
        }
    }

    /// The origin of inherited objects, in a few words.
    pub fn source(&self, kind: &Kind, catalogue: &Catalogue) -> String {
        match self.origin {
            Origin::UpgradeStep => "made by an upgrade step or a status check".to_owned(),
            _ if is_missing(kind) => "not brought by upgrades".to_owned(),
            _ => format!("as {}", releases(&self.states, catalogue)),
        }
    }

    /// Whether CiviCRM's own upgrades leave the object so.
    pub fn is_inherited(&self) -> bool {
        matches!(self.origin, Origin::Earlier | Origin::UpgradeStep)
    }
}

/// Whether the difference is an object that the database lacks.
fn is_missing(kind: &Kind) -> bool {
    matches!(
        kind,
        Kind::TableMissing | Kind::ColumnMissing | Kind::IndexMissing | Kind::ForeignKeyMissing
    )
}

/// The releases in words: `in 4.2 to 5.13`, `from 5.29 on`.
fn releases(states: &States, catalogue: &Catalogue) -> String {
    let words = catalogue.describe(states);
    if words.starts_with(|c: char| c.is_ascii_digit()) || words == "every release" {
        format!("in {words}")
    } else {
        words
    }
}

fn is_measured(difference: &Difference) -> bool {
    MEASURED.iter().any(|(table, name, definition)| {
        difference.table.eq_ignore_ascii_case(table)
            && difference.name().eq_ignore_ascii_case(name)
            && match &difference.actual {
                Some(side) => !definition.is_empty() && side.definition.starts_with(definition),
                None => definition.is_empty(),
            }
    })
}

/// Looks one difference up in the history of its table.
struct Search<'a> {
    history: &'a TableHistory,
    table: &'a Table,
    difference: &'a Difference,
    state: &'a State,
}

impl Search<'_> {
    /// The states that have the object as the database has it; of an object that the database lacks, those that
    /// have it.
    fn states(&self) -> States {
        let name = match &self.difference.actual {
            Some(side) => side.name.as_str(),
            None => self.difference.name(),
        };
        match &self.difference.kind {
            Kind::ColumnMissing | Kind::ColumnExtra => {
                of_states(self.history.column(unlocalized(name)), |_| true)
            }
            // As earlier releases made it, and as no upgrade leaves it.
            Kind::ColumnDiffers(_)
                if unlocalized(name) != name
                    && multilingual::is_settled(
                        &self.difference.table,
                        unlocalized(name),
                        self.state,
                    ) =>
            {
                States::default()
            }
            Kind::ColumnDiffers(aspects) => self.same_column(name, aspects),
            Kind::IndexMissing => of_states(self.history.index(unlocalized(name)), |_| true),
            Kind::IndexExtra | Kind::IndexDiffers(_) | Kind::IndexName => self.same_index(name),
            Kind::ForeignKeyMissing => of_states(self.history.foreign_key(name), |_| true),
            Kind::ForeignKeyExtra | Kind::ForeignKeyDiffers(_) => {
                self.same_foreign_key(name, false)
            }
            Kind::ForeignKeyName => self.same_foreign_key(name, true),
            Kind::PrimaryKeyDiffers => of_states(&self.history.options, |options| {
                let columns = self.table.primary_key.iter().map(|part| &part.column);
                options.primary_key.iter().eq(columns)
            }),
            Kind::TableMissing | Kind::TableExtra => self.history.states(),
            Kind::EngineDiffers | Kind::CharsetDiffers | Kind::CollationDiffers => {
                States::default()
            }
        }
    }

    /// The states whose column is like the actual one. Character sets may be the database's own, so they count
    /// only if they are what differs.
    fn same_column(&self, name: &str, aspects: &[ColumnAspect]) -> States {
        let Some(column) = find(&self.table.columns, name) else {
            return States::default();
        };
        let is_charset = |aspect: &ColumnAspect| {
            matches!(aspect, ColumnAspect::Charset | ColumnAspect::Collation)
        };
        let by_charset = aspects.iter().any(is_charset);
        let same = |shape: &model::Column| {
            let differing = column_aspects(column, self.table, shape, self.table);
            differing
                .iter()
                .all(|aspect| is_charset(aspect) && !by_charset)
        };
        let charset = self.table.charset.as_deref().unwrap_or_default();
        of_states(self.history.column(unlocalized(name)), |item| {
            same(&item.to_model(charset))
                || item.to_model_explicit(charset).is_some_and(|c| same(&c))
        })
    }

    fn same_index(&self, name: &str) -> States {
        let Some(index) = find(&self.table.indexes, name) else {
            return States::default();
        };
        let mut plain = index.clone();
        for part in &mut plain.parts {
            part.column = unlocalized(&part.column).to_owned();
        }
        of_states(self.history.index(unlocalized(name)), |shape| {
            index_aspects(&plain, self.table, &shape.to_model(), self.table).is_empty()
        })
    }

    fn same_foreign_key(&self, name: &str, by_name: bool) -> States {
        let Some(key) = find(&self.table.foreign_keys, name) else {
            return States::default();
        };
        of_states(&self.history.foreign_keys, |item| {
            let other = item.to_model();
            same_ends(key, &other)
                && if by_name {
                    item.name.eq_ignore_ascii_case(name)
                } else {
                    foreign_key_rules(key, &other).is_empty()
                }
        })
    }
}

/// The states of the items for which `is_it` holds.
fn of_states<'a, T: 'a>(
    items: impl IntoIterator<Item = &'a Dated<T>>,
    is_it: impl Fn(&T) -> bool,
) -> States {
    let items = items.into_iter().filter(|dated| is_it(&dated.item));
    States::union(items.map(|dated| &dated.states))
}

/// The base name of a column that a multilingual site has once per language: `label` of `label_en_US`.
pub(super) fn unlocalized(name: &str) -> &str {
    let split = name
        .len()
        .checked_sub(6)
        .and_then(|at| name.split_at_checked(at));
    match split {
        Some((base, end)) if end.strip_prefix('_').is_some_and(is_locale) => base,
        _ => name,
    }
}
