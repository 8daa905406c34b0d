//! The objects of the catalogue held against those of a schema, and what each state costs by them.

use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::Range;

use super::super::catalogue::{self, Catalogue, Owner, State, States, TableHistory};
use super::super::site::Site;
use super::{INHERITED, LATER, LOST, MOST_LOST_TABLES};
use crate::schema::model::{Column, DefaultValue, Schema, Table, find};

/// Number of objects named as evidence against each neighbouring state.
const EVIDENCE: usize = 2;

/// One object of the catalogue and whether the schema has it so.
struct Object<'a> {
    kind: Kind,
    table: &'a str,
    name: &'a str,
    states: &'a States,
    /// Whether the schema has the object in just this form.
    same: bool,
    /// Whether the schema has an object of that name.
    present: bool,
    /// The cost of a state that has the object while the schema does not.
    missing: u32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Column,
    Index,
    ForeignKey,
}

impl Object<'_> {
    /// The name for people: `civicrm_contact.employer_id`, `index index_x of civicrm_y`.
    fn title(&self) -> String {
        let Self { table, name, .. } = self;
        match self.kind {
            Kind::Column => format!("{table}.{name}"),
            Kind::Index => format!("index {name} of {table}"),
            Kind::ForeignKey => format!("foreign key {name} of {table}"),
        }
    }
}

/// The cost of each state, as the step from the cost of the state before it.
struct Costs(Vec<i64>);

impl Costs {
    fn add(&mut self, places: Range<usize>, cost: u32) {
        if places.is_empty() {
            return;
        }
        for (place, step) in [(places.start, 1), (places.end, -1)] {
            if let Some(sum) = self.0.get_mut(place) {
                *sum += step * i64::from(cost);
            }
        }
    }

    /// The cost of each state, by its place.
    fn sums(&self) -> Vec<u32> {
        let steps = self.0.iter();
        let sums = steps.scan(0_i64, |sum, step| {
            *sum += step;
            Some(u32::try_from(*sum).unwrap_or(u32::MAX))
        });
        sums.collect()
    }
}

/// All objects that the catalogue knows of the schema's tables.
pub(super) struct Objects<'a> {
    objects: Vec<Object<'a>>,
    /// Histories of the tables that the schema has.
    pub(super) histories: Vec<&'a TableHistory>,
    pub(super) core_tables: usize,
    costs: Costs,
    states: usize,
}

impl<'a> Objects<'a> {
    pub(super) fn new(catalogue: &'a Catalogue, schema: &Schema, site: Option<&Site>) -> Self {
        let states = catalogue.states().len();
        let mut all = Self {
            objects: Vec::new(),
            histories: Vec::new(),
            core_tables: 0,
            costs: Costs(vec![0; states]),
            states,
        };
        let locale = site.and_then(|site| site.locales().first());
        let mut lost_tables = vec![0; states];
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
        for (place, lost) in lost_tables.into_iter().enumerate() {
            let cost = LOST * MOST_LOST_TABLES.min(lost);
            all.costs.add(place..place + 1, cost);
        }
        all
    }

    /// The cost of each state, by its place.
    pub(super) fn costs(&self) -> Vec<u32> {
        self.costs.sums()
    }

    /// Adds the cost of an object that only these states have to all others.
    fn charge_extra(&mut self, states: &States) {
        let mut cost = if states.runs().is_empty() {
            INHERITED
        } else {
            LATER
        };
        let mut place = 0;
        for &(first, last) in states.runs() {
            self.costs.add(place..first, cost);
            cost = INHERITED;
            place = last + 1;
        }
        self.costs.add(place..self.states, cost);
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
            self.objects.push(Object {
                kind: Kind::Column,
                table: &history.name,
                name: &item.name,
                states: &dated.states,
                same: column.is_some_and(|column| is_same_column(column, item)),
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
                kind: Kind::Index,
                table: &history.name,
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
                kind: Kind::ForeignKey,
                table: &history.name,
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
        for shapes in objects.chunk_by(|a, b| a.kind == b.kind && a.name == b.name) {
            let present = shapes.iter().any(|object| object.present);
            let as_actual = shapes.iter().filter(|object| object.same);
            let begins = as_actual.filter_map(|it| it.states.places().next()).min();
            for object in shapes.iter().filter(|object| !object.same) {
                for &(first, last) in object.states.runs() {
                    let end = last + 1;
                    let split = match (present, begins) {
                        (true, Some(begins)) => begins.clamp(first, end),
                        _ => first,
                    };
                    let cost = if present { INHERITED } else { object.missing };
                    self.costs.add(first..split, LATER);
                    self.costs.add(split..end, cost);
                }
            }
            if present {
                match shapes {
                    [one] => self.charge_extra(one.states),
                    _ => self.charge_extra(&States::union(shapes.iter().map(|it| it.states))),
                }
            }
        }
        self.objects.extend(objects);
    }

    /// Whether the two states cannot be told apart by the tables that the schema has.
    pub(super) fn alike(&self, catalogue: &Catalogue, one: &State, other: &State) -> bool {
        catalogue.same_core(one, other)
            && (self.histories.iter()).all(|history| history.is_same(one.place(), other.place()))
    }

    /// Objects that tell the states from the one before and the one after them.
    pub(super) fn evidence(&self, catalogue: &Catalogue, equal: &HashSet<usize>) -> Vec<String> {
        let places = || equal.iter().copied();
        let (Some(first), Some(last)) = (places().min(), places().max()) else {
            return Vec::new();
        };
        let mut evidence = Vec::new();
        let mut add = |is_telling: &dyn Fn(&Object) -> bool, so: fn(&Object) -> &'static str| {
            let telling = self.objects.iter().filter(|object| is_telling(object));
            evidence.extend(telling.take(EVIDENCE).map(|object| {
                let states = catalogue.describe(object.states);
                format!("{} {} ({states})", object.title(), so(object))
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

/// Whether a column is close enough to a form of it in the catalogue to be that one, as servers make it under either
/// setting of `explicit_defaults_for_timestamp`.
fn is_same_column(column: &Column, shape: &catalogue::Column) -> bool {
    if column.data_type != shape.data_type || column.auto_increment != shape.auto_increment {
        return false;
    }
    let has = |nullable: bool, default: &Option<String>, on_update_now: bool| {
        column.nullable == nullable
            && column.on_update_now == on_update_now
            && match (&column.default, default) {
                (None, None) => true,
                (Some(DefaultValue::Expression(ours)), Some(text)) => {
                    ours == text && shape.is_current_time(text)
                }
                (Some(DefaultValue::Literal(ours)), Some(text)) => {
                    ours == text && !shape.is_current_time(text)
                }
                _ => false,
            }
    };
    has(shape.nullable, &shape.default, shape.on_update_now)
        || (shape.explicit_defaults.as_ref())
            .is_some_and(|it| has(it.nullable, &it.default, it.on_update_now))
}
