//! The fresh backup of what goes, for a rollback that has no room to keep it on the server: made by the dump program of
//! this machine, and compared row by row with the site before anything goes.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::plan::Plan;
use crate::change::exchange::{Exchange, ProgramKind, ProgramName};
use crate::contents::comparison::{self, ContentsError, Side, What, compare};
use crate::contents::digest::Hashes;
use crate::dump::container::Progress;
use crate::extract::{Compression, Output};
use crate::gate::{Blocked, Meaning, Operation};
use crate::schema::model::{RoutineKind, Schema, find};
use crate::schema::sql::identifier;
use crate::server::connection::Reader;
use crate::server::login::{Endpoint, Login};
use crate::server_version::Family;
use crate::snapshot::Snapshot;
use crate::source::{Location, ServerLocation};
use crate::text::shell_word;

/// The most bytes that are kept of what the dump program says.
const MAX_SAID: u64 = 4096;

/// Why a fresh backup could not be made.
#[derive(Debug, thiserror::Error)]
pub enum FreshError {
    /// Its file is there already.
    #[error("{}: there is such a file already, and a fresh backup replaces none; name another with --fresh-backup", .0.display())]
    Exists(PathBuf),
    /// It cannot be written.
    #[error("{}: {error}", .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The error that the operating system gives.
        error: io::Error,
    },
    /// The machine has no dump program for the server.
    #[error(
        "no {0} of {1} was found in PATH, which makes the fresh backup of what goes; install the client programs of {1}"
    )]
    NoProgram(&'static str, &'static str),
    /// The dump program could not be run.
    #[error("{program}: {error}")]
    Run {
        /// The program.
        program: &'static str,
        /// The error that the operating system gives.
        error: io::Error,
    },
    /// The dump program failed.
    #[error("{program} could not make the fresh backup: {said}")]
    Failed {
        /// The program.
        program: &'static str,
        /// What it said.
        said: String,
    },
    /// It could not be compared with the site.
    #[error(transparent)]
    Contents(#[from] ContentsError),
    /// It is not what the site holds.
    #[error(
        "the fresh backup is not what the site holds ({0}); is the site offline? Nothing was changed"
    )]
    Differs(String),
}

/// What makes the fresh backup: a dump program of the server's own family.
#[derive(Clone, Copy, Debug)]
pub struct DumpProgram {
    name: &'static str,
    family: Family,
}

