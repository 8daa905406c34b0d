//! What was taken out of a dump, or would be.

use std::collections::BTreeMap;
use std::io::{self, Write};

use anstyle::Style;
use indexmap::IndexMap;
#[cfg(test)]
#[cfg(test)]
use schemars::JsonSchema;
use serde::Serialize;

use super::human::Detail;
use crate::extract::{Listed, Rewrite, Share, Subject};
use crate::text::{count, printable, thousands};

/// What was taken out of a dump, or would be.
#[derive(Clone, Debug, Default, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct ExtractSummary {
    /// The file for the result; null where it goes to standard output.
    pub into: Option<String>,
    /// The server that the result is for; null for the one that the dump came from.
    pub target: Option<String>,
    /// Whether the result was written, whole.
    pub written: bool,
    /// Bytes of text in the result, before they are compressed; null where nothing was written.
    pub bytes: Option<u64>,
    /// Rows in the result; null where nothing was written.
    pub rows: Option<u64>,
    /// The CMS whose tables are in the same database; null where none was looked for or is known.
    pub cms: Option<String>,
    /// Tables, views and programs, each with what becomes of it. Empty where all of the dump was asked for.
    pub objects: Vec<Listed>,
    /// Other databases in the dump, which are left out.
    pub databases_left_out: Vec<String>,
    /// Rows that were left out, by table.
    pub rows_left_out: BTreeMap<String, u64>,
    /// What was replaced, taken out or added.
    pub rewrites: Vec<Rewrite>,
    /// Rewrites that are not listed, because there are so many.
    pub more_rewrites: u64,
    /// Statements that were left out because nothing says which table they are about.
    pub unplaced: Vec<Rewrite>,
    /// What is taken and needs something that is left out.
    pub torn: Vec<String>,
    /// Whether the objects are listed for people.
    #[serde(skip)]
    pub is_list: bool,
}

impl ExtractSummary {
    /// What was written, in a few words.
    pub(super) fn outcome(&self) -> Option<String> {
        let rows = self.rows.filter(|_| self.written)?;
        let rewrites = self.rewrites.len() as u64 + self.more_rewrites;
        let mut words = vec![count(rows, "row")];
        let left_out: u64 = self.rows_left_out.values().sum();
        if left_out > 0 {
            words.push(format!("{} left out", count(left_out, "row")));
        }
        if rewrites > 0 {
            words.push(count(rewrites, "rewrite"));
        }
        Some(format!("extracted: {}", words.join(", ")))
    }
}

/// What was taken, what was left out, and every rewrite with its line.
pub(super) fn write(
    summary: &ExtractSummary,
    detail: Detail,
    out: &mut dyn Write,
) -> io::Result<()> {
    let bold = Style::new().bold();
    if summary.is_list {
        return list(&summary.objects, out);
    }
    if !summary.objects.is_empty() {
        shares(summary, detail, out)?;
    }
    if !summary.databases_left_out.is_empty() {
        let names = printable(&summary.databases_left_out.join(", "));
        writeln!(out, "\n{bold}other databases, left out{bold:#}  {names}")?;
    }
    if !summary.torn.is_empty() {
        writeln!(out, "\n{bold}needs what is left out{bold:#}")?;
        for sentence in &summary.torn {
            writeln!(out, "  {}", printable(sentence))?;
        }
    }
    if !summary.unplaced.is_empty() {
        writeln!(
            out,
            "\n{bold}left out, because no table tells where they belong{bold:#}"
        )?;
        for statement in &summary.unplaced {
            writeln!(
                out,
                "  line {}  {}",
                statement.line,
                printable(&statement.from)
            )?;
        }
    }
    if !summary.rewrites.is_empty() {
        writeln!(out, "\n{bold}rewritten{bold:#}")?;
        for rewrite in &summary.rewrites {
            rewrite_line(rewrite, out)?;
        }
        if summary.more_rewrites > 0 {
            writeln!(out, "  and {} more", thousands(summary.more_rewrites))?;
        }
    }
    if !summary.written {
        let what = match summary.bytes {
            Some(_) if summary.into.is_none() => "what was written is not whole",
            _ => "nothing was written",
        };
        writeln!(out, "\n{bold}{what}{bold:#}, because the dump is not whole")?;
    }
    if let (Some(bytes), true) = (summary.bytes, summary.written) {
        let into = summary.into.as_deref().unwrap_or("standard output");
        let (into, bytes) = (printable(into), thousands(bytes));
        let target = summary.target.as_ref();
        let target = target.map(|target| format!(", for {target}"));
        let target = target.unwrap_or_default();
        writeln!(
            out,
            "\n{bold}written{bold:#}  {into}{target}, {bytes} bytes of text"
        )?;
    }
    Ok(())
}

