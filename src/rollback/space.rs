//! Whether the server's disk has room for the backup beside the site.

use std::path::Path;

use super::plan::TableSize;
use crate::change::refusal::Refusal;
use crate::rehearse::space;
use crate::server::connection::{Reader, text};
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

/// The refusal of a server whose disk has too little room.
pub fn refusal(needed: u64, free: Option<u64>) -> Option<Refusal> {
    let free = free.filter(|free| *free < needed + space::RESERVE)?;
    Some(Refusal::NoRoom(format!(
        "the server's disk has {} MiB free, and the backup beside the site may take {} MiB; make room, or insist with \
         --no-space-check",
        free >> 20,
        (needed + space::RESERVE) >> 20
    )))
}
