use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use proptest::collection::vec;
use proptest::prelude::*;
use tempfile::TempDir;

use super::*;

/// A line, and the option that it sets: the servers' `my_print_defaults` says the same of each.
const LINES: &[(&str, &str, Option<&str>)] = &[
    ("host=db", "host", Some("db")),
    ("  host  =  a b  ", "host", Some("a b")),
    ("\thost\t=\tx\t", "host", Some("x")),
    ("host=\u{b}a\u{b}b\u{b}", "host", Some("a\u{b}b")),
    ("host=db\r", "host", Some("db")),
    ("host=", "host", Some("")),
    ("host=\"\"", "host", Some("")),
    ("host", "host", None),
    ("host # comment", "host", None),
    ("host#comment", "host", None),
    ("host=db # comment", "host", Some("db")),
    ("host=db#comment", "host", Some("db")),
    ("host=# comment", "host", Some("")),
    ("host=db ; none", "host", Some("db ; none")),
    ("host=\"a # b\"", "host", Some("a # b")),
    ("host='a # b'", "host", Some("a # b")),
    ("host='a # b' # c", "host", Some("a # b")),
    ("host=\"abc' # d", "host", Some("\"abc' # d")),
    ("host=it's # no comment", "host", Some("it's # no comment")),
    (
        "host=it\\'s # no comment",
        "host",
        Some("it's # no comment"),
    ),
    ("host=ab\"#\"c", "host", Some("ab\"#\"c")),
    ("host=\"", "host", Some("\"")),
    ("host=\"\"x\"\"", "host", Some("\"x\"")),
    ("host=\" keep \"", "host", Some(" keep ")),
    ("host=\"abc\" x", "host", Some("\"abc\" x")),
    ("host=\"abc\" # x", "host", Some("abc")),
    ("host=\"abc'", "host", Some("\"abc'")),
    (
        "host=a\\tb\\nc\\rd\\be\\sf",
        "host",
        Some("a\tb\nc\rd\u{8}e f"),
    ),
    ("host=a\\\\b\\\"c\\'d\\qe", "host", Some("a\\b\"c'd\\qe")),
    (
        "host=\\s lead and trail\\s",
        "host",
        Some("  lead and trail "),
    ),
    ("host=trail\\", "host", Some("trail\\")),
    ("host=trail\\\\", "host", Some("trail\\")),
    ("host=a\\#b", "host", Some("a\\")),
    ("host=\"a\\\"b\"", "host", Some("a\"b")),
    ("host=\"a\\\"b#c\" # d", "host", Some("a\"b#c")),
    ("host='a\\'b#c' # d", "host", Some("a'b#c")),
    ("host=\"a\\\\\" # d", "host", Some("a\\")),
    ("host=a=b=c", "host", Some("a=b=c")),
    ("host=[x]", "host", Some("[x]")),
    ("host=!include", "host", Some("!include")),
    ("host=\u{e9}t\u{e9}", "host", Some("\u{e9}t\u{e9}")),
    ("ssl_ca-x=1", "ssl_ca-x", Some("1")),
    ("a b = c", "a b", Some("c")),
    ("\"q\"=x", "\"q\"", Some("x")),
    ("--host=db", "--host", Some("db")),
    ("=db", "", Some("db")),
    ("host\\=db", "host\\", Some("db")),
];

/// Lines that set nothing.
const NOTHING: &[&str] = &[
    "",
    "  \t ",
    "# host=db",
    "; host=db",
    "   # host=db",
    "!unknown x",
    "!includes x",
    "[other]",
    "[ client]",
    "[]",
];

fn clients() -> Groups {
    Groups::new(&["client", "mysql"], None)
}

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes an option file; `~` stands for the folder.
    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        let folder = self.0.path().to_str().unwrap();
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text.replace('~', folder)).unwrap();
        path
    }
}

fn read(file: &Path) -> Result<(Vec<String>, Vec<Warning>), LoginError> {
    let mut reader = Reader::new(None);
    reader.required(file, &clients())?;
    let settings = reader.settings.iter().map(|setting| {
        let name = String::from_utf8(setting.name.clone()).unwrap();
        let value = setting.value.as_deref().map(String::from_utf8_lossy);
        shown(&name, value.as_deref())
    });
    Ok((settings.collect(), reader.warnings))
}

/// An option as `my_print_defaults` shows it.
fn shown(name: &str, value: Option<&str>) -> String {
    match value {
        Some(value) => format!("--{name}={value}"),
        None => format!("--{name}"),
    }
}

