//! One source as the rules see it: the facts, and what follows from them about CiviCRM.
//!
//! Checks, questions about rows, the planner of repairs and reports all take a [`Case`], so that each of these
//! conclusions is drawn once and in one way.

use std::cell::OnceCell;

use crate::civicrm::catalogue::{Catalogue, State};
use crate::civicrm::detect::{self, Detection};
use crate::civicrm::reference::Subject;
use crate::civicrm::release::Version;
use crate::civicrm::site::Site;
use crate::cms::Cms;
use crate::server_version::ServerVersion;
use crate::snapshot::{ObjectKind, Producer, Snapshot};

/// A snapshot with the CiviCRM site in it, the release that its schema is of, and where it is to go.
#[derive(Debug)]
pub struct Case<'c> {
    /// The facts, as a dump or a server gave them.
    pub snapshot: Snapshot,
    /// What the releases of CiviCRM look like.
    pub catalogue: &'c Catalogue,
    /// The CiviCRM site in the database; `None` when it holds no table of CiviCRM.
    pub site: Option<Site>,
    /// The CMS whose tables are beside those of CiviCRM; `None` where there are none, or nothing tells which of several is that
    /// of the site.
    pub cms: Option<Cms>,
    /// Why it cannot be told which of several is the CMS of the site.
    pub cms_unclear: Option<String>,
    /// The release that the site is to be upgraded to; `None` when it stays what it is.
    pub target_release: Option<Version>,
    /// The server that a dump is to be restored on; `None` for the one that it came from.
    pub target_server: Option<ServerVersion>,
    detection: OnceCell<Option<Detection<'c>>>,
}

impl<'c> Case<'c> {
    /// The case of a snapshot that goes nowhere: its release and its server stay what they are.
    pub fn new(snapshot: Snapshot, catalogue: &'c Catalogue) -> Self {
        let (cms, cms_unclear) = match Cms::of(&snapshot) {
            Ok(cms) => (cms, None),
            Err(why) => (None, Some(why)),
        };
        Self {
            site: Site::of(&snapshot, catalogue),
            cms,
            cms_unclear,
            snapshot,
            catalogue,
            target_release: None,
            target_server: None,
            detection: OnceCell::new(),
        }
    }

    /// The same site, to be upgraded to `target` where that is given.
    #[must_use]
    pub fn to_release(mut self, target: Option<Version>) -> Self {
        self.target_release = target;
        self
    }

    /// The same dump, to be restored on `target`, or on the server it came from without one.
    #[must_use]
    pub fn to_server(mut self, target: Option<ServerVersion>) -> Self {
        self.target_server = target;
        self
    }

    /// The release that the schema is of, found at the first call. `None` when the database holds too few
    /// tables of CiviCRM to tell, or when the account sees only some of its tables.
    pub fn detection(&self) -> Option<&Detection<'c>> {
        let detect = || {
            if self.snapshot.hidden.contains_key(&ObjectKind::Table) {
                return None;
            }
            detect::detect(self.catalogue, self.subject())
        };
        self.detection.get_or_init(detect).as_ref()
    }

    /// The database as the catalogue compares it.
    pub fn subject(&self) -> Subject<'_> {
        let Snapshot {
            schema,
            server,
            source,
            ..
        } = &self.snapshot;
        Subject {
            schema,
            site: self.site.as_ref(),
            from_server: server.is_some() || source.producer != Producer::Unknown,
        }
    }

    /// The version that `civicrm_domain` declares for the first domain, where it has the form of a version.
    pub fn declared_version(&self) -> Option<Version> {
        self.site.as_ref().and_then(Site::declared_version)
    }

    /// The release that the site runs: the declared one, or else the last one that has the schema.
    pub fn release(&self) -> Option<Version> {
        let detected = || Version::parse(self.detection()?.state.last_release());
        self.declared_version().or_else(detected)
    }

    /// The state of the catalogue that the database is held against: the one that its schema is of, or else the
    /// one of the declared version.
    pub fn state(&self) -> Option<&'c State> {
        let detected = self.detection().map(|detection| detection.state);
        detected.or_else(|| self.catalogue.state_for(&self.declared_version()?))
    }
}
