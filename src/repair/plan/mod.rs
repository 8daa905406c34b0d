//! What to run to mend a schema, in which order, and how to take it back. Nothing runs here.
//!
//! The planner keeps a copy of the schema and edits it, one table at a time. A step is the way
//! from a table as it is then to the table as edited ([`alter`]), the way back is its inverse,
//! and what has to be proved before and what it costs follow from the two tables as well.
//! Each step finds what the steps before it left, so they run in this order and are taken back
//! in the reverse order.
//!
//! Indexes that a server made by itself for a foreign key follow its name, and nothing a
//! server prints tells them from others. Steps therefore say what such an index is to be
//! called: RENAME INDEX keeps it in its place either way (measured on MariaDB 10.11 and MySQL
//! 9.7), and from then on it is an index like any other. Where that cannot be said beforehand
//! the table may come out differently; whoever runs a plan reads the table after each step,
//! and [`alter::actions`] makes the way back from the table as it really is.
//!
//! The order of a table's indexes is taken from the snapshot. The views of information_schema
//! do not know it: read SHOW CREATE TABLE before planning what is to be taken back exactly.
//!
//! Left alone: tables of which CiviCRM's release knows nothing (custom data, logs, extensions
//! from elsewhere, other software), whatever is more than the release asks for, and what the
//! upgrades of CiviCRM itself leave behind without harm.

mod charset;
mod engine;
mod foreign_key_names;
mod foreign_keys;
mod indexes;
#[cfg(test)]
mod tests;
mod triggers;

use schemars::JsonSchema;
use serde::Serialize;

use crate::case::Case;
use crate::change::alter;
use crate::checks::{Severity, schema::severity};
use crate::civicrm::age::Aged;
use crate::civicrm::reference::Reference;
use crate::civicrm::release::Version;
use crate::civicrm::upgrade_drops::{self, DropKind, UpgradeDrop};
use crate::gate::{Blocked, Meaning};
use crate::schema::compare::{ColumnAspect, Difference, DifferenceKind as Kind, Side, same_ends};
use crate::schema::meaning::begins_with;
use crate::schema::model::{ForeignKey, Index, IndexKind, KeyPart, Schema, Table, find_entry};
use crate::schema::sql::alter_table;
use crate::server_version::{Family as ServerFamily, ServerVersion};

/// What can be repaired.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, clap::ValueEnum)]
pub enum Family {
    /// Foreign keys that have another name than CiviCRM gives them
    FkNames,
    /// Foreign keys that are missing or have other rules
    ForeignKeys,
    /// Indexes that are missing, are different or have another name
    Indexes,
    /// Tables of other engines become InnoDB, and get their foreign keys
    Engine,
    /// Tables and columns in another character set than the rest of the database
    Charset,
    /// Triggers and functions: what to do about them
    Triggers,
    /// All of these
    All,
    /// A new database with the structure of the release and the data of this one (--into)
    Rebuild,
}

impl Family {
    /// The name on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FkNames => "fk-names",
            Self::ForeignKeys => "foreign-keys",
            Self::Indexes => "indexes",
            Self::Engine => "engine",
            Self::Charset => "charset",
            Self::Triggers => "triggers",
            Self::All => "all",
            Self::Rebuild => "rebuild",
        }
    }

    fn includes(self, other: Self) -> bool {
        self == other || self == Self::All
    }

    /// Which one mends a difference; `None` where none does.
    fn of(kind: &Kind) -> Option<Self> {
        match kind {
            Kind::ForeignKeyName => Some(Self::FkNames),
            Kind::ForeignKeyMissing | Kind::ForeignKeyDiffers(_) => Some(Self::ForeignKeys),
            Kind::IndexMissing | Kind::IndexName | Kind::IndexDiffers(_) => Some(Self::Indexes),
            Kind::EngineDiffers => Some(Self::Engine),
            Kind::CharsetDiffers | Kind::CollationDiffers => Some(Self::Charset),
            Kind::ColumnDiffers(aspects) => aspects
                .iter()
                .all(|aspect| matches!(aspect, ColumnAspect::Charset | ColumnAspect::Collation))
                .then_some(Self::Charset),
            _ => None,
        }
    }
}

/// What to plan.
#[derive(Clone, Debug)]
pub struct Options {
    /// The family.
    pub family: Family,
    /// Also what CiviCRM's own upgrades left behind without harm.
    pub inherited: bool,
    /// The server that is to run the plan; `None` for the one of the snapshot.
    pub server: Option<ServerVersion>,
}

