//! The backup, restored into a database of its own beside the site's, and proved there.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::plan::Plan;
use crate::change::error::ChangeError;
use crate::change::exchange::ProgramKind;
use crate::change::refusal::Refusal;
use crate::civicrm::site;
use crate::contents::comparison::{
    self, ContentsError, Item, Side, What, compare as compare_contents,
};
use crate::contents::digest::Hashes;
use crate::dump::container::{ByteStream, Progress};
use crate::dump::reader::DumpReader;
use crate::extract::{self, Copier, ExtractError, Output, Plan as Extraction, Selection};
use crate::rehearse::compare::compare;
use crate::rehearse::exercise::{Exercised, exercise};
use crate::rehearse::{Definers, Failure, Ground, How, Kind, RehearseError, Restored, restore};
use crate::sandbox::Client;
use crate::schema::model::{RoutineKind, Schema};
use crate::server::connection::Reader;
use crate::server_version::ServerVersion;
use crate::snapshot::Snapshot;
use crate::source::{Location, ServerLocation, SourceError};

/// How a backup is made ready.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The server, with the account that rolls back.
    pub server: ServerLocation,
    /// The database.
    pub database: String,
    /// Whether it is the site's own, out of which all that goes has gone.
    pub is_site: bool,
    /// The longest time that one statement may take.
    pub limit: Duration,
    /// Becomes the number of a signal that has come.
    pub signal: Arc<AtomicUsize>,
}

/// The database in which the backup is made ready.
pub struct Beside {
    setup: Setup,
    location: Location,
}

/// What was proved of the restored backup.
#[derive(Clone, Debug, Default)]
pub struct Proof {
    /// Tables that were compared with the backup, and that hold the same.
    pub tables: u64,
    /// Rows that were compared.
    pub rows: u64,
    /// What was tried.
    pub exercised: Exercised,
    /// Statements of the backup that were not run, because they reach outside its database.
    pub refused: Vec<String>,
    /// What could not be looked at, as sentences.
    pub not_proved: Vec<String>,
}

