//! cividb: verify, compare and repair the databases of CiviCRM sites.

pub mod dump;
pub mod schema;
