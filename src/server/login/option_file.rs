//! Option files (`my.cnf`): MySQL manual, "Using Option Files"; MariaDB's "Configuring MariaDB
//! with Option Files".
//!
//! They are read as the servers' clients read them. Three things differ on purpose: an error in an included
//! file is an error, lines may have any length, and only ASCII white space is cut off (the clients take the
//! last byte of `à` for a space, too).

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

mod line;

use line::{EndComments, Line, parse_line};

use crate::small_file;

use super::error::{LineProblem, LoginError, OptionPlace, Warning};

/// How many levels of `!include` are followed, as in the clients.
const MAX_DEPTH: usize = 10;
/// How many files are read at most. Real option files are far fewer, but files that include each other can ask
/// for 10^10.
pub(super) const MAX_FILES: usize = 1000;
/// Longest option file that is read, in bytes.
const MAX_SIZE: u64 = 1 << 20;

/// An option as it stands in a file. Its value may be a password, so nothing prints it.
pub(super) struct Setting {
    pub place: OptionPlace,
    pub name: Vec<u8>,
    pub value: Option<Vec<u8>>,
}

/// The groups of option files to read.
pub(super) struct Groups(Vec<String>);

impl Groups {
    /// Makes the list of all these groups; with a suffix (`--defaults-group-suffix`) also each group with the
    /// suffix behind it.
    pub fn new(names: &[&str], suffix: Option<&str>) -> Self {
        let plain = names.iter().map(|&name| name.to_owned());
        let suffixed = suffix
            .into_iter()
            .flat_map(|suffix| names.iter().map(move |name| format!("{name}{suffix}")));
        Self(plain.chain(suffixed).collect())
    }

    /// Whether the list contains a group; letter case does not count.
    pub fn contain(&self, group: &[u8]) -> bool {
        let same = |name: &String| name.as_bytes().eq_ignore_ascii_case(group);
        self.0.iter().any(same)
    }
}

/// Reads option files, and remembers what they set.
pub(super) struct Reader<'a> {
    /// The home folder, for which `~` stands.
    home: Option<&'a Path>,
    files: usize,
    pub settings: Vec<Setting>,
    pub warnings: Vec<Warning>,
}

impl<'a> Reader<'a> {
    pub fn new(home: Option<&'a Path>) -> Self {
        Self {
            home,
            files: 0,
            settings: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// Reads a file that must exist.
    pub fn required(&mut self, path: &Path, groups: &Groups) -> Result<(), LoginError> {
        self.file(&self.expand(path), groups, 0)
    }

    /// Reads a file that need not exist.
    pub fn optional(&mut self, path: &Path, groups: &Groups) -> Result<(), LoginError> {
        match self.file(path, groups, 0) {
            Err(LoginError::OptionFile { error, .. }) if is_absent(&error) => Ok(()),
            result => self.unreadable_is_a_warning(result),
        }
    }

    /// Takes the lines of a login file, in which `#` does not begin a comment, and which cannot include other
    /// files.
    pub fn login_file(
        &mut self,
        path: &Path,
        text: &[u8],
        groups: &Groups,
    ) -> Result<(), LoginError> {
        self.lines(path, text, groups, EndComments::No, MAX_DEPTH)
    }

    fn file(&mut self, path: &Path, groups: &Groups, depth: usize) -> Result<(), LoginError> {
        self.files += 1;
        if self.files > MAX_FILES {
            return Err(LoginError::TooManyFiles(path.to_owned()));
        }
        let unreadable = |error| LoginError::OptionFile {
            path: path.to_owned(),
            error,
        };
        let file = File::open(path).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        if metadata.is_file() && mode(&metadata) & 0o002 != 0 {
            self.warnings.push(Warning::WorldWritable(path.to_owned()));
            return Ok(());
        }
        let text = read_all(file).map_err(unreadable)?;
        self.lines(path, &text, groups, EndComments::Yes, depth)
    }

    fn lines(
        &mut self,
        path: &Path,
        text: &[u8],
        groups: &Groups,
        comments: EndComments,
        depth: usize,
    ) -> Result<(), LoginError> {
        let mut group: Option<&[u8]> = None;
        for (line, bytes) in (1..).zip(text.split(|&byte| byte == b'\n')) {
            let place = || OptionPlace {
                file: path.to_owned(),
                line,
            };
            let wrong = |problem| LoginError::Line {
                place: place(),
                problem,
            };
            match parse_line(bytes, comments).map_err(wrong)? {
                Line::Nothing => {}
                Line::Group(name) => group = Some(name),
                Line::Include(_) | Line::IncludeDir(_) if depth >= MAX_DEPTH => {
                    self.warnings.push(Warning::Depth(place()));
                }
                Line::Include(file) => self.include(&self.expand(file), groups, depth)?,
                Line::IncludeDir(folder) => {
                    let folder = self.expand(folder);
                    let unreadable = |error| LoginError::IncludeDir {
                        place: place(),
                        folder: folder.clone(),
                        error,
                    };
                    for file in option_files_in(&folder).map_err(unreadable)? {
                        self.include(&file, groups, depth)?;
                    }
                }
                Line::Option { name, value } => {
                    let group = group.ok_or_else(|| wrong(LineProblem::NoGroup))?;
                    if groups.contain(group) {
                        self.settings.push(Setting {
                            place: place(),
                            name: name.to_vec(),
                            value,
                        });
                    }
                }
            }
        }
        Ok(())
    }

    fn include(&mut self, path: &Path, groups: &Groups, depth: usize) -> Result<(), LoginError> {
        let result = self.file(path, groups, depth + 1);
        self.unreadable_is_a_warning(result)
    }

    fn unreadable_is_a_warning(
        &mut self,
        result: Result<(), LoginError>,
    ) -> Result<(), LoginError> {
        match result {
            Err(LoginError::OptionFile { path, error }) => {
                self.warnings.push(Warning::Unreadable { path, error });
                Ok(())
            }
            result => result,
        }
    }

    /// Replaces a leading `~` of a path by the home folder; other relative paths are relative to the working
    /// folder, as for the clients.
    fn expand(&self, path: &Path) -> PathBuf {
        match (path.strip_prefix("~"), self.home) {
            (Ok(rest), Some(home)) => home.join(rest),
            _ => path.to_owned(),
        }
    }
}

/// Whether the error says that a file does not exist.
pub(super) fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// Reads a whole file, unless it is too big for an option file.
pub(super) fn read_all(file: File) -> io::Result<Vec<u8>> {
    small_file::read_from(file, MAX_SIZE)
}

/// The permission bits of a file.
pub(super) fn mode(metadata: &fs::Metadata) -> u32 {
    std::os::unix::fs::PermissionsExt::mode(&metadata.permissions())
}

/// The files `*.cnf` of a folder, in the order of their names.
fn option_files_in(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.file_name()))
        .collect::<io::Result<Vec<_>>>()?;
    files.retain(|name| name.as_encoded_bytes().ends_with(b".cnf"));
    files.sort();
    Ok(files.iter().map(|name| folder.join(name)).collect())
}

#[cfg(test)]
mod tests;
