//! The rows of a site that readers keep: those of CiviCRM's own small tables, and of the CMS's.

use crate::snapshot::RowsWanted;

/// The rows of which something is told elsewhere; readers keep only these.
pub const ROWS_WANTED: &[RowsWanted] = &[
    RowsWanted::all("civicrm_domain"),
    RowsWanted::all("civicrm_custom_group"),
    RowsWanted::all("civicrm_custom_field"),
    RowsWanted::some("civicrm_setting", SETTINGS),
    RowsWanted::some("civicrm_log", &[b"upgrade:"]),
    RowsWanted::all("civicrm_extension"),
    RowsWanted::all("civicrm_option_group"),
    // Rows to which the new rows of upgrade steps refer.
    RowsWanted::all("civicrm_country"),
    RowsWanted::all("civicrm_worldregion"),
    RowsWanted::all("civicrm_mailing_bounce_type"),
    RowsWanted::all("civicrm_membership_status"),
    RowsWanted::some("civicrm_queue_item", &[b"CRM_Upgrade"]),
    // What the site does by itself: jobs, cron, mailings that go out.
    RowsWanted::all("civicrm_job"),
    RowsWanted::some("civicrm_status_pref", &[b"checkLastCron"]),
    RowsWanted::some("civicrm_mailing_job", &[b"Running", b"Scheduled"]),
    // Paths and URLs of 3.3 to 4.0.
    RowsWanted::some("civicrm_option_value", PATHS),
    // Who of the CMS is which contact; the cached menu; the roles of Standalone.
    RowsWanted::all("civicrm_uf_match").only(&["id", "domain_id", "uf_id", "contact_id"]),
    RowsWanted::all("civicrm_menu").only(&["path", "page_callback", "access_callback"]),
    RowsWanted::all("civicrm_role"),
    // The CMS; the columns tell its tables, whatever the prefix.
    of_cms(
        "variable",
        &["name", "value"],
        &[
            b"site_frontpage",
            b"maintenance_mode",
            b"site_offline",
            b"front_page_enable",
        ],
        "name IN ('site_frontpage', 'maintenance_mode', 'site_offline', 'front_page_enable')",
    ),
    of_cms(
        "system",
        &[
            "filename",
            "name",
            "type",
            "status",
            "schema_version",
            "info",
        ],
        &[b"module"],
        "type = 'module'",
    ),
    of_cms("role", &["rid", "name"], &[], "1 = 1"),
    of_cms(
        "role_permission",
        &["rid", "permission", "module"],
        &[b"civicrm"],
        "module = 'civicrm'",
    ),
    of_cms("permission", &["rid", "perm"], &[], "1 = 1"),
    of_cms(
        "config",
        &["collection", "name", "data"],
        &[b"system.site", b"core.extension", b"user.role."],
        "(name IN ('system.site', 'core.extension') OR name LIKE 'user.role.%')",
    ),
    of_cms(
        "key_value",
        &["collection", "name", "value"],
        &[b"system.maintenance_mode"],
        "name = 'system.maintenance_mode'",
    ),
    of_cms(
        "state",
        &["name", "value"],
        &[b"maintenance_mode"],
        "name = 'maintenance_mode'",
    ),
    of_cms(
        "options",
        &["option_id", "option_name", "option_value"],
        &[
            b"active_plugins",
            b"show_on_front",
            b"page_on_front",
            b"user_roles",
        ],
        "(option_name IN ('active_plugins', 'show_on_front', 'page_on_front') OR option_name LIKE '%user_roles')",
    ),
    of_cms(
        "posts",
        &["ID", "post_content", "post_name", "post_type"],
        &[b"[civicrm", b"'civicrm'"],
        "post_type = 'page' AND (post_name = 'civicrm' OR post_content LIKE '%[civicrm%')",
    ),
    of_cms(
        "extensions",
        &["extension_id", "type", "element", "folder", "enabled"],
        &[b"civicrm"],
        "element LIKE '%civicrm%'",
    ),
    of_cms(
        "menu",
        &["id", "link", "home", "published", "client_id"],
        &[b"com_civicrm"],
        "link LIKE '%com_civicrm%'",
    ),
    of_cms(
        "assets",
        &["id", "name", "title", "rules"],
        &[b"com_civicrm"],
        "name = 'com_civicrm'",
    ),
    of_cms("usergroups", &["id", "parent_id", "title"], &[], "1 = 1"),
    // Paths of CiviCRM that Drupal knows, and other names of them.
    of_cms(
        "menu_router",
        &["path", "page_callback", "access_callback"],
        &[b"civicrm"],
        "path = 'civicrm'",
    )
    .only(&["path", "page_callback"]),
    of_cms(
        "path_alias",
        &["path", "alias"],
        &[b"/civicrm"],
        "path LIKE '/civicrm%'",
    ),
    of_cms(
        "url_alias",
        &["src", "dst"],
        &[b"civicrm"],
        "src LIKE 'civicrm%'",
    ),
    of_cms(
        "url_alias",
        &["source", "alias"],
        &[b"/civicrm"],
        "source LIKE '/civicrm%'",
    ),
    // The accounts of Drupal and Backdrop, of WordPress, of Joomla.
    of_cms("users", &["uid"], &[], "1 = 1").only(&["uid"]),
    of_cms("users", &["ID", "user_login"], &[], "1 = 1").only(&["ID"]),
    of_cms("users", &["id", "username"], &[], "1 = 1").only(&["id"]),
];

/// Settings that something is told of, by parts of their names.
const SETTINGS: &[&[u8]] = &[
    b"logging",
    b"enable_components",
    b"debug",
    b"backtrace",
    b"environment",
    b"mailing_backend",
    b"site_id",
    b"enable_innodb_fts",
    b"core_maintenance_mode",
    b"wpBasePage",
    b"lcMessages",
    b"uploadDir",
    b"UploadDir",
    b"customFileUploadDir",
    b"customTemplateDir",
    b"customPHPPathDir",
    b"extensionsDir",
    b"extensionsURL",
    b"userFrameworkResourceURL",
    b"imageUploadURL",
    b"customCSSURL",
];

/// Settings of paths and URLs in the tables of 3.3 to 4.0.
const PATHS: &[&[u8]] = &[
    b"uploadDir",
    b"UploadDir",
    b"customTemplateDir",
    b"customPHPPathDir",
    b"extensionsDir",
    b"userFrameworkResourceURL",
    b"imageUploadURL",
    b"customCSSURL",
];

/// Rows of a table of the CMS.
const fn of_cms(
    table: &'static str,
    columns: &'static [&'static str],
    containing: &'static [&'static [u8]],
    condition: &'static str,
) -> RowsWanted {
    RowsWanted {
        table,
        columns,
        containing,
        condition,
        kept: &[],
    }
}
