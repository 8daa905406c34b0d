//! Plans for damaged schemas, run on a model that refuses what servers refuse.

use std::collections::HashSet;
use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::civicrm::reference::Subject;
use crate::schema::apply::rename_key;
use crate::schema::compare::compare;
use crate::schema::ddl::{self, AlterAction, Statement};
use crate::schema::element::Element;
use crate::schema::lexer::SqlModes;
use crate::schema::meaning::{is_just_on, serves};
use crate::schema::model::{ReferentialAction, find};

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::embedded().unwrap());

/// 64 characters that do their best to end a name, a comment or a statement.
const HOSTILE: &str = "`; -- */ /* --option 'x' \"y\" \\ é漢字😀; DROP TABLE x; #\u{202e}";

fn hostile(number: u32) -> String {
    let mut name = format!("{number}{HOSTILE}");
    while name.chars().count() < 64 {
        name.push('漢');
    }
    name.chars().take(64).collect()
}

/// A model that takes statements as a server does.
struct Model {
    schema: Schema,
    /// Table and name of the indexes that the server made for foreign keys.
    generated: HashSet<(String, String)>,
}

impl Model {
    fn run(&mut self, statement: &str) -> Result<(), String> {
        let parsed = ddl::parse(statement, SqlModes::default());
        let parsed = parsed.map_err(|error| format!("{error}: {statement}"))?;
        let Statement::AlterTable(alter) = &parsed else {
            return Err(format!("no ALTER TABLE: {statement}"));
        };
        let table = alter.name.name.clone();
        let before = self.schema.tables[&table].clone();
        let mut dropped: Vec<String> = Vec::new();
        let mut added: Vec<(String, ForeignKey)> = Vec::new();
        let mut restated = Vec::new();
        for action in &alter.actions {
            match action {
                AlterAction::DropForeignKey { name, .. } => dropped.push(name.to_lowercase()),
                AlterAction::Add {
                    element: Element::ForeignKey { name, foreign_key },
                    ..
                } => added.push((name.clone().unwrap(), foreign_key.clone())),
                AlterAction::ChangeColumn { from, .. } => restated.push(from.clone()),
                AlterAction::RenameIndex { from, to } => {
                    assert!(find(&before.indexes, from).is_some(), "{statement}");
                    self.generated.remove(&(table.clone(), from.clone()));
                    if find(&before.indexes, to).is_some() {
                        return Err(format!("1061 duplicate key name {to}"));
                    }
                }
                AlterAction::DropIndex { name, .. } => {
                    self.generated.remove(&(table.clone(), name.clone()));
                }
                _ => {}
            }
        }
        for (name, _) in &added {
            let taken = (self.schema.tables.values())
                .flat_map(|table| table.foreign_keys.keys())
                .any(|other| other.eq_ignore_ascii_case(name));
            if taken || dropped.contains(&name.to_lowercase()) {
                return Err(format!("1826 duplicate foreign key name {name}: {statement}"));
            }
            if name.chars().count() > 64 {
                return Err(format!("1059 {name} is too long"));
            }
        }
        for (child, definition) in &self.schema.tables {
            for (name, key) in &definition.foreign_keys {
                let touched = restated.iter().any(|column| {
                    *child == table && key.columns.contains(column)
                        || key.referenced_table == table && key.referenced_columns.contains(column)
                });
                if touched {
                    return Err(format!("1832 {name} uses the column: {statement}"));
                }
            }
        }
        self.schema.apply(parsed).map_err(|error| format!("{error}: {statement}"))?;
        for (name, key) in &added {
            self.add_key(&table, name, key, statement)?;
        }
        for (child, definition) in &self.schema.tables {
            for (name, key) in &definition.foreign_keys {
                let parent = self.schema.table(&key.referenced_table);
                let served = serves(definition, &key.columns)
                    && parent.is_some_and(|parent| serves(parent, &key.referenced_columns));
                if !served && (*child == table || key.referenced_table == table) {
                    return Err(format!("1553 {name} needs the index: {statement}"));
                }
            }
        }
        Ok(())
    }

