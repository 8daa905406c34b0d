//! From what a file says to the operation.

use super::definitions::{canonical, read_default};
use super::{FlatColumnOrName, FlatGuard, FlatLocalized, FlatOp, OpError};
use crate::civicrm::upgrade::op::{
    Action, Alteration, ApiCall, Change, Clause, Guard, Insert, InsertMode, Localized, NewTable,
    Query,
};
use crate::schema::charset;
use crate::schema::model::Column;

impl FlatOp {
    fn missing(&self, key: &'static str) -> OpError {
        OpError::Missing {
            op: self.op.clone(),
            key,
        }
    }

    fn table(&self) -> Result<String, OpError> {
        self.table.clone().ok_or_else(|| self.missing("table"))
    }

    fn name(&self) -> Result<String, OpError> {
        self.name.clone().ok_or_else(|| self.missing("name"))
    }

    fn column(&self) -> Result<(String, Column), OpError> {
        match &self.column {
            Some(FlatColumnOrName::Column(column)) => Ok(column.read()),
            _ => Err(self.missing("column")),
        }
    }

    fn column_name(&self) -> Result<String, OpError> {
        match &self.column {
            Some(FlatColumnOrName::Name(name)) => Ok(name.clone()),
            _ => Err(self.missing("column")),
        }
    }

    fn column_names(&self) -> Result<Vec<String>, OpError> {
        let names = self.columns.iter().map(|column| match column {
            FlatColumnOrName::Name(name) => Ok(name.clone()),
            FlatColumnOrName::Column(_) => Err(self.missing("columns")),
        });
        names.collect()
    }

    pub(super) fn guard(&self) -> Result<Guard, OpError> {
        let mut condition = match &self.guard {
            None => return Ok(Guard::None),
            Some(FlatGuard::Condition(condition)) => condition.clone(),
            Some(FlatGuard::Word(word)) => {
                return Ok(match word.as_str() {
                    "if-exists" => Guard::IfExists,
                    "if-absent" => Guard::IfAbsent,
                    "ignore-errors" => Guard::IgnoreErrors,
                    _ => {
                        return Err(OpError::Value {
                            op: self.op.clone(),
                            key: "guard",
                            value: word.clone(),
                        });
                    }
                });
            }
        };
        if let (Some(table), Some(column)) = (&self.table, &self.guard_absent_column) {
            condition.column_absent = Some(format!("{table}.{column}"));
        }
        // The clause looks at the type itself.
        if self.guard_column_type.is_some() || self.guard_column_type_not.is_some() {
            return Ok(Guard::None);
        }
        Ok(Guard::When(condition))
    }

    fn query(&self) -> Query {
        Query {
            reads: self.reads.clone(),
            localized: match &self.localized {
                None | Some(FlatLocalized::All(false)) => Localized::No,
                Some(FlatLocalized::All(true)) => Localized::All,
                Some(FlatLocalized::Columns(columns)) => Localized::Columns(columns.clone()),
            },
            needs: self.needs.clone(),
            fails_under: self.fails_under.clone(),
        }
    }

    fn mends(&self) -> Vec<String> {
        let mends = self.mends.iter().flat_map(|mends| mends.split("; "));
        mends.map(str::to_owned).collect()
    }

    fn change(&self) -> Result<Change, OpError> {
        Ok(Change {
            table: self.table()?,
            set: self.set.clone(),
            query: self.query(),
            mends: self.mends(),
            ignore: self.mode == Some(InsertMode::Ignore),
        })
    }

    /// The change that one clause of an ALTER TABLE makes; `None` if the operation is not such a clause.
    fn alteration(&self) -> Result<Option<Alteration>, OpError> {
        Ok(Some(match self.op.as_str() {
            "add_column" => {
                let (name, column) = self.column()?;
                let after = self.after.clone();
                Alteration::AddColumn {
                    name,
                    column,
                    after,
                }
            }
            "drop_column" => Alteration::DropColumn(self.column_name()?),
            "modify_column" | "change_column" => {
                let (to, column) = self.column()?;
                Alteration::ChangeColumn {
                    from: self.from.clone().unwrap_or_else(|| to.clone()),
                    to,
                    column,
                    after: self.after.clone(),
                    of_type: (self.guard_column_type.clone().map(Ok))
                        .or_else(|| self.guard_column_type_not.clone().map(Err)),
                }
            }
            "set_default" => Alteration::SetDefault {
                column: self.column_name()?,
                default: self.default.as_deref().and_then(read_default),
            },
            "add_index" => {
                let index = self.index.as_ref().ok_or_else(|| self.missing("index"))?;
                Alteration::AddIndex {
                    name: index.name.clone(),
                    index: index.read(),
                    absent_also: self.absent_also.clone(),
                }
            }
            "drop_index" => Alteration::DropIndex(self.name()?),
            "add_primary" => Alteration::AddPrimaryKey(self.column_names()?),
            "drop_primary" => Alteration::DropPrimaryKey,
            "add_foreign_key" => {
                let key = self.foreign_key.as_ref();
                let key = key.ok_or_else(|| self.missing("foreign_key"))?;
                Alteration::AddForeignKey {
                    name: key.name.clone(),
                    key: key.read(&self.op)?,
                }
            }
            "drop_foreign_key" => Alteration::DropForeignKey(self.name()?),
            "engine" => {
                Alteration::Engine(self.engine.clone().ok_or_else(|| self.missing("engine"))?)
            }
            "convert" => Alteration::Convert {
                charset: charset::canonical(self.charset.as_deref().unwrap_or_default()),
                collation: charset::canonical(self.collation.as_deref().unwrap_or_default()),
            },
            "auto_increment" => Alteration::AutoIncrement,
            _ => return Ok(None),
        }))
    }

