//! What the server that runs the plan can do.

use crate::server_version::{Family, ServerVersion};

/// What the server can do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Server {
    /// RENAME INDEX.
    pub(super) rename_index: bool,
    /// Adding and dropping indexes and, unchecked, foreign keys without a copy of the table.
    pub(super) in_place: bool,
    /// Whether REFERENCES on the parent is a privilege of its own.
    pub(super) references: bool,
    /// Whether a foreign key to what is not unique is refused by default.
    pub(super) standard_keys: bool,
}

impl Server {
    /// Of a server that is not known nothing special is asked.
    pub(super) fn of(version: Option<&ServerVersion>) -> Self {
        let at_least = |mysql, mariadb| {
            version.is_some_and(|version| {
                version.at_least(Family::Mysql, mysql) || version.at_least(Family::Mariadb, mariadb)
            })
        };
        let mysql = version.is_none_or(|version| version.family == Family::Mysql);
        Self {
            rename_index: at_least((5, 7, 0), (10, 5, 2)),
            in_place: version.is_none() || at_least((5, 6, 0), (10, 0, 0)),
            references: mysql,
            standard_keys: mysql && (version.is_none() || at_least((8, 4, 0), (0, 0, 0))),
        }
    }
}
