//! What goes, what comes, what stays, and what stands in the way.

use std::collections::{BTreeMap, BTreeSet};

#[cfg(test)]
use schemars::JsonSchema;
use serde::Serialize;

use super::databases::Databases;
use super::references::{Across, Sides, across};
use super::routine_grants::{is_on, routine_grants};
use crate::case::Case;
use crate::change::definition::Definitions;
use crate::change::error::ChangeError;
use crate::change::exchange::{Exchange, ProgramKind, ProgramName};
use crate::change::refusal::Refusal;
use crate::civicrm::naming::is_named_by_civicrm;
use crate::civicrm::owner::{Owner, Owners};
use crate::extract::{Selection, Share, Undecided};
use crate::privilege::Privilege;
use crate::schema::model::{Account, RoutineKind, Schema, find};
use crate::schema::references::User;
use crate::server::connection::Reader;
use crate::server_version::{Family, ServerVersion};
use crate::snapshot::{ObjectKind, Snapshot};

/// What the user wants of a rollback.
#[derive(Clone, Debug)]
pub struct Options {
    /// What becomes of tables of which nobody can tell whose they are.
    pub undecided: Undecided,
    /// Whether foreign keys of tables that stay are dropped and made again.
    pub with_references: bool,
    /// The two databases beside the site's; `None` where the backup is restored in the place of what goes, which is dropped.
    pub databases: Option<Databases>,
    /// Whether what comes runs as the accounts of the backup, and not as the one that rolls back; `None` for yes where this
    /// account may name them and they are there.
    pub keep_definers: Option<bool>,
}

/// A table with its size.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct TableSize {
    /// Its name.
    pub name: String,
    /// Its rows, of the server as the storage engine estimates them; null where not known.
    pub rows: Option<u64>,
    /// Bytes of data and indexes on the server, or of the statements with its rows in the backup; null where not known.
    pub bytes: Option<u64>,
}

/// What a rollback does.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The tables that change places.
    pub exchange: Exchange,
    /// Tables that go.
    pub goes: Vec<TableSize>,
    /// Tables that come.
    pub comes: Vec<TableSize>,
    /// Tables that stay as they are.
    pub stays: Vec<TableSize>,
    /// Triggers, views and routines that go.
    pub programs_go: Vec<ProgramName>,
    /// Triggers, views and routines that come.
    pub programs_come: Vec<ProgramName>,
    /// Triggers among those that go which are somebody else's, although their tables are CiviCRM's: they are made again on
    /// the tables that come.
    pub triggers_moved: Vec<ProgramName>,
    /// Views and routines that use tables of CiviCRM alone, have no name of CiviCRM's and are not in the backup: they stay.
    pub programs_kept: Vec<ProgramName>,
    /// What stays and uses tables that go, by their names: it works with those that come.
    pub users: Vec<String>,
    /// What cannot be done in one moment, as sentences.
    pub not_atomic: Vec<String>,
    /// What is otherwise good to know, as sentences.
    pub notes: Vec<String>,
    /// The accounts that what comes runs as, where it is not the one that rolls back.
    pub definers: BTreeMap<ProgramName, Account>,
    /// Why it is not begun; none where nothing stands in the way.
    pub refusals: Vec<Refusal>,
}

impl Plan {
    /// The tables that go and do not come back, because the backup does not have them.
    pub fn without_successor(&self) -> impl Iterator<Item = &TableSize> {
        let comes = &self.exchange.comes;
        let goes = self.goes.iter();
        goes.filter(|table| !comes.contains(&table.name))
    }

    /// The triggers, views and routines that go and do not come back, because the backup does not have them.
    pub fn programs_lost(&self) -> impl Iterator<Item = &ProgramName> {
        let goes = self.programs_go.iter();
        goes.filter(|it| !self.programs_come.contains(it) && !self.triggers_moved.contains(it))
    }
}

