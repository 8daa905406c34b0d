//! Where the result goes: a file that appears when it is whole, or a stream; compressed as the file's name says.

use std::fs::{self, File, Permissions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use flate2::write::GzEncoder;
use tempfile::NamedTempFile;
use zstd_safe::{CCtx, InBuffer, OutBuffer};

/// Bytes that are collected before they are written.
const BUFFER: usize = 256 * 1024;

/// How the result is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// It is not.
    Plain,
    /// As gzip does it.
    Gzip,
    /// As zstd does it.
    Zstd,
}

impl Compression {
    /// What the name of a file says: `.gz` or `.zst` at its end.
    pub fn by_name(path: &Path) -> Self {
        match path.extension().and_then(|end| end.to_str()) {
            Some("gz") => Self::Gzip,
            Some("zst") => Self::Zstd,
            _ => Self::Plain,
        }
    }
}

/// What bytes are written into in the end.
enum Place {
    /// A file beside its place, which is renamed when it is whole.
    Whole(NamedTempFile, PathBuf),
    /// A device, a pipe, or standard output.
    Stream(File),
}

impl Write for Place {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Whole(file, _) => file.write(bytes),
            Self::Stream(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Whole(file, _) => file.flush(),
            Self::Stream(file) => file.flush(),
        }
    }
}

enum Encoder {
    Plain(BufWriter<Place>),
    Gzip(GzEncoder<BufWriter<Place>>),
    Zstd(Zstd),
}

/// The result of an extraction, to be written and finished. One that is not finished leaves no file.
pub struct Output(Encoder);

impl Output {
    /// Writes into the file of this path, compressed as its name says. The file appears at
    /// [`Output::finish`]; one that is there already stays until then. A device or pipe is written to directly.
    ///
    /// # Errors
    /// The file cannot be made.
    pub fn create(path: &Path) -> io::Result<Self> {
        let before = fs::metadata(path).ok();
        let place = if before.as_ref().is_some_and(|before| !before.is_file()) {
            Place::Stream(fs::OpenOptions::new().write(true).open(path)?)
        } else {
            // Through a link to the file itself.
            let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
            let folder = match path.parent() {
                Some(folder) if folder != Path::new("") => folder,
                _ => Path::new("."),
            };
            // Named after it, so that what a killed run leaves behind is known for what it is.
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let mut part = tempfile::Builder::new();
            let file = part
                .prefix(&format!(".{name}."))
                .suffix(".part")
                .tempfile_in(folder)?;
            // Who could read the file before can read it now; a new one belongs to its owner alone.
            if let Some(before) = before {
                let mode = Permissions::from_mode(before.permissions().mode() & 0o777);
                file.as_file().set_permissions(mode)?;
            }
            Place::Whole(file, path)
        };
        Self::into(place, Compression::by_name(path))
    }

    /// Writes into a stream that is open, such as standard output, without compression.
    ///
    /// # Errors
    /// None at present.
    pub fn stream(file: File) -> io::Result<Self> {
        Self::into(Place::Stream(file), Compression::Plain)
    }

    fn into(place: Place, compression: Compression) -> io::Result<Self> {
        let buffered = BufWriter::with_capacity(BUFFER, place);
        Ok(Self(match compression {
            Compression::Plain => Encoder::Plain(buffered),
            Compression::Gzip => {
                Encoder::Gzip(GzEncoder::new(buffered, flate2::Compression::default()))
            }
            Compression::Zstd => Encoder::Zstd(Zstd::new(buffered)?),
        }))
    }

    /// The file that is written until then, if the result is one that appears when it is whole.
    pub fn part(&self) -> Option<&Path> {
        let buffered = match &self.0 {
            Encoder::Plain(buffered) => buffered,
            Encoder::Gzip(encoder) => encoder.get_ref(),
            Encoder::Zstd(encoder) => &encoder.out,
        };
        match buffered.get_ref() {
            Place::Whole(file, _) => Some(file.path()),
            Place::Stream(_) => None,
        }
    }

    /// Writes what is left, and lets the file appear under its name.
    ///
    /// # Errors
    /// It cannot be written or renamed; a file that was there before is then still there.
    pub fn finish(self) -> io::Result<()> {
        let buffered = match self.0 {
            Encoder::Plain(buffered) => buffered,
            Encoder::Gzip(encoder) => encoder.finish()?,
            Encoder::Zstd(encoder) => encoder.finish()?,
        };
        match buffered
            .into_inner()
            .map_err(io::IntoInnerError::into_error)?
        {
            Place::Whole(file, path) => {
                file.as_file().sync_all()?;
                file.persist(&path).map_err(|error| error.error)?;
                Ok(())
            }
            Place::Stream(mut file) => file.flush(),
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.0 {
            Encoder::Plain(buffered) => buffered.write(bytes),
            Encoder::Gzip(encoder) => encoder.write(bytes),
            Encoder::Zstd(encoder) => encoder.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.0 {
            Encoder::Plain(buffered) => buffered.flush(),
            Encoder::Gzip(encoder) => encoder.flush(),
            Encoder::Zstd(encoder) => encoder.out.flush(),
        }
    }
}

/// Compresses as `zstd` does by default, in one frame with a checksum.
struct Zstd {
    context: CCtx<'static>,
    buffer: Vec<u8>,
    out: BufWriter<Place>,
}

impl Zstd {
    fn new(out: BufWriter<Place>) -> io::Result<Self> {
        let mut context = CCtx::try_create().ok_or(io::ErrorKind::OutOfMemory)?;
        let level = zstd_safe::CParameter::CompressionLevel(zstd_safe::CLEVEL_DEFAULT);
        context.set_parameter(level).map_err(fault)?;
        let checksum = zstd_safe::CParameter::ChecksumFlag(true);
        context.set_parameter(checksum).map_err(fault)?;
        Ok(Self {
            context,
            buffer: Vec::with_capacity(CCtx::out_size()),
            out,
        })
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut input = InBuffer::around(bytes);
        while input.pos() < bytes.len() {
            self.buffer.clear();
            let mut output = OutBuffer::around(&mut self.buffer);
            let done = self.context.compress_stream(&mut output, &mut input);
            done.map_err(fault)?;
            self.out.write_all(&self.buffer)?;
        }
        Ok(bytes.len())
    }

    fn finish(mut self) -> io::Result<BufWriter<Place>> {
        loop {
            self.buffer.clear();
            let mut output = OutBuffer::around(&mut self.buffer);
            let left = self.context.end_stream(&mut output).map_err(fault)?;
            self.out.write_all(&self.buffer)?;
            if left == 0 {
                return Ok(self.out);
            }
        }
    }
}

fn fault(code: usize) -> io::Error {
    io::Error::other(zstd_safe::get_error_name(code))
}
