//! Whether the disk has room for the restored database, before and while it is restored.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::RehearseError;
use crate::server_version::{Family, ServerVersion};
use crate::snapshot::Snapshot;

/// Bytes that must stay free: with less the server itself, its log and other programs get into trouble.
pub const RESERVE: u64 = 32 << 20;

/// How often it is looked.
const PAUSE: Duration = Duration::from_millis(100);

/// The bytes that the restored database may take, roughly: InnoDB keeps a row in somewhat less than twice the bytes that
/// it has in a dump, each table has a file of its own, and the server has its system tables and logs. (Measured: dumps
/// of 1 MB to 1 GB by `benches/generate-dump` on MariaDB 10.11 and MySQL 9.7.)
pub fn estimate(dump: &Snapshot, server: &ServerVersion) -> u64 {
    let files = dump.dump.iter().flat_map(|facts| &facts.files);
    let text: u64 = files.map(|file| file.text.bytes).sum();
    let of_server = match server.family {
        Family::Mariadb => 220 << 20,
        Family::Mysql => 330 << 20,
    };
    of_server + of_tables(text, dump.schema.tables.len() as u64, server)
}

/// The bytes that so many tables may take whose rows have this many bytes in a dump; see [`estimate`].
pub fn of_tables(bytes: u64, tables: u64, server: &ServerVersion) -> u64 {
    let of_table = match server.family {
        Family::Mariadb => 160 << 10,
        Family::Mysql => 200 << 10,
    };
    tables * of_table + bytes * 2
}

/// Refuses a folder without room for `needed` bytes.
///
/// # Errors
/// There is too little room, or the folder cannot be looked at.
pub fn check(folder: &Path, needed: u64) -> Result<(), RehearseError> {
    let free = free(folder)?;
    match free >= needed + RESERVE {
        true => Ok(()),
        false => Err(RehearseError::NoRoom {
            folder: folder.to_owned(),
            free: free >> 20,
            needed: (needed + RESERVE) >> 20,
        }),
    }
}

/// The bytes that are free on the disk of a folder.
///
/// # Errors
/// The folder cannot be looked at.
pub fn free(folder: &Path) -> Result<u64, RehearseError> {
    let found = rustix::fs::statvfs(folder).map_err(|error| RehearseError::Folder {
        folder: folder.to_owned(),
        source: error.into(),
    })?;
    Ok(found.f_bavail.saturating_mul(found.f_frsize))
}

/// Why a rehearsal is to end early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reason {
    DiskFull,
    Signal(i32),
}

/// Ends the private server when the disk becomes full or a signal comes, so that whatever waits for it goes on.
pub(super) struct Warden {
    reason: Arc<Mutex<Option<Reason>>>,
    is_over: Arc<AtomicBool>,
    folder: PathBuf,
    thread: Option<JoinHandle<()>>,
}

impl Warden {
    /// Begins to watch over the server of this folder. `signal` becomes the number of a signal that has come.
    pub(super) fn begin(folder: &Path, signal: &Arc<AtomicUsize>) -> Self {
        let reason = Arc::<Mutex<Option<Reason>>>::default();
        let is_over = Arc::<AtomicBool>::default();
        let watched = (
            folder.to_owned(),
            Arc::clone(signal),
            Arc::clone(&reason),
            Arc::clone(&is_over),
        );
        let thread = std::thread::Builder::new().name("warden".to_owned());
        let thread = thread.spawn(move || {
            let (folder, signal, reason, is_over) = watched;
            while !is_over.load(Ordering::Relaxed) {
                let found = match signal.load(Ordering::Relaxed) {
                    0 if free(&folder).is_ok_and(|free| free < RESERVE) => Some(Reason::DiskFull),
                    0 => None,
                    number => Some(Reason::Signal(i32::try_from(number).unwrap_or_default())),
                };
                if found.is_some() {
                    *reason.lock().unwrap_or_else(PoisonError::into_inner) = found;
                    kill(&folder);
                    return;
                }
                std::thread::sleep(PAUSE);
            }
        });
        Self {
            reason,
            is_over,
            folder: folder.to_owned(),
            // Without a thread the watch of the connection still ends what takes too long.
            thread: thread.ok(),
        }
    }

    /// The error to end with, where the rehearsal is to end early.
    pub(super) fn error(&self) -> Option<RehearseError> {
        let reason = *self.reason.lock().unwrap_or_else(PoisonError::into_inner);
        Some(match reason? {
            Reason::DiskFull => RehearseError::DiskFull {
                folder: self.folder.parent().unwrap_or(&self.folder).to_owned(),
                free: RESERVE >> 20,
            },
            Reason::Signal(number) => RehearseError::Interrupted(number),
        })
    }
}

impl Drop for Warden {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Ends the server of a folder at once. Nothing that it holds is of use any more.
fn kill(folder: &Path) {
    let id = std::fs::read_to_string(folder.join("pid")).ok();
    let id = id.and_then(|text| Pid::from_raw(text.trim().parse().ok()?));
    if let Some(id) = id {
        let _ = kill_process(id, Signal::KILL);
    }
}
