//! What README and the book in `docs` say is true: the parts that are made from the code, the links, and every console
//! block, which is run.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use cividb::checks::{commands_of, registry};
use cividb::cli::Cli;
use clap::CommandFactory;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// README and the pages of the book.
fn pages() -> Vec<PathBuf> {
    let folder = fs::read_dir(root().join("docs")).expect("docs");
    let files = folder.map(|entry| entry.expect("an entry").path());
    let mut pages: Vec<PathBuf> = files
        .filter(|path| path.extension().is_some_and(|it| it == "md"))
        .collect();
    pages.push(root().join("README.md"));
    pages.sort();
    pages
}

/// Holds a text against what a file has between two marks, and writes it there where that is wanted.
fn hold(file: &str, name: &str, wanted: &str) {
    let path = root().join(file);
    let text = fs::read_to_string(&path).expect(file);
    let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
    let (before, rest) = text.split_once(&begin).expect("the part begins");
    let (written, after) = rest.split_once(&end).expect("the part ends");
    if std::env::var_os("INSTA_UPDATE").is_some() {
        fs::write(&path, format!("{before}{begin}{wanted}{end}{after}")).expect("it is written");
    } else {
        assert_eq!(
            written, wanted,
            "{file}: run with INSTA_UPDATE=always to write it anew"
        );
    }
}

#[test]
fn the_checks_are_those_of_the_code() {
    let mut text = "| Check | Severity | Finds | Made by |\n|---|---|---|---|\n".to_owned();
    for check in registry::checks() {
        let (id, severity, title) = (check.id, check.severity.as_str(), check.title);
        let commands = commands_of(check).join(", ");
        writeln!(
            text,
            "| [`{id}`](#{id}) | {severity} | {title} | {commands} |"
        )
        .expect("a line");
    }
    for check in registry::checks() {
        write!(
            text,
            "\n## {}\n\n*{}*: {}. {}\n\n```text\n{}\n```\n\n**What to do.** {}\n{}",
            check.id,
            check.severity.as_str(),
            check.title,
            check.why,
            check.example,
            check.fix,
            match check.source {
                "" => String::new(),
                source => format!("\n**Source.** {source}\n"),
            }
        )
        .expect("a section");
    }
    hold("docs/checks.md", "checks", &text);
}

/// The help of a command and of the commands below it, a section each.
fn help_of(name: &str, command: &mut clap::Command) -> String {
    let help = command.render_long_help().to_string();
    let lines = help
        .lines()
        .map(str::trim_end)
        .collect::<Vec<_>>()
        .join("\n");
    let mut pages = format!("\n## {name}\n\n```text\n{}\n```\n", lines.trim());
    for below in command.get_subcommands_mut() {
        if below.get_name() != "help" {
            let name = format!("{name} {}", below.get_name());
            pages += &help_of(&name, below);
        }
    }
    pages
}

#[test]
fn the_commands_and_their_options_are_those_of_the_code() {
    let mut table = "| Command | What it does |\n|---|---|\n".to_owned();
    let mut pages = String::new();
    let mut cli = Cli::command().term_width(100);
    cli.build();
    for command in cli.get_subcommands_mut() {
        let name = command.get_name().to_owned();
        if name == "help" {
            continue;
        }
        let about = command.get_about().map(ToString::to_string);
        let page = match name.as_str() {
            "check" => "docs/verify.md".to_owned(),
            "reference" => "docs/diff.md".to_owned(),
            "undo" => "docs/repair.md".to_owned(),
            "completions" => "docs/install.md".to_owned(),
            name => format!("docs/{name}.md"),
        };
        let shown = match root().join(&page).exists() {
            true => format!("[`{name}`]({page})"),
            false => format!("`{name}`"),
        };
        writeln!(table, "| {shown} | {} |", about.unwrap_or_default()).expect("a line");
        pages += &help_of(&format!("cividb {name}"), command);
    }
    hold("README.md", "commands", &table);
    hold("docs/commands.md", "commands", &pages);
}

#[test]
fn every_link_leads_to_a_file_and_every_page_is_in_the_summary() {
    let mut linked = BTreeSet::new();
    for page in pages() {
        let text = fs::read_to_string(&page).expect("a page");
        let folder = page.parent().expect("a folder");
        for (at, _) in text.match_indices("](") {
            let target = text[at + 2..].split(')').next().expect("an end");
            if target.starts_with("http") || target.starts_with('#') {
                continue;
            }
            let file = folder.join(target.split('#').next().expect("a file"));
            assert!(file.exists(), "{}: {target}", page.display());
            if page.ends_with("SUMMARY.md") {
                linked.insert(file);
            }
        }
    }
    for page in pages() {
        let is_page = page.starts_with(root().join("docs")) && !page.ends_with("SUMMARY.md");
        assert!(!is_page || linked.contains(&page), "{}", page.display());
    }
}

/// Whether the lines are those that are shown. A line `…` stands for any lines, and `…` at the end of a line for its rest.
fn is_as_shown(shown: &[&str], lines: &[&str]) -> bool {
    match (shown.split_first(), lines.split_first()) {
        (None, None) => true,
        (Some((&"…", rest)), _) => {
            (0..=lines.len()).any(|from| is_as_shown(rest, &lines[from..]))
        }
        (Some((first, shown)), Some((line, lines))) => {
            let is_same = match first.strip_suffix('…') {
                Some(start) => line.starts_with(start),
                None => first == line,
            };
            is_same && is_as_shown(shown, lines)
        }
        _ => false,
    }
}

#[test]
fn every_console_block_prints_what_it_shows() {
    let folder = tempfile::tempdir().expect("a folder");
    std::os::unix::fs::symlink(root().join("tests"), folder.path().join("tests")).expect("a link");
    let program = Path::new(env!("CARGO_BIN_EXE_cividb"))
        .parent()
        .expect("a folder");
    let path = format!(
        "{}:{}",
        program.display(),
        std::env::var("PATH").unwrap_or_default()
    );
    let mut run = 0;
    for page in pages() {
        let text = fs::read_to_string(&page).expect("a page");
        for block in text.split("```console\n").skip(1) {
            let block = block.split("```").next().expect("an end");
            for command in block.split("\n$ ").map(|it| it.trim_start_matches("$ ")) {
                let (line, shown) = command.split_once('\n').unwrap_or((command, ""));
                let output = Command::new("bash")
                    .args(["-c", line])
                    .current_dir(folder.path())
                    .env("PATH", &path)
                    .env("XDG_STATE_HOME", folder.path())
                    .env("XDG_CONFIG_HOME", folder.path())
                    .output()
                    .expect("bash runs");
                let printed = String::from_utf8_lossy(&output.stdout);
                let lines: Vec<&str> = printed.trim_end().lines().collect();
                let shown: Vec<&str> = shown.trim_end().lines().collect();
                assert!(
                    is_as_shown(&shown, &lines),
                    "{}: $ {line}\n{printed}",
                    page.display()
                );
                run += 1;
            }
        }
    }
    assert!(run >= 4, "{run} commands");
}
