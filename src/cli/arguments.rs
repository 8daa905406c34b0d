//! Turns the process's arguments into [`Cli`], with clear answers to what users of MySQL's clients
//! type.

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::os::unix::ffi::OsStringExt;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, Parser};

use super::{Cli, Exit, build, preset, process_title, selection, tell};

const PASSWORD_ASKED: &str = "warning: a password is not taken from -p or --password, because every user of this machine \
could read it in the process list; -p alone asks for it, as is done now, and option files, MYSQL_PWD and a login path \
are read";

const SHORT_HELP: &str = "-h prints help and takes no other arguments beside it; for the host of a server use --host NAME";

/// Reads the arguments, of which the first is the program's name, and puts what stands in the environment and in
/// `cividb.toml` among them. Where the program ends here, as with help or bad arguments, prints why and returns the
/// exit code.
pub(super) fn parse(arguments: &mut Vec<OsString>) -> Result<Cli, Exit> {
    let end = arguments.iter().position(|given| *given == "--");
    let end = end.unwrap_or(arguments.len());
    let asks = |(place, argument): (usize, &OsString)| {
        let bytes = argument.as_encoded_bytes();
        let password = process_title::password_option(bytes).filter(|_| place > 0 && place < end);
        let option = bytes.get(..password?.start)?;
        let option = option.strip_suffix(b"=").unwrap_or(option);
        Some(OsString::from_vec(option.to_vec()))
    };
    let asked = arguments.iter().enumerate();
    let asked: Vec<OsString> = asked
        .map(|(place, given)| asks((place, given)).unwrap_or_else(|| given.clone()))
        .collect();
    if asked != *arguments {
        tell(PASSWORD_ASKED);
    }
    *arguments = asked;
    let presets = preset::complete(arguments).map_err(|error| {
        tell(&error.to_string());
        Exit::Failure
    })?;
    let arguments = &arguments[..];
    if let Some(cli) = Cli::of_command_first(arguments) {
        return selection::hold(cli, &presets);
    }
    let given = || arguments.iter().skip(1).take_while(|given| *given != "--");
    let error = match Cli::try_parse_from(arguments) {
        Ok(cli) => return selection::hold(cli, &presets),
        Err(error) => error,
    };
    let is_verbose = |given: &&OsString| {
        ["--verbose", "-v", "-vV", "-Vv"].contains(&given.to_str().unwrap_or_default())
    };
    if error.kind() == ErrorKind::DisplayVersion
        && given().any(|it| is_verbose(&it))
        && let Ok(about) = build::about()
    {
        // Nothing can be done when even this cannot be printed.
        let _ = io::stdout().write_all(about.as_bytes());
        return Err(Exit::Fine);
    }
    if error.kind() == ErrorKind::DisplayHelp && is_short_help_beside_others(given()) {
        tell(SHORT_HELP);
        return Err(Exit::Failure);
    }
    // The message quotes arguments: the same one, without passwords.
    let hidden = arguments
        .iter()
        .map(|argument| process_title::without_password(argument));
    let error = without_misleading_tip(Cli::try_parse_from(hidden).err().unwrap_or(error));
    let exit = match error.use_stderr() {
        true => Exit::Failure,
        false => Exit::Fine,
    };
    for preset in presets.iter().filter(|preset| speaks_of(&error, preset)) {
        let (option, origin) = (&preset.option, &preset.origin);
        tell(&format!("{option} comes from {origin}"));
    }
    // Nothing can be done when even this cannot be printed.
    let _ = error.print();
    Err(exit)
}

/// Whether an error is about an option that does not stand on the command line, or may be: where something else is
/// missing it is not said who needs it.
fn speaks_of(error: &clap::Error, preset: &preset::Preset) -> bool {
    let is_it = |text: &String| text.split([' ', '=']).next() == Some(&preset.option);
    let named = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => is_it(text),
        Some(ContextValue::Strings(texts)) => texts.iter().any(is_it),
        _ => false,
    };
    error.kind() == ErrorKind::MissingRequiredArgument
        || named(ContextKind::InvalidArg)
        || named(ContextKind::PriorArg)
}

