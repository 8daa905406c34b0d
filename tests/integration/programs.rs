//! Triggers, views and the function of CiviCRM that are there and do something else.

use cividb::checks::{Group, Severity};
use cividb::civicrm::program_text;
use cividb::schema::model::RoutineKind;
use cividb::snapshot::Snapshot;

use crate::common;
use crate::multilingual;

/// What `check` says about programs that differ.
fn found(snapshot: Snapshot) -> Vec<String> {
    let case = common::case(snapshot);
    let findings = common::findings(&case, &[Group::Schema]).list.into_iter();
    let ours = findings.filter(|it| it.check.id == "program-differs");
    ours.map(|it| {
        assert_eq!(it.severity, Severity::Error);
        it.message
    })
    .collect()
}

fn sample() -> Snapshot {
    common::snapshot_of(&common::sample())
}

#[test]
fn every_trigger_of_civicrm_that_does_something_else_is_found() {
    assert_eq!(found(sample()), [""; 0]);
    let mut snapshot = sample();
    for trigger in snapshot.schema.triggers.values_mut() {
        trigger.body = "SET @x = 1".to_owned();
    }
    let found = found(snapshot);
    let triggers = sample().schema.triggers;
    assert_eq!(found.len(), triggers.len(), "{found:#?}");
    for message in [
        "trigger civicrm_phone_before_insert of civicrm_phone does not set phone_numeric and does not call \
         civicrm_strip_non_numeric; CiviCRM's own does",
        "trigger civicrm_email_after_delete of civicrm_email does not write to civicrm_contact; CiviCRM's own does",
        "trigger civicrm_relationship_type_after_update of civicrm_relationship_type does not write to \
         civicrm_relationship_cache; CiviCRM's own does",
    ] {
        assert!(
            found.iter().any(|it| it == message),
            "{message}: {found:#?}"
        );
    }
}

#[test]
fn what_a_trigger_does_counts_and_not_its_words() {
    let body = |body: &str| {
        let mut snapshot = sample();
        let trigger = snapshot
            .schema
            .triggers
            .get_mut("civicrm_email_after_update");
        trigger.expect("it is there").body = body.to_owned();
        found(snapshot)
    };
    for kept in [
        "UPDATE civicrm_contact SET modified_date = NOW() WHERE id IN (OLD.contact_id, NEW.contact_id)",
        "begin if new.email <> old.email then update `civicrm_contact` set `modified_date` = current_timestamp() \
         where `id` = new.`contact_id`; end if; insert into own_log values (new.id); end",
        // Nobody follows it there.
        "CALL own_changes(NEW.contact_id)",
    ] {
        assert_eq!(body(kept), [""; 0], "{kept}");
    }
    assert_eq!(
        body("SELECT modified_date INTO @x FROM civicrm_contact WHERE id = NEW.contact_id").len(),
        1
    );
    // Another trigger for the same event does it.
    let mut snapshot = sample();
    let triggers = &mut snapshot.schema.triggers;
    let trigger = triggers
        .get_mut("civicrm_email_after_update")
        .expect("it is there");
    let own = trigger.clone();
    trigger.body = "SET @x = 1".to_owned();
    triggers.insert("own".to_owned(), own);
    assert_eq!(found(snapshot), [""; 0]);
}

#[test]
fn a_function_for_phone_numbers_that_keeps_no_digits_is_found() {
    let of = |definition: &str| {
        let mut snapshot = sample();
        let name = (
            RoutineKind::Function,
            "civicrm_strip_non_numeric".to_owned(),
        );
        let function = snapshot.schema.routines.get_mut(&name);
        function.expect("it is there").definition = definition.to_owned();
        found(snapshot)
    };
    let ours = program_text::phone_function();
    let ours = ours
        .split_once('`')
        .and_then(|(_, rest)| rest.split_once('`'));
    let kept = [
        ours.expect("a name").1,
        "(input varchar(255)) RETURNS varchar(255) CHARSET utf8mb4 DETERMINISTIC RETURN REGEXP_REPLACE(input, '[^0-9]', '')",
        "(input text) RETURNS text NO SQL RETURN own_digits(input)",
    ];
    for definition in kept {
        assert_eq!(of(definition), [""; 0], "{definition}");
    }
    for (definition, lack) in [
        (
            "(i varchar(10)) RETURNS int DETERMINISTIC RETURN 1",
            "does not give a text",
        ),
        (
            "(i varchar(255)) RETURNS varchar(255) DETERMINISTIC RETURN i",
            "does not go over the characters of the number",
        ),
    ] {
        let message = format!("function civicrm_strip_non_numeric {lack}; CiviCRM's own does");
        assert_eq!(of(definition), [message], "{definition}");
    }
}

