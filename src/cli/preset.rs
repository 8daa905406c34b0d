//! Options that do not stand on the command line: from environment variables, and from `cividb.toml`.
//!
//! They are made from the tree of all commands, so that none is forgotten, and become arguments behind those that the
//! user gave, so that one parser judges all of them. What is said nearer to the run goes before: the command line, then the
//! environment, then the file in the current folder (or the one of `--config`), then the user's own file. An option also
//! takes the place of those that it cannot stand beside.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::Path;

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command, CommandFactory};
use toml::de::{DeTable, DeValue};

use super::config::{self, ConfigFile};
use super::error::Error;
use super::{Cli, tell};

/// The key of `cividb.toml` that holds no options.
const ACCEPT: &str = "accept";
/// The option that names the file, which cannot stand in one.
const CONFIG: &str = "config";

/// Options that the command line alone gives: what they allow is decided anew each time, and a password is no option.
pub(super) const COMMAND_LINE_ONLY: [&str; 5] = ["allow", "apply", "password", "probe", "yes"];

/// Options that a file may give which was only found in the current folder. It may have come with somebody's
/// backup, so nothing is taken from it that hides a finding, runs a program, writes a file, or says which server is asked.
const HARMLESS: [&str; 18] = [
    "color",
    "deadline",
    "fail-fast",
    "format",
    "inherited",
    "jobs",
    "max-age",
    "no-progress",
    "pager",
    "quiet",
    "release",
    "steps",
    "strict",
    "target",
    "target-server",
    "unified",
    "verbose",
    "width",
];

/// An option that was given elsewhere than on the command line.
#[derive(Debug)]
pub(super) struct Preset {
    /// The option, as `--format`.
    pub(super) option: String,
    /// Where it was given, in words.
    pub(super) origin: String,
    arguments: Vec<OsString>,
}

/// Puts the options of the environment and of `cividb.toml` behind the arguments, and says which these are. Arguments that
/// name no command, or ask for help, stay as they are.
///
/// # Errors
/// A file cannot be read or holds something else than options and accepted findings, or a flag has a value that is
/// neither true nor false.
pub(super) fn complete(arguments: &mut Vec<OsString>) -> Result<Vec<Preset>, Error> {
    if !may_be_elsewhere(arguments) {
        return Ok(Vec::new());
    }
    // What is wrong with the arguments is said when they are read in earnest.
    let mut program = Cli::command().ignore_errors(true);
    // The command that they name is then complete with the options of all commands.
    let Ok(matches) = program.try_get_matches_from_mut(&*arguments) else {
        return Ok(Vec::new());
    };
    let Some(run) = Run::of(&program, &matches) else {
        return Ok(Vec::new());
    };
    let variable = |name: &str| env::var_os(name).filter(|value| !value.is_empty());
    let named = run.matches.try_get_raw(CONFIG).ok().flatten();
    let named = named.and_then(|mut values| Some(values.next()?.to_owned()));
    let of_environment = || run.variables(CONFIG).iter().find_map(|name| variable(name));
    let named = named.or_else(of_environment);

    let mut layers = vec![run.of_environment(&variable)?];
    for file in config::files(named.as_deref().map(Path::new))? {
        layers.push(run.of_file(&file)?);
    }
    let presets = run.choose(layers);
    let end = arguments.iter().position(|given| given == "--");
    let end = end.unwrap_or(arguments.len());
    let added = presets.iter().flat_map(|preset| preset.arguments.clone());
    arguments.splice(end..end, added);
    Ok(presets)
}

/// Whether options may stand elsewhere than on the command line. Mostly none do, and what follows takes as long as
/// reading the arguments.
fn may_be_elsewhere(arguments: &[OsString]) -> bool {
    let begins_so =
        |text: &OsString, start: &str| text.as_encoded_bytes().starts_with(start.as_bytes());
    arguments.iter().any(|given| begins_so(given, "--config"))
        || env::vars_os().any(|(name, _)| begins_so(&name, "CIVIDB_"))
        || !matches!(config::files(None), Ok(files) if files.is_empty())
}

