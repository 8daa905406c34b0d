//! Finds the settings file in the folder of a site.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::file;
use super::script::Interpreter;
use super::value::Value;
use super::{PhpPlace, SettingsError, SettingsFile};

/// The name of the file on every platform.
pub const NAME: &str = "civicrm.settings.php";

/// Joomla's settings files: its installer writes both, with the same DSN.
const JOOMLA: [&str; 2] = [
    "administrator/components/com_civicrm",
    "components/com_civicrm",
];

/// WordPress's folders: the second is for old sites; where both exist, the first is in use.
const WORDPRESS: [&str; 2] = ["wp-content/uploads/civicrm", "wp-content/plugins/civicrm"];

/// Standalone's folders: the second is for CiviCRM 2.x and 3.x.
const STANDALONE: [&str; 2] = ["private", "standalone"];

/// The web root, relative to the root of a site or of its Composer project.
const WEB_ROOTS: [&str; 3] = ["", "web", "docroot"];

/// Folders in which CiviCRM's code may be, and with it `settings_location.php`.
const CODE: [&str; 6] = [
    "",
    "sites/all/modules/civicrm",
    "modules/civicrm",
    "wp-content/plugins/civicrm/civicrm",
    "administrator/components/com_civicrm/civicrm",
    "libraries/civicrm",
];

/// The settings file of a site: of Drupal, Backdrop, Joomla, WordPress or Standalone, given the
/// folder of the site, the root of its Composer project, or the folder of the file itself.
/// Returns `None` if the folder holds no settings file.
///
/// # Errors
/// There are several settings files (a multi-site, or two of Joomla that disagree), or a folder in question
/// cannot be read.
pub fn find(folder: &Path) -> Result<Option<PathBuf>, SettingsError> {
    let mut search = Search::default();
    if search.look(folder) {
        return Ok(search.found.pop());
    }
    for root in WEB_ROOTS.map(|root| folder.join(root)) {
        search.look_in_joomla(&root);
        for folders in [WORDPRESS, STANDALONE] {
            let _ = folders.iter().any(|folder| search.look(&root.join(folder)));
        }
        search.look_in_each(&root.join("sites"));
    }
    if search.found.is_empty() {
        for root in WEB_ROOTS.map(|root| folder.join(root)) {
            for code in CODE {
                if let Some(sites) = settings_location(&root.join(code))?
                    && !search.look(&sites)
                {
                    search.look_in_each(&sites);
                }
            }
        }
    }
    search.finish(folder)
}

#[derive(Default)]
struct Search {
    found: Vec<PathBuf>,
    /// Why the first folder that could not be read was not.
    refused: Option<SettingsError>,
}

impl Search {
    /// Takes the settings file in this folder; returns whether there is one.
    fn look(&mut self, folder: &Path) -> bool {
        let path = folder.join(NAME);
        match fs::metadata(&path) {
            Ok(file) if file.is_file() => {
                self.found.push(path);
                true
            }
            Ok(_) => false,
            Err(error) => {
                self.refuse(&path, error);
                false
            }
        }
    }

    /// Takes the first of Joomla's two files; both if they name different databases.
    fn look_in_joomla(&mut self, root: &Path) {
        let login = |path: &PathBuf| SettingsFile::read(path).map(|file| file.dsn.login);
        let before = self.found.len();
        for folder in JOOMLA {
            self.look(&root.join(folder));
        }
        if let Some([first, second]) = self.found.get(before..) {
            let differ = matches!((login(first), login(second)), (Ok(a), Ok(b)) if a != b);
            self.found.truncate(before + if differ { 2 } else { 1 });
        }
    }

    /// Looks in the folder of each of Drupal's sites.
    fn look_in_each(&mut self, sites: &Path) {
        let entries = match fs::read_dir(sites) {
            Ok(entries) => entries,
            Err(error) => return self.refuse(sites, error),
        };
        let mut folders: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        folders.sort();
        for folder in folders {
            self.look(&folder);
        }
    }

