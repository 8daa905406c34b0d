//! What each CiviCRM release requires of the database server.

use crate::civicrm::release::Version;
use crate::server_version::{Family, ServerVersion};

/// A server's version number: major, minor and patch number.
type Number = (u32, u32, u32);

/// The requirements of one CiviCRM release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Requirements {
    /// The oldest MySQL that the installer accepts. The upgrader checks it from 5.28 on, and warns in 5.27;
    /// before that, an older server is not noticed.
    pub mysql_minimum: Number,
    /// The MySQL version below which the upgrader warns; `None` if the release recommends none.
    pub mysql_recommended: Option<Number>,
    /// The oldest MariaDB that the release is made for; `None` if it names none. CiviCRM itself compares
    /// MariaDB's number with MySQL's minimum, so it never refuses a MariaDB.
    pub mariadb_minimum: Option<Number>,
    /// The MariaDB version that the release recommends; `None` if it recommends none.
    pub mariadb_recommended: Option<Number>,
}

/// How well a server meets the requirements of a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fitness {
    /// The server meets all requirements and recommendations.
    Fits,
    /// The server works, but this version or a later one is recommended.
    BelowRecommended(Number),
    /// The server is too old: this version or a later one is needed.
    TooOld(Number),
}

/// A value for each minor release from which it holds on. Sources: `install/index.php` up to 5.77 and
/// `Civi/Install/Requirements.php`, and the constants of `CRM/Upgrade/Form.php` and
/// `CRM/Upgrade/Incremental/General.php` of the release given.
type Changes = &'static [((u32, u32), Number)];

const MYSQL_MINIMUM: Changes = &[
    ((2, 2), (5, 0, 0)),
    ((4, 2), (5, 1, 0)),
    ((5, 27), (5, 5, 0)),
    ((5, 28), (5, 6, 5)),
    ((5, 52), (5, 7, 0)),
];
const MYSQL_RECOMMENDED: Changes = &[((5, 27), (5, 7, 0)), ((6, 14), (8, 0, 0))];
const MARIADB_MINIMUM: Changes = &[((5, 52), (10, 2, 0))];
const MARIADB_RECOMMENDED: Changes = &[((5, 52), (10, 4, 0))];
impl Requirements {
    /// The requirements of a release. A release older than 2.2 is treated as 2.2, one newer than all known as
    /// the newest.
    pub fn of(release: &Version) -> Self {
        let release = release.major_minor().max((2, 2));
        Self {
            mysql_minimum: latest(MYSQL_MINIMUM, release).unwrap_or_default(),
            mysql_recommended: latest(MYSQL_RECOMMENDED, release),
            mariadb_minimum: latest(MARIADB_MINIMUM, release),
            mariadb_recommended: latest(MARIADB_RECOMMENDED, release),
        }
    }

    /// How well a server meets the requirements. MariaDB before 10 counts as the MySQL whose number it has.
    pub fn fitness(&self, server: &ServerVersion) -> Fitness {
        let (minimum, recommended) = match server.family {
            Family::Mariadb if server.number.0 >= 10 => {
                (self.mariadb_minimum, self.mariadb_recommended)
            }
            _ => (Some(self.mysql_minimum), self.mysql_recommended),
        };
        let wants = |wanted: Option<Number>| wanted.filter(|&wanted| server.number < wanted);
        match (wants(minimum), wants(recommended)) {
            (Some(minimum), _) => Fitness::TooOld(minimum),
            (None, Some(recommended)) => Fitness::BelowRecommended(recommended),
            (None, None) => Fitness::Fits,
        }
    }
}

/// The value that holds in a release; `None` before the first.
fn latest(changes: Changes, release: (u32, u32)) -> Option<Number> {
    let newest = changes.iter().rfind(|(since, _)| *since <= release);
    newest.map(|(_, value)| *value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requirements(release: &str) -> Requirements {
        Requirements::of(&Version::parse(release).expect("a release"))
    }

    #[test]
    fn changes_are_in_order_so_that_the_last_one_reached_counts() {
        assert!(MYSQL_MINIMUM.is_sorted_by(|(one, _), (next, _)| one < next));
        assert_eq!(requirements("1.9"), requirements("2.2"));
        assert_eq!(requirements("5.52.alpha1").mysql_minimum, (5, 7, 0));
        assert_eq!(requirements("5.51.3").mysql_minimum, (5, 6, 5));
        assert_eq!(requirements("7.0"), requirements("6.14"));
    }

    #[test]
    fn servers_are_held_against_the_numbers_of_their_own_family() {
        for (release, server, fitness) in [
            ("4.1.6", "5.0.96", Fitness::Fits),
            ("4.4.21", "5.0.96", Fitness::TooOld((5, 1, 0))),
            ("5.28.0", "5.6.4", Fitness::TooOld((5, 6, 5))),
            ("5.28.0", "5.6.51", Fitness::BelowRecommended((5, 7, 0))),
            ("5.81.2", "5.7.44", Fitness::Fits),
            ("6.14.0", "5.7.44", Fitness::BelowRecommended((8, 0, 0))),
            // CiviCRM itself lets this one pass: 10.1 is more than 5.7.
            ("5.81.2", "10.1.48-MariaDB", Fitness::TooOld((10, 2, 0))),
            (
                "5.81.2",
                "10.3.39-MariaDB",
                Fitness::BelowRecommended((10, 4, 0)),
            ),
            ("5.81.2", "5.5.64-MariaDB", Fitness::TooOld((5, 7, 0))),
            ("4.6.38", "10.11.19-MariaDB", Fitness::Fits),
        ] {
            let version = ServerVersion::parse(server).expect("a server");
            let found = requirements(release).fitness(&version);
            assert_eq!(found, fitness, "{release} on {server}");
        }
    }
}