/// The command that the arguments name.
struct Run<'a> {
    program: &'a Command,
    /// Its name, or that of the command above it.
    name: &'a str,
    command: &'a Command,
    matches: &'a ArgMatches,
}

impl<'a> Run<'a> {
    fn of(program: &'a Command, matches: &'a ArgMatches) -> Option<Self> {
        let (name, mut matches) = matches.subcommand()?;
        let mut command = program.find_subcommand(name)?;
        while let Some((below, of_it)) = matches.subcommand() {
            command = command.find_subcommand(below)?;
            matches = of_it;
        }
        Some(Self {
            program,
            name,
            command,
            matches,
        })
    }

    /// The options of the command that can be given elsewhere, by their names.
    fn options(&self) -> impl Iterator<Item = (&'a Arg, &'a str)> {
        let options = self.command.get_arguments();
        options.filter_map(|option| Some((option, option.get_long()?)))
    }

    fn option(&self, name: &str) -> Option<&'a Arg> {
        self.options()
            .find_map(|(option, long)| (long == name).then_some(option))
    }

    /// The variables of an option: that of the command alone, which goes before, and that of all commands.
    fn variables(&self, option: &str) -> [String; 2] {
        let name = |text: &str| text.to_uppercase().replace('-', "_");
        let (command, option) = (name(self.name), name(option));
        [
            format!("CIVIDB_{command}_{option}"),
            format!("CIVIDB_{option}"),
        ]
    }

    fn of_environment(
        &self,
        variable: &dyn Fn(&str) -> Option<OsString>,
    ) -> Result<Vec<(&'a Arg, Preset)>, Error> {
        let mut presets = Vec::new();
        for (option, long) in self.options() {
            let [own, common] = self.variables(long);
            let own = variable(&own).map(|value| (own, value));
            let common = || Some((variable(&common)?, common)).map(|(value, name)| (name, value));
            // `extract --only` means something else than the option of all commands.
            let common = || common().filter(|_| !self.is_another(option));
            let Some((name, value)) = own.or_else(common) else {
                continue;
            };
            if COMMAND_LINE_ONLY.contains(&long) {
                tell(&format!(
                    "warning: {name} is not read: --{long} is taken from the command line only"
                ));
                continue;
            }
            let arguments = match (takes_value(option), truth(&value)) {
                (true, _) => vec![joined(long, &value)],
                (false, Some(true)) => vec![format!("--{long}").into()],
                (false, Some(false)) => Vec::new(),
                (false, None) => {
                    let value = value.to_string_lossy();
                    let problem = format!("'{value}' is neither true nor false, as --{long} needs");
                    return Err(Error::Unfit(name, problem));
                }
            };
            let preset = Preset {
                option: format!("--{long}"),
                origin: format!("the environment variable {name}"),
                arguments,
            };
            presets.push((option, preset));
        }
        Ok(presets)
    }

    /// The options of a file: those in the table of the command, and those of all commands.
    fn of_file(&self, file: &ConfigFile) -> Result<Vec<(&'a Arg, Preset)>, Error> {
        let root = DeTable::parse(&file.text).map_err(|error| file.unfit(error.to_string()))?;
        let (mut own, mut common) = (Vec::new(), Vec::new());
        // The file may speak of other commands than the one that runs.
        let mut program = self.program.clone();
        program.build();
        for (key, value) in root.get_ref() {
            let (name, place) = (key.get_ref().as_ref(), Place::of(file, key.span().start));
            let DeValue::Table(table) = value.get_ref() else {
                if name == ACCEPT {
                    continue;
                }
                place.check(name, &program)?;
                if let Some(option) = self.option(name).filter(|it| !self.is_another(it)) {
                    common.push((option, place.preset(option, name, value.get_ref())?));
                }
                continue;
            };
            let Some(command) = program.find_subcommand(name) else {
                let problem = format!("[{name}] is not the name of a command of cividb");
                return Err(place.wrong(&problem));
            };
            for (key, value) in table {
                let (option, place) = (key.get_ref().as_ref(), Place::of(file, key.span().start));
                place.check(option, command)?;
                if let Some(known) = self.option(option).filter(|_| name == self.name) {
                    own.push((known, place.preset(known, option, value.get_ref())?));
                }
            }
        }
        common.retain(|(option, _)| !own.iter().any(|(it, _)| it.get_id() == option.get_id()));
        own.extend(common);
        Ok(own)
    }

    /// Whether an option has the name of an option of all commands and means something else.
    fn is_another(&self, option: &Arg) -> bool {
        let mut common = self.program.get_arguments();
        let of_all = common.find(|it| it.get_id() == option.get_id());
        of_all.is_some_and(Arg::is_global_set) && !option.is_global_set()
    }

    /// What counts of the layers, of which the first goes before the others.
    fn choose(&self, layers: Vec<Vec<(&'a Arg, Preset)>>) -> Vec<Preset> {
        let given = |option: &&Arg| {
            self.matches.value_source(option.get_id().as_str()) == Some(ValueSource::CommandLine)
        };
        let mut taken: Vec<&Arg> = self.command.get_arguments().filter(given).collect();
        let mut chosen = Vec::new();
        for layer in layers {
            let before = taken.clone();
            for (option, preset) in layer {
                let is_in_the_way = |other: &&Arg| {
                    other.get_id() == option.get_id()
                        || self.conflict(option, other)
                        || self.conflict(other, option)
                };
                if !before.iter().any(is_in_the_way) {
                    // A flag that is false keeps a layer below from saying otherwise, but no other option.
                    taken.push(option);
                    chosen.push(preset);
                }
            }
        }
        chosen
    }

    fn conflict(&self, one: &Arg, other: &Arg) -> bool {
        let with_it = self.command.get_arg_conflicts_with(one);
        with_it.iter().any(|it| it.get_id() == other.get_id())
    }
}

