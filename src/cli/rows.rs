//! The rows of a source: it is read, then asked what its release and its own keys make a question of.

use super::progress::Bar;
use super::{Common, read};
use crate::checks::{self, Context, Detected, Findings, schema};
use crate::civicrm::catalogue::Catalogue;
use crate::civicrm::release::Version;
use crate::civicrm::site::Site;
use crate::cli::error::Error;
use crate::integrity::dump::{DumpError, Gathered, gather};
use crate::integrity::question::{Asked, Questions, questions};
use crate::integrity::server::{self, AskError, Pace};
use crate::integrity::{Answers, Effort, Wish};
use crate::snapshot::{ObjectKind, Snapshot};
use crate::source::{Location, ServerLocation};

/// How to ask.
pub(super) struct Inquiry<'a> {
    pub(super) catalogue: &'a Catalogue,
    /// The release that the site is to be upgraded to.
    pub(super) target: Option<&'a Version>,
    pub(super) wish: Wish,
    /// How hard to ask a server.
    pub(super) pace: Pace,
}

/// A source before its rows are asked about.
pub(super) enum Read<'a> {
    /// After its first pass.
    Dump(&'a Location, Gathered),
    Server(&'a ServerLocation, Snapshot),
}

impl Read<'_> {
    pub(super) fn snapshot(&self) -> &Snapshot {
        match self {
            Self::Dump(_, gathered) => &gathered.snapshot,
            Self::Server(_, snapshot) => snapshot,
        }
    }
}

/// What came of it.
pub(super) struct Inquired {
    pub(super) snapshot: Snapshot,
    questions: Questions,
    answers: Answers,
    /// The release that the schema is of, if any.
    pub(super) detected: Option<Detected>,
    is_known: bool,
}

impl Inquiry<'_> {
    /// Reads the source: of a dump the ids and keys of all rows as well.
    pub(super) fn read<'a>(
        &self,
        location: &'a Location,
        common: &Common,
    ) -> Result<Read<'a>, Error> {
        let database = common.database.as_deref();
        if let Location::Server(server) = location {
            return Ok(Read::Server(server, read(location, database, common)?));
        }
        let mut bar = Bar::new(common, &location.name());
        let gathered = gather(location, database, self.catalogue, &mut |progress| {
            bar.update(progress);
        });
        bar.finish();
        Ok(Read::Dump(location, gathered?))
    }

    /// Asks about the rows of what was read.
    pub(super) fn ask(&self, source: Read, common: &Common) -> Result<Inquired, Error> {
        let snapshot = source.snapshot();
        let site = Site::of(snapshot);
        let site = site.as_ref();
        let context = Context {
            catalogue: Some(self.catalogue),
            ..Context::default()
        };
        let detection = schema::detect(snapshot, site, &context);
        let declared = site.and_then(Site::declared_version);
        let of_declared = || self.catalogue.state_for(declared.as_ref()?);
        let state = detection
            .as_ref()
            .map(|detection| detection.state)
            .or_else(of_declared);
        let from = declared
            .clone()
            .or_else(|| Version::parse(state?.last_release()));
        let target = self
            .target
            .and_then(|version| Some((version, self.catalogue.state_for(version)?)));
        let questions = questions(&Asked {
            subject: schema::subject(snapshot, site),
            catalogue: self.catalogue,
            state,
            from: from.as_ref(),
            target,
            keys_are_kept: snapshot.server.is_some(),
        });
        let (is_known, detected) = (state.is_some(), detection.as_ref().map(Detected::of));
        let (snapshot, answers) = match source {
            Read::Dump(location, gathered) => {
                let mut bar = Bar::new(common, &location.name());
                let answered = gathered.answer(location, &questions, &self.wish, &mut |progress| {
                    bar.update(progress);
                });
                bar.finish();
                answered.map_err(|error| match error {
                    DumpError::Source(error) => Error::Source(error),
                    DumpError::Export(error) => Error::Export(error),
                })?
            }
            Read::Server(location, snapshot) => {
                let answers = self.ask_server(location, &snapshot, &questions)?;
                (snapshot, answers)
            }
        };
        Ok(Inquired {
            snapshot,
            questions,
            answers,
            detected,
            is_known,
        })
    }

    fn ask_server(
        &self,
        location: &ServerLocation,
        snapshot: &Snapshot,
        questions: &Questions,
    ) -> Result<Answers, Error> {
        let size = |table: &str| {
            let facts = snapshot.server.as_ref();
            facts
                .and_then(|facts| facts.table_bytes.get(table))
                .copied()
                .unwrap_or(0)
        };
        let database = snapshot.database.as_deref();
        let answers = server::answer(
            &|| Ok(location.connect(database)?.0),
            &snapshot.schema,
            questions,
            &size,
            self.pace,
            &self.wish,
        );
        answers.map_err(|error| match error {
            AskError::Server(error) => Error::Server(error),
            AskError::Export(error) => Error::Export(error),
        })
    }
}

impl Inquired {
    /// Adds what was found to the findings of the other checks; returns what it took.
    pub(super) fn judge(&self, findings: &mut Findings) -> Effort {
        if let Some(why) = self.snapshot.hidden.get(&ObjectKind::Table) {
            findings.skip(&checks::table::ORPHAN_ROWS, why.clone());
        }
        if !self.is_known {
            findings.skip(
                &checks::table::ORPHAN_ROWS,
                "the release is not known, so that only the keys of the database itself were asked about",
            );
        }
        checks::rows::check(&self.questions, &self.answers, findings);
        self.answers.effort
    }
}
