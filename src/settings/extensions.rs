//! The extensions of CiviCRM whose code lies on the disk of a site.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use super::facts::{COMPILE_FOLDER, Held, ROOT, SettingsFacts};
use super::text::read_start;

/// An extension whose code lies on the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtensionSeen {
    /// Its key, as `info.xml` has it.
    pub key: String,
    /// The folder with its `info.xml`, as the site has it.
    pub folder: PathBuf,
    /// Whether it lies in the folder of CiviCRM's own code.
    pub is_of_code: bool,
    /// The releases of CiviCRM that it says it is for, as two numbers.
    pub releases: Vec<(u32, u32)>,
}

/// The extensions of a site, and where they were looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExtensionsSeen {
    /// The folders in which they were looked for, as the site has them.
    pub folders: Vec<PathBuf>,
    /// Those that were found.
    pub found: Vec<ExtensionSeen>,
}

/// The most bytes of an `info.xml`; they have some hundreds.
const MAX_BYTES: u64 = 256 << 10;

/// The most folders that are looked into.
const MAX_FOLDERS: usize = 50_000;

/// How deep below the folder of extensions one may lie. CiviCRM looks three folders deep by itself.
const DEEPEST: usize = 5;

/// The same below the folder of Composer's packages.
const DEEPEST_OF_VENDOR: usize = 3;

impl SettingsFacts {
    /// Looks for the code of extensions below `root`, which stands for the root folder of the site's machine: in the folder
    /// that `stored`, the setting `extensionsDir` of the database, names, unless the file overrides it; and in CiviCRM's own
    /// code. `is_new` says that the release is 4.7 or later, which has a folder by itself where nothing is set.
    pub fn look_for_extensions(&mut self, root: &Path, stored: Option<&str>, is_new: bool) {
        self.extensions = Some(self.extensions_below(root, stored, is_new));
    }

    fn extensions_below(
        &self,
        root: &Path,
        stored: Option<&str>,
        is_new: bool,
    ) -> Result<ExtensionsSeen, String> {
        let set = self
            .overrides
            .iter()
            .rfind(|one| one.name == "extensionsDir");
        let set = match set.map(|one| &one.held) {
            Some(Held::Text(path)) => Some(String::from_utf8_lossy(path).into_owned()),
            Some(_) => {
                return Err(
                    "civicrm.settings.php sets extensionsDir to what only PHP can tell".into(),
                );
            }
            None => stored.map(str::to_owned),
        };
        let code = self.path_of(ROOT)?;
        let set = match set.filter(|set| !set.is_empty()) {
            Some(set) => Some(set),
            None if is_new => Some("[civicrm.files]/ext/".to_owned()),
            None => None,
        };
        let own = set.map(|set| self.resolve(&set, &code)).transpose()?;
        // Without the slash at the end.
        let own = own.map(|folder| folder.components().collect());
        let has_code =
            below(root, &code).is_some_and(|code| code.join("CRM/Core/Config.php").exists());
        if !has_code {
            return Err(format!("{} does not hold CiviCRM's code", code.display()));
        }
        let mut seen = ExtensionsSeen::default();
        let mut left = MAX_FOLDERS;
        let of_code = ["ext", "tools/extensions"].map(|folder| (code.join(folder), DEEPEST));
        // Composer puts extensions beside the code.
        let vendor = code.ancestors().find(|above| above.ends_with("vendor"));
        let vendor = vendor.map(|folder| (folder.to_owned(), DEEPEST_OF_VENDOR));
        let folders = own.into_iter().map(|folder| (folder, DEEPEST, false));
        let of_code = of_code.into_iter().chain(vendor);
        let of_code = of_code.map(|(folder, deep)| (folder, deep, true));
        for (folder, deep, is_of_code) in folders.chain(of_code) {
            let there = below(root, &folder).ok_or("a path that is not absolute")?;
            match fs::read_dir(&there) {
                Ok(_) => {}
                // Early releases have none of their own.
                Err(error) if is_of_code && error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(format!("{}: {error}", folder.display())),
            }
            look(
                &there,
                &folder,
                is_of_code,
                deep,
                &mut left,
                &mut seen.found,
            )?;
            seen.folders.push(folder);
        }
        Ok(seen)
    }

    /// An absolute path that the file defines.
    fn path_of(&self, name: &str) -> Result<PathBuf, String> {
        match self.get(name).map(|defined| &defined.held) {
            Some(Held::Text(path)) if path.starts_with(b"/") => {
                Ok(PathBuf::from(String::from_utf8_lossy(path).into_owned()))
            }
            _ => Err(format!(
                "civicrm.settings.php names no absolute path as {name}"
            )),
        }
    }