    fn refuse(&mut self, path: &Path, error: io::Error) {
        let is_absent = matches!(
            error.kind(),
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
        );
        if !is_absent && self.refused.is_none() {
            self.refused = Some(SettingsError::Read {
                path: path.to_owned(),
                error,
            });
        }
    }

    fn finish(mut self, folder: &Path) -> Result<Option<PathBuf>, SettingsError> {
        // Sites of Drupal may be links to one another.
        let mut seen = Vec::new();
        self.found.retain(|path| {
            let file = path.canonicalize().unwrap_or_else(|_| path.clone());
            let is_new = !seen.contains(&file);
            seen.push(file);
            is_new
        });
        match (self.found.len(), self.refused) {
            (0, Some(error)) => Err(error),
            (0 | 1, _) => Ok(self.found.pop()),
            _ => Err(SettingsError::Several {
                folder: folder.to_owned(),
                files: self.found,
            }),
        }
    }
}

/// The folder that `settings_location.php` in the folder of CiviCRM's code names in `CIVICRM_CONFDIR`: the
/// settings file's own folder or the one above. A site needs it when the code folder is a link.
fn settings_location(code: &Path) -> Result<Option<PathBuf>, SettingsError> {
    const CONSTANT: &str = "CIVICRM_CONFDIR";
    let path = code.join("settings_location.php");
    if !path.is_file() {
        return Ok(None);
    }
    let mut script = Interpreter::new(CONSTANT);
    script.run(&path)?;
    Ok(match file::constant(&script, &path, CONSTANT)? {
        Some((Value::Text(folder), PhpPlace { .. })) => String::from_utf8(folder)
            .ok()
            .map(|folder| code.join(folder)),
        _ => None,
    })
}

