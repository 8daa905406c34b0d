//! The schema that a given database should have in a given release.

use std::collections::HashSet;

use super::age::{Age, Aged};
use super::catalogue::{Catalogue, State, TableHistory};
use super::classify::{Class, Classifier};
use super::outline::Outline;
use super::site::Site;
use crate::schema::compare::{self, Difference, DifferenceKind};
use crate::schema::model::Schema;

/// The database that is compared with releases.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The tables of the database.
    pub schema: &'a Schema,
    /// The site as the database's rows describe it; `None` when that is not known.
    pub site: Option<&'a Site>,
    /// Whether a server wrote the tables. A text that no server has run yet, such as CiviCRM's own
    /// `civicrm.mysql`, need not have the indexes that a server makes for foreign keys.
    pub from_server: bool,
}

/// The schema that a database is compared with: a release's tables, with the parts that depend on the site as
/// the site has them. Built for one schema and one state.
#[derive(Clone, Debug)]
pub struct Reference {
    /// The tables that should exist.
    pub schema: Schema,
    /// The options of the comparison with these tables.
    pub options: compare::Options,
    /// The names of those tables that hold custom data, which no release declares.
    pub custom: HashSet<String>,
    /// The languages of the site: as its rows say, or else as the names of its columns show; empty where it has one.
    pub locales: Vec<String>,
}

impl Reference {
    /// Makes the reference for `subject` in `state`: see [`Outline`].
    pub fn new(catalogue: &Catalogue, state: &State, subject: Subject) -> Self {
        Outline::new(catalogue, state, subject).reference(|_| true)
    }

    /// The differences between the subject and the reference, with the age of each. A table that the reference
    /// does not know counts only where core has it in another release.
    pub fn differences(&self, catalogue: &Catalogue, state: &State, subject: Subject) -> Vec<Aged> {
        let differences = self.differences_in(catalogue, state, subject, |_| true);
        let aged = differences.into_iter().map(|difference| Aged {
            age: Age::of(&difference, subject.schema, catalogue, state),
            difference,
        });
        aged.collect()
    }

    /// Those of the differences that are in tables whose names `is_wanted` says yes to, whatever their letter case.
    pub(super) fn differences_in(
        &self,
        catalogue: &Catalogue,
        state: &State,
        subject: Subject,
        is_wanted: impl Fn(&str) -> bool,
    ) -> Vec<Difference> {
        let classifier = Classifier::new(catalogue, state, subject.site);
        let is_of_other_release = |table: &str| match classifier.class(table) {
            Class::OtherRelease => true,
            Class::ShippedExtension(_) => catalogue
                .history(table)
                .is_some_and(TableHistory::is_of_core),
            _ => false,
        };
        let mut differences =
            compare::compare_some(subject.schema, &self.schema, &self.options, is_wanted);
        differences.retain(|difference| {
            difference.kind != DifferenceKind::TableExtra || is_of_other_release(&difference.table)
        });
        differences
    }
}
