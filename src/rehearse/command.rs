//! Runs a command of the user's, such as CiviCRM's own upgrade, against the restored database.

use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use super::RehearseError;
use super::failure::{Failure, Phase};
use super::stage::{Stage, account};

/// How often it is looked whether the command has ended.
const PAUSE: Duration = Duration::from_millis(100);

/// Runs the command that is its first argument in the shell's own process group. Beside it waits a guard for the pipe
/// from this program, which the system closes when this program ends in whatever way, and then ends the group.
const SCRIPT: &str = r#"
exec 3<&0 </dev/null
{ trap '' TERM; read -r _ <&3; kill -TERM 0; sleep 1; kill -KILL 0; } >/dev/null 2>&1 &
exec 3<&-
exec /bin/sh -c "$1"
"#;

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
/// What it leaves running in its process group is ended with it, and with this program.
///
/// # Errors
/// sh cannot be started, or the server is gone.
pub fn run(stage: &Stage, command: &str) -> Result<Ran, RehearseError> {
    let Some(server) = stage.server() else {
        return Err(RehearseError::OnlyPrivate("--upgrade-command"));
    };
    let socket = server.socket().display().to_string();
    let (user, database) = (account().user, &stage.database);
    let begun = Instant::now();
    let mut child = Command::new("/bin/sh")
        .args(["-c", SCRIPT, "sh", command])
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
        .stdin(Stdio::piped())
        .stdout(std::io::stderr())
        .process_group(0)
        .spawn()
        .map_err(RehearseError::Shell)?;
    let went_on = loop {
        if has_ended(&child) {
            break Ok(());
        }
        if let Err(error) = stage.go_on() {
            break Err(error);
        }
        std::thread::sleep(PAUSE);
    };
    let status = end(&mut child).map_err(RehearseError::Shell)?;
    went_on?;
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

/// Whether a command has ended. It is not waited for, so that its process group keeps its number.
fn has_ended(child: &Child) -> bool {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    match group(child) {
        // An error says that there is no such child any more.
        Some(id) => !matches!(waitid(WaitId::Pid(id), options), Ok(None)),
        None => true,
    }
}

/// Ends what is left of a command and of all that it has started, and returns how the command ended.
fn end(child: &mut Child) -> io::Result<ExitStatus> {
    if let Some(id) = group(child) {
        let _ = kill_process_group(id, Signal::TERM);
        let patience = if has_ended(child) { 1 } else { 10 };
        std::thread::sleep(patience * PAUSE);
        let _ = kill_process_group(id, Signal::KILL);
    }
    child.wait()
}

/// The process group of a command, which has the number of its first process.
fn group(child: &Child) -> Option<Pid> {
    i32::try_from(child.id()).ok().and_then(Pid::from_raw)
}
