//! A private server on this machine, made for one purpose and removed afterwards.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, test_kill_process};
use tempfile::TempDir;

use super::bootstrap::bootstrap;
use super::watched::{PAUSE, Watched, inert, tail};
use super::{Program, SandboxError, leftovers};
use crate::server::connection::Reader;
use crate::server::login::Login;

/// The longest path of a socket, in bytes (`sun_path` of Linux's `unix(7)`, less its NUL; macOS
/// and the BSDs have 104).
pub(super) const SOCKET_LIMIT: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

/// Settings of a private server.
#[derive(Clone, Debug)]
pub struct Options {
    /// The folder in which the server's own folder is made; `None` means that for temporary files (`TMPDIR`,
    /// `/tmp`). It must have room for what is loaded.
    pub parent: Option<PathBuf>,
    /// A TCP port on 127.0.0.1. With `None` the server cannot be reached over any network.
    pub port: Option<u16>,
    /// Additional options for the server, which override those that it gets anyway.
    pub server: Vec<String>,
    /// The longest time that making the data folder may take, and starting the server after that.
    pub patience: Duration,
    /// Becomes another number than 0 when the server need not start any more.
    pub interrupted: Option<Arc<AtomicUsize>>,
    /// Whether the server is to run what others wrote: it then loads no plugins and starts no events, and it
    /// is killed at its end.
    pub confined: bool,
}

impl Options {
    /// Whether the server need not start any more.
    pub(super) fn is_interrupted(&self) -> bool {
        let interrupted = self.interrupted.as_ref();
        interrupted.is_some_and(|number| number.load(Ordering::Relaxed) != 0)
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            parent: None,
            port: None,
            server: Vec::new(),
            patience: Duration::from_secs(120),
            interrupted: None,
            confined: false,
        }
    }
}

/// A private server: its data, socket and log lie in a folder of its own that only this account
/// can enter. The account `root` needs no password.
///
/// It ends, and its folder is removed, by [`LocalServer::stop`], when it is dropped, and when its
/// owner's process ends in any way: a panic, a signal such as that of Ctrl-C, SIGKILL included.
/// What is left when that was not possible is removed when the next server starts in the same
/// parent folder. Nothing that it holds survives a power cut, as nothing waits for the disk.
#[derive(Debug)]
pub struct LocalServer {
    process: Watched,
    program: Program,
    folder: TempDir,
    options: Options,
    /// How many servers of owners that were killed were removed at the start.
    leftovers: usize,
    /// The account of the administration.
    pub(super) administrator: String,
    /// Keeps the lock that says the folder's owner lives.
    owner: File,
}

impl LocalServer {
    /// Makes a data folder, starts the server, and returns when it answers. MariaDB takes about
    /// half a second for it, MySQL some seconds.
    ///
    /// # Errors
    /// The folder cannot be made, or the server does not start; the error holds the end of its log.
    pub fn start(program: Program, options: Options) -> Result<Self, SandboxError> {
        let parent = options.parent.clone().unwrap_or_else(std::env::temp_dir);
        let parent = fs::canonicalize(&parent).map_err(SandboxError::file(&parent))?;
        let leftovers = leftovers::remove(&parent);
        // Only its owner may enter it: root needs no password.
        let folder = tempfile::Builder::new()
            .prefix(leftovers::PREFIX)
            .permissions(fs::Permissions::from_mode(0o700))
            .tempdir_in(&parent)
            .map_err(SandboxError::file(&parent))?;
        let owner = leftovers::own(folder.path())?;
        let socket = folder.path().join("sock");
        if socket.as_os_str().len() > SOCKET_LIMIT {
            return Err(SandboxError::SocketTooLong(socket));
        }
        for name in ["tmp", "files", "plugins"] {
            let path = folder.path().join(name);
            fs::create_dir(&path).map_err(SandboxError::file(&path))?;
        }
        let command = server_command(&program, folder.path());
        bootstrap(&program, folder.path(), command, &options)?;
        let process = launch(&program, folder.path(), &options)?;
        let mut server = Self {
            process,
            program,
            folder,
            options,
            leftovers,
            administrator: "root".to_owned(),
            owner,
        };
        server.wait_for_answer()?;
        Ok(server)
    }

