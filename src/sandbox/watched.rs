//! A process that ends with its owner, however the owner ends.
//!
//! Between the owner and the process stands a shell that waits for two things: the process ends,
//! or the pipe from the owner closes. The system closes the pipe when the owner ends in whatever
//! way, SIGKILL included; the owner need not handle any signal. `prctl(PR_SET_PDEATHSIG)` would be
//! shorter, but it follows the thread that started the process, not the owner, and exists on Linux
//! only.

use std::fs::{self, File, OpenOptions};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use super::SandboxError;
use crate::text::printable_lines;

/// The shell's script: `FOLDER INPUT SIGNAL PROGRAM ARGUMENT...`. It uses only what a POSIX shell has
/// built in, and `sleep` and `rm`.
///
/// The shell is the parent of the process, whose number therefore belongs to nothing else as long
/// as the shell has not waited for it. MySQL can go on for ever once its folder is gone, hence the
/// SIGKILL after half a minute.
const SCRIPT: &str = r#"
folder=$1 input=$2 signal=$3
shift 3
exec 3<&0
"$@" <"$input" 3<&- &
process=$!
{
  read -r _ <&3
  : >"$folder/closed"
  kill -"$signal" "$process"
  seconds=0
  while [ $seconds -lt 30 ]; do sleep 1; seconds=$((seconds + 1)); done
  kill -KILL "$process"
} &
guard=$!
exec 3<&-
wait "$process"
status=$?
kill "$guard"
[ ! -e "$folder/closed" ] || rm -rf "$folder"
exit $status
"#;
/// The longest wait for a process to end: somewhat longer than the script takes to kill it.
const PATIENCE: Duration = Duration::from_secs(40);
/// The time between two checks of whether something has happened.
pub(super) const PAUSE: Duration = Duration::from_millis(20);

/// A process that ends with its owner. Its folder is then removed, too.
#[derive(Debug)]
pub(super) struct Watched {
    shell: Child,
}

impl Watched {
    /// Starts `command`, which reads the file `input` and writes to `log` in `folder`. A process that `may_be_killed`
    /// has nothing to write down at its end, and is ended by SIGKILL.
    pub fn start(
        folder: &Path,
        input: &Path,
        command: &Command,
        may_be_killed: bool,
    ) -> Result<Self, SandboxError> {
        let path = folder.join("log");
        let log = OpenOptions::new().create(true).append(true).open(&path);
        let log = log.map_err(SandboxError::file(&path))?;
        let errors = log.try_clone().map_err(SandboxError::file(&path))?;
        let shell = Command::new("/bin/sh")
            .args(["-c", SCRIPT, "sh"])
            .args([folder, input])
            .arg(if may_be_killed { "KILL" } else { "TERM" })
            .arg(command.get_program())
            .args(command.get_args())
            .stdin(Stdio::piped())
            .stdout(log)
            .stderr(errors)
            // An interrupt at the terminal reaches only the owner.
            .process_group(0)
            .spawn();
        let shell = shell.map_err(|source| SandboxError::Spawn {
            program: "/bin/sh".into(),
            source,
        })?;
        Ok(Self { shell })
    }

    /// The exit status of the process; `None` while it runs.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        match self.shell.try_wait() {
            Ok(status) => status,
            Err(_) => Some(ExitStatus::from_raw(0)),
        }
    }

    /// Waits for the process to end by itself; `None` when it takes longer than `patience`, or is not wanted any more.
    pub fn wait(
        &mut self,
        patience: Duration,
        is_unwanted: impl Fn() -> bool,
    ) -> Option<ExitStatus> {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.ended() {
                return Some(status);
            }
            if begun.elapsed() > patience || is_unwanted() {
                return None;
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// Ends the process in the proper way, removes its folder, and waits until both are done.
    pub fn end(&mut self) -> Option<ExitStatus> {
        drop(self.shell.stdin.take());
        self.wait(PATIENCE, || false)
    }

    /// Starts a process that takes the owner's place, and keeps the file `owner` open; returns its number.
    pub fn hand_over(&mut self, owner: &File) -> std::io::Result<u32> {
        let lock = owner.try_clone()?;
        let pipe = self
            .shell
            .stdin
            .take()
            .map_or_else(Stdio::null, Stdio::from);
        let keeper = Command::new("/bin/sh")
            // 68 years.
            .args(["-c", "exec sleep 2147483647"])
            .stdin(Stdio::null())
            .stdout(pipe)
            .stderr(lock)
            .process_group(0)
            .spawn()?;
        Ok(keeper.id())
    }

    /// The id of the process that watches.
    pub fn id(&self) -> u32 {
        self.shell.id()
    }
}

/// The last lines of a log file.
pub(super) fn tail(path: &Path) -> String {
    const LINES: usize = 20;
    let bytes = fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.trim_end().lines().collect();
    inert(&lines[lines.len().saturating_sub(LINES)..].join("\n"))
}

/// The text of a program without characters that could control a terminal.
pub(super) fn inert(text: &str) -> String {
    printable_lines(text.trim_end())
}
