//! Stored programs (triggers, routines, events) and views, read from information_schema.

use indexmap::{IndexMap, IndexSet};

use super::name;
use crate::schema::lexer::{Lexer, SqlModes, Token};
use crate::schema::model::{
    Account, ByName, Event, Routine, RoutineKind, Trigger, TriggerEvent, TriggerTiming, View,
};
use crate::schema::sql::{identifier, string};
use crate::server::answer::{Answer, account, text};
use crate::snapshot::Row;

fn definer(row: &Row) -> Option<Account> {
    text(row, "definer").map(|definer| account(&definer))
}

pub(super) fn triggers(answer: &Answer) -> ByName<Trigger> {
    let trigger = |row: &Row| {
        let timing = match name(row, "action_timing").as_str() {
            "BEFORE" => TriggerTiming::Before,
            _ => TriggerTiming::After,
        };
        let event = match name(row, "event_manipulation").as_str() {
            "INSERT" => TriggerEvent::Insert,
            "UPDATE" => TriggerEvent::Update,
            _ => TriggerEvent::Delete,
        };
        let trigger = Trigger {
            table: name(row, "event_object_table"),
            timing,
            event,
            definer: definer(row),
            body: name(row, "action_statement"),
            sql_mode: text(row, "sql_mode"),
        };
        (name(row, "trigger_name"), trigger)
    };
    answer.iter().map(trigger).collect()
}

/// Reads views; `None` for a view whose query the account may not see.
pub(super) fn views(answer: &Answer, database: &str) -> IndexMap<String, Option<View>> {
    let view = |row: &Row| {
        let mut query = without_database(&name(row, "view_definition"), database);
        if let Some(option) = text(row, "check_option").filter(|option| option != "NONE") {
            query.push_str(&format!(" WITH {option} CHECK OPTION"));
        }
        let view = View {
            definer: definer(row),
            query,
            sql_mode: None,
        };
        let is_seen = text(row, "view_definition").is_some_and(|query| !query.is_empty());
        (name(row, "table_name"), is_seen.then_some(view))
    };
    answer.iter().map(view).collect()
}

/// The views that run with the privileges of whoever reads them.
pub(super) fn views_by_invoker(answer: &Answer) -> IndexSet<String> {
    let is_by_invoker = |row: &&Row| name(row, "security_type") == "INVOKER";
    let views = answer.iter().filter(is_by_invoker);
    views.map(|row| name(row, "table_name")).collect()
}

/// A view of which the account may only know that it exists.
pub(super) fn unseen_view() -> View {
    View {
        definer: None,
        query: String::new(),
        sql_mode: None,
    }
}

/// The query without the current database before its names, as SHOW CREATE VIEW prints it.
fn without_database(query: &str, database: &str) -> String {
    let mut lexer = Lexer::new(query, SqlModes::default());
    let mut shortened = String::with_capacity(query.len());
    let mut copied = 0;
    let mut before = lexer.next_lexeme();
    // Whether the token before `before` was a dot; a name after a dot is not a database.
    let mut after_dot = false;
    while before.token != Token::End {
        let next = lexer.next_lexeme();
        let names_it = matches!(&before.token, Token::Quoted(name) if name == database);
        let is_dot = next.token == Token::Symbol('.');
        if names_it && is_dot && !after_dot {
            shortened.push_str(query.get(copied..before.start).unwrap_or_default());
            copied = next.end;
        }
        after_dot = before.token == Token::Symbol('.');
        before = next;
    }
    shortened.push_str(query.get(copied..).unwrap_or_default());
    shortened
}

/// Reads functions and procedures; the flag says whether the account may see every body.
pub(super) fn routines(
    answer: &Answer,
    parameters: &Answer,
) -> (IndexMap<(RoutineKind, String), Routine>, bool) {
    let mut all_seen = true;
    let mut routine = |row: &Row| {
        let kind = match name(row, "routine_type").as_str() {
            "FUNCTION" => RoutineKind::Function,
            "PROCEDURE" => RoutineKind::Procedure,
            // MariaDB's packages are neither functions nor procedures.
            _ => return None,
        };
        let routine_name = name(row, "routine_name");
        let body = text(row, "routine_definition");
        all_seen &= body.is_some();
        let parameters: Vec<String> = parameters
            .iter()
            .filter(|parameter| {
                text(parameter, "specific_name").as_ref() == Some(&routine_name)
                    && text(parameter, "routine_type") == text(row, "routine_type")
            })
            .map(|parameter| {
                let data_type = name(parameter, "dtd_identifier");
                let parameter_name = identifier(&name(parameter, "parameter_name"));
                match text(parameter, "parameter_mode").filter(|_| kind == RoutineKind::Procedure) {
                    Some(mode) => format!("{mode} {parameter_name} {data_type}"),
                    None => format!("{parameter_name} {data_type}"),
                }
            })
            .collect();
        let mut definition = format!("({})", parameters.join(", "));
        if kind == RoutineKind::Function {
            definition.push_str(&format!(" RETURNS {}", name(row, "dtd_identifier")));
        }
        if name(row, "is_deterministic") == "YES" {
            definition.push_str(" DETERMINISTIC");
        }
        definition.push_str(&format!(
            " {} SQL SECURITY {}\n{}",
            name(row, "sql_data_access"),
            name(row, "security_type"),
            body.unwrap_or_default()
        ));
        let routine = Routine {
            definer: definer(row),
            definition,
            sql_mode: text(row, "sql_mode"),
        };
        Some(((kind, routine_name), routine))
    };
    let routines = answer.iter().filter_map(&mut routine).collect();
    (routines, all_seen)
}

pub(super) fn events(answer: &Answer) -> ByName<Event> {
    let event = |row: &Row| {
        let mut definition = String::from("ON SCHEDULE ");
        match (text(row, "interval_value"), text(row, "execute_at")) {
            (Some(every), _) => {
                let unit = name(row, "interval_field");
                definition.push_str(&format!("EVERY {} {unit}", string(&every)));
                for (word, column) in [("STARTS", "starts"), ("ENDS", "ends")] {
                    if let Some(time) = text(row, column) {
                        definition.push_str(&format!(" {word} {}", string(&time)));
                    }
                }
            }
            (None, at) => definition.push_str(&format!("AT {}", string(&at.unwrap_or_default()))),
        }
        definition.push_str(&format!(
            " ON COMPLETION {} DO {}",
            name(row, "on_completion"),
            name(row, "event_definition")
        ));
        let event = Event {
            definer: definer(row),
            definition,
            sql_mode: text(row, "sql_mode"),
        };
        (name(row, "event_name"), event)
    };
    answer.iter().map(event).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_current_database_is_taken_out_of_a_query() {
        for (query, expected) in [
            (
                "select `civi`.`civicrm_tag`.`id` AS `civi` from `civi`.`civicrm_tag`",
                "select `civicrm_tag`.`id` AS `civi` from `civicrm_tag`",
            ),
            (
                "select `other`.`civi`.`id` AS `id` from `other`.`civi`",
                "select `other`.`civi`.`id` AS `id` from `other`.`civi`",
            ),
            ("select '`civi`.`x`' AS `x`", "select '`civi`.`x`' AS `x`"),
        ] {
            assert_eq!(without_database(query, "civi"), expected);
        }
    }
}
