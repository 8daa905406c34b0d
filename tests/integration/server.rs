//! Private database servers for tests. `tests/run` starts one of each kind for all tests, and
//! names them in `CIVIDB_TEST_RUNNING`; without it a test program starts its own when it first
//! asks for them. Either way they end with who started them.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use cividb::sandbox::{LocalServer, Options, Program, SandboxError};
use cividb::server::connection::Reader;
use cividb::server::login::Login;

use crate::skip::skip;

#[path = "../server/options.rs"]
mod options;

/// A running server.
pub struct Server {
    /// `installed`, `mariadb-10.5` and the like.
    pub name: String,
    /// Its TCP port on 127.0.0.1.
    pub port: u16,
    socket: PathBuf,
    program: Program,
    /// The server itself, unless somebody else runs it.
    own: Option<LocalServer>,
}

/// The server of Debian's packages; `None`, said aloud, where it is not installed.
pub fn installed() -> Option<&'static Server> {
    static SERVER: LazyLock<Option<Server>> = LazyLock::new(|| shared("installed", None));
    if SERVER.is_none() {
        skip(
            "installed",
            "no database server; tests/install installs one",
        );
    }
    SERVER.as_ref()
}

/// All servers that can be tested with: the installed one, and those that
/// `tests/server/unpack` has put into `CIVIDB_TEST_ROOTS` or `target/test-servers`.
pub fn all() -> Vec<&'static Server> {
    static OTHERS: LazyLock<Vec<(&str, Option<Server>)>> = LazyLock::new(|| {
        let roots = std::env::var_os("CIVIDB_TEST_ROOTS").map_or_else(
            || Path::new(env!("CARGO_MANIFEST_DIR")).join("target/test-servers"),
            PathBuf::from,
        );
        let others = ["mariadb-10.5", "mariadb-11.8", "mysql-9.7"];
        let start = |name| {
            let root = roots.join(name);
            let server = root
                .join("unpacked")
                .exists()
                .then(|| shared(name, Some(&root)));
            (name, server.flatten())
        };
        others.map(start).into()
    });
    for (name, server) in OTHERS.iter() {
        if server.is_none() {
            skip(name, "tests/server/unpack fetches it");
        }
    }
    let others = OTHERS.iter().filter_map(|(_, server)| server.as_ref());
    installed().into_iter().chain(others).collect()
}

/// All servers with `CIVIDB_TEST_ALL`, or else the installed one, for tests whose cases differ little by server.
pub fn some() -> Vec<&'static Server> {
    let mut servers = all();
    if !crate::common::everything() {
        servers.truncate(1);
    }
    servers
}

/// The server of a kind that all tests share: the one that already runs, or else a new one.
/// `None` where there is no such program. With `CIVIDB_TEST_RUNNING` only those in there exist.
fn shared(name: &str, root: Option<&Path>) -> Option<Server> {
    let running = std::env::var("CIVIDB_TEST_RUNNING");
    let program = match Program::find(root) {
        Err(SandboxError::NoServer { .. }) => return None,
        found => found.unwrap_or_else(|error| panic!("{name}: {error}")),
    };
    let Ok(running) = running else {
        return Some(Server::start(name, &program, &[]));
    };
    running.lines().find_map(|line| {
        let mut parts = line.split('\t');
        (parts.next()? == name).then_some(())?;
        Some(Server {
            name: name.to_owned(),
            socket: parts.next()?.into(),
            port: parts.next()?.parse().ok()?,
            program: program.clone(),
            own: None,
        })
    })
}

