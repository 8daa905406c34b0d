//! The formats for other programs and for people who look: each is what its consumer takes, has an answer for each
//! source, and shows names of others as text and nothing else.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use html5ever::tendril::TendrilSink;
use html5ever::{ParseOpts, parse_document};
use markup5ever_rcdom::{Handle, NodeData, RcDom};
use regex::Regex;

use crate::common::{self, cividb, text};

/// A folder with a good backup, one that lacks a function, a cut one and one of something else.
fn backups() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let sample = common::sample();
    let named = common::replaced(
        &sample,
        "CONSTRAINT `FK_civicrm_domain_contact_id`",
        "CONSTRAINT `civicrm_domain_ibfk_1`",
    );
    for (name, content) in [
        ("aid.sql", &sample[..]),
        ("bridge.sql", &named),
        ("care.sql", &sample[..sample.len() / 2]),
        ("door.sql", b""),
    ] {
        fs::write(folder.path().join(name), content).expect("written");
    }
    folder
}

const ALL: [&str; 5] = ["aid.sql", "bridge.sql", "care.sql", "door.sql", "gone.sql"];

fn report(folder: &Path, command: &str, sources: &[&str], format: &str) -> (String, Option<i32>) {
    let arguments = [&[command], sources, &["--format", format, "--no-rows"]].concat();
    let arguments: Vec<&str> = match command {
        "check" => arguments,
        _ => arguments
            .into_iter()
            .filter(|it| *it != "--no-rows")
            .collect(),
    };
    let output = cividb(folder, &arguments);
    (text(&output.stdout), output.status.code())
}

/// Names that mean something to a browser, to XML, to Markdown, to Prometheus or to Nagios.
const HOSTILE: &str = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'|`@all](http://x/)\\ -->]]>&lt;\u{202e}\u{ffff} # ${x}";

/// The sample in which a key, a table and a definer are called so.
fn hostile() -> Vec<u8> {
    let name = HOSTILE.replace('`', "``");
    let sample = common::sample();
    let short: String = HOSTILE.chars().take(50).collect();
    let sample = common::replaced(
        &sample,
        "CONSTRAINT `FK_civicrm_domain_contact_id`",
        &format!("CONSTRAINT `{}`", short.replace('`', "``")),
    );
    let table = "DROP TABLE IF EXISTS `civicrm_worldregion`;";
    let made = format!(
        "CREATE TABLE `civicrm_{name}` (`id` int, FOREIGN KEY (`id`) REFERENCES `{name}` (`id`)) ENGINE=MyISAM;\n\
         INSERT INTO `civicrm_{name}` VALUES (1),(2);\n{table}"
    );
    common::replaced(&sample, table, &made)
}

#[test]
fn reports_for_ci_monitoring_and_tickets_read_so() {
    let folder = backups();
    let time = Regex::new(r"(timestamp_seconds\{.*\}) \d+").expect("a pattern");
    for format in ["junit", "prometheus", "nagios", "markdown"] {
        let (printed, exit) = report(folder.path(), "check", &ALL, format);
        let settled = time.replace_all(&printed, "$1 TIME");
        insta::assert_snapshot!(format, format!("{settled}[exit {exit:?}]\n"));
    }
}

#[test]
fn a_suite_counts_its_cases_and_every_source_has_one() {
    let folder = backups();
    for sources in [&ALL[..], &ALL[..1], &ALL[4..]] {
        let (xml, _) = report(folder.path(), "check", sources, "junit");
        let document = roxmltree::Document::parse(&xml).expect("it is XML");
        let is = |name: &'static str| move |node: &roxmltree::Node| node.has_tag_name(name);
        let suites: Vec<_> = document.descendants().filter(is("testsuite")).collect();
        assert_eq!(suites.len(), sources.len());
        // Those that the schemas of CI systems have in common.
        for node in document.descendants().filter(|it| it.is_element()) {
            let (children, attributes): (&[&str], &[&str]) = match node.tag_name().name() {
                "testsuites" => (&["testsuite"], &["name"]),
                "testsuite" => (
                    &["testcase"],
                    &["name", "package", "tests", "failures", "errors", "skipped"],
                ),
                "testcase" => (
                    &["failure", "error", "skipped", "system-out"],
                    &["name", "classname"],
                ),
                "failure" | "error" | "skipped" => (&[], &["type", "message"]),
                "system-out" => (&[], &[]),
                other => panic!("{other}"),
            };
            let mut below = node.children().filter(|it| it.is_element());
            assert!(below.all(|it| children.contains(&it.tag_name().name())));
            assert!(node.attributes().all(|it| attributes.contains(&it.name())));
        }
        for suite in suites {
            for (attribute, element) in [
                ("tests", "testcase"),
                ("failures", "failure"),
                ("errors", "error"),
                ("skipped", "skipped"),
            ] {
                let number = suite.descendants().filter(is(element)).count();
                assert_eq!(
                    suite.attribute(attribute),
                    Some(&*number.to_string()),
                    "{xml}"
                );
            }
        }
    }
}

