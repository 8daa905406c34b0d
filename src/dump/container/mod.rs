//! From a path or standard input to the plain bytes of SQL text.
//!
//! What a file is, is told by its content, never by its name. Reading and decompression run on a
//! thread of their own, and a large file that is plain, or was compressed in parts, is read by
//! several; a few buffers of [`CHUNK`] bytes go round between each thread and the consumer, so
//! memory does not grow with the input. A decoder adds what its format needs, at most the 128 MiB
//! window that `zstd -d` accepts too.
//!
//! ```
//! use cividb::dump::container::{ByteStream, Container, Ending};
//!
//! let mut stream = ByteStream::from_reader("example", &b"SELECT 1;\n"[..])?;
//! assert_eq!(stream.container(), Container::Plain);
//! while let Some(chunk) = stream.next_chunk() {
//!     assert_eq!(chunk, b"SELECT 1;\n");
//! }
//! assert_eq!(stream.ending(), Some(&Ending::Clean));
//! # Ok::<(), cividb::dump::container::ContainerError>(())
//! ```

mod blocks;
mod decode;
mod ending;
mod error;
mod inflate;
mod input;
mod kind;
mod lanes;
mod members;
mod open;
mod plain;
mod sink;
mod stream;
#[cfg(test)]
mod tests;
mod text;
mod zip;

pub use ending::Ending;
pub use error::{ContainerError, Problem};
pub use kind::Container;
pub use lanes::{CHUNK, POOL};
pub use open::LARGE;
pub use stream::{ByteStream, Piece, Progress};
