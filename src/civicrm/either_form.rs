//! Objects of which a release has two forms: one in fresh installations, the other in upgraded ones.
//!
//! Both are right until a later step makes them one. The general case, an object that is still as an earlier
//! release made it, is told by its age ([`super::age`]); these are the cases that the history of a table does not
//! tell.

use super::catalogue::State;
use super::release::Version;
use crate::schema::model::{Table, find};

/// What a table may lack.
enum Object {
    /// An index.
    Index(&'static str),
    /// A foreign key.
    ForeignKey(&'static str),
    /// The character set of a column; it is then that of the table.
    Charset(&'static str),
}

/// An object that a table may have as the release declares it, or not.
struct Either {
    table: &'static str,
    object: Object,
    /// The first and the last minor release of which both forms are right.
    releases: ((u32, u32), (u32, u32)),
}

const fn either(table: &'static str, object: Object, releases: ((u32, u32), (u32, u32))) -> Either {
    Either {
        table,
        object,
        releases,
    }
}

/// The code generator of 2.1 to 3.1 left the declared indexes of two tables out of fresh installations; upgraded
/// databases have them (CRM/Upgrade/Incremental/sql/3.2.alpha1.mysql.tpl makes them one).
const EARLY: ((u32, u32), (u32, u32)) = ((2, 1), (3, 1));

/// The step of 6.7 makes these without the foreign key, and in the character set of the table; the step of 6.14
/// makes up for it (SixFourteen.php).
const TRANSLATION: ((u32, u32), (u32, u32)) = ((6, 7), (6, 13));

const EITHER: &[Either] = &[
    either(
        "civicrm_activity",
        Object::Index("UI_source_contact_id"),
        EARLY,
    ),
    either(
        "civicrm_activity",
        Object::Index("UI_activity_type_id"),
        EARLY,
    ),
    either("civicrm_activity", Object::Index("index_medium_id"), EARLY),
    either(
        "civicrm_activity",
        Object::Index("index_is_current_revision"),
        EARLY,
    ),
    either("civicrm_activity", Object::Index("UI_original_id"), EARLY),
    either("civicrm_activity", Object::Index("index_is_deleted"), EARLY),
    either("civicrm_case", Object::Index("index_case_type_id"), EARLY),
    either("civicrm_case", Object::Index("index_is_deleted"), EARLY),
    either(
        "civicrm_translation",
        Object::ForeignKey("FK_civicrm_translation_source_key"),
        TRANSLATION,
    ),
    either(
        "civicrm_translation",
        Object::Charset("source_key"),
        TRANSLATION,
    ),
    either(
        "civicrm_translation_source",
        Object::Charset("source_key"),
        TRANSLATION,
    ),
    either(
        "civicrm_translation_source",
        Object::Charset("context_key"),
        TRANSLATION,
    ),
];

impl Either {
    fn is_of(&self, state: &State) -> bool {
        let (first, last) = self.releases;
        let version = Version::parse(&state.name);
        version.is_some_and(|version| (first..=last).contains(&version.major_minor()))
    }
}

/// Whether the same objects have two forms in both states.
pub(super) fn are_alike(one: &State, other: &State) -> bool {
    EITHER.iter().all(|it| it.is_of(one) == it.is_of(other))
}

/// Changes a table of a state to the form that the database has, where both forms are right.
pub(super) fn accept(name: &str, table: &mut Table, state: &State, ours: Option<&Table>) {
    let Some(ours) = ours else { return };
    let is_meant = |either: &&Either| either.table == name && either.is_of(state);
    for either in EITHER.iter().filter(is_meant) {
        either.object.accept(table, ours);
    }
}

impl Object {
    fn accept(&self, table: &mut Table, ours: &Table) {
        match self {
            Self::Index(name) if find(&ours.indexes, name).is_none() => {
                table.indexes.shift_remove(*name);
            }
            Self::ForeignKey(name) => {
                let key = table.foreign_keys.get(*name);
                let is_there = |key| {
                    let mut others = ours.foreign_keys.values();
                    others.any(|other| crate::schema::compare::same_ends(other, key))
                };
                if !key.is_some_and(is_there) {
                    table.foreign_keys.shift_remove(*name);
                }
            }
            Self::Charset(name) => {
                let own = find(&ours.columns, name);
                let inherits =
                    own.is_some_and(|own| own.charset.is_none() && own.collation.is_none());
                if let Some(column) = table.columns.get_mut(*name).filter(|_| inherits) {
                    column.charset = None;
                    column.collation = None;
                }
            }
            Self::Index(_) => {}
        }
    }
}
