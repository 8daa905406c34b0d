//! Private database servers for tests: each has a folder of its own, is started by
//! `tests/server/start` when it is first asked for, and stops with the test program.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{LazyLock, Mutex};

use cividb::server::connection::Reader;
use cividb::server::login::Login;

/// A running server.
pub struct Server {
    /// `mariadb-10.11` and the like.
    pub name: String,
    folder: PathBuf,
    /// Its TCP port on 127.0.0.1.
    pub port: u16,
    /// Where the server's own programs are, unless installed.
    root: Option<PathBuf>,
    loading: Mutex<()>,
}

/// The server of Debian's packages; `None`, said aloud, where it is not installed.
pub fn installed() -> Option<&'static Server> {
    static SERVER: LazyLock<Option<Server>> = LazyLock::new(|| {
        if !Path::new("/usr/sbin/mariadbd").exists() {
            eprintln!("skipped: no /usr/sbin/mariadbd; tests/install installs one");
            return None;
        }
        Some(Server::start("installed", None, &[]))
    });
    SERVER.as_ref()
}

/// All servers that can be tested with: the installed one, and those that
/// `tests/server/unpack` has put into `CIVIDB_TEST_ROOTS` or `target/test-servers`.
pub fn all() -> Vec<&'static Server> {
    static OTHERS: LazyLock<Vec<Server>> = LazyLock::new(|| {
        let roots = std::env::var_os("CIVIDB_TEST_ROOTS").map_or_else(
            || Path::new(env!("CARGO_MANIFEST_DIR")).join("target/test-servers"),
            PathBuf::from,
        );
        let mut others = Vec::new();
        for name in ["mariadb-10.5", "mariadb-11.8", "mysql-9.7"] {
            let root = roots.join(name);
            if root.join("unpacked").exists() {
                others.push(Server::start(name, Some(root), &[]));
            } else {
                eprintln!("skipped: {name}; tests/server/unpack fetches it");
            }
        }
        others
    });
    installed().into_iter().chain(OTHERS.iter()).collect()
}

impl Server {
    /// Starts a server of its own for one test, with more options.
    pub fn start(name: &str, root: Option<PathBuf>, options: &[&str]) -> Self {
        let folder = free_folder(name);
        let port = free_port();
        let server = Self {
            name: name.to_owned(),
            folder,
            port,
            root,
            loading: Mutex::new(()),
        };
        server.begin(options);
        server
    }

    /// Starts another server of the same program, with more options.
    pub fn another(&self, name: &str, options: &[&str]) -> Self {
        Self::start(name, self.root.clone(), options)
    }

    /// Starts the server's program, again if need be.
    pub fn begin(&self, options: &[&str]) {
        let mut start = script("start");
        start
            .arg(&self.folder)
            .arg(self.port.to_string())
            // Else older servers give a TIMESTAMP more than its dump says.
            .arg("--explicit-defaults-for-timestamp=ON")
            .args(options)
            .env("CIVIDB_SERVER_OWNER", std::process::id().to_string());
        match &self.root {
            Some(root) => start.env("CIVIDB_SERVER_ROOT", root),
            None => start.env_remove("CIVIDB_SERVER_ROOT"),
        };
        let started = start.status().expect("the script runs");
        assert!(started.success(), "{} starts", self.name);
    }

    /// Stops it and removes its data.
    pub fn remove(&self) {
        let stopped = script("stop").arg(&self.folder).status();
        assert!(stopped.is_ok_and(|status| status.success()));
        let _ = fs::remove_dir_all(&self.folder);
    }

    /// Its socket.
    pub fn socket(&self) -> PathBuf {
        self.folder.join("sock")
    }

    /// Whether it is MySQL, not MariaDB.
    pub fn is_mysql(&self) -> bool {
        self.name.starts_with("mysql")
    }

    /// The way in for root.
    pub fn login(&self) -> Login {
        Login {
            socket: Some(self.socket()),
            user: Some("root".to_owned()),
            ..Login::default()
        }
    }