#[test]
fn a_plugin_ends_with_the_code_of_its_state_and_says_it_on_one_line() {
    let folder = backups();
    let line = Regex::new(
        r"^CIVIDB (OK|WARNING|CRITICAL|UNKNOWN) - [^|\n]+ \| (\w+=\d+(;\d*){3}(;\d*)? ?)+\n$",
    )
    .expect("a pattern");
    let warned = common::replaced(
        &common::sample(),
        "/*!40101 SET NAMES utf8mb4 */;",
        "/*!40101 SET NAMES utf8mb4 */;\nUSE `civicrm`;",
    );
    fs::write(folder.path().join("warned.sql"), warned).expect("written");
    for (sources, code, word) in [
        (&["aid.sql"][..], 0, "OK"),
        (&["warned.sql"], 1, "WARNING"),
        (&["aid.sql", "warned.sql", "gone.sql"], 1, "WARNING"),
        (&["care.sql"], 2, "CRITICAL"),
        (&["aid.sql", "care.sql", "gone.sql"], 2, "CRITICAL"),
        (&["gone.sql"], 3, "UNKNOWN"),
        (&["aid.sql", "gone.sql"], 3, "UNKNOWN"),
    ] {
        let (printed, exit) = report(folder.path(), "verify", sources, "nagios");
        assert_eq!(exit, Some(code), "{printed}");
        assert!(line.is_match(&printed), "{printed}");
        assert!(
            printed.starts_with(&format!("CIVIDB {word} - ")),
            "{printed}"
        );
    }
    for arguments in [
        &["verify", "--format", "nagios", "--no-such-option"][..],
        &[
            "verify",
            "aid.sql",
            "--format=nagios",
            "--sites",
            "none.toml",
        ],
    ] {
        let output = cividb(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(3));
        assert!(text(&output.stdout).starts_with("CIVIDB UNKNOWN - "));
    }
}

#[test]
fn prometheus_takes_the_metrics() {
    let folder = backups();
    fs::write(folder.path().join("h.sql"), hostile()).expect("written");
    let sources = [&ALL[..], &["h.sql", "aid.sql"]].concat();
    let (metrics, _) = report(folder.path(), "check", &sources, "prometheus");
    // Every series once: the source that is named twice as well.
    let mut series: Vec<&str> = metrics
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| Some(line.rsplit_once(' ')?.0))
        .collect();
    let all = series.len();
    series.sort_unstable();
    series.dedup();
    assert_eq!(series.len(), all);
    let started = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut promtool) = started else {
        return crate::skip::skip("promtool", "it is not installed (Debian: prometheus)");
    };
    let mut input = promtool.stdin.take().expect("a pipe");
    std::io::Write::write_all(&mut input, metrics.as_bytes()).expect("written");
    drop(input);
    let output = promtool.wait_with_output().expect("it ends");
    let said = text(&output.stdout) + &text(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{said}");
}

/// The elements of a page, each with its attributes, and all text that is shown.
#[derive(Default)]
struct Page {
    errors: Vec<String>,
    elements: Vec<(String, Vec<(String, String)>)>,
    text: String,
}

impl Page {
    fn read(html: &str) -> Self {
        let dom = parse_document(RcDom::default(), ParseOpts::default()).one(html);
        let errors = dom
            .errors
            .borrow()
            .iter()
            .map(ToString::to_string)
            .collect();
        let mut page = Self {
            errors,
            ..Self::default()
        };
        page.walk(&dom.document);
        page
    }

    fn walk(&mut self, node: &Handle) {
        match &node.data {
            NodeData::Element { name, attrs, .. } => {
                let attributes = attrs.borrow();
                let attributes = attributes
                    .iter()
                    .map(|it| (it.name.local.to_string(), it.value.to_string()));
                let name = name.local.to_string();
                self.elements.push((name.clone(), attributes.collect()));
                if name == "script" || name == "style" {
                    return;
                }
            }
            NodeData::Text { contents } => self.text += &contents.borrow(),
            _ => {}
        }
        for child in node.children.borrow().iter() {
            self.walk(child);
        }
    }

