//! Rules about `civicrm.settings.php`: what the release, or the one to upgrade to, needs in it, no longer reads, or
//! reads in another form. They know the file and the release alone, and where somebody has looked for
//! them, the folders that it names.

mod databases;
mod disk;
mod line;
mod needed;
mod overrides;

use super::check::Check;

/// The checks of this folder, in the order in which reports list them.
pub(super) const CHECKS: &[&Check] = &[
    &needed::SETTINGS_REQUIRED,
    &needed::SETTINGS_CLASS_LOADER,
    &needed::SETTINGS_KEYS,
    &needed::SETTINGS_SITE_KEY,
    &databases::SETTINGS_DSN,
    &databases::SETTINGS_UF_DSN,
    &databases::SETTINGS_SECOND,
    &overrides::SETTINGS_OVERRIDE_FORM,
    &overrides::SETTINGS_OVERRIDE_NAME,
    &overrides::SETTINGS_NOT_TAKEN_OVER,
    &overrides::SETTINGS_OBSOLETE,
    &needed::SETTINGS_CMS,
    &disk::SETTINGS_READABLE,
    &disk::SETTINGS_PATH,
];