/// How many objects of each kind are taken and left out, and the names of those that are not.
fn shares(summary: &ExtractSummary, detail: Detail, out: &mut dyn Write) -> io::Result<()> {
    let bold = Style::new().bold();
    for (share, heading) in [
        (Share::All, "taken"),
        (Share::Structure, "without rows"),
        (Share::Nothing, "left out"),
    ] {
        let here: Vec<&Listed> = summary
            .objects
            .iter()
            .filter(|it| it.taken == share)
            .collect();
        if here.is_empty() {
            continue;
        }
        let mut kinds: IndexMap<&str, u64> = IndexMap::new();
        for listed in &here {
            *kinds.entry(listed.kind).or_default() += 1;
        }
        let kinds: Vec<String> = kinds
            .iter()
            .map(|(kind, number)| count(*number, kind))
            .collect();
        writeln!(out, "\n{bold}{heading}{bold:#}  {}", kinds.join(", "))?;
        if share == Share::All && detail != Detail::Verbose {
            continue;
        }
        let names = here.iter().filter(|it| it.kind != "trigger");
        let names: Vec<String> = names.map(|it| printable(&it.name)).collect();
        writeln!(out, "  {}", names.join(", "))?;
    }
    Ok(())
}

fn rewrite_line(rewrite: &Rewrite, out: &mut dyn Write) -> io::Result<()> {
    let (from, to) = (printable(&rewrite.from), printable(&rewrite.to));
    let subject = word(rewrite.subject);
    let what = match (from.is_empty(), to.is_empty()) {
        (false, true) => format!("{from} taken out"),
        (true, _) => format!("{to} added"),
        (false, false) => format!("{from} -> {to}"),
    };
    writeln!(out, "  line {:<8} {subject:<17} {what}", rewrite.line)
}

/// The subject as JSON has it.
fn word(subject: Subject) -> String {
    let word = serde_json::to_value(subject);
    let word = word.as_ref().ok().and_then(|word| word.as_str());
    word.unwrap_or_default().to_owned()
}

/// Every object on a line: what becomes of it, rows, bytes, owner, class, name, why.
fn list(objects: &[Listed], out: &mut dyn Write) -> io::Result<()> {
    let bold = Style::new().bold();
    let width = objects.iter().map(|it| it.name.chars().count()).max();
    let width = width.unwrap_or_default().min(64);
    writeln!(
        out,
        "\n{bold}{:<10} {:<9} {:<8} {:>12} {:>14}  {:<width$}  why{bold:#}",
        "taken", "kind", "owner", "rows", "bytes", "name"
    )?;
    for listed in objects {
        let taken = match listed.taken {
            Share::All => "all",
            Share::Structure => "structure",
            Share::Nothing => "nothing",
        };
        let number = |number: Option<u64>| number.map(thousands).unwrap_or_default();
        writeln!(
            out,
            "{taken:<10} {:<9} {:<8} {:>12} {:>14}  {:<width$}  {}: {}",
            listed.kind,
            listed.owner,
            number(listed.rows),
            number(listed.bytes),
            printable(&listed.name),
            listed.class,
            printable(&listed.why)
        )?;
    }
    Ok(())
}
