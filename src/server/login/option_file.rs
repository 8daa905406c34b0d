//! Option files, as the servers' own clients read them (MySQL manual, "Using Option Files";
//! MariaDB manual, "Configuring MariaDB with Option Files").

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{Login, LoginError, Protocol, Secret, TlsMode};

/// The groups that are read: those of MySQL's and MariaDB's clients, and our own.
const GROUPS: &[&str] = &[
    "client",
    "client-server",
    "client-mariadb",
    "mysql",
    "mariadb-client",
    "cividb",
];

/// Files included by files included by …; real ones go two or three levels deep.
const MAX_DEPTH: u32 = 10;

/// What option files say.
#[derive(Debug, Default)]
pub(super) struct Options {
    pub login: Login,
    /// `password` without a value: ask for it.
    pub ask_password: bool,
    /// Files that were not read, with the reason.
    pub warnings: Vec<String>,
}

/// Reads a file that the user named.
pub(super) fn read_named(path: &Path, options: &mut Options) -> Result<(), LoginError> {
    if !path.is_file() {
        return Err(LoginError::OptionFile {
            path: path.to_owned(),
            line: 0,
            problem: "there is no such file".to_owned(),
        });
    }
    read(path, GROUPS, 0, options)
}

/// Reads a file at a usual place, if it is there.
pub(super) fn read_usual(path: &Path, options: &mut Options) -> Result<(), LoginError> {
    if path.is_file() {
        read(path, GROUPS, 0, options)?;
    }
    Ok(())
}

fn read(path: &Path, groups: &[&str], depth: u32, options: &mut Options) -> Result<(), LoginError> {
    let failed = |line: usize, problem: String| LoginError::OptionFile {
        path: path.to_owned(),
        line,
        problem,
    };
    if is_world_writable(path) {
        options.warnings.push(format!(
            "{} is ignored: everybody may write to it (chmod o-w)",
            path.display()
        ));
        return Ok(());
    }
    let text = match fs::read(path) {
        Ok(text) => text,
        // Files of other people in /etc are none of ours.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            let name = path.display();
            options.warnings.push(format!("{name} is ignored: {error}"));
            return Ok(());
        }
        Err(error) => return Err(failed(0, error.to_string())),
    };
    let text = String::from_utf8_lossy(&text);
    let folder = path.parent().unwrap_or(Path::new(""));
    let included = |name: &str| folder.join(name.trim());
    let mut in_group = false;
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        let number = number + 1;
        if let Some(directive) = line.strip_prefix('!') {
            if depth == MAX_DEPTH {
                return Err(failed(
                    number,
                    "too many files include one another".to_owned(),
                ));
            }
            if let Some(folder) = directive.strip_prefix("includedir ") {
                for file in option_files_in(&included(folder)) {
                    read(&file, groups, depth + 1, options)?;
                }
            } else if let Some(file) = directive.strip_prefix("include ") {
                let file = included(file);
                if file.is_file() {
                    read(&file, groups, depth + 1, options)?;
                }
            } else {
                return Err(failed(
                    number,
                    "after ! comes include or includedir".to_owned(),
                ));
            }
        } else if let Some(group) = line.strip_prefix('[') {
            let Some((group, _)) = group.split_once(']') else {
                return Err(failed(number, "a group needs a ] at its end".to_owned()));
            };
            in_group = groups.contains(&group.trim_end());
        } else if in_group {
            let (name, value) = option(line);
            set(options, &name, value).map_err(|problem| failed(number, problem))?;
        }
    }
    Ok(())
}

/// Reads the groups of text that is no file, such as a login path file's.
pub(super) fn read_text(text: &str, groups: &[&str], options: &mut Options) -> Result<(), String> {
    let mut in_group = false;
    for line in text.lines().map(str::trim) {
        if let Some(group) = line.strip_prefix('[') {
            in_group = groups.contains(&group.trim_end_matches(']'));
        } else if in_group && !line.is_empty() {
            let (name, value) = option(line);
            set(options, &name, value)?;
        }
    }
    Ok(())
}

fn is_world_writable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o002 != 0)
}

/// The `.cnf` files of a folder, by name.
fn option_files_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|end| end == "cnf"))
        .collect();
    files.sort();
    files
}

