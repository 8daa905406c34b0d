//! Runs statements on the schema model as a server runs them on a database.
//!
//! A [`Schema`] is one database. The caller decides which database a qualified name means; here only the last
//! part of a name counts. Statements that do not change a schema have no effect.

use indexmap::IndexMap;

use super::{
    charset,
    ddl::{
        AlterAction, AlterTable, Create, CreateTable, Drop, Position, Statement, TableOption,
        TableSource,
    },
    element::{ColumnDefinition, Duplicate},
    lexer::SqlModes,
    model::{
        KeyPart, Name, Routine, RoutineKind, Schema, Table, View, are_too_many, find, find_entry,
        find_mut, put_at, take_at,
    },
    sql::with_charset,
};

/// Why a server would refuse a statement. The schema is then as before the statement, except for the actions of
/// an ALTER TABLE that come before the one refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// The statement needs an object that does not exist.
    #[error("there is no {kind} {name}{}", in_table(.table))]
    Missing {
        /// The kind of object: `table`, `column`, `index` and so on.
        kind: &'static str,
        /// The name of the object.
        name: String,
        /// The table in which the object was looked for; `None` if it is a table itself.
        table: Option<String>,
    },
    /// The statement creates an object that exists already.
    #[error("the {kind} {name} exists already{}", in_table(.table))]
    Exists {
        /// The kind of object: `table`, `column`, `index` and so on.
        kind: &'static str,
        /// The name of the object.
        name: String,
        /// The table that has the object; `None` if it is a table itself.
        table: Option<String>,
    },
}

fn in_table(table: &Option<String>) -> String {
    let table = table.as_ref();
    table.map_or_else(String::new, |table| format!(" in table {table}"))
}

fn missing(kind: &'static str, name: &str) -> ApplyError {
    let (name, table) = (name.to_owned(), None);
    ApplyError::Missing { kind, name, table }
}

fn missing_in(table: &str, kind: &'static str, name: &str) -> ApplyError {
    let (name, table) = (name.to_owned(), Some(table.to_owned()));
    ApplyError::Missing { kind, name, table }
}

fn exists(kind: &'static str, name: &str) -> ApplyError {
    let (name, table) = (name.to_owned(), None);
    ApplyError::Exists { kind, name, table }
}

fn duplicate_in(table: &str, duplicate: Duplicate) -> ApplyError {
    let (Duplicate { kind, name }, table) = (duplicate, Some(table.to_owned()));
    ApplyError::Exists { kind, name, table }
}

/// The key under which a map holds a name, exact spelling first, then any letter case.
fn key_of<V>(map: &IndexMap<String, V>, name: &str) -> Option<String> {
    find_entry(map, name).map(|(key, _)| key.clone())
}

/// The index at which a map holds a name, exact spelling first, then any letter case.
fn index_of<V>(map: &IndexMap<String, V>, name: &str) -> Option<usize> {
    map.get_index_of(find_entry(map, name)?.0)
}

/// Takes an entry out of the map; looks for the exact spelling first, then ignores letter case.
fn take<V>(map: &mut IndexMap<String, V>, name: &str) -> Option<V> {
    let (_, value) = take_at(map, index_of(map, name)?)?;
    Some(value)
}

/// Gives an entry another name and keeps its place.
pub(crate) fn rename_key<V>(map: &mut IndexMap<String, V>, from: &str, to: &str) -> bool {
    let Some(index) = index_of(map, from) else {
        return false;
    };
    if let Some((_, value)) = take_at(map, index) {
        put_at(map, index, to.to_owned(), value);
    }
    true
}

