//! Where a server is, and which account to use there.
//!
//! [`gather()`] puts the command line, option files, login file and environment over one another
//! as the servers' own clients do; [`url`] reads servers given as URLs; [`Login::endpoint`] says
//! what will be connected to.

mod endpoint;
mod error;
mod gather;
mod login_path;
mod model;
mod option_file;
mod options;
pub mod url;
mod written;

pub use endpoint::Endpoint;
pub use error::{Damage, LineProblem, LoginError, OptionPlace, Warning};
pub use gather::{Gathered, Given, System, gather};
pub use model::{Login, Protocol, Secret, Tls, TlsMode};

/// The host name that means the Unix socket of this machine.
const LOCALHOST: &str = "localhost";
