//! Options that do not stand on the command line: `cividb.toml` and the environment; and how a report fits a terminal.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::common::{replaced, sample, text};
use crate::skip;

/// A folder with the sample and a home beside it.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir_all(folder.path().join("home/cividb")).expect("a folder");
        std::fs::write(folder.path().join("sample.sql"), sample()).expect("it is written");
        Self { folder }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn write(&self, name: &str, text: &str) -> &Self {
        std::fs::write(self.path().join(name), text).expect("it is written");
        self
    }

    /// Runs the program in the folder with these variables.
    fn run(&self, line: &str, variables: &[(&str, &str)]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_cividb"))
            .args(line.split(' '))
            .env("XDG_CONFIG_HOME", self.path().join("home"))
            .envs(variables.iter().copied())
            .current_dir(self.path())
            .output()
            .expect("cividb runs")
    }

    /// The form in which a line is answered, by its first characters.
    fn form(&self, line: &str, variables: &[(&str, &str)]) -> &'static str {
        let output = self.run(line, variables);
        let printed = text(&output.stdout);
        match printed.get(..4) {
            Some("{\n  ") => "json",
            Some("### ") => "markdown",
            Some("PASS") => "human",
            Some("CIVI") => "nagios",
            Some("sour" | "comm" | "site") => "csv",
            _ => panic!("{printed}{}", text(&output.stderr)),
        }
    }
}

#[test]
fn what_is_said_nearer_to_the_run_goes_before() {
    let place = Place::new();
    let line = "verify sample.sql";
    assert_eq!(place.form(line, &[]), "human");
    place.write(
        "home/cividb/cividb.toml",
        "format = \"csv\"\n[diff]\nformat = \"junit\"\n",
    );
    assert_eq!(place.form(line, &[]), "csv");
    place.write("cividb.toml", "format = \"markdown\"\n");
    assert_eq!(place.form(line, &[]), "markdown");
    // The table of a command goes before what is for all of them.
    place.write(
        "cividb.toml",
        "format = \"markdown\"\n[verify]\nformat = \"human\"\n",
    );
    assert_eq!(place.form(line, &[]), "human");
    // A file that is named stands alone.
    place.write("other.toml", "");
    assert_eq!(
        place.form("verify sample.sql --config other.toml", &[]),
        "human"
    );
    assert_eq!(
        place.form(line, &[("CIVIDB_CONFIG", "other.toml")]),
        "human"
    );
    let variables = [("CIVIDB_FORMAT", "nagios")];
    assert_eq!(place.form(line, &variables), "nagios");
    let variables = [("CIVIDB_FORMAT", "nagios"), ("CIVIDB_VERIFY_FORMAT", "csv")];
    assert_eq!(place.form(line, &variables), "csv");
    assert_eq!(
        place.form("verify sample.sql --format json", &variables),
        "json"
    );
    assert_eq!(
        place.form("--format json verify sample.sql", &variables),
        "json"
    );
    assert_eq!(
        place.form("verify --format json -- sample.sql", &variables),
        "json"
    );
    // An empty variable is none.
    assert_eq!(place.form(line, &[("CIVIDB_FORMAT", "")]), "human");
}