    /// A connection as root that can only ask.
    pub fn connect(&self) -> Reader {
        Reader::open(&self.login()).expect("root may connect")
    }

    /// A connection as root that can do anything.
    pub fn writer(&self, database: &str) -> mysql::Conn {
        let options = mysql::OptsBuilder::new()
            .socket(self.socket().to_str())
            .user(Some("root"))
            .db_name(Some(database));
        mysql::Conn::new(options).expect("root may connect")
    }

    /// `mysql://…` of a database, for root.
    pub fn url(&self, database: &str) -> String {
        format!(
            "mysql://root@localhost/{database}?socket={}",
            self.socket().display()
        )
    }

    /// The client, as root.
    pub fn client(&self) -> Command {
        let mut client = Command::new("mariadb");
        client
            .args(["--no-defaults", "-u", "root", "-N", "-B", "-r", "-S"])
            .arg(self.socket());
        client
    }

    /// A program that came with the server, such as `mysqldump`.
    pub fn program(&self, name: &str) -> Command {
        let mut run = script("run");
        match &self.root {
            Some(root) => run.env("CIVIDB_SERVER_ROOT", root),
            None => run.env_remove("CIVIDB_SERVER_ROOT"),
        };
        run.arg(name);
        run
    }

    /// What the client prints for a script.
    pub fn run(&self, database: Option<&str>, sql: &str) -> String {
        self.try_run(database, sql)
            .unwrap_or_else(|errors| panic!("{}: {errors}", self.name))
    }

    /// What the client prints for a script, or its message when a statement fails.
    pub fn try_run(&self, database: Option<&str>, sql: &str) -> Result<String, String> {
        // A file, not a pipe: the client prints while it still has to read.
        let file = tempfile::NamedTempFile::new().expect("a file");
        fs::write(file.path(), sql).expect("the script is written");
        let output = self
            .client()
            .args(database)
            .stdin(Stdio::from(
                File::open(file.path()).expect("the script opens"),
            ))
            .output()
            .expect("the client runs");
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }

    /// Makes a database of a dump's text, unless it is there already.
    pub fn load(&self, database: &str, dump: &[u8]) {
        let _one_at_a_time = self.loading.lock().expect("no load has panicked");
        let there = self.run(None, &format!("SHOW DATABASES LIKE '{database}'"));
        if !there.is_empty() {
            return;
        }
        self.run(None, &format!("CREATE DATABASE `{database}`"));
        let file = tempfile::NamedTempFile::new().expect("a file");
        fs::write(file.path(), dump).expect("the dump is written");
        let mut client = self.client();
        if self.is_mysql() {
            // Foreign keys of CiviCRM refer to indexes that are not unique.
            client.arg("--init-command=SET SESSION restrict_fk_on_non_standard_key=OFF");
        }
        let loaded = client
            .arg(database)
            .stdin(Stdio::from(
                File::open(file.path()).expect("the dump opens"),
            ))
            .output()
            .expect("the client runs");
        let errors = String::from_utf8_lossy(&loaded.stderr);
        assert!(
            loaded.status.success(),
            "{database} on {}: {errors}",
            self.name
        );
    }
}

fn script(name: &str) -> Command {
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/server");
    Command::new(scripts.join(name))
}

/// A folder in memory where there is such a thing; those that earlier runs left go.
fn free_folder(name: &str) -> PathBuf {
    let memory = Path::new("/dev/shm");
    let parent = if memory.is_dir() {
        memory.to_owned()
    } else {
        std::env::temp_dir()
    };
    for entry in fs::read_dir(&parent).into_iter().flatten().flatten() {
        let file_name = entry.file_name().to_string_lossy().into_owned();
        let owner = file_name
            .strip_prefix("cividb-test-")
            .and_then(|rest| rest.split('-').next());
        if owner.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    let folder = (0..)
        .map(|number| {
            parent.join(format!(
                "cividb-test-{}-{name}-{number}",
                std::process::id()
            ))
        })
        .find(|folder| fs::create_dir(folder).is_ok());
    folder.expect("a folder")
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a free port")
        .port()
}