#[test]
fn a_view_of_a_language_that_shows_something_else_is_found() {
    let whole = multilingual::healthy("5.81");
    let of = |change: &dyn Fn(&str) -> String| {
        let mut snapshot = common::snapshot_of(&whole);
        let view = snapshot.schema.views.get_mut("civicrm_option_group_fr_FR");
        let view = view.expect("it is there");
        view.query = change(&view.query);
        found(snapshot)
    };
    assert_eq!(of(&str::to_owned), [""; 0]);
    let name = "view civicrm_option_group_fr_FR does not show";
    let rest = "; CiviCRM's own does";
    for (query, more) in [
        ("SELECT id, name FROM civicrm_option_group", 4),
        ("WITH x AS (SELECT 1) SELECT 1", 7),
    ] {
        let found = of(&|_| query.to_owned());
        let [one] = &found[..] else {
            panic!("{query}: {found:#?}");
        };
        assert!(one.starts_with(name), "{one}");
        assert!(one.ends_with(&format!(" and {more} more{rest}")), "{one}");
    }
    let other = of(&|query| query.replace("`title_fr_FR`", "`title_en_US`"));
    assert_eq!(other, [format!("{name} title_fr_FR as title{rest}")]);
    let fewer = of(&|query| format!("{query} WHERE is_active = 1"));
    assert_eq!(
        fewer,
        [format!("{name} every row of civicrm_option_group{rest}")]
    );
}

#[test]
fn a_trigger_that_fills_no_language_is_found() {
    let mut snapshot = common::snapshot_of(&multilingual::healthy("5.81"));
    let trigger = snapshot
        .schema
        .triggers
        .get_mut("civicrm_option_group_before_update");
    trigger.expect("it is there").body = "SET NEW.title_en_US = 'x'".to_owned();
    assert_eq!(
        found(snapshot),
        [
            "trigger civicrm_option_group_before_update of civicrm_option_group does not set title_fr_FR, title_nl_NL, \
          description_en_US and 2 more; CiviCRM's own does"
        ]
    );
}

#[test]
fn a_trigger_that_writes_no_log_is_found_where_logging_is_on() {
    let with_log = "CREATE TABLE log_civicrm_website (id int, log_date timestamp);\n";
    let text = common::with(with_log);
    let plain = sample().schema.triggers["civicrm_website_after_insert"]
        .body
        .clone();
    let logged = |body: &str| {
        let mut case = common::case(common::snapshot_of(&text));
        if let Some(site) = &mut case.site {
            site.logging = Some(true);
        }
        let triggers = &mut case.snapshot.schema.triggers;
        triggers["civicrm_website_after_insert"].body = body.to_owned();
        let findings = common::findings(&case, &[Group::Schema]).list.into_iter();
        let ours = findings.filter(|it| {
            it.check.id == "program-differs" && it.message.contains("civicrm_website_after_insert")
        });
        ours.map(|it| it.message).collect::<Vec<_>>()
    };
    assert_eq!(
        logged(&plain),
        [
            "trigger civicrm_website_after_insert of civicrm_website does not write to log_civicrm_website; CiviCRM's own does"
        ]
    );
    let changes =
        "UPDATE civicrm_contact SET modified_date = CURRENT_TIMESTAMP WHERE id = NEW.contact_id;";
    let body = format!(
        "BEGIN {changes} IF (@civicrm_disable_logging IS NULL OR @civicrm_disable_logging = 0) THEN INSERT INTO \
         `logs`.log_civicrm_website (id, log_conn_id, log_user_id, log_action) VALUES (NEW.id, COALESCE(@uniqueID, \
         LEFT(CONCAT('c_', unix_timestamp()/3600, CONNECTION_ID()), 17)), @civicrm_user_id, 'Insert'); END IF; END"
    );
    assert_eq!(logged(&body), [""; 0]);
}