/// Plans the way from a site to a backup. `selection` is CiviCRM's part of the backup, `bytes` those of its rows by table,
/// `definitions` the site's tables as the server prints them.
///
/// # Errors
/// A statement about an object does not pass the gate, or the connection is lost.
pub fn plan(
    connection: &mut Reader,
    (backup, selection): (&Case, &Selection),
    bytes: &indexmap::IndexMap<String, u64>,
    site: &Case,
    definitions: &Definitions,
    options: &Options,
) -> Result<Plan, ChangeError> {
    let live = &site.snapshot;
    let database = live.database.clone().unwrap_or_default();
    let state = site.state().or(backup.state());
    let state = state.or(site.catalogue.states().last());
    let Some(state) = state else {
        let why = "no release of CiviCRM is known".to_owned();
        return Err(Refusal::BackupNotWhole(why).into());
    };
    let owners = Owners::new(site.catalogue, state, site.site.as_ref(), &live.schema);
    let is_civicrm = |owner: Owner| match owner {
        Owner::Civicrm => true,
        Owner::Unknown => options.undecided == Undecided::Keep,
        Owner::Cms | Owner::Both => false,
    };
    let tables = &live.schema.tables;
    let goes: BTreeSet<String> = tables
        .keys()
        .filter(|name| is_civicrm(owners.table(name).owner))
        .cloned()
        .collect();
    let comes: BTreeSet<String> = backup
        .snapshot
        .schema
        .tables
        .keys()
        .filter(|name| selection.table(name) != Share::Nothing)
        .cloned()
        .collect();
    let mut refusals = Vec::new();
    let sides = Sides {
        live: &live.schema,
        definitions,
        backup: &backup.snapshot.schema,
        goes: &|name| goes.contains(name),
        comes: &|name| comes.contains(name),
    };
    let across = across(connection, &database, &sides)?;
    refusals.extend(undecided(&owners, live, selection, options));
    let programs_come = programs_coming(&backup.snapshot.schema, selection);
    let mut programs_go = programs_of(&owners, &goes, &is_civicrm);
    let is_others = |it: &ProgramName| {
        let table = live.schema.trigger(&it.name).map(|trigger| &*trigger.table);
        let table = table.filter(|_| it.kind == ProgramKind::Trigger);
        !programs_come.contains(it) && !is_named_by_civicrm(&it.name, table)
    };
    let programs_kept: Vec<ProgramName> = programs_go
        .extract_if(.., |it| it.kind != ProgramKind::Trigger && is_others(it))
        .collect();
    let has_place = |it: &&ProgramName| {
        let trigger = live.schema.trigger(&it.name);
        it.kind == ProgramKind::Trigger && trigger.is_some_and(|it| comes.contains(&it.table))
    };
    let triggers_moved = programs_go.iter().filter(has_place);
    let triggers_moved: Vec<ProgramName> =
        triggers_moved.filter(|it| is_others(it)).cloned().collect();
    refusals.extend(hidden(live, &database, &programs_go));
    refusals.extend(taken(live, &goes, &comes, &programs_go, &programs_come));
    refusals.extend(references(&across, options));
    let to_make = match &options.databases {
        Some(databases) => to_make(connection, live, &database, databases, &mut refusals)?,
        None => Vec::new(),
    };
    let own = live
        .server
        .as_ref()
        .and_then(|facts| facts.account.as_ref());
    let may_name = may_name_others(live, &database);
    let of_site = of_others(&live.schema, &programs_go, own);
    if let (false, Some(other)) = (may_name, of_site.values().next()) {
        refusals.push(Refusal::DefinersOfOthers(
            database.clone(),
            other.to_string(),
            own.map(ToString::to_string).unwrap_or_default(),
        ));
    }
    let mut definers = of_others(&backup.snapshot.schema, &programs_come, own);
    let not_kept = match options.keep_definers {
        None => not_kept(live, may_name, &definers),
        Some(_) => None,
    };
    if not_kept.is_some() || options.keep_definers == Some(false) {
        definers.clear();
    }
    let sizes = |names: &BTreeSet<String>| names.iter().map(|name| live_size(live, name)).collect();
    let stays: BTreeSet<String> = tables
        .keys()
        .filter(|name| !goes.contains(*name))
        .cloned()
        .collect();
    let plan_of_sizes = comes.iter().map(|name| TableSize {
        name: name.clone(),
        rows: Some(rows(&backup.snapshot, name)),
        bytes: Some(bytes.get(name).copied().unwrap_or_default()),
    });
    let databases = options.databases.clone().unwrap_or_default();
    let mut plan = Plan {
        goes: sizes(&goes),
        comes: plan_of_sizes.collect(),
        stays: sizes(&stays),
        users: users(&owners, &goes, &programs_go),
        not_atomic: match options.databases {
            Some(_) => not_atomic(live, &programs_go, &programs_come),
            None => vec![IN_PLACE.to_owned()],
        },
        notes: not_kept.into_iter().collect(),
        programs_go,
        programs_come,
        triggers_moved,
        programs_kept,
        definers,
        refusals,
        exchange: Exchange {
            database,
            beside: databases.beside,
            aside: databases.aside,
            goes: goes.into_iter().collect(),
            comes: comes.into_iter().collect(),
            made: to_make,
            references: across.references,
        },
    };
    let is_routine =
        |it: &ProgramName| matches!(it.kind, ProgramKind::Function | ProgramKind::Procedure);
    if plan.programs_go.iter().any(is_routine) {
        plan.notes.extend(grants(connection, &plan)?);
    }
    plan.notes.extend(events(&owners, selection));
    Ok(plan)
}

