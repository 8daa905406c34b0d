//! The password is nowhere: not in what is printed, not in what is written, not in `ps`.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Mutex;
use std::sync::mpsc;
use std::time::Duration;

use tempfile::TempDir;

use crate::common::{self, text};
use crate::proxy::{Action, Proxy};
use crate::server::{self, Server};

/// A password that is like nothing else, with characters that each way of giving it has to
/// write in its own manner.
const PASSWORD: &str = "Zq7#hushed'@:/%41é";
/// The part of it that no way of writing changes.
const TELLTALE: &str = "Zq7";
const REST: &str = "hushed";
const IN_URL: &str = "Zq7%23hushed%27%40%3A%2F%2541%C3%A9";

fn assert_hidden(bytes: &[u8], at: &str) {
    let text = String::from_utf8_lossy(bytes);
    for part in [TELLTALE, REST] {
        assert!(!text.contains(part), "{at}: {text}");
    }
}

/// A site of its own, and an account that may do everything with it.
fn site(server: &Server, database: &str) {
    server.load(database, &common::sample());
    let password = PASSWORD.replace('\'', "''");
    server.run(
        None,
        &format!(
            "CREATE USER IF NOT EXISTS 'careful'@'localhost' IDENTIFIED BY '{password}';
             GRANT ALL ON {database}.* TO 'careful'@'localhost';"
        ),
    );
}

/// One way to give a password: arguments, environment and files.
struct Way {
    name: &'static str,
    arguments: Vec<String>,
    environment: Vec<(&'static str, String)>,
    /// Whether the source is among the arguments.
    names_source: bool,
}

/// All ways, to the server at a socket; `password` stands in each as that way has it.
fn ways(folder: &Path, socket: &Path, database: &str, right: bool) -> Vec<Way> {
    let (plain, in_url) = match right {
        true => (PASSWORD.to_owned(), IN_URL.to_owned()),
        false => (format!("{PASSWORD}-wrong"), format!("{IN_URL}-wrong")),
    };
    let socket = socket.to_str().expect("text");
    let file = |name: &str, content: &str| {
        let path = folder.join(name);
        std::fs::write(&path, content).expect("it is written");
        path.to_str().expect("text").to_owned()
    };
    let options = file(
        "options.cnf",
        &format!(
            "[client]\nuser=careful\npassword=\"{}\"\nsocket={socket}\ndatabase={database}\n",
            plain.replace('\\', "\\\\")
        ),
    );
    let dsn = format!("mysql://careful:{in_url}@unix({socket})/{database}?new_link=true");
    let settings = file(
        "civicrm.settings.php",
        &format!("<?php\ndefine('CIVICRM_DSN', '{dsn}');\n"),
    );
    let url = format!("mysql://careful:{in_url}@localhost/{database}?socket={socket}");
    let by_options = ["--no-defaults", "--user", "careful", "--socket", socket];
    let mut by_options: Vec<String> = by_options.map(str::to_owned).to_vec();
    by_options.extend(["--database".to_owned(), database.to_owned()]);
    vec![
        Way {
            name: "URL",
            arguments: vec![url.clone(), "--no-defaults".to_owned()],
            environment: vec![],
            names_source: true,
        },
        Way {
            name: "option file",
            arguments: vec!["--defaults-file".to_owned(), options],
            environment: vec![],
            names_source: false,
        },
        Way {
            name: "MYSQL_PWD",
            arguments: by_options,
            environment: vec![("MYSQL_PWD", plain)],
            names_source: false,
        },
        Way {
            name: "settings file",
            arguments: vec![settings],
            environment: vec![],
            names_source: true,
        },
        Way {
            name: "CIVICRM_DSN",
            arguments: vec![],
            environment: vec![("CIVICRM_DSN", dsn)],
            names_source: false,
        },
    ]
}

fn cividb(folder: &Path, before: &[&str], way: &Way) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cividb"));
    command
        .args(before)
        .args(&way.arguments)
        .args(["--color", "never"])
        .env("HOME", folder)
        .env("XDG_STATE_HOME", folder)
        .env_remove("MYSQL_PWD")
        .envs(way.environment.iter().cloned())
        .current_dir(folder);
    command
}

