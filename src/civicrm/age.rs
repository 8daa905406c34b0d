//! The age of a difference: the releases that have an object as the database has it.
//!
//! CiviCRM's upgrades change what a release needs changed and leave the rest as earlier releases made it, so a
//! database that was upgraded for years is never like a fresh one. An object as an earlier release defined it,
//! or as the last upgrade step that wrote it left it ([`written`]), is inherited, not damaged.

use super::catalogue::{Catalogue, Dated, State, States, TableHistory};
use super::multilingual;
use super::outline::is_locale;
use super::release::Version;
use super::upgrade::written;
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
    /// For a foreign key as earlier releases had it: the last upgrade step that changes it.
    pub changed_by: Option<ChangedBy>,
}

/// The upgrade step that changes a foreign key which earlier releases had in the form that the database has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedBy {
    /// The revision of the step.
    pub step: Version,
    /// Where the step changes the key, in words of the facts; `None` where it does so on every site.
    pub only_where: Option<String>,
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
    /// An earlier release had the object so, and upgrades leave it.
    Earlier,
    /// An earlier release had the object so, and an upgrade step changed it on every site.
    Changed,
    /// Only later releases have the object so.
    Later,
    /// An upgrade step wrote the object so.
    UpgradeStep,
    /// No release has the object so.
    Nowhere,
    /// The object belongs to a table of custom data, which no release declares.
    CustomData,
}

