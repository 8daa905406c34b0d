//! What rules look at: the case, and what a command has found out besides.

use std::cell::OnceCell;

use super::age::MaxAge;
use super::check::{Check, Group, Severity};
use super::finding::Findings;
use super::{registry, wholeness};
use crate::case::Case;
use crate::civicrm::release::Version;
use crate::contents::comparison::Comparison;
use crate::grants::Verdict;
use crate::integrity::Answers;
use crate::integrity::question::Questions;
use crate::preflight::Forecast;
use crate::schema::references::{self, User};
use crate::server_version::ServerVersion;
use crate::settings::SettingsFacts;
use crate::snapshot::Snapshot;

/// A case, and what a command has found out besides the facts of its source.
#[derive(Debug)]
pub struct Examination<'a, 'c> {
    /// The case that is examined.
    pub case: &'a Case<'c>,
    /// The site that a backup was made of, where the user named it.
    pub site_of_backup: Option<OtherSource<'a>>,
    /// The privileges of the account, judged against what it is for, where a command asks for them.
    pub privileges: Option<Privileges<'a>>,
    /// Which questions about rows were asked, with their answers.
    pub rows: Rows<'a>,
    /// How the upgrade would go, where a command runs it on paper.
    pub forecast: Option<&'a Forecast>,
    /// How the contents compare with those of an earlier source, and the name of that.
    pub contents: Option<(&'a Comparison, &'a str)>,
    /// The settings file that named the source.
    pub settings: Option<&'a SettingsFacts>,
    /// The release to look from, where that is neither the target nor the site's own: one on the way.
    pub for_release: Option<&'a Version>,
    /// Whether the user says that the source is not a CiviCRM site, so that nothing of CiviCRM is missing
    /// from it.
    pub without_civicrm: bool,
    /// Whether the command itself names the tables that the site has and the dump has not, so that none is missing unseen.
    pub names_lost_tables: bool,
    /// How old a backup may be, where the user says it.
    pub max_age: Option<MaxAge>,
    users: OnceCell<Vec<User<'a>>>,
    is_cut: OnceCell<bool>,
}

/// A source that another one is compared with.
#[derive(Clone, Copy, Debug)]
pub struct OtherSource<'a> {
    /// The facts about the other source.
    pub snapshot: &'a Snapshot,
    /// The name of the other source as the user gave it, without a password.
    pub name: &'a str,
}

/// The privileges of an account, judged against what it is for.
#[derive(Clone, Copy, Debug)]
pub struct Privileges<'a> {
    /// Which privileges the account has, and which it lacks.
    pub verdict: &'a Verdict,
    /// The database that the privileges were judged for.
    pub database: &'a str,
}

/// Questions about rows, and their answers.
#[derive(Clone, Copy, Debug, Default)]
pub enum Rows<'a> {
    /// The command is not about rows.
    #[default]
    NotAsked,
    /// The user left the rows out.
    LeftOut,
    /// The questions were asked, and these are the answers.
    Asked(&'a Questions, &'a Answers),
}

impl<'a, 'c> Examination<'a, 'c> {
    /// An examination of the case alone.
    pub fn of(case: &'a Case<'c>) -> Self {
        Self {
            case,
            site_of_backup: None,
            privileges: None,
            rows: Rows::NotAsked,
            forecast: None,
            contents: None,
            settings: None,
            for_release: None,
            without_civicrm: false,
            names_lost_tables: false,
            max_age: None,
            users: OnceCell::new(),
            is_cut: OnceCell::new(),
        }
    }

    /// The facts about the source.
    pub fn snapshot(&self) -> &'a Snapshot {
        &self.case.snapshot
    }

    /// The server that the dump is to be restored on: the one that the user named, or otherwise the one that
    /// the dump came from.
    pub fn target_server(&self) -> Option<&'a ServerVersion> {
        let target = self.case.target_server.as_ref();
        target.or(self.case.snapshot.source.server_version.as_ref())
    }

    /// The release that is to run on the server: the one to look from, the target of an upgrade, or otherwise the
    /// site's own.
    pub fn release(&self) -> Option<Version> {
        let target = self
            .for_release
            .or(self.case.target_release.as_ref())
            .cloned();
        target.or_else(|| self.case.release())
    }

    /// Whether the source is a dump that is cut or damaged, so that what is missing from it may have stood in
    /// the lost part.
    pub fn is_cut(&self) -> bool {
        *self.is_cut.get_or_init(|| self.has_error(&wholeness::CUT))
    }

    /// Whether the source is a dump that was cut, so that its end is missing.
    pub fn ends_early(&self) -> bool {
        self.has_error(&[&wholeness::DUMP_TRUNCATED, &wholeness::DUMP_UNREADABLE])
    }

    fn has_error(&self, checks: &[&'static Check]) -> bool {
        let mut findings = Findings::default();
        for check in checks {
            registry::run(check, &[Group::Dump], self, &mut findings);
        }
        findings.count(Severity::Error) > 0
    }

    /// All triggers, views, routines and events, with what they use.
    pub(super) fn users(&self) -> &[User<'a>] {
        let case = self.case;
        self.users
            .get_or_init(|| references::users(&case.snapshot.schema))
    }
}