impl Options {
    /// A family, and nothing special.
    pub fn new(family: Family) -> Self {
        Self {
            family,
            inherited: false,
            server: None,
        }
    }
}

/// What to run, and what not.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// What to run, in this order.
    pub steps: Vec<PlannedStep>,
    /// What should be mended and cannot be.
    pub refused: Vec<Refused>,
    /// Differences that are left as they are.
    pub left: Vec<Difference>,
    /// What is wrong that no statement mends, and what to do by other means.
    pub advice: Vec<String>,
}

/// One ALTER TABLE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedStep {
    /// What it belongs to.
    pub family: Family,
    /// The table, as the database spells it.
    pub table: String,
    /// The parts of the ALTER TABLE.
    pub actions: Vec<String>,
    /// The parts of the ALTER TABLE that takes it back.
    pub inverse: Vec<String>,
    /// What the statement is meant to be.
    pub meaning: Meaning,
    /// What the statement that takes it back is meant to be.
    pub inverse_meaning: Meaning,
    /// The table as the step finds it.
    pub before: Table,
    /// The table as the step leaves it.
    pub after: Table,
    /// What it is for, one line each. Names in it are as the database has them: escape them
    /// for terminals and comments.
    pub why: Vec<String>,
    /// Which upgrade fails without it, and at which step.
    pub needed_for_upgrade: Option<String>,
    /// The foreign keys that it adds: each row of the table has to have its parent, or NULL in one of the columns,
    /// before it may run with `foreign_key_checks=0`. A server that is told not to check takes a key over orphans
    /// without a word.
    pub new_keys: Vec<NewKey>,
    /// The indexes that become unique, with their parts: no two rows may have the same values in them, none NULL.
    pub new_unique: Vec<(String, Vec<KeyPart>)>,
    /// What it costs the table.
    pub cost: Cost,
    /// What the account or the session needs.
    pub needs: Vec<Need>,
}

impl PlannedStep {
    /// The statement, without a terminator. The planner has passed it through the gate.
    pub fn statement(&self) -> String {
        alter_table(&self.table, &self.actions)
    }

    /// Whether something has to be shown of the rows before it runs.
    pub fn needs_proof(&self) -> bool {
        !self.new_keys.is_empty() || !self.new_unique.is_empty()
    }

    /// The statement that takes it back, without a terminator. The planner has passed it through the
    /// gate.
    pub fn inverse_statement(&self) -> String {
        alter_table(&self.table, &self.inverse)
    }
}

/// A foreign key that a step adds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewKey {
    /// The new constraint.
    pub constraint: String,
    /// What it says.
    pub key: ForeignKey,
    /// The constraint that connects the same columns until the step runs: as long as it has been in force all the
    /// time, it proves that no row has lost its parent.
    pub in_force: Option<String>,
}

/// What a step costs, where its proofs let it run with `foreign_key_checks=0`. With checks on,
/// a step that adds a foreign key copies the table and checks every row of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cost {
    /// Nothing is read: done at once, whatever the size.
    MetadataOnly,
    /// The table is read once, writers go on.
    InPlace,
    /// The table is written anew, or its writers wait.
    Copy,
}

/// What a step needs besides ALTER on its table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Need {
    /// MySQL wants the privilege REFERENCES on this parent table.
    References(String),
    /// The parent's key is not unique, which MySQL takes from 8.4 on only from a session with
    /// `restrict_fk_on_non_standard_key=OFF`.
    NonStandardForeignKey(String),
}

/// What should be changed and cannot be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "RefusedStep")]
pub struct Refused {
    /// The table.
    pub table: String,
    /// The table itself, the column, index or foreign key.
    pub object: String,
    /// Why not, and what has to be done first. Names in it are as the database has them.
    pub why: String,
}

impl Refused {
    /// The object and its table, for a sentence.
    pub fn name(&self) -> String {
        match self.object == self.table {
            true => format!("table {}", self.table),
            false => format!("{} of {}", self.object, self.table),
        }
    }
}

