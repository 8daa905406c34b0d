//! Which rows make an operation fail.

use super::failure::{Cause, RowCause};
use super::server_model::{ServerError, ServerModel};
use crate::civicrm::upgrade::op::Op;
use crate::schema::model::Schema;

/// The answers to the questions about rows that the steps lead to.
#[derive(Debug, Default)]
pub(super) struct RowAnswers<'a> {
    list: Vec<&'a RowCause>,
}

impl RowAnswers<'_> {
    /// Why the operation fails because of rows.
    pub fn causes(&self, _op: &Op, _schema: &Schema, _server: &ServerModel) -> Vec<Cause> {
        let _ = (&self.list, ServerError::PrimaryKeyExists);
        Vec::new()
    }
}
