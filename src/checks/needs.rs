//! The needs of rules: what has to be known before a rule can run, and why a source cannot tell it.

use super::examination::{Examination, Rows};
use super::{age, wholeness};
use crate::civicrm::release::Version;
use crate::civicrm::site::Site;
use crate::schema::model::Schema;
use crate::snapshot::{DumpFacts, ObjectKind, ServerFacts, SourceKind};

/// Something that has to be known before a rule can run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// The source is a dump.
    Dump,
    /// The user says how old a backup may be.
    MaxAge,
    /// It is known how old the backup is.
    Age,
    /// The dump holds at least one statement.
    Statements,
    /// The dump holds definitions of tables.
    Structure,
    /// The dump reaches to its end.
    WholeDump,
    /// The dump has its beginning.
    Beginning,
    /// The account can see all tables.
    AllTables,
    /// The account can see all routines.
    AllRoutines,
    /// It is known which triggers should exist.
    ExpectedTriggers,
    /// The database holds a CiviCRM site.
    Site,
    /// The release that the schema is of is known.
    DetectedRelease,
    /// The release that the site runs, or is to run, is known.
    Release,
    /// The rows of `civicrm_domain` are known.
    Versions,
    /// The server that the dump is to be restored on is known.
    TargetServer,
    /// The source is a running server.
    Server,
    /// The accounts of the server are known, or every definer is the account itself.
    Accounts,
    /// The privileges of the account are known.
    Privileges,
    /// The site that the backup was made of is known.
    SiteOfBackup,
    /// The account can see all objects of this kind in the site that the backup was made of.
    OfSite(ObjectKind),
    /// Questions about rows were asked.
    Rows,
    /// The upgrade was run on paper.
    Forecast,
    /// The contents were compared with those of another source.
    Contents,
    /// The source was named by a settings file.
    Settings,
    /// The folders that the settings file names were looked for.
    Folders,
    /// The tables of the CMS are beside those of CiviCRM.
    Cms,
    /// The site is to be upgraded.
    Target,
}

/// Why something was not looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lack {
    /// The reason, in words for people.
    pub why: String,
    /// Whether the command promises to look at it, so that the result is incomplete. It does not promise what
    /// a source of this kind never has, nor what the user left out.
    pub incomplete: bool,
}

impl Lack {
    /// The lack of something that the command promises to look at.
    pub fn of_promised(why: impl Into<String>) -> Self {
        let why = why.into();
        Self {
            why,
            incomplete: true,
        }
    }

    /// The lack of something that such a source never has, that does not exist in it, or that the user left
    /// out.
    pub fn of_course(why: impl Into<String>) -> Self {
        let why = why.into();
        Self {
            why,
            incomplete: false,
        }
    }
}

/// Whether a source meets a need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The source meets the need.
    Met,
    /// The rule does not apply to such a source, which need not be said.
    NotApplicable,
    /// The source does not meet the need, and the report has to say why.
    Lacking(Lack),
}

use Answer::{Lacking, Met, NotApplicable};