/// Plans the repair of a database, as far as `options` go. Of one whose release cannot be told nothing is planned.
pub fn plan(case: &Case, options: &Options) -> Plan {
    let Some(detection) = case.detection() else {
        return Plan::default();
    };
    let snapshot = &case.snapshot;
    let server = options
        .server
        .as_ref()
        .or(snapshot.source.server_version.as_ref());
    let version = case
        .declared_version()
        .map(|version| version.without_marker())
        .or_else(|| Version::parse(detection.state.last_release()));
    let upgrade = version
        .zip(case.target_release.as_ref())
        .map(|(from, target)| upgrade_drops::between(&from, target))
        .unwrap_or_default();
    let mut planner = Planner::new(&snapshot.schema, &detection.reference, server, upgrade);
    planner.target = case.target_release.as_ref().map(ToString::to_string);
    let wanted = planner.select(&detection.differences, options);
    planner.run(&wanted, options.family);
    if options.family.includes(Family::Triggers) {
        planner.plan.advice = triggers::advice(case);
    }
    planner.plan
}

/// Why a difference that no family mends is not planned, and what helps.
fn by_other_means(kind: &Kind, difference: &Difference) -> String {
    let definition = |side: &Option<Side>| side.as_ref().map(|side| side.definition.clone());
    match kind {
        Kind::TableMissing => "it is missing, and its rows with it: restore it from a backup; cividb diff --sql \
                               prints the statement for an empty one, which is enough only where nobody needs the rows"
            .to_owned(),
        Kind::ColumnMissing => "the column is missing, and its values with it: restore the table from a backup; \
                                cividb diff --sql prints the statement that adds an empty one"
            .to_owned(),
        _ => format!(
            "it is {}, and should be {}, which may take rows that fit: cividb diff --sql prints the statement, and \
             cividb repair rebuild copies the data into a new database with the structure of the release",
            definition(&difference.actual).unwrap_or_else(|| "not there".to_owned()),
            definition(&difference.reference).unwrap_or_else(|| "gone".to_owned()),
        ),
    }
}

/// Plans step after step.
struct Planner<'a> {
    /// The schema as the steps so far leave it.
    now: Schema,
    reference: &'a Reference,
    server: Server,
    /// What the coming upgrade drops.
    upgrade: Vec<UpgradeDrop>,
    target: Option<String>,
    plan: Plan,
}

/// What the server can do.
#[derive(Clone, Copy, Debug)]
struct Server {
    /// RENAME INDEX.
    rename_index: bool,
    /// Adding and dropping indexes and, unchecked, foreign keys without a copy of the table.
    in_place: bool,
    /// Whether REFERENCES on the parent is a privilege of its own.
    references: bool,
    /// Whether a foreign key to what is not unique is refused by default.
    standard_keys: bool,
}

impl Server {
    /// Of a server that is not known nothing special is asked.
    fn of(version: Option<&ServerVersion>) -> Self {
        let at_least = |mysql, mariadb| {
            version.is_some_and(|version| {
                version.at_least(ServerFamily::Mysql, mysql)
                    || version.at_least(ServerFamily::Mariadb, mariadb)
            })
        };
        let mysql = version.is_none_or(|version| version.family == ServerFamily::Mysql);
        Self {
            rename_index: at_least((5, 7, 0), (10, 5, 2)),
            in_place: version.is_none() || at_least((5, 6, 0), (10, 0, 0)),
            references: mysql,
            standard_keys: mysql && (version.is_none() || at_least((8, 4, 0), (0, 0, 0))),
        }
    }
}

/// What a step is for.
struct Purpose {
    family: Family,
    why: Vec<String>,
    needed_for_upgrade: Option<String>,
}

impl Purpose {
    fn new(family: Family, why: String) -> Self {
        Self {
            family,
            why: vec![why],
            needed_for_upgrade: None,
        }
    }

    /// With the step of the coming upgrade that fails without it.
    fn needed(mut self, needed_for_upgrade: Option<String>) -> Self {
        self.needed_for_upgrade = needed_for_upgrade;
        self
    }
}

impl<'a> Planner<'a> {
    fn new(
        schema: &Schema,
        reference: &'a Reference,
        server: Option<&ServerVersion>,
        upgrade: Vec<UpgradeDrop>,
    ) -> Self {
        Self {
            now: Schema {
                tables: schema.tables.clone(),
                ..Schema::default()
            },
            reference,
            server: Server::of(server),
            upgrade,
            target: None,
            plan: Plan::default(),
        }
    }

