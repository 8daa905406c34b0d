//! From the arguments of the process to its exit code.

use std::ffi::OsString;
use std::io;

use super::common::Format;
use super::error::Error;
use super::output::{self, Entry, Output};
use super::{Cli, Command, arguments, process_title, tell};
use crate::civicrm::catalogue::Catalogue;
use crate::exit::Exit;
use crate::report::render::Unread;

/// Runs the command that the process's arguments name.
pub fn run() -> Exit {
    let mut arguments: Vec<OsString> = std::env::args_os().collect();
    // Almost every command asks for it soon.
    Catalogue::read_ahead();
    // Where it cannot be done the password stays visible for as long as the process runs.
    if process_title::hide_passwords().is_err() {
        tell("warning: a password in an argument stays visible to other users of this machine");
    }
    let cli = match arguments::parse(&mut arguments) {
        // A source that hangs may be worked on for as long as the program runs.
        Ok(cli) => &*Box::leak(Box::new(cli)),
        Err(Exit::Failure) if asks_for_plugin(&arguments) => {
            return Output::unknown("the arguments are wrong");
        }
        Err(exit) => return exit,
    };
    crate::server::watch::tell_with(tell);
    let result = cli.command.run(&cli.common);
    match result {
        Ok(exit) => exit,
        // The reader of a pipe has seen enough.
        Err(Error::Output { path: None, error }) if error.kind() == io::ErrorKind::BrokenPipe => {
            Exit::Fine
        }
        Err(error) => {
            // One that takes an argument for something else than a URL quotes it as it is.
            let arguments = arguments.iter().filter_map(|argument| argument.to_str());
            let message = arguments.fold(error.to_string(), |message, argument| {
                let hidden = process_title::without_password(argument.as_ref());
                message.replace(argument, &hidden.to_string_lossy())
            });
            tell(&message);
            cli.refuse(&message, error.refusal());
            match cli.common.format {
                Format::Nagios => Output::unknown(&message),
                _ => Exit::Failure,
            }
        }
    }
}

/// Whether arguments that are wrong otherwise, or the environment, ask for the line and the exit code of a plugin.
fn asks_for_plugin(arguments: &[OsString]) -> bool {
    if std::env::var_os("CIVIDB_FORMAT").is_some_and(|format| format == "nagios") {
        return true;
    }
    let pairs = arguments.windows(2);
    let mut in_two = pairs.map(|pair| pair == ["--format", "nagios"]);
    in_two.any(|is| is) || arguments.iter().any(|given| given == "--format=nagios")
}

impl Cli {
    /// Tells programs why a command was refused.
    fn refuse(&self, message: &str, refusal: Option<&str>) {
        let text = |source: Option<&String>| source.map(OsString::from);
        let (command, source) = match &self.command {
            Command::Version(arguments) => ("version", arguments.sources.first().cloned()),
            Command::Grants(arguments) => ("grants", text(arguments.source.as_ref())),
            Command::Repair(arguments) => ("repair", text(arguments.source.as_ref())),
            Command::Undo(arguments) => ("undo", text(arguments.source.as_ref())),
            Command::Rollback(arguments) => ("rollback", text(arguments.named().as_ref())),
            // All others only read.
            _ => return,
        };
        if self.common.format != Format::Json || refusal.is_none() {
            return;
        }
        let renderer = output::renderer(&self.common, true);
        let name = process_title::without_password(&source.unwrap_or_default());
        let unread = Unread {
            command,
            name: &name.to_string_lossy(),
            site: None,
            message,
            refusal,
        };
        let entry = Entry::unread(0, &unread, &*renderer);
        // It stands on standard error already.
        let _ = Output::new(&self.common, renderer).and_then(|mut output| {
            output.add(entry)?;
            output.finish()
        });
    }
}
