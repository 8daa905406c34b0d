//! `cividb rehearse`: restores a dump for real, and proves that it works.

use std::cell::RefCell;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use signal_hook::low_level::emulate_default_handler;

use super::dumps::read_site;
use super::output::print_report;
use super::progress::Bar;
use super::repair::target_release;
use super::rows::{RowExaminer, RowSource};
use super::signals::listen;
use super::spool::{Spool, named};
use super::{Common, ServerOptions, read};
use crate::case::Case;
use crate::checks::{
    COMPARE, Examination, Findings, ORPHANS, OtherSource, REHEARSE, REHEARSE_SITE, Severity, VERIFY,
};
use crate::civicrm::catalogue::Catalogue;
use crate::civicrm::release::Version;
use crate::cli::error::Error;
use crate::contents::comparison::{self, Side};
use crate::contents::digest::Hashes;
use crate::exit::Exit;
use crate::integrity::ExportOptions;
use crate::integrity::for_upgrade::row_answers;
use crate::integrity::server::Limits;
use crate::preflight;
use crate::rehearse::compare::{Compared, checksums, compare};
use crate::rehearse::exercise::{Exercised, exercise};
use crate::rehearse::{
    Choice, Definers, How, Kind, Limits as Bounds, RehearseError, Restored, Setup, Stage, account,
    choose, command, restore, space, steps,
};
use crate::report::{
    AccountName, ChecksumSummary, ContentsSummary, Kept, Layout, RehearsalSummary, Rehearsed,
    Report, Section, StepsSummary, UpgradeCommand,
};
use crate::server_version::ServerVersion;
use crate::snapshot::Snapshot;
use crate::source::{Access, Location, ServerLocation};

/// Rows that are shown of each difference to another dump.
const SAMPLES: usize = 3;

#[derive(Debug, Args)]
pub struct Rehearse {
    /// Dump file (plain, gzip, bzip2, zstd, xz or zip), mydumper folder, or - for standard input
    #[arg(value_name = "DUMP")]
    dump: String,
    /// Server to restore on: one of this machine by name (mariadb-10.11, mysql-8.4), or the path of its program or of the
    /// folder that it was unpacked into; by default the one of this machine that is nearest to the dump's. Or an empty
    /// database of a server that runs (mysql://user@host/database), whose account sees no table anywhere; it is emptied again
    #[arg(long, value_name = "NAME-VERSION|PATH|URL")]
    on: Option<String>,
    /// Folder for the private server, with room for the restored database [default: TMPDIR or /tmp]
    #[arg(long, value_name = "FOLDER")]
    tmp: Option<PathBuf>,
    /// Site that the dump was made of, to compare with: a server (mysql://user@host/database), a
    /// civicrm.settings.php, a site's folder, or another dump, whose rows are compared one by one
    #[arg(long, value_name = "SOURCE")]
    against: Option<String>,
    /// Where --against is a server, compare the CHECKSUM TABLE of each table as well, which reads all rows there
    #[arg(long, requires = "against")]
    checksum: bool,
    /// Go on after a statement that fails, and list all of them
    #[arg(long)]
    force: bool,
    /// Number of connections that put in rows at the same time
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=16))]
    jobs: u8,
    /// Run statements that reach outside the database, by kind: set-global, set-restricted, accounts, plugins, load-data,
    /// into-outfile, data-directory, other-database, replication, server, call, several-statements
    #[arg(long, value_name = "KIND", value_delimiter = ',')]
    allow: Vec<Kind>,
    /// What becomes of the accounts that triggers, views, routines and events run as [default: create; with a URL current]
    #[arg(long, value_enum)]
    definers: Option<DefinersOption>,
    /// Release to upgrade to: run the operations of the upgrade's steps on the restored database, as far as they are known,
    /// and hold what the server says against what preflight foretells
    #[arg(long, value_name = "X.Y.Z", conflicts_with = "upgrade_command")]
    target: Option<Version>,
    /// Run COMMAND by sh on the restored database, such as an upgrade, and judge what it leaves; CIVICRM_DSN in its
    /// environment says where the database is (CIVIDB_URL, CIVIDB_SOCKET, CIVIDB_USER and CIVIDB_DATABASE as well)
    #[arg(long, value_name = "COMMAND")]
    upgrade_command: Option<String>,
    /// Leave the server running, and print how to connect and how to end it
    #[arg(long)]
    keep: bool,
    /// Longest time in seconds that one statement may take
    #[arg(long, value_name = "N", default_value_t = 3600, value_parser = clap::value_parser!(u64).range(1..))]
    statement_seconds: u64,
    /// Begin even where the disk may have too little room
    #[arg(long)]
    no_space_check: bool,
    /// Expect no CiviCRM tables in the dump; without this a dump without them is not a PASS
    #[arg(long)]
    no_civicrm: bool,
    #[command(flatten)]
    server: ServerOptions,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum DefinersOption {
    /// Keep them, without the accounts: what runs as them fails, as on a server that lacks them
    Keep,
    /// The account that restores takes their place
    Current,
    /// Make the accounts on the private server, locked, with a site's privileges
    Create,
}

