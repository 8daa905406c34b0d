//! `cividb grants`: whether an account has the privileges that an upgrade or a complete backup
//! needs.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::output::print_report;
use super::repair::target_release;
use super::{Common, ServerOptions, target_server};
use crate::case::Case;
use crate::change::refusal::Refusal;
use crate::checks::grants::{self, GRANT_MISSING, TRIGGER_PRIVILEGE_BINLOG};
use crate::checks::{Examination, GRANTS, Group, Lack, Privileges};
use crate::civicrm::catalogue::Catalogue;
use crate::civicrm::privileges::{
    BackupFacts, UpgradeFacts, needed_for_backup, needed_for_upgrade,
};
use crate::civicrm::release::Version;
use crate::cli::error::Error;
use crate::cli::statement::or_comment;
use crate::exit::Exit;
use crate::gate::{Meaning, Operation};
use crate::grants::need::Need;
use crate::grants::{Grants as Granted, Object, Rules, Verdict, judge};
use crate::report::{GrantsSummary, Report, Section};
use crate::server::connection::Reader;
use crate::server::error::ServerError;
use crate::server::probe::{Outcome, Probed, probe};
use crate::server::reader;
use crate::server_version::ServerVersion;
use crate::small_file::{self, SMALL};
use crate::snapshot::{ObjectKind, Snapshot, Source, SourceKind};
use crate::source::{Location, ServerLocation};

#[derive(Debug, Args)]
pub struct Grants {
    /// Server: mysql://user@host/database, civicrm.settings.php or site's folder
    #[arg(value_name = "SOURCE")]
    pub(super) source: Option<String>,
    /// Release to upgrade to; by default the one that the site has
    #[arg(long, value_name = "X.Y.Z")]
    target: Option<Version>,
    /// What the account is for
    #[arg(long = "for", value_enum, default_value_t = Purpose::Upgrade)]
    purpose: Purpose,
    /// Try each privilege on objects with names of their own, which are removed again
    #[arg(long, conflicts_with = "grants_file")]
    probe: bool,
    /// Judge the output of SHOW GRANTS in this file (- for standard input), without a server
    #[arg(long, value_name = "FILE", conflicts_with = "source")]
    grants_file: Option<PathBuf>,
    /// With --grants-file: the server that printed the grants, such as mysql-8.4 or mariadb-10.11
    #[arg(long, value_name = "NAME-VERSION", value_parser = target_server, requires = "grants_file")]
    target_server: Option<ServerVersion>,
    #[command(flatten)]
    server: ServerOptions,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Purpose {
    /// To run CiviCRM and its upgrades
    Upgrade,
    /// To make a dump with mysqldump of all that is in the database
    Backup,
}

impl Grants {
    pub(super) fn run(&self, common: &Common) -> Result<Exit, Error> {
        let catalogue = Catalogue::embedded()?;
        let report = match &self.grants_file {
            Some(file) => self.of_file(file, catalogue, common)?,
            None => self.of_server(catalogue, common)?,
        };
        print_report(common, &report)
    }

    /// The groups of checks that are made: a server is looked at for an upgrade alone.
    pub(super) fn groups(&self) -> &'static [Group] {
        match (self.purpose, &self.grants_file) {
            (Purpose::Upgrade, None) => GRANTS,
            _ => &[Group::Grants],
        }
    }

    fn of_server(&self, catalogue: &Catalogue, common: &Common) -> Result<Report, Error> {
        let source = self.server.source(self.source.as_deref())?;
        let Location::Server(location) = Location::one(&source, &self.server.access())? else {
            return Err(Refusal::DumpWithoutGrants(source).into());
        };
        let (mut connection, snapshot) = open(&location, common.database.as_deref())?;
        if let Some(target) = &self.target {
            target_release(target, catalogue)?;
        }
        let mut case = Case::new(snapshot, catalogue);
        let target = self.target(&case)?;
        case.target_release = Some(target.clone());
        let database = case.snapshot.database.clone().unwrap_or_default();
        let facts = case.snapshot.server.clone().unwrap_or_default();
        let version = connection.version.clone();
        let groups = self.groups();
        let needs = match self.purpose {
            Purpose::Upgrade => {
                let facts = grants::upgrade_facts(&case, &facts);
                needed_for_upgrade(&target, &version, &facts)
            }
            Purpose::Backup => {
                let facts = grants::backup_facts(&case, &facts);
                needed_for_backup(&version, &facts)
            }
        };
        let mut examined = Examination::of(&case);
        let Some(granted) = &facts.grants else {
            let mut findings = common.examine(&examined, groups)?;
            let why = "the server does not answer SHOW GRANTS";
            findings.skip(&GRANT_MISSING, Lack::of_promised(why));
            return Ok(Report::new("grants", &case, findings, common.strict));
        };
        let verdict = gated(needs, granted, &database, &facts.rules(&version));
        examined.privileges = Some(Privileges {
            verdict: &verdict,
            database: &database,
        });
        let mut findings = common.examine(&examined, groups)?;
        let mut summary = self.summary(&verdict, granted, &database, &target);
        if self.probe && connection.is_in(&database)? {
            let probed = probe(connection)?;
            grants::refused(&probed, &summary.there, &mut findings);
            common.accept(&mut findings)?;
            summary.probed = Some(outcomes(&probed));
        }
        let report = Report::new("grants", &case, findings, common.strict);
        Ok(report.with(Section::Grants(summary)))
    }

