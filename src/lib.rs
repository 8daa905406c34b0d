//! cividb: verify, compare and repair the databases of CiviCRM sites.

pub mod civicrm;
pub mod schema;
