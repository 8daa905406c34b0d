//! Sets of states, and the text in which they are written.

use std::collections::HashMap;

use smallvec::{SmallVec, smallvec};

use super::{CatalogueError, Result};

/// The names of a catalogue's states, in order.
pub(super) struct StateNames<'a> {
    ordered: Vec<&'a str>,
    places: HashMap<&'a str, usize>,
}

impl<'a> StateNames<'a> {
    pub(super) fn new(names: impl Iterator<Item = &'a str>) -> Self {
        let ordered: Vec<&str> = names.collect();
        let places = ordered.iter().copied().zip(0..).collect();
        Self { ordered, places }
    }

    fn newest(&self) -> usize {
        self.ordered.len().saturating_sub(1)
    }

    fn place(&self, name: &str) -> Result<usize> {
        let place = self.places.get(name).copied();
        place.ok_or_else(|| CatalogueError::UnknownState(name.to_owned()))
    }

    fn name(&self, place: usize) -> &str {
        self.ordered.get(place).copied().unwrap_or_default()
    }
}

/// The states for which an item holds: runs of places in the catalogue's ordered list of states.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct States {
    /// Runs of places, first and last included, ascending, never next to each other. Most items have one.
    runs: SmallVec<[(usize, usize); 1]>,
}

impl States {
    /// The set of a single state.
    pub(super) fn one(place: usize) -> Self {
        Self {
            runs: smallvec![(place, place)],
        }
    }

    /// The set of every state.
    pub(super) fn all(names: &StateNames) -> Self {
        Self {
            runs: smallvec![(0, names.newest())],
        }
    }

    /// Adds a state that comes after all states of the set.
    pub(super) fn push(&mut self, place: usize) {
        match self.runs.last_mut() {
            Some((_, last)) if *last + 1 >= place => *last = place.max(*last),
            _ => self.runs.push((place, place)),
        }
    }

    /// The states that are in any of several sets: for an item that moved, changed or came back, the states
    /// that have it in any form.
    pub fn union<'a>(sets: impl IntoIterator<Item = &'a Self>) -> Self {
        let sets = sets.into_iter();
        let mut runs: SmallVec<[(usize, usize); 1]> =
            sets.flat_map(|set| &set.runs).copied().collect();
        runs.sort_unstable();
        runs.dedup_by(|next, run| {
            let touches = next.0 <= run.1 + 1;
            if touches {
                run.1 = run.1.max(next.1);
            }
            touches
        });
        Self { runs }
    }

    /// Whether the state at this place of the ordered list is in the set.
    pub fn contains(&self, place: usize) -> bool {
        self.runs
            .iter()
            .any(|&(first, last)| (first..=last).contains(&place))
    }

    /// First and last place of each unbroken run, ascending.
    pub fn runs(&self) -> &[(usize, usize)] {
        &self.runs
    }

    /// The places of all states, ascending.
    pub fn places(&self) -> impl Iterator<Item = usize> {
        self.runs.iter().flat_map(|&(first, last)| first..=last)
    }

    /// Reads `4.3.5..5.13, 5.29..`: ranges of state names; an open end means the newest state.
    pub(super) fn parse(text: &str, names: &StateNames) -> Result<Self> {
        let mut runs: SmallVec<[(usize, usize); 1]> = SmallVec::new();
        for run in text.split(", ") {
            let (first, last) = match run.split_once("..") {
                None => (names.place(run)?, names.place(run)?),
                Some((first, "")) => (names.place(first)?, names.newest()),
                Some((first, last)) => (names.place(first)?, names.place(last)?),
            };
            if first > last || runs.last().is_some_and(|&(_, end)| first <= end) {
                return Err(CatalogueError::StatesOutOfOrder(text.to_owned()));
            }
            runs.push((first, last));
        }
        Ok(Self { runs })
    }

    /// The text that [`States::parse`] reads.
    pub(super) fn write(&self, names: &StateNames) -> String {
        let run = |&(first, last): &(usize, usize)| {
            if last == names.newest() {
                format!("{}..", names.name(first))
            } else if first == last {
                names.name(first).to_owned()
            } else {
                format!("{}..{}", names.name(first), names.name(last))
            }
        };
        self.runs.iter().map(run).collect::<Vec<_>>().join(", ")
    }
}

/// An item with the states for which it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dated<T> {
    /// The states for which the item holds.
    pub states: States,
    /// The item itself.
    pub item: T,
}