    fn attributes<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let all = self.elements.iter().flat_map(|(_, attributes)| attributes);
        all.filter(move |(own, _)| own == name)
            .map(|(_, value)| value.as_str())
    }
}

#[test]
fn a_page_is_valid_needs_nothing_besides_and_says_everything_without_its_script() {
    let folder = backups();
    fs::write(folder.path().join("h.sql"), hostile()).expect("written");
    let sources = [&ALL[..], &["h.sql"]].concat();
    for (command, sources) in [
        ("check", &sources[..]),
        ("check", &sources[1..2]),
        ("verify", &sources[2..3]),
        ("preflight", &sources[..2]),
        ("orphans", &sources[5..]),
        ("diff", &sources[5..]),
        ("version", &sources[..1]),
    ] {
        let (html, _) = report(folder.path(), command, sources, "html");
        let page = Page::read(&html);
        assert_eq!(page.errors, Vec::<String>::new(), "{command} {sources:?}");
        assert!(html.len() < sources.len() << 20);
        // What the policy would refuse is not there in the first place.
        for (name, attributes) in &page.elements {
            let wrong = [
                "link", "img", "iframe", "object", "embed", "base", "form", "image", "use",
            ];
            assert!(!wrong.contains(&name.as_str()), "{name}");
            for (attribute, value) in attributes {
                let is_wrong = attribute.starts_with("on")
                    || ["style", "src", "srcset"].contains(&attribute.as_str());
                assert!(!is_wrong, "{attribute}");
                if attribute == "href" {
                    assert!(value.starts_with('#'), "{value}");
                }
            }
        }
        let scripts = page.elements.iter().filter(|(name, _)| name == "script");
        assert_eq!(scripts.count(), 1);
        assert!(
            page.attributes("http-equiv")
                .any(|it| it == "Content-Security-Policy")
        );
        let mut ids: Vec<&str> = page.attributes("id").collect();
        let all = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), all);
        for link in page
            .attributes("href")
            .chain(page.attributes("aria-labelledby"))
        {
            assert!(ids.contains(&link.trim_start_matches('#')), "{link}");
        }
        // Each finding of the report for programs stands on it.
        let (json, _) = report(folder.path(), command, sources, "json");
        let values = serde_json::Deserializer::from_str(&json).into_iter::<serde_json::Value>();
        for value in values {
            let value = value.expect("a report");
            let source = value["source"]["name"].as_str().expect("a name");
            assert!(page.text.contains(source));
            for finding in value["findings"].as_array().into_iter().flatten() {
                let message = finding["message"].as_str().expect("a message");
                let message = cividb::text::printable(message);
                assert!(page.text.contains(&message), "{command}: {message}");
            }
        }
    }
}

#[test]
fn hostile_names_are_text_in_every_format() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = "a<b>&'\"|`x`\u{202e}\n# y.sql";
    fs::write(folder.path().join(file), hostile()).expect("written");
    fs::write(folder.path().join("aid.sql"), common::sample()).expect("written");
    let gone = "gone<script>alert(1)</script>|`x`\".sql";
    for format in ["junit", "prometheus", "nagios", "markdown", "html"] {
        let (printed, _) = report(folder.path(), "check", &[file, "aid.sql", gone], format);
        let wrong =
            |c: char| (c.is_control() && c != '\n') || ['\u{202e}', '\u{ffff}'].contains(&c);
        let found = printed
            .find(wrong)
            .map(|at| printed[at..].chars().take(20).collect::<String>());
        assert_eq!(found, None, "{format}");
        assert!(
            !printed.lines().any(|line| line.starts_with("# y")),
            "{format}"
        );
        match format {
            "junit" => {
                let document = roxmltree::Document::parse(&printed).expect("it is XML");
                assert!(document.descendants().all(|it| !it.has_tag_name("script")));
            }
            "nagios" => {
                assert_eq!(printed.lines().count(), 1, "{printed}");
                assert_eq!(printed.matches('|').count(), 1, "{printed}");
            }
            "markdown" => {
                // Outside of code spans nothing of a name is left.
                for line in printed.lines() {
                    let rest = without_code(line);
                    assert!(!rest.contains(['<', '@', '[', '`']), "{line}\n{rest}");
                }
            }
            "html" => {
                let page = Page::read(&printed);
                assert!(!page.elements.iter().any(|(name, _)| name == "img"));
                assert!(page.text.contains("<script>alert(1)</script>"));
            }
            _ => {}
        }
    }
}

