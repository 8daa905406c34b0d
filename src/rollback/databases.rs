//! The two databases beside the site's: one in which the backup is made ready, and one that takes what goes.

use crate::change::error::ChangeError;
use crate::change::exchange::{InForce, RECORD_TABLE, Record, State};
use crate::change::refusal::Refusal;
use crate::gate::{Meaning, Operation};
use crate::grants::judge;
use crate::grants::need::{Need, Scope};
use crate::privilege::Privilege;
use crate::schema::sql::string;
use crate::server::answer::text;
use crate::server::connection::Reader;
use crate::server_version::Family;
use crate::snapshot::Snapshot;

/// The most characters of a database's name.
const LONGEST: usize = 64;

/// The names of the two databases.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Databases {
    /// The one in which the backup is made ready.
    pub beside: String,
    /// The one that takes what goes.
    pub aside: String,
}

impl Databases {
    /// The names for a site's database, where the user gave none: `NAME_cividb_new` and `NAME_cividb_old`.
    pub fn of(database: &str, beside: Option<&str>, aside: Option<&str>) -> Self {
        let named = |given: Option<&str>, end: &str| match given {
            Some(name) => name.to_owned(),
            None => {
                let most = LONGEST.saturating_sub(end.len());
                let short: String = database.chars().take(most).collect();
                format!("{short}{end}")
            }
        };
        Self {
            beside: named(beside, "_cividb_new"),
            aside: named(aside, "_cividb_old"),
        }
    }

    /// Looks at both: those that are there have to be empty; returns those that have to be made.
    ///
    /// # Errors
    /// One is in use, or has the name of the site's, or holds what an earlier rollback set aside; or the connection is
    /// lost.
    pub(super) fn to_make(
        &self,
        connection: &mut Reader,
        database: &str,
    ) -> Result<Vec<String>, ChangeError> {
        let is_same = |one: &str, other: &str| one.to_lowercase() == other.to_lowercase();
        if is_same(&self.beside, database)
            || is_same(&self.aside, database)
            || is_same(&self.beside, &self.aside)
        {
            let why = format!(
                "the backup and the tables that go need a database each besides {database}: --beside and --set-aside name them"
            );
            return Err(Refusal::DatabaseInUse(why).into());
        }
        if let Some(record) = Record::read(connection, &self.aside)? {
            let (database, aside) = (database.to_owned(), self.aside.clone());
            let state = State::of_record(connection, &record)?;
            return Err(match state.in_force {
                InForce::Old => Refusal::NotRemoved(database, self.beside.clone()).into(),
                InForce::New | InForce::Mixed => Refusal::NotFinished(database, aside).into(),
            });
        }
        let mut to_make = Vec::new();
        for name in [&self.beside, &self.aside] {
            match first_object(connection, name)? {
                None => to_make.push(name.clone()),
                Some(None) => {}
                Some(Some(object)) => {
                    let why = format!(
                        "the database {name} is not empty (it holds {object}); --beside and --set-aside name others"
                    );
                    return Err(Refusal::DatabaseInUse(why).into());
                }
            }
        }
        Ok(to_make)
    }

    /// Makes sure that the account may do in both what a rollback does there.
    ///
    /// # Errors
    /// It may not; the text says what to do.
    pub(super) fn are_permitted(
        &self,
        live: &Snapshot,
        database: &str,
        to_make: &[String],
    ) -> Result<(), ChangeError> {
        use Privilege::{
            Alter, AlterRoutine, Create, CreateRoutine, CreateView, Drop, Index, Insert,
            References, Select, ShowView, Trigger,
        };
        let (Some(facts), Some(version)) = (&live.server, &live.source.server_version) else {
            return Ok(());
        };
        let Some(granted) = &facts.grants else {
            return Ok(());
        };
        const SOURCE: &str = "MySQL 9.7 manual, RENAME TABLE, CREATE TABLE and CREATE TRIGGER";
        let mut needs = Vec::new();
        for name in [&self.beside, &self.aside] {
            let on = Scope::OtherDatabase(name.clone());
            let mut wanted = vec![Select, Insert, Create, Drop, Alter, Index, Trigger];
            if *name == self.beside {
                wanted.extend([CreateView, ShowView, CreateRoutine, AlterRoutine]);
                if version.family == Family::Mysql {
                    wanted.push(References);
                }
            }
            let wanted = wanted.into_iter();
            needs.extend(wanted.map(|privilege| {
                Need::on_database(privilege, &on, "for the tables that come and go", SOURCE)
            }));
        }
        let verdict = judge(needs, granted, database, &facts.rules(version));
        if verdict.is_enough() {
            return Ok(());
        }
        let mut grants = Vec::new();
        for fix in verdict.fixes {
            let grant = Meaning::new(Operation::Grant, fix.names);
            grants.push(grant.pass(fix.statement)? + ";");
        }
        let account = facts.account.as_ref().map(ToString::to_string);
        let which = match to_make.is_empty() {
            true => format!("in {} and {}", self.beside, self.aside),
            false => format!("make the databases {}", to_make.join(" and ")),
        };
        let why = format!(
            "the account {} may not {which}; an administrator runs: {} Or name two empty databases that it may use with \
             --beside and --set-aside, such as a hosting panel makes; --in-place needs no other database, and cannot be taken back",
            account.unwrap_or_default(),
            grants.join(" ")
        );
        Err(Refusal::NoDatabaseBeside(why).into())
    }
}

/// Something that a database holds; `None` inside where it is empty, and outside where it is not there.
fn first_object(
    connection: &mut Reader,
    database: &str,
) -> Result<Option<Option<String>>, ChangeError> {
    let (name, record) = (string(database), string(RECORD_TABLE));
    let sql = format!(
        "SELECT (SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = {name}) AS is_there, \
         (SELECT MIN(TABLE_NAME) FROM information_schema.TABLES WHERE TABLE_SCHEMA = {name} \
         AND TABLE_NAME <> {record}) AS of_tables, \
         (SELECT MIN(ROUTINE_NAME) FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = {name}) AS of_routines"
    );
    let sql = Meaning::new(Operation::Select, [""; 0]).pass(sql)?;
    let answer = connection.ask("the database beside", &sql)?;
    let Some(row) = answer.first() else {
        return Ok(None);
    };
    if text(row, "is_there").as_deref() == Some("0") {
        return Ok(None);
    }
    Ok(Some(text(row, "of_tables").or(text(row, "of_routines"))))
}

/// What an earlier rollback of a database set aside.
///
/// # Errors
/// Nothing is set aside there, or it is another database's; or the connection is lost.
pub fn cleared_for(
    connection: &mut Reader,
    database: &str,
    aside: &str,
) -> Result<Record, ChangeError> {
    let record = Record::read(connection, aside)?;
    let record = record.filter(|record| record.exchange.database == database);
    record.ok_or_else(|| Refusal::NothingSetAside(aside.to_owned()).into())
}
