//! From one definition of a table to another in one ALTER TABLE.
//!
//! The planner edits tables of the model; what has to run, and what takes it back, is the way
//! from the old table to the new one and the way back again. The way back restores what SHOW
//! CREATE TABLE prints, and that has the order of secondary indexes in it: a server puts an
//! index that is added behind the others of its kind. Hence what followed a re-made index is
//! dropped and added again behind it, in the same statement; servers find that those did not
//! change and leave their data alone.

use super::whole_schema::expressions_can_be_told;
use crate::gate::{Blocked, Meaning, Operation};
use crate::schema::model::{Column, DefaultValue, ForeignKey, Index, IndexKind, Table, find};
use crate::schema::sql::{
    brief_foreign_key_item, charset_option, identifier, index_item, whole_column_definition,
    with_charset,
};

/// The parts of the one ALTER TABLE that brings `from` to `to`; none where they are alike.
///
/// `rename_index`: the server knows RENAME INDEX. Both tables have the same columns and the
/// same primary key. A foreign key of `to` must not have a name that another one of `from`
/// has, in whatever letter case: no server takes an ALTER that drops and adds a name.
pub fn actions(from: &Table, to: &Table, rename_index: bool) -> Vec<String> {
    let mut actions = options(from, to);
    actions.extend(
        dropped_keys(from, to).map(|(name, _)| format!("DROP FOREIGN KEY {}", identifier(name))),
    );
    let indexes = IndexChanges::new(from, to, rename_index);
    let dropped = indexes.dropped.iter();
    actions.extend(dropped.map(|name| format!("DROP KEY {}", identifier(name))));
    let renamed = indexes.renamed.iter();
    actions.extend(
        renamed
            .map(|(old, new)| format!("RENAME INDEX {} TO {}", identifier(old), identifier(new))),
    );
    actions.extend(changed_columns(from, to).map(|(name, column)| {
        let definition = whole_column_definition(&column);
        format!("MODIFY COLUMN {} {definition}", identifier(name))
    }));
    let added = indexes.added.iter();
    actions.extend(added.map(|(name, index)| format!("ADD {}", index_item(name, index))));
    actions.extend(
        added_keys(from, to)
            .map(|(name, key)| format!("ADD {}", brief_foreign_key_item(name, key))),
    );
    actions
}

/// What the ALTER TABLE of [`actions`] is meant to be: the identifiers that it holds, told from the two
/// tables and not from its text.
///
/// # Errors
/// A piece of SQL that it takes over, such as the expression of an index, cannot be read.
pub fn meaning(
    table: &str,
    from: &Table,
    to: &Table,
    rename_index: bool,
) -> Result<Meaning, Blocked> {
    expressions_can_be_told(to)?;
    let mut names: Vec<&str> = vec![table];
    let mut pieces: Vec<&str> = Vec::new();
    names.extend(dropped_keys(from, to).map(|(name, _)| name.as_str()));
    for (name, key) in added_keys(from, to) {
        names.push(name);
        names.push(&key.referenced_table);
        names.extend(key.referenced_database.as_deref());
        names.extend(key.columns.iter().map(String::as_str));
        names.extend(key.referenced_columns.iter().map(String::as_str));
    }
    let indexes = IndexChanges::new(from, to, rename_index);
    names.extend(&indexes.dropped);
    for (old, new) in &indexes.renamed {
        names.extend([old, new]);
    }
    for (name, index) in &indexes.added {
        names.push(name);
        for part in &index.parts {
            match part.column.starts_with('(') {
                true => pieces.push(&part.column),
                false => names.push(&part.column),
            }
        }
    }
    let columns: Vec<(&String, Column)> = changed_columns(from, to).collect();
    for (name, column) in &columns {
        names.push(name);
        pieces.push(&column.data_type);
        pieces.extend(column.generated.as_deref());
        if let Some(DefaultValue::Expression(text)) = &column.default {
            pieces.push(text);
        }
    }
    let meaning = Meaning::new(Operation::AlterTable, names);
    pieces.into_iter().try_fold(meaning, Meaning::with_piece)
}

/// The parts of an ALTER TABLE with what they add or restate as SHOW CREATE TABLE printed it.
/// The model knows neither the comments and options of indexes, nor whether a rule was written
/// out, nor all attributes of columns: what takes a step back says it as the server said it.
pub fn as_printed(actions: &[String], show_create: &str) -> Vec<String> {
    let elements = elements(show_create);
    let printed = |action: &String| {
        let (verb, item) = ["ADD ", "MODIFY COLUMN "]
            .iter()
            .find_map(|verb| Some((*verb, action.strip_prefix(verb)?)))?;
        let named = head(item)?;
        let found = elements.iter().find_map(|element| {
            let rest = element.strip_prefix(named)?;
            rest.starts_with(' ').then_some(rest)
        })?;
        Some(format!("{verb}{named}{found}"))
    };
    let printed = actions
        .iter()
        .map(|action| printed(action).unwrap_or_else(|| action.clone()));
    printed.collect()
}