/// What is not done in one moment where the backup is restored in the place of what goes.
const IN_PLACE: &str = "nothing of this is done in one moment: what goes is dropped, then the backup is restored in its \
    place and proved; keep the site offline until all of it has ended well. Where it is cut off, the fresh backup is what \
    is left of the tables of before, and cividb undo cannot help: restore the backup somewhere else first (cividb rehearse)";

/// The databases that have to be made; what stands in their way is added to the refusals.
fn to_make(
    connection: &mut Reader,
    live: &Snapshot,
    database: &str,
    databases: &Databases,
    refusals: &mut Vec<Refusal>,
) -> Result<Vec<String>, ChangeError> {
    let found = databases.to_make(connection, database).and_then(|to_make| {
        match databases.are_permitted(live, database, &to_make) {
            Err(ChangeError::Refused(refusal)) => refusals.push(refusal),
            other => other?,
        }
        Ok(to_make)
    });
    match found {
        Err(ChangeError::Refused(refusal)) => {
            refusals.push(refusal);
            Ok(Vec::new())
        }
        found => found,
    }
}

fn rows(snapshot: &Snapshot, table: &str) -> u64 {
    snapshot.row_counts.get(table).copied().unwrap_or_default()
}

fn live_size(live: &Snapshot, name: &str) -> TableSize {
    let facts = live.server.as_ref();
    TableSize {
        name: name.to_owned(),
        rows: Some(rows(live, name)),
        bytes: facts.and_then(|facts| facts.table_bytes.get(name).copied()),
    }
}

/// What belongs to nobody who is known.
fn undecided(
    owners: &Owners,
    live: &Snapshot,
    selection: &Selection,
    options: &Options,
) -> Option<Refusal> {
    if options.undecided != Undecided::Ask {
        return None;
    }
    let mut named = Vec::new();
    for name in live.schema.tables.keys() {
        let of = owners.table(name);
        if of.owner == Owner::Unknown {
            named.push(format!("table {name} of the site ({})", of.why));
        }
    }
    for listed in selection.undecided() {
        named.push(format!(
            "{} {} of the backup ({})",
            listed.kind, listed.name, listed.why
        ));
    }
    (!named.is_empty()).then(|| Refusal::Undecided(named.join("; ")))
}

/// What the account does not see of what goes, so that it could not be made again.
fn hidden(live: &Snapshot, database: &str, programs_go: &[ProgramName]) -> Option<Refusal> {
    let goes = |kinds: &[ProgramKind]| programs_go.iter().any(|it| kinds.contains(&it.kind));
    let mut hidden = live.hidden.iter();
    let (_, why) = hidden.find(|(kind, _)| match kind {
        ObjectKind::Event => false,
        ObjectKind::RoutineBody => goes(&[ProgramKind::Function, ProgramKind::Procedure]),
        ObjectKind::ViewQuery => goes(&[ProgramKind::View]),
        _ => true,
    })?;
    Some(Refusal::SiteHidden(database.to_owned(), why.clone()))
}

/// The triggers of tables that go, and CiviCRM's views and routines.
fn programs_of(
    owners: &Owners,
    goes: &BTreeSet<String>,
    is_civicrm: &dyn Fn(Owner) -> bool,
) -> Vec<ProgramName> {
    let users = owners.users().iter().filter_map(|user| {
        let goes = match user.table {
            Some(table) => goes.contains(table),
            None => is_civicrm(owners.program(user).owner),
        };
        goes.then(|| program_name(user)).flatten()
    });
    users.collect()
}

/// The name of a trigger, view or routine; `None` for an event.
fn program_name(user: &User) -> Option<ProgramName> {
    Some(ProgramName {
        kind: ProgramKind::named(user.kind)?,
        name: user.name.to_owned(),
    })
}

fn programs_coming(schema: &Schema, selection: &Selection) -> Vec<ProgramName> {
    let none = indexmap::IndexMap::new();
    let listed = selection.listed(&none, &none).into_iter();
    let taken = listed.filter(|it| it.taken != Share::Nothing);
    let taken = taken.filter(|it| it.kind != "table" || find(&schema.views, &it.name).is_some());
    let named = taken.filter_map(|it| {
        let kind = ProgramKind::named(it.kind)?;
        Some(ProgramName {
            kind,
            name: it.name,
        })
    });
    named.collect()
}

