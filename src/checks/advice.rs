//! What to do about missing objects: by the program that wrote the dump, and by what the site itself has.

use super::OtherSource;
use crate::schema::model::Schema;
use crate::snapshot::{Producer, Snapshot, Source, SourceKind};

/// How to let CiviCRM make its triggers and its function again.
pub(super) const REBUILD: &str =
    "cv flush --triggers, or civicrm/menu/rebuild?reset=1&triggerRebuild=1";

/// How to let CiviCRM make the views of its languages again: neither what makes the triggers again nor the page for
/// languages does so.
pub(super) const REBUILD_VIEWS: &str = "cv api System.rebuildmultilingualschema (CiviCRM 5.2 on)";

/// How to let CiviCRM make all of them again.
pub(super) const REBUILD_ALL: &str = "cv flush --triggers, or civicrm/menu/rebuild?reset=1&triggerRebuild=1, and for \
     the views of languages cv api System.rebuildmultilingualschema (CiviCRM 5.2 on)";

/// What to do about missing objects of each kind: a backup can be made again, a live database has
/// to be repaired.
pub(super) struct Fixes {
    pub(super) trigger: String,
    pub(super) no_trigger: String,
    pub(super) routine: String,
    pub(super) table: String,
    pub(super) view: String,
}

impl Fixes {
    pub(super) fn for_source(snapshot: &Snapshot) -> Self {
        let mut fixes = Self::usual(&snapshot.source);
        if snapshot.dump.as_ref().is_some_and(|dump| dump.rows_apart) {
            fixes.routine = format!(
                "mysqldump --tab writes routines and events to its standard output, not into the folder: keep that as \
                 well (mysqldump --tab=FOLDER --routines --events DATABASE >FOLDER/routines.sql). On a restored site \
                 let CiviCRM create it: {REBUILD}"
            );
        }
        if snapshot.source.producer.never_writes_programs() {
            return fixes;
        }
        let is_dump = snapshot.source.kind == SourceKind::Dump;
        // Where some are there, the dump program was told to write them.
        if is_dump && !snapshot.schema.routines.is_empty() {
            fixes.routine = format!(
                "The dump has other routines, so {}: the site itself seems to lack it. Let CiviCRM \
                 make it there ({REBUILD}), and then make the backup again.",
                match with_routines(snapshot.source.producer) {
                    MYSQLDUMP_ROUTINES => "--routines was given".to_owned(),
                    _ => format!("{} wrote them", snapshot.source.producer.name()),
                }
            );
        }
        if is_dump && !snapshot.schema.triggers.is_empty() {
            fixes.trigger = format!(
                "The dump has other triggers, so the site itself seems to lack it, or the account has the TRIGGER \
                 privilege on some tables only. Let CiviCRM make it on the site ({REBUILD}), and make the backup again \
                 by an account with the TRIGGER privilege on the whole database."
            );
        }
        fixes
    }

    fn usual(source: &Source) -> Self {
        match source.kind {
            SourceKind::Dump if source.producer.never_writes_programs() => {
                Self::for_program(source)
            }
            SourceKind::Dump => Self {
                trigger: format!(
                    "Make the backup {}, by an account with the TRIGGER privilege. \
                     On a restored site let CiviCRM rebuild them: {REBUILD}",
                    with_triggers(source.producer)
                ),
                no_trigger: format!(
                    "There is no trigger at all: the backup was made {}, or by an \
                     account without the TRIGGER privilege, which loses them without a message. Make \
                     it again. On a restored site let CiviCRM rebuild them: {REBUILD}",
                    without_triggers(source.producer)
                ),
                routine: format!(
                    "Make the backup {}, by an account that may read routines. \
                     On a restored site let CiviCRM create it: {REBUILD}",
                    with_routines(source.producer)
                ),
                table:
                    "Make the backup again with all tables; look for --ignore-table, an account \
                        that cannot read the table, or a damaged table on the server."
                        .to_owned(),
                view: format!(
                    "Make the backup again by an account with SHOW VIEW. On a restored multilingual \
                     site let CiviCRM rebuild its views: {REBUILD_VIEWS}"
                ),
            },
            SourceKind::Server => {
                let rebuild = format!("Let CiviCRM rebuild its triggers: {REBUILD}");
                Self {
                    trigger: rebuild.clone(),
                    no_trigger: format!(
                        "There is no trigger at all: perhaps the database was restored from a backup \
                         without them. {rebuild}"
                    ),
                    routine: rebuild.clone(),
                    table: "Restore it from a backup, or take out what still refers to it."
                        .to_owned(),
                    view: format!("Let CiviCRM rebuild its views: {REBUILD_VIEWS}"),
                }
            }
        }
    }
}

