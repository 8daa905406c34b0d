//! All that a settings file defines, for checks of the file itself.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::cms::CmsSettings;
use super::error::{PhpPlace, SettingsError};
use super::extensions::ExtensionsSeen;
use super::php::{self, Lexeme, StringPart, Token};
use super::script::Interpreter;
use super::site;
use super::text;
use super::value::Value;

/// The most definitions and overrides that are kept of one file.
const MOST: usize = 1000;

/// A place in the settings file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FilePlace {
    /// The line, from 1.
    pub line: u64,
    /// The column in bytes, from 1.
    pub column: u64,
}

impl fmt::Display for FilePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// What a constant or variable holds.
#[derive(Clone, PartialEq, Eq)]
pub enum Held {
    /// A text, a number, true or false as PHP makes a text of it.
    Text(Vec<u8>),
    /// NULL.
    Null,
    /// Something that only PHP can tell when it runs.
    Unknown,
}

impl fmt::Debug for Held {
    /// What is held may be a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text(_) => "Text(…)",
            Self::Null => "Null",
            Self::Unknown => "Unknown",
        })
    }
}

/// A constant or variable that the file sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Defined {
    /// The place of its definition, where it stands in the file itself.
    pub at: Option<FilePlace>,
    /// What it holds.
    pub held: Held,
}

/// A line such as `$civicrm_setting['Group']['name'] = …`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    /// The group, or `domain`.
    pub group: String,
    /// The name of the setting.
    pub name: String,
    /// The place of the line.
    pub at: FilePlace,
    /// What the setting holds.
    pub held: Held,
}

/// A folder that the file names, as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FolderSeen {
    /// The constant, or `$civicrm_root`.
    pub name: &'static str,
    /// The path in the file.
    pub path: PathBuf,
    /// The place of the definition.
    pub at: Option<FilePlace>,
    /// What is at this path.
    pub state: FolderState,
}

/// What is at the path of a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FolderState {
    /// The folder, with what it has to hold.
    There,
    /// Nothing, or something else than a folder.
    Missing,
    /// A folder without CiviCRM's code.
    WithoutCode,
    /// It may not be looked at.
    Hidden,
    /// The folder, into which nobody may write.
    ReadOnly,
}

/// Something in the file that may define more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotFollowed {
    /// The name of the file: the settings file, or one that it includes.
    pub file: String,
    /// The line, from 1.
    pub line: u64,
    /// What the line does, as it goes on behind its number: `includes a file that was not read`.
    pub what: String,
}

impl NotFollowed {
    fn new(place: &PhpPlace, what: &str) -> Self {
        let file = place.file.file_name().unwrap_or_default();
        Self {
            file: file.to_string_lossy().into_owned(),
            line: place.line,
            what: what.to_owned(),
        }
    }
}

/// What a settings file defines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SettingsFacts {
    /// The path of the file.
    pub path: PathBuf,
    /// The constants by their names, and `$civicrm_root`.
    pub defined: BTreeMap<String, Defined>,
    /// Settings that the file overrides.
    pub overrides: Vec<Override>,
    /// Whether a line that PHP may reach registers CiviCRM's class loader.
    pub has_class_loader: bool,
    /// Where the file sets PHP's `auto_detect_line_endings`.
    pub line_endings: Option<FilePlace>,
    /// The first thing in the file that was not followed, so that more may be defined.
    pub not_followed: Option<NotFollowed>,
    /// The permissions of the file, such as 0o640.
    pub mode: u32,
    /// What the settings file of the CMS says of its database; `None` where there is no such file where it belongs, or it
    /// cannot be read.
    pub cms: Option<CmsSettings>,
    /// A second settings file, of those that a site of this CMS may have, and the database that it names.
    pub second: Option<(PathBuf, Option<String>)>,
    /// The folders that it names, where they were looked for; see [`SettingsFacts::look_below`].
    pub folders: Option<Vec<FolderSeen>>,
    /// Whether the file sets `$civicrm_paths`, so that folders may be elsewhere.
    pub moves_paths: bool,
    /// The extensions on the disk, where they were looked for, or why they could not be; see
    /// [`SettingsFacts::look_for_extensions`].
    pub extensions: Option<Result<ExtensionsSeen, String>>,
}