    /// Starts the server again, with the same data and options, after its process has ended.
    ///
    /// # Errors
    /// The server still runs and does not end, or it does not start.
    pub fn restart(&mut self) -> Result<(), SandboxError> {
        self.process
            .wait(self.options.patience, || false)
            .ok_or_else(|| self.no_end())?;
        self.process = launch(&self.program, self.folder.path(), &self.options)?;
        self.wait_for_answer()
    }

    /// The programs that belong to the server.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// How many servers, whose owners and watchers had been killed, were found in the parent folder and removed.
    pub fn leftovers_removed(&self) -> usize {
        self.leftovers
    }

    /// The path of the server's private folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The path of the server's socket.
    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("sock")
    }

    /// The server's TCP port on 127.0.0.1; `None` if it has no port.
    pub fn port(&self) -> Option<u16> {
        self.options.port
    }

    /// The id of the server's process, as the server has written it to its file; `None` when it does not run.
    pub fn process(&self) -> Option<u32> {
        let path = self.folder.path().join("pid");
        fs::read_to_string(path).ok()?.trim().parse().ok()
    }

    /// The login for the account of the administration: root, unless [`LocalServer::confine`] made another.
    pub fn login(&self) -> Login {
        self.login_of(&self.administrator)
    }

    /// The login for an account of this server that needs no password.
    pub fn login_of(&self, user: &str) -> Login {
        Login {
            socket: Some(self.socket()),
            user: Some(user.to_owned()),
            ..Login::default()
        }
    }

    /// Whether the server's process has not ended. One that has just lost its connections is given a moment.
    pub fn is_running(&self) -> bool {
        const PATIENCE: Duration = Duration::from_millis(500);
        let id = || Pid::from_raw(self.process()?.try_into().ok()?);
        let begun = Instant::now();
        while id().is_some_and(|id| test_kill_process(id).is_ok()) {
            if begun.elapsed() > PATIENCE {
                return true;
            }
            std::thread::sleep(PAUSE);
        }
        false
    }

    /// Leaves the server running when its owner ends; returns the number of the process that keeps it. When that one
    /// is ended, the server ends and its folder is removed.
    ///
    /// # Errors
    /// The process cannot be started.
    pub fn keep(mut self) -> std::io::Result<u32> {
        let keeper = self.process.hand_over(&self.owner)?;
        // What would end here belongs to the keeper now.
        std::mem::forget(self);
        Ok(keeper)
    }

    /// The last lines of the server's log, in which nothing can control a terminal.
    pub fn log(&self) -> String {
        tail(&self.folder.path().join("log"))
    }

    /// Opens a connection as the administration.
    ///
    /// # Errors
    /// The server no longer runs.
    pub fn connect(&self) -> Result<Reader, SandboxError> {
        Ok(Reader::open(&self.login())?)
    }

    /// Runs the statements of a dump with the server's client program, up to the first that fails;
    /// `database` is the one that they are for, unless they say so themselves. The client's own
    /// commands, by which a dump could run programs of this machine, do nothing.
    ///
    /// # Errors
    /// The client program is missing, or a statement fails.
    pub fn load(&self, database: Option<&str>, dump: File) -> Result<(), SandboxError> {
        let mut client = self.program.client()?;
        client
            .args(["--no-defaults", "--binary-mode", "--user=root"])
            .arg("--default-character-set=utf8mb4")
            .arg(format!("--socket={}", self.socket().display()));
        if let Some(database) = database {
            client.arg(format!("--database={database}"));
        }
        let program = PathBuf::from(client.get_program());
        let output = client.stdin(dump).stdout(Stdio::null()).output();
        let output = output.map_err(|source| SandboxError::Spawn { program, source })?;
        if output.status.success() {
            return Ok(());
        }
        let message = String::from_utf8_lossy(&output.stderr);
        Err(SandboxError::Load(inert(&message)))
    }

    /// Stops the server and removes its folder.
    ///
    /// # Errors
    /// The server does not end even when it is killed, or its folder cannot be removed.
    pub fn stop(mut self) -> Result<(), SandboxError> {
        self.process.end().ok_or_else(|| self.no_end())?;
        match fs::remove_dir_all(self.folder.path()) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(SandboxError::file(self.folder.path())(error))
            }
            _ => Ok(()),
        }
    }

    fn wait_for_answer(&mut self) -> Result<(), SandboxError> {
        let begun = Instant::now();
        let log = self.folder.path().join("log");
        let program = || self.program.path().to_owned();
        loop {
            if self.process.ended().is_some() {
                return Err(SandboxError::Ended(program(), tail(&log)));
            }
            if self.options.is_interrupted() {
                return Err(SandboxError::Interrupted);
            }
            match Reader::open(&self.login()) {
                Ok(_) => return Ok(()),
                Err(source) if begun.elapsed() > self.options.patience => {
                    return Err(SandboxError::NoAnswer {
                        program: program(),
                        seconds: self.options.patience.as_secs(),
                        source: Box::new(source),
                        log: tail(&log),
                    });
                }
                Err(_) => std::thread::sleep(PAUSE),
            }
        }
    }

    fn no_end(&self) -> SandboxError {
        SandboxError::NoEnd(self.folder.path().to_owned(), self.process.id())
    }
}