#[test]
fn an_option_takes_the_place_of_those_that_it_cannot_stand_beside() {
    let place = Place::new();
    let lines = |line: &str, variables: &[(&str, &str)]| {
        let output = place.run(line, variables);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        text(&output.stdout).lines().count()
    };
    assert_eq!(lines("verify sample.sql", &[("CIVIDB_QUIET", "yes")]), 1);
    assert!(lines("verify sample.sql --verbose", &[("CIVIDB_QUIET", "1")]) > 20);
    place.write("home/cividb/cividb.toml", "verbose = true\n");
    assert_eq!(lines("verify sample.sql", &[("CIVIDB_QUIET", "on")]), 1);
    assert!(lines("verify sample.sql", &[("CIVIDB_VERBOSE", "off")]) < 10);
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let place = Place::new();
    let said = |line: &str, variables: &[(&str, &str)]| {
        let output = place.run(line, variables);
        assert_eq!(output.status.code(), Some(2), "{}", text(&output.stdout));
        text(&output.stderr)
    };
    let verify = "verify sample.sql";
    let wrong = said(verify, &[("CIVIDB_FORMAT", "yaml")]);
    assert!(
        wrong.contains("environment variable CIVIDB_FORMAT"),
        "{wrong}"
    );
    assert!(wrong.contains("invalid value 'yaml'"), "{wrong}");
    let wrong = said(verify, &[("CIVIDB_STRICT", "maybe")]);
    assert!(
        wrong.contains("CIVIDB_STRICT: 'maybe' is neither true nor false"),
        "{wrong}"
    );
    let wrong = said(verify, &[("CIVIDB_SSL_CERT", "c.pem")]);
    assert!(wrong.contains("--ssl-cert comes from"), "{wrong}");
    let wrong = said("verify sample.sql --format yaml", &[("CIVIDB_QUIET", "1")]);
    assert!(!wrong.contains("CIVIDB"), "{wrong}");

    for (file, wanted) in [
        (
            "# mine\n\nstrct = true\n",
            "line 3: 'strct' is not an option of cividb",
        ),
        (
            "[verify]\ntarget = \"6.10.0\"\n",
            "line 2: 'target' is not an option of cividb verify",
        ),
        (
            "[verifi]\n",
            "line 1: [verifi] is not the name of a command",
        ),
        (
            "apply = true\n",
            "'apply' is taken from the command line only",
        ),
        (
            "password = true\n",
            "'password' is taken from the command line only",
        ),
        (
            "config = \"x\"\n",
            "'config' is taken from the command line only",
        ),
        ("strict = \"yes\"\n", "line 1: 'strict' takes true or false"),
        (
            "jobs = { n = 1 }\n",
            "line 1: [jobs] is not the name of a command",
        ),
        ("target = true\n[check]\n", "cividb.toml"),
        ("format = \n", "cividb.toml"),
    ] {
        place.write("home/cividb/cividb.toml", file);
        let wrong = match file.starts_with("target") {
            true => said("check sample.sql", &[]),
            false => said(verify, &[]),
        };
        assert!(wrong.contains(wanted), "{file}: {wrong}");
        assert!(wrong.contains("cividb/cividb.toml"), "{file}: {wrong}");
    }
    place.write("home/cividb/cividb.toml", "format = \"yaml\"\n");
    let wrong = said(verify, &[]);
    assert!(wrong.contains("--format comes from line 1 of"), "{wrong}");
}

/// Somebody unpacks a backup, and looks at it where it lies.
#[test]
fn a_file_that_came_with_a_backup_can_hide_run_write_and_ask_nothing() {
    let place = Place::new();
    for option in [
        "skip = [\"dump-truncated\"]",
        "only = \"fk-name\"",
        "output = \"sample.sql\"",
        "host = \"evil.example.org\"",
        "defaults-file = \"evil.cnf\"",
        "[rehearse]\nupgrade-command = \"touch done\"",
        "[rehearse]\non = \"./mysqld\"",
        "[repair]\norphans = \"delete\"",
        "[check]\nno-rows = true",
    ] {
        place.write("cividb.toml", option);
        let output = place.run("verify sample.sql", &[]);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{option}: {said}");
        assert!(
            said.contains("name the file with --config"),
            "{option}: {said}"
        );
    }
    // Named, it is the user's own word.
    place.write(
        "cividb.toml",
        "skip = [\"definer-named\", \"dump-truncated\"]\n",
    );
    let output = place.run("verify sample.sql --config cividb.toml", &[]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(!text(&output.stdout).contains("definer-named"));
}

#[test]
fn no_variable_changes_a_database_or_holds_a_password() {
    let place = Place::new();
    let variables = [
        ("CIVIDB_APPLY", "1"),
        ("CIVIDB_YES", "1"),
        ("CIVIDB_PASSWORD", "s3cret"),
    ];
    let output = place.run(
        "repair all mysql://u@127.0.0.1:1/x --no-defaults",
        &variables,
    );
    let said = text(&output.stderr);
    assert!(said.contains("warning: CIVIDB_APPLY is not read"), "{said}");
    assert!(
        said.contains("warning: CIVIDB_PASSWORD is not read"),
        "{said}"
    );
    assert!(!said.contains("s3cret"), "{said}");
    let output = place.run(
        "verify sample.sql",
        &[("CIVIDB_AGAINST", "mysql://u:s3cret@127.0.0.1:1/x")],
    );
    let said = text(&output.stdout) + &text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(!said.contains("s3cret"), "{said}");
}

#[test]
fn accepted_findings_of_both_files_count() {
    let place = Place::new();
    let accept = |check: &str, object: &str| {
        format!(
            "[[accept]]\ncheck = \"{check}\"\n{object}reason = \"known\"\nuntil = \"2999-12-31\"\n"
        )
    };
    let dump = replaced(
        &sample(),
        "`FK_civicrm_address_county_id` FOREIGN KEY",
        "`civicrm_address_ibfk_3` FOREIGN KEY",
    );
    std::fs::write(place.path().join("sample.sql"), dump).expect("it is written");
    place.write("home/cividb/cividb.toml", &accept("definer-named", ""));
    place.write(
        "cividb.toml",
        &accept("fk-name", "object = \"civicrm_address_ibfk_3\"\n"),
    );
    let output = place.run("check sample.sql --no-rows", &[]);
    let said = text(&output.stdout);
    assert!(said.contains("2 accepted"), "{said}");
}

#[test]
fn lines_are_no_wider_than_wanted_but_for_what_is_pasted() {
    let place = Place::new();
    let wide = text(&place.run("check sample.sql --no-rows", &[]).stdout);
    let narrow = text(
        &place
            .run("check sample.sql --no-rows --width 60", &[])
            .stdout,
    );
    let is_pasted = |line: &&str| line.trim_start().starts_with("fix");
    assert!(
        wide.lines()
            .skip(1)
            .any(|line| line.len() > 60 && !is_pasted(&line))
    );
    for line in narrow.lines().skip(1).filter(|line| !is_pasted(line)) {
        assert!(line.chars().count() <= 60, "{line}");
    }
    let words = |text: &str| {
        text.split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(words(&wide), words(&narrow));
    let output = place.run("check sample.sql --width 10", &[]);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stdout));
}