/// Objects that CiviCRM makes outside of its upgrade steps, differently from every release's own definition: table, object,
/// and how the actual side's definition begins; an empty one where it does not make the object at all. Measured by running
/// the upgrade code of 5.33.2 and 5.81.2 on databases of eight earlier releases.
const MEASURED: &[(&str, &str, &str)] = &[
    (
        "civicrm_financial_trxn",
        "UI_ftrxn_trxn_id",
        "KEY (`trxn_id`)",
    ),
    (
        "civicrm_mailing_event_queue",
        "FK_civicrm_mailing_event_queue_mailing_id",
        "(`mailing_id`)",
    ),
    ("civicrm_site_token", "UI_label_domain_id", ""),
    // The status check of Standalone sites adds it.
    (
        "civicrm_uf_match",
        "UI_uf_match_uf_id_domain_id",
        "UNIQUE KEY",
    ),
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
                changed_by: None,
            };
        };
        let Some(table) = actual.table(&difference.table) else {
            return Self {
                origin: Origin::Nowhere,
                states: history.states(),
                changed_by: None,
            };
        };
        let search = Search {
            history,
            table,
            difference,
            state,
        };
        let states = search.states();
        let changes = search.changes();
        let is_earlier = |place: &usize| *place < state.place();
        let is_left = |place: &usize| {
            let of_place = || catalogue.states().get(*place).and_then(newest);
            changes.everywhere.is_none() || of_place() >= changes.everywhere
        };
        let is_missing = is_missing(&difference.kind);
        let is_inherited = if is_missing {
            let all = history.states();
            let mut earlier = all.places().filter(is_earlier);
            earlier.any(|place| !states.contains(place))
        } else {
            let mut earlier = states.places().filter(is_earlier);
            earlier.any(|place| is_left(&place))
        };
        let mut age = Self {
            origin: if is_inherited {
                Origin::Earlier
            } else if is_missing || states.runs().is_empty() {
                Origin::Nowhere
            } else if states.places().all(|place| is_earlier(&place)) {
                Origin::Changed
            } else {
                Origin::Later
            },
            states,
            changed_by: None,
        };
        if age.origin != Origin::Earlier && (is_measured(difference) || search.is_written()) {
            age.origin = Origin::UpgradeStep;
        }
        let changed_by = match age.origin {
            Origin::Earlier => changes.partly.map(|(step, only)| (step, Some(only))),
            Origin::Changed => changes.everywhere.map(|step| (step, None)),
            _ => None,
        };
        age.changed_by = changed_by.map(|(step, only_where)| ChangedBy { step, only_where });
        age
    }

    /// In words: what the history of CiviCRM says of a difference of this kind.
    pub fn describe(&self, kind: &Kind, catalogue: &Catalogue) -> String {
        let releases = releases(&self.states, catalogue);
        match (self.origin, kind) {
            (Origin::CustomData, _) => "a table of custom data".to_owned(),
            // The catalogue dates what is CiviCRM's own; the rest of what a site should have is of its extensions.
            _ if is_missing(kind) && releases.is_empty() => {
                "it belongs to an extension that is on".to_owned()
            }
            _ if is_missing(kind) => format!("CiviCRM has it {releases}"),
            (Origin::Earlier, Kind::TableExtra | Kind::ColumnExtra) => {
                format!("CiviCRM had it {releases}; dropped since, still here")
            }
            (Origin::Earlier | Origin::Changed, _) => {
                let since = match &self.changed_by {
                    None => "CiviCRM's upgrades leave it".to_owned(),
                    Some(ChangedBy { step, only_where }) => {
                        let only = only_where.as_ref();
                        let only = only.map(|only| format!(" only where {only}"));
                        let only = only.unwrap_or_default();
                        format!("the upgrade step of {step} changes it{only}")
                    }
                };
                format!("as {releases}; {since}")
            }
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

/// The newest release that has the schema of a state.
fn newest(state: &State) -> Option<Version> {
    Version::parse(state.releases.last().unwrap_or(&state.read_at))
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
            // Beside the key of the release, and not like that: no release has two.
            Kind::ForeignKeyExtra if self.is_second(name) => States::default(),
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

    /// What upgrade steps have done to the foreign key that differs.
    fn changes(&self) -> written::Changes {
        let is_key = matches!(
            self.difference.kind,
            Kind::ForeignKeyDiffers(_) | Kind::ForeignKeyExtra
        );
        let until = newest(self.state).filter(|_| is_key);
        let (Some(until), Some(actual)) = (until, &self.difference.actual) else {
            return written::Changes::default();
        };
        // Files of the program that could not be read are found by a test.
        written::foreign_key_changes(&self.difference.table, &actual.name, &until)
            .unwrap_or_default()
    }

    /// Whether the last upgrade step that wrote the object left it as the database has it.
    fn is_written(&self) -> bool {
        let (Some(until), Some(actual)) = (newest(self.state), &self.difference.actual) else {
            return false;
        };
        let (of, name) = (&self.difference.table, actual.name.as_str());
        let table = self.table;
        let written = match &self.difference.kind {
            Kind::ColumnDiffers(aspects) => {
                let is_other = |aspect: &ColumnAspect| !is_charset(aspect);
                let same = |written: model::Column| {
                    let column = find(&table.columns, name)?;
                    let differing = column_aspects(column, table, &written, table);
                    (!differing.iter().any(is_other) && aspects.iter().all(is_other)).then_some(())
                };
                written::column(of, name, &until).map(|found| found.and_then(same))
            }
            Kind::IndexExtra | Kind::IndexDiffers(_) => {
                let same = |written: model::Index| {
                    let index = find(&table.indexes, name)?;
                    index_aspects(index, table, &written, table)
                        .is_empty()
                        .then_some(())
                };
                written::index(of, name, &until).map(|found| found.and_then(same))
            }
            Kind::ForeignKeyExtra | Kind::ForeignKeyDiffers(_) => {
                let same = |written: model::ForeignKey| {
                    let key = find(&table.foreign_keys, name)?;
                    (same_ends(key, &written) && foreign_key_rules(key, &written).is_empty())
                        .then_some(())
                };
                written::foreign_key(of, name, &until).map(|found| found.and_then(same))
            }
            Kind::CharsetDiffers => written::table(of, &until).map(|found| {
                let charset = found?.charset;
                (charset.is_some() && charset == table.charset).then_some(())
            }),
            Kind::CollationDiffers => written::table(of, &until).map(|found| {
                let collation = found?.collation;
                (collation.is_some() && collation == table.collation).then_some(())
            }),
            _ => return false,
        };
        // Files of the program that could not be read are found by a test.
        written.is_ok_and(|same| same.is_some())
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

    /// Whether the release has a foreign key between the same columns that has other rules.
    fn is_second(&self, name: &str) -> bool {
        let release = self.history.at(self.state.place());
        let key = find(&self.table.foreign_keys, name);
        let (Some(release), Some(key)) = (release, key) else {
            return false;
        };
        let keys = release.foreign_keys.iter().map(|item| item.to_model());
        let between: Vec<_> = keys.filter(|other| same_ends(key, other)).collect();
        !between.is_empty()
            && !between
                .iter()
                .any(|other| foreign_key_rules(key, other).is_empty())
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

fn is_charset(aspect: &ColumnAspect) -> bool {
    matches!(aspect, ColumnAspect::Charset | ColumnAspect::Collation)
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
