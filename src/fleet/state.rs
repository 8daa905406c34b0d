//! What a run has done already, in a file from which another run goes on where it was killed.
//!
//! A line of JSON for each report, behind a first one that says of which run they are. A line is written when its report
//! is there; one that was cut when the run was killed is left out. Sources without a report are not in it: they are tried
//! again.

use std::collections::HashMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::report::Digest;

/// The state of a run.
#[derive(Debug)]
pub struct State {
    path: PathBuf,
    file: File,
    /// Where the line of each source stands that was there at the beginning: its first byte and its length.
    known: HashMap<String, (u64, usize)>,
    /// Where the next line is written.
    end: Mutex<u64>,
}

/// A report that was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Saved {
    /// What tells the source from the others of the run.
    pub key: String,
    /// When the source was last written to, in nanoseconds since 1970, where that is known.
    pub modified: Option<u64>,
    /// Until when the report is good, in nanoseconds since 1970.
    pub holds_until: u64,
    /// What is kept of the report.
    pub digest: Digest,
    /// The report in the form of the run.
    pub text: String,
}

/// The first line.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Head {
    cividb_state: u32,
    version: String,
    /// What tells the run from others.
    run: String,
}

/// Why a state cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The file cannot be read or written.
    #[error("{}: {error}", .path.display())]
    File {
        /// The path of the file.
        path: PathBuf,
        /// The error that the operating system reports.
        error: io::Error,
    },
    /// The file is something else.
    #[error("{}: it does not begin like the state of a run; name a file that does not exist yet", .0.display())]
    Other(PathBuf),
    /// The file is of a run with other sources or options, or of another version of the program.
    #[error(
        "{}: it is the state of a run with other sources or options, or of another version of cividb; give the same \
         ones, or remove it to begin again",
        .0.display()
    )]
    OtherRun(PathBuf),
    /// Another process works with the file.
    #[error("{}: another run works with it", .0.display())]
    InUse(PathBuf),
}

impl State {
    /// Opens the state of a run, which `run` tells from others, or begins one.
    ///
    /// # Errors
    /// The file cannot be read or written, is something else, of another run, or in use.
    pub fn open(path: &Path, run: &str) -> Result<Self, StateError> {
        let io = |error| StateError::File {
            path: path.to_owned(),
            error,
        };
        let mut options = OpenOptions::new();
        options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600);
        let file = options.open(path).map_err(io)?;
        if !file.metadata().map_err(io)?.is_file() {
            return Err(StateError::Other(path.to_owned()));
        }
        file.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => StateError::InUse(path.to_owned()),
            TryLockError::Error(error) => io(error),
        })?;
        let head = Head {
            cividb_state: 1,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            run: run.to_owned(),
        };
        let mut lines = Lines::of(&file);
        let first = lines.next().map_err(io)?;
        let mut known = HashMap::new();
        match first {
            None if lines.cut == 0 => {
                let mut text = serde_json::to_vec(&head).map_err(|error| io(error.into()))?;
                text.push(b'\n');
                file.write_all_at(&text, 0).map_err(io)?;
                lines.end = text.len() as u64;
            }
            first => {
                let read = first.and_then(|_| serde_json::from_slice::<Head>(&lines.line).ok());
                let read = read.ok_or_else(|| StateError::Other(path.to_owned()))?;
                if read != head {
                    return Err(StateError::OtherRun(path.to_owned()));
                }
                while let Some(start) = lines.next().map_err(io)? {
                    // A line that is not whole is followed by none that is.
                    let Ok(Key { key }) = serde_json::from_slice(&lines.line) else {
                        lines.end = start;
                        break;
                    };
                    known.insert(key, (start, lines.line.len()));
                }
            }
        }
        let end = lines.end;
        file.set_len(end).map_err(io)?;
        Ok(Self {
            path: path.to_owned(),
            file,
            known,
            end: Mutex::new(end),
        })
    }

    /// How many reports were there at the beginning.
    pub fn known(&self) -> usize {
        self.known.len()
    }

    /// The report on a source that was there at the beginning, unless the source was written to since, or the report's
    /// time is over.
    pub fn saved(&self, key: &str, modified: Option<SystemTime>, now: SystemTime) -> Option<Saved> {
        let (start, length) = *self.known.get(key)?;
        let mut line = vec![0; length];
        self.file.read_exact_at(&mut line, start).ok()?;
        let saved: Saved = serde_json::from_slice(&line).ok()?;
        let holds = nanoseconds(Some(now)).is_some_and(|now| now < saved.holds_until);
        (holds && saved.modified == nanoseconds(modified)).then_some(saved)
    }

    /// Keeps a report.
    ///
    /// # Errors
    /// The file cannot be written to.
    pub fn save(&self, saved: &Saved) -> Result<(), StateError> {
        let write = || -> io::Result<()> {
            let mut line = serde_json::to_vec(saved)?;
            line.push(b'\n');
            let mut end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
            self.file.write_all_at(&line, *end)?;
            *end += line.len() as u64;
            Ok(())
        };
        write().map_err(|error| StateError::File {
            path: self.path.clone(),
            error,
        })
    }

    /// Removes the file, when every source has its report and was printed.
    ///
    /// # Errors
    /// The file cannot be removed.
    pub fn remove(&self) -> Result<(), StateError> {
        std::fs::remove_file(&self.path).map_err(|error| StateError::File {
            path: self.path.clone(),
            error,
        })
    }
}

