//! `cividb rollback --in-place`: a fresh backup first, and out of it the way back.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::common::{self, text};
use crate::proxy::{Action, Proxy};
use crate::rollback::{Site, both, changes};
use crate::server::Server;

/// A folder whose programs are found first: MySQL's own dump program is in no folder of PATH.
fn programs(server: &Server, folder: &Path) -> String {
    let path = std::env::var("PATH").unwrap_or_default();
    if !server.is_mysql() {
        return path;
    }
    let bin = folder.join("bin");
    fs::create_dir_all(&bin).expect("a folder");
    for name in ["mysqldump", "mysql"] {
        let command = server.program(name);
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        let words: Vec<String> = words
            .map(|word| format!("'{}'", word.to_str().expect("a path")))
            .collect();
        let script = bin.join(name);
        fs::write(
            &script,
            format!("#!/bin/sh\nexec {} \"$@\"\n", words.join(" ")),
        )
        .expect("it is written");
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("it can be run");
    }
    format!("{}:{path}", bin.display())
}

/// Runs a rollback in place.
fn apply(site: &Site, url: &str, fresh: &str, path: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cividb"))
        .args([
            "rollback",
            "backup.sql",
            url,
            "--in-place",
            "--fresh-backup",
            fresh,
        ])
        .args([
            "--apply",
            "--yes",
            "--no-defaults",
            "--definers",
            "current",
            "--color",
            "never",
        ])
        .current_dir(site.folder.path())
        .env("PATH", path)
        .output()
        .expect("cividb runs")
}

/// Runs a command of the program's as it stands.
fn shell(site: &Site, command: &str, path: &str) {
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).current_dir(site.folder.path());
    let output = shell.env("PATH", path).output().expect("sh runs");
    assert!(
        output.status.success(),
        "{command}: {}",
        text(&output.stderr)
    );
    let errors = text(&output.stderr);
    assert!(!errors.contains("ERROR"), "{command}: {errors}");
}

