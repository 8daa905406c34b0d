use std::collections::HashMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use proptest::collection::vec;
use proptest::prelude::*;
use tempfile::TempDir;

use super::super::login_path::tests::{by_mysql_config_editor, encrypt};
use super::super::{Endpoint, Protocol, TlsMode, url};
use super::*;

/// A machine with its own `/etc`, home folder and environment.
struct Machine {
    folder: TempDir,
    variables: HashMap<String, OsString>,
    is_superuser: bool,
}

impl Machine {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("etc/mysql")).unwrap();
        fs::create_dir_all(folder.path().join("home")).unwrap();
        let home = folder.path().join("home").into_os_string();
        Self {
            folder,
            variables: HashMap::from([("HOME".to_owned(), home)]),
            is_superuser: false,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn file(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        self
    }

    fn variable(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.variables.insert(name.to_owned(), value.into());
        self
    }

    fn gather(&self, given: Given) -> Result<Gathered, LoginError> {
        self.gather_with(given, None)
    }

    fn gather_with(&self, given: Given, url: Option<&str>) -> Result<Gathered, LoginError> {
        let system = System {
            variable: &|name| self.variables.get(name).cloned(),
            root: self.folder.path(),
            is_superuser: self.is_superuser,
        };
        gather(given, url.map(|url| url::parse(url).unwrap()), &system)
    }

    fn host(&self, given: Given) -> Option<String> {
        self.gather(given).unwrap().login.host
    }
}

fn given(login: Login) -> Given {
    Given {
        login,
        ..Given::default()
    }
}

fn host(host: &str) -> Login {
    Login {
        host: Some(host.into()),
        ..Login::default()
    }
}

const ALL_HOSTS: [&str; 6] = [
    "MYSQL_HOST",
    "etc/my.cnf",
    "etc/mysql/my.cnf",
    "extra.cnf",
    "home/.my.cnf",
    "home/.mylogin.cnf",
];

/// A machine on which the first `count` sources each name a host.
fn with_hosts(count: usize) -> Machine {
    ALL_HOSTS
        .iter()
        .take(count)
        .fold(Machine::new(), |machine, source| {
            let text = format!("[client]\nhost={source}\n");
            match *source {
                "MYSQL_HOST" => machine.variable(source, *source),
                "home/.mylogin.cnf" => machine.file(source, encrypt(&[&text])),
                _ => machine.file(source, text),
            }
        })
}

#[test]
fn later_sources_win_over_earlier_ones() {
    for (at, source) in ALL_HOSTS.iter().enumerate() {
        let machine = with_hosts(at + 1);
        let extra = machine.path("extra.cnf");
        let given = Given {
            defaults_extra_file: extra.exists().then_some(extra),
            ..Given::default()
        };
        assert_eq!(machine.host(given.clone()).as_deref(), Some(*source));
        let gathered = machine
            .gather_with(given.clone(), Some("mysql://url/"))
            .unwrap();
        assert_eq!(gathered.login.host.as_deref(), Some("url"));
        let given = Given {
            login: host("argument"),
            ..given
        };
        let gathered = machine.gather_with(given, Some("mysql://url/")).unwrap();
        assert_eq!(gathered.login.host.as_deref(), Some("argument"));
    }
}

#[test]
fn parts_of_a_login_come_from_different_sources() {
    let machine = Machine::new()
        .file(
            "etc/my.cnf",
            "[client-server]\nport=3310\nsocket=/s\n[mysqld]\nuser=mysql\n",
        )
        .file(
            "home/.my.cnf",
            "[cividb]\nuser=civi\n[client]\npassword=p\n[mysqldump]\nuser=x\n",
        )
        .variable("MYSQL_PWD", "not this");
    let gathered = machine.gather_with(Given::default(), Some("mysql://db/civicrm"));
    let expected = Login {
        host: Some("db".into()),
        port: Some(3310),
        socket: Some("/s".into()),
        user: Some("civi".into()),
        password: Some(Secret::new("p")),
        database: Some("civicrm".into()),
        ..Login::default()
    };
    assert_eq!(gathered.unwrap().login, expected);
}

#[test]
fn a_named_option_file_is_the_only_one() {
    let machine = with_hosts(5);
    let defaults_file = Some(machine.path("extra.cnf"));
    let given = Given {
        defaults_file,
        ..Given::default()
    };
    assert_eq!(machine.host(given).as_deref(), Some("extra.cnf"));
    let machine = machine.file("extra.cnf", "");
    let given = Given {
        defaults_file: Some(machine.path("extra.cnf")),
        ..Given::default()
    };
    assert_eq!(machine.host(given).as_deref(), Some("MYSQL_HOST"));
}

