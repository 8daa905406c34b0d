//! Turns the answers of [`crate::integrity`] to questions about rows into findings.
//!
//! How they rank: an *error* stops a restore or an upgrade for certain: a row without its parent,
//! equal rows in a unique key of the database, what an upgrade step tests for. A *warning* may stop
//! it: what the target requires without a step that is known to fail, dates and NULLs that only
//! some servers refuse. What an upgrade step repairs by itself is a *note*.

use super::{
    Check, Examination, Finding, Findings, Group, Lack, Need, Rows, RowsFound, Rule, Severity,
};
use crate::civicrm::release::Version;
use crate::integrity::question::{Basis, Question, Questions, What};
use crate::integrity::{Answer, Sample, rules};
use crate::schema::model::ReferentialAction;
use crate::snapshot::ObjectKind;
use crate::text::{count, thousands};

/// The checks of this file.
pub(super) const CHECKS: &[&Check] = &[
    &ORPHAN_ROWS,
    &DUPLICATE_ROWS,
    &NULL_ROWS,
    &ZERO_DATE,
    &POLYMORPHIC_ORPHAN,
    &UPGRADE_DATA,
];

pub(crate) static ORPHAN_ROWS: Check = Check {
    id: "orphan-rows",
    severity: Severity::Error,
    title: "rows refer to rows that do not exist",
    why: "Adding the foreign key fails with error 1452, in an upgrade as well; pages about such rows fail.",
    fix: "cividb repair foreign-keys --orphans shows the rows and what the foreign key's own rule does \
            with them, and does it with --apply.",
    example: "civicrm_state_province.country_id: 1 row refers to 1 row of civicrm_country that is not there \
            (key 2 → 99); the foreign key cannot be made again, as by a restore with checks on (error 1452)",
    source: "the foreign keys of the database, of its release and of the target",
    rules: &[Rule::new(Group::Rows, &[Need::Rows], answers)],
};

pub(crate) static DUPLICATE_ROWS: Check = Check {
    id: "duplicate-rows",
    severity: Severity::Error,
    title: "rows are equal in a key that is to be unique",
    why: "A restore or an upgrade step that makes the key stops with error 1062.",
    fix: "Merge or delete the rows that are there twice, by hand after a backup.",
    example: "civicrm_location_type (name): 2 rows are equal in the unique key UI_name, 1 set of them (key 1 = \
            2); a restore stops there with error 1062",
    source: "the keys of the database, of its release and of the target; CRM/Upgrade/Incremental",
    rules: &[Rule::new(Group::Rows, &[Need::Rows], answers)],
};

pub(crate) static NULL_ROWS: Check = Check {
    id: "null-rows",
    severity: Severity::Warning,
    title: "NULL in columns that are to be NOT NULL",
    why: "Changing the column gives error 1138 or 1265, or zeros and empty texts without strict \
            mode.",
    fix: "Set the column of these rows to a value that the application understands, by hand after a \
            backup.",
    example: "civicrm_word_replacement.find_word: 1 row is NULL (key 1); the upgrade step 6.14.alpha1 makes the column \
            NOT NULL, which stops with error 1138 or 1265 in strict mode",
    source: "the schemas of the release and of the target; CRM/Upgrade/Incremental",
    rules: &[Rule::new(Group::Rows, &[Need::Rows], answers)],
};

pub(crate) static ZERO_DATE: Check = Check {
    id: "zero-date",
    severity: Severity::Warning,
    title: "dates without a day or month, such as 0000-00-00",
    why: "Every ALTER TABLE that copies the table stops with error 1292 under NO_ZERO_DATE, MySQL's \
            default since 5.7.",
    fix: "Set the dates of these rows to NULL or to the right day, by hand after a backup.",
    example: "civicrm_value_volunteering_1.available_from_2: 1 row is a date without a day or month (key 1 → \
            0000-00-00 00:00:00); an ALTER TABLE that copies the table stops there with error 1292 under \
            NO_ZERO_DATE",
    source: "measured on MySQL 9.7",
    rules: &[Rule::new(Group::Rows, &[Need::Rows], answers)],
};

