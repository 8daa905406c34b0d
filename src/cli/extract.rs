//! `cividb extract`: a dump in, a dump out.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use glob::Pattern;
use indexmap::IndexMap;

use super::error::Error;
use super::output::{print_report, print_report_on_stderr};
use super::progress::Bar;
use super::signals::make_removable;
use super::spool::{Spool, named};
use super::{Common, Format, target_server};
use crate::case::Case;
use crate::checks::{Examination, Findings, Group, Selection as Checks, Severity, examine};
use crate::civicrm::catalogue::Catalogue;
use crate::civicrm::owner::Owners;
use crate::civicrm::programs::{self, PHONE_FUNCTION};
use crate::civicrm::{program_text, site};
use crate::dump::container::ByteStream;
use crate::dump::reader::DumpReader;
use crate::exit::Exit;
use crate::extract::{
    self, Copier, Definers, NewDatabase, Plan, Program, Selection, Share, Survey, Tables,
    Undecided, Wanted,
};
use crate::gate::Blocked;
use crate::report::{ExtractSummary, Report, Section};
use crate::schema::model::{Account, RoutineKind, Schema, TriggerTiming, find};
use crate::schema::sql::identifier;
use crate::server_version::ServerVersion;
use crate::snapshot::Snapshot;
use crate::source::{Access, Location, SourceError, as_one_dump};
use crate::text::shell_word;

/// Takes CiviCRM's part, or the CMS's, out of a dump, and makes a dump fit for another server. Rows go through byte for
/// byte; what is replaced is listed with its line. Nothing is made anonymous
#[derive(Debug, Args)]
pub struct Extract {
    /// Dump file (plain, gzip, bzip2, zstd, xz or zip), or - for standard input
    #[arg(value_name = "DUMP")]
    dump: String,
    /// Write the result into FILE, compressed where its name ends in .gz or .zst, instead of to standard output; the file
    /// appears when it is whole
    #[arg(short = 'o', long = "into", value_name = "FILE")]
    into: Option<PathBuf>,
    /// Only these tables, with their triggers and what these call: civicrm, cms, or a pattern for names, such as
    /// 'civicrm_contact*'
    #[arg(
        id = "only",
        long = "only",
        value_name = "WHICH",
        value_delimiter = ','
    )]
    only: Vec<String>,
    /// Without the rows of CiviCRM's logs or of caches, whose tables stay: logs, caches; or without the tables of a
    /// pattern
    #[arg(long, value_name = "WHICH", value_delimiter = ',')]
    without: Vec<String>,
    /// Without the rows of the tables of this pattern
    #[arg(long, value_name = "PATTERN", value_delimiter = ',', value_parser = pattern)]
    structure_only: Vec<Pattern>,
    /// Rows only, for tables that exist already; triggers that exist there fire for them
    #[arg(long)]
    rows_only: bool,
    /// Tables of which nobody can tell whether they are CiviCRM's: keep them or leave them out; without this they are named,
    /// and nothing is written
    #[arg(long, value_enum, value_name = "WHAT")]
    unknown: Option<UnknownTables>,
    /// Accounts that views, triggers, routines and events run as: keep, strip, current, or NAME@HOST for all [default: keep;
    /// with --for strip]
    #[arg(long, value_name = "WHO", value_parser = definers)]
    definers: Option<Definers>,
    /// Server that the result is for, such as mysql-8.4 or mariadb-10.6: what it does not take becomes what is nearest
    #[arg(long = "for", value_name = "NAME-VERSION", value_parser = target_server)]
    target: Option<ServerVersion>,
    /// Database that the result goes into, in place of the one that the dump names; none takes that name out
    #[arg(id = "database", long = "database", value_name = "NAME")]
    database: Option<String>,
    /// Database to take out of a dump that holds several
    #[arg(long, value_name = "NAME")]
    from_database: Option<String>,
    /// Add the function and triggers of CiviCRM's core that the dump lacks, as the release has them; not those that the
    /// site's languages, logging or extensions have a part in
    #[arg(long, conflicts_with = "rows_only")]
    repair: bool,
    /// List what is in the dump, whose it is and why, and what would be taken; write nothing
    #[arg(long)]
    list: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum UnknownTables {
    /// They are taken
    Keep,
    /// They are left out
    Leave,
}

