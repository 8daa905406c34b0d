//! What an operation takes away before a later one needs it gone, read from the words of the facts.

/// Rows that an operation mends. Names are in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Mended {
    /// NULLs of a column get a value.
    Nulls {
        /// The table.
        table: String,
        /// The column.
        column: String,
    },
    /// Rows without a parent go, or no longer refer to it.
    Orphans {
        /// The table.
        table: String,
        /// The column that refers.
        column: String,
        /// The parent table and its column, where the facts name them.
        parent: Option<(String, String)>,
    },
    /// Of rows that are equal in some columns one stays.
    Duplicates {
        /// The table.
        table: String,
        /// The columns; empty where the facts do not name them.
        columns: Vec<String>,
    },
}

impl Mended {
    /// The NULLs of a column of a table.
    pub fn nulls(table: &str, column: &str) -> Self {
        Self::Nulls {
            table: table.to_ascii_lowercase(),
            column: column.to_ascii_lowercase(),
        }
    }

    /// Reads `null T.c`, `duplicate T.c,d`, `orphan T.c > R.k`, and older forms in words about the table of the
    /// operation; `None` for words about anything else.
    pub fn read(table: &str, words: &str) -> Option<Self> {
        let table = table.to_ascii_lowercase();
        let words = words.to_ascii_lowercase();
        let (kind, rest) = words.split_once(' ').unwrap_or((&words, ""));
        let place = |text: &str| {
            let (table, column) = text.trim().split_once('.')?;
            Some((table.to_owned(), column.to_owned()))
        };
        Some(match kind {
            "null" => {
                let column = rest.trim_start_matches("in ").to_owned();
                let (table, column) = place(rest).unwrap_or((table, column));
                Self::Nulls { table, column }
            }
            "orphan" => {
                let (child, parent) = rest.split_once(" > ").unwrap_or((rest, ""));
                let (table, column) = place(child)?;
                Self::Orphans {
                    table,
                    column,
                    parent: place(parent),
                }
            }
            "rows" => Self::Orphans {
                column: format!("{}_id", rest.strip_prefix("without ")?),
                parent: None,
                table,
            },
            "duplicate" => {
                let (table, columns) = place(rest).unwrap_or((rest.to_owned(), String::new()));
                let columns = columns.split(' ').next().unwrap_or_default();
                Self::Duplicates {
                    table,
                    columns: columns.split(',').map(str::to_owned).collect(),
                }
            }
            "duplicates" => Self::Duplicates {
                table,
                columns: listed(rest.trim_start_matches("of ")),
            },
            _ => return None,
        })
    }
}

/// Columns as words list them: `a, b` or `(a, b): and more words`. None where something else is listed.
fn listed(words: &str) -> Vec<String> {
    let inner = words
        .strip_prefix('(')
        .and_then(|rest| rest.split_once(')'));
    let names = inner.map_or(words, |(names, _)| names).split(", ");
    let names: Vec<String> = names.map(str::to_owned).collect();
    let is_name = |name: &String| {
        name.chars()
            .all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
    };
    if names.iter().all(is_name) {
        names
    } else {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_mended_is_read_from_the_words_of_the_facts() {
        let owned = |text: &str| text.to_owned();
        let duplicates = |table: &str, columns: &[&str]| Mended::Duplicates {
            table: owned(table),
            columns: columns.iter().map(|&column| owned(column)).collect(),
        };
        let nulls = Mended::Nulls {
            table: owned("t"),
            column: owned("c"),
        };
        for (words, mended) in [
            ("null T.c", Some(nulls.clone())),
            ("NULL in c", Some(nulls)),
            (
                "orphan T.c > R.k",
                Some(Mended::Orphans {
                    table: owned("t"),
                    column: owned("c"),
                    parent: Some((owned("r"), owned("k"))),
                }),
            ),
            ("duplicate T.c,d", Some(duplicates("t", &["c", "d"]))),
            (
                "duplicates of (c, d): the lowest id is kept",
                Some(duplicates("t", &["c", "d"])),
            ),
            (
                "duplicates of setting activity_tab_filter",
                Some(duplicates("t", &[])),
            ),
            ("0 in is_active", None),
        ] {
            assert_eq!(Mended::read("T", words), mended, "{words}");
        }
    }
}