    /// The folder that a setting of CiviCRM means: absolute, below the folder around the compiled templates, or with one of
    /// CiviCRM's names for folders in front.
    fn resolve(&self, set: &str, code: &Path) -> Result<PathBuf, String> {
        let files = || -> Result<PathBuf, String> {
            if self.moves_paths {
                return Err("civicrm.settings.php sets $civicrm_paths".into());
            }
            let compiled = self.path_of(COMPILE_FOLDER)?;
            let files = compiled.parent().unwrap_or(&compiled);
            Ok(files.to_owned())
        };
        if set.starts_with('/') {
            return Ok(PathBuf::from(set));
        }
        let Some((name, rest)) = set.strip_prefix('[').and_then(|set| set.split_once(']')) else {
            return Ok(files()?.join(set));
        };
        let rest = rest.trim_start_matches('/');
        match name {
            "civicrm.files" => Ok(files()?.join(rest)),
            "civicrm.root" => Ok(code.join(rest)),
            _ => Err(format!(
                "extensionsDir begins with [{name}], a folder that only CiviCRM can tell"
            )),
        }
    }
}

/// A path of the site below the folder that stands for the root folder of its machine.
fn below(root: &Path, path: &Path) -> Option<PathBuf> {
    let parts = path.strip_prefix("/").ok()?.components();
    let is_plain = parts
        .clone()
        .all(|part| matches!(part, Component::Normal(_)));
    is_plain.then(|| root.join(parts.as_path()))
}

/// Looks into a folder and those in it.
fn look(
    there: &Path,
    folder: &Path,
    is_of_code: bool,
    deep: usize,
    left: &mut usize,
    found: &mut Vec<ExtensionSeen>,
) -> Result<(), String> {
    *left = left
        .checked_sub(1)
        .ok_or_else(|| format!("there are more than {MAX_FOLDERS} folders"))?;
    match read_start(&there.join("info.xml"), MAX_BYTES) {
        Ok(bytes) => {
            if let Some((key, releases)) = info(&bytes) {
                found.push(ExtensionSeen {
                    key,
                    folder: folder.to_owned(),
                    is_of_code,
                    releases,
                });
                return Ok(());
            }
        }
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            return Err(format!("{}: {error}", folder.display()));
        }
        Err(_) => {}
    }
    if deep == 0 {
        return Ok(());
    }
    let entries = fs::read_dir(there).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut entries: Vec<_> = entries.flatten().collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name();
        let is_hidden = name.as_encoded_bytes().starts_with(b".");
        if is_hidden || name == "node_modules" || !entry.path().is_dir() {
            continue;
        }
        look(
            &entry.path(),
            &folder.join(&name),
            is_of_code,
            deep - 1,
            left,
            found,
        )?;
    }
    Ok(())
}

/// The key and the releases in an `info.xml`; `None` where it is not that of an extension.
fn info(bytes: &[u8]) -> Option<(String, Vec<(u32, u32)>)> {
    let text = std::str::from_utf8(bytes).ok()?;
    let document = roxmltree::Document::parse(text).ok()?;
    let extension = document.root_element();
    if !extension.has_tag_name("extension") {
        return None;
    }
    let key = extension.attribute("key")?.trim().to_owned();
    let mut parts = extension.children();
    let compatibility = parts.find(|part| part.has_tag_name("compatibility"));
    let releases = compatibility.into_iter().flat_map(|part| part.children());
    let releases = releases.filter(|part| part.has_tag_name("ver"));
    let releases = releases.filter_map(|part| {
        let mut numbers = part
            .text()?
            .trim()
            .split('.')
            .map(|number| number.parse().ok());
        Some((numbers.next()??, numbers.next().flatten().unwrap_or(0)))
    });
    Some((key, releases.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_and_the_releases_are_read_of_info_xml() {
        let text = b"<?xml version=\"1.0\"?>\n<extension key=\"org.example.a\" type=\"module\"><name>A</name>\
                     <compatibility><ver>4.7</ver><ver>5.45.1</ver></compatibility></extension>";
        let found = info(text);
        assert_eq!(
            found,
            Some(("org.example.a".to_owned(), vec![(4, 7), (5, 45)]))
        );
        for other in ["", "<a/>", "<extension/>", "<extension key='a'>", "\u{0}"] {
            assert_eq!(info(other.as_bytes()), None, "{other}");
        }
    }
}