impl Rehearse {
    pub(super) fn run(&self, common: &Common) -> Result<Exit, Error> {
        let result = self.rehearse(common);
        if let Err(Error::Rehearse(RehearseError::Interrupted(number))) = &result {
            super::tell("interrupted: what was restored is removed");
            let _ = emulate_default_handler(*number);
        }
        result
    }

    fn rehearse(&self, common: &Common) -> Result<Exit, Error> {
        let catalogue = Catalogue::embedded()?;
        let access = self.server.access();
        if let Some(target) = &self.target {
            target_release(target, catalogue)?;
        }
        let location = Location::one(&self.dump, &access)?;
        if matches!(location, Location::Server(_)) {
            return Err(RehearseError::NotADump(location.name()).into());
        }
        if let Location::File(path) = &location
            && let Err(error) = path.metadata()
        {
            let why = format!("cannot open: {error}");
            return Err(Error::Unfit(location.name(), why));
        }
        let name = location.name();
        let parent = self.tmp.clone().unwrap_or_else(std::env::temp_dir);
        let spool = match location.can_be_read_again() {
            true => None,
            false => Some(Spool::of(&location, &parent, "--tmp")?),
        };
        let location = spool.as_ref().map_or(location, Spool::location);
        let site = self.against.as_deref();
        let site = site.map(|site| Location::one(site, &access)).transpose()?;
        let snapshot = read(&location, common.database.as_deref(), common);
        let mut snapshot = snapshot.map_err(|error| match error {
            Error::Source(error) => named(error, &name),
            other => other,
        })?;
        snapshot.source.name.clone_from(&name);
        let limits = Bounds {
            allowed: self.allow.clone(),
            limit: Duration::from_secs(self.statement_seconds),
            signal: listen(),
        };
        let on_server = self.on_server(&access)?;
        let ready = match &on_server {
            Some((url, server)) => {
                let login = server.login.clone();
                let stage = Stage::in_scratch(login, url, limits, &snapshot)?;
                Ready::Stage(Box::new(stage))
            }
            None => {
                let of_dump = snapshot.source.server_version.as_ref();
                Ready::Choice(Box::new(choose(self.on.as_deref(), of_dump)?), limits)
            }
        };
        let version = ready.version().clone();
        if let (Ready::Choice(..), false) = (&ready, self.no_space_check) {
            space::check(&parent, space::estimate(&snapshot, &version))?;
        }
        let case = Case::new(snapshot, catalogue).to_server(Some(version.clone()));
        if let (Some(target), Some(declared)) = (&self.target, case.declared_version())
            && declared.without_marker() > *target
        {
            return Err(RehearseError::TargetIsEarlier {
                name,
                version: declared.to_string(),
                target: target.to_string(),
            }
            .into());
        }
        let site_of_backup = site.as_ref().map(|site| read_site(site, &case, common));
        let site_of_backup = site_of_backup.transpose()?;
        let site_name = site.as_ref().map(Location::name).unwrap_or_default();
        let mut examined = Examination::of(&case);
        examined.without_civicrm = self.no_civicrm;
        examined.site_of_backup = site_of_backup.as_ref().map(|snapshot| OtherSource {
            snapshot,
            name: &site_name,
        });
        let mut findings = common.examine_part(&examined, VERIFY)?;
        let stage = match ready {
            Ready::Stage(stage) => *stage,
            Ready::Choice(choice, limits) => {
                let setup = Setup {
                    program: choice.program,
                    parent: Some(parent),
                    definers: self.definers.map_or(Definers::Create, Definers::from),
                    limits,
                };
                Stage::set(setup, &case.snapshot)?
            }
        };
        let leftovers = stage.leftovers_removed() as u64;
        if leftovers > 0 {
            let servers = crate::text::count(leftovers, "private server");
            super::tell(&format!("{servers} of runs that were killed removed"));
        }
        let restored = self.restore(&stage, &location, common)?;
        let proofs = match restored.is_complete {
            true => self.prove(&stage, &case, &restored, site.as_ref(), common),
            false => Ok(Proofs::default()),
        };
        let mut proofs = proofs.map_err(|error| explained(&stage, error))?;
        let checksums = match (&site, &site_of_backup) {
            (Some(Location::Server(server)), Some(there))
                if self.checksum && restored.is_complete =>
            {
                let (mut connection, _) = server.connect(there.database.as_deref())?;
                Some(checksums(&stage, &case.snapshot, &mut connection)?)
            }
            _ => None,
        };
        let mut summary = RehearsalSummary::of(&Rehearsed {
            server: &version,
            server_named: self.on.is_some(),
            dump_server: case.snapshot.source.server_version.as_ref(),
            restored: &restored,
            compared: proofs.compared,
            exercised: &proofs.exercised,
            failures: &proofs.failures,
        });
        summary.definers_made = stage
            .made
            .iter()
            .map(|account| AccountName {
                user: account.user.clone(),
                host: account.host.clone(),
            })
            .collect();
        summary.upgrade = proofs.upgrade.take();
        summary.steps = proofs.steps.take();
        summary.checksums = checksums.map(ChecksumSummary::from);
        for (account, why) in &stage.not_made {
            summary
                .not_tried
                .push(format!("the account {account} could not be made: {why}"));
        }
        if self.keep {
            summary.kept = keep(stage)?;
        } else {
            stage.strike()?;
        }
        findings.merge(std::mem::take(&mut proofs.findings));
        let mut report = Report::new("rehearse", &case, findings, common.strict);
        report.compared_with = site.as_ref().map(Location::name);
        report.layout = Layout::ReleaseAndByCheck;
        let report = report.with(Section::Rehearsal(Box::new(summary)));
        let report = match proofs.contents.take() {
            Some(contents) => report.with(Section::Contents(contents)),
            None => report,
        };
        let report = match proofs.statistics {
            Some(statistics) => report.with(Section::Integrity(statistics)),
            None => report,
        };
        print_report(common, &report)
    }