#[test]
fn a_named_option_file_must_be_there() {
    let machine = Machine::new();
    let none = Some(machine.path("none.cnf"));
    for given in [
        Given {
            defaults_file: none.clone(),
            ..Given::default()
        },
        Given {
            defaults_extra_file: none.clone(),
            ..Given::default()
        },
    ] {
        let error = machine.gather(given).unwrap_err().to_string();
        assert!(
            error.contains("none.cnf: cannot read the option file"),
            "{error}"
        );
    }
}

#[test]
fn without_option_files_the_login_file_is_still_read() {
    let no_defaults = || Given {
        no_defaults: true,
        ..Given::default()
    };
    assert_eq!(
        with_hosts(5).host(no_defaults()).as_deref(),
        Some("MYSQL_HOST")
    );
    assert_eq!(
        with_hosts(6).host(no_defaults()).as_deref(),
        Some("home/.mylogin.cnf")
    );
}

#[test]
fn the_folders_in_the_environment_hold_option_files() {
    let machine = with_hosts(3);
    fs::create_dir(machine.path("a")).unwrap();
    fs::create_dir(machine.path("b")).unwrap();
    let machine = machine
        .file("a/my.cnf", "[client]\nhost=a\n")
        .file("b/my.cnf", "[client]\nhost=b\n");
    let (a, b, etc) = (machine.path("a"), machine.path("b"), machine.path("etc"));
    let machine = machine.variable("MYSQL_HOME", a);
    assert_eq!(machine.host(Given::default()).as_deref(), Some("a"));
    let machine = machine.variable("MARIADB_HOME", b);
    assert_eq!(machine.host(Given::default()).as_deref(), Some("b"));
    let machine = machine.variable("MARIADB_HOME", etc);
    assert_eq!(
        machine.host(Given::default()).as_deref(),
        Some("etc/my.cnf")
    );
}

#[test]
fn a_group_suffix_reads_more_groups() {
    let text = "[client]\nhost=plain\n[client_x]\nhost=suffixed\n";
    let machine = Machine::new().file("home/.my.cnf", text);
    assert_eq!(machine.host(Given::default()).as_deref(), Some("plain"));
    let with_suffix = Given {
        defaults_group_suffix: Some("_x".into()),
        ..Given::default()
    };
    assert_eq!(machine.host(with_suffix).as_deref(), Some("suffixed"));
    let machine = machine.variable("MYSQL_GROUP_SUFFIX", "_x");
    assert_eq!(machine.host(Given::default()).as_deref(), Some("suffixed"));
}

fn login_path(name: &str) -> Given {
    Given {
        login_path: Some(name.into()),
        ..Given::default()
    }
}

#[test]
fn the_login_path_is_read_beside_client() {
    let machine = Machine::new().file("home/.mylogin.cnf", by_mysql_config_editor());
    let login = machine.gather(Given::default()).unwrap().login;
    assert_eq!(login.user.as_deref(), Some("reader"));
    let login = machine.gather(login_path("site")).unwrap().login;
    let expected = Login {
        host: Some("db.example.org".into()),
        port: Some(3307),
        socket: Some("/run/a b.sock".into()),
        user: Some("civi crm".into()),
        password: Some(Secret::new("test-only")),
        ..Login::default()
    };
    assert_eq!(login, expected);
    let login = machine.gather(login_path("quoted")).unwrap().login;
    assert_eq!(login.user.as_deref(), Some("o'brien \"x\""));
    assert_eq!(login.password, Some(Secret::new("test-only # \\\"q' ")));
    assert_eq!(login.host.as_deref(), Some("localhost"));
}

#[test]
fn the_login_path_wins_over_client_wherever_it_stands() {
    let file = encrypt(&["[site]\n", "host=site\n", "[client]\n", "host=client\n"]);
    let machine = Machine::new().file("home/.mylogin.cnf", file);
    assert_eq!(machine.host(login_path("site")).as_deref(), Some("site"));
    assert_eq!(machine.host(Given::default()).as_deref(), Some("client"));
}

#[test]
fn the_login_file_may_be_elsewhere() {
    let machine = Machine::new().file("other.cnf", encrypt(&["[client]\nhost=other\n"]));
    let path = machine.path("other.cnf");
    let machine = machine.variable("MYSQL_TEST_LOGIN_FILE", path);
    assert_eq!(machine.host(Given::default()).as_deref(), Some("other"));
}

