//! What a runbook is made of.

#[cfg(test)]
use schemars::JsonSchema;
use serde::Serialize;

/// The upgrade guide for one site.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct Runbook {
    /// The version from which the upgrade starts; `None` where nothing tells it.
    pub from: Option<String>,
    /// The release that it leads to.
    pub target: String,
    /// The CMS; `None` where nothing tells it.
    pub cms: Option<&'static str>,
    /// Whether a way to the target is known, and everything mended that would stop the upgrade.
    pub can_be_done: bool,
    /// The names that the commands use, which are set once in the shell.
    pub variables: Vec<Variable>,
    /// The steps, in order.
    pub phases: Vec<Phase>,
    /// Steps of the guide that do not apply to this site.
    pub left_out: Vec<LeftOut>,
}

/// A variable of the shell.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// Its value; where it is not known, an example.
    pub value: String,
    /// What it is.
    pub what: String,
    /// Whether the value is that of this site.
    pub is_known: bool,
}

/// Steps that belong together.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct Phase {
    /// What they are for.
    pub title: String,
    /// The steps, in order.
    pub steps: Vec<Step>,
}

/// How far a step is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It is done already.
    Done,
    /// It is to be done.
    ToDo,
    /// Whether it is needed or done cannot be seen from the source.
    Look,
}

/// One step.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct Step {
    /// Its id, one of [`STEPS`].
    pub id: &'static str,
    /// How far it is done.
    pub state: State,
    /// What is to be done.
    pub title: String,
    /// What was seen, or why it is to be done.
    pub why: String,
    /// What to do, in sentences.
    pub how: Vec<String>,
    /// Lines for a shell.
    pub commands: Vec<String>,
    /// Lines for a shell that show whether it worked.
    pub check: Vec<String>,
    /// What goes wrong here where nobody thinks of it.
    pub traps: Vec<String>,
}

/// A step that does not apply.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct LeftOut {
    /// Its id, one of [`STEPS`].
    pub id: &'static str,
    /// Why it does not apply.
    pub why: String,
}

/// The ids of all steps that a runbook can have, in order.
pub const STEPS: [&str; 54] = [
    "names",
    "path",
    "cms-release",
    "other-modules",
    "server",
    "php",
    "grants",
    "copy-first",
    "code-download",
    "localisation",
    "extensions",
    "login",
    "offline",
    "cron-off",
    "mailings",
    "front-page",
    "civicrm-on",
    "modules-off",
    "logging-off",
    "full-text-off",
    "code-copies",
    "backup",
    "backup-others",
    "backup-works",
    "backup-files",
    "version",
    "mend",
    "forecast",
    "hop-server",
    "hop-backup",
    "code-exchange",
    "files-writable",
    "settings",
    "settings-writable",
    "maintenance-page",
    "linked-code",
    "upgrade",
    "upgrade-done",
    "upgrade-stopped",
    "resource-url",
    "modules-on",
    "theme",
    "permissions",
    "views",
    "front-page-back",
    "cron-on",
    "data",
    "online",
    "renewals",
    "troubles",
    "rollback",
    "code-back",
    "online-back",
    "rollback-finish",
];

impl Step {
    /// A step that is to be done.
    pub(super) fn new(id: &'static str, title: impl Into<String>) -> Self {
        Self {
            id,
            state: State::ToDo,
            title: title.into(),
            why: String::new(),
            how: Vec::new(),
            commands: Vec::new(),
            check: Vec::new(),
            traps: Vec::new(),
        }
    }

    /// Says how far it is done, and what was seen.
    pub(super) fn state(mut self, state: State, why: impl Into<String>) -> Self {
        self.state = state;
        self.why = why.into();
        self
    }

    /// Says why it is to be done.
    pub(super) fn why(mut self, why: impl Into<String>) -> Self {
        self.why = why.into();
        self
    }

    /// Adds a sentence about what to do.
    pub(super) fn how(mut self, how: impl Into<String>) -> Self {
        self.how.push(how.into());
        self
    }

    /// Adds a line for a shell.
    pub(super) fn run(mut self, command: impl Into<String>) -> Self {
        self.commands.push(command.into());
        self
    }

    /// Adds a line for a shell that shows whether it worked.
    pub(super) fn check(mut self, command: impl Into<String>) -> Self {
        self.check.push(command.into());
        self
    }

    /// Adds a trap.
    pub(super) fn trap(mut self, trap: impl Into<String>) -> Self {
        self.traps.push(trap.into());
        self
    }
}

/// The steps of one phase, and those that do not apply.
#[derive(Debug, Default)]
pub(super) struct Steps {
    pub steps: Vec<Step>,
    pub left_out: Vec<LeftOut>,
}

impl Steps {
    pub fn add(&mut self, step: Step) {
        self.steps.push(step);
    }

    pub fn leave_out(&mut self, id: &'static str, why: impl Into<String>) {
        let why = why.into();
        self.left_out.push(LeftOut { id, why });
    }
}