impl Schema {
    /// Runs one statement on the schema.
    ///
    /// # Errors
    /// The error that a server would answer with: an object does not exist, or exists already.
    pub fn apply(&mut self, statement: Statement) -> Result<(), ApplyError> {
        match statement {
            Statement::CreateTable(create) => self.create_table(*create),
            Statement::AlterTable(alter) => self.alter_table(alter),
            Statement::CreateIndex {
                table: Name { name: table, .. },
                name,
                index,
                if_not_exists,
            } => match self.table_mut(&table)?.add_index(Some(name), index) {
                Err(duplicate) if !if_not_exists => Err(duplicate_in(&table, duplicate)),
                _ => Ok(()),
            },
            Statement::DropIndex {
                table: Name { name: table, .. },
                name,
                if_exists,
            } => (self.table_mut(&table)?).drop_index(&table, &name, if_exists),
            Statement::DropTable(drop) => self.drop_tables(drop),
            Statement::DropView(drop) => drop_all(&mut self.views, "view", drop),
            Statement::RenameTable(pairs) => pairs
                .into_iter()
                .try_for_each(|(from, to)| self.rename_table(&from, &to)),
            Statement::CreateView(create) => self.create_view(create),
            Statement::CreateTrigger(create) => match self.table(&create.object.table) {
                Some(_) => create_in(&mut self.triggers, "trigger", create),
                None => Err(missing("table", &create.object.table)),
            },
            Statement::CreateRoutine(kind, create) => self.create_routine(kind, create),
            Statement::CreateEvent(create) => create_in(&mut self.events, "event", create),
            Statement::DropTrigger(drop) => drop_all(&mut self.triggers, "trigger", drop),
            Statement::DropRoutine(kind, drop) => self.drop_routines(kind, drop),
            Statement::DropEvent(drop) => drop_all(&mut self.events, "event", drop),
            Statement::Empty
            | Statement::CreateDatabase(_)
            | Statement::AlterDatabase { .. }
            | Statement::DropDatabase(_)
            | Statement::Use(_)
            | Statement::Set(_)
            | Statement::LockTables(_)
            | Statement::UnlockTables
            | Statement::StartTransaction
            | Statement::EndTransaction
            | Statement::Insert(_)
            | Statement::TruncateTable(_)
            | Statement::Other(_) => Ok(()),
        }
    }

    fn table_mut(&mut self, name: &str) -> Result<&mut Table, ApplyError> {
        find_mut(&mut self.tables, name).ok_or_else(|| missing("table", name))
    }

    /// Creates a table. Temporary tables are not part of the schema, and stand-ins only announce a view.
    fn create_table(&mut self, create: CreateTable) -> Result<(), ApplyError> {
        let name = create.name.name;
        if create.temporary {
            return Ok(());
        }
        if create.in_version_comment {
            let columns = create.table.columns.into_keys().collect();
            self.stand_ins.insert(name, columns);
            return Ok(());
        }
        if self.has_relation(&name) && !(create.or_replace && self.table(&name).is_some()) {
            return refuse_unless(create.if_not_exists, exists("table", &name));
        }
        let table = match create.source {
            TableSource::Like(other) => {
                let mut table = self
                    .table(&other.name)
                    .cloned()
                    .ok_or_else(|| missing("table", &other.name))?;
                // LIKE does not copy foreign keys.
                table.foreign_keys.clear();
                table
            }
            TableSource::Definition | TableSource::Query(_) => create.table,
        };
        if let Some(old) = key_of(&self.tables, &name) {
            take(&mut self.tables, &old);
            self.drop_triggers_of(&old);
        }
        self.tables.insert(name, table);
        Ok(())
    }

    fn drop_tables(&mut self, drop: Drop) -> Result<(), ApplyError> {
        let mut result = Ok(());
        for Name { name, .. } in drop.names.into_iter().filter(|_| !drop.temporary) {
            if take(&mut self.tables, &name).is_some() {
                self.drop_triggers_of(&name);
            } else if !drop.if_exists && key_of(&self.stand_ins, &name).is_none() {
                result = Err(missing("table", &name));
            }
        }
        result
    }

    fn drop_triggers_of(&mut self, table: &str) {
        if are_too_many(self.triggers.len()) {
            return;
        }
        self.triggers
            .retain(|_, trigger| !trigger.table.eq_ignore_ascii_case(table));
    }

