//! Private servers: they let in only their owner, and end with it however it ends.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use cividb::sandbox::{Existing, LocalServer, Options, Program, Sandbox, SandboxError};
use cividb::server::connection::Reader;
use cividb::server::login::Login;
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use tempfile::TempDir;

use crate::server::{self, Server};

/// A folder in memory where there is such a thing, with a short path.
fn parent() -> TempDir {
    TempDir::new_in("/dev/shm")
        .or_else(|_| TempDir::new())
        .expect("a folder")
}

fn options(parent: &TempDir) -> Options {
    Options {
        parent: Some(parent.path().to_owned()),
        ..Options::default()
    }
}

fn start(program: &Program, parent: &TempDir) -> LocalServer {
    LocalServer::start(program.clone(), options(parent)).expect("it starts")
}

/// The first value of an answer.
fn value(connection: &mut Reader, sql: &str) -> Option<String> {
    let answer = connection.ask("a test's question", sql).expect("an answer");
    let value = answer.first()?.values().next()?.as_deref()?;
    Some(String::from_utf8_lossy(value).into_owned())
}

fn is_empty(folder: &TempDir) -> bool {
    fs::read_dir(folder.path())
        .expect("a folder")
        .next()
        .is_none()
}

fn pid(number: u32) -> Pid {
    let number = number.try_into().ok();
    number
        .and_then(Pid::from_raw)
        .expect("the number of a process")
}

fn runs(process: u32) -> bool {
    // One that has ended, and whose parent has not asked yet how, still has a number.
    let path = format!("/proc/{process}/stat");
    test_kill_process(pid(process)).is_ok()
        && fs::read_to_string(path).is_ok_and(|stat| !stat.contains(") Z "))
}

/// Waits until something is true.
fn wait_for(what: &str, mut is_true: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_true() {
        assert!(begun.elapsed() < Duration::from_secs(300), "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// What is tested of new servers of all kinds, each time with one of its own.
fn on_new_servers(test: fn(&Server, &LocalServer)) {
    for known in server::some() {
        let parent = parent();
        let server = start(known.kind(), &parent);
        test(known, &server);
        server.stop().expect("it stops");
        assert!(is_empty(&parent), "{}", known.name);
    }
}

/// MySQL takes seconds to begin, so that daily one of it does all, the one that has to be empty first.
#[test]
fn a_new_mysql_is_as_private_empty_and_strict_as_the_installed_server() {
    let known = server::all().into_iter().find(|known| known.is_mysql());
    let Some(known) = known.filter(|_| !crate::common::everything()) else {
        return;
    };
    let parent = parent();
    let server = start(known.kind(), &parent);
    is_private(known, &server);
    is_seen_to_be_empty(known, &server);
    loads_up_to_the_statement_that_fails(known, &server);
    server.stop().expect("it stops");
    assert!(is_empty(&parent));
}

#[test]
fn a_private_server_lets_in_its_owner_only_and_reads_no_file_of_the_machine() {
    on_new_servers(is_private);
}

fn is_private(known: &Server, server: &LocalServer) {
    let folder = server.folder().to_owned();
    let mode = fs::metadata(&folder)
        .expect("a folder")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o700, "{}", known.name);
    let mut connection = server.connect().expect("root may connect");
    for (variable, expected) in [
        ("skip_networking", "1"),
        ("local_infile", "0"),
        ("innodb_flush_log_at_trx_commit", "0"),
    ] {
        let now = value(&mut connection, &format!("SELECT @@{variable}"));
        assert_eq!(now.as_deref(), Some(expected), "{}: {variable}", known.name);
    }
    let files = value(&mut connection, "SELECT @@secure_file_priv").expect("a folder");
    assert!(Path::new(&files).starts_with(&folder), "{files}");
    let read = value(&mut connection, "SELECT LOAD_FILE('/etc/passwd')");
    assert_eq!(read, None, "{}", known.name);
    assert_eq!(
        connection.version.number,
        server.program().version().number,
        "the program tells its version as the server does"
    );
}

#[test]
fn a_port_is_open_on_the_machine_itself_when_it_was_asked_for() {
    let Some(known) = server::installed() else {
        return;
    };
    let parent = parent();
    let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
    let port = free.expect("a port").port();
    let options = Options {
        port: Some(port),
        ..options(&parent)
    };
    let server = LocalServer::start(known.kind().clone(), options).expect("it starts");
    let mut connection = server.connect().expect("root may connect");
    let bound = value(&mut connection, "SELECT @@bind_address");
    assert_eq!(bound.as_deref(), Some("127.0.0.1"));
    let login = Login {
        host: Some("127.0.0.1".to_owned()),
        port: Some(port),
        user: Some("root".to_owned()),
        ..Login::default()
    };
    Reader::open(&login).expect("root may connect by TCP");
}

#[test]
fn a_server_that_is_dropped_ends_also_in_a_panic() {
    let Some(known) = server::installed() else {
        return;
    };
    let parent = parent();
    let server = start(known.kind(), &parent);
    let process = server.process().expect("it runs");
    drop(server);
    assert!(is_empty(&parent) && !runs(process));
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let server = start(known.kind(), &parent);
        panic!("{:?} is meant to go", server.folder());
    }));
    assert!(panicked.is_err());
    assert!(is_empty(&parent));
}