pub(crate) static POLYMORPHIC_ORPHAN: Check = Check {
    id: "polymorphic-orphan",
    severity: Severity::Warning,
    title: "rows name a table and an id that is not in it",
    why: "No foreign key can keep them; pages and reports about them fail or show nothing.",
    fix: "Delete the rows that nothing needs, by hand after a backup.",
    example: "civicrm_note.entity_id: 1 row refers to 1 row of civicrm_contact that is not there (key 1 → 99); \
            no foreign key keeps them",
    source: "xml/schema (dynamicForeignKey) and schema/*.entityType.php of each release",
    rules: &[Rule::new(Group::Rows, &[Need::Rows], answers)],
};

pub(crate) static UPGRADE_DATA: Check = Check {
    id: "upgrade-data",
    severity: Severity::Error,
    title: "rows that an upgrade step or a feature of CiviCRM stops at",
    why: "The upgrader refuses to go on, or the feature fails.",
    fix: "Follow the advice of the finding before the upgrade.",
    example: "civicrm_membership_status has no active status with the name Deceased; whoever marks a member as \
            deceased gets \"Deceased Membership status is missing or not active\" \
            (CRM/Member/BAO/Membership.php)",
    source: "CRM/Upgrade/Incremental/php of each release",
    rules: &[Rule::new(Group::Rows, &[Need::Rows], answers)],
};

/// From this release on, upgrade steps repair most duplicates before they make a key unique.
const MENDS_DUPLICATES: (u32, u32) = (5, 54);

/// Adds a finding for each answer that belongs to the check. Of a dump that is cut, which other findings say,
/// nothing is reported that the lost rows could disprove.
fn answers(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let Rows::Asked(questions, answers) = examined.rows else {
        return;
    };
    if *check == ORPHAN_ROWS {
        not_asked(questions, examined, findings);
    }
    let question = |index| {
        questions
            .list
            .get(index)
            .filter(|question| check_of(question) == check)
    };
    for skipped in &answers.not_answered {
        if let Some(question) = question(skipped.question) {
            let why = format!("{}.{}: {}", question.table, question.subject(), skipped.why);
            findings.skip(check, Lack::of_promised(why));
        }
    }
    let is_whole = !examined.is_cut();
    for answer in &answers.list {
        let Some(question) = question(answer.question) else {
            continue;
        };
        let wants_others = matches!(
            question.what,
            What::Orphans(_) | What::PolymorphicOrphans(_) | What::Rule(_)
        );
        if is_whole || !wants_others {
            let hides = examined.snapshot().hidden.contains_key(&ObjectKind::Table);
            findings.push(finding(question, answer, hides));
        }
    }
}

/// Notes which references could not be asked about, and why.
fn not_asked(questions: &Questions, examined: &Examination, findings: &mut Findings) {
    let snapshot = examined.snapshot();
    if let Some(why) = snapshot.hidden.get(&ObjectKind::Table) {
        findings.skip(&ORPHAN_ROWS, Lack::of_promised(why));
    }
    if examined.case.state().is_none() {
        let why = "the release is not known, so that only the keys of the database itself were asked about";
        findings.skip(&ORPHAN_ROWS, Lack::of_promised(why));
    }
    if examined.is_cut() {
        let why = "the dump is not whole: rows that seem to be missing may stand where it is cut";
        findings.skip(&ORPHAN_ROWS, Lack::of_promised(why));
        return;
    }
    for why in &questions.not_asked {
        findings.skip(&ORPHAN_ROWS, Lack::of_promised(why));
    }
}

