//! The sources of a run, one or many, and a report on each.

use std::ffi::{OsStr, OsString};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};
use std::{env, fmt};

use clap::Args;
use md5::{Digest as _, Md5};

use super::output::{self, Entry, Output};
use super::repair::target_release;
use super::{Common, ServerOptions, config, process_title, tell};
use crate::case::Case;
use crate::checks::acceptance::{self, Acceptance};
use crate::checks::{Finding, Findings, Lack, pieces, wholeness};
use crate::civicrm::catalogue::Catalogue;
use crate::civicrm::release::Version;
use crate::cli::error::Error;
use crate::dump::container::{LARGE, Problem};
use crate::exit::Exit;
use crate::fleet::baseline::Baseline;
use crate::fleet::engine::{self, Limits, Missed, Work};
use crate::fleet::sites::{self, Site};
use crate::fleet::state::{Saved, State, nanoseconds};
use crate::report::render::{Renderer, Unread};
use crate::report::{BaselineSummary, Report, Section};
use crate::schema::sql::hexadecimal;
use crate::server::login::url;
use crate::snapshot::Snapshot;
use crate::source::{Access, Location, discover};
use crate::text::count;
use crate::threads;

/// How long a report of a run that was killed is taken at most: longer than a night and the next, and not so long that
/// what it says of a server is of another week.
const KEPT: Duration = Duration::from_secs(48 * 3600);

/// Sources of an earlier run that are named when they are not in this one.
const NAMED: usize = 5;

/// Options of commands that take many sources.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options for many sources")]
pub(super) struct FleetOptions {
    /// Take the sites of a list: a TOML file with a [[site]] for each, of name and source, and perhaps
    /// target, defaults_file and [[site.accept]]
    #[arg(long, value_name = "FILE")]
    sites: Option<PathBuf>,
    /// Take every site whose civicrm.settings.php lies somewhere under this folder, such as
    /// /var/www/vhosts, /home, or the platforms of Aegir
    #[arg(long, value_name = "FOLDER")]
    discover: Vec<PathBuf>,
    /// Number of sources to work on at the same time [default: as many as there are processors where all sources are files
    /// of less than 2 MiB, which one thread each reads; otherwise 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..))]
    jobs: Option<u8>,
    /// Give up on a source that has no report after so many seconds; the others go on
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    deadline: Option<u64>,
    /// End at the first source that fails or cannot be read; those behind it are named as not looked at
    #[arg(long)]
    fail_fast: bool,
    /// Keep what is done in this file, and go on from it where an earlier run was killed; it is removed when
    /// every source has its report. What is kept is made again when the source was written to since, when it would
    /// be older than --max-age allows by now, and after two days
    #[arg(long, value_name = "FILE")]
    resume: Option<PathBuf>,
    /// Leave out dumps whose file was last written to longer ago, such as 90m, 26h, 7d or 2w
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    since: Option<Duration>,
    /// Compare the findings with those of an earlier run of the same command, which --format json
    /// printed: what is new, gone, and the same
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
}

/// A length of time such as `90m`, `26h`, `7d` or `2w`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "this is not a number with s, m, h, d or w, such as 26h".to_owned();
    let unit = text.chars().next_back().ok_or_else(wrong)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        'w' => 604_800,
        _ => return Err(wrong()),
    };
    let number = text
        .strip_suffix(unit)
        .and_then(|it| it.parse::<u64>().ok());
    let seconds = number.and_then(|number| number.checked_mul(seconds));
    seconds.map(Duration::from_secs).ok_or_else(wrong)
}

/// A source of a run.
struct Source {
    /// The name of the source, without a password.
    name: String,
    site: Option<Arc<Site>>,
    /// Where it is, or why that is not known.
    location: Result<Location, String>,
    /// When a dump was last written to.
    modified: Option<SystemTime>,
    /// What tells it from the others.
    key: String,
}

/// What a command is asked to report on.
pub(super) struct Asked<'a> {
    pub(super) location: &'a Location,
    /// The release that the list of sites says it is to be upgraded to.
    pub(super) target: Option<&'a Version>,
}

/// The command that reports on each source.
pub(super) struct Fleet<F> {
    /// Its name.
    command: &'static str,
    /// What it reports on a source.
    report_on: F,
}

/// What a command reports on a source.
pub(super) trait ReportOn:
    Fn(&Asked) -> Result<Report, Error> + Send + Sync + 'static
{
}

impl<F> ReportOn for F where F: Fn(&Asked) -> Result<Report, Error> + Send + Sync + 'static {}

