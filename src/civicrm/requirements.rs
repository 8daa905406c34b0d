//! What each CiviCRM release requires of the database server and of the database that it upgrades.

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
    /// The oldest CiviCRM whose database the release upgrades.
    pub upgradable_from: &'static str,
    /// Whether the upgrader refuses older databases. Before 4.7 it only lacks steps for them.
    pub upgradable_from_enforced: bool,
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

const OLDEST: Requirements = Requirements {
    mysql_minimum: (5, 0, 0),
    mysql_recommended: None,
    mariadb_minimum: None,
    mariadb_recommended: None,
    upgradable_from: "2.1",
    upgradable_from_enforced: false,
};

/// The releases in which something changed, and all requirements from that release on. Sources:
/// `install/index.php` up to 5.77 and `Civi/Install/Requirements.php`, and the constants of
/// `CRM/Upgrade/Form.php` and `CRM/Upgrade/Incremental/General.php` of the release given.
const CHANGES: &[((u32, u32), Requirements)] = &{
    let v2_2 = OLDEST;
    let v4_2 = Requirements {
        mysql_minimum: (5, 1, 0),
        ..v2_2
    };
    let v4_7 = Requirements {
        upgradable_from: "4.0.8",
        upgradable_from_enforced: true,
        ..v4_2
    };
    let v5_1 = Requirements {
        upgradable_from: "4.1.3",
        ..v4_7
    };
    let v5_12 = Requirements {
        upgradable_from: "4.2.9",
        ..v5_1
    };
    let v5_27 = Requirements {
        mysql_minimum: (5, 5, 0),
        mysql_recommended: Some((5, 7, 0)),
        ..v5_12
    };
    let v5_28 = Requirements {
        mysql_minimum: (5, 6, 5),
        ..v5_27
    };
    let v5_29 = Requirements {
        upgradable_from: "4.4.7",
        ..v5_28
    };
    let v5_43 = Requirements {
        upgradable_from: "4.5.9",
        ..v5_29
    };
    let v5_46 = Requirements {
        upgradable_from: "4.6.12",
        ..v5_43
    };
    let v5_52 = Requirements {
        mysql_minimum: (5, 7, 0),
        mariadb_minimum: Some((10, 2, 0)),
        mariadb_recommended: Some((10, 4, 0)),
        ..v5_46
    };
    let v5_62 = Requirements {
        upgradable_from: "4.7.31",
        ..v5_52
    };
    let v6_14 = Requirements {
        mysql_recommended: Some((8, 0, 0)),
        upgradable_from: "5.51",
        ..v5_62
    };
    [
        ((2, 2), v2_2),
        ((4, 2), v4_2),
        ((4, 7), v4_7),
        ((5, 1), v5_1),
        ((5, 12), v5_12),
        ((5, 27), v5_27),
        ((5, 28), v5_28),
        ((5, 29), v5_29),
        ((5, 43), v5_43),
        ((5, 46), v5_46),
        ((5, 52), v5_52),
        ((5, 62), v5_62),
        ((6, 14), v6_14),
    ]
};

impl Requirements {
    /// The requirements of a release. A release older than 2.2 is treated as 2.2, one newer than all known as
    /// the newest.
    pub fn of(release: &Version) -> Self {
        let number = release.major_minor();
        let newest = CHANGES.iter().rfind(|(since, _)| *since <= number);
        newest.map_or(OLDEST, |(_, requirements)| *requirements)
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

    /// Whether a database of this version can be upgraded to the release.
    pub fn upgrades_from(&self, version: &Version) -> bool {
        Version::parse(self.upgradable_from).is_none_or(|oldest| *version >= oldest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requirements(release: &str) -> Requirements {
        Requirements::of(&Version::parse(release).expect("a release"))
    }

    #[test]
    fn changes_are_in_order_so_that_the_last_one_reached_counts() {
        assert!(CHANGES.is_sorted_by(|(one, _), (next, _)| one < next));
        assert_eq!(requirements("1.9"), requirements("2.2"));
        assert_eq!(requirements("5.52.alpha1").mysql_minimum, (5, 7, 0));
        assert_eq!(requirements("5.51.3").mysql_minimum, (5, 6, 5));
        assert_eq!(requirements("7.0").upgradable_from, "5.51");
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

    #[test]
    fn the_oldest_database_that_can_be_upgraded_is_the_one_named() {
        let from = |release: &str, old: &str| {
            requirements(release).upgrades_from(&Version::parse(old).expect("a version"))
        };
        assert!(from("4.4.21", "2.2.9") && from("5.0.0", "4.0.8"));
        assert!(!from("5.0.0", "4.0.7") && !from("5.81.2", "4.6.38"));
        assert!(from("6.14.0", "5.51.0") && !from("6.14.0", "5.50.4"));
    }
}