    /// The differences to mend; the rest of what the family is about is noted as left alone.
    fn select<'d>(&mut self, all: &'d [Aged], options: &Options) -> Vec<&'d Difference> {
        let mut wanted = Vec::new();
        for aged in all {
            let difference = &aged.difference;
            let family = Family::of(&difference.kind);
            let is_meant = match family {
                Some(family) => options.family.includes(family),
                None => options.family == Family::All,
            };
            // Another engine than InnoDB is what kept foreign keys away.
            let comes_with_engine =
                options.family == Family::Engine && difference.kind == Kind::ForeignKeyMissing;
            if !is_meant && !comes_with_engine {
                continue;
            }
            let note = severity(aged, all) == Severity::Note;
            let is_left = match (&difference.kind, aged.age.is_inherited()) {
                // More than CiviCRM asks for: repair takes nothing away.
                (
                    Kind::TableExtra | Kind::ColumnExtra | Kind::IndexExtra | Kind::ForeignKeyExtra,
                    _,
                ) => true,
                (kind, _) if family.is_none() && !note => {
                    let (table, object) = (&difference.table, difference.name());
                    let why = by_other_means(kind, difference);
                    self.refuse(table, object, why);
                    continue;
                }
                _ if family.is_none() => true,
                // A server with the limit of 767 bytes made it so, and may do so again.
                (Kind::IndexDiffers(_), false) => note,
                // CiviCRM's own upgrades leave it so, and it does no harm.
                (_, true) => note && !options.inherited,
                _ => false,
            };
            match is_left {
                true => self.plan.left.push(difference.clone()),
                false => wanted.push(difference),
            }
        }
        wanted
    }

    fn run(&mut self, differences: &[&Difference], family: Family) {
        let of = |wanted: Family| {
            let is_wanted =
                move |difference: &&&Difference| Family::of(&difference.kind) == Some(wanted);
            differences.iter().filter(is_wanted).copied()
        };
        let converted = engine::plan(self, of(Family::Engine));
        charset::plan(self, of(Family::Charset));
        indexes::plan(self, of(Family::Indexes));
        foreign_key_names::plan(self, of(Family::FkNames), of(Family::ForeignKeys), family);
        if family.includes(Family::FkNames) || family == Family::Indexes {
            indexes::plan_for_upgrade(self);
        }
        let missing =
            of(Family::ForeignKeys).filter(|difference| difference.kind == Kind::ForeignKeyMissing);
        if family == Family::Engine {
            foreign_keys::plan_of_tables(self, missing, &converted);
        } else {
            foreign_keys::plan(self, missing);
        }
    }

    /// The table as the database spells its name, and as it is by now.
    fn table(&self, name: &str) -> Option<(&String, &Table)> {
        find_entry(&self.now.tables, name)
    }

    /// The table of the reference.
    fn reference_table(&self, name: &str) -> Option<&'a Table> {
        self.reference.schema.table(name)
    }

    /// A table as the database spells its name and as it is by now, and as the reference has it; `None`
    /// where one of them does not have it.
    fn with_reference(&self, name: &str) -> Option<(String, Table, &'a Table)> {
        let wanted = self.reference_table(name)?;
        let (spelled, table) = self.table(name)?;
        Some((spelled.clone(), table.clone(), wanted))
    }

    /// Adds the step that makes `after` of a table; nothing where that changes nothing.
    fn step(&mut self, table: &str, after: Table, purpose: Purpose) {
        let Some(before) = self.now.tables.get(table) else {
            return;
        };
        let rename = self.server.rename_index;
        let actions = alter::actions(before, &after, rename);
        if actions.is_empty() {
            return;
        }
        let inverse = alter::actions(&after, before, rename);
        let passed = passed(table, before, &after, rename, (&actions, &inverse));
        let (meaning, inverse_meaning) = match passed {
            Ok(meanings) => meanings,
            Err(blocked) => {
                let why = blocked.to_string();
                return self.refuse(table, table, why);
            }
        };
        self.plan.steps.push(PlannedStep {
            family: purpose.family,
            table: table.to_owned(),
            inverse,
            meaning,
            inverse_meaning,
            new_keys: new_keys(before, &after),
            new_unique: new_unique(before, &after),
            cost: self.cost(before, &after),
            needs: self.needs(before, &after),
            before: before.clone(),
            after: after.clone(),
            actions,
            why: purpose.why,
            needed_for_upgrade: purpose.needed_for_upgrade,
        });
        self.now.tables.insert(table.to_owned(), after);
    }

    fn refuse(&mut self, table: &str, object: &str, why: String) {
        let refused = Refused {
            table: table.to_owned(),
            object: object.to_owned(),
            why,
        };
        if !self.plan.refused.contains(&refused) {
            self.plan.refused.push(refused);
        }
    }

    /// Which step of the coming upgrade fails when this table has no object of this name.
    fn needed_for_upgrade(&self, kind: DropKind, table: &str, name: &str) -> Option<String> {
        let target = self.target.as_ref()?;
        let mut drops = self.upgrade.iter();
        let drop = drops.find(|drop| drop.unconditional && drop.drops(kind, table, name))?;
        let (step, file) = (drop.version, drop.file);
        let what = match kind {
            DropKind::ForeignKey => "foreign key",
            DropKind::Index => "index",
        };
        Some(format!(
            "the upgrade to {target} fails without this: step {step} drops the {what} {name} ({file})"
        ))
    }

    fn cost(&self, before: &Table, after: &Table) -> Cost {
        let innodb = before.engine.as_deref().is_none_or(is_innodb);
        let restated = alter::changed_columns(before, after).next().is_some();
        if !self.server.in_place || !innodb || before.engine != after.engine || restated {
            return Cost::Copy;
        }
        let changes = alter::IndexChanges::new(before, after, self.server.rename_index);
        let costs = changes.added.iter().map(|(name, index)| {
            if before.indexes.get(*name) == Some(*index) {
                Cost::MetadataOnly
            } else if matches!(index.kind, IndexKind::Fulltext | IndexKind::Spatial) {
                Cost::Copy
            } else {
                Cost::InPlace
            }
        });
        costs.max().unwrap_or(Cost::MetadataOnly)
    }

    fn needs(&self, before: &Table, after: &Table) -> Vec<Need> {
        let mut needs = Vec::new();
        for (_, key) in alter::added_keys(before, after) {
            let parent = &key.referenced_table;
            if self.server.references {
                needs.push(Need::References(parent.clone()));
            }
            let unique = self
                .table(parent)
                .is_some_and(|(_, table)| is_unique(table, &key.referenced_columns));
            if self.server.standard_keys && !unique {
                needs.push(Need::NonStandardForeignKey(parent.clone()));
            }
        }
        needs.dedup();
        needs
    }
}

