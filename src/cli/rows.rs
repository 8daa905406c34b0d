//! The rows of a source: reads the source, then asks the questions about rows that its release and
//! its own keys lead to.

use super::progress::Bar;
use super::{Common, read};
use crate::case::Case;
use crate::checks::Rows;
use crate::civicrm::catalogue::Catalogue;
use crate::cli::error::Error;
use crate::dump::container::Progress;
use crate::integrity::dump::{DumpError, FirstPass, gather};
use crate::integrity::question::{Questions, questions};
use crate::integrity::server::{self, AskError, Limits};
use crate::integrity::{Answers, ExportOptions};
use crate::preflight::{self, rows::RowNeed};
use crate::snapshot::Snapshot;
use crate::source::{Location, ServerLocation};

/// Reads sources and asks questions about their rows.
pub(super) struct RowExaminer<'a> {
    pub(super) catalogue: &'a Catalogue,
    pub(super) options: ExportOptions,
    /// How hard to ask a server.
    pub(super) limits: Limits,
}

/// Where the questions about the rows of a source are answered from.
pub(super) enum RowSource<'a> {
    /// A dump, and what the first pass over it has gathered.
    Dump(&'a Location, FirstPass),
    Server(&'a ServerLocation),
}

/// The questions about the rows of a source, and their answers.
pub(super) struct RowAnswers {
    /// What the upgrade needs of the rows.
    pub(super) needs: Vec<RowNeed>,
    pub(super) questions: Questions,
    pub(super) answers: Answers,
}

impl RowAnswers {
    pub(super) fn rows(&self) -> Rows<'_> {
        Rows::Asked(&self.questions, &self.answers)
    }
}

impl RowExaminer<'_> {
    /// Reads the source; of a dump the ids and keys of all rows as well.
    pub(super) fn read<'a>(
        &self,
        location: &'a Location,
        common: &Common,
    ) -> Result<(Snapshot, RowSource<'a>), Error> {
        let database = common.database.as_deref();
        if let Location::Server(server) = location {
            let snapshot = read(location, database, common)?;
            return Ok((snapshot, RowSource::Server(server)));
        }
        let mut bar = Bar::new(common, &location.name());
        let first_pass = gather(location, database, self.catalogue, &mut |progress| {
            bar.update(progress);
        });
        bar.finish();
        let (snapshot, first_pass) = first_pass?;
        Ok((snapshot, RowSource::Dump(location, first_pass)))
    }

    /// Asks the questions about the rows of the source that was read.
    pub(super) fn ask(
        &self,
        case: &Case,
        rows: RowSource,
        common: &Common,
    ) -> Result<RowAnswers, Error> {
        let needs = preflight::row_needs(case)?;
        let questions = questions(case, &needs);
        let answers = match rows {
            RowSource::Dump(location, first_pass) => {
                let mut bar = Bar::new(common, &location.name());
                let (snapshot, options) = (&case.snapshot, &self.options);
                let watch = &mut |progress: &Progress| bar.update(progress);
                let answered = first_pass.answer(location, snapshot, &questions, options, watch);
                bar.finish();
                answered.map_err(|error| match error {
                    DumpError::Source(error) => Error::Source(error),
                    DumpError::Export(error) => Error::Export(error),
                })?
            }
            RowSource::Server(location) => self.ask_server(location, &case.snapshot, &questions)?,
        };
        Ok(RowAnswers {
            needs,
            questions,
            answers,
        })
    }

    fn ask_server(
        &self,
        location: &ServerLocation,
        snapshot: &Snapshot,
        questions: &Questions,
    ) -> Result<Answers, Error> {
        let sizes = snapshot.server.as_ref().map(|facts| &facts.table_bytes);
        let size = |table: &str| *sizes.and_then(|sizes| sizes.get(table)).unwrap_or(&0);
        let database = snapshot.database.as_deref();
        let answers = server::answer(
            &|| Ok(location.connect(database)?.0),
            &snapshot.schema,
            questions,
            &size,
            self.limits,
            &self.options,
        );
        answers.map_err(|error| match error {
            AskError::Server(error) => Error::Server(error),
            AskError::Export(error) => Error::Export(error),
        })
    }
}
