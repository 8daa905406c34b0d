//! What several test programs need.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use cividb::case::Case;
use cividb::checks::{self, Examination, Findings, Group, Selection, Severity, examine};
use cividb::civicrm::catalogue::Catalogue;
use cividb::civicrm::site;
use cividb::dump::container::ByteStream;
use cividb::dump::reader::DumpReader;
use cividb::dump::scanner::Scanner;
use cividb::server_version::ServerVersion;
use cividb::snapshot::Snapshot;
use regex::Regex;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// Whether every place and dump is tested, as `CIVIDB_TEST_ALL` asks for, or samples of them.
pub fn everything() -> bool {
    std::env::var_os("CIVIDB_TEST_ALL").is_some()
}

/// How many steps a test takes from one case to the next, where it takes `step` when only samples are tested.
pub fn every(step: usize) -> usize {
    if everything() { 1 } else { step }
}

/// Runs the program in a folder, with no option file and no colours.
pub fn cividb(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cividb"))
        .args(arguments)
        .args(["--no-defaults", "--color", "never"])
        .env("XDG_STATE_HOME", folder)
        .current_dir(folder)
        .output()
        .expect("cividb runs")
}

/// What a person reads who types these commands in a folder, one after the other. Each is a command line without quotes.
/// What is not the same everywhere is replaced by a name: `places` are pairs of the name and what it stands for.
pub fn transcript(folder: &Path, commands: &[&str], places: &[(&str, String)]) -> String {
    let mut all = String::new();
    for command in commands {
        let mut line = (*command).to_owned();
        for (name, place) in places {
            line = line.replace(name, place);
        }
        let arguments: Vec<&str> = line.split(' ').collect();
        let output = cividb(folder, &arguments);
        let code = output.status.code().expect("it ends by itself");
        let mut printed = text(&output.stdout) + &text(&output.stderr);
        for (name, place) in places {
            printed = printed.replace(place, name);
        }
        printed = printed.replace(&format!("{}/", folder.display()), "");
        all += &format!("$ cividb {command}\n{}[exit {code}]\n\n", settled(&printed));
    }
    all
}