#[test]
fn more_than_two_hundred_findings_are_folded_by_kind() {
    let place = Place::new();
    let line = "diff sample.sql --release 4.2.0";
    let json = text(&place.run(&format!("{line} --format json"), &[]).stdout);
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let findings = json["findings"].as_array().expect("a list");
    let all = findings.len();
    assert!(all > 200, "{all}");
    let folded = text(&place.run(line, &[]).stdout);
    let how = format!(
        "\n{all} findings are too many to show: of each check the first are (--verbose lists all, --format json has them)\n"
    );
    assert!(
        folded.replace(',', "").contains(&how.replace(',', "")),
        "{folded}"
    );
    let lines_of = |text: &str| {
        let words = ["error  ", "warning  ", "note  "];
        let lines = text.lines().map(str::trim_start);
        lines
            .filter(|line| words.iter().any(|word| line.starts_with(word)))
            .count()
    };
    let more = folded.lines().filter_map(|line| {
        let number = line
            .strip_prefix("       and ")?
            .strip_suffix(" more of this check (--verbose lists them)")?;
        number.replace(',', "").parse::<usize>().ok()
    });
    // What upgrades leave has a line a kind.
    let is_inherited = |it: &&serde_json::Value| it["inherited"].is_string();
    let inherited = findings.iter().filter(is_inherited);
    let kinds: BTreeSet<(String, String)> = inherited
        .clone()
        .map(|it| (it["check"].to_string(), it["severity"].to_string()))
        .collect();
    let said = lines_of(&folded) + more.sum::<usize>() + inherited.count() - kinds.len();
    assert_eq!(said, all, "{folded}");
    let verbose = text(&place.run(&format!("{line} --verbose"), &[]).stdout);
    assert_eq!(lines_of(&verbose), all);
    assert!(!verbose.contains("too many to show"));
}

#[test]
fn the_pager_shows_the_report_on_a_terminal_and_nowhere_else() {
    let place = Place::new();
    place.write("pager", "#!/bin/sh\necho BEGINS\ncat\necho ENDS\n");
    let program = env!("CARGO_BIN_EXE_cividb");
    let on_terminal = |arguments: &str, pager: &str| {
        let output = Command::new("script")
            .args(["-qec", &format!("{program} {arguments}"), "/dev/null"])
            .env("XDG_CONFIG_HOME", place.path().join("home"))
            .env("PAGER", pager)
            .current_dir(place.path())
            .stdin(std::process::Stdio::null())
            .output();
        output
            .ok()
            .map(|output| (text(&output.stdout), output.status.code()))
    };
    let Some((shown, code)) = on_terminal("verify sample.sql --pager --color never", "sh pager")
    else {
        skip::skip(
            "script",
            "no program script (util-linux), which makes terminals",
        );
        return;
    };
    let at = |word: &str| {
        shown
            .find(word)
            .unwrap_or_else(|| panic!("{word}: {shown}"))
    };
    assert!(
        at("BEGINS") < at("PASS") && at("PASS") < at("ENDS"),
        "{shown}"
    );
    assert_eq!(code, Some(0));
    for (arguments, pager) in [
        ("verify sample.sql", "sh pager"),
        ("verify sample.sql --pager --format csv", "sh pager"),
        ("verify sample.sql --pager", "no-such-program"),
    ] {
        let (shown, _) = on_terminal(arguments, pager).expect("a terminal");
        assert!(
            !shown.contains("BEGINS") && shown.contains("sample.sql"),
            "{shown}"
        );
    }
    let output = place.run("verify sample.sql --pager", &[("PAGER", "sh pager")]);
    assert!(!text(&output.stdout).contains("BEGINS"));
}