/// What comes and has the name of something that stays.
fn taken(
    live: &Snapshot,
    goes: &BTreeSet<String>,
    comes: &BTreeSet<String>,
    programs_go: &[ProgramName],
    programs_come: &[ProgramName],
) -> Option<Refusal> {
    let schema = &live.schema;
    let goes_as = |kind, name: &str| {
        programs_go
            .iter()
            .any(|it| it.kind == kind && it.name == name)
    };
    let mut named = Vec::new();
    let views = programs_come
        .iter()
        .filter(|it| it.kind == ProgramKind::View);
    for name in comes.iter().chain(views.map(|view| &view.name)) {
        if find(&schema.tables, name).is_some() && !goes.contains(name) {
            named.push(format!("table {name}"));
        }
        if find(&schema.views, name).is_some() && !goes_as(ProgramKind::View, name) {
            named.push(format!("view {name}"));
        }
    }
    let triggers = programs_come
        .iter()
        .filter(|it| it.kind == ProgramKind::Trigger);
    for trigger in triggers {
        let there = schema.trigger(&trigger.name);
        if there.is_some_and(|there| !goes.contains(&there.table)) {
            named.push(trigger.describe());
        }
    }
    (!named.is_empty()).then(|| Refusal::NameTaken(named.join(", ")))
}

fn references(across: &Across, options: &Options) -> Option<Refusal> {
    let mut parts = Vec::new();
    if !across.impossible.is_empty() {
        parts.push(format!(
            "foreign keys lead where a rollback cannot take them ({}): drop them first",
            across.impossible.join("; ")
        ));
    }
    let is_in_place = options.databases.is_none();
    if !across.references.is_empty() && (is_in_place || !options.with_references) {
        let all = across.references.iter().map(|it| {
            let of = if it.goes.is_none() {
                " in the backup"
            } else {
                ""
            };
            format!("{} of {}{of} to {}", it.key, it.table, it.parent)
        });
        let what_to_do = match is_in_place {
            false => {
                "--with-references drops them right before the exchange and makes them again behind it"
            }
            true => "drop them before a rollback in place, and make them again behind it",
        };
        parts.push(format!(
            "foreign keys lead from tables that change places to tables that stay, or the other way round ({}): \
             {what_to_do}",
            all.collect::<Vec<_>>().join("; ")
        ));
    }
    (!parts.is_empty()).then(|| Refusal::References(parts.join("; ")))
}

/// The accounts as which these run, where it is not the one that rolls back.
fn of_others(
    schema: &Schema,
    programs: &[ProgramName],
    own: Option<&Account>,
) -> BTreeMap<ProgramName, Account> {
    let definer = |program: &ProgramName| {
        let name = &program.name;
        match program.kind {
            ProgramKind::Trigger => schema.trigger(name)?.definer.clone(),
            ProgramKind::View => find(&schema.views, name)?.definer.clone(),
            ProgramKind::Function => schema.routine(RoutineKind::Function, name)?.definer.clone(),
            ProgramKind::Procedure => schema
                .routine(RoutineKind::Procedure, name)?
                .definer
                .clone(),
        }
    };
    let named = programs
        .iter()
        .filter_map(|it| Some((it.clone(), definer(it)?)));
    named.filter(|(_, definer)| Some(definer) != own).collect()
}

/// Whether the account may make what runs as others; where its privileges are not known, it is tried.
fn may_name_others(live: &Snapshot, database: &str) -> bool {
    let (Some(facts), Some(version)) = (&live.server, &live.source.server_version) else {
        return true;
    };
    let Some(grants) = &facts.grants else {
        return true;
    };
    let has = grants.on_database(database, &facts.rules(version)).global;
    let wanted: &[Privilege] = match version.family {
        Family::Mysql if version.number >= (8, 2, 0) => &[Privilege::SetAnyDefiner],
        Family::Mysql if version.number >= (8, 0, 0) => &[Privilege::SetUserId, Privilege::Super],
        Family::Mariadb if version.number >= (10, 5, 2) => &[Privilege::SetUser, Privilege::Super],
        _ => &[Privilege::Super],
    };
    wanted.iter().any(|privilege| has.contains(privilege))
}