/// What the servers' own program reads in a file, and whether it can read it; `None` where the
/// program is not installed.
fn read_by_the_servers_program(file: &Path) -> Option<(bool, String)> {
    let mut program = Command::new("my_print_defaults");
    program.arg(format!("--defaults-file={}", file.display()));
    match program.args(["client", "mysql"]).output() {
        Ok(output) => {
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            Some((output.status.success(), text))
        }
        Err(error) => {
            crate::skip::skip("my_print_defaults", error);
            None
        }
    }
}

fn assert_the_servers_program_agrees(file: &Path, options: &[String]) {
    if let Some((success, text)) = read_by_the_servers_program(file) {
        let ours: String = options.iter().map(|option| format!("{option}\n")).collect();
        assert_eq!((success, text), (true, ours));
    }
}

#[test]
fn lines_mean_what_they_mean_to_the_clients() {
    for (line, name, value) in LINES {
        match parse_line(line.as_bytes(), EndComments::Yes).unwrap() {
            Line::Option {
                name: found,
                value: found_value,
            } => {
                assert_eq!(str::from_utf8(found), Ok(*name), "{line:?}");
                let found = found_value.map(|value| String::from_utf8(value).unwrap());
                assert_eq!(found.as_deref(), *value, "{line:?}");
            }
            _ => panic!("{line:?} sets no option"),
        }
    }
}

#[test]
fn my_print_defaults_says_the_same() {
    let folder = Folder::new();
    let lines: String = LINES.iter().map(|(line, ..)| format!("{line}\n")).collect();
    let nothing: String = NOTHING.iter().map(|line| format!("{line}\n")).collect();
    let file = folder.file(
        "my.cnf",
        &format!("[client]\n{lines}{nothing}[mysql]\nlast"),
    );
    let (options, _) = read(&file).unwrap();
    let mut expected: Vec<_> = LINES
        .iter()
        .map(|(_, name, value)| shown(name, *value))
        .collect();
    expected.push("--last".to_owned());
    assert_eq!(options, expected);
    assert_the_servers_program_agrees(&file, &options);
}

#[test]
fn groups_are_those_of_the_clients() {
    let folder = Folder::new();
    let file = folder.file(
        "my.cnf",
        "[client]\na\n[CLIENT]\nb\n[client ]\nc\n[client] # x\nd\n[mysql]x\ne\n\
         [mysqld]\nf\n[ client]\ng\n[clien]\nh\n[clients]\ni\n[]\nj\n",
    );
    let (options, _) = read(&file).unwrap();
    assert_eq!(options, ["--a", "--b", "--c", "--d", "--e"]);
    assert_the_servers_program_agrees(&file, &options);
}

#[test]
fn a_suffix_adds_groups() {
    let groups = Groups::new(&["client"], Some("_site"));
    for (group, read) in [("client", true), ("client_site", true), ("_site", false)] {
        assert_eq!(groups.contain(group.as_bytes()), read, "{group}");
    }
}

#[test]
fn included_files_are_read_where_they_stand() {
    let folder = Folder::new();
    folder.file("one.cnf", "[client]\none\n");
    folder.file("d/9.cnf", "[client]\nnine\n");
    folder.file("d/10.cnf", "[mysql]\nten\n");
    folder.file("d/B.cnf", "[client]\nupper\n");
    folder.file("d/.hidden.cnf", "[client]\nhidden\n");
    folder.file("d/x.txt", "[client]\nno\n");
    folder.file("d/x.cnf.bak", "[client]\nno\n");
    let file = folder.file(
        "my.cnf",
        "!include ~/one.cnf\n[client]\na\n  ! include   ~/one.cnf  \nb\n!includedir ~/d\nc\n",
    );
    let (options, warnings) = read(&file).unwrap();
    assert_eq!(
        options,
        [
            "--one", "--a", "--one", "--b", "--hidden", "--ten", "--nine", "--upper", "--c"
        ]
    );
    assert!(warnings.is_empty());
    assert_the_servers_program_agrees(&file, &options);
}

#[test]
fn an_included_file_that_is_not_there_is_a_warning() {
    let folder = Folder::new();
    let file = folder.file(
        "my.cnf",
        "[client]\na\n!include ~/none.cnf # this is no comment\nb\n",
    );
    let (options, warnings) = read(&file).unwrap();
    assert_eq!(options, ["--a", "--b"]);
    assert!(warnings[0].to_string().contains("none.cnf"), "{warnings:?}");
    assert_the_servers_program_agrees(&file, &options);
}

