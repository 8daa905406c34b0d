//! Triggers and functions: the names that CiviCRM 5.81 gives them, with bodies of our own.

/// A trigger of `table`.
pub struct Trigger {
    pub timing: &'static str,
    pub event: &'static str,
    pub body: String,
}

const CREATED: &str = "SET NEW.created_date = CURRENT_TIMESTAMP;";
const DIGITS: &str = "SET NEW.phone_numeric = civicrm_strip_non_numeric(NEW.phone);";
const CASES_OF_ACTIVITY: &str = "UPDATE civicrm_case SET modified_date = NOW()
  WHERE id IN (SELECT case_id FROM civicrm_case_activity WHERE activity_id = OLD.id);";

/// The body holds lines that begin like the statements of a dump: whoever reads by lines is fooled.
const CACHE_RELATIONSHIP: &str = "DELETE FROM civicrm_relationship_cache WHERE relationship_id = NEW.id;
INSERT INTO civicrm_relationship_cache (relationship_id, relationship_type_id, orientation, near_contact_id, near_relation, far_contact_id, far_relation, is_active, start_date, end_date, case_id)
SELECT NEW.id, kind.id, 'a_b', NEW.contact_id_a, kind.name_a_b, NEW.contact_id_b, kind.name_b_a, NEW.is_active, NEW.start_date, NEW.end_date, NEW.case_id
FROM civicrm_relationship_type kind WHERE kind.id = NEW.relationship_type_id;
INSERT INTO civicrm_relationship_cache (relationship_id, relationship_type_id, orientation, near_contact_id, near_relation, far_contact_id, far_relation, is_active, start_date, end_date, case_id)
SELECT NEW.id, kind.id, 'b_a', NEW.contact_id_b, kind.name_b_a, NEW.contact_id_a, kind.name_a_b, NEW.is_active, NEW.start_date, NEW.end_date, NEW.case_id
FROM civicrm_relationship_type kind WHERE kind.id = NEW.relationship_type_id;";

const RENAME_RELATION: &str = "UPDATE civicrm_relationship_cache
  SET near_relation = IF(orientation = 'a_b', NEW.name_a_b, NEW.name_b_a),
    far_relation = IF(orientation = 'a_b', NEW.name_b_a, NEW.name_a_b)
  WHERE relationship_type_id = NEW.id;";

/// The triggers of `table` in the order of a dump: by event, then by timing.
pub fn triggers_of(table: &str) -> Vec<Trigger> {
    let trigger = |timing, event, body: &str| Trigger {
        timing,
        event,
        body: body.to_owned(),
    };
    let touch = |event, column: &str| {
        let row = if event == "delete" { "OLD" } else { "NEW" };
        let body =
            format!("UPDATE civicrm_contact SET modified_date = NOW() WHERE id = {row}.{column};");
        trigger("after", event, &body)
    };
    match table {
        "civicrm_activity" => vec![
            trigger("before", "insert", CREATED),
            trigger("before", "update", CASES_OF_ACTIVITY),
            trigger("before", "delete", CASES_OF_ACTIVITY),
        ],
        "civicrm_case" | "civicrm_contact" => vec![trigger("before", "insert", CREATED)],
        "civicrm_case_activity" => vec![trigger(
            "after",
            "insert",
            "UPDATE civicrm_case SET modified_date = NOW() WHERE id = NEW.case_id;",
        )],
        "civicrm_address" | "civicrm_email" | "civicrm_im" | "civicrm_website" => {
            ["insert", "update", "delete"]
                .map(|event| touch(event, "contact_id"))
                .into()
        }
        "civicrm_value_volunteering_1" => ["insert", "update", "delete"]
            .map(|event| touch(event, "entity_id"))
            .into(),
        "civicrm_phone" => vec![
            trigger("before", "insert", DIGITS),
            touch("insert", "contact_id"),
            trigger("before", "update", DIGITS),
            touch("update", "contact_id"),
            touch("delete", "contact_id"),
        ],
        "civicrm_relationship" => vec![
            trigger("after", "insert", CACHE_RELATIONSHIP),
            trigger("after", "update", CACHE_RELATIONSHIP),
        ],
        "civicrm_relationship_type" => vec![trigger("after", "update", RENAME_RELATION)],
        _ => Vec::new(),
    }
}

/// The only function of a CiviCRM database, without its definer.
pub const FUNCTION_NAME: &str = "civicrm_strip_non_numeric";
pub const FUNCTION: &str =
    "FUNCTION `civicrm_strip_non_numeric`(input VARCHAR(255)) RETURNS varchar(255) CHARSET utf8mb4
    NO SQL
    DETERMINISTIC
BEGIN
  DECLARE digits VARCHAR(255) DEFAULT '';
  DECLARE place INT DEFAULT 1;
  WHILE place <= CHAR_LENGTH(input) DO
    IF SUBSTRING(input, place, 1) BETWEEN '0' AND '9' THEN
      SET digits = CONCAT(digits, SUBSTRING(input, place, 1));
    END IF;
    SET place = place + 1;
  END WHILE;
  RETURN digits;
END";