/// The elements of a table as SHOW CREATE TABLE prints them, one a line unless a name goes over several.
fn elements(show_create: &str) -> Vec<&str> {
    let (mut quote, mut is_escaped) = (None, false);
    let lines = show_create.split(|character| {
        match quote {
            _ if is_escaped => is_escaped = false,
            Some('\'') if character == '\\' => is_escaped = true,
            Some(open) if character == open => quote = None,
            None if matches!(character, '`' | '\'') => quote = Some(character),
            _ => {}
        }
        character == '\n' && quote.is_none()
    });
    let lines = lines.map(str::trim_start);
    lines
        .map(|line| line.strip_suffix(',').unwrap_or(line))
        .collect()
}

/// An element of a table up to its name: ``UNIQUE KEY `a` ``.
fn head(item: &str) -> Option<&str> {
    let start = item.find('`')? + 1;
    let mut inside = item.get(start..)?.char_indices().peekable();
    while let Some((place, character)) = inside.next() {
        if character == '`' && inside.next_if(|(_, next)| *next == '`').is_none() {
            return item.get(..=start + place);
        }
    }
    None
}

/// Foreign keys that only `from` has so.
pub(crate) fn dropped_keys<'a>(
    from: &'a Table,
    to: &'a Table,
) -> impl Iterator<Item = (&'a String, &'a ForeignKey)> {
    let keys = from.foreign_keys.iter();
    keys.filter(|(name, key)| to.foreign_keys.get(*name) != Some(key))
}

/// Foreign keys that only `to` has so.
pub(crate) fn added_keys<'a>(
    from: &'a Table,
    to: &'a Table,
) -> impl Iterator<Item = (&'a String, &'a ForeignKey)> {
    dropped_keys(to, from)
}

fn options(from: &Table, to: &Table) -> Vec<String> {
    let mut options = Vec::new();
    if from.engine != to.engine {
        options.extend(to.engine.iter().map(|engine| format!("ENGINE={engine}")));
    }
    if from.row_format != to.row_format {
        let format = to.row_format.as_deref().unwrap_or("DEFAULT");
        options.push(format!("ROW_FORMAT={format}"));
    }
    if (&from.charset, &from.collation) != (&to.charset, &to.collation) {
        options.extend(charset_option(to));
    }
    options
}

/// Columns that are not the same any more, with their character set in words.
pub(crate) fn changed_columns<'a>(
    from: &'a Table,
    to: &'a Table,
) -> impl Iterator<Item = (&'a String, Column)> {
    to.columns.iter().filter_map(|(name, column)| {
        let column = with_charset(column, to);
        let before = find(&from.columns, name).map(|column| with_charset(column, from));
        (before.as_ref() != Some(&column)).then_some((name, column))
    })
}

/// What happens to the secondary indexes.
pub(crate) struct IndexChanges<'a> {
    pub(crate) dropped: Vec<&'a str>,
    pub(crate) renamed: Vec<(&'a str, &'a str)>,
    pub(crate) added: Vec<(&'a str, &'a Index)>,
}

