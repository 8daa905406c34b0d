//! The upgrade steps that are part of the program, from 2.1 to 6.15.

use std::sync::OnceLock;

use super::step::{Step, covers};
use crate::civicrm::release::Version;

include!(concat!(env!("OUT_DIR"), "/embedded_steps.rs"));

/// A file of steps that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {source}")]
pub struct StepError {
    /// The name of the file.
    pub file: String,
    /// What is wrong in the file.
    pub source: serde_json::Error,
}

/// A file of `schemas/upgrade`.
#[derive(Debug)]
pub struct StepFile {
    /// Its name without `.json`: the revision of the step, or `driver-` and the release from which on a driver runs.
    pub name: &'static str,
    /// What stands in it.
    pub text: &'static str,
    step: OnceLock<Step>,
}

impl StepFile {
    const fn new(name: &'static str, text: &'static str) -> Self {
        Self {
            name,
            text,
            step: OnceLock::new(),
        }
    }

    /// The step, which is read when it is asked for first: a run on paper asks several times for the same ones.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn step(&self) -> Result<&Step, StepError> {
        if let Some(step) = self.step.get() {
            return Ok(step);
        }
        let step = read(self.name, self.text)?;
        Ok(self.step.get_or_init(|| step))
    }
}

/// Reads the text of one file of `schemas/upgrade`.
///
/// # Errors
/// The text is not JSON, or it has keys or operations that steps do not have.
pub fn read(file: &str, text: &str) -> Result<Step, StepError> {
    serde_json::from_str(text).map_err(|source| StepError {
        file: file.to_owned(),
        source,
    })
}

/// The text of a step as `schemas/upgrade` has it: one operation a line.
///
/// # Errors
/// The step has something that JSON has no form for.
pub fn write(step: &Step) -> serde_json::Result<String> {
    let head = serde_json::to_string(&step.with_tasks(Vec::new()))?;
    let mut text = head.replacen("\"tasks\":[]", "\"tasks\":[", 1);
    let rest = text.find("\"tasks\":[").map(|at| at + "\"tasks\":[".len());
    let tail = rest.map(|at| text.split_off(at)).unwrap_or_default();
    for (number, task) in step.tasks.iter().enumerate() {
        let head = serde_json::to_string(&task.with_ops(Vec::new()))?;
        let head = head.strip_suffix("[]}").unwrap_or(&head);
        text += if number > 0 { ",\n" } else { "\n" };
        text += head;
        text += "[";
        for (number, op) in task.ops.iter().enumerate() {
            text += if number > 0 { ",\n " } else { "\n " };
            text += &serde_json::to_string(op)?;
        }
        text += "]}";
    }
    text += "]";
    text += tail.strip_prefix(']').unwrap_or(&tail);
    text.push('\n');
    Ok(text)
}

/// The files of `schemas/upgrade`.
pub fn embedded() -> &'static [StepFile] {
    &EMBEDDED_STEPS
}

/// Whether the step of revision `step` runs when a database of version `from` is upgraded with code of release `code`.
/// CiviCRM treats 4.0 as 3.4; a release of two numbers, such as 4.4, means its last point release.
pub fn runs(step: &Version, from: &Version, code: &Version) -> bool {
    as_3_4(from) < *step && *step <= last_of_minor(code)
}

fn as_3_4(from: &Version) -> Version {
    let rest = from
        .as_str()
        .strip_prefix("4.0")
        .filter(|_| from.major_minor() == (4, 0));
    let meant = rest.and_then(|rest| Version::parse(&format!("3.4{rest}")));
    meant.unwrap_or_else(|| from.clone())
}

fn last_of_minor(code: &Version) -> Version {
    let (major, minor) = code.major_minor();
    let is_minor = code.as_str() == format!("{major}.{minor}");
    let last = is_minor
        .then(|| Version::parse(&format!("{major}.{minor}.99")))
        .flatten();
    last.unwrap_or_else(|| code.clone())
}

