//! `cividb.toml`: what the user has decided once for all runs.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

use super::error::Error;
use crate::checks::acceptance::{self, Acceptance};

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
        return read(path)?.ok_or_else(|| Error::Config {
            path: path.display().to_string(),
            problem: io::Error::from(io::ErrorKind::NotFound).to_string(),
        });
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
    let problem = match fs::read_to_string(path) {
        Ok(text) => match acceptance::parse(&text) {
            Ok(list) => return Ok(Some(list)),
            Err(error) => error.to_string(),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => error.to_string(),
    };
    let path = path.display().to_string();
    Err(Error::Config { path, problem })
}