/// Whether a command, or one below it, has an option of this name.
fn any_has(command: &Command, name: &str) -> bool {
    let mut options = command.get_arguments();
    options.any(|option| option.get_long() == Some(name))
        || command.get_subcommands().any(|below| any_has(below, name))
}

fn takes_value(option: &Arg) -> bool {
    option.get_action().takes_values()
}

/// The argument that gives an option this value.
fn joined(long: &str, value: &OsStr) -> OsString {
    let mut argument = OsString::from(format!("--{long}="));
    argument.push(value);
    argument
}

/// What a word says of a flag.
fn truth(value: &OsStr) -> Option<bool> {
    match value.to_ascii_lowercase().to_str()? {
        "1" | "true" | "yes" | "on" => Some(true),
        "0" | "false" | "no" | "off" => Some(false),
        _ => None,
    }
}

/// A place in a file.
struct Place<'a> {
    file: &'a ConfigFile,
    /// Its line, from 1.
    line: usize,
}

impl<'a> Place<'a> {
    fn of(file: &'a ConfigFile, byte: usize) -> Self {
        let before = file.text.get(..byte).unwrap_or(&file.text);
        let line = before.matches('\n').count() + 1;
        Self { file, line }
    }

    fn wrong(&self, problem: &str) -> Error {
        self.file.unfit(format!("line {}: {problem}", self.line))
    }

    /// Holds the name of a key against the options that may stand there.
    fn check(&self, name: &str, command: &Command) -> Result<(), Error> {
        if !any_has(command, name) {
            return Err(self.wrong(&format!(
                "'{name}' is not an option of cividb{}; names are written without dashes in front",
                match command.get_name() {
                    "cividb" => String::new(),
                    name => format!(" {name}"),
                }
            )));
        }
        if COMMAND_LINE_ONLY.contains(&name) || name == CONFIG {
            let problem = format!("'{name}' is taken from the command line only");
            return Err(self.wrong(&problem));
        }
        if self.file.is_found && !HARMLESS.contains(&name) {
            return Err(self.wrong(&format!(
                "'{name}' is not taken from a file that was only found in the current folder, since it may have come \
                 with somebody's backup: name the file with --config, or write the option into \
                 ~/.config/cividb/cividb.toml"
            )));
        }
        Ok(())
    }