#[test]
fn a_login_path_that_is_not_there_is_an_error() {
    let machine = Machine::new();
    let no_file = machine.gather(login_path("site")).unwrap_err();
    assert!(
        matches!(no_file, LoginError::NoLoginPath { .. }),
        "{no_file}"
    );
    let machine = machine.file("home/.mylogin.cnf", by_mysql_config_editor());
    let no_path = machine.gather(login_path("nosuch")).unwrap_err();
    assert!(
        no_path.to_string().contains("no login path 'nosuch'"),
        "{no_path}"
    );
    let mut machine = machine;
    machine.variables.clear();
    let no_home = machine.gather(login_path("site")).unwrap_err();
    assert!(matches!(no_home, LoginError::NoHome));
}

#[test]
fn a_login_file_that_others_can_read_does_not_count() {
    let machine = with_hosts(6);
    let path = machine.path("home/.mylogin.cnf");
    for mode in [0o640, 0o604, 0o700] {
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        let gathered = machine.gather(Given::default()).unwrap();
        assert_eq!(
            gathered.login.host.as_deref(),
            Some("home/.my.cnf"),
            "{mode:o}"
        );
        assert!(
            matches!(&gathered.warnings[..], [Warning::LoginFilePermissions(file)] if *file == path)
        );
        let error = machine.gather(login_path("client")).unwrap_err();
        assert!(matches!(error, LoginError::Unsafe(_)), "{error}");
    }
}

#[test]
fn a_damaged_login_file_is_an_error() {
    let mut file = by_mysql_config_editor();
    file.truncate(100);
    let machine = Machine::new().file("home/.mylogin.cnf", file);
    let error = machine.gather(Given::default()).unwrap_err().to_string();
    assert!(
        error.contains(".mylogin.cnf: the login file is cut off at byte 100"),
        "{error}"
    );
}

#[test]
fn the_account_is_by_default_that_of_the_system() {
    let user = |machine: &Machine| machine.gather(Given::default()).unwrap().login.user;
    let mut machine = Machine::new();
    assert_eq!(user(&machine), None);
    machine = machine.variable("LOGNAME", "logname");
    assert_eq!(user(&machine).as_deref(), Some("logname"));
    machine = machine.variable("USER", "user");
    assert_eq!(user(&machine).as_deref(), Some("user"));
    machine.is_superuser = true;
    assert_eq!(user(&machine).as_deref(), Some("root"));
    machine = machine.file("home/.my.cnf", "[client]\nuser=file\n");
    assert_eq!(user(&machine).as_deref(), Some("file"));
    machine = machine.file("home/.my.cnf", "[client]\nuser=\n");
    assert_eq!(user(&machine).as_deref(), Some("root"));
}

#[test]
fn a_password_is_asked_for_when_the_last_word_on_it_says_so() {
    let asks = |machine: &Machine, given, url| {
        let gathered = machine.gather_with(given, url).unwrap();
        (gathered.ask_password, gathered.login.password)
    };
    let known = |password| (false, Some(Secret::new(password)));
    let ask = || Given {
        ask_password: true,
        ..Given::default()
    };
    let with_password = Some("mysql://u:url@db");
    let machine = Machine::new().variable("MYSQL_PWD", "variable");
    assert_eq!(asks(&machine, Given::default(), None), known("variable"));
    assert_eq!(asks(&machine, ask(), None), (true, None));
    assert_eq!(asks(&machine, ask(), with_password), (true, None));
    let machine = machine.file("home/.my.cnf", "[client]\npassword\n");
    assert_eq!(asks(&machine, Given::default(), None), (true, None));
    assert_eq!(
        asks(&machine, Given::default(), with_password),
        known("url")
    );
    let machine = machine.file(
        "home/.mylogin.cnf",
        encrypt(&["[client]\npassword=login\n"]),
    );
    assert_eq!(asks(&machine, Given::default(), None), known("login"));
}

