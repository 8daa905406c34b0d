//! The table of requirements against the facts it was made from.

use cividb::civicrm::privileges::{UpgradeFacts, needed_for_upgrade};
use cividb::civicrm::release::Version;
use cividb::civicrm::requirements::Requirements;
use cividb::server_version::ServerVersion;
use serde_json::Value;

use crate::common;

fn facts() -> Option<Value> {
    let path = common::shared()?.join("facts/requirements.json");
    let text = std::fs::read_to_string(path).expect("the facts can be read");
    Some(serde_json::from_str(&text).expect("JSON"))
}

fn version(value: &Value) -> Option<Version> {
    Version::parse(value.as_str()?.split(' ').next()?)
}

#[test]
fn every_release_asks_for_what_the_facts_say() {
    let Some(facts) = facts() else { return };
    let releases = facts["releases"].as_array().expect("releases");
    assert!(releases.len() > 100);
    for release in releases {
        let number = version(&release["version"]).expect("a release");
        let requirements = Requirements::of(&number);
        let is = |key: &str, found: Option<(u32, u32, u32)>| {
            let expected = version(&release[key]);
            let found = found.map(|(major, minor, patch)| {
                let short = format!("{major}.{minor}");
                let text = if patch == 0 {
                    short
                } else {
                    format!("{short}.{patch}")
                };
                Version::parse(&text).expect("a version")
            });
            assert_eq!(found, expected, "{key} of {number}");
        };
        is("mysql_min", Some(requirements.mysql_minimum));
        is("mysql_recommended", requirements.mysql_recommended);
        is("mariadb_min", requirements.mariadb_minimum);
        is("mariadb_recommended", requirements.mariadb_recommended);
    }
}

#[test]
fn the_privileges_of_the_guides_are_the_ones_needed() {
    let Some(facts) = facts() else { return };
    let server = ServerVersion::parse("5.5.62").expect("a server");
    for (key, target) in [("base_4_2", "4.2.22"), ("upgrade_4_4", "4.4.21")] {
        let target = Version::parse(target).expect("a release");
        let needs = needed_for_upgrade(&target, &server, &UpgradeFacts::default());
        let mut found: Vec<&str> = needs
            .iter()
            .map(|need| need.any_of[0].privilege.name())
            .collect();
        let listed = facts["privileges"][key]["privileges"].as_array();
        let listed = listed.expect("privileges").iter().map(Value::as_str);
        let mut expected: Vec<&str> = listed.map(|name| name.expect("a name")).collect();
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected, "{key}");
    }
}
