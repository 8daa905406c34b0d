//! `cividb.toml`: what the user has decided once for all runs.

use std::path::{Path, PathBuf};
use std::{env, io};

use super::error::Error;
use crate::checks::acceptance::{self, Acceptance};
use crate::small_file::{self, SMALL};

/// The name of the file, in the current folder.
const FILE: &str = "cividb.toml";

/// Reads the accepted findings: from the file that the user named, or otherwise from `cividb.toml` in the
/// current folder, or otherwise from the user's own in `$XDG_CONFIG_HOME/cividb` or `~/.config/cividb`.
/// Without such a file no finding is accepted.
///
/// # Errors
/// The file cannot be read, or is not of the form of a `cividb.toml`; a file that was named must exist.
pub(super) fn accepted(named: Option<&Path>) -> Result<Vec<Acceptance>, Error> {
    if let Some(path) = named {
        let problem = io::Error::from(io::ErrorKind::NotFound).to_string();
        let absent = || Error::Unfit(path.display().to_string(), problem);
        return read(path)?.ok_or_else(absent);
    }
    for path in [Some(PathBuf::from(FILE)), of_user()].into_iter().flatten() {
        if let Some(list) = read(&path)? {
            return Ok(list);
        }
    }
    Ok(Vec::new())
}

fn of_user() -> Option<PathBuf> {
    let folder = |name: &str| {
        let folder = env::var_os(name).filter(|folder| !folder.is_empty());
        folder.map(PathBuf::from)
    };
    let config = folder("XDG_CONFIG_HOME").or_else(|| Some(folder("HOME")?.join(".config")));
    Some(config?.join("cividb").join(FILE))
}

/// Reads the accepted findings from a file; `None` where the file does not exist.
fn read(path: &Path) -> Result<Option<Vec<Acceptance>>, Error> {
    // A pipe that lies about would be waited for.
    let read = || match path.metadata()?.is_file() {
        true => small_file::read(path, SMALL),
        false => Err(io::Error::other("it is not a regular file")),
    };
    let problem = match read() {
        Ok(text) => match acceptance::parse(&String::from_utf8_lossy(&text)) {
            Ok(list) => return Ok(Some(list)),
            Err(error) => error.to_string(),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => error.to_string(),
    };
    Err(Error::Unfit(path.display().to_string(), problem))
}
