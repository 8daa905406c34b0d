//! The table of messages: what each means, and what to do about it.

use serde::Deserialize;

use super::pattern::Pattern;

/// The files of the table. Entries stand in the order in which lists show them.
const FILES: [(&str, &str); 4] = [
    ("civicrm.toml", include_str!("table/civicrm.toml")),
    ("server.toml", include_str!("table/server.toml")),
    ("tools.toml", include_str!("table/tools.toml")),
    ("site.toml", include_str!("table/site.toml")),
];

/// Why the table cannot be read. It is part of the program, so that users never see this.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// A file is not of the form of the table.
    #[error("{file}: {error}")]
    Form {
        /// The name of the file.
        file: &'static str,
        /// What is wrong with it, and where.
        error: Box<toml::de::Error>,
    },
    /// A pattern of an entry cannot be used: it begins with a gap, or a gap does not end.
    #[error("{message}: the pattern '{pattern}' cannot be used")]
    Pattern {
        /// The id of the entry.
        message: String,
        /// The pattern.
        pattern: String,
    },
    /// The patterns are too many to be looked for at once.
    #[error("the patterns cannot be looked for: {0}")]
    Search(#[from] aho_corasick::BuildError),
}

/// A message: how it is recognised, and what it means.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// The name that reports use; it never changes.
    pub id: String,
    /// What the message says, in plain words.
    pub title: String,
    /// Fixed words of the message, with gaps: see `pattern`.
    pub patterns: Vec<String>,
    /// Numbers of the server's errors that mean the same.
    #[serde(default)]
    pub codes: Vec<u32>,
    /// Whether it only wraps another message, which says more.
    #[serde(default)]
    pub wrapper: bool,
    /// Which program or page says it.
    pub by: String,
    /// The releases of CiviCRM that say it; empty where that does not depend on the release.
    #[serde(default)]
    pub releases: String,
    /// What may be the cause, the most frequent first.
    pub causes: Vec<Cause>,
    /// What to do. `SOURCE` stands for the source, `X.Y.Z` for the release to upgrade to.
    pub fix: String,
    /// The section of the upgrade guide for 4.4 on Drupal 7 that speaks of it; empty where none does.
    #[serde(default)]
    pub guide: String,
}

/// A cause of a message.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cause {
    /// The cause as a clause.
    pub is: String,
    /// The ids of the checks that find it; empty where it cannot be seen in a database.
    pub checks: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    message: Vec<Message>,
}

/// All messages of the table.
///
/// # Errors
/// A file of the table is not of its form.
pub fn messages() -> Result<Vec<Message>, TableError> {
    let mut all = Vec::new();
    for (file, text) in FILES {
        let read: File = toml::from_str(text).map_err(|error| TableError::Form {
            file,
            error: Box::new(error),
        })?;
        all.extend(read.message);
    }
    Ok(all)
}

impl Message {
    /// Its patterns, read.
    pub(super) fn read_patterns(&self) -> Result<Vec<Pattern>, TableError> {
        let read = self.patterns.iter().map(|pattern| {
            Pattern::parse(pattern).ok_or_else(|| TableError::Pattern {
                message: self.id.clone(),
                pattern: pattern.clone(),
            })
        });
        read.collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_entry_is_whole_and_its_id_is_its_own() {
        let mut ids = HashSet::new();
        for message in messages().unwrap() {
            let id = &message.id;
            assert!(ids.insert(id.clone()), "{id} twice");
            assert!(!message.patterns.is_empty(), "{id}");
            assert!(!message.causes.is_empty(), "{id}");
            assert!(
                message.fix.ends_with('.') || message.fix.ends_with(';'),
                "{id}: {}",
                message.fix
            );
            assert!(!message.title.ends_with('.'), "{id}");
            for cause in &message.causes {
                assert!(!cause.is.ends_with('.'), "{id}: {}", cause.is);
            }
            message.read_patterns().unwrap();
        }
        assert!(ids.len() > 190, "{}", ids.len());
    }

    #[test]
    fn a_text_in_a_pattern_that_finds_it_is_long_enough_to_mean_something() {
        for message in messages().unwrap() {
            for pattern in message.read_patterns().unwrap() {
                assert!(pattern.anchor().len() >= 7, "{}: {pattern:?}", message.id);
            }
        }
    }
}
