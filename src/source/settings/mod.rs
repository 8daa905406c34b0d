//! A CiviCRM site's `civicrm.settings.php`: the way into its database, read without running PHP.
//!
//! [`site::find`] finds the file in a site folder, [`SettingsFile::read`] reads it. What the file
//! leaves to the moment when PHP runs is never guessed: the error names the line and what is
//! missing.

mod dsn;
mod effects;
mod error;
mod expression;
mod functions;
mod operand;
mod php;
mod script;
pub mod site;
mod slices;
mod state;
mod statements;
#[cfg(test)]
mod tests;
mod value;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

pub use dsn::{DsnError, parse as parse_dsn};
pub use error::{Place, SettingsError};

use crate::server::login::Login;
use script::Interpreter;
use value::Value;

/// Most that is read of a file, in bytes; CiviCRM's own settings files have about 25,000.
const MAX_BYTES: u64 = 1 << 20;

/// What a settings file says about the database.
#[derive(Debug)]
pub struct SettingsFile {
    /// The file.
    pub path: PathBuf,
    /// `CIVICRM_DSN`: the database of CiviCRM.
    pub dsn: Dsn,
    /// `CIVICRM_LOGGING_DSN`: where the log tables are, from CiviCRM 3.3 on. Usually the same,
    /// and no reason not to use the other when it cannot be told.
    pub logging_dsn: Result<Option<Dsn>, SettingsError>,
}

/// A DSN and where it is defined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dsn {
    /// What it says.
    pub login: Login,
    /// The line of its definition, in the settings file or one that it includes.
    pub place: Place,
}

impl SettingsFile {
    /// Reads a settings file, and the files that it includes as far as `CIVICRM_DSN` asks for them.
    ///
    /// # Errors
    /// It cannot be read, is none, or `CIVICRM_DSN` is missing, wrong or made of something that
    /// only PHP knows, such as `getenv('X')`.
    pub fn read(path: &Path) -> Result<Self, SettingsError> {
        let mut script = Interpreter::new("CIVICRM_DSN");
        script.run(path)?;
        let dsn = match dsn(&script, path, "CIVICRM_DSN")? {
            Some(dsn) => dsn,
            None => return Err(missing(script, path, "CIVICRM_DSN")),
        };
        Ok(Self {
            path: path.to_owned(),
            dsn,
            logging_dsn: self::dsn(&script, path, "CIVICRM_LOGGING_DSN"),
        })
    }
}

/// The only text that a constant can hold, and its place; `None` if it is defined nowhere.
fn constant(
    script: &Interpreter,
    path: &Path,
    constant: &'static str,
) -> Result<Option<(Value, Place)>, SettingsError> {
    let candidates = script
        .state
        .slot(constant)
        .map(|slot| slot.candidates.as_slice());
    match candidates.unwrap_or_default() {
        [] => Ok(None),
        [(Value::Unknown(made_of), place)] => Err(SettingsError::Unknown {
            place: place.clone(),
            constant,
            made_of: made_of.clone(),
        }),
        [only] => Ok(Some(only.clone())),
        several => Err(SettingsError::Ambiguous {
            path: path.to_owned(),
            constant,
            places: several.iter().map(|(_, place)| place.clone()).collect(),
        }),
    }
}

/// The login in such a constant.
fn dsn(
    script: &Interpreter,
    path: &Path,
    name: &'static str,
) -> Result<Option<Dsn>, SettingsError> {
    let Some((value, place)) = constant(script, path, name)? else {
        return Ok(None);
    };
    let login = match value {
        Value::Text(dsn) => parse_dsn(&dsn),
        _ => Err(DsnError::NotText),
    };
    match login {
        Ok(login) => Ok(Some(Dsn { login, place })),
        Err(error) => Err(SettingsError::Dsn {
            place,
            constant: name,
            error,
        }),
    }
}

/// Why a constant has no value.
fn missing(script: Interpreter, path: &Path, constant: &'static str) -> SettingsError {
    match script.mentioned {
        Some(place) => SettingsError::NotReached { place, constant },
        None => SettingsError::Missing {
            path: path.to_owned(),
            constant,
            not_followed: script.not_followed,
        },
    }
}

/// Whether a path names a PHP file: by its end, or by what the file begins with.
pub fn is_settings(path: &Path) -> bool {
    let is_named = path
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("php"));
    is_named || read_start(path, 64).is_ok_and(|start| begins_php(&start))
}

fn begins_php(text: &[u8]) -> bool {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    text.trim_ascii_start()
        .get(..5)
        .is_some_and(|tag| tag.eq_ignore_ascii_case(b"<?php"))
}

/// Reads a whole text file.
fn read_text(path: &Path) -> Result<Vec<u8>, SettingsError> {
    let bytes = read_start(path, MAX_BYTES + 1).map_err(|error| SettingsError::Read {
        path: path.to_owned(),
        error,
    })?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(SettingsError::TooLarge {
            path: path.to_owned(),
            limit: MAX_BYTES,
        });
    }
    if memchr::memchr(0, &bytes).is_some() {
        return Err(SettingsError::Binary(path.to_owned()));
    }
    Ok(bytes)
}

fn read_start(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    // A pipe would wait, and lose what was read; the file may be one that a script includes.
    if !path.metadata()?.is_file() {
        return Err(io::Error::other("is not a regular file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}
