//! cividb: verify, compare and repair the databases of CiviCRM sites.

pub mod checks;
pub mod civicrm;
pub mod cli;
pub mod dump;
pub mod error;
pub mod report;
pub mod schema;
pub mod server_version;
pub mod snapshot;
pub mod source;