impl<'a> Asked<'a> {
    /// The release that the source is to be upgraded to: what the command line says, or else the list of sites.
    ///
    /// # Errors
    /// The catalogue does not know the release.
    pub(super) fn target(&self, given: Option<&'a Version>) -> Result<Option<&'a Version>, Error> {
        let target = given.or(self.target);
        if let Some(target) = target {
            target_release(target, Catalogue::embedded()?)?;
        }
        Ok(target)
    }
}

impl<F: ReportOn> Fleet<F> {
    /// A command of this name.
    pub(super) fn new(command: &'static str, report_on: F) -> Self {
        Self { command, report_on }
    }
}

impl FleetOptions {
    /// Whether sources are named by these options.
    pub(super) fn name_sources(&self) -> bool {
        self.sites.is_some() || !self.discover.is_empty()
    }

    /// The arguments that name sources: those that were given, or otherwise the server that options or the
    /// environment name.
    pub(super) fn arguments(
        &self,
        given: &[OsString],
        server: &ServerOptions,
    ) -> Result<Vec<OsString>, Error> {
        match given.is_empty() && !self.name_sources() {
            true => Ok(vec![server.source(None)?.into()]),
            false => Ok(given.to_vec()),
        }
    }

    /// The sources of the run, each once as often as it is named.
    fn sources(&self, arguments: &[OsString], access: &Access) -> Result<Vec<Source>, Error> {
        let mut sources = Vec::new();
        for argument in arguments {
            expand(argument, None, access, &mut sources);
        }
        if let Some(path) = &self.sites {
            let named = |error: sites::SitesError| {
                Error::Unfit(path.display().to_string(), error.to_string())
            };
            for site in sites::read(path).map_err(named)? {
                let mut access = access.clone();
                if site.defaults_file.is_some() {
                    access.given.defaults_file.clone_from(&site.defaults_file);
                    access.given.defaults_extra_file = None;
                    access.given.no_defaults = false;
                }
                let argument = OsString::from(&site.source);
                expand(&argument, Some(site), &access, &mut sources);
            }
        }
        for folder in &self.discover {
            let found = discover(folder);
            if found.is_empty() {
                let why = "there is no civicrm.settings.php in it, nor nine folders deep; hidden folders, links, node_modules, \
                           templates_c, wp-includes, Composer's vendor and Drupal's files are passed over";
                return Err(Error::Unfit(folder.display().to_string(), why.to_owned()));
            }
            for found in found {
                match found {
                    Ok(file) => expand(file.as_os_str(), None, access, &mut sources),
                    Err(error) => {
                        let folder = folder.display().to_string();
                        sources.push(Source::unknown(folder, None, error.to_string()));
                    }
                }
            }
        }
        self.leave_out_old(&mut sources)?;
        let mut times = std::collections::HashMap::new();
        for source in &mut sources {
            let name = source.site.as_ref().map_or(&source.name, |site| &site.name);
            let time = times.entry(name.clone()).or_insert(0_usize);
            *time += 1;
            // The same source can be named twice.
            source.key = format!("{time} {name}");
        }
        Ok(sources)
    }

    /// Leaves out dumps that `--since` does not want, and says how many they are.
    fn leave_out_old(&self, sources: &mut Vec<Source>) -> Result<(), Error> {
        let Some(since) = self.since else {
            return Ok(());
        };
        let begin = SystemTime::now().checked_sub(since);
        let all = sources.len();
        sources.retain(|source| {
            source
                .modified
                .zip(begin)
                .is_none_or(|(at, begin)| at >= begin)
        });
        let old = all - sources.len();
        if sources.is_empty() && all > 0 {
            return Err(Error::AllOld(count(old as u64, "dump")));
        }
        if old > 0 {
            let old = count(old as u64, "dump");
            tell(&format!("{old} left out, last written to before --since"));
        }
        Ok(())
    }

