//! The sources that the user names, and the facts read from them.

mod error;
mod folder;
mod folder_kind;
mod location;
mod pattern;
mod server_location;

pub use error::SourceError;
pub use location::Location;
pub use server_location::{Access, ServerLocation};