#[test]
fn a_file_that_includes_itself_ends() {
    let folder = Folder::new();
    let file = folder.file("my.cnf", "[client]\na\n!include ~/my.cnf\n");
    let (options, warnings) = read(&file).unwrap();
    assert_eq!(options.len(), MAX_DEPTH + 1);
    assert!(matches!(&warnings[..], [Warning::Depth(place)] if place.line == 3));
}

#[test]
fn files_that_include_each_other_end() {
    let folder = Folder::new();
    let text = "!includedir ~/d\n";
    for name in ["d/a.cnf", "d/b.cnf", "d/c.cnf"] {
        folder.file(name, text);
    }
    let error = read(&folder.file("my.cnf", text)).unwrap_err();
    assert!(matches!(error, LoginError::TooManyFiles { .. }), "{error}");
}

#[test]
fn a_world_writable_file_is_ignored_with_a_warning() {
    let folder = Folder::new();
    let open = folder.file("open.cnf", "[client]\nno\n");
    fs::set_permissions(&open, Permissions::from_mode(0o646)).unwrap();
    let file = folder.file("my.cnf", "[client]\na\n!include ~/open.cnf\nb\n");
    let (options, warnings) = read(&file).unwrap();
    assert_eq!(options, ["--a", "--b"]);
    assert!(matches!(&warnings[..], [Warning::WorldWritable(path)] if *path == open));
    assert_the_servers_program_agrees(&file, &options);
}

#[test]
fn errors_name_file_and_line() {
    let folder = Folder::new();
    for (text, expected) in [
        (
            "\nhost=s3cret\n[client]\n",
            ":2: an option before the first group; write [client] above it",
        ),
        (
            "[client]\na=s3cret\n[mysql\n",
            ":3: a group without its closing ']'",
        ),
        (
            "[client]\n!include\n",
            ":2: !include and !includedir want a path",
        ),
        (
            "[client]\n!includedir  \n",
            ":2: !include and !includedir want a path",
        ),
        ("[client]\n!includedir ~/none\n", ":2: cannot list "),
    ] {
        let file = folder.file("my.cnf", text);
        let error = read(&file).unwrap_err().to_string();
        let expected = format!("{}{expected}", file.display());
        assert!(error.starts_with(&expected), "{error}");
        assert!(!error.contains("s3cret"), "{error}");
        if let Some((success, _)) = read_by_the_servers_program(&file) {
            assert!(!success, "{text:?} is right for the servers' program");
        }
    }
}

#[test]
fn a_file_that_is_required_must_be_there() {
    let folder = Folder::new();
    let error = read(&folder.path("none.cnf")).unwrap_err().to_string();
    assert!(
        error.contains("none.cnf: cannot read the option file"),
        "{error}"
    );
    let mut reader = Reader::new(None);
    reader
        .optional(&folder.path("none.cnf"), &clients())
        .unwrap();
    assert!(reader.warnings.is_empty());
}

#[test]
fn a_file_too_big_is_not_kept_in_memory() {
    let folder = Folder::new();
    let file = folder.path("big.cnf");
    File::create(&file).unwrap().set_len(MAX_SIZE + 1).unwrap();
    assert!(
        read(&file)
            .unwrap_err()
            .to_string()
            .contains("more than 1 MiB")
    );
}

#[test]
fn the_home_folder_stands_for_a_tilde() {
    let folder = Folder::new();
    folder.file("a.cnf", "[client]\na\n");
    let mut reader = Reader::new(Some(folder.0.path()));
    reader.required(Path::new("~/a.cnf"), &clients()).unwrap();
    assert_eq!(reader.settings.len(), 1);
}

proptest! {
    #[test]
    fn no_bytes_make_the_parser_panic(text in vec(any::<u8>(), 0..300)) {
        let mut reader = Reader::new(None);
        let _ = reader.login_file(Path::new("x"), &text, &clients());
        for line in text.split(|&byte| byte == b'\n') {
            let _ = parse_line(line, EndComments::Yes);
        }
    }

    /// Quoted and with escapes, any text comes back as it was.
    #[test]
    fn what_is_escaped_is_read_back(value in any::<String>()) {
        prop_assume!(!value.contains('\0'));
        let escaped = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let line = format!("password=\"{escaped}\" # comment");
        let Ok(Line::Option { value: Some(found), .. }) = parse_line(line.as_bytes(), EndComments::Yes) else {
            return Err(TestCaseError::fail("no option"));
        };
        prop_assert_eq!(found, value.into_bytes());
    }
}
