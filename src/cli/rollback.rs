//! `cividb rollback`: back to a backup, without the tables of the CMS.

mod apply;
mod backup;
mod ending;
mod in_place;
mod orphans;

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use self::backup::{backup, not_whole};
use super::extract::{Facts, survey};
use super::output::print_report;
use super::{Common, ServerOptions, tell};
use crate::case::Case;
use crate::change::definition::read_definitions;
use crate::change::journal::Head;
use crate::change::refusal::Refusal;
use crate::checks::{Examination, Findings, VERIFY};
use crate::civicrm::catalogue::Catalogue;
use crate::cli::error::Error;
use crate::exit::Exit;
use crate::extract::{Selection, Tables, Undecided, Wanted};
use crate::repair::guard;
use crate::report::{Report, RollbackSummary, Section};
use crate::rollback::{self, Databases, Options, afterwards, space};
use crate::server::connection::Reader;
use crate::source::{Location, ServerLocation, SitePaths};

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
    /// Database to take out of a dump that holds several
    #[arg(long, value_name = "NAME", conflicts_with_all = ["resume", "finish"])]
    from_database: Option<String>,
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
    /// Where the disk has no room for both, or the account may make no database: write a fresh backup of what goes and prove
    /// it, drop what goes, and restore the backup in its place. cividb undo cannot take this back
    #[arg(long, requires = "fresh_backup", conflicts_with_all = ["resume", "finish", "beside", "set_aside", "journal"])]
    in_place: bool,
    /// With --in-place: file for the fresh backup of what goes, compressed where its name ends in .gz or .zst
    #[arg(long, value_name = "FILE", requires = "in_place")]
    fresh_backup: Option<PathBuf>,
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
            return self.finish(catalogue, common);
        }
        if let Some(journal) = &self.resume {
            return self.resume(journal, catalogue, common);
        }
        let Some(dump) = &self.dump else {
            let why = "name the backup to go back to, and the site: cividb rollback DUMP SERVER";
            return Err(Refusal::WrongSources(why.to_owned()).into());
        };
        let path = backup(dump, &self.server)?;
        let mut site = self.site(self.source.as_deref(), catalogue, common)?;
        let location = Location::File(path.clone());
        let version = Some(site.connection.version.clone());
        let from = self.from_database.as_deref();
        let Facts { case, bytes, .. } = survey(&location, dump, from, version, catalogue, common)?;
        let mut examined = Examination::of(&case);
        examined.names_lost_tables = true;
        let findings = common.examine(&examined, VERIFY)?;
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
            databases: (!self.in_place).then(|| self.databases(&site.database)),
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
        if plan.refusals.is_empty() {
            let of = (&location, dump.as_str(), case.snapshot.database.as_deref());
            let found = orphans::orphans(&mut site, &plan, of, common)?;
            plan.notes.extend(found);
        }
        let (needed, free) = space::needed_and_free(&mut site.connection, &plan.comes)?;
        if !self.no_space_check {
            let freed = if self.in_place {
                space::freed(&plan.goes)
            } else {
                0
            };
            plan.refusals.extend(space::refusal(needed, free, freed));
        }
        plan.refusals.extend(not_whole(&findings));
        let mut summary = RollbackSummary::of(&plan, &site.location.name);
        (summary.bytes_needed, summary.bytes_free) = (Some(needed), free);
        summary.seconds_expected = Some(space::seconds(&plan.comes));
        summary.in_place = self.in_place;
        summary.afterwards = self.afterwards(&case, &selection);
        if self.apply {
            if let Some(refusal) = plan.refusals.first() {
                for other in plan.refusals.iter().skip(1) {
                    tell(&format!("in the way as well: {other}"));
                }
                return Err(refusal.clone().into());
            }
            let backup = (&*path, &case, selection);
            match self.in_place {
                true => self.apply_in_place(site, backup, &plan, &mut summary, common)?,
                false => self.apply(site, backup, &plan, &mut summary, common)?,
            }
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
        afterwards::afterwards(
            paths.as_ref(),
            selection.cms(),
            release.as_deref(),
            self.in_place,
        )
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
