//! All that says something about the way into a server, put over one another.

use std::path::PathBuf;

use super::option_file::{Options, read_named, read_usual};
use super::{Given, Login, LoginError, Protocol, Secret, login_path};

/// Option files that all programs read, the later over the earlier.
const GLOBAL_FILES: &[&str] = &["/etc/my.cnf", "/etc/mysql/my.cnf"];

/// The process's surroundings.
pub struct Surroundings<'a> {
    /// Looks up an environment variable.
    pub variable: &'a dyn Fn(&str) -> Option<String>,
    /// Option files that all programs read.
    pub global_files: Vec<PathBuf>,
}

impl Surroundings<'static> {
    /// Those of this process.
    pub fn of_process() -> Self {
        Self {
            variable: &|name| std::env::var(name).ok(),
            global_files: GLOBAL_FILES.iter().map(PathBuf::from).collect(),
        }
    }
}

/// The way in.
#[derive(Debug, Default)]
pub struct Gathered {
    /// Everything known of it.
    pub login: Login,
    /// Ask for the password.
    pub ask_password: bool,
    /// Files that were not read, with the reason.
    pub warnings: Vec<String>,
}

/// The way in that the command line and a URL name, completed by what is lying around: the
/// login path file over option files over the environment.
///
/// # Errors
/// A file cannot be read, or holds what it cannot.
pub fn gather(given: &Given, url: Login, around: &Surroundings) -> Result<Gathered, LoginError> {
    let said = given.login.clone().or(url);
    let mut options = Options::default();
    let home = (around.variable)("HOME").map(PathBuf::from);
    match &given.defaults_file {
        Some(file) => read_named(file, &mut options)?,
        None if given.no_defaults => {}
        None => {
            for file in &around.global_files {
                read_usual(file, &mut options)?;
            }
            if let Some(file) = &given.defaults_extra_file {
                read_named(file, &mut options)?;
            }
            if let Some(home) = &home {
                read_usual(&home.join(".my.cnf"), &mut options)?;
            }
        }
    }
    let path = (around.variable)("MYSQL_TEST_LOGIN_FILE")
        .map(PathBuf::from)
        .or(home.map(|home| home.join(".mylogin.cnf")));
    let by_path = match path {
        Some(path) => login_path::read(&path, given.login_path.as_deref())?,
        None => Options::default(),
    };
    let ask_in_files = options.ask_password || by_path.ask_password;
    let mut login = said.clone().or(by_path.login).or(options.login);
    login = login.or(environment(around)?);
    login.protocol = login.protocol.or(protocol(&said));
    let mut warnings = options.warnings;
    warnings.extend(by_path.warnings);
    Ok(Gathered {
        ask_password: given.ask_password || ask_in_files && login.password.is_none(),
        login,
        warnings,
    })
}

/// A socket named nearest to the user is meant even if a file names a host, and so is a port.
fn protocol(said: &Login) -> Option<Protocol> {
    match (&said.host, &said.socket, said.port) {
        (None, Some(_), _) => Some(Protocol::Socket),
        (None, None, Some(_)) => Some(Protocol::Tcp),
        _ => None,
    }
}

fn environment(around: &Surroundings) -> Result<Login, LoginError> {
    let variable = around.variable;
    let port = match variable("MYSQL_TCP_PORT") {
        Some(port) => Some(
            port.parse()
                .map_err(|_| LoginError::Port("MYSQL_TCP_PORT"))?,
        ),
        None => None,
    };
    Ok(Login {
        host: variable("MYSQL_HOST"),
        port,
        socket: variable("MYSQL_UNIX_PORT").map(PathBuf::from),
        user: variable("USER").or(variable("LOGNAME")),
        password: variable("MYSQL_PWD").map(Secret::new),
        ..Login::default()
    })
}

