//! What an account may do, against what it is to do.

use std::io::{self, Write};

use anstyle::Style;
#[cfg(test)]
#[cfg(test)]
use schemars::JsonSchema;
use serde::Serialize;

use crate::text::printable;

/// What an account may do, against what it is for.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct GrantsSummary {
    /// The account, as statements name it.
    pub account: Option<String>,
    /// The database it is judged for.
    pub database: String,
    /// What it is to do.
    pub purpose: String,
    /// Privileges that are needed and there; behind one outside the site's database stands where.
    pub there: Vec<String>,
    /// Privileges that are needed and missing.
    pub missing: Vec<&'static str>,
    /// What an administrator runs.
    pub statements: Vec<String>,
    /// What came of trying, by privilege.
    pub probed: Option<Vec<(&'static str, String)>>,
}

/// What is there, and what an administrator has to run.
pub(super) fn write(grants: &GrantsSummary, out: &mut dyn Write) -> io::Result<()> {
    let bold = Style::new().bold();
    if !grants.there.is_empty() {
        writeln!(out, "\n{bold}there{bold:#}  {}", grants.there.join(", "))?;
    }
    if let Some(probed) = &grants.probed {
        writeln!(out, "\n{bold}probed{bold:#}")?;
        for (privilege, outcome) in probed {
            writeln!(out, "  {privilege:<24} {}", printable(outcome))?;
        }
    }
    if !grants.statements.is_empty() {
        writeln!(out, "\n{bold}to run as an administrator{bold:#}")?;
        for statement in &grants.statements {
            writeln!(out, "  {}", printable(statement))?;
        }
    }
    Ok(())
}