#[test]
fn what_the_command_line_names_is_what_is_reached() {
    let socket = |path: &str| Endpoint::Socket(path.into());
    let tcp = |host: &str, port| Endpoint::Tcp {
        host: host.into(),
        port,
    };
    let to_host = "[client]\nhost=db\nport=3310\n";
    let to_socket = "[client]\nsocket=/file\n";
    let by_tcp = "[client]\nsocket=/file\nprotocol=tcp\n";
    for (file, url, expected) in [
        (to_host, "mysql://", tcp("db", 3310)),
        (to_host, "mysql://?socket=/url", socket("/url")),
        (to_host, "mysql://localhost?socket=/url", socket("/url")),
        (to_host, "mysql://:3311", tcp("db", 3311)),
        (to_host, "mysql://other", tcp("other", 3310)),
        (to_socket, "mysql://", socket("/file")),
        (to_socket, "mysql://localhost", socket("/file")),
        (to_socket, "mysql://127.0.0.1", tcp("127.0.0.1", 3306)),
        (to_socket, "mysql://:3311", tcp("localhost", 3311)),
        (to_socket, "mysql://localhost:3311", tcp("localhost", 3311)),
        (
            to_socket,
            "mysql://localhost:3311?socket=/url",
            socket("/url"),
        ),
        (to_socket, "mysql://db?socket=/url", tcp("db", 3306)),
        (by_tcp, "mysql://", tcp("localhost", 3306)),
        (by_tcp, "mysql://?socket=/url", socket("/url")),
    ] {
        let machine = Machine::new().file("home/.my.cnf", file);
        let gathered = machine.gather_with(Given::default(), Some(url)).unwrap();
        assert_eq!(gathered.login.endpoint(), expected, "{file:?} {url}");
    }
}

#[test]
fn a_socket_on_the_command_line_wins_over_a_host_in_the_environment() {
    let machine = Machine::new().variable("MYSQL_HOST", "db");
    let gathered = machine.gather_with(Given::default(), Some("mysql://?socket=/url"));
    assert_eq!(
        gathered.unwrap().login.endpoint(),
        Endpoint::Socket("/url".into())
    );
}

#[test]
fn the_environment_says_port_and_socket() {
    let machine = Machine::new()
        .variable("MYSQL_TCP_PORT", "3311")
        .variable("MYSQL_UNIX_PORT", "/variable");
    let login = machine.gather(Given::default()).unwrap().login;
    assert_eq!(
        (login.port, login.socket),
        (Some(3311), Some("/variable".into()))
    );
    let machine = machine.file("home/.my.cnf", "[client]\nport=0\nsocket=/file\n");
    let login = machine.gather(Given::default()).unwrap().login;
    assert_eq!(
        (login.port, login.socket),
        (Some(3311), Some("/file".into()))
    );
    let machine = machine.variable("MYSQL_TCP_PORT", "s3cret");
    let error = machine.gather(Given::default()).unwrap_err().to_string();
    assert_eq!(
        error,
        "the environment variable MYSQL_TCP_PORT wants a number from 0 to 65535"
    );
}

#[test]
fn encryption_asked_for_on_the_command_line_counts() {
    let file = "[client]\nssl-verify-server-cert\nssl-ca=/file\n";
    let machine = Machine::new().file("home/.my.cnf", file);
    let mode = |url| {
        let tls = machine
            .gather_with(Given::default(), Some(url))
            .unwrap()
            .login
            .tls;
        (tls.mode.unwrap(), tls.ca.unwrap())
    };
    assert_eq!(mode("mysql://"), (TlsMode::VerifyIdentity, "/file".into()));
    assert_eq!(
        mode("mysql://?ssl-mode=disabled"),
        (TlsMode::Disabled, "/file".into())
    );
    assert_eq!(
        mode("mysql://?ssl-ca=/url"),
        (TlsMode::VerifyIdentity, "/url".into())
    );
    let machine = Machine::new().file("home/.my.cnf", "[client]\nssl\n");
    let gathered = machine
        .gather_with(Given::default(), Some("mysql://?ssl-ca=/url"))
        .unwrap();
    assert_eq!(gathered.login.tls.mode, Some(TlsMode::VerifyCa));
}

#[test]
fn a_protocol_in_a_file_is_kept() {
    let machine = Machine::new().file("home/.my.cnf", "[client]\nprotocol=socket\n");
    let gathered = machine.gather(given(host("localhost"))).unwrap();
    assert_eq!(gathered.login.protocol, Some(Protocol::Socket));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever else stands in the file, also where the password is cut to pieces.
    #[test]
    fn no_message_holds_a_password(before in vec(any::<u8>(), 0..60), after in vec(any::<u8>(), 0..60)) {
        let lines: &[&[u8]] = &[b"[client]\npassword=s3cret\n", &before, b"\npassword=", &after, b"s3cret\n", &before];
        let machine = Machine::new()
            .file("home/.my.cnf", lines.concat())
            .file("home/.mylogin.cnf", &after);
        let text = match machine.gather(Given::default()) {
            Ok(gathered) => format!("{gathered:?}"),
            Err(error) => format!("{error:?} {error}"),
        };
        prop_assert!(!text.contains("s3cret"), "{}", text);
    }
}
