//! `cividb rollback`: back to a backup, without the tables of the CMS.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};

use super::confirm::confirm;
use super::extract::{Facts, survey};
use super::output::print_report;
use super::progress::Bar;
use super::rehearse::listen;
use super::{Common, ServerOptions, journals, tell};
use crate::case::Case;
use crate::change::definition::read_definitions;
use crate::change::error::ChangeError;
use crate::change::exchange::{self, Clearance, InForce, Record as SetAside, State};
use crate::change::executor::Executor;
use crate::change::journal::{Head, Journal, Record};
use crate::change::refusal::Refusal;
use crate::change::undo;
use crate::checks::{Examination, Finding, Findings, Severity, VERIFY};
use crate::civicrm::catalogue::Catalogue;
use crate::cli::error::Error;
use crate::exit::Exit;
use crate::extract::{Selection, Tables, Undecided, Wanted};
use crate::rehearse::RehearseError;
use crate::repair::guard;
use crate::report::{Report, RollbackSummary, Section};
use crate::rollback::{
    self, Beside, BesideError, Databases, Options, Plan, Proof, Setup, afterwards, cleared_for,
    space,
};
use crate::server::connection::Reader;
use crate::source::{Location, ServerLocation, SitePaths};

/// Findings about a backup that are mended while it is restored.
const MENDED: [&str; 3] = [
    "restore-collation",
    "restore-sql-mode",
    "restore-generated-column",
];

#[derive(Debug, Args)]
pub struct Rollback {
    /// Backup to go back to: a dump in one file (plain, gzip, bzip2, zstd, xz or zip). Not with --resume and --finish
    #[arg(value_name = "DUMP")]
    pub(super) dump: Option<String>,
    /// Site: server (mysql://user@host/database), civicrm.settings.php or site's folder
    #[arg(value_name = "SERVER")]
    pub(super) source: Option<String>,
    /// Do it; without this the plan is printed and nothing is changed
    #[arg(long)]
    apply: bool,
    /// Do not ask for confirmation
    #[arg(long)]
    yes: bool,
    /// Remove for good what a rollback has set aside; cividb undo cannot take it back any more
    #[arg(long, conflicts_with = "resume")]
    finish: bool,
    /// Go on with a rollback that was interrupted in the middle of the exchange, in the journal that it wrote
    #[arg(long, value_name = "JOURNAL", requires = "apply")]
    resume: Option<PathBuf>,
    /// With --resume: the server is the one that the journal names, although it calls itself another since it
    /// was moved to another port or host name
    #[arg(long, requires = "resume")]
    same_server: bool,
    /// Drop foreign keys of tables that stay to tables that go right before the exchange, and make them again behind it
    #[arg(long)]
    with_references: bool,
    /// Tables of which nobody can tell whether they are CiviCRM's: take them for CiviCRM's, or leave them where they are;
    /// without this they are named, and nothing is changed
    #[arg(long, value_enum, value_name = "WHAT")]
    unknown: Option<Unknown>,
    /// Accounts that triggers, views and routines of the backup run as [default: keep where this account may name them]
    #[arg(long, value_enum, value_name = "WHO")]
    definers: Option<Kept>,
    /// Database to restore the backup in, beside the site's: it is made, or empty [default: NAME_cividb_new]
    #[arg(long, value_name = "NAME")]
    beside: Option<String>,
    /// Database that takes the tables that go: it is made, or empty [default: NAME_cividb_old]
    #[arg(long, value_name = "NAME")]
    set_aside: Option<String>,
    /// Where to write the journal that cividb undo takes the rollback back from; by default
    /// cividb-DATABASE-DATE-TIME.journal in $XDG_STATE_HOME/cividb or ~/.local/state/cividb (cividb undo --list)
    #[arg(long, value_name = "FILE", conflicts_with_all = ["resume", "finish"])]
    journal: Option<PathBuf>,
    /// Folder for CiviCRM's part of the backup while it is restored, compressed [default: TMPDIR or /tmp]
    #[arg(long, value_name = "FOLDER")]
    tmp: Option<PathBuf>,
    /// Longest time in seconds that one statement of the backup may take
    #[arg(long, value_name = "N", default_value_t = 3600, value_parser = clap::value_parser!(u64).range(1..))]
    statement_seconds: u64,
    /// Begin even where the server's disk may have too little room
    #[arg(long)]
    no_space_check: bool,
    #[command(flatten)]
    server: ServerOptions,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Unknown {
    /// They are CiviCRM's
    Keep,
    /// They stay where they are, and those of the backup do not come
    Leave,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kept {
    /// Those of the backup
    Keep,
    /// The account that rolls back
    Current,
}

/// The site as it is.
struct Site<'c> {
    connection: Reader,
    database: String,
    case: Case<'c>,
    location: ServerLocation,
    head: Head,
}

impl Rollback {
    /// The site as the user named it.
    pub(super) fn named(&self) -> &Option<String> {
        match &self.source {
            Some(_) => &self.source,
            None => &self.dump,
        }
    }

