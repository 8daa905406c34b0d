//! Which files belong to a site, so that its settings file may include them.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Folders of a web root, below which settings files are.
const BELOW_ROOT: [&str; 6] = [
    "sites",
    "wp-content",
    "administrator",
    "components",
    "private",
    "standalone",
];

/// Drupal's folder of sites, each in a folder of its own, and the one that belongs to all of them.
const SITES: &str = "sites";
const ALL: &str = "all";

/// Whether a file belongs to the site of a settings file: it lies in the site's tree, or has the same owner as the
/// settings file. Links count for what they lead to.
pub(super) fn is_own(settings: &Path, file: &Path) -> bool {
    let owner = |path: &Path| path.metadata().map(|it| it.uid()).ok();
    let is_same_owner = owner(settings).is_some_and(|uid| owner(file) == Some(uid));
    is_same_owner || is_in_tree(settings, file)
}

fn is_in_tree(settings: &Path, file: &Path) -> bool {
    let (Ok(settings), Ok(file)) = (settings.canonicalize(), file.canonicalize()) else {
        return false;
    };
    let folder = settings.parent().unwrap_or(&settings);
    let mut root = folder;
    for above in folder.ancestors() {
        let name = above.file_name().and_then(|name| name.to_str());
        if name.is_some_and(|name| BELOW_ROOT.contains(&name)) {
            root = above.parent().unwrap_or(above);
        }
    }
    if !file.starts_with(root) {
        return false;
    }
    // Other sites of Drupal lie in the same tree.
    match (site_of(&file), site_of(&settings)) {
        (Some(other), Some(own)) => other == own || other.ends_with(Path::new(SITES).join(ALL)),
        _ => true,
    }
}

/// The folder of one of Drupal's sites in which a file lies.
fn site_of(file: &Path) -> Option<PathBuf> {
    let mut folders = file.ancestors();
    let site = folders.find(|folder| {
        let parent = folder.parent().and_then(Path::file_name);
        parent.is_some_and(|name| name == SITES)
    });
    site.map(Path::to_owned)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_sites_own_tree_is_not_that_of_its_neighbours() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, "<?php").unwrap();
            path
        };
        let settings = path("www/sites/a/civicrm.settings.php");
        for (file, expected) in [
            ("www/sites/a/dsn.php", true),
            ("www/sites/a/deep/dsn.php", true),
            ("www/sites/all/dsn.php", true),
            ("www/settings.php", true),
            ("www/sites/b/civicrm.settings.php", false),
            ("www/sites/all.example.org/dsn.php", false),
            ("other/sites/a/civicrm.settings.php", false),
            ("dsn.php", false),
        ] {
            assert_eq!(is_in_tree(&settings, &path(file)), expected, "{file}");
        }
        let link = folder.path().join("www/sites/a/link.php");
        std::os::unix::fs::symlink(path("other/secret.php"), &link).unwrap();
        assert!(!is_in_tree(&settings, &link));
        let alone = path("home/civicrm.settings.php");
        assert!(is_in_tree(&alone, &path("home/dsn.php")));
        assert!(!is_in_tree(&alone, &path("dsn.php")));
    }
}