    /// What else happens when a foreign key is added.
    fn add_key(
        &mut self,
        table: &str,
        name: &str,
        key: &ForeignKey,
        statement: &str,
    ) -> Result<(), String> {
        let parent = self.schema.table(&key.referenced_table).ok_or("1824 no parent")?.clone();
        let child = &mut self.schema.tables[table];
        for table in [&parent, &*child] {
            if table.engine.as_deref() != Some("InnoDB") {
                return Err(format!("1215 not InnoDB: {statement}"));
            }
        }
        let of = |table: &Table, columns: &[String]| -> Vec<String> {
            columns.iter().map(|c| table.columns[c].data_type.clone()).collect()
        };
        if of(child, &key.columns) != of(&parent, &key.referenced_columns) {
            return Err(format!("3780 incompatible columns: {statement}"));
        }
        // A generated index gives way to the one that would be generated now.
        let generated = child.indexes.iter().find_map(|(index, definition)| {
            let made = self.generated.contains(&(table.to_owned(), index.clone()));
            (made && is_just_on(definition, &key.columns)).then(|| index.clone())
        });
        if let Some(old) = generated {
            let index = child.indexes.shift_remove(&old).unwrap();
            self.generated.remove(&(table.to_owned(), old));
            if !serves(child, &key.columns) {
                if find(&child.indexes, name).is_some() {
                    return Err(format!("1061 duplicate key name {name}"));
                }
                child.indexes.insert(name.to_owned(), index);
                self.generated.insert((table.to_owned(), name.to_owned()));
            }
        }
        Ok(())
    }
}

/// What SHOW CREATE TABLE would tell apart: the order of indexes within a kind is part of it.
fn printed(schema: &Schema) -> Vec<(String, Table, Vec<String>)> {
    let tables = schema.tables.iter().map(|(name, table)| {
        let mut order: Vec<(IndexKind, String)> = (table.indexes.iter())
            .map(|(name, index)| (index.kind, name.clone()))
            .collect();
        order.sort_by_key(|(kind, _)| *kind as u8);
        let order = order.into_iter().map(|(_, name)| name).collect();
        (name.clone(), table.clone(), order)
    });
    tables.collect()
}

/// One thing done to a schema: what, where, and how.
type Damage = (u8, u32, u32);

fn pick(number: u32, len: usize) -> usize {
    number as usize % len.max(1)
}

/// Table and name of every foreign key.
fn keys(schema: &Schema) -> Vec<(String, String)> {
    let of = |(table, definition): (&String, &Table)| -> Vec<(String, String)> {
        definition.foreign_keys.keys().map(|name| (table.clone(), name.clone())).collect()
    };
    schema.tables.iter().flat_map(of).collect()
}

impl Model {
    fn rename_key(&mut self, table: &str, from: &str, to: &str, index_follows: bool) {
        let definition = &mut self.schema.tables[table];
        let key = definition.foreign_keys[from].clone();
        rename_key(&mut definition.foreign_keys, from, to);
        let generated = self.generated.remove(&(table.to_owned(), from.to_owned()));
        let own = definition.indexes.get(from).is_some_and(|index| is_just_on(index, &key.columns));
        if (generated || index_follows) && own && find(&definition.indexes, to).is_none() {
            rename_key(&mut definition.indexes, from, to);
            if generated {
                self.generated.insert((table.to_owned(), to.to_owned()));
            }
        }
    }

