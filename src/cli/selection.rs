//! `--only` and `--skip`, held against the checks that the command makes: a run that makes no check would pass whatever
//! the source holds.

use super::grants::Grants;
use super::preset::Preset;
use super::{Cli, Command, tell};
use crate::checks::{COMMANDS, Check, Group, Lack, commands_of, registry};
use crate::exit::Exit;

const ONLY: &str = "--only";
const SKIP: &str = "--skip";

/// A check of `--only` that the command does not make, with the reason.
pub(super) type NotMade = (&'static Check, Lack);

/// Holds the checks that the user wants against those that the command makes. One that `--only` names on the command line
/// has to be among them. A list in the environment or in a file may go for several commands: what another command
/// makes of it is noted down as not looked at, and something has to be left for this one.
pub(super) fn hold(mut cli: Cli, presets: &[Preset]) -> Result<Cli, Exit> {
    let Some(groups) = cli.command.groups() else {
        return Ok(cli);
    };
    let command = cli.command.name();
    let wanted = cli.common.selection();
    let named = wanted.only.iter().filter_map(|id| registry::find(id));
    let not_made = named.filter(|check| !check.is_in(groups));
    let not_made: Vec<NotMade> = not_made
        .map(|check| {
            let made_by = commands_of(check).join(", ");
            let why = format!("`cividb {command}` does not make this check; made by: {made_by}");
            (check, Lack::of_course(why))
        })
        .collect();
    let preset = |option: &str| presets.iter().find(|preset| preset.option == option);
    let is_left = registry::checks().any(|check| check.is_in(groups) && wanted.includes(check));
    if is_left && (not_made.is_empty() || preset(ONLY).is_some()) {
        cli.common.not_made = not_made;
        return Ok(cli);
    }
    for preset in [ONLY, SKIP].into_iter().filter_map(preset) {
        let (option, origin) = (&preset.option, &preset.origin);
        tell(&format!("{option} comes from {origin}"));
    }
    for (check, lack) in &not_made {
        tell(&format!("{ONLY} {}: {}", check.id, lack.why));
    }
    if not_made.is_empty() {
        tell(&format!(
            "{ONLY} and {SKIP} leave no check that `cividb {command}` could make"
        ));
    }
    Err(Exit::Failure)
}

impl Command {
    /// The groups of checks that the command makes with its options; `None` where its result is another than that of checks.
    fn groups(&self) -> Option<&'static [Group]> {
        if let Self::Grants(grants) = self {
            return Some(Grants::groups(grants));
        }
        let mut commands = COMMANDS.iter();
        let of_name = commands.find(|(name, _)| *name == self.name());
        of_name.map(|(_, groups)| *groups)
    }
}
