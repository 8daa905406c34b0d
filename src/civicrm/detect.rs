//! Finds the release whose schema a database has.
//!
//! Every state of the catalogue is scored by what its tables, columns, indexes and foreign
//! keys have in common with the schema; the few best are compared exactly. Upgrades add what
//! a release needs and leave much else as it was, so an object that only later releases have,
//! or a table or column that is missing, speaks against a state more than one that is still
//! as an earlier release made it.

mod comparer;
mod objects;
#[cfg(test)]
mod plain;

use std::collections::{BTreeMap, HashSet};

use crate::civicrm::version_state::DetectedRelease;

use super::age::{Aged, Origin};
use super::catalogue::{Catalogue, State};
use super::classify::{Class, Classifier};
use super::reference::{Reference, Subject};
use super::site::Site;
use crate::schema::compare::DifferenceKind as Kind;
use comparer::Comparer;
use objects::Objects;

/// Costs of an object that a state does not have in this form: one that upgrades leave behind, one that they
/// never make, and one that they cannot have forgotten.
const INHERITED: u32 = 1;
const LATER: u32 = 3;
const LOST: u32 = 4;

/// Most missing tables that count against a state: when a dump holds only some tables, the releases with the
/// fewest tables would fit best otherwise.
const MOST_LOST_TABLES: u32 = 10;

/// Number of states that are compared exactly.
const COMPARED: usize = 8;
/// How much higher than the lowest cost by names the cost of such a state may be.
const MARGIN: u32 = 12;
/// With fewer tables of CiviCRM's core than this, no release can be found.
const FEWEST_TABLES: usize = 20;

/// The result of the detection of a schema's release.
#[derive(Clone, Debug)]
pub struct Detection<'a> {
    /// The state that fits best; of several that fit equally well, the declared one, or else the newest.
    pub state: &'a State,
    /// The reference of that state with which the schema was compared.
    pub reference: Reference,
    /// The differences between the schema and the reference.
    pub differences: Vec<Aged>,
    /// Other states that fit equally well.
    pub also: Vec<&'a State>,
    /// The states that were compared exactly, the declared one always, and their numbers of
    /// differences, best first.
    pub candidates: Vec<(&'a State, usize)>,
    /// Objects that tell the state from its neighbours, each in a few words.
    pub evidence: Vec<String>,
    /// Objects of later releases, each in a few words: they come from an upgrade that stopped halfway, or from
    /// a newer database over which an older backup was restored.
    pub later: Vec<String>,
    /// Number of tables that no release declares, by class.
    pub not_compared: BTreeMap<&'static str, usize>,
    /// The last step that the upgrader recorded in `civicrm_log`, such as `upgrade:4.7.31->5.0.alpha1`.
    pub last_step: Option<String>,
}

impl DetectedRelease {
    /// The names of the detected state and of the others that fit as well.
    pub fn of(detection: &Detection<'_>) -> Self {
        Self {
            release: detection.state.last_release().to_string(),
            state: detection.state.name.clone(),
            also: detection
                .also
                .iter()
                .map(|state| state.name.clone())
                .collect(),
        }
    }
}

impl Detection<'_> {
    /// Whether the schema fits this state as well as it fits any.
    pub fn fits(&self, state: &State) -> bool {
        self.state.name == state.name || self.also.iter().any(|also| also.name == state.name)
    }
}

/// Finds the release of a schema; `None` when it holds too few tables of CiviCRM.
pub fn detect<'a>(catalogue: &'a Catalogue, subject: Subject) -> Option<Detection<'a>> {
    let Subject { schema, site, .. } = subject;
    let objects = Objects::new(catalogue, schema, site);
    if objects.core_tables < FEWEST_TABLES {
        return None;
    }
    let declared = site
        .and_then(Site::declared_version)
        .and_then(|version| catalogue.state_for(&version));
    let mut comparer = Comparer::new(catalogue, subject);
    let Chosen {
        mut candidates,
        mut compared,
    } = Chosen::new(catalogue, &objects, declared, |state| {
        comparer.compare(state)
    });
    let is_declared = |state: &State| declared.is_some_and(|declared| declared.name == state.name);
    candidates.sort_by_key(|candidate| {
        let newest_first = std::cmp::Reverse(candidate.state.place());
        (candidate.cost, !is_declared(candidate.state), newest_first)
    });
    let counts = candidates
        .iter()
        .map(|c| (c.state, c.differences))
        .collect();
    let mut candidates = candidates.into_iter();
    let best = candidates.next()?;
    let (state, differences) = compared.swap_remove(best.comparison);
    let (reference, differences) = comparer.finish(state, differences);
    let mut also: Vec<&State> = candidates
        .take_while(|other| other.cost == best.cost)
        .map(|other| other.state)
        .collect();
    also.sort_by_key(|state| state.place());
    let equal: HashSet<usize> = also
        .iter()
        .chain([&best.state])
        .map(|s| s.place())
        .collect();
    Some(Detection {
        evidence: objects.evidence(catalogue, &equal),
        later: later(&differences),
        not_compared: not_compared(catalogue, best.state, subject, &reference),
        last_step: site.and_then(|site| site.upgrade_steps.last().cloned()),
        state: best.state,
        reference,
        differences,
        also,
        candidates: counts,
    })
}

