//! What an upgrade on paper ([`crate::preflight`]) comes to, as findings.

use super::{Check, Examination, Finding, Findings, Group, Lack, Need, Rule, Severity};
use crate::preflight::failure::{Cause, Failure, Retry, When};
use crate::preflight::mend::Mend;
use crate::preflight::server_model::{ServerError, ServerModel};
use crate::preflight::{Forecast, SilentDamage};
use crate::text::{printable, sql_on_one_line};

/// The checks of this file.
pub(super) const CHECKS: &[&Check] = &[&UPGRADE_STOPS, &UPGRADE_MAY_STOP, &UPGRADE_DAMAGE];

pub(crate) static UPGRADE_STOPS: Check = Check {
    id: "upgrade-stops",
    severity: Severity::Error,
    title: "the upgrade stops",
    why: "CiviCRM stops in the middle of the upgrade; the database then has no triggers, and often only the backup \
            helps.",
    fix: "Do before the upgrade what the finding says; cividb repair for-upgrade --target does it.",
    example: "step 6.14.alpha1, task \"Make WordReplacement \"find_word\" required.\": ALTER TABLE \
            civicrm_word_replacement MODIFY COLUMN fails with error 1146 (Table 'civicrm.civicrm_word_replacement' doesn't exist); \
            CiviCRM shows \"DB Error: no such table\"",
    source: "the operations of every step, schemas/upgrade; measured with CiviCRM 5.33.2 and 5.81.2",
    rules: &[Rule::new(Group::Upgrade, &[Need::Forecast], stops)],
};

pub(crate) static UPGRADE_MAY_STOP: Check = Check {
    id: "upgrade-may-stop",
    severity: Severity::Warning,
    title: "the upgrade stops if a condition holds that only the site can tell",
    why: "If the condition holds, CiviCRM stops in the middle of the upgrade.",
    fix: "Look whether the condition holds; if so, do before the upgrade what the finding says.",
    example: "if a tab is one of a custom group: step 6.1.alpha1, task \"Update afform tab names\": SELECT from \
            civicrm_custom_group fails with error 1146 (Table 'civicrm.civicrm_custom_group' doesn't exist); CiviCRM \
            shows \"DB Error: no such table\"",
    source: "the operations of every step, schemas/upgrade",
    rules: &[Rule::new(Group::Upgrade, &[Need::Forecast], may_stop)],
};

pub(crate) static UPGRADE_DAMAGE: Check = Check {
    id: "upgrade-damage",
    severity: Severity::Warning,
    title: "the upgrade says that it succeeded, and leaves something wrong",
    why: "Nobody notices until a feature of CiviCRM or a later upgrade fails.",
    fix: "Do before the upgrade what the finding says.",
    example: "civicrm_translation: the foreign key on source_key is not made, because the engine MyISAM has none (step \
            6.14.alpha1)",
    source: "measured with CiviCRM 5.33.2 and 5.81.2",
    rules: &[Rule::new(Group::Upgrade, &[Need::Forecast], damage)],
};

fn stops(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let Some(forecast) = examined.forecast else {
        return;
    };
    for failure in &forecast.failures {
        findings.push(of_failure(check, failure, forecast));
    }
    if !forecast.path.is_empty() {
        not_on_paper(check, examined, forecast, findings);
    }
}

/// The first code that runs the upgraders of extensions in the same run.
const RUNS_EXTENSIONS: (u32, u32) = (5, 34);

/// Says what CiviCRM does in the same run and the paper run does not. It goes well on healthy sites, so that it does not
/// make the result incomplete.
fn not_on_paper(
    check: &'static Check,
    examined: &Examination,
    forecast: &Forecast,
    findings: &mut Findings,
) {
    let Some(site) = &examined.case.site else {
        return;
    };
    let locales = site.locales();
    if !locales.is_empty() {
        let why = "the views, triggers and indexes that CiviCRM makes anew for the languages of the site were not made \
                   on paper";
        let is_of_language = |damage: &SilentDamage| {
            let mut locales = locales.iter();
            locales.any(|locale| damage.what.contains(&format!("_{locale}")))
        };
        findings.skip(
            check,
            match forecast.silent.iter().any(is_of_language) {
                // They are made of the columns of each language.
                true => Lack::of_promised(format!(
                    "{why}, and a column of a language is not as they need it"
                )),
                false => Lack::of_course(why),
            },
        );
    }
    let extensions = site.extensions.as_deref().unwrap_or_default();
    if forecast.target.major_minor() >= RUNS_EXTENSIONS && !extensions.is_empty() {
        const SHOWN: usize = 5;
        let shown: Vec<&str> = extensions.iter().take(SHOWN).map(String::as_str).collect();
        let more = match extensions.len().checked_sub(SHOWN) {
            None | Some(0) => String::new(),
            Some(more) => format!(" and {more} more"),
        };
        let why = format!(
            "the upgrades of extensions, which follow in the same run, were not run on paper: {}{more}",
            shown.join(", ")
        );
        findings.skip(check, Lack::of_course(why));
    }
}

