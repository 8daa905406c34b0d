//! The programs of a database server: finding them and running them.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::SandboxError;
use crate::server_version::{Family, ServerVersion};

/// Names of server programs, the newer first; MariaDB keeps `mysqld` as a link to `mariadbd`.
const SERVERS: [&str; 2] = ["mariadbd", "mysqld"];
/// Folders of server programs that are not in `PATH`: Debian, Red Hat, BSD, and packages of vendors.
const FOLDERS: [&str; 4] = [
    "/usr/sbin",
    "/usr/libexec",
    "/usr/local/sbin",
    "/usr/local/libexec",
];
/// Folders of programs, relative to the root or the base folder of an installation.
const BELOW_ROOT: [&str; 7] = [
    "usr/sbin",
    "usr/libexec",
    "usr/bin",
    "sbin",
    "libexec",
    "bin",
    "",
];

/// A server program of this machine, with the files that belong to it.
#[derive(Clone, Debug)]
pub struct Program {
    path: PathBuf,
    version: ServerVersion,
    /// The folder that holds `bin`, `sbin` and `share`.
    base: PathBuf,
    /// The folder with messages, character sets and the scripts of the system tables.
    share: Option<PathBuf>,
    loader: Option<Loader>,
}

/// The dynamic loader and libraries of a distribution that was unpacked into a folder: those of
/// this machine may be too old for its programs.
#[derive(Clone, Debug)]
struct Loader {
    path: PathBuf,
    libraries: String,
}

impl Program {
    /// Finds a server program: the one in `PATH` or in the system's folders, or the one that
    /// `named` leads to. That is a program, the base folder of an installation such as MySQL's
    /// archives have it, or a folder into which packages of a Linux distribution were unpacked,
    /// whose own loader and libraries are then used.
    ///
    /// # Errors
    /// The program is not found, or it does not tell its version as a server does.
    pub fn find(named: Option<&Path>) -> Result<Self, SandboxError> {
        let Some(named) = named else {
            let folders = system_folders();
            return match first_server(&folders) {
                Some(path) => Self::at(&path, None),
                None => Err(SandboxError::NoServer(joined(&folders))),
            };
        };
        let named = fs::canonicalize(named).map_err(SandboxError::file(named))?;
        if named.is_file() {
            return Self::at(&named, None);
        }
        let folders: Vec<PathBuf> = BELOW_ROOT.iter().map(|name| named.join(name)).collect();
        match first_server(&folders) {
            Some(path) => Self::at(&path, Loader::of(&named)),
            None => Err(SandboxError::NotAServer(named)),
        }
    }

    /// All server programs in `PATH`, in the system's folders and in those of vendors' archives
    /// (`/opt/*`, `/usr/local/mysql*`), each once. One that does not tell its version is left out.
    pub fn all() -> Vec<Self> {
        let mut folders = system_folders();
        for pattern in ["/opt/*/bin", "/opt/*/*/bin", "/usr/local/mysql*/bin"] {
            folders.extend(glob::glob(pattern).into_iter().flatten().flatten());
        }
        let mut all: Vec<Self> = Vec::new();
        for (folder, name) in folders.iter().flat_map(|it| SERVERS.map(|name| (it, name))) {
            if let Some(path) = executable(std::slice::from_ref(folder), name)
                && let Ok(program) = Self::at(&path, None)
                && !all.iter().any(|known| known.path == program.path)
            {
                all.push(program);
            }
        }
        all
    }

    fn at(path: &Path, loader: Option<Loader>) -> Result<Self, SandboxError> {
        // The link `mysqld` may lead to a program whose files are elsewhere.
        let path = fs::canonicalize(path).map_err(SandboxError::file(path))?;
        let base = path.parent().and_then(Path::parent);
        let base = base.unwrap_or(Path::new("/")).to_owned();
        let version = version(&path, loader.as_ref())?;
        let mut program = Self {
            path,
            version,
            base,
            share: None,
            loader,
        };
        program.share = program.share_folders().into_iter().find(|folder| {
            folder.join("english/errmsg.sys").is_file() || program.system_tables_in(folder)
        });
        Ok(program)
    }

    /// The path of the server program.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Family and version, as the program prints them.
    pub fn version(&self) -> &ServerVersion {
        &self.version
    }

    /// Whether the program is MySQL or one of its forks, and not MariaDB.
    pub fn is_mysql(&self) -> bool {
        self.version.family == Family::Mysql
    }

    /// A command that runs the server program.
    pub(super) fn server(&self) -> Command {
        run(&self.path, self.loader.as_ref())
    }

    /// A command that runs a program which belongs to the server, such as `mariadb-dump`, or else the one of
    /// that name in `PATH`; `None` when there is no such program.
    pub fn companion(&self, name: &str) -> Option<Command> {
        let beside = ["bin", "sbin"].map(|folder| self.base.join(folder));
        match executable(&beside, name) {
            Some(path) => Some(run(&path, self.loader.as_ref())),
            None => executable(&system_folders(), name).map(Command::new),
        }
    }