impl<'a> IndexChanges<'a> {
    pub(crate) fn new(from: &'a Table, to: &'a Table, rename_index: bool) -> Self {
        let mut changes = Self {
            dropped: Vec::new(),
            renamed: Vec::new(),
            added: Vec::new(),
        };
        // Each index of `from` by the name it has afterwards, in the order of `from`.
        let mut kept: Vec<(&str, &str)> = Vec::new();
        for (name, index) in &from.indexes {
            let same = to.indexes.get(name) == Some(index);
            let new_name = if same {
                Some(name.as_str())
            } else {
                to.indexes
                    .iter()
                    .find(|(new, definition)| {
                        rename_index
                            && *definition == index
                            && find(&from.indexes, new).is_none()
                            && find(&to.indexes, name).is_none()
                            && !kept.iter().any(|(_, taken)| taken == new)
                    })
                    .map(|(new, _)| new.as_str())
            };
            match new_name {
                Some(new) => kept.push((name, new)),
                None => changes.dropped.push(name),
            }
        }
        let kinds = [
            IndexKind::Unique,
            IndexKind::Plain,
            IndexKind::Fulltext,
            IndexKind::Spatial,
        ];
        for kind in kinds {
            let mut reached = 0;
            let mut remake = false;
            for (name, index) in to.indexes.iter().filter(|(_, index)| index.kind == kind) {
                let place = kept.iter().position(|(_, new)| new == name);
                // From the first one on that does not come in the order of `from`, all are
                // added anew.
                remake |= place.is_none_or(|place| place < reached);
                match place.and_then(|place| kept.get(place)) {
                    Some(&(old, new)) if !remake => {
                        reached = place.unwrap_or_default();
                        if old != new {
                            changes.renamed.push((old, new));
                        }
                    }
                    other => {
                        changes.dropped.extend(other.map(|(old, _)| *old));
                        changes.added.push((name, index));
                    }
                }
            }
        }
        changes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::test_schema::{key, schema};

    #[test]
    fn an_index_that_comes_back_to_its_place_takes_those_behind_it_along() {
        let before = schema().tables["member"].clone();
        let mut after = before.clone();
        after.indexes.shift_remove("index_notes");
        after
            .indexes
            .insert("index_notes".to_owned(), key(&["fee"]));
        assert_eq!(
            actions(&before, &after, true),
            ["DROP KEY `index_notes`", "ADD KEY `index_notes` (`fee`)"]
        );
        assert_eq!(
            actions(&after, &before, true),
            [
                "DROP KEY `index_notes`",
                "DROP KEY `index_fee_name`",
                "DROP KEY `FK_member_household_id`",
                "ADD KEY `index_notes` (`notes`(20))",
                "ADD KEY `index_fee_name` (`fee`, `name`)",
                "ADD KEY `FK_member_household_id` (`household_id`)",
            ]
        );
    }

    #[test]
    fn an_index_is_renamed_in_its_place_where_the_server_can() {
        let before = schema().tables["member"].clone();
        let mut after = before.clone();
        crate::schema::apply::rename_key(&mut after.indexes, "index_notes", "no`tes");
        let renamed = ["RENAME INDEX `index_notes` TO `no``tes`"];
        assert_eq!(actions(&before, &after, true), renamed);
        assert_eq!(
            actions(&after, &before, true),
            ["RENAME INDEX `no``tes` TO `index_notes`"]
        );
        let remade = actions(&before, &after, false);
        assert!(
            remade.iter().all(|action| !action.starts_with("RENAME")),
            "{remade:?}"
        );
        assert_eq!(remade.len(), 6);
    }

    #[test]
    fn what_comes_back_is_said_as_the_server_said_it() {
        let show_create = "CREATE TABLE `t` (\n  `a``,b` int(11) DEFAULT NULL COMMENT 'x',\n  \
            KEY `a` (`a``,b`) USING HASH COMMENT 'y, z',\n  KEY `ab` (`a``,b`),\n  \
            CONSTRAINT `k` FOREIGN KEY (`a``,b`) REFERENCES `p` (`id`) ON DELETE RESTRICT\n) \
            ENGINE=InnoDB";
        let actions = [
            "DROP KEY `a`",
            "MODIFY COLUMN `a``,b` int NULL",
            "ADD KEY `a` (`a``,b`)",
            "ADD KEY `new` (`a``,b`)",
            "ADD CONSTRAINT `k` FOREIGN KEY (`a``,b`) REFERENCES `p` (`id`)",
        ];
        assert_eq!(
            as_printed(&actions.map(str::to_owned), show_create),
            [
                "DROP KEY `a`",
                "MODIFY COLUMN `a``,b` int(11) DEFAULT NULL COMMENT 'x'",
                "ADD KEY `a` (`a``,b`) USING HASH COMMENT 'y, z'",
                "ADD KEY `new` (`a``,b`)",
                "ADD CONSTRAINT `k` FOREIGN KEY (`a``,b`) REFERENCES `p` (`id`) ON DELETE RESTRICT",
            ]
        );
    }

    #[test]
    fn an_element_with_a_line_break_in_a_name_is_whole() {
        let show_create = "CREATE TABLE `t` (\n  `a\n\\'b` int COMMENT 'x\\'`y',\n  \
                           CONSTRAINT `k` FOREIGN KEY (`a\n\\'b`) REFERENCES `p` (`id`)\n) ENGINE=InnoDB";
        let key =
            "ADD CONSTRAINT `k` FOREIGN KEY (`a\n\\'b`) REFERENCES `p` (`id`) ON DELETE RESTRICT";
        let printed = as_printed(&[key.to_owned()], show_create);
        let expected = "ADD CONSTRAINT `k` FOREIGN KEY (`a\n\\'b`) REFERENCES `p` (`id`)";
        assert_eq!(printed, [expected]);
    }
}
