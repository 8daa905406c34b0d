//! The rules by which CiviCRM names database objects.

use md5::{Digest, Md5};

use crate::schema::sql::hexadecimal;

/// The number of characters of the longest name that is not hashed.
pub const LONGEST: usize = 47;

/// A name of 48 characters or more cut to its first 32 with 16 hexadecimal digits of its MD5; `None` for a
/// shorter one, which stays as it is. From CiviCRM 6.0 on, fresh installations name the foreign key of a column
/// after `<table>_<column>` so; upgraded databases keep the long name, so both are right.
pub fn hashed_name(name: &str) -> Option<String> {
    const KEPT: usize = 32;
    if name.chars().count() <= LONGEST {
        return None;
    }
    let kept: String = name.chars().take(KEPT).collect();
    let hex = hexadecimal(&Md5::digest(name));
    Some(format!("{kept}_{hex:.16}"))
}

/// Whether a table holds rows that come and go without users' doing: caches, queues, temporary tables and
/// sessions, of CiviCRM and of content management systems.
pub fn is_volatile(table: &str) -> bool {
    let own = table.strip_prefix("civicrm_");
    match own {
        Some(name) => {
            name.ends_with("cache")
                || name.starts_with("tmp_")
                || name.starts_with("import_job_")
                || name.starts_with("snap_")
                || [
                    "queue",
                    "queue_item",
                    "job_log",
                    "system_log",
                    "menu",
                    "session",
                ]
                .contains(&name)
        }
        None => {
            table.starts_with("cache")
                || [
                    "sessions",
                    "watchdog",
                    "semaphore",
                    "flood",
                    "batch",
                    "key_value_expire",
                ]
                .contains(&table)
        }
    }
}

/// Whether a trigger, view or routine has a name that CiviCRM gives: its prefix, or of a trigger the name of its table
/// followed by the moment at which it fires, as `<table>_before_insert`.
pub fn is_named_by_civicrm(name: &str, table: Option<&str>) -> bool {
    let name = name.to_lowercase();
    let of_table = table.and_then(|table| name.strip_prefix(&table.to_lowercase()));
    let moment = of_table.and_then(|rest| rest.strip_prefix('_'));
    let is_moment = |moment: &str| {
        let parts = moment.split_once('_');
        parts.is_some_and(|(timing, event)| {
            ["before", "after"].contains(&timing) && ["insert", "update", "delete"].contains(&event)
        })
    };
    name.starts_with(super::site::TABLE_PREFIX) || moment.is_some_and(is_moment)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All nine that a fresh 6.0 to 6.15 has.
    #[test]
    fn hashed_names_are_those_of_fresh_6x_installations() {
        for (table, column, name) in [
            (
                "contribution_widget",
                "contribution_page_id",
                "contribution_widget_cont_c7d58be99651efb2",
            ),
            (
                "entity_financial_account",
                "financial_account_id",
                "entity_financial_account_f2b037d116e61f16",
            ),
            (
                "financial_trxn",
                "from_financial_account_id",
                "financial_trxn_from_fina_fa6a8a09ee2dfc1b",
            ),
            (
                "mailing_event_confirm",
                "event_subscribe_id",
                "mailing_event_confirm_ev_a22e7423a6d4bc1e",
            ),
            (
                "mailing_event_trackable_url_open",
                "trackable_url_id",
                "mailing_event_trackable__8039b465c6600728",
            ),
            (
                "mailing_event_trackable_url_open",
                "event_queue_id",
                "mailing_event_trackable__ad26eb064febf4ff",
            ),
            (
                "mailing_event_unsubscribe",
                "event_queue_id",
                "mailing_event_unsubscrib_ae08500230bbddef",
            ),
            (
                "membership_block",
                "membership_type_default",
                "membership_block_members_5bf5f72863499b6f",
            ),
            (
                "payment_processor",
                "payment_processor_type_id",
                "payment_processor_paymen_8a4990fe4b1eb6fd",
            ),
        ] {
            let hashed = hashed_name(&format!("civicrm_{table}_{column}"));
            assert_eq!(hashed, Some(format!("civicrm_{name}")));
        }
    }

    #[test]
    fn names_below_48_characters_have_no_hashed_form() {
        assert_eq!(hashed_name(&"x".repeat(47)), None);
        assert!(hashed_name(&"x".repeat(48)).is_some());
        assert_eq!(hashed_name("civicrm_contact_employer_id"), None);
    }
}
