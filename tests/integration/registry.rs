//! Every check finds what it is for, says it as its example does, and is silent where nothing is wrong.

use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, SystemTime};

use cividb::case::Case;
use cividb::checks::{
    self, Examination, Findings, Group, MaxAge, OtherSource, Privileges, Rows, Selection, Severity,
    examine, registry,
};
use cividb::civicrm::privileges::needed_for_upgrade;
use cividb::civicrm::release::Version;
use cividb::contents::comparison::{self, Comparison, Side};
use cividb::contents::digest::Hashes;
use cividb::dump::container::Progress;
use cividb::exit::Exit;
use cividb::grants::{self, Grants};
use cividb::integrity::ExportOptions;
use cividb::integrity::dump::gather;
use cividb::integrity::for_upgrade::row_answers;
use cividb::integrity::question::questions;
use cividb::preflight;
use cividb::report::{Report, Verdict};
use cividb::schema::model::{Account, Event, RoutineKind, View};
use cividb::server_version::ServerVersion;
use cividb::settings::SettingsFacts;
use cividb::snapshot::{ObjectKind, ServerFacts, Snapshot, SourceKind};
use cividb::source::Location;

use crate::common;
use crate::multilingual;
use crate::settings;

/// A source that has one thing wrong with it.
enum Source {
    /// The sample, with other texts in place of those that it holds.
    Sample(&'static [(&'static str, &'static str)]),
    /// The same, to be upgraded to a release.
    Upgrade(&'static str, &'static [(&'static str, &'static str)]),
    /// The first bytes of the sample as it is packed.
    Packed(usize),
    /// The sample, changed in another way.
    Made(fn(Vec<u8>) -> Vec<u8>),
    /// The sample changed so, compared with the sample as it is.
    After(&'static [(&'static str, &'static str)]),
    /// A dump of its own.
    Text(&'static str),
    /// The sample as the backup of a site that has changed since.
    Backup(fn(&mut Snapshot)),
    /// The sample as a backup that may be so old, two days after it was made.
    Old(Duration),
    /// The settings file of a Drupal site of a release, with a text in place of one that it holds, and its mode.
    Settings(&'static str, (&'static str, &'static str), u32),
    /// The settings file of a site of a CMS at a path, and another file of the site.
    Beside(&'static str, &'static str, (&'static str, &'static str)),
    /// The sample changed so, to be upgraded where a release is named, on a machine with these extensions: the name of the
    /// folder of each, and its `info.xml`.
    Disk(
        Option<&'static str>,
        &'static [(&'static str, &'static str)],
        &'static [(&'static str, &'static str)],
    ),
    /// The sample on a server that has something wrong with it.
    Server(fn(&mut Snapshot, &mut ServerFacts)),
}

use Source::{
    After, Backup, Beside, Disk, Made, Old, Packed, Sample, Server, Settings, Text, Upgrade,
};

const HEAD: &str = "/*!40101 SET NAMES utf8mb4 */;";
const LAST_LINE: &str = "-- Dump completed on 2025-05-01  2:00:07";
const VERSION: &str = "'5.81.2'";
const REGIONS: &str = "CREATE TABLE `civicrm_worldregion` (";
const REGION_ROWS: &str = "VALUES (1,'Europe'),(2,'Africa')";
const EMAIL_KEY: &str = "  KEY `UI_email` (`email`),\n";
const DOMAIN_KEY: &str = "CONSTRAINT `FK_civicrm_domain_contact_id` FOREIGN KEY (`contact_id`) REFERENCES \
                          `civicrm_contact` (`id`)";

/// The last line of the sample, as a literal.
macro_rules! last_line {
    () => {
        "-- Dump completed on 2025-05-01  2:00:07"
    };
}

/// Tables of Drupal 7, in which the module civicrm has this status.
macro_rules! drupal_7 {
    ($status:literal) => {
        concat!(
            "CREATE TABLE `system` (`filename` varchar(255), `name` varchar(255), `type` varchar(12), `status` int, \
             `schema_version` int, `info` blob) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;\n\
             CREATE TABLE `variable` (`name` varchar(128), `value` blob) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;\n\
             CREATE TABLE `role` (`rid` int, `name` varchar(64)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;\n\
             CREATE TABLE `role_permission` (`rid` int, `permission` varchar(128), `module` varchar(255)) ENGINE=InnoDB \
             DEFAULT CHARSET=utf8mb4;\n\
             INSERT INTO `system` VALUES ('sites/all/modules/civicrm/drupal/civicrm.module','civicrm','module',",
            $status,
            ",7400,NULL);\nINSERT INTO `role` VALUES (1,'anonymous user'),(3,'editor');\n\
             INSERT INTO `role_permission` VALUES (3,'access CiviCRM','civicrm');\n"
        )
    };
}

/// A row of an extension that is on.
macro_rules! own_extension {
    ($key:literal) => {
        concat!(
            "INSERT INTO `civicrm_extension` (`id`,`full_name`,`is_active`) VALUES (901,'",
            $key,
            "',1);\n"
        )
    };
}

/// Nothing is wrong with it, and nothing in it runs as an account that a server may lack.
const HEALTHY_DUMP: Source = Sample(&[("DEFINER=`civicrm`@`localhost`", "")]);
const HEALTHY_SERVER: Source = Server(|_, _| {});

/// A source for each check, in which it finds its example and nothing else.
const FIRING: &[(&str, Source)] = &[
    ("dump-unreadable", Packed(56_277)),
    ("dump-truncated", Sample(&[(LAST_LINE, "")])),
    ("dump-empty", Text("")),
    (
        "dump-error-text",
        Sample(&[(
            HEAD,
            "mysqldump: [Warning] Using a password on the command line is insecure.\n",
        )]),
    ),
    (
        "dump-damaged",
        Sample(&[(REGION_ROWS, "VALUES (1,'Europe'),(2,")]),
    ),
    (
        "dump-encoding",
        Sample(&[(HEAD, "/*!40101 SET NAMES latin1 */;")]),
    ),
    (
        "dump-no-structure",
        Text("INSERT INTO `civicrm_worldregion` VALUES (1,'Europe'),(2,'Africa');\n"),
    ),
    (
        "dump-no-data",
        Sample(&[(
            "INSERT INTO `civicrm_domain` VALUES (1,'Neighbours\\' Table',NULL,'5.81.2',1,NULL,NULL);",
            "",
        )]),
    ),
    (
        "dump-no-end",
        Text("CREATE TABLE `civicrm_worldregion` (`id` int);\n"),
    ),
    ("dump-no-civicrm", Text("CREATE TABLE `menu` (`id` int);\n")),
    ("backup-old", Old(Duration::from_secs(26 * 3600))),
    (
        "table-missing",
        Sample(&[(REGIONS, "CREATE TABLE `other` (")]),
    ),
    (
        "view-missing",
        Sample(&[(
            HEAD,
            "/*!50001 CREATE VIEW `civicrm_country_en_US` AS SELECT 1 AS `id` */;\n",
        )]),
    ),
    (
        "trigger-missing",
        Sample(&[(
            "TRIGGER civicrm_activity_before_insert before",
            "TRIGGER other before",
        )]),
    ),
    (
        "routine-missing",
        Sample(&[("FUNCTION `civicrm_strip_non_numeric`(", "FUNCTION `other`(")]),
    ),
    (
        "reference-broken",
        Sample(&[(
            "ON civicrm_activity FOR EACH ROW BEGIN\nSET NEW.created_date =",
            "ON civicrm_activity FOR EACH ROW BEGIN\nSET NEW.made =",
        )]),
    ),
    (
        "name-letter-case",
        Server(|snapshot, facts| {
            let tables = &mut snapshot.schema.tables;
            let table = tables.shift_remove("civicrm_value_volunteering_1");
            tables.extend(table.map(|table| ("civicrm_value_Volunteering_1".to_owned(), table)));
            let variable = "lower_case_table_names".to_owned();
            facts.variables.insert(variable, "0".to_owned());
        }),
    ),
    (
        "event-missing",
        Backup(|site| {
            let event = Event {
                definer: None,
                definition: "ON SCHEDULE EVERY 1 DAY DO SELECT 1".to_owned(),
                sql_mode: None,
            };
            site.schema.events.insert("nightly".to_owned(), event);
        }),
    ),
    (
        "rows-differ",
        Backup(|site| {
            site.row_counts.insert("civicrm_contact".to_owned(), 1000);
        }),
    ),
    (
        "table-extra",
        Sample(&[(
            HEAD,
            "CREATE TABLE `civicrm_site_email_address` (`id` int unsigned NOT NULL PRIMARY KEY);",
        )]),
    ),
    (
        "column-missing",
        Sample(&[("  `hold_date` datetime DEFAULT NULL,\n", "")]),
    ),
    (
        "column-differs",
        Sample(&[(
            "  `hold_date` datetime DEFAULT NULL",
            "  `hold_date` varchar(20) DEFAULT NULL",
        )]),
    ),
    (
        "column-extra",
        Sample(&[(
            REGIONS,
            "CREATE TABLE `civicrm_worldregion` (\n  `size` int,",
        )]),
    ),
    (
        "fk-missing",
        Sample(&[(DOMAIN_KEY, "KEY `other` (`version`)")]),
    ),
    (
        "fk-name",
        Sample(&[(
            "CONSTRAINT `FK_civicrm_domain_contact_id`",
            "CONSTRAINT `civicrm_domain_ibfk_1`",
        )]),
    ),
    (
        "fk-differs",
        Sample(&[(
            DOMAIN_KEY,
            "CONSTRAINT `FK_civicrm_domain_contact_id` FOREIGN KEY (`contact_id`) REFERENCES \
             `civicrm_contact` (`id`) ON DELETE CASCADE",
        )]),
    ),
    (
        "fk-extra",
        Sample(&[(
            REGIONS,
            "CREATE TABLE `civicrm_worldregion` (\n  CONSTRAINT `other` FOREIGN KEY (`id`) REFERENCES \
             `civicrm_country` (`id`),",
        )]),
    ),
    ("index-missing", Sample(&[(EMAIL_KEY, "")])),
    (
        "index-differs",
        Sample(&[(EMAIL_KEY, "  KEY `UI_email` (`email`,`on_hold`),\n")]),
    ),
    (
        "index-extra",
        Sample(&[(
            EMAIL_KEY,
            "  KEY `UI_email` (`email`),\n  KEY `other` (`on_hold`),\n",
        )]),
    ),
    (
        "engine-differs",
        Sample(&[(
            "`name` varchar(128) COLLATE utf8mb4_unicode_ci DEFAULT NULL,\n  PRIMARY KEY (`id`)\n) ENGINE=InnoDB",
            "`name` varchar(128) COLLATE utf8mb4_unicode_ci DEFAULT NULL,\n  PRIMARY KEY (`id`)\n) ENGINE=MyISAM",
        )]),
    ),
    (
        "charset-differs",
        Sample(&[(
            "`name` varchar(128) COLLATE utf8mb4_unicode_ci DEFAULT NULL,\n  PRIMARY KEY (`id`)\n) \
             ENGINE=InnoDB AUTO_INCREMENT=3 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci",
            "`name` varchar(128) DEFAULT NULL,\n  PRIMARY KEY (`id`)\n) \
             ENGINE=InnoDB AUTO_INCREMENT=3 DEFAULT CHARSET=utf8",
        )]),
    ),
    ("version-schema-mismatch", Sample(&[(VERSION, "'5.75.0'")])),
    (
        "program-differs",
        Sample(&[(
            "TRIGGER civicrm_phone_before_update before update ON civicrm_phone FOR EACH ROW BEGIN\nSET \
             NEW.phone_numeric = civicrm_strip_non_numeric(NEW.phone);",
            "TRIGGER civicrm_phone_before_update before update ON civicrm_phone FOR EACH ROW BEGIN\nSET @a = 1;",
        )]),
    ),
    (
        "grant-missing",
        Server(|_, facts| {
            facts.grants = granted(
                "ALTER, CREATE, CREATE TEMPORARY TABLES, CREATE VIEW, \
            DELETE, DROP, INDEX, INSERT, LOCK TABLES, REFERENCES, SELECT, UPDATE, CREATE ROUTINE, ALTER ROUTINE, \
            EXECUTE, SHOW VIEW",
            )
        }),
    ),
    (
        "role-not-active",
        Server(|_, facts| {
            facts.grants = Some(Grants::parse(
                "GRANT USAGE ON *.* TO `civicrm`@`localhost`;\nGRANT `upgrader` TO `civicrm`@`localhost`;",
            ));
        }),
    ),
    (
        "trigger-privilege-binlog",
        Server(|_, facts| {
            facts
                .variables
                .insert("log_bin".to_owned(), "ON".to_owned());
        }),
    ),
    (
        "server-too-old",
        Server(|snapshot, _| snapshot.source.server_version = ServerVersion::parse("5.5.62")),
    ),
    (
        "server-setting",
        Server(|_, facts| {
            facts
                .variables
                .insert("thread_stack".to_owned(), "131072".to_owned());
        }),
    ),
    (
        "definer-missing",
        Server(|_, facts| facts.accounts = Some(Vec::new())),
    ),
    (
        "definer-privileges",
        Server(|_, facts| {
            let account = Account {
                user: "civicrm".to_owned(),
                host: "localhost".to_owned(),
            };
            let granted = Grants::parse("GRANT USAGE ON *.* TO `civicrm`@`localhost`");
            facts.definer_grants.insert(account.clone(), Some(granted));
            facts.accounts = Some(vec![account]);
        }),
    ),
    ("definer-named", Sample(&[])),
    (
        "restore-key-order",
        Text(
            "CREATE TABLE `civicrm_email` (`id` int, FOREIGN KEY (`id`) REFERENCES `civicrm_contact` (`id`));\n\
             CREATE TABLE `civicrm_contact` (`id` int PRIMARY KEY);\n",
        ),
    ),
    (
        "restore-conflict",
        Sample(&[(
            "DROP TABLE IF EXISTS `civicrm_worldregion`;",
            "CREATE TABLE `civicrm_worldregion` (`id` int);",
        )]),
    ),
    (
        "restore-definition",
        Sample(&[(
            REGIONS,
            "CREATE TABLE `civicrm_worldregion` (\n  KEY `UI_name` (`label`),",
        )]),
    ),
    (
        "restore-column-count",
        Sample(&[(REGION_ROWS, "VALUES (1,'Europe',NULL),(2,'Africa',NULL)")]),
    ),
    (
        "restore-trigger-order",
        Text(
            "CREATE TABLE `civicrm_email` (`id` int);\n\
             CREATE TRIGGER `civicrm_email_after_insert` AFTER INSERT ON `civicrm_email` FOR EACH ROW SET @a = 1;\n\
             INSERT INTO `civicrm_email` VALUES (1);\n",
        ),
    ),
    (
        "restore-gtid",
        Sample(&[(
            HEAD,
            "SET @@GLOBAL.GTID_PURGED='3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5';",
        )]),
    ),
    (
        "restore-collation",
        Sample(&[(
            "COLLATE utf8mb4_unicode_ci DEFAULT NULL,\n  PRIMARY KEY (`id`)\n) ENGINE=InnoDB AUTO_INCREMENT=3",
            "COLLATE utf8mb4_0900_ai_ci DEFAULT NULL,\n  PRIMARY KEY (`id`)\n) ENGINE=InnoDB AUTO_INCREMENT=3",
        )]),
    ),
    (
        "restore-sql-mode",
        Sample(&[
            ("Server version\t5.7.37", "Server version\t8.0.36"),
            ("ONLY_FULL_GROUP_BY,", "NO_AUTO_CREATE_USER,"),
        ]),
    ),
    (
        "restore-other-database",
        Sample(&[(HEAD, "USE `civicrm`;")]),
    ),
    (
        "restore-sandbox-line",
        Sample(&[(
            "-- MySQL dump 10.13",
            "/*M!999999\\- enable the sandbox mode */ \n-- MySQL dump 10.13",
        )]),
    ),
    (
        "restore-generated-column",
        Sample(&[
            (
                REGIONS,
                "CREATE TABLE `civicrm_worldregion` (\n  `full_name` varchar(9) GENERATED ALWAYS AS ('x') VIRTUAL,",
            ),
            (REGION_ROWS, "VALUES ('x',1,'Europe'),('x',2,'Africa')"),
        ]),
    ),
    (
        "restore-packet",
        Made(|sample| {
            common::replaced(&sample, "'Africa'", &format!("'{}'", "x".repeat(17 << 20)))
        }),
    ),
    (
        "restore-privilege",
        Sample(&[(
            HEAD,
            "/*!40101 SET NAMES utf8mb4 */;\nSET @@SESSION.SQL_LOG_BIN= 0;",
        )]),
    ),
    (
        "restore-variable",
        Sample(&[(
            HEAD,
            "/*!40101 SET NAMES utf8mb4 */;\nSET SESSION max_allowed_packet=67108864;",
        )]),
    ),
    (
        "orphan-rows",
        Sample(&[("(2,'Bavaria','BY',2,1)", "(2,'Bavaria','BY',99,1)")]),
    ),
    (
        "duplicate-rows",
        Sample(&[("(2,'Work','Work'", "(2,'Home','Work'")]),
    ),
    (
        "null-rows",
        Upgrade(
            "6.14.0",
            &[(
                REGIONS,
                "INSERT INTO `civicrm_word_replacement` (`id`, `find_word`, `replace_word`) VALUES (1, NULL, 'x');\n\
                 CREATE TABLE `civicrm_worldregion` (",
            )],
        ),
    ),
    (
        "zero-date",
        Sample(&[("'2024-02-16 01:11:07',11)", "'0000-00-00 00:00:00',11)")]),
    ),
    (
        "polymorphic-orphan",
        Sample(&[(
            "(1,'civicrm_contact',12,'haka",
            "(1,'civicrm_contact',99,'haka",
        )]),
    ),
    (
        "upgrade-data",
        Sample(&[(
            REGIONS,
            "INSERT INTO `civicrm_membership_status` (`id`, `name`, `is_active`) VALUES (1, 'New', 1);\n\
             CREATE TABLE `civicrm_worldregion` (",
        )]),
    ),
    ("version-missing", Sample(&[(VERSION, "NULL")])),
    (
        "version-partial-upgrade",
        Sample(&[(VERSION, "'5.81.upgrade'")]),
    ),
    ("version-invalid", Sample(&[(VERSION, "'5.81'")])),
    ("version-unknown", Sample(&[(VERSION, "'4.9.0'")])),
    (
        "version-domains-differ",
        Sample(&[(
            "'5.81.2',1,NULL,NULL)",
            "'5.81.2',1,NULL,NULL),(2,'Other',NULL,'5.81.0',1,NULL,NULL)",
        )]),
    ),
    ("locales-missing", Made(|_| multilingual::without_locales())),
    (
        "upgrade-stops",
        Upgrade(
            "6.14.0",
            &[(
                REGIONS,
                "DROP TABLE `civicrm_word_replacement`;\nCREATE TABLE `civicrm_worldregion` (",
            )],
        ),
    ),
    (
        "upgrade-may-stop",
        Upgrade(
            "6.1.0",
            &[(
                REGIONS,
                "DROP TABLE `civicrm_custom_group`;\nCREATE TABLE `civicrm_worldregion` (",
            )],
        ),
    ),
    (
        "upgrade-damage",
        Upgrade(
            "6.14.0",
            &[(
                REGIONS,
                "ALTER TABLE `civicrm_translation` ENGINE=MyISAM;\nCREATE TABLE `civicrm_worldregion` (",
            )],
        ),
    ),
    (
        "contents-table-lost",
        After(&[(REGIONS, "CREATE TABLE `other` (")]),
    ),
    (
        "contents-column-lost",
        After(&[(
            "CREATE TABLE `civicrm_worldregion` (\n  `id` int(10) unsigned NOT NULL AUTO_INCREMENT,\n  `name`",
            "CREATE TABLE `civicrm_worldregion` (\n  `id` int(10) unsigned NOT NULL AUTO_INCREMENT,\n  `other`",
        )]),
    ),
    (
        "contents-rows-lost",
        After(&[(REGION_ROWS, "VALUES (1,'Europe')")]),
    ),
    (
        "contents-changed",
        After(&[(REGION_ROWS, "VALUES (1,'Europe'),(2,'Asia')")]),
    ),
    (
        "contents-rows-new",
        After(&[(REGION_ROWS, "VALUES (3,'Asia'),(1,'Europe'),(2,'Africa')")]),
    ),
    (
        "settings-required",
        Settings(
            "5.81.2",
            (
                "define('CIVICRM_TEMPLATE_COMPILEDIR', '/var/www/site/files/civicrm/templates_c/');",
                "",
            ),
            0o640,
        ),
    ),
    (
        "settings-class-loader",
        Settings(
            "5.81.2",
            ("CRM_Core_ClassLoader::singleton()->register();", ""),
            0o640,
        ),
    ),
    (
        "settings-keys",
        Settings(
            "6.10.2",
            (
                "define('CIVICRM_CRED_KEYS', 'aes-cbc:hkdf-sha256:aRandomText');",
                "",
            ),
            0o640,
        ),
    ),
    (
        "settings-site-key",
        Settings(
            "5.81.2",
            ("define('CIVICRM_SITE_KEY', 'aSecretOfThisSiteAlone');", ""),
            0o640,
        ),
    ),
    (
        "settings-dsn",
        Settings(
            "5.81.2",
            (
                "'mysql://cms:p%40ss@localhost/cms?new_link=true'",
                "'localhost'",
            ),
            0o640,
        ),
    ),
    (
        "settings-uf-dsn",
        Beside(
            "Drupal",
            "sites/default/civicrm.settings.php",
            (
                "sites/default/settings.php",
                "<?php $databases['default']['default'] = ['database' => 'drupal', 'host' => 'localhost'];",
            ),
        ),
    ),
    (
        "settings-second",
        Beside(
            "WordPress",
            "wp-content/uploads/civicrm/civicrm.settings.php",
            (
                "wp-content/plugins/civicrm/civicrm.settings.php",
                "<?php define('CIVICRM_DSN', 'mysql://u:p@localhost/old');",
            ),
        ),
    ),
    (
        "settings-override-form",
        Settings(
            "5.81.2",
            (
                "$civicrm_setting['Mailing Preferences']['verpSeparator'] = '.';",
                "define('URL Preferences.customCSSURL', '');",
            ),
            0o640,
        ),
    ),
    (
        "settings-override-name",
        Settings("6.10.2", ("['verpSeparator']", "['is_enabled']"), 0o640),
    ),
    (
        "settings-not-taken-over",
        Settings(
            "5.81.2",
            (
                "define('CIVICRM_DOMAIN_ID', 1);",
                "define('CIVICRM_MULTISITE', TRUE);",
            ),
            0o640,
        ),
    ),
    (
        "settings-obsolete",
        Settings(
            "5.81.2",
            (
                "define('CIVICRM_DOMAIN_ID', 1);",
                "define('CIVICRM_IDS_ENABLE', 0);",
            ),
            0o640,
        ),
    ),
    (
        "settings-cms",
        Settings(
            "5.81.2",
            ("'CIVICRM_UF', 'Drupal'", "'CIVICRM_UF', 'Drupl'"),
            0o640,
        ),
    ),
    ("settings-readable", Settings("5.81.2", ("", ""), 0o644)),
    ("settings-path", Settings("5.81.2", ("", ""), 0o640)),
    (
        "site-deceased",
        Server(|snapshot, _| {
            let counts = &mut snapshot.row_counts;
            counts.insert("civicrm_membership".to_owned(), 1);
            counts.insert("civicrm_membership_status".to_owned(), 7);
            snapshot.rows.shift_remove("civicrm_membership_status");
        }),
    ),
    (
        "site-upgrade-queue",
        Server(|snapshot, _| {
            let name = Some(b"CRM_Upgrade".to_vec());
            let row = [("queue_name".to_owned(), name)].into_iter().collect();
            snapshot
                .rows
                .insert("civicrm_queue_item".to_owned(), vec![row]);
        }),
    ),
    (
        "site-module-off",
        Sample(&[(LAST_LINE, concat!(drupal_7!("0"), last_line!()))]),
    ),
    (
        "site-module-twice",
        Sample(&[(
            LAST_LINE,
            concat!(
                drupal_7!("1"),
                "INSERT INTO `system` VALUES ('sites/all/modules/civicrm.bak/drupal/civicrm.module','bak','module',0,-1,NULL);\n",
                last_line!()
            ),
        )]),
    ),
    (
        "site-front-page",
        Upgrade(
            "5.81.2",
            &[(
                LAST_LINE,
                concat!(
                    drupal_7!("1"),
                    "INSERT INTO `variable` VALUES ('site_frontpage','s:7:\"civicrm\";');\n",
                    last_line!()
                ),
            )],
        ),
    ),
    (
        "site-integrations",
        Upgrade(
            "5.81.2",
            &[(
                LAST_LINE,
                concat!(
                    drupal_7!("1"),
                    "INSERT INTO `system` VALUES ('a/webform_civicrm.module','webform_civicrm','module',1,0,\
                     'a:1:{s:7:\"package\";s:7:\"CiviCRM\";}'),('a/realname.module','realname','module',1,0,NULL);\n",
                    last_line!()
                ),
            )],
        ),
    ),
    (
        "site-lightbox",
        Sample(&[(
            LAST_LINE,
            concat!(
                drupal_7!("1"),
                "INSERT INTO `system` VALUES ('a/lightbox2.module','lightbox2','module',1,0,\
                 'a:1:{s:9:\"datestamp\";s:10:\"1240000000\";}');\n",
                last_line!()
            ),
        )]),
    ),
    (
        "site-maintenance",
        Sample(&[(
            LAST_LINE,
            concat!(
                drupal_7!("1"),
                "INSERT INTO `variable` VALUES ('maintenance_mode','i:1;');\n",
                last_line!()
            ),
        )]),
    ),
    (
        "site-unsubscribe",
        Sample(&[(
            LAST_LINE,
            concat!(
                drupal_7!("1"),
                "INSERT INTO `civicrm_mailing` (`id`) VALUES (1);\n",
                last_line!()
            ),
        )]),
    ),
    (
        "site-permission-name",
        Sample(&[(
            LAST_LINE,
            concat!(
                drupal_7!("1"),
                "INSERT INTO `role_permission` VALUES (3,'schedule mailings subscribe/unsubscribe pages','civicrm');\n",
                last_line!()
            ),
        )]),
    ),
    (
        "site-menu",
        Sample(&[(
            LAST_LINE,
            concat!(
                drupal_7!("1"),
                "CREATE TABLE `menu_router` (`path` varchar(255), `page_callback` varchar(255), `access_callback` varchar(255));\n\
                 INSERT INTO `menu_router` VALUES ('node','a','b'),('user','a','b');\n",
                last_line!()
            ),
        )]),
    ),
    (
        "site-copy-live",
        Sample(&[(
            LAST_LINE,
            concat!(
                "INSERT INTO `civicrm_setting` (`id`,`name`,`value`) VALUES (901,'environment','s:11:\"Development\";'),\
                 (902,'mailing_backend','a:1:{s:15:\"outBound_option\";s:1:\"0\";}');\n",
                last_line!()
            ),
        )]),
    ),
    (
        "site-mailing",
        Upgrade(
            "5.81.2",
            &[(
                LAST_LINE,
                concat!(
                    "INSERT INTO `civicrm_mailing_job` (`id`,`status`,`is_test`) VALUES (1,'Running',0);\n",
                    last_line!()
                ),
            )],
        ),
    ),
    (
        "site-jobs-stopped",
        Sample(&[(
            LAST_LINE,
            concat!(
                "INSERT INTO `civicrm_job` (`id`,`is_active`,`last_run`) VALUES (901,1,NULL),(902,1,NULL),(903,1,NULL);\n",
                last_line!()
            ),
        )]),
    ),
    (
        "site-job-crashed",
        Sample(&[(
            LAST_LINE,
            concat!(
                "INSERT INTO `civicrm_job` (`id`,`api_action`,`is_active`,`last_run`,`last_run_end`) VALUES \
                 (901,'process_membership',1,'2025-04-29 02:00:00','2025-04-28 02:00:09'),\
                 (902,'process_mailing',1,'2025-04-29 02:00:00','2025-04-29 02:00:09'),\
                 (903,'process_pledge',1,'2025-05-01 01:59:00','2025-04-29 02:00:09');\n",
                last_line!()
            ),
        )]),
    ),
    (
        "site-debug",
        Sample(&[(
            LAST_LINE,
            concat!(
                "INSERT INTO `civicrm_setting` (`id`,`name`,`value`) VALUES (901,'debug_enabled','i:1;');\n",
                last_line!()
            ),
        )]),
    ),
    (
        "site-table-large",
        Server(|snapshot, _| {
            let counts = &mut snapshot.row_counts;
            counts.insert("civicrm_job_log".to_owned(), 2_400_000);
            counts.insert("civicrm_contact".to_owned(), 2_400_000);
        }),
    ),
    (
        "site-serialized",
        Sample(&[(
            LAST_LINE,
            concat!(
                "INSERT INTO `civicrm_setting` (`id`,`name`,`value`) VALUES \
                 (901,'userFrameworkResourceURL','s:9:\"https://www.example.org\";');\n",
                last_line!()
            ),
        )]),
    ),
    (
        "site-paths",
        Sample(&[(
            LAST_LINE,
            concat!(
                "INSERT INTO `civicrm_setting` (`id`,`name`,`value`) VALUES \
                 (901,'userFrameworkResourceURL','s:27:\"varwwwsiteallmodulescivicrm\";');\n",
                last_line!()
            ),
        )]),
    ),
    (
        "site-user-gone",
        Sample(&[(
            LAST_LINE,
            concat!(
                drupal_7!("1"),
                "CREATE TABLE `users` (`uid` int unsigned, `name` varchar(60));\n\
                 INSERT INTO `users` VALUES (0,''),(1,'admin'),(2,'jane'),(3,'a'),(4,'b'),(5,'c'),(6,'d');\n\
                 INSERT INTO `civicrm_uf_match` (`id`,`domain_id`,`uf_id`,`uf_name`,`contact_id`) VALUES (901,1,7,'gone',3);\n",
                last_line!()
            ),
        )]),
    ),
    (
        "site-user-twice",
        Sample(&[(
            LAST_LINE,
            concat!(
                drupal_7!("1"),
                "INSERT INTO `civicrm_uf_match` (`id`,`domain_id`,`uf_id`,`uf_name`,`contact_id`) VALUES \
                 (901,1,5,'one',3),(902,1,5,'two',8);\n",
                last_line!()
            ),
        )]),
    ),
    (
        "site-extension",
        Sample(&[(
            LAST_LINE,
            concat!(
                "INSERT INTO `civicrm_extension` (`id`,`full_name`,`is_active`) VALUES (901,'org.civicrm.api4',1);\n",
                last_line!()
            ),
        )]),
    ),
    (
        "site-extension-missing",
        Disk(
            None,
            &[(
                LAST_LINE,
                concat!(own_extension!("org.example.own"), last_line!()),
            )],
            &[("other", "<extension key=\"org.example.other\"/>")],
        ),
    ),
    (
        "site-extension-target",
        Disk(
            Some("5.81.2"),
            &[(
                LAST_LINE,
                concat!(own_extension!("org.example.own"), last_line!()),
            )],
            &[(
                "own",
                "<extension key=\"org.example.own\"><compatibility><ver>4.4</ver></compatibility></extension>",
            )],
        ),
    ),
    (
        "site-extension-core",
        Disk(
            None,
            &[(
                LAST_LINE,
                concat!(own_extension!("org.civicrm.flexmailer"), last_line!()),
            )],
            &[("flexmailer", "<extension key=\"org.civicrm.flexmailer\"/>")],
        ),
    ),
];

/// Privileges on the database of the sample.
fn granted(privileges: &str) -> Option<Grants> {
    let text = format!("GRANT {privileges} ON `civicrm`.* TO `civicrm`@`localhost`");
    Some(Grants::parse(&text))
}

/// Turns what a dump tells into what a server tells that holds the same.
fn server(snapshot: &mut Snapshot) -> ServerFacts {
    let account = Account {
        user: "civicrm".to_owned(),
        host: "localhost".to_owned(),
    };
    snapshot.dump = None;
    snapshot.source.kind = SourceKind::Server;
    snapshot.source.server_version = ServerVersion::parse("10.11.8-MariaDB");
    ServerFacts {
        accounts: Some(vec![account.clone()]),
        account: Some(account),
        engines: Some([("innodb".to_owned(), true)].into()),
        database_charset: Some(("utf8mb4".to_owned(), "utf8mb4_unicode_ci".to_owned())),
        grants: granted("ALL PRIVILEGES"),
        ..ServerFacts::default()
    }
}

impl Source {
    /// The dump that it begins with.
    fn bytes(&self) -> Vec<u8> {
        match self {
            Sample(changes) | Upgrade(_, changes) | After(changes) | Disk(_, changes, _) => {
                let change =
                    |text: Vec<u8>, (old, new): &(&str, &str)| common::replaced(&text, old, new);
                changes.iter().fold(common::sample(), change)
            }
            Packed(length) => {
                let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/sample.sql.gz");
                let mut packed = std::fs::read(path).expect("the sample");
                assert!(*length < packed.len());
                packed.truncate(*length);
                packed
            }
            Made(make) => make(common::sample()),
            Text(text) => text.as_bytes().to_vec(),
            Backup(_) | Old(_) | Server(_) | Settings(..) | Beside(..) => common::sample(),
        }
    }

    /// Makes of what was read from the dump what the source is, and the site that it is held against.
    fn spoil(&self, snapshot: &mut Snapshot) -> Snapshot {
        let mut site = snapshot.clone();
        match self {
            Backup(change) => change(&mut site),
            Server(change) => {
                let mut facts = server(snapshot);
                change(snapshot, &mut facts);
                snapshot.server = Some(facts);
            }
            Old(_) | Sample(_) | Upgrade(..) | After(_) | Packed(_) | Made(_) | Text(_)
            | Settings(..) | Beside(..) | Disk(..) => {}
        }
        site
    }

    fn target(&self) -> Option<Version> {
        match self {
            Upgrade(release, _) | Disk(Some(release), ..) => Version::parse(release),
            _ => None,
        }
    }

    /// What these checks find, or all without any, when everything is asked: the rows, the site that a backup was
    /// made of, and the privileges on a server.
    fn findings(&self, only: &[&'static str]) -> Findings {
        if let Settings(release, (old, new), mode) = self {
            let numbers = Version::parse(release).expect("a release").major_minor();
            let text = settings::healthy("Drupal", numbers).replace(old, new);
            let mut found = settings::findings_elsewhere(&text, *mode, release);
            found.retain(&Selection {
                only: only.to_vec(),
                skip: Vec::new(),
            });
            // The example is of the first of two folders.
            found.list.truncate(1);
            return found;
        }
        if let Beside(cms, path, other) = self {
            let text = settings::healthy(cms, (5, 81));
            let mut found = settings::findings_beside((path, &text), *other, "5.81.2");
            found.retain(&Selection {
                only: only.to_vec(),
                skip: Vec::new(),
            });
            return found;
        }
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), self.bytes()).expect("it is written");
        let location = Location::of(file.path().to_owned());
        let quiet = &mut |_: &Progress| {};
        let (mut snapshot, gathered) =
            gather(&location, None, common::catalogue(), quiet).expect("it is read");
        let site = self.spoil(&mut snapshot);
        let comparison = matches!(self, After(_)).then(|| {
            snapshot.source.name = "after.sql".to_owned();
            compared(&location)
        });
        let case = common::case(snapshot).to_release(self.target());
        let needs = preflight::row_needs(&case).expect("the steps can be read");
        let (questions, wish) = (questions(&case, &needs), ExportOptions::default());
        let answers = gathered.answer(&location, &case.snapshot, &questions, &wish, quiet);
        let answers = answers.expect("it is read again");
        let verdict = privileges(&case);
        let mut examined = Examination::of(&case);
        examined.site_of_backup = Some(OtherSource {
            snapshot: &site,
            name: "mysql://localhost/civicrm",
        });
        examined.rows = Rows::Asked(&questions, &answers);
        if let Old(allowed) = self {
            // 2025-05-03 02:01 UTC.
            let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_746_237_660);
            examined.max_age = Some(MaxAge {
                allowed: *allowed,
                now,
            });
        }
        let forecast = case.target_release.clone().map(|target| {
            let options = preflight::Options {
                target,
                server: None,
                account: None,
            };
            let rows = row_answers(&needs, &questions, &answers);
            preflight::forecast(&case, &options, &rows).expect("the steps can be read")
        });
        examined.forecast = forecast.as_ref();
        examined.contents = comparison.as_ref().map(|it| (it, "before.sql"));
        examined.privileges = verdict.as_ref().map(|verdict| Privileges {
            verdict,
            database: "civicrm",
        });
        let folder = tempfile::tempdir().expect("a folder");
        let settings = match self {
            Disk(_, _, extensions) => Some(on_disk(folder.path(), extensions)),
            _ => None,
        };
        examined.settings = settings.as_ref();
        let selection = Selection {
            only: only.to_vec(),
            skip: Vec::new(),
        };
        examine(&examined, &GROUPS.concat(), &selection)
    }
}

/// The settings file of a site below a folder, with CiviCRM's code and these extensions.
fn on_disk(root: &Path, extensions: &[(&str, &str)]) -> SettingsFacts {
    let code = root.join("var/www/site/civicrm/CRM/Core");
    std::fs::create_dir_all(&code).expect("it is made");
    std::fs::write(code.join("Config.php"), "").expect("it is written");
    let folder = root.join("var/www/site/files/civicrm/ext");
    std::fs::create_dir_all(&folder).expect("it is made");
    for (name, info) in extensions {
        let own = folder.join(name);
        std::fs::create_dir_all(&own).expect("it is made");
        std::fs::write(own.join("info.xml"), info).expect("it is written");
    }
    let mut facts = settings::facts_of(root, &settings::healthy("Drupal", (5, 81)), 0o640);
    facts.look_below(root);
    facts.look_for_extensions(root, None, true);
    facts
}

/// How the contents of a dump compare with those of the sample.
fn compared(after: &Location) -> Comparison {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), common::sample()).expect("it is written");
    let before = Location::of(file.path().to_owned());
    let hashes = Hashes::random();
    let quiet = &mut |_: &Location, _: &Progress| {};
    let [before, after] = [&before, after]
        .map(|location| Side::read(location, None, hashes, quiet).expect("it is read"));
    let options = comparison::Options {
        samples: 3,
        ..comparison::Options::default()
    };
    let compared = comparison::compare(before, after, hashes, &options, None, quiet);
    compared.expect("they are read again").0
}

