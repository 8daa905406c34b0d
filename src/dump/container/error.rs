//! Why an input cannot be read as SQL text, and how decoding stops.

use std::io;

use super::kind::Container;
use crate::snapshot::DamageKind;

/// An input that cannot be read as SQL text at all.
#[derive(Debug, thiserror::Error)]
#[error("{name}: {problem}")]
pub struct ContainerError {
    /// The input that cannot be read: its path as given, or the name given to the reader.
    pub name: String,
    /// What is wrong with the input.
    #[source]
    pub problem: Problem,
}

/// What makes an input unreadable.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// The file cannot be opened.
    #[error("cannot open: {0}")]
    Open(#[source] io::Error),
    /// The path is a directory, not a file.
    #[error("is a directory, not a file")]
    Directory,
    /// Reading failed before anything was recognised.
    #[error("cannot read at byte {offset}: {error}")]
    Read {
        /// Bytes of the input read before the error.
        offset: u64,
        /// The error that the operating system reports.
        error: io::Error,
    },
    /// No thread could be started to read the input.
    #[error("cannot start a thread: {0}")]
    Thread(#[source] io::Error),
    /// UTF-16 or UTF-32, as PowerShell's `>` writes it.
    #[error(
        "is {0} text, which no MySQL client can load; PowerShell's `>` writes it and spoils every character beyond ASCII, \
         so `iconv -f {0} -t UTF-8` makes it right only where there are none"
    )]
    WideText(&'static str),
    /// The input is in a known format that is not SQL text.
    #[error("is not SQL text but {what}; {advice}")]
    Foreign {
        /// What the input looks like, with its article, such as `an SQLite database`.
        what: &'static str,
        /// What the user can do about it.
        advice: &'static str,
    },
    /// The input is an HTML page or an XML document.
    #[error("is not SQL text but {what}{says}; {advice}")]
    Markup {
        /// What the input is, with its article.
        what: &'static str,
        /// What it says, in parentheses with a blank before them; empty if it says nothing.
        says: String,
        /// What the user can do about it.
        advice: &'static str,
    },
    /// A compressed file inside a container; this is the inner container.
    #[error("holds a {0} file inside another container; unpack it once first")]
    Nested(Container),
    /// The first block holds only NUL bytes; their number is given.
    #[error(
        "is not a text file: its first {0} bytes are all NUL, as after a crash or a failed copy"
    )]
    OnlyNul(usize),
    /// The input is binary data of no known kind.
    #[error("is not a text file: it begins with binary data of no known kind")]
    Binary,
    /// The zip archive holds no file.
    #[error("the zip archive holds no file")]
    ZipEmpty,
    /// The zip archive holds several files; these are their names.
    #[error("the zip archive holds several files ({}); unpack the one to read", quoted(.0))]
    ZipSeveral(Vec<String>),
    /// The zip entry of this name is encrypted.
    #[error("the zip archive is encrypted ({0:?}); unpack it with its password first")]
    ZipEncrypted(String),
    /// A zip entry uses a compression method other than stored and deflate.
    #[error("the zip archive uses compression method {method} for {entry:?}; unpack it first")]
    ZipMethod {
        /// The name of the zip entry.
        entry: String,
        /// The method's number in the zip specification (12 bzip2, 14 LZMA, 93 zstd ...).
        method: u16,
    },
    /// A stored entry of unknown length can only be read with the directory at the archive's end.
    #[error(
        "the zip archive stores {0:?} without its length and cannot be read from a pipe; give the file"
    )]
    ZipNeedsFile(String),
    /// The decoder would need more memory than allowed.
    #[error(
        "needs more than {limit_mib} MiB of memory to decompress; decompress it first ({program})"
    )]
    Memory {
        /// The limit for this format, in MiB.
        limit_mib: u32,
        /// The program that can decompress the input without this limit.
        program: &'static str,
    },
    /// The input uses a feature of its format that is not supported.
    #[error("{0}")]
    Unsupported(&'static str),
}

fn quoted(names: &[String]) -> String {
    const SHOWN: usize = 5;
    // Debug formatting escapes control characters, which names in archives may hold.
    let shown = names.iter().take(SHOWN);
    let mut list: Vec<String> = shown.map(|name| format!("{name:?}")).collect();
    if names.len() > SHOWN {
        list.push(format!("and {} more", names.len() - SHOWN));
    }
    list.join(", ")
}

/// Why decoding ended before the clean end of the input.
#[derive(Debug)]
pub(super) enum Stop {
    /// The container is damaged, or more follows its end.
    Damaged {
        kind: DamageKind,
        offset: u64,
        message: String,
    },
    /// Reading failed.
    Read { offset: u64, error: io::Error },
    /// The input is refused: this program cannot or will not read it.
    Refused(Problem),
    /// The consumer has dropped the stream and wants no more text.
    ConsumerGone,
}

impl Stop {
    /// The error when decoding stops before anything was recognised: only reading can fail there.
    pub(super) fn into_problem(self) -> Problem {
        match self {
            Self::Read { offset, error } => Problem::Read { offset, error },
            Self::Refused(problem) => problem,
            Self::Damaged { .. } | Self::ConsumerGone => Problem::Binary,
        }
    }
}

pub(super) fn damaged<T>(
    kind: DamageKind,
    offset: u64,
    message: impl Into<String>,
) -> Result<T, Stop> {
    Err(Stop::Damaged {
        kind,
        offset,
        message: message.into(),
    })
}
