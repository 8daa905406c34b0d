//! Everything in a schema that uses other objects of it: triggers, views, routines and events.

use super::{References, of};
use crate::schema::lexer::SqlModes;
use crate::schema::model::{Account, Schema};

/// One trigger, view, routine or event, and the tables, columns and routines that it uses.
#[derive(Debug)]
pub struct User<'a> {
    /// `trigger`, `view`, `function`, `procedure` or `event`.
    pub kind: &'static str,
    /// The name of the object.
    pub name: &'a str,
    /// The table that a trigger belongs to; `None` for other objects.
    pub table: Option<&'a str>,
    /// The account that the object runs as; `None` where its definition does not name one.
    pub definer: Option<&'a Account>,
    /// Whether a routine runs with the privileges of whoever calls it. Of views that is not known here.
    pub by_invoker: bool,
    /// What the object uses.
    pub uses: References,
}

impl User<'_> {
    /// The object's kind and name.
    pub fn describe(&self) -> String {
        format!("{} {}", self.kind, self.name)
    }
}

pub(super) fn modes(sql_mode: Option<&String>) -> SqlModes {
    let has = |flag| sql_mode.is_some_and(|mode| mode.contains(flag));
    SqlModes {
        ansi_quotes: has("ANSI"),
        no_backslash_escapes: has("NO_BACKSLASH_ESCAPES"),
    }
}

/// Whether the definition of a routine says SQL SECURITY INVOKER before its body.
fn is_by_invoker(definition: &str) -> bool {
    let head = definition.to_ascii_uppercase();
    let words: Vec<&str> = head
        .split_whitespace()
        .take_while(|word| *word != "BEGIN")
        .collect();
    words
        .windows(3)
        .any(|three| three == ["SQL", "SECURITY", "INVOKER"])
}

/// All triggers, views, routines and events, with what they use.
pub fn users(schema: &Schema) -> Vec<User<'_>> {
    let triggers = schema.triggers.iter().map(|(name, trigger)| User {
        kind: "trigger",
        name,
        table: Some(&trigger.table),
        definer: trigger.definer.as_ref(),
        by_invoker: false,
        uses: of(&trigger.body, modes(trigger.sql_mode.as_ref())),
    });
    let views = schema.views.iter().map(|(name, view)| User {
        kind: "view",
        name,
        table: None,
        definer: view.definer.as_ref(),
        by_invoker: false,
        uses: of(&view.query, modes(view.sql_mode.as_ref())),
    });
    let routines = schema.routines.iter().map(|((kind, name), routine)| User {
        kind: kind.as_str(),
        name,
        table: None,
        definer: routine.definer.as_ref(),
        by_invoker: is_by_invoker(&routine.definition),
        uses: of(&routine.definition, modes(routine.sql_mode.as_ref())),
    });
    let events = schema.events.iter().map(|(name, event)| User {
        kind: "event",
        name,
        table: None,
        definer: event.definer.as_ref(),
        by_invoker: false,
        uses: of(&event.definition, modes(event.sql_mode.as_ref())),
    });
    triggers
        .chain(views)
        .chain(routines)
        .chain(events)
        .collect()
}
