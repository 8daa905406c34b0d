//! The accounts of the CMS, with which CiviCRM's table `civicrm_uf_match` connects contacts.

use std::collections::HashSet;

use super::platform::Platform;
use super::rows::{Tables, text};

/// The accounts of the CMS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Users {
    /// Their numbers.
    Known(HashSet<u64>),
    /// Why they are not known, as the end of a sentence.
    NotKnown(String),
}

/// Reads the numbers of the accounts.
pub(super) fn of(platform: Platform, tables: Tables) -> Users {
    let column = match platform {
        Platform::WordPress => "ID",
        Platform::Joomla => "id",
        // Its accounts are the rows of civicrm_uf_match.
        Platform::Standalone => {
            return Users::NotKnown(
                "CiviCRM Standalone has the accounts in civicrm_uf_match".into(),
            );
        }
        _ => "uid",
    };
    let prefix = match platform {
        // The sites of a network have their accounts in one table.
        Platform::WordPress if !tables.has("users", &[column]) => of_network(tables.prefix),
        _ => tables.prefix,
    };
    let tables = Tables { prefix, ..tables };
    let name = format!("{prefix}users");
    if !tables.has("users", &[column]) {
        return Users::NotKnown(format!("the table {name} is not there"));
    }
    let Some(rows) = tables.rows("users") else {
        let why = tables.why_hidden("users");
        return Users::NotKnown(match why {
            Some(why) => format!("{name}: {why}"),
            None => format!("no row of the table {name} is there"),
        });
    };
    if rows.is_empty() {
        return Users::NotKnown(format!("no row of the table {name} is there"));
    }
    let numbers = rows.iter().map(|row| text(row, column)?.parse().ok());
    match numbers.collect::<Option<HashSet<u64>>>() {
        Some(numbers) => Users::Known(numbers),
        None => Users::NotKnown(format!("{name}.{column} holds something else than numbers")),
    }
}

/// The prefix of a network, of that of one of its sites, such as `wp_` of `wp_2_`.
fn of_network(prefix: &str) -> &str {
    let without = prefix.strip_suffix('_').unwrap_or(prefix);
    let without = without.trim_end_matches(|letter: char| letter.is_ascii_digit());
    match without.ends_with('_') && without.len() < prefix.len() {
        true => without,
        false => prefix,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prefix_of_a_network_is_that_of_its_first_site() {
        for (site, network) in [
            ("wp_2_", "wp_"),
            ("wp_", "wp_"),
            ("a1_12_", "a1_"),
            ("", ""),
            ("w2_", "w2_"),
        ] {
            assert_eq!(of_network(site), network, "{site}");
        }
    }
}
