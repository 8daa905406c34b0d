//! `cividb.toml`: what the user has decided once for all runs.

use std::path::{Path, PathBuf};
use std::{env, io};

use super::error::Error;
use crate::checks::acceptance::{self, Acceptance};
use crate::small_file::{self, SMALL};

/// The name of the file, in the current folder.
const FILE: &str = "cividb.toml";

/// A file that goes for this run.
pub(super) struct ConfigFile {
    pub(super) path: PathBuf,
    pub(super) text: String,
    /// Whether it was only found in the current folder: somebody else may have put it there.
    pub(super) is_found: bool,
}

impl ConfigFile {
    /// The error that says what is wrong with the file.
    pub(super) fn unfit(&self, problem: String) -> Error {
        Error::Unfit(self.path.display().to_string(), problem)
    }
}

/// The files that go for this run, those that go before others first: the one that the user named alone, or otherwise
/// `cividb.toml` in the current folder and the user's own in `$XDG_CONFIG_HOME/cividb` or `~/.config/cividb`,
/// as far as they are there.
///
/// # Errors
/// A file cannot be read; one that was named must exist.
pub(super) fn files(named: Option<&Path>) -> Result<Vec<ConfigFile>, Error> {
    if let Some(path) = named {
        let problem = io::Error::from(io::ErrorKind::NotFound).to_string();
        let absent = || Error::Unfit(path.display().to_string(), problem);
        return Ok(vec![read(path, false)?.ok_or_else(absent)?]);
    }
    let found = read(Path::new(FILE), true)?;
    let own = of_user().map(|path| read(&path, false)).transpose()?;
    Ok(found.into_iter().chain(own.flatten()).collect())
}

/// The accepted findings of all files that go for this run; none without such a file.
///
/// # Errors
/// A file cannot be read, or has an entry that is not of the form of one.
pub(super) fn accepted(named: Option<&Path>) -> Result<Vec<Acceptance>, Error> {
    let mut all = Vec::new();
    for file in files(named)? {
        let list = acceptance::parse(&file.text);
        all.extend(list.map_err(|error| file.unfit(error.to_string()))?);
    }
    Ok(all)
}

fn of_user() -> Option<PathBuf> {
    let folder = |name: &str| {
        let folder = env::var_os(name).filter(|folder| !folder.is_empty());
        folder.map(PathBuf::from)
    };
    let config = folder("XDG_CONFIG_HOME").or_else(|| Some(folder("HOME")?.join(".config")));
    Some(config?.join("cividb").join(FILE))
}

/// Reads a file; `None` where it does not exist.
fn read(path: &Path, is_found: bool) -> Result<Option<ConfigFile>, Error> {
    // A pipe that lies about would be waited for.
    let read = || match path.metadata()?.is_file() {
        true => small_file::read(path, SMALL),
        false => Err(io::Error::other("it is not a regular file")),
    };
    match read() {
        Ok(text) => Ok(Some(ConfigFile {
            path: path.to_owned(),
            text: String::from_utf8_lossy(&text).into_owned(),
            is_found,
        })),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::Unfit(path.display().to_string(), error.to_string())),
    }
}
