//! Every check, once. Help, documents and reports are made from this table.

use super::Check;
use super::Severity::{Error, Note, Warning};

macro_rules! checks {
    ($($name:ident = $id:literal, $severity:ident, $title:literal, $why:literal, $source:literal;)*) => {
        $(
            #[doc = $title]
            pub static $name: Check = Check {
                id: $id,
                severity: $severity,
                title: $title,
                why: $why,
                source: $source,
            };
        )*
        /// All checks, in the order in which reports list them.
        pub static CHECKS: &[&Check] = &[$(&$name),*];
    };
}

checks! {
    DUMP_UNREADABLE = "dump-unreadable", Error,
        "the container (gzip, zstd, …) is damaged",
        "Whatever comes after the damage is lost, and the program that unpacks the dump stops there.",
        "RFC 1952, RFC 8878; measured with gzip -dc";
    DUMP_TRUNCATED = "dump-truncated", Error,
        "the dump ends before its end",
        "Tables, rows, triggers or routines that should follow are not in the backup.",
        "mysqldump writes its last line, restores variables and unlocks tables only when it got through";
    DUMP_EMPTY = "dump-empty", Error,
        "there is nothing in the dump",
        "There is nothing to restore.",
        "";
    DUMP_ERROR_TEXT = "dump-error-text", Error,
        "text that is not SQL stands in the dump, such as a message of the dump program",
        "The restore stops there, and the message mostly says that something could not be dumped.",
        "mysqldump with standard error in the same file; -- insufficient privileges to …";
    DUMP_DAMAGED = "dump-damaged", Error,
        "a statement in the middle of the dump is broken",
        "The restore stops there, and what the statement should have made is lost.",
        "";
    DUMP_ENCODING = "dump-encoding", Error,
        "the text is UTF-16 or no text, or in a charset that cannot hold the data",
        "No client can restore it as it is, or characters are lost in it.",
        "PowerShell's > writes UTF-16";
    DUMP_NO_STRUCTURE = "dump-no-structure", Error,
        "rows without CREATE TABLE, or tables without columns",
        "It cannot be restored into an empty database.",
        "mysqldump --no-create-info; phpMyAdmin 5.2 in ANSI mode writes tables without columns";
    DUMP_NO_DATA = "dump-no-data", Error,
        "no rows at all, or none in a table that always has some",
        "The structure alone is no backup.",
        "mysqldump --no-data, mydumper --no-data";
    DUMP_NO_END = "dump-no-end", Warning,
        "nothing in the dump marks its end",
        "Whether it was cut between two statements cannot be told.",
        "mysqldump --compact and --skip-comments leave the last line out";
    TABLE_MISSING = "table-missing", Error,
        "a table is not there although its CiviCRM release or other parts of the database need it",
        "Its rows, what refers to it and the pages that read it are lost.",
        "the schema of the release";
    VIEW_MISSING = "view-missing", Error,
        "a view is not in the dump",
        "Pages and reports of a multilingual site read through its views.",
        "CRM/Core/I18n/Schema.php: one view per localizable table and language";
    TRIGGER_MISSING = "trigger-missing", Error,
        "a trigger that CiviCRM makes is not in the dump",
        "After a restore, change dates, phone search, relationships or the log stop being kept, silently.",
        "CRM/Contact/BAO/Contact.php, Civi/Core/SqlTriggers.php, CRM/Logging/Schema.php";
    ROUTINE_MISSING = "routine-missing", Error,
        "a function or procedure that triggers or views call is not in the dump",
        "After a restore every write that fires such a trigger fails with error 1305.",
        "mysqldump leaves routines out unless --routines is given";
    EVENT_MISSING = "event-missing", Error,
        "a scheduled event of the site is not in the dump",
        "After a restore it no longer runs.",
        "mysqldump leaves events out unless --events is given";
    ROWS_DIFFER = "rows-differ", Warning,
        "the dump has far fewer or far more rows of a table than the site",
        "Rows were left out of the backup, or have been lost on the site since.",
        "";
    REFERENCE_BROKEN = "reference-broken", Error,
        "a trigger, view or routine uses a table or column that is not there",
        "Every statement that fires or reads it fails with error 1146 or 1054.",
        "reported with stale log tables and views";
    TABLE_EXTRA = "table-extra", Warning,
        "a table of another CiviCRM release",
        "An upgrade stopped halfway, or an older backup was restored over a newer database; upgrades then fail to create it.",
        "the schemas of all releases";
    COLUMN_MISSING = "column-missing", Error,
        "a column of the release is missing",
        "Every statement of CiviCRM that uses it fails with error 1054.",
        "the schema of the release";
    COLUMN_DIFFERS = "column-differs", Error,
        "a column is not what CiviCRM needs",
        "CiviCRM's statements fail on it or store something else.",
        "the schema of the release";
    COLUMN_EXTRA = "column-extra", Note,
        "a column that the release does not have",
        "CiviCRM does not write it; NOT NULL without a default it may refuse rows.",
        "the schemas of all releases";
    FK_MISSING = "fk-missing", Error,
        "a foreign key of the release is missing",
        "Rows lose their parents unnoticed, and an upgrade that drops or adds the key fails with error 1091 or 1452.",
        "the schema of the release";
    FK_NAME = "fk-name", Error,
        "a foreign key has another name than CiviCRM gives it",
        "An upgrade step that drops it by its name fails with error 1091.",
        "the schema of the release; naming rules of CRM/Core/BAO/SchemaHandler.php";
    FK_DIFFERS = "fk-differs", Error,
        "a foreign key has other rules",
        "Deleting a contact or another parent deletes rows that it should keep, or is refused.",
        "the schema of the release";
    FK_EXTRA = "fk-extra", Warning,
        "a foreign key that the release does not have",
        "It may refuse rows or deletions that CiviCRM thinks possible.",
        "the schemas of all releases";
    INDEX_MISSING = "index-missing", Warning,
        "an index of the release is missing",
        "Pages become slow; without a unique key duplicates come in that CiviCRM does not expect.",
        "the schema of the release";
    INDEX_DIFFERS = "index-differs", Warning,
        "an index or the primary key is another one",
        "As a missing one; an upgrade step that drops it by its name may fail.",
        "the schema of the release";
    INDEX_EXTRA = "index-extra", Note,
        "an index that the release does not have",
        "It costs a little time for each write; a unique one may refuse rows.",
        "the schemas of all releases";
    ENGINE_DIFFERS = "engine-differs", Error,
        "a table of CiviCRM is not InnoDB",
        "MyISAM has neither foreign keys nor transactions: the keys are lost, a failed upgrade cannot be rolled back.",
        "the schema of the release";
    CHARSET_DIFFERS = "charset-differs", Warning,
        "a table's character set or collation is not that of the others",
        "Joins fail with error 1267 or lose their indexes, and foreign keys on text cannot be made.",
        "measured: a database all in utf8mb3 is consistent";
    VERSION_SCHEMA_MISMATCH = "version-schema-mismatch", Error,
        "civicrm_domain.version names another release than the schema is of",
        "The upgrader begins at the version that is stored: it skips steps that the schema needs, or repeats those it had.",
        "the schemas of all releases";
    GRANT_MISSING = "grant-missing", Error,
        "the account lacks a privilege that the upgrade or the backup needs",
        "The upgrade stops in the middle, or the backup is silently not whole.",
        "CiviCRM's upgrade guide for 4.4 and administrator guide; measured on MariaDB 10.5 to 11.8 and MySQL 9.7";
    ROLE_NOT_ACTIVE = "role-not-active", Warning,
        "a role of the account would give what is missing, but is not active",
        "CiviCRM never sets a role: only default roles count.",
        "measured on MariaDB 10.5 to 11.8 and MySQL 9.7";
    TRIGGER_PRIVILEGE_BINLOG = "trigger-privilege-binlog", Error,
        "with binary logging on, the account may not make triggers and functions",
        "CREATE TRIGGER fails with error 1419, and the upgrade with it.",
        "CRM/Logging/Schema.php; measured on MariaDB 10.5 to 11.8 and MySQL 9.7";
    SERVER_TOO_OLD = "server-too-old", Error,
        "the release needs a newer MySQL or MariaDB",
        "The upgrader refuses, or its statements fail.",
        "install/index.php, Civi/Install/Requirements.php and CRM/Upgrade of each release";
    SERVER_SETTING = "server-setting", Error,
        "a setting of the server does not fit CiviCRM",
        "Installer or upgrader refuse, or statements fail.",
        "install/index.php, Civi/Install/Requirements.php and CRM/Upgrade/Form.php of each release";
    DEFINER_MISSING = "definer-missing", Error,
        "triggers, views, routines or events run as an account that does not exist",
        "Every statement that fires, reads or calls them fails with error 1449.",
        "measured on MariaDB 10.5 to 11.8 and MySQL 9.7";
    DEFINER_NAMED = "definer-named", Note,
        "which accounts the triggers, views, routines and events run as",
        "On another server the account must exist, or every statement that uses them fails with error 1449.",
        "measured on MariaDB 10.5 to 11.8 and MySQL 9.7";
    RESTORE_KEY_ORDER = "restore-key-order", Error,
        "foreign keys are checked while their parent tables do not exist yet",
        "The restore stops with error 1005 or 1824.",
        "mysqldump --compact leaves FOREIGN_KEY_CHECKS=0 out";
    RESTORE_CONFLICT = "restore-conflict", Error,
        "the server would refuse a statement because of those before it",
        "The restore stops there, for instance at a trigger that exists already (1359).",
        "measured on MariaDB 10.11";
    RESTORE_COLUMN_COUNT = "restore-column-count", Error,
        "rows have another number of values than their table has columns",
        "The restore stops there with error 1136.",
        "phpMyAdmin leaves generated columns out of INSERTs without column names";
    RESTORE_TRIGGER_ORDER = "restore-trigger-order", Error,
        "triggers are made before the rows of their table",
        "They fire for every row restored: the restore stops with error 1442 or changes dates.",
        "a dump of the structure with triggers, followed by one of the rows";
    RESTORE_GTID = "restore-gtid", Warning,
        "the dump sets GTID_PURGED",
        "MariaDB does not know the variable (1193); MySQL refuses it where the GTIDs overlap (3546).",
        "mysqldump 8 and 9 with GTIDs on, unless --set-gtid-purged=OFF or COMMENTED";
    RESTORE_COLLATION = "restore-collation", Error,
        "the target server does not know a collation or character set",
        "The restore stops with error 1273 or 1115.",
        "measured on MariaDB 10.5 to 11.8 and MySQL 9.7";
    RESTORE_SQL_MODE = "restore-sql-mode", Error,
        "sql_mode values that the target server refuses, or under which a trigger does not parse",
        "The restore stops with error 1231 or 1064 before the trigger or routine.",
        "measured: MySQL 8 and later refuse NO_AUTO_CREATE_USER";
    RESTORE_OTHER_DATABASE = "restore-other-database", Warning,
        "the dump names the database it goes into",
        "Loading it into another database overwrites the one it names.",
        "mysqldump --databases, Adminer";
    RESTORE_SANDBOX_LINE = "restore-sandbox-line", Note,
        "the first line is MariaDB's sandbox mark",
        "Clients of MariaDB from before May 2024 stop at it.",
        "MDEV-21178, mariadb-dump 10.5.25, 10.6.18, 10.11.8, 11.4.2 and later";
    ORPHAN_ROWS = "orphan-rows", Error,
        "rows refer to rows that are not there",
        "Whoever adds the foreign key gets error 1452, an upgrade among them; pages about such rows fail.",
        "the foreign keys of the database, of its release and of the target";
    DUPLICATE_ROWS = "duplicate-rows", Error,
        "rows are equal in a key that is to be unique",
        "A restore or an upgrade step that makes the key stops with error 1062.",
        "the keys of the database, of its release and of the target; CRM/Upgrade/Incremental";
    NULL_ROWS = "null-rows", Warning,
        "NULL in columns that are to be NOT NULL",
        "Whoever changes the column gets error 1138 or 1265, or zeros and empty texts in strict mode's absence.",
        "the schemas of the release and of the target; CRM/Upgrade/Incremental";
    ZERO_DATE = "zero-date", Warning,
        "dates without a day or month, such as 0000-00-00",
        "Every ALTER TABLE that copies the table stops with error 1292 under NO_ZERO_DATE, MySQL's default since 5.7.",
        "measured on MySQL 9.7";
    POLYMORPHIC_ORPHAN = "polymorphic-orphan", Warning,
        "rows name a table and an id that is not in it",
        "No foreign key can keep them; pages and reports about them fail or show nothing.",
        "xml/schema (dynamicForeignKey) and schema/*.entityType.php of each release";
    UPGRADE_DATA = "upgrade-data", Error,
        "rows that an upgrade step or a feature of CiviCRM stops at",
        "The upgrader refuses to go on, or the feature fails.",
        "CRM/Upgrade/Incremental/php of each release";
    VERSION_MISSING = "version-missing", Error,
        "civicrm_domain.version holds nothing",
        "The upgrader does not know where to begin and stops.",
        "CRM/Upgrade/Form.php 2.2 and later";
    VERSION_PARTIAL_UPGRADE = "version-partial-upgrade", Error,
        "an upgrade began and did not finish",
        "The schema may be anything between two releases; the upgrader refuses to go on.",
        "CRM/Upgrade/Form.php 3.1 and later";
    VERSION_INVALID = "version-invalid", Error,
        "civicrm_domain.version is not of the form that CiviCRM takes",
        "The upgrader stops.",
        "CRM/Utils/System.php, isVersionFormatValid, 3.1 and later";
    VERSION_UNKNOWN = "version-unknown", Error,
        "civicrm_domain.version names no release of CiviCRM",
        "The upgrader stops, or runs the wrong steps.",
        "CRM/Upgrade/Form.php 2.2 and later";
    VERSION_DOMAINS_DIFFER = "version-domains-differ", Error,
        "the domains of a multi-site database have different versions",
        "Which steps the upgrader runs depends on the domain it is started for.",
        "CRM/Upgrade/Form.php, setVersion, writes all rows at once";
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_are_unique_and_well_formed() {
        let ids: HashSet<&str> = CHECKS.iter().map(|check| check.id).collect();
        assert_eq!(ids.len(), CHECKS.len());
        for id in ids {
            assert!(
                id.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'),
                "{id}"
            );
        }
    }
}