    fn damage(&mut self, (what, place, how): Damage) {
        let keys = keys(&self.schema);
        if keys.is_empty() {
            return;
        }
        let key = |offset: u32| keys[pick(place.wrapping_add(offset), keys.len())].clone();
        let (table, name) = key(0);
        let is_free = |schema: &Schema, wanted: &str| {
            !self::keys(schema).iter().any(|(_, name)| name.eq_ignore_ascii_case(wanted))
        };
        match what % 11 {
            0 | 1 => {
                let new = match how % 4 {
                    0 => format!("{table}_ibfk_{}", how % 50),
                    1 => hostile(place),
                    2 => format!("x{}", how % 7),
                    _ => name.to_lowercase(),
                };
                if is_free(&self.schema, &new) || how % 4 == 3 {
                    self.rename_key(&table, &name, &new, how & 8 == 0);
                }
            }
            2 | 3 => {
                // Names go round among two to four keys.
                let mut circle: Vec<(String, String)> =
                    (0..2 + how % 3).map(|step| key(step * (1 + how % 5))).collect();
                circle.dedup();
                let unique: HashSet<_> = circle.iter().collect();
                if unique.len() < circle.len() || circle.len() < 2 {
                    return;
                }
                for (number, (table, name)) in circle.iter().enumerate() {
                    self.rename_key(table, name, &format!("circle{number}"), how & 16 == 0);
                }
                for (number, (table, _)) in circle.iter().enumerate() {
                    let (_, next) = &circle[(number + 1) % circle.len()];
                    let from = format!("circle{number}");
                    self.rename_key(table, &from, next, how & 16 == 0);
                }
            }
            4 => {
                let definition = &mut self.schema.tables[&table];
                let key = definition.foreign_keys.shift_remove(&name).unwrap();
                let shared = |key: &ForeignKey| {
                    definition.foreign_keys.values().any(|other| other.columns == key.columns)
                };
                if how % 2 == 0 && !shared(&key) {
                    definition.indexes.retain(|_, index| !is_just_on(index, &key.columns));
                }
            }
            5 => {
                let key = &mut self.schema.tables[&table].foreign_keys[&name];
                let rules = [ReferentialAction::Restrict, ReferentialAction::Cascade];
                key.on_delete = rules[pick(how, 2)];
            }
            6..=8 => self.damage_index(what, place, how),
            9 => {
                let (tables, place) = (self.schema.tables.len(), place);
                let (name, table) = self.schema.tables.get_index_mut(pick(place, tables)).unwrap();
                let name = name.clone();
                table.engine = Some("MyISAM".to_owned());
                table.foreign_keys.clear();
                for table in self.schema.tables.values_mut() {
                    table.foreign_keys.retain(|_, key| key.referenced_table != name);
                }
            }
            _ => {
                let (name, table) = (self.schema.tables)
                    .get_index_mut(pick(place, 20))
                    .unwrap();
                let old = ["utf8mb3", "latin1"][pick(how, 2)];
                let name = name.clone();
                let is_utf8mb4 = table.charset.as_deref() == Some("utf8mb4");
                let own = table.columns.values().all(|c| c.charset.is_none() && c.collation.is_none());
                if own && is_utf8mb4 && !name.contains("translation") {
                    let collation = if old == "latin1" { "swedish" } else { "unicode" };
                    table.charset = Some(old.to_owned());
                    table.collation = Some(format!("{old}_{collation}_ci"));
                }
            }
        }
    }

    fn damage_index(&mut self, what: u8, place: u32, how: u32) {
        let tables: Vec<String> = self.schema.tables.keys().cloned().collect();
        let table = &tables[pick(place, tables.len())];
        let definition = &mut self.schema.tables[table];
        if definition.indexes.is_empty() {
            return;
        }
        let names: Vec<String> = definition.indexes.keys().cloned().collect();
        let name = &names[pick(how, names.len())];
        let mut changed = definition.clone();
        match what {
            6 => {
                changed.indexes.shift_remove(name);
            }
            7 => {
                let new = if how.is_multiple_of(3) { hostile(how) } else { format!("i{}", how % 9) };
                if find(&changed.indexes, &new).is_some() {
                    return;
                }
                rename_key(&mut changed.indexes, name, &new);
            }
            _ => {
                let index = &mut changed.indexes[name];
                index.kind = IndexKind::Plain;
                index.parts.reverse();
                if index.parts.len() > 1 {
                    index.parts.pop();
                }
            }
        }
        let all_served = changed.foreign_keys.values().all(|key| serves(&changed, &key.columns));
        let columns = |parent: &str| -> Vec<Vec<String>> {
            (tables.iter())
                .flat_map(|table| self.schema.tables[table].foreign_keys.values())
                .filter(|key| key.referenced_table == parent)
                .map(|key| key.referenced_columns.clone())
                .collect()
        };
        if all_served && columns(table).iter().all(|columns| serves(&changed, columns)) {
            self.generated.remove(&(table.clone(), name.clone()));
            self.schema.tables[table] = changed;
        }
    }
}

fn server(text: &str) -> Option<ServerVersion> {
    ServerVersion::parse(text)
}

/// The plan to bring a schema to a release.
fn planned(schema: &Schema, state: &str, options: &Options) -> (Plan, Reference) {
    let state = CATALOGUE.state(state).unwrap();
    let subject = Subject {
        schema,
        site: None,
        from_server: true,
    };
    let reference = Reference::new(&CATALOGUE, state, subject);
    let differences = reference.differences(&CATALOGUE, state, subject);
    let upgrade = options.target.as_ref().map(|target| {
        upgrade_drops::between(&Version::parse(state.last_release()).unwrap(), target)
    });
    let upgrade = upgrade.unwrap_or_default();
    let mut planner = Planner::new(schema, &reference, options.server.as_ref(), upgrade);
    planner.target = options.target.as_ref().map(ToString::to_string);
    let wanted = planner.select(&differences, options);
    planner.run(&wanted, options.family);
    let plan = planner.plan;
    (plan, reference)
}

fn fresh(state: &str) -> Schema {
    let state = CATALOGUE.state(state).unwrap();
    CATALOGUE.schema(state).plain_install()
}

