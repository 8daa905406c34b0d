//! The version of a server: family, numbers, and comparisons of them.

use std::cmp::Ordering;
use std::fmt;

/// The family of a server: MySQL (with Percona Server and the like) or MariaDB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// MySQL and servers that follow its numbering.
    Mysql,
    /// MariaDB and servers that follow its numbering.
    Mariadb,
}

/// A server's family and version number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerVersion {
    /// MySQL or MariaDB.
    pub family: Family,
    /// Major, minor and patch number; parts that the text leaves out are 0.
    pub number: (u32, u32, u32),
    /// The version as the server or dump gives it.
    pub text: String,
}

impl ServerVersion {
    /// Reads what `SELECT VERSION()` and dump headers print: `5.7.37`, `8.0.36-28`,
    /// `10.11.6-MariaDB-0+deb12u1`, `5.5.5-10.3.38-MariaDB`. A first number of 10 to 20 without a name is taken
    /// for MariaDB: MySQL has no such version. `None` for text that is not a version.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let mariadb = text.to_ascii_lowercase().contains("mariadb");
        // MariaDB before 11 puts 5.5.5- before its number for the sake of old replicas.
        let digits = match text.strip_prefix("5.5.5-") {
            Some(rest) if mariadb => rest,
            _ => text,
        };
        let number = parse_number(digits)?;
        let family = if mariadb || (10..=20).contains(&number.0) {
            Family::Mariadb
        } else {
            Family::Mysql
        };
        Some(Self {
            family,
            number,
            text: text.to_owned(),
        })
    }

    /// Reads `--target-server`: `mariadb-10.6`, `mysql-8.4`, `mysql-8.0.36`. A number left out means the latest
    /// of its series, because servers are usually kept up to date.
    pub fn parse_target(text: &str) -> Result<Self, String> {
        let wrong = || format!("'{text}' is not a server: write mysql-8.4 or mariadb-10.11");
        let (name, number) = text.split_once('-').ok_or_else(wrong)?;
        let family = match name.to_ascii_lowercase().as_str() {
            "mysql" | "percona" => Family::Mysql,
            "mariadb" => Family::Mariadb,
            _ => return Err(wrong()),
        };
        if !number.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
            return Err(wrong());
        }
        let mut parts = number.split('.').map(str::parse::<u32>);
        let mut next = || parts.next().unwrap_or(Ok(u32::MAX)).map_err(|_| wrong());
        let number_given = (next()?, next()?, next()?);
        Ok(Self {
            family,
            number: number_given,
            text: number.to_owned(),
        })
    }

    /// Whether this is a server of `family` with at least the version `number`.
    pub fn at_least(&self, family: Family, number: (u32, u32, u32)) -> bool {
        self.family == family && self.number.cmp(&number) != Ordering::Less
    }
}

fn parse_number(text: &str) -> Option<(u32, u32, u32)> {
    let mut parts = text
        .split(|c: char| !c.is_ascii_digit() && c != '.')
        .next()?
        .split('.')
        .map(|part| part.parse::<u32>().ok());
    let major = parts.next()??;
    let mut next = || parts.next().flatten().unwrap_or(0);
    Some((major, next(), next()))
}

impl fmt::Display for ServerVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let family = match self.family {
            Family::Mysql => "MySQL",
            Family::Mariadb => "MariaDB",
        };
        write!(f, "{family}")?;
        let (major, minor, patch) = self.number;
        for (mark, part) in [(" ", major), (".", minor), (".", patch)] {
            if part != u32::MAX {
                write!(f, "{mark}{part}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_real_servers_are_told_apart() {
        let shown = |text: &str| ServerVersion::parse(text).map(|v| (v.to_string(), v.number));
        for (text, expected, number) in [
            ("5.7.37", "MySQL 5.7.37", (5, 7, 37)),
            ("8.0.36-28", "MySQL 8.0.36", (8, 0, 36)),
            (
                "10.11.19-MariaDB-0+deb12u1",
                "MariaDB 10.11.19",
                (10, 11, 19),
            ),
            ("5.5.5-10.3.38-MariaDB-log", "MariaDB 10.3.38", (10, 3, 38)),
            ("5.5.64-MariaDB", "MariaDB 5.5.64", (5, 5, 64)),
            ("5.1.66-0ubuntu0.10.04.1", "MySQL 5.1.66", (5, 1, 66)),
            ("9.7.4", "MySQL 9.7.4", (9, 7, 4)),
        ] {
            assert_eq!(shown(text), Some((expected.to_owned(), number)), "{text}");
        }
        assert_eq!(ServerVersion::parse("unknown"), None);
    }

    #[test]
    fn targets_name_family_and_version() {
        let target = ServerVersion::parse_target("mariadb-10.6").unwrap();
        assert!(target.at_least(Family::Mariadb, (10, 6, 18)));
        assert!(!target.at_least(Family::Mariadb, (10, 7, 0)));
        assert_eq!(target.to_string(), "MariaDB 10.6");
        assert!(!target.at_least(Family::Mysql, (5, 0, 0)));
        for wrong in ["oracle-9", "mysql", "mysql-", "mysql-8x", ""] {
            assert!(ServerVersion::parse_target(wrong).is_err(), "{wrong}");
        }
    }
}