impl Need {
    /// Whether the examined source meets the need.
    pub fn answer(self, examined: &Examination) -> Answer {
        let snapshot = examined.snapshot();
        let (dump, server) = (snapshot.dump.as_ref(), snapshot.server.as_ref());
        match self {
            Self::Dump => applies(dump.is_some()),
            Self::MaxAge => applies(examined.max_age.is_some()),
            Self::Age => promised(
                examined
                    .max_age
                    .is_some_and(|it| age::least_age(&snapshot.source, it.now).is_some()),
                "nothing says when the backup was made",
            ),
            Self::Statements => applies(dump.is_some_and(|dump| dump.statements > 0)),
            Self::Structure => promised(
                dump.is_none_or(|dump| dump.tables_created > 0),
                "the dump holds no structure",
            ),
            Self::WholeDump if dump.is_some_and(lacks_beginning) => {
                promised(false, BEGINNING_MISSING)
            }
            Self::WholeDump => promised(!examined.ends_early(), "the dump is cut"),
            Self::Beginning => promised(!dump.is_some_and(lacks_beginning), BEGINNING_MISSING),
            Self::AllTables => visible(snapshot.hidden.get(&ObjectKind::Table)),
            Self::AllRoutines => visible(snapshot.hidden.get(&ObjectKind::Routine)),
            Self::ExpectedTriggers => expected_triggers(examined),
            Self::Site => examined
                .case
                .site
                .as_ref()
                .map_or_else(|| Lacking(no_site(examined)), |_| Met),
            Self::DetectedRelease => detected_release(examined),
            Self::Release => promised(
                examined.release().is_some(),
                "the site's release is not known",
            ),
            Self::Versions => versions(examined),
            Self::TargetServer => match examined.target_server() {
                Some(_) => Met,
                None => Lacking(Lack::of_course(
                    "the dump does not name its server: give --target-server",
                )),
            },
            Self::Server => match snapshot.source.kind {
                _ if server.is_some() => Met,
                SourceKind::Dump => Lacking(Lack::of_course("a dump is not a running server")),
                SourceKind::Server => NotApplicable,
            },
            Self::Accounts => {
                server.map_or(NotApplicable, |server| accounts(&snapshot.schema, server))
            }
            Self::Privileges => match (&examined.privileges, snapshot.source.kind) {
                (Some(_), _) => Met,
                (None, SourceKind::Dump) => Lacking(Lack::of_course("a dump carries no grants")),
                (None, SourceKind::Server) => NotApplicable,
            },
            Self::SiteOfBackup => applies(examined.site_of_backup.is_some()),
            Self::OfSite(kind) => match examined.site_of_backup {
                None => NotApplicable,
                Some(site) => match site.snapshot.hidden.get(&kind) {
                    None => Met,
                    Some(why) => Lacking(Lack::of_promised(format!("{}: {why}", site.name))),
                },
            },
            Self::Forecast => applies(examined.forecast.is_some()),
            Self::Contents => applies(examined.contents.is_some()),
            Self::Settings => applies(examined.settings.is_some()),
            Self::Target => applies(examined.case.target_release.is_some()),
            Self::Cms => match (&examined.case.cms, &examined.case.site) {
                (Some(_), _) => Met,
                (None, None) => NotApplicable,
                (None, Some(_)) if let Some(why) = &examined.case.cms_unclear => {
                    Lacking(Lack::of_promised(why))
                }
                (None, Some(_)) => Lacking(Lack::of_course(match &snapshot.cms_database {
                    Some(Err(why)) => why.as_str(),
                    Some(Ok(_)) | None => "the tables of the CMS are not in this database",
                })),
            },
            Self::Folders => match examined.settings.map(|settings| &settings.folders) {
                None => NotApplicable,
                Some(Some(_)) => Met,
                Some(None) => Lacking(Lack::of_course(
                    "check --root DIR looks for folders (DIR is / on the site's own machine)",
                )),
            },
            Self::Rows => match examined.rows {
                Rows::Asked(..) => Met,
                Rows::LeftOut => Lacking(Lack::of_course("--no-rows leaves the rows out")),
                Rows::NotAsked => NotApplicable,
            },
        }
    }
}

impl Need {
    /// Why a check that was asked for by its name is not made where the need does not apply.
    pub(super) fn does_not_apply(self) -> &'static str {
        match self {
            Self::MaxAge => "--max-age does not say how old a backup may be",
            Self::SiteOfBackup | Self::OfSite(_) | Self::Contents => {
                "--against does not name the source to compare with"
            }
            Self::Forecast | Self::Target => "name the release with --target",
            Self::Settings | Self::Folders => "the source is not a site's folder or settings file",
            Self::Dump | Self::Statements => "the source is not a dump",
            _ => "such a source does not tell",
        }
    }
}

/// Why a check is not made of a dump whose beginning is missing.
pub const BEGINNING_MISSING: &str = "the beginning of the dump is missing";

fn lacks_beginning(dump: &DumpFacts) -> bool {
    wholeness::lacks_beginning(dump).is_some()
}

/// A database without a table of CiviCRM is mostly the wrong one, unless the user says that it is meant.
fn no_site(examined: &Examination) -> Lack {
    match examined.without_civicrm {
        false => Lack::of_promised("no CiviCRM tables"),
        true => Lack::of_course("no CiviCRM tables, as --no-civicrm says"),
    }
}

fn applies(it_does: bool) -> Answer {
    if it_does { Met } else { NotApplicable }
}

