//! From the operation to what a file says.

use super::definitions::{FlatColumn, FlatForeignKey, FlatIndex, write_default};
use super::{FlatColumnOrName, FlatGuard, FlatLocalized, FlatOp};
use crate::civicrm::upgrade::op::{
    Action, Alteration, Change, Clause, Guard, InsertMode, Localized, NewTable, Op, Query,
};
use crate::schema::model::Column;

impl From<&Op> for FlatOp {
    fn from(op: &Op) -> Self {
        let mut flat = flat_action(&op.action);
        let own = write_guard(&op.guard);
        flat.guard = own.or(flat.guard);
        flat.code.clone_from(&op.code);
        flat.multilingual = op.multilingual.or(flat.multilingual);
        flat.logging = op.logging;
        flat.via = op.via;
        flat
    }
}

fn write_guard(guard: &Guard) -> Option<FlatGuard> {
    let word = |word: &str| Some(FlatGuard::Word(word.to_owned()));
    match guard {
        Guard::None => None,
        Guard::IfExists => word("if-exists"),
        Guard::IfAbsent => word("if-absent"),
        Guard::IgnoreErrors => word("ignore-errors"),
        Guard::When(condition) => Some(FlatGuard::Condition(condition.clone())),
    }
}

fn names(columns: &[String]) -> Vec<FlatColumnOrName> {
    let names = columns.iter().cloned();
    names.map(FlatColumnOrName::Name).collect()
}

fn joined(mends: &[String]) -> Option<String> {
    (!mends.is_empty()).then(|| mends.join("; "))
}

fn flat_query(query: &Query) -> FlatOp {
    FlatOp {
        reads: query.reads.clone(),
        localized: match &query.localized {
            Localized::No => None,
            Localized::All => Some(FlatLocalized::All(true)),
            Localized::Columns(columns) => Some(FlatLocalized::Columns(columns.clone())),
        },
        needs: query.needs.clone(),
        fails_under: query.fails_under.clone(),
        ..FlatOp::default()
    }
}

fn flat_change(op: &str, change: &Change) -> FlatOp {
    FlatOp {
        op: op.to_owned(),
        table: Some(change.table.clone()),
        set: change.set.clone(),
        mends: joined(&change.mends),
        mode: change.ignore.then_some(InsertMode::Ignore),
        ..flat_query(&change.query)
    }
}

fn flat_clause(clause: &Clause) -> FlatOp {
    let column = |name: &str, column: &Column| {
        let column = Box::new(FlatColumn::write(name, column));
        Some(FlatColumnOrName::Column(column))
    };
    let mut flat = FlatOp::default();
    let op = match &clause.change {
        Alteration::AddColumn {
            name,
            column: new,
            after,
        } => {
            flat.column = column(name, new);
            flat.after.clone_from(after);
            "add_column"
        }
        Alteration::DropColumn(name) => {
            flat.column = Some(FlatColumnOrName::Name(name.clone()));
            "drop_column"
        }
        Alteration::ChangeColumn {
            from,
            to,
            column: new,
            after,
            of_type,
        } => {
            flat.column = column(to, new);
            flat.after.clone_from(after);
            match of_type {
                Some(Ok(wanted)) => flat.guard_column_type = Some(wanted.clone()),
                Some(Err(other)) => flat.guard_column_type_not = Some(other.clone()),
                None => {}
            }
            if from == to {
                "modify_column"
            } else {
                flat.from = Some(from.clone());
                "change_column"
            }
        }
        Alteration::SetDefault { column, default } => {
            flat.column = Some(FlatColumnOrName::Name(column.clone()));
            flat.default = default.as_ref().map(write_default);
            "set_default"
        }
        Alteration::AddIndex {
            name,
            index,
            absent_also,
        } => {
            flat.index = Some(FlatIndex::write(name, index));
            flat.absent_also.clone_from(absent_also);
            "add_index"
        }
        Alteration::DropIndex(name) => {
            flat.name = Some(name.clone());
            "drop_index"
        }
        Alteration::AddPrimaryKey(columns) => {
            flat.columns = names(columns);
            "add_primary"
        }
        Alteration::DropPrimaryKey => "drop_primary",
        Alteration::AddForeignKey { name, key } => {
            flat.foreign_key = Some(FlatForeignKey::write(name.as_ref(), key));
            "add_foreign_key"
        }
        Alteration::DropForeignKey(name) => {
            flat.name = Some(name.clone());
            "drop_foreign_key"
        }
        Alteration::Engine(engine) => {
            flat.engine = Some(engine.clone());
            "engine"
        }
        Alteration::RowFormat(_) => "row_format",
        Alteration::Convert { charset, collation } => {
            flat.charset = Some(charset.clone());
            flat.collation = Some(collation.clone());
            "convert"
        }
        Alteration::AutoIncrement => "auto_increment",
    };
    flat.op = op.to_owned();
    flat.localized = clause.localized.then_some(FlatLocalized::All(true));
    flat.multilingual = clause.multilingual;
    flat.guard = write_guard(&clause.guard);
    flat
}