/// What the account of a server may do, against what an upgrade needs.
fn privileges(case: &Case) -> Option<grants::Verdict> {
    let facts = case.snapshot.server.as_ref()?;
    let version = case.snapshot.source.server_version.as_ref()?;
    let needed = checks::grants::upgrade_facts(case, facts);
    let needs = needed_for_upgrade(&case.release()?, version, &needed);
    let granted = facts.grants.as_ref()?;
    Some(grants::judge(
        needs,
        granted,
        "civicrm",
        &facts.rules(version),
    ))
}

/// Those of `check`, and what `verify --against` looks for. What `verify` says of a version is said by `check` as well.
const GROUPS: [&[Group]; 3] = [checks::CHECK, &[Group::Against], checks::COMPARE];

/// Its graver finding, a file that is no text at all, is made where the file cannot be read: see
/// `bad_input_gets_a_clear_verdict_or_error`.
const MILDER: &[&str] = &["dump-encoding"];

/// What is wrong with what a check finds in a source, if it is not this alone.
fn other_than(found: &Findings, expected: (Severity, &str)) -> Option<String> {
    let list = found.list.iter();
    let found: Vec<(Severity, &str)> = list
        .map(|finding| (finding.severity, finding.message.as_str()))
        .collect();
    (found != [expected]).then(|| format!("{found:#?} instead of {expected:#?}"))
}

