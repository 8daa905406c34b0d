//! Removes the servers and folders that remain when both owner and watcher were killed.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, Instant};

use super::SandboxError;
use super::watched::PAUSE;
use crate::server::connection::Reader;
use crate::server::login::Login;
use crate::server::writer::Writer;

/// The beginning of the names of private folders.
pub(super) const PREFIX: &str = "cividb-sandbox-";
/// The name of the file that an owner keeps locked as long as it lives.
const OWNER: &str = "owner";

/// Marks a folder as ours as long as the returned file stays open. The system releases the lock however the
/// process ends.
pub(super) fn own(folder: &Path) -> Result<File, SandboxError> {
    // The file gets its name only when the lock is held, so nobody ever finds it unlocked.
    let unnamed = folder.join("owner.new");
    let file = File::create(&unnamed).map_err(SandboxError::file(&unnamed))?;
    file.lock().map_err(SandboxError::file(&unnamed))?;
    fs::rename(&unnamed, folder.join(OWNER)).map_err(SandboxError::file(&unnamed))?;
    Ok(file)
}

/// Stops the servers and removes the folders in `parent` whose owners, processes of this account, live no
/// more; returns how many. Anything that cannot be removed stays: the server that is to be started does not need it.
pub(super) fn remove(parent: &Path) -> usize {
    let mut removed = 0;
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    for entry in entries {
        let folder = entry.path();
        let ours = entry.file_name().to_string_lossy().starts_with(PREFIX)
            && fs::symlink_metadata(&folder).is_ok_and(|data| {
                data.is_dir() && data.uid() == rustix::process::geteuid().as_raw()
            });
        if ours && is_orphaned(&folder) {
            shut_down(&folder);
            removed += usize::from(fs::remove_dir_all(&folder).is_ok());
        }
    }
    removed
}

fn is_orphaned(folder: &Path) -> bool {
    let owner = File::options().read(true).open(folder.join(OWNER));
    // Where locks do not work, it is not known whether the owner lives, and nothing is removed.
    owner.is_ok_and(|file| file.try_lock().is_ok())
}

/// Asks a server to end over its own socket. Process ids are not trusted, because they may belong to other
/// processes by now.
fn shut_down(folder: &Path) {
    const PATIENCE: Duration = Duration::from_secs(30);
    let login = Login {
        socket: Some(folder.join("sock")),
        user: Some("root".to_owned()),
        ..Login::default()
    };
    let Ok(mut writer) = Reader::open(&login).and_then(Writer::begin) else {
        return;
    };
    let _ = writer.run("the end of a server that is left over", "SHUTDOWN");
    let begun = Instant::now();
    while folder.join("pid").exists() && begun.elapsed() < PATIENCE {
        std::thread::sleep(PAUSE);
    }
}
