//! Whether the server's disk has room for the backup beside the site.

use std::path::Path;

use super::plan::TableSize;
use crate::change::refusal::Refusal;
use crate::rehearse::space;
use crate::server::answer::text;
use crate::server::connection::Reader;
use crate::server::error::ServerError;
use crate::server::login::Endpoint;

/// The bytes that tables of a backup take on a server, roughly, and those that are free on its disk; these are not known
/// where the server is not on this machine, or its folder cannot be looked at.
///
/// # Errors
/// The connection is lost.
pub fn needed_and_free(
    connection: &mut Reader,
    comes: &[TableSize],
) -> Result<(u64, Option<u64>), ServerError> {
    let bytes: u64 = comes.iter().filter_map(|table| table.bytes).sum();
    let needed = space::of_tables(bytes, comes.len() as u64, &connection.version);
    if !matches!(connection.endpoint(), Endpoint::Socket(_)) {
        return Ok((needed, None));
    }
    let answer = connection.ask("the server's folder", "SELECT @@datadir AS folder")?;
    let folder = answer.first().and_then(|row| text(row, "folder"));
    let free = folder.and_then(|folder| space::free(Path::new(&folder)).ok());
    Ok((needed, free))
}

/// The bytes that the server's disk gets back when tables are dropped, as far as their sizes are known.
pub fn freed(goes: &[TableSize]) -> u64 {
    goes.iter().filter_map(|table| table.bytes).sum()
}

/// The refusal of a server whose disk has too little room, of which `freed` bytes come back before it is needed.
pub fn refusal(needed: u64, free: Option<u64>, freed: u64) -> Option<Refusal> {
    let free = free.filter(|free| free.saturating_add(freed) < needed + space::RESERVE)?;
    let (free, needed) = (free >> 20, (needed + space::RESERVE) >> 20);
    Some(Refusal::NoRoom(match freed {
        0 => format!(
            "the server's disk has {free} MiB free, and the backup beside the site may take {needed} MiB; make room, restore \
             it in the place of what goes with --in-place, or insist with --no-space-check"
        ),
        freed => format!(
            "the server's disk has {free} MiB free, {} more come back when what goes is dropped, and the backup may take \
             {needed} MiB; make room, or insist with --no-space-check",
            freed >> 20
        ),
    }))
}

/// Bytes of rows of a backup that are extracted, restored and proved in a second: assumed, not measured.
const BYTES_PER_SECOND: u64 = 8_000_000;

/// The tables that are made and proved in a second: assumed, not measured.
const TABLES_PER_SECOND: u64 = 20;

/// The seconds that it may take to restore and prove tables of a backup, roughly.
pub fn seconds(comes: &[TableSize]) -> u64 {
    let bytes: u64 = comes.iter().filter_map(|table| table.bytes).sum();
    bytes.div_ceil(BYTES_PER_SECOND) + (comes.len() as u64).div_ceil(TABLES_PER_SECOND)
}