/// What the ALTER TABLE from one table to another and the one back are meant to be, once both have
/// passed the gate.
fn passed(
    table: &str,
    before: &Table,
    after: &Table,
    rename_index: bool,
    (actions, inverse): (&[String], &[String]),
) -> Result<(Meaning, Meaning), Blocked> {
    let meaning = alter::meaning(table, before, after, rename_index)?;
    meaning.pass(alter_table(table, actions))?;
    let back = alter::meaning(table, after, before, rename_index)?.or_names(before.columns.keys());
    back.pass(alter_table(table, inverse))?;
    Ok((meaning, back))
}

fn is_innodb(engine: &str) -> bool {
    engine.eq_ignore_ascii_case("InnoDB")
}

/// Whether just these columns are unique.
fn is_unique(table: &Table, columns: &[String]) -> bool {
    let just = |parts: &[KeyPart]| parts.len() == columns.len() && begins_with(parts, columns);
    let mut indexes = table.indexes.values();
    just(&table.primary_key)
        || indexes.any(|index| index.kind == IndexKind::Unique && just(&index.parts))
}

/// The foreign keys that only the second of two tables has.
fn new_keys(before: &Table, after: &Table) -> Vec<NewKey> {
    let added = alter::added_keys(before, after).map(|(name, key)| {
        let mut old = before.foreign_keys.iter();
        let same = old.find(|(_, other)| same_ends(other, key));
        NewKey {
            constraint: name.clone(),
            key: key.clone(),
            in_force: same.map(|(name, _)| name.clone()),
        }
    });
    added.collect()
}

/// The unique indexes of the second of two tables that the first does not vouch for.
fn new_unique(before: &Table, after: &Table) -> Vec<(String, Vec<KeyPart>)> {
    let keeps_unique = |index: &Index| {
        let mut others = before.indexes.values();
        others.any(|other| {
            other.kind == IndexKind::Unique
                && other.parts.iter().all(|part| index.parts.contains(part))
        })
    };
    let added = after.indexes.iter().filter(|(name, index)| {
        index.kind == IndexKind::Unique
            && before.indexes.get(*name) != Some(index)
            && !keeps_unique(index)
    });
    let added = added.map(|(name, index)| (name.clone(), index.parts.clone()));
    added.collect()
}