/// The time in nanoseconds since 1970.
pub fn nanoseconds(time: Option<SystemTime>) -> Option<u64> {
    let since = time?.duration_since(UNIX_EPOCH).ok()?;
    u64::try_from(since.as_nanos()).ok()
}

/// What is read of a line to know which source it is about.
#[derive(Deserialize)]
struct Key {
    key: String,
}

/// The whole lines of a file, one at a time.
struct Lines<'a> {
    reader: BufReader<&'a File>,
    line: Vec<u8>,
    /// Where the last whole line ends.
    end: u64,
    /// How many bytes stand behind that.
    cut: usize,
}

impl<'a> Lines<'a> {
    fn of(file: &'a File) -> Self {
        Self {
            reader: BufReader::new(file),
            line: Vec::new(),
            end: 0,
            cut: 0,
        }
    }

    /// Reads the next line, and says where it begins; `None` at the end.
    fn next(&mut self) -> io::Result<Option<u64>> {
        self.line.clear();
        let length = self.reader.read_until(b'\n', &mut self.line)?;
        if self.line.last() != Some(&b'\n') {
            self.cut = length;
            return Ok(None);
        }
        let start = self.end;
        self.end += length as u64;
        Ok(Some(start))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn saved(key: &str) -> Saved {
        Saved {
            key: key.to_owned(),
            modified: None,
            holds_until: u64::MAX,
            digest: Digest {
                command: "verify".to_owned(),
                source: key.to_owned(),
                site: None,
                result: Err("no".to_owned()),
            },
            text: "the report\n".to_owned(),
        }
    }

    #[test]
    fn a_line_that_was_cut_is_left_out_and_all_before_it_are_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let state = State::open(&path, "a").unwrap();
        state.save(&saved("one")).unwrap();
        state.save(&saved("two")).unwrap();
        let whole = std::fs::read(&path).unwrap();
        assert!(matches!(State::open(&path, "a"), Err(StateError::InUse(_))));
        drop(state);
        for cut in 0..whole.len() {
            std::fs::write(&path, &whole[..cut]).unwrap();
            let head = whole.iter().position(|byte| *byte == b'\n').unwrap();
            let opened = State::open(&path, "a");
            if (1..=head).contains(&cut) {
                assert!(matches!(opened, Err(StateError::Other(_))), "{cut}");
                assert_eq!(std::fs::read(&path).unwrap(), &whole[..cut]);
                continue;
            }
            let state = opened.unwrap();
            assert!(state.saved("two", None, UNIX_EPOCH).is_none());
            let one = state.saved("one", None, UNIX_EPOCH);
            assert_eq!(state.known(), usize::from(one.is_some()));
            assert!(one.is_none_or(|it| it == saved("one")));
            state.save(&saved("three")).unwrap();
            drop(state);
            let again = State::open(&path, "a").unwrap();
            assert_eq!(
                again.saved("three", None, UNIX_EPOCH),
                Some(saved("three")),
                "{cut}"
            );
        }
    }

    #[test]
    fn a_file_of_something_else_stays_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        State::open(&path, "a")
            .unwrap()
            .save(&saved("one"))
            .unwrap();
        let refused = State::open(&path, "b");
        assert!(matches!(refused, Err(StateError::OtherRun(_))));
        for other in ["notes\n", "notes", "{}\n"] {
            std::fs::write(&path, other).unwrap();
            assert!(matches!(State::open(&path, "a"), Err(StateError::Other(_))));
            assert_eq!(std::fs::read_to_string(&path).unwrap(), other);
        }
    }

    #[test]
    fn a_source_that_was_written_to_since_is_looked_at_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let now = SystemTime::now();
        let one = Saved {
            modified: nanoseconds(Some(now)),
            ..saved("one")
        };
        State::open(&path, "a").unwrap().save(&one).unwrap();
        let state = State::open(&path, "a").unwrap();
        assert!(state.saved("one", Some(now), now).is_some());
        let later = now + std::time::Duration::from_secs(1);
        assert!(state.saved("one", Some(later), now).is_none());
        assert!(state.saved("one", None, now).is_none());
    }

    #[test]
    fn a_report_whose_time_is_over_is_made_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let end = UNIX_EPOCH + std::time::Duration::from_secs(100);
        let one = Saved {
            holds_until: nanoseconds(Some(end)).unwrap(),
            ..saved("one")
        };
        State::open(&path, "a").unwrap().save(&one).unwrap();
        let state = State::open(&path, "a").unwrap();
        let before = end - std::time::Duration::from_secs(1);
        assert!(state.saved("one", None, before).is_some());
        assert!(state.saved("one", None, end).is_none());
    }
}