fn pattern(text: &str) -> Result<Pattern, String> {
    Pattern::new(text).map_err(|error| format!("not a pattern for names: {error}"))
}

fn definers(text: &str) -> Result<Definers, String> {
    match text {
        "keep" => Ok(Definers::Keep),
        "strip" => Ok(Definers::Strip),
        "current" => Ok(Definers::Current),
        account => {
            let (user, host) = account
                .rsplit_once('@')
                .filter(|(user, host)| !user.is_empty() && !host.is_empty())
                .ok_or("write keep, strip, current or NAME@HOST")?;
            let bare = |part: &str| {
                let inside = ['\'', '`', '"'].into_iter().find_map(|quote| {
                    let inside = part.strip_prefix(quote)?.strip_suffix(quote)?;
                    Some(inside.replace(&format!("{quote}{quote}"), &quote.to_string()))
                });
                inside.unwrap_or_else(|| part.to_owned())
            };
            Ok(Definers::Account(Account {
                user: bare(user),
                host: bare(host),
            }))
        }
    }
}

/// Checks that say whether a dump is whole; what it lacks for CiviCRM is not asked here.
const WHOLENESS: [&str; 4] = [
    "dump-unreadable",
    "dump-truncated",
    "dump-empty",
    "dump-damaged",
];

/// A dump's facts, and the bytes of each table's rows where they were counted.
pub(super) struct Facts<'c> {
    pub(super) case: Case<'c>,
    pub(super) findings: Findings,
    pub(super) bytes: IndexMap<String, u64>,
}

impl Extract {
    pub(super) fn run(&self, common: &Common) -> Result<Exit, Error> {
        if !matches!(common.format, Format::Human | Format::Json) {
            let instead = "it prints text, or JSON with --format json";
            return Err(Error::NoFormat("extract", common.format.name(), instead));
        }
        let catalogue = Catalogue::embedded()?;
        let location = self.location()?;
        let wanted = self.wanted()?;
        let needs_facts = self.list
            || !wanted.is_all()
            || self.target.is_some()
            || self.database.is_some()
            || self.from_database.is_some()
            || self.repair;
        let spool = match needs_facts && !location.can_be_read_again() {
            true => Some(Spool::of(&location, &std::env::temp_dir(), "TMPDIR")?),
            false => None,
        };
        let place = spool.as_ref().map_or(location.clone(), Spool::location);
        if !needs_facts {
            let plan = self.plan(None)?;
            return self.write(
                &place,
                &location.name(),
                None,
                &plan,
                ExtractSummary::default(),
                common,
                catalogue,
            );
        }
        let facts = survey(
            &place,
            &location.name(),
            self.from_database.as_deref(),
            self.target.clone(),
            catalogue,
            common,
        )?;
        if is_broken(&facts.findings) {
            return self.report(
                facts.case,
                facts.findings,
                ExtractSummary::default(),
                common,
            );
        }
        let Facts {
            case,
            findings,
            bytes,
        } = facts;
        let schema = case.snapshot.schema.clone();
        if let Some(pattern) = wanted.matching_nothing(&schema) {
            let why = "no table or view of the dump is called so: the words are civicrm, cms, logs and caches, and a \
                       pattern has * for any letters; cividb extract --list shows the names";
            return Err(Error::Unfit(pattern, why.to_owned()));
        }
        let by_part = self.list
            || !wanted.is_all()
            || self.database.is_some()
            || self.from_database.is_some();
        let selection = by_part
            .then(|| selection(&case, &wanted, &schema))
            .transpose()?;
        let mut summary = ExtractSummary::default();
        if let Some(selection) = &selection {
            let undecided = selection.undecided();
            if !self.list && !undecided.is_empty() {
                return Err(undecided_error(&location.name(), &undecided));
            }
            summary.cms = selection.cms().map(str::to_owned);
            summary.objects = selection.listed(&case.snapshot.row_counts, &bytes);
            summary.torn = selection.torn();
            let databases = case.snapshot.source.databases.iter();
            let others = databases.filter(|name| case.snapshot.database.as_ref() != Some(name));
            summary.databases_left_out = others.cloned().collect();
        }
        if self.list {
            summary.is_list = true;
            let report = self.whole_report(&case, findings, summary, common);
            return print_report(common, &report);
        }
        let mut plan = self.plan(Some(&case.snapshot))?;
        if self.repair {
            plan.programs = lacking(&case, selection.as_ref());
        }
        plan.selection = selection;
        let name = location.name();
        self.write(
            &place,
            &name,
            Some((&case, findings)),
            &plan,
            summary,
            common,
            catalogue,
        )
    }