const OWNER: &str = "CIVIDB_TEST_SANDBOX_OWNER";

/// Not a test of its own: the program of another process that owns a server, and waits.
#[test]
#[ignore = "the other tests run it"]
fn an_owner() {
    let Some(parent) = std::env::var_os(OWNER) else {
        return;
    };
    let options = Options {
        parent: Some(parent.into()),
        ..Options::default()
    };
    let program = Program::find(None).expect("it is installed");
    let server = LocalServer::start(program, options).expect("it starts");
    println!("\nserver {}", server.process().expect("it runs"));
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}

/// Starts an owner; returns it, and the number of its server's process.
fn owner(parent: &TempDir) -> (Child, u32) {
    let mut owner = Command::new(std::env::current_exe().expect("a path"))
        .args(["--exact", "sandbox::an_owner", "--ignored", "--nocapture"])
        .env(OWNER, parent.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it runs");
    let lines = BufReader::new(owner.stdout.take().expect("a pipe")).lines();
    let process = lines
        .map_while(Result::ok)
        .find_map(|line| line.strip_prefix("server ")?.parse().ok());
    (owner, process.expect("it has a server"))
}

#[test]
fn a_server_ends_with_its_owner_whichever_signal_ends_that() {
    if server::installed().is_none() {
        return;
    }
    for signal in [Signal::INT, Signal::TERM, Signal::HUP, Signal::KILL] {
        let parent = parent();
        let (mut owner, process) = owner(&parent);
        assert!(runs(process) && !is_empty(&parent));
        kill_process(pid(owner.id()), signal).expect("it runs");
        crate::common::end_of(&mut owner);
        wait_for("the server ends", || !runs(process));
        wait_for("its folder goes", || is_empty(&parent));
    }
}

/// The processes of the group of `process`, itself not among them.
fn group_of(process: u32) -> Vec<u32> {
    let group = |process: u32| {
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
        let (_, rest) = stat.rsplit_once(") ")?;
        rest.split(' ').nth(2)?.parse::<u32>().ok()
    };
    let own = group(process).expect("it runs");
    let all = fs::read_dir("/proc").expect("Linux").flatten();
    all.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|&other| other != process && group(other) == Some(own))
        .collect()
}

#[test]
fn what_is_left_when_owner_and_watcher_are_killed_goes_at_the_next_start() {
    let Some(known) = server::installed() else {
        return;
    };
    let parent = parent();
    // The server of an owner that lives is left alone.
    let neighbour = start(known.kind(), &parent);
    let (mut owner, process) = owner(&parent);
    let watchers = group_of(process);
    assert!(!watchers.is_empty());
    for watcher in watchers {
        kill_process(pid(watcher), Signal::KILL).expect("it runs");
    }
    owner.kill().expect("it runs");
    crate::common::end_of(&mut owner);
    assert!(runs(process), "nobody is left to stop it");
    let server = start(known.kind(), &parent);
    wait_for("the server ends", || !runs(process));
    neighbour.connect().expect("it still runs");
    assert_eq!(fs::read_dir(parent.path()).expect("a folder").count(), 2);
    server.stop().expect("it stops");
    neighbour.stop().expect("it stops");
    assert!(is_empty(&parent));
}

#[test]
fn a_server_that_was_killed_starts_again_with_its_data() {
    let Some(known) = server::installed() else {
        return;
    };
    let parent = parent();
    let mut server = start(known.kind(), &parent);
    load(&server, None, "CREATE DATABASE kept").expect("it is made");
    let process = server.process().expect("it runs");
    kill_process(pid(process), Signal::KILL).expect("it runs");
    server.restart().expect("it starts");
    let mut connection = server.connect().expect("root may connect");
    let there = value(&mut connection, "SHOW DATABASES LIKE 'kept'");
    assert_eq!(there.as_deref(), Some("kept"));
}

