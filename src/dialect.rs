//! What servers take of the collations, character sets and `sql_mode` flags that other servers have.

use crate::server_version::{Family, ServerVersion};

/// Which servers know a collation or character set by its name. Sources: manuals and release
/// notes (utf8mb4: MySQL 5.5.3; `*_0900_*`: MySQL 8.0 and, as aliases, MariaDB 11.4.5;
/// `uca1400`: MariaDB 10.10; utf8mb3 as a name in collations: MySQL 8.0.28, MariaDB 10.6).
pub fn knows_collation(target: &ServerVersion, name: &str) -> bool {
    let since = |mysql: Option<(u32, u32, u32)>, mariadb: Option<(u32, u32, u32)>| {
        let number = match target.family {
            Family::Mysql => mysql,
            Family::Mariadb => mariadb,
        };
        number.is_some_and(|number| target.number >= number)
    };
    let name = name.to_ascii_lowercase();
    // As a character set, utf8mb3 is an older name.
    if let Some(rest) = name.strip_prefix("utf8mb3_") {
        let is_named_so = since(Some((8, 0, 28)), Some((10, 6, 0)));
        return is_named_so && knows_collation(target, &format!("utf8_{rest}"));
    }
    if name.contains("uca1400") {
        since(None, Some((10, 10, 0)))
    } else if name.contains("_general1400_") {
        since(None, Some((11, 5, 0)))
    } else if name.ends_with("_tolower_ci") {
        since(Some((5, 6, 0)), None)
    } else if name.contains("_0900_") {
        let of_mariadb = !NOT_OF_MARIADB
            .iter()
            .any(|language| name.contains(language));
        since(Some((8, 0, 0)), Some((11, 4, 5)).filter(|_| of_mariadb))
    } else if name.contains("_nopad") {
        since(None, Some((10, 2, 0)))
    } else if ONLY_MARIADB.iter().any(|end| name.ends_with(end)) {
        since(None, Some((10, 1, 0)))
    } else if name.ends_with("_unicode_520_ci") {
        since(Some((5, 6, 0)), Some((10, 1, 0)))
    } else if name.starts_with("utf8mb4") {
        since(Some((5, 5, 3)), Some((5, 5, 0)))
    } else if name.starts_with("gb18030") {
        since(Some((5, 7, 4)), None)
    } else {
        true
    }
}

/// Languages whose collations of MySQL 8.0 and later MariaDB does not take (measured: MySQL 9.7 and MariaDB 11.8).
const NOT_OF_MARIADB: [&str; 10] = [
    "_bg_0900_",
    "_bs_0900_",
    "_gl_0900_",
    "_ja_0900_",
    "_mn_cyrl_0900_",
    "_nb_0900_",
    "_nn_0900_",
    "_ru_0900_",
    "_sr_latn_0900_",
    "_zh_0900_",
];

/// Ends of the names of collations that MySQL has never had.
const ONLY_MARIADB: [&str; 4] = [
    "_croatian_mysql561_ci",
    "_myanmar_ci",
    "_thai_520_w2",
    "_general_nopad_ci",
];

/// Flags that MySQL dropped with 8.0 (release notes of 8.0.11).
const DROPPED_BY_MYSQL_8: [&str; 11] = [
    "NO_AUTO_CREATE_USER",
    "NO_FIELD_OPTIONS",
    "NO_KEY_OPTIONS",
    "NO_TABLE_OPTIONS",
    "DB2",
    "MAXDB",
    "MSSQL",
    "MYSQL323",
    "MYSQL40",
    "ORACLE",
    "POSTGRESQL",
];

/// Flags that only MariaDB has (MariaDB manual, "SQL_MODE").
const MARIADB_ONLY: [&str; 4] = [
    "EMPTY_STRING_IS_NULL",
    "IGNORE_BAD_TABLE_OPTIONS",
    "SIMULTANEOUS_ASSIGNMENT",
    "TIME_ROUND_FRACTIONAL",
];

/// Whether a server refuses a `sql_mode` flag, given in capitals, with error 1231.
pub fn refuses_sql_mode(target: &ServerVersion, flag: &str) -> bool {
    match target.family {
        Family::Mysql => {
            MARIADB_ONLY.contains(&flag)
                || target.number >= (8, 0, 11) && DROPPED_BY_MYSQL_8.contains(&flag)
        }
        Family::Mariadb => flag == "TIME_TRUNCATE_FRACTIONAL",
    }
}

