//! Steps that make the backup, and prove it.

use super::model::{State, Step, Steps};
use super::subject::{Subject, options_of};
use crate::cms::Platform;
use crate::server::login::Login;
use crate::server_version::Family;
use crate::settings::parse_dsn;
use crate::text::shell_word;

/// The steps of the backup.
pub(super) fn steps(subject: &Subject, steps: &mut Steps) {
    steps.add(backup(subject));
    backup_others(subject, steps);
    steps.add(backup_works(subject));
    steps.add(backup_files(subject));
}

/// The dump program with the options that this database needs; of a database of this name, or the site's own with
/// everything that leads to it.
pub(super) fn dump_command(subject: &Subject, rest: &str) -> (String, Vec<String>) {
    let snapshot = &subject.case.snapshot;
    let server = subject.server();
    let mut words = vec![match subject.has_mariadb_names() {
        true => "mariadb-dump",
        false => "mysqldump",
    }];
    let mut why = Vec::new();
    let is_innodb = |engine: &str| engine.eq_ignore_ascii_case("InnoDB");
    let tables = snapshot.schema.tables.iter();
    let others: Vec<&str> = tables
        .filter(|(_, table)| {
            table
                .engine
                .as_deref()
                .is_some_and(|engine| !is_innodb(engine))
        })
        .map(|(name, _)| name.as_str())
        .collect();
    match &others[..] {
        [] => {
            words.push("--single-transaction");
            why.push(
                "--single-transaction: all tables are InnoDB, so that none has to be locked."
                    .to_owned(),
            );
        }
        [first, ..] => {
            words.push("--lock-tables");
            why.push(format!(
                "--lock-tables: {} of another engine than InnoDB ({first}), which change under a transaction.",
                crate::text::count(others.len() as u64, "table")
            ));
        }
    }
    words.push("--quick");
    words.extend(["--routines", "--triggers"]);
    why.push(
        "--routines --triggers: without them a restored site lacks its functions and triggers."
            .to_owned(),
    );
    if !snapshot.schema.events.is_empty() {
        words.push("--events");
        why.push("--events: the database has events.".to_owned());
    }
    words.push("--hex-blob");
    let has_utf8mb4 = server.is_none_or(|server| server.number >= (5, 5, 3));
    words.push(match has_utf8mb4 {
        true => "--default-character-set=utf8mb4",
        false => "--default-character-set=utf8",
    });
    let is_mysql = |number| server.is_some_and(|server| server.at_least(Family::Mysql, number));
    if is_mysql((5, 7, 31)) {
        words.push("--no-tablespaces");
        why.push("--no-tablespaces: the account needs no PROCESS privilege for it.".to_owned());
    }
    let facts = snapshot.server.as_ref();
    let gtid_mode = facts.and_then(|facts| facts.variable("gtid_mode"));
    if gtid_mode.is_some_and(|mode| mode.eq_ignore_ascii_case("ON")) {
        words.push("--set-gtid-purged=OFF");
        why.push("--set-gtid-purged=OFF: the server numbers transactions, and the dump is for any server.".to_owned());
    }
    let large = snapshot
        .dump
        .as_ref()
        .is_some_and(|dump| !dump.large_statements.is_empty());
    if large {
        words.push("--max-allowed-packet=1G");
        why.push("--max-allowed-packet: the source has very long rows.".to_owned());
    }
    (format!("{} {rest}", words.join(" ")), why)
}

fn backup(subject: &Subject) -> Step {
    let options = subject.client_options();
    let rest = format!("--result-file=\"$BACKUP\" {options}");
    let (command, why) = dump_command(subject, &rest);
    let mut step = Step::new("backup", "Back up the database").why(
        "This is what the site goes back to, so it is made when nothing changes the site any more.",
    );
    for sentence in why {
        step = step.how(sentence);
    }
    let step = step.run(command).check("cividb verify \"$BACKUP\"");
    let step = match subject.connection {
        Some(_) => step.check("cividb verify \"$BACKUP\" --against \"$SITE\""),
        None if subject.dsn().is_some() => step.check("cividb verify \"$BACKUP\" --against \"$SITE\""),
        None => step.how("Add --host, --user and --password as CIVICRM_DSN has them; the program asks for the password."),
    };
    step.trap(
        "Many programs leave triggers and routines out without a word: phpMyAdmin, plugins of WordPress, Backup and Migrate. \
         cividb verify says which are missing.",
    )
}

