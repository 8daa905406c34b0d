//! Runs a command of the user's, such as CiviCRM's own upgrade, against the restored database.

use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use super::RehearseError;
use super::failure::{Failure, Phase};
use super::stage::{Stage, account};

/// How often it is looked whether the command has ended.
const PAUSE: Duration = Duration::from_millis(100);

/// What became of a command.
#[derive(Clone, Debug)]
pub struct Ran {
    /// How long it took.
    pub time: Duration,
    /// What did not work.
    pub failure: Option<Failure>,
}

/// Runs `command` by sh. Its environment says where the database is: `CIVICRM_DSN` as CiviCRM takes it, `CIVIDB_URL` as
/// cividb takes it, and `CIVIDB_SOCKET`, `CIVIDB_USER` and `CIVIDB_DATABASE`. What it prints goes to standard error.
///
/// # Errors
/// sh cannot be started, or the server is gone.
pub fn run(stage: &Stage, command: &str) -> Result<Ran, RehearseError> {
    let socket = stage.server().socket().display().to_string();
    let (user, database) = (account().user, &stage.database);
    let begun = Instant::now();
    let mut child = Command::new("/bin/sh")
        .args(["-c", command])
        .env(
            "CIVICRM_DSN",
            format!("mysql://{user}@unix({socket})/{database}?new_link=true"),
        )
        .env(
            "CIVIDB_URL",
            format!("mysql://{user}@localhost/{database}?socket={socket}"),
        )
        .env("CIVIDB_SOCKET", &socket)
        .env("CIVIDB_USER", &user)
        .env("CIVIDB_DATABASE", database)
        .stdin(Stdio::null())
        .stdout(std::io::stderr())
        .process_group(0)
        .spawn()
        .map_err(RehearseError::Shell)?;
    let status = loop {
        if let Some(status) = child.try_wait().map_err(RehearseError::Shell)? {
            break status;
        }
        if let Err(error) = stage.go_on() {
            end(&mut child);
            return Err(error);
        }
        std::thread::sleep(PAUSE);
    };
    let failed = (!status.success()).then(|| {
        let how = match (status.code(), status.signal()) {
            (Some(code), _) => format!("the command ended with exit code {code}"),
            (None, signal) => format!(
                "the command was ended by signal {}",
                signal.unwrap_or_default()
            ),
        };
        Failure::found(
            Phase::Upgrade,
            "command",
            command,
            how,
            "Look at what the command printed.",
        )
    });
    Ok(Ran {
        time: begun.elapsed(),
        failure: failed,
    })
}

/// Ends a command and all that it has started.
fn end(child: &mut Child) {
    if let Some(id) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        let _ = kill_process_group(id, Signal::TERM);
        std::thread::sleep(10 * PAUSE);
        let _ = kill_process_group(id, Signal::KILL);
    }
    let _ = child.wait();
}