/// The steps that code of release `code` runs on a database of version `from`, in the order in which they run, without
/// what that code does not have of them.
///
/// # Errors
/// A file of the program cannot be read.
pub fn between(from: &Version, code: &Version) -> Result<Vec<Step>, StepError> {
    let mut steps = Vec::new();
    for file in embedded() {
        let Some(revision) =
            Version::parse(file.name).filter(|revision| runs(revision, from, code))
        else {
            continue;
        };
        let step = file.step()?;
        if step.shipped_in.has(&last_of_minor(code)) {
            steps.push((revision, step.of_code(code)));
        }
    }
    for empty in empty_revisions(code)? {
        if let Some(revision) = Version::parse(empty).filter(|revision| runs(revision, from, code))
            && !steps.iter().any(|(other, _)| *other == revision)
        {
            steps.push((revision, Step::empty(empty.clone())));
        }
    }
    steps.sort_by(|(left, _), (right, _)| left.cmp(right));
    Ok(steps.into_iter().map(|(_, step)| step).collect())
}

/// What code of this release does before, around and after the steps.
///
/// # Errors
/// A file of the program cannot be read.
pub fn driver(code: &Version) -> Result<Step, StepError> {
    let mut last = None;
    for file in embedded() {
        if file.name.starts_with("driver-") {
            let driver = file.step()?;
            if driver.shipped_in.has(&last_of_minor(code)) {
                return Ok(driver.of_code(code));
            }
            last = Some(driver);
        }
    }
    let last = last.map(|driver| driver.of_code(code));
    Ok(last.unwrap_or_else(|| Step::empty(code.as_str().to_owned())))
}

fn empty_revisions(code: &Version) -> Result<&'static [String], StepError> {
    let mut files = embedded().iter();
    let Some(file) = files.find(|file| file.name == "driver-4.7") else {
        return Ok(&[]);
    };
    let driver = file.step()?;
    let is_of_code = driver.shipped_in.has(&last_of_minor(code));
    Ok(if is_of_code {
        &driver.empty_revisions
    } else {
        &[]
    })
}

impl Step {
    fn empty(revision: String) -> Self {
        Self {
            revision,
            shipped_in: super::step::Span(None, None),
            tasks: Vec::new(),
            empty_revisions: Vec::new(),
            upgraders: Vec::new(),
        }
    }

    /// The step without what code of this release does not have.
    fn of_code(&self, code: &Version) -> Self {
        let code = &last_of_minor(code);
        let tasks = self.tasks.iter().filter(|task| covers(&task.code, code));
        let tasks = tasks.map(|task| {
            let ops = task.ops.iter().filter(|op| covers(&op.code, code));
            task.with_ops(ops.cloned().collect())
        });
        self.with_tasks(tasks.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_read_and_written_back_byte_by_byte() {
        assert!(embedded().len() > 340);
        for StepFile { name, text, .. } in embedded() {
            let step = read(name, text).unwrap();
            assert_eq!(write(&step).unwrap(), *text, "{name}");
            assert!(
                name.starts_with("driver-") || Version::parse(name).is_some(),
                "{name}"
            );
        }
    }

    #[test]
    fn the_steps_of_an_upgrade_come_in_the_order_of_the_versions() {
        let version = |text| Version::parse(text).unwrap();
        let steps = between(&version("4.7.17"), &version("4.7.20")).unwrap();
        let names: Vec<&str> = steps.iter().map(|step| step.revision.as_str()).collect();
        assert_eq!(names, ["4.7.18", "4.7.19", "4.7.20"]);
    }

    #[test]
    fn the_driver_is_that_of_the_code() {
        let version = |text| Version::parse(text).unwrap();
        let title = |code| driver(&version(code)).unwrap().tasks[0].task.clone();
        assert_ne!(title("4.4.5"), title("5.33.2"));
        assert_ne!(title("5.33.2"), title("5.34.0"));
    }
}