fn may_stop(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let Some(forecast) = examined.forecast else {
        return;
    };
    for failure in &forecast.possible {
        findings.push(of_failure(check, failure, forecast));
    }
}

fn damage(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let Some(forecast) = examined.forecast else {
        return;
    };
    for SilentDamage { step, table, what } in &forecast.silent {
        let step = step
            .as_ref()
            .map_or_else(String::new, |step| format!(" (step {step})"));
        let fix = match what.contains("engine") {
            true => "Give the table the engine InnoDB before the upgrade: cividb repair engine.",
            false => "Bring it back before the upgrade: cividb diff --sql prints what makes it.",
        };
        findings
            .push(Finding::new(check, format!("{table}: {what}{step}"), fix).about("table", table));
    }
}

/// Rows that stop the upgrade are said once: by the finding that says where it stops, which gets them.
pub(super) fn take_over_rows(examined: &Examination, findings: &mut Findings) {
    let Some(forecast) = examined.forecast else {
        return;
    };
    for failure in &forecast.failures {
        let Some(cause) = failure.cause.rows() else {
            continue;
        };
        let is_about = |finding: &Finding| {
            let object = finding.object.as_ref();
            finding.rows.is_some()
                && finding.check.id != UPGRADE_STOPS.id
                && object.is_some_and(|object| {
                    object.table.as_ref() == Some(&cause.table)
                        && Some(&object.name) == cause.subject.as_ref()
                })
        };
        let Some(place) = findings.list.iter().position(is_about) else {
            continue;
        };
        let message = message(failure, &forecast.server);
        let mut stops = findings.list.iter();
        let Some(stop) = stops
            .position(|finding| finding.check.id == UPGRADE_STOPS.id && finding.message == message)
        else {
            continue;
        };
        let rows = findings
            .list
            .get_mut(place)
            .and_then(|of_rows| of_rows.rows.take());
        if let Some(stop) = findings.list.get_mut(stop) {
            stop.rows = rows;
        }
        findings.list.remove(place);
    }
}

fn of_failure(check: &'static Check, failure: &Failure, forecast: &Forecast) -> Finding {
    let message = message(failure, &forecast.server);
    let message = match &failure.condition {
        Some(condition) => format!("if {condition}: {message}"),
        None => message,
    };
    let finding = Finding::new(check, message, fix(failure));
    match &failure.table {
        Some(table) => finding.about("table", table),
        None => finding,
    }
}

/// Where the upgrade stops, and with which error.
pub fn message(failure: &Failure, server: &ServerModel) -> String {
    let place = match (failure.when, &failure.step, &failure.task) {
        (When::Before, ..) => "before the first step".to_owned(),
        (_, Some(step), Some(task)) => format!("step {step}, task \"{task}\""),
        (_, None, Some(task)) => format!("after the last step, task \"{task}\""),
        _ => "after the last step".to_owned(),
    };
    let shown = &failure.shown;
    let Some(error) = failure.cause.server_error() else {
        let why = match &failure.cause {
            Cause::Check(why) => format!("{why}; "),
            Cause::OwnRows(_, rows) => format!("{}; ", rows.what),
            Cause::OwnKeys(_, table) => format!("{table} has no foreign key at all; "),
            _ => String::new(),
        };
        return format!("{place}: {why}CiviCRM shows \"{shown}\"");
    };
    let statement = match (&failure.cause, failure.operation) {
        // The words of an operation that no statement tells are those of the privilege: LOCK TABLES.
        (Cause::Privilege(privilege, _), Some("other")) => privilege.name().to_owned(),
        (_, operation) => in_words(operation.unwrap_or_default(), failure.table.as_deref()),
    };
    let rows = match &failure.cause {
        Cause::Rows(_, cause) => format!(", because {}", cause.what),
        _ => String::new(),
    };
    format!(
        "{place}: {statement} fails with error {} ({}){rows}; CiviCRM shows \"{shown}\"",
        error.number(server),
        error.text(server)
    )
}

