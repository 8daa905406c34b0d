//! Finds the release whose schema a database has.
//!
//! Every state of the catalogue is scored by what its tables, columns, indexes and foreign
//! keys have in common with the schema; the few best are compared exactly. Upgrades add what
//! a release needs and leave much else as it was, so an object that only later releases have,
//! or a table or column that is missing, speaks against a state more than one that is still
//! as an earlier release made it.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::fmt;

use crate::civicrm::version_state::DetectedRelease;

use super::age::{Age, Aged, Origin};
use super::catalogue::{Catalogue, Owner, State, States, TableHistory};
use super::classify::{Class, Classifier};
use super::outline::Outline;
use super::reference::{Reference, Subject};
use super::site::Site;
use crate::schema::compare::{Difference, DifferenceKind as Kind};
use crate::schema::model::{Schema, Table, find};
use crate::threads;

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
/// Number of objects named as evidence against each neighbouring state.
const EVIDENCE: usize = 2;

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
    let declared = site
        .and_then(Site::declared_version)
        .and_then(|version| catalogue.state_for(&version));
    // Most sites are what they say.
    let (objects, of_declared) = threads::both(
        || Objects::new(catalogue, schema, site),
        || declared.map(|state| Comparison::new(catalogue, state, subject)),
    );
    if objects.core_tables < FEWEST_TABLES {
        return None;
    }
    let (to_compare, chosen) = objects.best_states(catalogue, declared);
    let base = match of_declared {
        Some(of_declared) => of_declared,
        None => Comparison::new(catalogue, to_compare.first()?, subject),
    };
    let fits = threads::in_parallel(&to_compare, |state| base.fit_of(state));
    let fit = |&(state, compared): &(&'a State, usize)| {
        let fit = *fits.get(compared)?;
        Some(Candidate {
            state,
            compared,
            fit,
        })
    };
    let mut candidates: Vec<Candidate> = chosen.iter().filter_map(fit).collect();
    let is_declared = |state: &State| declared.is_some_and(|declared| declared.name == state.name);
    candidates.sort_by_key(|candidate| {
        let newest_first = std::cmp::Reverse(candidate.state.place());
        (
            candidate.fit.cost,
            !is_declared(candidate.state),
            newest_first,
        )
    });
    let counts = candidates
        .iter()
        .map(|c| (c.state, c.fit.differences))
        .collect();
    let mut candidates = candidates.into_iter();
    let best = candidates.next()?;
    let Comparison {
        reference,
        differences,
        ..
    } = match to_compare.get(best.compared) {
        Some(state) if state.place() != base.state.place() => {
            Comparison::new(catalogue, state, subject)
        }
        _ => base,
    };
    let mut also: Vec<&State> = candidates
        .take_while(|other| other.fit.cost == best.fit.cost)
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

/// A state with which the schema was compared exactly.
struct Candidate<'a> {
    state: &'a State,
    /// Index of the state that was compared, which is this one or has the same tables.
    compared: usize,
    fit: Fit,
}

/// How well a state fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Fit {
    /// Number of differences.
    differences: usize,
    cost: u32,
}

impl Fit {
    /// The fit of a state with these differences, of which `origin` says whose work each is.
    fn of<'d>(
        differences: impl Iterator<Item = &'d Difference>,
        origin: impl Fn(&Difference) -> Origin,
    ) -> Self {
        let mut lost_tables = 0;
        let mut fit = Self {
            differences: 0,
            cost: 0,
        };
        for difference in differences {
            fit.differences += 1;
            fit.cost += match difference.kind {
                Kind::TableMissing => {
                    lost_tables += 1;
                    LOST * u32::from(lost_tables <= MOST_LOST_TABLES)
                }
                Kind::ColumnMissing => LOST,
                _ if origin(difference) == Origin::Later => LATER,
                _ => INHERITED,
            };
        }
        fit
    }
}

/// A schema held against a state.
struct Comparison<'a> {
    catalogue: &'a Catalogue,
    state: &'a State,
    subject: Subject<'a>,
    outline: Outline<'a>,
    reference: Reference,
    differences: Vec<Aged>,
}

impl<'a> Comparison<'a> {
    fn new(catalogue: &'a Catalogue, state: &'a State, subject: Subject<'a>) -> Self {
        let outline = Outline::new(catalogue, state, subject);
        let reference = outline.reference(|_| true);
        Self {
            differences: reference.differences(catalogue, state, subject),
            catalogue,
            state,
            subject,
            outline,
            reference,
        }
    }

