//! The detection in the plain way: every object of every state charged by itself, every state compared with all its
//! tables. [`super::detect`] has to give the same answers.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::fmt::Debug;
use std::sync::LazyLock;

use indexmap::IndexMap;
use proptest::prelude::*;

use super::super::catalogue::{Catalogue, Owner, State, States, TableHistory};
use super::super::reference::{Reference, Subject};
use super::super::site::Site;
use super::*;
use crate::case::Case;
use crate::schema::model::{Column, DefaultValue, Index, IndexKind, KeyPart, ReferentialAction};
use crate::schema::model::{Schema, Table, find};
use crate::source::{Access, Location};

/// Number of objects named as evidence against each neighbouring state.
const EVIDENCE: usize = 2;

/// What a detection says, except for the reference.
type Told = (
    String,
    Vec<String>,
    Vec<(String, usize)>,
    Vec<String>,
    Vec<String>,
);

fn told(
    state: &State,
    also: &[&State],
    candidates: &[(&State, usize)],
    evidence: Vec<String>,
    differences: &[Aged],
) -> Told {
    let name = |state: &&State| state.name.clone();
    let debug = |it: &dyn Debug| format!("{it:?}");
    (
        state.name.clone(),
        also.iter().map(name).collect(),
        candidates
            .iter()
            .map(|(state, count)| (state.name.clone(), *count))
            .collect(),
        evidence,
        differences.iter().map(|aged| debug(aged)).collect(),
    )
}

/// The answer of [`super::detect`], and what the plain way says.
fn both(catalogue: &Catalogue, subject: Subject) -> (Option<Told>, Option<Told>) {
    let quick = detect(catalogue, subject).map(|it| {
        let reference = Reference::new(catalogue, it.state, subject);
        let differences = reference.differences(catalogue, it.state, subject);
        // Of states that are alike the first compared one speaks for all, so its ages may be others.
        assert_eq!(it.differences.len(), differences.len());
        assert_eq!(it.later, later(&it.differences));
        told(
            it.state,
            &it.also,
            &it.candidates,
            it.evidence,
            &it.differences,
        )
    });
    (quick, plainly(catalogue, subject))
}

fn plainly(catalogue: &Catalogue, subject: Subject) -> Option<Told> {
    let Subject { schema, site, .. } = subject;
    let objects = Objects::new(catalogue, schema, site);
    if objects.core_tables < FEWEST_TABLES {
        return None;
    }
    let declared = site
        .and_then(Site::declared_version)
        .and_then(|version| catalogue.state_for(&version));
    let (mut candidates, mut comparisons) = objects.best_states(catalogue, declared, |state| {
        let reference = Reference::new(catalogue, state, subject);
        let differences = reference.differences(catalogue, state, subject);
        (reference, differences)
    });
    let is_declared = |state: &State| declared.is_some_and(|declared| declared.name == state.name);
    candidates.sort_by_key(|candidate| {
        let newest_first = Reverse(candidate.state.place());
        (candidate.cost, !is_declared(candidate.state), newest_first)
    });
    let counts: Vec<_> = candidates
        .iter()
        .map(|c| (c.state, c.differences))
        .collect();
    let mut candidates = candidates.into_iter();
    let best = candidates.next()?;
    let (_, differences) = comparisons.swap_remove(best.comparison);
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
    let evidence = objects.evidence(catalogue, &equal);
    Some(told(best.state, &also, &counts, evidence, &differences))
}

/// What a schema was compared with, and how it differs.
type Comparison = (Reference, Vec<Aged>);