fn assert_nowhere(output: &Output, folder: &Path, at: &str) {
    assert_hidden(&output.stdout, at);
    assert_hidden(&output.stderr, at);
    let files = std::fs::read_dir(folder).expect("the folder");
    let files = files.map(|entry| entry.expect("a file").path());
    let journals = common::journals(folder).into_iter();
    for path in files.chain(journals.map(|journal| folder.join(journal))) {
        let given = ["options.cnf", "civicrm.settings.php"];
        if path.is_file() && !given.contains(&common::name(&path).as_str()) {
            assert_hidden(&std::fs::read(&path).expect("it is read"), at);
        }
    }
}

#[test]
fn no_output_journal_or_report_holds_the_password() {
    for server in server::some() {
        let database = "secrets";
        site(server, database);
        server.run(Some(database), "UPDATE civicrm_domain SET version = '2.2'");
        for (number, format) in ["human", "json", "csv"].into_iter().enumerate() {
            let folder = TempDir::new().expect("a folder");
            // Each way in one form at least, each form by some of the ways.
            let ways = ways(folder.path(), &server.socket(), database, true);
            let some = ways.into_iter().skip(match common::everything() {
                true => 0,
                false => number,
            });
            for way in some.step_by(common::every(3)) {
                let commands = [
                    &["check", "--verbose"][..],
                    &["diff", "--verbose"],
                    &["version", "--verbose"],
                    &["grants", "--verbose"],
                    &["check", "--output", "report"],
                ];
                // Each of them in one form at least.
                let every = common::every(2);
                for command in commands.into_iter().skip(number % every).step_by(every) {
                    let at = format!("{command:?} by {} on {}", way.name, server.name);
                    let output = cividb(folder.path(), command, &way)
                        .args(["--format", format])
                        .output()
                        .expect("cividb runs");
                    assert!(
                        matches!(output.status.code(), Some(0 | 1)),
                        "{at}: {}",
                        text(&output.stderr)
                    );
                    assert_nowhere(&output, folder.path(), &at);
                }
            }
        }
        // Changes, which keep a journal, and what takes them back.
        let folder = TempDir::new().expect("a folder");
        for way in ways(folder.path(), &server.socket(), database, true) {
            let at = format!("--apply by {} on {}", way.name, server.name);
            let apply = ["version", "--fix", "--apply", "--yes", "--verbose"];
            let output = cividb(folder.path(), &apply, &way).output();
            let output = output.expect("cividb runs");
            assert_eq!(
                output.status.code(),
                Some(0),
                "{at}: {}",
                text(&output.stderr)
            );
            assert_nowhere(&output, folder.path(), &at);
            let journal = journal(folder.path());
            let undo = ["undo", "--apply", "--yes", journal.to_str().expect("text")];
            let output = cividb(folder.path(), &undo, &way).output();
            let output = output.expect("cividb runs");
            assert_eq!(
                output.status.code(),
                Some(0),
                "{at}: {}",
                text(&output.stderr)
            );
            assert_nowhere(&output, folder.path(), &at);
            std::fs::remove_file(journal).expect("it goes");
        }
    }
}

/// The one journal in a folder.
fn journal(folder: &Path) -> PathBuf {
    folder.join(common::journals(folder).concat())
}

#[test]
fn no_error_holds_the_password() {
    let Some(server) = server::installed() else {
        return;
    };
    let database = "secrets_errors";
    site(server, database);
    let lossy = Proxy::start(server.socket(), |sql| match sql.contains("COLUMNS") {
        true => Action::Cut,
        false => Action::Pass,
    });
    let nowhere = Path::new("/nowhere/sock").to_owned();
    for (name, socket, database, right) in [
        ("wrong password", server.socket(), database, false),
        ("unknown database", server.socket(), "secrets_none", true),
        ("no server", nowhere, database, true),
        ("lost connection", lossy.socket(), database, true),
    ] {
        let folder = TempDir::new().expect("a folder");
        for way in ways(folder.path(), &socket, database, right) {
            for command in ["check", "diff", "version"] {
                let at = format!("{name}: {command} by {}", way.name);
                let output = cividb(folder.path(), &[command, "--verbose"], &way).output();
                let output = output.expect("cividb runs");
                assert_eq!(
                    output.status.code(),
                    Some(2),
                    "{at}: {}",
                    text(&output.stderr)
                );
                assert_nowhere(&output, folder.path(), &at);
            }
            if way.names_source {
                let against = ["verify", "nothing.sql", "--against"];
                let output = cividb(folder.path(), &against, &way).output();
                assert_nowhere(&output.expect("cividb runs"), folder.path(), name);
            }
        }
    }
}

