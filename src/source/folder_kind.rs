//! Folders with backups that mydumper did not make: what they are, and what to do with them.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use crate::dump::container::ByteStream;
use crate::text::shell_word;

/// Files that only data directories and physical backups of a server have.
const PHYSICAL: [&str; 14] = [
    "xtrabackup_checkpoints",
    "xtrabackup_info",
    "xtrabackup_logfile",
    "xtrabackup_binlog_info",
    "mariadb_backup_checkpoints",
    "mariadb_backup_info",
    "backup-my.cnf",
    "ibdata1",
    "ib_logfile0",
    "ib_buffer_pool",
    "aria_log_control",
    "mysql.ibd",
    "auto.cnf",
    "#innodb_redo",
];

/// Ends of the names of files of a storage engine.
const OF_ENGINES: [&str; 10] = [
    ".ibd", ".frm", ".MYD", ".MYI", ".MAD", ".MAI", ".sdi", ".ibd.qp", ".ibd.zst", ".ibd.lz4",
];

/// Ends of the names of files that are compressed.
const COMPRESSED: [&str; 5] = [".gz", ".zst", ".bz2", ".xz", ".zip"];

/// The end of the names of files with rows that `mysqldump --tab` lets the server write.
pub(super) const ROWS: &str = ".txt";

/// The fewest files that are taken for the tables of one dump.
const FEWEST_TABLES: usize = 3;

/// What made the files of a folder, as far as mydumper did not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FolderKind {
    /// MySQL Shell: `util.dumpInstance`, `util.dumpSchemas`, `util.dumpTables`.
    Shell,
    /// `mysqldump --tab`: statements in `TABLE.sql`, rows in `TABLE.txt`.
    Tab,
    /// A server, or a program that copies its files.
    Physical,
    /// Something else.
    Other,
}

/// The kind of a folder whose files have these names.
pub(super) fn of(folder: &Path, names: &[String]) -> FolderKind {
    let has = |name: &str| names.iter().any(|known| known == name);
    if has("@.json") || has("@.done.json") || has("@.sql") && has("@.post.sql") {
        return FolderKind::Shell;
    }
    // `xtrabackup --compress` adds an end to every name.
    let is_physical = |name: &String| {
        let stem = [".qp", ".zst", ".lz4"]
            .iter()
            .find_map(|end| name.strip_suffix(end));
        PHYSICAL.contains(&stem.unwrap_or(name))
    };
    if names.iter().any(is_physical) || holds_files_of_engines(folder, names) {
        return FolderKind::Physical;
    }
    let all: HashSet<&str> = names.iter().map(|name| stem(name)).collect();
    let is_pair = |name: &&str| {
        let table = name.strip_suffix(".sql");
        table.is_some_and(|table| all.contains(&*format!("{table}{ROWS}")))
    };
    match all.iter().any(is_pair) {
        true => FolderKind::Tab,
        false => FolderKind::Other,
    }
}

/// What [`as_one_dump`] calls the database that a folder is loaded into.
const EMPTY: &str = "COPY";

/// A command for the shell that writes the dump of a folder in one piece: loaded into an empty database, and dumped from
/// there, or put together from its files; and the name that it gives to that database, where it needs one. `None` where
/// there is no short one.
pub fn as_one_dump(folder: &Path) -> Option<(String, Option<&'static str>)> {
    let command = one_dump(folder)?;
    let empty = command.ends_with(EMPTY).then_some(EMPTY);
    Some((command, empty))
}