#[test]
fn what_goes_is_backed_up_and_proved_before_and_comes_back_out_of_it() {
    for server in both() {
        let site = Site::new(server, "rollback_in_place");
        let at = &server.name;
        let path = programs(server, site.folder.path());
        let output = apply(&site, &site.url(), "fresh.sql.zst", &path);
        let errors = text(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{at}: {errors}");
        let for_good = "these go, and the backup does not have them: ";
        assert!(errors.contains(for_good), "{at}: {errors}");
        site.holds(&site.after, at);
        site.is_alone(at);
        let shown = text(&output.stdout);
        assert!(
            shown.contains("6 tables of the backup in force, 7 dropped"),
            "{at}: {shown}"
        );
        let (_, way_back) = shown.split_once("holds what went: ").expect("a way back");
        let fresh = site.folder.path().join("fresh.sql.zst");
        let mode = fs::metadata(&fresh).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{at}");
        // No second backup takes the place of the first.
        let again = apply(&site, &site.url(), "fresh.sql.zst", &path);
        assert_eq!(again.status.code(), Some(2), "{at}");
        assert!(text(&again.stderr).contains("replaces none"), "{at}");
        site.holds(&site.after, at);
        shell(&site, way_back.trim(), &path);
        site.holds(&site.before, at);
        site.remove();
    }
}

/// A rollback in place that is cut off at the statement of this number; whether it came so far, and what it said.
#[test]
fn an_event_of_the_backup_does_not_come_and_stops_nothing() {
    for server in both() {
        let site = Site::new(server, "rollback_in_place_event");
        let at = &server.name;
        let path = programs(server, site.folder.path());
        let backup = site.folder.path().join("backup.sql");
        let dump = fs::read(&backup).expect("the backup");
        let end = memchr::memmem::rfind(&dump, b"/*!40103 SET TIME_ZONE=@OLD").expect("its end");
        let event = b"CREATE EVENT civi_event ON SCHEDULE EVERY 1 DAY DISABLE DO DELETE FROM civicrm_email;\n";
        fs::write(&backup, [&dump[..end], event, &dump[end..]].concat()).expect("it is written");
        let output = apply(&site, &site.url(), "fresh.sql", &path);
        let errors = text(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{at}: {errors}");
        site.holds(&site.after, at);
        let events =
            "SELECT COUNT(*) FROM information_schema.EVENTS WHERE EVENT_SCHEMA = DATABASE()";
        assert_eq!(server.run(Some(&site.database), events), "0\n", "{at}");
        assert!(!text(&output.stdout).contains("--finish"), "{at}");
        site.remove();
    }
}

fn cut_off(site: &Site, nth: usize, fresh: &str, path: &str) -> (bool, String) {
    let count = AtomicUsize::new(0);
    let is_cut = Arc::new(AtomicBool::new(false));
    let cut = Arc::clone(&is_cut);
    let proxy = Proxy::start(site.socket(), move |sql| {
        // The statements of the dump program go through as well.
        if changes(sql) && count.fetch_add(1, Ordering::SeqCst) == nth {
            cut.store(true, Ordering::SeqCst);
            return match nth % 2 {
                0 => Action::Cut,
                _ => Action::PassThenCut,
            };
        }
        Action::Pass
    });
    let output = apply(site, &proxy.url(&site.database), fresh, path);
    let is_cut = is_cut.load(Ordering::SeqCst);
    let expected = if is_cut { Some(2) } else { Some(0) };
    assert_eq!(
        output.status.code(),
        expected,
        "{nth}: {}",
        text(&output.stderr)
    );
    (is_cut, text(&output.stderr))
}

#[test]
fn wherever_it_is_cut_off_the_site_is_as_it_was_or_the_way_back_that_is_printed_works() {
    for server in both() {
        if !common::everything() && server.is_mysql() {
            continue;
        }
        let site = Site::new(server, "rollback_in_place_cut");
        let path = programs(server, site.folder.path());
        let step = common::every(25);
        let mut nth = 0;
        loop {
            let fresh = format!("fresh{nth}.sql.gz");
            let at = format!("{} cut at {nth}", server.name);
            let (is_cut, said) = cut_off(&site, nth, &fresh, &path);
            if !is_cut {
                assert!(nth > 60, "{at}");
                break;
            }
            match said.split_once("brings them back: ") {
                Some((_, rest)) => {
                    let way_back = rest.lines().next().expect("a command");
                    // The way through the proxy has ended.
                    let socket = format!("--socket={}", site.socket().display());
                    let words = way_back.split(' ').map(|word| match word {
                        word if word.starts_with("--socket=") => &socket,
                        word => word,
                    });
                    let way_back = words.collect::<Vec<_>>().join(" ");
                    shell(&site, &way_back, &path);
                }
                // Cut while the site is read: nothing had begun.
                None => {
                    let had_begun = said.contains("fresh backup of what goes into");
                    assert!(!had_begun || said.contains("is as it was"), "{at}: {said}");
                }
            }
            site.holds(&site.before, &at);
            nth += step;
        }
        site.holds(&site.after, &server.name);
        site.remove();
    }
}

#[test]
fn without_a_dump_program_of_the_servers_own_nothing_is_begun() {
    for server in both() {
        let site = Site::new(server, "rollback_in_place_no");
        let empty = site.folder.path().join("empty");
        fs::create_dir(&empty).expect("a folder");
        // MariaDB's programs do not write all that MySQL has.
        let path = match server.is_mysql() {
            true => std::env::var("PATH").unwrap_or_default(),
            false => empty.display().to_string(),
        };
        let output = apply(&site, &site.url(), "fresh.sql", &path);
        let errors = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{}: {errors}", server.name);
        assert!(errors.contains("install the client programs"), "{errors}");
        site.holds(&site.before, &server.name);
        assert!(!site.folder.path().join("fresh.sql").exists());
        site.remove();
    }
}

#[test]
fn a_site_that_changes_while_it_is_backed_up_is_left_as_it_is() {
    let Some(server) = crate::server::installed() else {
        return;
    };
    let site = Site::new(server, "rollback_in_place_busy");
    let path = programs(server, site.folder.path());
    // A dump program that writes the rows of before.
    let bin = site.folder.path().join("bin");
    fs::create_dir(&bin).expect("a folder");
    let script = format!(
        "#!/bin/sh\nPATH='{path}'\nmariadb-dump \"$@\" || exit\n[ \"$1\" = --version ] || mariadb --socket='{}' -uroot \
         rollback_in_place_busy -e \"UPDATE civicrm_email SET email = CONCAT(email, 'x') LIMIT 1\"\n",
        server.socket().display()
    );
    let program = bin.join("mariadb-dump");
    fs::write(&program, script).expect("it is written");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("it can be run");
    let output = apply(
        &site,
        &site.url(),
        "fresh.sql",
        &format!("{}:{path}", bin.display()),
    );
    let errors = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{errors}");
    assert!(
        errors.contains("is not what the site holds (the rows of civicrm_"),
        "{errors}"
    );
    assert!(errors.contains("is as it was"), "{errors}");
    let tables = site
        .now()
        .keys()
        .filter(|what| what.starts_with("TABLE "))
        .count();
    let before = site
        .before
        .keys()
        .filter(|what| what.starts_with("TABLE "))
        .count();
    assert_eq!(tables, before);
    site.remove();
}