/// One object of the catalogue and whether the schema has it so.
struct Object<'a> {
    /// The name for people: `civicrm_contact`, `civicrm_contact.employer_id`, `index_x of civicrm_y`.
    name: String,
    states: &'a States,
    /// Whether the schema has the object in just this form.
    same: bool,
    /// Whether the schema has an object of that name.
    present: bool,
    /// The cost of a state that has the object while the schema does not.
    missing: u32,
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
        let localized = |name: &str, localizable: bool| match locale {
            Some(locale) if localizable => format!("{name}_{locale}"),
            _ => name.to_owned(),
        };
        for dated in &history.columns {
            let item = &dated.item;
            let column = find(&table.columns, &localized(&item.name, item.localizable));
            let same = column.is_some_and(|column| {
                is_same_column(column, &item.to_model(""))
                    || (item.to_model_explicit("")).is_some_and(|it| is_same_column(column, &it))
            });
            self.objects.push(Object {
                name: format!("{}.{}", history.name, item.name),
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
                name: format!("index {} of {}", item.name, history.name),
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
                name: format!("foreign key {} of {}", item.name, history.name),
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
        for shapes in objects.chunk_by(|a, b| a.name == b.name) {
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

    /// The states with the lowest costs, and the declared one, compared exactly. States in which the schema's
    /// tables are alike are compared once.
    fn best_states(
        &self,
        catalogue: &'a Catalogue,
        declared: Option<&'a State>,
        compare: impl Fn(&State) -> Comparison + Sync,
    ) -> (Vec<Candidate<'a>>, Vec<Comparison>) {
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
        let comparisons: Vec<Comparison> = to_compare.iter().map(|state| compare(state)).collect();
        let candidates = chosen.into_iter().filter_map(|(state, comparison)| {
            let (_, differences) = comparisons.get(comparison)?;
            Some(Candidate {
                state,
                comparison,
                differences: differences.len(),
                cost: cost(differences),
            })
        });
        (candidates.collect(), comparisons)
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
                format!("{} {} ({states})", object.name, so(object))
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

/// Whether a column is close enough to a form of it in the catalogue to be that one.
fn is_same_column(column: &Column, shape: &Column) -> bool {
    column.data_type == shape.data_type
        && column.nullable == shape.nullable
        && column.default == shape.default
        && column.on_update_now == shape.on_update_now
        && column.auto_increment == shape.auto_increment
}

/// Whether every case is tried instead of some.
fn thorough() -> bool {
    std::env::var_os("CIVIDB_TEST_ALL").is_some()
}

/// One change to a schema.
#[derive(Clone, Debug)]
enum Change {
    DropTable,
    DropColumn,
    DropIndex,
    DropForeignKey,
    Type,
    Nullable,
    Default,
    AddColumn,
    AddIndex,
    Rule,
    Rename,
    Charset,
    /// The table as another state has it.
    OfState(usize),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        1 => Just(Change::DropTable),
        1 => Just(Change::DropColumn),
        1 => Just(Change::DropIndex),
        1 => Just(Change::DropForeignKey),
        1 => Just(Change::Type),
        1 => Just(Change::Nullable),
        1 => Just(Change::Default),
        1 => Just(Change::AddColumn),
        1 => Just(Change::AddIndex),
        1 => Just(Change::Rule),
        1 => Just(Change::Rename),
        1 => Just(Change::Charset),
        3 => (0_usize..200).prop_map(Change::OfState),
    ]
}

/// The key at a place that is taken around the end of the map.
fn at<V>(map: &IndexMap<String, V>, place: usize) -> Option<String> {
    let place = place.checked_rem(map.len())?;
    Some(map.get_index(place)?.0.clone())
}

fn apply(
    schema: &mut Schema,
    catalogue: &Catalogue,
    (change, one, other): &(Change, usize, usize),
) {
    let Some(name) = at(&schema.tables, *one) else {
        return;
    };
    let table = schema.tables.get_mut(&name).unwrap();
    let column = at(&table.columns, *other).and_then(|it| table.columns.get_mut(&it));
    match (change, column) {
        (Change::DropTable, _) => {
            schema.tables.shift_remove(&name);
        }
        (Change::DropColumn, _) => {
            at(&table.columns, *other).map(|it| table.columns.shift_remove(&it));
        }
        (Change::DropIndex, _) => {
            at(&table.indexes, *other).map(|it| table.indexes.shift_remove(&it));
        }
        (Change::DropForeignKey, _) => {
            at(&table.foreign_keys, *other).map(|it| table.foreign_keys.shift_remove(&it));
        }
        (Change::Type, Some(column)) => column.data_type = "varchar(99)".to_owned(),
        (Change::Nullable, Some(column)) => column.nullable = !column.nullable,
        (Change::Default, Some(column)) => {
            column.default = Some(DefaultValue::Literal("7".to_owned()));
        }
        (Change::AddColumn, _) => {
            table.columns.insert("own".to_owned(), Column::default());
        }
        (Change::AddIndex, _) => {
            let column = at(&table.columns, *other).unwrap_or_default();
            let index = Index {
                kind: IndexKind::Plain,
                parts: vec![KeyPart::column(column)],
            };
            table.indexes.insert("own".to_owned(), index);
        }
        (Change::Rule, _) => {
            for key in table.foreign_keys.values_mut() {
                key.on_delete = ReferentialAction::Cascade;
            }
        }
        (Change::Rename, _) => {
            if let Some(table) = schema.tables.shift_remove(&name) {
                schema.tables.insert(name.to_ascii_uppercase(), table);
            }
        }
        (Change::Charset, _) => table.collation = Some("utf8mb4_bin".to_owned()),
        (Change::OfState(place), _) => {
            let states = catalogue.states();
            let state = &states[place % states.len()];
            let history = catalogue.history(&name);
            if let Some((table, _)) = history.and_then(|it| catalogue.table(it, state)) {
                schema.tables.insert(name, table);
            }
        }
        (Change::Type | Change::Nullable | Change::Default, None) => {}
    }
}

fn subject(schema: &Schema) -> Subject<'_> {
    Subject {
        schema,
        site: None,
        from_server: true,
    }
}

#[test]
fn every_state_is_found_as_in_the_plain_way() {
    let catalogue = Catalogue::embedded().unwrap();
    let every = if thorough() { 1 } else { 9 };
    for state in catalogue.states().iter().step_by(every) {
        let schema = catalogue.schema(state).plain_install();
        let (quick, plain) = both(&catalogue, subject(&schema));
        assert_eq!(quick, plain, "{}", state.name);
    }
}

#[test]
fn the_release_of_a_dump_is_found_as_in_the_plain_way() {
    let catalogue = Catalogue::embedded().unwrap();
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/sample.sql.gz");
    for location in Location::expand(sample, &Access::default()).unwrap() {
        let snapshot = location.read(None, &mut |_| {}).unwrap();
        let case = Case::new(snapshot, &catalogue);
        let (quick, plain) = both(&catalogue, case.subject());
        assert!(quick.is_some());
        assert_eq!(quick, plain);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if thorough() { 10_000 } else { 24 }))]

    /// Whatever is changed in a schema, the same release is found, by the same differences.
    #[test]
    fn a_changed_schema_is_found_as_in_the_plain_way(
        place in 0_usize..200,
        changes in proptest::collection::vec((change(), 0_usize..300, 0_usize..100), 0..40),
    ) {
        static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::embedded().unwrap());
        let states = CATALOGUE.states();
        let mut schema = CATALOGUE.schema(&states[place % states.len()]).schema;
        for change in &changes {
            apply(&mut schema, &CATALOGUE, change);
        }
        let (quick, plain) = both(&CATALOGUE, subject(&schema));
        prop_assert_eq!(quick, plain);
    }
}