/// What is wrong is said without quoting what stands there.
#[test]
fn no_complaint_about_arguments_or_files_holds_the_password() {
    let folder = TempDir::new().expect("a folder");
    let url = |rest: &str| format!("mysql://u:{IN_URL}@{rest}");
    let good = url("localhost/db?socket=/nowhere");
    for arguments in [
        vec!["check", &url("local host:port/db")],
        vec!["check", &url("h:99999/db")],
        vec!["check", &url("h/db?nothing=1")],
        vec!["check", &url("h/%zz")],
        vec!["check", &url("[::1/db")],
        vec!["check", &format!("mysql://u:{IN_URL}@@h@x/db")],
        vec!["check", &format!("mysql://u:{IN_URL}")],
        vec!["check", &format!("mysql://u:{IN_URL}/db")],
        vec!["check", &format!("MySQL://u:{IN_URL}@localhost:x/db")],
        // The command line's own complaints.
        vec!["diff", &good, &good],
        vec!["diff", "--release", &good],
        vec!["check", "--port", &good],
        vec!["check", &format!("--prot={good}")],
        vec!["version", "--domain", &good],
        vec![&good],
        vec!["reference", "show", &good],
        vec!["undo", &good],
        vec!["verify", &good],
        vec!["verify", "--target-server", &good],
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_cividb"))
            .args(&arguments)
            .env("HOME", folder.path())
            .output()
            .expect("cividb runs");
        let at = format!("{arguments:?}");
        assert_eq!(output.status.code(), Some(2), "{at}");
        assert_nowhere(&output, folder.path(), &at);
    }
    for (name, content) in [
        (
            "bad.cnf",
            format!("[client]\npassword={PASSWORD}\n{PASSWORD}\n[client\n"),
        ),
        ("bad.cnf", format!("password={PASSWORD}\n")),
        ("bad.cnf", format!("[client]\nport={PASSWORD}\n")),
        ("bad.cnf", format!("[client]\nssl-mode={PASSWORD}\n")),
        ("bad.cnf", format!("[client]\npassword \"{PASSWORD}\n")),
        (
            "civicrm.settings.php",
            format!("<?php define('CIVICRM_DSN', 'mysql://u:{IN_URL}@localhost:port/db');"),
        ),
        (
            "civicrm.settings.php",
            format!("<?php define('CIVICRM_DSN', 'mysql://u:{IN_URL}@localhost/db"),
        ),
        (
            "civicrm.settings.php",
            format!("<?php define('CIVICRM_DSN', 'pgsql://u:{IN_URL}@localhost/db');"),
        ),
        (
            "civicrm.settings.php",
            format!("<?php define('CIVICRM_DSN', \"mysql://u:{IN_URL}{{$x}}@localhost/db\");"),
        ),
        (
            "civicrm.settings.php",
            format!("<?php define('CIVICRM_DSN', 'mysql://u:{IN_URL}@h/a/b?c#d');"),
        ),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, &content).expect("it is written");
        let mut command = Command::new(env!("CARGO_BIN_EXE_cividb"));
        command.arg("check").env("HOME", folder.path());
        if name == "bad.cnf" {
            command.arg("--defaults-file");
        }
        let output = command.arg(&path).output().expect("cividb runs");
        assert_hidden(&output.stdout, &content);
        assert_hidden(&output.stderr, &content);
        assert_eq!(
            output.status.code(),
            Some(2),
            "{content}: {}",
            text(&output.stderr)
        );
    }
    let damaged = folder.path().join(".mylogin.cnf");
    std::fs::write(&damaged, PASSWORD.repeat(20)).expect("it is written");
    let output = Command::new(env!("CARGO_BIN_EXE_cividb"))
        .args(["check", "--login-path", "x", "--socket", "/nowhere"])
        .env("HOME", folder.path())
        .env("MYSQL_TEST_LOGIN_FILE", &damaged)
        .output()
        .expect("cividb runs");
    assert_hidden(&output.stderr, "login path");
}