    /// The server that --on names by a URL, with that URL.
    fn on_server(&self, access: &Access) -> Result<Option<(String, ServerLocation)>, Error> {
        let Some(url) = self.on.as_deref().filter(|on| on.contains("://")) else {
            return Ok(None);
        };
        let Location::Server(server) = Location::one(url, access)? else {
            return Err(RehearseError::NoSuchServer(url.to_owned()).into());
        };
        let needs_private = match (&self.upgrade_command, self.definers) {
            (Some(_), _) => Some("--upgrade-command"),
            (None, Some(DefinersOption::Create)) => Some("--definers create"),
            (None, Some(DefinersOption::Keep)) => Some("--definers keep"),
            (None, _) => None,
        };
        match needs_private {
            Some(option) => Err(RehearseError::OnlyPrivate(option).into()),
            None => Ok(Some((server.name.clone(), *server))),
        }
    }

    fn restore(
        &self,
        stage: &Stage,
        location: &Location,
        common: &Common,
    ) -> Result<Restored, Error> {
        let bar = RefCell::new(Bar::new(common, &location.name()));
        let restored = restore(
            stage,
            location,
            How {
                force: self.force,
                jobs: usize::from(self.jobs),
            },
            &mut |progress| bar.borrow_mut().update(progress),
            &mut |table| bar.borrow_mut().about(table),
        );
        bar.into_inner().finish();
        Ok(restored?)
    }

