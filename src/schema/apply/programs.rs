//! Views, triggers, routines and events.

use super::error::{ApplyError, exists, missing, refuse_unless};
use super::names::{key_of, take};
use crate::schema::ddl::{Create, Drop};
use crate::schema::lexer::SqlModes;
use crate::schema::model::{ByName, Name, Routine, RoutineKind, Schema, View, find, take_at};

impl Schema {
    /// Creates a view. A stand-in only announces its view; a view that replaces its stand-in fulfils the
    /// announcement.
    pub(super) fn create_view(&mut self, create: Create<View>) -> Result<(), ApplyError> {
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

    pub(super) fn create_routine(
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

    pub(super) fn drop_routines(
        &mut self,
        kind: RoutineKind,
        drop: Drop,
    ) -> Result<(), ApplyError> {
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
}

/// Creates a trigger or event; where the statement says so, it replaces one of the same name.
pub(super) fn create_in<V>(
    map: &mut ByName<V>,
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

pub(super) fn drop_all<V>(
    map: &mut ByName<V>,
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
