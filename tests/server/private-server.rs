//! `private-server [NAME[=PATH]]... [-- SERVER_OPTION...]`
//!
//! Starts private database servers and prints a line `NAME<TAB>SOCKET<TAB>PORT` for each when it
//! answers, in the order given. They stop, and everything of them is removed, when standard input
//! ends or this program does. PATH names a server program, or a folder filled by
//! `tests/server/unpack`; without it the installed server is meant. Account: root, no password.
//!
//! ```text
//! coproc server { exec target/release/examples/private-server installed; }
//! IFS=$'\t' read -r name socket port <&"${server[0]}"
//! ```
//!
//! `CIVIDB_SANDBOX_PARENT` names the folder to make the servers' folders in; without it they are
//! made in memory where there is /dev/shm.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;

use cividb::sandbox::{LocalServer, Options, Program, SandboxError};

mod options;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let named: Vec<String> = arguments.by_ref().take_while(|word| word != "--").collect();
    let options: Vec<String> = arguments.collect();
    match run(&named, &options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("private-server: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(named: &[String], options: &[String]) -> Result<(), Box<dyn std::error::Error>> {
    // MySQL takes seconds to begin: all begin at the same time.
    let starts = named.iter().map(|named| {
        let (name, path) = match named.split_once('=') {
            Some((name, path)) => (name.to_owned(), Some(PathBuf::from(path))),
            None => (named.clone(), None),
        };
        let options = options.to_vec();
        (name, thread::spawn(move || start(path.as_deref(), options)))
    });
    let starts: Vec<_> = starts.collect();
    let mut servers = Vec::new();
    for (name, started) in starts {
        let server = started.join().map_err(|_| "a start panicked")??;
        let port = server.port().unwrap_or_default();
        println!("{name}\t{}\t{port}", server.socket().display());
        std::io::stdout().flush()?;
        servers.push(server);
    }
    std::io::stdin().read_to_end(&mut Vec::new())?;
    for server in servers {
        server.stop()?;
    }
    Ok(())
}

fn start(path: Option<&Path>, mut server: Vec<String>) -> Result<LocalServer, SandboxError> {
    server.splice(0..0, options::USUAL.map(str::to_owned));
    let memory = Some(PathBuf::from("/dev/shm")).filter(|folder| folder.is_dir());
    let options = Options {
        parent: std::env::var_os("CIVIDB_SANDBOX_PARENT").map_or(memory, |path| Some(path.into())),
        port: free_port(),
        server,
        ..Options::default()
    };
    LocalServer::start(Program::find(path)?, options)
}

fn free_port() -> Option<u16> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").ok()?;
    Some(listener.local_addr().ok()?.port())
}
