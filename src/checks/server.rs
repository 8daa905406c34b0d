//! Looks whether the server is fit for a release of CiviCRM.

use super::{Check, Examination, Finding, Findings, Group, Need, Rule, Severity};
use crate::civicrm::catalogue::Catalogue;
use crate::civicrm::release::Version;
use crate::civicrm::requirements::{Fitness, Requirements};
use crate::gate::{Blocked, Meaning, Operation};
use crate::schema::compare::usual_charset;
use crate::schema::model::{ForeignKey, IndexKind, KeyPart, Schema};
use crate::schema::sql::identifier;
use crate::server_version::{Family, ServerVersion};
use crate::snapshot::{ServerFacts, Snapshot};

/// The checks of this file.
pub(super) const CHECKS: &[&Check] = &[&SERVER_TOO_OLD, &SERVER_SETTING];

pub(crate) static SERVER_TOO_OLD: Check = Check {
    id: "server-too-old",
    severity: Severity::Error,
    title: "the release needs a newer MySQL or MariaDB",
    why: "The upgrader refuses, or its statements fail.",
    fix: "Move the site to a newer server before the upgrade.",
    example: "the server is MySQL 5.5.62, and CiviCRM 5.81.2 needs MySQL 5.7 or later",
    source: "install/index.php, Civi/Install/Requirements.php and CRM/Upgrade of each release",
    rules: &[Rule::new(
        Group::Server,
        &[Need::Server, Need::Release],
        age,
    )],
};

pub(crate) static SERVER_SETTING: Check = Check {
    id: "server-setting",
    severity: Severity::Error,
    title: "a setting of the server does not fit CiviCRM",
    why: "Installer or upgrader refuse, or statements fail.",
    fix: "Change the setting in the server's option file, and restart the server.",
    example: "thread_stack is 131072: CiviCRM's installer and upgrader stop below 192K",
    source: "install/index.php, Civi/Install/Requirements.php and CRM/Upgrade/Form.php of each release",
    rules: &[Rule::new(
        Group::Server,
        &[Need::Server, Need::Release],
        settings,
    )],
};

/// Flags of `sql_mode` under which CiviCRM's statements mean something else.
const REFUSED_MODES: [&str; 4] = [
    "ANSI",
    "ANSI_QUOTES",
    "PIPES_AS_CONCAT",
    "NO_BACKSLASH_ESCAPES",
];

/// The least `thread_stack`, in bytes: below it the installer and the upgrader stop from 4.3 on
/// (CRM/Upgrade/Form.php).
const MIN_THREAD_STACK: u64 = 192 << 10;

/// Adds a finding for each setting of the server that does not fit the release that runs, or is to
/// run, on it.
fn settings(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let snapshot = examined.snapshot();
    let (Some(facts), Some(version), Some(target)) = (
        &snapshot.server,
        &snapshot.source.server_version,
        &examined.release(),
    ) else {
        return;
    };
    let mut settings = Settings {
        check,
        facts,
        version,
        target,
        findings,
    };
    settings.engine();
    settings.numbers();
    settings.sql_mode();
    settings.row_format(snapshot);
    settings.timestamps();
    settings.writes();
    settings.foreign_keys(examined.case.catalogue);
}

fn number((major, minor, patch): (u32, u32, u32)) -> String {
    match patch {
        0 => format!("{major}.{minor}"),
        patch => format!("{major}.{minor}.{patch}"),
    }
}

fn age(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let server = &examined.snapshot().source.server_version;
    let (Some(target), Some(version)) = (examined.release(), server) else {
        return;
    };
    let (wanted, severity, word) = match Requirements::of(&target).fitness(version) {
        Fitness::Fits => return,
        Fitness::TooOld(wanted) => (wanted, Severity::Error, "needs"),
        Fitness::BelowRecommended(wanted) => (wanted, Severity::Note, "recommends"),
    };
    let family = match version.family {
        Family::Mysql => "MySQL",
        Family::Mariadb => "MariaDB",
    };
    let wanted = number(wanted);
    findings.push(
        Finding::new(
            check,
            format!(
                "the server is {version}, and CiviCRM {target} {word} {family} {wanted} or later"
            ),
            format!("Move the site to {family} {wanted} or later before the upgrade."),
        )
        .severity(severity)
        .about("server", version.to_string())
        .sides(wanted, version.text.clone()),
    );
}

struct Settings<'a> {
    check: &'static Check,
    facts: &'a ServerFacts,
    version: &'a ServerVersion,
    target: &'a Version,
    findings: &'a mut Findings,
}