/// Why what comes is not to run as the accounts of the backup.
fn not_kept(
    live: &Snapshot,
    may_name: bool,
    definers: &BTreeMap<ProgramName, Account>,
) -> Option<String> {
    let accounts = live
        .server
        .as_ref()
        .and_then(|facts| facts.accounts.as_ref());
    let is_missing = |definer: &&Account| accounts.is_some_and(|all| !all.contains(definer));
    let (other, why) = match definers.values().find(is_missing) {
        Some(missing) => (missing, "which this server does not have"),
        None if may_name => return None,
        None => (definers.values().next()?, "which this account may not name"),
    };
    Some(format!(
        "triggers, views and routines of the backup run as {other}, {why}: they will run as the account that rolls back \
         (--definers keep insists)"
    ))
}

/// What stays and uses tables that go.
fn users(owners: &Owners, goes: &BTreeSet<String>, programs_go: &[ProgramName]) -> Vec<String> {
    let stays = owners.users().iter().filter(|user| {
        let name = program_name(user);
        !name.is_some_and(|name| programs_go.contains(&name))
    });
    let using = stays.filter_map(|user| {
        let mut tables = user.uses.tables.iter();
        let used = tables.find(|table| table.database.is_none() && goes.contains(&table.name))?;
        Some(format!("{} uses {}", user.describe(), used.name))
    });
    using.collect()
}

/// What becomes of that which accounts were granted on routines that go.
fn grants(connection: &mut Reader, plan: &Plan) -> Result<Option<String>, ChangeError> {
    let granted = routine_grants(connection, &plan.exchange.database)?;
    let goes = |grant: &&String| {
        let mut routines = plan.programs_go.iter();
        routines.any(|it| is_on(grant, &plan.exchange.database, it.kind.as_str(), &it.name))
    };
    Ok(match granted {
        None => Some(
            "a routine that is dropped or made again loses what accounts were granted on it, and this account may not look \
             whether any were (table mysql.procs_priv)"
                .to_owned(),
        ),
        Some(all) => {
            let of_going: Vec<&str> = all.iter().filter(goes).map(String::as_str).collect();
            (!of_going.is_empty()).then(|| {
                format!(
                    "a routine that is dropped or made again loses what accounts were granted on it; afterwards these may \
                     have to be run: {}",
                    of_going.join(" ")
                )
            })
        }
    })
}

fn events(owners: &Owners, selection: &Selection) -> Option<String> {
    let events = owners.users().iter().filter(|user| user.kind == "event");
    let of_site = events.filter(|user| owners.program(user).owner == Owner::Civicrm);
    let none = indexmap::IndexMap::new();
    let listed = selection.listed(&none, &none).into_iter();
    let of_backup = listed.filter(|it| it.kind == "event" && it.taken != Share::Nothing);
    let named = of_site.map(|user| user.name.to_owned());
    let named: BTreeSet<String> = named.chain(of_backup.map(|it| it.name)).collect();
    let named: Vec<String> = named.into_iter().collect();
    (!named.is_empty()).then(|| {
        format!(
            "events stay as they are on the site, and those of the backup do not come: {}",
            named.join(", ")
        )
    })
}

/// Whether a RENAME TABLE of several tables is done as a whole or not at all, also where the server ends in the middle
/// (MySQL 8.0 manual, "Atomic Data Definition Statement Support"; MariaDB Knowledge Base, "Atomic DDL").
fn renames_as_a_whole(version: &ServerVersion) -> bool {
    version.at_least(Family::Mysql, (8, 0, 0)) || version.at_least(Family::Mariadb, (10, 6, 1))
}

fn not_atomic(live: &Snapshot, goes: &[ProgramName], comes: &[ProgramName]) -> Vec<String> {
    let mut sentences = Vec::new();
    let number = |programs: &[ProgramName], is_trigger: bool| {
        let found = programs
            .iter()
            .filter(|it| (it.kind == ProgramKind::Trigger) == is_trigger);
        found.count() as u64
    };
    let (go, come) = (number(goes, true), number(comes, true));
    if go + come > 0 {
        sentences.push(format!(
            "tables with triggers cannot go into another database: {} of the site are dropped right before the tables change \
             places, and {} of the backup are made right behind it; between the two no trigger fires, so keep the site offline",
            crate::text::count(go, "trigger"),
            crate::text::count(come, "trigger"),
        ));
    }
    if number(goes, false) + number(comes, false) > 0 {
        sentences.push(
            "views and routines that differ are made again one by one behind the exchange"
                .to_owned(),
        );
    }
    let version = live.source.server_version.as_ref();
    if version.is_some_and(|version| !renames_as_a_whole(version)) {
        sentences.push(
            "this server does not do a RENAME TABLE of several tables as a whole where it is killed in the middle of it: \
             some tables may then be those of the site and others those of the backup, until cividb undo or --resume has \
             finished it"
                .to_owned(),
        );
    }
    sentences
}