/// Name and value of a line: comment, blanks and quotes taken off, escapes resolved.
fn option(line: &str) -> (String, Option<String>) {
    let line = without_comment(line).trim_end();
    let (name, value) = match line.split_once('=') {
        Some((name, value)) => (name.trim_end(), Some(value.trim_start())),
        None => (line, None),
    };
    let name = name.replace('_', "-");
    let name = name.strip_prefix("loose-").unwrap_or(&name).to_owned();
    (name, value.map(|value| unescaped(unquoted(value))))
}

/// A `#` begins a comment unless it stands in quotes.
fn without_comment(line: &str) -> &str {
    let mut quote = None;
    let mut escaped = false;
    for (place, character) in line.char_indices() {
        match (character, quote) {
            _ if escaped => escaped = false,
            ('\\', Some(_)) => escaped = true,
            ('\'' | '"', None) => quote = Some(character),
            (_, Some(open)) if character == open => quote = None,
            ('#', None) => return line.get(..place).unwrap_or(line),
            _ => {}
        }
    }
    line
}

fn unquoted(value: &str) -> &str {
    ['\'', '"']
        .iter()
        .find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote))
        .unwrap_or(value)
}

fn unescaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    let mut characters = value.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            text.push(character);
            continue;
        }
        match characters.next() {
            Some('n') => text.push('\n'),
            Some('t') => text.push('\t'),
            Some('r') => text.push('\r'),
            Some('b') => text.push('\u{8}'),
            Some('s') => text.push(' '),
            Some(quoted @ ('\\' | '\'' | '"')) => text.push(quoted),
            Some(other) => text.extend(['\\', other]),
            None => text.push('\\'),
        }
    }
    text
}

/// Takes one option over; unknown ones are for other programs. The error never holds a value
/// that may be a password.
fn set(options: &mut Options, name: &str, value: Option<String>) -> Result<(), String> {
    let login = &mut options.login;
    let text = value.clone().unwrap_or_default();
    let path = || PathBuf::from(&text);
    let number = |what: &str| format!("{what} is no number that it can be");
    match name {
        "host" => login.host = Some(text),
        "user" => login.user = Some(text),
        "database" => login.database = Some(text),
        "socket" => login.socket = Some(path()),
        "port" => login.port = Some(text.parse().map_err(|_| number("port"))?),
        "connect-timeout" => {
            login.connect_timeout = Some(text.parse().map_err(|_| number("connect-timeout"))?);
        }
        "password" => match value {
            Some(password) => {
                login.password = Some(Secret::new(password));
                options.ask_password = false;
            }
            None => options.ask_password = true,
        },
        "skip-password" => {
            login.password = None;
            options.ask_password = false;
        }
        "protocol" => {
            login.protocol = match text.to_ascii_lowercase().as_str() {
                "tcp" => Some(Protocol::Tcp),
                "socket" => Some(Protocol::Socket),
                _ => None,
            }
        }
        "ssl-ca" => login.tls.ca = Some(path()),
        "ssl-capath" => login.tls.ca_path = Some(path()),
        "ssl-cert" => login.tls.certificate = Some(path()),
        "ssl-key" => login.tls.key = Some(path()),
        "ssl-mode" => {
            let mode = tls_mode(&text).ok_or(
                "ssl-mode is none of DISABLED, PREFERRED, REQUIRED, VERIFY_CA, VERIFY_IDENTITY",
            )?;
            login.tls.mode = Some(mode);
        }
        // MariaDB's clients, and MySQL's before 5.7.11, say it so.
        "ssl" if is_off(&text) => login.tls.mode = Some(TlsMode::Disabled),
        "skip-ssl" | "disable-ssl" => login.tls.mode = Some(TlsMode::Disabled),
        "ssl" | "enable-ssl" => login.tls.mode = login.tls.mode.max(Some(TlsMode::Required)),
        "ssl-verify-server-cert" if !is_off(&text) => {
            login.tls.mode = Some(TlsMode::VerifyIdentity);
        }
        _ => {}
    }
    Ok(())
}

fn is_off(value: &str) -> bool {
    ["0", "off", "false"].contains(&value.to_ascii_lowercase().as_str())
}