impl SettingsFacts {
    /// Reads a settings file with the files that it includes, as far as these belong to the same site or owner; with
    /// `include_outside` others as well.
    ///
    /// # Errors
    /// The file cannot be read or followed.
    pub fn read(path: &Path, include_outside: bool) -> Result<Self, SettingsError> {
        // Nothing is wanted more than the rest, so that every file is followed that it includes.
        let mut script = Interpreter::new("").including_outside(include_outside);
        script.run(path)?;
        let bytes = text::read_text(path)?;
        let mode = fs::metadata(path).map(|file| file.permissions().mode() & 0o777);
        let include = script.not_followed.first();
        let include = include
            .map(|include| NotFollowed::new(&include.place, "includes a file that was not read"));
        let doubt = script.state.doubt.as_ref();
        let doubt = doubt.map(|doubt| NotFollowed::new(&doubt.place, &doubt.what));
        let mut facts = Self {
            path: path.to_owned(),
            has_class_loader: script.registers_class_loader,
            not_followed: include.or(doubt),
            mode: mode.unwrap_or_default(),
            cms: CmsSettings::beside(path).ok().flatten(),
            second: site::second(path),
            ..Self::default()
        };
        let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
        let place = |line: u64, name: &str| FilePlace {
            line,
            column: column(&lines, line, name),
        };
        for (name, slot) in script.state.slots() {
            let is_wanted = !name.starts_with('$') || name == ROOT;
            let Some((_, first)) = slot.candidates.first() else {
                continue;
            };
            if !is_wanted || facts.defined.len() >= MOST {
                continue;
            }
            let held = held(slot.value(name));
            let is_here = first.file == path;
            let at = is_here.then(|| place(first.line, name));
            facts.defined.insert(name.clone(), Defined { at, held });
        }
        // The tokens were read before, so that nothing can be wrong with them here.
        let tokens = php::tokens(&bytes).unwrap_or_default();
        let settings = script.state.slot("$civicrm_setting");
        let settings = settings.map(|slot| slot.value("$civicrm_setting"));
        let set = |group: &str, name: &str| {
            let group = settings.as_ref()?.index(Value::text(group.as_bytes()));
            Some(held(group.index(Value::text(name.as_bytes()))))
        };
        facts.moves_paths = script.state.slot("$civicrm_paths").is_some();
        facts.scan(&tokens, &place, &set);
        if let Some(Value::Array(groups)) = &settings {
            facts.add_overrides(groups, &tokens, &place);
        }
        Ok(facts)
    }

    /// A constant, or `$civicrm_root`.
    pub fn get(&self, name: &str) -> Option<&Defined> {
        self.defined.get(name)
    }

    /// Looks for the folders that the file names below `root`, which stands for the root folder of the site's machine.
    /// A path that is not absolute, or that only PHP can tell, is left out.
    pub fn look_below(&mut self, root: &Path) {
        let mut folders = Vec::new();
        for (name, marker) in [(ROOT, "CRM/Core/Config.php"), (COMPILE_FOLDER, ".")] {
            let Some(Defined {
                at,
                held: Held::Text(path),
            }) = self.get(name)
            else {
                continue;
            };
            let path = PathBuf::from(String::from_utf8_lossy(path).into_owned());
            let Ok(below) = path.strip_prefix("/") else {
                continue;
            };
            let there = root.join(below);
            let state = match fs::metadata(&there) {
                Ok(folder) if folder.is_dir() => match there.join(marker).exists() {
                    true if name == COMPILE_FOLDER && folder.permissions().mode() & 0o222 == 0 => {
                        FolderState::ReadOnly
                    }
                    true => FolderState::There,
                    false => FolderState::WithoutCode,
                },
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                    FolderState::Hidden
                }
                _ => FolderState::Missing,
            };
            folders.push(FolderSeen {
                name,
                at: *at,
                path,
                state,
            });
        }
        self.folders = Some(folders);
    }

    /// Adds the overrides that stand in another form than `$civicrm_setting['Group']['name'] =`.
    fn add_overrides(
        &mut self,
        groups: &BTreeMap<Vec<u8>, Value>,
        tokens: &[Lexeme],
        place: &impl Fn(u64, &str) -> FilePlace,
    ) {
        for (group, settings) in groups {
            let Value::Array(settings) = settings else {
                continue;
            };
            for (name, value) in settings {
                let group = String::from_utf8_lossy(group).into_owned();
                let name = String::from_utf8_lossy(name).into_owned();
                let mut known = self.overrides.iter();
                let is_known = known.any(|one| one.group == group && one.name == name);
                if is_known || self.overrides.len() >= MOST {
                    continue;
                }
                // Those of a file that is included stand nowhere in this one.
                let Some(line) = line_of_override(tokens, &name) else {
                    continue;
                };
                let at = place(line, &name);
                let held = held(value.clone());
                self.overrides.push(Override {
                    group,
                    name,
                    at,
                    held,
                });
            }
        }
    }

    /// Looks for what is no constant.
    fn scan(
        &mut self,
        tokens: &[Lexeme],
        place: &impl Fn(u64, &str) -> FilePlace,
        set: &impl Fn(&str, &str) -> Option<Held>,
    ) {
        for at in 0..tokens.len() {
            let rest = tokens.get(at..).unwrap_or_default();
            if let Some((group, name)) = override_of(rest)
                && self.overrides.len() < MOST
            {
                let line = rest.first().map_or(1, |lexeme| lexeme.line);
                let at = place(line, "$civicrm_setting");
                let held = set(&group, &name).unwrap_or(Held::Unknown);
                self.overrides.push(Override {
                    group,
                    name,
                    at,
                    held,
                });
            }
            if let [function, bracket, option, ..] = rest
                && function.is_word("ini_set")
                && bracket.is("(")
                && literal(option).is_some_and(|option| option == "auto_detect_line_endings")
            {
                let at = place(function.line, "ini_set");
                self.line_endings.get_or_insert(at);
            }
        }
    }
}