impl Server {
    /// Starts a server with more options.
    fn start(name: &str, program: &Program, options: &[&str]) -> Self {
        let options = options::USUAL.iter().chain(options);
        let server = options.map(|&option| option.to_owned()).collect();
        let options = Options {
            // In memory where there is such a folder: each table made waits for the disk otherwise.
            parent: Some(PathBuf::from("/dev/shm")).filter(|folder| folder.is_dir()),
            port: Some(free_port()),
            server,
            ..Options::default()
        };
        let started = LocalServer::start(program.clone(), options);
        let own = started.unwrap_or_else(|error| panic!("{name}: {error}"));
        Self {
            name: name.to_owned(),
            port: own.port().expect("it was given one"),
            socket: own.socket(),
            program: program.clone(),
            own: Some(own),
        }
    }

    /// Starts another server of the same program for one test, with more options.
    pub fn another(&self, name: &str, options: &[&str]) -> Self {
        Self::start(name, &self.program, options)
    }

    /// Starts a server again that a test has killed.
    pub fn restart(&mut self) {
        let own = self.own.as_mut().expect("it belongs to the test");
        own.restart()
            .unwrap_or_else(|error| panic!("{}: {error}", self.name));
    }

    /// Stops it and removes its data.
    pub fn remove(self) {
        let own = self.own.expect("it belongs to the test");
        own.stop()
            .unwrap_or_else(|error| panic!("{}: {error}", self.name));
    }

    /// Its socket.
    pub fn socket(&self) -> PathBuf {
        self.socket.clone()
    }

    /// The programs that it runs with.
    pub fn kind(&self) -> &Program {
        &self.program
    }

    /// Whether it is MySQL, not MariaDB.
    pub fn is_mysql(&self) -> bool {
        self.program.is_mysql()
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

    /// What stands for a database of this server in a transcript: see [`crate::common::transcript`].
    pub fn places(&self, database: &str) -> Vec<(&'static str, String)> {
        let version = self.run(None, "SELECT VERSION()");
        let version = version
            .trim()
            .split('-')
            .next()
            .unwrap_or_default()
            .to_owned();
        let socket = self.socket().display().to_string();
        vec![
            ("SERVER", self.url(database)),
            ("SOCKET", socket),
            ("VERSION", version),
        ]
    }

    /// The client, as root.
    pub fn client(&self) -> Command {
        let mut client = Command::new("mariadb");
        client
            .args(["--no-defaults", "-u", "root", "-N", "-B", "-r", "-S"])
            .arg(self.socket())
            // Else it takes the locale's, which is latin1 on a machine without one.
            .arg("--default-character-set=utf8mb4");
        client
    }

    /// A program that came with the server, such as `mysqldump`.
    pub fn program(&self, name: &str) -> Command {
        let program = self.program.companion(name);
        program.unwrap_or_else(|| panic!("{} has no {name}", self.name))
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

    /// Waits until nobody uses a database any more: a server goes on for a while with what a
    /// program that was killed has asked for.
    pub fn wait_until_unused(&self, database: &str) {
        let sql =
            format!("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE DB = '{database}'");
        let begun = Instant::now();
        while self.run(None, &sql) != "0\n" {
            let patience = Duration::from_secs(300);
            assert!(
                begun.elapsed() < patience,
                "{}: {database} is in use",
                self.name
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Makes a database of the sample, for tests that look at few of its tables: daily only of these and of those that
    /// tell the release, with all to which they refer. MySQL takes two seconds for all.
    pub fn load_sample(&self, database: &str, more: &[&str]) {
        let telling = [
            "civicrm_contribution_soft",
            "civicrm_cxn",
            "civicrm_domain",
            "civicrm_entity_financial_account",
        ];
        let dump = match crate::common::everything() {
            true => crate::common::sample(),
            false => crate::common::part_of_sample(&[&telling, more].concat()),
        };
        self.load(database, &dump);
    }

    /// Makes a database of a dump's text, unless it is there already.
    pub fn load(&self, database: &str, dump: &[u8]) {
        // One at a time, in all programs of a test run.
        let lock = File::create(self.socket.with_file_name("loading")).expect("a file");
        lock.lock().expect("no other load goes on");
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

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a free port")
        .port()
}
