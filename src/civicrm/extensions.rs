//! Extensions of CiviCRM that come with it, or that an upgrade takes out.

use super::release::Version;

/// Extensions that an upgrade step turns off, or takes out, because CiviCRM does without: the key, and the first release
/// whose upgrade does so. Source: the steps of these releases.
const OBSOLETE: [(&str, (u32, u32)); 14] = [
    ("com.ixiam.modules.quicksearch", (5, 8)),
    ("uk.squiffle.kam", (5, 12)),
    ("com.aghstrategies.slicknav", (5, 12)),
    ("de.systopia.recentitems", (5, 12)),
    ("org.civicrm.api4", (5, 19)),
    ("org.civicrm.exportui", (5, 23)),
    ("com.civibridge.quickmenu", (5, 24)),
    ("org.civicrm.afform-gui", (5, 35)),
    ("org.civicrm.angularex", (5, 69)),
    ("biz.jmaconsulting.contributionpagecustomfield", (5, 81)),
    ("hotfix_extup", (6, 1)),
    ("minifier", (6, 12)),
    ("nonprimaryquicksearch", (6, 13)),
    ("secondaryquicksearch", (6, 13)),
];

/// Extensions that became part of CiviCRM: the key, and the release whose upgrade turns it on. Source: the steps of these
/// releases. The components are not among them, which no site had as extensions before.
const SINCE: [(&str, (u32, u32)); 23] = [
    ("sequentialcreditnotes", (5, 24)),
    ("eventcart", (5, 29)),
    ("financialacls", (5, 30)),
    ("ewaysingle", (5, 31)),
    ("greenwich", (5, 31)),
    ("contributioncancelactions", (5, 32)),
    ("recaptcha", (5, 37)),
    ("payflowpro", (5, 38)),
    ("ckeditor4", (5, 40)),
    ("legacycustomsearches", (5, 41)),
    ("civigrant", (5, 47)),
    ("elavon", (5, 54)),
    ("org.civicrm.search_kit", (5, 57)),
    ("org.civicrm.flexmailer", (5, 57)),
    ("authx", (5, 67)),
    ("org.civicrm.afform", (5, 67)),
    ("tellafriend", (5, 75)),
    ("afform_login_token", (5, 79)),
    ("legacydedupefinder", (6, 0)),
    ("civiimport", (6, 2)),
    ("legacyprofiles", (6, 5)),
    ("legacybatchentry", (6, 6)),
    ("chart_kit", (6, 12)),
];

/// The release whose upgrade turns an extension on that comes with CiviCRM from then on; `None` for other extensions.
pub fn since(key: &str) -> Option<(u32, u32)> {
    let found = SINCE.iter().find(|(known, _)| *known == key);
    found.map(|(_, since)| *since)
}

/// Whether an extension is a component of CiviCRM, which are extensions from 5.63 on.
pub fn is_component(key: &str) -> bool {
    matches!(
        key,
        "civi_campaign"
            | "civi_case"
            | "civi_contribute"
            | "civi_event"
            | "civi_mail"
            | "civi_member"
            | "civi_pledge"
            | "civi_report"
    )
}

/// Extensions that lie in CiviCRM's own code, in the folder `ext` or as a component (5.24 to 6.15).
const SHIPPED: [&str; 44] = [
    "afform_login_token",
    "authx",
    "chart_kit",
    "civi_campaign",
    "civi_case",
    "civi_contribute",
    "civi_event",
    "civi_mail",
    "civi_member",
    "civi_pledge",
    "civi_report",
    "civicrm_admin_ui",
    "civicrm_search_ui",
    "civigrant",
    "civiimport",
    "ckeditor4",
    "contributioncancelactions",
    "elavon",
    "eventcart",
    "ewaysingle",
    "financialacls",
    "greenwich",
    "iframe",
    "legacybatchentry",
    "legacycustomsearches",
    "legacydedupefinder",
    "legacyprofiles",
    "message_admin",
    "oauth-client",
    "org.civicrm.afform",
    "org.civicrm.afform-html",
    "org.civicrm.afform-mock",
    "org.civicrm.afform_admin",
    "org.civicrm.flexmailer",
    "org.civicrm.search",
    "org.civicrm.search_kit",
    "payflowpro",
    "recaptcha",
    "riverlea",
    "scheduled_communications",
    "sequentialcreditnotes",
    "standaloneusers",
    "tellafriend",
    "user_dashboard",
];

/// Whether an extension comes with CiviCRM itself, in some release.
pub fn is_shipped(key: &str) -> bool {
    SHIPPED.contains(&key)
}

/// Whether an upgrade from one release to another takes an extension out.
pub fn is_taken_out(key: &str, from: &Version, target: &Version) -> bool {
    let step = OBSOLETE.iter().find(|(obsolete, _)| *obsolete == key);
    step.is_some_and(|(_, since)| from.major_minor() < *since && target.major_minor() >= *since)
}

/// Whether a release does without an extension, so that an earlier upgrade should have taken it out.
pub fn is_obsolete(key: &str, release: &Version) -> bool {
    let step = OBSOLETE.iter().find(|(obsolete, _)| *obsolete == key);
    step.is_some_and(|(_, since)| release.major_minor() >= *since)
}
