//! Upgrade steps, their tasks, and which code releases have them.

use serde::{Deserialize, Serialize};

use super::op::Op;
use crate::civicrm::release::Version;

/// A range of code releases, both ends included; an open end is `None`. `x.y.99` means any later point release of x.y.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span(pub Option<String>, pub Option<String>);

impl Span {
    /// Whether the range has this release.
    pub fn has(&self, code: &Version) -> bool {
        let at = |end: &Option<String>| end.as_deref().and_then(Version::parse);
        at(&self.0).is_none_or(|first| first <= *code)
            && at(&self.1).is_none_or(|last| *code <= last)
    }
}

/// Whether one of the ranges has this release; no range at all has every release.
pub fn covers(spans: &[Span], code: &Version) -> bool {
    spans.is_empty() || spans.iter().any(|span| span.has(code))
}

/// One upgrade step, or what a run does around the steps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// The revision: the name of its `.mysql.tpl` file or of its `upgrade_…` function. For what a run does around
    /// the steps, the first release whose code does it so.
    pub revision: String,
    /// The code releases that have the step in this form.
    pub shipped_in: Span,
    /// The tasks in the order in which they run.
    pub tasks: Vec<Task>,
    /// Revisions that do nothing but write their number.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub empty_revisions: Vec<String>,
    /// The upgraders of shipped extensions that the same run starts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub upgraders: Vec<Upgrader>,
}

/// One task: CiviCRM shows its title while it runs, and names it when it fails.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Task {
    /// The title, with `{}` for a number in it.
    pub task: String,
    /// The file and function of CiviCRM that has the task.
    #[serde(rename = "where", default, skip_serializing_if = "String::is_empty")]
    pub source: String,
    /// When it runs, where that is not in the order of the tasks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,
    /// The place of a task that runs after all steps; lower numbers run first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<u32>,
    /// The code releases that have the task; empty for all that have the step.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "spans")]
    pub code: Vec<Span>,
    /// The condition under which it runs, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// Whether an error in it is ignored.
    #[serde(default, skip_serializing_if = "crate::schema::model::is_false")]
    pub ignores_errors: bool,
    /// Whether its statements stand in a file, which a second run begins again from the first statement.
    #[serde(default, skip_serializing_if = "crate::schema::model::is_false")]
    pub is_file: bool,
    /// The operations in order.
    pub ops: Vec<Op>,
}

impl Step {
    /// The same step with other tasks.
    pub(super) fn with_tasks(&self, tasks: Vec<Task>) -> Self {
        Self {
            revision: self.revision.clone(),
            shipped_in: self.shipped_in.clone(),
            tasks,
            empty_revisions: self.empty_revisions.clone(),
            upgraders: self.upgraders.clone(),
        }
    }
}

impl Task {
    /// The same task with other operations.
    pub(super) fn with_ops(&self, ops: Vec<Op>) -> Self {
        Self {
            task: self.task.clone(),
            source: self.source.clone(),
            phase: self.phase,
            weight: self.weight,
            code: self.code.clone(),
            when: self.when.clone(),
            ignores_errors: self.ignores_errors,
            is_file: self.is_file,
            ops,
        }
    }
}

/// When a task runs that is not in the order of the tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Before the queue of tasks exists.
    Before,
    /// A check of a step, before the first step runs.
    PreCheck,
    /// Before the tasks of the first step.
    First,
    /// Before the tasks of every step.
    Begin,
    /// After the tasks of every step.
    Finish,
    /// After the tasks of the last step.
    Last,
}

/// The upgrader of an extension that is shipped with CiviCRM.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Upgrader {
    /// The key of the extension.
    pub extension: String,
    /// Its steps in ascending order.
    pub steps: Vec<ExtensionStep>,
}

/// One step of the upgrader of an extension.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExtensionStep {
    /// The number that `civicrm_extension.schema_version` has afterwards.
    pub schema_version: u32,
    /// The code releases that have the step; empty for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "spans")]
    pub code: Vec<Span>,
    /// The operations in order.
    pub ops: Vec<Op>,
}

/// Ranges of releases: `["4.5.1", null]`, or a list of such.
pub(super) mod spans {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::Span;

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum OneOrMany {
        One(Span),
        Many(Vec<Span>),
    }

    pub fn serialize<S: Serializer>(spans: &[Span], to: S) -> Result<S::Ok, S::Error> {
        match spans {
            [one] => one.serialize(to),
            many => many.serialize(to),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Span>, D::Error> {
        Ok(match OneOrMany::deserialize(from)? {
            OneOrMany::One(span) => vec![span],
            OneOrMany::Many(spans) => spans,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_has_both_of_its_ends_and_all_point_releases_up_to_99() {
        let span = |first: Option<&str>, last: Option<&str>| {
            Span(first.map(str::to_owned), last.map(str::to_owned))
        };
        let version = |text| Version::parse(text).unwrap();
        let old = span(Some("4.7.18"), Some("5.61.99"));
        assert!(old.has(&version("4.7.18")));
        assert!(old.has(&version("5.61.4")));
        assert!(!old.has(&version("5.62.0")));
        assert!(!old.has(&version("4.7.18.alpha1")));
        assert!(span(None, None).has(&version("2.1.0")));
        assert!(covers(&[], &version("2.1.0")));
    }
}
