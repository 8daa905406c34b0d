//! Multilingual sites as the code of each release makes them, and as its upgrade steps leave them.

use cividb::checks;

use crate::common;

#[path = "../../benches/multilingual-site/site.rs"]
mod site;

use site::{Form, LATER};

fn dump(release: &str, form: impl Fn(&str, &str, &str) -> Form) -> Vec<u8> {
    site::dump(common::catalogue(), release, form)
}

/// A multilingual site of 5.81 whose domain names no language.
pub fn without_locales() -> Vec<u8> {
    let dump = dump("5.81", |_, _, _| Form::Default);
    let text = String::from_utf8(dump).expect("the dump is text");
    let at = text.find('\u{1}').expect("it names languages") - 1;
    let end = text[at + 1..].find('\'').expect("the text ends") + at + 2;
    format!("{}NULL{}", &text[..at], &text[end..]).into_bytes()
}

/// The dump of a multilingual site as the code of a release makes it.
pub fn healthy(release: &str) -> Vec<u8> {
    dump(release, |_, _, _| Form::Default)
}

/// What `diff` and `verify` find in a dump.
fn found(dump: &[u8]) -> Vec<String> {
    let case = common::case(common::snapshot_of(dump));
    let mut list = common::findings(&case, checks::DIFF).list;
    let others = common::findings(&case, checks::VERIFY).list.into_iter();
    list.extend(others.filter(|finding| finding.severity != checks::Severity::Note));
    let lines = list.iter().map(|finding| {
        let severity = finding.severity.as_str();
        format!("{severity} {}: {}", finding.check.id, finding.message)
    });
    lines.collect()
}

#[test]
fn healthy_multilingual_sites_of_all_rules_have_no_finding() {
    let is_later = |table: &str, column: &str| LATER.contains(&(table, column));
    for release in ["4.6", "5.13"] {
        assert_eq!(
            found(&dump(release, |_, _, _| Form::Nullable)),
            [""; 0],
            "{release}"
        );
    }
    for release in ["5.16", "5.40", "5.64", "5.65"] {
        assert_eq!(
            found(&dump(release, |_, _, _| Form::NoDefault)),
            [""; 0],
            "{release}"
        );
    }
    for release in [
        "5.66", "5.70", "5.75", "5.81", "6.4", "6.10", "6.12", "6.15",
    ] {
        // Multilingual from the beginning.
        assert_eq!(
            found(&dump(release, |_, _, _| Form::Default)),
            [""; 0],
            "{release}"
        );
        assert_eq!(found(&dump(release, site::mixed)), [""; 0], "{release}");
        // Upgraded, and upgraded with a language added since.
        for added in [None, Some("nl_NL")] {
            let form = |table: &str, column: &str, language: &str| match is_later(table, column) {
                true if added != Some(language) => Form::NoDefault,
                _ => Form::Default,
            };
            assert_eq!(
                found(&dump(release, form)),
                [""; 0],
                "{release}, added {added:?}"
            );
        }
    }
    // Upgraded from 5.15 or before, where no step had made the columns NOT NULL by then.
    let made_by_step = |table: &str, column: &str| {
        matches!(
            (table, column),
            ("civicrm_membership_type", "name")
                | ("civicrm_payment_processor", _)
                | ("civicrm_contribution_page", _)
                | ("civicrm_group", _)
                | ("civicrm_location_type", _)
                | ("civicrm_price_field_value", _)
        )
    };
    for release in ["5.26", "5.40", "5.65"] {
        let form = |table: &str, column: &str, _: &str| match made_by_step(table, column) {
            true => Form::NoDefault,
            false => Form::Nullable,
        };
        assert_eq!(found(&dump(release, form)), [""; 0], "{release}");
    }
}

#[test]
fn a_localized_column_that_no_code_makes_so_is_found() {
    let one = |release: &str, form: Form| {
        let usual = match release {
            "5.81" => Form::Default,
            _ => Form::NoDefault,
        };
        found(&dump(release, |table, column, language| {
            match (table, column, language) {
                ("civicrm_group", "title", "fr_FR") => form,
                _ => usual,
            }
        }))
    };
    for (release, form) in [
        ("5.81", Form::NoDefault),
        ("5.81", Form::Nullable),
        ("5.65", Form::Nullable),
    ] {
        let found = one(release, form);
        assert!(
            matches!(&found[..], [one] if one.contains("column-differs: column civicrm_group.title_fr_FR")
                // As 5.31 to 5.64 have it.
                && one.starts_with("note") == (release == "5.65")),
            "{release} {form:?} {found:#?}"
        );
    }
}

#[test]
fn a_site_that_went_back_to_one_language_keeps_its_defaults() {
    let text = common::sample();
    let label = "`label` varchar(512) COLLATE utf8mb4_unicode_ci NOT NULL";
    let changed = common::replaced(&text, &format!("{label},"), &format!("{label} DEFAULT '',"));
    assert_ne!(changed, text);
    assert_eq!(found(&changed), found(&text));
}
