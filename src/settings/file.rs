//! What a settings file says of the databases.

use std::path::{Path, PathBuf};

use super::dsn::{DsnError, parse as parse_dsn};
use super::error::{PhpPlace, SettingsError};
use super::script::Interpreter;
use super::value::Value;
use crate::server::login::Login;

/// What a settings file says about the site's databases.
#[derive(Debug)]
pub struct SettingsFile {
    /// The path of the file.
    pub path: PathBuf,
    /// `CIVICRM_DSN`: the database of CiviCRM.
    pub dsn: Dsn,
    /// `CIVICRM_LOGGING_DSN`: the database of the log tables, from CiviCRM 3.3 on. It is usually the same
    /// database; an error here does not prevent the use of `dsn`.
    pub logging_dsn: Result<Option<Dsn>, SettingsError>,
    /// `CIVICRM_UF_DSN`: the database of the CMS, as far as `CIVICRM_DSN` asked for the files that define it; `None` where
    /// only PHP can tell.
    pub uf_dsn: Option<Dsn>,
    /// `$civicrm_root`: the folder of CiviCRM's code; `None` where only PHP can tell.
    pub root: Option<String>,
    /// `CIVICRM_TEMPLATE_COMPILEDIR`: the folder of compiled templates; `None` where only PHP can tell.
    pub compile_dir: Option<String>,
}

/// A DSN and where it is defined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dsn {
    /// The server, account and database that the DSN names.
    pub login: Login,
    /// The line of its definition, in the settings file or one that it includes.
    pub place: PhpPlace,
}

impl SettingsFile {
    /// Reads a settings file, and the files that it includes as far as `CIVICRM_DSN` asks for them, and as far as they
    /// belong to the same site or the same owner: whoever can write one site's settings must not make a login of
    /// another one's secrets.
    ///
    /// # Errors
    /// The file cannot be read, it is not a settings file, or `CIVICRM_DSN` is missing, wrong or made of
    /// something that only PHP knows, such as `getenv('X')`.
    pub fn read(path: &Path) -> Result<Self, SettingsError> {
        Self::read_with(path, false)
    }

    /// Reads a settings file like [`SettingsFile::read`], and with `include_outside` also files that it includes and that
    /// belong neither to the site nor to its owner.
    ///
    /// # Errors
    /// The errors of [`SettingsFile::read`].
    pub fn read_with(path: &Path, include_outside: bool) -> Result<Self, SettingsError> {
        let script = Interpreter::new("CIVICRM_DSN");
        let mut script = script.including_outside(include_outside);
        script.run(path)?;
        let dsn = match dsn(&script, path, "CIVICRM_DSN")? {
            Some(dsn) => dsn,
            None => return Err(missing(script, path, "CIVICRM_DSN")),
        };
        Ok(Self {
            path: path.to_owned(),
            dsn,
            logging_dsn: self::dsn(&script, path, "CIVICRM_LOGGING_DSN"),
            uf_dsn: self::dsn(&script, path, "CIVICRM_UF_DSN").ok().flatten(),
            root: text(&script, "$civicrm_root"),
            compile_dir: text(&script, "CIVICRM_TEMPLATE_COMPILEDIR"),
        })
    }
}

/// The only text that a constant can hold, and the place of its definition; `None` if it is not defined
/// anywhere.
pub(super) fn constant(
    script: &Interpreter,
    path: &Path,
    constant: &'static str,
) -> Result<Option<(Value, PhpPlace)>, SettingsError> {
    let slot = script.state.slot(constant);
    let doubt = slot.and_then(|slot| slot.doubt.as_deref());
    match (slot.map_or(&[][..], |slot| &slot.candidates), doubt) {
        ([], None) => Ok(None),
        ([(Value::Unknown(made_of), place)], _) => Err(SettingsError::Unknown {
            place: place.clone(),
            constant,
            made_of: made_of.clone(),
        }),
        (_, Some(doubt)) => Err(SettingsError::doubtful(constant, doubt)),
        ([only], None) => Ok(Some(only.clone())),
        (several, None) => Err(SettingsError::Ambiguous {
            path: path.to_owned(),
            constant,
            places: several.iter().map(|(_, place)| place.clone()).collect(),
        }),
    }
}

/// The text that a constant or variable holds whichever path was taken.
fn text(script: &Interpreter, name: &str) -> Option<String> {
    match script.state.slot(name)?.value(name) {
        Value::Text(text) => Some(String::from_utf8_lossy(&text).into_owned()),
        _ => None,
    }
}

/// The login in the DSN that a constant holds.
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
    match (&script.state.doubt, script.mentioned) {
        // The list of files says it.
        (Some(doubt), _) if script.not_followed.is_empty() => {
            SettingsError::doubtful(constant, doubt)
        }
        (_, Some(place)) => SettingsError::NotReached { place, constant },
        (_, None) => SettingsError::Missing {
            path: path.to_owned(),
            constant,
            not_followed: script.not_followed,
        },
    }
}