    /// Looks whether all arrived and works.
    fn prove(
        &self,
        stage: &Stage,
        dump: &Case,
        restored: &Restored,
        against: Option<&Location>,
        common: &Common,
    ) -> Result<Proofs, Error> {
        let location = ServerLocation {
            name: dump.snapshot.source.name.clone(),
            login: stage.login(),
            logging_database: None,
            exact_counts: false,
            settings_file: None,
            cms_login: None,
        };
        let mut there = read_restored(stage, &location)?;
        let (compared, failures, not_compared) =
            compare(stage, &dump.snapshot, &mut there, restored)?;
        let contents = match against {
            Some(before @ (Location::File(_) | Location::Folder(_))) => {
                Some(contents(before, &location, dump.catalogue, common)?)
            }
            _ => None,
        };
        let mut exercised = exercise(stage, &there)?;
        exercised.not_tried.extend(not_compared);
        let case = Case::new(there, dump.catalogue).to_release(self.target.clone());
        let examiner = RowExaminer {
            catalogue: dump.catalogue,
            options: ExportOptions::default(),
            limits: Limits::default(),
        };
        let answered = examiner.ask(&case, RowSource::Server(&location), common)?;
        let mut examined = Examination::of(&case);
        examined.without_civicrm = self.no_civicrm;
        examined.rows = answered.rows();
        let mut findings = common.examine_part(&examined, ORPHANS)?;
        if answered.answers.not_answered.is_empty() {
            // Keys that only the release has are no matter of the backup.
            findings.promise_nothing();
        }
        let contents = contents.map(|(found, summary)| {
            findings.merge(found);
            summary
        });
        let mut proofs = Proofs {
            findings,
            contents,
            compared,
            exercised,
            failures,
            statistics: Some(answered.answers.statistics),
            upgrade: None,
            steps: None,
        };
        match &self.upgrade_command {
            Some(command) => self.upgrade(stage, &location, &case, command, &mut proofs, common)?,
            None => {
                proofs
                    .findings
                    .merge(common.examine_part(&examined, REHEARSE)?);
                let mut of_site = common.examine_part(&examined, REHEARSE_SITE)?;
                // The backup is not at fault for what its site was like.
                of_site.cap(Severity::Warning);
                of_site.promise_nothing();
                proofs.findings.merge(of_site);
            }
        }
        if let Some(target) = &self.target {
            let options = preflight::Options {
                target: target.clone(),
                server: None,
                account: None,
            };
            let answers = row_answers(&answered.needs, &answered.questions, &answered.answers);
            let forecast = preflight::as_statements(&case, &options, &answers)?;
            let stepped = steps::run(stage, &forecast.statements)?;
            proofs.steps = Some(StepsSummary::of(target.to_string(), &stepped));
        }
        Ok(proofs)
    }

