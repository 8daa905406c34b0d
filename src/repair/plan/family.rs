//! What can be repaired, and what is asked of a plan.

use crate::schema::compare::{ColumnAspect, DifferenceKind as Kind};
use crate::server_version::ServerVersion;

/// What can be repaired.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, clap::ValueEnum)]
pub enum Family {
    /// Foreign keys that have another name than CiviCRM gives them
    FkNames,
    /// Foreign keys that are missing or have other rules
    ForeignKeys,
    /// Indexes that are missing, are different or have another name
    Indexes,
    /// Tables of other engines become InnoDB, and get their foreign keys
    Engine,
    /// Tables and columns in another character set than the rest of the database
    Charset,
    /// Triggers and functions: what to do about them
    Triggers,
    /// What a step of the upgrade to --target fails at, as far as statements mend it
    ForUpgrade,
    /// All of these but for-upgrade
    All,
    /// A new database with the structure of the release and the data of this one (--into)
    Rebuild,
}

impl Family {
    /// The name on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FkNames => "fk-names",
            Self::ForeignKeys => "foreign-keys",
            Self::Indexes => "indexes",
            Self::Engine => "engine",
            Self::Charset => "charset",
            Self::Triggers => "triggers",
            Self::ForUpgrade => "for-upgrade",
            Self::All => "all",
            Self::Rebuild => "rebuild",
        }
    }

    pub(super) fn includes(self, other: Self) -> bool {
        self == other || self == Self::All && other != Self::ForUpgrade
    }

    /// Which one mends a difference; `None` where none does.
    pub(super) fn of(kind: &Kind) -> Option<Self> {
        match kind {
            Kind::ForeignKeyName => Some(Self::FkNames),
            Kind::ForeignKeyMissing | Kind::ForeignKeyDiffers(_) => Some(Self::ForeignKeys),
            Kind::IndexMissing | Kind::IndexName | Kind::IndexDiffers(_) => Some(Self::Indexes),
            Kind::EngineDiffers => Some(Self::Engine),
            Kind::CharsetDiffers | Kind::CollationDiffers => Some(Self::Charset),
            Kind::ColumnDiffers(aspects) => aspects
                .iter()
                .all(|aspect| matches!(aspect, ColumnAspect::Charset | ColumnAspect::Collation))
                .then_some(Self::Charset),
            _ => None,
        }
    }
}

/// What to plan.
#[derive(Clone, Debug)]
pub struct Options {
    /// The family.
    pub family: Family,
    /// Also what CiviCRM's own upgrades left behind without harm.
    pub inherited: bool,
    /// The server that is to run the plan; `None` for the one of the snapshot.
    pub server: Option<ServerVersion>,
}

impl Options {
    /// A family, and nothing special.
    pub fn new(family: Family) -> Self {
        Self {
            family,
            inherited: false,
            server: None,
        }
    }
}