/// An operation as the beginning of its statement: `ALTER TABLE civicrm_contact ADD COLUMN`. `kind` is one that
/// [`Op::kind`](crate::civicrm::upgrade::op::Op::kind) gives.
fn in_words(kind: &str, table: Option<&str>) -> String {
    let table = table.unwrap_or("a table");
    let alter = match kind {
        "alter_table" => Some(""),
        "add_column" => Some(" ADD COLUMN"),
        "drop_column" => Some(" DROP COLUMN"),
        "modify_column" => Some(" MODIFY COLUMN"),
        "change_column" => Some(" CHANGE COLUMN"),
        "set_default" => Some(" ALTER COLUMN"),
        "add_index" => Some(" ADD INDEX"),
        "drop_index" => Some(" DROP INDEX"),
        "add_primary" => Some(" ADD PRIMARY KEY"),
        "drop_primary" => Some(" DROP PRIMARY KEY"),
        "add_foreign_key" => Some(" ADD FOREIGN KEY"),
        "drop_foreign_key" => Some(" DROP FOREIGN KEY"),
        "engine" => Some(" ENGINE"),
        "convert" => Some(" CONVERT TO CHARACTER SET"),
        "auto_increment" => Some(" AUTO_INCREMENT"),
        _ => None,
    };
    if let Some(clause) = alter {
        return format!("ALTER TABLE {table}{clause}");
    }
    match kind {
        "create_table" => format!("CREATE TABLE {table}"),
        "drop_table" => format!("DROP TABLE {table}"),
        "rename_table" => format!("RENAME TABLE {table}"),
        "create_view" => format!("CREATE VIEW {table}"),
        "drop_view" => format!("DROP VIEW {table}"),
        "insert" => format!("INSERT INTO {table}"),
        "update" => format!("UPDATE {table}"),
        "delete" => format!("DELETE FROM {table}"),
        "select" => format!("SELECT from {table}"),
        "drop_triggers" => "DROP TRIGGER".to_owned(),
        "create_trigger" => format!("CREATE TRIGGER on {table}"),
        "create_routine" => "CREATE FUNCTION".to_owned(),
        "rebuild_multilingual" => "making the views and triggers of the languages".to_owned(),
        "api" => format!("a call of CiviCRM's API about {table}"),
        _ => "the statement".to_owned(),
    }
}

/// What to do before the upgrade.
pub fn fix(failure: &Failure) -> String {
    let mut text = match &failure.cause {
        Cause::Version => {
            "Set the version that the schema is of: cividb version --fix --apply.".to_owned()
        }
        Cause::Check(_) => "Change that before the upgrade.".to_owned(),
        Cause::Privilege(_, ServerError::NeedsSuper) => {
            "Set log_bin_trust_function_creators to 1 on the server for the upgrade, or grant SUPER to the account; cividb \
             grants --target prints the statements."
                .to_owned()
        }
        Cause::Privilege(privilege, _) => format!(
            "Grant {} to the account before the upgrade; cividb grants --target prints the statement.",
            privilege.name()
        ),
        Cause::Rows(_, rows) | Cause::OwnRows(_, rows) => rows.mend.clone(),
        Cause::Schema(_) | Cause::OwnKeys(..) => schema_fix(failure),
    };
    if failure.retry == Retry::NeedsBackup {
        text.push_str(" A run that has stopped here cannot go on: restore the backup first.");
    }
    text
}

/// What to do where the schema makes the upgrade stop.
fn schema_fix(failure: &Failure) -> String {
    let lines: Option<Vec<String>> = failure
        .statements()
        .map(|statement| sql_on_one_line(&statement).map(|line| format!("{line};")))
        .collect();
    match lines {
        None => "Run cividb repair for-upgrade --target before the upgrade; a name with a line break keeps its \
                 statements from being shown here."
            .to_owned(),
        Some(lines) if lines.is_empty() => {
            if let Cause::Schema(ServerError::ColumnGenerates { column }) = &failure.cause {
                return format!(
                    "Drop the generated column that is made of {} before the upgrade.",
                    printable(column)
                );
            }
            "Compare the schema with its release before the upgrade: cividb diff.".to_owned()
        }
        Some(lines) => {
            let mut fix = format!("Run before the upgrade: {}", lines.join(" "));
            for caution in failure.mends.iter().filter_map(Mend::caution) {
                fix.push_str(&format!(" {}", printable(&caution)));
            }
            fix
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::civicrm::upgrade::op::Alteration;
    use crate::preflight::server_model::ServerError;
    use crate::schema::model::{Column, KeyPart, Table};

    fn fix_with(mend: Mend) -> String {
        fix(&Failure {
            when: When::Step,
            step: Some("6.14.alpha1".to_owned()),
            task: None,
            operation: None,
            table: None,
            cause: Cause::Schema(ServerError::NoTable {
                table: "t".to_owned(),
            }),
            shown: String::new(),
            version_after: None,
            retry: Retry::Works,
            mends: vec![mend],
            condition: None,
        })
    }

    #[test]
    fn a_statement_to_paste_stands_on_one_line() {
        let mut table = Box::new(Table {
            primary_key: vec![KeyPart::column("id")],
            ..Table::default()
        });
        let number = Column::new("int", false);
        table.columns.insert("id".to_owned(), number);
        let fix = fix_with(Mend::Create {
            name: "t".to_owned(),
            table,
        });
        assert_eq!(
            fix,
            "Run before the upgrade: CREATE TABLE `t` ( `id` int NOT NULL, PRIMARY KEY (`id`) ); The new table t has no \
             rows; those that stood there are only in a backup."
        );
    }

    #[test]
    fn a_name_with_a_line_break_is_never_shown_as_another_name() {
        let fix = fix_with(Mend::Alter {
            table: "t".to_owned(),
            changes: vec![Alteration::DropForeignKey("a\n  b".to_owned())],
        });
        assert!(
            !fix.contains("a b") && fix.contains("cividb repair for-upgrade"),
            "{fix}"
        );
    }
}