/// The check that a question belongs to.
fn check_of(question: &Question) -> &'static Check {
    match &question.what {
        What::Orphans(_) => &ORPHAN_ROWS,
        What::Duplicates(key) if key.rule.is_some() => &UPGRADE_DATA,
        What::Duplicates(_) => &DUPLICATE_ROWS,
        What::Nulls(_) => &NULL_ROWS,
        What::ZeroDates(_) => &ZERO_DATE,
        What::PolymorphicOrphans(_) => &POLYMORPHIC_ORPHAN,
        What::Rule(_) | What::Unfit(..) => &UPGRADE_DATA,
    }
}

/// The finding about one answer. `hides` says whether the server may hide keys that are there from this account.
fn finding(question: &Question, answer: &Answer, hides: bool) -> Finding {
    let Texts {
        what,
        harm,
        fix,
        expected,
    } = texts(question, answer, hides);
    let mut message = what;
    let shown = samples(question, answer);
    if !shown.is_empty() {
        message.push_str(&format!(" ({shown})"));
    }
    message.push_str(&harm);
    if let Some(file) = &answer.file {
        message.push_str(&format!("; the rows are in {}", file.display()));
    }
    let columns = columns(question);
    let mut finding = Finding::new(check_of(question), message, fix).severity(severity(question));
    finding = match &question.what {
        What::Rule(rule) => finding.about("rule", rule.name),
        What::Duplicates(key) => finding.about("index", &*key.name),
        _ => finding.about("column", question.subject()),
    };
    finding = finding.of_table(&*question.table);
    finding.expected = expected;
    finding.actual = answer.rows.map(|rows| count(rows, "row"));
    finding.rows = Some(RowsFound {
        count: answer.rows,
        values: answer.values,
        columns,
        step: question.step.clone(),
        samples: answer.samples.clone(),
        file: answer.file.clone(),
    });
    finding
}

fn columns(question: &Question) -> Vec<String> {
    match &question.what {
        What::Orphans(link) => vec![link.column.clone()],
        What::Duplicates(key) => key.parts.iter().map(|part| part.column.clone()).collect(),
        What::Nulls(column) | What::ZeroDates(column) | What::Unfit(column, _) => {
            vec![column.clone()]
        }
        What::PolymorphicOrphans(pair) => vec![pair.type_column.clone(), pair.id_column.clone()],
        What::Rule(rule) => rule
            .columns()
            .filter(|(of, _)| of.is_none())
            .map(|(_, column)| column.to_owned())
            .collect(),
    }
}

fn severity(question: &Question) -> Severity {
    let step = question.step.as_deref().and_then(Version::parse);
    match (&question.what, question.basis) {
        (What::Orphans(_), Basis::Target) if step.is_none() => Severity::Warning,
        (What::Duplicates(_), Basis::Own | Basis::Civicrm) => Severity::Error,
        (What::Duplicates(_), _) => match step {
            Some(step) if step.major_minor() < MENDS_DUPLICATES => Severity::Error,
            Some(_) => Severity::Note,
            None => Severity::Warning,
        },
        // The site has lived with it since its own upgrade, or no step looks at it.
        (What::Nulls(_), Basis::Release) => Severity::Note,
        (What::Nulls(_), Basis::Target) if step.is_none() => Severity::Note,
        (What::PolymorphicOrphans(pair), _) => {
            let outlives = rules::pairs_of(&question.table).any(|known| {
                known.id_column.eq_ignore_ascii_case(&pair.id_column) && known.outlives
            });
            match outlives {
                true => Severity::Note,
                false => check_of(question).severity,
            }
        }
        _ => check_of(question).severity,
    }
}

/// The parts of a finding's message, with its fix.
struct Texts {
    what: String,
    harm: String,
    fix: String,
    expected: Option<String>,
}

