//! The backup as the user named it, and whether it is fit to go back to.

use std::path::PathBuf;

use crate::change::refusal::Refusal;
use crate::checks::{Finding, Findings, Severity};
use crate::cli::ServerOptions;
use crate::cli::error::Error;
use crate::source::{Location, as_one_dump};

/// Findings about a backup that are mended while it is restored.
const MENDED: [&str; 3] = [
    "restore-collation",
    "restore-sql-mode",
    "restore-generated-column",
];

/// The file of a backup.
pub(super) fn backup(dump: &str, server: &ServerOptions) -> Result<PathBuf, Error> {
    let refused = |why: String| Error::from(Refusal::WrongSources(why));
    match Location::one(dump, &server.access())? {
        Location::File(path) => match path.metadata() {
            Ok(file) if file.is_file() => Ok(path),
            Ok(_) => Err(refused(format!(
                "{dump} is read several times, which a pipe or a device does not allow; put it into a file first"
            ))),
            Err(error) => Err(Error::Unfit(dump.to_owned(), format!("cannot open: {error}"))),
        },
        Location::Server(server) => Err(refused(format!(
            "{} is a server; the backup comes first, and then the site: cividb rollback DUMP SERVER",
            server.name
        ))),
        Location::Folder(folder) => Err(refused(match as_one_dump(&folder) {
            Some((one, empty)) => format!(
                "{dump} is a folder, and rollback takes a dump in one file, which this makes: {{ {one}; }} >backup.sql{}",
                empty.map_or_else(String::new, |name| format!(" ({name} is an empty database)"))
            ),
            None => format!(
                "{dump} is a folder, and rollback takes a dump in one file; load it into an empty database, and dump that"
            ),
        })),
        Location::Stdin => Err(refused(
            "a backup is read several times, which standard input does not allow; put it into a file first".to_owned(),
        )),
    }
}

/// Errors of a backup that `extract --repair` may mend: it adds the function and the triggers of CiviCRM's core.
const ADDED_BY_REPAIR: [&str; 2] = ["routine-missing", "trigger-missing"];

/// Why the backup is not whole, where `verify` says so.
pub(super) fn not_whole(findings: &Findings) -> Option<Refusal> {
    let found = findings.list.iter().filter(|it| {
        let counts = it.accepted.is_none() && it.severity == Severity::Error;
        counts && !MENDED.contains(&it.check.id)
    });
    let found: Vec<&Finding> = found.collect();
    let first = found.first()?;
    let more = match found.len() - 1 {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    let is_added = |it: &&Finding| ADDED_BY_REPAIR.contains(&it.check.id);
    let mend = match found.iter().all(is_added) {
        true => {
            "; cividb extract --repair -o FILE adds what CiviCRM's core makes itself, and FILE can be gone back to"
        }
        false => "",
    };
    Some(Refusal::BackupNotWhole(format!(
        "{}: {}{more}{mend}",
        first.check.id, first.message
    )))
}
