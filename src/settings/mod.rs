//! Reads a CiviCRM site's `civicrm.settings.php`, for the login to its database and for what else it defines, without
//! running PHP.
//!
//! [`site::find`] finds the file in a site folder, [`SettingsFile::read`] reads it. A value that is known only
//! when PHP runs is never guessed: the error names the line and what is missing.

mod calls;
mod cms;
mod dsn;
mod effects;
mod error;
mod expression;
mod extensions;
mod facts;
mod file;
mod functions;
mod operand;
mod php;
mod script;
pub mod site;
mod slices;
mod state;
mod statements;
#[cfg(test)]
mod tests;
mod text;
mod tree;
mod value;

pub use cms::CmsSettings;
pub use dsn::{DsnError, parse as parse_dsn};
pub use error::{PhpPlace, SettingsError};
pub use extensions::{ExtensionSeen, ExtensionsSeen};
pub use facts::{
    Defined, FilePlace, FolderSeen, FolderState, Held, NotFollowed, Override, ROOT, SettingsFacts,
};
pub use file::SettingsFile;
pub use text::is_settings;
