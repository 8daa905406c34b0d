//! Where the files of a site are, as its settings file says.

use std::path::{Path, PathBuf};

use crate::settings::{self, SettingsFile};

/// Where the files of a site are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SitePaths {
    /// Its `civicrm.settings.php`.
    pub settings: PathBuf,
    /// The folder of CiviCRM's code (`$civicrm_root`); `None` where only PHP can tell.
    pub root: Option<String>,
    /// The folder of compiled templates (`CIVICRM_TEMPLATE_COMPILEDIR`); `None` where only PHP can tell.
    pub compile_dir: Option<String>,
}

impl SitePaths {
    /// The paths of the site whose settings file or folder an argument names; `None` where it names none, or one that
    /// cannot be read.
    pub fn of(argument: &str) -> Option<Self> {
        let path = Path::new(argument);
        let file = match path.is_dir() {
            true => settings::site::find(path).ok()??,
            false => settings::is_settings(path).then(|| path.to_owned())?,
        };
        let read = SettingsFile::read(&file).ok()?;
        Some(Self {
            settings: file,
            root: read.root,
            compile_dir: read.compile_dir,
        })
    }
}