/// A line of Markdown without its code spans, as CommonMark has them: each ends with as many backticks as it begins
/// with.
fn without_code(line: &str) -> String {
    let mut rest = line;
    let mut outside = String::new();
    while let Some(start) = rest.find('`') {
        outside += &rest[..start];
        let fence = rest[start..].chars().take_while(|it| *it == '`').count();
        let mut inside = &rest[start + fence..];
        loop {
            let Some(end) = inside.find('`') else {
                return outside + &rest[start..];
            };
            let length = inside[end..].chars().take_while(|it| *it == '`').count();
            inside = &inside[end + length..];
            if length == fence {
                break;
            }
        }
        rest = inside;
    }
    outside + rest
}

#[test]
fn a_page_shows_where_among_all_releases_the_schema_is_and_the_sizes_of_a_servers_tables() {
    let folder = backups();
    let (html, _) = report(folder.path(), "check", &["bridge.sql"], "html");
    let page = Page::read(&html);
    assert_eq!(page.errors, Vec::<String>::new());
    for wanted in [
        "that of 5.81 and 5.82 fits best; the version in civicrm_domain is of 5.81.",
        "version: 5.81",
        ", fits best, the version says so",
    ] {
        assert!(page.text.contains(wanted), "{wanted}: {}", page.text);
    }
    assert!(
        !page.text.contains("that take the most room"),
        "a dump has no sizes"
    );
    let Some(server) = crate::server::installed() else {
        return;
    };
    server.load("sizes", &common::sample());
    let (html, _) = report(folder.path(), "check", &[&server.url("sizes")], "html");
    let page = Page::read(&html);
    assert_eq!(page.errors, Vec::<String>::new());
    let wanted = "The 15 tables that take the most room, of 156; rows and indexes, as the storage engine guesses them.";
    assert!(page.text.contains(wanted), "{}", page.text);
    assert!(page.text.contains(" KiB"), "{}", page.text);
}

#[test]
fn a_page_draws_all_neighbours_of_a_table_and_says_once_what_to_do() {
    let folder = tempfile::tempdir().expect("a folder");
    let sample = text(&common::sample());
    let keys = sample.matches("REFERENCES `civicrm_contact` ").count();
    // Two keys with other names, which the same command repairs, of the table that most refer to.
    let mut named = common::sample();
    for key in ["employer_id", "primary_contact_id"] {
        let constraint = format!("CONSTRAINT `FK_civicrm_contact_{key}`");
        named = common::replaced(&named, &constraint, &format!("CONSTRAINT `own_{key}`"));
    }
    fs::write(folder.path().join("aid.sql"), named).expect("written");
    let (html, _) = report(folder.path(), "check", &["aid.sql"], "html");
    let page = Page::read(&html);
    assert_eq!(page.errors, Vec::<String>::new());
    let around = Regex::new(r"civicrm_contact refers to 1 table, and (\d+) tables refer to it\.");
    let around = around.expect("a pattern");
    let drawn = around.captures(&page.text).expect("it is drawn");
    let tables: usize = drawn[1].parse().expect("a number");
    assert!(
        tables > 20 && tables <= keys,
        "{tables} tables, {keys} keys"
    );
    let open = page.text.matches("What to do:").count();
    let folded = page.text.matches("What to do, as above").count();
    assert!(folded >= 1 && open < open + folded, "{open} and {folded}");
    // Each of the links at its beginning leads to a part.
    let parts = page.attributes("href").filter(|it| it.contains("-part-"));
    assert!(parts.count() >= 4);
}

#[test]
fn a_real_browser_shows_the_pages_and_axe_finds_nothing() {
    if !common::everything() {
        return;
    }
    let run = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser/run");
    let output = Command::new(run)
        .args(common::real_dumps())
        .env("CIVIDB", env!("CARGO_BIN_EXE_cividb"))
        .output()
        .expect("it runs");
    let said = text(&output.stdout) + &text(&output.stderr);
    match output.status.code() {
        Some(77) => crate::skip::skip("chromium", said),
        code => assert_eq!(code, Some(0), "{said}"),
    }
}

#[test]
fn the_pages_of_real_dumps_are_valid_and_small() {
    for dump in common::real_dumps().iter().step_by(common::every(6)) {
        let (folder, name) = (dump.parent().expect("a folder"), common::name(dump));
        for command in ["check", "preflight"] {
            let (html, _) = report(folder, command, &[&name], "html");
            let page = Page::read(&html);
            assert_eq!(page.errors, Vec::<String>::new(), "{command} {name}");
            assert!(html.len() < 1 << 20, "{command} {name}: {}", html.len());
        }
    }
}