    pub(super) fn run(&self, common: &Common) -> Result<Exit, Error> {
        if common.format == super::Format::Csv {
            let instead = "it prints text, or JSON with --format json";
            return Err(Error::NoFormat("rollback", common.format.name(), instead));
        }
        let catalogue = Catalogue::embedded()?;
        if self.finish {
            return self.finish(&catalogue, common);
        }
        if let Some(journal) = &self.resume {
            return self.resume(journal, &catalogue, common);
        }
        let Some(dump) = &self.dump else {
            let why = "name the backup to go back to, and the site: cividb rollback DUMP SERVER";
            return Err(Refusal::WrongSources(why.to_owned()).into());
        };
        let path = backup(dump, &self.server)?;
        let mut site = self.site(self.source.as_deref(), &catalogue, common)?;
        let location = Location::File(path.clone());
        let version = Some(site.connection.version.clone());
        let Facts { case, bytes, .. } = survey(&location, dump, None, version, &catalogue, common)?;
        let findings = common.examine(&Examination::of(&case), VERIFY)?;
        let wanted = Wanted {
            only: vec![Tables::Civicrm],
            undecided: self.undecided(),
            ..Wanted::default()
        };
        let schema = case.snapshot.schema.clone();
        let selection = super::extract::selection(&case, &wanted, &schema)?;
        let definitions = read_definitions(&mut site.connection, &mut site.case.snapshot)?;
        let options = Options {
            undecided: self.undecided(),
            with_references: self.with_references,
            databases: self.databases(&site.database),
            keep_definers: self.definers.map(|kept| kept == Kept::Keep),
        };
        let mut plan = rollback::plan(
            &mut site.connection,
            (&case, &selection),
            &bytes,
            &site.case,
            &definitions,
            &options,
        )?;
        let (needed, free) = space::needed_and_free(&mut site.connection, &plan.comes)?;
        if !self.no_space_check {
            plan.refusals.extend(space::refusal(needed, free));
        }
        plan.refusals.extend(not_whole(&findings));
        let mut summary = RollbackSummary::of(&plan, &site.location.name);
        (summary.bytes_needed, summary.bytes_free) = (Some(needed), free);
        summary.afterwards = self.afterwards(&case, &selection);
        if self.apply {
            if let Some(refusal) = plan.refusals.first() {
                for other in plan.refusals.iter().skip(1) {
                    tell(&format!("in the way as well: {other}"));
                }
                return Err(refusal.clone().into());
            }
            self.apply(site, (&path, &case, selection), &plan, &mut summary, common)?;
        }
        let mut report = Report::new("rollback", &case, findings, common.strict);
        report.compared_with = Some(summary.server.clone());
        print_report(common, &report.with(Section::Rollback(Box::new(summary))))
    }

    fn undecided(&self) -> Undecided {
        match self.unknown {
            None => Undecided::Ask,
            Some(Unknown::Keep) => Undecided::Keep,
            Some(Unknown::Leave) => Undecided::Leave,
        }
    }

    fn databases(&self, database: &str) -> Databases {
        Databases::of(database, self.beside.as_deref(), self.set_aside.as_deref())
    }

