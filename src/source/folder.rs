//! Reads a folder with the files of one dump. Here: of mydumper, with files for each table, its rows and triggers, for
//! views and for routines.

mod metadata;
mod shell;
mod tab;

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::SourceError;
use super::folder_kind::{self, FolderKind};
use super::location::read_stream;
use super::no_dump;
use crate::dump::container::{ByteStream, Progress};
use crate::dump::reader::DumpSink;
use crate::dump::scanner::Scanner;
use crate::snapshot::Place;
use crate::snapshot::Producer;

/// Most bytes that are read of mydumper's file `metadata`.
const MAX_METADATA: u64 = 16 << 20;

/// What a file of the folder holds, in the order in which myloader restores them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    CreateDatabase,
    Table,
    Rows,
    View,
    Programs,
}

/// What the name of a file in the folder tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FolderFile {
    kind: Kind,
    /// The database that the file belongs to.
    pub(super) database: String,
}

impl FolderFile {
    /// The scanner for the file. mydumper does not know DELIMITER: it breaks up every `;` at the end of a line
    /// in the body of a stored program, and myloader takes only a `;` at the end of a line for the end of a
    /// statement.
    pub(super) fn scanner(&self) -> Scanner {
        match self.kind {
            Kind::View | Kind::Programs => Scanner::resume(Place::default(), b";\n"),
            _ => Scanner::default(),
        }
    }
}

struct Entry {
    part: FolderFile,
    path: PathBuf,
    name: String,
}

/// Reads all files of the folder in the order of a restore, whichever program has made it.
///
/// # Errors
/// The folder cannot be listed, does not hold a dump, or one of its files is not text.
pub(super) fn read(
    folder: &Path,
    sink: &mut dyn DumpSink,
    watch: &mut dyn FnMut(&Progress),
) -> Result<(), SourceError> {
    let listing = |error| SourceError::Folder {
        path: folder.to_owned(),
        error,
    };
    let mut files = Vec::new();
    let mut finished = None;
    let mut announced = Vec::new();
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(listing)? {
        let path = entry.map_err(listing)?.path();
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        // Nobody writes into a pipe that lies there, and who opens it waits for ever.
        let is_pipe = fs::metadata(&path).is_ok_and(|it| !it.is_file() && !it.is_dir());
        match name.as_str() {
            _ if is_pipe => sink
                .reader()
                .unfinished(format!("{name} in the folder is not a file")),
            "metadata" => {
                let text = metadata_text(&path);
                finished = Some(is_finished(&text));
                announced = metadata::tables(&text);
            }
            "metadata.partial" => sink.reader().unfinished(
                "mydumper's file metadata.partial is there: it was still running, or was stopped"
                    .to_owned(),
            ),
            _ => {
                files.extend(classify(&name).map(|part| Entry {
                    part,
                    path,
                    name: name.clone(),
                }));
                names.push(name);
            }
        }
    }
    // Any folder may hold files named like those of mydumper; only its folders have these two.
    let has_structure = files.iter().any(|file| file.part.kind == Kind::Table);
    if files.is_empty() || finished.is_none() && !has_structure {
        return other(folder, names, sink, watch);
    }
    files.sort_by(|a, b| (a.part.kind, &a.name).cmp(&(b.part.kind, &b.name)));
    let reader = sink.reader();
    reader.set_producer(Producer::Mydumper, None);
    reader.begin_part(finished == Some(true));
    let lacks = match finished {
        Some(true) => None,
        Some(false) => Some("mydumper's file metadata does not say 'Finished dump at'"),
        None => Some("mydumper's file metadata is missing"),
    };
    if let Some(lacks) = lacks {
        reader.unfinished(lacks.to_owned());
    }
    files.retain(|file| file.part.kind != Kind::CreateDatabase);
    for file in files {
        sink.reader()
            .begin_file(&file.name, Some(&file.part.database));
        let stream = ByteStream::open(&file.path)?;
        read_stream(stream, file.part.scanner(), None, sink, watch);
    }
    for table in announced {
        if let Some(what) = table.lost(sink.reader(), has_structure) {
            sink.reader().unfinished(what);
        }
    }
    Ok(())
}

