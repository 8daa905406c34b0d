//! The exact comparison of one schema with several states.

use indexmap::IndexMap;

use super::super::age::Aged;
use super::super::catalogue::{Catalogue, State};
use super::super::frame::{Frame, named};
use super::super::reference::{Reference, Subject, aged};
use crate::schema::compare::{Difference, compare, compare_tables};
use crate::schema::model::Table;

/// The table whose form the tables of custom data follow.
const LIKE_CUSTOM: &str = "civicrm_custom_group";

/// Compares a schema with states. With the first state all its tables are compared, with the others only those that
/// are not the same there: releases that are near each other have nearly all tables in common.
pub(super) struct Comparer<'a, 's> {
    catalogue: &'a Catalogue,
    subject: Subject<'s>,
    first: Option<Whole<'a>>,
}

/// The comparison with all tables of a state.
struct Whole<'a> {
    frame: Frame<'a>,
    reference: Reference,
    found: Vec<Difference>,
}

impl<'a, 's> Comparer<'a, 's> {
    pub(super) fn new(catalogue: &'a Catalogue, subject: Subject<'s>) -> Self {
        Self {
            catalogue,
            subject,
            first: None,
        }
    }

    /// The differences from a state. Their order is that of [`Reference::differences`] with the first state only.
    pub(super) fn compare(&mut self, state: &'a State) -> Vec<Aged> {
        let (catalogue, subject) = (self.catalogue, self.subject);
        let frame = Frame::new(catalogue, state, subject);
        let found = self.first.as_ref().map(|first| self.beside(first, &frame));
        let found = match found {
            Some(Some(found)) => found,
            Some(None) => self.whole(&frame).1,
            None => {
                let (reference, found) = self.whole(&frame);
                let first = Whole {
                    frame,
                    reference,
                    found,
                };
                self.first.insert(first).found.clone()
            }
        };
        aged(found, catalogue, state, subject)
    }

    fn whole(&self, frame: &Frame) -> (Reference, Vec<Difference>) {
        let reference = Reference::of_frame(frame, self.subject);
        let found = compare(self.subject.schema, &reference.schema, &reference.options);
        (reference, found)
    }

    /// The differences from a state, by those from the first one; `None` where they have too little in common.
    fn beside(&self, first: &Whole, frame: &Frame) -> Option<Vec<Difference>> {
        let subject = self.subject;
        let changed = first.frame.changed(frame)?;
        let is_changed = |name: &str| changed.contains(&name.to_ascii_lowercase());
        let groups = subject.site.map(|site| site.custom_groups.as_slice());
        let mut custom = groups.unwrap_or_default().iter();
        if is_changed(LIKE_CUSTOM) || custom.any(|group| is_changed(&group.table)) {
            return None;
        }
        let reference = Reference::of_tables(frame, subject, is_changed);
        let theirs: IndexMap<String, &Table> = (reference.schema.tables.iter())
            .map(|(name, table)| (name.clone(), table))
            .collect();
        let ours = named(subject.schema, is_changed);
        let mut found = compare_tables(&ours, &theirs, &reference.options);
        let kept = first.found.iter();
        found.extend(kept.filter(|it| !is_changed(&it.table)).cloned());
        Some(found)
    }

    /// The reference of a state with which the schema was compared, and the differences from it in their order.
    pub(super) fn finish(self, state: &State, differences: Vec<Aged>) -> (Reference, Vec<Aged>) {
        let (catalogue, subject) = (self.catalogue, self.subject);
        match self.first {
            Some(first) if first.frame.state.place() == state.place() => {
                (first.reference, differences)
            }
            _ => {
                let reference = Reference::new(catalogue, state, subject);
                let differences = reference.differences(catalogue, state, subject);
                (reference, differences)
            }
        }
    }
}
