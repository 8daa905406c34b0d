//! The numbers that people check by hand after a restore or an upgrade.

use std::collections::BTreeMap;

#[cfg(test)]
#[cfg(test)]
use schemars::JsonSchema;
use serde::Serialize;

/// What is counted of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// The table.
    pub table: &'static str,
    /// What its rows are called.
    pub title: &'static str,
    /// The columns by which they are counted.
    pub by: &'static [&'static str],
    /// The column of amounts that are added up.
    pub sum: Option<&'static str>,
}

/// What is counted, in the order of reports.
pub const COUNTS: &[Count] = &[
    Count::of("civicrm_contact", "contacts", &["contact_type"]),
    Count {
        sum: Some("total_amount"),
        ..Count::of(
            "civicrm_contribution",
            "contributions",
            &["contribution_status_id", "currency"],
        )
    },
    Count::of("civicrm_membership", "memberships", &["status_id"]),
    Count::of("civicrm_participant", "participants", &["status_id"]),
    Count::of("civicrm_activity", "activities", &[]),
    Count::of("civicrm_group", "groups", &[]),
    Count::of("civicrm_group_contact", "group contacts", &["status"]),
    Count::of("civicrm_relationship", "relationships", &[]),
    Count::of("civicrm_case", "cases", &["status_id"]),
    Count::of("civicrm_mailing", "mailings", &[]),
];

impl Count {
    const fn of(table: &'static str, title: &'static str, by: &'static [&'static str]) -> Self {
        Self {
            table,
            title,
            by,
            sum: None,
        }
    }

    /// What is counted of the table of this name in lower case.
    pub fn of_table(table: &str) -> Option<&'static Self> {
        COUNTS.iter().find(|count| count.table == table)
    }
}

/// The most kinds of rows that are counted apart; the rest is counted together.
const MAX_KINDS: usize = 500;

/// The number of rows of each kind, by the values that make the kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals(BTreeMap<Vec<String>, Total>);

/// A number of rows, and the sum of their amounts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct Total {
    /// The number of rows.
    pub rows: u64,
    /// The sum of the amounts in hundredths, where there are any.
    pub hundredths: Option<i64>,
}

impl Totals {
    /// Counts a row: the values that make its kind, and its amount.
    pub fn count<'v>(
        &mut self,
        kind: impl Iterator<Item = Option<&'v [u8]>>,
        amount: Option<&[u8]>,
    ) {
        let text = |value: Option<&[u8]>| match value {
            Some(value) => String::from_utf8_lossy(value).into_owned(),
            None => String::new(),
        };
        let mut kind: Vec<String> = kind.map(text).collect();
        if self.0.len() >= MAX_KINDS && !self.0.contains_key(&kind) {
            kind = vec!["others".to_owned()];
        }
        let total = self.0.entry(kind).or_default();
        total.rows += 1;
        if let Some(amount) = amount.and_then(hundredths) {
            let sum = total.hundredths.unwrap_or(0);
            total.hundredths = Some(sum.saturating_add(amount));
        }
    }

    /// Adds the numbers of other rows.
    pub fn merge(&mut self, other: &Self) {
        for (kind, more) in &other.0 {
            let total = self.0.entry(kind.clone()).or_default();
            total.rows += more.rows;
            total.hundredths = match (total.hundredths, more.hundredths) {
                (Some(ours), Some(theirs)) => Some(ours.saturating_add(theirs)),
                (ours, theirs) => ours.or(theirs),
            };
        }
    }

    /// The kinds of rows with their numbers, in the order of the kinds.
    pub fn iter(&self) -> impl Iterator<Item = (&[String], Total)> {
        self.0.iter().map(|(kind, total)| (kind.as_slice(), *total))
    }

    /// The number of rows of a kind.
    pub fn of(&self, kind: &[String]) -> Total {
        self.0.get(kind).copied().unwrap_or_default()
    }
}

/// An amount in hundredths; what is behind them is cut off.
fn hundredths(amount: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(amount).ok()?;
    let (is_negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits: String = fraction.chars().chain("00".chars()).take(2).collect();
    let whole: i64 = whole.parse().ok()?;
    let value = whole.checked_mul(100)?.checked_add(digits.parse().ok()?)?;
    Some(if is_negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_added_up_to_the_cent() {
        let mut totals = Totals::default();
        for amount in ["10", "0.1", "0.05", "-3.155", "x"] {
            let kind = [Some(&b"1"[..]), None].into_iter();
            totals.count(kind, Some(amount.as_bytes()));
        }
        let kind = ["1".to_owned(), String::new()];
        let total = Total {
            rows: 5,
            hundredths: Some(700),
        };
        assert_eq!(totals.of(&kind), total);
    }
}