    /// A command that runs the client program, `mariadb` or `mysql`.
    ///
    /// # Errors
    /// No client program is found.
    pub fn client(&self) -> Result<Command, SandboxError> {
        let (names, package) = match self.version.family {
            Family::Mariadb => (["mariadb", "mysql"], "mariadb-client-core"),
            Family::Mysql => (["mysql", "mariadb"], "mysql-client-core"),
        };
        let client = names.iter().find_map(|name| self.companion(name));
        client.ok_or(SandboxError::NoClient(names[0], package))
    }

    /// The options by which the server finds its own files.
    pub(super) fn options(&self) -> Vec<String> {
        let mut options = vec![format!("--basedir={}", self.base.display())];
        if let Some(share) = &self.share {
            options.push(format!("--lc-messages-dir={}", share.display()));
            let charsets = share.join("charsets");
            options.push(format!("--character-sets-dir={}", charsets.display()));
        }
        options
    }

    /// The folder of the scripts that make MariaDB's system tables.
    pub(super) fn system_tables(&self) -> Result<PathBuf, SandboxError> {
        let folders = self.share_folders();
        let found = folders.iter().find(|folder| self.system_tables_in(folder));
        let missing = || SandboxError::NoSystemTables(self.path.clone(), joined(&folders));
        found.cloned().ok_or_else(missing)
    }

    fn share_folders(&self) -> Vec<PathBuf> {
        let share = self.base.join("share");
        ["mariadb", "mysql", ""].map(|name| share.join(name)).into()
    }

    fn system_tables_in(&self, folder: &Path) -> bool {
        let exists = |prefix: &str| folder.join(format!("{prefix}_system_tables.sql")).is_file();
        exists("mariadb") || exists("mysql")
    }
}

impl Loader {
    /// The loader in a folder into which packages were unpacked; `None` if it has none.
    fn of(root: &Path) -> Option<Self> {
        let libraries = fs::read_dir(root.join("usr/lib")).ok()?.flatten();
        let libraries: Vec<PathBuf> = libraries
            .filter(|entry| entry.file_name().to_string_lossy().ends_with("-linux-gnu"))
            .map(|entry| entry.path())
            .collect();
        let is_loader = |path: &PathBuf| {
            let name = path.file_name().map(OsStr::to_string_lossy);
            let named = name.is_some_and(|name| name.starts_with("ld") && name.contains(".so"));
            // Links may lead out of the folder, to the loader of this machine.
            named && fs::symlink_metadata(path).is_ok_and(|data| data.is_file())
        };
        let path = libraries
            .iter()
            .chain(&[root.join("usr/lib64")])
            .filter_map(|folder| fs::read_dir(folder).ok())
            .flat_map(|entries| entries.flatten().map(|entry| entry.path()))
            .find(is_loader)?;
        let mut paths: Vec<String> = libraries
            .iter()
            .map(|folder| folder.display().to_string())
            .collect();
        let private = root.join("usr/lib/mysql/private");
        paths.push(private.display().to_string());
        Some(Self {
            path,
            libraries: paths.join(":"),
        })
    }
}

/// A command that runs a program, by the loader of its distribution where it has one.
fn run(program: &Path, loader: Option<&Loader>) -> Command {
    let Some(loader) = loader else {
        return Command::new(program);
    };
    let mut command = Command::new(&loader.path);
    command.args(["--library-path", &loader.libraries]);
    command.arg(program);
    command
}

/// The version that the program prints: `/usr/sbin/mysqld  Ver 8.4.3 for Linux on x86_64 (…)`, `mariadbd  Ver
/// 10.11.14-MariaDB-0+deb12u2 for debian-linux-gnu on x86_64 (Debian 12)`.
fn version(path: &Path, loader: Option<&Loader>) -> Result<ServerVersion, SandboxError> {
    let mut command = run(path, loader);
    let output = command.args(["--no-defaults", "--version"]).output();
    let output = output.map_err(|source| SandboxError::Spawn {
        program: path.to_owned(),
        source,
    })?;
    let said = String::from_utf8_lossy(&output.stdout);
    let word = said.split_whitespace().skip_while(|word| *word != "Ver");
    let version = word.skip(1).find_map(ServerVersion::parse);
    version.ok_or_else(|| {
        let said = format!("{said}{}", String::from_utf8_lossy(&output.stderr));
        SandboxError::NoVersion(path.to_owned(), super::watched::inert(&said))
    })
}

/// The folders of `PATH`, and the folders in which servers are installed.
fn system_folders() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path)
        .filter(|folder| folder.is_absolute())
        .collect();
    let others = FOLDERS.map(PathBuf::from).into_iter();
    let others: Vec<PathBuf> = others.filter(|it| !folders.contains(it)).collect();
    folders.extend(others);
    folders
}

fn first_server(folders: &[PathBuf]) -> Option<PathBuf> {
    SERVERS.iter().find_map(|name| executable(folders, name))
}

fn executable(folders: &[PathBuf], name: &str) -> Option<PathBuf> {
    use std::os::unix::fs::PermissionsExt;
    folders.iter().map(|folder| folder.join(name)).find(|path| {
        let data = fs::metadata(path);
        data.is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
    })
}

fn joined(folders: &[PathBuf]) -> String {
    let folders = folders.iter().map(|folder| folder.display().to_string());
    folders.collect::<Vec<_>>().join(", ")
}
