//! Runs the operations of an upgrade on the restored database, and holds the server's errors against those that were
//! foretold.
//!
//! It is not CiviCRM's own upgrade: of rows the facts know what an operation reads, adds and mends, and no code of
//! CiviCRM runs.

use super::RehearseError;
use super::failure::{beginning, message};
use super::stage::Stage;
use crate::preflight::statements::RenderedOperation;
use crate::server::error::ServerError;

/// Errors that rows lead to: of an operation whose condition only the site can tell, they are not known.
const OF_ROWS: [u32; 7] = [1048, 1062, 1265, 1292, 1366, 1406, 1452];

/// How the operations of an upgrade went.
#[derive(Clone, Debug, Default)]
pub struct Stepped {
    /// Number of operations that were run.
    pub operations: usize,
    /// Number of their statements.
    pub statements: usize,
    /// Where it stopped, or should have.
    pub stop: Option<Stop>,
    /// Operations whose result only the site can tell, and that the server refused.
    pub unknown: Vec<String>,
}

/// An operation at which an upgrade stops, on the server, on paper, or both.
#[derive(Clone, Debug)]
pub struct Stop {
    /// The step; `None` around the steps.
    pub step: Option<String>,
    /// The title of the task.
    pub task: String,
    /// What the operation does.
    pub operation: &'static str,
    /// The table of the operation.
    pub table: Option<String>,
    /// The beginning of the statement that the server refused.
    pub statement: Option<String>,
    /// The number and the words of the server's error; `None` where the server took it.
    pub error: Option<(u32, String)>,
    /// The number of the error that was foretold; `None` where none was.
    pub foretold: Option<u32>,
}

impl Stop {
    /// Whether the server says what was foretold.
    pub fn is_foretold(&self) -> bool {
        self.error.as_ref().map(|(number, _)| *number) == self.foretold
    }
}

/// Runs operations in order, up to the first that the server refuses or that was foretold to fail.
///
/// # Errors
/// The server is gone.
pub fn run(stage: &Stage, operations: &[RenderedOperation]) -> Result<Stepped, RehearseError> {
    let mut client = stage.client()?;
    let mut stepped = Stepped::default();
    for operation in operations {
        stage.go_on()?;
        stepped.operations += 1;
        let mut refused = None;
        match &operation.statements {
            Err(blocked) => {
                stepped
                    .unknown
                    .push(format!("{}: {blocked}", described(operation)));
                continue;
            }
            Ok(statements) => {
                for statement in statements {
                    stepped.statements += 1;
                    if let Err(error) =
                        client.run("an operation of the upgrade", statement.as_bytes())
                    {
                        if error.is_lost() {
                            return Err(stage.explain(error));
                        }
                        refused = Some((statement, error));
                        break;
                    }
                }
            }
        }
        if operation.ignores_errors {
            continue;
        }
        let number = refused.as_ref().and_then(|(_, error)| number(error));
        if operation.condition.is_some() && number.is_some_and(|number| OF_ROWS.contains(&number)) {
            stepped.unknown.push(described(operation));
            continue;
        }
        if number.is_none() && operation.error.is_none() && refused.is_none() {
            continue;
        }
        stepped.stop = Some(Stop {
            step: operation.step.clone(),
            task: operation.task.clone(),
            operation: operation.operation,
            table: operation.table.clone(),
            statement: refused
                .as_ref()
                .map(|(statement, _)| beginning(statement.as_bytes())),
            error: refused
                .as_ref()
                .map(|(_, error)| (number.unwrap_or_default(), message(error))),
            foretold: operation.error,
        });
        break;
    }
    Ok(stepped)
}

fn number(error: &ServerError) -> Option<u32> {
    error.code().map(u32::from)
}

fn described(operation: &RenderedOperation) -> String {
    let step = operation.step.as_deref().unwrap_or("around the steps");
    let table = operation.table.as_deref().unwrap_or_default();
    format!(
        "{step}, {}: {} {table}",
        operation.task, operation.operation
    )
}