/// Why the backup could not be made ready.
#[derive(Debug, thiserror::Error)]
pub enum BesideError {
    /// Its part of CiviCRM could not be taken out of it.
    #[error(transparent)]
    Extract(#[from] ExtractError),
    /// It could not be restored.
    #[error(transparent)]
    Rehearse(#[from] RehearseError),
    /// What was restored could not be compared with it.
    #[error(transparent)]
    Contents(#[from] ContentsError),
    /// It is not what the backup holds.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The folder for temporary files cannot be used.
    #[error("{}: {error}", .path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The error that the operating system gives.
        error: std::io::Error,
    },
}

impl Ground for Beside {
    fn database(&self) -> &str {
        &self.setup.database
    }

    fn allows(&self, _kind: Kind) -> bool {
        // On a server of others nothing is.
        false
    }

    fn definers(&self) -> Definers {
        // The text that is restored names them as they are to be.
        Definers::Keep
    }

    fn limit(&self) -> Duration {
        self.setup.limit
    }

    fn client(&self) -> Result<Client, RehearseError> {
        let login = &self.setup.server.login;
        Ok(Client::open(
            login,
            Some(&self.setup.database),
            self.setup.limit,
        )?)
    }

    fn reader(&self) -> Result<Reader, RehearseError> {
        let mut reader = Reader::open(&self.setup.server.login)?;
        reader.use_database(&self.setup.database)?;
        Ok(reader)
    }

    fn explain(&self, error: RehearseError) -> RehearseError {
        self.go_on().err().unwrap_or(error)
    }

    fn go_on(&self) -> Result<(), RehearseError> {
        match self.setup.signal.load(Ordering::Relaxed) {
            0 => Ok(()),
            number => Err(RehearseError::Interrupted(
                i32::try_from(number).unwrap_or_default(),
            )),
        }
    }
}

impl Beside {
    /// The database of a set-up, in which nothing may be of what comes.
    pub fn new(setup: Setup) -> Self {
        let mut server = setup.server.clone();
        server.login.database = Some(setup.database.clone());
        server.exact_counts = true;
        Self {
            setup,
            location: Location::Server(Box::new(server)),
        }
    }

    /// Restores CiviCRM's part of a backup, and proves it. The part is kept in the folder `tmp` meanwhile. `watch` is told
    /// how far the backup has been read, `tell` what is worked on.
    ///
    /// # Errors
    /// It cannot be read or restored, or what arrived is not what it holds.
    pub fn fill(
        &self,
        (backup, snapshot): (&Path, &Snapshot),
        selection: Selection,
        plan: &Plan,
        tmp: &Path,
        watch: &mut dyn FnMut(&Progress),
        tell: &mut dyn FnMut(&str),
    ) -> Result<Proof, BesideError> {
        let folder = |error| BesideError::Folder {
            path: tmp.to_owned(),
            error,
        };
        let kept = tempfile::Builder::new()
            .prefix("cividb-rollback-")
            .tempdir_in(tmp)
            .map_err(folder)?;
        let part = kept.path().join("civicrm.sql.zst");
        let version = self.reader()?.version;
        tell("taking CiviCRM's part out of the backup");
        self.extract((backup, snapshot), selection, &version, &part, watch)?;
        let part = Location::File(part);
        tell(&format!("restoring it into {}", self.setup.database));
        let how = How {
            force: false,
            jobs: 1,
        };
        let restored = restore(self, &part, how, watch, &mut |_| {})?;
        if let Some(failure) = restored.failures.first() {
            return Err(Refusal::NotProved(said(failure)).into());
        }
        self.go_on()?;
        self.without_keys_across(plan)?;
        tell("comparing it with the backup");
        self.prove(&part, plan, &restored, watch)
    }

    /// Writes CiviCRM's part of the backup, as this server takes it.
    fn extract(
        &self,
        (backup, snapshot): (&Path, &Snapshot),
        selection: Selection,
        version: &ServerVersion,
        part: &Path,
        watch: &mut dyn FnMut(&Progress),
    ) -> Result<(), BesideError> {
        let database = snapshot.database.clone();
        let mut extraction = Extraction {
            // Those of the site stay, and one of the backup would run beside it.
            selection: Some(selection.without_events()),
            // Others may do nothing in this database: theirs becomes what it is to be in the site's.
            definers: extract::Definers::Current,
            target: Some(version.clone()),
            database: database.map(|name| (extract::NewDatabase::Unnamed, name)),
            ..Extraction::default()
        };
        extraction
            .fit(snapshot, version)
            .map_err(ExtractError::from)?;
        let write = |error| BesideError::Extract(ExtractError::Write(error));
        let mut out = Output::create(part).map_err(write)?;
        let stream = ByteStream::open(backup).map_err(SourceError::from);
        let stream = stream.map_err(RehearseError::from)?;
        let copier = Copier::new(&extraction, DumpReader::new(site::ROWS_WANTED));
        copier.copy(stream, &mut out, watch)?;
        out.finish().map_err(write)
    }

    /// Drops foreign keys to tables that stay in the site's database: here they lead nowhere, and there they are made
    /// again.
    fn without_keys_across(&self, plan: &Plan) -> Result<(), BesideError> {
        let comes = &plan.exchange.comes;
        let across = plan.exchange.references.iter();
        let across = across.filter(|reference| comes.contains(&reference.table));
        let mut client = self.client()?;
        for change in across.filter_map(|reference| reference.comes.as_ref()) {
            let dropped = client.writer().run("a foreign key", &change.drop);
            dropped.map_err(RehearseError::from)?;
        }
        Ok(())
    }

    /// Looks whether all arrived and works.
    fn prove(
        &self,
        part: &Location,
        plan: &Plan,
        restored: &Restored,
        watch: &mut dyn FnMut(&Progress),
    ) -> Result<Proof, BesideError> {
        let hashes = Hashes::random();
        let mut read = |location| {
            Side::read(location, None, hashes, &mut |_, progress: &Progress| {
                watch(progress);
            })
        };
        let (of_backup, of_server) = (read(part)?, read(&self.location)?);
        let options = comparison::Options {
            samples: 1,
            with_volatile: true,
            ..comparison::Options::default()
        };
        let (comparison, of_backup, mut of_server) =
            compare_contents(of_backup, of_server, hashes, &options, None, &mut |_, _| {})?;
        // Tables that stay are in the site's database alone.
        let is_of_site = |item: &Item| self.setup.is_site && item.what == What::TableNew;
        if let Some(item) = comparison.unexplained().find(|item| !is_of_site(item)) {
            let why = format!("the rows of {} differ", item.table);
            return Err(Refusal::NotProved(why).into());
        }
        if self.setup.is_site {
            without_what_stays(&mut of_server, plan);
        }
        let (compared, failures, uncounted) = compare(self, &of_backup, &mut of_server, restored)?;
        let there: Vec<&String> = of_server.schema.tables.keys().collect();
        let mut missing = plan.exchange.comes.iter();
        if let Some(table) = missing.find(|table| !there.contains(table)) {
            return Err(Refusal::NotProved(format!("table {table} is not there")).into());
        }
        if let Some(table) = there.iter().find(|it| !plan.exchange.comes.contains(it)) {
            return Err(Refusal::NotProved(format!("table {table} was not planned")).into());
        }
        let mut proof = Proof {
            tables: compared.tables as u64,
            rows: compared.rows,
            ..Proof::default()
        };
        let skipped = comparison.not_compared.iter();
        let skipped = skipped.map(|(table, why)| format!("{table}: {why}"));
        proof.not_proved.extend(skipped);
        proof.not_proved.extend(uncounted);
        let refused = restored.refused.values();
        proof.refused = refused.map(|it| it.statement.clone()).collect();
        let mut failed: Vec<Failure> = failures;
        match other_engine(&of_server.schema) {
            None => {
                proof.exercised = exercise(self, &of_server)?;
                failed.append(&mut proof.exercised.failures);
            }
            Some(table) => proof.not_proved.push(format!(
                "no trigger was fired and no function called, because table {table} is not InnoDB and keeps what is rolled back"
            )),
        }
        let not_tried = std::mem::take(&mut proof.exercised.not_tried);
        proof.not_proved.extend(not_tried);
        match failed.first() {
            None => Ok(proof),
            Some(failure) => Err(Refusal::NotProved(said(failure)).into()),
        }
    }
}

/// Leaves of a site what has come.
fn without_what_stays(site: &mut Snapshot, plan: &Plan) {
    let schema = &mut site.schema;
    let comes = |table: &String| plan.exchange.comes.contains(table);
    let has_come = |kind, name: &str| {
        let mut programs = plan.programs_come.iter();
        programs.any(|it| it.kind == kind && it.name == name)
    };
    schema.tables.retain(|name, _| comes(name));
    schema.triggers.retain(|_, trigger| comes(&trigger.table));
    schema
        .views
        .retain(|name, _| has_come(ProgramKind::View, name));
    schema.routines.retain(|(kind, name), _| match kind {
        RoutineKind::Function => has_come(ProgramKind::Function, name),
        RoutineKind::Procedure => has_come(ProgramKind::Procedure, name),
    });
    schema.events.clear();
}

/// A table of which a transaction that is rolled back may leave something.
fn other_engine(schema: &Schema) -> Option<&String> {
    let mut tables = schema.tables.iter();
    let is_other = |engine: &str| !engine.eq_ignore_ascii_case("InnoDB");
    let found = tables.find(|(_, table)| table.engine.as_deref().is_some_and(is_other));
    found.map(|(name, _)| name)
}

/// What failed, on one line.
fn said(failure: &Failure) -> String {
    let place = failure
        .at
        .as_ref()
        .map(|at| format!(" (line {})", at.place.line));
    let about = match (failure.about.kind, &failure.about.name) {
        (Some(kind), Some(name)) => format!("{kind} {name}: "),
        _ => String::new(),
    };
    format!("{about}{}{}", failure.message, place.unwrap_or_default())
}

impl From<BesideError> for ChangeError {
    fn from(error: BesideError) -> Self {
        match error {
            BesideError::Refused(refusal) => Self::Refused(refusal),
            BesideError::Rehearse(RehearseError::Server(error))
            | BesideError::Contents(ContentsError::Server(error)) => Self::Server(error),
            other => Refusal::NotProved(other.to_string()).into(),
        }
    }
}