fn backup_others(subject: &Subject, steps: &mut Steps) {
    const ID: &str = "backup-others";
    let login = |name: &str| parse_dsn(subject.setting(name)?.as_bytes()).ok();
    let of_setting = |name: &str| login(name)?.database;
    let own = subject.database();
    let mut others: Vec<(String, &str, Option<Login>)> = Vec::new();
    if let Some(database) = of_setting("CIVICRM_UF_DSN").filter(|it| Some(it) != own.as_ref()) {
        others.push((database, "the tables of the CMS", login("CIVICRM_UF_DSN")));
    }
    let logging = subject.case.snapshot.server.as_ref();
    let logging = logging.and_then(|facts| facts.logging_database.clone());
    let logging = logging.or_else(|| of_setting("CIVICRM_LOGGING_DSN"));
    if let Some(database) = logging.filter(|it| Some(it) != own.as_ref()) {
        others.push((
            database,
            "the log tables of CiviCRM",
            login("CIVICRM_LOGGING_DSN"),
        ));
    }
    others.dedup_by(|a, b| a.0 == b.0);
    if others.is_empty() {
        let names_own = own.is_some() && of_setting("CIVICRM_UF_DSN") == own;
        match (subject.cms().is_some(), subject.platform()) {
            (true, _) => steps.leave_out(ID, "the tables of the CMS are in the same database, so that the backup has them"),
            (_, Some(Platform::Standalone)) => steps.leave_out(ID, "CiviCRM Standalone has one database"),
            _ if names_own => steps.add(
                Step::new(ID, "Back up the database of the CMS as well")
                    .state(State::Look, "Its tables are not in this database, although CIVICRM_UF_DSN names it.")
                    .how("The settings file of the CMS names the database that the CMS uses. Where that is another one, dump it with the same options."),
            ),
            _ => steps.add(
                Step::new(ID, "Back up the database of the CMS as well")
                    .state(State::Look, "Its tables are not in this database.")
                    .how("CIVICRM_UF_DSN of civicrm.settings.php names it; dump it with the same options."),
            ),
        }
        return;
    }
    let mut step = Step::new(ID, "Back up the other databases of the site")
        .why("They are not in the backup above.");
    let are_known = others.iter().all(|(.., login)| login.is_some());
    for (database, what, login) in others {
        let file = format!(
            "\"$BACKUP.{}.sql\"",
            database.replace(|c: char| !c.is_ascii_alphanumeric(), "_")
        );
        let options = match login {
            Some(login) => options_of(login.into(), Some(&database)),
            None => shell_word(&database),
        };
        let rest = format!("--result-file={file} {options}");
        let (command, _) = dump_command(subject, &rest);
        step = step
            .how(format!("The database {database} has {what}."))
            .run(command)
            .check(format!("cividb verify {file} --no-civicrm"));
    }
    steps.add(match are_known {
        true => step,
        false => step.how(
            "Add --host, --user and --password as the settings file has them for these databases.",
        ),
    });
}

fn backup_works(subject: &Subject) -> Step {
    let target = &subject.forecast.target;
    Step::new("backup-works", "Prove that the backup restores to a database that works")
        .why("A backup that nobody has restored is a hope.")
        .how("It is restored on a private server of this machine, where every view is read, every function called and every trigger fired.")
        .run("cividb rehearse \"$BACKUP\"")
        .check(format!("cividb preflight \"$BACKUP\" --target {target}"))
        .check("cividb rollback \"$BACKUP\" \"$SITE\"")
        .how("The last line shows whether the way back is open, and changes nothing; where the account may not make the databases for it, it prints the GRANTs.")
}

fn backup_files(subject: &Subject) -> Step {
    let step = Step::new(
        "backup-files",
        "Keep the code, the files and the settings file of now",
    )
    .why("To go back, the old code is needed with the old database.")
    .run("mkdir -p \"$ASIDE\"");
    let step = match subject.settings {
        Some(settings) => step.run(format!(
            "cp -p {} \"$ASIDE/\"",
            shell_word(&settings.path.display().to_string())
        )),
        None => step.how("Copy civicrm.settings.php into the folder $ASIDE."),
    };
    let code = subject.exchanged();
    let step = step.run(format!(
        "tar -czf \"$ASIDE/code.tar.gz\" -C \"$(dirname {code})\" \"$(basename {code})\""
    ));
    let step = step.run("tar -czf \"$ASIDE/files.tar.gz\" -C \"$(dirname \"$COMPILED\")\" .");
    step.trap("Keep them out of the web root, and out of the folders for modules: settings files hold passwords, and a CMS runs code that it finds.")
}
