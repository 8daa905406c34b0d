//! The session in which changes are made, set up in one place.

use crate::server::connection::Reader;
use crate::server::error::ServerError;
use crate::server::writer::Writer;

/// Seconds to wait for a table in use: all that want the table queue up behind the one who waits.
const LOCK_WAIT: u32 = 1;

/// The session's `sql_mode` for values that are written as they were read: an id of 0 stays 0.
pub(super) const AS_READ: &str = "SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO'";

/// The session's `sql_mode` while a table is altered: what a new definition cannot hold stops it, and is not made to fit.
/// Dates that no calendar has stay as they are.
pub(super) const STRICT: &str =
    "SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO,STRICT_ALL_TABLES,ALLOW_INVALID_DATES'";

/// Lets a connection change its database, with checks of foreign keys on, times in UTC and short
/// waits for tables in use.
///
/// # Errors
/// The connection is lost.
pub fn begin(reader: Reader) -> Result<Writer, ServerError> {
    let mut writer = Writer::begin(reader)?;
    let about = "the session's settings";
    // MySQL 8.4 and later refuse foreign keys to columns that are not unique, which some of
    // CiviCRM's are; other servers do not know the setting.
    let lenient = "SET SESSION restrict_fk_on_non_standard_key = OFF";
    if let Err(error) = writer.run(about, lenient)
        && error.is_lost()
    {
        return Err(error);
    }
    for setting in ["lock_wait_timeout", "innodb_lock_wait_timeout"] {
        writer.run(about, &format!("SET SESSION {setting} = {LOCK_WAIT}"))?;
    }
    writer.run(about, AS_READ)?;
    // An hour that the end of summer time repeats would be told wrongly.
    writer.run(about, "SET SESSION time_zone = '+00:00'")?;
    writer.run(about, "SET SESSION foreign_key_checks = 1")?;
    Ok(writer)
}