    /// The dump that the argument names.
    fn location(&self) -> Result<Location, Error> {
        let location = Location::one(&self.dump, &Access::default())?;
        let unfit = |why: &str| Error::Unfit(location.name(), why.to_owned());
        match &location {
            Location::Server(_) => Err(unfit("it is a server; extract takes a dump")),
            Location::Folder(folder) => Err(unfit(&match as_one_dump(folder) {
                Some((dump, empty)) => format!(
                    "it is a folder, and extract takes a dump in one piece, which this gives: {dump} | cividb extract - -o \
                     FILE.sql.gz{}",
                    empty.map_or_else(String::new, |name| format!(
                        " ({name} is an empty database)"
                    ))
                ),
                None => format!(
                    "it is a folder, and extract takes a dump in one piece; load it into an empty database, and dump that \
                     (cividb verify {} says how it is loaded)",
                    shell_word(&location.name())
                ),
            })),
            Location::File(path) if !path.exists() => {
                // The error that every command gives.
                let opened = ByteStream::open(path);
                opened.map_err(SourceError::from)?;
                Ok(location)
            }
            Location::File(_) | Location::Stdin => {
                if let Some(into) = &self.into {
                    if location.is(into) {
                        return Err(unfit(
                            "the result would overwrite the dump; name another file with -o",
                        ));
                    }
                    let ending = into.extension().and_then(|end| end.to_str());
                    if let Some(ending @ ("bz2" | "xz" | "zip")) = ending {
                        return Err(Error::Unfit(
                            into.to_string_lossy().into_owned(),
                            format!("extract writes plain text, .gz and .zst, not .{ending}"),
                        ));
                    }
                }
                Ok(location)
            }
        }
    }

    fn wanted(&self) -> Result<Wanted, Error> {
        let named = |word: &String| {
            pattern(word)
                .map(Tables::Named)
                .map_err(|error| Error::Unfit(word.clone(), error))
        };
        let only = self.only.iter().map(|word| match word.as_str() {
            "civicrm" => Ok(Tables::Civicrm),
            "cms" => Ok(Tables::Cms),
            _ => named(word),
        });
        let without = self.without.iter().map(|word| match word.as_str() {
            "logs" => Ok(Tables::Logs),
            "caches" => Ok(Tables::Caches),
            _ => named(word),
        });
        Ok(Wanted {
            only: only.collect::<Result<_, Error>>()?,
            without: without.collect::<Result<_, Error>>()?,
            structure_only: self.structure_only.clone(),
            undecided: match self.unknown {
                None => Undecided::Ask,
                Some(UnknownTables::Keep) => Undecided::Keep,
                Some(UnknownTables::Leave) => Undecided::Leave,
            },
        })
    }