    /// The option with the value of a key.
    fn preset(&self, option: &Arg, long: &str, value: &DeValue) -> Result<Preset, Error> {
        let text = |value: &DeValue| match value {
            DeValue::String(text) => Some(text.as_ref().to_owned()),
            DeValue::Integer(number) => Some(number.to_string()),
            DeValue::Float(number) => Some(number.to_string()),
            _ => None,
        };
        let with = |text: String| joined(long, OsStr::new(&text));
        let arguments: Option<Vec<OsString>> = match (takes_value(option), value) {
            (false, DeValue::Boolean(is_on)) => {
                let flag = is_on.then(|| format!("--{long}").into());
                Some(flag.into_iter().collect())
            }
            (false, _) => None,
            (true, DeValue::Array(list)) => {
                let each = list.iter().map(|value| text(value.get_ref()).map(with));
                each.collect()
            }
            (true, value) => text(value).map(|text| vec![with(text)]),
        };
        let wanted = match takes_value(option) {
            true => "a text, a number, or a list of these",
            false => "true or false",
        };
        let wrong = || self.wrong(&format!("'{long}' takes {wanted}"));
        Ok(Preset {
            option: format!("--{long}"),
            origin: format!("line {} of {}", self.line, self.file.path.display()),
            arguments: arguments.ok_or_else(wrong)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The words of every command that does something.
    fn paths(command: &Command, above: &[String], all: &mut Vec<Vec<String>>) {
        let below = command
            .get_subcommands()
            .filter(|it| it.get_name() != "help");
        let below: Vec<&Command> = below.collect();
        if below.is_empty() {
            all.push(above.to_vec());
        }
        for command in below {
            let mut path = above.to_vec();
            path.push(command.get_name().to_owned());
            paths(command, &path, all);
        }
    }

    fn program() -> Command {
        let mut program = Cli::command();
        program.build();
        program
    }

    #[test]
    fn every_option_of_every_command_has_its_variables_or_is_of_the_command_line_alone() {
        let program = program();
        let mut all = Vec::new();
        paths(&program, &["cividb".to_owned()], &mut all);
        let mut options = 0;
        for path in &all {
            let lenient = program.clone().ignore_errors(true);
            let matches = lenient
                .try_get_matches_from(path)
                .expect("it names a command");
            let run = Run::of(&program, &matches).expect("a command");
            let mut names = BTreeSet::new();
            for (option, long) in run.options().filter(|(_, long)| *long != "help") {
                options += 1;
                for (place, name) in run.variables(long).iter().enumerate() {
                    assert!(names.insert(name.clone()), "{path:?}: {name} is said twice");
                    let value = |asked: &str| (asked == name).then(|| "1".into());
                    let presets = run.of_environment(&value).expect("1 is a value");
                    let arguments = presets.iter().flat_map(|(_, preset)| &preset.arguments);
                    let arguments: Vec<&OsString> = arguments.collect();
                    let wanted = match takes_value(option) {
                        true => format!("--{long}=1"),
                        false => format!("--{long}"),
                    };
                    let is_taken = !COMMAND_LINE_ONLY.contains(&long)
                        && (place == 0 || !run.is_another(option));
                    match is_taken {
                        true => assert_eq!(arguments, [&OsString::from(wanted)], "{path:?}"),
                        false => assert!(arguments.is_empty(), "{path:?}: {arguments:?}"),
                    }
                }
            }
        }
        assert!(options > 300, "{options} options of {} commands", all.len());
    }

    #[test]
    fn the_lists_name_options_that_there_are() {
        let program = program();
        for name in COMMAND_LINE_ONLY.iter().chain(&HARMLESS).chain([&CONFIG]) {
            assert!(any_has(&program, name), "{name}");
        }
        assert!(!HARMLESS.iter().any(|it| COMMAND_LINE_ONLY.contains(it)));
    }
}
