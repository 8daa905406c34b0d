//! Why a change is refused for the user's good, one value per reason.

/// A reason for which a change is not begun. Each has an id for programs ([`Refusal::id`]); the text
/// says what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Another run of cividb changes this database now.
    #[error("another repair of this database is running")]
    AnotherRun,
    /// The server copies another one.
    #[error(
        "this server is a replica; what is changed here the next statement from its source \
         may break. Repair the source"
    )]
    Replica,
    /// A dump was named where a server has to be changed.
    #[error(
        "{0} is a dump, and a dump is never changed; leave --apply out and run the \
         statements after restoring it"
    )]
    DumpUnchanged(String),
    /// A dump was named where changes have to be taken back.
    #[error("{0} is a dump; changes are taken back on the server")]
    DumpUndone(String),
    /// A dump was named where rows have to be copied.
    #[error("a rebuild copies from a running server; restore the dump first")]
    DumpCopied,
    /// A dump was named where an account is judged.
    #[error("{0} is a dump, and a dump carries no grants")]
    DumpWithoutGrants(String),
    /// Rows are to be changed and there is no place for what they were.
    #[error(
        "--orphans set-null and delete change rows; name a folder with --export that they \
         are written to first"
    )]
    NoExport,
    /// The release to upgrade to is older than the site.
    #[error("--target {0} is older than the site")]
    OldTarget(String),
    /// The command does not say what to change.
    #[error("--apply needs --fix, or --set with a release")]
    NothingToSet,
    /// The versions cannot be read.
    #[error("civicrm_domain cannot be read: {0}")]
    DomainsUnreadable(String),
    /// There is no domain whose version could be set.
    #[error("civicrm_domain has no row with an id; restore it from a backup")]
    NoDomain,
    /// The domain that was named is not there.
    #[error("there is no domain {0}")]
    UnknownDomain(u64),
    /// An upgrade is under way or has failed.
    #[error(
        "the version is {0}: an upgrade is under way or has failed, and the schema may be anything \
         between two releases. Restore the backup from before the upgrade; only without one, take out \
         what the unfinished step left behind and use --force (cividb version says which step it was)"
    )]
    PartialUpgrade(String),
    /// The version is newer than all that are known.
    #[error(
        "the version is {0}, newer than every release that this program knows, so it cannot tell \
         that the schema is another; use a newer cividb, or name the release with --set"
    )]
    TooNew(String),
    /// The release of a domain cannot be told.
    #[error("which release domain {0} should have cannot be told; name one with --set")]
    ReleaseUnknown(u64),
    /// Several versions cannot be changed at once.
    #[error(
        "civicrm_domain is {0}, not InnoDB: changes of several domains could stop half way; \
         change one after the other with --domain"
    )]
    NotTransactional(String),
    /// No schema of the release to be set is known.
    #[error("no schema of CiviCRM {0} is known to compare with; --force sets it all the same")]
    SchemaUnknown(String),
    /// The release of the schema cannot be told.
    #[error("which release the schema is cannot be told; --force sets the version all the same")]
    NotDetected,
    /// The schema is that of another release; the text says of which, and where it differs.
    #[error(
        "the schema is that of CiviCRM {0}. With a version that the schema is not, the upgrader skips steps \
         or repeats them; --force sets it all the same"
    )]
    WrongRelease(String),
    /// A rebuild without a place for the new database, on a server and with a name.
    #[error("{0}")]
    NoNewDatabase(&'static str),
    /// The new database holds something already.
    #[error("{0}")]
    NewDatabaseNotEmpty(String),
    /// The account does not see all of the database that is to be copied, and what it does not see.
    #[error(
        "this account does not see all of {0} ({1}), and what it does not see would be missing from \
         the new database; connect with another account"
    )]
    NotAllVisible(String, String),
    /// Two tables of the new database would have foreign keys of the same name.
    #[error(
        "two tables of the new database would have foreign keys of the same name ({0}); rename those \
         of the site's own tables first"
    )]
    NamesTaken(String),
    /// Rows have lost their parents.
    #[error("{0}")]
    Orphans(String),
    /// Rows of the database that is to be copied have lost their parents.
    #[error(
        "rows have lost their parents, and the new database takes none without ({0}); repair the old \
         one first: cividb repair foreign-keys --orphans set-null,delete --export DIR"
    )]
    LostParents(String),
    /// A step of a journal is not what cividb writes into journals.
    #[error("{0}")]
    JournalStep(String),
    /// What a journal says was changed has been changed again.
    #[error(
        "nothing was taken back, because not everything is as the journal says it was left ({0}); \
         --skip-changed takes back all the rest"
    )]
    ChangedSince(String),
    /// The server does not do it without harm.
    #[error("{0}")]
    Server(String),
    /// A dump was named for a server, or the other way round, where a backup comes back.
    #[error("{0}")]
    WrongSources(String),
    /// The backup is not whole, for this reason.
    #[error("the backup is not fit to go back to ({0}); cividb verify says all of it")]
    BackupNotWhole(String),
    /// Of these tables nobody can tell whose they are.
    #[error(
        "nobody can tell whether these belong to CiviCRM: {0}; --unknown keep takes them for CiviCRM's, --unknown leave \
         leaves them where they are"
    )]
    Undecided(String),
    /// Foreign keys lead from tables of CiviCRM to others, or the other way round.
    #[error("{0}")]
    References(String),
    /// The backup has something of a name that something else has in the database.
    #[error(
        "the backup brings what has the name of something that stays ({0}); rename one of the two, or say with \
         --unknown whose it is"
    )]
    NameTaken(String),
    /// The account may not do all of a rollback, in a database of this name.
    #[error("{0}")]
    NoDatabaseBeside(String),
    /// A database for the tables that come or go holds something already.
    #[error("{0}")]
    DatabaseInUse(String),
    /// A rollback of this database stands: its tables are still set aside there.
    #[error(
        "an earlier rollback has set tables of {0} aside in {1}; cividb undo takes it back, and cividb rollback \
         --finish removes them for good"
    )]
    NotFinished(String, String),
    /// A rollback of this database was taken back or had not begun: what it made ready is still in this database.
    #[error(
        "the tables of before are in force in {0}, and what an earlier rollback made ready is still in {1}; cividb rollback \
         --finish SERVER --apply removes it"
    )]
    NotRemoved(String, String),
    /// Nothing is set aside in a database.
    #[error("nothing is set aside in {0}; --set-aside names another database")]
    NothingSetAside(String),
    /// The exchange of a database is in the middle.
    #[error(
        "the exchange of the tables of {0} is in the middle; go on with cividb rollback --resume JOURNAL or back with \
         cividb undo JOURNAL first"
    )]
    ExchangeUnderWay(String),
    /// What is to be gone on with has not come as far as the exchange.
    #[error(
        "the restore had not come to its end, and {0} is as it was; cividb rollback --finish removes what was restored, \
         and the command can be given anew"
    )]
    NotRestored(String),
    /// The account does not see all of the site, for this reason.
    #[error(
        "this account does not see all of {0} ({1}), and what it does not see could not be made again; connect with \
         another account"
    )]
    SiteHidden(String, String),
    /// A trigger, view or routine cannot be read, so that it could not be made again.
    #[error("{0} of {1} cannot be read by this account, so that it could not be made again")]
    HiddenProgram(String, String),
    /// The account may not make what runs as other accounts.
    #[error(
        "triggers, views or routines of {0} run as {1}, and the account {2} may not make such again; connect with an \
         account that may (MySQL: SET_ANY_DEFINER or SET_USER_ID, MariaDB: SET USER, older servers: SUPER), or let \
         CiviCRM make its triggers again as this account before: cv flush --triggers"
    )]
    DefinersOfOthers(String, String, String),
    /// The disk of the server has too little room for both.
    #[error("{0}")]
    NoRoom(String),
    /// What was restored is not what the backup holds, for this reason.
    #[error("what was restored is not what the backup holds: {0}")]
    NotProved(String),
}