/// A mode as MySQL's clients spell it.
pub(super) fn tls_mode(text: &str) -> Option<TlsMode> {
    Some(match text.to_ascii_uppercase().replace('-', "_").as_str() {
        "DISABLED" => TlsMode::Disabled,
        "PREFERRED" => TlsMode::Preferred,
        "REQUIRED" => TlsMode::Required,
        "VERIFY_CA" => TlsMode::VerifyCa,
        "VERIFY_IDENTITY" => TlsMode::VerifyIdentity,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(text: &str) -> Result<Options, LoginError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("my.cnf");
        fs::write(&path, text).unwrap();
        let mut options = Options::default();
        read_named(&path, &mut options).map(|()| options)
    }

    #[test]
    fn values_are_read_as_the_clients_read_them() {
        for (line, expected) in [
            ("user=bob", "bob"),
            ("user = bob ", "bob"),
            ("user=bob # a comment", "bob"),
            ("user='bob # no comment'", "bob # no comment"),
            ("user=\"bob\"", "bob"),
            ("user='it''s'", "it''s"),
            (r"user=a\sb\tc\nd\\e", "a b\tc\nd\\e"),
            (r"user=\q", r"\q"),
            ("user=a=b", "a=b"),
            ("loose_user=bob", "bob"),
            ("user='", "'"),
            ("user=", ""),
        ] {
            let found = options(&format!("[client]\n{line}\n")).unwrap().login.user;
            assert_eq!(found.as_deref(), Some(expected), "{line}");
        }
    }

    #[test]
    fn the_last_of_our_groups_wins_and_others_are_for_others() {
        let text = "[mysqld]\nuser=a\n[client]\nuser=b\nport=3307\n[mysqldump]\nuser=c\n[cividb]\nuser=d\n[mysql]\n";
        let login = options(text).unwrap().login;
        assert_eq!((login.user.as_deref(), login.port), (Some("d"), Some(3307)));
    }

    #[test]
    fn encryption_is_understood_in_both_dialects() {
        for (text, expected) in [
            ("ssl-mode=VERIFY_CA", Some(TlsMode::VerifyCa)),
            ("ssl_mode=verify_identity", Some(TlsMode::VerifyIdentity)),
            ("ssl", Some(TlsMode::Required)),
            ("ssl=0", Some(TlsMode::Disabled)),
            ("skip-ssl", Some(TlsMode::Disabled)),
            ("ssl-verify-server-cert", Some(TlsMode::VerifyIdentity)),
            ("ssl-verify-server-cert=off", None),
        ] {
            let found = options(&format!("[client]\n{text}"))
                .unwrap()
                .login
                .tls
                .mode;
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn files_include_others_but_not_themselves_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir(path("conf.d")).unwrap();
        fs::write(
            path("my.cnf"),
            "!include more.cnf\n!includedir conf.d\n!include none.cnf\n",
        )
        .unwrap();
        fs::write(path("more.cnf"), "[client]\nuser=more\nhost=h").unwrap();
        fs::write(path("conf.d/b.cnf"), "[client]\nuser=b").unwrap();
        fs::write(path("conf.d/a.cnf"), "[client]\nuser=a").unwrap();
        fs::write(path("conf.d/c.txt"), "[client]\nuser=c").unwrap();
        let mut options = Options::default();
        read_named(&path("my.cnf"), &mut options).unwrap();
        assert_eq!(options.login.user.as_deref(), Some("b"));
        assert_eq!(options.login.host.as_deref(), Some("h"));
        fs::write(path("my.cnf"), "!include my.cnf\n").unwrap();
        let error = read_named(&path("my.cnf"), &mut options).unwrap_err();
        assert!(error.to_string().contains("include one another"), "{error}");
    }

    #[test]
    fn errors_name_the_line_and_no_password() {
        for (text, problem) in [
            ("[client\nport=1", "line 1"),
            ("[client]\npassword=s3cret\nport=many", "line 3"),
            ("!inclde x", "line 1"),
            ("[client]\nssl-mode=s3cret", "line 2"),
        ] {
            let error = options(text).unwrap_err().to_string();
            assert!(
                error.contains(problem) && !error.contains("s3cret"),
                "{error}"
            );
        }
    }

    #[test]
    fn a_file_that_everybody_may_write_to_is_ignored() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("my.cnf");
        fs::write(&path, "[client]\nuser=x").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
        let mut options = Options::default();
        read_named(&path, &mut options).unwrap();
        assert_eq!(options.login.user, None);
        assert_eq!(options.warnings.len(), 1);
    }
}
