//! What SHOW GRANTS tells of many kinds of accounts, against what servers then let them do.
//! `tests/grants/measure` made the files in `tests/grants/measured`.

use std::path::Path;

use cividb::civicrm::privileges::{UpgradeFacts, needed_for_upgrade};
use cividb::civicrm::release::Version;
use cividb::grants::{Grants, Object, Rules, judge};
use cividb::privilege::Privilege;
use cividb::server_version::{Family, ServerVersion};

const DATABASE: &str = "civi_site";

/// What `tests/grants/probe.sql` tries.
const TRIED: [Privilege; 18] = {
    use Privilege::*;
    [
        Select,
        Insert,
        Update,
        Delete,
        Create,
        Drop,
        Index,
        Alter,
        References,
        CreateTemporaryTables,
        LockTables,
        CreateView,
        ShowView,
        Trigger,
        CreateRoutine,
        Execute,
        AlterRoutine,
        Event,
    ]
};

struct Account {
    name: String,
    denied: Vec<Privilege>,
    grants: Grants,
}

struct Measured {
    rules: Rules,
    accounts: Vec<Account>,
}

fn measured() -> Vec<Measured> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/grants/measured");
    let files = std::fs::read_dir(folder).expect("measured accounts");
    files
        .map(|file| {
            let path = file.expect("a file").path();
            let stem = path.file_stem().expect("a name").to_string_lossy();
            let (server, partial_revokes) = match stem.strip_suffix("-partial_revokes") {
                Some(server) => (server, true),
                None => (&*stem, false),
            };
            let server = ServerVersion::parse_target(server).expect("a server");
            let text = std::fs::read_to_string(&path).expect("text");
            Measured {
                rules: Rules {
                    partial_revokes,
                    ..Rules::of(server)
                },
                accounts: text.trim_end().split("\n\n").map(account).collect(),
            }
        })
        .collect()
}

fn account(text: &str) -> Account {
    let value = |key: &str| {
        let mut lines = text.lines();
        let line = lines.find_map(|line| line.strip_prefix(key));
        line.unwrap_or_else(|| panic!("{key} in {text}")).trim()
    };
    let role = Some(value("# role:")).filter(|&role| role != "NULL");
    let denied = value("# denied:");
    Account {
        name: value("# ").to_owned(),
        denied: denied
            .split(", ")
            .filter(|name| !name.is_empty())
            .map(|name| Privilege::named(name).expect("a privilege"))
            .collect(),
        grants: Grants::parse(text).with_current_role(role),
    }
}

#[test]
fn every_line_of_every_server_is_read() {
    let mut seen = 0;
    for Measured { accounts, .. } in measured() {
        for Account { name, grants, .. } in accounts {
            assert_eq!(grants.unread, [], "{name}");
            let user = grants.account.expect("an account").user;
            assert_eq!(user, name);
            seen += 1;
        }
    }
    assert!(seen > 200, "{seen} accounts");
}

#[test]
fn the_privileges_read_are_those_that_the_server_grants() {
    for Measured { rules, accounts } in measured() {
        for Account {
            name,
            denied,
            grants,
        } in accounts
        {
            let there = grants.on_database(DATABASE, &rules).whole;
            for privilege in TRIED {
                // MariaDB does not look at this one, and without ALTER or SELECT the server
                // stops at those already.
                let untried = match privilege {
                    Privilege::References => {
                        rules.server.family == Family::Mariadb || !there.contains(&Privilege::Alter)
                    }
                    Privilege::ShowView => !there.contains(&Privilege::Select),
                    Privilege::LockTables => !there.contains(&Privilege::Select),
                    _ => false,
                };
                let is_denied = denied.contains(&privilege);
                assert!(
                    untried || there.contains(&privilege) != is_denied,
                    "{name} on {}: {privilege} was {}",
                    rules.server,
                    if is_denied { "denied" } else { "granted" }
                );
            }
        }
    }
}

#[test]
fn an_account_given_what_the_statements_say_has_enough() {
    let target = Version::parse("5.81.2").expect("a release");
    for Measured { rules, accounts } in measured() {
        let facts = UpgradeFacts {
            binary_logging: true,
            logging_database: Some("civi_log".to_owned()),
            ..UpgradeFacts::default()
        };
        let needs = || needed_for_upgrade(&target, &rules.server, &facts);
        for Account { name, grants, .. } in accounts {
            let before = judge(needs(), &grants, DATABASE, &rules);
            let there = grants.on_database(DATABASE, &rules).whole;
            let mut grants = grants;
            for fix in before.fixes {
                let given = Grants::parse(&fix.statement);
                assert_eq!(given.unread, [], "{name}");
                // What the server does on GRANT: partial revokes are taken back, rows are added.
                let databases: Vec<_> = given.granted.iter().map(|grant| &grant.on).collect();
                grants.restrictions.retain(|restriction| {
                    let database = Object::Database(restriction.database.clone());
                    !databases.contains(&&database)
                });
                grants.granted.extend(given.granted);
            }
            let after = judge(needs(), &grants, DATABASE, &rules);
            assert_eq!(after.missing, [], "{name} on {}", rules.server);
            let now = grants.on_database(DATABASE, &rules).whole;
            assert!(
                there.is_subset(&now),
                "{name} on {} lost some",
                rules.server
            );
        }
    }
}