fn flat_action(action: &Action) -> FlatOp {
    let named = |op: &str, table: Option<&String>| FlatOp {
        op: op.to_owned(),
        table: table.cloned(),
        ..FlatOp::default()
    };
    match action {
        Action::CreateTable(table) => flat_table(table),
        Action::DropTable { table, if_exists } => FlatOp {
            if_exists: *if_exists,
            ..named("drop_table", Some(table))
        },
        Action::RenameTable { table, to } => FlatOp {
            to: Some(to.clone()),
            ..named("rename_table", Some(table))
        },
        Action::Alter { table, clauses } => match clauses.as_slice() {
            [clause] => FlatOp {
                table: Some(table.clone()),
                ..flat_clause(clause)
            },
            clauses => FlatOp {
                clauses: clauses.iter().map(flat_clause).collect(),
                ..named("alter_table", Some(table))
            },
        },
        Action::CreateView {
            view,
            reads,
            or_replace,
        } => FlatOp {
            reads: reads.clone(),
            or_replace: *or_replace,
            ..named("create_view", Some(view))
        },
        Action::DropView { view, if_exists } => FlatOp {
            if_exists: *if_exists,
            ..named("drop_view", Some(view))
        },
        Action::Insert(insert) => FlatOp {
            op: "insert".to_owned(),
            table: Some(insert.table.clone()),
            columns: names(&insert.columns),
            mode: Some(insert.mode),
            row_columns: insert.row_columns.clone(),
            rows: insert.rows.clone(),
            copies: insert.copies.clone(),
            ..flat_query(&insert.query)
        },
        Action::Update(change) => flat_change("update", change),
        Action::Delete(change) => flat_change("delete", change),
        Action::Select(query) => FlatOp {
            op: "select".to_owned(),
            ..flat_query(query)
        },
        Action::Api(call) => FlatOp {
            op: "api".to_owned(),
            table: call.table.clone(),
            entity: Some(call.entity.clone()),
            action: Some(call.action.clone()),
            api: call.version,
            set: call.set.clone(),
            unless: call.unless.clone(),
            mends: joined(&call.mends),
            when: call.when.clone(),
            ..flat_query(&call.query)
        },
        Action::DropTriggers => named("drop_triggers", None),
        Action::CreateTrigger { table, reads } => FlatOp {
            reads: reads.clone(),
            ..named("create_trigger", table.as_ref())
        },
        Action::CreateRoutine => named("create_routine", None),
        Action::RebuildMultilingual {
            structure,
            existing_only,
            single,
        } => FlatOp {
            structure: structure.clone(),
            existing_only: *existing_only,
            single: single.clone(),
            ..named("rebuild_multilingual", None)
        },
        Action::ForeignKeyChecks(on) => FlatOp {
            foreign_key_checks: Some(u8::from(*on)),
            ..named("session", None)
        },
        Action::Other {
            table,
            what,
            reads,
            stops_if,
        } => FlatOp {
            note: Some(what.clone()),
            reads: reads.clone(),
            stops_if: stops_if.clone(),
            ..named("other", table.as_ref())
        },
    }
}

fn flat_table(table: &NewTable) -> FlatOp {
    let columns = table
        .columns
        .iter()
        .map(|(name, column)| FlatColumnOrName::Column(Box::new(FlatColumn::write(name, column))));
    FlatOp {
        op: "create_table".to_owned(),
        table: Some(table.name.clone()),
        if_not_exists: table.if_not_exists,
        temporary: table.temporary,
        like: table.like.clone(),
        from_select: table.from_select,
        columns: columns.collect(),
        primary: table.primary.clone(),
        indexes: (table.indexes.iter())
            .map(|(name, index)| FlatIndex::write(name, index))
            .collect(),
        foreign_keys: (table.foreign_keys.iter())
            .map(|(name, key)| FlatForeignKey::write(name.as_ref(), key))
            .collect(),
        engine: table.engine.clone(),
        charset: table.charset.clone(),
        collation: table.collation.clone(),
        localized: (!table.localized.is_empty())
            .then(|| FlatLocalized::Columns(table.localized.clone())),
        reads: table.reads.clone(),
        ..FlatOp::default()
    }
}