#[test]
fn the_version_tells_the_catalogue_and_the_build_if_asked() {
    let place = Place::new();
    let short = text(&place.run("--version", &[]).stdout);
    assert_eq!(short, format!("cividb {}\n", env!("CARGO_PKG_VERSION")));
    for line in ["--version --verbose", "-v -V", "-Vv"] {
        let long = text(&place.run(line, &[]).stdout);
        assert!(long.starts_with(&short), "{line}: {long}");
        for wanted in [
            "\ncatalogue: CiviCRM 2.0",
            " schemas\n",
            "\nbuild: profile debug, ",
            "rustc 1.",
            "\nfeatures: gzip",
        ] {
            assert!(long.contains(wanted), "{line}: {wanted} in {long}");
        }
    }
}

#[test]
fn a_check_that_the_command_does_not_make_is_a_wrong_argument() {
    let place = Place::new();
    for (line, made_by) in [
        ("verify sample.sql --only fk-name", "check, diff, rehearse"),
        ("orphans sample.sql --only fk-name", "check, diff, rehearse"),
        (
            "preflight sample.sql --only fk-name",
            "check, diff, rehearse",
        ),
        ("version sample.sql --only fk-name", "check, diff, rehearse"),
        ("grants nobody --only fk-name", "check, diff, rehearse"),
        (
            "grants nobody --for backup --only server-setting",
            "check, grants",
        ),
        (
            "verify sample.sql --only dump-truncated,orphan-rows",
            "check, orphans, rehearse",
        ),
        (
            "compare sample.sql sample.sql --only fk-name",
            "check, diff, rehearse",
        ),
    ] {
        let output = place.run(line, &[]);
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{line}: {told}");
        assert!(
            told.contains(&format!("made by: {made_by}")),
            "{line}: {told}"
        );
        assert!(output.stdout.is_empty(), "{line}");
    }
    let none = place.run("check sample.sql --only fk-name --skip fk-name", &[]);
    assert_eq!(none.status.code(), Some(2));
    assert!(text(&none.stderr).contains("leave no check"));
    let line = "verify sample.sql --only fk-name --format nagios";
    assert!(text(&place.run(line, &[]).stdout).starts_with("CIVIDB UNKNOWN"));
    for line in [
        "check sample.sql --only fk-name",
        "grants nobody --only server-setting",
        // To leave out what is not made anyway does no harm.
        "verify sample.sql --skip fk-name",
    ] {
        let told = place.run(line, &[]);
        assert!(!text(&told.stderr).contains("made by"), "{line}");
    }
}

#[test]
fn a_list_of_checks_for_several_commands_leaves_each_its_own() {
    let place = Place::new();
    place.write("two.toml", "only = [\"fk-name\", \"dump-truncated\"]\n");
    place.write("one.toml", "only = [\"fk-name\"]\n");
    let shared = place.run("verify sample.sql --config two.toml", &[]);
    let printed = text(&shared.stdout);
    assert_eq!(shared.status.code(), Some(0), "{printed}");
    assert!(
        printed.contains("not checked  fk-name: `cividb verify` does not make this check"),
        "{printed}"
    );
    for (line, variables, origin) in [
        (
            "verify sample.sql --config one.toml",
            &[][..],
            "line 1 of one.toml",
        ),
        (
            "verify sample.sql",
            &[("CIVIDB_ONLY", "fk-name")],
            "CIVIDB_ONLY",
        ),
    ] {
        let output = place.run(line, variables);
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(
            told.contains(origin) && told.contains("made by: check"),
            "{told}"
        );
    }
    let check = place.run("check sample.sql --config one.toml", &[]);
    assert_eq!(check.status.code(), Some(0), "{}", text(&check.stderr));
}

#[test]
fn checks_named_alone_of_which_none_could_be_made_are_no_pass() {
    let place = Place::new();
    place.write("noise", &"\u{1}\u{2}\u{3}\u{0}".repeat(999));
    for (line, why) in [
        (
            "verify sample.sql --only backup-old",
            "--max-age does not say",
        ),
        (
            "verify sample.sql --only rows-differ",
            "--against does not name",
        ),
        (
            "check sample.sql --only settings-dsn",
            "the source is not a site's",
        ),
        (
            "check sample.sql --only upgrade-stops",
            "name the release with --target",
        ),
        (
            "check sample.sql --only grant-missing",
            "a dump carries no grants",
        ),
        ("check noise --only fk-name", "noise"),
    ] {
        let output = place.run(line, &[]);
        let printed = text(&output.stdout);
        assert_eq!(output.status.code(), Some(3), "{line}: {printed}");
        assert!(printed.starts_with("INCOMPLETE"), "{line}: {printed}");
        assert!(printed.contains(why), "{line}: {printed}");
    }
    // With one that could be made it is said, and the result stands.
    let some = place.run("check sample.sql --only settings-dsn,fk-name", &[]);
    assert_eq!(some.status.code(), Some(0), "{}", text(&some.stdout));
    assert!(text(&some.stdout).contains("not checked  settings-dsn"));
}
