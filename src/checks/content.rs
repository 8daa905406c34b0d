//! What is in a dump that is not CiviCRM's, in a few words: tables by prefix, the programs that they are of, and
//! triggers.

use indexmap::IndexMap;

use crate::schema::model::Schema;
use crate::snapshot::Snapshot;
use crate::text::count;

/// Prefixes that are named before the rest is only counted.
const SHOWN: usize = 3;

/// Tables by which a program is known, without their prefix. All of them have to be there.
const PROGRAMS: &[(&str, &[&str])] = &[
    ("WordPress", &["options", "posts"]),
    ("WordPress", &["options", "users"]),
    ("Drupal", &["node", "watchdog"]),
    ("Drupal", &["config", "key_value"]),
    ("Drupal", &["variable", "system"]),
    ("Backdrop", &["node", "state", "tempstore"]),
    ("Joomla", &["extensions", "content"]),
    ("Joomla", &["extensions", "menu"]),
    ("MediaWiki", &["page", "revision"]),
    ("Mautic", &["leads", "lead_lists"]),
    ("accounts of the server", &["user", "tables_priv"]),
];

/// What the database holds, as the object of a sentence: `12 tables (11 wp_…, menu) of WordPress, 29 triggers of
/// tables that are not in it`.
pub(super) fn of(snapshot: &Snapshot) -> String {
    let schema = &snapshot.schema;
    let mut parts = Vec::new();
    let names: Vec<&str> = match schema.tables.is_empty() {
        false => schema.tables.keys().map(String::as_str).collect(),
        true => snapshot.row_counts.keys().map(String::as_str).collect(),
    };
    if !names.is_empty() {
        let of_program = program(&names).map_or_else(String::new, |name| format!(" of {name}"));
        let tables = count(names.len() as u64, "table");
        parts.push(format!("{tables} ({}){of_program}", prefixes(&names)));
    }
    parts.extend(triggers(schema));
    for (number, noun) in [
        (schema.views.len(), "view"),
        (schema.routines.len(), "routine"),
    ] {
        if number > 0 {
            parts.push(count(number as u64, noun));
        }
    }
    match parts.is_empty() {
        true => "nothing else either".to_owned(),
        false => parts.join(", "),
    }
}

/// How many triggers there are, and of what tables those are that are not there.
fn triggers(schema: &Schema) -> Option<String> {
    let all = schema.triggers.len() as u64;
    let mut homeless = schema
        .triggers
        .values()
        .filter(|trigger| schema.table(&trigger.table).is_none());
    let first = homeless.next().map(|trigger| &trigger.table);
    let text = count(all, "trigger");
    match (all, first) {
        (0, _) => None,
        (_, None) => Some(text),
        (_, Some(table)) => {
            let homeless = homeless.count() as u64 + 1;
            let which = if homeless == all {
                String::new()
            } else {
                format!(" ({homeless} of them)")
            };
            Some(format!(
                "{text}{which} of tables that are not in it, such as {table}"
            ))
        }
    }
}

/// The prefixes of the names up to their first underscore, most frequent first.
fn prefixes(names: &[&str]) -> String {
    let mut found: IndexMap<&str, Vec<&str>> = IndexMap::new();
    for name in names {
        let prefix = name
            .split_inclusive('_')
            .next()
            .filter(|prefix| prefix.ends_with('_'));
        found.entry(prefix.unwrap_or(name)).or_default().push(name);
    }
    found.sort_by(|_, one, _, other| other.len().cmp(&one.len()));
    let mut shown: Vec<String> = Vec::new();
    for (prefix, names) in found.iter().take(SHOWN) {
        shown.push(match names[..] {
            [one] => one.to_owned(),
            _ => format!("{} {prefix}…", names.len()),
        });
    }
    let rest: usize = found.values().skip(SHOWN).map(Vec::len).sum();
    if rest > 0 {
        shown.push(format!("{rest} more"));
    }
    shown.join(", ")
}

/// The program that tables with these names are of.
fn program(names: &[&str]) -> Option<&'static str> {
    let has = |name: &str| names.contains(&name);
    PROGRAMS.iter().find_map(|(program, tables)| {
        let (first, rest) = tables.split_first()?;
        let mut prefixes = names.iter().filter_map(|name| name.strip_suffix(first));
        let fits = |prefix: &str| rest.iter().all(|table| has(&format!("{prefix}{table}")));
        prefixes.any(fits).then_some(*program)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_and_prefixes_are_told_by_names() {
        let wordpress = ["wp_options", "wp_posts", "wp_users", "menu"];
        assert_eq!(program(&wordpress), Some("WordPress"));
        assert_eq!(prefixes(&wordpress), "3 wp_…, menu");
        assert_eq!(program(&["node", "watchdog", "users"]), Some("Drupal"));
        assert_eq!(program(&["jos_extensions", "jos_content"]), Some("Joomla"));
        assert_eq!(program(&["wp_options"]), None);
        assert_eq!(program(&["options", "x_posts"]), None);
        assert_eq!(prefixes(&["a", "b", "c", "d", "e_1"]), "a, b, c, 2 more");
    }
}