impl DumpProgram {
    /// The dump program in PATH for a server of this family.
    ///
    /// # Errors
    /// There is none, or only that of the other family, which does not write all that this one has.
    pub fn find(family: Family) -> Result<Self, FreshError> {
        let (names, brand): (&[&'static str], _) = match family {
            Family::Mariadb => (&["mariadb-dump", "mysqldump"], "MariaDB"),
            Family::Mysql => (&["mysqldump"], "MySQL"),
        };
        for &name in names {
            let version = Command::new(name).arg("--version").output();
            let Ok(version) = version else { continue };
            let is_mariadb = memchr::memmem::find(&version.stdout, b"MariaDB").is_some();
            if version.status.success() && is_mariadb == (family == Family::Mariadb) {
                return Ok(Self { name, family });
            }
        }
        Err(FreshError::NoProgram(
            names.first().unwrap_or(&"mysqldump"),
            brand,
        ))
    }

    /// Writes what goes by a plan into a file, compressed as its name says; false where nothing goes, so that nothing is
    /// written. `go_on` is asked all the time whether to go on.
    ///
    /// # Errors
    /// The file is there already or cannot be written, the program fails, or the error of `go_on`.
    pub fn write<E: From<FreshError>>(
        &self,
        login: &Login,
        plan: &Plan,
        file: &Path,
        go_on: &mut dyn FnMut() -> Result<(), E>,
    ) -> Result<bool, E> {
        let views = plan.programs_go.iter();
        let views = views.filter(|it| it.kind == ProgramKind::View);
        let objects = plan.exchange.goes.iter();
        let objects: Vec<&String> = objects.chain(views.map(|view| &view.name)).collect();
        let is_routine =
            |it: &&ProgramName| matches!(it.kind, ProgramKind::Function | ProgramKind::Procedure);
        let has_routines = plan.programs_go.iter().any(|it| is_routine(&it));
        // With no table named the program would write all.
        if objects.is_empty() {
            return Ok(false);
        }
        let write = |error| FreshError::Write {
            path: file.to_owned(),
            error,
        };
        if fs::symlink_metadata(file).is_ok() {
            return Err(FreshError::Exists(file.to_owned()).into());
        }
        let mut options = tempfile::NamedTempFile::new().map_err(write)?;
        let text = login.as_option_file(self.family);
        options.write_all(text.as_bytes()).map_err(write)?;
        let mut out = Output::create(file).map_err(write)?;
        let mut command = Command::new(self.name);
        command
            .arg(format!("--defaults-file={}", options.path().display()))
            .args([
                "--single-transaction",
                "--quick",
                "--hex-blob",
                "--triggers",
            ])
            .args(["--default-character-set=utf8mb4", "--max-allowed-packet=1G"]);
        if has_routines {
            command.arg("--routines");
        }
        if self.family == Family::Mysql {
            command.args(["--no-tablespaces", "--set-gtid-purged=OFF"]);
        }
        command.arg("--").arg(&plan.exchange.database).args(objects);
        let run = |error| FreshError::Run {
            program: self.name,
            error,
        };
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut running = Running(child.map_err(run)?);
        let said = running.0.stderr.take().map(|stderr| {
            std::thread::spawn(move || {
                let mut said = Vec::new();
                let mut stderr = stderr;
                let _ = (&mut stderr).take(MAX_SAID).read_to_end(&mut said);
                // The rest is read so that the program need not wait.
                let _ = io::copy(&mut stderr, &mut io::sink());
                String::from_utf8_lossy(&said).trim().to_owned()
            })
        });
        if let Some(mut stdout) = running.0.stdout.take() {
            let mut buffer = vec![0; 256 << 10];
            loop {
                go_on()?;
                let read = stdout.read(&mut buffer).map_err(run)?;
                let bytes = buffer.get(..read).unwrap_or_default();
                if bytes.is_empty() {
                    break;
                }
                out.write_all(bytes).map_err(write)?;
            }
        }
        let status = running.0.wait().map_err(run)?;
        let said = said.and_then(|thread| thread.join().ok());
        if !status.success() {
            return Err(FreshError::Failed {
                program: self.name,
                said: said.unwrap_or_default(),
            }
            .into());
        }
        out.finish().map_err(write)?;
        Ok(true)
    }
}

/// A program that is ended where it is not waited for.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // After it has ended there is nothing to kill.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Compares a fresh backup with the site: every table that goes, with all its rows, and every trigger, view and routine.
/// Returns what could not be compared, as sentences.
///
/// # Errors
/// One of the two cannot be read, or they differ.
pub fn prove(
    file: &Path,
    server: &ServerLocation,
    plan: &Plan,
    watch: &mut dyn FnMut(&Progress),
) -> Result<Vec<String>, FreshError> {
    let hashes = Hashes::random();
    let backup = Location::File(file.to_owned());
    let site = Location::Server(Box::new(server.clone()));
    let database = Some(plan.exchange.database.as_str());
    let mut read = |location, database| {
        Side::read(location, database, hashes, &mut |_, progress: &Progress| {
            watch(progress);
        })
    };
    let (of_backup, of_site) = (read(&backup, None)?, read(&site, database)?);
    let options = comparison::Options {
        samples: 1,
        with_volatile: true,
        ..comparison::Options::default()
    };
    let (comparison, of_backup, of_site) =
        compare(of_backup, of_site, hashes, &options, None, &mut |_, _| {})?;
    // The tables of the CMS are in the site alone.
    let differs = comparison
        .unexplained()
        .find(|item| item.what != What::TableNew);
    if let Some(item) = differs {
        return Err(FreshError::Differs(format!(
            "the rows of {} differ",
            item.table
        )));
    }
    if let Some(what) = lacks(&of_backup, &of_site, plan) {
        return Err(FreshError::Differs(what));
    }
    let not_compared = comparison.not_compared.into_iter();
    let ours = not_compared.filter(|(table, _)| {
        let table = table.split('.').next().unwrap_or_default();
        plan.exchange.goes.iter().any(|it| it == table)
    });
    Ok(ours
        .map(|(table, why)| format!("fresh backup, {table}: {why}"))
        .collect())
}

/// The first thing that goes and that a backup does not have as the site has it, in words.
fn lacks(backup: &Snapshot, site: &Snapshot, plan: &Plan) -> Option<String> {
    let (backup, site) = (&backup.schema, &site.schema);
    let tables = plan.exchange.goes.iter();
    let mut lost = tables.filter(|name| {
        let there = find(&backup.tables, name);
        there.is_none() || there != find(&site.tables, name)
    });
    if let Some(name) = lost.next() {
        return Some(format!("table {name} differs"));
    }
    let programs = plan.programs_go.iter();
    let mut lost = programs.filter(|it| !has(backup, site, it));
    lost.next().map(|it| format!("{} differs", it.describe()))
}

/// Whether a backup has what the site has. Of views and routines a server tells another text than it dumps.
fn has(backup: &Schema, site: &Schema, ProgramName { kind, name }: &ProgramName) -> bool {
    match kind {
        ProgramKind::Trigger => {
            let there = backup.trigger(name);
            there.is_some() && there == site.trigger(name)
        }
        ProgramKind::View => find(&backup.views, name).is_some(),
        ProgramKind::Function => backup.routine(RoutineKind::Function, name).is_some(),
        ProgramKind::Procedure => backup.routine(RoutineKind::Procedure, name).is_some(),
    }
}

/// The command for a shell that brings what went by a plan back out of a fresh backup, in the place of what came.
///
/// # Errors
/// A name cannot be written into a statement.
pub fn way_back(
    file: &Path,
    login: &Login,
    connection: &Reader,
    plan: &Plan,
) -> Result<String, Blocked> {
    let reader = match Compression::by_name(file) {
        Compression::Plain => "cat",
        Compression::Gzip => "zcat",
        Compression::Zstd => "zstdcat",
    };
    let client = match connection.version.family {
        Family::Mariadb => "mariadb",
        Family::Mysql => "mysql",
    };
    let place = match connection.endpoint() {
        Endpoint::Socket(path) => {
            format!("--socket={}", shell_word(&path.to_string_lossy()))
        }
        Endpoint::Tcp { host, port } => format!("--host={} --port={port}", shell_word(host)),
    };
    let user = login.user.as_deref();
    let user = user.map(|user| format!(" --user={}", shell_word(user)));
    let password = if login.password.is_some() { " -p" } else { "" };
    Ok(format!(
        "{{ printf '%s\\n' {}; {reader} {}; }} | {client} {place}{}{password} {}",
        shell_word(&dropping(
            &plan.exchange,
            &plan.programs_come,
            &plan.programs_go
        )?),
        shell_word(&file.to_string_lossy()),
        user.unwrap_or_default(),
        shell_word(&plan.exchange.database)
    ))
}

/// The statements that drop what comes and does not go: a fresh backup takes the place of the rest by itself.
fn dropping(
    exchange: &Exchange,
    come: &[ProgramName],
    go: &[ProgramName],
) -> Result<String, Blocked> {
    let mut statements = vec!["SET SESSION foreign_key_checks = 0".to_owned()];
    let tables = exchange.comes.iter();
    let tables = tables.filter(|table| !exchange.goes.contains(table));
    let tables = tables.map(|table| (Operation::DropTable, "TABLE", table));
    let programs = come.iter().filter(|it| !go.contains(it));
    let programs = programs.filter_map(|it| {
        let (operation, word) = match it.kind {
            ProgramKind::View => (Operation::DropView, "VIEW"),
            ProgramKind::Function => (Operation::DropFunction, "FUNCTION"),
            ProgramKind::Procedure => (Operation::DropProcedure, "PROCEDURE"),
            // They go with their tables.
            ProgramKind::Trigger => return None,
        };
        Some((operation, word, &it.name))
    });
    for (operation, word, name) in tables.chain(programs) {
        let sql = format!("DROP {word} IF EXISTS {}", identifier(name));
        statements.push(Meaning::new(operation, [name]).pass(sql)?);
    }
    Ok(statements.join("; ") + ";")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_is_dropped_by_its_name_whatever_that_is() {
        for name in crate::hostile::names() {
            let exchange = Exchange {
                comes: vec![name.clone(), "civicrm_contact".to_owned()],
                goes: vec!["civicrm_contact".to_owned()],
                ..Exchange::default()
            };
            let came = [ProgramName {
                kind: ProgramKind::View,
                name: name.clone(),
            }];
            let quoted = identifier(&name);
            match dropping(&exchange, &came, &[]) {
                Ok(sql) => assert_eq!(
                    sql,
                    format!(
                        "SET SESSION foreign_key_checks = 0; DROP TABLE IF EXISTS {quoted}; DROP VIEW IF EXISTS {quoted};"
                    )
                ),
                Err(_) => assert!(crate::hostile::is_refused(&name), "{name:?}"),
            }
        }
    }
}