    /// Reports on each source. One that cannot be read does not keep the others from being read: the result is then
    /// incomplete, and a failure only where none could be read.
    pub(super) fn report_on_each<F: ReportOn>(
        &self,
        fleet: Fleet<F>,
        arguments: &[OsString],
        access: &Access,
        common: &'static Common,
    ) -> Result<Exit, Error> {
        let sources = self.sources(arguments, access)?;
        // A pattern may match several files, so its reports look alike however many it matches.
        let named_one = !self.name_sources()
            && matches!((arguments, &sources[..]), ([argument], [one]) if one.is_meant_by(argument));
        let locations = || {
            sources
                .iter()
                .filter_map(|source| source.location.as_ref().ok())
        };
        if let Some(path) = common.output.as_deref()
            && locations().any(|location| location.is(Path::new(path)))
        {
            return Err(Error::OutputIsSource(path.to_owned()));
        }
        let names: Vec<String> = locations().map(Location::name).collect();
        for sentence in pieces::joined(names.iter().map(String::as_str)) {
            (access.warn)(&sentence);
        }
        let baseline = self.baseline.as_deref();
        let baseline = baseline
            .map(|path| Baseline::open(path, fleet.command))
            .transpose()?;
        if let Some(baseline) = &baseline {
            tell_absent(baseline, &sources);
        }
        let state = self.resume.as_deref();
        let state = state.map(|path| State::open(path, &run_id())).transpose()?;
        let state = state.map(Arc::new);
        let done = state.as_ref().map_or(0, |state| state.known());
        if done > 0 {
            let done = count(done as u64, "source");
            tell(&format!("going on where an earlier run ended: {done} done"));
        }
        let limits = Limits {
            jobs: self
                .jobs
                .map_or_else(|| default_jobs(locations()), usize::from),
            deadline: self.deadline.map(Duration::from_secs),
        };
        let renderer = output::renderer(common, !named_one);
        let pieces = sources.len();
        let run = Run {
            fleet,
            sources,
            common,
            renderer: Arc::clone(&renderer),
            config: config::accepted(common.config.as_deref())?,
            baseline,
            state: state.clone(),
            not_saved: OnceLock::new(),
            deadline: self.deadline,
        };
        let mut output = Output::new(common, renderer)?;
        let mut is_whole = true;
        engine::run(run, pieces, limits, &mut |_, answer: Answer| {
            if let Some(complaint) = &answer.complaint {
                tell(complaint);
            }
            is_whole &= answer.complaint.is_none();
            let is_fine = (answer.entry.digest.result.as_ref())
                .is_ok_and(|outcome| outcome.verdict.exit() != Exit::Findings);
            output.add(answer.entry)?;
            Ok::<_, Error>(match self.fail_fast && !is_fine {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            })
        })?;
        let exit = output.finish()?;
        if let Some(state) = state.filter(|_| is_whole) {
            state.remove()?;
        }
        Ok(exit)
    }
}

/// Adds the sources that an argument names.
fn expand(argument: &OsStr, site: Option<Site>, access: &Access, sources: &mut Vec<Source>) {
    let site = site.map(Arc::new);
    match Location::expand(argument, access) {
        Ok(found) => sources.extend(found.into_iter().map(|location| Source {
            name: location.name(),
            site: site.clone(),
            modified: location.modified(),
            location: Ok(location),
            key: String::new(),
        })),
        Err(error) => {
            let name = url::without_password(&argument.to_string_lossy());
            sources.push(Source::unknown(name, site, error.to_string()));
        }
    }
}

/// Names the sources of an earlier run that are not in this one: the backup of one may no longer be made.
fn tell_absent(baseline: &Baseline, sources: &[Source]) {
    let here: std::collections::HashSet<&str> = sources.iter().map(Source::short_name).collect();
    let mut absent: Vec<&str> = baseline
        .names()
        .filter(|name| !here.contains(name))
        .collect();
    absent.sort_unstable();
    if absent.is_empty() {
        return;
    }
    let more = match absent.len().checked_sub(NAMED) {
        Some(more @ 1..) => format!(" and {more} more"),
        _ => String::new(),
    };
    let number = count(absent.len() as u64, "source");
    absent.truncate(NAMED);
    let names = absent.join(", ");
    tell(&format!(
        "warning: {number} of the earlier run not in this one: {names}{more}"
    ));
}

/// The number of sources to work on at the same time where the user says nothing.
fn default_jobs<'l>(locations: impl Iterator<Item = &'l Location>) -> usize {
    let is_small = |location: &Location| match location {
        Location::File(path) => {
            let metadata = path.metadata();
            metadata.is_ok_and(|file| file.is_file() && file.len() < LARGE)
        }
        _ => false,
    };
    let mut small = 0;
    for location in locations {
        if !is_small(location) {
            return 1;
        }
        small += 1;
    }
    threads::count().min(small).max(1)
}