/// The variable that names the folder of the code.
pub const ROOT: &str = "$civicrm_root";

/// The constant that names the folder of compiled templates.
pub(super) const COMPILE_FOLDER: &str = "CIVICRM_TEMPLATE_COMPILEDIR";

/// What a value is as text.
fn held(value: Value) -> Held {
    match value {
        Value::Null => Held::Null,
        Value::Unknown(_) | Value::Array(_) => Held::Unknown,
        known => known.into_text().map_or(Held::Unknown, Held::Text),
    }
}

/// The group and the name in `$civicrm_setting['Group']['name'] = `, with which the tokens begin.
fn override_of(tokens: &[Lexeme]) -> Option<(String, String)> {
    let [
        variable,
        open,
        group,
        close,
        open_2,
        name,
        close_2,
        equals,
        ..,
    ] = tokens
    else {
        return None;
    };
    let is_variable = matches!(&variable.token, Token::Variable(name) if name == SETTINGS);
    let is_of_form = open.is("[") && close.is("]") && open_2.is("[") && close_2.is("]");
    match is_variable && is_of_form && equals.is("=") {
        true => Some((literal(group)?, literal(name)?)),
        false => None,
    }
}

/// The line on which the name of a setting stands, in a statement with `civicrm_setting` before it.
fn line_of_override(tokens: &[Lexeme], name: &str) -> Option<u64> {
    let mut is_of_settings = false;
    for lexeme in tokens {
        let text = literal(lexeme);
        if lexeme.is(";") {
            is_of_settings = false;
        } else if text.as_deref() == Some(SETTINGS)
            || matches!(&lexeme.token, Token::Variable(name) if name == SETTINGS)
        {
            is_of_settings = true;
        } else if is_of_settings && text.as_deref() == Some(name) {
            return Some(lexeme.line);
        }
    }
    None
}

/// The variable with the settings that the file overrides.
const SETTINGS: &str = "civicrm_setting";

/// The text of a string without expressions.
fn literal(lexeme: &Lexeme) -> Option<String> {
    match &lexeme.token {
        Token::Text(parts) => match &parts[..] {
            [] => Some(String::new()),
            [StringPart::Literal(text)] => Some(String::from_utf8_lossy(text).into_owned()),
            _ => None,
        },
        _ => None,
    }
}