/// Number of tables that the reference does not know, by class.
fn not_compared(
    catalogue: &Catalogue,
    state: &State,
    subject: Subject,
    reference: &Reference,
) -> BTreeMap<&'static str, usize> {
    let classifier = Classifier::new(catalogue, state, subject.site);
    let mut counts = BTreeMap::new();
    for name in subject.schema.tables.keys() {
        if reference.schema.table(name).is_none() {
            let class = classifier.class(name);
            // A table of another release is among the differences.
            if class != Class::OtherRelease {
                *counts.entry(class.as_str()).or_default() += 1;
            }
        }
    }
    counts
}

/// A state that was compared exactly.
struct Candidate<'a> {
    state: &'a State,
    /// Index of the comparison that belongs to the state.
    comparison: usize,
    /// Number of differences.
    differences: usize,
    cost: u32,
}

/// The states that were compared exactly.
struct Chosen<'a> {
    candidates: Vec<Candidate<'a>>,
    /// What was compared, once for states in which the schema's tables are alike, and the differences.
    compared: Vec<(&'a State, Vec<Aged>)>,
}

impl<'a> Chosen<'a> {
    /// Compares the states with the lowest costs, and the declared one, by `compare`.
    fn new(
        catalogue: &'a Catalogue,
        objects: &Objects<'a>,
        declared: Option<&'a State>,
        mut compare: impl FnMut(&'a State) -> Vec<Aged>,
    ) -> Self {
        let costs = objects.costs();
        let cost_of = |state: &State| costs.get(state.place()).copied().unwrap_or(u32::MAX);
        let mut states: Vec<&State> = catalogue.states().iter().collect();
        states.sort_by_key(|state| cost_of(state));
        let limit = states.first().map_or(0, |best| cost_of(best)) + MARGIN;
        let mut chosen = Self {
            candidates: Vec::new(),
            compared: Vec::new(),
        };
        let tried = states
            .into_iter()
            .take_while(|state| cost_of(state) <= limit);
        for state in tried.chain(declared) {
            if (chosen.candidates.iter()).any(|known| known.state.place() == state.place()) {
                continue;
            }
            let mut known = chosen.compared.iter();
            let comparison = known.position(|(known, _)| objects.alike(catalogue, known, state));
            let comparison = match comparison {
                Some(comparison) => comparison,
                None if chosen.compared.len() == COMPARED => continue,
                None => {
                    chosen.compared.push((state, compare(state)));
                    chosen.compared.len() - 1
                }
            };
            let Some((_, differences)) = chosen.compared.get(comparison) else {
                continue;
            };
            chosen.candidates.push(Candidate {
                state,
                comparison,
                differences: differences.len(),
                cost: cost(differences),
            });
        }
        chosen
    }
}

/// The cost of a state with these differences.
fn cost(differences: &[Aged]) -> u32 {
    let mut lost_tables = 0;
    differences
        .iter()
        .map(|aged| match (&aged.difference.kind, aged.age.origin) {
            (Kind::TableMissing, _) => {
                lost_tables += 1;
                LOST * u32::from(lost_tables <= MOST_LOST_TABLES)
            }
            (Kind::ColumnMissing, _) => LOST,
            (_, Origin::Later) => LATER,
            _ => INHERITED,
        })
        .sum()
}

/// The tables and columns of later releases among the differences.
fn later(differences: &[Aged]) -> Vec<String> {
    differences
        .iter()
        .filter(|aged| aged.age.origin == Origin::Later)
        .map(|aged| &aged.difference)
        .filter_map(|difference| match difference.kind {
            Kind::TableExtra => Some(difference.table.clone()),
            Kind::ColumnExtra => Some(format!("{}.{}", difference.table, difference.name())),
            _ => None,
        })
        .collect()
}
