//! Finds the sites of a machine: every settings file under a folder, whatever the layout of its host.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::error::SourceError;
use crate::settings::SettingsFile;
use crate::settings::site::NAME;

/// How many folders deep to look. The deepest known layout is that of a network of WordPress sites with Plesk, which from
/// `/var/www` takes eight: `vhosts/DOMAIN/httpdocs/wp-content/uploads/sites/3/civicrm`; a subdomain adds one.
const DEEPEST: usize = 9;

/// Whether a folder has many files and no settings file in it: code that tools install, and what users of Drupal upload. No
/// name is enough that an account or a site may have as well; those of WordPress upload into folders beside CiviCRM's.
fn is_passed_over(path: &Path, name: &str) -> bool {
    let parent = path.parent().unwrap_or(Path::new(""));
    match name {
        "node_modules" | "templates_c" | "wp-includes" => true,
        "vendor" => path.join("autoload.php").is_file(),
        "files" => parent.join("settings.php").is_file(),
        _ => name.starts_with('.'),
    }
}

/// The settings files under a folder, sorted, each once however many links lead to it; in between what could not be
/// looked into. It finds those of Aegir (`platforms/PLATFORM/sites/SITE`), Plesk (`vhosts/DOMAIN/httpdocs`), cPanel
/// (`home/ACCOUNT/public_html`), a multi-site of Drupal (`sites/SITE`), WordPress, Joomla and Standalone. Links to folders
/// are not followed.
pub fn discover(folder: &Path) -> Vec<Result<PathBuf, SourceError>> {
    let mut found = Vec::new();
    let mut folders = vec![(folder.to_owned(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) => {
                found.push((
                    folder.clone(),
                    Err(SourceError::Folder {
                        path: folder,
                        error,
                    }),
                ));
                continue;
            }
        };
        for entry in entries.flatten() {
            let (path, name) = (entry.path(), entry.file_name());
            if name == NAME && path.is_file() {
                found.push((path.clone(), Ok(path)));
                continue;
            }
            if depth < DEEPEST
                && !is_passed_over(&path, &name.to_string_lossy())
                && entry.file_type().is_ok_and(|kind| kind.is_dir())
            {
                folders.push((path, depth + 1));
            }
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    let mut seen = HashSet::new();
    let found = found.into_iter().map(|(_, found)| found);
    let of_a_site = found.filter(|found| match found {
        Ok(path) => !is_second(path) && seen.insert(path.canonicalize().unwrap_or(path.clone())),
        Err(_) => true,
    });
    of_a_site.collect()
}

/// Whether a site has this settings file besides the one that is in use: WordPress keeps an old one, and Joomla the
/// same twice.
fn is_second(path: &Path) -> bool {
    let other = |tail: &str, first: &str| {
        let root = path.to_str()?.strip_suffix(tail)?;
        let first = PathBuf::from(format!("{root}{first}"));
        first.is_file().then_some(first)
    };
    if other(
        "plugins/civicrm/civicrm.settings.php",
        "uploads/civicrm/civicrm.settings.php",
    )
    .is_some()
    {
        return true;
    }
    let tail = "/components/com_civicrm/civicrm.settings.php";
    let Some(first) = other(tail, &format!("/administrator{tail}")) else {
        return false;
    };
    let login = |path: &Path| SettingsFile::read(path).map(|file| file.dsn.login);
    !matches!((login(&first), login(path)), (Ok(a), Ok(b)) if a != b)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn site(root: &Path, path: &str, database: &str) {
        let file = root.join(path).join(NAME);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        let text = format!("<?php define('CIVICRM_DSN', 'mysql://u:p@h/{database}');");
        fs::write(file, text).unwrap();
    }

    fn found(root: &Path) -> Vec<String> {
        let found = discover(root).into_iter().map(|it| match it {
            Ok(path) => path.display().to_string(),
            Err(error) => error.to_string(),
        });
        let root = format!("{}/", root.display());
        found
            .map(|it| it.replace(&root, "").replace(&format!("/{NAME}"), ""))
            .collect()
    }

    #[test]
    fn the_sites_of_every_layout_are_found_once() {
        let folder = tempfile::tempdir().unwrap();
        let layouts = [
            "aegir/platforms/drupal-10/sites/a.org",
            "aegir/platforms/drupal-10/sites/b.org",
            "home/account/public_html/administrator/components/com_civicrm",
            "home/account/public_html/wordpress/wp-content/uploads/2026/civicrm",
            "home/account/public_html/wordpress/wp-content/uploads/civicrm",
            "home/account/public_html/wordpress/wp-content/uploads/sites/3/civicrm",
            "vhosts/example.org/httpdocs/web/sites/default",
            "vhosts/example.org/sub.example.org/private",
        ];
        for (at, layout) in layouts.iter().enumerate() {
            site(folder.path(), layout, &format!("d{at}"));
        }
        // The same site again: by a link, in Joomla's second file and in WordPress's old one.
        let sites = folder.path().join("aegir/platforms/drupal-10/sites");
        symlink("a.org", sites.join("www.a.org")).unwrap();
        fs::create_dir(sites.join("alias")).unwrap();
        symlink(
            sites.join("b.org").join(NAME),
            sites.join("alias").join(NAME),
        )
        .unwrap();
        let html = "home/account/public_html";
        site(
            folder.path(),
            &format!("{html}/components/com_civicrm"),
            "d2",
        );
        let old = format!("{html}/wordpress/wp-content/plugins/civicrm");
        site(folder.path(), &old, "d3");
        // No sites: in code, in a folder of that name.
        let vendor = folder.path().join("home/account/vendor");
        site(&vendor, "civicrm", "no");
        fs::write(vendor.join("autoload.php"), "").unwrap();
        fs::create_dir_all(folder.path().join("home/other").join(NAME)).unwrap();
        let mut expected = layouts.to_vec();
        // The first of two names in order of the alphabet.
        expected[1] = "aegir/platforms/drupal-10/sites/alias";
        assert_eq!(found(folder.path()), expected);
    }

    #[test]
    fn joomla_s_two_files_are_two_sites_where_they_name_two_databases() {
        let folder = tempfile::tempdir().unwrap();
        site(folder.path(), "administrator/components/com_civicrm", "a");
        site(folder.path(), "components/com_civicrm", "b");
        assert_eq!(found(folder.path()).len(), 2);
    }

    #[test]
    fn what_cannot_be_looked_into_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let absent = folder.path().join("absent");
        let said = found(&absent);
        assert!(
            said[0].contains("absent: cannot list the folder"),
            "{said:?}"
        );
    }
}