    /// Renames a table. Its triggers move along, and the foreign keys of other tables follow.
    fn rename_table(&mut self, from: &Name, to: &Name) -> Result<(), ApplyError> {
        let (from, to) = (&from.name, &to.name);
        if self.has_relation(to) && !from.eq_ignore_ascii_case(to) {
            return Err(exists("table", to));
        }
        if rename_key(&mut self.views, from, to) {
            return Ok(());
        }
        let old = key_of(&self.tables, from).ok_or_else(|| missing("table", from))?;
        rename_key(&mut self.tables, &old, to);
        if are_too_many(self.tables.len()) || are_too_many(self.triggers.len()) {
            return Ok(());
        }
        for trigger in self.triggers.values_mut() {
            if trigger.table.eq_ignore_ascii_case(&old) {
                trigger.table.clone_from(to);
            }
        }
        let generated = format!("{old}_ibfk_");
        for (name, table) in &mut self.tables {
            for foreign_key in table.foreign_keys.values_mut() {
                if foreign_key.referenced_table.eq_ignore_ascii_case(&old) {
                    foreign_key.referenced_table.clone_from(to);
                }
            }
            if name == to {
                // Names of foreign keys that InnoDB generated follow the table.
                let names: Vec<String> = table.foreign_keys.keys().cloned().collect();
                for name in names.iter().filter(|name| name.starts_with(&generated)) {
                    let number = name.trim_start_matches(&generated);
                    let renamed = format!("{to}_ibfk_{number}");
                    rename_key(&mut table.foreign_keys, name, &renamed);
                }
            }
        }
        Ok(())
    }

    /// Creates a view. A stand-in only announces its view; a view that replaces its stand-in fulfils the
    /// announcement.
    fn create_view(&mut self, create: Create<View>) -> Result<(), ApplyError> {
        let stand_in = create.stand_in_columns(SqlModes::default());
        let name = create.name.name;
        // A view may really select nothing but ones: it then comes a second time.
        if let Some(columns) = stand_in
            && find(&self.stand_ins, &name).is_none()
        {
            self.stand_ins.insert(name, columns);
            return Ok(());
        }
        if find(&self.tables, &name).is_some() {
            return Err(exists("table", &name));
        }
        if find(&self.views, &name).is_some() && !create.or_replace {
            return refuse_unless(create.if_not_exists, exists("view", &name));
        }
        take(&mut self.stand_ins, &name);
        let key = key_of(&self.views, &name).unwrap_or(name);
        self.views.insert(key, create.object);
        Ok(())
    }

    fn create_routine(
        &mut self,
        kind: RoutineKind,
        create: Create<Routine>,
    ) -> Result<(), ApplyError> {
        let name = create.name.name;
        if self.routine(kind, &name).is_some() && !create.or_replace {
            return refuse_unless(create.if_not_exists, exists(kind.as_str(), &name));
        }
        self.take_routine(kind, &name);
        self.routines.insert((kind, name), create.object);
        Ok(())
    }

    fn drop_routines(&mut self, kind: RoutineKind, drop: Drop) -> Result<(), ApplyError> {
        for Name { name, .. } in drop.names {
            if !self.take_routine(kind, &name) && !drop.if_exists {
                return Err(missing(kind.as_str(), &name));
            }
        }
        Ok(())
    }

    fn take_routine(&mut self, kind: RoutineKind, name: &str) -> bool {
        let index = self.routine_index(kind, name);
        index.is_some_and(|index| take_at(&mut self.routines, index).is_some())
    }

    fn alter_table(&mut self, alter: AlterTable) -> Result<(), ApplyError> {
        let mut name = alter.name;
        if self.table(&name.name).is_none() {
            return refuse_unless(alter.if_exists, missing("table", &name.name));
        }
        for action in alter.actions {
            match action {
                AlterAction::RenameTo(to) => {
                    self.rename_table(&name, &to)?;
                    name = to;
                }
                AlterAction::RenameColumn { from, to } => {
                    let table = self.table_mut(&name.name)?;
                    if !rename_key(&mut table.columns, &from, &to) {
                        return Err(missing_in(&name.name, "column", &from));
                    }
                    self.follow_column(&name.name, &from, &to);
                }
                AlterAction::ChangeColumn {
                    from,
                    definition,
                    position,
                    if_exists,
                } => {
                    let to = definition.name.clone();
                    let table = self.table_mut(&name.name)?;
                    if table.change_column(&name.name, &from, definition, position, if_exists)?
                        && from != to
                    {
                        self.follow_column(&name.name, &from, &to);
                    }
                }
                action => self.table_mut(&name.name)?.alter(&name.name, action)?,
            }
        }
        self.table_mut(&name.name)?.settle();
        Ok(())
    }