    fn clause(&self) -> Result<Clause, OpError> {
        let change = self.alteration()?;
        Ok(Clause {
            change: change.ok_or_else(|| OpError::Unknown(self.op.clone()))?,
            localized: match &self.localized {
                None | Some(FlatLocalized::All(false)) => false,
                // A list names columns of this clause.
                Some(_) => true,
            },
            multilingual: self.multilingual,
            guard: self.guard()?,
        })
    }

    fn new_table(&self) -> Result<NewTable, OpError> {
        let columns = self.columns.iter().filter_map(|column| match column {
            FlatColumnOrName::Column(column) => Some(column.read()),
            FlatColumnOrName::Name(_) => None,
        });
        let keys = self.foreign_keys.iter();
        let keys = keys.map(|key| Ok((key.name.clone(), key.read(&self.op)?)));
        Ok(NewTable {
            name: self.table()?,
            if_not_exists: self.if_not_exists,
            temporary: self.temporary,
            like: self.like.clone(),
            from_select: self.from_select,
            columns: columns.collect(),
            primary: self.primary.clone(),
            indexes: (self.indexes.iter())
                .map(|index| (index.name.clone(), index.read()))
                .collect(),
            foreign_keys: keys.collect::<Result<_, OpError>>()?,
            engine: self.engine.clone(),
            charset: self.charset.as_deref().map(canonical),
            collation: self.collation.as_deref().map(canonical),
            localized: match &self.localized {
                Some(FlatLocalized::Columns(columns)) => columns.clone(),
                _ => Vec::new(),
            },
            reads: self.reads.clone(),
        })
    }

    pub(super) fn action(&self) -> Result<Action, OpError> {
        Ok(match self.op.as_str() {
            "create_table" => Action::CreateTable(Box::new(self.new_table()?)),
            "drop_table" => Action::DropTable {
                table: self.table()?,
                if_exists: self.if_exists,
            },
            "rename_table" => Action::RenameTable {
                table: self.table()?,
                to: self.to.clone().ok_or_else(|| self.missing("to"))?,
            },
            "alter_table" => Action::Alter {
                table: self.table()?,
                clauses: self
                    .clauses
                    .iter()
                    .map(Self::clause)
                    .collect::<Result<_, _>>()?,
            },
            "create_view" => Action::CreateView {
                view: self.table()?,
                reads: self.reads.clone(),
                or_replace: self.or_replace,
            },
            "drop_view" => Action::DropView {
                view: self.table()?,
                if_exists: self.if_exists,
            },
            "insert" => Action::Insert(Box::new(Insert {
                table: self.table()?,
                columns: self.column_names()?,
                mode: self.mode.ok_or_else(|| self.missing("mode"))?,
                row_columns: self.row_columns.clone(),
                rows: self.rows.clone(),
                copies: self.copies.clone(),
                query: self.query(),
            })),
            "update" => Action::Update(self.change()?),
            "delete" => Action::Delete(self.change()?),
            "select" => Action::Select(self.query()),
            "api" => Action::Api(Box::new(ApiCall {
                entity: self.entity.clone().ok_or_else(|| self.missing("entity"))?,
                action: self.action.clone().ok_or_else(|| self.missing("action"))?,
                version: self.api,
                table: self.table.clone(),
                set: self.set.clone(),
                query: self.query(),
                unless: self.unless.clone(),
                mends: self.mends(),
                when: self.when.clone(),
            })),
            "drop_triggers" => Action::DropTriggers,
            "create_trigger" => Action::CreateTrigger {
                table: self.table.clone(),
                reads: self.reads.clone(),
            },
            "create_routine" => Action::CreateRoutine,
            "rebuild_multilingual" => Action::RebuildMultilingual {
                structure: self.structure.clone(),
                existing_only: self.existing_only,
                single: self.single.clone(),
            },
            "session" => Action::ForeignKeyChecks(self.foreign_key_checks == Some(1)),
            "other" => Action::Other {
                table: self.table.clone(),
                what: self.note.clone().ok_or_else(|| self.missing("note"))?,
                reads: self.reads.clone(),
                stops_if: self.stops_if.clone(),
            },
            _ => Action::Alter {
                table: self.table()?,
                clauses: vec![Clause {
                    // The conditions stand beside the operation.
                    multilingual: None,
                    guard: Guard::None,
                    ..self.clause()?
                }],
            },
        })
    }
}
