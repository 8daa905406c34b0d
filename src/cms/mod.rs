//! What the tables of the CMS say of a site: which CMS it is, its front page, its modules, its roles.
//!
//! A table is known by its columns, because the CMS may put a prefix of any kind before its name.

mod drupal;
mod found;
mod joomla;
mod platform;
mod roles;
mod rows;
mod users;
mod wordpress;

pub use found::{Cms, FrontPage, Module, ModuleState};
pub use platform::Platform;
pub use roles::Role;
pub use users::Users;