    fn of_file(
        &self,
        file: &Path,
        catalogue: &Catalogue,
        common: &Common,
    ) -> Result<Report, Error> {
        let GrantsFile {
            granted,
            database,
            server,
        } = GrantsFile::read(file, common.database.as_deref())?;
        let version = self.target_server.clone().unwrap_or(server);
        let newest = || Version::parse(&catalogue.states().last()?.name);
        let target = self.target.clone().or_else(newest);
        let target = target.ok_or(Error::NoSource)?;
        let needs = match self.purpose {
            Purpose::Upgrade => needed_for_upgrade(&target, &version, &UpgradeFacts::default()),
            Purpose::Backup => {
                let all = BackupFacts {
                    views: true,
                    triggers: true,
                    routines_of_others: true,
                    events: true,
                    ..BackupFacts::default()
                };
                needed_for_backup(&version, &all)
            }
        };
        let verdict = gated(needs, &granted, &database, &Rules::of(version.clone()));
        let summary = self.summary(&verdict, &granted, &database, &target);
        let snapshot = Snapshot {
            source: Source {
                name: file.display().to_string(),
                kind: SourceKind::Server,
                server_version: Some(version),
                ..Source::default()
            },
            database: Some(database.clone()),
            ..Snapshot::default()
        };
        let case = Case::new(snapshot, catalogue);
        let mut examined = Examination::of(&case);
        examined.privileges = Some(Privileges {
            verdict: &verdict,
            database: &database,
        });
        let mut findings = common.examine(&examined, self.groups())?;
        if self.purpose == Purpose::Upgrade {
            let why = "the text does not say whether the server writes a binary log";
            findings.skip(&TRIGGER_PRIVILEGE_BINLOG, Lack::of_course(why));
        }
        let report = Report::new("grants", &case, findings, common.strict);
        Ok(report.with(Section::Grants(summary)))
    }

    /// The release to judge the privileges for: the one asked for, the site's own, or the newest
    /// that is known.
    fn target(&self, case: &Case) -> Result<Version, Error> {
        let newest = || Version::parse(&case.catalogue.states().last()?.name);
        let target = self.target.clone();
        let target = target.or_else(|| case.release()).or_else(newest);
        target.ok_or_else(|| Error::no_civicrm(case.snapshot.source.name.clone()))
    }

    fn summary(
        &self,
        verdict: &Verdict,
        granted: &Granted,
        database: &str,
        target: &Version,
    ) -> GrantsSummary {
        let statements = verdict.fixes.iter();
        let missing = verdict.missing.iter();
        let missing = missing.filter_map(|missing| missing.need.any_of.first());
        GrantsSummary {
            account: granted.account.as_ref().map(ToString::to_string),
            database: database.to_owned(),
            purpose: match self.purpose {
                Purpose::Upgrade => format!("an upgrade to CiviCRM {target}"),
                Purpose::Backup => "a whole backup".to_owned(),
            },
            there: grants::there(verdict),
            missing: missing.map(|wanted| wanted.privilege.name()).collect(),
            statements: statements
                .map(|fix| format!("{};", fix.statement))
                .collect(),
            probed: None,
        }
    }
}

/// What the account of a server may do, held against what the upgrade to `target` needs; `None` for a dump, and
/// where the server does not answer SHOW GRANTS.
pub(super) fn for_upgrade(case: &Case, target: &Version) -> Option<Verdict> {
    let facts = case.snapshot.server.as_ref()?;
    let version = case.snapshot.source.server_version.as_ref()?;
    let database = case.snapshot.database.as_deref().unwrap_or_default();
    let granted = facts.grants.as_ref()?;
    let needs = needed_for_upgrade(target, version, &grants::upgrade_facts(case, facts));
    Some(gated(needs, granted, database, &facts.rules(version)))
}

