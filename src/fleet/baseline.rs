//! The reports of an earlier run, to compare with.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::report::KnownFinding;

/// The reports of an earlier run, as `--format json` printed them. They stay in the file: only where each stands is kept.
#[derive(Debug)]
pub struct Baseline {
    path: PathBuf,
    file: File,
    /// Where the report on each source stands: its first byte, and the number of bytes.
    places: HashMap<String, (u64, usize)>,
}

/// What is read of each report at first.
#[derive(Deserialize)]
struct Named {
    report_version: u32,
    command: String,
    site: Option<String>,
    source: SourceName,
    /// It is not there where there was no report.
    findings: Option<Vec<IgnoredAny>>,
}

#[derive(Deserialize)]
struct SourceName {
    name: String,
}

/// What is read when it is compared.
#[derive(Deserialize)]
struct WithFindings {
    findings: Vec<KnownFinding>,
}

/// Why an earlier run cannot be compared with.
#[derive(Debug, thiserror::Error)]
pub enum BaselineError {
    /// The file cannot be read.
    #[error("{}: {error}", .path.display())]
    File {
        /// The path of the file.
        path: PathBuf,
        /// The error that the operating system reports.
        error: io::Error,
    },
    /// It is not a list of reports.
    #[error("{}: byte {byte}: not a report of cividb as --format json prints it: {error}", .path.display())]
    Form {
        /// The path of the file.
        path: PathBuf,
        /// Where the report begins that cannot be read.
        byte: usize,
        /// What is wrong with it.
        error: String,
    },
    /// The reports are of another command, whose checks are not the same.
    #[error("{}: it is of {found}, and cannot be compared with {wanted}", .path.display())]
    OtherCommand {
        /// The path of the file.
        path: PathBuf,
        /// The command that made the reports.
        found: String,
        /// The command that compares.
        wanted: &'static str,
    },
}

impl Baseline {
    /// Looks through the reports of an earlier run of a command.
    ///
    /// # Errors
    /// The file cannot be read, is not a list of reports, or the reports are of another command.
    pub fn open(path: &Path, command: &'static str) -> Result<Self, BaselineError> {
        let io = |error| BaselineError::File {
            path: path.to_owned(),
            error,
        };
        let file = File::open(path).map_err(io)?;
        let mut places = HashMap::new();
        let mut reports =
            serde_json::Deserializer::from_reader(BufReader::new(&file)).into_iter::<Named>();
        let mut start = 0;
        while let Some(report) = reports.next() {
            let form = |error: String| BaselineError::Form {
                path: path.to_owned(),
                byte: start,
                error,
            };
            let report = match report {
                Ok(report) if report.report_version == 1 => report,
                Ok(_) => return Err(form("another version of the report".to_owned())),
                Err(error) if error.is_io() => return Err(io(error.into())),
                Err(error) => return Err(form(error.to_string())),
            };
            if report.command != command {
                return Err(BaselineError::OtherCommand {
                    path: path.to_owned(),
                    found: report.command,
                    wanted: command,
                });
            }
            let end = reports.byte_offset();
            if report.findings.is_some() {
                let name = report.site.unwrap_or(report.source.name);
                places.insert(name, (start as u64, end - start));
            }
            start = end;
        }
        Ok(Self {
            path: path.to_owned(),
            file,
            places,
        })
    }

    /// The sources with a report in the earlier run, by the name of their site, or of themselves where they have none.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.places.keys().map(String::as_str)
    }

    /// The findings that the earlier run has of the source of this name; `None` where it has no report on it.
    ///
    /// # Errors
    /// The file can no longer be read, or has changed.
    pub fn findings(&self, name: &str) -> Result<Option<Vec<KnownFinding>>, BaselineError> {
        let Some((start, length)) = self.places.get(name) else {
            return Ok(None);
        };
        let mut text = vec![0; *length];
        let read = self.file.read_exact_at(&mut text, *start);
        read.map_err(|error| BaselineError::File {
            path: self.path.clone(),
            error,
        })?;
        let report: WithFindings =
            serde_json::from_slice(&text).map_err(|error| BaselineError::Form {
                path: self.path.clone(),
                byte: usize::try_from(*start).unwrap_or_default(),
                error: error.to_string(),
            })?;
        Ok(Some(report.findings))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(command: &str, name: &str, check: &str) -> serde_json::Value {
        serde_json::json!({
            "report_version": 1, "command": command, "source": {"name": name, "kind": "dump"},
            "findings": [{"check": check, "object": null, "message": "m", "severity": "error"}]
        })
    }

    #[test]
    fn reports_are_found_however_they_are_laid_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("before");
        let unread = r#"{"report_version":1,"command":"verify","source":{"name":"c"},"error":{"message":"m"}}"#;
        let (a, b) = (report("verify", "a", "x"), report("verify", "b", "y"));
        for text in [
            format!("{a}\n{b}\n{unread}\n"),
            format!("{a:#}\n{b:#}\n{unread}"),
        ] {
            std::fs::write(&path, text).unwrap();
            let baseline = Baseline::open(&path, "verify").unwrap();
            for (name, check) in [("a", "x"), ("b", "y")] {
                assert_eq!(baseline.findings(name).unwrap().unwrap()[0].check, check);
            }
            assert!(baseline.findings("c").unwrap().is_none());
            assert_eq!(baseline.names().count(), 2);
        }
    }

    #[test]
    fn what_cannot_be_compared_with_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("before");
        let a = report("verify", "a", "x");
        for (text, says) in [
            (format!("{a}\n{{"), "byte"),
            ("PASS  backup.sql".to_owned(), "byte 0: not a report"),
            (report("check", "a", "x").to_string(), "it is of check"),
        ] {
            std::fs::write(&path, text).unwrap();
            let error = Baseline::open(&path, "verify").unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }
}
