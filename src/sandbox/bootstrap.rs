//! Makes a data folder with the system tables in it, by running the server program.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::watched::{Watched, tail};
use super::{Options, Program, SandboxError};

/// Makes the folder `data` in `folder`; `command` runs the server, with all options that the later server gets
/// as well.
pub(super) fn bootstrap(
    program: &Program,
    folder: &Path,
    mut command: Command,
    options: &Options,
) -> Result<(), SandboxError> {
    let script = folder.join("bootstrap.sql");
    let sql = if program.is_mysql() {
        command.arg("--initialize-insecure");
        Vec::new()
    } else {
        let system = folder.join("data/mysql");
        fs::create_dir_all(&system).map_err(SandboxError::file(&system))?;
        command.args(["--bootstrap", "--log-warnings=0"]);
        system_tables(&program.system_tables()?)?
    };
    fs::write(&script, sql).map_err(SandboxError::file(&script))?;
    let mut process = Watched::start(folder, &script, &command, options.confined)?;
    let made = process
        .wait(options.patience, || options.is_interrupted())
        .is_some_and(|status| status.success());
    let log = folder.join("log");
    if !made {
        let log = tail(&log);
        process.end();
        if options.is_interrupted() {
            return Err(SandboxError::Interrupted);
        }
        return Err(SandboxError::Bootstrap(program.path().to_owned(), log));
    }
    // The server's own log begins afresh.
    for path in [&script, &log] {
        fs::remove_file(path).map_err(SandboxError::file(path))?;
    }
    Ok(())
}

/// The statements that `mariadb-install-db` runs, without the help texts that make it slow, without the
/// accounts for the host's name, and with an account root that needs no password.
fn system_tables(folder: &Path) -> Result<Vec<u8>, SandboxError> {
    let mut sql = Vec::from(
        "CREATE DATABASE IF NOT EXISTS mysql;\nUSE mysql;\nSET @auth_root_socket = NULL;\n",
    );
    for kind in ["system_tables", "performance_tables", "system_tables_data"] {
        // The names since MariaDB 10.6, and those before.
        for prefix in ["mariadb", "mysql"] {
            let path = folder.join(format!("{prefix}_{kind}.sql"));
            if !path.exists() {
                continue;
            }
            let script = fs::read(&path).map_err(SandboxError::file(&path))?;
            for line in script.split_inclusive(|&byte| byte == b'\n') {
                if memchr::memmem::find(line, b"@current_hostname").is_none() {
                    sql.extend_from_slice(line);
                }
            }
            sql.push(b'\n');
        }
    }
    Ok(sql)
}