#[test]
fn every_check_finds_its_example_and_is_silent_where_nothing_is_wrong() {
    let rows: Vec<&str> = FIRING.iter().map(|(id, _)| *id).collect();
    let ids: Vec<&str> = registry::checks().map(|check| check.id).collect();
    assert_eq!(rows, ids);
    let [dump, server] = [&HEALTHY_DUMP, &HEALTHY_SERVER].map(|source| source.findings(&[]));
    for healthy in [dump, server] {
        // Silent because it looked, not because it could not.
        assert_eq!(
            (&healthy.list[..], healthy.are_incomplete()),
            (&[][..], false)
        );
    }
    let mut wrong = Vec::new();
    for (check, (id, source)) in registry::checks().zip(FIRING) {
        let severity = match MILDER.contains(id) {
            true => Severity::Warning,
            false => check.severity,
        };
        let found = source.findings(&[check.id]);
        let other = other_than(&found, (severity, check.example));
        wrong.extend(other.map(|other| format!("{id}: {other}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A dump without the lines that begin so; definitions of tables stay whole.
fn without_lines(dump: &[u8], beginning: &str) -> Vec<u8> {
    let text = common::text(dump);
    let lines = text.split_inclusive('\n');
    let rest: String = lines.filter(|line| !line.starts_with(beginning)).collect();
    rest.replace(",\n) ENGINE", "\n) ENGINE").into_bytes()
}

fn with_lines_twice(dump: &[u8], beginning: &str) -> Vec<u8> {
    let text = common::text(dump);
    let lines = text.split_inclusive('\n');
    let twice = lines.flat_map(|line| [line].repeat(1 + usize::from(line.starts_with(beginning))));
    twice.collect::<String>().into_bytes()
}

/// What checks look for besides their examples.
const BESIDES: &[(&str, Source, Severity, &str)] = &[
    (
        "table-missing",
        Backup(|site| {
            let tables = &mut site.schema.tables;
            tables.insert("civicrm_other".to_owned(), Default::default());
        }),
        Severity::Error,
        "table civicrm_other of mysql://localhost/civicrm is not in the dump",
    ),
    (
        "view-missing",
        Backup(|site| {
            let view = View {
                definer: None,
                query: "select 1".to_owned(),
                sql_mode: None,
            };
            site.schema.views.insert("other".to_owned(), view);
        }),
        Severity::Error,
        "view other of mysql://localhost/civicrm is not in the dump",
    ),
    (
        "trigger-missing",
        Backup(|site| {
            let trigger = site.schema.triggers[0].clone();
            site.schema.triggers.insert("other".to_owned(), trigger);
        }),
        Severity::Error,
        "trigger other of mysql://localhost/civicrm is not in the dump",
    ),
    (
        "program-differs",
        Made(|text| common::replaced(&text, "RETURNS varchar(255)", "RETURNS int")),
        Severity::Error,
        "function civicrm_strip_non_numeric does not give a text; CiviCRM's own does",
    ),
    (
        "routine-missing",
        Backup(|site| {
            let routine = site.schema.routines[0].clone();
            let name = (RoutineKind::Procedure, "other".to_owned());
            site.schema.routines.insert(name, routine);
        }),
        Severity::Error,
        "procedure other of mysql://localhost/civicrm is not in the dump",
    ),
    (
        "column-differs",
        Sample(&[(" AUTO_INCREMENT,", ",")]),
        Severity::Error,
        "no table has an AUTO_INCREMENT column, not even the 156 of CiviCRM with an id",
    ),
    (
        "dump-damaged",
        Sample(&[(REGION_ROWS, "VALUES (1,'Eur\0pe'),(2,'Africa')")]),
        Severity::Error,
        "zero bytes stand in the text, which no dump program writes: what stood there is lost",
    ),
    (
        "dump-no-data",
        Sample(&[
            (REGION_ROWS, "VALUES (1,'Europe')"),
            (
                "\nLOCK TABLES `civicrm_worldregion`",
                "\n-- WHERE:  id<2\nLOCK TABLES `civicrm_worldregion`",
            ),
        ]),
        Severity::Error,
        "of 1 table the dump holds only the rows that fit WHERE id<2",
    ),
    (
        "dump-no-data",
        Sample(&[(
            "\nLOCK TABLES `civicrm_worldregion`",
            "\n-- Data exporting was unselected.\nLOCK TABLES `civicrm_worldregion`",
        )]),
        Severity::Error,
        "the rows of civicrm_worldregion were left out on purpose, as the dump says",
    ),
    (
        "dump-no-data",
        Made(|sample| without_lines(&sample, "INSERT INTO `civicrm_option_value`")),
        Severity::Error,
        "table civicrm_option_value has no row, although 32 other tables have",
    ),
    (
        "restore-conflict",
        Sample(&[(
            "INSERT INTO `civicrm_worldregion` VALUES",
            "INSERT INTO `civicrm_worldregion` (`id`,`label`) VALUES",
        )]),
        Severity::Error,
        "the server refuses a statement: rows for civicrm_worldregion name the column label, which the table does not have \
         (error 1054)",
    ),
    (
        "restore-conflict",
        Sample(&[(
            "ALTER TABLE `civicrm_acl` ENABLE KEYS */;\nUNLOCK TABLES;\n",
            "ALTER TABLE `civicrm_acl` ENABLE KEYS */;\n",
        )]),
        Severity::Error,
        "the server refuses a statement: civicrm_acl_cache was not locked with LOCK TABLES (error 1100): no UNLOCK TABLES \
         stands before that statement",
    ),
    (
        "name-letter-case",
        Server(|snapshot, facts| {
            let tables = &mut snapshot.schema.tables;
            let table = tables.shift_remove("civicrm_menu");
            tables.extend(table.map(|table| ("civicrm_Menu".to_owned(), table)));
            let variable = "lower_case_table_names".to_owned();
            facts.variables.insert(variable, "0".to_owned());
        }),
        Severity::Error,
        "CiviCRM's statements name civicrm_menu, and the table has another letter case, civicrm_Menu: this server \
         compares names exactly",
    ),
    (
        "restore-conflict",
        Made(|sample| with_lines_twice(&sample, "INSERT INTO `civicrm_worldregion`")),
        Severity::Error,
        "the server refuses a statement: civicrm_worldregion has a row with the primary key 1 already, with which another \
         INSERT begins (error 1062)",
    ),
    (
        "restore-conflict",
        Sample(&[(
            "/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;\n",
            "",
        )]),
        Severity::Error,
        "the server refuses a statement: it sets sql_mode to @OLD_SQL_MODE, in which nothing has saved a value (error 1231)",
    ),
    (
        "restore-definition",
        Sample(&[(
            "`name` varchar(128) COLLATE utf8mb4_unicode_ci DEFAULT NULL,\n  PRIMARY KEY (`id`)\n) ENGINE=InnoDB AUTO_INCREMENT=3",
            "`name` varchar(128) COLLATE utf8mb4_unicode_ci DEFAULT NULL\n) ENGINE=InnoDB AUTO_INCREMENT=3",
        )]),
        Severity::Error,
        "table civicrm_worldregion: the column id has AUTO_INCREMENT, and no key is on it (error 1075)",
    ),
    (
        "restore-definition",
        Sample(&[(
            "CONSTRAINT `FK_civicrm_action_log_contact_id`",
            "CONSTRAINT `FK_civicrm_acl_cache_acl_id`",
        )]),
        Severity::Error,
        "table civicrm_action_log: its foreign key has the name FK_civicrm_acl_cache_acl_id, as one of civicrm_acl_cache has \
         (error 1005 or 1826)",
    ),
    (
        "restore-definition",
        Sample(&[(
            "REFERENCES `civicrm_worldregion` (`id`)",
            "REFERENCES `civicrm_worldregion` (`key`)",
        )]),
        Severity::Error,
        "table civicrm_country: foreign key FK_civicrm_country_region_id refers to civicrm_worldregion.key, which is not there \
         (error 1005 or 3734)",
    ),
    (
        "charset-differs",
        Server(|_, facts| {
            facts.database_charset = Some(("latin1".to_owned(), "latin1_swedish_ci".to_owned()));
        }),
        Severity::Warning,
        "the database's default character set is latin1, its tables are utf8mb4: tables that extensions make, \
         and temporary ones, get another one than the rest",
    ),
    (
        "restore-sql-mode",
        Text("CREATE TABLE \"civicrm_worldregion\" (\"id\" int);\n"),
        Severity::Error,
        "'CREATE TABLE \"civicrm_worldregion\" (\"id\" int) …' has names in double quotes, and the sql_mode in \
         force has no ANSI_QUOTES (or the other way round)",
    ),
    (
        "restore-other-database",
        Sample(&[(
            "ON civicrm_activity FOR EACH ROW BEGIN\nSET NEW.created_date =",
            "ON civicrm_activity FOR EACH ROW BEGIN\nUPDATE civicrm.civicrm_contact SET is_deleted = 0;\n\
             SET NEW.created_date =",
        )]),
        Severity::Warning,
        "trigger civicrm_activity_before_insert names its database, civicrm",
    ),
];

#[test]
fn checks_find_what_they_look_for_besides() {
    for (id, source, severity, message) in BESIDES {
        let other = other_than(&source.findings(&[id]), (*severity, message));
        assert_eq!(other, None, "{id}");
    }
}

#[test]
fn a_dump_without_any_foreign_key_does_not_get_a_pass() {
    let findings = common::verify(&without_lines(&common::sample(), "  CONSTRAINT `"));
    assert_eq!(common::ids(&findings, Severity::Error), ["fk-missing"]);
}

#[test]
fn a_backup_made_during_an_upgrade_is_whole_and_still_no_state_to_go_back_to() {
    let source = Sample(&[(VERSION, "'5.81.upgrade'")]);
    let findings = common::verify(&source.bytes());
    assert_eq!(common::ids(&findings, Severity::Error), [""; 0]);
    assert_eq!(
        common::ids(&findings, Severity::Warning),
        ["version-partial-upgrade"]
    );
}

#[test]
fn tables_that_an_account_may_not_see_make_a_report_incomplete() {
    let mut snapshot = common::snapshot_of(&common::sample());
    snapshot.server = Some(server(&mut snapshot));
    let verdict = |snapshot: Snapshot| {
        let case = common::case(snapshot);
        let findings = common::findings(&case, checks::CHECK);
        Report::new("check", &case, findings, false).verdict()
    };
    assert_eq!(verdict(snapshot.clone()), Verdict::Pass);
    let why = "this account may not see all tables".to_owned();
    snapshot.hidden.insert(ObjectKind::Table, why);
    let incomplete = verdict(snapshot);
    assert_eq!(incomplete, Verdict::Incomplete);
    assert_eq!(incomplete.exit(), Exit::Incomplete);
}

fn explain(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cividb"))
        .arg("explain")
        .args(arguments)
        .output()
        .expect("cividb runs")
}

#[test]
fn a_check_is_explained() {
    insta::assert_snapshot!(common::text(&explain(&["fk-name"]).stdout));
    let report = common::json(&explain(&["fk-name", "--format", "json"]));
    let check = registry::find("fk-name").expect("a check");
    assert_eq!(report["checks"][0]["example"], check.example);
}

#[test]
fn all_checks_are_listed() {
    insta::assert_snapshot!(common::text(&explain(&[]).stdout));
}