fn texts(question: &Question, answer: &Answer, hides: bool) -> Texts {
    let table = &question.table;
    // "7 rows" where they were counted, else what is known.
    let rows = |verb_one: &str, verb_many: &str| match answer.rows {
        Some(1) => format!("1 row {verb_one}"),
        Some(rows) => format!("{} {verb_many}", count(rows, "row")),
        None => format!("rows {verb_many}"),
    };
    let step = question.step.as_deref();
    let (what, harm, fix, expected);
    match &question.what {
        What::Orphans(link) => {
            let parents = match answer.values {
                Some(values) => count(values, "row"),
                None => "rows".to_owned(),
            };
            what = format!(
                "{table}.{}: {} to {parents} of {} that {} not there",
                link.column,
                rows("refers", "refer"),
                link.parent,
                if answer.values == Some(1) {
                    "is"
                } else {
                    "are"
                },
            );
            harm = match (question.basis, step) {
                (_, Some(step)) => format!("; the upgrade step {step} stops at them"),
                (Basis::Own, _) => "; the foreign key cannot be made again, as by a restore with checks on (error 1452)".to_owned(),
                (Basis::Release, _) if hides => "; the foreign key of the release, which this account may not see if it is there, cannot be made again (error 1452)".to_owned(),
                (Basis::Release, _) => "; the foreign key of the release cannot be made (error 1452)".to_owned(),
                (Basis::Target, _) => "; the foreign key that the target release has cannot be made (error 1452)".to_owned(),
                (Basis::Civicrm, _) => "; the foreign key that CiviCRM makes for custom data cannot be made (error 1452)".to_owned(),
            };
            let remedy = match link.on_delete {
                ReferentialAction::SetNull => format!(
                    "set {table}.{} to NULL, as its foreign key would have done when they went",
                    link.column
                ),
                ReferentialAction::Cascade => format!(
                    "delete those of {table}, as its foreign key would have done when their parents went"
                ),
                _ => format!(
                    "look at each of {table}: its foreign key would have kept their parents from being deleted"
                ),
            };
            fix = format!(
                "Bring the rows of {} back from an older backup, or {remedy}. First keep the rows: cividb orphans --export FOLDER.",
                link.parent
            );
            expected = Some(format!("a row of {}", link.parent));
        }
        What::Duplicates(key) => {
            let columns = columns(question).join(", ");
            let groups = answer.values.map_or_else(String::new, |groups| {
                format!(", {} of them", count(groups, "set"))
            });
            what = match &question.what {
                What::Duplicates(key) if key.rule.is_some() => {
                    format!("{table} ({columns}): {} equal{groups}", rows("is", "are"))
                }
                _ => format!(
                    "{table} ({columns}): {} equal in the unique key {}{groups}",
                    rows("is", "are"),
                    key.name
                ),
            };
            harm = match (key.rule, question.basis, step) {
                (Some(rule), ..) => format!("; {}", rule.harm),
                (_, Basis::Own, _) => "; a restore stops there with error 1062".to_owned(),
                (_, _, Some(step)) if severity(question) == Severity::Note => {
                    format!(
                        "; the upgrade step {step} repairs most such rows before it makes the key unique"
                    )
                }
                (_, _, Some(step)) => format!(
                    "; the upgrade step {step}, which makes the key unique, stops with error 1062"
                ),
                (_, Basis::Release, _) => {
                    "; the unique key of the release is not there and cannot be made (error 1062)"
                        .to_owned()
                }
                _ => "; the unique key that the target release has cannot be made (error 1062)"
                    .to_owned(),
            };
            fix = match key.rule {
                Some(rule) => rule.fix.to_owned(),
                None => "Merge or change all but one of each set; first keep them: cividb orphans --export FOLDER."
                    .to_owned(),
            };
            expected = Some("different values".to_owned());
        }
        What::Nulls(column) => {
            what = format!("{table}.{column}: {} NULL", rows("is", "are"));
            harm = match (question.basis, step) {
                (Basis::Target, Some(step)) => format!(
                    "; the upgrade step {step} makes the column NOT NULL, which stops with error 1138 or 1265 in strict mode"
                ),
                (Basis::Target, None) => {
                    "; the target release has the column NOT NULL, and no upgrade step changes it"
                        .to_owned()
                }
                _ => "; the release has the column NOT NULL".to_owned(),
            };
            fix = "Set a value that says the same, such as 0 or an empty text, before the column is changed.".to_owned();
            expected = Some("NOT NULL".to_owned());
        }
        What::Unfit(column, fit) => {
            what = format!(
                "{table}.{column}: {} not {}",
                rows("is", "are"),
                fit.words()
            );
            let step = step.map_or_else(String::new, |step| format!(" {step}"));
            harm = format!(
                "; the upgrade step{step} gives the column another type, which stops in strict mode"
            );
            fix = format!(
                "Set {table}.{column} of these rows to {} before the upgrade.",
                fit.words()
            );
            expected = Some(fit.words());
        }
        What::ZeroDates(column) => {
            what = format!(
                "{table}.{column}: {} without a day or month",
                rows("is a date", "are dates")
            );
            harm = "; an ALTER TABLE that copies the table stops there with error 1292 under NO_ZERO_DATE".to_owned();
            fix = "Set them to NULL where the column allows it, otherwise to a date that you write down.".to_owned();
            expected = Some("a date or NULL".to_owned());
        }
        What::PolymorphicOrphans(pair) => {
            let named = answer.names.as_deref().unwrap_or("a table");
            what = format!(
                "{table}.{}: {} to {} of {named} that {} not there",
                pair.id_column,
                rows("refers", "refer"),
                answer
                    .values
                    .map_or_else(|| "rows".to_owned(), |values| count(values, "row")),
                if answer.values == Some(1) {
                    "is"
                } else {
                    "are"
                },
            );
            harm = match severity(question) {
                Severity::Note => "; such rows are kept when what they tell of goes".to_owned(),
                _ => "; no foreign key keeps them".to_owned(),
            };
            fix = "Delete the rows if what they belonged to was deleted on purpose; first keep them: cividb orphans --export FOLDER.".to_owned();
            expected = Some(format!("a row of {named}"));
        }
        What::Rule(rule) => {
            what = match answer.rows {
                Some(rows) => format!("{} of {table} {}", count(rows, "row"), rule.message),
                None if answer.values.is_some() => format!("rows of {table} {}", rule.message),
                None => rule.message.to_owned(),
            };
            harm = format!("; {}", rule.harm);
            fix = rule.fix.to_owned();
            expected = None;
        }
    }
    Texts {
        what,
        harm,
        fix,
        expected,
    }
}