    /// What is done with each statement, as far as the choice of parts has no say in it.
    fn plan(&self, snapshot: Option<&Snapshot>) -> Result<Plan<'static>, Error> {
        let of_target = match &self.target {
            Some(_) => Definers::Strip,
            None => Definers::Keep,
        };
        let mut plan = Plan {
            rows_only: self.rows_only,
            definers: self.definers.clone().unwrap_or(of_target),
            target: self.target.clone(),
            ..Plan::default()
        };
        let Some(snapshot) = snapshot else {
            return Ok(plan);
        };
        if let (Some(new), Some(old)) = (&self.database, &snapshot.database) {
            let new = match new.as_str() {
                "none" => NewDatabase::Unnamed,
                name => NewDatabase::Named(name.to_owned()),
            };
            plan.database = Some((new, old.clone()));
        }
        let blocked = |error: Blocked| Error::Extract(snapshot.source.name.clone(), error.into());
        let Some(target) = &self.target else {
            return Ok(plan);
        };
        plan.fit(snapshot, target).map_err(blocked)?;
        Ok(plan)
    }

    #[expect(clippy::too_many_arguments, reason = "what one run is about")]
    fn write<'c>(
        &self,
        place: &Location,
        name: &str,
        known: Option<(&Case<'c>, Findings)>,
        plan: &Plan,
        mut summary: ExtractSummary,
        common: &Common,
        catalogue: &'c Catalogue,
    ) -> Result<Exit, Error> {
        let into = self
            .into
            .as_ref()
            .map(|path| path.to_string_lossy().into_owned());
        let failed =
            |error: io::Error| match into.is_none() && error.kind() == io::ErrorKind::BrokenPipe {
                // The reader of a pipe has seen enough.
                true => Error::Output { path: None, error },
                false => Error::Result {
                    path: into.clone(),
                    error,
                },
            };
        let stream = match place {
            Location::File(path) => ByteStream::open(path),
            _ => ByteStream::from_reader("standard input", io::stdin()),
        };
        let stream = stream
            .map_err(SourceError::from)
            .map_err(|error| named(error, name))?;
        let container = stream.container().as_str();
        let make = || match &self.into {
            Some(path) => extract::Output::create(path),
            None => standard_output().and_then(extract::Output::stream),
        };
        let mut out = make_removable(make, extract::Output::part).map_err(failed)?;
        let mut bar = Bar::new(common, name);
        let copier = Copier::new(plan, DumpReader::new(site::ROWS_WANTED));
        let copied = copier.copy(stream, &mut out, &mut |progress| bar.update(progress));
        bar.finish();
        let (outcome, reader) = copied.map_err(|error| match error {
            extract::ExtractError::Write(error) => failed(error),
            error => Error::Extract(name.to_owned(), error),
        })?;
        let read;
        let (case, findings) = match known {
            Some(known) => known,
            None => {
                // Which of several databases is asked about does not matter here.
                let database = reader.first_database();
                let snapshot = place.finish(reader, container, database.as_deref());
                let mut snapshot = snapshot.map_err(|error| choice(error, name))?;
                snapshot.source.name = name.to_owned();
                read = Case::new(snapshot, catalogue);
                let findings = wholeness(&read, common)?;
                (&read, findings)
            }
        };
        summary.written = !is_broken(&findings);
        summary.into = into.clone();
        if summary.written {
            out.finish().map_err(failed)?;
        }
        summary.bytes = Some(outcome.bytes);
        summary.rows = Some(outcome.rows);
        summary.rows_left_out = outcome.rows_left_out.into_iter().collect();
        summary.rewrites = outcome.rewrites.list;
        summary.more_rewrites = outcome.rewrites.more;
        summary.unplaced = outcome.unplaced.list;
        let report = self.whole_report(case, findings, summary, common);
        self.print(&report, common)
    }

    fn whole_report(
        &self,
        case: &Case,
        findings: Findings,
        mut summary: ExtractSummary,
        common: &Common,
    ) -> Report {
        let report = Report::new("extract", case, findings, common.strict);
        summary.target = self.target.as_ref().map(ToString::to_string);
        report.with(Section::Extract(summary))
    }

    fn report(
        &self,
        case: Case,
        findings: Findings,
        summary: ExtractSummary,
        common: &Common,
    ) -> Result<Exit, Error> {
        let report = self.whole_report(&case, findings, summary, common);
        self.print(&report, common)
    }

    /// Prints the report where the result is not: for people on standard error, for programs there as well unless the
    /// result goes into a file.
    fn print(&self, report: &Report, common: &Common) -> Result<Exit, Error> {
        match common.format == Format::Json && self.into.is_some() {
            true => print_report(common, report),
            false => print_report_on_stderr(common, report),
        }
    }
}

/// Reads a dump for its facts; `target` is the server that it goes to.
pub(super) fn survey<'c>(
    place: &Location,
    name: &str,
    database: Option<&str>,
    target: Option<ServerVersion>,
    catalogue: &'c Catalogue,
    common: &Common,
) -> Result<Facts<'c>, Error> {
    let mut bar = Bar::new(common, name);
    let mut survey = Survey::new(DumpReader::new(site::ROWS_WANTED));
    let container = place.scan(&mut survey, &mut |progress| bar.update(progress));
    bar.finish();
    let container = container.map_err(|error| named(error, name))?;
    let (reader, bytes) = survey.finish();
    let snapshot = place.finish(reader, container, database);
    let mut snapshot = snapshot.map_err(|error| choice(error, name))?;
    snapshot.source.name = name.to_owned();
    let case = Case::new(snapshot, catalogue).to_server(target);
    let findings = wholeness(&case, common)?;
    Ok(Facts {
        case,
        findings,
        bytes,
    })
}

