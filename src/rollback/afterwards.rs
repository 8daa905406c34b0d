//! What is left to do besides the database, when a site goes back to its backup.

use crate::source::SitePaths;

/// What is left to do, in order, as sentences; with the paths of the site where they are known. `in_place` says that nothing
/// was set aside.
pub fn afterwards(
    paths: Option<&SitePaths>,
    cms: Option<&str>,
    release: Option<&str>,
    in_place: bool,
) -> Vec<String> {
    let release = release.map_or_else(String::new, |release| format!(" {release}"));
    let root = paths.and_then(|paths| paths.root.as_deref());
    let root = root.unwrap_or("$civicrm_root of civicrm.settings.php");
    let compiled = paths.and_then(|paths| paths.compile_dir.as_deref());
    let compiled = compiled.map(|folder| folder.trim_end_matches('/'));
    let compiled = compiled.unwrap_or("CIVICRM_TEMPLATE_COMPILEDIR of civicrm.settings.php");
    let settings = paths.map(|paths| paths.settings.display().to_string());
    let settings = settings.unwrap_or_else(|| "civicrm.settings.php".to_owned());
    let mut steps = vec![
        format!(
            "Put CiviCRM's code{release}, as it was at the time of the backup, in the place of the folder {root}, and the \
             settings file of that time in the place of {settings}."
        ),
        format!("Delete what is in the folder {compiled}: templates of the other release are compiled there."),
        "Empty the caches in the database, which are those of the time of the backup: cv flush, or \
         civicrm/menu/rebuild?reset=1."
            .to_owned(),
        "Log out and in again: a session may remember what the other release stored in it.".to_owned(),
        "Rebuild CiviCRM's menu and triggers: cv flush --triggers, or civicrm/menu/rebuild?reset=1&triggerRebuild=1."
            .to_owned(),
    ];
    if let Some(cms) = cms {
        steps.push(format!(
            "The tables of {cms} are those of now: turn the modules on again that were turned off for the upgrade, empty the \
             caches of {cms}, and compare users who came since with CiviCRM's contacts (civicrm_uf_match is that of the backup)."
        ));
    }
    let last = match in_place {
        true => "Look at the site, and let it online.",
        false => {
            "Look at the site, and let it online; then cividb rollback --finish removes the tables that are set aside."
        }
    };
    steps.push(last.to_owned());
    steps
}