/// Languages that collations are made for: the code in the names of MySQL 8.0, and the word in those of other
/// servers.
const LANGUAGES: [(&str, &str); 20] = [
    ("cs", "czech"),
    ("da", "danish"),
    ("de_pb", "german2"),
    ("eo", "esperanto"),
    ("es", "spanish"),
    ("es_trad", "spanish2"),
    ("et", "estonian"),
    ("hr", "croatian"),
    ("hu", "hungarian"),
    ("is", "icelandic"),
    ("la", "roman"),
    ("lt", "lithuanian"),
    ("lv", "latvian"),
    ("pl", "polish"),
    ("ro", "romanian"),
    ("sk", "slovak"),
    ("sl", "slovenian"),
    ("sv", "swedish"),
    ("tr", "turkish"),
    ("vi", "vietnamese"),
];

/// What a collation of the Unicode algorithm's newer versions compares.
struct Unicode<'a> {
    charset: &'a str,
    /// The language as its code in MySQL and as a word.
    language: Option<(&'static str, &'static str)>,
    /// Whether blanks at the end count.
    nopad: bool,
    /// `ai_ci`, `as_ci`, `as_cs`, `ai_cs` or `bin`.
    sensitivity: &'a str,
}

impl<'a> Unicode<'a> {
    /// Reads `utf8mb4_sv_0900_ai_ci`, `utf8mb4_uca1400_swedish_nopad_ai_ci` or `uca1400_ai_ci`, in lower case.
    fn parse(name: &'a str) -> Option<Self> {
        if let Some((before, sensitivity)) = name.split_once("_0900_") {
            let (charset, code) = before.split_once('_').unwrap_or((before, ""));
            return Some(Self {
                charset,
                language: LANGUAGES.into_iter().find(|(known, _)| *known == code),
                nopad: true,
                // Only Japanese has it: whether the two kinds of kana are told apart.
                sensitivity: sensitivity.trim_end_matches("_ks"),
            });
        }
        let (before, rest) = name.split_once("uca1400_")?;
        let charset = before.trim_end_matches('_');
        let sensitivity = rest.get(rest.len().checked_sub(5)?..)?;
        let words = || rest.split('_');
        Some(Self {
            charset: if charset.is_empty() {
                "utf8mb4"
            } else {
                charset
            },
            language: LANGUAGES
                .into_iter()
                .find(|(_, word)| words().next() == Some(*word)),
            nopad: words().any(|word| word == "nopad"),
            sensitivity,
        })
    }

    /// The names of collations that compare likewise, the nearest first.
    fn names(&self) -> Vec<String> {
        let Self {
            charset,
            language,
            nopad,
            sensitivity,
        } = self;
        let is_loose = *sensitivity == "ai_ci";
        let mut names = Vec::new();
        let language_code = language.map(|(code, _)| format!("{code}_"));
        let sensitivity_of_mysql = match (*sensitivity, language) {
            // Those of languages are loose in both or in nothing.
            ("ai_cs", _) | ("as_ci", Some(_)) => "as_cs",
            (other, _) => other,
        };
        if *charset == "utf8mb4" {
            for code in language_code.into_iter().chain([String::new()]) {
                names.push(format!("utf8mb4_{code}0900_{sensitivity_of_mysql}"));
            }
        }
        let pad = if *nopad { "nopad_" } else { "" };
        if *sensitivity != "bin" {
            let word = language.map(|(_, word)| format!("{word}_"));
            let word = word.unwrap_or_default();
            names.push(format!("{charset}_uca1400_{word}{pad}{sensitivity}"));
        }
        // What only tells more apart than before keeps unique keys unique.
        match (is_loose, language) {
            (true, Some((_, word))) => names.push(format!("{charset}_{word}_ci")),
            (true, None) => {
                names.push(format!("{charset}_unicode_520_{pad}ci"));
                names.push(format!("{charset}_unicode_520_ci"));
                names.push(format!("{charset}_unicode_ci"));
            }
            (false, _) => {
                names.push(format!("{charset}_{pad}bin"));
                names.push(format!("{charset}_bin"));
            }
        }
        names
    }
}

/// The collation that a server gives a canonical character set for which none is named, where it is not that of older
/// servers: MySQL 8.0 and later (utf8mb4), and MariaDB 11.5 and later (its variable `character_set_collations`).
pub fn newer_default_collation(server: &ServerVersion, charset: &str) -> Option<String> {
    let is_unicode = ["utf8mb4", "utf8mb3", "ucs2", "utf16", "utf32"].contains(&charset);
    if is_unicode && server.at_least(Family::Mariadb, (11, 5, 0)) {
        return Some(format!("{charset}_uca1400_ai_ci"));
    }
    let is_of_mysql = charset == "utf8mb4" && server.at_least(Family::Mysql, (8, 0, 0));
    is_of_mysql.then(|| "utf8mb4_0900_ai_ci".to_owned())
}