/// What is taken of a dump, as far as the choice of tables says.
pub(super) fn selection<'s>(
    case: &'s Case<'s>,
    wanted: &'s Wanted,
    schema: &'s Schema,
) -> Result<Selection<'s>, Error> {
    let state = case.state().or(case.catalogue.states().last());
    let state = state.ok_or_else(|| Error::no_release(&case.snapshot.source.name))?;
    let owners = Owners::new(case.catalogue, state, case.site.as_ref(), schema);
    let database = case.snapshot.database.clone();
    Ok(Selection::new(wanted, owners, schema, database))
}

/// The function and triggers of CiviCRM's core that a dump lacks, of the tables that are taken.
fn lacking(case: &Case, selection: Option<&Selection>) -> Vec<Program> {
    let (Some(site), Some(release)) = (&case.site, case.release()) else {
        return Vec::new();
    };
    let schema = &case.snapshot.schema;
    let expected = programs::expected_triggers(site, &release, schema);
    let is_taken =
        |table: &str| selection.is_none_or(|selection| selection.table(table) != Share::Nothing);
    let expected = expected.iter().filter(|it| is_taken(&it.table));
    let why = format!("which CiviCRM {release} has and the dump lacks");
    let function = (RoutineKind::Function, PHONE_FUNCTION.to_owned());
    let calls_it = expected
        .clone()
        .any(|it| it.table == "civicrm_phone" && it.timing == TriggerTiming::Before);
    let mut lacking = Vec::new();
    if calls_it && !schema.routines.contains_key(&function) {
        lacking.push(Program {
            name: format!("function {PHONE_FUNCTION}"),
            why: why.clone(),
            drop: format!("DROP FUNCTION IF EXISTS {}", identifier(PHONE_FUNCTION)),
            create: program_text::phone_function(),
        });
    }
    for wanted in expected.filter(|it| find(&schema.triggers, &it.name).is_none()) {
        if let Some(create) = program_text::trigger(site, schema, wanted) {
            lacking.push(Program {
                name: format!("trigger {}", wanted.name),
                why: why.clone(),
                drop: format!("DROP TRIGGER IF EXISTS {}", identifier(&wanted.name)),
                create,
            });
        }
    }
    lacking
}

/// What says that the dump is not whole.
fn wholeness(case: &Case, common: &Common) -> Result<Findings, Error> {
    let mut examined = Examination::of(case);
    examined.without_civicrm = true;
    let checks = Checks {
        only: WHOLENESS.to_vec(),
        skip: Vec::new(),
    };
    let mut findings = examine(&examined, &[Group::Dump], &checks);
    common.accept(&mut findings)?;
    Ok(findings)
}

/// Whether parts of the dump are lost, so that what comes out of it would not be whole.
pub(super) fn is_broken(findings: &Findings) -> bool {
    let counts = |severity| severity == Severity::Error;
    let found = findings.list.iter();
    let mut found = found.filter(|it| it.accepted.is_none() && counts(it.severity));
    found.any(|it| WHOLENESS.contains(&it.check.id))
}

fn undecided_error(name: &str, undecided: &[extract::Listed]) -> Error {
    let each = undecided.iter();
    let each = each.map(|it| format!("\n  {} {}: {}", it.kind, it.name, it.why));
    Error::Unfit(
        name.to_owned(),
        format!(
            "nobody can tell whether these belong to CiviCRM; --unknown keep takes them, --unknown leave leaves them \
             out, and a pattern in --only or --without says it of some:{}",
            each.collect::<String>()
        ),
    )
}

/// The error where a dump holds several databases, with the option that chooses.
fn choice(error: SourceError, name: &str) -> Error {
    match error {
        SourceError::Choose { error, .. } => {
            let why = error.to_string().replace("--database", "--from-database");
            Error::Unfit(name.to_owned(), why)
        }
        other => other.into(),
    }
}

/// Standard output without the buffer that looks for ends of lines.
fn standard_output() -> io::Result<File> {
    io::stdout().as_fd().try_clone_to_owned().map(File::from)
}