impl Settings<'_> {
    /// Adds a finding about a setting that is wrong, with the line for the option file.
    fn wrong(&mut self, severity: Severity, name: &str, wanted: &str, why: &str) {
        let actual = self.facts.variable(name).unwrap_or_default().to_owned();
        let message = format!("{name} is {actual}: {why}");
        let fix = format!(
            "In the group [mysqld] of the server's option file write {name} = {}, and restart it.",
            if wanted.is_empty() { "\"\"" } else { wanted }
        );
        self.findings.push(
            Finding::new(self.check, message, fix)
                .severity(severity)
                .about("setting", name)
                .sides(wanted, actual),
        );
    }

    fn is_from(&self, release: (u32, u32)) -> bool {
        self.target.major_minor() >= release
    }

    fn number(&self, name: &str) -> Option<u64> {
        self.facts.variable(name)?.parse().ok()
    }

    fn engine(&mut self) {
        let Some(engines) = &self.facts.engines else {
            return;
        };
        if engines.get("innodb") != Some(&true) {
            let message = "the server has no InnoDB, in which all tables of CiviCRM have to be";
            let fix =
                "Take skip-innodb (innodb = OFF) out of the server's option file, and restart it.";
            self.findings.push(
                Finding::new(self.check, message, fix)
                    .about("setting", "innodb")
                    .sides("ON", "OFF"),
            );
        }
    }

    fn numbers(&mut self) {
        if self.is_from((4, 3))
            && self
                .number("thread_stack")
                .is_some_and(|n| n < MIN_THREAD_STACK)
        {
            let why = "CiviCRM's installer and upgrader stop below 192K";
            self.wrong(Severity::Error, "thread_stack", "256K", why);
        }
        if self.is_from((4, 2))
            && self
                .number("auto_increment_increment")
                .is_some_and(|n| n != 1)
        {
            let why = "CiviCRM's installer refuses anything but 1; a Galera cluster sets it by itself \
                       unless wsrep_auto_increment_control is OFF";
            self.wrong(Severity::Warning, "auto_increment_increment", "1", why);
        }
    }

    fn sql_mode(&mut self) {
        let modes = self.facts.variable("sql_mode").unwrap_or_default();
        let (wrong, kept): (Vec<&str>, Vec<&str>) = modes
            .split(',')
            .partition(|mode| REFUSED_MODES.contains(mode));
        if !wrong.is_empty() {
            let why = format!(
                "with {} CiviCRM's statements mean something else or fail",
                wrong.join(", ")
            );
            self.wrong(Severity::Error, "sql_mode", &kept.join(","), &why);
        }
    }

    /// Looks at the settings that limit the length of indexes: from 5.33 on tables are utf8mb4 and
    /// have keys of 255 characters, which take 1020 bytes.
    fn row_format(&mut self, snapshot: &Snapshot) {
        if self.is_from((5, 33)) {
            let why = "indexes on long utf8mb4 columns fail with error 1071 or 1709";
            if self.facts.is_on("innodb_large_prefix") == Some(false) {
                self.wrong(Severity::Error, "innodb_large_prefix", "ON", why);
            }
            let format = self
                .facts
                .variable("innodb_file_format")
                .unwrap_or_default();
            if format.eq_ignore_ascii_case("Antelope") {
                self.wrong(Severity::Error, "innodb_file_format", "Barracuda", why);
            }
            if self
                .number("innodb_page_size")
                .is_some_and(|size| size < 8192)
            {
                let why = "indexes on long utf8mb4 columns fail with error 1071; it is chosen once, \
                           when the server's data folder is made";
                self.wrong(Severity::Error, "innodb_page_size", "16K", why);
            }
        }
        let compressed = snapshot
            .schema
            .tables
            .values()
            .any(|table| table.row_format.as_deref() == Some("COMPRESSED"));
        if compressed && self.facts.is_on("innodb_read_only_compressed") == Some(true) {
            let why = "tables with ROW_FORMAT=COMPRESSED cannot be written to";
            self.wrong(Severity::Error, "innodb_read_only_compressed", "OFF", why);
        }
    }

    /// Looks at `explicit_defaults_for_timestamp`, which is off by default before MySQL 8.0 and
    /// MariaDB 10.10, and fine there.
    fn timestamps(&mut self) {
        let on_by_default = self.version.at_least(Family::Mysql, (8, 0, 2))
            || self.version.at_least(Family::Mariadb, (10, 10, 1));
        if on_by_default && self.facts.is_on("explicit_defaults_for_timestamp") == Some(false) {
            let why =
                "TIMESTAMP columns of new tables get defaults that CiviCRM's releases do not have";
            self.wrong(Severity::Note, "explicit_defaults_for_timestamp", "ON", why);
        }
    }

    fn writes(&mut self) {
        for name in ["read_only", "super_read_only"] {
            if self.facts.is_on(name) == Some(true) {
                let why = "the site and its upgrade cannot write here; if it is a replica, look at the \
                           server that it copies";
                self.wrong(Severity::Warning, name, "OFF", why);
            }
        }
    }

    /// Looks for foreign keys of the release to columns that are not a unique key: MySQL 8.4 and
    /// later refuse them unless a setting allows them (error 6125, measured on 9.7).
    fn foreign_keys(&mut self, catalogue: &Catalogue) {
        if self.facts.is_on("restrict_fk_on_non_standard_key") != Some(true) {
            return;
        }
        let Some(state) = catalogue.state_for(self.target) else {
            return;
        };
        let schema = catalogue.schema(state).plain_install();
        let mut refused = schema.tables.iter().flat_map(|(table, definition)| {
            let keys = definition.foreign_keys.iter();
            keys.filter(|(_, key)| !has_unique_parent(&schema, key))
                .map(move |(name, _)| format!("{name} of {table}"))
        });
        if let Some(first) = refused.next() {
            let why = format!(
                "CiviCRM {} has foreign keys to columns without a unique key ({first}), so the upgrade \
                 that makes it, and every restore, fails with error 6125",
                self.target
            );
            self.wrong(
                Severity::Error,
                "restrict_fk_on_non_standard_key",
                "OFF",
                &why,
            );
        }
    }
}