    /// Connects to the site and reads it.
    fn site<'c>(
        &self,
        source: Option<&str>,
        catalogue: &'c Catalogue,
        common: &Common,
    ) -> Result<Site<'c>, Error> {
        let source = self.server.source(source)?;
        let Location::Server(location) = Location::one(&source, &self.server.access())? else {
            let why = format!(
                "{source} is a dump; name the site as a server, a settings file or a folder"
            );
            return Err(Refusal::WrongSources(why).into());
        };
        let (mut connection, database) = location.connect(common.database.as_deref())?;
        let snapshot = location.read(&mut connection, &database)?;
        if self.apply {
            for warning in guard::server(&snapshot)? {
                tell(warning);
            }
        }
        let head = Head::of(&snapshot, "rollback");
        Ok(Site {
            connection,
            database,
            case: Case::new(snapshot, catalogue),
            location: *location,
            head,
        })
    }

    /// What is left to do besides the database.
    fn afterwards(&self, backup: &Case, selection: &Selection) -> Vec<String> {
        let source = self.server.source(self.source.as_deref()).ok();
        let paths = source.as_deref().and_then(SitePaths::of);
        let release = backup.declared_version().map(|release| release.to_string());
        afterwards::afterwards(paths.as_ref(), selection.cms(), release.as_deref())
    }

    fn apply(
        &self,
        site: Site,
        (path, backup, selection): (&Path, &Case, Selection),
        plan: &Plan,
        summary: &mut RollbackSummary,
        common: &Common,
    ) -> Result<(), Error> {
        for sentence in plan.not_atomic.iter().chain(&plan.notes) {
            tell(sentence);
        }
        let missing: Vec<&str> = plan
            .without_successor()
            .map(|it| it.name.as_str())
            .collect();
        if !missing.is_empty() {
            tell(&format!(
                "these go, and the backup does not have them: {}",
                missing.join(", ")
            ));
        }
        let exchange = &plan.exchange;
        let references = || exchange.references.iter();
        for change in references().filter_map(|reference| reference.goes.as_ref()) {
            tell(&format!("{};", change.drop));
        }
        tell(&format!(
            "{};",
            exchange.way_there().map_err(ChangeError::from)?
        ));
        for change in references().filter_map(|reference| reference.comes.as_ref()) {
            tell(&format!("{};", change.add));
        }
        let question = format!(
            "Put {} tables of {} in the place of {} tables of {} on {}?",
            exchange.comes.len(),
            path.display(),
            exchange.goes.len(),
            exchange.database,
            site.location.name
        );
        confirm(&question, self.yes)?;
        let mut journal = Journal::create(
            &journals::path(self.journal.as_deref(), &site.database)?,
            &site.head,
        )?;
        let begun = Instant::now();
        let charset = site.case.snapshot.server.as_ref();
        let charset = charset.and_then(|facts| facts.database_charset.clone());
        let signal = listen();
        let mut progress = |message: &str| tell(message);
        let mut executor = Executor::new(
            site.connection,
            &site.database,
            Duration::ZERO,
            &mut progress,
        )?;
        let finish = format!("cividb rollback --finish {} --apply", site.location.name);
        let beside = Beside::new(Setup {
            server: site.location,
            database: exchange.beside.clone(),
            limit: Duration::from_secs(self.statement_seconds),
            signal,
        });
        let prepare = || -> Result<(SetAside, Proof), Error> {
            exchange::begin(&mut executor, exchange, charset.as_ref())?;
            let proof = self.fill(&beside, (path, backup, selection), plan, common)?;
            Ok((rollback::record(&mut executor, plan)?, proof))
        };
        let prepared = prepare();
        let (record, proof) = match prepared {
            Ok(prepared) => prepared,
            Err(error) => {
                // Where the connection is gone as well, the user has to.
                let cleared =
                    SetAside::read(executor.connection(), &exchange.aside).and_then(|record| {
                        record
                            .map(|it| exchange::clear(&mut executor, &it))
                            .transpose()
                    });
                let database = &exchange.database;
                tell(&match cleared {
                    Ok(Some(_)) => format!(
                        "{database} is as it was, and what was restored beside it is removed"
                    ),
                    _ => format!(
                        "{database} is as it was; what was restored beside it stands in {}: {finish} removes it",
                        exchange.beside
                    ),
                });
                end_of_signal(&error);
                return Err(error);
            }
        };
        let seconds = begun.elapsed().as_secs_f64();
        let ran = rollback::run(&mut executor, &mut journal, &record, &[]);
        let left = self.concluded(ran, executor, &mut journal, &record)?;
        summary.done(&proof, left, seconds, journal.path().display().to_string());
        Ok(())
    }

    /// Restores the backup beside the site.
    fn fill(
        &self,
        beside: &Beside,
        (path, backup, selection): (&Path, &Case, Selection),
        plan: &Plan,
        common: &Common,
    ) -> Result<Proof, Error> {
        let tmp = self.tmp.clone().unwrap_or_else(std::env::temp_dir);
        let mut bar = Bar::new(common, &path.display().to_string());
        let filled = beside.fill(
            (path, &backup.snapshot),
            selection,
            plan,
            &tmp,
            &mut |progress| bar.update(progress),
            &mut |what| tell(what),
        );
        bar.finish();
        Ok(filled?)
    }

    /// Ends an exchange that ran, or says which tables are in force and how to go on.
    fn concluded(
        &self,
        ran: Result<rollback::Left, ChangeError>,
        mut executor: Executor,
        journal: &mut Journal,
        record: &SetAside,
    ) -> Result<rollback::Left, Error> {
        let place = journal.path().display().to_string();
        match ran {
            Ok(left) => {
                journal.finished()?;
                executor.finish()?;
                Ok(left)
            }
            Err(error) => {
                let state = State::of_record(executor.connection(), record);
                tell(&in_force(state.ok().as_ref(), record));
                tell(&format!(
                    "the journal is kept in {place}: cividb rollback --resume {place} --apply goes on, and cividb undo {place} \
                     --apply takes back what was done"
                ));
                Err(error.into())
            }
        }
    }

    /// Goes on with an exchange that was cut off.
    fn resume(
        &self,
        journal: &Path,
        catalogue: &Catalogue,
        common: &Common,
    ) -> Result<Exit, Error> {
        let record = Record::read(journal)?;
        let site = self.site(self.only_source()?, catalogue, common)?;
        undo::check_database(&record, &site.head, self.same_server)?;
        let aside = record
            .steps
            .iter()
            .find_map(|(step, _)| step.exchange.as_ref());
        let aside = match (aside, &self.set_aside) {
            (Some(exchange), _) => exchange.aside.clone(),
            (None, _) => self.databases(&site.database).aside,
        };
        let mut connection = site.connection;
        let set_aside = cleared_for(&mut connection, &site.database, &aside)?;
        let exchange = &set_aside.exchange;
        tell(&in_force(
            State::of_record(&mut connection, &set_aside).ok().as_ref(),
            &set_aside,
        ));
        let question = format!(
            "Go on with the rollback of {} on {}?",
            exchange.database, site.location.name
        );
        confirm(&question, self.yes)?;
        let mut progress = |message: &str| tell(message);
        let mut executor =
            Executor::new(connection, &site.database, Duration::ZERO, &mut progress)?;
        let mut journal = Journal::append(&record)?;
        let ran = rollback::resume(&mut executor, &mut journal, &set_aside, &record.steps);
        let left = self.concluded(ran, executor, &mut journal, &set_aside)?;
        let mut summary = RollbackSummary::resumed(&set_aside, &site.location.name);
        summary.done(
            &Proof::default(),
            left,
            0.0,
            journal.path().display().to_string(),
        );
        summary.proof = None;
        summary.seconds = None;
        self.report(site.case, summary, common)
    }

    /// Removes what a rollback has set aside.
    fn finish(&self, catalogue: &Catalogue, common: &Common) -> Result<Exit, Error> {
        let site = self.site(self.only_source()?, catalogue, common)?;
        let mut connection = site.connection;
        let aside = self.databases(&site.database).aside;
        let set_aside = cleared_for(&mut connection, &site.database, &aside)?;
        let mut clearance = Clearance::of(&mut connection, &set_aside)?;
        let mut summary = RollbackSummary::resumed(&set_aside, &site.location.name);
        if self.apply {
            tell(&in_force(
                State::of_record(&mut connection, &set_aside).ok().as_ref(),
                &set_aside,
            ));
            let tables: usize = clearance
                .tables
                .iter()
                .map(|(_, tables)| tables.len())
                .sum();
            let question = format!(
                "Remove {tables} tables that are set aside on {} for good?",
                site.location.name
            );
            confirm(&question, self.yes)?;
            let mut progress = |message: &str| tell(message);
            let mut executor =
                Executor::new(connection, &site.database, Duration::ZERO, &mut progress)?;
            clearance = exchange::clear(&mut executor, &set_aside)?;
            executor.finish()?;
        }
        summary.removes(&clearance, self.apply);
        self.report(site.case, summary, common)
    }

    fn report(&self, case: Case, summary: RollbackSummary, common: &Common) -> Result<Exit, Error> {
        let report = Report::new("rollback", &case, Findings::default(), common.strict);
        print_report(common, &report.with(Section::Rollback(Box::new(summary))))
    }

    /// The site, where no backup is named besides.
    fn only_source(&self) -> Result<Option<&str>, Error> {
        match (&self.dump, &self.source) {
            (Some(_), Some(_)) => {
                let why =
                    "--resume and --finish take the site alone: cividb rollback --finish SERVER";
                Err(Refusal::WrongSources(why.to_owned()).into())
            }
            (only, _) => Ok(only.as_deref()),
        }
    }
}