/// The column in which a name stands in a line, from 1; 1 where it does not stand there.
fn column(lines: &[&[u8]], line: u64, name: &str) -> u64 {
    let index = usize::try_from(line.saturating_sub(1)).unwrap_or(usize::MAX);
    let found = lines
        .get(index)
        .and_then(|line| memchr::memmem::find(line, name.as_bytes()));
    found.map_or(1, |at| at as u64 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(text: &str) -> SettingsFacts {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("civicrm.settings.php");
        fs::write(&path, text).unwrap();
        SettingsFacts::read(&path, false).unwrap()
    }

    #[test]
    fn constants_and_overrides_have_their_places_and_no_value_is_shown() {
        let facts = facts(
            "<?php\nglobal $civicrm_root, $civicrm_setting;\n$civicrm_root = '/var/www/civicrm';\n\
             if (!defined('CIVICRM_SITE_KEY')) {\n  define('CIVICRM_SITE_KEY', 'SECRET');\n}\n\
             define('URL Preferences.customCSSURL', '');\n  $civicrm_setting['Mailing Preferences'][\"x\"] = 1;\n\
             define('A', getenv('A'));\ndefine('B', NULL);\nini_set('auto_detect_line_endings', '1');\n",
        );
        let at = |name: &str| facts.get(name).unwrap().at.unwrap().to_string();
        assert_eq!(at("CIVICRM_SITE_KEY"), "line 5, column 11");
        assert_eq!(at("URL Preferences.customCSSURL"), "line 7, column 9");
        assert_eq!(at(ROOT), "line 3, column 1");
        assert_eq!(facts.get("A").unwrap().held, Held::Unknown);
        assert_eq!(facts.get("B").unwrap().held, Held::Null);
        let [one] = &facts.overrides[..] else {
            panic!()
        };
        assert_eq!(
            (one.group.as_str(), one.name.as_str()),
            ("Mailing Preferences", "x")
        );
        assert_eq!(one.at.to_string(), "line 8, column 3");
        assert_eq!(facts.line_endings.unwrap().line, 11);
        assert!(!facts.has_class_loader);
        assert!(!format!("{facts:?}").contains("SECRET"));
    }

    #[test]
    fn a_file_that_is_included_and_not_there_may_define_more() {
        let one = facts("<?php\ninclude 'other.php';").not_followed.unwrap();
        assert_eq!((one.file.as_str(), one.line), ("civicrm.settings.php", 2));
        let loader = "<?php\nrequire_once 'CRM/Core/ClassLoader.php';\nCRM_Core_ClassLoader::singleton()->register();";
        let facts = facts(loader);
        assert_eq!((facts.not_followed, facts.has_class_loader), (None, true));
    }

    #[test]
    fn overrides_are_found_in_every_form() {
        for form in [
            "$civicrm_setting['domain']['is_enabled'] = 1;",
            "$GLOBALS['civicrm_setting']['domain']['is_enabled'] = 1;",
            "$civicrm_setting = array('domain' => array('is_enabled' => 1));",
            "$civicrm_setting['domain'] = ['is_enabled' => 1];",
            "$civicrm_setting['domain'] += ['is_enabled' => 1];",
            "$civicrm_setting += ['domain' => ['is_enabled' => 1]];",
        ] {
            let facts = facts(&format!("<?php\nglobal $civicrm_setting;\n{form}"));
            let [one] = &facts.overrides[..] else {
                panic!("{form}")
            };
            let found = (one.group.as_str(), one.name.as_str(), one.at.line);
            assert_eq!(found, ("domain", "is_enabled", 3), "{form}");
            assert_eq!(one.held, Held::Text(b"1".to_vec()), "{form}");
        }
    }

    #[test]
    fn the_class_loader_counts_where_php_reaches_it() {
        const LINES: &str = "require_once 'CRM/Core/ClassLoader.php';\nCRM_Core_ClassLoader::singleton()->register();";
        for (text, expected) in [
            (LINES.to_owned(), true),
            (
                format!("if (!class_exists('CRM_Core_ClassLoader', false)) {{ {LINES} }}"),
                true,
            ),
            (format!("/* {LINES} */"), false),
            (format!("# {}", LINES.replace('\n', "\n# ")), false),
            (format!("if (false) {{ {LINES} }}"), false),
            (format!("return;\n{LINES}"), false),
        ] {
            let facts = facts(&format!("<?php\n{text}"));
            assert_eq!(facts.has_class_loader, expected, "{text}");
            assert_eq!(facts.not_followed, None, "{text}");
        }
    }

    #[test]
    fn a_file_that_ends_anywhere_is_read_or_refused() {
        let text = "<?php\n$civicrm_root = '/a';\ndefine('A.b', \"x{$y['z']}\");\n$civicrm_setting['a']['b'] = [1];\n\
                    ini_set('auto_detect_line_endings', '1');\n";
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("civicrm.settings.php");
        for end in 0..text.len() {
            fs::write(&path, &text[..end]).unwrap();
            let _ = SettingsFacts::read(&path, false);
        }
    }
}