impl Drop for LocalServer {
    fn drop(&mut self) {
        // The folder is removed with its field, should anything of it be left.
        self.process.end();
    }
}

/// A command for the server with all options that its bootstrap needs as well.
fn server_command(program: &Program, folder: &Path) -> Command {
    let mut command = program.server();
    command.arg("--no-defaults").args(program.options());
    for (option, name) in [
        ("datadir", "data"),
        ("tmpdir", "tmp"),
        ("secure-file-priv", "files"),
    ] {
        command.arg(format!("--{option}={}", folder.join(name).display()));
    }
    command.args([
        // Nothing here has to survive a power cut, so that nothing waits for the disk.
        "--innodb-flush-log-at-trx-commit=0",
        "--loose-innodb-flush-method=nosync",
        "--loose-innodb-doublewrite=OFF",
        "--sync-binlog=0",
        "--loose-sync-frm=0",
        "--innodb-buffer-pool-size=64M",
        // MySQL's default is to measure itself all the time, and to read definitions again from its dictionary
        // where there are more of them than a small site has: together a fifth of its work (measured on 9.7).
        "--performance-schema=OFF",
        "--table-open-cache=4000",
        "--table-definition-cache=4000",
        "--loose-tablespace-definition-cache=4000",
    ]);
    if rustix::process::geteuid().is_root() {
        command.arg("--user=root");
    }
    command
}

fn launch(program: &Program, folder: &Path, options: &Options) -> Result<Watched, SandboxError> {
    let mut command = server_command(program, folder);
    for (option, name) in [("socket", "sock"), ("pid-file", "pid")] {
        command.arg(format!("--{option}={}", folder.join(name).display()));
    }
    match options.port {
        None => command.arg("--skip-networking"),
        Some(port) => command
            .arg("--bind-address=127.0.0.1")
            .arg(format!("--port={port}")),
    };
    if program.is_mysql() {
        command.arg("--loose-mysqlx=OFF");
    }
    // Statements cannot read this machine's files.
    command.arg("--local-infile=0");
    if options.confined {
        let plugins = folder.join("plugins");
        command
            .arg(format!("--plugin-dir={}", plugins.display()))
            .args(["--event-scheduler=OFF", "--skip-symbolic-links"])
            .args(["--skip-log-bin", "--max-allowed-packet=1G"]);
    }
    command.args(&options.server);
    Watched::start(folder, Path::new("/dev/null"), &command, options.confined)
}
