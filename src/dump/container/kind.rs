//! The kinds of containers.

use std::fmt;

/// The compression or archive format that the SQL text is wrapped in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Container {
    /// Plain text, not wrapped.
    Plain,
    /// One or more gzip members (RFC 1952).
    Gzip,
    /// One or more bzip2 streams.
    Bzip2,
    /// One or more zstd frames, skippable ones included (RFC 8878).
    Zstd,
    /// One or more xz streams, with or without padding between them.
    Xz,
    /// A zip archive that holds exactly one file, stored or deflated.
    Zip,
}

impl Container {
    /// The container's name in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Gzip => "gzip",
            Self::Bzip2 => "bzip2",
            Self::Zstd => "zstd",
            Self::Xz => "xz",
            Self::Zip => "zip",
        }
    }
}

impl fmt::Display for Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