/// While the program waits for the server, everybody on the machine may see its arguments.
#[test]
fn ps_shows_no_password_while_the_program_runs() {
    let Some(server) = server::installed() else {
        return;
    };
    let database = "secrets_ps";
    site(server, database);
    let (arrived, arrivals) = mpsc::channel();
    let (go_on, may_go_on) = mpsc::channel::<()>();
    let may_go_on = Mutex::new(may_go_on);
    let proxy = Proxy::start(server.socket(), move |sql| {
        if sql.contains("information_schema.COLUMNS") {
            arrived.send(()).expect("the test waits");
            // However the test ends, so does this.
            let _ = may_go_on.lock().expect("no panic").recv();
        }
        Action::Pass
    });
    let folder = TempDir::new().expect("a folder");
    for way in ways(folder.path(), &proxy.socket(), database, true) {
        let mut running = cividb(folder.path(), &["check", "--output", "report"], &way)
            .spawn()
            .expect("cividb runs");
        arrivals
            .recv_timeout(Duration::from_secs(30))
            .expect("it asks for columns");
        let process = Path::new("/proc").join(running.id().to_string());
        let [arguments, title] =
            ["cmdline", "comm"].map(|name| std::fs::read(process.join(name)).expect("it runs"));
        go_on.send(()).expect("the proxy waits");
        let status = common::end_of(&mut running);
        assert_ne!(status.code(), Some(2), "{}", way.name);
        assert!(
            text(&arguments).contains("check"),
            "{}: {}",
            way.name,
            text(&arguments)
        );
        assert_hidden(&arguments, way.name);
        assert_hidden(&title, way.name);
    }
}

/// Slips of the pen that made a file name of a URL printed its password.
#[test]
fn misspelled_urls_keep_their_password() {
    for url in [
        "postgres://weak:S3cret@host/db",
        "mysql:/weak:S3cret@host/db",
        "mysql//weak:S3cret@host/db",
        "weak:S3cret@host/db",
    ] {
        for arguments in [
            vec!["check", url],
            vec!["verify", url],
            vec!["verify", "nothing.sql", "--against", url],
            vec!["diff", "nothing.sql", "--against", url],
            vec!["check", url, "--format", "json"],
        ] {
            let output = Command::new(env!("CARGO_BIN_EXE_cividb"))
                .args(&arguments)
                .output()
                .expect("cividb runs");
            let said = text(&output.stdout) + &text(&output.stderr);
            assert!(!said.contains("S3cret"), "{arguments:?}: {said}");
            assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        }
    }
}

/// `script` gives a program a terminal of its own.
#[test]
fn a_signal_at_the_prompt_for_a_password_leaves_a_terminal_that_shows_what_is_typed() {
    let program = env!("CARGO_BIN_EXE_cividb");
    let script = format!(
        "{program} version --no-defaults -p mysql://root@127.0.0.1:1/x & \
         for turn in {{1..1200}}; do stty -a | grep -q -- ' -echo ' && break; sleep 0.05; done; \
         kill -SIGNAL $!; wait $!; echo \"ended $?\"; stty -a"
    );
    for (signal, code) in [("TERM", 143), ("HUP", 129)] {
        let folder = TempDir::new().expect("a folder");
        let file = folder.path().join("run");
        let script = script.replace("SIGNAL", signal);
        std::fs::write(&file, script).expect("it is written");
        let run = format!("bash {}", file.display());
        // `script` hands the end of its own input on to the terminal, where it would end the prompt: a pipe stays open.
        let (input, _writer) = std::io::pipe().expect("a pipe");
        let output = Command::new("script")
            .args(["-qec", &run, "/dev/null"])
            .stdin(input)
            .output();
        let Ok(output) = output else {
            crate::skip::skip(
                "script",
                "no program script (util-linux), which makes terminals",
            );
            return;
        };
        let said = text(&output.stdout);
        assert!(said.contains(&format!("ended {code}")), "{signal}: {said}");
        assert!(!said.contains(" -echo "), "{signal}: {said}");
    }
}
