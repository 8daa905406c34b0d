//! Answers about rows, as an upgrade on paper takes them.

use super::question::{Question, Questions, What, is_about};
use super::{Answer, Answers, Sample};
use crate::preflight::failure::RowCause;
use crate::preflight::rows::{RowAnswers, RowNeed};
use crate::text::count;

/// The rows for which a need of the upgrade is not met.
pub fn row_answers(needs: &[RowNeed], questions: &Questions, answers: &Answers) -> RowAnswers {
    let mut found = RowAnswers::default();
    for need in needs {
        let is_answer = |answer: &&Answer| {
            let question = questions.list.get(answer.question);
            question.is_some_and(|question| is_about(need, &question.table, &question.what))
        };
        let Some(answer) = answers.list.iter().find(is_answer) else {
            continue;
        };
        if let Some(question) = questions.list.get(answer.question) {
            found.add(&need.table, &need.rows, cause(question, answer));
        }
    }
    found
}

/// The needs that could not be looked at, each with the reason.
pub fn not_answered(needs: &[RowNeed], questions: &Questions, answers: &Answers) -> Vec<String> {
    let skipped = answers.not_answered.iter().filter_map(|skipped| {
        let question = questions.list.get(skipped.question)?;
        let is_needed = needs
            .iter()
            .any(|need| is_about(need, &question.table, &question.what));
        is_needed.then(|| format!("{}.{}: {}", question.table, question.subject(), skipped.why))
    });
    skipped.collect()
}

fn cause(question: &Question, answer: &Answer) -> RowCause {
    let table = &question.table;
    let rows = answer
        .rows
        .map_or_else(|| "rows".to_owned(), |rows| count(rows, "row"));
    let one = answer.rows == Some(1);
    let (what, mend) = match &question.what {
        What::Orphans(link) => (
            format!(
                "{rows} of {table} {} in {} to rows of {} that do not exist",
                if one { "refers" } else { "refer" },
                link.column,
                link.parent
            ),
            format!(
                "Clear the rows before the upgrade: cividb repair foreign-keys --orphans set-null,delete shows them and \
                 what becomes of them, and does it with --apply; or by hand: {}",
                by_hand(question, answer)
            ),
        ),
        What::Duplicates(key) => {
            let columns: Vec<&str> = key.parts.iter().map(|part| part.column.as_str()).collect();
            (
                format!("{rows} of {table} are equal in {}", columns.join(", ")),
                format!(
                    "Merge or delete the rows that are there twice before the upgrade{}.",
                    keys(answer)
                ),
            )
        }
        What::Nulls(column) => (
            format!(
                "{rows} of {table} {} NULL in {column}",
                if one { "has" } else { "have" }
            ),
            format!(
                "Give {table}.{column} a value in these rows before the upgrade{}.",
                keys(answer)
            ),
        ),
        What::Unfit(column, fit) => (
            format!(
                "{rows} of {table} {} in {column} a value that is not {}",
                if one { "has" } else { "have" },
                fit.words()
            ),
            format!(
                "Set {table}.{column} of these rows to {} before the upgrade{}.",
                fit.words(),
                keys(answer)
            ),
        ),
        What::ZeroDates(column) => (
            format!(
                "{rows} of {table} {} a date without a day or month in {column}",
                if one { "has" } else { "have" }
            ),
            format!(
                "Set {table}.{column} of these rows to NULL or to the right day before the upgrade{}.",
                keys(answer)
            ),
        ),
        What::Rule(rule) => (
            format!("{rows} of {table} {}", rule.message),
            rule.fix.to_owned(),
        ),
        What::PolymorphicOrphans(_) => (String::new(), String::new()),
    };
    let entry = match &question.what {
        What::ZeroDates(_) | What::Duplicates(_) | What::Unfit(..) => answer
            .samples
            .first()
            .and_then(|sample| sample.value.clone()),
        _ => None,
    };
    RowCause {
        table: table.clone(),
        subject: Some(question.subject().to_owned()),
        what,
        rows: answer.rows,
        samples: answer
            .samples
            .iter()
            .flat_map(|sample| sample.keys.iter().cloned())
            .collect(),
        entry,
        has_run_before: false,
        mend,
    }
}

fn by_hand(question: &Question, answer: &Answer) -> String {
    let values: Vec<&str> = answer
        .samples
        .iter()
        .filter_map(|sample| sample.value.as_deref())
        .collect();
    let column = question.subject();
    match values.is_empty() {
        true => format!("look at {}.{column}.", question.table),
        false => format!(
            "look at {}.{column} = {}.",
            question.table,
            values.join(", ")
        ),
    }
}

fn keys(answer: &Answer) -> String {
    let keys: Vec<&str> = answer
        .samples
        .iter()
        .flat_map(|Sample { keys, .. }| keys.iter().map(String::as_str))
        .collect();
    match keys.as_slice() {
        [] => String::new(),
        [key] => format!(" (key {key})"),
        _ => format!(" (keys {})", keys.join(", ")),
    }
}