/// The collation of those that `target` knows which compares most like the one of this name; `None` where there is
/// none, or where the name is that of a character set. Where one is loose in accents or letter case alone, and the server
/// has none like it, the nearest tells all apart: rows of a unique key stay different.
pub fn nearest_collation(target: &ServerVersion, name: &str) -> Option<String> {
    let name = name.to_ascii_lowercase();
    let mut names = match Unicode::parse(&name) {
        Some(unicode) => unicode.names(),
        None => vec![
            name.replace("_nopad", ""),
            name.replace("_tolower_ci", "_general_ci"),
            name.replace("_general1400_as_ci", "_bin"),
            name.replace("_general_nopad_ci", "_general_ci"),
            name.replace("_croatian_mysql561_ci", "_croatian_ci"),
            name.replace("_myanmar_ci", "_unicode_520_ci"),
            name.replace("_thai_520_w2", "_unicode_520_ci"),
            name.replace("_unicode_520_ci", "_unicode_ci"),
            name.replace("_unicode_520_nopad_ci", "_unicode_ci"),
        ],
    };
    // Servers that do not know the newer name of the character set know the older one.
    let older = names
        .iter()
        .filter_map(|name| name.strip_prefix("utf8mb3_"));
    let older: Vec<String> = older.map(|rest| format!("utf8_{rest}")).collect();
    names.extend(older);
    let has_charset = |candidate: &String| candidate.contains('_') && *candidate != name;
    names
        .into_iter()
        .filter(has_charset)
        .find(|candidate| knows_collation(target, candidate))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_collation_is_one_that_the_server_has() {
        for (target, name, nearest) in [
            (
                "mariadb-10.5",
                "utf8mb4_0900_ai_ci",
                Some("utf8mb4_unicode_520_nopad_ci"),
            ),
            (
                "mariadb-10.11",
                "utf8mb4_0900_ai_ci",
                Some("utf8mb4_uca1400_nopad_ai_ci"),
            ),
            (
                "mariadb-10.11",
                "utf8mb4_sv_0900_ai_ci",
                Some("utf8mb4_uca1400_swedish_nopad_ai_ci"),
            ),
            (
                "mariadb-10.5",
                "utf8mb4_sv_0900_ai_ci",
                Some("utf8mb4_swedish_ci"),
            ),
            (
                "mariadb-10.5",
                "utf8mb4_0900_as_cs",
                Some("utf8mb4_nopad_bin"),
            ),
            (
                "mariadb-10.11",
                "utf8mb4_ja_0900_as_cs_ks",
                Some("utf8mb4_uca1400_nopad_as_cs"),
            ),
            (
                "mariadb-10.5",
                "utf8mb4_0900_bin",
                Some("utf8mb4_nopad_bin"),
            ),
            (
                "mysql-5.7",
                "utf8mb4_0900_ai_ci",
                Some("utf8mb4_unicode_520_ci"),
            ),
            (
                "mysql-9.7",
                "utf8mb4_uca1400_ai_ci",
                Some("utf8mb4_0900_ai_ci"),
            ),
            ("mysql-9.7", "uca1400_ai_ci", Some("utf8mb4_0900_ai_ci")),
            (
                "mysql-9.7",
                "utf8mb4_uca1400_swedish_as_ci",
                Some("utf8mb4_sv_0900_as_cs"),
            ),
            (
                "mysql-9.7",
                "utf8mb3_uca1400_ai_ci",
                Some("utf8mb3_unicode_520_ci"),
            ),
            (
                "mysql-5.7",
                "utf8mb3_uca1400_ai_ci",
                Some("utf8_unicode_520_ci"),
            ),
            ("mysql-5.7", "utf8mb3_unicode_ci", Some("utf8_unicode_ci")),
            ("mysql-9.7", "latin1_nopad_bin", Some("latin1_bin")),
            (
                "mysql-9.7",
                "utf8mb4_croatian_mysql561_ci",
                Some("utf8mb4_croatian_ci"),
            ),
            ("mariadb-10.11", "gb18030", None),
        ] {
            let target = ServerVersion::parse_target(target).expect("a server");
            let found = nearest_collation(&target, name);
            assert_eq!(found.as_deref(), nearest, "{name} on {target}");
            if let Some(found) = &found {
                assert!(knows_collation(&target, found), "{found} on {target}");
            }
        }
    }
}