/// The verdict about an account's privileges, with statements that have passed the gate; in the
/// place of a blocked one stands why it was blocked.
fn gated(needs: Vec<Need>, granted: &Granted, database: &str, rules: &Rules) -> Verdict {
    let mut verdict = judge(needs, granted, database, rules);
    let fixes = verdict.fixes.iter_mut();
    let fixes = fixes.map(|fix| (Operation::Grant, &mut fix.statement, &fix.names));
    let roles = verdict.roles.iter_mut();
    let roles = roles.map(|hint| (Operation::SetDefaultRole, &mut hint.statement, &hint.names));
    for (operation, statement, names) in fixes.chain(roles) {
        let meaning = Meaning::new(operation, names.iter().cloned());
        *statement = or_comment(meaning.pass(std::mem::take(statement)));
    }
    verdict
}

/// Connects to the server and reads the database; of a database that the account may not use, only
/// what the server says about the account.
fn open(location: &ServerLocation, database: Option<&str>) -> Result<(Reader, Snapshot), Error> {
    let denied = match location.connect(database) {
        Ok((mut connection, database)) => {
            let snapshot = location.read(&mut connection, &database)?;
            return Ok((connection, snapshot));
        }
        Err(ServerError::DatabaseDenied { database, .. }) => database,
        Err(error) => return Err(error.into()),
    };
    let mut connection = Reader::open(&location.login)?;
    let facts = reader::server_facts(&mut connection)?;
    let why = "this account may not use the database";
    let snapshot = Snapshot {
        source: Source {
            name: location.name.clone(),
            kind: SourceKind::Server,
            server_version: Some(connection.version.clone()),
            ..Source::default()
        },
        database: Some(denied),
        hidden: [(ObjectKind::Table, why.to_owned())].into(),
        server: Some(facts),
        ..Snapshot::default()
    };
    Ok((connection, snapshot))
}

/// The output of SHOW GRANTS in a file.
pub(super) struct GrantsFile {
    pub(super) granted: Granted,
    /// The database that the grants are for.
    pub(super) database: String,
    /// The server that likely printed them.
    pub(super) server: ServerVersion,
}

impl GrantsFile {
    /// Reads a file, or standard input for `-`; `database` is the one that the user names.
    pub(super) fn read(file: &Path, database: Option<&str>) -> Result<Self, Error> {
        let path = file.display().to_string();
        let unfit = |why: &str| Error::Unfit(path.clone(), why.to_owned());
        let bytes = if file.as_os_str() == "-" {
            small_file::read_from(std::io::stdin(), SMALL)
        } else {
            small_file::read(file, SMALL)
        };
        let text = String::from_utf8_lossy(&bytes.map_err(|error| unfit(&error.to_string()))?)
            .into_owned();
        let granted = Granted::parse(&text);
        if let Some(unread) = granted.unread.first() {
            let place = format!("{path}, line {}", unread.line);
            let problem = &unread.problem;
            let why = format!("the line {problem}; paste what SHOW GRANTS prints");
            return Err(Error::Unfit(place, why));
        }
        if granted.account.is_none() {
            let why = "there is no GRANT in it; paste what SHOW GRANTS prints";
            return Err(unfit(why));
        }
        let database = database
            .map(str::to_owned)
            .or_else(|| only_database(&granted));
        let Some(database) = database else {
            let why = "the grants do not name exactly one database; name it with --database";
            return Err(unfit(why));
        };
        Ok(Self {
            server: likely_server(&text),
            granted,
            database,
        })
    }
}

/// The database that the grants name, if they name exactly one.
fn only_database(granted: &Granted) -> Option<String> {
    let mut names = granted.granted.iter().filter_map(|grant| match &grant.on {
        Object::Database(pattern) => Some(pattern.replace("\\_", "_").replace("\\%", "%")),
        _ => None,
    });
    let first = names.next()?;
    (!first.contains('%') && names.all(|name| name == first)).then_some(first)
}

/// The server that a text of grants is likely to come from: only MariaDB prints hashes of passwords
/// and SET DEFAULT ROLE.
fn likely_server(text: &str) -> ServerVersion {
    let mariadb = text.contains("IDENTIFIED ") || text.contains("SET DEFAULT ROLE");
    let text = if mariadb { "10.11.0-MariaDB" } else { "8.4.0" };
    ServerVersion::parse(text).unwrap_or_else(|| ServerVersion {
        family: crate::server_version::Family::Mysql,
        number: (8, 4, 0),
        text: text.to_owned(),
    })
}

fn outcomes(probed: &Probed) -> Vec<(&'static str, String)> {
    let shown = |outcome: &Outcome| match outcome {
        Outcome::Allowed => "allowed".to_owned(),
        Outcome::Denied(code, message) => format!("denied ({code}: {message})"),
        Outcome::NotTried(why) => format!("not tried: {why}"),
    };
    let outcomes = probed.outcomes.iter();
    outcomes
        .map(|(name, outcome)| (*name, shown(outcome)))
        .collect()
}