fn promised(is_there: bool, why: &str) -> Answer {
    if is_there {
        Met
    } else {
        Lacking(Lack::of_promised(why))
    }
}

/// Whether objects can be seen: the need is met unless there is a reason why they are hidden.
fn visible(why_hidden: Option<&String>) -> Answer {
    why_hidden.map_or(Met, |why| Lacking(Lack::of_promised(why)))
}

/// Whether it is known which triggers should exist. The upgrader drops all triggers until its end, and a site
/// may have its triggers made by hand: then none has to exist.
fn expected_triggers(examined: &Examination) -> Answer {
    let (case, snapshot) = (examined.case, examined.snapshot());
    if let Some(why) = snapshot.hidden.get(&ObjectKind::Trigger) {
        return Lacking(Lack::of_promised(why));
    }
    let Some(site) = &case.site else {
        return Lacking(no_site(examined));
    };
    let Some(release) = case.release() else {
        let why = "civicrm_domain.version cannot be read, so the release is not known";
        return Lacking(Lack::of_promised(why));
    };
    if release.is_upgrade_marker() {
        return Lacking(Lack::of_course(format!(
            "civicrm_domain.version is {release}: an upgrade is under way or failed, and the \
             upgrader drops all triggers until its end"
        )));
    }
    let newest = case.catalogue.states().last();
    let newest = newest.and_then(|state| Version::parse(&state.name));
    if let Some(newest) = newest.map(|newest| newest.major_minor())
        && release.major_minor() > newest
    {
        return Lacking(Lack::of_promised(format!(
            "CiviCRM {release} is newer than all releases that cividb knows, up to {}.{}",
            newest.0, newest.1
        )));
    }
    if site.triggers_by_hand {
        let why = "setting logging_no_trigger_permission is on: triggers are made by hand";
        return Lacking(Lack::of_course(why));
    }
    if is_between_steps(&release) && snapshot.schema.triggers.is_empty() {
        return Lacking(Lack::of_course(format!(
            "civicrm_domain.version is {release}, a step of an upgrade, during which there are no triggers"
        )));
    }
    Met
}

/// Whether a version is one such as 4.4.alpha1, which no site runs but an upgrade passes through.
fn is_between_steps(release: &Version) -> bool {
    release.as_str().contains("alpha") || release.as_str().contains("beta")
}

/// Why a release is not told where there is a site.
pub(super) const TOO_FEW_TABLES: &str = "too few tables of CiviCRM to tell the release";

fn detected_release(examined: &Examination) -> Answer {
    let (case, snapshot) = (examined.case, examined.snapshot());
    if case.detection().is_some() {
        return Met;
    }
    let hidden = snapshot.hidden.get(&ObjectKind::Table);
    let why = match (&snapshot.dump, &case.site, hidden) {
        (.., Some(hidden)) => hidden.as_str(),
        (Some(dump), ..) if dump.tables_created == 0 => "the dump holds no structure",
        (_, None, _) => return Lacking(no_site(examined)),
        _ => TOO_FEW_TABLES,
    };
    Lacking(Lack::of_promised(why))
}

fn versions(examined: &Examination) -> Answer {
    let snapshot = examined.snapshot();
    let domains = examined.case.site.as_ref().map(|site: &Site| &site.domains);
    let why = match domains {
        None => return Lacking(no_site(examined)),
        _ if snapshot.row_counts.is_empty() => "there are no rows at all",
        Some(Some(_)) => return Met,
        Some(None) if snapshot.schema.table("civicrm_domain").is_some() => {
            "the rows of civicrm_domain cannot be read"
        }
        Some(None) => "there is no table civicrm_domain",
    };
    Lacking(Lack::of_promised(why))
}

/// Whether it is known which accounts exist. The account that asks exists, whatever else it may
/// see.
fn accounts(schema: &Schema, server: &ServerFacts) -> Answer {
    let is_someone_else =
        |definer: &&crate::schema::model::Account| Some(*definer) != server.account.as_ref();
    if server.accounts.is_some() || !schema.definers().any(|definer| is_someone_else(&definer)) {
        Met
    } else {
        Lacking(Lack::of_promised("this account may not read mysql.user"))
    }
}
