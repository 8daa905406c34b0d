//! The options that say where a server is, and which account to use.

use std::fs::File;
use std::io::{BufRead, IsTerminal, Read};
use std::path::PathBuf;

use clap::Args;
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

use super::tell;
use crate::cli::error::Error;
use crate::server::login::{Given, Login, Secret, Tls, TlsMode};
use crate::source::Access;
use crate::text::printable;

/// The most bytes that are taken from a pipe for a password.
const MAX_PASSWORD: u64 = 4096;

/// Options of commands that can ask a server.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options for servers")]
pub(super) struct ServerOptions {
    /// Host of the server; without this, and for localhost, its socket is used
    #[arg(long, value_name = "NAME")]
    host: Option<String>,
    /// TCP port of the server
    #[arg(short = 'P', long, value_name = "NUMBER")]
    port: Option<u16>,
    /// Unix socket of the server
    #[arg(short = 'S', long, value_name = "FILE")]
    socket: Option<PathBuf>,
    /// Account to log in as
    #[arg(short, long, value_name = "NAME")]
    user: Option<String>,
    /// Ask for the password, or take the first line of standard input where that is not a terminal (otherwise:
    /// option files, MYSQL_PWD, the settings file)
    #[arg(short, long)]
    password: bool,
    /// Read only this option file
    #[arg(long, value_name = "FILE")]
    defaults_file: Option<PathBuf>,
    /// Read this option file as well, after the global ones and before ~/.my.cnf
    #[arg(long, value_name = "FILE", conflicts_with = "defaults_file")]
    defaults_extra_file: Option<PathBuf>,
    /// Do not read any option file
    #[arg(long)]
    no_defaults: bool,
    /// Read also groups of option files with this suffix, such as [clientSUFFIX]
    #[arg(long, value_name = "SUFFIX")]
    defaults_group_suffix: Option<String>,
    /// Read also this group of the login path file
    #[arg(long, value_name = "NAME")]
    login_path: Option<String>,
    /// Whether to encrypt the connection and verify the server [default: preferred]
    #[arg(long, value_enum, value_name = "MODE")]
    ssl_mode: Option<TlsMode>,
    /// File with the certificates of the authorities to trust
    #[arg(long, value_name = "FILE")]
    ssl_ca: Option<PathBuf>,
    /// Folder with the certificates of the authorities to trust
    #[arg(long, value_name = "FOLDER")]
    ssl_capath: Option<PathBuf>,
    /// File with the client's own certificate
    #[arg(long, value_name = "FILE", requires = "ssl_key")]
    ssl_cert: Option<PathBuf>,
    /// File with the private key of the client's own certificate
    #[arg(long, value_name = "FILE", requires = "ssl_cert")]
    ssl_key: Option<PathBuf>,
    /// File with the server's RSA public key (PEM), with which caching_sha2_password encrypts the password on a connection
    /// that is not encrypted; without it the password is not sent over such a connection
    #[arg(long, value_name = "FILE")]
    server_public_key_path: Option<PathBuf>,
    /// Seconds to wait for a connection [default: 10]
    #[arg(long, value_name = "SECONDS")]
    connect_timeout: Option<u64>,
    /// Seconds to wait for a server that does not go on answering; changes of a whole table may take longer [default: 300]
    #[arg(long, value_name = "SECONDS")]
    read_timeout: Option<u64>,
    /// Follow a settings file also into files that belong neither to its site nor to its owner; without this such files are
    /// named and not read, because their secrets would go to the server that the settings name
    #[arg(long)]
    include_outside: bool,
    /// Count the rows of every table, which reads an index of each, instead of taking the storage
    /// engine's estimate
    #[arg(long)]
    count_rows: bool,
}

impl ServerOptions {
    /// The source to look at: the one that is named, or otherwise the server that options or the
    /// environment name.
    ///
    /// # Errors
    /// Neither the argument, nor the options, nor the environment name a source.
    pub(super) fn source(&self, named: Option<&str>) -> Result<String, Error> {
        if let Some(named) = named {
            return Ok(named.to_owned());
        }
        let silent = self.access().given.is_silent();
        let is_given = !silent || std::env::var_os("CIVICRM_DSN").is_some();
        if is_given {
            Ok("mysql://".to_owned())
        } else {
            Err(Error::NoSource)
        }
    }

    /// How to reach the server, as far as the options say it.
    pub(super) fn access(&self) -> Access {
        Access {
            given: Given {
                login: Login {
                    host: self.host.clone(),
                    port: self.port,
                    socket: self.socket.clone(),
                    user: self.user.clone(),
                    tls: Tls {
                        mode: self.ssl_mode,
                        ca: self.ssl_ca.clone(),
                        ca_path: self.ssl_capath.clone(),
                        certificate: self.ssl_cert.clone(),
                        key: self.ssl_key.clone(),
                        public_key: self.server_public_key_path.clone(),
                    },
                    connect_timeout: self.connect_timeout,
                    read_timeout: self.read_timeout,
                    ..Login::default()
                },
                defaults_file: self.defaults_file.clone(),
                defaults_extra_file: self.defaults_extra_file.clone(),
                no_defaults: self.no_defaults,
                defaults_group_suffix: self.defaults_group_suffix.clone(),
                login_path: self.login_path.clone(),
                ask_password: self.password,
            },
            exact_counts: self.count_rows,
            include_outside: self.include_outside,
            ask_password: |source| {
                let question = format!("Password for {}: ", printable(source));
                password_from_pipe()
                    .or_else(|| password_from_terminal(&question))
                    .map(Secret::new)
            },
            warn: |warning| tell(&format!("warning: {warning}")),
        }
    }
}

/// Asks for the password on the terminal, which shows again what is typed however this ends: also when the program is
/// ended by a signal while it asks.
fn password_from_terminal(question: &str) -> Option<String> {
    let terminal = File::open("/dev/tty").ok();
    let settings = terminal.as_ref().and_then(|it| tcgetattr(it).ok());
    if let Some((terminal, settings)) = terminal.zip(settings)
        && let Ok(mut signals) = Signals::new([SIGHUP, SIGINT, SIGQUIT, SIGTERM])
    {
        // Until the program ends: whoever stops to listen leaves a signal without any effect.
        std::thread::spawn(move || {
            for signal in signals.forever() {
                let _ = tcsetattr(&terminal, OptionalActions::Now, &settings);
                let _ = emulate_default_handler(signal);
            }
        });
    }
    rpassword::prompt_password(question).ok()
}

/// The first line of standard input where that is a pipe or a file, for scripts; `None` where it is a terminal or
/// empty, or where a dump or grants are read from it.
fn password_from_pipe() -> Option<String> {
    let input = std::io::stdin();
    let is_source = std::env::args_os().any(|given| given == "-" || given == "--grants-file=-");
    if is_source || input.is_terminal() {
        return None;
    }
    let mut line = String::new();
    input.lock().take(MAX_PASSWORD).read_line(&mut line).ok()?;
    let line = line.strip_suffix('\n').unwrap_or(&line);
    let password = line.strip_suffix('\r').unwrap_or(line);
    (!password.is_empty()).then(|| password.to_owned())
}
