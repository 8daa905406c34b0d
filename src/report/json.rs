//! The JSON report. Its keys are a contract: they are only ever added to, and `docs/report.schema.json`, which a test makes from
//! the types, describes them.

#[cfg(test)]
#[cfg(test)]
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use super::render::Unread;
use super::{Inventory, MessagesSummary, Report, ServerSummary, Verdict};
use crate::checks::acceptance::Accepted;
use crate::checks::{self, Detected, NotChecked, Object, RowsFound, Severity};
use crate::snapshot::SourceKind;

/// The part of a report that every command has.
#[derive(Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[cfg_attr(test, schemars(title = "Report"))]
struct Document<'a> {
    /// The version of this contract.
    report_version: u32,
    /// The command that made the report.
    command: &'a str,
    tool: Tool,
    /// The name of the site, where a list of sites gives one.
    #[serde(skip_serializing_if = "Option::is_none")]
    site: Option<&'a str>,
    source: Source<'a>,
    /// The CiviCRM site in the source; null when it holds no table of CiviCRM.
    civicrm: Option<Civicrm<'a>>,
    /// The release or the other source that the user had it compared with.
    compared_with: Option<&'a str>,
    inventory: Inventory,
    findings: Vec<Finding<'a>>,
    /// Checks that were not made, or not of everything.
    not_checked: &'a [NotChecked],
    summary: Summary,
    verdict: Verdict,
}

/// The program that made the report.
#[derive(Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
struct Tool {
    name: &'static str,
    version: &'static str,
}

const TOOL: Tool = Tool {
    name: env!("CARGO_PKG_NAME"),
    version: env!("CARGO_PKG_VERSION"),
};

/// Where the facts come from.
#[derive(Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
struct Source<'a> {
    /// `dump` or `server`.
    kind: &'static str,
    name: &'a str,
    /// Of a dump: `plain`, `gzip`, `bzip2`, `zstd`, `xz`, `zip` or `folder`.
    container: Option<&'static str>,
    /// Of a dump: the program that wrote it, or `unknown`.
    producer: Option<&'static str>,
    producer_version: Option<&'a str>,
    server_version: Option<&'a str>,
    databases: &'a [String],
    database: Option<&'a str>,
    /// When the dump was finished, as its last line says.
    finished: Option<&'a str>,
    server: Option<&'a ServerSummary>,
}

/// The CiviCRM site.
#[derive(Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
struct Civicrm<'a> {
    /// `civicrm_domain.version` of each domain, as stored.
    declared: &'a [Option<String>],
    /// The release that the schema is of.
    detected: Option<&'a Detected>,
    multilingual: bool,
    locales: &'a [String],
    logging: bool,
}

/// Something that a check found.
#[derive(Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
struct Finding<'a> {
    /// The id of the check.
    check: &'a str,
    severity: Severity,
    object: Option<&'a Object>,
    expected: Option<&'a str>,
    actual: Option<&'a str>,
    message: &'a str,
    fix: &'a str,
    /// Where CiviCRM's own upgrades leave it so, and it does no harm: since which release.
    inherited: Option<&'a str>,
    /// Why the finding does not count, and until when.
    accepted: Option<&'a Accepted>,
    /// Where in the dump.
    place: Option<DumpPlace<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rows: Option<&'a RowsFound>,
}

/// A place in a dump.
#[derive(Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
struct DumpPlace<'a> {
    /// The file, where the dump has several.
    file: Option<&'a str>,
    line: u64,
    byte: u64,
}

/// How many findings of each severity count, and how many are accepted.
#[derive(Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
struct Summary {
    errors: usize,
    warnings: usize,
    notes: usize,
    accepted: usize,
}

/// What stands in the place of the report on a source that could not be read, and of that of a command that was refused.
#[derive(Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[cfg_attr(test, schemars(title = "Unread"))]
struct UnreadDocument<'a> {
    report_version: u32,
    command: &'a str,
    tool: Tool,
    /// The name of the site, where a list of sites gives one.
    #[serde(skip_serializing_if = "Option::is_none")]
    site: Option<&'a str>,
    source: Named<'a>,
    error: Message<'a>,
    verdict: Verdict,
}

/// A source by name.
#[derive(Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
struct Named<'a> {
    name: &'a str,
}

/// Why there is no report.
#[derive(Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
struct Message<'a> {
    message: &'a str,
    /// The id of the reason for which the command was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<&'a str>,
}

/// The report as one JSON value; each of its sections is there under a key of its own.
pub fn value(report: &Report) -> Value {
    let mut value = json!(Document::of(report));
    for section in &report.sections {
        value[section.key()] = section.json();
    }
    value
}

/// The object in the place of a report on a source that could not be read, or of a command that was refused.
pub fn unread(unread: &Unread) -> Value {
    json!(UnreadDocument {
        report_version: 1,
        command: unread.command,
        tool: TOOL,
        site: unread.site,
        source: Named { name: unread.name },
        error: Message {
            message: unread.message,
            refusal: unread.refusal,
        },
        verdict: Verdict::Incomplete,
    })
}

