//! Plans for damaged schemas, run on a model that refuses what servers refuse.

use std::collections::HashSet;
use std::sync::LazyLock;

use proptest::prelude::*;

use super::planner::Planner;
use super::*;
use crate::change::alter;
use crate::civicrm::catalogue::Catalogue;
use crate::civicrm::reference::{Reference, Subject};
use crate::civicrm::release::Version;
use crate::civicrm::upgrade::keys;
use crate::schema::apply::rename_key;
use crate::schema::compare::{compare, same_ends};
use crate::schema::ddl::{self, AlterAction, Statement};
use crate::schema::element::Element;
use crate::schema::lexer::SqlModes;
use crate::schema::meaning::{is_just_on, serves};
use crate::schema::model::{ForeignKey, IndexKind, ReferentialAction, Schema, Table, find};
use crate::schema::sql::alter_table;
use crate::server_version::ServerVersion;

static CATALOGUE: LazyLock<&'static Catalogue> = LazyLock::new(|| Catalogue::embedded().unwrap());

/// 64 characters that do their best to end a name, a comment or a statement.
const HOSTILE: &str = "`; -- */ /* --option 'x' \"y\" \\ é漢字ß; DROP TABLE x; #\u{202e}";

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
                return Err(format!(
                    "1826 duplicate foreign key name {name}: {statement}"
                ));
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
        self.schema
            .apply(parsed)
            .map_err(|error| format!("{error}: {statement}"))?;
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
        let parent = self
            .schema
            .table(&key.referenced_table)
            .ok_or("1824 no parent")?
            .clone();
        let child = &mut self.schema.tables[table];
        for table in [&parent, &*child] {
            if table.engine.as_deref() != Some("InnoDB") {
                return Err(format!("1215 not InnoDB: {statement}"));
            }
        }
        let of = |table: &Table, columns: &[String]| -> Vec<String> {
            columns
                .iter()
                .map(|c| table.columns[c].data_type.clone())
                .collect()
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
        definition
            .foreign_keys
            .keys()
            .map(|name| (table.clone(), name.clone()))
            .collect()
    };
    schema.tables.iter().flat_map(of).collect()
}