/// What to do about an object that a dump lacks, by what is known of the site that it was made of. `lacks` says
/// whether a schema lacks it; `usual` is what to do where the site is not known, or has it.
pub(super) fn fix_by_site(
    site: Option<&OtherSource>,
    kind: &'static str,
    lacks: impl Fn(&Schema) -> bool,
    usual: &str,
) -> String {
    let Some(site) = site.filter(|site| lacks(&site.snapshot.schema)) else {
        return usual.to_owned();
    };
    let name = site.name;
    match kind {
        "table" => format!(
            "{name} lacks it as well, so another backup would not have it: restore it there from an older backup, or \
             take out what still refers to it."
        ),
        _ => format!(
            "{name} lacks it as well, so another backup would not have it: let CiviCRM make it there ({}), and then \
             make the backup again.",
            if kind == "view" {
                REBUILD_VIEWS
            } else {
                REBUILD
            }
        ),
    }
}

impl Fixes {
    /// What to do about a dump of a program that writes no stored programs whatever its options.
    fn for_program(source: &Source) -> Self {
        let what = format!(
            "{} never writes triggers and routines: make the backup with mysqldump --routines --triggers (or \
             mariadb-dump) instead.",
            source.producer.name()
        );
        let programs = format!("{what} On a restored site let CiviCRM rebuild them: {REBUILD}");
        Self {
            trigger: programs.clone(),
            no_trigger: programs.clone(),
            routine: programs,
            table: format!(
                "Make the backup again with all tables: look which ones {} leaves out.",
                source.producer.name()
            ),
            view: format!(
                "{what} On a restored site let CiviCRM rebuild its views: {REBUILD_VIEWS}"
            ),
        }
    }
}

/// What makes mysqldump, and programs with the same options, write routines.
const MYSQLDUMP_ROUTINES: &str = "with --routines";

/// The check box of phpMyAdmin's export for all stored programs.
const WITH_PHPMYADMIN: &str =
    "with the option 'Add CREATE PROCEDURE / FUNCTION / EVENT / TRIGGER statement' on";

/// What makes a program write routines.
fn with_routines(producer: Producer) -> &'static str {
    match producer {
        Producer::Mysqldump
        | Producer::MariadbDump
        | Producer::Mysqlpump
        | Producer::Mydumper
        | Producer::Unknown => MYSQLDUMP_ROUTINES,
        Producer::MysqlShell => "with the option routines: true",
        Producer::PhpMyAdmin => WITH_PHPMYADMIN,
        Producer::Adminer | Producer::AdminNeo => "with the option Routines on",
        Producer::MysqldumpPhp => "with the setting routines",
        Producer::MysqlBackupNet => "with ExportFunctions and ExportProcedures on",
        _ => "with the program's option for functions and procedures, or with mysqldump --routines",
    }
}

/// What makes a program write triggers.
fn with_triggers(producer: Producer) -> &'static str {
    match producer {
        Producer::Mysqldump
        | Producer::MariadbDump
        | Producer::Mysqlpump
        | Producer::Mydumper
        | Producer::Unknown => "with --triggers",
        Producer::MysqlShell => "with the option triggers: true",
        Producer::PhpMyAdmin => WITH_PHPMYADMIN,
        Producer::Adminer | Producer::AdminNeo => "with the option Triggers on",
        Producer::MysqldumpPhp => "without the setting skip-triggers",
        Producer::MysqlBackupNet => "with ExportTriggers on",
        _ => "with the program's option for triggers, or with mysqldump",
    }
}

/// How a program comes to leave triggers out.
fn without_triggers(producer: Producer) -> &'static str {
    match producer {
        Producer::Mysqldump | Producer::MariadbDump | Producer::Unknown => "with --skip-triggers",
        Producer::Mysqlpump => "with --skip-triggers or for some tables only",
        Producer::Mydumper => "without --triggers",
        Producer::MysqlShell => "with the option triggers: false",
        Producer::PhpMyAdmin => {
            "with the option 'Add CREATE PROCEDURE / FUNCTION / EVENT / TRIGGER statement' off"
        }
        Producer::Adminer | Producer::AdminNeo => "with the option Triggers off",
        Producer::MysqldumpPhp => "with the setting skip-triggers",
        _ => "by a program that writes none, or with its option for triggers off",
    }
}