/// The text with TIME for each time of now, as journals have it in their lines and in their names, and without the
/// numbers of rows that a server guesses.
fn settled(text: &str) -> String {
    let time =
        Regex::new(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ|20\d{6}-\d{6}(-\d+)?").expect("a pattern");
    let rows = Regex::new(r"about [\d,]+ rows").expect("a pattern");
    let text = time.replace_all(text, "TIME");
    rows.replace_all(&text, "about N rows").into_owned()
}

/// The journals of runs with this folder as `XDG_STATE_HOME`, relative to it.
pub fn journals(folder: &Path) -> Vec<String> {
    let files = std::fs::read_dir(folder.join("cividb"))
        .into_iter()
        .flatten();
    files
        .map(|file| format!("cividb/{}", name(&file.expect("a file").path())))
        .collect()
}

/// Waits for a program that a test has started.
///
/// # Panics
/// It takes minutes, and is then killed.
pub fn end_of(child: &mut Child) -> ExitStatus {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(600) {
        if let Some(status) = child.try_wait().expect("it can be waited for") {
            return status;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let _ = child.kill();
    panic!("a program that was started does not end");
}

/// Kills a process as nothing can prevent it (SIGKILL).
pub fn kill(process: &str) {
    let number = process.trim().parse().ok();
    let process = number
        .and_then(Pid::from_raw)
        .expect("the number of a process");
    kill_process(process, Signal::KILL).expect("it runs");
}

/// What a program printed.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The report that it printed as JSON, which is as the schema says.
pub fn json(output: &Output) -> Value {
    let value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", text(&output.stderr)));
    assert_follows_schema(&value);
    value
}

/// Makes sure that a report follows the schema in `docs/`. What is printed besides reports, such as a reference, has
/// no verdict.
pub fn assert_follows_schema(value: &Value) {
    static SCHEMA: LazyLock<jsonschema::Validator> = LazyLock::new(|| {
        let schema = include_str!("../../docs/report.schema.json");
        let schema = serde_json::from_str(schema).expect("the schema is JSON");
        jsonschema::validator_for(&schema).expect("the schema is one")
    });
    if value.get("verdict").is_some() {
        let mut errors = SCHEMA.iter_errors(value);
        if let Some(error) = errors.next() {
            panic!("{error} at {} in {value:#}", error.instance_path());
        }
    }
}

/// Real dumps and facts that are no part of the project: `CIVIDB_SHARED`, or `../shared`
/// beside it. Tests that need them are skipped when they are not there.
pub fn shared() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let shared =
        std::env::var_os("CIVIDB_SHARED").map_or_else(|| root.join("../shared"), PathBuf::from);
    if shared.join("dumps").is_dir() {
        Some(shared)
    } else {
        crate::skip::skip("dumps", format!("no real dumps at {}", shared.display()));
        None
    }
}

/// Paths of all real dumps, the upgraded ones last; empty without the shared folder.
pub fn real_dumps() -> Vec<PathBuf> {
    let Some(shared) = shared() else {
        return Vec::new();
    };
    let mut paths = Vec::new();
    for folder in ["dumps", "dumps/upgraded"] {
        let mut found: Vec<PathBuf> = std::fs::read_dir(shared.join(folder))
            .expect("the folder of dumps can be listed")
            .map(|entry| entry.expect("entry").path())
            .filter(|path| path.extension().is_some_and(|end| end == "bz2"))
            .collect();
        found.sort();
        paths.append(&mut found);
    }
    paths
}

/// A file's name without its folders.
pub fn name(path: &Path) -> String {
    path.file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

/// The text of a dump, unpacked.
pub fn text_of(path: &Path) -> Vec<u8> {
    let mut stream = ByteStream::open(path).expect("the dump opens");
    let mut text = Vec::new();
    while let Some(chunk) = stream.next_chunk() {
        text.extend_from_slice(chunk);
    }
    text
}

/// The small backup in the repository.
pub fn sample() -> Vec<u8> {
    text_of(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/sample.sql.gz"))
}

/// The sample with these of its tables alone, and all to which they refer.
pub fn part_of_sample(names: &[&str]) -> Vec<u8> {
    let (table, last) = (
        "--\n-- Table structure for table `",
        "--\n-- Dumping routines",
    );
    let all = sample();
    let begins = memchr::memmem::find_iter(&all, table);
    let end = memchr::memmem::find(&all, last.as_bytes()).expect("what follows the tables");
    let begins: Vec<usize> = begins.chain([end]).collect();
    let mut tables = BTreeMap::new();
    for range in begins.windows(2) {
        let text = &all[range[0]..range[1]];
        let name = &text[table.len()..];
        let name = &name[..memchr::memchr(b'`', name).expect("the end of a name")];
        tables.insert(name, text);
    }
    let mut wanted = BTreeSet::new();
    let mut open: Vec<&[u8]> = names.iter().map(|name| name.as_bytes()).collect();
    while let Some(name) = open.pop() {
        let text = *tables.get(name).expect("a table of the sample");
        if !wanted.insert(name) {
            continue;
        }
        let refers = "REFERENCES `";
        for at in memchr::memmem::find_iter(text, refers) {
            let parent = &text[at + refers.len()..];
            open.push(&parent[..memchr::memchr(b'`', parent).expect("the end of a name")]);
        }
    }
    let tables = wanted.iter().map(|name| tables[name]);
    let parts = std::iter::once(&all[..begins[0]]).chain(tables);
    parts.chain([&all[end..]]).collect::<Vec<_>>().concat()
}

/// The text with another in place of one that it holds, all times.
///
/// # Panics
/// It does not hold it: the test would test nothing.
pub fn replaced(text: &[u8], old: &str, new: &str) -> Vec<u8> {
    let mut changed = Vec::with_capacity(text.len() + new.len());
    let mut rest = 0;
    for found in memchr::memmem::find_iter(text, old) {
        changed.extend_from_slice(&text[rest..found]);
        changed.extend_from_slice(new.as_bytes());
        rest = found + old.len();
    }
    assert!(rest > 0, "{old} is not in the text");
    changed.extend_from_slice(&text[rest..]);
    changed
}

/// What a text tells when it is read as a dump.
pub fn snapshot_of(text: &[u8]) -> Snapshot {
    let mut reader = DumpReader::new(site::ROWS_WANTED);
    let mut scanner = Scanner::default();
    scanner.feed(text, &mut reader);
    let ending = scanner.finish(&mut reader);
    reader.end_file(ending, None, b"");
    reader.finish(None, &site::MARKS).expect("one database")
}

/// The catalogue of releases, read once.
pub fn catalogue() -> &'static Catalogue {
    Catalogue::embedded().expect("the catalogue can be read")
}

/// The case of a snapshot that goes nowhere.
pub fn case(snapshot: Snapshot) -> Case<'static> {
    Case::new(snapshot, catalogue())
}

/// What the rules of these groups find when the user says nothing.
pub fn findings(case: &Case, groups: &[Group]) -> Findings {
    examine(&Examination::of(case), groups, &Selection::default())
}

/// What `verify` finds in a text.
pub fn verify(text: &[u8]) -> Findings {
    findings(&case(snapshot_of(text)), checks::VERIFY)
}

/// `check name` of each finding that ranks as `severity`.
pub fn ids(findings: &Findings, severity: Severity) -> Vec<String> {
    findings
        .list
        .iter()
        .filter(|finding| finding.severity == severity)
        .map(|finding| match &finding.object {
            Some(object) => format!("{} {}", finding.check.id, object.name),
            None => finding.check.id.to_owned(),
        })
        .collect()
}

/// The beginning of the last line that mysqldump writes.
pub const LAST_LINE: &str = "-- Dump completed on";

/// The sample with a text before its last line.
pub fn with(text: &str) -> Vec<u8> {
    let new = format!("{text}\n{LAST_LINE}");
    replaced(&sample(), LAST_LINE, &new)
}

/// What `verify` finds for the restore on a server such as `mysql-8.4`.
pub fn on_server(text: &[u8], server: &str) -> Findings {
    let target = ServerVersion::parse_target(server).expect("a server");
    let case = Case::new(snapshot_of(text), catalogue()).to_server(Some(target));
    examine(
        &Examination::of(&case),
        checks::VERIFY,
        &Selection::default(),
    )
}

/// The ids of the errors among findings.
pub fn errors(findings: &Findings) -> Vec<String> {
    ids(findings, Severity::Error)
}

/// The ids of the warnings among findings.
pub fn warnings(findings: &Findings) -> Vec<String> {
    ids(findings, Severity::Warning)
}