#[test]
fn a_start_that_fails_says_what_the_log_says_and_leaves_nothing() {
    let Some(known) = server::installed() else {
        return;
    };
    let parent = parent();
    let wrong = Options {
        server: vec!["--no-such-option".to_owned()],
        ..options(&parent)
    };
    let error = LocalServer::start(known.kind().clone(), wrong).expect_err("it ends");
    assert!(matches!(error, SandboxError::Ended { .. }), "{error}");
    assert!(error.to_string().contains("no-such-option"), "{error}");
    assert!(is_empty(&parent));

    let deep = parent.path().join("d".repeat(100));
    fs::create_dir(&deep).expect("a folder");
    let too_long = Options {
        parent: Some(deep),
        ..Options::default()
    };
    let error = LocalServer::start(known.kind().clone(), too_long).expect_err("too long");
    assert!(
        matches!(error, SandboxError::SocketTooLong { .. }),
        "{error}"
    );
}

fn load(
    server: &LocalServer,
    database: Option<&str>,
    dump: impl AsRef<[u8]>,
) -> Result<(), SandboxError> {
    let file = tempfile::NamedTempFile::new().expect("a file");
    fs::write(file.path(), dump).expect("it is written");
    server.load(database, File::open(file.path()).expect("it opens"))
}

#[test]
fn a_dump_is_loaded_up_to_the_statement_that_fails_and_runs_no_program() {
    on_new_servers(loads_up_to_the_statement_that_fails);
}

fn loads_up_to_the_statement_that_fails(known: &Server, server: &LocalServer) {
    let folder = TempDir::new().expect("a folder");
    load(server, None, "CREATE DATABASE dump").expect("it is made");
    let mut sample = crate::common::sample();
    if known.is_mysql() {
        // It refuses foreign keys to what is not unique unless told otherwise.
        let set = b"SET SESSION restrict_fk_on_non_standard_key = OFF;\n";
        sample.splice(0..0, *set);
    }
    load(server, Some("dump"), &sample).expect("it is loaded");
    let mut connection = server.connect().expect("root may connect");
    let count = "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'dump'";
    assert_eq!(value(&mut connection, count).as_deref(), Some("156"));

    let error = load(
        server,
        Some("dump"),
        "DO 1;\nDO nonsense;\nCREATE TABLE late (i int);",
    );
    let error = error.expect_err("it fails").to_string();
    assert!(error.contains("at line 2"), "{error}");
    assert_eq!(value(&mut connection, count).as_deref(), Some("156"));

    let target: PathBuf = folder.path().join("made");
    for command in ["\\! touch", "system touch"] {
        let _ = load(
            server,
            Some("dump"),
            format!("{command} {};\n", target.display()),
        );
        assert!(!target.exists(), "{command} on {}", known.name);
    }
}

#[test]
fn an_existing_server_is_taken_only_when_it_is_seen_to_be_empty() {
    on_new_servers(is_seen_to_be_empty);
}

fn is_seen_to_be_empty(_: &Server, server: &LocalServer) {
    let existing = Existing::open(server.login()).expect("it is empty");
    let sandbox = Sandbox::Existing(existing);
    sandbox.connect().expect("it can be used");
    sandbox.stop().expect("nothing is done");

    let accounts = "CREATE DATABASE d; CREATE USER few@localhost; GRANT ALL ON d.* TO few@localhost;
             GRANT SELECT ON mysql.* TO few@localhost; CREATE USER 'a@b'@localhost; GRANT SELECT ON *.* TO 'a@b'@localhost;";
    load(server, None, accounts).expect("they are made");
    let login = |user: &str| Login {
        user: Some(user.to_owned()),
        ..server.login()
    };
    Existing::open(login("a@b")).expect("it is empty");
    let error = Existing::open(login("few")).expect_err("it cannot know");
    assert!(
        matches!(error, SandboxError::SeesTooLittle { .. }),
        "{error}"
    );

    load(server, Some("d"), "CREATE TABLE t (i int)").expect("it is made");
    for user in ["root", "a@b", "few"] {
        let error = Existing::open(login(user)).expect_err("it holds a table");
        assert!(
            error.to_string().contains("1 tables, for example d.t"),
            "{error}"
        );
    }
    server.connect().expect("it still runs");
}