impl Model {
    fn rename_key(&mut self, table: &str, from: &str, to: &str, index_follows: bool) {
        let definition = &mut self.schema.tables[table];
        let key = definition.foreign_keys[from].clone();
        rename_key(&mut definition.foreign_keys, from, to);
        let generated = self.generated.remove(&(table.to_owned(), from.to_owned()));
        let own = definition
            .indexes
            .get(from)
            .is_some_and(|index| is_just_on(index, &key.columns));
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
            !self::keys(schema)
                .iter()
                .any(|(_, name)| name.eq_ignore_ascii_case(wanted))
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
                let mut circle: Vec<(String, String)> = (0..2 + how % 3)
                    .map(|step| key(step * (1 + how % 5)))
                    .collect();
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
                    definition
                        .foreign_keys
                        .values()
                        .any(|other| other.columns == key.columns)
                };
                if how % 2 == 0 && !shared(&key) {
                    definition
                        .indexes
                        .retain(|_, index| !is_just_on(index, &key.columns));
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
                let (name, table) = self
                    .schema
                    .tables
                    .get_index_mut(pick(place, tables))
                    .unwrap();
                let name = name.clone();
                table.engine = Some("MyISAM".to_owned());
                table.foreign_keys.clear();
                for table in self.schema.tables.values_mut() {
                    table
                        .foreign_keys
                        .retain(|_, key| key.referenced_table != name);
                }
            }
            _ => {
                let (name, table) = (self.schema.tables).get_index_mut(pick(place, 20)).unwrap();
                let old = ["utf8mb3", "latin1"][pick(how, 2)];
                let name = name.clone();
                let is_utf8mb4 = table.charset.as_deref() == Some("utf8mb4");
                let own = table
                    .columns
                    .values()
                    .all(|c| c.charset.is_none() && c.collation.is_none());
                if own && is_utf8mb4 && !name.contains("translation") {
                    let collation = if old == "latin1" {
                        "swedish"
                    } else {
                        "unicode"
                    };
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
                let new = if how.is_multiple_of(3) {
                    hostile(how)
                } else {
                    format!("i{}", how % 9)
                };
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
        let all_served = changed
            .foreign_keys
            .values()
            .all(|key| serves(&changed, &key.columns));
        let columns = |parent: &str| -> Vec<Vec<String>> {
            (tables.iter())
                .flat_map(|table| self.schema.tables[table].foreign_keys.values())
                .filter(|key| key.referenced_table == parent)
                .map(|key| key.referenced_columns.clone())
                .collect()
        };
        if all_served
            && columns(table)
                .iter()
                .all(|columns| serves(&changed, columns))
        {
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
    planned_for(None, schema, state, options)
}

/// The same with an upgrade to come.
fn planned_for(
    target: Option<&Version>,
    schema: &Schema,
    state: &str,
    options: &Options,
) -> (Plan, Reference) {
    let state = CATALOGUE.state(state).unwrap();
    let subject = Subject {
        schema,
        site: None,
        from_server: true,
    };
    let reference = Reference::new(&CATALOGUE, state, subject);
    let differences = reference.differences(&CATALOGUE, state, subject);
    let upgrade = target
        .map(|target| keys::drops(&Version::parse(state.last_release()).unwrap(), target).unwrap());
    let upgrade = upgrade.unwrap_or_default();
    let mut planner = Planner::new(schema, &reference, options.server.as_ref(), upgrade);
    planner.target = target.map(ToString::to_string);
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
        let after = &model.schema.tables[&step.table].foreign_keys;
        let no_key_was_lost = befores.last().is_some_and(|before| {
            let mut keys = before.foreign_keys.values();
            keys.all(|key| after.values().any(|other| same_ends(key, other)))
        });
        prop_assert!(no_key_was_lost, "{}", step.statement());
    }
    let mut open = compare(&model.schema, &reference.schema, &reference.options);
    open.retain(|difference| {
        let refused = |refused: &Refused| {
            refused.table.eq_ignore_ascii_case(&difference.table)
                && [&difference.actual, &difference.reference]
                    .iter()
                    .any(|side| {
                        side.as_ref()
                            .is_some_and(|side| side.name == refused.object)
                    })
        };
        !plan.refused.iter().any(refused) && !plan.left.iter().any(|l| l == difference)
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
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

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

fn rename(schema: &mut Schema, table: &str, from: &str, to: &str) {
    assert!(rename_key(&mut schema.tables[table].foreign_keys, from, to));
}

fn options(family: Family, version: &str) -> Options {
    Options {
        server: server(version),
        ..Options::new(family)
    }
}

#[test]
fn all_names_of_a_database_are_mended_in_one_statement_for_each_table() {
    let mut schema = fresh("5.81");
    let mut tables = HashSet::new();
    for (number, (table, name)) in keys(&schema).into_iter().enumerate() {
        rename(
            &mut schema,
            &table,
            &name,
            &hostile(u32::try_from(number).unwrap()),
        );
        tables.insert(table);
    }
    let (plan, _) = planned(&schema, "5.81", &options(Family::FkNames, "9.7.4"));
    assert_eq!(plan.steps.len(), tables.len());
    assert!(tables.len() > 100 && plan.refused.is_empty());
    for step in &plan.steps {
        assert_eq!(step.cost, Cost::MetadataOnly);
        assert!(
            step.needs
                .iter()
                .any(|need| matches!(need, Need::References(_)))
        );
        let is_proved = |new: &NewKey| new.in_force.is_some();
        assert!(step.new_keys.iter().all(is_proved) && !step.new_keys.is_empty());
        assert!(step.new_unique.is_empty());
    }
    let old = planned(&schema, "5.81", &options(Family::FkNames, "5.5.62")).0;
    assert!(old.steps.iter().all(|step| step.cost == Cost::Copy));
}

#[test]
fn what_the_coming_upgrade_drops_is_marked_and_comes_first() {
    let mut schema = fresh("4.0");
    let (table, key) = ("civicrm_pcp", "FK_civicrm_pcp_contribution_page_id");
    rename(&mut schema, table, key, "civicrm_pcp_ibfk_1");
    rename(
        &mut schema,
        "civicrm_acl_cache",
        "FK_civicrm_acl_cache_acl_id",
        "x",
    );
    let options = options(Family::FkNames, "10.11.6-MariaDB");
    let target = Version::parse("4.1");
    let (plan, _) = planned_for(target.as_ref(), &schema, "4.0", &options);
    let tables: Vec<&str> = plan.steps.iter().map(|step| step.table.as_str()).collect();
    assert_eq!(tables, [table, "civicrm_acl_cache"]);
    let needed = plan.steps[0].needed_for_upgrade.as_deref().unwrap();
    assert!(
        needed.contains("4.1.alpha1") && needed.contains(key),
        "{needed}"
    );
    assert_eq!(plan.steps[1].needed_for_upgrade, None);

    // The step drops the index by name as well; of the release's own view any name would do.
    let mut schema = fresh("4.0");
    rename_key(
        &mut schema.tables[table].indexes,
        key,
        "contribution_page_id",
    );
    let quiet = planned(&schema, "4.0", &options).0;
    assert!(quiet.steps.is_empty());
    let (plan, _) = planned_for(target.as_ref(), &schema, "4.0", &options);
    assert_eq!(
        plan.steps[0].actions,
        [format!("RENAME INDEX `contribution_page_id` TO `{key}`")]
    );
    assert!(plan.steps[0].needed_for_upgrade.is_some());
}

#[test]
fn other_rules_go_by_way_of_a_temporary_name() {
    let mut schema = fresh("5.81");
    let (table, name) = ("civicrm_email", "FK_civicrm_email_contact_id");
    schema.tables[table].foreign_keys[name].on_delete = ReferentialAction::Restrict;
    let (plan, _) = planned(&schema, "5.81", &options(Family::ForeignKeys, "9.7.4"));
    let [first, second] = &plan.steps[..] else {
        panic!("{:#?}", plan.steps);
    };
    assert!(first.actions[2].contains("cividb_tmp_") && first.actions[2].contains("CASCADE"));
    assert_eq!(
        second.actions[0],
        first.actions[2]
            .replace("ADD CONSTRAINT", "DROP FOREIGN KEY")
            .split(" FOREIGN KEY (")
            .next()
            .unwrap()
    );
}

#[test]
fn both_names_of_a_long_key_are_right_from_6_0_on() {
    let mut schema = fresh("6.10");
    let (hashed, long) = (
        "FK_civicrm_membership_block_members_5bf5f72863499b6f",
        "FK_civicrm_membership_block_membership_type_default",
    );
    rename(&mut schema, "civicrm_membership_block", hashed, long);
    let (plan, _) = planned(&schema, "6.10", &options(Family::All, "9.7.4"));
    assert!(plan.steps.is_empty(), "{:#?}", plan.steps);
}

#[test]
fn a_missing_key_to_what_is_not_unique_needs_a_setting_of_mysql() {
    let mut schema = fresh("6.14");
    schema.tables["civicrm_translation"].foreign_keys.clear();
    schema.tables["civicrm_translation_source"].indexes["UI_source_key"].kind = IndexKind::Plain;
    let need = Need::NonStandardForeignKey("civicrm_translation_source".to_owned());
    let needs = |version: &str| -> Vec<Need> {
        let plan = planned(&schema, "6.14", &options(Family::ForeignKeys, version)).0;
        plan.steps.into_iter().flat_map(|step| step.needs).collect()
    };
    assert!(needs("9.7.4").contains(&need));
    assert!(
        needs("8.0.36")
            .iter()
            .all(|need| matches!(need, Need::References(_)))
    );
    assert!(needs("10.11.6-MariaDB").is_empty());
}

/// What is refused of `civicrm_email`'s foreign key after an edit of the schema.
fn refusal(family: Family, edit: impl Fn(&mut Schema)) -> Refused {
    let mut schema = fresh("5.81");
    let email = &mut schema.tables["civicrm_email"];
    email
        .foreign_keys
        .shift_remove("FK_civicrm_email_contact_id")
        .unwrap();
    edit(&mut schema);
    let (plan, _) = planned(&schema, "5.81", &options(family, "10.11.6-MariaDB"));
    let of = |refused: &&Refused| refused.table == "civicrm_email";
    plan.refused
        .iter()
        .find(of)
        .unwrap_or_else(|| panic!("{:#?}", plan.steps))
        .clone()
}

#[test]
fn a_key_that_no_server_would_take_is_refused_with_what_comes_first() {
    let key = || ForeignKey {
        referenced_table: "civicrm_worldregion".to_owned(),
        columns: vec!["contact_id".to_owned()],
        referenced_database: None,
        referenced_columns: vec!["id".to_owned()],
        on_delete: ReferentialAction::Restrict,
        on_update: ReferentialAction::Restrict,
    };
    let keys = Family::ForeignKeys;
    let refused = refusal(keys, |schema| {
        schema.tables["civicrm_contact"].engine = Some("MyISAM".to_owned());
    });
    assert!(refused.why.contains("is MyISAM,"), "{}", refused.why);
    let refused = refusal(keys, |schema| {
        let column = &mut schema.tables["civicrm_email"].columns["contact_id"];
        "int".clone_into(&mut column.data_type);
    });
    assert!(refused.why.contains("is int,"), "{}", refused.why);
    let refused = refusal(keys, |schema| {
        let note = &mut schema.tables["civicrm_note"];
        note.foreign_keys
            .insert("fk_CIVICRM_email_contact_id".to_owned(), key());
    });
    assert!(refused.why.contains("its name is"), "{}", refused.why);
    let refused = refusal(keys, |schema| {
        schema.tables["civicrm_email"]
            .columns
            .shift_remove("contact_id");
        schema.tables["civicrm_email"].indexes.clear();
    });
    assert!(
        refused.why.contains("contact_id is missing"),
        "{}",
        refused.why
    );
    let refused = refusal(keys, |schema| {
        schema.tables.shift_remove("civicrm_contact");
    });
    assert!(
        refused.why.contains("civicrm_contact is missing"),
        "{}",
        refused.why
    );
}

#[test]
fn a_name_that_another_key_keeps_is_refused() {
    let mut schema = fresh("5.81");
    let (table, name) = ("civicrm_email", "FK_civicrm_email_contact_id");
    let key = schema.tables[table].foreign_keys[name].clone();
    rename(&mut schema, table, name, "mine");
    let group = &mut schema.tables["civicrm_group"];
    let other = ForeignKey {
        columns: vec!["created_id".to_owned()],
        ..key
    };
    group.foreign_keys.insert(name.to_lowercase(), other);
    group
        .foreign_keys
        .shift_remove("FK_civicrm_group_created_id");
    // The rule differs, so that it is the release's own key: it is given its own name first.
    let (plan, _) = planned(
        &schema,
        "5.81",
        &options(Family::FkNames, "10.11.6-MariaDB"),
    );
    let tables: Vec<&str> = plan.steps.iter().map(|step| step.table.as_str()).collect();
    assert_eq!(tables, ["civicrm_group", "civicrm_email"]);
    let group = &mut schema.tables["civicrm_group"];
    group.foreign_keys[&name.to_lowercase()].referenced_table = "civicrm_worldregion".to_owned();
    let (plan, _) = planned(
        &schema,
        "5.81",
        &options(Family::FkNames, "10.11.6-MariaDB"),
    );
    assert!(plan.steps.is_empty());
    assert_eq!(plan.refused[0].object, "mine");
    assert!(
        plan.refused[0].why.contains("civicrm_group"),
        "{}",
        plan.refused[0].why
    );
}

#[test]
fn character_sets_never_become_smaller_and_columns_keep_their_comments() {
    let mut schema = fresh("5.81");
    let note = &mut schema.tables["civicrm_note"];
    note.charset = Some("utf8mb3".to_owned());
    note.collation = Some("utf8mb3_unicode_ci".to_owned());
    note.columns["subject"].comment = Some("it's `the` subject".to_owned());
    let charset = options(Family::Charset, "10.11.6-MariaDB");
    let (plan, _) = planned(&schema, "5.81", &charset);
    let [step] = &plan.steps[..] else {
        panic!("{:#?}", plan.refused);
    };
    assert_eq!(step.cost, Cost::Copy);
    for statement in [step.statement(), step.inverse_statement()] {
        assert!(
            statement.contains("COMMENT 'it''s `the` subject'"),
            "{statement}"
        );
        assert!(!statement.contains("CONVERT"), "{statement}");
    }

    let mut schema = fresh("5.81");
    for (name, table) in &mut schema.tables {
        if name != "civicrm_note" {
            table.charset = Some("utf8mb3".to_owned());
            table.collation = Some("utf8mb3_unicode_ci".to_owned());
        }
    }
    let (plan, _) = planned(&schema, "5.81", &charset);
    assert!(plan.steps.iter().all(|step| step.table != "civicrm_note"));
    assert!(
        plan.refused
            .iter()
            .any(|refused| refused.table == "civicrm_note" && refused.why.contains("utf8mb4"))
    );
}

#[test]
fn engines_are_mended_with_the_keys_they_kept_away_and_no_others() {
    let mut schema = fresh("5.81");
    schema.tables["civicrm_campaign"].engine = Some("MyISAM".to_owned());
    schema.tables["civicrm_campaign"].foreign_keys.clear();
    for table in schema.tables.values_mut() {
        table
            .foreign_keys
            .retain(|_, key| key.referenced_table != "civicrm_campaign");
    }
    schema.tables["civicrm_email"].foreign_keys.clear();
    let (plan, _) = planned(&schema, "5.81", &options(Family::Engine, "10.11.6-MariaDB"));
    assert_eq!(plan.steps[0].actions, ["ENGINE=InnoDB"]);
    assert!(plan.steps.len() > 5);
    assert!(plan.steps.iter().all(|step| step.table != "civicrm_email"));
    let unproved = |new: &NewKey| new.in_force.is_none();
    assert!(
        plan.steps[1..]
            .iter()
            .all(|step| step.new_keys.iter().all(unproved))
    );

    schema.tables["civicrm_campaign"].engine = Some("FEDERATED".to_owned());
    let (plan, _) = planned(&schema, "5.81", &options(Family::Engine, "10.11.6-MariaDB"));
    assert!(plan.steps.is_empty() && plan.refused.len() == 1);
}

#[test]
fn a_unique_index_waits_for_its_proof_in_a_step_of_its_own() {
    let mut schema = fresh("5.81");
    let contact = &mut schema.tables["civicrm_contact"].indexes;
    contact.shift_remove("UI_external_identifier").unwrap();
    contact.shift_remove("index_hash").unwrap();
    let all = Options {
        inherited: true,
        ..options(Family::Indexes, "10.11.6-MariaDB")
    };
    let (plan, _) = planned(&schema, "5.81", &all);
    let [plain, unique] = &plan.steps[..] else {
        panic!("{:#?}", plan.steps);
    };
    assert!(!plain.needs_proof() && plain.cost == Cost::InPlace);
    assert!(unique.new_keys.is_empty());
    assert!(matches!(&unique.new_unique[..], [(index, _)] if index == "UI_external_identifier"));
}

#[test]
fn a_schema_as_its_release_has_it_needs_nothing() {
    for state in STATES {
        let (plan, _) = planned(&fresh(state), state, &options(Family::All, "9.7.4"));
        assert!(
            plan.steps.is_empty() && plan.refused.is_empty(),
            "{state}: {:#?}",
            plan.steps
        );
    }
}