    /// The fit of another state. Only the tables are compared that it does not have in common with this one.
    fn fit_of(&self, state: &'a State) -> Fit {
        let (catalogue, subject) = (self.catalogue, self.subject);
        let origin =
            |difference: &Difference| Age::of(difference, subject.schema, catalogue, state).origin;
        let outline = Outline::new(catalogue, state, subject);
        let Some(unlike) = outline.unlike(&self.outline) else {
            let reference = outline.reference(|_| true);
            let differences = reference.differences_in(catalogue, state, subject, |_| true);
            return Fit::of(differences.iter(), origin);
        };
        let is_unlike = |table: &str| unlike.contains(catalogue, table);
        let reference = outline.reference(is_unlike);
        let own = reference.differences_in(catalogue, state, subject, is_unlike);
        let differences = self.differences.iter().map(|aged| &aged.difference);
        let common = differences.filter(|difference| !is_unlike(&difference.table));
        Fit::of(common.chain(&own), origin)
    }
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

/// The kind of an object of a table.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Column,
    Index,
    ForeignKey,
}

/// One object of the catalogue and whether the schema has it so.
struct Object<'a> {
    table: &'a str,
    part: Part,
    name: &'a str,
    states: &'a States,
    /// Whether the schema has the object in just this form.
    same: bool,
    /// Whether the schema has an object of that name.
    present: bool,
    /// The cost of a state that has the object while the schema does not.
    missing: u32,
}

impl fmt::Display for Object<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { table, name, .. } = self;
        match self.part {
            Part::Column => write!(f, "{table}.{name}"),
            Part::Index => write!(f, "index {name} of {table}"),
            Part::ForeignKey => write!(f, "foreign key {name} of {table}"),
        }
    }
}

/// All objects that the catalogue knows of the schema's tables.
struct Objects<'a> {
    objects: Vec<Object<'a>>,
    /// Histories of the tables that the schema has.
    histories: Vec<&'a TableHistory>,
    core_tables: usize,
    /// The cost of each state, by its place.
    costs: Vec<u32>,
}

impl<'a> Objects<'a> {
    fn new(catalogue: &'a Catalogue, schema: &Schema, site: Option<&Site>) -> Self {
        let mut all = Self {
            objects: Vec::new(),
            histories: Vec::new(),
            core_tables: 0,
            costs: vec![0; catalogue.states().len()],
        };
        let locale = site.and_then(|site| site.locales().first());
        let mut lost_tables = vec![0; all.costs.len()];
        for history in catalogue.histories() {
            let is_core = history.is_of_core();
            match schema.table(&history.name) {
                Some(table) => {
                    all.core_tables += usize::from(is_core);
                    all.histories.push(history);
                    all.add_table(history, table, locale.map(String::as_str));
                    if is_core {
                        all.charge_extra(&history.states());
                    }
                }
                None => {
                    let options = history.options.iter();
                    let of_core = options.filter(|dated| dated.item.owner == Owner::Core);
                    for place in of_core.flat_map(|dated| dated.states.places()) {
                        if let Some(lost) = lost_tables.get_mut(place) {
                            *lost += 1;
                        }
                    }
                }
            }
        }
        for (cost, lost) in all.costs.iter_mut().zip(lost_tables) {
            *cost += LOST * MOST_LOST_TABLES.min(lost);
        }
        all
    }

    fn charge(&mut self, states: &States, cost: impl Fn(usize) -> u32) {
        for place in states.places() {
            if let Some(sum) = self.costs.get_mut(place) {
                *sum += cost(place);
            }
        }
    }

    /// Adds the cost of an object that only these states have to all others.
    fn charge_extra(&mut self, states: &States) {
        let end = self.costs.len();
        let mut cost = if states.runs().is_empty() {
            INHERITED
        } else {
            LATER
        };
        let mut place = 0;
        for &(first, last) in states.runs().iter().chain([&(end, end)]) {
            for sum in self.costs.get_mut(place..first).unwrap_or_default() {
                *sum += cost;
            }
            cost = INHERITED;
            place = last + 1;
        }
    }