impl Gathered {
    /// A way in that a site's own file names whole, as PHP takes it: only what the command line
    /// says comes over it, and the password belongs to the account.
    pub fn from_site(given: &Given, site: Login) -> Self {
        let other_account = given.login.user.is_some() && given.login.user != site.user;
        let mut login = given.login.clone().or(site);
        if other_account {
            login.password = given.login.password.clone();
        }
        Self {
            login,
            ask_password: given.ask_password,
            warnings: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn gathered(
        given: &Given,
        url: &str,
        files: &[(&str, &str)],
        variables: &[(&str, &str)],
    ) -> Gathered {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let home = folder.path().to_str().unwrap().to_owned();
        let variable = |name: &str| {
            let set = variables.iter().find(|(known, _)| *known == name);
            set.map(|(_, value)| (*value).to_owned())
                .or((name == "HOME").then(|| home.clone()))
        };
        let around = Surroundings {
            variable: &variable,
            global_files: vec![folder.path().join("global.cnf")],
        };
        let extra = folder.path().join("extra.cnf");
        let mut given = given.clone();
        given.defaults_extra_file = extra.exists().then_some(extra);
        gather(&given, super::super::url::parse(url).unwrap(), &around).unwrap()
    }

    #[test]
    fn what_is_nearer_to_the_user_wins() {
        let files = [
            (
                "global.cnf",
                "[client]\nuser=global\nhost=global\ndatabase=global\nport=1",
            ),
            (
                "extra.cnf",
                "[client]\nuser=extra\nhost=extra\ndatabase=extra",
            ),
            (".my.cnf", "[client]\nuser=home\nhost=home"),
        ];
        let variables = [("MYSQL_HOST", "env"), ("MYSQL_PWD", "env"), ("USER", "env")];
        let given = Given::default();
        let found = gathered(&given, "mysql://url@/", &files, &variables).login;
        assert_eq!(found.user.as_deref(), Some("url"));
        assert_eq!(found.host.as_deref(), Some("home"));
        assert_eq!(found.database.as_deref(), Some("extra"));
        assert_eq!(found.port, Some(1));
        assert_eq!(found.password.unwrap().reveal(), "env");
        let given = Given {
            login: Login {
                user: Some("given".into()),
                ..Login::default()
            },
            no_defaults: true,
            ..Given::default()
        };
        let found = gathered(&given, "mysql://url@/", &files, &variables).login;
        assert_eq!(found.user.as_deref(), Some("given"));
        assert_eq!(found.host.as_deref(), Some("env"));
    }

    #[test]
    fn a_socket_or_port_named_by_the_user_is_meant_whatever_files_say() {
        let files = [(".my.cnf", "[client]\nhost=far\nsocket=/from/file")];
        let given = Given::default();
        let by_socket = gathered(&given, "mysql:///d?socket=/mine", &files, &[]).login;
        assert_eq!(by_socket.endpoint().to_string(), "server at /mine");
        let files = [(".my.cnf", "[client]\nsocket=/from/file")];
        let given = Given {
            login: Login {
                port: Some(3307),
                ..Login::default()
            },
            ..Given::default()
        };
        let by_port = gathered(&given, "mysql://", &files, &[]).login;
        assert_eq!(by_port.endpoint().to_string(), "server at 127.0.0.1:3307");
        let by_file = gathered(&Given::default(), "mysql://", &files, &[]).login;
        assert_eq!(by_file.endpoint().to_string(), "server at /from/file");
    }

    #[test]
    fn a_sites_password_is_for_its_own_account_only() {
        let site = || super::super::url::parse("mysql://site:pw@h/d").unwrap();
        let as_user = |user: Option<&str>| Given {
            login: Login {
                user: user.map(str::to_owned),
                ..Login::default()
            },
            ..Given::default()
        };
        assert!(
            Gathered::from_site(&as_user(None), site())
                .login
                .password
                .is_some()
        );
        assert!(
            Gathered::from_site(&as_user(Some("site")), site())
                .login
                .password
                .is_some()
        );
        assert!(
            Gathered::from_site(&as_user(Some("root")), site())
                .login
                .password
                .is_none()
        );
    }
}