/// What messages mean, of which the causes were looked for nowhere.
#[derive(Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[cfg_attr(test, schemars(title = "Messages", deny_unknown_fields))]
struct MessagesDocument<'a> {
    report_version: u32,
    command: &'a str,
    tool: Tool,
    messages: &'a MessagesSummary,
    verdict: Verdict,
}

/// What messages mean, of which the causes were looked for nowhere: there is no source to report on.
pub fn messages(messages: &MessagesSummary) -> Value {
    json!(MessagesDocument {
        report_version: 1,
        command: "explain",
        tool: TOOL,
        messages,
        verdict: match messages.is_complete() {
            true => Verdict::Pass,
            false => Verdict::Incomplete,
        },
    })
}

impl<'a> Document<'a> {
    fn of(report: &'a Report) -> Self {
        let findings = &report.findings;
        let civicrm = report.civicrm.as_ref();
        Self {
            report_version: 1,
            command: report.command,
            tool: TOOL,
            site: report.site.as_deref(),
            source: Source::of(report),
            civicrm: civicrm.map(|civicrm| Civicrm {
                declared: &civicrm.declared,
                detected: civicrm.detected.as_ref(),
                multilingual: !civicrm.locales.is_empty(),
                locales: &civicrm.locales,
                logging: civicrm.logging,
            }),
            compared_with: report.compared_with.as_deref(),
            inventory: report.inventory,
            findings: findings.list.iter().map(Finding::of).collect(),
            not_checked: &findings.not_checked,
            summary: Summary {
                errors: findings.count(Severity::Error),
                warnings: findings.count(Severity::Warning),
                notes: findings.count(Severity::Note),
                accepted: findings.count_accepted(),
            },
            verdict: report.verdict(),
        }
    }
}

impl<'a> Source<'a> {
    fn of(report: &'a Report) -> Self {
        let source = &report.source;
        let is_dump = source.kind == SourceKind::Dump;
        Self {
            kind: source.kind.as_str(),
            name: &source.name,
            container: is_dump.then_some(source.container),
            producer: is_dump.then(|| source.producer.as_str()),
            producer_version: source.producer_version.as_deref(),
            server_version: source
                .server_version
                .as_ref()
                .map(|server| server.text.as_str()),
            databases: &source.databases,
            database: report.database.as_deref(),
            finished: source.finished.as_deref(),
            server: report.server.as_ref(),
        }
    }
}

impl<'a> Finding<'a> {
    fn of(finding: &'a checks::Finding) -> Self {
        Self {
            check: finding.check.id,
            severity: finding.severity,
            object: finding.object.as_ref(),
            expected: finding.expected.as_deref(),
            actual: finding.actual.as_deref(),
            message: &finding.message,
            fix: &finding.fix,
            inherited: finding.inherited.as_deref(),
            accepted: finding.accepted.as_ref(),
            place: finding.at.as_ref().map(|at| DumpPlace {
                file: (!at.file.is_empty()).then_some(at.file.as_str()),
                line: at.place.line,
                byte: at.place.offset,
            }),
            rows: finding.rows.as_ref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use schemars::SchemaGenerator;
    use schemars::generate::SchemaSettings;

    use super::*;
    use crate::report::Section;

    /// The JSON schema of a report: of every command's, and of what stands in the place of one.
    fn schema() -> Value {
        let mut generator = SchemaGenerator::new(SchemaSettings::draft2020_12());
        let sections = Section::schemas(&mut generator);
        let mut unread = json!(UnreadDocument::json_schema(&mut generator));
        let mut report = json!(Document::json_schema(&mut generator));
        let mut messages = json!(MessagesDocument::json_schema(&mut generator));
        for (key, schema) in sections {
            report["properties"][key] = json!(schema);
        }
        let ids: Vec<&str> = checks::registry::checks().map(|check| check.id).collect();
        let mut definitions = json!(generator.take_definitions(true));
        definitions["Finding"]["properties"]["check"]["enum"] = json!(ids);
        definitions["NotChecked"]["properties"]["check"]["enum"] = json!(ids);
        for document in [&mut report, &mut unread, &mut messages] {
            document["properties"]["report_version"]["const"] = json!(1);
        }
        json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "A report of cividb, or what stands in its place",
            "oneOf": [report, unread, messages],
            "$defs": definitions,
        })
    }

    #[test]
    fn the_schema_in_the_repository_is_that_of_the_code() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/report.schema.json");
        let schema = format!("{:#}\n", schema());
        if std::env::var_os("INSTA_UPDATE").is_some() {
            fs::write(&path, schema).unwrap();
        } else {
            assert_eq!(
                fs::read_to_string(&path).unwrap(),
                schema,
                "run with INSTA_UPDATE=always to write it anew"
            );
        }
    }
}
