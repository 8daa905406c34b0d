//! What comes through a pipe and has to be read several times.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

use super::error::Error;
use super::tell;
use crate::source::{Location, SourceError};

/// What came through a pipe, in a file that has no name: whatever ends the program, nothing of it stays.
pub(super) struct Spool(File);

impl Spool {
    /// Keeps all that comes from standard input, a pipe or a device in a file in `folder`, which `option` chooses.
    ///
    /// # Errors
    /// It cannot be read to its end, or not kept.
    pub(super) fn of(location: &Location, folder: &Path, option: &str) -> Result<Self, Error> {
        let name = location.name();
        let failed = |error: io::Error| {
            let folder = folder.display();
            let why = format!(
                "it has to be read several times and cannot be kept in {folder} ({error}); {option} names another folder"
            );
            Error::Unfit(name.clone(), why)
        };
        let mut spool = tempfile::tempfile_in(folder).map_err(failed)?;
        let mut input: Box<dyn Read> = match location {
            Location::File(path) => Box::new(File::open(path).map_err(failed)?),
            _ => Box::new(io::stdin().lock()),
        };
        tell(&format!(
            "{name}: what comes is kept in {} while it is read several times",
            folder.display()
        ));
        io::copy(&mut input, &mut spool).map_err(failed)?;
        Ok(Self(spool))
    }

    /// Where it can be read, as long as this is there.
    pub(super) fn location(&self) -> Location {
        Location::File(PathBuf::from(format!(
            "/proc/self/fd/{}",
            self.0.as_raw_fd()
        )))
    }
}

/// The error with the name that the user gave, where the source was kept in another file.
pub(super) fn named(error: SourceError, name: &str) -> Error {
    match error {
        SourceError::Container(mut container) => {
            container.name = name.to_owned();
            SourceError::Container(container).into()
        }
        other => other.into(),
    }
}