/// The schema of a release, its implied indexes generated or not.
fn model(state: &str, generated: bool) -> Model {
    let named = CATALOGUE.state(state).unwrap();
    let facts = CATALOGUE.schema(named).tables;
    let schema = fresh(state);
    let made = schema.tables.iter().flat_map(|(table, definition)| {
        let made = facts[table].implied_indexes.iter();
        made.filter(|name| definition.foreign_keys.contains_key(*name))
            .map(|name| (table.clone(), name.clone()))
    });
    Model {
        generated: made.filter(|_| generated).collect(),
        schema,
    }
}

const STATES: [&str; 7] = ["4.0", "4.2", "4.6", "4.7", "5.13", "5.81", "6.10"];

fn mended_and_taken_back(
    state: &str,
    damages: &[Damage],
    generated: bool,
    version: &str,
) -> Result<usize, TestCaseError> {
    let mut model = model(state, generated);
    for damage in damages {
        model.damage(*damage);
    }
    let damaged = model.schema.clone();
    let options = Options {
        inherited: true,
        server: server(version),
        ..Options::new(Family::All)
    };
    let (plan, reference) = planned(&damaged, state, &options);
    let mut befores = Vec::new();
    for step in &plan.steps {
        let now = &model.schema.tables[&step.table];
        if !generated {
            prop_assert_eq!(now, &step.before);
        }
        befores.push(now.clone());
        model.run(&step.statement()).map_err(TestCaseError::fail)?;
        if !generated {
            let after = printed(&model.schema);
            let found = after.iter().find(|(name, ..)| *name == step.table).unwrap();
            prop_assert_eq!(&found.1, &step.after);
        }
        for name in model.schema.tables[&step.table].foreign_keys.keys() {
            prop_assert!(name.chars().count() <= 64);
        }
    }
    let mut open = compare(&model.schema, &reference.schema, &reference.options);
    open.retain(|difference| {
        let refused = |refused: &Refused| {
            refused.table.eq_ignore_ascii_case(&difference.table)
                && [&difference.actual, &difference.reference].iter().any(|side| {
                    side.as_ref().is_some_and(|side| side.name == refused.object)
                })
        };
        !plan.refused.iter().any(refused) && !plan.left.iter().any(|l| l.difference == *difference)
    });
    prop_assert!(open.is_empty(), "{open:#?}\n{:#?}", plan.refused);

    for (step, before) in plan.steps.iter().zip(&befores).rev() {
        let undone = model.run(&step.inverse_statement());
        if !generated {
            undone.map_err(TestCaseError::fail)?;
        }
        // What servers did in their own way is taken back by what is really there.
        for _ in 0..2 {
            let now = &model.schema.tables[&step.table];
            let rest = alter::actions(now, before, true);
            if generated && !rest.is_empty() {
                let statement = alter_table(&step.table, &rest);
                model.run(&statement).map_err(TestCaseError::fail)?;
            }
        }
    }
    prop_assert_eq!(printed(&model.schema), printed(&damaged));
    Ok(plan.steps.len())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_schema_is_mended_and_comes_back_as_it_was(
        state in proptest::sample::select(&STATES[..]),
        damages in proptest::collection::vec(any::<Damage>(), 1..40),
        version in proptest::sample::select(&["10.11.6-MariaDB", "9.7.4", "5.6.40", "10.3.1-MariaDB"][..]),
    ) {
        mended_and_taken_back(state, &damages, false, version)?;
    }

    /// Indexes that the server made follow the names of their keys.
    #[test]
    fn indexes_that_servers_made_do_not_matter(
        state in proptest::sample::select(&STATES[..]),
        damages in proptest::collection::vec(any::<Damage>(), 1..40),
    ) {
        mended_and_taken_back(state, &damages, true, "10.11.6-MariaDB")?;
    }
}

#[test]
fn debug() {
    let (st,t)=("5.13","civicrm_contribution_recur");
    let d: [Damage; 6] = [(81,229302,0),(75,2630950296,0),(77,2517182915,958345751),(141,816035985,0),(147,214086744,0),(178,1082494343,363860975)];
    let mut model = model(st, true);
    for damage in d { model.damage(damage); println!("{:?} {:?}", model.schema.tables[t].indexes.keys(), model.schema.tables[t].foreign_keys.iter().map(|(n,k)|format!("{n}({})",k.columns[0])).collect::<Vec<_>>()); }
    let (plan, _) = planned(&model.schema, st, &Options { inherited: true, server: server("10.11.6-MariaDB"), ..Options::new(Family::All) });
    for s in &plan.steps { if s.table==t {println!("{}", s.statement()); }}
    println!("{:#?}", plan.refused);
}