/// What tells one run from others: its arguments, but for those that change nothing of the reports. It is a hash, since
/// arguments may hold what nobody else is to read.
fn run_id() -> String {
    const OTHER: [&str; 5] = ["--resume", "--jobs", "--deadline", "--output", "--color"];
    let mut text = Vec::new();
    let mut arguments = env::args_os().skip(1);
    while let Some(argument) = arguments.next() {
        let bytes = argument.as_encoded_bytes();
        let is = |option: &&str| {
            let value = bytes.strip_prefix(option.as_bytes());
            value.is_some_and(|value| value.is_empty() || value.starts_with(b"="))
        };
        match OTHER.iter().find(|option| is(option)) {
            Some(option) if option.len() == bytes.len() => drop(arguments.next()),
            Some(_) => {}
            None if argument == "--no-progress" => {}
            None => {
                let argument = process_title::without_password(&argument);
                text.extend_from_slice(argument.as_encoded_bytes());
                text.push(0);
            }
        }
    }
    hexadecimal(&Md5::digest(&text))
}

impl Source {
    fn unknown(name: String, site: Option<Arc<Site>>, why: String) -> Self {
        Self {
            name,
            site,
            location: Err(why),
            modified: None,
            key: String::new(),
        }
    }

    /// Whether an argument can mean this source alone.
    fn is_meant_by(&self, argument: &OsStr) -> bool {
        self.location.is_ok() && !Location::is_pattern(argument)
    }

    /// The name of its site, or its own where it has none.
    fn short_name(&self) -> &str {
        self.site.as_ref().map_or(&self.name, |site| &site.name)
    }
}

/// What a run prints for one source, on standard output and on standard error.
struct Answer {
    entry: Entry,
    complaint: Option<String>,
}

/// A run of a command.
struct Run<F> {
    fleet: Fleet<F>,
    sources: Vec<Source>,
    common: &'static Common,
    renderer: Arc<dyn Renderer>,
    /// The findings that `cividb.toml` accepts.
    config: Vec<Acceptance>,
    baseline: Option<Baseline>,
    state: Option<Arc<State>>,
    /// That a report could not be saved is said once.
    not_saved: OnceLock<()>,
    /// In seconds.
    deadline: Option<u64>,
}

impl<F: ReportOn> Work for Run<F> {
    type Answer = Answer;

    fn work(&self, piece: usize) -> Answer {
        let Some(source) = self.sources.get(piece) else {
            return self.missed(piece, Missed::Defect);
        };
        let saved = self.state.as_ref();
        let saved = saved
            .and_then(|state| state.saved(&self.key(source), source.modified, SystemTime::now()));
        if let Some(Saved { digest, text, .. }) = saved {
            let entry = Entry {
                digest,
                text: text.into_bytes(),
            };
            return Answer {
                entry,
                complaint: None,
            };
        }
        match self.report(source) {
            Ok(report) => {
                let entry = Entry::of(piece, &report, &*self.renderer);
                self.save(source, &report, &entry);
                Answer {
                    entry,
                    complaint: None,
                }
            }
            Err(error) => self.unread(piece, source, &error),
        }
    }

    fn missed(&self, piece: usize, why: Missed) -> Answer {
        let Some(source) = self.sources.get(piece) else {
            let nothing = Source::unknown(String::new(), None, String::new());
            return self.unread(piece, &nothing, &"there is no such source");
        };
        let name = &source.name;
        let seconds = count(self.deadline.unwrap_or_default(), "second");
        let why = match why {
            Missed::Late => format!("no report within {seconds} (--deadline)"),
            Missed::Defect => {
                "a defect of cividb ended the work on it; please report what is printed above"
                    .to_owned()
            }
            Missed::Ended => "not looked at: --fail-fast ended the run before it".to_owned(),
        };
        self.unread(piece, source, &format_args!("{name}: {why}"))
    }

    fn size(answer: &Answer) -> usize {
        answer.entry.text.len() + std::mem::size_of::<Answer>()
    }
}

impl<F: ReportOn> Run<F> {
    /// The report on a source, with all that does not depend on the command.
    fn report(&self, source: &Source) -> Result<Report, String> {
        let location = source.location.as_ref().map_err(Clone::clone)?;
        let site = source.site.as_deref();
        let asked = Asked {
            location,
            target: site.and_then(|site| site.target.as_ref()),
        };
        let report = (self.fleet.report_on)(&asked);
        let report = report.or_else(|error| match not_text(&error) {
            Some(problem) => self.report_not_text(problem, location),
            None => Err(error),
        });
        let mut report = report.map_err(|error| error.to_string())?;
        if let Some(site) = site.filter(|site| !site.accept.is_empty()) {
            let lists = [&site.accept[..], &self.config].concat();
            acceptance::accept(&mut report.findings, &lists, acceptance::today());
        }
        report.site = site.map(|site| site.name.clone());
        if let Some(baseline) = &self.baseline {
            let before = baseline.findings(source.short_name());
            let before = before.map_err(|error| error.to_string())?;
            let summary = BaselineSummary::of(&report.findings, before);
            report = report.with(Section::Baseline(summary));
        }
        Ok(report)
    }