    fn add_table(&mut self, history: &'a TableHistory, table: &Table, locale: Option<&str>) {
        let first = self.objects.len();
        let localized = |name: &'a str, localizable: bool| match locale {
            Some(locale) if localizable => Cow::Owned(format!("{name}_{locale}")),
            _ => Cow::Borrowed(name),
        };
        for dated in &history.columns {
            let item = &dated.item;
            let column = find(&table.columns, &localized(&item.name, item.localizable));
            let same = column.is_some_and(|column| item.is_form_of(column));
            self.objects.push(Object {
                table: &history.name,
                part: Part::Column,
                name: &item.name,
                states: &dated.states,
                same,
                present: column.is_some(),
                missing: LOST,
            });
        }
        for dated in history
            .indexes
            .iter()
            .filter(|dated| !dated.item.implied_by_fk)
        {
            let item = &dated.item;
            let index = find(&table.indexes, &localized(&item.name, item.localizable));
            self.objects.push(Object {
                table: &history.name,
                part: Part::Index,
                name: &item.name,
                states: &dated.states,
                // The columns of an index in a language are not compared here.
                same: index.is_some_and(|index| {
                    index.kind == item.kind && (item.localizable || index.parts == item.columns)
                }),
                present: index.is_some(),
                missing: INHERITED,
            });
        }
        for dated in &history.foreign_keys {
            let item = &dated.item;
            let key = table
                .foreign_keys
                .values()
                .find(|key| key.columns == item.columns && key.referenced_table == item.ref_table);
            self.objects.push(Object {
                table: &history.name,
                part: Part::ForeignKey,
                name: &item.name,
                states: &dated.states,
                same: key.is_some_and(|key| {
                    key.on_delete == item.on_delete && key.on_update == item.on_update
                }),
                present: key.is_some(),
                missing: INHERITED,
            });
        }
        self.charge_objects(first);
    }

    /// Adds costs to the states that have other objects than the table whose objects begin at `first`.
    fn charge_objects(&mut self, first: usize) {
        let objects = self.objects.split_off(first);
        for shapes in objects.chunk_by(|a, b| a.part == b.part && a.name == b.name) {
            let present = shapes.iter().any(|object| object.present);
            let as_actual = States::union(shapes.iter().filter(|o| o.same).map(|o| o.states));
            let begins = as_actual.places().next();
            for object in shapes.iter().filter(|object| !object.same) {
                self.charge(object.states, |place| match (present, begins) {
                    (false, _) => object.missing,
                    (true, Some(begins)) if begins > place => LATER,
                    (true, _) => INHERITED,
                });
            }
            if present {
                self.charge_extra(&States::union(shapes.iter().map(|object| object.states)));
            }
        }
        self.objects.extend(objects);
    }

    /// The states to compare exactly, best first, and all that they stand for, each with the index of one that has the
    /// schema's tables alike: the states with the lowest costs, and the declared one.
    fn best_states(
        &self,
        catalogue: &'a Catalogue,
        declared: Option<&'a State>,
    ) -> (Vec<&'a State>, Vec<(&'a State, usize)>) {
        let cost_of = |state: &State| self.costs.get(state.place()).copied().unwrap_or(u32::MAX);
        let mut states: Vec<&State> = catalogue.states().iter().collect();
        states.sort_by_key(|state| cost_of(state));
        let limit = states.first().map_or(0, |best| cost_of(best)) + MARGIN;
        let mut chosen: Vec<(&State, usize)> = Vec::new();
        let mut to_compare: Vec<&State> = Vec::new();
        let tried = states
            .into_iter()
            .take_while(|state| cost_of(state) <= limit);
        for state in tried.chain(declared) {
            if chosen.iter().any(|(known, _)| known.name == state.name) {
                continue;
            }
            let mut known = to_compare.iter();
            match known.position(|known| self.alike(catalogue, known, state)) {
                Some(comparison) => chosen.push((state, comparison)),
                None if to_compare.len() == COMPARED => {}
                None => {
                    chosen.push((state, to_compare.len()));
                    to_compare.push(state);
                }
            }
        }
        (to_compare, chosen)
    }

    /// Whether the two states cannot be told apart by the tables that the schema has.
    fn alike(&self, catalogue: &Catalogue, one: &State, other: &State) -> bool {
        catalogue.same_core(one, other)
            && (self.histories.iter()).all(|history| history.is_same(one.place(), other.place()))
    }

    /// Objects that tell the states from the one before and the one after them.
    fn evidence(&self, catalogue: &Catalogue, equal: &HashSet<usize>) -> Vec<String> {
        let places = || equal.iter().copied();
        let (Some(first), Some(last)) = (places().min(), places().max()) else {
            return Vec::new();
        };
        let mut evidence = Vec::new();
        let mut add = |is_telling: &dyn Fn(&Object) -> bool, so: fn(&Object) -> &'static str| {
            let telling = self.objects.iter().filter(|object| is_telling(object));
            evidence.extend(telling.take(EVIDENCE).map(|object| {
                let states = catalogue.describe(object.states);
                format!("{object} {} ({states})", so(object))
            }));
        };
        if let Some(before) = first.checked_sub(1) {
            let begins = |states: &States| states.contains(first) && !states.contains(before);
            add(&|it| it.same && begins(it.states), |_| "is there");
        }
        let begins = |states: &States| states.contains(last + 1) && !states.contains(last);
        add(&|it| !it.same && begins(it.states), |it| {
            if it.present {
                "is not yet so"
            } else {
                "is not there"
            }
        });
        evidence
    }
}

#[cfg(test)]
mod tests;