/// Reads a folder that mydumper did not make: of another program, or files of one table each, one after the other.
fn other(
    folder: &Path,
    mut names: Vec<String>,
    sink: &mut dyn DumpSink,
    watch: &mut dyn FnMut(&Progress),
) -> Result<(), SourceError> {
    match folder_kind::of(folder, &names) {
        FolderKind::Shell => return shell::read(folder, &names, sink, watch),
        FolderKind::Tab => return tab::read(folder, names, sink, watch),
        FolderKind::Physical => {
            return Err(SourceError::OtherFolder {
                path: folder.to_owned(),
                what: "it is a physical backup (xtrabackup, mariabackup or a copy of the data directory), not a dump"
                    .to_owned(),
                advice: no_dump::of_physical(folder, &names),
            });
        }
        FolderKind::Other => {}
    }
    names.sort();
    let all = names.clone();
    names.retain(|name| folder_kind::is_sql(name));
    if !folder_kind::are_tables(folder, &names) {
        return Err(no_dump::error(folder, &all));
    }
    for name in names {
        sink.reader().begin_file(&name, None);
        let stream = ByteStream::open(&folder.join(&name))?;
        read_stream(stream, Scanner::default(), None, sink, watch);
    }
    Ok(())
}

/// The text of mydumper's file `metadata`; empty if it cannot be read.
fn metadata_text(metadata: &Path) -> String {
    let read = || -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        File::open(metadata)?
            .take(MAX_METADATA)
            .read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = read().unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// `metadata` of mydumper 0.10 has a line `Finished dump at: …`, later ones `# Finished dump at: …`.
fn is_finished(metadata: &str) -> bool {
    metadata.lines().any(|line| {
        line.trim_start_matches(['#', ' '])
            .starts_with("Finished dump at")
    })
}

/// What a single file of such a folder holds, if it lies beside mydumper's metadata; otherwise `None`.
pub(super) fn part(file: &Path) -> Option<FolderFile> {
    let folder = file.parent()?;
    if !folder.join("metadata").is_file() {
        return None;
    }
    classify(&file.file_name()?.to_string_lossy())
}

/// Tells kind and database by the file's name: `db-schema-create.sql`, `db.table-schema.sql`, `db.table.sql`,
/// `db.table.00001.sql`, `db.view-schema-view.sql`, `db.table-schema-triggers.sql`, `db-schema-post.sql`; each
/// perhaps compressed.
fn classify(name: &str) -> Option<FolderFile> {
    let stem = [".gz", ".zst", ".bz2", ".xz"]
        .iter()
        .find_map(|end| name.strip_suffix(end))
        .unwrap_or(name)
        .strip_suffix(".sql")?;
    let (kind, database) = if let Some(database) = stem.strip_suffix("-schema-create") {
        (Kind::CreateDatabase, database)
    } else if let Some(database) = stem.strip_suffix("-schema-post") {
        (Kind::Programs, database)
    } else {
        let (database, rest) = stem.split_once('.')?;
        let ends = [
            ("-schema-triggers", Kind::Programs),
            ("-schema-view", Kind::View),
            ("-schema", Kind::Table),
        ];
        let kind = ends.into_iter().find(|(end, _)| rest.ends_with(end));
        (kind.map_or(Kind::Rows, |(_, kind)| kind), database)
    };
    let database = database.to_owned();
    Some(FolderFile { kind, database })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_classified_by_name() {
        let kind = |name| classify(name).map(|part| (part.kind, part.database));
        let civi = |kind| Some((kind, "civi".to_owned()));
        assert_eq!(kind("civi-schema-create.sql"), civi(Kind::CreateDatabase));
        assert_eq!(kind("civi.civicrm_acl-schema.sql.gz"), civi(Kind::Table));
        assert_eq!(kind("civi.civicrm_acl.00001.sql.zst"), civi(Kind::Rows));
        assert_eq!(
            kind("civi.civicrm_acl-schema-triggers.sql"),
            civi(Kind::Programs)
        );
        assert_eq!(kind("civi.v-schema-view.sql"), civi(Kind::View));
        assert_eq!(kind("civi-schema-post.sql"), civi(Kind::Programs));
        assert_eq!(kind("readme.txt"), None);
        assert_eq!(kind("dump.sql"), None);
    }
}