/// The file of a backup.
fn backup(dump: &str, server: &ServerOptions) -> Result<PathBuf, Error> {
    let refused = |why: String| Error::from(Refusal::WrongSources(why));
    match Location::one(dump, &server.access())? {
        Location::File(path) => match path.metadata() {
            Ok(file) if file.is_file() => Ok(path),
            Ok(_) => Err(refused(format!(
                "{dump} is read several times, which a pipe or a device does not allow; put it into a file first"
            ))),
            Err(error) => Err(Error::Unfit(dump.to_owned(), format!("cannot open: {error}"))),
        },
        Location::Server(server) => Err(refused(format!(
            "{} is a server; the backup comes first, and then the site: cividb rollback DUMP SERVER",
            server.name
        ))),
        Location::Folder(_) => Err(refused(format!(
            "{dump} is a folder, which its own program loads; rollback takes a dump in one file"
        ))),
        Location::Stdin => Err(refused(
            "a backup is read several times, which standard input does not allow; put it into a file first".to_owned(),
        )),
    }
}

/// Errors of a backup that `extract --repair` may mend: it adds the function and the triggers of CiviCRM's core.
const ADDED_BY_REPAIR: [&str; 2] = ["routine-missing", "trigger-missing"];

/// Why the backup is not whole, where `verify` says so.
fn not_whole(findings: &Findings) -> Option<Refusal> {
    let found = findings.list.iter().filter(|it| {
        let counts = it.accepted.is_none() && it.severity == Severity::Error;
        counts && !MENDED.contains(&it.check.id)
    });
    let found: Vec<&Finding> = found.collect();
    let first = found.first()?;
    let more = match found.len() - 1 {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    let is_added = |it: &&Finding| ADDED_BY_REPAIR.contains(&it.check.id);
    let mend = match found.iter().all(is_added) {
        true => {
            "; cividb extract --repair -o FILE adds what CiviCRM's core makes itself, and FILE can be gone back to"
        }
        false => "",
    };
    Some(Refusal::BackupNotWhole(format!(
        "{}: {}{more}{mend}",
        first.check.id, first.message
    )))
}

/// Which tables are in force, for people.
fn in_force(state: Option<&State>, record: &SetAside) -> String {
    let database = &record.exchange.database;
    match state.map(|state| state.in_force) {
        Some(InForce::Old) => format!("in force in {database}: the tables of before, all of them"),
        Some(InForce::New) => {
            format!("in force in {database}: the tables of the backup, all of them")
        }
        Some(InForce::Mixed) => format!(
            "in force in {database}: some tables of before and some of the backup, because the server ended in the middle"
        ),
        None => format!(
            "which tables are in force in {database} cannot be asked now: all of before, or all of the backup, which going on \
             or back finds out"
        ),
    }
}

/// Ends the program as a signal does that came.
fn end_of_signal(error: &Error) {
    if let Error::Beside(BesideError::Rehearse(RehearseError::Interrupted(number))) = error {
        let _ = signal_hook::low_level::emulate_default_handler(*number);
    }
}
