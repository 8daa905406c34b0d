//! What to do with a folder that is not a dump: the commands, with the names in it.

use std::fs;
use std::path::Path;

use super::error::SourceError;
use super::folder_kind::is_sql;
use crate::text::shell_word;

/// Most files that are named one by one; of more, a pattern.
const NAMED: usize = 3;

/// Ends of the names of streams in which xtrabackup and mariabackup write a whole backup.
const STREAMS: [&str; 4] = [".xbstream", ".mbstream", ".xb", ".mb"];

/// Ends that `xtrabackup --compress` adds to the names of files.
const PACKED: [&str; 3] = [".qp", ".zst", ".lz4"];

/// The error about a folder in which these files and folders lie, in the order of their names, and no dump of which it
/// could be the folder.
pub(super) fn error(folder: &Path, names: &[String]) -> SourceError {
    let (what, advice) = found(folder, names);
    SourceError::OtherFolder {
        path: folder.to_owned(),
        what,
        advice,
    }
}

fn found(folder: &Path, names: &[String]) -> (String, String) {
    let word = |name: &str| shell_word(&folder.join(name).to_string_lossy());
    if names.is_empty() {
        return (
            "the folder is empty".to_owned(),
            "look whether the backup was written elsewhere, or not at all".to_owned(),
        );
    }
    let is_stream = |name: &&String| STREAMS.iter().any(|end| name.ends_with(end));
    if let Some(stream) = names.iter().find(is_stream) {
        let file = word(stream);
        return (
            "it holds a physical backup as a stream of xtrabackup or mariabackup, not a dump"
                .to_owned(),
            format!(
                "unpack it into an empty folder (mkdir restore && xbstream -x -C restore <{file}; of mariabackup \
                 mbstream -x -C restore <{file}), prepare that (xtrabackup or mariabackup --prepare \
                 --target-dir=restore), start a test server on it and check that: {CHECK}"
            ),
        );
    }
    let mut dumps: Vec<String> = names.iter().filter(|name| is_sql(name)).cloned().collect();
    if dumps.is_empty() {
        dumps = dumps_below(folder, names);
    }
    // UpdraftPlus calls its dumps backup_…-db.gz.
    let is_compressed = |name: &&String| {
        [".gz", ".zst", ".bz2", ".xz"]
            .iter()
            .any(|end| name.ends_with(end))
    };
    if dumps.is_empty() {
        dumps = names.iter().filter(is_compressed).cloned().collect();
    }
    let what = "no program is known that makes one dump of such files".to_owned();
    let advice = match &dumps[..] {
        [] => "no file in it has a name that ends with .sql, .gz or the like: name the file that holds the dump"
            .to_owned(),
        [one, other] if in_order(one, other).is_some() => {
            let (first, second) = in_order(one, other).unwrap_or((one, other));
            format!(
                "if they are the two halves of one dump, read them one behind the other: zcat -f {} {} | cividb verify -",
                word(first),
                word(second)
            )
        }
        few if few.len() <= NAMED => {
            let words: Vec<String> = few.iter().map(|name| word(name)).collect();
            format!("name the files in it that hold dumps: cividb verify {}", words.join(" "))
        }
        _ => format!(
            "name the files in it that hold dumps: cividb verify {}/*.sql*",
            shell_word(&folder.to_string_lossy())
        ),
    };
    (what, advice)
}

/// Two files of which one has by its name the tables and the other the rows, in the order in which they are restored;
/// `None` of others, and where `zcat -f` cannot read them.
fn in_order<'n>(one: &'n str, other: &'n str) -> Option<(&'n str, &'n str)> {
    let has = |name: &str, words: &[&str]| {
        let lower = name.to_ascii_lowercase();
        words.iter().any(|word| lower.contains(word))
    };
    let is_structure = |name: &str| has(name, &["schema", "structure", "ddl"]);
    let is_rows = |name: &str| has(name, &["data", "rows", "inserts"]) && !is_structure(name);
    let is_read = |name: &str| name.ends_with(".sql") || name.ends_with(".gz");
    if !is_read(one) || !is_read(other) {
        return None;
    }
    match (
        is_structure(one) && is_rows(other),
        is_rows(one) && is_structure(other),
    ) {
        (true, _) => Some((one, other)),
        (_, true) => Some((other, one)),
        _ => None,
    }
}

/// The files in the folders of a folder that are by their names SQL text, with the names of those folders: Duplicator
/// has its dump in `dup-installer`.
fn dumps_below(folder: &Path, names: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    for name in names {
        let entries = fs::read_dir(folder.join(name))
            .into_iter()
            .flatten()
            .flatten();
        for entry in entries {
            let file = entry.file_name().to_string_lossy().into_owned();
            if is_sql(&file) {
                found.push(format!("{name}/{file}"));
            }
        }
    }
    found.sort();
    found.truncate(NAMED);
    found
}

/// The command that checks a server.
const CHECK: &str = "cividb check mysql://root@localhost/DATABASE";

/// What to do with a physical backup with these files.
pub(super) fn of_physical(folder: &Path, names: &[String]) -> String {
    let target = shell_word(&format!("--target-dir={}", folder.display()));
    let is_packed = |name: &String| PACKED.iter().any(|end| name.ends_with(end));
    let unpack = match names.iter().any(is_packed) {
        true => format!("decompress it (xtrabackup --decompress {target}), "),
        false => String::new(),
    };
    format!(
        "{unpack}prepare it (xtrabackup --prepare {target}, of MariaDB mariabackup --prepare {target}), start a test \
         server on it and check that: {CHECK}"
    )
}