impl Refusal {
    /// The reason as one word for programs. Ids are only ever added to.
    pub fn id(&self) -> &'static str {
        match self {
            Self::AnotherRun => "another-run",
            Self::Replica => "replica",
            Self::DumpUnchanged(_)
            | Self::DumpUndone(_)
            | Self::DumpCopied
            | Self::DumpWithoutGrants(_) => "is-a-dump",
            Self::NoExport => "no-export",
            Self::OldTarget(_) => "old-target",
            Self::NothingToSet => "nothing-to-set",
            Self::DomainsUnreadable(_) => "domains-unreadable",
            Self::NoDomain => "no-domain",
            Self::UnknownDomain(_) => "unknown-domain",
            Self::PartialUpgrade(_) => "partial-upgrade",
            Self::TooNew(_) => "too-new",
            Self::ReleaseUnknown(_) => "release-unknown",
            Self::NotTransactional(_) => "not-transactional",
            Self::SchemaUnknown(_) => "schema-unknown",
            Self::NotDetected => "not-detected",
            Self::WrongRelease(_) => "wrong-release",
            Self::NoNewDatabase(_) => "no-new-database",
            Self::NewDatabaseNotEmpty(_) => "new-database-not-empty",
            Self::NotAllVisible(..) | Self::SiteHidden(..) => "not-all-visible",
            Self::NamesTaken(_) => "names-taken",
            Self::Orphans(_) | Self::LostParents(_) => "orphans",
            Self::JournalStep(_) => "journal-step",
            Self::ChangedSince(_) => "changed-since",
            Self::Server(_) => "server",
            Self::WrongSources(_) => "wrong-sources",
            Self::BackupNotWhole(_) => "backup-not-whole",
            Self::Undecided(_) => "undecided",
            Self::References(_) => "references",
            Self::NameTaken(_) => "name-taken",
            Self::NoDatabaseBeside(_) => "no-database-beside",
            Self::DatabaseInUse(_) => "database-in-use",
            Self::NotFinished(..) | Self::NotRemoved(..) => "not-finished",
            Self::NothingSetAside(_) => "nothing-set-aside",
            Self::ExchangeUnderWay(_) => "exchange-under-way",
            Self::NotRestored(_) => "not-restored",
            Self::HiddenProgram(..) => "hidden-program",
            Self::DefinersOfOthers(..) => "definers-of-others",
            Self::NoRoom(_) => "no-room",
            Self::NotProved(_) => "not-proved",
        }
    }
}