/// The first offending rows as text: `id 5 → 99, id 7 → 99, …`.
fn samples(question: &Question, answer: &Answer) -> String {
    let arrow = matches!(
        question.what,
        What::Orphans(_)
            | What::PolymorphicOrphans(_)
            | What::ZeroDates(_)
            | What::Rule(_)
            | What::Unfit(..)
    );
    let one = |sample: &Sample| -> Option<String> {
        let keys = sample.keys.join(" = ");
        match (&sample.value, keys.is_empty()) {
            (Some(value), true) => Some(value.clone()),
            (Some(value), false) if arrow => Some(format!("{keys} → {value}")),
            (_, false) => Some(keys),
            (None, true) => None,
        }
    };
    let shown: Vec<String> = answer.samples.iter().filter_map(one).collect();
    if shown.is_empty() {
        return String::new();
    }
    let total = match question.what {
        What::Duplicates(_) => answer.values,
        _ => answer.rows,
    };
    let more = total.unwrap_or(0).saturating_sub(shown.len() as u64);
    let more = if more > 0 {
        format!(", and {} more", thousands(more))
    } else {
        String::new()
    };
    let keyed = answer.samples.iter().any(|sample| !sample.keys.is_empty());
    let what = if keyed { "key" } else { "value" };
    format!("{what} {}{more}", shown.join(", "))
}