    /// Runs a command of the user's, and looks at what it leaves.
    fn upgrade(
        &self,
        stage: &Stage,
        location: &ServerLocation,
        before: &Case,
        command: &str,
        proofs: &mut Proofs,
        common: &Common,
    ) -> Result<(), Error> {
        let ran = command::run(stage, command)?;
        let after = Case::new(read_restored(stage, location)?, before.catalogue);
        let version = |case: &Case| case.declared_version().map(|version| version.to_string());
        proofs.failures.extend(ran.failure);
        let exercised = exercise(stage, &after.snapshot)?;
        proofs.exercised.failures.extend(exercised.failures);
        proofs.exercised.not_tried.extend(exercised.not_tried);
        let mut examined = Examination::of(&after);
        examined.without_civicrm = self.no_civicrm;
        for groups in [REHEARSE, REHEARSE_SITE] {
            proofs
                .findings
                .merge(common.examine_part(&examined, groups)?);
        }
        proofs.upgrade = Some(UpgradeCommand {
            command: command.to_owned(),
            seconds: ran.time.as_secs_f64(),
            version_before: version(before),
            version_after: version(&after),
        });
        Ok(())
    }
}

/// Compares the rows of another dump with those that were restored.
fn contents(
    before: &Location,
    restored: &ServerLocation,
    catalogue: &Catalogue,
    common: &Common,
) -> Result<(Findings, ContentsSummary), Error> {
    let hashes = Hashes::random();
    let mut bar = Bar::new(common, &before.name());
    let database = before.database(common.database.as_deref());
    let side = Side::read(before, database, hashes, &mut |_, progress| {
        bar.update(progress);
    });
    bar.finish();
    let after = Location::Server(Box::new(restored.clone()));
    let sides = (side?, Side::read(&after, None, hashes, &mut |_, _| {})?);
    let options = comparison::Options {
        samples: SAMPLES,
        ..comparison::Options::default()
    };
    let (comparison, before, after) =
        comparison::compare(sides.0, sides.1, hashes, &options, None, &mut |_, _| {})?;
    let case = Case::new(after, catalogue);
    let mut examined = Examination::of(&case);
    examined.contents = Some((&comparison, &before.source.name));
    let findings = common.examine_part(&examined, COMPARE)?;
    Ok((findings, ContentsSummary::of(&comparison)))
}

/// Reads the restored database as that of any server.
fn read_restored(stage: &Stage, location: &ServerLocation) -> Result<Snapshot, Error> {
    let (mut connection, database) = location.connect(Some(&stage.database))?;
    Ok(location.read(&mut connection, &database)?)
}

/// Where the dump will be restored.
enum Ready {
    /// In a database of others.
    Stage(Box<Stage>),
    /// On a private server of this program, which does not run yet.
    Choice(Box<Choice>, Bounds),
}

impl Ready {
    fn version(&self) -> &ServerVersion {
        match self {
            Self::Stage(stage) => stage.version(),
            Self::Choice(choice, _) => choice.program.version(),
        }
    }
}

/// What was found out about the restored database.
#[derive(Default)]
struct Proofs {
    findings: Findings,
    contents: Option<ContentsSummary>,
    compared: Compared,
    exercised: Exercised,
    failures: Vec<crate::rehearse::Failure>,
    statistics: Option<crate::integrity::Statistics>,
    upgrade: Option<UpgradeCommand>,
    steps: Option<StepsSummary>,
}

impl From<DefinersOption> for Definers {
    fn from(option: DefinersOption) -> Self {
        match option {
            DefinersOption::Keep => Self::Keep,
            DefinersOption::Current => Self::Current,
            DefinersOption::Create => Self::Create,
        }
    }
}

/// A lost connection, as what it comes from.
fn explained(stage: &Stage, error: Error) -> Error {
    match error {
        Error::Server(error) => stage.explain(error).into(),
        other => other,
    }
}

/// Leaves the private server running, and says how to reach it; leaves a database of others as it is.
fn keep(stage: Stage) -> Result<Option<Kept>, Error> {
    let socket = stage
        .server()
        .map(|server| server.socket().display().to_string());
    let database = stage.database.clone();
    let process = stage.keep()?;
    Ok(socket.zip(process).map(|(socket, process)| Kept {
        socket,
        user: account().user,
        database,
        process,
    }))
}