    /// Gives a renamed column its new name in keys of its table and in foreign keys to it.
    fn follow_column(&mut self, table: &str, from: &str, to: &str) {
        let rename = |column: &mut String| {
            if column.eq_ignore_ascii_case(from) {
                to.clone_into(column);
            }
        };
        if are_too_many(self.tables.len()) {
            return;
        }
        for (name, other) in &mut self.tables {
            let own = name.eq_ignore_ascii_case(table);
            if own {
                let indexes = other.indexes.values_mut();
                let parts = indexes.flat_map(|index| &mut index.parts);
                for part in parts.chain(&mut other.primary_key) {
                    rename(&mut part.column);
                }
            }
            for foreign_key in other.foreign_keys.values_mut() {
                if own {
                    foreign_key.columns.iter_mut().for_each(rename);
                }
                if foreign_key.referenced_table.eq_ignore_ascii_case(table) {
                    foreign_key.referenced_columns.iter_mut().for_each(rename);
                }
            }
        }
    }
}

impl Table {
    /// Runs an action that concerns only this table.
    fn alter(&mut self, name: &str, action: AlterAction) -> Result<(), ApplyError> {
        match action {
            AlterAction::AddColumn {
                definition,
                position,
                if_not_exists,
            } => {
                if if_not_exists && find(&self.columns, &definition.name).is_some() {
                    return Ok(());
                }
                let place = self.place(name, position)?;
                self.add_column(definition, place)
                    .map_err(|duplicate| duplicate_in(name, duplicate))
            }
            AlterAction::Add {
                element,
                if_not_exists,
            } => match self.add_element(name, element) {
                Err(duplicate) if !if_not_exists => Err(duplicate_in(name, duplicate)),
                _ => Ok(()),
            },
            AlterAction::SetDefault { column, default } => {
                let found = find_mut(&mut self.columns, &column)
                    .ok_or_else(|| missing_in(name, "column", &column))?;
                found.default = default;
                Ok(())
            }
            AlterAction::DropColumn {
                name: column,
                if_exists,
            } => {
                if take(&mut self.columns, &column).is_none() {
                    return refuse_unless(if_exists, missing_in(name, "column", &column));
                }
                let stays = |part: &KeyPart| !part.column.eq_ignore_ascii_case(&column);
                self.primary_key.retain(stays);
                // Servers take the column out of its indexes, and drop those left empty.
                self.indexes.retain(|_, index| {
                    index.parts.retain(stays);
                    !index.parts.is_empty()
                });
                Ok(())
            }
            AlterAction::DropIndex {
                name: index,
                if_exists,
            } => self.drop_index(name, &index, if_exists),
            AlterAction::DropForeignKey {
                name: key,
                if_exists,
            } => match take(&mut self.foreign_keys, &key) {
                Some(_) => Ok(()),
                None => refuse_unless(if_exists, missing_in(name, "foreign key", &key)),
            },
            AlterAction::DropConstraint(constraint) => {
                // What remains when the constraint is not a key is a check, whose name is not in the model.
                if take(&mut self.foreign_keys, &constraint).is_none() {
                    self.drop_index(name, &constraint, true)?;
                }
                Ok(())
            }
            AlterAction::RenameIndex { from, to } => {
                let renamed = rename_key(&mut self.indexes, &from, &to);
                refuse_unless(renamed, missing_in(name, "index", &from))
            }
            AlterAction::ConvertTo { charset, collation } => {
                for column in self.columns.values_mut() {
                    if charset::has_charset(&column.data_type) {
                        column.charset = None;
                        column.collation = None;
                    }
                }
                self.charset = charset;
                self.collation = collation;
                Ok(())
            }
            AlterAction::Option(option) => {
                self.alter_option(option);
                Ok(())
            }
            AlterAction::ChangeColumn { .. }
            | AlterAction::RenameColumn { .. }
            | AlterAction::RenameTo(_)
            | AlterAction::SwitchKeys
            | AlterAction::Other(_) => Ok(()),
        }
    }

