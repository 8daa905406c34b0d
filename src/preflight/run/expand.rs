//! One operation for each table and each language that it is meant for.

use super::Run;
use crate::civicrm::upgrade::op::{Action, Clause, Op};

impl Run<'_, '_> {
    /// The operation for each table and each language that it is meant for.
    pub(super) fn expanded(&self, op: &Op) -> Vec<Op> {
        let Action::Alter { table, clauses } = &op.action else {
            return vec![op.clone()];
        };
        let site = self.setup.case.site.as_ref();
        let tables: Vec<String> = match table.as_str() {
            "{custom_table}" => {
                let groups = site.iter().flat_map(|site| &site.custom_groups);
                groups.map(|group| group.table.clone()).collect()
            }
            "{log_table}" => {
                let names = self.schema.tables.keys();
                names
                    .filter(|name| name.starts_with("log_civicrm_"))
                    .cloned()
                    .collect()
            }
            name if name.contains('{') => Vec::new(),
            name => vec![name.to_owned()],
        };
        let clauses: Vec<Clause> = clauses
            .iter()
            .flat_map(|clause| self.localized(clause))
            .collect();
        if clauses.is_empty() {
            return Vec::new();
        }
        let of = |table| Op {
            action: Action::Alter {
                table,
                clauses: clauses.clone(),
            },
            ..op.clone()
        };
        tables.into_iter().map(of).collect()
    }

    /// The clause for each language of the site.
    fn localized(&self, clause: &Clause) -> Vec<Clause> {
        let is_for_site = clause
            .multilingual
            .is_none_or(|wanted| wanted == self.is_multilingual());
        if !is_for_site {
            return Vec::new();
        }
        let mut clauses = Vec::new();
        if clause.localized && self.is_multilingual() {
            for locale in &self.locales {
                let mut own = clause.clone();
                own.change.add_suffix(locale);
                clauses.push(own);
            }
        } else {
            clauses.push(clause.clone());
        }
        let first = self.locales.first().map_or("", String::as_str);
        let others = self.locales.get(1..).unwrap_or_default();
        clauses
            .iter()
            .flat_map(|clause| clause.of_locales(first, others))
            .collect()
    }
}