/// Whether help was asked for with `-h`, and other arguments than names of commands stand beside
/// it.
fn is_short_help_beside_others<'a>(given: impl Iterator<Item = &'a OsString>) -> bool {
    let mut given = given.peekable();
    let program = Cli::command();
    let mut command = &program;
    while let Some(name) = given.peek()
        && let Some(subcommand) = command.find_subcommand(name)
    {
        command = subcommand;
        given.next();
    }
    let rest: Vec<&OsString> = given.collect();
    let is_short = |argument: &&&OsString| {
        after_flags(argument, b"qvp").is_some_and(|after| after.starts_with(b"h"))
    };
    let long = rest.iter().position(|argument| *argument == "--help");
    let until = long.unwrap_or(rest.len());
    let is_alone = matches!(&rest[..], [one] if *one == "-h");
    let by_command = rest.first().is_some_and(|argument| *argument == "help");
    !is_alone && !by_command && rest.iter().take(until).any(|argument| is_short(&argument))
}

/// What follows the letters of these flags in an argument such as `-vqp…`; `None` for anything but
/// short options.
fn after_flags<'a>(argument: &'a OsStr, flags: &[u8]) -> Option<&'a [u8]> {
    let letters = argument.as_encoded_bytes().strip_prefix(b"-")?;
    let flag_count = letters.iter().take_while(|letter| flags.contains(letter));
    letters.get(flag_count.count()..)
}

/// The error without clap's advice to write `-- -D` for an unknown option: nobody means a file of
/// that name.
fn without_misleading_tip(mut error: clap::Error) -> clap::Error {
    if error.kind() == ErrorKind::UnknownArgument
        && let Some(ContextValue::StyledStrs(tips)) = error.remove(ContextKind::Suggested)
    {
        let mut tips = tips;
        tips.retain(|tip| !tip.to_string().contains("as a value, use"));
        if matches!(error.get(ContextKind::InvalidArg), Some(ContextValue::String(given)) if given == "--target")
        {
            tips = vec![
                "cividb check --target and cividb preflight --target look at an upgrade".into(),
            ];
        }
        if !tips.is_empty() {
            error.insert(ContextKind::Suggested, ContextValue::StyledStrs(tips));
        }
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(line: &str) -> Vec<OsString> {
        line.split(' ').map(OsString::from).collect()
    }

    #[test]
    fn a_password_is_told_from_other_short_options() {
        for (argument, expected) in [
            ("-pSECRET", Some("SECRET")),
            ("-vpSECRET", Some("SECRET")),
            ("--password=SECRET", Some("SECRET")),
            ("--password=", Some("")),
            ("-p", None),
            ("-vp", None),
            ("-P3306", None),
            ("-upeter", None),
            ("--port", None),
            ("-", None),
            ("peter", None),
        ] {
            let range = process_title::password_option(argument.as_bytes());
            assert_eq!(range.map(|range| &argument[range]), expected, "{argument}");
        }
    }

    #[test]
    fn short_help_is_alone_beside_the_names_of_commands_only() {
        for (line, expected) in [
            ("-h", false),
            ("check -h", false),
            ("reference show -h", false),
            ("check --help", false),
            ("check db.sql --help", false),
            ("check -u hans --help", false),
            ("check -uhans --help", false),
            ("help check", false),
            ("check -h db.example.org", true),
            ("check -hdb.example.org", true),
            ("-h check", true),
            ("check backup.sql -h", true),
            ("check -u root -h localhost", true),
            ("check -vh", true),
            ("check -h --help", true),
        ] {
            let given = given(line);
            assert_eq!(
                is_short_help_beside_others(given.iter()),
                expected,
                "{line}"
            );
        }
    }

    #[test]
    fn a_command_read_alone_is_the_one_that_all_commands_read() {
        for line in [
            "cividb verify a.sql b.sql --strict",
            "cividb verify --database x a.sql --format json",
            "cividb extract a.sql --database x --quiet",
            "cividb check mysql://u@h/d --target 6.0 --jobs 3 --skip definer-named",
            "cividb reference show 4.4 --sql",
            "cividb completions bash",
            "cividb explain definer-named",
            "cividb verify",
            "cividb verify --nonsense",
            "cividb reference",
            "cividb help verify",
            "cividb --quiet verify a.sql",
            "cividb nonsense",
            "cividb",
        ] {
            let given = given(line);
            let of_all = Cli::try_parse_from(&given).ok();
            let begins_so = !line.starts_with("cividb --");
            let of_all = of_all.filter(|_| begins_so);
            let alone = Cli::of_command_first(&given);
            assert_eq!(format!("{alone:?}"), format!("{of_all:?}"), "{line}");
        }
    }

    #[test]
    fn the_arguments_are_free_of_contradictions() {
        Cli::command().debug_assert();
    }
}
