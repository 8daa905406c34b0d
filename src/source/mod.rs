//! The sources that the user names, and the facts read from them.

mod discover;
mod error;
mod folder;
mod folder_kind;
mod kept_text;
mod location;
mod no_dump;
mod pattern;
mod server_location;
mod site_paths;

pub use discover::discover;
pub use error::SourceError;
pub use folder_kind::as_one_dump;
pub use kept_text::KeptText;
pub use location::Location;
pub use server_location::{Access, ServerLocation};
pub use site_paths::SitePaths;