    /// The report on a source that is not text: that says something about a backup, and is not a failure to look at it.
    fn report_not_text(&self, problem: &Problem, location: &Location) -> Result<Report, Error> {
        let common = self.common;
        let mut snapshot = Snapshot::default();
        snapshot.source.name = location.name();
        snapshot.source.container = "plain";
        snapshot.source.modified = location.modified();
        let mut findings = Findings::default();
        let finding = wholeness::not_text(problem, &location.name());
        match common.selection().includes(finding.check) {
            true => findings.push(finding),
            // None of the checks that are wanted could be made.
            false => findings.skip(finding.check, Lack::of_promised(finding.message)),
        }
        acceptance::accept(&mut findings, &self.config, acceptance::today());
        let case = Case::new(snapshot, Catalogue::embedded()?);
        let command = self.fleet.command;
        Ok(Report::new(command, &case, findings, common.strict))
    }

    fn unread(&self, number: usize, source: &Source, error: &dyn fmt::Display) -> Answer {
        let message = &error.to_string();
        let unread = Unread {
            command: self.fleet.command,
            name: &source.name,
            site: source.site.as_ref().map(|site| site.name.as_str()),
            message,
            refusal: None,
        };
        Answer {
            entry: Entry::unread(number, &unread, &*self.renderer),
            complaint: Some(message.clone()),
        }
    }

    /// What tells a source from the others, and from itself with another target or other accepted findings.
    fn key(&self, source: &Source) -> String {
        let lists = format!("{:?} {:?}", source.site, self.config);
        format!("{} {}", hexadecimal(&Md5::digest(lists)), source.key)
    }

    fn save(&self, source: &Source, report: &Report, entry: &Entry) {
        let Some(state) = &self.state else { return };
        let saved = state.save(&Saved {
            key: self.key(source),
            modified: nanoseconds(source.modified),
            holds_until: nanoseconds(Some(holds_until(report))).unwrap_or_default(),
            digest: entry.digest.clone(),
            text: String::from_utf8_lossy(&entry.text).into_owned(),
        });
        if let Err(error) = saved
            && self.not_saved.set(()).is_ok()
        {
            tell(&format!(
                "warning: {error}; a run that is killed cannot go on"
            ));
        }
    }
}

/// Until when a report can be taken as that of a source that has not changed.
fn holds_until(report: &Report) -> SystemTime {
    let now = SystemTime::now();
    let is_accepted = |finding: &Finding| finding.accepted.is_some();
    // An accepted finding may count again from tomorrow.
    let today = (report.findings.list.iter().any(is_accepted)).then(acceptance::end_of_today);
    let ends = [report.holds_until, today, now.checked_add(KEPT)];
    ends.into_iter().flatten().min().unwrap_or(now)
}

/// Why a source is not text; `None` for any other error.
fn not_text(error: &Error) -> Option<&Problem> {
    match error {
        Error::Source(error) => error.not_text(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_files_alone_are_worked_on_at_the_same_time() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, size: u64| {
            let path = folder.path().join(name);
            std::fs::File::create(&path).unwrap().set_len(size).unwrap();
            Location::File(path)
        };
        let (small, other) = (file("small", LARGE - 1), file("other", 0));
        let large = file("large", LARGE);
        let missing = Location::File(folder.path().join("missing"));
        let jobs = |locations: &[&Location]| default_jobs(locations.iter().copied());
        assert_eq!(jobs(&[&small, &other]), threads::count().min(2));
        assert_eq!(jobs(&[&small]), 1);
        assert_eq!(jobs(&[]), 1);
        for slow in [&large, &missing, &Location::Stdin] {
            assert_eq!(jobs(&[&small, slow, &other]), 1);
        }
    }

    #[test]
    fn lengths_of_time_are_numbers_with_a_unit() {
        for (text, seconds) in [
            ("90s", Some(90)),
            ("26h", Some(93_600)),
            ("7d", Some(604_800)),
            ("2w", Some(1_209_600)),
            ("1m", Some(60)),
            ("", None),
            ("26", None),
            ("h", None),
            ("-1h", None),
            ("1.5h", None),
            ("5é", None),
            ("99999999999999999999w", None),
        ] {
            let read = duration(text).ok().map(|it| it.as_secs());
            assert_eq!(read, seconds, "{text}");
        }
    }
}
