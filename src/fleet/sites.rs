//! Lists of sites: a TOML file with a table for each.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::checks::acceptance::{self, Acceptance, AcceptanceError, Entry};
use crate::civicrm::release::Version;
use crate::server::login::url;
use crate::small_file::{self, SMALL};

/// A site of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Site {
    /// The name that reports give it.
    pub name: String,
    /// The source, as an argument names it; a path is relative to the list's folder.
    pub source: String,
    /// The release that it is to be upgraded to.
    pub target: Option<Version>,
    /// The only option file that is read for its server.
    pub defaults_file: Option<PathBuf>,
    /// Findings of it that are accepted, besides those of `cividb.toml`.
    pub accept: Vec<Acceptance>,
}

/// The file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    site: Vec<Table>,
}

/// The table of one site.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    name: String,
    source: String,
    target: Option<String>,
    defaults_file: Option<PathBuf>,
    #[serde(default)]
    accept: Vec<Entry>,
}

/// Why a list of sites cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum SitesError {
    /// The file cannot be read.
    #[error("cannot read it: {0}")]
    Read(#[from] std::io::Error),
    /// The text is not TOML, or not of the form of a list of sites: the line, and what is wrong. The line itself is not
    /// shown, which may hold a password that does not belong there.
    #[error("line {0}: {1}")]
    Form(usize, String),
    /// There is no site in it.
    #[error("it has no [[site]]; each takes name = \"…\" and source = \"…\"")]
    Empty,
    /// Two sites have the same name.
    #[error("two sites have the name '{0}'; give each one of its own")]
    Twice(String),
    /// A site has a name without any letter.
    #[error("the [[site]] with source = \"{0}\" has an empty name")]
    NoName(String),
    /// A source holds a password, which a file that many may read must not.
    #[error(
        "site '{0}': the source holds a password; take it out, and name an option file with defaults_file = \"FILE\""
    )]
    Password(String),
    /// The target is not a release.
    #[error("site '{0}': target = \"{1}\" is not a release such as 6.4.1")]
    Target(String, String),
    /// An entry of the accepted findings is wrong.
    #[error("site '{0}': {1}")]
    Accept(String, AcceptanceError),
}

/// Reads a list of sites.
///
/// # Errors
/// The file cannot be read or is not of the form of a list; a site has no name, the name of another, a password in its
/// source, a target that is no release, or a wrong entry among its accepted findings.
pub fn read(path: &Path) -> Result<Vec<Site>, SitesError> {
    let text = small_file::read(path, SMALL)?;
    let folder = path.parent().unwrap_or(Path::new(""));
    parse(&String::from_utf8_lossy(&text), folder)
}

fn parse(text: &str, folder: &Path) -> Result<Vec<Site>, SitesError> {
    let file: File = toml::from_str(text).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start);
        let before = text.as_bytes().get(..start).unwrap_or_default();
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        SitesError::Form(line, error.message().to_owned())
    })?;
    let mut names = std::collections::HashSet::new();
    for table in &file.site {
        if !names.insert(table.name.as_str()) {
            return Err(SitesError::Twice(table.name.clone()));
        }
    }
    if file.site.is_empty() {
        return Err(SitesError::Empty);
    }
    file.site
        .into_iter()
        .map(|table| table.site(folder))
        .collect()
}

impl Table {
    fn site(self, folder: &Path) -> Result<Site, SitesError> {
        let Self {
            name,
            source,
            target,
            defaults_file,
            accept,
        } = self;
        if name.trim().is_empty() {
            return Err(SitesError::NoName(url::without_password(&source)));
        }
        if url::parts::password_in(&source).is_some() {
            return Err(SitesError::Password(name));
        }
        let target = match target {
            Some(text) => match Version::parse(&text) {
                Some(version) => Some(version),
                None => return Err(SitesError::Target(name, text)),
            },
            None => None,
        };
        let accept = acceptance::of_entries(accept);
        let accept = accept.map_err(|error| SitesError::Accept(name.clone(), error))?;
        let source = match url::is_url(&source) || source == "-" {
            true => source,
            false => folder.join(source).to_string_lossy().into_owned(),
        };
        Ok(Site {
            name,
            source,
            target,
            defaults_file: defaults_file.map(|file| folder.join(file)),
            accept,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = r#"
        [[site]]
        name = "Aid"
        source = "backups/aid.sql.gz"
        target = "6.4.1"

        [[site.accept]]
        check = "fk-name"
        reason = "renamed with the next upgrade"
        until = "2099-01-31"

        [[site]]
        name = "Bridge"
        source = "mysql://reader@localhost/bridge"
        defaults_file = "bridge.cnf"
    "#;

    #[test]
    fn paths_are_relative_to_the_list() {
        let sites = parse(LIST, Path::new("/etc/cividb")).unwrap();
        assert_eq!(sites[0].source, "/etc/cividb/backups/aid.sql.gz");
        assert_eq!(sites[0].accept.len(), 1);
        assert_eq!(sites[0].target, Version::parse("6.4.1"));
        assert_eq!(sites[1].source, "mysql://reader@localhost/bridge");
        let option_file = sites[1].defaults_file.as_deref();
        assert_eq!(option_file, Some(Path::new("/etc/cividb/bridge.cnf")));
    }

    #[test]
    fn a_list_that_cannot_be_meant_is_refused_with_the_site_and_the_reason() {
        for (from, to, says) in [
            ("Bridge", "Aid", "two sites have the name 'Aid'"),
            ("Bridge", " ", "empty name"),
            (
                "reader@",
                "reader:secret@",
                "site 'Bridge': the source holds a password",
            ),
            (
                "6.4.1",
                "next",
                "site 'Aid': target = \"next\" is not a release",
            ),
            (
                "fk-name",
                "fk-nmae",
                "site 'Aid': [[accept]] names the check 'fk-nmae'",
            ),
            ("target", "password", "line 5: unknown field `password`"),
            (
                "source = \"backups",
                "sorce = \"backups",
                "line 4: unknown field `sorce`",
            ),
        ] {
            let error = parse(&LIST.replacen(from, to, 1), Path::new("")).unwrap_err();
            let error = error.to_string();
            assert!(error.contains(says), "{error}");
            assert!(!error.contains("secret"), "{error}");
        }
        assert!(matches!(parse("", Path::new("")), Err(SitesError::Empty)));
    }
}