/// The second settings file of a site that has two: that of Joomla's other part, or the old one of WordPress; with the
/// database that it names, where that can be told.
pub fn second(path: &Path) -> Option<(PathBuf, Option<String>)> {
    let [preferred, old] = WORDPRESS;
    let [administrator, site] = JOOMLA;
    let folder = path.parent()?;
    let other = [(preferred, old), (administrator, site)]
        .into_iter()
        .find_map(|(first, second)| {
            let levels = Path::new(first).components().count();
            let root = folder
                .ends_with(first)
                .then(|| folder.ancestors().nth(levels))??;
            let other = root.join(second).join(NAME);
            other.is_file().then_some(other)
        })?;
    let database = SettingsFile::read(&other)
        .ok()
        .and_then(|file| file.dsn.login.database);
    Some((other, database))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with settings files at these paths, each with a database of its own.
    fn site(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (at, file) in files.iter().enumerate() {
            write(
                &folder.path().join(file),
                &format!("<?php define('CIVICRM_DSN', 'mysql://u:p@h/d{at}');"),
            );
        }
        folder
    }

    fn write(path: &Path, text: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// What is found, without the folder's name.
    fn found(folder: &Path) -> String {
        let result = match find(folder) {
            Ok(Some(path)) => path.display().to_string(),
            Ok(None) => "none".to_owned(),
            Err(error) => error.to_string(),
        };
        result.replace(&format!("{}/", folder.display()), "")
    }

    #[test]
    fn every_platform_keeps_it_in_its_place() {
        let layouts = [
            "civicrm.settings.php",
            "sites/default/civicrm.settings.php",
            "sites/example.org/civicrm.settings.php",
            "web/sites/default/civicrm.settings.php",
            "docroot/sites/default/civicrm.settings.php",
            "administrator/components/com_civicrm/civicrm.settings.php",
            "components/com_civicrm/civicrm.settings.php",
            "wp-content/uploads/civicrm/civicrm.settings.php",
            "wp-content/plugins/civicrm/civicrm.settings.php",
            "web/wp-content/uploads/civicrm/civicrm.settings.php",
            "private/civicrm.settings.php",
            "standalone/civicrm.settings.php",
        ];
        for layout in layouts {
            let folder = site(&[layout]);
            assert_eq!(found(folder.path()), layout);
            let own = folder.path().join(layout);
            assert_eq!(found(own.parent().unwrap()), NAME, "{layout}");
        }
    }

    #[test]
    fn a_folder_without_one_gives_none() {
        let folder = site(&["sites/default/settings.php", "wp-content/uploads/x.php"]);
        assert_eq!(found(folder.path()), "none");
        assert_eq!(found(&folder.path().join("absent")), "none");
        // A folder of that name is not a file.
        fs::create_dir_all(folder.path().join("private").join(NAME)).unwrap();
        assert_eq!(found(folder.path()), "none");
    }

    #[test]
    fn a_multi_site_has_to_be_told_which() {
        let folder = site(&[
            "sites/default/civicrm.settings.php",
            "sites/b.org/civicrm.settings.php",
            "sites/all/readme.php",
        ]);
        let name = folder.path().display();
        assert_eq!(
            found(folder.path()),
            format!(
                "{name}: has several settings files, name one of them: \
                 sites/b.org/civicrm.settings.php, sites/default/civicrm.settings.php"
            )
        );
        assert_eq!(found(&folder.path().join("sites/b.org")), NAME);
    }

    #[test]
    fn wordpress_uses_the_one_in_uploads() {
        let folder = site(&[
            "wp-content/plugins/civicrm/civicrm.settings.php",
            "wp-content/uploads/civicrm/civicrm.settings.php",
        ]);
        assert_eq!(
            found(folder.path()),
            "wp-content/uploads/civicrm/civicrm.settings.php"
        );
    }

    #[test]
    fn joomla_has_two_that_should_agree() {
        let [administrator, site_part] = JOOMLA.map(|place| format!("{place}/{NAME}"));
        let folder = site(&[&administrator, &site_part]);
        assert!(found(folder.path()).ends_with(&format!("{administrator}, {site_part}")));
        let text = fs::read_to_string(folder.path().join(&administrator)).unwrap();
        write(&folder.path().join(&site_part), &text);
        assert_eq!(found(folder.path()), administrator);
        // A definition that cannot be known is not a reason to stop.
        write(&folder.path().join(&site_part), "<?php");
        assert_eq!(found(folder.path()), administrator);
    }

    #[test]
    fn links_between_sites_are_one_site() {
        let folder = site(&["sites/default/civicrm.settings.php"]);
        let sites = folder.path().join("sites");
        std::os::unix::fs::symlink("default", sites.join("example.org")).unwrap();
        assert_eq!(found(folder.path()), "sites/default/civicrm.settings.php");
    }

    #[test]
    fn settings_location_points_at_the_sites() {
        for (code, target) in [
            ("code", "elsewhere/sites"),
            ("code", "elsewhere/sites/default"),
            ("code/sites/all/modules/civicrm", "elsewhere/sites"),
        ] {
            let folder = site(&["elsewhere/sites/default/civicrm.settings.php"]);
            let target = folder.path().join(target);
            let location = format!(
                "<?php\ndefine( 'CIVICRM_CONFDIR', '{}' );\n?>",
                target.display()
            );
            let code = folder.path().join(code);
            write(&code.join("settings_location.php"), &location);
            let path = find(&folder.path().join("code")).unwrap().unwrap();
            assert!(path.ends_with("elsewhere/sites/default/civicrm.settings.php"));
        }
        let folder = site(&["sites/default/civicrm.settings.php"]);
        let code = folder.path().join("civicrm");
        write(
            &code.join("settings_location.php"),
            "<?php define('CIVICRM_CONFDIR', dirname(__DIR__) . '/sites');",
        );
        assert!(find(&code).unwrap().is_some());
        write(
            &code.join("settings_location.php"),
            "<?php define('CIVICRM_CONFDIR', getenv('SITES'));",
        );
        let error = find(&code).unwrap_err().to_string();
        assert!(
            error.contains("line 1: CIVICRM_CONFDIR is made of getenv('SITES')"),
            "{error}"
        );
    }
}