fn one_dump(folder: &Path) -> Option<String> {
    let entries = fs::read_dir(folder).ok()?.flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let names: Vec<String> = names.collect();
    let place = shell_word(&folder.to_string_lossy());
    let is_of_mydumper = |name: &String| {
        name == "metadata" || name == "metadata.partial" || stem(name).ends_with("-schema.sql")
    };
    if names.iter().any(is_of_mydumper) {
        return Some(format!(
            "myloader --directory={place} --database={EMPTY} && mariadb-dump --routines --events {EMPTY}"
        ));
    }
    match of(folder, &names) {
        FolderKind::Shell => Some(format!(
            "mysqlsh root@localhost -- util load-dump {place} --schema={EMPTY} && mysqldump --routines --events {EMPTY}"
        )),
        FolderKind::Other => {
            let mut ends = names.iter().filter(|name| is_sql(name)).map(|name| {
                let rest = name.strip_prefix(stem(name)).unwrap_or_default();
                rest.trim_start_matches('.').to_owned()
            });
            let end = ends.next()?;
            let program = match end.as_str() {
                "" => "cat",
                "gz" => "zcat",
                "zst" => "zstdcat",
                "bz2" => "bzcat",
                "xz" => "xzcat",
                _ => return None,
            };
            let dot = if end.is_empty() { "" } else { "." };
            let is_same = ends.all(|other| other == end);
            is_same.then(|| format!("{program} {place}/*.sql{dot}{end}"))
        }
        FolderKind::Tab | FolderKind::Physical => None,
    }
}

/// Whether the folder, or a folder in it, holds files of a storage engine.
fn holds_files_of_engines(folder: &Path, names: &[String]) -> bool {
    let is_of_engine = |name: &str| OF_ENGINES.iter().any(|end| name.ends_with(end));
    if names.iter().any(|name| is_of_engine(name)) {
        return true;
    }
    let inner = names.iter().map(|name| folder.join(name));
    let mut files = inner
        .filter_map(|path| fs::read_dir(path).ok())
        .flatten()
        .flatten();
    files.any(|entry| is_of_engine(&entry.file_name().to_string_lossy()))
}

/// A file's name without what says how it is compressed.
pub(super) fn stem(name: &str) -> &str {
    let stem = COMPRESSED.iter().find_map(|end| name.strip_suffix(end));
    stem.unwrap_or(name)
}

/// Whether a file is by its name SQL text, perhaps compressed.
pub(super) fn is_sql(name: &str) -> bool {
    stem(name).ends_with(".sql")
}

/// Whether these files hold the tables of one dump, one each, as MySQL Workbench and cPanel write them. A folder
/// with several whole dumps holds the same tables several times, or many of them in one file.
pub(super) fn are_tables(folder: &Path, names: &[String]) -> bool {
    let mut tables = HashSet::new();
    for name in names {
        let Ok(mut stream) = ByteStream::open(&folder.join(name)) else {
            return false;
        };
        let made = tables_made(stream.next_chunk().unwrap_or_default());
        if made.len() > 1 || made.into_iter().any(|table| !tables.insert(table)) {
            return false;
        }
    }
    tables.len() >= FEWEST_TABLES
}

/// The names in the CREATE TABLE statements at the start of lines of the text. The stand-ins for views stand in
/// version comments and do not count.
fn tables_made(text: &[u8]) -> Vec<Vec<u8>> {
    let mut made = Vec::new();
    for line in text.split(|byte| *byte == b'\n') {
        let Some(rest) = line.strip_prefix(b"CREATE TABLE ") else {
            continue;
        };
        let rest = rest.strip_prefix(b"IF NOT EXISTS ").unwrap_or(rest);
        let mut words = rest.split(|byte| matches!(byte, b' ' | b'('));
        made.push(words.next().unwrap_or_default().to_ascii_lowercase());
    }
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_found_at_the_start_of_lines() {
        let text =
            b"-- x\nCREATE TABLE IF NOT EXISTS `a` (\n  `b` int\n);\nCREATE TABLE c(d int);\n\
                     /*!50001 CREATE TABLE `v` (\nINSERT INTO a VALUES ('CREATE TABLE `x` (');\n";
        assert_eq!(tables_made(text), [b"`a`".to_vec(), b"c".to_vec()]);
    }
}
