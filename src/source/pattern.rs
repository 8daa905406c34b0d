//! Files that match a pattern, and folders in which it cannot be told.

use std::fs;
use std::path::{Path, PathBuf};

use glob::{Pattern, PatternError};

/// The paths that match a pattern, sorted. What cannot be looked into is among them, so that it is named when it is
/// read; so are files whose names are not UTF-8, which [`glob`] passes over: their names match by what can be read of
/// them.
pub(super) fn matching(pattern: &str) -> Result<Vec<PathBuf>, PatternError> {
    let found = glob::glob(pattern)?;
    let mut paths: Vec<PathBuf> = found
        .map(|path| path.unwrap_or_else(|error| error.path().to_owned()))
        .collect();
    let pattern = Path::new(pattern);
    if let Some(last) = pattern.file_name().and_then(|last| last.to_str()) {
        let last = Pattern::new(last)?;
        for folder in folders(pattern.parent())? {
            paths.extend(unreadable_names(&folder, &last));
        }
    }
    paths.sort();
    paths.dedup();
    Ok(paths)
}

/// The folders that the first part of a pattern means.
fn folders(pattern: Option<&Path>) -> Result<Vec<PathBuf>, PatternError> {
    let pattern = pattern.unwrap_or_else(|| Path::new(""));
    match pattern.to_str() {
        Some("") => Ok(vec![PathBuf::from(".")]),
        Some(text) => Ok(glob::glob(text)?.flatten().collect()),
        None => Ok(Vec::new()),
    }
}

/// The files of a folder whose names are not UTF-8 and match.
fn unreadable_names(folder: &Path, last: &Pattern) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name());
    names
        .filter(|name| name.to_str().is_none() && last.matches(&name.to_string_lossy()))
        .map(|name| match folder == Path::new(".") {
            true => PathBuf::from(name),
            false => folder.join(name),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;

    use super::*;

    #[test]
    fn names_that_are_not_utf8_match_as_others_do() {
        let folder = tempfile::tempdir().unwrap();
        let strange = OsString::from_vec(b"b\xff.sql".to_vec());
        for name in [
            OsString::from("a.sql"),
            strange.clone(),
            OsString::from("c.txt"),
        ] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let pattern = format!("{}/*.sql", folder.path().display());
        let expected = [folder.path().join("a.sql"), folder.path().join(strange)];
        assert_eq!(matching(&pattern).unwrap(), expected);
        let upper = folder.path().parent().unwrap().display().to_string();
        let name = folder.path().file_name().unwrap().to_str().unwrap();
        let pattern = format!("{upper}/{}*/*.sql", &name[..name.len() - 1]);
        assert_eq!(matching(&pattern).unwrap(), expected);
    }
}