    /// Changes a table option. A new default character set does not change the existing columns.
    fn alter_option(&mut self, option: TableOption) {
        if !matches!(option, TableOption::Charset(_) | TableOption::Collation(_)) {
            self.set_option(option);
            return;
        }
        let mut columns = std::mem::take(&mut self.columns);
        for column in columns.values_mut() {
            *column = with_charset(column, self);
        }
        match &option {
            // COLLATE may follow; without it the collation is the set's default.
            TableOption::Charset(_) => self.collation = None,
            _ => self.charset = None,
        }
        self.set_option(option);
        (self.charset, self.collation) =
            charset::complete(self.charset.take(), self.collation.take());
        for column in columns.values_mut() {
            charset::drop_inherited(column, self);
        }
        self.columns = columns;
    }

    /// Changes a column; returns whether the column exists.
    fn change_column(
        &mut self,
        table: &str,
        from: &str,
        definition: ColumnDefinition,
        position: Position,
        if_exists: bool,
    ) -> Result<bool, ApplyError> {
        let Some(old) = index_of(&self.columns, from) else {
            return refuse_unless(if_exists, missing_in(table, "column", from)).map(|()| false);
        };
        let taken = find(&self.columns, &definition.name).is_some();
        if taken && !from.eq_ignore_ascii_case(&definition.name) {
            let (kind, name) = ("column", definition.name);
            return Err(duplicate_in(table, Duplicate { kind, name }));
        }
        let column = self.resolve(&definition);
        take_at(&mut self.columns, old);
        let place = self.place(table, position)?.unwrap_or(old);
        put_at(&mut self.columns, place, definition.name.clone(), column);
        self.add_attribute_keys(definition)
            .map_err(|duplicate| duplicate_in(table, duplicate))?;
        Ok(true)
    }

    /// The index in the list of columns that a position means; `None` for the end.
    fn place(&self, table: &str, position: Position) -> Result<Option<usize>, ApplyError> {
        match position {
            Position::Unchanged => Ok(None),
            Position::First => Ok(Some(0)),
            Position::After(column) => match index_of(&self.columns, &column) {
                Some(index) => Ok(Some(index + 1)),
                None => Err(missing_in(table, "column", &column)),
            },
        }
    }

    fn drop_index(&mut self, table: &str, name: &str, if_exists: bool) -> Result<(), ApplyError> {
        if name.eq_ignore_ascii_case("PRIMARY") && !self.primary_key.is_empty() {
            self.primary_key.clear();
            return Ok(());
        }
        match take(&mut self.indexes, name) {
            Some(_) => Ok(()),
            None => refuse_unless(if_exists, missing_in(table, "index", name)),
        }
    }
}

fn refuse_unless(tolerated: bool, error: ApplyError) -> Result<(), ApplyError> {
    if tolerated { Ok(()) } else { Err(error) }
}

/// Creates a trigger or event; where the statement says so, it replaces one of the same name.
fn create_in<V>(
    map: &mut IndexMap<String, V>,
    kind: &'static str,
    create: Create<V>,
) -> Result<(), ApplyError> {
    let name = create.name.name;
    if find(map, &name).is_some() && !create.or_replace {
        return refuse_unless(create.if_not_exists, exists(kind, &name));
    }
    take(map, &name);
    map.insert(name, create.object);
    Ok(())
}

fn drop_all<V>(
    map: &mut IndexMap<String, V>,
    kind: &'static str,
    drop: Drop,
) -> Result<(), ApplyError> {
    let mut result = Ok(());
    for Name { name, .. } in drop.names {
        if take(map, &name).is_none() && !drop.if_exists {
            result = Err(missing(kind, &name));
        }
    }
    result
}

#[cfg(test)]
mod tests;