fn has_unique_parent(schema: &Schema, key: &ForeignKey) -> bool {
    let Some(parent) = schema.table(&key.referenced_table) else {
        return true;
    };
    let is_it = |parts: &[KeyPart]| {
        let columns = parts.iter().map(|part| &part.column);
        columns.eq(&key.referenced_columns)
    };
    let mut indexes = parent.indexes.values();
    is_it(&parent.primary_key)
        || indexes.any(|index| index.kind == IndexKind::Unique && is_it(&index.parts))
}

/// Adds a finding when the database's default character set is not that of its tables. Tables that
/// are made without one, such as temporary ones and those of extensions, get the default.
pub(super) fn database_charset(
    check: &'static Check,
    examined: &Examination,
    findings: &mut Findings,
) {
    let snapshot = examined.snapshot();
    let Some(facts) = &snapshot.server else {
        return;
    };
    let (Some((charset, _)), Some(usual), Some(database)) = (
        &facts.database_charset,
        usual_charset(&snapshot.schema),
        &snapshot.database,
    ) else {
        return;
    };
    if *charset == usual {
        return;
    }
    let collation = snapshot
        .schema
        .tables
        .values()
        .filter(|table| table.charset.as_ref() == Some(&usual))
        .find_map(|table| table.collation.clone());
    let collate = collation.map_or_else(String::new, |name| format!(" COLLATE {name}"));
    let alter = alter_database(database, &format!("{usual}{collate}"));
    let alter = alter.unwrap_or_else(|blocked| blocked.to_string());
    let fix = match charset.as_str() {
        "utf8mb4" => format!(
            "If the tables are to stay as they are: {alter}. If they are to be in utf8mb4 as well, CiviCRM \
             converts them (API call System.utf8conversion)."
        ),
        _ => format!("Run: {alter}"),
    };
    findings.push(
        Finding::new(
            check,
            format!(
                "the database's default character set is {charset}, its tables are {usual}: tables that \
                 extensions make, and temporary ones, get another one than the rest"
            ),
            fix,
        )
        .about("database", database)
        .sides(usual, charset.clone()),
    );
}

fn alter_database(database: &str, charset: &str) -> Result<String, Blocked> {
    let sql = format!(
        "ALTER DATABASE {} CHARACTER SET {charset}",
        identifier(database)
    );
    Meaning::new(Operation::AlterDatabase, [database]).pass(sql)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_database_is_the_one_that_is_meant_whatever_its_name_is() {
        for name in crate::hostile::names() {
            let alter = alter_database(&name, "utf8mb4 COLLATE utf8mb4_unicode_ci");
            assert_eq!(
                alter.is_err(),
                crate::hostile::is_unstorable(&name),
                "{alter:?}"
            );
        }
    }
}
